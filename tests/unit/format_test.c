/* SPDX-License-Identifier: GPL-3.0-or-later */
/* format_test.c - every file system on every kind of volume, judged by its own checker and by a scan; taken back by undo. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

#include "base/temp.h"
#include "base/tool.h"
#include "tests/unit/run_lab.h"

enum { DISK_MIB = 400 };

static int setup(void **state)
{
	struct lab *l = malloc(sizeof(*l));

	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	lab_make(l, 2, DISK_MIB);
	*state = l;
	return 0;
}

static int teardown(void **state)
{
	lab_remove(*state);
	free(*state);
	return 0;
}

static int run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static int run(const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	return system(line);
}

static bool have(const char *program)
{
	return run("command -v %s >/dev/null 2>&1", program) == 0;
}

/* A dynamic disk (or two, then a mirror) with a volume E: of `mib` MiB, full of old bytes. */
static void make_volume(struct lab *l, enum dyn_table table, unsigned mib, bool mirror)
{
	struct dyn_plan *p = NULL;

	for (size_t i = 0; i < (mirror ? 2 : 1); i++)
		lab_apply(l, dyn_plan_upgrade(l->s, l->m, i, table, DYN_NONE, &p, &l->err), &p);
	lab_apply(l, dyn_plan_create_simple(l->s, l->m, 0, (uint64_t)mib * LAB_MIB, 'E', &p, &l->err), &p);
	lab_fill(l, 0, 3);
	if (mirror) {
		lab_apply(l, dyn_plan_add_mirror(l->s, l->m, 0, 1, DYN_TABLE_NONE, &p, &l->err), &p);
		assert_int_equal(dyn_jobs_wait(l->s, -1), 0);
		lab_scan(l);
		lab_assert_mirror(l, 0, 3);
	}
}

/* One basic partition on disk 0, full of old bytes. */
static void make_partition(struct lab *l, const char *label, const char *line)
{
	assert_int_equal(run("printf 'label: %s\\n%s\\n' | sfdisk -q %s >/dev/null 2>&1", label, line, l->path[0]), 0);
	lab_scan(l);
	assert_int_equal(l->m->n_volumes, 1);
	lab_fill(l, 0, 3);
	lab_scan(l);
}

static int plan(struct lab *l, const char *fs, const char *label, uint32_t unit, bool quick, struct dyn_plan **p)
{
	const struct dyn_format_spec spec = { .fs = fs, .label = label, .unit = unit, .quick = quick };

	*p = NULL;
	return dyn_plan_format(l->s, l->m, 0, &spec, p, &l->err);
}

static void format(struct lab *l, const char *fs, const char *label, uint32_t unit, bool quick)
{
	struct dyn_plan *p;

	lab_apply(l, plan(l, fs, label, unit, quick, &p), &p);
}

/* The file system's own checker on a half, cut out as a file of its own; its first 512 bytes stay in `boot`. */
static void judge(struct lab *l, size_t plex, const char *fs, uint8_t boot[512])
{
	static const char *const checkers[][3] = {
		{ "NTFS", "ntfsfix", "ntfsfix -n" }, { "FAT", "fsck.fat", "fsck.fat -n" }, { "FAT32", "fsck.fat", "fsck.fat -n" },
		{ "exFAT", "fsck.exfat", "fsck.exfat -n" },
	};
	const struct dyn_extent *e = &l->m->volumes[0].plexes[plex].extents[0];
	char cut[128];
	int fd;

	snprintf(cut, sizeof(cut), "%s/cut.img", l->dir);
	assert_int_equal(run("dd if=%s of=%s bs=512 skip=%llu count=%llu conv=sparse status=none", l->path[e->disk], cut,
			     (unsigned long long)(e->offset / 512), (unsigned long long)(e->size / 512)), 0);
	for (size_t i = 0; i < sizeof(checkers) / sizeof(checkers[0]); i++) {
		if (strcmp(checkers[i][0], fs) != 0 || !have(checkers[i][1]))
			continue;
		if (run("%s %s >%s/said 2>&1", checkers[i][2], cut, l->dir) != 0) {
			run("cat %s/said >&2", l->dir);
			fail_msg("%s is not content", checkers[i][1]);
		}
	}
	fd = open(cut, O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, boot, 512, 0), 512);
	close(fd);
	unlink(cut);
}

