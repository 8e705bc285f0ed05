/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * job_run.c - the work of a rebuild, on the worker thread.
 *
 * Phases: check what an earlier run copied (never trusted), copy, verify all of it, commit.
 * The volume becomes a mirror in the commit and nowhere else; until then the disks hold a
 * healthy simple volume and a record of how far the copy came, whatever happens here. The
 * record moves on only after a flush of the target, to the other sector of its pair.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/copy.h"
#include "run/job.h"
#include "run/writer.h"

enum { SECTOR = 512 };
static const uint64_t RECORD_NS = 5000000000u, SECOND_NS = 1000000000u, WAKE_NS = 100000000u;

/* --------------------------------------------------------------- the record */

/* What of the source could not be read goes into the record; that has room for a few ranges, which then cover more. */
static void put_bad(const struct job *j, struct ldm_rebuild *r)
{
	struct dyn_range few[COPY_MAX_RANGES + 2];
	struct ranges x = { .n = j->bad.n, .max = COPY_MAX_RANGES, .r = few };

	memcpy(few, j->bad.r, j->bad.n * sizeof(few[0]));
	ranges_squeeze(&x, LDM_REBUILD_RANGES);
	memset(r->bad, 0, sizeof(r->bad));
	memcpy(r->bad, few, x.n * sizeof(few[0]));
	r->n_bad = x.n;
	r->errors = ranges_bytes(&j->bad) / SECTOR;
}

static int record_write(struct job *j, struct dyn_err *err)
{
	struct ldm_rebuild *r = &j->copy.record;
	uint64_t sector = j->copy.target_private_start + j->copy.record_slot;
	void *b = NULL;
	int rc;

	if (posix_memalign(&b, 4096, SECTOR))
		return dyn_fail_nomem(err);
	r->sequence++;
	r->updated = session_filetime(j->s);
	put_bad(j, r);
	ldm_rebuild_encode(r, b);
	pthread_mutex_lock(&j->s->run->meta);
	rc = dyn_io_write(j->target, sector * SECTOR, b, SECTOR);
	if (rc == -EINVAL && writer_drop_direct(j->target))
		rc = dyn_io_write(j->target, sector * SECTOR, b, SECTOR);
	if (!rc)
		rc = dyn_io_sync(j->target);
	if (!rc)
		j->copy.record_slot ^= 1; /* under meta: run_jobs_conflict() looks at it */
	pthread_mutex_unlock(&j->s->run->meta);
	free(b);
	if (rc)
		return dyn_refuse(err, rc, "Check the disk and its cable; the rebuild can then be continued.",
				  "%s: the rebuild's place cannot be written at sector %llu: %s", j->target_title,
				  (unsigned long long)sector, strerror(-rc));
	session_log(j->s, "write %s sector %llu count 1: rebuild record", j->target_path, (unsigned long long)sector);
	j->record_time = job_now_ns();
	return 0;
}

/* ---------------------------------------------------------------- callbacks */

static bool want_stop(void *arg)
{
	struct job *j = arg;
	bool stop;

	pthread_mutex_lock(&j->s->run->lock);
	stop = j->want != JOB_WANT_RUN || j->s->run->ending;
	pthread_mutex_unlock(&j->s->run->lock);
	return stop;
}

static uint64_t get_limit(void *arg)
{
	struct job *j = arg;
	uint64_t limit;

	pthread_mutex_lock(&j->s->run->lock);
	limit = j->pub.limit;
	pthread_mutex_unlock(&j->s->run->lock);
	return limit;
}

/* A moving average over the last seconds: steady enough to read, quick enough to follow a limit. */
static void update_rate(struct job *j, uint64_t now)
{
	uint64_t ns = now - j->rate_time, rate;

	if (ns < SECOND_NS || j->pos < j->rate_pos)
		return;
	rate = (uint64_t)((double)(j->pos - j->rate_pos) * 1e9 / (double)ns);
	j->pub.rate = j->pub.rate ? (2 * j->pub.rate + rate) / 3 : rate;
	j->rate_time = now;
	j->rate_pos = j->pos;
}

