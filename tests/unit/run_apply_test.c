/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/run_lab.h"

static int setup(void **state)
{
	struct lab *l = malloc(sizeof(*l));

	lab_make(l, 2, 24);
	*state = l;
	return 0;
}

static int teardown(void **state)
{
	lab_remove(*state);
	free(*state);
	return 0;
}

static struct dyn_plan *plan_upgrade(struct lab *l, size_t disk)
{
	struct dyn_plan *p = NULL;

	if (dyn_plan_upgrade(l->s, l->m, disk, DYN_TABLE_MBR, DYN_NONE, &p, &l->err))
		fail_msg("plan: %s", l->err.what);
	return p;
}

static void upgrade(struct lab *l, size_t disk)
{
	struct dyn_plan *p = plan_upgrade(l, disk);

	lab_apply(l, 0, &p);
}

static int apply(struct lab *l, const struct dyn_plan *p)
{
	return dyn_apply(l->s, p, dyn_plan_confirm(p), &l->err);
}

static void a_plan_is_carried_out(void **state)
{
	struct lab *l = *state;
	struct dyn_plan *p = plan_upgrade(l, 0);
	unsigned fds = lab_open_fds();

	assert_int_equal(apply(l, p), 0);
	for (size_t i = 0; i < dyn_plan_n_steps(p); i++) {
		const struct dyn_step *st = dyn_plan_step(p, i);
		assert_int_equal(st->kind, DYN_STEP_SECTORS);
	}
	dyn_plan_free(p);
	assert_int_equal(lab_open_fds(), fds);
	lab_scan(l);
	assert_true(l->m->disks[0].dynamic);
	assert_int_equal(l->m->disks[0].status, DYN_DISK_ONLINE);
	assert_int_equal(l->m->n_groups, 1);
}

static void looking_sessions_refuse(void **state)
{
	struct lab *l = *state;
	const char *paths[] = { l->path[0] };
	struct dyn_options opt = { .state_dir = l->state, .read_only = true };
	struct dyn_session *s;
	struct dyn_plan *p = plan_upgrade(l, 0);
	uint64_t before = lab_hash(l->path[0]);

	assert_int_equal(dyn_session_open(paths, 1, &opt, &s, NULL), 0);
	assert_int_equal(dyn_apply(s, p, dyn_plan_confirm(p), &l->err), -EROFS);
	dyn_session_close(s);
	dyn_plan_free(p);
	assert_u64(lab_hash(l->path[0]), before);
	assert_int_not_equal(access(l->state, F_OK), 0); /* not even the folder for undo */
}

static void the_confirmation_must_match(void **state)
{
	struct lab *l = *state;
	struct dyn_plan *p = plan_upgrade(l, 0);
	uint64_t before = lab_hash(l->path[0]);

	p->confirm_disk = 0;
	assert_string_equal(dyn_plan_confirm(p), "disk0.img");
	assert_int_equal(dyn_apply(l->s, p, NULL, &l->err), -EPERM);
	assert_int_equal(dyn_apply(l->s, p, "disk1.img", &l->err), -EPERM);
	assert_non_null(strstr(l->err.what, "disk0.img"));
	assert_u64(lab_hash(l->path[0]), before);
	assert_int_equal(dyn_apply(l->s, p, "disk0.img", &l->err), 0);
	dyn_plan_free(p);
}

static void poke(const char *path, uint64_t at, uint8_t value)
{
	int fd = open(path, O_RDWR);

	assert_int_equal(pwrite(fd, &value, 1, (off_t)at), 1);
	close(fd);
}

