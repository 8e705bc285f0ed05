/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The scan of dynamic disks: groups, missing disks, statuses, damage, interrupted changes. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "tests/unit/model_support.h"

#define MBR DYN_TABLE_MBR
#define GPT DYN_TABLE_GPT

/* The sample mirror on an MBR disk "a" and a GPT disk "b". */
static void make_mirror(void)
{
	struct ldm_db *db = a_mirror();

	make_member("a", MBR, T_DISK1, db);
	make_member("b", GPT, T_DISK2, db);
	ldm_db_free(db);
}

static void healthy_mirror(void **state)
{
	struct dyn_model *m;
	const struct dyn_volume *v;

	(void)state;
	make_mirror();
	m = scan_files("a", "b", NULL);
	assert_u64(m->n_disks, 2);
	assert_u64(m->n_groups, 1);
	assert_u64(m->n_volumes, 1);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(m->disks[i].status, DYN_DISK_ONLINE);
		assert_true(m->disks[i].dynamic);
		assert_u64(m->disks[i].group, 0);
		assert_true(m->priv->disks[i].current);
		assert_u64(m->disks[i].n_damage, 0);
	}
	assert_string_equal(m->disks[1].guid, T_DISK2);
	assert_string_equal(m->disks[0].db_name, "Disk1");
	assert_string_equal(m->disks[0].confirm, "a");
	assert_string_equal(m->disks[0].bus, "image");
	assert_string_equal(m->groups[0].guid, T_GROUP);
	assert_string_equal(m->groups[0].name, "TESTHOST-Dg0");
	assert_string_equal(m->groups[0].problem, "");
	assert_false(m->groups[0].interrupted);
	v = &m->volumes[0];
	assert_string_equal(v->name, "Volume1");
	assert_int_equal(v->layout, DYN_LAYOUT_MIRROR);
	assert_int_equal(v->status, DYN_VOLUME_HEALTHY);
	assert_u64(v->size, 2048 * 512);
	assert_string_equal(v->fs, "RAW");
	assert_u64(v->n_plexes, 2);
	assert_u64(v->plexes[0].extents[0].offset, (63 + 65) * 512);
	assert_u64(v->plexes[1].extents[0].offset, (65570 + 94) * 512);
	assert_u64(v->plexes[1].extents[0].disk, 1);
	assert_u64(model_volume_by_guid(m, v->guid), 0);
	assert_u64(model_disk_by_guid(m, 0, T_DISK2), 1);
	assert_u64(model_disk_by_guid(m, 0, T_GROUP), DYN_NONE);
	dyn_model_unref(m);
}

static void regions_tile_the_containers(void **state)
{
	struct dyn_model *m;
	const struct dyn_disk *d;

	(void)state;
	make_mirror();
	m = scan_files("a", "b", NULL);
	d = &m->disks[0];
	assert_u64(d->n_regions, 2);
	assert_int_equal(d->regions[0].kind, DYN_REGION_MIRROR);
	assert_u64(d->regions[0].volume, 0);
	assert_u64(d->regions[0].plex, 0);
	assert_int_equal(d->regions[1].kind, DYN_REGION_UNALLOCATED);
	assert_u64(d->regions[1].offset, (63 + 65 + 2048) * 512);
	assert_u64(d->regions[1].offset + d->regions[1].size, T_PRIV_MBR * 512);
	assert_u64(d->free, d->regions[1].size);
	d = &m->disks[1];
	assert_u64(d->n_regions, 4); /* metadata, MSR, the mirror, the rest */
	assert_int_equal(d->regions[0].kind, DYN_REGION_RESERVED);
	assert_int_equal(d->regions[1].kind, DYN_REGION_RESERVED);
	assert_int_equal(d->regions[2].kind, DYN_REGION_MIRROR);
	assert_u64(d->regions[2].plex, 1);
	assert_int_equal(d->regions[3].kind, DYN_REGION_UNALLOCATED);
	assert_u64(d->regions[3].offset + d->regions[3].size, (uint64_t)(T_SECTORS - 33) * 512);
	dyn_model_unref(m);
}

