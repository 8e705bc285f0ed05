/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A rebuild whose source does not read everywhere, or whose target does not write: no mirror but by a decision. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/bytes.h"
#include "tests/unit/run_faulty.h"
#include "tests/unit/run_lab.h"

enum { DISK_MIB = 32, VOLUME_MIB = 12 };

static int setup(void **state)
{
	struct lab *l = malloc(sizeof(*l));

	lab_make(l, 2, DISK_MIB);
	lab_volume(l, 2, VOLUME_MIB);
	*state = l;
	return 0;
}

static int teardown(void **state)
{
	lab_remove(*state);
	free(*state);
	return 0;
}

struct trouble {
	struct faulty source, target;
	uint64_t bad_from, bad_to, lie_from, wfail_from;
};

static void wrap(void *arg, struct dyn_io **io, bool target)
{
	struct trouble *t = arg;
	struct faulty *f = target ? &t->target : &t->source;

	faulty_init(f, *io);
	f->owns = true;
	f->bad_from = target ? 0 : t->bad_from;
	f->bad_to = target ? 0 : t->bad_to;
	if (target && t->lie_from) {
		f->lie_from = t->lie_from;
		f->lie_to = t->lie_from + 1;
		f->lie_times = -1;
	}
	if (target && t->wfail_from) {
		f->wfail_from = t->wfail_from;
		f->wfail_to = t->wfail_from + 1;
		f->wfail_rc = -EIO;
		f->wfail_times = -1;
	}
	*io = &f->io;
}

static void fails(struct lab *l, struct trouble *t, const char *says)
{
	struct dyn_job j;
	unsigned id;

	l->s->run->wrap_io = wrap;
	l->s->run->wrap_arg = t;
	id = lab_mirror(l, 0);
	assert_int_equal(dyn_jobs_wait(l->s, 20000), 0);
	j = lab_job(l, id);
	assert_int_equal(j.state, DYN_JOB_FAILED);
	if (!strstr(j.result.what, says))
		fail_msg("\"%s\" does not say \"%s\"", j.result.what, says);
	assert_true(j.result.way_out[0]);
	lab_scan(l);
	assert_int_equal(ldm_db_next(l->m->priv->groups[0].db, LDM_VOLUME, NULL)->u.volume.n_components, 1);
	l->s->run->wrap_io = NULL;
}

/* A rebuild whose source has three bad sectors: it comes to need a decision. */
static unsigned until_undecided(struct lab *l, struct trouble *t, uint64_t *bad)
{
	const struct dyn_extent *e = &l->m->volumes[0].plexes[0].extents[0];
	struct dyn_job j;
	unsigned id;

	*bad = 5 * LAB_MIB + 1024;
	*t = (struct trouble){ .bad_from = e->offset + *bad, .bad_to = e->offset + *bad + 3 * 512 };
	l->s->run->wrap_io = wrap;
	l->s->run->wrap_arg = t;
	id = lab_mirror(l, 0);
	assert_int_equal(dyn_jobs_wait(l->s, 20000), 0);
	j = lab_job(l, id);
	if (j.state != DYN_JOB_UNDECIDED)
		fail_msg("state %d: %s", (int)j.state, j.result.what);
	assert_u64(j.errors, 3);
	assert_u64(j.n_unread, 1);
	assert_u64(j.unread[0].offset, *bad);
	assert_u64(j.unread[0].size, 3 * 512);
	assert_non_null(strstr(j.result.what, "3 sectors of Disk 0"));
	assert_non_null(strstr(j.result.what, "10242-10244"));
	assert_true(j.result.way_out[0]);
	/* the database does not know of a second half */
	lab_scan(l);
	assert_int_equal(ldm_db_next(l->m->priv->groups[0].db, LDM_VOLUME, NULL)->u.volume.n_components, 1);
	assert_int_equal(l->m->volumes[0].status, DYN_VOLUME_REBUILDING);
	return id;
}

static void bad_sectors_make_no_mirror(void **state)
{
	struct lab *l = *state;
	struct trouble t;
	uint64_t bad;
	unsigned id = until_undecided(l, &t, &bad);

	assert_int_equal(dyn_job_continue(l->s, id), 0); /* still bad */
	assert_int_equal(dyn_jobs_wait(l->s, 20000), 0);
	assert_int_equal(lab_job(l, id).state, DYN_JOB_UNDECIDED);
	t.source.bad_to = t.bad_to = t.bad_from; /* the disk recovers (a cable) */
	assert_int_equal(dyn_job_continue(l->s, id), 0);
	assert_int_equal(dyn_jobs_wait(l->s, 20000), 0);
	assert_int_equal(lab_job(l, id).state, DYN_JOB_DONE);
	assert_string_equal(lab_job(l, id).result.what, "");
	lab_scan(l);
	lab_assert_mirror(l, 0, 1);
	assert_int_equal(l->m->priv->disks[1].rebuild_pairs_used, 0);
}

