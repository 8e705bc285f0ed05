/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lock.c - holding disks. A disk is opened O_RDWR, on block devices O_EXCL (the kernel then
 * refuses while it is mounted, swap, or part of md, LVM or device-mapper, and refuses those
 * while we hold it), and flock()ed against other programs that ask first: another dynadisk,
 * udev's probing. Jobs and applies of one session share a disk by counting.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "run/run.h"
#include "run/writer.h"

enum { LOCK_TRIES = 20, LOCK_PAUSE_MS = 50 }; /* udev and a scan hold a disk's lock for moments */

/* Process that holds an flock on this file, by /proc/locks; 0 unknown. */
static long lock_holder(const char *sys_root, int fd)
{
	char path[512], line[256];
	struct stat st;
	long found = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/locks", sys_root);
	f = fstat(fd, &st) == 0 ? fopen(path, "re") : NULL;
	while (f && fgets(line, sizeof(line), f)) {
		long pid;
		unsigned maj, min;
		unsigned long long ino;
		if (sscanf(line, "%*u: FLOCK %*s %*s %ld %x:%x:%llu", &pid, &maj, &min, &ino) == 4 && pid > 0 &&
		    ino == st.st_ino && maj == major(st.st_dev) && min == minor(st.st_dev))
			found = pid;
	}
	if (f)
		fclose(f);
	return found;
}

static int refuse_locked(const struct dyn_session *s, const char *title, int fd, struct dyn_err *err)
{
	char path[512], raw[64] = "", comm[128] = "";
	long pid = lock_holder(s->sys_root, fd);
	FILE *f;

	if (pid == 0)
		return dyn_refuse(err, -EBUSY, "Wait until it ends, or end it, and try again.",
				  "%s is in use: another program holds its lock", title);
	snprintf(path, sizeof(path), "%s/proc/%ld/comm", s->sys_root, pid);
	f = fopen(path, "re");
	if (f) {
		size_t n = fread(raw, 1, sizeof(raw), f);
		while (n > 0 && raw[n - 1] == '\n')
			n--;
		dyn_text_clean(comm, sizeof(comm), raw, n);
		fclose(f);
	}
	if (strcmp(comm, "dynadisk") == 0)
		return dyn_refuse(err, -EBUSY, "Use that dynadisk, or end it (its rebuild is then paused and can be resumed).",
				  "%s is in use: another dynadisk (process %ld)", title, pid);
	return dyn_refuse(err, -EBUSY, "Wait until it ends, or end it, and try again.", "%s is in use: %s (process %ld)",
			  title, comm[0] ? comm : "another program", pid);
}

static int take_flock(const struct dyn_session *s, struct dyn_io *io, const char *title, struct dyn_err *err)
{
	const struct timespec pause = { 0, LOCK_PAUSE_MS * 1000000L };

	for (int i = 0; flock(io->fd, LOCK_EX | LOCK_NB) < 0; i++) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return dyn_fail(err, -errno, "%s cannot be locked: %s", title, strerror(errno));
		if (i >= LOCK_TRIES)
			return refuse_locked(s, title, io->fd, err);
		nanosleep(&pause, NULL);
	}
	return 0;
}

static int open_locked(struct dyn_session *s, const char *path, const char *title, struct dyn_io **out,
		       struct dyn_err *err)
{
	char holder[128] = "";
	int rc;

	model_disk_in_use(s->sys_root, path, holder, sizeof(holder));
	if (holder[0])
		return dyn_refuse(err, -EBUSY, "Unmount it, or stop what uses it, and try again.", "%s is in use: %s", title,
				  holder);
	rc = writer_open(path, true, out, err);
	if (rc == -EBUSY)
		return dyn_refuse(err, -EBUSY, "Unmount it, or stop what uses it, and try again.",
				  "%s is in use: the system or another program holds it", title);
	if (rc)
		return rc;
	rc = take_flock(s, *out, title, err);
	if (!rc && (*out)->sector_size != 512)
		rc = dyn_refuse(err, -ENOTSUP, "Use a disk with 512-byte sectors (512e is fine).",
				"%s has sectors of %u bytes, on which dynadisk does not write yet", title,
				(*out)->sector_size);
	if (rc)
		dyn_io_close(*out);
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
	rc = open_locked(s, path, title, &d->io, err);
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
	dyn_io_close(d->io);
	pthread_mutex_unlock(&rs->lock);
	free(d->path);
	free(d);
}

static int held_add(struct dyn_session *s, const struct dyn_plan *p, size_t disk, struct run_held *h,
		    struct dyn_err *err)
{
	const struct dyn_disk *d;
	char title[192];

	if (disk >= h->n)
		return dyn_fail(err, -EINVAL, "the plan names a disk that does not exist");
	d = &p->model->disks[disk];
	if (h->disks[disk] || d->status == DYN_DISK_MISSING)
		return 0;
	model_disk_title(d, title, sizeof(title));
	return run_disk_get(s, d->path, title, &h->disks[disk], err);
}

int run_held_get(struct dyn_session *s, const struct dyn_plan *p, struct run_held *out, struct dyn_err *err)
{
	int rc = 0;

	out->n = p->model->n_disks;
	out->disks = calloc(out->n ? out->n : 1, sizeof(struct run_disk *));
	if (!out->disks)
		return dyn_fail_nomem(err);
	for (size_t i = 0; !rc && i < p->n_locks; i++)
		rc = held_add(s, p, p->locks[i], out, err);
	/* What is written or read by the steps is locked whether the plan remembered to say so or not. */
	for (size_t i = 0; !rc && i < p->n_steps; i++) {
		const struct dyn_step *st = &p->steps[i].pub;
		if (st->kind == DYN_STEP_COPY)
			rc = held_add(s, p, st->source, out, err);
		if (!rc && st->kind != DYN_STEP_SECTORS)
			rc = held_add(s, p, st->disk, out, err);
		for (size_t w = 0; !rc && w < st->n_writes; w++)
			rc = held_add(s, p, st->writes[w].disk, out, err);
	}
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
