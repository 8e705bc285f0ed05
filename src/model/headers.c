/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * headers.c - LDM's redundant headers: up to three PRIVHEAD copies and four TOC slots.
 *
 * Each copy gets a state; what is used is a decision made once, from all of them: the valid
 * copy with the highest sequence, Windows' own order of preference among equals (ldm-format
 * 2: last sector of the region, then rel 1856, then sector 6). All others that should be the
 * same and are not get a sentence.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "model/scan.h"

enum { N_HEADS = 3 };
enum copy_state { COPY_ABSENT, COPY_OK, COPY_BAD, COPY_UNREAD, COPY_FOREIGN };

struct head_copy {
	enum copy_state state;
	uint64_t sector;        /* disk sectors, absolute */
	uint8_t raw[SCAN_UNIT];
	struct ldm_privhead ph;
};

/* The first 512 bytes of a disk sector, kept in the map as well. */
static int read_sector(struct scan_disk *d, uint64_t sector, uint8_t *raw)
{
	uint64_t off;

	if (mul_overflows(sector, d->io->sector_size, &off))
		return -ERANGE;
	return scan_read_map(d, off, SCAN_UNIT, raw);
}

/* Do the regions the header names lie on this disk? */
static bool fits_disk(const struct scan_disk *d, const struct ldm_privhead *ph)
{
	uint64_t disk = d->io->size / d->io->sector_size, end;

	if (add_overflows(ph->private_start, ph->private_size, &end) || end > disk || ph->private_size < LDM_PRIV_SECTORS)
		return false;
	if (add_overflows(ph->public_start, ph->public_size, &end) || end > disk)
		return false;
	/* one overlapping the other would let an extent be written over the database */
	return end <= ph->private_start || ph->private_start + ph->private_size <= ph->public_start;
}

/* base: where the private region must begin for this copy to be in its place; DYN_NONE when that is unknown. */
static void read_head(struct scan_disk *d, struct head_copy *c, uint64_t sector, uint64_t base)
{
	c->sector = sector;
	if (read_sector(d, sector, c->raw)) {
		c->state = COPY_UNREAD;
		return;
	}
	c->state = COPY_BAD;
	if (ldm_privhead_decode(c->raw, &c->ph, NULL) == 0 && fits_disk(d, &c->ph) &&
	    (base == DYN_NONE || c->ph.private_start == base))
		c->state = COPY_OK;
}

static void read_heads(struct scan_disk *d, struct head_copy *c)
{
	uint64_t base = d->private_start;

	memset(c, 0, N_HEADS * sizeof(*c));
	read_head(d, &c[0], base + LDM_PH_PRIMARY, base);
	read_head(d, &c[1], base + LDM_PH_SECONDARY, base);
	if (d->pub.table != DYN_TABLE_MBR)
		return;
	read_head(d, &c[2], LDM_PH_MBR, DYN_NONE);
	if (c[0].state != COPY_OK && c[1].state != COPY_OK && c[2].state == COPY_OK) {
		/* copied to a larger disk: the region is no longer at the very end */
		d->private_start = base = c[2].ph.private_start;
		read_head(d, &c[0], base + LDM_PH_PRIMARY, base);
		read_head(d, &c[1], base + LDM_PH_SECONDARY, base);
	} else if (c[2].state == COPY_OK && c[2].ph.private_start != base) {
		c[2].state = COPY_BAD; /* describes another disk */
	}
}

static bool same_identity(const struct head_copy *a, const struct head_copy *b)
{
	return strcmp(a->ph.disk_guid, b->ph.disk_guid) == 0 && strcmp(a->ph.group_guid, b->ph.group_guid) == 0;
}

/* Two copies that agree who the disk is are right against the third, whatever sequence that one has. */
static void outvote(struct head_copy *c)
{
	for (int i = 0; i < N_HEADS; i++) {
		struct head_copy *a = &c[(i + 1) % N_HEADS], *b = &c[(i + 2) % N_HEADS];
		if (c[i].state == COPY_OK && a->state == COPY_OK && b->state == COPY_OK && same_identity(a, b) &&
		    !same_identity(&c[i], a)) {
			c[i].state = COPY_FOREIGN;
			return;
		}
	}
}

