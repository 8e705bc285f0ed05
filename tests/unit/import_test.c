/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * import_test.c - a group imported into another: its records, its refusals, cut off after every write and again in the
 * recovery, and disks that were away. Group A is on disks 0 and 1, group B on disks 2 and 3 of the rig.
 */
#include "tests/unit/plan_rig.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/bytes.h"

static void read_at(const char *path, uint64_t off, void *buf, size_t n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(dyn_pread_full(fd, buf, n, off), 0);
	close(fd);
}

static void mark(const struct rig *r, size_t volume, size_t plex, uint8_t byte)
{
	const struct dyn_extent *e = &r->m->volumes[volume].plexes[plex].extents[0];
	uint8_t b[512];

	memset(b, byte, sizeof(b));
	rig_put(r->m->disks[e->disk].path, e->offset + 4096, b, sizeof(b));
}

static uint8_t marked(const struct rig *r, size_t volume, size_t plex)
{
	const struct dyn_extent *e = &r->m->volumes[volume].plexes[plex].extents[0];
	uint8_t b[512];

	read_at(r->m->disks[e->disk].path, e->offset + 4096, b, sizeof(b));
	return b[100];
}

static void swap_paths(struct rig *r, size_t first)
{
	char keep[2][sizeof(r->path[0])];

	memcpy(keep, r->path, sizeof(keep));
	memcpy(r->path, &r->path[first], sizeof(keep));
	memcpy(&r->path[first], keep, sizeof(keep));
}

/* A mirror C: and a simple volume D: (on the second disk) on disks first and first + 1, their bytes marked. */
static void make_group(struct rig *r, size_t first, enum dyn_table a, enum dyn_table b, uint8_t byte)
{
	struct dyn_plan *p = NULL;

	if (first)
		swap_paths(r, first);
	r->n = 2;
	rig_scan(r, 0, 2);
	rig_upgrade(r, 0, a);
	rig_upgrade(r, 1, b);
	DO(r, dyn_plan_create_mirror(&r->s, r->m, (size_t[]){ 0, 1 }, 8 * MIB, 'C', &p, &r->err), p);
	DO(r, dyn_plan_create_simple(&r->s, r->m, 1, 4 * MIB, 'D', &p, &r->err), p);
	mark(r, 0, 0, byte);
	mark(r, 0, 1, byte);
	mark(r, 1, 0, (uint8_t)(byte + 1));
	if (first)
		swap_paths(r, first);
}

/* Both groups; group 0 of the model is A. */
static void two_groups(struct rig *r)
{
	rig_begin(r, 4, 64 * MIB);
	make_group(r, 0, DYN_TABLE_MBR, DYN_TABLE_GPT, 0xa0);
	make_group(r, 2, DYN_TABLE_GPT, DYN_TABLE_MBR, 0xb0);
	r->n = 4;
	rig_scan(r, 0, 4);
	assert_int_equal(r->m->n_groups, 2);
	assert_int_equal(r->m->n_volumes, 4);
}

static void in_order(const struct rig *r)
{
	for (size_t i = 0; i < r->m->n_groups; i++) {
		assert_string_equal(r->m->groups[i].problem, "");
		assert_false(r->m->groups[i].interrupted);
	}
	for (size_t i = 0; i < r->m->n_disks; i++) {
		if (r->m->disks[i].n_damage)
			fail_msg("disk %zu: %s", i, r->m->disks[i].damage[0]);
		assert_int_equal(r->m->disks[i].status, DYN_DISK_ONLINE);
	}
	for (size_t i = 0; i < r->m->n_volumes; i++)
		assert_int_equal(r->m->volumes[i].status, DYN_VOLUME_HEALTHY);
}

static bool noted(const struct dyn_plan *p, const char *word)
{
	for (size_t i = 0; i < dyn_plan_n_notes(p); i++)
		if (strstr(dyn_plan_note(p, i), word))
			return true;
	return false;
}

/* No write of the plan lies on a volume. */
static void spares_volumes(const struct rig *r, const struct dyn_plan *p)
{
	for (size_t i = 0; i < dyn_plan_n_steps(p); i++)
		for (size_t k = 0; k < dyn_plan_step(p, i)->n_writes; k++) {
			const struct dyn_write *w = &dyn_plan_step(p, i)->writes[k];
			for (size_t v = 0; v < r->m->n_volumes; v++)
				for (size_t h = 0; h < r->m->volumes[v].n_plexes; h++) {
					const struct dyn_extent *e = &r->m->volumes[v].plexes[h].extents[0];
					assert_false(e->disk == w->disk && w->sector * 512 < e->offset + e->size &&
						     e->offset < (w->sector + w->n_sectors) * 512);
				}
		}
}

