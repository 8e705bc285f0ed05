/* SPDX-License-Identifier: GPL-3.0-or-later */
/* show.c - LIST, SELECT and RESCAN. */
#include <string.h>
#include <strings.h>

#include "ui/shell/commands.h"
#include "ui/shell/internal.h"
#include "ui/words.h"

/* ------------------------------------------------------------------- list */

enum shell_result cmd_list_disk(struct shell *sh, const struct shell_call *call)
{
	size_t focus = shell_focused_disk(&sh->sel.disk, sh->model);

	(void)call;
	if (sh->model->n_disks == 0) {
		shell_say(sh, "\nThere are no disks to show.\n");
		return SHELL_OK;
	}
	shell_say(sh, "\n");
	shell_disk_header(sh->out);
	for (size_t i = 0; i < sh->model->n_disks; i++)
		shell_disk_row(sh->out, &sh->model->disks[i], i == focus, false);
	return SHELL_OK;
}

void shell_say_volume(struct shell *sh, size_t volume)
{
	struct dyn_volume v = sh->model->volumes[volume];

	if (shell_is_set_offline(sh, volume))
		v.info = "Offline";
	shell_volume_row(sh->out, &v, shell_letter(&sh->letters, sh->model, volume),
			 shell_focused_volume(&sh->sel.volume, sh->model) == volume);
}

enum shell_result cmd_list_volume(struct shell *sh, const struct shell_call *call)
{
	(void)call;
	if (sh->model->n_volumes == 0) {
		shell_say(sh, "\nThere are no volumes.\n");
		return SHELL_OK;
	}
	shell_say(sh, "\n");
	shell_volume_header(sh->out);
	for (size_t i = 0; i < sh->model->n_volumes; i++)
		shell_say_volume(sh, i);
	return SHELL_OK;
}

enum shell_result cmd_list_partition(struct shell *sh, const struct shell_call *call)
{
	const struct dyn_disk *d;
	size_t disk, focus;

	(void)call;
	if (!shell_need_disk(sh, &disk))
		return SHELL_SYNTAX;
	focus = shell_focused_partition(&sh->sel, sh->model, &disk);
	d = &sh->model->disks[disk];
	if (d->n_partitions == 0) {
		shell_say(sh, "\nThere are no partitions on this disk to show.\n");
		return SHELL_OK;
	}
	shell_say(sh, "\n");
	shell_partition_header(sh->out);
	for (size_t i = 0; i < d->n_partitions; i++)
		shell_partition_row(sh->out, &d->partitions[i], i == focus);
	return SHELL_OK;
}

/* ----------------------------------------------------------------- select */

static void say_disk_selected(struct shell *sh, const char *now)
{
	size_t disk = shell_focused_disk(&sh->sel.disk, sh->model);

	if (disk == DYN_NONE)
		shell_say(sh, "\nThere is no disk selected.\n");
	else
		shell_say(sh, "\n%s is %sthe selected disk.\n", sh->model->disks[disk].name, now);
}

/* The disk that the machine starts from, as far as the disks say: that of the first volume with that mark. */
static size_t system_disk(const struct dyn_model *m)
{
	for (size_t i = 0; i < m->n_volumes; i++) {
		const struct dyn_volume *v = &m->volumes[i];

		for (size_t p = 0; !strcmp(v->info, "System") && p < v->n_plexes; p++)
			if (v->plexes[p].n_extents && v->plexes[p].extents[0].disk < m->n_disks &&
			    m->disks[v->plexes[p].extents[0].disk].status != DYN_DISK_MISSING)
				return v->plexes[p].extents[0].disk;
	}
	return DYN_NONE;
}

static size_t which_disk(struct shell *sh, const char *text)
{
	size_t disk = shell_focused_disk(&sh->sel.disk, sh->model);

	if (!strcasecmp(text, "SYSTEM"))
		return system_disk(sh->model);
	if (strcasecmp(text, "NEXT"))
		return shell_find_disk(sh->model, text);
	return disk != DYN_NONE && disk + 1 < sh->model->n_disks ? disk + 1 : DYN_NONE;
}

