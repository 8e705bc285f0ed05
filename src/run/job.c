/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * job.c - the queue of rebuilds and the calls on it. One worker thread carries out one job
 * after the other; whoever calls only sets wishes (want, limit) and reads snapshots.
 */
#include "run/control.h"
#include "run/copy.h"
#include "run/job.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SECTOR = 512 };

uint64_t job_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void job_wake(struct run_state *rs)
{
	uint64_t one = 1;

	/* The counter cannot overflow in practice, and a full one is readable, which is all that is wanted. */
	if (write(rs->wake_fd, &one, sizeof(one)) < 0)
		return;
}

bool job_is_live(const struct job *j)
{
	return j->pub.state <= DYN_JOB_UNDECIDED;
}

static bool is_running(const struct job *j)
{
	return j->pub.state > DYN_JOB_QUEUED && j->pub.state < DYN_JOB_PAUSED;
}

/* lock held */
static void set_state(struct job *j, enum dyn_job_state state, const struct dyn_err *result)
{
	struct run_state *rs = j->s->run;

	j->pub.state = state;
	j->pub.result = result ? *result : (struct dyn_err){ 0 };
	if (state == DYN_JOB_QUEUED || state >= DYN_JOB_PAUSED)
		j->pub.rate = j->pub.seconds_left = j->pub.inhibits = 0;
	j->pub.errors = ranges_bytes(&j->bad) / SECTOR;
	j->pub.n_unread = 0;
	for (size_t i = 0; i < j->copy.record.n_bad; i++)
		j->pub.unread[j->pub.n_unread++] = j->copy.record.bad[i];
	pthread_cond_broadcast(&rs->changed);
}

void job_set_state(struct job *j, enum dyn_job_state state, const struct dyn_err *result)
{
	struct run_state *rs = j->s->run;

	pthread_mutex_lock(&rs->lock);
	set_state(j, state, result);
	pthread_mutex_unlock(&rs->lock);
	if (state >= DYN_JOB_DONE)
		control_wake(rs);
	job_wake(rs);
}

void job_stopped(struct job *j, bool pause)
{
	struct run_state *rs = j->s->run;
	const struct ldm_rebuild *r = &j->copy.record;

	pthread_mutex_lock(&rs->lock);
	pause = pause && j->want == JOB_WANT_PAUSE;
	if (pause)
		j->want = JOB_WANT_RUN; /* the wish is granted */
	/* what its record says, not how far a check or a second attempt had come */
	j->pub.done = (r->phase == LDM_REBUILD_VERIFY ? r->verified : r->done) * SECTOR;
	j->pub.total = j->size;
	set_state(j, pause ? DYN_JOB_PAUSED : DYN_JOB_QUEUED, NULL);
	pthread_mutex_unlock(&rs->lock);
	job_wake(rs);
}

void job_release(struct job *j)
{
	for (size_t i = 0; i < j->n_held; i++)
		run_disk_put(j->s, j->held[i]);
	free(j->held);
	j->held = NULL;
	j->n_held = 0;
}

/* ------------------------------------------------------------------ worker */

/* The job to work on: wishes to cancel first, then the oldest queued one. */
static struct job *pick(const struct run_state *rs)
{
	for (size_t i = 0; i < rs->n_jobs; i++)
		if (job_is_live(rs->jobs[i]) && rs->jobs[i]->want == JOB_WANT_CANCEL)
			return rs->jobs[i];
	for (size_t i = 0; i < rs->n_jobs && !rs->ending; i++)
		if (rs->jobs[i]->pub.state == DYN_JOB_QUEUED)
			return rs->jobs[i];
	return NULL;
}

static void *worker(void *arg)
{
	struct run_state *rs = arg;

	pthread_mutex_lock(&rs->lock);
	for (;;) {
		struct job *j = pick(rs);
		bool cancel = j && j->want == JOB_WANT_CANCEL;
		if (!j && rs->ending)
			break;
		if (!j && rs->inhibit.pid) { /* nothing to do: the system may go down */
			pthread_mutex_unlock(&rs->lock);
			inhibit_end(&rs->inhibit);
			pthread_mutex_lock(&rs->lock);
			continue;
		}
		if (!j) {
			pthread_cond_wait(&rs->changed, &rs->lock);
			continue;
		}
		j->taken = true;
		pthread_mutex_unlock(&rs->lock);
		if (cancel)
			job_cancel(j);
		else
			job_run(j);
		pthread_mutex_lock(&rs->lock);
		j->taken = false;
	}
	pthread_mutex_unlock(&rs->lock);
	inhibit_end(&rs->inhibit);
	return NULL;
}

