/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run_lab.h - two image files, made dynamic and given a volume by the engine itself, for tests of run/. */
#ifndef TESTS_RUN_LAB_H
#define TESTS_RUN_LAB_H

#include "run/run.h"

enum { LAB_MIB = 1 << 20, LAB_DISKS = 3 };

struct lab {
	char dir[64], state[96];
	char path[LAB_DISKS][96];
	size_t n;               /* disks of the session */
	struct dyn_session *s;
	struct dyn_model *m;
	struct dyn_err err;
};

/* n blank images of `mib` MiB, a session on them, and a scan. */
void lab_make(struct lab *l, size_t n, unsigned mib);
void lab_remove(struct lab *l);
void lab_open(struct lab *l);
void lab_close(struct lab *l);
void lab_scan(struct lab *l);
/* Asserts that the plan was made (rc), applies and frees it, and scans again. */
void lab_apply(struct lab *l, int rc, struct dyn_plan **p);
/* Upgrades the first `n` disks to dynamic and makes a simple volume of `mib` MiB with data in it on the first. */
void lab_volume(struct lab *l, size_t n, unsigned mib);
/* Fills a volume's first plex (on disk `disk`) with bytes that depend on salt. */
void lab_fill(struct lab *l, size_t volume, uint8_t salt);
/* Asserts that both halves of a volume are equal and hold what lab_fill() put there. */
void lab_assert_mirror(struct lab *l, size_t volume, uint8_t salt);
/* Starts the mirror of volume 0 on disk 1, slow (bytes/s, 0 not) from its first byte on; returns the job's id. */
unsigned lab_mirror(struct lab *l, uint64_t limit);
struct dyn_job lab_job(struct lab *l, unsigned id);
/* Waits until the job is in this state (fails after 20 s) or, `least`, has done so many bytes. */
struct dyn_job lab_wait(struct lab *l, unsigned id, enum dyn_job_state state, uint64_t least);
/* One volume, simple and healthy, and no rebuild. */
void lab_assert_simple(struct lab *l);
/* A number that changes when a byte of the file does. */
uint64_t lab_hash(const char *path);
unsigned lab_open_fds(void);

#endif
