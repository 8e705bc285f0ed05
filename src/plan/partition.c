/* SPDX-License-Identifier: GPL-3.0-or-later */
/* partition.c - room for a partition, and new ones in it (DiskPart "create partition"). */
#include "plan/partition.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum {
	MBR_FIRST = 63, /* the first track is the boot code's, and LDM's copy of a header is in sector 6 */
	MBR_ENTRIES = 4,
	GPT_ENTRIES = 128,
	TYPE_NTFS = 0x07,
	TYPE_EXTENDED = 0x05,
	TYPE_EXTENDED_LBA = 0x0f,
	CHS_END = 1024 * 255 * 63,
};

/* ---------------------------------------------------------------------- shared */

int part_edit_begin(const struct sim *sim, size_t disk, struct part_edit *e, struct dyn_err *err)
{
	const struct table *now = sim->disks[disk].table;

	e->want = (struct table){ .kind = now->kind, .mbr_signature = now->mbr_signature, .n = now->n };
	memcpy(e->want.gpt_guid, now->gpt_guid, sizeof(e->want.gpt_guid));
	e->want.parts = calloc(now->n + 1, sizeof(*e->want.parts));
	if (!e->want.parts)
		return dyn_fail_nomem(err);
	if (now->n)
		memcpy(e->want.parts, now->parts, now->n * sizeof(*e->want.parts));
	return 0;
}

int part_edit_step(struct sim *sim, size_t disk, struct part_edit *e, const char *words, const char *effect,
		   const char *diskpart, bool destroys, struct dyn_err *err)
{
	struct plan_step *st = plan_add_step(sim->p, DYN_STEP_SECTORS, disk, words, effect, diskpart);
	unsigned phase = 0;

	if (!st)
		return dyn_fail_nomem(err);
	st->pub.destroys = destroys;
	return sim_build_table(sim, st, &phase, disk, &e->want, err);
}

void part_edit_end(struct part_edit *e)
{
	free(e->want.parts);
	e->want.parts = NULL;
}

int part_need_table(const struct sim *sim, size_t disk, struct dyn_err *err)
{
	int rc = sim_need_known_disk(sim, disk, err);

	if (!rc && sim->disks[disk].table->kind == DYN_TABLE_NONE)
		rc = dyn_refuse(err, -ENXIO, "Initialize it first (convert gpt, or convert mbr).",
				"%s has no partition table that can be read", sim->m->disks[disk].name);
	return rc;
}

int part_need_basic(const struct sim *sim, size_t disk, struct dyn_err *err)
{
	int rc = part_need_table(sim, disk, err);

	if (!rc && (sim->disks[disk].dynamic || sim->m->disks[disk].dynamic))
		rc = dyn_refuse(
			err, -EMEDIUMTYPE, "Use a basic disk, or create volumes on this one (create volume simple).",
			"%s is a dynamic disk: this works on partitions of basic disks", sim->m->disks[disk].name);
	return rc;
}

int part_need(const struct sim *sim, size_t disk, size_t part, struct dyn_err *err)
{
	int rc = part_need_table(sim, disk, err);

	if (!rc && part >= sim->disks[disk].table->n)
		rc = dyn_fail(err, -EINVAL, "%s has no such partition", sim->m->disks[disk].name);
	return rc;
}

bool part_is(const struct table_part *p, const char *gpt_type)
{
	return strcmp(p->gpt_type, gpt_type) == 0;
}

bool part_is_ldm(enum dyn_table kind, const struct table_part *p)
{
	return kind == DYN_TABLE_MBR ? p->mbr_type == LDM_MBR_TYPE :
				       part_is(p, LDM_GPT_DATA) || part_is(p, LDM_GPT_META);
}

void part_title(const struct sim *sim, size_t disk, size_t part, char *dst, size_t n)
{
	const struct table *t = sim->disks[disk].table;
	char size[32];

	dyn_text_size(size, sizeof(size), t->parts[part].size * PART_SECTOR);
	snprintf(dst, n, "partition %zu (%s, %s)", part + 1, table_type_word(t->kind, &t->parts[part]), size);
}

/* ------------------------------------------------------------------------ types */