/* lock held. Signals are the main thread's business. */
static int start_worker(struct run_state *rs)
{
	sigset_t all, old;
	int rc;

	if (rs->worker_runs || rs->parked)
		return 0;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&rs->worker, NULL, worker, rs);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	rs->worker_runs = rc == 0;
	return -rc;
}

static void stop_worker(struct run_state *rs)
{
	bool runs;

	pthread_mutex_lock(&rs->lock);
	rs->ending = true;
	runs = rs->worker_runs;
	pthread_cond_broadcast(&rs->changed);
	pthread_mutex_unlock(&rs->lock);
	if (runs)
		pthread_join(rs->worker, NULL);
	pthread_mutex_lock(&rs->lock);
	rs->worker_runs = false;
	rs->ending = false;
	pthread_mutex_unlock(&rs->lock);
}

/* ------------------------------------------------------------------ making */

static void job_free(struct job *j)
{
	if (!j)
		return;
	job_release(j);
	ranges_free(&j->bad);
	free(j->source_path);
	free(j->target_path);
	free(j);
}

static int share_locks(struct job *j, const struct run_held *h)
{
	j->held = calloc(h->n ? h->n : 1, sizeof(struct run_disk *));
	if (!j->held)
		return -ENOMEM;
	for (size_t i = 0; i < h->n; i++)
		if (h->disks[i]) {
			run_disk_ref(j->s, h->disks[i]);
			j->held[j->n_held++] = h->disks[i];
		}
	return 0;
}

static void fill_pub(struct job *j)
{
	const struct ldm_rebuild *r = &j->copy.record;
	struct dyn_job *p = &j->pub;

	p->kind = DYN_JOB_REBUILD;
	p->state = DYN_JOB_QUEUED;
	snprintf(p->volume_guid, sizeof(p->volume_guid), "%s", r->volume_guid);
	snprintf(p->volume_title, sizeof(p->volume_title), "%s", j->copy.volume_title);
	snprintf(p->source_guid, sizeof(p->source_guid), "%s", r->source_guid);
	snprintf(p->target_guid, sizeof(p->target_guid), "%s", r->target_guid);
	p->volume = p->source = p->target = DYN_NONE;
	p->done = r->done * SECTOR;
	p->total = j->size;
	p->errors = r->errors;
}

static struct job *job_new(struct dyn_session *s, const struct dyn_plan *p, size_t step, const struct run_held *h)
{
	const struct dyn_step *st = &p->steps[step].pub;
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->s = s;
	j->copy = p->steps[step].copy;
	j->source_path = strdup(p->model->disks[st->source].path);
	j->target_path = strdup(p->model->disks[st->disk].path);
	model_disk_title(&p->model->disks[st->source], j->source_title, sizeof(j->source_title));
	model_disk_title(&p->model->disks[st->disk], j->target_title, sizeof(j->target_title));
	j->source_offset = st->source_offset;
	j->target_offset = st->target_offset;
	j->size = st->size;
	j->accept = j->copy.accept;
	/* A record that came as far as verifying needs no check of its own: verifying compares everything. */
	if (j->copy.record.phase == LDM_REBUILD_VERIFY)
		j->phase = j->copy.record.n_bad ? JOB_PHASE_RETRY : JOB_PHASE_VERIFY;
	else if (j->copy.resume && j->copy.record.done > 0)
		j->phase = JOB_PHASE_CHECK;
	else
		j->phase = JOB_PHASE_COPY;
	fill_pub(j);
	if (!j->source_path || !j->target_path || ranges_init(&j->bad, COPY_MAX_RANGES) || share_locks(j, h)) {
		job_free(j);
		return NULL;
	}
	for (size_t i = 0; i < j->copy.record.n_bad; i++) {
		const struct dyn_range *b = &j->copy.record.bad[i];
		ranges_add(&j->bad, b->offset, b->size, b->kept);
	}
	return j;
}

int run_job_add(struct dyn_session *s, const struct dyn_plan *p, size_t step, const struct run_held *h,
		struct dyn_err *err)
{
	struct run_state *rs = s->run;
	struct job *j = job_new(s, p, step, h), **jobs;
	int rc;

	if (!j)
		return dyn_fail_nomem(err);
	pthread_mutex_lock(&rs->lock);
	jobs = realloc(rs->jobs, (rs->n_jobs + 1) * sizeof(struct job *));
	if (jobs)
		rs->jobs = jobs;
	rc = jobs ? start_worker(rs) : -ENOMEM;
	if (!rc) {
		j->pub.id = ++rs->last_id;
		j->pub.limit = s->limit;
		rs->jobs[rs->n_jobs++] = j;
		pthread_cond_broadcast(&rs->changed);
	}
	pthread_mutex_unlock(&rs->lock);
	if (rc) {
		job_free(j);
		return dyn_refuse(err, rc, "The rebuild is on record: rescan and continue it.",
				  "the rebuild cannot be started: %s", strerror(-rc));
	}
	if (!rs->parked)
		control_start(s);
	control_wake(rs);
	job_wake(rs);
	return 0;
}