static const struct dyn_volume *volume_with(const struct rig *r, uint8_t byte, size_t *index)
{
	const struct dyn_volume *found = NULL;

	for (size_t v = 0; v < r->m->n_volumes; v++)
		if (marked(r, v, 0) == byte) {
			assert_null(found); /* shown once */
			found = &r->m->volumes[v];
			*index = v;
		}
	return found;
}

static void group_joins_with_its_volumes(void **state)
{
	struct dyn_plan *p = NULL;
	struct rig r;
	char guid[37];
	size_t v = 0;

	(void)state;
	two_groups(&r);
	memcpy(guid, r.m->groups[0].guid, sizeof(guid));
	assert_int_equal(dyn_plan_import(&r.s, r.m, 1, 0, &p, &r.err), 0);
	assert_null(dyn_plan_confirm(p)); /* nothing is destroyed */
	assert_true(noted(p, "loses the letter C:") && noted(p, "loses the letter D:"));
	assert_true(noted(p, "The disk Disk1 of") && noted(p, "The volume Volume1 of"));
	spares_volumes(&r, p);
	rig_do(&r, 0, p);
	assert_int_equal(r.m->n_groups, 1);
	assert_string_equal(r.m->groups[0].guid, guid);
	assert_int_equal(r.m->groups[0].n_disks, 4);
	assert_int_equal(r.m->groups[0].n_missing, 0);
	assert_int_equal(r.m->n_volumes, 4);
	in_order(&r);
	assert_string_equal(r.m->disks[2].db_name, "Disk3");
	assert_non_null(volume_with(&r, 0xb0, &v));
	assert_string_equal(r.m->volumes[v].name, "Volume3");
	assert_string_equal(r.m->volumes[v].plexes[0].name, "Volume3-01");
	assert_string_equal(r.m->volumes[v].plexes[1].name, "Volume3-02");
	assert_int_equal(r.m->volumes[v].letter, 0);
	assert_int_equal(marked(&r, v, 1), 0xb0);
	assert_non_null(volume_with(&r, 0xa0, &v));
	assert_int_equal(r.m->volumes[v].letter, 'C');
	assert_non_null(volume_with(&r, 0xb1, &v));
	assert_non_null(volume_with(&r, 0xa1, &v));
	/* it is a group like any other: a volume across old and new members */
	DO(&r, dyn_plan_create_mirror(&r.s, r.m, (size_t[]){ 0, 3 }, 4 * MIB, 0, &p, &r.err), p);
	in_order(&r);
	rig_refused(&r, dyn_plan_import(&r.s, r.m, 0, 0, &p, &r.err), -EALREADY, "itself");
	assert_int_equal(dyn_plan_import(&r.s, r.m, 1, 0, &p, &r.err), -EINVAL);
	rig_end(&r);
}

/* ------------------------------------------------------------------- power cuts */

struct saved {
	size_t disk;
	uint64_t off;
	size_t n;
	uint8_t *b;
};
struct log {
	size_t n;
	struct saved *s;
};

static void write_piece(struct rig *r, const struct dyn_write *w, uint32_t from, uint32_t n, struct log *log)
{
	struct saved *s;

	log->s = realloc(log->s, (log->n + 1) * sizeof(*log->s));
	s = &log->s[log->n++];
	*s = (struct saved){ w->disk, (w->sector + from) * 512, (size_t)n * 512, NULL };
	s->b = malloc(s->n);
	read_at(r->path[w->disk], s->off, s->b, s->n);
	rig_put(r->path[w->disk], s->off, w->after + (size_t)from * 512, s->n);
}

/* Up to `limit` writes of a plan, long ones in pieces that end anywhere; what they replace is kept. */
static size_t write_some(struct rig *r, const struct dyn_plan *p, size_t limit, struct log *log)
{
	size_t done = 0;

	for (size_t i = 0; i < dyn_plan_n_steps(p); i++)
		for (size_t k = 0; k < dyn_plan_step(p, i)->n_writes; k++) {
			const struct dyn_write *w = &dyn_plan_step(p, i)->writes[k];
			for (uint32_t from = 0, n; from < w->n_sectors; from += n, done++) {
				n = from < 8 ? 1 : w->n_sectors - from;
				if (done < limit)
					write_piece(r, w, from, n, log);
			}
		}
	return done;
}

