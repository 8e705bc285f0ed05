/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Transactions and their recovery. The power is cut after every sector of every phase on
 * two disks, in order and in arbitrary subsets of the running phase, and again while the
 * recovery itself writes.
 */
#include <errno.h>

#include "base/bytes.h"
#include "base/rand.h"
#include "tests/unit/ldm_support.h"

enum { DISKS = 2, TIME_AT = 0xbd, STATUS_AT = 0x10, LOG_ENTRY = 0x18, SUBSETS = 40 };

/* ------------------------------------------------------- sample transactions */

static struct ldm_record get(const struct ldm_txn *t, uint64_t id)
{
	const struct ldm_record *r = ldm_txn_get(t, id);

	assert_non_null(r);
	return *r;
}

static void replace(struct ldm_txn *t, const struct ldm_record *r)
{
	struct dyn_err err = { 0 };

	if (ldm_txn_replace(t, r, &err) < 0)
		fail_msg("replace: %s", err.what);
}

static void break_nokeep(struct ldm_txn *t)
{
	struct ldm_record volume = get(t, 4), disk = get(t, 3), other = get(t, 2);

	volume.u.volume.n_components = 1;
	replace(t, &volume);
	replace(t, &other);
	replace(t, &disk); /* two fragments, in two sectors again */
	assert_int_equal(ldm_txn_remove(t, 6, NULL), 0);
	assert_int_equal(ldm_txn_remove(t, 8, NULL), 0);
}

static void break_keep(struct ldm_txn *t)
{
	struct ldm_record volume = get(t, 4), plex = get(t, 6), second;
	struct ldm_record disk = get(t, 3);

	volume.u.volume.n_components = 1;
	replace(t, &volume);
	second = a_volume(ldm_txn_new_id(t), "Volume2", 2, 1, volume.u.volume.size);
	assert_int_equal(ldm_txn_add(t, &second, NULL), 0);
	plex.u.component.volume_id = second.id;
	strcpy(plex.name, "Volume2-01");
	replace(t, &plex);
	replace(t, &disk);
}

static void delete_volume(struct ldm_txn *t)
{
	for (uint64_t id = 4; id <= 8; id++)
		assert_int_equal(ldm_txn_remove(t, id, NULL), 0);
}

static void add_volume(struct ldm_txn *t)
{
	struct ldm_record v = a_volume(ldm_txn_new_id(t), "Volume2", 2, 1, 300);
	struct ldm_record p = a_plex(ldm_txn_new_id(t), "Volume2-01", v.id, 2);
	struct ldm_record e1 = an_extent(ldm_txn_new_id(t), "Disk1-02", p.id, 2, 5000, 100);
	struct ldm_record e2 = an_extent(ldm_txn_new_id(t), "Disk2-02", p.id, 3, 6000, 200);

	e2.u.extent.column_offset = 100;
	assert_int_equal(ldm_txn_add(t, &v, NULL), 0);
	assert_int_equal(ldm_txn_add(t, &p, NULL), 0);
	assert_int_equal(ldm_txn_add(t, &e2, NULL), 0);
	assert_int_equal(ldm_txn_add(t, &e1, NULL), 0);
}

static void (*const changes[])(struct ldm_txn *) = { break_nokeep, break_keep, delete_volume, add_volume };
enum { N_CHANGES = sizeof(changes) / sizeof(changes[0]) };

/* The sample group with a dirty entry behind the commit entry of its log, as Windows leaves it. */
static struct ldm_db *a_used_mirror(void)
{
	struct ldm_db *db = a_mirror(), *used;
	uint8_t *entry = db->log + LOG_ENTRY + 24;

	entry[0] = LDM_LOG_DIRTY;
	bytes_put_be(entry + 1, 8, 4);
	bytes_put_be(entry + 9, 8, db->head.committed_tid);
	assert_int_equal(ldm_db_decode(db->config, db->log, &used, NULL), 0);
	ldm_db_free(db);
	return used;
}

static void make(const struct ldm_db *db, void (*change)(struct ldm_txn *), struct ldm_commit *c)
{
	struct ldm_txn *t;
	struct dyn_err err = { 0 };

	assert_int_equal(ldm_txn_begin(db, &t, NULL), 0);
	change(t);
	if (ldm_txn_commit(t, T_TIME + 2, c, &err) < 0)
		fail_msg("commit: %s", err.what);
	ldm_txn_free(t);
}

