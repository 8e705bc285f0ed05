/* SPDX-License-Identifier: GPL-3.0-or-later */
/* model.c - the finished model: its lifetime, look-ups and names. */
#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/pool.h"

struct dyn_model *dyn_model_ref(struct dyn_model *m)
{
	if (m)
		__atomic_add_fetch(&m->priv->refs, 1, __ATOMIC_RELAXED);
	return m;
}

void dyn_model_unref(struct dyn_model *m)
{
	struct dyn_model_priv *p = m ? m->priv : NULL;

	if (!p || __atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (size_t i = 0; p->disks && i < m->n_disks; i++) {
		sectmap_free(p->disks[i].map);
		table_clear(&p->disks[i].table);
		ldm_db_free(p->disks[i].own_db);
		free(p->disks[i].raw_db);
	}
	for (size_t i = 0; p->groups && i < m->n_groups; i++)
		ldm_db_free(p->groups[i].db);
	free(p->sys_root);
	pool_free(p->pool); /* disks, groups, volumes and every public array and text */
	free(p);
	free(m);
}

size_t model_disk_by_guid(const struct dyn_model *m, size_t group, const char *ldm_guid)
{
	for (size_t i = 0; i < m->n_disks; i++)
		if (m->disks[i].dynamic && m->disks[i].group == group && strcasecmp(m->disks[i].guid, ldm_guid) == 0)
			return i;
	return DYN_NONE;
}

size_t model_volume_by_guid(const struct dyn_model *m, const char *ldm_guid)
{
	for (size_t i = 0; i < m->n_volumes; i++)
		if (m->volumes[i].group != DYN_NONE && strcasecmp(m->volumes[i].guid, ldm_guid) == 0)
			return i;
	return DYN_NONE;
}

void model_volume_title(const struct dyn_volume *v, char *dst, size_t n)
{
	if (v->letter && v->label[0])
		dyn_text_format(dst, n, "%c: %s", v->letter, v->label);
	else if (v->letter)
		dyn_text_format(dst, n, "%c:", v->letter);
	else if (v->label[0])
		dyn_text_format(dst, n, "%s", v->label);
	else if (v->name[0])
		dyn_text_format(dst, n, "%s", v->name);
	else
		dyn_text_format(dst, n, "Volume %u", v->number);
}

void model_disk_title(const struct dyn_disk *d, char *dst, size_t n)
{
	/* every image file is a "Disk image"; its file name tells them apart */
	const char *model = strcmp(d->bus, "image") == 0 ? d->confirm : d->model;
	char size[32];

	dyn_text_size(size, sizeof(size), d->size);
	dyn_text_format(dst, n, "%s%s%s%s%s (%s)", d->name, model[0] ? " " : "", model, d->serial[0] ? " " : "", d->serial, size);
}

bool model_blame(const struct dyn_model *m, char *dst, size_t n)
{
	char title[192];

	for (size_t i = 0; i < m->n_disks; i++) {
		const struct dyn_disk *d = &m->disks[i];
		bool errors = d->status == DYN_DISK_ERRORS && d->dynamic;
		if (d->status != DYN_DISK_OFFLINE && d->status != DYN_DISK_UNREADABLE && !errors)
			continue;
		model_disk_title(d, title, sizeof(title));
		dyn_text_format(dst, n, "%s %s (%s)", title, errors ? "has errors" : "cannot be read",
				d->n_damage ? d->damage[0] : "it does not answer");
		return true;
	}
	return false;
}
