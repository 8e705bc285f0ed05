/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run_image_test.c - IMAGE steps: which bytes they write, and that undo brings back every one of them. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/run_lab.h"

enum { AT = 4 * LAB_MIB + 63 * 512 }; /* where the images go: aligned to nothing but sectors */

static int setup(void **state)
{
	struct lab *l = malloc(sizeof(*l));

	lab_make(l, 2, 24);
	*state = l;
	return 0;
}

static int teardown(void **state)
{
	lab_remove(*state);
	free(*state);
	return 0;
}

/* [off, off + n) of a disk becomes bytes that depend on salt, never zero. */
static void scribble(struct lab *l, size_t disk, uint64_t off, size_t n, uint8_t salt)
{
	uint8_t *b = malloc(n);
	int fd = open(l->path[disk], O_RDWR | O_CLOEXEC);

	for (size_t i = 0; i < n; i++)
		b[i] = (uint8_t)((off + i) * 2654435761u >> 13 ^ salt) | 1;
	assert_int_equal(pwrite(fd, b, n, (off_t)off), (ssize_t)n);
	close(fd);
	free(b);
}

static void byte_at(struct lab *l, size_t disk, uint64_t off, uint8_t *b)
{
	int fd = open(l->path[disk], O_RDONLY | O_CLOEXEC);

	assert_int_equal(pread(fd, b, 1, (off_t)off), 1);
	close(fd);
}

/* A sparse temporary file: 'F' in its first and its third MiB, holes between and behind. */
static int image(uint64_t size)
{
	char path[] = "/tmp/dynadisk-image-XXXXXX";
	uint8_t *b = malloc(LAB_MIB);
	int fd = mkostemp(path, O_CLOEXEC);

	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	memset(b, 'F', LAB_MIB);
	assert_int_equal(pwrite(fd, b, LAB_MIB, 0), LAB_MIB);
	assert_int_equal(pwrite(fd, b, LAB_MIB, 2 * LAB_MIB), LAB_MIB);
	free(b);
	return fd;
}

/* A plan that writes an image of `size` bytes to AT of disk 0; parts: only its first and third MiB. */
static struct dyn_plan *image_plan(struct lab *l, uint64_t size, bool parts)
{
	struct dyn_plan *p = NULL;
	struct plan_range *r;
	struct plan_step *st;

	assert_int_equal(plan_new(l->m, &p, &l->err, "Write an image"), 0);
	st = plan_add_step(p, DYN_STEP_IMAGE, 0, "Write the image", "ERASES a place", "");
	st->image_fd = image(size);
	st->pub.target_offset = AT;
	st->pub.size = size;
	if (parts) {
		r = plan_alloc(p, 2 * sizeof(*r));
		r[0] = (struct plan_range){ 0, AT, LAB_MIB, 0 };
		r[1] = (struct plan_range){ 2 * LAB_MIB, AT + 2 * LAB_MIB, LAB_MIB, 0 };
		st->ranges = r;
		st->n_ranges = 2;
	}
	return p;
}

/* Undoes the newest change; 0 or the refusal. */
static int undo(struct lab *l, bool apply)
{
	struct dyn_undo *list = NULL;
	struct dyn_plan *p = NULL;
	size_t n;
	int rc;

	assert_int_equal(dyn_undo_list(l->s, l->m, &list, &n, &l->err), 0);
	assert_true(n > 0);
	rc = dyn_plan_undo(l->s, l->m, list[0].id, &p, &l->err);
	assert_int_equal(list[0].possible, rc == 0);
	free(list);
	if (!rc && apply)
		lab_apply(l, 0, &p);
	dyn_plan_free(p);
	return rc;
}

static void only_the_ranges_are_written(void **state)
{
	struct lab *l = *state;
	struct dyn_plan *p;
	uint64_t before, after;
	uint8_t b;

	scribble(l, 0, 3 * LAB_MIB, 8 * LAB_MIB, 1);
	lab_scan(l);
	before = lab_hash(l->path[0]);
	p = image_plan(l, 4 * LAB_MIB, true);
	lab_apply(l, 0, &p);
	byte_at(l, 0, AT, &b);
	assert_int_equal(b, 'F');
	byte_at(l, 0, AT + 3 * LAB_MIB - 1, &b);
	assert_int_equal(b, 'F');
	after = lab_hash(l->path[0]);
	scribble(l, 0, AT, LAB_MIB, 1); /* what the image went over and nothing else is as before again */
	scribble(l, 0, AT + 2 * LAB_MIB, LAB_MIB, 1);
	assert_u64(lab_hash(l->path[0]), before);
	lab_scan(l);
	assert_int_equal(undo(l, false), -EALREADY); /* what was there is there */
	p = image_plan(l, 4 * LAB_MIB, true);
	lab_apply(l, 0, &p);
	assert_u64(lab_hash(l->path[0]), after);
	assert_int_equal(undo(l, true), 0);
	assert_u64(lab_hash(l->path[0]), before);
	assert_int_equal(undo(l, true), 0); /* and done again */
	assert_u64(lab_hash(l->path[0]), after);
}

