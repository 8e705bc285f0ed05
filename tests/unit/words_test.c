/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include "ui/words.h"

/* The words that documents and scripts rely on, in every face. */
static void one_state_three_words(void **state)
{
	(void)state;
	assert_string_equal(words_volume_status(WORDS_TUI, DYN_VOLUME_FAILED_REDUNDANCY), "Failed Redundancy");
	assert_string_equal(words_volume_status(WORDS_SHELL, DYN_VOLUME_FAILED_REDUNDANCY), "Failed Rd");
	assert_string_equal(words_volume_status(WORDS_JSON, DYN_VOLUME_FAILED_REDUNDANCY), "failed_redundancy");
	assert_string_equal(words_volume_status(WORDS_TUI, DYN_VOLUME_REBUILDING), "Regenerating");
	assert_string_equal(words_volume_status(WORDS_SHELL, DYN_VOLUME_REBUILDING), "Rebuild");
	assert_string_equal(words_volume_status(WORDS_JSON, DYN_VOLUME_REBUILDING), "rebuilding");
	assert_string_equal(words_disk_status(WORDS_SHELL, DYN_DISK_NOT_INITIALIZED), "Online");
	assert_string_equal(words_disk_status(WORDS_TUI, DYN_DISK_NOT_INITIALIZED), "Not Initialized");
	assert_string_equal(words_layout(WORDS_SHELL, DYN_LAYOUT_STRIPED), "Stripe");
	assert_string_equal(words_layout(WORDS_JSON, DYN_LAYOUT_RAID5), "raid5");
}

/* An enum that grew without its words, or a damaged value, must not crash and must not look like another state. */
static void every_value_has_a_word_of_its_own(void **state)
{
	(void)state;
	for (int i = 0; i < DYN_VOLUME_STATUSES; i++)
		for (int j = 0; j < i; j++)
			for (int f = 0; f < WORDS_FACES; f++)
				assert_string_not_equal(words_volume_status((enum words_face)f, (enum dyn_volume_status)i),
							words_volume_status((enum words_face)f, (enum dyn_volume_status)j));
	for (int i = 0; i < DYN_JOB_STATES; i++)
		assert_string_not_equal(words_job_state(WORDS_JSON, (enum dyn_job_state)i), "unknown");
	for (int i = 0; i < DYN_REGION_KINDS; i++)
		assert_string_not_equal(words_region(WORDS_JSON, (enum dyn_region_kind)i), "unknown");
	for (int i = 0; i < DYN_LAYOUTS; i++)
		assert_string_not_equal(words_layout(WORDS_JSON, (enum dyn_layout)i), "unknown");
	for (int i = 0; i < DYN_DISK_STATUSES; i++)
		assert_string_not_equal(words_disk_status(WORDS_JSON, (enum dyn_disk_status)i), "unknown");
	for (int i = 0; i < DYN_PLEX_STATUSES; i++)
		assert_string_not_equal(words_plex_status(WORDS_JSON, (enum dyn_plex_status)i), "unknown");
	assert_string_equal(words_volume_status(WORDS_JSON, (enum dyn_volume_status)99), "unknown");
	assert_string_equal(words_disk_status(WORDS_TUI, (enum dyn_disk_status)-1), "Unknown");
}

static void titles(void **state)
{
	struct dyn_volume v = { .number = 3, .name = "Volume3", .label = "Windows", .letter = 'C' };
	struct dyn_disk d = { .name = "Disk 1", .model = "SAMSUNG", .serial = "S45", .path = "/dev/sdb", .size = 1ULL << 40 };
	char s[96];

	(void)state;
	words_volume_title(&v, s, sizeof(s));
	assert_string_equal(s, "C: Windows");
	words_volume_short(&v, s, sizeof(s));
	assert_string_equal(s, "C:");
	v.letter = 0;
	words_volume_short(&v, s, sizeof(s));
	assert_string_equal(s, "Windows");
	v.label = "";
	words_volume_title(&v, s, sizeof(s));
	assert_string_equal(s, "Volume3");
	v.name = "";
	words_volume_title(&v, s, sizeof(s));
	assert_string_equal(s, "Volume 3");
	words_disk_title(&d, s, sizeof(s));
	assert_string_equal(s, "Disk 1  SAMSUNG  S45  1024 GB");
	d.model = d.serial = "";
	words_disk_title(&d, s, 12);
	assert_string_equal(s, "Disk 1  /de");
}

static void durations(void **state)
{
	char s[32];

	(void)state;
	words_duration(0, s, sizeof(s));
	assert_string_equal(s, "");
	words_duration(40, s, sizeof(s));
	assert_string_equal(s, "40 s");
	words_duration(18 * 60, s, sizeof(s));
	assert_string_equal(s, "18 min");
	words_duration(2 * 3600 + 50 * 60, s, sizeof(s));
	assert_string_equal(s, "2 h 50 min");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_state_three_words),
		cmocka_unit_test(every_value_has_a_word_of_its_own),
		cmocka_unit_test(titles),
		cmocka_unit_test(durations),
	};

	return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}
