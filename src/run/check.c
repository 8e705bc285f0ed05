/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check.c - is the world still what the plan was made from? Everything the scan read of the
 * locked disks is read again and compared: partition tables, LDM headers, the group's whole
 * database; and what each write expects to replace.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "run/run.h"

enum { SECTOR = 512 };

static int changed(const struct dyn_plan *p, size_t disk, uint64_t sector, const char *what, struct dyn_err *err)
{
	char title[192];

	model_disk_title(&p->model->disks[disk], title, sizeof(title));
	return dyn_refuse(err, -ESTALE, "Nothing was written. Rescan the disks (F5) and plan again.",
			  "%s changed since the plan was made (%s, sector %llu)", title, what,
			  (unsigned long long)sector);
}

static int read_failed(const struct dyn_plan *p, size_t disk, uint64_t sector, int rc, struct dyn_err *err)
{
	char title[192];

	model_disk_title(&p->model->disks[disk], title, sizeof(title));
	return dyn_refuse(err, rc, "Nothing was written.", "%s cannot be read at sector %llu: %s", title,
			  (unsigned long long)sector, strerror(-rc));
}

/* Compares `n` sectors of a disk with what they should be; *differs is the first sector that does not match. */
static int compare(struct dyn_io *io, uint64_t sector, size_t n, const uint8_t *want, bool *same, uint64_t *differs)
{
	uint8_t *got = malloc(n * SECTOR);
	int rc = got ? dyn_io_read(io, sector * SECTOR, got, n * SECTOR) : -ENOMEM;

	*same = !rc;
	for (size_t i = 0; !rc && *same && i < n; i++)
		if (memcmp(got + i * SECTOR, want + i * SECTOR, SECTOR) != 0) {
			*same = false;
			*differs = sector + i;
		}
	free(got);
	return rc;
}

static int check_run(const struct dyn_plan *p, const struct run_held *h, size_t disk, uint64_t sector, size_t n,
		     const uint8_t *want, const char *what, struct dyn_err *err)
{
	uint64_t differs = sector;
	bool same;
	int rc = compare(h->disks[disk]->io, sector, n, want, &same, &differs);

	if (rc)
		return read_failed(p, disk, sector, rc, err);
	return same ? 0 : changed(p, disk, differs, what, err);
}

/* Rebuild records move on while their job runs; they are checked by whoever writes them. */
static bool is_record(const struct model_disk *md, uint64_t sector)
{
	uint64_t first = md->ph.private_start + LDM_REBUILD_FIRST;

	return md->has_ldm && sector >= first && sector < first + 2 * LDM_REBUILD_PAIRS;
}

static int check_map(const struct dyn_plan *p, const struct run_held *h, size_t disk, struct dyn_err *err)
{
	const struct model_disk *md = &p->model->priv->disks[disk];
	int rc = 0;

	if (!md->map)
		return 0;
	for (size_t i = 0; !rc && i < md->map->n; i++) {
		const struct sectmap_run *r = &md->map->runs[i];
		for (uint32_t k = 0, n; !rc && k < r->n_sectors; k += n) {
			/* pieces between records */
			for (n = 0; k + n < r->n_sectors && !is_record(md, r->sector + k + n);)
				n++;
			if (n > 0)
				rc = check_run(p, h, disk, r->sector + k, n, r->bytes + (size_t)k * SECTOR,
					       "partition table or LDM header", err);
			else
				n = 1;
		}
	}
	return rc;
}

static int check_database(const struct dyn_plan *p, const struct run_held *h, size_t disk, struct dyn_err *err)
{
	const struct model_disk *md = &p->model->priv->disks[disk];
	size_t group = p->model->disks[disk].group;
	const struct ldm_db *db = md->own_db;
	uint64_t at = md->ph.private_start;
	int rc;

	if (!md->has_ldm || group == DYN_NONE)
		return 0;
	if (md->current)
		db = p->model->priv->groups[group].db;
	if (!db)
		return 0;
	rc = check_run(p, h, disk, at + md->toc.config.start, LDM_CONFIG_SECTORS, db->config, "LDM database", err);
	if (!rc)
		rc = check_run(p, h, disk, at + md->toc.log.start, LDM_LOG_SECTORS, db->log, "LDM log", err);
	return rc;
}

/* The first write to each sector must find what the plan says; a later one finds what the plan itself wrote. */
static int check_write(const struct dyn_plan *p, const struct run_held *h, const struct dyn_write *w,
		       struct sectmap **seen, struct dyn_err *err)
{
	uint64_t total = h->disks[w->disk]->io->size / SECTOR, end;
	int rc = 0;