static void changed_disks_are_refused(void **state)
{
	struct lab *l = *state;
	struct dyn_plan *p;
	const struct model_disk *md;
	uint64_t private_start, hash;

	p = plan_upgrade(l, 0);
	poke(l->path[0], 511, 0xaa); /* somebody made a partition table meanwhile */
	hash = lab_hash(l->path[0]);
	assert_int_equal(apply(l, p), -ESTALE);
	assert_non_null(strstr(l->err.what, "changed"));
	assert_non_null(strstr(l->err.way_out, "escan"));
	assert_u64(lab_hash(l->path[0]), hash);
	dyn_plan_free(p);
	poke(l->path[0], 511, 0);

	lab_scan(l);
	upgrade(l, 0);
	p = plan_upgrade(l, 1); /* joins: disk 0's database is part of it */
	md = &l->m->priv->disks[0];
	private_start = md->ph.private_start;
	poke(l->path[0], (private_start + LDM_CONFIG_START + 700) * 512 + 300, 1); /* a sector the plan does not write */
	hash = lab_hash(l->path[1]);
	assert_int_equal(apply(l, p), -ESTALE);
	assert_non_null(strstr(l->err.what, "LDM database"));
	assert_u64(lab_hash(l->path[1]), hash);
	poke(l->path[0], (private_start + LDM_CONFIG_START + 700) * 512 + 300, 0);
	poke(l->path[0], (private_start + LDM_PH_PRIMARY) * 512 + 0x10, 0x55); /* a header it does not write either */
	assert_int_equal(apply(l, p), -ESTALE);
	assert_u64(lab_hash(l->path[1]), hash);
	dyn_plan_free(p);
}

static void a_plan_is_not_applied_twice(void **state)
{
	struct lab *l = *state;
	struct dyn_plan *p = plan_upgrade(l, 0);
	uint64_t hash;

	assert_int_equal(apply(l, p), 0);
	hash = lab_hash(l->path[0]);
	assert_int_equal(apply(l, p), -ESTALE);
	assert_u64(lab_hash(l->path[0]), hash);
	dyn_plan_free(p);
}

