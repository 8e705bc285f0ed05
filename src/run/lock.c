/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lock.c - holding disks. A disk is opened O_RDWR, on block devices O_EXCL (the kernel then
 * refuses while it is mounted, swap, or part of md, LVM or device-mapper, and refuses those
 * while we hold it), and flock()ed against other programs that ask first: another dynadisk,
 * udev's probing. Image files get an open-file-description lock as well, which is what virtual
 * machines ask for. A lock belongs to the inode, so that other links to an image meet it; a loop
 * device is another inode, so what lies below it is locked, too. Jobs and applies of one session
 * share a disk by counting.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "run/run.h"
#include "run/writer.h"

enum { LOCK_TRIES = 20, LOCK_PAUSE_MS = 50 }; /* udev and a scan hold a disk's lock for moments */

/* -------------------------------------------------------------- who holds it */

/* Process that holds an flock on this file, by /proc/locks; 0 unknown. */
static long lock_holder(const char *sys_root, const struct stat *st)
{
	char path[512], line[256];
	long found = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/locks", sys_root);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		long pid;
		unsigned maj, min;
		unsigned long long ino;
		if (sscanf(line, "%*u: FLOCK %*s %*s %ld %x:%x:%llu", &pid, &maj, &min, &ino) == 4 && pid > 0 &&
		    ino == st->st_ino && maj == major(st->st_dev) && min == minor(st->st_dev))
			found = pid;
	}
	if (f)
		fclose(f);
	return found;
}

/* Has this process the file or device open for writing? */
static bool has_open(const char *sys_root, const char *pid, const struct stat *want)
{
	char path[600], line[128];
	bool hit = false;
	struct dirent *e;
	unsigned flags;
	struct stat st;
	FILE *f;
	DIR *d;

	snprintf(path, sizeof(path), "%.300s/proc/%.20s/fd", sys_root, pid);
	d = opendir(path);
	while (d && !hit && (e = readdir(d))) {
		if (!isdigit((unsigned char)e->d_name[0]) || fstatat(dirfd(d), e->d_name, &st, 0) < 0)
			continue;
		if (S_ISBLK(want->st_mode) ? !S_ISBLK(st.st_mode) || st.st_rdev != want->st_rdev :
					     st.st_dev != want->st_dev || st.st_ino != want->st_ino)
			continue;
		snprintf(path, sizeof(path), "%.300s/proc/%.20s/fdinfo/%.20s", sys_root, pid, e->d_name);
		f = fopen(path, "re");
		while (f && !hit && fgets(line, sizeof(line), f))
			hit = sscanf(line, "flags: %o", &flags) == 1 && (flags & O_ACCMODE) != O_RDONLY;
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
	return hit;
}

/* A process, not this one, that has it open for writing, as far as we may see that; 0 unknown. */
static long open_holder(const char *sys_root, const struct stat *want)
{
	char path[512];
	struct dirent *e;
	long found = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s/proc", sys_root);
	d = opendir(path);
	while (d && !found && (e = readdir(d))) {
		long pid = strtol(e->d_name, NULL, 10);
		if (isdigit((unsigned char)e->d_name[0]) && pid != (long)getpid() && has_open(sys_root, e->d_name, want))
			found = pid;
	}
	if (d)
		closedir(d);
	return found;
}

/* The command of a process, "" when it is gone. */
static void command_of(const char *sys_root, long pid, char *dst, size_t n)
{
	char path[512], raw[64] = "";
	FILE *f;

	dst[0] = '\0';
	snprintf(path, sizeof(path), "%s/proc/%ld/comm", sys_root, pid);
	f = fopen(path, "re");
	if (f) {
		size_t got = fread(raw, 1, sizeof(raw), f);
		while (got > 0 && raw[got - 1] == '\n')
			got--;
		dyn_text_clean(dst, n, raw, got);
		fclose(f);
	}
}

/* A lock (how: "holds its lock") or the exclusive open (how: "holds it") was refused: who has it? */
static int refuse_held(const struct dyn_session *s, const char *title, const struct stat *st, const char *how,
		       struct dyn_err *err)
{
	long pid = lock_holder(s->sys_root, st);
	char comm[128] = "";

	if (pid == 0)
		pid = open_holder(s->sys_root, st);
	if (pid == 0)
		return dyn_refuse(err, -EBUSY, "Wait until it ends, or end it, and try again.",
				  "%s is in use: another program %s", title, how);
	command_of(s->sys_root, pid, comm, sizeof(comm));
	if (strcmp(comm, "dynadisk") == 0)
		return dyn_refuse(err, -EBUSY, "Use that dynadisk, or end it (its rebuild is then paused and can be resumed).",
				  "%s is in use: another dynadisk (process %ld)", title, pid);
	return dyn_refuse(err, -EBUSY, "Wait until it ends, or end it, and try again.", "%s is in use: %s (process %ld)",
			  title, comm[0] ? comm : "another program", pid);
}

/* ------------------------------------------------------------------- locking */

/* The lock that virtual machines take on their images. Where a file system has none there is nobody to keep out by it. */
static int lock_image(int fd)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_OFD_SETLK, &whole) == 0 || (errno != EAGAIN && errno != EACCES))
		return 0;
	errno = EWOULDBLOCK;
	return -1;
}

