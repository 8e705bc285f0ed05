/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ldm_fuzz.c - LDM decoders on arbitrary bytes, for libFuzzer. Not part of the checks; build on demand:
 * make tests/fuzz/ldm_fuzz CC=clang, then run it for as long as you like.
 *
 * The first byte says what the rest is. A database is built from the rest slot by slot, so that
 * the fuzzer need not find out about signatures and slot numbers, only about what can go wrong.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "ldm/ldm.h"
#include "ldm/rebuild.h"

enum { CONFIG = LDM_CONFIG_SECTORS * LDM_SECTOR, LOG = LDM_LOG_SECTORS * LDM_SECTOR, SEALED = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
	if (!truth)
		abort();
}

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

static void headers(const uint8_t *data, size_t size)
{
	uint8_t b[LDM_SECTOR], again[LDM_SECTOR];
	struct ldm_privhead ph, ph2;
	struct ldm_rebuild r, r2;
	struct ldm_toc toc, toc2;

	sector(data, size, b);
	seal(b, "PRIVHEAD", SEALED);
	if (ldm_privhead_decode(b, &ph, NULL) == 0) {
		ldm_privhead_encode(&ph, again);
		must(ldm_privhead_decode(again, &ph2, NULL) == 0 && memcmp(&ph, &ph2, sizeof(ph)) == 0);
	}
	seal(b, "TOCBLOCK", SEALED);
	if (ldm_toc_decode(b, &toc, NULL) == 0) {
		ldm_toc_encode(&toc, again);
		must(ldm_toc_decode(again, &toc2, NULL) == 0 && memcmp(&toc, &toc2, sizeof(toc)) == 0);
	}
	seal(b, "DYNREBLD", 12);
	if (ldm_rebuild_decode(b, &r, NULL) == 0) {
		ldm_rebuild_encode(&r, again);
		must(ldm_rebuild_decode(again, &r2, NULL) == 0 && memcmp(again, b, LDM_SECTOR) == 0);
	}
}

static void record(const uint8_t *data, size_t size)
{
	uint8_t again[LDM_MAX_SLOTS * LDM_VBLK_PAYLOAD];
	struct ldm_record r, r2;
	int n;

	if (ldm_record_decode(data, size, &r, NULL) < 0)
		return;
	n = ldm_record_encode(&r, again, sizeof(again));
	must(n > 0);
	must(ldm_record_decode(again, (size_t)n, &r2, NULL) == 0);
	must(memcmp(&r, &r2, sizeof(r)) == 0);
}

/* Makes the counts true, so that the rules behind them are reached. */
static void fix_counts(uint8_t *config, const uint8_t *log)
{
	uint32_t n[LDM_KINDS] = { 0 };
	struct ldm_db *db;

	if (ldm_db_decode(config, log, &db, NULL) < 0)
		return;
	for (size_t i = 0; i < db->n; i++)
		n[db->records[i].kind]++;
	for (size_t i = 0; i < 4; i++) {
		bytes_put_be(config + 0x85 + 4 * i, 4, n[i]);
		bytes_put_be(config + 0xa1 + 4 * i, 4, n[i]);
	}
	ldm_db_free(db);
}

/* One byte of distance, then header and payload of a slot, over and over. */
static struct ldm_db *database(const uint8_t *data, size_t size)
{
	uint8_t *config = calloc(1, CONFIG), *log = calloc(1, LOG);
	struct cur c = cur_of(data, size);
	struct ldm_db *base = NULL, *db = NULL;
	size_t at = LDM_FIRST_SLOT;
	bool fix = cur_be(&c, 1) & 1;

	must(config && log && ldm_db_new("A-Dg0", "11111111-2222-4333-8444-555555555555", 1, &base) == 0);
	memcpy(config, base->config, CONFIG);
	memcpy(log, base->log, LOG);
	cur_copy(&c, log + 0x18, cur_left(&c) < 48 ? 0 : 48);
	if (cur_left(&c) > 0x4c) {
		cur_copy(&c, config + 0x10, 2); /* status */
		cur_copy(&c, config + 0x75, 0x48); /* transactions and counts */
	}
	while (cur_left(&c) && !c.bad) {
		size_t n = cur_left(&c) - 1 < 120 ? cur_left(&c) - 1 : 120;
		at += cur_be(&c, 1);
		if (at >= CONFIG / LDM_VBLK_SIZE)
			break;
		cur_copy(&c, config + at * LDM_VBLK_SIZE + 8, n);
	}
	if (fix)
		fix_counts(config, log);
	ldm_db_decode(config, log, &db, NULL);
	ldm_db_free(base);
	free(config);
	free(log);
	return db;
}

static void change(const struct ldm_db *db)
{
	const struct ldm_record *r = NULL;
	struct ldm_commit c;
	struct ldm_txn *t;

	if (ldm_txn_begin(db, &t, NULL) < 0)
		return;
	while ((r = ldm_db_next(db, LDM_DISK, r)))
		must(ldm_txn_replace(t, r, NULL) == 0 || r->n_slots > 1);
	if (ldm_txn_commit(t, 2, &c, NULL) == 0) {
		must(c.after->n == db->n);
		ldm_commit_free(&c);
	}
	ldm_txn_free(t);
}

static void databases(const uint8_t *data, size_t size)
{
	struct ldm_db *db = database(data, size), *copy;
	const struct ldm_db *copies[2];
	struct ldm_recovery rec;
	struct dyn_err err;
	char name[64];

	if (!db)
		return;
	ldm_db_check(db, &err);
	ldm_db_new_name(db, LDM_DISK, NULL, name);
	ldm_db_new_name(db, LDM_EXTENT, db->n ? db->records[0].name : "", name);
	must(ldm_db_clone(db, &copy) == 0);
	copies[0] = db;
	copies[1] = copy;
	if (ldm_recover(copies, 2, 3, &rec, &err) == 0) {
		must(!ldm_db_interrupted(rec.after));
		ldm_db_free(rec.after);
	}
	change(db);
	ldm_db_free(copy);
	ldm_db_free(db);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	if (data[0] % 3 == 0)
		headers(data + 1, size - 1);
	else if (data[0] % 3 == 1)
		record(data + 1, size - 1);
	else
		databases(data + 1, size - 1);
	return 0;
}
