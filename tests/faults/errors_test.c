/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * errors_test.c - the nth call of an operation fails, for every n until it runs clean; and disks that go away.
 *
 * Each operation runs on image files from the scan to the end of its rebuild, with one call to the system failing (wrap.h),
 * once or from then on. It must end, with a message where it fails; and the disks must then hold the old picture or the
 * new one (or that between two changes of the plan), after recovery where a change was cut off. Interrupted calls and
 * short transfers must not be noticed at all.
 */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "model/model.h"
#include "table/table.h"
#include "tests/faults/case.h"
#include "tests/faults/wrap.h"

enum { SEED = 4242, SLOW = 10 /* seconds */, ROW = 500 };

/* Found here: a crash of the reading back, in the middle of an apply, when there was no memory for what is expected. */
struct errors {
	struct fault_case k;
	const struct fault_op *op;
	size_t n;
	struct pictures pics;
	char state[128], what[160];
	size_t remarks;      /* of the scan where nothing fails */
	bool dirty;          /* the files are not as they were */
	uint64_t cases, failed, fine, seen, recovered;
	double slowest;
};

static double now_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void wrong(const struct errors *e, const char *what, const char *now)
{
	wrap.armed = false;
	printf("# %s: %s: %s\n", e->op->name, e->what, what);
	for (size_t i = 0; now && i < e->pics.n; i++)
		printf("# ---- picture %zu\n%s", i, e->pics.text[i]);
	if (now)
		printf("# ---- now\n%s", now);
	fail_msg("%s: %s: %s", e->op->name, e->what, what);
}

static void on_log(void *arg, const char *line)
{
	struct errors *e = arg;

	if (strncmp(line, "write ", 6) == 0)
		e->dirty = true;
}

static int open_session(struct errors *e, struct dyn_session **s, struct dyn_err *err)
{
	const struct dyn_options opt = { .state_dir = e->state, .sys_root = e->k.ram.dir, .seed = SEED,
					 .log = on_log, .log_arg = e };
	const char *paths[RAM_MAX];

	for (size_t i = 0; i < e->n; i++)
		paths[i] = e->k.ram.disks[i].path;
	return dyn_session_open(paths, e->n, &opt, s, err);
}

/* The files as they were. */
static void restore(struct errors *e)
{
	for (size_t i = 0; i < e->n; i++)
		ram_dump(&e->k.ram, i, e->k.ram.disks[i].path);
	e->dirty = false;
}

/* The undo files of a run are not needed, and a second has only so many names for them. */
static void forget_undo(const struct errors *e)
{
	char path[512];
	struct dirent *f;
	DIR *d;

	snprintf(path, sizeof(path), "%s/undo", e->state);
	d = opendir(path);
	while (d && (f = readdir(d)))
		if (strcmp(f->d_name, ".") != 0 && strcmp(f->d_name, "..") != 0)
			assert_int_equal(unlinkat(dirfd(d), f->d_name, 0), 0);
	if (d)
		closedir(d);
}

/* ------------------------------------------------------------------- one run */

enum outcome { RUN_DONE, RUN_FAILED, RUN_SEEN };

/* It names a disk, a file, or memory. */
static bool is_clear(const struct errors *e, const struct dyn_err *err)
{
	static const char *const things[] = { "Disk ", "memory", "undo" };
	bool named = strstr(err->what, e->k.ram.dir) != NULL;

	for (size_t i = 0; i < sizeof(things) / sizeof(things[0]); i++)
		named |= strstr(err->what, things[i]) != NULL;
	return named;
}

static enum outcome failed(const struct errors *e, const struct dyn_err *err)
{
	if (!is_clear(e, err) || (!err->way_out[0] && err->code != -ENOMEM)) {
		printf("# \"%s\", \"%s\"\n", err->what, err->way_out);
		wrong(e, "the message is not clear", NULL);
	}
	return RUN_FAILED;
}

/* Waits for the rebuilds that the plan began. */
static enum outcome wait_for_jobs(struct errors *e, struct dyn_session *s)
{
	struct dyn_job jobs[8];
	enum outcome out = RUN_DONE;
	size_t n;

