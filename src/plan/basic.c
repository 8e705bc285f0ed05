/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * basic.c - a dynamic disk becomes basic (DiskPart "convert basic"), ldm-format.md 10.3: empty, or its simple volumes
 * of one piece become partitions where they are.
 *
 * Order, each line flushed before the next:
 *   1 the partition table               from here on the disk is basic for everyone, its volumes partitions
 *   2 the commit that removes the disk and its volumes, on the other disks of the group
 *                                       a cut before its commit point: the group lists the disk as missing
 *   3 the LDM headers and the database's first sector are zeroed: a cut leaves debris on a basic disk
 * The table goes first because the data must be readable at every moment: a disk that its group has forgotten but
 * that still says dynamic is foreign to Windows, and its volumes are out of reach.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "plan/entries.h"
#include "plan/records.h"

enum { SECTOR = 512, MBR_SLOTS = 4, PART_TYPE_NTFS = 0x07, GPT_ENTRIES = 128 };
#define GPT_NO_LETTER (1ull << 63)

static bool on_disk(const struct ldm_record *e, const struct sim_disk *d)
{
	return e->u.extent.disk_id == d->record_id;
}

/* Only what a partition can be: one component of one extent. */
static int check_volumes(const struct sim *sim, size_t disk, size_t *n, struct dyn_err *err)
{
	const struct sim_disk *d = &sim->disks[disk];
	const struct ldm_db *db = sim->groups[d->group].db;
	const struct ldm_record *e = NULL, *v, *c;
	char guid[37], title[96] = "a volume";
	size_t index;

	*n = 0;
	while ((e = ldm_db_next(db, LDM_EXTENT, e))) {
		if (!on_disk(e, d))
			continue;
		(*n)++;
		c = ldm_db_find(db, LDM_COMPONENT, e->u.extent.component_id);
		v = records_volume_of(db, e);
		if (!v || !c)
			return dyn_fail(err, -EBADMSG, "the database has an extent without a volume");
		if (v->u.volume.n_components == 1 && c->u.component.n_extents == 1 &&
		    c->u.component.layout == LDM_LAYOUT_CONCAT)
			continue;
		dyn_guid_format(v->u.volume.guid, guid);
		index = model_volume_by_guid(sim->m, guid);
		if (index != DYN_NONE)
			model_volume_title(&sim->m->volumes[index], title, sizeof(title));
		return dyn_refuse(
			err, -EBUSY,
			v->u.volume.n_components > 1 ?
				"Remove the half on this disk first (Remove Mirror), or delete the volume." :
				"Back its data up, delete it, and try again.",
			"%s on %s is not a simple volume of one piece, and only such volumes can become partitions",
			title, sim->m->disks[disk].name);
	}
	return 0;
}

static int check(struct sim *sim, size_t disk, size_t *n_volumes, struct dyn_err *err)
{
	const struct dyn_disk *d = &sim->m->disks[disk];
	int rc = sim_need_disk(sim, disk, err);

	if (rc)
		return rc;
	if (!d->dynamic)
		return dyn_refuse(err, -EALREADY, "Nothing needs to be done.", "%s is a basic disk already", d->name);
	if (!sim->disks[disk].member)
		return dyn_refuse(err, -EINVAL,
				  "Reactivate or import it first, or clean it if nothing on it is needed.",
				  "%s does not carry its group's current database", d->name);
	rc = sim_need_group(sim, d->group, err);
	if (rc)
		return rc;
	if (sim->m->priv->disks[disk].n_rebuilds)
		return dyn_refuse(err, -EBUSY, "Wait for the rebuild, or cancel it first.",
				  "a half is being rebuilt on %s", d->name);
	for (size_t i = 0; i < sim->m->n_jobs; i++)
		if (sim->m->jobs[i].source == disk && sim->m->jobs[i].state != DYN_JOB_DONE)
			return dyn_refuse(err, -EBUSY, "Wait for the rebuild, or cancel it first.",
					  "%s is the source of a rebuild", d->name);
	rc = sim_need_awake_disk(sim, disk, err);
	if (rc)
		return rc;
	return check_volumes(sim, disk, n_volumes, err);
}

