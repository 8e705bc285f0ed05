/* SPDX-License-Identifier: GPL-3.0-or-later */
/* console.c - the stack of screens: painting all of it, giving keys to the top one. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/tui/actions.h"
#include "ui/tui/advice.h"
#include "ui/tui/paint.h"

void console_push(struct console *con, struct screen *s)
{
	if (con->depth == CONSOLE_SCREENS) { /* never that deep; the newest wins */
		console_pop(con);
	}
	con->stack[con->depth++] = s;
	con->dirty = true;
}

void console_pop(struct console *con)
{
	if (con->depth == 0)
		return;
	con->depth--;
	con->stack[con->depth]->ops->free(con->stack[con->depth]);
	con->dirty = true;
}

void console_pop_all(struct console *con)
{
	while (con->depth)
		console_pop(con);
}

void console_notice(struct console *con, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(con->view.notice, sizeof(con->view.notice), fmt, ap);
	va_end(ap);
	con->dirty = true;
}

static void main_keys(const struct view *v, char *dst, size_t n)
{
	struct repair r;
	bool other = v->pane[!v->focus] != PANE_HIDDEN;

	snprintf(dst, n, "%sEnter menu  %s? help  q quit  i details  m menu bar  R rescan  L log",
		 repairs(v, &r, 1) ? "r repair  " : "", other ? "Tab pane  " : "");
}

static void paint_bottom(struct console *con, struct canvas *c)
{
	char sentence[sizeof(con->bottom)], keys[160] = "";
	enum role role = ROLE_NORMAL;

	if (con->layout.mode == LAYOUT_TOO_SMALL)
		return;
	if (*con->view.notice)
		snprintf(sentence, sizeof(sentence), "%s", con->view.notice);
	else if (con->depth)
		snprintf(sentence, sizeof(sentence), "%s", con->bottom);
	else if (con->working)
		console_work_sentence(con, sentence, sizeof(sentence));
	else
		role = advice(&con->view, sentence, sizeof(sentence));
	if (con->depth == 0)
		main_keys(&con->view, keys, sizeof(keys));
	paint_status(c, con->layout.status, role, sentence, keys);
}

void console_paint(struct console *con, int rows, int cols)
{
	struct canvas *c = &con->canvas;
	int y, x;

	canvas_resize(c, rows, cols);
	layout_free(&con->layout);
	layout_make(&con->layout, &con->view, rows, cols);
	paint_main(c, &con->view, &con->layout);
	con->bottom[0] = '\0';
	for (int i = 0; i < con->depth; i++)
		con->stack[i]->ops->draw(con, con->stack[i], c);
	y = c->cursor_y;
	x = c->cursor_x;
	paint_bottom(con, c);
	c->cursor_y = y;
	c->cursor_x = x;
}

/* ---------------------------------------------------------------- keys of the main screen */

static bool movement(const struct view *v, int key, enum move *how)
{
	static const struct {
		int key[3];
		enum move how;
	} table[] = {
		{ { K_UP, 'k', 0 }, MOVE_UP },
		{ { K_DOWN, 'j', 0 }, MOVE_DOWN },
		{ { K_LEFT, 'h', 0 }, MOVE_LEFT },
		{ { K_RIGHT, 'l', 0 }, MOVE_RIGHT },
		{ { K_PAGE_UP, KEY_CONTROL('u'), 0 }, MOVE_PAGE_UP },
		{ { K_PAGE_DOWN, KEY_CONTROL('d'), ' ' }, MOVE_PAGE_DOWN },
		{ { K_HOME, 'g', 0 }, MOVE_FIRST },
		{ { K_END, 'G', 0 }, MOVE_LAST },
	};

	if (key == 'l' && v->n_jobs) /* the bar says: l limit */
		return false;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		for (int k = 0; k < 3; k++) {
			if (table[i].key[k] == key && key) {
				*how = table[i].how;
				return true;
			}
		}
	}
	return false;
}

static void main_key(struct console *con, int key)
{
	const struct action *a;
	enum move how;

	if (con->working && con->work.progress && (key == K_ESC || key == KEY_CONTROL('c'))) {
		atomic_store(&con->stop, true);
		return;
	}
	if (con->esc_pending && key >= '0' && key <= '9')
		key = key == '0' ? K_F10 : K_F1 + key - '1';
	con->esc_pending = key == K_ESC;
	if (movement(&con->view, key, &how)) {
		view_move(&con->view, how);
		return;
	}
	a = action_of_key(key);
	if (a)
		action_run(con, a);
	else if (key != K_ESC && key >= ' ' && key < K_UP)
		console_notice(con, "That key does nothing here. ? shows all keys.");
}

void console_key(struct console *con, int key)
{
	con->view.notice[0] = '\0';
	con->pending = 0;
	con->dirty = true;
	if (key == KEY_CONTROL('l')) {
		con->repaint = true;
		return;
	}
	if (con->depth) {
		struct screen *top = con->stack[con->depth - 1];

		top->ops->key(con, top, key == KEY_CONTROL('c') ? K_ESC : key);
		return;
	}
	main_key(con, key);
}

/* ---------------------------------------------------------------- mouse on the main screen */

static void select_at(struct console *con, int y, int x, bool *again)
{
	struct view *v = &con->view;
	const struct layout_box *b = layout_box_at(&con->layout, y, x);
	int pane;
	long row = layout_row_at(&con->layout, y, x, &pane);

	*again = false;
	if (b) {
		*again = v->focus == b->pane && v->disk == b->disk && v->region == b->region;
		v->focus = b->pane;
		view_select_disk(v, b->disk, b->region);
	} else if (row >= 0) {
		bool volumes = v->pane[pane] == PANE_VOLUMES;

		*again = v->focus == pane && (volumes ? v->volume : v->disk) == (size_t)row;
		v->focus = pane;
		if (volumes)
			view_select_volume(v, (size_t)row);
		else
			view_select_disk(v, (size_t)row, DYN_NONE);
	}
}

static void main_mouse(struct console *con, const struct mouse *m)
{
	bool again;

	if (m->what == MOUSE_WHEEL_UP || m->what == MOUSE_WHEEL_DOWN) {
		view_move(&con->view, m->what == MOUSE_WHEEL_UP ? MOVE_UP : MOVE_DOWN);
		return;
	}
	if (m->y == 0) {
		for (int i = MENU_BAR_ITEMS - 1; i >= 0; i--) {
			if (m->x >= menu_bar_column(i) && m->x < menu_bar_column(i + 1)) {
				actions_menu_bar(con, i);
				return;
			}
		}
		return;
	}
	select_at(con, m->y, m->x, &again);
	if (m->what == MOUSE_MENU || again) {
		console_show(con); /* the menu opens at the selection, where that now is */
		action_run(con, &actions[ACT_CONTEXT]);
	}
}

void console_mouse(struct console *con, const struct mouse *m)
{
	con->view.notice[0] = '\0';
	con->pending = 0;
	con->dirty = true;
	if (con->layout.mode == LAYOUT_TOO_SMALL)
		return;
	if (con->depth == 0) {
		main_mouse(con, m);
	} else {
		struct screen *top = con->stack[con->depth - 1];

		if (top->ops->mouse)
			top->ops->mouse(con, top, m);
	}
}
