/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * undo_dir.c - the folder of the undo files. What is in it is written to disks one day, so it is used only when it and
 * the folder around it are real folders (no links) that nobody else can write to. Old files are removed when new ones
 * come, never one that could still be of use (undo_dir_prune).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "run/undo.h"

enum { PEEK = 16384, NAME_MAX_LEN = 64 };

bool undo_id_ok(const char *id)
{
	size_t n = strlen(id);

	return n > 5 && n < NAME_MAX_LEN && strcmp(id + n - 5, ".undo") == 0 && id[0] != '.' &&
	       strspn(id, "0123456789abcdefghijklmnopqrstuvwxyz-.") == n;
}

int undo_sync_dir(int fd)
{
	return fsync(fd) == 0 || errno == EINVAL ? 0 : -errno; /* EINVAL: this file system has no such thing */
}

/* Makes a folder ours (0700), and its name last a power cut. It may be there already. */
static int make_dir(const char *path)
{
	char parent[4096];
	char *end;
	int fd, rc;

	if (mkdir(path, 0700) < 0)
		return errno == EEXIST ? 0 : -errno;
	snprintf(parent, sizeof(parent), "%s", path);
	end = strrchr(parent, '/');
	if (end)
		end[end == parent] = '\0';
	fd = open(end ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == EACCES ? 0 : -errno; /* a folder we may write to but not read */
	rc = undo_sync_dir(fd);
	close(fd);
	return rc;
}

/* Makes every folder of the path that is missing. */
static int make_dirs(const char *of)
{
	char path[4096];
	int rc = 0;

	if ((size_t)snprintf(path, sizeof(path), "%s", of) >= sizeof(path))
		return -ENAMETOOLONG;
	for (char *p = path + (path[0] == '/'); !rc; p++) {
		char c = *p;
		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		rc = path[0] ? make_dir(path) : 0;
		*p = c;
		if (c == '\0')
			break;
	}
	return rc;
}

int undo_only_ours(const char *path, const struct stat *st, struct dyn_err *err)
{
	if (st->st_uid != geteuid() && st->st_uid != 0)
		return dyn_refuse(err, -EPERM, "What is in it would be written to disks. Use --state-dir to name a folder of your own.",
				  "%.250s belongs to another user", path);
	if (st->st_mode & 022)
		return dyn_refuse(err, -EPERM, "What is in it would be written to disks. Take that right away (chmod go-w) if you trust it.",
				  "others may write to %.250s", path);
	return 0;
}

static const char unusable[] =
	"Undo files are kept there. Check that file system, or use --state-dir to name another folder.";

/* Opens a folder in (or at) `at` unless it is a link or not ours alone. */
static int open_checked(int at, const char *name, const char *path, struct dyn_err *err)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), rc = errno;
	struct stat st;

	if (fd < 0 && (rc == ELOOP || rc == ENOTDIR))
		return dyn_refuse(err, -rc, "Use --state-dir to name a real folder.", "%.250s is a link, or no folder", path);
	if (fd < 0)
		return dyn_refuse(err, -rc, unusable, "%.250s: %s", path, strerror(rc));
	rc = fstat(fd, &st) < 0 ? dyn_refuse(err, -errno, unusable, "%.250s: %s", path, strerror(errno)) :
				  undo_only_ours(path, &st, err);
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

int undo_dir_open(const struct dyn_session *s, bool create, struct dyn_err *err)
{
	char state[4096], path[4096 + 8];
	size_t n = strlen(s->state_dir);
	int fd, dir, rc;

	while (n > 1 && s->state_dir[n - 1] == '/') /* behind a slash a link would be followed */
		n--;
	if (n == 0 || n >= sizeof(state))
		return dyn_fail(err, -ENAMETOOLONG, "the name of the state folder is too long");
	memcpy(state, s->state_dir, n);
	state[n] = '\0';
	snprintf(path, sizeof(path), "%s/undo", state);
	rc = create ? make_dirs(path) : 0;
	if (rc)
		return dyn_refuse(err, rc, unusable, "%.250s cannot be made: %s", path, strerror(-rc));
	fd = open_checked(AT_FDCWD, state, state, err);
	if (fd < 0)
		return fd;
	dir = open_checked(fd, "undo", path, err);
	close(fd);
	return dir;
}

