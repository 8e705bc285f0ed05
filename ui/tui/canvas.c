/* SPDX-License-Identifier: GPL-3.0-or-later */
/* canvas.c - painting on a grid of characters. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "ui/tui/canvas.h"
#include "ui/tui/util.h"

void canvas_clear(struct canvas *c)
{
	for (int i = 0; i < c->rows * c->cols; i++)
		c->cells[i] = (struct cell){ ' ', ROLE_NORMAL };
	c->cursor_y = c->rows - 1;
	c->cursor_x = 0;
}

void canvas_resize(struct canvas *c, int rows, int cols)
{
	rows = rows < 1 ? 1 : rows > 1000 ? 1000 : rows;
	cols = cols < 1 ? 1 : cols > 1000 ? 1000 : cols;
	if (c->cells == NULL || rows != c->rows || cols != c->cols) {
		free(c->cells);
		c->cells = xcalloc((size_t)rows * (size_t)cols, sizeof(*c->cells));
		c->rows = rows;
		c->cols = cols;
	}
	canvas_clear(c);
}

void canvas_free(struct canvas *c)
{
	free(c->cells);
	*c = (struct canvas){ 0 };
}

struct cell *canvas_at(struct canvas *c, int y, int x)
{
	if (y < 0 || x < 0 || y >= c->rows || x >= c->cols)
		return NULL;
	return &c->cells[y * c->cols + x];
}

void canvas_put(struct canvas *c, int y, int x, enum role role, uint32_t ch)
{
	struct cell *cell = canvas_at(c, y, x);

	if (cell)
		*cell = (struct cell){ ch, (uint8_t)role };
}

void canvas_fill(struct canvas *c, int y, int x, int w, enum role role, uint32_t ch)
{
	for (int i = 0; i < w; i++)
		canvas_put(c, y, x + i, role, ch);
}

void canvas_role(struct canvas *c, int y, int x, int w, enum role role)
{
	for (int i = 0; i < w; i++) {
		struct cell *cell = canvas_at(c, y, x + i);

		if (cell)
			cell->role = (uint8_t)role;
	}
}

/*
 * The next character of a UTF-8 text: its code point, the columns it takes, and the bytes it is long. Engine texts are
 * valid UTF-8; host names, file names and typed text may not be, so a stray byte becomes one '?'.
 */
static size_t next_char(const char *s, uint32_t *cp, int *width)
{
	unsigned char b = (unsigned char)s[0];
	size_t len = b < 0x80 ? 1 : (b & 0xe0) == 0xc0 ? 2 : (b & 0xf0) == 0xe0 ? 3 : (b & 0xf8) == 0xf0 ? 4 : 1;
	uint32_t v = len == 1 ? b : b & (0x7fu >> len);

	for (size_t i = 1; i < len; i++) {
		if (((unsigned char)s[i] & 0xc0) != 0x80) {
			len = 1;
			v = '?';
			break;
		}
		v = v << 6 | ((unsigned char)s[i] & 0x3f);
	}
	if (v < 0x20 || (v >= 0x7f && len == 1))
		v = '?';
	*width = v < 0x80 ? 1 : wcwidth((wchar_t)v);
	if (*width < 0) { /* this locale cannot show it */
		v = '?';
		*width = 1;
	}
	*cp = v;
	return len;
}

int canvas_text(struct canvas *c, int y, int x, int w, enum role role, const char *text)
{
	int used = 0;

	while (*text) {
		uint32_t cp;
		int cw;
		size_t len = next_char(text, &cp, &cw);

		if (used + cw > w)
			break;
		if (cw > 0) { /* marks that combine with the character before are left out */
			canvas_put(c, y, x + used, role, cp);
			if (cw == 2)
				canvas_put(c, y, x + used + 1, role, GLYPH_CONTINUED);
			used += cw;
		}
		text += len;
	}
	return used;
}

int text_width(const char *text)
{
	int w = 0, cw;
	uint32_t cp;

	while (*text) {
		text += next_char(text, &cp, &cw);
		w += cw;
	}
	return w;
}

int text_word_width(const char *text)
{
	int w = 0, cw;
	uint32_t cp;

	while (*text && *text != ' ') {
		text += next_char(text, &cp, &cw);
		w += cw;
	}
	return w;
}

void canvas_name(struct canvas *c, int y, int x, int w, enum role role, const char *text)
{
	bool cut = text_width(text) > w;

	canvas_text(c, y, x, cut ? w - 1 : w, role, text);
	if (cut && w > 0)
		canvas_put(c, y, x + w - 1, role, '~');
}

void canvas_text_right(struct canvas *c, int y, int x, int w, enum role role, const char *text)
{
	int tw = text_width(text);

	canvas_text(c, y, tw < w ? x + w - tw : x, w, role, text);
}

size_t text_break(const char *text, int w)
{
	size_t at = 0, space = 0;
	int used = 0;

	if (w < 1)
		w = 1;
	while (text[at]) {
		uint32_t cp;
		int cw;
		size_t len;

		if (text[at] == '\n')
			return at ? at : 0;
		len = next_char(text + at, &cp, &cw);
		if (text[at] == ' ')
			space = at;
		if (used + cw > w)
			return space ? space : at ? at : len;
		used += cw;
		at += len;
	}
	return at;
}

int canvas_wrap(struct canvas *c, int y, int x, int w, int h, int skip, enum role role, const char *text)
{
	int line = 0;

	while (*text) {
		size_t n = text_break(text, w);

		if (line >= skip && line < skip + h) {
			char part[1024];
			size_t copy = n < sizeof(part) - 1 ? n : sizeof(part) - 1;

			memcpy(part, text, copy);
			part[copy] = '\0';
			canvas_text(c, y + line - skip, x, w, role, part);
		}
		line++;
		text += n;
		if (*text == '\n') {
			text++;
			continue;
		}
		while (*text == ' ')
			text++;
	}
	return line;
}

void canvas_box(struct canvas *c, const struct rect *r, enum role role, enum role title_role, const char *title)
{
	int bottom = r->y + r->h - 1, right = r->x + r->w - 1;

	if (r->w < 2 || r->h < 2)
		return;
	for (int y = r->y; y <= bottom; y++) {
		canvas_fill(c, y, r->x, r->w, role, ' ');
		canvas_put(c, y, r->x, role, GLYPH_VLINE);
		canvas_put(c, y, right, role, GLYPH_VLINE);
	}
	canvas_fill(c, r->y, r->x, r->w, role, GLYPH_HLINE);
	canvas_fill(c, bottom, r->x, r->w, role, GLYPH_HLINE);
	canvas_put(c, r->y, r->x, role, GLYPH_UL);
	canvas_put(c, r->y, right, role, GLYPH_UR);
	canvas_put(c, bottom, r->x, role, GLYPH_LL);
	canvas_put(c, bottom, right, role, GLYPH_LR);
	if (*title && r->w > 6) {
		int used = canvas_text(c, r->y, r->x + 2, r->w - 5, title_role, title);

		canvas_put(c, r->y, r->x + 1, role, ' ');
		canvas_put(c, r->y, r->x + 2 + used, role, ' ');
	}
}
