/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * control.h - how another dynadisk reaches the rebuilds of this one.
 *
 * Each live job listens on a socket that has a name and no file (an abstract one): its target, as the kernel knows it
 * below all aliases, and its volume. Nothing is left behind by a kill. Who may command is asked of the kernel
 * (SO_PEERCRED): root, and the user this program runs as. A thread of its own answers, so that a paused rebuild can be
 * reached as well.
 *
 * One packet each way, text. Request: "dynadisk 1 VERB NUMBER", VERB one of ask, pause, continue, cancel, finish, limit
 * (NUMBER: bytes a second; else 0). Reply: "no ERRNO" or "ok STATE DONE TOTAL RATE LIMIT SECONDS ERRORS INHIBITS".
 */
#ifndef DYN_RUN_CONTROL_H
#define DYN_RUN_CONTROL_H

#include "run/run.h"

/* Starts the thread, once; without it rebuilds run all the same. Not to be called with run_state.lock held. */
void control_start(struct dyn_session *s);
/* Ends it and closes its sockets. */
void control_stop(struct dyn_session *s);
/* Jobs began or ended. Any thread, any lock. */
void control_wake(struct run_state *rs);

#endif
