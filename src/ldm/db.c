/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "base/rand.h"
#include "ldm/ondisk.h"

void ldm_slot_clear(uint8_t *config, uint32_t slot)
{
	struct disk_vblk *v = ldm_slot(config, slot);

	memset(&v->group, 0, sizeof(*v) - offsetof(struct disk_vblk, group));
}

void ldm_slot_status(uint8_t *config, uint32_t slot, uint16_t status)
{
	bytes_put_be(ldm_slot(config, slot)->payload, 2, status);
}

/* ------------------------------------------------------- fragments to records */

struct fragment {
	uint32_t group, slot;
	uint16_t index, count;
};

struct gathered {
	uint32_t group, first_slot; /* first_slot: of fragment 0 */
	size_t at, n; /* fragments[at .. at + n) */
};

static int by_group_index(const void *a, const void *b)
{
	const struct fragment *x = a, *y = b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	if (x->index != y->index)
		return x->index < y->index ? -1 : 1;
	return x->slot < y->slot ? -1 : x->slot > y->slot;
}

static int by_first_slot(const void *a, const void *b)
{
	const struct gathered *x = a, *y = b;

	return x->first_slot < y->first_slot ? -1 : x->first_slot > y->first_slot;
}

/* Lists the used slots; f has room for all. */
static int list_fragments(const struct ldm_db *db, struct fragment *f, size_t *n, struct dyn_err *err)
{
	*n = 0;
	for (uint32_t s = LDM_FIRST_SLOT; s < db->head.n_slots; s++) {
		const struct disk_vblk *v = ldm_slot_const(db->config, s);
		struct fragment x = { be32_get(v->group), s, be16_get(v->index), be16_get(v->count) };

		if (memcmp(v->magic, "VBLK", sizeof(v->magic)) != 0 || be32_get(v->slot) != s)
			return dyn_fail(err, -EBADMSG, "database slot %u is damaged", s);
		if (!x.count)
			continue;
		if (!x.group || x.index >= x.count || x.count > LDM_MAX_SLOTS)
			return dyn_fail(err, -EBADMSG, "database slot %u holds an impossible fragment", s);
		f[(*n)++] = x;
	}
	return 0;
}

/*
 * Sorts the fragments into records, in slot order. A record with fragments missing is debris
 * of a change that was cut off (section 8, recovery rule 2); anything else that does not add
 * up is damage.
 */
static int gather(struct fragment *f, size_t n, struct gathered *g, size_t *n_groups, size_t *debris,
		  struct dyn_err *err)
{
	size_t k = 0;

	*debris = 0;
	qsort(f, n, sizeof(*f), by_group_index);
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && f[end].group == f[i].group; end++)
			if (f[end].count != f[i].count || f[end].index == f[end - 1].index)
				return dyn_fail(err, -EBADMSG,
						"the fragments of database record %u contradict each other",
						f[i].group);
		if (end - i == f[i].count)
			g[k++] = (struct gathered){ f[i].group, f[i].slot, i, end - i };
		else
			*debris += end - i;
	}
	qsort(g, k, sizeof(*g), by_first_slot);
	*n_groups = k;
	return 0;
}

static int decode_one(const struct ldm_db *db, const struct fragment *f, const struct gathered *g, struct ldm_record *r,
		      struct dyn_err *err)
{
	uint8_t bytes[LDM_MAX_SLOTS * LDM_VBLK_PAYLOAD];
	struct dyn_err why = { 0 };

	for (size_t i = 0; i < g->n; i++)
		memcpy(bytes + i * LDM_VBLK_PAYLOAD, ldm_slot_const(db->config, f[g->at + i].slot)->payload,
		       LDM_VBLK_PAYLOAD);
	if (ldm_record_decode(bytes, g->n * LDM_VBLK_PAYLOAD, r, &why) < 0)
		return dyn_fail(err, -EBADMSG, "database slot %u: %.300s", g->first_slot, why.what);
	r->vblk_group = g->group;
	r->n_slots = (uint16_t)g->n;
	for (size_t i = 0; i < g->n; i++)
		r->slots[i] = f[g->at + i].slot;
	return 0;
}

/* ------------------------------------------------------- index by id */

