/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/bytes.h"
#include "table/table.h"

enum { DISK = 102400 }; /* 50 MiB */

#define DISK_GUID "11111111-2222-4333-8444-555555555555"
#define MSR_GUID "aaaaaaaa-2222-4333-8444-555555555555"
#define META "5808c8aa-7e8f-42e0-85d2-e1e90434cfb3"
#define DATA "af9b60a0-1431-4f62-bc68-3311714a69ad"
#define MSR "e3c9e316-0b5c-4db8-817d-f92df00215ae"

static struct sectmap *new_map(uint64_t units, uint32_t sector_size)
{
	struct sectmap *m = NULL;

	assert_int_equal(sectmap_new(units, sector_size, &m), 0);
	return m;
}

static void apply(struct sectmap *map, const struct table_sectors *s)
{
	for (size_t i = 0; i < s->n; i++)
		assert_int_equal(sectmap_put(map, s->runs[i].sector, s->runs[i].n_sectors, s->runs[i].bytes), 0);
}

static void build(struct sectmap *map, const struct table *want)
{
	struct table_sectors s;
	struct dyn_err err = { 0 };

	if (table_build(map, want, &s, &err))
		fail_msg("table_build: %s", err.what);
	assert_true(s.n > 0);
	apply(map, &s);
	table_sectors_clear(&s);
}

static void read_ok(const struct sectmap *map, struct table *t)
{
	struct dyn_err err = { 0 };

	if (table_read(map, t, &err))
		fail_msg("table_read: %s", err.what);
}

static struct table_part gpt_part(unsigned number, uint64_t start, uint64_t size, const char *type, const char *guid,
				  const char *name)
{
	struct table_part p = { .number = number, .start = start, .size = size };

	snprintf(p.gpt_type, sizeof(p.gpt_type), "%s", type);
	snprintf(p.gpt_guid, sizeof(p.gpt_guid), "%s", guid);
	snprintf(p.name, sizeof(p.name), "%s", name);
	return p;
}

static void put_byte(struct sectmap *map, uint64_t sector, size_t at, uint8_t v)
{
	uint8_t b[512];

	assert_int_equal(sectmap_get(map, sector, 1, b), 0);
	b[at] = v;
	assert_int_equal(sectmap_put(map, sector, 1, b), 0);
}

static void zero(struct sectmap *map, uint64_t sector, uint32_t n)
{
	uint8_t b[512] = { 0 };

	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(sectmap_put(map, sector + i, 1, b), 0);
}

/* The disk as Windows 2008 has it: MSR right at the first usable sector. */
static struct sectmap *gpt_disk(void)
{
	struct sectmap *map = new_map(DISK, 512);
	struct table_part msr = gpt_part(1, 34, 65536, MSR, MSR_GUID, "Microsoft reserved partition");
	struct table want = { .kind = DYN_TABLE_GPT, .gpt_guid = DISK_GUID, .n = 1, .parts = &msr };

	build(map, &want);
	return map;
}

static void empty_is_none(void **state)
{
	struct sectmap *map = new_map(DISK, 512);
	struct table t;

	(void)state;
	read_ok(map, &t);
	assert_int_equal(t.kind, DYN_TABLE_NONE);
	assert_u64(t.n, 0);
	table_clear(&t);
	sectmap_free(map);
}

static void mbr_exact_places(void **state)
{
	struct sectmap *map = new_map(DISK, 512);
	struct table_part parts[2] = {
		{ .start = 63, .size = 96327, .mbr_type = 0x42, .active = true },
		{ .number = 3, .start = 96390, .size = 77, .mbr_type = 0xde },
	};
	struct table want = { .kind = DYN_TABLE_MBR, .mbr_signature = 0xdeadbeef, .n = 2, .parts = parts }, t;
	uint8_t s0[512];

	(void)state;
	/* boot code stays */
	memset(s0, 0, sizeof(s0));
	memset(s0, 0x90, 440);
	assert_int_equal(sectmap_put(map, 0, 1, s0), 0);
	build(map, &want);
	read_ok(map, &t);
	assert_int_equal(t.kind, DYN_TABLE_MBR);
	assert_u64(t.mbr_signature, 0xdeadbeef);
	assert_u64(t.n, 2);
	assert_u64(t.parts[0].start, 63);
	assert_u64(t.parts[0].size, 96327);
	assert_int_equal(t.parts[0].mbr_type, 0x42);
	assert_true(t.parts[0].active);
	assert_int_equal(t.parts[0].number, 1);
	assert_int_equal(t.parts[1].number, 3);
	assert_u64(t.parts[1].size, 77);
	assert_u64(t.n_damage, 0);
	assert_int_equal(sectmap_get(map, 0, 1, s0), 0);
	assert_int_equal(s0[0], 0x90);
	assert_int_equal(s0[439], 0x90);
	assert_string_equal(table_type_word(t.kind, &t.parts[0]), "Dynamic Data");
	assert_string_equal(table_type_word(t.kind, &t.parts[1]), "OEM");
	table_clear(&t);
	sectmap_free(map);
}

