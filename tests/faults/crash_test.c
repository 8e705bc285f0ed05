/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * crash_test.c - the power goes at any moment of any operation that writes metadata.
 *
 * Each operation is carried out by the engine on disks in memory, its writes and flushes noted down; then every state
 * that a power cut can leave (crash.h) is scanned as a whole, the interrupted change, if there is one, recovered as its
 * plan says, and the picture (ops.h) must be exactly the old one or exactly the new one. A plan of several changes may
 * stop between two of them: between its steps, and between a group's commit and the partition table of a disk that joins
 * or leaves it. Those pictures are taken from the plan carried out that far, and undo has to lead back from them.
 *
 * Besides: what is shown before recovery is one of these, too; a volume that is called a mirror has two equal halves; no
 * write lands where a volume lies; a second recovery finds nothing; recoveries are cut off in their turn and have to come
 * to the same end.
 */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/faults/case.h"
#include "tests/faults/crash.h"

enum { SEEN = 1 << 16 };

struct figures {
	uint64_t cases, states, distinct, recovered, in_recovery, in_recovery_distinct, between, undone, cancelled, insisted, asked, candidates;
};

/* A state that was judged: where it led to. */
struct seen {
	uint64_t hash;
	size_t picture;
	bool outside; /* not only as a state inside a recovery, of which less is asked */
};

struct crash {
	struct fault_case k;
	char title[128];               /* of the plan; of the one that is undone */
	bool can_undo;
	char undo_id[64];              /* its undo file */
	struct dyn_session *recovery;  /* carries recoveries out: its undo files are nobody's */
	const struct fault_op *op;
	bool undo;                     /* the operation is the undo of op */
	size_t n;
	enum ops_mix mix;
	struct crash_effort effort;
	struct crash_rand rnd;
	struct ram_log log;
	struct pictures pics;
	size_t asked[PICTURES_MAX];        /* how often other readers were asked about it */
	size_t undone[PICTURES_MAX];       /* how often undo was tried from there */
	unsigned every;                /* one of so many recoveries is cut off in its turn */
	/* the recovery that is being cut off */
	size_t must;                   /* the picture it leads to */
	struct seen seen[SEEN];        /* states that were judged, by their hashes */
	size_t n_seen;
	uint64_t recoveries;
	struct figures *f;
};

/* -------------------------------------------------------------------- judging */

static void wrong(const struct crash *c, const char *what, const char *now)
{
	printf("# %s%s, %zu disks, %s: %s\n", c->undo ? "undo of " : "", c->op->name, c->n, ops_mix_names[c->mix], what);
	for (size_t i = 0; now && i < c->pics.n; i++)
		printf("# ---- picture %zu\n%s", i, c->pics.text[i]);
	if (now)
		printf("# ---- now\n%s", now);
	fail_msg("%s%s: %s", c->undo ? "undo of " : "", c->op->name, what);
}

/* A mirror is never claimed before it is true. */
static void halves_are_equal(struct crash *c, const struct dyn_model *m)
{
	for (size_t i = 0; i < m->n_volumes; i++) {
		const struct dyn_volume *v = &m->volumes[i];
		const struct dyn_extent *a, *b;
		if (v->layout != DYN_LAYOUT_MIRROR || v->n_plexes != 2 || v->plexes[0].status != DYN_PLEX_OK ||
		    v->plexes[1].status != DYN_PLEX_OK)
			continue;
		a = &v->plexes[0].extents[0];
		b = &v->plexes[1].extents[0];
		if (!ram_equal(&c->k.ram, a->disk, a->offset, b->disk, b->offset, v->size))
			wrong(c, "a mirror whose halves differ", NULL);
	}
}

static size_t interrupted(const struct dyn_model *m)
{
	for (size_t i = 0; i < m->n_groups; i++)
		if (m->groups[i].interrupted)
			return i;
	return DYN_NONE;
}

