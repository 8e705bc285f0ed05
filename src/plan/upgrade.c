/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * upgrade.c - an empty disk becomes dynamic (DiskPart "convert dynamic"), ldm-format.md 10 and 10.1.
 *
 * Order, each line flushed before the next:
 *   1 the private region: database, log, TOC       a cut here leaves debris on a disk that is still basic
 *   2 PRIVHEAD secondary, then primary             the same
 *   3 joining a group: the transaction that adds the disk record, on all disks of the group
 *                                                  before its commit point: rolls back; after: the group lists the disk
 *   4 MBR: PRIVHEAD in sector 6                    still basic: nothing looks there without the table
 *   5 the partition table                          from here on it is a dynamic disk for everyone
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/sim.h"

enum { SECTOR = 512, TOC_A = 2, TOC_B = 2045, MIN_PUBLIC = 2048 };

/* Where the regions of the new dynamic disk will lie, and its table. Sectors. */
struct geometry {
	uint64_t private_start, public_start, public_size;
	struct table want;
	struct table_part parts[16];
};

static int geometry_mbr(const struct sim_disk *d, const char *name, struct geometry *g, struct dyn_err *err)
{
	uint64_t total = d->map->total_sectors;

	if (total > UINT32_MAX)
		return dyn_refuse(err, -EFBIG, "Initialize it as GPT.", "%s is larger than the 2 TB an MBR can describe", name);
	g->private_start = total - LDM_PRIV_SECTORS;
	g->public_start = 63; /* 2003 and XP take the first sector of the second track whatever the header says */
	g->public_size = g->private_start - g->public_start;
	g->want.mbr_signature = d->table->mbr_signature;
	g->parts[0] = (struct table_part){
		.number = 1, .start = g->public_start, .size = g->public_size, .mbr_type = LDM_MBR_TYPE,
	};
	g->want.n = 1;
	return 0;
}

/* Types that stay beside the LDM partitions on a GPT dynamic disk. */
static bool stays(const struct table_part *p)
{
	return strcmp(p->gpt_type, TABLE_GPT_ESP) == 0 || strcmp(p->gpt_type, TABLE_GPT_RECOVERY) == 0 ||
	       strcmp(p->gpt_type, LDM_GPT_MSR) == 0;
}

/* The metadata partition comes from the start of the MSR, the data partition takes the room behind it. */
static int geometry_gpt(struct sim *sim, const struct sim_disk *d, const char *name, struct geometry *g,
			struct dyn_err *err)
{
	struct table_part *msr = NULL, *meta, *data;
	uint64_t end = d->table->last_usable + 1, meta_at = d->table->first_usable, data_at;

	if (d->table->n + 2 > sizeof(g->parts) / sizeof(g->parts[0]))
		return dyn_fail(err, -ENOTSUP, "%s has %zu partitions", name, d->table->n);
	for (size_t i = 0; i < d->table->n; i++) {
		g->parts[i] = d->table->parts[i];
		if (strcmp(g->parts[i].gpt_type, LDM_GPT_MSR) == 0)
			msr = &g->parts[i];
	}
	g->want.n = d->table->n;
	if (msr && msr->size <= LDM_PRIV_SECTORS)
		return dyn_refuse(err, -ENOSPC,
				  "Delete that partition and create one of 32 MB or more (create partition msr size=128).",
				  "the Microsoft reserved partition of %s is too small to hold the LDM database (1 MB)", name);
	if (msr) {
		meta_at = msr->start;
		msr->start += LDM_PRIV_SECTORS;
		msr->size -= LDM_PRIV_SECTORS;
		data_at = msr->start + msr->size;
	} else {
		for (size_t i = 0; i < d->table->n; i++)
			if (d->table->parts[i].start < meta_at + LDM_PRIV_SECTORS + MIN_PUBLIC)
				meta_at = d->table->parts[i].start + d->table->parts[i].size;
		data_at = meta_at + LDM_PRIV_SECTORS;
	}
	for (size_t i = 0; i < d->table->n; i++)
		if (d->table->parts[i].start >= data_at && d->table->parts[i].start < end)
			end = d->table->parts[i].start;
	if (data_at + MIN_PUBLIC > end)
		return dyn_refuse(err, -ENOSPC, "Choose a larger disk.", "%s has no room left for volumes", name);
	meta = &g->parts[g->want.n++];
	data = &g->parts[g->want.n++];
	*meta = (struct table_part){ .start = meta_at, .size = LDM_PRIV_SECTORS, .gpt_type = LDM_GPT_META,
				     .name = "LDM metadata partition" };
	*data = (struct table_part){ .start = data_at, .size = end - data_at, .gpt_type = LDM_GPT_DATA,
				     .name = "LDM data partition" };
	dyn_rand_guid(&sim->s->rand, meta->gpt_guid);
	dyn_rand_guid(&sim->s->rand, data->gpt_guid);
	memcpy(g->want.gpt_guid, d->table->gpt_guid, sizeof(g->want.gpt_guid));
	g->private_start = meta_at;
	g->public_start = data_at;
	g->public_size = data->size;
	return 0;
}