static void mbr_edit_keeps_the_rest(void **state)
{
	struct sectmap *map = new_map(DISK, 512);
	struct table_part two[2] = {
		{ .number = 1, .start = 2048, .size = 2048, .mbr_type = 0x27 },
		{ .number = 2, .start = 4096, .size = 8192, .mbr_type = 0x07 },
	};
	struct table want = { .kind = DYN_TABLE_MBR, .mbr_signature = 7, .n = 2, .parts = two }, t;
	struct table_sectors s;

	(void)state;
	build(map, &want);
	two[1].mbr_type = 0x42;
	two[1].size = 90000;
	assert_int_equal(table_build(map, &want, &s, NULL), 0);
	assert_u64(s.n, 1); /* nothing but sector 0 */
	assert_u64(s.runs[0].sector, 0);
	assert_u64(s.runs[0].n_sectors, 1);
	apply(map, &s);
	table_sectors_clear(&s);
	read_ok(map, &t);
	assert_u64(t.mbr_signature, 7);
	assert_int_equal(t.parts[0].mbr_type, 0x27);
	assert_int_equal(t.parts[1].mbr_type, 0x42);
	assert_u64(t.parts[1].size, 90000);
	table_clear(&t);
	/* the same once more: nothing to write */
	assert_int_equal(table_build(map, &want, &s, NULL), 0);
	assert_u64(s.n, 0);
	table_sectors_clear(&s);
	sectmap_free(map);
}

static void gpt_new_and_order(void **state)
{
	struct sectmap *map = new_map(DISK, 512);
	struct table_part msr = gpt_part(1, 34, 65536, MSR, MSR_GUID, "Microsoft reserved partition");
	struct table want = { .kind = DYN_TABLE_GPT, .gpt_guid = DISK_GUID, .n = 1, .parts = &msr }, t;
	static const uint64_t order[] = { DISK - 33, DISK - 1, 0, 2, 1 };
	struct table_sectors s;

	(void)state;
	assert_int_equal(table_build(map, &want, &s, NULL), 0);
	assert_u64(s.n, 5);
	for (size_t i = 0; i < 5; i++)
		assert_u64(s.runs[i].sector, order[i]);
	apply(map, &s);
	table_sectors_clear(&s);
	read_ok(map, &t);
	assert_int_equal(t.kind, DYN_TABLE_GPT);
	assert_string_equal(t.gpt_guid, DISK_GUID);
	assert_u64(t.first_usable, 34);
	assert_u64(t.last_usable, DISK - 34);
	assert_u64(t.n, 1);
	assert_u64(t.parts[0].start, 34);
	assert_u64(t.parts[0].size, 65536);
	assert_string_equal(t.parts[0].gpt_type, MSR);
	assert_string_equal(t.parts[0].gpt_guid, MSR_GUID);
	assert_string_equal(t.parts[0].name, "Microsoft reserved partition");
	assert_u64(t.n_damage, 0);
	assert_string_equal(table_type_word(t.kind, &t.parts[0]), "Reserved");
	table_clear(&t);
	sectmap_free(map);
}

/* The upgrade: the metadata partition takes the MSR's first MiB, the MSR keeps number and GUID. */
static void gpt_upgrade(void **state)
{
	struct sectmap *map = gpt_disk();
	struct table_part parts[3] = {
		gpt_part(1, 34 + 2048, 65536 - 2048, MSR, MSR_GUID, "Microsoft reserved partition"),
		gpt_part(0, 34, 2048, META, "bbbbbbbb-2222-4333-8444-555555555555", "LDM metadata partition"),
		gpt_part(0, 65570, 36797, DATA, "cccccccc-2222-4333-8444-555555555555", "LDM data partition"),
	};
	struct table want = { .kind = DYN_TABLE_GPT, .gpt_guid = DISK_GUID, .n = 3, .parts = parts }, t;

	(void)state;
	parts[2].gpt_attrs = 0x8000000000000000;
	build(map, &want);
	read_ok(map, &t);
	assert_u64(t.n, 3);
	assert_string_equal(t.parts[0].gpt_type, META);
	assert_u64(t.parts[0].start, 34);
	assert_u64(t.parts[1].start, 2082);
	assert_int_equal(t.parts[1].number, 1);
	assert_string_equal(t.parts[1].gpt_guid, MSR_GUID);
	assert_u64(t.parts[2].size, 36797);
	assert_u64(t.parts[2].gpt_attrs, 0x8000000000000000);
	assert_string_equal(t.parts[2].name, "LDM data partition");
	assert_string_equal(t.gpt_guid, DISK_GUID);
	table_clear(&t);
	sectmap_free(map);
}