/* What is said of a group that must not be changed. NULL: of none. */
static const char *problem(const struct dyn_model *m)
{
	for (size_t i = 0; i < m->n_groups; i++)
		if (m->groups[i].problem[0])
			return m->groups[i].problem;
	return NULL;
}

/* While a disk of the group is missing the user has to insist. */
static struct dyn_plan *plan_recovery(const struct crash *c, struct dyn_model *m)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	size_t group = interrupted(m);
	int rc = dyn_plan_recover(c->k.w.s, m, group, &p, &err);

	if (rc == -ENODEV && m->groups[group].n_missing && err.way_out[0]) {
		rc = dyn_plan_recover_anyway(c->k.w.s, m, group, &p, &err);
		c->f->insisted++;
	}
	if (rc)
		wrong(c, err.what, NULL);
	return p;
}

static void judge_again(void *arg);

/* The state the disks are in is the base of the level; its recovery is carried out, noted down and cut off everywhere. */
static void cut_recovery(struct crash *c)
{
	static const struct crash_effort effort = { .all_upto = 4, .random = 12, .edges = 2, .data_edges = 2, .shuffles = 0 };
	struct dyn_model *m = ram_scan(&c->k.ram, c->k.w.n);
	struct dyn_plan *p = plan_recovery(c, m);
	struct dyn_err err = { 0 };
	struct ram_log log = { 0 };
	char *after;

	ram_push(&c->k.ram);
	c->k.ram.log = &log;
	if (dyn_apply(c->recovery, p, dyn_plan_confirm(p), &err))
		wrong(c, err.what, NULL);
	c->k.ram.log = NULL;
	dyn_plan_free(p);
	dyn_model_unref(m);
	m = ram_scan(&c->k.ram, c->k.w.n);
	after = ops_picture(m);
	dyn_model_unref(m);
	ram_drop(&c->k.ram);
	c->must = pictures_find(&c->pics, after);
	if (c->must == DYN_NONE && !c->undo)
		wrong(c, "a recovery leads to neither old nor new", after);
	if (c->must == DYN_NONE)
		c->must = c->pics.n - 1; /* once it is begun anew */
	crash_windows(&c->k.ram, &log, &effort, &c->rnd, judge_again, c);
	free(after);
	ram_log_clear(&log);
	ram_pop(&c->k.ram);
}

/* Recovers what there is to recover; *m becomes the model of what is there then. */
static bool recover(struct crash *c, struct dyn_model **m)
{
	struct dyn_plan *p = NULL;
	bool did = false;

	for (int i = 0; interrupted(*m) != DYN_NONE; i++, did = true) {
		if (i > 2)
			wrong(c, "recovery comes to no end", NULL);
		p = plan_recovery(c, *m);
		crash_carry_out(&c->k.ram, p);
		dyn_plan_free(p);
		dyn_model_unref(*m);
		*m = ram_scan(&c->k.ram, c->k.w.n);
	}
	if (problem(*m) && !c->undo) /* of an undo: until it is begun anew */
		wrong(c, problem(*m), NULL);
	for (size_t g = 0; g < (*m)->n_groups; g++) {
		if (did && !(*m)->groups[g].problem[0] && dyn_plan_recover(c->k.w.s, *m, g, &p, NULL) != -EALREADY)
			wrong(c, "a second recovery has something to do", NULL);
	}
	return did;
}

/* The undo of the plan with this title. */
static int plan_undo(struct crash *c, struct dyn_model *m, const char *title, struct dyn_plan **p, struct dyn_err *err)
{
	struct dyn_undo *list = NULL;
	size_t n = 0, i = 0;
	int rc;

	assert_int_equal(dyn_undo_list(c->k.w.s, m, &list, &n, err), 0);
	while (i < n && strcmp(list[i].title, title) != 0)
		i++;
	if (i == n)
		wrong(c, "no undo file", title);
	rc = dyn_plan_undo(c->k.w.s, m, list[i].id, p, err);
	snprintf(c->undo_id, sizeof(c->undo_id), "%s", list[i].id);
	free(list);
	return rc;
}

