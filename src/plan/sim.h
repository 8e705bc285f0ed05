/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sim.h - the state a plan has reached so far, before anything is written.
 *
 * Starts as a copy of the model; each operation adds its step to the plan and leaves here
 * what the disks will hold after it, so that operations compose (a repair is break, delete,
 * initialize, upgrade, add mirror on one sim). Sectors are 512-byte units, absolute on the
 * disk unless called rel.
 */
#ifndef DYN_PLAN_SIM_H
#define DYN_PLAN_SIM_H

#include "base/session.h"
#include "plan/plan.h"

struct sim_disk {
	struct sectmap *map;      /* NULL when missing */
	const struct table *table; /* as the map holds it: the model's, or own_table once changed */
	struct table own_table;
	bool dynamic;             /* has LDM headers that belong to group */
	bool member;              /* its database copy is current: commits go to it */
	size_t group;             /* index into sim.groups, DYN_NONE */
	uint64_t record_id;
	char ldm_guid[37];
	struct ldm_privhead ph;
	uint32_t pairs_used;      /* rebuild record pairs in use, bit k */
};

struct sim_group {
	struct ldm_db *db;
};

struct sim {
	struct dyn_session *s;
	struct dyn_model *m;
	struct dyn_plan *p;
	struct dyn_err *err;      /* sim_begin()'s: want of memory is said there by sim_finish() if nobody else did */
	size_t n_disks, n_groups; /* one group more than the model may come into being */
	struct sim_disk *disks;
	struct sim_group *groups;
	/* The rebuild this plan finishes: its own record does not occupy its target's room. */
	const struct ldm_rebuild *finishing;
	size_t reactivating;      /* a disk whose old database this plan replaces; DYN_NONE */
};

/* title as for plan_new(). On success sim->p is a new plan, owned by the sim until sim_finish(). */
int sim_begin(struct sim *sim, struct dyn_session *s, struct dyn_model *m, struct dyn_err *err, const char *title_fmt,
	      ...) __attribute__((format(printf, 5, 6)));
/* Frees the sim. rc 0: *out is the plan, 0 is returned; otherwise the plan is freed and rc returned. */
int sim_finish(struct sim *sim, int rc, struct dyn_plan **out);

/* Refusals every operation shares. Disk: index, present, 512-byte sectors, not in use, not read-only. */
int sim_need_disk(const struct sim *sim, size_t disk, struct dyn_err *err);
/* The same for a new layout: also refused (-EBADMSG) where the disk's table or LDM metadata cannot be used. */
int sim_need_known_disk(const struct sim *sim, size_t disk, struct dyn_err *err);
/* Index of the volume's plex that has a piece on the disk, or DYN_NONE. */
size_t sim_plex_on(const struct dyn_volume *v, size_t disk);
/* -EBUSY where a Windows in hibernation would go on with the volume, or one on the disk, as it remembers it. */
int sim_need_awake(const struct sim *sim, size_t volume, struct dyn_err *err);
int sim_need_awake_disk(const struct sim *sim, size_t disk, struct dyn_err *err);
int sim_need_volume(const struct sim *sim, size_t volume, struct dyn_err *err); /* index in range */
/* The group's database may be changed: no problem, every present member writable. Adds notes for disks left out. */
int sim_need_group(struct sim *sim, size_t group, struct dyn_err *err);

/* Ends a transaction: its phases become writes of `st` on all members, starting with phase *phase, which is
 * advanced; the group's database becomes the new one. Frees t in every case. */
int sim_commit(struct sim *sim, size_t group, struct ldm_txn *t, struct plan_step *st, unsigned *phase,
	       struct dyn_err *err);

/* One run of sectors of a disk whose old content the sim knows (or not: unknown true): a write and the map updated. */
int sim_write(struct sim *sim, struct plan_step *st, unsigned phase, size_t disk, uint64_t sector, uint32_t n,
	      const char *what, const void *after, bool unknown);

/* Makes the disk's partition table become `want`; each changed run is a phase of its own, in libfdisk's order. */
int sim_build_table(struct sim *sim, struct plan_step *st, unsigned *phase, size_t disk, const struct table *want,
		    struct dyn_err *err);

/* Room for `size` sectors on a dynamic disk: absolute sector. Prefers `wish` (0: none), then the lowest place
 * aligned as ldm-format 1.3 says, then the lowest. -ENOSPC; *largest (may be NULL) is the largest run then. */
int sim_find_room(const struct sim *sim, size_t disk, uint64_t size, uint64_t wish, uint64_t *sector, uint64_t *largest);
/* true when [start, start + size) lies inside an LDM data container and no extent or running copy touches it */
bool sim_is_free(const struct sim *sim, size_t disk, uint64_t start, uint64_t size);

/* The disk in the group whose LDM record has this id; DYN_NONE when none is known. */
size_t sim_disk_by_record(const struct sim *sim, size_t group, uint64_t record_id);

/* Names the volumes that have extents on the disk with this record into dst; returns how many there are. */
size_t sim_volumes_on(const struct sim *sim, const struct ldm_db *db, uint64_t disk_id, char *dst, size_t n);

/* The operations, each adding its step(s). Arguments have been checked for range only. */
int op_initialize(struct sim *sim, size_t disk, enum dyn_table table, struct dyn_err *err);
/* An empty disk only: data partitions are converted when that is asked for, never on the way. */
int op_upgrade(struct sim *sim, size_t disk, enum dyn_table table, size_t group, struct dyn_err *err);
int op_break(struct sim *sim, size_t volume, size_t disk, bool keep, struct dyn_err *err);
int op_delete_missing(struct sim *sim, size_t disk, struct dyn_err *err);
int op_add_mirror(struct sim *sim, size_t volume, size_t disk, enum dyn_table table, struct dyn_err *err);

/* The second half that a simple volume of the sim's database is to get. */
struct sim_half {
	size_t group;
	uint64_t volume_id;       /* of its LDM record */
	const char *title;        /* what people call the volume */
	const char *diskpart;     /* the line of the copy's step; lives as long as the plan */
	size_t disk;              /* where the half goes: a current member of the group */
	uint64_t start;           /* absolute sector of the room there */
};
/* Two steps: the rebuild's record and the copy with the transaction at its end. */
int op_add_half(struct sim *sim, const struct sim_half *half, struct dyn_err *err);

/* Only what attaches a second half, whose data is complete; also used when a rebuild ends. A retained volume's half gets
 * a table entry of its own first, where there is one to be had. failing: the disk that could not be read everywhere and
 * is flagged so, or DYN_NONE. */
int op_attach(struct sim *sim, size_t group, const struct ldm_record *volume, size_t target, uint64_t target_start,
	      size_t failing, struct plan_step *st, unsigned *phase, struct dyn_err *err);

#endif
