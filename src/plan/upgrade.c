/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * upgrade.c - a basic disk becomes dynamic (DiskPart "convert dynamic"), ldm-format.md 10 and 10.1. Its data
 * partitions become simple volumes where they are; geometry.c decides what lies where. Not a byte of theirs is written.
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

#include "base/bytes.h"
#include "plan/geometry.h"
#include "plan/records.h"

enum { SECTOR = 512, TOC_A = 2, TOC_B = 2045 };

/* ---------------------------------------------------------------------- checks */

static size_t data_partitions(const struct table *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += geometry_is_data(t, &t->parts[i]) || t->parts[i].extended;
	return n;
}

/* Boot code longer than a sector often goes on in the first track: sector 6 must be nobody's. */
static int check_sector_6(const struct sim_disk *d, const char *name, struct dyn_err *err)
{
	uint8_t sector[SECTOR];

	if (d->table->kind != DYN_TABLE_MBR || d->table->n == 0 || sectmap_get(d->map, LDM_PH_MBR, 1, sector) ||
	    bytes_all_zero(sector, SECTOR) || memcmp(sector, "PRIVHEAD", 8) == 0)
		return 0;
	return dyn_refuse(err, -EBUSY, "Remove the boot manager that uses the first track, and try again.",
			  "sector 6 of %s, where a dynamic disk has a header, is in use", name);
}

static int check(struct sim *sim, size_t disk, bool with_data, struct dyn_err *err)
{
	const struct sim_disk *sd = &sim->disks[disk];
	const struct dyn_disk *d = &sim->m->disks[disk];
	size_t n;
	int rc = sim_need_known_disk(sim, disk, err);

	if (rc)
		return rc;
	if (sd->dynamic || d->dynamic)
		return dyn_refuse(err, -EALREADY,
				  sim->m->n_groups > 1 ? "Add the mirror, or create volumes on it. If it is another group's and nothing "
							 "on it is needed, clean it first (DiskPart: clean)." :
							 "Add the mirror, or create volumes on it.",
				  "%s is a dynamic disk already", d->name);
	if (d->removable)
		return dyn_refuse(err, -ENOTSUP, "Use a fixed disk.",
				  "%s is removable, and such disks cannot be dynamic", d->name);
	n = data_partitions(sd->table);
	if (n && !with_data)
		return dyn_refuse(err, -ENOTEMPTY,
				  "Choose an empty disk, delete its partitions, or convert it to dynamic first (they "
				  "become volumes).",
				  "%s has partitions with data (%zu)", d->name, n);
	rc = sim_need_awake_disk(sim, disk, err);
	for (size_t v = 0; !rc && v < sim->m->n_volumes; v++)
		if (sim_plex_on(&sim->m->volumes[v], disk) != DYN_NONE && strcmp(sim->m->volumes[v].fs, "BitLocker") == 0)
			rc = dyn_refuse(err, -EBUSY, "Decrypt it in Windows first (manage-bde -off).",
					"a volume on %s is encrypted by BitLocker, which Windows does not open on a dynamic disk", d->name);
	return rc ? rc : check_sector_6(sd, d->name, err);
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

/* The disk's record and those of the volumes that its partitions become. */
static int add_records(struct maker *mk, const struct geometry *g, const char *disk_guid, uint64_t *record_id,
		       struct dyn_err *err)
{
	int rc = maker_add_disk(mk, disk_guid, record_id, err);

	for (size_t i = 0; !rc && i < g->n_volumes; i++) {
		const struct geo_volume *v = &g->volumes[i];
		struct new_volume nv = {
			.size = v->size,
			.part_type = v->part_type,
			.vflags = v->vflags,
			.no_letter = v->no_letter,
			.n_halves = 1,
			.halves = { { *record_id, v->start - g->public_start } },
		};
		rc = maker_add_volume(mk, &nv, err);
	}
	return rc;
}

/* A database of a new group with only this disk in it. */
static int new_group(struct sim *sim, const char *disk_guid, const struct geometry *g, struct ldm_db **out,
		     uint64_t *record_id, struct dyn_err *err)
{
	struct ldm_commit c = { 0 };
	struct ldm_db *db = NULL;
	struct maker mk = { 0 };
	char guid[37];
	int rc;

	dyn_rand_guid(&sim->s->rand, guid);
	rc = ldm_db_new("DYNADISK-Dg0", guid, session_filetime(sim->s), &db);
	if (rc)
		return dyn_fail_nomem(err);
	rc = maker_begin(&mk, sim, db, err);
	if (!rc)
		rc = add_records(&mk, g, disk_guid, record_id, err);
	if (!rc)
		rc = ldm_txn_commit(mk.t, session_filetime(sim->s), &c, err);
	if (!rc) {
		*out = c.after;
		c.after = NULL;
	}
	ldm_commit_free(&c);
	ldm_txn_free(mk.t);
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
		rc = sim_write(sim, st, (*phase)++, disk, at, LDM_PRIV_SECTORS, "private region: database, log, TOC",
			       region, true);
	}
	if (!rc)
		rc = sim_write(sim, st, (*phase)++, disk, at + LDM_PH_SECONDARY, 1, "private header, second copy", head,
			       false);
	if (!rc)
		rc = sim_write(sim, st, (*phase)++, disk, at + LDM_PH_PRIMARY, 1, "private header", head, false);
	free(region);
	return rc;
}