int undo_dir_list(int dir, char (**out)[64], size_t *n)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = fd < 0 ? -errno : 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	*out = NULL;
	*n = 0;
	if (fd >= 0 && !d) {
		rc = -errno;
		close(fd);
	}
	while (d && !rc && (e = readdir(d))) {
		void *all = *out;
		if (!undo_id_ok(e->d_name))
			continue;
		if (*n % 64 == 0)
			all = realloc(*out, (*n + 64) * sizeof(**out));
		if (!all) {
			rc = -ENOMEM;
			break;
		}
		*out = all;
		memcpy((*out)[(*n)++], e->d_name, strlen(e->d_name) + 1);
	}
	if (d)
		closedir(d);
	if (rc) {
		free(*out);
		*out = NULL;
		*n = 0;
	}
	return rc;
}

/* ----------------------------------------------------------------- pruning */

/* How many newer files concern a disk. */
struct tally {
	char *path;
	unsigned n;
};

static struct tally *tally_of(struct tally **all, size_t *n, const char *path)
{
	struct tally *more;

	for (size_t i = 0; i < *n; i++)
		if (strcmp((*all)[i].path, path) == 0)
			return &(*all)[i];
	more = realloc(*all, (*n + 1) * sizeof(*more));
	if (!more)
		return NULL;
	*all = more;
	more[*n] = (struct tally){ strdup(path), 0 };
	return more[*n].path ? &more[(*n)++] : NULL;
}

/*
 * Counts a file for its disks; *keep: one of them is here and has fewer than UNDO_KEEP newer files. What cannot be read is
 * of no use, which its place among the files decides alone. -ENOMEM.
 */
static int count_file(int dir, const char *id, struct tally **all, size_t *n, bool *keep)
{
	int fd = openat(dir, id, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK), rc = 0;
	uint8_t *b = fd < 0 ? NULL : malloc(PEEK);
	ssize_t got = b ? pread(fd, b, PEEK, 0) : 0;
	struct undo_disk *disks = NULL;
	size_t n_disks = 0;
	struct stat st;

	if (fd >= 0 && !b)
		rc = -ENOMEM;
	if (got > 0 && undo_file_peek(b, (size_t)got, &disks, &n_disks))
		n_disks = 0;
	for (size_t i = 0; !rc && i < n_disks; i++) {
		struct tally *t = tally_of(all, n, disks[i].path);
		if (!t)
			rc = -ENOMEM;
		else if (t->n++ < UNDO_KEEP && stat(disks[i].path, &st) == 0)
			*keep = true;
	}
	undo_disks_free(disks, n_disks);
	free(b);
	if (fd >= 0)
		close(fd);
	return rc;
}

static int newest_name_first(const void *a, const void *b)
{
	return strcmp(b, a);
}

/* What a power cut left of files that were not finished: their plans wrote nothing. A living writer holds its lock. */
static void prune_unfinished(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d && fd >= 0)
		close(fd);
	while (d && (e = readdir(d))) {
		int file = e->d_name[0] == '.' && undo_id_ok(e->d_name + 1) ?
				   openat(dir, e->d_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK) :
				   -1;
		if (file >= 0 && flock(file, LOCK_EX | LOCK_NB) == 0)
			(void)unlinkat(dir, e->d_name, 0);
		if (file >= 0)
			close(file);
	}
	if (d)
		closedir(d);
}

void undo_dir_prune(const struct dyn_session *s, int dir, const char *newest)
{
	char(*ids)[64];
	struct tally *all = NULL;
	size_t n, n_tally = 0;
	int rc = undo_dir_list(dir, &ids, &n);

	prune_unfinished(dir);
	if (!rc && n > UNDO_KEEP)
		qsort(ids, n, sizeof(*ids), newest_name_first);
	for (size_t i = 0; !rc && n > UNDO_KEEP && i < n; i++) {
		bool keep = i < UNDO_KEEP || strcmp(ids[i], newest) >= 0; /* the clock may have been set back */
		rc = count_file(dir, ids[i], &all, &n_tally, &keep);
		if (!rc && !keep && unlinkat(dir, ids[i], 0) == 0)
			session_log(s, "undo file %s removed: %d newer ones are kept", ids[i], UNDO_KEEP);
	}
	for (size_t i = 0; i < n_tally; i++)
		free(all[i].path);
	free(all);
	free(ids);
}
