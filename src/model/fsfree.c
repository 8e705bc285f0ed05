/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fsfree.c - free bytes inside NTFS and FAT, counted in their own allocation maps. The
 * readers are small and bounded: what a boot sector, a file record or a run list says is
 * checked before it is followed, and nothing is ever written.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "model/model.h"
#include "model/ntfs.h"
#include "model/volio.h"

enum { CHUNK = 256 * 1024, BITMAP_RECORD = 6 };

/* ------------------------------------------------------------------------ FAT */

/* FAT12 entries straddle bytes; the whole table is at most 6 KiB then. */
static uint64_t count_fat12(const uint8_t *fat, uint64_t entries)
{
	uint64_t n = 0;

	for (uint64_t i = 2; i < entries; i++) {
		unsigned pair = (unsigned)bytes_le(fat + i + i / 2, 2);
		n += ((i & 1) ? pair >> 4 : pair & 0xfff) == 0;
	}
	return n;
}

static uint64_t count_zeros(const uint8_t *p, size_t n, size_t width, uint64_t mask)
{
	uint64_t zeros = 0;

	for (size_t i = 0; i + width <= n; i += width)
		zeros += (bytes_le(p + i, width) & mask) == 0;
	return zeros;
}

static int count_fat(const struct volio *io, uint64_t off, uint64_t entries, size_t width, uint64_t *zeros)
{
	uint8_t *buf = malloc(CHUNK);
	uint64_t left = entries * width;
	int rc = buf ? 0 : -ENOMEM;

	*zeros = 0;
	for (bool first = true; !rc && left > 0; first = false) {
		size_t n = left < CHUNK ? (size_t)left : CHUNK;
		rc = volio_read(io, off, buf, n);
		if (rc)
			break;
		if (first) /* entries 0 and 1 are not clusters */
			memset(buf, 0xff, 2 * width <= n ? 2 * width : n);
		*zeros += count_zeros(buf, n, width, width == 4 ? 0x0fffffff : 0xffff);
		off += n;
		left -= n;
	}
	free(buf);
	return rc;
}

static int fat_free(const struct volio *io, const uint8_t *b, uint64_t *free_bytes)
{
	uint64_t sector = bytes_le(b + 11, 2), per = b[13], reserved = bytes_le(b + 14, 2), root = bytes_le(b + 17, 2);
	uint64_t fat = bytes_le(b + 22, 2), total = bytes_le(b + 19, 2), meta, clusters, zeros = 0;
	int rc;

	fat = fat ? fat : bytes_le(b + 36, 4);
	total = total ? total : bytes_le(b + 32, 4);
	if (sector < 512 || sector > 4096 || sector & (sector - 1) || !per || per & (per - 1) || !b[16] || !reserved || !fat)
		return -EBADMSG;
	meta = reserved + b[16] * fat + (root * 32 + sector - 1) / sector;
	if (meta >= total || total * sector > io->v->size)
		return -EBADMSG;
	clusters = (total - meta) / per;
	if (clusters < 4085) {
		uint8_t *buf = calloc(1, 8192);
		size_t n = (size_t)((clusters + 2) * 3 / 2 + 1);
		rc = !buf ? -ENOMEM : fat * sector < n ? -EBADMSG : volio_read(io, reserved * sector, buf, n);
		if (!rc)
			zeros = count_fat12(buf, clusters + 2);
		free(buf);
	} else {
		size_t width = clusters < 65525 ? 2 : 4;
		if (clusters + 2 > fat * sector / width)
			return -EBADMSG;
		rc = count_fat(io, reserved * sector, clusters + 2, width, &zeros);
	}
	*free_bytes = zeros * per * sector;
	return rc;
}

/* ----------------------------------------------------------------------- NTFS */

static uint64_t count_clear_bits(const uint8_t *p, uint64_t bits)
{
	uint64_t set = 0;

	for (uint64_t i = 0; i < bits / 8; i++)
		set += (uint64_t)__builtin_popcount(p[i]);
	if (bits % 8)
		set += (uint64_t)__builtin_popcount(p[bits / 8] & ((1u << bits % 8) - 1));
	return bits - set;
}

/* Counts clear bits of `bytes` bytes at off; *left clusters are still to be counted. */
static int count_run(const struct ntfs *n, uint64_t off, uint64_t bytes, uint8_t *buf, uint64_t *left, uint64_t *clear)
{
	while (bytes > 0 && *left > 0) {
		size_t k = bytes < CHUNK ? (size_t)bytes : CHUNK;
		uint64_t bits = *left < (uint64_t)k * 8 ? *left : (uint64_t)k * 8;
		int rc = volio_read(n->io, off, buf, k);
		if (rc)
			return rc;
		*clear += count_clear_bits(buf, bits);
		*left -= bits;
		off += k;
		bytes -= k;
	}
	return 0;
}

