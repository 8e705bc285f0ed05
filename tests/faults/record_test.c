/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * record_test.c - who writes: opening disks for it, what is read back, and the record of a rebuild, where each of its
 * writes fails, the clock jumps, disks are not there any more, and there is no memory.
 */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "run/writer.h"
#include "tests/faults/wrap.h"
#include "tests/unit/run_lab.h"

enum { DISK_MIB = 24, VOLUME_MIB = 3 };

/* ------------------------------------------------------------------ the system */

static _Atomic unsigned jump;    /* seconds that pass between two looks at the clock */
static _Atomic unsigned passed;
static _Atomic bool no_flags;    /* F_SETFL fails */
static _Atomic bool no_sector;   /* there is no memory for one sector on its own */

int __real_clock_gettime(clockid_t id, struct timespec *ts);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = __real_clock_gettime(id, ts);

	passed += jump;
	ts->tv_sec += passed;
	return rc;
}

int __real_fcntl(int fd, int op, long arg);
int __wrap_fcntl(int fd, int op, long arg);
int __wrap_fcntl(int fd, int op, long arg)
{
	if (op == F_SETFL && no_flags) {
		errno = EINVAL;
		return -1;
	}
	return __real_fcntl(fd, op, arg);
}

int __real_posix_memalign(void **out, size_t align, size_t n);
int __wrap_posix_memalign(void **out, size_t align, size_t n);
int __wrap_posix_memalign(void **out, size_t align, size_t n)
{
	return no_sector && n == 512 ? ENOMEM : __real_posix_memalign(out, align, n);
}

static void expect(int rc, int code, const struct dyn_err *err, const char *word)
{
	if (rc != code || !strstr(err->what, word))
		fail_msg("%d, \"%s\" instead of %d, \"%s\"", rc, err->what, code, word);
}

/* -------------------------------------------------------------------- the disks */

static int setup(void **state)
{
	struct lab *l = malloc(sizeof(*l));

	lab_make(l, 2, DISK_MIB);
	*state = l;
	return 0;
}

static int teardown(void **state)
{
	wrap.armed = false;
	jump = 0;
	passed = 0; /* nothing waits for an hour that it has seen */
	no_flags = no_sector = false;
	lab_remove(*state);
	free(*state);
	return 0;
}

static void open_fails(const char *path, bool exclusive, int error, const char *way_out)
{
	struct dyn_io *io = NULL;
	struct dyn_err err = { 0 };

	wrap.mode = WRAP_FAIL;
	wrap.class = WRAP_OPEN;
	wrap.error = error;
	wrap.nth = 1;
	wrap.lasting = true;
	wrap.calls = 0;
	wrap.armed = true;
	expect(writer_open(path, exclusive, &io, &err), -error, &err, strerror(error));
	wrap.armed = false;
	assert_null(io);
	if (!strstr(err.way_out, way_out))
		fail_msg("\"%s\" does not say \"%s\"", err.way_out, way_out);
}

static bool any_block_device(char *path, size_t size)
{
	DIR *d = opendir("/dev");
	bool found = false;
	struct dirent *e;
	struct stat st;

	while (d && !found && (e = readdir(d))) {
		snprintf(path, size, "/dev/%.60s", e->d_name);
		found = stat(path, &st) == 0 && S_ISBLK(st.st_mode);
	}
	if (d)
		closedir(d);
	return found;
}

/* Whoever cannot write is told why, and what to do about it. */
static void disks_that_do_not_open_say_why(void **state)
{
	struct lab *l = *state;
	struct dyn_err err = { 0 };
	struct dyn_io *io = NULL;
	char none[128];

	open_fails(l->path[0], true, EACCES, "as root");
	open_fails(l->path[0], true, EPERM, "as root");
	open_fails(l->path[0], true, EROFS, "write protection");
	open_fails(l->path[0], false, EBUSY, "Unmount it");
	open_fails(l->path[0], false, EIO, "");
	snprintf(none, sizeof(none), "%s/none", l->dir);
	expect(writer_open(none, true, &io, &err), -ENOENT, &err, "none cannot be opened");
	/* a block device is asked for alone; none is opened here */
	if (any_block_device(none, sizeof(none))) {
		open_fails(none, true, EBUSY, "lsblk /dev/");
		assert_true(wrap.flags & O_EXCL);
		open_fails(none, false, EBUSY, "lsblk /dev/");
		assert_false(wrap.flags & O_EXCL);
	}
}

