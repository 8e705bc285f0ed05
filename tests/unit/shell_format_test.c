/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <locale.h>

#include "tests/unit/toy_model.h"
#include "ui/shell/internal.h"

static char *text;
static size_t text_size;

static FILE *begin(void)
{
	free(text);
	text = NULL;
	return open_memstream(&text, &text_size);
}

/* The rows of the guides, cell by cell. */
static void tables_are_diskparts(void **state)
{
	struct toy_model t;
	FILE *f = begin();

	(void)state;
	toy_failed_mirror(&t);
	shell_disk_header(f);
	for (size_t i = 0; i < t.m.n_disks; i++)
		shell_disk_row(f, &t.m.disks[i], i == 0, false);
	shell_disk_row(f, &t.m.disks[2], false, true);
	shell_volume_header(f);
	shell_volume_row(f, &t.volumes[0], 'C', true);
	t.volumes[0].status = DYN_VOLUME_REBUILDING;
	shell_volume_row(f, &t.volumes[0], 'C', false);
	fclose(f);
	assert_string_equal(text, "  Disk ###  Status         Size     Free     Dyn  Gpt\n"
				  "  --------  -------------  -------  -------  ---  ---\n"
				  "* Disk 0    Online          447 GB      0 B   *    *\n"
				  "  Disk 1    Online          447 GB   447 GB\n"
				  "  Disk M0   Missing            0 B      0 B   *\n"
				  "  Disk M0   Missing        2996 MB      0 B   *\n"
				  "  Volume ###  Ltr  Label        Fs     Type        Size     Status     Info\n"
				  "  ----------  ---  -----------  -----  ----------  -------  ---------  --------\n"
				  "* Volume 0     C   Windows      NTFS   Mirror       447 GB  Failed Rd  System\n"
				  "  Volume 0     C   Windows      NTFS   Mirror       447 GB  Rebuild    System\n");
}

static void long_labels_are_cut(void **state)
{
	struct toy_model t;
	FILE *f = begin();

	(void)state;
	toy_failed_mirror(&t);
	shell_volume_row(f, &t.volumes[1], 0, false);
	fclose(f);
	assert_string_equal(text, "  Volume 1         Gr\303\266\303\237e mit m  FAT32  Partition    350 MB  Healthy    Hidden\n");
}

static void text_fits_its_cells(void **state)
{
	char cell[64];

	(void)state;
	shell_fit(cell, sizeof(cell), "abc", 5);
	assert_string_equal(cell, "abc  ");
	shell_fit(cell, sizeof(cell), "abcdef", 5);
	assert_string_equal(cell, "abcde");
	shell_fit(cell, sizeof(cell), "", 0);
	assert_string_equal(cell, "");
	shell_fit(cell, 4, "abcdef", 5);
	assert_string_equal(cell, "abc");
	if (!setlocale(LC_ALL, "C.UTF-8"))
		return;
	shell_fit(cell, sizeof(cell), "\346\274\242\345\255\227x", 3); /* two cells each: the second one does not fit */
	assert_string_equal(cell, "\346\274\242 ");
	shell_fit(cell, sizeof(cell), "e\314\201x", 2); /* a combining accent takes no cell */
	assert_string_equal(cell, "e\314\201x");
}

static void partitions_have_diskparts_words(void **state)
{
	static const struct dyn_partition parts[] = {
		{ .number = 1, .type_word = "System", .offset = 1048576, .size = 367001600 },
		{ .number = 2, .type_word = "Primary", .offset = 502267904, .size = 447ull << 30 },
		{ .number = 12, .type_word = "Dynamic Reserved", .offset = 17408, .size = 32ull << 20 },
	};
	FILE *f = begin();

	(void)state;
	shell_partition_header(f);
	for (size_t i = 0; i < 3; i++)
		shell_partition_row(f, &parts[i], i == 1);
	fclose(f);
	assert_string_equal(text, "  Partition ###  Type              Size     Offset\n"
				  "  -------------  ----------------  -------  -------\n"
				  "  Partition 1    System             350 MB  1024 KB\n"
				  "* Partition 2    Primary            447 GB   479 MB\n"
				  "  Partition 12   Dynamic Reserved    32 MB    17 KB\n");
}

static void hidden_follows_type_and_attribute(void **state)
{
	struct dyn_partition p = { .type_word = "Primary" };

	(void)state;
	assert_false(shell_is_hidden(DYN_TABLE_GPT, &p));
	p.attributes = 1ull << 63; /* no drive letter, but not hidden: as the guides show it */
	assert_false(shell_is_hidden(DYN_TABLE_GPT, &p));
	p.attributes = 1ull << 62;
	assert_true(shell_is_hidden(DYN_TABLE_GPT, &p));
	p = (struct dyn_partition){ .type_word = "Recovery" };
	assert_true(shell_is_hidden(DYN_TABLE_GPT, &p));
	p = (struct dyn_partition){ .type_word = "Primary", .type_id = "17" };
	assert_true(shell_is_hidden(DYN_TABLE_MBR, &p));
	p = (struct dyn_partition){ .type_word = "Primary", .type_id = "07", .attributes = 1ull << 62 };
	assert_false(shell_is_hidden(DYN_TABLE_MBR, &p));
}

