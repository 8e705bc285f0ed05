/* SPDX-License-Identifier: GPL-3.0-or-later */
/* geometry_test.c - the tables of disks that become dynamic, by arithmetic alone. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "plan/geometry.h"

enum { MIB = 2048, GIB = 1024 * MIB };

static struct geometry g;
static struct dyn_err err;

struct in {
	uint64_t start, size;
	unsigned type; /* MBR type; GPT: one of below */
	const char *fs;
	bool active;
};
enum { ESP = 1, MSR, BASIC, RECOVERY, SPACES };

static const char *gpt_type(unsigned type)
{
	static const char *const types[] = { "",
					     TABLE_GPT_ESP,
					     LDM_GPT_MSR,
					     TABLE_GPT_BASIC,
					     TABLE_GPT_RECOVERY,
					     "e75caf8f-f680-4cee-afa3-b001e56efc2d" };
	return types[type];
}

static int plan(enum dyn_table kind, uint64_t total, const struct in *in, size_t n)
{
	struct table_part parts[8] = { 0 };
	const char *fs[8] = { 0 };
	struct table t = { .kind = kind,
			   .first_usable = kind == DYN_TABLE_GPT ? 34 : 1,
			   .last_usable = kind == DYN_TABLE_GPT ? total - 34 : total - 1,
			   .n = n,
			   .parts = parts };

	for (size_t i = 0; i < n; i++) {
		parts[i] = (struct table_part){
			.number = (unsigned)i + 1, .start = in[i].start, .size = in[i].size, .active = in[i].active
		};
		if (kind == DYN_TABLE_MBR) {
			parts[i].mbr_type = (uint8_t)in[i].type;
			parts[i].extended = in[i].type == 0x05;
		} else {
			snprintf(parts[i].gpt_type, sizeof(parts[i].gpt_type), "%s", gpt_type(in[i].type));
			snprintf(parts[i].gpt_guid, sizeof(parts[i].gpt_guid), "00000000-0000-4000-8000-00000000000%zu",
				 i);
		}
		fs[i] = in[i].fs ? in[i].fs : "";
	}
	memset(&err, 0, sizeof(err));
	return geometry_plan(&t, total, fs, "Disk 0", &g, &err);
}

#define PLAN(kind, total, ...)                                                                                         \
	plan(DYN_TABLE_##kind, total, (const struct in[]){ __VA_ARGS__ },                                              \
	     sizeof((const struct in[]){ __VA_ARGS__ }) / sizeof(struct in))

static bool is_ldm(const struct table_part *p)
{
	return g.want.kind == DYN_TABLE_MBR ? p->mbr_type == LDM_MBR_TYPE : strcmp(p->gpt_type, LDM_GPT_DATA) == 0;
}

/* The containers as "start+size start+size*", * for one that keeps a number. */
static const char *containers(void)
{
	static char text[256];
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < g.want.n; i++)
		if (is_ldm(&g.parts[i]))
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%llu+%llu%s", used ? " " : "",
						 (unsigned long long)g.parts[i].start,
						 (unsigned long long)g.parts[i].size, g.parts[i].number ? "*" : "");
	return text;
}

/* What must hold of every result: regions on the disk and apart, volumes inside one container each. */
static void sound(uint64_t total)
{
	uint64_t end = g.public_start + g.public_size;

	assert_true(g.private_start + LDM_PRIV_SECTORS <= total);
	assert_true(end <= g.private_start || g.private_start + LDM_PRIV_SECTORS <= g.public_start);
	for (size_t i = 0; i < g.want.n; i++) {
		const struct table_part *p = &g.parts[i];
		if (is_ldm(p))
			assert_true(p->start >= g.public_start && p->start + p->size <= end);
		for (size_t k = 0; k < i; k++) {
			const struct table_part *q = &g.parts[k];
			assert_true(p->start + p->size <= q->start || q->start + q->size <= p->start);
		}
	}
	for (size_t v = 0; v < g.n_volumes; v++) {
		bool in = false;
		for (size_t i = 0; i < g.want.n; i++) {
			const struct table_part *p = &g.parts[i];
			bool all = p->start == g.volumes[v].start && p->size == g.volumes[v].size;
			in |= is_ldm(p) && p->start <= g.volumes[v].start &&
			      g.volumes[v].start + g.volumes[v].size <= p->start + p->size &&
			      (all || !(g.volumes[v].vflags & LDM_VOL_RETAIN));
		}
		assert_true(in);
	}
}

