/* SPDX-License-Identifier: GPL-3.0-or-later */
/* copy_uring.c - requests through io_uring. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "run/copy.h"

#ifdef HAVE_LIBURING
#include <liburing.h>

struct uring {
	struct copy_ring ring;
	struct io_uring u;
};

static int uring_start(struct copy_ring *ring, struct copy_req *req)
{
	struct uring *r = (struct uring *)ring;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&r->u);
	unsigned n = (unsigned)(req->size - req->moved);
	int rc;

	if (!sqe)
		return -EBUSY;
	if (req->op == COPY_OP_READ)
		io_uring_prep_read(sqe, req->io->fd, req->buf + req->moved, n, req->offset + req->moved);
	else if (req->op == COPY_OP_WRITE)
		io_uring_prep_write(sqe, req->io->fd, req->buf + req->moved, n, req->offset + req->moved);
	else
		io_uring_prep_fsync(sqe, req->io->fd, 0);
	io_uring_sqe_set_data(sqe, req);
	do {
		rc = io_uring_submit(&r->u);
	} while (rc == -EINTR || rc == -EAGAIN);
	return rc < 0 ? rc : 0;
}

/* true when the request is complete; a short transfer is continued */
static bool uring_finish(struct copy_ring *ring, struct copy_req *req, int res)
{
	if (res == -EINTR || res == -EAGAIN) {
		req->result = uring_start(ring, req);
		return req->result != 0;
	}
	if (res == 0 && req->op != COPY_OP_SYNC)
		res = -EIO; /* end of the device where bytes should be */
	if (res < 0) {
		req->result = res;
		return true;
	}
	req->moved += (size_t)res;
	req->result = 0;
	if (req->op == COPY_OP_SYNC || req->moved >= req->size)
		return true;
	req->result = uring_start(ring, req);
	return req->result != 0;
}

static struct copy_req *uring_wait(struct copy_ring *ring, int timeout_ms)
{
	struct uring *r = (struct uring *)ring;
	struct __kernel_timespec ts = { timeout_ms / 1000, (timeout_ms % 1000) * 1000000LL };
	struct io_uring_cqe *cqe = NULL;

	while (io_uring_wait_cqe_timeout(&r->u, &cqe, &ts) == 0 && cqe) {
		struct copy_req *req = io_uring_cqe_get_data(cqe);
		int res = cqe->res;
		io_uring_cqe_seen(&r->u, cqe);
		if (req && uring_finish(ring, req, res))
			return req;
	}
	return NULL;
}

static void uring_close(struct copy_ring *ring)
{
	struct uring *r = (struct uring *)ring;

	io_uring_queue_exit(&r->u);
	free(r);
}

static const struct copy_ring_ops uring_ops = { uring_start, uring_wait, uring_close };

/* Kernels from 5.1 have io_uring, from 5.6 plain reads and writes through it. */
static bool has_ops(struct io_uring *u)
{
	struct io_uring_probe *p = io_uring_get_probe_ring(u);
	bool ok = p && io_uring_opcode_supported(p, IORING_OP_READ) &&
		  io_uring_opcode_supported(p, IORING_OP_WRITE) && io_uring_opcode_supported(p, IORING_OP_FSYNC);

	if (p)
		io_uring_free_probe(p);
	return ok;
}

int copy_uring_open(struct copy_ring **out)
{
	struct uring *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return -ENOMEM;
	rc = io_uring_queue_init(4 * COPY_DEPTH, &r->u, 0);
	if (rc < 0) {
		free(r);
		return rc;
	}
	r->ring.ops = &uring_ops;
	if (!has_ops(&r->u)) {
		uring_close(&r->ring);
		return -ENOSYS;
	}
	*out = &r->ring;
	return 0;
}

#else

int copy_uring_open(struct copy_ring **out)
{
	(void)out;
	return -ENOSYS;
}

#endif