static int just_open(void *arg, struct dyn_err *err)
{
	struct dyn_io *io = NULL;
	int rc = writer_open(arg, true, &io, err);

	if (!rc)
		dyn_io_close(io);
	return rc;
}

static void a_writer_without_memory(void **state)
{
	struct lab *l = *state;

	assert_int_equal(wrap_starve(just_open, l->path[0]), 2);
}

static void a_write_of_nothing_is_an_error(void **state)
{
	struct lab *l = *state;
	uint8_t b[512] = { 1 }, back[512];
	struct dyn_io *io;

	assert_int_equal(writer_open(l->path[0], true, &io, NULL), 0);
	wrap.mode = WRAP_NOTHING;
	wrap.armed = true;
	assert_int_equal(dyn_io_write(io, 0, b, sizeof(b)), -EIO);
	wrap.armed = false;
	assert_int_equal(dyn_io_write(io, 0, b, sizeof(b)), 0);
	assert_int_equal(dyn_io_read(io, 0, back, sizeof(back)), 0);
	assert_memory_equal(back, b, sizeof(b));
	dyn_io_close(io);
}

static bool is_direct(const struct dyn_io *io)
{
	return fcntl(io->fd, F_GETFL) & O_DIRECT;
}

/* Past the page cache, where the kernel lets us, and back again; a back end without a descriptor is left alone. */
static void direct_is_asked_for_and_given_up(void **state)
{
	struct dyn_io none = { .fd = -1, .is_block = true }, closed = { .fd = 1023, .is_block = true };
	struct lab *l = *state;
	struct dyn_io *io;

	assert_int_equal(writer_open(l->path[0], true, &io, NULL), 0);
	writer_set_direct(io); /* a file */
	assert_false(is_direct(io));
	assert_false(writer_drop_direct(io));
	io->is_block = true;
	writer_set_direct(io);
	assert_true(is_direct(io));
	no_flags = true;
	assert_false(writer_drop_direct(io)); /* the same would fail again */
	no_flags = false;
	assert_true(writer_drop_direct(io));
	assert_false(is_direct(io));
	wrap.mode = WRAP_FAIL;
	wrap.class = WRAP_CONTROL;
	wrap.nth = 0;
	wrap.calls = 0;
	wrap.armed = true;
	writer_forget_cache(io); /* what a file says to these is not looked at */
	writer_reread_table(io);
	writer_set_direct(&none);
	writer_set_direct(&closed);
	assert_false(writer_drop_direct(&none));
	assert_false(writer_drop_direct(&closed));
	writer_forget_cache(&none);
	writer_reread_table(&none);
	io->is_block = false;
	writer_forget_cache(io);
	writer_reread_table(io);
	wrap.armed = false;
	assert_int_equal(wrap.calls, 2);
	dyn_io_close(io);
}

/* ----------------------------------------------------------------------- gates */

/* In front of a disk: some writes fail, and a place that reads so many times only. */
struct gate {
	struct dyn_io io;
	struct dyn_io *under;
	uint64_t from, to;       /* bytes: writes that touch them are counted */
	unsigned nth;            /* the one that fails, from 1; 0: none */
	bool lasting;            /* and all behind it */
	int rc;
	unsigned writes;
	uint64_t bad;            /* a byte: it is read `reads` times, and then not for `fails` times */
	unsigned reads, fails;
	uint64_t lose;           /* a byte: writes of it are lost */
	bool picky;              /* single sectors not while O_DIRECT is set: -EINVAL */
	unsigned starve;         /* the so many-th allocation behind a flush fails; 0: none */
};

static int gate_read(struct dyn_io *io, uint64_t off, void *buf, size_t n)
{
	struct gate *g = (struct gate *)io;

	if (g->bad && off <= g->bad && g->bad < off + n) {
		if (!g->reads && g->fails) {
			g->fails -= g->fails != UINT_MAX;
			return -EIO;
		}
		g->reads -= g->reads > 0;
	}
	return dyn_io_read(g->under, off, buf, n);
}

static int gate_write(struct dyn_io *io, uint64_t off, const void *buf, size_t n)
{
	struct gate *g = (struct gate *)io;

	if (g->picky && n == 512 && is_direct(io))
		return -EINVAL;
	if (off < g->to && g->from < off + n) {
		unsigned k = ++g->writes;
		if (k == g->nth || (g->lasting && k > g->nth))
			return g->rc;
	}
	if (g->lose && off <= g->lose && g->lose < off + n)
		return 0;
	return dyn_io_write(g->under, off, buf, n);
}