/* ------------------------------------------------------- what a commit consists of */

static void phases_produce_what_they_promise(void **state)
{
	struct ldm_db *db = a_used_mirror(), *result;
	struct ldm_commit c;
	struct disk *d = malloc(sizeof(*d));

	(void)state;
	for (int i = 0; i < N_CHANGES; i++) {
		make(db, changes[i], &c);
		disk_put(d, db);
		for (int p = 0; p < LDM_PHASES; p++)
			for (size_t k = 0; k < c.phases[p].n; k++) {
				if (k)
					assert_true(c.phases[p].changes[k].rel > c.phases[p].changes[k - 1].rel);
				disk_apply(d, &c.phases[p].changes[k]);
			}
		assert_memory_equal(d->bytes, c.after->config, T_CONFIG);
		assert_memory_equal(d->bytes + T_CONFIG, c.after->log, T_LOG);
		assert_int_equal(disk_decode(d, &result, NULL), 0);
		assert_u64(result->n, c.after->n);
		assert_memory_equal(result->records, c.after->records, result->n * sizeof(*result->records));
		assert_int_equal(ldm_db_check(result, NULL), 0);
		assert_false(ldm_db_interrupted(result));
		ldm_db_free(result);
		ldm_commit_free(&c);
	}
	free(d);
	ldm_db_free(db);
}

/* Sections 7 and 8, byte by byte. */
static void phases_follow_the_protocol(void **state)
{
	struct ldm_db *db = a_used_mirror();
	uint64_t old_tid = db->head.committed_tid;
	struct ldm_commit c;
	const uint8_t *h, *log;

	(void)state;
	make(db, break_nokeep, &c);
	assert_u64(c.tid, old_tid + 1);
	for (int p = 0; p < LDM_PHASES; p++)
		if (p != 1 && p != 4) {
			assert_u64(c.phases[p].n, 1);
			assert_int_equal(c.phases[p].changes[0].rel, p == 2 ? LDM_LOG_START : LDM_CONFIG_START);
		}
	h = c.phases[0].changes[0].bytes; /* S2: announced, nothing committed, time untouched */
	assert_u64(bytes_be(h + STATUS_AT, 2), LDM_VMDB_CHANGE);
	assert_u64(bytes_be(h + 0x75, 8), old_tid);
	assert_u64(bytes_be(h + 0x7d, 8), c.tid);
	assert_u64(bytes_be(h + 0x85 + 4, 4), 2);
	assert_u64(bytes_be(h + 0xa1 + 4, 4), 1);
	assert_u64(bytes_be(h + TIME_AT, 8), T_TIME + 1);
	for (size_t k = 0; k < c.phases[1].n; k++) /* S1 leaves the header alone */
		assert_true(c.phases[1].changes[k].rel > LDM_CONFIG_START);
	log = c.phases[2].changes[0].bytes; /* S3: in place of the last commit entry; the dirty entry stays */
	assert_int_equal(log[LOG_ENTRY], LDM_LOG_COMMIT);
	assert_u64(bytes_be(log + LOG_ENTRY + 1, 8), old_tid);
	assert_u64(bytes_be(log + LOG_ENTRY + 9, 8), c.tid);
	assert_memory_equal(log + LOG_ENTRY + 24, db->log + LOG_ENTRY + 24, LDM_SECTOR - LOG_ENTRY - 24);
	assert_memory_equal(log, db->log, LOG_ENTRY);
	h = c.phases[3].changes[0].bytes; /* S4 */
	assert_u64(bytes_be(h + STATUS_AT, 2), LDM_VMDB_COMMIT);
	assert_u64(bytes_be(h + 0x75, 8), old_tid);
	assert_u64(bytes_be(h + 0x85 + 4, 4), 2);
	h = c.phases[5].changes[0].bytes; /* S6 */
	assert_u64(bytes_be(h + STATUS_AT, 2), LDM_VMDB_CLEAN);
	assert_u64(bytes_be(h + 0x75, 8), c.tid);
	assert_u64(bytes_be(h + 0x85 + 4, 4), 1);
	assert_u64(bytes_be(h + TIME_AT, 8), T_TIME + 2);
	ldm_commit_free(&c);
	ldm_db_free(db);
}

