/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plan.c - the plan as an object: steps, writes, notes, and the public look at them. */
#include "plan/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SECTOR = 512 };

/* The pool is a chain of blocks, each freed with the plan. */
struct block {
	struct block *next;
};

void *plan_alloc(struct dyn_plan *p, size_t n)
{
	struct block *b = calloc(1, sizeof(*b) + n);

	if (!b)
		return NULL;
	b->next = p->pool;
	p->pool = b;
	return b + 1;
}

static char *plan_vprintf(struct dyn_plan *p, const char *fmt, va_list ap)
{
	char *text = NULL, *copy;
	int n = vasprintf(&text, fmt, ap);

	if (n < 0)
		return NULL;
	copy = plan_alloc(p, (size_t)n + 1);
	if (copy)
		memcpy(copy, text, (size_t)n);
	free(text);
	return copy;
}

char *plan_printf(struct dyn_plan *p, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = plan_vprintf(p, fmt, ap);
	va_end(ap);
	return text;
}

int plan_note(struct dyn_plan *p, const char *fmt, ...)
{
	char **notes = realloc(p->notes, (p->n_notes + 1) * sizeof(*notes));
	va_list ap;

	if (!notes)
		return -ENOMEM;
	p->notes = notes;
	va_start(ap, fmt);
	notes[p->n_notes] = plan_vprintf(p, fmt, ap);
	va_end(ap);
	if (!notes[p->n_notes])
		return -ENOMEM;
	for (size_t i = 0; i < p->n_notes; i++)
		if (strcmp(notes[i], notes[p->n_notes]) == 0)
			return 0; /* two steps of one plan had the same thing to say */
	p->n_notes++;
	return 0;
}

int plan_new(struct dyn_model *m, struct dyn_plan **out, struct dyn_err *err, const char *title_fmt, ...)
{
	struct dyn_plan *p = calloc(1, sizeof(*p));
	va_list ap;

	if (!p)
		return dyn_fail_nomem(err);
	va_start(ap, title_fmt);
	dyn_text_vformat(p->title, sizeof(p->title), title_fmt, ap);
	va_end(ap);
	p->model = dyn_model_ref(m);
	p->confirm_disk = DYN_NONE;
	*out = p;
	return 0;
}

void dyn_plan_free(struct dyn_plan *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_steps; i++) {
		if (p->steps[i].image_fd >= 0)
			close(p->steps[i].image_fd);
		free((void *)p->steps[i].pub.writes);
	}
	for (struct block *b = p->pool, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	free(p->steps);
	free(p->notes);
	free(p->locks);
	dyn_model_unref(p->model);
	free(p);
}

int plan_lock_disk(struct dyn_plan *p, size_t disk)
{
	size_t *locks;

	for (size_t i = 0; i < p->n_locks; i++)
		if (p->locks[i] == disk)
			return 0;
	locks = realloc(p->locks, (p->n_locks + 1) * sizeof(*locks));
	if (!locks)
		return -ENOMEM;
	p->locks = locks;
	locks[p->n_locks++] = disk;
	return 0;
}

struct plan_step *plan_add_step(struct dyn_plan *p, enum dyn_step_kind kind, size_t disk, const char *words,
				const char *effect, const char *diskpart)
{
	struct plan_step *steps, *st;

	if (!words || !effect || !diskpart)
		return NULL; /* a plan_printf before us found no memory */
	steps = realloc(p->steps, (p->n_steps + 1) * sizeof(*steps));
	if (!steps)
		return NULL;
	p->steps = steps;
	st = &steps[p->n_steps++];
	memset(st, 0, sizeof(*st));
	st->image_fd = -1;
	st->pub.kind = kind;
	st->pub.words = words;
	st->pub.effect = effect;
	st->pub.diskpart = diskpart;
	st->pub.disk = disk;
	st->pub.source = DYN_NONE;
	return st;
}

uint64_t plan_image_bytes(const struct plan_step *st)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < st->n_ranges; i++)
		sum += st->ranges[i].size;
	return st->n_ranges ? sum : st->pub.size;
}

bool plan_image_kept(const struct plan_step *st)
{
	return !st->no_undo && plan_image_bytes(st) <= PLAN_UNDO_MAX;
}

