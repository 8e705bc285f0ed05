/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * clone.c - an empty disk gets the partitions that the mirror of another disk does not carry: ESP, MSR, recovery, OEM.
 *
 * The places and sizes are the source's, to the sector. The MSR is taken as it was before LDM's metadata partition was
 * carved from its start, so that converting the new disk to dynamic leaves the source's layout. A partition behind the
 * data that would lie past the end of a smaller disk moves up against its end, as long as the data still fits before
 * it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/partition.h"

#define ATTR_REQUIRED 1ull

struct layout {
	const struct table *source;
	uint64_t data_end; /* behind the last sector that a volume of the source occupies */
	size_t n;
	struct table_part *parts; /* of the target, by start */
};

static bool is_oem(const struct table *t, const struct table_part *p)
{
	const char *word = table_type_word(t->kind, p);

	if (p->logical || p->extended || part_is_ldm(t->kind, p))
		return false;
	if (strcmp(word, "System") == 0 || strcmp(word, "Recovery") == 0 || strcmp(word, "OEM") == 0)
		return true;
	return t->kind == DYN_TABLE_GPT && (part_is(p, LDM_GPT_MSR) || p->gpt_attrs & ATTR_REQUIRED);
}

/* The MSR before the upgrade: the metadata partition was its first MiB. */
static void whole_msr(const struct table *t, struct table_part *msr)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct table_part *p = &t->parts[i];
		if (part_is(p, LDM_GPT_META) && p->start + p->size == msr->start) {
			msr->start = p->start;
			msr->size += p->size;
			return;
		}
	}
}

static int by_start(const void *a, const void *b)
{
	const struct table_part *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* l->data_end grows with the extents of a plex, unless it is one of the partitions that are cloned. */
static void note_data(size_t from, const struct dyn_volume *v, const struct dyn_plex *plex, struct layout *l)
{
	for (size_t x = 0; x < plex->n_extents; x++) {
		const struct dyn_extent *e = &plex->extents[x];
		uint64_t end = (e->offset + e->size) / PART_SECTOR;
		bool cloned = false;

		for (size_t i = 0; v->layout == DYN_LAYOUT_PARTITION && i < l->source->n; i++)
			cloned |= l->source->parts[i].start * PART_SECTOR == e->offset &&
				  is_oem(l->source, &l->source->parts[i]);
		if (e->disk == from && !cloned && end > l->data_end)
			l->data_end = end;
	}
}

static int read_layout(struct sim *sim, size_t from, struct layout *l, struct dyn_err *err)
{
	const struct table *t = l->source = sim->disks[from].table;
	char title[96];

	l->parts = calloc(t->n + 1, sizeof(*l->parts));
	if (!l->parts)
		return dyn_fail_nomem(err);
	for (size_t i = 0; i < t->n; i++) {
		struct table_part *p = &l->parts[l->n];
		if (!is_oem(t, &t->parts[i])) {
			part_title(sim, from, i, title, sizeof(title));
			if (strcmp(table_type_word(t->kind, &t->parts[i]), "Unknown") == 0 &&
			    plan_note(sim->p, "%s of %s is left out: its type is not known.", title,
				      sim->m->disks[from].name))
				return dyn_fail_nomem(err);
			continue;
		}
		*p = t->parts[i];
		p->number = 0;
		p->active = false;
		if (t->kind == DYN_TABLE_GPT)
			dyn_rand_guid(&sim->s->rand, p->gpt_guid);
		if (t->kind == DYN_TABLE_GPT && part_is(p, LDM_GPT_MSR))
			whole_msr(t, p);
		l->n++;
	}
	if (l->n)
		qsort(l->parts, l->n, sizeof(*l->parts), by_start);
	for (size_t v = 0; v < sim->m->n_volumes; v++)
		for (size_t k = 0; k < sim->m->volumes[v].n_plexes; k++)
			note_data(from, &sim->m->volumes[v], &sim->m->volumes[v].plexes[k], l);
	return 0;
}

static int too_small(const struct sim *sim, size_t from, size_t to, uint64_t lack, struct dyn_err *err)
{
	char text[32];

	dyn_text_size(text, sizeof(text), lack * PART_SECTOR);
	return dyn_refuse(
		err, -ENOSPC, "Use a disk at least as large.",
		"There is not enough usable space for this operation: %s needs %s more to be laid out like %s",
		sim->m->disks[to].name, text, sim->m->disks[from].name);
}

/* Partitions behind the data move up when the target ends earlier. */
static int fit(const struct sim *sim, size_t from, size_t to, struct layout *l, struct dyn_err *err)
{
	uint64_t end = sim->disks[to].table->last_usable + 1;

	for (size_t i = l->n; i-- > 0;) {
		struct table_part *p = &l->parts[i];
		if (p->start + p->size > end) {
			if (p->start < l->data_end || p->size > end)
				return too_small(sim, from, to, p->start + p->size - end, err);
			p->start = (end - p->size) / PART_MIB * PART_MIB;
			if (p->start < l->data_end)
				return too_small(sim, from, to, l->data_end - p->start, err);
		}
		end = p->start;
	}
	if (l->data_end > sim->disks[to].table->last_usable + 1)
		return too_small(sim, from, to, l->data_end - sim->disks[to].table->last_usable - 1, err);
	return 0;
}

static bool wanted(const struct layout *l, const struct table_part *p)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->parts[i].start == p->start && l->parts[i].size == p->size && part_is(p, l->parts[i].gpt_type))
			return true;
	return false;
}

