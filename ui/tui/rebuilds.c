/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rebuilds.c - running rebuilds: their keys, their end, leaving while they run; and the log with its undo. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/tui/actions.h"
#include "ui/words.h"

static bool ended(enum dyn_job_state s)
{
	return s == DYN_JOB_DONE || s == DYN_JOB_FAILED || s == DYN_JOB_CANCELLED;
}

static bool seen(const struct console *con, unsigned id)
{
	for (size_t i = 0; i < con->n_seen; i++) {
		if (con->seen_end[i] == id)
			return true;
	}
	return false;
}

static void show_decision(struct console *con, const struct dyn_job *j);

static void tell_end(struct console *con, const struct dyn_job *j)
{
	const struct dyn_model *m = con->m;
	char source[16] = "", target[16] = "", title[64];

	for (size_t i = 0; i < m->n_disks; i++) {
		if (*j->source_guid && strcmp(m->disks[i].guid, j->source_guid) == 0)
			snprintf(source, sizeof(source), "%s", m->disks[i].name);
		if (*j->target_guid && strcmp(m->disks[i].guid, j->target_guid) == 0)
			snprintf(target, sizeof(target), "%s", m->disks[i].name);
	}
	snprintf(title, sizeof(title), "%s", j->volume_title);
	if (j->state == DYN_JOB_DONE && *j->result.what)
		error_show(con, "The rebuild was finished as you decided", &j->result);
	else if (j->state == DYN_JOB_DONE)
		console_notice(con, "%s is mirrored on %s and %s. Verified.", title, *source ? source : "its first disk",
			       *target ? target : "the new disk");
	else if (j->state == DYN_JOB_CANCELLED)
		console_notice(con, "The rebuild was cancelled. %s stays a healthy simple volume.", title);
	else
		error_show(con, "The rebuild failed", &j->result);
}

/* Did this job come to need a decision since `old` was gathered? */
static bool newly_undecided(const struct dyn_job *j, const struct view_job *old, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (old[i].found == DYN_NONE && old[i].job.id == j->id && old[i].job.state == DYN_JOB_UNDECIDED)
			return false;
	return j->state == DYN_JOB_UNDECIDED;
}

/* What is known of job i of the model, which another process runs: asked, when it is time to; else what it said last. */
static void learn_elsewhere(struct console *con, size_t i, const struct view_job *old, size_t n, struct dyn_job *j)
{
	if (con->ask && dyn_job_control(con->s, con->m, i, DYN_CONTROL_ASK, 0, j, NULL) == 0) {
		con->reached = true;
	} else if (con->ask && con->reached) { /* it ended: the disks say how */
		con->reached = false;
		con->want_rescan = true;
	}
	for (size_t k = 0; k < n && !con->ask && con->learned == con->m; k++)
		if (old[k].found == i)
			*j = old[k].job;
}

bool console_update_jobs(struct console *con)
{
	struct dyn_job now[64];
	struct view_job old[VIEW_JOBS];
	struct view *v = &con->view;
	size_t n = dyn_jobs(con->s, now, 64), old_n = v->n_jobs;
	bool changed;

	memcpy(old, v->jobs, sizeof(old));
	v->n_jobs = 0;
	memset(v->jobs, 0, sizeof(v->jobs));
	for (size_t i = 0; i < n && i < 64; i++) {
		if (!ended(now[i].state) && v->n_jobs < VIEW_JOBS)
			v->jobs[v->n_jobs++] = (struct view_job){ now[i], DYN_NONE };
		if (con->depth == 0 && !con->working && newly_undecided(&now[i], old, old_n))
			show_decision(con, &now[i]);
		if (ended(now[i].state) && !seen(con, now[i].id)) {
			con->seen_end[con->n_seen < 64 ? con->n_seen++ : 63] = now[i].id;
			con->want_rescan = true;
			tell_end(con, &now[i]);
		}
	}
	for (size_t i = 0; con->m && i < con->m->n_jobs && v->n_jobs < VIEW_JOBS; i++) {
		struct dyn_job j = con->m->jobs[i];

		if (j.elsewhere)
			learn_elsewhere(con, i, old, old_n, &j);
		if (j.id == 0 && !ended(j.state))
			v->jobs[v->n_jobs++] = (struct view_job){ j, i };
		con->want_rescan |= j.elsewhere && ended(j.state);
	}
	con->ask = false;
	con->learned = con->m;
	changed = v->n_jobs != old_n || con->want_rescan;
	for (size_t i = 0; i < v->n_jobs && !changed; i++)
		changed = v->jobs[i].job.state != old[i].job.state || v->jobs[i].job.id != old[i].job.id;
	return changed;
}

