/* SPDX-License-Identifier: GPL-3.0-or-later */
/* partition_test.c - partitions created, changed and deleted on image files, and what is refused. */
#include <fcntl.h>
#include <unistd.h>

#include "tests/unit/plan_rig.h"

#define RECOVERY TABLE_GPT_RECOVERY

static void create(struct rig *r, size_t disk, enum dyn_part_kind kind, uint64_t mib)
{
	struct dyn_part_spec spec = { .kind = kind, .size = mib * MIB };
	struct dyn_plan *p = NULL;

	DO(r, dyn_plan_create_partition(&r->s, r->m, disk, &spec, &p, &r->err), p);
}

static void no_create(struct rig *r, struct dyn_part_spec spec, int code, const char *word)
{
	struct dyn_plan *p = NULL;

	rig_refused(r, dyn_plan_create_partition(&r->s, r->m, 0, &spec, &p, &r->err), code, word);
	assert_null(p);
}

static void delete(struct rig *r, size_t part, bool override)
{
	struct dyn_plan *p = NULL;

	DO(r, dyn_plan_delete_partition(&r->s, r->m, 0, part, override, &p, &r->err), p);
}

static void init(struct rig *r, size_t disk, enum dyn_table table)
{
	struct dyn_plan *p = NULL;

	DO(r, dyn_plan_initialize(&r->s, r->m, disk, table, &p, &r->err), p);
}

/* Partition `i` (from 0) of disk 0: what, where in KiB, how large in KiB. */
static void assert_part(const struct rig *r, size_t i, const char *type, uint64_t offset, uint64_t size)
{
	const struct dyn_partition *p = &r->m->disks[0].partitions[i];

	assert_true(i < r->m->disks[0].n_partitions);
	assert_int_equal(p->number, i + 1);
	assert_string_equal(p->type_word, type);
	assert_u64(p->offset, offset << 10);
	assert_u64(p->size, size << 10);
	assert_int_equal(r->m->disks[0].n_damage, 0);
}

/* -------------------------------------------------------------------------- GPT */

/* The guides' order: convert gpt, delete the MSR it made, ESP first, MSR behind it, a data partition. */
static void gpt_as_the_guides_do_it(void **state)
{
	struct dyn_plan *p = NULL;
	struct rig r;

	(void)state;
	rig_begin(&r, 1, 512 * MIB);
	init(&r, 0, DYN_TABLE_GPT);
	assert_int_equal(r.m->disks[0].n_partitions, 1);
	assert_part(&r, 0, "Reserved", 17, 32 << 10);
	rig_refused(&r, dyn_plan_delete_partition(&r.s, r.m, 0, 0, false, &p, &r.err), -EACCES, "protected");
	delete(&r, 0, true);
	assert_int_equal(r.m->disks[0].n_partitions, 0);
	create(&r, 0, DYN_PART_EFI, 100);
	create(&r, 0, DYN_PART_MSR, 16);
	create(&r, 0, DYN_PART_PRIMARY, 0);
	assert_int_equal(r.m->disks[0].n_partitions, 3);
	assert_part(&r, 0, "System", 1024, 100 << 10);
	assert_part(&r, 1, "Reserved", 101 << 10, 16 << 10);
	assert_part(&r, 2, "Primary", 117 << 10, (511 - 117) << 10); /* whole MiB, the backup table behind them */
	assert_string_equal(r.m->disks[0].partitions[0].name, "EFI system partition");
	assert_string_equal(r.m->disks[0].partitions[1].name, "Microsoft reserved partition");
	assert_string_equal(r.m->disks[0].partitions[2].name, "Basic data partition");
	assert_string_equal(r.m->disks[0].partitions[2].type_id, TABLE_GPT_BASIC);
	assert_string_equal(r.m->volumes[r.m->disks[0].partitions[2].volume].guid, r.m->disks[0].partitions[2].guid);
	assert_true(r.m->disks[0].partitions[1].volume == DYN_NONE); /* nobody reads an MSR */
	no_create(&r, (struct dyn_part_spec){ .kind = DYN_PART_PRIMARY, .size = 3 * MIB }, -ENOSPC, "usable space");
	no_create(&r, (struct dyn_part_spec){ .kind = DYN_PART_PRIMARY }, -ENOSPC, "usable space");
	no_create(&r, (struct dyn_part_spec){ .kind = DYN_PART_EXTENDED }, -EINVAL, "GPT disk");
	no_create(&r, (struct dyn_part_spec){ .kind = DYN_PART_LOGICAL }, -EINVAL, "GPT disk");
	rig_end(&r);
}

static void the_preview_says_it_in_diskparts_words(void **state)
{
	struct dyn_part_spec spec = { .kind = DYN_PART_EFI, .size = 350 * MIB };
	struct dyn_plan *p = NULL;
	struct rig r;

	(void)state;
	rig_begin(&r, 1, 512 * MIB);
	init(&r, 0, DYN_TABLE_GPT);
	delete(&r, 0, true);
	assert_int_equal(dyn_plan_create_partition(&r.s, r.m, 0, &spec, &p, &r.err), 0);
	assert_int_equal(dyn_plan_n_steps(p), 1);
	assert_string_equal(dyn_plan_step(p, 0)->words, "Create an EFI system partition of 350 MB on Disk 0");
	assert_string_equal(dyn_plan_step(p, 0)->diskpart, "select disk 0\ncreate partition efi size=350");
	assert_false(dyn_plan_step(p, 0)->destroys);
	assert_null(dyn_plan_confirm(p));
	rig_do(&r, 0, p);
	create(&r, 0, DYN_PART_PRIMARY, 64);
	assert_int_equal(dyn_plan_delete_partition(&r.s, r.m, 0, 1, false, &p, &r.err), 0);
	assert_string_equal(dyn_plan_step(p, 0)->diskpart, "select disk 0\nselect partition 2\ndelete partition");
	assert_string_equal(dyn_plan_step(p, 0)->effect, "ERASES Volume 1");
	assert_true(dyn_plan_step(p, 0)->destroys);
	assert_string_equal(dyn_plan_confirm(p), "d0.img");
	dyn_plan_free(p);
	rig_end(&r);
}

