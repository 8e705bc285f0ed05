/* SPDX-License-Identifier: GPL-3.0-or-later */
/* priv.h - what the files of src/table/ share. Nothing outside this folder includes it. */
#ifndef DYN_TABLE_PRIV_H
#define DYN_TABLE_PRIV_H

#include <libfdisk.h>

#include "table/table.h"

enum { TABLE_UNIT = 512, TABLE_GPT_ARRAY = 16384 };

/* 512-byte units per disk sector */
static inline uint32_t table_units(const struct sectmap *map)
{
	return map->sector_size / TABLE_UNIT;
}

/* Sectors of the disk (logical ones). */
static inline uint64_t table_disk_sectors(const struct sectmap *map)
{
	return map->total_sectors / table_units(map);
}

/* The MBR's four entries as they are in sector 0 (512 bytes). */
struct table_mbr_entry {
	uint8_t flag, type;
	uint32_t start, size;
};
bool table_mbr_signed(const uint8_t *sector);
struct table_mbr_entry table_mbr_entry(const uint8_t *sector, unsigned i);

bool table_looks_like_mbr(const uint8_t *sector);
/* An MBR with an entry of type EE that begins at sector 1. */
bool table_protective_ok(const uint8_t *sector);
/* Sector 0 (512 bytes) as it protects a GPT: with another content *changed, its boot code kept. -ENOMEM. */
int table_protective(const struct sectmap *map, uint8_t *mbr, bool *changed);

/* One of the two copies of a GPT, judged without libfdisk. */
struct gpt_copy {
	bool present;      /* the signature is there */
	bool header_ok, array_ok;
	uint64_t lba;      /* where this header lies */
	uint64_t first_usable, last_usable, array, other;
	uint32_t n_entries, entry_size, array_crc;
	uint8_t guid[16];
};
void gpt_examine(const struct sectmap *map, uint64_t lba, struct gpt_copy *out);
/* Puts the header's checksum in its place; h is a sector of 512 bytes with a good size field. */
void gpt_seal(uint8_t *h);
static inline bool gpt_usable(const struct gpt_copy *c) { return c->header_ok && c->array_ok; }
/* Both are usable and say the same. */
bool gpt_same(const struct gpt_copy *a, const struct gpt_copy *b);

/* mbr.c: the MBR in map, read as `now`, becomes another one, extended partition and logicals included. Runs of one sector, in the order of
 * writing. `out` is to be cleared by the caller, after an error too. */
int mbr_edit(const struct sectmap *map, const struct table *now, const struct table *want, struct table_sectors *out,
	     struct dyn_err *err);

/* One more 512-byte unit in out, as a run of its own or (extend) at the end of the last one. */
int table_sectors_add(struct table_sectors *out, uint64_t unit, const uint8_t *bytes, bool extend);

/* One more sentence in t->damage; -ENOMEM. */
int table_damage(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* libfdisk on a memfd that holds the map's sectors. */
struct fdisk_mem {
	int fd;
	struct fdisk_context *cxt;
	struct table *warnings;   /* what libfdisk says goes to its damage list; NULL: dropped */
	char complaint[160];      /* the last thing it said */
};
int fdisk_mem_open(const struct sectmap *map, struct table *warnings, struct fdisk_mem *out, struct dyn_err *err);
void fdisk_mem_close(struct fdisk_mem *m);

#endif