static void a_whole_image_makes_its_holes_zeros(void **state)
{
	struct lab *l = *state;
	uint64_t before;
	struct dyn_plan *p;
	uint8_t b;

	scribble(l, 0, 3 * LAB_MIB, 8 * LAB_MIB, 1);
	lab_scan(l);
	before = lab_hash(l->path[0]);
	p = image_plan(l, 4 * LAB_MIB, false);
	lab_apply(l, 0, &p);
	for (uint64_t at = LAB_MIB; at < 2 * LAB_MIB; at += LAB_MIB / 8) {
		byte_at(l, 0, AT + at, &b);
		assert_int_equal(b, 0);
	}
	byte_at(l, 0, AT + 4 * LAB_MIB - 1, &b);
	assert_int_equal(b, 0);
	byte_at(l, 0, AT + 4 * LAB_MIB, &b);
	assert_int_not_equal(b, 0);
	assert_int_equal(undo(l, true), 0);
	assert_u64(lab_hash(l->path[0]), before);
}

static void later_changes_stop_the_undo(void **state)
{
	struct lab *l = *state;
	struct dyn_undo *list;
	struct dyn_plan *p = image_plan(l, 4 * LAB_MIB, true), *u = NULL;
	uint64_t hash;
	size_t n;

	lab_apply(l, 0, &p);
	scribble(l, 0, AT + LAB_MIB, LAB_MIB, 9); /* between the ranges: nobody's business */
	assert_int_equal(undo(l, false), 0);
	assert_int_equal(dyn_undo_list(l->s, l->m, &list, &n, &l->err), 0);
	assert_int_equal(dyn_plan_undo(l->s, l->m, list[0].id, &u, &l->err), 0);
	free(list);
	scribble(l, 0, AT + 2 * LAB_MIB + 700 * 512, 512, 9);
	hash = lab_hash(l->path[0]);
	/* planned before the change: refused when it is applied, with nothing written */
	assert_int_equal(dyn_apply(l->s, u, dyn_plan_confirm(u), &l->err), -ESTALE);
	dyn_plan_free(u);
	assert_int_equal(undo(l, false), -ESTALE);
	assert_u64(lab_hash(l->path[0]), hash);
}

static void what_is_not_kept_is_said(void **state)
{
	struct lab *l = *state;
	struct dyn_plan *p = image_plan(l, 4 * LAB_MIB, true);
	struct dyn_undo *list;
	struct stat st;
	char path[256];
	size_t n;

	lab_apply(l, 0, &p); /* one that can be undone */
	assert_int_equal(undo(l, false), 0);
	p = image_plan(l, 4 * LAB_MIB, true);
	p->steps[0].no_undo = true;
	assert_false(plan_image_kept(&p->steps[0]));
	assert_false(dyn_plan_can_undo(p));
	lab_apply(l, 0, &p);
	assert_int_equal(dyn_undo_list(l->s, l->m, &list, &n, &l->err), 0);
	assert_int_equal(n, 2);
	assert_false(list[0].possible);
	assert_non_null(strstr(list[0].reason, "cannot be undone"));
	snprintf(path, sizeof(path), "%s/undo/%s", l->state, list[0].id);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size < 4096);
	assert_int_equal(undo(l, false), -ENOTSUP);
	free(list);
	/* and nothing below it can be taken back over its head */
	assert_int_equal(dyn_undo_list(l->s, l->m, &list, &n, &l->err), 0);
	assert_int_equal(n, 2);
	assert_false(list[1].possible);
	assert_non_null(strstr(list[1].reason, "a later change (Write an image) cannot be undone"));
	assert_int_equal(dyn_plan_undo(l->s, l->m, list[1].id, &p, &l->err), -ESTALE);
	free(list);
}

static void the_limit_is_by_bytes_written(void **state)
{
	struct lab *l = *state;
	struct plan_range r = { .size = PLAN_UNDO_MAX };
	struct plan_step st = { .pub = { .kind = DYN_STEP_IMAGE, .size = 1ull << 40 } };

	(void)l;
	assert_false(plan_image_kept(&st));
	st.ranges = &r;
	st.n_ranges = 1;
	assert_u64(plan_image_bytes(&st), PLAN_UNDO_MAX);
	assert_true(plan_image_kept(&st));
	r.size += 512;
	assert_false(plan_image_kept(&st));
}

