/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dynamic_test.c - dynamic disks beyond a mirror's repair: to basic and back, new mirrors, volumes deleted and
 * retained, disks that come back; and each of them cut off after every write.
 */
#include "tests/unit/plan_rig.h"

#include <fcntl.h>
#include <unistd.h>

static void read_at(const char *path, uint64_t off, void *buf, size_t n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(dyn_pread_full(fd, buf, n, off), 0);
	close(fd);
}

static const struct table *table_of(const struct rig *r, size_t disk)
{
	return &r->m->priv->disks[disk].table;
}

static const struct ldm_record *record_of(const struct rig *r, size_t volume)
{
	return ldm_db_find(r->m->priv->groups[r->m->volumes[volume].group].db, LDM_VOLUME,
			   r->m->priv->volumes[volume].record_id);
}

static size_t containers(const struct rig *r, size_t disk)
{
	const struct table *t = table_of(r, disk);
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += strcmp(table_type_word(t->kind, &t->parts[i]), "Dynamic Data") == 0;
	return n;
}

static void healthy(const struct rig *r)
{
	for (size_t i = 0; i < r->m->n_groups; i++)
		assert_string_equal(r->m->groups[i].problem, "");
	for (size_t i = 0; i < r->m->n_disks; i++) {
		assert_true(r->m->disks[i].status == DYN_DISK_ONLINE || r->m->disks[i].blank);
		assert_int_equal(r->m->disks[i].n_damage, 0);
	}
	for (size_t i = 0; i < r->m->n_volumes; i++)
		assert_int_equal(r->m->volumes[i].status, DYN_VOLUME_HEALTHY);
}

/* --------------------------------------------------------------- create, delete */

/* Every sector of a disk's room holds something of its own. */
static void litter(const struct rig *r, size_t disk)
{
	uint64_t from = 3 * MIB, end = r->m->disks[disk].size - 2 * MIB;
	uint8_t *b = malloc(end - from);

	for (uint64_t i = 0; i < end - from; i++)
		b[i] = (uint8_t)(i * 7 + i / 512 + disk * 100 + 1);
	rig_put(r->path[disk], from, b, end - from);
	free(b);
}

static void halves_are_equal(const struct rig *r, size_t volume)
{
	const struct dyn_volume *v = &r->m->volumes[volume];
	uint8_t *half[2];

	assert_int_equal(v->layout, DYN_LAYOUT_MIRROR);
	assert_int_equal(v->status, DYN_VOLUME_HEALTHY);
	for (size_t i = 0; i < 2; i++) {
		const struct dyn_extent *e = &v->plexes[i].extents[0];
		half[i] = malloc(v->size);
		read_at(r->path[e->disk], e->offset, half[i], v->size);
	}
	assert_memory_equal(half[0], half[1], v->size);
	free(half[0]);
	free(half[1]);
}

static void new_mirror_is_copied_before_it_is_one(void **state)
{
	struct dyn_plan *p = NULL;
	struct rig r;

	(void)state;
	rig_begin(&r, 3, 64 * MIB);
	rig_upgrade(&r, 0, DYN_TABLE_MBR);
	rig_upgrade(&r, 1, DYN_TABLE_MBR);
	litter(&r, 0);
	litter(&r, 1);
	rig_refused(&r, dyn_plan_create_mirror(&r.s, r.m, (size_t[]){ 0, 0 }, 8 * MIB, 0, &p, &r.err), -EINVAL,
		    "two different disks");
	rig_refused(&r, dyn_plan_create_mirror(&r.s, r.m, (size_t[]){ 0, 2 }, 8 * MIB, 0, &p, &r.err), -EINVAL,
		    "not a dynamic disk");
	rig_refused(&r, dyn_plan_create_mirror(&r.s, r.m, (size_t[]){ 0, 1 }, 70 * MIB, 0, &p, &r.err), -ENOSPC,
		    "enough usable space");
	rig_refused(&r, dyn_plan_create_mirror(&r.s, r.m, (size_t[]){ 0, 1 }, 8 * MIB, '1', &p, &r.err), -EINVAL,
		    "drive letter");
	/* until the copy is done the database knows a simple volume and nothing else */
	assert_int_equal(dyn_plan_create_mirror(&r.s, r.m, (size_t[]){ 0, 1 }, 8 * MIB, 'M', &p, &r.err), 0);
	assert_int_equal(dyn_plan_n_steps(p), 3);
	assert_int_equal(dyn_plan_step(p, 2)->kind, DYN_STEP_COPY);
	assert_string_equal(dyn_plan_step(p, 1)->diskpart, "create volume mirror size=8 disk=0,1\nassign letter=M");
	assert_null(dyn_plan_confirm(p));
	rig_carry_out(p, SIZE_MAX);
	rig_scan(&r, 0, 3);
	assert_int_equal(record_of(&r, 0)->u.volume.n_components, 1);
	assert_int_equal(r.m->volumes[0].status, DYN_VOLUME_REBUILDING);
	assert_int_equal(r.m->n_jobs, 1);
	assert_string_equal(r.m->jobs[0].volume_title, "M:");
	dyn_plan_free(p);
	/* given up it is that, and its room on the other disk is free */
	DO(&r, dyn_plan_cancel(&r.s, r.m, 0, &p, &r.err), p);
	assert_int_equal(r.m->volumes[0].layout, DYN_LAYOUT_SIMPLE);
	DO(&r, dyn_plan_delete_volume(&r.s, r.m, 0, &p, &r.err), p);
	DO(&r, dyn_plan_create_mirror(&r.s, r.m, (size_t[]){ 0, 1 }, 8 * MIB, 'M', &p, &r.err), p);
	assert_u64(r.m->volumes[0].size, 8 * MIB);
	assert_int_equal(r.m->volumes[0].letter, 'M');
	assert_string_equal(r.m->volumes[0].plexes[0].name, "Volume1-01");
	assert_string_equal(r.m->volumes[0].plexes[1].name, "Volume1-02");
	halves_are_equal(&r, 0);
	/* the rest of the smaller disk, in whole MiB, the first half on the second disk */
	DO(&r, dyn_plan_create_mirror(&r.s, r.m, (size_t[]){ 1, 0 }, 0, 0, &p, &r.err), p);
	assert_int_equal(r.m->n_volumes, 2);
	assert_true(r.m->volumes[1].size >= 52 * MIB && r.m->volumes[1].size < 56 * MIB);
	halves_are_equal(&r, 1);
	healthy(&r);
	rig_end(&r);
}

