#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inputs to begin with, for every fuzz target: seeds.py FOLDER makes FOLDER/TARGET/* from practice disks ($DYNADISK lab),
file systems made by their own tools, the documented DiskPart scripts and the console's key scripts.
How each target's input is written down is said in its .c file."""
import glob
import hashlib
import os
import re
import subprocess
import sys
import tempfile

SOURCE = os.environ.get("DYNADISK_SOURCE", os.path.join(os.path.dirname(__file__), "../.."))
SECTOR = 512
out = sys.argv[1]
work = tempfile.TemporaryDirectory()


def seed(target, data):
    folder = os.path.join(out, target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, hashlib.sha1(data).hexdigest()), "wb") as f:
        f.write(data)


def sectors(path, at, n):
    with open(path, "rb") as f:
        f.seek(at * SECTOR)
        data = f.read(n * SECTOR)
    return [data[i:i + SECTOR] for i in range(0, len(data), SECTOR)]


def pieces(code, sector):
    """A sector's bytes that are not zero, as pieces."""
    res = b""
    for at in range(0, SECTOR, 128):
        part = sector[at:at + 128]
        lead = len(part) - len(part.lstrip(b"\0"))
        start = (at + lead) // 2 * 2
        part = sector[start:at + 128].rstrip(b"\0")
        if part:
            res += bytes([code, start // 2, len(part)]) + part
    return res


def ldm(path):
    total = os.path.getsize(path) // SECTOR
    base = total - 2048
    region = sectors(path, base, 2048)
    for raw in (sectors(path, 6, 1)[0], region[1856], region[2047]):
        if raw[:8] == b"PRIVHEAD":
            seed("headers", b"\0" + raw.rstrip(b"\0"))
    for rel in (1, 2, 2045, 2046):
        if region[rel][:8] == b"TOCBLOCK":
            seed("headers", b"\1" + region[rel].rstrip(b"\0"))
    if region[17][:4] != b"VMDB":
        return
    slots = b""
    skip = 0
    config = b"".join(region[17:1498])
    for k in range(4, len(config) // 128):
        slot = config[k * 128:k * 128 + 128]
        body = slot[8:].rstrip(b"\0")
        if int.from_bytes(slot[14:16], "big"):
            slots += bytes([skip, len(body)]) + body
            seed("record", slot[16:])
            skip = 0
        skip += 1
    head = region[17][0x10:0xc5]
    log = region[1498][:255].rstrip(b"\0")
    for flags in (0, 1):
        seed("database", bytes([flags, len(head)]) + head + b"\0" + bytes([len(log)]) + log + slots)
        seed("database", bytes([flags, 0, 0, 0]) + slots)
    seed("database", bytes([2, 0, 0, 0]))
    seed("database", bytes([6, 8]) + region[17][4:12] + b"\0\0")


def table(path, size_code):
    last = os.path.getsize(path) // SECTOR
    data = b"".join(pieces(i, s) for i, s in enumerate(sectors(path, 0, 40)) if s.strip(b"\0"))
    data += b"".join(pieces(128 - 34 + i, s) for i, s in enumerate(sectors(path, last - 34, 34)) if s.strip(b"\0"))
    for flags in (3, 3 | 8, 1):
        seed("table", bytes([flags, size_code]) + data)


def extended():
    def entry(kind, start, size, flag=0):
        return bytes([flag, 0, 0, 0, kind, 0, 0, 0]) + start.to_bytes(4, "little") + size.to_bytes(4, "little")

    mbr = entry(7, 63, 640, 0x80) + entry(0x0f, 63 + 64 * 20, 64 * 30)
    ebr = entry(7, 10, 300) + entry(5, 64 * 10, 640)
    end = entry(11, 20, 300)
    data = pieces(0, bytes(446) + mbr + b"\x55\xaa")
    data += pieces(128 + 20, bytes(446) + ebr + bytes(32) + b"\x55\xaa")
    data += pieces(128 + 30, bytes(446) + end + bytes(48) + b"\x55\xaa")
    seed("table", b"\1\0" + data)
    seed("table", b"\x09\0" + data)
    seed("table", b"\x05\1" + data)


def file_systems():
    path = os.path.join(work.name, "fs")
    env = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
    makers = [(0, 1, 16, ["mkntfs", "-F", "-q", "-L", "Data"]), (0, 2, 64, ["mkntfs", "-F", "-q", "-c", "512"]),
              (1, 0, 1, ["mkfs.fat", "-n", "SMALL"]), (1, 1, 16, ["mkfs.fat", "-F", "16"]),
              (1, 2, 64, ["mkfs.fat", "-F", "32", "-n", "BIG"]), (0, 1, 16, ["mke2fs", "-q", "-F"]),
              (0, 1, 16, ["mkswap"]), (0, 1, 16, ["mkfs.exfat"])]
    for which, size_code, mib, command in makers:
        with open(path, "wb") as f:
            f.truncate(mib << 20)
        try:
            subprocess.run(command + [path], env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError):
            continue
        found = [(i + 1, s) for i, s in enumerate(sectors(path, 0, 63)) if s.strip(b"\0")]
        # of an MFT the records 3 (the label) and 6 (the bitmap) are looked at
        boot = found[0][1] if found else bytes(SECTOR)
        if boot[3:7] == b"NTFS":
            at = int.from_bytes(boot[48:56], "little") * boot[13] + 1
            found = [f for f in found if f[0] in (1, at, at + 1, at + 6, at + 7, at + 12, at + 13)]
        data = b"".join(pieces(i, s) for i, s in found[:20])
        for target in ("fs", "probe"):
            seed(target, bytes([which, size_code]) + data)


def attribute(record, kind):
    """Where the run list of a record's attribute is."""
    at = int.from_bytes(record[20:22], "little")
    while int.from_bytes(record[at:at + 4], "little") != kind:
        at += int.from_bytes(record[at + 4:at + 8], "little")
    return at + int.from_bytes(record[at + 32:at + 34], "little")


def hibernated():
    """A hiberfil.sys in the root folder, with its records and the folder's index moved to where a sector code reaches."""
    path, content = os.path.join(work.name, "ntfs"), os.path.join(work.name, "content")
    env = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
    quiet = {"env": env, "check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with open(path, "wb") as f:
        f.truncate(16 << 20)
    with open(content, "wb") as f:
        f.write(b"hibr" + bytes(508))
    try:
        subprocess.run(["mkntfs", "-F", "-q", "-c", "4096", path], **quiet)
        subprocess.run(["ntfscp", "-f", path, content, "hiberfil.sys"], **quiet)
    except (OSError, subprocess.CalledProcessError):
        return
    boot = bytearray(sectors(path, 0, 1)[0])
    first = int.from_bytes(boot[48:56], "little") * 8
    boot[48:56] = (1).to_bytes(8, "little")
    mft = bytearray(b"".join(sectors(path, first, 160)))
    runs = attribute(mft, 0x80)
    mft[runs:runs + 7] = b"\x11\x10\x01\x11\x01\x02\0"  # 16 clusters from 1 on, then 3
    root = 5 * 1024
    runs = root + attribute(mft[root:], 0xa0)
    wide = mft[runs] >> 4
    index = int.from_bytes(mft[runs + 2:runs + 2 + wide], "little")
    mft[runs + 2:runs + 2 + wide] = (4).to_bytes(wide, "little")
    data = pieces(1, bytes(boot))
    for record, sector in ((0, 9), (5, 19), (64, 25)):
        for half in range(2):
            at = record * 1024 + half * SECTOR
            data += pieces(sector + half, bytes(mft[at:at + SECTOR]))
    for i, block in enumerate(sectors(path, index * 8, 8)):
        data += pieces(33 + i, block)
    for target in ("fs", "probe"):
        seed(target, b"\2\1" + data)
        seed(target, b"\0\1" + data)


def recover():
    for change in range(5):
        for phase in range(7):
            for which in (0, 1, 2, 0xff):
                seed("recover", bytes([change, 1, phase, which, 0, phase, 0, 0]))
        seed("recover", bytes([change, 2, 3, 0, 0, 3, 0xff, 0, 0, 0, 1, 1, 4, 2, 0xff, 0xff]))


def rebuild():
    def record(phase, done, verified):
        nums = lambda *v: b"".join(x.to_bytes(8, "big") for x in v)
        return (b"DYNREBLD" + (1).to_bytes(4, "big") + bytes(4) + nums(5) + phase.to_bytes(4, "big") + bytes(4) +
                bytes(range(48)) + nums(2048, 4096, 1 << 20, 77, done, verified, 1 << 56, 1 << 56, 3))

    for args in ((1, 0, 0), (1, 1 << 19, 0), (2, 1 << 20, 1 << 18), (3, 0, 0), (1, 1 << 21, 0)):
        seed("rebuild", b"\0" + record(*args))
    seed("rebuild", b"\1" + record(1, 0, 0))
    seed("rebuild", b"\1")


def undo():
    def num(n, v):
        return v.to_bytes(n, "big")

    def text(s):
        return num(2, len(s)) + s

    def disk(path, size):
        return text(path) + text(b"aaaaaaaa-0000-4000-8000-000000000001") + text(b"SERIAL") + num(8, size)

    head = b"DYNUNDO2" + num(8, 0) + num(8, 0) + num(8, 1000000000)
    disks = num(4, 2) + disk(b"disk0.img", 1 << 29) + disk(b"/dev/sdb", 1 << 29)
    run = num(4, 0) + num(8, 6) + num(4, 1) + num(4, 3) + num(4, 1) + bytes(range(256)) * 2 + bytes(512)
    none = num(4, 0)
    image = num(4, 1) + num(8, 2048) + num(4, 1)
    titles = text(b"Repair C: Windows") + text(b"") + num(4, 1)
    seed("undo", b"\0" + head + titles + none * 4)
    seed("undo", b"\0" + head + titles + disks + none * 3)
    seed("undo", b"\0" + head + titles + disks + num(4, 1) + run + none * 2)
    between = num(4, 1) + num(4, 0) + num(8, 9) + num(8, 12345)
    seed("undo", b"\0" + head + titles + disks + num(4, 2) + run * 2 + none + between)
    data = head + titles + disks + none + num(4, 1) + image
    size = len(data) + 8 + 8 + 8 + 4
    seed("undo", b"\2" + data + num(8, size) + num(8, 1) + num(8, 2) + none)
    seed("undo", b"\0" + head + text(b"clean\x1b[31m\xff") + text(b"the whole disk was zeroed") + num(4, 0) + none * 4)


def scripts():
    lines = []
    for path in glob.glob(os.path.join(SOURCE, "tests/shell/guides/*.txt")):
        for line in open(path, encoding="utf-8", errors="replace"):
            line = re.sub(r"^.*DISKPART>\s*", "", line.strip(), flags=re.I)
            if re.match(r"(list|select|detail|convert|add|break|create|delete|clean|active|assign|rescan|rem|exit)\b", line, re.I):
                lines.append(line[:120])
    shell = [os.environ["DYNADISK"], "shell", "--script", "-"]
    verbs = subprocess.run(shell, input="help\n", text=True, capture_output=True).stdout
    for verb in re.findall(r"^([A-Z]{2,})\s", verbs, re.M):
        usage = subprocess.run(shell, input=f"help {verb}\n", text=True, capture_output=True).stdout
        for line in re.findall(rf"^\s*({verb}\b[^\n]*)", usage, re.M):
            line = re.sub(r"<[A-Z]+>", "1", line)
            lines += [re.sub(r"\[[^]]*\]", "", line), line.replace("[", "").replace("]", "")]
    for line in dict.fromkeys(lines):
        seed("shell", line.encode() + b"\n")
    seed("shell", b'\xef\xbb\xbfselect disk = 1\r\nadd disk=2 noerr\r\n\trem "x y"\n')
    seed("shell", b'assign letter="c"\nset id="ebd0a0a2-b9e5-4433-87c0-68b6b72699c7" override\n')


def keys():
    names = {"Enter": "\r", "Esc": "\033", "Tab": "\t", "Up": "\033OA", "Down": "\033OB", "Right": "\033OC", "Left": "\033OD",
             "PgUp": "\033[5~", "PgDn": "\033[6~", "Home": "\033OH", "End": "\033OF", "Del": "\033[3~", "BS": "\177",
             "F1": "\033OP", "F5": "\033[15~", "F9": "\033[20~", "F10": "\033[21~", "lt": "<"}

    def typed(m):
        name = m.group(1)
        return chr(ord(name[2]) & 0x1f) if name.startswith("C-") else names.get(name, "")

    for path in glob.glob(os.path.join(SOURCE, "tests/tui/*.keys")):
        play = b""
        for line in open(path, encoding="utf-8"):
            if line.startswith("keys "):
                text = re.sub(r"<([^<>]+)>", typed, line[5:].rstrip("\n")).encode()
                seed("keys", b"\0" + text[:200])
                play += text + b"\xf8\0"
        for at in range(0, len(play), 200):
            seed("keys", b"\0" + play[at:at + 200])
    for text in (b"\033[<0;10;5M\033[<0;10;5m", b"\033[<2;20;15M", b"\033[M !!", b"/\xc3\xa9\xe2\x82\xac\xf0\x9f\x92\xbe\r",
                 b"\033[200~paste\033[201~", b"\xf8\1\xf8\2\xf8\3\xf8\4\xf8\5\xf8\6\xf8\7"):
        seed("keys", b"\0" + text)


for scenario, size_code in (("mbr-failed", 2), ("gpt-healthy", 2), ("mixed-failed", 2), ("kb323432", 3), ("blog", 3)):
    folder = os.path.join(work.name, scenario)
    subprocess.run([os.environ["DYNADISK"], "lab", folder, "--scenario", scenario], check=True, stdout=subprocess.DEVNULL)
    for image in sorted(glob.glob(os.path.join(folder, "*.img"))):
        ldm(image)
        table(image, size_code)
extended()
file_systems()
hibernated()
recover()
rebuild()
undo()
scripts()
keys()
