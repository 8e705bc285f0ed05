/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * group.c - which disks belong together, which copy of their database is the truth, and who
 * is missing. The truth is the valid copy with the highest committed transaction: a disk
 * that was away during commits carries a lower one (ldm-format 9).
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "model/scan.h"

const struct ldm_record *view_next(const struct ldm_db *db, enum ldm_kind kind, const struct ldm_record *after)
{
	/* From the commit point on the new versions count: the old ones are being removed. */
	uint16_t hidden = db->head.status == LDM_VMDB_COMMIT ? LDM_STATUS_DELETING : LDM_STATUS_PENDING;
	const struct ldm_record *r = after;

	while ((r = ldm_db_next(db, kind, r)) && r->status == hidden)
		;
	return r;
}

void scan_problem(struct scan *s, struct scan_group *g, const char *fmt, ...)
{
	char line[400];
	va_list ap;

	if (g->problem)
		return;
	va_start(ap, fmt);
	dyn_text_vformat(line, sizeof(line), fmt, ap);
	va_end(ap);
	g->problem = pool_clean(s->pool, line, strlen(line));
}

static bool of_group(const struct scan_disk *d, const char *guid)
{
	return d->priv.has_ldm && strcasecmp(d->home, guid) == 0;
}

static const struct scan_copy *copy_of(const struct scan *s, const struct scan_disk *d)
{
	return d->copy == DYN_NONE ? NULL : &s->copies[d->copy];
}

/* Is a a better base than b (which is usable)? Among equal transactions one that stands still, or else that carries the
 * commit (a recovery that was cut off may have made its new records active beside old ones where the header does not),
 * and keeps the rules, then the one that more disks carry. */
static bool better(const struct scan_copy *a, const struct scan_copy *b)
{
	bool a_commits = a->head.status == LDM_VMDB_COMMIT, b_commits = b->head.status == LDM_VMDB_COMMIT;
	bool a_ok, b_ok;

	if (a->tid != b->tid)
		return a->tid > b->tid;
	if (a->interrupted != b->interrupted)
		return !a->interrupted;
	if (a->interrupted && a_commits != b_commits)
		return a_commits;
	a_ok = ldm_db_check(a->db, NULL) == 0;
	b_ok = ldm_db_check(b->db, NULL) == 0;
	return a_ok != b_ok ? a_ok : a->n_disks > b->n_disks;
}

size_t scan_choose_copy(const struct scan *s, const char *guid)
{
	size_t best = DYN_NONE;

	for (size_t i = 0; i < s->n_disks; i++) {
		const struct scan_copy *c = of_group(&s->disks[i], guid) ? copy_of(s, &s->disks[i]) : NULL;
		if (!c || !c->db || strcasecmp(c->head.group_guid, guid) != 0 || s->disks[i].copy == best)
			continue;
		if (best == DYN_NONE || better(c, &s->copies[best]))
			best = s->disks[i].copy;
	}
	return best;
}

static void no_database(struct scan *s, const char *guid)
{
	char key[37];

	memcpy(key, guid, sizeof(key));
	for (size_t i = 0; i < s->n_disks; i++) {
		struct scan_disk *d = &s->disks[i];
		const struct scan_copy *c = copy_of(s, d);
		if (!of_group(d, key))
			continue;
		d->priv.has_ldm = false;
		d->pub.status = DYN_DISK_UNREADABLE;
		if (c)
			scan_note(s, d, "Dynamic by its partition table, but its database cannot be used: %s",
				  c->db ? "it belongs to another disk group" : c->why);
	}
}

enum { CONFIG_BYTES = LDM_CONFIG_SECTORS * SCAN_UNIT, LOG_BYTES = LDM_LOG_SECTORS * SCAN_UNIT };

/* Records and log are the same: at most the header is another one. */
static bool same_records(const struct scan_copy *a, const struct scan_copy *b)
{
	return memcmp(a->config + SCAN_UNIT, b->config + SCAN_UNIT, CONFIG_BYTES - SCAN_UNIT) == 0 &&
	       memcmp(a->log, b->log, LOG_BYTES) == 0;
}

/* Written by the same transaction, by all that can be seen: the header, with its time, or else all the rest is the same. */
static bool same_generation(const struct scan_copy *a, const struct scan_copy *b)
{
	return memcmp(a->config, b->config, SCAN_UNIT) == 0 || same_records(a, b);
}

