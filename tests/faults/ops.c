/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <strings.h>

#include "tests/faults/ops.h"

#define MIB ((uint64_t)OPS_MIB)

const char *const ops_mix_names[MIXES] = { "MBR", "GPT", "mixed" };

enum dyn_table ops_table(enum ops_mix mix, size_t disk)
{
	if (mix == MIX_BOTH)
		return disk % 2 ? DYN_TABLE_GPT : DYN_TABLE_MBR;
	return mix == MIX_MBR ? DYN_TABLE_MBR : DYN_TABLE_GPT;
}

/* ------------------------------------------------------------------ the disks */

void ops_apply(struct world *w, int rc, struct dyn_plan *p, const struct dyn_err *err)
{
	struct dyn_job jobs[8];
	struct dyn_err why = { 0 };
	size_t n;

	if (rc)
		fail_msg("plan: %s / %s", err->what, err->way_out);
	if (dyn_apply(w->s, p, dyn_plan_confirm(p), &why))
		fail_msg("%s: %s", dyn_plan_title(p), why.what);
	dyn_plan_free(p);
	assert_int_equal(dyn_jobs_wait(w->s, 60000), 0);
	n = dyn_jobs(w->s, jobs, 8);
	for (size_t i = 0; i < n && i < 8; i++)
		if (jobs[i].state != DYN_JOB_DONE)
			fail_msg("rebuild: %s", jobs[i].result.what);
	w->rescan(w);
}

#define DO(w, call)                                 \
	do {                                        \
		struct dyn_plan *p = NULL;          \
		struct dyn_err err = { 0 };         \
		int rc_ = (call);                   \
		ops_apply((w), rc_, p, &err);       \
	} while (0)

static size_t volume_of(const struct world *w, char letter)
{
	for (size_t i = 0; i < w->m->n_volumes; i++)
		if (w->m->volumes[i].letter == letter)
			return i;
	fail_msg("there is no volume %c:", letter);
	return 0;
}

/* Bytes that tell where they are, every 64 KiB of each half of a volume. */
static void fill(struct world *w, size_t volume)
{
	const struct dyn_volume *v = &w->m->volumes[volume];
	uint8_t mark[512];

	for (size_t k = 0; k < v->n_plexes; k++)
		for (uint64_t at = 0; at < v->size; at += 64 << 10) {
			memset(mark, (int)(0x11 + at / (64 << 10)), sizeof(mark));
			w->put(w, v->plexes[k].extents[0].disk, v->plexes[k].extents[0].offset + at, mark, sizeof(mark));
		}
}

static void simple(struct world *w, size_t disk, char letter)
{
	DO(w, dyn_plan_create_simple(w->s, w->m, disk, 2 * MIB, letter, &p, &err));
	fill(w, volume_of(w, letter));
}

static void mirror(struct world *w, size_t a, size_t b, char letter)
{
	simple(w, a, letter);
	DO(w, dyn_plan_add_mirror(w->s, w->m, volume_of(w, letter), b, DYN_TABLE_NONE, &p, &err));
}

static void upgrade(struct world *w, size_t from, size_t to, enum ops_mix mix)
{
	for (size_t i = from; i < to; i++)
		DO(w, dyn_plan_upgrade(w->s, w->m, i, ops_table(mix, i), DYN_NONE, &p, &err));
}

static void part(struct world *w, enum dyn_part_kind kind, uint64_t mib)
{
	const struct dyn_part_spec spec = { .kind = kind, .size = mib * MIB };

	DO(w, dyn_plan_create_partition(w->s, w->m, 0, &spec, &p, &err));
}

/* What an installed system has: on GPT an ESP, an MSR and data, on MBR an active partition, another one, and a logical. */
static void partitions(struct world *w, enum dyn_table kind)
{
	DO(w, dyn_plan_initialize(w->s, w->m, 0, kind, &p, &err));
	if (kind == DYN_TABLE_GPT) {
		part(w, DYN_PART_EFI, 8);
		part(w, DYN_PART_PRIMARY, 8);
		part(w, DYN_PART_PRIMARY, 4);
	} else {
		part(w, DYN_PART_PRIMARY, 8);
		DO(w, dyn_plan_set_active(w->s, w->m, 0, 0, true, &p, &err));
		part(w, DYN_PART_PRIMARY, 4);
	}
	for (size_t i = 0; i < w->m->n_volumes; i++)
		fill(w, i);
}

