/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * disk_fuzz.c - partition tables and file systems. A disk is written down as what is on it, all else is zero:
 * pieces of: sector code 1, place in it (in 2 bytes) 1, n 1, n bytes. A code below 64 is that sector, one below 128
 * counts from the end (127: the last one), another (code - 128) * 64 + 63.
 *
 * table: flags 1 (SIGN, CRCS, BIG_SECTORS, CHANGE) | size 1 | pieces. fs, probe: which 1 | size 1 | pieces.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "model/ntfs.h"
#include "model/scan.h"
#include "model/volio.h"
#include "table/priv.h"
#include "tests/fuzz/fuzz.h"

enum {
	SIGN = 1,        /* sector 0 ends in 55 AA */
	CRCS = 2,        /* the checksums of both GPT headers, and what they say of their place, are made true */
	BIG_SECTORS = 4, /* of 4096 bytes */
	CHANGE = 8,      /* write a changed table, read it back */
	KIND = 1,        /* fs: FAT instead of NTFS; probe: an LDM volume instead of a partition */
	WHOLE = 2,       /* NTFS records are as if they had been written in one piece */
	SECTOR = 512, PIECES = 64,
};

/* ------------------------------------------------------- a disk in memory */

struct disk {
	struct dyn_io io;
	size_t n;
	uint64_t at[PIECES];
	uint8_t bytes[PIECES][SECTOR];
};

static uint8_t *find(struct disk *d, uint64_t sector)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->at[i] == sector)
			return d->bytes[i];
	return NULL;
}

/* The sector to be written, NULL when there is no room for one more. */
static uint8_t *use(struct disk *d, uint64_t sector)
{
	uint8_t *b = find(d, sector);

	if (b || d->n == PIECES || sector >= d->io.size / SECTOR)
		return b;
	d->at[d->n] = sector;
	b = d->bytes[d->n++];
	memset(b, 0, SECTOR);
	return b;
}

static int disk_read(struct dyn_io *io, uint64_t off, void *buf, size_t n)
{
	struct disk *d = (struct disk *)io;

	memset(buf, 0, n);
	for (size_t i = 0; i < d->n; i++) {
		uint64_t at = d->at[i] * SECTOR, from = at > off ? at : off,
			 to = at + SECTOR < off + n ? at + SECTOR : off + n;
		if (from < to)
			memcpy((uint8_t *)buf + (from - off), d->bytes[i] + (from - at), (size_t)(to - from));
	}
	return 0;
}

static void no_close(struct dyn_io *io)
{
	(void)io;
}

static void pieces(struct disk *d, struct cur *c)
{
	uint64_t total = d->io.size / SECTOR;

	while (cur_left(c) && !c->bad) {
		uint64_t code = cur_be(c, 1), at = 2 * cur_be(c, 1), n = cur_be(c, 1);
		uint8_t *b = use(d, code < 64 ? code : code < 128 ? total - (128 - code) : (code - 128) * 64 + 63);
		size_t k = n < SECTOR - at ? (size_t)n : SECTOR - (size_t)at;

		k = k < cur_left(c) ? k : cur_left(c);
		if (b)
			cur_copy(c, b + at, k);
		else
			cur_take(c, k);
	}
}

static struct disk *disk_of(struct cur *c, const uint64_t *sizes, size_t n_sizes, uint32_t sector_size)
{
	static const struct dyn_io_ops ops = { .read = disk_read, .close = no_close };
	static char path[] = "disk";
	static struct disk d;

	d.n = 0;
	d.io = (struct dyn_io){ .ops = &ops, .path = path, .size = sizes[cur_be(c, 1) % n_sizes], .sector_size = sector_size,
				.fd = -1 };
	pieces(&d, c);
	return &d;
}

/* ------------------------------------------------------- tables */

static uint32_t crc_of(struct disk *d, uint64_t off, uint64_t n)
{
	uint32_t crc = ~0u;
	uint8_t b[SECTOR];

	for (; n > 0; off += SECTOR, n -= n < SECTOR ? n : SECTOR) {
		disk_read(&d->io, off, b, sizeof(b));
		for (size_t i = 0; i < n && i < SECTOR; i++) {
			crc ^= b[i];
			for (int k = 0; k < 8; k++)
				crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
		}
	}
	return ~crc;
}