static void exact_places(void **state)
{
	struct dyn_part_spec spec = { .kind = DYN_PART_PRIMARY, .size = 10 * MIB, .offset = 40 * MIB + 4096 };
	struct dyn_plan *p = NULL;
	struct rig r;

	(void)state;
	rig_begin(&r, 1, 256 * MIB);
	init(&r, 0, DYN_TABLE_GPT);
	DO(&r, dyn_plan_create_partition(&r.s, r.m, 0, &spec, &p, &r.err), p);
	assert_part(&r, 1, "Primary", (40 << 10) + 4, 10 << 10);
	spec.offset = 45 * MIB; /* inside the first one */
	no_create(&r, spec, -ENOSPC, "at that offset");
	spec.offset = 255 * MIB + 512 * 1024; /* into the backup table */
	no_create(&r, spec, -ENOSPC, "at that offset");
	spec = (struct dyn_part_spec){ .kind = DYN_PART_PRIMARY, .size = 5 * MIB, .align = 64 << 10 };
	DO(&r, dyn_plan_create_partition(&r.s, r.m, 0, &spec, &p, &r.err), p);
	assert_part(&r, 1, "Primary", (32 << 10) + 64, 5 << 10); /* the first 64 KiB boundary behind the MSR */
	spec.align = 1000;
	no_create(&r, spec, -EINVAL, "begin on a sector");
	rig_end(&r);
}

static void types_and_attributes(void **state)
{
	static const char *const never[] = { LDM_GPT_DATA, LDM_GPT_META, LDM_GPT_MSR, "db97dba9-0840-4bae-97f0-ffb9a327c7e1",
					     "00000000-0000-0000-0000-000000000000" };
	char guid[37];
	struct dyn_plan *p = NULL;
	struct rig r;

	(void)state;
	rig_begin(&r, 1, 256 * MIB);
	init(&r, 0, DYN_TABLE_GPT);
	create(&r, 0, DYN_PART_PRIMARY, 20);
	memcpy(guid, r.m->disks[0].partitions[1].guid, sizeof(guid));
	DO(&r, dyn_plan_set_id(&r.s, r.m, 0, 1, "DE94BBA4-06d1-4d40-a16a-bfd50179d6ac", false, &p, &r.err), p);
	assert_string_equal(r.m->disks[0].partitions[1].type_word, "Recovery");
	assert_string_equal(r.m->disks[0].partitions[1].guid, guid); /* the same partition, for whoever refers to it */
	assert_string_equal(r.m->disks[0].partitions[1].name, "Basic data partition");
	rig_refused(&r, dyn_plan_set_id(&r.s, r.m, 0, 1, RECOVERY, false, &p, &r.err), -EALREADY, "has this type");
	DO(&r, dyn_plan_gpt_attributes(&r.s, r.m, 0, 1, 0x8000000000000001, &p, &r.err), p);
	assert_u64(r.m->disks[0].partitions[1].attributes, 0x8000000000000001);
	assert_string_equal(r.m->disks[0].partitions[1].guid, guid);
	rig_refused(&r, dyn_plan_delete_partition(&r.s, r.m, 0, 1, false, &p, &r.err), -EACCES, "protected");
	DO(&r, dyn_plan_gpt_attributes(&r.s, r.m, 0, 1, 0, &p, &r.err), p);
	assert_u64(r.m->disks[0].partitions[1].attributes, 0);
	rig_refused(&r, dyn_plan_gpt_attributes(&r.s, r.m, 0, 1, 0x10, &p, &r.err), -EINVAL, "reserved");
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		rig_refused(&r, dyn_plan_set_id(&r.s, r.m, 0, 1, never[i], true, &p, &r.err), -EPERM, "");
	rig_refused(&r, dyn_plan_set_id(&r.s, r.m, 0, 1, "27", true, &p, &r.err), -EINVAL, "not a partition type");
	rig_refused(&r, dyn_plan_set_id(&r.s, r.m, 0, 0, TABLE_GPT_BASIC, true, &p, &r.err), -EPERM, "must not be changed");
	rig_refused(&r, dyn_plan_set_active(&r.s, r.m, 0, 1, true, &p, &r.err), -EINVAL, "GPT disk");
	assert_int_equal(dyn_plan_set_id(&r.s, r.m, 0, 2, RECOVERY, false, &p, &r.err), -EINVAL);
	rig_end(&r);
}

