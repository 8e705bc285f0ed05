/* SPDX-License-Identifier: GPL-3.0-or-later */
/* paint.c - title, graphical view, legend, rebuild bar and bottom lines. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "ui/tui/paint.h"
#include "ui/words.h"

const char *const menu_bar_title[MENU_BAR_ITEMS] = { "Action", "View", "Help" };

static const char fill[DYN_REGION_KINDS] = {
	[DYN_REGION_UNALLOCATED] = '.', [DYN_REGION_PRIMARY] = '=', [DYN_REGION_EXTENDED] = '-', [DYN_REGION_FREE] = '-',
	[DYN_REGION_LOGICAL] = '~',	[DYN_REGION_SIMPLE] = ':',  [DYN_REGION_SPANNED] = '%',	 [DYN_REGION_STRIPED] = '/',
	[DYN_REGION_MIRROR] = '#',	[DYN_REGION_RAID5] = '+',   [DYN_REGION_RESERVED] = ' ',
};

char fill_letter(enum dyn_region_kind k)
{
	return (size_t)k < DYN_REGION_KINDS ? fill[k] : '?';
}

static enum role fill_role(enum dyn_region_kind k)
{
	return (enum role)(ROLE_FILL + ((size_t)k < DYN_REGION_KINDS ? (int)k : 0));
}

int menu_bar_column(int item)
{
	int x = 1;

	for (int i = 0; i < item; i++)
		x += text_width(menu_bar_title[i]) + 2;
	return x;
}

void paint_title(struct canvas *c, const struct view *v, int open)
{
	char middle[128], right[64];
	size_t missing = 0;
	int from = menu_bar_column(MENU_BAR_ITEMS), w, x;

	for (size_t i = 0; i < v->m->n_disks; i++)
		missing += v->m->disks[i].status == DYN_DISK_MISSING;
	canvas_fill(c, 0, 0, c->cols, ROLE_TITLE, ' ');
	for (int i = 0; i < MENU_BAR_ITEMS; i++)
		canvas_text(c, 0, menu_bar_column(i), c->cols, i == open ? ROLE_SELECTED : ROLE_TITLE, menu_bar_title[i]);
	snprintf(middle, sizeof(middle), "dynadisk on %s%s", v->host, v->read_only ? " (read-only)" : "");
	if (missing)
		snprintf(right, sizeof(right), "%zu disk%s, %zu missing", v->m->n_disks, v->m->n_disks == 1 ? "" : "s", missing);
	else
		snprintf(right, sizeof(right), "%zu disk%s", v->m->n_disks, v->m->n_disks == 1 ? "" : "s");
	w = text_width(right);
	canvas_text_right(c, 0, from, c->cols - 1 - from, ROLE_TITLE, right);
	x = (c->cols - text_width(middle)) / 2;
	x = x < from + 1 ? from + 1 : x;
	if (x + text_width(middle) < c->cols - w - 2)
		canvas_text(c, 0, x, c->cols, ROLE_TITLE, middle);
}

/* A bar of colour, not a drawn rule: in UTF-8 that would be three bytes for each column. */
static void paint_heading(struct canvas *c, int y, const char *text, bool focused)
{
	enum role role = focused ? ROLE_HEADER_ON : ROLE_HEADER;

	canvas_fill(c, y, 0, c->cols, role, ' ');
	canvas_text(c, y, 2, c->cols - 4, role, text);
}

/* ---------------------------------------------------------------- graphical view */

