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

/* What the disks may look like when a plan is cut off. */
enum { PICTURES_MAX = 24 };
struct pictures {
	size_t n;
	char *text[PICTURES_MAX]; /* the first is the old one, the last the new one */
};

/* n disks as the setup wants them, with a session and a model; what is on them is the base of ram. Must not move. */
void case_begin(struct fault_case *c, enum ops_setup setup, size_t n, enum ops_mix mix);
/* The same, and blank disks behind them; for setups with nothing missing. */
void case_begin_spare(struct fault_case *c, enum ops_setup setup, size_t n, enum ops_mix mix, size_t spare);
void case_end(struct fault_case *c);

/* The pictures of a plan: as it is, and at the ends of its changes; those are its steps, and within a step what comes
 * before and after a change of the partition table. The disks are as before afterwards. */
void pictures_of_plan(struct fault_case *c, const struct dyn_plan *p, struct pictures *pics);
/* Adds what the disks are now, unless it is the last one. */
void pictures_add(struct fault_case *c, struct pictures *pics);
size_t pictures_find(const struct pictures *pics, const char *text); /* DYN_NONE */
void pictures_clear(struct pictures *pics);

#endif
