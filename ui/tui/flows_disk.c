/* SPDX-License-Identifier: GPL-3.0-or-later */
/* flows_disk.c - dialogs: what is done to a disk as a whole: convert, clean, clone its layout, give it an identifier. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "ui/tui/actions.h"
#include "ui/tui/flow.h"
#include "ui/words.h"

/* ---------------------------------------------------------------- convert */

static bool can_convert(struct console *con, struct target t, enum dyn_table table, char *reason, size_t n)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };

	if (!flow_need_disk(t, "Convert", reason, n))
		return false;
	return flow_possible(dyn_plan_initialize(con->s, con->m, t.disk, table, &p, &err), &p, &err, reason, n);
}

static void convert(struct console *con, struct target t, enum dyn_table table)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	int rc = dyn_plan_initialize(con->s, con->m, t.disk, table, &p, &err);

	flow_show(con, "Convert", rc, p, &err);
}

bool can_convert_gpt(struct console *con, struct target t, char *reason, size_t n)
{
	return can_convert(con, t, DYN_TABLE_GPT, reason, n);
}

bool can_convert_mbr(struct console *con, struct target t, char *reason, size_t n)
{
	return can_convert(con, t, DYN_TABLE_MBR, reason, n);
}

void run_convert_gpt(struct console *con, struct target t)
{
	convert(con, t, DYN_TABLE_GPT);
}

void run_convert_mbr(struct console *con, struct target t)
{
	convert(con, t, DYN_TABLE_MBR);
}

/* Dynamic to basic; the other way is Upgrade, in flows.c. */
bool can_to_basic(struct console *con, struct target t, char *reason, size_t n)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };

	if (!flow_need_disk(t, "Convert to Basic Disk", reason, n))
		return false;
	return flow_possible(dyn_plan_to_basic(con->s, con->m, t.disk, &p, &err), &p, &err, reason, n);
}

void run_to_basic(struct console *con, struct target t)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	int rc = dyn_plan_to_basic(con->s, con->m, t.disk, &p, &err);

	flow_show(con, "Convert to Basic Disk", rc, p, &err);
}

/* ---------------------------------------------------------------- disks that come back, or from elsewhere */

bool can_reactivate(struct console *con, struct target t, char *reason, size_t n)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };

	if (!flow_need_disk(t, "Reactivate Disk", reason, n))
		return false;
	return flow_possible(dyn_plan_reactivate(con->s, con->m, t.disk, &p, &err), &p, &err, reason, n);
}

void run_reactivate(struct console *con, struct target t)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	int rc = dyn_plan_reactivate(con->s, con->m, t.disk, &p, &err);

	flow_show(con, "Reactivate Disk", rc, p, &err);
}

bool can_mend(struct console *con, struct target t, char *reason, size_t n)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };

	if (!flow_need_disk(t, "Repair Damaged Copies", reason, n))
		return false;
	return flow_possible(dyn_plan_mend(con->s, con->m, t.disk, &p, &err), &p, &err, reason, n);
}

void run_mend(struct console *con, struct target t)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	int rc = dyn_plan_mend(con->s, con->m, t.disk, &p, &err);

	flow_show(con, "Repair Damaged Copies", rc, p, &err);
}

static bool can_import_into(struct console *con, size_t disk, size_t group, char *reason, size_t n)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };

	return flow_possible(dyn_plan_import(con->s, con->m, con->m->disks[disk].group, group, &p, &err), &p, &err, reason, n);
}

bool can_import(struct console *con, struct target t, char *reason, size_t n)
{
	const struct dyn_disk *d;

	if (!flow_need_disk(t, "Import Foreign Disks", reason, n))
		return false;
	d = &con->m->disks[t.disk];
	snprintf(reason, n, "There is no other disk group that the disks of %s could join.", d->name);
	for (size_t i = 0; d->group < con->m->n_groups && i < con->m->n_groups; i++) {
		if (i != d->group && can_import_into(con, t.disk, i, reason, n))
			return true;
	}
	return false;
}

static void import_into(struct console *con, int group)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	int rc = dyn_plan_import(con->s, con->m, con->flow.group, (size_t)group, &p, &err);

	flow_show(con, "Import Foreign Disks", rc, p, &err);
}

