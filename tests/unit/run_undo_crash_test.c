/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An undo that dies, at each of its writes in turn, and is begun anew. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/undo.h"
#include "tests/unit/run_lab.h"

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

static void upgrade(struct lab *l, size_t disk, enum dyn_table table)
{
	struct dyn_plan *p = NULL;

	lab_apply(l, dyn_plan_upgrade(l->s, l->m, disk, table, DYN_NONE, &p, &l->err), &p);
}

static void die_at_write(void *arg, const char *line)
{
	int *left = arg;

	if (strncmp(line, "write ", 6) == 0 && (*left)-- == 0)
		_exit(77);
}

static int die_in_image(void *arg, const struct dyn_step *step, uint64_t done, uint64_t total)
{
	int *left = arg;

	(void)step, (void)done, (void)total;
	if ((*left)-- == 0)
		_exit(77);
	return 0;
}

/* The newest change that is no undo, taken back by a process that dies before its n-th write, or when it tells for the n-th
 * time how far an image has come. false: it came through. */
static bool undo_dies(struct lab *l, int n, bool in_image)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		const char *paths[] = { l->path[0], l->path[1] };
		struct dyn_options opt = { .state_dir = l->state };
		struct dyn_session *s;
		struct dyn_model *m;
		struct dyn_undo *list;
		struct dyn_plan *p;
		size_t count, k = 0;
		opt.log = in_image ? NULL : die_at_write;
		opt.progress = in_image ? die_in_image : NULL;
		opt.log_arg = opt.progress_arg = &n;
		if (dyn_session_open(paths, 2, &opt, &s, NULL) || dyn_scan(s, &m, NULL) || dyn_undo_list(s, m, &list, &count, NULL))
			_exit(1);
		while (k < count && strncmp(list[k].title, "Undo", 4) == 0)
			k++;
		if (k == count || dyn_plan_undo(s, m, list[k].id, &p, NULL) || dyn_apply(s, p, dyn_plan_confirm(p), NULL))
			_exit(2);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != 77)
		fail_msg("write %d: the undo was refused (%d)", n, WEXITSTATUS(status));
	return WEXITSTATUS(status) == 77;
}

static void keep_copies(struct lab *l, bool back)
{
	for (size_t i = 0; i < 2; i++) {
		uint8_t *b = malloc(24 * LAB_MIB);
		char copy[120];
		int from, to;
		snprintf(copy, sizeof(copy), "%s.copy", l->path[i]);
		from = open(back ? copy : l->path[i], O_RDONLY);
		to = open(back ? l->path[i] : copy, O_RDWR | O_CREAT, 0600);
		assert_int_equal(pread(from, b, 24 * LAB_MIB, 0), 24 * LAB_MIB);
		assert_int_equal(pwrite(to, b, 24 * LAB_MIB, 0), 24 * LAB_MIB);
		close(from);
		close(to);
		free(b);
	}
}

/* After a crash: what was cut off is finished or rolled back if the group asks for it, then the undo begins anew. */
static void undo_again(struct lab *l, int at)
{
	struct dyn_undo *list;
	struct dyn_plan *p = NULL;
	size_t n, k = 0;

	lab_scan(l);
	for (size_t g = 0; g < l->m->n_groups; g++)
		if (l->m->groups[g].interrupted) {
			lab_apply(l, dyn_plan_recover(l->s, l->m, g, &p, &l->err), &p);
			g = 0;
		}
	for (size_t g = 0; g < l->m->n_groups; g++)
		assert_string_equal(l->m->groups[g].problem, "");
	assert_int_equal(dyn_undo_list(l->s, l->m, &list, &n, &l->err), 0);
	while (k < n && (strncmp(list[k].title, "Undo", 4) == 0 || strstr(list[k].title, "interrupted change")))
		k++;
	assert_true(k < n);
	if (!list[k].possible && !strstr(list[k].reason, "undone already"))
		fail_msg("write %d: %s: %s", at, list[k].title, list[k].reason);
	p = NULL;
	if (list[k].possible)
		lab_apply(l, dyn_plan_undo(l->s, l->m, list[k].id, &p, &l->err), &p);
	free(list);
}

/* Removes the undo files that were made behind the one of the change itself. */
static void drop_later(struct lab *l, const char *first)
{
	int dir = undo_dir_open(l->s, false, &l->err);
	char(*ids)[64];
	size_t n;

	assert_int_equal(undo_dir_list(dir, &ids, &n), 0);
	for (size_t i = 0; i < n; i++)
		if (strcmp(ids[i], first) > 0)
			assert_int_equal(unlinkat(dir, ids[i], 0), 0);
	free(ids);
	close(dir);
}

