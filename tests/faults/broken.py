#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""broken.py ENGINE DYNADISK GOLDEN [PART/OF [WINDOWS]]: 200 disks and more, each broken in one named way.

Each case damages sound disks, checks that the damage is there, and asks `dynadisk status --check` and the shell's
DETAIL DISK and MEND about them; what they must say is in GOLDEN (GENERATE=1 writes it anew). Whatever it says there:
MEND that is carried out brings every byte back and, the second time, finds nothing; MEND that is refused, and looking,
change no byte; damage that is not silent has an exit code that is not 0. PART/OF: only every OF-th case. WINDOWS: a folder
of disks that Windows wrote; on each of them, too, the first byte of each active copy is damaged and comes back.
"""
import hashlib
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

SECTOR, SIZE = 512, 64 << 20
LAST = SIZE // SECTOR - 1
EDGE = 3 << 20  # all metadata lies in the first and the last so many bytes; what is between is a hole
MBR_PRIVATE = LAST + 1 - 2048
CONFIG, LOG = 17, 1498
PRIMARY, SECONDARY, IN_MBR = 2047, 1856, 6

BASES = {  # disks, and how they come about
    'mbr': (1, 'init 0 mbr\nupgrade 0\nsimple 0 size=8\n'),
    'gpt': (1, 'init 0 gpt\nupgrade 0\nsimple 0 size=8\n'),
    'pair': (2, 'init 0 mbr\ninit 1 gpt\nupgrade 0\nupgrade 1\nmirror 0 1 size=8\n'),
    'mbrs': (2, 'init 0 mbr\ninit 1 mbr\nupgrade 0\nupgrade 1\nmirror 0 1 size=8\n'),
    'three': (3, 'init 0 mbr\ninit 1 gpt\ninit 2 mbr\nupgrade 0\nupgrade 1\nupgrade 2\nmirror 0 1 size=8\nsimple 2 size=4\n'),
    'basic-gpt': (1, 'init 0 gpt\ncreate 0 primary size=10\n'),
    'basic-mbr': (1, 'init 0 mbr\ncreate 0 primary size=1\ncreate 0 extended size=20\ncreate 0 logical size=5\n'),
}


def edges(path):
    """The bytes of a disk that are not in the hole between, after making sure that it is one."""
    with open(path, 'rb') as f:
        if os.fstat(f.fileno()).st_size != SIZE:
            die(path + ' has changed its size')
        head = f.read(EDGE)
        try:
            data = os.lseek(f.fileno(), EDGE, os.SEEK_DATA)
        except OSError:
            data = SIZE
        if data < SIZE - EDGE and any(os.pread(f.fileno(), SIZE - EDGE - data, data)):
            die('%s: something was written at byte %d' % (path, data))
        f.seek(SIZE - EDGE)
        return head + f.read(EDGE)


def die(text):
    sys.exit('broken.py: ' + text)


# ---------------------------------------------------------------------------------- disks

class Disk:
    """The first and last bytes of one disk of a case, changed in memory and then written."""

    def __init__(self, path):
        self.path = path
        self.bytes = bytearray(edges(path))
        self.was = bytes(self.bytes)

    @staticmethod
    def at(sector):
        byte = sector * SECTOR
        if not (0 <= byte < EDGE or SIZE - EDGE <= byte < SIZE):
            die('sector %d lies in the middle' % sector)
        return byte if byte < EDGE else byte - SIZE + 2 * EDGE

    def sector(self, n):
        return bytes(self.bytes[self.at(n):self.at(n) + SECTOR])

    def put_sector(self, n, data):
        assert len(data) == SECTOR
        self.bytes[self.at(n):self.at(n) + SECTOR] = data

    def flip(self, n, byte, mask=0xff):
        self.bytes[self.at(n) + byte] ^= mask

    def zero(self, n, count=1):
        for i in range(n, n + count):
            self.put_sector(i, bytes(SECTOR))

    def private(self):
        if self.sector(1)[:8] != b'EFI PART':
            return MBR_PRIVATE
        for i in range(128):
            e = self.was[2 * SECTOR + i * 128:][:40]
            if e[:4] == bytes.fromhex('aac80858'):  # 5808c8aa-...: LDM metadata
                return struct.unpack_from('<Q', e, 32)[0]
        die(self.path + ' has no LDM metadata partition')


def seal(sector):
    """The sum of a PRIVHEAD or TOCBLOCK."""
    b = bytearray(sector)
    b[8:12] = bytes(4)
    b[8:12] = struct.pack('>I', sum(b))
    return bytes(b)


def with_field(sector, at, fmt, value):
    b = bytearray(sector)
    struct.pack_into(fmt, b, at, value)
    return seal(b)


# ---------------------------------------------------------------------------------- cases

CASES = []  # (name, base, the disk that MEND is told of, damage)


def case(name, base, disk=0):
    def add(fn):
        if any(c[0] == name for c in CASES):
            die('two cases are called ' + name)
        CASES.append((name, base, disk, fn))
        return fn
    return add


def need(d, sector, magic):
    """What is damaged was sound, and is what the case says it is."""
    if d.sector(sector)[:len(magic)] != magic:
        die('%s sector %d: no %r' % (d.path, sector, magic))


# how a sector is damaged
HOW = {
    'zeros': lambda d, n: d.zero(n),
    'magic': lambda d, n: d.flip(n, 0),
    'checksum': lambda d, n: d.flip(n, 11, 1),
    'field': lambda d, n: d.flip(n, 0x1c, 0x40),
    'garbage': lambda d, n: d.put_sector(n, hashlib.sha512(b'%d' % n).digest() * 8),
}


def headers():
    places = {'mbr': [('sector6', None), ('secondary', SECONDARY), ('primary', PRIMARY)],
              'gpt': [('secondary', SECONDARY), ('primary', PRIMARY)]}
    for base, list_ in places.items():
        for where, rel in list_:
            for how in HOW:
                @case('privhead-%s-%s-%s' % (base, where, how), base)
                def damage(disks, rel=rel, how=how):
                    n = IN_MBR if rel is None else disks[0].private() + rel
                    need(disks[0], n, b'PRIVHEAD')
                    HOW[how](disks[0], n)
        for slot in (2, 2045):
            for how in HOW:
                @case('toc-%s-%d-%s' % (base, slot, how), base)
                def damage(disks, slot=slot, how=how):
                    need(disks[0], disks[0].private() + slot, b'TOCBLOCK')
                    HOW[how](disks[0], disks[0].private() + slot)

    for base, which in (('mbr', (None, SECONDARY)), ('mbr', (None, PRIMARY)), ('mbr', (SECONDARY, PRIMARY)),
                        ('mbr', (None, SECONDARY, PRIMARY)), ('gpt', (SECONDARY, PRIMARY)), ('pair', (None, SECONDARY, PRIMARY))):
        @case('privheads-%s-%s-zeros' % (base, '-'.join('6' if w is None else str(w) for w in which)), base)
        def damage(disks, which=which):
            for rel in which:
                disks[0].zero(IN_MBR if rel is None else disks[0].private() + rel)
    for base in 'mbr', 'gpt', 'pair':
        @case('tocs-%s-zeros' % base, base)
        def damage(disks):
            disks[0].zero(disks[0].private() + 2)
            disks[0].zero(disks[0].private() + 2045)
    for base in 'mbr', 'gpt':
        @case('tocs-%s-older-slot-left' % base, base)
        def damage(disks):
            p = disks[0].private()
            disks[0].put_sector(p + 1, with_field(disks[0].sector(p + 2), 12, '>Q', 0))
            disks[0].was = bytes(disks[0].bytes)
            disks[0].zero(p + 2)
            disks[0].zero(p + 2045)
    for where, rel in (('sector6', None), ('secondary', SECONDARY), ('primary', PRIMARY)):
        @case('privhead-of-other-disk-' + where, 'mbrs', 1)
        def damage(disks, rel=rel):
            n = IN_MBR if rel is None else MBR_PRIVATE + rel
            disks[1].put_sector(n, disks[0].sector(n))

        @case('privhead-older-' + where, 'mbr')
        def damage(disks, rel=rel):
            n = IN_MBR if rel is None else MBR_PRIVATE + rel
            disks[0].put_sector(n, with_field(disks[0].sector(n), 0x18, '>Q', 0))

        @case('privhead-other-time-' + where, 'mbr')
        def damage(disks, rel=rel):
            n = IN_MBR if rel is None else MBR_PRIVATE + rel
            disks[0].put_sector(n, with_field(disks[0].sector(n), 0x10, '>Q', 1))

    @case('privheads-gpt-two-times', 'gpt')
    def damage(disks):
        n = disks[0].private() + PRIMARY
        disks[0].put_sector(n, with_field(disks[0].sector(n), 0x10, '>Q', 1))

    @case('privheads-gpt-two-identities', 'gpt')
    def damage(disks):
        n = disks[0].private() + SECONDARY
        disks[0].put_sector(n, seal(disks[0].sector(n)[:0x30] + b'1' + disks[0].sector(n)[0x31:]))

    @case('tocs-gpt-two-sequences', 'gpt')
    def damage(disks):
        n = disks[0].private() + 2045
        disks[0].put_sector(n, with_field(disks[0].sector(n), 12, '>Q', 9))

    @case('tocs-gpt-two-sequences-first', 'gpt')
    def damage(disks):
        n = disks[0].private() + 2
        disks[0].put_sector(n, with_field(disks[0].sector(n), 12, '>Q', 9))

    @case('tocs-gpt-two-flags', 'gpt')
    def damage(disks):
        n = disks[0].private() + 2045
        disks[0].put_sector(n, with_field(disks[0].sector(n), 0x2c, '>H', 8))


def tables():
    for base in 'gpt', 'basic-gpt':
        parts = {'signature': (1, 0), 'revision': (1, 8), 'header-checksum': (1, 16), 'own-place': (1, 24), 'disk-guid': (1, 56),
                 'array-place': (1, 72), 'array-checksum': (1, 88), 'first-entry-type': (2, 0), 'first-entry-start': (2, 32),
                 'free-entry': (20, 5)}
        for copy in 'primary', 'backup':
            for what, (n, byte) in parts.items():
                @case('%s-%s-%s' % (base, copy, what), base)
                def damage(disks, copy=copy, n=n, byte=byte):
                    at = n if copy == 'primary' else LAST if n == 1 else LAST - 34 + n
                    need(disks[0], 1 if copy == 'primary' else LAST, b'EFI PART')
                    disks[0].flip(at, byte)
            first, n = (1, 33) if copy == 'primary' else (LAST - 32, 33)

            @case('%s-%s-zeros' % (base, copy), base)
            def damage(disks, first=first, n=n):
                disks[0].zero(first, n)
        for what, byte in (('type', 450), ('start', 454), ('flag', 446), ('magic', 510)):
            @case('%s-protective-%s' % (base, what), base)
            def damage(disks, byte=byte):
                assert disks[0].bytes[450] == 0xee
                disks[0].flip(0, byte)

        @case('%s-first-34-sectors' % base, base)
        def damage(disks):
            disks[0].zero(0, 34)

        @case('%s-both-headers' % base, base)
        def damage(disks):
            disks[0].zero(1)
            disks[0].zero(LAST)

        @case('%s-header-and-other-array' % base, base)
        def damage(disks):
            disks[0].zero(1)
            disks[0].zero(LAST - 32)

    for base, disk in (('mbr', 0), ('pair', 0)):
        for what, byte in (('type', 450), ('start', 454), ('size', 459), ('flag', 446), ('magic', 510), ('second-entry-size', 475)):
            @case('%s-mbr-%s' % (base, what), base, disk)
            def damage(disks, byte=byte):
                assert disks[0].bytes[450] == 0x42
                disks[0].flip(0, byte)

        @case('%s-mbr-zeros' % base, base, disk)
        def damage(disks):
            disks[0].zero(0)
    for what, byte in (('flag', 446), ('past-the-end', 461), ('overlap', 459), ('magic', 510), ('start-0', 455)):
        @case('basic-mbr-' + what, 'basic-mbr')
        def damage(disks, byte=byte):
            disks[0].flip(0, byte, {455: 0x08, 459: 0x18}.get(byte, 0xff))


def databases():
    header = {'magic': 0, 'slots': 7, 'slot-size': 11, 'header-size': 14, 'status': 0x11, 'version': 0x13, 'group-name': 0x16,
              'group-guid': 0x35, 'committed-low': 0x7c, 'committed-high': 0x75, 'pending-low': 0x84, 'pending-high': 0x7d,
              'volumes': 0x88, 'plexes': 0x8c, 'extents': 0x90, 'disks': 0x94, 'pending-volumes': 0xa4, 'time': 0xbd}
    for disk in 0, 1:
        for what, byte in header.items():
            @case('pair-%s-database-%s' % (('mbr', 'gpt')[disk], what), 'pair', disk)
            def damage(disks, disk=disk, byte=byte):
                n = disks[disk].private() + CONFIG
                need(disks[disk], n, b'VMDB')
                disks[disk].flip(n, byte)
    for what, byte in header.items():
        if what != 'time':  # nothing protects it: see unprotected.h
            @case('mbr-database-' + what, 'mbr')
            def damage(disks, byte=byte):
                disks[0].flip(MBR_PRIVATE + CONFIG, byte)
    slot = {'magic': 0, 'number': 7, 'index': 13, 'count': 15, 'status': 17, 'flags': 18, 'type': 19, 'length': 23, 'end': 127}
    for k in 0, 1, 4:
        for what, byte in slot.items():
            @case('pair-slot%d-%s' % (4 + k, what), 'pair', 1)
            def damage(disks, k=k, byte=byte):
                n = disks[1].private() + CONFIG + 1 + k // 4
                need(disks[1], n, b'VBLK')
                disks[1].flip(n, k % 4 * 128 + byte)
    for n in range(1, 4):
        @case('pair-records-sector%d-zeros' % n, 'pair', 0)
        def damage(disks, n=n):
            disks[0].zero(MBR_PRIVATE + CONFIG + n)
    for what, byte in (('magic', 0), ('pages', 19), ('index', 23), ('entry', 24)):
        @case('pair-log-' + what, 'pair', 1)
        def damage(disks, byte=byte):
            n = disks[1].private() + LOG
            need(disks[1], n, b'KLOG')
            disks[1].flip(n, byte)

    @case('pair-log-zeros', 'pair', 1)
    def damage(disks):
        disks[1].zero(disks[1].private() + LOG, 2)

    @case('pair-both-databases', 'pair', 0)
    def damage(disks):
        for d in disks:
            d.zero(d.private() + CONFIG)

    @case('pair-header-and-records', 'pair', 1)
    def damage(disks):
        disks[1].zero(disks[1].private() + CONFIG, 2)

    @case('pair-everything-on-one-disk', 'pair', 1)
    def damage(disks):
        disks[1].zero(1, 33)
        p = disks[1].private()
        disks[1].zero(p + PRIMARY)
        disks[1].zero(p + 2)
        disks[1].zero(p + CONFIG + 1, 3)
        disks[1].zero(p + LOG, 2)
    for disk in range(3):
        @case('three-name-on-disk%d' % disk, 'three', disk)
        def damage(disks, disk=disk):
            d, n = disks[disk], disks[disk].private() + CONFIG
            while b'Volume1-01' not in d.sector(n):
                n += 1
            d.flip(n, d.sector(n).index(b'Volume1-01') + 9, 1)

    @case('three-database-of-disk2', 'three', 2)
    def damage(disks):
        disks[2].zero(MBR_PRIVATE + CONFIG, 8)

    @case('three-all-different', 'three', 1)
    def damage(disks):
        for i, d in enumerate(disks):
            d.flip(d.private() + CONFIG, 0xbd + i)


# ---------------------------------------------------------------------------------- running

def run(argv, text=None):
    p = subprocess.run(argv, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace', timeout=120)
    return p.returncode, p.stdout


class Runner:
    def __init__(self, engine, dynadisk, folder):
        self.engine, self.dynadisk, self.folder = engine, dynadisk, folder
        self.bases, self.failures = {}, []

    def base(self, name):
        """Sound disks, made once: their bytes."""
        if name not in self.bases:
            n, script = BASES[name]
            paths = [os.path.join(self.folder, '%s%d.img' % (name, i)) for i in range(n)]
            for p in paths:
                with open(p, 'wb') as f:
                    f.truncate(SIZE)
            code, out = run([self.engine] + paths, script)
            if code:
                die('%s: %s' % (name, out))
            if run([self.dynadisk, 'status', '--check'] + paths)[0]:
                die(name + ' is not sound to begin with')
            self.bases[name] = paths
        return self.bases[name]

    def fail(self, name, text):
        self.failures.append('%s: %s' % (name, text))

    def mend(self, name, paths, disk):
        """What MEND says: the last sentence before the shell leaves."""
        code, out = run([self.dynadisk, 'shell', '--script', '-'] + paths, 'select disk %d\nmend\n' % disk)
        out = out.partition('Disk %d is now the selected disk.\n' % disk)[2]  # before it: what is wrong with all the disks
        lines = [x for x in out.splitlines() if x.strip() and not x.startswith('Leaving DiskPart')]
        return code, ' '.join(x for x in lines if not x.startswith('Virtual Disk Service error'))

    def details(self, paths, disk):
        out = run([self.dynadisk, 'shell', '--script', '-'] + paths, 'select disk %d\ndetail disk\n' % disk)[1]
        return re.findall(r'^(?:Damage +: |      +: )(.*)$', out, re.M)

    def case(self, name, base, disk, fn):
        clean = [Disk(p) for p in self.base(base)]
        work = [os.path.join(self.folder, 'disk%d.img' % i) for i in range(len(clean))]
        fn(clean)
        if all(d.bytes == d.was for d in clean):
            die(name + ' damages nothing')
        for d, p in zip(clean, work):
            write_edges(p, d.bytes)
        code, line = run([self.dynadisk, 'status', '--check'] + work)
        out = ['== %s (%s)' % (name, base), 'status %d: %s' % (code, line.strip().replace(self.folder + '/', ''))]
        out += ['damage: ' + x for x in self.details(work, disk)]
        if not same(work, [d.bytes for d in clean]):
            self.fail(name, 'looking changed a byte')
        if code == 0:
            self.fail(name, 'nothing is said')
        done, said = self.mend(name, work, disk)
        out.append('mend %d: %s' % (done, said))
        if done:
            if not same(work, [d.bytes for d in clean]):
                self.fail(name, 'a refusal changed a byte')
            return out
        if not same(work, [d.was for d in clean]):
            out.append('then: repaired, not byte for byte')
        if run([self.dynadisk, 'status', '--check'] + work)[0]:
            out.append('then: ' + run([self.dynadisk, 'status', '--check'] + work)[1].strip().replace(self.folder + '/', ''))
        after = [edges(p) for p in work]
        again, said = self.mend(name, work, disk)
        if again == 0 or not same(work, after):
            self.fail(name, 'repaired twice: ' + said)
        return out


def active_copies(b):
    """Sectors of a Windows disk whose first byte belongs to a copy that is in use: GPT, PRIVHEAD, TOC, database, log."""
    last = len(b) // SECTOR - 1
    gpt = b[SECTOR:SECTOR + 8] == b'EFI PART'
    private = 34 if gpt else last + 1 - 2048
    head = b[(private + PRIMARY) * SECTOR:][:SECTOR]
    if head[:8] != b'PRIVHEAD':
        die('a Windows disk has no PRIVHEAD at its place')
    tocs = struct.unpack_from('>QQ', head, 0x13b)
    rel = [PRIMARY, SECONDARY, *tocs, CONFIG, CONFIG + 1, CONFIG + 2, LOG]
    return [private + r for r in rel] + ([1, 2, last, last - 32] if gpt else [IN_MBR])


def windows(r, folder, part, of):
    """Returns how many copies came back."""
    n = done = 0
    work = os.path.join(r.folder, 'windows.img')
    for release in '2003r2', '2008r2':
        disks = sorted(os.path.join(folder, x) for x in os.listdir(folder) if x.startswith('ldm-%s-' % release))
        for i, path in enumerate(disks):
            was = open(path, 'rb').read()
            for sector in active_copies(was):
                n += 1
                if n % of != part:
                    continue
                b = bytearray(was)
                b[sector * SECTOR] ^= 0xff
                with open(work, 'wb') as f:
                    f.write(b)
                paths = disks[:i] + [work] + disks[i + 1:]
                name = '%s sector %d' % (os.path.basename(path), sector)
                if run([r.dynadisk, 'status', '--check'] + paths)[0] == 0:
                    r.fail(name, 'nothing is said')
                code, said = r.mend(name, paths, i)
                if code or open(work, 'rb').read() != was:
                    r.fail(name, 'is not as before: ' + said)
                done += 1
    return done


def write_edges(path, data):
    with open(path, 'wb') as f:
        f.write(data[:EDGE])
        f.seek(SIZE - EDGE)
        f.write(data[EDGE:])


def same(paths, want):
    return all(edges(p) == w for p, w in zip(paths, want))


def main():
    engine, dynadisk, golden = sys.argv[1:4]
    part, of = (int(x) for x in (sys.argv[4] if len(sys.argv) > 4 else '0/1').split('/'))
    folder = tempfile.mkdtemp()
    os.environ.update(DYNADISK_HOSTNAME='SRV', DYNADISK_STATE=folder + '/state', XDG_STATE_HOME=folder + '/state')
    headers()
    tables()
    databases()
    text = open(golden).read() if os.path.exists(golden) else ''
    want = {x.split(' ', 1)[0]: ('== ' + x).strip() for x in text.split('== ')[1:]}
    try:
        r = Runner(engine, dynadisk, folder)
        got = {c[0]: '\n'.join(r.case(*c)) for i, c in enumerate(CASES) if i % of == part}
        copies = windows(r, sys.argv[5], part, of) if len(sys.argv) > 5 else 0
    finally:
        shutil.rmtree(folder)
    if os.environ.get('GENERATE') and of == 1:
        with open(golden, 'w') as f:
            f.write('\n\n'.join(got.values()) + '\n')
        want = got
    for name, said in got.items():
        if want.get(name) != said:
            r.fail(name, 'expected\n%s\ngot\n%s' % (want.get(name, 'nothing'), said))
    if of == 1 and set(want) != set(got):
        r.fail('golden', 'has other cases: %s' % sorted(set(want) ^ set(got)))
    mended = sum('\nmend 0' in x for x in got.values())
    for x in r.failures:
        print(x)
    print('%d broken disks of %d: %d repaired, %d refused; %d damaged copies on Windows disks repaired; %d failures' % (
        len(got), len(CASES), mended, len(got) - mended, copies, len(r.failures)))
    return 1 if r.failures else 0


if __name__ == '__main__':
    sys.exit(main())
