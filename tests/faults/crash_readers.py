#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What two readers that are not ours say about disks after a power cut and its recovery.

usage: crash_readers.py CHECKER FOLDER

FOLDER has the images diskN.img of one state and, in `picture`, what crash_test took it for (ops.h): exactly the old layout
or exactly the new one. CHECKER is ldmcheck.py, or - when it is not here; ldmtool is asked when it is installed. Both must
see the same groups, members, volumes and places, and the checker must find no rule broken. Every state that was judged
adds a line to FOLDER/../readers.log.
"""
import json
import os
import re
import shutil
import subprocess
import sys

MISSING, FOREIGN = 3, 4
LAYOUTS = {0: 'simple', 3: 'mirrored'}


def fail(text):
    print('# the other readers: ' + text)
    sys.exit(1)


def read_picture(path):
    """The dynamic disks, groups and volumes of groups that the picture shows."""
    disks, groups, volumes, last = {}, [], [], None
    for line in open(path):
        if m := re.match(r'(Disk \S+) (\d+) dynamic \d +(\S+) +(\S+) (\S+)$', line):
            disks[m[1]] = {'status': int(m[2]), 'name': m[4], 'guid': m[5]}
        elif m := re.match(r'(Disk \S+) (\d+) dynamic \d +(\S+) (\S+)$', line):
            disks[m[1]] = {'status': int(m[2]), 'name': m[3], 'guid': m[4]}
        elif m := re.match(r'group (\S+) .* disks (\d+) missing (\d+)$', line):
            groups.append((m[1], int(m[2]), int(m[3])))
        elif m := re.match(r'volume (\S*) (\S+) . layout (\d) status \d size (\d+)', line):
            last = None
            if m[1]:
                last = {'name': m[1], 'guid': m[2], 'layout': int(m[3]), 'size': int(m[4]), 'plexes': []}
                volumes.append(last)
        elif last is not None and (m := re.match(r'  (\S+) \d: (.*)$', line)):
            pieces = re.findall(r'(Disk \S+|nowhere) (\d+)\+(\d+)', m[2])
            last['plexes'].append((m[1], [(d, int(o), int(n)) for d, o, n in pieces]))
    return disks, groups, volumes


def image_of(folder, disk):
    return os.path.join(folder, 'disk%s.img' % disk.split()[1])


def ask_checker(checker, folder, images, disks, groups, volumes):
    complete = ['--complete'] if not any(d['status'] == MISSING for d in disks.values()) else []
    run = subprocess.run([sys.executable, checker, '--json', '-q'] + complete + images, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)
    if run.returncode != 0:
        fail('ldmcheck: ' + run.stderr.strip())
    seen = json.loads(run.stdout)['groups']
    if sorted((g['guid'], len(g['disks']), sum(d['missing'] for d in g['disks'])) for g in seen) != sorted(groups):
        fail('ldmcheck sees other groups: %s' % [(g['guid'], len(g['disks'])) for g in seen])
    members = {d['name'] + d['guid'] for g in seen for d in g['disks']}
    if members != {d['name'] + d['guid'] for d in disks.values()}:
        fail('ldmcheck sees other members: %s' % sorted(members))
    theirs = sorted((v['guid'], v['name'], v['size'], [(p['name'], [(e['path'], e['byte_offset'], e['size']) for e in
                     p['extents']]) for p in v['plexes']]) for g in seen for v in g['volumes'])
    ours = sorted((v['guid'], v['name'], v['size'], [(name, [(None, None, n) if d.startswith('Disk M') or d == 'nowhere' else
                   (image_of(folder, d), o, n) for d, o, n in pieces]) for name, pieces in v['plexes']]) for v in volumes)
    if theirs != ours:
        fail('ldmcheck sees other volumes:\n# %s\n# instead of\n# %s' % (theirs, ours))


def ldmtool(images, *what):
    run = subprocess.run(['ldmtool'] + [a for i in images for a in ('-d', i)] + list(what), stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)
    if run.returncode != 0 or not run.stdout.strip():
        fail('ldmtool %s: %s' % (' '.join(what), run.stderr.strip()))
    return json.loads(run.stdout)


def ask_ldmtool(images, groups, volumes):
    seen = ldmtool(images, 'scan')
    if sorted(seen) != sorted(g[0] for g in groups):
        fail('ldmtool sees other groups: %s' % seen)
    theirs = []
    for guid in seen:
        group = ldmtool(images, 'show', 'diskgroup', guid)
        if len(group['disks']) != next(g[1] for g in groups if g[0] == guid):
            fail('ldmtool sees other members: %s' % group['disks'])
        for name in group['volumes']:
            v = ldmtool(images, 'show', 'volume', guid, name)
            theirs.append((v['guid'], v['name'], v['size'] * 512, v['type'], len(v['partitions'])))
    ours = [(v['guid'], v['name'], v['size'], LAYOUTS[v['layout']], len(v['plexes'])) for v in volumes]
    if sorted(theirs) != sorted(ours):
        fail('ldmtool sees other volumes:\n# %s\n# instead of\n# %s' % (sorted(theirs), sorted(ours)))


def main():
    checker, folder = sys.argv[1:3]
    disks, groups, volumes = read_picture(os.path.join(folder, 'picture'))
    images = [image_of(folder, d) for d in disks if disks[d]['status'] != MISSING]
    if not images:
        fail('there is no dynamic disk')
    asked = []
    if checker != '-':
        ask_checker(checker, folder, images, disks, groups, volumes)
        asked.append('ldmcheck')
    if shutil.which('ldmtool'):
        ask_ldmtool(images, groups, volumes)
        asked.append('ldmtool')
    with open(os.path.join(os.path.dirname(folder), 'readers.log'), 'a') as log:
        log.write('%s %s\n' % (' '.join(asked), open(os.path.join(folder, 'case')).read().strip()))


main()
