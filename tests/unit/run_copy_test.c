/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "run/copy.h"
#include "run/writer.h"
#include "tests/unit/run_faulty.h"

enum { MIB = 1 << 20, DISK = 24 * MIB };

struct pair {
	char dir[64], source_path[96], target_path[96];
	struct dyn_io *source, *target;
};

/* Bytes that differ from sector to sector and from each other. */
static void fill(int fd, uint64_t from, uint64_t to, uint8_t salt)
{
	static uint8_t b[4096];

	for (uint64_t at = from; at < to; at += sizeof(b)) {
		size_t n = to - at < sizeof(b) ? (size_t)(to - at) : sizeof(b);
		for (size_t i = 0; i < n; i++)
			b[i] = (uint8_t)(((at + i) * 2654435761u >> 13) ^ salt) | 1;
		assert_int_equal(pwrite(fd, b, n, (off_t)at), (ssize_t)n);
	}
}

static void make(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, DISK), 0);
	close(fd);
}

static int setup(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));

	snprintf(p->dir, sizeof(p->dir), "/tmp/dynadisk-copy-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->source_path, sizeof(p->source_path), "%s/source", p->dir);
	snprintf(p->target_path, sizeof(p->target_path), "%s/target", p->dir);
	make(p->source_path);
	make(p->target_path);
	assert_int_equal(writer_open(p->source_path, true, &p->source, NULL), 0);
	assert_int_equal(writer_open(p->target_path, true, &p->target, NULL), 0);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct pair *p = *state;

	dyn_io_close(p->source);
	dyn_io_close(p->target);
	unlink(p->source_path);
	unlink(p->target_path);
	rmdir(p->dir);
	free(p);
	return 0;
}

static void assert_same(const struct pair *p, uint64_t source, uint64_t target, uint64_t size)
{
	uint8_t *a = malloc(size), *b = malloc(size);

	assert_int_equal(dyn_pread_full(p->source->fd, a, size, source), 0);
	assert_int_equal(dyn_pread_full(p->target->fd, b, size, target), 0);
	assert_memory_equal(a, b, size);
	free(a);
	free(b);
}

struct watch {
	uint64_t last, stop_at, limit;
	unsigned calls;
	struct faulty *target; /* progress may only be claimed for what is flushed */
	const struct copy_task *t;
	int rc;
};

static int on_progress(void *arg, uint64_t done)
{
	struct watch *w = arg;

	assert_true(done > w->last);
	w->last = done;
	w->calls++;
	return w->rc;
}

static bool on_stop(void *arg)
{
	struct watch *w = arg;
	return w->stop_at && w->last >= w->stop_at;
}

static uint64_t on_limit(void *arg)
{
	return ((struct watch *)arg)->limit;
}

static struct copy_task task(struct pair *p, enum copy_mode mode, struct watch *w, bool no_uring)
{
	return (struct copy_task){ .mode = mode, .source = p->source, .target = p->target, .source_offset = 63 * 512,
				   .target_offset = 2048 * 512 + 512, .size = 20 * MIB + 1536, .no_uring = no_uring,
				   .arg = w, .stop = on_stop, .limit = on_limit, .progress = on_progress };
}

static void copies_on(void **state, bool no_uring)
{
	struct pair *p = *state;
	struct watch w = { 0 };
	struct copy_task t = task(p, COPY_COPY, &w, no_uring);
	struct copy_result r;
	uint8_t guard[512];

	fill(p->source->fd, 0, 9 * MIB, 3);
	fill(p->source->fd, 15 * MIB + 4096, DISK, 4); /* a hole between */
	fill(p->target->fd, 0, 2048 * 512 + 512, 5);
	fill(p->target->fd, 10 * MIB, 12 * MIB, 6);    /* old data where the source has a hole */
	assert_int_equal(copy_run(&t, &r), 0);
	assert_u64(r.done, t.size);
	assert_u64(w.last, t.size);
	assert_same(p, t.source_offset, t.target_offset, t.size);
	assert_int_equal(pread(p->target->fd, guard, 512, 2048 * 512), 512);
	assert_int_not_equal(guard[0], 0); /* the sector before the range is as it was */
	assert_int_equal(pread(p->target->fd, guard, 512, (off_t)(t.target_offset + t.size)), 512);
	for (size_t i = 0; i < sizeof(guard); i++)
		assert_int_equal(guard[i], 0); /* and the one behind it */
	t.mode = COPY_VERIFY;
	w = (struct watch){ 0 };
	assert_int_equal(copy_run(&t, &r), 0);
	assert_u64(r.rewritten, 0);
	assert_u64(w.last, t.size);
}