static void a_table_that_cannot_be_read_is_not_edited(void **state)
{
	struct dyn_plan *p = NULL;
	struct rig r;

	(void)state;
	rig_begin(&r, 1, 128 * MIB);
	init(&r, 0, DYN_TABLE_GPT);
	create(&r, 0, DYN_PART_PRIMARY, 20);
	rig_put(r.path[0], 1024 + 128 + 56, "A", 1);
	rig_scan(&r, 0, 1);
	assert_int_equal(r.m->disks[0].status, DYN_DISK_ERRORS); /* one copy is bad: the other is used, and both are written */
	DO(&r, dyn_plan_set_id(&r.s, r.m, 0, 1, RECOVERY, false, &p, &r.err), p);
	assert_int_equal(r.m->disks[0].status, DYN_DISK_ONLINE);
	rig_put(r.path[0], 1024 + 128 + 56, "A", 1);
	rig_put(r.path[0], 128 * MIB - 33 * 512 + 128 + 56, "A", 1);
	rig_scan(&r, 0, 1);
	assert_int_equal(r.m->disks[0].status, DYN_DISK_UNREADABLE);
	rig_refused(&r, dyn_plan_unique_id(&r.s, r.m, 0, NULL, &p, &r.err), -EBADMSG, "Disk 0 holds is not known: Its partition table cannot be used");
	rig_end(&r);
}

/* -------------------------------------------------------------------------- MBR */

static void mbr_primaries_and_logicals(void **state)
{
	struct dyn_plan *p = NULL;
	struct rig r;

	(void)state;
	rig_begin(&r, 1, 256 * MIB);
	init(&r, 0, DYN_TABLE_MBR);
	no_create(&r, (struct dyn_part_spec){ .kind = DYN_PART_EFI }, -EINVAL, "MBR disk");
	no_create(&r, (struct dyn_part_spec){ .kind = DYN_PART_MSR }, -EINVAL, "MBR disk");
	no_create(&r, (struct dyn_part_spec){ .kind = DYN_PART_LOGICAL }, -ENOENT, "no extended");
	create(&r, 0, DYN_PART_PRIMARY, 50);
	create(&r, 0, DYN_PART_EXTENDED, 100);
	assert_part(&r, 0, "Primary", 1024, 50 << 10);
	assert_part(&r, 1, "Extended", 51 << 10, 100 << 10);
	no_create(&r, (struct dyn_part_spec){ .kind = DYN_PART_EXTENDED }, -EEXIST, "already");
	create(&r, 0, DYN_PART_LOGICAL, 20);
	create(&r, 0, DYN_PART_LOGICAL, 30);
	create(&r, 0, DYN_PART_LOGICAL, 0);
	assert_part(&r, 2, "Logical", 52 << 10, 20 << 10);
	assert_part(&r, 3, "Logical", 73 << 10, 30 << 10);
	assert_part(&r, 4, "Logical", 104 << 10, 47 << 10);
	create(&r, 0, DYN_PART_PRIMARY, 20);
	create(&r, 0, DYN_PART_PRIMARY, 0);
	assert_part(&r, 6, "Primary", 171 << 10, (255 - 171) << 10); /* the last MiB stays free for LDM */
	no_create(&r, (struct dyn_part_spec){ .kind = DYN_PART_PRIMARY, .size = MIB }, -ENOSPC, "maximum number of supported partitions");
	assert_non_null(strstr(r.err.way_out, "logical"));
	rig_refused(&r, dyn_plan_delete_partition(&r.s, r.m, 0, 1, false, &p, &r.err), -ENOTEMPTY, "not empty");
	/* out of the middle, the first, put something before what is left, then the rest */
	delete(&r, 3, false);
	assert_part(&r, 3, "Logical", 104 << 10, 47 << 10);
	delete(&r, 2, false);
	assert_part(&r, 2, "Logical", 104 << 10, 47 << 10);
	create(&r, 0, DYN_PART_LOGICAL, 10);
	assert_part(&r, 2, "Logical", 52 << 10, 10 << 10);
	assert_part(&r, 3, "Logical", 104 << 10, 47 << 10);
	create(&r, 0, DYN_PART_LOGICAL, 0);
	assert_part(&r, 3, "Logical", 63 << 10, 40 << 10);
	for (int i = 0; i < 3; i++)
		delete(&r, 2, false);
	delete(&r, 1, false);
	assert_part(&r, 1, "Primary", 151 << 10, 20 << 10);
	rig_end(&r);
}

static void mbr_active_and_types(void **state)
{
	static const char *const never[] = { "42", "0x42", "05", "0f", "00", "ee" };
	struct dyn_plan *p = NULL;
	struct rig r;

	(void)state;
	rig_begin(&r, 1, 256 * MIB);
	init(&r, 0, DYN_TABLE_MBR);
	create(&r, 0, DYN_PART_PRIMARY, 50);
	create(&r, 0, DYN_PART_PRIMARY, 50);
	DO(&r, dyn_plan_set_active(&r.s, r.m, 0, 0, true, &p, &r.err), p);
	assert_true(r.m->disks[0].partitions[0].active && !r.m->disks[0].partitions[1].active);
	rig_refused(&r, dyn_plan_set_active(&r.s, r.m, 0, 0, true, &p, &r.err), -EALREADY, "active already");
	DO(&r, dyn_plan_set_active(&r.s, r.m, 0, 1, true, &p, &r.err), p);
	assert_true(!r.m->disks[0].partitions[0].active && r.m->disks[0].partitions[1].active);
	DO(&r, dyn_plan_set_active(&r.s, r.m, 0, 1, false, &p, &r.err), p);
	assert_false(r.m->disks[0].partitions[1].active);
	DO(&r, dyn_plan_set_id(&r.s, r.m, 0, 1, "27", false, &p, &r.err), p);
	assert_string_equal(r.m->disks[0].partitions[1].type_word, "Recovery");
	assert_string_equal(r.m->disks[0].partitions[1].type_id, "27");
	rig_refused(&r, dyn_plan_delete_partition(&r.s, r.m, 0, 1, false, &p, &r.err), -EACCES, "protected");
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		rig_refused(&r, dyn_plan_set_id(&r.s, r.m, 0, 0, never[i], true, &p, &r.err), -EPERM, "never set by hand");
	rig_refused(&r, dyn_plan_set_id(&r.s, r.m, 0, 0, "777", true, &p, &r.err), -EINVAL, "not a partition type");
	rig_refused(&r, dyn_plan_gpt_attributes(&r.s, r.m, 0, 0, 1, &p, &r.err), -EINVAL, "no attributes");
	rig_end(&r);
}

