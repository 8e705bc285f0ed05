/* SPDX-License-Identifier: GPL-3.0-or-later */
/* undo_save.c - before a plan is carried out: what its writes will replace, kept on file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "run/undo.h"

enum { SECTOR = 512 };

/* Per disk, sector by sector: what is there before the plan, what it leaves, and when it writes there last. */
struct picture {
	struct sectmap *before, *after, *rank; /* rank: a sector that begins with the number */
	struct sectmap *records;               /* rebuild records of the change that this one ends; NULL: none */
	size_t n_between;                      /* what sectors hold for a while: number and checksum */
	struct undo_between *between;
	bool unread;                           /* the disk did not say what it holds */
};

/* The sector was written before by this plan; what it holds until it is written again is noted. */
static int note_between(struct picture *pic, uint64_t sector, const uint8_t *next)
{
	struct undo_between *all;
	uint8_t was[SECTOR];
	int rc = sectmap_get(pic->after, sector, 1, was);

	if (rc || memcmp(was, next, SECTOR) == 0)
		return rc;
	all = realloc(pic->between, (pic->n_between + 1) * sizeof(*all));
	if (!all)
		return -ENOMEM;
	pic->between = all;
	all[pic->n_between++] = (struct undo_between){ .sector = sector, .sum = bytes_sum(BYTES_SUM, was, SECTOR) };
	return 0;
}

static int note_sector(struct picture *pic, struct dyn_io *io, uint64_t sector, const uint8_t *after, uint32_t rank)
{
	uint8_t b[SECTOR] = { 0 };
	int rc = 0;

	if (!sectmap_has(pic->before, sector, 1)) {
		rc = dyn_io_read(io, sector * SECTOR, b, SECTOR);
		pic->unread = rc != 0;
		if (!rc)
			rc = sectmap_put(pic->before, sector, 1, b);
	} else {
		rc = note_between(pic, sector, after);
	}
	if (!rc)
		rc = sectmap_put(pic->after, sector, 1, after);
	memset(b, 0, sizeof(b));
	bytes_put_be(b, 4, rank);
	return rc ? rc : sectmap_put(pic->rank, sector, 1, b);
}

static int note_step(const struct dyn_step *st, const struct run_held *h, struct picture *pics, uint32_t *rank)
{
	uint64_t from = 0;
	int rc = 0;

	while (!rc && from <= UINT32_MAX) {
		uint64_t phase = UINT64_MAX;
		for (size_t i = 0; i < st->n_writes; i++)
			if (st->writes[i].phase >= from && st->writes[i].phase < phase)
				phase = st->writes[i].phase;
		if (phase == UINT64_MAX)
			break;
		for (size_t i = 0; !rc && i < st->n_writes; i++) {
			const struct dyn_write *w = &st->writes[i];
			for (uint32_t k = 0; !rc && w->phase == phase && k < w->n_sectors; k++)
				rc = note_sector(&pics[w->disk], h->disks[w->disk]->io, w->sector + k,
						 w->after + (size_t)k * SECTOR, *rank);
		}
		(*rank)++;
		from = phase + 1;
	}
	return rc;
}

static bool is_record(const struct dyn_plan *p, const struct picture *pic, size_t disk, uint64_t sector)
{
	if (pic->records && sectmap_has(pic->records, sector, 1))
		return true;
	for (size_t i = 0; i < p->n_steps; i++) {
		const struct plan_step *ps = &p->steps[i];
		if (ps->pub.kind == DYN_STEP_COPY && ps->pub.disk == disk &&
		    (sector == ps->copy.target_private_start + ps->copy.record_slot ||
		     sector == ps->copy.target_private_start + (ps->copy.record_slot ^ 1)))
			return true;
	}
	return false;
}

static uint32_t rank_at(const struct picture *pic, uint64_t sector)
{
	uint8_t b[SECTOR];

	return sectmap_get(pic->rank, sector, 1, b) ? 0 : (uint32_t)bytes_be(b, 4);
}

