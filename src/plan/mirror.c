/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mirror.c - a simple volume gets a second half (DiskPart "add disk=N", Add Mirror), design.md section 7:
 * prepare the target, leave the rebuild record there, copy, verify, and only then commit the
 * transaction that makes the volume a mirror. Also: continuing, giving up and finishing a rebuild.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "plan/entries.h"

enum { SECTOR = 512 };

/* ------------------------------------------------------------- the transaction */

static void second_half(const struct ldm_record *volume, const struct ldm_db *db, struct ldm_record *c)
{
	char name[64];

	memset(c, 0, sizeof(*c));
	c->kind = LDM_COMPONENT;
	c->type = LDM_T_COMPONENT;
	ldm_db_new_name(db, LDM_COMPONENT, volume->name, name);
	snprintf(c->name, sizeof(c->name), "%s", name);
	snprintf(c->u.component.state, sizeof(c->u.component.state), "ACTIVE");
	c->u.component.layout = LDM_LAYOUT_CONCAT;
	c->u.component.n_extents = 1;
	c->u.component.volume_id = volume->id;
}

/* Its disk could not be read everywhere: LDM's flag for that makes Windows say At Risk of every volume on it. */
static int flag_failing(struct ldm_txn *t, const struct sim *sim, size_t group, size_t disk, struct dyn_err *err)
{
	const struct ldm_record *d = ldm_db_find(sim->groups[group].db, LDM_DISK, sim->disks[disk].record_id);
	struct ldm_record r;

	if (!d || d->u.disk.dflags & LDM_DISK_FAILING)
		return 0;
	r = *d;
	r.u.disk.dflags |= LDM_DISK_FAILING;
	return ldm_txn_replace(t, &r, err);
}

/*
 * What starts from a volume finds it by its table entry: the new half of a retained volume gets one, too. Before the
 * transaction, as in retain.c: an entry more than needed is taken by every reader. An MBR may have no slot for it: the
 * mirror is worth having all the same.
 */
static int retain_half(struct sim *sim, size_t target, uint64_t start, uint64_t size, struct plan_step *st, unsigned *phase,
		       struct dyn_err *err)
{
	const char *name = sim->m->disks[target].name;
	struct dyn_err why = { 0 };
	int rc = entry_of_its_own(sim, st, phase, target, start, size, &why);

	if (rc && rc != -ENOSPC) {
		if (err)
			*err = why;
		return rc;
	}
	if (rc)
		rc = plan_note(sim->p, "%s; the new half gets no partition entry of its own, and nothing can start from it.",
			       why.what);
	else
		rc = plan_note(sim->p, "The new half gets a partition entry of its own on %s, as the other one has.", name);
	return rc ? dyn_fail_nomem(err) : 0;
}

int op_attach(struct sim *sim, size_t group, const struct ldm_record *volume, size_t target, uint64_t target_start,
	      size_t failing, struct plan_step *st, unsigned *phase, struct dyn_err *err)
{
	const struct ldm_db *db = sim->groups[group].db;
	const struct sim_disk *td = &sim->disks[target];
	const struct ldm_record *disk = ldm_db_find(db, LDM_DISK, td->record_id);
	struct ldm_record v = *volume, c, e = { .kind = LDM_EXTENT, .type = LDM_T_EXTENT, .flags = LDM_EF_UNKNOWN };
	struct ldm_txn *t;
	char name[64];
	int rc = 0;

	if (!disk)
		return dyn_fail(err, -ESTALE, "%s is no longer a member of the group", sim->m->disks[target].name);
	if (volume->u.volume.vflags & LDM_VOL_RETAIN)
		rc = retain_half(sim, target, target_start, volume->u.volume.size, st, phase, err);
	if (!rc)
		rc = ldm_txn_begin(db, &t, err);
	if (rc)
		return rc;
	second_half(volume, db, &c);
	c.id = ldm_txn_new_id(t);
	e.id = ldm_txn_new_id(t);
	ldm_db_new_name(db, LDM_EXTENT, disk->name, name);
	snprintf(e.name, sizeof(e.name), "%s", name);
	e.u.extent.start = target_start - td->ph.public_start;
	e.u.extent.size = volume->u.volume.size;
	e.u.extent.component_id = c.id;
	e.u.extent.disk_id = disk->id;
	v.u.volume.n_components = 2;
	rc = ldm_txn_replace(t, &v, err);
	if (!rc)
		rc = ldm_txn_add(t, &c, err);
	if (!rc)
		rc = ldm_txn_add(t, &e, err);
	if (!rc)
		rc = ldm_txn_replace(t, disk, err);
	if (!rc && failing != DYN_NONE)
		rc = flag_failing(t, sim, group, failing, err);
	if (rc) {
		ldm_txn_free(t);
		return rc;
	}
	return sim_commit(sim, group, t, st, phase, err);
}

