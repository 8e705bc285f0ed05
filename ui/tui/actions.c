/* SPDX-License-Identifier: GPL-3.0-or-later */
/* actions.c - the table of actions and what is made from it: key dispatch and menus. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "ui/tui/actions.h"
#include "ui/tui/paint.h"
#include "ui/words.h"

static void run_rescan(struct console *con, struct target t)
{
	(void)t;
	console_rescan(con);
	console_notice(con, "The disks were read again.");
}

static void run_properties(struct console *con, struct target t)
{
	struct lines l = { 0 };
	char title[128] = "Properties";

	if (t.kind == TARGET_VOLUME)
		words_volume_title(&con->m->volumes[t.volume], title, sizeof(title));
	else if (t.kind == TARGET_DISK)
		snprintf(title, sizeof(title), "%s", con->m->disks[t.disk].name);
	properties_text(con, t, &l);
	text_show(con, title, &l);
}

static bool has_target(struct console *con, struct target t, char *reason, size_t n)
{
	(void)con;
	if (t.kind != TARGET_NOTHING)
		return true;
	snprintf(reason, n, "Nothing is selected.");
	return false;
}

static void run_help(struct console *con, struct target t)
{
	struct lines l = { 0 };

	(void)t;
	help_text(con, &l);
	text_show(con, "Help", &l);
}

static void run_about(struct console *con, struct target t)
{
	(void)t;
	message_show(con, "About", "dynadisk %s: shows and repairs Windows dynamic disks. Nothing is written before you have seen "
				   "the plan and agreed to it.", dyn_version());
}

static void run_context(struct console *con, struct target t)
{
	(void)t;
	actions_context_menu(con);
}

static void run_switch_pane(struct console *con, struct target t)
{
	(void)t;
	view_switch_pane(&con->view);
}

static void run_menu(struct console *con, struct target t)
{
	(void)t;
	actions_menu_bar(con, 0);
}

static void run_redraw(struct console *con, struct target t)
{
	(void)t;
	con->repaint = true;
}

static void find_done(struct console *con, const char *text)
{
	snprintf(con->find, sizeof(con->find), "%s", text);
	if (!view_find(&con->view, text))
		console_notice(con, "No volume and no disk is called \"%s\".", text);
}

static void run_find(struct console *con, struct target t)
{
	(void)t;
	input_show(con, "Find", "A part of a volume's label, or of a disk's name, model, serial or path:", con->find, find_done);
}

static bool can_prompt(struct console *con, struct target t, char *reason, size_t n)
{
	(void)t;
	for (size_t i = 0; i < con->view.n_jobs; i++) {
		if (con->view.jobs[i].found == DYN_NONE) {
			snprintf(reason, n, "Not while a rebuild runs: leaving the prompt would wait for it.");
			return false;
		}
	}
	return true;
}

static void run_prompt(struct console *con, struct target t)
{
	(void)t;
	con->want_prompt = true;
}

static void run_view_menu(struct console *con, unsigned where, const char *title);

static void run_view_top(struct console *con, struct target t)
{
	(void)t;
	run_view_menu(con, IN_VIEW_TOP, "Top");
}

static void run_view_bottom(struct console *con, struct target t)
{
	(void)t;
	run_view_menu(con, IN_VIEW_BOTTOM, "Bottom");
}

#define PANE_ACTION(name, which, kind)                             \
	static void name(struct console *con, struct target t)     \
	{                                                          \
		(void)t;                                           \
		view_set_pane(&con->view, which, kind);            \
	}
PANE_ACTION(run_top_volumes, 0, PANE_VOLUMES)
PANE_ACTION(run_top_disks, 0, PANE_DISKS)
PANE_ACTION(run_top_graph, 0, PANE_GRAPH)
PANE_ACTION(run_bottom_volumes, 1, PANE_VOLUMES)
PANE_ACTION(run_bottom_disks, 1, PANE_DISKS)
PANE_ACTION(run_bottom_graph, 1, PANE_GRAPH)
PANE_ACTION(run_bottom_hidden, 1, PANE_HIDDEN)

const struct action actions[ACTIONS] = {
	{ ACT_REPAIR, { 'r' }, IN_ACTION | ON_VOLUME | ON_MISSING_DISK, "Repair...",
	  "Repair: makes a broken mirror whole again on another disk. Shows every step first.", can_repair, run_repair },
	{ ACT_INITIALIZE, { 'I' }, IN_ACTION | ON_DISK, "Initialize Disk...",
	  "Initialize: writes an empty partition table (MBR or GPT) on a disk without partitions.", can_initialize,
	  run_initialize },
	{ ACT_UPGRADE, { 'u' }, IN_ACTION | ON_DISK, "Upgrade to Dynamic Disk...",
	  "Upgrade: the empty disk joins the disk group, so that it can hold mirrors.", can_upgrade, run_upgrade },
	{ ACT_ADD_MIRROR, { 'a' }, IN_ACTION | ON_VOLUME, "Add Mirror...",
	  "Add Mirror: copies the volume to another disk, verifies it, and then makes both a mirror.", can_add_mirror,
	  run_add_mirror },
	{ ACT_REMOVE_MIRROR, { 'd', K_DELETE }, IN_ACTION | ON_VOLUME, "Remove Mirror...",
	  "Remove Mirror: that half becomes unallocated space; the other half keeps the data.", can_remove_mirror,
	  run_remove_mirror },
	{ ACT_BREAK_MIRROR, { 'b' }, IN_ACTION | ON_VOLUME, "Break Mirrored Volume...",
	  "Break Mirrored Volume: both halves stay, as two separate volumes.", can_break_mirror, run_break_mirror },
	{ ACT_REMOVE_DISK, { 'D' }, IN_ACTION | ON_MISSING_DISK, "Remove Disk...",
	  "Remove Disk: takes a missing disk out of the group's database (DiskPart: delete disk).", can_remove_disk,
	  run_remove_disk },
	{ ACT_JOB_PAUSE, { 'p' }, IN_ACTION | ON_VOLUME, "Pause or Resume Rebuild",
	  "Pause or resume the rebuild; it goes on where it stopped.", can_pause, run_pause },
	{ ACT_JOB_LIMIT, { 'l' }, IN_ACTION, "Limit Rebuild...", "Limits how many MB/s a rebuild copies.", can_limit, run_limit },
	{ ACT_JOB_CANCEL, { 'c' }, IN_ACTION | ON_VOLUME, "Cancel Rebuild...",
	  "Cancel: gives the rebuild up; the volume stays a healthy simple volume.", can_cancel, run_cancel },
	{ ACT_RESCAN, { 'R', KEY_CONTROL('r'), K_F1 + 4 }, IN_ACTION, "Rescan Disks", "Reads all disks again.", NULL, run_rescan },
	{ ACT_PROMPT, { ':' }, IN_ACTION, "DiskPart Prompt", "Type DiskPart commands; EXIT comes back here.", can_prompt, run_prompt },
	{ ACT_PROPERTIES, { 'i', 'x' }, IN_ACTION | ON_DISK | ON_MISSING_DISK | ON_VOLUME, "Properties",
	  "Everything known about it: model, serial, path, sizes, identifiers, damage found.", has_target, run_properties },
	{ ACT_LOG, { 'L' }, IN_ACTION, "Log and Undo...", "What was done, when, and the way to undo it.", NULL, run_log },
	{ ACT_QUIT, { 'q', K_F10, KEY_CONTROL('c') }, IN_ACTION, "Exit", "Leaves; asks first when a rebuild is running.", NULL,
	  run_quit },
	{ ACT_VIEW_TOP, { 0 }, IN_VIEW, "Top...", "What the top pane shows.", NULL, run_view_top },
	{ ACT_VIEW_BOTTOM, { 0 }, IN_VIEW, "Bottom...", "What the bottom pane shows.", NULL, run_view_bottom },
	{ ACT_TOP_VOLUMES, { 0 }, IN_VIEW_TOP, "Volume List", "Volumes in the top pane.", NULL, run_top_volumes },
	{ ACT_TOP_DISKS, { 0 }, IN_VIEW_TOP, "Disk List", "Disks in the top pane.", NULL, run_top_disks },
	{ ACT_TOP_GRAPH, { 0 }, IN_VIEW_TOP, "Graphical View", "Disks as pictures in the top pane.", NULL, run_top_graph },
	{ ACT_BOTTOM_VOLUMES, { 0 }, IN_VIEW_BOTTOM, "Volume List", "Volumes in the bottom pane.", NULL, run_bottom_volumes },
	{ ACT_BOTTOM_DISKS, { 0 }, IN_VIEW_BOTTOM, "Disk List", "Disks in the bottom pane.", NULL, run_bottom_disks },
	{ ACT_BOTTOM_GRAPH, { 0 }, IN_VIEW_BOTTOM, "Graphical View", "Disks as pictures in the bottom pane.", NULL, run_bottom_graph },
	{ ACT_BOTTOM_HIDDEN, { 0 }, IN_VIEW_BOTTOM, "Hidden", "The top pane alone.", NULL, run_bottom_hidden },
	{ ACT_FIND, { '/' }, IN_VIEW, "Find...", "Jumps to a volume or disk by a part of its name.", NULL, run_find },
	{ ACT_REDRAW, { KEY_CONTROL('l') }, IN_VIEW, "Redraw", "Paints the whole screen again.", NULL, run_redraw },
	{ ACT_HELP, { '?', K_F1 }, IN_HELP, "Help", "What the selected thing's status means, and all keys.", NULL, run_help },
	{ ACT_ABOUT, { 0 }, IN_HELP, "About dynadisk", "The version.", NULL, run_about },
	{ ACT_CONTEXT, { K_ENTER }, 0, "Menu of the selected thing", "What can be done with it.", has_target, run_context },
	{ ACT_SWITCH_PANE, { K_TAB, K_BACK_TAB }, 0, "Other pane", "The keys go to the other pane.", NULL, run_switch_pane },
	{ ACT_MENU, { 'm', K_F1 + 8 }, 0, "Menu bar", "Action, View and Help.", NULL, run_menu },
};

const struct action *action_of_key(int key)
{
	for (int i = 0; i < ACTIONS; i++) {
		for (int k = 0; k < ACTION_KEYS && actions[i].keys[k]; k++) {
			if (actions[i].keys[k] == key)
				return &actions[i];
		}
	}
	return NULL;
}

void action_run(struct console *con, const struct action *a)
{
	struct target t = view_target(&con->view);
	char reason[sizeof(con->view.notice)] = "";

	if (a->enabled && !a->enabled(con, t, reason, sizeof(reason)))
		console_notice(con, "%s", reason);
	else
		a->run(con, t);
}

/* ---------------------------------------------------------------- menus */

