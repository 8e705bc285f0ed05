/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * import.c - a group that came from another machine joins one that is here (DiskPart "import").
 *
 * Order:
 *   1 the header of each disk of the foreign group is marked: it is about to leave (ldm_vmdb_mark_leaving). A cut
 *     leaves a change that recovery rolls back
 *   2 one transaction of the group that stays lists the disks, volumes, plexes and extents of the other, under new
 *     object ids, and new names and numbers where its own have them. From its commit point on they are its own:
 *     a disk that still carries the mark of that very transaction is recognised as one of them
 *   3 each disk gets the database and headers that name the group (join.h)
 * After a cut between 2 and the end of 3 dyn_plan_recover() does what is left of 3. No byte of a volume is written.
 *
 * A disk that is away comes with its records, and its volumes look as they did. When it returns, what it holds counts
 * as out of date: whether it was used elsewhere meanwhile cannot be known.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "plan/join.h"
#include "plan/records.h"

struct renamed {
	uint64_t id;                   /* in the foreign database */
	const struct ldm_record *was;
	struct ldm_record is;
};

struct import {
	struct sim *sim;
	struct maker mk;
	size_t from, into;
	char from_title[96], into_title[96];
	const struct ldm_db *db;       /* of the foreign group */
	size_t n;
	struct renamed *moved;         /* as many as db has records */
};

/* ------------------------------------------------------------------- refusals */

static int check_disks(struct sim *sim, size_t from, uint16_t newest, struct dyn_err *err)
{
	const char *group = sim->m->groups[from].name;
	int rc = 0;

	for (size_t i = 0; !rc && i < sim->n_disks; i++) {
		const struct dyn_disk *d = &sim->m->disks[i];
		if (d->group != from || d->status == DYN_DISK_MISSING)
			continue;
		rc = sim_need_disk(sim, i, err);
		if (!rc && !sim->disks[i].member)
			rc = dyn_refuse(err, -ESTALE, "Reactivate it first, or leave it out.",
					"the copy of the group's database on %s (%s) is out of date or damaged", d->name, group);
		if (!rc && sim->m->priv->disks[i].n_rebuilds)
			rc = dyn_refuse(err, -EBUSY, "Continue the rebuild and let it end, or cancel it, then import.",
					"%s is the target of a rebuild", d->name);
		if (!rc && sim->disks[i].ph.minor > newest)
			rc = dyn_refuse(err, -ENOTSUP, "Import the older group into the newer one instead.",
					"%s was made by a newer Windows (LDM 2.%u) than the group it would join (LDM 2.%u)",
					d->name, sim->disks[i].ph.minor, newest);
	}
	return rc;
}

/* Redundant volumes that were open for writing when the machine stopped, or that lost a half: the log alone knows. */
static int check_log(const struct sim *sim, size_t from, struct dyn_err *err)
{
	const struct ldm_db *db = sim->groups[from].db;
	size_t n = ldm_db_log(db, NULL, 0);
	struct ldm_log_entry *e = calloc(n + 1, sizeof(*e));
	int rc = e ? 0 : dyn_fail_nomem(err);

	if (e)
		ldm_db_log(db, e, n);
	for (size_t i = 0; !rc && i < n; i++) {
		const struct ldm_record *r = e[i].status == LDM_LOG_COMMIT ? NULL : ldm_db_find(db, LDM_KINDS, e[i].first);
		char name[96];
		if (!r || r->kind == LDM_DISK || r->kind == LDM_GROUP || (r->kind == LDM_VOLUME && r->u.volume.n_components < 2 &&
									  strcmp(r->u.volume.type, "raid5") != 0))
			continue;
		dyn_text_clean(name, sizeof(name), r->name, strlen(r->name));
		rc = dyn_refuse(err, -EBUSY,
				"Use it here as it is, or let Windows bring its copies in step; or remove the half you trust less.",
				"the log of the group %s says that the copies of %s may differ", sim->m->groups[from].name, name);
	}
	free(e);
	return rc;
}

