/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
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

/* The newest entry, which must be possible. */
static struct dyn_undo newest(struct lab *l, size_t expected)
{
	struct dyn_undo *list, first;
	size_t n;

	assert_int_equal(dyn_undo_list(l->s, l->m, &list, &n, &l->err), 0);
	assert_int_equal(n, expected);
	first = list[0];
	free(list);
	if (!first.possible)
		fail_msg("%s: %s", first.title, first.reason);
	return first;
}

static void undo(struct lab *l, size_t expected)
{
	struct dyn_undo u = newest(l, expected);
	struct dyn_plan *p = NULL;

	lab_apply(l, dyn_plan_undo(l->s, l->m, u.id, &p, &l->err), &p);
}

static void an_upgrade_is_taken_back(void **state)
{
	static const enum dyn_table tables[] = { DYN_TABLE_MBR, DYN_TABLE_GPT };
	struct lab *l = *state;
	uint64_t blank = lab_hash(l->path[0]);

	for (size_t i = 0; i < 2; i++) {
		upgrade(l, i, tables[1]);
		assert_true(l->m->disks[i].dynamic);
	}
	assert_int_equal(l->m->n_groups, 1);
	assert_u64(l->m->groups[0].n_disks, 2);
	uint64_t tid = l->m->groups[0].transaction;
	undo(l, 2);
	assert_u64(lab_hash(l->path[1]), blank); /* byte for byte */
	assert_true(l->m->disks[0].dynamic);
	assert_u64(l->m->groups[0].n_disks, 1);
	assert_u64(l->m->groups[0].n_missing, 0);
	assert_true(l->m->groups[0].transaction > tid); /* by a transaction, not by going back */
	assert_int_equal(l->m->groups[0].interrupted, false);
	assert_string_equal(l->m->groups[0].problem, "");
}

static void only_the_last_change_can_be_undone(void **state)
{
	struct lab *l = *state;
	struct dyn_undo *list;
	struct dyn_plan *p = NULL;
	size_t n;

	lab_volume(l, 1, 4);
	assert_int_equal(dyn_undo_list(l->s, l->m, &list, &n, &l->err), 0);
	assert_int_equal(n, 2);
	assert_true(list[0].possible);
	assert_false(list[1].possible);
	assert_true(list[1].reason[0]);
	uint64_t hash = lab_hash(l->path[0]);
	assert_true(dyn_plan_undo(l->s, l->m, list[1].id, &p, &l->err) < 0);
	assert_null(p);
	assert_u64(lab_hash(l->path[0]), hash);
	free(list);
	assert_int_equal(dyn_plan_undo(l->s, l->m, "../../etc/passwd", &p, &l->err), -ENOENT);
}

/* Undo of the newest, then of the one before, down to blank disks: transaction numbers only grow meanwhile. */
static void a_chain_goes_back_to_blank(void **state)
{
	struct lab *l = *state;
	uint64_t blank = lab_hash(l->path[0]), n = 3;

	upgrade(l, 0, DYN_TABLE_MBR);
	upgrade(l, 1, DYN_TABLE_MBR);
	struct dyn_plan *p = NULL;
	lab_apply(l, dyn_plan_create_simple(l->s, l->m, 0, 4 * LAB_MIB, 'E', &p, &l->err), &p);
	assert_int_equal(l->m->n_volumes, 1);
	for (; n > 0; n--) {
		/* an undo leaves an undo file of its own: the redo, newest; the one of the plan it took back is gone */
		struct dyn_undo *list;
		size_t count, k = 0;
		assert_int_equal(dyn_undo_list(l->s, l->m, &list, &count, &l->err), 0);
		while (k < count && strncmp(list[k].title, "Undo", 4) == 0)
			k++;
		assert_true(k < count);
		if (!list[k].possible)
			fail_msg("%s: %s", list[k].title, list[k].reason);
		p = NULL;
		lab_apply(l, dyn_plan_undo(l->s, l->m, list[k].id, &p, &l->err), &p);
		free(list);
	}
	assert_int_equal(l->m->n_groups, 0);
	assert_u64(lab_hash(l->path[0]), blank);
	assert_u64(lab_hash(l->path[1]), blank);
}

static void a_change_is_redone_by_undoing_its_undo(void **state)
{
	struct lab *l = *state;

	lab_volume(l, 1, 4);
	undo(l, 2);
	assert_int_equal(l->m->n_volumes, 0);
	undo(l, 2);
	assert_int_equal(l->m->n_volumes, 1);
	assert_string_equal(l->m->volumes[0].name, "Volume1");
	assert_int_equal(l->m->volumes[0].letter, 'D');
	assert_int_equal(l->m->volumes[0].status, DYN_VOLUME_HEALTHY);
}

