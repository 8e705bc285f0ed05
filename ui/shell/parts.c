/* SPDX-License-Identifier: GPL-3.0-or-later */
/* parts.c - partitions and volumes: created, deleted, formatted, marked. What is new is selected afterwards. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ui/shell/commands.h"
#include "ui/shell/internal.h"

#define KIB (1ull << 10)
#define MIB (1ull << 20)

/* ------------------------------------------------------- what is new, then */

/* Where the partitions of a disk begin, to tell the new one afterwards. */
struct places {
	size_t n;
	uint64_t *at;
};

static bool note_places(const struct dyn_disk *d, struct places *p)
{
	p->n = d->n_partitions;
	p->at = calloc(p->n + 1, sizeof(*p->at));
	for (size_t i = 0; p->at && i < p->n; i++)
		p->at[i] = d->partitions[i].offset;
	return p->at != NULL;
}

static bool had(const struct places *p, uint64_t offset)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->at[i] == offset)
			return true;
	return false;
}

static void select_new_partition(struct shell *sh, const struct places *before)
{
	size_t disk = shell_focused_disk(&sh->sel.disk, sh->model);

	for (size_t i = 0; disk != DYN_NONE && i < sh->model->disks[disk].n_partitions; i++)
		if (!had(before, sh->model->disks[disk].partitions[i].offset)) {
			shell_select_partition(&sh->sel, sh->model, disk, i);
			return;
		}
}

/* The volume whose GUID the model before did not have. */
static void select_new_volume(struct shell *sh, const struct dyn_model *before)
{
	for (size_t i = 0; i < sh->model->n_volumes; i++) {
		bool old = false;

		for (size_t k = 0; k < before->n_volumes && !old; k++)
			old = !strcmp(before->volumes[k].guid, sh->model->volumes[i].guid);
		if (!old) {
			shell_select_volume(&sh->sel, sh->model, i);
			return;
		}
	}
}

static enum shell_result no_memory(struct shell *sh)
{
	struct dyn_err err = { .what = "out of memory" };

	return shell_refuse(sh, NULL, &err);
}

/* -------------------------------------------------------------- partitions */

static enum shell_result create_partition(struct shell *sh, const struct shell_call *call, enum dyn_part_kind kind)
{
	struct dyn_part_spec spec = { .kind = kind };
	const struct shell_value *id = shell_arg(call, "ID");
	struct dyn_plan *plan = NULL;
	struct dyn_err err = { 0 };
	struct places before;
	enum shell_result r;
	size_t disk;
	int rc;

	if (!shell_need_disk(sh, &disk))
		return SHELL_SYNTAX;
	spec.size = shell_arg(call, "SIZE")->large * MIB;
	spec.offset = shell_arg(call, "OFFSET")->large * KIB;
	spec.align = shell_arg(call, "ALIGN")->large * KIB;
	spec.id = id->given ? id->text : NULL;
	if ((shell_flag(call, "SIZE") && !spec.size) || (shell_flag(call, "ALIGN") && !spec.align)) {
		shell_say(sh, "\nThe arguments specified for this command are not valid.\n"
			      "For more information on the command type: HELP CREATE\n");
		return SHELL_SYNTAX;
	}
	if (!note_places(&sh->model->disks[disk], &before))
		return no_memory(sh);
	rc = dyn_plan_create_partition(sh->session, sh->model, disk, &spec, &plan, &err);
	r = shell_finish(sh, rc, plan, &err, "DiskPart succeeded in creating the specified partition.");
	if (r == SHELL_OK && !sh->preview)
		select_new_partition(sh, &before);
	free(before.at);
	return r;
}

enum shell_result cmd_create_partition_efi(struct shell *sh, const struct shell_call *call)
{
	return create_partition(sh, call, DYN_PART_EFI);
}

enum shell_result cmd_create_partition_msr(struct shell *sh, const struct shell_call *call)
{
	return create_partition(sh, call, DYN_PART_MSR);
}

