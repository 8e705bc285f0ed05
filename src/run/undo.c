/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * undo.c - taking a plan back, by a plan.
 *
 * Sectors outside of a group's database are put back as they were, the last written first, so
 * that a power cut leaves a state the plan itself went through. A database is not put back
 * sector by sector: several disks hold it, and between the first and the last of them readers
 * would see a mixture. Instead a transaction makes its records what they were, by the same
 * commit protocol as every change, and its number goes on upwards.
 *
 * A disk whose LDM headers the plan made (an upgrade) leaves the group in that transaction and
 * then loses its headers again.
 *
 * A disk whose LDM headers the plan took away (a conversion to basic), or made name another group, gets the database
 * that its group has by then, before its headers and its table: with its own old one it would be out of date.
 *
 * Whether anything happened since is judged by the records of the database, not by its bytes
 * (an undone later change has moved transaction numbers and slots), and by the bytes of all
 * other sectors. An undo that a power cut interrupted can be begun again: each sector may hold
 * what the plan left or what was there before, and a database that already is the old one is
 * left alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "plan/sim.h"
#include "run/undo.h"

enum { SECTOR = 512, PIECE = 1 << 20 };

struct undo_job {
	struct dyn_session *s;
	struct dyn_model *m;
	struct undo_file *f;
	size_t *disk;        /* file disk -> model disk */
	bool *leaves;        /* file disk: the plan made its LDM headers */
	uint64_t *returns;   /* file disk: where its private region was, when the plan took its LDM headers away; else 0 */
	size_t *joins;       /* file disk: the group it returns to, which has other disks here; DYN_NONE */
	bool *home;          /* file disk: its headers name the group again that the plan took it, and all others, from */
	struct ldm_db *old;  /* the group's database before the plan; NULL: it needs no change */
	size_t group;        /* its model index */
	uint8_t **now;       /* per run: what the disk holds, NULL where it need not be written */
	uint64_t *image_now; /* per image: bytes_sum() of what the disk holds, 0 where it need not be written */
};

/* ------------------------------------------------------------------ matching */

static bool same_disk(const struct undo_disk *u, const struct dyn_disk *d, bool by_path)
{
	if (d->status == DYN_DISK_MISSING || d->status == DYN_DISK_OFFLINE || d->size != u->size ||
	    strcmp(d->serial, u->serial) != 0)
		return false;
	/* A serial number tells disks apart wherever they are plugged in; images have their path alone. */
	return by_path ? undo_same_path(u->path, d->path) : d->serial[0] != '\0';
}

static int match_disk(struct undo_job *u, size_t k, struct dyn_err *err)
{
	for (int by_path = 1; by_path >= 0; by_path--)
		for (size_t i = 0; i < u->m->n_disks; i++)
			if (same_disk(&u->f->disks[k], &u->m->disks[i], by_path)) {
				u->disk[k] = i;
				return 0;
			}
	return dyn_refuse(err, -ENODEV, "Connect that disk, or name it on the command line.", "the disk %.160s %.60s is not here",
			  u->f->disks[k].path, u->f->disks[k].serial);
}

static const struct model_disk *priv(const struct undo_job *u, size_t k)
{
	return &u->m->priv->disks[u->disk[k]];
}

/* A sector of the config or log region of a dynamic disk. */
static bool in_database(const struct undo_job *u, const struct undo_run *r, uint64_t sector)
{
	const struct model_disk *md = priv(u, r->disk);
	uint64_t from = md->ph.private_start + LDM_CONFIG_START;

	return md->has_ldm && sector >= from && sector < from + LDM_CONFIG_SECTORS + LDM_LOG_SECTORS;
}

/* A run that touches the database; one of a disk's whole private region does so behind its first sector. */
static bool holds_database(const struct undo_job *u, const struct undo_run *r)
{
	const struct model_disk *md = priv(u, r->disk);
	uint64_t from = md->ph.private_start + LDM_CONFIG_START;

	return md->has_ldm && r->sector < from + LDM_CONFIG_SECTORS && from < r->sector + r->n_sectors;
}

/* A run that the transaction takes care of. */
static bool by_transaction(const struct undo_job *u, const struct undo_run *r)
{
	return !u->leaves[r->disk] && in_database(u, r, r->sector);
}

static void find_leaving(struct undo_job *u)
{
	for (size_t i = 0; i < u->f->n_runs; i++) {
		const struct undo_run *r = &u->f->runs[i];
		const struct model_disk *md = priv(u, r->disk);
		uint64_t header = md->ph.private_start + LDM_PH_PRIMARY;
		if (md->has_ldm && r->sector <= header && header < r->sector + r->n_sectors)
			u->leaves[r->disk] = true;
	}
}

/* The group has a disk here that did not come to it by this undo, cut off earlier. */
static bool has_others(const struct undo_job *u, size_t group)
{
	for (size_t i = 0; i < u->m->n_disks; i++) {
		bool moved = false;
		for (size_t k = 0; k < u->f->n_disks; k++)
			moved |= u->disk[k] == i && u->leaves[k];
		if (u->m->disks[i].group == group && u->m->disks[i].status != DYN_DISK_MISSING && !moved)
			return true;
	}
	return false;
}

