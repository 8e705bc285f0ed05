/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * break.c - a mirror loses a half (DiskPart "break disk=N nokeep", Remove Mirror) or becomes two simple
 * volumes ("break disk=N", Break Mirrored Volume); and a missing disk leaves its group ("delete disk").
 * Records: ldm-format.md section 10.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "plan/entries.h"
#include "plan/records.h"

static bool another_good_half(const struct dyn_volume *v, size_t plex)
{
	for (size_t i = 0; i < v->n_plexes; i++)
		if (i != plex && v->plexes[i].status == DYN_PLEX_OK)
			return true;
	return false;
}

static int check_break(struct sim *sim, size_t volume, size_t disk, bool keep, size_t *plex, struct dyn_err *err)
{
	const struct dyn_volume *v = &sim->m->volumes[volume];
	char title[96];

	model_volume_title(v, title, sizeof(title));
	if (disk >= sim->m->n_disks)
		return dyn_fail(err, -EINVAL, "there is no such disk");
	if (v->job != DYN_NONE)
		return dyn_refuse(err, -EBUSY, "Wait for the rebuild, or cancel it: then the volume is simple again.",
				  "%s is being rebuilt", title);
	if (v->layout != DYN_LAYOUT_MIRROR)
		return dyn_refuse(err, -EINVAL, "Select a mirrored volume.",
				  "The operation is only supported on mirrored volumes, and %s is not one.", title);
	*plex = sim_plex_on(v, disk);
	if (*plex == DYN_NONE)
		return dyn_refuse(err, -EINVAL, "Name a disk that holds one of its halves.", "no half of %s is on %s", title,
				  sim->m->disks[disk].name);
	if (!another_good_half(v, *plex))
		return dyn_refuse(err, -EPERM, "Name the disk of the half that is missing or out of date instead.",
				  "the half of %s on %s is the only good one and stays", title, sim->m->disks[disk].name);
	if (keep && v->plexes[*plex].status != DYN_PLEX_OK)
		return dyn_refuse(err, -EINVAL, "Use Remove Mirror instead (break with nokeep): it drops that half.",
				  "the half of %s on %s cannot be kept as a volume: it is %s", title, sim->m->disks[disk].name,
				  v->plexes[*plex].status == DYN_PLEX_MISSING ? "missing" : "out of date");
	return sim_need_group(sim, v->group, err);
}

static const struct ldm_record *component_named(const struct ldm_db *db, uint64_t volume_id, const char *plex_name)
{
	const struct ldm_record *r = NULL;

	/* the model's name is the cleaned one; a database that passed its check has printable names only */
	while ((r = ldm_db_next(db, LDM_COMPONENT, r)))
		if (r->u.component.volume_id == volume_id && strcmp(r->name, plex_name) == 0)
			return r;
	return NULL;
}

/* The half becomes a volume of its own, without the letter and the boot marks. */
static int keep_half(struct sim *sim, struct ldm_txn *t, const struct ldm_db *db, const struct ldm_record *vol,
		     const struct ldm_record *comp, struct dyn_err *err)
{
	struct ldm_record v = *vol, c = *comp;
	char guid[37], name[64];
	int rc;

	v.id = ldm_txn_new_id(t);
	ldm_db_new_name(db, LDM_VOLUME, NULL, name);
	snprintf(v.name, sizeof(v.name), "%s", name);
	v.flags = 0; /* no hint, no optional fields */
	v.u.volume.no_letter[0] = '\0';
	v.u.volume.number = ldm_db_free_volume_number(db);
	if (v.u.volume.number == 0)
		return dyn_fail(err, -ENOSPC, "the group has 255 volumes already");
	v.u.volume.vflags = LDM_VOL_DEFAULT;
	v.u.volume.n_components = 1;
	v.u.volume.second_tid = 0;
	dyn_rand_guid(&sim->s->rand, guid);
	dyn_guid_parse(guid, v.u.volume.guid);
	c.u.component.volume_id = v.id;
	snprintf(c.name, sizeof(c.name), "%.250s-01", name);
	rc = ldm_txn_add(t, &v, err);
	if (!rc)
		rc = ldm_txn_replace(t, &c, err);
	return rc ? rc : records_touch_disks(t, db, comp->id, err);
}