enum shell_result cmd_create_partition_primary(struct shell *sh, const struct shell_call *call)
{
	return create_partition(sh, call, DYN_PART_PRIMARY);
}

enum shell_result cmd_create_partition_extended(struct shell *sh, const struct shell_call *call)
{
	return create_partition(sh, call, DYN_PART_EXTENDED);
}

enum shell_result cmd_create_partition_logical(struct shell *sh, const struct shell_call *call)
{
	return create_partition(sh, call, DYN_PART_LOGICAL);
}

/* The thing selected is gone: only the disk it was on stays selected, and its letter goes with it. */
static void forget_selected(struct shell *sh, size_t letter)
{
	shell_drop_letter(&sh->letters, letter);
	shell_select_disk(&sh->sel, sh->model, shell_focused_disk(&sh->sel.disk, sh->model));
}

enum shell_result cmd_delete_partition(struct shell *sh, const struct shell_call *call)
{
	struct dyn_plan *plan = NULL;
	struct dyn_err err = { 0 };
	enum shell_result r;
	size_t disk, part, volume, letter;
	int rc;

	if (!shell_need_partition(sh, &disk, &part))
		return SHELL_SYNTAX;
	volume = sh->model->disks[disk].partitions[part].volume;
	if (volume < sh->model->n_volumes && shell_is_set_offline(sh, volume))
		return shell_need_online_volume(sh, &volume);
	letter = volume < sh->model->n_volumes ? shell_letter_entry(&sh->letters, sh->model, volume) : DYN_NONE;
	rc = dyn_plan_delete_partition(sh->session, sh->model, disk, part, shell_flag(call, "OVERRIDE"), &plan, &err);
	r = shell_finish(sh, rc, plan, &err, "DiskPart successfully deleted the selected partition.");
	if (r == SHELL_OK && !sh->preview)
		forget_selected(sh, letter);
	return r;
}

enum shell_result cmd_set(struct shell *sh, const struct shell_call *call)
{
	struct dyn_plan *plan = NULL;
	struct dyn_err err = { 0 };
	size_t disk, part;
	int rc;

	if (!shell_need_partition(sh, &disk, &part))
		return SHELL_SYNTAX;
	rc = dyn_plan_set_id(sh->session, sh->model, disk, part, shell_arg(call, "ID")->text, shell_flag(call, "OVERRIDE"),
			     &plan, &err);
	return shell_finish(sh, rc, plan, &err, "DiskPart successfully set the partition ID.");
}

enum shell_result cmd_gpt(struct shell *sh, const struct shell_call *call)
{
	struct dyn_plan *plan = NULL;
	struct dyn_err err = { 0 };
	size_t disk, part;
	int rc;

	if (!shell_need_partition(sh, &disk, &part))
		return SHELL_SYNTAX;
	rc = dyn_plan_gpt_attributes(sh->session, sh->model, disk, part, shell_arg(call, "ATTRIBUTES")->large, &plan, &err);
	return shell_finish(sh, rc, plan, &err,
			    "DiskPart successfully assigned the attributes to the selected GPT partition.");
}

static enum shell_result mark_active(struct shell *sh, bool active, const char *success)
{
	struct dyn_plan *plan = NULL;
	struct dyn_err err = { 0 };
	size_t disk, part;
	int rc;

	if (!shell_need_partition(sh, &disk, &part))
		return SHELL_SYNTAX;
	rc = dyn_plan_set_active(sh->session, sh->model, disk, part, active, &plan, &err);
	return shell_finish(sh, rc, plan, &err, success);
}

enum shell_result cmd_active(struct shell *sh, const struct shell_call *call)
{
	(void)call;
	return mark_active(sh, true, "DiskPart marked the current partition as active.");
}

enum shell_result cmd_inactive(struct shell *sh, const struct shell_call *call)
{
	(void)call;
	return mark_active(sh, false, "DiskPart marked the current partition as inactive.");
}