	if (dyn_jobs_wait(s, 120000))
		wrong(e, "a rebuild hangs", NULL);
	n = dyn_jobs(s, jobs, 8);
	for (size_t i = 0; i < n && i < 8; i++)
		if (jobs[i].state != DYN_JOB_DONE)
			out = failed(e, &jobs[i].result);
	return out;
}

static enum outcome carry_out(struct errors *e, struct dyn_session *s, struct dyn_model *m)
{
	struct world w = { .s = s, .m = m, .n = e->n };
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	enum outcome out;

	if (e->op->plan(&w, &p, &err))
		return failed(e, &err);
	out = dyn_apply(s, p, dyn_plan_confirm(p), &err) ? failed(e, &err) : wait_for_jobs(e, s);
	dyn_plan_free(p);
	return out;
}

/* Sentences on what could not be read, or is damaged. */
static size_t remarks(const struct dyn_model *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_disks; i++)
		n += m->disks[i].n_damage;
	return n;
}

/* What the scan could not read it shows: then nobody goes on. */
static enum outcome run(struct errors *e)
{
	struct dyn_session *s = NULL;
	struct dyn_model *m = NULL;
	struct dyn_err err = { 0 };
	enum outcome out = RUN_FAILED;
	bool armed;
	char *text;

	if (open_session(e, &s, &err))
		return failed(e, &err);
	if (dyn_scan(s, &m, &err)) {
		failed(e, &err);
	} else {
		armed = wrap.armed;
		wrap.armed = false;
		text = ops_picture(m);
		out = strcmp(text, e->pics.text[0]) == 0 && remarks(m) == e->remarks ? RUN_DONE : RUN_SEEN;
		free(text);
		wrap.armed = armed;
		if (out == RUN_DONE)
			out = carry_out(e, s, m);
	}
	dyn_model_unref(m);
	dyn_session_close(s);
	return out;
}

/* What the disks hold now, after recovery, without faults. */
static size_t judge(struct errors *e)
{
	struct dyn_session *s = NULL;
	struct dyn_model *m = NULL;
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	size_t found;
	char *text;

	if (open_session(e, &s, &err) || dyn_scan(s, &m, &err))
		wrong(e, err.what, NULL);
	for (size_t g = 0; g < m->n_groups; g++) {
		if (!m->groups[g].interrupted)
			continue;
		if ((m->groups[g].n_missing ? dyn_plan_recover_anyway : dyn_plan_recover)(s, m, g, &p, &err) ||
		    dyn_apply(s, p, dyn_plan_confirm(p), &err))
			wrong(e, err.what, NULL);
		dyn_plan_free(p);
		dyn_model_unref(m);
		if (dyn_scan(s, &m, &err))
			wrong(e, err.what, NULL);
		e->recovered++;
	}
	text = ops_picture(m);
	found = pictures_find(&e->pics, text);
	if (found == DYN_NONE)
		wrong(e, "neither old nor new", text);
	free(text);
	dyn_model_unref(m);
	dyn_session_close(s);
	return found;
}

static enum outcome one(struct errors *e)
{
	double start = now_seconds(), took;
	enum outcome out;
	size_t found;

	wrap.calls = wrap.hits = 0;
	wrap.armed = true;
	out = run(e);
	wrap.armed = false;
	took = now_seconds() - start;
	e->slowest = took > e->slowest ? took : e->slowest;
	e->cases++;
	e->failed += out == RUN_FAILED;
	e->fine += out == RUN_DONE;
	e->seen += out == RUN_SEEN;
	if (out == RUN_DONE || e->dirty) {
		found = judge(e);
		if (out == RUN_DONE && found != e->pics.n - 1)
			wrong(e, "it says that all is done, and it is not", e->pics.text[found]);
	}
	if (e->dirty)
		restore(e);
	forget_undo(e);
	return out;
}

/* ------------------------------------------------------------------- the cases */

static const int errors[] = { EIO, ENOSPC, EROFS, ENXIO };

/* n from 1 until no call is the nth any more; `stride` leaves some out, as do long rows of one and the same: undo saves
 * thousands of sectors one by one. */