static void logicals(struct world *w)
{
	part(w, DYN_PART_EXTENDED, 0);
	part(w, DYN_PART_LOGICAL, 4);
	part(w, DYN_PART_LOGICAL, 4);
	for (size_t i = 0; i < w->m->n_volumes; i++)
		fill(w, i);
}

/* One copy each of what the first disk has several of, and a record of its database, which other disks have, too. */
static void damage(struct world *w)
{
	static const uint8_t ones[512] = { 1 };
	const struct dyn_disk *d = &w->m->disks[0];
	uint64_t start = w->m->priv->disks[0].ph.private_start;

	w->put(w, 0, (start + LDM_PH_SECONDARY) * 512, ones, 512);
	w->put(w, 0, (start + ldm_toc_slots[1]) * 512, ones, 512);
	w->put(w, 0, (start + LDM_CONFIG_START + 2) * 512, ones, 512);
	if (d->table == DYN_TABLE_GPT)
		w->put(w, 0, d->size - 512, ones, 512);
	w->rescan(w);
}

/* A rebuild that was stopped as it began: its record is on the target. */
static void pause_rebuild(struct world *w, size_t n)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	struct dyn_job job;

	assert_int_equal(dyn_plan_add_mirror(w->s, w->m, volume_of(w, 'C'), n - 1, DYN_TABLE_NONE, &p, &err), 0);
	w->s->limit = 1; /* it will not have come to its end */
	assert_int_equal(dyn_apply(w->s, p, dyn_plan_confirm(p), &err), 0);
	dyn_plan_free(p);
	assert_int_equal(dyn_jobs(w->s, &job, 1), 1);
	assert_int_equal(dyn_job_pause(w->s, job.id), 0);
	assert_int_equal(dyn_jobs_wait(w->s, 60000), 0);
	w->use(w, n);
	assert_int_equal(w->m->n_jobs, 1);
}

/* The second disk is away while the group changes. */
static void make_stale(struct world *w, size_t n, enum ops_mix mix)
{
	upgrade(w, 0, n, mix);
	mirror(w, 0, 1, 'C');
	simple(w, 1, 'S');
	w->use(w, 1);
	simple(w, 0, 'N');
	w->use(w, n);
}

/* The private headers of disk d: nothing at all while `hidden`, else what they were. */
static void hide(struct world *w, size_t d, uint8_t heads[3][512], bool hidden)
{
	static const uint8_t nothing[512];
	const struct model_disk *md = &w->m->priv->disks[d];
	uint64_t at[] = { md->ph.private_start + LDM_PH_PRIMARY, md->ph.private_start + LDM_PH_SECONDARY, LDM_PH_MBR };
	size_t n = w->m->disks[d].table == DYN_TABLE_MBR ? 3 : 2;

	for (size_t i = 0; i < n; i++) {
		if (hidden)
			assert_int_equal(sectmap_get(md->map, at[i], 1, heads[i]), 0);
		w->put(w, d, at[i] * 512, hidden ? nothing : heads[i], 512);
	}
}

/* A group whose disks cannot be seen while the other one is made: or that would join it. */
static void make_two(struct world *w, size_t n, enum ops_mix mix)
{
	uint8_t heads[OPS_MAX_DISKS][3][512];
	struct dyn_model *seen;
	size_t k = n > 3 ? 2 : 1;

	w->use(w, k);
	upgrade(w, 0, k, mix);
	if (k > 1)
		mirror(w, 0, 1, 'F');
	else
		simple(w, 0, 'F');
	w->use(w, n);
	seen = dyn_model_ref(w->m);
	for (size_t i = 0; i < k; i++)
		hide(w, i, heads[i], true);
	w->rescan(w);
	upgrade(w, k, n, mix);
	if (n - k > 1)
		mirror(w, k, n - 1, 'C');
	else
		simple(w, k, 'C');
	dyn_model_unref(w->m);
	w->m = seen;
	for (size_t i = 0; i < k; i++)
		hide(w, i, heads[i], false);
	w->rescan(w);
	assert_int_equal(w->m->n_groups, 2);
	w->use(w, n);
}

