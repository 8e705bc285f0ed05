/* SPDX-License-Identifier: GPL-3.0-or-later */
/* layout.c - where everything goes. Pure: no curses, no engine calls. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/tui/layout.h"
#include "ui/tui/util.h"
#include "ui/words.h"

/* ---------------------------------------------------------------- boxes */

static const struct dyn_plex *region_plex(const struct dyn_model *m, const struct dyn_region *r)
{
	if (r->volume >= m->n_volumes || r->plex >= m->volumes[r->volume].n_plexes)
		return NULL;
	return &m->volumes[r->volume].plexes[r->plex];
}

void layout_box_text(const struct view *v, size_t disk, size_t region, struct box_text *t)
{
	const struct dyn_model *m = v->m;
	const struct dyn_region *r = &m->disks[disk].regions[region];
	const struct dyn_plex *plex = region_plex(m, r);
	char size[24];

	*t = (struct box_text){ 0 };
	dyn_text_size(size, sizeof(size), r->size);
	if (r->volume >= m->n_volumes) {
		snprintf(t->label, sizeof(t->label), "%s", *r->type_word ? r->type_word : words_region(WORDS_TUI, r->kind));
		snprintf(t->size, sizeof(t->size), "%s", size);
		return;
	}
	words_volume_title(&m->volumes[r->volume], t->label, sizeof(t->label));
	snprintf(t->size, sizeof(t->size), "%s %s", size, m->volumes[r->volume].fs);
	view_volume_status(v, r->volume, t->status, sizeof(t->status));
	if (view_volume_job(v, r->volume))
		snprintf(t->brief, sizeof(t->brief), "%u%%", view_job_percent(&view_volume_job(v, r->volume)->job));
	else
		snprintf(t->brief, sizeof(t->brief), "%s%s", words_volume_status(WORDS_SHELL, m->volumes[r->volume].status),
			 view_volume_broken(&m->volumes[r->volume]) ? " !" : "");
	if (plex && (plex->status == DYN_PLEX_MISSING || plex->status == DYN_PLEX_STALE) &&
	    m->disks[disk].status == DYN_DISK_MISSING)
		snprintf(t->status, sizeof(t->status), "Missing !");
	else if (plex && plex->status == DYN_PLEX_STALE)
		snprintf(t->status, sizeof(t->status), "%s !", words_plex_status(WORDS_TUI, plex->status));
	if (plex && plex->status != DYN_PLEX_OK && strchr(t->status, '!'))
		snprintf(t->brief, sizeof(t->brief), "%s !", words_plex_status(WORDS_SHELL, plex->status));
}

/* The narrowest a region's box should be: a short label or the first word of a long one, its size, its state's first word. */
static int box_minimum(const struct view *v, size_t disk, size_t region)
{
	struct box_text t;
	const char *unit;
	int w, size;

	layout_box_text(v, disk, region, &t);
	w = text_width(t.label) <= 10 ? text_width(t.label) : text_word_width(t.label);
	if (text_word_width(t.status) > w)
		w = text_word_width(t.status);
	unit = strchr(t.size, ' ');
	size = text_word_width(t.size) + 1 + text_word_width(unit ? unit + 1 : "");
	w = (size > w ? size : w) + 2;
	return w < 4 ? 4 : w > 20 ? 20 : w;
}

/* How many boxes of one column can stand side by side in `width`, frames between them included. */
static size_t boxes_that_fit(int width)
{
	return width > 0 ? (size_t)(width + 1) / 2 : 0;
}

/* When there are more regions than columns, shows a window of them around the selected one. */
static void drop_far_regions(const struct view *v, size_t disk, bool *shown, size_t n, size_t fit)
{
	size_t n_shown = 0, before = 0, rank = 0, first;

	for (size_t i = 0; i < n; i++)
		n_shown += shown[i];
	if (n_shown <= fit)
		return;
	for (size_t i = 0; i < n && v->disk == disk && v->region != DYN_NONE && i < v->region; i++)
		before += shown[i];
	first = before + 1 > fit ? before + 1 - fit : 0;
	for (size_t i = 0; i < n; i++) {
		if (!shown[i])
			continue;
		shown[i] = rank >= first && rank < first + fit;
		rank++;
	}
}

/* Minimum widths, made smaller together until they fit `room` columns. Returns their sum. */
static int fit_minimums(const struct view *v, size_t disk, const bool *shown, int *widths, size_t n, int room)
{
	for (int cap = 20; cap >= 1; cap--) {
		int sum = 0;

		for (size_t i = 0; i < n; i++) {
			int min = shown[i] ? box_minimum(v, disk, i) : 0;

			widths[i] = min > cap ? cap : min;
			sum += widths[i];
		}
		if (sum <= room)
			return sum;
	}
	return room;
}

