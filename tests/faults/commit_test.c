/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * commit_test.c - the turns that commits and recoveries take only when something is missing: memory at each of their
 * allocations, room for records, numbers, a log that can be read; and transactions that other readers would misread.
 */
#include <errno.h>

#include "base/bytes.h"
#include "ldm/ondisk.h"
#include "tests/faults/wrap.h"
#include "tests/unit/ldm_support.h"

/* ------------------------------------------------------------- without memory */

/* One of everything that a transaction can do. */
static int fill(struct ldm_txn *t, struct dyn_err *err)
{
	struct ldm_record volume = *ldm_txn_get(t, 4), other = a_disk(9, "Disk3", "aaaaaaaa-0000-4000-8000-000000000003", "");
	int rc;

	volume.u.volume.n_components = 1;
	rc = ldm_txn_replace(t, &volume, err);
	if (!rc)
		rc = ldm_txn_remove(t, 6, err);
	if (!rc)
		rc = ldm_txn_remove(t, 8, err);
	if (!rc)
		rc = ldm_txn_add(t, &other, err);
	return rc;
}

static int whole_transaction(void *arg, struct dyn_err *err)
{
	struct ldm_commit c = { 0 };
	struct ldm_txn *t;
	int rc = ldm_txn_begin(arg, &t, err);

	if (rc)
		return rc;
	rc = fill(t, err);
	if (!rc)
		rc = ldm_txn_commit(t, T_TIME + 2, &c, err);
	if (rc)
		assert_null(c.after); /* nothing half-made comes out */
	ldm_commit_free(&c);
	ldm_txn_free(t);
	return rc;
}

static void a_commit_without_memory(void **state)
{
	struct ldm_db *db = a_mirror();

	(void)state;
	assert_true(wrap_starve(whole_transaction, db) > 20);
	ldm_db_free(db);
}

/* Two copies: the first carries the commit, the second has not got there. */
struct pair {
	struct ldm_db *copies[2];
};

static struct ldm_db *cut_at(const struct ldm_db *db, const struct ldm_commit *c, int phases)
{
	struct disk *d = malloc(sizeof(*d));
	struct ldm_db *out;

	disk_put(d, db);
	for (int p = 0; p < phases; p++)
		for (size_t k = 0; k < c->phases[p].n; k++)
			disk_apply(d, &c->phases[p].changes[k]);
	assert_int_equal(disk_decode(d, &out, NULL), 0);
	free(d);
	return out;
}

static struct ldm_commit a_commit(const struct ldm_db *db)
{
	struct ldm_commit c;
	struct ldm_txn *t;

	assert_int_equal(ldm_txn_begin(db, &t, NULL), 0);
	assert_int_equal(fill(t, NULL), 0);
	assert_int_equal(ldm_txn_commit(t, T_TIME + 2, &c, NULL), 0);
	ldm_txn_free(t);
	return c;
}

static int recover_pair(void *arg, struct dyn_err *err)
{
	const struct pair *p = arg;
	struct ldm_recovery r;
	int rc = ldm_recover((const struct ldm_db *const *)p->copies, 2, T_TIME + 3, &r, err);

	if (rc)
		assert_null(r.after);
	else
		assert_true(r.forward && r.needed);
	ldm_db_free(r.after);
	return rc;
}

static void a_recovery_without_memory(void **state)
{
	struct ldm_db *db = a_mirror();
	struct ldm_commit c = a_commit(db);
	struct pair p = { { cut_at(db, &c, 4), cut_at(db, &c, 3) } };

	(void)state;
	assert_true(wrap_starve(recover_pair, &p) > 8);
	ldm_db_free(p.copies[0]);
	ldm_db_free(p.copies[1]);
	ldm_commit_free(&c);
	ldm_db_free(db);
}

/* ------------------------------------------------------------ what is refused */

static void expect(int rc, int code, const struct dyn_err *err, const char *word)
{
	assert_int_equal(rc, code);
	if (!strstr(err->what, word))
		fail_msg("\"%s\" does not say \"%s\"", err->what, word);
}

