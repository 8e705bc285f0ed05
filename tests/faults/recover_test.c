/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recover_test.c - plans of recovery, of the ends of imports and of rebuild records, where something is missing or odd:
 * memory at each of their allocations, disks, headers that contradict each other.
 */
#include "tests/unit/unit.h"

#include <errno.h>

#include "base/bytes.h"
#include "plan/join.h"
#include "tests/faults/case.h"
#include "tests/faults/wrap.h"

enum { STATUS_AT = 0x10, COMMITTED_AT = 0x75, PENDING_AT = 0x7d, MANY = 64 };

static size_t volume_of(const struct dyn_model *m, char letter)
{
	for (size_t i = 0; i < m->n_volumes; i++)
		if (m->volumes[i].letter == letter)
			return i;
	fail_msg("there is no volume %c:", letter);
	return 0;
}

/* The first n writes of a plan, long ones counted as one, and nothing else; then a scan. */
static size_t write_some(struct fault_case *c, const struct dyn_plan *p, size_t n)
{
	size_t total = 0;

	ram_drop(&c->ram);
	for (size_t i = 0; i < p->n_steps; i++)
		for (size_t k = 0; k < p->steps[i].pub.n_writes; k++, total++) {
			const struct dyn_write *w = &p->steps[i].pub.writes[k];
			if (total < n)
				ram_put(&c->ram, w->disk, w->sector, w->n_sectors, w->after);
		}
	c->w.rescan(&c->w);
	return total;
}

/* Cuts the plan off as soon as the disks are so; frees it. Returns after how many writes that is. */
static size_t cut_when(struct fault_case *c, struct dyn_plan *p, bool (*so)(const struct dyn_model *m))
{
	size_t n = 0, total;

	do {
		total = write_some(c, p, ++n);
	} while (n < total && !so(c->w.m));
	assert_true(so(c->w.m));
	dyn_plan_free(p);
	return n;
}

static bool first_has_committed(const struct dyn_model *m)
{
	return m->priv->disks[0].db_head.status == LDM_VMDB_COMMIT;
}

static bool import_is_cut(const struct dyn_model *m)
{
	return m->groups[0].import_cut;
}

static struct dyn_plan *letter_plan(struct fault_case *c)
{
	struct dyn_plan *p = NULL;

	assert_int_equal(dyn_plan_set_letter(c->w.s, c->w.m, volume_of(c->w.m, 'C'), 'Q', &p, NULL), 0);
	return p;
}

/* All disks have noted the commit, none is committed: what the missing ones hold decides. */
static void cut_before_commit(struct fault_case *c)
{
	struct dyn_plan *p = letter_plan(c), *same = letter_plan(c);
	size_t n = cut_when(c, p, first_has_committed);

	write_some(c, same, n - 1);
	dyn_plan_free(same);
	assert_true(c->w.m->groups[0].interrupted);
	assert_int_equal(c->w.m->priv->disks[0].db_head.status, LDM_VMDB_CHANGE);
}

static void expect(int rc, int code, const struct dyn_err *err, const char *word)
{
	if (rc != code || !strstr(err->what, word))
		fail_msg("%d, \"%s\" instead of %d, \"%s\"", rc, err->what, code, word);
}

static bool noted(const struct dyn_plan *p, const char *word)
{
	for (size_t i = 0; i < dyn_plan_n_notes(p); i++)
		if (strstr(dyn_plan_note(p, i), word))
			return true;
	return false;
}

/* ------------------------------------------------------------- without memory */

/* A way to make a plan, to be starved. */
struct maker_of {
	struct fault_case *c;
	int (*make)(struct fault_case *c, struct dyn_plan **p, struct dyn_err *err);
};

static int make_plan(void *arg, struct dyn_err *err)
{
	const struct maker_of *k = arg;
	struct dyn_plan *p = NULL;
	int rc = k->make(k->c, &p, err);

	if (!rc)
		dyn_plan_free(p);
	return rc;
}

static void starve(struct fault_case *c, int (*make)(struct fault_case *c, struct dyn_plan **p, struct dyn_err *err))
{
	struct maker_of k = { c, make };

	assert_true(wrap_starve(make_plan, &k) > 10);
}

