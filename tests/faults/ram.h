/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ram.h - disks in memory for the engine, whose every write and flush is noted down, and any state of them between two
 * flushes: what was on the disks when the power went.
 *
 * Each disk has three layers of 4 KiB pages: `base` is what is there for certain, `over` lies above it. A state is made
 * by laying some of the writes over the base; ram_drop() goes back. ram_push() makes the present state the base of
 * another level, so that a recovery can be cut off in its turn; ram_pop() takes it away again.
 */
#ifndef TESTS_FAULTS_RAM_H
#define TESTS_FAULTS_RAM_H

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/session.h"

enum { RAM_MAX = 9, RAM_PAGE = 4096, RAM_SECTOR = 512, RAM_LEVELS = 4 };

enum ram_kind { RAM_WRITE, RAM_SYNC };

/* What the engine did to a disk, in order. */
struct ram_event {
	enum ram_kind kind;
	size_t disk;
	uint64_t sector;
	uint32_t n;          /* sectors */
	uint8_t *bytes;
};

struct ram_log {
	size_t n, room;
	struct ram_event *events;
};

struct ram_disk {
	char path[96];
	uint64_t size;       /* bytes */
	size_t n_pages;
	uint8_t **base, **over; /* NULL: zeros; nothing above */
	size_t n_dirty;
	uint32_t *dirty;     /* pages that have something above */
	bool gone;           /* every access fails with ENXIO */
};

struct ram_level {
	uint64_t below;      /* as the ram had it before */
	size_t n;
	struct ram_saved {
		size_t disk;
		uint32_t page;
		uint8_t *was;
	} *saved;
};

struct ram {
	pthread_mutex_t lock;
	char dir[64], state[96];
	size_t n;
	struct ram_disk disks[RAM_MAX];
	struct ram_log *log; /* where events go, NULL: nowhere */
	unsigned levels;
	uint64_t below;      /* a number for what the levels have made of the lowest base */
	struct ram_level level[RAM_LEVELS];
	size_t n_spare, spare_room;
	uint8_t **spare;     /* pages to use again */
	/* asked before every access; nonzero is what it returns. kind: 'r', 'w', 's' */
	int (*fault)(void *arg, size_t disk, char kind, uint64_t sector);
	void *fault_arg;
};

/* n blank disks of `size` bytes. Their paths are empty files in a folder of their own. */
void ram_begin(struct ram *r, size_t n, uint64_t size);
void ram_end(struct ram *r);
/* Drops what lies above, and disk i becomes a blank one. */
void ram_blank(struct ram *r, size_t i);
/* Copies of from's disks, content and all, in to (begun with the same sizes). */
void ram_copy(struct ram *to, const struct ram *from);
/* For dyn_session.open_io and model_scan_args: arg is the struct ram. */
dyn_open_fn ram_open;

void ram_read(struct ram *r, size_t disk, uint64_t off, void *buf, size_t n);
/* Lays sectors over the present state, without an event. */
void ram_put(struct ram *r, size_t disk, uint64_t sector, uint32_t n, const void *bytes);
/* Forgets what lies above / makes it the base for good. */
void ram_drop(struct ram *r);
void ram_keep(struct ram *r);
void ram_push(struct ram *r);
void ram_pop(struct ram *r);
/* A number for what the disks hold, on whatever level; until the next ram_keep() equal states have equal numbers. */
uint64_t ram_hash(const struct ram *r);
/* Both ranges hold the same bytes. */
bool ram_equal(struct ram *r, size_t a, uint64_t a_off, size_t b, uint64_t b_off, uint64_t n);
/* Writes disk i to a sparse image file. */
void ram_dump(struct ram *r, size_t i, const char *path);
/* Removes a folder and everything in it. */
void ram_remove(const char *dir);

void ram_log_clear(struct ram_log *l);

/* A model of the disks as they are, without a session's settling (it would wait for another dynadisk to finish). Disks
 * from `first` on, n of them. */
struct dyn_model *ram_scan(struct ram *r, size_t n);
/* A session on the first n disks; repeatable GUIDs and times. */
struct dyn_session *ram_session(struct ram *r, size_t n, uint64_t seed);

#endif