static void arm(enum wrap_class class, unsigned nth, int error, bool lasting)
{
	wrap.mode = WRAP_FAIL;
	wrap.class = class;
	wrap.error = error;
	wrap.lasting = lasting;
	wrap.nth = nth;
	wrap.calls = wrap.hits = 0;
	wrap.armed = true;
}

static void starve(unsigned nth)
{
	arm(WRAP_ALLOC, nth, ENOMEM, false);
}

static int gate_sync(struct dyn_io *io)
{
	struct gate *g = (struct gate *)io;
	int rc = dyn_io_sync(g->under);

	if (g->starve)
		starve(g->starve);
	return rc;
}

static void gate_close(struct dyn_io *io)
{
	struct gate *g = (struct gate *)io;

	if (g->picky)
		close(io->fd);
	io->fd = -1;
	if (g->under)
		dyn_io_close(g->under);
	g->under = NULL;
}

static const struct dyn_io_ops gate_ops = { gate_read, gate_write, gate_sync, gate_close };

struct gates {
	struct gate source, target;
};

static void put_gate(void *arg, struct dyn_io **io, bool target)
{
	struct gates *both = arg;
	struct gate *g = target ? &both->target : &both->source;

	g->io = (struct dyn_io){ .ops = &gate_ops, .fd = -1, .size = (*io)->size, .sector_size = (*io)->sector_size,
				 .path = (*io)->path };
	g->under = *io;
	if (g->picky) {
		g->io.fd = open((*io)->path, O_RDWR | O_DIRECT | O_CLOEXEC);
		assert_true(g->io.fd >= 0);
	}
	*io = &g->io;
}

/* The second disk's records are what is counted. */
static void begin(struct lab *l, struct gates *g)
{
	uint64_t at;

	lab_volume(l, 2, VOLUME_MIB);
	at = l->m->priv->disks[1].ph.private_start + LDM_REBUILD_FIRST;
	*g = (struct gates){ .source.fails = UINT_MAX, .target = { .from = at * 512, .to = (at + 2 * LDM_REBUILD_PAIRS) * 512, .rc = -EIO } };
	l->s->run->wrap_io = put_gate;
	l->s->run->wrap_arg = g;
}

/* A session of its own: the jobs of one are kept until it ends. */
static void reopen(struct lab *l, struct gates *g)
{
	lab_close(l);
	lab_open(l);
	l->s->run->wrap_io = put_gate;
	l->s->run->wrap_arg = g;
}

static struct dyn_job end_of(struct lab *l, unsigned id)
{
	assert_int_equal(dyn_jobs_wait(l->s, 60000), 0);
	return lab_job(l, id);
}

/* However it ended: the volume is what it was, and what is on record can be given up, or gone on with to the end. */
static void assert_simple(struct lab *l)
{
	lab_scan(l);
	assert_string_equal(l->m->groups[0].problem, "");
	assert_int_equal(ldm_db_next(l->m->priv->groups[0].db, LDM_VOLUME, NULL)->u.volume.n_components, 1);
}

static void give_up(struct lab *l)
{
	struct dyn_plan *p = NULL;

	assert_simple(l);
	assert_int_equal(l->m->n_jobs, 1);
	lab_apply(l, dyn_plan_cancel(l->s, l->m, 0, &p, &l->err), &p);
	assert_int_equal(l->m->n_jobs, 0);
}

static void failed(const struct dyn_job *j)
{
	if (j->state != DYN_JOB_FAILED || !strstr(j->result.what, "the rebuild's place cannot be written at sector") ||
	    !strstr(j->result.way_out, "cable"))
		fail_msg("state %d: %s / %s", (int)j->state, j->result.what, j->result.way_out);
}

static uint64_t a_sector(const struct lab *l)
{
	return l->m->volumes[0].plexes[0].extents[0].offset + LAB_MIB + 1024;
}

/* ------------------------------------------------------------- carrying plans out */

/* Gates in front of the disks that plans are carried out on, one for each. */
static struct gate held[2];

static int open_gate(void *arg, const char *path, bool write, struct dyn_io **out, struct dyn_err *err)
{
	const struct lab *l = arg;
	struct gate *g = &held[strcmp(path, l->path[0]) != 0];
	int rc;

	if (!write)
		return dyn_io_open_ro(path, out, err);
	assert_null(g->under);
	rc = writer_open(path, false, &g->under, err);
	if (rc)
		return rc;
	g->io = (struct dyn_io){ .ops = &gate_ops, .fd = -1, .size = g->under->size, .sector_size = g->under->sector_size,
				 .path = g->under->path };
	*out = &g->io;
	return 0;
}

