/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * apply.c - carrying a plan out. The order, and what a power cut leaves:
 *
 *  1. locks, checks (check.c), halves that become a mirror again without a copy compared: nothing is written
 *  2. undo file, synced: nothing is written to a disk
 *  3. SECTORS and IMAGE steps in their order; in a step phase by phase, each on all its disks and
 *     flushed before the next: any prefix of phases is a state the plan was built to leave
 *  4. each step is read back and compared
 *  5. COPY steps become jobs (job.c)
 *
 * Everything that can fail without the disks is done before 3. A failure in 3 or 4 leaves the
 * session stale: nothing more is written before the disks have been read again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "run/copy.h"
#include "run/run.h"
#include "run/writer.h"

enum { SECTOR = 512, TABLE_SECTORS = 34 };

void run_mark_stale(struct dyn_session *s, const struct dyn_err *why)
{
	pthread_mutex_lock(&s->run->lock);
	s->run->stale = true;
	s->run->stale_why = *why;
	pthread_mutex_unlock(&s->run->lock);
}

static int step_failed(const struct dyn_plan *p, size_t disk, const char *doing, uint64_t sector, const char *what,
		       int rc, struct dyn_err *err)
{
	char title[192];

	model_disk_title(&p->model->disks[disk], title, sizeof(title));
	return dyn_refuse(err, rc, "Rescan (F5): it shows what the disks hold now. Undo has what was there before.",
			  "%s: %s failed at sector %llu (%s): %s", title, doing, (unsigned long long)sector, what,
			  rc == -EILSEQ ? "it reads back differently" : strerror(-rc));
}

/* The smallest phase of a step not below `from`; false when there is none. */
static bool next_phase(const struct dyn_step *st, unsigned from, unsigned *phase)
{
	bool found = false;

	for (size_t i = 0; i < st->n_writes; i++)
		if (st->writes[i].phase >= from && (!found || st->writes[i].phase < *phase)) {
			*phase = st->writes[i].phase;
			found = true;
		}
	return found;
}

static int write_phase(struct dyn_session *s, const struct dyn_plan *p, const struct run_held *h,
		       const struct dyn_step *st, unsigned phase, struct dyn_err *err)
{
	for (size_t i = 0; i < st->n_writes; i++) {
		const struct dyn_write *w = &st->writes[i];
		int rc;
		if (w->phase != phase)
			continue;
		session_log(s, "write %s sector %llu count %u: %s", p->model->disks[w->disk].path,
			    (unsigned long long)w->sector, w->n_sectors, w->what);
		rc = dyn_io_write(h->disks[w->disk]->io, w->sector * SECTOR, w->after, (size_t)w->n_sectors * SECTOR);
		if (rc)
			return step_failed(p, w->disk, "writing", w->sector, w->what, rc, err);
	}
	for (size_t d = 0; d < h->n; d++) {
		const struct dyn_write *last = NULL;
		int rc;
		for (size_t i = 0; i < st->n_writes; i++)
			if (st->writes[i].phase == phase && st->writes[i].disk == d)
				last = &st->writes[i];
		rc = last ? dyn_io_sync(h->disks[d]->io) : 0;
		if (rc)
			return step_failed(p, d, "flushing", last->sector, last->what, rc, err);
	}
	return 0;
}

/* What a disk must hold after the step: its writes laid over each other in order of phase. */
static int expected(const struct dyn_step *st, size_t disk, uint64_t total, struct sectmap **out)
{
	struct sectmap *m = NULL;
	unsigned phase = 0;
	int rc = sectmap_new(total, SECTOR, &m);

	for (unsigned from = 0; !rc && next_phase(st, from, &phase); from = phase + 1)
		for (size_t i = 0; !rc && i < st->n_writes; i++)
			if (st->writes[i].phase == phase && st->writes[i].disk == disk)
				rc = sectmap_put(m, st->writes[i].sector, st->writes[i].n_sectors, st->writes[i].after);
	if (rc)
		sectmap_free(m);
	else
		*out = m;
	return rc;
}

static int read_back_disk(const struct dyn_plan *p, const struct run_held *h, const struct dyn_step *st, size_t disk,
			  struct dyn_err *err)
{
	struct dyn_io *io = h->disks[disk]->io;
	struct sectmap *m;
	int rc = expected(st, disk, io->size / SECTOR, &m);

	if (rc)
		return dyn_fail_nomem(err);
	writer_forget_cache(io);
	for (size_t i = 0; !rc && i < m->n; i++) {
		size_t n = (size_t)m->runs[i].n_sectors * SECTOR;
		uint8_t *got = malloc(n);
		rc = got ? dyn_io_read(io, m->runs[i].sector * SECTOR, got, n) : -ENOMEM;
		if (!rc && memcmp(got, m->runs[i].bytes, n) != 0)
			rc = -EILSEQ;
		free(got);
		if (rc)
			rc = step_failed(p, disk, "reading back", m->runs[i].sector, st->words, rc, err);
	}
	sectmap_free(m);
	return rc;
}

