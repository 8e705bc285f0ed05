/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The scan of rebuild records: which are copies that can be continued, which are marks of halves, and which are neither. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/bytes.h"
#include "tests/unit/model_support.h"

#define MBR DYN_TABLE_MBR
#define GPT DYN_TABLE_GPT

/* "a" holds the only half of the volume; "b" is a member with room. */
static struct ldm_rebuild make_rebuild(uint64_t done)
{
	struct ldm_db *db = a_mirror(), *after;
	struct ldm_record v = *ldm_db_find(db, LDM_VOLUME, 4);
	struct ldm_rebuild r = {
		.sequence = 5, .phase = LDM_REBUILD_COPY, .source_guid = T_DISK1, .target_guid = T_DISK2,
		.source_start = 63 + 65, .target_start = T_PUB_GPT + 94, .size = 2048, .done = done, .errors = 3,
	};
	struct ldm_txn *t;

	dyn_guid_format(v.u.volume.guid, r.volume_guid);
	v.u.volume.n_components = 1;
	assert_int_equal(ldm_txn_begin(db, &t, NULL), 0);
	assert_int_equal(ldm_txn_replace(t, &v, NULL), 0);
	assert_int_equal(ldm_txn_remove(t, 8, NULL), 0);
	assert_int_equal(ldm_txn_remove(t, 6, NULL), 0);
	after = commit(t, T_TIME + 2);
	make_member("a", MBR, T_DISK1, after);
	make_member("b", GPT, T_DISK2, after);
	r.commit_tid = after->head.committed_tid;
	ldm_db_free(db);
	ldm_db_free(after);
	return r;
}

static void paused_rebuild(void **state)
{
	struct ldm_rebuild r = make_rebuild(1024), older;
	struct dyn_model *m;
	const struct dyn_volume *v;

	(void)state;
	older = r;
	older.sequence = 4;
	older.done = 512;
	put_rebuild("b", GPT, LDM_REBUILD_FIRST + 2, &older);
	put_rebuild("b", GPT, LDM_REBUILD_FIRST + 3, &r);
	m = scan_files("a", "b", NULL);
	assert_u64(m->n_jobs, 1);
	assert_int_equal(m->jobs[0].state, DYN_JOB_PAUSED);
	assert_false(m->jobs[0].elsewhere);
	assert_u64(m->jobs[0].done, 1024 * 512);
	assert_u64(m->jobs[0].total, 2048 * 512);
	assert_u64(m->jobs[0].errors, 3);
	assert_u64(m->jobs[0].source, 0);
	assert_u64(m->jobs[0].target, 1);
	assert_string_equal(m->jobs[0].volume_title, "Volume1");
	v = &m->volumes[0];
	assert_u64(v->job, 0);
	assert_int_equal(v->layout, DYN_LAYOUT_MIRROR);
	assert_int_equal(v->status, DYN_VOLUME_REBUILDING);
	assert_u64(v->n_plexes, 2);
	assert_string_equal(v->plexes[1].name, "Volume1-02");
	assert_int_equal(v->plexes[1].status, DYN_PLEX_REBUILDING);
	assert_u64(v->plexes[1].extents[0].offset, (T_PUB_GPT + 94) * 512);
	assert_int_equal(m->disks[1].regions[2].kind, DYN_REGION_MIRROR);
	assert_u64(m->disks[1].regions[2].volume, 0);
	assert_u64(m->disks[1].regions[2].plex, 1);
	assert_u64(m->priv->disks[1].n_rebuilds, 1);
	assert_int_equal(m->priv->disks[1].rebuilds[0].slot, LDM_REBUILD_FIRST + 3);
	assert_int_equal(m->priv->disks[1].rebuild_pairs_used, 2);
	assert_int_equal(m->disks[1].status, DYN_DISK_ONLINE);
	dyn_model_unref(m);
}

