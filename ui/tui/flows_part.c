/* SPDX-License-Identifier: GPL-3.0-or-later */
/* flows_part.c - dialogs: partitions created, deleted, given a type, attributes or the active flag. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/tui/actions.h"
#include "ui/tui/flow.h"
#include "ui/words.h"

#define MIB ((uint64_t)1 << 20)

static const struct dyn_partition *partition(const struct console *con)
{
	return &con->m->disks[con->flow.disk].partitions[con->flow.part];
}

static void partition_title(const struct dyn_partition *p, char *dst, size_t n)
{
	char size[24];

	dyn_text_size(size, sizeof(size), p->size);
	snprintf(dst, n, "Partition %u  %s  %s%s", p->number, p->type_word, size, p->active ? "  active" : "");
}

/* ---------------------------------------------------------------- new partition */

struct kind {
	const char *label, *ask, *hint;
	uint64_t suggested; /* bytes; 0: all there is */
};

static const struct kind kinds[] = {
	[DYN_PART_EFI] = { "EFI System Partition (ESP)", "The firmware of a UEFI machine starts from it.",
			   "A UEFI machine starts from it; format it with FAT32 afterwards.", 100 * MIB },
	[DYN_PART_MSR] = { "Microsoft Reserved Partition (MSR)", "The LDM database is carved from it when the disk becomes dynamic.",
			   "Windows wants one on every GPT disk; the LDM database goes there.", 128 * MIB },
	[DYN_PART_PRIMARY] = { "Primary Partition", "It can hold a file system.", "An ordinary partition for data.", 0 },
	[DYN_PART_EXTENDED] = { "Extended Partition", "It holds logical drives.",
				"A container for logical drives, when four primary partitions are not enough.", 0 },
	[DYN_PART_LOGICAL] = { "Logical Drive", "It can hold a file system.", "A partition for data inside the extended partition.", 0 },
};

static const struct dyn_region *space(const struct console *con, struct target t)
{
	return &con->m->disks[t.disk].regions[t.region];
}

/* Where in the selected space it goes: nothing need be said when the disk has only this one. */
static uint64_t place(const struct console *con, struct target t, enum dyn_part_kind kind)
{
	const struct dyn_disk *d = &con->m->disks[t.disk];
	const struct dyn_region *r = space(con, t);
	size_t n = 0;

	for (size_t i = 0; i < d->n_regions; i++)
		n += d->regions[i].kind == r->kind;
	if (n < 2)
		return 0;
	if (kind == DYN_PART_MSR)
		return r->offset;
	/* a logical drive has its own table sector in front of it */
	return (r->offset + (kind == DYN_PART_LOGICAL) + MIB - 1) / MIB * MIB;
}

static int make_partition(struct console *con, struct target t, enum dyn_part_kind kind, uint64_t size, struct dyn_plan **p,
			  struct dyn_err *err)
{
	struct dyn_part_spec spec = { .kind = kind, .size = size, .offset = place(con, t, kind) };

	return dyn_plan_create_partition(con->s, con->m, t.disk, &spec, p, err);
}

static bool can_make(struct console *con, struct target t, enum dyn_part_kind kind, char *reason, size_t n)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };

	return flow_possible(make_partition(con, t, kind, 0, &p, &err), &p, &err, reason, n);
}

/* What can be made here at all: only logical drives in an extended partition, and they nowhere else. */
static bool fits_here(const struct console *con, struct target t, enum dyn_part_kind kind)
{
	bool gpt = con->m->disks[t.disk].table == DYN_TABLE_GPT;

	if (space(con, t)->kind == DYN_REGION_FREE)
		return kind == DYN_PART_LOGICAL;
	return kind == DYN_PART_PRIMARY || (kind == DYN_PART_EXTENDED && !gpt) ||
	       (gpt && (kind == DYN_PART_EFI || kind == DYN_PART_MSR));
}

