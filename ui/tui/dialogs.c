/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dialogs.c - list chooser, text and input line. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/tui/actions.h"
#include "ui/tui/console.h"
#include "ui/tui/paint.h"

/* ---------------------------------------------------------------- frames */

struct rect dialog_rect(const struct canvas *c, int h, int w)
{
	int rows = c->rows >= LAYOUT_MIN_ROWS ? c->rows - 2 : c->rows;
	struct rect r = { .h = h + 2 < rows ? h + 2 : rows, .w = w + 4 < c->cols ? w + 4 : c->cols };

	r.y = (rows - r.h) / 2;
	r.x = (c->cols - r.w) / 2;
	return r;
}

void dialog_scroll_marks(struct canvas *c, const struct rect *r, int first, int shown, int total)
{
	int x = r->x + r->w - 1;

	if (first > 0)
		canvas_put(c, r->y + 1, x, ROLE_DIALOG_STRONG, '^');
	if (first + shown < total)
		canvas_put(c, r->y + r->h - 2, x, ROLE_DIALOG_STRONG, 'v');
}

bool dialog_scroll_key(int key, int *scroll, int shown, int total)
{
	int most = total > shown ? total - shown : 0, page = shown > 1 ? shown - 1 : 1;

	switch (key) {
	case K_UP:
	case 'k':
		(*scroll)--;
		break;
	case K_DOWN:
	case 'j':
		(*scroll)++;
		break;
	case K_PAGE_UP:
	case KEY_CONTROL('u'):
		*scroll -= page;
		break;
	case K_PAGE_DOWN:
	case KEY_CONTROL('d'):
	case ' ':
		*scroll += page;
		break;
	case K_HOME:
	case 'g':
		*scroll = 0;
		break;
	case K_END:
	case 'G':
		*scroll = most;
		break;
	default:
		return false;
	}
	*scroll = *scroll > most ? most : *scroll < 0 ? 0 : *scroll;
	return true;
}

/* ---------------------------------------------------------------- menu */

struct item {
	int id, key;
	bool disabled;
	char *label, *right, *hint;
};

struct menu {
	struct screen screen;
	char *title, *text;
	int y, x, bar; /* y < 0: centred */
	size_t n, at, first;
	struct item *items;
	menu_pick pick;
	void (*cancelled)(struct console *con);
	struct rect list; /* where the items were drawn */
};

struct menu *menu_new(const char *title)
{
	struct menu *m = xcalloc(1, sizeof(*m));

	m->title = xstrdup(title);
	m->text = xstrdup("");
	m->y = m->bar = -1;
	return m;
}

void menu_place(struct menu *m, int y, int x, int bar)
{
	m->y = y;
	m->x = x;
	m->bar = bar;
}

void menu_text(struct menu *m, const char *text)
{
	free(m->text);
	m->text = xstrdup(text);
}

void menu_add(struct menu *m, int id, bool disabled, int key, const char *label, const char *right, const char *hint)
{
	m->items = xrealloc(m->items, (m->n + 1) * sizeof(*m->items));
	m->items[m->n++] = (struct item){ id, key, disabled, xstrdup(label), xstrdup(right), xstrdup(hint) };
}

void menu_select(struct menu *m, int id)
{
	for (size_t i = 0; i < m->n; i++) {
		if (m->items[i].id == id)
			m->at = i;
	}
}

static void menu_free(struct screen *s)
{
	struct menu *m = (struct menu *)s;

	for (size_t i = 0; i < m->n; i++) {
		free(m->items[i].label);
		free(m->items[i].right);
		free(m->items[i].hint);
	}
	free(m->items);
	free(m->title);
	free(m->text);
	free(m);
}

void menu_discard(struct menu *m)
{
	menu_free(&m->screen);
}

/* Inner width: the widest item, the title, at most the screen; text is wrapped into it. */
static int menu_width(const struct menu *m, const struct canvas *c)
{
	int w = text_width(m->title) + 2, text = text_width(m->text);

	for (size_t i = 0; i < m->n; i++) {
		int iw = text_width(m->items[i].label) + 4 +
			 (*m->items[i].right ? text_width(m->items[i].right) + 2 : 0);

		w = iw > w ? iw : w;
	}
	if (text > w)
		w = text < 64 ? text : 64 > w ? 64 : w;
	return w > c->cols - 4 ? c->cols - 4 : w;
}