static void copies_with_uring(void **state)
{
	copies_on(state, false);
}

static void copies_with_threads(void **state)
{
	copies_on(state, true);
}

static void holes_stay_holes(void **state)
{
	struct pair *p = *state;
	struct watch w = { 0 };
	struct copy_task t = task(p, COPY_COPY, &w, false);
	struct copy_result r;
	struct stat st;

	t.source_offset = t.target_offset = 0;
	t.size = DISK;
	fill(p->source->fd, MIB, 2 * MIB, 1);
	fill(p->target->fd, 8 * MIB, 16 * MIB, 2);
	w.limit = 4 * MIB; /* 1 MiB of data: at most a second; 24 MiB would take six */
	time_t begin = time(NULL);
	assert_int_equal(copy_run(&t, &r), 0);
	assert_true(time(NULL) - begin < 5);
	assert_same(p, 0, 0, DISK);
	assert_int_equal(fstat(p->target->fd, &st), 0);
	assert_true(st.st_blocks * 512 < 3 * MIB);
}

static void check_recopies_what_differs(void **state)
{
	struct pair *p = *state;
	for (int no_uring = 0; no_uring < 2; no_uring++) {
		struct watch w = { 0 };
		struct copy_task t = task(p, COPY_CHECK, &w, no_uring);
		struct copy_result r;
		fill(p->source->fd, 0, DISK, 1);
		fill(p->target->fd, 0, DISK, 2);
		assert_int_equal(copy_run(&t, &r), 0);
		assert_u64(r.rewritten, t.size);
		assert_same(p, t.source_offset, t.target_offset, t.size);
		fill(p->target->fd, t.target_offset + 5 * MIB, t.target_offset + 5 * MIB + 512, 9);
		w = (struct watch){ 0 };
		assert_int_equal(copy_run(&t, &r), 0);
		assert_true(r.rewritten > 0 && r.rewritten <= MIB);
		assert_same(p, t.source_offset, t.target_offset, t.size);
	}
}

static void stops_and_goes_on(void **state)
{
	struct pair *p = *state;
	struct watch w = { .stop_at = 512 * 1024, .limit = 8 * MIB };
	struct copy_task t = task(p, COPY_COPY, &w, false);
	struct copy_result r;

	fill(p->source->fd, 0, DISK, 7);
	assert_int_equal(copy_run(&t, &r), -ECANCELED);
	assert_true(r.done >= w.stop_at && r.done < t.size);
	assert_u64(r.done, w.last);
	assert_same(p, t.source_offset, t.target_offset, r.done);
	t.start = r.done;
	w = (struct watch){ .last = r.done };
	assert_int_equal(copy_run(&t, &r), 0);
	assert_same(p, t.source_offset, t.target_offset, t.size);
}

static void keeps_the_limit(void **state)
{
	struct pair *p = *state;
	struct timespec a, b;
	for (int no_uring = 0; no_uring < 2; no_uring++) {
		struct watch w = { .limit = 4 * MIB };
		struct copy_task t = task(p, COPY_COPY, &w, no_uring);
		struct copy_result r;
		double seconds;
		fill(p->source->fd, 0, DISK, 8);
		t.size = 6 * MIB;
		clock_gettime(CLOCK_MONOTONIC, &a);
		assert_int_equal(copy_run(&t, &r), 0);
		clock_gettime(CLOCK_MONOTONIC, &b);
		seconds = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
		assert_true(seconds > 1.0);
		assert_true(seconds < 5.0);
		assert_same(p, t.source_offset, t.target_offset, t.size);
	}
}

