/* SPDX-License-Identifier: GPL-3.0-or-later */
/* build.c - the table that is wanted, as the sectors that have to change. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "table/priv.h"

enum { DOS_ACTIVE = 1 }; /* libfdisk's DOS_FLAG_ACTIVE */

static bool same_text(const char *a, const char *b)
{
	return strcasecmp(a, b) == 0;
}

/* true when p, as it stands in the table, is what w asks for (w may leave GUID and number open) */
static bool stands(enum dyn_table kind, const struct table_part *p, const struct table_part *w)
{
	if (p->start != w->start || p->size != w->size || (w->number && w->number != p->number && !w->logical))
		return false;
	if (kind == DYN_TABLE_MBR)
		return p->mbr_type == w->mbr_type && p->active == w->active && p->logical == w->logical;
	return same_text(p->gpt_type, w->gpt_type) && (!w->gpt_guid[0] || same_text(p->gpt_guid, w->gpt_guid)) &&
	       p->gpt_attrs == w->gpt_attrs && strcmp(p->name, w->name) == 0;
}

static const struct table_part *find_standing(enum dyn_table kind, const struct table *in, const struct table_part *w)
{
	for (size_t i = 0; i < in->n; i++)
		if (stands(kind, &in->parts[i], w))
			return &in->parts[i];
	return NULL;
}

/* The same entry at the same place, whatever else w wants changed about it. */
static const struct table_part *find_place(const struct table *in, const struct table_part *w)
{
	for (size_t i = 0; i < in->n; i++)
		if (in->parts[i].start == w->start && in->parts[i].size == w->size && in->parts[i].number == w->number)
			return &in->parts[i];
	return NULL;
}

static int delete_others(struct fdisk_context *cxt, const struct table *now, const struct table *want, struct dyn_err *err)
{
	for (size_t i = now->n; i-- > 0;) {
		bool keep = false;
		int rc;
		for (size_t k = 0; k < want->n; k++)
			keep |= stands(want->kind, &now->parts[i], &want->parts[k]) || find_place(now, &want->parts[k]) == &now->parts[i];
		if (keep)
			continue;
		rc = fdisk_delete_partition(cxt, now->parts[i].number - 1);
		if (rc)
			return dyn_fail(err, rc, "partition %u cannot be taken out of the table", now->parts[i].number);
	}
	return 0;
}

static struct fdisk_parttype *part_type(struct fdisk_context *cxt, enum dyn_table kind, const struct table_part *w)
{
	struct fdisk_label *lb = fdisk_get_label(cxt, NULL);
	struct fdisk_parttype *t;

	if (kind == DYN_TABLE_MBR) {
		t = fdisk_label_get_parttype_from_code(lb, w->mbr_type);
		return t ? t : fdisk_new_unknown_parttype(w->mbr_type, NULL);
	}
	t = fdisk_label_get_parttype_from_string(lb, w->gpt_type);
	return t ? t : fdisk_new_unknown_parttype(0, w->gpt_type);
}

static int describe(struct fdisk_partition *pa, enum dyn_table kind, const struct table_part *w, struct fdisk_parttype *type)
{
	int rc = fdisk_partition_set_start(pa, w->start);

	if (!rc)
		rc = fdisk_partition_set_size(pa, w->size);
	if (!rc)
		rc = fdisk_partition_size_explicit(pa, 1); /* exactly this size, not rounded to the grain */
	if (!rc)
		rc = fdisk_partition_set_type(pa, type);
	if (!rc)
		rc = w->number ? fdisk_partition_set_partno(pa, w->number - 1) : fdisk_partition_partno_follow_default(pa, 1);
	if (!rc && kind == DYN_TABLE_GPT && w->gpt_guid[0])
		rc = fdisk_partition_set_uuid(pa, w->gpt_guid);
	if (!rc && kind == DYN_TABLE_GPT)
		rc = fdisk_partition_set_name(pa, w->name);
	return rc;
}

