/* SPDX-License-Identifier: GPL-3.0-or-later */
/* flows_volume.c - dialogs: volumes created, deleted, given an entry of their own. */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/tui/actions.h"
#include "ui/tui/flow.h"
#include "ui/words.h"

/* ---------------------------------------------------------------- new volumes */

/* The largest run of unallocated space of a disk. */
static uint64_t largest_space(const struct dyn_disk *d)
{
	uint64_t most = 0;

	for (size_t i = 0; i < d->n_regions; i++) {
		if (d->regions[i].kind == DYN_REGION_UNALLOCATED && d->regions[i].size > most)
			most = d->regions[i].size;
	}
	return most;
}

/* The first letter from C that no volume has; DiskPart takes the same. */
static char free_letter(const struct dyn_model *m)
{
	for (char c = 'C'; c <= 'Z'; c++) {
		bool used = false;

		for (size_t i = 0; i < m->n_volumes; i++)
			used |= m->volumes[i].letter == c;
		if (!used)
			return c;
	}
	return '-';
}

static void ask_letter(struct console *con, const char *title, input_done done)
{
	const char initial[2] = { free_letter(con->m), '\0' };

	input_show(con, title, "Drive letter (A to Z; - for none):", initial, done);
}

/* false after saying what is wrong with it; 0 for none. */
static bool take_letter(struct console *con, const char *title, const char *text, char *letter)
{
	if ((isalpha((unsigned char)text[0]) && (text[1] == '\0' || strcmp(text + 1, ":") == 0)) || strcmp(text, "-") == 0) {
		*letter = *text == '-' ? '\0' : (char)toupper((unsigned char)*text);
		return true;
	}
	message_show(con, title, "\"%.20s\" is not a drive letter. Type one letter, or - for none.", text);
	return false;
}

static bool can_simple_on(struct console *con, size_t disk, char *reason, size_t n)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };

	return flow_possible(dyn_plan_create_simple(con->s, con->m, disk, 0, 0, &p, &err), &p, &err, reason, n);
}

/* On a basic disk Windows calls a primary partition, or a logical drive, a simple volume. */
bool can_new_simple(struct console *con, struct target t, char *reason, size_t n)
{
	if (!flow_need_space(t, "New Simple Volume", reason, n))
		return false;
	if (!con->m->disks[t.disk].dynamic)
		return can_new_data_partition(con, t, reason, n);
	return can_simple_on(con, t.disk, reason, n);
}

/* A new volume holds nothing yet: what comes next is offered at once. */
static void format_new(struct console *con)
{
	size_t volume = flow_new_volume(con);

	if (volume == DYN_NONE)
		return;
	view_select_volume(&con->view, volume);
	run_format(con, view_target(&con->view));
}

/* After a plan is shown: once it was carried out, format what came into being. */
void flow_format_after(struct console *con)
{
	flow_know_volumes(con);
	con->flow.after = format_new;
}

static void simple_letter(struct console *con, const char *text)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	char letter;
	int rc;

	if (!take_letter(con, "New Simple Volume", text, &letter))
		return;
	rc = dyn_plan_create_simple(con->s, con->m, con->flow.disk, con->flow.size, letter, &p, &err);
	if (flow_show(con, "New Simple Volume", rc, p, &err))
		flow_format_after(con);
}

static void simple_size(struct console *con, const char *text)
{
	if (flow_size(con, "New Simple Volume", text, &con->flow.size))
		ask_letter(con, "New Simple Volume", simple_letter);
}

void run_new_simple(struct console *con, struct target t)
{
	char text[200];

	if (!con->m->disks[t.disk].dynamic) {
		run_new_data_partition(con, t);
		return;
	}
	con->flow = (struct flow){ .target = t, .disk = t.disk };
	snprintf(text, sizeof(text), "A simple volume on %s has no second copy; Add Mirror can give it one later.",
		 con->m->disks[t.disk].name);
	flow_ask_size(con, "New Simple Volume", text, largest_space(&con->m->disks[t.disk]), 0, simple_size);
}

/* ---------------------------------------------------------------- new mirror */

static int make_mirror(struct console *con, size_t other, uint64_t size, char letter, struct dyn_plan **p, struct dyn_err *err)
{
	const size_t disks[2] = { con->flow.disk, other };

	return dyn_plan_create_mirror(con->s, con->m, disks, size, letter, p, err);
}

