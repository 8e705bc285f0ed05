/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include "tests/faults/wrap.h"

#include "dynadisk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

const char *const wrap_names[WRAP_CLASSES] = { "read", "write", "flush", "open", "control", "allocation" };
struct wrap wrap;

enum { FDS = 1024 };
static _Atomic bool of_path[FDS]; /* descriptors of wrap.path */

/* The functions' names are the linker's. */
#define WRAP(type, name, ...)              \
	type __real_##name(__VA_ARGS__);   \
	type __wrap_##name(__VA_ARGS__);   \
	type __wrap_##name(__VA_ARGS__)

static bool fails(enum wrap_class class)
{
	unsigned n;

	if (!wrap.armed || wrap.class != class || (wrap.mode != WRAP_FAIL && wrap.mode != WRAP_EINTR))
		return false;
	n = ++wrap.calls;
	if (wrap.mode == WRAP_EINTR ? n % 2 == 0 : n != wrap.nth && !(wrap.lasting && n > wrap.nth))
		return false;
	wrap.hits++;
	errno = wrap.mode == WRAP_EINTR ? EINTR : wrap.error;
	return true;
}

static bool gone(int fd, bool write)
{
	if (!wrap.armed || wrap.mode != WRAP_VANISH || fd < 0 || fd >= FDS || !of_path[fd])
		return false;
	if (write)
		wrap.calls++;
	if (wrap.calls < wrap.nth)
		return false;
	wrap.hits++;
	errno = ENXIO;
	return true;
}

static size_t cut(size_t n)
{
	if (!wrap.armed || (wrap.mode != WRAP_SHORT && wrap.mode != WRAP_NOTHING) || n < 2)
		return n;
	wrap.hits++;
	return wrap.mode == WRAP_SHORT ? n / 2 : 0;
}

/* read() and write() are left alone: the engine has them for eventfds only, and those do not fail. */
WRAP(ssize_t, pread, int fd, void *buf, size_t n, off_t off)
{
	return gone(fd, false) || fails(WRAP_READ) ? -1 : __real_pread(fd, buf, cut(n), off);
}

WRAP(ssize_t, pwrite, int fd, const void *buf, size_t n, off_t off)
{
	return gone(fd, true) || fails(WRAP_WRITE) ? -1 : __real_pwrite(fd, buf, cut(n), off);
}

WRAP(int, fsync, int fd)
{
	return gone(fd, false) || fails(WRAP_FLUSH) ? -1 : __real_fsync(fd);
}

static void note_open(int fd, const char *path)
{
	if (fd >= 0 && fd < FDS)
		of_path[fd] = wrap.path && strcmp(path, wrap.path) == 0;
}

static bool refuses(const char *path)
{
	if (wrap.armed && wrap.mode == WRAP_VANISH && wrap.calls >= wrap.nth && strcmp(path, wrap.path) == 0) {
		wrap.hits++;
		errno = ENXIO;
		return true;
	}
	return fails(WRAP_OPEN);
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;
	int fd;

	if (flags & (O_CREAT | O_TMPFILE)) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	wrap.flags = flags;
	fd = refuses(path) ? -1 : __real_open(path, flags, mode);
	note_open(fd, path);
	return fd;
}

/* What the compiler makes of open() with flags it does not know, when it hardens. */
WRAP(int, __open_2, const char *path, int flags)
{
	int fd;

	wrap.flags = flags;
	fd = refuses(path) ? -1 : __real___open_2(path, flags);
	note_open(fd, path);
	return fd;
}

int __real_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;
	int fd;

	if (flags & (O_CREAT | O_TMPFILE)) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	fd = fails(WRAP_OPEN) ? -1 : __real_openat(dir, path, flags, mode);
	note_open(fd, path);
	return fd;
}

int __real_ioctl(int fd, unsigned long request, void *arg);
int __wrap_ioctl(int fd, unsigned long request, void *arg);
int __wrap_ioctl(int fd, unsigned long request, void *arg)
{
	return fails(WRAP_CONTROL) ? -1 : __real_ioctl(fd, request, arg);
}

WRAP(int, flock, int fd, int how)
{
	return fails(WRAP_CONTROL) ? -1 : __real_flock(fd, how);
}

WRAP(int, ftruncate, int fd, off_t size)
{
	return fails(WRAP_CONTROL) ? -1 : __real_ftruncate(fd, size);
}

WRAP(int, memfd_create, const char *name, unsigned flags)
{
	int fd = fails(WRAP_CONTROL) ? -1 : __real_memfd_create(name, flags);

	note_open(fd, "");
	return fd;
}

WRAP(int, renameat, int a, const char *from, int b, const char *to)
{
	return fails(WRAP_CONTROL) ? -1 : __real_renameat(a, from, b, to);
}

/* Copies go through plain transfers, so that they can fail. */
int __wrap_io_uring_queue_init(unsigned n, void *ring, unsigned flags);
int __wrap_io_uring_queue_init(unsigned n, void *ring, unsigned flags)
{
	(void)n, (void)ring, (void)flags;
	return -ENOSYS;
}

/* Nobody is waited for. */
int __wrap_nanosleep(const struct timespec *want, struct timespec *left);
int __wrap_nanosleep(const struct timespec *want, struct timespec *left)
{
	(void)want, (void)left;
	return 0;
}

WRAP(void *, malloc, size_t n)
{
	return fails(WRAP_ALLOC) ? NULL : __real_malloc(n);
}

WRAP(void *, calloc, size_t n, size_t size)
{
	return fails(WRAP_ALLOC) ? NULL : __real_calloc(n, size);
}

WRAP(void *, realloc, void *p, size_t n)
{
	return fails(WRAP_ALLOC) ? NULL : __real_realloc(p, n);
}

WRAP(char *, strdup, const char *text)
{
	return fails(WRAP_ALLOC) ? NULL : __real_strdup(text);
}

/* -------------------------------------------------------------------- starving */

unsigned wrap_starve(int (*fn)(void *arg, struct dyn_err *err), void *arg)
{
	wrap.mode = WRAP_FAIL;
	wrap.class = WRAP_ALLOC;
	wrap.error = ENOMEM;
	wrap.lasting = false;
	for (wrap.nth = 1; ; wrap.nth++) {
		struct dyn_err err = { 0 };
		int rc;
		wrap.calls = wrap.hits = 0;
		wrap.armed = true;
		rc = fn(arg, &err);
		wrap.armed = false;
		if (!wrap.hits) {
			if (rc)
				fail_msg("%s", err.what);
			return wrap.nth - 1;
		}
		if (rc != -ENOMEM || err.code != -ENOMEM || !err.what[0])
			fail_msg("allocation %u: %d, \"%s\"", wrap.nth, rc, err.what);
	}
}
