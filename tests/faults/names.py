#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""names.py SETS SEED - hostile names in every place that has one, and everything that shows them.

200 names: control bytes and sequences, C1, direction and zero-width marks, what is no UTF-8, floods of combining marks, wide
characters, texts of every length up to 255 bytes. They become labels of NTFS and FAT, names of GPT partitions, of LDM groups,
disks, volumes, halves and pieces, and of image files: 20 in each set of disks. What dynadisk then sends to a pipe, a file or a
terminal must be UTF-8 without anything that a terminal obeys. Prints TAP and one line of figures.
"""
import codecs, fcntl, json, os, pty, random, re, select, shutil, signal, struct, subprocess, sys, tempfile, termios, time
import unicodedata, zlib

DYNADISK = os.environ.get("DYNADISK") or sys.exit("DYNADISK is not set")
MAKE = os.environ.get("NAMES_MAKE") or sys.exit("NAMES_MAKE is not set")
MIB, PER_SET, LIMIT = 1 << 20, 20, 300
MARK = b"31337" # in every hostile sequence: so that one which gets through is told from the program's own

def all_names():
    rng = random.Random(200)
    u = lambda *cps: "".join(map(chr, cps)).encode()
    seeds = [b"a%cb" % c for c in list(range(1, 32)) + [127]]
    seeds += [u(c) + b"x" for c in range(0x80, 0xa0)]
    seeds += [b"\x1b[%sm" % MARK, b"\x1b]0;%s\x07" % MARK, b"\x1b]52;c;%s\x1b\\" % MARK, b"\x1bP%s\x1b\\" % MARK,
              b"\x1b_%s\x1b\\" % MARK, b"\x1b[%s;6n" % MARK, b"\x9b%sm" % MARK, b"\x9d%s\x9c" % MARK, b"\x1b[2J\x1b[H",
              b"\x1b(0", b"\x0e\x0f", b"\x1bc", b"\x1b[?1049l", b"\x1b[5i", b"\xc2\x9b%sm" % MARK]
    seeds += [u(c) + b"gpj.exe" for c in (0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069, 0x200e, 0x200f,
                                          0x61c, 0x200b, 0x200c, 0x200d, 0x2060, 0x2061, 0xfeff, 0xad, 0x2028, 0x2029, 0xfff9,
                                          0xfffa, 0xfffb, 0xe0001, 0xe0041, 0xe007f, 0x206a, 0x180e, 0x34f)]
    seeds += [b"\xc0\xaf", b"\xe0\x80\xaf", b"\xc1\x81", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf4\x90\x80\x80", b"\xe2\x82",
              b"\xf0\x9f\x92", b"\xff\xfe", b"\x80", b"\xbf\xbf", b"\xf8\x88\x80\x80\x80", b"\xfe\xff" * 8]
    seeds += [b"a" + u(0x301) * 40, u(0x489) * 30, u(0x20dd, 0x5d0) * 20, b"%s%n%x%1000d", b'"\\\b\n\t', b"</script>\n", b"\\x1b[0m"]
    seeds += [u(0x65e5) * n for n in (1, 5, 11, 16, 31, 85)] + [b"x" + u(0x65e5) * n for n in (5, 11, 16, 31, 84)]
    seeds += [u(0x1f469, 0x200d, 0x1f4bb) * 6, u(0xff21) * 20, b"-" * 255, b"A" * 64, b" " * 20, b"C:", b"../../x", b"|`$(x)"]
    names = list(seeds)
    while len(names) < 200: # mixtures, to every length
        parts, want = b"", rng.choice([7, 31, 32, 63, 64, 120, 255])
        while len(parts) < want:
            parts += rng.choice(seeds)[:rng.randint(1, 12)]
        names.append(parts[:want])
    return names[:200]

def utf16(name, units):
    """As many UTF-16 units, of the text where it is one and of the bytes where not."""
    try:
        b = name.decode().encode("utf-16-le", "surrogatepass")
    except UnicodeDecodeError:
        b = name + b"\0" * (len(name) % 2)
    return b[:2 * units].ljust(2 * units, b"\0")

# ------------------------------------------------------------------ what may come out

BAD = re.compile("[\0-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
                 "\U000e0000-\U000e0fff\ud800-\udfff]")

def fault_in(b, where):
    """None, or what is wrong with these bytes as lines of text."""
    try:
        text = b.decode()
    except UnicodeDecodeError as e:
        return "%s: no UTF-8 at %r" % (where, b[max(0, e.start - 60):e.start + 20])
    bad = BAD.search(text)
    if bad:
        return "%s: U+%04X at %r" % (where, ord(bad.group()), text[max(0, bad.start() - 60):bad.start() + 20])
    return None

SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[()][0-9A-Z]|[=>78MHDE])")

def fault_on_terminal(b):
    for s in SEQUENCE.finditer(b.decode("utf-8", "replace")):
        if MARK.decode() in s.group():
            return "console: the sequence %r" % s.group()
    try:
        text = SEQUENCE.sub("", b.decode())
    except UnicodeDecodeError as e:
        return "console: no UTF-8 at %r" % b[max(0, e.start - 60):e.start + 20]
    text = re.sub("[\r\b\t\x0e\x0f]", "", text)
    bad = BAD.search(text)
    return "console: U+%04X at %r" % (ord(bad.group()), text[max(0, bad.start() - 60):bad.start() + 20]) if bad else None

def texts(x):
    if isinstance(x, str):
        yield x
    elif isinstance(x, list):
        for y in x:
            yield from texts(y)
    elif isinstance(x, dict):
        for y in x.values():
            yield from texts(y)

# ------------------------------------------------------------------------ disks

def run(*command, stdin=None):
    return subprocess.run(command, input=stdin, capture_output=True, timeout=LIMIT)

def need(r, what):
    if r.returncode:
        raise RuntimeError("%s: %s" % (what, r.stdout + r.stderr))

def sparse(path, size):
    with open(path, "wb") as f:
        f.truncate(size)

class Makers:
    """Templates, made once: an NTFS and a FAT to be labelled, and two disks of a group with 20 volumes."""
    def __init__(self, top):
        self.ntfs = self.fat = None
        env = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
        path = os.path.join(top, "fs")
        for what, command in (("ntfs", ["mkntfs", "-F", "-q", "-s", "512", "-L", "y" * 32, path]),
                              ("fat", ["mkfs.fat", "-F", "12", "-n", "YYYYYYYYYYY", path])):
            sparse(path, 2 * MIB)
            try:
                subprocess.run(command, env=env, capture_output=True, check=True, timeout=LIMIT)
            except FileNotFoundError:
                continue
            with open(path, "rb") as f:
                setattr(self, what, f.read())
        self.group = [os.path.join(top, "group%d" % i) for i in range(2)]
        for path in self.group:
            sparse(path, 96 * MIB)
        lines = "select disk 1\nconvert mbr\nconvert dynamic\nselect disk 0\nconvert mbr\nconvert dynamic\n"
        need(run(DYNADISK, "shell", "--script", "-", *self.group,
                 stdin=(lines + "create volume simple size=3 disk=0\n" * PER_SET).encode()), "the group")
        m = json.loads(run(DYNADISK, "status", "--json", *self.group).stdout)
        self.places = [v["plexes"][0]["extents"][0]["offset"] for v in m["volumes"]]

    def labelled(self, kind, name):
        b = getattr(self, kind)
        if b is None:
            return b"\0" * 4096
        if kind == "ntfs":
            old, new = ("y" * 32).encode("utf-16-le"), utf16(name, 32)
            at = b.index(old) # in the record of $Volume, clear of the bytes that its update sequence replaces
            return b[:at] + new + b[at + len(old):]
        return b.replace(b"YYYYYYYYYYY", (name + b" " * 11)[:11])

def gpt_disk(path, names, makers):
    """A partition for each name as its own and its NTFS label, and one for each as its FAT label."""
    size, first, n = 256 * MIB, 2048, 128
    entries, fs = bytearray(n * 128), []
    for i in range(2 * len(names)):
        name = names[i // 2]
        start = first + i * 2 * MIB // 512
        e = bytes.fromhex("a2a0d0ebe5b9334487c068b6b72699c7") + struct.pack("<QQ", 1, i) + \
            struct.pack("<QQQ", start, start + 2 * MIB // 512 - 1, 0) + utf16(name, 36)
        entries[i * 128:i * 128 + 128] = e
        fs.append((start * 512, makers.labelled("ntfs" if i % 2 == 0 else "fat", name)))
    last = size // 512 - 1
    def header(here, other, table):
        h = bytearray(struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, here, other, 34, last - 33,
                                  b"\x01" * 16, table, n, 128, zlib.crc32(entries)))
        h[16:20] = struct.pack("<I", zlib.crc32(bytes(h)))
        return bytes(h)
    sparse(path, size)
    with open(path, "r+b") as f:
        f.seek(446), f.write(struct.pack("<BBBBBBBBII", 0, 0, 2, 0, 0xee, 255, 255, 255, 1, last))
        f.seek(510), f.write(b"\x55\xaa")
        f.seek(512), f.write(header(1, last, 2))
        f.seek(1024), f.write(entries)
        f.seek((last - 32) * 512), f.write(entries), f.write(header(last, 1, last - 32))
        for at, b in fs:
            f.seek(at), f.write(b)

def file_name(name):
    return (name.replace(b"/", b"_").replace(b"\0", b"_")[:200] or b"x") + b".img"

def make_set(folder, names, makers, damaged):
    top = os.fsencode(folder)
    disks = [os.path.join(top, b"%d" % i + file_name(names[i])) for i in range(3)]
    for i in range(2):
        need(run("cp", "--sparse=always", makers.group[i], disks[i]), "cp")
    listing = os.path.join(folder, "names")
    with open(listing, "w") as f:
        f.writelines(name.replace(b"\0", b"_").hex() + "\n" for name in names)
    need(run(MAKE, listing, *disks[:2]), "names_make")
    with open(disks[0], "r+b") as f:
        for name, at in zip(names, makers.places):
            f.seek(at), f.write(makers.labelled("ntfs", name))
    gpt_disk(disks[2], names, makers)
    if damaged: # so that the disk is named among the findings
        with open(disks[2], "r+b") as f:
            f.seek(1024), f.write(b"\0")
    return disks

# ---------------------------------------------------------------------- showing

def shell_lines(m):
    yield "list disk\nlist volume\nlist partition noerr\nundo list noerr\nrebuild noerr\n"
    for i, d in enumerate(m["disks"]):
        number = d["name"][5:]
        yield "select disk=%s noerr\ndetail disk noerr\nlist partition noerr\nuniqueid disk noerr\n" % number
        yield "preview\nclean noerr\npreview\nconvert basic noerr\npreview\nconvert dynamic noerr\n"
        for p in range(1, 5 if i == 2 else 1):
            yield "select partition %d noerr\ndetail partition noerr\npreview\ndelete partition noerr\n" % p
    for i in range(len(m["volumes"])):
        yield "select volume %d noerr\ndetail volume noerr\nfilesystems noerr\npreview\ndelete volume noerr\n" % i
        yield "preview\nadd disk=1 noerr\n" if i < 2 else ""

def console(disks, rng):
    """All the bytes that the console sends while somebody presses keys."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", LC_ALL="C.UTF-8")
        os.execv(DYNADISK, [DYNADISK, *disks])
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rng.choice([24, 30, 50]), rng.choice([80, 81, 100, 132]), 0, 0))
    keys = [b"\x1b[B"] * 8 + [b"\x1b[A", b"\x1b[C", b"\x1b[D", b"\t", b"\t", b"\r", b"\r", b"\x1b\x1b", b"?", b"\x1b[6~", b"i", b"u",
            b"\x1b[15~", b"/", b"x", b"\x1b[21~"]
    out, began, left = b"", time.monotonic(), 60
    while time.monotonic() - began < LIMIT:
        ready = select.select([fd], [], [], .1 if out else 5)[0]
        if ready:
            try:
                got = os.read(fd, 65536)
            except OSError:
                break
            if not got:
                break
            out += got
        elif left > 0: # it has said all it has to say
            left -= 1
            os.write(fd, rng.choice(keys))
        else:
            break
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        pass
    os.close(fd)
    os.waitpid(pid, 0)
    return out