bool can_new_partition(struct console *con, struct target t, char *reason, size_t n)
{
	if (!flow_need_space(t, "New Partition", reason, n))
		return false;
	for (int k = DYN_PART_EFI; k <= DYN_PART_LOGICAL; k++) {
		if (fits_here(con, t, (enum dyn_part_kind)k) && can_make(con, t, (enum dyn_part_kind)k, reason, n))
			return true;
	}
	return false;
}

static void sized(struct console *con, const char *text)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	uint64_t size;
	int rc;

	if (!flow_size(con, "New Partition", text, &size))
		return;
	rc = make_partition(con, con->flow.target, con->flow.kind, size, &p, &err);
	if (flow_show(con, "New Partition", rc, p, &err) && con->flow.kind != DYN_PART_EXTENDED && con->flow.kind != DYN_PART_MSR)
		flow_format_after(con);
}

static void kind_picked(struct console *con, int kind)
{
	con->flow.kind = (enum dyn_part_kind)kind;
	flow_ask_size(con, kinds[kind].label, kinds[kind].ask, space(con, con->flow.target)->size, kinds[kind].suggested, sized);
}

void run_new_partition(struct console *con, struct target t)
{
	struct menu *m = menu_new("New Partition");
	char text[128], size[24];

	con->flow = (struct flow){ .target = t, .disk = t.disk };
	dyn_text_size(size, sizeof(size), space(con, t)->size);
	snprintf(text, sizeof(text), "What shall be made in these %s of %s?", size, con->m->disks[t.disk].name);
	menu_text(m, text);
	for (int k = DYN_PART_EFI; k <= DYN_PART_LOGICAL; k++) {
		char reason[512] = "";
		bool ok;

		if (!fits_here(con, t, (enum dyn_part_kind)k))
			continue;
		ok = can_make(con, t, (enum dyn_part_kind)k, reason, sizeof(reason));
		menu_add(m, k, !ok, 0, kinds[k].label, "", ok ? kinds[k].hint : reason);
		if (k == DYN_PART_PRIMARY && ok)
			menu_select(m, k);
	}
	menu_show(con, m, kind_picked, NULL);
}

/* The ordinary partition for data that this space can hold. */
static enum dyn_part_kind data_kind(const struct console *con, struct target t)
{
	return space(con, t)->kind == DYN_REGION_FREE ? DYN_PART_LOGICAL : DYN_PART_PRIMARY;
}

bool can_new_data_partition(struct console *con, struct target t, char *reason, size_t n)
{
	return can_make(con, t, data_kind(con, t), reason, n);
}

void run_new_data_partition(struct console *con, struct target t)
{
	con->flow = (struct flow){ .target = t, .disk = t.disk };
	kind_picked(con, (int)data_kind(con, t));
}

/* ---------------------------------------------------------------- delete */

static void delete_plan(struct console *con, bool override)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	int rc = dyn_plan_delete_partition(con->s, con->m, con->flow.disk, con->flow.part, override, &p, &err);

	flow_show(con, "Delete Partition", rc, p, &err);
}

static void delete_protected(struct console *con, int yes)
{
	if (yes)
		delete_plan(con, true);
}

/* Protected partitions (ESP, MSR, OEM, recovery) are asked about once more. */
static void delete_partition(struct console *con)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	char text[512], title[96];
	struct menu *m;
	int rc = dyn_plan_delete_partition(con->s, con->m, con->flow.disk, con->flow.part, false, &p, &err);

	if (rc != -EACCES) {
		flow_show(con, "Delete Partition", rc, p, &err);
		return;
	}
	partition_title(partition(con), title, sizeof(title));
	m = menu_new("Delete Partition");
	snprintf(text, sizeof(text), "%s\nThis is not an ordinary data partition. A machine may need it to start.", title);
	menu_text(m, text);
	menu_add(m, 0, false, 0, "Keep it", "", "Nothing changes.");
	menu_add(m, 1, false, 0, "Show the plan that deletes it", "", "DiskPart: delete partition override. Nothing is written yet.");
	menu_show(con, m, delete_protected, NULL);
}

