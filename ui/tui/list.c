/* SPDX-License-Identifier: GPL-3.0-or-later */
/* list.c - the volume list and the disk list as tables that fit any width. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/tui/paint.h"
#include "ui/tui/util.h"
#include "ui/words.h"

#define CELL 96

struct column {
	const char *title;
	const char *short_title; /* used when the long one would push another column out; NULL: none */
	int rank;                /* 0 is always shown; higher ones go first when it gets narrow */
	bool right;
	void (*text)(const struct view *v, size_t row, char *dst, size_t n);
};

/* ---------------------------------------------------------------- volume cells */

static void volume_title(const struct view *v, size_t i, char *dst, size_t n)
{
	words_volume_title(&v->m->volumes[i], dst, n);
}

static void volume_layout(const struct view *v, size_t i, char *dst, size_t n)
{
	snprintf(dst, n, "%s", words_layout(WORDS_TUI, v->m->volumes[i].layout));
}

static void volume_type(const struct view *v, size_t i, char *dst, size_t n)
{
	snprintf(dst, n, "%s", words_disk_type(WORDS_TUI, v->m->volumes[i].layout != DYN_LAYOUT_PARTITION));
}

static void volume_fs(const struct view *v, size_t i, char *dst, size_t n)
{
	snprintf(dst, n, "%s", v->m->volumes[i].fs);
}

static void volume_capacity(const struct view *v, size_t i, char *dst, size_t n)
{
	dyn_text_size(dst, n, v->m->volumes[i].size);
}

static bool free_known(const struct view *v, size_t i)
{
	return v->free_bytes && v->free_bytes[i] != VIEW_FREE_UNKNOWN && v->m->volumes[i].size;
}

static void volume_free(const struct view *v, size_t i, char *dst, size_t n)
{
	dst[0] = '\0';
	if (free_known(v, i))
		dyn_text_size(dst, n, v->free_bytes[i]);
}

static void volume_percent_free(const struct view *v, size_t i, char *dst, size_t n)
{
	dst[0] = '\0';
	if (free_known(v, i))
		snprintf(dst, n, "%.0f %%", (double)v->free_bytes[i] * 100.0 / (double)v->m->volumes[i].size);
}

static void volume_tolerance(const struct view *v, size_t i, char *dst, size_t n)
{
	const struct dyn_volume *vol = &v->m->volumes[i];
	bool can = vol->layout == DYN_LAYOUT_MIRROR || vol->layout == DYN_LAYOUT_RAID5;

	snprintf(dst, n, "%s", !can ? "No" : vol->status == DYN_VOLUME_HEALTHY ? "Yes" : "Lost");
}

/* The disks it lies on, each once. */
static void volume_disks(const struct view *v, size_t i, char *dst, size_t n)
{
	const struct dyn_volume *vol = &v->m->volumes[i];
	size_t used = 0;

	dst[0] = '\0';
	for (size_t d = 0; d < v->m->n_disks; d++) {
		bool on = false;

		for (size_t p = 0; p < vol->n_plexes; p++) {
			for (size_t e = 0; e < vol->plexes[p].n_extents; e++)
				on = on || vol->plexes[p].extents[e].disk == d;
		}
		if (on && used < n)
			used += (size_t)snprintf(dst + used, n - used, "%s%s", used ? ", " : "", v->m->disks[d].name);
	}
}

static const struct column volume_columns[] = {
	{ "Volume", NULL, 0, false, volume_title },
	{ "Layout", NULL, 2, false, volume_layout },
	{ "Type", NULL, 4, false, volume_type },
	{ "File System", "FS", 3, false, volume_fs },
	{ "Status", NULL, 0, false, view_volume_status },
	{ "Capacity", NULL, 1, true, volume_capacity },
	{ "Free Space", "Free", 6, true, volume_free },
	{ "% Free", NULL, 5, true, volume_percent_free },
	{ "Disks", NULL, 7, false, volume_disks },
	{ "Fault Tolerance", NULL, 8, false, volume_tolerance },
};

/* ---------------------------------------------------------------- disk cells */