/* ----------------------------------------------------------------- volumes */

static enum shell_result no_align(struct shell *sh)
{
	shell_say(sh, "\nALIGN is not available here: a new volume is aligned as Windows aligns it.\n");
	return SHELL_FAILED;
}

static enum shell_result bad_disk(struct shell *sh)
{
	shell_say_invalid(sh, "The disk you specified is not valid.");
	return SHELL_SYNTAX;
}

/* SIZE=0 is not the largest possible, but a slip. */
static bool is_size_zero(struct shell *sh, const struct shell_call *call)
{
	if (!shell_flag(call, "SIZE") || shell_arg(call, "SIZE")->large)
		return false;
	shell_say(sh, "\nThe arguments specified for this command are not valid.\n"
		      "For more information on the command type: HELP CREATE\n");
	return true;
}

static enum shell_result finish_new_volume(struct shell *sh, int rc, struct dyn_plan *plan, const struct dyn_err *err)
{
	struct dyn_model *before = dyn_model_ref(sh->model);
	enum shell_result r = shell_finish(sh, rc, plan, err, "DiskPart successfully created the volume.");

	if (r == SHELL_OK && !sh->preview)
		select_new_volume(sh, before);
	dyn_model_unref(before);
	return r;
}

enum shell_result cmd_create_volume_simple(struct shell *sh, const struct shell_call *call)
{
	const struct shell_value *on = shell_arg(call, "DISK");
	struct dyn_plan *plan = NULL;
	struct dyn_err err = { 0 };
	size_t disk;
	int rc;

	if (is_size_zero(sh, call))
		return SHELL_SYNTAX;
	if (shell_flag(call, "ALIGN"))
		return no_align(sh);
	if (!on->given && !shell_need_disk(sh, &disk))
		return SHELL_SYNTAX;
	if (on->given)
		disk = shell_find_disk(sh->model, on->text);
	if (disk == DYN_NONE)
		return bad_disk(sh);
	rc = dyn_plan_create_simple(sh->session, sh->model, disk, shell_arg(call, "SIZE")->large * MIB, 0, &plan, &err);
	return finish_new_volume(sh, rc, plan, &err);
}

/* The disks of "0,1[,...]": how many, DYN_NONE among them when there is no such disk. */
static size_t parse_disks(const struct dyn_model *m, const char *text, size_t disks[2])
{
	size_t n = 0;

	while (*text) {
		size_t len = strcspn(text, ",");
		char word[24];

		snprintf(word, sizeof(word), "%.*s", (int)len, text);
		if (n < 2)
			disks[n] = len < sizeof(word) ? shell_find_disk(m, word) : DYN_NONE;
		n++;
		text += len;
		text += *text == ',';
	}
	return n;
}

enum shell_result cmd_create_volume_mirror(struct shell *sh, const struct shell_call *call)
{
	struct dyn_plan *plan = NULL;
	struct dyn_err err = { 0 };
	size_t disks[2] = { DYN_NONE, DYN_NONE }, n;
	int rc;

	if (is_size_zero(sh, call))
		return SHELL_SYNTAX;
	if (shell_flag(call, "ALIGN"))
		return no_align(sh);
	n = parse_disks(sh->model, shell_arg(call, "DISK")->text, disks);
	if (n != 2) {
		shell_say(sh, "\nA mirrored volume has two halves: name two disks.\n");
		return SHELL_FAILED;
	}
	if (disks[0] == DYN_NONE || disks[1] == DYN_NONE)
		return bad_disk(sh);
	rc = dyn_plan_create_mirror(sh->session, sh->model, disks, shell_arg(call, "SIZE")->large * MIB, 0, &plan, &err);
	return finish_new_volume(sh, rc, plan, &err);
}