static void take_back(struct rig *r, struct log *log, size_t to)
{
	while (log->n > to) {
		struct saved *s = &log->s[--log->n];
		rig_put(r->path[s->disk], s->off, s->b, s->n);
		free(s->b);
	}
	if (!to) {
		free(log->s);
		*log = (struct log){ 0 };
	}
}

static void picture(const struct rig *r, char *dst, size_t n)
{
	size_t used = 0;

	dst[0] = '\0';
	for (size_t g = 0; g < r->m->n_groups; g++)
		used += (size_t)snprintf(dst + used, n - used, "{%s %zu/%zu} ", r->m->groups[g].guid, r->m->groups[g].n_disks,
					 r->m->groups[g].n_missing);
	for (size_t v = 0; v < r->m->n_volumes && used < n; v++) {
		const struct dyn_volume *x = &r->m->volumes[v];
		used += (size_t)snprintf(dst + used, n - used, "[%s %s %d:%d %02x]", x->guid, x->name, x->layout, x->status,
					 marked(r, v, 0));
	}
}

/* The first interrupted group, DYN_NONE. */
static size_t interrupted(const struct rig *r)
{
	for (size_t g = 0; g < r->m->n_groups; g++)
		if (r->m->groups[g].interrupted)
			return g;
	return DYN_NONE;
}

/* All volumes are there, each once and healthy, whatever was cut off. */
static void truthful(const struct rig *r, const char *what)
{
	if (r->m->n_volumes != 4)
		fail_msg("%s: %zu volumes", what, r->m->n_volumes);
	for (size_t v = 0; v < 4; v++)
		if (r->m->volumes[v].status != DYN_VOLUME_HEALTHY)
			fail_msg("%s: %s has status %d", what, r->m->volumes[v].name, r->m->volumes[v].status);
	for (size_t d = 0; d < r->m->n_disks; d++)
		if (r->m->disks[d].status == DYN_DISK_MISSING || r->m->disks[d].status == DYN_DISK_UNREADABLE ||
		    r->m->disks[d].status == DYN_DISK_FOREIGN)
			fail_msg("%s: disk %zu has status %d", what, d, r->m->disks[d].status);
}

static void recover_all(struct rig *r, struct log *log, const char *what)
{
	size_t g, rounds = 0;

	while ((g = interrupted(r)) != DYN_NONE) {
		struct dyn_plan *p = NULL;
		if (++rounds > 3)
			fail_msg("%s: no end of recovery", what);
		if (dyn_plan_recover(&r->s, r->m, g, &p, &r->err))
			fail_msg("%s: %s", what, r->err.what);
		write_some(r, p, SIZE_MAX, log);
		dyn_plan_free(p);
		rig_scan(r, 0, 4);
	}
}

/* Cuts off the recovery after each of its own writes as well. */
static size_t cut_recovery(struct rig *r, struct log *log, const char *old, const char *new, const char *what)
{
	struct dyn_plan *p = NULL;
	size_t g = interrupted(r), base = log->n, total;
	char now[1024];

	if (g == DYN_NONE)
		return 0;
	if (dyn_plan_recover(&r->s, r->m, g, &p, &r->err))
		fail_msg("%s: %s", what, r->err.what);
	total = write_some(r, p, 0, log);
	for (size_t cut = 0; cut <= total; cut++) {
		write_some(r, p, cut, log);
		rig_scan(r, 0, 4);
		truthful(r, what);
		recover_all(r, log, what);
		in_order(r);
		picture(r, now, sizeof(now));
		if (strcmp(now, old) != 0 && strcmp(now, new) != 0)
			fail_msg("%s, recovery cut %zu:\n%s\n%s\n%s", what, cut, now, old, new);
		take_back(r, log, base);
	}
	dyn_plan_free(p);
	rig_scan(r, 0, 4);
	return total + 1;
}

