/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mbr.c - an MBR changed in place, with its extended partition and the chain of EBRs in it.
 *
 * Written by hand and not by libfdisk because each change must be one sector that decides: an
 * EBR that nothing names yet is written before the one that will name it, and sector 0 last. A
 * power cut in between leaves the old table. Boot code and entries that stay are not touched.
 *
 * The chain: the first EBR is the extended partition's first sector, each holds one logical
 * (place relative to the EBR) and the next EBR (relative to the extended partition).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "table/priv.h"

enum {
	DISK_ID = 440,
	ENTRIES = 446,
	ENTRY = 16,
	SIGNATURE = 510,
	SLOTS = 4,
	TYPE_LINK = 0x05,
	ACTIVE = 0x80,
	HEADS = 255,
	TRACK = 63,
	CYLINDERS_MAX = 1023,
	EBR_ROOM = 2048, /* sectors between an EBR and its logical where there is room, as Windows leaves */
	LOGICALS_MAX = 120, /* fewer than the reader follows */
};

/* The place in cylinder, head and sector, which nothing reads but old BIOSes; beyond 8 GB the largest there is. */
static void put_chs(uint8_t *p, uint64_t lba)
{
	uint64_t c = lba / (HEADS * TRACK);
	unsigned h = (unsigned)(lba / TRACK % HEADS), s = (unsigned)(lba % TRACK) + 1;

	if (c > CYLINDERS_MAX) {
		c = CYLINDERS_MAX;
		h = HEADS - 1;
		s = TRACK;
	}
	p[0] = (uint8_t)h;
	p[1] = (uint8_t)(s | (c >> 2 & 0xc0));
	p[2] = (uint8_t)c;
}

/* from: what the entry's start counts from */
static void put_entry(uint8_t *e, uint8_t type, bool active, uint64_t start, uint64_t size, uint64_t from)
{
	memset(e, 0, ENTRY);
	e[0] = active ? ACTIVE : 0;
	put_chs(e + 1, start);
	e[4] = type;
	put_chs(e + 5, start + size - 1);
	bytes_put_le(e + 8, 4, start - from);
	bytes_put_le(e + 12, 4, size);
}

static int bad_place(const struct table_part *p, const char *why, struct dyn_err *err)
{
	return dyn_fail(err, -EINVAL, "a partition of sectors %llu to %llu does not fit the table: %s",
			(unsigned long long)p->start, (unsigned long long)(p->start + p->size - 1), why);
}

/* ---------------------------------------------------------------------- sector 0 */

/* The slot a primary goes into: its own, or the lowest that neither the old nor the new table uses. -1: none. */
static int slot_for(const struct table *want, const struct table_part *p, const bool *taken)
{
	if (p->number)
		return p->number <= SLOTS && !taken[p->number - 1] ? (int)p->number - 1 : -1;
	for (unsigned i = 0; i < SLOTS; i++) {
		bool reserved = taken[i];
		for (size_t k = 0; k < want->n; k++)
			reserved |= !want->parts[k].logical && want->parts[k].number == i + 1;
		if (!reserved)
			return (int)i;
	}
	return -1;
}

static int put_primary(const struct table *want, const struct table_part *p, const uint8_t *old, uint8_t *sector,
		       bool *taken, struct dyn_err *err)
{
	int slot = slot_for(want, p, taken);
	struct table_mbr_entry was;
	uint8_t *e;

	if (slot < 0)
		return bad_place(p, "an MBR has four entries", err);
	if (p->size == 0 || p->start == 0 || p->start > UINT32_MAX || p->size > UINT32_MAX)
		return bad_place(p, "an MBR cannot describe this place", err);
	taken[slot] = true;
	e = sector + ENTRIES + slot * ENTRY;
	was = table_mbr_entry(old, (unsigned)slot);
	if (was.start == p->start && was.size == p->size) { /* its CHS fields may be another geometry's: they stay */
		memcpy(e, old + ENTRIES + slot * ENTRY, ENTRY);
		e[0] = p->active ? ACTIVE : 0;
		e[4] = p->mbr_type;
		return 0;
	}
	put_entry(e, p->mbr_type, p->active, p->start, p->size, 0);
	return 0;
}

