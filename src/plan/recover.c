/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recover.c - a change of the group's database that was cut off is finished or rolled back, by the recovery rule
 * of ldm-format.md section 8: first the records and the log, then the headers, on all disks that took part. Where the
 * user insists although a disk is missing, a header with a number behind the change's comes before them. An import of
 * other disks into the group that was cut off behind its transaction is finished (join.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan/join.h"

enum { SECTOR = 512 };

/* A member's own copy. A disk of a group that is being imported has none of this group's. */
static const struct ldm_db *copy_of(const struct sim *sim, size_t disk, size_t group)
{
	const struct model_disk *md = &sim->m->priv->disks[disk];

	if (sim->m->disks[disk].group != group || !md->has_ldm || md->join != MODEL_JOIN_NONE)
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
					rel < LDM_LOG_START ?
						(rel == LDM_CONFIG_START ? "database header" : "database records") :
						"transaction log",
					before + (size_t)i * SECTOR, after + (size_t)i * SECTOR);
	return rc;
}

/*
 * A disk that was away took no part, and recovery must not make its old halves pass for good ones by giving it the
 * group's database: it stays out of date, to be reactivated. The same rule as in ldm_recover(); and a disk on which a
 * rollback under a number behind the change's began is one of those where the change was under way.
 */
static bool took_part(const struct ldm_db *db, const struct ldm_recovery *r)
{
	const struct ldm_vmdb *h = &db->head;

	return h->committed_tid == r->tid ||
	       (h->status != LDM_VMDB_CLEAN &&
		(h->pending_tid == r->tid || (h->pending_tid > r->tid && h->committed_tid == r->committed)));
}

/* `announce`: the header that is written first, or NULL. */
static int write_back(struct sim *sim, struct plan_step *st, size_t group, const struct ldm_recovery *r,
		      const uint8_t *announce)
{
	const struct ldm_db *after = r->after;
	int rc = 0;

	for (unsigned phase = 0; !rc && phase < 3; phase++)
		for (size_t d = 0; !rc && d < sim->n_disks; d++) {
			const struct ldm_db *db = copy_of(sim, d, group);
			if (!db || !took_part(db, r))
				continue;
			if (phase == 0 && announce)
				rc = write_region(sim, st, phase, d, LDM_CONFIG_START, 1, db->config, announce);
			if (phase == 1)
				rc = write_region(sim, st, phase, d, LDM_CONFIG_START + 1, LDM_CONFIG_SECTORS - 1,
						  db->config + SECTOR, after->config + SECTOR);
			if (phase == 1 && !rc)
				rc = write_region(sim, st, phase, d, LDM_LOG_START, LDM_LOG_SECTORS, db->log,
						  after->log);
			if (phase == 2)
				rc = write_region(sim, st, phase, d, LDM_CONFIG_START, 1,
						  announce ? announce : db->config, after->config);
		}
	return rc;
}

/*
 * An import marks the disks that are to leave with the number of the transaction that takes them over. While that one
 * is undecided, the other group's recovery comes first: rolling the marks back before it goes forward would tear the
 * groups apart.
 */
static size_t decides_for(const struct dyn_model *m, size_t group)
{
	for (size_t d = 0; d < m->n_disks; d++) {
		const struct model_disk *md = &m->priv->disks[d];
		uint64_t tid = md->db_head.pending_tid;
		if (m->disks[d].group != group || !md->db_head_ok || !ldm_vmdb_is_leaving(&md->db_head, tid))
			continue;
		for (size_t o = 0; o < m->n_disks; o++) {
			const struct model_disk *other = &m->priv->disks[o];
			size_t g = m->disks[o].group;
			if (g != DYN_NONE && g != group && other->db_head_ok &&
			    other->db_head.status != LDM_VMDB_CLEAN && other->db_head.pending_tid == tid)
				return g;
		}
	}
	return group;
}

static bool logged(const struct ldm_db *db)
{
	enum { ENTRIES = 64 };
	struct ldm_log_entry e[ENTRIES];
	size_t n = ldm_db_log(db, e, ENTRIES);

	for (size_t i = 0; i < n && i < ENTRIES; i++)
		if (e[i].status == LDM_LOG_COMMIT && e[i].second > db->head.committed_tid)
			return true;
	return n > ENTRIES;
}

/*
 * A disk that carries the commit decides for all, and a disk that is away may carry it. It cannot, where one that is
 * here has not noted the commit in its log: that is done on all of them before the first is committed. Nor does it
 * matter where one that is here carries it itself.
 */
static bool undecided(const struct ldm_db *const *copies, size_t n, uint64_t outcome)
{
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		const struct ldm_vmdb *h = &copies[i]->head;
		if (h->committed_tid != outcome) { /* out of date, or on its way to the outcome */
			if (h->status != LDM_VMDB_CLEAN && h->pending_tid == outcome)
				return false;
			continue;
		}
		if (h->status == LDM_VMDB_CLEAN || !logged(copies[i]))
			return false;
		any = true;
	}
	return any;
}