static void every_cut_ends_old_or_new(void **state)
{
	char old[1024], new[1024], now[1024], what[64];
	size_t total, back = 0, forward = 0, again = 0;
	const char *tier = getenv("DYNADISK_TIER");
	bool full = tier && strcmp(tier, "full") == 0;
	struct dyn_plan *p = NULL, *none = NULL;
	struct log log = { 0 };
	struct rig r;

	(void)state;
	two_groups(&r);
	picture(&r, old, sizeof(old));
	assert_int_equal(dyn_plan_import(&r.s, r.m, 1, 0, &p, &r.err), 0);
	total = write_some(&r, p, SIZE_MAX, &log);
	rig_scan(&r, 0, 4);
	picture(&r, new, sizeof(new));
	assert_string_not_equal(old, new);
	take_back(&r, &log, 0);
	for (size_t cut = 0; cut <= total; cut++) {
		snprintf(what, sizeof(what), "cut %zu of %zu", cut, total);
		write_some(&r, p, cut, &log);
		rig_scan(&r, 0, 4);
		truthful(&r, what);
		if (full || cut % 3 == 0)
			again += cut_recovery(&r, &log, old, new, what);
		recover_all(&r, &log, what);
		in_order(&r);
		picture(&r, now, sizeof(now));
		if (strcmp(now, old) != 0 && strcmp(now, new) != 0)
			fail_msg("%s:\n%s\n%s\n%s", what, now, old, new);
		back += strcmp(now, old) == 0;
		forward += strcmp(now, new) == 0;
		for (size_t g = 0; g < r.m->n_groups; g++)
			assert_int_equal(dyn_plan_recover(&r.s, r.m, g, &none, &r.err), -EALREADY);
		take_back(&r, &log, 0);
	}
	assert_true(back > 4 && forward > 10 && again > 100);
	printf("# figures: import: %zu cuts, %zu old, %zu new, %zu cuts in recovery\n", total + 1, back, forward, again);
	dyn_plan_free(p);
	rig_end(&r);
}

/* -------------------------------------------------------------------- refusals */

static void what_would_be_a_guess_is_refused(void **state)
{
	struct dyn_plan *p = NULL;
	uint8_t head[512];
	uint64_t at;
	struct rig r;

	(void)state;
	two_groups(&r);
	/* a copy out of date: disk 3 misses a change of its group */
	rig_scan(&r, 2, 1);
	DO(&r, dyn_plan_create_simple(&r.s, r.m, 0, 4 * MIB, 0, &p, &r.err), p);
	rig_scan(&r, 0, 4);
	rig_refused(&r, dyn_plan_import(&r.s, r.m, 1, 0, &p, &r.err), -ESTALE, "Disk 3");
	DO(&r, dyn_plan_reactivate(&r.s, r.m, 3, &p, &r.err), p);
	/* a rebuild under way, paused */
	if (dyn_plan_break(&r.s, r.m, 2, 3, false, &p, &r.err))
		fail_msg("%s", r.err.what);
	rig_do(&r, 0, p);
	if (dyn_plan_add_mirror(&r.s, r.m, 2, 3, DYN_TABLE_NONE, &p, &r.err))
		fail_msg("%s", r.err.what);
	rig_carry_out(p, SIZE_MAX);
	dyn_plan_free(p);
	rig_scan(&r, 0, 4);
	assert_int_equal(r.m->n_jobs, 1);
	rig_refused(&r, dyn_plan_import(&r.s, r.m, 1, 0, &p, &r.err), -EBUSY, "being rebuilt");
	DO(&r, dyn_plan_cancel(&r.s, r.m, 0, &p, &r.err), p);
	/* made by a newer Windows than any disk of the group */
	for (size_t d = 0; d < 2; d++) {
		struct ldm_privhead ph = r.m->priv->disks[d].ph;
		ph.minor = 11;
		ldm_privhead_encode(&ph, head);
		rig_put(r.path[d], (ph.private_start + LDM_PH_PRIMARY) * 512, head, 512);
		rig_put(r.path[d], (ph.private_start + LDM_PH_SECONDARY) * 512, head, 512);
		if (r.m->disks[d].table == DYN_TABLE_MBR)
			rig_put(r.path[d], LDM_PH_MBR * 512, head, 512);
	}
	rig_scan(&r, 0, 4);
	in_order(&r);
	rig_refused(&r, dyn_plan_import(&r.s, r.m, 1, 0, &p, &r.err), -ENOTSUP, "newer Windows");
	assert_int_equal(dyn_plan_import(&r.s, r.m, 0, 1, &p, &r.err), 0); /* the other way round it can be done */
	dyn_plan_free(p);
	/* the log says that the mirror was open when its machine stopped */
	for (size_t d = 0; d < 2; d++) {
		const struct model_disk *md = &r.m->priv->disks[d];
		uint8_t page[512];
		at = (md->ph.private_start + LDM_LOG_START) * 512;
		read_at(r.path[d], at, page, 512);
		size_t e = 24;
		while (page[e])
			e += 24;
		page[e] = LDM_LOG_DIRTY;
		memset(page + e + 1, 0, 23);
		bytes_put_be(page + e + 1, 8, r.m->priv->volumes[0].record_id);
		rig_put(r.path[d], at, page, 512);
	}
	rig_scan(&r, 0, 4);
	in_order(&r);
	rig_refused(&r, dyn_plan_import(&r.s, r.m, 0, 1, &p, &r.err), -EBUSY, "may differ");
	rig_end(&r);
}

