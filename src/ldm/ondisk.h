/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ondisk.h - LDM sectors as structures of bytes, for src/ldm/ only. Every member has
 * alignment 1, so a structure may be laid over any buffer that is long enough.
 */
#ifndef DYN_LDM_ONDISK_H
#define DYN_LDM_ONDISK_H

#include <assert.h>

#include "base/bytes.h"
#include "ldm/ldm.h"

enum {
	CONFIG_BYTES = LDM_CONFIG_SECTORS * LDM_SECTOR,
	LOG_BYTES = LDM_LOG_SECTORS * LDM_SECTOR,
	ALL_SLOTS = CONFIG_BYTES / LDM_VBLK_SIZE,
	NAME_FIELD = 31,
	GUID_FIELD = 64,
	WRITE_SLOTS = 4, /* most fragments of a record we write: the Linux kernel takes no more */
	RECORD_HEAD = 8, /* status, flags, type, length */
	VBLK_HEAD = 16,
};

struct disk_privhead { /* section 2 */
	char magic[8];
	be32 checksum;
	be16 major, minor;
	be64 time, sequence, primary_ph, secondary_ph;
	char disk_guid[GUID_FIELD], host_guid[GUID_FIELD], group_guid[GUID_FIELD], group_name[NAME_FIELD];
	be32 bytes_per_sector, flags;
	be16 public_slice, private_slice;
	be64 public_start, public_size, private_start, private_size, primary_toc, secondary_toc;
	be32 n_config, n_log;
	be64 config_size, log_size;
	be32 tag;
	uint8_t disk_set[2][16];
	uint8_t tail[LDM_SECTOR - 0x187];
};
static_assert(sizeof(struct disk_privhead) == LDM_SECTOR, "PRIVHEAD fills a sector");
static_assert(offsetof(struct disk_privhead, public_start) == 0x11b, "PRIVHEAD has no padding");

struct disk_toc_region {
	char name[8];
	be16 flags;
	be64 start, size;
	be16 six, copy;
	be32 zero;
};

struct disk_toc { /* section 3 */
	char magic[8];
	be32 checksum;
	be64 sequence;
	uint8_t zero[16];
	struct disk_toc_region regions[14];
};
static_assert(sizeof(struct disk_toc) == LDM_SECTOR, "TOCBLOCK fills a sector");

struct disk_vmdb { /* section 4 */
	char magic[4];
	be32 n_slots, vblk_size, header_size;
	be16 status, major, minor;
	char group_name[NAME_FIELD], group_guid[GUID_FIELD];
	be64 committed_tid, pending_tid;
	be32 committed[7], pending[7];
	be64 time;
	uint8_t tail[LDM_SECTOR - 0xc5];
};
static_assert(sizeof(struct disk_vmdb) == LDM_SECTOR, "VMDB fills a sector");

struct disk_vblk { /* section 5 */
	char magic[4];
	be32 slot, group;
	be16 index, count;
	uint8_t payload[LDM_VBLK_PAYLOAD];
};
static_assert(sizeof(struct disk_vblk) == LDM_VBLK_SIZE, "four VBLKs fill a sector");

struct disk_log_entry {
	uint8_t status;
	be64 first, second;
	be32 recover_sequence;
	uint8_t zero[3];
};
enum { LOG_ENTRIES = 20 };

struct disk_log_page { /* section 7 */
	char magic[4];
	be64 tid;
	be32 sequence, pages, index;
	struct disk_log_entry entries[LOG_ENTRIES];
	uint8_t tail[8];
};
static_assert(sizeof(struct disk_log_page) == LDM_SECTOR, "a log page fills a sector");

/* Sum of the bytes of a sector with its checksum field (4 bytes at offset at) taken as zero. */
uint32_t ldm_sum(const uint8_t *sector, size_t at);
/* A text field of n bytes that must end before or at n and be zero behind its end; dst holds n + 1. False otherwise. */
bool ldm_text_get(char *dst, const char *field, size_t n);
void ldm_text_put(char *field, size_t n, const char *text);
bool ldm_guid_ok(const char *text);
bool ldm_guid_lower(const char *text); /* valid, no upper-case digit */

static inline struct disk_vblk *ldm_slot(uint8_t *config, uint32_t slot)
{
	return (struct disk_vblk *)(config + (size_t)slot * LDM_VBLK_SIZE);
}

static inline const struct disk_vblk *ldm_slot_const(const uint8_t *config, uint32_t slot)
{
	return (const struct disk_vblk *)(config + (size_t)slot * LDM_VBLK_SIZE);
}

/* Makes a slot free; it keeps its magic and number. */
void ldm_slot_clear(uint8_t *config, uint32_t slot);
/* Sets the status of the record whose first fragment is in slot. */
void ldm_slot_status(uint8_t *config, uint32_t slot, uint16_t status);
/* Marks the slots that any record of db holds; used has ALL_SLOTS places. */
void ldm_db_mark_used(const struct ldm_db *db, bool *used);

/* The log region (section 7). Live entries of a page are those before the first with status 0. */
int ldm_log_check(const uint8_t *log, struct dyn_err *err);
void ldm_log_new(uint8_t *log);
/* Notes the commit from -> to in the last live commit entry, else in the first free one. -ENOSPC: none free. */
int ldm_log_commit(uint8_t *log, uint64_t from, uint64_t to, struct dyn_err *err);
/* Takes out commit entries newer than tid; other entries close up, so that none hides behind a hole. */
void ldm_log_forget(uint8_t *log, uint64_t tid);
bool ldm_log_has_newer(const uint8_t *log, uint64_t tid);

#endif