static void text_is_wrapped(void **state)
{
	FILE *f = begin();

	(void)state;
	shell_wrap(f, 2, "");
	shell_wrap(f, 4, "one two");
	shell_wrap(f, 0, "12345678901234567890 12345678901234567890 12345678901234567890 1234567890123456 12");
	fclose(f);
	assert_string_equal(text, "\n    one two\n"
				  "12345678901234567890 12345678901234567890 12345678901234567890 1234567890123456\n12\n");
}

/* A disk with two partitions, of which the first is a volume, beside the toy mirror. */
static void add_partitions(struct toy_model *t, struct dyn_partition parts[2])
{
	parts[0] = (struct dyn_partition){ .number = 1, .type_word = "System", .offset = 512, .size = 1 << 20, .volume = 1 };
	parts[1] = (struct dyn_partition){ .number = 2, .type_word = "Reserved", .offset = 2 << 20, .size = 1 << 20,
					   .volume = DYN_NONE };
	t->disks[0].partitions = parts;
	t->disks[0].n_partitions = 2;
}

/* What is selected, as "disk partition volume" with '-' for nothing. */
static const char *selected(const struct shell_selection *sel, const struct dyn_model *m)
{
	static char line[64];
	size_t disk, part = shell_focused_partition(sel, m, &disk), volume = shell_focused_volume(&sel->volume, m);

	snprintf(line, sizeof(line), "%c %c %c", disk == DYN_NONE ? '-' : (char)('0' + disk),
		 part == DYN_NONE ? '-' : (char)('0' + part), volume == DYN_NONE ? '-' : (char)('0' + volume));
	return line;
}

static void selecting_follows_diskparts_rules(void **state)
{
	struct toy_model t;
	struct dyn_partition parts[2];
	struct shell_selection sel = { 0 };

	(void)state;
	toy_failed_mirror(&t);
	add_partitions(&t, parts);
	assert_string_equal(selected(&sel, &t.m), "- - -");
	shell_select_disk(&sel, &t.m, 1);
	assert_string_equal(selected(&sel, &t.m), "1 - -");
	shell_select_partition(&sel, &t.m, 0, 0); /* its volume with it */
	assert_string_equal(selected(&sel, &t.m), "0 0 1");
	shell_select_partition(&sel, &t.m, 0, 1); /* which has none */
	assert_string_equal(selected(&sel, &t.m), "0 1 -");
	shell_select_volume(&sel, &t.m, 1); /* its disk and partition with it */
	assert_string_equal(selected(&sel, &t.m), "0 0 1");
	shell_select_disk(&sel, &t.m, 0); /* even the same disk: partition and volume go */
	assert_string_equal(selected(&sel, &t.m), "0 - -");
	shell_select_volume(&sel, &t.m, 0); /* on two disks: neither is selected */
	assert_string_equal(selected(&sel, &t.m), "- - 0");
	shell_select_volume(&sel, &t.m, DYN_NONE);
	assert_string_equal(selected(&sel, &t.m), "- - -");
	shell_select_partition(&sel, &t.m, 0, 7);
	assert_string_equal(selected(&sel, &t.m), "0 - -");
	shell_select_disk(&sel, &t.m, DYN_NONE);
	assert_string_equal(selected(&sel, &t.m), "- - -");
}

static void letters_live_in_the_session(void **state)
{
	struct toy_model t;
	struct shell_letters l = { 0 };
	size_t several;

	(void)state;
	toy_failed_mirror(&t);
	assert_int_equal(shell_letter(&l, &t.m, 0), 'C'); /* the disks' own */
	assert_int_equal(shell_letter(&l, &t.m, 1), 0);
	assert_int_equal(shell_free_letter(&l, &t.m), 'D');
	assert_int_equal(shell_set_letter(&l, &t.m, 1, 'T'), 0);
	assert_int_equal(shell_letter(&l, &t.m, 1), 'T');
	assert_u64(shell_find_volume(&l, &t.m, "t:", &several), 1);
	assert_int_equal(shell_set_letter(&l, &t.m, 0, 0), 0); /* taken away */
	assert_int_equal(shell_letter(&l, &t.m, 0), 0);
	assert_int_equal(shell_free_letter(&l, &t.m), 'C');
	assert_u64(shell_find_volume(&l, &t.m, "c", &several), DYN_NONE);
	assert_int_equal(shell_set_letter(&l, &t.m, 0, 'D'), 0);
	assert_u64(l.n, 2); /* one entry a volume */
	strcpy(t.volumes[1].guid, "bbbbbbbb-2222-4333-8444-555555555555"); /* the partition became a volume, in its place */
	assert_int_equal(shell_letter(&l, &t.m, 1), 'T');
	shell_drop_letter(&l, shell_letter_entry(&l, &t.m, 1));
	assert_int_equal(shell_letter(&l, &t.m, 1), 0);
	assert_int_equal(shell_letter(&l, &t.m, 0), 'D');
	shell_drop_letter(&l, shell_letter_entry(&l, &t.m, 1)); /* there is none: nothing happens */
	assert_u64(l.n, 1);
	shell_letters_clear(&l);
}