/* The good areas first, then the bad ones smaller and smaller, then zeros in what is left: each step is seen. */
static void bad_places_are_left_for_later(void **state)
{
	struct pair *p = *state;
	struct watch w = { 0 };
	struct copy_task t = task(p, COPY_COPY, &w, false);
	struct copy_result r;
	struct ranges bad;
	struct faulty f;
	uint8_t b[4 * 512];
	uint64_t at;

	assert_int_equal(ranges_init(&bad, COPY_MAX_RANGES), 0);
	fill(p->source->fd, 0, DISK, 9);
	fill(p->target->fd, 0, DISK, 5);
	faulty_init(&f, p->source);
	f.bad_from = 7 * MIB + 512;
	f.bad_to = f.bad_from + 1024;
	at = f.bad_from - t.source_offset;
	t.source = &f.io;
	t.bad = &bad;
	assert_int_equal(copy_run(&t, &r), 0);
	assert_false(r.uring);
	assert_u64(r.done, t.size);
	assert_u64(bad.n, 1); /* stepped over, as a whole */
	assert_true(bad.r[0].offset <= at && bad.r[0].offset + bad.r[0].size >= at + 1024);
	assert_true(bad.r[0].size <= 3 * MIB);
	assert_same(p, t.source_offset, t.target_offset, bad.r[0].offset);
	assert_same(p, t.source_offset + bad.r[0].offset + bad.r[0].size, t.target_offset + bad.r[0].offset + bad.r[0].size,
		    t.size - bad.r[0].offset - bad.r[0].size);
	w.last = 0;
	assert_int_equal(copy_retry(&t, &r), 0);
	assert_u64(bad.n, 1); /* the very sectors */
	assert_u64(bad.r[0].offset, at);
	assert_u64(bad.r[0].size, 1024);
	assert_false(bad.r[0].kept);
	assert_same(p, t.source_offset, t.target_offset, at);
	assert_int_equal(copy_zero(&t, &r), 0);
	assert_int_equal(pread(p->target->fd, b, sizeof(b), (off_t)(t.target_offset + at - 512)), (ssize_t)sizeof(b));
	for (int i = 0; i < 512; i++) {
		assert_int_not_equal(b[i], 0);
		assert_int_equal(b[512 + i], 0);
		assert_int_equal(b[1024 + i], 0);
		assert_int_not_equal(b[1536 + i], 0);
	}
	t.mode = COPY_VERIFY; /* what cannot be compared is left out */
	w = (struct watch){ 0 };
	assert_int_equal(copy_run(&t, &r), 0);
	assert_u64(r.rewritten, 0);
	f.bad_to = f.bad_from; /* it can be read again */
	w.last = 0;
	assert_int_equal(copy_retry(&t, &r), 0);
	assert_u64(bad.n, 0);
	assert_same(p, t.source_offset, t.target_offset, t.size);
	ranges_free(&bad);
}

/* A sector that went bad after it was copied: the copy is the only good one left, and must not be overwritten. */
static void verify_keeps_what_was_copied(void **state)
{
	struct pair *p = *state;
	struct watch w = { 0 };
	struct copy_task t = task(p, COPY_COPY, &w, false);
	struct copy_result r;
	struct ranges bad;
	struct faulty f;

	assert_int_equal(ranges_init(&bad, COPY_MAX_RANGES), 0);
	fill(p->source->fd, 0, DISK, 9);
	faulty_init(&f, p->source);
	t.source = &f.io;
	t.bad = &bad;
	assert_int_equal(copy_run(&t, &r), 0);
	assert_u64(bad.n, 0);
	f.bad_from = 3 * MIB + 512;
	f.bad_to = f.bad_from + 512;
	for (int mode = 0; mode < 2; mode++) { /* the check of what an earlier run copied, and the last comparison */
		bad.n = 0;
		w = (struct watch){ 0 };
		t.mode = mode ? COPY_VERIFY : COPY_CHECK;
		assert_int_equal(copy_run(&t, &r), 0);
		assert_u64(r.rewritten, 0);
		w.last = 0;
		assert_int_equal(copy_retry(&t, &r), 0);
		assert_u64(bad.n, 1);
		assert_u64(bad.r[0].offset, f.bad_from - t.source_offset);
		assert_u64(bad.r[0].size, 512);
		assert_true(bad.r[0].kept);
		assert_int_equal(copy_zero(&t, &r), 0);
		assert_same(p, t.source_offset, t.target_offset, t.size);
	}
	ranges_free(&bad);
}

/* Damaged areas are stepped over in growing steps; a disk that does not answer at all ends the copy. */
static void a_dead_source_is_found_out(void **state)
{
	struct pair *p = *state;
	struct watch w = { 0 };
	struct copy_task t = task(p, COPY_COPY, &w, false);
	struct copy_result r;
	struct ranges bad;
	struct faulty f;

	assert_int_equal(ranges_init(&bad, COPY_MAX_RANGES), 0);
	fill(p->source->fd, 0, DISK, 9);
	faulty_init(&f, p->source);
	t.source = &f.io;
	f.bad_from = 2 * MIB;
	f.bad_to = 18 * MIB;
	assert_int_equal(copy_run(&t, &r), -EIO); /* no map: nowhere to note it */
	assert_int_equal(r.fault, COPY_FAULT_SOURCE_READ);
	t.bad = &bad;
	w = (struct watch){ 0 };
	assert_int_equal(copy_run(&t, &r), 0);
	assert_u64(r.done, t.size);
	w.last = 0;
	assert_int_equal(copy_retry(&t, &r), 0);
	assert_u64(bad.n, 1);
	assert_u64(bad.r[0].offset, f.bad_from - t.source_offset);
	assert_u64(bad.r[0].size, f.bad_to - f.bad_from);
	f.bad_from = 0;
	f.bad_to = DISK;
	w = (struct watch){ 0 };
	bad.n = 0;
	assert_int_equal(copy_run(&t, &r), -EIO);
	assert_int_equal(r.fault, COPY_FAULT_SOURCE_READ);
	assert_u64(r.done, 0);
	ranges_add(&bad, MIB, MIB, false);
	w.last = 0;
	assert_int_equal(copy_retry(&t, &r), -EIO);
	assert_u64(bad.n, 1);
	ranges_free(&bad);
}

