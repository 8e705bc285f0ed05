/* SPDX-License-Identifier: GPL-3.0-or-later */
/* flows.c - dialogs: initialize and upgrade disks; mirrors: add, remove, break, repair. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ui/tui/actions.h"
#include "ui/tui/advice.h"
#include "ui/tui/flow.h"
#include "ui/words.h"

#define HALF_HINT "The new half goes to this disk."

/* ---------------------------------------------------------------- initialize, upgrade */

bool can_initialize(struct console *con, struct target t, char *reason, size_t n)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };

	if (!flow_need_disk(t, "Initialize Disk", reason, n))
		return false;
	return flow_possible(dyn_plan_initialize(con->s, con->m, t.disk, DYN_TABLE_GPT, &p, &err), &p, &err, reason, n);
}

static void initialize_as(struct console *con, int table)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	int rc = dyn_plan_initialize(con->s, con->m, con->flow.disk, (enum dyn_table)table, &p, &err);

	flow_show(con, "Initialize Disk", rc, p, &err);
}

void run_initialize(struct console *con, struct target t)
{
	con->flow = (struct flow){ .disk = t.disk };
	flow_choose_table(con, t.disk, initialize_as);
}

/* The group a disk would join when there is a choice; which one does not matter for whether it is possible. */
static size_t any_group(const struct dyn_model *m)
{
	return m->n_groups > 1 ? 0 : DYN_NONE;
}

bool can_upgrade(struct console *con, struct target t, char *reason, size_t n)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };

	if (!flow_need_disk(t, "Upgrade to Dynamic Disk", reason, n))
		return false;
	return flow_possible(dyn_plan_upgrade(con->s, con->m, t.disk, DYN_TABLE_NONE, any_group(con->m), &p, &err), &p, &err, reason, n);
}

static void upgrade_in_group(struct console *con, int group)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	int rc = dyn_plan_upgrade(con->s, con->m, con->flow.disk, con->flow.table, group < 0 ? DYN_NONE : (size_t)group, &p, &err);

	flow_show(con, "Upgrade to Dynamic Disk", rc, p, &err);
}

static void upgrade_as(struct console *con, int table)
{
	struct menu *m;

	con->flow.table = (enum dyn_table)table;
	if (con->m->n_groups < 2) {
		upgrade_in_group(con, -1);
		return;
	}
	m = menu_new("Disk group");
	menu_text(m, "There are several disk groups. Which one shall the disk join?");
	for (size_t i = 0; i < con->m->n_groups; i++) {
		char disks[40];

		snprintf(disks, sizeof(disks), "%zu disks", con->m->groups[i].n_disks);
		menu_add(m, (int)i, false, 0, con->m->groups[i].name, disks, con->m->groups[i].problem);
	}
	menu_show(con, m, upgrade_in_group, NULL);
}

void run_upgrade(struct console *con, struct target t)
{
	con->flow = (struct flow){ .disk = t.disk };
	if (con->m->disks[t.disk].table == DYN_TABLE_NONE)
		flow_choose_table(con, t.disk, upgrade_as);
	else
		upgrade_as(con, DYN_TABLE_NONE);
}

/* ---------------------------------------------------------------- add mirror */

/* What the engine would say with the table the user has not chosen yet: it is possible if any choice is. */
static bool can_mirror_on(struct console *con, size_t disk, char *reason, size_t n)
{
	static const enum dyn_table choice[] = { DYN_TABLE_NONE, DYN_TABLE_GPT, DYN_TABLE_MBR };
	bool uninitialized = con->m->disks[disk].table == DYN_TABLE_NONE;

	for (size_t i = 0; i < (uninitialized ? 3 : 1); i++) {
		struct dyn_plan *p = NULL;
		struct dyn_err err = { 0 };

		if (flow_possible(dyn_plan_add_mirror(con->s, con->m, con->flow.volume, disk, choice[i], &p, &err), &p, &err, reason, n))
			return true;
	}
	return false;
}

bool can_add_mirror(struct console *con, struct target t, char *reason, size_t n)
{
	struct flow was = con->flow;
	bool any = false, there = false;

	if (!flow_need_volume(t, "Add Mirror", reason, n))
		return false;
	con->flow.volume = t.volume;
	/* the disk of the volume itself is asked first: its refusal tells what is wrong with the volume */
	if (t.disk < con->m->n_disks)
		any = can_mirror_on(con, t.disk, reason, n);
	for (size_t i = 0; i < con->m->n_disks && !any; i++) {
		if (i == t.disk || con->m->disks[i].status == DYN_DISK_MISSING)
			continue;
		there = true;
		any = can_mirror_on(con, i, reason, n);
	}
	con->flow = was;
	if (!any && !there && *reason == '\0')
		snprintf(reason, n, "There is no second disk.");
	return any;
}