/* By name two groups are often the same: a disk tells which is meant. */
static void disk_of_group(const struct dyn_model *m, size_t group, char *dst, size_t n)
{
	size_t first = DYN_NONE, others = 0;

	for (size_t i = 0; i < m->n_disks; i++) {
		if (m->disks[i].group != group)
			continue;
		others += first != DYN_NONE;
		first = first == DYN_NONE ? i : first;
	}
	dst[0] = '\0';
	if (first != DYN_NONE && others)
		snprintf(dst, n, "%s and %zu more", m->disks[first].name, others);
	else if (first != DYN_NONE)
		snprintf(dst, n, "%s", m->disks[first].name);
}

void run_import(struct console *con, struct target t)
{
	struct menu *m = menu_new("Import Foreign Disks");
	char text[256];

	con->flow = (struct flow){ .disk = t.disk, .group = con->m->disks[t.disk].group };
	snprintf(text, sizeof(text), "Which group shall the disks of %s join?", con->m->groups[con->flow.group].name);
	menu_text(m, text);
	for (size_t i = 0; i < con->m->n_groups; i++) {
		char reason[512] = "", disk[64];
		bool ok;

		if (i == con->flow.group)
			continue;
		ok = can_import_into(con, t.disk, i, reason, sizeof(reason));
		disk_of_group(con->m, i, disk, sizeof(disk));
		menu_add(m, (int)i, !ok, 0, con->m->groups[i].name, disk, ok ? "All disks of the foreign group come with it." : reason);
	}
	menu_show(con, m, import_into, NULL);
}

/* ---------------------------------------------------------------- offline */

bool can_offline(struct console *con, struct target t, char *reason, size_t n)
{
	(void)con;
	return flow_need_disk(t, "Offline", reason, n);
}

bool can_online(struct console *con, struct target t, char *reason, size_t n)
{
	if (!flow_need_disk(t, "Online", reason, n))
		return false;
	if (con->m->disks[t.disk].taken_offline)
		return true;
	snprintf(reason, n, "%s was not taken off line; Properties says what is wrong with it.", con->m->disks[t.disk].name);
	return false;
}

static void offline_done(struct console *con, void *arg)
{
	(void)arg;
	if (con->scan.rc)
		return;
	if (con->flow.keep)
		console_notice(con, "%s is on line again.", con->flow.label);
	else
		console_notice(con, "%s is off line: it is not read, and missing from its group, until Online or the end.", con->flow.label);
}

static void set_offline(struct console *con, size_t disk, bool offline)
{
	struct dyn_err err = { 0 };

	con->flow = (struct flow){ .keep = !offline };
	snprintf(con->flow.label, sizeof(con->flow.label), "%s", con->m->disks[disk].name);
	if (dyn_set_offline(con->s, con->m->disks[disk].path, offline, &err))
		error_show(con, offline ? "Offline" : "Online", &err);
	else
		console_rescan(con, offline_done, NULL);
}

void run_offline(struct console *con, struct target t)
{
	set_offline(con, t.disk, true);
}

void run_online(struct console *con, struct target t)
{
	set_offline(con, t.disk, false);
}

/* ---------------------------------------------------------------- clean */

bool can_clean(struct console *con, struct target t, char *reason, size_t n)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };

	if (!flow_need_disk(t, "Clean", reason, n))
		return false;
	return flow_possible(dyn_plan_clean(con->s, con->m, t.disk, false, &p, &err), &p, &err, reason, n);
}

static void clean_picked(struct console *con, int all)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	int rc = dyn_plan_clean(con->s, con->m, con->flow.disk, all != 0, &p, &err);

	flow_show(con, "Clean", rc, p, &err);
}

void run_clean(struct console *con, struct target t)
{
	struct menu *m = menu_new("Clean");
	char text[256], title[160];

	con->flow = (struct flow){ .disk = t.disk };
	words_disk_title(&con->m->disks[t.disk], title, sizeof(title));
	snprintf(text, sizeof(text), "What shall be overwritten with zeros?\n%s", title);
	menu_text(m, text);
	menu_add(m, 0, false, 0, "The first and the last MiB", "clean", "Partitions and volumes are forgotten. It can be undone.");
	menu_add(m, 1, false, 0, "Every byte of the disk", "clean all", "Everything on it is gone for good. It takes hours on large disks.");
	menu_show(con, m, clean_picked, NULL);
}

/* ---------------------------------------------------------------- clone layout */

