/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * database_fuzz.c - whole databases, written down in few bytes: only what differs from a good one is in the input.
 *
 * database: flags 1 (FIX_COUNTS, ON_MIRROR, FROM_START) | n 1, n bytes of the VMDB | place 1, n 1, n bytes of the log |
 * then until the end: how many slots on 1, n 1, n bytes of the slot behind its number.
 *
 * recover: which change 1, how many copies 1, for each: whole phases 1, of the next phase the changes (a bit each) 1,
 * how many damages 1, each a sector 1, a place in it 1, n 1 and n bytes.
 */
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "ldm/ldm.h"
#include "tests/fuzz/fuzz.h"

enum {
	CONFIG = LDM_CONFIG_SECTORS * LDM_SECTOR,
	LOG = LDM_LOG_SECTORS * LDM_SECTOR,
	SLOTS = CONFIG / LDM_VBLK_SIZE,
	FIX_COUNTS = 1,
	ON_MIRROR = 2, /* over the mirror's database instead of an empty one */
	FROM_START = 4, /* the VMDB from its numbers of slots on instead of from its status */
	COUNTS = 0x85, MORE_COUNTS = 0xa1, TIME = 0xbd,
	COPIES = 3, CHANGES = 5,
};
#define GROUP "11111111-2222-4333-8444-555555555555"

/* ------------------------------------------------------- a mirror to start from */

static struct ldm_record a_record(enum ldm_kind kind, uint8_t type, uint64_t id, const char *name)
{
	struct ldm_record r;

	memset(&r, 0, sizeof(r));
	r.kind = kind;
	r.type = type;
	r.id = id;
	snprintf(r.name, sizeof(r.name), "%s", name);
	return r;
}

static struct ldm_record a_disk(uint64_t id, const char *name, const char *guid)
{
	struct ldm_record r = a_record(LDM_DISK, LDM_T_DISK3, id, name);

	snprintf(r.u.disk.guid, sizeof(r.u.disk.guid), "%s", guid);
	snprintf(r.u.disk.last_device, sizeof(r.u.disk.last_device), "Harddisk%llu", (unsigned long long)id);
	return r;
}

static struct ldm_record a_volume(uint64_t id, const char *name, uint32_t number, uint32_t plexes)
{
	struct ldm_record r = a_record(LDM_VOLUME, LDM_T_VOLUME, id, name);

	strcpy(r.u.volume.type, "gen");
	memcpy(r.u.volume.state, "ACTIVE", 6);
	r.u.volume.read_policy = 3;
	r.u.volume.number = number;
	r.u.volume.vflags = LDM_VOL_DEFAULT;
	r.u.volume.n_components = plexes;
	r.u.volume.size = 2048;
	r.u.volume.part_type = 7;
	memset(r.u.volume.guid, (int)id, sizeof(r.u.volume.guid));
	return r;
}

static struct ldm_record a_plex(uint64_t id, const char *name, uint64_t volume)
{
	struct ldm_record r = a_record(LDM_COMPONENT, LDM_T_COMPONENT, id, name);

	strcpy(r.u.component.state, "ACTIVE");
	r.u.component.layout = LDM_LAYOUT_CONCAT;
	r.u.component.n_extents = 1;
	r.u.component.volume_id = volume;
	return r;
}

static struct ldm_record an_extent(uint64_t id, const char *name, uint64_t plex, uint64_t disk, uint64_t start)
{
	struct ldm_record r = a_record(LDM_EXTENT, LDM_T_EXTENT, id, name);

	r.flags = LDM_EF_UNKNOWN;
	r.u.extent.start = start;
	r.u.extent.size = 2048;
	r.u.extent.component_id = plex;
	r.u.extent.disk_id = disk;
	return r;
}

static struct ldm_db *after_commit(struct ldm_txn *t, struct ldm_commit *c)
{
	fuzz_must(ldm_txn_commit(t, 7, c, NULL) == 0);
	ldm_txn_free(t);
	return c->after;
}

static struct ldm_txn *begin(const struct ldm_db *db)
{
	struct ldm_txn *t;