static bool can_mirror_with(struct console *con, size_t other, char *reason, size_t n)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };

	return flow_possible(make_mirror(con, other, 0, 0, &p, &err), &p, &err, reason, n);
}

bool can_new_mirror(struct console *con, struct target t, char *reason, size_t n)
{
	struct flow was = con->flow;
	bool any;

	if (!flow_need_space(t, "New Mirrored Volume", reason, n))
		return false;
	con->flow.disk = t.disk;
	any = flow_any_disk(con, t.disk, can_mirror_with, reason, n);
	con->flow = was;
	return any;
}

/* It is being mirrored: formatting it comes when that has ended. */
static void select_new(struct console *con)
{
	size_t volume = flow_new_volume(con);

	if (volume != DYN_NONE)
		view_select_volume(&con->view, volume);
}

static void mirror_letter(struct console *con, const char *text)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	char letter;
	int rc;

	if (!take_letter(con, "New Mirrored Volume", text, &letter))
		return;
	rc = make_mirror(con, con->flow.other_disk, con->flow.size, letter, &p, &err);
	if (!flow_show(con, "New Mirrored Volume", rc, p, &err))
		return;
	flow_know_volumes(con);
	con->flow.after = select_new;
}

static void mirror_size(struct console *con, const char *text)
{
	if (flow_size(con, "New Mirrored Volume", text, &con->flow.size))
		ask_letter(con, "New Mirrored Volume", mirror_letter);
}

static void mirror_with(struct console *con, int other)
{
	uint64_t a = largest_space(&con->m->disks[con->flow.disk]), b = largest_space(&con->m->disks[other]);
	char text[200];

	con->flow.other_disk = (size_t)other;
	snprintf(text, sizeof(text), "Both halves, on %s and %s, have this size.", con->m->disks[con->flow.disk].name,
		 con->m->disks[other].name);
	flow_ask_size(con, "New Mirrored Volume", text, a < b ? a : b, 0, mirror_size);
}

void run_new_mirror(struct console *con, struct target t)
{
	struct menu *m = menu_new("New Mirrored Volume");
	char text[200];
	size_t only = DYN_NONE;

	con->flow = (struct flow){ .target = t, .disk = t.disk };
	snprintf(text, sizeof(text), "One half lies on %s. Choose the disk for the other one:", con->m->disks[t.disk].name);
	menu_text(m, text);
	flow_add_disks(con, m, can_mirror_with, "The other half lies on this disk.", &only);
	menu_show(con, m, mirror_with, NULL);
}

/* ---------------------------------------------------------------- drive letter */

static int make_letter(struct console *con, size_t volume, char letter, struct dyn_plan **p, struct dyn_err *err)
{
	return dyn_plan_set_letter(con->s, con->m, volume, letter, p, err);
}

/* Asked with a letter that the volume has not, so that only the volume itself can be the reason. */
bool can_letter(struct console *con, struct target t, char *reason, size_t n)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	char letter;

	if (!flow_need_volume(t, "Change Drive Letter", reason, n))
		return false;
	letter = con->m->volumes[t.volume].letter ? '\0' : free_letter(con->m);
	return flow_possible(make_letter(con, t.volume, letter == '-' ? 'Z' : letter, &p, &err), &p, &err, reason, n);
}

static void letter_typed(struct console *con, const char *text)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	char letter;
	int rc;

	if (!take_letter(con, "Change Drive Letter", text, &letter))
		return;
	rc = make_letter(con, con->flow.volume, letter, &p, &err);
	flow_show(con, "Change Drive Letter", rc, p, &err);
}

void run_letter(struct console *con, struct target t)
{
	const struct dyn_volume *v = &con->m->volumes[t.volume];
	const char initial[2] = { v->letter ? v->letter : free_letter(con->m), '\0' };

	con->flow = (struct flow){ .volume = t.volume };
	input_show(con, "Change Drive Letter", "Windows gives the volume this letter where it is free. A to Z; - for none:", initial,
		   letter_typed);
}

/* ---------------------------------------------------------------- format */

static const struct {
	const char *fs, *label, *hint;
	uint32_t largest_unit; /* bytes */
} systems[] = {
	{ "ntfs", "NTFS", "What Windows is installed on; for data of any size.", 64 << 10 },
	{ "fat32", "FAT32", "Firmware reads it: EFI system partitions. Files up to 4 GB.", 32 << 10 },
	{ "fat", "FAT", "FAT12 or FAT16, for small volumes.", 32 << 10 },
	{ "exfat", "exFAT", "Large files, for disks that travel between systems.", 32 << 20 },
};

