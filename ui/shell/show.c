/* SPDX-License-Identifier: GPL-3.0-or-later */
/* show.c - commands that only look: LIST, DETAIL, SELECT, HELP, and the small ones. */
#include <string.h>
#include <strings.h>

#include "ui/shell/commands.h"
#include "ui/shell/internal.h"
#include "ui/words.h"

static enum shell_result no_disk(struct shell *sh)
{
	shell_say(sh, "\nThere is no disk selected.\nPlease select a disk and try again.\n");
	return SHELL_SYNTAX;
}

static enum shell_result no_volume(struct shell *sh)
{
	shell_say(sh, "\nThere is no volume selected.\nPlease select a volume and try again.\n");
	return SHELL_SYNTAX;
}

/* ------------------------------------------------------------------- list */

enum shell_result cmd_list_disk(struct shell *sh, const struct shell_call *call)
{
	size_t focus = shell_focused_disk(&sh->disk, sh->model);

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

enum shell_result cmd_list_volume(struct shell *sh, const struct shell_call *call)
{
	size_t focus = shell_focused_volume(&sh->volume, sh->model);

	(void)call;
	if (sh->model->n_volumes == 0) {
		shell_say(sh, "\nThere are no volumes.\n");
		return SHELL_OK;
	}
	shell_say(sh, "\n");
	shell_volume_header(sh->out);
	for (size_t i = 0; i < sh->model->n_volumes; i++)
		shell_volume_row(sh->out, &sh->model->volumes[i], i == focus);
	return SHELL_OK;
}

enum shell_result cmd_list_partition(struct shell *sh, const struct shell_call *call)
{
	size_t disk = shell_focused_disk(&sh->disk, sh->model), n = 0;
	const struct dyn_disk *d;

	(void)call;
	if (disk == DYN_NONE)
		return no_disk(sh);
	d = &sh->model->disks[disk];
	for (size_t i = 0; i < d->n_regions; i++) {
		if (d->regions[i].part_number == 0)
			continue;
		if (n++ == 0) {
			shell_say(sh, "\n");
			shell_partition_header(sh->out);
		}
		shell_partition_row(sh->out, d, &d->regions[i]);
	}
	if (n == 0)
		shell_say(sh, "\nThere are no partitions on this disk to show.\n");
	return SHELL_OK;
}

/* ----------------------------------------------------------------- select */

static void say_disk_selected(struct shell *sh, const char *now)
{
	size_t disk = shell_focused_disk(&sh->disk, sh->model);

	if (disk == DYN_NONE)
		shell_say(sh, "\nThere is no disk selected.\n");
	else
		shell_say(sh, "\n%s is %sthe selected disk.\n", sh->model->disks[disk].name, now);
}

enum shell_result cmd_select_disk(struct shell *sh, const struct shell_call *call)
{
	const struct shell_value *v = shell_arg(call, NULL);
	size_t disk;

	if (!v->given) {
		say_disk_selected(sh, "");
		return SHELL_OK;
	}
	disk = shell_find_disk(sh->model, v->text);
	if (disk == DYN_NONE) {
		shell_say(sh, "\nThe disk you specified is not valid.\n");
		memset(&sh->disk, 0, sizeof(sh->disk)); /* what follows must not hit the disk selected before */
		say_disk_selected(sh, "");
		return SHELL_SYNTAX;
	}
	shell_focus_disk(&sh->disk, sh->model, disk);
	say_disk_selected(sh, "now ");
	return SHELL_OK;
}

static void say_volume_selected(struct shell *sh)
{
	size_t volume = shell_focused_volume(&sh->volume, sh->model);

	if (volume == DYN_NONE)
		shell_say(sh, "\nThere is no volume selected.\n");
	else
		shell_say(sh, "\nVolume %u is the selected volume.\n", sh->model->volumes[volume].number);
}

enum shell_result cmd_select_volume(struct shell *sh, const struct shell_call *call)
{
	const struct shell_value *v = shell_arg(call, NULL);
	size_t volume, several, disk;