/* The partition that a volume's extent becomes. A retained one keeps number, GUID, attributes and active flag. */
static void to_partition(struct sim *sim, const struct sim_disk *d, const struct ldm_record *e,
			 const struct ldm_record *v, struct table_part *p)
{
	uint64_t start = d->ph.public_start + e->u.extent.start;

	memset(p, 0, sizeof(*p));
	for (size_t i = 0; i < d->table->n; i++) {
		const struct table_part *q = &d->table->parts[i];
		if (entry_is_container(d->table, q) && q->start == start && q->size == e->u.extent.size)
			*p = *q;
	}
	p->start = start;
	p->size = e->u.extent.size;
	if (d->table->kind == DYN_TABLE_MBR) {
		p->mbr_type = v->u.volume.part_type ? v->u.volume.part_type : PART_TYPE_NTFS;
		return;
	}
	memcpy(p->gpt_type, TABLE_GPT_BASIC, sizeof(p->gpt_type));
	snprintf(p->name, sizeof(p->name), "Basic data partition");
	if (!p->gpt_guid[0])
		dyn_rand_guid(&sim->s->rand, p->gpt_guid);
	if (v->u.volume.no_letter[0])
		p->gpt_attrs |= GPT_NO_LETTER;
}

/* The containers and the metadata partition go; what was cut from the MSR returns to it. */
static void drop_ldm(struct table *t)
{
	uint64_t meta = 0, meta_end = 0;

	for (size_t i = t->n; i-- > 0;) {
		if (entry_is_meta(t, &t->parts[i])) {
			meta = t->parts[i].start;
			meta_end = meta + t->parts[i].size;
		} else if (!entry_is_container(t, &t->parts[i])) {
			continue;
		}
		entries_remove(t, i);
	}
	for (size_t i = 0; meta_end && i < t->n; i++)
		if (entry_is_msr(t, &t->parts[i]) && t->parts[i].start == meta_end) {
			t->parts[i].size += meta_end - meta;
			t->parts[i].start = meta;
		}
}

static int new_table(struct sim *sim, size_t disk, size_t n_volumes, struct table *want, struct dyn_err *err)
{
	const struct sim_disk *d = &sim->disks[disk];
	const struct ldm_db *db = sim->groups[d->group].db;
	const struct ldm_record *e = NULL;

	if (entries_copy(d->table, n_volumes, want))
		return dyn_fail_nomem(err);
	drop_ldm(want);
	while ((e = ldm_db_next(db, LDM_EXTENT, e)))
		if (on_disk(e, d))
			to_partition(sim, d, e, records_volume_of(db, e), &want->parts[want->n++]);
	if (entries_primaries(want) > (want->kind == DYN_TABLE_MBR ? MBR_SLOTS : GPT_ENTRIES)) {
		size_t n = entries_primaries(want);
		entries_free(want);
		return dyn_refuse(err, -ENOSPC, "Delete volumes that are not needed, or move them to another disk.",
				  "the partition table of %s has %d entries, and %zu would be needed",
				  sim->m->disks[disk].name, want->kind == DYN_TABLE_MBR ? MBR_SLOTS : GPT_ENTRIES, n);
	}
	return 0;
}