size_t ops_extra(enum ops_setup setup)
{
	return setup == SETUP_GONE || setup == SETUP_LOST || setup == SETUP_SPARE;
}

static void make_group(struct world *w, enum ops_setup setup, size_t n, enum ops_mix mix)
{
	if (ops_extra(setup))
		w->use(w, n + 1);
	upgrade(w, 0, setup == SETUP_JOIN || setup == SETUP_SPARE ? n - 1 : n, mix);
	if (ops_extra(setup))
		upgrade(w, n, n + 1, mix);
	if (setup == SETUP_LOST || setup == SETUP_SPARE)
		mirror(w, 0, n, 'C');
	else if (setup == SETUP_GROUP || setup == SETUP_DAMAGED || setup == SETUP_GONE)
		mirror(w, 0, 1, 'C');
	else
		simple(w, 0, 'C');
	if (setup == SETUP_GROUP || setup == SETUP_DAMAGED || setup == SETUP_SIMPLE || setup == SETUP_RETAINED)
		simple(w, 0, 'D');
	if (setup == SETUP_RETAINED)
		DO(w, dyn_plan_retain(w->s, w->m, volume_of(w, 'D'), &p, &err));
	if (setup == SETUP_GROUP || setup == SETUP_DAMAGED)
		simple(w, n - 1, 'E');
	if (setup == SETUP_DAMAGED)
		damage(w);
	w->use(w, n);
	if (setup == SETUP_PAUSED)
		pause_rebuild(w, n);
}

void ops_make(struct world *w, enum ops_setup setup, size_t n, enum ops_mix mix)
{
	switch (setup) {
	case SETUP_BLANK:
		break;
	case SETUP_EMPTY:
		for (size_t i = 0; i < n; i++)
			DO(w, dyn_plan_initialize(w->s, w->m, i, ops_table(mix, i), &p, &err));
		break;
	case SETUP_PARTS:
	case SETUP_PARTS_JOIN:
		partitions(w, ops_table(mix, 0));
		if (setup == SETUP_PARTS_JOIN)
			upgrade(w, 1, n, mix);
		break;
	case SETUP_LOGICAL:
		partitions(w, ops_table(mix, 0));
		logicals(w);
		break;
	case SETUP_STALE:
		make_stale(w, n, mix);
		break;
	case SETUP_TWO:
		make_two(w, n, mix);
		break;
	default:
		make_group(w, setup, n, mix);
	}
}

/* -------------------------------------------------------------- the operations */

#define OP(fn, call)                                                                            \
	static int fn(const struct world *w, struct dyn_plan **p, struct dyn_err *err)          \
	{                                                                                       \
		struct dyn_session *s = w->s;                                                   \
		struct dyn_model *m = w->m;                                                     \
		return call;                                                                    \
	}

static enum dyn_table other_kind(const struct dyn_model *m)
{
	return m->disks[0].table == DYN_TABLE_MBR ? DYN_TABLE_GPT : DYN_TABLE_MBR;
}

/* The last partition of the first disk: data. */
static size_t last_part(const struct dyn_model *m)
{
	return m->disks[0].n_partitions - 1;
}

static size_t missing_disk(const struct dyn_model *m)
{
	return m->n_disks - 1;
}