/* The same disk in both: a copy of it was kept, or the machine that imported it put it back. */
static void clones_are_refused(void **state)
{
	struct dyn_plan *p = NULL;
	char copy[2][128];
	struct rig r;

	(void)state;
	two_groups(&r);
	for (size_t i = 0; i < 2; i++) {
		snprintf(copy[i], sizeof(copy[i]), "%s.copy", r.path[2 + i]);
		rig_copy_file(r.path[2 + i], copy[i]);
	}
	DO(&r, dyn_plan_import(&r.s, r.m, 1, 0, &p, &r.err), p);
	for (size_t i = 0; i < 2; i++) {
		rig_copy_file(copy[i], r.path[2 + i]);
		unlink(copy[i]);
	}
	/* a complete group of its own that the other lists as well: it is what it says it is */
	rig_scan(&r, 0, 4);
	assert_int_equal(r.m->n_groups, 2);
	assert_int_equal(r.m->groups[0].n_missing, 2);
	assert_int_equal(r.m->groups[1].n_missing, 0);
	assert_int_equal(interrupted(&r), DYN_NONE);
	rig_refused(&r, dyn_plan_import(&r.s, r.m, 1, 0, &p, &r.err), -EEXIST, "both groups list the same disk");
	/* the way out: the group that misses them lets them go */
	for (int i = 0; i < 2; i++)
		DO(&r, dyn_plan_forget_missing(&r.s, r.m, r.m->n_disks - 1, &p, &r.err), p);
	assert_int_equal(r.m->n_volumes, 4);
	in_order(&r);
	DO(&r, dyn_plan_import(&r.s, r.m, 1, 0, &p, &r.err), p);
	assert_int_equal(r.m->n_groups, 1);
	in_order(&r);
	rig_end(&r);
}

/* A database with no room for the other's records, and volumes without a number. */
static void a_full_group_is_left_alone(void **state)
{
	struct dyn_plan *p = NULL;
	struct rig r;

	(void)state;
	two_groups(&r);
	for (int i = 0; i < 253; i++) {
		rig_scan(&r, 0, 2);
		if (dyn_plan_create_simple(&r.s, r.m, 0, 64 * 1024, 0, &p, &r.err))
			fail_msg("%d: %s", i, r.err.what);
		rig_carry_out(p, SIZE_MAX);
		dyn_plan_free(p);
	}
	rig_scan(&r, 0, 4);
	rig_refused(&r, dyn_plan_import(&r.s, r.m, 1, 0, &p, &r.err), -ENOSPC, "255 volumes");
	rig_end(&r);
}

/* ---------------------------------------------------------- disks that were away */

static void disk_that_was_away_is_out_of_date(void **state)
{
	struct dyn_plan *p = NULL;
	char keep[128];
	struct rig r;
	size_t v = 0;

	(void)state;
	two_groups(&r);
	snprintf(keep, sizeof(keep), "%s.away", r.path[3]);
	rig_copy_file(r.path[3], keep);
	r.n = 3;
	rig_scan(&r, 0, 3);
	assert_int_equal(dyn_plan_import(&r.s, r.m, 1, 0, &p, &r.err), 0);
	assert_true(noted(p, "is missing: it is listed"));
	rig_do(&r, 0, p);
	assert_int_equal(r.m->n_groups, 1);
	assert_int_equal(r.m->groups[0].n_disks, 4);
	assert_int_equal(r.m->groups[0].n_missing, 1);
	for (v = 0; v < r.m->n_volumes; v++)
		if (strcmp(r.m->volumes[v].name, "Volume3") == 0)
			assert_int_equal(r.m->volumes[v].status, DYN_VOLUME_FAILED_REDUNDANCY);
		else if (strcmp(r.m->volumes[v].name, "Volume4") == 0)
			assert_int_equal(r.m->volumes[v].status, DYN_VOLUME_FAILED);
	/* the half that is here goes on being used; then the disk returns with the old headers and its old half */
	for (v = 0; strcmp(r.m->volumes[v].name, "Volume3") != 0;)
		v++;
	mark(&r, v, 0, 0xcc);
	rig_copy_file(keep, r.path[3]);
	unlink(keep);
	r.n = 4;
	rig_scan(&r, 0, 4);
	assert_int_equal(r.m->n_groups, 1);
	assert_int_equal(r.m->groups[0].n_missing, 0);
	assert_string_equal(r.m->groups[0].problem, "");
	assert_int_equal(r.m->priv->disks[3].join, MODEL_JOIN_LATE);
	assert_int_equal(r.m->disks[3].status, DYN_DISK_ERRORS);
	assert_non_null(strstr(r.m->disks[3].damage[0], "was away when its group"));
	assert_int_equal(r.m->volumes[v].status, DYN_VOLUME_FAILED_REDUNDANCY);
	/* other changes leave it out */
	DO(&r, dyn_plan_create_simple(&r.s, r.m, 0, 4 * MIB, 0, &p, &r.err), p);
	assert_int_equal(dyn_plan_reactivate(&r.s, r.m, 3, &p, &r.err), 0);
	assert_string_equal(dyn_plan_confirm(p), "d3.img");
	assert_true(noted(p, "is overwritten"));
	rig_do(&r, 0, p);
	in_order(&r);
	for (v = 0; strcmp(r.m->volumes[v].name, "Volume3") != 0;)
		v++;
	assert_int_equal(r.m->volumes[v].layout, DYN_LAYOUT_MIRROR);
	assert_int_equal(marked(&r, v, 0), 0xcc); /* never the old half for a good one */
	assert_int_equal(marked(&r, v, 1), 0xcc);
	assert_non_null(volume_with(&r, 0xb1, &v)); /* the simple volume on it is back */
	rig_end(&r);
}

