/* SPDX-License-Identifier: GPL-3.0-or-later */
/* change.c - mirrors and whole disks. Every change is a plan; shell_carry_out() shows it or has it applied. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "ui/shell/commands.h"
#include "ui/shell/internal.h"
#include "ui/shell/shell.h"
#include "ui/words.h"

/* ------------------------------------------------------------------- plans */

static const char *undo_words(const struct dyn_plan *plan)
{
	switch (dyn_plan_undo_kind(plan)) {
	case DYN_UNDO_NONE:
		return "It cannot be undone.";
	case DYN_UNDO_BYTES:
		return "It can be undone, byte for byte.";
	case DYN_UNDO_DATABASE:
		return "It can be undone: the records of the group's database by a new transaction, all else byte for byte.";
	default:
		return "It can be undone but for what the copy goes over; the records of the group's database by a new transaction.";
	}
}

static void show_plan(struct shell *sh, const struct dyn_plan *plan)
{
	const char *confirm = dyn_plan_confirm(plan);
	size_t n = dyn_plan_n_steps(plan);
	int width = 0;

	shell_say(sh, "\n%s\n", dyn_plan_title(plan));
	for (size_t i = 0; i < dyn_plan_n_notes(plan); i++)
		shell_say(sh, "%s  %s\n", i ? "" : "\n", dyn_plan_note(plan, i));
	for (size_t i = 0; i < n; i++) {
		int w = (int)strlen(dyn_plan_step(plan, i)->words);

		width = w > width ? w : width;
	}
	shell_say(sh, "\n");
	for (size_t i = 0; i < n; i++) {
		const struct dyn_step *s = dyn_plan_step(plan, i);

		shell_say(sh, "  %zu. %-*s  %s\n", i + 1, width, s->words, s->effect);
	}
	if (confirm)
		shell_say(sh, "\nIt destroys data; typed by hand it would ask for \"%s\" first.\n", confirm);
	shell_say(sh, "\n%s\n\nNothing was written.\n", undo_words(plan));
}

/* A person types the end of the serial of the disk whose data goes; a script said so by naming the disk. */
static bool is_confirmed(struct shell *sh, const struct dyn_plan *plan)
{
	const char *expected = dyn_plan_confirm(plan);
	size_t disk = dyn_plan_confirm_disk(plan);
	const struct dyn_model *m = dyn_plan_model(plan);
	char title[256] = "", prompt[128], typed[256];

	if (!expected || !sh->interactive)
		return true;
	for (size_t i = 0; i < dyn_plan_n_notes(plan); i++)
		shell_say(sh, "%s%s\n", i ? "" : "\n", dyn_plan_note(plan, i));
	if (disk < m->n_disks)
		words_disk_title(&m->disks[disk], title, sizeof(title));
	shell_say(sh, "\nThis destroys data on: %s\n", title);
	snprintf(prompt, sizeof(prompt), "Type %s to go on: ", expected);
	if (shell_ask(sh, prompt, false, typed, sizeof(typed)) == INPUT_LINE && !strcmp(typed, expected))
		return true;
	shell_say(sh, "\nThat was something else. Nothing was written.\n");
	return false;
}

/* The last line of progress: only a command that has one shows it where nothing can be drawn in place. */
static void end_percent(struct shell *sh, bool done)
{
	if (sh->drawn)
		shell_say(sh, done ? "\r  100 percent completed\n" : "\n");
	else if (done && sh->percent)
		shell_say(sh, "\n  100 percent completed\n");
	sh->drawn = false;
}

int shell_progress(void *arg, const struct dyn_step *step, uint64_t done, uint64_t total)
{
	struct shell *sh = ((struct shell_hook *)arg)->sh;
	uint64_t images = 0, before = 0, percent = total ? done * 100 / total : 100;

	if (!sh || !sh->applying)
		return 0;
	for (size_t i = 0; i < dyn_plan_n_steps(sh->applying); i++) {
		const struct dyn_step *s = dyn_plan_step(sh->applying, i);

		before = s == step ? images : before;
		images += s->kind == DYN_STEP_IMAGE;
	}
	if (sh->out_tty) {
		shell_say(sh, "%s  %3" PRIu64 " percent completed", sh->drawn ? "\r" : "\n",
			  (before * 100 + percent) / (images ? images : 1));
		fflush(sh->out);
		sh->drawn = true;
	}
	return shell_nap(sh, 0) ? -ECANCELED : 0;
}

enum shell_result shell_carry_out(struct shell *sh, struct dyn_plan *plan, const char *success)
{
	struct dyn_err err = { 0 };
	enum shell_result r;
	int rc;

