/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The database: decoding, every rule of ldm_db_check(), names and numbers, a fresh group. */
#include <errno.h>

#include "base/bytes.h"
#include "tests/unit/ldm_support.h"

enum { STATUS_AT = 0x10, COMMITTED_AT = 0x85, PENDING_AT = 0xa1, VBLK_HEAD = 16 };

static uint8_t *slot(struct ldm_db *db, uint32_t s)
{
	return db->config + (size_t)s * LDM_VBLK_SIZE;
}

static struct ldm_db *redecode(struct ldm_db *db)
{
	struct ldm_db *again;
	struct dyn_err err = { 0 };

	if (ldm_db_decode(db->config, db->log, &again, &err) < 0)
		fail_msg("decode: %s", err.what);
	ldm_db_free(db);
	return again;
}

/* Writes r over the one-slot record it came from. */
static void put_record(struct ldm_db *db, const struct ldm_record *r)
{
	uint8_t *payload = slot(db, r->slots[0]) + VBLK_HEAD;

	assert_int_equal(r->n_slots, 1);
	memset(payload, 0, LDM_VBLK_PAYLOAD);
	assert_true(ldm_record_encode(r, payload, LDM_VBLK_PAYLOAD) > 0);
}

static void expect_broken(struct ldm_db *db, const char *word)
{
	struct dyn_err err = { 0 };

	db = redecode(db);
	if (ldm_db_check(db, &err) != -EBADMSG)
		fail_msg("nothing found, expected '%s'", word);
	if (!strstr(err.what, word))
		fail_msg("'%s' does not speak of '%s'", err.what, word);
	ldm_db_free(db);
}

/* ------------------------------------------------------- rules about one record */

/* One line per way to break a record. */
/* clang-format off */
#define V u.volume
#define P u.component
#define X u.extent
#define D u.disk
#define G u.group

static void v_no_name(struct ldm_record *r) { r->name[0] = '\0'; }
static void v_escape(struct ldm_record *r) { r->name[0] = '\x1b'; }
static void v_type(struct ldm_record *r) { strcpy(r->V.type, "genx"); }
static void v_raid(struct ldm_record *r) { strcpy(r->V.type, "raid5"); r->V.read_policy = 4; }
static void v_state(struct ldm_record *r) { r->V.state[0] = 'B'; }
static void v_pad(struct ldm_record *r) { r->V.state[13] = 1; }
static void v_policy(struct ldm_record *r) { r->V.read_policy = 1; }
static void v_zero_number(struct ldm_record *r) { r->V.number = 0; }
static void v_number(struct ldm_record *r) { r->V.number = 256; }
static void v_default(struct ldm_record *r) { r->V.vflags = 0x10; }
static void v_pending(struct ldm_record *r) { r->V.vflags |= 0x2000; }
static void v_flags(struct ldm_record *r) { r->V.vflags |= 0x40000000; }
static void v_reserved(struct ldm_record *r) { r->V.zero = 1; }
static void v_size(struct ldm_record *r) { r->V.size = 0; }
static void v_larger(struct ldm_record *r) { r->V.size++; }
static void v_second(struct ldm_record *r) { r->V.second_tid = r->tid + 1; }
static void v_guid(struct ldm_record *r) { memset(r->V.guid, 0, 16); }
static void v_plexes(struct ldm_record *r) { r->V.n_components = 1; }
static void v_future(struct ldm_record *r) { r->tid++; }
static void p_orphan(struct ldm_record *r) { r->P.volume_id = 99; }
static void p_of_disk(struct ldm_record *r) { r->P.volume_id = 2; }
static void p_state(struct ldm_record *r) { strcpy(r->P.state, "STALE"); }
static void p_layout(struct ldm_record *r) { r->P.layout = 4; }
static void p_stripe(struct ldm_record *r) { r->P.layout = LDM_LAYOUT_STRIPE; }
static void p_raid(struct ldm_record *r) { r->P.layout = LDM_LAYOUT_RAID5; r->flags = LDM_CF_STRIPE; }
static void p_fields(struct ldm_record *r) { r->flags = LDM_CF_STRIPE; }
static void p_pending(struct ldm_record *r) { r->P.cflags = 8; }
static void p_flags(struct ldm_record *r) { r->P.cflags = 0x10; }
static void p_reserved(struct ldm_record *r) { r->P.zero = 1; }
static void p_log(struct ldm_record *r) { r->P.log_subdisk = 7; }
static void p_extents(struct ldm_record *r) { r->P.n_extents = 2; }
static void p_long(struct ldm_record *r) { memset(r->name, 'x', 64); r->name[64] = '\0'; r->P.state[0] = '\0'; }
static void p_name(struct ldm_record *r) { strcpy(r->name, "VOLUME1-02"); }
static void x_orphan(struct ldm_record *r) { r->X.component_id = 99; }
static void x_disk(struct ldm_record *r) { r->X.disk_id = 99; }
static void x_on_volume(struct ldm_record *r) { r->X.disk_id = 4; }
static void x_size(struct ldm_record *r) { r->X.size = 0; }
static void x_column(struct ldm_record *r) { r->flags |= LDM_EF_COLUMN; }
static void x_columns(struct ldm_record *r) { r->flags |= LDM_EF_COLUMN; r->X.column = 1; }
static void x_flags(struct ldm_record *r) { r->X.eflags = 2; }
static void x_offset(struct ldm_record *r) { r->X.column_offset = 5; }
static void x_end(struct ldm_record *r) { r->X.start = UINT64_MAX - 5; }
static void x_overlap(struct ldm_record *r) { r->X.disk_id = 2; r->X.start = 65 + 2047; }
static void x_same_disk(struct ldm_record *r) { r->X.disk_id = 2; r->X.start = 65 + 2048; }
static void x_twin(struct ldm_record *r) { r->id = 7; }
static void x_no_id(struct ldm_record *r) { r->id = 0; }
static void d_upper(struct ldm_record *r) { r->D.guid[0] = 'A'; }
static void d_twin(struct ldm_record *r) { r->D.guid[35] = '2'; }
static void d_flags(struct ldm_record *r) { r->D.dflags = 0x1000; }
static void g_name(struct ldm_record *r) { r->name[0] = 'X'; }
static void g_guid(struct ldm_record *r) { r->G.guid[0] = '0'; }
static void g_minors(struct ldm_record *r) { r->flags = LDM_GF_MINORS; }
static void g_reserved(struct ldm_record *r) { r->G.zero = 1; }
/* clang-format on */