/* Windows' grey box: number, type and partition style, size, state. */
static void paint_panel(struct canvas *c, const struct view *v, const struct layout_box *b, bool focused)
{
	const struct dyn_disk *d = &v->m->disks[b->disk];
	bool selected = v->disk == b->disk && v->region == DYN_NONE, ok = d->status == DYN_DISK_ONLINE;
	char line[4][48], size[24];
	int n = 0;

	for (int i = 0; i < b->area.h; i++)
		canvas_fill(c, b->area.y + i, b->area.x, b->area.w, ROLE_PANEL, ' ');
	dyn_text_size(size, sizeof(size), d->size);
	snprintf(line[n++], sizeof(line[0]), "%s", d->name);
	if (d->status == DYN_DISK_NOT_INITIALIZED && b->area.h < 4)
		snprintf(line[n++], sizeof(line[0]), "%s", words_disk_status(WORDS_TUI, d->status));
	else
		snprintf(line[n++], sizeof(line[0]), "%-8s %s", words_disk_type(WORDS_TUI, d->dynamic),
			 d->table == DYN_TABLE_NONE ? "" : words_table(WORDS_TUI, d->table));
	if (b->area.h >= 4) {
		snprintf(line[n++], sizeof(line[0]), "%s", size);
		snprintf(line[n++], sizeof(line[0]), "%s%s", words_disk_status(WORDS_TUI, d->status), ok ? "" : " !");
	} else if (d->status == DYN_DISK_NOT_INITIALIZED) {
		snprintf(line[n++], sizeof(line[0]), "%s", size);
	} else {
		int used = snprintf(line[n], sizeof(line[0]), "%s %s%s", size, words_disk_status(WORDS_TUI, d->status),
				    ok ? "" : " !");

		if (used > b->area.w - 2) /* the state matters more than the size, which the boxes tell too */
			snprintf(line[n], sizeof(line[0]), "%s !", words_disk_status(WORDS_TUI, d->status));
		n++;
	}
	for (int i = 0; i < n && i < b->area.h; i++) {
		bool state = i == n - 1 || (i == 1 && d->status == DYN_DISK_NOT_INITIALIZED);

		canvas_text(c, b->area.y + i, b->area.x + 1, b->area.w - 1,
			    i == 0 ? ROLE_PANEL_STRONG : state && !ok ? ROLE_PANEL_WARN : ROLE_PANEL, line[i]);
	}
	if (selected) {
		canvas_role(c, b->area.y, b->area.x, b->area.w, focused ? ROLE_SELECTED : ROLE_LIT);
		if (focused) {
			canvas_put(c, b->area.y, b->area.x, ROLE_SELECTED, '>');
			c->cursor_y = b->area.y;
			c->cursor_x = b->area.x;
		}
	}
}

static enum role status_role(const struct view *v, const struct dyn_region *r, const char *status)
{
	enum dyn_volume_status s = r->volume < v->m->n_volumes ? v->m->volumes[r->volume].status : DYN_VOLUME_HEALTHY;

	if (strchr(status, '!') == NULL)
		return s == DYN_VOLUME_REBUILDING ? ROLE_WARN : ROLE_NORMAL;
	return s == DYN_VOLUME_FAILED ? ROLE_BAD : ROLE_WARN;
}

static void paint_region(struct canvas *c, const struct view *v, const struct layout_box *b, bool focused)
{
	const struct dyn_region *r = &v->m->disks[b->disk].regions[b->region];
	bool here = v->disk == b->disk && v->region == b->region;
	bool lit = here || (v->volume != DYN_NONE && r->volume == v->volume);
	int x = b->area.x, w = b->area.w, pad = w > 3 ? 1 : 0;
	struct box_text t;

	layout_box_text(v, b->disk, b->region, &t);
	if (text_width(t.size) > w - pad && strrchr(t.size, ' ') != strchr(t.size, ' '))
		*strrchr(t.size, ' ') = '\0'; /* a narrow box tells the size and leaves the file system to the list */
	if (text_width(t.status) > w - pad)
		snprintf(t.status, sizeof(t.status), "%s", t.brief);
	canvas_fill(c, b->area.y - 1, x, w, fill_role(r->kind), (uint32_t)fill_letter(r->kind));
	canvas_name(c, b->area.y, x + pad, w - pad, ROLE_STRONG, t.label);
	canvas_text(c, b->area.y + 1, x + pad, w - pad, ROLE_NORMAL, t.size);
	canvas_text(c, b->area.y + 2, x + pad, w - pad, status_role(v, r, t.status), t.status);
	if (lit)
		canvas_role(c, b->area.y, x, w, here && focused ? ROLE_SELECTED : ROLE_LIT);
	if (here && focused) {
		if (pad)
			canvas_put(c, b->area.y, x, ROLE_SELECTED, '>');
		c->cursor_y = b->area.y;
		c->cursor_x = x;
	}
}