/* Does a half that stays have a table entry of exactly its own? (A disk that is not here: taken for granted.) */
static bool keeps_entry(const struct sim *sim, size_t group, const struct ldm_record *vol, const struct ldm_record *gone)
{
	const struct ldm_db *db = sim->groups[group].db;
	const struct ldm_record *e = NULL;

	while ((e = ldm_db_next(db, LDM_EXTENT, e))) {
		const struct ldm_record *c = ldm_db_find(db, LDM_COMPONENT, e->u.extent.component_id);
		size_t disk = sim_disk_by_record(sim, group, e->u.extent.disk_id);
		if (!c || c->id == gone->id || c->u.component.volume_id != vol->id)
			continue;
		if (disk == DYN_NONE || !sim->disks[disk].map)
			return true;
		for (size_t i = 0; i < sim->disks[disk].table->n; i++) {
			const struct table_part *p = &sim->disks[disk].table->parts[i];
			if (entry_is_container(sim->disks[disk].table, p) && p->size == e->u.extent.size &&
			    p->start == sim->disks[disk].ph.public_start + e->u.extent.start)
				return true;
		}
	}
	return false;
}

int op_break(struct sim *sim, size_t volume, size_t disk, bool keep, struct dyn_err *err)
{
	const struct dyn_volume *v = &sim->m->volumes[volume];
	const struct dyn_disk *d = &sim->m->disks[disk];
	const struct ldm_record *vol, *comp;
	struct ldm_record changed;
	struct plan_step *st;
	struct ldm_txn *t;
	const struct ldm_db *db;
	unsigned phase = 0;
	char short_name[16], title[96];
	size_t plex = 0;
	int rc = check_break(sim, volume, disk, keep, &plex, err);

	if (rc)
		return rc;
	db = sim->groups[v->group].db;
	vol = ldm_db_find(db, LDM_VOLUME, sim->m->priv->volumes[volume].record_id);
	comp = vol ? component_named(db, vol->id, v->plexes[plex].name) : NULL;
	if (!comp)
		return dyn_fail(err, -ESTALE, "the database does not hold %s any more", v->name);
	model_volume_title(v, title, sizeof(title));
	snprintf(short_name, sizeof(short_name), "%s%u", d->status == DYN_DISK_MISSING ? "m" : "", d->number);
	st = plan_add_step(sim->p, DYN_STEP_SECTORS, disk,
			   keep ? plan_printf(sim->p, "Break %s: the half on %s becomes a volume of its own", title, d->name) :
				  plan_printf(sim->p, "Remove the half of %s on %s", title, d->name),
			   "database only",
			   plan_printf(sim->p, "select volume %u\nbreak disk=%s%s", v->number, short_name, keep ? "" : " nokeep"));
	if (!st)
		return dyn_fail_nomem(err);
	/* A half that is there holds a copy that could still be needed: its loss is confirmed by its disk. */
	if (!keep && v->plexes[plex].status == DYN_PLEX_OK) {
		st->pub.destroys = true;
		st->pub.effect = "that half becomes unallocated";
		sim->p->confirm_disk = disk;
	}
	rc = ldm_txn_begin(db, &t, err);
	if (rc)
		return rc;
	changed = *vol;
	changed.u.volume.n_components--;
	if (!keeps_entry(sim, v->group, vol, comp)) /* the mark would name an entry that went with the half */
		changed.u.volume.vflags &= ~(uint32_t)LDM_VOL_RETAIN;
	if (v->plexes[plex].status != DYN_PLEX_OK) /* the half it was set for is gone with this */
		changed.u.volume.vflags &= ~(uint32_t)LDM_VOL_KDETACH;
	rc = ldm_txn_replace(t, &changed, err);
	if (!rc)
		rc = keep ? keep_half(sim, t, db, vol, comp, err) : records_drop_half(t, db, comp, err);
	if (rc) {
		ldm_txn_free(t);
		return rc;
	}
	return sim_commit(sim, v->group, t, st, &phase, err);
}