static void slots_and_numbers_follow_the_rules(void **state)
{
	struct ldm_db *db = a_used_mirror();
	const struct ldm_record *disk, *volume;
	uint32_t top_group = 0, first_free = 0;
	bool used[32] = { false };
	struct ldm_commit c;

	(void)state;
	for (size_t i = 0; i < db->n; i++) {
		top_group = db->records[i].vblk_group > top_group ? db->records[i].vblk_group : top_group;
		for (int k = 0; k < db->records[i].n_slots; k++)
			used[db->records[i].slots[k]] = true;
	}
	for (first_free = LDM_FIRST_SLOT; used[first_free];)
		first_free++;
	make(db, break_nokeep, &c);
	volume = ldm_db_find(c.after, LDM_VOLUME, 4);
	disk = ldm_db_find(c.after, LDM_DISK, 3);
	assert_int_equal(volume->slots[0], first_free);
	assert_int_equal(volume->vblk_group, top_group + 1);
	assert_int_equal(disk->n_slots, 2); /* the long device name is kept */
	assert_int_equal(disk->slots[0], first_free + 2);
	assert_int_equal(disk->slots[1], first_free + 3);
	assert_int_equal(disk->slots[1] % 4, 0);
	assert_int_equal(disk->vblk_group, top_group + 3);
	assert_string_equal(disk->u.disk.last_device, ldm_db_find(db, LDM_DISK, 3)->u.disk.last_device);
	assert_u64(disk->tid, c.tid);
	assert_u64(ldm_db_find(c.after, LDM_COMPONENT, 5)->tid, db->head.committed_tid); /* not rewritten */
	ldm_commit_free(&c);
	ldm_db_free(db);
}

/* GRUB would take a second fragment that begins 00 00 00 33 for an extent: such a transaction id is passed over. */
static void fragments_never_look_like_records(void **state)
{
	struct ldm_record disk = a_disk(0x32, "Disk3", "aaaaaaaa-0000-4000-8000-000000000003",
					"12345678901234567890123456789012345678901234567890");
	struct ldm_db *db = a_used_mirror();
	const struct ldm_record *r;
	struct ldm_commit c;
	struct ldm_txn *t;

	(void)state;
	assert_int_equal(ldm_txn_begin(db, &t, NULL), 0);
	assert_int_equal(ldm_txn_add(t, &disk, NULL), 0);
	assert_int_equal(ldm_txn_commit(t, 1, &c, NULL), 0);
	r = ldm_db_find(c.after, LDM_DISK, 0x32);
	assert_int_equal(r->n_slots, 2);
	assert_memory_equal(c.after->config + r->slots[1] * LDM_VBLK_SIZE + 16, "\0\0\0\x35\0", 5);
	assert_u64(c.tid, 0x35);
	ldm_commit_free(&c);
	ldm_txn_free(t);
	ldm_db_free(db);
}

