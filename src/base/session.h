/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * session.h - what the layers share of a session: its options and randomness. The jobs hang
 * off it as an opaque pointer that only run/ looks into. Paths and options never change;
 * which disks are off line does.
 */
#ifndef DYN_BASE_SESSION_H
#define DYN_BASE_SESSION_H

#include "base/io.h"
#include "base/rand.h"
#include "dynadisk.h"

struct run_state; /* src/run/ */

struct dyn_session {
	size_t n_paths;
	char **paths;
	char *state_dir;
	char *sys_root;
	bool read_only;
	uint64_t limit;         /* of new rebuilds, bytes per second; 0 none */
	uint64_t fixed_time;
	struct dyn_rand rand;
	void (*log)(void *arg, const char *line);
	void *log_arg;
	int (*progress)(void *arg, const struct dyn_step *step, uint64_t done, uint64_t total);
	void *progress_arg;
	struct run_state *run;
	/* Paths of disks that are not to be read, see dyn_set_offline(). run->meta guards them. */
	size_t n_offline;
	char **offline;
	/* Tests put another back end in the place of the disks: every disk that the session opens, for reading or (write)
	 * for writing, comes from here. One without a descriptor (fd -1) is nobody else's and is not locked. NULL: as they
	 * are. */
	dyn_open_fn *open_io;
	void *open_arg;
};

/* Opens a disk for reading: dyn_io_open_ro(), or what the session has in its place. Any thread. */
int session_open_ro(const struct dyn_session *s, const char *path, struct dyn_io **out, struct dyn_err *err);

/* FILETIME now, or the session's fixed time. Any thread. */
uint64_t session_filetime(const struct dyn_session *s);
/* One line to the session's log, if it has one. Any thread. */
void session_log(const struct dyn_session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