static void publish(struct job *j, uint64_t total)
{
	struct run_state *rs = j->s->run;
	uint64_t now = job_now_ns();
	bool wake, held = inhibit_held(&rs->inhibit);

	pthread_mutex_lock(&rs->lock);
	update_rate(j, now);
	j->pub.inhibits = held;
	wake = now - j->wake_time >= SECOND_NS ||
	       (now - j->wake_time >= WAKE_NS && total && j->pos * 100 / total != j->pub.done * 100 / total);
	j->pub.done = j->pos;
	j->pub.total = total;
	j->pub.errors = ranges_bytes(&j->bad) / SECTOR;
	j->pub.seconds_left = j->pub.rate ? (total - j->pos + j->pub.rate - 1) / j->pub.rate : 0;
	pthread_mutex_unlock(&rs->lock);
	if (wake) {
		j->wake_time = now;
		job_wake(rs);
	}
}

static uint64_t phase_size(const struct job *j)
{
	if (j->phase == JOB_PHASE_RETRY)
		return j->retrying;
	return j->phase == JOB_PHASE_CHECK ? j->copy.record.done * SECTOR : j->size;
}

static int on_progress(void *arg, uint64_t done)
{
	struct job *j = arg;
	int rc;

	j->pos = done;
	if (j->phase == JOB_PHASE_COPY)
		j->copy.record.done = done / SECTOR;
	else if (j->phase == JOB_PHASE_VERIFY)
		j->copy.record.verified = done / SECTOR;
	publish(j, phase_size(j));
	if (job_now_ns() - j->record_time < RECORD_NS)
		return 0;
	rc = record_write(j, &j->callback_err);
	if (rc)
		j->callback_rc = rc; /* it stays, also where a later one could be written: it is what is said in the end */
	return rc;
}

/* -------------------------------------------------------------------- phases */

static int copy_failed(struct job *j, int rc, const struct copy_result *r, struct dyn_err *err)
{
	static const char stays[] = "The volume stays what it was: healthy, without a second half. ";
	const char *why = strerror(-rc);
	unsigned long long at = r->fault_at / SECTOR, last = (r->fault_at + r->fault_size) / SECTOR - 1;

	switch (r->fault) {
	case COPY_FAULT_TARGET_WRITE:
		rc = dyn_fail(err, rc, "%s cannot be written at sectors %llu to %llu: %s", j->target_title, at, last, why);
		break;
	case COPY_FAULT_TARGET_READ:
		rc = dyn_fail(err, rc, "%s cannot be read back at sectors %llu to %llu: %s", j->target_title, at, last, why);
		break;
	case COPY_FAULT_DIFFERS:
		rc = dyn_fail(err, -EIO, "%s does not hold what was written to it at sectors %llu to %llu, twice",
			      j->target_title, at, last);
		break;
	case COPY_FAULT_SOURCE_READ:
		rc = dyn_fail(err, rc, "%s does not answer any more (reading sector %llu: %s)", j->source_title, at, why);
		break;
	default:
		rc = dyn_fail(err, rc, "the rebuild of %s stopped: %s", j->copy.volume_title, why);
	}
	dyn_err_way_out(err, "%s%s", stays,
			r->fault == COPY_FAULT_SOURCE_READ ? "Check that disk and its cable, then continue the rebuild." :
							     "Replace the new disk, or check its cable and continue.");
	return rc;
}