static void assert_fs(struct lab *l, const char *fs, const char *label)
{
	const struct dyn_volume *v = &l->m->volumes[0];

	assert_string_equal(v->fs, fs);
	assert_string_equal(v->label, label);
	assert_int_equal(v->status, DYN_VOLUME_HEALTHY);
}

static void undo(struct lab *l)
{
	struct dyn_undo *list;
	struct dyn_plan *p = NULL;
	size_t n;

	assert_int_equal(dyn_undo_list(l->s, l->m, &list, &n, &l->err), 0);
	assert_true(n > 0);
	if (!list[0].possible)
		fail_msg("%s: %s", list[0].title, list[0].reason);
	lab_apply(l, dyn_plan_undo(l->s, l->m, list[0].id, &p, &l->err), &p);
	free(list);
}

/* ------------------------------------------------------------ what is made */

struct made {
	const char *fs, *label, *shown_fs, *shown_label;
	uint32_t unit, cluster; /* cluster: what the boot sector must say, 0: any */
	unsigned mib;
};

static uint32_t cluster_of(const char *fs, const uint8_t *b)
{
	return strcmp(fs, "exFAT") == 0 ? 1u << (b[108] + b[109]) : (uint32_t)b[13] * (b[11] | (uint32_t)b[12] << 8);
}

static uint32_t hidden_of(const uint8_t *b)
{
	return b[28] | (uint32_t)b[29] << 8 | (uint32_t)b[30] << 16 | (uint32_t)b[31] << 24;
}

static void every_file_system_is_made_and_taken_back(void **state)
{
	static const struct made all[] = {
		{ "ntfs", "Größe & Maß", "NTFS", "Größe & Maß", 0, 4096, 64 },
		{ "NTFS", NULL, "NTFS", "", 65536, 65536, 64 },
		{ NULL, "Standard", "NTFS", "Standard", 512, 512, 8 },
		{ "fat32", "efi", "FAT32", "EFI", 0, 0, 100 },
		{ "FAT32", NULL, "FAT32", "", 1024, 1024, 200 },
		{ "fat", "small", "FAT", "SMALL", 0, 0, 2 },
		{ "fat", "MEDIUM-1", "FAT", "MEDIUM-1", 0, 0, 16 },
		{ "fat", "Large", "FAT", "LARGE", 0, 0, 300 },
		{ "fat", NULL, "FAT", "", 8192, 8192, 100 },
		{ "exfat", "Übertrag", "exFAT", "Übertrag", 0, 0, 64 },
		{ "exFAT", NULL, "exFAT", "", 32768, 32768, 64 },
	};
	struct lab *l = *state;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const struct made *a = &all[i];
		uint64_t before;
		uint8_t boot[512];
		if (strcasecmp(a->shown_fs, "exFAT") == 0 && !have("mkfs.exfat"))
			continue;
		lab_remove(l);
		lab_make(l, 1, DISK_MIB);
		make_volume(l, i % 2 ? DYN_TABLE_GPT : DYN_TABLE_MBR, a->mib, false);
		before = lab_hash(l->path[0]);
		format(l, a->fs, a->label, a->unit, true);
		assert_fs(l, a->shown_fs, a->shown_label);
		judge(l, 0, a->shown_fs, boot);
		if (a->cluster)
			assert_int_equal(cluster_of(a->shown_fs, boot), a->cluster);
		if (strcmp(a->shown_fs, "exFAT") != 0)
			assert_int_equal(hidden_of(boot), l->m->volumes[0].plexes[0].extents[0].offset / 512);
		assert_u64(lab_hash(l->path[0]) == before, false);
		undo(l);
		assert_u64(lab_hash(l->path[0]), before);
	}
}

