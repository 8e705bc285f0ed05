/* SPDX-License-Identifier: GPL-3.0-or-later */
/* partition.c - each disk's partition table as people see it: every entry, numbered by its place on the disk. */
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "model/scan.h"

/* The volume that is this partition and nothing else; LDM's containers hold volumes but are none. */
static size_t volume_of(const struct scan *s, size_t disk, const struct dyn_partition *p)
{
	for (size_t v = 0; v < s->n_volumes; v++) {
		const struct scan_volume *vol = &s->volumes[v];
		if (vol->pub.layout == DYN_LAYOUT_PARTITION && vol->pub.n_plexes &&
		    vol->plexes[0].extents[0].disk == disk && vol->plexes[0].extents[0].offset == p->offset)
			return v;
	}
	return DYN_NONE;
}

/* Bytes on the disk, cut at its end: an entry that reaches past it was named as damage. */
static void place(const struct scan_disk *d, const struct table_part *t, struct dyn_partition *p)
{
	uint64_t ss = d->pub.sector_size;

	if (mul_overflows(t->start, ss, &p->offset) || p->offset > d->pub.size)
		p->offset = d->pub.size;
	if (mul_overflows(t->size, ss, &p->size) || p->size > d->pub.size - p->offset)
		p->size = d->pub.size - p->offset;
}

static void fill(struct scan *s, size_t disk, const struct table_part *t, unsigned number, struct dyn_partition *p)
{
	const struct scan_disk *d = &s->disks[disk];
	enum dyn_table kind = d->pub.table;

	p->number = number;
	p->table_number = t->number;
	p->type_word = table_type_word(kind, t);
	if (kind == DYN_TABLE_GPT)
		memcpy(p->type_id, t->gpt_type, sizeof(p->type_id));
	else
		snprintf(p->type_id, sizeof(p->type_id), "%02x", t->mbr_type);
	memcpy(p->guid, t->gpt_guid, sizeof(p->guid));
	p->name = pool_clean(s->pool, t->name, strlen(t->name));
	p->attributes = t->gpt_attrs;
	p->active = t->active;
	place(d, t, p);
	p->volume = t->extended ? DYN_NONE : volume_of(s, disk, p);
}

void scan_partition_tables(struct scan *s)
{
	for (size_t i = 0; i < s->n_disks; i++) {
		struct scan_disk *d = &s->disks[i];
		const struct table *t = &d->priv.table;
		struct dyn_partition *p = t->n ? pool_array(s->pool, t->n, sizeof(*p)) : NULL;

		if (!p)
			continue;
		/* by start, a container before what it holds: DiskPart's order */
		for (size_t k = 0; k < t->n; k++)
			fill(s, i, &t->parts[k], (unsigned)k + 1, &p[k]);
		d->pub.partitions = p;
		d->pub.n_partitions = t->n;
	}
}
