/* SPDX-License-Identifier: GPL-3.0-or-later */
/* session.c - opening and closing a session, and the scan. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "run/run.h"

enum { SETTLE_TRIES = 5, SETTLE_MS = 100 };

/* Where undo files go: as told, else by the usual rules for root and for others. */
static char *default_state_dir(void)
{
	const char *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char *dir = NULL;

	if (geteuid() == 0)
		return strdup("/var/lib/dynadisk");
	if (xdg && xdg[0] == '/')
		return asprintf(&dir, "%s/dynadisk", xdg) < 0 ? NULL : dir;
	return asprintf(&dir, "%s/.local/state/dynadisk", home && home[0] ? home : "/tmp") < 0 ? NULL : dir;
}

static struct run_state *run_state_new(void)
{
	struct run_state *rs = calloc(1, sizeof(*rs));
	pthread_condattr_t attr;

	if (!rs)
		return NULL;
	rs->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rs->control_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (rs->wake_fd < 0 || rs->control_fd < 0) {
		if (rs->wake_fd >= 0)
			close(rs->wake_fd);
		free(rs);
		return NULL;
	}
	pthread_mutex_init(&rs->meta, NULL);
	pthread_mutex_init(&rs->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&rs->changed, &attr);
	pthread_condattr_destroy(&attr);
	return rs;
}

static void run_state_free(struct run_state *rs)
{
	if (!rs)
		return;
	close(rs->wake_fd);
	close(rs->control_fd);
	pthread_cond_destroy(&rs->changed);
	pthread_mutex_destroy(&rs->lock);
	pthread_mutex_destroy(&rs->meta);
	free(rs);
}

static void session_free(struct dyn_session *s)
{
	for (size_t i = 0; s->paths && i < s->n_paths; i++)
		free(s->paths[i]);
	free(s->paths);
	for (size_t i = 0; i < s->n_offline; i++)
		free(s->offline[i]);
	free(s->offline);
	free(s->state_dir);
	free(s->sys_root);
	run_state_free(s->run);
	free(s);
}

static int copy_paths(struct dyn_session *s, const char *const *paths, size_t n)
{
	if (n == 0)
		return 0;
	s->paths = calloc(n, sizeof(*s->paths));
	if (!s->paths)
		return -ENOMEM;
	for (s->n_paths = 0; s->n_paths < n; s->n_paths++) {
		s->paths[s->n_paths] = strdup(paths[s->n_paths]);
		if (!s->paths[s->n_paths])
			return -ENOMEM;
	}
	return 0;
}

int dyn_session_open(const char *const *paths, size_t n, const struct dyn_options *opt, struct dyn_session **out,
		     struct dyn_err *err)
{
	static const struct dyn_options none;
	struct dyn_session *s = calloc(1, sizeof(*s));

	if (!s)
		return dyn_fail_nomem(err);
	if (!opt)
		opt = &none;
	s->state_dir = opt->state_dir ? strdup(opt->state_dir) : default_state_dir();
	s->sys_root = strdup(opt->sys_root ? opt->sys_root : "");
	s->read_only = opt->read_only;
	s->limit = opt->limit;
	s->fixed_time = opt->fixed_time;
	s->rand.state = opt->seed;
	s->log = opt->log;
	s->log_arg = opt->log_arg;
	s->progress = opt->progress;
	s->progress_arg = opt->progress_arg;
	s->run = run_state_new();
	if (!s->state_dir || !s->sys_root || !s->run || copy_paths(s, paths, n)) {
		session_free(s);
		return dyn_fail_nomem(err);
	}
	*out = s;
	return 0;
}

void dyn_session_close(struct dyn_session *s)
{
	if (!s)
		return;
	run_jobs_end(s);
	session_free(s);
}

static bool any_interrupted(const struct dyn_model *m)
{
	for (size_t i = 0; i < m->n_groups; i++)
		if (m->groups[i].interrupted)
			return true;
	return false;
}

