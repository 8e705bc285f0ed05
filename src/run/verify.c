/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verify.c - are the halves of a mirror equal? Reads both, through the copy engine, and writes nothing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "run/copy.h"
#include "run/run.h"
#include "run/writer.h"

struct verify {
	const struct dyn_session *s;
	const struct dyn_model *m;
	const struct dyn_volume *v;
	struct dyn_verify *out;
	int (*progress)(void *arg, uint64_t done, uint64_t total);
	void *arg;
	struct ranges differ, unread;  /* of the volume */
	uint64_t before, total; /* bytes compared by earlier pieces; of all */
	int rc;                 /* what progress said */
};

/* Where a byte of the volume lies in a plex, and how many follow it there. false: nowhere. */
static bool place_in(const struct dyn_plex *p, uint64_t at, const struct dyn_extent **e, uint64_t *offset, uint64_t *size)
{
	for (size_t i = 0; i < p->n_extents; i++) {
		const struct dyn_extent *x = &p->extents[i];

		if (x->column || at < x->volume_offset || at - x->volume_offset >= x->size)
			continue;
		*e = x;
		*offset = x->offset + (at - x->volume_offset);
		*size = x->size - (at - x->volume_offset);
		return true;
	}
	return false;
}

static int on_progress(void *arg, uint64_t done)
{
	struct verify *x = arg;

	x->rc = x->progress ? x->progress(x->arg, x->before + done, x->total) : 0;
	return x->rc ? -ECANCELED : 0;
}

static int failed(const struct verify *x, const struct dyn_extent *b, const struct copy_result *r, int rc,
		  struct dyn_err *err)
{
	if (rc == -ECANCELED)
		return dyn_fail(err, rc, "the comparison was stopped");
	return dyn_refuse(err, rc == -ENOMEM ? rc : -EIO, "Read the disk's health (smartctl) before anything is rebuilt from it.",
			  "%s cannot be read at byte %llu: %s",
			  x->m->disks[b->disk].name, (unsigned long long)r->fault_at, strerror(-rc));
}

static void take_ranges(struct ranges *all, const struct ranges *piece, uint64_t at)
{
	for (size_t i = 0; i < piece->n; i++)
		ranges_add(all, at + piece->r[i].offset, piece->r[i].size, false);
	all->squeezed |= piece->squeezed;
}

static int compare_range(struct verify *x, struct copy_task *t, uint64_t at, struct copy_result *r)
{
	struct ranges differ, unread = { 0 };
	int rc = ranges_init(&differ, COPY_MAX_RANGES);

	if (!rc)
		rc = ranges_init(&unread, COPY_MAX_RANGES);
	if (!rc) {
		t->differ = &differ;
		t->bad = &unread;
		rc = copy_run(t, r);
		take_ranges(&x->differ, &differ, at);
		take_ranges(&x->unread, &unread, at);
	}
	ranges_free(&differ);
	ranges_free(&unread);
	return rc;
}

/* Compares as much as lies in one piece on both sides; *size says how much that was. */
static int compare_piece(struct verify *x, const struct dyn_plex *p, uint64_t at, uint64_t *size, struct dyn_err *err)
{
	const struct dyn_extent *a, *b;
	struct dyn_io *source = NULL, *target = NULL;
	uint64_t from, to, n;
	struct copy_result r = { 0 };
	int rc;

	if (!place_in(&x->v->plexes[0], at, &a, &from, size) || !place_in(p, at, &b, &to, &n))
		return dyn_fail(err, -ENOTSUP, "the halves are laid out in a way that is not compared");
	*size = n < *size ? n : *size;
	*size = x->v->size - at < *size ? x->v->size - at : *size;
	rc = session_open_ro(x->s, x->m->disks[a->disk].path, &source, err);
	if (!rc)
		rc = session_open_ro(x->s, x->m->disks[b->disk].path, &target, err);
	if (!rc) {
		struct copy_task t = { .mode = COPY_COMPARE, .source = source, .target = target, .source_offset = from,
					     .target_offset = to, .size = *size, .no_uring = getenv("DYNADISK_NO_URING") != NULL,
					     .arg = x, .progress = on_progress };

		writer_set_direct(source); /* what the disks hold, not what is remembered of them */
		writer_set_direct(target);
		rc = compare_range(x, &t, at, &r);
		if (rc)
			rc = failed(x, r.fault == COPY_FAULT_SOURCE_READ ? a : b, &r, rc, err);
		if (r.different && x->out->different == 0)
			x->out->first = at + r.first_different;
		x->out->different += r.different;
		x->out->unreadable += r.unread;
	}
	dyn_io_close(source);
	dyn_io_close(target);
	return rc;
}