enum shell_result cmd_select_disk(struct shell *sh, const struct shell_call *call)
{
	const struct shell_value *v = shell_arg(call, NULL);
	size_t disk;

	if (!v->given) {
		say_disk_selected(sh, "");
		return SHELL_OK;
	}
	disk = which_disk(sh, v->text);
	shell_select_disk(&sh->sel, sh->model, disk); /* what follows must not hit the disk selected before */
	if (disk == DYN_NONE)
		shell_say_invalid(sh, "The disk you specified is not valid.");
	say_disk_selected(sh, "now ");
	return disk == DYN_NONE ? SHELL_SYNTAX : SHELL_OK;
}

void shell_say_invalid(struct shell *sh, const char *sentence)
{
	shell_say(sh, "\n%s\n", sentence);
	for (size_t i = 0; i < sh->model->n_disks; i++) {
		const struct dyn_disk *d = &sh->model->disks[i];
		char title[192];

		if ((d->status != DYN_DISK_OFFLINE || d->taken_offline) && d->status != DYN_DISK_UNREADABLE)
			continue;
		words_disk_title(d, title, sizeof(title));
		shell_say(sh, "%s cannot be read.\n", title);
	}
}

static void say_partition_selected(struct shell *sh, const char *now)
{
	size_t disk, part = shell_focused_partition(&sh->sel, sh->model, &disk);

	if (part == DYN_NONE)
		shell_say(sh, "\nThere is no partition selected.\n");
	else
		shell_say(sh, "\nPartition %u is %sthe selected partition.\n", sh->model->disks[disk].partitions[part].number, now);
}

enum shell_result cmd_select_partition(struct shell *sh, const struct shell_call *call)
{
	const struct shell_value *v = shell_arg(call, NULL);
	const struct dyn_disk *d;
	size_t disk, part = DYN_NONE;

	if (!v->given) {
		say_partition_selected(sh, "");
		return SHELL_OK;
	}
	if (!shell_need_disk(sh, &disk))
		return SHELL_SYNTAX;
	d = &sh->model->disks[disk];
	for (size_t i = 0; i < d->n_partitions; i++)
		if (d->partitions[i].number == v->number)
			part = i;
	shell_select_partition(&sh->sel, sh->model, disk, part);
	if (part == DYN_NONE)
		shell_say_invalid(sh, "The specified partition is not valid.\nPlease select a valid partition.");
	say_partition_selected(sh, "now ");
	return part == DYN_NONE ? SHELL_SYNTAX : SHELL_OK;
}

static void say_volume_selected(struct shell *sh)
{
	size_t volume = shell_focused_volume(&sh->sel.volume, sh->model);

	if (volume == DYN_NONE)
		shell_say(sh, "\nThere is no volume selected.\n");
	else
		shell_say(sh, "\nVolume %u is the selected volume.\n", sh->model->volumes[volume].number);
}

enum shell_result cmd_select_volume(struct shell *sh, const struct shell_call *call)
{
	const struct shell_value *v = shell_arg(call, NULL);
	size_t volume, several;

	if (!v->given) {
		say_volume_selected(sh);
		return SHELL_OK;
	}
	volume = shell_find_volume(&sh->letters, sh->model, v->text, &several);
	if (several > 1) {
		shell_say(sh, "\n%zu volumes have that letter. Select one by its number.\n", several);
		volume = DYN_NONE;
	} else if (volume == DYN_NONE) {
		shell_say_invalid(sh, "The volume you selected is not valid or does not exist.");
	}
	shell_select_volume(&sh->sel, sh->model, volume);
	say_volume_selected(sh);
	return volume == DYN_NONE ? SHELL_SYNTAX : SHELL_OK;
}

/* ------------------------------------------------------------------ others */

enum shell_result cmd_rescan(struct shell *sh, const struct shell_call *call)
{
	enum shell_result r;

	(void)call;
	shell_say(sh, "\nPlease wait while DiskPart scans your configuration...\n");
	fflush(sh->out);
	r = shell_rescan(sh);
	if (r == SHELL_OK)
		shell_say(sh, "\nDiskPart has finished scanning your configuration.\n");
	return r;
}