/* A header where there is something in its sector. */
static void true_header(struct disk *d, uint64_t lba, uint64_t other)
{
	uint64_t unit = d->io.sector_size / SECTOR;
	uint8_t *h = find(d, lba * unit);
	uint64_t n, array;

	if (!h)
		return;
	memcpy(h, "EFI PART\0\0\1\0\x5c\0\0\0", 16);
	memset(h + 16, 0, 4);
	bytes_put_le(h + 24, 8, lba);
	bytes_put_le(h + 32, 8, other);
	array = bytes_le(h + 72, 8);
	n = bytes_le(h + 80, 4) * bytes_le(h + 84, 4);
	if (n <= 16384 && array < d->io.size / d->io.sector_size)
		bytes_put_le(h + 88, 4, crc_of(d, array * d->io.sector_size, n));
	bytes_put_le(h + 16, 4, crc_of(d, lba * d->io.sector_size, 0x5c));
}

static void look_at(const struct table *t)
{
	for (size_t i = 0; i < t->n; i++) {
		fuzz_must_be_clean(t->parts[i].name);
		fuzz_must_be_clean(t->parts[i].gpt_type);
		fuzz_must_be_clean(t->parts[i].gpt_guid);
		fuzz_must_be_clean(table_type_word(t->kind, &t->parts[i]));
	}
	for (size_t i = 0; i < t->n_damage; i++)
		fuzz_must_be_clean(t->damage[i]);
	fuzz_must_be_clean(t->gpt_guid);
}

/* The table without its last partition that holds nothing: what is built reads as what was wanted. */
static void change(const struct sectmap *map, const struct table *now)
{
	struct table want = *now, then;
	struct table_sectors out = { 0 };
	struct sectmap *after = NULL;
	struct dyn_err err = { 0 };
	int rc;

	if (!now->n || now->parts[now->n - 1].extended || now->n_damage)
		return;
	want.n--;
	rc = table_build(map, &want, &out, &err);
	if (rc == 0) {
		fuzz_must(sectmap_clone(map, &after) == 0);
		for (size_t i = 0; i < out.n; i++)
			fuzz_must(sectmap_put(after, out.runs[i].sector, out.runs[i].n_sectors, out.runs[i].bytes) == 0);
		fuzz_must(table_read(after, &then, &err) == 0);
		fuzz_must(then.n == want.n && then.kind == want.kind);
		for (size_t i = 0; i < then.n; i++)
			fuzz_must(then.parts[i].start == want.parts[i].start && then.parts[i].size == want.parts[i].size);
		table_clear(&then);
		sectmap_free(after);
	} else {
		fuzz_must_be_clean(err.what);
	}
	table_sectors_clear(&out);
}

int fuzz_table(const uint8_t *data, size_t size)
{
	static const uint64_t sizes[] = { 1 << 20, 64 << 20, 600ull << 20, 3ull << 40, 64 * SECTOR, 100 * SECTOR + 9 };
	struct cur c = cur_of(data, size);
	uint8_t flags = (uint8_t)cur_be(&c, 1);
	uint32_t sector_size = flags & BIG_SECTORS ? 4096 : SECTOR;
	struct disk *d = disk_of(&c, sizes, sizeof(sizes) / sizeof(sizes[0]), sector_size);
	uint64_t last = d->io.size / sector_size - 1;
	struct sectmap *map = NULL;
	struct dyn_err err = { 0 };
	struct table t;
	uint8_t *b;

	if (flags & SIGN && (b = use(d, 0)))
		memcpy(b + 510, "\x55\xaa", 2);
	if (flags & CRCS) {
		true_header(d, 1, last);
		true_header(d, last, 1);
	}
	if (table_load_sectors(&d->io, &map, &err) == 0 && table_read(map, &t, &err) == 0) {
		look_at(&t);
		if (flags & CHANGE && t.kind != DYN_TABLE_NONE)
			change(map, &t);
		table_clear(&t);
	}
	fuzz_must_be_clean(err.what);
	sectmap_free(map);
	return 0;
}

/* ------------------------------------------------------- file systems */

/* One volume over the whole disk. */
struct one {
	struct dyn_extent extent;
	struct dyn_plex plex;
	struct dyn_volume *v;
};