/* ---------------------------------------------------------------------- checks */

/* The volume cannot be a source: `what`, or the disk that is to blame. */
static int no_source(const struct sim *sim, const char *title, int code, const char *what, const char *way_out,
		     struct dyn_err *err)
{
	char why[512];

	if (!model_blame(sim->m, why, sizeof(why)))
		return dyn_refuse(err, code, way_out, "%s %s", title, what);
	return dyn_refuse(err, code, "Check its cable and power, then rescan (F5).", "%s %s: %s", title, what, why);
}

static int check_source(struct sim *sim, size_t volume, struct dyn_err *err)
{
	const struct dyn_volume *v = &sim->m->volumes[volume];
	char title[96];

	model_volume_title(v, title, sizeof(title));
	if (v->layout == DYN_LAYOUT_PARTITION)
		return dyn_refuse(err, -EINVAL, "Only volumes on dynamic disks can be mirrored.",
				  "%s is a partition on a basic disk", title);
	if (v->job != DYN_NONE)
		return dyn_refuse(err, -EBUSY, "Let that rebuild end, or continue it if it is paused.", "%s is being rebuilt",
				  title);
	if (v->layout == DYN_LAYOUT_MIRROR)
		return dyn_refuse(err, -EEXIST,
				  v->status == DYN_VOLUME_HEALTHY ? "Nothing needs to be done." :
								    "Remove the broken half first; Repair does it all.",
				  "%s is a mirror already", title);
	if (v->layout != DYN_LAYOUT_SIMPLE || v->n_plexes != 1 || v->plexes[0].n_extents != 1)
		return dyn_refuse(err, -EINVAL, "Windows mirrors simple volumes of one piece only.",
				  "%s is not a simple volume of one piece", title);
	/* At Risk is the very reason to want a second half */
	if (v->status != DYN_VOLUME_HEALTHY && v->status != DYN_VOLUME_AT_RISK)
		return no_source(sim, title, -EIO, "is not healthy", "The source of a mirror must be healthy.", err);
	return 0;
}

/*
 * A Windows in hibernation goes on with the disks as it remembers them: a half that it does not know of goes stale
 * unnoticed. One that BitLocker locks to its disks would not start from the other half.
 */
static int check_awake(struct sim *sim, size_t volume, struct dyn_err *err)
{
	const struct dyn_volume *v = &sim->m->volumes[volume];
	bool boots = strcmp(v->info, "Boot") == 0 || strcmp(v->info, "System") == 0;
	int rc = sim_need_awake(sim, volume, err);
	char title[96];

	if (rc || strcmp(v->fs, "BitLocker") != 0)
		return rc;
	model_volume_title(v, title, sizeof(title));
	if (boots)
		return dyn_refuse(err, -EBUSY, "Decrypt it in Windows first (manage-bde -off), then mirror it.",
				  "%s is in use: encrypted by BitLocker, and Windows starts from it", title);
	return plan_note(sim->p, "%s is encrypted by BitLocker. It is copied as it is: both halves open with the same key.", title) ?
		       dyn_fail_nomem(err) :
		       0;
}

static int check_target(const struct sim *sim, const struct dyn_volume *v, size_t source, size_t disk,
			struct dyn_err *err)
{
	const struct dyn_disk *d = &sim->m->disks[disk];
	int rc = disk == source ? dyn_refuse(err, -EINVAL, "Choose another disk.", "%s holds the volume itself", d->name) :
				  sim_need_disk(sim, disk, err);