OP(init_mbr, dyn_plan_initialize(s, m, 0, DYN_TABLE_MBR, p, err))
OP(init_gpt, dyn_plan_initialize(s, m, 0, DYN_TABLE_GPT, p, err))
OP(convert_table, dyn_plan_initialize(s, m, 0, other_kind(m), p, err))
OP(upgrade_new_mbr, dyn_plan_upgrade(s, m, 0, DYN_TABLE_MBR, DYN_NONE, p, err))
OP(upgrade_new_gpt, dyn_plan_upgrade(s, m, 0, DYN_TABLE_GPT, DYN_NONE, p, err))
OP(upgrade_data, dyn_plan_upgrade(s, m, 0, DYN_TABLE_NONE, DYN_NONE, p, err))
OP(join_mbr, dyn_plan_upgrade(s, m, w->n - 1, DYN_TABLE_MBR, DYN_NONE, p, err))
OP(join_gpt, dyn_plan_upgrade(s, m, w->n - 1, DYN_TABLE_GPT, DYN_NONE, p, err))
OP(create_simple, dyn_plan_create_simple(s, m, w->n - 1, 2 * MIB, 'N', p, err))
OP(create_mirror, dyn_plan_create_mirror(s, m, (size_t[]){ 0, w->n - 1 }, 2 * MIB, 'M', p, err))
OP(add_mirror, dyn_plan_add_mirror(s, m, volume_of(w, 'C'), w->n - 1, DYN_TABLE_NONE, p, err))
OP(add_mirror_retained, dyn_plan_add_mirror(s, m, volume_of(w, 'D'), w->n - 1, DYN_TABLE_NONE, p, err))
OP(add_mirror_blank, dyn_plan_add_mirror(s, m, volume_of(w, 'C'), w->n - 1, DYN_TABLE_GPT, p, err))
OP(break_keep, dyn_plan_break(s, m, volume_of(w, 'C'), 1, true, p, err))
OP(break_drop, dyn_plan_break(s, m, volume_of(w, 'C'), 1, false, p, err))
OP(break_lost, dyn_plan_break(s, m, volume_of(w, 'C'), missing_disk(m), false, p, err))
OP(delete_missing, dyn_plan_delete_missing(s, m, missing_disk(m), p, err))
OP(delete_mirror, dyn_plan_delete_volume(s, m, volume_of(w, 'C'), p, err))
OP(delete_simple, dyn_plan_delete_volume(s, m, volume_of(w, 'D'), p, err))
OP(letter_set, dyn_plan_set_letter(s, m, volume_of(w, 'C'), 'Q', p, err))
OP(letter_remove, dyn_plan_set_letter(s, m, volume_of(w, 'C'), 0, p, err))
OP(retain, dyn_plan_retain(s, m, volume_of(w, 'D'), p, err))
OP(to_basic, dyn_plan_to_basic(s, m, 0, p, err))
OP(to_basic_empty, dyn_plan_to_basic(s, m, w->n - 1, p, err))
OP(clean_member, dyn_plan_clean(s, m, w->n - 1, false, p, err))
OP(clean_basic, dyn_plan_clean(s, m, 0, false, p, err))
OP(reactivate, dyn_plan_reactivate(s, m, 1, p, err))
OP(import, dyn_plan_import(s, m, m->disks[0].group, m->disks[w->n - 1].group, p, err))
OP(forget_missing, dyn_plan_forget_missing(s, m, missing_disk(m), p, err))
OP(repair, dyn_plan_repair(s, m, volume_of(w, 'C'), w->n - 1, DYN_TABLE_MBR, true, p, err))
OP(clone, dyn_plan_clone_layout(s, m, 0, 1, p, err))
OP(part_efi, dyn_plan_create_partition(s, m, 0, &(struct dyn_part_spec){ .kind = DYN_PART_EFI, .size = 8 * MIB }, p, err))
OP(part_msr, dyn_plan_create_partition(s, m, 0, &(struct dyn_part_spec){ .kind = DYN_PART_MSR, .size = 8 * MIB }, p, err))
OP(part_primary,
   dyn_plan_create_partition(s, m, 0, &(struct dyn_part_spec){ .kind = DYN_PART_PRIMARY, .size = 4 * MIB }, p, err))
OP(part_extended, dyn_plan_create_partition(s, m, 0, &(struct dyn_part_spec){ .kind = DYN_PART_EXTENDED }, p, err))
OP(part_delete, dyn_plan_delete_partition(s, m, 0, last_part(m), false, p, err))
OP(part_id, dyn_plan_set_id(s, m, 0, last_part(m), m->disks[0].table == DYN_TABLE_MBR ? "27" :
			    "de94bba4-06d1-4d40-a16a-bfd50179d6ac", false, p, err))
OP(part_attributes, dyn_plan_gpt_attributes(s, m, 0, last_part(m), 0x8000000000000001, p, err))
OP(part_active, dyn_plan_set_active(s, m, 0, last_part(m), true, p, err))
OP(unique_id, dyn_plan_unique_id(s, m, 0, NULL, p, err))

