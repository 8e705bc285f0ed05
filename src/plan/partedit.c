/* SPDX-License-Identifier: GPL-3.0-or-later */
/* partedit.c - changes to entries of a partition table: delete, type, attributes, active; and the disk's own id. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "plan/partition.h"

#define ATTR_REQUIRED 1ull
#define ATTR_RESERVED 0x0000fffffffffff8ull /* bits 3 to 47: UEFI 2.10, 5.3.3 */

/* ----------------------------------------------------------------------- delete */

/* What DiskPart deletes without "override": known data partitions. */
static bool is_data(enum dyn_table kind, const struct table_part *p)
{
	static const uint8_t types[] = { 0x01, 0x04, 0x06, 0x07, 0x0b, 0x0c, 0x0e, 0x05, 0x0f };

	if (kind == DYN_TABLE_GPT)
		return part_is(p, TABLE_GPT_BASIC) && !(p->gpt_attrs & ATTR_REQUIRED);
	for (size_t i = 0; i < sizeof(types); i++)
		if (p->mbr_type == types[i])
			return true;
	return false;
}

static int may_delete(const struct sim *sim, size_t disk, size_t part, bool override, struct dyn_err *err)
{
	const struct table *t = sim->disks[disk].table;
	const struct table_part *p = &t->parts[part];
	const char *name = sim->m->disks[disk].name;
	char title[96];

	part_title(sim, disk, part, title, sizeof(title));
	if (part_is_ldm(t->kind, p))
		return dyn_refuse(err, -EPERM, "Delete the volumes in it instead, or convert the empty disk to basic.",
				  "%s of %s belongs to LDM: deleting it would destroy every dynamic volume of the disk",
				  title, name);
	if (!override && !is_data(t->kind, p))
		return dyn_refuse(err, -EACCES, "Add \"override\" when it is really meant.",
				  "%s of %s is protected: it is not an ordinary data partition", title, name);
	for (size_t i = 0; p->extended && i < t->n; i++)
		if (t->parts[i].logical)
			return dyn_refuse(err, -ENOTEMPTY, "Delete the logical drives in it first.",
					  "%s of %s is not empty", title, name);
	return 0;
}

/* The volume that a partition is: the sim's table may have moved on, the place has not. */
static size_t volume_at(const struct sim *sim, size_t disk, uint64_t offset)
{
	const struct dyn_disk *d = &sim->m->disks[disk];

	for (size_t i = 0; i < d->n_partitions; i++)
		if (d->partitions[i].offset == offset)
			return d->partitions[i].volume;
	return DYN_NONE;
}

int part_delete(struct sim *sim, size_t disk, size_t part, bool override, struct dyn_err *err)
{
	const char *name = sim->m->disks[disk].name, *effect = "partition table only";
	char title[96], volume[96];
	struct part_edit e;
	size_t v;
	int rc = part_need(sim, disk, part, err);

	if (!rc)
		rc = may_delete(sim, disk, part, override, err);
	if (!rc)
		rc = part_edit_begin(sim, disk, &e, err);
	if (rc)
		return rc;
	part_title(sim, disk, part, title, sizeof(title));
	v = e.want.parts[part].extended ? DYN_NONE : volume_at(sim, disk, e.want.parts[part].start * PART_SECTOR);
	if (v != DYN_NONE) {
		model_volume_title(&sim->m->volumes[v], volume, sizeof(volume));
		effect = plan_printf(sim->p, "ERASES %s", volume);
		sim->p->confirm_disk = disk;
	}
	memmove(&e.want.parts[part], &e.want.parts[part + 1], (e.want.n - part - 1) * sizeof(*e.want.parts));
	e.want.n--;
	rc = part_edit_step(
		sim, disk, &e, plan_printf(sim->p, "Delete %s of %s", title, name), effect,
		plan_printf(sim->p, "select partition %zu\ndelete partition%s", part + 1, override ? " override" : ""),
		v != DYN_NONE, err);
	part_edit_end(&e);
	return rc;
}

