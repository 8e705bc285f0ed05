/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * job.c - copies under way: what the rebuild records on target disks say, and what running
 * workers say about them. A volume with such a record is a simple volume on disk and is
 * shown as the mirror it is going to be (design 7).
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "base/bytes.h"
#include "model/scan.h"

static size_t disk_by_guid(const struct scan *s, size_t group, const char *guid)
{
	for (size_t i = 0; i < s->n_disks; i++)
		if (s->disks[i].pub.group == group && s->disks[i].priv.record_id && strcasecmp(s->disks[i].pub.guid, guid) == 0)
			return i;
	return DYN_NONE;
}

static size_t volume_by_guid(const struct scan *s, size_t group, const char *guid)
{
	for (size_t i = 0; i < s->n_volumes; i++)
		if (s->volumes[i].pub.group == group && strcasecmp(s->volumes[i].pub.guid, guid) == 0)
			return i;
	return DYN_NONE;
}

static const struct dyn_job *live_job(const struct scan *s, const struct ldm_rebuild *r)
{
	for (size_t i = 0; i < s->args->n_jobs; i++) {
		const struct dyn_job *j = &s->args->jobs[i];
		if (j->state != DYN_JOB_DONE && j->state != DYN_JOB_CANCELLED && strcasecmp(j->volume_guid, r->volume_guid) == 0 &&
		    strcasecmp(j->target_guid, r->target_guid) == 0)
			return j;
	}
	return NULL;
}

/* Is [from, from + size) bytes inside an LDM container of the disk and untouched by any extent? */
static bool target_is_free(const struct scan *s, size_t disk, uint64_t from, uint64_t size)
{
	const struct scan_disk *d = &s->disks[disk];
	const struct table *t = &d->priv.table;
	uint64_t end, covered = from;

	if (add_overflows(from, size, &end) || end > d->pub.size)
		return false;
	/* containers may follow each other without a gap; parts are sorted by start */
	for (size_t i = 0; i < t->n; i++) {
		uint64_t a = t->parts[i].start * SCAN_UNIT, b = a + t->parts[i].size * SCAN_UNIT;
		if (part_is_ldm_data(t->kind, &t->parts[i]) && a <= covered && b > covered)
			covered = b;
	}
	if (covered < end)
		return false;
	for (size_t v = 0; v < s->n_volumes; v++)
		for (size_t p = 0; p < s->volumes[v].pub.n_plexes; p++)
			for (size_t k = 0; k < s->volumes[v].plexes[p].n_extents; k++) {
				const struct dyn_extent *e = &s->volumes[v].plexes[p].extents[k];
				if (e->disk == disk && e->offset < end && e->offset + e->size > from)
					return false;
			}
	return true;
}

/* Why a record does not describe a copy that could be continued; NULL when it does. */
static const char *outlived(const struct scan *s, size_t target, const struct ldm_rebuild *r, size_t volume, size_t source)
{
	const struct scan_volume *v = volume == DYN_NONE ? NULL : &s->volumes[volume];
	const struct dyn_extent *e;

	if (strcasecmp(r->target_guid, s->disks[target].pub.guid) != 0)
		return "it was made for another disk";
	if (!v)
		return "its volume is gone";
	if (v->pub.job != DYN_NONE)
		return "another copy of the same volume is under way";
	if (v->pub.layout == DYN_LAYOUT_MIRROR)
		return "its volume is a mirror already";
	if (v->pub.layout != DYN_LAYOUT_SIMPLE || v->pub.n_plexes != 1 || v->plexes[0].n_extents != 1)
		return "its volume is no longer simple";
	e = &v->plexes[0].extents[0];
	if (source == DYN_NONE || e->disk != source || source == target)
		return "its source disk no longer holds the volume";
	/* a record whose size in bytes is no number does not decode */
	if (r->size * SCAN_UNIT != e->size || r->target_start > UINT64_MAX / SCAN_UNIT ||
	    (s->disks[source].io && r->source_start != e->offset / SCAN_UNIT))
		return "its volume has moved or changed its size";
	if (!target_is_free(s, target, r->target_start * SCAN_UNIT, e->size))
		return "its room on this disk is taken";
	return NULL;
}