static void menu_draw_item(struct menu *m, struct canvas *c, size_t i, int y, int x, int w)
{
	const struct item *it = &m->items[i];
	bool here = i == m->at;
	enum role role = it->disabled ? ROLE_GREYED : ROLE_DIALOG;
	int rw = text_width(it->right);

	canvas_fill(c, y, x, w, role, ' ');
	canvas_text(c, y, x, 2, role, here ? "> " : it->disabled ? "- " : "  ");
	canvas_name(c, y, x + 2, w - 2 - (rw ? rw + 1 : 0), role, it->label);
	canvas_text_right(c, y, x + 2, w - 3, role, it->right);
	if (!here)
		return;
	canvas_role(c, y, x, w, ROLE_SELECTED);
	c->cursor_y = y;
	c->cursor_x = x;
}

static void menu_draw(struct console *con, struct screen *s, struct canvas *c)
{
	struct menu *m = (struct menu *)s;
	int w = menu_width(m, c), text = 0, room;
	struct rect r;

	if (*m->text)
		text = canvas_wrap(c, 0, 0, w, 0, 0, ROLE_DIALOG, m->text) + 1;
	r = dialog_rect(c, (int)m->n + text, w);
	if (m->y >= 0) {
		int bottom = c->rows >= LAYOUT_MIN_ROWS ? c->rows - 2 : c->rows;

		r.y = m->y + r.h > bottom ? bottom - r.h : m->y;
		r.x = m->x + r.w > c->cols ? c->cols - r.w : m->x;
		r.y = r.y < 0 ? 0 : r.y;
		r.x = r.x < 0 ? 0 : r.x;
	}
	canvas_box(c, &r, ROLE_DIALOG, ROLE_DIALOG_TITLE, m->title);
	text = text > r.h - 3 ? r.h - 3 : text;
	if (text > 0)
		canvas_wrap(c, r.y + 1, r.x + 2, w, text - 1, 0, ROLE_DIALOG, m->text);
	room = r.h - 2 - (text > 0 ? text : 0);
	room = room < 1 ? 1 : room;
	if (m->at < m->first)
		m->first = m->at;
	if (m->at >= m->first + (size_t)room)
		m->first = m->at - (size_t)room + 1;
	m->list = (struct rect){ r.y + r.h - 1 - room, r.x + 1, room, r.w - 2 };
	for (size_t i = m->first; i < m->n && i < m->first + (size_t)room; i++)
		menu_draw_item(m, c, i, m->list.y + (int)(i - m->first), m->list.x, m->list.w);
	dialog_scroll_marks(c, &r, (int)m->first, room, (int)m->n);
	if (m->n)
		snprintf(con->bottom, sizeof(con->bottom), "%s", m->items[m->at].hint);
}

static void menu_choose(struct console *con, struct menu *m)
{
	menu_pick pick = m->pick;
	int id;

	if (m->n == 0)
		return;
	if (m->items[m->at].disabled) {
		struct dyn_err err = { 0 };

		snprintf(err.what, sizeof(err.what), "%s", m->items[m->at].hint);
		error_show(con, m->items[m->at].label, &err);
		return;
	}
	id = m->items[m->at].id;
	console_pop(con);
	pick(con, id);
}

static void menu_close(struct console *con, struct menu *m)
{
	void (*cancelled)(struct console *) = m->cancelled;

	console_pop(con);
	if (cancelled)
		cancelled(con);
}

static void menu_key(struct console *con, struct screen *s, int key)
{
	struct menu *m = (struct menu *)s;
	int at = (int)m->at, room = m->list.h > 0 ? m->list.h : 1;

	if (m->bar >= 0 && (key == K_LEFT || key == K_RIGHT)) {
		int next = (m->bar + (key == K_LEFT ? MENU_BAR_ITEMS - 1 : 1)) % MENU_BAR_ITEMS;

		console_pop(con);
		actions_menu_bar(con, next);
		return;
	}
	for (size_t i = 0; i < m->n; i++) {
		if (m->items[i].key && m->items[i].key == key) {
			m->at = i;
			menu_choose(con, m);
			return;
		}
	}
	switch (key) {
	case K_ENTER:
		menu_choose(con, m);
		return;
	case K_ESC:
	case 'q':
	case K_F10:
		menu_close(con, m);
		return;
	case K_UP:
	case 'k':
	case K_BACK_TAB:
		at = at ? at - 1 : (int)m->n - 1;
		break;
	case K_DOWN:
	case 'j':
	case K_TAB:
		at = at + 1 < (int)m->n ? at + 1 : 0;
		break;
	default:
		if (!dialog_scroll_key(key, &at, 1, (int)m->n))
			return;
		if (key == K_PAGE_DOWN || key == ' ' || key == KEY_CONTROL('d'))
			at = (int)m->at + room < (int)m->n ? (int)m->at + room : (int)m->n - 1;
		if (key == K_PAGE_UP || key == KEY_CONTROL('u'))
			at = (int)m->at > room ? (int)m->at - room : 0;
	}
	m->at = m->n ? (size_t)(at < 0 ? 0 : at) : 0;
}

