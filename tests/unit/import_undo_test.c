/* SPDX-License-Identifier: GPL-3.0-or-later */
/* import_undo_test.c - an import is taken back: whole, finished later, and with the undo cut off in its turn. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <unistd.h>

#include "tests/unit/run_lab.h"

static void upgrade(struct lab *l, size_t disk, enum dyn_table table)
{
	struct dyn_plan *p = NULL;

	lab_apply(l, dyn_plan_upgrade(l->s, l->m, disk, table, DYN_NONE, &p, &l->err), &p);
}

/* The newest of so many entries, which must be possible. */
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

/* A session on some of the disks, with its own clock. */
static void open_at(struct lab *l, size_t first, size_t n, uint64_t clock)
{
	const char *paths[LAB_DISKS];
	struct dyn_options opt = { .state_dir = l->state, .fixed_time = clock };

	lab_close(l);
	for (size_t i = 0; i < n; i++)
		paths[i] = l->path[first + i];
	assert_int_equal(dyn_session_open(paths, n, &opt, &l->s, &l->err), 0);
	lab_scan(l);
}

static void open_two(struct lab *l, size_t first, size_t n)
{
	open_at(l, first, n, 0);
}

static size_t healthy_volumes(const struct lab *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->m->n_volumes; i++)
		n += l->m->volumes[i].status == DYN_VOLUME_HEALTHY;
	return n;
}

/* The disks that joined are byte for byte what they were; and the import is done once more by undoing the undo. */
static void an_import_is_taken_back(void **state)
{
	struct dyn_plan *p = NULL;
	struct dyn_undo *list = NULL;
	uint64_t was[2];
	size_t n;
	struct lab lab, *l = &lab;

	(void)state;
	lab_make(l, 3, 24);
	open_two(l, 1, 2);
	upgrade(l, 0, DYN_TABLE_MBR);
	upgrade(l, 1, DYN_TABLE_MBR);
	lab_apply(l, dyn_plan_create_mirror(l->s, l->m, (size_t[]){ 0, 1 }, 4 * LAB_MIB, 'E', &p, &l->err), &p);
	assert_int_equal(dyn_jobs_wait(l->s, 60000), 0);
	open_two(l, 0, 1);
	lab_volume(l, 1, 4);
	open_two(l, 0, 3);
	assert_int_equal(l->m->n_groups, 2);
	for (size_t i = 0; i < 2; i++)
		was[i] = lab_hash(l->path[1 + i]);
	lab_apply(l, dyn_plan_import(l->s, l->m, 1, 0, &p, &l->err), &p);
	assert_int_equal(l->m->n_groups, 1);
	assert_int_equal(healthy_volumes(l), 2);
	assert_int_equal(dyn_undo_list(l->s, l->m, &list, &n, &l->err), 0);
	free(list);
	for (int round = 0; round < 2; round++) {
		undo(l, n);
		assert_int_equal(l->m->n_groups, 2);
		assert_int_equal(l->m->n_volumes, 2);
		assert_int_equal(healthy_volumes(l), 2);
		assert_u64(l->m->groups[0].n_disks, 1);
		for (size_t i = 0; i < 2; i++)
			assert_u64(lab_hash(l->path[1 + i]), was[i]);
		undo(l, n);
		assert_int_equal(l->m->n_groups, 1);
		assert_string_equal(l->m->groups[0].problem, "");
		assert_u64(l->m->groups[0].n_missing, 0);
		assert_int_equal(l->m->n_volumes, 2);
		assert_int_equal(healthy_volumes(l), 2);
		for (size_t i = 0; i < 3; i++)
			assert_int_equal(l->m->disks[i].status, DYN_DISK_ONLINE);
	}
	lab_remove(l);
}

