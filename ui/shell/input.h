/* SPDX-License-Identifier: GPL-3.0-or-later */
/* input.h - where commands come from: a terminal with line editing, history and completion, or any file descriptor. */
#ifndef UI_SHELL_INPUT_H
#define UI_SHELL_INPUT_H

#include <stdbool.h>
#include <stddef.h>

struct input;

enum input_result {
	INPUT_LINE,
	INPUT_END,
	INPUT_INTERRUPTED, /* SIGINT; the line so far is dropped */
	INPUT_TERMINATED,  /* SIGTERM */
	INPUT_TOO_LONG,    /* the line did not fit, or held a NUL byte; it was skipped */
	INPUT_ERROR        /* reading failed, or the text is UTF-16; errno says which (EILSEQ) */
};

/* fd is kept open by the caller. tty: edit lines on the terminal. sigfd: a signalfd of SIGINT and SIGTERM. NULL: no memory. */
struct input *input_new(int fd, bool tty, int sigfd);
void input_free(struct input *in);

/* One line without its end (LF or CR LF). The prompt is shown on a terminal only; `remember` puts the line into the history. */
enum input_result input_line(struct input *in, const char *prompt, bool remember, char *dst, size_t n);

#endif