/* Keeps what a copy that does not decode holds: its repair must know what it overwrites. */
static void keep_raw(struct scan *s, struct scan_disk *d, const struct scan_copy *c)
{
	d->priv.raw_db = malloc(CONFIG_BYTES + LOG_BYTES);
	if (!d->priv.raw_db) {
		s->pool->failed = true;
		return;
	}
	memcpy(d->priv.raw_db, c->config, CONFIG_BYTES);
	memcpy(d->priv.raw_db + CONFIG_BYTES, c->log, LOG_BYTES);
}

/* A copy that is damaged: no more than that when the disk took part in the group's last change. Otherwise its halves may
 * be old, and count as old. */
static void judge_damaged(struct scan *s, struct scan_group *g, struct scan_disk *d, const char *why)
{
	const struct scan_copy *ref = &s->copies[g->copy], *c = copy_of(s, d);
	const char *good = s->disks[ref->first_disk].pub.name;
	bool same = same_generation(c, ref);

	scan_damage(s, d, "The database copy is damaged (%s); the copy on %s is used", why, good);
	if (!same && c->head_ok && scan_head_sane(&c->head) && strcasecmp(c->head.group_guid, g->pub.guid) == 0 &&
	    c->tid > ref->tid)
		scan_problem(s, g, "the newest database, transaction %llu on %s, is damaged, and the copy on %s is only at %llu",
			     (unsigned long long)c->tid, d->pub.name, good, (unsigned long long)ref->tid);
	d->priv.db_damaged = same && !ref->interrupted && ldm_db_check(ref->db, NULL) == 0;
	d->stale = !same;
	if (!same)
		scan_note(s, d, "Whether it took part in the last change of its group cannot be known: what it holds of mirrors "
			  "counts as out of date");
}

/* The copy decodes, stands at the group's transaction, and is another one all the same. */
static void judge_difference(struct scan *s, struct scan_group *g, struct scan_disk *d)
{
	const struct scan_copy *ref = &s->copies[g->copy], *c = copy_of(s, d);
	unsigned long long tid = ref->tid;
	const char *good = s->disks[ref->first_disk].pub.name;
	struct dyn_err err = { 0 };

	if (ref->interrupted)
		return;
	if (same_generation(c, ref) && ldm_db_check(ref->db, NULL) == 0 &&
	    (ldm_db_check(c->db, &err) || ref->n_disks > c->n_disks)) {
		judge_damaged(s, g, d, err.code ? err.what : "it differs from those of the other disks");
		return;
	}
	scan_damage(s, d, "The database copy differs from the one on %s at the same transaction %llu", good, tid);
	scan_problem(s, g, "the database copies on %s and %s differ at the same transaction %llu", good, d->pub.name, tid);
}

/* A disk whose header still names the group it came with. */
static void judge_join(struct scan *s, struct scan_group *g, struct scan_disk *d)
{
	const struct scan_copy *c = copy_of(s, d);

	d->priv.current = d->copy == g->copy;
	if (c && !c->db) {
		keep_raw(s, d, c);
	} else if (c && !d->priv.current && ldm_db_clone(c->db, &d->priv.own_db)) {
		d->priv.own_db = NULL;
		s->pool->failed = true;
	}
	if (d->priv.join == MODEL_JOIN_CUT) {
		g->pub.interrupted = g->pub.import_cut = true;
		scan_damage(s, d, "The import of this disk into the group %s was cut off: not all of its headers name it yet",
			    g->pub.name);
		return;
	}
	d->stale = true;
	d->priv.current = false;
	scan_damage(s, d, "It was away when its group %s was imported into %s: what it holds may be out of date",
		    d->priv.ph.group_name, g->pub.name);
}

/* Compares a member's copy with the group's. */
static void judge_copy(struct scan *s, struct scan_group *g, struct scan_disk *d)
{
	const struct scan_copy *ref = &s->copies[g->copy], *c = copy_of(s, d);
	unsigned long long theirs, ours = ref->tid;

	d->priv.db_head_ok = c && c->head_ok;
	if (d->priv.db_head_ok)
		d->priv.db_head = c->head;
	/* two headers of three name this group, which the database on the disk is that of */
	if (d->priv.join == MODEL_JOIN_NONE && d->priv.heads.other_group && d->copy == g->copy)
		d->priv.join = MODEL_JOIN_CUT;
	if (d->priv.join != MODEL_JOIN_NONE) {
		d->priv.tid = d->priv.db_head_ok ? c->head.committed_tid : 0;
		judge_join(s, g, d);
		return;
	}
	if (d->copy == g->copy) {
		d->priv.current = true;
		d->priv.tid = ours;
		return;
	}
	if (!c)
		return; /* could not be read; that was said */
	theirs = d->priv.tid = c->head_ok ? c->tid : 0;
	if (!c->db) {
		keep_raw(s, d, c);
		judge_damaged(s, g, d, c->why);
		return;
	}
	if (ldm_db_clone(c->db, &d->priv.own_db)) {
		d->priv.own_db = NULL;
		s->pool->failed = true;
	}
	if (strcasecmp(c->head.group_guid, g->pub.guid) != 0) {
		judge_damaged(s, g, d, "it is that of another disk group");
	} else if (!scan_head_sane(&c->head) && same_records(c, ref)) {
		judge_damaged(s, g, d, "its header contradicts itself");
	} else if (c->interrupted && (theirs == ours || c->head.pending_tid == ours)) {
		g->changing = true; /* the same change reached this disk less far, or further */
		scan_damage(s, d, "A change to the database stopped half-way on this disk (transaction %llu)",
			    (unsigned long long)c->head.pending_tid);
	} else if (theirs < ours) {
		d->stale = true;
		scan_damage(s, d, "The database copy is out of date: it is at transaction %llu, the group is at %llu", theirs, ours);
	} else {
		judge_difference(s, g, d);
	}
}

