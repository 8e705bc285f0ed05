/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * actions.h - everything the console can do, in one table: menus, key dispatch, greying, the consequences shown in the
 * bottom line and the help screen are all read from it.
 */
#ifndef UI_TUI_ACTIONS_H
#define UI_TUI_ACTIONS_H

#include "ui/tui/console.h"

enum action_id {
	ACT_REPAIR,
	ACT_INITIALIZE,
	ACT_UPGRADE,
	ACT_TO_BASIC,
	ACT_REACTIVATE,
	ACT_IMPORT,
	ACT_TO_GPT,
	ACT_TO_MBR,
	ACT_NEW_SIMPLE,
	ACT_NEW_MIRROR,
	ACT_NEW_PARTITION,
	ACT_DELETE_EXTENDED,
	ACT_ADD_MIRROR,
	ACT_REMOVE_MIRROR,
	ACT_BREAK_MIRROR,
	ACT_VERIFY,
	ACT_MARK_ACTIVE,
	ACT_CHANGE_TYPE,
	ACT_RETAIN,
	ACT_LETTER,
	ACT_FORMAT,
	ACT_DELETE_VOLUME,
	ACT_REMOVE_DISK,
	ACT_CLONE_TO,
	ACT_CLONE_FROM,
	ACT_PARTITIONS,
	ACT_DISK_ID,
	ACT_MEND,
	ACT_CLEAN,
	ACT_OFFLINE,
	ACT_ONLINE,
	ACT_JOB_PAUSE,
	ACT_JOB_LIMIT,
	ACT_JOB_CANCEL,
	ACT_CONTEXT,
	ACT_RESCAN,
	ACT_PROMPT,
	ACT_PROPERTIES,
	ACT_UNDO,
	ACT_LOG,
	ACT_QUIT,
	ACT_VIEW_TOP,
	ACT_VIEW_BOTTOM,
	ACT_TOP_VOLUMES,
	ACT_TOP_DISKS,
	ACT_TOP_GRAPH,
	ACT_BOTTOM_VOLUMES,
	ACT_BOTTOM_DISKS,
	ACT_BOTTOM_GRAPH,
	ACT_BOTTOM_HIDDEN,
	ACT_FIND,
	ACT_REDRAW,
	ACT_HELP,
	ACT_ABOUT,
	ACT_SWITCH_PANE,
	ACT_MENU,
	ACTIONS
};

/* Where an action is offered: menus of the menu bar, and what its target is. What can never apply to a target of that
 * kind is not in its menu; what does not apply now is greyed. */
enum action_where {
	IN_ACTION = 1 << 0,
	IN_VIEW = 1 << 1,
	IN_VIEW_TOP = 1 << 2,
	IN_VIEW_BOTTOM = 1 << 3,
	IN_HELP = 1 << 4,
	ON_BLANK_DISK = 1 << 5,     /* without a partition table */
	ON_MBR_DISK = 1 << 6,       /* basic */
	ON_GPT_DISK = 1 << 7,
	ON_DYNAMIC_DISK = 1 << 8,
	ON_ODD_DISK = 1 << 9,       /* foreign, unreadable, offline */
	ON_MISSING_DISK = 1 << 10,
	ON_ONE_OF_GROUPS = 1 << 11, /* dynamic, and there are several groups */
	ON_SPACE = 1 << 12,         /* unallocated, of a basic disk */
	ON_DYNAMIC_SPACE = 1 << 13,
	ON_FREE = 1 << 14,          /* free, in an extended partition */
	ON_MBR_PART = 1 << 15,
	ON_GPT_PART = 1 << 16,
	ON_SIMPLE = 1 << 17,
	ON_MIRROR = 1 << 18,
	ON_PIECES = 1 << 19,        /* spanned, striped, RAID-5 */
	ON_REBUILD = 1 << 20,       /* a volume that is being mirrored */
	ON_BASIC_DISK = ON_MBR_DISK | ON_GPT_DISK,
	ON_LIVE_DISK = ON_BLANK_DISK | ON_BASIC_DISK | ON_DYNAMIC_DISK | ON_ODD_DISK,
	ON_ANY_SPACE = ON_SPACE | ON_DYNAMIC_SPACE | ON_FREE,
	ON_PART = ON_MBR_PART | ON_GPT_PART,
	ON_VOLUME = ON_PART | ON_SIMPLE | ON_MIRROR | ON_PIECES,
};

#define ACTION_KEYS 4

struct action {
	enum action_id id;
	int keys[ACTION_KEYS];  /* the first is the one that menus and help name */
	unsigned where;
	const char *label;      /* as Windows calls it */
	const char *help;       /* one line: the consequence */
	/* false and a reason when it does not apply; NULL: always applies */
	bool (*enabled)(struct console *con, struct target t, char *reason, size_t n);
	void (*run)(struct console *con, struct target t);
};

extern const struct action actions[ACTIONS];

/* The action of a key on the main screen, or NULL. */
const struct action *action_of_key(int key);
/* What a target is, as bits of enum action_where; 0 for nothing. */
unsigned action_context(const struct console *con, struct target t);
/* Runs it, or says in the bottom line why not. */
void action_run(struct console *con, const struct action *a);
/* Runs the action that was asked for while the disks were being read, if there is one. */
void actions_follow(struct console *con);
/* The context menu of what is selected. */
void actions_context_menu(struct console *con);
/* Opens item i of the menu bar. */
void actions_menu_bar(struct console *con, int i);

