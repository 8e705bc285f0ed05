/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * badcall.c - calls to the system that fail in a program that is not ours to change: preloaded, it makes the nth call of a
 * kind fail that concerns a file in one of some folders.
 *
 * BADCALL: "KIND N ERRNO LASTING"; KIND is read, write, flush, open or control; N 0: none fails; LASTING 1: all behind the
 * nth, too. BADCALL_UNDER: the folders, absolute, ":" between them. BADCALL_NOTE: a file that gets a line "KIND PATH" for
 * each call that failed, or, where none is to fail, for each of any kind. Calls of io_uring are not seen
 * (DYNADISK_NO_URING=1 does without).
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool in_folder(const char *path)
{
	const char *f = getenv("BADCALL_UNDER");

	while (f && *f) {
		size_t n = strcspn(f, ":");
		if (n && strncmp(path, f, n) == 0 && (path[n] == '/' || path[n] == '\0'))
			return true;
		f += n + (f[n] == ':');
	}
	return false;
}

static void note(const char *kind, const char *path)
{
	const char *file = getenv("BADCALL_NOTE");
	char line[4200];
	int n = snprintf(line, sizeof(line), "%s %s\n", kind, path), fd;

	fd = file ? (int)syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	if (fd < 0)
		return;
	(void)!syscall(SYS_write, fd, line, (size_t)n);
	syscall(SYS_close, fd);
}

/* The call concerns this path. True: it fails, with errno set. */
static bool fails_on(const char *kind, const char *path)
{
	static unsigned long calls;
	char wanted[16] = "";
	unsigned long n = 0, nth;
	int error = EIO, lasting = 0, kept = errno;
	const char *how = getenv("BADCALL");

	if (!how || sscanf(how, "%15s %lu %d %d", wanted, &n, &error, &lasting) != 4 || !in_folder(path))
		return false;
	if (n && strcmp(kind, wanted) != 0)
		return false;
	nth = __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
	if (n && nth != n && !(lasting && nth > n))
		return false;
	note(kind, path);
	errno = n ? error : kept;
	return n != 0;
}