static void transactions_refuse_nonsense(void **state)
{
	struct ldm_db *db = a_used_mirror(), *cut;
	struct ldm_record r = a_volume(4, "Volume9", 9, 1, 5), group;
	struct ldm_commit c;
	struct ldm_txn *t;
	uint64_t id;

	(void)state;
	assert_int_equal(ldm_txn_begin(db, &t, NULL), 0);
	assert_int_equal(ldm_txn_commit(t, 1, &c, NULL), -EINVAL); /* nothing in it */
	assert_int_equal(ldm_txn_add(t, &r, NULL), -EEXIST);
	r.id = 99;
	assert_int_equal(ldm_txn_replace(t, &r, NULL), -ENOENT);
	r.id = 5; /* a plex */
	assert_int_equal(ldm_txn_replace(t, &r, NULL), -ENOENT);
	assert_int_equal(ldm_txn_remove(t, 99, NULL), -ENOENT);
	group = get(t, 1);
	assert_int_equal(ldm_txn_remove(t, group.id, NULL), -ENOENT);
	id = ldm_txn_new_id(t);
	assert_true(id > db->head.committed_tid);
	assert_u64(ldm_txn_new_id(t), id + 1);
	r.id = id;
	assert_int_equal(ldm_txn_add(t, &r, NULL), 0);
	assert_int_equal(ldm_txn_commit(t, 1, &c, NULL), -EBADMSG); /* a volume without plexes breaks the rules */
	assert_int_equal(ldm_txn_remove(t, id, NULL), 0);
	assert_null(ldm_txn_get(t, id));
	assert_int_equal(ldm_txn_remove(t, 8, NULL), 0);
	assert_null(ldm_txn_get(t, 8));
	assert_int_equal(ldm_txn_remove(t, 8, NULL), -ENOENT);
	assert_int_equal(ldm_txn_commit(t, 1, &c, NULL), -EBADMSG);
	ldm_txn_free(t);
	bytes_put_be(db->config + STATUS_AT, 2, LDM_VMDB_CHANGE);
	assert_int_equal(ldm_db_decode(db->config, db->log, &cut, NULL), 0);
	assert_int_equal(ldm_txn_begin(cut, &t, NULL), -EUCLEAN);
	ldm_db_free(cut);
	ldm_db_free(db);
}

/* ------------------------------------------------------- power cuts */

static void zero_time(uint8_t *config)
{
	memset(config + TIME_AT, 0, 8);
}

static bool same_database(const struct ldm_db *a, const struct ldm_db *b)
{
	uint8_t x[LDM_SECTOR], y[LDM_SECTOR];

	memcpy(x, a->config, LDM_SECTOR);
	memcpy(y, b->config, LDM_SECTOR);
	zero_time(x);
	zero_time(y);
	return memcmp(x, y, LDM_SECTOR) == 0 &&
	       memcmp(a->config + LDM_SECTOR, b->config + LDM_SECTOR, T_CONFIG - LDM_SECTOR) == 0;
}

struct scene {
	const struct ldm_db *old;
	const struct ldm_commit *commit;
	struct disk disks[DISKS];
	struct dyn_rand rand;
	size_t n_states;
};

/* Decodes all disks and recovers; the result must be the old or the new database as want_new says. */
static void recover(struct scene *s, bool want_new, struct ldm_recovery *out)
{
	struct ldm_db *copies[DISKS];
	struct ldm_log_entry log[4];
	struct dyn_err err = { 0 };

	s->n_states++;
	for (int i = 0; i < DISKS; i++)
		if (disk_decode(&s->disks[i], &copies[i], &err) < 0)
			fail_msg("decode: %s", err.what);
	if (ldm_recover((const struct ldm_db *const *)copies, DISKS, T_TIME + 3, out, &err) < 0)
		fail_msg("recover: %s", err.what);
	assert_true(same_database(out->after, want_new ? s->commit->after : s->old));
	assert_false(ldm_db_interrupted(out->after));
	assert_int_equal(ldm_db_check(out->after, NULL), 0);
	/* the dirty entry survives, and no commit that did not happen is on record */
	assert_in_range(ldm_db_log(out->after, log, 4), 1, 2);
	for (size_t i = 0; i < ldm_db_log(out->after, log, 4); i++)
		assert_true(log[i].status == LDM_LOG_DIRTY || log[i].second <= out->tid);
	assert_int_equal(log[ldm_db_log(out->after, log, 4) - 1].status, LDM_LOG_DIRTY);
	if (want_new)
		assert_memory_equal(out->after->log, s->commit->after->log, T_LOG);
	if (!out->needed)
		for (int i = 0; i < DISKS; i++)
			assert_memory_equal(s->disks[i].bytes, out->after->config, T_CONFIG);
	for (int i = 0; i < DISKS; i++)
		ldm_db_free(copies[i]);
}

