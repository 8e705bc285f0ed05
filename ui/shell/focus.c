/* SPDX-License-Identifier: GPL-3.0-or-later */
/* focus.c - what is selected, across rescans; and what "m0", "1", "c" or a path mean. Pure. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ui/shell/internal.h"

static void remember_disk(struct shell_focus *f, const struct dyn_disk *d)
{
	snprintf(f->path, sizeof(f->path), "%s", d->path);
	snprintf(f->model, sizeof(f->model), "%s", d->model);
	snprintf(f->serial, sizeof(f->serial), "%s", d->serial);
}

/* The same device, and not another one that has since been put in its place. */
static bool is_same_device(const struct shell_focus *f, const struct dyn_disk *d)
{
	char model[sizeof(f->model)], serial[sizeof(f->serial)];

	snprintf(model, sizeof(model), "%s", d->model);
	snprintf(serial, sizeof(serial), "%s", d->serial);
	return *f->path && !strcmp(f->path, d->path) && !strcmp(f->model, model) && !strcmp(f->serial, serial);
}

void shell_focus_disk(struct shell_focus *f, const struct dyn_model *m, size_t disk)
{
	memset(f, 0, sizeof(*f));
	if (disk >= m->n_disks)
		return;
	f->set = true;
	memcpy(f->guid, m->disks[disk].guid, sizeof(f->guid));
	remember_disk(f, &m->disks[disk]);
}

size_t shell_focused_disk(const struct shell_focus *f, const struct dyn_model *m)
{
	if (!f->set)
		return DYN_NONE;
	/* the device first: its GUID changes when it is made dynamic */
	for (size_t i = 0; i < m->n_disks; i++)
		if (is_same_device(f, &m->disks[i]))
			return i;
	for (size_t i = 0; i < m->n_disks; i++)
		if (*f->guid && !strcmp(f->guid, m->disks[i].guid))
			return i;
	return DYN_NONE;
}

static const struct dyn_extent *first_extent(const struct dyn_volume *v)
{
	return v->n_plexes && v->plexes[0].n_extents ? &v->plexes[0].extents[0] : NULL;
}

void shell_focus_volume(struct shell_focus *f, const struct dyn_model *m, size_t volume)
{
	const struct dyn_extent *e;

	memset(f, 0, sizeof(*f));
	if (volume >= m->n_volumes)
		return;
	f->set = true;
	memcpy(f->guid, m->volumes[volume].guid, sizeof(f->guid));
	e = first_extent(&m->volumes[volume]);
	if (e && e->disk < m->n_disks) {
		remember_disk(f, &m->disks[e->disk]);
		f->offset = e->offset;
	}
}

size_t shell_focused_volume(const struct shell_focus *f, const struct dyn_model *m)
{
	if (!f->set)
		return DYN_NONE;
	for (size_t i = 0; i < m->n_volumes; i++) {
		const struct dyn_volume *v = &m->volumes[i];
		const struct dyn_extent *e = first_extent(v);

		if (*f->guid ? !strcmp(f->guid, v->guid) :
			       !*v->guid && e && e->disk < m->n_disks && e->offset == f->offset &&
				       is_same_device(f, &m->disks[e->disk]))
			return i;
	}
	return DYN_NONE;
}

size_t shell_volume_in_place(const struct shell_focus *f, const struct dyn_model *m)
{
	for (size_t i = 0; f->set && i < m->n_volumes; i++) {
		const struct dyn_extent *e = first_extent(&m->volumes[i]);

		if (e && e->disk < m->n_disks && e->offset == f->offset && is_same_device(f, &m->disks[e->disk]))
			return i;
	}
	return DYN_NONE;
}

size_t shell_focused_partition(const struct shell_selection *sel, const struct dyn_model *m, size_t *disk)
{
	const struct shell_focus *f = &sel->partition;

	*disk = shell_focused_disk(&sel->disk, m);
	if (!f->set || *disk == DYN_NONE || !is_same_device(f, &m->disks[*disk]))
		return DYN_NONE;
	for (size_t i = 0; i < m->disks[*disk].n_partitions; i++)
		if (m->disks[*disk].partitions[i].offset == f->offset)
			return i;
	return DYN_NONE;
}

