#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""powercut.py DYNADISK KERNEL INITRD FOLDER CUTS PULLS LDMCHECK - power cuts of a virtual machine in the middle of a repair,
and disks that are pulled out of it.

The machine adds a mirror to a simple volume, on disks whose writes and flushes QEMU logs (blklogwrites, the format of
Linux' dm-log-writes). QEMU is killed once a random number of them have been made, and a random moment later. What a disk then holds: all it had before its last flush, and
of what came later a random part, perhaps torn within a write. From there dynadisk, on the host, has to bring the volume
to a healthy mirror; the volume's bytes must be the same at every moment. With a disk pulled (device_del) dynadisk has to
say so and end by itself; the disks hold all that was written then. Speaks TAP. SEED repeats a run."""
import json
import os
import random
import socket
import struct
import subprocess
import sys
import threading
import time

SECTOR = 512
LOG_MAGIC = 0x6A736677736872
FLUSH, DISCARD = 1, 4
DISK_MIB, VOLUME_MIB = 64, 20


def run(args, stdin=None, timeout=120):
    p = subprocess.run(args, input=stdin, capture_output=True, text=True, timeout=timeout, check=False)
    return p.returncode, p.stdout + p.stderr


class Lab:
    def __init__(self, argv):
        self.dynadisk, self.kernel, self.initrd, self.dir = argv[1:5]
        self.ldmcheck = argv[7] if len(argv) > 7 else ""
        self.disk = [os.path.join(self.dir, "disk%d.img" % i) for i in range(2)]

    def shell(self, *lines):
        return run([self.dynadisk, "shell", "--script", "-", *self.disk], "\n".join(lines) + "\n")

    def status(self):
        rc, out = run([self.dynadisk, "status", "--json", *self.disk])
        return json.loads(out)

    def said(self):
        return run([self.dynadisk, "status", *self.disk])[1]

    def make(self):
        """Disk 0 with a simple volume full of bytes that mean nothing, disk 1 blank."""
        for path in self.disk:
            with open(path, "wb") as f:
                f.truncate(DISK_MIB << 20)
        rc, out = self.shell("select disk 0", "convert mbr", "convert dynamic", "create volume simple size=%d disk=0" % VOLUME_MIB)
        if rc:
            sys.exit("the lab could not be made: " + out)
        extent = self.status()["volumes"][0]["plexes"][0]["extents"][0]
        self.offset, self.size = extent["offset"], extent["size"]
        self.content = random.Random(7).randbytes(self.size)
        with open(self.disk[0], "r+b") as f:
            f.seek(self.offset)
            f.write(self.content)
        for path in self.disk:
            os.rename(path, path + ".before")

    def reset(self):
        for path in self.disk:
            run(["cp", "--sparse=always", path + ".before", path])
            run(["cp", "--sparse=always", path + ".before", path + ".vm"])
            with open(path + ".log", "wb") as f:
                f.truncate(4 << 30)

    def machine(self, table, rate):
        # an i440fx, which unplugs through ACPI, at once
        args = ["qemu-system-x86_64", "-accel", "tcg", "-machine", "pc", "-m", "256", "-display", "none", "-serial", "stdio",
                "-monitor", "unix:%s/monitor,server=on,wait=off" % self.dir, "-no-reboot", "-nic", "none",
                "-kernel", self.kernel, "-initrd", self.initrd,
                "-append", "console=ttyS0 panic=-1 quiet dd=script rate=%d table=%s" % (rate, table)]
        for i, path in enumerate(self.disk):
            args += ["-blockdev", "driver=file,filename=%s.vm,node-name=file%d" % (path, i),
                     "-blockdev", "driver=file,filename=%s.log,node-name=log%d" % (path, i),
                     "-blockdev", "driver=blklogwrites,file=file%d,log=log%d,node-name=disk%d" % (i, i, i),
                     "-device", "virtio-blk-pci,id=pci%d,drive=disk%d,serial=VIRT-%d" % (i, i, i)]
        return args

    def made(self):
        """Writes and flushes in the logs."""
        return sum(1 for path in self.disk for _ in self.entries(path + ".log", False))

    def monitor(self, command):
        try:
            with socket.socket(socket.AF_UNIX) as m:
                m.settimeout(20)
                m.connect(os.path.join(self.dir, "monitor"))
                talk = b""
                while talk.count(b"(qemu)") < 2:  # the prompt before the command is taken, and after it
                    if talk.count(b"(qemu)") == 1 and command:
                        m.sendall((command + "\n").encode())
                        command = ""
                    got = m.recv(4096)
                    if not got:
                        return
                    talk += got
        except (FileNotFoundError, ConnectionError):
            pass  # the machine is off already: too late

    def repair(self, table, cut=None, late=0, pull=None):
        """
        Runs the repair. `late` seconds after `cut` writes and flushes (None: never) the power goes, or disk `pull` is
        pulled out. What the machine said, with the exit code of dynadisk (None: the power went, or it did not end).
        """
        p = subprocess.Popen(self.machine(table, 1000 if pull is None else 5), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        watchdog = threading.Timer(240, p.kill)
        watchdog.start()
        begun, code, said = False, None, []
        try:
            for line in p.stdout:
                text = line.decode("utf-8", "replace").strip()
                said.append(text)
                if text.endswith("--- go"):
                    begun = True
                    while cut is not None and p.poll() is None and self.made() < cut:
                        time.sleep(0.001)
                    if cut is not None:
                        time.sleep(late)
                        if pull is None:
                            break
                        self.monitor("device_del pci%d" % pull)
                if "--- exit " in text:
                    code = int(text.split("--- exit ")[1])
        finally:
            p.kill()
            p.wait()
            watchdog.cancel()
        if not begun:
            sys.exit("the machine did not start:\n" + "\n".join(said))
        return "\n".join(said), code

    @staticmethod
    def entries(path, read=True):
        """The log's (byte, data, flags), in order. The last may have been cut off in the middle."""
        with open(path, "rb") as f:
            magic, version, _, size = struct.unpack("<QQQL", f.read(28))
            if magic != LOG_MAGIC or version != 1:
                return
            at = size
            while True:
                f.seek(at)
                head = f.read(32)
                if len(head) < 32:
                    return
                sector, n, flags, length = struct.unpack("<QQQQ", head)
                if not (sector or n or flags):
                    return
                length = 0 if flags & DISCARD else n * size
                f.seek(at + size)
                yield sector * size, f.read(length) if read else b"", flags
                at += size + length

    def lose_power(self, rng):
        """The disks become what is left of the log. How many writes there were, how many of them were lost."""
        writes, lost = 0, 0
        for path in self.disk:
            log = list(self.entries(path + ".log"))
            flushed = max((i for i, e in enumerate(log) if e[2] & FLUSH), default=-1)
            with open(path, "r+b") as f:
                for i, (at, data, flags) in enumerate(log):
                    if not data or flags & DISCARD:
                        continue
                    writes += 1
                    if i > flushed:
                        keep = rng.choice((0, len(data), SECTOR * rng.randrange(len(data) // SECTOR + 1)))
                        lost += keep < len(data)
                        data = data[:keep]
                    f.seek(at)
                    f.write(data)
        return writes, lost

    def source_is_whole(self):
        with open(self.disk[0], "rb") as f:
            f.seek(self.offset)
            return f.read(self.size) == self.content

    def checked(self, *flags):
        if not self.ldmcheck:
            return None
        rc, out = run([sys.executable, self.ldmcheck, "-q", *flags, *self.disk])
        return None if rc == 0 else "ldmcheck: " + out

    def end(self, table):
        """Brings the repair to its end as a user would; what was met on the way, and what is wrong (None: nothing)."""
        met = []
        for _ in range(8):
            m = self.status()
            volume = m["volumes"][0] if m["volumes"] else None
            if "cut off" in self.said():
                step, lines = "interrupted", ["select disk 0", "recover"]
            elif not volume:
                return met, "the volume is gone: " + self.said()
            elif len(m["groups"]) > 1:  # disk 0 was away when disk 1 became dynamic
                step, lines = "two groups", ["select disk 1", "convert basic"]
            elif m["jobs"]:
                step, lines = "paused", ["rebuild resume", "wait timeout=100"]
            elif volume["layout"] == "mirror" and volume["status"] == "healthy":
                met.append("mirror")
                break
            elif any(d["status"] == "missing" for d in m["disks"]):
                step, lines = "missing", ["select disk m0", "delete disk"]
            elif m["disks"][1]["type"] == "dynamic":
                step, lines = "simple", ["select volume 0", "add disk=1", "wait timeout=100"]
            else:
                lines = ["convert " + table] if m["disks"][1]["table"] == "none" else []
                step, lines = "basic", ["select disk 1", *lines, "convert dynamic"]
            if step != "interrupted":
                if volume["layout"] not in ("simple", "mirror") or volume["status"] not in ("healthy", "rebuilding"):
                    return met, "%s, but the volume is %s, %s" % (step, volume["layout"], volume["status"])
            met.append(step)
            rc, out = self.shell(*lines)
            if rc:
                return met, "%s: exit code %d: %s" % (step, rc, out)
            if not self.source_is_whole():
                return met, "the volume's bytes changed while it was " + step
        if not met or met[-1] != "mirror":
            return met, "it never became a mirror"
        for p in self.status()["volumes"][0]["plexes"]:
            e = p["extents"][0]
            with open(self.disk[int(e["disk"][5:])], "rb") as f:
                f.seek(e["offset"])
                if f.read(e["size"]) != self.content:
                    return met, "the half on %s is not what the volume held" % e["disk"]
        return met, self.checked("--complete", "--mirror-data")


class Tap:
    def __init__(self):
        self.n, self.failed = 0, 0

    def result(self, name, wrong):
        self.n += 1
        self.failed += bool(wrong)
        print("%sok %d - %s" % ("not " if wrong else "", self.n, name), flush=True)
        if wrong:
            print("# " + wrong.replace("\n", "\n# "), flush=True)


def main():
    lab, tap, cuts, pulls = Lab(sys.argv), Tap(), int(sys.argv[5]), int(sys.argv[6])
    seed = int(os.environ.get("SEED") or (1 if cuts < 10 else random.SystemRandom().randrange(1 << 30)))
    rng, found, last = random.Random(seed), {}, {}
    began, writes_all, lost_all, ended = time.monotonic(), 0, 0, 0
    lab.make()
    for table in ("mbr", "gpt"):
        lab.reset()
        said, code = lab.repair(table)
        last[table] = lab.made()
        lab.lose_power(random.Random(0))
        met, wrong = lab.end(table)
        tap.result(table + ": left alone it ends in a mirror", wrong if code == 0 else "it did not end well: " + said)
    for i in range(cuts if not tap.failed else 0):
        table = ("mbr", "gpt")[i % 2]
        at, late = rng.randrange(last[table]), rng.choice((0, 0.02)) * rng.random()
        lab.reset()
        lab.repair(table, at, late)
        writes, lost = lab.lose_power(rng)
        writes_all, lost_all = writes_all + writes, lost_all + lost
        wrong = None if lab.source_is_whole() else "the volume's bytes are not what they were"
        met = []
        if not wrong:
            met, wrong = lab.end(table)
            found[met[0]] = found.get(met[0], 0) + 1
        tap.result("%s: power cut in step %d of %d, %d writes, %d of them lost: %s" %
                   (table, at, last[table], writes, lost, ", ".join(met)), wrong)
    for i in range(pulls if not tap.failed else 0):
        table, which = ("mbr", "gpt")[i % 2], (1, 1, 0)[i % 3]
        at, late = rng.randrange(1, last[table]), rng.choice((0, 2)) * rng.random()
        lab.reset()
        said, code = lab.repair(table, at, late, which)
        for path in lab.disk:
            os.replace(path + ".vm", path)
        wrong = None if lab.source_is_whole() else "the volume's bytes are not what they were"
        if code is None:
            wrong = "it did not end"
        elif code == 0:
            ended += 1
        elif not any(x in said.split("--- go")[1] for x in ("/dev/vd", "Disk %d " % which, "does not exist")):
            wrong = "it does not name the disk"
        met = []
        if not wrong:
            met, wrong = lab.end(table)
        tap.result("%s: disk %d pulled out in step %d of %d, exit code %s: %s" %
                   (table, which, at, last[table], code, ", ".join(met)), wrong and wrong + "\n" + said)
    print("# figures: %d power cuts (seed %d), %d writes, %d lost, found as: %s; %d disks pulled, %d of them too late; %.0f s" %
          (cuts, seed, writes_all, lost_all, ", ".join("%s %d" % x for x in sorted(found.items())), pulls, ended,
           time.monotonic() - began))
    print("1..%d" % tap.n)
    return tap.failed != 0


sys.exit(main())