static int recovery(struct fault_case *c, struct dyn_plan **p, struct dyn_err *err)
{
	return dyn_plan_recover(c->w.s, c->w.m, 0, p, err);
}

static int recovery_anyway(struct fault_case *c, struct dyn_plan **p, struct dyn_err *err)
{
	return dyn_plan_recover_anyway(c->w.s, c->w.m, 0, p, err);
}

static int new_letter(struct fault_case *c, struct dyn_plan **p, struct dyn_err *err)
{
	return dyn_plan_set_letter(c->w.s, c->w.m, volume_of(c->w.m, 'C'), 'Q', p, err);
}

static int new_mirror(struct fault_case *c, struct dyn_plan **p, struct dyn_err *err)
{
	return dyn_plan_add_mirror(c->w.s, c->w.m, volume_of(c->w.m, 'C'), 1, DYN_TABLE_NONE, p, err);
}

static void a_plan_without_memory_is_none(void **state)
{
	struct fault_case c;

	(void)state;
	case_begin(&c, SETUP_GROUP, 3, MIX_BOTH);
	starve(&c, new_letter);
	cut_when(&c, letter_plan(&c), first_has_committed);
	starve(&c, recovery);
	case_end(&c);
}

/* ------------------------------------------------------------- disks that are missing */

/* One or more of them; insisted upon, what is here is rolled back. */
static void what_missing_disks_hold_is_not_guessed(void **state)
{
	static const char *const says[] = { "1 of its 2 disks is missing", "2 of its 3 disks are missing" };
	static const char *const notes[] = { "1 of the group's 2 disks is missing", "2 of the group's 3 disks are missing" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct dyn_plan *p = NULL;
		struct dyn_err err = { 0 };
		struct fault_case c;
		int rc;
		case_begin(&c, SETUP_GROUP, 2 + i, MIX_BOTH);
		cut_before_commit(&c);
		c.w.use(&c.w, 1);
		expect(dyn_plan_recover(c.w.s, c.w.m, 0, &p, &err), -ENODEV, &err, says[i]);
		assert_null(p);
		starve(&c, recovery_anyway);
		rc = dyn_plan_recover_anyway(c.w.s, c.w.m, 0, &p, &err);
		assert_int_equal(rc, 0);
		assert_true(noted(p, notes[i]));
		ops_apply(&c.w, rc, p, &err);
		assert_false(c.w.m->groups[0].interrupted);
		assert_int_equal(c.w.m->volumes[volume_of(c.w.m, 'C')].status, DYN_VOLUME_FAILED_REDUNDANCY);
		case_end(&c);
	}
}

static void put_head(struct fault_case *c, size_t disk, uint16_t status, uint64_t committed, uint64_t pending)
{
	uint64_t at = (c->w.m->priv->disks[disk].ph.private_start + LDM_CONFIG_START) * 512;
	uint8_t b[512];

	ram_read(&c->ram, disk, at, b, sizeof(b));
	bytes_put_be(b + STATUS_AT, 2, status);
	bytes_put_be(b + COMMITTED_AT, 8, committed);
	bytes_put_be(b + PENDING_AT, 8, pending);
	c->w.put(&c->w, disk, at, b, sizeof(b));
}

/* Disks that have missed changes, one of them in the middle of another: they neither decide nor are written to. */
static void disks_that_took_no_part_are_left_alone(void **state)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	struct fault_case c;
	uint64_t tid;

	(void)state;
	case_begin(&c, SETUP_GROUP, 4, MIX_BOTH);
	cut_before_commit(&c);
	tid = c.w.m->priv->disks[0].db_head.committed_tid;
	put_head(&c, 1, LDM_VMDB_CLEAN, tid - 1, tid - 1);
	put_head(&c, 2, LDM_VMDB_CHANGE, tid - 1, tid + 7);
	c.w.use(&c.w, 3);
	expect(dyn_plan_recover(c.w.s, c.w.m, 0, &p, &err), -ENODEV, &err, "1 of its 4 disks is missing");
	assert_int_equal(dyn_plan_recover_anyway(c.w.s, c.w.m, 0, &p, &err), 0);
	for (size_t k = 0; k < dyn_plan_step(p, 0)->n_writes; k++)
		assert_int_equal(dyn_plan_step(p, 0)->writes[k].disk, 0);
	dyn_plan_free(p);
	/* on its way to where the others are: it tells that this was made everywhere */
	put_head(&c, 2, LDM_VMDB_COMMIT, tid - 1, tid);
	c.w.rescan(&c.w);
	(void)dyn_plan_recover(c.w.s, c.w.m, 0, &p, &err);
	case_end(&c);
}

