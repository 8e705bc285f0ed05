/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run_faulty.h - a disk that fails where a test wants it to, in front of a real one. */
#ifndef TESTS_RUN_FAULTY_H
#define TESTS_RUN_FAULTY_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/io.h"

struct faulty {
	struct dyn_io io;          /* give &f->io to what is tested; it has no descriptor, so every access comes here */
	struct dyn_io *under;      /* closed with it when `owns` */
	bool owns;
	uint64_t bad_from, bad_to; /* bytes: reads that touch them give -EIO */
	uint64_t wfail_from, wfail_to; /* bytes: writes that touch them give wfail_rc */
	int wfail_rc;
	int wfail_times;           /* how often; negative: always */
	uint64_t lie_from, lie_to; /* bytes: writes that touch them are lost without a word */
	int lie_times;             /* how often; negative: always */
	int sync_rc;
	unsigned delay_us;         /* of every transfer */
	_Atomic unsigned reads, writes, syncs;
	_Atomic uint64_t unsynced; /* bytes written since the last sync */
};

void faulty_init(struct faulty *f, struct dyn_io *under);

#endif
