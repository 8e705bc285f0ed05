/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * console.h - the console's own state: a stack of screens over the main one, a single input loop that feeds the top.
 * A screen never waits for anything itself; it is told of keys and draws itself on the canvas.
 */
#ifndef UI_TUI_CONSOLE_H
#define UI_TUI_CONSOLE_H

#include <stdatomic.h>

#include "ui/tui/canvas.h"
#include "ui/tui/keys.h"
#include "ui/tui/layout.h"
#include "ui/tui/tui.h"
#include "ui/tui/util.h"
#include "ui/tui/view.h"

struct console;
struct screen;

struct screen_ops {
	void (*draw)(struct console *con, struct screen *s, struct canvas *c);
	void (*key)(struct console *con, struct screen *s, int key);
	void (*mouse)(struct console *con, struct screen *s, const struct mouse *m); /* NULL: ignored */
	void (*free)(struct screen *s);
};

struct screen {
	const struct screen_ops *ops;
};

/* What a chain of dialogs has gathered so far. Only one chain runs at a time. */
struct flow {
	size_t volume, disk, group;
	enum dyn_table table;
	bool keep, whole_disk;
	size_t list[64]; /* what the rows of the open chooser stand for */
	struct target target;     /* what the chain began on */
	size_t part;              /* index into the disk's partitions[] */
	enum dyn_part_kind kind;
	uint64_t most;            /* bytes that the size being asked for may have */
	uint64_t size;            /* bytes chosen, 0: all there is */
	size_t other_disk;
	size_t fs;                /* file system chosen for a format */
	uint32_t unit;            /* its cluster size in bytes, 0: the default */
	char label[256];
	void (*after)(struct console *con); /* called once the plan was carried out and the disks were read again */
	size_t n_known;
	uint64_t known[256];      /* the volumes there were before, see flow_new_volume() */
};

/* Something for the engine's thread. */
struct work {
	void (*run)(void *arg);                         /* there: calls of the engine, nothing of the console's */
	void (*done)(struct console *con, void *arg);   /* afterwards, on the console's thread */
	void *arg;
	char what[160];         /* "Reading the disks" */
	bool writes;            /* leaving waits for it */
	bool progress;          /* it reports by console_busy(), and Esc stops it */
};

struct scan_work {
	struct dyn_model *m;
	struct dyn_err err;
	int rc;
	void (*then)(struct console *con, void *arg);
	void *arg;
};

enum leave { LEAVE_NOT, LEAVE_QUIT, LEAVE_RUNNING };

#define CONSOLE_SCREENS 12

struct freespace;

struct console {
	struct dyn_session *s;
	struct dyn_model *m;
	struct view view;
	struct canvas canvas;
	struct layout layout;
	struct screen *stack[CONSOLE_SCREENS];
	int depth;
	struct flow flow;
	struct freespace *free; /* the background count of free bytes */
	bool want_rescan;       /* as soon as no dialog is open */
	bool esc_pending;       /* Esc was pressed on the main screen: a digit makes it a function key */
	bool want_prompt;       /* the DiskPart prompt was asked for */
	bool dirty;             /* the screen needs painting */
	bool repaint;           /* all of it (Ctrl-L) */
	struct engine *engine;  /* makes the calls that may take long */
	int wake_fd;            /* an eventfd: it has done something, or free space was counted */
	bool working;           /* ... and is at it: who else would call the engine must wait */
	struct work work;
	atomic_uint percent;    /* how far the work is, + 1; 0 unknown. Set on its thread */
	atomic_bool stop;       /* the work shall end early */
	struct scan_work scan;
	int pending;            /* the action (id + 1) that was asked for while the disks were being read, 0 none */
	enum leave leave;
	unsigned seen_end[64]; /* ids of jobs whose end was told */
	size_t n_seen;
	bool ask;              /* time to ask other processes about the rebuilds they run */
	const struct dyn_model *learned; /* the model at the last gathering of rebuilds; only compared */
	bool reached;          /* the process that runs a rebuild elsewhere has answered */
	char find[64];         /* the last search */
	char bottom[640];      /* what the top screen wants said in the bottom lines; "" for nothing */
};