/* An undo that was cut off is begun anew, and ends where it would have: it needs the disks as they were or as they became. */
static void undo_anew(struct crash *c, struct dyn_model *m, const char *before)
{
	const char *last = c->pics.text[c->pics.n - 1];
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	char *now;

	if (plan_undo(c, m, c->title, &p, &err))
		wrong(c, err.what, before);
	crash_carry_out(&c->k.ram, p);
	dyn_plan_free(p);
	m = ram_scan(&c->k.ram, c->k.w.n);
	now = ops_picture(m);
	if (strcmp(now, last) != 0)
		wrong(c, "an undo that was begun anew comes to another end", now);
	if (problem(m))
		wrong(c, problem(m), now);
	halves_are_equal(c, m);
	free(now);
	dyn_model_unref(m);
	c->f->undone++;
}

/* What was there before the operation comes back. */
static void undo_from(struct crash *c, struct dyn_model *m, size_t picture)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	char *now;

	if (c->undone[picture]++ >= 4)
		return;
	if (c->undo) {
		undo_anew(c, m, c->pics.text[picture]);
		return;
	}
	if (!c->can_undo) {
		if (plan_undo(c, m, c->title, &p, &err) != -ENOTSUP)
			wrong(c, "an undo where there should be none", c->pics.text[picture]);
		return;
	}
	if (plan_undo(c, m, c->title, &p, &err))
		wrong(c, err.what, c->pics.text[picture]);
	crash_carry_out(&c->k.ram, p);
	dyn_plan_free(p);
	m = ram_scan(&c->k.ram, c->k.w.n);
	now = ops_picture(m);
	if (strcmp(now, c->pics.text[0]) != 0)
		wrong(c, "undo does not lead back", now);
	free(now);
	dyn_model_unref(m);
	c->f->undone++;
}

/* A rebuild that was under way can be given up: the volume stays what it was. */
static void cancel(struct crash *c, struct dyn_model *m, const char *before)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	char *now;

	if (dyn_plan_cancel(c->k.w.s, m, 0, &p, &err))
		wrong(c, err.what, before);
	crash_carry_out(&c->k.ram, p);
	dyn_plan_free(p);
	m = ram_scan(&c->k.ram, c->k.w.n);
	now = ops_picture(m);
	if (m->n_jobs)
		wrong(c, "a cancelled rebuild is still there", before);
	if (strcmp(now, before) != 0)
		wrong(c, "a cancelled rebuild leaves something behind", now);
	free(now);
	dyn_model_unref(m);
	c->f->cancelled++;
}

static struct seen *seen_place(struct crash *c, uint64_t hash)
{
	size_t at = hash % SEEN;

	while (c->seen[at].hash && c->seen[at].hash != hash)
		at = (at + 1) % SEEN;
	return &c->seen[at];
}

static void remember(struct crash *c, const struct seen *now)
{
	struct seen *seen = seen_place(c, now->hash);

	if (!seen->hash && ++c->n_seen > SEEN / 2) {
		memset(c->seen, 0, sizeof(c->seen));
		c->n_seen = 1;
		seen = seen_place(c, now->hash);
	}
	*seen = *now;
}

/* ---------------------------------------------------------------- other readers */

/* What is damaged still is mended, as a user would: the others know no second copy. False: that cannot be (a conversion that
 * was cut off has left headers without a table that goes with them; a disk is out of date). */
static bool mend_all(struct crash *c, struct dyn_model **m)
{
	for (size_t i = 0; i < c->k.w.n; i++) {
		struct dyn_plan *p = NULL;
		struct dyn_err err = { 0 };
		int rc = (*m)->disks[i].status == DYN_DISK_ERRORS ? dyn_plan_mend(c->k.w.s, *m, i, &p, &err) : -EALREADY;
		if (rc == -EALREADY)
			continue;
		if (rc == -ENOTSUP || rc == -ESTALE)
			return false;
		if (rc)
			wrong(c, err.what, NULL);
		crash_carry_out(&c->k.ram, p);
		dyn_plan_free(p);
		dyn_model_unref(*m);
		*m = ram_scan(&c->k.ram, c->k.w.n);
	}
	return true;
}

