/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/inhibit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/tool.h"

enum { END_TRIES = 100, END_PAUSE_MS = 20 };

/* A session of its own: no terminal to ask for passwords on, no Ctrl-C that was meant for us. */
static int spawn(const char *program, int in, int out, pid_t *pid)
{
	static const char *const argv[] = { "systemd-inhibit", "--what=shutdown:sleep", "--who=dynadisk",
					    "--why=A mirror is being rebuilt", "--mode=block", "/bin/sh", "-c",
					    "echo held; exec cat", NULL };
	char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char *env[] = { path, NULL };
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int rc;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, in, 0);
	posix_spawn_file_actions_adddup2(&fa, out, 1);
	posix_spawn_file_actions_addopen(&fa, 2, "/dev/null", O_WRONLY, 0);
	rc = posix_spawn(pid, program, &fa, &attr, (char *const *)argv, env);
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&attr);
	return -rc;
}

static bool logind_is_there(const char *sys_root)
{
	char path[512];

	return (size_t)snprintf(path, sizeof(path), "%s/run/systemd/inhibit", sys_root) < sizeof(path) && access(path, F_OK) == 0;
}

void inhibit_begin(struct inhibit *x, const char *sys_root)
{
	char program[512];
	int in[2], out[2];

	if (x->pid || !logind_is_there(sys_root) || !tool_find("systemd-inhibit", program, sizeof(program)) ||
	    pipe2(in, O_CLOEXEC) < 0)
		return;
	if (pipe2(out, O_CLOEXEC) < 0) {
		close(in[0]);
		close(in[1]);
		return;
	}
	if (spawn(program, in[0], out[1], &x->pid))
		x->pid = 0;
	close(in[0]);
	close(out[1]);
	x->hold = in[1];
	x->said = out[0];
	x->held = false;
	if (!x->pid) {
		close(x->hold);
		close(x->said);
		return;
	}
	(void)fcntl(x->said, F_SETFL, O_NONBLOCK);
}

bool inhibit_held(struct inhibit *x)
{
	char said[64];
	ssize_t n;

	if (!x->pid)
		return false;
	n = read(x->said, said, sizeof(said));
	if (n >= 0)
		x->held = n > 0; /* it says so once; its end means that there was none, or is none any more */
	return x->held;
}

void inhibit_end(struct inhibit *x)
{
	const struct timespec pause = { 0, END_PAUSE_MS * 1000000L };
	pid_t gone = 0;

	if (!x->pid)
		return;
	close(x->hold);
	close(x->said);
	for (int i = 0; i < END_TRIES && gone == 0; i++) {
		gone = waitpid(x->pid, NULL, WNOHANG);
		if (gone == 0)
			nanosleep(&pause, NULL);
	}
	if (gone == 0) { /* it does not mind its pipe: then the hard way, with what it started */
		kill(-x->pid, SIGKILL);
		while (waitpid(x->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	x->pid = 0;
	x->held = false;
}