static void a_mirror_gets_it_on_both_halves(void **state)
{
	struct lab *l = *state;
	uint64_t before[2];
	uint8_t boot[2][512], *a, *b;
	size_t size;
	int fd[2];

	make_volume(l, DYN_TABLE_GPT, 64, true);
	for (size_t i = 0; i < 2; i++)
		before[i] = lab_hash(l->path[i]);
	format(l, "ntfs", "Data", 0, true);
	assert_fs(l, "NTFS", "Data");
	assert_int_equal(l->m->volumes[0].layout, DYN_LAYOUT_MIRROR);
	size = (size_t)l->m->volumes[0].size;
	a = malloc(size);
	b = malloc(size);
	for (size_t i = 0; i < 2; i++) {
		const struct dyn_extent *e = &l->m->volumes[0].plexes[i].extents[0];
		judge(l, i, "NTFS", boot[i]);
		fd[i] = open(l->path[e->disk], O_RDONLY | O_CLOEXEC);
		assert_int_equal(pread(fd[i], i ? b : a, size, (off_t)e->offset), (ssize_t)size);
		close(fd[i]);
	}
	assert_memory_equal(boot[0], boot[1], 512);
	assert_memory_equal(a, b, size);
	free(a);
	free(b);
	undo(l);
	for (size_t i = 0; i < 2; i++)
		assert_u64(lab_hash(l->path[i]), before[i]);
	lab_assert_mirror(l, 0, 3);
}

static void partitions_keep_their_type(void **state)
{
	struct lab *l = *state;
	struct dyn_plan *p;
	uint64_t before;
	uint8_t boot[512], head[2][512];
	int fd;

	make_partition(l, "dos", "start=2048, size=131072, type=7");
	before = lab_hash(l->path[0]);
	fd = open(l->path[0], O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, head[0], 512, 0), 512);
	format(l, "fat32", "data", 0, true);
	assert_int_equal(pread(fd, head[1], 512, 0), 512);
	close(fd);
	assert_memory_equal(head[0], head[1], 512);
	assert_fs(l, "FAT32", "DATA");
	judge(l, 0, "FAT32", boot);
	assert_int_equal(hidden_of(boot), 2048);
	undo(l);
	assert_u64(lab_hash(l->path[0]), before);

	lab_remove(l);
	lab_make(l, 1, DISK_MIB);
	make_partition(l, "gpt", "start=2048, size=204800, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B");
	before = lab_hash(l->path[0]);
	assert_int_equal(plan(l, "ntfs", NULL, 0, true, &p), -EINVAL); /* firmware reads FAT only */
	assert_non_null(strstr(l->err.way_out, "fat32"));
	format(l, NULL, "EFI", 0, true);
	assert_fs(l, "FAT32", "EFI");
	assert_string_equal(l->m->volumes[0].info, "System");
	judge(l, 0, "FAT32", boot);
	undo(l);
	assert_u64(lab_hash(l->path[0]), before);
}

/* Marks that other file systems leave, at both ends, must not outlive a quick format: libblkid would see two. */
static void old_marks_are_gone(void **state)
{
	struct lab *l = *state;
	const struct dyn_extent *e;
	int fd;

	make_volume(l, DYN_TABLE_MBR, 100, false);
	e = &l->m->volumes[0].plexes[0].extents[0];
	fd = open(l->path[0], O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "_BHRfS_M", 8, (off_t)(e->offset + 65536 + 64)), 8); /* btrfs */
	assert_int_equal(pwrite(fd, "CD001", 5, (off_t)(e->offset + 32769)), 5); /* ISO 9660 */
	assert_int_equal(pwrite(fd, "NTFS    ", 8, (off_t)(e->offset + e->size - 512 + 3)), 8); /* its second boot sector */
	close(fd);
	format(l, "ntfs", "New", 0, true);
	assert_fs(l, "NTFS", "New");
	format(l, "fat32", "NEWER", 0, true);
	assert_fs(l, "FAT32", "NEWER");
	fd = open(l->path[0], O_RDONLY | O_CLOEXEC);
	e = &l->m->volumes[0].plexes[0].extents[0];
	uint8_t b[512], zero[512] = { 0 };
	assert_int_equal(pread(fd, b, 512, (off_t)(e->offset + e->size - 512)), 512);
	assert_memory_equal(b, zero, 512);
	close(fd);
}

