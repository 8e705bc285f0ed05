/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * canvas.h - a grid of characters with roles, drawn on without a terminal. Everything the console shows is painted here
 * first, clipped to the span it was given; draw.c then hands the grid to curses. So every screen can be tested as text.
 */
#ifndef UI_TUI_CANVAS_H
#define UI_TUI_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ui/tui/roles.h"

/* Line-drawing glyphs live below the printable characters, where no text can be (texts hold no control characters). */
enum glyph {
	GLYPH_CONTINUED = 0, /* right half of a wide character */
	GLYPH_HLINE = 1,
	GLYPH_VLINE,
	GLYPH_UL,
	GLYPH_UR,
	GLYPH_LL,
	GLYPH_LR,
	GLYPH_LTEE, /* |- */
	GLYPH_RTEE, /* -| */
	GLYPH_TTEE, /* T */
	GLYPH_BTEE, /* upside-down T */
	GLYPH_PLUS,
	GLYPHS
};

struct cell {
	uint32_t ch; /* a Unicode character or a glyph */
	uint8_t role;
};

struct canvas {
	int rows, cols;
	int cursor_y, cursor_x; /* where the hardware cursor rests */
	struct cell *cells;
};

struct rect {
	int y, x, h, w;
};

/* Makes it rows x cols and blank. Sizes below 1 become 1. */
void canvas_resize(struct canvas *c, int rows, int cols);
void canvas_clear(struct canvas *c);
void canvas_free(struct canvas *c);
/* The cell, or NULL outside. */
struct cell *canvas_at(struct canvas *c, int y, int x);
/* One character, if inside. */
void canvas_put(struct canvas *c, int y, int x, enum role role, uint32_t ch);
/* w times the same character. */
void canvas_fill(struct canvas *c, int y, int x, int w, enum role role, uint32_t ch);
/* UTF-8 text in at most w columns from x; what does not fit is cut between characters. Returns the columns used. */
int canvas_text(struct canvas *c, int y, int x, int w, enum role role, const char *text);
/* The same, but a text that had to be cut says so: its last column is '~'. For names, where a part could be another's. */
void canvas_name(struct canvas *c, int y, int x, int w, enum role role, const char *text);
/* The same as canvas_text(), ending at column x + w. */
void canvas_text_right(struct canvas *c, int y, int x, int w, enum role role, const char *text);
/* Only changes the role of w cells. */
void canvas_role(struct canvas *c, int y, int x, int w, enum role role);
/* A framed, emptied rectangle with a title in its top line ("" for none). */
void canvas_box(struct canvas *c, const struct rect *r, enum role role, enum role title_role, const char *title);

/* Columns that a UTF-8 text takes on this terminal. */
int text_width(const char *text);
/* Columns of the first word. */
int text_word_width(const char *text);
/* Bytes of the longest prefix of text that fits w columns, broken at a space where there is one; 0 at the end of the
 * text. Spaces that follow the break are to be skipped by the caller. */
size_t text_break(const char *text, int w);
/* Paints text wrapped into w columns, lines [skip, skip + h) of it from y on. Returns how many lines it has in all. */
int canvas_wrap(struct canvas *c, int y, int x, int w, int h, int skip, enum role role, const char *text);

#endif
