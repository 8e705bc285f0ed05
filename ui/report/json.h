/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * json.h - writes one JSON document to a stream: commas, indentation and escapes are its business, the order of calls the
 * caller's. Text must be UTF-8; bytes that are not are written as U+FFFD, so that the output always parses.
 */
#ifndef UI_REPORT_JSON_H
#define UI_REPORT_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *out;
	unsigned depth;
	bool empty; /* nothing written yet in the innermost object or array */
};

void json_begin(struct json *j, FILE *out);
/* Ends the document with a newline. 0, or -EIO when the stream had an error. */
int json_end(struct json *j);
/* key NULL: an element of an array, or the document itself. */
void json_open(struct json *j, const char *key, char bracket);
void json_close(struct json *j, char bracket);
void json_text(struct json *j, const char *key, const char *text);
/* As json_text(), but null where there is no text (NULL or ""). */
void json_text_or_null(struct json *j, const char *key, const char *text);
void json_number(struct json *j, const char *key, uint64_t n);
void json_bool(struct json *j, const char *key, bool yes);
void json_null(struct json *j, const char *key);

#endif