static void bad_sectors_and_cancel(void **state)
{
	struct lab *l = *state;
	struct trouble t;
	uint64_t bad;
	unsigned id = until_undecided(l, &t, &bad);

	assert_int_equal(dyn_job_cancel(l->s, id), 0);
	lab_wait(l, id, DYN_JOB_CANCELLED, 0);
	lab_scan(l);
	lab_assert_simple(l);
	assert_int_equal(l->m->priv->disks[1].rebuild_pairs_used, 0);
}

/* The record knows what is missing, so that the decision can be taken by another program, later. */
static void bad_sectors_are_on_record(void **state)
{
	struct lab *l = *state;
	struct dyn_plan *p = NULL;
	struct dyn_job jobs[4];
	struct trouble t;
	uint64_t bad;

	until_undecided(l, &t, &bad);
	lab_close(l);
	lab_open(l);
	assert_int_equal(l->m->n_jobs, 1);
	assert_int_equal(l->m->jobs[0].state, DYN_JOB_UNDECIDED);
	assert_false(l->m->jobs[0].elsewhere);
	assert_u64(l->m->jobs[0].errors, 3);
	assert_u64(l->m->jobs[0].n_unread, 1);
	assert_u64(l->m->jobs[0].unread[0].offset, bad);
	lab_apply(l, dyn_plan_resume(l->s, l->m, 0, &p, &l->err), &p); /* this session's reads are good ones */
	assert_int_equal(dyn_jobs_wait(l->s, 20000), 0);
	assert_int_equal(dyn_jobs(l->s, jobs, 4), 1);
	assert_int_equal(jobs[0].state, DYN_JOB_DONE);
	lab_scan(l);
	lab_assert_mirror(l, 0, 1);
}

/* A mirror that was finished all the same: zeros there, data everywhere else, and everybody can see it. */
static void assert_marked(struct lab *l, uint64_t bad)
{
	const struct dyn_volume *v = &l->m->volumes[0];
	const struct ldm_record *d = NULL;
	uint8_t *a = malloc(v->size), *b = malloc(v->size);
	unsigned failing = 0;
	int fd;

	assert_int_equal(v->layout, DYN_LAYOUT_MIRROR);
	assert_int_equal(v->status, DYN_VOLUME_AT_RISK);
	assert_u64(v->n_plexes, 2);
	assert_u64(v->n_unread, 1);
	assert_u64(v->unread[0].offset, bad);
	assert_u64(v->unread[0].size, 3 * 512);
	assert_int_equal(l->m->n_jobs, 0);
	assert_u64(l->m->disks[1].n_damage, 0);
	while ((d = ldm_db_next(l->m->priv->groups[0].db, LDM_DISK, d)))
		if (d->u.disk.dflags & LDM_DISK_FAILING) {
			assert_u64(d->id, l->m->priv->disks[0].record_id);
			failing++;
		}
	assert_int_equal(failing, 1);
	fd = open(l->path[0], O_RDONLY);
	assert_int_equal(pread(fd, a, v->size, (off_t)v->plexes[0].extents[0].offset), (ssize_t)v->size);
	close(fd);
	fd = open(l->path[1], O_RDONLY);
	assert_int_equal(pread(fd, b, v->size, (off_t)v->plexes[1].extents[0].offset), (ssize_t)v->size);
	close(fd);
	assert_true(bytes_all_zero(b + bad, 3 * 512));
	memset(a + bad, 0, 3 * 512);
	assert_memory_equal(a, b, v->size);
	free(a);
	free(b);
}

static void finished_with_zeros(void **state)
{
	struct lab *l = *state;
	struct dyn_plan *p = NULL;
	struct trouble t;
	uint64_t bad;
	unsigned id = until_undecided(l, &t, &bad);

	assert_int_equal(dyn_job_finish(l->s, id), 0);
	assert_int_equal(dyn_jobs_wait(l->s, 20000), 0);
	assert_int_equal(lab_job(l, id).state, DYN_JOB_DONE);
	assert_non_null(strstr(lab_job(l, id).result.what, "holds zeros in 3 of them"));
	assert_non_null(strstr(lab_job(l, id).result.what, "10242-10244"));
	assert_int_equal(dyn_job_finish(l->s, id), -ESRCH);
	lab_scan(l);
	assert_marked(l, bad);
	lab_close(l); /* for everybody, and for ever */
	lab_open(l);
	assert_marked(l, bad);
	lab_apply(l, dyn_plan_forget_unread(l->s, l->m, 0, &p, &l->err), &p);
	assert_u64(l->m->volumes[0].n_unread, 0);
	assert_int_equal(l->m->priv->disks[1].rebuild_pairs_used, 0);
	assert_int_equal(dyn_plan_forget_unread(l->s, l->m, 0, &p, &l->err), -EINVAL);
}

