/* SPDX-License-Identifier: GPL-3.0-or-later */
/* volume.c - volumes, their plexes and extents, and how they fare; partitions that are volumes of their own. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "model/scan.h"

struct record_list {
	size_t n;
	const struct ldm_record **r;
};

static void list_add(struct scan *s, struct record_list *l, const struct ldm_record *r)
{
	const struct ldm_record **slot = pool_grow(s->pool, &l->r, &l->n, sizeof(*l->r));

	if (slot)
		*slot = r;
}

static int by_volume_number(const void *a, const void *b)
{
	const struct ldm_record *x = *(const struct ldm_record *const *)a, *y = *(const struct ldm_record *const *)b;

	if (x->u.volume.number != y->u.volume.number)
		return x->u.volume.number < y->u.volume.number ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static int by_name(const void *a, const void *b)
{
	const struct ldm_record *x = *(const struct ldm_record *const *)a, *y = *(const struct ldm_record *const *)b;
	int order = natural_order(x->name, y->name);

	return order ? order : x->id < y->id ? -1 : x->id > y->id;
}

static int by_place(const void *a, const void *b)
{
	const struct ldm_record *x = *(const struct ldm_record *const *)a, *y = *(const struct ldm_record *const *)b;

	if (x->u.extent.column != y->u.extent.column)
		return x->u.extent.column < y->u.extent.column ? -1 : 1;
	if (x->u.extent.column_offset != y->u.extent.column_offset)
		return x->u.extent.column_offset < y->u.extent.column_offset ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* Sectors of 512 bytes to bytes; what does not fit is the largest number, which fits nowhere. */
static uint64_t in_bytes(uint64_t sectors)
{
	return sectors <= UINT64_MAX / SCAN_UNIT ? sectors * SCAN_UNIT : UINT64_MAX;
}

/* ---------------------------------------------------------------------- extents */

static size_t disk_of_record(const struct scan *s, size_t group, uint64_t id)
{
	for (size_t i = 0; i < s->n_disks; i++)
		if (s->disks[i].pub.group == group && s->disks[i].priv.record_id == id && id)
			return i;
	return DYN_NONE;
}

/* Where it lies on its disk. false: it leaves the disk, or there is no such disk. */
static bool place_extent(const struct scan_disk *d, const struct ldm_record *r, uint64_t *offset)
{
	uint64_t start, end;

	*offset = 0;
	return d->io && !mul_overflows(d->priv.ph.public_start, d->pub.sector_size, &start) &&
	       !add_overflows(start, in_bytes(r->u.extent.start), offset) &&
	       !add_overflows(*offset, in_bytes(r->u.extent.size), &end) && end <= d->pub.size;
}

static enum dyn_plex_status fill_extent(struct scan *s, size_t group, const struct ldm_record *r, struct dyn_extent *e)
{
	size_t disk = disk_of_record(s, group, r->u.extent.disk_id);
	struct scan_disk *d = disk == DYN_NONE ? NULL : &s->disks[disk];

	e->disk = disk;
	e->size = in_bytes(r->u.extent.size);
	e->volume_offset = in_bytes(r->u.extent.column_offset);
	e->column = r->u.extent.column;
	if (!d || !d->io)
		return DYN_PLEX_MISSING;
	if (!place_extent(d, r, &e->offset)) {
		e->offset = 0;
		scan_damage(s, d, "Extent %s reaches past the end of the disk", r->name);
		return DYN_PLEX_MISSING;
	}
	return d->stale || r->u.extent.eflags & (LDM_EXT_RECOVER | LDM_EXT_KDETACH) ? DYN_PLEX_STALE : DYN_PLEX_OK;
}

/* How many columns of a plex are missing, how many out of date. */
struct tally {
	size_t missing, stale;
};

static bool fill_plex(struct scan *s, size_t group, const struct ldm_record *comp, struct dyn_plex *p, struct tally *t)
{
	const struct ldm_db *db = s->groups[group].db;
	const struct ldm_record *r = NULL;
	struct record_list list = { 0 };
	struct dyn_extent *e;
	unsigned last_missing = UINT32_MAX, last_stale = UINT32_MAX;

	while ((r = view_next(db, LDM_EXTENT, r)))
		if (r->u.extent.component_id == comp->id)
			list_add(s, &list, r);
	if (list.n)
		qsort(list.r, list.n, sizeof(*list.r), by_place);
	p->name = pool_clean(s->pool, comp->name, strlen(comp->name));
	e = pool_array(s->pool, list.n, sizeof(*e));
	for (size_t i = 0; e && i < list.n; i++) {
		enum dyn_plex_status st = fill_extent(s, group, list.r[i], &e[i]);
		/* concat has one column; a column is lost once, however many extents it lost */
		if (st == DYN_PLEX_MISSING && e[i].column != last_missing) {
			t->missing++;
			last_missing = e[i].column;
		} else if (st == DYN_PLEX_STALE && e[i].column != last_stale) {
			t->stale++;
			last_stale = e[i].column;
		}
	}
	p->n_extents = e ? list.n : 0;
	p->extents = e;
	free(list.r);
	if (t->missing || p->n_extents == 0)
		p->status = DYN_PLEX_MISSING;
	else if (t->stale || comp->u.component.cflags & (LDM_COMP_RECOVER | LDM_COMP_IOFAIL))
		p->status = DYN_PLEX_STALE;
	else
		p->status = DYN_PLEX_OK;
	return p->n_extents > 0;
}