/* Carries the recovery out, records first, then the header, and cuts it at random points too. */
static void cut_recovery(struct scene *s, bool want_new)
{
	struct disk saved[DISKS];
	struct ldm_recovery r, again;

	recover(s, want_new, &r);
	for (int i = 0; i < DISKS; i++) /* rolling back loses no entry that some disk still has */
		if (!want_new && memcmp(s->disks[i].bytes + T_CONFIG, s->old->log, T_LOG) == 0)
			assert_memory_equal(r.after->log, s->old->log, T_LOG);
	if (!r.needed) {
		ldm_db_free(r.after);
		return;
	}
	memcpy(saved, s->disks, sizeof(saved));
	for (int round = 0; round < 6; round++) {
		memcpy(s->disks, saved, sizeof(saved));
		for (int i = 0; i < DISKS; i++)
			for (size_t at = LDM_SECTOR; at < T_REGION; at += LDM_SECTOR) {
				const uint8_t *from =
					at < T_CONFIG ? r.after->config + at : r.after->log + (at - T_CONFIG);
				if (round >= 3 || dyn_rand_u32(&s->rand) & 1)
					memcpy(s->disks[i].bytes + at, from, LDM_SECTOR);
			}
		for (int i = 0; i < DISKS; i++)
			if (round == 3 + i || round == 5)
				memcpy(s->disks[i].bytes, r.after->config, LDM_SECTOR);
		recover(s, want_new, &again);
		if (round >= 3)
			assert_int_equal(again.needed, round != 5);
		ldm_db_free(again.after);
	}
	memcpy(s->disks, saved, sizeof(saved));
	ldm_db_free(r.after);
}

/* Writes that may have reached a disk when the power goes during phase p: the bits of which. */
static void cut_here(struct scene *s, int p, const bool *which, const struct disk *before)
{
	const struct ldm_phase *phase = &s->commit->phases[p];
	bool committed = p > 3;

	memcpy(s->disks, before, sizeof(s->disks));
	for (size_t k = 0; k < phase->n * DISKS; k++)
		if (which[k]) {
			disk_apply(&s->disks[k / phase->n], &phase->changes[k % phase->n]);
			committed = committed || p == 3;
		}
	cut_recovery(s, committed);
}

static void cut_everywhere(struct scene *s)
{
	struct disk *before = malloc(sizeof(s->disks));

	for (int i = 0; i < DISKS; i++)
		disk_put(&s->disks[i], s->old);
	for (int p = 0; p < LDM_PHASES; p++) {
		size_t n = s->commit->phases[p].n * DISKS;
		bool which[64];

		assert_in_range(n, 1, 63);
		memcpy(before, s->disks, sizeof(s->disks));
		for (size_t cut = 0; cut <= n; cut++) {
			for (size_t k = 0; k < n; k++)
				which[k] = k < cut;
			cut_here(s, p, which, before);
			for (size_t k = 0; k < n; k++) /* the other disk first */
				which[k] = k >= cut;
			cut_here(s, p, which, before);
		}
		for (int i = 0; i < SUBSETS && n > 2; i++) {
			for (size_t k = 0; k < n; k++)
				which[k] = dyn_rand_u32(&s->rand) & 1;
			cut_here(s, p, which, before);
		}
		memset(which, true, sizeof(which));
		memcpy(s->disks, before, sizeof(s->disks));
		for (size_t k = 0; k < n; k++)
			disk_apply(&s->disks[k / (n / DISKS)], &s->commit->phases[p].changes[k % (n / DISKS)]);
	}
	free(before);
}

static void power_cuts_leave_old_or_new(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct ldm_db *db = a_used_mirror();
	struct ldm_commit c;

	(void)state;
	s->rand.state = 1;
	for (int i = 0; i < N_CHANGES; i++) {
		make(db, changes[i], &c);
		s->old = db;
		s->commit = &c;
		cut_everywhere(s);
		ldm_commit_free(&c);
	}
	print_message("# %zu states after power cuts\n", s->n_states);
	assert_true(s->n_states > 1000);
	ldm_db_free(db);
	free(s);
}

/* Windows may mark the records before the header: fragments and both versions under a clean header. */
static void records_before_the_header_roll_back(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct ldm_db *db = a_used_mirror();
	struct ldm_commit c;

	(void)state;
	make(db, break_nokeep, &c);
	s->old = db;
	s->commit = &c;
	s->rand.state = 2;
	for (size_t n = 0; n <= c.phases[1].n; n++) {
		for (int i = 0; i < DISKS; i++)
			disk_put(&s->disks[i], db);
		for (size_t k = 0; k < n; k++)
			disk_apply(&s->disks[0], &c.phases[1].changes[k]);
		cut_recovery(s, false);
	}
	ldm_commit_free(&c);
	ldm_db_free(db);
	free(s);
}

