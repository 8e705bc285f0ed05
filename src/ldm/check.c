/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The rules a database must keep, one function per object. Children are found in lists
 * sorted by parent, so that no database, however full, takes more than O(n log n).
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "ldm/ondisk.h"

enum {
	VOLUME_FLAGS = 0xf03d17, /* all that are known */
	/* pending: not finished. Crashed, bad log and kernel-detached (0x504) are what a volume with a lost
	 * half may well carry: they must not stand in the way of its repair, or of its neighbours'. */
	VOLUME_FLAGS_BAD = 0x2000,
	COMPONENT_FLAGS = 0x2 | 0x4 | 0x8,
	COMPONENT_PENDING = 0x8,
	EXTENT_FLAGS = 0x8 | 0x10 | 0x20 | 0x40 | 0x100 | 0x1000,
	DISK_FLAGS = 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x100 | 0x200,
	NAME_MAX_LDM = 63,
	MAX_PLEXES = 32, /* as in VxVM; Windows makes two */
};

struct list {
	const struct ldm_record **r;
	size_t n;
};

struct check {
	const struct ldm_db *db;
	struct dyn_err *err;
	struct list kinds[LDM_KINDS];
	struct list components; /* by volume */
	struct list extents; /* by component, column, offset */
	struct list by_disk; /* extents by disk, start */
};

static const char *const kind_words[LDM_KINDS] = { "volume", "plex", "extent", "disk", "group" };

__attribute__((format(printf, 3, 4))) static int broken(const struct check *c, const struct ldm_record *r,
							const char *fmt, ...)
{
	char name[64], why[160];
	va_list ap;

	dyn_text_clean(name, sizeof(name), r->name, strlen(r->name));
	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	return dyn_fail(c->err, -EBADMSG, "the LDM database breaks a rule: %s %s %s", kind_words[r->kind], name, why);
}

#define CMP(x, y) ((x) < (y) ? -1 : (x) > (y))

typedef const struct ldm_record *const *place; /* what qsort hands over */

static int by_name(const void *a, const void *b)
{
	return strcasecmp((*(place)a)->name, (*(place)b)->name);
}

static int by_disk_guid(const void *a, const void *b)
{
	return strcasecmp((*(place)a)->u.disk.guid, (*(place)b)->u.disk.guid);
}

static int by_volume_guid(const void *a, const void *b)
{
	return memcmp((*(place)a)->u.volume.guid, (*(place)b)->u.volume.guid, 16);
}

static int by_volume(const void *a, const void *b)
{
	return CMP((*(place)a)->u.component.volume_id, (*(place)b)->u.component.volume_id);
}

static int by_column(const void *a, const void *b)
{
	const struct ldm_record *x = *(place)a, *y = *(place)b;
	int d = CMP(x->u.extent.component_id, y->u.extent.component_id);

	if (!d)
		d = CMP(x->u.extent.column, y->u.extent.column);
	return d ? d : CMP(x->u.extent.column_offset, y->u.extent.column_offset);
}

static int by_start(const void *a, const void *b)
{
	const struct ldm_record *x = *(place)a, *y = *(place)b;
	int d = CMP(x->u.extent.disk_id, y->u.extent.disk_id);

	return d ? d : CMP(x->u.extent.start, y->u.extent.start);
}

static int list_of(const struct ldm_db *db, enum ldm_kind kind, int (*order)(const void *, const void *),
		   struct list *l)
{
	const struct ldm_record *r = NULL;

	l->n = 0;
	l->r = calloc(db->n + 1, sizeof(l->r[0]));
	if (!l->r)
		return -ENOMEM;
	while ((r = ldm_db_next(db, kind, r)))
		l->r[l->n++] = r;
	qsort(l->r, l->n, sizeof(l->r[0]), order);
	return 0;
}

static uint64_t parent_of(const struct ldm_record *r)
{
	return r->kind == LDM_COMPONENT ? r->u.component.volume_id : r->u.extent.component_id;
}

/* The children of one parent in a list sorted by parent. */
static struct list children(const struct list *l, uint64_t parent)
{
	size_t lo = 0, hi = l->n;
	struct list out = { NULL, 0 };

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (parent_of(l->r[mid]) < parent)
			lo = mid + 1;
		else
			hi = mid;
	}
	out.r = l->r + lo;
	while (lo + out.n < l->n && parent_of(out.r[out.n]) == parent)
		out.n++;
	return out;
}

/* ------------------------------------------------------- header, names, ids */