int dyn_plan_delete_partition(struct dyn_session *s, struct dyn_model *m, size_t disk, size_t part, bool override,
			      struct dyn_plan **out, struct dyn_err *err)
{
	struct sim sim;
	int rc = disk < m->n_disks ? 0 : dyn_fail(err, -EINVAL, "there is no such disk");

	if (!rc)
		rc = sim_begin(&sim, s, m, err, "Delete a partition of %s", m->disks[disk].name);
	if (rc)
		return rc;
	return sim_finish(&sim, part_delete(&sim, disk, part, override, err), out);
}

/* ----------------------------------------------------- type, attributes, active */

static int op_set_id(struct sim *sim, size_t disk, size_t part, const char *id, bool override, struct dyn_err *err)
{
	struct table_part *p;
	char title[96];
	struct part_edit e;
	int rc = part_need(sim, disk, part, err);

	if (!rc)
		rc = part_need_basic(sim, disk, err);
	if (!rc)
		rc = part_edit_begin(sim, disk, &e, err);
	if (rc)
		return rc;
	p = &e.want.parts[part];
	part_title(sim, disk, part, title, sizeof(title));
	if (part_is_ldm(e.want.kind, p) || part_is(p, LDM_GPT_MSR) || part_is(p, PART_GPT_CLUSTER) || p->extended)
		rc = dyn_refuse(err, -EPERM, "Choose a partition that holds data.",
				"the type of %s of %s must not be changed", title, sim->m->disks[disk].name);
	if (!rc)
		rc = part_type_parse(e.want.kind, id, p, err);
	if (!rc && p->mbr_type == sim->disks[disk].table->parts[part].mbr_type &&
	    part_is(p, sim->disks[disk].table->parts[part].gpt_type))
		rc = dyn_refuse(err, -EALREADY, "Continue with the next step.", "%s of %s has this type already", title,
				sim->m->disks[disk].name);
	if (!rc)
		rc = part_edit_step(sim, disk, &e,
				    plan_printf(sim->p, "Set the type of %s of %s to %s (%s)", title,
						sim->m->disks[disk].name, table_type_word(e.want.kind, p), id),
				    "partition table only",
				    plan_printf(sim->p, "select partition %zu\nset id=%s%s", part + 1, id,
						override ? " override" : ""),
				    false, err);
	part_edit_end(&e);
	return rc;
}

int dyn_plan_set_id(struct dyn_session *s, struct dyn_model *m, size_t disk, size_t part, const char *id, bool override,
		    struct dyn_plan **out, struct dyn_err *err)
{
	struct sim sim;
	int rc = disk < m->n_disks && id ? 0 : dyn_fail(err, -EINVAL, "there is no such disk");

	if (!rc)
		rc = sim_begin(&sim, s, m, err, "Set a partition type on %s", m->disks[disk].name);
	if (rc)
		return rc;
	return sim_finish(&sim, op_set_id(&sim, disk, part, id, override, err), out);
}

static int op_attributes(struct sim *sim, size_t disk, size_t part, uint64_t attributes, struct dyn_err *err)
{
	const char *name = sim->m->disks[disk].name;
	char title[96];
	struct part_edit e;
	int rc = part_need(sim, disk, part, err);

	if (!rc && sim->disks[disk].table->kind != DYN_TABLE_GPT)
		rc = dyn_refuse(err, -EINVAL, "On an MBR disk the type decides (set id).",
				"%s is an MBR disk: its partitions have no attributes", name);
	if (!rc)
		part_title(sim, disk, part, title, sizeof(title));
	if (!rc && part_is_ldm(DYN_TABLE_GPT, &sim->disks[disk].table->parts[part]))
		rc = dyn_refuse(err, -EPERM, "Choose another partition.", "%s of %s belongs to LDM", title, name);
	if (!rc && attributes & ATTR_RESERVED)
		rc = dyn_refuse(err, -EINVAL, "Use 0x8000000000000001 for a recovery partition, 0 for none.",
				"bits 3 to 47 of the attributes are reserved (0x%016llX)",
				(unsigned long long)attributes);
	if (!rc && sim->disks[disk].table->parts[part].gpt_attrs == attributes)
		rc = dyn_refuse(err, -EALREADY, "Continue with the next step.", "%s of %s has these attributes already",
				title, name);
	if (!rc)
		rc = part_edit_begin(sim, disk, &e, err);
	if (rc)
		return rc;
	e.want.parts[part].gpt_attrs = attributes;
	rc = part_edit_step(sim, disk, &e,
			    plan_printf(sim->p, "Set the attributes of %s of %s to 0x%016llX", title, name,
					(unsigned long long)attributes),
			    "partition table only",
			    plan_printf(sim->p, "select partition %zu\ngpt attributes=0x%016llX", part + 1,
					(unsigned long long)attributes),
			    false, err);
	part_edit_end(&e);
	return rc;
}