/* The number of the last change in the database that the plan took away from the disk; 0: it did not. */
static uint64_t saved_tid(const struct undo_job *u, uint32_t disk, uint64_t private_start)
{
	uint64_t sector = private_start + LDM_CONFIG_START;
	struct ldm_vmdb head;

	for (size_t i = 0; i < u->f->n_runs; i++) {
		const struct undo_run *r = &u->f->runs[i];
		if (r->disk == disk && sector >= r->sector && sector < r->sector + r->n_sectors &&
		    ldm_vmdb_decode(r->before + (sector - r->sector) * SECTOR, &head, NULL) == 0)
			return head.committed_tid;
	}
	return 0;
}

/* A PRIVHEAD that the plan took away with this sector: its disk is to return to the header's group. */
static void returns_with(struct undo_job *u, uint32_t disk, const uint8_t *before, const uint8_t *after)
{
	struct ldm_privhead ph, now;
	bool still = ldm_privhead_decode(after, &now, NULL) == 0;
	size_t group = DYN_NONE;

	if (ldm_privhead_decode(before, &ph, NULL) || still != priv(u, disk)->has_ldm ||
	    (still && strcasecmp(ph.group_guid, now.group_guid) == 0))
		return;
	for (size_t g = 0; g < u->m->n_groups; g++)
		if (strcasecmp(u->m->groups[g].guid, ph.group_guid) == 0)
			group = g;
	if (still && (group == DYN_NONE || !has_others(u, group))) {
		u->home[disk] = u->m->disks[u->disk[disk]].group == group && group != DYN_NONE;
		return; /* a group that ended comes back with its own old database */
	}
	u->returns[disk] = ph.private_start;
	/* a disk that left copies behind which are out of date left with the group's database: it comes back with it */
	if (!still && group != DYN_NONE && u->m->priv->groups[group].db &&
	    saved_tid(u, disk, ph.private_start) >= u->m->priv->groups[group].db->head.committed_tid)
		group = DYN_NONE;
	u->joins[disk] = group;
}

/* The plan zeroed the PRIVHEADs of a disk that is basic now, alone (convert basic) or with all around them (clean), or
 * it made them name another group (import, and its undo). */
static void find_returning(struct undo_job *u)
{
	for (size_t i = 0; i < u->f->n_runs; i++) {
		const struct undo_run *r = &u->f->runs[i];
		for (uint32_t k = 0; k < r->n_sectors; k++)
			returns_with(u, r->disk, r->before + (size_t)k * SECTOR, r->after + (size_t)k * SECTOR);
	}
}

/* A sector of the database of a disk that returns to a group. */
static bool in_returning_database(const struct undo_job *u, const struct undo_run *r, uint64_t sector)
{
	uint64_t from = u->returns[r->disk] + LDM_CONFIG_START;

	return u->returns[r->disk] && u->joins[r->disk] != DYN_NONE && sector >= from &&
	       sector < from + LDM_CONFIG_SECTORS + LDM_LOG_SECTORS;
}

static int not_as_left(const struct undo_job *u, uint32_t disk, uint64_t sector, struct dyn_err *err)
{
	return dyn_refuse(err, -ESTALE, "Undo the later changes first, newest first.",
			  "%s changed since: sector %llu is not what was written", u->m->disks[u->disk[disk]].name,
			  (unsigned long long)sector);
}

/* ------------------------------------------------------------------ databases */

static void lay(uint8_t *config, uint8_t *log, uint64_t base, const struct undo_run *r, const uint8_t *bytes)
{
	for (uint32_t i = 0; i < r->n_sectors; i++) {
		uint64_t rel = r->sector + i - base;
		const uint8_t *b = bytes + (size_t)i * SECTOR;
		if (rel >= LDM_CONFIG_START && rel < LDM_CONFIG_START + LDM_CONFIG_SECTORS)
			memcpy(config + (rel - LDM_CONFIG_START) * SECTOR, b, SECTOR);
		else if (rel >= LDM_LOG_START && rel < LDM_LOG_START + LDM_LOG_SECTORS)
			memcpy(log + (rel - LDM_LOG_START) * SECTOR, b, SECTOR);
	}
}

static void blank_config(uint8_t *config)
{
	memset(config, 0, (size_t)LDM_CONFIG_SECTORS * SECTOR);
	for (uint32_t slot = LDM_FIRST_SLOT; slot < LDM_CONFIG_SECTORS * 4; slot++) {
		memcpy(config + (size_t)slot * LDM_VBLK_SIZE, "VBLK", 4);
		bytes_put_be(config + (size_t)slot * LDM_VBLK_SIZE + 4, 4, slot);
	}
}

