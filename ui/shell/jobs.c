/* SPDX-License-Identifier: GPL-3.0-or-later */
/* jobs.c - WAIT, REBUILD, and what happens to rebuilds when the shell ends. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "ui/report/findings.h"
#include "ui/shell/commands.h"
#include "ui/shell/internal.h"
#include "ui/words.h"

static bool is_ended(const struct dyn_job *j)
{
	return j->state == DYN_JOB_DONE || j->state == DYN_JOB_FAILED || j->state == DYN_JOB_CANCELLED;
}

static bool is_running(const struct dyn_job *j)
{
	return !is_ended(j) && j->state != DYN_JOB_PAUSED && j->state != DYN_JOB_UNDECIDED;
}

/* It does not go on by itself. */
static bool is_waiting(const struct dyn_job *j)
{
	return j->state == DYN_JOB_PAUSED || j->state == DYN_JOB_UNDECIDED;
}

/* guid NULL: every volume. */
static bool is_of(const struct dyn_job *j, const char *guid)
{
	return !guid || !strcmp(j->volume_guid, guid);
}

/* This session's jobs; *list is freed by the caller and NULL when there are none. */
static size_t get_jobs(const struct shell *sh, struct dyn_job **list)
{
	size_t n = dyn_jobs(sh->session, NULL, 0), got;

	*list = n ? calloc(n, sizeof(**list)) : NULL;
	if (!*list)
		return 0;
	got = dyn_jobs(sh->session, *list, n);
	return got < n ? got : n;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --------------------------------------------------------- how they ended */

/* A job of which nobody said yet how it ended; marks it as told. */
static bool take_untold(struct shell *sh, unsigned id)
{
	unsigned *more;

	for (size_t i = 0; i < sh->n_told; i++)
		if (sh->told[i] == id)
			return false;
	more = realloc(sh->told, (sh->n_told + 1) * sizeof(*more));
	if (more) {
		sh->told = more;
		sh->told[sh->n_told++] = id;
	}
	return true;
}

static void tell_end(struct shell *sh, const struct dyn_job *j)
{
	struct dyn_err err = j->result;

	if (j->state == DYN_JOB_DONE) {
		if (*err.what)
			shell_say(sh, "\nThe rebuild of %s was finished as you decided. The volume is mirrored, and At Risk:\n%s.\n%s\n",
				  j->volume_title, err.what, err.way_out);
		else
			shell_say(sh, "\nThe rebuild of %s is complete and verified. The volume is mirrored.\n", j->volume_title);
	} else if (j->state == DYN_JOB_CANCELLED) {
		shell_say(sh, "\nThe rebuild of %s was cancelled. The volume stays simple.\n", j->volume_title);
	} else {
		shell_say(sh, "\nThe rebuild of %s failed. The volume is what it was before.\n", j->volume_title);
		shell_refuse(sh, NULL, &err);
		sh->job_failed = true;
	}
}

/* Tells how jobs ended that were not told about, and counts them. The worst: SHELL_FAILED when one was not done. */
static enum shell_result tell_ended(struct shell *sh, const char *guid, size_t *told)
{
	struct dyn_job *list;
	size_t n = get_jobs(sh, &list);
	enum shell_result r = SHELL_OK;

	*told = 0;
	for (size_t i = 0; i < n; i++) {
		if (!is_ended(&list[i]) || !is_of(&list[i], guid) || !take_untold(sh, list[i].id))
			continue;
		tell_end(sh, &list[i]);
		++*told;
		if (list[i].state != DYN_JOB_DONE)
			r = SHELL_FAILED;
	}
	free(list);
	return r;
}

/* Rescans when jobs ended since the last scan: their volumes are no longer being rebuilt. */
static enum shell_result refresh(struct shell *sh)
{
	struct dyn_job *list;
	size_t n = get_jobs(sh, &list), ended = 0;

	for (size_t i = 0; i < n; i++)
		ended += is_ended(&list[i]);
	free(list);
	if (ended == sh->n_ended)
		return SHELL_OK;
	sh->n_ended = ended;
	return shell_rescan(sh);
}

void shell_note_ended(struct shell *sh)
{
	size_t told;

	if (refresh(sh) == SHELL_OK && sh->interactive)
		tell_ended(sh, NULL, &told);
}

/* ---------------------------------------------------------------- waiting */

struct progress {
	bool drawn;     /* there is a line on the terminal */
	char title[64]; /* of the last line printed elsewhere */
	enum dyn_job_state state;
	unsigned tenth;
};

static unsigned terminal_columns(void)
{
	struct winsize w;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 1 && w.ws_col < 1000 ? w.ws_col : 80;
}

/* On a terminal one line redrawn in place; else one line for every tenth of a phase. */
static void show_progress(struct shell *sh, struct progress *p, const struct dyn_job *j)
{
	unsigned percent = findings_percent(j->done, j->total);
	char line[256], fitted[1024], rate[24] = "", left[32] = "", speed[64] = "";
	bool is_new = strcmp(p->title, j->volume_title) || p->state != j->state || p->tenth != percent / 10;
	bool is_first = !*p->title;

	if (!sh->out_tty && !is_new)
		return;
	snprintf(p->title, sizeof(p->title), "%s", j->volume_title);
	p->state = j->state;
	p->tenth = percent / 10;
	if (sh->out_tty && j->rate) {
		dyn_text_size(rate, sizeof(rate), j->rate);
		words_duration(j->seconds_left, left, sizeof(left));
		snprintf(speed, sizeof(speed), ", %s/s%s%s%s", rate, *left ? ", " : "", left, *left ? " left" : "");
	}
	snprintf(line, sizeof(line), "  %s: %s, %3u percent completed%s", j->volume_title,
		 words_job_state(WORDS_SHELL, j->state), percent, speed);
	if (sh->out_tty) {
		shell_fit(fitted, sizeof(fitted), line, terminal_columns() - 1);
		shell_say(sh, "%s%s", p->drawn ? "\r" : "\n", fitted);
		p->drawn = true;
	} else {
		shell_say(sh, "%s%s\n", is_first ? "\n" : "", line);
	}
	fflush(sh->out);
}

static void end_progress(struct shell *sh, struct progress *p)
{
	if (p->drawn)
		shell_say(sh, "\n");
	p->drawn = false;
}

/* The running rebuild to watch: this session's, or one that another process runs. */
static bool watched_job(struct shell *sh, const char *guid, bool elsewhere, struct dyn_job *out)
{
	struct dyn_job *list;
	size_t n = get_jobs(sh, &list);
	bool found = false;

	for (int queued = 0; queued < 2 && !found; queued++) /* one that waits for its turn only when nothing else runs */
		for (size_t i = 0; i < n && !found; i++)
			if (is_running(&list[i]) && is_of(&list[i], guid) && (list[i].state == DYN_JOB_QUEUED) == queued) {
				*out = list[i];
				found = true;
			}
	free(list);
	for (size_t i = 0; elsewhere && i < sh->model->n_jobs && !found; i++) {
		*out = sh->model->jobs[i];
		found = out->elsewhere && is_running(out) && is_of(out, guid);
	}
	return found;
}

bool shell_nap(struct shell *sh, int ms)
{
	struct pollfd p[2] = { { .fd = dyn_jobs_fd(sh->session), .events = POLLIN },
			       { .fd = sh->sigfd, .events = POLLIN } };
	struct signalfd_siginfo info;
	uint64_t count;

	if (poll(p, 2, ms) <= 0)
		return false;
	if ((p[0].revents & POLLIN) && read(p[0].fd, &count, sizeof(count)) < 0)
		count = 0; /* somebody else took the news: nothing is lost */
	if (!(p[1].revents & POLLIN) || read(sh->sigfd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return false;
	sh->signal = (int)info.ssi_signo;
	return true;
}

enum wait_end { WAIT_DONE, WAIT_TIMEOUT, WAIT_INTERRUPTED };

/* timeout in seconds, 0: none. elsewhere: wait for other processes' rebuilds too (by looking at the disks). */
static enum wait_end wait_jobs(struct shell *sh, const char *guid, uint32_t timeout, bool elsewhere)
{
	struct progress p = { .tenth = 99 };
	double end = now() + timeout;
	struct dyn_job j;
	enum wait_end r = WAIT_DONE;

	while (r == WAIT_DONE && watched_job(sh, guid, elsewhere, &j)) {
		double left = end - now();

		if (timeout && left <= 0)
			r = WAIT_TIMEOUT;
		if (r != WAIT_DONE)
			break;
		show_progress(sh, &p, &j);
		if (shell_nap(sh, timeout && left < 1 ? (int)(left * 1000) + 1 : 1000))
			r = WAIT_INTERRUPTED;
		else if (j.elsewhere && shell_rescan(sh) != SHELL_OK)
			break;
	}
	end_progress(sh, &p);
	return r;
}

/* The GUID of the volume that VOLUME= names, copied to buf (the model changes while we wait); *guid is NULL when it is
 * not given. false after saying that there is no such volume. */
static bool volume_filter(struct shell *sh, const struct shell_call *call, char buf[37], const char **guid)
{
	const struct shell_value *v = shell_arg(call, "VOLUME");
	size_t several, volume;

	*guid = NULL;
	if (!v->given)
		return true;
	volume = shell_find_volume(&sh->letters, sh->model, v->text, &several);
	if (volume == DYN_NONE || several > 1) {
		shell_say_invalid(sh, "The volume you selected is not valid or does not exist.");
		return false;
	}
	memcpy(buf, sh->model->volumes[volume].guid, 37);
	*guid = buf;
	return true;
}

/* Paused rebuilds, of this session or on the disks: they would never end by waiting. */
static bool is_any_paused(const struct shell *sh, const char *guid)
{
	for (size_t i = 0; i < sh->model->n_jobs; i++)
		if (sh->model->jobs[i].state == DYN_JOB_PAUSED && is_of(&sh->model->jobs[i], guid))
			return true;
	return false;
}

/* Rebuilds that cannot read their source everywhere. How many there are. */
static size_t tell_undecided(struct shell *sh, const char *guid)
{
	size_t n = 0;

	for (size_t i = 0; i < sh->model->n_jobs; i++) {
		const struct dyn_job *j = &sh->model->jobs[i];

		if (j->state != DYN_JOB_UNDECIDED || !is_of(j, guid))
			continue;
		n++;
		shell_say(sh, "\nThe rebuild of %s waits for a decision: %" PRIu64 " sectors of the source could not be read.\n",
			  j->volume_title, j->errors);
		shell_say_ranges(sh, j->unread, j->n_unread);
		shell_say(sh, "REBUILD RESUME tries them again, REBUILD CANCEL leaves the volume simple, REBUILD FINISH makes the\n"
			  "mirror with zeros in their place.\n");
	}
	return n;
}

enum shell_result cmd_wait(struct shell *sh, const struct shell_call *call)
{
	const struct shell_value *timeout = shell_arg(call, "TIMEOUT");
	char guid[37];
	const char *filter;
	enum shell_result worst;
	enum wait_end end;
	size_t told;

	if (!volume_filter(sh, call, guid, &filter))
		return SHELL_SYNTAX;
	end = wait_jobs(sh, filter, timeout->given ? (timeout->number ? timeout->number : 1) : 0, true);
	if (shell_rescan(sh) != SHELL_OK)
		return SHELL_FATAL;
	worst = tell_ended(sh, filter, &told);
	if (end == WAIT_INTERRUPTED && sh->interactive && sh->signal == SIGINT) {
		sh->signal = 0; /* only the waiting ends */
		return SHELL_OK;
	}
	if (end == WAIT_INTERRUPTED)
		return SHELL_FAILED;
	if (end == WAIT_TIMEOUT) {
		shell_say(sh, "\nThe rebuild has not ended within %u seconds. It goes on.\n", timeout->number);
		return SHELL_FAILED;
	}
	if (tell_undecided(sh, filter))
		return SHELL_FAILED;
	if (worst == SHELL_OK && is_any_paused(sh, filter)) {
		shell_say(sh, "\nA rebuild is paused. REBUILD RESUME continues it.\n");
		return SHELL_FAILED;
	}
	if (told == 0)
		shell_say(sh, "\nNo rebuild is running.\n");
	return worst;
}

static size_t volume_of_guid(const struct dyn_model *m, const char *guid)
{
	for (size_t i = 0; i < m->n_volumes; i++)
		if (!strcmp(m->volumes[i].guid, guid))
			return i;
	return DYN_NONE;
}

enum shell_result shell_await_rebuild(struct shell *sh, size_t *volume)
{
	enum shell_result r;
	enum wait_end end;
	struct dyn_job j;
	char guid[37];
	size_t told;

	memcpy(guid, sh->model->volumes[*volume].guid, sizeof(guid));
	if (!*guid || !watched_job(sh, guid, false, &j))
		return SHELL_OK;
	shell_say(sh, "\nThe volume is being mirrored. Waiting for the end of that; Ctrl-C stops the waiting.\n");
	fflush(sh->out);
	end = wait_jobs(sh, guid, 0, false);
	if (shell_rescan(sh) != SHELL_OK)
		return SHELL_FATAL;
	r = tell_ended(sh, guid, &told);
	if (end == WAIT_INTERRUPTED) {
		if (sh->interactive && sh->signal == SIGINT)
			sh->signal = 0; /* only the waiting ends */
		shell_say(sh, "\nThe rebuild goes on. Nothing else was done.\n");
		return SHELL_FAILED;
	}
	*volume = volume_of_guid(sh->model, guid);
	return *volume == DYN_NONE ? SHELL_FAILED : r;
}

/* ---------------------------------------------------------------- REBUILD */

enum { MAX_FOUND = 64 };

static bool is_settled(const struct shell *sh, const char *guid)
{
	struct dyn_job *list;
	size_t n = get_jobs(sh, &list);
	bool settled = true;

	for (size_t i = 0; i < n; i++)
		settled = settled && !(is_running(&list[i]) && is_of(&list[i], guid));
	free(list);
	return settled;
}

/* Pauses jobs and waits until their places are recorded. How many there were. */
static size_t pause_jobs(struct shell *sh, const char *guid)
{
	struct dyn_job *list;
	size_t n = get_jobs(sh, &list), paused = 0;
	double end = now() + 60;

	for (size_t i = 0; i < n; i++)
		if (is_running(&list[i]) && is_of(&list[i], guid) && dyn_job_pause(sh->session, list[i].id) == 0)
			paused++;
	free(list);
	while (paused && !is_settled(sh, guid) && now() < end)
		shell_nap(sh, 200);
	return paused;
}

static void tell_paused_jobs(struct shell *sh, const char *guid, const char *how)
{
	for (size_t i = 0; i < sh->model->n_jobs; i++) {
		const struct dyn_job *j = &sh->model->jobs[i];

		if (j->state == DYN_JOB_PAUSED && is_of(j, guid))
			shell_say(sh, "\nThe rebuild of %s is paused at %u percent. %s\n", j->volume_title,
				  findings_percent(j->done, j->total), how);
	}
	tell_undecided(sh, guid);
}

void shell_tell_paused(struct shell *sh)
{
	tell_paused_jobs(sh, NULL, "REBUILD RESUME continues it, REBUILD CANCEL gives it up.");
	for (size_t i = 0; i < sh->model->n_jobs; i++)
		if (sh->model->jobs[i].elsewhere)
			shell_say(sh, "\nThe rebuild of %s is running in another dynadisk.\n", sh->model->jobs[i].volume_title);
}

static enum shell_result none(struct shell *sh, const char *what)
{
	shell_say(sh, "\nThere is no %s rebuild.\n", what);
	return SHELL_FAILED;
}

/* Is a rebuild of this volume, run by another process, still in that state (or, gone: there at all)? */
static bool is_elsewhere_in(const struct shell *sh, const char *volume_guid, enum dyn_job_state state, bool gone)
{
	for (size_t i = 0; i < sh->model->n_jobs; i++) {
		const struct dyn_job *j = &sh->model->jobs[i];

		if (j->elsewhere && is_of(j, volume_guid))
			return gone || j->state == state;
	}
	return false;
}

/* Asks the processes that run other rebuilds. How many did as they were asked; *r: what was refused. */
static size_t ask_elsewhere(struct shell *sh, const char *guid, enum dyn_control what, uint64_t limit, enum shell_result *r)
{
	struct dyn_job asked[MAX_FOUND];
	size_t n = 0;
	double end = now() + 60;

	for (size_t i = 0; i < sh->model->n_jobs && n < MAX_FOUND; i++) {
		const struct dyn_job *j = &sh->model->jobs[i];
		struct dyn_err err = { 0 };

		if (!j->elsewhere || !is_of(j, guid) || (what == DYN_CONTROL_FINISH && j->state != DYN_JOB_UNDECIDED) ||
		    (what == DYN_CONTROL_CONTINUE && !is_waiting(j)) || (what == DYN_CONTROL_PAUSE && !is_running(j)))
			continue;
		if (dyn_job_control(sh->session, sh->model, i, what, limit, NULL, &err) == 0)
			asked[n++] = *j;
		else
			*r = shell_refuse(sh, NULL, &err);
	}
	/* until it can be seen: a pause waits for a flush, a cancelled one for its record to go */
	for (size_t i = 0; i < n && what != DYN_CONTROL_LIMIT; i++)
		while (now() < end && shell_rescan(sh) == SHELL_OK &&
		       is_elsewhere_in(sh, asked[i].volume_guid, asked[i].state, what == DYN_CONTROL_CANCEL))
			if (shell_nap(sh, 100))
				return n;
	return n;
}

enum shell_result cmd_rebuild_pause(struct shell *sh, const struct shell_call *call)
{
	const char *filter;
	char guid[37];
	enum shell_result r = SHELL_OK, ended;
	size_t told;

	if (!volume_filter(sh, call, guid, &filter))
		return SHELL_SYNTAX;
	if (pause_jobs(sh, filter) + ask_elsewhere(sh, filter, DYN_CONTROL_PAUSE, 0, &r) == 0)
		return r == SHELL_OK ? none(sh, "running") : r;
	if (shell_rescan(sh) != SHELL_OK)
		return SHELL_FATAL;
	tell_paused_jobs(sh, filter, "REBUILD RESUME continues it.");
	ended = tell_ended(sh, filter, &told);
	return r == SHELL_OK ? ended : r;
}

/* The GUID pairs of the paused rebuilds found on the disks that no worker of this session owns. */
static size_t find_records(const struct shell *sh, const char *guid, struct dyn_job *out)
{
	size_t n = 0;

	for (size_t i = 0; i < sh->model->n_jobs && n < MAX_FOUND; i++) {
		const struct dyn_job *j = &sh->model->jobs[i];

		if (is_waiting(j) && !j->elsewhere && is_of(j, guid))
			out[n++] = *j;
	}
	return n;
}

/* Where the job that was `j` is in the present model. */
static size_t find_again(const struct shell *sh, const struct dyn_job *j)
{
	for (size_t i = 0; i < sh->model->n_jobs; i++)
		if (!strcmp(sh->model->jobs[i].volume_guid, j->volume_guid) &&
		    !strcmp(sh->model->jobs[i].target_guid, j->target_guid))
			return i;
	return DYN_NONE;
}

/* The session's own job for j when a paused worker still holds it, or 0. */
static unsigned own_paused(const struct shell *sh, const struct dyn_job *j)
{
	struct dyn_job *list;
	size_t n = get_jobs(sh, &list);
	unsigned id = 0;

	for (size_t i = 0; i < n; i++)
		if (is_waiting(&list[i]) && !strcmp(list[i].volume_guid, j->volume_guid) &&
		    !strcmp(list[i].target_guid, j->target_guid))
			id = list[i].id;
	free(list);
	return id;
}

typedef int (*plan_fn)(struct dyn_session *s, struct dyn_model *m, size_t job, struct dyn_plan **out, struct dyn_err *err);

static enum shell_result plan_for(struct shell *sh, const struct dyn_job *j, plan_fn make, const char *success)
{
	struct dyn_plan *plan = NULL;
	struct dyn_err err = { 0 };
	size_t at = find_again(sh, j);

	if (at == DYN_NONE)
		return none(sh, "paused");
	if (make(sh->session, sh->model, at, &plan, &err) < 0)
		return shell_refuse(sh, NULL, &err);
	return shell_carry_out(sh, plan, success);
}

enum shell_result cmd_rebuild_resume(struct shell *sh, const struct shell_call *call)
{
	struct dyn_job found[MAX_FOUND];
	const char *filter;
	char guid[37];
	enum shell_result r = SHELL_OK;
	size_t n, elsewhere = 0;

	if (!volume_filter(sh, call, guid, &filter))
		return SHELL_SYNTAX;
	n = find_records(sh, filter, found);
	if (!sh->preview)
		elsewhere = ask_elsewhere(sh, filter, DYN_CONTROL_CONTINUE, 0, &r);
	if (elsewhere)
		shell_say(sh, "\nThe rebuild goes on in the other dynadisk.\n");
	if (n == 0)
		return elsewhere || r != SHELL_OK ? r : none(sh, "paused");
	for (size_t i = 0; i < n && r == SHELL_OK; i++) {
		unsigned id = own_paused(sh, &found[i]);
		char success[128];

		snprintf(success, sizeof(success), "The rebuild of %s goes on.", found[i].volume_title);
		if (!id)
			r = plan_for(sh, &found[i], dyn_plan_resume, success);
		else if (dyn_job_continue(sh->session, id) == 0)
			shell_say(sh, "\n%s\n", success);
		else
			r = none(sh, "paused");
	}
	return r == SHELL_OK && !sh->preview ? shell_rescan(sh) : r;
}

enum shell_result cmd_rebuild_finish(struct shell *sh, const struct shell_call *call)
{
	struct dyn_job found[MAX_FOUND];
	const char *filter;
	char guid[37];
	enum shell_result r = SHELL_OK;
	size_t n, undecided = 0;

	if (!volume_filter(sh, call, guid, &filter))
		return SHELL_SYNTAX;
	n = find_records(sh, filter, found);
	for (size_t i = 0; i < n && r == SHELL_OK; i++) {
		unsigned id = own_paused(sh, &found[i]);
		char success[160];

		if (found[i].state != DYN_JOB_UNDECIDED)
			continue;
		undecided++;
		snprintf(success, sizeof(success), "The rebuild of %s goes on, with zeros where its source cannot be read.",
			 found[i].volume_title);
		if (!id || sh->preview)
			r = plan_for(sh, &found[i], dyn_plan_finish, success);
		else if (dyn_job_finish(sh->session, id) == 0)
			shell_say(sh, "\n%s\n", success);
		else
			r = none(sh, "undecided");
	}
	if (!sh->preview && ask_elsewhere(sh, filter, DYN_CONTROL_FINISH, 0, &r)) {
		undecided++;
		shell_say(sh, "\nThe rebuild goes on in the other dynadisk, with zeros where its source cannot be read.\n");
	}
	if (undecided == 0)
		return r == SHELL_OK ? none(sh, "undecided") : r;
	return r == SHELL_OK && !sh->preview ? shell_rescan(sh) : r;
}

enum shell_result cmd_rebuild_forget(struct shell *sh, const struct shell_call *call)
{
	const struct shell_value *v = shell_arg(call, "VOLUME");
	struct dyn_plan *plan = NULL;
	struct dyn_err err = { 0 };
	size_t volume, several = 0;

	if (!v->given && !shell_need_volume(sh, &volume))
		return SHELL_SYNTAX;
	if (v->given)
		volume = shell_find_volume(&sh->letters, sh->model, v->text, &several);
	if (volume == DYN_NONE || several > 1) {
		shell_say_invalid(sh, "The volume you selected is not valid or does not exist.");
		return SHELL_SYNTAX;
	}
	if (dyn_plan_forget_unread(sh->session, sh->model, volume, &plan, &err) < 0)
		return shell_refuse(sh, NULL, &err);
	return shell_carry_out(sh, plan, "The mark of unread sectors was removed from the volume.");
}

/* Cancels this session's own jobs and waits for their end. How many there were. */
static size_t cancel_jobs(struct shell *sh, const char *guid)
{
	struct dyn_job *list;
	size_t n = get_jobs(sh, &list), cancelled = 0;
	double end = now() + 60;

	for (size_t i = 0; i < n; i++) {
		struct dyn_job j = list[i];

		if (is_ended(&j) || !is_of(&j, guid) || dyn_job_cancel(sh->session, j.id) < 0)
			continue;
		cancelled++;
		while (!is_ended(&j) && now() < end) {
			struct dyn_job *again;
			size_t m = get_jobs(sh, &again);

			for (size_t k = 0; k < m; k++)
				if (again[k].id == j.id)
					j = again[k];
			free(again);
			if (!is_ended(&j))
				shell_nap(sh, 200);
		}
	}
	free(list);
	return cancelled;
}

enum shell_result cmd_rebuild_cancel(struct shell *sh, const struct shell_call *call)
{
	struct dyn_job found[MAX_FOUND];
	const char *filter;
	char guid[37];
	enum shell_result r = SHELL_OK;
	size_t n, own = 0, elsewhere = 0, told;

	if (!volume_filter(sh, call, guid, &filter))
		return SHELL_SYNTAX;
	if (!sh->preview)
		own = cancel_jobs(sh, filter);
	if (!sh->preview)
		elsewhere = ask_elsewhere(sh, filter, DYN_CONTROL_CANCEL, 0, &r);
	if (elsewhere)
		shell_say(sh, "\nThe rebuild was given up in the other dynadisk. The volume stays simple.\n");
	if (own && (shell_rescan(sh) != SHELL_OK))
		return SHELL_FATAL;
	tell_ended(sh, filter, &told);
	n = find_records(sh, filter, found);
	if (n == 0 && own == 0 && elsewhere == 0)
		return r == SHELL_OK ? none(sh, "unfinished") : r;
	for (size_t i = 0; i < n && r == SHELL_OK; i++) {
		char success[128];

		snprintf(success, sizeof(success), "The rebuild of %s was given up. The volume stays simple.",
			 found[i].volume_title);
		r = plan_for(sh, &found[i], dyn_plan_cancel, success);
	}
	return r;
}

enum shell_result cmd_rebuild_rate(struct shell *sh, const struct shell_call *call)
{
	uint32_t mb = shell_arg(call, NULL)->number;
	uint64_t rate = (uint64_t)mb << 20; /* bytes per second */
	enum shell_result r = SHELL_OK;
	struct dyn_job *list;
	size_t n = get_jobs(sh, &list);

	dyn_jobs_limit_new(sh->session, rate);
	for (size_t i = 0; i < n; i++)
		if (!is_ended(&list[i]))
			dyn_job_limit(sh->session, list[i].id, rate);
	free(list);
	ask_elsewhere(sh, NULL, DYN_CONTROL_LIMIT, rate, &r);
	if (mb)
		shell_say(sh, "\nRebuilds are limited to %u MB per second.\n", mb);
	else
		shell_say(sh, "\nRebuilds run without a limit.\n");
	return r;
}

/* ---------------------------------------------------------------- leaving */

static bool has_paused_job(const struct shell *sh)
{
	struct dyn_job *list;
	size_t n = get_jobs(sh, &list);
	bool found = false;

	for (size_t i = 0; i < n; i++)
		found = found || is_waiting(&list[i]);
	free(list);
	return found;
}

enum shell_result shell_leave(struct shell *sh)
{
	struct dyn_job j;
	enum shell_result r;
	size_t told;

	if (sh->signal) {
		pause_jobs(sh, NULL);
	} else if (watched_job(sh, NULL, false, &j)) {
		shell_say(sh, "\nThe rebuild of %s is still running. Waiting for its end; Ctrl-C pauses it and leaves.\n",
			  j.volume_title);
		fflush(sh->out);
		if (wait_jobs(sh, NULL, 0, false) == WAIT_INTERRUPTED)
			pause_jobs(sh, NULL);
	}
	r = tell_ended(sh, NULL, &told);
	if (shell_rescan(sh) != SHELL_OK)
		return SHELL_FATAL;
	if (has_paused_job(sh)) {
		tell_paused_jobs(sh, NULL, "To go on, start dynadisk on these disks, or type REBUILD RESUME in this shell.");
		r = SHELL_FAILED;
	}
	fflush(sh->out);
	return r;
}
