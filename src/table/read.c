/* SPDX-License-Identifier: GPL-3.0-or-later */
/* read.c - a sector map in, the partitions out. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "table/priv.h"

static void lower_copy(char *dst, size_t n, const char *src)
{
	size_t i = 0;

	for (; src && src[i] && i + 1 < n; i++)
		dst[i] = (char)tolower((unsigned char)src[i]);
	dst[i] = '\0';
}

static int take_partition(struct fdisk_context *cxt, struct fdisk_partition *pa, struct table *t)
{
	struct table_part *list = realloc(t->parts, (t->n + 1) * sizeof(*list)), *p;
	struct fdisk_parttype *type = fdisk_partition_get_type(pa);
	const char *name = fdisk_partition_get_name(pa);

	if (!list)
		return -ENOMEM;
	t->parts = list;
	p = &list[t->n++];
	memset(p, 0, sizeof(*p));
	p->number = (unsigned)fdisk_partition_get_partno(pa) + 1;
	p->start = fdisk_partition_get_start(pa);
	p->size = fdisk_partition_get_size(pa);
	if (t->kind == DYN_TABLE_GPT) {
		lower_copy(p->gpt_type, sizeof(p->gpt_type), type ? fdisk_parttype_get_string(type) : "");
		lower_copy(p->gpt_guid, sizeof(p->gpt_guid), fdisk_partition_get_uuid(pa));
		if (name)
			dyn_text_clean(p->name, sizeof(p->name), name, strlen(name));
		if (fdisk_gpt_get_partition_attrs(cxt, p->number - 1, &p->gpt_attrs))
			p->gpt_attrs = 0;
	} else {
		p->mbr_type = type ? (uint8_t)fdisk_parttype_get_code(type) : 0;
		p->active = fdisk_partition_is_bootable(pa) == 1;
		p->extended = fdisk_partition_is_container(pa) == 1;
		p->logical = fdisk_partition_is_nested(pa) == 1;
	}
	return 0;
}

static int by_start(const void *a, const void *b)
{
	const struct table_part *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->extended != y->extended ? (x->extended ? -1 : 1) : 0; /* a container before what it holds */
}

static int take_partitions(struct fdisk_context *cxt, struct table *t)
{
	struct fdisk_table *list = NULL;
	struct fdisk_iter *itr = fdisk_new_iter(FDISK_ITER_FORWARD);
	struct fdisk_partition *pa = NULL;
	int rc = itr ? fdisk_get_partitions(cxt, &list) : -ENOMEM;

	while (!rc && fdisk_table_next_partition(list, itr, &pa) == 0)
		if (fdisk_partition_is_used(pa) && fdisk_partition_has_start(pa) && fdisk_partition_has_size(pa) &&
		    fdisk_partition_get_size(pa) > 0)
			rc = take_partition(cxt, pa, t);
	fdisk_unref_table(list);
	fdisk_free_iter(itr);
	if (!rc && t->n > 1)
		qsort(t->parts, t->n, sizeof(*t->parts), by_start);
	return rc;
}

/* What no table should say; nobody else may rely on starts and ends before this has looked at them. */
static int check_places(const struct sectmap *map, struct table *t)
{
	uint64_t disk = table_disk_sectors(map), last = 0, container = 0;
	int rc = 0;

	for (size_t i = 0; !rc && i < t->n; i++) {
		const struct table_part *p = &t->parts[i];
		uint64_t end;
		if (add_overflows(p->start, p->size, &end) || end > disk)
			rc = table_damage(t, "Partition %u reaches past the end of the disk", p->number);
		else if (t->kind == DYN_TABLE_MBR && (!p->mbr_type || !p->start))
			rc = table_damage(t, "Entry %u of the MBR makes no sense: sectors from %llu, type %02x", p->number,
					  (unsigned long long)p->start, p->mbr_type);
		else if (p->start < last || (!p->logical && p->start < container))
			rc = table_damage(t, "Partition %u overlaps the one before it", p->number);
		if (p->extended)
			container = end;
		else if (end > last)
			last = end;
	}
	return rc;
}