/* What was read again leaves the map only after a flush. */
static void retried_places_wait_for_the_flush(void **state)
{
	struct pair *p = *state;
	struct watch w = { 0 };
	struct copy_task t = task(p, COPY_COPY, &w, false);
	struct copy_result r;
	struct ranges bad;
	struct faulty f;

	assert_int_equal(ranges_init(&bad, 4), 0);
	fill(p->source->fd, 0, DISK, 9);
	faulty_init(&f, p->target);
	t.target = &f.io;
	t.bad = &bad;
	ranges_add(&bad, MIB, MIB, false);
	f.sync_rc = -EIO;
	w.last = 0;
	assert_int_equal(copy_retry(&t, &r), -EIO);
	assert_int_equal(r.fault, COPY_FAULT_TARGET_WRITE);
	assert_u64(bad.n, 1);
	assert_u64(bad.r[0].size, MIB);
	f.sync_rc = 0;
	w.last = 0;
	assert_int_equal(copy_retry(&t, &r), 0);
	assert_u64(bad.n, 0);
	assert_u64(w.last, MIB);
	ranges_free(&bad);
}

static void write_errors_end_it(void **state)
{
	struct pair *p = *state;
	struct watch w = { 0 };
	struct copy_task t = task(p, COPY_COPY, &w, false);
	struct copy_result r;
	struct faulty f;

	fill(p->source->fd, 0, DISK, 10);
	faulty_init(&f, p->target);
	t.target = &f.io;
	f.wfail_from = t.target_offset + 3 * MIB;
	f.wfail_to = f.wfail_from + 512;
	f.wfail_rc = -ENOSPC;
	f.wfail_times = 1; /* once: a hiccup */
	assert_int_equal(copy_run(&t, &r), 0);
	assert_same(p, t.source_offset, t.target_offset, t.size);
	f.wfail_times = -1;
	w = (struct watch){ 0 };
	assert_int_equal(copy_run(&t, &r), -ENOSPC);
	assert_int_equal(r.fault, COPY_FAULT_TARGET_WRITE);
	assert_true(r.fault_at <= f.wfail_from && f.wfail_from < r.fault_at + r.fault_size);
	assert_true(r.done <= 3 * MIB); /* nothing beyond the failure is claimed */
	f.wfail_times = 0;
	f.sync_rc = -EIO;
	w = (struct watch){ 0 };
	assert_int_equal(copy_run(&t, &r), -EIO);
	assert_int_equal(r.fault, COPY_FAULT_TARGET_WRITE);
	assert_u64(r.done, 0); /* never flushed, never claimed */
	assert_int_equal(w.calls, 0);
}

static void a_lying_target_is_found_out(void **state)
{
	struct pair *p = *state;
	struct watch w = { 0 };
	struct copy_task t = task(p, COPY_COPY, &w, false);
	struct copy_result r;
	struct faulty f;

	fill(p->source->fd, 0, DISK, 11);
	faulty_init(&f, p->target);
	t.target = &f.io;
	f.lie_from = t.target_offset + 4 * MIB;
	f.lie_to = f.lie_from + 1;
	f.lie_times = 1;
	assert_int_equal(copy_run(&t, &r), 0);
	t.mode = COPY_VERIFY; /* one lost write is repaired */
	w = (struct watch){ 0 };
	assert_int_equal(copy_run(&t, &r), 0);
	assert_true(r.rewritten > 0);
	assert_same(p, t.source_offset, t.target_offset, t.size);
	fill(p->source->fd, t.source_offset + 4 * MIB, t.source_offset + 4 * MIB + 512, 12);
	f.lie_times = -1; /* a place that cannot hold anything is an error */
	w = (struct watch){ 0 };
	assert_int_equal(copy_run(&t, &r), -EILSEQ);
	assert_int_equal(r.fault, COPY_FAULT_DIFFERS);
	assert_true(r.fault_at <= f.lie_from && f.lie_from < r.fault_at + r.fault_size);
	assert_true(r.done <= 4 * MIB);
}