void layout_share(const struct view *v, size_t disk, int width, int *widths, size_t n)
{
	const struct dyn_region *r = v->m->disks[disk].regions;
	bool *shown = xcalloc(n, sizeof(*shown));
	int room, left, n_shown = 0;
	double total = 0;

	for (size_t i = 0; i < n; i++)
		shown[i] = view_region_shown(&r[i]);
	drop_far_regions(v, disk, shown, n, boxes_that_fit(width));
	for (size_t i = 0; i < n; i++) {
		n_shown += shown[i];
		total += shown[i] ? (double)r[i].size : 0;
	}
	room = width - (n_shown > 1 ? n_shown - 1 : 0);
	left = room - fit_minimums(v, disk, shown, widths, n, room);
	/* Give what is left, a column at a time, to the box that lacks most against its true share. */
	while (left > 0 && n_shown > 0) {
		size_t neediest = DYN_NONE;
		double most = 0;

		for (size_t i = 0; i < n; i++) {
			double lacks = shown[i] ? (double)r[i].size / (total > 0 ? total : 1) * room - widths[i] : 0;

			if (shown[i] && (neediest == DYN_NONE || lacks > most)) {
				neediest = i;
				most = lacks;
			}
		}
		widths[neediest]++;
		left--;
	}
	free(shown);
}

static void add_box(struct layout *l, int pane, size_t disk, size_t region, struct rect area)
{
	l->boxes = xrealloc(l->boxes, (l->n_boxes + 1) * sizeof(*l->boxes));
	l->boxes[l->n_boxes++] = (struct layout_box){ area, pane, disk, region };
}

static void place_disk(struct layout *l, const struct view *v, int pane, size_t disk, int y)
{
	const struct rect *a = &l->pane[pane].area;
	int h = l->pane[pane].disk_rows, x = a->x + LAYOUT_PANEL + 2;
	size_t n = v->m->disks[disk].n_regions;
	int *widths = xcalloc(n, sizeof(*widths));

	add_box(l, pane, disk, DYN_NONE, (struct rect){ y, a->x + 1, h, LAYOUT_PANEL });
	layout_share(v, disk, a->x + a->w - 1 - x, widths, n);
	for (size_t i = 0; i < n; i++) {
		if (widths[i] == 0)
			continue;
		add_box(l, pane, disk, i, (struct rect){ y, x, h, widths[i] });
		x += widths[i] + 1;
	}
	free(widths);
}

/* ---------------------------------------------------------------- panes */

/* The first of n_rows to show so that `at` is visible in `room`: the selection is kept near the middle of long lists. */
static size_t scroll_to(size_t at, size_t n_rows, size_t room)
{
	size_t first;

	if (n_rows <= room || at == DYN_NONE)
		return 0;
	first = at > room / 2 ? at - room / 2 : 0;
	return first + room > n_rows ? n_rows - room : first;
}

static size_t pane_items(const struct view *v, enum pane_kind k)
{
	return k == PANE_VOLUMES ? v->m->n_volumes : k == PANE_HIDDEN ? 0 : v->m->n_disks;
}

static void place_pane(struct layout *l, struct view *v, int which, int y, int h)
{
	struct layout_pane *p = &l->pane[which];
	enum pane_kind kind = v->pane[which];
	size_t items = pane_items(v, kind), room, at;

	p->shown = kind != PANE_HIDDEN && h >= 2;
	if (!p->shown)
		return;
	p->area = (struct rect){ y + 1, 0, h - 1, l->cols };
	if (kind == PANE_GRAPH) {
		int need4 = (int)(items < 100 ? items : 100) * 5 + 1;

		p->disk_rows = need4 <= p->area.h ? 4 : 3;
		room = p->area.h > 1 ? (size_t)((p->area.h - 1) / (p->disk_rows + 1)) : 0;
		at = v->disk;
	} else {
		room = p->area.h > 1 ? (size_t)(p->area.h - 1) : 0; /* the first line is the column titles */
		at = kind == PANE_VOLUMES ? view_list_volume(v) : v->disk;
	}
	p->first = scroll_to(at < items ? at : DYN_NONE, items, room);
	p->n = items - p->first < room ? items - p->first : room;
	if (which == v->focus)
		v->page = room > 1 ? room - 1 : 1;
	if (kind == PANE_GRAPH) {
		for (size_t i = 0; i < p->n; i++)
			place_disk(l, v, which, p->first + i, y + 2 + (int)i * (p->disk_rows + 1));
	}
}

