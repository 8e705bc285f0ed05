/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * repair.c - the whole repair of a mirror that lost a half, as one plan: drop the lost half, delete its
 * disk when nothing else is on it, prepare the replacement, mirror again. What a newcomer presses `r` for.
 */
#include <errno.h>
#include <stdio.h>

#include "plan/sim.h"

/* The disk of the half that is lost, and of the one that is good. */
static int find_halves(const struct dyn_model *m, size_t volume, size_t *lost, size_t *good, struct dyn_err *err)
{
	const struct dyn_volume *v = &m->volumes[volume];
	char title[96];

	model_volume_title(v, title, sizeof(title));
	if (v->layout != DYN_LAYOUT_MIRROR)
		return dyn_refuse(err, -EINVAL, "Only a mirror that lost a half can be repaired.", "%s is not a mirror", title);
	*lost = *good = DYN_NONE;
	for (size_t i = 0; i < v->n_plexes; i++) {
		size_t disk = v->plexes[i].n_extents ? v->plexes[i].extents[0].disk : DYN_NONE;
		if (v->plexes[i].status == DYN_PLEX_OK)
			*good = disk;
		else
			*lost = disk;
	}
	if (*lost == DYN_NONE)
		return dyn_refuse(err, -EALREADY, "Nothing needs to be done.", "both halves of %s are there", title);
	if (*good == DYN_NONE)
		return dyn_refuse(err, -ENODEV, "Connect a disk that holds one of its halves, then rescan.",
				  "%s has no good half left", title);
	return 0;
}

static bool repairable_with(const struct dyn_model *m, size_t other, size_t volume, size_t lost)
{
	size_t l, g;

	return m->volumes[other].group == m->volumes[volume].group && !find_halves(m, other, &l, &g, NULL) && l == lost;
}

static int describe(struct sim *sim, size_t volume, size_t lost, size_t good, struct dyn_err *err)
{
	const struct dyn_disk *l = &sim->m->disks[lost];
	char title[96], disk[192];

	model_volume_title(&sim->m->volumes[volume], title, sizeof(title));
	model_disk_title(&sim->m->disks[good], disk, sizeof(disk));
	if (plan_note(sim->p, l->status == DYN_DISK_MISSING ? "%s lost its half on %s." : "The half of %s on %s is out of date.",
		      title, l->name) ||
	    plan_note(sim->p, "The good half, used as the source: %s", disk))
		return dyn_fail_nomem(err);
	return 0;
}

/* Deleting the disk is part of the repair when it can be; when other volumes keep it, the plan says so and goes on. */
static int delete_if_empty(struct sim *sim, size_t lost, struct dyn_err *err)
{
	struct dyn_err why = { 0 };
	int rc;

	if (sim->m->disks[lost].status != DYN_DISK_MISSING)
		return 0;
	rc = op_delete_missing(sim, lost, &why);
	if (rc == -EBUSY) {
		if (plan_note(sim->p, "%s; it stays in the group.", why.what))
			return dyn_fail_nomem(err);
		return 0;
	}
	if (rc && err)
		*err = why;
	return rc;
}

static int op_repair(struct sim *sim, size_t volume, size_t target, enum dyn_table table, bool whole_disk,
		     struct dyn_err *err)
{
	size_t lost, good, n = whole_disk ? sim->m->n_volumes : 0;
	int rc = find_halves(sim->m, volume, &lost, &good, err);

	if (!rc && target >= sim->m->n_disks)
		rc = dyn_fail(err, -EINVAL, "there is no such disk");
	if (!rc)
		rc = describe(sim, volume, lost, good, err);
	if (!rc)
		rc = op_break(sim, volume, lost, false, err);
	for (size_t i = 0; !rc && i < n; i++)
		if (i != volume && repairable_with(sim->m, i, volume, lost))
			rc = op_break(sim, i, lost, false, err);
	if (!rc)
		rc = delete_if_empty(sim, lost, err);
	if (!rc)
		rc = op_add_mirror(sim, volume, target, table, err);
	for (size_t i = 0; !rc && i < n; i++)
		if (i != volume && repairable_with(sim->m, i, volume, lost))
			rc = op_add_mirror(sim, i, target, table, err);
	if (!rc && !sim->m->disks[target].blank &&
	    plan_note(sim->p, "Undo does not bring back what was in the space the copy goes to."))
		rc = dyn_fail_nomem(err);
	return rc;
}

int dyn_plan_repair(struct dyn_session *s, struct dyn_model *m, size_t volume, size_t target, enum dyn_table table,
		    bool whole_disk, struct dyn_plan **out, struct dyn_err *err)
{
	struct sim sim;
	char title[96] = "";
	int rc;

	if (volume < m->n_volumes)
		model_volume_title(&m->volumes[volume], title, sizeof(title));
	rc = sim_begin(&sim, s, m, err, "Repair %s", title);
	if (rc)
		return rc;
	rc = sim_need_volume(&sim, volume, err);
	return sim_finish(&sim, rc ? rc : op_repair(&sim, volume, target, table, whole_disk, err), out);
}
