/* SPDX-License-Identifier: GPL-3.0-or-later */
/* json.c - a small JSON writer. */
#include <errno.h>
#include <inttypes.h>

#include "ui/report/json.h"

void json_begin(struct json *j, FILE *out)
{
	*j = (struct json){ .out = out, .empty = true };
}

int json_end(struct json *j)
{
	fputc('\n', j->out);
	return fflush(j->out) == 0 && !ferror(j->out) ? 0 : -EIO;
}

/* Length of the valid UTF-8 sequence at s, or 0. The shortest-form, surrogate and range rules of RFC 3629. */
static size_t utf8_length(const unsigned char *s)
{
	size_t n;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		n = 2;
	else if ((s[0] & 0xf0) == 0xe0)
		n = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		n = 4;
	else
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80) /* also stops at the terminator */
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

static void put_string(FILE *out, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	fputc('"', out);
	while (*s) {
		size_t n = utf8_length(s);

		if (n == 0) {
			fputs("\\ufffd", out);
			n = 1;
		} else if (*s == '"' || *s == '\\') {
			fprintf(out, "\\%c", *s);
		} else if (*s < 0x20 || *s == 0x7f) {
			fprintf(out, "\\u%04x", *s);
		} else {
			fwrite(s, 1, n, out);
		}
		s += n;
	}
	fputc('"', out);
}

static void new_line(struct json *j)
{
	fputc('\n', j->out);
	for (unsigned i = 0; i < j->depth; i++)
		fputs("  ", j->out);
}

static void begin_value(struct json *j, const char *key)
{
	if (!j->empty)
		fputc(',', j->out);
	if (j->depth)
		new_line(j);
	j->empty = false;
	if (key) {
		put_string(j->out, key);
		fputs(": ", j->out);
	}
}

void json_open(struct json *j, const char *key, char bracket)
{
	begin_value(j, key);
	fputc(bracket, j->out);
	j->depth++;
	j->empty = true;
}

void json_close(struct json *j, char bracket)
{
	j->depth--;
	if (!j->empty)
		new_line(j);
	fputc(bracket, j->out);
	j->empty = false;
}

void json_text(struct json *j, const char *key, const char *text)
{
	begin_value(j, key);
	put_string(j->out, text);
}

void json_text_or_null(struct json *j, const char *key, const char *text)
{
	if (text && *text)
		json_text(j, key, text);
	else
		json_null(j, key);
}

void json_number(struct json *j, const char *key, uint64_t n)
{
	begin_value(j, key);
	fprintf(j->out, "%" PRIu64, n);
}

void json_bool(struct json *j, const char *key, bool yes)
{
	begin_value(j, key);
	fputs(yes ? "true" : "false", j->out);
}

void json_null(struct json *j, const char *key)
{
	begin_value(j, key);
	fputs("null", j->out);
}
