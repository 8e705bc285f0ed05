/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plan_rig.h - image files, scans of them, and plans carried out on them by plain writes in the plan's order
 * (run/ has its own tests), whole or cut off after any of their writes.
 */
#ifndef TESTS_PLAN_RIG_H
#define TESTS_PLAN_RIG_H

#include "tests/unit/unit.h"

#include <errno.h>

#include "base/session.h"
#include "plan/plan.h"

#define MIB (1ull << 20)
enum { MAX_DISKS = 4 };

struct rig {
	char dir[64], path[MAX_DISKS][96];
	size_t n;
	struct dyn_session s; /* options only: nothing of run/ is needed to plan */
	struct dyn_model *m;
	struct dyn_err err;
};

/* n blank disks of `size` bytes, scanned. */
void rig_begin(struct rig *r, size_t n, uint64_t size);
void rig_end(struct rig *r);
/* Disk i becomes a blank one of `size` bytes; it is not scanned. */
void rig_blank(struct rig *r, size_t i, uint64_t size);
/* A new model of the n disks from `first` on. */
void rig_scan(struct rig *r, size_t first, size_t n);
void rig_put(const char *path, uint64_t off, const void *bytes, size_t n);

/* Carries out at most `limit` sector writes of a plan (a run of sectors counts as one); returns how many there are. */
size_t rig_carry_out(const struct dyn_plan *p, size_t limit);
/* Fails unless the plan was made (rc 0); carries it out with its copies, frees it and scans again. */
void rig_do(struct rig *r, int rc, struct dyn_plan *p);
/* The maker first, then its plan: a plain call would leave the order to the compiler. */
#define DO(r, call, plan)                  \
	do {                               \
		int rc_ = (call);          \
		rig_do((r), rc_, (plan)); \
	} while (0)

void rig_upgrade(struct rig *r, size_t disk, enum dyn_table table);
/* Two disks of a group and a volume C: mirrored on them, with bytes of 0xa5 at 4096. */
void rig_mirror(struct rig *r, enum dyn_table a, enum dyn_table b);
/* Fails unless rc is this code, the sentence has the word in it and there is a way out. */
void rig_refused(struct rig *r, int rc, int code, const char *word);

/* dyn_plan_recover(), insisting where a missing disk of the group may hold the answer. */
int rig_recover(struct rig *r, size_t group, struct dyn_plan **out);

void rig_copy_file(const char *from, const char *to);
/* What every reader has to agree on: which volumes there are, as text. */
void rig_picture(const struct dyn_model *m, char *dst, size_t n);

#endif