/* Names what is wrong with the copies. primary and backup: as examined. */
static int gpt_damage(struct table *t, const struct gpt_copy *p, const struct gpt_copy *b)
{
	const char *bad[2] = { p->header_ok ? "partition array" : "header", b->header_ok ? "partition array" : "header" };
	uint64_t at[2] = { p->header_ok ? p->array : p->lba, b->header_ok ? b->array : b->lba };

	if (!gpt_usable(p))
		return table_damage(t, "The primary GPT %s in sector %llu is damaged; the backup in sector %llu is used", bad[0],
				    (unsigned long long)at[0], (unsigned long long)b->lba);
	if (p->other != b->lba && !b->present)
		return table_damage(t, "The backup GPT is not at the end of the disk (expected in sector %llu)",
				    (unsigned long long)b->lba);
	if (!gpt_usable(b))
		return table_damage(t, "The backup GPT %s in sector %llu is damaged; the primary in sector 1 is used", bad[1],
				    (unsigned long long)at[1]);
	if (!gpt_same(p, b))
		return table_damage(t, "The two copies of the GPT differ; the primary in sector 1 is used");
	return 0;
}

/*
 * Without its protective MBR nobody looks for a GPT; a disk whose sector 0 was lost would then
 * pass for an empty one. So when a GPT is good, give the copy that libfdisk works on a protective
 * MBR, and say so.
 */
static int supply_pmbr(const struct sectmap *map, struct sectmap **fixed)
{
	uint8_t mbr[TABLE_UNIT];
	bool changed;
	int rc = sectmap_clone(map, fixed);

	if (!rc)
		rc = table_protective(map, mbr, &changed);
	if (!rc)
		rc = sectmap_put(*fixed, 0, 1, mbr);
	return rc;
}

/* A boot sector ends in 55 AA as well; in a partition table each entry's first byte is 0 or 0x80. */
bool table_looks_like_mbr(const uint8_t *sector)
{
	if (!table_mbr_signed(sector))
		return false;
	for (unsigned i = 0; i < 4; i++)
		if (table_mbr_entry(sector, i).flag & 0x7f)
			return false;
	return true;
}

/*
 * An MBR of which one thing is wrong, its mark or the first byte of one entry: it must not pass for none. Entries that
 * make sense - on the disk, not overlapping - are nothing that a boot sector's code or messages would look like.
 */
static bool nearly_mbr(const struct sectmap *map, const uint8_t *sector)
{
	uint64_t disk = table_disk_sectors(map);
	unsigned used = 0, wrong = !table_mbr_signed(sector);

	for (unsigned i = 0; i < 4; i++) {
		struct table_mbr_entry e = table_mbr_entry(sector, i);
		if (bytes_all_zero(sector + 446 + 16 * i, 16))
			continue;
		used++;
		wrong += (e.flag & 0x7f) != 0;
		if (!e.type || !e.start || !e.size || (uint64_t)e.start + e.size > disk)
			return false;
		for (unsigned k = 0; k < i; k++) {
			struct table_mbr_entry o = table_mbr_entry(sector, k);
			if (e.start < (uint64_t)o.start + o.size && o.start < (uint64_t)e.start + e.size)
				return false;
		}
	}
	return used && wrong == 1;
}

static bool has_protective(const uint8_t *sector)
{
	for (unsigned i = 0; i < 4; i++)
		if (table_mbr_entry(sector, i).type == 0xee)
			return true;
	return false;
}

bool table_protective_ok(const uint8_t *sector)
{
	if (!table_looks_like_mbr(sector))
		return false;
	for (unsigned i = 0; i < 4; i++)
		if (table_mbr_entry(sector, i).type == 0xee && table_mbr_entry(sector, i).start == 1)
			return true;
	return false;
}

