/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "ldm/ondisk.h"

enum {
	REGION_SECTORS = LDM_CONFIG_SECTORS + LDM_LOG_SECTORS,
	REGION_BYTES = REGION_SECTORS * LDM_SECTOR,
	ENCODED_MAX = WRITE_SLOTS * LDM_VBLK_PAYLOAD,
	TID_TRIES = 8, /* of numbers in a row no more than three mislead */
};
static_assert((int)LDM_LOG_START == (int)LDM_CONFIG_START + (int)LDM_CONFIG_SECTORS, "the log follows the database");

/* Readers take object ids of up to 4 bytes, and ids and transactions count together. */
static const uint64_t highest_id = UINT32_MAX - 0xffff;

struct entry {
	const struct ldm_record *old; /* the committed version, NULL for an added record */
	bool removed;
	struct ldm_record r;
	uint8_t bytes[ENCODED_MAX];
};

struct ldm_txn {
	struct ldm_db *db;
	uint64_t next_id;
	size_t n;
	struct entry **entries;
};

/* ------------------------------------------------------- collecting */

int ldm_txn_begin(const struct ldm_db *db, struct ldm_txn **out, struct dyn_err *err)
{
	struct ldm_txn *t;
	uint64_t top = db->head.committed_tid;
	int rc;

	*out = NULL;
	if (ldm_db_interrupted(db))
		return dyn_refuse(err, -EUCLEAN, "Finish or undo the interrupted change first.",
				  "the LDM database is in the middle of a change");
	rc = ldm_db_check(db, err);
	if (rc < 0) {
		dyn_err_way_out(err, "A database with a fault in it is not changed. Windows may be able to repair it.");
		return rc;
	}
	for (size_t i = 0; i < db->n; i++)
		if (db->records[i].id > top)
			top = db->records[i].id;
	if (top >= highest_id)
		return dyn_fail(err, -ERANGE, "the LDM database has used up its transaction numbers");
	t = calloc(1, sizeof(*t));
	if (!t)
		return dyn_fail_nomem(err);
	t->next_id = top + 1;
	if (ldm_db_clone(db, &t->db) < 0) {
		free(t);
		return dyn_fail_nomem(err);
	}
	*out = t;
	return 0;
}

void ldm_txn_free(struct ldm_txn *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++)
		free(t->entries[i]);
	free(t->entries);
	ldm_db_free(t->db);
	free(t);
}

uint64_t ldm_txn_new_id(struct ldm_txn *t)
{
	return t->next_id++;
}

void ldm_txn_beyond(struct ldm_txn *t, uint64_t least)
{
	if (least >= highest_id)
		t->next_id = highest_id; /* refused when it is to be used */
	else if (t->next_id <= least)
		t->next_id = least + 1;
}

static struct entry *entry_of(const struct ldm_txn *t, uint64_t id)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->entries[i]->r.id == id)
			return t->entries[i];
	return NULL;
}

const struct ldm_record *ldm_txn_get(const struct ldm_txn *t, uint64_t id)
{
	const struct entry *e = entry_of(t, id);

	if (e)
		return e->removed ? NULL : &e->r;
	return ldm_db_find(t->db, LDM_KINDS, id);
}

static int encodable(const struct ldm_record *r, struct dyn_err *err)
{
	uint8_t b[ENCODED_MAX];
	int rc = ldm_record_encode(r, b, sizeof(b));

	if (rc == -EMSGSIZE)
		return dyn_fail(err, rc, "a database record would be too long");
	if (rc < 0)
		return dyn_fail(err, rc, "a database record holds a value that the format has no place for");
	return 0;
}

static int append(struct ldm_txn *t, const struct ldm_record *r, const struct ldm_record *old, struct dyn_err *err)
{
	struct entry **grown = realloc(t->entries, (t->n + 1) * sizeof(*grown));
	struct entry *e;

	if (!grown)
		return dyn_fail_nomem(err);
	t->entries = grown;
	e = calloc(1, sizeof(*e));
	if (!e)
		return dyn_fail_nomem(err);
	e->r = *r;
	e->r.status = LDM_STATUS_ACTIVE;
	e->old = old;
	t->entries[t->n++] = e;
	return 0;
}

