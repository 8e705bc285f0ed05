/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan/geometry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	MIB = 2048, /* sectors: room smaller than this comes from alignment */
	FIRST_TRACK = 63, /* 2003 and XP look for the public region here, whatever the header says */
	SMALL_SYSTEM = 1024 * MIB, /* an active partition up to this is "System Reserved", and Windows is elsewhere */
	MBR_SLOTS = 4,
};
#define GPT_NO_LETTER (1ull << 63)
#define GPT_SPACES "e75caf8f-f680-4cee-afa3-b001e56efc2d"
#define GPT_CLUSTER "db97dba9-0840-4bae-97f0-ffb9a327c7e1"

struct work {
	const struct table *now;
	const char *const *fs;
	const char *name;
	uint32_t vflags[GEO_MAX]; /* by index into now->parts */
	struct table_part fixed[GEO_MAX]; /* stays beside the containers, by start */
	size_t n_fixed;
	bool no_slivers; /* leave the small room behind a retained partition without an entry */
	struct geometry *g;
	struct dyn_err *err;
};

static uint64_t end_of(const struct table_part *p)
{
	return p->start + p->size;
}

static bool is_msr(const struct table_part *p)
{
	return strcmp(p->gpt_type, LDM_GPT_MSR) == 0;
}

static bool one_of(uint8_t type, const uint8_t *list, size_t n)
{
	return memchr(list, type, n) != NULL;
}

bool geometry_is_data(const struct table *t, const struct table_part *p)
{
	static const uint8_t data[] = { 0x01, 0x04, 0x06, 0x07, 0x0b, 0x0c, 0x0e };

	if (t->kind == DYN_TABLE_MBR)
		return p->logical || one_of(p->mbr_type, data, sizeof(data));
	return strcmp(p->gpt_type, TABLE_GPT_BASIC) == 0;
}

/* ------------------------------------------------------------------ refusals */

static int check_mbr_part(const struct work *w, const struct table_part *p)
{
	static const uint8_t tolerated[] = { 0x12, 0x27, 0x84, 0xa0, 0xde, 0xfe };

	if (p->extended || p->logical)
		return dyn_refuse(
			w->err, -ENOTSUP,
			"Back up what the logical drives hold, delete them and the extended partition, and try again.",
			"%s has an extended partition, and its logical drives cannot be converted in place", w->name);
	if (!geometry_is_data(w->now, p) && !one_of(p->mbr_type, tolerated, sizeof(tolerated)))
		return dyn_refuse(
			w->err, -ENOTSUP, "Delete that partition, or leave the disk basic.",
			"partition %u of %s has type %02X, and Windows calls a dynamic disk with it unreadable",
			p->number, w->name, p->mbr_type);
	return 0;
}

static int check_gpt_part(const struct work *w, const struct table_part *p)
{
	if (strcmp(p->gpt_type, GPT_SPACES) == 0 || strcmp(p->gpt_type, GPT_CLUSTER) == 0)
		return dyn_refuse(
			w->err, -ENOTSUP, "Leave the disk basic.",
			"partition %u of %s belongs to Storage Spaces or a cluster, and such disks cannot be dynamic",
			p->number, w->name);
	if (strcmp(p->gpt_type, LDM_GPT_META) == 0 || strcmp(p->gpt_type, LDM_GPT_DATA) == 0)
		return dyn_refuse(w->err, -EEXIST, "Clean the disk if nothing on it is needed.",
				  "%s has LDM partitions already", w->name);
	return 0;
}

static int check_parts(const struct work *w)
{
	uint64_t end = 0;
	int rc = 0;

	for (size_t i = 0; !rc && i < w->now->n; i++) {
		const struct table_part *p = &w->now->parts[i];
		rc = w->now->kind == DYN_TABLE_MBR ? check_mbr_part(w, p) : check_gpt_part(w, p);
		if (!rc && (p->start < end || p->size == 0))
			rc = dyn_refuse(w->err, -EBADMSG, "Repair the partition table first.",
					"partitions of %s overlap", w->name);
		end = end_of(p);
	}
	return rc;
}

/* -------------------------------------------------------- which ones are retained */

static bool is_ntfs(const struct work *w, size_t i)
{
	return geometry_is_data(w->now, &w->now->parts[i]) && strcmp(w->fs[i], "NTFS") == 0;
}