	if (add_overflows(w->sector, w->n_sectors, &end) || end > total)
		return dyn_fail(err, -ERANGE, "the plan would write behind the end of %s", p->model->disks[w->disk].name);
	if (!seen[w->disk])
		rc = sectmap_new(total, SECTOR, &seen[w->disk]);
	for (uint32_t i = 0; !rc && w->before && i < w->n_sectors; i++) {
		uint8_t sim[SECTOR];
		const uint8_t *before = w->before + (size_t)i * SECTOR;
		if (!sectmap_has(seen[w->disk], w->sector + i, 1)) {
			rc = check_run(p, h, w->disk, w->sector + i, 1, before, w->what, err);
			if (rc)
				return rc;
			continue;
		}
		rc = sectmap_get(seen[w->disk], w->sector + i, 1, sim);
		if (!rc && memcmp(sim, before, SECTOR) != 0)
			return dyn_fail(err, -EINVAL, "the plan contradicts itself at sector %llu of %s (%s)",
					(unsigned long long)(w->sector + i), p->model->disks[w->disk].name, w->what);
	}
	if (!rc)
		rc = sectmap_put(seen[w->disk], w->sector, w->n_sectors, w->after);
	return rc ? dyn_fail(err, rc, "the plan cannot be checked: %s", strerror(-rc)) : 0;
}

static int check_writes(const struct dyn_plan *p, const struct run_held *h, struct dyn_err *err)
{
	struct sectmap **seen = calloc(h->n ? h->n : 1, sizeof(struct sectmap *));
	int rc = 0;

	if (!seen)
		return dyn_fail_nomem(err);
	for (size_t i = 0; !rc && i < p->n_steps; i++) {
		const struct dyn_step *st = &p->steps[i].pub;
		/* the writes of a COPY are a preview */
		for (size_t k = 0; !rc && st->kind == DYN_STEP_SECTORS && k < st->n_writes; k++)
			rc = check_write(p, h, &st->writes[k], seen, err);
	}
	for (size_t i = 0; i < h->n; i++)
		sectmap_free(seen[i]);
	free(seen);
	return rc;
}

static int check_same_disk(const struct dyn_plan *p, const struct run_held *h, size_t disk, struct dyn_err *err)
{
	const struct dyn_disk *d = &p->model->disks[disk];

	if (h->disks[disk]->io->size != d->size)
		return changed(p, disk, 0, "its size", err);
	if (d->read_only)
		return dyn_refuse(err, -EROFS, "Take the write protection off it.", "%s is write-protected", d->name);
	return 0;
}

/* Where an image goes lies on the disk, and holds what the plan wants to find there, if it wants something. */
static int check_range(const struct dyn_plan *p, const struct run_held *h, size_t disk, const struct plan_range *r,
		       struct dyn_err *err)
{
	enum { PIECE = 1 << 20 };
	struct dyn_io *io = h->disks[disk]->io;
	uint64_t end, sum = BYTES_SUM;
	uint8_t *b;
	int rc = 0;

	if (add_overflows(r->target, r->size, &end) || end > io->size || (r->target | r->size | r->image) % SECTOR)
		return dyn_fail(err, -ERANGE, "the plan would write behind the end of %s", p->model->disks[disk].name);
	if (!r->expect)
		return 0;
	b = malloc(PIECE);
	if (!b)
		return dyn_fail_nomem(err);
	for (uint64_t at = 0, n; !rc && at < r->size; at += n) {
		n = r->size - at < PIECE ? r->size - at : PIECE;
		rc = dyn_io_read(io, r->target + at, b, (size_t)n);
		if (rc)
			rc = read_failed(p, disk, (r->target + at) / SECTOR, rc, err);
		else
			sum = bytes_sum(sum, b, (size_t)n);
	}
	free(b);
	return rc || sum == r->expect ? rc : changed(p, disk, r->target / SECTOR, "what the image goes over", err);
}

static int check_images(const struct dyn_plan *p, const struct run_held *h, struct dyn_err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < p->n_steps; i++) {
		const struct plan_step *ps = &p->steps[i];
		const struct plan_range whole = { ps->pub.source_offset, ps->pub.target_offset, ps->pub.size, 0 };
		if (ps->pub.kind != DYN_STEP_IMAGE)
			continue;
		if (ps->n_ranges == 0)
			rc = check_range(p, h, ps->pub.disk, &whole, err);
		for (size_t k = 0; !rc && k < ps->n_ranges; k++)
			rc = check_range(p, h, ps->pub.disk, &ps->ranges[k], err);
	}
	return rc;
}

int run_check_disks(const struct dyn_plan *p, const struct run_held *h, struct dyn_err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < h->n; i++) {
		if (!h->disks[i])
			continue;
		rc = check_same_disk(p, h, i, err);
		if (!rc)
			rc = check_map(p, h, i, err);
		if (!rc)
			rc = check_database(p, h, i, err);
	}
	if (!rc)
		rc = check_writes(p, h, err);
	return rc ? rc : check_images(p, h, err);
}
