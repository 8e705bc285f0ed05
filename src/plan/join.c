/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan/join.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

enum { SECTOR = 512 };

int join_mark(struct sim *sim, struct plan_step *st, unsigned phase, size_t disk, const struct ldm_db *own, uint64_t tid)
{
	struct ldm_vmdb head = own->head;
	uint8_t sector[SECTOR];

	ldm_vmdb_mark_leaving(&head, tid);
	ldm_vmdb_encode(&head, sector);
	return plan_write(sim->p, st, phase, disk, sim->disks[disk].ph.private_start + LDM_CONFIG_START, 1,
			  "database header", own->config, sector);
}

/* A disk whose headers say what they are to say here. */
static const struct sim_disk *peer_of(const struct sim *sim, size_t group)
{
	for (size_t i = 0; i < sim->n_disks; i++)
		if (sim->disks[i].group == group && sim->disks[i].dynamic &&
		    strcasecmp(sim->disks[i].ph.group_guid, sim->m->groups[group].guid) == 0)
			return &sim->disks[i];
	return NULL;
}

/* The time is that of the commit, also when an import is finished later: it leaves what the import would have, which its
 * undo relies on. Whose disk it is changes; what it is, where its regions lie and which TOC counts, and what
 * version of Windows wrote it, do not. */
static void name_group(struct ldm_privhead *ph, const struct ldm_privhead *peer, const struct ldm_db *db)
{
	ph->time = db->head.time;
	memcpy(ph->host_guid, peer->host_guid, sizeof(ph->host_guid));
	memcpy(ph->group_guid, peer->group_guid, sizeof(ph->group_guid));
	memcpy(ph->group_name, peer->group_name, sizeof(ph->group_name));
	ph->tag = peer->tag;
	memcpy(ph->disk_set, peer->disk_set, sizeof(ph->disk_set));
}

/* All of both regions, so that undo has all of what was there. */
static int write_database(struct sim *sim, struct plan_step *st, unsigned *phase, size_t disk, const struct ldm_db *db)
{
	uint64_t at = sim->disks[disk].ph.private_start;
	int rc = plan_write(sim->p, st, *phase, disk, at + LDM_CONFIG_START + 1, LDM_CONFIG_SECTORS - 1, "database records",
			    NULL, db->config + SECTOR);

	if (!rc)
		rc = plan_write(sim->p, st, (*phase)++, disk, at + LDM_LOG_START, LDM_LOG_SECTORS, "transaction log", NULL,
				db->log);
	return rc ? rc : plan_write(sim->p, st, (*phase)++, disk, at + LDM_CONFIG_START, 1, "database header", NULL, db->config);
}

int join_disk(struct sim *sim, size_t disk, size_t group, struct dyn_err *err)
{
	struct sim_disk *d = &sim->disks[disk];
	const struct sim_disk *peer = peer_of(sim, group);
	const char *name = sim->m->disks[disk].name;
	const struct ldm_record *r = ldm_db_find_disk(sim->groups[group].db, d->ph.disk_guid);
	struct plan_step *st;
	uint8_t head[SECTOR];
	unsigned phase = 0;
	int rc;

	if (!peer || !r)
		return dyn_fail(err, -ESTALE, "the group %s does not know %s any more", sim->m->groups[group].name, name);
	name_group(&d->ph, &peer->ph, sim->groups[group].db);
	ldm_privhead_encode(&d->ph, head);
	st = plan_add_step(sim->p, DYN_STEP_SECTORS, disk,
			   plan_printf(sim->p, "Give %s the database and headers of its new group", name),
			   "database and headers only", "");
	rc = st ? write_database(sim, st, &phase, disk, sim->groups[group].db) : -ENOMEM;
	if (!rc)
		rc = sim_write(sim, st, phase++, disk, d->ph.private_start + LDM_PH_SECONDARY, 1, "private header, second copy",
			       head, false);
	if (!rc && d->table->kind == DYN_TABLE_MBR)
		rc = sim_write(sim, st, phase++, disk, LDM_PH_MBR, 1, "private header, copy in sector 6", head, false);
	if (!rc)
		rc = sim_write(sim, st, phase++, disk, d->ph.private_start + LDM_PH_PRIMARY, 1, "private header", head, false);
	/* the group must stay as it is meanwhile */
	for (size_t i = 0; !rc && i < sim->n_disks; i++)
		if (sim->disks[i].group == group && sim->disks[i].member)
			rc = plan_lock_disk(sim->p, i);
	if (rc)
		return dyn_fail_nomem(err);
	d->group = group;
	d->record_id = r->id;
	d->member = true;
	return 0;
}

/* One that the model counts to the group already, or whose mark bears the number that the group has come to. */
static bool on_the_way(const struct sim *sim, size_t disk, size_t group)
{
	const struct model_disk *md = &sim->m->priv->disks[disk];
	const struct ldm_db *db = sim->groups[group].db;

	if (!md->has_ldm || !md->db_head_ok)
		return false;
	if (sim->m->disks[disk].group == group)
		return md->join == MODEL_JOIN_CUT;
	return ldm_vmdb_is_leaving(&md->db_head, db->head.committed_tid) && ldm_db_find_disk(db, md->ph.disk_guid);
}

int join_rest(struct sim *sim, size_t group, struct dyn_err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < sim->n_disks; i++) {
		if (!on_the_way(sim, i, group))
			continue;
		rc = sim_need_disk(sim, i, err);
		if (!rc)
			rc = join_disk(sim, i, group, err);
	}
	return rc;
}
