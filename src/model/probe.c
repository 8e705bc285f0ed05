/* SPDX-License-Identifier: GPL-3.0-or-later */
/* probe.c - one disk: its table, whether it is dynamic, its copy of the database, rebuild records. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "model/scan.h"

enum { MIB = 1 << 20, CONFIG_BYTES = LDM_CONFIG_SECTORS * SCAN_UNIT, LOG_BYTES = LDM_LOG_SECTORS * SCAN_UNIT };

static void add_sentence(struct scan *s, struct scan_disk *d, const char *fmt, va_list ap)
{
	char line[400];
	const char **slot = pool_grow(s->pool, &d->damage, &d->n_damage, sizeof(*d->damage));

	if (!slot)
		return;
	dyn_text_vformat(line, sizeof(line), fmt, ap);
	*slot = pool_clean(s->pool, line, strlen(line));
}

void scan_note(struct scan *s, struct scan_disk *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_sentence(s, d, fmt, ap);
	va_end(ap);
}

void scan_damage(struct scan *s, struct scan_disk *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_sentence(s, d, fmt, ap);
	va_end(ap);
	if (d->pub.status == DYN_DISK_ONLINE)
		d->pub.status = DYN_DISK_ERRORS;
}

int scan_read_map(struct scan_disk *d, uint64_t off, uint32_t n, void *dst)
{
	int rc = dyn_io_read(d->io, off, dst, n);

	return rc ? rc : sectmap_put(d->priv.map, off / SCAN_UNIT, n / SCAN_UNIT, dst);
}

bool part_is_ldm_data(enum dyn_table kind, const struct table_part *p)
{
	return kind == DYN_TABLE_MBR ? p->mbr_type == LDM_MBR_TYPE : strcmp(p->gpt_type, LDM_GPT_DATA) == 0;
}

bool part_is_ldm_meta(enum dyn_table kind, const struct table_part *p)
{
	return kind == DYN_TABLE_GPT && strcmp(p->gpt_type, LDM_GPT_META) == 0;
}

bool part_is_msr(enum dyn_table kind, const struct table_part *p)
{
	return kind == DYN_TABLE_GPT && strcmp(p->gpt_type, LDM_GPT_MSR) == 0;
}

/* ------------------------------------------------------------------ the database */

static bool same_copy(const struct scan_copy *c, const uint8_t *config, const uint8_t *log)
{
	return memcmp(c->config, config, CONFIG_BYTES) == 0 && memcmp(c->log, log, LOG_BYTES) == 0;
}

/* A header whose status and transactions go together, as they do at every step of a change (ldm-format 8). */
bool scan_head_sane(const struct ldm_vmdb *h)
{
	if (h->status == LDM_VMDB_CLEAN)
		return h->pending_tid == h->committed_tid;
	return (h->status == LDM_VMDB_CHANGE || h->status == LDM_VMDB_COMMIT) && h->pending_tid > h->committed_tid;
}

/*
 * The transaction a copy is at. A damaged header must not make an old copy pass for the newest, nor the newest for an old
 * one: of its two numbers the lower one counts, unless a record was written by a later transaction that the other one allows.
 */
static uint64_t copy_tid(const struct scan_copy *c)
{
	uint64_t low = c->head.committed_tid, high = c->head.pending_tid, tid;

	if (!c->head_ok || scan_head_sane(&c->head))
		return low;
	if (low > high) {
		low = c->head.pending_tid;
		high = c->head.committed_tid;
	}
	tid = low;
	for (size_t i = 0; c->db && i < c->db->n; i++)
		if (c->db->records[i].tid > tid && c->db->records[i].tid <= high)
			tid = c->db->records[i].tid;
	return tid;
}

/* A copy marked as leaving its group is that group's, untouched, or what a cut left of the way to another's. */
static bool is_torn(struct ldm_db *db)
{
	struct ldm_vmdb *h = &db->head, marked = *h;
	bool torn;

	if (!ldm_vmdb_is_leaving(h, h->pending_tid))
		return false;
	h->status = LDM_VMDB_CLEAN;
	h->pending_tid = h->committed_tid;
	memcpy(h->pending, h->committed, sizeof(h->pending));
	torn = ldm_db_check(db, NULL) != 0;
	*h = marked;
	return torn;
}