/* A child that holds the lock of a file until it is killed. */
static pid_t holder(const char *path)
{
	int ready[2];
	char c;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		int fd = open(path, O_RDWR);
		if (fd < 0 || flock(fd, LOCK_EX) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

static void locked_disks_are_refused(void **state)
{
	struct lab *l = *state;
	struct dyn_plan *p;
	uint64_t hash = lab_hash(l->path[1]);
	char number[32];
	unsigned fds;
	pid_t pid;

	upgrade(l, 0);
	p = plan_upgrade(l, 1);
	pid = holder(l->path[0]); /* a member of the group, not the disk that is upgraded */
	fds = lab_open_fds();
	assert_int_equal(apply(l, p), -EBUSY);
	snprintf(number, sizeof(number), "process %d", (int)pid);
	assert_non_null(strstr(l->err.what, number));
	assert_non_null(strstr(l->err.what, "Disk 0"));
	assert_int_equal(lab_open_fds(), fds);
	assert_u64(lab_hash(l->path[1]), hash);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(apply(l, p), 0);
	dyn_plan_free(p);
}

static void without_undo_nothing_is_written(void **state)
{
	struct lab *l = *state;
	struct dyn_plan *p = plan_upgrade(l, 0);
	uint64_t hash = lab_hash(l->path[0]);
	int fd = open(l->state, O_WRONLY | O_CREAT, 0600); /* a file where the folder should be */

	close(fd);
	assert_int_equal(apply(l, p), -ENOTDIR);
	assert_non_null(strstr(l->err.what, l->dir));
	assert_non_null(strstr(l->err.way_out, "--state-dir"));
	assert_u64(lab_hash(l->path[0]), hash);
	unlink(l->state);
	assert_int_equal(mkdir(l->state, 0700), 0);
	assert_int_equal(symlink(l->dir, strcat(strcpy((char[128]){ 0 }, l->state), "/undo")), 0);
	assert_true(apply(l, p) < 0); /* nor through somebody's link */
	assert_u64(lab_hash(l->path[0]), hash);
	dyn_plan_free(p);
}

static void undo_files_are_private(void **state)
{
	struct lab *l = *state;
	struct dyn_undo *list;
	char path[256];
	struct stat st;
	size_t n;

	upgrade(l, 0);
	assert_int_equal(dyn_undo_list(l->s, l->m, &list, &n, &l->err), 0);
	assert_int_equal(n, 1);
	snprintf(path, sizeof(path), "%s/undo/%s", l->state, list[0].id);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	snprintf(path, sizeof(path), "%s/undo", l->state);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	free(list);
}

/* After a write that fails in the middle nothing more is written until the disks have been read again. */
static void failures_ask_for_a_rescan(void **state)
{
	struct lab *l = *state;
	struct dyn_plan *p = plan_upgrade(l, 0), *q = plan_upgrade(l, 1);
	struct rlimit old, small;
	uint64_t hash = lab_hash(l->path[1]);
	int rc;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = (struct rlimit){ 20 * LAB_MIB, old.rlim_max }; /* the private region at 23 MiB cannot be written */
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	rc = apply(l, p);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(rc, -EFBIG);
	assert_non_null(strstr(l->err.what, "Disk 0"));
	assert_int_equal(apply(l, q), -ESTALE);
	assert_non_null(strstr(l->err.what, "earlier change failed"));
	assert_u64(lab_hash(l->path[1]), hash);
	dyn_plan_free(q);
	dyn_plan_free(p);
	lab_scan(l);
	upgrade(l, 1);
}

/* A disk taken off line is present, not read, missing from its group, and in nobody's plan; then it is what it was. */
static void offline_disks_are_left_alone(void **state)
{
	struct lab *l = *state;
	struct dyn_plan *p = NULL;
	uint64_t hash;

	upgrade(l, 0);
	upgrade(l, 1);
	assert_u64(l->m->n_disks, 2);
	hash = lab_hash(l->path[1]);
	assert_int_equal(dyn_set_offline(l->s, l->path[1], true, &l->err), 0);
	assert_int_equal(dyn_set_offline(l->s, l->path[1], true, &l->err), 0);
	lab_scan(l);
	assert_u64(l->m->n_disks, 3);
	assert_int_equal(l->m->disks[0].status, DYN_DISK_ONLINE);
	assert_int_equal(l->m->disks[1].status, DYN_DISK_OFFLINE);
	assert_true(l->m->disks[1].taken_offline);
	assert_u64(l->m->disks[1].size, 24 * LAB_MIB);
	assert_false(l->m->disks[1].dynamic);
	assert_u64(l->m->disks[1].n_damage, 0);
	assert_int_equal(l->m->disks[2].status, DYN_DISK_MISSING);
	assert_false(l->m->disks[2].taken_offline);
	assert_u64(l->m->groups[0].n_missing, 1);
	assert_int_equal(dyn_plan_clean(l->s, l->m, 1, false, &p, &l->err), -ENODEV);
	assert_non_null(strstr(l->err.what, "was taken off line"));
	assert_null(p);
	assert_u64(lab_hash(l->path[1]), hash);
	assert_int_equal(dyn_set_offline(l->s, l->path[1], false, &l->err), 0);
	assert_int_equal(dyn_set_offline(l->s, "elsewhere", false, &l->err), 0);
	lab_scan(l);
	assert_u64(l->m->n_disks, 2);
	assert_int_equal(l->m->disks[1].status, DYN_DISK_ONLINE);
	assert_false(l->m->disks[1].taken_offline);
	assert_true(l->m->disks[1].dynamic);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_plan_is_carried_out),       TEST(looking_sessions_refuse),
		TEST(the_confirmation_must_match), TEST(changed_disks_are_refused),
		TEST(a_plan_is_not_applied_twice), TEST(locked_disks_are_refused),
		TEST(without_undo_nothing_is_written), TEST(undo_files_are_private),
		TEST(failures_ask_for_a_rescan),   TEST(offline_disks_are_left_alone),
	};
	return cmocka_run_group_tests_name("run apply", tests, NULL, NULL);
}
