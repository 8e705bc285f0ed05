/* SPDX-License-Identifier: GPL-3.0-or-later */
/* term.h - the terminal: the only part of the console that knows curses. */
#ifndef UI_TUI_TERM_H
#define UI_TUI_TERM_H

#include <stdbool.h>
#include <stdint.h>

#include "ui/tui/canvas.h"
#include "ui/tui/keys.h"

struct term_options {
	bool ascii, no_color, no_mouse;
};

/* Takes the terminal over. 0, or -1 with a message for people in why[n]. Only one at a time. */
int term_open(const struct term_options *opt, char *why, unsigned n);
/* Gives it back; harmless when it is not open, and in a signal handler that never returns to the program. */
void term_close(void);
void term_size(int *rows, int *cols);
/* Shows the canvas; sends only what changed. all: also what the terminal should already show. */
void term_show(const struct canvas *c, bool all);
/* The next key without waiting, or K_NONE. K_MOUSE fills *m. Esc followed by a digit is that function key. */
int term_key(struct mouse *m);
/* Whether anything can still be read from the terminal (it hung up otherwise). */
bool term_alive(void);
/* Lets the shell's own prompt have the screen, and takes it back. */
void term_suspend(void);
void term_resume(void);

#endif
