/* SPDX-License-Identifier: GPL-3.0-or-later */
/* detail.c - DETAIL, ATTRIBUTES and FILESYSTEMS: what is known about the selected thing. */
#include <inttypes.h>
#include <string.h>

#include "ui/shell/commands.h"
#include "ui/shell/internal.h"
#include "ui/words.h"

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
	size_t n = 0;

	for (size_t i = 0; i < sh->model->n_volumes; i++) {
		if (!is_on_disk(&sh->model->volumes[i], disk))
			continue;
		if (n++ == 0) {
			shell_say(sh, "\n");
			shell_volume_header(sh->out);
		}
		shell_say_volume(sh, i);
	}
	if (n == 0)
		shell_say(sh, "\nThere are no volumes.\n");
}

/* DiskPart's lines on what Windows keeps on a disk. No Windows runs here, so nothing of it is in use. */
static void say_disk_attributes(struct shell *sh, const struct dyn_disk *d)
{
	shell_say(sh, "Current Read-only State : %s\n", d->read_only ? "Yes" : "No");
	shell_say(sh, "Read-only  : %s\n", d->read_only ? "Yes" : "No");
	shell_say(sh, "Boot Disk  : No\nPagefile Disk  : No\nHibernation File Disk  : No\nCrashdump Disk  : No\n"
		      "Clustered Disk  : No\n");
}

enum shell_result cmd_detail_disk(struct shell *sh, const struct shell_call *call)
{
	const struct dyn_disk *d;
	char id[128], path[1024];
	size_t disk;

	(void)call;
	if (!shell_need_disk(sh, &disk))
		return SHELL_SYNTAX;
	d = &sh->model->disks[disk];
	shell_say(sh, "\n%s\n", *d->model ? d->model : d->name);
	shell_disk_id(d->table_id, id, sizeof(id));
	shell_say(sh, "%s\n", id);
	shell_say(sh, "Type   : %s\n", *d->bus ? d->bus : "unknown");
	shell_say(sh, "Status : %s\n", words_disk_status(WORDS_SHELL, d->status));
	dyn_text_format(path, sizeof(path), "%s", *d->path ? d->path : "none");
	shell_say(sh, "Path   : %s\n", path);
	shell_say(sh, "Serial : %s\n", *d->serial ? d->serial : "unknown");
	if (d->group < sh->model->n_groups)
		shell_say(sh, "Group  : %s\n", sh->model->groups[d->group].name);
	say_disk_attributes(sh, d);
	if (*d->in_use)
		shell_say(sh, "In use     : %s\n", d->in_use);
	for (size_t i = 0; i < d->n_damage; i++)
		shell_say(sh, "Damage     : %s\n", d->damage[i]);
	say_volumes_of(sh, disk);
	return SHELL_OK;
}

enum shell_result cmd_attributes_disk(struct shell *sh, const struct shell_call *call)
{
	size_t disk;

	if (!shell_need_disk(sh, &disk))
		return SHELL_SYNTAX;
	if (shell_flag(call, "SET") || shell_flag(call, "CLEAR")) {
		shell_say(sh, "\nAttributes of disks belong to Windows and are not changed here: blockdev --setro and --setrw do it\n"
			      "on Linux.\n");
		return SHELL_FAILED;
	}
	shell_say(sh, "\n");
	say_disk_attributes(sh, &sh->model->disks[disk]);
	return SHELL_OK;
}

enum shell_result cmd_detail_partition(struct shell *sh, const struct shell_call *call)
{
	const struct dyn_partition *p;
	const struct dyn_disk *d;
	size_t disk, part;
	bool gpt, hidden;