/* The import is cut off, a disk it has not come to is taken away, the group goes on; it is not as good as the others. */
static void group_moved_on_before_the_end(void **state)
{
	struct log log = { 0 };
	struct dyn_plan *p = NULL;
	struct rig r;
	size_t total, v = 0;

	(void)state;
	two_groups(&r);
	assert_int_equal(dyn_plan_import(&r.s, r.m, 1, 0, &p, &r.err), 0);
	total = write_some(&r, p, 0, &log);
	write_some(&r, p, total - 9, &log); /* disk 3 has a part of the new records, no new header */
	dyn_plan_free(p);
	rig_scan(&r, 0, 4);
	assert_true(r.m->groups[0].import_cut);
	assert_non_null(strstr(r.m->groups[0].problem, "import"));
	rig_refused(&r, dyn_plan_create_simple(&r.s, r.m, 0, 4 * MIB, 0, &p, &r.err), -EUCLEAN, "import");
	r.n = 3;
	rig_scan(&r, 0, 3);
	assert_false(r.m->groups[0].interrupted);
	DO(&r, dyn_plan_create_simple(&r.s, r.m, 0, 4 * MIB, 0, &p, &r.err), p);
	r.n = 4;
	rig_scan(&r, 0, 4);
	assert_int_equal(r.m->n_groups, 1);
	assert_int_equal(r.m->priv->disks[3].join, MODEL_JOIN_LATE);
	assert_int_equal(dyn_plan_reactivate(&r.s, r.m, 3, &p, &r.err), 0);
	assert_string_equal(dyn_plan_confirm(p), "d3.img");
	rig_do(&r, 0, p);
	in_order(&r);
	assert_non_null(volume_with(&r, 0xb1, &v));
	assert_non_null(volume_with(&r, 0xb0, &v));
	assert_int_equal(r.m->volumes[v].layout, DYN_LAYOUT_MIRROR);
	take_back(&r, &log, 0);
	rig_end(&r);
}

/* ------------------------------------------------ a missing disk may have the answer */