void run_jobs_end(struct dyn_session *s)
{
	struct run_state *rs = s->run;

	control_stop(s);
	stop_worker(rs);
	for (size_t i = 0; i < rs->n_jobs; i++)
		job_free(rs->jobs[i]);
	free(rs->jobs);
	rs->jobs = NULL;
	rs->n_jobs = 0;
}

/* --------------------------------------------------------------- questions */

int run_jobs_live(struct dyn_session *s, struct dyn_job **out, size_t *n)
{
	struct run_state *rs = s->run;

	*n = 0;
	pthread_mutex_lock(&rs->lock);
	*out = calloc(rs->n_jobs ? rs->n_jobs : 1, sizeof(**out));
	for (size_t i = 0; *out && i < rs->n_jobs; i++)
		if (job_is_live(rs->jobs[i]))
			(*out)[(*n)++] = rs->jobs[i]->pub;
	pthread_mutex_unlock(&rs->lock);
	return *out ? 0 : -ENOMEM;
}

static bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

/* Does writing [at, at + size) of the disk at path hurt this job? */
static bool hurts(const struct job *j, const char *path, uint64_t at, uint64_t size)
{
	uint64_t pair = (j->copy.target_private_start + (j->copy.record_slot & ~1u)) * SECTOR;

	if (strcmp(path, j->target_path) == 0)
		return overlap(at, size, pair, 2 * SECTOR) || overlap(at, size, j->target_offset, j->size);
	return strcmp(path, j->source_path) == 0 && overlap(at, size, j->source_offset, j->size);
}

static bool step_hurts(const struct job *j, const struct dyn_plan *p, const struct dyn_step *st)
{
	if (st->kind != DYN_STEP_SECTORS)
		return hurts(j, p->model->disks[st->disk].path, st->target_offset, st->size);
	for (size_t i = 0; i < st->n_writes; i++)
		if (hurts(j, p->model->disks[st->writes[i].disk].path, st->writes[i].sector * SECTOR,
			  (uint64_t)st->writes[i].n_sectors * SECTOR))
			return true;
	return false;
}

int run_jobs_conflict(struct dyn_session *s, const struct dyn_plan *p, const struct job *self, struct dyn_err *err)
{
	struct run_state *rs = s->run;
	int rc = 0;

	pthread_mutex_lock(&rs->lock);
	for (size_t i = 0; !rc && i < rs->n_jobs; i++) {
		const struct job *j = rs->jobs[i];
		if (j == self || !job_is_live(j))
			continue;
		for (size_t k = 0; !rc && k < p->n_steps; k++)
			if (step_hurts(j, p, &p->steps[k].pub))
				rc = dyn_refuse(err, -EBUSY, "Let it end, or cancel it, first.",
						"the rebuild of %s uses the place this change would write to",
						j->pub.volume_title);
	}
	pthread_mutex_unlock(&rs->lock);
	return rc;
}

/* ------------------------------------------------------------ public calls */

size_t dyn_jobs(struct dyn_session *s, struct dyn_job *out, size_t max)
{
	struct run_state *rs = s->run;
	size_t n;

	pthread_mutex_lock(&rs->lock);
	n = rs->n_jobs;
	for (size_t i = 0; i < n && i < max; i++)
		out[i] = rs->jobs[i]->pub;
	pthread_mutex_unlock(&rs->lock);
	return n;
}

int dyn_jobs_fd(struct dyn_session *s)
{
	return s->run->wake_fd;
}

/* lock held */
static struct job *find_live(struct run_state *rs, unsigned id)
{
	for (size_t i = 0; i < rs->n_jobs; i++)
		if (rs->jobs[i]->pub.id == id && job_is_live(rs->jobs[i]))
			return rs->jobs[i];
	return NULL;
}

int dyn_job_pause(struct dyn_session *s, unsigned id)
{
	struct run_state *rs = s->run;
	struct job *j;
	int rc = 0;

	pthread_mutex_lock(&rs->lock);
	j = find_live(rs, id);
	if (!j)
		rc = -ESRCH;
	else if (j->want == JOB_WANT_CANCEL || j->pub.state == DYN_JOB_COMMITTING)
		rc = -EBUSY;
	else if (is_running(j) || (j->taken && j->pub.state == DYN_JOB_QUEUED)) /* taken: it is about to run */
		j->want = JOB_WANT_PAUSE;
	else if (j->pub.state == DYN_JOB_QUEUED)
		j->pub.state = DYN_JOB_PAUSED; /* it was waiting: its record is on disk already */
	pthread_cond_broadcast(&rs->changed);
	pthread_mutex_unlock(&rs->lock);
	job_wake(rs);
	return rc;
}