/* What is written is read again: a disk that takes a write and does not keep it is found out. */
static void a_lost_write_is_found_by_reading_back(void **state)
{
	struct lab *l = *state;
	struct dyn_plan *p = NULL, *next = NULL;

	lab_volume(l, 2, VOLUME_MIB);
	memset(held, 0, sizeof(held));
	held[1].lose = (l->m->priv->disks[1].ph.private_start + LDM_CONFIG_START) * 512 + 16;
	l->s->open_io = open_gate;
	l->s->open_arg = l;
	assert_int_equal(dyn_plan_set_letter(l->s, l->m, 0, 'Q', &p, &l->err), 0);
	assert_int_equal(dyn_plan_set_letter(l->s, l->m, 0, 'R', &next, &l->err), 0);
	expect(dyn_apply(l->s, p, NULL, &l->err), -EILSEQ, &l->err, "it reads back differently");
	assert_non_null(strstr(l->err.what, "Disk 1"));
	expect(dyn_apply(l->s, next, NULL, &l->err), -ESTALE, &l->err, "earlier change failed");
	dyn_plan_free(p);
	dyn_plan_free(next);
	l->s->open_io = NULL;
	lab_scan(l);
	assert_int_equal(l->m->volumes[0].status, DYN_VOLUME_HEALTHY); /* one of the two disks is right, and decides */
}

/* There is no memory for that: it is not taken for read. */
static void reading_back_needs_memory(void **state)
{
	struct lab *l = *state;
	unsigned wanting = 0, n = 0;
	int rc;

	lab_volume(l, 2, VOLUME_MIB);
	do {
		struct dyn_plan *p = NULL;
		memset(held, 0, sizeof(held));
		held[1].starve = ++n;
		l->s->open_io = open_gate;
		l->s->open_arg = l;
		assert_int_equal(dyn_plan_set_letter(l->s, l->m, 0, n % 2 ? 'Q' : 'R', &p, &l->err), 0);
		rc = dyn_apply(l->s, p, NULL, &l->err);
		wrap.armed = false;
		dyn_plan_free(p);
		l->s->open_io = NULL;
		if (rc) {
			expect(rc, -ENOMEM, &l->err, "memory");
			wanting += strstr(l->err.what, "reading back") != NULL;
		}
		lab_scan(l);
		assert_string_equal(l->m->groups[0].problem, "");
		assert_int_equal(l->m->volumes[0].letter, n % 2 ? 'Q' : 'R'); /* all of it was written by then */
	} while (rc || wrap.hits);
	assert_true(wanting >= 2 && n < 200);
}

static size_t unfinished_undo_files(const struct lab *l)
{
	char path[128];
	struct dirent *e;
	size_t n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s/undo", l->state);
	d = opendir(path);
	assert_non_null(d);
	while ((e = readdir(d)))
		n += strstr(e->d_name, ".undo") && e->d_name[0] == '.';
	closedir(d);
	return n;
}

/* Locks, renames and removals that fail, one after the other: no heap of unfinished files that the next change stumbles over. */
static void an_undo_file_that_cannot_be_had_leaves_no_heap(void **state)
{
	struct lab *l = *state;
	unsigned refused = 0, n = 0;
	int rc;

	lab_volume(l, 2, VOLUME_MIB);
	do {
		struct dyn_plan *p = NULL;
		assert_int_equal(dyn_plan_set_letter(l->s, l->m, 0, l->m->volumes[0].letter == 'Q' ? 'T' : 'Q', &p, &l->err), 0);
		arm(WRAP_CONTROL, ++n, EIO, true);
		rc = dyn_apply(l->s, p, NULL, &l->err);
		wrap.armed = false;
		dyn_plan_free(p);
		refused += rc && strstr(l->err.what, "undo file");
		assert_true(unfinished_undo_files(l) <= 1);
		lab_scan(l);
		lab_apply(l, dyn_plan_set_letter(l->s, l->m, 0, l->m->volumes[0].letter == 'R' ? 'S' : 'R', &p, &l->err), &p);
		assert_int_equal(unfinished_undo_files(l), 0);
	} while (rc || wrap.hits);
	assert_true(refused >= 2 && n < 100);
}

static int stop_it(void *arg, const struct dyn_step *step, uint64_t done, uint64_t total)
{
	(void)step, (void)done, (void)total;
	++*(unsigned *)arg;
	return 1;
}