static int check(struct sim *sim, size_t disk, struct dyn_err *err)
{
	const struct sim_disk *sd = &sim->disks[disk];
	const char *name = sim->m->disks[disk].name;
	int rc = sim_need_disk(sim, disk, err);

	if (rc)
		return rc;
	if (sd->dynamic || sim->m->disks[disk].dynamic)
		return dyn_refuse(err, -EALREADY, "Add the mirror, or create volumes on it.", "%s is a dynamic disk already",
				  name);
	for (size_t i = 0; i < sd->table->n; i++)
		if (sd->table->kind == DYN_TABLE_MBR || !stays(&sd->table->parts[i]))
			return dyn_refuse(err, -ENOTEMPTY, "Choose an empty disk, or delete its partitions first.",
					  "%s has partitions with data (%zu): only an empty disk can be upgraded", name,
					  sd->table->n);
	return 0;
}

/* The group to join: the one asked for, or the only one there is. DYN_NONE in *group afterwards: a new one. */
static int choose_group(struct sim *sim, size_t *group, struct dyn_err *err)
{
	if (*group != DYN_NONE)
		return sim_need_group(sim, *group, err);
	if (sim->m->n_groups > 1)
		return dyn_refuse(err, -EINVAL, "Add the mirror directly: that says which group the disk has to join.",
				  "there are %zu disk groups, and the disk can join only one", sim->m->n_groups);
	if (sim->m->n_groups == 0)
		return 0;
	*group = 0;
	return sim_need_group(sim, 0, err);
}

/* A database of a new group with nothing but this disk in it. */
static int new_group(struct sim *sim, const char *disk_guid, struct ldm_db **out, uint64_t *record_id, struct dyn_err *err)
{
	struct ldm_record r = { .kind = LDM_DISK, .type = LDM_T_DISK3 };
	struct ldm_commit c = { 0 };
	struct ldm_db *db = NULL;
	struct ldm_txn *t = NULL;
	char guid[37];
	int rc;

	dyn_rand_guid(&sim->s->rand, guid);
	rc = ldm_db_new("DYNADISK-Dg0", guid, session_filetime(sim->s), &db);
	if (rc)
		return dyn_fail_nomem(err);
	rc = ldm_txn_begin(db, &t, err);
	if (rc)
		goto out;
	*record_id = r.id = ldm_txn_new_id(t);
	snprintf(r.name, sizeof(r.name), "Disk1");
	memcpy(r.u.disk.guid, disk_guid, sizeof(r.u.disk.guid));
	rc = ldm_txn_add(t, &r, err);
	if (!rc)
		rc = ldm_txn_commit(t, session_filetime(sim->s), &c, err);
	if (!rc) {
		*out = c.after;
		c.after = NULL;
	}
	ldm_commit_free(&c);
	ldm_txn_free(t);
out:
	ldm_db_free(db);
	return rc;
}

