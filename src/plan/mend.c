/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mend.c - damaged copies of a disk's metadata are written anew from the good ones: GPT, LDM headers, tables of contents,
 * and the disk's copy of its group's database.
 *
 * Order: the partition table first, whose copies lead to all the rest; then the headers, each copy flushed before the
 * next; the database's records and log, its header last. The copy that serves as the model is never written, so a power
 * cut leaves a damaged copy and the good one, as before. What came out of the scan as doubtful - two valid copies that
 * differ, nothing telling which is right - and what is only out of date is left alone, and the plan says so.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan/sim.h"

enum { SECTOR = 512 };

struct mend {
	struct sim *sim;
	struct plan_step *st;
	size_t disk;
	unsigned phase;
	struct dyn_err *err;
};

static int mend_gpt(struct mend *x)
{
	const struct dyn_disk *d = &x->sim->m->disks[x->disk];
	struct table_sectors runs = { 0 };
	int rc = table_mend(x->sim->disks[x->disk].map, &runs, x->err);

	if (rc == -EBADMSG)
		return dyn_refuse(x->err, rc, "Keep the disk as it is: nothing else can be rebuilt from it.",
				  "No good copy is left on %s: %s", d->name, d->n_damage ? d->damage[0] : "its partition table");
	for (size_t i = 0; !rc && i < runs.n; i++)
		if (sim_write(x->sim, x->st, x->phase++, x->disk, runs.runs[i].sector, runs.runs[i].n_sectors, "GPT copy",
			      runs.runs[i].bytes, false))
			rc = dyn_fail_nomem(x->err);
	table_sectors_clear(&runs);
	return rc;
}

/* An MBR has one copy; but of a disk with nothing but one container the LDM header says where that lies. */
static int mend_container(struct mend *x)
{
	const struct sim_disk *d = &x->sim->disks[x->disk];
	struct table_part part;
	struct table want;

	if (!d->dynamic || d->table->kind != DYN_TABLE_MBR || d->table->n != 1 ||
	    d->table->parts[0].mbr_type != LDM_MBR_TYPE ||
	    (d->table->parts[0].start == d->ph.public_start && d->table->parts[0].size == d->ph.public_size))
		return 0;
	want = *d->table;
	part = d->table->parts[0];
	part.start = d->ph.public_start;
	part.size = d->ph.public_size;
	want.parts = &part;
	want.n_damage = 0;
	return sim_build_table(x->sim, x->st, &x->phase, x->disk, &want, x->err);
}

static int doubt(struct mend *x, const char *what)
{
	return plan_note(x->sim->p, "The copies of %s on %s differ, and nothing tells which is right: they stay as they are.",
			 what, x->sim->m->disks[x->disk].name) ? dyn_fail_nomem(x->err) : 0;
}

/* Each bad copy becomes like `good`. */
static int mend_copies(struct mend *x, const struct model_copies *c, const char *what, const uint8_t *good)
{
	int rc = 0;

	if (c->doubtful)
		return c->n_bad ? doubt(x, what) : 0;
	for (size_t i = 0; !rc && i < c->n_bad; i++)
		rc = sim_write(x->sim, x->st, x->phase++, x->disk, c->bad[i], 1, what, good, false);
	return rc ? dyn_fail_nomem(x->err) : 0;
}

static int mend_headers(struct mend *x)
{
	const struct model_disk *md = &x->sim->m->priv->disks[x->disk];
	struct ldm_toc toc = md->toc;
	uint8_t good[SECTOR];
	int rc;

	if (!md->has_ldm)
		return 0;
	if (sectmap_get(md->map, md->heads.good, 1, good))
		return dyn_fail(x->err, -EINVAL, "the good copy of the LDM header lies behind the end of the disk");
	rc = mend_copies(x, &md->heads, "the LDM private header", good);
	/* both of the pair are bad: from an older slot, whose regions are the only ones there are, under today's number */
	toc.sequence = md->ph.sequence;
	toc.config.flags = toc.log.flags = 0;
	if (!md->tocs.good)
		ldm_toc_encode(&toc, good);
	else if (sectmap_get(md->map, md->tocs.good, 1, good))
		return dyn_fail(x->err, -EINVAL, "the good copy of the LDM table of contents lies behind the end of the disk");
	return rc ? rc : mend_copies(x, &md->tocs, "the LDM table of contents", good);
}

/* The runs of sectors of a region that differ. */
static int write_region(struct mend *x, uint32_t rel, uint32_t n, const char *what, const uint8_t *was, const uint8_t *is)
{
	uint64_t at = x->sim->disks[x->disk].ph.private_start + rel;
	int rc = 0;

	for (uint32_t i = 0, k; !rc && i < n; i = k + 1) {
		for (k = i; k < n && memcmp(was + (size_t)k * SECTOR, is + (size_t)k * SECTOR, SECTOR) != 0;)
			k++;
		if (k > i)
			rc = plan_write(x->sim->p, x->st, x->phase, x->disk, at + i, k - i, what, was + (size_t)i * SECTOR,
					is + (size_t)i * SECTOR);
	}
	return rc;
}