/* A log with more entries than are looked at may hold the one that counts. */
static void a_long_log_is_not_read_to_its_disadvantage(void **state)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	struct fault_case c;
	uint8_t log[4 * 512];
	uint64_t at;

	(void)state;
	case_begin(&c, SETUP_GROUP, 2, MIX_MBR);
	cut_before_commit(&c);
	at = (c.w.m->priv->disks[0].ph.private_start + LDM_LOG_START) * 512;
	ram_read(&c.ram, 0, at, log, 512);
	for (size_t i = 0; i < 4; i++) {
		memcpy(log + i * 512, log, 24);
		bytes_put_be(log + i * 512 + 16, 4, 4); /* pages */
		bytes_put_be(log + i * 512 + 20, 4, i);
		for (size_t k = 0; k < 20; k++) {
			uint8_t *e = log + i * 512 + 24 + k * 24;
			memset(e, 0, 24);
			e[0] = LDM_LOG_DIRTY;
			bytes_put_be(e + 1, 8, 4);
		}
	}
	c.w.put(&c.w, 0, at, log, sizeof(log));
	c.w.use(&c.w, 1);
	assert_true(c.w.m->groups[0].interrupted);
	expect(dyn_plan_recover(c.w.s, c.w.m, 0, &p, &err), -ENODEV, &err, "cannot be told");
	case_end(&c);
}

static void what_cannot_be_recovered_is_said(void **state)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	struct fault_case c;

	(void)state;
	case_begin(&c, SETUP_GROUP, 2, MIX_BOTH);
	expect(dyn_plan_recover(c.w.s, c.w.m, 7, &p, &err), -EINVAL, &err, "no such disk group");
	expect(dyn_plan_recover(c.w.s, c.w.m, 0, &p, &err), -EALREADY, &err, "no change of group");
	cut_when(&c, letter_plan(&c), first_has_committed);
	((struct dyn_disk *)c.w.m->disks)[1].read_only = true;
	expect(dyn_plan_recover(c.w.s, c.w.m, 0, &p, &err), -EROFS, &err, "read-only");
	assert_null(p);
	case_end(&c);
}

/* ------------------------------------------------------------- imports */

static struct dyn_plan *import_plan(struct fault_case *c)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };

	if (dyn_plan_import(c->w.s, c->w.m, c->w.m->disks[0].group, c->w.m->disks[c->w.n - 1].group, &p, &err))
		fail_msg("%s", err.what);
	return p;
}

static void an_import_is_finished_or_not_begun(void **state)
{
	static const enum ops_mix mixes[] = { MIX_MBR, MIX_GPT };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct dyn_plan *p = NULL;
		struct dyn_err err = { 0 };
		struct fault_case c;
		int rc;
		case_begin(&c, SETUP_TWO, 4, mixes[i]);
		cut_when(&c, import_plan(&c), import_is_cut);
		starve(&c, recovery);
		((struct dyn_disk *)c.w.m->disks)[0].read_only = true;
		expect(dyn_plan_recover(c.w.s, c.w.m, 0, &p, &err), -EROFS, &err, "read-only");
		((struct dyn_disk *)c.w.m->disks)[0].read_only = false;
		rc = dyn_plan_recover(c.w.s, c.w.m, 0, &p, &err);
		ops_apply(&c.w, rc, p, &err);
		assert_int_equal(c.w.m->n_groups, 1);
		assert_int_equal(c.w.m->groups[0].n_missing, 0);
		assert_string_equal(c.w.m->groups[0].problem, "");
		case_end(&c);
	}
}

