/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * layout.h - where everything goes, from a view and a size alone. Drawing walks the result; the mouse asks it what lies
 * under it; tests read it without a terminal.
 */
#ifndef UI_TUI_LAYOUT_H
#define UI_TUI_LAYOUT_H

#include "ui/tui/canvas.h"
#include "ui/tui/view.h"

#define LAYOUT_PANEL 17 /* columns of the grey disk panel, without its frame */
#define LAYOUT_MIN_ROWS 10
#define LAYOUT_MIN_COLS 40
#define LAYOUT_FULL_ROWS 24
#define LAYOUT_FULL_COLS 80

enum layout_mode {
	LAYOUT_TOO_SMALL, /* one line that says so */
	LAYOUT_LIST,      /* one pane */
	LAYOUT_FULL,
};

struct layout_pane {
	bool shown;
	struct rect area;   /* without the heading, which is the line above */
	size_t first, n;    /* rows (lists) or disks (graphical view) that are visible */
	int disk_rows;      /* graphical view: text rows of each disk, 3 or 4 */
};

struct layout_box {
	struct rect area; /* inside its frame */
	int pane;
	size_t disk, region; /* region DYN_NONE: the disk's panel */
};

struct layout {
	enum layout_mode mode;
	int rows, cols;
	struct layout_pane pane[2];
	int legend; /* its row, or -1 */
	int jobs;   /* first of two rows, or -1 */
	int status; /* first of two rows */
	size_t n_boxes;
	struct layout_box *boxes; /* malloc'd */
};

/* Computes the layout; sets v->page to a page of the pane with the keys. Ends with layout_free(). */
void layout_make(struct layout *l, struct view *v, int rows, int cols);
void layout_free(struct layout *l);

/*
 * Shares `width` columns among the shown regions of a disk in proportion to their sizes, none narrower than the first
 * word of its label where there is room. widths[] (n of them, separators not counted) get the columns; regions that
 * are not shown, or for which no column is left, get 0. The selected region always has at least one.
 */
void layout_share(const struct view *v, size_t disk, int width, int *widths, size_t n);

/* The three or four texts of a region's box. */
struct box_text {
	char label[96], size[48], status[64];
	char brief[48]; /* the status in fewer words, for a narrow box */
};
void layout_box_text(const struct view *v, size_t disk, size_t region, struct box_text *t);

/* What lies at a place: a box (NULL if none), or a row of a list (-1 if none; then *pane says of which). */
const struct layout_box *layout_box_at(const struct layout *l, int y, int x);
long layout_row_at(const struct layout *l, int y, int x, int *pane);

#endif
