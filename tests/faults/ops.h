/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ops.h - every operation that writes metadata, each with the disks it is tried on: what the proofs of this folder cut
 * off, starve and pull disks from.
 */
#ifndef TESTS_FAULTS_OPS_H
#define TESTS_FAULTS_OPS_H

#include "base/session.h"
#include "plan/plan.h"

enum { OPS_MAX_DISKS = 9, OPS_MIB = 1 << 20, OPS_DISK = 96 * OPS_MIB };

enum ops_setup {
	SETUP_BLANK,   /* nothing on any disk */
	SETUP_EMPTY,   /* empty partition tables */
	SETUP_PARTS,   /* partitions with data on the first disk, blank ones */
	SETUP_PARTS_JOIN, /* the same, the others dynamic */
	SETUP_GROUP,   /* all dynamic; C: a mirror on the first two, D: simple on the first, E: simple on the last */
	SETUP_SIMPLE,  /* all dynamic; C: and D: simple on the first */
	SETUP_RETAINED, /* the same, D: with an entry of its own */
	SETUP_IDLE,    /* all dynamic; C: on the first, the last one empty */
	SETUP_JOIN,    /* all dynamic with C: on the first, the last one blank */
	SETUP_GONE,    /* as GROUP, and an empty member more that is missing */
	SETUP_LOST,    /* all dynamic; C: a mirror on the first and on a disk that is missing */
	SETUP_SPARE,   /* as LOST, the last one blank */
	SETUP_TWO,     /* two groups: the first disk, or two of many, with F:, the others with C: */
	SETUP_LOGICAL, /* as PARTS, an extended partition and two logical ones behind them */
	SETUP_DAMAGED, /* as GROUP, but copies of the metadata on the first disk are damaged */
	SETUP_PAUSED,  /* as IDLE, a rebuild of C: on the last one has begun, and nobody runs it */
	SETUP_STALE,   /* C: a mirror on the first two; the second missed a change */
	SETUPS
};

enum { OP_ERASES = 1 /* it may write where a volume was */, OP_MBR = 2, OP_GPT = 4, /* only where the first disk is such */
       OP_GOES_ON = 8 /* it goes on with an earlier change, and is undone as that */ };

/* The disks of a case while it is being made. */
struct world {
	struct dyn_session *s; /* on the disks of the case; members that will be missing have one of their own meanwhile */
	struct dyn_model *m;
	size_t n;              /* disks in the session */
	void *arg;
	void (*rescan)(struct world *w);
	/* bytes to a disk */
	void (*put)(struct world *w, size_t disk, uint64_t off, const void *bytes, size_t n);
	/* another session, on the first n disks */
	void (*use)(struct world *w, size_t n);
};

struct fault_op {
	const char *name;
	enum ops_setup setup;
	unsigned flags;
	size_t least;          /* disks */
	int (*plan)(const struct world *w, struct dyn_plan **p, struct dyn_err *err);
};
/*
 * Not among them: what writes no metadata of its own (write image, format: data of a volume; clean all: zeros behind a
 * clean), and what the proofs do with every other operation: recover, recover anyway, undo. Finishing a rebuild without
 * what could not be read, and forgetting that, write what resuming and cancelling one do.
 */
extern const struct fault_op fault_ops[];
extern const size_t n_fault_ops;

/* Which table disk i of a case has. */
enum ops_mix { MIX_MBR, MIX_GPT, MIX_BOTH, MIXES };
enum dyn_table ops_table(enum ops_mix mix, size_t disk);
extern const char *const ops_mix_names[MIXES];

/* How many disks a setup needs behind the n of the case (they are missing in the end). */
size_t ops_extra(enum ops_setup setup);
/* Makes it. w->use() has been called for n disks; it is called again for n disks at the end. */
void ops_make(struct world *w, enum ops_setup setup, size_t n, enum ops_mix mix);
/* Applies a plan with its rebuilds to their end, frees it and rescans; fails the test where that does not work. */
void ops_apply(struct world *w, int rc, struct dyn_plan *p, const struct dyn_err *err);

/* Everything people see of the disks' layout, as text: tables, members, volumes, where each piece lies; no remark on
 * damaged copies, no rebuild under way (a half that is being filled is not yet part of its volume). malloc'd. */
char *ops_picture(const struct dyn_model *m);

#endif