static bool is_locked(int fd)
{
	if (fd < 0)
		return false;
	if (flock(fd, LOCK_SH | LOCK_NB))
		return errno == EWOULDBLOCK;
	flock(fd, LOCK_UN);
	return false;
}

/* Another process keeps its target locked while it works; ours are asked for only when we do not hold it ourselves. Of a
 * loop device it may have the image behind it. */
static bool runs_elsewhere(const struct scan *s, const struct scan_disk *target)
{
	struct model_id ids[MODEL_IDS];
	char path[PATH_MAX];
	bool locked = is_locked(target->io->fd);
	size_t n = locked ? 0 : model_identity(s->args->sys_root, target->pub.path, ids, MODEL_IDS);

	for (size_t i = 0; !locked && i < n; i++) {
		struct dyn_io *io;
		if (!ids[i].block || !model_loop_file(s->args->sys_root, ids[i].name, path, sizeof(path)) ||
		    dyn_io_open_ro(path, &io, NULL))
			continue;
		locked = is_locked(io->fd);
		dyn_io_close(io);
	}
	return locked;
}

/* The half that is being filled, as a second plex. */
static void add_plex(struct scan *s, struct scan_volume *v, size_t target, const struct ldm_rebuild *r)
{
	struct dyn_extent *e = pool_array(s->pool, 1, sizeof(*e));
	const char *first = v->plexes[0].name;
	size_t n = strlen(first);
	struct dyn_plex *p = &v->plexes[v->pub.n_plexes];

	if (!e)
		return;
	*e = (struct dyn_extent){ .disk = target, .offset = r->target_start * SCAN_UNIT, .size = r->size * SCAN_UNIT };
	p->name = pool_printf(s->pool, "%s-%s", v->pub.name, n > 3 && strcmp(first + n - 3, "-02") == 0 ? "01" : "02");
	p->status = DYN_PLEX_REBUILDING;
	p->n_extents = 1;
	p->extents = e;
	v->pub.n_plexes++;
	v->pub.layout = DYN_LAYOUT_MIRROR;
	if (v->plexes[0].status == DYN_PLEX_OK)
		v->pub.status = DYN_VOLUME_REBUILDING;
}

static enum dyn_job_state state_of(const struct dyn_job *j, const struct ldm_rebuild *r)
{
	if (r->flags & LDM_REBUILD_PAUSED)
		return DYN_JOB_PAUSED;
	if (r->n_bad && r->phase == LDM_REBUILD_COPY && r->done == r->size)
		return DYN_JOB_UNDECIDED;
	if (!j->elsewhere)
		return DYN_JOB_PAUSED;
	return r->phase == LDM_REBUILD_VERIFY ? DYN_JOB_VERIFYING : DYN_JOB_COPYING;
}

static void fill_job(struct scan *s, struct dyn_job *j, size_t target, const struct ldm_rebuild *r)
{
	const struct dyn_job *live = live_job(s, r);

	if (live) {
		*j = *live;
		return;
	}
	j->kind = DYN_JOB_REBUILD;
	j->elsewhere = runs_elsewhere(s, &s->disks[target]);
	j->state = state_of(j, r);
	memcpy(j->volume_guid, r->volume_guid, sizeof(j->volume_guid));
	memcpy(j->source_guid, r->source_guid, sizeof(j->source_guid));
	memcpy(j->target_guid, r->target_guid, sizeof(j->target_guid));
	j->total = r->size * SCAN_UNIT;
	j->done = r->phase == LDM_REBUILD_VERIFY ? r->verified : r->done;
	j->done = j->done <= r->size ? j->done * SCAN_UNIT : 0;
	j->errors = r->errors;
	j->n_unread = r->n_bad;
	memcpy(j->unread, r->bad, sizeof(j->unread));
}