const struct ldm_record *scan_disk_record(const struct ldm_db *db, const char *guid)
{
	const struct ldm_record *r = NULL;

	while ((r = view_next(db, LDM_DISK, r)))
		if (strcasecmp(r->u.disk.guid, guid) == 0)
			return r;
	return NULL;
}

/* Finds the disk in its group's database; the first of two with the same GUID is taken for the member. */
static void identify(struct scan *s, struct scan_group *g, struct scan_disk *d)
{
	const struct ldm_record *r = scan_disk_record(g->db, d->priv.ph.disk_guid);

	if (!r) {
		d->pub.status = DYN_DISK_FOREIGN;
		d->priv.current = false;
		scan_note(s, d, "The database of its group does not know this disk (any more)");
		return;
	}
	for (struct scan_disk *o = s->disks; o < d; o++) {
		if (!of_group(o, g->pub.guid) || strcasecmp(o->priv.ph.disk_guid, d->priv.ph.disk_guid) != 0)
			continue;
		scan_problem(s, g, "%s and %s carry the same LDM disk identity: one is a copy of the other", o->pub.name,
			     d->pub.name);
		scan_damage(s, o, "%s carries the same LDM disk identity: one is a copy of the other", d->pub.name);
		scan_damage(s, d, "%s carries the same LDM disk identity and is used; one is a copy of the other", o->pub.name);
		d->priv.current = false;
		return;
	}
	d->priv.record_id = r->id;
	d->pub.db_name = pool_clean(s->pool, r->name, strlen(r->name));
}

static void find_problems(struct scan *s, struct scan_group *g)
{
	struct dyn_err err = { 0 };

	for (size_t i = 0; i < s->n_disks; i++)
		if (of_group(&s->disks[i], g->pub.guid) && s->disks[i].io->sector_size != SCAN_UNIT)
			scan_problem(s, g, "%s has %u-byte sectors (4Kn), and such disks are not written to", s->disks[i].pub.name,
				     s->disks[i].pub.sector_size);
	g->changing |= ldm_db_interrupted(g->db);
	g->pub.import_cut &= !g->changing;
	g->pub.interrupted |= g->changing;
	if (g->pub.interrupted) {
		/* comes first: what else looks wrong may be its consequence */
		g->problem = NULL;
		scan_problem(s, g, g->pub.import_cut ?
			     "the import of other disks into it was cut off half-way and has to be finished first" :
			     "a change to it was cut off half-way and has to be finished or undone first");
	} else if (ldm_db_check(g->db, &err)) {
		scan_problem(s, g, "its database breaks a rule: %s", err.what);
	}
}

static void make_group(struct scan *s, const char *guid, size_t copy)
{
	struct scan_group *g = pool_grow(s->pool, &s->groups, &s->n_groups, sizeof(*g));
	const struct ldm_vmdb *head = &s->copies[copy].head;

	if (!g)
		return;
	memcpy(g->pub.guid, guid, sizeof(g->pub.guid));
	g->copy = copy;
	if (ldm_db_clone(s->copies[copy].db, &g->db)) {
		s->pool->failed = true;
		s->n_groups--;
		return;
	}
	g->pub.name = pool_clean(s->pool, head->group_name, strnlen(head->group_name, sizeof(head->group_name)));
	g->pub.transaction = head->committed_tid;
	for (size_t i = 0; i < s->n_disks; i++) {
		struct scan_disk *d = &s->disks[i];
		if (!of_group(d, g->pub.guid))
			continue;
		d->pub.group = s->n_groups - 1;
		judge_copy(s, g, d);
		identify(s, g, d);
	}
	find_problems(s, g);
}

/* ----------------------------------------------------------------- missing disks */