static void stale_disks_have_no_say(void **state)
{
	struct ldm_db *old = a_used_mirror(), *copies[2];
	struct ldm_recovery r;
	struct ldm_commit c, later;

	(void)state;
	make(old, add_volume, &c);
	make(c.after, break_nokeep, &later);
	copies[0] = old; /* was away during both */
	copies[1] = later.after;
	assert_int_equal(ldm_recover((const struct ldm_db *const *)copies, 2, T_TIME + 9, &r, NULL), 0);
	assert_true(r.needed);
	assert_true(r.forward);
	assert_u64(r.tid, later.tid);
	assert_true(same_database(r.after, later.after));
	ldm_db_free(r.after);
	/* the others are in the middle of a later change, not yet committed: they roll back, and still decide */
	for (size_t p = 0; p < 2; p++)
		for (size_t k = 0; k < later.phases[p].n; k++)
			memcpy(c.after->config + (later.phases[p].changes[k].rel - LDM_CONFIG_START) * LDM_SECTOR,
			       later.phases[p].changes[k].bytes, LDM_SECTOR);
	assert_int_equal(ldm_db_decode(c.after->config, c.after->log, &copies[1], NULL), 0);
	assert_int_equal(ldm_recover((const struct ldm_db *const *)copies, 2, T_TIME + 9, &r, NULL), 0);
	assert_true(r.needed);
	assert_u64(r.tid, c.tid);
	assert_int_equal(r.after->head.committed[LDM_VOLUME], 2);
	assert_int_equal(r.after->head.committed[LDM_COMPONENT], 3);
	ldm_db_free(r.after);
	ldm_db_free(copies[1]);
	ldm_commit_free(&later);
	ldm_commit_free(&c);
	ldm_db_free(old);
}

/* Both disks carry the commit, but not the same new records. */
static void commits_that_differ_are_not_guessed_at(void **state)
{
	struct ldm_db *db = a_used_mirror(), *copies[DISKS];
	struct disk *d = calloc(DISKS, sizeof(*d));
	struct ldm_recovery r;
	struct dyn_err err = { 0 };
	struct ldm_commit c;

	(void)state;
	make(db, break_nokeep, &c);
	for (int i = 0; i < DISKS; i++) {
		disk_put(&d[i], db);
		for (int p = 0; p < 4; p++)
			for (size_t k = 0; k < c.phases[p].n; k++)
				disk_apply(&d[i], &c.phases[p].changes[k]);
	}
	d[1].bytes[ldm_db_find(c.after, LDM_VOLUME, 4)->slots[0] * LDM_VBLK_SIZE + 16 + 11 + 6] = '7';
	for (int i = 0; i < DISKS; i++)
		assert_int_equal(disk_decode(&d[i], &copies[i], NULL), 0);
	assert_int_equal(ldm_recover((const struct ldm_db *const *)copies, DISKS, 1, &r, &err), -EBADMSG);
	assert_non_null(strstr(err.what, "differ"));
	assert_int_equal(ldm_recover((const struct ldm_db *const *)copies, 1, 1, &r, &err), 0);
	assert_true(r.forward);
	ldm_db_free(r.after);
	for (int i = 0; i < DISKS; i++)
		ldm_db_free(copies[i]);
	ldm_commit_free(&c);
	ldm_db_free(db);
	free(d);
}

