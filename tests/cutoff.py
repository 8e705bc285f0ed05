#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""cutoff.py STAGE IMAGE...: a change of the LDM database that was cut off, as it is found on these disks of a group.

STAGE: announced - no disk has noted the commit; logged - all of them have, none is committed; committed - the first is.
The change adds and removes nothing: what matters is whether it is finished or rolled back.
"""
import struct
import sys

META = bytes.fromhex("aac808588f7ee04285d2e1e90434cfb3")  # LDM metadata partition, as it lies in a GPT
CONFIG, LOG = 17, 1498


def private_region(f):
    f.seek(0, 2)
    total = f.tell() // 512
    f.seek(512)
    if f.read(8) != b"EFI PART":
        return total - 2048
    f.seek(1024)
    table = f.read(128 * 128)
    for i in range(128):
        entry = table[i * 128:(i + 1) * 128]
        if entry[:16] == META:
            return struct.unpack_from("<Q", entry, 32)[0]
    raise SystemExit("no LDM metadata partition")


def cut_off(path, log, commit):
    with open(path, "r+b") as f:
        base = private_region(f)
        f.seek((base + CONFIG) * 512)
        head = bytearray(f.read(512))
        assert head[:4] == b"VMDB" and head[0x10:0x12] == b"\0\1", path
        tid = struct.unpack_from(">Q", head, 0x75)[0]
        struct.pack_into(">H", head, 0x10, 3 if commit else 2)
        struct.pack_into(">Q", head, 0x7d, tid + 1)
        f.seek((base + CONFIG) * 512)
        f.write(head)
        f.seek((base + LOG) * 512)
        page = bytearray(f.read(512))
        assert page[:4] == b"KLOG", path
        at = 0x18
        while page[at] not in (0, 3):
            at += 24
        page[at:at + 24] = struct.pack(">BQQI3x", 3, tid, tid + 1, 0)
        if log:
            f.seek((base + LOG) * 512)
            f.write(page)


def main():
    stage, images = sys.argv[1], sys.argv[2:]
    assert stage in ("announced", "logged", "committed") and images
    for i, path in enumerate(images):
        cut_off(path, stage != "announced", stage == "committed" and i == 0)


main()
