/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tui.h - the full-screen console: one call. */
#ifndef UI_TUI_TUI_H
#define UI_TUI_TUI_H

#include "dynadisk.h"

struct console;

/* What main() gives the session as progress and progress_arg, so that the console can show how far a format is and stop
 * it; the same hook goes into tui_options. */
struct tui_hook {
	struct console *con; /* the running console, NULL: none */
};
int tui_progress(void *hook, const struct dyn_step *step, uint64_t done, uint64_t total);

struct tui_options {
	bool ascii;            /* + - | # instead of line drawing */
	bool no_color;
	bool no_mouse;
	bool read_only;        /* plans are shown but cannot be applied; said in the title */
	const char *host_name; /* for the title; NULL: the machine's */
	struct tui_hook *hook; /* may be NULL */
};

/*
 * Runs the console on the controlling terminal (stdin and stdout) until the user leaves or the terminal goes away.
 * Owns curses while it runs; the terminal is as it was when it returns. Where the terminal is lost, or the user leaves
 * a rebuild running, it waits for the rebuilds (in a process of its own in the second case) before it ends.
 * Returns the exit code: 0, or 1 after one line on stderr when the terminal cannot show it (no tty, TERM=dumb) or the
 * disks could not be read.
 */
int tui_run(struct dyn_session *s, const struct tui_options *opt);

#endif
