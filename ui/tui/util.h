/* SPDX-License-Identifier: GPL-3.0-or-later */
/* util.h - memory that never fails quietly, and paragraphs of text with roles. */
#ifndef UI_TUI_UTIL_H
#define UI_TUI_UTIL_H

#include <stdarg.h>
#include <stddef.h>

#include "ui/tui/roles.h"

/* As calloc, realloc and strdup, but without memory they abort; the crash handler gives the terminal back first. */
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Text as paragraphs: each is wrapped when it is painted, so that a resize only repaints. */
struct paragraph {
	enum role role;
	int indent; /* columns before every line */
	char *text; /* "" is an empty line */
};

struct lines {
	size_t n;
	struct paragraph *at;
};

void lines_add(struct lines *l, enum role role, int indent, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void lines_free(struct lines *l);

struct canvas;
/* Paints lines [skip, skip + h) of the wrapped text; returns how many it has in all. */
int lines_paint(const struct lines *l, struct canvas *c, int y, int x, int w, int h, int skip);

#endif
