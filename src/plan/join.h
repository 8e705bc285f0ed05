/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * join.h - a dynamic disk of one group becomes a member of another that lists it already: its copy of the database,
 * then its headers. What its volumes hold is not touched.
 */
#ifndef DYN_PLAN_JOIN_H
#define DYN_PLAN_JOIN_H

#include "plan/sim.h"

/* The mark of ldm_vmdb_mark_leaving() into the header of a disk whose own copy is `own`, as a write of `st`. */
int join_mark(struct sim *sim, struct plan_step *st, unsigned phase, size_t disk, const struct ldm_db *own, uint64_t tid);
/*
 * The group's database as the plan has left it so far, and headers that name the group, onto the disk: a step of its
 * own. The records and the log come first and the header behind them, the first private header last: the disk is
 * what it was for everybody until that is written. The disk is a member of the group afterwards.
 */
int join_disk(struct sim *sim, size_t disk, size_t group, struct dyn_err *err);
/* Joins every disk that an import into this group has left on the way. */
int join_rest(struct sim *sim, size_t group, struct dyn_err *err);

#endif
