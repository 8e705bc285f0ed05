/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ntfs.c - the little of NTFS that is read. What a boot sector, a record, a run list or an index says is checked before it
 * is followed; every walk has an end of its own.
 */
#include "model/ntfs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ROOT_RECORD = 5, BLOCK_MAX = 65536, LIST_MAX = 4096, DEPTH_MAX = 12, ATTR_END = 0xffffffff, NODE = 16, NAME = 66 };

int ntfs_open(const struct volio *io, const uint8_t *b, struct ntfs *n)
{
	int8_t code = (int8_t)b[64];
	uint64_t sectors = bytes_le(b + 40, 8), size;

	n->io = io;
	n->sector = bytes_le(b + 11, 2);
	if (n->sector < 256 || n->sector > 4096 || n->sector & (n->sector - 1) || !b[13])
		return -EBADMSG;
	n->cluster = n->sector * (b[13] <= 128 ? b[13] : 1ull << ((256 - b[13]) & 31));
	if (n->cluster & (n->cluster - 1) || n->cluster > 2 << 20)
		return -EBADMSG;
	n->record = code > 0 ? (uint64_t)code * n->cluster : 1ull << (-code & 31);
	if (n->record < 256 || n->record > 65536 || n->record % n->sector || mul_overflows(sectors, n->sector, &size) ||
	    size > io->v->size)
		return -EBADMSG;
	n->clusters = size / n->cluster;
	n->mft = bytes_le(b + 48, 8);
	return n->mft < n->clusters ? 0 : -EBADMSG;
}

/* The last two bytes of each 512 were swapped out when the record was written. */
bool ntfs_fix_up(uint8_t *rec, size_t size)
{
	size_t at = (size_t)bytes_le(rec + 4, 2), n = (size_t)bytes_le(rec + 6, 2);

	if (n != size / 512 + 1 || at < 40 || at + 2 * n > 510)
		return false;
	for (size_t i = 1; i < n; i++) {
		uint8_t *last = rec + i * 512 - 2;
		if (memcmp(last, rec + at, 2) != 0)
			return false;
		memcpy(last, rec + at + 2 * i, 2);
	}
	return true;
}

const uint8_t *ntfs_attr(const uint8_t *rec, size_t size, uint32_t type, size_t *n)
{
	size_t at = (size_t)bytes_le(rec + 20, 2);

	while (at + 24 <= size) {
		uint64_t is = bytes_le(rec + at, 4), len = bytes_le(rec + at + 4, 4);
		if (is == ATTR_END || len < 24 || len > size - at)
			return NULL;
		if (is == type && (type != NTFS_DATA || rec[at + 9] == 0)) {
			*n = (size_t)len;
			return rec + at;
		}
		at += (size_t)len;
	}
	return NULL;
}

/* A nibble each for the widths of length and (signed, relative) place. */
bool ntfs_next_run(struct cur *c, uint64_t *length, uint64_t *lcn)
{
	const uint8_t *head = cur_take(c, 1), *p;
	unsigned wl, wo;
	int64_t delta;

	if (!head || !*head)
		return false;
	wl = *head & 15;
	wo = *head >> 4;
	if (wl == 0 || wl > 8 || wo == 0 || wo > 8)
		return false;
	p = cur_take(c, wl);
	if (!p)
		return false;
	*length = bytes_le(p, wl);
	p = cur_take(c, wo);
	if (!p)
		return false;
	delta = (int64_t)(bytes_le(p, wo) << (64 - 8 * wo)) >> (64 - 8 * wo);
	*lcn += (uint64_t)delta;
	return true;
}

/* ------------------------------------------------------------ parts of files */

/* The value of a resident attribute, *n bytes; NULL when it is not resident or does not fit. */
static const uint8_t *value_of(const uint8_t *attr, size_t len, size_t *n)
{
	uint64_t size = bytes_le(attr + 16, 4), at = bytes_le(attr + 20, 2);

	if (attr[8] || at > len || size > len - at)
		return NULL;
	*n = (size_t)size;
	return attr + at;
}

/* n bytes at `off` of a non-resident attribute, which must lie in one run. The attribute may be a later part of it. */
static int read_attr(const struct ntfs *fs, const uint8_t *attr, size_t len, uint64_t off, void *buf, size_t n)
{
	uint64_t length, lcn = 0, end, vcn;
	struct cur c;
	size_t at;

	if (len < 64 || !attr[8])
		return -EBADMSG;
	at = (size_t)bytes_le(attr + 32, 2);
	vcn = bytes_le(attr + 16, 8);
	if (at > len || vcn > off / fs->cluster)
		return -EBADMSG;
	for (c = cur_of(attr + at, len - at); ntfs_next_run(&c, &length, &lcn);) {
		if (add_overflows(lcn, length, &end) || end > fs->clusters || length == 0 || add_overflows(vcn, length, &end))
			return -EBADMSG;
		if (off / fs->cluster < end) {
			uint64_t in = off - vcn * fs->cluster;
			return in + n > length * fs->cluster ? -EBADMSG : volio_read(fs->io, lcn * fs->cluster + in, buf, n);
		}
		vcn = end;
	}
	return -EBADMSG;
}