static bool for_others(const struct dyn_model *m)
{
	bool dynamic = false;

	for (size_t i = 0; i < m->n_disks; i++) {
		if (m->disks[i].status == DYN_DISK_FOREIGN || m->disks[i].status == DYN_DISK_UNREADABLE)
			return false;
		dynamic |= m->disks[i].dynamic && m->disks[i].status != DYN_DISK_MISSING;
	}
	return dynamic;
}

static void write_text(const char *dir, const char *name, const char *text)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

/* Each `every`-th state, but of each case, and where it led to, only some: crash_readers.sh. */
static bool to_be_asked(struct crash *c, size_t picture)
{
	const char *every = getenv("CRASH_EVERY");
	unsigned long n = every ? strtoul(every, NULL, 10) : 1;

	return c->asked[picture] < (n > 1 ? 1 : 6) && c->f->candidates++ % (n ? n : 1) == 0;
}

/* $CRASH_READERS FOLDER judges images of the state; it fails when it reads anything else. */
static void ask_others(struct crash *c, struct dyn_model **m, size_t picture)
{
	const char *readers = getenv("CRASH_READERS"), *images = getenv("CRASH_IMAGES");
	char dir[256], path[320], command[1024];
	char *now;

	if (!readers || !images || !for_others(*m) || !to_be_asked(c, picture))
		return;
	if (!mend_all(c, m))
		return;
	c->asked[picture]++;
	now = ops_picture(*m);
	if (strcmp(now, c->pics.text[picture]) != 0)
		wrong(c, "a repair changed the layout", now);
	snprintf(dir, sizeof(dir), "%.200s/state", images);
	assert_int_equal(mkdir(dir, 0700), 0);
	write_text(dir, "picture", now);
	free(now);
	snprintf(path, sizeof(path), ",%s%s, %zu disks, %s\n", c->undo ? "undo of " : "", c->op->name, c->n, ops_mix_names[c->mix]);
	write_text(dir, "case", path);
	for (size_t i = 0; i < c->k.w.n; i++) {
		snprintf(path, sizeof(path), "%s/disk%zu.img", dir, i);
		ram_dump(&c->k.ram, i, path);
	}
	fflush(NULL);
	snprintf(command, sizeof(command), "%s %s", readers, dir);
	if (system(command) != 0)
		wrong(c, "other readers see another layout", c->pics.text[picture]);
	ram_remove(dir);
	c->f->asked++;
}

/* Returns the picture that the state leads to. */
static size_t judge_state(struct crash *c, bool nested)
{
	struct dyn_model *m = ram_scan(&c->k.ram, c->k.w.n);
	bool anew = false;
	size_t picture;
	char *now = ops_picture(m);

	if (interrupted(m) != DYN_NONE) {
		if (pictures_find(&c->pics, now) == DYN_NONE)
			wrong(c, "a third layout before recovery", now);
		if (!nested && c->recoveries++ % c->every == 0)
			cut_recovery(c);
	}
	free(now);
	c->f->recovered += recover(c, &m) && !nested;
	halves_are_equal(c, m);
	now = ops_picture(m);
	picture = pictures_find(&c->pics, now);
	if (c->undo && (picture == DYN_NONE || problem(m))) {
		undo_anew(c, m, now);
		picture = c->pics.n - 1;
		anew = true;
	} else if (picture == DYN_NONE) {
		wrong(c, "neither old nor new", now);
	}
	if (!nested && m->n_jobs && c->f->states % 4 == 0) {
		cancel(c, m, now);
	} else if (!nested && picture != 0 && picture != c->pics.n - 1) {
		c->f->between++;
		undo_from(c, m, picture);
	} else if (!nested && !anew) {
		ask_others(c, &m, picture);
	}
	free(now);
	dyn_model_unref(m);
	return picture;
}

