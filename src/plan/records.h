/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * records.h - new objects of a database, several in one transaction: ids, names and numbers as ldm-format section 6
 * says, free in the database and among what the transaction has added so far.
 */
#ifndef DYN_PLAN_RECORDS_H
#define DYN_PLAN_RECORDS_H

#include "plan/sim.h"

struct maker {
	struct sim *sim;
	const struct ldm_db *db; /* as it was when the transaction began */
	struct ldm_txn *t;       /* ends with sim_commit() or ldm_txn_free() */
	uint64_t first, last;    /* ids given so far; 0: none */
};

/* Begins a transaction on db, which must outlive it. */
int maker_begin(struct maker *mk, struct sim *sim, const struct ldm_db *db, struct dyn_err *err);
uint64_t maker_id(struct maker *mk);
bool maker_name_taken(const struct maker *mk, enum ldm_kind kind, const char *name); /* in any case */
/* A volume's number: `wish` where it is free (0: none), else the lowest free one; 0: all are taken. */
uint32_t maker_number(const struct maker *mk, uint32_t wish);
/* "VolumeN" and "DiskN" (parent NULL) or "<parent>-NN": the lowest free. */
void maker_name(const struct maker *mk, enum ldm_kind kind, const char *parent, char dst[64]);

/* A member's new disk record; *id is its id. */
int maker_add_disk(struct maker *mk, const char *guid, uint64_t *id, struct dyn_err *err);

struct new_half {
	uint64_t disk_id;      /* LDM disk record, in the database or added before */
	uint64_t start;        /* sectors from the start of the disk's public region */
};
struct new_volume {
	uint64_t size;         /* sectors */
	uint8_t part_type;     /* as in an MBR: 07, 06, 0B */
	uint32_t vflags;       /* beside LDM_VOL_DEFAULT */
	char letter;           /* 0: none known */
	bool no_letter;        /* shall never get one */
	size_t n_halves;       /* 1: simple, 2: mirror */
	struct new_half halves[2];
};
/* The volume with its plexes and extents; the records of its disks are rewritten, as 2003 did. */
int maker_add_volume(struct maker *mk, const struct new_volume *nv, struct dyn_err *err);

/* One half out of its volume, whose own record the caller changes: extents and component; its disks are rewritten. */
int records_drop_half(struct ldm_txn *t, const struct ldm_db *db, const struct ldm_record *comp, struct dyn_err *err);
/* Rewrites the records of the disks a component lies on. */
int records_touch_disks(struct ldm_txn *t, const struct ldm_db *db, uint64_t component_id, struct dyn_err *err);
/* The volume that an extent belongs to, NULL in a database with a fault. */
const struct ldm_record *records_volume_of(const struct ldm_db *db, const struct ldm_record *extent);

#endif
