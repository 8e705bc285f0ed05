/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * engine.h - the thread that makes the engine's long calls (scans, plans carried out, halves compared), so that a disk that
 * hangs never holds up a key. It does one thing at a time. While it does, it is the session's owner: nobody else makes
 * scans, plans or apply calls until engine_wait() has returned true.
 */
#ifndef UI_TUI_ENGINE_H
#define UI_TUI_ENGINE_H

#include <stdbool.h>

struct engine;

/* wake_fd: an eventfd that is written to when something is done. Never NULL. */
struct engine *engine_start(int wake_fd);
/* Begins work(arg) there; it must have nothing to do. Without a thread (none could be made) it is done at once, here. */
void engine_begin(struct engine *e, void (*work)(void *arg), void *arg);
/* Whether there is nothing under way any more, after at most so many milliseconds; < 0: without limit. */
bool engine_wait(struct engine *e, int ms);
/* Ends the thread; nothing may be under way. */
void engine_stop(struct engine *e);

#endif
