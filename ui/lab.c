/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lab.c - makes practice disks with our own engine: the same plans, applied to image files.
 *
 * Every scenario (lab_scenarios.c) is made as life makes it: partitions are created and filled, disks converted, a
 * volume mirrored, and then one disk is taken away and a blank one put in its place.
 */
#include "ui/lab.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dynadisk.h"
#include "ui/lab_scenarios.h"

extern char **environ;

#define MIB (1ull << 20)

struct lab {
	const struct lab_scenario *sc;
	const char *dir;
	size_t n_disks;
	char disk[LAB_DISKS][PATH_MAX];
	char work[PATH_MAX];      /* scratch inside dir, removed at the end */
	struct dyn_session *s;
	struct dyn_model *m;
	struct dyn_err err;
};

/* ----------------------------------------------------------------- helpers */

static int say_errno(struct lab *lab, const char *what)
{
	lab->err.code = -errno;
	lab->err.way_out[0] = '\0';
	dyn_text_format(lab->err.what, sizeof(lab->err.what), "%.300s: %s", what, strerror(-lab->err.code));
	return lab->err.code;
}

static int blank_file(struct lab *lab, const char *path, uint64_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return say_errno(lab, path);
	if (ftruncate(fd, (off_t)size) < 0) {
		say_errno(lab, path);
		close(fd);
		return lab->err.code;
	}
	close(fd);
	return 0;
}