/* --------------------------------------------------------- quick and full */

static size_t count_old(struct lab *l)
{
	const struct dyn_extent *e = &l->m->volumes[0].plexes[0].extents[0];
	uint8_t *b = malloc(e->size);
	int fd = open(l->path[e->disk], O_RDONLY | O_CLOEXEC);
	size_t n = 0;

	assert_int_equal(pread(fd, b, e->size, (off_t)e->offset), (ssize_t)e->size);
	for (size_t i = 0; i < e->size; i++)
		n += b[i] != 0;
	close(fd);
	free(b);
	return n;
}

static bool has_note(const struct dyn_plan *p, const char *word)
{
	for (size_t i = 0; i < dyn_plan_n_notes(p); i++)
		if (strstr(dyn_plan_note(p, i), word))
			return true;
	return false;
}

static void quick_leaves_and_full_zeroes(void **state)
{
	struct lab *l = *state;
	struct dyn_undo *list;
	struct dyn_plan *p;
	uint8_t boot[512];
	size_t n;

	make_volume(l, DYN_TABLE_MBR, 100, false);
	assert_int_equal(plan(l, "ntfs", "Q", 0, true, &p), 0);
	assert_false(has_note(p, "cannot be undone"));
	assert_true(dyn_plan_can_undo(p));
	assert_true(has_note(p, "lost"));
	lab_apply(l, 0, &p);
	assert_true(count_old(l) > 80u * LAB_MIB); /* the old bytes between its structures */
	assert_int_equal(plan(l, "ntfs", "F", 0, false, &p), 0);
	assert_true(has_note(p, "cannot be undone"));
	assert_false(dyn_plan_can_undo(p));
	lab_apply(l, 0, &p);
	assert_fs(l, "NTFS", "F");
	judge(l, 0, "NTFS", boot);
	assert_true(count_old(l) < 8u * LAB_MIB); /* what the file system itself needs */
	assert_int_equal(dyn_undo_list(l->s, l->m, &list, &n, &l->err), 0);
	assert_false(list[0].possible);
	assert_non_null(strstr(list[0].reason, "cannot be undone"));
	free(list);
}

static int stop(void *arg, const struct dyn_step *step, uint64_t done, uint64_t total)
{
	(void)step;
	*(uint64_t *)arg = total;
	return done >= 2u * LAB_MIB;
}

/* Cut in the middle, a volume holds no file system at all, never half of one; and undo brings the old one back. */
static void half_a_format_is_no_file_system(void **state)
{
	struct lab *l = *state;
	struct dyn_plan *p;
	uint64_t before[2], total = 0;

	make_volume(l, DYN_TABLE_MBR, 64, true);
	format(l, "ntfs", "Old", 0, true);
	for (size_t i = 0; i < 2; i++)
		before[i] = lab_hash(l->path[i]);
	assert_int_equal(plan(l, "fat32", "NEW", 0, true, &p), 0);
	l->s->progress = stop;
	l->s->progress_arg = &total;
	assert_int_equal(dyn_apply(l->s, p, dyn_plan_confirm(p), &l->err), -ECANCELED);
	l->s->progress = NULL;
	assert_true(total > 2u * LAB_MIB);
	dyn_plan_free(p);
	lab_scan(l);
	assert_string_equal(l->m->volumes[0].fs, "RAW");
	undo(l);
	for (size_t i = 0; i < 2; i++)
		assert_u64(lab_hash(l->path[i]), before[i]);
	assert_fs(l, "NTFS", "Old");
}

/* ------------------------------------------------------------- the preview */

