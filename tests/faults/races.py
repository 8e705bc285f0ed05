#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""races.py N SEED - two dynadisks with the same plan for the same disks, started a moment apart, N times.

Exactly one may write. The other is refused: by the name of the holder, or because it finds the disks changed. What is on
the disks then is what one of them alone would have left. They know the disks by different names: other links, and loop
devices where those can be made. Prints TAP and one line of figures.
"""
import json, os, random, re, shutil, subprocess, sys, tempfile, time

DYNADISK = os.environ.get("DYNADISK") or sys.exit("DYNADISK is not set")
CHECKER = os.environ.get("CHECKER", "")
MIB = 1 << 20
LIMIT = 300  # seconds, for anything that has an end

def run(*command, **kw):
    return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=LIMIT, **kw)

def shell(commands, disks, log=None):
    options = ["--log", log] if log else []
    return subprocess.Popen([DYNADISK, *options, "shell", "--script", "-", *disks], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"), commands

def do(commands, disks):
    p, _ = shell(commands, disks)
    out, _ = p.communicate(commands, timeout=LIMIT)
    if p.returncode:
        raise RuntimeError("preparing: %s\n%s" % (commands, out))

def blank(path, mib=24):
    with open(path, "wb") as f:
        f.truncate(mib * MIB)

def status(disks):
    r = run(DYNADISK, "status", "--json", *disks)
    if r.returncode:
        raise RuntimeError("status: " + r.stderr)
    return json.loads(r.stdout)

def halves(m):
    path = {d["name"]: d["path"] for d in m["disks"]}
    for v in m["volumes"]:
        for p in v["plexes"]:
            e = p["extents"][0]
            with open(path[e["disk"]], "rb") as f:
                f.seek(e["offset"])
                yield f.read(v["size"])

# ---------------------------------------------------------------- what is run

def simple(d):
    blank(d[0]), blank(d[1])
    do("select disk 0\nconvert mbr\nconvert dynamic\ncreate volume simple size=4 disk=0\n", d)
    m = status(d)
    e = m["volumes"][0]["plexes"][0]["extents"][0]
    with open(d[0], "r+b") as f:
        f.seek(e["offset"])
        f.write(random.Random(7).randbytes(m["volumes"][0]["size"]))

def mirrored(d):
    simple(d)
    do("select volume 0\nadd disk=1\nwait\n", d)

def two_dynamic(d):
    simple(d)
    do("select disk 1\nconvert mbr\n", d)

# name: how the disks are prepared, what both do (as the first disk's number and the other's), what must be so then
OPERATIONS = {
    "convert": (lambda d: (blank(d[0]), blank(d[1])), lambda a, b: "select disk %d\nconvert gpt\n" % a,
                lambda m: m["disks"][0]["table"] == "gpt" and m["disks"][1]["table"] in (None, "none", "")),
    # slow enough that the disks stay held for longer than anybody waits for a lock
    "mirror": (simple, lambda a, b: "rebuild rate=3\nselect volume 0\nadd disk=%d\nwait\n" % b,
               lambda m: m["volumes"][0]["layout"] == "mirror" and m["volumes"][0]["status"] == "healthy" and
               len(set(halves(m))) == 1 and not m["jobs"]),
    "dynamic": (two_dynamic, lambda a, b: "select disk %d\nconvert dynamic\n" % b,
                lambda m: all(d["type"] == "dynamic" for d in m["disks"]) and len(m["groups"]) == 1 and
                len(m["volumes"]) == 1),
    "delete": (mirrored, lambda a, b: "select volume 0\ndelete volume\n", lambda m: not m["volumes"]),
    "break": (mirrored, lambda a, b: "select volume 0\nbreak disk=%d nokeep\n" % b,
              lambda m: m["volumes"][0]["layout"] == "simple" and m["volumes"][0]["status"] == "healthy"),
}

class Names:
    """Other names of the two disks."""
    def __init__(self, folder, disks):
        self.loops = []
        self.folder = folder
        self.disks = disks

    def make(self, kind):
        names = []
        for i, disk in enumerate(self.disks):
            name = os.path.join(self.folder, "%s%d" % (kind, i))
            if kind == "same":
                name = disk
            elif kind == "hard":
                os.link(disk, name)
            elif kind == "soft":
                os.symlink(disk, name)
            elif kind == "loop":
                r = run("losetup", "-f", "--show", disk)
                if r.returncode:
                    return None
                name = r.stdout.strip()
                self.loops.append(name)
            names.append(name)
        return names

    def drop(self):
        for loop in self.loops:
            run("losetup", "-d", loop)

def writes(log):
    try:
        with open(log) as f:
            return sum(1 for line in f if " write " in line)
    except FileNotFoundError:
        return 0

REFUSED_BY = [
    ("holder", r"in use: another dynadisk \(process (\d+)\)"), ("loop", r"in use: loop\d+"),
    ("changed", r"changed since the plan was made"), ("state", r"Virtual Disk Service error|not valid|no volume|There is no"),
]

def judge(op, disks, runs, outs, logs):
    """None and how the loser was refused, or what is wrong."""
    wrote = [writes(l) for l in logs]
    codes = [p.returncode for p in runs]
    if sorted(w > 0 for w in wrote) != [False, True]:
        return "writes: %s, exit codes %s" % (wrote, codes), None
    winner = 0 if wrote[0] else 1
    if codes[winner] != 0 or codes[1 - winner] == 0:
        return "exit codes: the writer's %d, the other's %d" % (codes[winner], codes[1 - winner]), None
    for how, pattern in REFUSED_BY:
        found = re.search(pattern, outs[1 - winner])
        if found:
            break
    else:
        return "the other was refused without words", None
    if how == "holder" and int(found.group(1)) != runs[winner].pid:
        return "the holder is process %d, not %s" % (runs[winner].pid, found.group(1)), None
    if not OPERATIONS[op][2](status(disks)):
        return "the disks are not what one of them should have left", None
    if CHECKER and op != "convert":
        r = run(sys.executable, CHECKER, "-q", "--complete", *disks)
        if r.returncode:
            return "ldmcheck: " + r.stdout + r.stderr, None
    return None, how

def race(rng, op, kind, base, folder, alone):
    disks = [os.path.join(folder, "disk%d.img" % i) for i in range(2)]
    for i in range(2):
        run("cp", "--sparse=always", base[i], disks[i])
    names = Names(folder, disks)
    try:
        other = names.make(kind)
        if other is None:
            return None, None, None
        if rng.random() < .5:
            other.reverse()
            numbers = (1, 0)
        else:
            numbers = (0, 1)
        sides = [(OPERATIONS[op][1](0, 1), disks), (OPERATIONS[op][1](*numbers), other)]
        order = [0, 1] if rng.random() < .5 else [1, 0]
        delay = rng.choice([0, rng.uniform(0, alone[op] / 4), rng.uniform(0, alone[op]), rng.uniform(0, 2 * alone[op])])
        logs = [os.path.join(folder, "log%d" % i) for i in range(2)]
        runs = [None, None]
        for k, side in enumerate(order):
            if k:
                time.sleep(delay)
            runs[side], commands = shell(*sides[side], log=logs[side])
            runs[side].stdin.write(commands)
            runs[side].stdin.close()
            runs[side].stdin = None
        outs = [r.communicate(timeout=LIMIT)[0] for r in runs]
        wrong, how = judge(op, disks, runs, outs, logs)
        if wrong:
            wrong += "\n%s by %s, %.3f s apart, order %s, numbers %s" % (op, kind, delay, order, numbers)
            wrong += "".join("\n--- %d\n%s" % (i, o) for i, o in enumerate(outs))
        return wrong, how, sum(writes(l) for l in logs)
    finally:
        names.drop()

def time_alone(op, base, top):
    """Seconds until one instance alone has written: what the other's start is spread over."""
    disks = [os.path.join(top, "alone%d.img" % i) for i in range(2)]
    for i in range(2):
        shutil.copyfile(base[i], disks[i])
    began = time.monotonic()
    do(OPERATIONS[op][1](0, 1).replace("wait\n", ""), disks)
    return min(time.monotonic() - began, 2)

