#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""compare.py STATUS.json CHECK.json: does `dynadisk status --json` say what the format's own checker finds?

Both are given the same disks. Every difference is printed; exit status 1 when there is one. What the
statuses have to be is worked out here, from which extents lie on missing disks."""
import json
import sys

LAYOUT = {'simple': 'simple', 'spanned': 'spanned', 'striped': 'striped', 'mirrored': 'mirror', 'raid5': 'raid5'}
# What Windows called the volumes when the images were made. A volume that can be read must show its label.
LABEL = {'E:': 'Simple', 'F:': 'Spanned', 'G:': 'Striped', 'H:': 'Mirrored', 'I:': 'Raid5', 'J:': 'Spanned2'}
differences = []


def same(what, want, got):
    if want != got:
        differences.append('%s: %r expected, %r found' % (what, want, got))


def expected_status(vol):
    lost = [any(e['path'] is None for e in p['extents']) for p in vol['plexes']]
    if vol['type'] == 'raid5':
        n = sum(e['path'] is None for e in vol['plexes'][0]['extents'])
        return ('healthy', 'failed_redundancy')[n] if n < 2 else 'failed'
    if not any(lost):
        return 'healthy'
    return 'failed' if all(lost) else 'failed_redundancy'


def compare_volume(ours, vol, guids, set_2003):
    w = vol['name']
    same(w + ' guid', vol['guid'], ours['guid'])
    same(w + ' size', vol['size'], ours['size'])
    same(w + ' letter', (vol['hint'] or '')[:1] or None, ours['letter'])
    same(w + ' layout', LAYOUT[vol['type']], ours['layout'])
    same(w + ' status', expected_status(vol), ours['status'])
    if expected_status(vol) == 'failed':
        same(w + ' label', None, ours['label'])
    else:
        same(w + ' fs', 'NTFS', ours['fs'])
        same(w + ' label', LABEL[vol['hint']] if set_2003 else 'Mirrored', ours['label'])
    same(w + ' plexes', sorted(p['name'] for p in vol['plexes']), [p['name'] for p in ours['plexes']])
    for plex in vol['plexes']:
        mine = next((p for p in ours['plexes'] if p['name'] == plex['name']), None)
        if mine is None:
            continue
        same(plex['name'] + ' status', 'missing' if any(e['path'] is None for e in plex['extents']) else 'ok', mine['status'])
        want = sorted((e['column'], e['column_offset'], e['size'], e['byte_offset'], guids[e['disk']]) for e in plex['extents'])
        got = [(e['volume_offset'], e['size'], e['offset'], e['disk_guid']) for e in mine['extents']]
        same(plex['name'] + ' extents', [x[1:] for x in want], got)


def compare_disks(ours, group, theirs):
    by_guid = {d['guid']: d for d in ours}
    for d in theirs:
        mine = by_guid.get(d['guid'])
        if mine is None:
            differences.append('disk %s is not shown' % d['name'])
            continue
        w = d['name']
        same(w + ' group', group, mine['group'])
        same(w + ' type', 'dynamic', mine['type'])
        same(w + ' status', 'missing' if d['missing'] else 'online', mine['status'])
        same(w + ' is M', d['missing'], mine['name'].startswith('Disk M'))
        if not d['missing']:
            same(w + ' path', d['path'], mine['path'])
            same(w + ' size', d['size'], mine['size'])
            same(w + ' table', d['scheme'], mine['table'])
    names = [d['name'] for d in ours if d['status'] == 'missing']
    same('names of the missing', ['Disk M%d' % i for i in range(len(names))], names)


def main():
    status, check = (json.load(open(p)) for p in sys.argv[1:3])
    same('schema', 1, status['schema'])
    same('groups', sorted(g['guid'] for g in check['groups']), sorted(g['guid'] for g in status['groups']))
    guid_of = {d['name']: d['guid'] for d in status['disks']}
    for v in status['volumes']:
        for p in v['plexes']:
            for e in p['extents']:
                e['disk_guid'] = guid_of[e['disk']]
    names = set()
    for g in check['groups']:
        mine = next(x for x in status['groups'] if x['guid'] == g['guid'])
        same('group name', g['name'], mine['name'])
        same('transaction', g['committed_tid'], mine['transaction'])
        compare_disks(status['disks'], g['guid'], g['disks'])
        guids = {d['name']: d['guid'] for d in g['disks']}
        for vol in g['volumes']:
            ours = [v for v in status['volumes'] if v['guid'] == vol['guid']]
            names.add(vol['guid'])
            same(vol['name'] + ' is there once', 1, len(ours))
            if ours:
                compare_volume(ours[0], vol, guids, g['name'].startswith('Red-'))
    same('volumes', len(names), len(status['volumes']))
    same('volume numbers', list(range(len(status['volumes']))), [v['number'] for v in status['volumes']])
    print('\n'.join(differences))
    return 1 if differences else 0


sys.exit(main())