/* The first NTFS partition behind parts[i]; now->n when there is none. */
static size_t ntfs_behind(const struct work *w, size_t i)
{
	do
		i++;
	while (i < w->now->n && !is_ntfs(w, i));
	return i;
}

/* From the table alone: MBR, the active partition and the Windows behind it; GPT, the Windows behind the ESP. */
static void choose_retained(struct work *w)
{
	size_t n = w->now->n, boot = n, at = 0;

	if (w->now->kind == DYN_TABLE_GPT) {
		while (at < n && strcmp(w->now->parts[at].gpt_type, TABLE_GPT_ESP) != 0)
			at++;
		if (at < n)
			boot = ntfs_behind(w, at);
	} else {
		while (at < n && !(w->now->parts[at].active && geometry_is_data(w->now, &w->now->parts[at])))
			at++;
		if (at == n)
			return;
		w->vflags[at] = LDM_VOL_RETAIN | LDM_VOL_SYSTEM;
		boot = is_ntfs(w, at) && w->now->parts[at].size > SMALL_SYSTEM ? at : ntfs_behind(w, at);
		if (boot == n && is_ntfs(w, at))
			boot = at;
	}
	if (boot < n)
		w->vflags[boot] |= LDM_VOL_RETAIN | LDM_VOL_BOOT;
}

/* ------------------------------------------------------- tiling with containers */

static void add_container(struct work *w, uint64_t start, uint64_t end, const struct table_part *retained)
{
	struct geometry *g = w->g;
	struct table_part *p = &g->parts[g->want.n++];

	memset(p, 0, sizeof(*p));
	if (retained) /* number, GUID, attributes, active flag: a boot loader may go by any of them */
		*p = *retained;
	p->start = start;
	p->size = end - start;
	if (w->now->kind == DYN_TABLE_MBR) {
		p->mbr_type = LDM_MBR_TYPE;
	} else {
		memcpy(p->gpt_type, LDM_GPT_DATA, sizeof(LDM_GPT_DATA));
		memcpy(p->name, "LDM data partition", sizeof("LDM data partition"));
	}
	if (g->public_size == 0)
		g->public_start = start;
	g->public_size = end - g->public_start;
}

/*
 * The room between two fixed entries: retained partitions stand alone, everything between them folds into containers
 * without gaps, also small room at the end, as Windows does it (71 KB on a disk of a guide). Alignment's leftover in
 * front stays outside unless a data partition is folded with it.
 */
static void tile(struct work *w, uint64_t from, uint64_t to)
{
	uint64_t run = from;
	bool data = false, inner = false;

	for (size_t i = 0; i < w->now->n; i++) {
		const struct table_part *p = &w->now->parts[i];
		if (p->start < from || p->start >= to || !geometry_is_data(w->now, p))
			continue;
		if (!(w->vflags[i] & LDM_VOL_RETAIN)) {
			data = true;
			continue;
		}
		if (p->start > run && (data || inner || p->start - run >= MIB))
			add_container(w, run, p->start, NULL);
		add_container(w, p->start, end_of(p), p);
		run = end_of(p);
		data = false;
		inner = true;
	}
	if (to > run && (data || (inner && !w->no_slivers) || to - run >= MIB))
		add_container(w, run, to, NULL);
}

static void tile_all(struct work *w, uint64_t from, uint64_t to)
{
	for (size_t i = 0; i < w->n_fixed && w->fixed[i].start < to; i++) {
		const struct table_part *p = &w->fixed[i];
		if (p->start > from)
			tile(w, from, p->start);
		if (end_of(p) > from)
			from = end_of(p);
	}
	if (from < to)
		tile(w, from, to);
}

static void add_volumes(struct work *w)
{
	struct geometry *g = w->g;

	for (size_t i = 0; i < w->now->n; i++) {
		const struct table_part *p = &w->now->parts[i];
		struct geo_volume *v = &g->volumes[g->n_volumes];
		if (!geometry_is_data(w->now, p))
			continue;
		g->n_volumes++;
		*v = (struct geo_volume){ .start = p->start,
					  .size = p->size,
					  .number = p->number,
					  .part_type = 0x07,
					  .vflags = w->vflags[i],
					  .no_letter = p->gpt_attrs & GPT_NO_LETTER };
		if (w->now->kind == DYN_TABLE_MBR)
			v->part_type = p->mbr_type == 0x07			  ? 0x07 :
				       p->mbr_type == 0x0b || p->mbr_type == 0x0c ? 0x0b :
										    0x06;
		else if (strcmp(w->fs[i], "FAT32") == 0)
			v->part_type = 0x0b;
		else if (strcmp(w->fs[i], "FAT") == 0 || strcmp(w->fs[i], "RAW") == 0)
			v->part_type = 0x06;
	}
}

