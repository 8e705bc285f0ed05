#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""bench.py - dynadisk beside its peers, in one run, as ratios. Nothing is asserted.

usage: bench.py [--program ./dynadisk] [--runs 3] [--dir DIR]

  copy      a rebuild of a full volume (copy, flush, verify, commit)  against dd conv=fsync followed by cmp
  memory    peak resident memory of that rebuild                      against dd's
  status    `status --json` on 2 and on 40 disks                      against ldmtool scan of 2
Works on image files in a fresh folder (in DIR, default the system's temporary one), which goes away at the end.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time


def run(argv):
    """Seconds and peak KiB of one process."""
    start = time.monotonic()
    p = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode:
        sys.exit('%s failed with %d' % (' '.join(argv), p.returncode))
    return time.monotonic() - start, usage.ru_maxrss


def median(values):
    return sorted(values)[len(values) // 2]


def volume_extent(program, disk):
    d = json.loads(subprocess.check_output([program, 'status', '--json', disk]))
    for plex in d['volumes'][0]['plexes']:
        for e in plex['extents']:
            if e['disk'] == 'Disk 0':
                return e['offset'], e['size']
    sys.exit('no volume on ' + disk)


def fill(path, offset, size):
    with open(path, 'r+b') as f:
        f.seek(offset)
        while size > 0:
            n = min(size, 1 << 20)
            f.write(os.urandom(n))
            size -= n
        os.fsync(f.fileno())


def bench_copy(program, top, runs):
    ours, peer, our_kib, peer_kib, size = [], [], [], [], 0
    for i in range(runs):
        lab = os.path.join(top, 'lab%d' % i)
        subprocess.check_call([program, 'lab', lab], stdout=subprocess.DEVNULL)
        disk = [os.path.join(lab, 'disk%d.img' % k) for k in (0, 1)]
        offset, size = volume_extent(program, disk[0])
        fill(disk[0], offset, size)
        script = os.path.join(lab, 'script')
        with open(script, 'w') as f:
            f.write('select volume c\nbreak disk=m0 nokeep\nselect disk 1\nconvert mbr\nselect volume c\nadd disk=1\nwait\n')
        t, k = run([program, '--state-dir', os.path.join(lab, 'state'), 'shell', '--script', script] + disk)
        ours.append(t)
        our_kib.append(k)
        out = os.path.join(lab, 'out')
        t, k = run(['dd', 'if=' + disk[0], 'of=' + out, 'conv=fsync', 'bs=1M', 'iflag=skip_bytes,count_bytes',
                    'skip=%d' % offset, 'count=%d' % size])
        t2, _ = run(['cmp', '-n', str(size), '-i', '%d:0' % offset, disk[0], out])
        peer.append(t + t2)
        peer_kib.append(k)
        shutil.rmtree(lab)
    print('copy+verify of %d MiB: %.2f s, dd+cmp %.2f s: %.2f times as fast' % (
        size >> 20, median(ours), median(peer), median(peer) / median(ours)))
    print('memory: peak %.1f MiB, dd %.1f MiB: %.1f times as much' % (
        median(our_kib) / 1024, median(peer_kib) / 1024, median(our_kib) / median(peer_kib)))


def bench_status(program, top, runs):
    lab = os.path.join(top, 'status')
    subprocess.check_call([program, 'lab', lab, '--scenario', 'gpt-healthy'], stdout=subprocess.DEVNULL)
    pair = [os.path.join(lab, 'disk%d.img' % k) for k in (0, 1)]
    many = pair[:]
    for k in range(38):
        many.append(os.path.join(lab, 'blank%d.img' % k))
        with open(many[-1], 'wb') as f:
            f.truncate(512 << 20)
    for disks in (pair, many):
        ours = median([run([program, 'status', '--json'] + disks)[0] for _ in range(runs)])
        line = 'status of %d disks: %.1f ms' % (len(disks), ours * 1000)
        if shutil.which('ldmtool'):
            peer = median([run(['ldmtool', 'scan'] + pair)[0] for _ in range(runs)])
            line += ', ldmtool scan of 2: %.1f ms: %.2f times its time' % (peer * 1000, ours / peer)
        print(line)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--program', default='./dynadisk')
    ap.add_argument('--runs', type=int, default=3)
    ap.add_argument('--dir')
    a = ap.parse_args()
    program = os.path.abspath(a.program)
    top = tempfile.mkdtemp(prefix='dynadisk-bench-', dir=a.dir)
    try:
        bench_copy(program, top, a.runs)
        bench_status(program, top, max(a.runs, 5))
    finally:
        shutil.rmtree(top, ignore_errors=True)


if __name__ == '__main__':
    main()
