/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * damage_test.c - each byte of each used metadata sector flipped (all bits, and one), sectors zeroed, exchanged, taken from
 * another disk or from before the last change: what is wrong is named, or read through another copy. Where nothing is
 * said, nothing is shown differently, but for the fields listed by name in `unprotected` below: those that LDM and the MBR
 * give no checksum and no second copy.
 *
 * Each case is a scan of the same images with a few bytes changed. DYNADISK_TIER=full: every byte; else every 41st.
 */
#include "tests/unit/plan_rig.h"

#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "tests/faults/fields.h"

enum { SECTOR = 512, DISK_SECTORS = 16 * 2048, MAX_SPOTS = 160, LAB_DISKS_MAX = 3 };

/* ------------------------------------------------------------------------- labs */

struct spot { /* a used metadata sector */
	size_t disk;
	uint64_t sector;
	enum sector_kind kind;
	uint8_t is[SECTOR], was[SECTOR]; /* now, and before the last change */
};

struct picture { /* what a scan showed */
	char places[6000]; /* which bytes belong to what */
	char words[6000];  /* names, letters, identifiers, statuses */
	bool named;        /* something is said to be wrong */
};

struct lab {
	const char *name;
	bool alone;        /* one disk, one copy of the database */
	struct rig r;
	int fd[LAB_DISKS_MAX];
	size_t n_spots;
	struct spot *spots;
	struct picture truth;
};