/* A disk with a group's headers, and a group that does not list it, or none to take the headers from. */
static void a_disk_joins_only_who_knows_it(void **state)
{
	struct dyn_err err = { 0 };
	struct dyn_plan *p = NULL;
	struct fault_case c;
	struct sim sim;
	size_t into;

	(void)state;
	case_begin(&c, SETUP_TWO, 2, MIX_BOTH);
	into = c.w.m->disks[1].group;
	assert_int_equal(sim_begin(&sim, c.w.s, c.w.m, &err, "Join"), 0);
	expect(join_disk(&sim, 0, into, &err), -ESTALE, &err, "does not know Disk 0 any more");
	sim.disks[1].dynamic = false; /* nobody's headers to be like */
	sim.disks[0].ph = sim.disks[1].ph;
	expect(join_disk(&sim, 0, into, &err), -ESTALE, &err, "does not know Disk 0 any more");
	assert_int_equal(sim_finish(&sim, -ESTALE, &p), -ESTALE);
	case_end(&c);
}

/* The database header of a disk becomes unreadable. */
static void lose_head(struct fault_case *c, size_t disk)
{
	static const uint8_t nothing[512];

	c->w.put(&c->w, disk, (c->w.m->priv->disks[disk].ph.private_start + LDM_CONFIG_START) * 512, nothing, 512);
}

/* The group that is to leave has its marks, the other one is in the middle of the transaction that takes it over. */
static bool undecided_import(const struct dyn_model *m)
{
	const struct ldm_vmdb *left = &m->priv->disks[0].db_head, *into = &m->priv->disks[2].db_head;

	return m->n_groups == 2 && ldm_vmdb_is_leaving(left, into->pending_tid) && into->status == LDM_VMDB_CHANGE &&
	       m->priv->disks[3].db_head.status == LDM_VMDB_CHANGE;
}

static void only_writes_to(const struct dyn_plan *p, size_t from)
{
	assert_true(dyn_plan_step(p, 0)->n_writes > 0);
	for (size_t i = 0; i < dyn_plan_n_steps(p); i++)
		for (size_t k = 0; k < dyn_plan_step(p, i)->n_writes; k++)
			assert_true(dyn_plan_step(p, i)->writes[k].disk >= from);
}

/* Whoever asks for the group that was to leave gets the other one's recovery first, however many disks tell of it. */
static void the_other_group_comes_first(void **state)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	struct fault_case c;
	uint64_t tid;
	char *old, *now;

	(void)state;
	case_begin_spare(&c, SETUP_TWO, 4, MIX_BOTH, 1);
	old = ops_picture(c.w.m);
	c.w.n = 4; /* import_plan() looks at the last one of the two groups */
	p = import_plan(&c);
	c.w.n = 5;
	cut_when(&c, p, undecided_import);
	tid = c.w.m->priv->disks[2].db_head.committed_tid;
	p = NULL;
	assert_int_equal(dyn_plan_recover(c.w.s, c.w.m, c.w.m->disks[0].group, &p, &err), 0);
	only_writes_to(p, 2);
	dyn_plan_free(p);
	lose_head(&c, 2); /* a disk of the other group does not tell */
	c.w.rescan(&c.w);
	assert_int_equal(dyn_plan_recover(c.w.s, c.w.m, c.w.m->disks[0].group, &p, &err), 0);
	only_writes_to(p, 2);
	dyn_plan_free(p);
	p = NULL;
	cut_when(&c, (c.w.n = 4, ram_drop(&c.ram), c.w.rescan(&c.w), import_plan(&c)), undecided_import);
	c.w.n = 5;
	c.w.rescan(&c.w);
	put_head(&c, 2, LDM_VMDB_CHANGE, tid, tid + 9); /* or tells of something else */
	c.w.rescan(&c.w);
	assert_int_equal(dyn_plan_recover(c.w.s, c.w.m, c.w.m->disks[0].group, &p, &err), 0);
	only_writes_to(p, 2);
	dyn_plan_free(p);
	/* to the end: first the one, then the other, and all is as it was */
	cut_when(&c, (c.w.n = 4, ram_drop(&c.ram), c.w.rescan(&c.w), import_plan(&c)), undecided_import);
	c.w.n = 5;
	c.w.rescan(&c.w);
	for (int i = 0; i < 2; i++) {
		int rc = dyn_plan_recover(c.w.s, c.w.m, c.w.m->disks[0].group, &p, &err);
		ops_apply(&c.w, rc, p, &err);
	}
	now = ops_picture(c.w.m);
	assert_string_equal(now, old);
	free(now);
	free(old);
	case_end(&c);
}

