/* SPDX-License-Identifier: GPL-3.0-or-later */
/* status.c - the one-line verdict and the tables for people. */
#include <errno.h>
#include <libsmartcols.h>
#include <string.h>

#include "ui/report/findings.h"
#include "ui/words.h"

struct verdict {
	enum report_health level;
	size_t n;        /* findings of that level */
	char first[512];
};

/* How bad a level is: REPORT_ERROR has the highest number but says the least about the data. */
static int severity(enum report_health h)
{
	switch (h) {
	case REPORT_FAILED:
		return 3;
	case REPORT_DEGRADED:
		return 2;
	case REPORT_ERROR:
		return 1;
	case REPORT_HEALTHY:
		break;
	}
	return 0;
}

static void judge(void *arg, enum report_health level, const char *sentence)
{
	struct verdict *v = arg;

	if (severity(level) < severity(v->level))
		return;
	if (level != v->level) {
		v->level = level;
		v->n = 0;
		snprintf(v->first, sizeof(v->first), "%s", sentence);
	}
	v->n++;
}

enum report_health report_health(const struct dyn_model *m, char *line, size_t n)
{
	static const char *const word[] = {
		[REPORT_HEALTHY] = "OK", [REPORT_DEGRADED] = "DEGRADED", [REPORT_FAILED] = "FAILED", [REPORT_ERROR] = "ERROR",
	};
	struct verdict v = { .level = REPORT_HEALTHY };

	findings_walk(m, judge, &v);
	if (v.level == REPORT_HEALTHY)
		snprintf(line, n, "OK: %zu disk%s, %zu volume%s, all healthy", m->n_disks, m->n_disks == 1 ? "" : "s",
			 m->n_volumes, m->n_volumes == 1 ? "" : "s");
	else if (v.n > 1)
		snprintf(line, n, "%s: %s (and %zu more)", word[v.level], v.first, v.n - 1);
	else
		snprintf(line, n, "%s: %s", word[v.level], v.first);
	return v.level;
}

struct column {
	const char *name;
	int flags;
};

static int new_table(const struct column *columns, size_t n, FILE *out, struct libscols_table **table)
{
	*table = scols_new_table();
	if (!*table)
		return -ENOMEM;
	scols_table_set_stream(*table, out);
	scols_table_set_column_separator(*table, "  ");
	for (size_t i = 0; i < n; i++)
		if (!scols_table_new_column(*table, columns[i].name, 0, columns[i].flags))
			return -ENOMEM;
	return 0;
}

static int add_row(struct libscols_table *table, const char *const *cells, size_t n)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	int r = line ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = scols_line_set_data(line, i, cells[i]);
	return r;
}

static int print_disks(const struct dyn_model *m, FILE *out)
{
	static const struct column columns[] = {
		{ "DISK", 0 },  { "STATUS", 0 },
		{ "TYPE", 0 },  { "TABLE", 0 },
		{ "SIZE", SCOLS_FL_RIGHT }, { "FREE", SCOLS_FL_RIGHT },
		{ "MODEL", 0 }, { "SERIAL", 0 },
		{ "PATH", 0 },
	};
	const size_t n = sizeof(columns) / sizeof(columns[0]);
	struct libscols_table *table = NULL;
	int r = new_table(columns, n, out, &table);

	for (size_t i = 0; r == 0 && i < m->n_disks; i++) {
		const struct dyn_disk *d = &m->disks[i];
		bool missing = d->status == DYN_DISK_MISSING;
		char size[24], free_size[24], path[1024];

		dyn_text_format(path, sizeof(path), "%s", *d->path ? d->path : "-");
		dyn_text_size(size, sizeof(size), d->size);
		dyn_text_size(free_size, sizeof(free_size), d->free);
		r = add_row(table,
			    (const char *[]){ d->name, words_disk_status(WORDS_TUI, d->status),
					      words_disk_type(WORDS_TUI, d->dynamic),
					      missing || d->table == DYN_TABLE_NONE ? "-" : words_table(WORDS_TUI, d->table),
					      size, missing ? "-" : free_size, *d->model ? d->model : "-",
					      *d->serial ? d->serial : "-", path },
			    n);
	}
	if (r == 0)
		r = scols_print_table(table);
	scols_unref_table(table);
	return r;
}

/* Whether name is one of the ", "-separated items of list. */
static bool is_listed(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = strstr(list, name); at; at = strstr(at + n, name))
		if ((at == list || at[-1] == ' ') && (at[n] == '\0' || at[n] == ','))
			return true;
	return false;
}

/* "Disk 0, Disk M0": every disk of a volume once, in plex order. */
static void volume_disks(const struct dyn_model *m, const struct dyn_volume *v, char *dst, size_t n)
{
	size_t len = 0;

	dst[0] = '\0';
	for (size_t p = 0; p < v->n_plexes; p++)
		for (size_t e = 0; e < v->plexes[p].n_extents; e++) {
			size_t disk = v->plexes[p].extents[e].disk;
			const char *name = disk < m->n_disks ? m->disks[disk].name : "?";
			int k;

			if (is_listed(dst, name) || len + strlen(name) + 3 > n)
				continue;
			k = snprintf(dst + len, n - len, "%s%s", len ? ", " : "", name);
			len += k > 0 ? (size_t)k : 0;
		}
}

static int print_volumes(const struct dyn_model *m, FILE *out)
{
	static const struct column columns[] = {
		{ "VOLUME", 0 }, { "LAYOUT", 0 }, { "FS", 0 }, { "SIZE", SCOLS_FL_RIGHT }, { "STATUS", 0 }, { "DISKS", 0 },
	};
	const size_t n = sizeof(columns) / sizeof(columns[0]);
	struct libscols_table *table = NULL;
	int r = new_table(columns, n, out, &table);

	for (size_t i = 0; r == 0 && i < m->n_volumes; i++) {
		const struct dyn_volume *v = &m->volumes[i];
		char title[160], size[24], status[64], disks[256];

		words_volume_title(v, title, sizeof(title));
		dyn_text_size(size, sizeof(size), v->size);
		findings_volume_status(m, v, status, sizeof(status));
		volume_disks(m, v, disks, sizeof(disks));
		r = add_row(table,
			    (const char *[]){ title, words_layout(WORDS_TUI, v->layout), *v->fs ? v->fs : "-", size, status,
					      disks },
			    n);
	}
	if (r == 0)
		r = scols_print_table(table);
	scols_unref_table(table);
	return r;
}

struct list {
	FILE *out;
	size_t n;
};

static void print_finding(void *arg, enum report_health level, const char *sentence)
{
	struct list *l = arg;

	(void)level;
	fprintf(l->out, "%s%s.\n", l->n++ ? "" : "\n", sentence);
}

int report_text(const struct dyn_model *m, FILE *out)
{
	struct list list = { .out = out };
	int r = 0;

	if (m->n_disks)
		r = print_disks(m, out);
	if (r == 0 && m->n_volumes) {
		fputc('\n', out);
		r = print_volumes(m, out);
	}
	if (r < 0)
		return r;
	findings_walk(m, print_finding, &list);
	if (list.n == 0)
		fprintf(out, "\n%s\n", m->n_volumes ? "All volumes are healthy." : "There are no volumes.");
	return fflush(out) == 0 && !ferror(out) ? 0 : -EIO;
}
