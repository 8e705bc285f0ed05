/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shell.h - `dynadisk shell`: DiskPart's language, typed or from a script. */
#ifndef UI_SHELL_SHELL_H
#define UI_SHELL_SHELL_H

#include "dynadisk.h"

struct shell;

/* What main() gives the session as progress and progress_arg, so that FORMAT can show how far it is and be stopped;
 * the same hook goes into shell_options. */
struct shell_hook {
	struct shell *sh; /* the running shell, NULL: none */
};
int shell_progress(void *hook, const struct dyn_step *step, uint64_t done, uint64_t total);

struct shell_options {
	const char *script;    /* file name, "-" for stdin; NULL: stdin, interactive when it is a terminal */
	unsigned delay;        /* seconds to wait before the first command (DiskPart's /t) */
	const char *host_name; /* NULL: the machine's */
	struct shell_hook *hook; /* may be NULL */
};

/*
 * Runs until EXIT, the end of the input or, in a script, the first error; then waits for rebuilds that still run.
 * SIGINT and SIGTERM leave them paused. Replies go to stdout. Returns the exit code, DiskPart's: 0 done, 1 fatal,
 * 3 the script cannot be read, 4 a command failed or a rebuild did not come to its end, 5 syntax or nothing selected.
 */
int shell_run(struct dyn_session *s, const struct shell_options *opt);

#endif