static void pick_action(struct console *con, int id)
{
	if (id >= 0 && id < ACTIONS)
		action_run(con, &actions[id]);
}

static void add_actions(struct console *con, struct menu *m, unsigned where)
{
	struct target t = view_target(&con->view);

	for (int i = 0; i < ACTIONS; i++) {
		const struct action *a = &actions[i];
		char reason[sizeof(con->view.notice)] = "", key[16] = "";
		bool disabled;

		if (!(a->where & where))
			continue;
		disabled = a->enabled && !a->enabled(con, t, reason, sizeof(reason));
		if (a->keys[0])
			key_label(a->keys[0], key, sizeof(key));
		/* a greyed item's key only moves there; Enter on it explains */
		menu_add(m, (int)a->id, disabled, a->keys[0] != K_ENTER ? a->keys[0] : 0, a->label, key, disabled ? reason : a->help);
	}
}

static void run_view_menu(struct console *con, unsigned where, const char *title)
{
	static const enum action_id id[2][4] = {
		{ ACT_TOP_VOLUMES, ACT_TOP_DISKS, ACT_TOP_GRAPH, ACT_TOP_GRAPH },
		{ ACT_BOTTOM_VOLUMES, ACT_BOTTOM_DISKS, ACT_BOTTOM_GRAPH, ACT_BOTTOM_HIDDEN },
	};
	int which = where == IN_VIEW_BOTTOM;
	struct menu *m = menu_new(title);

	add_actions(con, m, where);
	menu_place(m, 2, menu_bar_column(1) + 8, -1);
	menu_select(m, (int)id[which][con->view.pane[which]]);
	menu_show(con, m, pick_action, NULL);
}

