/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/temp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

static int open_unnamed(const char *dir)
{
	char path[4096];
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 || (size_t)snprintf(path, sizeof(path), "%s/dynadisk-XXXXXX", dir) >= sizeof(path))
		return fd;
	/* file systems without O_TMPFILE */
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

int temp_new(uint64_t size, int *fd, struct dyn_err *err)
{
	const char *dir = getenv("TMPDIR");
	int rc;

	if (!dir || dir[0] != '/')
		dir = "/var/tmp";
	*fd = open_unnamed(dir);
	if (*fd >= 0 && ftruncate(*fd, (off_t)size) == 0)
		return 0;
	rc = dyn_fail(err, -errno, "a temporary file of the volume's size cannot be made in %.200s: %s", dir, strerror(errno));
	dyn_err_way_out(err, "Let TMPDIR name a folder that allows large sparse files (it takes some MiB of room).");
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return rc;
}

int temp_write(int fd, uint64_t at, const void *buf, size_t n)
{
	const char *b = buf;

	while (n > 0) {
		ssize_t w = pwrite(fd, b, n, (off_t)at);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return w < 0 ? -errno : -EIO;
		b += w;
		at += (uint64_t)w;
		n -= (size_t)w;
	}
	return 0;
}
