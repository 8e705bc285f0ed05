/* SPDX-License-Identifier: GPL-3.0-or-later */
/* keys.c - what keys are called. */
#include "config.h"

#include <stdio.h>

#include "ui/tui/keys.h"

void key_label(int key, char *dst, unsigned n)
{
	static const char *const name[] = { "Up", "Down", "Left", "Right", "PgUp", "PgDn", "Home", "End", "Del", "Shift-Tab" };

	if (key >= K_UP && key <= K_BACK_TAB)
		snprintf(dst, n, "%s", name[key - K_UP]);
	else if (key >= K_F1 && key <= K_F10)
		snprintf(dst, n, "F%d", key - K_F1 + 1);
	else if (key == K_ENTER || key == K_TAB || key == K_ESC)
		snprintf(dst, n, "%s", key == K_ENTER ? "Enter" : key == K_TAB ? "Tab" : "Esc");
	else if (key == ' ')
		snprintf(dst, n, "Space");
	else if (key > 0 && key < 0x20)
		snprintf(dst, n, "Ctrl-%c", key + '@');
	else
		snprintf(dst, n, "%c", key);
}
