#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""powercut.py DYNADISK KERNEL INITRD FOLDER CUTS LDMCHECK - power cuts of a virtual machine in the middle of a repair.

The machine adds a mirror to a simple volume, on disks whose writes and flushes QEMU logs (blklogwrites, the format of
Linux' dm-log-writes). QEMU is killed once a random number of them have been made, and a random moment later. What a disk then holds: all it had before its last flush, and
of what came later a random part, perhaps torn within a write. From there dynadisk, on the host, has to bring the volume
to a healthy mirror; the volume's bytes must be the same at every moment. Speaks TAP. SEED repeats a run."""
import json
import os
import random
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
        self.ldmcheck = argv[6] if len(argv) > 6 else ""
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

    def machine(self, table):
        args = ["qemu-system-x86_64", "-accel", "tcg", "-machine", "q35", "-m", "256", "-display", "none", "-serial", "stdio",
                "-monitor", "none", "-no-reboot", "-nic", "none", "-kernel", self.kernel, "-initrd", self.initrd,
                "-append", "console=ttyS0 panic=-1 quiet dd=script table=" + table]
        for i, path in enumerate(self.disk):
            args += ["-blockdev", "driver=file,filename=%s.vm,node-name=file%d" % (path, i),
                     "-blockdev", "driver=file,filename=%s.log,node-name=log%d" % (path, i),
                     "-blockdev", "driver=blklogwrites,file=file%d,log=log%d,node-name=disk%d" % (i, i, i),
                     "-device", "virtio-blk-pci,drive=disk%d,serial=VIRT-%d" % (i, i)]
        return args

    def made(self):
        """Writes and flushes in the logs."""
        return sum(1 for path in self.disk for _ in self.entries(path + ".log", False))

    def repair(self, table, cut, late=0):
        """Runs the repair; the power goes `late` seconds after `cut` writes and flushes (None: never). True: it ended by itself."""
        p = subprocess.Popen(self.machine(table), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        watchdog = threading.Timer(240, p.kill)
        watchdog.start()
        begun, ended, said = False, False, []
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
                        break
                ended |= text.endswith("--- done")
        finally:
            p.kill()
            p.wait()
            watchdog.cancel()
        if not begun:
            sys.exit("the machine did not start:\n" + "\n".join(said))
        self.machine_said = said
        return ended

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


def main():
    lab, cuts = Lab(sys.argv), int(sys.argv[5])
    seed = int(os.environ.get("SEED") or (1 if cuts < 10 else random.SystemRandom().randrange(1 << 30)))
    rng, n, failed, met_all = random.Random(seed), 0, 0, {}
    began, writes_all, lost_all = time.monotonic(), 0, 0
    lab.make()
    last = {}
    for table in ("mbr", "gpt"):
        lab.reset()
        ended = lab.repair(table, None)
        last[table] = lab.made()
        n += 1
        lab.lose_power(random.Random(0))
        met, wrong = lab.end(table)
        if not ended:
            wrong = "it did not end: " + "\n".join(lab.machine_said)
        failed += bool(wrong)
        print("%sok %d - %s: without a cut it ends in a mirror" % ("not " if wrong else "", n, table), flush=True)
        if wrong:
            print("# " + wrong.replace("\n", "\n# "), flush=True)
    for i in range(cuts if not failed else 0):
        table = ("mbr", "gpt")[i % 2]
        at, late = rng.randrange(last[table]), rng.choice((0, 0.02)) * rng.random()
        lab.reset()
        lab.repair(table, at, late)
        writes, lost = lab.lose_power(rng)
        writes_all, lost_all, n = writes_all + writes, lost_all + lost, n + 1
        wrong = None if lab.source_is_whole() else "the volume's bytes are not what they were"
        met = []
        if not wrong:
            met, wrong = lab.end(table)
        met_all[met[0] if met else "?"] = met_all.get(met[0] if met else "?", 0) + 1
        failed += bool(wrong)
        print("%sok %d - %s: power cut in step %d of %d, %d writes, %d of them lost: %s" %
              ("not " if wrong else "", n, table, at, last[table], writes, lost, ", ".join(met)), flush=True)
        if wrong:
            print("# seed %d\n# %s" % (seed, wrong.replace("\n", "\n# ")), flush=True)
    print("# figures: %d power cuts (seed %d), %d writes, %d lost, found as: %s; %.0f s" %
          (cuts, seed, writes_all, lost_all, ", ".join("%s %d" % x for x in sorted(met_all.items())), time.monotonic() - began))
    print("1..%d" % n)
    return failed != 0


sys.exit(main())