	if (rc)
		return rc;
	if (sim->disks[disk].dynamic && (d->group != v->group || !sim->disks[disk].member))
		return dyn_refuse(err, -EXDEV,
				  d->group != v->group ? "Clean it first if nothing on it is needed (DiskPart: clean), import its "
							 "group, or choose another disk." :
							 "Choose an empty disk, or reactivate this one first.",
				  d->group != v->group ? "%s belongs to another disk group" :
							 "%s does not carry the group's current database",
				  d->name);
	return 0;
}

/* --------------------------------------------------------------- the copy's steps */

static void absolute_source(const struct sim *sim, const struct ldm_db *db, const struct ldm_record *volume,
			    size_t *source, uint64_t *start)
{
	const struct ldm_record *e = NULL, *c;

	*source = DYN_NONE;
	while ((e = ldm_db_next(db, LDM_EXTENT, e))) {
		c = ldm_db_find(db, LDM_COMPONENT, e->u.extent.component_id);
		if (!c || c->u.component.volume_id != volume->id)
			continue;
		for (size_t i = 0; i < sim->n_disks; i++)
			if (sim->disks[i].member && sim->disks[i].record_id == e->u.extent.disk_id &&
			    sim->groups[sim->disks[i].group].db == db) {
				*source = i;
				*start = sim->disks[i].ph.public_start + e->u.extent.start;
			}
	}
}

static void fill_record(const struct sim *sim, const struct ldm_db *db, const struct ldm_record *volume, size_t source,
			uint64_t source_start, size_t target, uint64_t target_start, struct ldm_rebuild *r)
{
	memset(r, 0, sizeof(*r));
	r->sequence = 1;
	r->phase = LDM_REBUILD_COPY;
	dyn_guid_format(volume->u.volume.guid, r->volume_guid);
	memcpy(r->source_guid, sim->disks[source].ldm_guid, sizeof(r->source_guid));
	memcpy(r->target_guid, sim->disks[target].ldm_guid, sizeof(r->target_guid));
	r->source_start = source_start;
	r->target_start = target_start;
	r->size = volume->u.volume.size;
	r->commit_tid = db->head.committed_tid;
	r->started = r->updated = session_filetime(sim->s);
}

/* The COPY step, with the transaction at its end as a preview. slot: where the next record goes. */
static int add_copy(struct sim *sim, const struct sim_half *half, size_t source, const struct ldm_rebuild *r,
		    uint32_t slot, bool resume, struct dyn_err *err)
{
	const struct dyn_disk *t = &sim->m->disks[half->disk];
	char size[32];
	struct plan_step *st;
	unsigned phase = 0;

	dyn_text_size(size, sizeof(size), r->size * SECTOR);
	st = plan_add_step(sim->p, DYN_STEP_COPY, half->disk,
			   plan_printf(sim->p, resume ? "Continue the mirror of %s on %s" : "Add mirror of %s on %s",
				       half->title, t->name),
			   plan_printf(sim->p, "copies %s, verifies", size), half->diskpart);
	if (!st)
		return dyn_fail_nomem(err);
	st->pub.source = source;
	st->pub.source_offset = r->source_start * SECTOR;
	st->pub.target_offset = r->target_start * SECTOR;
	st->pub.size = r->size * SECTOR;
	st->copy.record = *r;
	st->copy.record_slot = slot;
	st->copy.target_private_start = sim->disks[half->disk].ph.private_start;
	snprintf(st->copy.volume_title, sizeof(st->copy.volume_title), "%.63s", half->title);
	st->copy.resume = resume;
	if (plan_lock_disk(sim->p, source) || plan_lock_disk(sim->p, half->disk))
		return dyn_fail_nomem(err);
	return op_attach(sim, half->group, ldm_db_find(sim->groups[half->group].db, LDM_VOLUME, half->volume_id), half->disk,
			 r->target_start, DYN_NONE, st, &phase, err);
}