static bool touches(const struct dyn_step *st, size_t disk, uint64_t below)
{
	for (size_t i = 0; i < st->n_writes; i++)
		if (st->writes[i].disk == disk && st->writes[i].sector < below)
			return true;
	return false;
}

static int apply_sectors(struct dyn_session *s, const struct dyn_plan *p, const struct run_held *h,
			 const struct dyn_step *st, struct dyn_err *err)
{
	unsigned phase = 0;
	int rc = 0;

	for (unsigned from = 0; !rc && next_phase(st, from, &phase); from = phase + 1)
		rc = write_phase(s, p, h, st, phase, err);
	for (size_t d = 0; !rc && d < h->n; d++)
		if (touches(st, d, UINT64_MAX))
			rc = read_back_disk(p, h, st, d, err);
	for (size_t d = 0; !rc && d < h->n; d++)
		if (touches(st, d, TABLE_SECTORS))
			writer_reread_table(h->disks[d]->io);
	return rc;
}

/* ------------------------------------------------------------------ images */

static int image_read(struct dyn_io *io, uint64_t off, void *buf, size_t n)
{
	return dyn_pread_full(io->fd, buf, n, off);
}

/* An IMAGE step on its way: every range is written, then every range is compared. */
struct image_run {
	struct dyn_session *s;
	const struct plan_step *ps;
	struct dyn_io *target;
	uint64_t before;    /* bytes of the ranges that are done, both passes counted */
	uint64_t range;     /* bytes done of the present one */
	uint64_t told;      /* monotonic ms of the last call of the session's progress */
	bool stopped;
};

/* `now_too`: a range ended, however soon after the last call. */
static int tell(struct image_run *x, bool now_too)
{
	struct timespec ts;
	uint64_t now;

	if (!x->s->progress || x->stopped)
		return x->stopped ? -ECANCELED : 0;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
	if (now - x->told < 100 && !now_too)
		return 0;
	x->told = now;
	x->stopped = x->s->progress(x->s->progress_arg, &x->ps->pub, x->before + x->range, 2 * plan_image_bytes(x->ps)) != 0;
	return x->stopped ? -ECANCELED : 0;
}

static bool image_stop(void *arg)
{
	return tell(arg, false) != 0;
}

static int image_progress(void *arg, uint64_t done)
{
	((struct image_run *)arg)->range = done;
	return 0;
}

static int image_range(struct image_run *x, const struct plan_range *r, enum copy_mode mode)
{
	static const struct dyn_io_ops ops = { .read = image_read };
	struct dyn_io image = { .ops = &ops, .fd = x->ps->image_fd, .sector_size = SECTOR, .size = r->image + r->size };
	struct copy_task t = { .mode = mode, .source = &image, .target = x->target, .size = r->size,
			       .source_offset = r->image, .target_offset = r->target, .arg = x,
			       .stop = image_stop, .progress = image_progress };
	struct copy_result result;
	int rc;

	x->range = 0;
	rc = copy_run(&t, &result);
	x->before += r->size;
	x->range = 0;
	return rc ? rc : tell(x, true);
}

static int apply_image(struct dyn_session *s, const struct dyn_plan *p, const struct run_held *h,
		       const struct plan_step *ps, struct dyn_err *err)
{
	const struct dyn_step *st = &ps->pub;
	const struct plan_range whole = { .image = st->source_offset, .target = st->target_offset, .size = st->size };
	const struct plan_range *ranges = ps->n_ranges ? ps->ranges : &whole;
	size_t n = ps->n_ranges ? ps->n_ranges : 1;
	struct image_run x = { .s = s, .ps = ps, .target = h->disks[st->disk]->io };
	int rc = 0;

	for (size_t i = 0; !rc && i < 2 * n; i++) {
		const struct plan_range *r = &ranges[i % n];
		if (i < n)
			session_log(s, "write %s sector %llu count %llu: %s", p->model->disks[st->disk].path,
				    (unsigned long long)(r->target / SECTOR), (unsigned long long)(r->size / SECTOR), st->words);
		rc = image_range(&x, r, i < n ? COPY_COPY : COPY_VERIFY);
		if (rc == -ECANCELED)
			return dyn_refuse(err, rc, "Rescan (F5): it shows what the disks hold now.", "%s: stopped on request", st->words);
		if (rc)
			return step_failed(p, st->disk, "writing an image", r->target / SECTOR, st->words, rc, err);
	}
	if (st->target_offset < (uint64_t)TABLE_SECTORS * SECTOR) /* over the table: a whole disk was zeroed */
		writer_reread_table(h->disks[st->disk]->io);
	return rc;
}

/* ------------------------------------------------------------------ halves */

struct half_run {
	struct dyn_session *s;
	const struct dyn_step *step;
	uint64_t total, told;
	bool stopped;
};

static int half_progress(void *arg, uint64_t done)
{
	struct half_run *x = arg;
	uint64_t percent = done * 100 / x->total;

	if (x->s->progress && percent != x->told)
		x->stopped = x->s->progress(x->s->progress_arg, x->step, done, x->total) != 0;
	x->told = percent;
	return x->stopped ? -ECANCELED : 0;
}