static void records_that_do_not_fit_are_refused(void **state)
{
	struct ldm_db *db = a_mirror();
	struct ldm_record r = a_disk(90, "Disk9", "aaaaaaaa-0000-4000-8000-000000000009", ""), odd = r, big = r;
	struct dyn_err err = { 0 };
	struct ldm_txn *t;

	(void)state;
	odd.type = LDM_T_VOLUME;
	memset(big.name, 'n', sizeof(big.name) - 1);
	memset(big.u.disk.last_device, 'd', sizeof(big.u.disk.last_device) - 1);
	assert_int_equal(ldm_txn_begin(db, &t, NULL), 0);
	expect(ldm_txn_add(t, &odd, &err), -EINVAL, &err, "no place for");
	expect(ldm_txn_add(t, &big, &err), -EMSGSIZE, &err, "too long");
	odd.id = big.id = 2;
	expect(ldm_txn_replace(t, &odd, &err), -EINVAL, &err, "no place for");
	expect(ldm_txn_replace(t, &big, &err), -EMSGSIZE, &err, "too long");
	r.id = 0;
	expect(ldm_txn_add(t, &r, &err), -EINVAL, &err, "object id 0");
	r.id = UINT32_MAX;
	expect(ldm_txn_add(t, &r, &err), -EINVAL, &err, "cannot be used");
	r.id = 90;
	assert_int_equal(ldm_txn_add(t, &r, &err), 0);
	expect(ldm_txn_add(t, &r, &err), -EEXIST, &err, "object id 90 is taken");
	r.id = 91;
	strcpy(r.name, "Disk10");
	assert_int_equal(ldm_txn_add(t, &r, &err), 0);
	assert_int_equal(ldm_txn_remove(t, 91, &err), 0); /* not the first one of those that are new */
	assert_null(ldm_txn_get(t, 91));
	assert_non_null(ldm_txn_get(t, 90));
	ldm_txn_free(t);
	ldm_db_free(db);
}

/* Ids and transactions count together; what is above 32 bits no reader understands. */
static void numbers_come_to_an_end(void **state)
{
	struct ldm_db *db = a_mirror(), *lower;
	struct ldm_record disk = a_disk(0, "Disk3", "aaaaaaaa-0000-4000-8000-000000000003", "");
	struct dyn_err err = { 0 };
	struct ldm_commit c;
	struct ldm_txn *t;

	(void)state;
	assert_int_equal(ldm_txn_begin(db, &t, NULL), 0);
	assert_int_equal(ldm_txn_remove(t, 6, NULL), 0);
	ldm_txn_beyond(t, UINT64_MAX);
	expect(ldm_txn_commit(t, 1, &c, &err), -ERANGE, &err, "used up");
	ldm_txn_free(t);
	/* the next number is greater than every id, also where the last transaction's is not */
	assert_int_equal(ldm_txn_begin(db, &t, NULL), 0);
	ldm_txn_beyond(t, 100);
	disk.id = ldm_txn_new_id(t);
	assert_u64(disk.id, 101);
	assert_int_equal(ldm_txn_add(t, &disk, NULL), 0);
	assert_int_equal(ldm_txn_commit(t, 1, &c, NULL), 0);
	assert_u64(c.tid, 102);
	ldm_txn_free(t);
	disk = *ldm_db_find(c.after, LDM_DISK, 101);
	disk.tid = 60;
	assert_true(ldm_record_encode(&disk, ldm_slot(c.after->config, disk.slots[0])->payload, LDM_VBLK_PAYLOAD) > 0);
	bytes_put_be(c.after->config + offsetof(struct disk_vmdb, committed_tid), 8, 60);
	bytes_put_be(c.after->config + offsetof(struct disk_vmdb, pending_tid), 8, 60);
	assert_int_equal(ldm_db_decode(c.after->config, c.after->log, &lower, NULL), 0);
	assert_int_equal(ldm_txn_begin(lower, &t, &err), 0);
	assert_u64(ldm_txn_new_id(t), 102);
	ldm_txn_free(t);
	ldm_db_free(lower);
	ldm_commit_free(&c);
	ldm_db_free(db);
}