/* Runs a program quietly. */
static int run_tool(struct lab *lab, char *const argv[])
{
	posix_spawn_file_actions_t fa;
	int status = 0, rc;
	pid_t pid;

	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&fa, 2, "/dev/null", O_WRONLY, 0);
	rc = posix_spawnp(&pid, argv[0], &fa, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	if (rc == 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	lab->err.code = -ENOENT;
	snprintf(lab->err.what, sizeof(lab->err.what), "%s %s", argv[0],
		 rc ? "could not be started" : "failed while making the practice file system");
	snprintf(lab->err.way_out, sizeof(lab->err.way_out), "It comes with the package ntfs-3g.");
	return lab->err.code;
}

static int rescan(struct lab *lab)
{
	dyn_model_unref(lab->m);
	lab->m = NULL;
	return dyn_scan(lab->s, &lab->m, &lab->err);
}

/* Applies a plan (rc: of its maker), waits for its copies, rescans. */
static int carry_out(struct lab *lab, int rc, struct dyn_plan *p)
{
	if (rc)
		return rc;
	rc = dyn_apply(lab->s, p, dyn_plan_confirm(p), &lab->err);
	dyn_plan_free(p);
	if (!rc)
		dyn_jobs_wait(lab->s, -1);
	return rc ? rc : rescan(lab);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

/* The scratch files of one file system; undo files and the folder stay. */
static void remove_scratch(const struct lab *lab)
{
	static const char *const names[] = { "ntfs.img", "readme", "data" };
	char file[PATH_MAX + 32];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(file, sizeof(file), "%.*s/%s", PATH_MAX - 16, lab->work, names[i]);
		unlink(file);
	}
}

/* ------------------------------------------------------------- the NTFS inside */

static const char about[] =
	"This is a practice disk made by `dynadisk lab`.\r\n\r\n"
	"The volume is a Windows mirror that lost one half. Press r in dynadisk and follow it:\r\n"
	"the half on the missing disk is removed, the blank disk is prepared, and everything\r\n"
	"here is copied to it. This file must still be readable afterwards, from both disks.\r\n";

static int write_file(struct lab *lab, const char *path, const void *bytes, size_t n, size_t times)
{
	FILE *f = fopen(path, "wxe");
	bool good = f != NULL;

	for (size_t i = 0; good && i < times; i++)
		good = fwrite(bytes, 1, n, f) == n;
	if (f && fclose(f) != 0)
		good = false;
	return good ? 0 : say_errno(lab, path);
}

/* A file system of the volume's size with a few files, in `image`. */
static int make_ntfs(struct lab *lab, uint64_t size, uint64_t start_sector, const char *label, char *image,
		     size_t image_size)
{
	char start[24], file[PATH_MAX + 32];
	static uint8_t noise[1 << 16];
	uint32_t x = 1;
	int rc;

	snprintf(image, image_size, "%.*s/ntfs.img", PATH_MAX - 16, lab->work);
	snprintf(start, sizeof(start), "%llu", (unsigned long long)start_sector);
	for (size_t i = 0; i < sizeof(noise); i++) { /* something that compresses badly and is not zero */
		x = x * 1664525u + 1013904223u;
		noise[i] = (uint8_t)(x >> 24);
	}
	rc = blank_file(lab, image, size);
	if (!rc)
		rc = run_tool(lab, (char *[]){ "mkntfs", "-F", "-Q", "-q", "-L", (char *)label, "-s", "512", "-H", "255", "-S",
					       "63", "-p", start, image, NULL });
	snprintf(file, sizeof(file), "%.*s/readme", PATH_MAX - 16, lab->work);
	if (!rc)
		rc = write_file(lab, file, about, sizeof(about) - 1, 1);
	if (!rc)
		rc = run_tool(lab, (char *[]){ "ntfscp", "-f", "-q", image, file, "README.txt", NULL });
	snprintf(file, sizeof(file), "%.*s/data", PATH_MAX - 16, lab->work);
	if (!rc)
		rc = write_file(lab, file, noise, sizeof(noise), 16 * MIB / sizeof(noise));
	if (!rc)
		rc = run_tool(lab, (char *[]){ "ntfscp", "-f", "-q", image, file, "pagefile.sys", NULL });
	return rc;
}

/* --------------------------------------------------------------- the moves */

static const struct dyn_disk *disk_of(const struct lab *lab, const struct lab_move *mv)
{
	return &lab->m->disks[mv->disk];
}

static int make_table(struct lab *lab, const struct lab_move *mv)
{
	enum dyn_table kind = mv->verb == LAB_MBR ? DYN_TABLE_MBR : DYN_TABLE_GPT;
	struct dyn_plan *p = NULL;
	int rc = dyn_plan_initialize(lab->s, lab->m, mv->disk, kind, &p, &lab->err);

	rc = carry_out(lab, rc, p);
	if (rc || mv->verb != LAB_GPT || disk_of(lab, mv)->n_partitions == 0)
		return rc;
	rc = dyn_plan_delete_partition(lab->s, lab->m, mv->disk, 0, true, &p, &lab->err);
	return carry_out(lab, rc, p);
}

static int make_partition(struct lab *lab, const struct lab_move *mv)
{
	struct dyn_part_spec spec = {
		.kind = mv->verb == LAB_EFI ? DYN_PART_EFI : mv->verb == LAB_MSR ? DYN_PART_MSR : DYN_PART_PRIMARY,
		.size = mv->size,
		.offset = mv->offset,
		.align = mv->offset ? 512 : 0,
		.id = mv->text,
	};
	struct dyn_plan *p = NULL;
	int rc = dyn_plan_create_partition(lab->s, lab->m, mv->disk, &spec, &p, &lab->err);

	return carry_out(lab, rc, p);
}

/* The partition's volume, or the dynamic one. */
static int find_volume(struct lab *lab, const struct lab_move *mv, size_t *volume)
{
	const struct dyn_disk *d = disk_of(lab, mv);

	*volume = 0;
	if (mv->part)
		*volume = mv->part <= d->n_partitions ? d->partitions[mv->part - 1].volume : DYN_NONE;
	if (*volume < lab->m->n_volumes)
		return 0;
	lab->err.code = -EIO;
	snprintf(lab->err.what, sizeof(lab->err.what), "the practice partition %u of %s was not made", mv->part, d->name);
	return lab->err.code;
}

static int fill(struct lab *lab, const struct lab_move *mv)
{
	const struct dyn_format_spec fat = { .fs = mv->text ? "fat32" : "fat", .label = mv->text, .quick = true };
	struct dyn_plan *p = NULL;
	char image[PATH_MAX];
	size_t volume;
	int rc = find_volume(lab, mv, &volume);

	if (rc)
		return rc;
	if (mv->verb == LAB_FAT) {
		rc = dyn_plan_format(lab->s, lab->m, volume, &fat, &p, &lab->err);
		return carry_out(lab, rc, p);
	}
	rc = make_ntfs(lab, lab->m->volumes[volume].size, lab->m->volumes[volume].plexes[0].extents[0].offset / 512,
		       mv->text, image, sizeof(image));
	if (!rc)
		rc = dyn_plan_write_image(lab->s, lab->m, volume, image, &p, &lab->err);
	rc = carry_out(lab, rc, p);
	remove_scratch(lab);
	return rc;
}

/* The other half of the dynamic volume; healthy at the end, or an error. */
static int make_mirror(struct lab *lab, const struct lab_move *mv)
{
	struct dyn_plan *p = NULL;
	struct dyn_job job;
	int rc = dyn_plan_add_mirror(lab->s, lab->m, 0, mv->disk, DYN_TABLE_NONE, &p, &lab->err);

	rc = carry_out(lab, rc, p);
	if (rc || (lab->m->volumes[0].layout == DYN_LAYOUT_MIRROR && lab->m->volumes[0].status == DYN_VOLUME_HEALTHY))
		return rc;
	if (dyn_jobs(lab->s, &job, 1) && job.result.code)
		lab->err = job.result;
	else
		snprintf(lab->err.what, sizeof(lab->err.what), "the practice mirror did not become healthy");
	return -EIO;
}

static void close_session(struct lab *lab)
{
	dyn_model_unref(lab->m);
	lab->m = NULL;
	dyn_session_close(lab->s);
	lab->s = NULL;
}

static int open_session(struct lab *lab)
{
	const char *paths[LAB_DISKS];
	const struct dyn_options opt = { .state_dir = lab->work };
	int rc;

	for (size_t i = 0; i < lab->n_disks; i++)
		paths[i] = lab->disk[i];
	rc = dyn_session_open(paths, lab->n_disks, &opt, &lab->s, &lab->err);
	return rc ? rc : rescan(lab);
}

static int lose(struct lab *lab, const struct lab_move *mv)
{
	int rc;

	close_session(lab);
	if (unlink(lab->disk[mv->disk]) < 0)
		return say_errno(lab, lab->disk[mv->disk]);
	rc = blank_file(lab, lab->disk[mv->disk], mv->size);
	return rc ? rc : open_session(lab);
}

static int make_move(struct lab *lab, const struct lab_move *mv)
{
	struct dyn_plan *p = NULL;
	int rc = -EINVAL;

	switch (mv->verb) {
	case LAB_MBR:
	case LAB_GPT:
	case LAB_GPT_MSR:
		return make_table(lab, mv);
	case LAB_EFI:
	case LAB_MSR:
	case LAB_PRIMARY:
		return make_partition(lab, mv);
	case LAB_FAT:
	case LAB_NTFS:
		return fill(lab, mv);
	case LAB_MIRROR:
		return make_mirror(lab, mv);
	case LAB_LOSE:
		return lose(lab, mv);
	case LAB_ACTIVE:
		rc = dyn_plan_set_active(lab->s, lab->m, mv->disk, mv->part - 1, true, &p, &lab->err);
		break;
	case LAB_ATTRIBUTES:
		rc = dyn_plan_gpt_attributes(lab->s, lab->m, mv->disk, mv->part - 1, mv->size, &p, &lab->err);
		break;
	case LAB_DYNAMIC:
		rc = dyn_plan_upgrade(lab->s, lab->m, mv->disk, DYN_TABLE_NONE, DYN_NONE, &p, &lab->err);
		break;
	case LAB_VOLUME:
		rc = dyn_plan_create_simple(lab->s, lab->m, mv->disk, mv->size, (char)mv->part, &p, &lab->err);
		break;
	case LAB_LETTER:
		rc = dyn_plan_set_letter(lab->s, lab->m, 0, (char)mv->part, &p, &lab->err);
		break;
	case LAB_RETAIN:
		rc = dyn_plan_retain(lab->s, lab->m, 0, &p, &lab->err);
		break;
	case LAB_END:
		break;
	}
	return carry_out(lab, rc, p);
}

static int make_disks(struct lab *lab)
{
	int rc = open_session(lab);

	for (const struct lab_move *mv = lab->sc->moves; !rc && mv->verb != LAB_END; mv++)
		rc = make_move(lab, mv);
	close_session(lab);
	return rc;
}

static int refuse_folder(struct lab *lab, int code, const char *why, const char *way_out)
{
	lab->err.code = code;
	dyn_text_format(lab->err.what, sizeof(lab->err.what), "%.300s %s", lab->dir, why);
	snprintf(lab->err.way_out, sizeof(lab->err.way_out), "%s", way_out);
	return code;
}

/* A new folder, or one in which nobody else can put something in the place of what is made there. */
static int take_folder(struct lab *lab)
{
	size_t n = strlen(lab->dir);
	char path[PATH_MAX];
	struct stat st;

	if (n == 0 || n > sizeof(path) - 64)
		return refuse_folder(lab, -ENAMETOOLONG, "is no name for a folder", "Name another folder.");
	memcpy(path, lab->dir, n + 1);
	while (n > 1 && path[n - 1] == '/') /* behind a slash a link would be followed */
		path[--n] = '\0';
	if (mkdir(path, 0700) == 0)
		return 0;
	if (errno != EEXIST || lstat(path, &st) < 0)
		return say_errno(lab, path);
	if (S_ISLNK(st.st_mode) || !S_ISDIR(st.st_mode))
		return refuse_folder(lab, -ENOTDIR, S_ISLNK(st.st_mode) ? "is a link" : "is no folder", "Name another folder.");
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return refuse_folder(lab, -EPERM, "belongs to another user", "Name a folder of your own.");
	if ((st.st_mode & S_IWOTH) && !(st.st_mode & S_ISVTX))
		return refuse_folder(lab, -EPERM, "can be written to by everybody", "Name a folder of your own.");
	return 0;
}

static int make_lab(struct lab *lab)
{
	size_t made = 0;
	int rc = take_folder(lab);

	if (rc)
		return rc;
	while (lab->n_disks < LAB_DISKS && lab->sc->size[lab->n_disks]) {
		snprintf(lab->disk[lab->n_disks], PATH_MAX, "%.*s/disk%zu.img", PATH_MAX - 16, lab->dir, lab->n_disks);
		lab->n_disks++;
	}
	while (!rc && made < lab->n_disks) {
		rc = blank_file(lab, lab->disk[made], lab->sc->size[made]);
		made += rc == 0;
	}
	if (rc == -EEXIST)
		snprintf(lab->err.way_out, sizeof(lab->err.way_out), "Name another folder, or remove the old lab first.");
	snprintf(lab->work, sizeof(lab->work), "%.*s/.making-XXXXXX", PATH_MAX - 32, lab->dir);
	if (!rc && !mkdtemp(lab->work))
		rc = say_errno(lab, lab->work);
	else if (!rc) {
		rc = make_disks(lab);
		nftw(lab->work, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	}
	for (size_t i = 0; rc && i < made; i++) /* half a lab would only be in the way of the next try */
		unlink(lab->disk[i]);
	return rc;
}

/* --------------------------------------------------------------- the command */

static int list_scenarios(void)
{
	for (size_t i = 0; i < lab_n_scenarios; i++)
		printf("%-16s %s\n", lab_scenarios[i].name, lab_scenarios[i].what);
	return 0;
}

static void say_done(const struct lab *lab)
{
	printf("Practice disks in %s: %s.\nOpen them with:\n  dynadisk", lab->dir, lab->sc->what);
	for (size_t i = 0; i < lab->n_disks; i++)
		printf(" %s", lab->disk[i]);
	printf("\n");
}

static int usage(const char *why)
{
	fprintf(stderr, "dynadisk lab: %s\nTry 'dynadisk --help' for more information.\n", why);
	return 2;
}

/* mkntfs lives where only root's PATH looks on some systems */
static void widen_path(void)
{
	const char *old = getenv("PATH");
	char path[4096];

	snprintf(path, sizeof(path), "%s:/usr/local/sbin:/usr/sbin:/sbin", old && *old ? old : "/usr/bin:/bin");
	setenv("PATH", path, 1);
}

int lab_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "scenario", required_argument, NULL, 's' }, { "list", no_argument, NULL, 'l' }, { NULL, 0, NULL, 0 }
	};
	struct lab *lab = calloc(1, sizeof(*lab));
	const char *name = "mbr-failed";
	int c, rc;

	if (!lab)
		return 1;
	optind = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			name = optarg;
		if (c == 'l' || c == '?') {
			free(lab);
			return c == 'l' ? list_scenarios() : usage("unknown option");
		}
	}
	for (size_t i = 0; i < lab_n_scenarios; i++)
		if (strcmp(lab_scenarios[i].name, name) == 0)
			lab->sc = &lab_scenarios[i];
	lab->dir = optind + 1 == argc ? argv[optind] : NULL;
	if (!lab->dir || !lab->sc) {
		rc = usage(lab->dir ? "no such scenario; --list names them" : "name one folder for the practice disks");
		free(lab);
		return rc;
	}
	widen_path();
	rc = make_lab(lab);
	if (rc)
		fprintf(stderr, "dynadisk lab: %s\n%s%s", lab->err.what, lab->err.way_out, lab->err.way_out[0] ? "\n" : "");
	else
		say_done(lab);
	free(lab);
	return rc ? 1 : 0;
}