static void what_undo_brings_back_is_said_beforehand(void **state)
{
	struct dyn_plan *p = NULL;
	struct rig r;

	(void)state;
	rig_begin(&r, 2, 64 * MIB);
	assert_int_equal(dyn_plan_upgrade(&r.s, r.m, 0, DYN_TABLE_MBR, DYN_NONE, &p, &r.err), 0);
	assert_int_equal(dyn_plan_undo_kind(p), DYN_UNDO_BYTES); /* the group came with it */
	rig_do(&r, 0, p);
	assert_int_equal(dyn_plan_upgrade(&r.s, r.m, 1, DYN_TABLE_MBR, DYN_NONE, &p, &r.err), 0);
	assert_int_equal(dyn_plan_undo_kind(p), DYN_UNDO_DATABASE);
	rig_do(&r, 0, p);
	assert_int_equal(dyn_plan_create_simple(&r.s, r.m, 0, 4 * MIB, 0, &p, &r.err), 0);
	assert_int_equal(dyn_plan_undo_kind(p), DYN_UNDO_DATABASE);
	rig_do(&r, 0, p);
	assert_int_equal(dyn_plan_add_mirror(&r.s, r.m, 0, 1, DYN_TABLE_NONE, &p, &r.err), 0);
	assert_int_equal(dyn_plan_undo_kind(p), DYN_UNDO_COPIES);
	dyn_plan_free(p);
	assert_int_equal(dyn_plan_clean(&r.s, r.m, 1, false, &p, &r.err), 0);
	assert_int_equal(dyn_plan_undo_kind(p), DYN_UNDO_DATABASE); /* it leaves its group first */
	dyn_plan_free(p);
	assert_int_equal(dyn_plan_clean(&r.s, r.m, 1, true, &p, &r.err), 0);
	assert_int_equal(dyn_plan_undo_kind(p), DYN_UNDO_NONE);
	dyn_plan_free(p);
	rig_end(&r);
}

static void delete_frees_both_halves(void **state)
{
	struct dyn_plan *p = NULL;
	struct rig r;

	(void)state;
	rig_mirror(&r, DYN_TABLE_MBR, DYN_TABLE_GPT);
	assert_int_equal(dyn_plan_delete_volume(&r.s, r.m, 0, &p, &r.err), 0);
	assert_true(dyn_plan_step(p, 0)->destroys);
	assert_string_equal(dyn_plan_confirm(p), "d0.img");
	assert_string_equal(dyn_plan_step(p, 0)->diskpart, "select volume 0\ndelete volume");
	rig_do(&r, 0, p);
	assert_int_equal(r.m->n_volumes, 0);
	healthy(&r);
	assert_int_equal(dyn_plan_delete_volume(&r.s, r.m, 0, &p, &r.err), -EINVAL);
	/* of a mirror whose disk is gone, too: then the disk can be deleted */
	DO(&r, dyn_plan_create_mirror(&r.s, r.m, (size_t[]){ 0, 1 }, 8 * MIB, 0, &p, &r.err), p);
	r.n = 1;
	rig_scan(&r, 0, 1);
	DO(&r, dyn_plan_delete_volume(&r.s, r.m, 0, &p, &r.err), p);
	DO(&r, dyn_plan_delete_missing(&r.s, r.m, 1, &p, &r.err), p);
	assert_int_equal(r.m->n_disks, 1);
	healthy(&r);
	rig_end(&r);
}

static void lay_data(struct rig *r, size_t i, enum dyn_table kind);

static void delete_of_a_basic_volume_is_its_entry(void **state)
{
	static const enum dyn_table kinds[] = { DYN_TABLE_MBR, DYN_TABLE_GPT };
	struct dyn_plan *p = NULL;
	struct rig r;

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		rig_begin(&r, 1, 64 * MIB);
		lay_data(&r, 0, kinds[k]);
		assert_int_equal(dyn_plan_delete_volume(&r.s, r.m, 1, &p, &r.err), 0);
		assert_string_equal(dyn_plan_confirm(p), "d0.img");
		rig_do(&r, 0, p);
		assert_int_equal(r.m->n_volumes, 1);
		assert_u64(r.m->volumes[0].plexes[0].extents[0].offset, kinds[k] == DYN_TABLE_MBR ? MIB : 3 * MIB);
		rig_end(&r);
	}
}

/* ----------------------------------------------------------------------- retain */

static void retain_gives_an_entry_and_delete_takes_it_back(void **state)
{
	static const enum dyn_table kinds[] = { DYN_TABLE_MBR, DYN_TABLE_GPT };
	struct dyn_plan *p = NULL;
	struct rig r;

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		const struct table_part *own = NULL;
		rig_begin(&r, 1, 64 * MIB);
		rig_upgrade(&r, 0, kinds[k]);
		for (int i = 0; i < 3; i++)
			DO(&r, dyn_plan_create_simple(&r.s, r.m, 0, 4 * MIB, 0, &p, &r.err), p);
		DO(&r, dyn_plan_retain(&r.s, r.m, 1, &p, &r.err), p);
		assert_int_equal(containers(&r, 0), 3);
		assert_true(record_of(&r, 1)->u.volume.vflags & LDM_VOL_RETAIN);
		for (size_t i = 0; i < table_of(&r, 0)->n; i++)
			if (table_of(&r, 0)->parts[i].start * 512 == r.m->volumes[1].plexes[0].extents[0].offset)
				own = &table_of(&r, 0)->parts[i];
		assert_non_null(own);
		assert_u64(own->size * 512, r.m->volumes[1].size);
		healthy(&r);
		rig_refused(&r, dyn_plan_retain(&r.s, r.m, 1, &p, &r.err), -EALREADY, "retained partition already");
		DO(&r, dyn_plan_delete_volume(&r.s, r.m, 1, &p, &r.err), p);
		assert_int_equal(containers(&r, 0), 1);
		assert_int_equal(r.m->n_volumes, 2);
		healthy(&r);
		rig_end(&r);
	}
}