/* The transaction turns out to be made: those that bear its mark and are listed by it join, also while their own group
 * is shown as what it was. */
static void who_bears_the_mark_joins(void **state)
{
	struct dyn_err err = { 0 };
	struct dyn_plan *p = NULL;
	struct fault_case c;
	struct ldm_db *made;
	struct sim sim;
	size_t into;
	int rc;

	(void)state;
	case_begin(&c, SETUP_TWO, 4, MIX_BOTH);
	cut_when(&c, import_plan(&c), import_is_cut);
	assert_int_equal(ldm_db_clone(c.w.m->priv->groups[0].db, &made), 0);
	ram_drop(&c.ram);
	c.w.rescan(&c.w);
	cut_when(&c, import_plan(&c), undecided_import);
	into = c.w.m->disks[2].group;
	assert_int_equal(sim_begin(&sim, c.w.s, c.w.m, &err, "Finish the import"), 0);
	ldm_db_free(sim.groups[into].db);
	sim.groups[into].db = made;
	rc = join_rest(&sim, into, &err);
	assert_int_equal(rc, 0);
	for (size_t i = 0; i < 4; i++)
		assert_true(sim.disks[i].member && sim.disks[i].group == into);
	assert_int_equal(sim_finish(&sim, rc, &p), 0);
	assert_int_equal(dyn_plan_n_steps(p), 2); /* one for each that joins */
	dyn_plan_free(p);
	case_end(&c);
}

/* A disk bears the mark of a transaction that does not take it over: it stays where it is. */
static void a_mark_alone_is_no_membership(void **state)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	struct fault_case c;
	struct ldm_vmdb head;
	uint8_t b[512];
	size_t into;

	(void)state;
	case_begin(&c, SETUP_TWO, 4, MIX_BOTH);
	assert_int_equal(dyn_plan_set_letter(c.w.s, c.w.m, volume_of(c.w.m, 'C'), 'Q', &p, NULL), 0);
	into = p->steps[0].pub.writes[0].disk;
	assert_int_equal(into, 2);
	for (size_t n = 1; c.w.m->priv->disks[2].db_head.status != LDM_VMDB_COMMIT; n++)
		write_some(&c, p, n);
	dyn_plan_free(p);
	head = c.w.m->priv->disks[0].db_head;
	ldm_vmdb_mark_leaving(&head, c.w.m->priv->disks[2].db_head.pending_tid);
	ldm_vmdb_encode(&head, b);
	c.w.put(&c.w, 0, (c.w.m->priv->disks[0].ph.private_start + LDM_CONFIG_START) * 512, b, 512);
	lose_head(&c, 1);
	c.w.rescan(&c.w);
	p = NULL;
	assert_int_equal(dyn_plan_recover(c.w.s, c.w.m, c.w.m->disks[2].group, &p, &err), 0);
	only_writes_to(p, 2);
	dyn_plan_free(p);
	case_end(&c);
}

/* ------------------------------------------------------------- records of rebuilds */

static struct plan_copy rebuild; /* of the case at hand */

static int attach(struct fault_case *c, struct dyn_plan **p, struct dyn_err *err)
{
	return plan_attach(c->w.s, c->w.m, &rebuild, p, err);
}

static int clear(struct fault_case *c, struct dyn_plan **p, struct dyn_err *err)
{
	return plan_clear_record(c->w.s, c->w.m, 1, rebuild.record_slot, p, err);
}