/* Headers of a disk joining a group are like its peers' but for the disk's own GUID and regions. */
static void make_privhead(struct sim *sim, const struct sim_disk *d, size_t group, const struct ldm_db *db,
			  const struct geometry *g, struct ldm_privhead *ph)
{
	const struct ldm_privhead *peer = NULL;

	for (size_t i = 0; i < sim->n_disks && !peer; i++)
		if (sim->disks[i].group == group && sim->disks[i].member && group != DYN_NONE)
			peer = &sim->disks[i].ph;
	memset(ph, 0, sizeof(*ph));
	ph->major = 2;
	ph->minor = 12;
	if (peer && peer->minor == 11 && d->table->kind == DYN_TABLE_MBR)
		ph->minor = 11;
	ph->time = session_filetime(sim->s);
	ph->sequence = 1;
	ph->primary_ph = LDM_PH_PRIMARY;
	ph->secondary_ph = LDM_PH_SECONDARY;
	memcpy(ph->disk_guid, d->ldm_guid, sizeof(ph->disk_guid));
	snprintf(ph->host_guid, sizeof(ph->host_guid), "%s", peer ? peer->host_guid : LDM_HOST_GUID);
	memcpy(ph->group_guid, db->head.group_guid, sizeof(ph->group_guid));
	memcpy(ph->group_name, db->head.group_name, sizeof(ph->group_name));
	ph->bytes_per_sector = SECTOR;
	ph->public_start = g->public_start;
	ph->public_size = g->public_size;
	ph->private_start = g->private_start;
	ph->private_size = LDM_PRIV_SECTORS;
	ph->primary_toc = TOC_A; /* libldm reads slot 2 only */
	ph->secondary_toc = TOC_B;
	ph->n_config = ph->n_log = 1;
	ph->config_size = LDM_CONFIG_SECTORS;
	ph->log_size = LDM_LOG_SECTORS;
	ph->tag = peer ? peer->tag : dyn_rand_u32(&sim->s->rand);
}

/* Steps 1 and 2 of the order above. */
static int write_private_region(struct sim *sim, struct plan_step *st, unsigned *phase, size_t disk,
				const struct ldm_db *db, const uint8_t *head)
{
	const struct ldm_toc toc = {
		.sequence = 1,
		.config = { "config", 0, LDM_CONFIG_START, LDM_CONFIG_SECTORS },
		.log = { "log", 0, LDM_LOG_START, LDM_LOG_SECTORS },
	};
	uint64_t at = sim->disks[disk].ph.private_start;
	uint8_t *region = calloc(LDM_PRIV_SECTORS, SECTOR);
	int rc = region ? 0 : -ENOMEM;

	if (!rc) {
		memcpy(region + LDM_CONFIG_START * SECTOR, db->config, (size_t)LDM_CONFIG_SECTORS * SECTOR);
		memcpy(region + LDM_LOG_START * SECTOR, db->log, (size_t)LDM_LOG_SECTORS * SECTOR);
		ldm_toc_encode(&toc, region + TOC_A * SECTOR);
		ldm_toc_encode(&toc, region + TOC_B * SECTOR);
		rc = sim_write(sim, st, (*phase)++, disk, at, LDM_PRIV_SECTORS, "private region: database, log, TOC", region,
			       true);
	}
	if (!rc)
		rc = sim_write(sim, st, (*phase)++, disk, at + LDM_PH_SECONDARY, 1, "private header, second copy", head, false);
	if (!rc)
		rc = sim_write(sim, st, (*phase)++, disk, at + LDM_PH_PRIMARY, 1, "private header", head, false);
	free(region);
	return rc;
}

/* Step 3: the group learns of the disk. The disk itself takes part, with the seeded database. */
static int join(struct sim *sim, struct plan_step *st, unsigned *phase, size_t disk, size_t group, struct dyn_err *err)
{
	struct sim_disk *d = &sim->disks[disk];
	struct ldm_record r = { .kind = LDM_DISK, .type = LDM_T_DISK3 };
	const struct ldm_db *db = sim->groups[group].db;
	char name[64];
	struct ldm_txn *t;
	int rc = ldm_txn_begin(db, &t, err);

	if (rc)
		return rc;
	r.id = d->record_id = ldm_txn_new_id(t);
	ldm_db_new_name(db, LDM_DISK, NULL, name);
	snprintf(r.name, sizeof(r.name), "%s", name);
	memcpy(r.u.disk.guid, d->ldm_guid, sizeof(r.u.disk.guid));
	rc = ldm_txn_add(t, &r, err);
	if (rc) {
		ldm_txn_free(t);
		return rc;
	}
	d->group = group;
	d->member = true;
	return sim_commit(sim, group, t, st, phase, err);
}