/* Longest run from `sector` on that was put, with one rank and one kind. */
static uint32_t run_length(const struct dyn_plan *p, const struct picture *pic, size_t disk, uint64_t sector)
{
	uint32_t n = 1;

	while (n < 4096 && sectmap_has(pic->before, sector + n, 1) &&
	       rank_at(pic, sector + n) == rank_at(pic, sector) &&
	       is_record(p, pic, disk, sector + n) == is_record(p, pic, disk, sector))
		n++;
	return n;
}

static int save_run(struct undo_file *f, const struct dyn_plan *p, const struct picture *pic, size_t disk,
		    uint32_t index, uint64_t sector, uint32_t n)
{
	uint8_t *b = malloc((size_t)n * 2 * SECTOR);
	int rc = b ? sectmap_get(pic->before, sector, n, b) : -ENOMEM;

	if (!rc)
		rc = sectmap_get(pic->after, sector, n, b + (size_t)n * SECTOR);
	if (!rc)
		rc = undo_file_add(f, index, sector, n, rank_at(pic, sector), is_record(p, pic, disk, sector) ? UNDO_RECORD : 0,
				   b, b + (size_t)n * SECTOR);
	free(b);
	return rc;
}

/* The rest of the old database of a disk whose database the plan changes, so that it can be had whole. */
static int save_context(struct undo_file *f, const struct dyn_plan *p, const struct picture *pic, size_t disk,
			uint32_t index)
{
	const struct model_disk *md = &p->model->priv->disks[disk];
	size_t group = p->model->disks[disk].group;
	uint64_t at = md->ph.private_start + md->toc.config.start;
	int rc = 0;

	if (!md->has_ldm || !md->current || group == DYN_NONE || !p->model->priv->groups[group].db)
		return 0;
	if (!sectmap_has(pic->before, at, 1)) /* every change writes the header */
		return 0;
	for (uint32_t i = 1; !rc && i < LDM_CONFIG_SECTORS; i++) {
		const uint8_t *b = p->model->priv->groups[group].db->config + (size_t)i * SECTOR;
		bool used = false;
		for (size_t slot = 0; slot < SECTOR; slot += LDM_VBLK_SIZE)
			used |= !bytes_all_zero(b + slot + 8, LDM_VBLK_SIZE - 8);
		if (used && !sectmap_has(pic->before, at + i, 1))
			rc = undo_file_add(f, index, at + i, 1, 0, UNDO_CONTEXT, b, b);
	}
	return rc;
}

/* The place of a model disk in the file, added when it is not there yet. */
static int file_disk(struct undo_file *f, const struct dyn_plan *p, size_t disk, uint32_t *index)
{
	const struct dyn_disk *d = &p->model->disks[disk];
	struct undo_disk *u = &f->disks[f->n_disks];

	for (*index = 0; *index < f->n_disks; (*index)++)
		if (undo_same_path(f->disks[*index].path, d->path))
			return 0;
	f->n_disks++;
	u->path = realpath(d->path, NULL); /* the next dynadisk may be started in another folder */
	if (!u->path)
		u->path = strdup(d->path);
	u->guid = strdup(d->guid);
	u->serial = strdup(d->serial);
	u->size = d->size;
	return u->path && u->guid && u->serial ? 0 : -ENOMEM;
}

static int save_disk(struct undo_file *f, const struct dyn_plan *p, const struct picture *pic, size_t disk)
{
	uint32_t index;
	int rc = file_disk(f, p, disk, &index);

	for (size_t i = 0; !rc && i < pic->before->n;) {
		uint64_t sector = pic->before->runs[i].sector;
		uint32_t n = run_length(p, pic, disk, sector);
		rc = save_run(f, p, pic, disk, index, sector, n);
		while (i < pic->before->n && pic->before->runs[i].sector < sector + n)
			i++;
	}
	for (size_t i = 0; !rc && i < pic->n_between; i++)
		rc = undo_file_add_between(f, index, pic->between[i].sector, pic->between[i].sum);
	return rc ? rc : save_context(f, p, pic, disk, index);
}

static bool overlaps_sectors(const struct picture *pic, const struct plan_range *r)
{
	for (size_t i = 0; i < pic->before->n; i++) {
		uint64_t at = pic->before->runs[i].sector * SECTOR, size = (uint64_t)pic->before->runs[i].n_sectors * SECTOR;
		if (at < r->target + r->size && r->target < at + size)
			return true;
	}
	return false;
}