	(void)call;
	if (!shell_need_partition(sh, &disk, &part))
		return SHELL_SYNTAX;
	d = &sh->model->disks[disk];
	p = &d->partitions[part];
	gpt = d->table == DYN_TABLE_GPT;
	hidden = shell_is_hidden(d->table, p);
	shell_say(sh, "\nPartition %u\n", p->number);
	shell_say(sh, gpt ? "Type    : %s\n" : "Type  : %s\n", p->type_id);
	shell_say(sh, gpt ? "Hidden  : %s\n" : "Hidden: %s\n", hidden ? "Yes" : "No");
	if (gpt)
		shell_say(sh, "Required: %s\nAttrib  : %#.16" PRIX64 "\n", p->attributes & 1 ? "Yes" : "No", p->attributes);
	else
		shell_say(sh, "Active: %s\n", p->active ? "Yes" : "No");
	shell_say(sh, "Offset in Bytes: %" PRIu64 "\n\n", p->offset);
	if (p->volume >= sh->model->n_volumes) {
		shell_say(sh, "There is no volume associated with this partition.\n");
		return SHELL_OK;
	}
	shell_volume_header(sh->out);
	shell_say_volume(sh, p->volume);
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

static bool is_read_only(const struct dyn_model *m, const struct dyn_volume *v)
{
	for (size_t i = 0; i < m->n_disks; i++)
		if (is_on_disk(v, i) && m->disks[i].read_only)
			return true;
	return false;
}

/* The table entry that is this volume, or NULL; *table is its disk's. */
static const struct dyn_partition *partition_of(const struct dyn_model *m, size_t volume, enum dyn_table *table)
{
	for (size_t i = 0; i < m->n_disks; i++)
		for (size_t k = 0; k < m->disks[i].n_partitions; k++)
			if (m->disks[i].partitions[k].volume == volume) {
				*table = m->disks[i].table;
				return &m->disks[i].partitions[k];
			}
	return NULL;
}

static void say_volume_attributes(struct shell *sh, size_t volume)
{
	enum dyn_table table = DYN_TABLE_NONE;
	const struct dyn_partition *p = partition_of(sh->model, volume, &table);
	bool gpt = p && table == DYN_TABLE_GPT;

	shell_say(sh, "Read-only              : %s\n", is_read_only(sh->model, &sh->model->volumes[volume]) ? "Yes" : "No");
	shell_say(sh, "Hidden                 : %s\n", p && shell_is_hidden(table, p) ? "Yes" : "No");
	shell_say(sh, "No Default Drive Letter: %s\n", gpt && p->attributes >> 63 ? "Yes" : "No");
	shell_say(sh, "Shadow Copy            : %s\n", gpt && p->attributes & (uint64_t)1 << 61 ? "Yes" : "No");
}

enum shell_result cmd_attributes_volume(struct shell *sh, const struct shell_call *call)
{
	size_t volume;

	if (!shell_need_volume(sh, &volume))
		return SHELL_SYNTAX;
	if (shell_flag(call, "SET") || shell_flag(call, "CLEAR")) {
		shell_say(sh, "\nAttributes of volumes are not changed here. On a GPT disk, GPT ATTRIBUTES sets those of a partition.\n");
		return SHELL_FAILED;
	}
	shell_say(sh, "\n");
	say_volume_attributes(sh, volume);
	return SHELL_OK;
}

enum shell_result cmd_detail_volume(struct shell *sh, const struct shell_call *call)
{
	size_t volume, focus = shell_focused_disk(&sh->sel.disk, sh->model);
	const struct dyn_volume *v;
	uint64_t free_bytes;
	char size[24];

	(void)call;
	if (!shell_need_volume(sh, &volume))
		return SHELL_SYNTAX;
	v = &sh->model->volumes[volume];
	shell_say(sh, "\n");
	shell_disk_header(sh->out);
	for (size_t i = 0; i < sh->model->n_disks; i++)
		if (is_on_disk(v, i))
			shell_disk_row(sh->out, &sh->model->disks[i], i == focus, true);
	shell_say(sh, "\n");
	say_volume_attributes(sh, volume);
	shell_say(sh, "Offline                : %s\n", v->status == DYN_VOLUME_FAILED || shell_is_set_offline(sh, volume) ? "Yes" : "No");
	shell_say(sh, "BitLocker Encrypted    : %s\n", !strcmp(v->fs, "BitLocker") ? "Yes" : "No");
	say_halves(sh, v);
	dyn_text_size(size, sizeof(size), v->size);
	shell_say(sh, "\nVolume Capacity        : %7s\n", size);
	if (dyn_volume_fs_free(sh->model, volume, &free_bytes, NULL) == 0) {
		dyn_text_size(size, sizeof(size), free_bytes);
		shell_say(sh, "Volume Free Space      : %7s\n", size);
	}
	if (v->n_unread) {
		shell_say(sh, "\nOne half of this mirror holds zeros where the other could not be read:\n");
		shell_say_ranges(sh, v->unread, v->n_unread);
	}
	return SHELL_OK;
}

enum shell_result cmd_filesystems(struct shell *sh, const struct shell_call *call)
{
	const struct dyn_volume *v;
	size_t volume;

	(void)call;
	if (!shell_need_volume(sh, &volume))
		return SHELL_SYNTAX;
	v = &sh->model->volumes[volume];
	shell_say(sh, "\nCurrent File System\n\n  Type                 : %s\n", *v->fs ? v->fs : "RAW");
	if (*v->label)
		shell_say(sh, "  Label                : %s\n", v->label);
	shell_say(sh, "\nFile Systems Supported for Formatting\n\n"
		      "  Type                 : NTFS (Default)\n"
		      "  Allocation Unit Sizes: 512, 1024, 2048, 4096 (Default), 8192, 16K, 32K, 64K\n\n"
		      "  Type                 : FAT32\n"
		      "  Allocation Unit Sizes: 512, 1024, 2048, 4096, 8192, 16K, 32K\n\n"
		      "  Type                 : FAT\n"
		      "  Allocation Unit Sizes: 512, 1024, 2048, 4096, 8192, 16K, 32K\n\n"
		      "  Type                 : EXFAT\n"
		      "  Allocation Unit Sizes: 512 to 32768K\n");
	return SHELL_OK;
}