static bool is_cluster_or_ldm(const char *guid)
{
	return strcmp(guid, LDM_GPT_DATA) == 0 || strcmp(guid, LDM_GPT_META) == 0 ||
	       strcmp(guid, PART_GPT_CLUSTER) == 0;
}

static int parse_byte(const char *id, struct table_part *p, struct dyn_err *err)
{
	char *end = NULL;
	unsigned long v = strtoul(id, &end, 16);
	size_t digits = strspn(id, "0123456789abcdefABCDEF");

	if (!digits || digits > 2 || *end)
		return dyn_refuse(err, -EINVAL, "On an MBR disk a type is two hexadecimal digits: id=07, id=27.",
				  "\"%.40s\" is not a partition type", id);
	if (v == LDM_MBR_TYPE)
		return dyn_refuse(err, -EPERM, "Convert the disk to dynamic instead (convert dynamic).",
				  "type 42 is LDM's: it is never set by hand");
	if (v == 0x00 || v == 0x05 || v == 0x0f || v == 0x85 || v == 0xee)
		return dyn_refuse(err, -EPERM,
				  "Choose the type of a partition that holds data (07: NTFS, 0C: FAT32, 27: recovery).",
				  "type %02lX says how the table itself is built: it is never set by hand", v);
	p->mbr_type = (uint8_t)v;
	return 0;
}

static int parse_guid(const char *id, struct table_part *p, struct dyn_err *err)
{
	uint8_t bytes[16];
	char guid[37];

	if (strlen(id) != 36 || dyn_guid_parse(id, bytes))
		return dyn_refuse(err, -EINVAL,
				  "On a GPT disk a type is a GUID: id=ebd0a0a2-b9e5-4433-87c0-68b6b72699c7.",
				  "\"%.40s\" is not a partition type", id);
	dyn_guid_format(bytes, guid);
	if (is_cluster_or_ldm(guid))
		return dyn_refuse(err, -EPERM, "LDM partitions come into being with convert dynamic.",
				  "this type belongs to LDM or to clusters: it is never set by hand");
	if (strcmp(guid, LDM_GPT_MSR) == 0)
		return dyn_refuse(err, -EPERM, "Create one with \"create partition msr\".",
				  "a partition is not made a Microsoft reserved one afterwards");
	if (bytes_all_zero(bytes, sizeof(bytes)))
		return dyn_refuse(err, -EPERM, "Delete the partition instead.", "this type marks an entry as unused");
	memcpy(p->gpt_type, guid, sizeof(p->gpt_type));
	return 0;
}

int part_type_parse(enum dyn_table kind, const char *id, struct table_part *p, struct dyn_err *err)
{
	if (id[0] == '0' && (id[1] == 'x' || id[1] == 'X'))
		id += 2;
	return kind == DYN_TABLE_MBR ? parse_byte(id, p, err) : parse_guid(id, p, err);
}

/* ------------------------------------------------------------------------- room */

/* What is looked for, and what was found. */
struct search {
	uint64_t size; /* 0: as much as there is, in whole MiB */
	uint64_t at; /* 0: anywhere */
	uint64_t align;
	uint64_t start, found; /* the place; found 0: none yet */
	uint64_t largest; /* the longest run that a partition could have */
};

static uint64_t align_up(uint64_t v, uint64_t align)
{
	return (v + align - 1) / align * align;
}

/* One free run [from, to). The first that is long enough is taken; of the rest of the room, the longest. */
static void consider(struct search *s, uint64_t from, uint64_t to)
{
	uint64_t start = align_up(s->at ? s->at : from, s->align), size, whole;

	if ((s->at && s->at < from) || start >= to)
		return;
	size = to - start;
	if (size > s->largest)
		s->largest = size;
	if (s->size) {
		if (!s->found && size >= s->size) {
			s->start = start;
			s->found = s->size;
		}
		return;
	}
	/* ends on a MiB as Windows has it, where that leaves anything */
	whole = (start + size) / PART_MIB * PART_MIB;
	if (whole > start && whole - start >= PART_MIB)
		size = whole - start;
	if (size > s->found) {
		s->start = start;
		s->found = size;
	}
}

