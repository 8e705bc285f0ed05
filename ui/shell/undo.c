/* SPDX-License-Identifier: GPL-3.0-or-later */
/* undo.c - UNDO takes changes back; VERIFY compares the halves of a mirror. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ui/report/findings.h"
#include "ui/shell/commands.h"
#include "ui/shell/internal.h"
#include "ui/words.h"

/* ------------------------------------------------------------------- undo */

static void say_list(struct shell *sh, const struct dyn_undo *list, size_t n)
{
	if (n == 0) {
		shell_say(sh, "\nThere is no change that could be undone.\n");
		return;
	}
	shell_say(sh, "\n");
	for (size_t i = 0; i < n; i++) {
		char when[32] = "";
		struct tm tm;

		if (localtime_r(&list[i].when, &tm))
			strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
		shell_say(sh, "  %2zu  %s  %s\n", i + 1, when, list[i].title);
		if (!list[i].possible) {
			char reason[sizeof(list[i].reason) + 32];

			snprintf(reason, sizeof(reason), "Not possible: %s.", list[i].reason);
			shell_wrap(sh->out, 6, reason);
		}
	}
}

static enum shell_result take_back(struct shell *sh, const struct dyn_undo *u)
{
	struct dyn_plan *plan = NULL;
	struct dyn_err err = { 0 };
	char success[256];
	int rc = dyn_plan_undo(sh->session, sh->model, u->id, &plan, &err);

	snprintf(success, sizeof(success), "Undone: %s.", u->title);
	return shell_finish(sh, rc, plan, &err, success);
}

/* Is there one more step back? */
static void say_rest(struct shell *sh)
{
	struct dyn_undo *list;
	size_t n, i;

	if (sh->preview || dyn_undo_list(sh->session, sh->model, &list, &n, NULL) < 0)
		return;
	i = dyn_undo_newest(list, n);
	if (i < n && list[i].possible)
		shell_say(sh, "There is a change before it that can be undone. UNDO LIST shows what was changed when.\n");
	free(list);
}

static enum shell_result undo_from(struct shell *sh, const struct shell_call *call, const struct dyn_undo *list, size_t n)
{
	const struct shell_value *number = shell_arg(call, NULL);
	size_t i = number->given ? (size_t)number->number - 1 : dyn_undo_newest(list, n);
	struct dyn_err err = { .code = -ESTALE };
	enum shell_result r;

	if (shell_flag(call, "LIST")) {
		say_list(sh, list, n);
		return SHELL_OK;
	}
	if (number->given && (number->number == 0 || number->number > n)) {
		shell_say(sh, "\nThere is no change of that number. UNDO LIST shows them.\n");
		return SHELL_SYNTAX;
	}
	if (i >= n) {
		shell_say(sh, "\nThere is no change that could be undone.\n");
		return SHELL_FAILED;
	}
	if (!number->given && !list[i].possible) {
		snprintf(err.what, sizeof(err.what), "The last change (%.100s) cannot be undone: %.150s", list[i].title, list[i].reason);
		snprintf(err.way_out, sizeof(err.way_out), "UNDO LIST shows what was changed when.");
		return shell_refuse(sh, NULL, &err);
	}
	r = take_back(sh, &list[i]);
	if (r == SHELL_OK)
		say_rest(sh);
	return r;
}

enum shell_result cmd_undo(struct shell *sh, const struct shell_call *call)
{
	struct dyn_undo *list;
	struct dyn_err err = { 0 };
	enum shell_result r;
	size_t n;
	int rc = dyn_undo_list(sh->session, sh->model, &list, &n, &err);

	if (rc < 0)
		return shell_refuse(sh, NULL, &err);
	r = undo_from(sh, call, list, n);
	free(list);
	return r;
}

/* ------------------------------------------------------------------ verify */

struct watch {
	struct shell *sh;
	unsigned percent; /* last one shown */
	bool drawn;
};

static int on_progress(void *arg, uint64_t done, uint64_t total)
{
	struct watch *w = arg;
	unsigned percent = findings_percent(done, total);

	if (w->sh->out_tty && (!w->drawn || percent != w->percent)) {
		shell_say(w->sh, "%s  Comparing the halves, %3u percent completed", w->drawn ? "\r" : "\n", percent);
		fflush(w->sh->out);
		w->drawn = true;
		w->percent = percent;
	}
	return shell_nap(w->sh, 0) ? 1 : 0;
}

void shell_say_ranges(struct shell *sh, const struct dyn_range *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		shell_say(sh, "  Bytes %" PRIu64 " to %" PRIu64 " of the volume\n", r[i].offset, r[i].offset + r[i].size - 1);
}

static enum shell_result say_outcome(struct shell *sh, const struct dyn_volume *v, const struct dyn_verify *r)
{
	char title[128], size[24], different[24];

	words_volume_title(v, title, sizeof(title));
	dyn_text_size(size, sizeof(size), r->size);
	if (r->different == 0 && r->unreadable == 0) {
		shell_say(sh, "\nThe halves of %s are equal: %s compared.\n", title, size);
		return SHELL_OK;
	}
	dyn_text_size(different, sizeof(different), r->different);
	if (r->different) {
		shell_say(sh, "\nThe halves of %s differ in %s of %s, first at byte %" PRIu64 " of the volume.\n", title, different,
			  size, r->first);
		shell_say_ranges(sh, r->differ, r->n_differ);
	}
	if (r->unreadable) {
		shell_say(sh, "\n%" PRIu64 " bytes of the first half of %s could not be read and were not compared.\n", r->unreadable,
			  title);
		shell_say_ranges(sh, r->unread, r->n_unread);
	}
	if (r->joined)
		shell_say(sh, "There are more places than that: those close together are shown as one.\n");
	if (r->different)
		shell_say(sh, "Which half is right cannot be told from this. BREAK without NOKEEP keeps both as two volumes.\n");
	return SHELL_FAILED;
}

enum shell_result cmd_verify(struct shell *sh, const struct shell_call *call)
{
	const struct shell_value *v = shell_arg(call, "VOLUME");
	struct watch w = { .sh = sh };
	struct dyn_err err = { 0 };
	struct dyn_verify r;
	size_t volume, several;
	int rc;

	if (!v->given && !shell_need_volume(sh, &volume))
		return SHELL_SYNTAX;
	if (v->given)
		volume = shell_find_volume(&sh->letters, sh->model, v->text, &several);
	if (volume == DYN_NONE || (v->given && several > 1)) {
		shell_say_invalid(sh, "The volume you selected is not valid or does not exist.");
		return SHELL_SYNTAX;
	}
	rc = dyn_verify(sh->session, sh->model, volume, on_progress, &w, &r, &err);
	if (w.drawn)
		shell_say(sh, "\n");
	if (rc == 0)
		return say_outcome(sh, &sh->model->volumes[volume], &r);
	if (rc == -ECANCELED && sh->interactive && sh->signal == SIGINT)
		sh->signal = 0; /* Ctrl-C ended the comparison, not the shell */
	return shell_refuse(sh, NULL, &err);
}
