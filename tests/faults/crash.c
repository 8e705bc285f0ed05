/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include "tests/faults/crash.h"

enum { PENDING_MAX = 4096, DATA = 256 /* sectors: no metadata is written in longer runs but a whole region */ };

struct window {
	struct ram *r;
	const struct ram_log *log;
	const struct crash_effort *effort;
	struct crash_rand *rnd;
	crash_judge *judge;
	void *arg;
	size_t n;
	size_t pending[PENDING_MAX]; /* writes that no flush has covered: indexes into the log */
	uint64_t states;
};

uint64_t crash_random(struct crash_rand *r)
{
	r->state ^= r->state << 13;
	r->state ^= r->state >> 7;
	r->state ^= r->state << 17;
	return r->state;
}

static const struct ram_event *item(const struct window *w, size_t i)
{
	return &w->log->events[w->pending[i]];
}

static void lay(const struct window *w, size_t i, uint32_t from, uint32_t to)
{
	const struct ram_event *e = item(w, i);

	if (from < to)
		ram_put(w->r, e->disk, e->sector + from, to - from, e->bytes + (size_t)from * RAM_SECTOR);
}

static void judge(struct window *w)
{
	w->states++;
	w->judge(w->arg);
	ram_drop(w->r);
}

/* The first n writes have landed, in order, and no other. */
static void prefixes(struct window *w)
{
	for (size_t n = 0; n <= w->n; n++) {
		for (size_t i = 0; i < n; i++)
			lay(w, i, 0, item(w, i)->n);
		judge(w);
	}
}

static void subsets(struct window *w)
{
	if (w->n <= 1)
		return;
	for (uint64_t k = 1; w->n <= w->effort->all_upto && k < (1ull << w->n); k++) {
		if ((k & (k + 1)) == 0)
			continue; /* a prefix */
		for (size_t i = 0; i < w->n; i++)
			if (k >> i & 1)
				lay(w, i, 0, item(w, i)->n);
		judge(w);
	}
	for (unsigned k = 0; w->n > w->effort->all_upto && k < w->effort->random; k++) {
		for (size_t i = 0; i < w->n; i++)
			if (crash_random(w->rnd) & 1)
				lay(w, i, 0, item(w, i)->n);
		judge(w);
	}
}

/* Sectors [0, edge) of write i have landed, or (tail) the others; of the writes before it all, of those behind none; or
 * random ones. */
static void tear(struct window *w, size_t i, uint32_t edge, bool tail, bool shuffle)
{
	for (size_t k = 0; k < w->n; k++)
		if (k != i && (shuffle ? (crash_random(w->rnd) & 1) : k < i))
			lay(w, k, 0, item(w, k)->n);
	if (tail)
		lay(w, i, edge, item(w, i)->n);
	else
		lay(w, i, 0, edge);
	judge(w);
}

static void tears(struct window *w)
{
	for (size_t i = 0; i < w->n; i++) {
		uint32_t n = item(w, i)->n, edges = n - 1;
		unsigned most = n > DATA && n != 2048 ? w->effort->data_edges : w->effort->edges;
		for (uint32_t k = 1; n > 1 && k <= edges && k <= most; k++) {
			/* evenly spread where not all are tried */
			uint32_t edge = edges <= most ? k : (uint32_t)((uint64_t)k * edges / most);
			tear(w, i, edge, false, false);
			tear(w, i, edge, true, false);
			if (w->n > 1)
				tear(w, i, edge, false, true);
		}
	}
}

/* A disk may take the sectors of its queue in any order. */
static void shuffles(struct window *w)
{
	bool torn = false;

	for (size_t i = 0; i < w->n; i++)
		torn |= item(w, i)->n > 1;
	for (unsigned k = 0; torn && k < w->effort->shuffles; k++) {
		for (size_t i = 0; i < w->n; i++)
			for (uint32_t s = 0; s < item(w, i)->n; s++)
				if (crash_random(w->rnd) & 1)
					lay(w, i, s, s + 1);
		judge(w);
	}
}

static void enumerate(struct window *w)
{
	ram_push(w->r);
	prefixes(w);
	subsets(w);
	tears(w);
	shuffles(w);
	ram_pop(w->r);
}

/* What a flush of this disk covers is there for certain. */
static void settle(struct window *w, size_t disk)
{
	size_t left = 0;

	for (size_t i = 0; i < w->n; i++) {
		if (item(w, i)->disk == disk)
			lay(w, i, 0, item(w, i)->n);
		else
			w->pending[left++] = w->pending[i];
	}
	w->n = left;
}

uint64_t crash_windows(struct ram *r, const struct ram_log *log, const struct crash_effort *effort, struct crash_rand *rnd,
		       crash_judge *judge_state, void *arg)
{
	struct window *w = calloc(1, sizeof(*w));
	uint64_t states;
	bool grown = false;

	assert_non_null(w);
	*w = (struct window){ .r = r, .log = log, .effort = effort, .rnd = rnd, .judge = judge_state, .arg = arg };
	for (size_t i = 0; i < log->n; i++) {
		if (log->events[i].kind == RAM_WRITE) {
			assert_true(w->n < PENDING_MAX);
			w->pending[w->n++] = i;
			grown = true;
			continue;
		}
		/* flushes that follow one another leave nothing that was not possible before the first of them */
		if (grown)
			enumerate(w);
		grown = false;
		settle(w, log->events[i].disk);
	}
	if (grown)
		enumerate(w); /* what nobody flushed */
	states = w->states;
	free(w);
	return states;
}

static bool in_copy(const struct ram_event *e, const struct dyn_step *st)
{
	uint64_t at = e->sector * RAM_SECTOR;

	return e->kind == RAM_WRITE && e->disk == st->disk && at >= st->target_offset && at < st->target_offset + st->size;
}

static int by_sector(const void *a, const void *b)
{
	const struct ram_event *x = a, *y = b;

	return x->sector < y->sector ? -1 : x->sector > y->sector;
}

/* Of a copy the writes from event `from` on, until something else is written: in order, their flushes taken away. */
static size_t order_run(struct ram_log *log, size_t from, const struct dyn_step *st)
{
	size_t n = from, left = from;

	for (size_t i = from; i < log->n && (log->events[i].kind == RAM_SYNC || in_copy(&log->events[i], st)); i++)
		if (log->events[i].kind == RAM_WRITE)
			n = i + 1;
	for (size_t i = from; i < n; i++)
		if (log->events[i].kind == RAM_WRITE)
			log->events[left++] = log->events[i];
	memmove(&log->events[left], &log->events[n], (log->n - n) * sizeof(*log->events));
	log->n -= n - left;
	qsort(&log->events[from], left - from, sizeof(*log->events), by_sector);
	return left;
}

void crash_order(struct ram_log *log, const struct dyn_step *copies, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < log->n;)
			k = in_copy(&log->events[k], &copies[i]) ? order_run(log, k, &copies[i]) : k + 1;
}

void crash_carry_out(struct ram *r, const struct dyn_plan *p)
{
	for (size_t i = 0; i < p->n_steps; i++) {
		const struct dyn_step *st = &p->steps[i].pub;
		size_t done = 0;
		for (unsigned phase = 0; st->kind == DYN_STEP_SECTORS && done < st->n_writes; phase++)
			for (size_t k = 0; k < st->n_writes; k++) {
				const struct dyn_write *w = &st->writes[k];
				if (w->phase != phase)
					continue;
				ram_put(r, w->disk, w->sector, w->n_sectors, w->after);
				done++;
			}
	}
}
