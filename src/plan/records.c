/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan/records.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

int maker_begin(struct maker *mk, struct sim *sim, const struct ldm_db *db, struct dyn_err *err)
{
	*mk = (struct maker){ .sim = sim, .db = db };
	return ldm_txn_begin(db, &mk->t, err);
}

uint64_t maker_id(struct maker *mk)
{
	mk->last = ldm_txn_new_id(mk->t);
	if (!mk->first)
		mk->first = mk->last;
	return mk->last;
}

bool maker_name_taken(const struct maker *mk, enum ldm_kind kind, const char *name)
{
	const struct ldm_record *r = NULL;

	while ((r = ldm_db_next(mk->db, kind, r)))
		if (strcasecmp(r->name, name) == 0)
			return true;
	for (uint64_t id = mk->first; id && id <= mk->last; id++) {
		r = ldm_txn_get(mk->t, id);
		if (r && r->kind == kind && strcasecmp(r->name, name) == 0)
			return true;
	}
	return false;
}

void maker_name(const struct maker *mk, enum ldm_kind kind, const char *parent, char dst[64])
{
	for (unsigned n = 1;; n++) {
		if (parent)
			snprintf(dst, 64, "%.48s-%02u", parent, n);
		else
			snprintf(dst, 64, "%s%u", kind == LDM_VOLUME ? "Volume" : "Disk", n);
		if (!maker_name_taken(mk, kind, dst))
			return;
	}
}

uint32_t maker_number(const struct maker *mk, uint32_t wish)
{
	bool taken[256] = { true };
	const struct ldm_record *r = NULL;

	while ((r = ldm_db_next(mk->db, LDM_VOLUME, r)))
		taken[r->u.volume.number & 255] = true;
	for (uint64_t id = mk->first; id && id <= mk->last; id++) {
		r = ldm_txn_get(mk->t, id);
		if (r && r->kind == LDM_VOLUME)
			taken[r->u.volume.number & 255] = true;
	}
	if (wish && wish < 256 && !taken[wish])
		return wish;
	for (uint32_t n = 1; n < 256; n++)
		if (!taken[n])
			return n;
	return 0;
}

int maker_add_disk(struct maker *mk, const char *guid, uint64_t *id, struct dyn_err *err)
{
	struct ldm_record r = { .kind = LDM_DISK, .type = LDM_T_DISK3 };
	char name[64];

	maker_name(mk, LDM_DISK, NULL, name);
	snprintf(r.name, sizeof(r.name), "%s", name);
	snprintf(r.u.disk.guid, sizeof(r.u.disk.guid), "%s", guid);
	r.id = *id = maker_id(mk);
	return ldm_txn_add(mk->t, &r, err);
}

static int add_half(struct maker *mk, const struct new_volume *nv, const struct new_half *half,
		    const struct ldm_record *volume, struct dyn_err *err)
{
	struct ldm_record c = { .kind = LDM_COMPONENT, .type = LDM_T_COMPONENT },
			  e = { .kind = LDM_EXTENT, .type = LDM_T_EXTENT, .flags = LDM_EF_UNKNOWN }, disk;
	const struct ldm_record *found = ldm_txn_get(mk->t, half->disk_id);
	char name[64];
	int rc;

	if (!found)
		return dyn_fail(err, -ESTALE, "the database does not hold the disk any more");
	disk = *found;
	maker_name(mk, LDM_COMPONENT, volume->name, name);
	snprintf(c.name, sizeof(c.name), "%s", name);
	maker_name(mk, LDM_EXTENT, disk.name, name);
	snprintf(e.name, sizeof(e.name), "%s", name);
	c.id = maker_id(mk);
	e.id = maker_id(mk);
	snprintf(c.u.component.state, sizeof(c.u.component.state), "ACTIVE");
	c.u.component.layout = LDM_LAYOUT_CONCAT;
	c.u.component.n_extents = 1;
	c.u.component.volume_id = volume->id;
	e.u.extent.start = half->start;
	e.u.extent.size = nv->size;
	e.u.extent.component_id = c.id;
	e.u.extent.disk_id = disk.id;
	rc = ldm_txn_add(mk->t, &c, err);
	if (!rc)
		rc = ldm_txn_add(mk->t, &e, err);
	return rc ? rc : ldm_txn_replace(mk->t, &disk, err);
}

int maker_add_volume(struct maker *mk, const struct new_volume *nv, struct dyn_err *err)
{
	struct ldm_record v = { .kind = LDM_VOLUME, .type = LDM_T_VOLUME };
	char guid[37], name[64];
	int rc;

	v.u.volume.number = maker_number(mk, 0);
	if (v.u.volume.number == 0)
		return dyn_refuse(err, -ENOSPC, "Delete volumes that are not needed.",
				  "the group has 255 volumes already");
	maker_name(mk, LDM_VOLUME, NULL, name);
	snprintf(v.name, sizeof(v.name), "%s", name);
	v.id = maker_id(mk);
	snprintf(v.u.volume.type, sizeof(v.u.volume.type), "gen");
	memcpy(v.u.volume.state, "ACTIVE", 6);
	v.u.volume.read_policy = 3;
	v.u.volume.vflags = LDM_VOL_DEFAULT | nv->vflags;
	v.u.volume.n_components = (uint32_t)nv->n_halves;
	v.u.volume.size = nv->size;
	v.u.volume.part_type = nv->part_type;
	if (nv->no_letter)
		snprintf(v.u.volume.no_letter, sizeof(v.u.volume.no_letter), "8000000000000000");
	if (nv->letter) {
		v.flags = LDM_VF_HINT;
		snprintf(v.u.volume.hint, sizeof(v.u.volume.hint), "%c:", nv->letter);
	}
	dyn_rand_guid(&mk->sim->s->rand, guid);
	dyn_guid_parse(guid, v.u.volume.guid);
	rc = ldm_txn_add(mk->t, &v, err);
	for (size_t i = 0; !rc && i < nv->n_halves; i++)
		rc = add_half(mk, nv, &nv->halves[i], &v, err);
	return rc;
}

int records_touch_disks(struct ldm_txn *t, const struct ldm_db *db, uint64_t component_id, struct dyn_err *err)
{
	const struct ldm_record *e = NULL;
	int rc = 0;

	while (!rc && (e = ldm_db_next(db, LDM_EXTENT, e))) {
		const struct ldm_record *d;
		if (e->u.extent.component_id != component_id)
			continue;
		d = ldm_txn_get(t, e->u.extent.disk_id);
		rc = d ? ldm_txn_replace(t, d, err) : 0;
	}
	return rc;
}

int records_drop_half(struct ldm_txn *t, const struct ldm_db *db, const struct ldm_record *comp, struct dyn_err *err)
{
	const struct ldm_record *e = NULL;
	int rc = records_touch_disks(t, db, comp->id, err);

	while (!rc && (e = ldm_db_next(db, LDM_EXTENT, e)))
		if (e->u.extent.component_id == comp->id)
			rc = ldm_txn_remove(t, e->id, err);
	return rc ? rc : ldm_txn_remove(t, comp->id, err);
}

const struct ldm_record *records_volume_of(const struct ldm_db *db, const struct ldm_record *extent)
{
	const struct ldm_record *c = ldm_db_find(db, LDM_COMPONENT, extent->u.extent.component_id);

	return c ? ldm_db_find(db, LDM_VOLUME, c->u.component.volume_id) : NULL;
}