static int add_one(struct fdisk_mem *mem, enum dyn_table kind, const struct table_part *w, struct dyn_err *err)
{
	struct fdisk_partition *pa = fdisk_new_partition();
	struct fdisk_parttype *type = part_type(mem->cxt, kind, w);
	size_t partno = 0;
	int rc = pa && type ? describe(pa, kind, w, type) : -ENOMEM;

	if (!rc && (w->extended || w->logical))
		rc = -ENOTSUP;
	if (!rc)
		rc = fdisk_add_partition(mem->cxt, pa, &partno);
	if (!rc && kind == DYN_TABLE_GPT && w->gpt_attrs)
		rc = fdisk_gpt_set_partition_attrs(mem->cxt, partno, w->gpt_attrs);
	if (!rc && kind == DYN_TABLE_MBR && w->active)
		rc = fdisk_toggle_partition_flag(mem->cxt, partno, DOS_ACTIVE);
	fdisk_unref_parttype(type);
	fdisk_unref_partition(pa);
	if (rc)
		return dyn_fail(err, rc < 0 ? rc : -EINVAL, "a partition of sectors %llu to %llu does not fit the table%s%s",
				(unsigned long long)w->start, (unsigned long long)(w->start + w->size - 1),
				mem->complaint[0] ? ": " : "", mem->complaint);
	return 0;
}

/* Type, GUID, name, attributes of an entry that stays in its place; a name that stays is not written again, for
 * what we know of it was cleaned. */
static int amend(struct fdisk_mem *mem, const struct table_part *p, const struct table_part *w, struct dyn_err *err)
{
	struct fdisk_partition *pa = fdisk_new_partition();
	struct fdisk_parttype *type = part_type(mem->cxt, DYN_TABLE_GPT, w);
	int rc = pa && type ? 0 : -ENOMEM;

	if (!rc && !same_text(p->gpt_type, w->gpt_type))
		rc = fdisk_partition_set_type(pa, type);
	if (!rc && w->gpt_guid[0])
		rc = fdisk_partition_set_uuid(pa, w->gpt_guid);
	if (!rc && strcmp(p->name, w->name) != 0)
		rc = fdisk_partition_set_name(pa, w->name);
	if (!rc)
		rc = fdisk_set_partition(mem->cxt, p->number - 1, pa);
	if (!rc && p->gpt_attrs != w->gpt_attrs)
		rc = fdisk_gpt_set_partition_attrs(mem->cxt, p->number - 1, w->gpt_attrs);
	fdisk_unref_parttype(type);
	fdisk_unref_partition(pa);
	return rc ? dyn_fail(err, rc < 0 ? rc : -EINVAL, "partition %u cannot be changed%s%s", p->number,
			     mem->complaint[0] ? ": " : "", mem->complaint) : 0;
}

static int amend_standing(struct fdisk_mem *mem, const struct table *now, const struct table *want, struct dyn_err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < want->n; i++) {
		const struct table_part *p = find_place(now, &want->parts[i]);
		if (p && !stands(want->kind, p, &want->parts[i]))
			rc = amend(mem, p, &want->parts[i], err);
	}
	if (!rc && now->kind == want->kind && want->gpt_guid[0] && !same_text(now->gpt_guid, want->gpt_guid)) {
		rc = fdisk_set_disklabel_id_from_string(mem->cxt, want->gpt_guid);
		if (rc)
			dyn_fail(err, rc, "the disk's GUID cannot be changed");
	}
	return rc;
}

/* Those with a number first, so that "the next free number" of the others cannot take it from them. */
static int add_missing(struct fdisk_mem *mem, const struct table *now, const struct table *want, struct dyn_err *err)
{
	int rc = 0;

	for (int numbered = 1; !rc && numbered >= 0; numbered--)
		for (size_t i = 0; !rc && i < want->n; i++)
			if ((want->parts[i].number != 0) == numbered && !find_standing(want->kind, now, &want->parts[i]) &&
			    !find_place(now, &want->parts[i]))
				rc = add_one(mem, want->kind, &want->parts[i], err);
	return rc;
}

