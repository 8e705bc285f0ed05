/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * reactivate.c - a disk that was away while its group changed is brought up to date (DiskPart "recover", Reactivate
 * Disk), ldm-format.md 9: its copy of the database counts for nothing, and its halves of mirrors are out of date.
 *
 * Order:
 *   1 its halves of mirrors leave their volumes: a commit on the group's current disks
 *   2 its database becomes the group's: the header marked as changing (the kernel then leaves the disk alone),
 *     the records and the log, the header last; PRIVHEAD and TOC stay. A cut leaves the disk out of date, as it was
 *     A disk that was away when its group was imported into this one gets the headers as well (join.h)
 *   3 its halves are made anew, as with Add Mirror: copied from the good ones, verified, then committed
 *
 * Which half is newer is never guessed: the source is the one whose disk took part in the last change, the plan
 * names it with both transactions and times, and the other disk is confirmed by name, for its halves are overwritten.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plan/join.h"
#include "plan/records.h"

enum { SECTOR = 512 };

/* "2024-03-01 17:20:05 UTC" of a FILETIME, or "unknown". */
static void time_text(uint64_t filetime, char *dst, size_t n)
{
	const uint64_t epoch = 116444736000000000ull;
	time_t t = (time_t)((filetime - epoch) / 10000000);
	struct tm tm;

	if (filetime < epoch || !gmtime_r(&t, &tm) || !strftime(dst, n, "%Y-%m-%d %H:%M:%S UTC", &tm))
		snprintf(dst, n, "unknown");
}

static int describe(struct sim *sim, size_t disk, struct dyn_err *err)
{
	const struct dyn_disk *d = &sim->m->disks[disk];
	const struct model_disk *md = &sim->m->priv->disks[disk];
	const struct ldm_vmdb *head = &sim->groups[d->group].db->head;
	char theirs[32], ours[32], group[96];
	int rc;

	time_text(head->time, ours, sizeof(ours));
	if (md->join == MODEL_JOIN_LATE) {
		dyn_text_clean(group, sizeof(group), md->ph.group_name, strlen(md->ph.group_name));
		time_text(md->db_head_ok ? md->db_head.time : 0, theirs, sizeof(theirs));
		rc = plan_note(sim->p,
			       "%s was away when its group %s was imported into %s. Its own database was written %s, that of %s %s: "
			       "numbers of two groups say nothing about which is the newer.",
			       d->name, group, sim->m->groups[d->group].name, theirs,
			       sim->m->groups[d->group].name, ours);
	} else if (md->own_db) {
		time_text(md->own_db->head.time, theirs, sizeof(theirs));
		rc = plan_note(
			sim->p,
			"The database of %s is at transaction %llu, written %s; its group is at %llu, written %s.",
			d->name, (unsigned long long)md->own_db->head.committed_tid, theirs,
			(unsigned long long)head->committed_tid, ours);
	} else {
		rc = plan_note(sim->p,
			       "The database copy on %s is damaged; its group is at transaction %llu, written %s.",
			       d->name, (unsigned long long)head->committed_tid, ours);
	}
	return rc ? dyn_fail_nomem(err) : 0;
}

static bool piece_on(const struct dyn_plex *p, size_t disk)
{
	for (size_t k = 0; k < p->n_extents; k++)
		if (p->extents[k].disk == disk)
			return true;
	return false;
}

static bool volume_on(const struct dyn_volume *v, size_t disk)
{
	for (size_t i = 0; i < v->n_plexes; i++)
		if (piece_on(&v->plexes[i], disk))
			return true;
	return false;
}

/* The disk of a half that is up to date and not on `disk`. */
static size_t good_half(const struct dyn_volume *v, size_t disk)
{
	for (size_t i = 0; i < v->n_plexes; i++)
		if (v->plexes[i].status == DYN_PLEX_OK && !piece_on(&v->plexes[i], disk) && v->plexes[i].n_extents)
			return v->plexes[i].extents[0].disk;
	return DYN_NONE;
}

