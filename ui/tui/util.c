/* SPDX-License-Identifier: GPL-3.0-or-later */
/* util.c - memory that never fails quietly, and paragraphs of text. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/tui/canvas.h"
#include "ui/tui/util.h"

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (p == NULL)
		abort();
	return p;
}

void *xrealloc(void *p, size_t size)
{
	p = realloc(p, size ? size : 1);
	if (p == NULL)
		abort();
	return p;
}

char *xstrdup(const char *s)
{
	char *copy = strdup(s);

	if (copy == NULL)
		abort();
	return copy;
}

static char *xvasprintf(const char *fmt, va_list ap)
{
	char *s;

	if (vasprintf(&s, fmt, ap) < 0)
		abort();
	return s;
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = xvasprintf(fmt, ap);
	va_end(ap);
	return s;
}

void lines_add(struct lines *l, enum role role, int indent, const char *fmt, ...)
{
	va_list ap;

	l->at = xrealloc(l->at, (l->n + 1) * sizeof(*l->at));
	va_start(ap, fmt);
	l->at[l->n++] = (struct paragraph){ role, indent, xvasprintf(fmt, ap) };
	va_end(ap);
}

void lines_free(struct lines *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->at[i].text);
	free(l->at);
	*l = (struct lines){ 0 };
}

int lines_paint(const struct lines *l, struct canvas *c, int y, int x, int w, int h, int skip)
{
	int total = 0;

	for (size_t i = 0; i < l->n; i++) {
		const struct paragraph *p = &l->at[i];
		int past = skip > total ? skip - total : 0;           /* lines of it that scrolled away */
		int top = total > skip ? total - skip : 0;            /* rows above it on the screen */
		int room = h > top ? h - top : 0;

		if (*p->text)
			total += canvas_wrap(c, y + top, x + p->indent, w - p->indent, room, past, p->role, p->text);
		else
			total++;
	}
	return total;
}