/* The script headers are libfdisk's way to say where the usable sectors begin and what the ids are. */
static int new_label(struct fdisk_mem *mem, const struct sectmap *map, const struct table *want, struct dyn_err *err)
{
	struct fdisk_script *dp = fdisk_new_script(mem->cxt);
	char id[40], first[24];
	bool gpt = want->kind == DYN_TABLE_GPT;
	int rc = dp ? 0 : -ENOMEM;

	snprintf(id, sizeof(id), gpt ? "%s" : "0x%s", want->gpt_guid);
	if (!gpt)
		snprintf(id, sizeof(id), "0x%08x", want->mbr_signature);
	snprintf(first, sizeof(first), "%u", 2 + TABLE_GPT_ARRAY / map->sector_size);
	if (!rc)
		rc = fdisk_script_set_header(dp, "label", gpt ? "gpt" : "dos");
	if (!rc && (gpt ? want->gpt_guid[0] != '\0' : want->mbr_signature != 0))
		rc = fdisk_script_set_header(dp, "label-id", id);
	if (!rc && gpt)
		rc = fdisk_script_set_header(dp, "first-lba", first);
	if (!rc)
		rc = fdisk_enable_bootbits_protection(mem->cxt, 1);
	if (!rc)
		rc = fdisk_apply_script_headers(mem->cxt, dp);
	/* The context keeps the script and the script keeps the context: neither would ever be freed. */
	fdisk_set_script(mem->cxt, NULL);
	fdisk_unref_script(dp);
	if (rc)
		return dyn_fail(err, rc, "cannot make a new partition table%s%s", mem->complaint[0] ? ": " : "",
				mem->complaint);
	return 0;
}

/* ------------------------------------------------------------ what has changed */

/*
 * The order of writing: whatever has landed, readers find the old table or a good copy of the new. `spare`: the backup is the
 * one copy of the old that is good, so it comes last.
 */
struct order {
	enum dyn_table kind;
	bool spare;
};

static struct order order_of(const struct sectmap *map, enum dyn_table kind)
{
	struct gpt_copy primary, backup;

	if (kind != DYN_TABLE_GPT)
		return (struct order){ kind, false };
	gpt_examine(map, 1, &primary);
	gpt_examine(map, table_disk_sectors(map) - 1, &backup);
	return (struct order){ kind, !gpt_usable(&primary) && gpt_usable(&backup) };
}

static int rank(const struct sectmap *map, const struct order *o, uint64_t unit)
{
	uint64_t lba = unit / table_units(map), disk = table_disk_sectors(map);

	if (o->kind != DYN_TABLE_GPT)
		return lba == 0 ? 0 : 1; /* sector 0 decides: a GPT that is still there has lost its protective MBR */
	if (lba == disk - 1)
		return o->spare ? 4 : 1;
	if (lba == 0)
		return 2;
	if (lba == 1)
		return o->spare ? 1 : 4;
	return (lba < disk / 2) == o->spare ? 0 : 3;
}

int table_sectors_add(struct table_sectors *out, uint64_t unit, const uint8_t *bytes, bool extend)
{
	struct sectmap_run *r = extend ? &out->runs[out->n - 1] : NULL;
	uint8_t *grown;

	if (!r) {
		struct sectmap_run *list = realloc(out->runs, (out->n + 1) * sizeof(*list));
		if (!list)
			return -ENOMEM;
		out->runs = list;
		r = &list[out->n++];
		*r = (struct sectmap_run){ .sector = unit };
	}
	grown = realloc(r->bytes, (size_t)(r->n_sectors + 1) * TABLE_UNIT);
	if (!grown)
		return -ENOMEM;
	memcpy(grown + (size_t)r->n_sectors * TABLE_UNIT, bytes, TABLE_UNIT);
	r->bytes = grown;
	r->n_sectors++;
	return 0;
}