static const struct {
	uint64_t id;
	void (*spoil)(struct ldm_record *r);
	const char *word;
} rules[] = {
	{ 4, v_no_name, "name" },
	{ 4, v_escape, "\\x1b" },
	{ 4, v_type, "type" },
	{ 4, v_raid, "RAID-5" },
	{ 4, v_state, "state" },
	{ 4, v_pad, "state" },
	{ 4, v_policy, "read policy" },
	{ 4, v_zero_number, "number 0" },
	{ 4, v_number, "number 256" },
	{ 4, v_default, "flags" },
	{ 4, v_pending, "flags 0x2011" },
	{ 4, v_flags, "flags" },
	{ 4, v_reserved, "reserved" },
	{ 4, v_size, "empty" },
	{ 4, v_larger, "2049" },
	{ 4, v_second, "transaction" },
	{ 4, v_guid, "GUID" },
	{ 4, v_plexes, "says 1 plexes" },
	{ 4, v_future, "not happened" },
	{ 5, p_orphan, "plexes" },
	{ 5, p_of_disk, "plexes" },
	{ 5, p_state, "state" },
	{ 5, p_layout, "simple" },
	{ 5, p_stripe, "simple" },
	{ 5, p_raid, "simple" },
	{ 5, p_fields, "stripe" },
	{ 5, p_pending, "flags 0x8" },
	{ 5, p_flags, "flags" },
	{ 5, p_reserved, "reserved" },
	{ 5, p_log, "log subdisk" },
	{ 5, p_extents, "says 2 extents" },
	{ 5, p_name, "used twice" },
	{ 5, p_long, "name" },
	{ 7, x_orphan, "plex that does not exist" },
	{ 7, x_disk, "disk that does not" },
	{ 7, x_on_volume, "disk that does not" },
	{ 7, x_size, "empty" },
	{ 7, x_column, "column" },
	{ 7, x_columns, "column" },
	{ 7, x_flags, "flags" },
	{ 7, x_offset, "follow" },
	{ 7, x_end, "impossible" },
	{ 8, x_overlap, "overlaps" },
	{ 8, x_same_disk, "same disk" },
	{ 8, x_twin, "used twice" },
	{ 8, x_no_id, "no object id" },
	{ 2, d_upper, "GUID" },
	{ 2, d_twin, "used twice" },
	{ 2, d_flags, "flags" },
	{ 1, g_name, "name" },
	{ 1, g_guid, "GUID" },
	{ 1, g_minors, "0x10" },
	{ 1, g_reserved, "reserved" },
};