static bool in_the_way(const struct layout *l, const struct table_part *p)
{
	bool has_msr = false;

	for (size_t i = 0; i < l->n; i++) {
		const struct table_part *w = &l->parts[i];
		has_msr |= part_is(w, LDM_GPT_MSR);
		if (w->start < p->start + p->size && p->start < w->start + w->size)
			return true;
	}
	return has_msr;
}

/* The MSR that convert gpt makes, unless it is where the source has it. */
static int clear_target(struct sim *sim, size_t to, const struct layout *l, struct dyn_err *err)
{
	int rc = 0;

	for (size_t i = sim->disks[to].table->n; !rc && i-- > 0;) {
		const struct table_part *p = &sim->disks[to].table->parts[i];
		if (!wanted(l, p) && in_the_way(l, p))
			rc = part_delete(sim, to, i, true, err);
	}
	return rc;
}

/* What to type for it; `behind`: where the partition before it ends, so that the place follows without being said. */
static const char *lines(struct dyn_plan *plan, enum dyn_table kind, const struct table_part *p, uint64_t behind)
{
	bool esp = part_is(p, TABLE_GPT_ESP), msr = part_is(p, LDM_GPT_MSR);
	uint64_t next = msr ? behind : (behind + PART_MIB - 1) / PART_MIB * PART_MIB;
	char offset[40] = "", id[96] = "", attrs[48] = "";

	if (p->start != next)
		snprintf(offset, sizeof(offset), " offset=%llu", (unsigned long long)(p->start / 2));
	if (kind == DYN_TABLE_MBR)
		snprintf(id, sizeof(id), " id=%02x", p->mbr_type);
	else if (!esp && !msr && !part_is(p, TABLE_GPT_BASIC))
		snprintf(id, sizeof(id), "\nset id=%s", p->gpt_type);
	if (kind == DYN_TABLE_GPT && p->gpt_attrs)
		snprintf(attrs, sizeof(attrs), "\ngpt attributes=0x%016llX", (unsigned long long)p->gpt_attrs);
	return plan_printf(plan, "create partition %s size=%llu%s%s%s",
			   esp ? "efi" :
			   msr ? "msr" :
				 "primary",
			   (unsigned long long)((p->size + PART_MIB - 1) / PART_MIB), offset, id, attrs);
}