int dyn_plan_gpt_attributes(struct dyn_session *s, struct dyn_model *m, size_t disk, size_t part, uint64_t attributes,
			    struct dyn_plan **out, struct dyn_err *err)
{
	struct sim sim;
	int rc = disk < m->n_disks ? 0 : dyn_fail(err, -EINVAL, "there is no such disk");

	if (!rc)
		rc = sim_begin(&sim, s, m, err, "Set partition attributes on %s", m->disks[disk].name);
	if (rc)
		return rc;
	return sim_finish(&sim, op_attributes(&sim, disk, part, attributes, err), out);
}

static int op_active(struct sim *sim, size_t disk, size_t part, bool active, struct dyn_err *err)
{
	const char *name = sim->m->disks[disk].name;
	char title[96];
	struct part_edit e;
	int rc = part_need(sim, disk, part, err);

	if (!rc && sim->disks[disk].table->kind != DYN_TABLE_MBR)
		rc = dyn_refuse(err, -EINVAL,
				"A GPT disk starts from its EFI system partition; nothing needs to be set.",
				"%s is a GPT disk: only partitions of MBR disks are active", name);
	if (!rc)
		rc = part_edit_begin(sim, disk, &e, err);
	if (rc)
		return rc;
	part_title(sim, disk, part, title, sizeof(title));
	if (e.want.parts[part].extended || e.want.parts[part].logical)
		rc = dyn_refuse(err, -EINVAL, "Choose a primary partition.", "%s of %s cannot be active", title, name);
	else if (e.want.parts[part].active == active)
		rc = dyn_refuse(err, -EALREADY, "Continue with the next step.", "%s of %s is %s already", title, name,
				active ? "active" : "inactive");
	for (size_t i = 0; active && i < e.want.n; i++)
		e.want.parts[i].active = false; /* boot code starts the one that has the flag */
	e.want.parts[part].active = active;
	if (!rc)
		rc = part_edit_step(
			sim, disk, &e,
			plan_printf(sim->p, "Make %s of %s %s", title, name, active ? "active" : "inactive"),
			"partition table only",
			plan_printf(sim->p, "select partition %zu\n%s", part + 1, active ? "active" : "inactive"),
			false, err);
	part_edit_end(&e);
	return rc;
}

int dyn_plan_set_active(struct dyn_session *s, struct dyn_model *m, size_t disk, size_t part, bool active,
			struct dyn_plan **out, struct dyn_err *err)
{
	struct sim sim;
	int rc = disk < m->n_disks ? 0 : dyn_fail(err, -EINVAL, "there is no such disk");

	if (!rc)
		rc = sim_begin(&sim, s, m, err, "Set the active partition of %s", m->disks[disk].name);
	if (rc)
		return rc;
	return sim_finish(&sim, op_active(&sim, disk, part, active, err), out);
}

/* ---------------------------------------------------------------------- unique id */