/* Takes the buffers. Disks of a group carry the same bytes, so one decoded database serves them all. */
static void keep_copy(struct scan *s, struct scan_disk *d, size_t disk, uint8_t *config, uint8_t *log)
{
	struct scan_copy *c;
	struct dyn_err err = { 0 };

	for (size_t i = 0; i < s->n_copies; i++) {
		if (same_copy(&s->copies[i], config, log)) {
			d->copy = i;
			s->copies[i].n_disks++;
			free(config);
			free(log);
			return;
		}
	}
	c = pool_grow(s->pool, &s->copies, &s->n_copies, sizeof(*c));
	if (!c) {
		free(config);
		free(log);
		return;
	}
	d->copy = s->n_copies - 1;
	*c = (struct scan_copy){ .config = config, .log = log, .first_disk = disk, .n_disks = 1 };
	c->head_ok = ldm_vmdb_decode(config, &c->head, &err) == 0;
	if (ldm_db_decode(config, log, &c->db, &err)) {
		c->db = NULL;
		dyn_text_clean(c->why, sizeof(c->why), err.what, strlen(err.what));
	} else if (is_torn(c->db)) {
		ldm_db_free(c->db);
		c->db = NULL;
		snprintf(c->why, sizeof(c->why), "it was being replaced by another group's");
	} else {
		c->interrupted = ldm_db_interrupted(c->db);
	}
	c->tid = copy_tid(c);
}

/* size sectors of the region, at most cap bytes; what lies behind a shorter region stays zero (4Kn disks). */
static int read_region(struct scan_disk *d, const struct ldm_toc_region *r, uint8_t *dst, size_t cap)
{
	uint64_t ss = d->io->sector_size, bytes = r->size * ss;

	return dyn_io_read(d->io, (d->private_start + r->start) * ss, dst, bytes < cap ? (size_t)bytes : cap);
}

static void read_database(struct scan *s, struct scan_disk *d, size_t disk)
{
	uint8_t *config = calloc(1, CONFIG_BYTES), *log = calloc(1, LOG_BYTES);
	int rc = config && log ? 0 : -ENOMEM;

	if (rc)
		s->pool->failed = true;
	if (!rc)
		rc = read_region(d, &d->priv.toc.config, config, CONFIG_BYTES);
	if (!rc)
		rc = read_region(d, &d->priv.toc.log, log, LOG_BYTES);
	if (rc) {
		scan_damage(s, d, "The database copy cannot be read: %s", strerror(-rc));
		free(config);
		free(log);
		return;
	}
	keep_copy(s, d, disk, config, log);
}

/* ---------------------------------------------------------------- rebuild records */

/* The better sector of a pair: the valid one with the higher sequence. A torn write leaves the other one. */
static void judge_pair(struct scan *s, struct scan_disk *d, unsigned pair, const uint8_t *raw)
{
	unsigned slot = LDM_REBUILD_FIRST + 2 * pair, best;
	struct ldm_rebuild r[2];
	int state[2];

	for (int i = 0; i < 2; i++)
		state[i] = ldm_rebuild_decode(raw + i * SCAN_UNIT, &r[i], NULL);
	if (state[0] == -ENOENT && state[1] == -ENOENT)
		return;
	d->priv.rebuild_pairs_used |= 1u << pair;
	best = state[0] == 0 && (state[1] != 0 || r[0].sequence >= r[1].sequence) ? 0 : 1;
	if (state[best] == 0) {
		d->records[d->n_records] = r[best];
		d->record_slots[d->n_records++] = slot + best;
	} else {
		scan_damage(s, d, "The rebuild record in sectors %llu and %llu is damaged and is ignored",
			    (unsigned long long)(d->private_start + slot), (unsigned long long)(d->private_start + slot + 1));
	}
}

static void read_records(struct scan *s, struct scan_disk *d)
{
	uint8_t raw[2 * LDM_REBUILD_PAIRS * SCAN_UNIT];

	if (scan_read_map(d, (d->private_start + LDM_REBUILD_FIRST) * SCAN_UNIT, sizeof(raw), raw)) {
		scan_damage(s, d, "The sectors for rebuild records (from %llu) cannot be read",
			    (unsigned long long)(d->private_start + LDM_REBUILD_FIRST));
		return;
	}
	for (unsigned k = 0; k < LDM_REBUILD_PAIRS; k++)
		judge_pair(s, d, k, raw + 2 * k * SCAN_UNIT);
}