static bool overlaps_image(const struct undo_file *f, uint32_t disk, const struct plan_range *r)
{
	for (size_t i = 0; i < f->n_images; i++) {
		const struct undo_image *m = &f->images[i];
		if (m->disk == disk && m->sector * SECTOR < r->target + r->size &&
		    r->target < (m->sector + m->n_sectors) * SECTOR)
			return true;
	}
	return false;
}

static int cannot(struct undo_file *f, const char *why)
{
	free(f->reason);
	f->reason = strdup(why);
	return f->reason ? 0 : -ENOMEM;
}

/* Which bytes an image goes over. They are read when the file is written, one piece after the other. */
static int note_image(struct undo_file *f, const struct dyn_plan *p, const struct plan_step *ps, const struct run_held *h,
		      const struct picture *pics)
{
	const struct plan_range whole = { ps->pub.source_offset, ps->pub.target_offset, ps->pub.size, 0 };
	size_t n = ps->n_ranges ? ps->n_ranges : 1, disk = ps->pub.disk;
	uint32_t index;
	int rc;

	rc = file_disk(f, p, disk, &index);
	if (!rc && !plan_image_kept(ps))
		return cannot(f, "it overwrote more than is kept for undo");
	for (size_t i = 0; !rc && i < n; i++) {
		const struct plan_range *r = ps->n_ranges ? &ps->ranges[i] : &whole;
		/* Two writers of one sector would need their order; no plan has that. */
		if (overlaps_sectors(&pics[disk], r) || overlaps_image(f, index, r))
			return cannot(f, "it wrote the same sectors in two ways");
		if (r->size)
			rc = undo_file_add_image(f, index, r->target / SECTOR, (uint32_t)(r->size / SECTOR), h->disks[disk]->io,
						 ps->image_fd, r->image);
	}
	return rc;
}

/* Half of an undo would be worse than none: a plan with a step that is not kept keeps nothing but its name. */
static int collect_images(struct undo_file *f, const struct dyn_plan *p, const struct run_held *h,
			  const struct picture *pics)
{
	int rc = 0;

	for (size_t i = 0; !rc && !f->reason[0] && i < p->n_steps; i++) {
		if (p->steps[i].pub.kind == DYN_STEP_IMAGE)
			rc = note_image(f, p, &p->steps[i], h, pics);
		if (p->steps[i].pub.kind == DYN_STEP_COPY)
			f->copies++;
	}
	if (rc || !f->reason[0])
		return rc;
	for (; f->n_runs > 0; f->n_runs--) {
		free(f->runs[f->n_runs - 1].before);
		free(f->runs[f->n_runs - 1].after);
	}
	f->n_between = 0;
	for (; f->n_images > 0; f->n_images--)
		free(f->images[f->n_images - 1].after_sums);
	return 0;
}

/* ------------------------------------------- the change that began a rebuild */

static void pictures_clear(struct picture *pics, size_t n)
{
	for (size_t i = 0; pics && i < n; i++) {
		sectmap_free(pics[i].before);
		sectmap_free(pics[i].after);
		sectmap_free(pics[i].rank);
		sectmap_free(pics[i].records);
		free(pics[i].between);
		memset(&pics[i], 0, sizeof(pics[i]));
	}
}

static int pictures_begin(struct picture *pics, const struct run_held *h)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < h->n; i++) {
		uint64_t total = h->disks[i] ? h->disks[i]->io->size / SECTOR : 0;
		rc = sectmap_new(total, SECTOR, &pics[i].before);
		if (!rc)
			rc = sectmap_new(total, SECTOR, &pics[i].after);
		if (!rc)
			rc = sectmap_new(total, SECTOR, &pics[i].rank);
		if (!rc)
			rc = sectmap_new(total, SECTOR, &pics[i].records);
	}
	return rc;
}

