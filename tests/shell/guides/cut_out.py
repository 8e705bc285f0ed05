#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""cut_out.py IMAGE OFFSET BYTES FILE: a run of bytes of a sparse image as a sparse file of its own, without reading its
holes. Prints the chunks of 64 KiB that are not zeros and a hash of each, so that two runs can be compared quickly."""
import errno
import hashlib
import os
import sys

CHUNK = 1 << 16


def data_ranges(fd, start, end):
    while start < end:
        try:
            start = os.lseek(fd, start, os.SEEK_DATA)
        except OSError as e:
            if e.errno == errno.ENXIO:
                return
            raise
        stop = min(os.lseek(fd, start, os.SEEK_HOLE), end)
        if start < stop:
            yield start, stop
        start = stop


def main():
    image, offset, size, target = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    fd = os.open(image, os.O_RDONLY)
    out = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.ftruncate(out, size)
    last = -1
    for start, stop in data_ranges(fd, offset, offset + size):
        for at in range((start - offset) // CHUNK, (stop - offset + CHUNK - 1) // CHUNK):
            if at == last:
                continue
            last = at
            bytes_ = os.pread(fd, min(CHUNK, size - at * CHUNK), offset + at * CHUNK)
            if bytes_.count(0) != len(bytes_):
                os.pwrite(out, bytes_, at * CHUNK)
                print(at, hashlib.sha256(bytes_).hexdigest())


main()