	fuzz_must(ldm_txn_begin(db, &t, NULL) == 0);
	return t;
}

/* ------------------------------------------------------- changes to cut off */

static void replace(struct ldm_txn *t, uint64_t id, void (*edit)(struct ldm_record *r))
{
	struct ldm_record r = *ldm_txn_get(t, id);

	edit(&r);
	fuzz_must(ldm_txn_replace(t, &r, NULL) == 0);
}

static void one_plex(struct ldm_record *r) { r->u.volume.n_components = 1; }
static void longer_name(struct ldm_record *r) { memset(r->u.disk.last_device, 'x', 200); }

static void break_mirror(struct ldm_txn *t)
{
	fuzz_must(ldm_txn_remove(t, 6, NULL) == 0 && ldm_txn_remove(t, 8, NULL) == 0);
	replace(t, 4, one_plex);
}

static void delete_volume(struct ldm_txn *t)
{
	for (uint64_t id = 4; id <= 8; id++)
		fuzz_must(ldm_txn_remove(t, id, NULL) == 0);
}

static void add_volume(struct ldm_txn *t)
{
	uint64_t id = ldm_txn_new_id(t), plex = ldm_txn_new_id(t), extent = ldm_txn_new_id(t);
	struct ldm_record v = a_volume(id, "Volume2", 2, 1), p = a_plex(plex, "Volume2-01", id),
			  e = an_extent(extent, "Disk1-02", plex, 2, 4096);

	fuzz_must(ldm_txn_add(t, &v, NULL) == 0 && ldm_txn_add(t, &p, NULL) == 0 && ldm_txn_add(t, &e, NULL) == 0);
}

static void rename_disks(struct ldm_txn *t)
{
	replace(t, 2, longer_name);
	replace(t, 3, longer_name);
}

static void add_disk(struct ldm_txn *t)
{
	struct ldm_record d = a_disk(ldm_txn_new_id(t), "Disk3", "aaaaaaaa-0000-4000-8000-000000000003");

	fuzz_must(ldm_txn_add(t, &d, NULL) == 0);
}

static struct {
	bool made;
	struct ldm_db *empty, *mirror;
	struct ldm_commit first, changes[CHANGES];
} made;

static void make(void)
{
	static void (*const change[CHANGES])(struct ldm_txn *) = { break_mirror, delete_volume, add_volume, rename_disks,
								   add_disk };
	struct ldm_record records[] = {
		a_disk(2, "Disk1", "aaaaaaaa-0000-4000-8000-000000000001"),
		a_disk(3, "Disk2", "aaaaaaaa-0000-4000-8000-000000000002"),
		a_volume(4, "Volume1", 1, 2), a_plex(5, "Volume1-01", 4), a_plex(6, "Volume1-02", 4),
		an_extent(7, "Disk1-01", 5, 2, 65), an_extent(8, "Disk2-01", 6, 3, 94),
	};
	struct ldm_txn *t;

	if (made.made)
		return;
	fuzz_must(ldm_db_new("A-Dg0", GROUP, 1, &made.empty) == 0);
	t = begin(made.empty);
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++)
		fuzz_must(ldm_txn_add(t, &records[i], NULL) == 0);
	made.mirror = after_commit(t, &made.first);
	for (size_t i = 0; i < CHANGES; i++) {
		t = begin(made.mirror);
		change[i](t);
		after_commit(t, &made.changes[i]);
	}
	made.made = true;
}

/* ------------------------------------------------------- one database */

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
		bytes_put_be(config + COUNTS + 4 * i, 4, n[i]);
		bytes_put_be(config + MORE_COUNTS + 4 * i, 4, n[i]);
	}
	ldm_db_free(db);
}

/* At most cap bytes, as many as the next byte says and are left. */
static void some(struct cur *c, uint8_t *dst, size_t cap)
{
	size_t n = (size_t)cur_be(c, 1);

	n = n < cap ? n : cap;
	n = n < cur_left(c) ? n : cur_left(c);
	cur_copy(c, dst, n);
}