/* The undo of the newest change dies before each of its writes in turn; an undo after that ends where an undo would have. */
static int undo_dies_everywhere(struct lab *l, bool in_image, void (*judge)(struct lab *l, int at))
{
	struct dyn_undo *list;
	char file[256], kept[300], first[64];
	size_t count;
	int n = 0;

	assert_int_equal(dyn_undo_list(l->s, l->m, &list, &count, &l->err), 0);
	assert_true(count > 0 && list[0].possible);
	snprintf(first, sizeof(first), "%s", list[0].id);
	free(list);
	snprintf(file, sizeof(file), "%s/undo/%s", l->state, first);
	snprintf(kept, sizeof(kept), "%s/kept", l->dir);
	assert_int_equal(link(file, kept), 0);
	keep_copies(l, false);
	while (undo_dies(l, n, in_image)) {
		undo_again(l, n);
		judge(l, n);
		keep_copies(l, true);
		drop_later(l, first);
		(void)unlink(file);
		assert_int_equal(link(kept, file), 0);
		n++;
	}
	assert_int_equal(unlink(kept), 0);
	lab_scan(l);
	judge(l, n);
	return n;
}

static void no_volume(struct lab *l, int at)
{
	if (l->m->n_volumes != 0 || l->m->n_groups != 1 || l->m->groups[0].n_missing)
		fail_msg("write %d: %zu volumes, %zu groups", at, l->m->n_volumes, l->m->n_groups);
}

static void disk1_blank(struct lab *l, int at)
{
	if (!l->m->disks[1].blank || l->m->n_groups != 1 || l->m->groups[0].n_disks != 1 || l->m->groups[0].n_missing ||
	    l->m->groups[0].n_disks != 1)
		fail_msg("write %d: disk 1 is not what it was", at);
}

static void an_undo_that_dies_is_begun_anew(void **state)
{
	struct lab *l = *state;
	struct dyn_plan *p = NULL;
	int n, k;

	upgrade(l, 0, DYN_TABLE_MBR);
	upgrade(l, 1, DYN_TABLE_GPT);
	k = undo_dies_everywhere(l, false, disk1_blank);
	upgrade(l, 1, DYN_TABLE_MBR);
	lab_apply(l, dyn_plan_create_simple(l->s, l->m, 0, 4 * LAB_MIB, 'E', &p, &l->err), &p);
	n = undo_dies_everywhere(l, false, no_volume);
	assert_true(n > 4 && k > 8);
	print_message("# figures: an undo that died at %d and at %d writes, each begun anew\n", k, n);
}

static void volume_filled(struct lab *l, int at)
{
	const struct dyn_extent *e = &l->m->volumes[0].plexes[0].extents[0];
	uint8_t *want = malloc(e->size), *got = malloc(e->size);
	char filled[120];
	int fd, before;

	snprintf(filled, sizeof(filled), "%s/filled", l->dir);
	fd = open(l->path[0], O_RDONLY);
	before = open(filled, O_RDONLY);
	assert_int_equal(pread(fd, got, e->size, (off_t)e->offset), (ssize_t)e->size);
	assert_int_equal(pread(before, want, e->size, 0), (ssize_t)e->size);
	if (memcmp(want, got, e->size) != 0)
		fail_msg("write %d: the volume is not what it was", at);
	close(fd);
	close(before);
	free(want);
	free(got);
}

/* An image went over a volume with data in it, and is taken back; that dies while it puts the old bytes back. */
static void an_undo_of_an_image_that_dies(void **state)
{
	struct lab *l = *state;
	const struct dyn_extent *e;
	struct dyn_plan *p = NULL;
	uint8_t *b = malloc(4 * LAB_MIB);
	char image[120];
	int fd, n;

	lab_volume(l, 1, 4);
	e = &l->m->volumes[0].plexes[0].extents[0];
	fd = open(l->path[0], O_RDONLY);
	assert_int_equal(pread(fd, b, e->size, (off_t)e->offset), (ssize_t)e->size);
	close(fd);
	snprintf(image, sizeof(image), "%s/filled", l->dir);
	fd = open(image, O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_int_equal(pwrite(fd, b, e->size, 0), (ssize_t)e->size);
	close(fd);
	memset(b, 0x5a, 2 * LAB_MIB);
	snprintf(image, sizeof(image), "%s/image", l->dir);
	fd = open(image, O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_int_equal(pwrite(fd, b, 2 * LAB_MIB, 0), 2 * LAB_MIB);
	close(fd);
	free(b);
	lab_apply(l, dyn_plan_write_image(l->s, l->m, 0, image, &p, &l->err), &p);
	n = undo_dies_everywhere(l, true, volume_filled);
	assert_true(n > 0);
	lab_apply(l, dyn_plan_write_image(l->s, l->m, 0, image, &p, &l->err), &p);
	assert_true(undo_dies_everywhere(l, false, volume_filled) > 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_undo_that_dies_is_begun_anew),
		TEST(an_undo_of_an_image_that_dies),
	};
	return cmocka_run_group_tests_name("run undo crash", tests, NULL, NULL);
}