/* ---------------------------------------------------------------- flows.c: dialogs up to a plan */
bool can_repair(struct console *con, struct target t, char *reason, size_t n);
bool can_initialize(struct console *con, struct target t, char *reason, size_t n);
bool can_upgrade(struct console *con, struct target t, char *reason, size_t n);
bool can_add_mirror(struct console *con, struct target t, char *reason, size_t n);
bool can_remove_mirror(struct console *con, struct target t, char *reason, size_t n);
bool can_break_mirror(struct console *con, struct target t, char *reason, size_t n);
bool can_remove_disk(struct console *con, struct target t, char *reason, size_t n);
void run_repair(struct console *con, struct target t);
void run_initialize(struct console *con, struct target t);
void run_upgrade(struct console *con, struct target t);
void run_add_mirror(struct console *con, struct target t);
void run_remove_mirror(struct console *con, struct target t);
void run_break_mirror(struct console *con, struct target t);
void run_remove_disk(struct console *con, struct target t);

/* ---------------------------------------------------------------- flows_disk.c: disks as a whole */
bool can_convert_gpt(struct console *con, struct target t, char *reason, size_t n);
bool can_convert_mbr(struct console *con, struct target t, char *reason, size_t n);
bool can_to_basic(struct console *con, struct target t, char *reason, size_t n);
bool can_reactivate(struct console *con, struct target t, char *reason, size_t n);
bool can_mend(struct console *con, struct target t, char *reason, size_t n);
bool can_import(struct console *con, struct target t, char *reason, size_t n);
bool can_clean(struct console *con, struct target t, char *reason, size_t n);
bool can_clone_layout_to(struct console *con, struct target t, char *reason, size_t n);
bool can_clone_layout_from(struct console *con, struct target t, char *reason, size_t n);
bool can_offline(struct console *con, struct target t, char *reason, size_t n);
bool can_online(struct console *con, struct target t, char *reason, size_t n);
bool can_unique_id(struct console *con, struct target t, char *reason, size_t n);
void run_convert_gpt(struct console *con, struct target t);
void run_convert_mbr(struct console *con, struct target t);
void run_to_basic(struct console *con, struct target t);
void run_reactivate(struct console *con, struct target t);
void run_mend(struct console *con, struct target t);
void run_import(struct console *con, struct target t);
void run_clean(struct console *con, struct target t);
void run_clone_layout_to(struct console *con, struct target t);
void run_clone_layout_from(struct console *con, struct target t);
void run_offline(struct console *con, struct target t);
void run_online(struct console *con, struct target t);
void run_unique_id(struct console *con, struct target t);

/* ---------------------------------------------------------------- flows_part.c: partitions */
bool can_new_partition(struct console *con, struct target t, char *reason, size_t n);
bool can_new_data_partition(struct console *con, struct target t, char *reason, size_t n);
bool can_delete_extended(struct console *con, struct target t, char *reason, size_t n);
bool can_mark_active(struct console *con, struct target t, char *reason, size_t n);
bool can_change_type(struct console *con, struct target t, char *reason, size_t n);
bool can_partitions(struct console *con, struct target t, char *reason, size_t n);
void run_new_partition(struct console *con, struct target t);
void run_new_data_partition(struct console *con, struct target t);
void run_delete_extended(struct console *con, struct target t);
void run_mark_active(struct console *con, struct target t);
void run_change_type(struct console *con, struct target t);
void run_partitions(struct console *con, struct target t);

/* ---------------------------------------------------------------- flows_volume.c: volumes */
bool can_new_simple(struct console *con, struct target t, char *reason, size_t n);
bool can_new_mirror(struct console *con, struct target t, char *reason, size_t n);
bool can_delete_volume(struct console *con, struct target t, char *reason, size_t n);
bool can_letter(struct console *con, struct target t, char *reason, size_t n);
bool can_format(struct console *con, struct target t, char *reason, size_t n);
void run_letter(struct console *con, struct target t);
void run_format(struct console *con, struct target t);
bool can_verify(struct console *con, struct target t, char *reason, size_t n);
void run_verify(struct console *con, struct target t);
bool can_retain(struct console *con, struct target t, char *reason, size_t n);
void run_new_simple(struct console *con, struct target t);
void run_new_mirror(struct console *con, struct target t);
void run_delete_volume(struct console *con, struct target t);
void run_retain(struct console *con, struct target t);

/* ---------------------------------------------------------------- rebuilds.c: running rebuilds, log, leaving */
bool can_pause(struct console *con, struct target t, char *reason, size_t n);
bool can_limit(struct console *con, struct target t, char *reason, size_t n);
bool can_cancel(struct console *con, struct target t, char *reason, size_t n);
void run_pause(struct console *con, struct target t);
void run_limit(struct console *con, struct target t);
void run_cancel(struct console *con, struct target t);
bool can_undo(struct console *con, struct target t, char *reason, size_t n);
void run_undo(struct console *con, struct target t);
void run_log(struct console *con, struct target t);
void run_quit(struct console *con, struct target t);

#endif