	if (sh->preview) {
		show_plan(sh, plan);
		dyn_plan_free(plan);
		return SHELL_OK;
	}
	if (!is_confirmed(sh, plan)) {
		dyn_plan_free(plan);
		return SHELL_FAILED;
	}
	fflush(sh->out);
	sh->applying = plan;
	rc = dyn_apply(sh->session, plan, dyn_plan_confirm(plan), &err);
	sh->applying = NULL;
	dyn_plan_free(plan);
	end_percent(sh, rc == 0);
	if (rc == -ECANCELED && sh->interactive && sh->signal == SIGINT)
		sh->signal = 0; /* Ctrl-C ended this command, not the shell */
	if (rc < 0)
		shell_refuse(sh, NULL, &err);
	r = shell_rescan(sh); /* after a failure even more so */
	if (rc < 0)
		return SHELL_FAILED;
	if (r == SHELL_OK)
		shell_say(sh, "\n%s\n", success);
	return r;
}

/* DiskPart's own words for a refusal, where it has some. */
static const char *vds_text(int rc)
{
	switch (rc) {
	case -ENOSPC:
		return "There is not enough usable space for this operation.";
	case -EUCLEAN:
		return "There is currently a transaction in process.";
	default:
		return NULL;
	}
}

enum shell_result shell_finish(struct shell *sh, int rc, struct dyn_plan *plan, const struct dyn_err *err,
			       const char *success)
{
	return rc < 0 ? shell_refuse(sh, vds_text(rc), err) : shell_carry_out(sh, plan, success);
}

/* ----------------------------------------------------------------- objects */

bool shell_need_disk(struct shell *sh, size_t *disk)
{
	*disk = shell_focused_disk(&sh->sel.disk, sh->model);
	if (*disk == DYN_NONE)
		shell_say(sh, "\nThere is no disk selected.\nPlease select a disk and try again.\n");
	return *disk != DYN_NONE;
}

bool shell_need_partition(struct shell *sh, size_t *disk, size_t *part)
{
	*part = shell_focused_partition(&sh->sel, sh->model, disk);
	if (*part == DYN_NONE)
		shell_say(sh, "\nThere is no partition selected.\nPlease select a partition and try again.\n");
	return *part != DYN_NONE;
}

bool shell_need_volume(struct shell *sh, size_t *volume)
{
	*volume = shell_focused_volume(&sh->sel.volume, sh->model);
	if (*volume == DYN_NONE)
		shell_say(sh, "\nThere is no volume selected.\nPlease select a volume and try again.\n");
	return *volume != DYN_NONE;
}

/* The selected volume and the disk that DISK= names. */
static enum shell_result need_volume_and_disk(struct shell *sh, const struct shell_call *call, size_t *volume, size_t *disk)
{
	enum shell_result r = shell_need_online_volume(sh, volume);

	if (r != SHELL_OK)
		return r;
	*disk = shell_find_disk(sh->model, shell_arg(call, "DISK")->text);
	if (*disk != DYN_NONE)
		return SHELL_OK;
	shell_say_invalid(sh, "The disk you specified is not valid.");
	return SHELL_SYNTAX;
}

/* --------------------------------------------------------------- mirrors */

enum shell_result cmd_add(struct shell *sh, const struct shell_call *call)
{
	struct dyn_plan *plan = NULL;
	struct dyn_err err = { 0 };
	enum shell_result r;
	size_t volume, disk;
	int rc;

	if (shell_flag(call, "ALIGN")) {
		shell_say(sh, "\nALIGN is not available here: a new half is aligned as Windows aligns it.\n");
		return SHELL_FAILED;
	}
	r = need_volume_and_disk(sh, call, &volume, &disk);
	if (r != SHELL_OK)
		return r;
	rc = dyn_plan_add_mirror(sh->session, sh->model, volume, disk, DYN_TABLE_NONE, &plan, &err);
	return shell_finish(sh, rc, plan, &err, "DiskPart succeeded in adding a mirror to the volume.");
}

enum shell_result cmd_break(struct shell *sh, const struct shell_call *call)
{
	struct dyn_plan *plan = NULL;
	struct dyn_err err = { 0 };
	enum shell_result r;
	size_t volume, disk;
	int rc;

	r = need_volume_and_disk(sh, call, &volume, &disk);
	if (r != SHELL_OK)
		return r;
	rc = dyn_plan_break(sh->session, sh->model, volume, disk, !shell_flag(call, "NOKEEP"), &plan, &err);
	r = shell_finish(sh, rc, plan, &err, "DiskPart successfully broke the mirror volume.");
	if (r == SHELL_OK && !sh->preview) /* the mirror that was selected is no more; the guides' tables show no mark */
		shell_select_volume(&sh->sel, sh->model, DYN_NONE);
	return r;
}