static void the_plan_says_what_it_does(void **state)
{
	struct lab *l = *state;
	struct dyn_plan *p;
	uint64_t hash;

	make_volume(l, DYN_TABLE_MBR, 64, true);
	hash = lab_hash(l->path[0]);
	assert_int_equal(plan(l, "ntfs", "New Volume", 8192, true, &p), 0);
	assert_u64(lab_hash(l->path[0]), hash); /* a plan is a plan */
	assert_string_equal(dyn_plan_title(p), "Format E:");
	assert_int_equal(dyn_plan_n_steps(p), 4);
	assert_string_equal(dyn_plan_step(p, 0)->diskpart,
			    "select volume 0\nformat fs=ntfs label=\"New Volume\" unit=8192 quick");
	assert_string_equal(dyn_plan_step(p, 0)->effect, "ERASES E:");
	assert_int_equal(dyn_plan_step(p, 1)->kind, DYN_STEP_IMAGE);
	assert_int_equal(dyn_plan_step(p, 1)->disk, 0);
	assert_int_equal(dyn_plan_step(p, 2)->kind, DYN_STEP_IMAGE);
	assert_int_equal(dyn_plan_step(p, 2)->disk, 1);
	for (size_t i = 0; i < 4; i++)
		assert_true(dyn_plan_step(p, i)->destroys);
	assert_int_equal(dyn_plan_confirm_disk(p), 0);
	assert_int_equal(dyn_apply(l->s, p, "wrong", &l->err), -EPERM);
	assert_u64(lab_hash(l->path[0]), hash);
	dyn_plan_free(p);
}

/* ---------------------------------------------------------------- refusals */

static void told(struct lab *l, const char *fs, const char *label, uint32_t unit, int code, const char *word)
{
	struct dyn_plan *p;
	int rc = plan(l, fs, label, unit, true, &p);

	if (rc != code || !strstr(l->err.what, word))
		fail_msg("wanted %d \"%s\", got %d \"%s\"", code, word, rc, l->err.what);
	assert_true(l->err.way_out[0] != '\0');
	assert_null(p);
}

/* Not for the time a job runs: its worker opens and closes files as it goes. */
static void refused(struct lab *l, const char *fs, const char *label, uint32_t unit, int code, const char *word)
{
	unsigned fds = lab_open_fds();

	told(l, fs, label, unit, code, word);
	assert_int_equal(lab_open_fds(), fds);
}

static void rules_are_told(void **state)
{
	struct lab *l = *state;

	make_volume(l, DYN_TABLE_MBR, 30, false);
	refused(l, "refs", NULL, 0, -ENOTSUP, "refs");
	refused(l, "fat32", NULL, 0, -EINVAL, "too small for FAT32");
	refused(l, "fat", "TWELVE CHARS", 0, -EINVAL, "too long");
	refused(l, "fat", "a.b", 0, -EINVAL, "character .");
	refused(l, "fat", "Größe", 0, -EINVAL, "cannot hold");
	refused(l, "fat", " x", 0, -EINVAL, "blank");
	refused(l, "exfat", "twelve chars", 0, -EINVAL, "too long");
	refused(l, "ntfs", "a label of more than thirty-two signs", 0, -EINVAL, "too long");
	refused(l, "ntfs", "\033[31m", 0, -EINVAL, "cannot be shown");
	refused(l, "ntfs", "\xff\xfe", 0, -EINVAL, "cannot be shown");
	refused(l, "ntfs", NULL, 1000, -EINVAL, "power of two");
	refused(l, "ntfs", NULL, 131072, -EINVAL, "power of two");
	refused(l, "ntfs", NULL, 256, -EINVAL, "power of two");
	refused(l, "fat", NULL, 131072, -EINVAL, "power of two");
	refused(l, "exfat", NULL, 32u << 20, -EINVAL, "too large");
	assert_false(strstr(l->err.what, "\033"));
	lab_remove(l);
	lab_make(l, 1, DISK_MIB);
	make_volume(l, DYN_TABLE_GPT, 60, false);
	refused(l, "fat", NULL, 512, -EINVAL, "too small for FAT");
	refused(l, "fat32", NULL, 4096, -EINVAL, "too large for FAT32");
}