static void every_rule_is_enforced(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct ldm_db *db = a_mirror();
		struct ldm_record r = *ldm_db_find(db, LDM_KINDS, rules[i].id);

		assert_int_equal(ldm_db_check(db, NULL), 0);
		rules[i].spoil(&r);
		put_record(db, &r);
		expect_broken(db, rules[i].word);
	}
}

static void headers_are_checked(void **state)
{
	static const struct {
		size_t at, n;
		uint64_t value;
		const char *word;
	} cases[] = {
		{ COMMITTED_AT, 4, 2, "2 volumes" },
		{ PENDING_AT + 12, 4, 1, "disks" },
		{ 0x14, 2, 12, "4.12" },
		{ 4, 4, 5923, "slots" },
		{ STATUS_AT, 2, LDM_VMDB_COMMIT, "middle" },
		{ 0x7d, 8, 99, "middle" },
		{ 0x16, 1, 'X', "name" },
		{ 0x35, 1, '0', "GUID" },
	};
	struct ldm_db *db;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		db = a_mirror();
		bytes_put_be(db->config + cases[i].at, cases[i].n, cases[i].value);
		expect_broken(db, cases[i].word);
	}
	db = a_mirror();
	db->log[0] = 'X';
	expect_broken(db, "kernel log");
	db = a_mirror();
	db->log[LDM_SECTOR + 0x17] = 0; /* page 1 calls itself page 0 */
	expect_broken(db, "kernel log");
	db = a_mirror();
	db->log[0x18] = 6;
	expect_broken(db, "kernel log");
	db = a_mirror();
	memset(slot(db, LDM_FIRST_SLOT) + 8, 0, LDM_VBLK_SIZE - 8);
	expect_broken(db, "0 group records");
}

/* ------------------------------------------------------- striped, spanned and RAID-5 plexes */

static struct ldm_db *a_striped(uint8_t layout, uint32_t columns)
{
	struct ldm_record v = a_volume(4, "Volume1", 1, 1, 0), p = a_plex(5, "Volume1-01", 4, columns);
	struct ldm_db *db, *after;
	struct ldm_txn *t;

	v.u.volume.size = 256 * (layout == LDM_LAYOUT_RAID5 ? columns - 1 : columns);
	p.u.component.layout = layout;
	p.flags = LDM_CF_STRIPE;
	p.u.component.stripe_size = 128;
	p.u.component.n_columns = columns;
	if (layout == LDM_LAYOUT_RAID5) {
		strcpy(v.u.volume.type, "raid5");
		v.u.volume.read_policy = 4;
	}
	assert_int_equal(ldm_db_new("TESTHOST-Dg0", T_GROUP, T_TIME, &db), 0);
	assert_int_equal(ldm_txn_begin(db, &t, NULL), 0);
	for (uint32_t i = 0; i < columns; i++) {
		char name[24], guid[37];
		snprintf(name, sizeof(name), "Disk%u", i + 1);
		snprintf(guid, sizeof(guid), "aaaaaaaa-0000-4000-8000-%012u", i);
		struct ldm_record d = a_disk(10 + i, name, guid, "");
		snprintf(name, sizeof(name), "Disk%u-01", i + 1);
		struct ldm_record x = an_extent(20 + i, name, 5, 10 + i, 0, 256);
		x.u.extent.column = i;
		if (i)
			x.flags |= LDM_EF_COLUMN;
		assert_int_equal(ldm_txn_add(t, &d, NULL), 0);
		assert_int_equal(ldm_txn_add(t, &x, NULL), 0);
	}
	assert_int_equal(ldm_txn_add(t, &v, NULL), 0);
	assert_int_equal(ldm_txn_add(t, &p, NULL), 0);
	after = commit(t, T_TIME);
	ldm_db_free(db);
	return after;
}