/* The database as it was before (or right after) the plan, from the file's runs of one staying disk. */
static int database_then(struct undo_job *u, size_t k, bool after, struct ldm_db **out, struct dyn_err *err)
{
	const struct model_disk *md = priv(u, k);
	uint8_t *config = malloc((size_t)LDM_CONFIG_SECTORS * SECTOR), *log = malloc((size_t)LDM_LOG_SECTORS * SECTOR);
	int rc = -ENOMEM;

	if (config && log) {
		blank_config(config);
		memcpy(log, u->m->priv->groups[u->group].db->log, (size_t)LDM_LOG_SECTORS * SECTOR);
		for (size_t i = 0; i < u->f->n_runs; i++)
			if (u->f->runs[i].disk == k)
				lay(config, log, md->ph.private_start, &u->f->runs[i],
				    after ? u->f->runs[i].after : u->f->runs[i].before);
		rc = ldm_db_decode(config, log, out, err);
	} else {
		dyn_fail_nomem(err);
	}
	free(config);
	free(log);
	return rc;
}

/* Equal but for where it is stored and which transaction wrote it. */
static bool same_record(const struct ldm_record *a, const struct ldm_record *b)
{
	uint8_t x[LDM_MAX_SLOTS * LDM_VBLK_PAYLOAD], y[sizeof(x)];
	struct ldm_record p = *a, q = *b;
	int n, k;

	p.tid = q.tid = 0;
	p.status = q.status = 0;
	if (p.kind == LDM_VOLUME && q.kind == LDM_VOLUME)
		p.u.volume.second_tid = q.u.volume.second_tid = 0;
	if (p.kind == LDM_EXTENT && q.kind == LDM_EXTENT)
		p.u.extent.second_tid = q.u.extent.second_tid = 0;
	n = ldm_record_encode(&p, x, sizeof(x));
	k = ldm_record_encode(&q, y, sizeof(y));
	return p.kind == q.kind && n > 0 && n == k && memcmp(x, y, (size_t)n) == 0;
}

static bool same_database(const struct ldm_db *a, const struct ldm_db *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct ldm_record *r = ldm_db_find(b, LDM_KINDS, a->records[i].id);
		if (!r || !same_record(r, &a->records[i]))
			return false;
	}
	return true;
}

static int changed_since(const struct undo_job *u, struct dyn_err *err)
{
	return dyn_refuse(err, -ESTALE, "Undo the later changes first, newest first.", "the disk group %s changed since",
			  u->m->groups[u->group].name);
}

static bool held_between(const struct undo_job *u, uint32_t disk, uint64_t sector, const uint8_t *now)
{
	uint64_t sum = bytes_sum(BYTES_SUM, now, SECTOR);

	for (size_t i = 0; i < u->f->n_between; i++)
		if (u->f->between[i].disk == disk && u->f->between[i].sector == sector && u->f->between[i].sum == sum)
			return true;
	return false;
}

/* A plan of several changes that was cut off between two of them: each sector of the records holds what it found, what it
 * would have left, or what it held for a while. (The header has its time from whoever finished the change.) */
static bool on_the_way(const struct undo_job *u, size_t k, const struct ldm_db *left)
{
	uint64_t first = priv(u, k)->ph.private_start + LDM_CONFIG_START;
	const struct ldm_db *now = u->m->priv->groups[u->group].db;

	for (size_t i = 1; i < LDM_CONFIG_SECTORS; i++) {
		const uint8_t *b = now->config + i * SECTOR;
		if (memcmp(b, u->old->config + i * SECTOR, SECTOR) != 0 && memcmp(b, left->config + i * SECTOR, SECTOR) != 0 &&
		    !held_between(u, (uint32_t)k, first + i, b))
			return false;
	}
	return true;
}

/* The database must be what the plan left (then u->old is what to make of it) or already what it was before. */
static int judge_database(struct undo_job *u, size_t k, struct dyn_err *err)
{
	const struct ldm_db *now = u->m->priv->groups[u->group].db;
	struct ldm_db *left = NULL;
	int rc = database_then(u, k, false, &u->old, err);

	if (!rc && same_database(u->old, now)) {
		ldm_db_free(u->old);
		u->old = NULL;
		return 0;
	}
	if (!rc)
		rc = database_then(u, k, true, &left, err);
	if (!rc && !same_database(left, now) && !on_the_way(u, k, left))
		rc = changed_since(u, err);
	ldm_db_free(left);
	return rc;
}

/* A group that the plan made, on disks that all leave: its database must be what the plan left, too. */
static int judge_new_group(struct undo_job *u, size_t k, struct dyn_err *err)
{
	struct ldm_db *left = NULL;
	int rc = database_then(u, k, true, &left, err);

	if (!rc && !same_database(left, u->m->priv->groups[u->group].db))
		rc = changed_since(u, err);
	ldm_db_free(left);
	return rc;
}

/* Finds the group whose database the plan changed, if any, on a disk that stays or else on one that leaves. One plan
 * changes one group. */