static void disk_name(const struct view *v, size_t i, char *dst, size_t n)
{
	snprintf(dst, n, "%s", v->m->disks[i].name);
}

static void disk_type(const struct view *v, size_t i, char *dst, size_t n)
{
	snprintf(dst, n, "%s", words_disk_type(WORDS_TUI, v->m->disks[i].dynamic));
}

static void disk_capacity(const struct view *v, size_t i, char *dst, size_t n)
{
	dyn_text_size(dst, n, v->m->disks[i].size);
}

static void disk_unallocated(const struct view *v, size_t i, char *dst, size_t n)
{
	dyn_text_size(dst, n, v->m->disks[i].free);
}

static void disk_state(const struct view *v, size_t i, char *dst, size_t n)
{
	const struct dyn_disk *d = &v->m->disks[i];

	snprintf(dst, n, "%s%s", words_disk_status(WORDS_TUI, d->status), d->status == DYN_DISK_ONLINE ? "" : " !");
}

static void disk_style(const struct view *v, size_t i, char *dst, size_t n)
{
	enum dyn_table t = v->m->disks[i].table;

	snprintf(dst, n, "%s", t == DYN_TABLE_NONE ? "" : words_table(WORDS_TUI, t));
}

static void disk_model(const struct view *v, size_t i, char *dst, size_t n)
{
	snprintf(dst, n, "%s", v->m->disks[i].model);
}

static void disk_serial(const struct view *v, size_t i, char *dst, size_t n)
{
	snprintf(dst, n, "%s", v->m->disks[i].serial);
}

static void disk_path(const struct view *v, size_t i, char *dst, size_t n)
{
	dyn_text_format(dst, n, "%s", v->m->disks[i].path);
}

static const struct column disk_columns[] = {
	{ "Disk", NULL, 0, false, disk_name },
	{ "Type", NULL, 2, false, disk_type },
	{ "Capacity", NULL, 1, true, disk_capacity },
	{ "Unallocated", "Unalloc.", 3, true, disk_unallocated },
	{ "Status", NULL, 0, false, disk_state },
	{ "Partition Style", "Style", 4, false, disk_style },
	{ "Path", NULL, 5, false, disk_path },
	{ "Serial", NULL, 6, false, disk_serial },
	{ "Model", NULL, 7, false, disk_model },
};

/* ---------------------------------------------------------------- the table */

#define MAX_COLUMNS 10
#define GAP 1

struct fitted {
	int width[MAX_COLUMNS]; /* 0: not shown */
	const char *title[MAX_COLUMNS];
};

static int fitted_sum(const struct fitted *f, size_t n, int gap)
{
	int sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += f->width[i] ? f->width[i] + gap : 0;
	return sum ? sum - gap : 0;
}

static int widest_cell(const struct view *v, const struct column *col, size_t rows)
{
	char text[CELL];
	int w = 0;

	for (size_t r = 0; r < rows; r++) {
		int tw;

		col->text(v, r, text, sizeof(text));
		tw = text_width(text);
		w = tw > w ? tw : w;
	}
	return w;
}

/* Widths from what the cells hold; too wide: first shorter titles, then columns go by rank, then the first is cut. */
static void fit_columns(const struct view *v, const struct column *cols, size_t n, size_t rows, int room, struct fitted *f)
{
	int cell[MAX_COLUMNS];

	for (size_t i = 0; i < n; i++) {
		cell[i] = widest_cell(v, &cols[i], rows);
		f->title[i] = cols[i].title;
		f->width[i] = cell[i] > text_width(cols[i].title) ? cell[i] : text_width(cols[i].title);
		if (cols[i].rank >= 7 && cell[i] == 0)
			f->width[i] = 0;
	}
	for (int rank = 9; rank > 0; rank--) {
		int gap = rank >= 7 ? 2 * GAP : GAP; /* a column more is not worth a crowded table */

		for (size_t i = 0; i < n; i++) {
			if (cols[i].rank != rank)
				continue;
			for (size_t k = 0; k < n && fitted_sum(f, n, gap) > room; k++) {
				if (!cols[k].short_title || !f->width[k])
					continue;
				f->title[k] = cols[k].short_title;
				f->width[k] = cell[k] > text_width(f->title[k]) ? cell[k] : text_width(f->title[k]);
			}
			if (fitted_sum(f, n, gap) > room)
				f->width[i] = 0;
		}
	}
	while (fitted_sum(f, n, GAP) > room && f->width[0] > 6)
		f->width[0]--;
	for (size_t i = 0; i < n; i++) { /* short titles were only for what stayed too wide */
		int was = f->width[i];

		if (!was || f->title[i] == cols[i].title)
			continue;
		f->width[i] = cell[i] > text_width(cols[i].title) ? cell[i] : text_width(cols[i].title);
		if (fitted_sum(f, n, GAP) > room)
			f->width[i] = was;
		else
			f->title[i] = cols[i].title;
	}
}