static void rebuild_elsewhere_and_live(void **state)
{
	struct ldm_rebuild r = make_rebuild(1024);
	struct dyn_job live = { .id = 9, .state = DYN_JOB_VERIFYING, .done = 77, .total = 99, .rate = 5 };
	const char *paths[2] = { in_folder("a"), in_folder("b") };
	struct model_scan_args args = { .paths = paths, .n_paths = 2, .sys_root = "", .jobs = &live, .n_jobs = 1 };
	struct dyn_model *m;
	int fd;

	(void)state;
	put_rebuild("b", GPT, LDM_REBUILD_FIRST, &r);
	fd = open(in_folder("b"), O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	m = scan_files("a", "b", NULL);
	assert_true(m->jobs[0].elsewhere);
	assert_int_equal(m->jobs[0].state, DYN_JOB_COPYING);
	dyn_model_unref(m);
	/* our own worker: its numbers, and nobody asks for the lock it holds */
	memcpy(live.volume_guid, r.volume_guid, sizeof(live.volume_guid));
	memcpy(live.target_guid, r.target_guid, sizeof(live.target_guid));
	live.volume = live.source = live.target = DYN_NONE;
	m = scan_args(&args);
	assert_u64(m->n_jobs, 1);
	assert_int_equal(m->jobs[0].id, 9);
	assert_int_equal(m->jobs[0].state, DYN_JOB_VERIFYING);
	assert_false(m->jobs[0].elsewhere);
	assert_u64(m->jobs[0].rate, 5);
	assert_u64(m->jobs[0].volume, 0);
	assert_u64(m->jobs[0].target, 1);
	dyn_model_unref(m);
	close(fd);
}

static void records_that_no_longer_fit(void **state)
{
	struct ldm_rebuild good = make_rebuild(0), r;
	struct dyn_model *m;
	struct ldm_db *db;

	(void)state;
	for (int i = 0; i < 5; i++) {
		static const char *const why[] = { "its volume is gone", "made for another disk", "source disk no longer",
						   "its room on this disk is taken", "changed its size" };
		r = good;
		if (i == 0)
			memcpy(r.volume_guid, T_GROUP, 37);
		if (i == 1)
			memcpy(r.target_guid, T_DISK1, 37);
		if (i == 2)
			memcpy(r.source_guid, T_DISK2, 37);
		if (i == 3)
			r.target_start = T_SECTORS - 1000; /* the backup GPT */
		if (i == 4)
			r.size = 4096;
		put_rebuild("b", GPT, LDM_REBUILD_FIRST, &r);
		m = scan_files("a", "b", NULL);
		assert_u64(m->n_jobs, 0);
		assert_true(says(&m->disks[1], why[i]));
		assert_int_equal(m->volumes[0].layout, DYN_LAYOUT_SIMPLE);
		assert_int_equal(m->volumes[0].status, DYN_VOLUME_HEALTHY);
		assert_u64(m->priv->disks[1].n_rebuilds, 0);
		assert_int_equal(m->priv->disks[1].rebuild_pairs_used, 1);
		dyn_model_unref(m);
	}
	db = a_mirror(); /* already mirrored */
	make_member("a", MBR, T_DISK1, db);
	make_member("b", GPT, T_DISK2, db);
	ldm_db_free(db);
	put_rebuild("b", GPT, LDM_REBUILD_FIRST, &good);
	m = scan_files("a", "b", NULL);
	assert_u64(m->n_jobs, 0);
	assert_true(says(&m->disks[1], "mirror already"));
	dyn_model_unref(m);
}

/* The only record of "b" is ignored, for this reason. */
static void ignored(const struct ldm_rebuild *r, const char *why)
{
	struct dyn_model *m;

	put_rebuild("b", GPT, LDM_REBUILD_FIRST, r);
	m = scan_files("a", "b", NULL);
	assert_u64(m->n_jobs, 0);
	assert_true(says(&m->disks[1], why));
	assert_u64(m->volumes[0].job, DYN_NONE);
	dyn_model_unref(m);
}

/* The group as make_rebuild() left it, changed. */
static void change_group(void (*change)(struct ldm_txn *t))
{
	struct ldm_db *db, *after;
	struct ldm_txn *t;
	uint8_t config[T_CONFIG], log[T_LOG];
	int fd = open(in_folder("a"), O_RDONLY | O_CLOEXEC);

	assert_int_equal(pread(fd, config, T_CONFIG, (T_PRIV_MBR + LDM_CONFIG_START) * 512), T_CONFIG);
	assert_int_equal(pread(fd, log, T_LOG, (T_PRIV_MBR + LDM_LOG_START) * 512), T_LOG);
	close(fd);
	assert_int_equal(ldm_db_decode(config, log, &db, NULL), 0);
	assert_int_equal(ldm_txn_begin(db, &t, NULL), 0);
	change(t);
	after = commit(t, T_TIME + 3);
	put_database("a", MBR, after);
	put_database("b", GPT, after);
	ldm_db_free(after);
	ldm_db_free(db);
}

/* A record of the database disappears, as a damaged one would that is still readable. */
static void lose_record(enum ldm_kind kind, uint64_t id)
{
	struct ldm_db *db;
	uint8_t config[T_CONFIG], log[T_LOG];
	const struct ldm_record *r;
	int fd = open(in_folder("a"), O_RDONLY | O_CLOEXEC);

	assert_int_equal(pread(fd, config, T_CONFIG, (T_PRIV_MBR + LDM_CONFIG_START) * 512), T_CONFIG);
	assert_int_equal(pread(fd, log, T_LOG, (T_PRIV_MBR + LDM_LOG_START) * 512), T_LOG);
	close(fd);
	assert_int_equal(ldm_db_decode(config, log, &db, NULL), 0);
	r = ldm_db_find(db, kind, id);
	assert_non_null(r);
	memset(db->config + r->slots[0] * LDM_VBLK_SIZE + 8, 0, LDM_VBLK_SIZE - 8);
	put_database("a", MBR, db);
	put_database("b", GPT, db);
	ldm_db_free(db);
}

static void two_extents(struct ldm_txn *t)
{
	struct ldm_record plex = *ldm_txn_get(t, 5), volume = *ldm_txn_get(t, 4);
	struct ldm_record e = an_extent(ldm_txn_new_id(t), "Disk1-02", 5, 2, 5000, 100);

	e.u.extent.column_offset = 2048;
	plex.u.component.n_extents = 2;
	volume.u.volume.size += 100;
	assert_int_equal(ldm_txn_replace(t, &plex, NULL), 0);
	assert_int_equal(ldm_txn_replace(t, &volume, NULL), 0);
	assert_int_equal(ldm_txn_add(t, &e, NULL), 0);
}

/* Another volume on the second disk: what the copy would be written to, and what lies before and behind. */
static uint64_t neighbour_at;
static char neighbour_guid[37];
static void neighbour(struct ldm_txn *t)
{
	struct ldm_record v = a_volume(ldm_txn_new_id(t), "Volume2", 2, 1, 128);
	struct ldm_record p = a_plex(ldm_txn_new_id(t), "Volume2-01", v.id, 1);
	struct ldm_record e = an_extent(ldm_txn_new_id(t), "Disk2-01", p.id, 3, neighbour_at, 128);

	dyn_guid_format(v.u.volume.guid, neighbour_guid);
	assert_int_equal(ldm_txn_add(t, &v, NULL), 0);
	assert_int_equal(ldm_txn_add(t, &p, NULL), 0);
	assert_int_equal(ldm_txn_add(t, &e, NULL), 0);
}

static void places_that_are_no_room(void **state)
{
	static const uint64_t at[] = {
		10,                                /* before the container */
		T_SECTORS - 2048,                  /* behind it, to the end of the disk */
		UINT64_MAX / 512,                  /* no such byte */
		UINT64_MAX / 512 + 1,
	};
	static const uint64_t other[] = { 1000 - 128, 1000 - 127, 1000, 1000 + 2047, 1000 + 2048 };
	struct ldm_rebuild good = make_rebuild(0), r;
	struct dyn_model *m;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		r = good;
		r.target_start = at[i];
		ignored(&r, i < 3 ? "its room on this disk is taken" : "changed its size");
	}
	for (size_t i = 0; i < 5; i++) {
		good = make_rebuild(0);
		good.target_start = T_PUB_GPT + 1000;
		neighbour_at = other[i];
		change_group(neighbour);
		if (i > 0 && i < 4) {
			ignored(&good, "its room on this disk is taken");
			continue;
		}
		put_rebuild("b", GPT, LDM_REBUILD_FIRST, &good);
		m = scan_files("a", "b", NULL);
		assert_u64(m->n_jobs, 1);
		dyn_model_unref(m);
	}
}

