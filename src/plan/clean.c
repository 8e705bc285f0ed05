/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * clean.c - a disk forgets what it is (DiskPart "clean", "clean all").
 *
 * clean zeros the first and the last MiB. GPT: the last one first, since the primary table speaks for the disk until it
 * goes; MBR: the first one first, since sector 0 does, and the last MiB may hold data as long as there is a table. A disk
 * may take the sectors of a write in any order, so those that decide go alone: the protective MBR, without which a GPT is
 * one still, then its header; the entries last, as a header without them would be a damaged table.
 * A dynamic disk must be empty: its group is told first, or it would wait for a disk that never comes back. One from
 * elsewhere, the only one of its group that is here beside another group, may be cleaned as it is, once it has been named.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "plan/partition.h"

static bool other_member_here(const struct sim *sim, size_t disk)
{
	for (size_t i = 0; i < sim->n_disks; i++)
		if (i != disk && sim->m->disks[i].group == sim->m->disks[disk].group &&
		    sim->m->disks[i].status != DYN_DISK_MISSING)
			return true;
	return false;
}

/* A disk from elsewhere: of its group it alone is here, beside another group. */
static bool is_lone_foreigner(const struct sim *sim, size_t disk)
{
	return sim->m->disks[disk].group != DYN_NONE && sim->m->n_groups > 1 && !other_member_here(sim, disk);
}

static int need_empty(const struct sim *sim, size_t disk, struct dyn_err *err)
{
	const struct dyn_disk *d = &sim->m->disks[disk];
	char volumes[160];

	if (sim->m->priv->disks[disk].n_rebuilds)
		return dyn_refuse(err, -EBUSY, "Cancel the rebuild, or wait until it is done and remove the mirror.",
				  "%s is the target of a rebuild", d->name);
	if (d->group != DYN_NONE && !is_lone_foreigner(sim, disk) && sim->groups[d->group].db && sim->disks[disk].record_id &&
	    sim_volumes_on(sim, sim->groups[d->group].db, sim->disks[disk].record_id, volumes, sizeof(volumes)))
		return dyn_refuse(
			err, -EBUSY,
			"Remove the mirror halves on it (break with nokeep) and delete its other volumes first.",
			"%s still holds parts of: %s", d->name, volumes);
	return 0;
}

/* The other disks of its group lose its record; nothing when there are none. */
static int leave_group(struct sim *sim, size_t disk, struct dyn_err *err)
{
	struct sim_disk *sd = &sim->disks[disk];
	const struct dyn_disk *d = &sim->m->disks[disk];
	struct plan_step *st;
	struct ldm_txn *t;
	unsigned phase = 0;
	bool others = false;
	int rc;

	if (!sd->record_id || d->group == DYN_NONE || d->status == DYN_DISK_FOREIGN)
		return 0;
	for (size_t i = 0; i < sim->n_disks; i++)
		others |= i != disk && sim->disks[i].group == d->group && sim->disks[i].member;
	if (!others)
		return 0;
	rc = sim_need_group(sim, d->group, err);
	if (rc)
		return rc;
	st = plan_add_step(sim->p, DYN_STEP_SECTORS, disk,
			   plan_printf(sim->p, "Take %s out of its group %s", d->name, sim->m->groups[d->group].name),
			   "database only", "");
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
	sd->member = false; /* its own copy is about to go */
	return sim_commit(sim, d->group, t, st, &phase, err);
}

static int zero_run(struct sim *sim, struct plan_step *st, unsigned phase, size_t disk, uint64_t sector, uint64_t n,
		    const char *what)
{
	uint8_t *zero = calloc((size_t)n, PART_SECTOR);
	int rc = zero ? sim_write(sim, st, phase, disk, sector, (uint32_t)n, what, zero, true) : -ENOMEM;

	free(zero);
	return rc;
}

/* Both ends; what lies between is not looked at any more. */
static int zero_ends(struct sim *sim, size_t disk, struct dyn_err *err)
{
	const struct dyn_disk *d = &sim->m->disks[disk];
	uint64_t total = sim->disks[disk].map->total_sectors, unit = d->sector_size / PART_SECTOR;
	uint64_t head = total < PART_MIB ? total : PART_MIB, tail = total - head < PART_MIB ? total - head : PART_MIB;
	bool gpt = sim->disks[disk].table->kind == DYN_TABLE_GPT;
	struct plan_step *st = plan_add_step(sim->p, DYN_STEP_SECTORS, disk, plan_printf(sim->p, "Clean %s", d->name),
					     plan_printf(sim->p, "ERASES DISK %u", d->number), "clean");
	int rc = st ? 0 : -ENOMEM;

	if (!rc)
		st->pub.destroys = true;
	if (!rc && gpt && tail)
		rc = zero_run(sim, st, 0, disk, total - tail, tail, "the last MiB");
	if (!rc)
		rc = zero_run(sim, st, 1, disk, 0, unit, "the MBR");
	if (!rc && gpt)
		rc = zero_run(sim, st, 2, disk, unit, unit, "GPT header");
	if (!rc)
		rc = zero_run(sim, st, 3, disk, gpt ? 2 * unit : unit, head - (gpt ? 2 : 1) * unit, "the first MiB");
	if (!rc && !gpt && tail)
		rc = zero_run(sim, st, 4, disk, total - tail, tail, "the last MiB");
	return rc ? dyn_fail_nomem(err) : 0;
}