int run_scan(struct dyn_session *s, struct dyn_model **out, struct dyn_err *err)
{
	struct model_scan_args args = { .paths = (const char *const *)s->paths, .n_paths = s->n_paths,
					.sys_root = s->sys_root, .offline = (const char *const *)s->offline,
					.n_offline = s->n_offline, .open_io = s->open_io, .open_arg = s->open_arg };
	struct dyn_job *jobs = NULL;
	int rc = run_jobs_live(s, &jobs, &args.n_jobs);

	args.jobs = jobs;
	rc = rc ? dyn_fail_nomem(err) : model_scan(&args, out, err);
	free(jobs);
	return rc;
}

/*
 * Another dynadisk may be between the first and the last write of a transaction. That takes moments,
 * so a change that looks cut off is looked at again before anybody is alarmed.
 */
static int scan_settled(struct dyn_session *s, struct dyn_model **out, struct dyn_err *err)
{
	const struct timespec pause = { 0, SETTLE_MS * 1000000L };
	int rc = run_scan(s, out, err);

	for (int i = 0; !rc && i < SETTLE_TRIES && any_interrupted(*out); i++) {
		dyn_model_unref(*out);
		nanosleep(&pause, NULL);
		rc = run_scan(s, out, err);
	}
	return rc;
}

/* What the records on the disks cannot say of rebuilds that other processes run, those processes do. */
static void ask_others(struct dyn_session *s, struct dyn_model *m)
{
	for (size_t i = 0; i < m->n_jobs; i++)
		if (m->jobs[i].elsewhere) /* nobody has this model yet: it may still be written to */
			(void)dyn_job_control(s, m, i, DYN_CONTROL_ASK, 0, (struct dyn_job *)(uintptr_t)&m->jobs[i], NULL);
}

int dyn_scan(struct dyn_session *s, struct dyn_model **out, struct dyn_err *err)
{
	int rc;

	pthread_mutex_lock(&s->run->meta);
	rc = scan_settled(s, out, err);
	pthread_mutex_unlock(&s->run->meta);
	if (rc == 0) {
		ask_others(s, *out);
		pthread_mutex_lock(&s->run->lock);
		s->run->stale = false;
		pthread_mutex_unlock(&s->run->lock);
	}
	return rc;
}

/* ----------------------------------------------------------------- offline */

/* meta is held. */
static int add_offline(struct dyn_session *s, const char *path)
{
	char **more = realloc(s->offline, (s->n_offline + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	s->offline = more;
	more[s->n_offline] = strdup(path);
	if (!more[s->n_offline])
		return -ENOMEM;
	s->n_offline++;
	return 0;
}

static int change_offline(struct dyn_session *s, const char *path, bool offline, struct dyn_err *err)
{
	size_t at = 0;

	while (at < s->n_offline && strcmp(s->offline[at], path) != 0)
		at++;
	if (offline == (at < s->n_offline))
		return 0;
	if (offline)
		return add_offline(s, path) ? dyn_fail_nomem(err) : 0;
	free(s->offline[at]);
	s->offline[at] = s->offline[--s->n_offline];
	return 0;
}

int dyn_set_offline(struct dyn_session *s, const char *path, bool offline, struct dyn_err *err)
{
	struct dyn_job *jobs = NULL;
	size_t n_jobs;
	int rc;

	pthread_mutex_lock(&s->run->meta);
	rc = run_jobs_live(s, &jobs, &n_jobs);
	free(jobs);
	if (rc)
		rc = dyn_fail_nomem(err);
	else if (n_jobs) /* it commits to the disks it finds then, which must be those it began with */
		rc = dyn_refuse(err, -EBUSY, "Wait until it has ended, or cancel it.",
				"no disk is taken off line or brought back while a rebuild runs or waits");
	else
		rc = change_offline(s, path, offline, err);
	pthread_mutex_unlock(&s->run->meta);
	return rc;
}
