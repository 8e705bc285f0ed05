/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "tests/unit/run_faulty.h"
#include "tests/unit/run_lab.h"

enum { DISK_MIB = 32, VOLUME_MIB = 12 };

static int setup(void **state)
{
	struct lab *l = malloc(sizeof(*l));

	lab_make(l, 2, DISK_MIB);
	lab_volume(l, 2, VOLUME_MIB);
	*state = l;
	return 0;
}

static int teardown(void **state)
{
	lab_remove(*state);
	free(*state);
	return 0;
}

static void assert_simple(struct lab *l)
{
	assert_int_equal(l->m->n_volumes, 1);
	assert_int_equal(l->m->volumes[0].layout, DYN_LAYOUT_SIMPLE);
	assert_int_equal(l->m->volumes[0].status, DYN_VOLUME_HEALTHY);
	assert_int_equal(l->m->n_jobs, 0);
	assert_string_equal(l->m->groups[0].problem, "");
}

static void a_mirror_is_made(void **state)
{
	struct lab *l = *state;
	unsigned fds = lab_open_fds(), id = lab_mirror(l, 0);
	struct dyn_job j;

	assert_int_equal(dyn_jobs_wait(l->s, 20000), 0);
	j = lab_job(l, id);
	assert_int_equal(j.state, DYN_JOB_DONE);
	assert_u64(j.done, VOLUME_MIB * LAB_MIB);
	assert_u64(j.errors, 0);
	lab_scan(l);
	lab_assert_mirror(l, 0, 1);
	assert_int_equal(l->m->n_jobs, 0);
	assert_u64(l->m->priv->disks[1].n_rebuilds, 0);
	assert_int_equal(l->m->priv->disks[1].rebuild_pairs_used, 0);
	assert_int_equal(lab_open_fds(), fds); /* locks given back */
	assert_int_equal(dyn_job_pause(l->s, id), -ESRCH);
	assert_int_equal(dyn_job_cancel(l->s, id), -ESRCH);
	assert_int_equal(dyn_job_limit(l->s, id + 1, 1), -ESRCH);
}

static void it_is_regenerating_until_then(void **state)
{
	struct lab *l = *state;
	unsigned id = lab_mirror(l, 2 * LAB_MIB);
	struct pollfd fd = { .fd = dyn_jobs_fd(l->s), .events = POLLIN };
	struct dyn_job j = lab_wait(l, id, DYN_JOB_COPYING, 1);

	assert_int_equal(poll(&fd, 1, 5000), 1);
	assert_true(j.done < j.total);
	assert_u64(j.total, VOLUME_MIB * LAB_MIB);
	assert_u64(j.limit, 2 * LAB_MIB);
	lab_scan(l);
	assert_int_equal(l->m->volumes[0].status, DYN_VOLUME_REBUILDING);
	assert_int_equal(l->m->n_jobs, 1);
	assert_int_equal(l->m->jobs[0].id, id);
	assert_int_equal(l->m->jobs[0].state, DYN_JOB_COPYING);
	assert_false(l->m->jobs[0].elsewhere);
	assert_int_equal(dyn_jobs_wait(l->s, 50), -ETIMEDOUT);
	assert_int_equal(dyn_job_limit(l->s, id, 0), 0); /* changed while it runs */
	assert_int_equal(dyn_jobs_wait(l->s, 20000), 0);
	assert_int_equal(lab_job(l, id).state, DYN_JOB_DONE);
	lab_scan(l);
	lab_assert_mirror(l, 0, 1);
}

static void pause_and_continue(void **state)
{
	struct lab *l = *state;
	unsigned id = lab_mirror(l, 4 * LAB_MIB);
	struct dyn_job j;

	lab_wait(l, id, DYN_JOB_COPYING, 1);
	assert_int_equal(dyn_job_pause(l->s, id), 0);
	j = lab_wait(l, id, DYN_JOB_PAUSED, 1);
	assert_int_equal(dyn_jobs_wait(l->s, 0), 0); /* a paused one is not waited for */
	lab_scan(l);
	/* The record on disk says what the snapshot says. */
	assert_u64(l->m->priv->disks[1].n_rebuilds, 1);
	assert_u64(l->m->priv->disks[1].rebuilds[0].r.done * 512, j.done);
	usleep(300000);
	assert_u64(lab_job(l, id).done, j.done);
	assert_int_equal(dyn_job_limit(l->s, id, 0), 0);
	assert_int_equal(dyn_job_continue(l->s, id), 0);
	assert_int_equal(dyn_jobs_wait(l->s, 20000), 0);
	assert_int_equal(lab_job(l, id).state, DYN_JOB_DONE);
	lab_scan(l);
	lab_assert_mirror(l, 0, 1);
}

struct wishes {
	struct lab *l;
	bool paused, continued;
};

/* On the worker's own thread, at the moments between its states. */
static void wish(void *arg, const char *line)
{
	struct wishes *w = arg;

	if (strstr(line, "copy of") && !w->paused) { /* it is picked, and still called queued */
		w->paused = true;
		assert_int_equal(dyn_job_pause(w->l->s, 1), 0);
	} else if (strstr(line, "rebuild record") && w->paused && !w->continued) { /* its place is written, not yet paused */
		w->continued = true;
		assert_int_equal(dyn_job_continue(w->l->s, 1), 0);
	}
}