/* libldm takes an MBR disk for a dynamic one by its first slot alone. */
static void merged_entries_keep_the_first_slot(void **state)
{
	struct dyn_plan *p = NULL;
	struct rig r;

	(void)state;
	for (size_t retained = 0; retained < 3; retained++) {
		rig_begin(&r, 1, 64 * MIB);
		rig_upgrade(&r, 0, DYN_TABLE_MBR);
		for (int i = 0; i < 3; i++)
			DO(&r, dyn_plan_create_simple(&r.s, r.m, 0, 4 * MIB, 0, &p, &r.err), p);
		DO(&r, dyn_plan_retain(&r.s, r.m, retained, &p, &r.err), p);
		DO(&r, dyn_plan_delete_volume(&r.s, r.m, retained, &p, &r.err), p);
		assert_int_equal(table_of(&r, 0)->n, 1);
		assert_int_equal(table_of(&r, 0)->parts[0].number, 1);
		healthy(&r);
		rig_end(&r);
	}
}

static bool stands_alone(const struct rig *r, size_t volume, size_t plex)
{
	const struct dyn_extent *e = &r->m->volumes[volume].plexes[plex].extents[0];
	const struct table *t = table_of(r, e->disk);

	for (size_t i = 0; i < t->n; i++)
		if (t->parts[i].start * 512 == e->offset && t->parts[i].size * 512 == e->size)
			return true;
	return false;
}

/* Two dynamic disks, on the first a retained volume between two others; its index is 1. */
static void rig_retained(struct rig *r, enum dyn_table a, enum dyn_table b)
{
	struct dyn_plan *p = NULL;

	rig_begin(r, 2, 64 * MIB);
	rig_upgrade(r, 0, a);
	rig_upgrade(r, 1, b);
	for (int i = 0; i < 3; i++)
		DO(r, dyn_plan_create_simple(&r->s, r->m, 0, 4 * MIB, 0, &p, &r->err), p);
	DO(r, dyn_plan_retain(&r->s, r->m, 1, &p, &r->err), p);
}

static bool has_note(const struct dyn_plan *p, const char *words)
{
	for (size_t i = 0; i < dyn_plan_n_notes(p); i++)
		if (strstr(dyn_plan_note(p, i), words))
			return true;
	return false;
}

static void mirror_of_a_retained_volume_can_be_started_from(void **state)
{
	static const enum dyn_table kinds[] = { DYN_TABLE_MBR, DYN_TABLE_GPT };
	struct dyn_plan *p = NULL;
	struct rig r;

	(void)state;
	for (size_t k = 0; k < 4; k++) {
		rig_retained(&r, kinds[k / 2], kinds[k % 2]);
		assert_int_equal(dyn_plan_add_mirror(&r.s, r.m, 1, 1, DYN_TABLE_NONE, &p, &r.err), 0);
		assert_true(has_note(p, "entry of its own on Disk 1"));
		rig_do(&r, 0, p);
		assert_true(stands_alone(&r, 1, 0) && stands_alone(&r, 1, 1));
		healthy(&r);
		/* either half keeps entry and mark without the other */
		DO(&r, dyn_plan_break(&r.s, r.m, 1, k % 2, false, &p, &r.err), p);
		assert_true(stands_alone(&r, 1, 0));
		assert_true(record_of(&r, 1)->u.volume.vflags & LDM_VOL_RETAIN);
		healthy(&r);
		rig_end(&r);
	}
	/* a volume that is not retained gets none */
	rig_retained(&r, DYN_TABLE_GPT, DYN_TABLE_GPT);
	DO(&r, dyn_plan_add_mirror(&r.s, r.m, 0, 1, DYN_TABLE_NONE, &p, &r.err), p);
	assert_int_equal(containers(&r, 1), 1);
	rig_end(&r);
}

static void without_a_free_slot_the_half_has_no_entry(void **state)
{
	struct dyn_plan *p = NULL;
	struct rig r;

	(void)state;
	rig_retained(&r, DYN_TABLE_GPT, DYN_TABLE_MBR);
	for (int i = 0; i < 4; i++)
		DO(&r, dyn_plan_create_simple(&r.s, r.m, 1, 4 * MIB, 0, &p, &r.err), p);
	DO(&r, dyn_plan_retain(&r.s, r.m, 4, &p, &r.err), p);
	DO(&r, dyn_plan_retain(&r.s, r.m, 5, &p, &r.err), p);
	assert_int_equal(containers(&r, 1), 4);
	assert_int_equal(dyn_plan_add_mirror(&r.s, r.m, 1, 1, DYN_TABLE_NONE, &p, &r.err), 0);
	assert_true(has_note(p, "no partition entry of its own"));
	rig_do(&r, 0, p);
	assert_int_equal(containers(&r, 1), 4);
	assert_false(stands_alone(&r, 1, 1));
	assert_true(record_of(&r, 1)->u.volume.vflags & LDM_VOL_RETAIN);
	healthy(&r);
	/* the mark goes with the half that had the entry: it would name one that is not there */
	DO(&r, dyn_plan_break(&r.s, r.m, 1, 0, false, &p, &r.err), p);
	assert_int_equal(r.m->volumes[1].plexes[0].extents[0].disk, 1);
	assert_false(record_of(&r, 1)->u.volume.vflags & LDM_VOL_RETAIN);
	healthy(&r);
	rig_end(&r);
}

static void retain_counts_to_four(void **state)
{
	struct dyn_plan *p = NULL;
	struct rig r;

	(void)state;
	rig_begin(&r, 1, 64 * MIB);
	rig_upgrade(&r, 0, DYN_TABLE_MBR);
	for (int i = 0; i < 5; i++)
		DO(&r, dyn_plan_create_simple(&r.s, r.m, 0, 4 * MIB, 0, &p, &r.err), p);
	DO(&r, dyn_plan_retain(&r.s, r.m, 1, &p, &r.err), p);
	rig_refused(&r, dyn_plan_retain(&r.s, r.m, 3, &p, &r.err), -ENOSPC, "5 would be needed");
	DO(&r, dyn_plan_retain(&r.s, r.m, 2, &p, &r.err), p);
	assert_int_equal(containers(&r, 0), 4);
	healthy(&r);
	rig_end(&r);
}

/* --------------------------------------------------------------------- to basic */

