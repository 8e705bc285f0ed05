/* SPDX-License-Identifier: GPL-3.0-or-later */
/* properties.c - everything known about a disk or a volume, as text. */
#include "config.h"

#include <stdio.h>

#include "ui/tui/console.h"
#include "ui/words.h"

static void field(struct lines *l, const char *name, const char *value)
{
	if (*value)
		lines_add(l, ROLE_DIALOG, 0, "%-15s %s", name, value);
}

static void field_size(struct lines *l, const char *name, uint64_t bytes)
{
	char size[24];

	dyn_text_size(size, sizeof(size), bytes);
	lines_add(l, ROLE_DIALOG, 0, "%-15s %s (%llu bytes)", name, size, (unsigned long long)bytes);
}

static void group_fields(const struct dyn_model *m, size_t group, struct lines *l)
{
	const struct dyn_group *g;

	if (group >= m->n_groups)
		return;
	g = &m->groups[group];
	lines_add(l, ROLE_DIALOG, 0, "%s", "");
	field(l, "Disk group", g->name);
	field(l, "Group GUID", g->guid);
	lines_add(l, ROLE_DIALOG, 0, "%-15s %llu", "Transaction", (unsigned long long)g->transaction);
	if (g->interrupted)
		lines_add(l, ROLE_DIALOG_STRONG, 0, "A change was cut off half-way; r finishes it or takes it back.");
	if (*g->problem)
		lines_add(l, ROLE_DIALOG_STRONG, 0, "It must not be changed: %s", g->problem);
}

static void disk_text(const struct dyn_model *m, const struct dyn_disk *d, struct lines *l)
{
	char text[1024];

	snprintf(text, sizeof(text), "%s%s", words_disk_status(WORDS_TUI, d->status), d->status == DYN_DISK_ONLINE ? "" : " !");
	field(l, "Status", text);
	field(l, "Model", d->model);
	field(l, "Serial", d->serial);
	dyn_text_format(text, sizeof(text), "%s", d->path);
	field(l, "Path", text);
	field(l, "Bus", d->bus);
	field(l, "Type", words_disk_type(WORDS_TUI, d->dynamic));
	field(l, "Partition style", words_table(WORDS_TUI, d->table));
	field_size(l, "Size", d->size);
	field_size(l, "Unallocated", d->free);
	if (d->sector_size)
		lines_add(l, ROLE_DIALOG, 0, "%-15s %u bytes", "Sectors", d->sector_size);
	field(l, "GUID", d->guid);
	field(l, "LDM name", d->db_name);
	field(l, "In use", d->in_use);
	if (d->read_only)
		field(l, "Access", "read-only");
	if (d->removable)
		field(l, "Removable", "yes");
	if (d->blank)
		field(l, "Content", "blank: no table, zeros at both ends");
	group_fields(m, d->group, l);
	for (size_t i = 0; i < d->n_damage; i++) {
		if (i == 0)
			lines_add(l, ROLE_DIALOG, 0, "%s", "");
		lines_add(l, ROLE_DIALOG_STRONG, 0, "! %s", d->damage[i]);
	}
}

static void plex_text(const struct dyn_model *m, const struct dyn_plex *p, struct lines *l)
{
	char size[24];

	lines_add(l, ROLE_DIALOG_STRONG, 0, "%s  %s", *p->name ? p->name : "Extents", words_plex_status(WORDS_TUI, p->status));
	for (size_t i = 0; i < p->n_extents; i++) {
		const struct dyn_extent *e = &p->extents[i];

		if (e->disk >= m->n_disks)
			continue;
		dyn_text_size(size, sizeof(size), e->size);
		if (m->disks[e->disk].status == DYN_DISK_MISSING)
			lines_add(l, ROLE_DIALOG, 2, "%s  %s, on a missing disk", m->disks[e->disk].name, size);
		else
			lines_add(l, ROLE_DIALOG, 2, "%s  %s from byte %llu", m->disks[e->disk].name, size,
				  (unsigned long long)e->offset);
	}
}

static void volume_text(const struct console *con, size_t volume, struct lines *l)
{
	const struct dyn_model *m = con->m;
	const struct dyn_volume *v = &m->volumes[volume];
	char text[128];

	view_volume_status(&con->view, volume, text, sizeof(text));
	field(l, "Status", text);
	field(l, "Layout", words_layout(WORDS_TUI, v->layout));
	if (v->letter) {
		snprintf(text, sizeof(text), "%c:", v->letter);
		field(l, "Letter", text);
	}
	field(l, "Label", v->label);
	field(l, "File system", v->fs);
	field_size(l, "Capacity", v->size);
	if (con->view.free_bytes && con->view.free_bytes[volume] != VIEW_FREE_UNKNOWN)
		field_size(l, "Free space", con->view.free_bytes[volume]);
	if (v->stripe_size)
		field_size(l, "Stripe size", v->stripe_size);
	field(l, "LDM name", v->name);
	field(l, "GUID", v->guid);
	group_fields(m, v->group, l);
	lines_add(l, ROLE_DIALOG, 0, "%s", "");
	for (size_t i = 0; i < v->n_plexes; i++)
		plex_text(m, &v->plexes[i], l);
	if (v->n_unread)
		lines_add(l, ROLE_DIALOG_STRONG, 0, "! One half holds zeros where the other could not be read:");
	for (size_t i = 0; i < v->n_unread; i++)
		lines_add(l, ROLE_DIALOG, 2, "bytes %llu to %llu of the volume", (unsigned long long)v->unread[i].offset,
			  (unsigned long long)(v->unread[i].offset + v->unread[i].size - 1));
}

static void space_text(const struct dyn_model *m, struct target t, struct lines *l)
{
	const struct dyn_region *r = &m->disks[t.disk].regions[t.region];
	char title[160];

	words_disk_title(&m->disks[t.disk], title, sizeof(title));
	field(l, "What", words_region(WORDS_TUI, r->kind));
	field(l, "Disk", title);
	field_size(l, "Size", r->size);
	lines_add(l, ROLE_DIALOG, 0, "%-15s byte %llu, sector %llu", "Begins at", (unsigned long long)r->offset,
		  (unsigned long long)(r->offset / 512));
}

void properties_text(const struct console *con, struct target t, struct lines *l)
{
	if (t.kind == TARGET_VOLUME)
		volume_text(con, t.volume, l);
	else if (t.kind == TARGET_DISK)
		disk_text(con->m, &con->m->disks[t.disk], l);
	else if (t.kind == TARGET_SPACE)
		space_text(con->m, t, l);
}