/* The first disk to carry the commit is gone: the others cannot know. Insisting rolls back, and it returns out of date. */
static void missing_disk_may_have_the_answer(void **state)
{
	struct log log = { 0 };
	struct dyn_plan *p = NULL;
	size_t total, refused = 0;
	struct rig r;

	(void)state;
	rig_begin(&r, 2, 64 * MIB);
	make_group(&r, 0, DYN_TABLE_MBR, DYN_TABLE_GPT, 0xa0);
	assert_int_equal(dyn_plan_create_simple(&r.s, r.m, 1, 4 * MIB, 0, &p, &r.err), 0);
	total = write_some(&r, p, 0, &log);
	for (size_t cut = 1; cut < total; cut++) {
		struct dyn_plan *rec = NULL;
		bool first_has_it = false;
		int rc;
		r.n = 2;
		write_some(&r, p, cut, &log);
		rig_scan(&r, 0, 2);
		assert_true(r.m->groups[0].interrupted);
		first_has_it = r.m->priv->disks[0].db_head.status == LDM_VMDB_COMMIT ||
			       r.m->priv->disks[0].db_head.committed_tid > r.m->groups[0].transaction;
		rig_scan(&r, 1, 1);
		if (!r.m->groups[0].interrupted) { /* it was done with, or had not heard of it */
			take_back(&r, &log, 0);
			continue;
		}
		rc = dyn_plan_recover(&r.s, r.m, 0, &rec, &r.err);
		if (rc == 0) { /* then it may go on without: the same as with both */
			bool forward = strstr(dyn_plan_step(rec, 0)->words, "Finish") != NULL;
			dyn_plan_free(rec);
			assert_false(first_has_it && !forward);
			take_back(&r, &log, 0);
			continue;
		}
		refused++;
		rig_refused(&r, rc, -ENODEV, "cannot be told");
		assert_int_equal(dyn_plan_recover_anyway(&r.s, r.m, 0, &rec, &r.err), 0);
		assert_true(noted(rec, "will be out of date"));
		dyn_plan_free(rec);
		take_back(&r, &log, 0);
	}
	assert_true(refused >= 1);
	dyn_plan_free(p);
	rig_end(&r);
}

/* The same at the first commit, to its end. */
static void insisting_leaves_the_missing_disk_behind(void **state)
{
	struct log log = { 0 };
	struct dyn_plan *p = NULL, *rec = NULL;
	size_t total, cut = 0;
	struct rig r;

	(void)state;
	rig_begin(&r, 2, 64 * MIB);
	make_group(&r, 0, DYN_TABLE_MBR, DYN_TABLE_GPT, 0xa0);
	assert_int_equal(dyn_plan_create_simple(&r.s, r.m, 1, 4 * MIB, 0, &p, &r.err), 0);
	total = write_some(&r, p, 0, &log);
	do {
		take_back(&r, &log, 0);
		write_some(&r, p, ++cut, &log);
		rig_scan(&r, 0, 2);
	} while (cut < total && r.m->priv->disks[0].db_head.status != LDM_VMDB_COMMIT);
	assert_int_equal(r.m->priv->disks[1].db_head.status, LDM_VMDB_CHANGE);
	dyn_plan_free(p);
	rig_scan(&r, 1, 1);
	assert_int_equal(dyn_plan_recover(&r.s, r.m, 0, &rec, &r.err), -ENODEV);
	r.n = 1;
	assert_int_equal(dyn_plan_recover_anyway(&r.s, r.m, 0, &rec, &r.err), 0);
	rig_carry_out(rec, SIZE_MAX);
	dyn_plan_free(rec);
	rig_scan(&r, 1, 1);
	assert_int_equal(interrupted(&r), DYN_NONE);
	assert_int_equal(r.m->n_volumes, 2);
	r.n = 2;
	rig_scan(&r, 0, 2); /* it returns with the commit: out of date, and does not decide */
	assert_int_equal(interrupted(&r), DYN_NONE);
	assert_int_equal(r.m->n_volumes, 2);
	assert_int_equal(r.m->volumes[0].status, DYN_VOLUME_FAILED_REDUNDANCY);
	assert_non_null(strstr(r.m->disks[0].damage[0], "out of date"));
	DO(&r, dyn_plan_reactivate(&r.s, r.m, 0, &p, &r.err), p);
	in_order(&r);
	assert_int_equal(r.m->volumes[0].layout, DYN_LAYOUT_MIRROR);
	take_back(&r, &log, 0);
	rig_end(&r);
}

static void swap_first_and_last(struct rig *r)
{
	char keep[sizeof(r->path[0])];

	memcpy(keep, r->path[0], sizeof(keep));
	memcpy(r->path[0], r->path[2], sizeof(keep));
	memcpy(r->path[2], keep, sizeof(keep));
}

/* A mirror on disks 0 and 1; disk 2 is the first to carry the commit of a change that was cut off. */
static void cut_at_the_commit(struct rig *r)
{
	struct log log = { 0 };
	struct dyn_plan *p = NULL;
	size_t cut = 0;

	rig_begin(r, 3, 64 * MIB);
	make_group(r, 0, DYN_TABLE_MBR, DYN_TABLE_GPT, 0xa0);
	swap_first_and_last(r);
	r->n = 3;
	rig_scan(r, 0, 3);
	rig_upgrade(r, 0, DYN_TABLE_MBR);
	assert_int_equal(dyn_plan_create_simple(&r->s, r->m, 1, 4 * MIB, 0, &p, &r->err), 0);
	do {
		take_back(r, &log, 0);
		write_some(r, p, ++cut, &log);
		rig_scan(r, 0, 3);
	} while (r->m->priv->disks[0].db_head.status != LDM_VMDB_COMMIT);
	dyn_plan_free(p);
	for (size_t i = 0; i < log.n; i++)
		free(log.s[i].b);
	free(log.s);
	swap_first_and_last(r);
}

