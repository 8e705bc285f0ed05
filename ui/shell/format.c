/* SPDX-License-Identifier: GPL-3.0-or-later */
/* format.c - DiskPart's tables. The column widths reproduce its printed output cell by cell; scripts read them. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wchar.h>

#include "ui/shell/internal.h"
#include "ui/words.h"

/* The character at s (valid UTF-8, not empty) and its length in bytes. */
static wchar_t decode(const char *s, size_t *n)
{
	const unsigned char *b = (const unsigned char *)s;
	uint32_t c;

	*n = b[0] < 0x80 ? 1 : b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
	c = *n == 1 ? b[0] : b[0] & (0x7fu >> *n);
	for (size_t i = 1; i < *n; i++) {
		if ((b[i] & 0xc0) != 0x80) { /* not UTF-8 after all: never run past the end */
			*n = i;
			break;
		}
		c = c << 6 | (b[i] & 0x3f);
	}
	return (wchar_t)c;
}

void shell_fit(char *dst, size_t n, const char *text, unsigned columns)
{
	unsigned used = 0;
	size_t len = 0, k;

	while (*text) {
		int w = wcwidth(decode(text, &k));
		unsigned width = w < 0 ? 1 : (unsigned)w; /* a locale that does not know it: it is written as one '?' */

		if (used + width > columns || len + k + 1 > n)
			break;
		memcpy(dst + len, text, k);
		len += k;
		text += k;
		used += width;
	}
	while (used < columns && len + 1 < n) {
		dst[len++] = ' ';
		used++;
	}
	dst[len] = '\0';
}

/* Prints the line without the blanks at its end. */
static void put_line(FILE *out, char *line)
{
	size_t n = strlen(line);

	while (n && line[n - 1] == ' ')
		n--;
	fprintf(out, "%.*s\n", (int)n, line);
}

void shell_disk_header(FILE *out)
{
	fputs("  Disk ###  Status         Size     Free     Dyn  Gpt\n"
	      "  --------  -------------  -------  -------  ---  ---\n",
	      out);
}

void shell_disk_row(FILE *out, const struct dyn_disk *d, bool focus, bool recorded_size)
{
	bool missing = d->status == DYN_DISK_MISSING;
	char name[64], status[64], size[24], free_size[24], line[256];

	shell_fit(name, sizeof(name), d->name, 8);
	shell_fit(status, sizeof(status), words_disk_status(WORDS_SHELL, d->status), 13);
	dyn_text_size(size, sizeof(size), missing && !recorded_size ? 0 : d->size);
	dyn_text_size(free_size, sizeof(free_size), missing ? 0 : d->free);
	snprintf(line, sizeof(line), "%c %s  %s  %7s  %7s  %-3s  %-3s", focus ? '*' : ' ', name, status, size, free_size,
		 d->dynamic ? " *" : "", d->table == DYN_TABLE_GPT && !missing ? " *" : "");
	put_line(out, line);
}

void shell_volume_header(FILE *out)
{
	fputs("  Volume ###  Ltr  Label        Fs     Type        Size     Status     Info\n"
	      "  ----------  ---  -----------  -----  ----------  -------  ---------  --------\n",
	      out);
}

void shell_volume_row(FILE *out, const struct dyn_volume *v, char drive, bool focus)
{
	char number[32], letter[4] = "", name[64], label[64], fs[32], type[64], size[24], status[64], info[64], line[512];

	snprintf(number, sizeof(number), "Volume %u", v->number);
	shell_fit(name, sizeof(name), number, 10);
	if (drive)
		snprintf(letter, sizeof(letter), " %c", drive);
	shell_fit(label, sizeof(label), v->label, 11);
	shell_fit(fs, sizeof(fs), v->fs, 5);
	shell_fit(type, sizeof(type), words_layout(WORDS_SHELL, v->layout), 10);
	dyn_text_size(size, sizeof(size), v->size);
	shell_fit(status, sizeof(status), words_volume_status(WORDS_SHELL, v->status), 9);
	shell_fit(info, sizeof(info), v->info, 8);
	snprintf(line, sizeof(line), "%c %s  %-3s  %s  %s  %s  %7s  %s  %s", focus ? '*' : ' ', name, letter, label, fs, type,
		 size, status, info);
	put_line(out, line);
}

void shell_partition_header(FILE *out)
{
	fputs("  Partition ###  Type              Size     Offset\n"
	      "  -------------  ----------------  -------  -------\n",
	      out);
}

void shell_partition_row(FILE *out, const struct dyn_partition *p, bool focus)
{
	char number[32], name[64], type[64], size[24], offset[24], line[256];

	snprintf(number, sizeof(number), "Partition %u", p->number);
	shell_fit(name, sizeof(name), number, 13);
	shell_fit(type, sizeof(type), p->type_word, 16);
	dyn_text_size(size, sizeof(size), p->size);
	dyn_text_size(offset, sizeof(offset), p->offset);
	snprintf(line, sizeof(line), "%c %s  %s  %7s  %7s", focus ? '*' : ' ', name, type, size, offset);
	put_line(out, line);
}

void shell_disk_id(const char *id, char *dst, size_t n)
{
	bool guid = strlen(id) > 8 && *id != '{';

	snprintf(dst, n, "Disk ID: %s%.64s%s", guid ? "{" : "", *id ? id : "none", guid ? "}" : "");
}

bool shell_is_hidden(enum dyn_table table, const struct dyn_partition *p)
{
	static const char *const hidden_types[] = { "11", "14", "16", "17", "1b", "1c", "1e", "27" };

	if (table == DYN_TABLE_GPT) /* by attribute, or by a type that is not for the user's data */
		return (p->attributes & (uint64_t)1 << 62) ||
		       (strcmp(p->type_word, "Primary") && strcmp(p->type_word, "Dynamic Data"));
	for (size_t i = 0; i < sizeof(hidden_types) / sizeof(hidden_types[0]); i++)
		if (!strcasecmp(p->type_id, hidden_types[i]))
			return true;
	return false;
}

void shell_wrap(FILE *out, unsigned indent, const char *text)
{
	const unsigned columns = 79;
	unsigned column = 0;

	while (*(text += strspn(text, " "))) {
		size_t n = strcspn(text, " ");

		if (column && column + 1 + n > columns) {
			putc('\n', out);
			column = 0;
		}
		if (column == 0)
			column = (unsigned)fprintf(out, "%*s", (int)indent, "");
		else
			column += (unsigned)fprintf(out, " ");
		column += (unsigned)fprintf(out, "%.*s", (int)n, text);
		text += n;
	}
	putc('\n', out);
}

static ssize_t ascii_write(void *cookie, const char *buf, size_t n)
{
	FILE *to = cookie;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)buf[i];

		if (c < 0x80)
			putc(c, to);
		else if (c >= 0xc0) /* a character's first byte stands for all of it */
			putc('?', to);
	}
	return fflush(to) == 0 ? (ssize_t)n : 0;
}

FILE *shell_ascii_stream(FILE *to)
{
	FILE *f = fopencookie(to, "w", (cookie_io_functions_t){ .write = ascii_write });

	if (f)
		setvbuf(f, NULL, _IOLBF, 0);
	return f;
}
