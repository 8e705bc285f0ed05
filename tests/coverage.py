#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""coverage.py BUILD [FILE...]: lines of src/ that the tests ran, and the branches of the code that commits, recovers and
keeps a rebuild's record. BUILD was configured with --enable-coverage, and its tests have run. Exits 1 below the limits:
90 % of the lines, all of the branches. FILE: also the lines of these that did not run."""
import glob
import gzip
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))

# Where a wrong turn costs data: whole files, or the functions of a file that take part.
CRITICAL = {
    # a commit: the bytes of its phases, the writes of a plan, carrying them out in order
    'src/ldm/txn.c': None,
    'src/ldm/log.c': None,
    'src/plan/sim.c': ['sim_write', 'sim_commit'],
    'src/run/writer.c': None,
    'src/run/apply.c': ['run_mark_stale', 'step_failed', 'next_phase', 'write_phase', 'expected', 'read_back_disk', 'touches',
                        'apply_sectors', 'compare_halves', 'compare_all', 'apply_steps', 'writes_anything',
                        'run_apply_locked', 'may_apply', 'dyn_apply'],
    # the recovery of one that was cut off
    'src/ldm/db.c': ['ldm_db_interrupted', 'ldm_slot_clear', 'ldm_slot_status', 'ldm_db_mark_used'],
    'src/ldm/recover.c': None,
    'src/plan/recover.c': None,
    'src/plan/join.c': None,
    # the record of a rebuild: its bytes, which of two counts, what is done about it, who writes it
    'src/ldm/rebuild.c': None,
    'src/model/probe.c': ['judge_pair', 'read_records'],
    'src/model/job.c': ['live_job', 'target_is_free', 'outlived', 'state_of', 'is_half', 'mark_volume', 'take_record',
                        'scan_jobs'],
    'src/plan/mirror.c': ['mark_start', 'add_clear', 'plan_clear_record', 'add_mark', 'cannot_finish', 'op_finish',
                          'plan_attach'],
    'src/run/job_run.c': ['put_bad', 'record_write', 'on_progress', 'start_verify', 'run_phases', 'target_index',
                          'finish_plan', 'job_cancel', 'decide', 'stop_here', 'commit', 'job_run'],
}
# Branches that no test can take: (file, function, text in the line, how many, why).
EXCUSED = []


def collect(build):
    """{source: Source} of all objects together"""
    found = {}
    notes = [os.path.abspath(p) for p in glob.glob(build + '/src/**/*.gcno', recursive=True)]
    with tempfile.TemporaryDirectory() as t:
        for note in notes:
            if not os.path.exists(note[:-2] + 'da'):  # .gcda: never ran
                continue
            if subprocess.run(['gcov', '--json-format', '--branch-probabilities', '--preserve-paths', note], cwd=t,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
                print('   not counted, its counts are of another build: %s' % note)
        for path in glob.glob(t + '/*.gcov.json.gz'):
            with gzip.open(path, 'rt') as f:
                data = json.load(f)
            for one in data['files']:
                add(found, os.path.join(data['current_working_directory'], one['file']), one)
    return found


class Source:
    def __init__(self, path):
        self.path = path
        self.lines = {}     # number: count
        self.branches = {}  # (number, which): count
        self.function = {}  # number: name

    def text(self, n):
        with open(self.path) as f:
            return f.read().split('\n')[n - 1].strip()


def add(found, path, one):
    name = os.path.relpath(os.path.realpath(path), ROOT)
    if not name.startswith('src/'):
        return
    s = found.setdefault(name, Source(path))
    for line in one['lines']:
        n = line['line_number']
        s.lines[n] = s.lines.get(n, 0) + line['count']
        s.function[n] = line.get('function_name', '')
        for k, b in enumerate(line['branches']):
            s.branches[n, k] = s.branches.get((n, k), 0) + b['count']


def share(counts):
    return sum(1 for c in counts.values() if c), len(counts)


def critical(found, name):
    """Branches of the file that count: ({(line, which): count})"""
    functions = CRITICAL[name]
    s = found.get(name)
    if not s:
        return {}
    for f in functions or []:
        if f not in s.function.values():
            sys.exit('%s has no function %s' % (name, f))
    return {at: c for at, c in s.branches.items() if functions is None or s.function[at[0]] in functions}


def excuse(s, name, branches):
    """Takes away what EXCUSED has; says so"""
    for file, function, text, n, why in EXCUSED:
        if file != name:
            continue
        missing = [at for at, c in branches.items() if not c and s.function[at[0]] == function and text in s.text(at[0])]
        for at in missing[:n]:
            del branches[at]
        print('   excused: %s(): %d of `%s`: %s' % (function, len(missing[:n]), text, why))
        if not missing:
            sys.exit('an excuse that is not needed')


def print_lines(found):
    hit = total = 0
    for name, s in sorted(found.items()):
        a, b = share(s.lines)
        hit, total = hit + a, total + b
        print('%6.1f %% of %4d lines      %s' % (100 * a / b if b else 100, b, name))
    return hit, total


def print_branches(found):
    taken = total = 0
    for name in CRITICAL:
        branches = critical(found, name)
        if not branches:
            print('   none taken            %s' % name)
            total += 1
            continue
        s = found[name]
        excuse(s, name, branches)
        a, b = share(branches)
        taken, total = taken + a, total + b
        print('%6.1f %% of %4d branches   %s' % (100 * a / b, b, name))
        for n, k in sorted(at for at, c in branches.items() if not c):
            print('   not taken: %s:%d (%s, %d): %s' % (name, n, s.function[n], k, s.text(n)))
    return taken, total


def print_missing(found, name):
    s = found[name]
    for n in sorted(s.lines):
        if not s.lines[n]:
            print('%s:%d: %s' % (name, n, s.text(n)))


def main():
    found = collect(sys.argv[1])
    hit, total = print_lines(found)
    if not total:
        sys.exit('no test has run in %s, or it was not configured with --enable-coverage' % sys.argv[1])
    taken, branches = print_branches(found)
    for name in sys.argv[2:]:
        print_missing(found, name)
    print('lines of src/: %.1f %% of %d; branches of commit, recovery and rebuild record: %.1f %% of %d' %
          (100 * hit / total, total, 100 * taken / branches, branches))
    sys.exit(0 if hit > 0.9 * total and taken == branches else 1)


main()