/* Rows a pane would like, heading included. */
static int pane_wish(const struct view *v, int which, int disk_rows)
{
	int items = (int)(pane_items(v, v->pane[which]) < 200 ? pane_items(v, v->pane[which]) : 200);

	if (v->pane[which] == PANE_HIDDEN)
		return 0;
	if (v->pane[which] == PANE_GRAPH)
		return items * (disk_rows + 1) + 2;
	return (items ? items : 1) + 2;
}

/* Both panes get what they wish if that fits; else the lists keep at least four rows and the graphical view the rest. */
static int top_height(const struct view *v, int room)
{
	int top = pane_wish(v, 0, 4), bottom = pane_wish(v, 1, 4), least;

	if (v->pane[1] == PANE_HIDDEN)
		return room;
	if (v->pane[0] == PANE_HIDDEN)
		return 0;
	if (top + bottom <= room) /* some of what is left over lets the list breathe */
		return v->pane[0] == PANE_GRAPH ? top : top + (room - top - bottom < 4 ? room - top - bottom : 4);
	top = pane_wish(v, 0, 3);
	bottom = pane_wish(v, 1, 3);
	least = v->pane[0] == PANE_GRAPH ? 6 : 6 < top ? 6 : top;
	if (top + bottom <= room)
		return v->pane[0] == PANE_GRAPH ? top : room - bottom;
	if (v->pane[0] == PANE_GRAPH) {
		int below = bottom < 6 ? bottom : 6;

		return room - below;
	}
	if (v->pane[1] != PANE_GRAPH)
		return top < room / 2 ? top : bottom < room / 2 ? room - bottom : room / 2;
	/* whole disks only: the rows that would be an empty foot go to the list */
	return least + (room - least - 2) % 4;
}

static void place_full(struct layout *l, struct view *v)
{
	int room, top;

	l->status = l->rows - 2;
	room = l->status - 1;
	if (v->n_jobs) {
		l->jobs = room - 1;
		room -= 2;
	}
	if (v->pane[0] == PANE_GRAPH || v->pane[1] == PANE_GRAPH)
		l->legend = room--;
	top = top_height(v, room);
	place_pane(l, v, 0, 1, top);
	place_pane(l, v, 1, 1 + top, room - top);
	if (l->legend >= 0 && v->pane[1] == PANE_GRAPH && l->pane[1].shown) /* right under the picture */
		l->legend = l->pane[1].area.y + (int)l->pane[1].n * (l->pane[1].disk_rows + 1) + 1;
}

void layout_make(struct layout *l, struct view *v, int rows, int cols)
{
	*l = (struct layout){ .rows = rows, .cols = cols, .legend = -1, .jobs = -1, .status = rows - 1 };
	if (rows < LAYOUT_MIN_ROWS || cols < LAYOUT_MIN_COLS) {
		l->mode = LAYOUT_TOO_SMALL;
		return;
	}
	if (rows >= LAYOUT_FULL_ROWS && cols >= LAYOUT_FULL_COLS) {
		l->mode = LAYOUT_FULL;
		place_full(l, v);
		return;
	}
	/* small: the pane with the keys alone, the graphical view only when it was asked for in the top pane */
	l->mode = LAYOUT_LIST;
	l->status = rows - 2;
	if (v->n_jobs)
		l->jobs = rows - 4;
	place_pane(l, v, v->focus, 1, (l->jobs >= 0 ? l->jobs : l->status) - 1);
}

void layout_free(struct layout *l)
{
	free(l->boxes);
	*l = (struct layout){ 0 };
}

const struct layout_box *layout_box_at(const struct layout *l, int y, int x)
{
	for (size_t i = 0; i < l->n_boxes; i++) {
		const struct rect *a = &l->boxes[i].area;

		/* the strip above a box belongs to it */
		if (y >= a->y - 1 && y < a->y + a->h && x >= a->x && x < a->x + a->w)
			return &l->boxes[i];
	}
	return NULL;
}

long layout_row_at(const struct layout *l, int y, int x, int *pane)
{
	for (int i = 0; i < 2; i++) {
		const struct layout_pane *p = &l->pane[i];

		if (!p->shown || y < p->area.y || y >= p->area.y + p->area.h || x < 0 || x >= l->cols)
			continue;
		*pane = i;
		if (p->disk_rows == 0 && y > p->area.y && (size_t)(y - p->area.y - 1) < p->n)
			return (long)p->first + y - p->area.y - 1;
		return -1;
	}
	*pane = -1;
	return -1;
}