/* A pause as the worker begins is not lost, nor is a continue as it stops. */
static void wishes_between_states(void **state)
{
	struct lab *l = *state;
	struct wishes w = { .l = l, .continued = true };
	unsigned id;

	l->s->log = wish;
	l->s->log_arg = &w;
	id = lab_mirror(l, 0);
	lab_wait(l, id, DYN_JOB_PAUSED, 0);
	assert_true(w.paused);
	w = (struct wishes){ .l = l };
	assert_int_equal(dyn_job_continue(l->s, id), 0);
	lab_wait(l, id, DYN_JOB_DONE, 0);
	assert_true(w.continued);
	lab_scan(l);
	lab_assert_mirror(l, 0, 1);
}

/* Paused while it checks what was copied before, it says what the record says, not how far the check is. */
static void paused_while_it_checks(void **state)
{
	struct lab *l = *state;
	unsigned id = lab_mirror(l, 4 * LAB_MIB);
	struct wishes w = { .l = l, .continued = true };
	struct dyn_plan *p = NULL;
	struct dyn_job j;

	lab_wait(l, id, DYN_JOB_COPYING, LAB_MIB);
	assert_int_equal(dyn_job_pause(l->s, id), 0);
	j = lab_wait(l, id, DYN_JOB_PAUSED, 1);
	lab_close(l);
	lab_open(l);
	l->s->log = wish;
	l->s->log_arg = &w;
	lab_apply(l, dyn_plan_resume(l->s, l->m, 0, &p, &l->err), &p);
	assert_u64(lab_wait(l, 1, DYN_JOB_PAUSED, 0).done, j.done);
	assert_true(w.paused);
	assert_u64(lab_job(l, 1).total, VOLUME_MIB * LAB_MIB);
	l->s->log = NULL;
}

/* What a rebuild commits to must be the disks it began with. */
static void no_disk_goes_off_line_meanwhile(void **state)
{
	struct lab *l = *state;
	unsigned id = lab_mirror(l, LAB_MIB);

	assert_int_equal(dyn_set_offline(l->s, l->path[1], true, &l->err), -EBUSY);
	assert_non_null(strstr(l->err.what, "rebuild"));
	assert_int_equal(dyn_job_pause(l->s, id), 0);
	lab_wait(l, id, DYN_JOB_PAUSED, 0);
	assert_int_equal(dyn_set_offline(l->s, l->path[1], true, &l->err), -EBUSY);
	assert_int_equal(dyn_job_cancel(l->s, id), 0);
	lab_wait(l, id, DYN_JOB_CANCELLED, 0);
	assert_int_equal(dyn_set_offline(l->s, l->path[1], true, &l->err), 0);
	lab_scan(l);
	assert_int_equal(l->m->disks[1].status, DYN_DISK_OFFLINE);
}

static void cancel_leaves_a_simple_volume(void **state)
{
	struct lab *l = *state;
	unsigned id = lab_mirror(l, 4 * LAB_MIB), fds;

	lab_wait(l, id, DYN_JOB_COPYING, 1);
	assert_int_equal(dyn_job_cancel(l->s, id), 0);
	lab_wait(l, id, DYN_JOB_CANCELLED, 0);
	lab_scan(l);
	assert_simple(l);
	assert_int_equal(l->m->priv->disks[1].rebuild_pairs_used, 0);
	fds = lab_open_fds();
	/* and a paused one, and again from the start */
	id = lab_mirror(l, 4 * LAB_MIB);
	lab_wait(l, id, DYN_JOB_COPYING, 1);
	assert_int_equal(dyn_job_pause(l->s, id), 0);
	lab_wait(l, id, DYN_JOB_PAUSED, 0);
	assert_int_equal(dyn_job_cancel(l->s, id), 0);
	assert_int_equal(dyn_jobs_wait(l->s, 20000), 0);
	assert_int_equal(lab_job(l, id).state, DYN_JOB_CANCELLED);
	lab_scan(l);
	assert_simple(l);
	assert_int_equal(lab_open_fds(), fds);
}

/* Where the copy of volume 0 goes, on disk 1. */
static uint64_t target_offset(struct lab *l)
{
	assert_u64(l->m->priv->disks[1].n_rebuilds, 1);
	return l->m->priv->disks[1].rebuilds[0].r.target_start * 512;
}

static void resume(struct lab *l)
{
	struct dyn_plan *p = NULL;

	assert_int_equal(l->m->n_jobs, 1);
	assert_int_equal(l->m->jobs[0].id, 0);
	assert_int_equal(l->m->jobs[0].state, DYN_JOB_PAUSED);
	assert_false(l->m->jobs[0].elsewhere);
	assert_int_equal(l->m->volumes[0].status, DYN_VOLUME_REBUILDING);
	lab_apply(l, dyn_plan_resume(l->s, l->m, 0, &p, &l->err), &p);
	assert_int_equal(dyn_jobs_wait(l->s, 20000), 0);
	struct dyn_job jobs[4];
	size_t n = dyn_jobs(l->s, jobs, 4);
	assert_int_equal(n, 1);
	if (jobs[0].state != DYN_JOB_DONE)
		fail_msg("state %d: %s", (int)jobs[0].state, jobs[0].result.what);
	lab_scan(l);
}

