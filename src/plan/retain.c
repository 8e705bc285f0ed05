/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * retain.c - a volume gets partition entries of its own (DiskPart "retain"), as firmware and boot loaders want to
 * start from it. First the tables, then the mark in the database: a cut between them leaves an entry more than
 * needed, which every reader takes, while a marked volume without its entry is an error to some.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "plan/entries.h"
#include "plan/records.h"

enum { SECTOR = 512, MBR_SLOTS = 4 };

/* Index of the container that holds [start, start + size), DYN_NONE. */
static size_t holder(const struct table *t, uint64_t start, uint64_t size)
{
	for (size_t i = 0; i < t->n; i++)
		if (entry_is_container(t, &t->parts[i]) && t->parts[i].start <= start &&
		    start + size <= t->parts[i].start + t->parts[i].size)
			return i;
	return DYN_NONE;
}

/* A piece of a container as an entry of its own; the table's next free number. */
static void add_piece(struct sim *sim, struct table *t, const struct table_part *from, uint64_t start, uint64_t end)
{
	struct table_part *p = &t->parts[t->n];

	if (start == end)
		return;
	*p = *from;
	p->number = 0;
	p->active = false;
	p->start = start;
	p->size = end - start;
	if (t->kind == DYN_TABLE_GPT)
		dyn_rand_guid(&sim->s->rand, p->gpt_guid);
	t->n++;
}

int entry_of_its_own(struct sim *sim, struct plan_step *st, unsigned *phase, size_t disk, uint64_t start, uint64_t size,
		     struct dyn_err *err)
{
	struct table want;
	struct table_part old;
	size_t i;
	int rc = 0;

	if (entries_copy(sim->disks[disk].table, 2, &want))
		return dyn_fail_nomem(err);
	i = holder(&want, start, size);
	if (i == DYN_NONE) {
		entries_free(&want);
		return dyn_refuse(err, -EBADMSG, "Move its data to another volume.",
				  "it does not lie within one partition of %s", sim->m->disks[disk].name);
	}
	old = want.parts[i];
	if (old.start == start) {
		want.parts[i].size = size;
	} else {
		want.parts[i].size = start - old.start;
		add_piece(sim, &want, &old, start, start + size);
	}
	add_piece(sim, &want, &old, start + size, old.start + old.size);
	if (want.kind == DYN_TABLE_MBR && entries_primaries(&want) > MBR_SLOTS)
		rc = dyn_refuse(err, -ENOSPC,
				"Volumes at the very start or end of the dynamic room need fewer entries; a GPT disk "
				"has room for 128.",
				"the partition table of %s has four entries, and %zu would be needed",
				sim->m->disks[disk].name, entries_primaries(&want));
	if (!rc && (old.start != start || old.size != size))
		rc = sim_build_table(sim, st, phase, disk, &want, err);
	entries_free(&want);
	return rc;
}

static bool stands_alone(const struct sim *sim, const struct dyn_extent *e)
{
	const struct table *t = sim->disks[e->disk].table;
	size_t i = holder(t, e->offset / SECTOR, e->size / SECTOR);

	return i != DYN_NONE && t->parts[i].start == e->offset / SECTOR && t->parts[i].size == e->size / SECTOR;
}

static int check(struct sim *sim, const struct dyn_volume *v, const char *title, struct dyn_err *err)
{
	if (v->layout == DYN_LAYOUT_PARTITION)
		return dyn_refuse(err, -EINVAL, "Nothing needs to be done: it has its own entry.",
				  "%s is a partition on a basic disk", title);
	if (v->layout != DYN_LAYOUT_SIMPLE && v->layout != DYN_LAYOUT_MIRROR)
		return dyn_refuse(err, -EINVAL, "Choose a simple or mirrored volume.",
				  "%s lies in several pieces, and nothing can start from it", title);
	for (size_t i = 0; i < v->n_plexes; i++)
		if (v->plexes[i].n_extents != 1)
			return dyn_refuse(err, -EINVAL, "Choose a volume of one piece.", "%s lies in several pieces",
					  title);
	if (v->job != DYN_NONE)
		return dyn_refuse(err, -EBUSY, "Wait for the rebuild, or cancel it first.", "%s is being rebuilt",
				  title);
	if (v->status != DYN_VOLUME_HEALTHY)
		return dyn_refuse(err, -EIO, "Repair it first.", "%s is not healthy", title);
	return sim_need_group(sim, v->group, err);
}

static int mark(struct sim *sim, size_t group, const struct ldm_record *vol, struct plan_step *st, unsigned *phase,
		struct dyn_err *err)
{
	struct ldm_record changed = *vol;
	struct ldm_txn *t;
	int rc;

	if (vol->u.volume.vflags & LDM_VOL_RETAIN)
		return 0;
	rc = ldm_txn_begin(sim->groups[group].db, &t, err);
	if (rc)
		return rc;
	changed.u.volume.vflags |= LDM_VOL_RETAIN;
	rc = ldm_txn_replace(t, &changed, err);
	if (rc) {
		ldm_txn_free(t);
		return rc;
	}
	return sim_commit(sim, group, t, st, phase, err);
}

static int op_retain(struct sim *sim, size_t volume, const char *title, struct dyn_err *err)
{
	const struct dyn_volume *v = &sim->m->volumes[volume];
	const struct ldm_record *vol;
	struct plan_step *st;
	unsigned phase = 0;
	bool alone = true;
	int rc = check(sim, v, title, err);

	if (rc)
		return rc;
	vol = ldm_db_find(sim->groups[v->group].db, LDM_VOLUME, sim->m->priv->volumes[volume].record_id);
	if (!vol)
		return dyn_fail(err, -ESTALE, "the database does not hold %s any more", v->name);
	for (size_t i = 0; i < v->n_plexes; i++)
		alone &= stands_alone(sim, &v->plexes[i].extents[0]);
	if (alone && vol->u.volume.vflags & LDM_VOL_RETAIN)
		return dyn_refuse(err, -EALREADY, "Nothing needs to be done.", "%s has a retained partition already",
				  title);
	st = plan_add_step(sim->p, DYN_STEP_SECTORS, v->plexes[0].extents[0].disk,
			   plan_printf(sim->p, "Give %s its own partition entry%s", title,
				       v->n_plexes > 1 ? " on both disks" : ""),
			   "partition table and database", plan_printf(sim->p, "select volume %u\nretain", v->number));
	if (!st)
		return dyn_fail_nomem(err);
	for (size_t i = 0; !rc && i < v->n_plexes; i++) {
		const struct dyn_extent *e = &v->plexes[i].extents[0];
		rc = entry_of_its_own(sim, st, &phase, e->disk, e->offset / SECTOR, e->size / SECTOR, err);
	}
	return rc ? rc : mark(sim, v->group, vol, st, &phase, err);
}

int dyn_plan_retain(struct dyn_session *s, struct dyn_model *m, size_t volume, struct dyn_plan **out,
		    struct dyn_err *err)
{
	char title[96] = "";
	struct sim sim;
	int rc;

	if (volume < m->n_volumes)
		model_volume_title(&m->volumes[volume], title, sizeof(title));
	rc = sim_begin(&sim, s, m, err, "Retain %s", title);
	if (rc)
		return rc;
	rc = sim_need_volume(&sim, volume, err);
	return sim_finish(&sim, rc ? rc : op_retain(&sim, volume, title, err), out);
}