static bool same_rebuild(const struct undo_run *r, const struct ldm_rebuild *end)
{
	struct ldm_rebuild begun;

	for (uint32_t k = 0; (r->flags & UNDO_RECORD) && k < r->n_sectors; k++)
		if (ldm_rebuild_decode(r->after + (size_t)k * SECTOR, &begun, NULL) == 0 && begun.started == end->started &&
		    begun.target_start == end->target_start && strcmp(begun.volume_guid, end->volume_guid) == 0 &&
		    strcmp(begun.target_guid, end->target_guid) == 0)
			return true;
	return false;
}

/* The newest file before `below` ("": of all) of a change that began this rebuild and overwrote sectors only, or NULL. */
static struct undo_file *find_beginning(const struct dyn_session *s, const struct ldm_rebuild *end, const char *below,
					char id[64])
{
	int dir = undo_dir_open(s, false, NULL);
	struct undo_file *best = NULL;
	char (*ids)[64] = NULL;
	size_t n = 0;

	if (dir < 0 || undo_dir_list(dir, &ids, &n))
		n = 0;
	for (size_t i = 0; i < n; i++) {
		struct undo_file *f = NULL;
		bool match = false;
		if ((best && strcmp(ids[i], id) < 0) || (below[0] && strcmp(ids[i], below) >= 0) ||
		    undo_file_load(s, ids[i], &f, NULL))
			continue;
		for (size_t k = 0; k < f->n_runs && f->copies && !f->n_images; k++)
			match |= same_rebuild(&f->runs[k], end);
		undo_file_free(match ? best : f);
		if (match) {
			best = f;
			memcpy(id, ids[i], 64);
		}
	}
	free(ids);
	if (dir >= 0)
		close(dir);
	return best;
}

/* 1: the run is what that change left, 0: something else happened there since, or its disk is not held. */
static int still_so(const struct undo_run *r, struct dyn_io *io)
{
	size_t n = (size_t)r->n_sectors * SECTOR;
	uint8_t *now = malloc(n);
	int rc = now ? dyn_io_read(io, r->sector * SECTOR, now, n) : -ENOMEM;

	if (!rc)
		rc = memcmp(now, r->after, n) == 0;
	free(now);
	return rc;
}

static int seed_run(struct picture *pic, const struct undo_run *r)
{
	uint8_t rank[SECTOR] = { 0 };
	int rc = 0;

	bytes_put_be(rank, 4, r->rank);
	for (uint32_t k = 0; !rc && k < r->n_sectors; k++) {
		rc = sectmap_put(pic->before, r->sector + k, 1, r->before + (size_t)k * SECTOR);
		if (!rc)
			rc = sectmap_put(pic->after, r->sector + k, 1, r->after + (size_t)k * SECTOR);
		if (!rc)
			rc = sectmap_put(pic->rank, r->sector + k, 1, rank);
		if (!rc && (r->flags & UNDO_RECORD))
			rc = sectmap_put(pic->records, r->sector + k, 1, rank);
	}
	return rc;
}

static int seed_between(struct picture *pic, const struct undo_between *b)
{
	struct undo_between *all = realloc(pic->between, (pic->n_between + 1) * sizeof(*all));

	if (!all)
		return -ENOMEM;
	pic->between = all;
	all[pic->n_between++] = *b;
	return 0;
}

/* The held disk that disk k of the file is, DYN_NONE. */
static size_t held_disk(const struct undo_file *f, uint32_t k, const struct dyn_plan *p, const struct run_held *h)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->disks[i] && undo_same_path(f->disks[k].path, p->model->disks[i].path) &&
		    p->model->disks[i].size == f->disks[k].size)
			return i;
	return DYN_NONE;
}

/* Lays what the older file knows into empty pictures. 1: done, and *rank is its last; 0: it must stay by itself. */
static int seed(const struct undo_file *old, const struct dyn_plan *p, const struct run_held *h, struct picture *pics,
		uint32_t *rank)
{
	int rc = 1;

	for (size_t i = 0; rc > 0 && i < old->n_runs; i++) {
		const struct undo_run *r = &old->runs[i];
		size_t disk = held_disk(old, r->disk, p, h);
		rc = disk == DYN_NONE ? 0 : 1;
		if (rc && !(r->flags & UNDO_RECORD))
			rc = still_so(r, h->disks[disk]->io);
		if (rc < 0 && rc != -ENOMEM)
			pics[disk].unread = true;
		if (rc > 0 && !(r->flags & UNDO_CONTEXT)) /* the context is found anew */
			rc = seed_run(&pics[disk], r) ? -ENOMEM : 1;
		if (r->rank > *rank)
			*rank = r->rank;
	}
	for (size_t i = 0; rc > 0 && i < old->n_between; i++) {
		size_t disk = held_disk(old, old->between[i].disk, p, h);
		rc = disk == DYN_NONE ? 0 : seed_between(&pics[disk], &old->between[i]) ? -ENOMEM : 1;
	}
	return rc;
}