static void every_call(struct errors *e, enum wrap_class class, bool lasting, unsigned stride, unsigned first)
{
	wrap.mode = WRAP_FAIL;
	wrap.class = class;
	wrap.lasting = lasting;
	for (unsigned n = first; ; n += n < ROW ? stride : 7 * stride) {
		wrap.nth = n;
		wrap.error = class == WRAP_ALLOC ? ENOMEM : errors[(n / stride + 2 * lasting) % 4];
		snprintf(e->what, sizeof(e->what), "%s %u fails %s (%s)", wrap_names[class], n, lasting ? "for good" : "once",
			 strerror(wrap.error));
		one(e);
		if (!wrap.hits)
			return;
	}
}

/* Nothing is to be seen of these. */
static void unnoticed(struct errors *e)
{
	static const enum wrap_class interrupted[] = { WRAP_READ, WRAP_WRITE };

	wrap.mode = WRAP_SHORT;
	snprintf(e->what, sizeof(e->what), "short transfers");
	if (one(e) != RUN_DONE || !wrap.hits)
		wrong(e, "short transfers are noticed", NULL);
	wrap.mode = WRAP_EINTR;
	for (size_t i = 0; i < 2; i++) {
		wrap.class = interrupted[i];
		snprintf(e->what, sizeof(e->what), "interrupted calls: %s", wrap_names[wrap.class]);
		if (one(e) != RUN_DONE || !wrap.hits)
			wrong(e, "interrupted calls are noticed", NULL);
	}
}

/* Each disk goes away at each write to it, and comes back later. */
static void vanish(struct errors *e, unsigned stride, unsigned first)
{
	wrap.mode = WRAP_VANISH;
	for (size_t d = 0; d < e->n; d++) {
		wrap.path = e->k.ram.disks[d].path;
		for (unsigned n = first; ; n += stride) {
			wrap.nth = n;
			snprintf(e->what, sizeof(e->what), "disk %zu goes away at write %u", d, n);
			one(e);
			if (!wrap.hits)
				break;
		}
	}
	wrap.path = NULL;
}

static void begin(struct errors *e, const struct fault_op *op, size_t n, enum ops_mix mix)
{
	struct dyn_options opt = { .fixed_time = 1700000000, .seed = SEED };
	const char *paths[RAM_MAX];
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	int rc;

	memset(&e->k, 0, sizeof(e->k));
	e->op = op;
	e->n = n;
	case_begin(&e->k, op->setup, n, mix);
	snprintf(e->state, sizeof(e->state), "%s/errors", e->k.ram.dir);
	/* the same session as in each of the runs: the same GUIDs */
	for (size_t i = 0; i < n; i++)
		paths[i] = e->k.ram.disks[i].path;
	dyn_session_close(e->k.w.s);
	opt.state_dir = e->k.ram.state;
	opt.sys_root = e->k.ram.dir;
	assert_int_equal(dyn_session_open(paths, n, &opt, &e->k.w.s, &err), 0);
	e->k.w.s->open_io = ram_open;
	e->k.w.s->open_arg = &e->k.ram;
	e->remarks = remarks(e->k.w.m);
	rc = op->plan(&e->k.w, &p, &err);
	if (rc)
		fail_msg("%s: %s", op->name, err.what);
	pictures_of_plan(&e->k, p, &e->pics);
	ops_apply(&e->k.w, rc, p, &err);
	pictures_add(&e->k, &e->pics);
	ram_drop(&e->k.ram);
	restore(e);
}

static void end(struct errors *e)
{
	pictures_clear(&e->pics);
	case_end(&e->k);
}

enum proof { PROOF_CALLS, PROOF_VANISH };

