/* SPDX-License-Identifier: GPL-3.0-or-later */
/* planview.c - a plan before anything is written: what, where, what is lost; the exact sectors; the DiskPart lines. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ui/tui/console.h"
#include "ui/words.h"

#define PLAN_FOOT 3 /* a line, the promise, the keys */

struct planview {
	struct screen screen;
	struct dyn_plan *plan;
	char *other_words;
	void (*other)(struct console *con);
	int scroll, shown, total;
};

/* The plan that a confirmation or a file name is being asked for: the planview below the dialog. */
static struct planview *open_plan(struct console *con);

/* Columns of the steps table inside a width. */
struct columns {
	int words, effect, diskpart; /* widths; 0: not shown */
	int at_effect, at_diskpart;
};

static struct columns plan_columns(int w)
{
	struct columns k = { .words = w - 2 };

	if (w >= 70) {
		k.diskpart = (w - 6) * 22 / 70;
		k.effect = (w - 6) * 20 / 70;
		k.words = w - 2 - 4 - k.effect - k.diskpart;
		k.at_effect = 2 + k.words + 2;
		k.at_diskpart = k.at_effect + k.effect + 2;
	} else if (w >= 46) {
		k.effect = (w - 4) * 2 / 5;
		k.words = w - 2 - 2 - k.effect;
		k.at_effect = 2 + k.words + 2;
	}
	return k;
}

/* Where painting is: lines above `skip` or below `h` are counted, not shown. */
struct pen {
	struct canvas *c;
	int y, x, w, h, skip, line;
};

/* Wraps text into a column beginning at the pen's line without moving it on. Returns the lines it took. */
static int pen_column(const struct pen *p, int x, int w, enum role role, const char *text)
{
	int past = p->skip > p->line ? p->skip - p->line : 0, top = p->line > p->skip ? p->line - p->skip : 0;
	int room = p->h > top ? p->h - top : 0;

	return w > 0 && *text ? canvas_wrap(p->c, p->y + top, p->x + x, w, room, past, role, text) : 0;
}

static void pen_text(struct pen *p, int indent, enum role role, const char *text)
{
	int n = pen_column(p, indent, p->w - indent, role, text);

	p->line += n ? n : 1;
}

static int most(int a, int b)
{
	return a > b ? a : b;
}

/* Newlines between DiskPart lines are kept: each command stands on its own line. */
static void paint_step(struct pen *p, const struct dyn_plan *plan, size_t i, const struct columns *k)
{
	const struct dyn_step *st = dyn_plan_step(plan, i);
	char number[24];
	int lines;

	snprintf(number, sizeof(number), "%zu", i + 1);
	pen_column(p, 0, 2, ROLE_DIALOG_STRONG, number);
	lines = pen_column(p, 2, k->words, ROLE_DIALOG, st->words);
	if (k->effect)
		lines = most(lines, pen_column(p, k->at_effect, k->effect, st->destroys ? ROLE_DESTROY : ROLE_DIALOG_STRONG,
					       st->effect));
	if (k->diskpart)
		lines = most(lines, pen_column(p, k->at_diskpart, k->diskpart, ROLE_DIALOG, st->diskpart));
	p->line += lines ? lines : 1;
	if (!k->effect && *st->effect)
		pen_text(p, 2, st->destroys ? ROLE_DESTROY : ROLE_DIALOG_STRONG, st->effect);
}

/* The step erases a disk as a whole, not only something on it. */
static bool erases_disk(const struct dyn_step *st)
{
	return strncmp(st->effect, "ERASES DISK", strlen("ERASES DISK")) == 0;
}

/* What dies, first of all and once for each disk: it must be on the screen without scrolling. */
static void paint_erased(struct pen *p, const struct dyn_plan *plan)
{
	const struct dyn_model *m = dyn_plan_model(plan);
	char text[256], title[200];

	for (size_t i = 0; i < dyn_plan_n_steps(plan); i++) {
		const struct dyn_step *st = dyn_plan_step(plan, i);
		bool said = false;

		for (size_t k = 0; k < i; k++)
			said |= dyn_plan_step(plan, k)->destroys && dyn_plan_step(plan, k)->disk == st->disk;
		if (!st->destroys || said || st->disk >= m->n_disks)
			continue;
		words_disk_title(&m->disks[st->disk], title, sizeof(title));
		if (erases_disk(st))
			snprintf(text, sizeof(text), "ERASES %s%s", title, m->disks[st->disk].blank ? " (blank now)" : "");
		else
			snprintf(text, sizeof(text), "DATA IS LOST on %s", title);
		pen_text(p, 0, ROLE_DESTROY, text);
	}
}