static int make_sector_0(const struct table *want, const uint8_t *old, uint8_t *sector, struct dyn_err *err)
{
	bool taken[SLOTS] = { false };
	int rc = 0;

	memcpy(sector, old, TABLE_UNIT);
	memset(sector + ENTRIES, 0, SLOTS * ENTRY);
	if (want->mbr_signature)
		bytes_put_le(sector + DISK_ID, 4, want->mbr_signature);
	for (int numbered = 1; !rc && numbered >= 0; numbered--)
		for (size_t i = 0; !rc && i < want->n; i++)
			if (!want->parts[i].logical && (want->parts[i].number != 0) == numbered)
				rc = put_primary(want, &want->parts[i], old, sector, taken, err);
	return rc;
}

/* ------------------------------------------------------------------------- chain */

/* The sector of the EBR that holds the logical at `start` now; 0: there is none. */
static uint64_t present_ebr(const struct sectmap *map, const struct table_part *ext, uint64_t start)
{
	uint64_t at = ext->start;

	for (unsigned n = 0; n < LOGICALS_MAX + 8; n++) {
		uint8_t ebr[TABLE_UNIT];
		uint64_t next = 0;
		if (!sectmap_has(map, at * table_units(map), 1) || sectmap_get(map, at * table_units(map), 1, ebr) ||
		    !table_mbr_signed(ebr))
			return 0;
		for (unsigned i = 0; i < SLOTS; i++) {
			struct table_mbr_entry e = table_mbr_entry(ebr, i);
			bool link = e.type == TYPE_LINK || e.type == 0x0f || e.type == 0x85;
			if (!link && e.type && e.size && at + e.start == start)
				return at;
			if (link && e.start)
				next = ext->start + e.start;
		}
		if (next <= ext->start || next >= ext->start + ext->size)
			return 0;
		at = next;
	}
	return 0;
}

struct link {
	uint64_t ebr;
	const struct table_part *part;
};

/* Where each logical's EBR lies: the first at the start of it all, the others where they are, or in front of theirs. */
static int place_ebrs(const struct sectmap *map, const struct table_part *ext, struct link *l, size_t n,
		      struct dyn_err *err)
{
	uint64_t free_from = ext->start;

	for (size_t i = 0; i < n; i++) {
		const struct table_part *p = l[i].part;
		uint64_t have = i ? present_ebr(map, ext, p->start) : ext->start;
		if (p->size == 0 || p->start <= free_from || p->start >= ext->start + ext->size ||
		    p->size > ext->start + ext->size - p->start)
			return bad_place(
				p, "logical drives lie inside the extended partition, with a sector in front of each",
				err);
		if (have >= free_from && have < p->start)
			l[i].ebr = have;
		else
			l[i].ebr = p->start - free_from > EBR_ROOM ? p->start - EBR_ROOM : free_from;
		free_from = p->start + p->size;
	}
	return 0;
}

static void make_ebr(const struct sectmap *map, const struct table_part *ext, const struct link *l,
		     const struct link *next, uint64_t at, uint8_t *ebr)
{
	uint64_t unit = at * table_units(map);

	if (!sectmap_has(map, unit, 1) || sectmap_get(map, unit, 1, ebr) || !table_mbr_signed(ebr))
		memset(ebr, 0, TABLE_UNIT);
	memset(ebr + ENTRIES, 0, SLOTS * ENTRY);
	if (l)
		put_entry(ebr + ENTRIES, l->part->mbr_type, false, l->part->start, l->part->size, at);
	if (next)
		put_entry(ebr + ENTRIES + ENTRY, TYPE_LINK, false, next->ebr,
			  next->part->start + next->part->size - next->ebr, ext->start);
	ebr[SIGNATURE] = 0x55;
	ebr[SIGNATURE + 1] = 0xaa;
}