static void append(char *dst, size_t n, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void append(char *dst, size_t n, const char *fmt, ...)
{
	size_t used = strlen(dst);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(dst + used, n - used, fmt, ap);
	va_end(ap);
	assert_true(strlen(dst) + 1 < n);
}

static void picture_volume(const struct dyn_volume *v, struct picture *p)
{
	append(p->places, sizeof(p->places), "volume %d %llu:", v->layout, (unsigned long long)v->size);
	append(p->words, sizeof(p->words), "volume %s %s %c %s %s %s %d %d:", v->name, v->guid, v->letter ? v->letter : '-',
	       v->label, v->fs, v->info, v->status, (int)v->group);
	for (size_t i = 0; i < v->n_plexes; i++) {
		const struct dyn_plex *x = &v->plexes[i];
		append(p->places, sizeof(p->places), " plex");
		append(p->words, sizeof(p->words), " %s %d", x->name, x->status);
		for (size_t k = 0; k < x->n_extents; k++)
			append(p->places, sizeof(p->places), " %d+%llu+%llu@%llu/%u", (int)x->extents[k].disk,
			       (unsigned long long)x->extents[k].offset, (unsigned long long)x->extents[k].size,
			       (unsigned long long)x->extents[k].volume_offset, x->extents[k].column);
	}
	append(p->places, sizeof(p->places), "\n");
	append(p->words, sizeof(p->words), "\n");
}

static void picture_disk(const struct dyn_disk *d, struct picture *p)
{
	append(p->places, sizeof(p->places), "disk %d %d %d:", d->dynamic, d->table, (int)d->group);
	append(p->words, sizeof(p->words), "disk %s %s %s %s %d:", d->name, d->guid, d->table_id, d->db_name, d->status);
	for (size_t i = 0; i < d->n_regions; i++)
		append(p->places, sizeof(p->places), " %d+%llu+%llu", d->regions[i].kind,
		       (unsigned long long)d->regions[i].offset, (unsigned long long)d->regions[i].size);
	for (size_t i = 0; i < d->n_partitions; i++) {
		const struct dyn_partition *x = &d->partitions[i];
		append(p->places, sizeof(p->places), " [%s+%llu+%llu]", x->type_id, (unsigned long long)x->offset,
		       (unsigned long long)x->size);
		append(p->words, sizeof(p->words), " [%s %s %llx %d]", x->guid, x->name, (unsigned long long)x->attributes,
		       x->active);
	}
	append(p->places, sizeof(p->places), "\n");
	append(p->words, sizeof(p->words), "\n");
	p->named |= d->n_damage || (d->status != DYN_DISK_ONLINE);
}

static void look(struct lab *l, struct picture *p)
{
	const struct dyn_model *m;

	memset(p, 0, sizeof(*p));
	rig_scan(&l->r, 0, l->r.n);
	m = l->r.m;
	for (size_t i = 0; i < m->n_disks; i++)
		picture_disk(&m->disks[i], p);
	for (size_t i = 0; i < m->n_volumes; i++) {
		picture_volume(&m->volumes[i], p);
		p->named |= m->volumes[i].status != DYN_VOLUME_HEALTHY;
	}
	for (size_t i = 0; i < m->n_groups; i++) {
		append(p->words, sizeof(p->words), "group %s %s %llu\n", m->groups[i].guid, m->groups[i].name,
		       (unsigned long long)m->groups[i].transaction);
		p->named |= m->groups[i].problem[0] || m->groups[i].interrupted;
	}
}

static void get(const struct lab *l, size_t disk, uint64_t sector, uint8_t *b)
{
	assert_int_equal(pread(l->fd[disk], b, SECTOR, (off_t)(sector * SECTOR)), SECTOR);
}

static void put(const struct lab *l, size_t disk, uint64_t sector, const uint8_t *b)
{
	assert_int_equal(pwrite(l->fd[disk], b, SECTOR, (off_t)(sector * SECTOR)), SECTOR);
}

static void add_spot(struct lab *l, size_t disk, uint64_t sector, enum sector_kind kind)
{
	struct spot *s = &l->spots[l->n_spots++];

	assert_true(l->n_spots <= MAX_SPOTS);
	*s = (struct spot){ .disk = disk, .sector = sector, .kind = kind };
	get(l, disk, sector, s->was);
}

static void list_spots(struct lab *l, size_t disk)
{
	const struct dyn_disk *d = &l->r.m->disks[disk];
	uint64_t priv = l->r.m->priv->disks[disk].ph.private_start, last = DISK_SECTORS - 1;

	add_spot(l, disk, 0, SECTOR_MBR);
	if (d->table == DYN_TABLE_GPT) {
		add_spot(l, disk, 1, SECTOR_GPT);
		add_spot(l, disk, last, SECTOR_GPT);
		/* four entries a sector; of the free ones a sample: one checksum covers them all */
		for (size_t i = 0; i < 32; i += i ? 15 : 1) {
			add_spot(l, disk, 2 + i, SECTOR_ARRAY);
			add_spot(l, disk, last - 32 + i, SECTOR_ARRAY);
		}
	} else {
		add_spot(l, disk, LDM_PH_MBR, SECTOR_PRIVHEAD);
	}
	add_spot(l, disk, priv + LDM_PH_SECONDARY, SECTOR_PRIVHEAD);
	add_spot(l, disk, priv + LDM_PH_PRIMARY, SECTOR_PRIVHEAD);
	add_spot(l, disk, priv + 2, SECTOR_TOC);
	add_spot(l, disk, priv + 2045, SECTOR_TOC);
	add_spot(l, disk, priv + LDM_CONFIG_START, SECTOR_VMDB);
	for (unsigned i = 1; i <= 5; i++) /* the sectors of records, and one of free slots */
		add_spot(l, disk, priv + LDM_CONFIG_START + i, SECTOR_VBLK);
	add_spot(l, disk, priv + LDM_LOG_START, SECTOR_KLOG);
	add_spot(l, disk, priv + LDM_LOG_START + 1, SECTOR_KLOG);
}

/* The last change of every lab: the volume gets a letter. What the sectors held before it is kept. */
static void lab_begin(struct lab *l, const char *name, const enum dyn_table *tables, size_t n, bool mirror)
{
	struct dyn_plan *p = NULL;

	memset(l, 0, sizeof(*l));
	l->name = name;
	l->alone = n == 1;
	l->spots = calloc(MAX_SPOTS, sizeof(*l->spots));
	rig_begin(&l->r, n, (uint64_t)DISK_SECTORS * SECTOR);
	for (size_t i = 0; i < n; i++)
		rig_upgrade(&l->r, i, tables[i]);
	DO(&l->r, dyn_plan_create_simple(&l->r.s, l->r.m, 0, 4 * MIB, 0, &p, &l->r.err), p);
	if (mirror)
		DO(&l->r, dyn_plan_add_mirror(&l->r.s, l->r.m, 0, 1, DYN_TABLE_NONE, &p, &l->r.err), p);
	if (n > 2)
		DO(&l->r, dyn_plan_create_simple(&l->r.s, l->r.m, 2, 2 * MIB, 0, &p, &l->r.err), p);
	for (size_t i = 0; i < n; i++) {
		l->fd[i] = open(l->r.path[i], O_RDWR | O_CLOEXEC);
		assert_true(l->fd[i] >= 0);
		list_spots(l, i);
	}
	DO(&l->r, dyn_plan_set_letter(&l->r.s, l->r.m, 0, 'E', &p, &l->r.err), p);
	for (size_t i = 0; i < l->n_spots; i++)
		get(l, l->spots[i].disk, l->spots[i].sector, l->spots[i].is);
	look(l, &l->truth);
	assert_false(l->truth.named);
	assert_true(l->r.m->n_volumes == (n > 2 ? 2 : 1) && l->r.m->n_groups == 1);
}

static void lab_end(struct lab *l)
{
	for (size_t i = 0; i < l->r.n; i++)
		close(l->fd[i]);
	free(l->spots);
	rig_end(&l->r);
}

/* ------------------------------------------------------------------ what was found */

enum outcome {
	NAMED,          /* something is said, and everything is shown as it is: read through another copy */
	NAMED_OTHER,    /* something is said; what cannot be read is missing or shown as the damage has it */
	SAME,           /* nothing is said, nothing is shown differently: nobody uses the field */
	WORDS,          /* nothing is said; a name, a letter, an identifier is another one */
	PLACES,         /* nothing is said, and volumes or partitions are others: the worst there is */
	OUTCOMES
};

static const char *const outcome_words[OUTCOMES] = { "named", "named, shown differently", "not used", "another name", "OTHER LAYOUT" };

struct tally {
	size_t n[OUTCOMES];
};

static enum outcome judge(const struct lab *l, const struct picture *p)
{
	bool places = strcmp(p->places, l->truth.places) == 0, words = strcmp(p->words, l->truth.words) == 0;

	if (p->named)
		return places ? NAMED : NAMED_OTHER;
	return !places ? PLACES : !words ? WORDS : SAME;
}

/*
 * What nothing protects, by name, and the worst that a changed byte of it does silently: in a group of several disks, and
 * where a disk is alone with the only copy of its database. tests/faults/README.md explains the list.
 */
static const struct {
	const char *field;
	enum outcome group, alone;
} unprotected[] = {
#include "tests/faults/unprotected.h"
};

struct seen {
	const char *field;
	enum outcome worst[2];
};

static struct seen seen[256];
static size_t n_seen;

static void note(const char *field, bool alone, enum outcome o)
{
	size_t i = 0;

	while (i < n_seen && strcmp(seen[i].field, field) != 0)
		i++;
	assert_true(i < sizeof(seen) / sizeof(seen[0]));
	if (i == n_seen)
		seen[n_seen++] = (struct seen){ .field = field };
	if (o > seen[i].worst[alone])
		seen[i].worst[alone] = o;
}

static enum outcome allowed(const char *field, bool alone)
{
	enum outcome most = NAMED_OTHER;

	for (size_t i = 0; i < sizeof(unprotected) / sizeof(unprotected[0]); i++)
		if (strcmp(unprotected[i].field, field) == 0)
			most = alone ? unprotected[i].alone : unprotected[i].group;
	return most > NAMED_OTHER ? most : NAMED_OTHER;
}

static unsigned failures;

/* One case: `what` was done to a spot's byte (or all of it). */
static enum outcome expect(struct lab *l, const char *field, const char *what, const struct spot *s, size_t at, enum outcome most)
{
	struct picture p;
	enum outcome o;

	look(l, &p);
	o = judge(l, &p);
	if (o > most && (++failures <= 20 || o == PLACES))
		print_message("# %s: %s, %s of disk %zu sector %llu byte %zu: %s\n%s%s", l->name, field, what, s->disk,
			      (unsigned long long)s->sector, at, outcome_words[o], o == PLACES ? p.places : "",
			      o >= WORDS ? p.words : "");
	return o;
}

/* ------------------------------------------------------------------------- proofs */

static bool full;
static unsigned step, cases;
static struct tally tally;

static void count(enum outcome o)
{
	tally.n[o]++;
	cases++;
}

static void flip_bytes(struct lab *l)
{
	unsigned k = 0;

	for (size_t i = 0; i < l->n_spots; i++) {
		const struct spot *s = &l->spots[i];
		for (size_t at = 0; at < SECTOR; at++) {
			const char *field = field_name(s->kind, s->is, at);
			uint8_t masks[2] = { 0xff, (uint8_t)(1u << (at * 5 + i) % 8) };
			if (k++ % step)
				continue;
			for (int m = 0; m < 2; m++) {
				uint8_t b[SECTOR];
				enum outcome o;
				memcpy(b, s->is, SECTOR);
				b[at] ^= masks[m];
				put(l, s->disk, s->sector, b);
				o = expect(l, field, m ? "a bit" : "a byte", s, at, allowed(field, l->alone));
				note(field, l->alone, o);
				count(o);
			}
		}
		put(l, s->disk, s->sector, s->is);
	}
}

static bool used(const struct spot *s)
{
	return !bytes_all_zero(s->is, SECTOR);
}

/* A sector that reads as zeros, or holds another one. A free GPT entry sector, or one of free slots, may be like it. */
static void replace_sector(struct lab *l, const struct spot *s, const uint8_t *b, const char *what, enum outcome most)
{
	if (memcmp(b, s->is, SECTOR) == 0)
		return;
	put(l, s->disk, s->sector, b);
	count(expect(l, "a sector", what, s, 0, most));
	put(l, s->disk, s->sector, s->is);
}

static void zero_sectors(struct lab *l)
{
	static const uint8_t none[SECTOR];

	for (size_t i = 0; i < l->n_spots; i++)
		if (used(&l->spots[i]))
			replace_sector(l, &l->spots[i], none, "zeros", NAMED_OTHER);
}

/* Two sectors of the group's disks in each other's place. */
static void exchange_sectors(struct lab *l)
{
	for (size_t i = 0; i < l->n_spots; i++)
		for (size_t k = i + 1; k < l->n_spots; k += full ? 1 : 7) {
			const struct spot *a = &l->spots[i], *b = &l->spots[k];
			if (memcmp(a->is, b->is, SECTOR) == 0)
				continue;
			put(l, a->disk, a->sector, b->is);
			put(l, b->disk, b->sector, a->is);
			/* two MBRs with the same entries differ in the signature, which nothing protects */
			count(expect(l, "a sector", "another in its place", a, k,
				     a->kind == SECTOR_MBR && b->kind == SECTOR_MBR ? WORDS : NAMED_OTHER));
			put(l, a->disk, a->sector, a->is);
			put(l, b->disk, b->sector, b->is);
		}
}

/* The sector of the same kind and place of a disk of another group. */
static void sectors_of_others(struct lab *l, const struct lab *other)
{
	for (size_t i = 0; i < l->n_spots; i++)
		for (size_t k = 0; k < other->n_spots; k++) {
			const struct spot *s = &l->spots[i], *o = &other->spots[k];
			/* another MBR is a table like any other: nothing but the entries tells, and they are the same */
			if (s->kind == o->kind && s->kind != SECTOR_MBR)
				replace_sector(l, s, o->is, "of another group", s->kind == SECTOR_KLOG && l->alone ? SAME : NAMED_OTHER);
		}
}

/* A write that never reached the disk: the sector is from before the last change. On a disk that is alone the log is not
 * needed, and a record that was only rewritten is as good as the new one. */
static void older_sectors(struct lab *l)
{
	for (size_t i = 0; i < l->n_spots; i++) {
		enum sector_kind kind = l->spots[i].kind;
		enum outcome most = !l->alone ? NAMED_OTHER : kind == SECTOR_KLOG ? SAME : kind == SECTOR_VBLK ? WORDS : NAMED_OTHER;
		replace_sector(l, &l->spots[i], l->spots[i].was, "from before the last change", most);
	}
}

/* The whole database of one disk is from before the last change: it is out of date, or, alone, all there is. */
static void older_database(struct lab *l)
{
	for (size_t disk = 0; disk < l->r.n; disk++) {
		const struct spot *some = NULL;
		for (size_t i = 0; i < l->n_spots; i++)
			if (l->spots[i].disk == disk) {
				some = &l->spots[i];
				put(l, disk, some->sector, some->was);
			}
		count(expect(l, "the database", "from before the last change", some, 0, l->alone ? WORDS : NAMED_OTHER));
		for (size_t i = 0; i < l->n_spots; i++)
			if (l->spots[i].disk == disk)
				put(l, disk, l->spots[i].sector, l->spots[i].is);
	}
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void prove(struct lab *l, const struct lab *other)
{
	struct picture p;

	flip_bytes(l);
	zero_sectors(l);
	exchange_sectors(l);
	sectors_of_others(l, other);
	older_sectors(l);
	older_database(l);
	look(l, &p); /* everything was put back */
	assert_string_equal(p.places, l->truth.places);
	assert_string_equal(p.words, l->truth.words);
}

static void damage_is_named(void **state)
{
	static const enum dyn_table mbr[] = { DYN_TABLE_MBR, DYN_TABLE_GPT, DYN_TABLE_MBR }, gpt[] = { DYN_TABLE_GPT, DYN_TABLE_MBR };
	struct lab alone_mbr, alone_gpt, pair, three, other;
	double from = seconds();

	(void)state;
	lab_begin(&other, "other group", gpt, 2, true);
	lab_begin(&alone_mbr, "one MBR disk", mbr, 1, false);
	lab_begin(&alone_gpt, "one GPT disk", gpt, 1, false);
	lab_begin(&pair, "mirror on MBR and GPT", mbr, 2, true);
	lab_begin(&three, "three disks", mbr, 3, true);
	prove(&alone_mbr, &other);
	prove(&alone_gpt, &other);
	prove(&pair, &other);
	prove(&three, &other);
	lab_end(&three);
	lab_end(&pair);
	lab_end(&alone_gpt);
	lab_end(&alone_mbr);
	lab_end(&other);
	print_message("# figures: damage: %u cases in %.0f s; %zu read through another copy, %zu named and shown differently, "
		      "%zu of unused bytes, %zu other names and %zu other places in fields that nothing protects; %u failures\n",
		      cases, seconds() - from, tally.n[NAMED], tally.n[NAMED_OTHER], tally.n[SAME], tally.n[WORDS],
		      tally.n[PLACES], failures);
	assert_int_equal(failures, 0);
}

/* The list says nothing worse than what is so: every byte was tried. */
static void the_list_is_exact(void **state)
{
	(void)state;
	if (getenv("DAMAGE_LIST"))
		for (size_t i = 0; i < n_seen; i++)
			if (seen[i].worst[0] > NAMED_OTHER || seen[i].worst[1] > NAMED_OTHER)
				print_message("LIST { \"%s\", %d, %d },\n", seen[i].field, (int)seen[i].worst[0], (int)seen[i].worst[1]);
	for (size_t i = 0; full && i < sizeof(unprotected) / sizeof(unprotected[0]); i++) {
		size_t k = 0;
		while (k < n_seen && strcmp(seen[k].field, unprotected[i].field) != 0)
			k++;
		if (k == n_seen || (unprotected[i].group > NAMED_OTHER && seen[k].worst[0] != unprotected[i].group) ||
		    (unprotected[i].alone > NAMED_OTHER && seen[k].worst[1] != unprotected[i].alone))
			fail_msg("%s is protected better than the list says", unprotected[i].field);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damage_is_named),
		cmocka_unit_test(the_list_is_exact),
	};
	const char *tier = getenv("DYNADISK_TIER"), *every = getenv("DAMAGE_STEP");

	full = tier && strcmp(tier, "full") == 0;
	step = every ? (unsigned)atoi(every) : full ? 1 : 41;
	if (step == 0)
		step = 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