/* Whether the confirmation is the end of the disk's serial; else it is the file name of an image. */
static bool confirm_is_serial(const struct dyn_plan *plan)
{
	const char *want = dyn_plan_confirm(plan);
	size_t disk = dyn_plan_confirm_disk(plan), n = want ? strlen(want) : 0, len;

	if (disk >= dyn_plan_model(plan)->n_disks || n == 0)
		return false;
	len = strlen(dyn_plan_model(plan)->disks[disk].serial);
	return len >= n && strcmp(dyn_plan_model(plan)->disks[disk].serial + len - n, want) == 0;
}

static bool plan_copies(const struct dyn_plan *plan)
{
	for (size_t i = 0; i < dyn_plan_n_steps(plan); i++) {
		if (dyn_plan_step(plan, i)->kind == DYN_STEP_COPY)
			return true;
	}
	return false;
}

/* Several steps may have the same warning; once is enough. */
static bool note_was_said(const struct dyn_plan *plan, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (strcmp(dyn_plan_note(plan, k), dyn_plan_note(plan, i)) == 0)
			return true;
	}
	return false;
}

static void paint_plan(struct pen *p, const struct planview *v)
{
	struct columns k = plan_columns(p->w);

	for (size_t i = 0; i < dyn_plan_n_notes(v->plan); i++) {
		if (!note_was_said(v->plan, i))
			pen_text(p, 0, ROLE_DIALOG, dyn_plan_note(v->plan, i));
	}
	paint_erased(p, v->plan);
	if (p->line)
		p->line++;
	for (size_t i = 0; i < dyn_plan_n_steps(v->plan); i++)
		paint_step(p, v->plan, i, &k);
}

static const char *plan_promise(const struct dyn_plan *plan, bool read_only)
{
	if (read_only)
		return "Nothing has been written, and nothing can be: dynadisk runs read-only.";
	switch (dyn_plan_undo_kind(plan)) {
	case DYN_UNDO_NONE:
		return "Nothing has been written yet. It cannot be undone afterwards.";
	case DYN_UNDO_BYTES:
		return "Nothing has been written yet. It can be undone afterwards.";
	case DYN_UNDO_DATABASE:
		return "Nothing has been written yet. It can be undone, as one more change.";
	default:
		return "Nothing has been written yet. It can be undone but for what the copy covers.";
	}
}

static void plan_keys(const struct planview *v, bool read_only, char *dst, size_t n)
{
	snprintf(dst, n, "%s%ss sectors  d DiskPart script%s%s%s  Esc leave",
		 read_only ? "" : dyn_plan_confirm(v->plan) ? "Enter go on (asks to confirm)" : "Enter do it", read_only ? "" : "  ",
		 v->other ? "  t " : "", v->other ? v->other_words : "", v->total > v->shown ? "  PgDn more" : "");
}