/* The extended partition that the free space lies in, as an index into partitions[]; DYN_NONE when there is none. */
static size_t container_of_space(const struct console *con, struct target t)
{
	const struct dyn_disk *d = &con->m->disks[t.disk];
	const struct dyn_region *r = space(con, t);
	size_t found = DYN_NONE;

	for (size_t i = 0; i < d->n_partitions; i++) {
		const struct dyn_partition *p = &d->partitions[i];

		/* the first entry around it is the container: logical drives come after it */
		if (found == DYN_NONE && p->offset <= r->offset && r->offset + r->size <= p->offset + p->size)
			found = i;
	}
	return found;
}

bool can_delete_extended(struct console *con, struct target t, char *reason, size_t n)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };

	if (!flow_need_space(t, "Delete Extended Partition", reason, n))
		return false;
	return flow_possible(dyn_plan_delete_partition(con->s, con->m, t.disk, container_of_space(con, t), false, &p, &err), &p, &err,
			     reason, n);
}

void run_delete_extended(struct console *con, struct target t)
{
	con->flow = (struct flow){ .disk = t.disk, .part = container_of_space(con, t) };
	delete_plan(con, false);
}

/* ---------------------------------------------------------------- type */

struct type {
	const char *id, *label, *hint;
};

static const struct type gpt_types[] = {
	{ "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7", "Basic data", "An ordinary volume with a drive letter." },
	{ "de94bba4-06d1-4d40-a16a-bfd50179d6ac", "Recovery", "Windows keeps its recovery tools there and shows no drive letter." },
	{ "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "EFI System", "The firmware starts from it." },
};
static const struct type mbr_types[] = {
	{ "07", "07  NTFS or exFAT", "An ordinary volume with a drive letter." },
	{ "0C", "0C  FAT32", "An ordinary volume with a drive letter." },
	{ "27", "27  Recovery", "Windows keeps its recovery tools there and shows no drive letter." },
};
#define TYPES 3
#define TYPE_OTHER TYPES

static const struct type *types(const struct console *con, size_t disk)
{
	return con->m->disks[disk].table == DYN_TABLE_GPT ? gpt_types : mbr_types;
}

static void set_type(struct console *con, const char *id)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	int rc = dyn_plan_set_id(con->s, con->m, con->flow.disk, con->flow.part, id, false, &p, &err);

	flow_show(con, "Change Type", rc, p, &err);
}

static void type_picked(struct console *con, int i)
{
	bool gpt = con->m->disks[con->flow.disk].table == DYN_TABLE_GPT;

	if (i != TYPE_OTHER)
		set_type(con, types(con, con->flow.disk)[i].id);
	else
		input_show(con, "Change Type", gpt ? "The type as a GUID:" : "The type as two hexadecimal digits:",
			   partition(con)->type_id, set_type);
}

static bool can_set_type(struct console *con, size_t disk, size_t part, const char *id, char *reason, size_t n)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };

	return flow_possible(dyn_plan_set_id(con->s, con->m, disk, part, id, false, &p, &err), &p, &err, reason, n);
}

static void choose_type(struct console *con)
{
	struct menu *m = menu_new("Change Type");
	char title[96], text[200];

	partition_title(partition(con), title, sizeof(title));
	snprintf(text, sizeof(text), "%s\nIts data stays as it is; only what Windows takes it for changes.", title);
	menu_text(m, text);
	for (int i = 0; i < TYPES; i++) {
		char reason[512] = "";
		bool ok = can_set_type(con, con->flow.disk, con->flow.part, types(con, con->flow.disk)[i].id, reason, sizeof(reason));

		menu_add(m, i, !ok, 0, types(con, con->flow.disk)[i].label, "", ok ? types(con, con->flow.disk)[i].hint : reason);
	}
	menu_add(m, TYPE_OTHER, false, 0, "Other...", "", "Any other type, typed.");
	menu_show(con, m, type_picked, NULL);
}