static void refused(int rc, int code, const char *word)
{
	if (rc != code || !strstr(err.what, word))
		fail_msg("wanted %d \"%s\", got %d \"%s\"", code, word, rc, err.what);
	assert_true(err.way_out[0] != '\0');
}

static void mbr_data_folds_into_one_container(void **state)
{
	const uint64_t total = 100ull * MIB;

	(void)state;
	assert_int_equal(
		PLAN(MBR, total, { 2048, 10 * MIB, 0x07, "NTFS", false }, { 30 * MIB, 10 * MIB, 0x0c, "FAT32", false }),
		0);
	sound(total);
	assert_string_equal(containers(), "63+202689"); /* 2003 finds its public region at 63 */
	assert_u64(g.private_start, total - 2048);
	assert_u64(g.public_start, 63);
	assert_int_equal(g.n_volumes, 2);
	assert_int_equal(g.volumes[0].vflags, 0);
	assert_int_equal(g.volumes[0].part_type, 0x07);
	assert_int_equal(g.volumes[1].part_type, 0x0b);
}

static void mbr_system_and_boot_stand_alone(void **state)
{
	const uint64_t total = 60ull * GIB;

	(void)state;
	/* "System Reserved", Windows behind it, data behind that */
	assert_int_equal(PLAN(MBR, total, { 2048, 100 * MIB, 0x07, "NTFS", true },
			      { 101 * MIB, 30ull * GIB, 0x07, "NTFS", false },
			      { 31ull * GIB, 10ull * GIB, 0x07, "NTFS", false }),
			 0);
	sound(total);
	assert_int_equal(g.want.n, 3);
	assert_true(g.parts[0].active && g.parts[0].number == 1);
	assert_int_equal(g.parts[1].number, 2);
	assert_int_equal(g.parts[2].number, 0);
	assert_int_equal(g.volumes[0].vflags, LDM_VOL_RETAIN | LDM_VOL_SYSTEM);
	assert_int_equal(g.volumes[1].vflags, LDM_VOL_RETAIN | LDM_VOL_BOOT);
	assert_int_equal(g.volumes[2].vflags, 0);
	assert_u64(g.public_start, 2048);
	assert_u64(g.parts[2].start, 101 * MIB + 30ull * GIB); /* tiled without gaps, up to the private region */
	assert_u64(g.parts[2].start + g.parts[2].size, total - 2048);
	/* one large active partition is both */
	assert_int_equal(PLAN(MBR, total, { 63, 30ull * GIB, 0x07, "NTFS", true }), 0);
	sound(total);
	assert_int_equal(g.volumes[0].vflags, LDM_VOL_RETAIN | LDM_VOL_SYSTEM | LDM_VOL_BOOT);
	assert_int_equal(g.want.n, 2);
	/* what a converted disk looked like: OEM, retained, and the rest (ldm-format 10.1) */
	assert_int_equal(PLAN(MBR, 3907029168, { 63, 176652, 0xde, NULL, false },
			      { 176715, 976594357, 0x07, "NTFS", true },
			      { 976771072, 2930255872, 0x07, "NTFS", false }),
			 0);
	sound(3907029168);
	assert_int_equal(g.want.n, 3);
	assert_u64(g.public_start, 176715);
	assert_u64(g.private_start, 3907027120);
	assert_u64(g.public_size, 3906850405);
}