static bool is_present(const struct scan *s, size_t group, uint64_t record_id)
{
	for (size_t i = 0; i < s->n_disks; i++)
		if (s->disks[i].pub.group == group && s->disks[i].priv.record_id == record_id)
			return true;
	return false;
}

static uint64_t end_of_extents(const struct ldm_db *db, uint64_t disk_id)
{
	const struct ldm_record *r = NULL;
	uint64_t end = 0, e;

	while ((r = view_next(db, LDM_EXTENT, r)))
		if (r->u.extent.disk_id == disk_id && !add_overflows(r->u.extent.start, r->u.extent.size, &e) &&
		    e <= UINT64_MAX / SCAN_UNIT && e > end)
			end = e;
	return end * SCAN_UNIT;
}

static int by_record_name(const void *a, const void *b)
{
	const struct ldm_record *x = *(const struct ldm_record *const *)a, *y = *(const struct ldm_record *const *)b;
	int order = natural_order(x->name, y->name);

	return order ? order : x->id < y->id ? -1 : x->id > y->id;
}

static void add_missing(struct scan *s, size_t group, const struct ldm_record *r, unsigned number)
{
	struct scan_disk *d = pool_grow(s->pool, &s->disks, &s->n_disks, sizeof(*d));

	if (!d)
		return;
	d->pub.number = number;
	snprintf(d->pub.name, sizeof(d->pub.name), "Disk M%u", number);
	d->pub.status = DYN_DISK_MISSING;
	d->pub.dynamic = true;
	d->pub.path = d->pub.model = d->pub.serial = d->pub.bus = d->pub.confirm = d->pub.in_use = "";
	d->pub.db_name = pool_clean(s->pool, r->name, strlen(r->name));
	memcpy(d->pub.guid, r->u.disk.guid, sizeof(d->pub.guid));
	d->pub.size = end_of_extents(s->groups[group].db, r->id);
	d->pub.group = group;
	d->priv.record_id = r->id;
	d->copy = DYN_NONE;
	s->groups[group].pub.n_missing++;
}

static void missing_of(struct scan *s, size_t group, unsigned *number)
{
	const struct ldm_db *db = s->groups[group].db;
	const struct ldm_record *r = NULL, **list = NULL, **slot;
	size_t n = 0;

	while ((r = view_next(db, LDM_DISK, r))) {
		s->groups[group].pub.n_disks++;
		if (is_present(s, group, r->id))
			continue;
		slot = pool_grow(s->pool, &list, &n, sizeof(*list));
		if (!slot)
			break;
		*slot = r;
	}
	if (n)
		qsort(list, n, sizeof(*list), by_record_name);
	for (size_t i = 0; i < n; i++)
		add_missing(s, group, list[i], (*number)++);
	free(list);
}

/* ----------------------------------------------------------------------- groups */

/* LDM headers on a disk whose table does not say dynamic: unreadable if its group still counts on it, else left-overs. */
static void judge_orphan(struct scan *s, struct scan_disk *d)
{
	const char *group = d->priv.ph.group_guid;
	bool known_group = false, member = false;

	for (size_t i = 0; i < s->n_groups; i++)
		if (strcasecmp(s->groups[i].pub.guid, group) == 0) {
			known_group = true;
			member = scan_disk_record(s->groups[i].db, d->priv.ph.disk_guid) != NULL;
		}
	if (known_group && !member)
		return;
	d->pub.dynamic = true;
	d->pub.status = DYN_DISK_UNREADABLE;
	scan_note(s, d, "Its partition table is gone, but LDM headers on it say that it is a member of the disk group %s",
		  d->priv.ph.group_name);
}

void scan_groups(struct scan *s)
{
	size_t present = s->n_disks;
	unsigned number = 0;

	for (size_t i = 0; i < present; i++)
		memcpy(s->disks[i].home, s->disks[i].priv.ph.group_guid, sizeof(s->disks[i].home));
	scan_joins(s);
	for (size_t i = 0; i < present; i++) {
		char guid[37];
		size_t copy;
		if (!s->disks[i].priv.has_ldm || s->disks[i].pub.group != DYN_NONE || s->pool->failed)
			continue;
		memcpy(guid, s->disks[i].home, sizeof(guid));
		copy = scan_choose_copy(s, guid);
		if (copy == DYN_NONE)
			no_database(s, guid);
		else
			make_group(s, guid, copy);
	}
	for (size_t i = 0; i < present; i++)
		if (s->disks[i].orphan)
			judge_orphan(s, &s->disks[i]);
	for (size_t g = 0; g < s->n_groups; g++)
		missing_of(s, g, &number);
}