static int take_lock(const struct dyn_session *s, int fd, const char *title, struct dyn_err *err)
{
	const struct timespec pause = { 0, LOCK_PAUSE_MS * 1000000L };
	struct stat st;

	if (fstat(fd, &st) < 0)
		return dyn_refuse(err, -errno, "Check its cable and power, then rescan (F5).", "%s cannot be locked: %s", title,
				  strerror(errno));
	for (int i = 0; (S_ISREG(st.st_mode) && lock_image(fd) < 0) || flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return dyn_refuse(err, -errno, "Check its cable and power, then rescan (F5).", "%s cannot be locked: %s",
					  title, strerror(errno));
		if (i >= LOCK_TRIES)
			return refuse_held(s, title, &st, "holds its lock", err);
		nanosleep(&pause, NULL);
	}
	return 0;
}

int run_open_rw(const struct dyn_session *s, const char *path, bool exclusive, struct dyn_io **out, struct dyn_err *err)
{
	return s->open_io ? s->open_io(s->open_arg, path, true, out, err) : writer_open(path, exclusive, out, err);
}

/* Opens what lies below, only to lock it. -1 when its name leads elsewhere by now: then nobody else gets there by it. */
static int open_below(const struct model_id *id, const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 &&
	    (id->block ? S_ISBLK(st.st_mode) && st.st_rdev == id->dev : st.st_dev == id->dev && st.st_ino == id->ino))
		return fd;
	close(fd);
	return -1;
}

static int lock_below(struct dyn_session *s, struct run_disk *d, const char *title, struct dyn_err *err)
{
	struct model_id ids[MODEL_IDS];
	size_t n = model_identity(s->sys_root, d->path, ids, MODEL_IDS);
	char path[4096], loop[sizeof(ids->name)] = "";
	int rc = 0;

	for (size_t i = 0; !rc && i < n; i++) {
		int fd = -1;
		if (ids[i].block)
			snprintf(path, sizeof(path), "/dev/%s", ids[i].name);
		if (ids[i].block && strncmp(ids[i].name, "loop", 4) == 0)
			memcpy(loop, ids[i].name, sizeof(loop));
		if (i > 0 && !ids[i].around && (ids[i].block || model_loop_file(s->sys_root, loop, path, sizeof(path))))
			fd = open_below(&ids[i], path);
		if (fd < 0)
			continue;
		d->below[d->n_below++] = fd;
		rc = take_lock(s, fd, title, err);
	}
	return rc;
}

static void close_disk(struct run_disk *d)
{
	while (d->n_below > 0)
		close(d->below[--d->n_below]);
	dyn_io_close(d->io);
	d->io = NULL;
}

static int refuse_in_use(const struct dyn_session *s, const char *path, const char *title, struct dyn_err *err)
{
	char holder[160] = "";

	model_disk_in_use(s->sys_root, path, holder, sizeof(holder));
	return holder[0] ? dyn_refuse(err, -EBUSY, "Unmount it, or stop what uses it, and try again.", "%s is in use: %s", title,
				      holder) :
			   0;
}

static int open_locked(struct dyn_session *s, struct run_disk *d, const char *title, struct dyn_err *err)
{
	int rc = refuse_in_use(s, d->path, title, err);
	struct stat st;

	if (rc)
		return rc;
	rc = run_open_rw(s, d->path, true, &d->io, err);
	if (rc == -EBUSY && stat(d->path, &st) == 0)
		return refuse_held(s, title, &st, "holds it", err);
	if (rc)
		return rc;
	rc = d->io->fd >= 0 ? take_lock(s, d->io->fd, title, err) : 0;
	if (!rc)
		rc = lock_below(s, d, title, err);
	if (!rc) /* again: what came to use it before it was locked */
		rc = refuse_in_use(s, d->path, title, err);
	if (!rc && d->io->sector_size != 512)
		rc = dyn_refuse(err, -ENOTSUP, "Use a disk with 512-byte sectors (512e is fine).",
				"%s has sectors of %u bytes, on which dynadisk does not write yet", title,
				d->io->sector_size);
	if (rc)
		close_disk(d);
	return rc;
}

static struct run_disk *find(struct run_state *rs, const char *path)
{
	struct run_disk *d = rs->disks;

	while (d && strcmp(d->path, path) != 0)
		d = d->next;
	return d;
}

int run_disk_get(struct dyn_session *s, const char *path, const char *title, struct run_disk **out, struct dyn_err *err)
{
	struct run_state *rs = s->run;
	struct run_disk *d;
	int rc;

	pthread_mutex_lock(&rs->lock);
	d = find(rs, path);
	if (d)
		d->refs++;
	pthread_mutex_unlock(&rs->lock);
	if (d) {
		*out = d;
		return 0;
	}
	/* New ones are only made while `meta` is held, so nobody else adds this path meanwhile. */
	d = calloc(1, sizeof(*d));
	if (!d || !(d->path = strdup(path))) {
		free(d);
		return dyn_fail_nomem(err);
	}
	rc = open_locked(s, d, title, err);
	if (rc) {
		free(d->path);
		free(d);
		return rc;
	}
	d->refs = 1;
	pthread_mutex_lock(&rs->lock);
	d->next = rs->disks;
	rs->disks = d;
	pthread_mutex_unlock(&rs->lock);
	*out = d;
	return 0;
}