static void expect_damage(struct sectmap *map, const char *part, const char *sector)
{
	struct table t;

	read_ok(map, &t);
	assert_int_equal(t.kind, DYN_TABLE_GPT);
	assert_u64(t.n, 1);
	assert_string_equal(t.gpt_guid, DISK_GUID);
	assert_u64(t.n_damage, 1);
	if (!strstr(t.damage[0], part) || !strstr(t.damage[0], sector))
		fail_msg("damage says: %s", t.damage[0]);
	table_clear(&t);
	sectmap_free(map);
}

static void gpt_each_copy_damaged(void **state)
{
	struct sectmap *map;

	(void)state;
	map = gpt_disk();
	zero(map, 1, 1);
	expect_damage(map, "primary GPT header", "sector 1 ");
	map = gpt_disk();
	put_byte(map, 2, 0, 0xff);
	expect_damage(map, "primary GPT partition array", "sector 2 ");
	map = gpt_disk();
	put_byte(map, DISK - 1, 60, 0xff);
	expect_damage(map, "backup GPT header", "sector 102399 ");
	map = gpt_disk();
	zero(map, DISK - 33, 32);
	expect_damage(map, "backup GPT partition array", "sector 102367 ");
	map = gpt_disk();
	zero(map, 0, 1);
	expect_damage(map, "protective MBR", "sector 0 ");
}

static void gpt_both_damaged(void **state)
{
	struct sectmap *map = gpt_disk();
	struct table t;
	struct dyn_err err = { 0 };

	(void)state;
	zero(map, 1, 1);
	zero(map, DISK - 1, 1);
	assert_int_equal(table_read(map, &t, &err), -EBADMSG);
	assert_non_null(strstr(err.what, "both copies of the GPT"));
	assert_null(t.parts);
	sectmap_free(map);
}

static void gpt_repaired_by_next_change(void **state)
{
	struct sectmap *map = gpt_disk();
	struct table_part msr = gpt_part(1, 34, 65536, MSR, MSR_GUID, "Microsoft reserved partition");
	struct table want = { .kind = DYN_TABLE_GPT, .gpt_guid = DISK_GUID, .n = 1, .parts = &msr }, t;

	(void)state;
	zero(map, DISK - 33, 33);
	build(map, &want);
	read_ok(map, &t);
	assert_u64(t.n_damage, 0);
	table_clear(&t);
	sectmap_free(map);
}

static void mbr_replaces_gpt(void **state)
{
	struct sectmap *map = gpt_disk();
	struct table want = { .kind = DYN_TABLE_MBR, .mbr_signature = 0x1234 }, t;
	uint8_t b[512];

	(void)state;
	build(map, &want);
	read_ok(map, &t);
	assert_int_equal(t.kind, DYN_TABLE_MBR);
	assert_u64(t.n, 0);
	assert_u64(t.mbr_signature, 0x1234);
	table_clear(&t);
	for (uint64_t s = 1; s < 34; s++) {
		assert_int_equal(sectmap_get(map, s, 1, b), 0);
		assert_true(bytes_all_zero(b, 512));
		assert_int_equal(sectmap_get(map, DISK - s, 1, b), 0);
		assert_true(bytes_all_zero(b, 512));
	}
	sectmap_free(map);
}

static void gpt_on_4k(void **state)
{
	struct sectmap *map = new_map(DISK * 8, 4096);
	struct table_part p = gpt_part(1, 6, 1000, MSR, MSR_GUID, "x");
	struct table want = { .kind = DYN_TABLE_GPT, .gpt_guid = DISK_GUID, .n = 1, .parts = &p }, t;

	(void)state;
	build(map, &want);
	read_ok(map, &t);
	assert_u64(t.first_usable, 6);
	assert_u64(t.last_usable, DISK - 6);
	assert_u64(t.parts[0].start, 6);
	assert_u64(t.parts[0].size, 1000);
	assert_u64(t.n_damage, 0);
	table_clear(&t);
	sectmap_free(map);
}