static int check_clones(const struct sim *sim, size_t from, size_t into, struct dyn_err *err)
{
	const struct ldm_db *theirs = sim->groups[from].db, *ours = sim->groups[into].db;
	const struct ldm_record *r = NULL;
	char name[96], guid[37];

	while ((r = ldm_db_next(theirs, LDM_DISK, r)))
		if (ldm_db_find_disk(ours, r->u.disk.guid)) {
			dyn_text_clean(name, sizeof(name), r->name, strlen(r->name));
			return dyn_refuse(err, -EEXIST,
					  "Delete it from the group where it is missing (delete disk override), then import.",
					  "both groups list the same disk (%s, %s): which of them is the newer would be a guess",
					  name, r->u.disk.guid);
		}
	while ((r = ldm_db_next(theirs, LDM_VOLUME, r))) {
		dyn_guid_format(r->u.volume.guid, guid);
		if (ldm_db_find_volume(ours, guid)) {
			dyn_text_clean(name, sizeof(name), r->name, strlen(r->name));
			return dyn_refuse(err, -EEXIST, "Delete the one that is not needed, then import.",
					  "both groups hold the same volume (%s, %s): which of them is the newer would be a guess",
					  name, guid);
		}
	}
	return 0;
}

/* The newest header version among the members that are here; 0: there are none. */
static uint16_t newest_header(const struct sim *sim, size_t group)
{
	uint16_t minor = 0;

	for (size_t i = 0; i < sim->n_disks; i++)
		if (sim->disks[i].group == group && sim->disks[i].member && sim->disks[i].ph.minor > minor)
			minor = sim->disks[i].ph.minor;
	return minor;
}

static int check(struct sim *sim, size_t from, size_t into, struct dyn_err *err)
{
	const struct dyn_group *f = &sim->m->groups[from], *g = &sim->m->groups[into];
	uint16_t newest = newest_header(sim, into);
	int rc;

	if (f->interrupted)
		return dyn_refuse(err, -EUCLEAN, "Finish or undo the interrupted change of it first.",
				  "a change to the group %s was cut off half-way", f->name);
	if (f->problem[0] || !sim->groups[from].db)
		return dyn_refuse(err, -EUCLEAN, "Its disks are shown, but nothing is written to them.",
				  "The disk group %s must not be changed: %s", f->name, f->problem);
	rc = sim_need_group(sim, into, err);
	if (rc)
		return rc;
	if (!newest)
		return dyn_refuse(err, -ENODEV, "Connect one of its disks, then rescan.",
				  "no disk with the current database of the group %s is here", g->name);
	for (size_t i = 0; i < sim->m->n_jobs; i++)
		if (sim->m->volumes[sim->m->jobs[i].volume].group == from)
			return dyn_refuse(err, -EBUSY, "Let that rebuild end, or cancel it, then import.",
					  "%s is being rebuilt", sim->m->jobs[i].volume_title);
	rc = check_disks(sim, from, newest, err);
	if (!rc)
		rc = check_clones(sim, from, into, err);
	return rc ? rc : check_log(sim, from, err);
}

/* -------------------------------------------------------------------- records */

static const struct renamed *moved_to(const struct import *im, uint64_t id)
{
	for (size_t i = 0; i < im->n; i++)
		if (im->moved[i].id == id)
			return &im->moved[i];
	return NULL;
}

/* Its own name where that is free. "Volume1-02" of what is Volume4 now becomes "Volume4-02" where that is. */
static void choose_name(const struct import *im, struct ldm_record *r, const struct renamed *parent)
{
	size_t n = parent ? strlen(parent->was->name) : 0;
	char name[64];

	if (parent && strcmp(parent->was->name, parent->is.name) != 0) {
		if (strncasecmp(r->name, parent->was->name, n) == 0 && r->name[n] == '-')
			snprintf(name, sizeof(name), "%.40s%.20s", parent->is.name, r->name + n);
		else
			name[0] = '\0';
		if (!name[0] || maker_name_taken(&im->mk, r->kind, name))
			maker_name(&im->mk, r->kind, parent->is.name, name);
	} else if (maker_name_taken(&im->mk, r->kind, r->name)) {
		maker_name(&im->mk, r->kind, parent ? parent->is.name : NULL, name);
	} else {
		return;
	}
	snprintf(r->name, sizeof(r->name), "%s", name);
}

/* A letter that a volume of the group has already is not to be asked for twice. */
static int drop_letter(struct import *im, struct ldm_record *r, struct dyn_err *err)
{
	const struct ldm_record *o = NULL;
	char hint[16], name[96];

	if (!(r->flags & LDM_VF_HINT))
		return 0;
	while ((o = ldm_db_next(im->mk.db, LDM_VOLUME, o)))
		if (o->flags & LDM_VF_HINT && strcasecmp(o->u.volume.hint, r->u.volume.hint) == 0)
			break;
	if (!o)
		return 0;
	dyn_text_clean(hint, sizeof(hint), r->u.volume.hint, strlen(r->u.volume.hint));
	dyn_text_clean(name, sizeof(name), r->name, strlen(r->name));
	r->flags &= (uint8_t)~LDM_VF_HINT;
	r->u.volume.hint[0] = '\0';
	return plan_note(im->sim->p, "%s loses the letter %s, which a volume of the group has already.", name, hint) ?
		       dyn_fail_nomem(err) : 0;
}

