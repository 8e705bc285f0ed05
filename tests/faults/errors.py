#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""errors.py - the shipped program where a call to the system fails: what it says, its exit code, what the disks then hold.

    errors.py SOME|all SEED   SOME calls of each kind of each operation, picked at random; all: every one that changes
                              something, and 30 of each kind of the others

A call of one kind (badcall.c) that concerns a disk or the undo folder fails, once or from then on. The program has to
come to an end within ten seconds, by itself. Where it says that all is done (exit 0), all is done. Otherwise it exits 4
(5: what it was to select is on a disk that cannot be read) with one message that names the disk or the file, and the
disks are as before, as after, or as between two of the commands; a change that was cut off is finished or undone by
RECOVER. No byte of a volume that has no part in it has changed.

Environment: DYNADISK (the program), BADCALL_SO (the library), T (a folder), SHARED (the look-up folder, may be empty).
Prints one line for every failure, and at the end one of figures; exits 1 when there was a failure.
"""
import errno
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

DYNADISK, LIBRARY, T = (os.environ[k] for k in ("DYNADISK", "BADCALL_SO", "T"))
CHECKER = os.environ.get("SHARED") and os.environ["SHARED"] + "/tools/ldmcheck.py"
MIB = 1 << 20
SLOW = 10 # seconds
ERRORS = (errno.EIO, errno.ENOSPC, errno.EROFS, errno.ENXIO)
KINDS = ("write", "flush", "control", "open", "read")
CHANGES = ("write", "flush", "control")
BOTH = "select disk 0\nconvert mbr\nconvert dynamic\nselect disk 1\nconvert %s\nconvert dynamic\n"
SIMPLE = BOTH % "mbr" + "create volume simple size=4 disk=0\ncreate volume simple size=2 disk=0\n"
GROUP = SIMPLE + "select volume 0\nadd disk=1\nwait\n"
ONE = "select disk 0\nconvert mbr\nconvert dynamic\ncreate volume simple size=2 disk=0\n"
PARTS = "select disk 0\nconvert gpt\ncreate partition primary size=4\ncreate partition primary size=4\n"
REPAIR = "break disk=m0 nokeep\nselect disk m0\ndelete disk\nselect disk 1\nconvert gpt\nconvert dynamic\n"

# name, how the disks come to be (scripts, each on the disks in brackets), what is done
CASES = (
    ("initialize", [], "select disk 0\nconvert gpt\n"),
    ("upgrade", [], "select disk 0\nconvert mbr\nconvert dynamic\n"),
    ("create volume", [(SIMPLE, "ab")], "create volume simple size=4 disk=1\n"),
    ("add mirror", [(SIMPLE, "ab")], "select volume 0\nadd disk=1\nwait\n"),
    ("break", [(GROUP, "ab")], "select volume 0\nbreak disk=1\n"),
    ("delete volume", [(GROUP, "ab")], "select volume 0\ndelete volume\n"),
    ("letter", [(GROUP, "ab")], "select volume 0\nassign letter=q\n"),
    ("repair", [(GROUP, "ax")], "select volume 0\n" + REPAIR + "select volume 0\nadd disk=1\nwait\n"),
    ("import", [(ONE, "a"), (ONE, "b")], "select disk 1\nimport\n"),
    ("partitions", [(PARTS, "ab")], "select disk 0\nselect partition 2\ndelete partition\ncreate partition primary size=8\n"),
    ("clean", [(PARTS, "ab")], "select disk 0\nclean\n"),
    ("undo", [(SIMPLE, "ab")], "create volume simple size=4 disk=1\nundo 1\n"),
    ("verify", [(GROUP, "ab")], "verify volume=0\n"),
)


class Failure(Exception):
    pass


def shell(script, images, state, env=()):
    """Exit code, output, seconds of dynadisk shell."""
    begin = time.monotonic()
    p = subprocess.run([DYNADISK, "shell", "--script", "-", *images], input=script, text=True,
                       env=dict(os.environ, DYNADISK_STATE=state, DYNADISK_NO_URING="1", **dict(env)),
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False)
    return p.returncode, p.stdout, time.monotonic() - begin


def status(images, *more, env=()):
    p = subprocess.run([DYNADISK, "status", *more, *images], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                       env=dict(os.environ, **dict(env)), timeout=120, check=False)
    return p.returncode, p.stdout


def picture(m, lenient=True):
    """The layout that people see; not what has other names or numbers in each run. Lenient: "errors" on a disk are no other
    layout; that is how a copy shows that a cut-off change left behind."""
    return json.dumps([[(d["name"], d["size"], d["free"],
                         "online" if lenient and d["status"] == "errors" else d["status"], d["type"], d["table"])
                        for d in m["disks"]],
                       [(g["name"], g["interrupted"]) for g in m["groups"]],
                       [(v["letter"], v["fs"], v["layout"], v["size"], v["status"],
                         [(p["status"], p["extents"]) for p in v["plexes"]]) for v in m["volumes"]],
                       len(m["jobs"])])


def model(images):
    code, out = status(images, "--json")
    if code:
        raise Failure("status fails: %d %s" % (code, out))
    return json.loads(out)


class Case:
    """The disks of a case, and how they look before and after each of its commands."""

    def __init__(self, name, setup, script):
        self.name, self.script = name, script
        self.folder = T + "/" + name.replace(" ", "-")
        self.rand = random.Random(name)
        os.makedirs(self.folder + "/golden")
        disks = {c: self.folder + "/golden/%s.img" % c for c in "abx"}
        for path in disks.values():
            with open(path, "wb") as f:
                f.truncate(32 * MIB)
        for text, letters in setup:
            code, out, _ = shell(text, [disks[c] for c in letters], self.folder + "/golden/state")
            if code:
                raise Failure("the disks cannot be made: " + out)
        self.golden = [disks["a"], disks["b"]] # where x took part, it is lost, and b a new one
        self.data = []
        self.fill()
        self.pictures = self.look()

    def fill(self):
        """Random bytes in each half of each volume, the same in both halves."""
        m = model(self.golden)
        where = {d["name"]: path for d, path in zip(m["disks"], self.golden)}
        for v in m["volumes"]:
            data = self.rand.randbytes(v["size"])
            for e in (p["extents"][0] for p in v["plexes"]):
                if e["disk"] in where:
                    with open(where[e["disk"]], "r+b") as f:
                        f.seek(e["offset"])
                        f.write(data)
                    self.data.append((self.golden.index(where[e["disk"]]), e["offset"], data))

    def fresh(self, name):
        folder = "%s/%s" % (self.folder, name)
        os.makedirs(folder + "/disks")
        images = [folder + "/disks/a.img", folder + "/disks/b.img"]
        for a, b in zip(self.golden, images):
            subprocess.run(["cp", "--sparse=always", a, b], check=True)
        return folder, images

    def look(self):
        """The layouts before, between and after the commands, nothing failing."""
        lines, seen = self.script.splitlines(True), []
        for n in range(len(lines) + 1):
            if n and lines[n - 1].startswith("select"):
                continue
            folder, images = self.fresh("look")
            code, out, _ = shell("".join(lines[:n]) or "rescan\n", images, folder + "/state")
            if code:
                raise Failure("it fails where nothing does: " + out)
            seen.append(picture(model(images)))
            shutil.rmtree(folder)
        return seen

    def environment(self, folder, what):
        return {"LD_PRELOAD": LIBRARY, "BADCALL": what, "BADCALL_UNDER": folder + "/disks:" + folder + "/state",
                "BADCALL_NOTE": folder + "/note"}

    def count(self, change):
        """How many calls of each kind there are in a run, or in looking at the disks."""
        folder, images = self.fresh("count")
        env = self.environment(folder, "none 0 0 0")
        code, out = shell(self.script, images, folder + "/state", env)[:2] if change else status(images, "--json", env=env)
        if code:
            raise Failure("it fails where nothing does: " + out)
        with open(folder + "/note") as f:
            kinds = [line.split()[0] for line in f]
        shutil.rmtree(folder)
        return {k: kinds.count(k) for k in KINDS}


def some(counts, n, rand):
    """(kind, nth, lasting, error) of what is to fail."""
    for kind in KINDS:
        pick = rand.sample(range(1, counts[kind] + 1), min(n or (counts[kind] if kind in CHANGES else 30), counts[kind]))
        for i, nth in enumerate(sorted(pick)):
            for lasting in (0, 1) if not n and kind == "write" else (rand.randrange(2),):
                yield kind, nth, lasting, ERRORS[(nth + i + lasting) % 4]


def notes(folder):
    try:
        with open(folder + "/note") as f:
            return [line.rstrip("\n").split(" ", 1) for line in f]
    except FileNotFoundError:
        return []


def said(code, out, hits, images):
    """One message, and it names what it is about."""
    if code == 5:
        # what was selected is not there, and why
        if not re.search(r"(is not valid|does not exist).*\n(Please.*\n)?Disk \d .*cannot be read", out):
            raise Failure("no disk is named: " + out)
        return
    n = out.count("Virtual Disk Service error:") + out.count("dynadisk: ")
    if n != 1:
        raise Failure("%d messages: %s" % (n, out))
    text = re.split("Virtual Disk Service error:|dynadisk: ", out)[1].replace("\nLeaving DiskPart...\n", "").strip()
    if len(text.splitlines()) < 2:
        raise Failure("no way out is named: " + text)
    for _, path in hits:
        if path not in images and "undo" in text or path in text or os.path.basename(path) in text:
            return
        # or the disk that is missing for it, or its other half
        if path in images and re.search(r"Disk M?\d", text):
            return
    raise Failure("the message does not name %s: %s" % (sorted({p for _, p in hits}), text))


def judge(case, folder, images, code, untouched):
    """The disks, nothing failing any more. untouched: when they were last written to before."""
    written = [os.stat(path).st_mtime_ns for path in images] != untouched
    m = model(images)
    now = picture(m)
    for g in m["groups"]:
        if not g["interrupted"]:
            continue
        select = "select disk %d\n" % next(d["number"] for d in m["disks"] if d["group"] == g["guid"])
        # a missing disk may hold the answer: then the user has to insist
        got, out, _ = shell(select + "recover\n", images, folder + "/state")
        if got and "RECOVER OVERRIDE insists" in out:
            got, out, _ = shell(select + "recover override\n", images, folder + "/state")
        if got:
            raise Failure("RECOVER fails: %d %s" % (got, out))
        now = picture(model(images))
    tried = ""
    for d in m["disks"]:
        # it could not be read while the group changed
        if now not in case.pictures and d["type"] == "dynamic" and d["status"] == "errors":
            tried += shell("select disk %d\nrecover noerr\n" % d["number"], images, folder + "/state")[1]
            now = picture(model(images))
    if now not in case.pictures:
        # a rebuild that stopped: cancelled, it is what it was before
        tried += shell("rebuild cancel\n", images, folder + "/state")[1]
        now = picture(model(images))
    if now not in case.pictures:
        # the group lists a disk that never came to be
        tried += shell("select disk m0\ndelete disk\n", images, folder + "/state")[1]
        now = picture(model(images))
    if now not in case.pictures:
        raise Failure("neither old nor new: %s\n%s" % (now, tried))
    if code == 0 and now != case.pictures[-1]:
        raise Failure("it says that all is done, and it is not: " + now)
    if not written or case.name in ("clean", "delete volume", "partitions"):
        return
    for disk, offset, data in case.data:
        with open(images[disk], "rb") as f:
            f.seek(offset)
            if f.read(len(data)) != data:
                raise Failure("THE BYTES OF A VOLUME HAVE CHANGED, disk %d, byte %d" % (disk, offset))
    for d in model(images)["disks"]: # a copy of a table that was cut off
        if d["status"] == "errors":
            shell("select disk %d\nmend noerr\n" % d["number"], images, folder + "/state")
    dynamic = [path for path, d in zip(images, model(images)["disks"]) if d["type"] == "dynamic"]
    if CHECKER and dynamic:
        p = subprocess.run(["python3", CHECKER, "-q", *dynamic], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                           check=False)
        if p.returncode:
            raise Failure("ldmcheck: " + p.stdout)


def one(case, kind, nth, lasting, error):
    """Exit code of a run with this failure."""
    folder, images = case.fresh("%s-%d-%d" % (kind, nth, lasting))
    try:
        env = case.environment(folder, "%s %d %d %d" % (kind, nth, error, lasting))
        untouched = [os.stat(path).st_mtime_ns for path in images]
        code, out, seconds = shell(case.script, images, folder + "/state", env)
        if seconds > SLOW:
            raise Failure("it takes %.1f s" % seconds)
        if code not in (0, 4, 5):
            raise Failure("it exits %d: %s" % (code, out))
        hits = notes(folder)
        if code and not hits:
            raise Failure("nothing failed, and it exits %d: %s" % (code, out))
        if code:
            said(code, out, hits, images)
        judge(case, folder, images, code, untouched)
        return code
    finally:
        shutil.rmtree(folder)


def sound(m):
    """Nothing in it says that something could not be read."""
    return (all(d["status"] in ("online", "not_initialized") for d in m["disks"]) and
            all(v["fs"] and v["status"] == "healthy" for v in m["volumes"]))


def looked(case, kind, nth, lasting, error):
    """The same for looking only: what is not known is not shown as sound."""
    folder, images = case.fresh("look-%s-%d-%d" % (kind, nth, lasting))
    env = case.environment(folder, "%s %d %d %d" % (kind, nth, error, lasting))
    try:
        code, out = status(images, "--json", env=env)
        if code not in (0, 1):
            raise Failure("status --json exits %d: %s" % (code, out))
        if not notes(folder):
            raise Failure("nothing failed")
        same = code == 0 and picture(json.loads(out), False) == case.pictures[0]
        if code == 0 and not same and sound(json.loads(out)):
            raise Failure("another layout, and all is sound: " + out)
        if code and not out.strip():
            raise Failure("it fails without a message")
        check, text = status(images, "--check", env=env)
        if check not in (0, 1, 2, 4) or check == 0 and not same:
            raise Failure("status --check exits %d: %s" % (check, text))
        if picture(model(images)) != case.pictures[0]:
            raise Failure("looking has changed something")
        return 0 if same else 4
    finally:
        shutil.rmtree(folder)


def attempt(task):
    fn, case, how = task
    try:
        return fn(case, *how)
    except (Failure, subprocess.TimeoutExpired, OSError, ValueError) as e:
        print("%s%s: %s %d fails %s (%s): %s" % ("status, " if fn is looked else "", case.name, how[0], how[1],
                                               "for good" if how[2] else "once", os.strerror(how[3]), e), flush=True)
        return None


def main():
    n = 0 if sys.argv[1] == "all" else int(sys.argv[1])
    rand, begin = random.Random(int(sys.argv[2])), time.monotonic()
    only = os.environ.get("ONLY", "")
    tasks = []
    for name, setup, script in CASES:
        if only not in name:
            continue
        case = Case(name, setup, script)
        tasks += [(one, case, how) for how in some(case.count(True), n, rand)]
        if name in ("break", "partitions"):
            tasks += [(looked, case, how) for how in some(case.count(False), n, rand)]
    with ThreadPoolExecutor(2) as pool:
        codes = list(pool.map(attempt, tasks))
    failures = codes.count(None)
    print("figures: %d runs of %d operations, %d failed with a message, %d done, %d failures, %.0f s" %
          (len(codes), len(CASES), sum(1 for c in codes if c), codes.count(0), failures, time.monotonic() - begin))
    sys.exit(1 if failures or not any(codes) or 0 not in codes else 0)


main()