/* clang-format off */
static void s_size(struct ldm_record *r) { r->V.size -= 128; }
static void s_stripe(struct ldm_record *r) { r->P.stripe_size = 100; }
static void s_no_stripe(struct ldm_record *r) { r->P.stripe_size = 0; }
static void s_columns(struct ldm_record *r) { r->P.n_columns++; }
static void s_gap(struct ldm_record *r) { r->X.column = 7; }
static void s_shorter(struct ldm_record *r) { r->X.size -= 128; }
static void s_other(struct ldm_record *r) { r->P.layout ^= LDM_LAYOUT_STRIPE ^ LDM_LAYOUT_RAID5; }
static void s_concat(struct ldm_record *r) { r->P.layout = LDM_LAYOUT_CONCAT; }
static void s_moved(struct ldm_record *r) { r->X.column = 1; r->flags |= LDM_EF_COLUMN; }
/* clang-format on */

static void striped_plexes_are_measured(void **state)
{
	static const struct {
		uint64_t id;
		void (*spoil)(struct ldm_record *r);
		const char *word;
	} cases[] = {
		{ 5, p_layout, "unknown layout" }, { 5, s_other, "type of its volume" },
		{ 5, s_concat, "stripe fields" },  { 4, s_size, "holds" },
		{ 5, s_stripe, "stripe size" },	   { 5, s_no_stripe, "stripe size" },
		{ 5, s_columns, "columns" },	   { 21, s_gap, "lacks a column" },
		{ 20, s_shorter, "columns" },	   { 21, s_shorter, "columns" },
		{ 22, s_shorter, "columns" },	   { 20, s_moved, "lacks a column" },
	};
	static const uint8_t layouts[] = { LDM_LAYOUT_STRIPE, LDM_LAYOUT_RAID5 };

	(void)state;
	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			struct ldm_db *db = a_striped(layouts[k], 3);
			struct ldm_record r = *ldm_db_find(db, LDM_KINDS, cases[i].id);
			cases[i].spoil(&r);
			put_record(db, &r);
			expect_broken(db, cases[i].word);
		}
	ldm_db_free(a_striped(LDM_LAYOUT_STRIPE, 2));
}

/* ------------------------------------------------------- decoding */

static void refuse(struct ldm_db *db)
{
	struct ldm_db *out = (struct ldm_db *)1;
	struct dyn_err err = { 0 };

	assert_int_equal(ldm_db_decode(db->config, db->log, &out, &err), -EBADMSG);
	assert_null(out);
	assert_true(err.what[0]);
	ldm_db_free(db);
}

static void structural_damage_is_refused(void **state)
{
	static const struct {
		size_t at, n;
		uint64_t value;
	} cases[] = {
		{ 0, 1, 'X' },
		{ 4, 4, 5925 },
		{ 4, 4, 4 },
		{ 4, 4, UINT32_MAX },
		{ 8, 4, 64 },
		{ 12, 4, 1024 },
		{ 0x12, 2, 3 },
		{ 0x16, 1, 0 },
		{ 0x35, 1, 'z' },
		{ 4 * 128, 1, 'X' },
		{ 5923 * 128, 1, 0 },
		{ 100 * 128 + 4, 4, 101 },
		{ 4 * 128 + 8, 4, 0 }, /* in use, but no record number */
		{ 4 * 128 + 12, 2, 1 }, /* fragment 1 of 1 */
		{ 4 * 128 + 14, 2, 17 }, /* more fragments than we take */
		{ 4 * 128 + 16 + 3, 1, 0x99 }, /* unknown record */
		{ 5 * 128 + 8, 4, 1 }, /* two records with one number */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ldm_db *db = a_mirror();
		bytes_put_be(db->config + cases[i].at, cases[i].n, cases[i].value);
		refuse(db);
	}
}

static void lost_fragments_mean_interrupted(void **state)
{
	struct ldm_db *db = a_mirror();
	const struct ldm_record *disk = ldm_db_find(db, LDM_DISK, 3);
	size_t n = db->n;

	(void)state;
	assert_int_equal(disk->n_slots, 2);
	assert_false(ldm_db_interrupted(db));
	memset(slot(db, disk->slots[1]) + 8, 0, LDM_VBLK_SIZE - 8);
	db = redecode(db);
	assert_u64(db->n, n - 1);
	assert_u64(db->n_debris, 1);
	assert_true(ldm_db_interrupted(db));
	ldm_db_free(db);
}