/* ---------------------------------------------------------------- active, attributes */

static void set_active(struct console *con, bool active)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	int rc = dyn_plan_set_active(con->s, con->m, con->flow.disk, con->flow.part, active, &p, &err);

	flow_show(con, "Mark Partition", rc, p, &err);
}

static bool can_set_active(struct console *con, size_t disk, size_t part, bool active, char *reason, size_t n)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };

	return flow_possible(dyn_plan_set_active(con->s, con->m, disk, part, active, &p, &err), &p, &err, reason, n);
}

static void attributes_done(struct console *con, const char *text)
{
	struct dyn_plan *p = NULL;
	struct dyn_err err = { 0 };
	unsigned long long a;
	char *end;
	int rc;

	errno = 0;
	a = strtoull(text, &end, 16);
	if (end == text || *end || errno || strchr(text, '-')) {
		message_show(con, "Attributes", "\"%.40s\" is not a hexadecimal number of 64 bits.", text);
		return;
	}
	rc = dyn_plan_gpt_attributes(con->s, con->m, con->flow.disk, con->flow.part, a, &p, &err);
	flow_show(con, "Attributes", rc, p, &err);
}

static void ask_attributes(struct console *con)
{
	struct lines l = { 0 };
	char now[24];

	snprintf(now, sizeof(now), "0x%016llx", (unsigned long long)partition(con)->attributes);
	lines_add(&l, ROLE_DIALOG, 2, "0x0000000000000001  the machine needs it: never delete it");
	lines_add(&l, ROLE_DIALOG, 2, "0x8000000000000000  no drive letter");
	lines_add(&l, ROLE_DIALOG, 2, "0x4000000000000000  hidden");
	lines_add(&l, ROLE_DIALOG, 2, "0x1000000000000000  read-only");
	lines_add(&l, ROLE_DIALOG, 0, "Recovery partitions have the first two: 0x8000000000000001.");
	lines_add(&l, ROLE_DIALOG, 0, "%s", "");
	lines_add(&l, ROLE_DIALOG_STRONG, 0, "Their sum:");
	input_show_lines(con, "Attributes", &l, now, attributes_done);
}

/* ---------------------------------------------------------------- of a volume */

/* The table entry of a volume that is a partition, on the disk of the selection. DYN_NONE: it has none of its own. */
static size_t part_of_volume(const struct console *con, struct target t)
{
	const struct dyn_disk *d;

	if (t.kind != TARGET_VOLUME || t.disk >= con->m->n_disks)
		return DYN_NONE;
	d = &con->m->disks[t.disk];
	for (size_t i = 0; i < d->n_partitions; i++) {
		if (d->partitions[i].volume == t.volume)
			return i;
	}
	return DYN_NONE;
}

static bool need_part(struct console *con, struct target t, const char *what, char *reason, size_t n)
{
	if (part_of_volume(con, t) != DYN_NONE)
		return true;
	snprintf(reason, n, "%s works on a partition of a basic disk; select one first.", what);
	return false;
}

bool can_mark_active(struct console *con, struct target t, char *reason, size_t n)
{
	return need_part(con, t, "Mark Partition as Active", reason, n) &&
	       can_set_active(con, t.disk, part_of_volume(con, t), true, reason, n);
}

void run_mark_active(struct console *con, struct target t)
{
	con->flow = (struct flow){ .disk = t.disk, .part = part_of_volume(con, t) };
	set_active(con, true);
}

/* Possible when any of the usual types is; a type typed by hand has its own answer. */
bool can_change_type(struct console *con, struct target t, char *reason, size_t n)
{
	if (!need_part(con, t, "Change Type", reason, n))
		return false;
	for (int i = 0; i < TYPES; i++) {
		if (can_set_type(con, t.disk, part_of_volume(con, t), types(con, t.disk)[i].id, reason, n))
			return true;
	}
	return false;
}