int ldm_txn_add(struct ldm_txn *t, const struct ldm_record *r, struct dyn_err *err)
{
	int rc = encodable(r, err);

	if (rc < 0)
		return rc;
	if (!r->id || r->id >= highest_id)
		return dyn_fail(err, -EINVAL, "object id %llu cannot be used", (unsigned long long)r->id);
	if (entry_of(t, r->id) || ldm_db_find(t->db, LDM_KINDS, r->id))
		return dyn_fail(err, -EEXIST, "object id %llu is taken", (unsigned long long)r->id);
	if (r->id >= t->next_id)
		t->next_id = r->id + 1;
	return append(t, r, NULL, err);
}

static int no_such(uint64_t id, struct dyn_err *err)
{
	return dyn_fail(err, -ENOENT, "the LDM database has no object %llu", (unsigned long long)id);
}

int ldm_txn_replace(struct ldm_txn *t, const struct ldm_record *r, struct dyn_err *err)
{
	const struct ldm_record *now = ldm_txn_get(t, r->id);
	struct entry *e = entry_of(t, r->id);
	int rc = encodable(r, err);

	if (rc < 0)
		return rc;
	if (!now || now->kind != r->kind)
		return no_such(r->id, err);
	if (!e)
		return append(t, r, now, err);
	e->r = *r;
	e->r.status = LDM_STATUS_ACTIVE;
	return 0;
}

static void drop(struct ldm_txn *t, const struct entry *e)
{
	size_t i = 0;

	while (t->entries[i] != e)
		i++;
	free(t->entries[i]);
	memmove(&t->entries[i], &t->entries[i + 1], (--t->n - i) * sizeof(t->entries[0]));
}

int ldm_txn_remove(struct ldm_txn *t, uint64_t id, struct dyn_err *err)
{
	const struct ldm_record *now = ldm_txn_get(t, id);
	struct entry *e = entry_of(t, id);
	int rc;

	if (!now || now->kind == LDM_GROUP)
		return no_such(id, err);
	if (e && !e->old) {
		drop(t, e);
		return 0;
	}
	if (!e) {
		rc = append(t, now, now, err);
		if (rc < 0)
			return rc;
		e = t->entries[t->n - 1];
	}
	e->removed = true;
	return 0;
}

/* ------------------------------------------------------- building the phases */

struct build {
	const struct ldm_txn *t;
	uint64_t tid;
	uint8_t *now, *before; /* config and log in one piece, as on disk */
	struct ldm_commit *out;
};

static struct disk_vmdb *header(struct build *b)
{
	return (struct disk_vmdb *)b->now;
}

/* The sectors that changed since the last phase become this one. */
static int end_phase(struct build *b, int i, const char *what)
{
	struct ldm_phase *p = &b->out->phases[i];
	size_t n = 0;

	for (size_t s = 0; s < REGION_SECTORS; s++)
		n += memcmp(b->now + s * LDM_SECTOR, b->before + s * LDM_SECTOR, LDM_SECTOR) != 0;
	p->what = what;
	p->changes = calloc(n + 1, sizeof(*p->changes));
	if (!p->changes)
		return -ENOMEM;
	for (size_t s = 0; s < REGION_SECTORS; s++) {
		uint8_t *now = b->now + s * LDM_SECTOR, *before = b->before + s * LDM_SECTOR;
		if (memcmp(now, before, LDM_SECTOR) == 0)
			continue;
		p->changes[p->n].rel = (uint32_t)(LDM_CONFIG_START + s);
		memcpy(p->changes[p->n++].bytes, now, LDM_SECTOR);
		memcpy(before, now, LDM_SECTOR);
	}
	return 0;
}

/* GRUB takes every slot for a record of its own; would it misread this continuation? */
static bool looks_like_record(const uint8_t *payload)
{
	uint8_t type = payload[3];

	return payload[0] == 0 && payload[1] < 2 &&
	       (type == LDM_T_VOLUME || type == LDM_T_COMPONENT || type == LDM_T_EXTENT || type == LDM_T_DISK3);
}

