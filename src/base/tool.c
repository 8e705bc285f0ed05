/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"

enum { TOOL_FD = 3, SAFE_FD = 10, OUTPUT = 2048 };

struct output {
	char text[OUTPUT]; /* the end of what it said */
	size_t n;
};

/* Makers live where only root's PATH looks. Relative folders are not looked into: who runs us may stand anywhere. */
bool tool_find(const char *name, char *dst, size_t size)
{
	static const char more[] = "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin";
	const char *lists[] = { getenv("PATH"), more };

	for (size_t i = 0; i < 2; i++)
		for (const char *p = lists[i]; p && *p;) {
			size_t n = strcspn(p, ":");
			if (p[0] == '/' && (size_t)snprintf(dst, size, "%.*s/%s", (int)n, p, name) < size && access(dst, X_OK) == 0)
				return true;
			p += n + (p[n] == ':');
		}
	return false;
}

static void keep_end(struct output *o, const char *b, size_t n)
{
	if (n > sizeof(o->text)) {
		b += n - sizeof(o->text);
		n = sizeof(o->text);
	}
	if (o->n + n > sizeof(o->text)) {
		size_t drop = o->n + n - sizeof(o->text);
		memmove(o->text, o->text + drop, o->n - drop);
		o->n -= drop;
	}
	memcpy(o->text + o->n, b, n);
	o->n += n;
}

static void read_output(int fd, struct output *o)
{
	char b[512];

	for (;;) {
		ssize_t n = read(fd, b, sizeof(b));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		keep_end(o, b, (size_t)n);
	}
}

/* Its last lines as one, as many as fit. */
static void last_words(const struct output *o, char *dst, size_t size)
{
	char line[220];
	size_t from = o->n > sizeof(line) ? o->n - sizeof(line) : 0, used = 0;

	for (size_t i = from; i < o->n; i++) {
		bool blank = o->text[i] == '\n' || o->text[i] == '\r' || o->text[i] == ' ' || o->text[i] == '\t';
		if (!blank)
			line[used++] = o->text[i];
		else if (used && line[used - 1] != ' ')
			line[used++] = ' ';
	}
	while (used && (line[used - 1] == ' ' || line[used - 1] == '.'))
		used--;
	dyn_text_clean(dst, size, line, used);
}

static int spawn(const char *program, const char *const argv[], int fd, int out, pid_t *pid)
{
	char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", locale[] = "LC_ALL=C.UTF-8", zone[256];
	char *env[] = { path, locale, NULL, NULL };
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int rc;

	if (getenv("TZ") && (size_t)snprintf(zone, sizeof(zone), "TZ=%s", getenv("TZ")) < sizeof(zone))
		env[2] = zone; /* labels carry local time */
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&fa, out, 1);
	posix_spawn_file_actions_adddup2(&fa, out, 2);
	posix_spawn_file_actions_adddup2(&fa, fd, TOOL_FD);
	rc = posix_spawn(pid, program, &fa, &attr, (char *const *)argv, env);
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&attr);
	return -rc;
}

static int judge(const char *name, int status, const struct output *o, struct dyn_err *err)
{
	char words[240];

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFSIGNALED(status))
		return dyn_fail(err, -EIO, "%s was ended by signal %d", name, WTERMSIG(status));
	last_words(o, words, sizeof(words));
	return dyn_fail(err, -EIO, "%s failed (%d): %s", name, WEXITSTATUS(status), words[0] ? words : "it says nothing");
}

int tool_run(const char *const argv[], const char *package, int fd, struct dyn_err *err)
{
	struct output o = { .n = 0 };
	char program[512];
	int pipe_fd[2], low, status = 0, rc;
	pid_t pid;

	if (!tool_find(argv[0], program, sizeof(program))) {
		rc = dyn_fail(err, -ENOENT, "the program %s is not installed", argv[0]);
		dyn_err_way_out(err, "Install the package %s.", package);
		return rc;
	}
	low = fcntl(fd, F_DUPFD_CLOEXEC, SAFE_FD); /* out of the way of the numbers it is given */
	if (low < 0)
		return dyn_fail(err, -errno, "%s: %s", argv[0], strerror(errno));
	if (pipe2(pipe_fd, O_CLOEXEC) < 0) {
		rc = dyn_fail(err, -errno, "%s: %s", argv[0], strerror(errno));
		close(low);
		return rc;
	}
	rc = spawn(program, argv, low, pipe_fd[1], &pid);
	close(low);
	close(pipe_fd[1]);
	if (rc) {
		close(pipe_fd[0]);
		return dyn_fail(err, rc, "%s could not be started: %s", program, strerror(-rc));
	}
	read_output(pipe_fd[0], &o);
	close(pipe_fd[0]);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return dyn_fail(err, -errno, "%s: how it ended is not known: %s", argv[0], strerror(errno));
	return judge(argv[0], status, &o, err);
}
