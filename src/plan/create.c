/* SPDX-License-Identifier: GPL-3.0-or-later */
/* create.c - a simple volume in free room, and a prepared file system image into a volume. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plan/sim.h"

enum { SECTOR = 512, PART_TYPE_NTFS = 0x07 };

static int add_volume(struct sim *sim, struct plan_step *st, size_t disk, uint64_t start, uint64_t size, char letter,
		      struct dyn_err *err)
{
	struct sim_disk *d = &sim->disks[disk];
	const struct ldm_db *db = sim->groups[d->group].db;
	const struct ldm_record *dr = ldm_db_find(db, LDM_DISK, d->record_id);
	struct ldm_record v = { .kind = LDM_VOLUME, .type = LDM_T_VOLUME }, c = { .kind = LDM_COMPONENT, .type = LDM_T_COMPONENT },
			  e = { .kind = LDM_EXTENT, .type = LDM_T_EXTENT, .flags = LDM_EF_UNKNOWN };
	struct ldm_txn *t;
	unsigned phase = 0;
	char guid[37], name[64];
	int rc;

	v.u.volume.number = ldm_db_free_volume_number(db);
	if (!dr || v.u.volume.number == 0)
		return dyn_fail(err, -ENOSPC, "the group has 255 volumes already");
	rc = ldm_txn_begin(db, &t, err);
	if (rc)
		return rc;
	v.id = ldm_txn_new_id(t);
	c.id = ldm_txn_new_id(t);
	e.id = ldm_txn_new_id(t);
	ldm_db_new_name(db, LDM_VOLUME, NULL, name);
	snprintf(v.name, sizeof(v.name), "%s", name);
	snprintf(c.name, sizeof(c.name), "%s-01", name);
	ldm_db_new_name(db, LDM_EXTENT, dr->name, name);
	snprintf(e.name, sizeof(e.name), "%s", name);
	snprintf(v.u.volume.type, sizeof(v.u.volume.type), "gen");
	memcpy(v.u.volume.state, "ACTIVE", 6);
	v.u.volume.read_policy = 3;
	v.u.volume.vflags = LDM_VOL_DEFAULT;
	v.u.volume.n_components = 1;
	v.u.volume.size = size;
	v.u.volume.part_type = PART_TYPE_NTFS;
	dyn_rand_guid(&sim->s->rand, guid);
	dyn_guid_parse(guid, v.u.volume.guid);
	if (letter) {
		v.flags = LDM_VF_HINT;
		snprintf(v.u.volume.hint, sizeof(v.u.volume.hint), "%c:", letter);
	}
	snprintf(c.u.component.state, sizeof(c.u.component.state), "ACTIVE");
	c.u.component.layout = LDM_LAYOUT_CONCAT;
	c.u.component.n_extents = 1;
	c.u.component.volume_id = v.id;
	e.u.extent.start = start - d->ph.public_start;
	e.u.extent.size = size;
	e.u.extent.component_id = c.id;
	e.u.extent.disk_id = d->record_id;
	rc = ldm_txn_add(t, &v, err);
	if (!rc)
		rc = ldm_txn_add(t, &c, err);
	if (!rc)
		rc = ldm_txn_add(t, &e, err);
	if (!rc)
		rc = ldm_txn_replace(t, dr, err);
	if (rc) {
		ldm_txn_free(t);
		return rc;
	}
	return sim_commit(sim, d->group, t, st, &phase, err);
}

static int op_create(struct sim *sim, size_t disk, uint64_t bytes, char letter, struct dyn_err *err)
{
	const struct dyn_disk *d = &sim->m->disks[disk];
	uint64_t size = bytes / SECTOR, start, largest = 0;
	char text[32], have[32];
	struct plan_step *st;
	int rc = sim_need_disk(sim, disk, err);

	if (!rc && !sim->disks[disk].member)
		rc = dyn_refuse(err, -EINVAL, "Upgrade it to a dynamic disk first.", "%s is not a dynamic disk", d->name);
	if (!rc)
		rc = sim_need_group(sim, d->group, err);
	if (!rc && letter && (letter < 'A' || letter > 'Z'))
		rc = dyn_fail(err, -EINVAL, "'%c' is not a drive letter", letter);
	if (rc)
		return rc;
	if (size == 0) { /* all of the largest run, from its aligned start, in whole MiB */
		sim_find_room(sim, disk, UINT64_MAX / 4, 0, &start, &largest);
		size = largest > 4096 ? (largest - 2048) / 2048 * 2048 : 0;
	}
	if (size == 0 || sim_find_room(sim, disk, size, 0, &start, &largest)) {
		dyn_text_size(have, sizeof(have), largest * SECTOR);
		return dyn_refuse(err, -ENOSPC, "Choose another disk or a smaller size.",
				  "There is not enough usable space for this operation: %s has %s free in one piece", d->name, have);
	}
	dyn_text_size(text, sizeof(text), size * SECTOR);
	st = plan_add_step(sim->p, DYN_STEP_SECTORS, disk, plan_printf(sim->p, "Create a simple volume of %s on %s", text, d->name),
			   "database only",
			   plan_printf(sim->p, "create volume simple size=%llu disk=%u", (unsigned long long)(size / 2048), d->number));
	return st ? add_volume(sim, st, disk, start, size, letter, err) : dyn_fail_nomem(err);
}

