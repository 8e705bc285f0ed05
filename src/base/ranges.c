/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/ranges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t end_of(const struct dyn_range *r)
{
	return r->offset + r->size;
}

int ranges_init(struct ranges *x, size_t max)
{
	*x = (struct ranges){ .max = max, .r = calloc(max + 2, sizeof(*x->r)) };
	return x->r ? 0 : -ENOMEM;
}

void ranges_free(struct ranges *x)
{
	free(x->r);
	*x = (struct ranges){ 0 };
}

size_t ranges_after(const struct ranges *x, uint64_t pos)
{
	size_t low = 0, high = x->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (end_of(&x->r[mid]) > pos)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

static void open_gap(struct ranges *x, size_t at)
{
	memmove(x->r + at + 1, x->r + at, (x->n - at) * sizeof(*x->r));
	x->n++;
}

static void close_gap(struct ranges *x, size_t at)
{
	x->n--;
	memmove(x->r + at, x->r + at + 1, (x->n - at) * sizeof(*x->r));
}

/* Without a bound: at most one range more than before. */
static void cut_out(struct ranges *x, uint64_t from, uint64_t to)
{
	size_t i = ranges_after(x, from);

	while (i < x->n && x->r[i].offset < to) {
		struct dyn_range *r = &x->r[i];
		uint64_t end = end_of(r);
		if (r->offset < from && end > to) {
			open_gap(x, i);
			x->r[i].size = from - x->r[i].offset;
			x->r[i + 1].offset = to;
			x->r[i + 1].size = end - to;
			return;
		}
		if (r->offset < from) {
			r->size = from - r->offset;
			i++;
		} else if (end > to) {
			r->offset = to;
			r->size = end - to;
			return;
		} else {
			close_gap(x, i);
		}
	}
}

void ranges_remove(struct ranges *x, uint64_t offset, uint64_t size)
{
	cut_out(x, offset, offset + size);
	ranges_squeeze(x, x->max);
}

/* Makes one of a range and those neighbours that touch it and are of its kind. */
static void join(struct ranges *x, size_t i)
{
	if (i + 1 < x->n && x->r[i + 1].offset == end_of(&x->r[i]) && x->r[i + 1].kept == x->r[i].kept) {
		x->r[i].size += x->r[i + 1].size;
		close_gap(x, i + 1);
	}
	if (i > 0 && end_of(&x->r[i - 1]) == x->r[i].offset && x->r[i - 1].kept == x->r[i].kept) {
		x->r[i - 1].size += x->r[i].size;
		close_gap(x, i);
	}
}

void ranges_add(struct ranges *x, uint64_t offset, uint64_t size, bool kept)
{
	size_t i;

	cut_out(x, offset, offset + size);
	i = ranges_after(x, offset);
	open_gap(x, i);
	x->r[i] = (struct dyn_range){ offset, size, kept };
	join(x, i);
	ranges_squeeze(x, x->max);
}

void ranges_fill(struct ranges *x, uint64_t offset, uint64_t size, bool kept)
{
	uint64_t end = offset + size;

	while (offset < end) {
		size_t i = ranges_after(x, offset);
		uint64_t gap = i < x->n && x->r[i].offset < end ? x->r[i].offset : end;
		uint64_t next = i < x->n && x->r[i].offset < end ? end_of(&x->r[i]) : end;
		if (gap > offset)
			ranges_add(x, offset, gap - offset, kept);
		offset = next;
	}
}

uint64_t ranges_bytes(const struct ranges *x)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < x->n; i++)
		sum += x->r[i].size;
	return sum;
}

/* The pair of neighbours to become one: of one kind if there is such a pair, and the closest. */
static size_t closest(const struct ranges *x)
{
	size_t best = 0;
	uint64_t best_gap = UINT64_MAX;
	bool best_same = false;

	for (size_t i = 0; i + 1 < x->n; i++) {
		uint64_t gap = x->r[i + 1].offset - end_of(&x->r[i]);
		bool same = x->r[i].kept == x->r[i + 1].kept;
		if ((same && !best_same) || (same == best_same && gap < best_gap)) {
			best = i;
			best_gap = gap;
			best_same = same;
		}
	}
	return best;
}

void ranges_squeeze(struct ranges *x, size_t n)
{
	while (x->n > n && x->n > 1) {
		size_t i = closest(x);
		x->r[i].size = end_of(&x->r[i + 1]) - x->r[i].offset;
		x->r[i].kept = x->r[i].kept && x->r[i + 1].kept;
		close_gap(x, i + 1);
		join(x, i);
		x->squeezed = true;
	}
}

void ranges_copy(struct ranges *dst, const struct ranges *src)
{
	dst->n = 0;
	dst->squeezed = src->squeezed;
	for (size_t i = 0; i < src->n; i++)
		ranges_add(dst, src->r[i].offset, src->r[i].size, src->r[i].kept);
}