bool can_format(struct console *con, struct target t, char *reason, size_t n)
{
	struct dyn_err err = { 0 };
	struct dyn_plan *none = NULL;
	int rc;

	if (!flow_need_volume(t, "Format", reason, n))
		return false;
	rc = dyn_can_format(con->s, con->m, t.volume, &err);
	return flow_possible(rc, &none, &err, reason, n);
}

static void format_quick(struct console *con, int quick)
{
	struct dyn_format_spec spec = { .fs = systems[con->flow.fs].fs, .label = con->flow.label,
					.unit = con->flow.unit, .quick = quick != 0 };
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	int rc;

	console_notice(con, "Preparing the file system; nothing is written to the disk ...");
	console_show(con);
	rc = dyn_plan_format(con->s, con->m, con->flow.volume, &spec, &p, &err);
	console_notice(con, "%s", "");
	flow_show(con, "Format", rc, p, &err);
}

static void format_label(struct console *con, const char *text)
{
	struct menu *m = menu_new("Format");

	snprintf(con->flow.label, sizeof(con->flow.label), "%s", text);
	menu_text(m, "How thoroughly?");
	menu_add(m, 1, false, 0, "Quick format", "", "Writes what the file system needs; the rest stays on the disk until it is overwritten.");
	menu_add(m, 0, false, 0, "Full format", "", "Writes zeros everywhere else, too. It takes as long as copying the whole volume.");
	menu_show(con, m, format_quick, NULL);
}

static void format_unit(struct console *con, int unit)
{
	con->flow.unit = (uint32_t)unit;
	input_show(con, "Format", "Label (empty for none):", con->m->volumes[con->flow.volume].label, format_label);
	input_may_be_empty(con);
}

static void format_as(struct console *con, int fs)
{
	struct menu *m = menu_new("Format");

	con->flow.fs = (size_t)fs;
	menu_text(m, "Allocation unit size: the smallest piece of the volume that a file takes.");
	menu_add(m, 0, false, 0, "Default", "suggested", "What suits a volume of this size.");
	for (uint32_t unit = 512; unit <= systems[fs].largest_unit; unit *= 2) {
		char label[32], in_script[32];

		snprintf(label, sizeof(label), unit < 1024 ? "%u bytes" : unit < 1 << 20 ? "%u KB" : "%u MB",
			 unit < 1024 ? unit : unit < 1 << 20 ? unit >> 10 : unit >> 20);
		snprintf(in_script, sizeof(in_script), "unit=%u", unit);
		menu_add(m, (int)unit, false, 0, label, in_script, "The plan says when the volume is too large or too small for it.");
	}
	menu_show(con, m, format_unit, NULL);
}

void run_format(struct console *con, struct target t)
{
	const struct dyn_volume *v = &con->m->volumes[t.volume];
	struct menu *m = menu_new("Format");
	char text[256], title[96], size[24];
	bool system = strcmp(v->info, "System") == 0 && v->layout == DYN_LAYOUT_PARTITION && con->m->disks[t.disk].table == DYN_TABLE_GPT;

	con->flow = (struct flow){ .volume = t.volume };
	words_volume_title(v, title, sizeof(title));
	dyn_text_size(size, sizeof(size), v->size);
	snprintf(text, sizeof(text), "Which file system shall %s (%s) get?", title, size);
	menu_text(m, text);
	for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]); i++)
		menu_add(m, (int)i, false, 0, systems[i].label, i == (size_t)system ? "suggested" : "", systems[i].hint);
	menu_select(m, system);
	menu_show(con, m, format_as, NULL);
}

/* ---------------------------------------------------------------- delete, retain */

bool can_delete_volume(struct console *con, struct target t, char *reason, size_t n)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };

	if (!flow_need_volume(t, "Delete Volume", reason, n))
		return false;
	return flow_possible(dyn_plan_delete_volume(con->s, con->m, t.volume, &p, &err), &p, &err, reason, n);
}

void run_delete_volume(struct console *con, struct target t)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	int rc = dyn_plan_delete_volume(con->s, con->m, t.volume, &p, &err);

	flow_show(con, "Delete Volume", rc, p, &err);
}

