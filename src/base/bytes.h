/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bytes.h - byte order as types, a bounded cursor, checked arithmetic.
 *
 * A be32 is four bytes of alignment 1 that cannot be mistaken for an integer. A cursor
 * knows its end: reading past it sets `bad`, yields zeros, and is tested once afterwards.
 */
#ifndef DYN_BASE_BYTES_H
#define DYN_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct { uint8_t b[2]; } be16;
typedef struct { uint8_t b[4]; } be32;
typedef struct { uint8_t b[8]; } be64;
typedef struct { uint8_t b[2]; } le16;
typedef struct { uint8_t b[4]; } le32;
typedef struct { uint8_t b[8]; } le64;

/* n <= 8 bytes at p as a big-endian (little-endian) number */
static inline uint64_t bytes_be(const uint8_t *p, size_t n)
{
	uint64_t v = 0;
	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

static inline uint64_t bytes_le(const uint8_t *p, size_t n)
{
	uint64_t v = 0;
	while (n > 0)
		v = v << 8 | p[--n];
	return v;
}

static inline void bytes_put_be(uint8_t *p, size_t n, uint64_t v)
{
	while (n > 0) {
		p[--n] = (uint8_t)v;
		v >>= 8;
	}
}

static inline void bytes_put_le(uint8_t *p, size_t n, uint64_t v)
{
	for (size_t i = 0; i < n; i++) {
		p[i] = (uint8_t)v;
		v >>= 8;
	}
}

static inline uint16_t be16_get(be16 x) { return (uint16_t)bytes_be(x.b, 2); }
static inline uint32_t be32_get(be32 x) { return (uint32_t)bytes_be(x.b, 4); }
static inline uint64_t be64_get(be64 x) { return bytes_be(x.b, 8); }
static inline uint16_t le16_get(le16 x) { return (uint16_t)bytes_le(x.b, 2); }
static inline uint32_t le32_get(le32 x) { return (uint32_t)bytes_le(x.b, 4); }
static inline uint64_t le64_get(le64 x) { return bytes_le(x.b, 8); }
static inline be16 be16_of(uint16_t v) { be16 x; bytes_put_be(x.b, 2, v); return x; }
static inline be32 be32_of(uint32_t v) { be32 x; bytes_put_be(x.b, 4, v); return x; }
static inline be64 be64_of(uint64_t v) { be64 x; bytes_put_be(x.b, 8, v); return x; }

struct cur {
	const uint8_t *p, *end;
	bool bad;
};

static inline struct cur cur_of(const void *p, size_t n)
{
	const uint8_t *b = p;
	return (struct cur){ b, b + n, false };
}

static inline size_t cur_left(const struct cur *c) { return (size_t)(c->end - c->p); }

/* Pointer to the next n bytes, or NULL (and bad) when fewer are left. */
static inline const uint8_t *cur_take(struct cur *c, size_t n)
{
	if (c->bad || cur_left(c) < n) {
		c->bad = true;
		return NULL;
	}
	c->p += n;
	return c->p - n;
}

static inline uint64_t cur_be(struct cur *c, size_t n)
{
	const uint8_t *p = cur_take(c, n);
	return p ? bytes_be(p, n) : 0;
}

static inline void cur_copy(struct cur *c, void *dst, size_t n)
{
	const uint8_t *p = cur_take(c, n);
	if (p)
		memcpy(dst, p, n);
	else
		memset(dst, 0, n);
}

/* true when the result does not fit; *out is then unspecified */
static inline bool add_overflows(uint64_t a, uint64_t b, uint64_t *out) { return __builtin_add_overflow(a, b, out); }
static inline bool mul_overflows(uint64_t a, uint64_t b, uint64_t *out) { return __builtin_mul_overflow(a, b, out); }

/* A checksum (FNV-1a) against accidents, not against malice. Of several pieces: the sum so far is the next one's `h`. */
#define BYTES_SUM 0xcbf29ce484222325u
static inline uint64_t bytes_sum(uint64_t h, const void *p, size_t n)
{
	const uint8_t *b = p;
	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * 0x100000001b3u;
	return h;
}

static inline bool bytes_all_zero(const void *p, size_t n)
{
	const uint8_t *b = p;
	for (size_t i = 0; i < n; i++)
		if (b[i])
			return false;
	return true;
}

#endif