/* The frame: each disk's box below the strip line, joined to its neighbours. */
static void paint_frames(struct canvas *c, const struct layout *l, int pane)
{
	const struct layout_pane *p = &l->pane[pane];
	int left = p->area.x, right = p->area.x + p->area.w - 1, y = p->area.y;

	for (size_t i = 0; i <= p->n; i++, y += p->disk_rows + 1) {
		canvas_fill(c, y, left, p->area.w, ROLE_FRAME, GLYPH_HLINE);
		canvas_put(c, y, left, ROLE_FRAME, i == 0 ? GLYPH_UL : i == p->n ? GLYPH_LL : GLYPH_LTEE);
		canvas_put(c, y, right, ROLE_FRAME, i == 0 ? GLYPH_UR : i == p->n ? GLYPH_LR : GLYPH_RTEE);
		for (int k = 1; k <= p->disk_rows && i < p->n; k++) {
			canvas_put(c, y + k, left, ROLE_FRAME, GLYPH_VLINE);
			canvas_put(c, y + k, right, ROLE_FRAME, GLYPH_VLINE);
		}
	}
	for (size_t i = 0; i < l->n_boxes; i++) {
		const struct layout_box *b = &l->boxes[i];
		int x = b->area.x + b->area.w;

		if (b->pane != pane || x >= right)
			continue;
		for (int k = -1; k < b->area.h; k++)
			canvas_put(c, b->area.y + k, x, ROLE_FRAME, k < 0 ? GLYPH_TTEE : GLYPH_VLINE);
	}
}

/* Where box frames meet a horizontal line, draws the right joint. Strips above boxes are left alone. */
static void paint_joints(struct canvas *c, const struct layout_pane *p)
{
	for (size_t i = 0; i <= p->n; i++) {
		int y = p->area.y + (int)i * (p->disk_rows + 1);

		for (int x = p->area.x + 1; x < p->area.x + p->area.w - 1; x++) {
			struct cell *at = canvas_at(c, y, x), *up = canvas_at(c, y - 1, x), *down = canvas_at(c, y + 1, x);
			bool above = i > 0 && up && up->ch == GLYPH_VLINE, below = i < p->n && down && down->ch == GLYPH_VLINE;

			if (at == NULL || at->ch >= GLYPHS)
				continue;
			at->ch = above && below ? GLYPH_PLUS : above ? GLYPH_BTEE : below ? GLYPH_TTEE : GLYPH_HLINE;
		}
	}
}

static void paint_graph(struct canvas *c, const struct view *v, const struct layout *l, int pane)
{
	bool focused = v->focus == pane;

	if (v->m->n_disks == 0) {
		canvas_text(c, l->pane[pane].area.y, 2, c->cols - 4, ROLE_NORMAL, "No disks were found.");
		return;
	}
	paint_frames(c, l, pane);
	for (size_t i = 0; i < l->n_boxes; i++) {
		if (l->boxes[i].pane != pane)
			continue;
		if (l->boxes[i].region == DYN_NONE)
			paint_panel(c, v, &l->boxes[i], focused);
		else
			paint_region(c, v, &l->boxes[i], focused);
	}
	paint_joints(c, &l->pane[pane]);
}

/* Only the kinds that are there. */
static void paint_legend(struct canvas *c, const struct view *v, int y)
{
	bool present[DYN_REGION_KINDS] = { false };
	int x = 1;

	for (size_t i = 0; i < v->m->n_disks; i++) {
		for (size_t k = 0; k < v->m->disks[i].n_regions; k++) {
			const struct dyn_region *r = &v->m->disks[i].regions[k];

			if (view_region_shown(r) && (size_t)r->kind < DYN_REGION_KINDS)
				present[r->kind] = true;
		}
	}
	for (int k = 0; k < DYN_REGION_KINDS; k++) {
		const char *word = words_region(WORDS_TUI, (enum dyn_region_kind)k);

		if (!present[k] || x + text_width(word) + 4 > c->cols)
			continue;
		canvas_fill(c, y, x, 2, fill_role((enum dyn_region_kind)k), (uint32_t)fill[k]);
		x += 3;
		x += canvas_text(c, y, x, c->cols - x, ROLE_NORMAL, word) + 3;
	}
}