static void the_disk_must_be_there(void **state)
{
	struct lab *l = *state;
	struct dyn_undo *list;
	size_t n;

	upgrade(l, 1, DYN_TABLE_MBR);
	lab_close(l);
	l->n = 1;
	lab_open(l);
	assert_int_equal(dyn_undo_list(l->s, l->m, &list, &n, &l->err), 0);
	assert_int_equal(n, 1);
	assert_false(list[0].possible);
	assert_non_null(strstr(list[0].reason, "not here"));
	free(list);
}

static void damaged_files_are_refused(void **state)
{
	struct lab *l = *state;
	struct dyn_undo u;
	struct dyn_plan *p = NULL;
	char path[256];
	struct stat st;
	uint8_t b;

	upgrade(l, 0, DYN_TABLE_MBR);
	u = newest(l, 1);
	snprintf(path, sizeof(path), "%s/undo/%s", l->state, u.id);
	assert_int_equal(stat(path, &st), 0);
	int fd = open(path, O_RDWR);
	for (off_t at = 0; at < st.st_size; at += st.st_size / 37 + 1) {
		assert_int_equal(pread(fd, &b, 1, at), 1);
		b ^= 0x40;
		assert_int_equal(pwrite(fd, &b, 1, at), 1);
		assert_int_equal(dyn_plan_undo(l->s, l->m, u.id, &p, &l->err), -EBADMSG);
		b ^= 0x40;
		assert_int_equal(pwrite(fd, &b, 1, at), 1);
	}
	assert_int_equal(ftruncate(fd, st.st_size / 2), 0);
	assert_int_equal(dyn_plan_undo(l->s, l->m, u.id, &p, &l->err), -EBADMSG);
	close(fd);
	assert_null(p);
}

/* A finished mirror goes back to a simple volume with the rebuild's record, that to a disk without. */
static void a_mirror_is_taken_back(void **state)
{
	struct lab *l = *state;
	struct dyn_undo u;
	struct dyn_plan *p = NULL;
	unsigned id;

	lab_volume(l, 2, 4);
	assert_int_equal(dyn_plan_add_mirror(l->s, l->m, 0, 1, DYN_TABLE_NONE, &p, &l->err), 0);
	assert_true(dyn_plan_n_notes(p) > 0); /* said beforehand: what the copy goes over stays gone */
	assert_non_null(strstr(dyn_plan_note(p, dyn_plan_n_notes(p) - 1), "Undo does not bring back"));
	dyn_plan_free(p);
	p = NULL;
	id = lab_mirror(l, 0);
	lab_wait(l, id, DYN_JOB_DONE, 0);
	lab_scan(l);
	lab_assert_mirror(l, 0, 1);
	u = newest(l, 4); /* beginning and end are one change */
	assert_string_equal(u.title, "Add mirror to D:");
	lab_apply(l, dyn_plan_undo(l->s, l->m, u.id, &p, &l->err), &p);
	assert_int_equal(l->m->n_volumes, 1);
	assert_int_equal(l->m->n_jobs, 0);
	assert_int_equal(l->m->volumes[0].layout, DYN_LAYOUT_SIMPLE);
	assert_int_equal(l->m->volumes[0].status, DYN_VOLUME_HEALTHY);
	assert_int_equal(l->m->priv->disks[1].rebuild_pairs_used, 0);
}

/* The disk that was upgraded for it leaves the group again, by the same undo. */
static void a_mirror_on_a_new_disk_is_taken_back(void **state)
{
	struct lab *l = *state;
	struct dyn_plan *p = NULL;
	unsigned id;

	lab_volume(l, 1, 4);
	id = lab_mirror(l, 0);
	lab_wait(l, id, DYN_JOB_DONE, 0);
	lab_scan(l);
	lab_assert_mirror(l, 0, 1);
	lab_apply(l, dyn_plan_undo(l->s, l->m, newest(l, 3).id, &p, &l->err), &p);
	assert_int_equal(l->m->volumes[0].layout, DYN_LAYOUT_SIMPLE);
	assert_int_equal(l->m->groups[0].n_disks, 1);
	assert_false(l->m->disks[1].dynamic);
	assert_int_equal(l->m->disks[1].table, DYN_TABLE_NONE);
}

