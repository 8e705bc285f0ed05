/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * freespace.c - free bytes of each volume's file system, counted in a thread of its own: a large volume's allocation map
 * or a slow disk must never hold up a key. A count that is given up ends by itself; whoever is last frees it.
 */
#include "config.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ui/tui/console.h"

struct freespace {
	struct dyn_model *m;    /* referenced */
	atomic_int users;       /* the thread and the console */
	atomic_bool given_up;
	atomic_bool news;
	int wake_fd;            /* an eventfd, our own copy */
	_Atomic uint64_t *found;
	uint64_t *shown;        /* the console's copy */
};

static void release(struct freespace *f)
{
	if (atomic_fetch_sub(&f->users, 1) != 1)
		return;
	dyn_model_unref(f->m);
	if (f->wake_fd >= 0)
		close(f->wake_fd);
	free(f->found);
	free(f->shown);
	free(f);
}

static void *count(void *arg)
{
	struct freespace *f = arg;

	for (size_t i = 0; i < f->m->n_volumes && !atomic_load(&f->given_up); i++) {
		uint64_t bytes, one = 1;

		if (dyn_volume_fs_free(f->m, i, &bytes, NULL) != 0)
			continue;
		atomic_store(&f->found[i], bytes);
		atomic_store(&f->news, true);
		if (write(f->wake_fd, &one, sizeof(one)) < 0)
			continue; /* the console looks again at the next key */
	}
	release(f);
	return NULL;
}

/* The numbers known for the same volumes in an older model. */
static void adopt(struct freespace *f, const struct freespace *old)
{
	for (size_t i = 0; i < f->m->n_volumes; i++) {
		for (size_t k = 0; k < old->m->n_volumes; k++) {
			const struct dyn_volume *a = &f->m->volumes[i], *b = &old->m->volumes[k];

			if (*a->guid && strcmp(a->guid, b->guid) == 0 && a->size == b->size)
				f->shown[i] = old->shown[k];
		}
	}
}

struct freespace *freespace_start(struct dyn_model *m, struct freespace *old, int wake_fd)
{
	struct freespace *f = xcalloc(1, sizeof(*f));
	pthread_attr_t attr;
	pthread_t thread;

	f->m = dyn_model_ref(m);
	f->wake_fd = dup(wake_fd);
	f->found = xcalloc(m->n_volumes, sizeof(*f->found));
	f->shown = xcalloc(m->n_volumes, sizeof(*f->shown));
	for (size_t i = 0; i < m->n_volumes; i++) {
		atomic_init(&f->found[i], VIEW_FREE_UNKNOWN);
		f->shown[i] = VIEW_FREE_UNKNOWN;
	}
	if (old)
		adopt(f, old);
	freespace_stop(old);
	atomic_init(&f->users, 2);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attr, count, f) != 0)
		release(f); /* no numbers then; everything else works */
	pthread_attr_destroy(&attr);
	return f;
}

bool freespace_take(struct freespace *f)
{
	if (f == NULL || !atomic_exchange(&f->news, false))
		return false;
	for (size_t i = 0; i < f->m->n_volumes; i++) {
		uint64_t bytes = atomic_load(&f->found[i]);

		if (bytes != VIEW_FREE_UNKNOWN)
			f->shown[i] = bytes;
	}
	return true;
}

const uint64_t *freespace_bytes(const struct freespace *f)
{
	return f ? f->shown : NULL;
}

void freespace_stop(struct freespace *f)
{
	if (f == NULL)
		return;
	atomic_store(&f->given_up, true);
	release(f);
}
