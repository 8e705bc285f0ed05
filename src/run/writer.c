/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static int rw_read(struct dyn_io *io, uint64_t off, void *buf, size_t n)
{
	return dyn_pread_full(io->fd, buf, n, off);
}

static int rw_write(struct dyn_io *io, uint64_t off, const void *buf, size_t n)
{
	const uint8_t *p = buf;

	while (n > 0) {
		ssize_t w = pwrite(io->fd, p, n, (off_t)off);
		if (w < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (w == 0)
			return -EIO;
		p += w;
		off += (uint64_t)w;
		n -= (size_t)w;
	}
	return 0;
}

static int rw_sync(struct dyn_io *io)
{
	return fsync(io->fd) < 0 ? -errno : 0;
}

static void rw_close(struct dyn_io *io)
{
	if (io->fd >= 0)
		close(io->fd);
	free(io->path);
	free(io);
}

static const struct dyn_io_ops rw_ops = { rw_read, rw_write, rw_sync, rw_close };

static int open_error(const char *path, int e, struct dyn_err *err)
{
	int rc = dyn_fail(err, -e, "%s cannot be opened for writing: %s", path, strerror(e));

	if (e == EACCES || e == EPERM)
		dyn_err_way_out(err, "Run dynadisk as root, or as a member of the group that may write disks.");
	else if (e == EROFS)
		dyn_err_way_out(err, "Take the write protection off the disk, or copy the image to a writable place.");
	else if (e == EBUSY)
		dyn_err_way_out(err, "Unmount it, or stop what uses it (lsblk %s shows what), and try again.", path);
	else
		dyn_err_way_out(err, "Check its cable and power, then rescan (F5).");
	return rc;
}

int writer_open(const char *path, bool exclusive, struct dyn_io **out, struct dyn_err *err)
{
	int flags = O_RDWR | O_CLOEXEC | O_NONBLOCK; /* O_NONBLOCK: a FIFO given by mistake must not hang */
	struct dyn_io *io = calloc(1, sizeof(*io));
	struct stat st;
	int rc = 0;

	if (!io)
		return dyn_fail_nomem(err);
	io->ops = &rw_ops;
	io->fd = -1;
	io->path = strdup(path);
	if (!io->path) {
		rc = dyn_fail_nomem(err);
		goto out;
	}
	/* O_EXCL without O_CREAT has a meaning for block devices only. */
	if (exclusive && stat(path, &st) == 0 && S_ISBLK(st.st_mode))
		flags |= O_EXCL;
	io->fd = open(path, flags);
	rc = io->fd < 0 ? open_error(path, errno, err) : dyn_io_describe(io, err);
out:
	if (rc)
		rw_close(io);
	else
		*out = io;
	return rc;
}

void writer_set_direct(struct dyn_io *io)
{
	int flags = io->is_block && io->fd >= 0 ? fcntl(io->fd, F_GETFL) : -1;

	if (flags >= 0)
		(void)fcntl(io->fd, F_SETFL, flags | O_DIRECT);
}

bool writer_drop_direct(struct dyn_io *io)
{
	int flags = io->fd >= 0 ? fcntl(io->fd, F_GETFL) : -1;

	return flags >= 0 && (flags & O_DIRECT) && fcntl(io->fd, F_SETFL, flags & ~O_DIRECT) == 0;
}

void writer_forget_cache(struct dyn_io *io)
{
	if (io->fd < 0)
		return;
	if (io->is_block)
		(void)ioctl(io->fd, BLKFLSBUF, 0);
	else
		(void)posix_fadvise(io->fd, 0, 0, POSIX_FADV_DONTNEED);
}

void writer_reread_table(struct dyn_io *io)
{
	if (io->fd >= 0 && io->is_block)
		(void)ioctl(io->fd, BLKRRPART);
}
