/* SPDX-License-Identifier: GPL-3.0-or-later */
/* case.h - the disks of an operation (ops.h), in memory (ram.h). */
#ifndef TESTS_FAULTS_CASE_H
#define TESTS_FAULTS_CASE_H

#include "tests/faults/ops.h"
#include "tests/faults/ram.h"

struct fault_case {
	struct ram ram;
	struct world w;
	uint64_t sessions;             /* opened so far */
};

/* n disks as the setup wants them, with a session and a model; what is on them is the base of ram. Must not move. */
void case_begin(struct fault_case *c, enum ops_setup setup, size_t n, enum ops_mix mix);
void case_end(struct fault_case *c);

#endif
