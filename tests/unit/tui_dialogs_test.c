/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dialogs over a console without a terminal. */
#include "tests/unit/unit.h"

#include <locale.h>

#include "ui/tui/console.h"

static void picked(struct console *con, int id)
{
	(void)con;
	(void)id;
}

static void typed(struct console *con, const char *text)
{
	(void)con;
	(void)text;
}

static void draw_at_every_size(struct console *con)
{
	struct screen *top = con->stack[con->depth - 1];

	for (int rows = 1; rows < 12; rows++)
		for (int cols = 1; cols < 90; cols += cols < 12 ? 1 : 13) {
			canvas_resize(&con->canvas, rows, cols);
			top->ops->draw(con, top, &con->canvas);
		}
	console_pop_all(con);
}

/* Found by fuzzing: the field of an input line that has no room looked for the end of its text behind it. */
static void dialogs_fit_any_screen(void **state)
{
	struct console con = { 0 };
	struct menu *m = menu_new("Menu");

	(void)state;
	setlocale(LC_CTYPE, "C.UTF-8");
	input_show(&con, "Find", "What to look for, in many words:", "Laufwerk f\xc3\xbcr \xf0\x9f\x92\xbe", typed);
	draw_at_every_size(&con);
	input_show(&con, "Find", "Text:", "", typed);
	draw_at_every_size(&con);
	message_show(&con, "Not saved", "%s", "There is such a file already; choose another name.");
	draw_at_every_size(&con);
	menu_text(m, "Choose one of these.");
	for (int i = 0; i < 20; i++)
		menu_add(m, i, i % 3 == 0, 0, "A thing to do", "key", "What it does, and why one would.");
	menu_show(&con, m, picked, NULL);
	draw_at_every_size(&con);
	canvas_free(&con.canvas);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dialogs_fit_any_screen),
	};

	return cmocka_run_group_tests_name("tui_dialogs", tests, NULL, NULL);
}
