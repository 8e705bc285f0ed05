#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""sequences.py DYNADISK COUNT [--seed SEED] [--only N] [--ldmcheck FILE] [--verbose]

COUNT random sequences of shell commands on small disks. After every command:
  - a command that was refused has not changed a byte;
  - other readers accept what is there: ldmcheck (where it is), ldmtool, sgdisk, fsck.fat, ntfsfix;
  - volumes that are still at their place, and were not what the command was to change, hold the same bytes;
  - undone, the disks are what they were bit for bit, unless the plan said beforehand that it cannot be undone. A group's
    database is taken back by a transaction: its sectors have moved on, what they say must be the same. Unallocated room
    that a rebuild copied to is no part of it.
A failure prints the seed, the number and the commands; --seed SEED --only N runs that sequence again."""
import argparse
import errno
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import uuid

MIB = 1 << 20
CHUNK = 1 << 16
RECOVERY = "de94bba4-06d1-4d40-a16a-bfd50179d6ac"


class Failure(Exception):
    pass


def run(args, stdin=None):
    done = subprocess.run(args, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                          timeout=120)
    return done.returncode, done.stdout


def chunks(path, start=0, size=None):
    """{chunk number: hash} of what is not zeros, holes not read."""
    found = {}
    with open(path, "rb") as f:
        fd = f.fileno()
        end = os.fstat(fd).st_size if size is None else start + size
        at = start
        while at < end:
            try:
                at = os.lseek(fd, at, os.SEEK_DATA)
            except OSError as e:
                if e.errno == errno.ENXIO:
                    break
                raise
            if at >= end:
                break
            number = (at - start) // CHUNK
            offset = start + number * CHUNK
            data = os.pread(fd, min(CHUNK, end - offset), offset)
            if data.count(0) != len(data):
                found[number] = hashlib.sha256(data).digest()
            at = offset + CHUNK
    return found


def cut_out(path, start, size, target):
    with open(path, "rb") as f, open(target, "wb") as out:
        out.truncate(size)
        for number in chunks(path, start, size):
            out.seek(number * CHUNK)
            out.write(os.pread(f.fileno(), min(CHUNK, size - number * CHUNK), start + number * CHUNK))


class Lab:
    """Disks in a folder, and what the program says of them."""

    def __init__(self, options, folder, rng):
        self.program, self.ldmcheck, self.folder = options.dynadisk, options.ldmcheck, folder
        self.disks = []
        for i in range(rng.choice((2, 3, 3))):
            self.disks.append(os.path.join(folder, "disk%d.img" % i))
            with open(self.disks[-1], "wb") as f:
                f.truncate(rng.choice((96, 128, 160)) * MIB)
        self.commands = []
        self.found = set()  # volumes made over what a deleted one left: nobody formatted them

    def shell(self, lines):
        # the folder of undo files lies beside the disks
        return run([self.program, "--state-dir", self.folder + "/state", "shell", "--script", "-"] + self.disks,
                   "\n".join(lines) + "\n")

    def look(self):
        code, out = run([self.program, "status", "--json"] + self.disks)
        try:
            self.model = json.loads(out)
        except ValueError:
            raise Failure("status ended with %d: %s" % (code, out))
        self.volumes = {}
        path = {d["name"]: d["path"] for d in self.model["disks"]}
        for v in self.model["volumes"]:
            for plex in v["plexes"]:
                for e in plex["extents"]:
                    if e["offset"] is not None and path.get(e["disk"]):
                        self.volumes[(path[e["disk"]], e["offset"], e["size"])] = v["number"]
        return self.model

    def partitions(self, disk):
        out = self.shell(["select disk %d" % disk, "list partition"])[1]
        return [line[2:].split()[1] for line in out.splitlines() if line[2:].startswith("Partition ") and line[12].isdigit()]

    def contents(self):
        return {place: chunks(*place) for place in self.volumes}

    def readers(self):
        # the dynamic disks, group by group
        groups = {}
        for d in self.model["disks"]:
            if d["path"] and d["group"]:
                groups.setdefault(d["group"], []).append(d["path"])
            if d["path"] and d["table"] == "gpt":
                code, out = run(["sgdisk", "-v", d["path"]])
                if "No problems found" not in out:
                    raise Failure("sgdisk -v %s: %s" % (d["path"], out))
        for guid, paths in groups.items():
            if self.ldmcheck:
                code, out = run([sys.executable, self.ldmcheck, "-q"] + paths)
                if code:
                    raise Failure("ldmcheck: " + out)
            if shutil.which("ldmtool"):
                code, out = run(["ldmtool"] + [w for p in paths for w in ("-d", p)] + ["scan"])
                if guid not in out:
                    raise Failure("ldmtool does not see the group %s: %s" % (guid, out))
        for v in self.model["volumes"]:
            self.file_system(v)

    def file_system(self, v):
        judge = {"NTFS": ["ntfsfix", "-n"], "FAT32": ["fsck.fat", "-n"], "FAT": ["fsck.fat", "-n"]}.get(v["fs"])
        path = {d["name"]: d["path"] for d in self.model["disks"]}
        for plex in v["plexes"]:
            e = plex["extents"][0]
            if (path.get(e["disk"]), e["offset"], e["size"]) in self.found:
                continue
            if not judge or len(plex["extents"]) != 1 or e["offset"] is None or not path.get(e["disk"]):
                continue
            target = self.folder + "/volume"
            cut_out(path[e["disk"]], e["offset"], e["size"], target)
            code, out = run(judge + [target])
            os.unlink(target)
            if code:
                raise Failure("%s of volume %d: %s" % (judge[0], v["number"], out))


def file_system(rng):
    fs = rng.choice(("ntfs", "ntfs", "fat", "fat32"))
    label = rng.choice(("", " label=DATA", " label=\"Two words\""))
    return "format quick fs=%s%s" % (fs, label)


def begin(lab, rng):
    """Something to work with: partitions, volumes, a mirror. What is refused is left out."""
    lines = []
    for i in range(len(lab.disks)):
        lines += ["select disk %d" % i] + rng.choice((
            [], ["convert gpt noerr"], ["convert mbr noerr"],
            ["convert gpt noerr", "create partition primary size=20 noerr", file_system(rng) + " noerr"],
            ["convert mbr noerr", "create partition primary size=20 noerr", file_system(rng) + " noerr", "active noerr"],
            ["convert gpt noerr", "select partition 1", "delete partition override noerr", "create partition efi size=33 noerr",
             "format quick fs=fat noerr", "create partition msr size=8 noerr", "create partition primary size=17 noerr",
             "format quick fs=ntfs noerr", "create partition primary size=4 noerr"],
            ["convert %s noerr" % rng.choice(("mbr", "gpt")), "convert dynamic noerr", "create volume simple size=16 disk=%d noerr" % i,
             file_system(rng) + " noerr"],
            ["convert %s noerr" % rng.choice(("mbr", "gpt")), "convert dynamic noerr"]))
    if rng.random() < 0.6:
        lines += ["select volume 0", "add disk=1 noerr", "wait noerr"]
    lab.commands.append("; ".join(lines))
    lab.shell(lines)
    lab.look()
    lab.readers()


def propose(lab, rng):
    """(lines that select, the command, may contents of these places change)"""
    m = lab.model
    present = [d for d in m["disks"] if d["path"]]
    disk = rng.choice(present)
    at = ["select disk %d" % disk["number"]]
    here = {p for p in lab.volumes if p[0] == disk["path"]}
    other = [d["number"] for d in present if d is not disk]
    size = rng.choice((8, 12, 16, 20, 33))
    on_disk = ["convert gpt", "convert mbr", "convert dynamic", "convert dynamic", "convert basic", "clean",
               "create partition primary size=%d" % size, "create partition primary size=%d" % size,
               "create partition efi size=%d" % rng.choice((33, 36, 40)), "create partition msr size=%d" % rng.choice((8, 32)),
               "create partition extended", "create partition logical size=%d" % size, "uniqueid disk",
               "create volume simple size=%d disk=%d" % (size, disk["number"]),
               "create volume simple size=%d disk=%d" % (size, disk["number"]), "recover"]
    if disk["number"] in [d["number"] for d in present] and other:
        on_disk.append("create volume mirror size=%d disk=%d,%d" % (size, disk["number"], rng.choice(other)))
    if disk["table"] == "none" and rng.random() < 0.7:
        on_disk = ["convert gpt", "convert mbr"]
    kind = rng.random()
    if kind < 0.45 or not m["volumes"]:
        command = rng.choice(on_disk)
        return at, command, here if command in ("clean", "convert basic") else set()
    if kind < 0.6:
        numbers = lab.partitions(disk["number"])
        if numbers:
            command = rng.choice(("delete partition", "delete partition override", "set id=%s" % RECOVERY, "set id=07",
                                  "gpt attributes=0x8000000000000001", "active", "inactive", file_system(rng), "retain"))
            return at + ["select partition " + rng.choice(numbers)], command, here if command.startswith("format") else set()
    v = rng.choice(m["volumes"])
    place = {p for p, number in lab.volumes.items() if number == v["number"]}
    command = rng.choice([file_system(rng), file_system(rng), "delete volume", "retain", "recover", "break disk=%d" % disk["number"],
                          "break disk=%d nokeep" % disk["number"]] + ["add disk=%d" % n for n in other + other])
    return ["select volume %d" % v["number"]], command, place if command.startswith("format") else set()


def database(path):
    """Where a dynamic disk keeps its database and its log: (path, offset, size)."""
    with open(path, "rb") as f:
        total = os.fstat(f.fileno()).st_size
        f.seek(1024)
        entries = f.read(128 * 128)
    metadata = uuid.UUID("5808c8aa-7e8f-42e0-85d2-e1e90434cfb3").bytes_le
    for at in range(0, len(entries), 128):
        if entries[at:at + 16] == metadata:
            start = int.from_bytes(entries[at + 32:at + 40], "little") * 512
            return path, start + 17 * 512, 1705 * 512
    return path, total - MIB + 17 * 512, 1705 * 512


def meaning(model):
    """What the program says of the disks, without what every transaction changes."""
    model = json.loads(json.dumps(model))
    for g in model["groups"]:
        g.pop("transaction")
    return model


def compare(before, after, what, ignore=()):
    for path in before:
        if before[path] != after[path]:
            changed = sorted(n for n in set(before[path]) | set(after[path]) if before[path].get(n) != after[path].get(n))
            changed = [n for n in changed if not any(path == p and o < (n + 1) * CHUNK and n * CHUNK < o + s for p, o, s in ignore)]
            if changed:
                raise Failure("%s: %s differs in %d chunks, first at %d KiB" % (what, path, len(changed), changed[0] * CHUNK // 1024))


def step(lab, rng):
    select, command, may_change = propose(lab, rng)
    was = meaning(lab.model)
    databases = [database(d["path"]) for d in lab.model["disks"] if d["path"] and d["group"]]
    old_places, old = dict(lab.volumes), lab.contents()
    before = {p: chunks(p) for p in lab.disks}
    code, out = lab.shell(select + ["preview " + command])
    beforehand = "cannot be undone" in out
    compare(before, {p: chunks(p) for p in lab.disks}, "a preview wrote")
    lab.commands.append("; ".join(select + [command]))
    code, out = lab.shell(select + [command])
    after = {p: chunks(p) for p in lab.disks}
    if code:
        if code not in (4, 5) or "internal" in out.lower():
            raise Failure("code %d: %s" % (code, out))
        lab.commands[-1] += "   (refused)"
        compare(before, after, "a refused command wrote")
        return False
    lab.look()
    if command.startswith("create"):
        lab.found |= set(lab.volumes) - set(old_places)
    elif command.startswith("add "):
        lab.found |= set(lab.volumes) - set(old_places) if lab.found & set(old_places) else set()
    elif command.startswith("format"):
        lab.found -= may_change
    lab.readers()
    for place, hashes in lab.contents().items():
        if place in old_places and place not in may_change and old[place] != hashes:
            raise Failure("volume at %s has other bytes than before: %s" % (place, out))
    if before == after or rng.random() < 0.4:
        return True
    lab.commands.append("undo")
    new_places = [p for p in lab.volumes if p not in old_places]
    # a mirror is two changes: what prepares the disk and begins the rebuild, and what ends it
    code, out = lab.shell(["undo", "undo"] if command.startswith("add ") else ["undo"])
    if code:
        if not beforehand:
            raise Failure("undo was refused, and the preview had not said so: " + out)
        return True
    # a rebuild fills room that nobody has: it stays as it is
    moved_on = databases + (new_places if command.startswith("add ") else [])
    compare(before, {p: chunks(p) for p in lab.disks}, "undone", moved_on)
    if meaning(lab.look()) != was:
        raise Failure("undone, the disks say something else:\n%s\n%s" % (json.dumps(was), json.dumps(meaning(lab.model))))
    lab.readers()
    return True


def sequence(options, seed, number):
    rng = random.Random("%s.%d" % (seed, number))
    # thousands of synced writes: in memory where there is some
    folder = tempfile.mkdtemp(prefix="sequences.", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
    lab = Lab(options, folder, rng)
    done = 0
    try:
        begin(lab, rng)
        for _ in range(rng.randint(4, 10)):
            done += step(lab, rng)
    except (Failure, subprocess.TimeoutExpired) as e:
        print("FAILED: sequence %d of --seed %s, disks of %s MiB\n  %s\n%s" % (
            number, seed, "/".join(str(os.path.getsize(p) // MIB) for p in lab.disks), "\n  ".join(lab.commands), e), flush=True)
        return None
    finally:
        if options.keep:
            print("disks are in " + folder)
        else:
            shutil.rmtree(folder)
    if options.verbose:
        print("%d: %s" % (number, " | ".join(lab.commands)), flush=True)
    return done


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("dynadisk")
    ap.add_argument("count", type=int)
    ap.add_argument("--seed", default=None)
    ap.add_argument("--only", type=int)
    ap.add_argument("--first", type=int, default=0)
    ap.add_argument("--ldmcheck")
    ap.add_argument("--verbose", action="store_true")
    ap.add_argument("--keep", action="store_true")
    options = ap.parse_args()
    seed = options.seed if options.seed is not None else str(random.SystemRandom().randrange(1 << 32))
    numbers = [options.only] if options.only is not None else range(options.first, options.first + options.count)
    results = [sequence(options, seed, n) for n in numbers]
    failed = sum(r is None for r in results)
    done = sum(r or 0 for r in results)
    print("%d sequences with seed %s: %d commands carried out, %d sequences failed" % (len(results), seed, done, failed))
    return 1 if failed or (len(results) > 3 and done < len(results)) else 0


sys.exit(main())