void plan_move_before_copies(struct dyn_plan *p)
{
	struct plan_step last = p->steps[p->n_steps - 1];
	size_t at = 0;

	while (at < p->n_steps && p->steps[at].pub.kind != DYN_STEP_COPY)
		at++;
	if (at >= p->n_steps - 1)
		return;
	memmove(&p->steps[at + 1], &p->steps[at], (p->n_steps - 1 - at) * sizeof(*p->steps));
	p->steps[at] = last;
}

void plan_swap_steps(struct dyn_plan *p, size_t a, size_t b)
{
	struct plan_step was = p->steps[a];

	p->steps[a] = p->steps[b];
	p->steps[b] = was;
}

int plan_write(struct dyn_plan *p, struct plan_step *st, unsigned phase, size_t disk, uint64_t sector, uint32_t n,
	       const char *what, const void *before, const void *after)
{
	size_t bytes = (size_t)n * SECTOR, k = st->pub.n_writes;
	struct dyn_write *w = (struct dyn_write *)st->pub.writes;
	uint8_t *copy = plan_alloc(p, before ? 2 * bytes : bytes);

	if (!copy || plan_lock_disk(p, disk))
		return -ENOMEM;
	if (k % 32 == 0) { /* grow by 32 at a time */
		w = realloc(w, (k + 32) * sizeof(*w));
		if (!w)
			return -ENOMEM;
		st->pub.writes = w;
	}
	memcpy(copy, after, bytes);
	if (before)
		memcpy(copy + bytes, before, bytes);
	w[k] = (struct dyn_write){
		.disk = disk, .sector = sector, .n_sectors = n, .phase = phase, .what = what,
		.before = before ? copy + bytes : NULL, .after = copy,
	};
	st->pub.n_writes++;
	return 0;
}

int plan_add_sectors(struct dyn_plan *p, const struct dyn_write *writes, size_t n, size_t disk, const char *words,
		     const char *effect, const char *diskpart, bool destroys, struct dyn_err *err)
{
	struct plan_step *st = plan_add_step(p, DYN_STEP_SECTORS, disk, plan_printf(p, "%s", words),
					     plan_printf(p, "%s", effect), plan_printf(p, "%s", diskpart));

	if (!st)
		return dyn_fail_nomem(err);
	st->pub.destroys = destroys;
	for (size_t i = 0; i < n; i++) {
		const struct dyn_write *w = &writes[i];
		char *what = plan_printf(p, "%s", w->what);
		if (!what ||
		    plan_write(p, st, w->phase, w->disk, w->sector, w->n_sectors, what, w->before, w->after))
			return dyn_fail_nomem(err);
	}
	return 0;
}

const char *dyn_plan_title(const struct dyn_plan *p)
{
	return p->title;
}

size_t dyn_plan_n_steps(const struct dyn_plan *p)
{
	return p->n_steps;
}

const struct dyn_step *dyn_plan_step(const struct dyn_plan *p, size_t i)
{
	return i < p->n_steps ? &p->steps[i].pub : NULL;
}

size_t dyn_plan_n_notes(const struct dyn_plan *p)
{
	return p->n_notes;
}

const char *dyn_plan_note(const struct dyn_plan *p, size_t i)
{
	return i < p->n_notes ? p->notes[i] : NULL;
}

const char *dyn_plan_confirm(const struct dyn_plan *p)
{
	return p->confirm_disk != DYN_NONE ? p->model->disks[p->confirm_disk].confirm : NULL;
}

size_t dyn_plan_confirm_disk(const struct dyn_plan *p)
{
	return p->confirm_disk;
}

bool dyn_plan_can_undo(const struct dyn_plan *p)
{
	for (size_t i = 0; i < p->n_steps; i++)
		if (p->steps[i].pub.kind == DYN_STEP_IMAGE && !plan_image_kept(&p->steps[i]))
			return false;
	return !p->no_undo;
}

enum dyn_undo_kind dyn_plan_undo_kind(const struct dyn_plan *p)
{
	if (!dyn_plan_can_undo(p))
		return DYN_UNDO_NONE;
	for (size_t i = 0; i < p->n_steps; i++)
		if (p->steps[i].pub.kind == DYN_STEP_COPY)
			return DYN_UNDO_COPIES;
	return p->commits ? DYN_UNDO_DATABASE : DYN_UNDO_BYTES;
}

struct dyn_model *dyn_plan_model(const struct dyn_plan *p)
{
	return p->model;
}