static int check_volume(struct sim *sim, size_t volume, size_t disk, struct dyn_err *err)
{
	const struct dyn_volume *v = &sim->m->volumes[volume];
	const char *name = sim->m->disks[disk].name;
	size_t good = good_half(v, disk);
	char title[96];
	int rc = 0;

	model_volume_title(v, title, sizeof(title));
	if (v->layout == DYN_LAYOUT_RAID5)
		return dyn_refuse(
			err, -ENOTSUP, "Let Windows reactivate this disk: it rebuilds RAID-5 volumes.",
			"a column of the RAID-5 volume %s on %s is out of date, and dynadisk rebuilds mirrors only",
			title, name);
	if (v->layout == DYN_LAYOUT_MIRROR && good == DYN_NONE)
		return dyn_refuse(err, -ENODEV, "Connect the disk with the other half, then rescan.",
				  "the other half of %s is not here, and the one on %s is out of date: which is the "
				  "newer cannot be known",
				  title, name);
	if (v->layout == DYN_LAYOUT_MIRROR)
		rc = plan_note(sim->p,
			       "%s: the half on %s is the source. The half on %s is overwritten, also where it holds "
			       "something newer.",
			       title, sim->m->disks[good].name, name);
	else
		rc = plan_note(sim->p, "%s stays as it is: it has no other copy.", title);
	return rc ? dyn_fail_nomem(err) : 0;
}

static int check(struct sim *sim, size_t disk, struct dyn_err *err)
{
	const struct dyn_disk *d = &sim->m->disks[disk];
	const struct model_disk *md = &sim->m->priv->disks[disk];
	int rc = sim_need_disk(sim, disk, err);

	if (rc)
		return rc;
	if (!d->dynamic)
		return dyn_refuse(err, -EINVAL, "Nothing needs to be done.", "%s is a basic disk", d->name);
	if (d->status == DYN_DISK_FOREIGN)
		return dyn_refuse(err, -ENOENT, "If nothing on it is needed, clean it and add it again.",
				  "the group of %s does not know this disk any more: it was deleted from it", d->name);
	if (!md->has_ldm || !md->record_id || d->group == DYN_NONE)
		return dyn_refuse(err, -EBADMSG, "If nothing on it is needed, clean it and add it again.",
				  "%s has no LDM headers that can be used", d->name);
	if (md->current)
		return dyn_refuse(err, -EALREADY, "Nothing needs to be done.", "the database of %s is up to date",
				  d->name);
	return sim_need_group(sim, d->group, err);
}

/* ------------------------------------------------------------- the database copy */

/* The header of the old copy, marked as being changed; the old copy decodes, so it has one. */
static int mark_changing(struct sim *sim, struct plan_step *st, unsigned phase, size_t disk, const struct ldm_db *own)
{
	struct ldm_vmdb head = own->head;
	uint8_t sector[SECTOR];

	head.status = LDM_VMDB_CHANGE;
	ldm_vmdb_encode(&head, sector);
	return plan_write(sim->p, st, phase, disk, sim->disks[disk].ph.private_start + LDM_CONFIG_START, 1,
			  "database header", own->config, sector);
}

/* The runs of sectors of a region that differ; all of it when the old content is not known. */
static int write_region(struct sim *sim, struct plan_step *st, unsigned phase, size_t disk, uint32_t rel, uint32_t n,
			const uint8_t *was, const uint8_t *is)
{
	uint64_t at = sim->disks[disk].ph.private_start + rel;
	int rc = 0;

	if (!was)
		return plan_write(sim->p, st, phase, disk, at, n, "database and log", NULL, is);
	for (uint32_t i = 0, k; !rc && i < n; i = k + 1) {
		for (k = i; k < n && memcmp(was + (size_t)k * SECTOR, is + (size_t)k * SECTOR, SECTOR) != 0;)
			k++;
		if (k > i)
			rc = plan_write(sim->p, st, phase, disk, at + i, k - i,
					rel < LDM_LOG_START ? "database records" : "transaction log",
					was + (size_t)i * SECTOR, is + (size_t)i * SECTOR);
	}
	return rc;
}