/* ---------------------------------------------------------------------- dynamic */

static void dynamic_disks_keep_their_ldm_partitions(void **state)
{
	static const enum dyn_table kinds[] = { DYN_TABLE_MBR, DYN_TABLE_GPT };
	struct dyn_plan *p = NULL;
	struct rig r;

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		rig_mirror(&r, kinds[k], kinds[k]);
		for (size_t i = 0; i < r.m->disks[0].n_partitions; i++) {
			const char *word = r.m->disks[0].partitions[i].type_word;
			assert_true(r.m->disks[0].partitions[i].volume == DYN_NONE);
			if (strncmp(word, "Dynamic", 7) == 0)
				rig_refused(&r, dyn_plan_delete_partition(&r.s, r.m, 0, i, true, &p, &r.err), -EPERM, "belongs to LDM");
			rig_refused(&r, dyn_plan_set_id(&r.s, r.m, 0, i, kinds[k] == DYN_TABLE_MBR ? "07" : TABLE_GPT_BASIC, true, &p,
							&r.err), -EMEDIUMTYPE, "dynamic disk");
		}
		no_create(&r, (struct dyn_part_spec){ .kind = DYN_PART_PRIMARY }, -EMEDIUMTYPE, "dynamic disk");
		rig_end(&r);
	}
	rig_begin(&r, 1, 64 * MIB);
	no_create(&r, (struct dyn_part_spec){ .kind = DYN_PART_PRIMARY }, -ENXIO, "no partition table");
	rig_end(&r);
}

/* Flags and other people's partitions beside LDM's may change; the group does not notice. */
static void beside_ldm(void **state)
{
	struct dyn_plan *p = NULL;
	struct rig r;

	(void)state;
	rig_mirror(&r, DYN_TABLE_MBR, DYN_TABLE_MBR);
	DO(&r, dyn_plan_set_active(&r.s, r.m, 0, 0, true, &p, &r.err), p);
	assert_true(r.m->disks[0].partitions[0].active);
	assert_string_equal(r.m->disks[0].partitions[0].type_id, "42");
	DO(&r, dyn_plan_unique_id(&r.s, r.m, 0, NULL, &p, &r.err), p);
	assert_int_equal(r.m->disks[0].status, DYN_DISK_ONLINE);
	assert_int_equal(r.m->volumes[0].status, DYN_VOLUME_HEALTHY);
	rig_end(&r);

	rig_begin(&r, 1, 128 * MIB);
	init(&r, 0, DYN_TABLE_GPT);
	delete(&r, 0, true);
	create(&r, 0, DYN_PART_EFI, 35);
	create(&r, 0, DYN_PART_MSR, 16);
	rig_upgrade(&r, 0, DYN_TABLE_NONE);
	DO(&r, dyn_plan_create_simple(&r.s, r.m, 0, 8 * MIB, 'C', &p, &r.err), p);
	rig_refused(&r, dyn_plan_delete_partition(&r.s, r.m, 0, 0, false, &p, &r.err), -EACCES, "protected");
	delete(&r, 0, true);
	assert_string_equal(r.m->disks[0].partitions[0].type_word, "Dynamic Reserved");
	DO(&r, dyn_plan_unique_id(&r.s, r.m, 0, NULL, &p, &r.err), p);
	assert_int_equal(r.m->disks[0].status, DYN_DISK_ONLINE);
	assert_int_equal(r.m->volumes[0].letter, 'C');
	assert_int_equal(r.m->volumes[0].status, DYN_VOLUME_HEALTHY);
	rig_end(&r);
}

/* An entry that leaves the disk says nothing about what is free; it can be deleted. */
static void a_partition_past_the_end(void **state)
{
	struct dyn_plan *p = NULL;
	struct rig r;
	uint32_t size = 1000000;

	(void)state;
	rig_begin(&r, 1, 128 * MIB);
	init(&r, 0, DYN_TABLE_MBR);
	create(&r, 0, DYN_PART_PRIMARY, 10);
	rig_put(r.path[0], 446 + 12, &size, 4);
	rig_scan(&r, 0, 1);
	assert_u64(r.m->disks[0].partitions[0].size, 127 * MIB);
	no_create(&r, (struct dyn_part_spec){ .kind = DYN_PART_PRIMARY }, -EUCLEAN, "past the end");
	DO(&r, dyn_plan_delete_partition(&r.s, r.m, 0, 0, false, &p, &r.err), p);
	create(&r, 0, DYN_PART_PRIMARY, 0);
	assert_part(&r, 0, "Primary", 1024, 126 << 10);
	rig_end(&r);
}

