/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Damaged copies of metadata are mended from good ones: every byte comes back, and the good copy is never written. */
#include "tests/unit/plan_rig.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/bytes.h"

enum { DISK_SECTORS = 64 * 2048, PRIV_MBR = DISK_SECTORS - LDM_PRIV_SECTORS, PRIV_GPT = 34, LAST = DISK_SECTORS - 1 };

static void keep(struct rig *r)
{
	for (size_t i = 0; i < 2; i++)
		rig_copy_file(r->path[i], r->path[i + 2]);
}

static void restore(struct rig *r)
{
	for (size_t i = 0; i < 2; i++)
		rig_copy_file(r->path[i + 2], r->path[i]);
	rig_scan(r, 0, 2);
}

/* The place of the first byte in which two files differ, or -1. */
static long long differ(const char *a, const char *b)
{
	static uint8_t x[MIB], y[MIB];
	int fa = open(a, O_RDONLY | O_CLOEXEC), fb = open(b, O_RDONLY | O_CLOEXEC);
	long long at = 0, found = -1;
	ssize_t n;

	assert_true(fa >= 0 && fb >= 0);
	for (; found < 0 && (n = read(fa, x, sizeof(x))) > 0; at += n) {
		assert_int_equal(read(fb, y, sizeof(y)), n);
		for (ssize_t i = 0; found < 0 && memcmp(x, y, (size_t)n) != 0 && i < n; i++)
			if (x[i] != y[i])
				found = at + i;
	}
	close(fa);
	close(fb);
	return found;
}

static void assert_as_before(struct rig *r, const char *what)
{
	for (size_t i = 0; i < 2; i++) {
		long long at = differ(r->path[i], r->path[i + 2]);
		if (at >= 0)
			fail_msg("%s: disk %zu differs at byte %lld of sector %lld", what, i, at % 512, at / 512);
	}
}

static void flip(struct rig *r, size_t disk, uint64_t sector, unsigned byte)
{
	uint8_t b;
	int fd = open(r->path[disk], O_RDWR | O_CLOEXEC);

	assert_int_equal(pread(fd, &b, 1, (off_t)(sector * 512 + byte)), 1);
	b ^= 0xff;
	assert_int_equal(pwrite(fd, &b, 1, (off_t)(sector * 512 + byte)), 1);
	close(fd);
}

static void zero(struct rig *r, size_t disk, uint64_t sector, size_t n)
{
	static const uint8_t none[64 * 512];

	assert_true(n <= 64);
	rig_put(r->path[disk], sector * 512, none, n * 512);
}

static int mend(struct rig *r, size_t disk, struct dyn_plan **p)
{
	memset(&r->err, 0, sizeof(r->err));
	return dyn_plan_mend(&r->s, r->m, disk, p, &r->err);
}

static bool writes_database(const struct dyn_plan *p)
{
	const struct dyn_step *st = dyn_plan_step(p, 0);

	for (size_t i = 0; i < st->n_writes; i++)
		if (strstr(st->writes[i].what, "database") || strstr(st->writes[i].what, "log"))
			return true;
	return false;
}

/* Healthy with what is damaged named, then mended: as before, and nothing more to do. */
static void expect_mended(struct rig *r, size_t disk, const char *what)
{
	struct dyn_plan *p = NULL;
	int rc;

	rig_scan(r, 0, 2);
	if (r->m->disks[disk].status != DYN_DISK_ERRORS || r->m->n_volumes != 1 ||
	    r->m->volumes[0].status != DYN_VOLUME_HEALTHY)
		fail_msg("%s: disk status %d, volumes %zu, status %d", what, r->m->disks[disk].status, r->m->n_volumes,
			 r->m->n_volumes ? (int)r->m->volumes[0].status : -1);
	rc = mend(r, disk, &p);
	if (rc)
		fail_msg("%s: %s", what, r->err.what);
	assert_null(dyn_plan_confirm(p));
	/* found by power cuts in its undo: that of a database copy was offered, and refused then */
	assert_int_equal(dyn_plan_can_undo(p), !writes_database(p));
	rig_carry_out(p, SIZE_MAX);
	dyn_plan_free(p);
	assert_as_before(r, what);
	rig_scan(r, 0, 2);
	assert_int_equal(r->m->disks[disk].status, DYN_DISK_ONLINE);
	rig_refused(r, mend(r, disk, &p), -EALREADY, "no metadata copy");
}