/* Step 2 of the order above: the group's database as this plan has left it so far. */
static int write_database(struct sim *sim, size_t disk, struct dyn_err *err)
{
	const struct dyn_disk *d = &sim->m->disks[disk];
	const struct ldm_db *own = sim->m->priv->disks[disk].own_db, *db = sim->groups[d->group].db;
	uint64_t at = sim->disks[disk].ph.private_start + LDM_CONFIG_START;
	struct plan_step *st = plan_add_step(
		sim->p, DYN_STEP_SECTORS, disk, plan_printf(sim->p, "Bring the database on %s up to date", d->name),
		"database only", plan_printf(sim->p, "select disk %u\nrecover", d->number));
	int rc = st ? 0 : -ENOMEM;

	if (!rc && own)
		rc = mark_changing(sim, st, 0, disk, own);
	if (!rc)
		rc = write_region(sim, st, 1, disk, LDM_CONFIG_START + 1, LDM_CONFIG_SECTORS - 1,
				  own ? own->config + SECTOR : NULL, db->config + SECTOR);
	if (!rc)
		rc = write_region(sim, st, 1, disk, LDM_LOG_START, LDM_LOG_SECTORS, own ? own->log : NULL, db->log);
	if (!rc)
		rc = plan_write(sim->p, st, 2, disk, at, 1, "database header", NULL, db->config);
	sim->disks[disk].member = true;
	return rc ? dyn_fail_nomem(err) : 0;
}

/* true when a copy of the same transaction is only damaged: what its volumes hold is not out of date. */
static bool same_transaction(const struct sim *sim, size_t disk)
{
	const struct model_disk *md = &sim->m->priv->disks[disk];

	return md->join == MODEL_JOIN_NONE && md->tid == sim->groups[sim->disks[disk].group].db->head.committed_tid;
}

static int op_reactivate(struct sim *sim, size_t disk, struct dyn_err *err)
{
	bool stale = false;
	int rc;

	sim->reactivating = disk;
	rc = check(sim, disk, err);
	if (!rc)
		rc = describe(sim, disk, err);
	/* Undo puts the records back, but once the disk has the group's database nobody could tell its old halves any more. */
	sim->p->no_undo = "the halves on a disk that was out of date would pass for good ones";
	if (!rc && plan_note(sim->p, "This cannot be undone: the halves on %s would pass for good ones.",
			     sim->m->disks[disk].name))
		rc = dyn_fail_nomem(err);
	if (!rc)
		stale = !same_transaction(sim, disk);
	for (size_t i = 0; !rc && stale && i < sim->m->n_volumes; i++)
		if (sim->m->volumes[i].group == sim->m->disks[disk].group && volume_on(&sim->m->volumes[i], disk))
			rc = check_volume(sim, i, disk, err);
	for (size_t i = 0; !rc && stale && i < sim->m->n_volumes; i++) {
		const struct dyn_volume *v = &sim->m->volumes[i];
		if (v->group != sim->m->disks[disk].group || v->layout != DYN_LAYOUT_MIRROR || !volume_on(v, disk))
			continue;
		rc = op_break(sim, i, disk, false, err);
		sim->p->confirm_disk = disk; /* what this half holds is given up */
	}
	if (!rc && sim->m->priv->disks[disk].join != MODEL_JOIN_NONE)
		rc = join_disk(sim, disk, sim->m->disks[disk].group, err);
	else if (!rc)
		rc = write_database(sim, disk, err);
	for (size_t i = 0; !rc && stale && i < sim->m->n_volumes; i++) {
		const struct dyn_volume *v = &sim->m->volumes[i];
		if (v->group == sim->m->disks[disk].group && v->layout == DYN_LAYOUT_MIRROR && volume_on(v, disk))
			rc = op_add_mirror(sim, i, disk, DYN_TABLE_NONE, err);
	}
	return rc;
}

int dyn_plan_reactivate(struct dyn_session *s, struct dyn_model *m, size_t disk, struct dyn_plan **out,
			struct dyn_err *err)
{
	struct sim sim;
	int rc = disk < m->n_disks ? 0 : dyn_fail(err, -EINVAL, "there is no such disk");

	if (!rc)
		rc = sim_begin(&sim, s, m, err, "Reactivate %s", m->disks[disk].name);
	if (rc)
		return rc;
	return sim_finish(&sim, op_reactivate(&sim, disk, err), out);
}
