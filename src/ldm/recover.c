/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Recovery of a change that was cut off (section 8). The copy that got furthest decides;
 * the others only have to agree with it. A disk that was away while transactions were made
 * did not take part: its copy has no say and is overwritten.
 */
#include <errno.h>
#include <stdlib.h>

#include "ldm/ondisk.h"

struct recovery {
	const struct ldm_db *const *copies;
	size_t n;
	uint64_t committed; /* highest on any copy */
	uint64_t tid; /* where the group ends up */
	bool behind; /* some copy has not got there */
	const struct ldm_db *base;
	struct dyn_err *err;
};

static int survey(struct recovery *r)
{
	r->committed = 0;
	for (size_t i = 0; i < r->n; i++) {
		const struct ldm_vmdb *h = &r->copies[i]->head;
		if (strcmp(h->group_guid, r->copies[0]->head.group_guid) != 0)
			return dyn_fail(r->err, -EINVAL, "these disks belong to different groups");
		if (h->status < LDM_VMDB_CLEAN || h->status > LDM_VMDB_COMMIT)
			return dyn_fail(r->err, -EBADMSG, "the LDM database is in an unknown state, %u", h->status);
		if (h->pending_tid < h->committed_tid ||
		    (h->status == LDM_VMDB_COMMIT && h->pending_tid == h->committed_tid))
			return dyn_fail(r->err, -EBADMSG,
					"the LDM database's transaction numbers contradict each other");
		if (h->committed_tid > r->committed)
			r->committed = h->committed_tid;
	}
	r->tid = r->committed;
	for (size_t i = 0; i < r->n; i++) {
		const struct ldm_vmdb *h = &r->copies[i]->head;
		if (h->committed_tid < r->committed)
			r->behind = true;
		else if (h->status == LDM_VMDB_COMMIT && h->pending_tid > r->tid)
			r->tid = h->pending_tid;
	}
	return 0;
}

static bool forward(const struct recovery *r)
{
	return r->tid > r->committed;
}

/* Forward: the copy that carries the commit. Back: one that needs the least undoing. */
static const struct ldm_db *choose(const struct recovery *r)
{
	const struct ldm_db *best = NULL;
	int best_rank = -1;

	for (size_t i = 0; i < r->n; i++) {
		const struct ldm_db *db = r->copies[i];
		int rank;

		if (db->head.committed_tid != r->committed)
			continue;
		if (forward(r))
			rank = db->head.status == LDM_VMDB_COMMIT && db->head.pending_tid == r->tid;
		else
			rank = 2 * !ldm_db_interrupted(db) + !ldm_log_has_newer(db->log, r->tid);
		if (rank > best_rank) {
			best_rank = rank;
			best = db;
		}
	}
	return best;
}

/* Which way a copy's records are to be settled: 1 forward, 0 back, -1: it did not take part, or a rollback of its own
 * began. */
static int direction(const struct recovery *r, const struct ldm_db *db)
{
	const struct ldm_vmdb *h = &db->head;

	if (h->committed_tid == r->tid)
		return 0;
	return h->status != LDM_VMDB_CLEAN && h->pending_tid == r->tid ? 1 : -1;
}

/* Recovery rules 2 and 3 on a copy's records. NULL: out of memory. */
static uint8_t *settled(const struct ldm_db *db, bool go_forward)
{
	uint16_t unwanted = go_forward ? LDM_STATUS_DELETING : LDM_STATUS_PENDING;
	bool used[ALL_SLOTS];
	uint8_t *config = malloc(CONFIG_BYTES);

	if (!config)
		return NULL;
	memcpy(config, db->config, CONFIG_BYTES);
	ldm_db_mark_used(db, used);
	for (uint32_t s = LDM_FIRST_SLOT; s < db->head.n_slots; s++)
		if (!used[s])
			ldm_slot_clear(config, s);
	for (size_t i = 0; i < db->n; i++) {
		const struct ldm_record *rec = &db->records[i];
		if (rec->status == LDM_STATUS_ACTIVE)
			continue;
		if (rec->status != unwanted)
			ldm_slot_status(config, rec->slots[0], LDM_STATUS_ACTIVE);
		for (int k = 0; rec->status == unwanted && k < rec->n_slots; k++)
			ldm_slot_clear(config, rec->slots[k]);
	}
	return config;
}

