/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * copy.h - the copy engine: bytes from one disk to another, checked or compared.
 *
 * It knows nothing of threads, jobs or screens: it is given two disks, a range, limits and
 * callbacks, works until it is done or told to stop, and returns. Up to 16 requests of 1 MiB
 * are in flight, through io_uring or, where the kernel refuses that, a pool of threads.
 * An io with fd >= 0 is used through that descriptor; one without goes through its ops.
 */
#ifndef DYN_RUN_COPY_H
#define DYN_RUN_COPY_H

#include <stdbool.h>

#include "base/io.h"
#include "base/ranges.h"

enum copy_mode {
	COPY_COPY,   /* source to target */
	COPY_CHECK,  /* compare; where they differ the source is copied again */
	COPY_VERIFY, /* compare; a range that differs is copied and compared once more, and must then be equal */
	COPY_COMPARE, /* compare and count; nothing is written */
};

enum copy_fault {
	COPY_FAULT_NONE,
	COPY_FAULT_SOURCE_READ,  /* the disk does not answer any more; or no map for what it cannot read was given */
	COPY_FAULT_TARGET_WRITE,
	COPY_FAULT_TARGET_READ,  /* what was written cannot be read back */
	COPY_FAULT_DIFFERS,      /* still different after it was copied again */
};

enum { COPY_CHUNK = 1 << 20, COPY_DEPTH = 16, COPY_MAX_SKIP = 64 << 20, COPY_MAX_RANGES = 4096 };

struct copy_task {
	enum copy_mode mode;
	struct dyn_io *source, *target;
	uint64_t source_offset, target_offset, size; /* bytes, multiples of 512 */
	uint64_t start;    /* bytes of the range that are done already, a multiple of 512 */
	bool no_uring;
	/*
	 * What of the source cannot be read; NULL: such a place ends the run. COPY and CHECK step over it and over what
	 * lies behind it, further each time, so that the good areas come first; copy_retry() sees to the rest. VERIFY and
	 * COMPARE find the very sectors and do not compare them. What is in there from the start is stepped over. `kept`:
	 * the target holds what an earlier run read.
	 */
	struct ranges *bad;
	struct ranges *differ; /* COMPARE: where the sides differ; may be NULL */
	/* All callbacks run on the calling thread; stop and limit may be NULL. */
	void *arg;
	/* Asked between chunks and at least ten times a second. */
	bool (*stop)(void *arg);
	/* Bytes per second, 0 none. Holes of image files do not count. */
	uint64_t (*limit)(void *arg);
	/* [0, done) is finished and, if anything was written, flushed. Nonzero ends the run with that value. */
	int (*progress)(void *arg, uint64_t done);
};

struct copy_result {
	uint64_t done;        /* finished and flushed, bytes from the start of the range */
	uint64_t unread;      /* VERIFY, COMPARE: bytes of the source that could not be read now */
	uint64_t rewritten;   /* bytes that differed and were copied again */
	uint64_t different, first_different; /* COMPARE: bytes in differing sectors; the first one, from the start of the range */
	enum copy_fault fault;
	uint64_t fault_at, fault_size; /* bytes on the disk that failed (the target for DIFFERS) */
	bool uring;           /* which back end did it */
};

/* 0: all of the range is done (look at `bad`); -ECANCELED: stopped; else -errno with r->fault. */
int copy_run(const struct copy_task *t, struct copy_result *r);

/*
 * Reads the ranges of t->bad again, in smaller and smaller pieces down to a sector; what can be read now is copied and,
 * once that is flushed, leaves the set. progress is told how many bytes have left it. Returns as copy_run().
 */
int copy_retry(const struct copy_task *t, struct copy_result *r);
/* Puts zeros into the target where t->bad says that it holds nothing yet, flushes and reads them back. Returns as copy_run(). */
int copy_zero(const struct copy_task *t, struct copy_result *r);

/* Shared by copy.c and copy_bad.c: transfers that drop O_DIRECT where it is refused. */
int copy_read_now(struct dyn_io *io, uint64_t off, uint8_t *buf, size_t n);
int copy_write_now(struct dyn_io *io, uint64_t off, const uint8_t *buf, size_t n);
/* After a failed read: is there still a disk that answers? rc: what the read said. */
bool copy_source_gone(struct dyn_io *source, int rc);

/* ---------------------------------------------------------- back ends */

enum copy_op { COPY_OP_READ, COPY_OP_WRITE, COPY_OP_SYNC };

struct copy_req {
	enum copy_op op;
	struct dyn_io *io;
	uint64_t offset;
	uint8_t *buf;
	size_t size, moved;    /* moved: the back end's, for short transfers */
	int result;            /* 0 or -errno, when complete */
	void *owner;           /* the engine's */
	struct copy_req *next; /* the back end's */
};

struct copy_ring {
	const struct copy_ring_ops *ops;
};

struct copy_ring_ops {
	int (*start)(struct copy_ring *ring, struct copy_req *req);
	/* A completed request, or NULL after timeout_ms. */
	struct copy_req *(*wait)(struct copy_ring *ring, int timeout_ms);
	void (*close)(struct copy_ring *ring); /* nothing may be in flight */
};

int copy_uring_open(struct copy_ring **out); /* -ENOSYS and others where the kernel refuses */
int copy_threads_open(struct copy_ring **out);

/* ---------------------------------------------------------- holes */

/* true when both are image files, whose holes the kernel can name */
bool copy_holes_known(const struct dyn_io *source, const struct dyn_io *target);
/* How many of the `size` bytes at those offsets need no reading or writing because both sides are, or have been made
 * (may_punch; then *punched is set), holes; 0 when they must be transferred, and *data says how many bytes at least. */
uint64_t copy_holes_skip(struct dyn_io *source, uint64_t source_offset, struct dyn_io *target, uint64_t target_offset,
			 uint64_t size, bool may_punch, bool *punched, uint64_t *data);

#endif