static void add_fixed(struct work *w, const struct table_part *p)
{
	size_t i = w->n_fixed++;

	for (; i > 0 && w->fixed[i - 1].start > p->start; i--)
		w->fixed[i] = w->fixed[i - 1];
	w->fixed[i] = *p;
}

static int finish(struct work *w, uint64_t from, uint64_t to)
{
	w->g->want.n = w->g->n_volumes = 0;
	w->g->public_size = 0;
	tile_all(w, from, to);
	if (w->g->public_size < MIB)
		return dyn_refuse(w->err, -ENOSPC, "Choose a larger disk.", "%s has no room left for volumes", w->name);
	for (size_t i = 0; i < w->n_fixed; i++)
		w->g->parts[w->g->want.n++] = w->fixed[i];
	add_volumes(w);
	return 0;
}

/* ------------------------------------------------------------------------- MBR */

static int plan_mbr(struct work *w, uint64_t total)
{
	uint64_t limit = total - LDM_PRIV_SECTORS, first = FIRST_TRACK;
	int rc;

	if (total > UINT32_MAX)
		return dyn_refuse(w->err, -EFBIG, "Initialize it as GPT.",
				  "%s is larger than the 2 TB an MBR can describe", w->name);
	if (w->now->n && w->now->parts[0].start < first)
		first = w->now->parts[0].start;
	if (first <= LDM_PH_MBR)
		return dyn_refuse(w->err, -ENOSPC, "Leave the disk basic.",
				  "the first partition of %s covers sector 6, where a dynamic disk has a header",
				  w->name);
	for (size_t i = 0; i < w->now->n; i++) {
		const struct table_part *p = &w->now->parts[i];
		if (end_of(p) > limit)
			return dyn_refuse(
				w->err, -ENOSPC,
				"Shrink the last partition and its file system by 1 MB, and try again.",
				"%s has no free 1 MB at its end for the LDM database: partition %u reaches into it",
				w->name, p->number);
		if (!geometry_is_data(w->now, p))
			add_fixed(w, p);
	}
	w->g->private_start = limit;
	w->g->want.mbr_signature = w->now->mbr_signature;
	rc = finish(w, first, limit);
	if (!rc && w->g->want.n > MBR_SLOTS) {
		w->no_slivers = true;
		rc = finish(w, first, limit);
	}
	if (!rc && w->g->want.n > MBR_SLOTS)
		rc = dyn_refuse(w->err, -ENOSPC,
				"Delete a partition that is not needed, or move the free room to the end of the disk.",
				"the dynamic disk would need %zu partition entries, and the MBR of %s has four",
				w->g->want.n, w->name);
	return rc;
}

/* ------------------------------------------------------------------------- GPT */

/* Where the data partitions begin and end; both the disk's end when there are none. */
static void data_span(const struct work *w, uint64_t *from, uint64_t *to)
{
	bool any = false;

	*from = *to = w->now->last_usable + 1;
	for (size_t i = 0; i < w->now->n; i++)
		if (geometry_is_data(w->now, &w->now->parts[i])) {
			if (!any)
				*from = w->now->parts[i].start;
			any = true;
			*to = end_of(&w->now->parts[i]);
		}
}

/* A free MiB in front of the data, or the last one behind it: the database must not lie among the volumes. */
static bool free_mib(const struct work *w, uint64_t data_from, uint64_t data_to, uint64_t *at)
{
	uint64_t end = w->now->last_usable + 1, from = w->now->first_usable, behind = data_to;

	for (size_t i = 0; i <= w->now->n && from < data_from; i++) {
		uint64_t to = i < w->now->n ? w->now->parts[i].start : end;
		if (to > from && to - from >= LDM_PRIV_SECTORS) {
			*at = from;
			return true;
		}
		if (i < w->now->n)
			from = end_of(&w->now->parts[i]);
	}
	for (size_t i = 0; i < w->now->n; i++)
		if (end_of(&w->now->parts[i]) > behind)
			behind = end_of(&w->now->parts[i]);
	if (behind > end || end - behind < LDM_PRIV_SECTORS)
		return false;
	*at = end - LDM_PRIV_SECTORS;
	return true;
}