/* Has this copy become a half of its volume? Then what it could not read is what that half does not hold. */
static bool is_half(const struct scan *s, size_t target, const struct ldm_rebuild *r, size_t volume)
{
	const struct scan_volume *v = volume == DYN_NONE ? NULL : &s->volumes[volume];

	for (size_t p = 0; v && p < v->pub.n_plexes; p++)
		for (size_t k = 0; k < v->plexes[p].n_extents; k++) {
			const struct dyn_extent *e = &v->plexes[p].extents[k];
			if (e->disk == target && e->offset / SCAN_UNIT == r->target_start && e->size / SCAN_UNIT == r->size)
				return true;
		}
	return false;
}

static void mark_volume(struct scan *s, size_t target, size_t k, struct dyn_volume *v)
{
	struct scan_disk *d = &s->disks[target];
	const struct ldm_rebuild *r = &d->records[k];
	struct dyn_range *all = pool_array(s->pool, v->n_unread + r->n_bad, sizeof(*all));

	if (!all)
		return;
	if (v->n_unread)
		memcpy(all, v->unread, v->n_unread * sizeof(*all));
	memcpy(all + v->n_unread, r->bad, r->n_bad * sizeof(*all));
	v->unread = all;
	v->n_unread += r->n_bad;
	if (v->status == DYN_VOLUME_HEALTHY)
		v->status = DYN_VOLUME_AT_RISK;
	d->priv.marks[d->priv.n_marks].r = *r;
	d->priv.marks[d->priv.n_marks++].slot = d->record_slots[k];
}

static void take_record(struct scan *s, size_t target, size_t k)
{
	struct scan_disk *d = &s->disks[target];
	const struct ldm_rebuild *r = &d->records[k];
	size_t volume = volume_by_guid(s, d->pub.group, r->volume_guid);
	size_t source = disk_by_guid(s, d->pub.group, r->source_guid);
	const char *why;
	struct dyn_job *j;

	if (r->n_bad && strcasecmp(r->target_guid, d->pub.guid) == 0 && is_half(s, target, r, volume)) {
		mark_volume(s, target, k, &s->volumes[volume].pub);
		return;
	}
	if (r->flags & LDM_REBUILD_ENDED) {
		/* the mark of a half that is gone: its place may be used again */
		d->priv.rebuild_pairs_used &= ~(1u << (d->record_slots[k] - LDM_REBUILD_FIRST) / 2);
		return;
	}
	why = outlived(s, target, r, volume, source);
	if (why) {
		/* between the commit and the end of its worker the record of a finished copy is still there */
		if (!live_job(s, r))
			scan_note(s, d, "A rebuild record in sector %llu is ignored: %s",
				  (unsigned long long)(d->private_start + d->record_slots[k]), why);
		return;
	}
	j = pool_grow(s->pool, &s->jobs, &s->n_jobs, sizeof(*j));
	if (!j)
		return;
	fill_job(s, j, target, r);
	j->volume = volume;
	j->source = source;
	j->target = target;
	s->volumes[volume].pub.job = s->n_jobs - 1;
	add_plex(s, &s->volumes[volume], target, r);
	d->priv.rebuilds[d->priv.n_rebuilds].r = *r;
	d->priv.rebuilds[d->priv.n_rebuilds++].slot = d->record_slots[k];
}

void scan_jobs(struct scan *s)
{
	for (size_t i = 0; i < s->n_disks; i++)
		for (size_t k = 0; k < s->disks[i].n_records && s->disks[i].priv.record_id; k++)
			take_record(s, i, k);
}

void scan_job_titles(struct scan *s)
{
	for (size_t i = 0; i < s->n_jobs; i++)
		model_volume_title(&s->volumes[s->jobs[i].volume].pub, s->jobs[i].volume_title, sizeof(s->jobs[i].volume_title));
}
