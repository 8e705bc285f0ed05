#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""sequences.py DYNADISK COUNT [--seed SEED] [--jobs N] [--only N] [--ldmcheck FILE] [--verbose]

COUNT random sequences of shell commands on small disks, some of which are pulled out and come back. After every command:
  - a preview has written nothing, and neither has a command that was refused; both are of one mind;
  - other readers accept what is there: ldmcheck (where it is; it also compares the halves of mirrors), ldmtool, sgdisk,
    fsck.fat, ntfsfix;
  - volumes that are still at their place, and were not what the command was to change, hold the same bytes;
  - undone, the disks are what they were bit for bit, or what the preview said beforehand: that it cannot be undone, that the
    group's database is taken back by a transaction (its sectors move on, what they say is the same), that the room which
    a rebuild copied to stays as it is.
A failure prints the seed, the number and the commands; --seed SEED --only N runs that sequence again."""
import argparse
import contextlib
import errno
import hashlib
import importlib.machinery
import importlib.util
import io
import json
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import uuid

MIB = 1 << 20
CHUNK = 1 << 16
RECOVERY = "de94bba4-06d1-4d40-a16a-bfd50179d6ac"


class Failure(Exception):
    pass


def load_ldmcheck(path):
    """The checker as a function: starting it anew for every look would take most of the time. None where it is not."""
    if not path:
        return None
    sys.dont_write_bytecode = True
    loader = importlib.machinery.SourceFileLoader("ldmcheck", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("ldmcheck", loader))
    loader.exec_module(module)
    return module.main


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
        self.program, self.ldmcheck, self.folder = options.dynadisk, options.check, folder
        self.all = []
        for i in range(rng.choice((2, 3, 3))):
            self.all.append(os.path.join(folder, "disk%d.img" % i))
            with open(self.all[-1], "wb") as f:
                f.truncate(rng.choice((96, 128, 160)) * MIB)
        self.disks = list(self.all)  # those that are plugged in
        self.commands = []
        self.done = self.undone = 0
        self.found = set()  # volumes made over what a deleted one left: nobody formatted them

    def shell(self, lines, disks=None):
        # the folder of undo files lies beside the disks
        return run([self.program, "--state-dir", self.folder + "/state", "shell", "--script", "-"] + (disks or self.disks),
                   "\n".join(lines) + "\n")

    def look(self):
        code, out = run([self.program, "status", "--json"] + self.disks)
        try:
            self.model = json.loads(out)
        except ValueError:
            raise Failure("status ended with %d: %s" % (code, out))
        self.volumes = {}
        self.good = set()  # places whose bytes count: not those of a half that is out of date
        path = {d["name"]: d["path"] for d in self.model["disks"]}
        for v in self.model["volumes"]:
            for plex in v["plexes"]:
                for e in plex["extents"]:
                    if e["offset"] is not None and path.get(e["disk"]):
                        place = (path[e["disk"]], e["offset"], e["size"])
                        self.volumes[place] = v["number"]
                        if plex["status"] == "ok":
                            self.good.add(place)
        return self.model

    def partitions(self, disk):
        out = self.shell(["select disk %d" % disk, "list partition"])[1]
        return [line[2:].split()[1] for line in out.splitlines() if line[2:].startswith("Partition ") and line[12].isdigit()]

    def contents(self):
        return {place: chunks(*place) for place in self.good}

    def readers(self):
        # the dynamic disks, group by group; one that is out of date is nobody's but ours to judge
        groups = {}
        for d in self.model["disks"]:
            if d["path"] and d["group"] and d["status"] == "online":
                groups.setdefault(d["group"], []).append(d["path"])
            if d["path"] and d["table"] == "gpt":
                code, out = run(["sgdisk", "-v", d["path"]])
                if "No problems found" not in out:
                    raise Failure("sgdisk -v %s: %s" % (d["path"], out))
        for guid, paths in groups.items():
            if self.ldmcheck:
                said = io.StringIO()
                with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                    code = self.ldmcheck(["-q", "--mirror-data"] + paths)
                if code:
                    raise Failure("ldmcheck: " + said.getvalue())
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
            if not judge or plex["status"] != "ok" or len(plex["extents"]) != 1 or e["offset"] is None or not path.get(e["disk"]):
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
    """Something to work with: partitions, volumes, a mirror, another group. What is refused is left out."""
    lines = []
    apart = len(lab.disks) == 3 and rng.random() < 0.15
    group = rng.random() < 0.55  # the rest begins with whatever a disk can be
    for i in range(len(lab.disks) - apart):
        size = rng.choice((8, 12, 16))
        dynamic = ["convert %s noerr" % rng.choice(("mbr", "gpt")), "convert dynamic noerr"]
        simple = ["create volume simple size=%d disk=%d noerr" % (size, i), file_system(rng) + " noerr", rng.choice(("", "retain noerr"))]
        lines += ["select disk %d" % i] + (dynamic + rng.choice(([], simple)) if group else rng.choice((
            [], ["convert gpt noerr"], ["convert mbr noerr"],
            ["convert gpt noerr", "create partition primary size=20 noerr", file_system(rng) + " noerr"],
            ["convert mbr noerr", "create partition primary size=20 noerr", file_system(rng) + " noerr", "active noerr"],
            ["convert gpt noerr", "select partition 1", "delete partition override noerr", "create partition efi size=33 noerr",
             "format quick fs=fat noerr", "create partition msr size=8 noerr", "create partition primary size=17 noerr",
             "format quick fs=ntfs noerr", "create partition primary size=4 noerr"],
            dynamic + simple, dynamic)))
    if group:
        lines += ["create volume mirror size=%d disk=0,1 noerr" % rng.choice((8, 12, 20)), rng.choice(("", "retain noerr")),
                  file_system(rng) + " noerr"]
    elif rng.random() < 0.6:
        lines += ["select volume 0", rng.choice(("", "retain noerr")), "add disk=1 noerr", "wait noerr"]
    lab.commands.append("; ".join(lines))
    lab.shell(lines)
    if apart:
        lines = ["select disk 0", "convert %s" % rng.choice(("mbr", "gpt")), "convert dynamic", "create volume simple size=8"]
        lab.commands.append("disk 2 alone: " + "; ".join(lines))
        lab.shell(lines, lab.disks[2:])
    lab.look()
    lab.readers()


def table_id(rng, table):
    return "uniqueid disk id=%s" % (uuid.UUID(int=rng.getrandbits(128), version=4) if table == "gpt" else "%08x" % rng.getrandbits(32))


def on_disk(lab, rng, d):
    """(weight, command) for a disk that is here, the likely ones first"""
    size = rng.choice((8, 12, 16, 20, 33))
    here = [v for p, v in lab.volumes.items() if p[0] == d["path"]]
    if d["table"] == "none":
        return [(4, "convert gpt"), (4, "convert mbr"), (1, "convert dynamic"), (1, "clean")]
    if d["type"] != "dynamic":
        parts = [(4, "create partition primary size=%d" % size), (1, "create partition efi size=%d" % rng.choice((33, 36, 40))),
                 (1, "create partition msr size=%d" % rng.choice((8, 32))), (1, "create partition extended"),
                 (2, "create partition logical size=%d" % size)]
        return parts + [(5, "convert dynamic"), (1, table_id(rng, d["table"])), (0.5, "clean"), (0 if here else 2, "convert mbr"),
                        (0 if here else 2, "convert gpt"), (0.2, "recover")]
    mates = [o["number"] for o in lab.model["disks"] if o["path"] and o["group"] == d["group"] and o is not d]
    found = [(4, "create volume simple size=%d disk=%d" % (size, d["number"])), (0.5, "clean"), (1, table_id(rng, d["table"])),
             (1 if len(here) < 3 else 0.3, "convert basic"), (0.3, "recover"),
             (3 if len(lab.model["groups"]) > 1 else 0.2, "import"), (0.5, "online")]
    if d["status"] != "online":
        found += [(8, "recover"), (3, "import")]
    if mates:
        found.append((6, "create volume mirror size=%d disk=%d,%d" % (size, d["number"], rng.choice(mates))))
    return found


def on_volume(lab, rng, v):
    names = {d["name"]: d["number"] for d in lab.model["disks"] if d["path"]}
    halves = [e["disk"] for plex in v["plexes"] for e in plex["extents"]]
    if v["layout"] == "partition":
        return [(3, file_system(rng)), (1, "delete volume"), (0.3, "retain")]
    found = [(3, file_system(rng)), (1, "delete volume"), (1.5, "retain")]
    if v["layout"] == "simple":
        found += [(4, "add disk=%d" % n) for name, n in names.items() if name not in halves]
    if v["layout"] == "mirror":
        found += [(2, "break disk=%s%s" % (h.split()[1].lower(), rng.choice(("", " nokeep", " nokeep")))) for h in halves]
    return found


def on_partition(rng):
    return rng.choice(("delete partition", "delete partition override", "set id=%s" % RECOVERY, "set id=07",
                       "gpt attributes=0x8000000000000001", "active", "inactive", file_system(rng), "retain"))


def propose(lab, rng):
    """(lines that select, the command, may contents of these places change)"""
    m = lab.model
    present = [d for d in m["disks"] if d["path"]]
    missing = [d for d in m["disks"] if not d["path"]]
    if missing and rng.random() < 0.4:
        return ["select disk " + missing[0]["name"].split()[1]], "delete disk", set()
    disk = rng.choice([d for d in present if d["status"] != "online"] * 3 + present)
    at = ["select disk %d" % disk["number"]]
    here = {p for p in lab.volumes if p[0] == disk["path"]}
    kind = rng.random()
    if kind < 0.1:  # whatever, wherever
        choice = on_disk(lab, rng, rng.choice(present))
        return at, rng.choice(choice)[1], here
    if kind < 0.5 or not m["volumes"]:
        weights, commands = zip(*on_disk(lab, rng, disk))
        command = rng.choices(commands, weights)[0]
        return at, command, here if command in ("clean", "convert basic") else set()
    if kind < 0.62:
        numbers = lab.partitions(disk["number"])
        if numbers:
            command = on_partition(rng)
            return at + ["select partition " + rng.choice(numbers)], command, here if command.startswith("format") else set()
    v = rng.choice(m["volumes"])
    place = {p for p, number in lab.volumes.items() if number == v["number"]}
    weights, commands = zip(*on_volume(lab, rng, v))
    command = rng.choices(commands, weights)[0]
    return ["select volume %d" % v["number"]], command, place if command.startswith("format") else set()


def plug(lab, rng):
    """A disk of several is pulled out, or the one that is away comes back."""
    away = [p for p in lab.all if p not in lab.disks]
    if away:
        lab.disks = list(lab.all)
        lab.commands.append("%s comes back" % os.path.basename(away[0]))
    else:
        path = rng.choice(lab.disks)
        lab.disks = [p for p in lab.all if p != path]
        lab.commands.append("%s is pulled out" % os.path.basename(path))
    lab.look()
    lab.readers()


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


def promised(text):
    """What a preview says of undoing: (is it possible, does the database move on, does what a copy went over stay lost)"""
    if "It can be undone, byte for byte." in text:
        return True, False, False
    if "It can be undone: the records of the group's database by a new transaction" in text:
        return True, True, False
    if "It can be undone but for what the copy goes over" in text:
        return True, True, True
    if "It cannot be undone." in text:
        return False, False, False
    return None


def carry_out(lab, rng, select, command, before):
    """(exit code, output, what the preview promised): preview and command, now and then one after the other"""
    if rng.random() < 0.75:
        code, out = lab.shell(select + ["preview " + command, command])
        return code, out, promised(out)
    first, preview = lab.shell(select + ["preview " + command])
    compare(before, {p: chunks(p) for p in lab.disks}, "a preview wrote")
    code, out = lab.shell(select + [command])
    if bool(first) != bool(code):
        raise Failure("the preview ended with %d, the command with %d: %s\n%s" % (first, code, preview, out))
    return code, preview + out, promised(preview)


def take_back(lab, command, out, promise, before, was, databases):
    possible, moves_on, copies = promise
    old_good = set(lab.was_good)
    rooms = [p for p in lab.volumes if p not in old_good] if copies else []
    lab.commands.append("undo")
    code, said = lab.shell(["undo"])
    if code:
        if possible:
            raise Failure("undo was refused, and the preview had not said so: " + said)
        return
    if not possible:
        raise Failure("undo did what the preview had said it cannot: " + said)
    lab.found = lab.was_found
    # a rebuild fills room that nobody has: it stays as it is
    compare(before, {p: chunks(p) for p in lab.disks}, "undone", (databases if moves_on else []) + rooms)
    if meaning(lab.look()) != was:
        raise Failure("undone, the disks say something else:\n%s\n%s" % (json.dumps(was), json.dumps(meaning(lab.model))))
    lab.readers()
    lab.undone += 1


def step(lab, rng):
    if len(lab.all) > 1 and rng.random() < (0.07 if lab.disks == lab.all else 0.25):
        plug(lab, rng)
        return
    select, command, may_change = propose(lab, rng)
    was = meaning(lab.model)
    databases = [database(d["path"]) for d in lab.model["disks"] if d["path"] and d["group"]]
    old_places, old = dict(lab.volumes), lab.contents()
    lab.was_good, lab.was_found = lab.good, set(lab.found)
    before = {p: chunks(p) for p in lab.disks}
    lab.commands.append("; ".join(select + [command]))
    code, out, promise = carry_out(lab, rng, select, command, before)
    after = {p: chunks(p) for p in lab.disks}
    if code:
        if code not in (4, 5) or "internal" in out.lower():
            raise Failure("code %d: %s" % (code, out))
        lab.commands[-1] += "   (refused)"
        compare(before, after, "a refused command wrote")
        return
    lab.look()
    if command.startswith("create"):
        lab.found |= set(lab.volumes) - set(old_places)
    elif command.startswith("add ") or command in ("recover", "online", "import"):
        lab.found |= set(lab.volumes) - set(old_places) if lab.found & set(old_places) else set()
    elif command.startswith("format"):
        lab.found -= may_change
    lab.readers()
    for place, hashes in lab.contents().items():
        if place in old and place not in may_change and old[place] != hashes:
            raise Failure("volume at %s has other bytes than before: %s" % (place, out))
    if before == after:
        return
    lab.done += 1
    if promise is None:
        raise Failure("the preview does not say what can be undone: " + out)
    if not promise[0] and any("  copies " in line for line in out.splitlines()):
        return  # the end of its copy is a change of its own then, and can be undone
    if rng.random() < 0.5:
        take_back(lab, command, out, promise, before, was, databases)


def sequence(options, seed, number):
    """(commands carried out, undone) or None"""
    rng = random.Random("%s.%d" % (seed, number))
    # thousands of synced writes: in memory where there is some
    folder = tempfile.mkdtemp(prefix="sequences.", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
    lab = Lab(options, folder, rng)
    try:
        begin(lab, rng)
        for _ in range(rng.randint(5, 12)):
            step(lab, rng)
    except (Failure, subprocess.TimeoutExpired) as e:
        print("FAILED: sequence %d of --seed %s, disks of %s MiB\n  %s\n%s" % (
            number, seed, "/".join(str(os.path.getsize(p) // MIB) for p in lab.all), "\n  ".join(lab.commands), e), flush=True)
        return None
    finally:
        if options.keep:
            print("disks are in " + folder)
        else:
            shutil.rmtree(folder)
    if options.verbose:
        print("%d: %s" % (number, " | ".join(lab.commands)), flush=True)
    return lab.done, lab.undone


RUN = {}  # what every sequence of this run shares; the processes that carry them out inherit it


def one(number):
    return sequence(RUN["options"], RUN["seed"], number)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("dynadisk")
    ap.add_argument("count", type=int)
    ap.add_argument("--seed", default=None)
    ap.add_argument("--jobs", type=int, default=1)
    ap.add_argument("--only", type=int)
    ap.add_argument("--first", type=int, default=0)
    ap.add_argument("--ldmcheck")
    ap.add_argument("--verbose", action="store_true")
    ap.add_argument("--keep", action="store_true")
    options = ap.parse_args()
    options.check = load_ldmcheck(options.ldmcheck)
    seed = options.seed if options.seed is not None else str(random.SystemRandom().randrange(1 << 32))
    numbers = [options.only] if options.only is not None else range(options.first, options.first + options.count)
    begun = time.monotonic()
    RUN.update(options=options, seed=seed)
    if options.jobs > 1:
        with multiprocessing.get_context("fork").Pool(options.jobs) as pool:
            results = list(pool.imap_unordered(one, numbers))
    else:
        results = [one(n) for n in numbers]
    failed = sum(r is None for r in results)
    done, undone = (sum(r[i] for r in results if r) for i in (0, 1))
    print("# figures: %d sequences with seed %s, %d commands carried out, %d undone, %d sequences failed, %d s" % (
        len(results), seed, done, undone, failed, time.monotonic() - begun))
    return 1 if failed or (len(results) > 3 and done < len(results)) else 0


if __name__ == "__main__":
    sys.exit(main())