static int check_header(const struct check *c)
{
	static const char *const words[4] = { "volumes", "plexes", "extents", "disks" };
	const struct ldm_vmdb *h = &c->db->head;

	if (ldm_db_interrupted(c->db))
		return dyn_fail(c->err, -EBADMSG, "the LDM database is in the middle of a change");
	if (h->major != 4 || h->minor != 10)
		return dyn_fail(c->err, -EBADMSG, "the LDM database has version %u.%u, not 4.10", h->major, h->minor);
	if (h->n_slots != ALL_SLOTS)
		return dyn_fail(c->err, -EBADMSG, "the LDM database has %u slots, not %u", h->n_slots, ALL_SLOTS);
	for (int i = 0; i < 4; i++)
		if (h->committed[i] != c->kinds[i].n || h->pending[i] != h->committed[i])
			return dyn_fail(c->err, -EBADMSG, "the LDM database says %u %s, but holds %zu", h->committed[i],
					words[i], c->kinds[i].n);
	return ldm_log_check(c->db->log, c->err);
}

static bool name_ok(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++)
		if ((uint8_t)name[i] < 0x20 || name[i] == 0x7f)
			return false;
	return n > 0 && n <= NAME_MAX_LDM;
}

static int check_ids(const struct check *c)
{
	const struct ldm_db *db = c->db;

	for (size_t i = 0; i < db->n; i++) {
		const struct ldm_record *r = &db->records[db->by_id[i]];
		if (!r->id)
			return broken(c, r, "has no object id");
		if (i && db->records[db->by_id[i - 1]].id == r->id)
			return broken(c, r, "has an object id that is used twice");
		if (r->tid > db->head.committed_tid)
			return broken(c, r, "was written by a transaction that has not happened yet");
		if (!name_ok(r->name))
			return broken(c, r, "has an unusable name");
		if (r->n_slots > WRITE_SLOTS)
			return broken(c, r, "takes %u slots", r->n_slots);
		for (size_t k = 1; k < r->n_slots; k++)
			if (r->slots[k] < r->slots[k - 1])
				return broken(c, r, "has its fragments out of order");
	}
	for (int k = 0; k < LDM_KINDS; k++)
		for (size_t i = 1; i < c->kinds[k].n; i++)
			if (by_name(&c->kinds[k].r[i - 1], &c->kinds[k].r[i]) == 0)
				return broken(c, c->kinds[k].r[i], "has a name that is used twice");
	return 0;
}

static int check_group(const struct check *c)
{
	const struct list *l = &c->kinds[LDM_GROUP];
	const struct ldm_record *g;

	if (l->n != 1)
		return dyn_fail(c->err, -EBADMSG, "the LDM database has %zu group records, not one", l->n);
	g = l->r[0];
	if (strcasecmp(g->u.group.guid, c->db->head.group_guid) != 0)
		return broken(c, g, "has another GUID than the database");
	if (strcmp(g->name, c->db->head.group_name) != 0)
		return broken(c, g, "has another name than the database");
	if (!ldm_guid_lower(c->db->head.group_guid))
		return broken(c, g, "has a damaged GUID");
	if (g->flags & LDM_GF_MINORS)
		return broken(c, g, "has flag 0x10, for which the Linux kernel rejects the whole disk");
	if (g->u.group.zero)
		return broken(c, g, "has a reserved field set");
	return 0;
}

/* ------------------------------------------------------- disks and extents */

static int check_disks(const struct check *c)
{
	struct list l = { NULL, 0 };
	int rc = list_of(c->db, LDM_DISK, by_disk_guid, &l);

	if (rc < 0)
		return dyn_fail_nomem(c->err);
	for (size_t i = 0; i < l.n && rc == 0; i++) {
		const struct ldm_record *r = l.r[i];
		if (!ldm_guid_lower(r->u.disk.guid))
			rc = broken(c, r, "has a damaged GUID");
		else if (i && by_disk_guid(&l.r[i - 1], &l.r[i]) == 0)
			rc = broken(c, r, "has a GUID that is used twice");
		else if (r->u.disk.dflags & ~(uint32_t)DISK_FLAGS)
			rc = broken(c, r, "has unknown flags 0x%x", r->u.disk.dflags);
	}
	free(l.r);
	return rc;
}

static int check_extents(const struct check *c)
{
	uint64_t end = 0;

	for (size_t i = 0; i < c->by_disk.n; i++) {
		const struct ldm_record *e = c->by_disk.r[i], *before = i ? c->by_disk.r[i - 1] : NULL;
		if (!ldm_db_find(c->db, LDM_COMPONENT, e->u.extent.component_id))
			return broken(c, e, "belongs to a plex that does not exist");
		if (!ldm_db_find(c->db, LDM_DISK, e->u.extent.disk_id))
			return broken(c, e, "lies on a disk that does not exist");
		if (!e->u.extent.size)
			return broken(c, e, "is empty");
		/* GRUB takes the byte behind the disk id for the column */
		if (!(e->flags & LDM_EF_COLUMN) != !e->u.extent.column)
			return broken(c, e, "has a column field that readers misunderstand");
		if (e->u.extent.eflags & ~(uint32_t)EXTENT_FLAGS)
			return broken(c, e, "has unknown flags 0x%x", e->u.extent.eflags);
		if (before && before->u.extent.disk_id == e->u.extent.disk_id && e->u.extent.start < end)
			return broken(c, e, "overlaps another extent of its disk");
		if (add_overflows(e->u.extent.start, e->u.extent.size, &end))
			return broken(c, e, "has an impossible size");
	}
	return 0;
}