static void put_entry(size_t i, uint8_t type, uint32_t start, uint32_t size)
{
	uint8_t e[16] = { 0 };

	e[4] = type;
	for (int k = 0; k < 4; k++) {
		e[8 + k] = (uint8_t)(start >> 8 * k);
		e[12 + k] = (uint8_t)(size >> 8 * k);
	}
	put_bytes("a", 446 + 16 * i, e, sizeof(e));
}

/* Two containers without a gap between them: there is room in the second, and across both. */
static void room_may_go_across_containers(void **state)
{
	static const uint64_t at[] = { 3063 - 64, 3063 + 500 };
	struct ldm_rebuild r = make_rebuild(0);
	struct dyn_model *m;

	(void)state;
	neighbour_at = 94;
	change_group(neighbour);
	memcpy(r.volume_guid, neighbour_guid, sizeof(neighbour_guid));
	memcpy(r.source_guid, T_DISK2, 37);
	memcpy(r.target_guid, T_DISK1, 37);
	r.source_start = T_PUB_GPT + 94;
	r.size = 128;
	put_entry(0, LDM_MBR_TYPE, T_PUB_MBR, 3000);
	put_entry(1, LDM_MBR_TYPE, T_PUB_MBR + 3000, T_PRIV_MBR - T_PUB_MBR - 3000);
	for (size_t i = 0; i < 2; i++) {
		r.target_start = at[i];
		put_rebuild("a", MBR, LDM_REBUILD_FIRST, &r);
		m = scan_files("a", "b", NULL);
		assert_u64(m->n_jobs, 1);
		assert_string_equal(m->jobs[0].volume_guid, neighbour_guid);
		dyn_model_unref(m);
	}
}