static void each_copy_comes_back(void **state)
{
	static const struct {
		const char *what;
		size_t disk;
		uint64_t sector;
		size_t n;
	} cases[] = {
		{ "PRIVHEAD in sector 6", 0, LDM_PH_MBR, 1 },
		{ "secondary PRIVHEAD", 0, PRIV_MBR + LDM_PH_SECONDARY, 1 },
		{ "primary PRIVHEAD", 0, PRIV_MBR + LDM_PH_PRIMARY, 1 },
		{ "first TOC", 0, PRIV_MBR + 2, 1 },
		{ "second TOC", 0, PRIV_MBR + 2045, 1 },
		{ "database header", 0, PRIV_MBR + LDM_CONFIG_START, 1 },
		{ "database records", 0, PRIV_MBR + LDM_CONFIG_START + 1, 5 },
		{ "log", 0, PRIV_MBR + LDM_LOG_START, 2 },
		{ "PRIVHEADs at the end and TOC", 0, PRIV_MBR + 2045, 3 },
		{ "protective MBR", 1, 0, 1 },
		{ "primary GPT header", 1, 1, 1 },
		{ "primary GPT entries", 1, 2, 32 },
		{ "primary GPT", 1, 1, 33 },
		{ "protective MBR and primary GPT", 1, 0, 34 },
		{ "backup GPT entries", 1, LAST - 32, 32 },
		{ "backup GPT header", 1, LAST, 1 },
		{ "backup GPT", 1, LAST - 32, 33 },
		{ "secondary PRIVHEAD of GPT", 1, PRIV_GPT + LDM_PH_SECONDARY, 1 },
		{ "primary PRIVHEAD of GPT", 1, PRIV_GPT + LDM_PH_PRIMARY, 1 },
		{ "first TOC of GPT", 1, PRIV_GPT + 2, 1 },
		{ "database header of GPT", 1, PRIV_GPT + LDM_CONFIG_START, 1 },
	};
	struct rig r;

	(void)state;
	rig_mirror(&r, DYN_TABLE_MBR, DYN_TABLE_GPT);
	keep(&r);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		zero(&r, cases[i].disk, cases[i].sector, cases[i].n);
		expect_mended(&r, cases[i].disk, cases[i].what);
		flip(&r, cases[i].disk, cases[i].sector, 0);
		if (cases[i].sector != 0) /* of an MBR the first byte is boot code */
			expect_mended(&r, cases[i].disk, cases[i].what);
		restore(&r);
	}
	rig_end(&r);
}

/* One flipped byte of a header that has no checksum: neither a newer database nor one that stands still. */
static void a_header_that_contradicts_itself_is_damage(void **state)
{
	static const unsigned bytes[] = { 0x11, 0x75, 0x7c, 0x7d, 0x84 };
	struct rig r;

	(void)state;
	rig_mirror(&r, DYN_TABLE_MBR, DYN_TABLE_GPT);
	keep(&r);
	for (size_t disk = 0; disk < 2; disk++)
		for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
			flip(&r, disk, (disk ? PRIV_GPT : PRIV_MBR) + LDM_CONFIG_START, bytes[i]);
			expect_mended(&r, disk, "database header");
			assert_false(r.m->groups[0].interrupted);
		}
	rig_end(&r);
}

/* Type and start of the protective entry: the GPT behind it is used, as if nothing had happened. */
static void a_protective_mbr_of_another_type_is_damage(void **state)
{
	struct rig r;

	(void)state;
	rig_mirror(&r, DYN_TABLE_MBR, DYN_TABLE_GPT);
	keep(&r);
	flip(&r, 1, 0, 446 + 4);
	expect_mended(&r, 1, "type of the protective entry");
	flip(&r, 1, 0, 446 + 8);
	expect_mended(&r, 1, "start of the protective entry");
	rig_end(&r);
}