OP(part_logical,
   dyn_plan_create_partition(s, m, 0, &(struct dyn_part_spec){ .kind = DYN_PART_LOGICAL, .size = 4 * MIB }, p, err))
OP(part_delete_first, dyn_plan_delete_partition(s, m, 0, last_part(m) - 1, false, p, err))
OP(mend, dyn_plan_mend(s, m, 0, p, err))
OP(resume, dyn_plan_resume(s, m, 0, p, err))
OP(cancel, dyn_plan_cancel(s, m, 0, p, err))

const struct fault_op fault_ops[] = {
	{ "initialize mbr", SETUP_BLANK, 0, 1, init_mbr },
	{ "initialize gpt", SETUP_BLANK, 0, 1, init_gpt },
	{ "convert the table", SETUP_EMPTY, 0, 1, convert_table },
	{ "upgrade, new group, mbr", SETUP_BLANK, 0, 1, upgrade_new_mbr },
	{ "upgrade, new group, gpt", SETUP_BLANK, 0, 1, upgrade_new_gpt },
	{ "upgrade with partitions", SETUP_PARTS, 0, 1, upgrade_data },
	{ "upgrade with partitions, joining", SETUP_PARTS_JOIN, 0, 2, upgrade_data },
	{ "upgrade, joining, mbr", SETUP_JOIN, 0, 2, join_mbr },
	{ "upgrade, joining, gpt", SETUP_JOIN, 0, 2, join_gpt },
	{ "create simple", SETUP_GROUP, 0, 2, create_simple },
	{ "create mirror", SETUP_IDLE, 0, 2, create_mirror },
	{ "add mirror", SETUP_IDLE, 0, 2, add_mirror },
	{ "add mirror, retained", SETUP_RETAINED, 0, 2, add_mirror_retained },
	{ "add mirror on a blank disk", SETUP_JOIN, 0, 2, add_mirror_blank },
	{ "break, keep", SETUP_GROUP, 0, 2, break_keep },
	{ "break, nokeep", SETUP_GROUP, 0, 2, break_drop },
	{ "break the lost half", SETUP_LOST, 0, 1, break_lost },
	{ "delete missing", SETUP_GONE, 0, 2, delete_missing },
	{ "delete mirror", SETUP_GROUP, 0, 2, delete_mirror },
	{ "delete simple", SETUP_SIMPLE, 0, 1, delete_simple },
	{ "delete retained", SETUP_RETAINED, 0, 1, delete_simple },
	{ "set letter", SETUP_GROUP, 0, 2, letter_set },
	{ "remove letter", SETUP_GROUP, 0, 2, letter_remove },
	{ "retain", SETUP_SIMPLE, 0, 1, retain },
	{ "to basic", SETUP_SIMPLE, 0, 1, to_basic },
	{ "to basic, retained", SETUP_RETAINED, 0, 1, to_basic },
	{ "to basic, empty", SETUP_IDLE, 0, 2, to_basic_empty },
	{ "clean a member", SETUP_IDLE, OP_ERASES, 2, clean_member },
	{ "clean a basic disk", SETUP_PARTS, OP_ERASES, 1, clean_basic },
	{ "reactivate", SETUP_STALE, OP_ERASES, 2, reactivate },
	{ "import", SETUP_TWO, 0, 2, import },
	{ "delete missing with its halves", SETUP_LOST, 0, 2, forget_missing },
	{ "repair", SETUP_SPARE, 0, 2, repair },
	{ "clone layout", SETUP_PARTS, 0, 2, clone },
	{ "create efi", SETUP_EMPTY, OP_GPT, 1, part_efi },
	{ "create msr", SETUP_EMPTY, OP_GPT, 1, part_msr },
	{ "create primary", SETUP_PARTS, 0, 1, part_primary },
	{ "create extended", SETUP_PARTS, OP_MBR, 1, part_extended },
	{ "delete partition", SETUP_PARTS, 0, 1, part_delete },
	{ "set id", SETUP_PARTS, 0, 1, part_id },
	{ "gpt attributes", SETUP_PARTS, OP_GPT, 1, part_attributes },
	{ "active", SETUP_PARTS, OP_MBR, 1, part_active },
	{ "unique id", SETUP_PARTS, 0, 1, unique_id },
	{ "create logical", SETUP_LOGICAL, OP_MBR, 1, part_logical },
	{ "delete logical", SETUP_LOGICAL, OP_MBR, 1, part_delete },
	{ "delete the first logical", SETUP_LOGICAL, OP_MBR, 1, part_delete_first },
	{ "mend", SETUP_DAMAGED, 0, 2, mend },
	{ "resume a rebuild", SETUP_PAUSED, OP_GOES_ON, 2, resume },
	{ "cancel a rebuild", SETUP_PAUSED, OP_GOES_ON, 2, cancel },
};
const size_t n_fault_ops = sizeof(fault_ops) / sizeof(fault_ops[0]);

