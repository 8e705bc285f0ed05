/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * copy.c - the engine's one loop. A chunk lives in a slot: it is read (both sides when
 * comparing), perhaps written, and done. Slots form a ring in the order of the range, so that
 * "everything before the oldest unfinished slot" is the progress that may be claimed once a
 * flush that began later has ended.
 */
#include "run/copy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "run/writer.h"

enum { SECTOR = 512, BUFFER_ALIGN = 4096, TICK_MS = 100, FLUSH_NS = 1000000000 };

enum slot_state { SLOT_READING, SLOT_WRITING, SLOT_DONE, SLOT_FAILED };

struct slot {
	enum slot_state state;
	uint64_t pos;
	size_t size;
	unsigned waiting;      /* reads outstanding */
	struct copy_req a, b;  /* reads of source and target */
	struct copy_req w;     /* write of what a read */
};

struct run {
	const struct copy_task *t;
	struct copy_result *r;
	struct copy_ring *ring;
	struct slot slots[COPY_DEPTH];
	size_t n_slots;
	uint64_t head, tail;   /* slots [head, tail) are in use, taken modulo n_slots */
	size_t in_flight;
	uint64_t pos;          /* next byte of the range to issue */
	uint64_t data_until;   /* [pos, data_until) is known to be data */
	uint64_t flushed;      /* may be claimed */
	bool dirty;            /* written since the last flush began */
	bool flushing;
	struct copy_req flush;
	uint64_t flush_mark, flush_time;
	uint64_t next_issue;   /* monotonic ns, by the rate limit */
	uint64_t limit;
	uint64_t skip;         /* what the next unreadable place is stepped over by */
	bool holes;
	int rc;                /* first failure: nothing more is issued */
	uint8_t *pool;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Only looks: nothing to flush, no hole to punch. */
static bool only_compares(const struct run *x)
{
	return x->t->mode == COPY_VERIFY || x->t->mode == COPY_COMPARE;
}

static bool stopped(struct run *x)
{
	return x->t->stop && x->t->stop(x->t->arg);
}

/* The first real failure is the one that is told; a stop may be overtaken by one. */
static void fail(struct run *x, int rc, enum copy_fault fault, uint64_t at, uint64_t size)
{
	if (x->rc && x->rc != -ECANCELED)
		return;
	x->rc = rc;
	x->r->fault = fault;
	x->r->fault_at = at;
	x->r->fault_size = size;
}

int copy_read_now(struct dyn_io *io, uint64_t off, uint8_t *buf, size_t n)
{
	int rc = dyn_io_read(io, off, buf, n);

	if (rc == -EINVAL && writer_drop_direct(io))
		rc = dyn_io_read(io, off, buf, n);
	return rc;
}

int copy_write_now(struct dyn_io *io, uint64_t off, const uint8_t *buf, size_t n)
{
	int rc = dyn_io_write(io, off, buf, n);

	if (rc == -EINVAL && writer_drop_direct(io))
		rc = dyn_io_write(io, off, buf, n);
	return rc;
}

/* A bad place of a disk is not its end: the first and the last sector tell which of them it is. */
bool copy_source_gone(struct dyn_io *source, int rc)
{
	static const size_t n = BUFFER_ALIGN;
	uint64_t last = source->size > n ? (source->size - n) / n * n : 0;
	void *b = NULL;
	bool gone;

	if (rc == -ENODEV || rc == -ENXIO || rc == -ENOMEDIUM)
		return true;
	if (source->size < n || posix_memalign(&b, n, n))
		return false;
	writer_forget_cache(source); /* it would answer for a disk that is no more */
	gone = copy_read_now(source, 0, b, n) && copy_read_now(source, last, b, n);
	free(b);
	return gone;
}

/* Copying steps over a place that cannot be read, and over as much behind it as it has stepped over so far: a damaged
 * area costs a few slow failures, not thousands of them, before all that is good is safe. */
static void set_aside(struct run *x, struct slot *s)
{
	bool kept = x->t->mode == COPY_CHECK; /* an earlier run could read it, and its flush says that it is there */
	uint64_t to = s->pos + s->size + x->skip;

	if (!x->t->bad || copy_source_gone(x->t->source, s->a.result)) {
		fail(x, s->a.result, COPY_FAULT_SOURCE_READ, s->a.offset, s->size);
		return;
	}
	ranges_add(x->t->bad, s->pos, s->size, kept);
	if (to > x->t->size)
		to = x->t->size;
	if (to > x->pos) {
		ranges_fill(x->t->bad, x->pos, to - x->pos, kept);
		x->pos = to;
	}
	x->skip = x->skip ? 2 * x->skip : COPY_CHUNK;
	if (x->skip > COPY_MAX_SKIP)
		x->skip = COPY_MAX_SKIP;
	s->state = SLOT_DONE;
}

/* Comparing wants the very sectors: 64 KiB, 4 KiB, then single ones. What cannot be read is taken for equal, and noted. */
static void read_around(struct run *x, struct slot *s, size_t from, size_t size, size_t piece)
{
	for (size_t at = from; at < from + size && !x->rc;) {
		uint64_t place = s->a.offset + at;
		size_t n = piece - (size_t)(place % piece);
		int rc;
		n = n < from + size - at ? n : from + size - at;
		if (stopped(x)) {
			x->rc = -ECANCELED;
			return;
		}
		rc = copy_read_now(x->t->source, place, s->a.buf + at, n);
		if (rc && n > SECTOR) {
			read_around(x, s, at, n, piece > 65536 ? 65536 : piece > 4096 ? 4096 : SECTOR);
		} else if (rc && (!x->t->bad || copy_source_gone(x->t->source, rc))) {
			fail(x, rc, COPY_FAULT_SOURCE_READ, place, n);
		} else if (rc) {
			memcpy(s->a.buf + at, s->b.buf + at, n);
			ranges_add(x->t->bad, s->pos + at, n, true);
			x->r->unread += n;
		}
		at += n;
	}
}

/* A range that verifies as different is copied once more, flushed and compared again: a write that was lost is
 * repaired, a target that lies is found out. */
static void fix_now(struct run *x, struct slot *s)
{
	struct dyn_io *target = x->t->target;
	uint64_t at = x->t->target_offset + s->pos;
	int rc = copy_write_now(target, at, s->a.buf, s->size);

	x->r->rewritten += s->size;
	if (!rc)
		rc = dyn_io_sync(target);
	if (rc) {
		fail(x, rc, COPY_FAULT_TARGET_WRITE, at, s->size);
		return;
	}
	writer_forget_cache(target);
	rc = copy_read_now(target, at, s->b.buf, s->size);
	if (rc)
		fail(x, rc, COPY_FAULT_TARGET_READ, at, s->size);
	else if (memcmp(s->a.buf, s->b.buf, s->size))
		fail(x, -EILSEQ, COPY_FAULT_DIFFERS, at, s->size);
}

static void complete(struct run *x, struct copy_req *req);

static void submit(struct run *x, struct copy_req *req)
{
	req->moved = 0;
	req->result = 0;
	x->in_flight++;
	if (x->ring->ops->start(x->ring, req) == 0)
		return;
	/* The ring did not take it: done here, so that a refusal is slow but never wrong. */
	if (req->op == COPY_OP_READ)
		req->result = copy_read_now(req->io, req->offset, req->buf, req->size);
	else if (req->op == COPY_OP_WRITE)
		req->result = copy_write_now(req->io, req->offset, req->buf, req->size);
	else
		req->result = dyn_io_sync(req->io);
	complete(x, req);
}

static void begin_write(struct run *x, struct slot *s)
{
	s->state = SLOT_WRITING;
	s->w = (struct copy_req){ .op = COPY_OP_WRITE, .io = x->t->target, .offset = x->t->target_offset + s->pos,
				  .buf = s->a.buf, .size = s->size, .owner = s };
	submit(x, &s->w);
}

static void after_write(struct run *x, struct slot *s)
{
	/* Once more before giving up: a timeout or a reset bus is not yet a broken disk. */
	if (s->w.result)
		s->w.result = copy_write_now(s->w.io, s->w.offset, s->w.buf, s->size);
	s->state = s->w.result ? SLOT_FAILED : SLOT_DONE;
	x->dirty = true; /* a flush that began while this was in flight does not cover it */
	if (s->w.result)
		fail(x, s->w.result, COPY_FAULT_TARGET_WRITE, s->w.offset, s->size);
}

static void count_different(struct run *x, const struct slot *s)
{
	for (size_t at = 0; at < s->size; at += SECTOR) {
		if (memcmp(s->a.buf + at, s->b.buf + at, SECTOR) == 0)
			continue;
		if (x->r->different == 0 || s->pos + at < x->r->first_different)
			x->r->first_different = s->pos + at;
		x->r->different += SECTOR;
		if (x->t->differ)
			ranges_add(x->t->differ, s->pos + at, SECTOR, false);
	}
}

/* Both sides of a comparing slot are there. */
static void compare(struct run *x, struct slot *s)
{
	if (s->b.result == 0 && memcmp(s->a.buf, s->b.buf, s->size) == 0) {
		s->state = SLOT_DONE;
	} else if (x->t->mode == COPY_CHECK) {
		x->r->rewritten += s->size;
		begin_write(x, s);
	} else if (x->t->mode == COPY_COMPARE) {
		count_different(x, s);
		s->state = SLOT_DONE;
	} else {
		fix_now(x, s);
		if (!x->rc)
			s->state = SLOT_DONE;
	}
}

/* All reads of a slot have ended. */
static void after_reads(struct run *x, struct slot *s)
{
	s->state = SLOT_FAILED;
	if (x->rc)
		return;
	if (s->a.result && !only_compares(x)) {
		set_aside(x, s);
		return;
	}
	x->skip = 0;
	if (only_compares(x)) {
		if (s->b.result)
			s->b.result = copy_read_now(s->b.io, s->b.offset, s->b.buf, s->size);
		if (s->b.result)
			fail(x, s->b.result, COPY_FAULT_TARGET_READ, s->b.offset, s->size);
		else if (s->a.result)
			read_around(x, s, 0, s->size, 65536);
		if (x->rc)
			return;
	}
	if (x->t->mode == COPY_COPY)
		begin_write(x, s);
	else
		compare(x, s);
}

static void complete(struct run *x, struct copy_req *req)
{
	struct slot *s = req->owner;

	x->in_flight--;
	if (req->result == -EINVAL && writer_drop_direct(req->io)) {
		submit(x, req);
	} else if (req->op == COPY_OP_SYNC) {
		x->flushing = false;
		if (req->result)
			fail(x, req->result, COPY_FAULT_TARGET_WRITE, x->t->target_offset, x->t->size);
		else
			x->flushed = x->flush_mark;
	} else if (req->op == COPY_OP_WRITE) {
		after_write(x, s);
	} else if (--s->waiting == 0) {
		after_reads(x, s);
	}
}

/* Everything before this is finished. */
static uint64_t low_water(struct run *x)
{
	while (x->head < x->tail && x->slots[x->head % x->n_slots].state == SLOT_DONE)
		x->head++;
	return x->head < x->tail ? x->slots[x->head % x->n_slots].pos : x->pos;
}

/* Chunks end where 1 MiB of the target ends, so that odd starts (sector 63) cost one short request, not misaligned
 * writes throughout; under a low limit they are smaller, so that it is kept smoothly. */
static size_t chunk_size(const struct run *x)
{
	uint64_t max = COPY_CHUNK, n;

	if (x->limit && x->limit / 4 < max)
		max = x->limit / 4 < 65536 ? 65536 : x->limit / 4 & ~(uint64_t)65535;
	n = max - (x->t->target_offset + x->pos) % max;
	if (n > x->t->size - x->pos)
		n = x->t->size - x->pos;
	if (x->holes && n > x->data_until - x->pos)
		n = x->data_until - x->pos;
	if (x->t->bad) {
		const struct ranges *bad = x->t->bad;
		size_t i = ranges_after(bad, x->pos);
		if (i < bad->n && bad->r[i].offset - x->pos < n)
			n = bad->r[i].offset - x->pos;
	}
	return (size_t)n;
}

/* Where the next thing to do begins when pos lies in what cannot be read; else pos. */
static uint64_t behind_bad(const struct run *x)
{
	const struct ranges *bad = x->t->bad;
	size_t i = bad ? ranges_after(bad, x->pos) : 0;
	uint64_t pos = x->pos;

	for (; bad && i < bad->n && bad->r[i].offset <= pos; i++)
		pos = bad->r[i].offset + bad->r[i].size;
	return pos < x->t->size ? pos : x->t->size;
}

/* Steps over holes and bad places; false at the end of the range or after a stop. */
static bool find_data(struct run *x)
{
	while (!x->rc && x->pos < x->t->size) {
		uint64_t data = 0, pos = behind_bad(x);
		if (pos > x->pos) {
			x->pos = pos;
			continue;
		}
		if (!x->holes || x->pos < x->data_until)
			return true;
		x->pos += copy_holes_skip(x->t->source, x->t->source_offset + x->pos, x->t->target,
					  x->t->target_offset + x->pos, x->t->size - x->pos,
					  !only_compares(x), &x->dirty, &data);
		x->data_until = x->pos + data;
		if (stopped(x))
			x->rc = -ECANCELED;
	}
	return false;
}

static void issue_chunk(struct run *x)
{
	struct slot *s = &x->slots[x->tail % x->n_slots];
	bool both = x->t->mode != COPY_COPY;
	uint8_t *buf = x->pool + x->tail % x->n_slots * (both ? 2u : 1u) * COPY_CHUNK;
	size_t n = chunk_size(x);

	x->tail++;
	*s = (struct slot){ .state = SLOT_READING, .pos = x->pos, .size = n, .waiting = both ? 2 : 1 };
	s->a = (struct copy_req){ .op = COPY_OP_READ, .io = x->t->source, .offset = x->t->source_offset + x->pos,
				  .buf = buf, .size = n, .owner = s };
	s->b = (struct copy_req){ .op = COPY_OP_READ, .io = x->t->target, .offset = x->t->target_offset + x->pos,
				  .buf = buf + COPY_CHUNK, .size = n, .owner = s };
	x->pos += n;
	submit(x, &s->a);
	if (both)
		submit(x, &s->b);
}

/* Nanoseconds until the rate limit lets the next chunk go. */
static uint64_t must_wait(struct run *x)
{
	uint64_t limit = x->t->limit ? x->t->limit(x->t->arg) : 0, now = now_ns();

	if (limit != x->limit) {
		x->limit = limit; /* a new limit counts from now: the debt under the old one is forgotten */
		x->next_issue = now;
	}
	if (limit == 0 || x->next_issue <= now)
		return 0;
	return x->next_issue - now;
}

static int issue(struct run *x)
{
	int timeout = TICK_MS;

	while (!x->rc) {
		uint64_t wait, from;
		if (stopped(x)) {
			x->rc = -ECANCELED;
			break;
		}
		low_water(x);
		if (x->tail - x->head >= x->n_slots || !find_data(x))
			break;
		wait = must_wait(x);
		if (wait) {
			if (wait < (uint64_t)TICK_MS * 1000000)
				timeout = (int)(wait / 1000000) + 1;
			break;
		}
		from = x->pos;
		issue_chunk(x);
		if (x->limit)
			x->next_issue = (x->next_issue > now_ns() ? x->next_issue : now_ns()) +
					(x->pos - from) * 1000000000u / x->limit;
	}
	return timeout;
}

/* Comparing claims what it compared; copying what a flush has made safe. */
static void report(struct run *x)
{
	uint64_t low = low_water(x);
	int rc;

	if (only_compares(x) || (!x->dirty && !x->flushing))
		x->flushed = low;
	if (x->dirty && !x->flushing && now_ns() - x->flush_time >= FLUSH_NS && !only_compares(x)) {
		x->dirty = false;
		x->flushing = true;
		x->flush_mark = low;
		x->flush_time = now_ns();
		x->flush = (struct copy_req){ .op = COPY_OP_SYNC, .io = x->t->target };
		submit(x, &x->flush);
	}
	if (x->flushed == x->r->done)
		return;
	x->r->done = x->flushed;
	rc = x->t->progress ? x->t->progress(x->t->arg, x->r->done) : 0;
	if (rc && !x->rc)
		x->rc = rc;
}

/* The last flush; after a stop or a failure as well, so that the place to go on from is true. */
static void finish(struct run *x)
{
	uint64_t low = low_water(x);
	int rc = only_compares(x) ? 0 : dyn_io_sync(x->t->target);

	if (rc) {
		fail(x, rc, COPY_FAULT_TARGET_WRITE, x->t->target_offset, x->t->size);
		return;
	}
	x->flushed = low;
	x->dirty = false;
	report(x);
}

static void loop(struct run *x)
{
	for (;;) {
		int timeout = issue(x);
		report(x);
		if (x->in_flight == 0 && (x->rc || (x->pos >= x->t->size && low_water(x) == x->pos)))
			break;
		struct copy_req *req = x->ring->ops->wait(x->ring, timeout);
		if (req)
			complete(x, req);
	}
	finish(x);
}

static int open_ring(struct run *x)
{
	const struct copy_task *t = x->t;

	/* Back ends without a descriptor (tests) go through their ops, which only the threads do. */
	if (!t->no_uring && t->source->fd >= 0 && t->target->fd >= 0 && copy_uring_open(&x->ring) == 0) {
		x->r->uring = true;
		return 0;
	}
	return copy_threads_open(&x->ring);
}

static bool in_range(const struct dyn_io *io, uint64_t offset, uint64_t size)
{
	uint64_t end;

	return offset % SECTOR == 0 && !add_overflows(offset, size, &end) && end <= io->size;
}

int copy_run(const struct copy_task *t, struct copy_result *r)
{
	struct run x = { .t = t, .r = r, .pos = t->start, .flushed = t->start };
	void *pool = NULL;
	int rc;

	*r = (struct copy_result){ .done = t->start };
	if (!in_range(t->source, t->source_offset, t->size) || !in_range(t->target, t->target_offset, t->size) ||
	    t->size % SECTOR || t->start % SECTOR || t->start > t->size)
		return -ERANGE;
	x.n_slots = t->mode == COPY_COPY ? COPY_DEPTH : COPY_DEPTH / 2; /* comparing has two requests per slot */
	if (posix_memalign(&pool, BUFFER_ALIGN, (size_t)COPY_DEPTH * COPY_CHUNK))
		return -ENOMEM;
	x.pool = pool;
	x.holes = copy_holes_known(t->source, t->target);
	x.flush_time = now_ns();
	if (t->mode != COPY_COPY)
		writer_forget_cache(t->target); /* compare what the disk holds, not what we remember having sent */
	rc = open_ring(&x);
	if (!rc) {
		loop(&x);
		x.ring->ops->close(x.ring);
		rc = x.rc;
	}
	free(pool);
	return rc;
}
