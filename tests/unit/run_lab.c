/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "tests/unit/run_lab.h"

void lab_open(struct lab *l)
{
	const char *paths[LAB_DISKS] = { l->path[0], l->path[1], l->path[2] };
	struct dyn_options opt = { .state_dir = l->state };

	assert_int_equal(dyn_session_open(paths, l->n, &opt, &l->s, &l->err), 0);
	lab_scan(l);
}

void lab_close(struct lab *l)
{
	dyn_model_unref(l->m);
	dyn_session_close(l->s);
	l->m = NULL;
	l->s = NULL;
}

void lab_scan(struct lab *l)
{
	dyn_model_unref(l->m);
	l->m = NULL;
	if (dyn_scan(l->s, &l->m, &l->err))
		fail_msg("scan: %s", l->err.what);
}

void lab_make(struct lab *l, size_t n, unsigned mib)
{
	memset(l, 0, sizeof(*l));
	l->n = n;
	snprintf(l->dir, sizeof(l->dir), "/tmp/dynadisk-run-XXXXXX");
	assert_non_null(mkdtemp(l->dir));
	snprintf(l->state, sizeof(l->state), "%s/state", l->dir);
	for (size_t i = 0; i < n; i++) {
		int fd;
		snprintf(l->path[i], sizeof(l->path[i]), "%s/disk%zu.img", l->dir, i);
		fd = open(l->path[i], O_RDWR | O_CREAT | O_EXCL, 0600);
		assert_true(fd >= 0);
		assert_int_equal(ftruncate(fd, (off_t)mib * LAB_MIB), 0);
		close(fd);
	}
	lab_open(l);
}

static void remove_all(const char *dir)
{
	char path[512];
	struct dirent *e;
	DIR *d = opendir(dir);

	while (d && (e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (unlink(path) < 0)
			remove_all(path);
	}
	if (d)
		closedir(d);
	rmdir(dir);
}

void lab_remove(struct lab *l)
{
	if (l->s)
		lab_close(l);
	remove_all(l->dir);
}

void lab_apply(struct lab *l, int rc, struct dyn_plan **p)
{
	if (rc)
		fail_msg("plan: %s", l->err.what);
	rc = dyn_apply(l->s, *p, dyn_plan_confirm(*p), &l->err);
	if (rc)
		fail_msg("apply %s: %s", dyn_plan_title(*p), l->err.what);
	dyn_plan_free(*p);
	*p = NULL;
	lab_scan(l);
}

void lab_volume(struct lab *l, size_t n, unsigned mib)
{
	struct dyn_plan *p = NULL;

	for (size_t i = 0; i < n; i++)
		lab_apply(l, dyn_plan_upgrade(l->s, l->m, i, DYN_TABLE_MBR, DYN_NONE, &p, &l->err), &p);
	lab_apply(l, dyn_plan_create_simple(l->s, l->m, 0, (uint64_t)mib * LAB_MIB, 'D', &p, &l->err), &p);
	assert_int_equal(l->m->n_volumes, 1);
	lab_fill(l, 0, 1);
}

static void pattern(uint8_t *b, size_t n, uint64_t at, uint8_t salt)
{
	for (size_t i = 0; i < n; i++)
		b[i] = (uint8_t)(((at + i) * 2654435761u >> 11) + salt) | 1;
}

void lab_fill(struct lab *l, size_t volume, uint8_t salt)
{
	const struct dyn_extent *e = &l->m->volumes[volume].plexes[0].extents[0];
	uint8_t *b = malloc(e->size);
	int fd = open(l->m->disks[e->disk].path, O_RDWR);

	pattern(b, e->size, 0, salt);
	assert_int_equal(pwrite(fd, b, e->size, (off_t)e->offset), (ssize_t)e->size);
	close(fd);
	free(b);
}

void lab_assert_mirror(struct lab *l, size_t volume, uint8_t salt)
{
	const struct dyn_volume *v = &l->m->volumes[volume];
	uint8_t *want = malloc(v->size), *got = malloc(v->size);

	assert_int_equal(v->layout, DYN_LAYOUT_MIRROR);
	assert_int_equal(v->status, DYN_VOLUME_HEALTHY);
	assert_int_equal(v->n_plexes, 2);
	pattern(want, v->size, 0, salt);
	for (size_t i = 0; i < 2; i++) {
		const struct dyn_extent *e = &v->plexes[i].extents[0];
		int fd = open(l->m->disks[e->disk].path, O_RDONLY);
		assert_int_equal(v->plexes[i].n_extents, 1);
		assert_int_equal(pread(fd, got, v->size, (off_t)e->offset), (ssize_t)v->size);
		assert_memory_equal(got, want, v->size);
		close(fd);
	}
	free(want);
	free(got);
}

unsigned lab_mirror(struct lab *l, uint64_t limit)
{
	struct dyn_plan *p = NULL;
	struct dyn_job jobs[8];
	size_t n;

	if (dyn_plan_add_mirror(l->s, l->m, 0, 1, DYN_TABLE_MBR, &p, &l->err))
		fail_msg("plan: %s", l->err.what);
	/* parked, so that the limit holds from the first byte on */
	assert_int_equal(dyn_jobs_park(l->s), 0);
	lab_apply(l, 0, &p);
	n = dyn_jobs(l->s, jobs, 8);
	assert_true(n > 0 && n <= 8);
	assert_int_equal(jobs[n - 1].state, DYN_JOB_QUEUED);
	assert_int_equal(dyn_job_limit(l->s, jobs[n - 1].id, limit), 0);
	assert_int_equal(dyn_jobs_unpark(l->s), 0);
	return jobs[n - 1].id;
}

struct dyn_job lab_job(struct lab *l, unsigned id)
{
	struct dyn_job jobs[16];
	size_t n = dyn_jobs(l->s, jobs, 16);

	for (size_t i = 0; i < n && i < 16; i++)
		if (jobs[i].id == id)
			return jobs[i];
	fail_msg("job %u is gone", id);
	return jobs[0];
}

struct dyn_job lab_wait(struct lab *l, unsigned id, enum dyn_job_state state, uint64_t least)
{
	struct dyn_job j = lab_job(l, id);

	for (int i = 0; i < 2000 && !(j.state == state && j.done >= least); i++) {
		usleep(10000);
		j = lab_job(l, id);
	}
	if (j.state != state || j.done < least)
		fail_msg("job %u is in state %d at %llu: %s", id, (int)j.state, (unsigned long long)j.done, j.result.what);
	return j;
}

void lab_assert_simple(struct lab *l)
{
	assert_int_equal(l->m->n_volumes, 1);
	assert_int_equal(l->m->volumes[0].layout, DYN_LAYOUT_SIMPLE);
	assert_int_equal(l->m->volumes[0].status, DYN_VOLUME_HEALTHY);
	assert_int_equal(l->m->n_jobs, 0);
	assert_string_equal(l->m->groups[0].problem, "");
}

uint64_t lab_hash(const char *path)
{
	uint64_t h = 0xcbf29ce484222325u;
	uint8_t *b = malloc(LAB_MIB);
	int fd = open(path, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	while ((n = read(fd, b, LAB_MIB)) > 0)
		for (ssize_t i = 0; i < n; i += 8) {
			uint64_t w;
			memcpy(&w, b + i, 8);
			h = (h ^ w) * 0x100000001b3u;
		}
	close(fd);
	free(b);
	return h;
}

unsigned lab_open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (d && readdir(d))
		n++;
	closedir(d);
	return n;
}