static void half_missing(void **state)
{
	struct dyn_model *m;

	(void)state;
	make_mirror();
	m = scan_files("b", NULL);
	assert_u64(m->n_disks, 2);
	assert_string_equal(m->disks[1].name, "Disk M0");
	assert_int_equal(m->disks[1].status, DYN_DISK_MISSING);
	assert_string_equal(m->disks[1].guid, T_DISK1);
	assert_string_equal(m->disks[1].db_name, "Disk1");
	assert_u64(m->disks[1].size, (65 + 2048) * 512);
	assert_u64(m->disks[1].n_regions, 1);
	assert_u64(m->disks[1].regions[0].offset, 0);
	assert_u64(m->disks[1].free, 0);
	assert_null(m->priv->disks[1].map);
	assert_true(m->priv->disks[1].record_id != 0);
	assert_u64(m->groups[0].n_disks, 2);
	assert_u64(m->groups[0].n_missing, 1);
	assert_int_equal(m->volumes[0].status, DYN_VOLUME_FAILED_REDUNDANCY);
	assert_int_equal(m->volumes[0].plexes[0].status, DYN_PLEX_MISSING);
	assert_int_equal(m->volumes[0].plexes[1].status, DYN_PLEX_OK);
	assert_u64(m->volumes[0].plexes[0].extents[0].disk, 1);
	assert_u64(m->volumes[0].plexes[0].extents[0].offset, 0);
	dyn_model_unref(m);
}