/* ---------------------------------------------------------------- pause, limit, cancel */

static const struct view_job *current(const struct console *con)
{
	return view_current_job(&con->view);
}

static bool need_job(struct console *con, bool ours, char *reason, size_t n)
{
	const struct view_job *j = current(con);

	if (j == NULL)
		snprintf(reason, n, "No rebuild is running.");
	else if (ours && !j->job.elsewhere && j->found != DYN_NONE)
		snprintf(reason, n, "The rebuild is paused; p resumes it.");
	else
		return true;
	return false;
}

bool can_pause(struct console *con, struct target t, char *reason, size_t n)
{
	(void)t;
	return need_job(con, false, reason, n);
}

bool can_cancel(struct console *con, struct target t, char *reason, size_t n)
{
	(void)t;
	return need_job(con, false, reason, n);
}

bool can_limit(struct console *con, struct target t, char *reason, size_t n)
{
	(void)t;
	return need_job(con, true, reason, n);
}

/* A found rebuild is taken up, or given up, by a plan like every other change. */
static void plan_for_found(struct console *con, size_t found, bool resume)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	int rc = resume ? dyn_plan_resume(con->s, con->m, found, &p, &err) : dyn_plan_cancel(con->s, con->m, found, &p, &err);

	if (rc == 0)
		plan_show(con, p, NULL, NULL);
	else
		error_show(con, resume ? "Resume" : "Cancel", &err);
}

/* A rebuild that another process runs: that process is asked. */
static void ask_other(struct console *con, const struct view_job *j, enum dyn_control what, uint64_t limit, const char *said)
{
	struct dyn_err err = { 0 };

	if (dyn_job_control(con->s, con->m, j->found, what, limit, NULL, &err) == 0) {
		console_notice(con, "%s", said);
		con->want_rescan = true;
	} else {
		error_show(con, "The rebuild in another dynadisk", &err);
	}
}

static void report_job(struct console *con, int rc, const char *said)
{
	if (rc == 0)
		console_notice(con, "%s", said);
	else
		console_notice(con, "That did not work: %s.", strerror(-rc));
	console_update_jobs(con);
}

void run_pause(struct console *con, struct target t)
{
	const struct view_job *j = current(con);

	(void)t;
	if (j->job.state == DYN_JOB_UNDECIDED)
		show_decision(con, &j->job);
	else if (j->job.elsewhere && j->job.state == DYN_JOB_PAUSED)
		ask_other(con, j, DYN_CONTROL_CONTINUE, 0, "The rebuild goes on in the other dynadisk.");
	else if (j->job.elsewhere)
		ask_other(con, j, DYN_CONTROL_PAUSE, 0, "The other dynadisk pauses the rebuild; p continues it.");
	else if (j->found != DYN_NONE)
		plan_for_found(con, j->found, true);
	else if (j->job.state == DYN_JOB_PAUSED)
		report_job(con, dyn_job_continue(con->s, j->job.id), "The rebuild goes on.");
	else
		report_job(con, dyn_job_pause(con->s, j->job.id), "The rebuild pauses; p continues it where it stopped.");
}

/* ---------------------------------------------------------------- what cannot be read */

enum { DECIDE_LATER, DECIDE_AGAIN, DECIDE_ZEROS, DECIDE_CANCEL };

/* The plan that decides for a rebuild found on the disks. */
static void decide_found(struct console *con, size_t found, int id)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	int rc;

	if (id != DECIDE_ZEROS) {
		plan_for_found(con, found, id == DECIDE_AGAIN);
		return;
	}
	rc = dyn_plan_finish(con->s, con->m, found, &p, &err);
	if (rc == 0)
		plan_show(con, p, NULL, NULL);
	else
		error_show(con, "Finish", &err);
}

static void decided(struct console *con, int id)
{
	const struct view_job *j = current(con);

	if (id == DECIDE_LATER || j == NULL || j->job.state != DYN_JOB_UNDECIDED)
		return;
	if (j->job.elsewhere)
		ask_other(con, j, id == DECIDE_AGAIN ? DYN_CONTROL_CONTINUE : id == DECIDE_ZEROS ? DYN_CONTROL_FINISH : DYN_CONTROL_CANCEL,
			  0, "The other dynadisk was told.");
	else if (j->found != DYN_NONE)
		decide_found(con, j->found, id);
	else if (id == DECIDE_AGAIN)
		report_job(con, dyn_job_continue(con->s, j->job.id), "The sectors are read again.");
	else if (id == DECIDE_ZEROS)
		report_job(con, dyn_job_finish(con->s, j->job.id), "The rebuild goes on, with zeros where nothing can be read.");
	else
		report_job(con, dyn_job_cancel(con->s, j->job.id), "The rebuild is being cancelled.");
}

