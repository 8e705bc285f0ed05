/* SPDX-License-Identifier: GPL-3.0-or-later */
/* region.c - each disk from its first to its last byte, as the graphical view draws it. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "model/scan.h"

enum { SLIVER = 1 << 20 }; /* smaller gaps come from alignment: nobody can use them, nobody wants to see them */

static struct dyn_region *add(struct scan *s, struct scan_disk *d, enum dyn_region_kind kind, uint64_t offset, uint64_t size)
{
	struct dyn_region *r = pool_grow(s->pool, &d->regions, &d->n_regions, sizeof(*r));

	if (!r)
		return NULL;
	*r = (struct dyn_region){ .kind = kind, .offset = offset, .size = size, .volume = DYN_NONE, .plex = DYN_NONE,
				  .type_word = "" };
	return r;
}

static void add_gap(struct scan *s, struct scan_disk *d, enum dyn_region_kind kind, uint64_t from, uint64_t to)
{
	if (to > from && to - from >= SLIVER && add(s, d, kind, from, to - from))
		d->pub.free += to - from;
}

static enum dyn_region_kind kind_of(const struct dyn_volume *v)
{
	static const enum dyn_region_kind kinds[DYN_LAYOUTS] = {
		[DYN_LAYOUT_SIMPLE] = DYN_REGION_SIMPLE,   [DYN_LAYOUT_SPANNED] = DYN_REGION_SPANNED,
		[DYN_LAYOUT_STRIPED] = DYN_REGION_STRIPED, [DYN_LAYOUT_MIRROR] = DYN_REGION_MIRROR,
		[DYN_LAYOUT_RAID5] = DYN_REGION_RAID5,     [DYN_LAYOUT_PARTITION] = DYN_REGION_PRIMARY,
	};

	return kinds[v->layout];
}

static int by_offset(const void *a, const void *b)
{
	const struct dyn_region *x = a, *y = b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return x->volume < y->volume ? -1 : x->volume > y->volume;
}

/* The extents of LDM volumes on a disk, by offset; *n of them, malloc'd. */
static struct dyn_region *extents_on(struct scan *s, size_t disk, size_t *n)
{
	struct dyn_region *list = NULL;

	*n = 0;
	for (size_t v = 0; v < s->n_volumes; v++) {
		const struct scan_volume *vol = &s->volumes[v];
		for (size_t p = 0; vol->pub.group != DYN_NONE && p < vol->pub.n_plexes; p++) {
			for (size_t k = 0; k < vol->plexes[p].n_extents; k++) {
				const struct dyn_extent *e = &vol->plexes[p].extents[k];
				struct dyn_region *r;
				if (e->disk != disk || (e->offset == 0 && s->disks[disk].io))
					continue; /* an extent that leaves its disk has no place on it */
				r = pool_grow(s->pool, &list, n, sizeof(*list));
				if (r)
					*r = (struct dyn_region){ kind_of(&vol->pub), e->offset, e->size, v, p, 0, "" };
			}
		}
	}
	if (*n)
		qsort(list, *n, sizeof(*list), by_offset);
	return list;
}

static void put_extent(struct scan *s, struct scan_disk *d, const struct dyn_region *e, uint64_t offset)
{
	struct dyn_region *r = add(s, d, e->kind, offset, e->size);

	if (r) {
		*r = *e;
		r->offset = offset;
	}
}

/* One run of neighbouring LDM containers: extents and the room between them. */
static void tile_container(struct scan *s, struct scan_disk *d, const struct dyn_region *ext, size_t n, uint64_t from,
			   uint64_t to)
{
	uint64_t at = from;

	for (size_t i = 0; i < n; i++) {
		if (ext[i].offset < from || ext[i].offset >= to)
			continue;
		add_gap(s, d, DYN_REGION_UNALLOCATED, at, ext[i].offset);
		put_extent(s, d, &ext[i], ext[i].offset);
		if (ext[i].offset + ext[i].size > at)
			at = ext[i].offset + ext[i].size;
	}
	add_gap(s, d, DYN_REGION_UNALLOCATED, at, to);
}

static size_t volume_at(const struct scan *s, size_t disk, uint64_t offset)
{
	for (size_t v = 0; v < s->n_volumes; v++)
		if (s->volumes[v].pub.layout == DYN_LAYOUT_PARTITION && s->volumes[v].pub.n_plexes &&
		    s->volumes[v].plexes[0].extents[0].disk == disk && s->volumes[v].plexes[0].extents[0].offset == offset)
			return v;
	return DYN_NONE;
}

static void put_partition(struct scan *s, size_t disk, const struct table_part *p, uint64_t from, uint64_t to)
{
	struct scan_disk *d = &s->disks[disk];
	enum dyn_table kind = d->pub.table;
	bool reserved = part_is_msr(kind, p) || part_is_ldm_meta(kind, p);
	struct dyn_region *r = add(s, d, p->extended ? DYN_REGION_EXTENDED : reserved ? DYN_REGION_RESERVED :
				   p->logical ? DYN_REGION_LOGICAL : DYN_REGION_PRIMARY, from, to - from);

	if (!r)
		return;
	r->part_number = p->number;
	r->type_word = table_type_word(kind, p);
	r->volume = p->extended || reserved ? DYN_NONE : volume_at(s, disk, from);
	r->plex = r->volume == DYN_NONE ? DYN_NONE : 0;
}