int dyn_job_continue(struct dyn_session *s, unsigned id)
{
	struct run_state *rs = s->run;
	struct job *j;
	int rc = 0;

	pthread_mutex_lock(&rs->lock);
	j = find_live(rs, id);
	if (!j)
		rc = -ESRCH;
	else if (j->want == JOB_WANT_CANCEL)
		rc = -EBUSY;
	if (!rc) {
		j->want = JOB_WANT_RUN;
		if (j->pub.state >= DYN_JOB_PAUSED)
			j->pub.state = DYN_JOB_QUEUED;
		pthread_cond_broadcast(&rs->changed);
	}
	pthread_mutex_unlock(&rs->lock);
	job_wake(rs);
	return rc;
}

int dyn_job_finish(struct dyn_session *s, unsigned id)
{
	struct run_state *rs = s->run;
	struct job *j;
	int rc = 0;

	pthread_mutex_lock(&rs->lock);
	j = find_live(rs, id);
	if (!j)
		rc = -ESRCH;
	else if (j->want == JOB_WANT_CANCEL)
		rc = -EBUSY;
	else if (j->pub.state != DYN_JOB_UNDECIDED)
		rc = -EINVAL;
	if (!rc) {
		j->accept = true;
		j->pub.state = DYN_JOB_QUEUED;
		pthread_cond_broadcast(&rs->changed);
	}
	pthread_mutex_unlock(&rs->lock);
	job_wake(rs);
	return rc;
}

int dyn_job_cancel(struct dyn_session *s, unsigned id)
{
	struct run_state *rs = s->run;
	struct job *j;
	int rc = 0;

	pthread_mutex_lock(&rs->lock);
	j = find_live(rs, id);
	if (!j)
		rc = -ESRCH;
	else if (j->pub.state == DYN_JOB_COMMITTING)
		rc = -EBUSY;
	else
		j->want = JOB_WANT_CANCEL;
	pthread_cond_broadcast(&rs->changed);
	pthread_mutex_unlock(&rs->lock);
	return rc;
}

int dyn_job_limit(struct dyn_session *s, unsigned id, uint64_t bytes_per_second)
{
	struct run_state *rs = s->run;
	struct job *j;

	pthread_mutex_lock(&rs->lock);
	j = find_live(rs, id);
	if (j)
		j->pub.limit = bytes_per_second;
	pthread_mutex_unlock(&rs->lock);
	return j ? 0 : -ESRCH;
}

void dyn_jobs_limit_new(struct dyn_session *s, uint64_t bytes_per_second)
{
	s->limit = bytes_per_second;
}

/* lock held */
static bool busy(const struct run_state *rs)
{
	for (size_t i = 0; i < rs->n_jobs; i++) {
		const struct job *j = rs->jobs[i];
		if (job_is_live(j) && (j->pub.state < DYN_JOB_PAUSED || j->want == JOB_WANT_CANCEL))
			return true;
	}
	return false;
}

int dyn_jobs_wait(struct dyn_session *s, int timeout_ms)
{
	struct run_state *rs = s->run;
	uint64_t until = job_now_ns() + (uint64_t)(timeout_ms > 0 ? timeout_ms : 0) * 1000000u;
	struct timespec ts = { (time_t)(until / 1000000000u), (long)(until % 1000000000u) };
	int rc = 0;

	pthread_mutex_lock(&rs->lock);
	while (!rc && busy(rs)) {
		if (timeout_ms < 0)
			pthread_cond_wait(&rs->changed, &rs->lock);
		else
			rc = -pthread_cond_timedwait(&rs->changed, &rs->lock, &ts);
	}
	rc = busy(rs) ? -ETIMEDOUT : 0;
	pthread_mutex_unlock(&rs->lock);
	return rc;
}

int dyn_jobs_park(struct dyn_session *s)
{
	struct run_state *rs = s->run;

	pthread_mutex_lock(&rs->lock);
	rs->parked = true;
	pthread_mutex_unlock(&rs->lock);
	control_stop(s);
	stop_worker(rs);
	return 0;
}

int dyn_jobs_unpark(struct dyn_session *s)
{
	struct run_state *rs = s->run;
	int rc = 0;

	pthread_mutex_lock(&rs->lock);
	rs->parked = false;
	if (rs->n_jobs > 0)
		rc = start_worker(rs);
	pthread_mutex_unlock(&rs->lock);
	if (rs->n_jobs > 0)
		control_start(s);
	return rc;
}