/* A file system without a partition table has 55 AA too. */
static void boot_sector_is_no_table(void **state)
{
	struct sectmap *map = new_map(DISK, 512);
	uint8_t b[512];
	struct table t;

	(void)state;
	memset(b, 'x', sizeof(b));
	b[510] = 0x55;
	b[511] = 0xaa;
	assert_int_equal(sectmap_put(map, 0, 1, b), 0);
	read_ok(map, &t);
	assert_int_equal(t.kind, DYN_TABLE_NONE);
	table_clear(&t);
	sectmap_free(map);
}

static void partition_past_the_end_is_named(void **state)
{
	struct sectmap *map = new_map(DISK, 512);
	struct table_part p = { .start = 63, .size = 1000, .mbr_type = 7 };
	struct table want = { .kind = DYN_TABLE_MBR, .mbr_signature = 1, .n = 1, .parts = &p }, t;

	(void)state;
	build(map, &want);
	put_byte(map, 0, 446 + 15, 0x7f);
	read_ok(map, &t);
	assert_true(t.n_damage >= 1);
	assert_non_null(strstr(t.damage[t.n_damage - 1], "past the end"));
	table_clear(&t);
	sectmap_free(map);
}

/* Hostile bytes give a table or an error, never a crash or an endless loop. */
static void noise(void **state)
{
	uint64_t seed = 88172645463325252ull;

	(void)state;
	for (int round = 0; round < 150; round++) {
		struct sectmap *map = gpt_disk();
		struct table t;
		for (int k = 0; k < 6; k++) {
			static const uint64_t where[] = { 0, 1, 2, 3, DISK - 33, DISK - 1 };
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			put_byte(map, where[seed % 6], seed >> 8 & 511, (uint8_t)(seed >> 32));
		}
		if (table_read(map, &t, NULL) == 0) {
			for (size_t i = 0; i < t.n; i++)
				assert_non_null(table_type_word(t.kind, &t.parts[i]));
			table_clear(&t);
		}
		sectmap_free(map);
	}
}

/* An extended partition whose chain of EBRs points back to its own start. */
static void ebr_loop_ends(void **state)
{
	char path[] = "/tmp/dynadisk-table-XXXXXX";
	int fd = mkstemp(path);
	uint8_t b[512] = { 0 };
	struct sectmap *map = NULL;
	struct dyn_io *io = NULL;
	struct table t;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, DISK * 512), 0);
	b[510] = 0x55;
	b[511] = 0xaa;
	b[446 + 4] = 0x05;
	bytes_put_le(b + 446 + 8, 4, 2048);
	bytes_put_le(b + 446 + 12, 4, 50000);
	assert_int_equal(pwrite(fd, b, 512, 0), 512);
	b[446 + 4] = 0x07;
	bytes_put_le(b + 446 + 8, 4, 64);
	bytes_put_le(b + 446 + 12, 4, 1000);
	b[462 + 4] = 0x05;
	bytes_put_le(b + 462 + 8, 4, 4096);
	bytes_put_le(b + 462 + 12, 4, 2000);
	assert_int_equal(pwrite(fd, b, 512, 2048 * 512), 512);
	assert_int_equal(pwrite(fd, b, 512, (2048 + 4096) * 512), 512); /* names itself as the next */
	assert_int_equal(dyn_io_open_ro(path, &io, NULL), 0);
	assert_int_equal(table_load_sectors(io, &map, NULL), 0);
	assert_true(sectmap_has(map, 2048 + 4096, 1));
	if (table_read(map, &t, NULL) == 0) {
		assert_true(t.n >= 2);
		assert_true(t.parts[0].extended);
		assert_true(t.parts[1].logical);
		assert_u64(t.parts[1].start, 2048 + 64);
		assert_int_equal(t.parts[1].number, 5);
		assert_string_equal(table_type_word(t.kind, &t.parts[0]), "Extended");
		table_clear(&t);
	}
	sectmap_free(map);
	dyn_io_close(io);
	close(fd);
	unlink(path);
}

/* ------------------------------------------------------------ extended partitions */

static struct table_part mbr_part(uint64_t start, uint64_t size, uint8_t type)
{
	return (struct table_part){ .start = start, .size = size, .mbr_type = type, .extended = type == 0x05 || type == 0x0f };
}