/* The places, as sectors of the volume: "2048-2050, 9000, ...". */
static void list_places(const struct job *j, char *dst, size_t size)
{
	size_t len = 0;

	dst[0] = '\0';
	for (size_t i = 0; i < j->bad.n; i++) {
		unsigned long long first = j->bad.r[i].offset / SECTOR, n = j->bad.r[i].size / SECTOR;
		char one[64];

		if (n > 1)
			snprintf(one, sizeof(one), "%s%llu-%llu", i ? ", " : "", first, first + n - 1);
		else
			snprintf(one, sizeof(one), "%s%llu", i ? ", " : "", first);
		if (len + strlen(one) + 6 > size) {
			snprintf(dst + len, size - len, ", ...");
			return;
		}
		len += (size_t)snprintf(dst + len, size - len, "%s", one);
	}
}

/* Everything that could be read is on the target; the rest is for people to decide. */
static void undecided(struct job *j, struct dyn_err *err)
{
	unsigned long long n = ranges_bytes(&j->bad) / SECTOR;
	char places[160];

	list_places(j, places, sizeof(places));
	dyn_refuse(err, -EIO,
		   "Save its files first. Then try again, finish the rebuild with zeros in those sectors, or cancel it: the volume then "
		   "stays as it is.",
		   "%llu sector%s of %s could not be read (sectors of the volume: %s)", n, n == 1 ? "" : "s", j->source_title, places);
}

/* What a mirror that was finished all the same must not be silent about. */
static void say_unread(struct job *j, struct dyn_err *said)
{
	unsigned long long zeros = 0, kept = 0;
	char places[160], old[80] = "";

	for (size_t i = 0; i < j->bad.n; i++)
		*(j->bad.r[i].kept ? &kept : &zeros) += j->bad.r[i].size / SECTOR;
	list_places(j, places, sizeof(places));
	if (kept)
		snprintf(old, sizeof(old), "%s%llu what was read there earlier", zeros ? ", and in " : "", kept);
	dyn_refuse(said, -EIO, "Check the volume's files (chkdsk), and replace the disk that cannot be read.",
		   "%llu sectors of %s could not be read: the new half holds zeros in %llu of them%s (sectors of the volume: %s)",
		   zeros + kept, j->source_title, zeros, old, places);
}

static void log_unread(struct job *j)
{
	for (size_t i = 0; i < j->bad.n; i++)
		session_log(j->s, "unread %s: sectors %llu count %llu of the volume: %s", j->source_path,
			    (unsigned long long)(j->bad.r[i].offset / SECTOR), (unsigned long long)(j->bad.r[i].size / SECTOR),
			    j->bad.r[i].kept ? "the copy holds what was read earlier" : "the copy holds nothing or zeros");
}

static struct copy_task phase_task(struct job *j, enum copy_mode mode)
{
	return (struct copy_task){ .mode = mode, .source = j->source, .target = j->target,
				   .source_offset = j->source_offset, .target_offset = j->target_offset,
				   .size = phase_size(j), .start = j->pos, .no_uring = getenv("DYNADISK_NO_URING") != NULL,
				   .bad = &j->bad, .arg = j, .stop = want_stop, .limit = get_limit, .progress = on_progress };
}

static void begin_phase(struct job *j, enum dyn_job_state state)
{
	j->rate_time = job_now_ns();
	j->rate_pos = j->pos;
	publish(j, phase_size(j));
	job_set_state(j, state, NULL);
}

static int end_phase(struct job *j, int rc, const struct copy_result *r, struct dyn_err *err)
{
	publish(j, phase_size(j));
	if (!rc || rc == -ECANCELED)
		return rc;
	if (j->callback_rc) {
		*err = j->callback_err;
		return j->callback_rc;
	}
	return copy_failed(j, rc, r, err);
}

static int run_phase(struct job *j, struct dyn_err *err)
{
	static const enum copy_mode modes[] = { COPY_CHECK, COPY_COPY, COPY_COPY, COPY_VERIFY };
	static const enum dyn_job_state states[] = { DYN_JOB_CHECKING, DYN_JOB_COPYING, DYN_JOB_RETRYING, DYN_JOB_VERIFYING };
	struct copy_task t = phase_task(j, modes[j->phase]);
	struct copy_result r = { 0 };

	begin_phase(j, states[j->phase]);
	return end_phase(j, copy_run(&t, &r), &r, err);
}

