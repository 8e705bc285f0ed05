/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * table.h - MBR and GPT partition tables; the only user of libfdisk.
 *
 * libfdisk never touches a disk: it works on a memfd of the disk's size that holds the
 * sectors of a sectmap, and what it changed comes back as sectors. Units: disk sectors
 * (logical sector size of the map).
 */
#ifndef DYN_TABLE_H
#define DYN_TABLE_H

#include "base/err.h"
#include "base/io.h"
#include "base/sectmap.h"

#define TABLE_GPT_ESP "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
#define TABLE_GPT_BASIC "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7"
#define TABLE_GPT_RECOVERY "de94bba4-06d1-4d40-a16a-bfd50179d6ac"

struct table_part {
	unsigned number;     /* 1.. as libfdisk numbers them; logicals from 5 */
	uint64_t start, size; /* sectors, absolute */
	uint8_t mbr_type;
	char gpt_type[37], gpt_guid[37]; /* lower case */
	char name[37 * 4];   /* GPT partition name, cleaned */
	uint64_t gpt_attrs;
	bool active, extended, logical;
};

struct table {
	enum dyn_table kind;
	uint32_t mbr_signature;
	char gpt_guid[37];
	uint64_t first_usable, last_usable; /* sectors; GPT: from the header, MBR: 1 and the last sector */
	size_t n;
	struct table_part *parts; /* by start */
	size_t n_damage;
	char (*damage)[160];      /* "the backup GPT header is damaged; the primary is used" */
};

/* Reads into a new map all sectors a table can live in: LBA 0..33 and the last 33 (512-byte disks; the same bytes on
 * 4096), plus the EBR chain (bounded). */
int table_load_sectors(struct dyn_io *io, struct sectmap **out, struct dyn_err *err);

/* kind NONE when there is no table. -EBADMSG for one that cannot be understood; -ENOMEM where no copy of it can be made. */
int table_read(const struct sectmap *map, struct table *out, struct dyn_err *err);
void table_clear(struct table *t); /* frees what it holds */

struct table_sectors { /* runs libfdisk changed, in the order they must be written */
	size_t n;
	struct sectmap_run *runs;
};

/* Makes the table in map become `want` (kind, signature or GUID, partitions). An existing table of the same kind is
 * edited: partitions that stand in both keep number and GUID; others are added or deleted. A new table replaces
 * whatever was there (the other kind's remains are zeroed). Exact starts and sizes, no alignment. A signature or disk
 * GUID of 0 or "" stays what it is. A logical's EBR is kept, or put 2048 sectors in front of it where there is room;
 * logicals are numbered by the table itself.
 * GPT order: backup array, backup header, protective MBR, primary array, primary header. MBR: EBRs from the last to
 * the first, then sector 0: whatever names another sector comes after it; in the place of a GPT sector 0 first, then
 * what is left of the GPT is zeroed.
 * map itself is not changed. */
int table_build(const struct sectmap *map, const struct table *want, struct table_sectors *out, struct dyn_err *err);
/*
 * What makes the damaged parts of a GPT good again from the good ones: the backup from the primary or the primary from
 * the backup (the primary, which is used, where both are valid and differ), and the protective MBR with its boot code
 * kept. Every other byte of header and array is as in the good copy. In the order of writing: the good copy itself is
 * not touched, but where the disk has grown and the primary must name the backup's new place, after that is there. An MBR
 * gives nothing. -EBADMSG: no copy is good.
 */
int table_mend(const struct sectmap *map, struct table_sectors *out, struct dyn_err *err);
void table_sectors_clear(struct table_sectors *s);

/* "System", "Reserved", "Primary", "Recovery", "Dynamic Reserved", "Dynamic Data", "OEM", "Extended", "Logical", "Unknown":
 * DiskPart's type words (product.md 1.6). */
const char *table_type_word(enum dyn_table kind, const struct table_part *p);

#endif