/* An MBR with one primary, an extended partition and n logicals of 4096 sectors, 2048 behind what is before them. */
static struct sectmap *logicals_disk(size_t n)
{
	struct sectmap *map = new_map(DISK, 512);
	struct table_part parts[8] = { mbr_part(2048, 4096, 0x07), mbr_part(8192, 80000, 0x05) };
	struct table want = { .kind = DYN_TABLE_MBR, .mbr_signature = 0x12345678, .parts = parts };

	build(map, &want);
	want.n = 2;
	build(map, &want);
	for (size_t i = 0; i < n; i++) {
		parts[want.n] = mbr_part(8192 + 2048 + i * 6144, 4096, 0x07);
		parts[want.n++].logical = true;
		build(map, &want);
	}
	return map;
}

static void ebr(const struct sectmap *map, uint64_t sector, uint8_t type, uint64_t start, uint64_t size, uint64_t next)
{
	uint8_t b[512];

	assert_int_equal(sectmap_get(map, sector, 1, b), 0);
	assert_int_equal(b[510] | b[511] << 8, 0xaa55);
	assert_int_equal(b[446 + 4], type);
	assert_u64(bytes_le(b + 446 + 8, 4), start);
	assert_u64(bytes_le(b + 446 + 12, 4), size);
	assert_int_equal(b[462 + 4], next ? 0x05 : 0);
	assert_u64(bytes_le(b + 462 + 8, 4), next);
	assert_true(bytes_all_zero(b + 478, 32));
}

static void ebr_chain_as_windows_writes_it(void **state)
{
	struct sectmap *map = logicals_disk(3);
	struct table t;

	(void)state;
	ebr(map, 8192, 0x07, 2048, 4096, 6144);          /* relative to itself; the next one to the extended partition */
	ebr(map, 8192 + 6144, 0x07, 2048, 4096, 12288);
	ebr(map, 8192 + 12288, 0x07, 2048, 4096, 0);
	read_ok(map, &t);
	assert_u64(t.n, 5);
	assert_u64(t.n_damage, 0);
	assert_int_equal(t.mbr_signature, 0x12345678);
	for (size_t i = 0; i < 3; i++) {
		assert_true(t.parts[2 + i].logical);
		assert_int_equal(t.parts[2 + i].number, 5 + i);
		assert_u64(t.parts[2 + i].start, 10240 + i * 6144);
	}
	table_clear(&t);
	sectmap_free(map);
}

/* Each change is decided by one sector, which is the last one written. */
static void ebr_changes_end_with_what_decides(void **state)
{
	struct sectmap *map = logicals_disk(3);
	struct table_part add = mbr_part(8192 + 40000, 4096, 0x07);
	struct table_sectors s;
	struct table t;

	(void)state;
	read_ok(map, &t);
	add.logical = true;
	t.parts = realloc(t.parts, (t.n + 1) * sizeof(*t.parts));
	t.parts[t.n++] = add;
	assert_int_equal(table_build(map, &t, &s, NULL), 0); /* appended: its EBR, then the one that names it */
	assert_u64(s.n, 2);
	assert_u64(s.runs[0].sector, 8192 + 40000 - 2048);
	assert_u64(s.runs[1].sector, 8192 + 12288);
	table_sectors_clear(&s);
	t.n--;
	memmove(&t.parts[3], &t.parts[4], sizeof(*t.parts));
	t.n--;
	assert_int_equal(table_build(map, &t, &s, NULL), 0); /* out of the middle: the one before it */
	assert_u64(s.n, 1);
	assert_u64(s.runs[0].sector, 8192);
	table_sectors_clear(&s);
	t.parts[0].active = true;
	t.n = 1; /* the whole extended partition: sector 0 alone */
	assert_int_equal(table_build(map, &t, &s, NULL), 0);
	assert_u64(s.n, 1);
	assert_u64(s.runs[0].sector, 0);
	table_sectors_clear(&s);
	table_clear(&t);
	sectmap_free(map);
}

static void ebr_first_one_goes(void **state)
{
	struct sectmap *map = logicals_disk(2);
	struct table t;

	(void)state;
	read_ok(map, &t);
	t.parts[2] = t.parts[3];
	t.n = 3;
	build(map, &t);
	ebr(map, 8192, 0x07, 8192, 4096, 0); /* the chain begins where it must, its logical stays where it is */
	table_clear(&t);
	read_ok(map, &t);
	assert_u64(t.n, 3);
	assert_u64(t.parts[2].start, 16384);
	assert_int_equal(t.parts[2].number, 5);
	assert_u64(t.n_damage, 0);
	table_clear(&t);
	sectmap_free(map);
}