static void judge(void *arg)
{
	struct crash *c = arg;
	struct seen now = { .hash = ram_hash(&c->k.ram) | 1, .outside = true };

	c->f->states++;
	if (seen_place(c, now.hash)->outside)
		return;
	c->f->distinct++;
	now.picture = judge_state(c, false);
	remember(c, &now);
}

static void judge_again(void *arg)
{
	struct crash *c = arg;
	struct seen now = { .hash = ram_hash(&c->k.ram) | 1 }, *seen = seen_place(c, now.hash);

	c->f->in_recovery++;
	if (seen->hash) {
		now.picture = seen->picture;
	} else {
		c->f->in_recovery_distinct++;
		now.picture = judge_state(c, true);
		remember(c, &now);
	}
	if (now.picture != c->must)
		wrong(c, "a recovery that was cut off comes to another end", c->pics.text[now.picture]);
}

/* ----------------------------------------------------------------- one operation */

/* The same piece of a disk belongs to a volume afterwards. */
static bool stays(const struct dyn_model *after, const struct dyn_extent *old)
{
	for (size_t v = 0; v < after->n_volumes; v++)
		for (size_t k = 0; k < after->volumes[v].n_plexes; k++)
			for (size_t x = 0; x < after->volumes[v].plexes[k].n_extents; x++) {
				const struct dyn_extent *e = &after->volumes[v].plexes[k].extents[x];
				if (e->disk == old->disk && e->offset == old->offset && e->size == old->size)
					return true;
			}
	return false;
}

static void check_place(struct crash *c, const struct dyn_extent *x)
{
	if (!x->offset || ((c->undo || c->op->flags & OP_ERASES) && !stays(c->k.w.m, x)))
		return;
	for (size_t i = 0; i < c->log.n; i++) {
		const struct ram_event *e = &c->log.events[i];
		uint64_t from = e->sector * RAM_SECTOR, to = from + (uint64_t)e->n * RAM_SECTOR;
		if (e->kind == RAM_WRITE && x->disk == e->disk && x->offset < to && from < x->offset + x->size)
			wrong(c, "a write where a volume lies", NULL);
	}
}

/* No write touches what a volume holds; a half that is copied is no volume's before. Of an operation that erases, or an
 * undo, that is asked of those volumes that are there afterwards, too. */
static void check_places(struct crash *c, const struct dyn_model *before)
{
	for (size_t v = 0; v < before->n_volumes; v++)
		for (size_t k = 0; k < before->volumes[v].n_plexes; k++)
			for (size_t x = 0; x < before->volumes[v].plexes[k].n_extents; x++)
				if (before->volumes[v].layout != DYN_LAYOUT_MIRROR ||
				    before->volumes[v].plexes[k].status == DYN_PLEX_OK)
					check_place(c, &before->volumes[v].plexes[k].extents[x]);
}

/* The plan of the case, and its name. False: what it would undo cannot be undone. */
static bool make_plan(struct crash *c, struct dyn_plan **p)
{
	struct dyn_err err = { 0 };

	if (c->op->plan(&c->k.w, p, &err))
		wrong(c, err.what, NULL);
	snprintf(c->title, sizeof(c->title), "%s", dyn_plan_title(*p));
	c->can_undo = dyn_plan_can_undo(*p);
	if (!c->undo)
		return true;
	if (!c->can_undo || c->op->flags & OP_GOES_ON) {
		dyn_plan_free(*p);
		return false;
	}
	ops_apply(&c->k.w, 0, *p, &err);
	ram_keep(&c->k.ram);
	if (plan_undo(c, c->k.w.m, c->title, p, &err))
		wrong(c, err.what, NULL);
	return true;
}

/* An undo that comes to its end drops the file it was made from; one that is cut off does not. */
static void keep_undo_file(struct crash *c, bool back)
{
	char file[256], kept[256];

	snprintf(file, sizeof(file), "%s/undo/%s", c->k.ram.state, c->undo_id);
	snprintf(kept, sizeof(kept), "%s/kept", c->k.ram.dir);
	if (back)
		assert_int_equal(rename(kept, file), 0);
	else
		assert_int_equal(link(file, kept), 0);
}