static int find_database(struct undo_job *u, struct dyn_err *err)
{
	for (int leaving = 0; leaving < 2; leaving++)
		for (size_t i = 0; i < u->f->n_runs; i++) {
			const struct undo_run *r = &u->f->runs[i];
			size_t group = u->m->disks[u->disk[r->disk]].group;
			if (u->leaves[r->disk] != (leaving == 1) || group == DYN_NONE ||
			    !u->m->priv->groups[group].db || !holds_database(u, r))
				continue;
			u->group = group;
			return leaving ? judge_new_group(u, r->disk, err) : judge_database(u, r->disk, err);
		}
	return 0;
}

/* ------------------------------------------------------------------- sectors */

/* A record of a group that is back already: a later change to it must not be lost. */
static bool in_home_record(const struct undo_job *u, const struct undo_run *r, uint64_t sector)
{
	uint64_t header = priv(u, r->disk)->ph.private_start + LDM_CONFIG_START;

	return u->home[r->disk] && sector > header && sector < header + LDM_CONFIG_SECTORS;
}

/* Each sector must hold what the plan left, there for a while, or found. A rebuild's record, and the database of a disk
 * that leaves, have moved on since; other sectors say that it is the disk. */
static int compare_run(const struct undo_job *u, const struct undo_run *r, const uint8_t *now, struct dyn_err *err)
{
	for (uint32_t i = 0; i < r->n_sectors; i++) {
		const uint8_t *b = now + (size_t)i * SECTOR;
		if ((r->flags & UNDO_RECORD) || in_returning_database(u, r, r->sector + i) ||
		    (in_database(u, r, r->sector + i) && !in_home_record(u, r, r->sector + i)))
			continue;
		if (memcmp(b, r->after + (size_t)i * SECTOR, SECTOR) != 0 &&
		    memcmp(b, r->before + (size_t)i * SECTOR, SECTOR) != 0 && !held_between(u, r->disk, r->sector + i, b))
			return not_as_left(u, r->disk, r->sector + i, err);
	}
	return 0;
}

static int look_at_run(struct undo_job *u, size_t i, struct dyn_io *io, struct dyn_err *err)
{
	const struct undo_run *r = &u->f->runs[i];
	size_t n = (size_t)r->n_sectors * SECTOR;
	uint8_t *now;
	int rc;

	if ((r->flags & UNDO_CONTEXT) || by_transaction(u, r))
		return 0;
	now = malloc(n);
	rc = now ? dyn_io_read(io, r->sector * SECTOR, now, n) : -ENOMEM;
	if (rc)
		rc = dyn_fail(err, rc, "%s cannot be read at sector %llu: %s", u->m->disks[u->disk[r->disk]].name,
			      (unsigned long long)r->sector, strerror(-rc));
	else
		rc = compare_run(u, r, now, err);
	if (rc || memcmp(now, r->before, n) == 0)
		free(now);
	else
		u->now[i] = now;
	return rc;
}

/* A piece of an image's range: each sector must be what the plan left or what was there before. */
static int compare_piece(const struct undo_job *u, const struct undo_image *m, uint64_t first, const uint8_t *now,
			 const uint8_t *before, size_t n, bool *differs, struct dyn_err *err)
{
	for (size_t k = 0; k < n; k += SECTOR) {
		if (memcmp(now + k, before + k, SECTOR) == 0)
			continue;
		if (bytes_sum(BYTES_SUM, now + k, SECTOR) != m->after_sums[first + k / SECTOR])
			return not_as_left(u, m->disk, m->sector + first + k / SECTOR, err);
		*differs = true;
	}
	return 0;
}

static int look_at_image(struct undo_job *u, size_t i, struct dyn_io *io, uint8_t *b, struct dyn_err *err)
{
	const struct undo_image *m = &u->f->images[i];
	uint64_t size = (uint64_t)m->n_sectors * SECTOR, sum = BYTES_SUM, before = BYTES_SUM;
	bool differs = false;
	int rc = 0;

	for (uint64_t at = 0, n; !rc && at < size; at += n) {
		n = size - at < PIECE ? size - at : PIECE;
		rc = dyn_pread_full(u->f->fd, b + PIECE, (size_t)n, m->place + at);
		if (rc)
			return dyn_refuse(err, rc, "Check the file system it is on, and try again.",
					  "the undo file cannot be read: %s", strerror(-rc));
		rc = dyn_io_read(io, m->sector * SECTOR + at, b, (size_t)n);
		if (rc)
			return dyn_fail(err, rc, "%s cannot be read at sector %llu: %s", u->m->disks[u->disk[m->disk]].name,
					(unsigned long long)(m->sector + at / SECTOR), strerror(-rc));
		sum = bytes_sum(sum, b, (size_t)n);
		before = bytes_sum(before, b + PIECE, (size_t)n);
		rc = compare_piece(u, m, at / SECTOR, b, b + PIECE, (size_t)n, &differs, err);
	}
	if (!rc && before != m->before_sum)
		return dyn_refuse(err, -EBADMSG, "It cannot be used; the disks are untouched.", "the undo file is damaged");
	u->image_now[i] = differs ? sum : 0;
	return rc;
}