/* What happened in between is not taken back with it: the beginning wrote a record (1) or to the database, too (0). */
static void a_change_during_a_rebuild_stays_its_own(void **state)
{
	struct lab *l = *state;
	struct dyn_plan *p = NULL;

	lab_volume(l, 2, 4);
	for (int record = 1; record >= 0; record--) {
		size_t volumes = l->m->n_volumes, files = record ? 5 : 8;
		int rc = record ? dyn_plan_add_mirror(l->s, l->m, 0, 1, DYN_TABLE_NONE, &p, &l->err) :
				  dyn_plan_create_mirror(l->s, l->m, (size_t[]){ 0, 1 }, 4 * LAB_MIB, 'M', &p, &l->err);
		assert_int_equal(dyn_jobs_park(l->s), 0);
		lab_apply(l, rc, &p);
		lab_apply(l, dyn_plan_create_simple(l->s, l->m, 0, 2 * LAB_MIB, 0, &p, &l->err), &p);
		assert_int_equal(dyn_jobs_unpark(l->s), 0);
		assert_int_equal(dyn_jobs_wait(l->s, 20000), 0);
		lab_scan(l);
		assert_string_equal(newest(l, files).title, record ? "Add mirror to D:" : "Finish the rebuild of M:");
		lab_apply(l, dyn_plan_undo(l->s, l->m, newest(l, files).id, &p, &l->err), &p);
		assert_int_equal(l->m->n_volumes, volumes + (record ? 1 : 2));
		assert_int_equal(l->m->n_jobs, record ? 0 : 1);
		for (size_t i = 0; i < l->m->n_volumes; i++)
			assert_int_equal(l->m->volumes[i].status, l->m->volumes[i].job == DYN_NONE ? DYN_VOLUME_HEALTHY :
												      DYN_VOLUME_REBUILDING);
	}
}

static void get(const char *path, uint64_t at, uint8_t sector[512])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, sector, 512, (off_t)at), 512);
	close(fd);
}

static void put(const char *path, uint64_t at, const uint8_t sector[512])
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, sector, 512, (off_t)at), 512);
	close(fd);
}

/* Whoever used the volume while its halves were apart wrote to one of them: records alone make no mirror. */
static void a_mirror_comes_back_only_with_equal_halves(void **state)
{
	struct lab *l = *state;
	struct dyn_plan *p = NULL;

	lab_volume(l, 2, 4);
	lab_wait(l, lab_mirror(l, 0), DYN_JOB_DONE, 0);
	lab_scan(l);
	for (int what = 0; what < 3; what++) {
		uint64_t at = l->m->volumes[0].plexes[0].extents[0].offset + 512000, before[2];
		uint8_t was[512], other[512];
		struct dyn_undo *list;
		size_t n;

		for (int written = 0; written < 2; written++) {
			lab_apply(l, what == 2 ? dyn_plan_delete_volume(l->s, l->m, 0, &p, &l->err) :
						 dyn_plan_break(l->s, l->m, 0, 1, what == 1, &p, &l->err), &p);
			assert_int_equal(dyn_undo_list(l->s, l->m, &list, &n, &l->err), 0);
			if (written) {
				get(l->path[0], at, was);
				memset(other, 0xfe, sizeof(other));
				put(l->path[0], at, other);
			}
			assert_int_equal(dyn_plan_undo(l->s, l->m, list[0].id, &p, &l->err), 0);
			assert_non_null(strstr(dyn_plan_note(p, 0), "compared first"));
			if (!written) {
				lab_apply(l, 0, &p);
				lab_assert_mirror(l, 0, 1);
			} else {
				for (size_t i = 0; i < 2; i++)
					before[i] = lab_hash(l->path[i]);
				assert_int_equal(dyn_apply(l->s, p, dyn_plan_confirm(p), &l->err), -ESTALE);
				assert_non_null(strstr(l->err.what, "no longer equal, first at byte 512000"));
				for (size_t i = 0; i < 2; i++)
					assert_u64(lab_hash(l->path[i]), before[i]);
				lab_scan(l);
				assert_true(l->m->n_volumes == 0 || l->m->volumes[0].layout == DYN_LAYOUT_SIMPLE);
				/* as it was, it is a mirror again */
				put(l->path[0], at, was);
				lab_apply(l, 0, &p);
				lab_assert_mirror(l, 0, 1);
			}
			free(list);
		}
	}
}

/* ------------------------------------------------------------------- files */

