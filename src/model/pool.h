/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pool.h - memory that lives and dies with one model. Out of memory is sticky: allocators go
 * on giving usable empty values, and the scan asks once at its end.
 */
#ifndef DYN_MODEL_POOL_H
#define DYN_MODEL_POOL_H

#include <stdbool.h>
#include <stddef.h>

struct pool_chunk;

struct pool {
	struct pool_chunk *chunks;
	bool failed;
};

struct pool *pool_new(void);
void pool_free(struct pool *p);
/* n zeroed elements; NULL (and failed) without memory. n 0 gives NULL without failing. */
void *pool_array(struct pool *p, size_t n, size_t size);
/* A copy of n elements. */
void *pool_copy(struct pool *p, const void *src, size_t n, size_t size);
/* Printable text from bytes of any kind; "" without memory. */
const char *pool_clean(struct pool *p, const void *src, size_t n);
const char *pool_printf(struct pool *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* One more zeroed element at the end of a malloc'd vector; NULL (and failed) without memory. */
void *pool_grow(struct pool *p, void *vector, size_t *n, size_t size);

#endif