/* Every copy that took part must come to the same records. */
static int compare(const struct recovery *r, const uint8_t *config)
{
	for (size_t i = 0; i < r->n; i++) {
		int way = direction(r, r->copies[i]);
		uint8_t *other;
		bool same;

		if (way < 0 || r->copies[i] == r->base)
			continue;
		other = settled(r->copies[i], way > 0);
		if (!other)
			return dyn_fail_nomem(r->err);
		same = memcmp(config + LDM_SECTOR, other + LDM_SECTOR, CONFIG_BYTES - LDM_SECTOR) == 0;
		free(other);
		if (!same)
			return dyn_refuse(r->err, -EBADMSG,
					  "Leave out the disk whose copy is damaged, or let Windows repair the group.",
					  "the disks' copies of the LDM database differ at transaction %llu",
					  (unsigned long long)r->tid);
	}
	return 0;
}

/* Records are only ever added or taken away as the header had announced. */
static int check_counts(const struct recovery *r, const struct ldm_db *after)
{
	const uint32_t *expected = forward(r) ? r->base->head.pending : r->base->head.committed;
	uint32_t found[LDM_KINDS] = { 0 };

	for (size_t i = 0; i < after->n; i++)
		found[after->records[i].kind]++;
	for (int k = 0; k < 4; k++)
		if (found[k] != expected[k])
			return dyn_fail(r->err, -EBADMSG, "records of the LDM database are lost: %u expected, %u found",
					expected[k], found[k]);
	return 0;
}

static void write_header(const struct recovery *r, uint8_t *config)
{
	struct disk_vmdb *h = (struct disk_vmdb *)config;

	h->status = be16_of(LDM_VMDB_CLEAN);
	h->committed_tid = be64_of(r->tid);
	h->pending_tid = h->committed_tid;
	memcpy(forward(r) ? h->committed : h->pending, forward(r) ? h->pending : h->committed,
	       4 * sizeof(h->pending[0]));
}

static bool all_equal(const struct recovery *r, const uint8_t *config, const uint8_t *log)
{
	for (size_t i = 0; i < r->n; i++)
		if (memcmp(r->copies[i]->config, config, CONFIG_BYTES) != 0 ||
		    memcmp(r->copies[i]->log, log, LOG_BYTES) != 0)
			return false;
	return true;
}

static int conclude(const struct recovery *r, uint8_t *config, uint8_t *log, uint64_t filetime,
		    struct ldm_recovery *out)
{
	int rc;

	write_header(r, config);
	ldm_log_forget(log, r->tid);
	out->needed = !all_equal(r, config, log);
	if (out->needed)
		((struct disk_vmdb *)config)->time = be64_of(filetime);
	rc = ldm_db_decode(config, log, &out->after, r->err);
	if (rc == 0 && out->needed) {
		rc = check_counts(r, out->after);
		if (rc == 0)
			rc = ldm_db_check(out->after, r->err);
	}
	return rc;
}

int ldm_recover(const struct ldm_db *const *copies, size_t n, uint64_t filetime, struct ldm_recovery *out,
		struct dyn_err *err)
{
	struct recovery r = { .copies = copies, .n = n, .err = err };
	uint8_t *config = NULL, *log = NULL;
	int rc;

	memset(out, 0, sizeof(*out));
	if (!n)
		return dyn_fail(err, -EINVAL, "there is no copy of the LDM database to recover from");
	rc = survey(&r);
	if (rc < 0)
		return rc;
	r.base = choose(&r);
	config = settled(r.base, forward(&r));
	log = malloc(LOG_BYTES);
	if (!config || !log) {
		rc = dyn_fail_nomem(err);
		goto out;
	}
	memcpy(log, r.base->log, LOG_BYTES);
	rc = compare(&r, config);
	if (rc == 0)
		rc = conclude(&r, config, log, filetime, out);
	out->forward = forward(&r) || r.behind;
	out->tid = r.tid;
	out->committed = r.committed;
out:
	free(config);
	free(log);
	if (rc < 0) {
		ldm_db_free(out->after);
		memset(out, 0, sizeof(*out));
	}
	return rc;
}

int ldm_recovery_behind(struct ldm_recovery *r, uint64_t tid, uint8_t announce[512], struct dyn_err *err)
{
	struct ldm_db *db = r->after;
	int rc = ldm_log_commit(db->log, db->head.committed_tid, tid, err);

	if (rc)
		return rc;
	memcpy(announce, db->config, LDM_SECTOR);
	db->head.status = LDM_VMDB_CHANGE;
	db->head.pending_tid = tid;
	ldm_vmdb_encode(&db->head, announce);
	db->head.status = LDM_VMDB_CLEAN;
	db->head.committed_tid = tid;
	ldm_vmdb_encode(&db->head, db->config);
	return 0;
}