	if (!v->given) {
		say_volume_selected(sh);
		return SHELL_OK;
	}
	volume = shell_find_volume(sh->model, v->text, &several);
	if (volume == DYN_NONE || several > 1) {
		memset(&sh->volume, 0, sizeof(sh->volume));
		if (several > 1)
			shell_say(sh, "\n%zu volumes have that letter. Select one by its number.\n", several);
		else
			shell_say(sh, "\nThe volume you selected is not valid or does not exist.\n");
		say_volume_selected(sh);
		return SHELL_SYNTAX;
	}
	shell_focus_volume(&sh->volume, sh->model, volume);
	disk = shell_only_disk(sh->model, volume);
	if (disk != DYN_NONE)
		shell_focus_disk(&sh->disk, sh->model, disk);
	say_volume_selected(sh);
	return SHELL_OK;
}

/* ----------------------------------------------------------------- detail */

static bool is_on_disk(const struct dyn_volume *v, size_t disk)
{
	for (size_t p = 0; p < v->n_plexes; p++)
		for (size_t e = 0; e < v->plexes[p].n_extents; e++)
			if (v->plexes[p].extents[e].disk == disk)
				return true;
	return false;
}

static void say_volumes_of(struct shell *sh, size_t disk)
{
	size_t focus = shell_focused_volume(&sh->volume, sh->model), n = 0;

	for (size_t i = 0; i < sh->model->n_volumes; i++) {
		if (!is_on_disk(&sh->model->volumes[i], disk))
			continue;
		if (n++ == 0) {
			shell_say(sh, "\n");
			shell_volume_header(sh->out);
		}
		shell_volume_row(sh->out, &sh->model->volumes[i], i == focus);
	}
	if (n == 0)
		shell_say(sh, "\nThere are no volumes.\n");
}

enum shell_result cmd_detail_disk(struct shell *sh, const struct shell_call *call)
{
	size_t disk = shell_focused_disk(&sh->disk, sh->model);
	const struct dyn_disk *d;

	(void)call;
	if (disk == DYN_NONE)
		return no_disk(sh);
	d = &sh->model->disks[disk];
	shell_say(sh, "\n%s\n", *d->model ? d->model : d->name);
	shell_say(sh, "Disk ID: %s%s%s\n", *d->guid ? "{" : "", *d->guid ? d->guid : "none", *d->guid ? "}" : "");
	shell_say(sh, "Type   : %s\n", *d->bus ? d->bus : "unknown");
	shell_say(sh, "Status : %s\n", words_disk_status(WORDS_SHELL, d->status));
	shell_say(sh, "Path   : %s\n", *d->path ? d->path : "none");
	shell_say(sh, "Serial : %s\n", *d->serial ? d->serial : "unknown");
	if (d->group < sh->model->n_groups)
		shell_say(sh, "Group  : %s\n", sh->model->groups[d->group].name);
	shell_say(sh, "Current Read-only State : %s\n", d->read_only ? "Yes" : "No");
	shell_say(sh, "Read-only  : %s\n", d->read_only ? "Yes" : "No");
	if (*d->in_use)
		shell_say(sh, "In use     : %s\n", d->in_use);
	for (size_t i = 0; i < d->n_damage; i++)
		shell_say(sh, "Damage     : %s\n", d->damage[i]);
	say_volumes_of(sh, disk);
	return SHELL_OK;
}

/* "Half on Disk 1" for each half of a mirror, with its state. */
static void say_halves(struct shell *sh, const struct dyn_volume *v)
{
	if (v->layout != DYN_LAYOUT_MIRROR)
		return;
	shell_say(sh, "\n");
	for (size_t p = 0; p < v->n_plexes; p++) {
		size_t disk = v->plexes[p].n_extents ? v->plexes[p].extents[0].disk : DYN_NONE;
		char label[32];

		snprintf(label, sizeof(label), "Half on %s", disk < sh->model->n_disks ? sh->model->disks[disk].name : "?");
		shell_say(sh, "%-23s: %s\n", label, words_plex_status(WORDS_SHELL, v->plexes[p].status));
	}
}

enum shell_result cmd_detail_volume(struct shell *sh, const struct shell_call *call)
{
	size_t volume = shell_focused_volume(&sh->volume, sh->model), focus = shell_focused_disk(&sh->disk, sh->model);
	const struct dyn_volume *v;
	uint64_t free_bytes;
	char size[24];
	bool read_only = false;