/* ------------------------------------------------------------------------ LDM */

static bool dynamic_by_table(struct scan_disk *d)
{
	const struct table *t = &d->priv.table;
	uint64_t disk = d->io->size / d->io->sector_size;
	bool meta = false, data = false;

	for (size_t i = 0; i < t->n; i++) {
		data |= part_is_ldm_data(t->kind, &t->parts[i]);
		if (part_is_ldm_meta(t->kind, &t->parts[i]) && !meta) {
			meta = true;
			d->private_start = t->parts[i].start;
		}
	}
	if (t->kind == DYN_TABLE_MBR)
		d->private_start = disk > LDM_PRIV_SECTORS ? disk - LDM_PRIV_SECTORS : 0;
	else if (meta && d->private_start > disk)
		d->private_start = 0;
	return t->kind == DYN_TABLE_GPT ? meta : data;
}

/* An MBR has no checksum; but what it leaves to LDM, the LDM header says as well (ldm-format 1.1). */
static void check_containers(struct scan *s, struct scan_disk *d)
{
	const struct table *t = &d->priv.table;
	uint64_t from = UINT64_MAX, to = 0, end = d->priv.ph.public_start + d->priv.ph.public_size;

	if (t->kind != DYN_TABLE_MBR)
		return;
	for (size_t i = 0; i < t->n; i++) {
		const struct table_part *p = &t->parts[i];
		if (!part_is_ldm_data(t->kind, p))
			continue;
		from = p->start < from ? p->start : from;
		to = p->start + p->size > to ? p->start + p->size : to;
	}
	if (from != d->priv.ph.public_start || to != end)
		scan_damage(s, d, "The MBR gives the sectors %llu to %llu to dynamic volumes, the LDM header %llu to %llu",
			    (unsigned long long)from, (unsigned long long)to - 1, (unsigned long long)d->priv.ph.public_start,
			    (unsigned long long)end - 1);
}

static void probe_ldm(struct scan *s, struct scan_disk *d, size_t disk)
{
	const char *why = "";

	d->pub.dynamic = d->ldm_by_table = true;
	d->priv.has_ldm = scan_headers(s, d, &why);
	if (!d->priv.has_ldm) {
		d->pub.status = DYN_DISK_UNREADABLE;
		scan_note(s, d, "Dynamic by its partition table, but %s", why);
		return;
	}
	memcpy(d->pub.guid, d->priv.ph.disk_guid, sizeof(d->pub.guid));
	check_containers(s, d);
	read_database(s, d, disk);
	if (d->io->sector_size == SCAN_UNIT)
		read_records(s, d);
}

/* A dynamic disk whose partition table was lost must not pass for an empty one. */
static void look_for_orphan(struct scan_disk *d)
{
	uint64_t last = d->io->size / SCAN_UNIT;
	const uint64_t places[] = { LDM_PH_MBR, last - 1, 34 + LDM_PH_PRIMARY };
	uint8_t raw[SCAN_UNIT];

	if (d->io->sector_size != SCAN_UNIT)
		return;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && !d->orphan; i++)
		d->orphan = dyn_io_read(d->io, places[i] * SCAN_UNIT, raw, sizeof(raw)) == 0 &&
			    ldm_privhead_decode(raw, &d->priv.ph, NULL) == 0;
}

/*
 * An MBR in which no entry says 42, and the headers of a dynamic disk in their places: a damaged type byte, or a conversion
 * that was cut off before its last write. Shown as what the table says, but not silently.
 */
static void look_for_lost_type(struct scan *s, struct scan_disk *d)
{
	uint64_t last = d->io->size / SCAN_UNIT - 1;
	struct ldm_privhead a, b;
	uint8_t raw[SCAN_UNIT];

	if (d->pub.table != DYN_TABLE_MBR || d->io->sector_size != SCAN_UNIT || last < LDM_PRIV_SECTORS)
		return;
	if (sectmap_get(d->priv.map, LDM_PH_MBR, 1, raw) || ldm_privhead_decode(raw, &a, NULL) ||
	    sectmap_get(d->priv.map, last, 1, raw) || ldm_privhead_decode(raw, &b, NULL))
		return;
	if (strcmp(a.disk_guid, b.disk_guid) == 0 && a.private_start == last + 1 - LDM_PRIV_SECTORS)
		scan_damage(s, d, "LDM headers on it say that it belongs to the disk group %s, but no entry of its partition "
			    "table is dynamic (type 42)", a.group_name);
}