/* An image of nothing but a hole, as large as the disk: it is written as zeros. */
static int zero_all(struct sim *sim, size_t disk, struct dyn_err *err)
{
	const struct dyn_disk *d = &sim->m->disks[disk];
	uint64_t size = sim->disks[disk].map->total_sectors * PART_SECTOR;
	int fd = memfd_create("dynadisk-zeros", MFD_CLOEXEC);
	struct plan_step *st;

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0) {
		int e = errno;
		if (fd >= 0)
			close(fd);
		return dyn_fail(err, -e, "cannot prepare the zeros for %s: %s", d->name, strerror(e));
	}
	st = plan_add_step(sim->p, DYN_STEP_IMAGE, disk, plan_printf(sim->p, "Write zeros to all of %s", d->name),
			   plan_printf(sim->p, "ERASES DISK %u", d->number), "clean all");
	if (!st) {
		close(fd);
		return dyn_fail_nomem(err);
	}
	st->image_fd = fd;
	st->no_undo = true;
	st->pub.destroys = true;
	st->pub.size = size;
	if (plan_lock_disk(sim->p, disk) ||
	    plan_note(sim->p, "Every byte of %s is overwritten with zeros: this cannot be undone.", d->name))
		return dyn_fail_nomem(err);
	return 0;
}

/* Names what is lost with a disk of a foreign group. */
static int note_foreign(struct sim *sim, size_t disk)
{
	const struct dyn_disk *d = &sim->m->disks[disk];
	const struct dyn_group *g = d->group == DYN_NONE ? NULL : &sim->m->groups[d->group];
	char volumes[300];
	size_t n;

	if (!g || !is_lone_foreigner(sim, disk) || !sim->groups[d->group].db || !sim->disks[disk].record_id)
		return 0;
	n = sim_volumes_on(sim, sim->groups[d->group].db, sim->disks[disk].record_id, volumes, sizeof(volumes));
	if (n && plan_note(sim->p, "What %s holds of these volumes of the group %s is lost: %s.%s", d->name, g->name, volumes,
			   g->n_missing ? " The group's other disks, which are not here, will miss it." : ""))
		return -ENOMEM;
	for (size_t i = 0; i < sim->m->n_volumes; i++) {
		const struct dyn_volume *v = &sim->m->volumes[i];
		char title[96];
		if (v->group != d->group || v->layout != DYN_LAYOUT_MIRROR || v->status != DYN_VOLUME_FAILED_REDUNDANCY)
			continue;
		model_volume_title(v, title, sizeof(title));
		if (plan_note(sim->p, "It holds the only half of %s that is here.", title))
			return -ENOMEM;
	}
	return 0;
}

/* Names what is lost on a basic disk. */
static int note_volumes(struct sim *sim, size_t disk)
{
	char list[400] = "", title[96];
	size_t used = 0;

	for (size_t i = 0; i < sim->m->n_volumes; i++) {
		const struct dyn_volume *v = &sim->m->volumes[i];
		if (v->layout != DYN_LAYOUT_PARTITION || !v->n_plexes || v->plexes[0].extents[0].disk != disk)
			continue;
		model_volume_title(v, title, sizeof(title));
		if (used < sizeof(list))
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "", title);
	}
	return used ? plan_note(sim->p, "These volumes of %s are lost: %s.", sim->m->disks[disk].name, list) : 0;
}

static int op_clean(struct sim *sim, size_t disk, bool all, struct dyn_err *err)
{
	const struct dyn_disk *d = &sim->m->disks[disk];
	int rc = sim_need_disk(sim, disk, err);

	if (!rc)
		rc = need_empty(sim, disk, err);
	if (!rc && (d->status == DYN_DISK_UNREADABLE || d->status == DYN_DISK_FOREIGN) &&
	    plan_note(sim->p, "What volumes %s holds cannot be known: its LDM database %s.", d->name,
		      d->status == DYN_DISK_FOREIGN ? "is not its group's" : "or its partition table cannot be read"))
		rc = dyn_fail_nomem(err);
	if (!rc && (note_volumes(sim, disk) || note_foreign(sim, disk)))
		rc = dyn_fail_nomem(err);
	if (!rc)
		rc = leave_group(sim, disk, err);
	if (rc)
		return rc;
	sim->p->confirm_disk = disk;
	return all ? zero_all(sim, disk, err) : zero_ends(sim, disk, err);
}

int dyn_plan_clean(struct dyn_session *s, struct dyn_model *m, size_t disk, bool all, struct dyn_plan **out,
		   struct dyn_err *err)
{
	struct sim sim;
	int rc = disk < m->n_disks ? 0 : dyn_fail(err, -EINVAL, "there is no such disk");

	if (!rc)
		rc = sim_begin(&sim, s, m, err, all ? "Clean all of %s" : "Clean %s", m->disks[disk].name);
	if (rc)
		return rc;
	return sim_finish(&sim, op_clean(&sim, disk, all, err), out);
}