/* All differing sectors of one rank in [from, to) units of the memfd. */
static int diff_range(const struct sectmap *map, const struct order *o, int wanted, int fd, uint64_t from, uint64_t to,
		      struct table_sectors *out)
{
	int rc = 0;

	for (uint64_t u = from; !rc && u < to; u++) {
		uint8_t was[TABLE_UNIT], is[TABLE_UNIT];
		bool extend;
		if (rank(map, o, u) != wanted)
			continue;
		rc = sectmap_get(map, u, 1, was);
		if (!rc)
			rc = dyn_pread_full(fd, is, sizeof(is), u * TABLE_UNIT);
		if (rc || memcmp(was, is, sizeof(is)) == 0)
			continue;
		extend = out->n && out->runs[out->n - 1].sector + out->runs[out->n - 1].n_sectors == u &&
			 rank(map, o, u - 1) == wanted;
		rc = table_sectors_add(out, u, is, extend);
	}
	return rc;
}

static int diff(const struct sectmap *map, enum dyn_table kind, int fd, struct table_sectors *out)
{
	struct order o = order_of(map, kind);
	off_t size = (off_t)(map->total_sectors * TABLE_UNIT);
	int rc = 0;

	for (int r = 0; !rc && r <= 4; r++) {
		for (off_t at = 0; !rc && at < size;) {
			off_t data = lseek(fd, at, SEEK_DATA), hole;
			if (data < 0 && errno != ENXIO)
				return -errno;
			if (data < 0)
				break; /* nothing but a hole up to the end */
			hole = lseek(fd, data, SEEK_HOLE);
			if (hole < 0)
				return -errno;
			rc = diff_range(map, &o, r, fd, (uint64_t)data / TABLE_UNIT, (uint64_t)hole / TABLE_UNIT, out);
			at = hole;
		}
	}
	return rc;
}

/* ---------------------------------------------------------------------- build */

static int zero_units(struct sectmap *map, uint64_t from, uint64_t to)
{
	static const uint8_t zero[TABLE_UNIT];
	int rc = 0;

	for (uint64_t u = from; !rc && u < to; u++)
		rc = sectmap_put(map, u, 1, zero);
	return rc;
}

/* A GPT left behind an MBR would confuse every later reader. */
static int wipe_gpt(struct sectmap *map)
{
	uint64_t units = table_units(map), array = TABLE_GPT_ARRAY / TABLE_UNIT;
	struct gpt_copy c;
	int rc = 0;

	gpt_examine(map, 1, &c);
	if (c.present)
		rc = zero_units(map, units, 2 * units + array);
	gpt_examine(map, table_disk_sectors(map) - 1, &c);
	if (!rc && c.present)
		rc = zero_units(map, map->total_sectors - units - array, map->total_sectors);
	return rc;
}

/* Reads back what the changed sectors say: libfdisk rounds and corrects, and we promised exactness. */
static int check_result(const struct sectmap *map, const struct table *want, const struct table_sectors *s,
			struct dyn_err *err)
{
	struct sectmap *after = NULL;
	struct table got = { 0 };
	bool good;
	int rc = sectmap_clone(map, &after);

	for (size_t i = 0; !rc && i < s->n; i++)
		rc = sectmap_put(after, s->runs[i].sector, s->runs[i].n_sectors, s->runs[i].bytes);
	if (rc) {
		sectmap_free(after);
		return dyn_fail_nomem(err);
	}
	rc = table_read(after, &got, err);
	sectmap_free(after);
	if (rc)
		return rc;
	good = got.kind == want->kind && got.n == want->n;
	for (size_t i = 0; good && i < want->n; i++)
		good = find_standing(want->kind, &got, &want->parts[i]) != NULL;
	if (good && want->kind == DYN_TABLE_MBR && want->mbr_signature)
		good = got.mbr_signature == want->mbr_signature;
	if (good && want->kind == DYN_TABLE_GPT && want->gpt_guid[0])
		good = same_text(got.gpt_guid, want->gpt_guid);
	table_clear(&got);
	return good ? 0 : dyn_fail(err, -EINVAL, "the new partition table would not be the one that was asked for");
}