/* What an earlier run copied is compared again: the source and the target both change while nobody runs. */
static void a_closed_session_is_resumed_and_checked(void **state)
{
	struct lab *l = *state;
	unsigned id = lab_mirror(l, 4 * LAB_MIB);
	uint8_t junk[4096];
	uint64_t at;
	int fd;

	lab_wait(l, id, DYN_JOB_COPYING, 2 * LAB_MIB);
	lab_scan(l);
	at = target_offset(l);
	lab_close(l);
	lab_open(l);
	assert_true(l->m->priv->disks[1].rebuilds[0].r.done * 512 >= 2 * LAB_MIB);
	lab_fill(l, 0, 7);
	memset(junk, 0xee, sizeof(junk));
	fd = open(l->path[1], O_RDWR);
	assert_int_equal(pwrite(fd, junk, sizeof(junk), (off_t)at + 8192), (ssize_t)sizeof(junk));
	close(fd);
	resume(l);
	lab_assert_mirror(l, 0, 7);
}

/* A volume that is mirrored from its birth, where a deleted one left its bytes; the copy slow from its first byte on. */
static unsigned new_mirror(struct lab *l)
{
	struct dyn_plan *p = NULL;
	struct dyn_job j;

	lab_apply(l, dyn_plan_delete_volume(l->s, l->m, 0, &p, &l->err), &p);
	assert_int_equal(dyn_plan_create_mirror(l->s, l->m, (size_t[]){ 0, 1 }, VOLUME_MIB * LAB_MIB, 'M', &p, &l->err), 0);
	assert_int_equal(dyn_jobs_park(l->s), 0);
	lab_apply(l, 0, &p);
	for (size_t i = 0, n = dyn_jobs(l->s, &j, 1); i < n; i++)
		assert_int_equal(dyn_job_limit(l->s, (unsigned)i + 1, 4 * LAB_MIB), 0);
	assert_int_equal(dyn_jobs_unpark(l->s), 0);
	return (unsigned)dyn_jobs(l->s, &j, 1);
}

static void a_new_mirror_is_a_rebuild_like_any_other(void **state)
{
	struct lab *l = *state;
	unsigned id = new_mirror(l);

	lab_wait(l, id, DYN_JOB_COPYING, LAB_MIB);
	assert_string_equal(lab_job(l, id).volume_title, "M:");
	assert_int_equal(l->m->volumes[0].status, DYN_VOLUME_REBUILDING);
	assert_int_equal(dyn_job_cancel(l->s, id), 0);
	lab_wait(l, id, DYN_JOB_CANCELLED, 0);
	lab_scan(l);
	assert_simple(l);
	assert_int_equal(l->m->priv->disks[1].rebuild_pairs_used, 0);
	lab_close(l);
	lab_open(l);
	id = new_mirror(l);
	lab_wait(l, id, DYN_JOB_COPYING, 2 * LAB_MIB);
	lab_close(l);
	lab_open(l);
	assert_int_equal(ldm_db_next(l->m->priv->groups[0].db, LDM_VOLUME, NULL)->u.volume.n_components, 1);
	resume(l);
	lab_assert_mirror(l, 0, 1);
	assert_int_equal(l->m->volumes[0].letter, 'M');
}

static void killed_in_the_middle(void **state)
{
	struct lab *l = *state;

	for (int round = 0; round < 4; round++) {
		int told[2];
		char byte;
		pid_t pid;
		assert_int_equal(pipe(told), 0);
		lab_close(l);
		pid = fork();
		if (pid == 0) {
			lab_open(l);
			if (l->m->n_jobs == 0) {
				lab_mirror(l, 4 * LAB_MIB);
			} else {
				struct dyn_plan *p = NULL;
				struct dyn_job j;
				if (dyn_plan_resume(l->s, l->m, 0, &p, &l->err) || dyn_apply(l->s, p, NULL, &l->err))
					_exit(1);
				dyn_jobs(l->s, &j, 1);
				dyn_job_limit(l->s, j.id, 4 * LAB_MIB);
			}
			if (write(told[1], "y", 1) != 1)
				_exit(1);
			for (;;)
				pause();
		}
		close(told[1]);
		assert_int_equal(read(told[0], &byte, 1), 1); /* it has begun */
		close(told[0]);
		usleep(200000u + 350000u * (unsigned)round);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		lab_open(l);
		assert_int_equal(l->m->n_volumes, 1);
		assert_u64(l->m->volumes[0].size, VOLUME_MIB * LAB_MIB);
		assert_string_equal(l->m->groups[0].problem, "");
		assert_int_equal(l->m->groups[0].interrupted, false);
		assert_int_equal(l->m->n_jobs, 1);
		assert_int_equal(l->m->jobs[0].state, DYN_JOB_PAUSED);
		/* in the database it is what it was */
		const struct ldm_record *v = ldm_db_next(l->m->priv->groups[0].db, LDM_VOLUME, NULL);
		assert_int_equal(v->u.volume.n_components, 1);
	}
	resume(l);
	lab_assert_mirror(l, 0, 1);
}

