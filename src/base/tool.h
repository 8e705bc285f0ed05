/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tool.h - running the makers of file systems: no shell, no terminal, no locale of chance. */
#ifndef DYN_BASE_TOOL_H
#define DYN_BASE_TOOL_H

#include <stdbool.h>
#include <stddef.h>

struct dyn_err;

/* The full path of a program in the folders of PATH and the sbin folders; false: it is not installed. */
bool tool_find(const char *name, char *dst, size_t size);

/* How the program finds the file it is to work on. */
#define TOOL_FILE "/proc/self/fd/3"

/*
 * Runs argv[0], which is looked for in the folders of PATH and in the sbin folders, with `fd` open as TOOL_FILE, and
 * waits for it. It reads nothing and says nothing: its output becomes the error's text, cleaned. 0, or -ENOENT naming
 * the program and `package` when it is not installed, or -EIO when it fails. A signal to the whole terminal ends it, too.
 */
int tool_run(const char *const argv[], const char *package, int fd, struct dyn_err *err);

#endif