enum shell_result cmd_delete_volume(struct shell *sh, const struct shell_call *call)
{
	struct dyn_plan *plan = NULL;
	struct dyn_err err = { 0 };
	enum shell_result r;
	size_t volume, letter;
	int rc;

	(void)call;
	r = shell_need_online_volume(sh, &volume);
	if (r != SHELL_OK)
		return r;
	letter = shell_letter_entry(&sh->letters, sh->model, volume);
	rc = dyn_plan_delete_volume(sh->session, sh->model, volume, &plan, &err);
	r = shell_finish(sh, rc, plan, &err, "DiskPart successfully deleted the volume.");
	if (r == SHELL_OK && !sh->preview)
		forget_selected(sh, letter);
	return r;
}

enum shell_result cmd_retain(struct shell *sh, const struct shell_call *call)
{
	struct dyn_plan *plan = NULL;
	struct dyn_err err = { 0 };
	enum shell_result r;
	size_t volume;
	int rc;

	(void)call;
	r = shell_need_online_volume(sh, &volume);
	if (r != SHELL_OK)
		return r;
	rc = dyn_plan_retain(sh->session, sh->model, volume, &plan, &err);
	return shell_finish(sh, rc, plan, &err, "DiskPart successfully retained the selected volume.");
}

/* ------------------------------------------------------------------ format */

/* "4096", "64K": a cluster size in bytes; false when it is none. */
static bool parse_unit(const char *text, uint32_t *unit)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (end == text || *text < '0' || *text > '9' || n > 1u << 26)
		return false;
	if (!strcasecmp(end, "K"))
		n *= 1024;
	else if (!strcasecmp(end, "M"))
		n *= 1024 * 1024;
	else if (*end)
		return false;
	*unit = (uint32_t)n;
	return n > 0 && n <= 1u << 26;
}

/* A file system or an option that DiskPart has and FORMAT here has not, or NULL. */
static const char *not_offered(const struct shell_call *call, const char *fs)
{
	if (fs && (!strcasecmp(fs, "UDF") || !strcasecmp(fs, "ReFS")))
		return "Only NTFS, FAT, FAT32 and exFAT are made here.";
	if (shell_flag(call, "REVISION"))
		return "REVISION is for UDF, which is not made here.";
	if (shell_flag(call, "COMPRESS"))
		return "COMPRESS is not available here: Windows can compress the volume later.";
	if (shell_flag(call, "DUPLICATE"))
		return "DUPLICATE is for UDF, which is not made here.";
	return NULL;
}

enum shell_result cmd_format(struct shell *sh, const struct shell_call *call)
{
	const struct shell_value *fs = shell_arg(call, "FS"), *label = shell_arg(call, "LABEL"), *unit = shell_arg(call, "UNIT");
	struct dyn_format_spec spec = { .fs = fs->given ? fs->text : NULL, .label = label->given ? label->text : NULL,
					.quick = shell_flag(call, "QUICK") };
	struct dyn_plan *plan = NULL;
	struct dyn_err err = { 0 };
	const char *no = not_offered(call, spec.fs);
	enum shell_result r;
	size_t volume;
	int rc;

	if (unit->given && !parse_unit(unit->text, &spec.unit)) {
		shell_say(sh, "\nThe arguments specified for this command are not valid.\n"
			      "For more information on the command type: HELP FORMAT\n");
		return SHELL_SYNTAX;
	}
	r = shell_need_online_volume(sh, &volume);
	if (r != SHELL_OK)
		return r;
	if (no) {
		shell_say(sh, "\n%s\n", no);
		return SHELL_FAILED;
	}
	r = sh->preview ? SHELL_OK : shell_await_rebuild(sh, &volume);
	if (r != SHELL_OK)
		return r;
	rc = dyn_plan_format(sh->session, sh->model, volume, &spec, &plan, &err);
	sh->percent = true;
	return shell_finish(sh, rc, plan, &err, "DiskPart successfully formatted the volume.");
}