/* The half that is missing is on a disk that is here and does not open: nobody is told to repair the mirror. */
static void a_half_that_does_not_open_is_not_called_lost(void **state)
{
	struct lab *l = *state;
	struct dyn_verify v;
	char away[128];

	lab_volume(l, 2, VOLUME_MIB);
	assert_int_equal(end_of(l, lab_mirror(l, 0)).state, DYN_JOB_DONE);
	snprintf(away, sizeof(away), "%s.away", l->path[1]);
	assert_int_equal(rename(l->path[1], away), 0);
	assert_int_equal(symlink(l->path[1], l->path[1]), 0);
	lab_scan(l);
	expect(dyn_verify(l->s, l->m, 0, NULL, NULL, &v, &l->err), -EIO, &l->err, "is missing: Disk 1");
	assert_non_null(strstr(l->err.way_out, "cable"));
	assert_int_equal(unlink(l->path[1]), 0);
	assert_int_equal(rename(away, l->path[1]), 0);
	lab_scan(l);
	assert_int_equal(dyn_verify(l->s, l->m, 0, NULL, NULL, &v, &l->err), 0);
}

/* Halves become a mirror again only when all of both has been compared: not when that was stopped, or cannot be read. */
static void halves_that_were_not_compared_make_no_mirror(void **state)
{
	struct lab *l = *state;
	struct dyn_plan *p = NULL;
	struct dyn_undo *list;
	uint64_t hash[2], bad;
	unsigned asked = 0;
	size_t n;

	lab_volume(l, 2, VOLUME_MIB);
	assert_int_equal(end_of(l, lab_mirror(l, 0)).state, DYN_JOB_DONE);
	lab_scan(l);
	bad = a_sector(l);
	lab_apply(l, dyn_plan_break(l->s, l->m, 0, 1, true, &p, &l->err), &p);
	assert_int_equal(dyn_undo_list(l->s, l->m, &list, &n, &l->err), 0);
	assert_int_equal(dyn_plan_undo(l->s, l->m, list[0].id, &p, &l->err), 0);
	free(list);
	for (size_t i = 0; i < 2; i++)
		hash[i] = lab_hash(l->path[i]);
	l->s->progress = stop_it;
	l->s->progress_arg = &asked;
	expect(dyn_apply(l->s, p, dyn_plan_confirm(p), &l->err), -ECANCELED, &l->err, "stopped on request");
	assert_true(asked >= 1);
	l->s->progress = NULL;
	memset(held, 0, sizeof(held));
	held[0] = (struct gate){ .bad = bad, .fails = UINT_MAX };
	l->s->open_io = open_gate;
	l->s->open_arg = l;
	expect(dyn_apply(l->s, p, dyn_plan_confirm(p), &l->err), -EIO, &l->err, "cannot be compared");
	assert_non_null(strstr(l->err.way_out, "Nothing was written"));
	l->s->open_io = NULL;
	for (size_t i = 0; i < 2; i++)
		assert_u64(lab_hash(l->path[i]), hash[i]);
	lab_apply(l, 0, &p); /* nothing was, and now it can be done */
	lab_assert_mirror(l, 0, 1);
}

/* ----------------------------------------------------------------- the record */

/* Every five seconds, as the clock says, and at each turn; whichever of these writes fails, no mirror comes of it. */
static void the_place_is_on_record_or_it_stops(void **state)
{
	struct lab *l = *state;
	static struct gates g; /* a rebuild may outlive a test that fails */
	unsigned usual, n;

	begin(l, &g);
	assert_int_equal(end_of(l, lab_mirror(l, 0)).state, DYN_JOB_DONE);
	usual = g.target.writes;
	assert_true(usual >= 1);
	for (n = 1; ; n++) {
		struct dyn_plan *p = NULL;
		struct dyn_job j;
		reopen(l, &g);
		if (l->m->volumes[0].layout == DYN_LAYOUT_MIRROR)
			lab_apply(l, dyn_plan_break(l->s, l->m, 0, 1, false, &p, &l->err), &p);
		g.target.nth = n;
		g.target.writes = 0;
		jump = 6;
		j = end_of(l, lab_mirror(l, 0));
		jump = 0;
		if (g.target.writes < n) {
			assert_int_equal(j.state, DYN_JOB_DONE);
			break;
		}
		failed(&j);
		give_up(l);
	}
	assert_true(n > usual + 2); /* the clock had it written more often */
	lab_scan(l);
	lab_assert_mirror(l, 0, 1);
}

