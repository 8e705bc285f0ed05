#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kept inputs of a fuzz target in one file (length 2, bytes; over and over), and as a folder of files.

corpus.py unpack FILE FOLDER    each input becomes a file
corpus.py pack FOLDER FILE      the files become one, the shortest first
"""
import hashlib
import os
import sys


def unpack(path, folder):
    os.makedirs(folder, exist_ok=True)
    data = open(path, "rb").read()
    at = n = 0
    while at < len(data):
        size = int.from_bytes(data[at:at + 2], "big")
        item = data[at + 2:at + 2 + size]
        assert len(item) == size, f"{path} is cut off"
        with open(os.path.join(folder, hashlib.sha1(item).hexdigest()), "wb") as f:
            f.write(item)
        at += 2 + size
        n += 1
    return n


def pack(folder, path):
    items = {open(os.path.join(folder, name), "rb").read() for name in os.listdir(folder)}
    items = sorted((i for i in items if 0 < len(i) < 65536), key=lambda i: (len(i), i))
    with open(path, "wb") as f:
        for item in items:
            f.write(len(item).to_bytes(2, "big") + item)
    return len(items)


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in ("pack", "unpack"):
        sys.exit(__doc__)
    print((pack if sys.argv[1] == "pack" else unpack)(sys.argv[2], sys.argv[3]), "inputs")