int dyn_plan_create_simple(struct dyn_session *s, struct dyn_model *m, size_t disk, uint64_t size, char letter,
			   struct dyn_plan **out, struct dyn_err *err)
{
	struct sim sim;
	int rc = disk < m->n_disks ? 0 : dyn_fail(err, -EINVAL, "there is no such disk");

	if (!rc)
		rc = sim_begin(&sim, s, m, err, "Create a simple volume on %s", m->disks[disk].name);
	if (rc)
		return rc;
	return sim_finish(&sim, op_create(&sim, disk, size, letter, err), out);
}

/* ------------------------------------------------------------------ images */

static int check_image(const struct dyn_volume *v, const char *path, int fd, uint64_t *size, struct dyn_err *err)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return dyn_fail(err, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 || st.st_size % SECTOR)
		return dyn_fail(err, -EINVAL, "%s is not a file system image", path);
	*size = (uint64_t)st.st_size;
	if (*size > v->size)
		return dyn_fail(err, -EFBIG, "%s is larger than the volume", path);
	return 0;
}

static int op_write_image(struct sim *sim, size_t volume, const char *path, struct dyn_err *err)
{
	const struct dyn_volume *v = &sim->m->volumes[volume];
	char title[96], text[32];
	uint64_t size = 0;
	int rc = 0;

	model_volume_title(v, title, sizeof(title));
	if ((v->layout != DYN_LAYOUT_SIMPLE && v->layout != DYN_LAYOUT_MIRROR) || v->status != DYN_VOLUME_HEALTHY)
		return dyn_refuse(err, -EINVAL, "Choose a healthy simple or mirrored volume.", "%s cannot take an image", title);
	for (size_t i = 0; !rc && i < v->n_plexes; i++) {
		const struct dyn_extent *e = &v->plexes[i].extents[0];
		struct plan_step *st;
		int fd;

		if (v->plexes[i].n_extents != 1)
			return dyn_fail(err, -ENOTSUP, "%s lies in several pieces", title);
		rc = sim_need_disk(sim, e->disk, err);
		if (rc)
			return rc;
		fd = open(path, O_RDONLY | O_CLOEXEC);
		rc = check_image(v, path, fd, &size, err);
		dyn_text_size(text, sizeof(text), size);
		st = rc ? NULL : plan_add_step(sim->p, DYN_STEP_IMAGE, e->disk, plan_printf(sim->p, "Write a file system to %s", title),
					       plan_printf(sim->p, "ERASES %s", title), "format quick");
		if (!st) {
			if (fd >= 0)
				close(fd);
			return rc ? rc : dyn_fail_nomem(err);
		}
		st->image_fd = fd;
		st->pub.destroys = true;
		st->pub.target_offset = e->offset;
		st->pub.size = size;
		sim->p->confirm_disk = e->disk;
		if (plan_lock_disk(sim->p, e->disk))
			rc = dyn_fail_nomem(err);
	}
	return rc;
}

int dyn_plan_write_image(struct dyn_session *s, struct dyn_model *m, size_t volume, const char *image_path,
			 struct dyn_plan **out, struct dyn_err *err)
{
	struct sim sim;
	int rc = sim_begin(&sim, s, m, err, "Write a file system");

	if (rc)
		return rc;
	rc = sim_need_volume(&sim, volume, err);
	return sim_finish(&sim, rc ? rc : op_write_image(&sim, volume, image_path, err), out);
}
