/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * run.h - what the files of run/ share: a session's locks, jobs and sticky error.
 *
 * Two mutexes. `meta` is held by whoever writes metadata (an apply, a job's record, a
 * commit), for as long as that takes. `lock` guards the fields below and is held for
 * moments only. Order: meta before lock.
 */
#ifndef DYN_RUN_H
#define DYN_RUN_H

#include <pthread.h>

#include "base/session.h"
#include "plan/plan.h"
#include "run/inhibit.h"

struct job;

/* A disk this session holds: open for writing, locked against other programs. */
struct run_disk {
	char *path;
	struct dyn_io *io;
	/* What the disk lies on, held as well: the image behind a loop device has a name of its own. */
	int below[MODEL_IDS];
	size_t n_below;
	unsigned refs;
	struct run_disk *next;
};

struct run_state {
	pthread_mutex_t meta;
	pthread_mutex_t lock;
	pthread_cond_t changed;    /* a job changed state, or the worker has something to do */
	struct run_disk *disks;
	bool stale;                /* an apply failed in an unclear way: rescan first */
	struct dyn_err stale_why;
	/* jobs */
	size_t n_jobs;
	struct job **jobs;         /* in order of their ids; kept until the session ends */
	unsigned last_id;
	int wake_fd;
	pthread_t worker;
	bool worker_runs;          /* a thread exists and must be joined */
	bool parked;               /* dyn_jobs_park */
	int control_fd;            /* wakes the thread that answers other processes */
	pthread_t control;
	bool control_runs;         /* owner thread: that thread exists and must be joined */
	bool control_ends;
	bool ending;               /* the worker is to stop at the next safe point */
	struct inhibit inhibit;    /* the worker's */
	/* Tests put a failing back end in front of a job's disks. NULL: as they are. */
	void (*wrap_io)(void *arg, struct dyn_io **io, bool target);
	void *wrap_arg;
};

/* ------------------------------------------------------------------ lock.c */

/* Locks a disk for this session, or counts one more user of it. title names it for people. -EBUSY names the holder. */
int run_disk_get(struct dyn_session *s, const char *path, const char *title, struct run_disk **out, struct dyn_err *err);
/* Opens a disk for writing: writer_open(), or what the session has in its place. Any thread. */
int run_open_rw(const struct dyn_session *s, const char *path, bool exclusive, struct dyn_io **out, struct dyn_err *err);
void run_disk_ref(struct dyn_session *s, struct run_disk *d);
void run_disk_put(struct dyn_session *s, struct run_disk *d); /* NULL is fine */

/* The locks of a plan: held[i] belongs to model disk i, NULL where not needed. */
struct run_held {
	size_t n;
	struct run_disk **disks;
};
int run_held_get(struct dyn_session *s, const struct dyn_plan *p, struct run_held *out, struct dyn_err *err);
void run_held_put(struct dyn_session *s, struct run_held *h);

/* ----------------------------------------------------------------- check.c */

/* Refuses (-ESTALE) unless the locked disks hold what the plan's model was read from and what its writes expect. */
int run_check_disks(const struct dyn_plan *p, const struct run_held *h, struct dyn_err *err);

/* ----------------------------------------------------------------- apply.c */

/* dyn_apply() behind its formalities; `meta` is held. self: the job on whose behalf this is done, or NULL. */
int run_apply_locked(struct dyn_session *s, const struct dyn_plan *p, const struct job *self, struct dyn_err *err);
/* Marks the session: what is on the disks is not known any more. */
void run_mark_stale(struct dyn_session *s, const struct dyn_err *why);

/* --------------------------------------------------------------- session.c */

/* One scan with the session's jobs in it; meta is held: no transaction of this session is half-way meanwhile. */
int run_scan(struct dyn_session *s, struct dyn_model **out, struct dyn_err *err);

/* ------------------------------------------------------------------ undo.c */

/*
 * Saves and syncs what the plan's writes will replace. Refuses when it cannot. The end of a rebuild belongs to the change
 * that began it: when nothing else has happened to that change's sectors since, the new file takes both back at once, and
 * *replaces is the older file, to be dropped once the plan is carried out; else "".
 */
int run_undo_save(struct dyn_session *s, const struct dyn_plan *p, const struct run_held *h, char id[64],
		  char replaces[64], struct dyn_err *err);
/* Takes an undo file away: its plan was not begun, or has been undone. */
void run_undo_drop(const struct dyn_session *s, const char *id);

/* ------------------------------------------------------------------- job.c */

/* Queues the COPY step `step` of a plan whose other steps are on disk; the job shares the plan's locks. */
int run_job_add(struct dyn_session *s, const struct dyn_plan *p, size_t step, const struct run_held *h,
		struct dyn_err *err);
/* Snapshots of the jobs that still own their disks, for a scan; malloc'd. -ENOMEM. */
int run_jobs_live(struct dyn_session *s, struct dyn_job **out, size_t *n);
/* -EBUSY when the plan would write where another live job of this session reads, writes or keeps its record. */
int run_jobs_conflict(struct dyn_session *s, const struct dyn_plan *p, const struct job *self, struct dyn_err *err);
/* Pauses, joins and frees all of them. */
void run_jobs_end(struct dyn_session *s);

#endif