/* The places that did not read: once more, smaller and smaller; then zeros, if that has been decided. */
static int run_retry(struct job *j, struct dyn_err *err)
{
	struct copy_result r = { 0 };
	struct copy_task t;
	int rc;

	j->pos = 0;
	j->retrying = ranges_bytes(&j->bad);
	begin_phase(j, DYN_JOB_RETRYING);
	t = phase_task(j, COPY_COPY);
	rc = copy_retry(&t, &r);
	if (!rc && j->accept)
		rc = copy_zero(&t, &r);
	return end_phase(j, rc, &r, err);
}

static int start_verify(struct job *j, struct dyn_err *err)
{
	j->phase = JOB_PHASE_VERIFY;
	j->pos = 0;
	j->copy.record.done = j->size / SECTOR;
	j->copy.record.phase = LDM_REBUILD_VERIFY;
	j->copy.record.verified = 0;
	return record_write(j, err);
}

/* 1: all that can be done without a decision is done. */
static int run_phases(struct job *j, struct dyn_err *err)
{
	int rc = 0;

	if (j->phase == JOB_PHASE_CHECK) {
		rc = run_phase(j, err);
		if (rc)
			return rc;
		j->phase = JOB_PHASE_COPY;
		j->pos = j->copy.record.done * SECTOR;
	}
	if (j->phase == JOB_PHASE_COPY) {
		rc = run_phase(j, err);
		if (rc)
			return rc;
		j->phase = JOB_PHASE_RETRY;
	}
	if (j->phase == JOB_PHASE_RETRY) {
		if (j->bad.n)
			rc = run_retry(j, err);
		if (!rc && j->bad.n && !j->accept)
			return 1;
		if (!rc)
			rc = start_verify(j, err);
		if (rc)
			return rc;
	}
	rc = run_phase(j, err);
	if (rc || !j->bad.n)
		return rc;
	/* what is read no more since it was copied was not compared: that is for people to decide as well */
	j->copy.record.verified = j->size / SECTOR;
	if (j->accept)
		return record_write(j, err); /* it stays, as the mark of what the new half does not hold */
	j->phase = JOB_PHASE_RETRY;
	return 1;
}

/* -------------------------------------------------------------------- commit */

static size_t target_index(const struct job *j, const struct dyn_model *m)
{
	for (size_t i = 0; i < m->n_disks; i++)
		if (m->disks[i].status != DYN_DISK_MISSING && strcmp(m->disks[i].path, j->target_path) == 0)
			return i;
	return DYN_NONE;
}

/* Attaches the half (commit), or clears the record, from the disks as they are now. */
static int finish_plan(struct job *j, bool attach, struct dyn_err *err)
{
	struct dyn_model *m = NULL;
	struct dyn_plan *p = NULL;
	size_t target;
	int rc;

	pthread_mutex_lock(&j->s->run->meta);
	rc = run_scan(j->s, &m, err);
	if (!rc && attach) {
		rc = plan_attach(j->s, m, &j->copy, &p, err);
	} else if (!rc) {
		target = target_index(j, m);
		rc = target == DYN_NONE ? dyn_fail(err, -ENODEV, "%s is gone", j->target_title) :
					  plan_clear_record(j->s, m, target, j->copy.record_slot, &p, err);
	}
	if (!rc)
		rc = run_apply_locked(j->s, p, j, err);
	dyn_plan_free(p);
	dyn_model_unref(m);
	pthread_mutex_unlock(&j->s->run->meta);
	return rc;
}

void job_cancel(struct job *j)
{
	struct dyn_err err = { 0 };
	int rc = finish_plan(j, false, &err);

	pthread_mutex_lock(&j->s->run->meta); /* a lock is given back only where nobody is taking one */
	job_release(j);
	pthread_mutex_unlock(&j->s->run->meta);
	job_set_state(j, rc ? DYN_JOB_FAILED : DYN_JOB_CANCELLED, rc ? &err : NULL);
}

