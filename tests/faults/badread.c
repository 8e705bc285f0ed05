/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * badread.c - bad sectors for a program that is not ours to change: preloaded, it makes reads of a file fail.
 *
 * BADREAD_FILE: the file; BADREAD: "OFFSET SIZE OFFSET SIZE ..." in bytes. A read that touches such a place gives EIO, as
 * a disk does. Only pread() is looked at: DYNADISK_NO_URING=1 makes the copy engine use it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

ssize_t __pread_chk(int fd, void *buf, size_t n, off_t at, size_t room);
ssize_t __pread64_chk(int fd, void *buf, size_t n, off_t at, size_t room);

static bool is_bad(int fd, size_t n, off_t at)
{
	const char *file = getenv("BADREAD_FILE"), *text = getenv("BADREAD");
	struct stat a, b;

	if (!file || !text || fstat(fd, &a) < 0 || stat(file, &b) < 0 || a.st_dev != b.st_dev || a.st_ino != b.st_ino)
		return false;
	while (*text) {
		char *end;
		off_t from = strtoll(text, &end, 10), size = strtoll(end, &end, 10);
		if (end == text)
			break;
		if (at < from + size && from < at + (off_t)n)
			return true;
		text = end;
	}
	return false;
}

static ssize_t read_at(int fd, void *buf, size_t n, off_t at)
{
	static ssize_t (*real)(int, void *, size_t, off_t);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "pread64");
	if (is_bad(fd, n, at)) {
		errno = EIO;
		return -1;
	}
	return real(fd, buf, n, at);
}

ssize_t pread(int fd, void *buf, size_t n, off_t at)
{
	return read_at(fd, buf, n, at);
}

ssize_t pread64(int fd, void *buf, size_t n, off_t at)
{
	return read_at(fd, buf, n, at);
}

ssize_t __pread_chk(int fd, void *buf, size_t n, off_t at, size_t room)
{
	return read_at(fd, buf, n < room ? n : room, at);
}

ssize_t __pread64_chk(int fd, void *buf, size_t n, off_t at, size_t room)
{
	return read_at(fd, buf, n < room ? n : room, at);
}
