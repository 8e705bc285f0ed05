/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ldm.h - the LDM on-disk format: bytes <-> structures <-> a database that can be changed.
 *
 * Source for every constant and rule: "LDM on-disk format, for writers" (shared document
 * ldm-format.md); section numbers below are its. All units are 512-byte sectors unless
 * said otherwise; "rel" counts from the start of a disk's private region. Decoders are
 * total: any bytes give a value or an error. Nothing here touches a disk.
 */
#ifndef DYN_LDM_H
#define DYN_LDM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	LDM_SECTOR = 512,
	LDM_PRIV_SECTORS = 2048,       /* 1: private region, 1 MiB */
	LDM_PH_MBR = 6,                /* absolute sector of the third PRIVHEAD copy, MBR only */
	LDM_PH_SECONDARY = 1856,       /* rel */
	LDM_PH_PRIMARY = 2047,         /* rel */
	LDM_TOC_SLOTS = 4,
#ifndef LDM_SMALL_REGIONS
	LDM_CONFIG_START = 17, LDM_CONFIG_SECTORS = 1481, /* rel, VMDB + VBLKs */
	LDM_LOG_START = 1498, LDM_LOG_SECTORS = 224,      /* rel, KLOG */
#else /* the fuzzer's build: the same rules on fewer sectors, for thousands of databases a second */
	LDM_CONFIG_START = 17, LDM_CONFIG_SECTORS = 17,
	LDM_LOG_START = 34, LDM_LOG_SECTORS = 2,
#endif
	LDM_REBUILD_FIRST = 1722, LDM_REBUILD_PAIRS = 8,  /* rel, ours: see rebuild.h */
	LDM_VBLK_SIZE = 128, LDM_VBLK_PAYLOAD = 112, LDM_FIRST_SLOT = 4,
	LDM_MBR_TYPE = 0x42,
};
extern const uint32_t ldm_toc_slots[LDM_TOC_SLOTS]; /* rel 1, 2, 2045, 2046 */

#define LDM_HOST_GUID "1b77da20-c717-11d0-a5be-00a0c91db73c" /* the same everywhere, section 2 */
#define LDM_GPT_META "5808c8aa-7e8f-42e0-85d2-e1e90434cfb3"
#define LDM_GPT_DATA "af9b60a0-1431-4f62-bc68-3311714a69ad"
#define LDM_GPT_MSR "e3c9e316-0b5c-4db8-817d-f92df00215ae"

/* --------------------------------------------------------- PRIVHEAD, section 2 */
struct ldm_privhead {
	uint16_t major, minor;
	uint64_t time, sequence;             /* FILETIME; equals the active TOC's sequence */
	uint64_t primary_ph, secondary_ph;   /* rel */
	char disk_guid[37], host_guid[37], group_guid[37];
	char group_name[32];
	uint32_t bytes_per_sector, flags;
	uint16_t public_slice, private_slice;
	uint64_t public_start, public_size;  /* disk sectors, absolute */
	uint64_t private_start, private_size;
	uint64_t primary_toc, secondary_toc; /* rel */
	uint32_t n_config, n_log;
	uint64_t config_size, log_size;
	uint32_t tag;                        /* same on all disks of a group */
	uint8_t disk_set[2][16];
};
/* b: 512 bytes. Checks magic, checksum, version, GUID texts and region arithmetic (no device size here). -EBADMSG. */
int ldm_privhead_decode(const uint8_t *b, struct ldm_privhead *out, struct dyn_err *err);
void ldm_privhead_encode(const struct ldm_privhead *ph, uint8_t *b); /* with checksum */

/* --------------------------------------------------------- TOCBLOCK, section 3 */
struct ldm_toc_region {
	char name[9];
	uint16_t flags;
	uint64_t start, size; /* rel */
};
struct ldm_toc {
	uint64_t sequence;
	struct ldm_toc_region config, log;
};
int ldm_toc_decode(const uint8_t *b, struct ldm_toc *out, struct dyn_err *err);
void ldm_toc_encode(const struct ldm_toc *toc, uint8_t *b);