static int fit_volume(struct import *im, struct ldm_record *r, struct dyn_err *err)
{
	r->flags &= (uint8_t)~(LDM_VF_ID1 | LDM_VF_ID2); /* object ids of the other database, which nobody needs */
	r->u.volume.id1 = r->u.volume.id2 = r->u.volume.second_tid = 0;
	r->u.volume.number = maker_number(&im->mk, r->u.volume.number);
	if (!r->u.volume.number)
		return dyn_refuse(err, -ENOSPC, "Delete volumes that are not needed.",
				  "the two groups have more than the 255 volumes that one can have");
	choose_name(im, r, NULL);
	return drop_letter(im, r, err);
}

static int fit(struct import *im, struct ldm_record *r, struct dyn_err *err)
{
	const struct renamed *parent = NULL, *disk = NULL;

	switch (r->kind) {
	case LDM_DISK:
		r->type = LDM_T_DISK3;
		r->flags = 0;
		r->u.disk.last_device[0] = '\0';
		memset(r->u.disk.disk_set, 0, sizeof(r->u.disk.disk_set));
		choose_name(im, r, NULL);
		return 0;
	case LDM_VOLUME:
		return fit_volume(im, r, err);
	case LDM_COMPONENT:
		parent = moved_to(im, r->u.component.volume_id);
		if (parent) {
			r->u.component.volume_id = parent->is.id;
			choose_name(im, r, parent);
		}
		break;
	default:
		parent = moved_to(im, r->u.extent.component_id);
		disk = moved_to(im, r->u.extent.disk_id);
		if (!disk)
			parent = NULL;
		if (parent) {
			r->u.extent.component_id = parent->is.id;
			r->u.extent.disk_id = disk->is.id;
			r->flags &= (uint8_t)~LDM_EF_TID;
			r->u.extent.second_tid = 0;
			choose_name(im, r, disk);
		}
		break;
	}
	return parent ? 0 : dyn_fail(err, -EBADMSG, "the database of the foreign group refers to what it does not hold");
}

/* Who is referred to comes before who refers; among equals the older first, so that names keep their order. */
static int by_need(const void *a, const void *b)
{
	static const int order[] = { [LDM_DISK] = 0, [LDM_VOLUME] = 1, [LDM_COMPONENT] = 2, [LDM_EXTENT] = 3 };
	const struct renamed *x = a, *y = b;

	if (x->was->kind != y->was->kind)
		return order[x->was->kind] - order[y->was->kind];
	return x->id < y->id ? -1 : x->id > y->id;
}

static int move_records(struct import *im, struct dyn_err *err)
{
	const struct ldm_record *r = NULL;
	int rc = 0;

	while ((r = ldm_db_next(im->db, LDM_KINDS, r)))
		if (r->kind != LDM_GROUP)
			im->moved[im->n++] = (struct renamed){ r->id, r, *r };
	qsort(im->moved, im->n, sizeof(*im->moved), by_need);
	for (size_t i = 0; !rc && i < im->n; i++) {
		struct ldm_record *is = &im->moved[i].is;
		is->n_slots = 0;
		rc = fit(im, is, err);
		is->id = maker_id(&im->mk);
		if (!rc)
			rc = ldm_txn_add(im->mk.t, is, err);
	}
	return rc;
}

/* ----------------------------------------------------------------------- plan */

static size_t first_disk(const struct dyn_model *m, size_t group)
{
	size_t i = 0;

	while (i < m->n_disks && (m->disks[i].group != group || m->disks[i].status == DYN_DISK_MISSING))
		i++;
	return i;
}

/* Groups made by one machine, or by dynadisk, have the same name: then a disk tells them apart. */
static void group_title(const struct dyn_model *m, size_t group, size_t other, char *dst, size_t n)
{
	const char *name = m->groups[group].name;

	if (strcasecmp(name, m->groups[other].name) == 0)
		snprintf(dst, n, "%s (%s)", name, m->disks[first_disk(m, group)].name);
	else
		snprintf(dst, n, "%s", name);
}