def main():
    n, seed = int(sys.argv[1]), int(sys.argv[2])
    rng = random.Random(seed)
    began, refused, failed, total, number = time.monotonic(), {}, 0, 0, 0
    kinds = ["same", "hard", "soft", "loop"]
    with tempfile.TemporaryDirectory() as top:
        os.environ["DYNADISK_STATE"] = os.path.join(top, "state")
        bases, alone = {}, {}
        for op, (prepare, _, _) in OPERATIONS.items():
            os.mkdir(os.path.join(top, op))
            bases[op] = [os.path.join(top, op, "%d.img" % i) for i in range(2)]
            prepare(bases[op])
            alone[op] = time_alone(op, bases[op], top)
        shutil.rmtree(os.environ["DYNADISK_STATE"], ignore_errors=True)
        ops = list(OPERATIONS)
        for i in range(n):
            op, kind = ops[i % len(ops)], kinds[(i // len(ops) + i) % len(kinds)]
            folder = os.path.join(top, "run")
            os.mkdir(folder)
            wrong, how, wrote = race(rng, op, kind, bases[op], folder, alone)
            if wrong is None and how is None: # no loop devices here
                shutil.rmtree(folder)
                os.mkdir(folder)
                wrong, how, wrote = race(rng, op, "hard", bases[op], folder, alone)
            shutil.rmtree(folder)
            refused[how] = refused.get(how, 0) + 1
            total += wrote or 0
            if wrong:
                failed += 1
                print("not ok %d - race %d" % (number + 1, i))
                number += 1
                print("\n".join("# " + line for line in wrong.splitlines()), flush=True)
                if failed > 5:
                    break
    number += 1
    print("%sok %d - of %d races exactly one instance wrote, each time" % ("not " if failed else "", number, n))
    print("1..%d" % number)
    print("# figures: races %d, failed %d, the other refused by the holder %d, by a loop device %d, after waiting for the lock "
          "%d, before %d; writes %d, seed %d, %.0f s" % (n, failed, *(refused.get(how, 0) for how, _ in REFUSED_BY), total,
                                                        seed, time.monotonic() - began))
    return 1 if failed else 0

sys.exit(main())