static void empty_disk_becomes_basic(void **state)
{
	static const enum dyn_table kinds[] = { DYN_TABLE_MBR, DYN_TABLE_GPT };
	struct dyn_plan *p = NULL;
	struct rig r;

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		rig_begin(&r, 2, 64 * MIB);
		rig_upgrade(&r, 0, kinds[k]);
		rig_upgrade(&r, 1, kinds[1 - k]);
		assert_int_equal(dyn_plan_to_basic(&r.s, r.m, 0, &p, &r.err), 0);
		assert_null(dyn_plan_confirm(p));
		assert_string_equal(dyn_plan_step(p, 0)->diskpart, "select disk 0\nconvert basic");
		rig_do(&r, 0, p);
		assert_false(r.m->disks[0].dynamic);
		assert_int_equal(r.m->disks[0].table, kinds[k]);
		assert_int_equal(r.m->groups[0].n_disks, 1);
		assert_int_equal(r.m->groups[0].n_missing, 0);
		healthy(&r);
		if (kinds[k] == DYN_TABLE_GPT) { /* the MSR is whole again */
			assert_int_equal(table_of(&r, 0)->n, 1);
			assert_u64(table_of(&r, 0)->parts[0].start, 34);
			assert_u64(table_of(&r, 0)->parts[0].size, 65536);
		} else {
			assert_int_equal(table_of(&r, 0)->n, 0);
		}
		rig_refused(&r, dyn_plan_to_basic(&r.s, r.m, 0, &p, &r.err), -EALREADY, "basic disk already");
		DO(&r, dyn_plan_to_basic(&r.s, r.m, 1, &p, &r.err), p); /* the last one: nobody is left to be told */
		assert_int_equal(r.m->n_groups, 0);
		rig_upgrade(&r, 0, DYN_TABLE_NONE);
		healthy(&r);
		rig_end(&r);
	}
}

static void simple_volumes_become_partitions(void **state)
{
	static const enum dyn_table kinds[] = { DYN_TABLE_MBR, DYN_TABLE_GPT };
	struct dyn_plan *p = NULL;
	struct rig r;

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		uint64_t at[2];
		rig_mirror(&r, kinds[k], kinds[1 - k]);
		rig_refused(&r, dyn_plan_to_basic(&r.s, r.m, 0, &p, &r.err), -EBUSY,
			    "C: on Disk 0 is not a simple volume");
		DO(&r, dyn_plan_break(&r.s, r.m, 0, 1, false, &p, &r.err), p);
		DO(&r, dyn_plan_create_simple(&r.s, r.m, 0, 4 * MIB, 'D', &p, &r.err), p);
		for (size_t i = 0; i < 2; i++)
			at[i] = r.m->volumes[i].plexes[0].extents[0].offset;
		DO(&r, dyn_plan_to_basic(&r.s, r.m, 0, &p, &r.err), p);
		assert_false(r.m->disks[0].dynamic);
		assert_int_equal(r.m->n_volumes, 2);
		for (size_t i = 0; i < 2; i++) {
			uint8_t b[512];
			assert_int_equal(r.m->volumes[i].layout, DYN_LAYOUT_PARTITION);
			assert_u64(r.m->volumes[i].plexes[0].extents[0].offset, at[i]);
			assert_u64(r.m->volumes[i].size, (i ? 4 : 8) * MIB);
			read_at(r.path[0], at[i] + 4096, b, sizeof(b));
			assert_int_equal(b[0], i ? 0 : 0xa5);
		}
		assert_int_equal(r.m->groups[0].n_disks, 1);
		healthy(&r);
		rig_end(&r);
	}
}

static void five_volumes_do_not_fit_an_mbr(void **state)
{
	struct dyn_plan *p = NULL;
	struct rig r;

	(void)state;
	rig_begin(&r, 1, 64 * MIB);
	rig_upgrade(&r, 0, DYN_TABLE_MBR);
	for (int i = 0; i < 5; i++)
		DO(&r, dyn_plan_create_simple(&r.s, r.m, 0, 4 * MIB, 0, &p, &r.err), p);
	rig_refused(&r, dyn_plan_to_basic(&r.s, r.m, 0, &p, &r.err), -ENOSPC, "5 would be needed");
	rig_end(&r);
}

/* --------------------------------------------------------------- convert in place */

/* A new table on disk i, which is blank. */
static void lay(struct rig *r, size_t i, enum dyn_table kind, struct table_part *parts, size_t n)
{
	struct table want = { .kind = kind, .mbr_signature = 0x11223344, .n = n, .parts = parts };
	struct table_sectors runs;

	if (kind == DYN_TABLE_GPT)
		dyn_rand_guid(&r->s.rand, want.gpt_guid);
	if (table_build(r->m->priv->disks[i].map, &want, &runs, &r->err))
		fail_msg("%s", r->err.what);
	for (size_t k = 0; k < runs.n; k++)
		rig_put(r->path[i], runs.runs[k].sector * 512, runs.runs[k].bytes,
			(size_t)runs.runs[k].n_sectors * 512);
	table_sectors_clear(&runs);
	rig_scan(r, 0, r->n);
}

/* Two data partitions, the first active on MBR (FAT: no Windows on it); behind the MSR on GPT. Marked with 0x5a. */
static void lay_data(struct rig *r, size_t i, enum dyn_table kind)
{
	struct table_part mbr[] = { { .start = 2048, .size = 8192, .mbr_type = 0x06, .active = true },
				    { .start = 20480, .size = 8192, .mbr_type = 0x07 } };
	struct table_part gpt[] = {
		{ .start = 34, .size = 4096, .gpt_type = LDM_GPT_MSR, .name = "Microsoft reserved partition" },
		{ .start = 6144, .size = 8192, .gpt_type = TABLE_GPT_BASIC, .name = "Basic data partition" },
		{ .start = 20480,
		  .size = 8192,
		  .gpt_type = TABLE_GPT_BASIC,
		  .name = "Basic data partition",
		  .gpt_attrs = 1ull << 63 }
	};
	uint8_t mark[512];

	lay(r, i, kind, kind == DYN_TABLE_MBR ? mbr : gpt, kind == DYN_TABLE_MBR ? 2 : 3);
	memset(mark, 0x5a, sizeof(mark));
	for (size_t v = 0; v < r->m->n_volumes; v++)
		if (r->m->volumes[v].plexes[0].extents[0].disk == i)
			rig_put(r->path[i], r->m->volumes[v].plexes[0].extents[0].offset, mark, sizeof(mark));
	rig_scan(r, 0, r->n);
}

static bool writes_touch(const struct dyn_plan *p, size_t disk, uint64_t start, uint64_t size)
{
	for (size_t i = 0; i < dyn_plan_n_steps(p); i++)
		for (size_t k = 0; k < dyn_plan_step(p, i)->n_writes; k++) {
			const struct dyn_write *w = &dyn_plan_step(p, i)->writes[k];
			if (w->disk == disk && w->sector < start + size && start < w->sector + w->n_sectors)
				return true;
		}
	return false;
}

