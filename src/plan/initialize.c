/* SPDX-License-Identifier: GPL-3.0-or-later */
/* initialize.c - a new, empty partition table (DiskPart "convert mbr", "convert gpt"). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "plan/sim.h"

enum { SECTOR = 512 };

/*
 * The reserved partition Windows makes at once on a GPT disk, at the first usable sector: 32 MiB below
 * 16 GiB, 128 MiB above (product.md row 18; 34..65569 on the 50 MiB disks of the 2008 set). Too small a
 * disk for it gets none.
 */
static uint64_t msr_sectors(uint64_t total)
{
	return total < (16ull << 30) / SECTOR ? (32 << 20) / SECTOR : (128 << 20) / SECTOR;
}

static bool only_reserved(const struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->kind != DYN_TABLE_GPT || strcmp(t->parts[i].gpt_type, LDM_GPT_MSR) != 0)
			return false;
	return true;
}

static int check(const struct sim *sim, size_t disk, enum dyn_table table, struct dyn_err *err)
{
	const struct dyn_disk *d = &sim->m->disks[disk];
	const struct sim_disk *sd = &sim->disks[disk];
	int rc = sim_need_known_disk(sim, disk, err);

	if (rc)
		return rc;
	if (table != DYN_TABLE_MBR && table != DYN_TABLE_GPT)
		return dyn_fail(err, -EINVAL, "a disk is initialized as MBR or GPT");
	if (sd->dynamic || d->dynamic)
		return dyn_refuse(err, -EEXIST, "Nothing needs to be done before a mirror is added to it.",
				  "%s is a dynamic disk already", d->name);
	if (!only_reserved(sd->table))
		return dyn_refuse(err, -ENOTEMPTY,
				  "Only an empty disk can be initialized. Choose another disk, or delete its partitions first.",
				  "%s has partitions (%zu)", d->name, sd->table->n);
	if (sd->table->kind == table)
		return dyn_refuse(err, -EALREADY, "Continue with the next step.", "%s is %s already", d->name,
				  table == DYN_TABLE_GPT ? "GPT" : "MBR");
	if (sd->map->total_sectors < 2 * LDM_PRIV_SECTORS + 128)
		return dyn_fail(err, -ENOSPC, "%s is too small for a dynamic disk", d->name);
	if (table == DYN_TABLE_MBR && sd->map->total_sectors > UINT32_MAX)
		return dyn_refuse(err, -EFBIG, "Initialize it as GPT.", "%s is larger than the 2 TB an MBR can describe",
				  d->name);
	return 0;
}

int op_initialize(struct sim *sim, size_t disk, enum dyn_table kind, struct dyn_err *err)
{
	struct sim_disk *sd = &sim->disks[disk];
	struct table want = { .kind = kind };
	struct table_part msr = { .number = 1, .gpt_type = LDM_GPT_MSR, .name = "Microsoft reserved partition" };
	const char *word = kind == DYN_TABLE_GPT ? "GPT" : "MBR";
	unsigned phase = 0;
	struct plan_step *st;
	int rc = check(sim, disk, kind, err);

	if (rc)
		return rc;
	st = plan_add_step(sim->p, DYN_STEP_SECTORS, disk,
			   plan_printf(sim->p, "Initialize %s, %s", sim->m->disks[disk].name, word),
			   plan_printf(sim->p, "ERASES DISK %u", sim->m->disks[disk].number),
			   kind == DYN_TABLE_GPT ? "convert gpt" : "convert mbr");
	if (!st)
		return dyn_fail_nomem(err);
	st->pub.destroys = true;
	sim->p->confirm_disk = disk;
	if (kind == DYN_TABLE_MBR) {
		want.mbr_signature = dyn_rand_u32(&sim->s->rand);
	} else {
		dyn_rand_guid(&sim->s->rand, want.gpt_guid);
		dyn_rand_guid(&sim->s->rand, msr.gpt_guid);
		msr.start = 34;
		msr.size = msr_sectors(sd->map->total_sectors);
		if (msr.start + msr.size + 128 < sd->map->total_sectors) {
			want.n = 1;
			want.parts = &msr;
		}
	}
	return sim_build_table(sim, st, &phase, disk, &want, err);
}

int dyn_plan_initialize(struct dyn_session *s, struct dyn_model *m, size_t disk, enum dyn_table table,
			struct dyn_plan **out, struct dyn_err *err)
{
	struct sim sim;
	int rc = disk < m->n_disks ? 0 : dyn_fail(err, -EINVAL, "there is no such disk");

	if (!rc)
		rc = sim_begin(&sim, s, m, err, "Initialize %s", m->disks[disk].name);
	if (rc)
		return rc;
	return sim_finish(&sim, op_initialize(&sim, disk, table, err), out);
}