static void plan_draw(struct console *con, struct screen *s, struct canvas *c)
{
	struct planview *v = (struct planview *)s;
	int w = c->cols - 4 > 104 ? 104 : c->cols - 4;
	struct pen measure = { c, 0, 0, w, 0, 0, 0 }, pen;
	char keys[160];
	struct rect r;

	paint_plan(&measure, v);
	v->total = measure.line;
	r = dialog_rect(c, v->total + PLAN_FOOT, w);
	v->shown = r.h - 2 - PLAN_FOOT;
	if (v->scroll > v->total - v->shown)
		v->scroll = v->total > v->shown ? v->total - v->shown : 0;
	canvas_box(c, &r, ROLE_DIALOG, ROLE_DIALOG_TITLE, dyn_plan_title(v->plan));
	pen = (struct pen){ c, r.y + 1, r.x + 2, w, v->shown, v->scroll, 0 };
	paint_plan(&pen, v);
	dialog_scroll_marks(c, &r, v->scroll, v->shown, v->total);
	plan_keys(v, con->view.read_only, keys, sizeof(keys));
	canvas_fill(c, r.y + r.h - 4, r.x + 1, r.w - 2, ROLE_DIALOG, GLYPH_HLINE);
	canvas_text(c, r.y + r.h - 3, r.x + 2, w, ROLE_DIALOG, plan_promise(v->plan, con->view.read_only));
	canvas_wrap(c, r.y + r.h - 2, r.x + 2, w, 1, 0, ROLE_DIALOG_STRONG, keys);
	c->cursor_y = r.y + r.h - 2;
	c->cursor_x = r.x + 2;
	snprintf(con->bottom, sizeof(con->bottom), "%s",
		 dyn_plan_confirm(v->plan) ? "Read it, and compare the disk that is erased. Nothing happens before you confirm." :
		 "Read it. Nothing happens before you press Enter.");
}

/* ---------------------------------------------------------------- doing it */

static bool has_image(const struct dyn_plan *plan)
{
	for (size_t i = 0; i < dyn_plan_n_steps(plan); i++)
		if (dyn_plan_step(plan, i)->kind == DYN_STEP_IMAGE)
			return true;
	return false;
}

/* A plan that is being carried out, until the disks were read again after it. */
struct doing {
	struct dyn_session *s;
	struct dyn_plan *plan;
	char *confirm;
	bool copies;
	void (*after)(struct console *con);
	struct dyn_err err;
	int rc;
};

static void apply_run(void *arg)
{
	struct doing *d = arg;

	d->rc = dyn_apply(d->s, d->plan, d->confirm, &d->err);
}

/* Once the disks were read again. */
static void apply_told(struct console *con, void *arg)
{
	struct doing *d = arg;
	const char *title = dyn_plan_title(d->plan);
	bool go_on = d->rc == 0 && con->scan.rc == 0;
	void (*after)(struct console *con) = d->after;

	if (d->rc)
		error_show(con, title, &d->err);
	else if (d->copies && con->view.n_jobs == 0 && *con->view.notice)
		con->dirty = true; /* a small copy has ended by now, and that was said */
	else if (d->copies)
		console_notice(con, "%s: the copy is running.", title);
	else
		console_notice(con, "Done: %s. L can undo it.", title);
	dyn_plan_free(d->plan);
	free(d->confirm);
	free(d);
	if (go_on && after)
		after(con);
}

static void apply_done(struct console *con, void *arg)
{
	console_rescan(con, apply_told, arg);
}

static void apply(struct console *con, const char *confirm)
{
	struct planview *v = open_plan(con);
	struct doing *d = xcalloc(1, sizeof(*d));
	struct work w = { .run = apply_run, .done = apply_done, .arg = d, .writes = true };

	*d = (struct doing){ .s = con->s, .plan = v->plan, .confirm = confirm ? xstrdup(confirm) : NULL,
			     .copies = plan_copies(v->plan), .after = con->flow.after };
	w.progress = has_image(d->plan);
	snprintf(w.what, sizeof(w.what), "Writing: %s", dyn_plan_title(d->plan));
	v->plan = NULL; /* it is the engine's now */
	console_pop_all(con);
	console_work(con, &w);
}

static void ask_confirmation(struct console *con, struct planview *v, const char *wrong, const char *typed);

static void confirmed(struct console *con, const char *text)
{
	struct planview *v = open_plan(con);
	const char *want = v ? dyn_plan_confirm(v->plan) : NULL;

	if (want && strcmp(want, text) != 0)
		ask_confirmation(con, v, text, "");
	else if (v)
		apply(con, text);
}

static bool erases_some_disk(const struct dyn_plan *plan, size_t disk)
{
	for (size_t i = 0; i < dyn_plan_n_steps(plan); i++) {
		const struct dyn_step *st = dyn_plan_step(plan, i);

		if (st->destroys && st->disk == disk && erases_disk(st))
			return true;
	}
	return false;
}

