/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/rand.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/bytes.h"

/* splitmix64: only for seeded test runs, so quality beyond "different each time" does not matter */
static uint64_t next(_Atomic uint64_t *state)
{
	const uint64_t step = 0x9e3779b97f4a7c15ULL;
	uint64_t z = atomic_fetch_add(state, step) + step;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static void fill(struct dyn_rand *r, uint8_t *p, size_t n)
{
	if (!atomic_load(&r->state)) {
		/* up to 256 bytes never come short once the pool is ready, and getrandom waits for that */
		while (getrandom(p, n, 0) < 0 && errno == EINTR)
			;
		return;
	}
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)next(&r->state);
}

uint32_t dyn_rand_u32(struct dyn_rand *r)
{
	uint8_t b[4] = { 0 };

	do
		fill(r, b, sizeof(b));
	while (bytes_all_zero(b, sizeof(b)));
	return (uint32_t)bytes_be(b, sizeof(b));
}

void dyn_rand_guid(struct dyn_rand *r, char text[37])
{
	uint8_t b[16] = { 0 };

	fill(r, b, sizeof(b));
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40); /* RFC 4122: version 4, variant 10 */
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	dyn_guid_format(b, text);
}

void dyn_guid_format(const uint8_t in[16], char text[37])
{
	static const char hex[] = "0123456789abcdef";
	char *p = text;

	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = hex[in[i] >> 4];
		*p++ = hex[in[i] & 15];
	}
	*p = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int dyn_guid_parse(const char *text, uint8_t out[16])
{
	if (strlen(text) != 36)
		return -EINVAL;
	for (int i = 0, k = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (dash) {
			if (text[i] != '-')
				return -EINVAL;
			continue;
		}
		int d = hex_digit(text[i]);
		if (d < 0)
			return -EINVAL;
		out[k / 2] = (uint8_t)(k % 2 ? out[k / 2] << 4 | d : d);
		k++;
	}
	return 0;
}

uint64_t dyn_filetime(int64_t seconds, long nanoseconds)
{
	/* 11644473600 seconds lie between 1601 and 1970 */
	return (uint64_t)(seconds + 11644473600) * 10000000u + (uint64_t)(nanoseconds / 100);
}