struct id_place {
	uint64_t id;
	uint16_t status;
	uint32_t place;
};

static int by_id_status(const void *a, const void *b)
{
	const struct id_place *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	if (x->status != y->status)
		return x->status < y->status ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

static int index_ids(struct ldm_db *db)
{
	struct id_place *p = calloc(db->n + 1, sizeof(*p));

	db->by_id = calloc(db->n + 1, sizeof(*db->by_id));
	if (!p || !db->by_id) {
		free(p);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < db->n; i++)
		p[i] = (struct id_place){ db->records[i].id, db->records[i].status, i };
	qsort(p, db->n, sizeof(*p), by_id_status);
	for (size_t i = 0; i < db->n; i++)
		db->by_id[i] = p[i].place;
	free(p);
	return 0;
}

/* ------------------------------------------------------- decode, clone, free */

static int decode_records(struct ldm_db *db, struct dyn_err *err)
{
	struct fragment *f = calloc(ALL_SLOTS, sizeof(*f));
	struct gathered *g = calloc(ALL_SLOTS, sizeof(*g));
	size_t n_fragments, n = 0;
	int rc;

	if (!f || !g) {
		rc = dyn_fail_nomem(err);
		goto out;
	}
	rc = list_fragments(db, f, &n_fragments, err);
	if (rc == 0)
		rc = gather(f, n_fragments, g, &n, &db->n_debris, err);
	if (rc < 0)
		goto out;
	db->records = calloc(n + 1, sizeof(*db->records));
	if (!db->records) {
		rc = dyn_fail_nomem(err);
		goto out;
	}
	for (db->n = 0; db->n < n; db->n++) {
		rc = decode_one(db, f, &g[db->n], &db->records[db->n], err);
		if (rc < 0)
			goto out;
	}
	if (index_ids(db) < 0)
		rc = dyn_fail_nomem(err);
out:
	free(f);
	free(g);
	return rc;
}

static struct ldm_db *new_db(const uint8_t *config, const uint8_t *log)
{
	struct ldm_db *db = calloc(1, sizeof(*db));

	if (!db)
		return NULL;
	db->config = malloc(CONFIG_BYTES);
	db->log = malloc(LOG_BYTES);
	if (!db->config || !db->log) {
		ldm_db_free(db);
		return NULL;
	}
	memcpy(db->config, config, CONFIG_BYTES);
	memcpy(db->log, log, LOG_BYTES);
	return db;
}

int ldm_db_decode(const uint8_t *config, const uint8_t *log, struct ldm_db **out, struct dyn_err *err)
{
	struct ldm_db *db = new_db(config, log);
	int rc;

	*out = NULL;
	if (!db)
		return dyn_fail_nomem(err);
	rc = ldm_vmdb_decode(db->config, &db->head, err);
	if (rc == 0)
		rc = decode_records(db, err);
	if (rc < 0) {
		ldm_db_free(db);
		return rc;
	}
	*out = db;
	return 0;
}

int ldm_db_clone(const struct ldm_db *db, struct ldm_db **out)
{
	struct ldm_db *c = new_db(db->config, db->log);

	*out = NULL;
	if (!c)
		return -ENOMEM;
	c->head = db->head;
	c->n = db->n;
	c->n_debris = db->n_debris;
	c->records = calloc(db->n + 1, sizeof(*c->records));
	c->by_id = calloc(db->n + 1, sizeof(*c->by_id));
	if (!c->records || !c->by_id) {
		ldm_db_free(c);
		return -ENOMEM;
	}
	if (db->n) {
		memcpy(c->records, db->records, db->n * sizeof(*c->records));
		memcpy(c->by_id, db->by_id, db->n * sizeof(*c->by_id));
	}
	*out = c;
	return 0;
}

void ldm_db_free(struct ldm_db *db)
{
	if (!db)
		return;
	free(db->records);
	free(db->by_id);
	free(db->config);
	free(db->log);
	free(db);
}

int ldm_db_new(const char *group_name, const char *group_guid, uint64_t filetime, struct ldm_db **out)
{
	struct ldm_vmdb head = { .n_slots = ALL_SLOTS,
				 .vblk_size = LDM_VBLK_SIZE,
				 .header_size = LDM_SECTOR,
				 .status = LDM_VMDB_CLEAN,
				 .major = 4,
				 .minor = 10,
				 .committed_tid = 1,
				 .pending_tid = 1,
				 .time = filetime };
	struct ldm_record group = { .kind = LDM_GROUP, .type = LDM_T_GROUP3, .id = 1 };
	uint8_t *config = calloc(1, CONFIG_BYTES), *log = calloc(1, LOG_BYTES);
	int rc = -ENOMEM;

	*out = NULL;
	if (!config || !log)
		goto out;
	rc = -EINVAL;
	if (strlen(group_name) < 1 || strlen(group_name) >= NAME_FIELD || !ldm_guid_lower(group_guid))
		goto out;
	ldm_text_put(head.group_name, sizeof(head.group_name), group_name);
	ldm_text_put(head.group_guid, sizeof(head.group_guid), group_guid);
	ldm_text_put(group.name, sizeof(group.name), group_name);
	ldm_text_put(group.u.group.guid, sizeof(group.u.group.guid), group_guid);
	ldm_vmdb_encode(&head, config);
	for (uint32_t s = LDM_FIRST_SLOT; s < ALL_SLOTS; s++) {
		memcpy(ldm_slot(config, s)->magic, "VBLK", 4);
		ldm_slot(config, s)->slot = be32_of(s);
	}
	ldm_slot(config, LDM_FIRST_SLOT)->group = be32_of(1);
	ldm_slot(config, LDM_FIRST_SLOT)->count = be16_of(1);
	rc = ldm_record_encode(&group, ldm_slot(config, LDM_FIRST_SLOT)->payload, LDM_VBLK_PAYLOAD);
	if (rc < 0)
		goto out;
	ldm_log_new(log);
	rc = ldm_db_decode(config, log, out, NULL);
out:
	free(config);
	free(log);
	return rc;
}

/* ------------------------------------------------------- questions */

bool ldm_db_interrupted(const struct ldm_db *db)
{
	if (db->head.status != LDM_VMDB_CLEAN || db->head.pending_tid != db->head.committed_tid || db->n_debris)
		return true;
	for (size_t i = 0; i < db->n; i++)
		if (db->records[i].status != LDM_STATUS_ACTIVE)
			return true;
	return false;
}

void ldm_db_mark_used(const struct ldm_db *db, bool *used)
{
	memset(used, 0, ALL_SLOTS * sizeof(*used));
	for (size_t i = 0; i < db->n; i++)
		for (size_t k = 0; k < db->records[i].n_slots; k++)
			used[db->records[i].slots[k]] = true;
}

/* In the middle of a change an id may have two versions; by_id has the committed one first. */
const struct ldm_record *ldm_db_find(const struct ldm_db *db, enum ldm_kind kind, uint64_t id)
{
	size_t lo = 0, hi = db->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (db->records[db->by_id[mid]].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < db->n && db->records[db->by_id[lo]].id == id; lo++)
		if (kind == LDM_KINDS || db->records[db->by_id[lo]].kind == kind)
			return &db->records[db->by_id[lo]];
	return NULL;
}

const struct ldm_record *ldm_db_find_disk(const struct ldm_db *db, const char *guid)
{
	const struct ldm_record *r = NULL;

	while ((r = ldm_db_next(db, LDM_DISK, r)))
		if (strcasecmp(r->u.disk.guid, guid) == 0)
			return r;
	return NULL;
}

const struct ldm_record *ldm_db_find_volume(const struct ldm_db *db, const char *guid_text)
{
	const struct ldm_record *r = NULL;
	uint8_t raw[16];

	if (dyn_guid_parse(guid_text, raw) < 0)
		return NULL;
	while ((r = ldm_db_next(db, LDM_VOLUME, r)))
		if (memcmp(r->u.volume.guid, raw, sizeof(raw)) == 0)
			return r;
	return NULL;
}

const struct ldm_record *ldm_db_next(const struct ldm_db *db, enum ldm_kind kind, const struct ldm_record *after)
{
	for (size_t i = after ? (size_t)(after - db->records) + 1 : 0; i < db->n; i++)
		if (kind == LDM_KINDS || db->records[i].kind == kind)
			return &db->records[i];
	return NULL;
}
