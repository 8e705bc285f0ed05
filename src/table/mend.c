/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mend.c - a damaged GPT made whole from its other copy, byte for byte. By hand and not by libfdisk, which writes both
 * copies and fields of its own: here the good copy is not touched, and what comes back is what was there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "table/priv.h"

enum { H_MY_LBA = 24, H_OTHER_LBA = 32, H_ARRAY = 72, ENTRIES = 446, SIGNATURE = 510 };

/* A run of whole disk sectors, unless the disk holds these bytes already. `units` of 512 bytes. */
static int emit(const struct sectmap *map, uint64_t unit, uint32_t units, const uint8_t *bytes, struct table_sectors *out)
{
	uint8_t *was = malloc((size_t)units * TABLE_UNIT);
	int rc = was ? sectmap_get(map, unit, units, was) : -ENOMEM;
	bool same = !rc && sectmap_has(map, unit, units) && memcmp(was, bytes, (size_t)units * TABLE_UNIT) == 0;

	free(was);
	for (uint32_t i = 0; !rc && !same && i < units; i++)
		rc = table_sectors_add(out, unit + i, bytes + (size_t)i * TABLE_UNIT, i > 0);
	return rc;
}

static uint32_t array_sectors(const struct sectmap *map, const struct gpt_copy *c)
{
	uint64_t bytes = (uint64_t)c->n_entries * c->entry_size;

	return (uint32_t)((bytes + map->sector_size - 1) / map->sector_size);
}

/* Where the array of the copy at bad->lba belongs: where its header says, if that is good, else next to the header. */
static uint64_t array_place(const struct sectmap *map, const struct gpt_copy *good, const struct gpt_copy *bad)
{
	uint64_t n = array_sectors(map, good);

	if (bad->header_ok && bad->n_entries == good->n_entries && bad->entry_size == good->entry_size)
		return bad->array;
	return bad->lba == 1 ? 2 : bad->lba - n;
}

/* Array, then header of a copy, like the good one. */
static int copy_over(const struct sectmap *map, const struct gpt_copy *good, const struct gpt_copy *bad,
		     struct table_sectors *out, struct dyn_err *err)
{
	uint64_t at = array_place(map, good, bad), n = array_sectors(map, good);
	uint32_t units = table_units(map), bytes = (uint32_t)n * map->sector_size;
	uint8_t *array, h[TABLE_UNIT];
	bool fits = bad->lba == 1 ? at > 1 && at + n <= good->first_usable : at > good->last_usable && at + n <= bad->lba;
	int rc;

	if (!fits)
		return dyn_fail(err, -ENOSPC, "there is no room for the copy of the GPT in sector %llu",
				(unsigned long long)bad->lba);
	array = malloc(bytes);
	rc = array ? sectmap_get(map, good->array * units, bytes / TABLE_UNIT, array) : -ENOMEM;
	if (!rc)
		rc = emit(map, at * units, bytes / TABLE_UNIT, array, out);
	if (!rc)
		rc = sectmap_get(map, good->lba * units, 1, h);
	if (!rc) {
		bytes_put_le(h + H_MY_LBA, 8, bad->lba);
		bytes_put_le(h + H_OTHER_LBA, 8, good->lba);
		bytes_put_le(h + H_ARRAY, 8, at);
		gpt_seal(h);
		rc = emit(map, bad->lba * units, 1, h, out);
	}
	free(array);
	return rc ? dyn_fail_nomem(err) : 0;
}

/* The primary names the backup's place. */
static int name_backup(const struct sectmap *map, const struct gpt_copy *p, uint64_t lba, struct table_sectors *out)
{
	uint8_t h[TABLE_UNIT];
	int rc = sectmap_get(map, table_units(map), 1, h);

	if (rc || p->other == lba)
		return rc;
	bytes_put_le(h + H_OTHER_LBA, 8, lba);
	gpt_seal(h);
	return emit(map, table_units(map), 1, h, out);
}

int table_protective(const struct sectmap *map, uint8_t *mbr, bool *changed)
{
	uint64_t size = table_disk_sectors(map) - 1;
	uint8_t *e = mbr + ENTRIES;
	int rc = sectmap_get(map, 0, 1, mbr);

	*changed = !rc && !table_protective_ok(mbr);
	if (!*changed)
		return rc;
	memset(e, 0, SIGNATURE - ENTRIES);
	memcpy(e, "\0\0\2\0\xee\xff\xff\xff", 8);
	bytes_put_le(e + 8, 4, 1);
	bytes_put_le(e + 12, 4, size < UINT32_MAX ? size : UINT32_MAX);
	mbr[SIGNATURE] = 0x55;
	mbr[SIGNATURE + 1] = 0xaa;
	return 0;
}

static int mend_protective(const struct sectmap *map, struct table_sectors *out)
{
	uint8_t mbr[TABLE_UNIT];
	bool changed;
	int rc = table_protective(map, mbr, &changed);

	return changed ? emit(map, 0, 1, mbr, out) : rc;
}

int table_mend(const struct sectmap *map, struct table_sectors *out, struct dyn_err *err)
{
	struct table now = { 0 };
	struct gpt_copy p, b;
	int rc = table_read(map, &now, err);
	enum dyn_table kind = now.kind;

	memset(out, 0, sizeof(*out));
	table_clear(&now);
	if (rc || kind != DYN_TABLE_GPT)
		return rc;
	gpt_examine(map, 1, &p);
	gpt_examine(map, table_disk_sectors(map) - 1, &b);
	if (!gpt_usable(&p)) {
		rc = copy_over(map, &b, &p, out, err);
	} else if (!gpt_same(&p, &b) || p.other != b.lba) {
		rc = copy_over(map, &p, &b, out, err);
		if (!rc && name_backup(map, &p, b.lba, out))
			rc = dyn_fail_nomem(err);
	}
	if (!rc && mend_protective(map, out))
		rc = dyn_fail_nomem(err);
	if (rc)
		table_sectors_clear(out);
	return rc;
}