static void show_decision(struct console *con, const struct dyn_job *j)
{
	struct menu *m = menu_new("The source cannot be read everywhere");
	char text[640];
	size_t n = 0;

	n = (size_t)snprintf(text, sizeof(text), "%llu sector%s of %s could not be read; everything else is copied. In bytes of the volume:",
			     (unsigned long long)j->errors, j->errors == 1 ? "" : "s", j->volume_title);
	for (size_t i = 0; i < j->n_unread && i < 6 && n < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s %llu-%llu", i ? "," : "", (unsigned long long)j->unread[i].offset,
				      (unsigned long long)(j->unread[i].offset + j->unread[i].size - 1));
	if (j->n_unread > 6 && n < sizeof(text))
		n += (size_t)snprintf(text + n, sizeof(text) - n, " and %zu more places", j->n_unread - 6);
	if (n < sizeof(text))
		snprintf(text + n, sizeof(text) - n, ". Until you decide the volume stays a simple volume. Save its files first.");
	menu_text(m, text);
	menu_add(m, DECIDE_LATER, false, 0, "Decide later", "", "p asks again.");
	menu_add(m, DECIDE_AGAIN, false, 0, "Try again", "", "Reads those sectors once more, after a cable was changed, for example.");
	menu_add(m, DECIDE_ZEROS, false, 0, "Finish with zeros there", "",
		 "The volume becomes a mirror, marked At Risk; the new half holds zeros in those sectors.");
	menu_add(m, DECIDE_CANCEL, false, 0, "Cancel the rebuild", "", "The volume stays a simple volume.");
	menu_show(con, m, decided, NULL);
}

static void limit_done(struct console *con, const char *text)
{
	const struct view_job *j = current(con);
	char *end;
	unsigned long mb = strtoul(text, &end, 10);

	while (*end == ' ')
		end++;
	if (end == text || (*end && strcmp(end, "MB/s") != 0) || *text == '-' || mb > 1000000) {
		message_show(con, "Limit", "\"%.40s\" is not a number of MB/s. The limit stays as it was.", text);
		return;
	}
	if (j && j->job.elsewhere)
		ask_other(con, j, DYN_CONTROL_LIMIT, (uint64_t)mb * 1000000,
			  mb ? "The rebuild is limited now." : "The rebuild runs without a limit now.");
	else if (j && j->found == DYN_NONE)
		report_job(con, dyn_job_limit(con->s, j->job.id, (uint64_t)mb * 1000000),
			   mb ? "The rebuild is limited now." : "The rebuild runs without a limit now.");
}

void run_limit(struct console *con, struct target t)
{
	const struct view_job *j = current(con);
	char now[32] = "";

	(void)t;
	if (j->job.limit)
		snprintf(now, sizeof(now), "%llu", (unsigned long long)(j->job.limit / 1000000));
	input_show(con, "Limit the rebuild", "At most how many MB/s? 0 is no limit.", now, limit_done);
}

static void cancel_picked(struct console *con, int yes)
{
	const struct view_job *j = current(con);

	if (yes && j && j->job.elsewhere)
		ask_other(con, j, DYN_CONTROL_CANCEL, 0, "The other dynadisk gives the rebuild up.");
	else if (yes && j && j->found == DYN_NONE)
		report_job(con, dyn_job_cancel(con->s, j->job.id), "The rebuild is being cancelled.");
}

void run_cancel(struct console *con, struct target t)
{
	const struct view_job *j = current(con);
	struct menu *m;
	char text[256];

	(void)t;
	if (j->found != DYN_NONE && !j->job.elsewhere) {
		plan_for_found(con, j->found, false);
		return;
	}
	m = menu_new("Cancel the rebuild");
	snprintf(text, sizeof(text), "What was copied so far is given up. %s stays a healthy simple volume.", j->job.volume_title);
	menu_text(m, text);
	menu_add(m, 0, false, 0, "Go on with the rebuild", "", "Nothing changes.");
	menu_add(m, 1, false, 0, "Cancel it", "", "The target's space becomes unallocated again.");
	menu_show(con, m, cancel_picked, NULL);
}