static int need_all(struct sim *sim, size_t group, bool insist, struct dyn_err *err)
{
	const struct dyn_group *g = &sim->m->groups[group];

	if (!insist)
		return dyn_refuse(err, -ENODEV,
				  "Connect what is missing and rescan. Or insist: then it is rolled back, and a disk "
				  "that returns is "
				  "out of date.",
				  "whether the change of group %s was made cannot be told: %zu of its %zu disks %s "
				  "missing and may "
				  "hold the answer",
				  g->name, g->n_missing, g->n_disks, g->n_missing == 1 ? "is" : "are");
	return plan_note(sim->p,
			 "%zu of the group's %zu disks %s missing. Whatever the change came to there, it is rolled "
			 "back here; a "
			 "missing disk that took part will be out of date when it returns.",
			 g->n_missing, g->n_disks, g->n_missing == 1 ? "is" : "are") ?
		       dyn_fail_nomem(err) :
		       0;
}

static uint64_t highest_pending(const struct ldm_db *const *copies, size_t n)
{
	uint64_t tid = 0;

	for (size_t i = 0; i < n; i++)
		if (copies[i]->head.pending_tid > tid)
			tid = copies[i]->head.pending_tid;
	return tid;
}

/* The group's own transaction; its database is the outcome afterwards. */
static int settle(struct sim *sim, size_t group, bool insist, struct dyn_err *err)
{
	const struct ldm_db **copies = calloc(sim->n_disks + 1, sizeof(*copies));
	struct ldm_recovery r = { 0 };
	struct plan_step *st = NULL;
	uint8_t sector[SECTOR], *announce = NULL;
	size_t n = 0;
	int rc = copies ? 0 : dyn_fail_nomem(err);

	for (size_t d = 0; !rc && d < sim->n_disks; d++) {
		const struct ldm_db *db = copy_of(sim, d, group);
		if (!db)
			continue;
		copies[n++] = db;
		rc = sim_need_disk(sim, d, err);
	}
	if (!rc)
		rc = ldm_recover(copies, n, session_filetime(sim->s), &r, err);
	if (!rc && sim->m->groups[group].n_missing && undecided(copies, n, r.tid)) {
		announce = sector;
		rc = need_all(sim, group, insist, err);
		if (!rc) /* a disk that returns with the change made must be behind the others, and not decide for them
			  */
			rc = ldm_recovery_behind(&r, highest_pending(copies, n) + 1, announce, err);
	}
	if (!rc) {
		st = plan_add_step(sim->p, DYN_STEP_SECTORS, DYN_NONE,
				   r.forward ? "Finish the change that was cut off" :
					       "Roll back the change that was cut off",
				   "database only", "");
		if (!st || write_back(sim, st, group, &r, announce))
			rc = dyn_fail_nomem(err);
	}
	if (!rc) {
		ldm_db_free(sim->groups[group].db);
		sim->groups[group].db = r.after;
		r.after = NULL;
	}
	ldm_db_free(r.after);
	free(copies);
	return rc;
}

static int op_recover(struct sim *sim, size_t group, bool insist, struct dyn_err *err)
{
	const struct dyn_group *g = &sim->m->groups[group];
	int rc = 0;

	if (!g->interrupted)
		return dyn_refuse(err, -EALREADY, "Nothing needs to be done.", "no change of group %s was cut off",
				  g->name);
	if (!g->import_cut)
		rc = settle(sim, group, insist, err);
	return rc ? rc : join_rest(sim, group, err);
}

static int recover(struct dyn_session *s, struct dyn_model *m, size_t group, bool insist, struct dyn_plan **out,
		   struct dyn_err *err)
{
	struct sim sim;
	int rc = group < m->n_groups ? 0 : dyn_fail(err, -EINVAL, "there is no such disk group");

	*out = NULL;
	if (!rc) {
		group = decides_for(m, group);
		rc = sim_begin(&sim, s, m, err,
			       m->groups[group].import_cut ? "Finish the import into %s" :
							     "Complete the interrupted change of group %s",
			       m->groups[group].name);
	}
	if (rc)
		return rc;
	return sim_finish(&sim, op_recover(&sim, group, insist, err), out);
}

int dyn_plan_recover(struct dyn_session *s, struct dyn_model *m, size_t group, struct dyn_plan **out,
		     struct dyn_err *err)
{
	return recover(s, m, group, false, out, err);
}

int dyn_plan_recover_anyway(struct dyn_session *s, struct dyn_model *m, size_t group, struct dyn_plan **out,
			    struct dyn_err *err)
{
	return recover(s, m, group, true, out, err);
}
