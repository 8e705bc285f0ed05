/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * syskill.c - runs a program and kills it at one of its system calls.
 *
 *   syskill N PROGRAM [ARGUMENT...]
 *
 * Counts the system calls of all its threads and children from its start on, and sends SIGKILL to all of them when the
 * N-th is about to be made; 0: never. Writes the number of calls that were begun to descriptor 3, if that is open. Exits
 * as the program did, 137 after a kill (its own or another), 125 when tracing does not work here.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CANNOT_TRACE = 125, KILLED = 137, THREADS = 256 };

struct thread {
	pid_t id;
	bool inside; /* of a system call */
};

static struct thread threads[THREADS];
static size_t n_threads;

static struct thread *find(pid_t id)
{
	for (size_t i = 0; i < n_threads; i++)
		if (threads[i].id == id)
			return &threads[i];
	if (n_threads == THREADS) {
		fputs("syskill: too many threads\n", stderr);
		exit(CANNOT_TRACE);
	}
	threads[n_threads] = (struct thread){ .id = id };
	return &threads[n_threads++];
}

static void forget(pid_t id)
{
	for (size_t i = 0; i < n_threads; i++)
		if (threads[i].id == id)
			threads[i] = threads[--n_threads];
}

static void tell(unsigned long calls)
{
	dprintf(3, "%lu\n", calls); /* nobody listens: no harm */
}

/* One stop of a thread. True when a system call begins. */
static bool stopped(pid_t id, int status)
{
	struct thread *t = find(id);
	int sig = WSTOPSIG(status), event = status >> 16;
	bool begins = false;

	if (sig == (SIGTRAP | 0x80)) {
		t->inside = !t->inside;
		begins = t->inside;
		sig = 0;
	} else if (event == PTRACE_EVENT_EXEC) {
		t->inside = true; /* its end is still to be seen */
		sig = 0;
	} else if (event || sig == SIGTRAP || sig == SIGSTOP) {
		sig = 0; /* a new thread, or ptrace's own */
	}
	if (!begins)
		ptrace(PTRACE_SYSCALL, id, NULL, (void *)(long)sig);
	return begins;
}

static int watch(pid_t child, unsigned long n)
{
	unsigned long calls = 0;
	bool killed = false;
	int status, code = KILLED;
	pid_t id;

	while ((id = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		if (id < 0)
			continue;
		if (WIFSTOPPED(status)) {
			if (!stopped(id, status))
				continue;
			if (killed)
				continue; /* never made */
			if (++calls == n) {
				killed = true;
				for (size_t i = 0; i < n_threads; i++)
					kill(threads[i].id, SIGKILL); /* whichever process it belongs to */
				continue;
			}
			ptrace(PTRACE_SYSCALL, id, NULL, NULL);
			continue;
		}
		forget(id);
		if (id == child)
			code = WIFEXITED(status) ? WEXITSTATUS(status) : KILLED;
	}
	tell(calls);
	return killed ? KILLED : code;
}

int main(int argc, char **argv)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
			     PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	int status;
	pid_t child;

	if (argc < 3) {
		fputs("usage: syskill N PROGRAM [ARGUMENT...]\n", stderr);
		return CANNOT_TRACE;
	}
	child = fork();
	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(CANNOT_TRACE);
		raise(SIGSTOP);
		execv(argv[2], argv + 2);
		_exit(CANNOT_TRACE);
	}
	if (child < 0 || waitpid(child, &status, __WALL) != child || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)options) < 0)
		return CANNOT_TRACE;
	find(child);
	ptrace(PTRACE_SYSCALL, child, NULL, NULL);
	return watch(child, strtoul(argv[1], NULL, 10));
}
