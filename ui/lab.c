/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lab.c - makes practice disks with our own engine: the same plans, applied to image files.
 *
 * Every scenario is made as life makes it: two disks are upgraded, a volume is created and filled
 * with an NTFS of files, mirrored, and then one disk is taken away and a blank one put in its place.
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

extern char **environ;

#define MIB (1ull << 20)

struct scenario {
	const char *name, *what;
	enum dyn_table table[2]; /* of the good disk and of the one that fails */
	uint64_t size;           /* bytes of each disk */
	bool failed;             /* the second disk is replaced by a blank one */
};

static const struct scenario scenarios[] = {
	{ "mbr-failed", "a mirrored volume C: on two MBR disks; the second disk died and a blank one took its place",
	  { DYN_TABLE_MBR, DYN_TABLE_MBR }, 512 * MIB, true },
	{ "gpt-failed", "the same on two GPT disks", { DYN_TABLE_GPT, DYN_TABLE_GPT }, 512 * MIB, true },
	{ "mixed-failed", "the same, with the good half on MBR and the lost one on GPT",
	  { DYN_TABLE_MBR, DYN_TABLE_GPT }, 512 * MIB, true },
	{ "mbr-healthy", "the mirror of mbr-failed before anything happened, and a blank spare disk",
	  { DYN_TABLE_MBR, DYN_TABLE_MBR }, 512 * MIB, false },
	{ "gpt-healthy", "the mirror of gpt-failed before anything happened, and a blank spare disk",
	  { DYN_TABLE_GPT, DYN_TABLE_GPT }, 512 * MIB, false },
};
enum { N_SCENARIOS = sizeof(scenarios) / sizeof(scenarios[0]) };

struct lab {
	const struct scenario *sc;
	const char *dir;
	char disk[3][PATH_MAX];
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
	snprintf(lab->err.what, sizeof(lab->err.what), "%.300s: %s", what, strerror(errno));
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
static int make_ntfs(struct lab *lab, uint64_t size, uint64_t start_sector, char *image, size_t image_size)
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
		rc = run_tool(lab, (char *[]){ "mkntfs", "-F", "-Q", "-q", "-L", "Windows", "-s", "512", "-H", "255", "-S", "63", "-p",
					       start, image, NULL });
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

/* --------------------------------------------------------------- a scenario */

static int make_volume(struct lab *lab)
{
	struct dyn_plan *p = NULL;
	char image[PATH_MAX];
	int rc;

	rc = dyn_plan_create_simple(lab->s, lab->m, 0, lab->sc->size - 160 * MIB, 'C', &p, &lab->err);
	rc = carry_out(lab, rc, p);
	if (rc)
		return rc;
	rc = make_ntfs(lab, lab->m->volumes[0].size, lab->m->volumes[0].plexes[0].extents[0].offset / 512, image,
		       sizeof(image));
	if (!rc)
		rc = dyn_plan_write_image(lab->s, lab->m, 0, image, &p, &lab->err);
	return carry_out(lab, rc, p);
}

static int make_mirror(struct lab *lab)
{
	const char *paths[] = { lab->disk[0], lab->disk[1] };
	const struct dyn_options opt = { .state_dir = lab->work };
	struct dyn_plan *p = NULL;
	int rc = dyn_session_open(paths, 2, &opt, &lab->s, &lab->err);

	if (!rc)
		rc = rescan(lab);
	for (size_t i = 0; !rc && i < 2; i++) {
		rc = dyn_plan_upgrade(lab->s, lab->m, i, lab->sc->table[i], DYN_NONE, &p, &lab->err);
		rc = carry_out(lab, rc, p);
	}
	if (!rc)
		rc = make_volume(lab);
	if (!rc)
		rc = dyn_plan_add_mirror(lab->s, lab->m, 0, 1, DYN_TABLE_NONE, &p, &lab->err);
	if (!rc)
		rc = carry_out(lab, rc, p);
	if (!rc && (lab->m->n_volumes != 1 || lab->m->volumes[0].layout != DYN_LAYOUT_MIRROR ||
		    lab->m->volumes[0].status != DYN_VOLUME_HEALTHY)) {
		struct dyn_job job;
		rc = -EIO;
		if (dyn_jobs(lab->s, &job, 1) && job.result.code)
			lab->err = job.result;
		else
			snprintf(lab->err.what, sizeof(lab->err.what), "the practice mirror did not become healthy");
	}
	dyn_model_unref(lab->m);
	lab->m = NULL;
	dyn_session_close(lab->s);
	lab->s = NULL;
	return rc;
}

static int make_lab(struct lab *lab)
{
	const char *spare = lab->sc->failed ? lab->disk[1] : lab->disk[2];
	int rc = 0;

	if (mkdir(lab->dir, 0700) < 0 && errno != EEXIST)
		return say_errno(lab, lab->dir);
	for (int i = 0; i < 3; i++)
		snprintf(lab->disk[i], sizeof(lab->disk[i]), "%.*s/disk%d.img", PATH_MAX - 16, lab->dir, i);
	for (int i = 0; !rc && i < 2; i++)
		rc = blank_file(lab, lab->disk[i], lab->sc->size);
	if (rc == -EEXIST)
		snprintf(lab->err.way_out, sizeof(lab->err.way_out), "Name another folder, or remove the old lab first.");
	if (rc)
		return rc;
	snprintf(lab->work, sizeof(lab->work), "%.*s/.making-XXXXXX", PATH_MAX - 32, lab->dir);
	if (!mkdtemp(lab->work))
		return say_errno(lab, lab->work);
	rc = make_mirror(lab);
	nftw(lab->work, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	/* the disk dies, a new one is put into its slot */
	if (!rc && lab->sc->failed && unlink(lab->disk[1]) < 0)
		rc = say_errno(lab, lab->disk[1]);
	if (!rc)
		return blank_file(lab, spare, lab->sc->size);
	unlink(lab->disk[0]); /* half a lab would only be in the way of the next try */
	unlink(lab->disk[1]);
	return rc;
}

/* --------------------------------------------------------------- the command */

static int list_scenarios(void)
{
	for (size_t i = 0; i < N_SCENARIOS; i++)
		printf("%-14s %s\n", scenarios[i].name, scenarios[i].what);
	return 0;
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
	for (size_t i = 0; i < N_SCENARIOS; i++)
		if (strcmp(scenarios[i].name, name) == 0)
			lab->sc = &scenarios[i];
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
		printf("Practice disks in %s: %s.\nOpen them with:\n  dynadisk %s %s%s%s\n", lab->dir, lab->sc->what, lab->disk[0],
		       lab->disk[1], lab->sc->failed ? "" : " ", lab->sc->failed ? "" : lab->disk[2]);
	free(lab);
	return rc ? 1 : 0;
}