static int write_all(struct sim *sim, struct plan_step *st, size_t disk, size_t group, struct geometry *g,
		     struct dyn_err *err)
{
	struct sim_disk *d = &sim->disks[disk];
	struct ldm_db *fresh = NULL;
	uint8_t head[SECTOR];
	unsigned phase = 0;
	int rc = 0;

	dyn_rand_guid(&sim->s->rand, d->ldm_guid);
	if (group == DYN_NONE)
		rc = new_group(sim, d->ldm_guid, &fresh, &d->record_id, err);
	if (rc)
		return rc;
	make_privhead(sim, d, group, fresh ? fresh : sim->groups[group].db, g, &d->ph);
	ldm_privhead_encode(&d->ph, head);
	if (write_private_region(sim, st, &phase, disk, fresh ? fresh : sim->groups[group].db, head)) {
		ldm_db_free(fresh);
		return dyn_fail_nomem(err);
	}
	if (fresh) {
		d->group = sim->n_groups++;
		d->member = true;
		sim->groups[d->group].db = fresh;
	} else {
		rc = join(sim, st, &phase, disk, group, err);
	}
	if (!rc && g->want.kind == DYN_TABLE_MBR &&
	    sim_write(sim, st, phase++, disk, LDM_PH_MBR, 1, "private header, copy in sector 6", head, false))
		rc = dyn_fail_nomem(err);
	if (!rc)
		rc = sim_build_table(sim, st, &phase, disk, &g->want, err);
	d->dynamic = true;
	return rc;
}

int op_upgrade(struct sim *sim, size_t disk, enum dyn_table table, size_t group, struct dyn_err *err)
{
	const char *name = sim->m->disks[disk].name;
	struct sim_disk *d = &sim->disks[disk];
	struct geometry *g;
	struct plan_step *st;
	int rc = check(sim, disk, err);

	if (!rc)
		rc = choose_group(sim, &group, err);
	if (!rc && d->table->kind == DYN_TABLE_NONE) {
		if (table == DYN_TABLE_NONE) /* the size an MBR cannot describe, else what a Windows of any age reads */
			table = d->map->total_sectors > UINT32_MAX ? DYN_TABLE_GPT : DYN_TABLE_MBR;
		rc = op_initialize(sim, disk, table, err);
	}
	if (rc)
		return rc;
	g = calloc(1, sizeof(*g));
	if (!g)
		return dyn_fail_nomem(err);
	g->want.kind = d->table->kind;
	g->want.parts = g->parts;
	rc = g->want.kind == DYN_TABLE_MBR ? geometry_mbr(d, name, g, err) : geometry_gpt(sim, d, name, g, err);
	if (!rc) {
		st = plan_add_step(sim->p, DYN_STEP_SECTORS, disk, plan_printf(sim->p, "Upgrade %s to dynamic", name),
				   group == DYN_NONE ? "starts a new group" :
						       plan_printf(sim->p, "joins %s", sim->m->groups[group].name),
				   "convert dynamic");
		rc = st ? write_all(sim, st, disk, group, g, err) : dyn_fail_nomem(err);
	}
	free(g);
	return rc;
}

int dyn_plan_upgrade(struct dyn_session *s, struct dyn_model *m, size_t disk, enum dyn_table table, size_t group,
		     struct dyn_plan **out, struct dyn_err *err)
{
	struct sim sim;
	int rc = disk < m->n_disks ? 0 : dyn_fail(err, -EINVAL, "there is no such disk");

	if (!rc)
		rc = sim_begin(&sim, s, m, err, "Upgrade %s to Dynamic Disk", m->disks[disk].name);
	if (rc)
		return rc;
	return sim_finish(&sim, op_upgrade(&sim, disk, table, group, err), out);
}