static int no_place(const struct work *w, const struct table_part *msr)
{
	if (!msr)
		return dyn_refuse(
			w->err, -ENOSPC, "Shrink the last partition and its file system by 1 MB, and try again.",
			"%s has no Microsoft reserved partition and no free 1 MB for the LDM database", w->name);
	if (msr->size <= LDM_PRIV_SECTORS)
		return dyn_refuse(
			w->err, -ENOSPC,
			"Delete that partition and create one of 32 MB or more (create partition msr size=128).",
			"the Microsoft reserved partition of %s is too small to hold the LDM database (1 MB)", w->name);
	return dyn_refuse(w->err, -ENOSPC, "Shrink the last partition and its file system by 1 MB, and try again.",
			  "the Microsoft reserved partition of %s lies between its data partitions, and there is no "
			  "other free 1 MB",
			  w->name);
}

/* The metadata partition: from the start of the MSR, else a free MiB. *from, *to: where containers may be. */
static int place_metadata(struct work *w, uint64_t *from, uint64_t *to)
{
	struct table_part meta = { .size = LDM_PRIV_SECTORS,
				   .gpt_type = LDM_GPT_META,
				   .name = "LDM metadata partition" };
	uint64_t data_from, data_to;
	struct table_part *msr = NULL;

	for (size_t i = 0; i < w->n_fixed; i++)
		if (is_msr(&w->fixed[i]) && !msr)
			msr = &w->fixed[i];
	data_span(w, &data_from, &data_to);
	if (msr && msr->size > LDM_PRIV_SECTORS && (msr->start < data_from || msr->start >= data_to)) {
		meta.start = msr->start;
		msr->start += LDM_PRIV_SECTORS;
		msr->size -= LDM_PRIV_SECTORS;
	} else if ((msr && data_from == data_to) || !free_mib(w, data_from, data_to, &meta.start)) {
		return no_place(w, msr); /* a too small MSR of an empty disk is better made anew */
	}
	add_fixed(w, &meta);
	w->g->private_start = meta.start;
	if (meta.start < data_from)
		*from = meta.start + LDM_PRIV_SECTORS;
	else
		*to = meta.start;
	return 0;
}

static int plan_gpt(struct work *w)
{
	uint64_t from = w->now->first_usable, to = w->now->last_usable + 1;
	int rc;

	if (w->now->n + 3 > GEO_MAX)
		return dyn_fail(w->err, -ENOTSUP, "%s has %zu partitions", w->name, w->now->n);
	for (size_t i = 0; i < w->now->n; i++)
		if (!geometry_is_data(w->now, &w->now->parts[i]))
			add_fixed(w, &w->now->parts[i]);
	memcpy(w->g->want.gpt_guid, w->now->gpt_guid, sizeof(w->g->want.gpt_guid));
	rc = place_metadata(w, &from, &to);
	if (!rc)
		rc = finish(w, from, to);
	if (!rc && w->g->want.n > 128)
		rc = dyn_refuse(w->err, -ENOSPC, "Delete a partition that is not needed.",
				"the dynamic disk would need %zu partition entries, and the GPT of %s has 128",
				w->g->want.n, w->name);
	return rc;
}

int geometry_plan(const struct table *now, uint64_t total_sectors, const char *const *fs, const char *name,
		  struct geometry *g, struct dyn_err *err)
{
	struct work *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return dyn_fail_nomem(err);
	*w = (struct work){ .now = now, .fs = fs, .name = name, .g = g, .err = err };
	memset(g, 0, sizeof(*g));
	g->want.kind = now->kind;
	g->want.parts = g->parts;
	if (now->n > GEO_MAX / 2 || total_sectors < 2 * LDM_PRIV_SECTORS)
		rc = now->n > GEO_MAX / 2 ? dyn_fail(err, -ENOTSUP, "%s has %zu partitions", name, now->n) :
					    dyn_fail(err, -ENOSPC, "%s is too small for a dynamic disk", name);
	else
		rc = check_parts(w);
	if (!rc) {
		choose_retained(w);
		rc = now->kind == DYN_TABLE_MBR ? plan_mbr(w, total_sectors) : plan_gpt(w);
	}
	free(w);
	return rc;
}