/* The record that makes an interrupted copy resumable; *next is the slot of the one after it. */
static int mark_start(struct sim *sim, size_t target, const struct ldm_rebuild *r, uint32_t *next, struct dyn_err *err)
{
	struct sim_disk *td = &sim->disks[target];
	uint64_t at = td->ph.private_start;
	uint8_t sector[SECTOR], zero[SECTOR] = { 0 };
	struct plan_step *st;
	uint32_t pair = 0;

	while (pair < LDM_REBUILD_PAIRS && td->pairs_used & 1u << pair)
		pair++;
	if (pair == LDM_REBUILD_PAIRS)
		return dyn_refuse(err, -EBUSY, "Wait until one of them has ended.", "%s is the target of %d rebuilds already",
				  sim->m->disks[target].name, LDM_REBUILD_PAIRS);
	td->pairs_used |= 1u << pair;
	at += LDM_REBUILD_FIRST + 2 * pair;
	*next = (LDM_REBUILD_FIRST + 2 * pair) ^ 1;
	st = plan_add_step(sim->p, DYN_STEP_SECTORS, target,
			   plan_printf(sim->p, "Note the start of the rebuild on %s", sim->m->disks[target].name), "one sector",
			   "");
	ldm_rebuild_encode(r, sector);
	/* written even where it is zeros: the rebuild will use both, and undo has to know what was in either */
	if (!st || sim_write(sim, st, 0, target, at + 1, 1, "rebuild record, second copy", zero, true) ||
	    sim_write(sim, st, 1, target, at, 1, "rebuild record", sector, false))
		return dyn_fail_nomem(err);
	plan_move_before_copies(sim->p);
	return 0;
}

static int no_room(const struct sim *sim, size_t disk, uint64_t need, uint64_t largest, struct dyn_err *err)
{
	char have[32], want[32], missing[32];

	dyn_text_size(have, sizeof(have), largest * SECTOR);
	dyn_text_size(want, sizeof(want), need * SECTOR);
	dyn_text_size(missing, sizeof(missing), (need - largest) * SECTOR);
	return dyn_refuse(err, -ENOSPC, "Choose a larger disk.",
			  "There is not enough usable space for this operation: %s has %s free in one piece, %s are needed (%s more)",
			  sim->m->disks[disk].name, have, want, missing);
}

int op_add_half(struct sim *sim, const struct sim_half *half, struct dyn_err *err)
{
	const struct ldm_db *db = sim->groups[half->group].db;
	const struct ldm_record *volume = ldm_db_find(db, LDM_VOLUME, half->volume_id);
	uint64_t source_start = 0;
	struct ldm_rebuild r;
	uint32_t slot = 0;
	size_t source;
	int rc;

	if (!volume)
		return dyn_fail(err, -ESTALE, "the database does not hold %s any more", half->title);
	absolute_source(sim, db, volume, &source, &source_start);
	if (source == DYN_NONE)
		return no_source(sim, half->title, -ENODEV, "is on a disk that is not here", "Connect it, then rescan (F5).", err);
	fill_record(sim, db, volume, source, source_start, half->disk, half->start, &r);
	rc = mark_start(sim, half->disk, &r, &slot, err);
	return rc ? rc : add_copy(sim, half, source, &r, slot, false, err);
}