static uint64_t first_sector(const struct table *t)
{
	return t->kind == DYN_TABLE_MBR && t->first_usable < MBR_FIRST ? MBR_FIRST : t->first_usable;
}

/* The room between primary partitions, below `limit`. */
static void search_table(const struct table *t, uint64_t limit, struct search *s)
{
	uint64_t at = first_sector(t);

	for (size_t i = 0; i < t->n; i++) {
		const struct table_part *p = &t->parts[i];
		if (p->logical)
			continue;
		if (p->start > at)
			consider(s, at, p->start < limit ? p->start : limit);
		if (p->start + p->size > at)
			at = p->start + p->size;
	}
	consider(s, at, limit);
}

/* The room between logicals; each needs a sector in front of it for its EBR, and gets a MiB where it can. */
static void search_extended(const struct table *t, const struct table_part *ext, struct search *s)
{
	uint64_t at = ext->start;

	for (size_t i = 0; i < t->n; i++) {
		const struct table_part *p = &t->parts[i];
		if (!p->logical)
			continue;
		if (p->start > at + PART_MIB)
			consider(s, at + 1, p->start - PART_MIB);
		if (p->start + p->size > at)
			at = p->start + p->size;
	}
	consider(s, at + 1, ext->start + ext->size);
}

bool part_room_at(const struct sim *sim, size_t disk, uint64_t start, uint64_t size)
{
	const struct table *t = sim->disks[disk].table;
	struct search s = { .size = size, .at = start, .align = 1 };

	search_table(t, t->last_usable + 1, &s);
	return s.found != 0;
}

static const struct table_part *find_extended(const struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->parts[i].extended)
			return &t->parts[i];
	return NULL;
}

/* The last MiB of an MBR disk stays free, for that is where convert dynamic puts the LDM database. */
static uint64_t usual_limit(const struct table *t)
{
	uint64_t end = t->last_usable + 1;

	if (t->kind != DYN_TABLE_MBR)
		return end;
	end = end > 2 * PART_MIB ? end - PART_MIB : end;
	return end > UINT32_MAX ? UINT32_MAX : end;
}

static int no_room(const struct sim *sim, size_t disk, const struct dyn_part_spec *spec, const struct search *s,
		   struct dyn_err *err)
{
	const char *name = sim->m->disks[disk].name;
	char have[32], want[32], lack[48] = "";

	dyn_text_size(have, sizeof(have), s->largest * PART_SECTOR);
	dyn_text_size(want, sizeof(want), s->size * PART_SECTOR);
	if (s->size)
		snprintf(lack, sizeof(lack), ", %s are asked for", want);
	if (spec->offset)
		return dyn_refuse(
			err, -ENOSPC, "Leave the offset out, or choose one in unallocated space.",
			"There is not enough usable space for this operation: %s has %s free at that offset%s", name,
			have, lack);
	return dyn_refuse(err, -ENOSPC, "Choose a smaller size or another disk, or delete a partition first.",
			  "There is not enough usable space for this operation: %s has %s free in one piece%s", name,
			  have, lack);
}

static int find_room(struct sim *sim, size_t disk, const struct dyn_part_spec *spec, struct search *s,
		     struct dyn_err *err)
{
	const struct table *t = sim->disks[disk].table;
	uint64_t end = t->last_usable + 1;

	s->size = spec->size / PART_SECTOR + (spec->size % PART_SECTOR != 0);
	s->at = spec->offset / PART_SECTOR + (spec->offset % PART_SECTOR != 0);
	s->align = spec->align / PART_SECTOR;
	if (spec->align % PART_SECTOR)
		return dyn_refuse(err, -EINVAL, "Give a multiple of 512 bytes.", "partitions begin on a sector");
	if (!s->align) /* an exact offset is meant exactly, and nothing is read from an MSR */
		s->align = s->at || spec->kind == DYN_PART_MSR ? 1 : PART_MIB;
	if (spec->kind == DYN_PART_LOGICAL) {
		search_extended(t, find_extended(t), s);
	} else {
		search_table(t, usual_limit(t), s);
		if (!s->found && s->size && usual_limit(t) < end && end <= UINT32_MAX) {
			search_table(t, end, s);
			if (s->found &&
			    plan_note(sim->p,
				      "It leaves no free MiB at the end of %s, which convert dynamic would need.",
				      sim->m->disks[disk].name))
				return dyn_fail_nomem(err);
		}
	}
	if (!s->found || (!s->size && s->found < PART_MIB))
		return no_room(sim, disk, spec, s, err);
	return 0;
}