static void partitions_become_volumes_and_partitions_again(void **state)
{
	static const enum dyn_table kinds[] = { DYN_TABLE_MBR, DYN_TABLE_GPT };

	(void)state;
	for (size_t k = 0; k < 4; k++) { /* each kind as a new group, and joining one */
		enum dyn_table kind = kinds[k % 2];
		struct dyn_plan *p = NULL;
		struct table before;
		size_t n_parts = kind == DYN_TABLE_MBR ? 2 : 3;
		struct table_part saved[3];
		uint64_t offset[2];
		struct rig r;

		rig_begin(&r, 2, 64 * MIB);
		if (k >= 2)
			rig_upgrade(&r, 1, DYN_TABLE_MBR);
		lay_data(&r, 0, kind);
		before = *table_of(&r, 0);
		assert_int_equal(before.n, n_parts);
		memcpy(saved, before.parts, n_parts * sizeof(saved[0]));
		for (size_t v = 0; v < 2; v++)
			offset[v] = r.m->volumes[v].plexes[0].extents[0].offset;
		assert_int_equal(dyn_plan_upgrade(&r.s, r.m, 0, DYN_TABLE_NONE, DYN_NONE, &p, &r.err), 0);
		assert_null(dyn_plan_confirm(p)); /* nothing is destroyed */
		assert_non_null(strstr(dyn_plan_step(p, 0)->words, "2 partitions become simple volumes"));
		for (size_t v = 0; v < 2; v++)
			assert_false(writes_touch(p, 0, offset[v] / 512, 8192));
		rig_do(&r, 0, p);
		healthy(&r);
		assert_true(r.m->disks[0].dynamic);
		assert_int_equal(r.m->n_volumes, 2);
		for (size_t v = 0; v < 2; v++) {
			uint32_t flags = record_of(&r, v)->u.volume.vflags;
			assert_int_equal(r.m->volumes[v].layout, DYN_LAYOUT_SIMPLE);
			assert_u64(r.m->volumes[v].plexes[0].extents[0].offset, offset[v]);
			assert_u64(r.m->volumes[v].size, 8192 * 512);
			assert_int_equal(flags, kind == DYN_TABLE_MBR && v == 0 ?
							LDM_VOL_DEFAULT | LDM_VOL_RETAIN | LDM_VOL_SYSTEM :
							LDM_VOL_DEFAULT);
		}
		assert_int_equal(record_of(&r, 0)->u.volume.part_type, 0x06);
		assert_string_equal(record_of(&r, 1)->u.volume.no_letter,
				    kind == DYN_TABLE_GPT ? "8000000000000000" : "");
		/* and back: the table is what it was but for the GUIDs of partitions that had no entry of their own */
		DO(&r, dyn_plan_to_basic(&r.s, r.m, 0, &p, &r.err), p);
		assert_int_equal(table_of(&r, 0)->n, n_parts);
		for (size_t i = 0; i < n_parts; i++) {
			const struct table_part *q = &table_of(&r, 0)->parts[i];
			assert_u64(q->start, saved[i].start);
			assert_u64(q->size, saved[i].size);
			assert_int_equal(q->mbr_type, saved[i].mbr_type);
			assert_int_equal(q->active, saved[i].active);
			assert_int_equal(q->number, saved[i].number);
			assert_string_equal(q->gpt_type, saved[i].gpt_type);
			assert_u64(q->gpt_attrs, saved[i].gpt_attrs);
		}
		for (size_t v = 0; v < 2; v++) {
			uint8_t b[512];
			read_at(r.path[0], offset[v], b, sizeof(b));
			assert_int_equal(b[0], 0x5a);
		}
		healthy(&r);
		rig_end(&r);
	}
}

static void a_sleeping_windows_keeps_its_disk(void **state)
{
	struct dyn_plan *p = NULL;
	struct rig r;

	(void)state;
	rig_begin(&r, 1, 64 * MIB);
	lay_data(&r, 0, DYN_TABLE_GPT);
	((struct dyn_volume *)&r.m->volumes[1])->hibernated = true;
	rig_refused(&r, dyn_plan_upgrade(&r.s, r.m, 0, DYN_TABLE_NONE, DYN_NONE, &p, &r.err), -EBUSY, "hibernation");
	rig_scan(&r, 0, 1);
	((struct dyn_volume *)&r.m->volumes[0])->fs = "BitLocker";
	rig_refused(&r, dyn_plan_upgrade(&r.s, r.m, 0, DYN_TABLE_NONE, DYN_NONE, &p, &r.err), -EBUSY, "BitLocker");
	rig_scan(&r, 0, 1);
	DO(&r, dyn_plan_upgrade(&r.s, r.m, 0, DYN_TABLE_NONE, DYN_NONE, &p, &r.err), p);
	((struct dyn_volume *)&r.m->volumes[1])->hibernated = true;
	rig_refused(&r, dyn_plan_to_basic(&r.s, r.m, 0, &p, &r.err), -EBUSY, "hibernation");
	rig_end(&r);
}

static void converted_disk_takes_part_like_any_other(void **state)
{
	struct dyn_plan *p = NULL;
	uint8_t b[512];
	struct rig r;

	(void)state;
	rig_begin(&r, 2, 64 * MIB);
	lay_data(&r, 0, DYN_TABLE_MBR);
	lay_data(&r, 1, DYN_TABLE_GPT);
	rig_upgrade(&r, 0, DYN_TABLE_NONE);
	/* a target with data is not converted on the way to a mirror */
	rig_refused(&r, dyn_plan_add_mirror(&r.s, r.m, 0, 1, DYN_TABLE_NONE, &p, &r.err), -ENOTEMPTY,
		    "partitions with data");
	rig_upgrade(&r, 1, DYN_TABLE_NONE);
	assert_int_equal(r.m->groups[0].n_disks, 2);
	assert_int_equal(r.m->n_volumes, 4);
	DO(&r, dyn_plan_add_mirror(&r.s, r.m, 0, 1, DYN_TABLE_NONE, &p, &r.err), p);
	assert_int_equal(r.m->volumes[0].layout, DYN_LAYOUT_MIRROR);
	assert_true(record_of(&r, 0)->u.volume.vflags & LDM_VOL_RETAIN);
	healthy(&r);
	/* the second half has its entry as well */
	assert_true(stands_alone(&r, 0, 0) && stands_alone(&r, 0, 1));
	rig_refused(&r, dyn_plan_retain(&r.s, r.m, 0, &p, &r.err), -EALREADY, "retained partition already");
	read_at(r.path[1], r.m->volumes[0].plexes[1].extents[0].offset, b, sizeof(b));
	assert_int_equal(b[0], 0x5a);
	DO(&r, dyn_plan_delete_volume(&r.s, r.m, 0, &p, &r.err), p);
	assert_int_equal(containers(&r, 0), 1);
	assert_int_equal(containers(&r, 1), 1);
	healthy(&r);
	rig_end(&r);
}