void actions_menu_bar(struct console *con, int i)
{
	static const unsigned where[MENU_BAR_ITEMS] = { IN_ACTION, IN_VIEW, IN_HELP };
	struct menu *m = menu_new("");

	add_actions(con, m, where[i]);
	menu_place(m, 1, menu_bar_column(i) - 1, i);
	menu_show(con, m, pick_action, NULL);
}

void actions_context_menu(struct console *con)
{
	struct target t = view_target(&con->view);
	char title[128];
	unsigned where = ON_DISK;
	struct menu *m;

	if (t.kind == TARGET_NOTHING)
		return;
	if (t.kind == TARGET_VOLUME) {
		where = ON_VOLUME;
		words_volume_title(&con->m->volumes[t.volume], title, sizeof(title));
	} else {
		if (con->m->disks[t.disk].status == DYN_DISK_MISSING)
			where = ON_MISSING_DISK;
		snprintf(title, sizeof(title), "%s", con->m->disks[t.disk].name);
	}
	m = menu_new(title);
	add_actions(con, m, where);
	if (con->layout.mode != LAYOUT_TOO_SMALL)
		menu_place(m, con->canvas.cursor_y + 1, con->canvas.cursor_x + 3, -1);
	menu_show(con, m, pick_action, NULL);
}