/* A partition cannot begin on the header of a good GPT: the entry that does was the protective one. */
static bool covers_gpt(const struct sectmap *map, const uint8_t *sector)
{
	struct gpt_copy c;

	gpt_examine(map, 1, &c);
	for (unsigned i = 0; gpt_usable(&c) && i < 4; i++)
		if (table_mbr_entry(sector, i).type && table_mbr_entry(sector, i).start == 1)
			return true;
	return false;
}

static int read_labels(const struct sectmap *map, struct table *out, const struct gpt_copy *gpt, struct dyn_err *err)
{
	struct fdisk_mem mem;
	char *id = NULL;
	int rc = fdisk_mem_open(map, out->kind == DYN_TABLE_MBR ? out : NULL, &mem, err);

	if (rc)
		return rc;
	if (out->kind == DYN_TABLE_GPT ? !fdisk_is_label(mem.cxt, GPT) : !fdisk_is_label(mem.cxt, DOS)) {
		rc = dyn_fail(err, -EBADMSG, "the partition table cannot be understood%s%s", mem.complaint[0] ? ": " : "",
			      mem.complaint);
		goto out;
	}
	if (fdisk_get_disklabel_id(mem.cxt, &id) == 0 && id) {
		if (out->kind == DYN_TABLE_GPT)
			lower_copy(out->gpt_guid, sizeof(out->gpt_guid), id);
		else
			out->mbr_signature = (uint32_t)strtoul(id, NULL, 0);
	}
	out->first_usable = gpt ? gpt->first_usable : 1;
	out->last_usable = gpt ? gpt->last_usable : table_disk_sectors(map) - 1;
	rc = take_partitions(mem.cxt, out);
	if (!rc)
		rc = check_places(map, out);
	if (rc)
		rc = rc == -ENOMEM ? dyn_fail_nomem(err) : dyn_fail(err, -EBADMSG, "the partition table cannot be listed: %s",
								    strerror(-rc));
out:
	free(id);
	fdisk_mem_close(&mem);
	return rc;
}

static int read_gpt(const struct sectmap *map, struct table *out, const uint8_t *mbr, struct dyn_err *err)
{
	struct gpt_copy primary, backup;
	struct sectmap *fixed = NULL;
	int rc;

	gpt_examine(map, 1, &primary);
	gpt_examine(map, table_disk_sectors(map) - 1, &backup);
	if (!gpt_usable(&primary) && !gpt_usable(&backup)) {
		if (!table_looks_like_mbr(mbr))
			return nearly_mbr(map, mbr) ? dyn_fail(err, -EBADMSG, "the MBR in sector 0 is damaged") : 0;
		return dyn_fail(err, -EBADMSG, "both copies of the GPT are damaged (sectors 1 and %llu)",
				(unsigned long long)backup.lba);
	}
	out->kind = DYN_TABLE_GPT;
	rc = gpt_damage(out, &primary, &backup);
	if (!rc && !table_protective_ok(mbr)) {
		rc = table_damage(out, "The protective MBR in sector 0 is damaged; the GPT behind it is used");
		if (!rc)
			rc = supply_pmbr(map, &fixed);
	}
	if (rc)
		rc = dyn_fail_nomem(err);
	else
		rc = read_labels(fixed ? fixed : map, out, gpt_usable(&primary) ? &primary : &backup, err);
	sectmap_free(fixed);
	return rc;
}

int table_read(const struct sectmap *map, struct table *out, struct dyn_err *err)
{
	uint8_t mbr[TABLE_UNIT];
	int rc;

	memset(out, 0, sizeof(*out));
	if (sectmap_get(map, 0, 1, mbr))
		return dyn_fail(err, -EINVAL, "the disk is too small for a partition table");
	if (!table_looks_like_mbr(mbr) || has_protective(mbr) || covers_gpt(map, mbr)) {
		rc = read_gpt(map, out, mbr, err);
	} else {
		out->kind = DYN_TABLE_MBR;
		rc = read_labels(map, out, NULL, err);
	}
	if (rc)
		table_clear(out);
	return rc;
}