int op_add_mirror(struct sim *sim, size_t volume, size_t disk, enum dyn_table table, struct dyn_err *err)
{
	const struct dyn_volume *v = &sim->m->volumes[volume];
	struct sim_half half = { .group = v->group, .volume_id = sim->m->priv->volumes[volume].record_id, .disk = disk };
	const struct ldm_record *record;
	uint64_t source_start = 0, largest = 0;
	char title[96];
	size_t source;
	int rc;

	/* The database of the sim decides, not the model: an earlier step may have made the volume simple. */
	record = ldm_db_find(sim->groups[v->group].db, LDM_VOLUME, half.volume_id);
	if (!record)
		return dyn_fail(err, -ESTALE, "the database does not hold %s any more", v->name);
	absolute_source(sim, sim->groups[v->group].db, record, &source, &source_start);
	if (source == DYN_NONE)
		return no_source(sim, v->name, -ENODEV, "is on a disk that is not here", "Connect it, then rescan (F5).", err);
	rc = check_awake(sim, volume, err);
	if (!rc)
		rc = sim_need_group(sim, v->group, err);
	if (!rc)
		rc = check_target(sim, v, source, disk, err);
	if (!rc && !sim->disks[disk].dynamic) {
		if (table == DYN_TABLE_NONE && sim->disks[disk].table->kind == DYN_TABLE_NONE)
			table = sim->disks[source].table->kind;
		rc = op_upgrade(sim, disk, table, v->group, err);
		record = ldm_db_find(sim->groups[v->group].db, LDM_VOLUME, half.volume_id);
	}
	if (rc)
		return rc;
	rc = sim_find_room(sim, disk, record->u.volume.size, source_start, &half.start, &largest);
	if (rc)
		return no_room(sim, disk, record->u.volume.size, largest, err);
	model_volume_title(v, title, sizeof(title));
	half.title = title;
	half.diskpart = plan_printf(sim->p, "select volume %u\nadd disk=%u", v->number, sim->m->disks[disk].number);
	return op_add_half(sim, &half, err);
}

int dyn_plan_add_mirror(struct dyn_session *s, struct dyn_model *m, size_t volume, size_t disk, enum dyn_table table,
			struct dyn_plan **out, struct dyn_err *err)
{
	struct sim sim;
	char title[96] = "";
	int rc;

	if (volume < m->n_volumes)
		model_volume_title(&m->volumes[volume], title, sizeof(title));
	rc = sim_begin(&sim, s, m, err, "Add mirror to %s", title);
	if (rc)
		return rc;
	rc = sim_need_volume(&sim, volume, err);
	if (!rc)
		rc = check_source(&sim, volume, err);
	if (!rc && disk >= m->n_disks)
		rc = dyn_fail(err, -EINVAL, "there is no such disk");
	if (!rc)
		rc = op_add_mirror(&sim, volume, disk, table, err);
	if (!rc && plan_note(sim.p, "Undo does not bring back what was in the space the copy goes to."))
		rc = dyn_fail_nomem(err);
	return sim_finish(&sim, rc, out);
}

/* -------------------------------------------------------- an existing rebuild */

/* What the record says must still be so: the volume simple where it was, the target's room free. */
static int record_fits(const struct sim *sim, size_t volume, const struct ldm_rebuild *r, size_t target,
		       const struct ldm_record **record, size_t *source, struct dyn_err *err)
{
	const struct dyn_volume *v = &sim->m->volumes[volume];
	const struct ldm_db *db = sim->groups[v->group].db;
	uint64_t start = 0;

	*record = ldm_db_find(db, LDM_VOLUME, sim->m->priv->volumes[volume].record_id);
	if (!*record || (*record)->u.volume.n_components != 1 || (*record)->u.volume.size != r->size)
		return dyn_refuse(err, -ESTALE, "Cancel this rebuild and start a new one.",
				  "%s is not the simple volume it was when its rebuild began", v->name);
	absolute_source(sim, db, *record, source, &start);
	if (*source == DYN_NONE || sim->m->disks[*source].status == DYN_DISK_MISSING)
		return dyn_refuse(err, -ENODEV, "Connect that disk, or check its cable; rescan (F5), and continue the rebuild.",
				  "the disk that holds %s%s%s is not here", v->name, *source == DYN_NONE ? "" : ", ",
				  *source == DYN_NONE ? "" : sim->m->disks[*source].name);
	if (start != r->source_start ||
	    strcmp(sim->disks[*source].ldm_guid, r->source_guid) != 0)
		return dyn_refuse(err, -ESTALE, "Cancel this rebuild and start a new one.",
				  "%s does not lie where it did when its rebuild began", v->name);
	if (!sim->disks[target].member || sim->disks[target].group != v->group)
		return dyn_refuse(err, -ESTALE, "Connect it, or check its cable; rescan (F5), and continue the rebuild.",
				  "%s is no longer a current member of the group", sim->m->disks[target].name);
	return 0;
}

