/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * io.h - all device access goes through this small table of operations, so that tests can
 * put a recording or failing back end in its place. The back end that opens disks for
 * writing lives in src/run/ (promise 1 of the design: looking never writes).
 */
#ifndef DYN_BASE_IO_H
#define DYN_BASE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dyn_err;
struct dyn_io;

struct dyn_io_ops {
	/* Exactly n bytes at byte offset off, or -errno; retries EINTR and short transfers itself. */
	int (*read)(struct dyn_io *io, uint64_t off, void *buf, size_t n);
	int (*write)(struct dyn_io *io, uint64_t off, const void *buf, size_t n);
	int (*sync)(struct dyn_io *io);
	void (*close)(struct dyn_io *io);
};

struct dyn_io {
	const struct dyn_io_ops *ops;
	char *path;
	uint64_t size;        /* bytes */
	uint32_t sector_size; /* bytes, logical */
	int fd;               /* -1 for back ends without one */
	int is_block;         /* a block device, not an image file */
};

/* What opens a disk in a test's place of the functions below and of writer_open(). */
typedef int dyn_open_fn(void *arg, const char *path, bool write, struct dyn_io **out, struct dyn_err *err);

/* Opens a block device or regular file read-only (O_RDONLY|O_CLOEXEC, never O_EXCL). write and sync give -EBADF. */
int dyn_io_open_ro(const char *path, struct dyn_io **out, struct dyn_err *err);

/* Shared by back ends: fills size, sector_size, is_block from an open descriptor. */
int dyn_io_describe(struct dyn_io *io, struct dyn_err *err);

/* Bounds-checked wrappers: -ERANGE when off+n leaves the device. */
int dyn_io_read(struct dyn_io *io, uint64_t off, void *buf, size_t n);
int dyn_io_write(struct dyn_io *io, uint64_t off, const void *buf, size_t n);
int dyn_io_sync(struct dyn_io *io);
void dyn_io_close(struct dyn_io *io); /* NULL is fine */

/* Exactly n bytes with pread on a plain descriptor: EINTR and short reads retried; end of file is -EIO. */
int dyn_pread_full(int fd, void *buf, size_t n, uint64_t off);

#endif