/* The group's own record takes part in a change like any other; it is not one of those that are counted. */
static void the_group_itself_may_change(void **state)
{
	struct ldm_db *db = a_mirror();
	struct ldm_record group = *ldm_db_next(db, LDM_GROUP, NULL);
	struct dyn_err err = { 0 };
	struct ldm_commit c;
	struct ldm_txn *t;

	(void)state;
	assert_int_equal(ldm_txn_begin(db, &t, NULL), 0);
	assert_int_equal(ldm_txn_replace(t, &group, NULL), 0);
	assert_int_equal(ldm_txn_commit(t, 1, &c, &err), 0);
	assert_u64(ldm_db_next(c.after, LDM_GROUP, NULL)->tid, c.tid);
	assert_memory_equal(c.after->head.committed, db->head.committed, sizeof(db->head.committed));
	ldm_commit_free(&c);
	ldm_txn_free(t);
	/* the numbers that keep fragments together come to an end as well */
	bytes_put_be(db->config + group.slots[0] * LDM_VBLK_SIZE + 8, 4, UINT32_MAX);
	db->records[0].vblk_group = UINT32_MAX;
	assert_int_equal(ldm_txn_begin(db, &t, NULL), 0);
	assert_int_equal(ldm_txn_replace(t, &group, NULL), 0);
	expect(ldm_txn_commit(t, 1, &c, &err), -ENOSPC, &err, "used up its record numbers");
	ldm_txn_free(t);
	ldm_db_free(db);
}

/* Commits a change of a disk whose second fragment begins `skip` bytes into its transaction's number. */
static int commit_fragment(uint64_t beyond, int skip, uint64_t *tid, struct dyn_err *err)
{
	struct ldm_record disk = a_disk(40, "Disk3", "aaaaaaaa-0000-4000-8000-000000000003", "");
	struct ldm_db *db = a_mirror();
	struct ldm_commit c;
	struct ldm_txn *t;
	int rc;

	memset(disk.u.disk.last_device, 'd', (size_t)(54 - skip));
	assert_int_equal(ldm_txn_begin(db, &t, NULL), 0);
	assert_int_equal(ldm_txn_add(t, &disk, NULL), 0);
	ldm_txn_beyond(t, beyond);
	rc = ldm_txn_commit(t, 1, &c, err);
	if (!rc) {
		const struct ldm_record *r = ldm_db_find(c.after, LDM_DISK, 40);
		uint8_t number[8];
		assert_int_equal(r->n_slots, 2);
		bytes_put_be(number, 8, c.tid);
		assert_memory_equal(c.after->config + r->slots[1] * LDM_VBLK_SIZE + 16, number + skip, (size_t)(8 - skip));
		*tid = c.tid;
	}
	ldm_commit_free(&c);
	ldm_txn_free(t);
	ldm_db_free(db);
	return rc;
}

/* No fragment looks to GRUB like a record of its own: volume, plex, extent, disk. */
static void fragments_of_every_kind_are_passed_over(void **state)
{
	static const struct { uint64_t beyond, tid; } pass[] = {
		{ 0x30, 0x31 }, { 0x31, 0x35 }, { 0x50, 0x52 }, { 0x1000031, 0x1000032 }, { 0x10032, 0x10035 }, { 0x20032, 0x20033 },
		{ 0x200032, 0x200033 },
	};
	struct dyn_err err = { 0 };
	uint64_t tid;

	(void)state;
	for (size_t i = 0; i < sizeof(pass) / sizeof(pass[0]); i++) {
		assert_int_equal(commit_fragment(pass[i].beyond, 4, &tid, &err), 0);
		assert_u64(tid, pass[i].tid);
	}
}

/*
 * Where it is a higher byte of the number that misleads, hundreds and more in a row do: after 64 of them every change of
 * the group was refused, for good.
 */
