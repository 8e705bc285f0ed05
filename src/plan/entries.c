/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan/entries.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan/records.h"

int entries_copy(const struct table *from, size_t more, struct table *out)
{
	*out = *from;
	out->n_damage = 0;
	out->damage = NULL;
	out->parts = calloc(from->n + more + 1, sizeof(*out->parts));
	if (!out->parts)
		return -ENOMEM;
	if (from->n)
		memcpy(out->parts, from->parts, from->n * sizeof(*out->parts));
	return 0;
}

void entries_free(struct table *t)
{
	free(t->parts);
	t->parts = NULL;
	t->n = 0;
}

void entries_remove(struct table *t, size_t i)
{
	memmove(&t->parts[i], &t->parts[i + 1], (--t->n - i) * sizeof(*t->parts));
}

bool entry_is_container(const struct table *t, const struct table_part *p)
{
	return t->kind == DYN_TABLE_MBR ? p->mbr_type == LDM_MBR_TYPE : strcmp(p->gpt_type, LDM_GPT_DATA) == 0;
}

bool entry_is_meta(const struct table *t, const struct table_part *p)
{
	return t->kind == DYN_TABLE_GPT && strcmp(p->gpt_type, LDM_GPT_META) == 0;
}

bool entry_is_msr(const struct table *t, const struct table_part *p)
{
	return t->kind == DYN_TABLE_GPT && strcmp(p->gpt_type, LDM_GPT_MSR) == 0;
}

size_t entries_primaries(const struct table *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += !t->parts[i].logical;
	return n;
}

const struct ldm_record *entry_retained_extent(const struct sim *sim, size_t disk, const struct table_part *p)
{
	const struct sim_disk *d = &sim->disks[disk];
	const struct ldm_db *db = sim->groups[d->group].db;
	const struct ldm_record *e = NULL, *v;

	while ((e = ldm_db_next(db, LDM_EXTENT, e))) {
		if (e->u.extent.disk_id != d->record_id || d->ph.public_start + e->u.extent.start != p->start ||
		    e->u.extent.size != p->size)
			continue;
		v = records_volume_of(db, e);
		if (v && v->u.volume.vflags & LDM_VOL_RETAIN)
			return e;
	}
	return NULL;
}
