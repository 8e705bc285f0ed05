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

/* However late the caller gets to run again. */
static void a_limit_holds_from_the_first_byte(void **state)
{
	struct lab *l = *state;
	struct dyn_plan *p = NULL;

	dyn_jobs_limit_new(l->s, LAB_MIB);
	lab_apply(l, dyn_plan_add_mirror(l->s, l->m, 0, 1, DYN_TABLE_MBR, &p, &l->err), &p);
	assert_u64(lab_job(l, 1).limit, LAB_MIB);
	usleep(300000);
	assert_in_range(lab_job(l, 1).done, 0, 2 * LAB_MIB);
	assert_int_equal(dyn_job_cancel(l->s, 1), 0);
	lab_wait(l, 1, DYN_JOB_CANCELLED, 0);
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
	lab_assert_simple(l);
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
	lab_assert_simple(l);
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
	lab_assert_simple(l);
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
	lab_assert_simple(l);
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
		TEST(a_limit_holds_from_the_first_byte),
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
		TEST(one_after_the_other),
	};
	return cmocka_run_group_tests_name("run job", tests, NULL, NULL);
}
