/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recover.c - a change of the group's database that was cut off is finished or rolled back, by the recovery rule
 * of ldm-format.md section 8: first the records and the log, then the headers, on all disks that took part.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan/sim.h"

enum { SECTOR = 512 };

static const struct ldm_db *copy_of(const struct sim *sim, size_t disk, size_t group)
{
	const struct model_disk *md = &sim->m->priv->disks[disk];

	if (sim->m->disks[disk].group != group || !md->has_ldm)
		return NULL;
	return md->current ? sim->m->priv->groups[group].db : md->own_db;
}

/* Sectors of one region that differ, as writes of `phase`; the header sector is left to the next phase. */
static int write_region(struct sim *sim, struct plan_step *st, unsigned phase, size_t disk, uint32_t rel,
			uint32_t n_sectors, const uint8_t *before, const uint8_t *after)
{
	uint64_t at = sim->disks[disk].ph.private_start + rel;
	int rc = 0;

	for (uint32_t i = 0; !rc && i < n_sectors; i++)
		if (memcmp(before + (size_t)i * SECTOR, after + (size_t)i * SECTOR, SECTOR) != 0)
			rc = plan_write(sim->p, st, phase, disk, at + i, 1,
					rel < LDM_LOG_START ? (rel == LDM_CONFIG_START ? "database header" : "database records") :
							      "transaction log",
					before + (size_t)i * SECTOR, after + (size_t)i * SECTOR);
	return rc;
}

/*
 * A disk that was away took no part, and recovery must not make its old halves pass for good ones by giving it the
 * group's database: it stays out of date, to be reactivated. The same rule as in ldm_recover().
 */
static bool took_part(const struct ldm_db *db, uint64_t tid)
{
	return db->head.committed_tid == tid || (db->head.status != LDM_VMDB_CLEAN && db->head.pending_tid == tid);
}

static int write_back(struct sim *sim, struct plan_step *st, size_t group, const struct ldm_db *after)
{
	uint64_t tid = after->head.committed_tid;
	int rc = 0;

	for (size_t d = 0; !rc && d < sim->n_disks; d++) {
		const struct ldm_db *db = copy_of(sim, d, group);
		if (!db || !took_part(db, tid))
			continue;
		rc = write_region(sim, st, 0, d, LDM_CONFIG_START + 1, LDM_CONFIG_SECTORS - 1, db->config + SECTOR,
				  after->config + SECTOR);
		if (!rc)
			rc = write_region(sim, st, 0, d, LDM_LOG_START, LDM_LOG_SECTORS, db->log, after->log);
	}
	for (size_t d = 0; !rc && d < sim->n_disks; d++) {
		const struct ldm_db *db = copy_of(sim, d, group);
		if (db && took_part(db, tid))
			rc = write_region(sim, st, 1, d, LDM_CONFIG_START, 1, db->config, after->config);
	}
	return rc;
}

static int op_recover(struct sim *sim, size_t group, struct dyn_err *err)
{
	const struct ldm_db **copies = calloc(sim->n_disks + 1, sizeof(*copies));
	struct ldm_recovery r = { 0 };
	struct plan_step *st = NULL;
	size_t n = 0;
	int rc = copies ? 0 : dyn_fail_nomem(err);

	for (size_t d = 0; !rc && d < sim->n_disks; d++) {
		const struct ldm_db *db = copy_of(sim, d, group);
		if (!db)
			continue;
		copies[n++] = db;
		rc = sim_need_disk(sim, d, err);
	}
	if (!rc && !sim->m->groups[group].interrupted)
		rc = dyn_refuse(err, -EALREADY, "Nothing needs to be done.", "no change of group %s was cut off",
				sim->m->groups[group].name);
	if (!rc)
		rc = ldm_recover(copies, n, session_filetime(sim->s), &r, err);
	if (!rc && sim->m->groups[group].n_missing &&
	    plan_note(sim->p, "%zu disks of the group are missing. If one of them took part in the change, connect it first.",
		      sim->m->groups[group].n_missing))
		rc = dyn_fail_nomem(err);
	if (!rc) {
		st = plan_add_step(sim->p, DYN_STEP_SECTORS, DYN_NONE,
				   r.forward ? "Finish the change that was cut off" : "Roll back the change that was cut off",
				   "database only", "");
		if (!st || write_back(sim, st, group, r.after))
			rc = dyn_fail_nomem(err);
	}
	ldm_db_free(r.after);
	free(copies);
	return rc;
}

int dyn_plan_recover(struct dyn_session *s, struct dyn_model *m, size_t group, struct dyn_plan **out, struct dyn_err *err)
{
	struct sim sim;
	int rc = group < m->n_groups ? 0 : dyn_fail(err, -EINVAL, "there is no such disk group");

	if (!rc)
		rc = sim_begin(&sim, s, m, err, "Complete the interrupted change of group %s", m->groups[group].name);
	if (rc)
		return rc;
	return sim_finish(&sim, op_recover(&sim, group, err), out);
}
