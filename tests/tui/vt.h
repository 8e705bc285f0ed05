/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vt.h - a program on a terminal that exists only in memory: what it draws can be read cell by cell, keys can be typed,
 * the window resized, the line cut. Nothing here sleeps: waiting means reading until the screen says so, or a deadline.
 */
#ifndef TESTS_TUI_VT_H
#define TESTS_TUI_VT_H

#include <stdbool.h>
#include <stddef.h>

struct vt;

/* Starts argv (argv[0] is a path) on rows x cols with the environment as it is. NULL on failure. */
struct vt *vt_start(int rows, int cols, char *const argv[]);
/* Ends the program (SIGKILL if it still runs) and frees everything. */
void vt_free(struct vt *vt);
/* Output that Ctrl-S has stopped goes on. Ctrl-Q does it as well, but not behind a full queue of keys: nobody reads them, as
 * the program waits for its output. */
void vt_let_go(struct vt *vt);
/* Types n bytes; lets the output go where nothing else helps. */
void vt_type(struct vt *vt, const char *bytes, size_t n);
/* Reads what the program draws until want(vt, arg), at most ms. */
bool vt_until(struct vt *vt, bool (*want)(struct vt *vt, const void *arg), const void *arg, int ms);
/* The text is (or, shown false, is not) on the screen. */
bool vt_wait(struct vt *vt, const char *text, bool shown, int ms);
/* Reads until the program has drawn nothing for ms. */
void vt_settle(struct vt *vt, int ms);
void vt_resize(struct vt *vt, int rows, int cols);
/* From now on what the program draws is read and dropped: libvterm 0.1.4 itself does not survive all that may be echoed. */
void vt_look_away(struct vt *vt);
/* Cuts the line: the program's terminal is gone. */
void vt_hang_up(struct vt *vt);
/* The program's end: its exit code, 128 + signal, or -1 when it still runs after ms. */
int vt_exit(struct vt *vt, int ms);
/* Process id of the program. */
long vt_pid(const struct vt *vt);
/* CPU time it has used, in milliseconds. */
long vt_cpu_ms(const struct vt *vt);
/* The screen as UTF-8 lines, trailing blanks trimmed. Freed by the caller. */
char *vt_screen(const struct vt *vt);
/* One letter for each cell's look: the background colour's letter, or the foreground's where there is no background;
 * capital when bold, "#" in reverse video, "_" underlined, " " plain. Freed by the caller. */
char *vt_looks(const struct vt *vt);
void vt_cursor(const struct vt *vt, int *row, int *col);
/* Bytes the program has sent so far. */
size_t vt_bytes(const struct vt *vt);
/* Whether the terminal's modes (echo, line editing) are what they were before the program started. */
bool vt_sane(const struct vt *vt);

#endif
