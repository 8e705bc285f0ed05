/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * delete.c - a volume goes (DiskPart "delete volume"): of a dynamic disk in one commit with all its halves, of a
 * basic disk by its table entry.
 *
 * A retained volume's own table entry is merged into the container beside it, after the commit: a cut between them
 * leaves one entry more than needed, which every reader takes.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "plan/entries.h"
#include "plan/partition.h"
#include "plan/records.h"

enum { SECTOR = 512 };

/* The common container that ends where parts[own] begins, or begins where it ends. */
static size_t neighbour(const struct sim *sim, size_t disk, const struct table *t, size_t own)
{
	const struct table_part *p = &t->parts[own];

	for (size_t i = 0; i < t->n; i++) {
		const struct table_part *q = &t->parts[i];
		if (i != own && entry_is_container(t, q) && !entry_retained_extent(sim, disk, q) &&
		    (q->start + q->size == p->start || p->start + p->size == q->start))
			return i;
	}
	return DYN_NONE;
}

/* The entry at `start` of a volume that is gone grows into its neighbours, or stays what it is. */
static int merge_entry(struct sim *sim, struct plan_step *st, unsigned *phase, size_t disk, uint64_t start,
		       uint64_t size, struct dyn_err *err)
{
	struct table want;
	size_t own = 0, other;
	bool changed = false;
	int rc;

	if (entries_copy(sim->disks[disk].table, 0, &want))
		return dyn_fail_nomem(err);
	while (own < want.n && !(entry_is_container(&want, &want.parts[own]) && want.parts[own].start == start &&
				 want.parts[own].size == size))
		own++;
	while (own < want.n && (other = neighbour(sim, disk, &want, own)) != DYN_NONE) {
		struct table_part *p = &want.parts[own], *q = &want.parts[other];
		if (p->start < q->start)
			q->start = p->start;
		q->size += p->size;
		if (want.kind == DYN_TABLE_MBR && p->number < q->number)
			q->number = p->number; /* some readers look for dynamic disks in the first slot alone */
		entries_remove(&want, own);
		own = other > own ? other - 1 : other;
		changed = true;
	}
	rc = changed ? sim_build_table(sim, st, phase, disk, &want, err) : 0;
	entries_free(&want);
	return rc;
}

/* The disk by which the loss is confirmed: the first that is here and holds a piece of it. */
static size_t disk_to_confirm(const struct dyn_model *m, const struct dyn_volume *v)
{
	for (size_t i = 0; i < v->n_plexes; i++)
		for (size_t k = 0; k < v->plexes[i].n_extents; k++) {
			size_t d = v->plexes[i].extents[k].disk;
			if (d != DYN_NONE && m->disks[d].status != DYN_DISK_MISSING)
				return d;
		}
	return DYN_NONE;
}

static int remove_records(struct sim *sim, size_t group, const struct ldm_record *vol, struct plan_step *st,
			  unsigned *phase, struct dyn_err *err)
{
	const struct ldm_db *db = sim->groups[group].db;
	const struct ldm_record *c = NULL;
	uint64_t id = vol->id;
	struct ldm_txn *t;
	int rc = ldm_txn_begin(db, &t, err);

	if (rc)
		return rc;
	while (!rc && (c = ldm_db_next(db, LDM_COMPONENT, c)))
		if (c->u.component.volume_id == id)
			rc = records_drop_half(t, db, c, err);
	if (!rc)
		rc = ldm_txn_remove(t, id, err);
	if (rc) {
		ldm_txn_free(t);
		return rc;
	}
	return sim_commit(sim, group, t, st, phase, err);
}

static int delete_dynamic(struct sim *sim, size_t volume, const char *title, struct dyn_err *err)
{
	const struct dyn_volume *v = &sim->m->volumes[volume];
	const struct ldm_record *vol;
	struct plan_step *st;
	unsigned phase = 0;
	bool retained;
	int rc = 0;

	if (v->job != DYN_NONE)
		return dyn_refuse(err, -EBUSY, "Wait for the rebuild, or cancel it first.", "%s is being rebuilt",
				  title);
	rc = sim_need_group(sim, v->group, err);
	if (rc)
		return rc;
	vol = ldm_db_find(sim->groups[v->group].db, LDM_VOLUME, sim->m->priv->volumes[volume].record_id);
	if (!vol)
		return dyn_fail(err, -ESTALE, "the database does not hold %s any more", v->name);
	retained = vol->u.volume.vflags & LDM_VOL_RETAIN;
	if (vol->u.volume.vflags & (LDM_VOL_BOOT | LDM_VOL_SYSTEM) &&
	    plan_note(sim->p,
		      "%s is marked as a volume that Windows starts from: without it, this Windows does not start.",
		      title))
		return dyn_fail_nomem(err);
	st = plan_add_step(sim->p, DYN_STEP_SECTORS, disk_to_confirm(sim->m, v),
			   plan_printf(sim->p, "Delete volume %s", title),
			   v->n_plexes > 1 ? "both its halves become unallocated" : "its room becomes unallocated",
			   plan_printf(sim->p, "select volume %u\ndelete volume", v->number));
	if (!st)
		return dyn_fail_nomem(err);
	st->pub.destroys = true;
	if (st->pub.disk != DYN_NONE)
		sim->p->confirm_disk = st->pub.disk;
	rc = remove_records(sim, v->group, vol, st, &phase, err);
	for (size_t i = 0; !rc && retained && i < v->n_plexes; i++)
		for (size_t k = 0; !rc && k < v->plexes[i].n_extents; k++) {
			const struct dyn_extent *e = &v->plexes[i].extents[k];
			if (e->disk != DYN_NONE && sim->disks[e->disk].member)
				rc = merge_entry(sim, st, &phase, e->disk, e->offset / SECTOR, e->size / SECTOR, err);
		}
	return rc;
}