static void add_mirror_as(struct console *con, int table)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	int rc = dyn_plan_add_mirror(con->s, con->m, con->flow.volume, con->flow.disk, (enum dyn_table)table, &p, &err);

	flow_show(con, "Add Mirror", rc, p, &err);
}

static void add_mirror_on(struct console *con, int disk)
{
	con->flow.disk = (size_t)disk;
	if (con->m->disks[disk].table == DYN_TABLE_NONE)
		flow_choose_table(con, (size_t)disk, add_mirror_as);
	else
		add_mirror_as(con, DYN_TABLE_NONE);
}

void run_add_mirror(struct console *con, struct target t)
{
	struct menu *m = menu_new("Add Mirror");
	char title[96], size[24], text[256];
	size_t only = DYN_NONE;

	con->flow = (struct flow){ .volume = t.volume };
	words_volume_title(&con->m->volumes[t.volume], title, sizeof(title));
	dyn_text_size(size, sizeof(size), con->m->volumes[t.volume].size);
	snprintf(text, sizeof(text), "Choose the disk for the second half of %s (%s):", title, size);
	menu_text(m, text);
	flow_add_disks(con, m, can_mirror_on, HALF_HINT, &only);
	menu_show(con, m, add_mirror_on, NULL);
}

/* ---------------------------------------------------------------- remove, break */

static bool can_break(struct console *con, struct target t, bool keep, char *reason, size_t n)
{
	const struct dyn_volume *v = &con->m->volumes[t.volume];

	for (size_t i = 0; i < v->n_plexes; i++) {
		struct dyn_plan *p = NULL;
		struct dyn_err err = { 0 };
		size_t disk = v->plexes[i].n_extents ? v->plexes[i].extents[0].disk : DYN_NONE;

		if (flow_possible(dyn_plan_break(con->s, con->m, t.volume, disk, keep, &p, &err), &p, &err, reason, n))
			return true;
	}
	return false;
}

bool can_remove_mirror(struct console *con, struct target t, char *reason, size_t n)
{
	return flow_need_volume(t, "Remove Mirror", reason, n) && can_break(con, t, false, reason, n);
}

bool can_break_mirror(struct console *con, struct target t, char *reason, size_t n)
{
	return flow_need_volume(t, "Break Mirrored Volume", reason, n) && can_break(con, t, true, reason, n);
}

static void break_on(struct console *con, int disk)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	int rc = dyn_plan_break(con->s, con->m, con->flow.volume, (size_t)disk, con->flow.keep, &p, &err);

	flow_show(con, con->flow.keep ? "Break Mirrored Volume" : "Remove Mirror", rc, p, &err);
}

static void choose_half(struct console *con, struct target t, bool keep)
{
	const struct dyn_volume *v = &con->m->volumes[t.volume];
	struct menu *m = menu_new(keep ? "Break Mirrored Volume" : "Remove Mirror");
	char text[256], title[96];
	size_t lost = DYN_NONE;

	con->flow = (struct flow){ .volume = t.volume, .keep = keep };
	words_volume_title(v, title, sizeof(title));
	if (keep)
		snprintf(text, sizeof(text), "Which half of %s becomes the new, separate volume? The other one keeps the letter.", title);
	else
		snprintf(text, sizeof(text), "Which half of %s is given up? It becomes unallocated space.", title);
	menu_text(m, text);
	for (size_t i = 0; i < v->n_plexes; i++) {
		size_t disk = v->plexes[i].n_extents ? v->plexes[i].extents[0].disk : DYN_NONE;
		char reason[512] = "", name[160];
		struct dyn_plan *p = NULL;
		struct dyn_err err = { 0 };
		bool ok;

		if (disk >= con->m->n_disks)
			continue;
		ok = flow_possible(dyn_plan_break(con->s, con->m, t.volume, disk, keep, &p, &err), &p, &err, reason, sizeof(reason));
		if (ok)
			snprintf(reason, sizeof(reason), keep ? "The half on %s becomes a volume of its own." :
				 "The half on %s is given up.", con->m->disks[disk].name);
		words_disk_title(&con->m->disks[disk], name, sizeof(name));
		menu_add(m, (int)disk, !ok, 0, name, words_plex_status(WORDS_TUI, v->plexes[i].status), reason);
		if (v->plexes[i].status != DYN_PLEX_OK)
			lost = disk;
	}
	if (lost != DYN_NONE)
		menu_select(m, (int)lost);
	menu_show(con, m, break_on, NULL);
}

void run_remove_mirror(struct console *con, struct target t)
{
	choose_half(con, t, false);
}