/* Encodes all new versions for transaction tid. False when a reader would be misled by one of them. */
static bool encode_all(const struct ldm_txn *t, uint64_t tid)
{
	for (size_t i = 0; i < t->n; i++) {
		struct entry *e = t->entries[i];
		int len;

		if (e->removed)
			continue;
		e->r.tid = tid;
		e->r.status = LDM_STATUS_PENDING;
		memset(e->bytes, 0, sizeof(e->bytes));
		len = ldm_record_encode(&e->r, e->bytes, sizeof(e->bytes)); /* was tried when it came in */
		e->r.status = LDM_STATUS_ACTIVE;
		e->r.n_slots = (uint16_t)((len + LDM_VBLK_PAYLOAD - 1) / LDM_VBLK_PAYLOAD);
		for (int k = 1; k < e->r.n_slots; k++)
			if (looks_like_record(e->bytes + k * LDM_VBLK_PAYLOAD))
				return false;
	}
	return true;
}

/* Section 5: lowest slots in use by neither the committed nor the new state; group numbers only grow. */
static int allocate(const struct ldm_txn *t, struct dyn_err *err)
{
	bool used[ALL_SLOTS];
	uint32_t slot = LDM_FIRST_SLOT, group = 0;

	ldm_db_mark_used(t->db, used);
	for (size_t i = 0; i < t->db->n; i++)
		if (t->db->records[i].vblk_group > group)
			group = t->db->records[i].vblk_group;
	for (size_t i = 0; i < t->n; i++) {
		struct ldm_record *r = &t->entries[i]->r;
		if (t->entries[i]->removed)
			continue;
		if (group == UINT32_MAX)
			return dyn_fail(err, -ENOSPC, "the LDM database has used up its record numbers");
		r->vblk_group = ++group;
		for (int k = 0; k < r->n_slots; k++) {
			while (slot < t->db->head.n_slots && used[slot])
				slot++;
			if (slot >= t->db->head.n_slots)
				return dyn_fail(err, -ENOSPC, "the LDM database is full");
			r->slots[k] = slot++;
		}
	}
	return 0;
}

static void write_record(struct build *b, const struct entry *e)
{
	for (int k = 0; k < e->r.n_slots; k++) {
		struct disk_vblk *v = ldm_slot(b->now, e->r.slots[k]);
		v->group = be32_of(e->r.vblk_group);
		v->index = be16_of((uint16_t)k);
		v->count = be16_of(e->r.n_slots);
		memcpy(v->payload, e->bytes + k * LDM_VBLK_PAYLOAD, LDM_VBLK_PAYLOAD);
	}
}

static int announce(struct build *b)
{
	struct disk_vmdb *h = header(b);
	uint32_t counts[4];

	memcpy(counts, b->t->db->head.committed, sizeof(counts));
	for (size_t i = 0; i < b->t->n; i++) {
		const struct entry *e = b->t->entries[i];
		if (e->r.kind >= LDM_GROUP)
			continue;
		if (e->removed)
			counts[e->r.kind]--;
		else if (!e->old)
			counts[e->r.kind]++;
	}
	h->status = be16_of(LDM_VMDB_CHANGE);
	h->pending_tid = be64_of(b->tid);
	for (int i = 0; i < 4; i++)
		h->pending[i] = be32_of(counts[i]);
	return end_phase(b, 0, "announce the change");
}

static int stage_records(struct build *b)
{
	for (size_t i = 0; i < b->t->n; i++) {
		const struct entry *e = b->t->entries[i];
		if (e->old)
			ldm_slot_status(b->now, e->old->slots[0], LDM_STATUS_DELETING);
		if (!e->removed)
			write_record(b, e);
	}
	return end_phase(b, 1, "write the new records beside the old ones");
}

