/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * inhibit.h - the system is asked not to shut down or sleep while a rebuild works, where logind is there to be asked.
 *
 * systemd-inhibit holds the lock for as long as the program it runs lives; that is a cat, whose input is a pipe of ours.
 * However we end, the pipe ends with us, and with it the lock. Asking needs no answer: a rebuild survives a shutdown.
 * Used by one thread at a time.
 */
#ifndef DYN_RUN_INHIBIT_H
#define DYN_RUN_INHIBIT_H

#include <stdbool.h>
#include <sys/types.h>

struct inhibit {
	pid_t pid;   /* of systemd-inhibit; 0: it does not run */
	int hold;    /* the pipe whose end ends it */
	int said;    /* where it says that it holds the lock */
	bool held;
};

/* Asks, unless that has been done. sys_root prefixes /run. */
void inhibit_begin(struct inhibit *x, const char *sys_root);
/* Is it held, as far as is known by now? */
bool inhibit_held(struct inhibit *x);
/* Gives it back; waits for that a moment. */
void inhibit_end(struct inhibit *x);

#endif