static int look_at_images(struct undo_job *u, size_t k, struct dyn_io *io, struct dyn_err *err)
{
	uint8_t *b = u->f->n_images ? malloc(2 * (size_t)PIECE) : NULL;
	int rc = u->f->n_images && !b ? dyn_fail_nomem(err) : 0;

	for (size_t i = 0; !rc && i < u->f->n_images; i++)
		if (u->f->images[i].disk == k)
			rc = look_at_image(u, i, io, b, err);
	free(b);
	return rc;
}

static int look_at_disk(struct undo_job *u, size_t k, struct dyn_err *err)
{
	struct dyn_io *io;
	int rc = session_open_ro(u->s, u->m->disks[u->disk[k]].path, &io, err);

	if (rc)
		return rc;
	for (size_t i = 0; !rc && i < u->f->n_runs; i++)
		if (u->f->runs[i].disk == k)
			rc = look_at_run(u, i, io, err);
	if (!rc)
		rc = look_at_images(u, k, io, err);
	dyn_io_close(io);
	return rc;
}

/* Is this file's plan the last thing that happened to its disks? Fills everything a plan needs. */
static int look(struct undo_job *u, struct dyn_err *err)
{
	bool anything = false;
	int rc = 0;

	if (u->f->reason[0])
		return dyn_fail(err, -ENOTSUP, "it cannot be undone: %.150s", u->f->reason);
	for (size_t k = 0; !rc && k < u->f->n_disks; k++)
		rc = match_disk(u, k, err);
	if (rc)
		return rc;
	find_leaving(u);
	find_returning(u);
	rc = find_database(u, err);
	for (size_t k = 0; !rc && k < u->f->n_disks; k++)
		rc = look_at_disk(u, k, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < u->f->n_runs; i++)
		anything |= u->now[i] != NULL;
	for (size_t i = 0; i < u->f->n_images; i++)
		anything |= u->image_now[i] != 0;
	return anything || u->old ? 0 : dyn_fail(err, -EALREADY, "it is undone already");
}

static bool shares_disk(const struct undo_file *a, const struct undo_file *b)
{
	for (size_t i = 0; i < a->n_disks; i++)
		for (size_t k = 0; k < b->n_disks; k++)
			if (strcmp(a->disks[i].path, b->disks[k].path) == 0)
				return true;
	return false;
}

/* A later change of the same disks that cannot be undone lies over an earlier one: what the later one overwrote may be
 * what the earlier one is about. Files of such changes hold names alone, so only small ones need be looked at. */