static void unique_ids(void **state)
{
	static const char guid[] = "baf784e7-6bbd-4cfb-aaac-e86c96e166ee";
	struct dyn_plan *p = NULL;
	struct rig r;
	uint32_t old;

	(void)state;
	rig_begin(&r, 3, 64 * MIB);
	init(&r, 0, DYN_TABLE_MBR);
	init(&r, 1, DYN_TABLE_MBR);
	init(&r, 2, DYN_TABLE_GPT);
	create(&r, 0, DYN_PART_PRIMARY, 10);
	DO(&r, dyn_plan_unique_id(&r.s, r.m, 0, "5f1b2c36", &p, &r.err), p);
	assert_int_equal(r.m->priv->disks[0].table.mbr_signature, 0x5f1b2c36);
	assert_int_equal(r.m->disks[0].n_partitions, 1);
	rig_refused(&r, dyn_plan_unique_id(&r.s, r.m, 0, "5F1B2C36", &p, &r.err), -EALREADY, "Disk 0");
	rig_refused(&r, dyn_plan_unique_id(&r.s, r.m, 1, "5F1B2C36", &p, &r.err), -EEXIST, "Disk 0");
	rig_refused(&r, dyn_plan_unique_id(&r.s, r.m, 1, "5f1b2c367", &p, &r.err), -EINVAL, "not the id");
	rig_refused(&r, dyn_plan_unique_id(&r.s, r.m, 1, guid, &p, &r.err), -EINVAL, "not the id");
	rig_refused(&r, dyn_plan_unique_id(&r.s, r.m, 2, "5f1b2c36", &p, &r.err), -EINVAL, "not the id");
	old = r.m->priv->disks[1].table.mbr_signature;
	DO(&r, dyn_plan_unique_id(&r.s, r.m, 1, NULL, &p, &r.err), p);
	assert_true(r.m->priv->disks[1].table.mbr_signature != old && r.m->priv->disks[1].table.mbr_signature != 0);
	DO(&r, dyn_plan_unique_id(&r.s, r.m, 2, "BAF784E7-6bbd-4cfb-aaac-e86c96e166ee", &p, &r.err), p);
	assert_string_equal(r.m->disks[2].guid, guid);
	assert_int_equal(r.m->disks[2].n_partitions, 1);
	assert_int_equal(r.m->disks[2].n_damage, 0);
	rig_end(&r);
}

/* ------------------------------------------------------------------------ clean */

static bool all_zero(const char *path, uint64_t from, uint64_t n)
{
	uint8_t *b = malloc(n);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool zero = true;

	assert_int_equal(dyn_pread_full(fd, b, n, from), 0);
	for (uint64_t i = 0; i < n; i++)
		zero &= b[i] == 0;
	close(fd);
	free(b);
	return zero;
}

static void clean_forgets_a_basic_disk(void **state)
{
	static const enum dyn_table kinds[] = { DYN_TABLE_MBR, DYN_TABLE_GPT };
	uint8_t mark[512];
	struct dyn_plan *p = NULL;
	struct rig r;

	(void)state;
	memset(mark, 0x5a, sizeof(mark));
	for (size_t k = 0; k < 2; k++) {
		rig_begin(&r, 1, 64 * MIB);
		init(&r, 0, kinds[k]);
		create(&r, 0, DYN_PART_PRIMARY, 8);
		rig_put(r.path[0], MIB - 512, mark, 512);
		rig_put(r.path[0], MIB, mark, 512);
		rig_put(r.path[0], 63 * MIB - 512, mark, 512);
		rig_put(r.path[0], 63 * MIB, mark, 512);
		rig_scan(&r, 0, 1);
		assert_int_equal(dyn_plan_clean(&r.s, r.m, 0, false, &p, &r.err), 0);
		assert_string_equal(dyn_plan_step(p, 0)->diskpart, "select disk 0\nclean");
		assert_string_equal(dyn_plan_step(p, 0)->effect, "ERASES DISK 0");
		assert_true(dyn_plan_step(p, 0)->destroys);
		assert_string_equal(dyn_plan_confirm(p), "d0.img");
		assert_string_equal(dyn_plan_note(p, 0), "These volumes of Disk 0 are lost: Volume 0.");
		rig_do(&r, 0, p);
		assert_int_equal(r.m->disks[0].status, DYN_DISK_NOT_INITIALIZED);
		assert_true(r.m->disks[0].blank);
		assert_true(all_zero(r.path[0], 0, MIB) && all_zero(r.path[0], 63 * MIB, MIB));
		assert_false(all_zero(r.path[0], MIB, 512)); /* the rest is as it was */
		assert_false(all_zero(r.path[0], 63 * MIB - 512, 512));
		init(&r, 0, kinds[1 - k]);
		rig_end(&r);
	}
}

