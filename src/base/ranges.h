/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ranges.h - a sorted set of byte ranges in bounded memory: what of a disk could not be read, what differs.
 *
 * Ranges never overlap; neighbours that touch and are of one kind (`kept`) are one. When there is no more room the two
 * that lie closest together become one, which then also covers what lay between them: the set may claim more than was
 * added, never less, and `squeezed` says so.
 */
#ifndef DYN_BASE_RANGES_H
#define DYN_BASE_RANGES_H

#include "dynadisk.h"

struct ranges {
	size_t n, max;
	struct dyn_range *r; /* room for max + 2 */
	bool squeezed;
};

/* max: 1 or more. -ENOMEM. */
int ranges_init(struct ranges *x, size_t max);
void ranges_free(struct ranges *x);
/* Replaces what the set says about [offset, offset + size); size > 0, the sum does not overflow. */
void ranges_add(struct ranges *x, uint64_t offset, uint64_t size, bool kept);
/* Adds what of [offset, offset + size) is not in the set yet. */
void ranges_fill(struct ranges *x, uint64_t offset, uint64_t size, bool kept);
void ranges_remove(struct ranges *x, uint64_t offset, uint64_t size);
/* The first range that ends behind pos, or n. */
size_t ranges_after(const struct ranges *x, uint64_t pos);
/* All of them together. */
uint64_t ranges_bytes(const struct ranges *x);
/* dst, which has been initialised, says what src says; in its own bounds. */
void ranges_copy(struct ranges *dst, const struct ranges *src);
/* Makes at most n (1 or more) of them. Of two kinds the one that is not kept wins. */
void ranges_squeeze(struct ranges *x, size_t n);

#endif
