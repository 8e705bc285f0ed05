/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Disks that Windows wrote: everything decodes, passes the rules, and encodes to the same bytes. */
#include <errno.h>

#include "ldm/rebuild.h"
#include "tests/unit/ldm_support.h"

static const char *const images[] = {
	"ldm-2003r2-mirrored-1", "ldm-2003r2-mirrored-2", "ldm-2003r2-raid5-1",	   "ldm-2003r2-raid5-2",
	"ldm-2003r2-raid5-3",	 "ldm-2003r2-simple-1",	  "ldm-2003r2-spanned-1",  "ldm-2003r2-spanned-2",
	"ldm-2003r2-striped-1",	 "ldm-2003r2-striped-2",  "ldm-2008r2-mirrored-1", "ldm-2008r2-mirrored-2",
};
enum { N_IMAGES = sizeof(images) / sizeof(images[0]), GPT_PRIVATE = 34 };

static FILE *open_or_skip(const char *name)
{
	FILE *f = win_open(name);

	if (!f) {
		print_message("# the Windows images are not at hand\n");
		skip();
	}
	return f;
}

/* Start of the private region: sector 6 says it on MBR disks, on GPT it is the metadata partition. */
static uint64_t private_start(FILE *f)
{
	uint8_t *b = win_read(f, LDM_PH_MBR, 1);
	struct ldm_privhead ph;
	uint64_t start = ldm_privhead_decode(b, &ph, NULL) == 0 ? ph.private_start : GPT_PRIVATE;

	free(b);
	return start;
}

static struct ldm_db *read_db(FILE *f)
{
	uint64_t start = private_start(f);
	uint8_t *config = win_read(f, start + LDM_CONFIG_START, LDM_CONFIG_SECTORS);
	uint8_t *log = win_read(f, start + LDM_LOG_START, LDM_LOG_SECTORS);
	struct dyn_err err = { 0 };
	struct ldm_db *db;

	if (ldm_db_decode(config, log, &db, &err) < 0)
		fail_msg("%s", err.what);
	assert_memory_equal(db->config, config, T_CONFIG);
	assert_memory_equal(db->log, log, T_LOG);
	free(config);
	free(log);
	return db;
}

static void headers_encode_to_the_same_bytes(void **state)
{
	size_t n_toc = 0;

	(void)state;
	for (size_t i = 0; i < N_IMAGES; i++) {
		FILE *f = open_or_skip(images[i]);
		uint64_t start = private_start(f);
		uint64_t places[] = { start + LDM_PH_SECONDARY, start + LDM_PH_PRIMARY, LDM_PH_MBR };
		uint8_t again[LDM_SECTOR], *b;
		struct ldm_privhead ph;
		struct ldm_rebuild rebuild;
		struct ldm_toc toc;

		for (size_t k = 0; k < (start == GPT_PRIVATE ? 2u : 3u); k++) {
			b = win_read(f, places[k], 1);
			assert_int_equal(ldm_privhead_decode(b, &ph, NULL), 0);
			assert_u64(ph.private_start, start);
			assert_string_equal(ph.host_guid, LDM_HOST_GUID);
			ldm_privhead_encode(&ph, again);
			assert_memory_equal(again, b, LDM_SECTOR);
			free(b);
		}
		for (size_t k = 0; k < LDM_TOC_SLOTS; k++) {
			b = win_read(f, start + ldm_toc_slots[k], 1);
			if (b[0]) {
				assert_int_equal(ldm_toc_decode(b, &toc, NULL), 0);
				ldm_toc_encode(&toc, again);
				assert_memory_equal(again, b, LDM_SECTOR);
				assert_u64(toc.config.start, LDM_CONFIG_START);
				n_toc++;
			}
			free(b);
		}
		b = win_read(f, start + LDM_REBUILD_FIRST, 2 * LDM_REBUILD_PAIRS);
		for (size_t k = 0; k < 2 * LDM_REBUILD_PAIRS; k++) /* Windows leaves our sectors alone */
			assert_int_equal(ldm_rebuild_decode(b + k * LDM_SECTOR, &rebuild, NULL), -ENOENT);
		free(b);
		fclose(f);
	}
	assert_u64(n_toc, 10 * 4 + 2 * 2);
}

static void databases_encode_to_the_same_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_IMAGES; i++) {
		FILE *f = open_or_skip(images[i]);
		struct ldm_db *db = read_db(f);
		uint8_t again[LDM_MAX_SLOTS * LDM_VBLK_PAYLOAD];
		struct dyn_err err = { 0 };

		assert_u64(db->n, strstr(images[i], "2003") ? 36 : 33);
		if (ldm_db_check(db, &err) < 0)
			fail_msg("%s: %s", images[i], err.what);
		assert_false(ldm_db_interrupted(db));
		ldm_vmdb_encode(&db->head, again);
		assert_memory_equal(again, db->config, LDM_SECTOR);
		for (size_t k = 0; k < db->n; k++) {
			const struct ldm_record *r = &db->records[k];
			memset(again, 0, sizeof(again));
			assert_true(ldm_record_encode(r, again, sizeof(again)) > 0);
			for (size_t s = 0; s < r->n_slots; s++)
				assert_memory_equal(again + s * LDM_VBLK_PAYLOAD,
						    db->config + r->slots[s] * LDM_VBLK_SIZE + 16, LDM_VBLK_PAYLOAD);
		}
		ldm_db_free(db);
		fclose(f);
	}
}