static void a_damaged_file_is_refused(void **state)
{
	struct lab *l = *state;
	struct dyn_plan *p;
	struct dyn_undo *list;
	struct stat st;
	char path[256];
	size_t n;
	uint8_t b;
	int fd;

	scribble(l, 0, 3 * LAB_MIB, 8 * LAB_MIB, 1);
	lab_scan(l);
	p = image_plan(l, 4 * LAB_MIB, true);
	lab_apply(l, 0, &p);
	assert_int_equal(dyn_undo_list(l->s, l->m, &list, &n, &l->err), 0);
	snprintf(path, sizeof(path), "%s/undo/%s", l->state, list[0].id);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size > 2 * LAB_MIB && st.st_size < 3 * LAB_MIB);
	fd = open(path, O_RDWR | O_CLOEXEC);
	for (off_t at = st.st_size - 1; at > 4096; at -= st.st_size / 7) {
		assert_int_equal(pread(fd, &b, 1, at), 1);
		if (at > 65536 || b) { /* not in the padding behind the head */
			b ^= 1;
			assert_int_equal(pwrite(fd, &b, 1, at), 1);
			assert_true(undo(l, false) < 0);
			b ^= 1;
			assert_int_equal(pwrite(fd, &b, 1, at), 1);
		}
	}
	assert_int_equal(undo(l, false), 0);
	assert_int_equal(ftruncate(fd, st.st_size - 512), 0);
	assert_int_equal(undo(l, false), -EBADMSG);
	close(fd);
	free(list);
}

static void without_room_for_undo_nothing_is_written(void **state)
{
	struct lab *l = *state;
	struct rlimit old, tight = { LAB_MIB, LAB_MIB };
	struct dyn_plan *p;
	uint64_t hash;
	struct dyn_undo *list;
	size_t n;

	scribble(l, 0, 3 * LAB_MIB, 8 * LAB_MIB, 1);
	lab_scan(l);
	hash = lab_hash(l->path[0]);
	p = image_plan(l, 4 * LAB_MIB, true);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	tight.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	assert_int_equal(dyn_apply(l->s, p, dyn_plan_confirm(p), &l->err), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_non_null(strstr(l->err.what, "nothing was written"));
	assert_non_null(strstr(l->err.way_out, l->state));
	dyn_plan_free(p);
	assert_u64(lab_hash(l->path[0]), hash);
	assert_int_equal(dyn_undo_list(l->s, l->m, &list, &n, &l->err), 0);
	assert_int_equal(n, 0); /* no half of a file is left */
	free(list);
}

static void images_stay_on_the_disk(void **state)
{
	struct lab *l = *state;
	struct dyn_plan *p = image_plan(l, 22 * LAB_MIB, false);
	uint64_t hash = lab_hash(l->path[0]);

	assert_int_equal(dyn_apply(l->s, p, dyn_plan_confirm(p), &l->err), -ERANGE);
	assert_u64(lab_hash(l->path[0]), hash);
	dyn_plan_free(p);
}

struct meter {
	uint64_t last, total, stop_from;
	unsigned calls;
};

static int count(void *arg, const struct dyn_step *step, uint64_t done, uint64_t total)
{
	struct meter *m = arg;

	assert_int_equal(step->kind, DYN_STEP_IMAGE);
	assert_true(done >= m->last && done <= total);
	m->last = done;
	m->total = total;
	m->calls++;
	return m->stop_from && done >= m->stop_from;
}

static void progress_is_told_and_may_stop(void **state)
{
	struct lab *l = *state;
	struct meter m = { 0 };
	struct dyn_plan *p;
	uint64_t before;

	scribble(l, 0, 3 * LAB_MIB, 8 * LAB_MIB, 1);
	lab_scan(l);
	before = lab_hash(l->path[0]);
	l->s->progress = count;
	l->s->progress_arg = &m;
	p = image_plan(l, 4 * LAB_MIB, true);
	lab_apply(l, 0, &p);
	assert_u64(m.total, 4 * LAB_MIB); /* two MiB, written and read back */
	assert_u64(m.last, m.total);
	assert_true(m.calls >= 4);
	m = (struct meter){ 0 };
	assert_int_equal(undo(l, true), 0); /* is an image, too */
	assert_u64(m.last, 4 * LAB_MIB);
	m = (struct meter){ .stop_from = LAB_MIB };
	p = image_plan(l, 4 * LAB_MIB, true);
	assert_int_equal(dyn_apply(l->s, p, dyn_plan_confirm(p), &l->err), -ECANCELED);
	assert_true(m.last < m.total);
	assert_int_equal(dyn_apply(l->s, p, dyn_plan_confirm(p), &l->err), -ESTALE); /* until the next scan */
	dyn_plan_free(p);
	l->s->progress = NULL;
	lab_scan(l);
	assert_u64(lab_hash(l->path[0]) == before, false);
	assert_int_equal(undo(l, true), 0); /* half of it was written; all of it is taken back */
	assert_u64(lab_hash(l->path[0]), before);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_the_ranges_are_written),
		TEST(a_whole_image_makes_its_holes_zeros),
		TEST(later_changes_stop_the_undo),
		TEST(what_is_not_kept_is_said),
		TEST(the_limit_is_by_bytes_written),
		TEST(a_damaged_file_is_refused),
		TEST(without_room_for_undo_nothing_is_written),
		TEST(images_stay_on_the_disk),
		TEST(progress_is_told_and_may_stop),
	};
	return cmocka_run_group_tests_name("run image", tests, NULL, NULL);
}
