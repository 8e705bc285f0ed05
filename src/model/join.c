/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * join.c - a group imported into another one: for each of its disks three things change one after the other, the
 * database that lists it, its own copy of the database, its headers. Whoever looks in between, or connects a disk that
 * was away then, finds headers that name a group which is no more. Such a disk is a member of the group that lists it.
 *
 * It is taken for one only where the disks themselves say so:
 *   - its copy carries the mark that the import left (ldm_vmdb_mark_leaving), with the number of the very transaction
 *     that the other group is at: nothing has happened since, so what it holds is good;
 *   - its copy is the other group's already: only its headers are missing;
 *   - the other group lists every disk of its own group and one of those has moved there, or nothing of its own group
 *     can be read: it was away, and what it holds may be out of date.
 * A complete group whose disks another one lists as well stays what it says it is.
 */
#include <stdlib.h>
#include <string.h>

#include "model/scan.h"

static const struct scan_copy *own_copy(const struct scan *s, const struct scan_disk *d)
{
	return d->copy == DYN_NONE ? NULL : &s->copies[d->copy];
}

/* The transaction whose records a reader of this copy is shown. */
static uint64_t shown_tid(const struct ldm_vmdb *h)
{
	return h->status == LDM_VMDB_COMMIT ? h->pending_tid : h->committed_tid;
}

static bool has_moved(const struct scan *s, const char *disk_guid, const char *group)
{
	for (size_t i = 0; i < s->n_disks; i++)
		if (s->disks[i].priv.has_ldm && strcasecmp(s->disks[i].priv.ph.disk_guid, disk_guid) == 0 &&
		    strcasecmp(s->disks[i].priv.ph.group_guid, group) == 0)
			return true;
	return false;
}

/* Was the group `from` imported into the one whose database this is? */
static bool was_imported(const struct scan *s, const char *from, const struct ldm_db *db)
{
	size_t copy = scan_choose_copy(s, from);
	const struct ldm_record *r = NULL;
	bool moved = copy == DYN_NONE;

	while (copy != DYN_NONE && (r = view_next(s->copies[copy].db, LDM_DISK, r))) {
		if (!scan_disk_record(db, r->u.disk.guid))
			return false;
		moved |= has_moved(s, r->u.disk.guid, db->head.group_guid);
	}
	return moved;
}

static enum model_join judge(const struct scan *s, const struct scan_disk *d, const struct scan_copy *other)
{
	const struct scan_copy *c = own_copy(s, d);
	bool headed = c && c->head_ok;

	if (!scan_disk_record(other->db, d->priv.ph.disk_guid))
		return MODEL_JOIN_NONE;
	if (headed && strcasecmp(c->head.group_guid, other->head.group_guid) == 0)
		return c->db && shown_tid(&c->head) == shown_tid(&other->head) ? MODEL_JOIN_CUT : MODEL_JOIN_LATE;
	if (headed && ldm_vmdb_is_leaving(&c->head, shown_tid(&other->head)))
		return MODEL_JOIN_CUT;
	return was_imported(s, d->priv.ph.group_guid, other->db) ? MODEL_JOIN_LATE : MODEL_JOIN_NONE;
}

/* The group that disk d is to be counted to, into *to (untouched: its own). */
static enum model_join find_group(const struct scan *s, const struct scan_disk *d, const char **to)
{
	for (size_t i = 0; i < s->n_disks; i++) {
		const struct scan_disk *o = &s->disks[i];
		enum model_join how;
		size_t copy;

		if (!o->priv.has_ldm || strcasecmp(o->priv.ph.group_guid, d->priv.ph.group_guid) == 0)
			continue;
		copy = scan_choose_copy(s, o->priv.ph.group_guid);
		how = copy == DYN_NONE ? MODEL_JOIN_NONE : judge(s, d, &s->copies[copy]);
		if (how != MODEL_JOIN_NONE) {
			*to = o->priv.ph.group_guid;
			return how;
		}
	}
	return MODEL_JOIN_NONE;
}

void scan_joins(struct scan *s)
{
	const char **to = calloc(s->n_disks + 1, sizeof(*to));

	if (!to) {
		s->pool->failed = true;
		return;
	}
	/* all are judged by what the headers say before any is counted elsewhere */
	for (size_t i = 0; i < s->n_disks; i++)
		if (s->disks[i].priv.has_ldm)
			s->disks[i].priv.join = find_group(s, &s->disks[i], &to[i]);
	for (size_t i = 0; i < s->n_disks; i++)
		if (s->disks[i].priv.join != MODEL_JOIN_NONE)
			memcpy(s->disks[i].home, to[i], sizeof(s->disks[i].home));
	free(to);
}