/* ------------------------------------------------------------------ the picture */

static void picture_disk(FILE *f, const struct dyn_disk *d)
{
	enum dyn_disk_status st = d->status == DYN_DISK_ERRORS ? DYN_DISK_ONLINE : d->status;

	fprintf(f, "%s %d %s%d %s", d->name, (int)st, d->dynamic ? "dynamic " : "", (int)d->table, d->table_id);
	if (d->dynamic)
		fprintf(f, " %s %s", d->db_name, d->guid);
	for (size_t i = 0; i < d->n_partitions; i++) {
		const struct dyn_partition *p = &d->partitions[i];
		/* an LDM partition's GUID says nothing, and the preview of a retained half's is not the one it gets */
		const char *guid = strcasecmp(p->type_id, LDM_GPT_DATA) == 0 ? "" : p->guid;
		fprintf(f, "\n  %u %s %s %s %s%llx %llu+%llu", p->table_number, p->type_id, guid, p->name,
			p->active ? "active " : "", (unsigned long long)p->attributes, (unsigned long long)p->offset,
			(unsigned long long)p->size);
	}
	fputc('\n', f);
}

static unsigned volume_flags(const struct dyn_model *m, size_t v)
{
	const struct ldm_record *r = NULL;

	if (m->volumes[v].group != DYN_NONE)
		r = ldm_db_find(m->priv->groups[m->volumes[v].group].db, LDM_VOLUME, m->priv->volumes[v].record_id);
	return r ? r->u.volume.vflags : 0;
}

static void picture_volume(FILE *f, const struct dyn_model *m, size_t n)
{
	const struct dyn_volume *v = &m->volumes[n];
	bool rebuilding = v->status == DYN_VOLUME_REBUILDING;

	fprintf(f, "volume %s %s %c layout %d status %d size %llu flags %x", v->name, v->guid, v->letter ? v->letter : '-',
		(int)(rebuilding ? DYN_LAYOUT_SIMPLE : v->layout), (int)(rebuilding ? DYN_VOLUME_HEALTHY : v->status), (unsigned long long)v->size, volume_flags(m, n));
	for (size_t k = 0; k < v->n_plexes; k++) {
		if (v->plexes[k].status == DYN_PLEX_REBUILDING)
			continue;
		fprintf(f, "\n  %s %d:", v->plexes[k].name, (int)v->plexes[k].status);
		for (size_t i = 0; i < v->plexes[k].n_extents; i++) {
			const struct dyn_extent *e = &v->plexes[k].extents[i];
			fprintf(f, " %s %llu+%llu", e->disk == DYN_NONE ? "nowhere" : m->disks[e->disk].name,
				(unsigned long long)e->offset, (unsigned long long)e->size);
		}
	}
	fputc('\n', f);
}

char *ops_picture(const struct dyn_model *m)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	for (size_t i = 0; i < m->n_disks; i++)
		picture_disk(f, &m->disks[i]);
	for (size_t i = 0; i < m->n_groups; i++)
		fprintf(f, "group %s %s disks %zu missing %zu\n", m->groups[i].guid, m->groups[i].name, m->groups[i].n_disks,
			m->groups[i].n_missing);
	for (size_t i = 0; i < m->n_volumes; i++)
		picture_volume(f, m, i);
	fclose(f);
	return text;
}
