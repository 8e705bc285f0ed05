/* SPDX-License-Identifier: GPL-3.0-or-later */
/* defects_test.c - what the proofs of this folder have found, each by its name, so that it does not come back. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "tests/faults/case.h"

/* A power cut, as far as the engine can tell: from the n-th write on nothing is written any more. */
struct cut {
	size_t left;
};

static int no_more_writes(void *arg, size_t disk, char kind, uint64_t sector)
{
	struct cut *cut = arg;

	(void)disk, (void)sector;
	if (kind != 'w')
		return 0;
	if (cut->left == 0)
		return -EIO;
	cut->left--;
	return 0;
}

/* Applies the plan up to its n-th write, and starts anew on the disks as they then are. */
static void cut_after(struct fault_case *c, struct dyn_plan *p, size_t n)
{
	struct cut cut = { n };

	c->ram.fault = no_more_writes;
	c->ram.fault_arg = &cut;
	assert_int_equal(dyn_apply(c->w.s, p, dyn_plan_confirm(p), NULL), -EIO);
	c->ram.fault = NULL;
	dyn_plan_free(p);
	c->w.use(&c->w, c->w.n);
}

static size_t only_undo(struct fault_case *c, struct dyn_undo *u)
{
	struct dyn_undo *list = NULL;
	struct dyn_err err = { 0 };
	size_t n = 0, found = 0;

	assert_int_equal(dyn_undo_list(c->w.s, c->w.m, &list, &n, &err), 0);
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].title, u->title) == 0) {
			*u = list[i];
			found++;
		}
	free(list);
	return found;
}

/*
 * A reactivation brings the database of a disk that was away up to date. Undoing it (the removal of its halves from the
 * mirrors, that is) made them part of their mirrors again, and nothing said any more that they were out of date.
 */
static void undo_never_brings_an_old_half_back(void **state)
{
	struct dyn_undo u = { 0 };
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	struct fault_case c;
	size_t n;

	(void)state;
	case_begin(&c, SETUP_STALE, 2, MIX_MBR);
	assert_int_equal(dyn_plan_reactivate(c.w.s, c.w.m, 1, &p, &err), 0);
	assert_false(dyn_plan_can_undo(p));
	snprintf(u.title, sizeof(u.title), "%s", dyn_plan_title(p));
	n = dyn_plan_step(p, 0)->n_writes + dyn_plan_step(p, 1)->n_writes;
	cut_after(&c, p, n);
	assert_int_equal(c.w.m->disks[1].status, DYN_DISK_ONLINE); /* its database is the group's now */
	assert_int_equal(only_undo(&c, &u), 1);
	assert_false(u.possible);
	assert_non_null(strstr(u.reason, "out of date"));
	assert_int_equal(dyn_plan_undo(c.w.s, c.w.m, u.id, &p, &err), -ENOTSUP);
	case_end(&c);
}

/* A repair is several changes; cut off between two of them it could not be undone: "the disk group changed since". */
static void undo_of_a_repair_cut_between_its_steps(void **state)
{
	struct dyn_undo u = { 0 };
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	struct fault_case c;
	char *before, *now;
	int rc;

	(void)state;
	case_begin(&c, SETUP_SPARE, 3, MIX_BOTH);
	before = ops_picture(c.w.m);
	assert_int_equal(dyn_plan_repair(c.w.s, c.w.m, 0, 2, DYN_TABLE_MBR, true, &p, &err), 0);
	snprintf(u.title, sizeof(u.title), "%s", dyn_plan_title(p));
	cut_after(&c, p, dyn_plan_step(p, 0)->n_writes);
	now = ops_picture(c.w.m);
	assert_string_not_equal(now, before); /* the lost half is off, its disk still there */
	free(now);
	assert_int_equal(only_undo(&c, &u), 1);
	assert_true(u.possible);
	rc = dyn_plan_undo(c.w.s, c.w.m, u.id, &p, &err);
	ops_apply(&c.w, rc, p, &err);
	now = ops_picture(c.w.m);
	assert_string_equal(now, before);
	free(now);
	free(before);
	case_end(&c);
}

static int unreadable_from(void *arg, size_t disk, char kind, uint64_t sector)
{
	const uint64_t *from = arg;

	return disk == 0 && kind == 'r' && sector >= from[0] && sector < from[1] ? -EIO : 0;
}