/* The target's range, without counting its own record. */
static int range_still_free(struct sim *sim, size_t target, const struct ldm_rebuild *r, struct dyn_err *err)
{
	sim->finishing = r;
	if (sim_is_free(sim, target, r->target_start, r->size))
		return 0;
	return dyn_refuse(err, -ESTALE, "Cancel this rebuild and start a new one.",
			  "something else now uses the room on %s that the rebuild was filling", sim->m->disks[target].name);
}

/* The record of a job that no process runs. */
static const struct model_rebuild *find_record(const struct dyn_model *m, const struct dyn_job *j)
{
	const struct model_disk *md = &m->priv->disks[j->target];

	for (size_t i = 0; i < md->n_rebuilds; i++)
		if (strcmp(md->rebuilds[i].r.volume_guid, j->volume_guid) == 0)
			return &md->rebuilds[i];
	return NULL;
}

static int op_resume(struct sim *sim, size_t job, bool accept, struct dyn_err *err)
{
	const struct dyn_job *j = &sim->m->jobs[job];
	const struct model_rebuild *rb = find_record(sim->m, j);
	struct sim_half half = { .group = sim->m->volumes[j->volume].group, .title = j->volume_title, .diskpart = "",
				 .volume_id = sim->m->priv->volumes[j->volume].record_id, .disk = j->target };
	const struct ldm_record *record;
	size_t source;
	int rc = sim_need_group(sim, half.group, err);

	if (!rc && (j->id != 0 || j->elsewhere))
		rc = dyn_refuse(err, -EBUSY, "Watch it here, or pause it where it runs.", "this rebuild is running already%s",
				j->elsewhere ? " in another dynadisk" : "");
	if (!rc)
		rc = check_awake(sim, j->volume, err);
	if (!rc)
		rc = rb ? record_fits(sim, j->volume, &rb->r, j->target, &record, &source, err) :
			  dyn_fail(err, -ESTALE, "the record of this rebuild is gone");
	if (!rc)
		rc = range_still_free(sim, j->target, &rb->r, err);
	if (!rc && plan_note(sim->p, "What was copied before is compared with the source again, not trusted."))
		rc = dyn_fail_nomem(err);
	if (!rc && accept && !rb->r.n_bad)
		rc = dyn_refuse(err, -EINVAL, "Continue it; it comes to its end by itself.", "all of %s could be read so far",
				j->volume_title);
	if (!rc && accept &&
	    plan_note(sim->p, "Where %s still cannot be read, the new half gets zeros; the volume is then marked At Risk.",
		      sim->m->disks[j->source].name))
		rc = dyn_fail_nomem(err);
	if (!rc)
		rc = add_copy(sim, &half, source, &rb->r, rb->slot ^ 1, true, err);
	if (!rc)
		sim->p->steps[sim->p->n_steps - 1].copy.accept = accept;
	return rc;
}

static int need_job(const struct dyn_model *m, size_t job, struct dyn_err *err)
{
	if (job >= m->n_jobs || m->jobs[job].volume == DYN_NONE || m->jobs[job].target == DYN_NONE)
		return dyn_fail(err, -EINVAL, "there is no such rebuild");
	return 0;
}

int dyn_plan_resume(struct dyn_session *s, struct dyn_model *m, size_t job, struct dyn_plan **out, struct dyn_err *err)
{
	struct sim sim;
	int rc = need_job(m, job, err);

	if (!rc)
		rc = sim_begin(&sim, s, m, err, "Continue the rebuild of %s", m->jobs[job].volume_title);
	if (rc)
		return rc;
	return sim_finish(&sim, op_resume(&sim, job, false, err), out);
}

int dyn_plan_finish(struct dyn_session *s, struct dyn_model *m, size_t job, struct dyn_plan **out, struct dyn_err *err)
{
	struct sim sim;
	int rc = need_job(m, job, err);

	if (!rc)
		rc = sim_begin(&sim, s, m, err, "Finish the rebuild of %s with zeros", m->jobs[job].volume_title);
	if (rc)
		return rc;
	return sim_finish(&sim, op_resume(&sim, job, true, err), out);
}