/* Bytes of a partition on its disk, cut at the disk's end; false when nothing is left. */
static bool bounds(const struct scan_disk *d, const struct table_part *p, uint64_t *from, uint64_t *to)
{
	uint64_t sectors;

	if (mul_overflows(p->start, d->pub.sector_size, from) || *from >= d->pub.size)
		return false;
	if (add_overflows(p->start, p->size, &sectors) || mul_overflows(sectors, d->pub.sector_size, to) || *to > d->pub.size)
		*to = d->pub.size;
	return *to > *from;
}

/* Logicals and free space of the extended partition parts[i]. */
static void tile_extended(struct scan *s, size_t disk, size_t i, uint64_t from, uint64_t to)
{
	struct scan_disk *d = &s->disks[disk];
	const struct table *t = &d->priv.table;
	uint64_t at = from;

	put_partition(s, disk, &t->parts[i], from, to);
	for (size_t k = 0; k < t->n; k++) {
		uint64_t a, b;
		if (!t->parts[k].logical || !bounds(d, &t->parts[k], &a, &b) || a < from || a >= to)
			continue;
		add_gap(s, d, DYN_REGION_FREE, at, a);
		put_partition(s, disk, &t->parts[k], a, b);
		if (b > at)
			at = b;
	}
	add_gap(s, d, DYN_REGION_FREE, at, to);
}

/* The end of the run of LDM containers that begins with parts[*i]; *i moves to its last one. */
static uint64_t join_containers(const struct scan_disk *d, size_t *i, uint64_t to)
{
	const struct table *t = &d->priv.table;
	uint64_t a, b;

	while (*i + 1 < t->n && part_is_ldm_data(t->kind, &t->parts[*i + 1]) && bounds(d, &t->parts[*i + 1], &a, &b) && a == to) {
		to = b;
		++*i;
	}
	return to;
}

static void tile_table(struct scan *s, size_t disk)
{
	struct scan_disk *d = &s->disks[disk];
	const struct table *t = &d->priv.table;
	uint64_t at = t->first_usable * d->pub.sector_size, end = (t->last_usable + 1) * d->pub.sector_size, from, to;
	size_t n_ext;
	struct dyn_region *ext = extents_on(s, disk, &n_ext);

	for (size_t i = 0; i < t->n; i++) {
		const struct table_part *p = &t->parts[i];
		if (p->logical || !bounds(d, p, &from, &to))
			continue;
		if (part_is_ldm_data(t->kind, p))
			to = join_containers(d, &i, to);
		if (!d->pub.dynamic)
			add_gap(s, d, DYN_REGION_UNALLOCATED, at, from);
		/* what a disk that no group knows holds is not ours to call unallocated */
		if (part_is_ldm_data(t->kind, p) && d->priv.record_id)
			tile_container(s, d, ext, n_ext, from, to);
		else if (part_is_ldm_data(t->kind, p))
			continue;
		else if (p->extended)
			tile_extended(s, disk, i, from, to);
		else
			put_partition(s, disk, p, from, to);
		if (to > at)
			at = to;
	}
	/* on a dynamic disk room outside the containers cannot hold volumes: the last MiB of an MBR disk, and cylinders */
	if (!d->pub.dynamic)
		add_gap(s, d, DYN_REGION_UNALLOCATED, at, end < d->pub.size ? end : d->pub.size);
	free(ext);
}

/* Nobody can say where on a missing disk they were: one after the other. */
static void tile_missing(struct scan *s, size_t disk)
{
	struct scan_disk *d = &s->disks[disk];
	size_t n;
	struct dyn_region *ext = extents_on(s, disk, &n);
	uint64_t at = 0;

	for (size_t i = 0; i < n; i++) {
		put_extent(s, d, &ext[i], at);
		if (add_overflows(at, ext[i].size, &at))
			break;
	}
	free(ext);
}

void scan_regions(struct scan *s)
{
	for (size_t i = 0; i < s->n_disks; i++) {
		struct scan_disk *d = &s->disks[i];
		if (d->pub.status == DYN_DISK_MISSING)
			tile_missing(s, i);
		else if (d->pub.status == DYN_DISK_NOT_INITIALIZED)
			add_gap(s, d, DYN_REGION_UNALLOCATED, 0, d->pub.size);
		else if (d->pub.table != DYN_TABLE_NONE && d->pub.size)
			tile_table(s, i);
		d->pub.n_regions = d->n_regions;
		d->pub.regions = pool_copy(s->pool, d->regions, d->n_regions, sizeof(*d->regions));
	}
}