/* A record of the MFT, checked and fixed up, into fs->record bytes. mft: record 0, NULL for the first few. */
static int read_record(const struct ntfs *fs, const uint8_t *mft, uint64_t number, uint8_t *rec)
{
	const uint8_t *data;
	size_t len;
	int rc;

	if (number > UINT32_MAX)
		return -EBADMSG;
	if (!mft) {
		rc = volio_read(fs->io, fs->mft * fs->cluster + number * fs->record, rec, (size_t)fs->record);
	} else {
		data = ntfs_attr(mft, (size_t)fs->record, NTFS_DATA, &len);
		rc = data ? read_attr(fs, data, len, number * fs->record, rec, (size_t)fs->record) : -EBADMSG;
	}
	return rc ? rc : memcmp(rec, "FILE", 4) == 0 && ntfs_fix_up(rec, (size_t)fs->record) ? 0 : -EBADMSG;
}

/* The record that has the first part of an attribute, by a file's list of them; `number` itself when there is no list. */
static uint64_t part_in_list(const uint8_t *v, size_t n, uint32_t type, uint64_t number)
{
	for (size_t at = 0; n - at >= 26;) {
		size_t entry = (size_t)bytes_le(v + at + 4, 2);
		if (entry < 26 || entry > n - at)
			break;
		if (bytes_le(v + at, 4) == type && (type != NTFS_DATA || v[at + 6] == 0) && bytes_le(v + at + 8, 8) == 0)
			return bytes_le(v + at + 16, 6);
		at += entry;
	}
	return number;
}

static uint64_t first_part(const struct ntfs *fs, const uint8_t *rec, uint64_t number, uint32_t type)
{
	size_t len, n;
	const uint8_t *attr = ntfs_attr(rec, (size_t)fs->record, NTFS_ATTRIBUTE_LIST, &len), *v;
	uint8_t list[LIST_MAX];

	if (!attr)
		return number;
	v = value_of(attr, len, &n);
	if (!v && len >= 64 && attr[8]) {
		n = bytes_le(attr + 56, 8) < LIST_MAX ? (size_t)bytes_le(attr + 56, 8) : LIST_MAX;
		v = read_attr(fs, attr, len, 0, list, n) == 0 ? list : NULL;
	}
	return v ? part_in_list(v, n, type, number) : number;
}

/* A file's attribute (its first part), wherever it is kept, into `attr`, which has room for a record; its length in *len. */
static int load_attr(const struct ntfs *fs, const uint8_t *mft, const uint8_t *rec, uint64_t number, uint32_t type,
		     uint8_t *attr, size_t *len)
{
	uint64_t part = first_part(fs, rec, number, type);
	uint8_t *other = part == number ? NULL : malloc((size_t)fs->record);
	const uint8_t *a;
	int rc = part == number ? 0 : other ? read_record(fs, mft, part, other) : -ENOMEM;

	a = rc ? NULL : ntfs_attr(other ? other : rec, (size_t)fs->record, type, len);
	if (a)
		memcpy(attr, a, *len);
	free(other);
	return rc ? rc : a ? 0 : -ENOENT;
}

/* ---------------------------------------------------------- the root folder */

/* As NTFS sorts: by upper case. The wanted name is ASCII; what is not sorts behind it. */
static int compare_name(const char *want, const uint8_t *name, size_t n)
{
	for (size_t i = 0;; i++) {
		unsigned w = (uint8_t)want[i], c;
		if (w == 0 || i == n)
			return w == 0 && i == n ? 0 : w == 0 ? -1 : 1;
		c = (unsigned)bytes_le(name + 2 * i, 2);
		c = c >= 'a' && c <= 'z' ? c - 32 : c;
		if (w != c)
			return w < c ? -1 : 1;
	}
}

enum found { NOT_THERE, HERE, BELOW };

/* Looks in one node (its header first): *ref is the file, or the block of the index to go on in. */
static enum found search_node(const uint8_t *node, size_t n, const char *want, uint64_t *ref)
{
	size_t at = (size_t)bytes_le(node, 4), end = (size_t)bytes_le(node + 4, 4);