static int add_clear(struct sim *sim, struct plan_step *st, unsigned phase, size_t target, uint32_t slot,
		     struct dyn_err *err)
{
	uint64_t at = sim->disks[target].ph.private_start + (slot & ~1u);
	uint8_t zero[SECTOR] = { 0 };

	/* not "before"-checked: a worker moves the record on while it runs */
	if (sim_write(sim, st, phase, target, at, 1, "rebuild record", zero, true) ||
	    sim_write(sim, st, phase, target, at + 1, 1, "rebuild record, second copy", zero, true))
		return dyn_fail_nomem(err);
	return 0;
}

int plan_clear_record(struct dyn_session *s, struct dyn_model *m, size_t target_disk, uint32_t slot,
		      struct dyn_plan **out, struct dyn_err *err)
{
	struct plan_step *st;
	struct sim sim;
	int rc = sim_begin(&sim, s, m, err, "Give up the rebuild on %s", m->disks[target_disk].name);

	if (rc)
		return rc;
	if (!sim.disks[target_disk].map) /* while it was filled it went away */
		return sim_finish(&sim, dyn_refuse(err, -EIO, "Check its cable and power, then rescan: the rebuild is found as it was.",
						   "%s cannot be read, and its rebuild record stays on it",
						   m->disks[target_disk].name), out);
	st = plan_add_step(sim.p, DYN_STEP_SECTORS, target_disk,
			   plan_printf(sim.p, "Remove the rebuild record from %s", m->disks[target_disk].name), "two sectors",
			   "");
	rc = st ? add_clear(&sim, st, 0, target_disk, slot, err) : dyn_fail_nomem(err);
	return sim_finish(&sim, rc, out);
}

int dyn_plan_cancel(struct dyn_session *s, struct dyn_model *m, size_t job, struct dyn_plan **out, struct dyn_err *err)
{
	const struct model_rebuild *rb = NULL;
	int rc = need_job(m, job, err);

	if (!rc && (m->jobs[job].elsewhere || m->jobs[job].id != 0))
		rc = dyn_refuse(err, -EBUSY, "Cancel it where it runs.", "this rebuild is running");
	if (!rc && !(rb = find_record(m, &m->jobs[job])))
		rc = dyn_fail(err, -ESTALE, "the record of this rebuild is gone");
	if (rc)
		return rc;
	rc = plan_clear_record(s, m, m->jobs[job].target, rb->slot, out, err);
	if (!rc && plan_note(*out, "%s stays a healthy simple volume.", m->jobs[job].volume_title)) {
		dyn_plan_free(*out);
		rc = dyn_fail_nomem(err);
	}
	return rc;
}

int dyn_plan_forget_unread(struct dyn_session *s, struct dyn_model *m, size_t volume, struct dyn_plan **out,
			   struct dyn_err *err)
{
	const struct dyn_volume *v;
	char title[96];
	struct sim sim;
	bool any = false;
	int rc;

	if (volume >= m->n_volumes)
		return dyn_fail(err, -EINVAL, "there is no such volume");
	v = &m->volumes[volume];
	model_volume_title(v, title, sizeof(title));
	rc = sim_begin(&sim, s, m, err, "Take the mark off %s", title);
	if (rc)
		return rc;
	for (size_t i = 0; !rc && i < m->n_disks; i++)
		for (size_t k = 0; !rc && k < m->priv->disks[i].n_marks; k++) {
			const struct model_rebuild *mark = &m->priv->disks[i].marks[k];
			struct plan_step *st;
			if (strcasecmp(mark->r.volume_guid, v->guid) != 0)
				continue;
			any = true;
			st = plan_add_step(sim.p, DYN_STEP_SECTORS, i,
					   plan_printf(sim.p, "Remove the mark of unread sectors from %s", m->disks[i].name),
					   "two sectors", "");
			rc = st ? add_clear(&sim, st, 0, i, mark->slot, err) : dyn_fail_nomem(err);
		}
	if (!rc && !any)
		rc = dyn_refuse(err, -EINVAL, "Nothing needs to be done.", "no half of %s is marked as holding zeros", title);
	return sim_finish(&sim, rc, out);
}