static void conversion_refuses_with_the_rule(void **state)
{
	struct table_part full[] = { { .start = 2048, .size = 64 * 2048 - 2048, .mbr_type = 0x07 } };
	struct table_part one[] = { { .start = 2048, .size = 4096, .mbr_type = 0x07 } };
	struct dyn_plan *p = NULL;
	struct dyn_disk *disk;
	uint8_t junk[512];
	struct rig r;

	(void)state;
	rig_begin(&r, 1, 64 * MIB);
	lay(&r, 0, DYN_TABLE_MBR, full, 1);
	rig_refused(&r, dyn_plan_upgrade(&r.s, r.m, 0, DYN_TABLE_NONE, DYN_NONE, &p, &r.err), -ENOSPC,
		    "no free 1 MB at its end");
	rig_blank(&r, 0, 64 * MIB);
	rig_scan(&r, 0, 1);
	lay(&r, 0, DYN_TABLE_MBR, one, 1);
	memset(junk, 0xeb, sizeof(junk));
	rig_put(r.path[0], 6 * 512, junk, sizeof(junk));
	rig_scan(&r, 0, 1);
	rig_refused(&r, dyn_plan_upgrade(&r.s, r.m, 0, DYN_TABLE_NONE, DYN_NONE, &p, &r.err), -EBUSY, "sector 6");
	disk = (struct dyn_disk *)&r.m->disks[0]; /* what no image file can be */
	disk->removable = true;
	rig_refused(&r, dyn_plan_upgrade(&r.s, r.m, 0, DYN_TABLE_NONE, DYN_NONE, &p, &r.err), -ENOTSUP, "removable");
	disk->sector_size = 4096;
	rig_refused(&r, dyn_plan_upgrade(&r.s, r.m, 0, DYN_TABLE_NONE, DYN_NONE, &p, &r.err), -ENOTSUP, "4Kn");
	rig_end(&r);
}

/* ------------------------------------------------------------------- reactivate */

/* A mirror; its second disk misses a change of the group and comes back. */
static void rig_stale(struct rig *r)
{
	struct dyn_plan *p = NULL;
	uint8_t newer[512];

	rig_mirror(r, DYN_TABLE_MBR, DYN_TABLE_GPT);
	DO(r, dyn_plan_create_simple(&r->s, r->m, 1, 4 * MIB, 'S', &p, &r->err), p);
	r->n = 1;
	rig_scan(r, 0, 1);
	r->s.fixed_time += 3600;
	DO(r, dyn_plan_create_simple(&r->s, r->m, 0, 4 * MIB, 'N', &p, &r->err), p);
	memset(newer, 0x77, sizeof(newer));
	rig_put(r->path[0], r->m->volumes[0].plexes[0].extents[0].offset + 4096, newer, sizeof(newer));
	r->n = 2;
	rig_scan(r, 0, 2);
	assert_int_equal(r->m->disks[1].status, DYN_DISK_ERRORS);
	assert_int_equal(r->m->volumes[0].status, DYN_VOLUME_FAILED_REDUNDANCY);
}

static void stale_disk_is_brought_up_to_date(void **state)
{
	struct dyn_plan *p = NULL;
	bool named = false;
	struct rig r;

	(void)state;
	rig_stale(&r);
	assert_int_equal(dyn_plan_reactivate(&r.s, r.m, 1, &p, &r.err), 0);
	assert_string_equal(dyn_plan_confirm(p), "d1.img"); /* its half is overwritten */
	for (size_t i = 0; i < dyn_plan_n_notes(p); i++) {
		const char *n = dyn_plan_note(p, i);
		named |= strstr(n, "2023-11-14 22:13:20 UTC") && strstr(n, "2023-11-14 23:13:20 UTC") &&
			 strstr(n, "Disk 1");
		assert_null(strstr(n, "left out"));
	}
	assert_true(named);
	for (size_t i = 0; i < dyn_plan_n_steps(p); i++) /* never a byte of the source's data */
		assert_true(dyn_plan_step(p, i)->kind != DYN_STEP_COPY || dyn_plan_step(p, i)->disk == 1);
	rig_do(&r, 0, p);
	healthy(&r);
	assert_int_equal(r.m->n_volumes, 3);
	assert_int_equal(r.m->volumes[0].layout, DYN_LAYOUT_MIRROR);
	for (size_t i = 0; i < 2; i++) {
		uint8_t b[512];
		const struct dyn_extent *e = &r.m->volumes[0].plexes[i].extents[0];
		read_at(r.m->disks[e->disk].path, e->offset + 4096, b, sizeof(b));
		assert_int_equal(b[0], 0x77);
	}
	rig_refused(&r, dyn_plan_reactivate(&r.s, r.m, 1, &p, &r.err), -EALREADY, "up to date");
	rig_end(&r);
}

/* A change is cut off while an out of date disk is there: finishing it must not pass the old half for a good one. */
static void recovery_leaves_a_stale_disk_stale(void **state)
{
	(void)state;
	for (size_t cut = 1; cut < 9; cut++) {
		struct dyn_plan *p = NULL;
		struct rig r;
		size_t total;
		rig_stale(&r);
		assert_int_equal(dyn_plan_create_simple(&r.s, r.m, 0, 4 * MIB, 0, &p, &r.err), 0);
		total = rig_carry_out(p, cut);
		assert_true(total > cut);
		dyn_plan_free(p);
		rig_scan(&r, 0, 2);
		assert_true(r.m->groups[0].interrupted);
		DO(&r, dyn_plan_recover(&r.s, r.m, 0, &p, &r.err), p);
		assert_false(r.m->groups[0].interrupted);
		assert_false(r.m->priv->disks[1].current);
		assert_int_equal(r.m->volumes[0].status, DYN_VOLUME_FAILED_REDUNDANCY);
		rig_end(&r);
	}
}

