/* SPDX-License-Identifier: GPL-3.0-or-later */
/* online.c - ONLINE and OFFLINE: which disks and volumes this session leaves alone. Nothing of it is on the disks. */
#include <errno.h>

#include "ui/shell/commands.h"
#include "ui/shell/internal.h"

/* ------------------------------------------------------------------- disks */

static enum shell_result set_offline(struct shell *sh, size_t disk, bool offline)
{
	struct dyn_err err = { 0 };

	if (dyn_set_offline(sh->session, sh->model->disks[disk].path, offline, &err))
		return shell_refuse(sh, NULL, &err);
	return shell_rescan(sh);
}

enum shell_result cmd_offline_disk(struct shell *sh, const struct shell_call *call)
{
	enum shell_result r;
	size_t disk;

	(void)call;
	if (!shell_need_disk(sh, &disk))
		return SHELL_SYNTAX;
	if (sh->model->disks[disk].status == DYN_DISK_MISSING)
		return shell_say_no(sh, "The disk is missing.", "Only a disk that is here can be taken off line.");
	if (sh->model->disks[disk].taken_offline)
		return shell_say_no(sh, "This disk is already offline.", "");
	if (sh->preview) {
		shell_say(sh, "\nOnly this session would do without the disk. Nothing was written.\n");
		return SHELL_OK;
	}
	r = set_offline(sh, disk, true);
	if (r == SHELL_OK)
		shell_say(sh, "\nDiskPart successfully offlined the selected disk.\n");
	return r;
}

enum shell_result cmd_online_disk(struct shell *sh, const struct shell_call *call)
{
	static const char success[] = "DiskPart successfully onlined the selected disk.";
	enum shell_result r;
	bool taken;
	size_t disk;

	(void)call;
	if (!shell_need_disk(sh, &disk))
		return SHELL_SYNTAX;
	taken = sh->model->disks[disk].taken_offline;
	if (taken && sh->preview) {
		shell_say(sh, "\nThe disk would be read again. If it is out of date then, its database would be renewed and its\n"
			      "halves of mirrors rebuilt. Nothing was written.\n");
		return SHELL_OK;
	}
	if (taken) {
		r = set_offline(sh, disk, false);
		if (r != SHELL_OK)
			return r;
		if (!shell_need_disk(sh, &disk))
			return SHELL_SYNTAX;
	}
	switch (sh->model->disks[disk].status) {
	case DYN_DISK_MISSING:
	case DYN_DISK_OFFLINE:
		return shell_say_no(sh, "The disk cannot be read.", "Connect it again and type RESCAN.");
	case DYN_DISK_FOREIGN:
		return shell_say_no(sh, "The disk is foreign: the group's database does not know it.",
				    "IMPORT lets its group join, CLEAN frees the disk.");
	default:
		break;
	}
	if (shell_is_stale(sh->model, disk))
		return shell_bring_up_to_date(sh, disk, false, success);
	if (!taken)
		return shell_say_no(sh, "This disk is already online.", "");
	shell_say(sh, "\n%s\n", success);
	return SHELL_OK;
}

/* ----------------------------------------------------------------- volumes */

bool shell_is_set_offline(const struct shell *sh, size_t volume)
{
	return shell_letter_entry(&sh->offline, sh->model, volume) != DYN_NONE;
}

enum shell_result shell_need_online_volume(struct shell *sh, size_t *volume)
{
	if (!shell_need_volume(sh, volume))
		return SHELL_SYNTAX;
	return shell_is_set_offline(sh, *volume) ? shell_say_no(sh, "The volume is offline.", "ONLINE VOLUME lets it be changed again.") :
					 SHELL_OK;
}

/* Sets or takes the mark, unless this is a preview. */
static enum shell_result mark(struct shell *sh, size_t volume, bool offline, const char *success)
{
	struct dyn_err err = { .code = -ENOMEM };

	if (sh->preview) {
		shell_say(sh, "\nOnly this session's marks would change. Nothing was written.\n");
		return SHELL_OK;
	}
	if (offline && shell_set_letter(&sh->offline, sh->model, volume, '-'))
		return shell_refuse(sh, NULL, &err);
	if (!offline)
		shell_drop_letter(&sh->offline, shell_letter_entry(&sh->offline, sh->model, volume));
	shell_say(sh, "\n%s\n", success);
	return SHELL_OK;
}

enum shell_result cmd_offline_volume(struct shell *sh, const struct shell_call *call)
{
	size_t volume;

	(void)call;
	if (!shell_need_volume(sh, &volume))
		return SHELL_SYNTAX;
	if (shell_is_set_offline(sh, volume))
		return shell_say_no(sh, "This volume is already offline.", "");
	return mark(sh, volume, true, "DiskPart successfully offlined the selected volume.");
}

enum shell_result cmd_online_volume(struct shell *sh, const struct shell_call *call)
{
	size_t volume;

	(void)call;
	if (!shell_need_volume(sh, &volume))
		return SHELL_SYNTAX;
	if (shell_is_set_offline(sh, volume))
		return mark(sh, volume, false, "DiskPart successfully onlined the selected volume.");
	if (sh->model->volumes[volume].status == DYN_VOLUME_FAILED)
		return shell_say_no(sh, "The volume has failed: a disk it needs is missing.", "Connect the disk again and type RESCAN.");
	return shell_say_no(sh, "This volume is already online.", "");
}
