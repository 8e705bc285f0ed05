/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * geometry.h - what a basic disk looks like once it is dynamic, ldm-format.md 10.1: where the LDM regions lie, the
 * new partition table, which partitions become which volumes. Pure arithmetic on a table. All units are sectors.
 */
#ifndef DYN_PLAN_GEOMETRY_H
#define DYN_PLAN_GEOMETRY_H

#include "ldm/ldm.h"
#include "table/table.h"

enum { GEO_MAX = 136 }; /* a GPT's 128 entries, the metadata partition and the room between */

/* A data partition that becomes a simple volume at its place. */
struct geo_volume {
	uint64_t start, size;
	unsigned number;          /* the partition's number in the old table */
	uint8_t part_type;        /* as an MBR names it: 07, 06, 0B */
	uint32_t vflags;          /* LDM_VOL_RETAIN with BOOT, SYSTEM: it keeps an entry of its own; else 0 */
	bool no_letter;
};

struct geometry {
	uint64_t private_start, public_start, public_size;
	struct table want;        /* its parts are the ones below; new GPT entries have no GUID yet */
	struct table_part parts[GEO_MAX];
	size_t n_volumes;
	struct geo_volume volumes[GEO_MAX];
};

/* A partition that holds a file system of people's, not one of the firmware's, a maker's or Windows' own. */
bool geometry_is_data(const struct table *t, const struct table_part *p);

/*
 * now: the table as it is, MBR or GPT. fs[i]: the file system of now->parts[i] as Windows spells it, "" when unknown.
 * 0, or a refusal that names the rule and the way out; name is what the disk is called in it.
 */
int geometry_plan(const struct table *now, uint64_t total_sectors, const char *const *fs, const char *name,
		  struct geometry *g, struct dyn_err *err);

#endif