/* C: has a rebuild on record on the second disk. */
static void begin_rebuild(struct fault_case *c)
{
	struct dyn_plan *p = NULL;

	case_begin(c, SETUP_IDLE, 2, MIX_BOTH);
	assert_int_equal(new_mirror(c, &p, NULL), 0);
	for (size_t i = 0; i < p->n_steps; i++) {
		const struct dyn_step *st = &p->steps[i].pub;
		for (size_t k = 0; st->kind == DYN_STEP_SECTORS && k < st->n_writes; k++)
			ram_put(&c->ram, st->writes[k].disk, st->writes[k].sector, st->writes[k].n_sectors, st->writes[k].after);
		if (st->kind == DYN_STEP_COPY)
			rebuild = p->steps[i].copy;
	}
	dyn_plan_free(p);
	ram_keep(&c->ram);
	c->w.rescan(&c->w);
	assert_int_equal(c->w.m->n_jobs, 1);
	rebuild.record.done = rebuild.record.size;
}

static size_t remarks(const struct dyn_model *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_disks; i++)
		n += m->disks[i].n_damage;
	return n;
}

/* A scan that cannot have the memory for it says so, or what it cannot read; it never leaves a record out silently. */
static void starve_scan(struct fault_case *c)
{
	const char *paths[RAM_MAX];
	struct model_scan_args a = { .paths = paths, .n_paths = c->w.n, .sys_root = c->ram.dir };
	size_t volume = volume_of(c->w.m, 'C'), refused = 0;

	for (size_t i = 0; i < c->w.n; i++) { /* of files: the disks in memory want memory as well */
		paths[i] = c->ram.disks[i].path;
		ram_dump(&c->ram, i, paths[i]);
	}
	wrap.mode = WRAP_FAIL;
	wrap.class = WRAP_ALLOC;
	wrap.error = ENOMEM;
	wrap.hits = 1;
	for (wrap.nth = 1; wrap.hits; wrap.nth++) {
		struct dyn_model *m = NULL;
		struct dyn_err err = { 0 };
		int rc;
		wrap.calls = wrap.hits = 0;
		wrap.armed = true;
		rc = model_scan(&a, &m, &err);
		wrap.armed = false;
		refused += rc != 0;
		if (rc)
			expect(rc, -ENOMEM, &err, "memory");
		else if (remarks(m) == remarks(c->w.m))
			assert_true(m->n_jobs == c->w.m->n_jobs && m->volumes[volume].n_unread == c->w.m->volumes[volume].n_unread);
		dyn_model_unref(m);
	}
	assert_true(refused > 20);
}

/* As many marks of the half on the second disk as there is room for. */
static void put_marks(struct fault_case *c)
{
	uint64_t at = c->w.m->priv->disks[1].ph.private_start + LDM_REBUILD_FIRST;
	struct ldm_rebuild r = c->w.m->priv->disks[1].marks[0].r;
	uint8_t b[512];

	r.n_bad = LDM_REBUILD_RANGES;
	for (size_t i = 0; i < r.n_bad; i++)
		r.bad[i] = (struct dyn_range){ .offset = i * 4096, .size = 512 };
	ldm_rebuild_encode(&r, b);
	for (size_t i = 0; i < 2 * LDM_REBUILD_PAIRS; i++)
		c->w.put(&c->w, 1, (at + i) * 512, b, sizeof(b));
	c->w.rescan(&c->w);
	assert_u64(c->w.m->volumes[volume_of(c->w.m, 'C')].n_unread, LDM_REBUILD_PAIRS * LDM_REBUILD_RANGES);
}

static void records_without_memory(void **state)
{
	struct dyn_plan *p = NULL;
	struct fault_case c;

	(void)state;
	case_begin(&c, SETUP_IDLE, 2, MIX_BOTH);
	starve(&c, new_mirror);
	case_end(&c);
	begin_rebuild(&c);
	starve(&c, attach);
	starve(&c, clear);
	starve_scan(&c); /* a rebuild is never left out of a model silently */
	rebuild.record.n_bad = 1;
	rebuild.record.bad[0] = (struct dyn_range){ .offset = 512, .size = 512 };
	starve(&c, attach);
	assert_int_equal(attach(&c, &p, NULL), 0);
	write_some(&c, p, SIZE_MAX);
	dyn_plan_free(p);
	assert_u64(c.w.m->volumes[volume_of(c.w.m, 'C')].n_unread, 1);
	starve_scan(&c); /* nor a mark */
	put_marks(&c);
	starve_scan(&c);
	case_end(&c);
}