/* ---------------------------------------------------------------- bottom lines */

static const char *job_verb(const struct dyn_job *j)
{
	switch (j->state) {
	case DYN_JOB_QUEUED:
		return "Waiting:";
	case DYN_JOB_CHECKING:
		return "Checking";
	case DYN_JOB_VERIFYING:
		return "Verifying";
	case DYN_JOB_COMMITTING:
		return "Finishing";
	case DYN_JOB_RETRYING:
		return "Retrying";
	case DYN_JOB_PAUSED:
		return "Paused:";
	case DYN_JOB_UNDECIDED:
		return "Decide:";
	default:
		return words_job_kind(WORDS_TUI, j->kind);
	}
}

static const char *disk_name_by_guid(const struct dyn_model *m, const char *guid)
{
	for (size_t i = 0; i < m->n_disks; i++) {
		if (*guid && strcmp(m->disks[i].guid, guid) == 0)
			return m->disks[i].name;
	}
	return "its disk";
}

static void job_numbers(const struct view_job *vj, size_t others, char *dst, size_t n)
{
	const struct dyn_job *j = &vj->job;
	char done[24], total[24], left[32] = "", more[32] = "", limit[40] = "";

	dyn_text_size(done, sizeof(done), j->done);
	dyn_text_size(total, sizeof(total), j->total);
	words_duration(j->state == DYN_JOB_PAUSED ? 0 : j->seconds_left, left, sizeof(left));
	if (others)
		snprintf(more, sizeof(more), "  +%zu more", others);
	if (j->limit)
		snprintf(limit, sizeof(limit), "  limit %llu MB/s", (unsigned long long)(j->limit / 1000000));
	snprintf(dst, n, "%s of %s%s%s%s  %llu error%s%s%s%s", done, total, *left ? "  " : "", left, *left ? " left" : "",
		 (unsigned long long)j->errors, j->errors == 1 ? "" : "s", limit, more, j->inhibits ? "  shutdown waits" : "");
}

void paint_jobs(struct canvas *c, int y, const struct view *v)
{
	const struct view_job *vj = view_current_job(v);
	const struct dyn_job *j;
	char title[128], percent[32], numbers[160], volume[64];
	const char *keys;
	int x, w, done;

	if (vj == NULL)
		return;
	j = &vj->job;
	snprintf(volume, sizeof(volume), "%s", j->volume_title);
	if (volume[0] && volume[1] == ':')
		volume[2] = '\0';
	snprintf(title, sizeof(title), "%s %s on %s", job_verb(j), volume, disk_name_by_guid(v->m, j->target_guid));
	if (j->rate && j->state != DYN_JOB_PAUSED)
		snprintf(percent, sizeof(percent), "%3u%%  %4llu MB/s", view_job_percent(j),
			 (unsigned long long)((j->rate + 500000) / 1000000));
	else
		snprintf(percent, sizeof(percent), "%3u%%           ", view_job_percent(j));
	x = 1 + canvas_text(c, y, 1, c->cols - 2, ROLE_STRONG, title) + 2;
	w = c->cols - x - 3 - text_width(percent) - 1;
	if (w >= 6) {
		done = (int)((unsigned)(w - 2) * view_job_percent(j) / 100);
		canvas_put(c, y, x, ROLE_NORMAL, '[');
		canvas_fill(c, y, x + 1, done, ROLE_BAR, '#');
		canvas_fill(c, y, x + 1 + done, w - 2 - done, ROLE_NORMAL, '-');
		canvas_put(c, y, x + w - 1, ROLE_NORMAL, ']');
	}
	canvas_text_right(c, y, x, c->cols - 1 - x, ROLE_NORMAL, percent);
	if (j->state == DYN_JOB_UNDECIDED)
		keys = "p decide  c cancel";
	else if (vj->found != DYN_NONE)
		keys = j->elsewhere ? "in another dynadisk: p l c" : "p resumes  c cancels";
	else
		keys = j->state == DYN_JOB_PAUSED ? "p continue  l limit  c cancel" : "p pause  l limit  c cancel";
	job_numbers(vj, v->n_jobs - 1, numbers, sizeof(numbers));
	x = 1 + canvas_text(c, y + 1, 1, c->cols - 2, ROLE_NORMAL, numbers);
	if (x + 2 + text_width(keys) < c->cols)
		canvas_text_right(c, y + 1, x, c->cols - 1 - x, ROLE_NORMAL, keys);
}