/* Its mark or one entry's first byte is wrong: not an empty disk. Without any entry it is one. */
static void a_damaged_mbr_is_not_none(void **state)
{
	struct sectmap *map = logicals_disk(1);
	struct dyn_err err = { 0 };
	struct table t;

	(void)state;
	put_byte(map, 0, 510, 0);
	assert_int_equal(table_read(map, &t, &err), -EBADMSG);
	assert_non_null(strstr(err.what, "MBR in sector 0 is damaged"));
	put_byte(map, 0, 510, 0x55);
	put_byte(map, 0, 446, 0x13);
	assert_int_equal(table_read(map, &t, &err), -EBADMSG);
	put_byte(map, 0, 446 + 16, 0x13); /* two: what boot code looks like */
	read_ok(map, &t);
	assert_int_equal(t.kind, DYN_TABLE_NONE);
	table_clear(&t);
	sectmap_free(map);
}

static void expect_one_damage(struct sectmap *map, const char *text)
{
	struct table t;

	read_ok(map, &t);
	if (t.n_damage != 1 || !strstr(t.damage[0], text))
		fail_msg("%zu damages: %s", t.n_damage, t.n_damage ? t.damage[0] : "");
	table_clear(&t);
}

static void entries_that_make_no_sense_are_named(void **state)
{
	struct sectmap *map = logicals_disk(1);

	(void)state;
	put_byte(map, 0, 446 + 13, 0x20); /* the primary now reaches to 10240, where the logical begins */
	expect_one_damage(map, "Partition 2 overlaps");
	put_byte(map, 0, 446 + 13, 0x10);
	put_byte(map, 0, 446 + 4, 0);
	expect_one_damage(map, "Entry 1 of the MBR makes no sense: sectors from 2048, type 00");
	sectmap_free(map);
}

/* A disk that was grown: the backup goes to its end, then the primary names it, and nothing else of it changes. */
static void the_backup_moves_to_the_end(void **state)
{
	struct sectmap *small = gpt_disk(), *map = new_map(DISK + 2048, 512);
	struct table_sectors s;
	uint8_t b[34 * 512];

	(void)state;
	assert_int_equal(sectmap_get(small, 0, 34, b), 0);
	assert_int_equal(sectmap_put(map, 0, 34, b), 0);
	memset(b, 0, sizeof(b));
	assert_int_equal(sectmap_put(map, DISK + 2048 - 33, 33, b), 0);
	expect_one_damage(map, "not at the end");
	assert_int_equal(table_mend(map, &s, NULL), 0);
	assert_u64(s.n, 3);
	assert_u64(s.runs[0].sector, DISK + 2048 - 33);
	assert_u64(s.runs[1].sector, DISK + 2048 - 1);
	assert_u64(s.runs[2].sector, 1);
	apply(map, &s);
	table_sectors_clear(&s);
	assert_int_equal(table_mend(map, &s, NULL), 0);
	assert_u64(s.n, 0);
	table_sectors_clear(&s);
	sectmap_free(map);
	sectmap_free(small);
}

static void mbr_refuses_what_it_cannot_say(void **state)
{
	struct sectmap *map = logicals_disk(1), *plain = logicals_disk(0);
	struct table_sectors s;
	struct dyn_err err = { 0 };
	struct table t;

	(void)state;
	read_ok(map, &t);
	t.parts[2].start = 8192; /* no sector for its EBR */
	assert_int_equal(table_build(map, &t, &s, &err), -EINVAL);
	t.parts[2].start = 8192 + 80000 - 100; /* out of the extended partition */
	assert_int_equal(table_build(map, &t, &s, &err), -EINVAL);
	t.parts[1] = t.parts[0]; /* logicals without one, and a slot taken twice */
	assert_int_equal(table_build(map, &t, &s, &err), -EINVAL);
	t.n = 2;
	assert_int_equal(table_build(map, &t, &s, &err), -EINVAL);
	table_clear(&t);
	read_ok(plain, &t);
	t.parts = realloc(t.parts, 5 * sizeof(*t.parts));
	for (t.n = 2; t.n < 5; t.n++)
		t.parts[t.n] = mbr_part(90000 + t.n * 1000, 500, 0x07);
	assert_int_equal(table_build(plain, &t, &s, &err), -EINVAL);
	assert_non_null(strstr(err.what, "four entries"));
	t.n = 4;
	assert_int_equal(table_build(plain, &t, &s, &err), 0);
	table_sectors_clear(&s);
	table_clear(&t);
	sectmap_free(map);
	sectmap_free(plain);
}