/* The MBR's only container, from the LDM header; and a lost type, which could be an unfinished conversion. */
static void the_container_comes_from_the_ldm_header(void **state)
{
	struct dyn_plan *p = NULL;
	struct rig r;

	(void)state;
	rig_mirror(&r, DYN_TABLE_MBR, DYN_TABLE_GPT);
	keep(&r);
	flip(&r, 0, 0, 446 + 13);
	expect_mended(&r, 0, "size of the container");
	flip(&r, 0, 0, 446 + 4);
	rig_scan(&r, 0, 2);
	assert_int_equal(r.m->disks[0].status, DYN_DISK_ERRORS);
	assert_non_null(strstr(r.m->disks[0].damage[0], "no entry of its partition table is dynamic"));
	rig_refused(&r, mend(&r, 0, &p), -ENOTSUP, "no entry of its partition table is dynamic");
	rig_end(&r);
}

/* After each write of a mend the disk is no worse than before, and a second mend ends it. */
static void a_mend_may_be_cut_off(void **state)
{
	struct dyn_plan *p = NULL;
	struct rig r;
	size_t n;

	(void)state;
	rig_mirror(&r, DYN_TABLE_MBR, DYN_TABLE_GPT);
	keep(&r);
	for (size_t cut = 0;; cut++) {
		zero(&r, 1, 0, 34); /* MBR and primary GPT */
		zero(&r, 1, PRIV_GPT + LDM_PH_PRIMARY, 1);
		zero(&r, 1, PRIV_GPT + 2, 1);
		zero(&r, 1, PRIV_GPT + LDM_CONFIG_START + 1, 1);
		zero(&r, 1, PRIV_GPT + LDM_LOG_START, 1);
		flip(&r, 1, PRIV_GPT + LDM_CONFIG_START + 1, 4);
		rig_scan(&r, 0, 2);
		assert_int_equal(mend(&r, 1, &p), 0);
		n = rig_carry_out(p, cut);
		dyn_plan_free(p);
		if (cut >= n)
			break;
		expect_mended(&r, 1, "cut off");
	}
	assert_true(n >= 6);
	assert_as_before(&r, "whole");
	rig_end(&r);
}

static void expect_refused(struct rig *r, size_t disk, int code, const char *word)
{
	struct dyn_plan *p = NULL;

	rig_scan(r, 0, 2);
	rig_refused(r, mend(r, disk, &p), code, word);
	restore(r);
}

static void what_is_lost_is_named(void **state)
{
	struct rig r;

	(void)state;
	rig_mirror(&r, DYN_TABLE_MBR, DYN_TABLE_GPT);
	keep(&r);
	zero(&r, 0, LDM_PH_MBR, 1);
	zero(&r, 0, PRIV_MBR + LDM_PH_SECONDARY, 1);
	zero(&r, 0, PRIV_MBR + LDM_PH_PRIMARY, 1);
	expect_refused(&r, 0, -EBADMSG, "all copies of the LDM private header are damaged");
	zero(&r, 0, PRIV_MBR + 2, 1);
	zero(&r, 0, PRIV_MBR + 2045, 1);
	expect_refused(&r, 0, -EBADMSG, "all copies of the LDM table of contents are damaged");
	zero(&r, 0, PRIV_MBR + LDM_CONFIG_START, 1);
	zero(&r, 1, PRIV_GPT + LDM_CONFIG_START, 1);
	expect_refused(&r, 0, -EBADMSG, "its database cannot be used");
	/* the time of the last change: both copies are valid */
	flip(&r, 1, PRIV_GPT + LDM_CONFIG_START, 0xc4);
	expect_refused(&r, 1, -ENOTUNIQ, "differ at the same transaction");
	/* header and records: nothing shows that it took part in the last change */
	zero(&r, 1, PRIV_GPT + LDM_CONFIG_START, 2);
	expect_refused(&r, 1, -ESTALE, "not just damaged");
	rig_end(&r);
}