static void small_room_at_the_end_gets_an_entry(void **state)
{
	const uint64_t total = 60ull * GIB;

	(void)state;
	/* the disk of the guide: Windows up to 71 KB before the end of the usable sectors */
	assert_int_equal(PLAN(GPT, total, { 2048, 350 * MIB, ESP, "FAT32", false },
			      { 351 * MIB, 128 * MIB, MSR, NULL, false },
			      { 479 * MIB, total - 33 - 142 - 479 * MIB, BASIC, "NTFS", false }),
			 0);
	sound(total);
	assert_string_equal(containers(), "980992+124847953* 125828945+142");
	/* on an MBR only while there is a slot for it */
	assert_int_equal(PLAN(MBR, total, { 2048, total - 2048 - 2048 - 100, 0x07, "NTFS", true }), 0);
	sound(total);
	assert_int_equal(g.want.n, 2);
	assert_int_equal(PLAN(MBR, total, { 63, 80262, 0xde, NULL, false }, { 80325, 100 * MIB, 0x07, "NTFS", true },
			      { 1ull * GIB, total - 2048 - 100 - 1ull * GIB, 0x07, "NTFS", false }),
			 0);
	sound(total);
	assert_int_equal(g.want.n, 4);
}

static void mbr_refuses_with_the_rule(void **state)
{
	const uint64_t total = 60ull * GIB;

	(void)state;
	refused(PLAN(MBR, total, { 2048, total - 2048, 0x07, NULL, false }), -ENOSPC, "no free 1 MB at its end");
	refused(PLAN(MBR, total, { 2048, MIB, 0x83, NULL, false }), -ENOTSUP, "type 83");
	refused(PLAN(MBR, total, { 2048, GIB, 0x05, NULL, false }), -ENOTSUP, "extended");
	refused(PLAN(MBR, total, { 2, GIB, 0x07, NULL, false }), -ENOSPC, "sector 6");
	refused(PLAN(MBR, total, { 2048, GIB, 0x07, NULL, false }, { 4096, GIB, 0x07, NULL, false }), -EBADMSG,
		"overlap");
	refused(PLAN(MBR, 6ull * GIB * 1024, { 2048, GIB, 0x07, NULL, false }), -EFBIG, "2 TB");
	/* OEM, system, gap, boot, data behind: five */
	refused(PLAN(MBR, total, { 63, 80262, 0xde, NULL, false }, { 100 * MIB, 100 * MIB, 0x07, "NTFS", true },
		     { 1ull * GIB, 10ull * GIB, 0x07, "NTFS", false }),
		-ENOSPC, "6 partition entries");
	refused(PLAN(MBR, total, { 63, 80262, 0xde, NULL, false }, { 80325, 100 * MIB, 0x07, "NTFS", true },
		     { 1ull * GIB, 10ull * GIB, 0x07, "NTFS", false }),
		-ENOSPC, "5 partition entries");
	assert_int_equal(PLAN(MBR, total, { 63, 80262, 0xde, NULL, false }, { 80325, 100 * MIB, 0x07, "NTFS", true },
			      { 80325 + 100 * MIB, 10ull * GIB, 0x07, "NTFS", false }),
			 0);
	assert_int_equal(g.want.n, 4);
	sound(total);
}

static void gpt_metadata_comes_from_the_msr(void **state)
{
	const uint64_t total = 60ull * GIB;

	(void)state;
	assert_int_equal(PLAN(GPT, total, { 2048, 450 * MIB, RECOVERY, "NTFS", false },
			      { 451 * MIB, 100 * MIB, ESP, "FAT32", false }, { 551 * MIB, 16 * MIB, MSR, NULL, false },
			      { 567 * MIB, 30ull * GIB, BASIC, "NTFS", false },
			      { 567 * MIB + 30ull * GIB, 5ull * GIB, BASIC, "FAT32", false }),
			 0);
	sound(total);
	assert_u64(g.private_start, 551 * MIB);
	assert_int_equal(g.n_volumes, 2);
	assert_int_equal(g.volumes[0].vflags, LDM_VOL_RETAIN | LDM_VOL_BOOT);
	assert_int_equal(g.volumes[1].part_type, 0x0b);
	assert_u64(g.public_start, 567 * MIB);
	for (size_t i = 0; i < g.want.n; i++) {
		const struct table_part *p = &g.parts[i];
		if (strcmp(p->gpt_type, LDM_GPT_MSR) == 0)
			assert_true(p->start == 552 * MIB && p->size == 15 * MIB && p->number == 3);
		if (p->start == 567 * MIB) /* the retained one keeps number and GUID */
			assert_true(p->number == 4 && strcmp(p->gpt_guid, "00000000-0000-4000-8000-000000000003") == 0);
		if (strcmp(p->gpt_type, TABLE_GPT_ESP) == 0)
			assert_true(p->start == 451 * MIB && p->number == 2);
	}
	/* without an ESP nothing is retained: one container over all */
	assert_int_equal(PLAN(GPT, total, { 34, 128 * MIB, MSR, NULL, false }, { 200 * MIB, GIB, BASIC, "NTFS", false },
			      { 2ull * GIB, GIB, BASIC, "NTFS", false }),
			 0);
	sound(total);
	assert_string_equal(containers(), "262178+125566909");
}

