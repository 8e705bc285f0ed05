/* SPDX-License-Identifier: GPL-3.0-or-later */
/* actions.c - the table of actions and what is made from it: key dispatch and menus. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "ui/tui/actions.h"
#include "ui/tui/paint.h"
#include "ui/words.h"

static void rescanned(struct console *con, void *arg)
{
	(void)arg;
	if (con->scan.rc == 0)
		console_notice(con, "The disks were read again.");
}

static void run_rescan(struct console *con, struct target t)
{
	(void)t;
	console_rescan(con, rescanned, NULL);
}

static void target_title(const struct console *con, struct target t, char *dst, size_t n)
{
	if (t.kind == TARGET_VOLUME)
		words_volume_title(&con->m->volumes[t.volume], dst, n);
	else if (t.kind == TARGET_SPACE)
		snprintf(dst, n, "%s on %s", words_region(WORDS_TUI, con->m->disks[t.disk].regions[t.region].kind),
			 con->m->disks[t.disk].name);
	else
		snprintf(dst, n, "%s", con->m->disks[t.disk].name);
}

static void run_properties(struct console *con, struct target t)
{
	struct lines l = { 0 };
	char title[128];

	target_title(con, t, title, sizeof(title));
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
	{ ACT_REPAIR, { 'r' }, IN_ACTION | ON_MIRROR | ON_MISSING_DISK, "Repair...",
	  "Repair: makes a broken mirror whole again on another disk. Shows every step first.", can_repair, run_repair },
	{ ACT_INITIALIZE, { 'I' }, IN_ACTION | ON_BLANK_DISK, "Initialize Disk...",
	  "Initialize: writes an empty partition table (MBR or GPT) on a disk without partitions.", can_initialize,
	  run_initialize },
	{ ACT_UPGRADE, { 'u' }, IN_ACTION | ON_BLANK_DISK | ON_BASIC_DISK, "Upgrade to Dynamic Disk...",
	  "Convert to dynamic: the disk joins the disk group; its partitions become simple volumes, its data stays.", can_upgrade,
	  run_upgrade },
	{ ACT_TO_BASIC, { 0 }, ON_DYNAMIC_DISK, "Convert to Basic Disk",
	  "Convert to basic: the disk leaves the group; simple volumes on it become partitions, their data stays.", can_to_basic,
	  run_to_basic },
	{ ACT_REACTIVATE, { 0 }, ON_DYNAMIC_DISK | ON_ODD_DISK, "Reactivate Disk",
	  "Reactivate: a disk that was away gets the group's database; its halves of mirrors are rebuilt.", can_reactivate,
	  run_reactivate },
	{ ACT_IMPORT, { 0 }, ON_ONE_OF_GROUPS, "Import Foreign Disks...",
	  "Import: the disks of this group join another one, with their volumes.", can_import, run_import },
	{ ACT_TO_GPT, { 0 }, ON_MBR_DISK, "Convert to GPT Disk", "Convert to GPT: the empty disk gets a GUID partition table.",
	  can_convert_gpt, run_convert_gpt },
	{ ACT_TO_MBR, { 0 }, ON_GPT_DISK, "Convert to MBR Disk", "Convert to MBR: the empty disk gets a Master Boot Record.",
	  can_convert_mbr, run_convert_mbr },
	{ ACT_NEW_SIMPLE, { 'n' }, ON_ANY_SPACE, "New Simple Volume...",
	  "New Simple Volume: a volume without a second copy; size and letter are asked for.", can_new_simple, run_new_simple },
	{ ACT_NEW_MIRROR, { 0 }, ON_DYNAMIC_SPACE, "New Mirrored Volume...",
	  "New Mirrored Volume: the same data on two disks from the beginning.", can_new_mirror, run_new_mirror },
	{ ACT_NEW_PARTITION, { 0 }, ON_SPACE | ON_FREE, "New Partition...",
	  "New Partition: EFI system, Microsoft reserved, primary, extended or logical.", can_new_partition, run_new_partition },
	{ ACT_DELETE_EXTENDED, { 0 }, ON_FREE, "Delete Extended Partition...",
	  "Delete Extended Partition: once it holds no logical drives, its space becomes unallocated.", can_delete_extended,
	  run_delete_extended },
	{ ACT_ADD_MIRROR, { 'a' }, IN_ACTION | ON_SIMPLE | ON_PART, "Add Mirror...",
	  "Add Mirror: copies the volume to another disk, verifies it, and then makes both a mirror.", can_add_mirror,
	  run_add_mirror },
	{ ACT_REMOVE_MIRROR, { 'd', K_DELETE }, IN_ACTION | ON_MIRROR, "Remove Mirror...",
	  "Remove Mirror: that half becomes unallocated space; the other half keeps the data.", can_remove_mirror,
	  run_remove_mirror },
	{ ACT_BREAK_MIRROR, { 'b' }, IN_ACTION | ON_MIRROR, "Break Mirrored Volume...",
	  "Break Mirrored Volume: both halves stay, as two separate volumes.", can_break_mirror, run_break_mirror },
	{ ACT_VERIFY, { 'v' }, ON_MIRROR, "Verify Mirror",
	  "Verify Mirror: reads both halves and compares them. Nothing is written.", can_verify, run_verify },
	{ ACT_MARK_ACTIVE, { 0 }, ON_MBR_PART, "Mark Partition as Active",
	  "Mark as Active: a BIOS machine starts from it; no other partition of the disk is active then.", can_mark_active,
	  run_mark_active },
	{ ACT_CHANGE_TYPE, { 0 }, ON_PART, "Change Type...",
	  "Change Type: the data stays; only what Windows takes the partition for changes (DiskPart: set id).", can_change_type,
	  run_change_type },
	{ ACT_RETAIN, { 0 }, ON_SIMPLE | ON_MIRROR, "Retain",
	  "Retain: gives the volume an entry of its own in the partition table, so that a machine can start from it.", can_retain,
	  run_retain },
	{ ACT_LETTER, { 0 }, ON_VOLUME, "Change Drive Letter...",
	  "Change Drive Letter: the letter that the database asks Windows to give a dynamic volume.", can_letter, run_letter },
	{ ACT_FORMAT, { 'f' }, ON_VOLUME, "Format...",
	  "Format: ERASES the volume's data and makes an empty file system in it. Shows the plan first.", can_format, run_format },
	{ ACT_DELETE_VOLUME, { 0 }, ON_VOLUME, "Delete Volume...",
	  "Delete Volume: all its data is lost, its space becomes unallocated. Shows the plan first.", can_delete_volume,
	  run_delete_volume },
	{ ACT_REMOVE_DISK, { 'D' }, IN_ACTION | ON_MISSING_DISK, "Remove Disk...",
	  "Remove Disk: takes a missing disk out of the group's database (DiskPart: delete disk).", can_remove_disk,
	  run_remove_disk },
	{ ACT_CLONE_TO, { 0 }, ON_BASIC_DISK | ON_DYNAMIC_DISK, "Clone Layout To...",
	  "Clone Layout: an empty disk gets the same partitions as this one, files not included.", can_clone_layout_to,
	  run_clone_layout_to },
	{ ACT_CLONE_FROM, { 0 }, ON_BLANK_DISK, "Clone Layout From...",
	  "Clone Layout: this empty disk gets the same partitions as another one, files not included.", can_clone_layout_from,
	  run_clone_layout_from },
	{ ACT_PARTITIONS, { 0 }, ON_BASIC_DISK | ON_DYNAMIC_DISK, "Partitions...",
	  "All entries of the partition table, hidden ones too: type, attributes, active, delete.", can_partitions, run_partitions },
	{ ACT_DISK_ID, { 0 }, ON_BASIC_DISK | ON_DYNAMIC_DISK, "Change Disk ID...",
	  "Change Disk ID: a new MBR signature or GPT identifier (DiskPart: uniqueid).", can_unique_id, run_unique_id },
	{ ACT_MEND, { 0 }, ON_BASIC_DISK | ON_DYNAMIC_DISK | ON_ODD_DISK, "Repair Damaged Copies...",
	  "Repair Damaged Copies: partition table, LDM headers and database are written anew from their good copies.", can_mend,
	  run_mend },
	{ ACT_CLEAN, { 0 }, ON_LIVE_DISK, "Clean...",
	  "Clean: ERASES the disk: its partitions and volumes are forgotten, or every byte is overwritten.", can_clean, run_clean },
	{ ACT_OFFLINE, { 0 }, ON_BLANK_DISK | ON_BASIC_DISK | ON_DYNAMIC_DISK, "Offline",
	  "Offline: until Online or the end, the disk is not read, and missing from its group. Nothing is written.", can_offline,
	  run_offline },
	{ ACT_ONLINE, { 0 }, ON_ODD_DISK, "Online", "Online: a disk that was taken off line is read again.", can_online, run_online },
	{ ACT_JOB_PAUSE, { 'p' }, IN_ACTION | ON_REBUILD, "Pause or Resume Rebuild",
	  "Pause or resume the rebuild; it goes on where it stopped.", can_pause, run_pause },
	{ ACT_JOB_LIMIT, { 'l' }, IN_ACTION, "Limit Rebuild...", "Limits how many MB/s a rebuild copies.", can_limit, run_limit },
	{ ACT_JOB_CANCEL, { 'c' }, IN_ACTION | ON_REBUILD, "Cancel Rebuild...",
	  "Cancel: gives the rebuild up; the volume stays a healthy simple volume.", can_cancel, run_cancel },
	{ ACT_CONTEXT, { K_ENTER }, IN_ACTION, "All Tasks...", "Everything that can be done with what is selected.", has_target,
	  run_context },
	{ ACT_RESCAN, { 'R', KEY_CONTROL('r'), K_F1 + 4 }, IN_ACTION, "Rescan Disks", "Reads all disks again.", NULL, run_rescan },
	{ ACT_PROMPT, { ':' }, IN_ACTION, "DiskPart Prompt", "Type DiskPart commands; EXIT comes back here.", can_prompt, run_prompt },
	{ ACT_PROPERTIES, { 'i', 'x' }, IN_ACTION | ON_LIVE_DISK | ON_MISSING_DISK | ON_VOLUME | ON_ANY_SPACE, "Properties",
	  "Everything known about it: model, serial, path, sizes, identifiers, damage found.", has_target, run_properties },
	{ ACT_UNDO, { 'U' }, IN_ACTION, "Undo...", "Shows the plan that takes the last change back.", can_undo, run_undo },
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

/* Whether it leaves the engine alone, and so works while the disks are being read or written. */
static bool is_calm(const struct action *a)
{
	return (a->where & (IN_VIEW | IN_VIEW_TOP | IN_VIEW_BOTTOM | IN_HELP)) || a->id == ACT_PROPERTIES || a->id == ACT_QUIT ||
	       a->id == ACT_SWITCH_PANE || a->id == ACT_MENU;
}

