/* SPDX-License-Identifier: GPL-3.0-or-later */
/* job.h - one rebuild, shared by job.c (the queue, the calls) and job_run.c (the work). */
#ifndef DYN_RUN_JOB_H
#define DYN_RUN_JOB_H

#include "base/ranges.h"
#include "run/run.h"

enum job_want { JOB_WANT_RUN, JOB_WANT_PAUSE, JOB_WANT_CANCEL };
enum job_phase { JOB_PHASE_CHECK, JOB_PHASE_COPY, JOB_PHASE_RETRY, JOB_PHASE_VERIFY };

struct job {
	/* under run_state.lock */
	struct dyn_job pub;
	enum job_want want;
	bool taken;               /* by the worker, whatever the state still says */
	bool accept;              /* finish with zeros where the source cannot be read; once set it stays */
	/* set before it is queued, constant */
	struct dyn_session *s;
	char *source_path, *target_path;
	char source_title[192], target_title[192];
	uint64_t source_offset, target_offset, size; /* bytes */
	/* the worker's */
	size_t n_held;
	struct run_disk **held;
	struct plan_copy copy;    /* copy.record is the record as it is to be written next */
	enum job_phase phase;
	uint64_t pos;             /* bytes of the phase that are done */
	struct dyn_io *source, *target;
	struct ranges bad;        /* what of the source could not be read (yet), bytes of the volume */
	uint64_t retrying;        /* bytes of it when retrying began */
	uint64_t record_time, wake_time, rate_time, rate_pos; /* monotonic ns, ns, ns, bytes */
	int callback_rc;
	struct dyn_err callback_err;
};

/* Works on it until it is done, failed, or asked to stop. Called on the worker thread without locks. */
void job_run(struct job *j);
/* Gives up its record and its locks. */
void job_cancel(struct job *j);
/* Changes the state and tells everybody. */
void job_set_state(struct job *j, enum dyn_job_state state, const struct dyn_err *result);
/* After the record was written because want_stop() said so: paused, unless it was continued meanwhile; else queued. */
void job_stopped(struct job *j, bool pause);
void job_release(struct job *j);
/* A job that still owns its disks and place. */
bool job_is_live(const struct job *j); /* lock held */

uint64_t job_now_ns(void);
void job_wake(struct run_state *rs);

#endif