/* --------------------------------------------------------------------- a job */

static int open_disks(struct job *j, struct dyn_err *err)
{
	struct run_state *rs = j->s->run;
	int rc = session_open_ro(j->s, j->source_path, &j->source, err);

	if (!rc)
		rc = run_open_rw(j->s, j->target_path, false, &j->target, err);
	if (rc)
		return rc;
	writer_set_direct(j->source);
	writer_set_direct(j->target);
	if (rs->wrap_io) {
		rs->wrap_io(rs->wrap_arg, &j->source, false);
		rs->wrap_io(rs->wrap_arg, &j->target, true);
	}
	return 0;
}

/* Waits for a decision with its locks held; the record says what is missing, so that it can be taken elsewhere, too. */
static int decide(struct job *j, struct dyn_err *err)
{
	struct dyn_err why = { 0 };
	int rc;

	j->copy.record.done = j->size / SECTOR;
	j->copy.record.phase = LDM_REBUILD_COPY;
	j->copy.record.verified = 0;
	rc = record_write(j, err);
	if (rc)
		return rc;
	undecided(j, &why);
	log_unread(j);
	job_set_state(j, DYN_JOB_UNDECIDED, &why);
	return 0;
}

static void close_disks(struct job *j)
{
	dyn_io_close(j->source);
	dyn_io_close(j->target);
	j->source = j->target = NULL;
}

/* Stopped by a wish: the record says how far it came. */
static int stop_here(struct job *j, struct dyn_err *err)
{
	bool pause;
	int rc;

	pthread_mutex_lock(&j->s->run->lock);
	pause = j->want == JOB_WANT_PAUSE;
	pthread_mutex_unlock(&j->s->run->lock);
	j->copy.record.flags = pause ? LDM_REBUILD_PAUSED : 0;
	rc = record_write(j, err);
	if (rc)
		return rc;
	job_stopped(j, pause);
	return 0;
}

/* Makes the volume a mirror; `said` is filled when there is something to say about it. */
static int commit(struct job *j, struct dyn_err *said, struct dyn_err *err)
{
	int rc;

	job_set_state(j, DYN_JOB_COMMITTING, NULL);
	rc = finish_plan(j, true, err);
	if (!rc && j->bad.n) {
		say_unread(j, said);
		log_unread(j);
	}
	return rc;
}

void job_run(struct job *j)
{
	struct dyn_err err = { 0 }, said = { 0 };
	int rc = open_disks(j, &err);

	j->callback_rc = 0;
	j->record_time = job_now_ns();
	inhibit_begin(&j->s->run->inhibit, j->s->sys_root);
	session_log(j->s, "write %s sector %llu count %llu: copy of %s", j->target_path,
		    (unsigned long long)(j->target_offset / SECTOR), (unsigned long long)(j->size / SECTOR), j->source_path);
	if (!rc && j->copy.record.flags) { /* it is no longer paused: others may want to know */
		j->copy.record.flags = 0;
		rc = record_write(j, &err);
	}
	if (!rc)
		rc = run_phases(j, &err);
	if (rc == -ECANCELED || rc == 1) {
		rc = rc == 1 ? decide(j, &err) : stop_here(j, &err);
		close_disks(j);
		if (!rc)
			return;
	} else {
		if (j->target && rc)
			(void)record_write(j, NULL); /* the place it came to, if the disk still takes it */
		close_disks(j);
		if (!rc)
			rc = commit(j, &said, &err);
	}
	pthread_mutex_lock(&j->s->run->meta);
	job_release(j);
	pthread_mutex_unlock(&j->s->run->meta);
	job_set_state(j, rc ? DYN_JOB_FAILED : DYN_JOB_DONE, rc ? &err : &said);
}