/* ---------------------------------------------------------- the end of a rebuild */

/* The record stays, as the mark of what the new half does not hold: first that, then its other place is cleared. */
static int add_mark(struct sim *sim, struct plan_step *st, unsigned phase, size_t target, const struct plan_copy *copy,
		    struct dyn_err *err)
{
	uint64_t at = sim->disks[target].ph.private_start;
	struct ldm_rebuild mark = copy->record;
	uint8_t sector[SECTOR], zero[SECTOR] = { 0 };

	mark.sequence++;
	mark.flags = LDM_REBUILD_ENDED;
	ldm_rebuild_encode(&mark, sector);
	if (sim_write(sim, st, phase, target, at + copy->record_slot, 1, "mark of unread sectors", sector, true) ||
	    sim_write(sim, st, phase + 1, target, at + (copy->record_slot ^ 1), 1, "rebuild record", zero, true))
		return dyn_fail_nomem(err);
	return 0;
}

/* What the rebuild is about is not where it was. Where a disk cannot be read that is why, and nobody should start anew. */
static int cannot_finish(const struct sim *sim, const struct plan_copy *copy, int rc, struct dyn_err *err)
{
	char why[512];

	if (!model_blame(sim->m, why, sizeof(why)))
		return rc;
	return dyn_refuse(err, -EIO, "Check its cable and power, rescan (F5), and continue the rebuild.",
			  "the rebuild of %s cannot be finished: %s", copy->volume_title, why);
}

static int op_finish(struct sim *sim, const struct plan_copy *copy, struct dyn_err *err)
{
	const struct ldm_rebuild *r = &copy->record;
	size_t volume = model_volume_by_guid(sim->m, r->volume_guid), source, target;
	const struct ldm_record *record;
	struct plan_step *st;
	unsigned phase = 0;
	int rc;

	if (volume == DYN_NONE) {
		rc = dyn_refuse(err, -ESTALE, "Rescan (F5): it shows what the disks hold now.", "the volume %s is gone",
				copy->volume_title);
		return cannot_finish(sim, copy, rc, err);
	}
	rc = sim_need_group(sim, sim->m->volumes[volume].group, err);
	if (rc)
		return rc;
	target = model_disk_by_guid(sim->m, sim->m->volumes[volume].group, r->target_guid);
	rc = target == DYN_NONE ? dyn_refuse(err, -ESTALE, "Rescan (F5): it shows what the disks hold now.",
					     "the target disk of %s is gone", copy->volume_title) :
				  record_fits(sim, volume, r, target, &record, &source, err);
	if (!rc)
		rc = range_still_free(sim, target, r, err);
	if (rc)
		return cannot_finish(sim, copy, rc, err);
	st = plan_add_step(sim->p, DYN_STEP_SECTORS, target,
			   plan_printf(sim->p, "Make %s a mirror on %s and %s", copy->volume_title, sim->m->disks[source].name,
				       sim->m->disks[target].name),
			   record->u.volume.vflags & LDM_VOL_RETAIN ? "partition table and database" : "database only", "");
	rc = st ? op_attach(sim, sim->m->volumes[volume].group, record, target, r->target_start,
			    r->n_bad ? source : DYN_NONE, st, &phase, err) :
		  dyn_fail_nomem(err);
	if (!rc && r->n_bad)
		return add_mark(sim, st, phase, target, copy, err);
	return rc ? rc : add_clear(sim, st, phase, target, copy->record_slot, err);
}

int plan_attach(struct dyn_session *s, struct dyn_model *m, const struct plan_copy *copy, struct dyn_plan **out,
		struct dyn_err *err)
{
	struct sim sim;
	int rc = sim_begin(&sim, s, m, err, "Finish the rebuild of %s", copy->volume_title);

	if (rc)
		return rc;
	rc = op_finish(&sim, copy, err);
	if (!rc) {
		struct ldm_rebuild *r = plan_alloc(sim.p, sizeof(*r));
		if (r)
			*r = copy->record;
		sim.p->finishes = r;
		rc = r ? 0 : dyn_fail_nomem(err);
	}
	return sim_finish(&sim, rc, out);
}