static void cover(struct one *o, struct dyn_volume *v, uint64_t size)
{
	o->extent = (struct dyn_extent){ .offset = SECTOR, .size = size - SECTOR };
	o->plex = (struct dyn_plex){ .name = "", .status = DYN_PLEX_OK, .n_extents = 1, .extents = &o->extent };
	*v = (struct dyn_volume){ .number = 1, .name = "", .letter = 'C', .label = "", .fs = "", .info = "",
				  .layout = DYN_LAYOUT_PARTITION, .size = size - SECTOR, .group = DYN_NONE, .job = DYN_NONE,
				  .n_plexes = 1, .plexes = &o->plex };
	o->v = v;
}

static const uint64_t volume_sizes[] = { (1 << 20) + SECTOR, (16 << 20) + SECTOR, (64 << 20) + SECTOR, 32 * SECTOR };

/* The last two bytes of each sector of a record are those that its head names. */
static void true_records(struct disk *d)
{
	for (size_t i = 0; i < d->n; i++) {
		const uint8_t *rec = d->bytes[i];
		size_t at = (size_t)bytes_le(rec + 4, 2), n = (size_t)bytes_le(rec + 6, 2);

		if ((memcmp(rec, "FILE", 4) != 0 && memcmp(rec, "INDX", 4) != 0) || at > SECTOR - 2 || n > 9)
			continue;
		for (size_t k = 1; k < n; k++) {
			uint8_t *b = find(d, d->at[i] + k - 1);

			if (b)
				memmove(b + SECTOR - 2, rec + at, 2);
		}
	}
}

/* The disk as a file: the counter of free space opens it by its path. */
static const char *file_of(struct disk *d)
{
	static char path[64];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("fuzz", MFD_CLOEXEC);
		fuzz_must(fd >= 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	fuzz_must(ftruncate(fd, 0) == 0 && ftruncate(fd, (off_t)d->io.size) == 0);
	for (size_t i = 0; i < d->n; i++)
		fuzz_must(pwrite(fd, d->bytes[i], SECTOR, (off_t)(d->at[i] * SECTOR)) == SECTOR);
	return path;
}

/* First byte: KIND, WHOLE. The volume begins in sector 1. */
int fuzz_fs(const uint8_t *data, size_t size)
{
	struct cur c = cur_of(data, size);
	uint8_t flags = (uint8_t)cur_be(&c, 1);
	struct disk *d = disk_of(&c, volume_sizes, sizeof(volume_sizes) / sizeof(volume_sizes[0]), SECTOR);
	struct dyn_io *io = &d->io;
	struct dyn_disk disk = { .name = "Disk 0", .model = "", .serial = "", .bus = "image" };
	struct dyn_volume v;
	struct dyn_model m = { .n_disks = 1, .disks = &disk, .n_volumes = 1, .volumes = &v };
	struct dyn_err err = { 0 };
	uint64_t bytes = 0;
	struct volio vol;
	struct one o;

	if (flags & WHOLE)
		true_records(d);
	disk.path = file_of(d);
	cover(&o, &v, d->io.size);
	fuzz_must(volio_init(&vol, &v, &io) == 0);
	ntfs_hibernated(&vol);
	v.fs = flags & KIND ? "FAT32" : "NTFS";
	if (dyn_volume_fs_free(&m, 0, &bytes, &err) == 0)
		fuzz_must(bytes <= v.size);
	fuzz_must_be_clean(err.what);
	return 0;
}

/* Label and file system as a scan sees them. The volume begins in sector 1. */
int fuzz_probe(const uint8_t *data, size_t size)
{
	struct cur c = cur_of(data, size);
	uint8_t flags = (uint8_t)cur_be(&c, 1);
	struct disk *d = disk_of(&c, volume_sizes, sizeof(volume_sizes) / sizeof(volume_sizes[0]), SECTOR);
	struct scan_disk disk = { .io = &d->io };
	struct scan_volume v = { 0 };
	struct scan s = { .n_disks = 1, .disks = &disk, .n_volumes = 1, .volumes = &v };
	struct one o;

	s.pool = pool_new();
	fuzz_must(s.pool != NULL);
	cover(&o, &v.pub, d->io.size);
	if (flags & WHOLE)
		true_records(d);
	if (flags & KIND)
		v.pub.layout = DYN_LAYOUT_SIMPLE;
	scan_file_systems(&s);
	fuzz_must(!s.pool->failed);
	fuzz_must_be_clean(v.pub.fs);
	fuzz_must_be_clean(v.pub.label);
	pool_free(s.pool);
	return 0;
}