/* A disk that was away, and came back with a damaged database: it must not pass for one that is only damaged. */
static void an_old_copy_is_not_mended(void **state)
{
	static const unsigned bytes[] = { 0, 0x10, 0x7c, 0x84 };
	struct dyn_plan *p = NULL;
	struct rig r;

	(void)state;
	rig_mirror(&r, DYN_TABLE_MBR, DYN_TABLE_GPT);
	rig_copy_file(r.path[1], r.path[3]);
	DO(&r, dyn_plan_set_letter(&r.s, r.m, 0, 'F', &p, &r.err), p);
	rig_copy_file(r.path[3], r.path[1]);
	for (size_t i = 0; i <= sizeof(bytes) / sizeof(bytes[0]); i++) {
		if (i)
			flip(&r, 1, PRIV_GPT + LDM_CONFIG_START, bytes[i - 1]);
		rig_scan(&r, 0, 2);
		assert_int_equal(r.m->volumes[0].letter, 'F');
		assert_int_equal(r.m->volumes[0].plexes[0].status, DYN_PLEX_OK);
		assert_int_equal(r.m->volumes[0].plexes[1].status, DYN_PLEX_STALE);
		rig_refused(&r, mend(&r, 1, &p), -ESTALE, "Disk 1");
		if (i)
			flip(&r, 1, PRIV_GPT + LDM_CONFIG_START, bytes[i - 1]);
	}
	/* and the newest being damaged, the old one is not the truth */
	zero(&r, 0, PRIV_MBR + LDM_CONFIG_START + 1, 1);
	rig_scan(&r, 0, 2);
	assert_non_null(strstr(r.m->groups[0].problem, "the newest database"));
	rig_refused(&r, mend(&r, 0, &p), -ENOTUNIQ, "the newest database");
	rig_end(&r);
}

/* A header copied from the other disk: the two that agree are right. */
static void two_headers_outvote_the_third(void **state)
{
	uint8_t b[512];
	struct rig r;
	int fd;

	(void)state;
	rig_mirror(&r, DYN_TABLE_MBR, DYN_TABLE_MBR);
	keep(&r);
	fd = open(r.path[1], O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, b, 512, LDM_PH_MBR * 512), 512);
	close(fd);
	rig_put(r.path[0], (uint64_t)LAST * 512, b, 512);
	rig_scan(&r, 0, 2);
	assert_non_null(strstr(r.m->disks[0].damage[0], "belongs to another disk"));
	expect_mended(&r, 0, "a header of the other disk");
	rig_end(&r);
}

/* Of a group of three, two copies that are the same show which one is damaged; with a header of another time, not. */
static void two_databases_outvote_the_third(void **state)
{
	struct dyn_plan *p = NULL;
	struct rig r;
	int rc;

	(void)state;
	rig_begin(&r, 3, 64 * MIB);
	for (size_t i = 0; i < 3; i++)
		rig_upgrade(&r, i, DYN_TABLE_MBR);
	rc = dyn_plan_create_simple(&r.s, r.m, 0, 8 * MIB, 'C', &p, &r.err);
	rig_do(&r, rc, p);
	rig_copy_file(r.path[0], r.path[3]);
	flip(&r, 0, PRIV_MBR + LDM_CONFIG_START + 1, 16 + 8 + 3); /* a name or an id: still a record */
	rig_scan(&r, 0, 3);
	assert_string_equal(r.m->groups[0].problem, "");
	assert_int_equal(r.m->disks[0].status, DYN_DISK_ERRORS);
	rc = mend(&r, 0, &p);
	rig_do(&r, rc, p);
	assert_int_equal(differ(r.path[0], r.path[3]), -1);
	assert_int_equal(r.m->disks[0].status, DYN_DISK_ONLINE);
	flip(&r, 0, PRIV_MBR + LDM_CONFIG_START, 0xc4);
	rig_scan(&r, 0, 3);
	rc = mend(&r, 0, &p); /* the records are the same: the header is what differs */
	rig_do(&r, rc, p);
	flip(&r, 0, PRIV_MBR + LDM_CONFIG_START, 0xc4);
	flip(&r, 0, PRIV_MBR + LDM_CONFIG_START + 1, 16 + 8 + 3);
	rig_scan(&r, 0, 3);
	rig_refused(&r, mend(&r, 0, &p), -ENOTUNIQ, "differ at the same transaction");
	rig_end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_copy_comes_back),
		cmocka_unit_test(a_header_that_contradicts_itself_is_damage),
		cmocka_unit_test(a_protective_mbr_of_another_type_is_damage),
		cmocka_unit_test(the_container_comes_from_the_ldm_header),
		cmocka_unit_test(a_mend_may_be_cut_off),
		cmocka_unit_test(what_is_lost_is_named),
		cmocka_unit_test(an_old_copy_is_not_mended),
		cmocka_unit_test(two_headers_outvote_the_third),
		cmocka_unit_test(two_databases_outvote_the_third),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