/* ----------------------------------------------------------------------- disk */

static bool reads_zero(struct scan *s, struct dyn_io *io, uint64_t off, size_t n)
{
	uint8_t *buf = malloc(n);
	bool zero = buf && dyn_io_read(io, off, buf, n) == 0 && bytes_all_zero(buf, n);

	if (!buf)
		s->pool->failed = true;
	free(buf);
	return zero;
}

static bool is_blank(struct scan *s, struct dyn_io *io)
{
	size_t n = io->size < MIB ? (size_t)io->size : MIB;

	/* the end first: what a disk once was most often survives there */
	return reads_zero(s, io, io->size - n, n) && reads_zero(s, io, 0, n);
}

static void probe_open(struct scan *s, struct scan_disk *d, size_t disk)
{
	struct dyn_err err = { 0 };
	size_t n;

	d->pub.size = d->io->size;
	d->pub.sector_size = d->io->sector_size;
	if (table_load_sectors(d->io, &d->priv.map, &err)) {
		d->pub.status = DYN_DISK_OFFLINE;
		scan_note(s, d, "%s", err.what);
		return;
	}
	if (d->io->sector_size != SCAN_UNIT)
		scan_note(s, d, "It has %u-byte sectors (4Kn): such disks are shown, but not written to", d->io->sector_size);
	if (table_read(d->priv.map, &d->priv.table, &err)) {
		d->pub.status = DYN_DISK_UNREADABLE;
		scan_note(s, d, "Its partition table cannot be used: %s", err.what);
		look_for_orphan(d);
		return;
	}
	d->pub.table = d->priv.table.kind;
	n = d->priv.table.n_damage;
	for (size_t i = 0; i < n; i++)
		scan_damage(s, d, "%s", d->priv.table.damage[i]);
	memcpy(d->pub.guid, d->priv.table.gpt_guid, sizeof(d->pub.guid));
	memcpy(d->pub.table_id, d->priv.table.gpt_guid, sizeof(d->pub.table_id));
	if (d->pub.table == DYN_TABLE_MBR)
		snprintf(d->pub.table_id, sizeof(d->pub.table_id), "%08" PRIX32, d->priv.table.mbr_signature);
	if (d->pub.table == DYN_TABLE_NONE) {
		d->pub.status = DYN_DISK_NOT_INITIALIZED;
		look_for_orphan(d);
		d->pub.blank = !d->orphan && is_blank(s, d->io);
	} else if (dynamic_by_table(d)) {
		probe_ldm(s, d, disk);
	} else {
		look_for_lost_type(s, d);
	}
}

static bool is_taken_offline(const struct scan *s, const struct scan_disk *d)
{
	for (size_t i = 0; i < s->args->n_offline; i++)
		if (strcmp(s->args->offline[i], d->pub.path) == 0)
			return true;
	return false;
}

static int open_disk(const struct scan *s, const char *path, struct dyn_io **out, struct dyn_err *err)
{
	return s->args->open_io ? s->args->open_io(s->args->open_arg, path, false, out, err) : dyn_io_open_ro(path, out, err);
}

void scan_probe(struct scan *s, struct scan_disk *d)
{
	struct dyn_err err = { 0 };
	size_t disk = (size_t)(d - s->disks);

	d->pub.status = DYN_DISK_ONLINE;
	d->pub.taken_offline = is_taken_offline(s, d);
	if (open_disk(s, d->pub.path, &d->io, &err)) {
		d->io = NULL;
		d->pub.status = DYN_DISK_OFFLINE;
		scan_note(s, d, "%s%s", err.what,
			  err.code == -EACCES || err.code == -EPERM ?
				  ": only root, or a member of the group that owns it, may read it" :
				  "");
		return;
	}
	if (d->pub.taken_offline) {
		d->pub.size = d->io->size;
		d->pub.sector_size = d->io->sector_size;
		d->pub.status = DYN_DISK_OFFLINE;
		return;
	}
	probe_open(s, d, disk);
}