/* The end of a rebuild joins its beginning, where nothing happened in between. */
static int join_beginning(struct dyn_session *s, const struct dyn_plan *p, const struct run_held *h, struct picture *pics,
			  uint32_t *rank, struct undo_file *f, char replaces[64])
{
	struct undo_file *old;
	char below[64] = "";
	int rc = 0;

	/* the newest may be of an end that was cut off before it wrote anything */
	while (!rc && p->finishes && (old = find_beginning(s, p->finishes, below, replaces))) {
		rc = seed(old, p, h, pics, rank);
		if (rc > 0) {
			free(f->title);
			f->title = strdup(old->title);
			f->copies = old->copies;
			rc = f->title ? 1 : -ENOMEM;
		} else if (rc == 0) {
			*rank = 0;
			pictures_clear(pics, h->n);
			rc = pictures_begin(pics, h);
			memcpy(below, replaces, sizeof(below));
		}
		undo_file_free(old);
	}
	if (rc <= 0)
		replaces[0] = '\0';
	return rc < 0 ? rc : 0;
}

static int collect(struct dyn_session *s, const struct dyn_plan *p, const struct run_held *h, struct picture *pics,
		   struct undo_file *f, char replaces[64])
{
	uint32_t rank = 0;
	int rc = pictures_begin(pics, h);

	if (!rc)
		rc = join_beginning(s, p, h, pics, &rank, f, replaces);
	rank++;
	for (size_t i = 0; !rc && i < p->n_steps; i++)
		if (p->steps[i].pub.kind == DYN_STEP_SECTORS)
			rc = note_step(&p->steps[i].pub, h, pics, &rank);
	for (size_t i = 0; !rc && i < h->n; i++)
		if (pics[i].before->n > 0)
			rc = save_disk(f, p, &pics[i], i);
	return rc ? rc : collect_images(f, p, h, pics);
}

static int cannot_save(const struct dyn_plan *p, const struct run_held *h, const struct picture *pics, int rc,
		       struct dyn_err *err)
{
	char title[192];

	for (size_t i = 0; pics && i < h->n; i++)
		if (pics[i].unread) {
			model_disk_title(&p->model->disks[i], title, sizeof(title));
			return dyn_refuse(err, rc, "Nothing was written. Check its cable and power, then rescan (F5).",
					  "what is on %s cannot be saved for undo: %s", title, strerror(-rc));
		}
	return dyn_refuse(err, rc, "Nothing was written.", "what is on the disks cannot be saved for undo: %s", strerror(-rc));
}

int run_undo_save(struct dyn_session *s, const struct dyn_plan *p, const struct run_held *h, char id[64],
		  char replaces[64], struct dyn_err *err)
{
	struct undo_file *f = undo_file_new();
	struct picture *pics = calloc(h->n + 1, sizeof(*pics));
	int rc = -ENOMEM;

	if (f && pics) {
		f->when = s->fixed_time ? (int64_t)s->fixed_time : (int64_t)time(NULL);
		f->title = strdup(p->title);
		f->reason = strdup(p->no_undo ? p->no_undo : "");
		f->disks = calloc(h->n + 1, sizeof(*f->disks));
		rc = f->title && f->reason && f->disks ? collect(s, p, h, pics, f, replaces) : -ENOMEM;
	}
	if (rc)
		cannot_save(p, h, pics, rc, err);
	else
		rc = undo_file_store(s, f, id, err);
	pictures_clear(pics, h->n);
	free(pics);
	undo_file_free(f);
	return rc;
}
