#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""coverage.py BUILD: lines of src/ that the tests ran, and the branches of the code that commits, recovers and keeps a
rebuild's record. BUILD was configured with --enable-coverage, and its tests have run. Exits 1 below the limits."""
import glob
import gzip
import json
import os
import subprocess
import sys
import tempfile

CRITICAL = ('src/ldm/txn.c', 'src/ldm/recover.c', 'src/ldm/rebuild.c', 'src/plan/recover.c')


def collect(build):
    """{source: ({line: count}, {(line, number): count})} of all objects together"""
    found = {}
    notes = [os.path.abspath(p) for p in glob.glob(build + '/src/**/*.gcno', recursive=True)]
    with tempfile.TemporaryDirectory() as t:
        for note in notes:
            if not os.path.exists(note[:-2] + 'da'):  # .gcda: never ran
                continue
            subprocess.run(['gcov', '--json-format', '--branch-probabilities', '--preserve-paths', note], cwd=t,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        for path in glob.glob(t + '/*.gcov.json.gz'):
            with gzip.open(path, 'rt') as f:
                for one in json.load(f)['files']:
                    add(found, one)
    return found


def add(found, one):
    at = one['file'].find('src/')
    if at < 0 or '/usr/' in one['file']:
        return
    lines, branches = found.setdefault(one['file'][at:], ({}, {}))
    for line in one['lines']:
        n = line['line_number']
        lines[n] = lines.get(n, 0) + line['count']
        for k, b in enumerate(line['branches']):
            branches[n, k] = branches.get((n, k), 0) + b['count']


def share(counts):
    return sum(1 for c in counts.values() if c), len(counts)


def main():
    found = collect(sys.argv[1])
    hit = total = 0
    for name, (lines, _) in sorted(found.items()):
        a, b = share(lines)
        hit, total = hit + a, total + b
        print('%6.1f %% of %4d lines      %s' % (100 * a / b if b else 100, b, name))
    if not total:
        sys.exit('no test has run in %s, or it was not configured with --enable-coverage' % sys.argv[1])
    taken = branches = 0
    for name in CRITICAL:
        a, b = share(found.get(name, ({}, {}))[1])
        taken, branches = taken + a, branches + b
        print('%6.1f %% of %4d branches   %s' % (100 * a / b if b else 0, b, name))
    print('lines of src/: %.1f %% of %d; branches of commit, recovery and rebuild record: %.1f %% of %d' %
          (100 * hit / total, total, 100 * taken / branches if branches else 0, branches))
    sys.exit(0 if hit > 0.9 * total and taken == branches else 1)


main()