static int mend_database(struct mend *x)
{
	const struct dyn_disk *d = &x->sim->m->disks[x->disk];
	const struct model_disk *md = &x->sim->m->priv->disks[x->disk];
	const uint8_t *config = md->own_db ? md->own_db->config : md->raw_db, *log;
	const struct ldm_db *db;
	int rc;

	if (md->has_ldm && !md->current && !md->db_damaged && x->st->pub.n_writes &&
	    plan_note(x->sim->p, "The database copy on %s stays as it is: it may be out of date, not just damaged.", d->name))
		return dyn_fail_nomem(x->err);
	if (!md->db_damaged || !config || d->group == DYN_NONE)
		return 0;
	if (x->sim->m->groups[d->group].interrupted)
		return plan_note(x->sim->p, "The database copy stays as it is until the interrupted change of the group is "
				 "finished or rolled back.") ? dyn_fail_nomem(x->err) : 0;
	/* an undo goes by the group's records; to make them what no program can read is nobody's wish */
	x->sim->p->no_undo = "what was in the damaged copy of the group's database cannot be read";
	db = x->sim->groups[d->group].db;
	log = md->own_db ? md->own_db->log : md->raw_db + LDM_CONFIG_SECTORS * SECTOR;
	rc = write_region(x, LDM_CONFIG_START + 1, LDM_CONFIG_SECTORS - 1, "database records", config + SECTOR,
			  db->config + SECTOR);
	if (!rc)
		rc = write_region(x, LDM_LOG_START, LDM_LOG_SECTORS, "transaction log", log, db->log);
	x->phase++;
	if (!rc)
		rc = write_region(x, LDM_CONFIG_START, 1, "database header", config, db->config);
	/* the others are only read, but nobody may change them meanwhile */
	for (size_t i = 0; !rc && i < x->sim->n_disks; i++)
		if (x->sim->disks[i].group == d->group && x->sim->disks[i].member)
			rc = plan_lock_disk(x->sim->p, i);
	return rc ? dyn_fail_nomem(x->err) : 0;
}

/* Another disk of the group has a database that is not the same. */
static bool databases_differ(const struct mend *x, size_t group)
{
	for (size_t i = 0; i < x->sim->m->n_disks; i++)
		if (x->sim->m->disks[i].group == group && x->sim->m->priv->disks[i].has_ldm && !x->sim->m->priv->disks[i].current)
			return true;
	return false;
}

/* Nothing can be written: because nothing is wrong, or because no good copy is left, which is said by its name. */
static int nothing_to_do(const struct mend *x)
{
	const struct dyn_disk *d = &x->sim->m->disks[x->disk];
	const struct model_disk *md = &x->sim->m->priv->disks[x->disk];
	const struct dyn_group *g = d->group < x->sim->m->n_groups ? &x->sim->m->groups[d->group] : NULL;
	bool lost = d->status == DYN_DISK_UNREADABLE && d->n_damage;

	if (lost)
		return dyn_refuse(x->err, -EBADMSG, "Keep the disk as it is: nothing else can be rebuilt from it.",
				  "No good copy is left on %s: %s", d->name, d->damage[d->n_damage - 1]);
	if (g && g->interrupted)
		return dyn_refuse(x->err, -EUCLEAN, "Finish or undo the interrupted change first.",
				  "what differs on %s may come from a change that was cut off", d->name);
	if (md->has_ldm && !md->current && !md->db_damaged && g && !g->problem[0] && d->status == DYN_DISK_ERRORS)
		return dyn_refuse(x->err, -ESTALE, "Reactivate it (DiskPart: recover).",
				  "the database copy on %s is not just damaged: %s", d->name, d->damage[d->n_damage - 1]);
	if (g && g->problem[0] && !databases_differ(x, d->group))
		return dyn_refuse(x->err, -ENOTSUP, "Its disks are shown, but nothing is written to them.",
				  "there is no other copy to repair %s from: %s", d->name, g->problem);
	if (g && g->problem[0])
		return dyn_refuse(x->err, -ENOTUNIQ,
				  "Decide by taking the wrong one's disk off line: remove the half on it, bring it back, and add "
				  "the mirror again.", "nothing tells which copy is right: %s", g->problem);
	if (md->heads.doubtful || md->tocs.doubtful)
		return dyn_refuse(x->err, -ENOTUNIQ, "The disk can be used as it is.",
				  "nothing tells which copy is right: %s", d->n_damage ? d->damage[0] : d->name);
	if (d->status == DYN_DISK_ERRORS && d->n_damage)
		return dyn_refuse(x->err, -ENOTSUP, "Nothing was written.", "there is no other copy to repair it from: %s",
				  d->damage[0]);
	return dyn_refuse(x->err, -EALREADY, "Nothing needs to be done.", "no metadata copy on %s is damaged", d->name);
}

static int op_mend(struct sim *sim, size_t disk, struct dyn_err *err)
{
	struct mend x = { .sim = sim, .disk = disk, .err = err };
	const char *name = sim->m->disks[disk].name;
	int rc = sim_need_disk(sim, disk, err);

	if (rc)
		return rc;
	x.st = plan_add_step(sim->p, DYN_STEP_SECTORS, disk,
			     plan_printf(sim->p, "Write the damaged copies on %s anew from the good ones", name),
			     "metadata copies only", "");
	if (!x.st)
		return dyn_fail_nomem(err);
	rc = mend_gpt(&x);
	if (!rc)
		rc = mend_container(&x);
	if (!rc)
		rc = mend_headers(&x);
	if (!rc)
		rc = mend_database(&x);
	if (!rc && x.st->pub.n_writes == 0)
		rc = nothing_to_do(&x);
	return rc;
}

int dyn_plan_mend(struct dyn_session *s, struct dyn_model *m, size_t disk, struct dyn_plan **out, struct dyn_err *err)
{
	struct sim sim;
	int rc = disk < m->n_disks ? 0 : dyn_fail(err, -EINVAL, "there is no such disk");

	if (!rc)
		rc = sim_begin(&sim, s, m, err, "Repair the metadata copies of %s", m->disks[disk].name);
	if (rc)
		return rc;
	return sim_finish(&sim, op_mend(&sim, disk, err), out);
}