/* ------------------------------------------------------------ whole disks */

/* A plan for the selected disk, whose partitions and volumes are others afterwards: only the disk stays selected. */
static enum shell_result finish_disk(struct shell *sh, int rc, struct dyn_plan *plan, const struct dyn_err *err,
				     const char *success)
{
	enum shell_result r = shell_finish(sh, rc, plan, err, success);

	if (r == SHELL_OK && !sh->preview)
		shell_select_disk(&sh->sel, sh->model, shell_focused_disk(&sh->sel.disk, sh->model));
	return r;
}

static enum shell_result convert_table(struct shell *sh, enum dyn_table table, const char *success)
{
	struct dyn_plan *plan = NULL;
	struct dyn_err err = { 0 };
	size_t disk;
	int rc;

	if (!shell_need_disk(sh, &disk))
		return SHELL_SYNTAX;
	rc = dyn_plan_initialize(sh->session, sh->model, disk, table, &plan, &err);
	return finish_disk(sh, rc, plan, &err, success);
}

enum shell_result cmd_convert_mbr(struct shell *sh, const struct shell_call *call)
{
	(void)call;
	return convert_table(sh, DYN_TABLE_MBR, "DiskPart successfully converted the selected disk to MBR format.");
}

enum shell_result cmd_convert_gpt(struct shell *sh, const struct shell_call *call)
{
	(void)call;
	return convert_table(sh, DYN_TABLE_GPT, "DiskPart successfully converted the selected disk to GPT format.");
}

enum shell_result cmd_convert_dynamic(struct shell *sh, const struct shell_call *call)
{
	struct dyn_plan *plan = NULL;
	struct dyn_err err = { 0 };
	size_t disk;
	int rc;

	(void)call;
	if (!shell_need_disk(sh, &disk))
		return SHELL_SYNTAX;
	rc = dyn_plan_upgrade(sh->session, sh->model, disk, DYN_TABLE_NONE, DYN_NONE, &plan, &err);
	return finish_disk(sh, rc, plan, &err, "DiskPart successfully converted the selected disk to dynamic format.");
}

enum shell_result cmd_convert_basic(struct shell *sh, const struct shell_call *call)
{
	struct dyn_plan *plan = NULL;
	struct dyn_err err = { 0 };
	size_t disk;
	int rc;

	(void)call;
	if (!shell_need_disk(sh, &disk))
		return SHELL_SYNTAX;
	rc = dyn_plan_to_basic(sh->session, sh->model, disk, &plan, &err);
	return finish_disk(sh, rc, plan, &err, "DiskPart successfully converted the selected disk to basic format.");
}

enum shell_result cmd_clean(struct shell *sh, const struct shell_call *call)
{
	struct dyn_plan *plan = NULL;
	struct dyn_err err = { 0 };
	size_t disk;
	int rc;

	if (!shell_need_disk(sh, &disk))
		return SHELL_SYNTAX;
	rc = dyn_plan_clean(sh->session, sh->model, disk, shell_flag(call, "ALL"), &plan, &err);
	return finish_disk(sh, rc, plan, &err, "DiskPart succeeded in cleaning the disk.");
}

enum shell_result cmd_uniqueid(struct shell *sh, const struct shell_call *call)
{
	const struct shell_value *id = shell_arg(call, "ID");
	struct dyn_plan *plan = NULL;
	struct dyn_err err = { 0 };
	const struct dyn_disk *d;
	char success[128];
	size_t disk;
	int rc;

	if (!shell_need_disk(sh, &disk))
		return SHELL_SYNTAX;
	d = &sh->model->disks[disk];
	shell_disk_id(id->given ? id->text : d->table_id, success, sizeof(success));
	if (!id->given) {
		shell_say(sh, "\n%s\n", success);
		return SHELL_OK;
	}
	rc = dyn_plan_unique_id(sh->session, sh->model, disk, id->text, &plan, &err);
	return shell_finish(sh, rc, plan, &err, success);
}

/* ----------------------------------------------------------- missing disks */

enum shell_result cmd_delete_disk(struct shell *sh, const struct shell_call *call)
{
	struct dyn_plan *plan = NULL;
	struct dyn_err err = { 0 };
	size_t disk;
	int rc;

	if (!shell_need_disk(sh, &disk))
		return SHELL_SYNTAX;
	if (shell_flag(call, "OVERRIDE"))
		rc = dyn_plan_forget_missing(sh->session, sh->model, disk, &plan, &err);
	else
		rc = dyn_plan_delete_missing(sh->session, sh->model, disk, &plan, &err);
	return shell_finish(sh, rc, plan, &err, "DiskPart successfully deleted the missing disk.");
}