/* A volume whose first sectors could not be read had no file system, and was "all healthy" for monitoring. */
static void a_volume_that_cannot_be_read_is_not_silently_sound(void **state)
{
	struct dyn_model *m;
	struct fault_case c;
	uint64_t from[2];

	(void)state;
	case_begin(&c, SETUP_GROUP, 2, MIX_MBR);
	from[0] = c.w.m->volumes[0].plexes[0].extents[0].offset / RAM_SECTOR;
	from[1] = from[0] + 1;
	assert_int_equal(c.w.m->disks[0].n_damage, 0);
	c.ram.fault = unreadable_from;
	c.ram.fault_arg = from;
	m = ram_scan(&c.ram, 2);
	assert_int_equal(m->disks[0].n_damage, 1);
	assert_non_null(strstr(m->disks[0].damage[0], "first sectors of a volume on it cannot be read"));
	assert_int_equal(m->disks[0].status, DYN_DISK_ONLINE);
	dyn_model_unref(m);
	c.ram.fault = NULL;
	case_end(&c);
}

/* The first n writes of a plan have landed, and one sector of the next. False: there are no more. */
static bool carry_out_up_to(struct ram *r, const struct dyn_plan *p, size_t n)
{
	for (size_t i = 0; i < dyn_plan_n_steps(p); i++) {
		const struct dyn_step *st = dyn_plan_step(p, i);
		size_t done = 0;
		for (unsigned phase = 0; done < st->n_writes; phase++)
			for (size_t k = 0; k < st->n_writes; k++) {
				const struct dyn_write *w = &st->writes[k];
				if (w->phase != phase)
					continue;
				ram_put(r, w->disk, w->sector, n ? w->n_sectors : 1, w->after);
				if (n-- == 0)
					return true;
				done++;
			}
	}
	return false;
}

static void begin_import(struct fault_case *c, struct dyn_undo *u, char **before)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	int rc;

	case_begin(c, SETUP_TWO, 2, MIX_MBR);
	*before = ops_picture(c->w.m);
	rc = dyn_plan_import(c->w.s, c->w.m, c->w.m->disks[0].group, c->w.m->disks[1].group, &p, &err);
	snprintf(u->title, sizeof(u->title), "%s", dyn_plan_title(p));
	ops_apply(&c->w, rc, p, &err);
	ram_keep(&c->ram);
	assert_int_equal(only_undo(c, u), 1);
}

/*
 * The undo of an import, cut off when the headers of the disk that goes home were back and its old database half so: begun
 * anew it took what lay there for the group's database, and gave the group that.
 */
static void undo_of_an_import_torn_anywhere(void **state)
{
	struct dyn_undo u = { 0 };
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	struct fault_case c;
	char *before, *now;
	bool more = true;

	(void)state;
	begin_import(&c, &u, &before);
	for (size_t n = 0; more; n++) {
		assert_int_equal(dyn_plan_undo(c.w.s, c.w.m, u.id, &p, &err), 0);
		more = carry_out_up_to(&c.ram, p, n);
		dyn_plan_free(p);
		c.w.rescan(&c.w);
		for (size_t g = 0; g < c.w.m->n_groups; g++)
			if (c.w.m->groups[g].interrupted) {
				assert_int_equal(dyn_plan_recover(c.w.s, c.w.m, g, &p, &err), 0);
				assert_false(carry_out_up_to(&c.ram, p, SIZE_MAX));
				dyn_plan_free(p);
				c.w.rescan(&c.w);
			}
		if (dyn_plan_undo(c.w.s, c.w.m, u.id, &p, &err) == 0) {
			assert_false(carry_out_up_to(&c.ram, p, SIZE_MAX));
			dyn_plan_free(p);
			c.w.rescan(&c.w);
		} else {
			assert_int_equal(err.code, -EALREADY);
		}
		now = ops_picture(c.w.m);
		assert_string_equal(now, before);
		free(now);
		ram_drop(&c.ram);
		c.w.rescan(&c.w);
	}
	free(before);
	case_end(&c);
}

