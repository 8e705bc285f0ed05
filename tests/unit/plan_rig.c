/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/plan_rig.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

void rig_scan(struct rig *r, size_t first, size_t n)
{
	const char *paths[MAX_DISKS];
	struct model_scan_args a = { .paths = paths, .n_paths = n, .sys_root = "" };

	for (size_t i = 0; i < n; i++)
		paths[i] = r->path[first + i];
	dyn_model_unref(r->m);
	r->m = NULL;
	if (model_scan(&a, &r->m, &r->err))
		fail_msg("scan: %s", r->err.what);
}

void rig_blank(struct rig *r, size_t i, uint64_t size)
{
	int fd = open(r->path[i], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	close(fd);
}

void rig_begin(struct rig *r, size_t n, uint64_t size)
{
	memset(r, 0, sizeof(*r));
	strcpy(r->dir, "/tmp/plan-test-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	r->n = n;
	r->s.rand.state = 7;
	r->s.fixed_time = 1700000000;
	for (size_t i = 0; i < MAX_DISKS; i++)
		snprintf(r->path[i], sizeof(r->path[i]), "%s/d%zu.img", r->dir, i);
	for (size_t i = 0; i < n; i++)
		rig_blank(r, i, size);
	rig_scan(r, 0, n);
}

void rig_end(struct rig *r)
{
	dyn_model_unref(r->m);
	for (size_t i = 0; i < MAX_DISKS; i++)
		unlink(r->path[i]);
	rmdir(r->dir);
}

void rig_put(const char *path, uint64_t off, const void *bytes, size_t n)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, n, (off_t)off), n);
	close(fd);
}

static void copy_range(const struct dyn_model *m, const struct dyn_step *st)
{
	uint8_t *b = malloc(st->size);
	int fd = open(m->disks[st->source].path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(dyn_pread_full(fd, b, st->size, st->source_offset), 0);
	close(fd);
	rig_put(m->disks[st->disk].path, st->target_offset, b, st->size);
	free(b);
}

/* Carries out at most `limit` sector writes of a plan (a run of sectors counts as one); returns how many there are. */
size_t rig_carry_out(const struct dyn_plan *p, size_t limit)
{
	size_t done = 0;

	for (size_t i = 0; i < p->n_steps; i++) {
		const struct dyn_step *st = &p->steps[i].pub;
		unsigned phase = 0;
		if (st->kind == DYN_STEP_COPY)
			continue;
		for (size_t k = 0; k < st->n_writes; k++, done++) {
			const struct dyn_write *w = &st->writes[k];
			assert_true(w->phase >= phase); /* phases never go back */
			phase = w->phase;
			if (done < limit)
				rig_put(p->model->disks[w->disk].path, w->sector * 512, w->after, (size_t)w->n_sectors * 512);
		}
	}
	return done;
}

void rig_do(struct rig *r, int rc, struct dyn_plan *p)
{
	if (rc)
		fail_msg("%s / %s", r->err.what, r->err.way_out);
	rig_carry_out(p, SIZE_MAX);
	for (size_t i = 0; i < p->n_steps; i++) {
		struct dyn_plan *attach = NULL;
		if (p->steps[i].pub.kind != DYN_STEP_COPY)
			continue;
		copy_range(p->model, &p->steps[i].pub);
		rig_scan(r, 0, r->n);
		if (plan_attach(&r->s, r->m, &p->steps[i].copy, &attach, &r->err))
			fail_msg("%s", r->err.what);
		rig_carry_out(attach, SIZE_MAX);
		dyn_plan_free(attach);
	}
	dyn_plan_free(p);
	rig_scan(r, 0, r->n);
}

void rig_upgrade(struct rig *r, size_t disk, enum dyn_table table)
{
	struct dyn_plan *p = NULL;
	int rc = dyn_plan_upgrade(&r->s, r->m, disk, table, DYN_NONE, &p, &r->err);

	rig_do(r, rc, p);
}

/* Two disks of a group and a volume C: mirrored on them. */
void rig_mirror(struct rig *r, enum dyn_table a, enum dyn_table b)
{
	struct dyn_plan *p = NULL;
	uint8_t mark[512];
	int rc;

	rig_begin(r, 2, 64 * MIB);
	rig_upgrade(r, 0, a);
	rig_upgrade(r, 1, b);
	rc = dyn_plan_create_simple(&r->s, r->m, 0, 8 * MIB, 'C', &p, &r->err);
	rig_do(r, rc, p);
	memset(mark, 0xa5, sizeof(mark));
	rig_put(r->path[0], r->m->volumes[0].plexes[0].extents[0].offset + 4096, mark, sizeof(mark));
	rc = dyn_plan_add_mirror(&r->s, r->m, 0, 1, DYN_TABLE_NONE, &p, &r->err);
	rig_do(r, rc, p);
	assert_int_equal(r->m->n_volumes, 1);
	assert_int_equal(r->m->volumes[0].layout, DYN_LAYOUT_MIRROR);
	assert_int_equal(r->m->volumes[0].status, DYN_VOLUME_HEALTHY);
}

void rig_refused(struct rig *r, int rc, int code, const char *word)
{
	if (rc != code || !strstr(r->err.what, word))
		fail_msg("wanted %d \"%s\", got %d \"%s\"", code, word, rc, r->err.what);
	assert_true(r->err.way_out[0] != '\0');
}

int rig_recover(struct rig *r, size_t group, struct dyn_plan **out)
{
	int rc = dyn_plan_recover(&r->s, r->m, group, out, &r->err);

	if (rc == -ENODEV && r->m->groups[group].n_missing && r->err.way_out[0])
		rc = dyn_plan_recover_anyway(&r->s, r->m, group, out, &r->err);
	return rc;
}

void rig_copy_file(const char *from, const char *to)
{
	char cmd[256];

	snprintf(cmd, sizeof(cmd), "cp --sparse=always '%s' '%s'", from, to);
	assert_int_equal(system(cmd), 0);
}

/* What every reader has to agree on: which volumes there are, as text. */
void rig_picture(const struct dyn_model *m, char *dst, size_t n)
{
	size_t used = (size_t)snprintf(dst, n, "disks %zu:", m->n_groups ? m->groups[0].n_disks : 0);

	for (size_t i = 0; i < m->n_volumes && used < n; i++) {
		const struct dyn_volume *v = &m->volumes[i];
		used += (size_t)snprintf(dst + used, n - used, " [%s %d:%d plexes %zu]", v->name, v->layout, v->status, v->n_plexes);
	}
}