/* The sector as one run of its own, when it is not on the disk already. */
static int emit(const struct sectmap *map, uint64_t unit, const uint8_t *bytes, struct table_sectors *out)
{
	uint8_t was[TABLE_UNIT];
	int rc = sectmap_get(map, unit, 1, was);

	if (rc || (sectmap_has(map, unit, 1) && memcmp(was, bytes, TABLE_UNIT) == 0))
		return rc;
	return table_sectors_add(out, unit, bytes, false);
}

static int emit_chain(const struct sectmap *map, const struct table_part *ext, const struct link *l, size_t n,
		      struct table_sectors *out)
{
	uint8_t ebr[TABLE_UNIT];
	int rc = 0;

	if (n == 0) {
		make_ebr(map, ext, NULL, NULL, ext->start, ebr);
		return emit(map, ext->start * table_units(map), ebr, out);
	}
	/* from the end: a sector is there before another one names it */
	for (size_t i = n; !rc && i-- > 0;) {
		make_ebr(map, ext, &l[i], i + 1 < n ? &l[i + 1] : NULL, l[i].ebr, ebr);
		rc = emit(map, l[i].ebr * table_units(map), ebr, out);
	}
	return rc;
}

static int by_start(const void *a, const void *b)
{
	const struct link *x = a, *y = b;

	return x->part->start < y->part->start ? -1 : x->part->start > y->part->start;
}

static int edit_chain(const struct sectmap *map, const struct table *want, struct table_sectors *out,
		      struct dyn_err *err)
{
	const struct table_part *ext = NULL;
	struct link l[LOGICALS_MAX];
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < want->n; i++) {
		const struct table_part *p = &want->parts[i];
		if (p->extended && ext)
			return bad_place(p, "there is an extended partition already", err);
		if (p->extended)
			ext = p;
		if (p->logical && n == LOGICALS_MAX)
			return bad_place(p, "there are too many logical drives", err);
		if (p->logical)
			l[n++] = (struct link){ 0, p };
	}
	if (!ext)
		return n ? bad_place(l[0].part, "there is no extended partition", err) : 0;
	if (ext->start > UINT32_MAX || ext->size > UINT32_MAX || ext->start + ext->size > table_disk_sectors(map))
		return bad_place(ext, "an MBR cannot describe this place", err);
	qsort(l, n, sizeof(*l), by_start);
	rc = place_ebrs(map, ext, l, n, err);
	if (rc)
		return rc;
	return emit_chain(map, ext, l, n, out) ? dyn_fail_nomem(err) : 0;
}

static bool nested(const struct table_part *p)
{
	return p->extended || p->logical;
}

/* A chain in another order than ours is a good one all the same, as long as nobody wants it changed. */
static bool same_chain(const struct table *a, const struct table *b)
{
	size_t n = 0, k = 0;

	for (size_t i = 0; i < a->n; i++)
		n += nested(&a->parts[i]);
	for (size_t i = 0; i < b->n; i++) {
		bool found = !nested(&b->parts[i]);
		k += nested(&b->parts[i]);
		for (size_t j = 0; !found && j < a->n; j++)
			found = nested(&a->parts[j]) && a->parts[j].logical == b->parts[i].logical &&
				a->parts[j].start == b->parts[i].start && a->parts[j].size == b->parts[i].size &&
				a->parts[j].mbr_type == b->parts[i].mbr_type;
		if (!found)
			return false;
	}
	return n == k;
}

int mbr_edit(const struct sectmap *map, const struct table *now, const struct table *want, struct table_sectors *out,
	     struct dyn_err *err)
{
	uint8_t old[TABLE_UNIT], sector[TABLE_UNIT];
	int rc = same_chain(now, want) ? 0 : edit_chain(map, want, out, err);

	if (!rc && sectmap_get(map, 0, 1, old))
		rc = dyn_fail(err, -EINVAL, "the disk is too small for a partition table");
	if (!rc)
		rc = make_sector_0(want, old, sector, err);
	if (!rc && emit(map, 0, sector, out))
		rc = dyn_fail_nomem(err);
	return rc;
}