/* One sector at a time is not for every disk past the cache: then through it. */
static void a_picky_disk_gets_its_record_through_the_cache(void **state)
{
	struct lab *l = *state;
	static struct gates g; /* a rebuild may outlive a test that fails */

	begin(l, &g);
	g.target.picky = true;
	assert_int_equal(end_of(l, lab_mirror(l, 0)).state, DYN_JOB_DONE);
	assert_true(g.target.writes >= 1);
	lab_scan(l);
	lab_assert_mirror(l, 0, 1);
}

static void a_disk_that_takes_no_record_ends_it(void **state)
{
	struct lab *l = *state;
	static struct gates g; /* a rebuild may outlive a test that fails */
	struct dyn_job j;

	begin(l, &g);
	g.target.nth = 1;
	g.target.rc = -EINVAL; /* and there is no O_DIRECT to give up */
	j = end_of(l, lab_mirror(l, 0));
	failed(&j);
	give_up(l);
	g.target.nth = 0;
	no_sector = true;
	j = end_of(l, lab_mirror(l, 0));
	no_sector = false;
	assert_int_equal(j.state, DYN_JOB_FAILED);
	assert_int_equal(j.result.code, -ENOMEM);
	give_up(l);
}

/* Paused, and the place it came to cannot be written. */
static void a_pause_that_is_not_on_record_is_a_failure(void **state)
{
	struct lab *l = *state;
	static struct gates g; /* a rebuild may outlive a test that fails */
	struct dyn_job j;
	unsigned id;

	begin(l, &g);
	g.target.nth = 1;
	id = lab_mirror(l, LAB_MIB);
	lab_wait(l, id, DYN_JOB_COPYING, 0);
	assert_int_equal(dyn_job_pause(l->s, id), 0);
	j = end_of(l, id);
	failed(&j);
	give_up(l);
}

/* A bad sector: what is to be decided, and what has been, is on record, or it stops. */
static void a_decision_is_on_record_or_it_stops(void **state)
{
	struct lab *l = *state;
	static struct gates g; /* a rebuild may outlive a test that fails */
	unsigned n, undecided = 0, done = 0;

	begin(l, &g);
	for (n = 1; !done; n++) {
		struct dyn_job j;
		unsigned id;
		g.source.bad = a_sector(l);
		g.source.reads = 0;
		g.target.nth = n;
		g.target.writes = 0;
		id = lab_mirror(l, 0);
		j = end_of(l, id);
		if (j.state == DYN_JOB_UNDECIDED) {
			undecided++;
			assert_int_equal(dyn_job_finish(l->s, id), 0);
			j = end_of(l, id);
		}
		if (j.state == DYN_JOB_DONE) {
			assert_true(g.target.writes < n);
			done++;
			break;
		}
		failed(&j);
		give_up(l);
	}
	assert_true(undecided >= 3); /* once where nothing fails, and where a write behind the decision does */
	lab_scan(l);
	assert_int_equal(l->m->volumes[0].layout, DYN_LAYOUT_MIRROR);
	assert_int_equal(l->m->volumes[0].status, DYN_VOLUME_AT_RISK);
	assert_u64(l->m->volumes[0].n_unread, 1);
}

/* It was read and copied, and is not read any more when all is compared: not compared is not equal. */
static void a_sector_lost_before_the_comparison_is_for_people(void **state)
{
	struct lab *l = *state;
	static struct gates g; /* a rebuild may outlive a test that fails */
	struct dyn_job j;
	unsigned id;

	begin(l, &g);
	g.source.bad = a_sector(l);
	g.source.reads = 1;
	id = lab_mirror(l, 0);
	j = end_of(l, id);
	assert_int_equal(j.state, DYN_JOB_UNDECIDED);
	assert_u64(j.errors, 1);
	assert_simple(l);
	g.source.bad = 0; /* it comes to itself */
	assert_int_equal(dyn_job_continue(l->s, id), 0);
	assert_int_equal(end_of(l, id).state, DYN_JOB_DONE);
	lab_scan(l);
	lab_assert_mirror(l, 0, 1);
	assert_u64(l->m->volumes[0].n_unread, 0);
}

/* On record, with nobody working on it yet. Returns its id. */
static unsigned parked(struct lab *l)
{
	struct dyn_plan *p = NULL;

	assert_int_equal(dyn_jobs_park(l->s), 0);
	lab_apply(l, dyn_plan_add_mirror(l->s, l->m, 0, 1, DYN_TABLE_MBR, &p, &l->err), &p);
	assert_int_equal(l->m->n_jobs, 1);
	return l->m->jobs[0].id;
}