static void others_see_it_and_keep_off(void **state)
{
	struct lab *l = *state;
	unsigned id = lab_mirror(l, 4 * LAB_MIB);
	int status;
	pid_t pid;

	lab_wait(l, id, DYN_JOB_COPYING, 1);
	pid = fork();
	if (pid == 0) { /* the child's own session; the copied one is not touched */
		struct lab o = *l;
		struct dyn_plan *p = NULL;
		const char *paths[] = { o.path[0], o.path[1] };
		struct dyn_options opt = { .state_dir = o.state };
		struct dyn_model *m;
		if (dyn_session_open(paths, 2, &opt, &o.s, &o.err) || dyn_scan(o.s, &m, &o.err))
			_exit(1);
		if (m->n_jobs != 1 || !m->jobs[0].elsewhere || m->jobs[0].state != DYN_JOB_COPYING)
			_exit(2);
		if (dyn_plan_create_simple(o.s, m, 0, LAB_MIB, 0, &p, &o.err))
			_exit(3);
		if (dyn_apply(o.s, p, NULL, &o.err) != -EBUSY || !strstr(o.err.what, "process"))
			_exit(4);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	/* This session shares its own locks: another change of the group works beside the copy. */
	struct dyn_plan *p = NULL;
	lab_scan(l);
	lab_apply(l, dyn_plan_create_simple(l->s, l->m, 0, LAB_MIB, 0, &p, &l->err), &p);
	assert_int_equal(l->m->n_volumes, 2);
	assert_int_equal(dyn_job_limit(l->s, id, 0), 0);
	assert_int_equal(dyn_jobs_wait(l->s, 20000), 0);
	assert_int_equal(lab_job(l, id).state, DYN_JOB_DONE);
	lab_scan(l);
	lab_assert_mirror(l, 0, 1);
}

static void until_state(struct lab *o, enum dyn_job_state state, int code)
{
	for (int i = 0; i < 2000; i++) {
		lab_scan(o);
		if (o->m->n_jobs != 1 || !o->m->jobs[0].elsewhere)
			_exit(code);
		if (o->m->jobs[0].state == state)
			return;
		usleep(10000);
	}
	_exit(code + 1);
}

/* Another process finds the rebuild and has it paused, limited, continued and cancelled. */
static void command_from_elsewhere(struct lab *l)
{
	struct lab o = *l;
	struct dyn_job j;

	o.s = NULL;
	o.m = NULL;
	lab_open(&o);
	until_state(&o, DYN_JOB_COPYING, 10);
	if (o.m->jobs[0].limit != LAB_MIB / 2)
		_exit(20);
	if (dyn_job_control(o.s, o.m, 0, DYN_CONTROL_PAUSE, 0, NULL, &o.err))
		_exit(21);
	until_state(&o, DYN_JOB_PAUSED, 12);
	if (dyn_job_control(o.s, o.m, 0, DYN_CONTROL_LIMIT, LAB_MIB, &j, &o.err) || j.limit != LAB_MIB)
		_exit(22);
	if (dyn_job_control(o.s, o.m, 0, DYN_CONTROL_FINISH, 0, NULL, &o.err) != -EINVAL) /* there is nothing to decide */
		_exit(23);
	if (dyn_job_control(o.s, o.m, 0, DYN_CONTROL_CONTINUE, 0, NULL, &o.err))
		_exit(24);
	until_state(&o, DYN_JOB_COPYING, 14);
	if (dyn_job_control(o.s, o.m, 0, DYN_CONTROL_CANCEL, 0, NULL, &o.err))
		_exit(25);
	for (int i = 0; i < 2000 && o.m->n_jobs; i++) {
		usleep(10000);
		lab_scan(&o);
	}
	if (o.m->n_jobs || o.m->volumes[0].layout != DYN_LAYOUT_SIMPLE)
		_exit(26);
	_exit(0);
}

static void others_control_it(void **state)
{
	struct lab *l = *state;
	unsigned id = lab_mirror(l, LAB_MIB / 2); /* it shall not end meanwhile */
	int status;
	pid_t pid;

	lab_wait(l, id, DYN_JOB_COPYING, 1);
	lab_scan(l);
	assert_int_equal(dyn_job_control(l->s, l->m, 1, DYN_CONTROL_ASK, 0, NULL, &l->err), -EINVAL);
	pid = fork();
	if (pid == 0)
		command_from_elsewhere(l);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	lab_wait(l, id, DYN_JOB_CANCELLED, 0);
	lab_scan(l);
	assert_simple(l);
}

/* Nobody runs it any more, or somebody who must not. */
static void control_without_anybody(void **state)
{
	struct lab *l = *state;
	unsigned id = lab_mirror(l, LAB_MIB / 2); /* it shall not end meanwhile */
	struct dyn_model *m;
	int status, rc;
	pid_t pid;

	lab_wait(l, id, DYN_JOB_COPYING, 1);
	lab_scan(l);
	m = dyn_model_ref(l->m);
	if (getuid() == 0) {
		assert_int_equal(chmod(l->dir, 0755), 0);
		pid = fork();
		if (pid == 0) { /* another user: neither side talks to the other */
			struct dyn_err err;
			if (setresuid(65534, 65534, 65534))
				_exit(2);
			rc = dyn_job_control(l->s, m, 0, DYN_CONTROL_CANCEL, 0, NULL, &err);
			_exit(rc == -EACCES ? 0 : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		assert_int_equal(lab_job(l, id).state, DYN_JOB_COPYING);
	}
	lab_close(l);
	lab_open(l);
	assert_int_equal(dyn_job_control(l->s, m, 0, DYN_CONTROL_PAUSE, 0, NULL, &l->err), -ECONNREFUSED);
	assert_true(l->err.way_out[0]);
	dyn_model_unref(m);
}

static void put_file(const char *dir, const char *name, const char *text, mode_t mode)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static bool has_file(const struct lab *l, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", l->dir, name);
	return access(path, F_OK) == 0;
}

static void reopen_with_root(struct lab *l, const char *root)
{
	const char *paths[] = { l->path[0], l->path[1] };
	struct dyn_options opt = { .state_dir = l->state, .sys_root = root };

	lab_close(l);
	assert_int_equal(dyn_session_open(paths, 2, &opt, &l->s, &l->err), 0);
	lab_scan(l);
}

/* With a stand-in for systemd-inhibit that does as it does: runs a program, holds a lock (here: a file) until that ends. */
static void shutdown_is_held_back(void **state)
{
	struct lab *l = *state;
	char path[1024], text[1024];
	const char *old = getenv("PATH");
	struct dyn_job j;
	unsigned id;

	snprintf(text, sizeof(text),
		 "#!/bin/sh\nfor a; do [ \"$a\" = --what=shutdown:sleep ] && what=1; [ \"$a\" = --mode=block ] && mode=1; done\n"
		 "[ \"$what$mode\" = 11 ] || exit 1\nwhile [ \"${1#--}\" != \"$1\" ]; do shift; done\n"
		 ": >%s/held\n\"$@\"\nrm %s/held\n", l->dir, l->dir);
	put_file(l->dir, "systemd-inhibit", text, 0755);
	snprintf(path, sizeof(path), "%s:%s", l->dir, old);
	setenv("PATH", path, 1);
	reopen_with_root(l, l->dir); /* without logind nobody is asked */
	id = lab_mirror(l, 4 * LAB_MIB);
	j = lab_wait(l, id, DYN_JOB_COPYING, 2 * LAB_MIB);
	assert_false(j.inhibits);
	assert_false(has_file(l, "held"));
	assert_int_equal(dyn_job_pause(l->s, id), 0);
	lab_wait(l, id, DYN_JOB_PAUSED, 0);
	snprintf(text, sizeof(text), "%s/run", l->dir);
	assert_int_equal(mkdir(text, 0755), 0);
	snprintf(text, sizeof(text), "%s/run/systemd", l->dir);
	assert_int_equal(mkdir(text, 0755), 0);
	snprintf(text, sizeof(text), "%s/run/systemd/inhibit", l->dir);
	assert_int_equal(mkdir(text, 0755), 0);
	assert_int_equal(dyn_job_limit(l->s, id, LAB_MIB / 2), 0); /* it shall not end before that has been seen */
	assert_int_equal(dyn_job_continue(l->s, id), 0);
	for (int i = 0; i < 2000 && !lab_job(l, id).inhibits; i++)
		usleep(10000);
	j = lab_job(l, id);
	assert_true(j.inhibits);
	assert_true(has_file(l, "held"));
	assert_int_equal(dyn_job_pause(l->s, id), 0);
	lab_wait(l, id, DYN_JOB_PAUSED, 0);
	for (int i = 0; i < 2000 && has_file(l, "held"); i++) /* paused: given back */
		usleep(10000);
	assert_false(has_file(l, "held"));
	assert_false(lab_job(l, id).inhibits);
	put_file(l->dir, "systemd-inhibit", "#!/bin/sh\nexit 1\n", 0755); /* refused: not claimed, and the rebuild goes on */
	assert_int_equal(dyn_job_limit(l->s, id, 0), 0);
	assert_int_equal(dyn_job_continue(l->s, id), 0);
	j = lab_wait(l, id, DYN_JOB_DONE, 0);
	assert_false(j.inhibits);
	setenv("PATH", old, 1);
	lab_scan(l);
	lab_assert_mirror(l, 0, 1);
}

static void its_record_is_its_own(void **state)
{
	struct lab *l = *state;
	unsigned id = lab_mirror(l, 4 * LAB_MIB);
	struct dyn_plan *p = NULL;
	int rc;

	lab_wait(l, id, DYN_JOB_COPYING, 1);
	lab_scan(l);
	rc = plan_clear_record(l->s, l->m, 1, LDM_REBUILD_FIRST, &p, &l->err);
	if (!rc)
		rc = dyn_apply(l->s, p, NULL, &l->err);
	assert_int_equal(rc, -EBUSY);
	dyn_plan_free(p);
	assert_int_equal(dyn_job_cancel(l->s, id), 0);
	assert_int_equal(dyn_jobs_wait(l->s, 20000), 0);
}

/* What a console does whose user leaves it with a rebuild under way: its child goes on. */
static void leave_it_running(struct lab *l, int tell)
{
	struct dyn_job j;
	unsigned id;
	int rc;

	lab_open(l);
	id = lab_mirror(l, 4 * LAB_MIB);
	lab_wait(l, id, DYN_JOB_COPYING, 1);
	if (dyn_jobs_park(l->s))
		_exit(1);
	j = lab_job(l, id);
	usleep(100000);
	if (j.state != DYN_JOB_QUEUED || lab_job(l, id).done != j.done)
		_exit(2);
	if (fork() > 0)
		_exit(0);
	rc = dyn_jobs_unpark(l->s);
	if (!rc)
		rc = dyn_jobs_wait(l->s, 20000);
	j = lab_job(l, id);
	if (write(tell, rc == 0 && j.state == DYN_JOB_DONE ? "y" : "n", 1) != 1)
		_exit(3);
	_exit(0);
}

static void parked_for_a_fork(void **state)
{
	struct lab *l = *state;
	int status, told[2];
	char said = 0;
	pid_t pid;

	lab_close(l);
	assert_int_equal(pipe(told), 0);
	pid = fork();
	if (pid == 0)
		leave_it_running(l, told[1]);
	close(told[1]);
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	lab_open(l); /* the console is gone, the work and the locks are not */
	assert_int_equal(l->m->n_jobs, 1);
	assert_true(l->m->jobs[0].elsewhere);
	assert_int_equal(read(told[0], &said, 1), 1);
	assert_int_equal(said, 'y');
	close(told[0]);
	lab_scan(l);
	lab_assert_mirror(l, 0, 1);
}

struct trouble {
	struct faulty source, target;
	uint64_t bad_from, bad_to, lie_from, wfail_from;
};

static void wrap(void *arg, struct dyn_io **io, bool target)
{
	struct trouble *t = arg;
	struct faulty *f = target ? &t->target : &t->source;

	faulty_init(f, *io);
	f->owns = true;
	f->bad_from = target ? 0 : t->bad_from;
	f->bad_to = target ? 0 : t->bad_to;
	if (target && t->lie_from) {
		f->lie_from = t->lie_from;
		f->lie_to = t->lie_from + 1;
		f->lie_times = -1;
	}
	if (target && t->wfail_from) {
		f->wfail_from = t->wfail_from;
		f->wfail_to = t->wfail_from + 1;
		f->wfail_rc = -EIO;
		f->wfail_times = -1;
	}
	*io = &f->io;
}

static void fails(struct lab *l, struct trouble *t, const char *says)
{
	struct dyn_job j;
	unsigned id;

	l->s->run->wrap_io = wrap;
	l->s->run->wrap_arg = t;
	id = lab_mirror(l, 0);
	assert_int_equal(dyn_jobs_wait(l->s, 20000), 0);
	j = lab_job(l, id);
	assert_int_equal(j.state, DYN_JOB_FAILED);
	if (!strstr(j.result.what, says))
		fail_msg("\"%s\" does not say \"%s\"", j.result.what, says);
	assert_true(j.result.way_out[0]);
	lab_scan(l);
	assert_int_equal(ldm_db_next(l->m->priv->groups[0].db, LDM_VOLUME, NULL)->u.volume.n_components, 1);
	l->s->run->wrap_io = NULL;
}

/* A rebuild whose source has three bad sectors: it comes to need a decision. */
static unsigned until_undecided(struct lab *l, struct trouble *t, uint64_t *bad)
{
	const struct dyn_extent *e = &l->m->volumes[0].plexes[0].extents[0];
	struct dyn_job j;
	unsigned id;

	*bad = 5 * LAB_MIB + 1024;
	*t = (struct trouble){ .bad_from = e->offset + *bad, .bad_to = e->offset + *bad + 3 * 512 };
	l->s->run->wrap_io = wrap;
	l->s->run->wrap_arg = t;
	id = lab_mirror(l, 0);
	assert_int_equal(dyn_jobs_wait(l->s, 20000), 0);
	j = lab_job(l, id);
	if (j.state != DYN_JOB_UNDECIDED)
		fail_msg("state %d: %s", (int)j.state, j.result.what);
	assert_u64(j.errors, 3);
	assert_u64(j.n_unread, 1);
	assert_u64(j.unread[0].offset, *bad);
	assert_u64(j.unread[0].size, 3 * 512);
	assert_non_null(strstr(j.result.what, "3 sectors of Disk 0"));
	assert_non_null(strstr(j.result.what, "10242-10244"));
	assert_true(j.result.way_out[0]);
	/* the database does not know of a second half */
	lab_scan(l);
	assert_int_equal(ldm_db_next(l->m->priv->groups[0].db, LDM_VOLUME, NULL)->u.volume.n_components, 1);
	assert_int_equal(l->m->volumes[0].status, DYN_VOLUME_REBUILDING);
	return id;
}

static void bad_sectors_make_no_mirror(void **state)
{
	struct lab *l = *state;
	struct trouble t;
	uint64_t bad;
	unsigned id = until_undecided(l, &t, &bad);

	assert_int_equal(dyn_job_continue(l->s, id), 0); /* still bad */
	assert_int_equal(dyn_jobs_wait(l->s, 20000), 0);
	assert_int_equal(lab_job(l, id).state, DYN_JOB_UNDECIDED);
	t.source.bad_to = t.bad_to = t.bad_from; /* the disk recovers (a cable) */
	assert_int_equal(dyn_job_continue(l->s, id), 0);
	assert_int_equal(dyn_jobs_wait(l->s, 20000), 0);
	assert_int_equal(lab_job(l, id).state, DYN_JOB_DONE);
	assert_string_equal(lab_job(l, id).result.what, "");
	lab_scan(l);
	lab_assert_mirror(l, 0, 1);
	assert_int_equal(l->m->priv->disks[1].rebuild_pairs_used, 0);
}

static void bad_sectors_and_cancel(void **state)
{
	struct lab *l = *state;
	struct trouble t;
	uint64_t bad;
	unsigned id = until_undecided(l, &t, &bad);

	assert_int_equal(dyn_job_cancel(l->s, id), 0);
	lab_wait(l, id, DYN_JOB_CANCELLED, 0);
	lab_scan(l);
	assert_simple(l);
	assert_int_equal(l->m->priv->disks[1].rebuild_pairs_used, 0);
}

/* The record knows what is missing, so that the decision can be taken by another program, later. */
static void bad_sectors_are_on_record(void **state)
{
	struct lab *l = *state;
	struct dyn_plan *p = NULL;
	struct dyn_job jobs[4];
	struct trouble t;
	uint64_t bad;

	until_undecided(l, &t, &bad);
	lab_close(l);
	lab_open(l);
	assert_int_equal(l->m->n_jobs, 1);
	assert_int_equal(l->m->jobs[0].state, DYN_JOB_UNDECIDED);
	assert_false(l->m->jobs[0].elsewhere);
	assert_u64(l->m->jobs[0].errors, 3);
	assert_u64(l->m->jobs[0].n_unread, 1);
	assert_u64(l->m->jobs[0].unread[0].offset, bad);
	lab_apply(l, dyn_plan_resume(l->s, l->m, 0, &p, &l->err), &p); /* this session's reads are good ones */
	assert_int_equal(dyn_jobs_wait(l->s, 20000), 0);
	assert_int_equal(dyn_jobs(l->s, jobs, 4), 1);
	assert_int_equal(jobs[0].state, DYN_JOB_DONE);
	lab_scan(l);
	lab_assert_mirror(l, 0, 1);
}

/* A mirror that was finished all the same: zeros there, data everywhere else, and everybody can see it. */
static void assert_marked(struct lab *l, uint64_t bad)
{
	const struct dyn_volume *v = &l->m->volumes[0];
	const struct ldm_record *d = NULL;
	uint8_t *a = malloc(v->size), *b = malloc(v->size);
	unsigned failing = 0;
	int fd;

	assert_int_equal(v->layout, DYN_LAYOUT_MIRROR);
	assert_int_equal(v->status, DYN_VOLUME_AT_RISK);
	assert_u64(v->n_plexes, 2);
	assert_u64(v->n_unread, 1);
	assert_u64(v->unread[0].offset, bad);
	assert_u64(v->unread[0].size, 3 * 512);
	assert_int_equal(l->m->n_jobs, 0);
	assert_u64(l->m->disks[1].n_damage, 0);
	while ((d = ldm_db_next(l->m->priv->groups[0].db, LDM_DISK, d)))
		if (d->u.disk.dflags & LDM_DISK_FAILING) {
			assert_u64(d->id, l->m->priv->disks[0].record_id);
			failing++;
		}
	assert_int_equal(failing, 1);
	fd = open(l->path[0], O_RDONLY);
	assert_int_equal(pread(fd, a, v->size, (off_t)v->plexes[0].extents[0].offset), (ssize_t)v->size);
	close(fd);
	fd = open(l->path[1], O_RDONLY);
	assert_int_equal(pread(fd, b, v->size, (off_t)v->plexes[1].extents[0].offset), (ssize_t)v->size);
	close(fd);
	assert_true(bytes_all_zero(b + bad, 3 * 512));
	memset(a + bad, 0, 3 * 512);
	assert_memory_equal(a, b, v->size);
	free(a);
	free(b);
}

static void finished_with_zeros(void **state)
{
	struct lab *l = *state;
	struct dyn_plan *p = NULL;
	struct trouble t;
	uint64_t bad;
	unsigned id = until_undecided(l, &t, &bad);

	assert_int_equal(dyn_job_finish(l->s, id), 0);
	assert_int_equal(dyn_jobs_wait(l->s, 20000), 0);
	assert_int_equal(lab_job(l, id).state, DYN_JOB_DONE);
	assert_non_null(strstr(lab_job(l, id).result.what, "holds zeros in 3 of them"));
	assert_non_null(strstr(lab_job(l, id).result.what, "10242-10244"));
	assert_int_equal(dyn_job_finish(l->s, id), -ESRCH);
	lab_scan(l);
	assert_marked(l, bad);
	lab_close(l); /* for everybody, and for ever */
	lab_open(l);
	assert_marked(l, bad);
	lab_apply(l, dyn_plan_forget_unread(l->s, l->m, 0, &p, &l->err), &p);
	assert_u64(l->m->volumes[0].n_unread, 0);
	assert_int_equal(l->m->priv->disks[1].rebuild_pairs_used, 0);
	assert_int_equal(dyn_plan_forget_unread(l->s, l->m, 0, &p, &l->err), -EINVAL);
}

static void zeros_are_undone(void **state)
{
	struct lab *l = *state;
	struct dyn_undo *u = NULL;
	struct dyn_plan *p = NULL;
	struct trouble t;
	uint64_t bad;
	size_t n;
	unsigned id = until_undecided(l, &t, &bad);

	assert_int_equal(dyn_job_finish(l->s, id), 0);
	assert_int_equal(dyn_jobs_wait(l->s, 20000), 0);
	lab_scan(l);
	assert_marked(l, bad);
	assert_int_equal(dyn_undo_list(l->s, l->m, &u, &n, &l->err), 0);
	assert_true(n > 0);
	if (!u[0].possible)
		fail_msg("%s cannot be undone: %s", u[0].title, u[0].reason);
	lab_apply(l, dyn_plan_undo(l->s, l->m, u[0].id, &p, &l->err), &p);
	free(u);
	assert_simple(l);
	assert_u64(l->m->volumes[0].n_unread, 0);
	assert_int_equal(l->m->priv->disks[1].rebuild_pairs_used, 0);
}

/* The decision taken for a rebuild found on the disks; and the mark goes with the half. */
static void finished_with_zeros_later(void **state)
{
	struct lab *l = *state;
	struct dyn_plan *p = NULL;
	struct dyn_job jobs[4];
	struct trouble t;
	uint64_t bad;

	until_undecided(l, &t, &bad);
	lab_close(l);
	lab_open(l);
	l->s->run->wrap_io = wrap;
	l->s->run->wrap_arg = &t;
	lab_apply(l, dyn_plan_finish(l->s, l->m, 0, &p, &l->err), &p);
	assert_int_equal(dyn_jobs_wait(l->s, 20000), 0);
	assert_int_equal(dyn_jobs(l->s, jobs, 4), 1);
	if (jobs[0].state != DYN_JOB_DONE)
		fail_msg("state %d: %s", (int)jobs[0].state, jobs[0].result.what);
	lab_scan(l);
	assert_marked(l, bad);
	lab_apply(l, dyn_plan_break(l->s, l->m, 0, 1, false, &p, &l->err), &p); /* drops the half with the zeros */
	assert_u64(l->m->volumes[0].n_unread, 0);
	assert_u64(l->m->disks[1].n_damage, 0);
	assert_int_equal(l->m->priv->disks[1].rebuild_pairs_used, 0); /* its place may be used again */
	l->s->run->wrap_io = NULL;
	lab_mirror(l, 0); /* At Risk is no reason against a new half */
	assert_int_equal(dyn_jobs_wait(l->s, 20000), 0);
	lab_scan(l);
	assert_int_equal(l->m->volumes[0].layout, DYN_LAYOUT_MIRROR);
	assert_u64(l->m->volumes[0].n_unread, 0);
}

/* A source that does not answer at all is not a source with bad sectors: nothing is to be decided, only mended. */
static void a_lost_source_makes_no_mirror(void **state)
{
	struct lab *l = *state;
	struct trouble t = { .bad_from = 0, .bad_to = (uint64_t)DISK_MIB * LAB_MIB };
	struct dyn_plan *p = NULL;
	struct dyn_job jobs[4];

	fails(l, &t, "does not answer any more");
	assert_int_equal(l->m->n_jobs, 1);
	assert_int_equal(l->m->jobs[0].state, DYN_JOB_PAUSED);
	assert_u64(l->m->jobs[0].n_unread, 0);
	assert_int_equal(dyn_plan_finish(l->s, l->m, 0, &p, &l->err), -EINVAL);
	lab_apply(l, dyn_plan_resume(l->s, l->m, 0, &p, &l->err), &p);
	assert_int_equal(dyn_jobs_wait(l->s, 20000), 0);
	assert_int_equal(dyn_jobs(l->s, jobs, 4), 2);
	assert_int_equal(jobs[1].state, DYN_JOB_DONE);
	lab_scan(l);
	lab_assert_mirror(l, 0, 1);
}

static void write_errors_make_no_mirror(void **state)
{
	struct lab *l = *state;
	struct trouble t = { .wfail_from = l->m->volumes[0].plexes[0].extents[0].offset + 3 * LAB_MIB };

	fails(l, &t, "Disk 1");
	assert_non_null(strstr(lab_job(l, 1).result.what, "cannot be written"));
}

static void lost_writes_make_no_mirror(void **state)
{
	struct lab *l = *state;
	struct trouble t = { .lie_from = l->m->volumes[0].plexes[0].extents[0].offset + 3 * LAB_MIB };

	fails(l, &t, "does not hold what was written");
}

static void one_after_the_other(void **state)
{
	struct lab *l = *state;
	struct dyn_plan *p = NULL;
	unsigned first, second;

	lab_apply(l, dyn_plan_create_simple(l->s, l->m, 0, 2 * LAB_MIB, 'F', &p, &l->err), &p);
	assert_int_equal(l->m->n_volumes, 2);
	lab_fill(l, 1, 9);
	first = lab_mirror(l, 4 * LAB_MIB);
	lab_wait(l, first, DYN_JOB_COPYING, 1);
	p = NULL;
	lab_apply(l, dyn_plan_add_mirror(l->s, l->m, 1, 1, DYN_TABLE_NONE, &p, &l->err), &p);
	second = first + 1;
	assert_int_equal(lab_job(l, second).state, DYN_JOB_QUEUED);
	assert_int_equal(l->m->n_jobs, 2);
	/* pausing the first lets the second run */
	assert_int_equal(dyn_job_pause(l->s, first), 0);
	lab_wait(l, second, DYN_JOB_DONE, 0);
	assert_int_equal(lab_job(l, first).state, DYN_JOB_PAUSED);
	lab_scan(l);
	lab_assert_mirror(l, 1, 9);
	assert_int_equal(l->m->n_jobs, 1);
	assert_int_equal(dyn_job_limit(l->s, first, 0), 0);
	assert_int_equal(dyn_job_continue(l->s, first), 0);
	lab_wait(l, first, DYN_JOB_DONE, 0);
	lab_scan(l);
	lab_assert_mirror(l, 0, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_mirror_is_made),
		TEST(it_is_regenerating_until_then),
		TEST(pause_and_continue),
		TEST(wishes_between_states),
		TEST(paused_while_it_checks),
		TEST(no_disk_goes_off_line_meanwhile),
		TEST(cancel_leaves_a_simple_volume),
		TEST(a_closed_session_is_resumed_and_checked),
		TEST(a_new_mirror_is_a_rebuild_like_any_other),
		TEST(killed_in_the_middle),
		TEST(others_see_it_and_keep_off),
		TEST(others_control_it),
		TEST(control_without_anybody),
		TEST(shutdown_is_held_back),
		TEST(its_record_is_its_own),
		TEST(parked_for_a_fork),
		TEST(bad_sectors_make_no_mirror),
		TEST(bad_sectors_and_cancel),
		TEST(bad_sectors_are_on_record),
		TEST(finished_with_zeros),
		TEST(finished_with_zeros_later),
		TEST(zeros_are_undone),
		TEST(a_lost_source_makes_no_mirror),
		TEST(write_errors_make_no_mirror),
		TEST(lost_writes_make_no_mirror),
		TEST(one_after_the_other),
	};
	return cmocka_run_group_tests_name("run job", tests, NULL, NULL);
}