/* --------------------------------------------------------- records, section 5 */
enum ldm_kind { LDM_VOLUME, LDM_COMPONENT, LDM_EXTENT, LDM_DISK, LDM_GROUP, LDM_KINDS };

enum { /* record types on disk */
	LDM_T_VOLUME = 0x51, LDM_T_COMPONENT = 0x32, LDM_T_EXTENT = 0x33,
	LDM_T_DISK3 = 0x34, LDM_T_DISK4 = 0x44, LDM_T_GROUP3 = 0x35, LDM_T_GROUP4 = 0x45,
};
enum { LDM_LAYOUT_STRIPE = 1, LDM_LAYOUT_CONCAT = 2, LDM_LAYOUT_RAID5 = 3 };
enum { LDM_STATUS_ACTIVE = 0, LDM_STATUS_DELETING = 1, LDM_STATUS_PENDING = 2 };
enum { /* optional fields present: record header flags */
	LDM_VF_HINT = 0x02, LDM_VF_ID1 = 0x08, LDM_VF_ID2 = 0x20, LDM_VF_COLUMN_SIZE = 0x80,
	LDM_CF_STRIPE = 0x10,
	LDM_EF_HIDDEN = 0x02, LDM_EF_COLUMN = 0x08, LDM_EF_TID = 0x20, LDM_EF_UNKNOWN = 0x40,
	LDM_GF_COPIES = 0x08, LDM_GF_MINORS = 0x10,
};
enum { LDM_DISK_FAILING = 4 }; /* ldm-format 5.5 */
enum { LDM_VOL_DEFAULT = 0x11, LDM_VOL_KDETACH = 0x400, LDM_VOL_BOOT = 0x200000, LDM_VOL_SYSTEM = 0x400000, LDM_VOL_RETAIN = 0x800000 };
enum { LDM_COMP_RECOVER = 2, LDM_COMP_IOFAIL = 4, LDM_EXT_RECOVER = 8, LDM_EXT_KDETACH = 0x10 };
enum { LDM_MAX_SLOTS = 16 }; /* fragments of one record we accept when reading */

struct ldm_record {
	enum ldm_kind kind;
	uint16_t status;
	uint8_t flags, type;
	uint64_t id;
	char name[256];          /* raw bytes as on disk, NUL-terminated; not cleaned for display */
	uint64_t tid;            /* commit transaction that wrote this version */
	union {
		struct {
			char type[256], no_letter[256];
			uint8_t state[14];   /* "ACTIVE" or "SYNC", NUL padded */
			uint8_t read_policy;
			uint32_t number, vflags, n_components;
			uint64_t second_tid, size;
			uint32_t zero;
			uint8_t part_type, guid[16];
			uint64_t id1, id2, column_size;
			char hint[256];
		} volume;
		struct {
			char state[256];
			uint8_t layout;
			uint32_t cflags, n_extents;
			uint64_t zero, volume_id, log_subdisk, stripe_size;
			uint32_t n_columns;
		} component;
		struct {
			uint32_t eflags;
			uint64_t start;          /* from the start of the public region */
			uint64_t column_offset, size, component_id, disk_id;
			uint32_t column;
			uint64_t second_tid;
			uint32_t unknown;
			uint64_t hidden;
		} extent;
		struct {
			char guid[37];           /* text for both record types */
			uint8_t disk_set[16];
			char last_device[256];
			uint32_t dflags;
		} disk;
		struct {
			char guid[37];
			uint8_t disk_set[16];
			uint32_t zero, n_config, n_log, minors;
		} group;
	} u;
	/* where it lives */
	uint32_t vblk_group;
	uint16_t n_slots;
	uint32_t slots[LDM_MAX_SLOTS];
};

/* b: concatenated fragment payloads, n bytes (the record may end earlier; the rest must be zero). Fills all but the
 * "where" fields. -EBADMSG names the field. */
int ldm_record_decode(const uint8_t *b, size_t n, struct ldm_record *out, struct dyn_err *err);
/* Canonical bytes. Returns the length, or -EMSGSIZE when cap is too small, -EINVAL for values the format cannot hold. */
int ldm_record_encode(const struct ldm_record *r, uint8_t *b, size_t cap);

