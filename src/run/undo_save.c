/* SPDX-License-Identifier: GPL-3.0-or-later */
/* undo_save.c - before a plan is carried out: what its writes will replace, kept on file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "run/undo.h"

enum { SECTOR = 512 };

/* Per disk, sector by sector: what is there before the plan, what it leaves, and when it writes there last. */
struct picture {
	struct sectmap *before, *after, *rank; /* rank: a sector that begins with the number */
	size_t n_between;                      /* what sectors hold for a while: number and checksum */
	struct undo_between *between;
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

static bool is_record(const struct dyn_plan *p, size_t disk, uint64_t sector)
{
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
	       is_record(p, disk, sector + n) == is_record(p, disk, sector))
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
		rc = undo_file_add(f, index, sector, n, rank_at(pic, sector), is_record(p, disk, sector) ? UNDO_RECORD : 0,
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
		if (strcmp(f->disks[*index].path, d->path) == 0)
			return 0;
	f->n_disks++;
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

static int collect(const struct dyn_plan *p, const struct run_held *h, struct picture *pics, struct undo_file *f)
{
	uint32_t rank = 1;
	int rc = 0;

	for (size_t i = 0; !rc && i < h->n; i++) {
		uint64_t total = h->disks[i] ? h->disks[i]->io->size / SECTOR : 0;
		rc = sectmap_new(total, SECTOR, &pics[i].before);
		if (!rc)
			rc = sectmap_new(total, SECTOR, &pics[i].after);
		if (!rc)
			rc = sectmap_new(total, SECTOR, &pics[i].rank);
	}
	for (size_t i = 0; !rc && i < p->n_steps; i++)
		if (p->steps[i].pub.kind == DYN_STEP_SECTORS)
			rc = note_step(&p->steps[i].pub, h, pics, &rank);
	for (size_t i = 0; !rc && i < h->n; i++)
		if (pics[i].before->n > 0)
			rc = save_disk(f, p, &pics[i], i);
	return rc ? rc : collect_images(f, p, h, pics);
}

int run_undo_save(struct dyn_session *s, const struct dyn_plan *p, const struct run_held *h, char id[64],
		  struct dyn_err *err)
{
	struct undo_file *f = undo_file_new();
	struct picture *pics = calloc(h->n + 1, sizeof(*pics));
	int rc = -ENOMEM;

	if (f && pics) {
		f->when = s->fixed_time ? (int64_t)s->fixed_time : (int64_t)time(NULL);
		f->title = strdup(p->title);
		f->reason = strdup("");
		f->disks = calloc(h->n + 1, sizeof(*f->disks));
		rc = f->title && f->reason && f->disks ? collect(p, h, pics, f) : -ENOMEM;
	}
	if (rc)
		dyn_refuse(err, rc, "Nothing was written.", "what is on the disks cannot be saved for undo: %s", strerror(-rc));
	else
		rc = undo_file_store(s, f, id, err);
	for (size_t i = 0; pics && i < h->n; i++) {
		sectmap_free(pics[i].before);
		sectmap_free(pics[i].after);
		sectmap_free(pics[i].rank);
		free(pics[i].between);
	}
	free(pics);
	undo_file_free(f);
	return rc;
}