static bool is_enabled(struct console *con, const struct action *a, struct target t, char *reason, size_t n)
{
	if (con->working && !is_calm(a)) {
		snprintf(reason, n, "%s: this works again when that is done.", con->work.what);
		return false;
	}
	return !a->enabled || a->enabled(con, t, reason, n);
}

void action_run(struct console *con, const struct action *a)
{
	struct target t = view_target(&con->view);
	char reason[sizeof(con->view.notice)] = "";

	if (con->working && !is_calm(a) && !con->work.writes && !con->work.progress) {
		con->pending = (int)a->id + 1;
		console_notice(con, "%s ... Then follows: %s", con->work.what, a->label);
		return;
	}
	if (!is_enabled(con, a, t, reason, sizeof(reason)))
		console_notice(con, "%s", reason);
	else
		a->run(con, t);
}

void actions_follow(struct console *con)
{
	int id = con->pending - 1;

	if (con->working)
		return;
	con->pending = 0;
	if (id < 0 || id >= ACTIONS || con->depth)
		return;
	con->view.notice[0] = '\0';
	action_run(con, &actions[id]);
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
		disabled = !is_enabled(con, a, t, reason, sizeof(reason));
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

static unsigned disk_context(const struct console *con, const struct dyn_disk *d)
{
	unsigned groups = d->group < con->m->n_groups && con->m->n_groups > 1 ? ON_ONE_OF_GROUPS : 0;

	switch (d->status) {
	case DYN_DISK_MISSING:
		return ON_MISSING_DISK;
	case DYN_DISK_OFFLINE:
	case DYN_DISK_FOREIGN:
	case DYN_DISK_UNREADABLE:
		return ON_ODD_DISK | groups;
	default:
		break;
	}
	if (d->dynamic)
		return ON_DYNAMIC_DISK | groups;
	return d->table == DYN_TABLE_MBR ? ON_MBR_DISK : d->table == DYN_TABLE_GPT ? ON_GPT_DISK : ON_BLANK_DISK;
}

static unsigned volume_context(const struct console *con, struct target t)
{
	const struct dyn_volume *v = &con->m->volumes[t.volume];
	unsigned rebuild = view_volume_job(&con->view, t.volume) ? ON_REBUILD : 0;

	switch (v->layout) {
	case DYN_LAYOUT_PARTITION:
		return t.disk < con->m->n_disks && con->m->disks[t.disk].table == DYN_TABLE_MBR ? ON_MBR_PART : ON_GPT_PART;
	case DYN_LAYOUT_SIMPLE:
		return ON_SIMPLE | rebuild;
	case DYN_LAYOUT_MIRROR:
		return ON_MIRROR | rebuild;
	default:
		return ON_PIECES;
	}
}

unsigned action_context(const struct console *con, struct target t)
{
	switch (t.kind) {
	case TARGET_DISK:
		return disk_context(con, &con->m->disks[t.disk]);
	case TARGET_VOLUME:
		return volume_context(con, t);
	case TARGET_SPACE:
		if (con->m->disks[t.disk].regions[t.region].kind == DYN_REGION_FREE)
			return ON_FREE;
		return con->m->disks[t.disk].dynamic ? ON_DYNAMIC_SPACE : ON_SPACE;
	case TARGET_NOTHING:
		break;
	}
	return 0;
}

void actions_context_menu(struct console *con)
{
	struct target t = view_target(&con->view);
	char title[128];
	struct menu *m;

	if (t.kind == TARGET_NOTHING)
		return;
	if (con->dirty) /* keys may come faster than the screen: the menu opens where the selection is by now */
		console_paint(con, con->canvas.rows, con->canvas.cols);
	target_title(con, t, title, sizeof(title));
	m = menu_new(title);
	add_actions(con, m, action_context(con, t));
	if (con->layout.mode != LAYOUT_TOO_SMALL)
		menu_place(m, con->canvas.cursor_y + 1, con->canvas.cursor_x + 3, -1);
	menu_show(con, m, pick_action, NULL);
}