/* What is here of the group goes on by recovering, and insisting where it has to; how often that was. */
static size_t go_on(struct rig *r, struct log *log, size_t n)
{
	struct dyn_plan *p = NULL;
	size_t g, insisted = 0;

	rig_scan(r, 0, n);
	g = interrupted(r);
	if (g == DYN_NONE)
		return 0;
	if (dyn_plan_recover(&r->s, r->m, g, &p, &r->err) == -ENODEV) {
		insisted++;
		assert_int_equal(dyn_plan_recover_anyway(&r->s, r->m, g, &p, &r->err), 0);
	}
	assert_non_null(p);
	write_some(r, p, SIZE_MAX, log);
	dyn_plan_free(p);
	rig_scan(r, 0, n);
	assert_int_equal(interrupted(r), DYN_NONE);
	return insisted;
}

/*
 * A rollback that was insisted on is cut off anywhere. Gone on with, it leaves none of the disks that are here out of date,
 * and the one that returns behind them; where that one is back first, its commit holds for all.
 */
static void insisting_is_cut_off_anywhere(void **state)
{
	struct log log = { 0 };
	struct dyn_plan *rec = NULL;
	size_t total, insisted = 0, forward = 0;
	struct rig r;

	(void)state;
	cut_at_the_commit(&r);
	rig_scan(&r, 0, 2);
	assert_int_equal(dyn_plan_recover(&r.s, r.m, 0, &rec, &r.err), -ENODEV);
	assert_int_equal(dyn_plan_recover_anyway(&r.s, r.m, 0, &rec, &r.err), 0);
	total = write_some(&r, rec, 0, &log);
	assert_true(total > 6);
	for (size_t cut = 0; cut <= total; cut++) {
		bool settled = false; /* on one disk */
		write_some(&r, rec, cut, &log);
		insisted += go_on(&r, &log, 2);
		assert_int_equal(r.m->disks[0].n_damage + r.m->disks[1].n_damage, 0);
		assert_int_equal(r.m->volumes[0].status, DYN_VOLUME_HEALTHY);
		rig_scan(&r, 0, 3); /* it returns */
		assert_int_equal(interrupted(&r), DYN_NONE);
		assert_int_equal(r.m->n_volumes, 2);
		assert_int_equal(r.m->volumes[0].status, DYN_VOLUME_HEALTHY);
		assert_int_equal(r.m->disks[0].n_damage + r.m->disks[1].n_damage, 0);
		assert_non_null(strstr(r.m->disks[2].damage[0], "out of date"));
		take_back(&r, &log, 0);

		write_some(&r, rec, cut, &log);
		rig_scan(&r, 0, 2);
		for (size_t d = 0; d < 2; d++)
			settled |= r.m->priv->disks[d].db_head.status == LDM_VMDB_CLEAN;
		assert_int_equal(go_on(&r, &log, 3), 0);
		assert_int_equal(r.m->disks[0].n_damage + r.m->disks[1].n_damage, 0);
		assert_int_equal(r.m->volumes[0].status, DYN_VOLUME_HEALTHY);
		assert_int_equal(r.m->n_volumes, settled ? 2 : 3);
		if (!settled)
			in_order(&r);
		forward += !settled;
		take_back(&r, &log, 0);
	}
	assert_true(insisted > 4 && forward > 4 && forward < total);
	dyn_plan_free(rec);
	rig_end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_would_be_a_guess_is_refused),
		cmocka_unit_test(clones_are_refused),
		cmocka_unit_test(a_full_group_is_left_alone),
		cmocka_unit_test(disk_that_was_away_is_out_of_date),
		cmocka_unit_test(group_moved_on_before_the_end),
		cmocka_unit_test(missing_disk_may_have_the_answer),
		cmocka_unit_test(insisting_leaves_the_missing_disk_behind),
		cmocka_unit_test(insisting_is_cut_off_anywhere),
		cmocka_unit_test(group_joins_with_its_volumes),
		cmocka_unit_test(every_cut_ends_old_or_new),
	};
	return cmocka_run_group_tests_name("import", tests, NULL, NULL);
}
