#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""kills.py - the shipped program, killed while it adds a mirror; then the mirror, made whole by it, judged by its bytes.

    kills.py calls FIRST STEP LAST   killed at these system calls of a run that prepares a disk and adds a mirror
    kills.py random N SEED           killed N times at random system calls of rebuilds, each until it comes to its end
    kills.py checkpoint N SEED       killed N times at random moments of a rebuild of several checkpoints: how much of
                                     what had been copied is copied again

Environment: DYNADISK (the program), SYSKILL (the tracer), T (a folder), SHARED (the look-up folder, may be empty).
Prints one line for every failure, and at the end one of figures; exits 1 when there was a failure.
"""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

DYNADISK, T = (os.environ[k] for k in ("DYNADISK", "T"))
SYSKILL = os.environ.get("SYSKILL")
CHECKER = os.environ.get("SHARED") and os.environ["SHARED"] + "/tools/ldmcheck.py"
MIB = 1 << 20
PREPARE = "select disk 0\nconvert mbr\nconvert dynamic\ncreate volume simple size=%d disk=0\n"
ADD = "select disk 1\nconvert mbr\nconvert dynamic\nselect volume 0\nadd disk=1\nwait\n"
# Whatever state it is in: each line does its part, or is refused because that part is done.
ONWARD = ("select disk 0\nrecover noerr\nselect disk 1\nconvert mbr noerr\nconvert dynamic noerr\nrebuild resume noerr\n"
          "wait noerr\nselect volume 0\nadd disk=1 noerr\nwait noerr\n")


class Failure(Exception):
    pass


def shell(script, *images, state, tracer=()):
    """The exit code and output of dynadisk shell."""
    env = dict(os.environ, DYNADISK_STATE=state)
    p = subprocess.run([*tracer, DYNADISK, "shell", "--script", "-", *images], input=script, text=True, env=env,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, check=False)
    return p.returncode, p.stdout


def status(*images):
    p = subprocess.run([DYNADISK, "status", "--json", *images], stdout=subprocess.PIPE, check=False, timeout=60)
    if p.returncode:
        raise Failure("status fails: %d" % p.returncode)
    return json.loads(p.stdout)


def read(path, offset, size):
    with open(path, "rb") as f:
        f.seek(offset)
        return f.read(size)


class Pair:
    """A volume of random bytes on the first of two disks; copies of both are what the tests work on."""

    def __init__(self, folder, mib, seed):
        self.folder, self.size = folder, mib * MIB
        self.golden = [folder + "/good.golden", folder + "/new.golden"]
        os.makedirs(folder)
        for path in self.golden:
            with open(path, "wb") as f:
                f.truncate((mib + 16) * MIB)
        code, out = shell(PREPARE % mib, *self.golden, state=folder + "/state")
        if code:
            raise Failure("the disks cannot be made: " + out)
        half = status(*self.golden)["volumes"][0]["plexes"][0]["extents"][0]
        self.offset = half["offset"]
        assert half["size"] == self.size
        self.data = random.Random(seed).randbytes(self.size)
        with open(self.golden[0], "r+b") as f:
            f.seek(self.offset)
            f.write(self.data)

    def fresh(self, name):
        """Copies, and a state folder that no other run knows."""
        folder = "%s/%s" % (self.folder, name)
        os.makedirs(folder)
        images = [folder + "/good.img", folder + "/new.img"]
        for a, b in zip(self.golden, images):
            subprocess.run(["cp", "--sparse=auto", a, b], check=True)
        return folder, images

    def judge(self, images):
        """After a kill: the volume is there, and no byte of it has changed."""
        if read(images[0], self.offset, self.size) != self.data:
            raise Failure("THE VOLUME'S BYTES HAVE CHANGED")
        m = status(*images)
        if [v["layout"] for v in m["volumes"]] not in (["simple"], ["mirror"]):
            raise Failure("the volumes are %s" % [v["layout"] for v in m["volumes"]])
        v = m["volumes"][0]
        if v["size"] != self.size or v["status"] not in ("healthy", "rebuilding"):
            raise Failure("the volume is %s, %d bytes" % (v["status"], v["size"]))
        if v["status"] == "healthy" and v["layout"] == "mirror":
            self.halves(v, images)
        return m

    def halves(self, v, images):
        """A mirror that is said to be one is one."""
        for p in v["plexes"]:
            e, = p["extents"]
            if read(images[int(e["disk"][5:])], e["offset"], e["size"]) != self.data:
                raise Failure("A HALF OF A HEALTHY MIRROR DIFFERS: " + p["name"])

    def whole(self, images, state, out=""):
        """At the end: a healthy mirror, both halves as they should be, nothing left over."""
        m = self.judge(images)
        if len(m["disks"]) == 3:
            # killed between a commit that takes the disk in and the table that says so: the group remembers a disk that
            # never came to be, and the user is offered to remove it
            shell("select disk m0\ndelete disk\n", *images, state=state)
            m = self.judge(images)
        v = m["volumes"][0]
        if (v["layout"], v["status"], m["jobs"]) != ("mirror", "healthy", []):
            raise Failure("it ends as %s %s, jobs %s: %s" % (v["layout"], v["status"], m["jobs"], out))
        if any(d["status"] != "online" for d in m["disks"]):
            raise Failure("a disk is %s" % [d["status"] for d in m["disks"]])
        if CHECKER:
            for path in images:
                p = subprocess.run(["python3", CHECKER, "-q", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   text=True, check=False)
                if p.returncode:
                    raise Failure("ldmcheck: " + p.stdout)


def calls_of(pair, script):
    """How many system calls a run makes that nobody kills."""
    folder, images = pair.fresh("count")
    count = folder + "/count"
    env = dict(os.environ, DYNADISK_STATE=folder + "/state", COUNT=count)
    p = subprocess.run(["sh", "-c", 'exec "$@" 3>"$COUNT"', "sh", SYSKILL, "0", DYNADISK, "shell", "--script", "-", *images],
                       input=script, text=True, env=env, stdout=subprocess.DEVNULL, check=False, timeout=300)
    if p.returncode:
        raise Failure("the run that nobody kills fails: %d" % p.returncode)
    with open(count) as f:
        n = int(f.read())
    pair.whole(images, folder + "/state")
    shutil.rmtree(folder)
    return n


def kill_at(pair, n):
    """Killed at the n-th call; on another machine (its own state folder) it must come to a mirror from there."""
    folder, images = pair.fresh("call%d" % n)
    try:
        code, out = shell(ADD, *images, state=folder + "/state", tracer=(SYSKILL, str(n)))
        pair.judge(images)
        if code != 137 and code != 0:
            raise Failure("it was not killed but ended with %d: %s" % (code, out))
        _, out = shell(ONWARD, *images, state=folder + "/state%d" % (n % 2 + 1))
        pair.whole(images, folder + "/state", out)
        return 1 if code == 137 else 0
    finally:
        shutil.rmtree(folder)


def chain(pair, seed, most, calls):
    """A rebuild killed again and again at random calls, until it comes to its end. How many kills there were."""
    rand = random.Random(seed)
    folder, images = pair.fresh("chain%d" % seed)
    kills, script = 0, ADD
    try:
        while kills < most:
            code, out = shell(script, *images, state=folder + "/state%d" % (kills % 2),
                              tracer=(SYSKILL, str(rand.randrange(1, calls))))
            if code != 137:
                break
            kills += 1
            pair.judge(images)
            script = ONWARD
        _, out = shell(ONWARD, *images, state=folder + "/state")
        pair.whole(images, folder + "/state", out)
        return kills
    finally:
        shutil.rmtree(folder)


RATE = 2 # MB a second: a rebuild of 64 MB takes half a minute, and writes six records


def checkpoint(pair, seed):
    """Killed after its first checkpoint: the record is at most one checkpoint behind. Bytes that will be copied again."""
    folder, images = pair.fresh("checkpoint%d" % seed)
    p = subprocess.Popen([DYNADISK, "shell", "--script", "-", *images], stdin=subprocess.PIPE, text=True,
                         env=dict(os.environ, DYNADISK_STATE=folder + "/state"), stdout=subprocess.DEVNULL)
    try:
        p.stdin.write("rebuild rate=%d\n" % RATE + ADD)
        p.stdin.close()
        until = time.monotonic() + 120
        jobs = []
        while time.monotonic() < until and p.poll() is None:
            jobs = status(*images)["jobs"]
            if jobs and jobs[0]["done"] > 7 * RATE * MIB: # at this rate five seconds have gone by, however slow all is
                break
            time.sleep(0.05)
        time.sleep(random.Random(seed).random() * 3)
        p.send_signal(signal.SIGKILL)
        p.wait()
        m = pair.judge(images)
        if not m["jobs"] or m["jobs"][0]["state"] != "paused" or not m["jobs"][0]["done"]:
            raise Failure("no checkpoint is found: %s" % m["jobs"])
        done = m["jobs"][0]["done"]
        e = m["volumes"][0]["plexes"][1]["extents"][0]
        target = read(images[1], e["offset"], e["size"])
        if target[:done] != pair.data[:done]:
            raise Failure("what the record claims is not there")
        ahead = max((at + MIB for at in range(0, pair.size, MIB) if target[at:at + MIB] == pair.data[at:at + MIB]), default=0)
        again = max(ahead - done, 0)
        # five seconds, the flush of each second, slow disks, and the requests in flight
        if again > (5 + 1 + 4) * RATE * MIB + 16 * MIB:
            raise Failure("%d bytes were copied behind the record at %d" % (again, done))
        _, out = shell(ONWARD, *images, state=folder + "/state2")
        pair.whole(images, folder + "/state", out)
        return again
    finally:
        if p.poll() is None:
            p.kill()
            p.wait()
        shutil.rmtree(folder)


def each(fn, items):
    """fn of all items on two processors; the sum, and the failures."""
    total, failures = [], []

    def one(item):
        try:
            total.append(fn(item))
        except (Failure, subprocess.TimeoutExpired, OSError, ValueError) as e:
            failures.append("%s: %s" % (item, e))
            print("%s: %s" % (item, e), flush=True)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, items))
    return total, failures


def main():
    what, numbers = sys.argv[1], [int(a) for a in sys.argv[2:]]
    begin = time.monotonic()
    if what == "checkpoint":
        pair = Pair(T + "/checkpoint", 64, 3)
        done, failures = each(lambda i: checkpoint(pair, numbers[1] + i), range(numbers[0]))
        said = "%d kills, at most %d MiB copied again" % (len(done), max(done, default=0) // MIB)
    else:
        pair = Pair("%s/%s-%d" % (T, what, numbers[0]), 16, 1)
        calls = calls_of(pair, ADD)
        if what == "calls":
            first, step, last = numbers
            done, failures = each(lambda n: kill_at(pair, n), range(first, min(last, calls) + 1, step))
            said = "%d runs, %d killed, of %d system calls" % (len(done) + len(failures), sum(done), calls)
        else:
            done, failures, at = [], [], numbers[1]
            while sum(done) < numbers[0] and not failures:
                some, failures = each(lambda s: chain(pair, s, 8, calls), range(at, at + 4))
                done += some
                at += 4
            said = "%d kills in %d rebuilds" % (sum(done), len(done))
    print("figures: %s: %s, %d failures, %.0f s" % (what, said, len(failures), time.monotonic() - begin))
    sys.exit(1 if failures or not sum(done) and what != "checkpoint" else 0)


if __name__ == "__main__":
    main()