static void whole_runs_of_numbers_are_passed_over(void **state)
{
	struct dyn_err err = { 0 };
	uint64_t tid;

	(void)state;
	assert_int_equal(commit_fragment(0x31fe, 3, &tid, &err), 0);
	assert_u64(tid, 0x31ff);
	assert_int_equal(commit_fragment(0x31ff, 3, &tid, &err), 0);
	assert_u64(tid, 0x3500);
	assert_int_equal(commit_fragment(0x3380, 3, &tid, &err), 0);
	assert_u64(tid, 0x3500);
	assert_int_equal(commit_fragment(0x330000, 2, &tid, &err), 0);
	assert_u64(tid, 0x350000);
	assert_int_equal(commit_fragment(0x51123456, 1, &tid, &err), 0);
	assert_u64(tid, 0x52000000);
}

/* Where the number has no part in it, nothing helps: such a record is not written. */
static void a_record_that_misleads_by_itself_is_refused(void **state)
{
	struct ldm_record volume = a_volume(40, "", 3, 1, 2048);
	struct dyn_err err = { 0 };
	unsigned refused = 0;

	(void)state;
	volume.u.volume.vflags = LDM_T_EXTENT;
	for (size_t n = 1; n < 200; n++) {
		struct ldm_db *db = a_mirror();
		struct ldm_commit c;
		struct ldm_txn *t;
		int rc;
		memset(volume.name, 'n', n);
		assert_int_equal(ldm_txn_begin(db, &t, NULL), 0);
		assert_int_equal(ldm_txn_add(t, &volume, NULL), 0);
		rc = ldm_txn_commit(t, 1, &c, &err);
		assert_true(rc < 0); /* the volume has no half: one rule or another */
		if (rc == -EINVAL) {
			expect(rc, -EINVAL, &err, "misleading other readers");
			refused++;
		}
		ldm_txn_free(t);
		ldm_db_free(db);
	}
	assert_int_equal(refused, 2); /* at the end of the first fragment, and of the second */
}

/* ----------------------------------------------------------------------- the log */

static void put_entry(uint8_t *log, uint32_t page, int k, uint8_t status, uint64_t first, uint64_t second)
{
	struct disk_log_page *p = (struct disk_log_page *)(log + (size_t)page * LDM_SECTOR);

	p->entries[k] = (struct disk_log_entry){ .status = status, .first = be64_of(first), .second = be64_of(second) };
}

/* Every entry of both pages says that a volume was open: there is no room to note a commit, so there is none. */
static void a_full_log_takes_no_commit(void **state)
{
	struct ldm_db *db = a_mirror(), *full;
	struct ldm_log_entry seen[64];
	struct dyn_err err = { 0 };
	struct ldm_commit c;
	struct ldm_txn *t;

	(void)state;
	for (uint32_t i = 0; i < 2; i++)
		for (int k = 0; k < LOG_ENTRIES; k++)
			put_entry(db->log, i, k, LDM_LOG_DIRTY, 4, 3);
	assert_int_equal(ldm_db_decode(db->config, db->log, &full, NULL), 0);
	assert_int_equal(ldm_db_log(full, seen, 64), 2 * LOG_ENTRIES);
	assert_int_equal(ldm_txn_begin(full, &t, NULL), 0);
	assert_int_equal(ldm_txn_remove(t, 6, NULL), 0);
	expect(ldm_txn_commit(t, 1, &c, &err), -ENOSPC, &err, "(KLOG) is full");
	assert_null(c.after);
	ldm_txn_free(t);
	ldm_db_free(full);
	/* the commit entry at the end of the second page is found all the same, and becomes the new one */
	put_entry(db->log, 1, LOG_ENTRIES - 1, LDM_LOG_COMMIT, 1, db->head.committed_tid);
	assert_int_equal(ldm_log_commit(db->log, db->head.committed_tid, 77, &err), 0);
	assert_true(ldm_log_has_newer(db->log, 76));
	assert_false(ldm_log_has_newer(db->log, 77));
	ldm_log_forget(db->log, 76);
	assert_int_equal(ldm_db_log(db, seen, 64), 2 * LOG_ENTRIES - 1);
	assert_int_equal(ldm_log_commit(db->log, 1, 78, &err), 0); /* in its place, and there only */
	assert_int_equal(ldm_db_log(db, seen, 64), 2 * LOG_ENTRIES);
	assert_u64(seen[2 * LOG_ENTRIES - 1].second, 78);
	db->log[LDM_SECTOR] = 'X';
	expect(ldm_log_commit(db->log, 1, 79, &err), -EBADMSG, &err, "(KLOG) is damaged");
	ldm_db_free(db);
}