static int settle_records(struct build *b)
{
	for (size_t i = 0; i < b->t->n; i++) {
		const struct entry *e = b->t->entries[i];
		for (int k = 0; e->old && k < e->old->n_slots; k++)
			ldm_slot_clear(b->now, e->old->slots[k]);
		if (!e->removed)
			ldm_slot_status(b->now, e->r.slots[0], LDM_STATUS_ACTIVE);
	}
	return end_phase(b, 4, "remove the old records, make the new ones active");
}

static int finish(struct build *b, uint64_t filetime)
{
	struct disk_vmdb *h = header(b);

	h->status = be16_of(LDM_VMDB_CLEAN);
	h->committed_tid = be64_of(b->tid);
	memcpy(h->committed, h->pending, 4 * sizeof(h->committed[0]));
	h->time = be64_of(filetime);
	return end_phase(b, 5, "mark the database clean");
}

static int build_phases(struct build *b, uint64_t filetime, struct dyn_err *err)
{
	int rc = announce(b);

	if (rc == 0)
		rc = stage_records(b);
	if (rc < 0)
		return dyn_fail_nomem(err);
	rc = ldm_log_commit(b->now + CONFIG_BYTES, b->t->db->head.committed_tid, b->tid, err);
	if (rc < 0)
		return rc;
	rc = end_phase(b, 2, "note the commit in the kernel log");
	header(b)->status = be16_of(LDM_VMDB_COMMIT);
	if (rc == 0)
		rc = end_phase(b, 3, "commit");
	if (rc == 0)
		rc = settle_records(b);
	if (rc == 0)
		rc = finish(b, filetime);
	return rc < 0 ? dyn_fail_nomem(err) : 0;
}

static uint8_t *region_of(const struct ldm_db *db)
{
	uint8_t *p = malloc(REGION_BYTES);

	if (p) {
		memcpy(p, db->config, CONFIG_BYTES);
		memcpy(p + CONFIG_BYTES, db->log, LOG_BYTES);
	}
	return p;
}

/*
 * Transaction ids may be skipped; one is when it would put a misleading byte into a fragment. That byte may be any of its
 * own, so that thousands in a row mislead: then the next ones differ in a higher byte. None of those is near the end of
 * the numbers: the highest byte that misleads is 0x51.
 */
static int choose_tid(struct ldm_txn *t, uint64_t *tid, struct dyn_err *err)
{
	*tid = t->next_id;
	for (unsigned bits = 0; bits < 32; bits += 8)
		for (int i = 0; i < TID_TRIES; i++) {
			if (encode_all(t, *tid))
				return 0;
			*tid = ((*tid >> bits) + 1) << bits;
		}
	return dyn_fail(err, -EINVAL, "a database record cannot be written without misleading other readers");
}

int ldm_txn_commit(struct ldm_txn *t, uint64_t filetime, struct ldm_commit *out, struct dyn_err *err)
{
	struct build b = { .t = t, .out = out };
	int rc;

	memset(out, 0, sizeof(*out));
	if (!t->n)
		return dyn_fail(err, -EINVAL, "the transaction changes nothing");
	if (t->next_id >= highest_id)
		return dyn_fail(err, -ERANGE, "the LDM database has used up its transaction numbers");
	rc = choose_tid(t, &b.tid, err);
	if (rc == 0)
		rc = allocate(t, err);
	if (rc < 0)
		return rc;
	b.now = region_of(t->db);
	b.before = region_of(t->db);
	if (!b.now || !b.before)
		rc = dyn_fail_nomem(err);
	if (rc == 0)
		rc = build_phases(&b, filetime, err);
	if (rc == 0)
		rc = ldm_db_decode(b.now, b.now + CONFIG_BYTES, &out->after, err);
	if (rc == 0)
		rc = ldm_db_check(out->after, err);
	out->tid = b.tid;
	if (rc < 0)
		ldm_commit_free(out);
	free(b.now);
	free(b.before);
	return rc;
}

void ldm_commit_free(struct ldm_commit *c)
{
	for (int i = 0; i < LDM_PHASES; i++)
		free(c->phases[i].changes);
	ldm_db_free(c->after);
	memset(c, 0, sizeof(*c));
}