static int describe(struct import *im, struct dyn_err *err)
{
	const struct dyn_model *m = im->sim->m;
	const char *f = im->from_title, *g = im->into_title;
	char old[128], new[128];
	int rc = plan_note(im->sim->p, "The group %s ends: on the machine it came from its disks will be foreign, as members of %s.",
			   f, g);

	for (size_t i = 0; !rc && i < m->n_disks; i++)
		if (m->disks[i].group == im->from && m->disks[i].status == DYN_DISK_MISSING)
			rc = plan_note(im->sim->p,
				       "%s (%s) is missing: it is listed in %s as missing. When it returns, what it holds counts as out "
				       "of date.", m->disks[i].name, m->disks[i].db_name, g);
	for (size_t i = 0; !rc && i < im->n; i++) {
		const struct renamed *r = &im->moved[i];
		if ((r->was->kind != LDM_VOLUME && r->was->kind != LDM_DISK) || strcmp(r->was->name, r->is.name) == 0)
			continue;
		dyn_text_clean(old, sizeof(old), r->was->name, strlen(r->was->name));
		dyn_text_clean(new, sizeof(new), r->is.name, strlen(r->is.name));
		rc = plan_note(im->sim->p, "The %s %s of %s is called %s in %s.", r->was->kind == LDM_DISK ? "disk" : "volume",
			       old, f, new, g);
	}
	return rc ? dyn_fail_nomem(err) : 0;
}

/* Steps 1 and 2 of the order above; the mark needs the number that the transaction gets. */
static int take_over(struct import *im, struct dyn_err *err)
{
	struct sim *sim = im->sim;
	const char *f = im->from_title, *g = im->into_title;
	struct plan_step *st;
	unsigned phase = 0;
	int rc;

	if (!plan_add_step(sim->p, DYN_STEP_SECTORS, DYN_NONE,
			   plan_printf(sim->p, "Mark the disks of %s: they leave it", f), "database only", ""))
		return dyn_fail_nomem(err);
	st = plan_add_step(sim->p, DYN_STEP_SECTORS, DYN_NONE,
			   plan_printf(sim->p, "List the disks and volumes of %s in %s", f, g), "database only",
			   plan_printf(sim->p, "select disk %u\nimport", sim->m->disks[first_disk(sim->m, im->from)].number));
	if (!st)
		return dyn_fail_nomem(err);
	rc = sim_commit(sim, im->into, im->mk.t, st, &phase, err);
	im->mk.t = NULL;
	if (rc == -ENOSPC)
		dyn_err_way_out(err, "Its disks are left as they are. Use the group as it is, or delete volumes that are not needed.");
	for (size_t i = 0; !rc && i < sim->n_disks; i++)
		if (sim->disks[i].group == im->from && sim->disks[i].member &&
		    join_mark(sim, &sim->p->steps[0], 0, i, im->db, sim->groups[im->into].db->head.committed_tid))
			rc = dyn_fail_nomem(err);
	return rc;
}

static int op_import(struct sim *sim, size_t from, size_t into, struct dyn_err *err)
{
	struct import im = { .sim = sim, .from = from, .into = into, .db = sim->groups[from].db };
	int rc = check(sim, from, into, err);

	if (rc)
		return rc;
	group_title(sim->m, from, into, im.from_title, sizeof(im.from_title));
	group_title(sim->m, into, from, im.into_title, sizeof(im.into_title));
	im.moved = calloc(im.db->n + 1, sizeof(*im.moved));
	rc = im.moved ? maker_begin(&im.mk, sim, sim->groups[into].db, err) : dyn_fail_nomem(err);
	if (!rc) {
		ldm_txn_beyond(im.mk.t, im.db->head.committed_tid);
		rc = move_records(&im, err);
	}
	if (!rc)
		rc = describe(&im, err);
	if (!rc)
		rc = take_over(&im, err);
	ldm_txn_free(im.mk.t);
	for (size_t i = 0; !rc && i < sim->n_disks; i++)
		if (sim->disks[i].group == from && sim->disks[i].member)
			rc = join_disk(sim, i, into, err);
	free(im.moved);
	return rc;
}

int dyn_plan_import(struct dyn_session *s, struct dyn_model *m, size_t foreign, size_t into, struct dyn_plan **out,
		    struct dyn_err *err)
{
	char from[96], to[96];
	struct sim sim;
	int rc;

	*out = NULL;
	if (foreign >= m->n_groups || into >= m->n_groups)
		return dyn_fail(err, -EINVAL, "there is no such disk group");
	if (foreign == into)
		return dyn_refuse(err, -EALREADY, "Nothing needs to be done.", "%s is the group itself", m->groups[into].name);
	group_title(m, foreign, into, from, sizeof(from));
	group_title(m, into, foreign, to, sizeof(to));
	rc = sim_begin(&sim, s, m, err, "Import %s into %s", from, to);
	if (rc)
		return rc;
	return sim_finish(&sim, op_import(&sim, foreign, into, err), out);
}