static void which_half_is_newer_is_not_guessed(void **state)
{
	struct dyn_plan *p = NULL;
	struct rig r;

	(void)state;
	/* three disks; the mirror's first disk is away, and only the third knows of the last change */
	rig_mirror(&r, DYN_TABLE_MBR, DYN_TABLE_GPT);
	rig_blank(&r, 2, 64 * MIB);
	r.n = 3;
	rig_scan(&r, 0, 3);
	rig_upgrade(&r, 2, DYN_TABLE_MBR);
	rig_scan(&r, 2, 1);
	DO(&r, dyn_plan_create_simple(&r.s, r.m, 0, 4 * MIB, 'N', &p, &r.err), p);
	rig_scan(&r, 1, 2); /* the mirror's second disk, out of date, and the third */
	rig_refused(&r, dyn_plan_reactivate(&r.s, r.m, 0, &p, &r.err), -ENODEV, "cannot be known");
	rig_end(&r);
}

static void damaged_copy_is_replaced_and_its_halves_stay(void **state)
{
	uint8_t junk[512];
	struct dyn_plan *p = NULL;
	struct rig r;

	(void)state;
	rig_mirror(&r, DYN_TABLE_MBR, DYN_TABLE_GPT);
	memset(junk, 0x11, sizeof(junk));
	rig_put(r.path[1], (r.m->priv->disks[1].ph.private_start + LDM_CONFIG_START + 1) * 512, junk, sizeof(junk));
	rig_scan(&r, 0, 2);
	assert_false(r.m->priv->disks[1].current);
	assert_int_equal(dyn_plan_reactivate(&r.s, r.m, 1, &p, &r.err), 0);
	assert_null(dyn_plan_confirm(p));
	assert_int_equal(dyn_plan_n_steps(p), 1);
	rig_do(&r, 0, p);
	healthy(&r);
	assert_int_equal(r.m->volumes[0].layout, DYN_LAYOUT_MIRROR);
	rig_end(&r);
}

/* ------------------------------------------------------------------ power cuts */

enum cut_op {
	CUT_MIRROR,
	CUT_DELETE,
	CUT_RETAIN,
	CUT_ATTACH_RETAINED,
	CUT_DELETE_RETAINED,
	CUT_BASIC,
	CUT_CONVERT,
	CUT_CONVERT_JOIN,
	CUT_REACTIVATE,
	CUT_OPS
};

static void cut_rig(struct rig *r, enum cut_op op)
{
	struct dyn_plan *p = NULL;

	if (op == CUT_REACTIVATE) {
		rig_stale(r);
		return;
	}
	if (op == CUT_ATTACH_RETAINED) {
		rig_retained(r, DYN_TABLE_GPT, DYN_TABLE_MBR);
		assert_int_equal(dyn_plan_add_mirror(&r->s, r->m, 1, 1, DYN_TABLE_NONE, &p, &r->err), 0);
		rig_carry_out(p, SIZE_MAX);
		dyn_plan_free(p);
		rig_scan(r, 0, r->n);
		return;
	}
	rig_begin(r, 2, 64 * MIB);
	if (op == CUT_CONVERT || op == CUT_CONVERT_JOIN) {
		lay_data(r, 0, DYN_TABLE_GPT);
		if (op == CUT_CONVERT_JOIN)
			rig_upgrade(r, 1, DYN_TABLE_MBR);
		return;
	}
	rig_upgrade(r, 0, DYN_TABLE_MBR);
	rig_upgrade(r, 1, DYN_TABLE_GPT);
	if (op == CUT_DELETE)
		DO(r, dyn_plan_create_mirror(&r->s, r->m, (size_t[]){ 0, 1 }, 8 * MIB, 0, &p, &r->err), p);
	for (int i = 0; op != CUT_DELETE && i < 2; i++)
		DO(r, dyn_plan_create_simple(&r->s, r->m, 0, 4 * MIB, 0, &p, &r->err), p);
	if (op == CUT_DELETE_RETAINED)
		DO(r, dyn_plan_retain(&r->s, r->m, 0, &p, &r->err), p);
}

static int cut_plan(struct rig *r, enum cut_op op, struct dyn_plan **p)
{
	struct plan_copy copy = { 0 };

	switch (op) {
	case CUT_ATTACH_RETAINED: /* as a worker that has verified its copy does */
		copy.record = r->m->priv->disks[1].rebuilds[0].r;
		copy.record_slot = r->m->priv->disks[1].rebuilds[0].slot;
		snprintf(copy.volume_title, sizeof(copy.volume_title), "Volume2");
		return plan_attach(&r->s, r->m, &copy, p, &r->err);
	case CUT_MIRROR:
		return dyn_plan_create_mirror(&r->s, r->m, (size_t[]){ 0, 1 }, 8 * MIB, 0, p, &r->err);
	case CUT_RETAIN:
		return dyn_plan_retain(&r->s, r->m, 0, p, &r->err);
	case CUT_BASIC:
		return dyn_plan_to_basic(&r->s, r->m, 0, p, &r->err);
	case CUT_CONVERT:
	case CUT_CONVERT_JOIN:
		return dyn_plan_upgrade(&r->s, r->m, 0, DYN_TABLE_NONE, DYN_NONE, p, &r->err);
	case CUT_REACTIVATE:
		return dyn_plan_reactivate(&r->s, r->m, 1, p, &r->err);
	default:
		return dyn_plan_delete_volume(&r->s, r->m, 0, p, &r->err);
	}
}

/* The retained mark is part of the picture here. */
static void picture(const struct rig *r, char *dst, size_t n)
{
	rig_picture(r->m, dst, n);
	for (size_t i = 0; i < r->m->n_volumes; i++)
		if (r->m->volumes[i].group != DYN_NONE && record_of(r, i)->u.volume.vflags & LDM_VOL_RETAIN)
			snprintf(dst + strlen(dst), n - strlen(dst), " retained %zu", i);
}

static void finish_interrupted(struct rig *r, const char *what)
{
	struct dyn_plan *rec = NULL;

	for (size_t g = 0; g < r->m->n_groups; g++) {
		if (!r->m->groups[g].interrupted)
			continue;
		if (rig_recover(r, g, &rec))
			fail_msg("%s: %s", what, r->err.what);
		rig_carry_out(rec, SIZE_MAX);
		dyn_plan_free(rec);
		rig_scan(r, 0, r->n);
	}
	for (size_t g = 0; g < r->m->n_groups; g++)
		if (r->m->groups[g].problem[0])
			fail_msg("%s: %s", what, r->m->groups[g].problem);
}