static struct ldm_db *database(const uint8_t *data, size_t size)
{
	static uint8_t config[CONFIG], log[LOG];
	struct cur c = cur_of(data, size);
	uint8_t flags = (uint8_t)cur_be(&c, 1);
	const struct ldm_db *base = flags & ON_MIRROR ? made.mirror : made.empty;
	size_t slot = LDM_FIRST_SLOT, place;
	struct ldm_db *db = NULL;
	struct dyn_err err = { 0 };

	memcpy(config, base->config, CONFIG);
	memcpy(log, base->log, LOG);
	if (flags & FROM_START)
		some(&c, config + 4, LDM_SECTOR - 4);
	else
		some(&c, config + 0x10, LDM_SECTOR - 0x10);
	place = 4 * (size_t)cur_be(&c, 1);
	some(&c, log + place, LOG - place);
	while (cur_left(&c) && !c.bad) {
		slot += (size_t)cur_be(&c, 1);
		if (slot >= SLOTS)
			break;
		some(&c, config + slot * LDM_VBLK_SIZE + 8, LDM_VBLK_SIZE - 8);
	}
	if (flags & FIX_COUNTS)
		fix_counts(config, log);
	if (ldm_db_decode(config, log, &db, &err) < 0)
		fuzz_must_be_clean(err.what);
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
		fuzz_must(ldm_txn_replace(t, r, NULL) == 0 || r->n_slots > 1);
	if (ldm_txn_commit(t, 2, &c, NULL) == 0) {
		fuzz_must(c.after->n == db->n && ldm_db_check(c.after, NULL) == 0);
		ldm_commit_free(&c);
	}
	ldm_txn_free(t);
}

static void ask(const struct ldm_db *db)
{
	struct ldm_log_entry entries[8];
	struct dyn_err err = { 0 };
	char name[64];

	if (ldm_db_check(db, &err) < 0)
		fuzz_must_be_clean(err.what);
	ldm_db_new_name(db, LDM_DISK, NULL, name);
	ldm_db_new_name(db, LDM_EXTENT, db->n ? db->records[0].name : "", name);
	fuzz_must(ldm_db_free_volume_number(db) <= 255);
	ldm_db_log(db, entries, sizeof(entries) / sizeof(entries[0]));
	for (size_t i = 0; i < db->n; i++)
		fuzz_must(ldm_db_find(db, LDM_KINDS, db->records[i].id) != NULL);
}

int fuzz_database(const uint8_t *data, size_t size)
{
	struct ldm_recovery rec;
	struct dyn_err err = { 0 };
	const struct ldm_db *copies[2];
	struct ldm_db *db;

	make();
	db = database(data, size);
	if (!db)
		return 0;
	ask(db);
	copies[0] = copies[1] = db;
	if (ldm_recover(copies, 2, 3, &rec, &err) == 0) {
		fuzz_must(!ldm_db_interrupted(rec.after));
		change(rec.after);
		ldm_db_free(rec.after);
	} else {
		fuzz_must_be_clean(err.what);
	}
	ldm_db_free(db);
	return 0;
}

/* ------------------------------------------------------- copies of a cut-off change */

struct copy {
	uint8_t config[CONFIG], log[LOG];
	int phases;   /* carried out as a whole */
	bool part;    /* and some of the next */
	bool damaged;
};

static uint8_t *sector_of(struct copy *c, uint32_t rel)
{
	return rel < LDM_LOG_START ? c->config + (size_t)(rel - LDM_CONFIG_START) * LDM_SECTOR :
				     c->log + (size_t)(rel - LDM_LOG_START) * LDM_SECTOR;
}

static void carry_out(struct copy *c, const struct ldm_phase *p, unsigned which)
{
	for (size_t i = 0; i < p->n; i++)
		if (which >> (i & 7) & 1)
			memcpy(sector_of(c, p->changes[i].rel), p->changes[i].bytes, LDM_SECTOR);
}