/* Counts what differs, by sectors, and leaves both sides as they are. */
static void comparing_counts_and_writes_nothing(void **state)
{
	struct pair *p = *state;
	struct watch w = { 0 };
	struct copy_task t = task(p, COPY_COPY, &w, false);
	struct copy_result r;
	uint8_t byte = 0x5a, back;
	struct faulty f;

	fill(p->source->fd, 0, DISK, 11);
	assert_int_equal(copy_run(&t, &r), 0);
	t.mode = COPY_COMPARE;
	faulty_init(&f, p->target);
	t.target = &f.io;
	f.sync_rc = -EIO; /* a flush would be a write, too */
	w = (struct watch){ 0 };
	assert_int_equal(copy_run(&t, &r), 0);
	assert_u64(r.different, 0);
	assert_u64(w.last, t.size);
	assert_int_equal(pwrite(p->target->fd, &byte, 1, (off_t)(t.target_offset + 5 * MIB + 1000)), 1);
	assert_int_equal(pwrite(p->target->fd, &byte, 1, (off_t)(t.target_offset + 2 * MIB + 7)), 1);
	w = (struct watch){ 0 };
	assert_int_equal(copy_run(&t, &r), 0);
	assert_u64(r.different, 2 * 512);
	assert_u64(r.first_different, 2 * MIB);
	assert_u64(r.rewritten, 0);
	assert_int_equal(pread(p->target->fd, &back, 1, (off_t)(t.target_offset + 2 * MIB + 7)), 1);
	assert_int_equal(back, byte);
}

/* What is claimed must have been flushed: a target that forgets what was not, at every claim. */
static int claims_are_flushed(void *arg, uint64_t done)
{
	struct watch *w = arg;

	(void)done;
	w->calls++;
	/* With the source that slow nothing can have been written after the flush that the claim rests on but
	 * the requests in flight: sixteen chunks. */
	assert_true(w->target->syncs > 0);
	assert_true(w->target->unsynced <= (uint64_t)COPY_DEPTH * MIB);
	return 0;
}

static void progress_follows_flushes(void **state)
{
	struct pair *p = *state;
	struct faulty f;
	struct watch w = { .limit = 8 * MIB, .target = &f };
	struct copy_task t = task(p, COPY_COPY, &w, true);
	struct copy_result r;

	fill(p->source->fd, 0, DISK, 13);
	faulty_init(&f, p->target);
	t.target = &f.io;
	t.progress = claims_are_flushed;
	t.size = 12 * MIB;
	assert_int_equal(copy_run(&t, &r), 0);
	assert_true(w.calls >= 2);
	assert_u64(f.unsynced, 0);
}

static void callers_errors_end_it(void **state)
{
	struct pair *p = *state;
	struct watch w = { .rc = -EDQUOT, .limit = 8 * MIB };
	struct copy_task t = task(p, COPY_COPY, &w, false);
	struct copy_result r;

	fill(p->source->fd, 0, DISK, 14);
	assert_int_equal(copy_run(&t, &r), -EDQUOT);
}

static void ranges_are_checked(void **state)
{
	struct pair *p = *state;
	struct watch w = { 0 };
	struct copy_task t = task(p, COPY_COPY, &w, false);
	struct copy_result r;

	t.size = DISK;
	assert_int_equal(copy_run(&t, &r), -ERANGE);
	t.size = 1000;
	assert_int_equal(copy_run(&t, &r), -ERANGE);
	t.size = 1024;
	t.source_offset = UINT64_MAX - 511;
	assert_int_equal(copy_run(&t, &r), -ERANGE);
	t = task(p, COPY_COPY, &w, false);
	t.size = 0;
	assert_int_equal(copy_run(&t, &r), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(copies_with_uring),           TEST(copies_with_threads),   TEST(holes_stay_holes),
		TEST(check_recopies_what_differs), TEST(stops_and_goes_on),     TEST(keeps_the_limit),
		TEST(bad_places_are_left_for_later), TEST(verify_keeps_what_was_copied),
		TEST(a_dead_source_is_found_out), TEST(retried_places_wait_for_the_flush), TEST(write_errors_end_it), TEST(a_lying_target_is_found_out),
		TEST(comparing_counts_and_writes_nothing),
		TEST(progress_follows_flushes),    TEST(callers_errors_end_it), TEST(ranges_are_checked),
	};
	return cmocka_run_group_tests_name("run copy", tests, NULL, NULL);
}