/* ---------------------------------------------------------------- log */

static void log_picked(struct console *con, int i)
{
	struct dyn_undo *u = NULL;
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	size_t n = 0;
	int rc = dyn_undo_list(con->s, con->m, &u, &n, &err);

	if (rc == 0 && (size_t)i < n)
		rc = dyn_plan_undo(con->s, con->m, u[i].id, &p, &err);
	free(u);
	if (rc == 0 && p)
		plan_show(con, p, NULL, NULL);
	else
		error_show(con, "Undo", &err);
}

bool can_undo(struct console *con, struct target t, char *reason, size_t n)
{
	struct dyn_undo *u = NULL;
	struct dyn_err err = { 0 };
	size_t count = 0, at;
	int rc = dyn_undo_list(con->s, con->m, &u, &count, &err);
	bool can = false;

	(void)t;
	at = dyn_undo_newest(u, count);
	if (rc)
		snprintf(reason, n, "%s", err.what);
	else if (at == count)
		snprintf(reason, n, count ? "There is no change that could be undone." : "Nothing has been written yet.");
	else if (!u[at].possible)
		snprintf(reason, n, "%s cannot be undone: %s", u[at].title, u[at].reason);
	else
		can = true;
	free(u);
	return can;
}

void run_undo(struct console *con, struct target t)
{
	struct dyn_undo *u = NULL;
	struct dyn_err err = { 0 };
	size_t count = 0, at;

	(void)t;
	if (dyn_undo_list(con->s, con->m, &u, &count, &err) == 0) {
		at = dyn_undo_newest(u, count);
		free(u);
		log_picked(con, (int)at);
	} else {
		error_show(con, "Undo", &err);
	}
}

void run_log(struct console *con, struct target t)
{
	struct dyn_undo *u = NULL;
	struct dyn_err err = { 0 };
	struct menu *m;
	size_t n = 0;
	int rc = dyn_undo_list(con->s, con->m, &u, &n, &err);

	(void)t;
	if (rc) {
		error_show(con, "Log", &err);
		return;
	}
	if (n == 0) {
		free(u);
		message_show(con, "Log", "Nothing has been written yet.");
		return;
	}
	m = menu_new("Log");
	menu_text(m, "What was done, newest first. Enter shows the plan that would undo it.");
	for (size_t i = 0; i < n; i++) {
		char when[32] = "", label[192];
		struct tm tm;

		if (localtime_r(&u[i].when, &tm))
			strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &tm);
		snprintf(label, sizeof(label), "%s  %s", when, u[i].title);
		menu_add(m, (int)i, !u[i].possible, 0, label, u[i].possible ? "" : "cannot be undone",
			 u[i].possible ? "Puts the sectors back as they were before; shows every one first." : u[i].reason);
	}
	free(u);
	menu_show(con, m, log_picked, NULL);
}

/* ---------------------------------------------------------------- leaving */

enum { QUIT_STAY, QUIT_LEAVE_RUNNING, QUIT_PAUSE };

static void quit_picked(struct console *con, int id)
{
	if (id == QUIT_LEAVE_RUNNING)
		con->leave = LEAVE_RUNNING;
	else if (id == QUIT_PAUSE)
		con->leave = LEAVE_QUIT; /* closing the session pauses what runs */
}

void run_quit(struct console *con, struct target t)
{
	bool running = false;
	struct menu *m;

	(void)t;
	for (size_t i = 0; i < con->view.n_jobs; i++)
		running |= con->view.jobs[i].found == DYN_NONE && con->view.jobs[i].job.state < DYN_JOB_PAUSED;
	if (con->working && (running || con->work.writes)) {
		console_notice(con, "%s: leaving works again when that is done.%s", con->work.what,
			       running ? " Without its terminal the rebuild goes on, too." : "");
		return;
	}
	if (!running) {
		con->leave = LEAVE_QUIT;
		return;
	}
	m = menu_new("A rebuild is running");
	menu_text(m, "It is safe to stop it at any time: the volume stays healthy, and it can be resumed later.");
	menu_add(m, QUIT_STAY, false, 0, "Stay here", "", "Nothing changes.");
	menu_add(m, QUIT_LEAVE_RUNNING, false, 0, "Leave, and let it run", "",
		 "It goes on without a screen, also when you log out. Starting dynadisk again shows it.");
	menu_add(m, QUIT_PAUSE, false, 0, "Pause it and leave", "", "It waits on the disk; starting dynadisk again offers to resume it.");
	menu_show(con, m, quit_picked, NULL);
}