static int delete_basic(struct sim *sim, size_t volume, const char *title, struct dyn_err *err)
{
	const struct dyn_volume *v = &sim->m->volumes[volume];
	const struct dyn_extent *e = v->n_plexes && v->plexes[0].n_extents ? &v->plexes[0].extents[0] : NULL;
	const struct table *t = e ? sim->disks[e->disk].table : NULL;

	for (size_t i = 0; t && i < t->n; i++)
		if (!t->parts[i].extended && t->parts[i].start * SECTOR == e->offset)
			return part_delete(sim, e->disk, i, false, err);
	return dyn_fail(err, -ESTALE, "the partition table does not hold %s any more", title);
}

int dyn_plan_delete_volume(struct dyn_session *s, struct dyn_model *m, size_t volume, struct dyn_plan **out,
			   struct dyn_err *err)
{
	char title[96] = "";
	struct sim sim;
	int rc;

	if (volume < m->n_volumes)
		model_volume_title(&m->volumes[volume], title, sizeof(title));
	rc = sim_begin(&sim, s, m, err, "Delete volume %s", title);
	if (rc)
		return rc;
	rc = sim_need_volume(&sim, volume, err);
	if (!rc)
		rc = m->volumes[volume].layout == DYN_LAYOUT_PARTITION ? delete_basic(&sim, volume, title, err) :
									 delete_dynamic(&sim, volume, title, err);
	return sim_finish(&sim, rc, out);
}

/* ------------------------------------------------------------- delete disk override */

static bool has_piece(const struct dyn_plex *p, size_t disk)
{
	for (size_t k = 0; k < p->n_extents; k++)
		if (p->extents[k].disk == disk)
			return true;
	return false;
}

static bool all_missing(const struct dyn_volume *v)
{
	for (size_t i = 0; i < v->n_plexes; i++)
		if (v->plexes[i].status != DYN_PLEX_MISSING)
			return false;
	return true;
}

/* The half of a mirror goes; what has no other copy goes as a whole. */
static int forget_volume(struct sim *sim, size_t volume, size_t disk, struct dyn_err *err)
{
	const struct dyn_volume *v = &sim->m->volumes[volume];
	const char *name = sim->m->disks[disk].name;
	char title[96];
	int rc;

	model_volume_title(v, title, sizeof(title));
	if (v->layout == DYN_LAYOUT_RAID5)
		return dyn_refuse(err, -ENOTSUP, "Connect the disk, or delete the volume first if it is not needed.",
				  "%s is a RAID-5 volume with a piece on %s", title, name);
	if (v->layout == DYN_LAYOUT_MIRROR && !all_missing(v)) {
		rc = plan_note(sim->p, "%s loses its half on %s and stays as a simple volume.", title, name);
		return rc ? dyn_fail_nomem(err) : op_break(sim, volume, disk, false, err);
	}
	rc = plan_note(sim->p, "%s is deleted: all of it, or a part that the rest is no use without, is on %s.", title, name);
	return rc ? dyn_fail_nomem(err) : delete_dynamic(sim, volume, title, err);
}

static int op_forget_missing(struct sim *sim, size_t disk, struct dyn_err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && sim->m->disks[disk].status == DYN_DISK_MISSING && i < sim->m->n_volumes; i++) {
		bool on = false;
		for (size_t k = 0; k < sim->m->volumes[i].n_plexes; k++)
			on |= has_piece(&sim->m->volumes[i].plexes[k], disk);
		if (on)
			rc = forget_volume(sim, i, disk, err);
	}
	return rc ? rc : op_delete_missing(sim, disk, err);
}

int dyn_plan_forget_missing(struct dyn_session *s, struct dyn_model *m, size_t disk, struct dyn_plan **out,
			    struct dyn_err *err)
{
	struct sim sim;
	int rc = disk < m->n_disks ? 0 : dyn_fail(err, -EINVAL, "there is no such disk");

	if (!rc)
		rc = sim_begin(&sim, s, m, err, "Delete missing disk %s and what is on it", m->disks[disk].name);
	if (rc)
		return rc;
	return sim_finish(&sim, op_forget_missing(&sim, disk, err), out);
}