static bool can_clone_to(struct console *con, size_t to, char *reason, size_t n)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };

	return flow_possible(dyn_plan_clone_layout(con->s, con->m, con->flow.disk, to, &p, &err), &p, &err, reason, n);
}

static bool can_clone_from(struct console *con, size_t from, char *reason, size_t n)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };

	return flow_possible(dyn_plan_clone_layout(con->s, con->m, from, con->flow.disk, &p, &err), &p, &err, reason, n);
}

static bool can_clone(struct console *con, struct target t, flow_can_disk can, char *reason, size_t n)
{
	struct flow was = con->flow;
	bool any;

	if (!flow_need_disk(t, "Clone Layout", reason, n))
		return false;
	con->flow.disk = t.disk;
	any = flow_any_disk(con, t.disk, can, reason, n);
	con->flow = was;
	return any;
}

bool can_clone_layout_to(struct console *con, struct target t, char *reason, size_t n)
{
	return can_clone(con, t, can_clone_to, reason, n);
}

bool can_clone_layout_from(struct console *con, struct target t, char *reason, size_t n)
{
	return can_clone(con, t, can_clone_from, reason, n);
}

static void clone(struct console *con, size_t from, size_t to)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	int rc = dyn_plan_clone_layout(con->s, con->m, from, to, &p, &err);

	flow_show(con, "Clone Layout", rc, p, &err);
}

static void clone_to(struct console *con, int to)
{
	clone(con, con->flow.disk, (size_t)to);
}

static void clone_from(struct console *con, int from)
{
	clone(con, (size_t)from, con->flow.disk);
}

void run_clone_layout_to(struct console *con, struct target t)
{
	struct menu *m = menu_new("Clone Layout");
	char text[200];
	size_t only = DYN_NONE;

	con->flow = (struct flow){ .disk = t.disk };
	snprintf(text, sizeof(text), "Which empty disk shall get the partitions of %s? Files are not copied.", con->m->disks[t.disk].name);
	menu_text(m, text);
	flow_add_disks(con, m, can_clone_to, "It gets the same partitions, with the same sizes and types.", &only);
	menu_show(con, m, clone_to, NULL);
}

void run_clone_layout_from(struct console *con, struct target t)
{
	struct menu *m = menu_new("Clone Layout");
	char text[200];
	size_t only = DYN_NONE;

	con->flow = (struct flow){ .disk = t.disk };
	snprintf(text, sizeof(text), "Like which disk shall %s be laid out? Files are not copied.", con->m->disks[t.disk].name);
	menu_text(m, text);
	flow_add_disks(con, m, can_clone_from, "Its partitions are made anew, with the same sizes and types.", &only);
	menu_show(con, m, clone_from, NULL);
}

/* ---------------------------------------------------------------- identifier */

static int make_id(struct console *con, size_t disk, const char *id, struct dyn_plan **p, struct dyn_err *err)
{
	return dyn_plan_unique_id(con->s, con->m, disk, id, p, err);
}

bool can_unique_id(struct console *con, struct target t, char *reason, size_t n)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };

	if (!flow_need_disk(t, "Change Disk ID", reason, n))
		return false;
	return flow_possible(make_id(con, t.disk, NULL, &p, &err), &p, &err, reason, n);
}

static void id_typed(struct console *con, const char *text)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	int rc = make_id(con, con->flow.disk, text, &p, &err);

	flow_show(con, "Change Disk ID", rc, p, &err);
}

static void id_picked(struct console *con, int type_it)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	bool gpt = con->m->disks[con->flow.disk].table == DYN_TABLE_GPT;
	int rc;

	if (type_it) {
		input_show(con, "Change Disk ID", gpt ? "The new identifier as a GUID:" : "The new signature as eight hexadecimal digits:",
			   "", id_typed);
		return;
	}
	rc = make_id(con, con->flow.disk, NULL, &p, &err);
	flow_show(con, "Change Disk ID", rc, p, &err);
}

void run_unique_id(struct console *con, struct target t)
{
	struct menu *m = menu_new("Change Disk ID");

	con->flow = (struct flow){ .disk = t.disk };
	menu_text(m, "Two disks with the same identifier cannot be online together in Windows. Boot entries may name a disk by it.");
	menu_add(m, 0, false, 0, "A new random one", "", "Shows the plan first.");
	menu_add(m, 1, false, 0, "Type one...", "", "Shows the plan first.");
	menu_show(con, m, id_picked, NULL);
}