static void clean_takes_an_empty_dynamic_disk_out_of_its_group(void **state)
{
	static const enum dyn_table kinds[] = { DYN_TABLE_MBR, DYN_TABLE_GPT };
	struct dyn_plan *p = NULL;
	struct rig r;

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		rig_mirror(&r, kinds[k], kinds[1 - k]);
		rig_refused(&r, dyn_plan_clean(&r.s, r.m, 0, false, &p, &r.err), -EBUSY, "still holds parts of: C:");
		rig_refused(&r, dyn_plan_clean(&r.s, r.m, 1, true, &p, &r.err), -EBUSY, "still holds parts of: C:");
		DO(&r, dyn_plan_break(&r.s, r.m, 0, 1, false, &p, &r.err), p);
		rig_refused(&r, dyn_plan_clean(&r.s, r.m, 0, false, &p, &r.err), -EBUSY, "still holds parts of: C:");
		DO(&r, dyn_plan_clean(&r.s, r.m, 1, false, &p, &r.err), p);
		assert_int_equal(r.m->n_disks, 2); /* no Disk M0 waits for it */
		assert_int_equal(r.m->disks[1].status, DYN_DISK_NOT_INITIALIZED);
		assert_int_equal(r.m->groups[0].n_disks, 1);
		assert_string_equal(r.m->groups[0].problem, "");
		assert_int_equal(r.m->volumes[0].status, DYN_VOLUME_HEALTHY);
		rig_upgrade(&r, 1, kinds[k]); /* and may come back */
		DO(&r, dyn_plan_add_mirror(&r.s, r.m, 0, 1, DYN_TABLE_NONE, &p, &r.err), p);
		assert_int_equal(r.m->volumes[0].layout, DYN_LAYOUT_MIRROR);
		rig_end(&r);
	}
	/* the only disk of a group, and one that a rebuild fills */
	rig_begin(&r, 2, 64 * MIB);
	rig_upgrade(&r, 0, DYN_TABLE_MBR);
	DO(&r, dyn_plan_clean(&r.s, r.m, 0, false, &p, &r.err), p);
	assert_int_equal(r.m->n_groups, 0);
	rig_upgrade(&r, 0, DYN_TABLE_MBR);
	DO(&r, dyn_plan_create_simple(&r.s, r.m, 0, 8 * MIB, 'C', &p, &r.err), p);
	assert_int_equal(dyn_plan_add_mirror(&r.s, r.m, 0, 1, DYN_TABLE_MBR, &p, &r.err), 0);
	rig_carry_out(p, SIZE_MAX);
	dyn_plan_free(p);
	rig_scan(&r, 0, 2);
	rig_refused(&r, dyn_plan_clean(&r.s, r.m, 1, false, &p, &r.err), -EBUSY, "target of a rebuild");
	rig_end(&r);
}

static void clean_all_says_that_it_is_final(void **state)
{
	struct dyn_plan *p = NULL;
	struct rig r;

	(void)state;
	rig_begin(&r, 1, 64 * MIB);
	init(&r, 0, DYN_TABLE_GPT);
	assert_int_equal(dyn_plan_clean(&r.s, r.m, 0, true, &p, &r.err), 0);
	assert_int_equal(dyn_plan_n_steps(p), 1);
	assert_int_equal(dyn_plan_step(p, 0)->kind, DYN_STEP_IMAGE);
	assert_u64(dyn_plan_step(p, 0)->size, 64 * MIB);
	assert_u64(dyn_plan_step(p, 0)->target_offset, 0);
	assert_true(dyn_plan_step(p, 0)->destroys);
	assert_string_equal(dyn_plan_step(p, 0)->diskpart, "select disk 0\nclean all");
	assert_string_equal(dyn_plan_confirm(p), "d0.img");
	assert_non_null(strstr(dyn_plan_note(p, 0), "cannot be undone"));
	dyn_plan_free(p);
	rig_end(&r);
}

/* ------------------------------------------------------------------------ clone */

/* Disk 0 as the OVH guide shows it: ESP, MSR, then dynamic; and a recovery partition at `tail` MiB (0: none). */
static void ovh_disk(struct rig *r, uint64_t size, uint64_t tail)
{
	struct dyn_part_spec spec = { .kind = DYN_PART_PRIMARY, .size = 30 * MIB + 512, .offset = tail * MIB, .id = RECOVERY };
	struct dyn_plan *p = NULL;

	rig_begin(r, 2, size);
	init(r, 0, DYN_TABLE_GPT);
	delete(r, 0, true);
	create(r, 0, DYN_PART_EFI, 35);
	create(r, 0, DYN_PART_MSR, 16);
	if (tail) {
		DO(r, dyn_plan_create_partition(&r->s, r->m, 0, &spec, &p, &r->err), p);
		DO(r, dyn_plan_gpt_attributes(&r->s, r->m, 0, 2, 0x8000000000000001, &p, &r->err), p);
	}
	rig_upgrade(r, 0, DYN_TABLE_NONE);
}