/* ---------------------------------------------------------------- the stack (loop.c) */
void console_push(struct console *con, struct screen *s);
/* Closes the top screen. */
void console_pop(struct console *con);
void console_pop_all(struct console *con);
/* A sentence for the bottom line until the next key. */
void console_notice(struct console *con, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Reads the disks again; then (may be NULL) is called once that is done, well or not (con->scan.rc). Nothing else is under way. */
void console_rescan(struct console *con, void (*then)(struct console *con, void *arg), void *arg);
/* Gives the screen to the DiskPart prompt until EXIT. */
void console_prompt(struct console *con);
/* Shows everything at once, before something that takes a moment. */
void console_show(struct console *con);
/*
 * Gives the engine's thread something to do (work.c). What takes a moment only is done when this returns, w->done included;
 * otherwise the console goes on, with its keys, and w->done is called when it is.
 */
void console_work(struct console *con, const struct work *w);
/* Calls what comes after the work once it has ended. True when it did. */
bool console_work_ended(struct console *con);
/* What is being done, for the bottom line. */
void console_work_sentence(struct console *con, char *dst, size_t n);
/* On the engine's thread: how far it is, as often as one likes; nonzero: the user wants it to stop. */
int console_busy(struct console *con, uint64_t done, uint64_t total);
/* Paints the main screen and all dialogs on the canvas of this size. */
void console_paint(struct console *con, int rows, int cols);
void console_key(struct console *con, int key);
void console_mouse(struct console *con, const struct mouse *m);
/* Gathers the running and the found rebuilds; tells of those that ended. True when something to see changed. */
bool console_update_jobs(struct console *con);

/* ---------------------------------------------------------------- dialogs (dialogs.c) */
struct menu;
typedef void (*menu_pick)(struct console *con, int id);

/* A list to choose from: context menu, menu of the menu bar, or a chooser with a text above it. */
struct menu *menu_new(const char *title);
/* At this place instead of the middle. bar: it is this item of the menu bar, so Left and Right go to its neighbours. */
void menu_place(struct menu *m, int y, int x, int bar);
/* Text above the items. */
void menu_text(struct menu *m, const char *text);
/* label and right are copied; hint is its consequence, or the reason when disabled. key: picks it at once, 0 none. */
void menu_add(struct menu *m, int id, bool disabled, int key, const char *label, const char *right, const char *hint);
void menu_select(struct menu *m, int id);
/* Frees one that is not shown after all. */
void menu_discard(struct menu *m);
/* Shows it; on a choice it is closed first, then pick is called. cancelled: called on Esc, NULL for nothing. */
void menu_show(struct console *con, struct menu *m, menu_pick pick, void (*cancelled)(struct console *con));

/* Text to read. The lines are taken over. */
void text_show(struct console *con, const char *title, struct lines *l);
/* A refusal or an error: what, and the way out. */
void error_show(struct console *con, const char *title, const struct dyn_err *err);
void message_show(struct console *con, const char *title, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* A line of text. done is called with it after the dialog closed; an empty one closes it without, unless it may be. */
typedef void (*input_done)(struct console *con, const char *text);
void input_show(struct console *con, const char *title, const char *text, const char *initial, input_done done);
/* The same with paragraphs, which are taken over, painted above the field. */
void input_show_lines(struct console *con, const char *title, struct lines *l, const char *initial, input_done done);
/* The input line that was just shown may be left empty. */
void input_may_be_empty(struct console *con);

/* Window of the wanted inner size, centred, inside the screen and above the bottom lines. */
struct rect dialog_rect(const struct canvas *c, int h, int w);
/* Scroll marks in the right frame. */
void dialog_scroll_marks(struct canvas *c, const struct rect *r, int first, int shown, int total);
/* Moves a scroll position by a key; false when the key does not scroll. */
bool dialog_scroll_key(int key, int *scroll, int shown, int total);

/* ---------------------------------------------------------------- plans (planview.c) */
/*
 * Shows a plan and, when the user goes on and confirms, applies it. Takes the plan over and forgets con->flow.after, which
 * a caller who wants to go on sets then. `other` (may be NULL) is offered
 * as another way to make it (key t), described by `other_words`.
 */
void plan_show(struct console *con, struct dyn_plan *p, const char *other_words, void (*other)(struct console *con));

/* ---------------------------------------------------------------- texts (help.c, properties.c) */
void help_text(const struct console *con, struct lines *l);
void properties_text(const struct console *con, struct target t, struct lines *l);

/* ---------------------------------------------------------------- free space (freespace.c) */
/* Begins to count in the background; old (may be NULL) is given up, its known numbers are shown until new ones come. */
struct freespace *freespace_start(struct dyn_model *m, struct freespace *old, int wake_fd);
/* Copies what is known into out[n_volumes] of the model it was started with. True when something new came. */
bool freespace_take(struct freespace *f);
const uint64_t *freespace_bytes(const struct freespace *f);
void freespace_stop(struct freespace *f);

#endif