/* Carries it out, its rebuilds included, noting down what happens; the disks are as before afterwards. */
static bool record(struct crash *c)
{
	struct dyn_step copies[4];
	struct dyn_model *before;
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	size_t n = 0;

	if (!make_plan(c, &p))
		return false;
	for (size_t i = 0; i < p->n_steps; i++)
		if (p->steps[i].pub.kind == DYN_STEP_COPY && n < 4)
			copies[n++] = p->steps[i].pub;
	pictures_of_plan(&c->k, p, &c->pics);
	before = dyn_model_ref(c->k.w.m);
	if (c->undo)
		keep_undo_file(c, false);
	c->k.ram.log = &c->log;
	ops_apply(&c->k.w, 0, p, &err);
	c->k.ram.log = NULL;
	crash_order(&c->log, copies, n);
	if (c->undo)
		keep_undo_file(c, true);
	pictures_add(&c->k, &c->pics);
	check_places(c, before);
	dyn_model_unref(c->k.w.m);
	c->k.w.m = before;
	ram_drop(&c->k.ram);
	return true;
}

static void make(struct crash *c)
{
	struct dyn_options opt = { .fixed_time = 1700000000, .seed = 99 };
	char state[128];

	case_begin(&c->k, c->op->setup, c->n, c->mix);
	snprintf(state, sizeof(state), "%s/recovery", c->k.ram.dir);
	opt.state_dir = state;
	opt.sys_root = c->k.ram.dir;
	assert_int_equal(dyn_session_open(NULL, 0, &opt, &c->recovery, NULL), 0);
	c->recovery->open_io = ram_open;
	c->recovery->open_arg = &c->k.ram;
}

static void run_case(struct figures *f, const struct fault_op *op, bool undo, size_t n, enum ops_mix mix,
		     const struct crash_effort *effort, unsigned every, uint64_t seed)
{
	struct crash *c = calloc(1, sizeof(*c));
	const struct figures then = *f;

	assert_non_null(c);
	c->op = op;
	c->undo = undo;
	c->n = n;
	c->mix = mix;
	c->effort = *effort;
	c->every = every;
	c->rnd.state = seed * 0x9e3779b97f4a7c15u + 1;
	c->f = f;
	make(c);
	if (record(c)) {
		f->cases++;
		crash_windows(&c->k.ram, &c->log, &c->effort, &c->rnd, judge, c);
		if (getenv("CASES"))
			print_message("# %s, %zu disks, %s: %llu states (%llu distinct), %llu crashes in recovery (%llu distinct)\n",
				      op->name, n, ops_mix_names[mix], (unsigned long long)(f->states - then.states),
				      (unsigned long long)(f->distinct - then.distinct),
				      (unsigned long long)(f->in_recovery - then.in_recovery),
				      (unsigned long long)(f->in_recovery_distinct - then.in_recovery_distinct));
	}
	pictures_clear(&c->pics);
	ram_log_clear(&c->log);
	dyn_session_close(c->recovery);
	case_end(&c->k);
	free(c);
}

/* ----------------------------------------------------------------------- tests */

static bool fits(const struct fault_op *op, size_t n, enum ops_mix mix)
{
	enum dyn_table first = ops_table(mix, 0);

	return n >= op->least && !(op->flags & OP_MBR && first != DYN_TABLE_MBR) && !(op->flags & OP_GPT && first != DYN_TABLE_GPT);
}