void run_disk_ref(struct dyn_session *s, struct run_disk *d)
{
	pthread_mutex_lock(&s->run->lock);
	d->refs++;
	pthread_mutex_unlock(&s->run->lock);
}

void run_disk_put(struct dyn_session *s, struct run_disk *d)
{
	struct run_state *rs = s->run;
	struct run_disk **at = &rs->disks;

	if (!d)
		return;
	pthread_mutex_lock(&rs->lock);
	if (--d->refs > 0) {
		pthread_mutex_unlock(&rs->lock);
		return;
	}
	while (*at != d)
		at = &(*at)->next;
	*at = d->next;
	/* Closed under the lock: who does not find it in the list may open it at once. All is flushed, so this is quick. */
	close_disk(d);
	pthread_mutex_unlock(&rs->lock);
	free(d->path);
	free(d);
}

/* ------------------------------------------------------------- of a whole plan */

static int need_disk(const struct dyn_plan *p, size_t disk, bool *need, struct dyn_err *err)
{
	if (disk >= p->model->n_disks)
		return dyn_fail(err, -EINVAL, "the plan names a disk that does not exist");
	need[disk] = p->model->disks[disk].status != DYN_DISK_MISSING;
	return 0;
}

/* What is written or read by the steps is locked whether the plan remembered to say so or not. */
static int need_disks(const struct dyn_plan *p, bool *need, struct dyn_err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < p->n_locks; i++)
		rc = need_disk(p, p->locks[i], need, err);
	for (size_t i = 0; !rc && i < p->n_steps; i++) {
		const struct dyn_step *st = &p->steps[i].pub;
		if (st->kind == DYN_STEP_COPY)
			rc = need_disk(p, st->source, need, err);
		if (!rc && st->kind != DYN_STEP_SECTORS)
			rc = need_disk(p, st->disk, need, err);
		for (size_t w = 0; !rc && w < st->n_writes; w++)
			rc = need_disk(p, st->writes[w].disk, need, err);
	}
	return rc;
}

/* What is locked last of a disk: for two dynadisks the same, whatever they call it and in whatever order they list it. */
struct place {
	struct model_id id;
	size_t disk;
};

static int by_id(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->id.block != y->id.block)
		return x->id.block ? -1 : 1;
	if (x->id.dev != y->id.dev)
		return x->id.dev < y->id.dev ? -1 : 1;
	if (x->id.ino != y->id.ino)
		return x->id.ino < y->id.ino ? -1 : 1;
	return x->disk < y->disk ? -1 : 1;
}

static size_t sort_disks(const struct dyn_session *s, const struct dyn_plan *p, const bool *need, struct place *out)
{
	struct model_id ids[MODEL_IDS];
	size_t n = 0;

	for (size_t i = 0; i < p->model->n_disks; i++) {
		size_t n_ids = need[i] ? model_identity(s->sys_root, p->model->disks[i].path, ids, MODEL_IDS) : 0;
		if (!need[i])
			continue;
		out[n] = (struct place){ .disk = i };
		while (n_ids > 1 && ids[n_ids - 1].around)
			n_ids--;
		if (n_ids > 0)
			out[n].id = ids[n_ids - 1];
		n++;
	}
	if (n > 1)
		qsort(out, n, sizeof(*out), by_id);
	return n;
}

int run_held_get(struct dyn_session *s, const struct dyn_plan *p, struct run_held *out, struct dyn_err *err)
{
	size_t n = p->model->n_disks ? p->model->n_disks : 1, n_places;
	bool *need = calloc(n, sizeof(*need));
	struct place *places = calloc(n, sizeof(*places));
	int rc = 0;

	out->n = p->model->n_disks;
	out->disks = calloc(n, sizeof(struct run_disk *));
	if (!out->disks || !need || !places)
		rc = dyn_fail_nomem(err);
	if (!rc)
		rc = need_disks(p, need, err);
	/* In one order for all: of two that want the same disks one must get them, not each a half of them. */
	n_places = rc ? 0 : sort_disks(s, p, need, places);
	for (size_t i = 0; !rc && i < n_places; i++) {
		const struct dyn_disk *d = &p->model->disks[places[i].disk];
		char title[192];
		model_disk_title(d, title, sizeof(title));
		rc = run_disk_get(s, d->path, title, &out->disks[places[i].disk], err);
	}
	free(need);
	free(places);
	if (rc)
		run_held_put(s, out);
	return rc;
}

void run_held_put(struct dyn_session *s, struct run_held *h)
{
	for (size_t i = 0; h->disks && i < h->n; i++)
		run_disk_put(s, h->disks[i]);
	free(h->disks);
	*h = (struct run_held){ 0 };
}
