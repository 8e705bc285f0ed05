/* SPDX-License-Identifier: GPL-3.0-or-later */
/* table.c - the sectors a table can live in, and the words for what it holds. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "table/priv.h"

enum {
	MBR_SIGNATURE = 510, MBR_ENTRIES = 446, MBR_ENTRY_SIZE = 16,
	EBR_MAX = 128,              /* links of an extended chain we follow; DOS never knew more than 24 */
	ARRAY_MAX = 256 * 1024,     /* bytes of an entry array outside its usual place that we read */
};

bool table_mbr_signed(const uint8_t *sector)
{
	return sector[MBR_SIGNATURE] == 0x55 && sector[MBR_SIGNATURE + 1] == 0xaa;
}

struct table_mbr_entry table_mbr_entry(const uint8_t *sector, unsigned i)
{
	const uint8_t *e = sector + MBR_ENTRIES + i * MBR_ENTRY_SIZE;

	return (struct table_mbr_entry){ e[0], e[4], (uint32_t)bytes_le(e + 8, 4), (uint32_t)bytes_le(e + 12, 4) };
}

static bool is_extended(uint8_t type)
{
	return type == 0x05 || type == 0x0f || type == 0x85;
}

/* Bytes [off, end), cut at the disk's end, into the map. */
static int load_bytes(struct dyn_io *io, struct sectmap *map, uint64_t off, uint64_t end)
{
	uint64_t size = map->total_sectors * TABLE_UNIT;
	uint8_t *buf;
	int rc;

	if (end > size)
		end = size;
	if (off >= end)
		return 0;
	buf = malloc((size_t)(end - off));
	if (!buf)
		return -ENOMEM;
	rc = dyn_io_read(io, off, buf, (size_t)(end - off));
	if (!rc)
		rc = sectmap_put(map, off / TABLE_UNIT, (uint32_t)((end - off) / TABLE_UNIT), buf);
	free(buf);
	return rc;
}

/* Each EBR names at most one logical and the next EBR, both relative to things we know: see a chain that
 * runs in circles or out of its partition end here, whatever it says. */
static int load_ebr_chain(struct dyn_io *io, struct sectmap *map, uint64_t start, uint64_t size)
{
	uint64_t at = start, ss = map->sector_size;

	for (int n = 0; n < EBR_MAX; n++) {
		uint8_t ebr[TABLE_UNIT];
		uint64_t next = 0;
		int rc = 0;

		if (at >= table_disk_sectors(map) || sectmap_has(map, at * table_units(map), table_units(map)))
			return 0;
		rc = load_bytes(io, map, at * ss, (at + 1) * ss);
		if (!rc)
			rc = sectmap_get(map, at * table_units(map), 1, ebr);
		if (rc)
			return rc;
		if (!table_mbr_signed(ebr))
			return 0;
		for (unsigned i = 0; i < 4; i++) {
			struct table_mbr_entry e = table_mbr_entry(ebr, i);
			if (is_extended(e.type) && e.start)
				next = start + e.start;
		}
		if (next <= start || next >= start + size)
			return 0;
		at = next;
	}
	return 0;
}

/* An array that is not right behind its header (a disk that was grown, other tools): read what the header names. */
static int load_gpt_array(struct dyn_io *io, struct sectmap *map, uint64_t lba)
{
	struct gpt_copy c;
	uint64_t bytes;

	gpt_examine(map, lba, &c);
	if (!c.header_ok || c.array_ok || c.array >= table_disk_sectors(map))
		return 0;
	bytes = (uint64_t)c.n_entries * c.entry_size;
	bytes = (bytes + map->sector_size - 1) / map->sector_size * map->sector_size;
	if (bytes == 0 || bytes > ARRAY_MAX)
		return 0;
	return load_bytes(io, map, c.array * map->sector_size, c.array * map->sector_size + bytes);
}

int table_load_sectors(struct dyn_io *io, struct sectmap **out, struct dyn_err *err)
{
	uint64_t ss = io->sector_size, size = io->size;
	struct sectmap *map = NULL;
	uint8_t mbr[TABLE_UNIT];
	int rc;

	if (ss < TABLE_UNIT || ss > 65536 || ss & (ss - 1))
		return dyn_fail(err, -ENOTSUP, "%s has sectors of %llu bytes", io->path, (unsigned long long)ss);
	size -= size % ss;
	if (size < 64 * ss)
		return dyn_fail(err, -EINVAL, "%s is too small to be a disk", io->path);
	if (sectmap_new(size / TABLE_UNIT, io->sector_size, &map))
		return dyn_fail_nomem(err);
	rc = load_bytes(io, map, 0, 2 * ss + TABLE_GPT_ARRAY);
	if (!rc)
		rc = load_bytes(io, map, size - ss - TABLE_GPT_ARRAY, size);
	if (!rc)
		rc = load_gpt_array(io, map, 1);
	if (!rc)
		rc = load_gpt_array(io, map, size / ss - 1);
	if (!rc)
		rc = sectmap_get(map, 0, 1, mbr);
	for (unsigned i = 0; !rc && i < 4 && table_mbr_signed(mbr); i++) {
		struct table_mbr_entry e = table_mbr_entry(mbr, i);
		if (is_extended(e.type))
			rc = load_ebr_chain(io, map, e.start, e.size);
	}
	if (rc) {
		sectmap_free(map);
		return rc == -ENOMEM ? dyn_fail_nomem(err) :
				       dyn_fail(err, rc, "%s: cannot read its partition table: %s", io->path, strerror(-rc));
	}
	*out = map;
	return 0;
}

void table_clear(struct table *t)
{
	free(t->parts);
	free(t->damage);
	memset(t, 0, sizeof(*t));
}

int table_damage(struct table *t, const char *fmt, ...)
{
	char(*list)[160] = realloc(t->damage, (t->n_damage + 1) * sizeof(*list));
	va_list ap;

	if (!list)
		return -ENOMEM;
	t->damage = list;
	va_start(ap, fmt);
	vsnprintf(list[t->n_damage++], sizeof(*list), fmt, ap);
	va_end(ap);
	return 0;
}

static const char *gpt_type_word(const char *type)
{
	static const struct {
		const char *guid, *word;
	} words[] = {
		{ TABLE_GPT_ESP, "System" },
		{ "e3c9e316-0b5c-4db8-817d-f92df00215ae", "Reserved" },
		{ TABLE_GPT_BASIC, "Primary" },
		{ TABLE_GPT_RECOVERY, "Recovery" },
		{ "5808c8aa-7e8f-42e0-85d2-e1e90434cfb3", "Dynamic Reserved" },
		{ "af9b60a0-1431-4f62-bc68-3311714a69ad", "Dynamic Data" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(type, words[i].guid) == 0)
			return words[i].word;
	return "Unknown";
}

const char *table_type_word(enum dyn_table kind, const struct table_part *p)
{
	if (kind == DYN_TABLE_GPT)
		return gpt_type_word(p->gpt_type);
	if (p->extended)
		return "Extended";
	if (p->logical)
		return "Logical";
	switch (p->mbr_type) {
	case 0x42:
		return "Dynamic Data";
	case 0x27:
		return "Recovery";
	case 0xef:
		return "System";
	case 0x12: case 0x84: case 0xa0: case 0xde: case 0xfe:
		return "OEM"; /* the types Windows leaves alone beside 0x42 */
	default:
		return "Primary";
	}
}