/* The commit on the others: the disk's volumes and its record go. Nothing to do for the last disk of a group. */
static int leave_group(struct sim *sim, struct plan_step *st, unsigned *phase, size_t disk, struct dyn_err *err)
{
	struct sim_disk *d = &sim->disks[disk];
	const struct ldm_db *db = sim->groups[d->group].db;
	const struct ldm_record *e = NULL, *v, *c;
	struct ldm_txn *t;
	bool others = false;
	int rc;

	d->member = false;
	for (size_t i = 0; i < sim->n_disks; i++)
		others |= sim->disks[i].group == d->group && sim->disks[i].member;
	if (!others)
		return 0;
	rc = ldm_txn_begin(db, &t, err);
	if (rc)
		return rc;
	while (!rc && (e = ldm_db_next(db, LDM_EXTENT, e))) {
		if (!on_disk(e, d))
			continue;
		v = records_volume_of(db, e);
		c = ldm_db_find(db, LDM_COMPONENT, e->u.extent.component_id);
		rc = records_drop_half(t, db, c, err);
		if (!rc)
			rc = ldm_txn_remove(t, v->id, err);
	}
	if (!rc)
		rc = ldm_txn_remove(t, d->record_id, err);
	if (rc) {
		ldm_txn_free(t);
		return rc;
	}
	return sim_commit(sim, d->group, t, st, phase, err);
}

static int zero(struct sim *sim, struct plan_step *st, unsigned phase, size_t disk, uint64_t sector, const char *what)
{
	static const uint8_t zeros[SECTOR];

	return sim_write(sim, st, phase, disk, sector, 1, what, zeros, !sectmap_has(sim->disks[disk].map, sector, 1));
}

static int forget_headers(struct sim *sim, struct plan_step *st, unsigned *phase, size_t disk, struct dyn_err *err)
{
	const struct sim_disk *d = &sim->disks[disk];
	uint64_t at = d->ph.private_start;
	int rc = 0;

	if (d->table->kind == DYN_TABLE_MBR)
		rc = zero(sim, st, *phase, disk, LDM_PH_MBR, "private header, copy in sector 6");
	if (!rc)
		rc = zero(sim, st, *phase, disk, at + LDM_PH_SECONDARY, "private header, second copy");
	if (!rc)
		rc = zero(sim, st, *phase, disk, at + LDM_PH_PRIMARY, "private header");
	(*phase)++;
	for (int i = 0; !rc && i < LDM_TOC_SLOTS; i++)
		rc = zero(sim, st, *phase, disk, at + ldm_toc_slots[i], "table of contents");
	if (!rc)
		rc = zero(sim, st, *phase, disk, at + LDM_CONFIG_START, "database header");
	(*phase)++;
	return rc ? dyn_fail_nomem(err) : 0;
}

static int op_to_basic(struct sim *sim, size_t disk, struct dyn_err *err)
{
	const struct dyn_disk *d = &sim->m->disks[disk];
	struct table want;
	struct plan_step *st;
	unsigned phase = 0;
	size_t n = 0;
	int rc = check(sim, disk, &n, err);

	if (!rc)
		rc = new_table(sim, disk, n, &want, err);
	if (rc)
		return rc;
	st = plan_add_step(sim->p, DYN_STEP_SECTORS, disk, plan_printf(sim->p, "Convert %s to basic", d->name),
			   n ? plan_printf(sim->p, "%zu volume%s become%s partition%s, data stays in place", n,
					   n > 1 ? "s" : "", n > 1 ? "" : "s", n > 1 ? "s" : "") :
			       "it holds no volumes",
			   "convert basic");
	rc = st ? sim_build_table(sim, st, &phase, disk, &want, err) : dyn_fail_nomem(err);
	entries_free(&want);
	if (!rc)
		rc = leave_group(sim, st, &phase, disk, err);
	if (!rc)
		rc = forget_headers(sim, st, &phase, disk, err);
	sim->disks[disk].dynamic = false;
	sim->disks[disk].group = DYN_NONE;
	return rc;
}

int dyn_plan_to_basic(struct dyn_session *s, struct dyn_model *m, size_t disk, struct dyn_plan **out,
		      struct dyn_err *err)
{
	struct sim sim;
	int rc = disk < m->n_disks ? 0 : dyn_fail(err, -EINVAL, "there is no such disk");

	if (!rc)
		rc = sim_begin(&sim, s, m, err, "Convert %s to Basic Disk", m->disks[disk].name);
	if (rc)
		return rc;
	return sim_finish(&sim, op_to_basic(&sim, disk, err), out);
}
