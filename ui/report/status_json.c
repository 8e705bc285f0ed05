/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * status_json.c - `status --json`, schema 1. Every key is always there; null stands for what is unknown or does not
 * apply. Sizes and offsets are bytes. Keys may be added within a schema number, never removed or changed in meaning.
 */
#include "ui/report/json.h"
#include "ui/report/report.h"
#include "ui/words.h"

static void put_disk(struct json *j, const struct dyn_model *m, const struct dyn_disk *d)
{
	bool missing = d->status == DYN_DISK_MISSING;
	char path[1024];

	dyn_text_format(path, sizeof(path), "%s", d->path);
	json_open(j, NULL, '{');
	json_number(j, "number", d->number);
	json_text(j, "name", d->name);
	json_text_or_null(j, "path", path);
	json_text_or_null(j, "guid", d->guid);
	json_text_or_null(j, "model", d->model);
	json_text_or_null(j, "serial", d->serial);
	json_number(j, "size", d->size);
	json_number(j, "free", d->free);
	json_text(j, "status", words_disk_status(WORDS_JSON, d->status));
	json_text(j, "type", words_disk_type(WORDS_JSON, d->dynamic));
	if (missing)
		json_null(j, "table");
	else
		json_text(j, "table", words_table(WORDS_JSON, d->table));
	json_text_or_null(j, "group", d->group < m->n_groups ? m->groups[d->group].guid : NULL);
	json_close(j, '}');
}

static void put_group(struct json *j, const struct dyn_group *g)
{
	json_open(j, NULL, '{');
	json_text_or_null(j, "guid", g->guid);
	json_text_or_null(j, "name", g->name);
	json_number(j, "transaction", g->transaction);
	json_text_or_null(j, "interrupted", !g->interrupted ? NULL : g->import_cut ? "import" : "change");
	json_close(j, '}');
}

static void put_extent(struct json *j, const struct dyn_model *m, const struct dyn_extent *e)
{
	json_open(j, NULL, '{');
	json_text_or_null(j, "disk", e->disk < m->n_disks ? m->disks[e->disk].name : NULL);
	if (e->disk < m->n_disks && m->disks[e->disk].status == DYN_DISK_MISSING)
		json_null(j, "offset"); /* only the disk itself knows where its data area begins */
	else
		json_number(j, "offset", e->offset);
	json_number(j, "size", e->size);
	json_number(j, "volume_offset", e->volume_offset);
	json_close(j, '}');
}

static void put_plex(struct json *j, const struct dyn_model *m, const struct dyn_plex *p)
{
	json_open(j, NULL, '{');
	json_text_or_null(j, "name", p->name);
	json_text(j, "status", words_plex_status(WORDS_JSON, p->status));
	json_open(j, "extents", '[');
	for (size_t i = 0; i < p->n_extents; i++)
		put_extent(j, m, &p->extents[i]);
	json_close(j, ']');
	json_close(j, '}');
}

static void put_ranges(struct json *j, const struct dyn_range *r, size_t n)
{
	json_open(j, "unread", '[');
	for (size_t i = 0; i < n; i++) {
		json_open(j, NULL, '{');
		json_number(j, "offset", r[i].offset);
		json_number(j, "size", r[i].size);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void put_volume(struct json *j, const struct dyn_model *m, const struct dyn_volume *v)
{
	char letter[2] = { v->letter, '\0' };

	json_open(j, NULL, '{');
	json_number(j, "number", v->number);
	json_text_or_null(j, "name", v->name);
	json_text_or_null(j, "guid", v->guid);
	json_text_or_null(j, "letter", letter);
	json_text_or_null(j, "label", v->label);
	json_text_or_null(j, "fs", v->fs);
	json_text(j, "layout", words_layout(WORDS_JSON, v->layout));
	json_number(j, "size", v->size);
	json_text(j, "status", words_volume_status(WORDS_JSON, v->status));
	json_open(j, "plexes", '[');
	for (size_t i = 0; i < v->n_plexes; i++)
		put_plex(j, m, &v->plexes[i]);
	json_close(j, ']');
	put_ranges(j, v->unread, v->n_unread);
	json_close(j, '}');
}

static void put_job(struct json *j, const struct dyn_model *m, const struct dyn_job *job)
{
	const struct dyn_volume *v = job->volume < m->n_volumes ? &m->volumes[job->volume] : NULL;

	json_open(j, NULL, '{');
	json_text(j, "kind", words_job_kind(WORDS_JSON, job->kind));
	json_text_or_null(j, "volume", v ? v->name : NULL);
	json_number(j, "done", job->done);
	json_number(j, "total", job->total);
	json_number(j, "rate", job->rate);
	json_text(j, "state", words_job_state(WORDS_JSON, job->state));
	json_number(j, "errors", job->errors);
	json_bool(j, "inhibits", job->inhibits);
	put_ranges(j, job->unread, job->n_unread);
	json_close(j, '}');
}

int report_json(const struct dyn_model *m, FILE *out)
{
	struct json j;

	json_begin(&j, out);
	json_open(&j, NULL, '{');
	json_number(&j, "schema", 1);
	json_open(&j, "disks", '[');
	for (size_t i = 0; i < m->n_disks; i++)
		put_disk(&j, m, &m->disks[i]);
	json_close(&j, ']');
	json_open(&j, "groups", '[');
	for (size_t i = 0; i < m->n_groups; i++)
		put_group(&j, &m->groups[i]);
	json_close(&j, ']');
	json_open(&j, "volumes", '[');
	for (size_t i = 0; i < m->n_volumes; i++)
		put_volume(&j, m, &m->volumes[i]);
	json_close(&j, ']');
	json_open(&j, "jobs", '[');
	for (size_t i = 0; i < m->n_jobs; i++)
		put_job(&j, m, &m->jobs[i]);
	json_close(&j, ']');
	json_close(&j, '}');
	return json_end(&j);
}