static void clone_makes_the_guides_layout(void **state)
{
	static const char *const lines[] = {
		"select disk 1\nconvert gpt", "select partition 1\ndelete partition override", "create partition efi size=35",
		"create partition msr size=16",
		"create partition primary size=31 offset=204800\nset id=" RECOVERY "\ngpt attributes=0x8000000000000001",
	};
	struct dyn_plan *p = NULL;
	const struct dyn_partition *a, *b;
	struct rig r;

	(void)state;
	ovh_disk(&r, 256 * MIB, 200);
	assert_string_equal(r.m->disks[0].partitions[1].type_word, "Dynamic Reserved");
	assert_int_equal(dyn_plan_clone_layout(&r.s, r.m, 0, 1, &p, &r.err), 0);
	assert_string_equal(dyn_plan_title(p), "Prepare Disk 1 like Disk 0");
	assert_int_equal(dyn_plan_n_steps(p), 5);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(dyn_plan_step(p, i)->diskpart, lines[i]);
	assert_string_equal(dyn_plan_confirm(p), "d1.img");
	for (size_t i = 0; i < 5; i++)
		for (size_t k = 0; k < dyn_plan_step(p, i)->n_writes; k++)
			assert_int_equal(dyn_plan_step(p, i)->writes[k].disk, 1);
	rig_do(&r, 0, p);
	a = r.m->disks[0].partitions;
	b = r.m->disks[1].partitions;
	assert_int_equal(r.m->disks[1].n_partitions, 3);
	assert_string_equal(b[0].type_word, "System");
	assert_u64(b[0].offset, a[0].offset);
	assert_u64(b[0].size, a[0].size);
	assert_string_not_equal(b[0].guid, a[0].guid);
	assert_string_equal(b[1].type_word, "Reserved"); /* Dynamic Reserved and Reserved together */
	assert_u64(b[1].offset, a[1].offset);
	assert_u64(b[1].size, 16 * MIB);
	assert_string_equal(b[2].type_word, "Recovery");
	assert_u64(b[2].offset, 200 * MIB);
	assert_u64(b[2].size, 30 * MIB + 512);
	assert_u64(b[2].attributes, 0x8000000000000001);
	assert_string_equal(b[2].name, "Basic data partition");
	rig_refused(&r, dyn_plan_clone_layout(&r.s, r.m, 0, 1, &p, &r.err), -ENOTEMPTY, "has partitions");
	rig_refused(&r, dyn_plan_clone_layout(&r.s, r.m, 0, 0, &p, &r.err), -EINVAL, "itself");
	/* converted, the two are the same to the sector */
	rig_upgrade(&r, 1, DYN_TABLE_NONE);
	a = r.m->disks[0].partitions;
	b = r.m->disks[1].partitions;
	assert_int_equal(r.m->disks[1].n_partitions, r.m->disks[0].n_partitions);
	for (size_t i = 0; i < r.m->disks[0].n_partitions; i++) {
		assert_string_equal(a[i].type_id, b[i].type_id);
		assert_u64(a[i].offset, b[i].offset);
		assert_u64(a[i].size, b[i].size);
	}
	rig_end(&r);
}

static void clone_fits_disks_of_other_sizes(void **state)
{
	struct dyn_plan *p = NULL;
	struct rig r;

	(void)state;
	ovh_disk(&r, 256 * MIB, 200);
	DO(&r, dyn_plan_create_simple(&r.s, r.m, 0, 90 * MIB, 'C', &p, &r.err), p); /* up to 52 + 90 MiB */
	rig_blank(&r, 1, 210 * MIB); /* the recovery partition moves up */
	rig_scan(&r, 0, 2);
	DO(&r, dyn_plan_clone_layout(&r.s, r.m, 0, 1, &p, &r.err), p);
	assert_u64(r.m->disks[1].partitions[2].offset, 179 * MIB);
	assert_u64(r.m->disks[1].partitions[2].size, 30 * MIB + 512);
	rig_blank(&r, 1, 160 * MIB); /* here it would lie in the room that the volume needs */
	rig_scan(&r, 0, 2);
	rig_refused(&r, dyn_plan_clone_layout(&r.s, r.m, 0, 1, &p, &r.err), -ENOSPC, "more to be laid out like Disk 0");
	rig_blank(&r, 1, 32 * MIB);
	rig_scan(&r, 0, 2);
	rig_refused(&r, dyn_plan_clone_layout(&r.s, r.m, 0, 1, &p, &r.err), -ENOSPC, "more to be laid out like Disk 0");
	rig_blank(&r, 1, 1024 * MIB);
	rig_scan(&r, 0, 2);
	DO(&r, dyn_plan_clone_layout(&r.s, r.m, 0, 1, &p, &r.err), p);
	assert_u64(r.m->disks[1].partitions[2].offset, 200 * MIB);
	rig_end(&r);
}

static void clone_of_an_mbr_disk(void **state)
{
	struct dyn_part_spec spec = { .kind = DYN_PART_PRIMARY, .size = 20 * MIB, .id = "27" };
	struct dyn_plan *p = NULL;
	struct rig r;

	(void)state;
	rig_begin(&r, 2, 128 * MIB);
	rig_refused(&r, dyn_plan_clone_layout(&r.s, r.m, 0, 1, &p, &r.err), -EINVAL, "no layout");
	init(&r, 0, DYN_TABLE_MBR);
	DO(&r, dyn_plan_create_partition(&r.s, r.m, 0, &spec, &p, &r.err), p);
	create(&r, 0, DYN_PART_PRIMARY, 40);
	DO(&r, dyn_plan_set_active(&r.s, r.m, 0, 1, true, &p, &r.err), p);
	assert_int_equal(dyn_plan_clone_layout(&r.s, r.m, 0, 1, &p, &r.err), 0);
	assert_int_equal(dyn_plan_n_steps(p), 2);
	assert_string_equal(dyn_plan_step(p, 1)->diskpart, "create partition primary size=20 id=27");
	rig_do(&r, 0, p);
	assert_int_equal(r.m->disks[1].table, DYN_TABLE_MBR);
	assert_int_equal(r.m->disks[1].n_partitions, 1);
	assert_string_equal(r.m->disks[1].partitions[0].type_id, "27");
	assert_u64(r.m->disks[1].partitions[0].offset, MIB);
	assert_u64(r.m->disks[1].partitions[0].size, 20 * MIB);
	rig_end(&r);
}

/* ------------------------------------------------------------------ power cuts */

/* The table as every reader has to see it. */
static void table_picture(const struct dyn_model *m, char *dst, size_t n)
{
	size_t used = (size_t)snprintf(dst, n, "%d:", m->disks[0].table);

	for (size_t i = 0; i < m->disks[0].n_partitions && used < n; i++) {
		const struct dyn_partition *p = &m->disks[0].partitions[i];
		used += (size_t)snprintf(dst + used, n - used, " [%s %s %llu+%llu %llx%s]", p->type_word, p->type_id,
					 (unsigned long long)(p->offset >> 10), (unsigned long long)(p->size >> 10),
					 (unsigned long long)p->attributes, p->active ? " active" : "");
	}
}