static void zeros_are_undone(void **state)
{
	struct lab *l = *state;
	struct dyn_undo *u = NULL;
	struct dyn_plan *p = NULL;
	struct trouble t;
	uint64_t bad;
	size_t n;
	unsigned id = until_undecided(l, &t, &bad);

	assert_int_equal(dyn_job_finish(l->s, id), 0);
	assert_int_equal(dyn_jobs_wait(l->s, 20000), 0);
	lab_scan(l);
	assert_marked(l, bad);
	assert_int_equal(dyn_undo_list(l->s, l->m, &u, &n, &l->err), 0);
	assert_true(n > 0);
	if (!u[0].possible)
		fail_msg("%s cannot be undone: %s", u[0].title, u[0].reason);
	lab_apply(l, dyn_plan_undo(l->s, l->m, u[0].id, &p, &l->err), &p);
	free(u);
	lab_assert_simple(l);
	assert_u64(l->m->volumes[0].n_unread, 0);
	assert_int_equal(l->m->priv->disks[1].rebuild_pairs_used, 0);
}

/* The decision taken for a rebuild found on the disks; and the mark goes with the half. */
static void finished_with_zeros_later(void **state)
{
	struct lab *l = *state;
	struct dyn_plan *p = NULL;
	struct dyn_job jobs[4];
	struct trouble t;
	uint64_t bad;

	until_undecided(l, &t, &bad);
	lab_close(l);
	lab_open(l);
	l->s->run->wrap_io = wrap;
	l->s->run->wrap_arg = &t;
	lab_apply(l, dyn_plan_finish(l->s, l->m, 0, &p, &l->err), &p);
	assert_int_equal(dyn_jobs_wait(l->s, 20000), 0);
	assert_int_equal(dyn_jobs(l->s, jobs, 4), 1);
	if (jobs[0].state != DYN_JOB_DONE)
		fail_msg("state %d: %s", (int)jobs[0].state, jobs[0].result.what);
	lab_scan(l);
	assert_marked(l, bad);
	lab_apply(l, dyn_plan_break(l->s, l->m, 0, 1, false, &p, &l->err), &p); /* drops the half with the zeros */
	assert_u64(l->m->volumes[0].n_unread, 0);
	assert_u64(l->m->disks[1].n_damage, 0);
	assert_int_equal(l->m->priv->disks[1].rebuild_pairs_used, 0); /* its place may be used again */
	l->s->run->wrap_io = NULL;
	lab_mirror(l, 0); /* At Risk is no reason against a new half */
	assert_int_equal(dyn_jobs_wait(l->s, 20000), 0);
	lab_scan(l);
	assert_int_equal(l->m->volumes[0].layout, DYN_LAYOUT_MIRROR);
	assert_u64(l->m->volumes[0].n_unread, 0);
}

/* A source that does not answer at all is not a source with bad sectors: nothing is to be decided, only mended. */
static void a_lost_source_makes_no_mirror(void **state)
{
	struct lab *l = *state;
	struct trouble t = { .bad_from = 0, .bad_to = (uint64_t)DISK_MIB * LAB_MIB };
	struct dyn_plan *p = NULL;
	struct dyn_job jobs[4];

	fails(l, &t, "does not answer any more");
	assert_int_equal(l->m->n_jobs, 1);
	assert_int_equal(l->m->jobs[0].state, DYN_JOB_PAUSED);
	assert_u64(l->m->jobs[0].n_unread, 0);
	assert_int_equal(dyn_plan_finish(l->s, l->m, 0, &p, &l->err), -EINVAL);
	lab_apply(l, dyn_plan_resume(l->s, l->m, 0, &p, &l->err), &p);
	assert_int_equal(dyn_jobs_wait(l->s, 20000), 0);
	assert_int_equal(dyn_jobs(l->s, jobs, 4), 2);
	assert_int_equal(jobs[1].state, DYN_JOB_DONE);
	lab_scan(l);
	lab_assert_mirror(l, 0, 1);
}

static void write_errors_make_no_mirror(void **state)
{
	struct lab *l = *state;
	struct trouble t = { .wfail_from = l->m->volumes[0].plexes[0].extents[0].offset + 3 * LAB_MIB };

	fails(l, &t, "Disk 1");
	assert_non_null(strstr(lab_job(l, 1).result.what, "cannot be written"));
}

static void lost_writes_make_no_mirror(void **state)
{
	struct lab *l = *state;
	struct trouble t = { .lie_from = l->m->volumes[0].plexes[0].extents[0].offset + 3 * LAB_MIB };

	fails(l, &t, "does not hold what was written");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bad_sectors_make_no_mirror),
		TEST(bad_sectors_and_cancel),
		TEST(bad_sectors_are_on_record),
		TEST(finished_with_zeros),
		TEST(finished_with_zeros_later),
		TEST(zeros_are_undone),
		TEST(a_lost_source_makes_no_mirror),
		TEST(write_errors_make_no_mirror),
		TEST(lost_writes_make_no_mirror),
	};
	return cmocka_run_group_tests_name("run bad", tests, NULL, NULL);
}