static int make_parts(struct sim *sim, size_t from, size_t to, const struct layout *l, struct dyn_err *err)
{
	const struct table *t = sim->disks[to].table;
	uint64_t behind = t->first_usable;
	int rc = 0;

	for (size_t i = 0; !rc && i < l->n; i++) {
		const struct table_part *p = &l->parts[i];
		bool have = false;
		char size[32];

		t = sim->disks[to].table;
		for (size_t k = 0; k < t->n; k++)
			have |= t->parts[k].start == p->start && t->parts[k].size == p->size &&
				part_is(p, t->parts[k].gpt_type);
		if (!have && !part_room_at(sim, to, p->start, p->size))
			return dyn_refuse(
				err, -ENOSPC, "Clean it first, so that its partition table is made anew (clean).",
				"%s has no room at sector %llu, where %s has a partition", sim->m->disks[to].name,
				(unsigned long long)p->start, sim->m->disks[from].name);
		dyn_text_size(size, sizeof(size), p->size * PART_SECTOR);
		if (!have)
			rc = part_put(sim, to, p,
				      plan_printf(sim->p, "Create a partition of %s (%s) on %s", size,
						  table_type_word(t->kind, p), sim->m->disks[to].name),
				      lines(sim->p, t->kind, p, behind), err);
		behind = p->start + p->size;
	}
	return rc;
}

static int check(const struct sim *sim, size_t from, size_t to, struct dyn_err *err)
{
	const struct dyn_disk *f = &sim->m->disks[from], *d = &sim->m->disks[to];
	const struct table *t = sim->disks[to].table;
	int rc = sim_need_known_disk(sim, to, err);

	if (rc)
		return rc;
	if (from == to)
		return dyn_refuse(err, -EINVAL, "Choose another disk.", "%s cannot be laid out like itself", d->name);
	if (sim->disks[from].table->kind == DYN_TABLE_NONE || f->sector_size != PART_SECTOR)
		return dyn_refuse(err, -EINVAL, "Choose a disk that has a partition table and 512-byte sectors.",
				  "%s has no layout that could be cloned", f->name);
	if (d->dynamic || sim->disks[to].dynamic)
		return dyn_refuse(err, -ENOTEMPTY, "Choose an empty basic disk, or clean this one first (clean).",
				  "%s is a dynamic disk", d->name);
	for (size_t i = 0; i < t->n; i++)
		if (t->kind != DYN_TABLE_GPT || !part_is(&t->parts[i], LDM_GPT_MSR))
			return dyn_refuse(err, -ENOTEMPTY, "Choose an empty disk, or clean this one first (clean).",
					  "%s has partitions (%zu)", d->name, t->n);
	return 0;
}

static int op_clone(struct sim *sim, size_t from, size_t to, struct layout *l, struct dyn_err *err)
{
	enum dyn_table kind;
	int rc = check(sim, from, to, err);

	if (!rc)
		rc = read_layout(sim, from, l, err);
	if (rc)
		return rc;
	kind = l->source->kind;
	if (sim->disks[to].table->kind != kind)
		rc = op_initialize(sim, to, kind, err);
	if (!rc)
		rc = fit(sim, from, to, l, err);
	if (!rc)
		rc = clear_target(sim, to, l, err);
	if (!rc)
		rc = make_parts(sim, from, to, l, err);
	if (!rc && sim->p->n_steps == 0)
		rc = dyn_refuse(err, -EALREADY, "Continue with the next step.", "%s is laid out like %s already",
				sim->m->disks[to].name, sim->m->disks[from].name);
	if (!rc && l->n && plan_note(sim->p, "File systems and files are not copied: only the partitions are made."))
		rc = dyn_fail_nomem(err);
	return rc;
}

int dyn_plan_clone_layout(struct dyn_session *s, struct dyn_model *m, size_t from, size_t to, struct dyn_plan **out,
			  struct dyn_err *err)
{
	struct layout l = { 0 };
	struct sim sim;
	int rc = from < m->n_disks && to < m->n_disks ? 0 : dyn_fail(err, -EINVAL, "there is no such disk");

	if (!rc)
		rc = sim_begin(&sim, s, m, err, "Prepare %s like %s", m->disks[to].name, m->disks[from].name);
	if (rc)
		return rc;
	rc = sim_finish(&sim, op_clone(&sim, from, to, &l, err), out);
	free(l.parts);
	return rc;
}