def show(disks, folder, rng, with_console):
    """Everything that shows names. Yields (bytes, where)."""
    log = os.path.join(folder, "log")
    r = run(DYNADISK, "status", "--json", *disks)
    yield r.stdout + r.stderr, "status --json"
    m = json.loads(r.stdout.decode("utf-8", "surrogateescape"))
    for t in texts(m):
        yield t.encode("utf-8", "surrogateescape"), "a text in JSON"
    for command in (["status"], ["status", "--check"]):
        r = run(DYNADISK, *command, *disks)
        yield r.stdout + r.stderr, " ".join(command)
    r = run(DYNADISK, "--log", log, "shell", "--script", "-", *disks, stdin="".join(shell_lines(m)).encode())
    yield r.stdout + r.stderr, "shell"
    # changes, each logged and kept for undo; and refusals
    for lines in ("select volume 0\ndelete volume\n", "select disk 2\nselect partition 1\nset id=de94bba4-06d1-4d40-a16a-bfd50179d6ac\n",
                  "select volume 3\nadd disk=1\nwait\n", "undo list\nundo noerr\nundo list\n", "select disk 0\nconvert gpt\n"):
        r = run(DYNADISK, "--log", log, "shell", "--script", "-", *disks, stdin=lines.encode())
        yield r.stdout + r.stderr, "shell: " + lines.split("\n")[0]
    with open(log, "rb") as f:
        written = f.read()
        yield written, "the log"
    if b" write " not in written:
        yield b"\x1b", "nothing was changed, so that log and undo have not been looked at"
    # paths that lead nowhere, and one disk twice
    for odd in ([disks[0] + b"x"], [disks[0], disks[0]], [os.fsencode(folder)]):
        for command in ("status", "shell"):
            r = run(DYNADISK, command, *odd, stdin=b"list disk\nselect disk 0\ndetail disk\n")
            yield r.stdout + r.stderr, "%s of an odd path" % command
    if with_console:
        yield console(disks, rng), "console"