/* ---------------------------------------------------------------------- volumes */

static enum dyn_layout layout_of(const struct ldm_record *comp, size_t n_plexes, size_t n_extents)
{
	if (comp->u.component.layout == LDM_LAYOUT_RAID5)
		return DYN_LAYOUT_RAID5;
	if (n_plexes > 1)
		return DYN_LAYOUT_MIRROR;
	if (comp->u.component.layout == LDM_LAYOUT_STRIPE)
		return DYN_LAYOUT_STRIPED;
	return n_extents > 1 ? DYN_LAYOUT_SPANNED : DYN_LAYOUT_SIMPLE;
}

/* A mirror has failed only when its last half that is up to date is gone (product words: VDS). */
static enum dyn_volume_status status_of(const struct scan_volume *v, const struct tally *raid5)
{
	size_t ok = 0, stale = 0, n = v->pub.n_plexes;

	for (size_t i = 0; i < n; i++) {
		ok += v->plexes[i].status == DYN_PLEX_OK;
		stale += v->plexes[i].status == DYN_PLEX_STALE;
	}
	if (v->pub.layout == DYN_LAYOUT_RAID5 && n == 1 && v->plexes[0].n_extents) {
		if (raid5->missing + raid5->stale == 1)
			return DYN_VOLUME_FAILED_REDUNDANCY;
		if (raid5->missing)
			return DYN_VOLUME_FAILED;
	}
	if (n && ok == n)
		return DYN_VOLUME_HEALTHY;
	if (ok)
		return DYN_VOLUME_FAILED_REDUNDANCY;
	return n && stale == n ? DYN_VOLUME_STALE : DYN_VOLUME_FAILED;
}

/* Its disk is flagged as failing, or Windows has not finished making its halves identical. */
static bool at_risk(const struct scan *s, const struct scan_volume *v, const struct ldm_record *vol)
{
	const struct ldm_db *db = s->groups[v->pub.group].db;
	const struct ldm_record *r = NULL;

	if (memcmp(vol->u.volume.state, "SYNC", 4) == 0)
		return true;
	while ((r = view_next(db, LDM_DISK, r))) {
		size_t disk = r->u.disk.dflags & LDM_DISK_FAILING ? disk_of_record(s, v->pub.group, r->id) : DYN_NONE;
		for (size_t i = 0; disk != DYN_NONE && i < v->pub.n_plexes; i++)
			for (size_t k = 0; k < v->plexes[i].n_extents; k++)
				if (v->plexes[i].extents[k].disk == disk)
					return true;
	}
	return false;
}

static char letter_of(const char *hint)
{
	return isalpha((unsigned char)hint[0]) && hint[1] == ':' && !hint[2] ? (char)toupper((unsigned char)hint[0]) : 0;
}

static void init_volume(struct scan *s, struct scan_volume *v, const char *name)
{
	v->pub.number = (unsigned)s->n_volumes - 1;
	v->pub.name = name;
	v->pub.label = v->pub.fs = v->pub.info = "";
	v->pub.group = v->pub.job = DYN_NONE;
}