void run_change_type(struct console *con, struct target t)
{
	con->flow = (struct flow){ .disk = t.disk, .part = part_of_volume(con, t) };
	choose_type(con);
}

/* ---------------------------------------------------------------- all partitions of a disk */

enum { PART_TYPE, PART_ATTRIBUTES, PART_ACTIVE, PART_INACTIVE, PART_DELETE };

static void part_action(struct console *con, int id)
{
	switch (id) {
	case PART_TYPE:
		choose_type(con);
		break;
	case PART_ATTRIBUTES:
		ask_attributes(con);
		break;
	case PART_ACTIVE:
	case PART_INACTIVE:
		set_active(con, id == PART_ACTIVE);
		break;
	default:
		delete_partition(con);
	}
}

static void part_picked(struct console *con, int part)
{
	const struct dyn_disk *d = &con->m->disks[con->flow.disk];
	struct menu *m;
	char title[96], reason[512] = "";
	bool ok = false;

	con->flow.part = (size_t)part;
	partition_title(partition(con), title, sizeof(title));
	m = menu_new(title);
	for (int i = 0; i < TYPES && !ok; i++)
		ok = can_set_type(con, con->flow.disk, con->flow.part, types(con, con->flow.disk)[i].id, reason, sizeof(reason));
	menu_add(m, PART_TYPE, !ok, 0, "Change Type...", "", ok ? "Its data stays as it is; only what Windows takes it for changes." : reason);
	if (d->table == DYN_TABLE_GPT) {
		menu_add(m, PART_ATTRIBUTES, false, 0, "Attributes...", "", "Needed, hidden, read-only, without a drive letter.");
	} else {
		ok = can_set_active(con, con->flow.disk, con->flow.part, true, reason, sizeof(reason));
		menu_add(m, PART_ACTIVE, !ok, 0, "Mark as Active", "", ok ? "A BIOS machine starts from it; no other is active then." : reason);
		if (partition(con)->active)
			menu_add(m, PART_INACTIVE, false, 0, "Mark as Inactive", "", "A BIOS machine does not start from it any more.");
	}
	menu_add(m, PART_DELETE, false, 0, "Delete Partition...", "", "Its data is lost. Shows the plan first.");
	menu_show(con, m, part_action, NULL);
}

bool can_partitions(struct console *con, struct target t, char *reason, size_t n)
{
	if (!flow_need_disk(t, "Partitions", reason, n))
		return false;
	if (con->m->disks[t.disk].n_partitions)
		return true;
	snprintf(reason, n, "%s has no partitions.", con->m->disks[t.disk].name);
	return false;
}

void run_partitions(struct console *con, struct target t)
{
	const struct dyn_disk *d = &con->m->disks[t.disk];
	struct menu *m = menu_new("Partitions");
	char text[200], title[160];

	con->flow = (struct flow){ .disk = t.disk };
	words_disk_title(d, title, sizeof(title));
	snprintf(text, sizeof(text), "All entries of the partition table of\n%s", title);
	menu_text(m, text);
	for (size_t i = 0; i < d->n_partitions; i++) {
		const struct dyn_partition *p = &d->partitions[i];
		char row[96], volume[96] = "", hint[200], size[24];

		partition_title(p, row, sizeof(row));
		if (p->volume < con->m->n_volumes)
			words_volume_title(&con->m->volumes[p->volume], volume, sizeof(volume));
		dyn_text_size(size, sizeof(size), p->offset);
		snprintf(hint, sizeof(hint), "Type %s, offset %s (sector %llu). Enter: what can be done with it.", p->type_id, size,
			 (unsigned long long)(p->offset / 512));
		menu_add(m, (int)i, false, 0, row, volume, hint);
	}
	menu_show(con, m, part_picked, NULL);
}