/* -------------------------------------------------------------- selecting */

void shell_select_disk(struct shell_selection *sel, const struct dyn_model *m, size_t disk)
{
	memset(sel, 0, sizeof(*sel)); /* what follows must not hit the volume of another disk */
	shell_focus_disk(&sel->disk, m, disk);
}

static void focus_partition(struct shell_focus *f, const struct dyn_model *m, size_t disk, size_t part)
{
	memset(f, 0, sizeof(*f));
	if (disk >= m->n_disks || part >= m->disks[disk].n_partitions)
		return;
	f->set = true;
	f->offset = m->disks[disk].partitions[part].offset;
	remember_disk(f, &m->disks[disk]);
}

void shell_select_partition(struct shell_selection *sel, const struct dyn_model *m, size_t disk, size_t part)
{
	shell_select_disk(sel, m, disk);
	focus_partition(&sel->partition, m, disk, part);
	if (sel->partition.set)
		shell_focus_volume(&sel->volume, m, m->disks[disk].partitions[part].volume);
}

void shell_select_volume(struct shell_selection *sel, const struct dyn_model *m, size_t volume)
{
	size_t disk = volume < m->n_volumes ? shell_only_disk(m, volume) : DYN_NONE;

	if (volume >= m->n_volumes) { /* the disk stays */
		memset(&sel->partition, 0, sizeof(sel->partition));
		memset(&sel->volume, 0, sizeof(sel->volume));
		return;
	}
	shell_select_disk(sel, m, disk);
	shell_focus_volume(&sel->volume, m, volume);
	for (size_t i = 0; disk < m->n_disks && i < m->disks[disk].n_partitions; i++)
		if (m->disks[disk].partitions[i].volume == volume)
			focus_partition(&sel->partition, m, disk, i);
}

size_t shell_only_disk(const struct dyn_model *m, size_t volume)
{
	const struct dyn_volume *v = &m->volumes[volume];
	size_t only = DYN_NONE;

	for (size_t p = 0; p < v->n_plexes; p++)
		for (size_t e = 0; e < v->plexes[p].n_extents; e++) {
			size_t disk = v->plexes[p].extents[e].disk;

			if (disk >= m->n_disks || (only != DYN_NONE && only != disk))
				return DYN_NONE;
			only = disk;
		}
	return only;
}

size_t shell_find_disk(const struct dyn_model *m, const char *text)
{
	bool missing = toupper((unsigned char)text[0]) == 'M' && isdigit((unsigned char)text[1]);
	const char *digits = missing ? text + 1 : text;
	unsigned long n;

	for (size_t i = 0; strchr(text, '/') && i < m->n_disks; i++)
		if (!strcmp(m->disks[i].path, text))
			return i;
	if (!*digits || digits[strspn(digits, "0123456789")] || strlen(digits) > 9)
		return DYN_NONE;
	n = strtoul(digits, NULL, 10);
	for (size_t i = 0; i < m->n_disks; i++)
		if (m->disks[i].number == n && (m->disks[i].status == DYN_DISK_MISSING) == missing)
			return i;
	return DYN_NONE;
}

size_t shell_find_volume(const struct shell_letters *l, const struct dyn_model *m, const char *text, size_t *several)
{
	size_t found = DYN_NONE;
	unsigned long n;

	*several = 0;
	if (isalpha((unsigned char)text[0])) {
		for (size_t i = 0; i < m->n_volumes; i++)
			if (toupper((unsigned char)text[0]) == toupper((unsigned char)shell_letter(l, m, i))) {
				found = found == DYN_NONE ? i : found;
				++*several;
			}
		return found;
	}
	if (!*text || text[strspn(text, "0123456789")] || strlen(text) > 9)
		return DYN_NONE;
	n = strtoul(text, NULL, 10);
	for (size_t i = 0; i < m->n_volumes; i++)
		if (m->volumes[i].number == n)
			return i;
	return DYN_NONE;
}
