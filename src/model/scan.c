/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scan.c - all disks into one immutable model. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/scan.h"

static void scan_free(struct scan *s)
{
	for (size_t i = 0; i < s->n_disks; i++) {
		struct scan_disk *d = &s->disks[i];
		dyn_io_close(d->io);
		sectmap_free(d->priv.map);
		table_clear(&d->priv.table);
		ldm_db_free(d->priv.own_db);
		free(d->priv.raw_db);
		free(d->damage);
		free(d->regions);
	}
	for (size_t i = 0; i < s->n_copies; i++) {
		free(s->copies[i].config);
		free(s->copies[i].log);
		ldm_db_free(s->copies[i].db);
	}
	for (size_t i = 0; i < s->n_groups; i++)
		ldm_db_free(s->groups[i].db);
	free(s->disks);
	free(s->copies);
	free(s->groups);
	free(s->volumes);
	free(s->jobs);
	pool_free(s->pool);
}

static void finish_disks(struct scan *s, struct dyn_model *m)
{
	struct dyn_disk *disks = pool_array(s->pool, s->n_disks, sizeof(*disks));

	m->priv->disks = pool_array(s->pool, s->n_disks, sizeof(*m->priv->disks));
	for (size_t i = 0; disks && m->priv->disks && i < s->n_disks; i++) {
		struct scan_disk *d = &s->disks[i];
		d->pub.n_damage = d->n_damage;
		d->pub.damage = pool_copy(s->pool, d->damage, d->n_damage, sizeof(*d->damage));
		if (!d->pub.db_name)
			d->pub.db_name = "";
		disks[i] = d->pub;
	}
	m->n_disks = s->n_disks;
	m->disks = disks;
}

static void finish_rest(struct scan *s, struct dyn_model *m)
{
	struct dyn_group *groups = pool_array(s->pool, s->n_groups, sizeof(*groups));
	struct dyn_volume *volumes = pool_array(s->pool, s->n_volumes, sizeof(*volumes));

	m->priv->groups = pool_array(s->pool, s->n_groups, sizeof(*m->priv->groups));
	m->priv->volumes = pool_array(s->pool, s->n_volumes, sizeof(*m->priv->volumes));
	for (size_t i = 0; groups && m->priv->groups && i < s->n_groups; i++) {
		groups[i] = s->groups[i].pub;
		groups[i].problem = s->groups[i].problem ? s->groups[i].problem : "";
	}
	for (size_t i = 0; volumes && m->priv->volumes && i < s->n_volumes; i++) {
		volumes[i] = s->volumes[i].pub;
		m->priv->volumes[i] = s->volumes[i].priv;
	}
	m->n_groups = s->n_groups;
	m->groups = groups;
	m->n_volumes = s->n_volumes;
	m->volumes = volumes;
	m->n_jobs = s->n_jobs;
	m->jobs = pool_copy(s->pool, s->jobs, s->n_jobs, sizeof(*s->jobs));
}

/* The last step, after which nothing can fail: what the scan owned is the model's. */
static void hand_over(struct scan *s, struct dyn_model *m)
{
	for (size_t i = 0; i < s->n_disks; i++) {
		m->priv->disks[i] = s->disks[i].priv;
		s->disks[i].priv.map = NULL;
		s->disks[i].priv.own_db = NULL;
		s->disks[i].priv.raw_db = NULL;
		memset(&s->disks[i].priv.table, 0, sizeof(s->disks[i].priv.table));
	}
	for (size_t i = 0; i < s->n_groups; i++) {
		m->priv->groups[i].db = s->groups[i].db;
		s->groups[i].db = NULL;
	}
	m->priv->pool = s->pool;
	m->priv->refs = 1;
	s->pool = NULL;
}

static int finish(struct scan *s, struct dyn_model **out)
{
	struct dyn_model *m = calloc(1, sizeof(*m));

	if (m)
		m->priv = calloc(1, sizeof(*m->priv));
	if (m && m->priv) {
		m->priv->sys_root = strdup(s->args->sys_root);
		finish_disks(s, m);
		finish_rest(s, m);
		if (m->priv->sys_root && !s->pool->failed) {
			hand_over(s, m);
			*out = m;
			return 0;
		}
		free(m->priv->sys_root);
		free(m->priv);
	}
	free(m);
	return -ENOMEM;
}

int model_scan(const struct model_scan_args *a, struct dyn_model **out, struct dyn_err *err)
{
	struct scan s = { .args = a, .pool = pool_new() };
	int rc;

	if (!s.pool)
		return dyn_fail_nomem(err);
	rc = scan_list(&s, err);
	for (size_t i = 0; !rc && i < s.n_disks; i++) {
		scan_facts(&s, &s.disks[i]);
		scan_probe(&s, &s.disks[i]);
	}
	if (!rc) {
		scan_groups(&s);
		scan_ldm_volumes(&s);
		scan_partitions(&s);
		scan_jobs(&s);
		scan_file_systems(&s);
		scan_job_titles(&s);
		scan_regions(&s);
		scan_partition_tables(&s);
		if (finish(&s, out))
			rc = dyn_fail_nomem(err);
	}
	scan_free(&s);
	return rc;
}