/* ------------------------------------------------------- volumes and plexes */

/* Sectors a plex holds, from its extents in column order. */
static int plex_size(const struct check *c, const struct ldm_record *p, const struct list *ext, uint64_t *size)
{
	uint64_t at = 0, first_column = 0, factor = 1;
	uint32_t column = 0, n_columns = p->u.component.n_columns;

	for (size_t i = 0; i < ext->n; i++) {
		const struct ldm_record *e = ext->r[i];
		if (i && e->u.extent.column != column) {
			if (!column)
				first_column = at;
			else if (at != first_column)
				return broken(c, p, "has columns of different sizes");
			column++;
			at = 0;
		}
		if (e->u.extent.column != column)
			return broken(c, p, "lacks a column");
		if (e->u.extent.column_offset != at)
			return broken(c, e, "does not follow its predecessor in the plex");
		if (add_overflows(at, e->u.extent.size, &at))
			return broken(c, e, "has an impossible size");
	}
	if (p->u.component.layout == LDM_LAYOUT_CONCAT) {
		if (column)
			return broken(c, p, "is concatenated, but has columns");
	} else {
		if (column + 1 != n_columns || (column && at != first_column))
			return broken(c, p, "has columns that are missing or of different sizes");
		if (!p->u.component.stripe_size || at % p->u.component.stripe_size)
			return broken(c, p, "has a stripe size that does not divide its columns");
		factor = p->u.component.layout == LDM_LAYOUT_RAID5 ? column : n_columns;
		if (n_columns < (p->u.component.layout == LDM_LAYOUT_RAID5 ? 3 : 2))
			return broken(c, p, "has only %u columns", n_columns);
	}
	if (mul_overflows(at, factor, size))
		return broken(c, p, "has an impossible size");
	return 0;
}

static int check_plex(const struct check *c, const struct ldm_record *p)
{
	const struct ldm_record *v = ldm_db_find(c->db, LDM_VOLUME, p->u.component.volume_id);
	struct list ext = children(&c->extents, p->id);
	uint8_t layout = p->u.component.layout;
	uint64_t size = 0;
	int rc;

	if (!v)
		return broken(c, p, "belongs to a volume that does not exist");
	if (strcmp(p->u.component.state, "ACTIVE") != 0)
		return broken(c, p, "has an unknown state");
	if (layout < LDM_LAYOUT_STRIPE || layout > LDM_LAYOUT_RAID5)
		return broken(c, p, "has unknown layout %u", layout);
	if (!(p->flags & LDM_CF_STRIPE) != (layout == LDM_LAYOUT_CONCAT))
		return broken(c, p, "has stripe fields that do not fit its layout");
	if ((layout == LDM_LAYOUT_RAID5) != (strcmp(v->u.volume.type, "raid5") == 0))
		return broken(c, p, "has a layout that does not fit the type of its volume");
	if (p->u.component.cflags & (~(uint32_t)COMPONENT_FLAGS | COMPONENT_PENDING))
		return broken(c, p, "has unusable flags 0x%x", p->u.component.cflags);
	if (p->u.component.zero)
		return broken(c, p, "has a reserved field set");
	if (p->u.component.log_subdisk)
		return broken(c, p, "has a log subdisk, for which the Linux kernel rejects the whole disk");
	if (!ext.n || ext.n != p->u.component.n_extents)
		return broken(c, p, "says %u extents, but has %zu", p->u.component.n_extents, ext.n);
	rc = plex_size(c, p, &ext, &size);
	if (rc < 0)
		return rc;
	if (size != v->u.volume.size)
		return broken(c, p, "holds %llu sectors, its volume %llu", (unsigned long long)size,
			      (unsigned long long)v->u.volume.size);
	return 0;
}