static void menu_mouse(struct console *con, struct screen *s, const struct mouse *e)
{
	struct menu *m = (struct menu *)s;
	bool inside = e->y >= m->list.y && e->y < m->list.y + m->list.h && e->x >= m->list.x && e->x < m->list.x + m->list.w;

	if (e->what == MOUSE_WHEEL_UP || e->what == MOUSE_WHEEL_DOWN) {
		menu_key(con, s, e->what == MOUSE_WHEEL_UP ? K_UP : K_DOWN);
	} else if (!inside) {
		menu_close(con, m);
	} else if (m->first + (size_t)(e->y - m->list.y) < m->n) {
		m->at = m->first + (size_t)(e->y - m->list.y);
		menu_choose(con, m);
	}
}

void menu_show(struct console *con, struct menu *m, menu_pick pick, void (*cancelled)(struct console *con))
{
	static const struct screen_ops ops = { menu_draw, menu_key, menu_mouse, menu_free };

	m->screen.ops = &ops;
	m->pick = pick;
	m->cancelled = cancelled;
	for (size_t i = 0; m->at == 0 && i < m->n && m->items[m->at].disabled; i++) {
		if (!m->items[i].disabled)
			m->at = i; /* the first that can be chosen */
	}
	console_push(con, &m->screen);
}

/* ---------------------------------------------------------------- text */

struct textview {
	struct screen screen;
	char *title;
	struct lines l;
	int scroll, shown, total;
};

static void text_draw(struct console *con, struct screen *s, struct canvas *c)
{
	struct textview *t = (struct textview *)s;
	int w = text_width(t->title) + 4, most = c->cols - 4;
	struct rect r;

	for (size_t i = 0; i < t->l.n; i++) {
		int lw = text_width(t->l.at[i].text) + t->l.at[i].indent;

		w = lw > w ? lw : w;
	}
	most = most > 76 ? 76 : most;
	w = w > most ? most : w;
	t->total = lines_paint(&t->l, c, 0, 0, w, 0, 0);
	r = dialog_rect(c, t->total, w);
	t->shown = r.h - 2;
	if (t->scroll > t->total - t->shown)
		t->scroll = t->total > t->shown ? t->total - t->shown : 0;
	canvas_box(c, &r, ROLE_DIALOG, ROLE_DIALOG_TITLE, t->title);
	lines_paint(&t->l, c, r.y + 1, r.x + 2, w, t->shown, t->scroll);
	dialog_scroll_marks(c, &r, t->scroll, t->shown, t->total);
	c->cursor_y = r.y + 1;
	c->cursor_x = r.x + 2;
	snprintf(con->bottom, sizeof(con->bottom), "%s",
		 t->total > t->shown ? "Up, Down, PgUp, PgDn scroll. Esc closes." : "Esc closes.");
}

static void text_key(struct console *con, struct screen *s, int key)
{
	struct textview *t = (struct textview *)s;

	if (dialog_scroll_key(key, &t->scroll, t->shown, t->total))
		return;
	if (key == K_ESC || key == K_ENTER || key == 'q' || key == K_F10)
		console_pop(con);
}

static void text_mouse(struct console *con, struct screen *s, const struct mouse *e)
{
	if (e->what == MOUSE_WHEEL_UP || e->what == MOUSE_WHEEL_DOWN)
		text_key(con, s, e->what == MOUSE_WHEEL_UP ? K_UP : K_DOWN);
}

static void text_free(struct screen *s)
{
	struct textview *t = (struct textview *)s;

	lines_free(&t->l);
	free(t->title);
	free(t);
}

void text_show(struct console *con, const char *title, struct lines *l)
{
	static const struct screen_ops ops = { text_draw, text_key, text_mouse, text_free };
	struct textview *t = xcalloc(1, sizeof(*t));

	t->screen.ops = &ops;
	t->title = xstrdup(title);
	t->l = *l;
	*l = (struct lines){ 0 };
	console_push(con, &t->screen);
}

void error_show(struct console *con, const char *title, const struct dyn_err *err)
{
	struct lines l = { 0 };

	lines_add(&l, ROLE_DIALOG_STRONG, 0, "%s", *err->what ? err->what : "It failed, and no reason is known.");
	if (*err->way_out) {
		lines_add(&l, ROLE_DIALOG, 0, "%s", "");
		lines_add(&l, ROLE_DIALOG, 0, "%s", err->way_out);
	}
	text_show(con, title, &l);
}

void message_show(struct console *con, const char *title, const char *fmt, ...)
{
	struct lines l = { 0 };
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	lines_add(&l, ROLE_DIALOG, 0, "%s", text);
	text_show(con, title, &l);
}