/* wrong: what was typed before and was not it, or NULL. typed: what the field begins with. */
static void ask_confirmation(struct console *con, struct planview *v, const char *wrong, const char *typed)
{
	const char *want = dyn_plan_confirm(v->plan);
	const struct dyn_model *m = dyn_plan_model(v->plan);
	size_t disk = dyn_plan_confirm_disk(v->plan);
	struct lines l = { 0 };
	char title[200];

	if (wrong) {
		lines_add(&l, ROLE_DIALOG_TITLE, 0, "\"%.40s\" is not it. Nothing has been written. Is this the right disk?", wrong);
		lines_add(&l, ROLE_DIALOG, 0, "%s", "");
	}
	if (disk < m->n_disks) {
		const struct dyn_disk *d = &m->disks[disk];

		words_disk_title(d, title, sizeof(title));
		if (erases_some_disk(v->plan, disk)) {
			lines_add(&l, ROLE_DESTROY, 0, "THIS ERASES %s", title);
			lines_add(&l, ROLE_DIALOG, 0, "%s", d->blank ? "Nothing is on it now: it reads as blank." :
				  "What is on it now will be gone.");
		} else {
			lines_add(&l, ROLE_DESTROY, 0, "DATA IS LOST on %s", title);
			lines_add(&l, ROLE_DIALOG, 0, "%s. The rest of the disk stays.", dyn_plan_title(v->plan));
		}
		lines_add(&l, ROLE_DIALOG, 0, "%s", "");
	}
	if (confirm_is_serial(v->plan))
		lines_add(&l, ROLE_DIALOG_STRONG, 0, "To go on, type the last %zu characters of its serial number:", strlen(want));
	else if (disk < m->n_disks && strcmp(m->disks[disk].bus, "image") == 0)
		lines_add(&l, ROLE_DIALOG_STRONG, 0, "To go on, type the name of its image file (without folders):");
	else
		lines_add(&l, ROLE_DIALOG_STRONG, 0, "To go on, type %s:", want);
	input_show_lines(con, "Confirm", &l, typed, confirmed);
}

/* ---------------------------------------------------------------- sectors and script */

static void show_sectors(struct console *con, const struct dyn_plan *plan)
{
	const struct dyn_model *m = dyn_plan_model(plan);
	struct lines l = { 0 };

	lines_add(&l, ROLE_DIALOG_STRONG, 0, "Sectors of 512 bytes, in the order of writing. A phase is flushed before the next.");
	for (size_t i = 0; i < dyn_plan_n_steps(plan); i++) {
		const struct dyn_step *st = dyn_plan_step(plan, i);

		lines_add(&l, ROLE_DIALOG, 0, "%s", "");
		lines_add(&l, ROLE_DIALOG_STRONG, 0, "%zu %s", i + 1, st->words);
		for (size_t k = 0; k < st->n_writes; k++) {
			const struct dyn_write *w = &st->writes[k];

			lines_add(&l, ROLE_DIALOG, 2, "%-7s %12llu +%-5u phase %-2u %s",
				  w->disk < m->n_disks ? m->disks[w->disk].name : "?", (unsigned long long)w->sector, w->n_sectors,
				  w->phase, w->what);
		}
		if (st->kind != DYN_STEP_SECTORS && st->disk < m->n_disks)
			lines_add(&l, ROLE_DIALOG, 2, "%-7s %12llu +%llu %s%s", m->disks[st->disk].name,
				  (unsigned long long)(st->target_offset / 512), (unsigned long long)(st->size / 512),
				  st->kind == DYN_STEP_COPY ? "copied from " : "from an image",
				  st->kind == DYN_STEP_COPY && st->source < m->n_disks ? m->disks[st->source].name : "");
	}
	text_show(con, "Sectors", &l);
}