static void volumes_that_are_no_source(void **state)
{
	static const char nobody[] = "99999999-0000-4000-8000-000000000001";
	struct ldm_rebuild r = make_rebuild(0), odd = r;
	struct dyn_model *m;

	(void)state;
	memcpy(odd.source_guid, nobody, sizeof(nobody));
	ignored(&odd, "source disk no longer");
	odd = r;
	odd.source_start++;
	ignored(&odd, "has moved");
	put_rebuild("b", GPT, LDM_REBUILD_FIRST, &r); /* its source is not here: whether it has moved cannot be told */
	m = scan_files("b", NULL);
	assert_u64(m->n_jobs, 1);
	assert_int_equal(m->jobs[0].state, DYN_JOB_PAUSED);
	dyn_model_unref(m);
	change_group(two_extents);
	ignored(&r, "no longer simple");
	r = make_rebuild(0);
	lose_record(LDM_EXTENT, 7);
	ignored(&r, "no longer simple");
	r = make_rebuild(0);
	lose_record(LDM_COMPONENT, 5);
	ignored(&r, "no longer simple");
	/* the volume lies on the target itself */
	r = make_rebuild(0);
	memcpy(r.target_guid, T_DISK1, 37);
	put_rebuild("a", MBR, LDM_REBUILD_FIRST, &r);
	m = scan_files("a", "b", NULL);
	assert_u64(m->n_jobs, 0);
	assert_true(says(&m->disks[0], "source disk no longer"));
	dyn_model_unref(m);
}

static void second_record_of_a_volume_is_ignored(void **state)
{
	struct ldm_rebuild r = make_rebuild(0);
	struct dyn_model *m;

	(void)state;
	put_rebuild("b", GPT, LDM_REBUILD_FIRST, &r);
	put_rebuild("b", GPT, LDM_REBUILD_FIRST + 2, &r);
	m = scan_files("a", "b", NULL);
	assert_u64(m->n_jobs, 1);
	assert_true(says(&m->disks[1], "another copy of the same volume"));
	assert_u64(m->volumes[0].n_plexes, 2);
	dyn_model_unref(m);
}