static int votes(const struct head_copy *all, const struct head_copy *c)
{
	int n = 0;

	for (int i = 0; i < N_HEADS; i++)
		n += all[i].state == COPY_OK && memcmp(all[i].raw, c->raw, SCAN_UNIT) == 0;
	return n;
}

/* What is to be said of copy c, which is not like the good one. */
static void name_bad_head(struct scan *s, struct scan_disk *d, const struct head_copy *c, const struct head_copy *good)
{
	static const char *const word[] = { [COPY_BAD] = "is damaged", [COPY_UNREAD] = "cannot be read",
					    [COPY_FOREIGN] = "belongs to another disk" };
	const char *how = c->state != COPY_OK ? word[c->state] :
			  c->ph.sequence < good->ph.sequence ? "is out of date" : "differs from the others";

	scan_damage(s, d, "PRIVHEAD copy at sector %llu %s; the copy in sector %llu is used", (unsigned long long)c->sector,
		    how, (unsigned long long)good->sector);
}

/* Names the bad copies, and keeps where they are for their repair. */
static void judge_heads(struct scan *s, struct scan_disk *d, const struct head_copy *c, const struct head_copy *good)
{
	struct model_copies *m = &d->priv.heads;

	*m = (struct model_copies){ .good = good->sector };
	for (int i = 0; i < N_HEADS; i++) {
		if (c[i].state == COPY_ABSENT || (c[i].state == COPY_OK && memcmp(c[i].raw, good->raw, SCAN_UNIT) == 0))
			continue;
		name_bad_head(s, d, &c[i], good);
		if (c[i].state != COPY_UNREAD)
			m->bad[m->n_bad++] = c[i].sector;
		m->other_group |= (c[i].state == COPY_OK || c[i].state == COPY_FOREIGN) &&
				  strcmp(c[i].ph.disk_guid, good->ph.disk_guid) == 0 &&
				  strcmp(c[i].ph.group_guid, good->ph.group_guid) != 0;
		if (c[i].state == COPY_OK)
			m->doubtful |= !same_identity(&c[i], good) ||
				       (c[i].ph.sequence == good->ph.sequence && votes(c, &c[i]) >= votes(c, good));
	}
}

static bool choose_head(struct scan *s, struct scan_disk *d, const char **why)
{
	struct head_copy c[N_HEADS], *good = NULL;

	read_heads(d, c);
	outvote(c);
	for (int i = 0; i < N_HEADS; i++)
		if (c[i].state == COPY_OK && (!good || c[i].ph.sequence > good->ph.sequence ||
					      (c[i].ph.sequence == good->ph.sequence && votes(c, &c[i]) > votes(c, good))))
			good = &c[i];
	if (!good) {
		*why = pool_printf(s->pool, d->pub.table == DYN_TABLE_MBR ?
				   "all copies of the LDM private header are damaged (sectors %llu, %llu and %llu)" :
				   "all copies of the LDM private header are damaged (sectors %llu and %llu)",
				   (unsigned long long)c[0].sector, (unsigned long long)c[1].sector,
				   (unsigned long long)c[2].sector);
		return false;
	}
	judge_heads(s, d, c, good);
	d->priv.ph = good->ph;
	return true;
}

/* ------------------------------------------------------------------------- TOC */

struct toc_copy {
	enum copy_state state;
	uint64_t sector;
	struct ldm_toc toc;
};

static void read_toc(struct scan_disk *d, struct toc_copy *c, uint64_t rel)
{
	uint8_t raw[SCAN_UNIT];

	c->sector = d->private_start + rel;
	if (rel >= LDM_PRIV_SECTORS || read_sector(d, c->sector, raw))
		c->state = COPY_UNREAD;
	else
		c->state = ldm_toc_decode(raw, &c->toc, NULL) == 0 ? COPY_OK : COPY_BAD;
}

