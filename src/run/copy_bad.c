/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * copy_bad.c - the places of a source that did not read at first. One request after the other: each may take seconds,
 * and a failing disk is not to be asked for many things at once. What was read leaves the set only after a flush, so
 * that a record made of the set is true at any time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "run/copy.h"
#include "run/writer.h"

enum { SECTOR = 512, ALIGN = 4096 };

struct retry {
	const struct copy_task *t;
	struct copy_result *r;
	struct ranges left;  /* the set without what was copied since the last flush */
	uint64_t all;        /* bytes of the set at the beginning */
	time_t flushed;      /* monotonic seconds of the last flush */
	bool dirty;
	uint8_t *buf;
};

static time_t seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

static int failed(struct copy_result *r, int rc, enum copy_fault fault, uint64_t at, uint64_t size)
{
	r->fault = fault;
	r->fault_at = at;
	r->fault_size = size;
	return rc;
}

static int flush(struct retry *x)
{
	const struct copy_task *t = x->t;
	int rc = x->dirty ? dyn_io_sync(t->target) : 0;

	x->flushed = seconds();
	if (rc)
		return failed(x->r, rc, COPY_FAULT_TARGET_WRITE, t->target_offset, t->size);
	if (!x->dirty)
		return 0;
	x->dirty = false;
	ranges_copy(t->bad, &x->left);
	x->r->done = x->all - ranges_bytes(t->bad);
	return t->progress ? t->progress(t->arg, x->r->done) : 0;
}

static int write_piece(struct retry *x, uint64_t pos, size_t n)
{
	const struct copy_task *t = x->t;
	uint64_t at = t->target_offset + pos;
	int rc = copy_write_now(t->target, at, x->buf, n);

	if (rc) /* once more before giving up */
		rc = copy_write_now(t->target, at, x->buf, n);
	if (rc)
		return failed(x->r, rc, COPY_FAULT_TARGET_WRITE, at, n);
	x->dirty = true;
	return 0;
}

/* Everything once, in pieces of that size. */
static int pass(struct retry *x, size_t piece)
{
	const struct copy_task *t = x->t;
	int rc = 0;

	for (uint64_t pos = 0; !rc;) {
		size_t i = ranges_after(&x->left, pos), n;
		uint64_t at, end;

		if (i == x->left.n)
			break;
		if (t->stop && t->stop(t->arg))
			return -ECANCELED;
		pos = x->left.r[i].offset > pos ? x->left.r[i].offset : pos;
		end = x->left.r[i].offset + x->left.r[i].size;
		at = t->source_offset + pos;
		n = piece - (size_t)(at % piece);
		n = n < end - pos ? n : (size_t)(end - pos);
		rc = copy_read_now(t->source, at, x->buf, n);
		if (!rc) {
			rc = write_piece(x, pos, n);
			if (!rc)
				ranges_remove(&x->left, pos, n);
		} else if (copy_source_gone(t->source, rc)) {
			return failed(x->r, rc, COPY_FAULT_SOURCE_READ, at, n);
		} else {
			rc = 0;
		}
		pos += n;
		if (!rc && seconds() != x->flushed)
			rc = flush(x);
	}
	return rc;
}

int copy_retry(const struct copy_task *t, struct copy_result *r)
{
	static const size_t pieces[] = { COPY_CHUNK, 65536, 4096, SECTOR };
	struct retry x = { .t = t, .r = r, .all = ranges_bytes(t->bad), .flushed = seconds() };
	void *buf = NULL;
	int rc = ranges_init(&x.left, t->bad->max), ended;

	*r = (struct copy_result){ 0 };
	if (!rc && posix_memalign(&buf, ALIGN, COPY_CHUNK))
		rc = -ENOMEM;
	x.buf = buf;
	if (!rc) {
		ranges_copy(&x.left, t->bad);
		for (size_t i = 0; !rc && i < sizeof(pieces) / sizeof(pieces[0]); i++)
			rc = pass(&x, pieces[i]);
		ended = flush(&x); /* after a stop or a failure as well: what is on the disk is worth keeping */
		rc = rc ? rc : ended;
	}
	free(buf);
	ranges_free(&x.left);
	return rc;
}

/* A sector of a set that had to be squeezed may be a good one, and copied: those are read once more. */
static int zero_piece(const struct copy_task *t, struct copy_result *r, uint64_t pos, size_t n, uint8_t *buf)
{
	uint64_t at = t->target_offset + pos;
	int rc;

	if (!t->bad->squeezed || copy_read_now(t->source, t->source_offset + pos, buf, n))
		memset(buf, 0, n);
	rc = copy_write_now(t->target, at, buf, n);
	return rc ? failed(r, rc, COPY_FAULT_TARGET_WRITE, at, n) : 0;
}

static int each_piece(const struct copy_task *t, struct copy_result *r, uint8_t *buf,
		      int (*fn)(const struct copy_task *t, struct copy_result *r, uint64_t pos, size_t n, uint8_t *buf))
{
	size_t piece = t->bad->squeezed ? SECTOR : COPY_CHUNK;
	int rc = 0;

	for (size_t i = 0; !rc && i < t->bad->n; i++) {
		const struct dyn_range *b = &t->bad->r[i];
		for (uint64_t done = 0, n; !rc && !b->kept && done < b->size; done += n) {
			n = b->size - done < piece ? b->size - done : piece;
			rc = t->stop && t->stop(t->arg) ? -ECANCELED : fn(t, r, b->offset + done, (size_t)n, buf);
		}
	}
	return rc;
}

static int read_back(const struct copy_task *t, struct copy_result *r, uint64_t pos, size_t n, uint8_t *buf)
{
	uint64_t at = t->target_offset + pos;
	int rc = copy_read_now(t->target, at, buf, n);

	if (rc)
		return failed(r, rc, COPY_FAULT_TARGET_READ, at, n);
	for (size_t i = 0; i < n && !t->bad->squeezed; i++)
		if (buf[i])
			return failed(r, -EILSEQ, COPY_FAULT_DIFFERS, at, n);
	return 0;
}

int copy_zero(const struct copy_task *t, struct copy_result *r)
{
	void *buf = NULL;
	int rc;

	*r = (struct copy_result){ 0 };
	if (posix_memalign(&buf, ALIGN, COPY_CHUNK))
		return -ENOMEM;
	rc = each_piece(t, r, buf, zero_piece);
	if (!rc) {
		rc = dyn_io_sync(t->target);
		if (rc)
			failed(r, rc, COPY_FAULT_TARGET_WRITE, t->target_offset, t->size);
	}
	writer_forget_cache(t->target);
	if (!rc)
		rc = each_piece(t, r, buf, read_back);
	free(buf);
	return rc;
}