static int compare_halves(struct dyn_session *s, const struct dyn_plan *p, const struct run_held *h,
			  const struct dyn_step *st, const struct plan_compare *c, struct dyn_err *err)
{
	struct dyn_io *a = h->disks[c->disk[0]]->io, *b = h->disks[c->disk[1]]->io;
	struct half_run x = { .s = s, .step = st, .total = c->size };
	struct copy_task t = { .mode = COPY_COMPARE, .source = a, .target = b, .size = c->size, .source_offset = c->offset[0],
			       .target_offset = c->offset[1], .arg = &x, .progress = half_progress };
	struct copy_result r = { 0 };
	int rc;

	writer_forget_cache(a);
	writer_forget_cache(b);
	rc = copy_run(&t, &r);
	if (rc == -ECANCELED)
		return dyn_refuse(err, rc, "Nothing was written.", "%s: stopped on request", st->words);
	if (rc)
		return dyn_refuse(err, rc, "Nothing was written. Leave it as it is, or add the mirror anew.",
				  "the halves of %s cannot be compared: %s", c->title, strerror(-rc));
	if (r.different) /* what cannot be read is an error here */
		return dyn_refuse(err, -ESTALE, "Nothing was written. Add the mirror anew: it is copied again.",
				  "the halves of %s on %s and %s are no longer equal, first at byte %llu", c->title,
				  p->model->disks[c->disk[0]].name, p->model->disks[c->disk[1]].name,
				  (unsigned long long)r.first_different);
	return 0;
}

static int compare_all(struct dyn_session *s, const struct dyn_plan *p, const struct run_held *h, struct dyn_err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < p->n_steps; i++)
		for (size_t k = 0; !rc && k < p->steps[i].n_compares; k++)
			rc = compare_halves(s, p, h, &p->steps[i].pub, &p->steps[i].compares[k], err);
	return rc;
}

/* ------------------------------------------------------------------- plans */

static int apply_steps(struct dyn_session *s, const struct dyn_plan *p, const struct run_held *h, struct dyn_err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < p->n_steps; i++) {
		const struct plan_step *ps = &p->steps[i];
		if (ps->pub.kind == DYN_STEP_SECTORS)
			rc = apply_sectors(s, p, h, &ps->pub, err);
		else if (ps->pub.kind == DYN_STEP_IMAGE)
			rc = apply_image(s, p, h, ps, err);
	}
	return rc;
}

static bool writes_anything(const struct dyn_plan *p)
{
	for (size_t i = 0; i < p->n_steps; i++)
		if (p->steps[i].pub.kind != DYN_STEP_COPY)
			return true;
	return false;
}

int run_apply_locked(struct dyn_session *s, const struct dyn_plan *p, const struct job *self, struct dyn_err *err)
{
	struct dyn_err local = { 0 };
	struct run_held held;
	char undo[64] = "", replaces[64] = "";
	int rc = run_jobs_conflict(s, p, self, err);

	if (!rc)
		rc = run_held_get(s, p, &held, err);
	if (rc)
		return rc;
	rc = run_check_disks(p, &held, err);
	if (!rc)
		rc = compare_all(s, p, &held, err);
	if (!rc && writes_anything(p))
		rc = run_undo_save(s, p, &held, undo, replaces, err);
	if (!rc) {
		rc = apply_steps(s, p, &held, &local);
		if (rc) {
			run_mark_stale(s, &local);
			if (err)
				*err = local;
		} else if (p->undo_of || replaces[0]) {
			run_undo_drop(s, p->undo_of ? p->undo_of : replaces);
		}
	}
	for (size_t i = 0; !rc && i < p->n_steps; i++)
		if (p->steps[i].pub.kind == DYN_STEP_COPY)
			rc = run_job_add(s, p, i, &held, err);
	run_held_put(s, &held);
	return rc;
}

static int may_apply(struct dyn_session *s, const struct dyn_plan *p, const char *confirm, struct dyn_err *err)
{
	const char *need = dyn_plan_confirm(p);
	struct dyn_err why;
	bool stale;

	if (s->read_only)
		return dyn_refuse(err, -EROFS, "Start dynadisk without the read-only option.",
				  "this session only looks: nothing is written");
	pthread_mutex_lock(&s->run->lock);
	stale = s->run->stale;
	why = s->run->stale_why;
	pthread_mutex_unlock(&s->run->lock);
	if (stale)
		return dyn_refuse(err, -ESTALE, "Rescan the disks (F5) first.", "an earlier change failed (%.200s)", why.what);
	if (need && (!confirm || strcmp(need, confirm) != 0))
		return dyn_refuse(err, -EPERM, "Type the text exactly as it is shown.",
				  "the confirmation does not match: \"%.100s\" is asked for", need);
	return 0;
}

int dyn_apply(struct dyn_session *s, const struct dyn_plan *p, const char *confirm, struct dyn_err *err)
{
	int rc = may_apply(s, p, confirm, err);

	if (rc)
		return rc;
	pthread_mutex_lock(&s->run->meta);
	rc = run_apply_locked(s, p, NULL, err);
	pthread_mutex_unlock(&s->run->meta);
	return rc;
}