static void save_script(struct console *con, const char *path)
{
	struct planview *v = open_plan(con);
	FILE *f;
	bool bad;

	if (v == NULL)
		return;
	f = fopen(path, "wx"); /* only ever a new file */
	if (f == NULL) {
		message_show(con, "Not saved", "%s: %s", path, errno == EEXIST ? "there is such a file already; choose another name"
									       : strerror(errno));
		return;
	}
	fprintf(f, "rem %s\n", dyn_plan_title(v->plan));
	for (size_t i = 0; i < dyn_plan_n_steps(v->plan); i++) {
		const struct dyn_step *st = dyn_plan_step(v->plan, i);

		if (*st->diskpart)
			fprintf(f, "rem %s\n%s\n", st->words, st->diskpart);
	}
	bad = ferror(f) != 0;
	if (fclose(f) != 0 || bad)
		message_show(con, "Not saved", "%s: %s", path, strerror(errno));
	else
		console_notice(con, "Saved as %s.", path);
}

static void script_menu(struct console *con, int id)
{
	struct planview *v = open_plan(con);
	struct lines l = { 0 };

	if (id == 1) {
		input_show(con, "Save the DiskPart script", "File name:", "repair.txt", save_script);
		return;
	}
	for (size_t i = 0; v && i < dyn_plan_n_steps(v->plan); i++) {
		if (*dyn_plan_step(v->plan, i)->diskpart)
			lines_add(&l, ROLE_DIALOG, 0, "%s", dyn_plan_step(v->plan, i)->diskpart);
	}
	if (l.n == 0)
		lines_add(&l, ROLE_DIALOG, 0, "DiskPart has no commands for this.");
	text_show(con, "DiskPart commands for the same", &l);
}

static void ask_script(struct console *con)
{
	struct menu *m = menu_new("DiskPart script");

	menu_text(m, "The same steps in DiskPart's language, to learn from or to run with dynadisk shell.");
	menu_add(m, 0, false, 0, "Show it", "", "Shows the lines.");
	menu_add(m, 1, false, 0, "Save it to a file...", "", "Writes the lines to a new file.");
	menu_show(con, m, script_menu, NULL);
}

/* ---------------------------------------------------------------- the screen */

static void plan_key(struct console *con, struct screen *s, int key)
{
	struct planview *v = (struct planview *)s;
	void (*other)(struct console *) = v->other;

	if (dialog_scroll_key(key, &v->scroll, v->shown, v->total))
		return;
	switch (key) {
	case K_ENTER:
		if (con->view.read_only)
			console_notice(con, "dynadisk runs read-only: nothing can be written.");
		else if (dyn_plan_confirm(v->plan))
			ask_confirmation(con, v, NULL, "");
		else
			apply(con, NULL);
		break;
	case 's':
		show_sectors(con, v->plan);
		break;
	case 'd':
		ask_script(con);
		break;
	case 't':
		if (other) {
			console_pop(con);
			other(con);
		}
		break;
	case K_ESC:
	case 'q':
	case K_F10:
		console_pop(con);
		console_notice(con, "Nothing was written.");
		break;
	default:
		if (key > ' ' && key < 0x7f && dyn_plan_confirm(v->plan) && !con->view.read_only) {
			const char first[2] = { (char)key, '\0' }; /* typing begins the confirmation */

			ask_confirmation(con, v, NULL, first);
		}
		break;
	}
}

static void plan_mouse(struct console *con, struct screen *s, const struct mouse *e)
{
	if (e->what == MOUSE_WHEEL_UP || e->what == MOUSE_WHEEL_DOWN)
		plan_key(con, s, e->what == MOUSE_WHEEL_UP ? K_UP : K_DOWN);
}

static void plan_screen_free(struct screen *s)
{
	struct planview *v = (struct planview *)s;

	if (v->plan)
		dyn_plan_free(v->plan);
	free(v->other_words);
	free(v);
}

static const struct screen_ops plan_ops = { plan_draw, plan_key, plan_mouse, plan_screen_free };

static struct planview *open_plan(struct console *con)
{
	for (int i = con->depth - 1; i >= 0; i--) {
		if (con->stack[i]->ops == &plan_ops)
			return (struct planview *)con->stack[i];
	}
	return NULL;
}

void plan_show(struct console *con, struct dyn_plan *p, const char *other_words, void (*other)(struct console *con))
{
	struct planview *v = xcalloc(1, sizeof(*v));

	v->screen.ops = &plan_ops;
	v->plan = p;
	v->other_words = other_words ? xstrdup(other_words) : NULL;
	v->other = other;
	con->flow.after = NULL;
	console_push(con, &v->screen);
}