static void both_versions_of_a_record_are_kept(void **state)
{
	struct ldm_db *db = a_mirror();
	struct ldm_commit c;
	struct ldm_txn *t;
	struct ldm_record v;

	(void)state;
	assert_int_equal(ldm_txn_begin(db, &t, NULL), 0);
	v = *ldm_txn_get(t, 4);
	v.flags |= LDM_VF_HINT;
	strcpy(v.u.volume.hint, "E:");
	assert_int_equal(ldm_txn_replace(t, &v, NULL), 0);
	assert_int_equal(ldm_txn_commit(t, T_TIME, &c, NULL), 0);
	for (size_t k = 0; k < c.phases[1].n; k++)
		memcpy(db->config + (c.phases[1].changes[k].rel - LDM_CONFIG_START) * LDM_SECTOR,
		       c.phases[1].changes[k].bytes, LDM_SECTOR);
	db = redecode(db);
	assert_true(ldm_db_interrupted(db)); /* even with a clean header */
	assert_int_equal(ldm_db_find(db, LDM_VOLUME, 4)->status, LDM_STATUS_DELETING); /* the committed one */
	assert_string_equal(ldm_db_find(db, LDM_VOLUME, 4)->u.volume.hint, "");
	assert_string_equal(ldm_db_find(c.after, LDM_VOLUME, 4)->u.volume.hint, "E:");
	ldm_commit_free(&c);
	ldm_txn_free(t);
	ldm_db_free(db);
}

/* ------------------------------------------------------- a fresh group; questions */

static void a_fresh_group_is_as_windows_makes_it(void **state)
{
	struct ldm_db *db, *copy;
	const struct ldm_record *g;

	(void)state;
	assert_int_equal(ldm_db_new("A-Dg0", T_GROUP, 0x1122334455667788, &db), 0);
	assert_int_equal(ldm_db_check(db, NULL), 0);
	assert_memory_equal(db->config,
			    "VMDB\0\0\x17\x24\0\0\0\x80\0\0\x02\0\0\x01\0\x04\0\x0a"
			    "A-Dg0\0",
			    28);
	assert_memory_equal(db->config + 0x35, T_GROUP "\0", 37);
	assert_u64(bytes_be(db->config + 0x75, 8), 1);
	assert_u64(bytes_be(db->config + 0x7d, 8), 1);
	assert_true(bytes_all_zero(db->config + COMMITTED_AT, 56));
	assert_u64(bytes_be(db->config + 0xbd, 8), 0x1122334455667788);
	assert_u64(db->n, 1);
	g = ldm_db_next(db, LDM_GROUP, NULL);
	assert_u64(g->id, 1);
	assert_u64(g->tid, 0);
	assert_int_equal(g->flags, 0);
	assert_int_equal(g->slots[0], LDM_FIRST_SLOT);
	assert_memory_equal(db->log, "KLOG\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\2\0\0\0\0", 24);
	assert_memory_equal(db->log + 512, "KLOG\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2\0\0\0\1", 24);
	assert_true(bytes_all_zero(db->log + 1024, T_LOG - 1024));
	for (uint32_t s = LDM_FIRST_SLOT; s < 5924; s++) {
		assert_memory_equal(slot(db, s), "VBLK", 4);
		assert_u64(bytes_be(slot(db, s) + 4, 4), s);
	}
	assert_int_equal(ldm_db_clone(db, &copy), 0);
	ldm_db_free(db);
	assert_non_null(ldm_db_find(copy, LDM_GROUP, 1));
	ldm_db_free(copy);
	assert_int_equal(ldm_db_new("", T_GROUP, 0, &db), -EINVAL);
	assert_int_equal(ldm_db_new("1234567890123456789012345678901", T_GROUP, 0, &db), -EINVAL);
	assert_int_equal(ldm_db_new("A-Dg0", "not a guid", 0, &db), -EINVAL);
	assert_null(db);
}

static void records_are_found(void **state)
{
	struct ldm_db *db = a_mirror();
	const struct ldm_record *r = NULL;
	size_t n = 0;

	(void)state;
	assert_string_equal(ldm_db_find(db, LDM_EXTENT, 7)->name, "Disk1-01");
	assert_null(ldm_db_find(db, LDM_EXTENT, 5));
	assert_null(ldm_db_find(db, LDM_KINDS, 99));
	assert_u64(ldm_db_find_disk(db, "AAAAAAAA-0000-4000-8000-000000000002")->id, 3);
	assert_null(ldm_db_find_disk(db, T_GROUP));
	assert_u64(ldm_db_find_volume(db, "40414243-4445-4647-4849-4A4b4c4d4e4f")->id, 4);
	assert_null(ldm_db_find_volume(db, "nonsense"));
	while ((r = ldm_db_next(db, LDM_COMPONENT, r)))
		n++;
	assert_u64(n, 2);
	while ((r = ldm_db_next(db, LDM_KINDS, r)))
		n++;
	assert_u64(n, 2 + db->n);
	ldm_db_free(db);
}