bool can_retain(struct console *con, struct target t, char *reason, size_t n)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };

	if (!flow_need_volume(t, "Retain", reason, n))
		return false;
	return flow_possible(dyn_plan_retain(con->s, con->m, t.volume, &p, &err), &p, &err, reason, n);
}

void run_retain(struct console *con, struct target t)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	int rc = dyn_plan_retain(con->s, con->m, t.volume, &p, &err);

	flow_show(con, "Retain", rc, p, &err);
}

/* ---------------------------------------------------------------- verify */

bool can_verify(struct console *con, struct target t, char *reason, size_t n)
{
	const struct dyn_volume *v;

	if (!flow_need_volume(t, "Verify Mirror", reason, n))
		return false;
	v = &con->m->volumes[t.volume];
	for (size_t i = 0; i < v->n_plexes; i++) {
		if (v->plexes[i].status == DYN_PLEX_OK)
			continue;
		snprintf(reason, n, "There is nothing to compare: one half is %s.", words_plex_status(WORDS_TUI, v->plexes[i].status));
		return false;
	}
	return true;
}

/* Appends as many of the ranges as a dialog has room for. */
static void put_ranges(char *dst, size_t n, const struct dyn_range *r, size_t count)
{
	size_t len = strlen(dst);

	for (size_t i = 0; i < count && len < n; i++) {
		if (i == 8) {
			snprintf(dst + len, n - len, ", and %zu more (the shell's VERIFY lists them all)", count - i);
			return;
		}
		len += (size_t)snprintf(dst + len, n - len, "%s %llu-%llu", i ? "," : "", (unsigned long long)r[i].offset,
					(unsigned long long)(r[i].offset + r[i].size - 1));
	}
}

static void show_differences(struct console *con, const char *title, const char *size, const struct dyn_verify *r)
{
	char different[24], where[512] = "", unread[640] = "";

	dyn_text_size(different, sizeof(different), r->different);
	put_ranges(where, sizeof(where), r->differ, r->n_differ);
	if (r->unreadable) {
		snprintf(unread, sizeof(unread), "%llu bytes could not be read and were not compared:", (unsigned long long)r->unreadable);
		put_ranges(unread, sizeof(unread), r->unread, r->n_unread);
	}
	if (r->different == 0)
		message_show(con, "Verify Mirror", "The halves of %s are equal where both can be read. %s.", title, unread);
	else
		message_show(con, "Verify Mirror",
			     "The halves of %s differ in %s of %s, at these bytes of the volume:%s. %s%sWhich half is right cannot be told "
			     "from this: Break Mirrored Volume keeps both, as two volumes.",
			     title, different, size, where, unread, *unread ? ". " : "");
}

struct verifying {
	struct console *con;
	struct dyn_model *m; /* referenced: the console's may be a newer one in the end */
	size_t volume;
	struct dyn_verify r;
	struct dyn_err err;
	int rc;
};

static int verify_progress(void *arg, uint64_t done, uint64_t total)
{
	return console_busy(arg, done, total);
}

static void verify_run(void *arg)
{
	struct verifying *v = arg;

	v->rc = dyn_verify(v->con->s, v->m, v->volume, verify_progress, v->con, &v->r, &v->err);
}

static void verify_done(struct console *con, void *arg)
{
	struct verifying *v = arg;
	char title[96], size[24];

	words_volume_title(&v->m->volumes[v->volume], title, sizeof(title));
	dyn_text_size(size, sizeof(size), v->r.size);
	if (v->rc)
		error_show(con, "Verify Mirror", &v->err);
	else if (v->r.different == 0 && v->r.unreadable == 0)
		message_show(con, "Verify Mirror", "The halves of %s are equal: %s compared.", title, size);
	else
		show_differences(con, title, size, &v->r);
	dyn_model_unref(v->m);
	free(v);
}

void run_verify(struct console *con, struct target t)
{
	struct verifying *v = xcalloc(1, sizeof(*v));
	struct work w = { .run = verify_run, .done = verify_done, .arg = v, .progress = true };
	char title[96];

	v->con = con;
	v->m = dyn_model_ref(con->m);
	v->volume = t.volume;
	words_volume_title(&con->m->volumes[t.volume], title, sizeof(title));
	snprintf(w.what, sizeof(w.what), "Comparing the halves of %s", title);
	console_work(con, &w);
}
