/* SPDX-License-Identifier: GPL-3.0-or-later */
/* engine.c - one thread, one thing at a time. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>

#include "ui/tui/engine.h"
#include "ui/tui/util.h"

struct engine {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool runs;                 /* there is a thread */
	bool end;
	void (*work)(void *arg);   /* what is under way, NULL: nothing */
	void *arg;
	int wake_fd;
};

static void *engine_thread(void *arg)
{
	struct engine *e = arg;

	pthread_mutex_lock(&e->lock);
	while (!e->end) {
		if (!e->work) {
			pthread_cond_wait(&e->changed, &e->lock);
			continue;
		}
		pthread_mutex_unlock(&e->lock);
		e->work(e->arg);
		pthread_mutex_lock(&e->lock);
		e->work = NULL;
		pthread_cond_broadcast(&e->changed);
		(void)eventfd_write(e->wake_fd, 1); /* refused when its counter is full: the console is being woken then */
	}
	pthread_mutex_unlock(&e->lock);
	return NULL;
}

struct engine *engine_start(int wake_fd)
{
	struct engine *e = xcalloc(1, sizeof(*e));
	pthread_condattr_t attr;

	e->wake_fd = wake_fd;
	pthread_mutex_init(&e->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&e->changed, &attr);
	pthread_condattr_destroy(&attr);
	e->runs = pthread_create(&e->thread, NULL, engine_thread, e) == 0;
	if (e->runs)
		pthread_setname_np(e->thread, "engine");
	return e;
}

void engine_begin(struct engine *e, void (*work)(void *arg), void *arg)
{
	if (!e->runs) {
		work(arg);
		return;
	}
	pthread_mutex_lock(&e->lock);
	e->arg = arg;
	e->work = work;
	pthread_cond_broadcast(&e->changed);
	pthread_mutex_unlock(&e->lock);
}

bool engine_wait(struct engine *e, int ms)
{
	struct timespec until;
	bool idle;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	pthread_mutex_lock(&e->lock);
	while (e->work && rc != ETIMEDOUT && ms)
		rc = ms < 0 ? pthread_cond_wait(&e->changed, &e->lock) : pthread_cond_timedwait(&e->changed, &e->lock, &until);
	idle = e->work == NULL;
	pthread_mutex_unlock(&e->lock);
	return idle;
}

void engine_stop(struct engine *e)
{
	pthread_mutex_lock(&e->lock);
	e->end = true;
	pthread_cond_broadcast(&e->changed);
	pthread_mutex_unlock(&e->lock);
	if (e->runs)
		pthread_join(e->thread, NULL);
	pthread_cond_destroy(&e->changed);
	pthread_mutex_destroy(&e->lock);
	free(e);
}