static void each_header_copy_damaged(void **state)
{
	static const struct {
		const char *disk;
		uint64_t sector;
		const char *copy, *used;
	} cases[] = {
		{ "a", LDM_PH_MBR, "PRIVHEAD copy at sector 6 is damaged", "102399 is used" },
		{ "a", T_PRIV_MBR + LDM_PH_SECONDARY, "PRIVHEAD copy at sector 102208 is damaged", "102399 is used" },
		{ "a", T_PRIV_MBR + LDM_PH_PRIMARY, "PRIVHEAD copy at sector 102399 is damaged", "102208 is used" },
		{ "a", T_PRIV_MBR + 2, "TOC copy at sector 100354 is damaged", "102397 is used" },
		{ "a", T_PRIV_MBR + 2045, "TOC copy at sector 102397 is damaged", "100354 is used" },
		{ "b", T_PRIV_GPT + LDM_PH_SECONDARY, "PRIVHEAD copy at sector 1890 is damaged", "2081 is used" },
		{ "b", T_PRIV_GPT + LDM_PH_PRIMARY, "PRIVHEAD copy at sector 2081 is damaged", "1890 is used" },
		{ "b", T_PRIV_GPT + LDM_CONFIG_START, "database copy is damaged", "Disk 0 is used" },
		{ "b", 1, "primary GPT header in sector 1 is damaged", "102399 is used" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dyn_model *m;
		const struct dyn_disk *d;
		make_mirror();
		zero_sectors(cases[i].disk, cases[i].sector, 1);
		m = scan_files("a", "b", NULL);
		d = &m->disks[cases[i].disk[0] == 'b'];
		assert_true(says(d, cases[i].copy));
		assert_true(says(d, cases[i].used));
		assert_int_equal(d->status, DYN_DISK_ERRORS);
		assert_u64(d->n_damage, 1);
		assert_u64(m->n_groups, 1);
		assert_string_equal(m->groups[0].problem, "");
		assert_int_equal(m->volumes[0].status, DYN_VOLUME_HEALTHY);
		assert_int_equal(m->disks[cases[i].disk[0] != 'b'].status, DYN_DISK_ONLINE);
		dyn_model_unref(m);
	}
}

static void out_of_date_header(void **state)
{
	struct ldm_privhead ph;
	struct dyn_model *m;
	uint8_t b[512];
	int fd;

	(void)state;
	make_mirror();
	fd = open(in_folder("a"), O_RDWR | O_CLOEXEC);
	assert_int_equal(pread(fd, b, 512, LDM_PH_MBR * 512), 512);
	assert_int_equal(ldm_privhead_decode(b, &ph, NULL), 0);
	ph.sequence++;
	ldm_privhead_encode(&ph, b);
	assert_int_equal(pwrite(fd, b, 512, LDM_PH_MBR * 512), 512);
	close(fd);
	m = scan_files("a", "b", NULL);
	assert_true(says(&m->disks[0], "copy at sector 102399 is out of date; the copy in sector 6 is used"));
	assert_true(says(&m->disks[0], "copy at sector 102208 is out of date"));
	dyn_model_unref(m);
}

static void no_usable_header(void **state)
{
	struct dyn_model *m;

	(void)state;
	make_mirror();
	zero_sectors("a", LDM_PH_MBR, 1);
	zero_sectors("a", T_PRIV_MBR + LDM_PH_SECONDARY, LDM_PRIV_SECTORS - LDM_PH_SECONDARY);
	m = scan_files("a", "b", NULL);
	assert_int_equal(m->disks[0].status, DYN_DISK_UNREADABLE);
	assert_true(m->disks[0].dynamic);
	assert_false(m->priv->disks[0].has_ldm);
	assert_u64(m->disks[0].group, DYN_NONE);
	assert_true(says(&m->disks[0], "all copies of the LDM private header"));
	assert_u64(m->disks[0].free, 0); /* what we cannot read is not free */
	assert_u64(m->n_disks, 3);
	assert_string_equal(m->disks[2].name, "Disk M0");
	assert_int_equal(m->volumes[0].status, DYN_VOLUME_FAILED_REDUNDANCY);
	dyn_model_unref(m);
}

static void no_usable_database(void **state)
{
	struct dyn_model *m;

	(void)state;
	make_mirror();
	zero_sectors("a", T_PRIV_MBR + LDM_CONFIG_START, 1);
	m = scan_files("a", NULL);
	assert_int_equal(m->disks[0].status, DYN_DISK_UNREADABLE);
	assert_true(says(&m->disks[0], "its database cannot be used"));
	assert_u64(m->n_groups, 0);
	assert_u64(m->n_volumes, 0);
	dyn_model_unref(m);
}

/* The group after one more commit that touches the volume's name only. */
static struct ldm_db *one_commit_later(const struct ldm_db *db, struct ldm_commit *c)
{
	struct ldm_record v = *ldm_db_find(db, LDM_VOLUME, 4);
	struct ldm_txn *t;
	struct ldm_db *after;

	v.flags |= LDM_VF_HINT;
	strcpy(v.u.volume.hint, "h:");
	assert_int_equal(ldm_txn_begin(db, &t, NULL), 0);
	assert_int_equal(ldm_txn_replace(t, &v, NULL), 0);
	assert_int_equal(ldm_txn_commit(t, T_TIME + 9, c, NULL), 0);
	assert_int_equal(ldm_db_clone(c->after, &after), 0);
	ldm_txn_free(t);
	return after;
}

static void stale_disk(void **state)
{
	struct ldm_db *db = a_mirror(), *later;
	struct ldm_commit c;
	struct dyn_model *m;
	char sentence[128];

	(void)state;
	later = one_commit_later(db, &c);
	ldm_commit_free(&c);
	make_member("a", MBR, T_DISK1, db);
	make_member("b", GPT, T_DISK2, later);
	m = scan_files("a", "b", NULL);
	assert_int_equal(m->disks[0].status, DYN_DISK_ERRORS);
	snprintf(sentence, sizeof(sentence), "at transaction %llu, the group is at %llu",
		 (unsigned long long)db->head.committed_tid, (unsigned long long)later->head.committed_tid);
	assert_true(says(&m->disks[0], sentence));
	assert_u64(m->groups[0].transaction, later->head.committed_tid);
	assert_false(m->groups[0].interrupted);
	assert_false(m->priv->disks[0].current);
	assert_u64(m->priv->disks[0].tid, db->head.committed_tid);
	assert_non_null(m->priv->disks[0].own_db);
	assert_true(m->priv->disks[1].current);
	assert_int_equal(m->volumes[0].letter, 'H');
	assert_int_equal(m->volumes[0].plexes[0].status, DYN_PLEX_STALE);
	assert_int_equal(m->volumes[0].plexes[1].status, DYN_PLEX_OK);
	assert_int_equal(m->volumes[0].status, DYN_VOLUME_FAILED_REDUNDANCY);
	dyn_model_unref(m);
	m = scan_files("a", NULL); /* alone it knows no better */
	assert_int_equal(m->volumes[0].plexes[0].status, DYN_PLEX_OK);
	dyn_model_unref(m);
	ldm_db_free(db);
	ldm_db_free(later);
}

static void copies_that_differ(void **state)
{
	struct dyn_model *m;
	struct ldm_db *db = a_mirror();
	const uint8_t when[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

	(void)state;
	make_mirror();
	put_bytes("b", (T_PRIV_GPT + LDM_CONFIG_START) * 512 + 0xbd, when, sizeof(when)); /* the time of last change */
	m = scan_files("a", "b", NULL);
	assert_int_equal(m->disks[1].status, DYN_DISK_ERRORS);
	assert_true(says(&m->disks[1], "differs from the one on Disk 0 at the same transaction"));
	assert_non_null(strstr(m->groups[0].problem, "Disk 0 and Disk 1 differ"));
	dyn_model_unref(m);
	ldm_db_free(db);
}

/* A commit cut off after every single sector write: never silent, never a crash, the committed volumes always shown. */
static void interrupted_change(void **state)
{
	static const char *const names[] = { "a", "b" };
	static const enum dyn_table tables[] = { DYN_TABLE_MBR, DYN_TABLE_GPT };
	struct ldm_db *db = a_mirror(), *later;
	struct ldm_commit c;
	size_t cuts = 0, flagged = 0;

	(void)state;
	later = one_commit_later(db, &c);
	make_mirror();
	for (size_t p = 0; p < LDM_PHASES; p++) {
		for (size_t d = 0; d < 2; d++) {
			for (size_t i = 0; i < c.phases[p].n; i++) {
				const struct ldm_change *ch = &c.phases[p].changes[i];
				uint64_t base = tables[d] == DYN_TABLE_MBR ? T_PRIV_MBR : T_PRIV_GPT;
				struct dyn_model *m;
				bool last = p == LDM_PHASES - 1 && d == 1 && i == c.phases[p].n - 1;
				put_bytes(names[d], (base + ch->rel) * 512, ch->bytes, 512);
				m = scan_files("a", "b", NULL);
				cuts++;
				flagged += m->groups[0].interrupted;
				assert_u64(m->n_groups, 1);
				assert_u64(m->n_disks, 2);
				assert_u64(m->n_volumes, 1);
				if (m->groups[0].interrupted == last)
					fail_msg("phase %zu disk %zu write %zu rel %u: interrupted %d", p, d, i, ch->rel, m->groups[0].interrupted);
				assert_int_equal(m->groups[0].problem[0] != '\0', !last);
				if (m->volumes[0].plexes[0].status != DYN_PLEX_OK)
					fail_msg("phase %zu disk %zu write %zu: plex status %d", p, d, i,
						 m->volumes[0].plexes[0].status);
				dyn_model_unref(m);
			}
		}
	}
	assert_true(cuts >= 12);
	assert_u64(flagged, cuts - 1);
	ldm_commit_free(&c);
	ldm_db_free(db);
	ldm_db_free(later);
}

static void clone_is_refused(void **state)
{
	struct dyn_model *m;

	(void)state;
	make_mirror();
	copy_image("a", "a2");
	m = scan_files("a", "b", "a2", NULL);
	assert_u64(m->n_disks, 3);
	assert_non_null(strstr(m->groups[0].problem, "Disk 0 and Disk 2"));
	assert_int_equal(m->disks[0].status, DYN_DISK_ERRORS);
	assert_int_equal(m->disks[2].status, DYN_DISK_ERRORS);
	assert_false(m->priv->disks[2].current);
	assert_u64(m->volumes[0].plexes[0].extents[0].disk, 0);
	assert_u64(m->disks[2].free, 0);
	dyn_model_unref(m);
}

static void foreign_disk(void **state)
{
	struct ldm_db *db = a_mirror();
	struct dyn_model *m;

	(void)state;
	make_mirror();
	make_member("c", MBR, "cccccccc-0000-4000-8000-000000000003", db);
	m = scan_files("a", "b", "c", NULL);
	assert_int_equal(m->disks[2].status, DYN_DISK_FOREIGN);
	assert_u64(m->n_disks, 3);
	assert_u64(m->groups[0].n_disks, 2);
	assert_false(m->priv->disks[2].current);
	assert_u64(m->disks[2].free, 0);
	assert_int_equal(m->volumes[0].status, DYN_VOLUME_HEALTHY);
	dyn_model_unref(m);
	ldm_db_free(db);
}

static void lost_partition_table(void **state)
{
	struct dyn_model *m;

	(void)state;
	make_mirror();
	zero_sectors("a", 0, 1);
	zero_sectors("b", 0, 34);
	zero_sectors("b", T_SECTORS - 33, 33);
	m = scan_files("a", "b", NULL);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(m->disks[i].status, DYN_DISK_UNREADABLE);
		assert_false(m->disks[i].blank);
		assert_true(says(&m->disks[i], "partition table is gone"));
	}
	dyn_model_unref(m);
}

static void larger_copy_of_a_disk(void **state)
{
	struct dyn_model *m;

	(void)state;
	make_mirror();
	assert_int_equal(truncate(in_folder("a"), (off_t)T_SECTORS * 512 + (10 << 20)), 0);
	m = scan_files("a", "b", NULL);
	assert_int_equal(m->disks[0].status, DYN_DISK_ONLINE);
	assert_int_equal(m->volumes[0].status, DYN_VOLUME_HEALTHY);
	dyn_model_unref(m);
}

static void cut_disk(void **state)
{
	struct dyn_model *m;

	(void)state;
	make_mirror();
	/* GPT: the private region is at the start; the end of the disk, and the extent's with it, is cut off */
	assert_int_equal(truncate(in_folder("b"), (off_t)(T_PUB_GPT + 1000) * 512), 0);
	m = scan_files("a", "b", NULL);
	assert_int_equal(m->volumes[0].status, DYN_VOLUME_FAILED_REDUNDANCY);
	assert_true(m->disks[1].n_damage >= 1);
	dyn_model_unref(m);
}

/* ------------------------------------------------------------------------- many */

static void two_groups_and_forty_disks(void **state)
{
	char guid[37], name[16];
	char full[44][128];
	const char *paths[44];
	struct model_scan_args a = { .paths = paths, .sys_root = "" };
	struct dyn_model *m;

	(void)state;
	make_mirror();
	snprintf(full[a.n_paths], sizeof(full[0]), "%s", in_folder("a"));
	paths[a.n_paths] = full[a.n_paths];
	a.n_paths++;
	for (int i = 0; i < 39; i++) {
		struct ldm_db *db, *after;
		struct ldm_record d;
		struct ldm_txn *t;
		snprintf(guid, sizeof(guid), "22222222-2222-4333-8444-%012d", i);
		assert_int_equal(ldm_db_new("OTHER-Dg0", guid, T_TIME, &db), 0);
		snprintf(guid, sizeof(guid), "33333333-2222-4333-8444-%012d", i);
		d = a_disk(2, "Disk1", guid, "");
		assert_int_equal(ldm_txn_begin(db, &t, NULL), 0);
		assert_int_equal(ldm_txn_add(t, &d, NULL), 0);
		after = commit(t, T_TIME);
		snprintf(name, sizeof(name), "d%d", i);
		make_member(name, i % 2 ? GPT : MBR, guid, after);
		ldm_db_free(after);
		ldm_db_free(db);
		snprintf(full[a.n_paths], sizeof(full[0]), "%s", in_folder(name));
		paths[a.n_paths] = full[a.n_paths];
		a.n_paths++;
	}
	m = scan_args(&a);
	assert_u64(m->n_groups, 40);
	assert_u64(m->n_disks, 41);
	assert_string_equal(m->disks[39].name, "Disk 39");
	assert_string_equal(m->disks[40].name, "Disk M0");
	assert_u64(m->disks[40].group, 0);
	assert_u64(m->disks[39].group, 39);
	for (size_t i = 0; i < 40; i++)
		assert_int_equal(m->disks[i].status, DYN_DISK_ONLINE);
	dyn_model_unref(m);
}

/* Hostile metadata: always a model, whatever it says. */
static void noise(void **state)
{
	uint64_t seed = 0x9e3779b97f4a7c15ull;

	(void)state;
	make_mirror();
	copy_image("a", "clean");
	for (int round = 0; round < 200; round++) {
		static const uint64_t where[] = { 0, 6, T_PRIV_MBR + 2, T_PRIV_MBR + 17, T_PRIV_MBR + 18, T_PRIV_MBR + 19,
						  T_PRIV_MBR + 20, T_PRIV_MBR + 1498, T_PRIV_MBR + 2047, T_PRIV_MBR + 1722 };
		struct dyn_model *m;
		copy_image("clean", "a");
		for (int k = 0; k < 4; k++) {
			uint8_t b;
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			b = (uint8_t)(seed >> 40);
			put_bytes("a", where[seed % 10] * 512 + (seed >> 16 & 511), &b, 1);
		}
		m = round % 2 ? scan_files("a", NULL) : scan_files("a", "b", NULL);
		for (size_t v = 0; v < m->n_volumes; v++) {
			uint64_t n;
			dyn_volume_fs_free(m, v, &n, NULL);
		}
		dyn_model_unref(m);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, folder_new, folder_remove)
	const struct CMUnitTest tests[] = {
		T(healthy_mirror), T(regions_tile_the_containers), T(half_missing), T(each_header_copy_damaged),
		T(out_of_date_header), T(no_usable_header), T(no_usable_database), T(stale_disk), T(copies_that_differ),
		T(interrupted_change), T(clone_is_refused), T(foreign_disk), T(lost_partition_table),
		T(larger_copy_of_a_disk), T(cut_disk), T(two_groups_and_forty_disks), T(noise),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