/* ------------------------------------------------------- disks that return */

bool shell_is_stale(const struct dyn_model *m, size_t disk)
{
	const struct dyn_disk *d = &m->disks[disk];

	for (size_t i = 0; i < m->n_volumes; i++)
		for (size_t p = 0; p < m->volumes[i].n_plexes; p++) {
			const struct dyn_plex *x = &m->volumes[i].plexes[p];

			for (size_t e = 0; x->status == DYN_PLEX_STALE && e < x->n_extents; e++)
				if (x->extents[e].disk == disk)
					return true;
		}
	return d->dynamic && d->status == DYN_DISK_ERRORS;
}

enum shell_result shell_bring_up_to_date(struct shell *sh, size_t disk, bool insist, const char *success)
{
	struct dyn_plan *plan = NULL;
	struct dyn_err err = { 0 };
	size_t group = sh->model->disks[disk].group;
	int rc;

	if (group < sh->model->n_groups && sh->model->groups[group].interrupted) {
		rc = insist ? dyn_plan_recover_anyway(sh->session, sh->model, group, &plan, &err) :
			      dyn_plan_recover(sh->session, sh->model, group, &plan, &err);
	} else {
		rc = dyn_plan_reactivate(sh->session, sh->model, disk, &plan, &err);
		if (rc == -EALREADY) /* it is up to date: then what is wrong with it is a damaged copy */
			rc = dyn_plan_mend(sh->session, sh->model, disk, &plan, &err);
	}
	return shell_finish(sh, rc, plan, &err, success);
}

enum shell_result cmd_mend(struct shell *sh, const struct shell_call *call)
{
	struct dyn_plan *plan = NULL;
	struct dyn_err err = { 0 };
	size_t disk;
	int rc;

	(void)call;
	if (!shell_need_disk(sh, &disk))
		return SHELL_SYNTAX;
	rc = dyn_plan_mend(sh->session, sh->model, disk, &plan, &err);
	return shell_finish(sh, rc, plan, &err, "The damaged copies of the disk's metadata were written anew.");
}

enum shell_result cmd_recover(struct shell *sh, const struct shell_call *call)
{
	size_t disk, group;

	if (!shell_need_disk(sh, &disk))
		return SHELL_SYNTAX;
	group = sh->model->disks[disk].group;
	if (!shell_is_stale(sh->model, disk) && !(group < sh->model->n_groups && sh->model->groups[group].interrupted)) {
		shell_say(sh, "\nNo change to the group of %s was cut off. There is nothing to recover.\n",
			  sh->model->disks[disk].name);
		return SHELL_OK;
	}
	return shell_bring_up_to_date(sh, disk, shell_flag(call, "OVERRIDE"), "The disk group is in order again.");
}

enum shell_result shell_say_no(struct shell *sh, const char *what, const char *way_out)
{
	struct dyn_err err = { .code = -EINVAL };

	snprintf(err.what, sizeof(err.what), "%s", what);
	snprintf(err.way_out, sizeof(err.way_out), "%s", way_out);
	return shell_refuse(sh, NULL, &err);
}

/* The one group besides that of the disk, or DYN_NONE. */
static size_t other_group(const struct dyn_model *m, size_t group)
{
	return m->n_groups == 2 && group < 2 ? 1 - group : DYN_NONE;
}

enum shell_result cmd_import(struct shell *sh, const struct shell_call *call)
{
	struct dyn_plan *plan = NULL;
	struct dyn_err err = { 0 };
	size_t disk, group, into;
	char what[160];
	int rc;

	(void)call;
	if (!shell_need_disk(sh, &disk))
		return SHELL_SYNTAX;
	group = sh->model->disks[disk].group;
	snprintf(what, sizeof(what), group < sh->model->n_groups ? "There is no other disk group that %s could be imported into." :
								   "%s belongs to no disk group.", sh->model->disks[disk].name);
	if (group >= sh->model->n_groups)
		return shell_say_no(sh, what, "Select a disk of the foreign group; a disk that cannot be read belongs to none.");
	if (sh->model->n_groups < 2)
		return shell_say_no(sh, what, "Connect the disks of the other one, or name them on the command line.");
	into = other_group(sh->model, group);
	if (into == DYN_NONE)
		return shell_say_no(sh, "There are more than two disk groups.", "Name the disks of two of them on the command line.");
	rc = dyn_plan_import(sh->session, sh->model, group, into, &plan, &err);
	return shell_finish(sh, rc, plan, &err, "DiskPart successfully imported the foreign disk group.");
}