int dyn_plan_break(struct dyn_session *s, struct dyn_model *m, size_t volume, size_t disk, bool keep,
		   struct dyn_plan **out, struct dyn_err *err)
{
	struct sim sim;
	char title[96] = "";
	int rc;

	if (volume < m->n_volumes)
		model_volume_title(&m->volumes[volume], title, sizeof(title));
	rc = sim_begin(&sim, s, m, err, keep ? "Break mirrored volume %s" : "Remove mirror from %s", title);
	if (rc)
		return rc;
	rc = sim_need_volume(&sim, volume, err);
	return sim_finish(&sim, rc ? rc : op_break(&sim, volume, disk, keep, err), out);
}

/* ------------------------------------------------------------------ delete disk */

size_t sim_volumes_on(const struct sim *sim, const struct ldm_db *db, uint64_t disk_id, char *dst, size_t n)
{
	const struct ldm_record *v = NULL;
	size_t found = 0, used = 0;

	dst[0] = '\0';
	while ((v = ldm_db_next(db, LDM_VOLUME, v))) {
		const struct ldm_record *e = NULL;
		bool on = false;
		char guid[37], title[96];
		size_t index;

		while (!on && (e = ldm_db_next(db, LDM_EXTENT, e))) {
			const struct ldm_record *c = ldm_db_find(db, LDM_COMPONENT, e->u.extent.component_id);
			on = e->u.extent.disk_id == disk_id && c && c->u.component.volume_id == v->id;
		}
		if (!on)
			continue;
		dyn_guid_format(v->u.volume.guid, guid);
		index = model_volume_by_guid(sim->m, guid);
		if (index != DYN_NONE)
			model_volume_title(&sim->m->volumes[index], title, sizeof(title));
		else
			dyn_text_clean(title, sizeof(title), v->name, strlen(v->name));
		if (used < n)
			used += (size_t)snprintf(dst + used, n - used, "%s%s", found ? ", " : "", title);
		found++;
	}
	return found;
}

int op_delete_missing(struct sim *sim, size_t disk, struct dyn_err *err)
{
	const struct dyn_disk *d = &sim->m->disks[disk];
	struct sim_disk *sd = &sim->disks[disk];
	char volumes[160];
	struct plan_step *st;
	struct ldm_txn *t;
	unsigned phase = 0;
	int rc;

	if (d->status != DYN_DISK_MISSING)
		return dyn_refuse(err, -EINVAL, "Only a missing disk can be deleted from its group.",
				  "%s is not missing: it is here", d->name);
	rc = sim_need_group(sim, d->group, err);
	if (rc)
		return rc;
	if (sim_volumes_on(sim, sim->groups[d->group].db, sd->record_id, volumes, sizeof(volumes)))
		return dyn_refuse(err, -EBUSY, "Remove the mirror halves on it first (Remove Mirror, or break with nokeep).",
				  "%s still holds parts of: %s", d->name, volumes);
	st = plan_add_step(sim->p, DYN_STEP_SECTORS, disk, plan_printf(sim->p, "Delete missing disk M%u", d->number),
			   "database only", plan_printf(sim->p, "select disk m%u\ndelete disk", d->number));
	if (!st)
		return dyn_fail_nomem(err);
	rc = ldm_txn_begin(sim->groups[d->group].db, &t, err);
	if (rc)
		return rc;
	rc = ldm_txn_remove(t, sd->record_id, err);
	if (rc) {
		ldm_txn_free(t);
		return rc;
	}
	return sim_commit(sim, d->group, t, st, &phase, err);
}

int dyn_plan_delete_missing(struct dyn_session *s, struct dyn_model *m, size_t disk, struct dyn_plan **out,
			    struct dyn_err *err)
{
	struct sim sim;
	int rc = disk < m->n_disks ? 0 : dyn_fail(err, -EINVAL, "there is no such disk");

	if (!rc)
		rc = sim_begin(&sim, s, m, err, "Delete missing disk %s", m->disks[disk].name);
	if (rc)
		return rc;
	return sim_finish(&sim, op_delete_missing(&sim, disk, err), out);
}