/* Such an undo came to its end, but its file is still there: it does not take back what happened to the group since. */
static void undo_of_an_import_keeps_a_later_change(void **state)
{
	struct dyn_undo u = { 0 };
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	struct fault_case c;
	char *before;
	int rc;

	(void)state;
	begin_import(&c, &u, &before);
	assert_int_equal(dyn_plan_undo(c.w.s, c.w.m, u.id, &p, &err), 0);
	assert_false(carry_out_up_to(&c.ram, p, SIZE_MAX));
	dyn_plan_free(p);
	c.w.rescan(&c.w);
	assert_int_equal(dyn_plan_undo(c.w.s, c.w.m, u.id, &p, &err), -EALREADY);
	rc = dyn_plan_create_simple(c.w.s, c.w.m, 0, OPS_MIB, 'Z', &p, &err);
	ops_apply(&c.w, rc, p, &err);
	assert_int_equal(dyn_plan_undo(c.w.s, c.w.m, u.id, &p, &err), -ESTALE);
	free(before);
	case_end(&c);
}

/* Sector x of write k alone, or all but it, behind the writes before. */
static void tear_write(struct ram *r, const struct dyn_step *st, size_t k, uint32_t x, bool but)
{
	const struct dyn_write *w = &st->writes[k];

	for (size_t i = 0; i < k; i++)
		ram_put(r, st->writes[i].disk, st->writes[i].sector, st->writes[i].n_sectors, st->writes[i].after);
	for (uint32_t i = 0; i < w->n_sectors; i++)
		if ((i == x) != but)
			ram_put(r, w->disk, w->sector + i, 1, w->after + (size_t)i * RAM_SECTOR);
}

/* Each of the first sectors of each write of a plan alone, and all but it: what is seen is the old picture or the new. */
static void old_or_new_torn(struct fault_case *c, struct dyn_plan *p)
{
	const struct dyn_step *st = dyn_plan_step(p, 0);
	struct pictures pics = { 0 };

	pictures_of_plan(c, p, &pics);
	assert_int_equal(pics.n, 2);
	for (size_t k = 0; k < st->n_writes; k++)
		for (uint32_t x = 0; x < st->writes[k].n_sectors && x < 40; x++)
			for (int but = 0; but < 2; but++) {
				struct dyn_model *m;
				char *now;
				tear_write(&c->ram, st, k, x, but != 0);
				m = ram_scan(&c->ram, c->w.n);
				now = ops_picture(m);
				if (pictures_find(&pics, now) == DYN_NONE)
					fail_msg("write %zu, sector %u %s: %s", k, x, but ? "missing" : "alone", now);
				free(now);
				dyn_model_unref(m);
				ram_drop(&c->ram);
			}
	pictures_clear(&pics);
	dyn_plan_free(p);
	case_end(c);
}

/* A clean zeroed the first MiB of a GPT disk in one write: torn, its header stayed without its entries. */
static void a_torn_clean_is_done_or_not(void **state)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	struct fault_case c;

	(void)state;
	case_begin(&c, SETUP_PARTS, 2, MIX_GPT);
	assert_int_equal(dyn_plan_clean(c.w.s, c.w.m, 0, false, &p, &err), 0);
	old_or_new_torn(&c, p);
}

/* An MBR in the place of a GPT was written after both of its copies were gone: until then the disk could not be read. */
static void from_gpt_to_mbr_at_one_blow(void **state)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	struct fault_case c;

	(void)state;
	case_begin(&c, SETUP_EMPTY, 2, MIX_GPT);
	assert_int_equal(dyn_plan_initialize(c.w.s, c.w.m, 0, DYN_TABLE_MBR, &p, &err), 0);
	old_or_new_torn(&c, p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(undo_never_brings_an_old_half_back),
		cmocka_unit_test(undo_of_a_repair_cut_between_its_steps),
		cmocka_unit_test(a_volume_that_cannot_be_read_is_not_silently_sound),
		cmocka_unit_test(undo_of_an_import_torn_anywhere),
		cmocka_unit_test(undo_of_an_import_keeps_a_later_change),
		cmocka_unit_test(a_torn_clean_is_done_or_not),
		cmocka_unit_test(from_gpt_to_mbr_at_one_blow),
	};

	return cmocka_run_group_tests_name("defects", tests, NULL, NULL);
}
