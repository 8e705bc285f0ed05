/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/err.h"

int dyn_pread_full(int fd, void *buf, size_t n, uint64_t off)
{
	uint8_t *p = buf;

	while (n > 0) {
		ssize_t r = pread(fd, p, n, (off_t)off);
		if (r < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (r == 0)
			return -EIO;
		p += r;
		off += (uint64_t)r;
		n -= (size_t)r;
	}
	return 0;
}

static int ro_read(struct dyn_io *io, uint64_t off, void *buf, size_t n)
{
	return dyn_pread_full(io->fd, buf, n, off);
}

static int ro_write(struct dyn_io *io, uint64_t off, const void *buf, size_t n)
{
	(void)io, (void)off, (void)buf, (void)n;
	return -EBADF;
}

static int ro_sync(struct dyn_io *io)
{
	(void)io;
	return -EBADF;
}

static void ro_close(struct dyn_io *io)
{
	if (io->fd >= 0)
		close(io->fd);
	free(io->path);
	free(io);
}

static const struct dyn_io_ops ro_ops = { ro_read, ro_write, ro_sync, ro_close };

int dyn_io_describe(struct dyn_io *io, struct dyn_err *err)
{
	struct stat st;

	if (fstat(io->fd, &st) < 0)
		return dyn_refuse(err, -errno, "Check its cable and power, then rescan (F5).", "%s: %s", io->path, strerror(errno));
	io->sector_size = 512;
	io->is_block = S_ISBLK(st.st_mode);
	if (S_ISREG(st.st_mode)) {
		io->size = (uint64_t)st.st_size;
	} else if (S_ISBLK(st.st_mode)) {
		int sector = 0;
		if (ioctl(io->fd, BLKGETSIZE64, &io->size) < 0 || ioctl(io->fd, BLKSSZGET, &sector) < 0)
			return dyn_refuse(err, -errno, "Check its cable and power, then rescan (F5).", "%s: cannot ask for its size: %s",
					  io->path, strerror(errno));
		io->sector_size = (uint32_t)sector;
	} else {
		return dyn_refuse(err, -ENOTBLK, "Name a disk such as /dev/sda, or a raw image file.",
				  "%s is neither a block device nor a regular file", io->path);
	}
	return 0;
}

int dyn_io_open_ro(const char *path, struct dyn_io **out, struct dyn_err *err)
{
	struct dyn_io *io = calloc(1, sizeof(*io));
	int rc;

	if (!io)
		return dyn_fail_nomem(err);
	io->ops = &ro_ops;
	io->path = strdup(path);
	io->fd = -1;
	if (!io->path) {
		rc = dyn_fail_nomem(err);
		goto out;
	}
	/* O_NONBLOCK: opening a FIFO by mistake must not hang */
	io->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (io->fd < 0) {
		rc = dyn_fail(err, -errno, "%s: %s", path, strerror(errno));
		if (rc == -EACCES)
			dyn_err_way_out(err, "Run dynadisk as root, or as a member of the group that may read disks.");
		else if (rc != -ENOENT)
			dyn_err_way_out(err, "Check its cable and power, then rescan (F5).");
		goto out;
	}
	rc = dyn_io_describe(io, err);
out:
	if (rc) {
		ro_close(io);
		return rc;
	}
	*out = io;
	return 0;
}

static int range_ok(const struct dyn_io *io, uint64_t off, size_t n)
{
	uint64_t end;

	return add_overflows(off, n, &end) || end > io->size ? -ERANGE : 0;
}

int dyn_io_read(struct dyn_io *io, uint64_t off, void *buf, size_t n)
{
	int rc = range_ok(io, off, n);
	return rc ? rc : io->ops->read(io, off, buf, n);
}

int dyn_io_write(struct dyn_io *io, uint64_t off, const void *buf, size_t n)
{
	int rc = range_ok(io, off, n);
	return rc ? rc : io->ops->write(io, off, buf, n);
}

int dyn_io_sync(struct dyn_io *io)
{
	return io->ops->sync(io);
}

void dyn_io_close(struct dyn_io *io)
{
	if (io)
		io->ops->close(io);
}