/* A bad place of the source is read after all, and then it cannot be written. */
static void a_target_that_fails_while_retrying_ends_it(void **state)
{
	struct lab *l = *state;
	static struct gates g; /* a rebuild may outlive a test that fails */
	struct dyn_job j;
	unsigned id;

	begin(l, &g);
	g.source.bad = a_sector(l);
	g.source.fails = 1;
	id = parked(l);
	g.target.from = l->m->priv->disks[1].rebuilds[0].r.target_start * 512 + LAB_MIB + 1024;
	g.target.to = g.target.from + 1;
	g.target.nth = 1;
	g.target.lasting = true;
	assert_int_equal(dyn_jobs_unpark(l->s), 0);
	j = end_of(l, id);
	assert_int_equal(j.state, DYN_JOB_FAILED);
	expect(j.result.code, -EIO, &j.result, "cannot be written at sectors");
	give_up(l);
	g.target.lasting = false;
	g.target.nth = 0;
	g.source.fails = 1;
	assert_int_equal(end_of(l, lab_mirror(l, 0)).state, DYN_JOB_DONE); /* it needs no decision: it was read after all */
	lab_scan(l);
	lab_assert_mirror(l, 0, 1);
}

/* A record that says all is copied is gone on with where everything is compared; what differs is copied once more. */
static void a_record_that_came_to_the_comparison_goes_on_there(void **state)
{
	struct lab *l = *state;
	struct dyn_plan *p = NULL;
	struct ldm_rebuild r;
	static struct gates g; /* a rebuild may outlive a test that fails */
	uint8_t b[512];
	uint64_t at;
	int fd;

	begin(l, &g);
	parked(l);
	r = l->m->priv->disks[1].rebuilds[0].r;
	at = (l->m->priv->disks[1].ph.private_start + (l->m->priv->disks[1].rebuilds[0].slot ^ 1)) * 512;
	lab_close(l);
	r.sequence++;
	r.phase = LDM_REBUILD_VERIFY;
	r.done = r.size;
	ldm_rebuild_encode(&r, b);
	fd = open(l->path[1], O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, b, sizeof(b), (off_t)at), sizeof(b));
	close(fd);
	lab_open(l);
	lab_apply(l, dyn_plan_resume(l->s, l->m, 0, &p, &l->err), &p);
	assert_int_equal(end_of(l, 1).state, DYN_JOB_DONE);
	lab_scan(l);
	lab_assert_mirror(l, 0, 1);
}

/* ------------------------------------------------------------------ disks that go */

/* All is copied and compared, and then one of the disks is not to be found: no mirror, and no harm. */
static void a_disk_that_is_gone_at_the_end_makes_no_mirror(void **state)
{
	struct lab *l = *state;
	static struct gates g; /* a rebuild may outlive a test that fails */
	struct dyn_job j;
	unsigned id;

	begin(l, &g);
	id = parked(l);
	l->s->n_paths = 1;
	assert_int_equal(dyn_jobs_unpark(l->s), 0);
	j = end_of(l, id);
	l->s->n_paths = 2;
	assert_int_equal(j.state, DYN_JOB_FAILED);
	assert_true(j.result.what[0]);
	give_up(l);
}

/* Waits in the queue; its target cannot be opened any more when its turn comes. */
static void a_target_that_is_gone_ends_it(void **state)
{
	struct lab *l = *state;
	struct dyn_plan *p = NULL;
	static struct gates g; /* a rebuild may outlive a test that fails */
	struct dyn_job j;
	char away[128];

	begin(l, &g);
	assert_int_equal(dyn_jobs_park(l->s), 0);
	lab_apply(l, dyn_plan_add_mirror(l->s, l->m, 0, 1, DYN_TABLE_MBR, &p, &l->err), &p);
	snprintf(away, sizeof(away), "%s.away", l->path[1]);
	assert_int_equal(rename(l->path[1], away), 0);
	assert_int_equal(dyn_jobs_unpark(l->s), 0);
	j = end_of(l, 1);
	assert_int_equal(rename(away, l->path[1]), 0);
	assert_int_equal(j.state, DYN_JOB_FAILED);
	assert_non_null(strstr(j.result.what, "cannot be opened"));
	give_up(l);
}

/*
 * A rebuild that is given up when its target is not in the machine any more, or cannot be opened: its record stays, and
 * that is said. Where it could not be read the program crashed.
 */