/* ----------------------------------------------------------------------- create */

static int need_entry(const struct sim *sim, size_t disk, enum dyn_part_kind kind, struct dyn_err *err)
{
	const struct table *t = sim->disks[disk].table;
	const char *name = sim->m->disks[disk].name;
	size_t used = 0;

	for (size_t i = 0; i < t->n; i++)
		used += !t->parts[i].logical;
	if (kind == DYN_PART_LOGICAL || used < (size_t)(t->kind == DYN_TABLE_MBR ? MBR_ENTRIES : GPT_ENTRIES))
		return 0;
	return dyn_refuse(
		err, -ENOSPC,
		t->kind == DYN_TABLE_GPT ? "Delete a partition first." :
		find_extended(t) ? "Create a logical drive in the extended partition (create partition logical)." :
				   "Delete one and create an extended partition in its place, or use a GPT disk.",
		"%s would have more than the maximum number of supported partitions (%zu are there)", name, used);
}

static int need_kind(const struct sim *sim, size_t disk, enum dyn_part_kind kind, struct dyn_err *err)
{
	const struct table *t = sim->disks[disk].table;
	const char *name = sim->m->disks[disk].name;
	bool mbr = t->kind == DYN_TABLE_MBR;

	if ((kind == DYN_PART_EFI || kind == DYN_PART_MSR) && mbr)
		return dyn_refuse(err, -EINVAL, "Convert the disk to GPT while it is empty (convert gpt).",
				  "%s is an MBR disk: EFI system and reserved partitions belong on GPT disks", name);
	if ((kind == DYN_PART_EXTENDED || kind == DYN_PART_LOGICAL) && !mbr)
		return dyn_refuse(err, -EINVAL, "Create a primary partition: a GPT has room for 128 of them.",
				  "%s is a GPT disk: extended partitions and logical drives belong on MBR disks", name);
	if (kind == DYN_PART_EXTENDED && find_extended(t))
		return dyn_refuse(err, -EEXIST, "Create logical drives in it (create partition logical).",
				  "%s has an extended partition already", name);
	if (kind == DYN_PART_LOGICAL && !find_extended(t))
		return dyn_refuse(err, -ENOENT, "Create one first (create partition extended).",
				  "%s has no extended partition for a logical drive to lie in", name);
	return need_entry(sim, disk, kind, err);
}

static int describe(const struct sim *sim, enum dyn_table table, const struct dyn_part_spec *spec, struct table_part *p,
		    struct dyn_err *err)
{
	static const char *const names[] = {
		[DYN_PART_EFI] = "EFI system partition",
		[DYN_PART_MSR] = "Microsoft reserved partition",
		[DYN_PART_PRIMARY] = "Basic data partition",
	};
	static const char *const types[] = {
		[DYN_PART_EFI] = TABLE_GPT_ESP,
		[DYN_PART_MSR] = LDM_GPT_MSR,
		[DYN_PART_PRIMARY] = TABLE_GPT_BASIC,
	};

	if (table == DYN_TABLE_GPT) {
		snprintf(p->gpt_type, sizeof(p->gpt_type), "%s", types[spec->kind]);
		snprintf(p->name, sizeof(p->name), "%s", names[spec->kind]);
		dyn_rand_guid(&sim->s->rand, p->gpt_guid);
	}
	p->mbr_type = TYPE_NTFS;
	p->logical = spec->kind == DYN_PART_LOGICAL;
	p->extended = spec->kind == DYN_PART_EXTENDED;
	if (p->extended) /* the newer type for what old BIOSes cannot reach, as Windows chooses */
		p->mbr_type = p->start + p->size > CHS_END ? TYPE_EXTENDED_LBA : TYPE_EXTENDED;
	if (spec->id && spec->kind != DYN_PART_PRIMARY && spec->kind != DYN_PART_LOGICAL)
		return dyn_refuse(err, -EINVAL, "Leave the id out.",
				  "only primary partitions and logical drives are given a type");
	return spec->id ? part_type_parse(table, spec->id, p, err) : 0;
}