static const char *in_undo(const struct lab *l, const char *name)
{
	static char path[4][256];
	static unsigned turn;
	char *p = path[turn++ % 4];

	snprintf(p, sizeof(path[0]), "%s/undo/%s", l->state, name);
	return p;
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

/* The list is refused, or empty, or its only entry impossible, because of `why`; and a change is refused likewise. */
static void assert_refused(struct lab *l, const char *why, bool list, bool store)
{
	struct dyn_undo *all = NULL;
	struct dyn_plan *p = NULL;
	uint64_t hash = lab_hash(l->path[1]);
	size_t n;
	int rc;

	memset(&l->err, 0, sizeof(l->err));
	rc = dyn_undo_list(l->s, l->m, &all, &n, &l->err);
	assert_int_equal(rc != 0, list);
	if (rc == 0) {
		assert_int_equal(n, 1);
		assert_false(all[0].possible);
		assert_non_null(strstr(all[0].reason, why));
		assert_true(dyn_plan_undo(l->s, l->m, all[0].id, &p, &l->err) < 0);
	}
	assert_non_null(strstr(l->err.what, why));
	free(all);
	if (!store)
		return;
	assert_int_equal(dyn_plan_initialize(l->s, l->m, 1, DYN_TABLE_GPT, &p, &l->err), 0);
	assert_true(dyn_apply(l->s, p, dyn_plan_confirm(p), &l->err) < 0);
	assert_non_null(strstr(l->err.what, why));
	assert_non_null(strstr(l->err.what, "nothing was written"));
	assert_true(l->err.way_out[0]);
	dyn_plan_free(p);
	assert_u64(lab_hash(l->path[1]), hash);
}

static void only_our_own_files_are_used(void **state)
{
	struct lab *l = *state;
	char moved[120], file[256];
	struct dyn_undo u;

	upgrade(l, 0, DYN_TABLE_MBR);
	u = newest(l, 1);
	snprintf(file, sizeof(file), "%s", in_undo(l, u.id));
	assert_int_equal(mode_of(l->state), 0700);
	assert_int_equal(mode_of(in_undo(l, "")), 0700);
	assert_int_equal(mode_of(file), 0600);
	for (int i = 0; i < 2; i++) {
		mode_t bit = i ? 0020 : 0002;
		assert_int_equal(chmod(file, 0600 | bit), 0);
		assert_refused(l, "others may write", false, false);
		assert_int_equal(chmod(file, 0600), 0);
		assert_int_equal(chmod(in_undo(l, ""), 0700 | bit), 0);
		assert_refused(l, "others may write", true, true);
		assert_int_equal(chmod(in_undo(l, ""), 0700), 0);
		assert_int_equal(chmod(l->state, 0700 | bit), 0);
		assert_refused(l, "others may write", true, true);
		assert_int_equal(chmod(l->state, 0700), 0);
	}
	if (geteuid() == 0) {
		assert_int_equal(chown(file, 12345, 0), 0);
		assert_refused(l, "another user", false, false);
		assert_int_equal(chown(file, 0, 0), 0);
		assert_int_equal(chown(l->state, 12345, 0), 0);
		assert_refused(l, "another user", true, true);
		assert_int_equal(chown(l->state, 0, 0), 0);
	}
	/* links: the file, the folder, the folder around it */
	snprintf(moved, sizeof(moved), "%s/elsewhere", l->dir);
	assert_int_equal(rename(file, moved), 0);
	assert_int_equal(symlink(moved, file), 0);
	assert_refused(l, "is a link", false, false);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rename(moved, file), 0);
	for (int i = 0; i < 2; i++) {
		char folder[256];
		snprintf(folder, sizeof(folder), "%s%s", l->state, i ? "" : "/undo");
		assert_int_equal(rename(folder, moved), 0);
		assert_int_equal(symlink(moved, folder), 0);
		assert_refused(l, "is a link", true, true);
		assert_int_equal(unlink(folder), 0);
		assert_int_equal(rename(moved, folder), 0);
	}
	newest(l, 1);
}

/* A disk is known by its path even where that is no text. */
static void a_path_of_any_bytes(void **state)
{
	struct lab *l = *state;
	char odd[80];
	uint64_t blank = lab_hash(l->path[0]);

	lab_close(l);
	snprintf(odd, sizeof(odd), "%s/\xff\x1b[2J\xe2\x80\xae.img", l->dir);
	assert_int_equal(rename(l->path[0], odd), 0);
	snprintf(l->path[0], sizeof(l->path[0]), "%s", odd);
	lab_open(l);
	upgrade(l, 0, DYN_TABLE_MBR);
	undo(l, 1);
	assert_u64(lab_hash(l->path[0]), blank);
}