/* Step 3: the group learns of the disk. The disk itself takes part, with the seeded database. */
static int join(struct sim *sim, struct plan_step *st, unsigned *phase, size_t disk, size_t group,
		const struct geometry *g, struct dyn_err *err)
{
	struct sim_disk *d = &sim->disks[disk];
	struct maker mk;
	int rc = maker_begin(&mk, sim, sim->groups[group].db, err);

	if (rc)
		return rc;
	rc = add_records(&mk, g, d->ldm_guid, &d->record_id, err);
	if (rc) {
		ldm_txn_free(mk.t);
		return rc;
	}
	d->group = group;
	d->member = true;
	return sim_commit(sim, group, mk.t, st, phase, err);
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
		rc = new_group(sim, d->ldm_guid, g, &fresh, &d->record_id, err);
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
		rc = join(sim, st, &phase, disk, group, g, err);
	}
	if (!rc && g->want.kind == DYN_TABLE_MBR &&
	    sim_write(sim, st, phase++, disk, LDM_PH_MBR, 1, "private header, copy in sector 6", head, false))
		rc = dyn_fail_nomem(err);
	if (!rc)
		rc = sim_build_table(sim, st, &phase, disk, &g->want, err);
	d->dynamic = true;
	return rc;
}

/* ------------------------------------------------------------------- the plan */

/* What the partitions hold, by index into the disk's table: malloc'd array of texts that the model owns. */
static const char **file_systems(const struct sim *sim, size_t disk)
{
	const struct table *t = sim->disks[disk].table;
	const char **fs = calloc(t->n + 1, sizeof(*fs));

	for (size_t i = 0; fs && i < t->n; i++) {
		fs[i] = "";
		for (size_t k = 0; k < sim->m->n_volumes; k++) {
			const struct dyn_volume *v = &sim->m->volumes[k];
			if (v->layout == DYN_LAYOUT_PARTITION && v->n_plexes && v->plexes[0].extents[0].disk == disk &&
			    v->plexes[0].extents[0].offset == t->parts[i].start * SECTOR)
				fs[i] = v->fs;
		}
	}
	return fs;
}

static int make_geometry(struct sim *sim, size_t disk, struct geometry *g, struct dyn_err *err)
{
	const struct sim_disk *d = &sim->disks[disk];
	const char **fs = file_systems(sim, disk);
	int rc = fs ? geometry_plan(d->table, d->map->total_sectors, fs, sim->m->disks[disk].name, g, err) :
		      dyn_fail_nomem(err);

	free(fs);
	for (size_t i = 0; !rc && g->want.kind == DYN_TABLE_GPT && i < g->want.n; i++)
		if (!g->parts[i].gpt_guid[0])
			dyn_rand_guid(&sim->s->rand, g->parts[i].gpt_guid);
	return rc;
}

/* Which partitions are taken for Windows' own is an inference from the table: it is said. */
static int describe(struct sim *sim, size_t disk, const struct geometry *g, struct dyn_err *err)
{
	const char *name = sim->m->disks[disk].name;
	int rc = 0;

	if (g->n_volumes)
		rc = plan_note(sim->p,
			       "The data on %s stays where it is. Only Windows and tools that know LDM can read it "
			       "afterwards.",
			       name);
	for (size_t i = 0; !rc && i < g->n_volumes; i++) {
		const struct geo_volume *v = &g->volumes[i];
		if (v->vflags & LDM_VOL_SYSTEM)
			rc = plan_note(sim->p,
				       "Partition %u of %s is active: it is kept as an entry of its own, as the system "
				       "volume%s.",
				       v->number, name, v->vflags & LDM_VOL_BOOT ? " that holds Windows" : "");
		else if (v->vflags & LDM_VOL_BOOT)
			rc = plan_note(sim->p,
				       "Partition %u of %s is taken for the one that holds Windows, being the first "
				       "NTFS partition "
				       "behind the %s: it is kept as an entry of its own.",
				       v->number, name,
				       g->want.kind == DYN_TABLE_GPT ? "EFI system partition" : "active one");
	}
	return rc ? dyn_fail_nomem(err) : 0;
}

static int add_upgrade(struct sim *sim, size_t disk, size_t group, struct geometry *g, struct dyn_err *err)
{
	const char *name = sim->m->disks[disk].name, *becomes = "";
	struct plan_step *st;

	if (g->n_volumes)
		becomes = plan_printf(sim->p, ": %zu partition%s become%s simple volume%s", g->n_volumes,
				      g->n_volumes > 1 ? "s" : "", g->n_volumes > 1 ? "" : "s",
				      g->n_volumes > 1 ? "s" : "");
	if (!becomes)
		return dyn_fail_nomem(err);
	st = plan_add_step(
		sim->p, DYN_STEP_SECTORS, disk, plan_printf(sim->p, "Upgrade %s to dynamic%s", name, becomes),
		group == DYN_NONE ? "starts a new group" : plan_printf(sim->p, "joins %s", sim->m->groups[group].name),
		"convert dynamic");
	return st ? write_all(sim, st, disk, group, g, err) : dyn_fail_nomem(err);
}

static int upgrade(struct sim *sim, size_t disk, enum dyn_table table, size_t group, bool with_data,
		   struct dyn_err *err)
{
	struct sim_disk *d = &sim->disks[disk];
	struct geometry *g;
	int rc = check(sim, disk, with_data, err);

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
	rc = make_geometry(sim, disk, g, err);
	if (!rc)
		rc = describe(sim, disk, g, err);
	if (!rc)
		rc = add_upgrade(sim, disk, group, g, err);
	free(g);
	return rc;
}

int op_upgrade(struct sim *sim, size_t disk, enum dyn_table table, size_t group, struct dyn_err *err)
{
	return upgrade(sim, disk, table, group, false, err);
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
	return sim_finish(&sim, upgrade(&sim, disk, table, group, true, err), out);
}