static const char *create_line(struct dyn_plan *p, const struct dyn_part_spec *spec)
{
	static const char *const words[] = { "efi", "msr", "primary", "extended", "logical" };
	char size[40] = "", offset[40] = "", align[40] = "";

	if (spec->size)
		snprintf(size, sizeof(size), " size=%llu", (unsigned long long)((spec->size + (1 << 20) - 1) >> 20));
	if (spec->offset)
		snprintf(offset, sizeof(offset), " offset=%llu", (unsigned long long)(spec->offset >> 10));
	if (spec->align)
		snprintf(align, sizeof(align), " align=%llu", (unsigned long long)(spec->align >> 10));
	return plan_printf(p, "create partition %s%s%s%s%s%s", words[spec->kind], size, offset, align,
			   spec->id ? " id=" : "", spec->id ? spec->id : "");
}

int part_put(struct sim *sim, size_t disk, const struct table_part *p, const char *words, const char *diskpart,
	     struct dyn_err *err)
{
	struct part_edit e;
	int rc = part_edit_begin(sim, disk, &e, err);

	if (rc)
		return rc;
	e.want.parts[e.want.n++] = *p;
	rc = part_edit_step(sim, disk, &e, words, "partition table only", diskpart, false, err);
	part_edit_end(&e);
	return rc;
}

/* Where nothing can be said about what is free. */
static int need_sound(const struct sim *sim, size_t disk, struct dyn_err *err)
{
	const struct table *t = sim->disks[disk].table;
	uint64_t end;

	for (size_t i = 0; i < t->n; i++)
		if (add_overflows(t->parts[i].start, t->parts[i].size, &end) || end > sim->disks[disk].map->total_sectors)
			return dyn_refuse(err, -EUCLEAN, "Delete that partition first.",
					  "partition %zu of %s reaches past the end of the disk", i + 1,
					  sim->m->disks[disk].name);
	return 0;
}

int part_create(struct sim *sim, size_t disk, const struct dyn_part_spec *spec, struct dyn_err *err)
{
	static const char *const words[] = { "an EFI system partition", "a Microsoft reserved partition",
					     "a primary partition", "an extended partition", "a logical drive" };
	struct search s = { 0 };
	struct table_part p = { 0 };
	char size[32];
	int rc = part_need_basic(sim, disk, err);

	if (!rc && (unsigned)spec->kind > DYN_PART_LOGICAL)
		rc = dyn_fail(err, -EINVAL, "there is no such kind of partition");
	if (!rc)
		rc = need_kind(sim, disk, spec->kind, err);
	if (!rc)
		rc = need_sound(sim, disk, err);
	if (!rc)
		rc = find_room(sim, disk, spec, &s, err);
	if (rc)
		return rc;
	p.start = s.start;
	p.size = s.found;
	rc = describe(sim, sim->disks[disk].table->kind, spec, &p, err);
	if (rc)
		return rc;
	dyn_text_size(size, sizeof(size), p.size * PART_SECTOR);
	return part_put(sim, disk, &p,
			plan_printf(sim->p, "Create %s of %s on %s", words[spec->kind], size, sim->m->disks[disk].name),
			create_line(sim->p, spec), err);
}

int dyn_plan_create_partition(struct dyn_session *s, struct dyn_model *m, size_t disk, const struct dyn_part_spec *spec,
			      struct dyn_plan **out, struct dyn_err *err)
{
	struct sim sim;
	int rc = disk < m->n_disks ? 0 : dyn_fail(err, -EINVAL, "there is no such disk");

	if (!rc)
		rc = sim_begin(&sim, s, m, err, "Create a partition on %s", m->disks[disk].name);
	if (rc)
		return rc;
	return sim_finish(&sim, part_create(&sim, disk, spec, err), out);
}