/* The sectors of records cannot be read, or belong to a disk that the group does not know: nothing comes of them. */
static void records_of_strangers_are_not_looked_at(void **state)
{
	struct ldm_rebuild r = make_rebuild(0);
	struct ldm_db *db = a_mirror();
	struct dyn_model *m;

	(void)state;
	make_member("b", GPT, "99999999-0000-4000-8000-000000000001", db);
	put_rebuild("b", GPT, LDM_REBUILD_FIRST, &r);
	make_member("a", MBR, T_DISK1, db);
	m = scan_files("a", "b", NULL);
	assert_int_equal(m->disks[1].status, DYN_DISK_FOREIGN);
	assert_u64(m->n_jobs, 0);
	for (size_t i = 0; i < m->disks[1].n_damage; i++)
		assert_null(strstr(m->disks[1].damage[i], "rebuild record"));
	dyn_model_unref(m);
	ldm_db_free(db);
}

/* What this session knows of its jobs: those that have ended, and others, do not stand for the record. */
static void only_its_own_job_speaks_for_a_record(void **state)
{
	struct ldm_rebuild r = make_rebuild(1024);
	struct dyn_job jobs[5] = {
		{ .id = 1, .state = DYN_JOB_DONE }, { .id = 2, .state = DYN_JOB_CANCELLED }, { .id = 3, .state = DYN_JOB_COPYING },
		{ .id = 4, .state = DYN_JOB_COPYING }, { .id = 5, .state = DYN_JOB_COPYING },
	};
	const char *paths[2] = { in_folder("a"), in_folder("b") };
	struct model_scan_args args = { .paths = paths, .n_paths = 2, .sys_root = "", .jobs = jobs, .n_jobs = 4 };
	struct ldm_db *db = a_mirror();
	struct dyn_model *m;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		memcpy(jobs[i].volume_guid, i == 2 ? T_GROUP : r.volume_guid, 37);
		memcpy(jobs[i].target_guid, i == 3 ? T_DISK1 : r.target_guid, 37);
	}
	put_rebuild("b", GPT, LDM_REBUILD_FIRST, &r);
	m = scan_args(&args);
	assert_u64(m->n_jobs, 1);
	assert_int_equal(m->jobs[0].id, 0);
	assert_int_equal(m->jobs[0].state, DYN_JOB_PAUSED);
	dyn_model_unref(m);
	args.n_jobs = 5;
	m = scan_args(&args);
	assert_int_equal(m->jobs[0].id, 5);
	dyn_model_unref(m);
	/* between the commit and the end of its job a record is not worth a remark */
	put_database("a", MBR, db);
	put_database("b", GPT, db);
	m = scan_args(&args);
	assert_u64(m->n_jobs, 0);
	assert_u64(m->disks[1].n_damage, 0);
	dyn_model_unref(m);
	args.n_jobs = 4;
	m = scan_args(&args);
	assert_true(says(&m->disks[1], "mirror already"));
	dyn_model_unref(m);
	ldm_db_free(db);
}