/* Spare room goes between the columns, so that the table breathes on a wide screen. */
static int column_gap(const struct fitted *f, size_t n, int room)
{
	int shown = 0, spare = room - fitted_sum(f, n, GAP);

	for (size_t i = 0; i < n; i++)
		shown += f->width[i] != 0;
	if (shown < 2 || spare <= 0)
		return GAP;
	spare /= shown - 1;
	return GAP + (spare > 4 ? 4 : spare);
}

static enum role row_role(const struct view *v, enum pane_kind kind, size_t row)
{
	if (kind == PANE_VOLUMES) {
		const struct dyn_volume *vol = &v->m->volumes[row];

		return vol->status == DYN_VOLUME_FAILED ? ROLE_BAD : view_volume_broken(vol) ? ROLE_WARN : ROLE_NORMAL;
	}
	return v->m->disks[row].status == DYN_DISK_ONLINE ? ROLE_NORMAL : ROLE_WARN;
}

void paint_list(struct canvas *c, const struct view *v, const struct layout_pane *p, enum pane_kind kind, bool focused)
{
	const struct column *cols = kind == PANE_VOLUMES ? volume_columns : disk_columns;
	size_t n = kind == PANE_VOLUMES ? sizeof(volume_columns) / sizeof(cols[0]) : sizeof(disk_columns) / sizeof(cols[0]);
	size_t items = kind == PANE_VOLUMES ? v->m->n_volumes : v->m->n_disks;
	size_t selected = kind == PANE_VOLUMES ? v->volume : v->disk;
	struct fitted f = { 0 };
	int gap, x;

	if (items == 0) {
		canvas_text(c, p->area.y, 2, c->cols - 4, ROLE_NORMAL, kind == PANE_VOLUMES ? "No volumes." : "No disks were found.");
		return;
	}
	fit_columns(v, cols, n, items, c->cols - 3, &f);
	gap = column_gap(&f, n, c->cols - 3);
	for (size_t r = 0; r <= p->n; r++) { /* row 0 is the titles */
		int y = p->area.y + (int)r;
		size_t item = p->first + r - 1;
		bool here = r > 0 && item == selected;

		x = 2;
		if (r == 0)
			canvas_fill(c, y, 0, c->cols, ROLE_COLUMN, ' '); /* the gaps too: one change of colour for the row */
		for (size_t i = 0; i < n; i++) {
			char text[CELL];
			enum role role = r == 0 ? ROLE_COLUMN : ROLE_NORMAL;

			if (f.width[i] == 0)
				continue;
			if (r == 0)
				snprintf(text, sizeof(text), "%s", f.title[i]);
			else
				cols[i].text(v, item, text, sizeof(text));
			if (r > 0 && strcmp(cols[i].title, "Status") == 0)
				role = row_role(v, kind, item);
			if (cols[i].right)
				canvas_text_right(c, y, x, f.width[i], role, text);
			else
				canvas_name(c, y, x, f.width[i], role, text);
			x += f.width[i] + gap;
		}
		if (!here)
			continue;
		canvas_put(c, y, 0, ROLE_NORMAL, '>');
		canvas_role(c, y, 0, c->cols, focused ? ROLE_SELECTED : ROLE_LIT);
		if (focused) {
			c->cursor_y = y;
			c->cursor_x = 0;
		}
	}
}