void run_break_mirror(struct console *con, struct target t)
{
	choose_half(con, t, true);
}

/* ---------------------------------------------------------------- missing disk */

bool can_remove_disk(struct console *con, struct target t, char *reason, size_t n)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };

	if (!flow_need_disk(t, "Remove Disk", reason, n))
		return false;
	return flow_possible(dyn_plan_delete_missing(con->s, con->m, t.disk, &p, &err), &p, &err, reason, n);
}

void run_remove_disk(struct console *con, struct target t)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	int rc = dyn_plan_delete_missing(con->s, con->m, t.disk, &p, &err);

	flow_show(con, "Remove Disk", rc, p, &err);
}

/* ---------------------------------------------------------------- repair */

bool can_repair(struct console *con, struct target t, char *reason, size_t n)
{
	struct repair r;

	(void)t;
	if (repairs(&con->view, &r, 1))
		return true;
	snprintf(reason, n, "No mirror has lost a half, so there is nothing to repair.");
	return false;
}

static bool can_repair_on(struct console *con, size_t disk, char *reason, size_t n)
{
	static const enum dyn_table choice[] = { DYN_TABLE_NONE, DYN_TABLE_GPT, DYN_TABLE_MBR };
	bool uninitialized = con->m->disks[disk].table == DYN_TABLE_NONE;

	for (size_t i = 0; i < (uninitialized ? 3 : 1); i++) {
		struct dyn_plan *p = NULL;
		struct dyn_err err = { 0 };

		if (flow_possible(dyn_plan_repair(con->s, con->m, con->flow.volume, disk, choice[i], con->flow.whole_disk, &p, &err), &p,
			     &err, reason, n))
			return true;
	}
	return false;
}

static void repair_plan(struct console *con);

/* In the plan, `t` takes the other partition table. */
static void repair_other_table(struct console *con)
{
	con->flow.table = con->flow.table == DYN_TABLE_GPT ? DYN_TABLE_MBR : DYN_TABLE_GPT;
	repair_plan(con);
}

static void repair_plan(struct console *con)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	bool choice = con->m->disks[con->flow.disk].table == DYN_TABLE_NONE;
	int rc = dyn_plan_repair(con->s, con->m, con->flow.volume, con->flow.disk, con->flow.table, con->flow.whole_disk, &p, &err);

	if (rc == 0)
		plan_show(con, p, !choice ? NULL : con->flow.table == DYN_TABLE_GPT ? "MBR instead" : "GPT instead",
			  choice ? repair_other_table : NULL);
	else
		error_show(con, "Repair", &err);
}

static void repair_on(struct console *con, int disk)
{
	con->flow.disk = (size_t)disk;
	con->flow.table = con->m->disks[disk].table == DYN_TABLE_NONE ? flow_usual_table(con->m) : DYN_TABLE_NONE;
	repair_plan(con);
}

/* The blank disk among the eligible, else the first eligible one. */
static size_t best_target(struct console *con)
{
	size_t best = DYN_NONE;
	char reason[512];

	for (size_t i = 0; i < con->m->n_disks; i++) {
		const struct dyn_disk *d = &con->m->disks[i];

		if (d->status == DYN_DISK_MISSING || !can_repair_on(con, i, reason, sizeof(reason)))
			continue;
		if (best == DYN_NONE || (d->blank && !con->m->disks[best].blank))
			best = i;
	}
	return best;
}

static void repair_choose_target(struct console *con)
{
	const struct dyn_volume *v = &con->m->volumes[con->flow.volume];
	struct menu *m;
	char text[512], title[96], size[24];
	size_t only = DYN_NONE, n_can, best = best_target(con);

	m = menu_new("Repair");
	words_volume_title(v, title, sizeof(title));
	dyn_text_size(size, sizeof(size), v->size);
	n_can = flow_add_disks(con, m, can_repair_on, HALF_HINT, &only);
	menu_select(m, (int)best);
	if (n_can == 1) { /* no choice, no question: the plan names it */
		menu_discard(m);
		repair_on(con, (int)only);
		return;
	}
	if (n_can == 0)
		snprintf(text, sizeof(text), "None of these disks can take the new half of %s (%s). Connect an empty disk at least "
			 "as large and press R. Enter on a disk says why it cannot be used.", title, size);
	else
		snprintf(text, sizeof(text), "Choose the disk for the new half of %s (%s):", title, size);
	menu_text(m, text);
	menu_show(con, m, repair_on, NULL);
}