static int parse_id(const char *id, struct table *want, struct dyn_err *err)
{
	size_t digits;

	if (want->kind == DYN_TABLE_GPT) {
		uint8_t bytes[16];
		if (strlen(id) != 36 || dyn_guid_parse(id, bytes) || bytes_all_zero(bytes, sizeof(bytes)))
			return dyn_refuse(err, -EINVAL,
					  "Give a GUID: uniqueid disk id=baf784e7-6bbd-4cfb-aaac-e86c96e166ee.",
					  "\"%.40s\" is not the id of a GPT disk", id);
		dyn_guid_format(bytes, want->gpt_guid);
		return 0;
	}
	if (id[0] == '0' && (id[1] == 'x' || id[1] == 'X'))
		id += 2;
	digits = strspn(id, "0123456789abcdefABCDEF");
	want->mbr_signature = (uint32_t)strtoul(id, NULL, 16);
	if (!digits || digits > 8 || id[digits] || !want->mbr_signature)
		return dyn_refuse(err, -EINVAL, "Give eight hexadecimal digits: uniqueid disk id=5f1b2c36.",
				  "\"%.40s\" is not the id of an MBR disk", id);
	return 0;
}

static void id_text(const struct table *t, char dst[40])
{
	if (t->kind == DYN_TABLE_GPT)
		snprintf(dst, 40, "%s", t->gpt_guid);
	else
		snprintf(dst, 40, "%08x", t->mbr_signature);
}

/* Windows takes the second of two disks with one id offline. */
static int need_unique(const struct sim *sim, size_t disk, const struct table *want, const char *id,
		       struct dyn_err *err)
{
	for (size_t i = 0; i < sim->n_disks; i++) {
		const struct table *t = sim->disks[i].table;
		char other[40];
		if (t->kind != want->kind)
			continue;
		id_text(t, other);
		if (strcasecmp(other, id) != 0)
			continue;
		if (i == disk)
			return dyn_refuse(err, -EALREADY, "Continue with the next step.", "%s has this id already",
					  sim->m->disks[i].name);
		return dyn_refuse(err, -EEXIST,
				  "Choose another id: Windows takes one of two disks with the same id offline.",
				  "%s has this id", sim->m->disks[i].name);
	}
	return 0;
}

static int op_unique_id(struct sim *sim, size_t disk, const char *id, struct dyn_err *err)
{
	const char *name = sim->m->disks[disk].name;
	char old[40], new[40];
	struct part_edit e;
	int rc = part_need_table(sim, disk, err);

	if (!rc)
		rc = part_edit_begin(sim, disk, &e, err);
	if (rc)
		return rc;
	id_text(&e.want, old);
	if (id) {
		rc = parse_id(id, &e.want, err);
	} else if (e.want.kind == DYN_TABLE_GPT) {
		dyn_rand_guid(&sim->s->rand, e.want.gpt_guid);
	} else {
		e.want.mbr_signature = dyn_rand_u32(&sim->s->rand);
	}
	id_text(&e.want, new);
	if (!rc)
		rc = need_unique(sim, disk, &e.want, new, err);
	if (!rc &&
	    plan_note(sim->p, "Boot entries that name %s by its old id (%s) will not find it any more.", name, old))
		rc = dyn_fail_nomem(err);
	if (!rc)
		rc = part_edit_step(
			sim, disk, &e, plan_printf(sim->p, "Change the id of %s from %s to %s", name, old, new),
			"partition table only", plan_printf(sim->p, "uniqueid disk id=%s", new), false, err);
	part_edit_end(&e);
	return rc;
}

int dyn_plan_unique_id(struct dyn_session *s, struct dyn_model *m, size_t disk, const char *id, struct dyn_plan **out,
		       struct dyn_err *err)
{
	struct sim sim;
	int rc = disk < m->n_disks ? 0 : dyn_fail(err, -EINVAL, "there is no such disk");

	if (!rc)
		rc = sim_begin(&sim, s, m, err, "Change the id of %s", m->disks[disk].name);
	if (rc)
		return rc;
	return sim_finish(&sim, op_unique_id(&sim, disk, id, err), out);
}