	(void)call;
	if (volume == DYN_NONE)
		return no_volume(sh);
	v = &sh->model->volumes[volume];
	shell_say(sh, "\n");
	shell_disk_header(sh->out);
	for (size_t i = 0; i < sh->model->n_disks; i++) {
		if (!is_on_disk(v, i))
			continue;
		read_only = read_only || sh->model->disks[i].read_only;
		shell_disk_row(sh->out, &sh->model->disks[i], i == focus, true);
	}
	shell_say(sh, "\nRead-only              : %s\n", read_only ? "Yes" : "No");
	shell_say(sh, "Hidden                 : %s\n", !strcmp(v->info, "Hidden") ? "Yes" : "No");
	shell_say(sh, "Offline                : %s\n", v->status == DYN_VOLUME_FAILED ? "Yes" : "No");
	shell_say(sh, "BitLocker Encrypted    : %s\n", !strcmp(v->fs, "BitLocker") ? "Yes" : "No");
	say_halves(sh, v);
	dyn_text_size(size, sizeof(size), v->size);
	shell_say(sh, "\nVolume Capacity        : %7s\n", size);
	if (dyn_volume_fs_free(sh->model, volume, &free_bytes, NULL) == 0) {
		dyn_text_size(size, sizeof(size), free_bytes);
		shell_say(sh, "Volume Free Space      : %7s\n", size);
	}
	return SHELL_OK;
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

void shell_help_all(struct shell *sh)
{
	const char *last = "";
	unsigned column = 0;

	shell_say(sh, "\ndynadisk %s\n\n", dyn_version());
	for (const struct shell_command *c = shell_commands; c->verb; c++) {
		char words[64];

		if (!c->help)
			continue;
		snprintf(words, sizeof(words), "%s%s%s", c->verb, c->noun ? " " : "", c->noun ? c->noun : "");
		shell_say(sh, "%-15s - %s\n", words, c->help);
	}
	shell_say(sh, "\nOf DiskPart's other commands this version has none of:");
	for (const struct shell_command *c = shell_commands; c->verb; c++) {
		if (c->run != cmd_unavailable || c->noun || !strcmp(last, c->verb))
			continue;
		last = c->verb;
		shell_say(sh, "%s%s", column++ % 8 ? " " : "\n  ", c->verb);
	}
	shell_say(sh, "\n\nHELP and a command explains it. Words may be cut to three letters: SEL VOL C.\n");
}

enum shell_result cmd_help(struct shell *sh, const struct shell_call *call)
{
	const struct shell_value *topic = shell_arg(call, NULL);
	struct shell_call about;
	enum shell_parse p;
	size_t n = 0;

	if (!topic->given || shell_parse(topic->text, &about) == SHELL_PARSE_EMPTY) {
		shell_help_all(sh);
		return SHELL_OK;
	}
	p = shell_parse(topic->text, &about);
	if (p == SHELL_PARSE_UNKNOWN || !about.command) {
		shell_say(sh, "\nThere is no command of that name. HELP lists them.\n");
		return SHELL_SYNTAX;
	}
	for (const struct shell_command *c = shell_commands; c->verb; c++) {
		char usage[128];

		/* the verb alone asks about all its nouns */
		if (strcmp(c->verb, about.command->verb) || !c->help ||
		    (strpbrk(topic->text, " \t") && about.command->help && c != about.command))
			continue;
		shell_usage(c, usage, sizeof(usage));
		shell_say(sh, "%s%s\n    %s\n", n++ ? "" : "\n", usage, c->help);
	}
	if (n == 0)
		about.command->run(sh, &about);
	return SHELL_OK;
}

enum shell_result cmd_rem(struct shell *sh, const struct shell_call *call)
{
	(void)sh;
	(void)call;
	return SHELL_OK;
}

enum shell_result cmd_exit(struct shell *sh, const struct shell_call *call)
{
	(void)call;
	shell_say(sh, "\nLeaving DiskPart...\n");
	sh->done = true;
	return SHELL_OK;
}

enum shell_result cmd_preview(struct shell *sh, const struct shell_call *call)
{
	const struct shell_value *line = shell_arg(call, NULL);
	enum shell_result r;

	if (!line->given) {
		sh->preview_next = true;
		shell_say(sh, "\nThe next command is only shown, not carried out.\n");
		return SHELL_OK;
	}
	sh->preview = true;
	r = shell_execute(sh, line->text);
	sh->preview = false;
	return r;
}

enum shell_result cmd_repair(struct shell *sh, const struct shell_call *call)
{
	(void)call;
	shell_say(sh, "\nREPAIR rebuilds RAID-5 volumes, which this version does not do.\n"
		      "To repair a mirror: SELECT VOLUME=<its letter>, BREAK DISK=<lost disk> NOKEEP,\n"
		      "SELECT DISK=<lost disk>, DELETE DISK, then ADD DISK=<new disk>, and WAIT.\n");
	return SHELL_FAILED;
}

/* Whether NOERR stands among the words. */
static bool has_noerr(const char *words)
{
	for (const char *p = words; *p;) {
		size_t n = strcspn(p, " \t");

		if (n == 5 && !strncasecmp(p, "NOERR", n))
			return true;
		p += n;
		p += strspn(p, " \t");
	}
	return false;
}

enum shell_result cmd_unavailable(struct shell *sh, const struct shell_call *call)
{
	const struct shell_command *c = call->command;

	shell_say(sh, "\n%s%s%s is not available in this version.\n", c->verb, c->noun ? " " : "", c->noun ? c->noun : "");
	return has_noerr(shell_arg(call, NULL)->text) ? SHELL_OK : SHELL_FAILED;
}