/* The disk that the lost half of a volume was on. */
static size_t lost_disk(const struct dyn_model *m, size_t volume)
{
	const struct dyn_volume *v = &m->volumes[volume];

	for (size_t i = 0; i < v->n_plexes; i++) {
		if ((v->plexes[i].status == DYN_PLEX_MISSING || v->plexes[i].status == DYN_PLEX_STALE) && v->plexes[i].n_extents)
			return v->plexes[i].extents[0].disk;
	}
	return DYN_NONE;
}

#define REPAIR_ALL 1000

static void repair_picked(struct console *con, int i)
{
	con->flow.whole_disk = i >= REPAIR_ALL;
	con->flow.volume = con->flow.list[i % REPAIR_ALL];
	repair_choose_target(con);
}

/* Several broken mirrors: all that lost the same disk, or one of them. */
static void repair_choose_volume(struct console *con, const struct repair *r, size_t n)
{
	struct menu *m = menu_new("Repair");
	size_t first_lost = lost_disk(con->m, r[0].index), same = 0;
	char label[160], title[96];

	menu_text(m, "Several mirrors lost a half. Which one shall be repaired?");
	for (size_t i = 0; i < n && i < 64; i++) {
		con->flow.list[i] = r[i].index;
		same += r[i].kind == REPAIR_MIRROR && lost_disk(con->m, r[i].index) == first_lost;
	}
	if (same > 1 && first_lost < con->m->n_disks) {
		snprintf(label, sizeof(label), "All %zu that lost %s", same, con->m->disks[first_lost].name);
		menu_add(m, REPAIR_ALL, false, 0, label, "suggested", "One after the other, onto the same disk.");
	}
	for (size_t i = 0; i < n && i < 64; i++) {
		if (r[i].kind != REPAIR_MIRROR)
			continue;
		words_volume_title(&con->m->volumes[r[i].index], title, sizeof(title));
		menu_add(m, (int)i, false, 0, title, "", "Only this volume; the others stay as they are.");
	}
	menu_show(con, m, repair_picked, NULL);
}

/* ---------------------------------------------------------------- changes that were cut off */

#define INSIST "insist"

static void recover_insisted(struct console *con, const char *text)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	int rc;

	if (strcasecmp(text, INSIST) != 0) {
		console_notice(con, "That was something else. Nothing was done.");
		return;
	}
	rc = dyn_plan_recover_anyway(con->s, con->m, con->flow.group, &p, &err);
	flow_show(con, "Repair", rc, p, &err);
}

static void recover_picked(struct console *con, int insist)
{
	struct lines l = { 0 };

	if (!insist)
		return;
	lines_add(&l, ROLE_DIALOG, 0, "If a missing disk holds the change already, it will be out of date when it returns: what is newer "
		  "on it is lost.");
	lines_add(&l, ROLE_DIALOG, 0, "%s", "");
	lines_add(&l, ROLE_DIALOG_STRONG, 0, "To go on without it, type " INSIST ":");
	input_show_lines(con, "Roll back without the missing disk", &l, "", recover_insisted);
}

/* Which way is the engine's word; where a missing disk may know better, people are asked twice. */
static void recover_group(struct console *con, size_t group)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	int rc = dyn_plan_recover(con->s, con->m, group, &p, &err);
	struct menu *m;
	char text[480];

	if (rc != -ENODEV) {
		flow_show(con, "Repair", rc, p, &err);
		return;
	}
	con->flow.group = group;
	m = menu_new("A change was cut off");
	snprintf(text, sizeof(text), "%c%s.", toupper((unsigned char)err.what[0]), err.what + (err.what[0] ? 1 : 0));
	menu_text(m, text);
	menu_add(m, 0, false, 0, "Connect what is missing first", "R rescans", "The safe way: then the disks tell what became of it.");
	menu_add(m, 1, false, 0, "Roll back without it...", "recover override", "For a disk that will not come back.");
	menu_show(con, m, recover_picked, NULL);
}

void run_repair(struct console *con, struct target t)
{
	struct repair r[64];
	size_t n = repairs(&con->view, r, 64), mirrors = 0;
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };

	(void)t;
	con->flow = (struct flow){ 0 };
	if (n == 0)
		return;
	if (r[0].kind == REPAIR_RECOVER) {
		recover_group(con, r[0].index);
		return;
	}
	if (r[0].kind == REPAIR_RESUME) {
		int rc = dyn_plan_resume(con->s, con->m, r[0].index, &p, &err);

		flow_show(con, "Resume", rc, p, &err);
		return;
	}
	for (size_t i = 0; i < n; i++)
		mirrors += r[i].kind == REPAIR_MIRROR;
	if (mirrors > 1) {
		repair_choose_volume(con, r, n);
		return;
	}
	con->flow.volume = r[0].index;
	repair_choose_target(con);
}
