/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
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

static void upgrade(struct lab *l, size_t disk, enum dyn_table table)
{
	struct dyn_plan *p = NULL;

	lab_apply(l, dyn_plan_upgrade(l->s, l->m, disk, table, DYN_NONE, &p, &l->err), &p);
}

/* The newest entry, which must be possible. */
static struct dyn_undo newest(struct lab *l, size_t expected)
{
	struct dyn_undo *list, first;
	size_t n;

	assert_int_equal(dyn_undo_list(l->s, l->m, &list, &n, &l->err), 0);
	assert_int_equal(n, expected);
	first = list[0];
	free(list);
	if (!first.possible)
		fail_msg("%s: %s", first.title, first.reason);
	return first;
}

static void undo(struct lab *l, size_t expected)
{
	struct dyn_undo u = newest(l, expected);
	struct dyn_plan *p = NULL;

	lab_apply(l, dyn_plan_undo(l->s, l->m, u.id, &p, &l->err), &p);
}

static void an_upgrade_is_taken_back(void **state)
{
	static const enum dyn_table tables[] = { DYN_TABLE_MBR, DYN_TABLE_GPT };
	struct lab *l = *state;
	uint64_t blank = lab_hash(l->path[0]);

	for (size_t i = 0; i < 2; i++) {
		upgrade(l, i, tables[1]);
		assert_true(l->m->disks[i].dynamic);
	}
	assert_int_equal(l->m->n_groups, 1);
	assert_u64(l->m->groups[0].n_disks, 2);
	uint64_t tid = l->m->groups[0].transaction;
	undo(l, 2);
	assert_u64(lab_hash(l->path[1]), blank); /* byte for byte */
	assert_true(l->m->disks[0].dynamic);
	assert_u64(l->m->groups[0].n_disks, 1);
	assert_u64(l->m->groups[0].n_missing, 0);
	assert_true(l->m->groups[0].transaction > tid); /* by a transaction, not by going back */
	assert_int_equal(l->m->groups[0].interrupted, false);
	assert_string_equal(l->m->groups[0].problem, "");
}

static void only_the_last_change_can_be_undone(void **state)
{
	struct lab *l = *state;
	struct dyn_undo *list;
	struct dyn_plan *p = NULL;
	size_t n;

	lab_volume(l, 1, 4);
	assert_int_equal(dyn_undo_list(l->s, l->m, &list, &n, &l->err), 0);
	assert_int_equal(n, 2);
	assert_true(list[0].possible);
	assert_false(list[1].possible);
	assert_true(list[1].reason[0]);
	uint64_t hash = lab_hash(l->path[0]);
	assert_true(dyn_plan_undo(l->s, l->m, list[1].id, &p, &l->err) < 0);
	assert_null(p);
	assert_u64(lab_hash(l->path[0]), hash);
	free(list);
	assert_int_equal(dyn_plan_undo(l->s, l->m, "../../etc/passwd", &p, &l->err), -ENOENT);
}

/* Undo of the newest, then of the one before, down to blank disks: transaction numbers only grow meanwhile. */
static void a_chain_goes_back_to_blank(void **state)
{
	struct lab *l = *state;
	uint64_t blank = lab_hash(l->path[0]), n = 3;

	upgrade(l, 0, DYN_TABLE_MBR);
	upgrade(l, 1, DYN_TABLE_MBR);
	struct dyn_plan *p = NULL;
	lab_apply(l, dyn_plan_create_simple(l->s, l->m, 0, 4 * LAB_MIB, 'E', &p, &l->err), &p);
	assert_int_equal(l->m->n_volumes, 1);
	for (; n > 0; n--) {
		/* an undo leaves an undo file of its own: the redo, newest; the one of the plan it took back is gone */
		struct dyn_undo *list;
		size_t count, k = 0;
		assert_int_equal(dyn_undo_list(l->s, l->m, &list, &count, &l->err), 0);
		while (k < count && strncmp(list[k].title, "Undo", 4) == 0)
			k++;
		assert_true(k < count);
		if (!list[k].possible)
			fail_msg("%s: %s", list[k].title, list[k].reason);
		p = NULL;
		lab_apply(l, dyn_plan_undo(l->s, l->m, list[k].id, &p, &l->err), &p);
		free(list);
	}
	assert_int_equal(l->m->n_groups, 0);
	assert_u64(lab_hash(l->path[0]), blank);
	assert_u64(lab_hash(l->path[1]), blank);
}

