/* SPDX-License-Identifier: GPL-3.0-or-later */
/* change.c - commands that change disks. Each makes a plan; shell_carry_out() shows it or has it applied. */
#include <errno.h>
#include <string.h>

#include "ui/shell/commands.h"
#include "ui/shell/internal.h"
#include "ui/words.h"

/* ------------------------------------------------------------------- plans */

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
	shell_say(sh, "\nNothing was written.\n");
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
	if (disk < m->n_disks)
		words_disk_title(&m->disks[disk], title, sizeof(title));
	shell_say(sh, "\nThis destroys data on: %s\n", title);
	snprintf(prompt, sizeof(prompt), "Type %s to go on: ", expected);
	if (shell_ask(sh, prompt, false, typed, sizeof(typed)) == INPUT_LINE && !strcmp(typed, expected))
		return true;
	shell_say(sh, "\nThat was something else. Nothing was written.\n");
	return false;
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
	rc = dyn_apply(sh->session, plan, dyn_plan_confirm(plan), &err);
	dyn_plan_free(plan);
	if (rc < 0)
		shell_refuse(sh, NULL, &err);
	else
		shell_limit_new(sh);
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

/* What every plan maker's result goes through. */
static enum shell_result finish(struct shell *sh, int rc, struct dyn_plan *plan, const struct dyn_err *err,
				const char *success)
{
	return rc < 0 ? shell_refuse(sh, vds_text(rc), err) : shell_carry_out(sh, plan, success);
}

/* ----------------------------------------------------------------- objects */

/* The selected disk in *disk, or the sentence that there is none. */
static bool need_disk(struct shell *sh, size_t *disk)
{
	*disk = shell_focused_disk(&sh->disk, sh->model);
	if (*disk == DYN_NONE)
		shell_say(sh, "\nThere is no disk selected.\nPlease select a disk and try again.\n");
	return *disk != DYN_NONE;
}

/* The selected volume and the disk that DISK= names. */
static bool need_volume_and_disk(struct shell *sh, const struct shell_call *call, size_t *volume, size_t *disk)
{
	*volume = shell_focused_volume(&sh->volume, sh->model);
	*disk = shell_find_disk(sh->model, shell_arg(call, "DISK")->text);
	if (*volume == DYN_NONE)
		shell_say(sh, "\nThere is no volume selected.\nPlease select a volume and try again.\n");
	else if (*disk == DYN_NONE)
		shell_say(sh, "\nThe disk you specified is not valid.\n");
	return *volume != DYN_NONE && *disk != DYN_NONE;
}

/* ---------------------------------------------------------------- commands */

enum shell_result cmd_add(struct shell *sh, const struct shell_call *call)
{
	struct dyn_plan *plan = NULL;
	struct dyn_err err = { 0 };
	size_t volume, disk;
	int rc;

	if (shell_flag(call, "ALIGN")) {
		shell_say(sh, "\nALIGN is not available in this version: new halves are aligned as Windows aligns them.\n");
		return SHELL_FAILED;
	}
	if (!need_volume_and_disk(sh, call, &volume, &disk))
		return SHELL_SYNTAX;
	rc = dyn_plan_add_mirror(sh->session, sh->model, volume, disk, DYN_TABLE_NONE, &plan, &err);
	return finish(sh, rc, plan, &err, "DiskPart succeeded in adding a mirror to the volume.");
}

enum shell_result cmd_break(struct shell *sh, const struct shell_call *call)
{
	struct dyn_plan *plan = NULL;
	struct dyn_err err = { 0 };
	size_t volume, disk;
	int rc;

	if (!need_volume_and_disk(sh, call, &volume, &disk))
		return SHELL_SYNTAX;
	rc = dyn_plan_break(sh->session, sh->model, volume, disk, !shell_flag(call, "NOKEEP"), &plan, &err);
	return finish(sh, rc, plan, &err, "DiskPart successfully broke the mirror volume.");
}

static enum shell_result convert_table(struct shell *sh, enum dyn_table table, const char *success)
{
	struct dyn_plan *plan = NULL;
	struct dyn_err err = { 0 };
	size_t disk;
	int rc;

	if (!need_disk(sh, &disk))
		return SHELL_SYNTAX;
	rc = dyn_plan_initialize(sh->session, sh->model, disk, table, &plan, &err);
	return finish(sh, rc, plan, &err, success);
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
	if (!need_disk(sh, &disk))
		return SHELL_SYNTAX;
	rc = dyn_plan_upgrade(sh->session, sh->model, disk, DYN_TABLE_NONE, DYN_NONE, &plan, &err);
	return finish(sh, rc, plan, &err, "DiskPart successfully converted the selected disk to dynamic format.");
}

enum shell_result cmd_delete_disk(struct shell *sh, const struct shell_call *call)
{
	struct dyn_plan *plan = NULL;
	struct dyn_err err = { 0 };
	enum shell_result r;
	size_t disk;
	int rc;

	if (!need_disk(sh, &disk))
		return SHELL_SYNTAX;
	rc = dyn_plan_delete_missing(sh->session, sh->model, disk, &plan, &err);
	r = finish(sh, rc, plan, &err, "DiskPart successfully deleted the missing disk.");
	if (rc < 0 && shell_flag(call, "OVERRIDE"))
		shell_say(sh, "OVERRIDE, which deletes the volumes along with the disk, is not available in this version.\n");
	return r;
}

enum shell_result cmd_recover(struct shell *sh, const struct shell_call *call)
{
	struct dyn_plan *plan = NULL;
	struct dyn_err err = { 0 };
	size_t disk, group;
	int rc;

	(void)call;
	if (!need_disk(sh, &disk))
		return SHELL_SYNTAX;
	group = sh->model->disks[disk].group;
	if (group >= sh->model->n_groups || !sh->model->groups[group].interrupted) {
		shell_say(sh, "\nNo change to the group of %s was cut off. There is nothing to recover.\n",
			  sh->model->disks[disk].name);
		return SHELL_OK;
	}
	rc = dyn_plan_recover(sh->session, sh->model, group, &plan, &err);
	return finish(sh, rc, plan, &err, "The disk group is in order again.");
}