/* --------------------------------------------------------- database, sections 4 to 7 */
enum { LDM_VMDB_CLEAN = 1, LDM_VMDB_CHANGE = 2, LDM_VMDB_COMMIT = 3 };

struct ldm_vmdb {
	uint32_t n_slots, vblk_size, header_size;
	uint16_t status, major, minor;
	char group_name[32], group_guid[37];
	uint64_t committed_tid, pending_tid;
	uint32_t committed[4], pending[4]; /* volumes, components, extents, disks */
	uint64_t time;                     /* FILETIME */
};
int ldm_vmdb_decode(const uint8_t *b, struct ldm_vmdb *out, struct dyn_err *err); /* b: 512 bytes */
void ldm_vmdb_encode(const struct ldm_vmdb *v, uint8_t *b);
/* A disk whose whole group is about to join another one carries a mark in its header, ours alone: a change is under way
 * whose number is that of the other group's transaction, and after which nothing will be left. Until that transaction
 * is committed recovery rolls it back like any other change. */
void ldm_vmdb_mark_leaving(struct ldm_vmdb *v, uint64_t tid);    /* tid > v->committed_tid */
bool ldm_vmdb_is_leaving(const struct ldm_vmdb *v, uint64_t tid);

struct ldm_db {
	struct ldm_vmdb head;
	size_t n;
	struct ldm_record *records; /* in slot order of their first fragment; all statuses */
	uint8_t *config;            /* LDM_CONFIG_SECTORS * 512 bytes, exactly as on disk */
	uint8_t *log;               /* LDM_LOG_SECTORS * 512 bytes */
	size_t n_debris;            /* slots of records whose other fragments are gone: an interrupted change left them */
	uint32_t *by_id;            /* private to src/ldm: positions in records, sorted by id */
};

/* config and log are copied. Structural damage (magic, geometry, a record that does not parse) is -EBADMSG;
 * a database in the middle of a change decodes fine (see ldm_db_interrupted). */
int ldm_db_decode(const uint8_t *config, const uint8_t *log, struct ldm_db **out, struct dyn_err *err);
int ldm_db_clone(const struct ldm_db *db, struct ldm_db **out);
void ldm_db_free(struct ldm_db *db);
/* Status not clean, pending != committed, or records with status 1 or 2 (section 8). */
bool ldm_db_interrupted(const struct ldm_db *db);
/* Every cross-reference and count rule that ldm-format names (parents, sizes, overlap, names, numbers, one group record,
 * counts = records). What must hold before we change a database, and after. -EBADMSG names the rule. */
int ldm_db_check(const struct ldm_db *db, struct dyn_err *err);
/* NULL when absent; kind LDM_KINDS = any */
const struct ldm_record *ldm_db_find(const struct ldm_db *db, enum ldm_kind kind, uint64_t id);
const struct ldm_record *ldm_db_find_disk(const struct ldm_db *db, const char *guid);      /* case-insensitive */
const struct ldm_record *ldm_db_find_volume(const struct ldm_db *db, const char *guid_text);
const struct ldm_record *ldm_db_next(const struct ldm_db *db, enum ldm_kind kind, const struct ldm_record *after); /* NULL: first */
/* Names and numbers for new objects, section 6: lowest free. dst as large as said there. */
uint32_t ldm_db_free_volume_number(const struct ldm_db *db);              /* 1..255, 0 = none free */
void ldm_db_new_name(const struct ldm_db *db, enum ldm_kind kind, const char *parent, char dst[64]); /* VolumeN, DiskN, <parent>-NN */

/* What the kernel log says (section 7), live entries only. A dirty entry: the redundant volume was open for writing when
 * the machine stopped, so its halves may differ. A detach entry: the half was dropped after an error. */