/* ------------------------------------------------------------------- recovery */

/* A disk is in the commit of one transaction, another in that of the next: the later one counts, the other has no part. */
static void the_furthest_commit_decides(void **state)
{
	struct ldm_db *db = a_mirror(), *behind;
	struct ldm_commit c = a_commit(db);
	struct ldm_db *ahead = cut_at(db, &c, 4);
	struct dyn_err err = { 0 };
	struct ldm_recovery r;
	struct ldm_commit later;
	struct ldm_txn *t;

	(void)state;
	assert_int_equal(ldm_txn_begin(db, &t, NULL), 0);
	assert_int_equal(fill(t, NULL), 0);
	ldm_txn_beyond(t, c.tid);
	assert_int_equal(ldm_txn_commit(t, T_TIME + 2, &later, NULL), 0);
	assert_true(later.tid > c.tid);
	ldm_txn_free(t);
	behind = ahead;
	ahead = cut_at(db, &later, 4);
	for (int i = 0; i < 2; i++) {
		const struct ldm_db *copies[] = { i ? ahead : behind, i ? behind : ahead };
		assert_int_equal(ldm_recover(copies, 2, T_TIME + 3, &r, &err), 0);
		assert_true(r.forward && r.needed);
		assert_u64(r.tid, later.tid);
		assert_memory_equal(r.after->config + LDM_SECTOR, later.after->config + LDM_SECTOR, CONFIG_BYTES - LDM_SECTOR);
		ldm_db_free(r.after);
	}
	ldm_db_free(ahead);
	ldm_db_free(behind);
	ldm_commit_free(&later);
	ldm_commit_free(&c);
	ldm_db_free(db);
}

/* Headers that cannot be: nothing is decided. A log that differs alone is made like the others. */
static void headers_that_cannot_be_decide_nothing(void **state)
{
	struct ldm_db *db = a_mirror(), *other;
	const struct ldm_db *copies[2] = { db };
	struct dyn_err err = { 0 };
	struct ldm_recovery r;

	(void)state;
	for (int i = 0; i < 6; i++) {
		assert_int_equal(ldm_db_clone(db, &other), 0);
		copies[1] = other;
		if (i == 0)
			memcpy(other->head.group_guid, "99999999-0000-4000-8000-000000000001", 37);
		else if (i < 3)
			other->head.status = i == 1 ? 0 : 7;
		else if (i == 3)
			other->head.pending_tid--;
		else if (i == 4)
			other->head.status = LDM_VMDB_COMMIT;
		else
			put_entry(other->log, 0, 3, LDM_LOG_DIRTY, 4, 3);
		if (i < 5) {
			static const char *const says[] = { "different groups", "unknown state", "unknown state", "contradict",
							    "contradict" };
			expect(ldm_recover(copies, 2, 1, &r, &err), i ? -EBADMSG : -EINVAL, &err, says[i]);
			assert_null(r.after);
		} else {
			assert_int_equal(ldm_recover(copies, 2, 1, &r, &err), 0);
			assert_true(r.needed && !r.forward);
			ldm_db_free(r.after);
		}
		ldm_db_free(other);
	}
	ldm_db_free(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_commit_without_memory),
		cmocka_unit_test(a_recovery_without_memory),
		cmocka_unit_test(records_that_do_not_fit_are_refused),
		cmocka_unit_test(numbers_come_to_an_end),
		cmocka_unit_test(the_group_itself_may_change),
		cmocka_unit_test(fragments_of_every_kind_are_passed_over),
		cmocka_unit_test(whole_runs_of_numbers_are_passed_over),
		cmocka_unit_test(a_record_that_misleads_by_itself_is_refused),
		cmocka_unit_test(a_full_log_takes_no_commit),
		cmocka_unit_test(the_furthest_commit_decides),
		cmocka_unit_test(headers_that_cannot_be_decide_nothing),
	};

	return cmocka_run_group_tests_name("commit", tests, NULL, NULL);
}