static int edit(struct fdisk_mem *mem, const struct sectmap *map, const struct table *now, const struct table *want,
		struct dyn_err *err)
{
	static const struct table none;
	int rc = 0;

	if (now->kind != want->kind) {
		rc = new_label(mem, map, want, err);
		now = &none;
	}
	if (!rc && want->kind == DYN_TABLE_MBR)
		fdisk_set_first_lba(mem->cxt, 1); /* else nothing may start before 1 MiB */
	if (!rc)
		rc = delete_others(mem->cxt, now, want, err);
	if (!rc)
		rc = amend_standing(mem, now, want, err);
	if (!rc)
		rc = add_missing(mem, now, want, err);
	if (!rc) {
		rc = fdisk_write_disklabel(mem->cxt);
		if (rc)
			rc = dyn_fail(err, rc == -ENOSPC ? -ENOMEM : rc, "the new partition table cannot be made%s%s",
				      mem->complaint[0] ? ": " : "", mem->complaint);
	}
	return rc;
}

/* libfdisk edits a GPT that it finds; table_read() found one whose protective MBR may be damaged. */
static int protect(struct sectmap *work)
{
	uint8_t mbr[TABLE_UNIT];
	bool changed;
	int rc = table_protective(work, mbr, &changed);

	return changed ? sectmap_put(work, 0, 1, mbr) : rc;
}

int table_build(const struct sectmap *map, const struct table *want, struct table_sectors *out, struct dyn_err *err)
{
	struct table now = { 0 };
	struct sectmap *work = NULL;
	struct dyn_err why = { 0 };
	struct fdisk_mem mem;
	int rc;

	memset(out, 0, sizeof(*out));
	if (want->kind == DYN_TABLE_NONE)
		return dyn_fail(err, -EINVAL, "a partition table is MBR or GPT");
	rc = table_read(map, &now, &why);
	if (rc == -ENOMEM && err)
		*err = why;
	if (rc == -ENOMEM)
		return rc;
	if (rc) /* one that cannot be understood is replaced like none */
		memset(&now, 0, sizeof(now));
	if (now.kind == DYN_TABLE_MBR && want->kind == DYN_TABLE_MBR) {
		rc = mbr_edit(map, &now, want, out, err);
		if (!rc)
			rc = check_result(map, want, out, err);
		goto out;
	}
	rc = sectmap_clone(map, &work);
	if (!rc && now.kind != DYN_TABLE_MBR && want->kind == DYN_TABLE_MBR)
		rc = wipe_gpt(work);
	else if (!rc && now.kind == DYN_TABLE_GPT)
		rc = protect(work);
	if (rc) {
		rc = dyn_fail_nomem(err);
		goto out;
	}
	rc = fdisk_mem_open(work, NULL, &mem, err);
	if (rc)
		goto out;
	rc = edit(&mem, map, &now, want, err);
	if (!rc) {
		rc = diff(map, want->kind, mem.fd, out);
		if (rc)
			rc = dyn_refuse(err, -ENOMEM, "Nothing has been written. Free some memory, and try again.",
					"cannot compare the partition table with its copy in memory: %s", strerror(-rc));
	}
	fdisk_mem_close(&mem);
	if (!rc)
		rc = check_result(map, want, out, err);
out:
	if (rc)
		table_sectors_clear(out);
	sectmap_free(work);
	table_clear(&now);
	return rc;
}

void table_sectors_clear(struct table_sectors *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->runs[i].bytes);
	free(s->runs);
	memset(s, 0, sizeof(*s));
}