/* At its end everything has to be as it was when the rebuild began. */
static void a_half_is_attached_only_where_it_belongs(void **state)
{
	static const char other[] = "99999999-0000-4000-8000-000000000001";
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	struct plan_copy good;
	struct fault_case c;

	(void)state;
	begin_rebuild(&c);
	good = rebuild;
	memcpy(rebuild.record.volume_guid, other, sizeof(other));
	expect(attach(&c, &p, &err), -ESTALE, &err, "is gone");
	rebuild = good;
	memcpy(rebuild.record.target_guid, other, sizeof(other));
	expect(attach(&c, &p, &err), -ESTALE, &err, "the target disk of C: is gone");
	rebuild = good;
	rebuild.record.size--;
	expect(attach(&c, &p, &err), -ESTALE, &err, "not the simple volume it was");
	rebuild = good;
	rebuild.record.target_start = 1;
	expect(attach(&c, &p, &err), -ESTALE, &err, "something else now uses the room");
	rebuild = good;
	((struct dyn_disk *)c.w.m->disks)[1].read_only = true;
	expect(attach(&c, &p, &err), -EROFS, &err, "read-only");
	((struct dyn_disk *)c.w.m->disks)[1].read_only = false;
	assert_null(p);
	c.ram.disks[0].gone = true; /* the source: that is the reason, and nothing to begin anew for */
	c.w.rescan(&c.w);
	expect(attach(&c, &p, &err), -EIO, &err, "the rebuild of C: cannot be finished");
	assert_non_null(strstr(err.what, "cannot be read"));
	c.ram.disks[0].gone = false;
	c.w.rescan(&c.w);
	assert_int_equal(attach(&c, &p, &err), 0);
	dyn_plan_free(p);
	case_end(&c);
}

/* The places of records are used up one after the other, also by records that are damaged. */
static void a_disk_has_room_for_so_many_records(void **state)
{
	uint8_t junk[512];
	struct fault_case c;

	(void)state;
	case_begin(&c, SETUP_IDLE, 2, MIX_BOTH);
	memset(junk, 'j', sizeof(junk));
	for (uint64_t pair = 0; pair <= LDM_REBUILD_PAIRS; pair++) {
		uint64_t first = c.w.m->priv->disks[1].ph.private_start + LDM_REBUILD_FIRST + 2 * pair;
		struct dyn_plan *p = NULL;
		struct dyn_err err = { 0 };
		int rc = new_mirror(&c, &p, &err);
		bool there = false;
		if (pair == LDM_REBUILD_PAIRS) {
			expect(rc, -EBUSY, &err, "rebuilds already");
			break;
		}
		assert_int_equal(rc, 0);
		for (size_t k = 0; k < dyn_plan_step(p, 0)->n_writes; k++)
			there |= dyn_plan_step(p, 0)->writes[k].sector == first;
		assert_true(there);
		dyn_plan_free(p);
		c.w.put(&c.w, 1, first * 512, junk, 512);
		c.w.rescan(&c.w);
	}
	case_end(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_without_memory_is_none),
		cmocka_unit_test(what_missing_disks_hold_is_not_guessed),
		cmocka_unit_test(disks_that_took_no_part_are_left_alone),
		cmocka_unit_test(a_long_log_is_not_read_to_its_disadvantage),
		cmocka_unit_test(what_cannot_be_recovered_is_said),
		cmocka_unit_test(an_import_is_finished_or_not_begun),
		cmocka_unit_test(a_disk_joins_only_who_knows_it),
		cmocka_unit_test(the_other_group_comes_first),
		cmocka_unit_test(who_bears_the_mark_joins),
		cmocka_unit_test(a_mark_alone_is_no_membership),
		cmocka_unit_test(records_without_memory),
		cmocka_unit_test(a_half_is_attached_only_where_it_belongs),
		cmocka_unit_test(a_disk_has_room_for_so_many_records),
	};

	return cmocka_run_group_tests_name("recover", tests, NULL, NULL);
}