static int count_runs(const struct ntfs *n, const uint8_t *attr, size_t len, uint64_t *clear)
{
	size_t at = (size_t)bytes_le(attr + 32, 2);
	uint64_t left = n->clusters, length, lcn = 0, end;
	struct cur c = cur_of(attr + (at < len ? at : len), at < len ? len - at : 0);
	uint8_t *buf = malloc(CHUNK);
	int rc = buf ? 0 : -ENOMEM;

	while (!rc && left > 0) {
		if (!ntfs_next_run(&c, &length, &lcn) || add_overflows(lcn, length, &end) || end > n->clusters)
			rc = -EBADMSG;
		else
			rc = count_run(n, lcn * n->cluster, length * n->cluster, buf, &left, clear);
	}
	free(buf);
	return rc;
}

static int ntfs_free(const struct volio *io, const uint8_t *b, uint64_t *free_bytes)
{
	struct ntfs n;
	uint64_t clear = 0;
	const uint8_t *attr;
	uint8_t *rec;
	size_t len = 0;
	int rc = ntfs_open(io, b, &n);

	if (rc)
		return rc;
	rec = malloc((size_t)n.record);
	rc = rec ? volio_read(io, n.mft * n.cluster + BITMAP_RECORD * n.record, rec, (size_t)n.record) : -ENOMEM;
	if (!rc && (memcmp(rec, "FILE", 4) != 0 || !ntfs_fix_up(rec, (size_t)n.record)))
		rc = -EBADMSG;
	attr = rc ? NULL : ntfs_attr(rec, (size_t)n.record, NTFS_DATA, &len);
	if (!rc && !attr)
		rc = -EBADMSG;
	if (!rc && attr[8]) {
		rc = len >= 64 ? count_runs(&n, attr, len, &clear) : -EBADMSG;
	} else if (!rc) { /* resident: a very small volume */
		uint64_t size = bytes_le(attr + 16, 4), at = bytes_le(attr + 20, 2);
		if (at > len || size > len - at || size * 8 < n.clusters)
			rc = -EBADMSG;
		else
			clear = count_clear_bits(attr + at, n.clusters);
	}
	free(rec);
	*free_bytes = clear * n.cluster;
	return rc;
}

/* --------------------------------------------------------------------- volumes */

static int count(const struct dyn_volume *v, struct dyn_io *const *ios, uint64_t *free_bytes)
{
	struct volio io;
	uint8_t boot[512];
	int rc = volio_init(&io, v, ios);

	if (!rc)
		rc = volio_read(&io, 0, boot, sizeof(boot));
	if (rc)
		return rc;
	if (strcmp(v->fs, "NTFS") == 0)
		return ntfs_free(&io, boot, free_bytes);
	return fat_free(&io, boot, free_bytes);
}

int dyn_volume_fs_free(const struct dyn_model *m, size_t volume, uint64_t *free_bytes, struct dyn_err *err)
{
	const struct dyn_volume *v = volume < m->n_volumes ? &m->volumes[volume] : NULL;
	char title[128];
	struct dyn_io **ios;
	int rc;

	if (!v)
		return dyn_fail(err, -EINVAL, "there is no such volume");
	model_volume_title(v, title, sizeof(title));
	if (strcmp(v->fs, "NTFS") != 0 && strncmp(v->fs, "FAT", 3) != 0)
		return dyn_fail(err, -ENOTSUP, "%s: free space is counted on NTFS and FAT only", title);
	ios = calloc(m->n_disks, sizeof(*ios));
	if (!ios)
		return dyn_fail_nomem(err);
	for (size_t p = 0; p < v->n_plexes; p++) {
		for (size_t k = 0; k < v->plexes[p].n_extents; k++) {
			size_t d = v->plexes[p].extents[k].disk;
			if (d != DYN_NONE && !ios[d] && m->disks[d].path[0] && dyn_io_open_ro(m->disks[d].path, &ios[d], NULL))
				ios[d] = NULL; /* like missing: another half or the parity may do */
		}
	}
	rc = count(v, ios, free_bytes);
	for (size_t i = 0; i < m->n_disks; i++)
		dyn_io_close(ios[i]);
	free(ios);
	if (rc)
		return dyn_fail(err, rc, "%s: its free space cannot be counted: %s", title,
				rc == -EBADMSG ? "the file system is damaged" : strerror(-rc));
	return 0;
}
