/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/pool.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dynadisk.h"

enum { CHUNK = 16384, ALIGN = 16 };

struct pool_chunk {
	struct pool_chunk *next;
	size_t used, size;
	_Alignas(ALIGN) unsigned char bytes[];
};

struct pool *pool_new(void)
{
	return calloc(1, sizeof(struct pool));
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	while (p->chunks) {
		struct pool_chunk *next = p->chunks->next;
		free(p->chunks);
		p->chunks = next;
	}
	free(p);
}

static void *take(struct pool *p, size_t bytes)
{
	struct pool_chunk *c = p->chunks;
	size_t need = (bytes + ALIGN - 1) / ALIGN * ALIGN;

	if (need < bytes)
		goto fail;
	if (!c || c->size - c->used < need) {
		size_t size = need > CHUNK ? need : CHUNK;
		c = calloc(1, sizeof(*c) + size);
		if (!c)
			goto fail;
		c->size = size;
		c->next = p->chunks;
		p->chunks = c;
	}
	c->used += need;
	return c->bytes + c->used - need;
fail:
	p->failed = true;
	return NULL;
}

void *pool_array(struct pool *p, size_t n, size_t size)
{
	size_t bytes;

	if (n == 0)
		return NULL;
	if (__builtin_mul_overflow(n, size, &bytes)) {
		p->failed = true;
		return NULL;
	}
	return take(p, bytes);
}

void *pool_copy(struct pool *p, const void *src, size_t n, size_t size)
{
	void *dst = pool_array(p, n, size);

	if (dst)
		memcpy(dst, src, n * size);
	return dst;
}

const char *pool_clean(struct pool *p, const void *src, size_t n)
{
	/* the worst case is four characters for a byte */
	char *dst = n ? pool_array(p, 4 * n + 1, 1) : NULL;

	if (!dst)
		return "";
	dyn_text_clean(dst, 4 * n + 1, src, n);
	return dst;
}

const char *pool_printf(struct pool *p, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	dyn_text_vformat(line, sizeof(line), fmt, ap);
	va_end(ap);
	return pool_clean(p, line, strlen(line));
}

void *pool_grow(struct pool *p, void *vector, size_t *n, size_t size)
{
	void **v = vector;
	unsigned char *grown = NULL;
	size_t bytes;

	/* doubled at powers of two: the capacity needs no field of its own */
	if (*n == 0 || (*n & (*n - 1)) == 0) {
		if (!__builtin_mul_overflow(*n ? *n * 2 : 1, size, &bytes))
			grown = realloc(*v, bytes);
		if (!grown) {
			p->failed = true;
			return NULL;
		}
		*v = grown;
	}
	grown = *v;
	grown += *n * size;
	memset(grown, 0, size);
	(*n)++;
	return grown;
}