/* What a record says of a copy that nobody works on, and of one that another process does. */
static void states_of_records(void **state)
{
	static const struct {
		enum ldm_rebuild_phase phase;
		uint64_t done;
		size_t n_bad;
		uint32_t flags;
		enum dyn_job_state idle, locked;
	} cases[] = {
		{ LDM_REBUILD_COPY, 1024, 0, 0, DYN_JOB_PAUSED, DYN_JOB_COPYING },
		{ LDM_REBUILD_COPY, 1024, 1, 0, DYN_JOB_PAUSED, DYN_JOB_COPYING },
		{ LDM_REBUILD_COPY, 2048, 1, 0, DYN_JOB_UNDECIDED, DYN_JOB_UNDECIDED },
		{ LDM_REBUILD_VERIFY, 2048, 1, 0, DYN_JOB_PAUSED, DYN_JOB_VERIFYING },
		{ LDM_REBUILD_VERIFY, 2048, 0, LDM_REBUILD_PAUSED, DYN_JOB_PAUSED, DYN_JOB_PAUSED },
	};
	struct ldm_rebuild r = make_rebuild(0);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (int locked = 0; locked < 2; locked++) {
			struct dyn_model *m;
			int fd = open(in_folder("b"), O_RDWR | O_CLOEXEC);
			r.phase = cases[i].phase;
			r.done = cases[i].done;
			r.n_bad = cases[i].n_bad;
			r.bad[0] = (struct dyn_range){ 1024, cases[i].n_bad * 512, false };
			r.flags = cases[i].flags;
			put_rebuild("b", GPT, LDM_REBUILD_FIRST, &r);
			if (locked)
				assert_int_equal(flock(fd, LOCK_EX), 0);
			m = scan_files("a", "b", NULL);
			assert_u64(m->n_jobs, 1);
			assert_int_equal(m->jobs[0].elsewhere, locked);
			assert_int_equal(m->jobs[0].state, locked ? cases[i].locked : cases[i].idle);
			assert_u64(m->jobs[0].n_unread, cases[i].n_bad);
			dyn_model_unref(m);
			close(fd);
		}
}

/* A record with unread sectors whose copy has become a half is the mark of that half, if it is about that very half. */
static void marks_are_of_their_half(void **state)
{
	struct ldm_rebuild r = make_rebuild(2048), odd;
	struct ldm_db *db = a_mirror();
	struct dyn_model *m;

	(void)state;
	r.n_bad = 1;
	r.bad[0] = (struct dyn_range){ 1024, 512, false };
	put_database("a", MBR, db);
	put_database("b", GPT, db);
	put_rebuild("b", GPT, LDM_REBUILD_FIRST, &r);
	m = scan_files("a", "b", NULL);
	assert_u64(m->n_jobs, 0);
	assert_int_equal(m->volumes[0].status, DYN_VOLUME_AT_RISK);
	assert_u64(m->volumes[0].n_unread, 1);
	assert_u64(m->priv->disks[1].n_marks, 1);
	dyn_model_unref(m);
	odd = r; /* of the other half, and of one with a mark already */
	memcpy(odd.target_guid, T_DISK1, 37);
	memcpy(odd.source_guid, T_DISK2, 37);
	odd.target_start = 63 + 65;
	odd.source_start = T_PUB_GPT + 94;
	odd.bad[0].offset = 4096;
	put_rebuild("a", MBR, LDM_REBUILD_FIRST, &odd);
	m = scan_files("a", "b", NULL);
	assert_u64(m->volumes[0].n_unread, 2);
	assert_u64(m->volumes[0].unread[0].offset + m->volumes[0].unread[1].offset, 1024 + 4096);
	assert_int_equal(m->volumes[0].status, DYN_VOLUME_AT_RISK);
	dyn_model_unref(m);
	m = scan_files("b", NULL); /* with a half missing as well */
	assert_int_equal(m->volumes[0].status, DYN_VOLUME_FAILED_REDUNDANCY);
	assert_u64(m->volumes[0].n_unread, 1);
	dyn_model_unref(m);
	zero_sectors("a", T_PRIV_MBR + LDM_REBUILD_FIRST, 1);
	for (int i = 0; i < 4; i++) {
		static const char *const why[] = { "mirror already", "mirror already", "its volume is gone", "made for another disk" };
		odd = r;
		if (i == 0)
			odd.target_start++;
		if (i == 1)
			odd.done = --odd.size;
		if (i == 2)
			memcpy(odd.volume_guid, T_GROUP, 37);
		if (i == 3)
			memcpy(odd.target_guid, T_DISK1, 37);
		ignored(&odd, why[i]);
	}
	ldm_db_free(db);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, folder_new, folder_remove)
	const struct CMUnitTest tests[] = {
		T(paused_rebuild), T(rebuild_elsewhere_and_live), T(records_that_no_longer_fit), T(places_that_are_no_room),
		T(room_may_go_across_containers), T(volumes_that_are_no_source), T(second_record_of_a_volume_is_ignored), T(records_of_strangers_are_not_looked_at),
		T(only_its_own_job_speaks_for_a_record), T(states_of_records), T(marks_are_of_their_half),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