static void a_change_is_redone_by_undoing_its_undo(void **state)
{
	struct lab *l = *state;

	lab_volume(l, 1, 4);
	undo(l, 2);
	assert_int_equal(l->m->n_volumes, 0);
	undo(l, 2);
	assert_int_equal(l->m->n_volumes, 1);
	assert_string_equal(l->m->volumes[0].name, "Volume1");
	assert_int_equal(l->m->volumes[0].letter, 'D');
	assert_int_equal(l->m->volumes[0].status, DYN_VOLUME_HEALTHY);
}

static void the_disk_must_be_there(void **state)
{
	struct lab *l = *state;
	struct dyn_undo *list;
	size_t n;

	upgrade(l, 1, DYN_TABLE_MBR);
	lab_close(l);
	l->n = 1;
	lab_open(l);
	assert_int_equal(dyn_undo_list(l->s, l->m, &list, &n, &l->err), 0);
	assert_int_equal(n, 1);
	assert_false(list[0].possible);
	assert_non_null(strstr(list[0].reason, "not here"));
	free(list);
}

static void damaged_files_are_refused(void **state)
{
	struct lab *l = *state;
	struct dyn_undo u;
	struct dyn_plan *p = NULL;
	char path[256];
	struct stat st;
	uint8_t b;

	upgrade(l, 0, DYN_TABLE_MBR);
	u = newest(l, 1);
	snprintf(path, sizeof(path), "%s/undo/%s", l->state, u.id);
	assert_int_equal(stat(path, &st), 0);
	int fd = open(path, O_RDWR);
	for (off_t at = 0; at < st.st_size; at += st.st_size / 37 + 1) {
		assert_int_equal(pread(fd, &b, 1, at), 1);
		b ^= 0x40;
		assert_int_equal(pwrite(fd, &b, 1, at), 1);
		assert_int_equal(dyn_plan_undo(l->s, l->m, u.id, &p, &l->err), -EBADMSG);
		b ^= 0x40;
		assert_int_equal(pwrite(fd, &b, 1, at), 1);
	}
	assert_int_equal(ftruncate(fd, st.st_size / 2), 0);
	assert_int_equal(dyn_plan_undo(l->s, l->m, u.id, &p, &l->err), -EBADMSG);
	close(fd);
	assert_null(p);
}

/* A finished mirror goes back to a simple volume with the rebuild's record, that to a disk without. */
static void a_mirror_is_taken_back(void **state)
{
	struct lab *l = *state;
	struct dyn_undo u;
	struct dyn_plan *p = NULL;
	unsigned id;

	lab_volume(l, 2, 4);
	assert_int_equal(dyn_plan_add_mirror(l->s, l->m, 0, 1, DYN_TABLE_NONE, &p, &l->err), 0);
	assert_true(dyn_plan_n_notes(p) > 0); /* said beforehand: what the copy goes over stays gone */
	assert_non_null(strstr(dyn_plan_note(p, dyn_plan_n_notes(p) - 1), "Undo does not bring back"));
	dyn_plan_free(p);
	p = NULL;
	id = lab_mirror(l, 0);
	lab_wait(l, id, DYN_JOB_DONE, 0);
	lab_scan(l);
	lab_assert_mirror(l, 0, 1);
	u = newest(l, 5);
	lab_apply(l, dyn_plan_undo(l->s, l->m, u.id, &p, &l->err), &p);
	assert_int_equal(l->m->n_volumes, 1);
	assert_int_equal(l->m->n_jobs, 1);
	assert_int_equal(l->m->jobs[0].state, DYN_JOB_PAUSED);
	p = NULL;
	lab_apply(l, dyn_plan_cancel(l->s, l->m, 0, &p, &l->err), &p);
	assert_int_equal(l->m->n_jobs, 0);
	assert_int_equal(l->m->volumes[0].layout, DYN_LAYOUT_SIMPLE);
	assert_int_equal(l->m->volumes[0].status, DYN_VOLUME_HEALTHY);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_upgrade_is_taken_back),
		TEST(only_the_last_change_can_be_undone),
		TEST(a_chain_goes_back_to_blank),
		TEST(a_change_is_redone_by_undoing_its_undo),
		TEST(the_disk_must_be_there),
		TEST(damaged_files_are_refused),
		TEST(a_mirror_is_taken_back),
	};
	return cmocka_run_group_tests_name("run undo", tests, NULL, NULL);
}