static void ascii_streams_show_question_marks(void **state)
{
	FILE *to = begin(), *f = shell_ascii_stream(to);

	(void)state;
	fputs("Gr\303\266\303\237e \360\237\222\276 ok\n", f);
	fclose(f);
	fclose(to);
	assert_string_equal(text, "Gr??e ? ok\n");
}

static void disks_and_volumes_are_found(void **state)
{
	struct toy_model t;
	size_t several;

	(void)state;
	toy_failed_mirror(&t);
	assert_u64(shell_find_disk(&t.m, "0"), 0);
	assert_u64(shell_find_disk(&t.m, "m0"), 2);
	assert_u64(shell_find_disk(&t.m, "M0"), 2);
	assert_u64(shell_find_disk(&t.m, "2"), DYN_NONE);
	assert_u64(shell_find_disk(&t.m, "m1"), DYN_NONE);
	assert_u64(shell_find_disk(&t.m, "/dev/sdb"), 1);
	assert_u64(shell_find_disk(&t.m, "99999999999999999999"), DYN_NONE);
	assert_u64(shell_find_volume(NULL, &t.m, "c", &several), 0);
	assert_u64(shell_find_volume(NULL, &t.m, "C:", &several), 0);
	assert_u64(several, 1);
	assert_u64(shell_find_volume(NULL, &t.m, "1", &several), 1);
	assert_u64(shell_find_volume(NULL, &t.m, "d", &several), DYN_NONE);
	t.volumes[1].letter = 'C';
	shell_find_volume(NULL, &t.m, "c", &several);
	assert_u64(several, 2);
	assert_u64(shell_only_disk(&t.m, 0), DYN_NONE);
	assert_u64(shell_only_disk(&t.m, 1), 0);
}

static void focus_follows_the_thing(void **state)
{
	struct toy_model t;
	struct shell_focus disk, missing, volume, partition, none = { 0 };
	struct dyn_disk swap;

	(void)state;
	toy_failed_mirror(&t);
	shell_focus_disk(&disk, &t.m, 1);
	shell_focus_disk(&missing, &t.m, 2);
	shell_focus_volume(&volume, &t.m, 0);
	shell_focus_volume(&partition, &t.m, 1);
	assert_u64(shell_focused_disk(&none, &t.m), DYN_NONE);
	assert_u64(shell_focused_volume(&none, &t.m), DYN_NONE);

	strcpy(t.disks[1].guid, "77777777-2222-4333-8444-555555555555"); /* it was made dynamic */
	assert_u64(shell_focused_disk(&disk, &t.m), 1);
	swap = t.disks[0];
	t.disks[0] = t.disks[1];
	t.disks[1] = swap;
	t.extents[2].disk = 1;
	assert_u64(shell_focused_disk(&disk, &t.m), 0);
	assert_u64(shell_focused_volume(&partition, &t.m), 1);
	t.disks[0].serial = "another one in its place";
	assert_u64(shell_focused_disk(&disk, &t.m), DYN_NONE);
	t.disks[2].path = "/dev/sdc"; /* the missing disk came back */
	t.disks[2].status = DYN_DISK_ONLINE;
	assert_u64(shell_focused_disk(&missing, &t.m), 2);
	t.extents[2].offset = 4096;
	assert_u64(shell_focused_volume(&partition, &t.m), DYN_NONE);
	assert_u64(shell_focused_volume(&volume, &t.m), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_are_diskparts),            cmocka_unit_test(long_labels_are_cut),
		cmocka_unit_test(text_fits_its_cells),             cmocka_unit_test(partitions_have_diskparts_words),
		cmocka_unit_test(ascii_streams_show_question_marks), cmocka_unit_test(disks_and_volumes_are_found),
		cmocka_unit_test(focus_follows_the_thing),         cmocka_unit_test(selecting_follows_diskparts_rules),
		cmocka_unit_test(letters_live_in_the_session),     cmocka_unit_test(hidden_follows_type_and_attribute),
		cmocka_unit_test(text_is_wrapped),
	};
	int r = cmocka_run_group_tests_name("shell format", tests, NULL, NULL);

	free(text);
	return r;
}
