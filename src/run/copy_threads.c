/* SPDX-License-Identifier: GPL-3.0-or-later */
/* copy_threads.c - requests through a pool of threads that block in pread and pwrite. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "run/copy.h"

struct queue {
	struct copy_req *first, **last;
};

struct pool {
	struct copy_ring ring;
	pthread_mutex_t lock;
	pthread_cond_t work, finished;
	struct queue todo, done; /* under lock */
	bool ending;             /* under lock */
	size_t n_threads;
	pthread_t threads[COPY_DEPTH];
};

static void queue_init(struct queue *q)
{
	q->first = NULL;
	q->last = &q->first;
}

static void queue_put(struct queue *q, struct copy_req *req)
{
	req->next = NULL;
	*q->last = req;
	q->last = &req->next;
}

static struct copy_req *queue_get(struct queue *q)
{
	struct copy_req *req = q->first;

	if (!req)
		return NULL;
	q->first = req->next;
	if (!q->first)
		q->last = &q->first;
	return req;
}

static int transfer(struct copy_req *req)
{
	if (req->op == COPY_OP_READ)
		return dyn_io_read(req->io, req->offset, req->buf, req->size);
	if (req->op == COPY_OP_WRITE)
		return dyn_io_write(req->io, req->offset, req->buf, req->size);
	return dyn_io_sync(req->io);
}

static void *pool_thread(void *arg)
{
	struct pool *p = arg;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		struct copy_req *req = queue_get(&p->todo);
		if (!req) {
			if (p->ending)
				break;
			pthread_cond_wait(&p->work, &p->lock);
			continue;
		}
		pthread_mutex_unlock(&p->lock);
		req->result = transfer(req);
		pthread_mutex_lock(&p->lock);
		queue_put(&p->done, req);
		pthread_cond_signal(&p->finished);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static int pool_start(struct copy_ring *ring, struct copy_req *req)
{
	struct pool *p = (struct pool *)ring;

	pthread_mutex_lock(&p->lock);
	queue_put(&p->todo, req);
	pthread_cond_signal(&p->work);
	pthread_mutex_unlock(&p->lock);
	return 0;
}

static struct copy_req *pool_wait(struct copy_ring *ring, int timeout_ms)
{
	struct pool *p = (struct pool *)ring;
	struct copy_req *req;
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += (timeout_ms % 1000) * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	pthread_mutex_lock(&p->lock);
	while (!(req = queue_get(&p->done)))
		if (pthread_cond_timedwait(&p->finished, &p->lock, &until) == ETIMEDOUT)
			break;
	if (!req)
		req = queue_get(&p->done);
	pthread_mutex_unlock(&p->lock);
	return req;
}

static void pool_close(struct copy_ring *ring)
{
	struct pool *p = (struct pool *)ring;

	pthread_mutex_lock(&p->lock);
	p->ending = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	for (size_t i = 0; i < p->n_threads; i++)
		pthread_join(p->threads[i], NULL);
	pthread_cond_destroy(&p->work);
	pthread_cond_destroy(&p->finished);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static const struct copy_ring_ops pool_ops = { pool_start, pool_wait, pool_close };

/* Signals are the main thread's business. */
static void spawn(struct pool *p)
{
	sigset_t all, old;
	pthread_attr_t attr;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 * 1024);
	while (p->n_threads < COPY_DEPTH &&
	       pthread_create(&p->threads[p->n_threads], &attr, pool_thread, p) == 0)
		p->n_threads++;
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

int copy_threads_open(struct copy_ring **out)
{
	struct pool *p = calloc(1, sizeof(*p));
	pthread_condattr_t attr;

	if (!p)
		return -ENOMEM;
	p->ring.ops = &pool_ops;
	queue_init(&p->todo);
	queue_init(&p->done);
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->work, NULL);
	pthread_cond_init(&p->finished, &attr);
	pthread_condattr_destroy(&attr);
	spawn(p);
	if (p->n_threads == 0) {
		pool_close(&p->ring);
		return -EAGAIN;
	}
	*out = &p->ring;
	return 0;
}