static void giving_up_without_the_target_says_so(void **state)
{
	static const char *const says[] = { "is gone", "cannot be read, and its rebuild record stays" };
	static const int codes[] = { -ENODEV, -EIO };
	struct lab *l = *state;
	char away[128];
	static struct gates g; /* a rebuild may outlive a test that fails */

	begin(l, &g);
	snprintf(away, sizeof(away), "%s.away", l->path[1]);
	for (int i = 0; i < 2; i++) {
		struct dyn_job j;
		unsigned id = lab_mirror(l, LAB_MIB);
		lab_wait(l, id, DYN_JOB_COPYING, 0);
		assert_int_equal(dyn_job_pause(l->s, id), 0);
		lab_wait(l, id, DYN_JOB_PAUSED, 0);
		if (i == 0)
			l->s->n_paths = 1; /* as a disk that the system does not list any more */
		else
			assert_int_equal(rename(l->path[1], away), 0);
		assert_int_equal(dyn_job_cancel(l->s, id), 0);
		j = end_of(l, id);
		if (i == 0)
			l->s->n_paths = 2;
		else
			assert_int_equal(rename(away, l->path[1]), 0);
		assert_int_equal(j.state, DYN_JOB_FAILED);
		expect(j.result.code, codes[i], &j.result, says[i]);
		assert_true(i == 0 || j.result.way_out[0]);
		give_up(l);
	}
}

/* Given up with the nth allocation failing: it says so, or its record is gone. */
static void giving_up_without_memory(void **state)
{
	struct lab *l = *state;
	const char *tier = getenv("DYNADISK_TIER");
	unsigned cancelled = 0, lost = 0, stride = tier && strcmp(tier, "full") == 0 ? 1 : 7, n;

	lab_volume(l, 2, VOLUME_MIB);
	for (n = 1; !cancelled; n += n < 8 ? 1 : stride) {
		struct dyn_plan *p = NULL;
		struct dyn_job j;
		unsigned id;
		lab_close(l); /* its jobs are kept until then */
		lab_open(l);
		assert_int_equal(dyn_jobs_park(l->s), 0);
		lab_apply(l, dyn_plan_add_mirror(l->s, l->m, 0, 1, DYN_TABLE_MBR, &p, &l->err), &p);
		id = l->m->jobs[0].id;
		assert_int_equal(dyn_job_cancel(l->s, id), 0);
		starve(n);
		assert_int_equal(dyn_jobs_unpark(l->s), 0);
		j = end_of(l, id);
		wrap.armed = false;
		cancelled = j.state == DYN_JOB_CANCELLED && !wrap.hits;
		if (j.state == DYN_JOB_FAILED) {
			assert_true(j.result.what[0]);
			lost++;
			assert_simple(l);
			if (l->m->n_jobs) /* it may have been gone before it failed: what was written could not be read back */
				give_up(l);
		} else {
			assert_int_equal(j.state, DYN_JOB_CANCELLED);
			assert_simple(l);
			assert_int_equal(l->m->n_jobs, 0);
		}
	}
	assert_true(lost > 5);
	print_message("# figures: given up with each %u. of %u allocations failing, %u times with a message\n", stride, n, lost);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(disks_that_do_not_open_say_why),
		TEST(a_writer_without_memory),
		TEST(a_write_of_nothing_is_an_error),
		TEST(direct_is_asked_for_and_given_up),
		TEST(a_lost_write_is_found_by_reading_back),
		TEST(reading_back_needs_memory),
		TEST(an_undo_file_that_cannot_be_had_leaves_no_heap),
		TEST(a_half_that_does_not_open_is_not_called_lost),
		TEST(halves_that_were_not_compared_make_no_mirror),
		TEST(the_place_is_on_record_or_it_stops),
		TEST(a_picky_disk_gets_its_record_through_the_cache),
		TEST(a_disk_that_takes_no_record_ends_it),
		TEST(a_pause_that_is_not_on_record_is_a_failure),
		TEST(a_decision_is_on_record_or_it_stops),
		TEST(a_sector_lost_before_the_comparison_is_for_people),
		TEST(a_target_that_fails_while_retrying_ends_it),
		TEST(a_record_that_came_to_the_comparison_goes_on_there),
		TEST(a_disk_that_is_gone_at_the_end_makes_no_mirror),
		TEST(a_target_that_is_gone_ends_it),
		TEST(giving_up_without_the_target_says_so),
		TEST(giving_up_without_memory),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