/* An image is the file it is, from whatever folder it is named. */
static void a_path_from_another_folder(void **state)
{
	struct lab *l = *state;
	char here[4096], given[96], folder[120];
	uint64_t blank = lab_hash(l->path[0]);
	struct dyn_undo *list;
	int fd;
	size_t n;

	assert_non_null(getcwd(here, sizeof(here)));
	lab_close(l);
	l->n = 1;
	assert_int_equal(chdir(l->dir), 0);
	snprintf(given, sizeof(given), "%s", l->path[0]);
	snprintf(l->path[0], sizeof(l->path[0]), "disk0.img");
	lab_open(l);
	upgrade(l, 0, DYN_TABLE_MBR);
	/* the same words in another folder mean another disk */
	snprintf(folder, sizeof(folder), "%s/b", l->dir);
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(chdir(folder), 0);
	fd = open("disk0.img", O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_int_equal(ftruncate(fd, 24 * LAB_MIB), 0);
	close(fd);
	lab_scan(l);
	assert_int_equal(dyn_undo_list(l->s, l->m, &list, &n, &l->err), 0);
	assert_int_equal(n, 1);
	assert_false(list[0].possible);
	assert_non_null(strstr(list[0].reason, "not here"));
	free(list);
	/* and other words the same */
	lab_close(l);
	snprintf(l->path[0], sizeof(l->path[0]), "../disk0.img");
	lab_open(l);
	undo(l, 1);
	assert_int_equal(chdir(here), 0);
	snprintf(l->path[0], sizeof(l->path[0]), "%s", given);
	assert_u64(lab_hash(l->path[0]), blank);
}

/* In a child that may not write files larger than this: the change must be refused before its first write. */
static void no_room_means_no_change(void **state)
{
	struct lab *l = *state;
	uint64_t hash[2] = { lab_hash(l->path[0]), lab_hash(l->path[1]) };
	static const rlim_t sizes[] = { 0, 1, 511, 512, 4096, 65536 };
	struct dyn_plan *p = NULL;
	char(*ids)[64];
	int status, dir;
	size_t n;

	assert_int_equal(dyn_plan_upgrade(l->s, l->m, 0, DYN_TABLE_GPT, DYN_NONE, &p, &l->err), 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		pid_t pid = fork();
		if (pid == 0) {
			const struct rlimit limit = { sizes[i], sizes[i] };
			int rc;
			signal(SIGXFSZ, SIG_IGN);
			setrlimit(RLIMIT_FSIZE, &limit);
			rc = dyn_apply(l->s, p, dyn_plan_confirm(p), &l->err);
			_exit(rc == -EFBIG && strstr(l->err.what, "nothing was written") && l->err.way_out[0] ? 0 : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		assert_u64(lab_hash(l->path[0]), hash[0]);
		assert_u64(lab_hash(l->path[1]), hash[1]);
	}
	/* nothing half-written is left */
	dir = undo_dir_open(l->s, false, &l->err);
	assert_true(dir >= 0);
	assert_int_equal(undo_dir_list(dir, &ids, &n), 0);
	assert_int_equal(n, 0);
	free(ids);
	assert_int_equal(dyn_apply(l->s, p, dyn_plan_confirm(p), &l->err), 0); /* with room it works */
	dyn_plan_free(p);
	close(dir);
}

/* Stores an undo file of that time for that disk. */
static void store(struct lab *l, int64_t when, const char *path, char id[64])
{
	struct undo_file *f = undo_file_new();

	f->when = when;
	f->title = strdup("a change");
	f->reason = strdup("");
	f->disks = calloc(1, sizeof(*f->disks));
	f->n_disks = 1;
	f->disks[0] = (struct undo_disk){ strdup(path), strdup(""), strdup(""), 24 * LAB_MIB };
	if (undo_file_store(l->s, f, id, &l->err))
		fail_msg("store: %s", l->err.what);
	undo_file_free(f);
}

static size_t stored(struct lab *l, const char *path)
{
	int dir = undo_dir_open(l->s, false, &l->err);
	size_t n, of_path = 0;
	char(*ids)[64];

	assert_int_equal(undo_dir_list(dir, &ids, &n), 0);
	for (size_t i = 0; i < n; i++) {
		struct undo_file *f;
		assert_int_equal(undo_file_load(l->s, ids[i], &f, &l->err), 0);
		of_path += strcmp(f->disks[0].path, path) == 0;
		undo_file_free(f);
	}
	free(ids);
	close(dir);
	return of_path;
}

/* Old files go; the newest of all, those of disks that are here, and the one just made stay. */
static void old_files_are_pruned(void **state)
{
	struct lab *l = *state;
	char gone[80], id[64], first[64];
	int64_t now = 1700000000;

	snprintf(gone, sizeof(gone), "%s/gone.img", l->dir);
	for (int i = 0; i < 5; i++)
		store(l, now++, gone, id);
	store(l, now++, l->path[1], first);
	for (int i = 0; i < 5; i++)
		store(l, now++, l->path[1], id);
	for (int i = 0; i < UNDO_KEEP - 11; i++)
		store(l, now++, l->path[0], id);
	assert_int_equal(stored(l, gone), 5); /* all of them are among the newest */
	store(l, now++, l->path[0], id);
	assert_int_equal(stored(l, gone), 4);
	for (int i = 0; i < UNDO_KEEP; i++)
		store(l, now++, l->path[0], id);
	assert_int_equal(stored(l, gone), 0);
	assert_int_equal(stored(l, l->path[1]), 6); /* old, but that disk can still be taken back by them */
	assert_int_equal(stored(l, l->path[0]), UNDO_KEEP);
	/* a clock that was set back: the new file has the oldest name, and stays */
	store(l, 1600000000, gone, id);
	assert_int_equal(stored(l, gone), 1);
	assert_int_equal(access(in_undo(l, id), F_OK), 0);
	unlink(l->path[1]); /* nobody has it any more */
	store(l, now++, l->path[0], id);
	assert_int_equal(stored(l, gone), 0);
	assert_int_equal(stored(l, l->path[1]), 0);
	assert_int_equal(stored(l, l->path[0]), UNDO_KEEP);
	assert_int_equal(access(in_undo(l, id), F_OK), 0);
	assert_int_not_equal(access(in_undo(l, first), F_OK), 0);
}

/* What a power cut left of a file goes with the next one; one that is being written stays. */
static void unfinished_files_are_pruned(void **state)
{
	static const char *const names[] = { ".20200101-000000-0000.undo", ".20200101-000000-0001.undo", ".other" };
	struct lab *l = *state;
	struct dyn_undo *list;
	char id[64];
	int fd = -1;
	size_t n;

	store(l, 1700000000, l->path[0], id);
	for (size_t i = 0; i < 3; i++) {
		if (fd >= 0 && i == 1)
			close(fd);
		if (i < 2)
			fd = open(in_undo(l, names[i]), O_RDWR | O_CREAT | O_EXCL, 0600);
		else
			close(open(in_undo(l, names[i]), O_RDWR | O_CREAT | O_EXCL, 0600));
		assert_true(fd >= 0);
	}
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(dyn_undo_list(l->s, l->m, &list, &n, &l->err), 0);
	assert_int_equal(n, 1);
	free(list);
	store(l, 1700000000, l->path[0], id);
	assert_string_equal(id, "20231114-221320-0001.undo");
	assert_int_not_equal(access(in_undo(l, names[0]), F_OK), 0);
	assert_int_equal(access(in_undo(l, names[1]), F_OK), 0);
	assert_int_equal(access(in_undo(l, names[2]), F_OK), 0);
	close(fd);
	store(l, 1700000000, l->path[0], id);
	assert_int_not_equal(access(in_undo(l, names[1]), F_OK), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_upgrade_is_taken_back),
		TEST(only_the_last_change_can_be_undone),
		TEST(a_chain_goes_back_to_blank),
		TEST(a_change_is_redone_by_undoing_its_undo),
		TEST(the_disk_must_be_there),
		TEST(damaged_files_are_refused),
		TEST(a_mirror_is_taken_back),
		TEST(a_mirror_on_a_new_disk_is_taken_back),
		TEST(a_change_during_a_rebuild_stays_its_own),
		TEST(a_mirror_comes_back_only_with_equal_halves),
		TEST(only_our_own_files_are_used),
		TEST(a_path_of_any_bytes),
		TEST(a_path_from_another_folder),
		TEST(no_room_means_no_change),
		TEST(old_files_are_pruned),
		TEST(unfinished_files_are_pruned),
	};
	return cmocka_run_group_tests_name("run undo", tests, NULL, NULL);
}