static int check_mirror(const struct check *c, const struct ldm_record *v, const struct list *plexes)
{
	uint64_t disks[MAX_PLEXES];

	if (plexes->n > MAX_PLEXES)
		return broken(c, v, "has %zu plexes", plexes->n);
	for (size_t i = 0; i < plexes->n; i++) {
		const struct ldm_record *p = plexes->r[i];
		struct list ext = children(&c->extents, p->id);
		if (p->u.component.layout != LDM_LAYOUT_CONCAT || ext.n != 1)
			return broken(c, v, "is a mirror of something else than simple plexes");
		disks[i] = ext.r[0]->u.extent.disk_id;
		for (size_t k = 0; k < i; k++)
			if (disks[k] == disks[i])
				return broken(c, v, "has two plexes on the same disk");
	}
	return 0;
}

static bool state_ok(const uint8_t state[14])
{
	static const uint8_t active[14] = "ACTIVE", sync[14] = "SYNC";

	return memcmp(state, active, 14) == 0 || memcmp(state, sync, 14) == 0;
}

static int check_volume(const struct check *c, const struct ldm_record *v)
{
	struct list plexes = children(&c->components, v->id);
	bool raid5 = strcmp(v->u.volume.type, "raid5") == 0;
	uint32_t flags = v->u.volume.vflags;

	if (!raid5 && strcmp(v->u.volume.type, "gen") != 0)
		return broken(c, v, "is of unknown type");
	if (!state_ok(v->u.volume.state))
		return broken(c, v, "has an unknown state");
	if (v->u.volume.read_policy != (raid5 ? 4 : 3))
		return broken(c, v, "has read policy %u", v->u.volume.read_policy);
	if (v->u.volume.number < 1 || v->u.volume.number > 255)
		return broken(c, v, "has number %u, which readers cannot take", v->u.volume.number);
	if ((flags & ~(uint32_t)VOLUME_FLAGS) || (flags & VOLUME_FLAGS_BAD) ||
	    (flags & LDM_VOL_DEFAULT) != LDM_VOL_DEFAULT)
		return broken(c, v, "has unusable flags 0x%x", flags);
	if (v->u.volume.zero)
		return broken(c, v, "has a reserved field set");
	if (!v->u.volume.size)
		return broken(c, v, "is empty");
	if (v->u.volume.second_tid > v->tid)
		return broken(c, v, "has a second transaction id behind its first");
	if (bytes_all_zero(v->u.volume.guid, 16))
		return broken(c, v, "has no GUID");
	if (!plexes.n || plexes.n != v->u.volume.n_components)
		return broken(c, v, "says %u plexes, but has %zu", v->u.volume.n_components, plexes.n);
	if (plexes.n == 1)
		return 0;
	return raid5 ? broken(c, v, "is RAID-5 with %zu plexes", plexes.n) : check_mirror(c, v, &plexes);
}

static int check_volumes(const struct check *c)
{
	const struct ldm_record *numbers[256] = { NULL };
	struct list l = { NULL, 0 };
	int rc = list_of(c->db, LDM_VOLUME, by_volume_guid, &l);

	if (rc < 0)
		return dyn_fail_nomem(c->err);
	for (size_t i = 0; i < l.n && rc == 0; i++) {
		const struct ldm_record *v = l.r[i];
		rc = check_volume(c, v);
		if (rc < 0)
			break;
		if (numbers[v->u.volume.number])
			rc = broken(c, v, "has a number that is used twice");
		else if (i && by_volume_guid(&l.r[i - 1], &l.r[i]) == 0)
			rc = broken(c, v, "has a GUID that is used twice");
		numbers[v->u.volume.number] = v;
	}
	free(l.r);
	return rc;
}

static int run_checks(const struct check *c)
{
	int rc = check_header(c);

	if (rc == 0)
		rc = check_ids(c);
	if (rc == 0)
		rc = check_group(c);
	if (rc == 0)
		rc = check_disks(c);
	if (rc == 0)
		rc = check_extents(c);
	if (rc == 0)
		rc = check_volumes(c);
	for (size_t i = 0; i < c->components.n && rc == 0; i++)
		rc = check_plex(c, c->components.r[i]);
	return rc;
}

int ldm_db_check(const struct ldm_db *db, struct dyn_err *err)
{
	struct check c = { .db = db, .err = err };
	int rc = 0;

	for (int k = 0; k < LDM_KINDS && rc == 0; k++)
		rc = list_of(db, (enum ldm_kind)k, by_name, &c.kinds[k]);
	if (rc == 0)
		rc = list_of(db, LDM_COMPONENT, by_volume, &c.components);
	if (rc == 0)
		rc = list_of(db, LDM_EXTENT, by_column, &c.extents);
	if (rc == 0)
		rc = list_of(db, LDM_EXTENT, by_start, &c.by_disk);
	rc = rc < 0 ? dyn_fail_nomem(err) : run_checks(&c);
	for (int k = 0; k < LDM_KINDS; k++)
		free(c.kinds[k].r);
	free(c.components.r);
	free(c.extents.r);
	free(c.by_disk.r);
	return rc;
}