enum { LDM_LOG_DETACH = 1, LDM_LOG_DIRTY = 2, LDM_LOG_COMMIT = 3, LDM_LOG_LOGDETACH = 4, LDM_LOG_APP_DIRTY = 5 };
struct ldm_log_entry {
	uint8_t status;
	uint64_t first, second; /* commit: old and new transaction; otherwise object id and transaction */
};
/* Fills at most cap entries, returns how many there are; 0 also when the log is unreadable. */
size_t ldm_db_log(const struct ldm_db *db, struct ldm_log_entry *out, size_t cap);

/* A fresh database holding only its group record (section 6, "Fresh single-disk group": id 1, tid 0, VMDB clean). */
int ldm_db_new(const char *group_name, const char *group_guid, uint64_t filetime, struct ldm_db **out);

/* --------------------------------------------------------- transactions, section 8 */
struct ldm_change {
	uint32_t rel;         /* sector of the private region */
	uint8_t bytes[LDM_SECTOR];
};
struct ldm_phase {
	const char *what;     /* "announce the change", "new records", ... */
	size_t n;
	struct ldm_change *changes;
};
enum { LDM_PHASES = 6 };
struct ldm_commit {
	uint64_t tid;
	/* To be written in this order, each on all disks of the group and flushed before the next:
	 * S2 S1 S3 S4 S5 S6 of section 8 (S2 first, so that the kernel never shows a pending extent). */
	struct ldm_phase phases[LDM_PHASES];
	struct ldm_db *after; /* the database when all is done; config/log equal what the phases produce */
};
struct ldm_txn;
/* db is copied. Refuses an interrupted database (-EUCLEAN) and one that breaks a rule (-EBADMSG). */
int ldm_txn_begin(const struct ldm_db *db, struct ldm_txn **out, struct dyn_err *err);
uint64_t ldm_txn_new_id(struct ldm_txn *t);   /* max(all ids, committed tid) + 1, and on */
void ldm_txn_beyond(struct ldm_txn *t, uint64_t least); /* ids and the transaction's own number shall be greater than this */
/* r->status, tid, slots are set here. Replace: r->id names the record; it gets new slots and a new VBLK group. */
int ldm_txn_add(struct ldm_txn *t, const struct ldm_record *r, struct dyn_err *err);
int ldm_txn_replace(struct ldm_txn *t, const struct ldm_record *r, struct dyn_err *err);
int ldm_txn_remove(struct ldm_txn *t, uint64_t id, struct dyn_err *err);
/* The record as this transaction has it so far (added, replaced or untouched), NULL if removed or absent. It stays
 * valid until the next change of the same id. */
const struct ldm_record *ldm_txn_get(const struct ldm_txn *t, uint64_t id);
/* Builds all phases, checks the result with ldm_db_check(). -ENOSPC: no free slots, -EINVAL: nothing to change. On
 * error *out is empty. */
int ldm_txn_commit(struct ldm_txn *t, uint64_t filetime, struct ldm_commit *out, struct dyn_err *err);
void ldm_txn_free(struct ldm_txn *t);
void ldm_commit_free(struct ldm_commit *c);

/* --------------------------------------------------------- recovery, section 8 */
struct ldm_recovery {
	bool forward;          /* finish (true) or roll back */
	bool needed;
	uint64_t tid;
	uint64_t committed;    /* the highest that a copy had committed before */
	struct ldm_db *after;  /* what every disk holds afterwards */
};
/* copies: the group's database as found on each present disk. Final config and log are the same for all disks:
 * write records first, then (flush) the header sector, on all disks. Copies with a lower transaction that took no part
 * in the last change are stale: they have no say. -EBADMSG, and nothing is decided: copies at the same transaction
 * differ, records are lost, or the outcome breaks a rule. */
int ldm_recover(const struct ldm_db *const *copies, size_t n, uint64_t filetime, struct ldm_recovery *out, struct dyn_err *err);
/* Makes of a rollback a transaction with a number of its own, tid, greater than any pending one: a copy that comes back with
 * the change made is older than its outcome. *announce is the header sector that says so; it is written to all disks, and
 * flushed, before the records and the log are: a cut leaves a change that is noted in the log, as before. r->tid stays. */
int ldm_recovery_behind(struct ldm_recovery *r, uint64_t tid, uint8_t announce[512], struct dyn_err *err);

#endif