static void gpt_recovery_behind_the_data_splits_the_containers(void **state)
{
	const uint64_t total = 60ull * GIB;

	(void)state;
	assert_int_equal(PLAN(GPT, total, { 2048, 100 * MIB, ESP, "FAT32", false },
			      { 101 * MIB, 16 * MIB, MSR, NULL, false },
			      { 117 * MIB, 30ull * GIB, BASIC, "NTFS", false },
			      { 117 * MIB + 30ull * GIB, 500 * MIB, RECOVERY, NULL, false }),
			 0);
	sound(total);
	assert_int_equal(g.want.n, 6);
	assert_u64(g.public_start, 117 * MIB);
	assert_u64(g.public_start + g.public_size, total - 33);
}

static void gpt_other_places_for_the_metadata(void **state)
{
	const uint64_t total = 60ull * GIB;

	(void)state;
	/* no MSR: the free MiB in front, or the last one */
	assert_int_equal(PLAN(GPT, total, { 4096, GIB, BASIC, "NTFS", false }), 0);
	sound(total);
	assert_u64(g.private_start, 34);
	assert_int_equal(PLAN(GPT, total, { 2048, GIB, BASIC, "NTFS", false }), 0);
	sound(total);
	assert_u64(g.private_start, total - 33 - 2048);
	assert_string_equal(containers(), "34+125827005"); /* all in front of it */
	/* an MSR among the data would put the database inside the public region */
	assert_int_equal(PLAN(GPT, total, { 2048, GIB, BASIC, NULL, false }, { 2ull * GIB, 16 * MIB, MSR, NULL, false },
			      { 3ull * GIB, GIB, BASIC, NULL, false }),
			 0);
	sound(total);
	assert_u64(g.private_start, total - 33 - 2048);
	refused(PLAN(GPT, total, { 34, GIB, BASIC, NULL, false }, { 2ull * GIB, 16 * MIB, MSR, NULL, false },
		     { 3ull * GIB, total - 33 - 3ull * GIB, BASIC, NULL, false }),
		-ENOSPC, "lies between its data partitions");
	refused(PLAN(GPT, total, { 34, total - 67, BASIC, NULL, false }), -ENOSPC, "no Microsoft reserved partition");
	refused(PLAN(GPT, total, { 34, MIB, MSR, NULL, false }, { 34 + MIB, total - 67 - MIB, BASIC, NULL, false }),
		-ENOSPC, "too small to hold");
	refused(PLAN(GPT, total, { 34, 16 * MIB, MSR, NULL, false }, { 40 * MIB, GIB, SPACES, NULL, false }), -ENOTSUP,
		"Storage Spaces");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mbr_data_folds_into_one_container),
		cmocka_unit_test(mbr_system_and_boot_stand_alone),
		cmocka_unit_test(small_room_at_the_end_gets_an_entry),
		cmocka_unit_test(mbr_refuses_with_the_rule),
		cmocka_unit_test(gpt_metadata_comes_from_the_msr),
		cmocka_unit_test(gpt_recovery_behind_the_data_splits_the_containers),
		cmocka_unit_test(gpt_other_places_for_the_metadata),
	};
	return cmocka_run_group_tests_name("geometry", tests, NULL, NULL);
}