enum cut_op { CUT_GPT_CREATE, CUT_GPT_DELETE, CUT_GPT_TYPE, CUT_EXTENDED, CUT_APPEND, CUT_BEFORE, CUT_DELETE_FIRST, CUT_DELETE_MIDDLE,
	      CUT_ACTIVE, CUT_CLEAN_GPT, CUT_CLEAN_MBR, CUT_OPS };

static void cut_rig(struct rig *r, enum cut_op op)
{
	bool gpt = op <= CUT_GPT_TYPE || op == CUT_CLEAN_GPT;

	rig_begin(r, 1, 64 * MIB);
	init(r, 0, gpt ? DYN_TABLE_GPT : DYN_TABLE_MBR);
	create(r, 0, DYN_PART_PRIMARY, 8);
	if (gpt || op == CUT_EXTENDED)
		return;
	create(r, 0, DYN_PART_EXTENDED, 40);
	for (int i = 0; i < 3; i++)
		create(r, 0, DYN_PART_LOGICAL, 8);
	if (op == CUT_BEFORE)
		delete(r, 2, false);
}

static int cut_plan(struct rig *r, enum cut_op op, struct dyn_plan **p)
{
	struct dyn_part_spec spec = { .kind = DYN_PART_PRIMARY, .size = 8 * MIB };

	switch (op) {
	case CUT_GPT_DELETE:
		return dyn_plan_delete_partition(&r->s, r->m, 0, 1, false, p, &r->err);
	case CUT_GPT_TYPE:
		return dyn_plan_set_id(&r->s, r->m, 0, 1, RECOVERY, false, p, &r->err);
	case CUT_DELETE_FIRST:
	case CUT_DELETE_MIDDLE:
		return dyn_plan_delete_partition(&r->s, r->m, 0, op == CUT_DELETE_FIRST ? 2 : 3, false, p, &r->err);
	case CUT_ACTIVE:
		return dyn_plan_set_active(&r->s, r->m, 0, 0, true, p, &r->err);
	case CUT_CLEAN_GPT:
	case CUT_CLEAN_MBR:
		return dyn_plan_clean(&r->s, r->m, 0, false, p, &r->err);
	case CUT_EXTENDED:
		spec.kind = DYN_PART_EXTENDED;
		break;
	case CUT_APPEND:
	case CUT_BEFORE:
		spec.kind = DYN_PART_LOGICAL;
		break;
	default:
		break;
	}
	return dyn_plan_create_partition(&r->s, r->m, 0, &spec, p, &r->err);
}

static void every_cut_leaves_the_old_table_or_the_new(void **state)
{
	(void)state;
	for (enum cut_op op = 0; op < CUT_OPS; op++) {
		char old[512], new[512], now[512], saved[128];
		struct dyn_plan *p = NULL;
		size_t total, back = 0, forward = 0;
		struct rig r;

		cut_rig(&r, op);
		table_picture(r.m, old, sizeof(old));
		snprintf(saved, sizeof(saved), "%s/old", r.dir);
		rig_copy_file(r.path[0], saved);
		if (cut_plan(&r, op, &p))
			fail_msg("op %d: %s", op, r.err.what);
		total = rig_carry_out(p, SIZE_MAX);
		rig_scan(&r, 0, 1);
		table_picture(r.m, new, sizeof(new));
		assert_string_not_equal(old, new);
		for (size_t cut = 0; cut <= total; cut++) {
			rig_copy_file(saved, r.path[0]);
			rig_carry_out(p, cut);
			rig_scan(&r, 0, 1);
			table_picture(r.m, now, sizeof(now));
			if (strcmp(now, old) != 0 && strcmp(now, new) != 0)
				fail_msg("op %d, cut %zu of %zu:\n%s\nold: %s\nnew: %s", op, cut, total, now, old, new);
			back += strcmp(now, old) == 0;
			forward += strcmp(now, new) == 0;
		}
		assert_true(back >= 1 && forward >= 1);
		dyn_plan_free(p);
		unlink(saved);
		rig_end(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gpt_as_the_guides_do_it),
		cmocka_unit_test(the_preview_says_it_in_diskparts_words),
		cmocka_unit_test(exact_places),
		cmocka_unit_test(types_and_attributes),
		cmocka_unit_test(a_table_that_cannot_be_read_is_not_edited),
		cmocka_unit_test(mbr_primaries_and_logicals),
		cmocka_unit_test(mbr_active_and_types),
		cmocka_unit_test(dynamic_disks_keep_their_ldm_partitions),
		cmocka_unit_test(beside_ldm),
		cmocka_unit_test(a_partition_past_the_end),
		cmocka_unit_test(unique_ids),
		cmocka_unit_test(clean_forgets_a_basic_disk),
		cmocka_unit_test(clean_takes_an_empty_dynamic_disk_out_of_its_group),
		cmocka_unit_test(clean_all_says_that_it_is_final),
		cmocka_unit_test(clone_makes_the_guides_layout),
		cmocka_unit_test(clone_fits_disks_of_other_sizes),
		cmocka_unit_test(clone_of_an_mbr_disk),
		cmocka_unit_test(every_cut_leaves_the_old_table_or_the_new),
	};
	return cmocka_run_group_tests_name("partition", tests, NULL, NULL);
}