static void copies_that_differ_are_not_guessed_at(void **state)
{
	struct ldm_db *db = a_used_mirror(), *odd, *copies[2];
	struct ldm_record volume;
	struct ldm_recovery r;
	struct dyn_err err = { 0 };
	uint8_t *payload;

	(void)state;
	volume = *ldm_db_find(db, LDM_VOLUME, 4);
	assert_int_equal(ldm_db_clone(db, &odd), 0);
	payload = odd->config + volume.slots[0] * LDM_VBLK_SIZE + 16;
	payload[11 + 6] = '7'; /* Volume1 -> Volume7 */
	copies[0] = db;
	assert_int_equal(ldm_db_decode(odd->config, odd->log, &copies[1], NULL), 0);
	assert_string_equal(ldm_db_find(copies[1], LDM_VOLUME, 4)->name, "Volume7");
	assert_int_equal(ldm_recover((const struct ldm_db *const *)copies, 2, 1, &r, &err), -EBADMSG);
	assert_non_null(strstr(err.what, "differ"));
	assert_null(r.after);
	ldm_db_free(copies[1]);
	/* one good copy, nothing to do */
	assert_int_equal(ldm_recover((const struct ldm_db *const *)copies, 1, 1, &r, NULL), 0);
	assert_false(r.needed);
	assert_memory_equal(r.after->config, db->config, T_CONFIG);
	ldm_db_free(r.after);
	/* a record that is lost altogether is noticed by the counts */
	memset(odd->config + volume.slots[0] * LDM_VBLK_SIZE + 8, 0, LDM_VBLK_SIZE - 8);
	bytes_put_be(odd->config + STATUS_AT, 2, LDM_VMDB_CHANGE);
	assert_int_equal(ldm_db_decode(odd->config, odd->log, &copies[0], NULL), 0);
	assert_int_equal(ldm_recover((const struct ldm_db *const *)copies, 1, 1, &r, &err), -EBADMSG);
	assert_non_null(strstr(err.what, "lost"));
	ldm_db_free(copies[0]);
	assert_int_equal(ldm_recover(NULL, 0, 1, &r, NULL), -EINVAL);
	ldm_db_free(odd);
	ldm_db_free(db);
}

/* A rollback with a number of its own: said first, then what was before under it, and the log agrees. */
static void a_rollback_can_go_behind_the_change(void **state)
{
	struct ldm_db *db = a_used_mirror(), *again;
	struct ldm_recovery r = { 0 };
	struct ldm_log_entry e[4];
	struct dyn_err err = { 0 };
	uint8_t announce[LDM_SECTOR];
	struct ldm_vmdb head;
	uint64_t old = db->head.committed_tid;
	size_t n, noted = 0;

	(void)state;
	assert_int_equal(ldm_db_clone(db, &r.after), 0);
	assert_int_equal(ldm_recovery_behind(&r, old + 2, announce, &err), 0);
	assert_int_equal(ldm_vmdb_decode(announce, &head, NULL), 0);
	assert_int_equal(head.status, LDM_VMDB_CHANGE);
	assert_u64(head.committed_tid, old);
	assert_u64(head.pending_tid, old + 2);
	assert_int_equal(ldm_db_decode(r.after->config, r.after->log, &again, &err), 0);
	assert_int_equal(ldm_db_check(again, &err), 0);
	assert_false(ldm_db_interrupted(again));
	assert_u64(again->head.committed_tid, old + 2);
	assert_in_range(n = ldm_db_log(again, e, 4), 1, 4);
	for (size_t i = 0; i < n; i++)
		if (e[i].status == LDM_LOG_COMMIT) {
			noted++;
			assert_u64(e[i].first, old);
			assert_u64(e[i].second, old + 2);
		}
	assert_int_equal(noted, 1);
	ldm_db_free(again);
	memset(r.after->log, 0, LDM_SECTOR);
	assert_int_equal(ldm_recovery_behind(&r, old + 3, announce, &err), -EBADMSG);
	assert_non_null(strstr(err.what, "log"));
	ldm_db_free(r.after);
	ldm_db_free(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(phases_produce_what_they_promise),
		cmocka_unit_test(phases_follow_the_protocol),
		cmocka_unit_test(slots_and_numbers_follow_the_rules),
		cmocka_unit_test(fragments_never_look_like_records),
		cmocka_unit_test(transactions_refuse_nonsense),
		cmocka_unit_test(power_cuts_leave_old_or_new),
		cmocka_unit_test(records_before_the_header_roll_back),
		cmocka_unit_test(stale_disks_have_no_say),
		cmocka_unit_test(copies_that_differ_are_not_guessed_at),
		cmocka_unit_test(commits_that_differ_are_not_guessed_at),
		cmocka_unit_test(a_rollback_can_go_behind_the_change),
	};
	return cmocka_run_group_tests_name("ldm_txn", tests, NULL, NULL);
}