/* Not "repair it" where the disk it is on is here and does not read: it may be a cable. */
static int no_half(const struct dyn_model *m, const char *title, struct dyn_err *err)
{
	char why[512];

	if (!model_blame(m, why, sizeof(why)))
		return dyn_refuse(err, -EINVAL, "Repair the mirror first.", "a half of %s is missing", title);
	return dyn_refuse(err, -EIO, "Check its cable and power, then rescan (F5).", "a half of %s is missing: %s", title, why);
}

static int may_verify(const struct dyn_model *m, size_t volume, struct dyn_err *err)
{
	const struct dyn_volume *v;
	char title[128];

	if (volume >= m->n_volumes)
		return dyn_fail(err, -EINVAL, "there is no such volume");
	v = &m->volumes[volume];
	model_volume_title(v, title, sizeof(title));
	if (v->layout != DYN_LAYOUT_MIRROR || v->n_plexes < 2)
		return dyn_refuse(err, -EINVAL, "Select a mirrored volume.", "%s is not a mirror", title);
	for (size_t p = 0; p < v->n_plexes; p++) {
		const struct dyn_plex *x = &v->plexes[p];

		if (x->status == DYN_PLEX_MISSING)
			return no_half(m, title, err);
		if (x->status == DYN_PLEX_REBUILDING)
			return dyn_refuse(err, -EINVAL, "Repair the mirror first.", "a half of %s is being rebuilt", title);
		for (size_t e = 0; e < x->n_extents; e++)
			if (x->extents[e].disk >= m->n_disks || !*m->disks[x->extents[e].disk].path)
				return no_half(m, title, err);
	}
	return 0;
}

static size_t give_ranges(struct ranges *x, struct dyn_range out[DYN_VERIFY_RANGES], bool *joined)
{
	size_t n;

	ranges_squeeze(x, DYN_VERIFY_RANGES);
	*joined |= x->squeezed;
	n = x->n;
	for (size_t i = 0; i < n; i++)
		out[i] = x->r[i];
	ranges_free(x);
	return n;
}

int dyn_verify(struct dyn_session *s, struct dyn_model *m, size_t volume,
	       int (*progress)(void *arg, uint64_t done, uint64_t total), void *arg, struct dyn_verify *out,
	       struct dyn_err *err)
{
	struct verify x = { .s = s, .m = m, .out = out, .progress = progress, .arg = arg };
	int rc = may_verify(m, volume, err);

	memset(out, 0, sizeof(*out));
	if (rc)
		return rc;
	x.v = &m->volumes[volume];
	if (ranges_init(&x.differ, COPY_MAX_RANGES) || ranges_init(&x.unread, COPY_MAX_RANGES)) {
		ranges_free(&x.differ);
		return dyn_fail_nomem(err);
	}
	x.total = x.v->size * (x.v->n_plexes - 1);
	for (size_t p = 1; !rc && p < x.v->n_plexes; p++)
		for (uint64_t at = 0, n = 0; !rc && at < x.v->size; at += n) {
			rc = compare_piece(&x, &x.v->plexes[p], at, &n, err);
			x.before += n;
		}
	out->size = x.v->size;
	out->n_differ = give_ranges(&x.differ, out->differ, &out->joined);
	out->n_unread = give_ranges(&x.unread, out->unread, &out->joined);
	return rc;
}