def shown_in(b, where, shown):
    """Counts where escaped names came out: a place that shows none has not been tested."""
    if where == "status --json":
        m = json.loads(b)
        fields = {"disk path": [d["path"] for d in m["disks"]], "group": [g["name"] for g in m["groups"]],
                  "volume": [v["name"] for v in m["volumes"]], "label": [v["label"] for v in m["volumes"]],
                  "half": [p["name"] for v in m["volumes"] for p in v["plexes"]]}
        for field, values in fields.items():
            shown[field] = shown.get(field, 0) + sum("\\x" in (v or "") for v in values)
    where = where.split(":")[0]
    shown[where] = shown.get(where, 0) + b.count(b"\\x")

def main():
    sets, seed = int(sys.argv[1]), int(sys.argv[2])
    rng, names = random.Random(seed), all_names()
    began, failed, n_bytes, n_outputs, number, shown = time.monotonic(), 0, 0, 0, 0, {}
    with tempfile.TemporaryDirectory() as top:
        os.environ["DYNADISK_STATE"] = os.path.join(top, "state")
        makers = Makers(top)
        for i in range(sets):
            # every name in every set's place: the first round as they are, later ones turned on and mixed
            if i % 10 == 0 and i:
                rng.shuffle(names)
            chosen = names[i % 10 * PER_SET:(i % 10 + 1) * PER_SET]
            folder = os.path.join(top, "set")
            os.mkdir(folder)
            faults = []
            for b, where in show(make_set(folder, chosen, makers, i % 2 == 1), folder, rng, i % 5 == 0):
                n_bytes, n_outputs = n_bytes + len(b), n_outputs + 1
                shown_in(b, where, shown)
                fault = fault_on_terminal(b) if where == "console" else fault_in(b, where)
                if fault:
                    faults.append(fault)
            shutil.rmtree(folder)
            shutil.rmtree(os.environ["DYNADISK_STATE"], ignore_errors=True)
            if faults:
                failed += 1
                number += 1
                print("not ok %d - set %d" % (number, i))
                print("\n".join("# " + f.encode("ascii", "backslashreplace").decode() for f in faults[:20]), flush=True)
    number += 1
    hidden = [where for where, n in shown.items() if n == 0]
    print("%sok %d - every place showed some of them, escaped%s" % ("not " if hidden else "", number, hidden or ""))
    failed += len(hidden)
    number += 1
    print("%sok %d - %d sets of %d hostile names: nothing comes out that a terminal obeys" %
          ("not " if failed else "", number, sets, PER_SET))
    print("1..%d" % number)
    print("# figures: names %d, sets of disks %d, failed %d, outputs %d, bytes %d, escapes %d, seed %d, %.0f s" %
          (len(names), sets, failed, n_outputs, n_bytes, sum(shown.values()), seed, time.monotonic() - began))
    return 1 if failed else 0

sys.exit(main())