/* ---------------------------------------------------------------- input */

struct input {
	struct screen screen;
	char *title;
	struct lines l;
	char text[256];
	size_t len;
	bool may_be_empty;
	input_done done;
};

static void input_draw(struct console *con, struct screen *s, struct canvas *c)
{
	struct input *in = (struct input *)s;
	int w = 60 < c->cols - 4 ? 60 : c->cols - 4, total, field, room;
	struct rect r;

	for (size_t i = 0; i < in->l.n; i++) {
		int lw = text_width(in->l.at[i].text);

		w = lw > w ? lw : w;
	}
	w = w > c->cols - 4 ? c->cols - 4 : w > 76 ? 76 : w;
	total = lines_paint(&in->l, c, 0, 0, w, 0, 0);
	r = dialog_rect(c, total + 2, w);
	room = r.h - 4;
	canvas_box(c, &r, ROLE_DIALOG, ROLE_DIALOG_TITLE, in->title);
	/* what stands last, just above the field, matters most when not all fits */
	lines_paint(&in->l, c, r.y + 1, r.x + 2, w, room, total > room ? total - room : 0);
	field = r.y + r.h - 2;
	canvas_fill(c, field, r.x + 2, w, ROLE_FIELD, ' ');
	{
		const char *tail = in->text;

		while (*tail && (text_width(tail) > w - 1 || ((unsigned char)*tail & 0xc0) == 0x80))
			tail++;
		c->cursor_x = r.x + 2 + canvas_text(c, field, r.x + 2, w, ROLE_FIELD, tail);
	}
	c->cursor_y = field;
	snprintf(con->bottom, sizeof(con->bottom), "Enter goes on. Esc leaves without doing anything.");
}

static void input_erase(struct input *in)
{
	while (in->len && ((unsigned char)in->text[in->len - 1] & 0xc0) == 0x80)
		in->len--;
	if (in->len)
		in->len--;
	in->text[in->len] = '\0';
}

/* Appends a character as UTF-8. */
static void input_append(struct input *in, int key)
{
	uint32_t cp = (uint32_t)key;
	char b[4];
	size_t n = 1;

	if (cp < 0x80) {
		b[0] = (char)cp;
	} else if (cp < 0x800) {
		n = 2;
	} else if (cp < 0x10000) {
		n = 3;
	} else {
		n = 4;
	}
	for (size_t i = n; n > 1 && i-- > 0; cp >>= 6)
		b[i] = (char)(i ? 0x80 | (cp & 0x3f) : (0xf00u >> n) | cp);
	if (in->len + n >= sizeof(in->text))
		return;
	memcpy(in->text + in->len, b, n);
	in->len += n;
	in->text[in->len] = '\0';
}

static void input_key(struct console *con, struct screen *s, int key)
{
	struct input *in = (struct input *)s;

	if (key == K_ESC || key == K_F10) {
		console_pop(con);
	} else if (key == K_ENTER) {
		input_done done = in->done;
		char text[sizeof(in->text)];
		bool empty = in->may_be_empty;

		memcpy(text, in->text, sizeof(text));
		console_pop(con);
		if (*text || empty)
			done(con, text);
		else
			console_notice(con, "Nothing was typed, so nothing was done.");
	} else if (key == K_BACKSPACE || key == K_DELETE) {
		input_erase(in);
	} else if (key == KEY_CONTROL('u')) {
		in->len = 0;
		in->text[0] = '\0';
	} else if (key >= ' ' && key < K_UP) {
		input_append(in, key);
	}
}

static void input_free(struct screen *s)
{
	struct input *in = (struct input *)s;

	lines_free(&in->l);
	free(in->title);
	free(in);
}

void input_show_lines(struct console *con, const char *title, struct lines *l, const char *initial, input_done done)
{
	static const struct screen_ops ops = { input_draw, input_key, NULL, input_free };
	struct input *in = xcalloc(1, sizeof(*in));

	in->screen.ops = &ops;
	in->title = xstrdup(title);
	in->l = *l;
	*l = (struct lines){ 0 };
	snprintf(in->text, sizeof(in->text), "%s", initial);
	in->len = strlen(in->text);
	in->done = done;
	console_push(con, &in->screen);
}

void input_may_be_empty(struct console *con)
{
	struct screen *top = con->depth ? con->stack[con->depth - 1] : NULL;

	if (top && top->ops->key == input_key)
		((struct input *)top)->may_be_empty = true;
}

void input_show(struct console *con, const char *title, const char *text, const char *initial, input_done done)
{
	struct lines l = { 0 };

	lines_add(&l, ROLE_DIALOG, 0, "%s", text);
	input_show_lines(con, title, &l, initial, done);
}