static bool regions_inside(const struct ldm_privhead *ph, const struct ldm_toc *t)
{
	uint64_t config, log;

	return !add_overflows(t->config.start, t->config.size, &config) && config <= ph->private_size &&
	       !add_overflows(t->log.start, t->log.size, &log) && log <= ph->private_size;
}

static bool same_toc(const struct toc_copy *a, const struct toc_copy *b)
{
	return memcmp(&a->toc, &b->toc, sizeof(a->toc)) == 0;
}

/* The newest valid slot of all four. All of them go into the map: plans must know what they replace. */
static bool newest_toc(struct scan_disk *d, struct toc_copy *best)
{
	bool found = false;

	for (int i = 0; i < LDM_TOC_SLOTS; i++) {
		struct toc_copy c = { 0 };
		read_toc(d, &c, ldm_toc_slots[i]);
		if (c.state == COPY_OK && (!found || c.toc.sequence > best->toc.sequence)) {
			*best = c;
			found = true;
		}
	}
	return found;
}

/* Names the bad ones of the active pair, and keeps where they are for their repair. */
static void judge_tocs(struct scan *s, struct scan_disk *d, const struct toc_copy *active, const struct toc_copy *good)
{
	struct model_copies *m = &d->priv.tocs;
	uint64_t seq = d->priv.ph.sequence;

	*m = (struct model_copies){ .good = good == &active[0] || good == &active[1] ? good->sector : 0 };
	for (int i = 0; i < 2; i++) {
		if (active[i].state == COPY_OK && same_toc(&active[i], good))
			continue;
		if (active[i].state == COPY_OK && &active[i] != good)
			scan_damage(s, d, "The TOC copies in sectors %llu and %llu differ; the one in sector %llu is used",
				    (unsigned long long)active[0].sector, (unsigned long long)active[1].sector,
				    (unsigned long long)good->sector);
		else
			scan_damage(s, d, "TOC copy at sector %llu is damaged; the copy in sector %llu is used",
				    (unsigned long long)active[i].sector, (unsigned long long)good->sector);
		if (active[i].state != COPY_UNREAD)
			m->bad[m->n_bad++] = active[i].sector;
		m->doubtful |= active[i].state == COPY_OK && (active[i].toc.sequence == seq || good->toc.sequence != seq);
	}
}

/* The two slots the PRIVHEAD names are the active pair; without them any valid slot, the newest first. */
static bool choose_toc(struct scan *s, struct scan_disk *d, const char **why)
{
	struct toc_copy active[2], any, *good = NULL;

	memset(active, 0, sizeof(active));
	read_toc(d, &active[0], d->priv.ph.primary_toc);
	read_toc(d, &active[1], d->priv.ph.secondary_toc);
	for (int i = 0; i < 2; i++)
		if (active[i].state == COPY_OK && (!good || (active[i].toc.sequence == d->priv.ph.sequence &&
							     good->toc.sequence != d->priv.ph.sequence)))
			good = &active[i];
	if (newest_toc(d, &any) && !good)
		good = &any;
	if (!good || !regions_inside(&d->priv.ph, &good->toc)) {
		*why = pool_printf(s->pool, "all copies of the LDM table of contents are damaged (sectors %llu and %llu)",
				   (unsigned long long)active[0].sector, (unsigned long long)active[1].sector);
		return false;
	}
	judge_tocs(s, d, active, good);
	d->priv.toc = good->toc;
	return true;
}

bool scan_headers(struct scan *s, struct scan_disk *d, const char **why)
{
	const struct ldm_toc *t = &d->priv.toc;

	if (!choose_head(s, d, why) || !choose_toc(s, d, why))
		return false;
	/* The kernel and GRUB assume these places; nobody has seen others on 512-byte sectors. */
	if (d->io->sector_size == SCAN_UNIT &&
	    (t->config.start != LDM_CONFIG_START || t->config.size != LDM_CONFIG_SECTORS || t->log.start != LDM_LOG_START ||
	     t->log.size != LDM_LOG_SECTORS)) {
		*why = "its LDM table of contents puts the database at a place that no Windows uses";
		return false;
	}
	return true;
}
