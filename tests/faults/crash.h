/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * crash.h - one operation cut off wherever it can be.
 *
 * What the engine wrote and flushed is known (ram.h). The power may go at any moment; then everything flushed is on the
 * disks, and of the rest anything: each subset of the writes, across disks, and of a write of several sectors any of
 * them. crash_windows() makes those states, one after the other, and has each judged.
 */
#ifndef TESTS_FAULTS_CRASH_H
#define TESTS_FAULTS_CRASH_H

#include "tests/faults/ops.h"
#include "tests/faults/ram.h"

/* How much of it. */
struct crash_effort {
	unsigned all_upto;    /* all subsets of so many writes or fewer */
	unsigned random;      /* else so many random ones */
	unsigned edges;       /* torn edges tried of one write, at most */
	unsigned data_edges;  /* of one that carries a volume's data */
	unsigned shuffles;    /* random sets of sectors out of a window */
};

struct crash_rand {
	uint64_t state;
};
uint64_t crash_random(struct crash_rand *r);

/* The disks are in a state that a crash can leave; whatever judge() does to them is taken back. */
typedef void crash_judge(void *arg);

/* Every window of the log, from the present state of the disks on. Returns the number of states, equal ones counted. */
uint64_t crash_windows(struct ram *r, const struct ram_log *log, const struct crash_effort *effort, struct crash_rand *rnd,
		       crash_judge *judge, void *arg);

/*
 * A copy is written by several threads at a time, and flushed once a second: what it wrote is put in the order of its
 * sectors, without the flushes in between, so that two runs have the same states. (That takes away no state; a copy held
 * up for five seconds writes its record once more, and then there are others.)
 */
void crash_order(struct ram_log *log, const struct dyn_step *copies, size_t n);

/* The writes of a plan's SECTORS steps in the order of their phases, laid over the present state. */
void crash_carry_out(struct ram *r, const struct dyn_plan *p);

#endif