static void rename_to(struct ldm_db **db, uint64_t id, const char *name)
{
	struct ldm_record r = *ldm_db_find(*db, LDM_KINDS, id);

	strcpy(r.name, name);
	put_record(*db, &r);
	*db = redecode(*db);
}

static void new_names_are_the_lowest_free(void **state)
{
	struct ldm_db *db = a_mirror();
	struct ldm_record v;
	char name[64], parent[256];

	(void)state;
	ldm_db_new_name(db, LDM_DISK, NULL, name);
	assert_string_equal(name, "Disk3");
	ldm_db_new_name(db, LDM_VOLUME, NULL, name);
	assert_string_equal(name, "Volume2");
	ldm_db_new_name(db, LDM_COMPONENT, "Volume1", name);
	assert_string_equal(name, "Volume1-03");
	ldm_db_new_name(db, LDM_EXTENT, "Disk2", name);
	assert_string_equal(name, "Disk2-02");
	ldm_db_new_name(db, LDM_EXTENT, "Disk22", name);
	assert_string_equal(name, "Disk22-01");
	rename_to(&db, 5, "vOLUME1-03");
	ldm_db_new_name(db, LDM_COMPONENT, "Volume1", name);
	assert_string_equal(name, "Volume1-01");
	rename_to(&db, 2, "DISK99999999999999999999");
	ldm_db_new_name(db, LDM_DISK, NULL, name);
	assert_string_equal(name, "Disk1");
	rename_to(&db, 2, "Disk01");
	ldm_db_new_name(db, LDM_DISK, NULL, name);
	assert_string_equal(name, "Disk1");
	memset(parent, 'p', 255);
	parent[255] = '\0';
	ldm_db_new_name(db, LDM_EXTENT, parent, name);
	assert_true(strlen(name) < 64);
	assert_int_equal(ldm_db_free_volume_number(db), 2);
	v = *ldm_db_find(db, LDM_VOLUME, 4);
	v.u.volume.number = 5;
	put_record(db, &v);
	db = redecode(db);
	assert_int_equal(ldm_db_free_volume_number(db), 1);
	ldm_db_free(db);
}

static void a_full_database_says_so(void **state)
{
	struct ldm_db *db, *full;
	struct ldm_commit c;
	struct ldm_txn *t;
	uint32_t n = 5924 - LDM_FIRST_SLOT - 1;
	char name[64], guid[37];

	(void)state;
	assert_int_equal(ldm_db_new("A-Dg0", T_GROUP, 0, &db), 0);
	assert_int_equal(ldm_txn_begin(db, &t, NULL), 0);
	for (uint32_t i = 0; i <= n; i++) {
		snprintf(name, sizeof(name), "Disk%u", i + 1);
		snprintf(guid, sizeof(guid), "aaaaaaaa-0000-4000-8000-%012u", i);
		struct ldm_record d = a_disk(ldm_txn_new_id(t), name, guid, "");
		assert_int_equal(ldm_txn_add(t, &d, NULL), 0);
	}
	assert_int_equal(ldm_txn_commit(t, 0, &c, NULL), -ENOSPC);
	assert_null(c.after);
	assert_int_equal(ldm_txn_remove(t, 2, NULL), 0);
	full = commit(t, 0);
	assert_u64(full->n, n + 1);
	ldm_db_new_name(full, LDM_DISK, NULL, name);
	assert_string_equal(name, "Disk1");
	ldm_db_free(full);
	ldm_db_free(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_rule_is_enforced),
		cmocka_unit_test(headers_are_checked),
		cmocka_unit_test(striped_plexes_are_measured),
		cmocka_unit_test(structural_damage_is_refused),
		cmocka_unit_test(lost_fragments_mean_interrupted),
		cmocka_unit_test(both_versions_of_a_record_are_kept),
		cmocka_unit_test(a_fresh_group_is_as_windows_makes_it),
		cmocka_unit_test(records_are_found),
		cmocka_unit_test(new_names_are_the_lowest_free),
		cmocka_unit_test(a_full_database_says_so),
	};
	return cmocka_run_group_tests_name("ldm_db", tests, NULL, NULL);
}
