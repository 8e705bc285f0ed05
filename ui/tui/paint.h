/* SPDX-License-Identifier: GPL-3.0-or-later */
/* paint.h - the main screen on a canvas. Pure. */
#ifndef UI_TUI_PAINT_H
#define UI_TUI_PAINT_H

#include "ui/tui/layout.h"

/* All but the two status lines and the rebuild bar. */
void paint_main(struct canvas *c, const struct view *v, const struct layout *l);
/* One list: column titles and rows. Columns that do not fit are left out, the least telling first. */
void paint_list(struct canvas *c, const struct view *v, const struct layout_pane *p, enum pane_kind kind, bool focused);
/* The two bottom lines: a sentence (wrapped over both when long) and, where there is room, the keys that work here. In
 * keys, each "key word" pair is separated by two spaces; the key is emphasised. */
void paint_status(struct canvas *c, int y, enum role role, const char *sentence, const char *keys);
/* The rebuild in two lines. */
void paint_jobs(struct canvas *c, int y, const struct view *v);
/* The letter that fills the strip above a region of this kind. */
char fill_letter(enum dyn_region_kind k);
/* Menu bar headings, and the column where each begins. */
#define MENU_BAR_ITEMS 3
extern const char *const menu_bar_title[MENU_BAR_ITEMS];
int menu_bar_column(int item);
/* Paints the first line; open: the menu that is open, or -1. */
void paint_title(struct canvas *c, const struct view *v, int open);

#endif