static void add_volume(struct scan *s, size_t group, const struct ldm_record *vol)
{
	const struct ldm_db *db = s->groups[group].db;
	const struct ldm_record *r = NULL;
	struct record_list comps = { 0 };
	struct tally raid5 = { 0 };
	struct scan_volume *v;

	while ((r = view_next(db, LDM_COMPONENT, r)))
		if (r->u.component.volume_id == vol->id)
			list_add(s, &comps, r);
	if (comps.n)
		qsort(comps.r, comps.n, sizeof(*comps.r), by_name);
	v = pool_grow(s->pool, &s->volumes, &s->n_volumes, sizeof(*v));
	if (!v)
		goto out;
	init_volume(s, v, pool_clean(s->pool, vol->name, strlen(vol->name)));
	dyn_guid_format(vol->u.volume.guid, v->pub.guid);
	if (vol->flags & LDM_VF_HINT)
		v->pub.letter = letter_of(vol->u.volume.hint);
	v->pub.group = group;
	v->priv.record_id = vol->id;
	v->pub.size = in_bytes(vol->u.volume.size);
	if (vol->u.volume.vflags & (LDM_VOL_BOOT | LDM_VOL_SYSTEM))
		v->pub.info = vol->u.volume.vflags & LDM_VOL_SYSTEM ? "System" : "Boot";
	v->pub.plexes = v->plexes = pool_array(s->pool, comps.n + 1, sizeof(*v->plexes));
	for (size_t i = 0; v->plexes && i < comps.n; i++, v->pub.n_plexes++) {
		struct tally t = { 0 };
		fill_plex(s, group, comps.r[i], &v->plexes[i], &t);
		if (i == 0)
			raid5 = t;
	}
	if (v->pub.n_plexes) {
		uint64_t stripe = comps.r[0]->flags & LDM_CF_STRIPE ? in_bytes(comps.r[0]->u.component.stripe_size) : 0;
		v->pub.layout = layout_of(comps.r[0], comps.n, v->plexes[0].n_extents);
		v->pub.stripe_size = stripe <= UINT32_MAX ? (uint32_t)stripe : 0;
	}
	v->pub.status = status_of(v, &raid5);
	if (v->pub.status == DYN_VOLUME_HEALTHY && at_risk(s, v, vol))
		v->pub.status = DYN_VOLUME_AT_RISK;
out:
	free(comps.r);
}

void scan_ldm_volumes(struct scan *s)
{
	for (size_t g = 0; g < s->n_groups; g++) {
		struct record_list list = { 0 };
		const struct ldm_record *r = NULL;
		while ((r = view_next(s->groups[g].db, LDM_VOLUME, r)))
			list_add(s, &list, r);
		if (list.n)
			qsort(list.r, list.n, sizeof(*list.r), by_volume_number);
		for (size_t i = 0; i < list.n; i++)
			add_volume(s, g, list.r[i]);
		free(list.r);
	}
}

/* ------------------------------------------------------------------- partitions */

static bool is_volume(enum dyn_table kind, const struct table_part *p)
{
	return !p->extended && !part_is_ldm_data(kind, p) && !part_is_ldm_meta(kind, p) && !part_is_msr(kind, p);
}

static const char *info_of(enum dyn_table kind, const struct table_part *p)
{
	const char *word = table_type_word(kind, p);

	if (strcmp(word, "Recovery") == 0 || strcmp(word, "OEM") == 0)
		return "Hidden";
	/* the active partition is where an MBR's boot code goes on */
	return strcmp(word, "System") == 0 || p->active ? "System" : "";
}

static void add_partition(struct scan *s, size_t disk, const struct table_part *p)
{
	const struct scan_disk *d = &s->disks[disk];
	struct scan_volume *v = pool_grow(s->pool, &s->volumes, &s->n_volumes, sizeof(*v));
	struct dyn_extent *e = pool_array(s->pool, 1, sizeof(*e));
	uint64_t ss = d->pub.sector_size, end;

	if (!v)
		return;
	init_volume(s, v, "");
	v->pub.layout = DYN_LAYOUT_PARTITION;
	v->pub.info = info_of(d->pub.table, p);
	memcpy(v->pub.guid, p->gpt_guid, sizeof(v->pub.guid));
	v->pub.plexes = v->plexes = pool_array(s->pool, 1, sizeof(*v->plexes));
	if (!v->plexes || !e)
		return;
	e->disk = disk;
	/* what reaches past the end was named as damage; show what there is of it */
	if (mul_overflows(p->start, ss, &e->offset) || e->offset > d->pub.size)
		e->offset = d->pub.size;
	if (mul_overflows(p->size, ss, &e->size) || add_overflows(e->offset, e->size, &end) || end > d->pub.size) {
		e->size = d->pub.size - e->offset;
		v->pub.status = DYN_VOLUME_UNKNOWN;
	}
	v->pub.size = e->size;
	v->plexes[0].name = "";
	v->plexes[0].n_extents = 1;
	v->plexes[0].extents = e;
	v->pub.n_plexes = 1;
}

void scan_partitions(struct scan *s)
{
	for (size_t i = 0; i < s->n_disks; i++) {
		const struct table *t = &s->disks[i].priv.table;
		for (size_t k = 0; k < t->n; k++)
			if (is_volume(t->kind, &t->parts[k]))
				add_partition(s, i, &t->parts[k]);
	}
}