/* "Enter menu  Tab pane": the keys stand out. Leaves out the last pairs when there is no room. */
static void paint_keys(struct canvas *c, int y, int x, int w, const char *keys)
{
	char part[64];

	while (*keys) {
		size_t n = strcspn(keys, " "), all;
		const char *end = strstr(keys, "  ");

		all = end ? (size_t)(end - keys) : strlen(keys);
		if (all >= sizeof(part) || (int)all > w)
			return;
		memcpy(part, keys, all);
		part[all] = '\0';
		canvas_text(c, y, x, w, ROLE_NORMAL, part);
		canvas_role(c, y, x, (int)n, ROLE_KEY);
		x += (int)all + 2;
		w -= (int)all + 2;
		keys += all;
		while (*keys == ' ')
			keys++;
	}
}

void paint_status(struct canvas *c, int y, enum role role, const char *sentence, const char *keys)
{
	int used = canvas_wrap(c, y, 1, c->cols - 2, 0, 0, role, sentence);

	canvas_fill(c, y, 0, c->cols, ROLE_NORMAL, ' ');
	canvas_fill(c, y + 1, 0, c->cols, ROLE_NORMAL, ' ');
	canvas_wrap(c, y, 1, c->cols - 2, 2, 0, role, sentence);
	if (used <= 1)
		paint_keys(c, y + 1, 1, c->cols - 2, keys);
}

/* ---------------------------------------------------------------- the whole */

static const char *pane_title(enum pane_kind k)
{
	return k == PANE_VOLUMES ? "Volumes" : k == PANE_DISKS ? "Disk list" : "Disks";
}

/* "1-12 of 40", where a pane cannot show all it has. */
static void paint_position(struct canvas *c, const struct layout_pane *p, size_t items)
{
	char text[48];

	if (p->n >= items)
		return;
	snprintf(text, sizeof(text), " %zu-%zu of %zu ", p->first + 1, p->first + p->n, items);
	canvas_text_right(c, p->area.y - 1, 0, c->cols - 2, ROLE_HEADER, text);
}

void paint_main(struct canvas *c, const struct view *v, const struct layout *l)
{
	if (l->mode == LAYOUT_TOO_SMALL) {
		char text[128];

		snprintf(text, sizeof(text), "%dx%d is too small; dynadisk needs %dx%d.", c->cols, c->rows, LAYOUT_MIN_COLS,
			 LAYOUT_MIN_ROWS);
		canvas_wrap(c, 0, 0, c->cols, c->rows, 0, ROLE_NORMAL, text);
		return;
	}
	paint_title(c, v, -1);
	for (int i = 0; i < 2; i++) {
		const struct layout_pane *p = &l->pane[i];

		if (!p->shown)
			continue;
		paint_heading(c, p->area.y - 1, pane_title(v->pane[i]), v->focus == i);
		paint_position(c, p, v->pane[i] == PANE_VOLUMES ? v->m->n_volumes : v->m->n_disks);
		if (v->pane[i] == PANE_GRAPH)
			paint_graph(c, v, l, i);
		else
			paint_list(c, v, p, v->pane[i], v->focus == i);
	}
	if (l->legend >= 0)
		paint_legend(c, v, l->legend);
	if (l->jobs >= 0)
		paint_jobs(c, l->jobs, v);
}