static bool path_of(int fd, char *dst, size_t size)
{
	char link[32];
	long n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = syscall(SYS_readlinkat, AT_FDCWD, link, dst, size - 1);
	dst[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static bool fails(const char *kind, int fd)
{
	char path[4096];
	int kept = errno;
	bool known = path_of(fd, path, sizeof(path));

	errno = kept;
	return known && fails_on(kind, path);
}

static bool fails_at(const char *kind, int dir, const char *name)
{
	char path[4096], whole[8300];
	int kept = errno;

	if (name[0] == '/')
		return fails_on(kind, name);
	if (dir == AT_FDCWD ? !getcwd(path, sizeof(path)) : !path_of(dir, path, sizeof(path)))
		return false;
	snprintf(whole, sizeof(whole), "%s/%s", path, name);
	errno = kept;
	return fails_on(kind, whole);
}

/* The next one's function of this name. */
#define REAL(fn, name)                                         \
	static __typeof__(fn) *real;                           \
	if (!real)                                             \
		*(void **)&real = dlsym(RTLD_NEXT, name)

#define TRANSFER(fn, buffer, ...)                     \
	ssize_t fn(int fd, buffer, __VA_ARGS__);      \
	ssize_t fn(int fd, buffer, __VA_ARGS__)

TRANSFER(read, void *buf, size_t n)
{
	REAL(read, "read");
	return fails("read", fd) ? -1 : real(fd, buf, n);
}

TRANSFER(__read_chk, void *buf, size_t n, size_t room)
{
	return read(fd, buf, n < room ? n : room);
}

TRANSFER(pread, void *buf, size_t n, off_t at)
{
	REAL(pread, "pread64");
	return fails("read", fd) ? -1 : real(fd, buf, n, at);
}

TRANSFER(pread64, void *buf, size_t n, off_t at)
{
	return pread(fd, buf, n, at);
}

TRANSFER(__pread_chk, void *buf, size_t n, off_t at, size_t room)
{
	return pread(fd, buf, n < room ? n : room, at);
}

TRANSFER(__pread64_chk, void *buf, size_t n, off_t at, size_t room)
{
	return pread(fd, buf, n < room ? n : room, at);
}

TRANSFER(write, const void *buf, size_t n)
{
	REAL(write, "write");
	return fails("write", fd) ? -1 : real(fd, buf, n);
}

TRANSFER(pwrite, const void *buf, size_t n, off_t at)
{
	REAL(pwrite, "pwrite64");
	return fails("write", fd) ? -1 : real(fd, buf, n, at);
}

TRANSFER(pwrite64, const void *buf, size_t n, off_t at)
{
	return pwrite(fd, buf, n, at);
}

int fsync(int fd)
{
	REAL(fsync, "fsync");
	return fails("flush", fd) ? -1 : real(fd);
}

int fdatasync(int fd)
{
	REAL(fdatasync, "fdatasync");
	return fails("flush", fd) ? -1 : real(fd);
}

static int open_at(int dir, const char *name, int flags, mode_t mode)
{
	int (*real)(int, const char *, int, ...);

	*(void **)&real = dlsym(RTLD_NEXT, "openat64");
	return fails_at("open", dir, name) ? -1 : real(dir, name, flags, mode);
}

/* The mode is there only where the flags say so. */
#define OPEN(fn, dir, ...)                                             \
	int fn(__VA_ARGS__, ...);                                      \
	int fn(__VA_ARGS__, ...)                                       \
	{                                                              \
		mode_t mode = 0;                                       \
		va_list ap;                                            \
		va_start(ap, flags);                                   \
		if (flags & (O_CREAT | O_TMPFILE))                     \
			mode = va_arg(ap, mode_t);                     \
		va_end(ap);                                            \
		return open_at(dir, name, flags, mode);                \
	}
OPEN(open, AT_FDCWD, const char *name, int flags)
OPEN(open64, AT_FDCWD, const char *name, int flags)
OPEN(openat, dir, int dir, const char *name, int flags)
OPEN(openat64, dir, int dir, const char *name, int flags)

int __open_2(const char *name, int flags);
int __open_2(const char *name, int flags)
{
	return open_at(AT_FDCWD, name, flags, 0);
}

int __open64_2(const char *name, int flags);
int __open64_2(const char *name, int flags)
{
	return open_at(AT_FDCWD, name, flags, 0);
}

int ioctl(int fd, unsigned long request, void *arg);
int ioctl(int fd, unsigned long request, void *arg)
{
	REAL(ioctl, "ioctl");
	return fails("control", fd) ? -1 : real(fd, request, arg);
}

int flock(int fd, int how);
int flock(int fd, int how)
{
	REAL(flock, "flock");
	return fails("control", fd) ? -1 : real(fd, how);
}

int ftruncate(int fd, off_t size)
{
	REAL(ftruncate, "ftruncate");
	return fails("control", fd) ? -1 : real(fd, size);
}

int ftruncate64(int fd, off_t size);
int ftruncate64(int fd, off_t size)
{
	return ftruncate(fd, size);
}

int mkdir(const char *name, mode_t mode);
int mkdir(const char *name, mode_t mode)
{
	REAL(mkdir, "mkdir");
	return fails_at("control", AT_FDCWD, name) ? -1 : real(name, mode);
}

int renameat(int a, const char *from, int b, const char *to);
int renameat(int a, const char *from, int b, const char *to)
{
	REAL(renameat, "renameat");
	return fails_at("control", a, from) ? -1 : real(a, from, b, to);
}

int unlinkat(int dir, const char *name, int flags)
{
	REAL(unlinkat, "unlinkat");
	return fails_at("control", dir, name) ? -1 : real(dir, name, flags);
}