static uint64_t seed(void)
{
	const char *text = getenv("SEED");

	return text ? strtoull(text, NULL, 10) : 4;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* PART=1/2: every second case, from the first on; the parts may run side by side. */
static bool of_this_part(size_t number)
{
	const char *text = getenv("PART");
	unsigned k = 1, n = 1;

	if (text && (sscanf(text, "%u/%u", &k, &n) != 2 || k < 1 || k > n))
		fail_msg("PART=%s: not as in 1/2", text);
	return number % n == k - 1;
}

static const struct crash_effort quick = { .all_upto = 2, .random = 4, .edges = 3, .data_edges = 1, .shuffles = 1 };
static const struct crash_effort thorough = { .all_upto = 10, .random = 2000, .edges = 2047, .data_edges = 8, .shuffles = 16 };
static const struct crash_effort quick_undo = { .all_upto = 1, .random = 3, .edges = 1, .data_edges = 1, .shuffles = 1 };
/* The long writes are torn at each edge on two disks; a third one makes no difference to them. */
static const struct crash_effort three = { .all_upto = 10, .random = 2000, .edges = 255, .data_edges = 8, .shuffles = 16 };
/* Of eight disks a window has eight writes, sixteen or more, and a state takes five times as long: all subsets and some
 * random states are for one table kind of each operation, the others and undo have fewer. */
static const struct crash_effort eight = { .all_upto = 10, .random = 150, .edges = 16, .data_edges = 2, .shuffles = 2 };
static const struct crash_effort eight_quick = { .all_upto = 3, .random = 40, .edges = 4, .data_edges = 2, .shuffles = 1 };

static void one_case(struct figures *f, bool undo, size_t op, size_t n, enum ops_mix mix, bool full)
{
	const struct crash_effort *effort = n == 2 ? &thorough : n == 3 ? &three : !undo && mix == op % MIXES ? &eight : &eight_quick;

	if (!full)
		effort = undo ? &quick_undo : &quick;
	run_case(f, &fault_ops[op], undo, n, mix, effort, full && n <= 3 ? 16 : full ? 64 : undo ? 24 : 12,
		 seed() + op * 100 + n * 10 + mix);
}

static void every_operation(bool undo)
{
	static const size_t counts[] = { 2, 3, 8 };
	const char *tier = getenv("DYNADISK_TIER"), *only = getenv("ONLY");
	bool full = tier && strcmp(tier, "full") == 0;
	struct figures f = { 0 };
	double start = seconds();
	size_t number = 0;

	for (size_t i = 0; i < n_fault_ops; i++) {
		const struct fault_op *op = &fault_ops[i];
		if (only && !strstr(op->name, only))
			continue;
		for (size_t k = 0; k < 3; k++)
			for (enum ops_mix mix = 0; mix < MIXES; mix++) {
				/* the quick tier: each operation once, on two or three disks */
				enum ops_mix one = op->flags & OP_GPT ? MIX_GPT : op->flags & OP_MBR ? MIX_MBR : (enum ops_mix)(i % MIXES);
				if (!fits(op, counts[k], mix) || (!full && (k != i / MIXES % 2 || mix != one)))
					continue;
				if (of_this_part(number++))
					one_case(&f, undo, i, counts[k], mix, full);
			}
	}
	print_message("# figures: crash points%s: %llu cases, %llu states (%llu distinct), %llu recovered, %llu crashes in "
		      "recovery (%llu distinct), %llu between two changes (%llu undone), %llu rebuilds cancelled, insisted on "
		      "%llu times, %.0f s\n",
		      undo ? " of undo" : "", (unsigned long long)f.cases, (unsigned long long)f.states,
		      (unsigned long long)f.distinct, (unsigned long long)f.recovered, (unsigned long long)f.in_recovery,
		      (unsigned long long)f.in_recovery_distinct, (unsigned long long)f.between, (unsigned long long)f.undone,
		      (unsigned long long)f.cancelled, (unsigned long long)f.insisted, seconds() - start);
	assert_true(f.cases > 0 || only);
}

static void any_moment_of_any_operation(void **state)
{
	(void)state;
	every_operation(false);
}

static void any_moment_of_any_undo(void **state)
{
	(void)state;
	every_operation(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_moment_of_any_operation),
		cmocka_unit_test(any_moment_of_any_undo),
	};

	return cmocka_run_group_tests_name("crash", tests, NULL, NULL);
}
