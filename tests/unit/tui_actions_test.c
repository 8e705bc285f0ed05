/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The action table: what keys, menus and help are made from. */
#include "tests/unit/unit.h"

#include "ui/tui/actions.h"

/* A key means one thing on the main screen. */
static void no_key_twice(void **state)
{
	(void)state;
	for (int i = 0; i < ACTIONS; i++) {
		assert_int_equal(actions[i].id, i); /* the table is in the order of its ids */
		for (int k = 0; k < ACTION_KEYS && actions[i].keys[k]; k++)
			assert_ptr_equal(action_of_key(actions[i].keys[k]), &actions[i]);
	}
	assert_null(action_of_key('~'));
	assert_null(action_of_key(0));
}

/* Everything can be reached without a function key, and everything says what it does. */
static void reachable_and_explained(void **state)
{
	(void)state;
	for (int i = 0; i < ACTIONS; i++) {
		const struct action *a = &actions[i];
		bool plain = a->where != 0;

		for (int k = 0; k < ACTION_KEYS && a->keys[k]; k++)
			plain = plain || a->keys[k] < K_UP;
		assert_true(plain);
		assert_true(*a->label && *a->help && a->run);
		assert_true(strlen(a->help) < 158); /* two lines of 80 columns */
	}
}

/* Labels as Windows has them, so that its guides can be followed. */
static void windows_words(void **state)
{
	(void)state;
	assert_string_equal(actions[ACT_UPGRADE].label, "Upgrade to Dynamic Disk...");
	assert_string_equal(actions[ACT_ADD_MIRROR].label, "Add Mirror...");
	assert_string_equal(actions[ACT_REMOVE_MIRROR].label, "Remove Mirror...");
	assert_string_equal(actions[ACT_BREAK_MIRROR].label, "Break Mirrored Volume...");
	assert_string_equal(actions[ACT_RESCAN].label, "Rescan Disks");
}

static void key_labels(void **state)
{
	char s[16];

	(void)state;
	key_label(K_ENTER, s, sizeof(s));
	assert_string_equal(s, "Enter");
	key_label(K_F1 + 4, s, sizeof(s));
	assert_string_equal(s, "F5");
	key_label(KEY_CONTROL('l'), s, sizeof(s));
	assert_string_equal(s, "Ctrl-L");
	key_label(K_BACK_TAB, s, sizeof(s));
	assert_string_equal(s, "Shift-Tab");
	key_label('r', s, sizeof(s));
	assert_string_equal(s, "r");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_key_twice),
		cmocka_unit_test(reachable_and_explained),
		cmocka_unit_test(windows_words),
		cmocka_unit_test(key_labels),
	};

	return cmocka_run_group_tests_name("tui_actions", tests, NULL, NULL);
}