	if (end > n)
		return NOT_THERE;
	while (at <= end && end - at >= NODE) {
		const uint8_t *e = node + at;
		size_t len = (size_t)bytes_le(e + 8, 2);
		bool last = e[12] & 2, below = e[12] & 1;
		int order = -1;
		if (len < NODE || len > end - at || (below && len < NODE + 8))
			return NOT_THERE;
		if (!last && (len < NODE + NAME || len < NODE + NAME + 2 * (size_t)e[NODE + 64]))
			return NOT_THERE;
		if (!last)
			order = compare_name(want, e + NODE + NAME, e[NODE + 64]);
		if (order == 0) {
			*ref = bytes_le(e, 6);
			return HERE;
		}
		if (order < 0) {
			*ref = below ? bytes_le(e + len - 8, 8) : 0;
			return below ? BELOW : NOT_THERE;
		}
		at += len;
	}
	return NOT_THERE;
}

/* Down the tree of an index from its root's value; *number: the file's record. alloc: the attribute with its blocks. */
static bool find_in_index(const struct ntfs *fs, const uint8_t *v, size_t n, const uint8_t *alloc, size_t alloc_len,
			  const char *want, uint64_t *number)
{
	uint64_t block, unit, at;
	enum found f;
	uint8_t *b;

	if (n < 32)
		return false;
	block = bytes_le(v + 8, 4);
	if (block < 512 || block > BLOCK_MAX || block & (block - 1))
		return false;
	unit = fs->cluster <= block ? fs->cluster : 512;
	b = malloc(BLOCK_MAX);
	f = b ? search_node(v + NODE, n - NODE, want, number) : NOT_THERE;
	for (int depth = 0; f == BELOW && depth < DEPTH_MAX; depth++) {
		f = NOT_THERE;
		if (alloc_len && !mul_overflows(*number, unit, &at) && read_attr(fs, alloc, alloc_len, at, b, (size_t)block) == 0 &&
		    memcmp(b, "INDX", 4) == 0 && ntfs_fix_up(b, (size_t)block))
			f = search_node(b + 24, (size_t)block - 24, want, number);
	}
	free(b);
	return f == HERE;
}

/* a and b: room for a record each. */
static bool find_in_root(const struct ntfs *fs, const uint8_t *mft, const uint8_t *root, const char *want, uint8_t *a,
			 uint8_t *b, uint64_t *number)
{
	size_t len, alloc_len, n;
	const uint8_t *v;

	if (load_attr(fs, mft, root, ROOT_RECORD, NTFS_INDEX_ROOT, a, &len))
		return false;
	if (load_attr(fs, mft, root, ROOT_RECORD, NTFS_INDEX_ALLOCATION, b, &alloc_len))
		alloc_len = 0;
	v = value_of(a, len, &n);
	return v && find_in_index(fs, v, n, b, alloc_len, want, number);
}

/* --------------------------------------------------------------- hibernation */

/* The first bytes of a file's data. rec and attr: room for a record each. */
static int read_start(const struct ntfs *fs, const uint8_t *mft, uint64_t number, uint8_t *rec, uint8_t *attr, uint8_t *buf,
		      size_t n)
{
	const uint8_t *v;
	size_t len, got;
	int rc = read_record(fs, mft, number, rec);

	if (!rc)
		rc = load_attr(fs, mft, rec, number, NTFS_DATA, attr, &len);
	if (rc)
		return rc;
	if (attr[8]) /* what was never written reads as zeros, whatever is on the disk */
		return len < 64 || bytes_le(attr + 56, 8) < n ? -EBADMSG : read_attr(fs, attr, len, 0, buf, n);
	v = value_of(attr, len, &got);
	if (!v || got < n)
		return -EBADMSG;
	memcpy(buf, v, n);
	return 0;
}

bool ntfs_hibernated(const struct volio *io)
{
	uint8_t boot[512], start[512], *b, *mft, *rec, *one, *two;
	uint64_t number = 0;
	bool asleep = false;
	struct ntfs fs;

	if (volio_read(io, 0, boot, sizeof(boot)) || memcmp(boot + 3, "NTFS    ", 8) != 0 || ntfs_open(io, boot, &fs))
		return false;
	b = malloc(4 * (size_t)fs.record);
	if (!b)
		return false;
	mft = b;
	rec = b + fs.record;
	one = rec + fs.record;
	two = one + fs.record;
	if (read_record(&fs, NULL, 0, mft) == 0 && read_record(&fs, mft, ROOT_RECORD, rec) == 0 &&
	    find_in_root(&fs, mft, rec, "HIBERFIL.SYS", one, two, &number) &&
	    read_start(&fs, mft, number, rec, one, start, sizeof(start)) == 0)
		asleep = memcmp(start, "hibr", 4) == 0 || memcmp(start, "HIBR", 4) == 0; /* "wake": it was resumed */
	free(b);
	return asleep;
}