static void prove(enum proof proof, const char *name)
{
	/* of how many calls one fails; in the full tier each but some allocations, other ones in each operation */
	static const unsigned few[WRAP_CLASSES] = { 29, 5, 3, 7, 7, 211 }, most[WRAP_CLASSES] = { 1, 1, 1, 1, 1, 29 };
	const char *tier = getenv("DYNADISK_TIER"), *only = getenv("ONLY");
	bool full = tier && strcmp(tier, "full") == 0;
	struct errors *e = calloc(1, sizeof(*e));
	double start = now_seconds();

	assert_non_null(e);
	for (size_t i = 0; i < n_fault_ops; i++) {
		const struct fault_op *op = &fault_ops[i];
		enum ops_mix mix = op->flags & OP_GPT ? MIX_GPT : op->flags & OP_MBR ? MIX_MBR : (enum ops_mix)(i % MIXES);
		/* the quick tier: some of the operations, some of the calls */
		if ((only && !strstr(op->name, only)) || (!full && !only && i % 8 != (proof == PROOF_CALLS ? 1 : 3)))
			continue;
		begin(e, op, 2, mix);
		for (enum wrap_class c = 0; proof == PROOF_CALLS && c < WRAP_CLASSES; c++)
			for (int lasting = 0; lasting < 2; lasting++) {
				unsigned stride = full ? most[c] : few[c];
				every_call(e, c, lasting, stride, 1 + (unsigned)(i % stride));
			}
		if (proof == PROOF_CALLS)
			unnoticed(e);
		else
			vanish(e, full ? 1 : 3, 1);
		end(e);
		if (full)
			print_message("# %s: %llu cases so far, %.0f s\n", op->name, (unsigned long long)e->cases,
				      now_seconds() - start);
	}
	print_message("# figures: %s: %llu cases, %llu failed with a message, %llu done, %llu shown by the scan, %llu "
		      "recovered, slowest %.1f s, %.0f s\n", name, (unsigned long long)e->cases, (unsigned long long)e->failed,
		      (unsigned long long)e->fine, (unsigned long long)e->seen, (unsigned long long)e->recovered, e->slowest,
		      now_seconds() - start);
	assert_true(e->cases > 0 && e->failed > 0 && e->fine > 0);
	if (full)
		assert_true(e->slowest < SLOW);
	free(e);
}

static void any_call_may_fail(void **state)
{
	(void)state;
	prove(PROOF_CALLS, "failing calls");
}

static const struct fault_op *op_named(const char *name)
{
	for (size_t i = 0; i < n_fault_ops; i++)
		if (strcmp(fault_ops[i].name, name) == 0)
			return &fault_ops[i];
	fail_msg("there is no operation %s", name);
	return NULL;
}

/* A copy of the table in memory that had no room (ENOSPC) passed for a table with no free entry: the new half of a retained
 * volume became a mirror without the entry it starts from. */
static void want_of_memory_is_not_want_of_an_entry(void **state)
{
	struct errors *e = calloc(1, sizeof(*e));

	(void)state;
	assert_non_null(e);
	begin(e, op_named("add mirror, retained"), 2, MIX_MBR);
	wrap.mode = WRAP_FAIL;
	wrap.class = WRAP_CONTROL;
	wrap.error = ENOSPC;
	wrap.lasting = false;
	for (wrap.nth = 1; wrap.nth == 1 || wrap.hits; wrap.nth++) {
		snprintf(e->what, sizeof(e->what), "control %u fails (no room)", wrap.nth);
		one(e);
	}
	assert_true(e->failed > 10);
	end(e);
	free(e);
}

/* Both copies of a GPT "were damaged" where there was no memory to sum them up. */
static void want_of_memory_is_not_damage(void **state)
{
	struct errors *e = calloc(1, sizeof(*e));
	struct table t = { 0 };
	struct dyn_err err = { 0 };
	unsigned n = 1;

	(void)state;
	assert_non_null(e);
	begin(e, op_named("create efi"), 1, MIX_GPT);
	wrap.mode = WRAP_FAIL;
	wrap.class = WRAP_ALLOC;
	wrap.error = ENOMEM;
	wrap.lasting = true;
	for (int rc = -ENOMEM; rc; n++) {
		wrap.calls = wrap.hits = 0;
		wrap.nth = n;
		wrap.armed = true;
		rc = table_read(e->k.w.m->priv->disks[0].map, &t, &err);
		wrap.armed = false;
		table_clear(&t);
		assert_true(rc == 0 || rc == -ENOMEM);
	}
	assert_true(n > 2);
	end(e);
	free(e);
}

static void disks_may_go_away(void **state)
{
	(void)state;
	prove(PROOF_VANISH, "vanishing disks");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(want_of_memory_is_not_want_of_an_entry),
		cmocka_unit_test(want_of_memory_is_not_damage),
		cmocka_unit_test(any_call_may_fail),
		cmocka_unit_test(disks_may_go_away),
	};

	return cmocka_run_group_tests_name("errors", tests, NULL, NULL);
}