/* 0xf0 and up: the log's sectors from its first on. */
static void damage(struct copy *c, struct cur *in)
{
	uint32_t sector = (uint32_t)cur_be(in, 1);
	size_t at = 2 * (size_t)cur_be(in, 1);
	uint8_t *b;

	if (sector >= 0xf0)
		b = c->log + (size_t)((sector - 0xf0) % LDM_LOG_SECTORS) * LDM_SECTOR;
	else
		b = c->config + (size_t)(sector % LDM_CONFIG_SECTORS) * LDM_SECTOR;
	some(in, b + at, LDM_SECTOR - at);
	c->damaged = true;
}

static void make_copy(struct copy *c, struct cur *in, const struct ldm_commit *commit)
{
	unsigned which;
	size_t n;

	memcpy(c->config, made.mirror->config, CONFIG);
	memcpy(c->log, made.mirror->log, LOG);
	c->phases = (int)(cur_be(in, 1) % (LDM_PHASES + 1));
	which = (unsigned)cur_be(in, 1);
	n = (size_t)cur_be(in, 1) % 4;
	for (int i = 0; i < c->phases; i++)
		carry_out(c, &commit->phases[i], 0xff);
	c->part = which && c->phases < LDM_PHASES && commit->phases[c->phases].n;
	if (c->part)
		carry_out(c, &commit->phases[c->phases], which);
	c->damaged = false;
	for (size_t i = 0; i < n; i++)
		damage(c, in);
}

/* But for the time of the last change. */
static bool same(const struct ldm_db *a, const struct ldm_db *b)
{
	return memcmp(a->config, b->config, TIME) == 0 &&
	       memcmp(a->config + LDM_SECTOR, b->config + LDM_SECTOR, CONFIG - LDM_SECTOR) == 0;
}

/* The log's entry of the commit before is gone once a change is announced; rolling back does not bring it back. */
static bool old_or_new(const struct ldm_db *db, const struct ldm_commit *commit)
{
	return same(db, made.mirror) || (same(db, commit->after) && memcmp(db->log, commit->after->log, LOG) == 0);
}

/* Whether a power cut can leave this: nobody is more than one phase ahead, and who is ahead of another by more than a
 * part of a phase has nothing begun behind it. */
static bool by_the_protocol(const struct copy *c, size_t n)
{
	int least = LDM_PHASES;

	for (size_t i = 0; i < n; i++)
		least = c[i].phases < least ? c[i].phases : least;
	for (size_t i = 0; i < n; i++)
		if (c[i].damaged || c[i].phases > least + 1 || (c[i].phases == least + 1 && c[i].part))
			return false;
	return true;
}

static void judge(const struct ldm_recovery *r, const struct ldm_commit *commit, bool sure)
{
	const struct ldm_db *copies[2] = { r->after, r->after };
	struct ldm_recovery again;

	fuzz_must(!ldm_db_interrupted(r->after));
	fuzz_must(!sure || old_or_new(r->after, commit));
	fuzz_must(ldm_recover(copies, 2, 9, &again, NULL) == 0 && !again.needed);
	ldm_db_free(again.after);
}

int fuzz_recover(const uint8_t *data, size_t size)
{
	static struct copy copies[COPIES];
	struct ldm_db *db[COPIES];
	struct cur c = cur_of(data, size);
	const struct ldm_commit *commit;
	struct ldm_recovery r;
	struct dyn_err err = { 0 };
	size_t n, k = 0;
	int rc;

	make();
	commit = &made.changes[cur_be(&c, 1) % CHANGES];
	n = cur_be(&c, 1) % COPIES + 1;
	for (size_t i = 0; i < n; i++) {
		make_copy(&copies[i], &c, commit);
		if (ldm_db_decode(copies[i].config, copies[i].log, &db[k], &err) == 0)
			k++;
		else
			fuzz_must(copies[i].damaged);
	}
	if (k) {
		bool sure = by_the_protocol(copies, n);
		rc = ldm_recover((const struct ldm_db *const *)db, k, 8, &r, &err);
		fuzz_must(rc == 0 || !sure);
		if (rc == 0) {
			judge(&r, commit, sure);
			ldm_db_free(r.after);
		} else {
			fuzz_must_be_clean(err.what);
		}
	}
	while (k > 0)
		ldm_db_free(db[--k]);
	return 0;
}