/* What a person does with a disk that its group lists and that is basic: its volumes there, then the disk itself. */
static void forget_missing(struct rig *r)
{
	struct dyn_plan *p = NULL;

	while (r->m->n_groups && r->m->groups[0].n_missing) {
		size_t v = 0;
		while (v < r->m->n_volumes && r->m->volumes[v].status != DYN_VOLUME_FAILED)
			v++;
		if (v < r->m->n_volumes)
			DO(r, dyn_plan_delete_volume(&r->s, r->m, v, &p, &r->err), p);
		else
			DO(r, dyn_plan_delete_missing(&r->s, r->m, r->m->n_disks - 1, &p, &r->err), p);
	}
}

/* A reactivation that was cut off is asked for again; its rebuild is resumed, or the mirror added. */
static void finish_reactivation(struct rig *r)
{
	struct dyn_plan *p = NULL;

	if (!r->m->priv->disks[1].current)
		DO(r, dyn_plan_reactivate(&r->s, r->m, 1, &p, &r->err), p);
	if (r->m->n_jobs)
		DO(r, dyn_plan_resume(&r->s, r->m, 0, &p, &r->err), p);
	else if (r->m->volumes[0].layout == DYN_LAYOUT_SIMPLE)
		DO(r, dyn_plan_add_mirror(&r->s, r->m, 0, 1, DYN_TABLE_NONE, &p, &r->err), p);
}

static void one_cut(struct rig *r, enum cut_op op, const struct dyn_plan *p, size_t cut, const char *old,
		    const char *new, size_t *back, size_t *forward)
{
	char now[512], what[64];

	snprintf(what, sizeof(what), "op %d cut %zu", (int)op, cut);
	rig_carry_out(p, cut);
	rig_scan(r, 0, r->n);
	finish_interrupted(r, what);
	/* In both, between the table and the commit, the group lists a disk that is basic with all its data in reach.
	 */
	if (op == CUT_BASIC || op == CUT_CONVERT_JOIN)
		forget_missing(r);
	picture(r, now, sizeof(now));
	*back += strcmp(now, old) == 0;
	if (op == CUT_REACTIVATE) {
		finish_reactivation(r);
		picture(r, now, sizeof(now));
	}
	*forward += strcmp(now, new) == 0;
	if (strcmp(now, old) != 0 && strcmp(now, new) != 0)
		fail_msg("%s: %s", what, now);
	for (size_t i = 0; i < r->m->n_volumes && op != CUT_REACTIVATE; i++) /* what was there can always be read */
		if (r->m->volumes[i].status != DYN_VOLUME_HEALTHY && r->m->volumes[i].job == DYN_NONE)
			fail_msg("%s: status %d", what, (int)r->m->volumes[i].status);
	if (op == CUT_MIRROR && r->m->n_jobs) { /* cut off as soon as there is a volume, its rebuild can be continued */
		struct dyn_plan *resume = NULL;
		DO(r, dyn_plan_resume(&r->s, r->m, 0, &resume, &r->err), resume);
		healthy(r);
	}
}

static void every_cut_ends_old_or_new(void **state)
{
	(void)state;
	for (enum cut_op op = 0; op < CUT_OPS; op++) {
		char old[512], new[512], saved[MAX_DISKS][128];
		struct dyn_plan *p = NULL;
		struct rig r;
		size_t total, back = 0, forward = 0;

		cut_rig(&r, op);
		picture(&r, old, sizeof(old));
		for (size_t i = 0; i < r.n; i++) {
			snprintf(saved[i], sizeof(saved[i]), "%s.old", r.path[i]);
			rig_copy_file(r.path[i], saved[i]);
		}
		if (cut_plan(&r, op, &p))
			fail_msg("%s", r.err.what);
		total = rig_carry_out(p, SIZE_MAX);
		rig_scan(&r, 0, r.n);
		if (op == CUT_REACTIVATE)
			finish_reactivation(&r);
		picture(&r, new, sizeof(new));
		assert_string_not_equal(old, new);
		for (size_t cut = 0; cut <= total; cut++) {
			for (size_t i = 0; i < r.n; i++)
				rig_copy_file(saved[i], r.path[i]);
			one_cut(&r, op, p, cut, old, new, &back, &forward);
		}
		if (back < (op == CUT_BASIC ? 1 : 2) || forward < 2)
			fail_msg("op %d: %zu cuts end old, %zu new, of %zu", (int)op, back, forward, total);
		dyn_plan_free(p);
		for (size_t i = 0; i < r.n; i++)
			unlink(saved[i]);
		rig_end(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_mirror_is_copied_before_it_is_one),
		cmocka_unit_test(what_undo_brings_back_is_said_beforehand),
		cmocka_unit_test(delete_frees_both_halves),
		cmocka_unit_test(delete_of_a_basic_volume_is_its_entry),
		cmocka_unit_test(retain_gives_an_entry_and_delete_takes_it_back),
		cmocka_unit_test(merged_entries_keep_the_first_slot),
		cmocka_unit_test(mirror_of_a_retained_volume_can_be_started_from),
		cmocka_unit_test(without_a_free_slot_the_half_has_no_entry),
		cmocka_unit_test(retain_counts_to_four),
		cmocka_unit_test(empty_disk_becomes_basic),
		cmocka_unit_test(simple_volumes_become_partitions),
		cmocka_unit_test(five_volumes_do_not_fit_an_mbr),
		cmocka_unit_test(partitions_become_volumes_and_partitions_again),
		cmocka_unit_test(a_sleeping_windows_keeps_its_disk),
		cmocka_unit_test(converted_disk_takes_part_like_any_other),
		cmocka_unit_test(conversion_refuses_with_the_rule),
		cmocka_unit_test(stale_disk_is_brought_up_to_date),
		cmocka_unit_test(recovery_leaves_a_stale_disk_stale),
		cmocka_unit_test(which_half_is_newer_is_not_guessed),
		cmocka_unit_test(damaged_copy_is_replaced_and_its_halves_stay),
		cmocka_unit_test(every_cut_ends_old_or_new),
	};
	return cmocka_run_group_tests_name("dynamic", tests, NULL, NULL);
}
