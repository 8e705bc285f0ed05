/* SPDX-License-Identifier: GPL-3.0-or-later */
/* letter.c - the drive letter that the database suggests for a volume (its mount hint, ldm-format.md 5). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "plan/sim.h"

static int check(struct sim *sim, size_t volume, char letter, const char *title, struct dyn_err *err)
{
	const struct dyn_model *m = sim->m;

	if (letter && (letter < 'A' || letter > 'Z'))
		return dyn_refuse(err, -EINVAL, "Use a letter from A to Z.", "'%c' is not a drive letter", letter);
	if (m->volumes[volume].group == DYN_NONE)
		return dyn_refuse(err, -ENOTSUP, "A letter for this session can be had with ASSIGN in the shell.",
				  "%s is a partition, and no partition table has room for a drive letter", title);
	for (size_t i = 0; letter && i < m->n_volumes; i++)
		if (i != volume && m->volumes[i].letter == letter)
			return dyn_refuse(err, -EEXIST, "Choose another letter.", "%c is the letter of volume %u",
					  letter, m->volumes[i].number);
	if (m->volumes[volume].letter == letter)
		return dyn_refuse(err, -EALREADY, "Nothing needs to be done.", "%s has %s letter already", title,
				  letter ? "this" : "no");
	return sim_need_group(sim, m->volumes[volume].group, err);
}

static int op_set_letter(struct sim *sim, size_t volume, char letter, const char *title, struct dyn_err *err)
{
	const struct dyn_volume *v = &sim->m->volumes[volume];
	const struct ldm_record *old;
	struct ldm_record changed;
	struct plan_step *st;
	unsigned phase = 0;
	struct ldm_txn *t;
	int rc = check(sim, volume, letter, title, err);

	if (rc)
		return rc;
	old = ldm_db_find(sim->groups[v->group].db, LDM_VOLUME, sim->m->priv->volumes[volume].record_id);
	if (!old)
		return dyn_fail(err, -ESTALE, "the database does not hold %s any more", v->name);
	changed = *old;
	memset(changed.u.volume.hint, 0, sizeof(changed.u.volume.hint));
	changed.flags &= (uint8_t)~LDM_VF_HINT;
	if (letter) {
		changed.flags |= LDM_VF_HINT;
		snprintf(changed.u.volume.hint, sizeof(changed.u.volume.hint), "%c:", letter);
	}
	st = plan_add_step(sim->p, DYN_STEP_SECTORS, DYN_NONE,
			   letter ? plan_printf(sim->p, "Note the letter %c for %s", letter, title) :
				    plan_printf(sim->p, "Forget the letter of %s", title),
			   "database only",
			   letter ? plan_printf(sim->p, "select volume %u\nassign letter=%c", v->number, letter) :
				    plan_printf(sim->p, "select volume %u\nremove", v->number));
	if (!st)
		return dyn_fail_nomem(err);
	rc = ldm_txn_begin(sim->groups[v->group].db, &t, err);
	if (rc)
		return rc;
	rc = ldm_txn_replace(t, &changed, err);
	if (rc) {
		ldm_txn_free(t);
		return rc;
	}
	return sim_commit(sim, v->group, t, st, &phase, err);
}

int dyn_plan_set_letter(struct dyn_session *s, struct dyn_model *m, size_t volume, char letter, struct dyn_plan **out,
			struct dyn_err *err)
{
	char title[96] = "";
	struct sim sim;
	int rc;

	if (volume < m->n_volumes)
		model_volume_title(&m->volumes[volume], title, sizeof(title));
	rc = sim_begin(&sim, s, m, err, "Letter of %s", title);
	if (rc)
		return rc;
	rc = sim_need_volume(&sim, volume, err);
	return sim_finish(&sim, rc ? rc : op_set_letter(&sim, volume, letter, title, err), out);
}
