/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ldm_fuzz.c - single LDM sectors and records. Magic and checksum are made true where the first byte says so: the fuzzer
 * need not find out about them, only about what can go wrong behind them. What decodes must survive being written again.
 */
#include <string.h>

#include "base/bytes.h"
#include "ldm/ldm.h"
#include "ldm/rebuild.h"
#include "tests/fuzz/fuzz.h"

enum { SEALED = 8, REBUILD_SEALED = 12 };

static void sector(const uint8_t *data, size_t size, uint8_t out[LDM_SECTOR])
{
	memset(out, 0, LDM_SECTOR);
	memcpy(out, data, size < LDM_SECTOR ? size : LDM_SECTOR);
}

static void seal(uint8_t *b, const char *magic, size_t at)
{
	uint32_t sum = 0;

	memcpy(b, magic, 8);
	memset(b + at, 0, 4);
	for (size_t i = 0; i < LDM_SECTOR; i++)
		sum += b[i];
	bytes_put_be(b + at, 4, sum);
}

static void privhead(const uint8_t *b)
{
	uint8_t again[LDM_SECTOR];
	struct ldm_privhead ph, ph2;

	if (ldm_privhead_decode(b, &ph, NULL) != 0)
		return;
	ldm_privhead_encode(&ph, again);
	fuzz_must(ldm_privhead_decode(again, &ph2, NULL) == 0 && memcmp(&ph, &ph2, sizeof(ph)) == 0);
}

static void toc(const uint8_t *b)
{
	uint8_t again[LDM_SECTOR];
	struct ldm_toc t, t2;

	if (ldm_toc_decode(b, &t, NULL) != 0)
		return;
	ldm_toc_encode(&t, again);
	fuzz_must(ldm_toc_decode(again, &t2, NULL) == 0 && memcmp(&t, &t2, sizeof(t)) == 0);
}

/* First byte: bit 0 TOC instead of PRIVHEAD, bit 1 leave magic and checksum as they are. */
int fuzz_headers(const uint8_t *data, size_t size)
{
	uint8_t b[LDM_SECTOR];

	if (!size)
		return 0;
	sector(data + 1, size - 1, b);
	if (!(data[0] & 2))
		seal(b, data[0] & 1 ? "TOCBLOCK" : "PRIVHEAD", SEALED);
	if (data[0] & 1)
		toc(b);
	else
		privhead(b);
	return 0;
}

/* First byte: bit 0 leave magic and checksum as they are. */
int fuzz_rebuild(const uint8_t *data, size_t size)
{
	uint8_t b[LDM_SECTOR], again[LDM_SECTOR];
	struct ldm_rebuild r;

	if (!size)
		return 0;
	sector(data + 1, size - 1, b);
	if (!(data[0] & 1))
		seal(b, "DYNREBLD", REBUILD_SEALED);
	if (ldm_rebuild_decode(b, &r, NULL) != 0)
		return 0;
	fuzz_must(r.size && r.done <= r.size && r.verified <= r.size);
	ldm_rebuild_encode(&r, again);
	fuzz_must(memcmp(again, b, LDM_SECTOR) == 0);
	return 0;
}

/* The fragments of one record, put together. */
int fuzz_record(const uint8_t *data, size_t size)
{
	uint8_t again[LDM_MAX_SLOTS * LDM_VBLK_PAYLOAD];
	struct ldm_record r, r2;
	struct dyn_err err = { 0 };
	int n;

	if (ldm_record_decode(data, size, &r, &err) < 0) {
		fuzz_must_be_clean(err.what);
		return 0;
	}
	n = ldm_record_encode(&r, again, sizeof(again));
	fuzz_must(n > 0);
	fuzz_must(ldm_record_decode(again, (size_t)n, &r2, NULL) == 0);
	fuzz_must(memcmp(&r, &r2, sizeof(r)) == 0);
	return 0;
}
