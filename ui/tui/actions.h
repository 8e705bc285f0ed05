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
	ACT_ADD_MIRROR,
	ACT_REMOVE_MIRROR,
	ACT_BREAK_MIRROR,
	ACT_REMOVE_DISK,
	ACT_JOB_PAUSE,
	ACT_JOB_LIMIT,
	ACT_JOB_CANCEL,
	ACT_RESCAN,
	ACT_PROMPT,
	ACT_PROPERTIES,
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
	ACT_CONTEXT,
	ACT_SWITCH_PANE,
	ACT_MENU,
	ACTIONS
};

/* Where an action is offered. */
enum action_where {
	IN_ACTION = 1,       /* menu bar */
	IN_VIEW = 2,
	IN_VIEW_TOP = 4,
	IN_VIEW_BOTTOM = 8,
	IN_HELP = 16,
	ON_DISK = 32,        /* context menus */
	ON_MISSING_DISK = 64,
	ON_VOLUME = 128,
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
/* Runs it, or says in the bottom line why not. */
void action_run(struct console *con, const struct action *a);
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

/* ---------------------------------------------------------------- rebuilds.c: running rebuilds, log, leaving */
bool can_pause(struct console *con, struct target t, char *reason, size_t n);
bool can_limit(struct console *con, struct target t, char *reason, size_t n);
bool can_cancel(struct console *con, struct target t, char *reason, size_t n);
void run_pause(struct console *con, struct target t);
void run_limit(struct console *con, struct target t);
void run_cancel(struct console *con, struct target t);
void run_log(struct console *con, struct target t);
void run_quit(struct console *con, struct target t);

#endif