static int not_covered(struct undo_job *u, const char *id, struct dyn_err *err)
{
	enum { NAMES_ONLY = 65536 };
	int dir = undo_dir_open(u->s, false, err), rc = dir < 0 ? dir : 0;
	char(*ids)[64] = NULL;
	struct stat st;
	size_t n = 0;

	if (!rc && undo_dir_list(dir, &ids, &n))
		rc = dyn_refuse(err, -EIO, "Check the file system they are on, and try again.",
				"the undo files in %.200s cannot be listed", u->s->state_dir);
	for (size_t i = 0; !rc && i < n; i++) {
		struct undo_file *f = NULL;
		if (strcmp(ids[i], id) <= 0 || fstatat(dir, ids[i], &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_size > NAMES_ONLY ||
		    undo_file_load(u->s, ids[i], &f, NULL))
			continue;
		if (f->reason[0] && shares_disk(u->f, f))
			rc = dyn_refuse(err, -ESTALE, "Take it back by hand: delete what it made.",
					"a later change (%.100s) cannot be undone", f->title);
		undo_file_free(f);
	}
	free(ids);
	if (dir >= 0)
		close(dir);
	return rc;
}

static int job_begin(struct dyn_session *s, struct dyn_model *m, const char *id, struct undo_job *u,
		     struct dyn_err *err)
{
	int rc;

	*u = (struct undo_job){ .s = s, .m = m };
	rc = undo_file_load(s, id, &u->f, err);
	if (rc)
		return rc;
	u->disk = calloc(u->f->n_disks + 1, sizeof(*u->disk));
	u->leaves = calloc(u->f->n_disks + 1, sizeof(*u->leaves));
	u->returns = calloc(u->f->n_disks + 1, sizeof(*u->returns));
	u->joins = calloc(u->f->n_disks + 1, sizeof(*u->joins));
	u->home = calloc(u->f->n_disks + 1, sizeof(*u->home));
	u->now = calloc(u->f->n_runs + 1, sizeof(*u->now));
	u->image_now = calloc(u->f->n_images + 1, sizeof(*u->image_now));
	if (!u->disk || !u->leaves || !u->returns || !u->joins || !u->home || !u->now || !u->image_now)
		return dyn_fail_nomem(err);
	return u->f->reason[0] ? 0 : not_covered(u, id, err);
}

static void job_end(struct undo_job *u)
{
	for (size_t i = 0; u->now && i < u->f->n_runs; i++)
		free(u->now[i]);
	free(u->now);
	free(u->image_now);
	free(u->disk);
	free(u->leaves);
	free(u->returns);
	free(u->joins);
	free(u->home);
	ldm_db_free(u->old);
	undo_file_free(u->f);
}

/* --------------------------------------------------------------------- plan */

/* The transaction from the records as they are to the records as they were. */
static int make_txn(const struct ldm_db *now, const struct ldm_db *old, struct ldm_txn **out, struct dyn_err *err)
{
	int rc = ldm_txn_begin(now, out, err);

	if (rc)
		return rc;
	for (size_t i = 0; !rc && i < now->n; i++)
		if (!ldm_db_find(old, LDM_KINDS, now->records[i].id))
			rc = ldm_txn_remove(*out, now->records[i].id, err);
	for (size_t i = 0; !rc && i < old->n; i++) {
		const struct ldm_record *was = &old->records[i], *is = ldm_db_find(now, LDM_KINDS, was->id);
		if (!is)
			rc = ldm_txn_add(*out, was, err);
		else if (!same_record(is, was))
			rc = ldm_txn_replace(*out, was, err);
	}
	if (rc)
		ldm_txn_free(*out);
	return rc;
}

static const struct ldm_record *only_extent(const struct ldm_db *db, const struct ldm_record *component)
{
	const struct ldm_record *e = NULL;

	while (component->u.component.n_extents == 1 && (e = ldm_db_next(db, LDM_EXTENT, e)))
		if (e->u.extent.component_id == component->id)
			return e;
	return NULL;
}

/* The halves of a mirror that is none now, or not with these halves, where both are here. false: it is not that. */
static bool find_reborn(const struct undo_job *u, const struct sim *sim, const struct ldm_record *v,
			struct plan_compare *out)
{
	const struct ldm_record *c = NULL, *now, *e;
	bool same = true;
	size_t n = 0;

	out->size = v->u.volume.size * SECTOR;
	while ((c = ldm_db_next(u->old, LDM_COMPONENT, c))) {
		size_t disk;
		if (c->u.component.volume_id != v->id)
			continue;
		now = ldm_db_find(sim->groups[u->group].db, LDM_COMPONENT, c->id);
		same &= now && now->u.component.volume_id == v->id;
		e = only_extent(u->old, c);
		disk = e ? sim_disk_by_record(sim, u->group, e->u.extent.disk_id) : DYN_NONE;
		if (disk == DYN_NONE || !sim->disks[disk].member || n == 2)
			return false; /* a half on a disk that is away or out of date is known by its number */
		out->disk[n] = disk;
		out->offset[n++] = (sim->disks[disk].ph.public_start + e->u.extent.start) * SECTOR;
	}
	return !same && n == 2;
}

/*
 * Records alone would make two halves a mirror that were apart: whoever used the volume meanwhile wrote to one of them.
 * They are compared before anything is written, and the plan says so.
 */
static int add_compares(struct undo_job *u, struct sim *sim, struct plan_step *st, struct dyn_err *err)
{
	const struct ldm_record *v = NULL;
	struct plan_compare *all;
	char title[96], size[32];
	size_t n = 0;

	while ((v = ldm_db_next(u->old, LDM_VOLUME, v)))
		n++;
	all = plan_alloc(sim->p, (n + 1) * sizeof(*all));
	if (!all)
		return dyn_fail_nomem(err);
	st->compares = all;
	while ((v = ldm_db_next(u->old, LDM_VOLUME, v))) {
		struct plan_compare *x = &all[st->n_compares];
		if (v->u.volume.n_components < 2 || !find_reborn(u, sim, v, x))
			continue;
		st->n_compares++;
		dyn_text_clean(title, sizeof(title), v->name, strlen(v->name));
		dyn_text_size(size, sizeof(size), x->size);
		x->title = plan_printf(sim->p, "%s", title);
		if (!x->title || plan_lock_disk(sim->p, x->disk[0]) || plan_lock_disk(sim->p, x->disk[1]) || plan_note(sim->p, "The halves of %s (%s) are compared first: only if they are still equal is it made "
					   "a mirror again.", title, size))
			return dyn_fail_nomem(err);
	}
	return 0;
}

static int add_database(struct undo_job *u, struct sim *sim, struct dyn_err *err)
{
	struct plan_step *st;
	struct ldm_txn *t;
	unsigned phase = 0;
	int rc = sim_need_group(sim, u->group, err);

	/* A disk that leaves keeps its copy as it is until its headers go: so an undo that was cut off finds it. */
	for (size_t k = 0; k < u->f->n_disks; k++)
		if (u->leaves[k])
			sim->disks[u->disk[k]].member = false;
	if (!rc)
		rc = make_txn(sim->groups[u->group].db, u->old, &t, err);
	if (rc)
		return rc;
	st = plan_add_step(sim->p, DYN_STEP_SECTORS, DYN_NONE,
			   plan_printf(sim->p, "Make the database of %s what it was", u->m->groups[u->group].name),
			   "database only", "");
	if (!st) {
		ldm_txn_free(t);
		return dyn_fail_nomem(err);
	}
	rc = add_compares(u, sim, st, err);
	if (rc) {
		ldm_txn_free(t);
		return rc;
	}
	return sim_commit(sim, u->group, t, st, &phase, err);
}

/* The group's database as the transaction before it leaves it, onto a disk that is basic still. */
static int add_returning(struct undo_job *u, struct sim *sim, size_t k, struct dyn_err *err)
{
	uint64_t at = u->returns[k];
	const struct ldm_db *db;
	struct plan_step *st;

	if (!at || u->joins[k] == DYN_NONE)
		return 0;
	db = sim->groups[u->joins[k]].db;
	st = plan_add_step(sim->p, DYN_STEP_SECTORS, u->disk[k],
			   plan_printf(sim->p, "Give %s the database of its group", u->m->disks[u->disk[k]].name),
			   "database only", "");
	if (!st ||
	    plan_write(sim->p, st, 0, u->disk[k], at + LDM_CONFIG_START, LDM_CONFIG_SECTORS, "database", NULL, db->config) ||
	    plan_write(sim->p, st, 0, u->disk[k], at + LDM_LOG_START, LDM_LOG_SECTORS, "transaction log", NULL, db->log))
		return dyn_fail_nomem(err);
	return 0;
}

/* A run as it was, without what the group's database of a returning disk has taken the place of. */
static int add_run(struct undo_job *u, struct sim *sim, struct plan_step *st, unsigned phase, size_t i)
{
	const struct undo_run *r = &u->f->runs[i];
	uint32_t from = 0, to;
	int rc = 0;

	while (!rc && from < r->n_sectors) {
		if (in_returning_database(u, r, r->sector + from)) {
			from++;
			continue;
		}
		for (to = from + 1; to < r->n_sectors && !in_returning_database(u, r, r->sector + to);)
			to++;
		rc = plan_write(sim->p, st, phase, u->disk[r->disk], r->sector + from, to - from, "saved sectors",
				u->now[i] + (size_t)from * SECTOR, r->before + (size_t)from * SECTOR);
		from = to;
	}
	return rc;
}

static int add_sectors(struct undo_job *u, struct sim *sim, size_t k, struct dyn_err *err)
{
	struct plan_step *st;
	uint32_t top = 0;
	bool any = false;

	for (size_t i = 0; i < u->f->n_runs; i++)
		if (u->f->runs[i].disk == k && u->now[i]) {
			any = true;
			if (u->f->runs[i].rank > top)
				top = u->f->runs[i].rank;
		}
	if (!any)
		return 0;
	st = plan_add_step(sim->p, DYN_STEP_SECTORS, u->disk[k],
			   plan_printf(sim->p, "Put back the old sectors of %s", u->m->disks[u->disk[k]].name),
			   "metadata only", "");
	if (!st)
		return dyn_fail_nomem(err);
	for (size_t i = 0; i < u->f->n_runs; i++) {
		const struct undo_run *r = &u->f->runs[i];
		if (r->disk == k && u->now[i] && add_run(u, sim, st, top - r->rank, i))
			return dyn_fail_nomem(err);
	}
	return 0;
}

/* One IMAGE step whose image is the undo file: it brings back what an image went over. */
static int add_images(struct undo_job *u, struct sim *sim, size_t k, struct dyn_err *err)
{
	const char *name = u->m->disks[u->disk[k]].name;
	uint64_t first = UINT64_MAX, end = 0, sum = 0;
	struct plan_range *ranges;
	struct plan_step *st;
	char size[32];
	size_t n = 0;

	for (size_t i = 0; i < u->f->n_images; i++)
		n += u->f->images[i].disk == k && u->image_now[i];
	if (n == 0)
		return 0;
	ranges = plan_alloc(sim->p, n * sizeof(*ranges));
	if (!ranges)
		return dyn_fail_nomem(err);
	n = 0;
	for (size_t i = 0; i < u->f->n_images; i++) {
		const struct undo_image *m = &u->f->images[i];
		struct plan_range r = { m->place, m->sector * SECTOR, (uint64_t)m->n_sectors * SECTOR, u->image_now[i] };
		if (m->disk != k || !u->image_now[i])
			continue;
		ranges[n++] = r;
		sum += r.size;
		first = r.target < first ? r.target : first;
		end = r.target + r.size > end ? r.target + r.size : end;
	}
	dyn_text_size(size, sizeof(size), sum);
	st = plan_add_step(sim->p, DYN_STEP_IMAGE, u->disk[k], plan_printf(sim->p, "Put back what was overwritten on %s", name),
			   plan_printf(sim->p, "writes %s", size), "");
	if (!st)
		return dyn_fail_nomem(err);
	st->ranges = ranges;
	st->n_ranges = n;
	st->pub.target_offset = first;
	st->pub.size = end - first;
	st->image_fd = fcntl(u->f->fd, F_DUPFD_CLOEXEC, 0);
	return st->image_fd < 0 ? dyn_fail(err, -errno, "the undo file: %s", strerror(errno)) : 0;
}

static int build(struct undo_job *u, struct sim *sim, const char *id, struct dyn_err *err)
{
	int rc = 0;

	/* What a table or database refers to is put back before it is. */
	for (size_t k = u->f->n_disks; !rc && k-- > 0;)
		rc = add_images(u, sim, k, err);
	if (!rc && u->old)
		rc = add_database(u, sim, err);
	for (size_t k = 0; !rc && k < u->f->n_disks; k++)
		rc = add_returning(u, sim, k, err);
	for (size_t k = u->f->n_disks; !rc && k-- > 0;)
		rc = add_sectors(u, sim, k, err);
	if (rc)
		return rc;
	sim->p->undo_of = plan_printf(sim->p, "%s", id);
	if (!sim->p->undo_of)
		return dyn_fail_nomem(err);
	if (u->old && plan_note(sim->p, "The database of %s gets its old records back; its transaction number goes on.",
				u->m->groups[u->group].name))
		return dyn_fail_nomem(err);
	if (u->f->copies &&
	    plan_note(sim->p, "Data that was copied into free space stays there; nothing refers to it any more."))
		return dyn_fail_nomem(err);
	return 0;
}

int dyn_plan_undo(struct dyn_session *s, struct dyn_model *m, const char *id, struct dyn_plan **out, struct dyn_err *err)
{
	struct undo_job u;
	struct sim sim;
	int rc = job_begin(s, m, id, &u, err);

	if (!rc)
		rc = look(&u, err);
	if (!rc)
		rc = sim_begin(&sim, s, m, err, "Undo: %s", u.f->title);
	if (!rc)
		rc = sim_finish(&sim, build(&u, &sim, id, err), out);
	if (u.f)
		job_end(&u);
	return rc;
}

/* --------------------------------------------------------------------- list */

static int add_entry(struct dyn_session *s, struct dyn_model *m, const char *id, struct dyn_undo **list, size_t *n)
{
	struct dyn_undo *all = realloc(*list, (*n + 1) * sizeof(*all)), *e;
	struct dyn_err why = { 0 };
	struct undo_job u;
	int rc;

	if (!all)
		return -ENOMEM;
	*list = all;
	e = &all[(*n)++];
	memset(e, 0, sizeof(*e));
	snprintf(e->id, sizeof(e->id), "%.63s", id);
	rc = job_begin(s, m, id, &u, &why);
	if (!rc)
		rc = look(&u, &why);
	/* other reasons come first, but who asks about these disks does not mean changes of others */
	for (size_t k = 0; rc && rc != -ENOMEM && u.f && k < u.f->n_disks; k++)
		if (match_disk(&u, k, NULL))
			rc = -ENODEV;
	if (u.f) {
		e->when = (time_t)u.f->when;
		dyn_text_format(e->title, sizeof(e->title), "%s", u.f->title);
		job_end(&u);
	}
	e->possible = rc == 0;
	e->code = rc;
	dyn_text_format(e->reason, sizeof(e->reason), "%s", rc ? why.what : "");
	return 0;
}

static int newest_first(const void *a, const void *b)
{
	const struct dyn_undo *x = a, *y = b;

	if (x->when != y->when)
		return x->when > y->when ? -1 : 1;
	return strcmp(y->id, x->id);
}

int dyn_undo_list(struct dyn_session *s, struct dyn_model *m, struct dyn_undo **out, size_t *n, struct dyn_err *err)
{
	int dir = undo_dir_open(s, false, err), rc = 0;
	char(*ids)[64] = NULL;
	size_t n_ids = 0;

	*out = NULL;
	*n = 0;
	if (dir < 0)
		return dir == -ENOENT ? 0 : dir;
	rc = undo_dir_list(dir, &ids, &n_ids);
	close(dir);
	if (rc)
		return dyn_refuse(err, rc, "Check the file system they are on, and try again.",
				  "the undo files in %.200s cannot be listed: %s", s->state_dir, strerror(-rc));
	for (size_t i = 0; !rc && i < n_ids; i++)
		rc = add_entry(s, m, ids[i], out, n);
	free(ids);
	if (rc) {
		free(*out);
		*out = NULL;
		return dyn_fail_nomem(err);
	}
	if (*n > 1)
		qsort(*out, *n, sizeof(**out), newest_first);
	return 0;
}

static bool is_undo(const struct dyn_undo *u)
{
	return strncmp(u->title, "Undo: ", 6) == 0;
}

/* Was change i taken back? Each undo that came after it stands for one change of its title. */
static bool is_undone(const struct dyn_undo *list, size_t i)
{
	size_t undone = 0, again = 0;

	for (size_t k = 0; k < i; k++) {
		undone += is_undo(&list[k]) && strcmp(list[k].title + 6, list[i].title) == 0;
		again += strcmp(list[k].title, list[i].title) == 0;
	}
	return undone > again;
}

size_t dyn_undo_newest(const struct dyn_undo *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!is_undo(&list[i]) &&
		    (list[i].possible || (list[i].code != -ENODEV && list[i].code != -EALREADY && !is_undone(list, i))))
			return i;
	return n;
}