static void kernel_logs_are_read(void **state)
{
	FILE *old = open_or_skip("ldm-2003r2-simple-1"), *new = open_or_skip("ldm-2008r2-mirrored-2");
	struct ldm_db *db = read_db(old);
	struct ldm_log_entry e[2];

	(void)state;
	assert_u64(ldm_db_log(db, e, 2), 1);
	assert_int_equal(e[0].status, LDM_LOG_COMMIT);
	assert_u64(e[0].first, 1132);
	assert_u64(e[0].second, 1133);
	ldm_db_free(db);
	db = read_db(new);
	assert_u64(ldm_db_log(db, e, 2), 0);
	ldm_db_free(db);
	fclose(old);
	fclose(new);
}

static void copies_agree(void **state)
{
	static const size_t pairs[][2] = { { 0, 1 }, { 2, 9 }, { 10, 11 } };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		FILE *a = open_or_skip(images[pairs[i][0]]), *b = open_or_skip(images[pairs[i][1]]);
		const struct ldm_db *copies[2] = { read_db(a), read_db(b) };
		struct ldm_recovery r;

		assert_int_equal(ldm_recover(copies, 2, 1, &r, NULL), 0);
		assert_false(r.needed);
		assert_false(r.forward);
		assert_memory_equal(r.after->config, copies[0]->config, T_CONFIG);
		ldm_db_free(r.after);
		ldm_db_free((struct ldm_db *)copies[0]);
		ldm_db_free((struct ldm_db *)copies[1]);
		fclose(a);
		fclose(b);
	}
}

/* Drops one half of a mirror, disk record rewritten, as when a disk has failed. */
static void break_mirror(const struct ldm_db *db, struct ldm_commit *c)
{
	const struct ldm_record *v = NULL, *plex = NULL, *extent = NULL;
	struct ldm_record volume, disk;
	struct dyn_err err = { 0 };
	struct ldm_txn *t;

	do
		v = ldm_db_next(db, LDM_VOLUME, v);
	while (v && v->u.volume.n_components != 2);
	assert_non_null(v);
	while ((plex = ldm_db_next(db, LDM_COMPONENT, plex)) && plex->u.component.volume_id != v->id)
		;
	assert_non_null(plex);
	while ((extent = ldm_db_next(db, LDM_EXTENT, extent)) && extent->u.extent.component_id != plex->id)
		;
	assert_non_null(extent);
	assert_int_equal(ldm_txn_begin(db, &t, NULL), 0);
	volume = *v;
	volume.u.volume.n_components = 1;
	disk = *ldm_db_find(db, LDM_DISK, extent->u.extent.disk_id);
	assert_int_equal(ldm_txn_replace(t, &volume, NULL), 0);
	assert_int_equal(ldm_txn_replace(t, &disk, NULL), 0);
	assert_int_equal(ldm_txn_remove(t, plex->id, NULL), 0);
	assert_int_equal(ldm_txn_remove(t, extent->id, NULL), 0);
	if (ldm_txn_commit(t, 1, c, &err) < 0)
		fail_msg("%s", err.what);
	ldm_txn_free(t);
}

static void a_windows_mirror_is_broken_in_the_database(void **state)
{
	static const size_t which[] = { 0, 10 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		FILE *f = open_or_skip(images[which[i]]);
		struct ldm_db *db = read_db(f);
		struct ldm_commit c;
		size_t untouched = 0;

		break_mirror(db, &c);
		assert_u64(c.after->n, db->n - 2);
		for (size_t k = 0; k < db->n; k++) {
			const struct ldm_record *now = ldm_db_find(c.after, LDM_KINDS, db->records[k].id);
			untouched += now && memcmp(now, &db->records[k], sizeof(*now)) == 0;
		}
		assert_u64(untouched, db->n - 4);
		assert_true(c.tid > db->head.committed_tid);
		ldm_commit_free(&c);
		ldm_db_free(db);
		fclose(f);
	}
}

static int clean_up(void **state)
{
	(void)state;
	win_close_all();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_encode_to_the_same_bytes),
		cmocka_unit_test(databases_encode_to_the_same_bytes),
		cmocka_unit_test(kernel_logs_are_read),
		cmocka_unit_test(copies_agree),
		cmocka_unit_test(a_windows_mirror_is_broken_in_the_database),
	};
	return cmocka_run_group_tests_name("ldm_win", tests, NULL, clean_up);
}