/* Windows writes CHS fields by the geometry it was told; they are part of entries we were not asked to change. */
static void mbr_keeps_what_others_wrote(void **state)
{
	struct sectmap *map = logicals_disk(0);
	uint8_t was[512], is[512];
	struct table t;

	(void)state;
	put_byte(map, 0, 100, 0xeb); /* boot code */
	put_byte(map, 0, 446 + 1, 0x77); /* a head of another geometry */
	assert_int_equal(sectmap_get(map, 0, 1, was), 0);
	read_ok(map, &t);
	t.parts[0].active = true;
	build(map, &t);
	assert_int_equal(sectmap_get(map, 0, 1, is), 0);
	was[446] = 0x80;
	assert_memory_equal(was, is, 512);
	table_clear(&t);
	sectmap_free(map);
}

/* ---------------------------------------------------------- GPT entries in their place */

static uint32_t crc32(const uint8_t *p, size_t n)
{
	uint32_t crc = ~0u;

	for (size_t i = 0; i < n; i++) {
		crc ^= p[i];
		for (int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

/* Puts bytes into entry 0 of both arrays and makes the checksums right again. */
static void patch_entry(struct sectmap *map, size_t at, const uint8_t *bytes, size_t n)
{
	static uint8_t array[16384];

	for (int backup = 0; backup < 2; backup++) {
		uint64_t head = backup ? DISK - 1 : 1, from = backup ? DISK - 33 : 2;
		uint8_t h[512];
		assert_int_equal(sectmap_get(map, from, 32, array), 0);
		memcpy(array + at, bytes, n);
		assert_int_equal(sectmap_put(map, from, 32, array), 0);
		assert_int_equal(sectmap_get(map, head, 1, h), 0);
		bytes_put_le(h + 88, 4, crc32(array, sizeof(array)));
		bytes_put_le(h + 16, 4, 0);
		bytes_put_le(h + 16, 4, crc32(h, 92));
		assert_int_equal(sectmap_put(map, head, 1, h), 0);
	}
}

static void gpt_entries_change_in_place(void **state)
{
	static const uint8_t odd[] = { 'A', 0, 0x1b, 0, 'B', 0, 0, 0 };
	struct sectmap *map = gpt_disk();
	uint8_t entry[512];
	struct table t;

	(void)state;
	patch_entry(map, 56, odd, sizeof(odd));
	read_ok(map, &t);
	assert_string_equal(t.parts[0].name, "A\\x1bB"); /* for people */
	snprintf(t.parts[0].gpt_type, sizeof(t.parts[0].gpt_type), "%s", TABLE_GPT_RECOVERY);
	t.parts[0].gpt_attrs = 0x8000000000000001;
	snprintf(t.gpt_guid, sizeof(t.gpt_guid), "%s", "22222222-2222-4333-8444-555555555555");
	build(map, &t);
	table_clear(&t);
	read_ok(map, &t);
	assert_u64(t.n_damage, 0);
	assert_string_equal(t.gpt_guid, "22222222-2222-4333-8444-555555555555");
	assert_string_equal(t.parts[0].gpt_type, TABLE_GPT_RECOVERY);
	assert_string_equal(t.parts[0].gpt_guid, MSR_GUID);
	assert_u64(t.parts[0].gpt_attrs, 0x8000000000000001);
	assert_int_equal(sectmap_get(map, 2, 1, entry), 0);
	assert_memory_equal(entry + 56, odd, sizeof(odd)); /* on the disk the name is what it was */
	snprintf(t.parts[0].name, sizeof(t.parts[0].name), "new");
	t.parts[0].gpt_attrs = 0;
	build(map, &t);
	table_clear(&t);
	read_ok(map, &t);
	assert_string_equal(t.parts[0].name, "new");
	assert_u64(t.parts[0].gpt_attrs, 0);
	table_clear(&t);
	sectmap_free(map);
}

/* Found by fuzzing: libfdisk allocated and read as much as a header with a true checksum names, a gigabyte here. */
static void gpt_header_with_absurd_counts(void **state)
{
	enum { LARGE = 8 << 21 }; /* 8 GiB, so that there is something to read */
	static const uint64_t where[] = { 1, LARGE - 1 };
	struct table_part msr = gpt_part(1, 34, 65536, MSR, MSR_GUID, "Microsoft reserved partition");
	struct table want = { .kind = DYN_TABLE_GPT, .gpt_guid = DISK_GUID, .n = 1, .parts = &msr };
	struct rusage before, after;

	(void)state;
	getrusage(RUSAGE_SELF, &before);
	for (size_t i = 0; i < 2; i++) {
		struct sectmap *map = new_map(LARGE, 512);
		struct table t;
		uint8_t h[512];

		build(map, &want);
		assert_int_equal(sectmap_get(map, where[i], 1, h), 0);
		bytes_put_le(h + 80, 4, 0x8000);
		bytes_put_le(h + 84, 4, 0x8000);
		bytes_put_le(h + 72, 8, 2);
		bytes_put_le(h + 16, 4, 0);
		bytes_put_le(h + 16, 4, crc32(h, 92));
		assert_int_equal(sectmap_put(map, where[i], 1, h), 0);
		read_ok(map, &t);
		assert_u64(t.n, 1);
		assert_u64(t.n_damage, 1);
		table_clear(&t);
		sectmap_free(map);
	}
	getrusage(RUSAGE_SELF, &after);
	assert_true(after.ru_maxrss - before.ru_maxrss < 64 * 1024); /* KiB */
}

/* A change of a GPT of which only the backup is good, as a cut-off initialization leaves it: at no moment is there none. */
static void gpt_one_good_copy_is_written_last(void **state)
{
	static const uint8_t zero[512];
	struct table_part parts[] = { gpt_part(1, 34, 2048, MSR, MSR_GUID, "Microsoft reserved partition"),
				      gpt_part(2, 4096, 8192, "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7", "bbbbbbbb-2222-4333-8444-555555555555", "Basic data partition") };
	struct table want = { .kind = DYN_TABLE_GPT, .gpt_guid = DISK_GUID, .n = 1, .parts = parts };

	(void)state;
	for (int lost = 0; lost < 3; lost++) { /* the header; it and the protective MBR; nothing */
		struct sectmap *map = new_map(65536, 512);
		struct table_sectors out;
		struct table t;
		size_t total = 0;

		want.n = 1;
		build(map, &want);
		if (lost < 2)
			assert_int_equal(sectmap_put(map, 1, 1, zero), 0);
		if (lost == 1)
			assert_int_equal(sectmap_put(map, 0, 1, zero), 0);
		want.n = 2;
		assert_int_equal(table_build(map, &want, &out, NULL), 0);
		for (size_t i = 0; i < out.n; i++)
			for (uint32_t k = 0; k < out.runs[i].n_sectors; k++, total++) {
				read_ok(map, &t);
				assert_int_equal(t.kind, DYN_TABLE_GPT);
				assert_true(t.n == 1 || t.n == 2);
				table_clear(&t);
				assert_int_equal(sectmap_put(map, out.runs[i].sector + k, 1, out.runs[i].bytes + (size_t)k * 512), 0);
			}
		read_ok(map, &t);
		assert_u64(t.n, 2);
		assert_u64(t.n_damage, 0);
		assert_true(total >= 4);
		table_clear(&t);
		table_sectors_clear(&out);
		sectmap_free(map);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_is_none),
		cmocka_unit_test(mbr_exact_places),
		cmocka_unit_test(mbr_edit_keeps_the_rest),
		cmocka_unit_test(gpt_new_and_order),
		cmocka_unit_test(gpt_upgrade),
		cmocka_unit_test(gpt_each_copy_damaged),
		cmocka_unit_test(gpt_both_damaged),
		cmocka_unit_test(gpt_repaired_by_next_change),
		cmocka_unit_test(mbr_replaces_gpt),
		cmocka_unit_test(gpt_on_4k),
		cmocka_unit_test(boot_sector_is_no_table),
		cmocka_unit_test(partition_past_the_end_is_named),
		cmocka_unit_test(noise),
		cmocka_unit_test(ebr_loop_ends),
		cmocka_unit_test(ebr_chain_as_windows_writes_it),
		cmocka_unit_test(ebr_changes_end_with_what_decides),
		cmocka_unit_test(ebr_first_one_goes),
		cmocka_unit_test(a_damaged_mbr_is_not_none),
		cmocka_unit_test(entries_that_make_no_sense_are_named),
		cmocka_unit_test(the_backup_moves_to_the_end),
		cmocka_unit_test(mbr_refuses_what_it_cannot_say),
		cmocka_unit_test(mbr_keeps_what_others_wrote),
		cmocka_unit_test(gpt_entries_change_in_place),
		cmocka_unit_test(gpt_header_with_absurd_counts),
		cmocka_unit_test(gpt_one_good_copy_is_written_last),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