/* Cut off behind its commit, finished by recovery at another time: it can be undone like any other. */
static void an_import_that_was_finished_is_taken_back(void **state)
{
	struct dyn_plan *p = NULL, *rec = NULL;
	struct dyn_undo *list = NULL;
	struct lab lab, *l = &lab;
	char cmd[2400], import[64] = "";
	uint64_t was;
	size_t n;

	(void)state;
	lab_make(l, 2, 24);
	open_two(l, 1, 1);
	upgrade(l, 0, DYN_TABLE_MBR);
	open_two(l, 0, 1);
	lab_volume(l, 1, 4);
	open_two(l, 0, 2);
	was = lab_hash(l->path[1]);
	snprintf(cmd, sizeof(cmd), "cp '%s' '%s/kept'", l->path[1], l->dir);
	assert_int_equal(system(cmd), 0);
	assert_int_equal(dyn_plan_import(l->s, l->m, 1, 0, &p, &l->err), 0);
	assert_int_equal(dyn_apply(l->s, p, dyn_plan_confirm(p), &l->err), 0);
	/* the disk as it was with its mark: nothing behind the commit was written */
	snprintf(cmd, sizeof(cmd), "cp '%s/kept' '%s'", l->dir, l->path[1]);
	assert_int_equal(system(cmd), 0);
	const struct dyn_write *w = &dyn_plan_step(p, 0)->writes[0];
	int fd = open(l->path[1], O_WRONLY);
	assert_int_equal(pwrite(fd, w->after, (size_t)w->n_sectors * 512, (off_t)w->sector * 512), (ssize_t)w->n_sectors * 512);
	close(fd);
	dyn_plan_free(p);
	open_at(l, 0, 2, 1600000000); /* another time */
	assert_int_equal(l->m->n_groups, 1);
	assert_true(l->m->groups[0].import_cut);
	lab_apply(l, dyn_plan_recover(l->s, l->m, 0, &rec, &l->err), &rec);
	assert_string_equal(l->m->groups[0].problem, "");
	assert_int_equal(dyn_undo_list(l->s, l->m, &list, &n, &l->err), 0);
	for (size_t i = 0; i < n; i++)
		if (strncmp(list[i].title, "Import", 6) == 0)
			snprintf(import, sizeof(import), "%s", list[i].id);
	free(list);
	lab_apply(l, dyn_plan_undo(l->s, l->m, import, &p, &l->err), &p);
	assert_int_equal(l->m->n_groups, 2);
	assert_u64(lab_hash(l->path[1]), was);
	lab_remove(l);
}

/* Undo of an import, cut off after each of its writes and begun again. */
static void undo_of_an_import_survives_a_cut(void **state)
{
	struct dyn_plan *p = NULL;
	struct lab lab, *l = &lab;
	size_t cut = 0, total = 1;

	(void)state;
	for (cut = 1; cut < total + 1; cut += 5) {
		size_t done = 0;
		struct dyn_undo u;
		lab_make(l, 2, 24);
		open_two(l, 1, 1);
		upgrade(l, 0, DYN_TABLE_GPT);
		lab_apply(l, dyn_plan_create_simple(l->s, l->m, 0, LAB_MIB, 'E', &p, &l->err), &p);
		open_two(l, 0, 1);
		upgrade(l, 0, DYN_TABLE_MBR);
		open_two(l, 0, 2);
		uint64_t was = lab_hash(l->path[1]);
		lab_apply(l, dyn_plan_import(l->s, l->m, 1, 0, &p, &l->err), &p);
		u = newest(l, 4);
		assert_int_equal(dyn_plan_undo(l->s, l->m, u.id, &p, &l->err), 0);
		total = 0;
		for (size_t i = 0; i < dyn_plan_n_steps(p); i++)
			for (size_t k = 0; k < dyn_plan_step(p, i)->n_writes; k++, total++) {
				const struct dyn_write *w = &dyn_plan_step(p, i)->writes[k];
				int fd = open(l->path[w->disk], O_WRONLY);
				if (done++ < cut)
					assert_int_equal(pwrite(fd, w->after, (size_t)w->n_sectors * 512, (off_t)w->sector * 512),
							 (ssize_t)w->n_sectors * 512);
				close(fd);
			}
		dyn_plan_free(p);
		p = NULL;
		lab_scan(l);
		for (int round = 0; round < 3; round++) /* a transaction that was cut off is settled first */
			for (size_t g = 0; g < l->m->n_groups; g++)
				if (l->m->groups[g].interrupted) {
					lab_apply(l, dyn_plan_recover(l->s, l->m, g, &p, &l->err), &p);
					break;
				}
		if (dyn_plan_undo(l->s, l->m, u.id, &p, &l->err) == 0)
			lab_apply(l, 0, &p);
		else if (!strstr(l->err.what, "undone already"))
			fail_msg("cut %zu of %zu: %s", cut, total, l->err.what);
		assert_int_equal(l->m->n_groups, 2);
		assert_u64(l->m->groups[0].n_disks, 1);
		assert_int_equal(healthy_volumes(l), 1);
		assert_u64(lab_hash(l->path[1]), was);
		lab_remove(l);
	}
	assert_true(total > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_import_is_taken_back),
		cmocka_unit_test(an_import_that_was_finished_is_taken_back),
		cmocka_unit_test(undo_of_an_import_survives_a_cut),
	};
	return cmocka_run_group_tests_name("import undo", tests, NULL, NULL);
}