static void volumes_that_are_not_well_are_refused(void **state)
{
	struct lab *l = *state;
	struct dyn_format_spec spec = { .fs = "ntfs", .quick = true };
	struct dyn_plan *p = NULL;
	unsigned id;

	make_volume(l, DYN_TABLE_MBR, 64, false);
	assert_int_equal(dyn_plan_format(l->s, l->m, 1, &spec, &p, &l->err), -EINVAL);
	lab_apply(l, dyn_plan_upgrade(l->s, l->m, 1, DYN_TABLE_MBR, DYN_NONE, &p, &l->err), &p);
	id = lab_mirror(l, 1 << 20);
	told(l, "ntfs", NULL, 0, -EBUSY, "being rebuilt");
	assert_int_equal(dyn_job_limit(l->s, id, 0), 0);
	lab_wait(l, id, DYN_JOB_DONE, 0);
	lab_close(l);
	l->n = 1; /* the other half is missing */
	lab_open(l);
	refused(l, "ntfs", NULL, 0, -EINVAL, "not healthy");
}

static void striped_volumes_are_refused(void **state)
{
	struct lab *l = *state;
	struct dyn_volume *v;

	make_volume(l, DYN_TABLE_MBR, 64, false);
	v = (struct dyn_volume *)&l->m->volumes[0];
	v->layout = DYN_LAYOUT_STRIPED;
	refused(l, "ntfs", NULL, 0, -ENOTSUP, "striped");
	v->layout = DYN_LAYOUT_SPANNED;
	refused(l, "ntfs", NULL, 0, -ENOTSUP, "spanned");
}

/* -------------------------------------------------------------------- tools */

static void tools_are_run_quietly(void **state)
{
	const char *const good[] = { "sh", "-c", "test \"$(head -c 4 " TOOL_FILE ")\" = TEXT && test ! -t 0 && "
				     "test -z \"$HOME\" && printf MORE 1<>" TOOL_FILE, NULL };
	const char *const bad[] = { "sh", "-c", "echo first; printf 'the \\033[31mlast\\n  words.\\n' >&2; exit 3", NULL };
	const char *const much[] = { "sh", "-c", "yes filler | head -n 200000; echo the end; exit 1", NULL };
	const char *const killed[] = { "sh", "-c", "kill -9 $$", NULL };
	const char *const none[] = { "mkfs.nothing", NULL };
	struct dyn_err err;
	unsigned fds;
	char b[4];
	int fd;

	(void)state;
	assert_int_equal(temp_new(1 << 20, &fd, &err), 0);
	assert_int_equal(temp_write(fd, 0, "TEXT", 4), 0);
	fds = lab_open_fds();
	assert_int_equal(tool_run(good, "sh", fd, &err), 0);
	assert_int_equal(pread(fd, b, 4, 0), 4);
	assert_memory_equal(b, "MORE", 4);
	assert_int_equal(tool_run(bad, "sh", fd, &err), -EIO);
	assert_string_equal(err.what, "sh failed (3): first the \\x1b[31mlast words");
	assert_int_equal(tool_run(much, "sh", fd, &err), -EIO);
	assert_non_null(strstr(err.what, "filler the end"));
	assert_int_equal(tool_run(killed, "sh", fd, &err), -EIO);
	assert_non_null(strstr(err.what, "signal 9"));
	assert_int_equal(tool_run(none, "nothing-tools", fd, &err), -ENOENT);
	assert_non_null(strstr(err.what, "mkfs.nothing"));
	assert_non_null(strstr(err.way_out, "nothing-tools"));
	assert_int_equal(lab_open_fds(), fds);
	close(fd);
}

static void no_room_for_the_image(void **state)
{
	struct lab *l = *state;
	struct dyn_plan *p;

	make_volume(l, DYN_TABLE_MBR, 30, false);
	setenv("TMPDIR", "/nowhere-at-all", 1);
	assert_true(plan(l, "ntfs", NULL, 0, true, &p) < 0);
	unsetenv("TMPDIR");
	assert_non_null(strstr(l->err.way_out, "TMPDIR"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_file_system_is_made_and_taken_back),
		TEST(a_mirror_gets_it_on_both_halves),
		TEST(partitions_keep_their_type),
		TEST(old_marks_are_gone),
		TEST(quick_leaves_and_full_zeroes),
		TEST(half_a_format_is_no_file_system),
		TEST(the_plan_says_what_it_does),
		TEST(rules_are_told),
		TEST(volumes_that_are_not_well_are_refused),
		TEST(striped_volumes_are_refused),
		TEST(tools_are_run_quietly),
		TEST(no_room_for_the_image),
	};
	return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}
