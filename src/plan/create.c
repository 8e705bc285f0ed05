/* SPDX-License-Identifier: GPL-3.0-or-later */
/* create.c - a simple or mirrored volume in free room, and a prepared file system image into a volume. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plan/records.h"

enum { SECTOR = 512, PART_TYPE_NTFS = 0x07 };

/* The step that makes a simple volume with one commit; *id is its record's. */
static int add_volume(struct sim *sim, size_t disk, uint64_t start, uint64_t size, char letter, const char *words,
		      const char *diskpart, uint64_t *id, struct dyn_err *err)
{
	const struct sim_disk *d = &sim->disks[disk];
	struct plan_step *st = plan_add_step(sim->p, DYN_STEP_SECTORS, disk, words, "database only", diskpart);
	struct new_volume nv = { .size = size, .part_type = PART_TYPE_NTFS, .letter = letter,
				 .halves = { { d->record_id, start - d->ph.public_start } }, .n_halves = 1 };
	struct maker mk;
	unsigned phase = 0;
	int rc = st ? maker_begin(&mk, sim, sim->groups[d->group].db, err) : dyn_fail_nomem(err);

	if (rc)
		return rc;
	rc = maker_add_volume(&mk, &nv, err);
	if (rc) {
		ldm_txn_free(mk.t);
		return rc;
	}
	*id = mk.first; /* the volume comes before its parts */
	return sim_commit(sim, d->group, mk.t, st, &phase, err);
}

static int check_member(struct sim *sim, size_t disk, struct dyn_err *err)
{
	const struct dyn_disk *d;
	int rc = sim_need_disk(sim, disk, err);

	if (rc)
		return rc;
	d = &sim->m->disks[disk];
	if (!d->dynamic)
		return dyn_refuse(err, -EINVAL, "Upgrade it to a dynamic disk first.", "%s is not a dynamic disk",
				  d->name);
	if (!sim->disks[disk].member)
		return dyn_refuse(err, -EINVAL, "Reactivate the disk first, or choose another one.",
				  "%s does not carry its group's current database", d->name);
	return sim_need_group(sim, d->group, err);
}

/* All of the largest run, from its aligned start, in whole MiB. */
static uint64_t largest_size(const struct sim *sim, size_t disk)
{
	uint64_t start, largest = 0;

	sim_find_room(sim, disk, UINT64_MAX / 4, 0, &start, &largest);
	return largest > 4096 ? (largest - 2048) / 2048 * 2048 : 0;
}

/* Refuses a letter that is none, finds the room on each disk; *size 0 becomes the largest that fits on all. */
static int find_rooms(const struct sim *sim, size_t n, const size_t *disks, uint64_t *size, char letter,
		      uint64_t *starts, struct dyn_err *err)
{
	char have[32], want[32];
	uint64_t largest = 0;

	if (letter && (letter < 'A' || letter > 'Z'))
		return dyn_refuse(err, -EINVAL, "Use a letter from A to Z.", "'%c' is not a drive letter", letter);
	if (*size == 0) {
		*size = largest_size(sim, disks[0]);
		if (n > 1 && largest_size(sim, disks[1]) < *size)
			*size = largest_size(sim, disks[1]);
	}
	for (size_t i = 0; i < n; i++) {
		if (*size && sim_find_room(sim, disks[i], *size, 0, &starts[i], &largest) == 0)
			continue;
		dyn_text_size(have, sizeof(have), largest * SECTOR);
		dyn_text_size(want, sizeof(want), *size * SECTOR);
		return dyn_refuse(
			err, -ENOSPC, "Choose another disk or a smaller size.",
			"There is not enough usable space for this operation: %s has %s free in one piece%s%s",
			sim->m->disks[disks[i]].name, have, *size ? ", wanted are " : "", *size ? want : "");
	}
	return 0;
}

/* How a step names the letter, and the line that gives it in DiskPart; "" without one. */
static const char *letter_words(struct sim *sim, char letter)
{
	return letter ? plan_printf(sim->p, ", letter %c,", letter) : "";
}

static const char *letter_line(struct sim *sim, char letter)
{
	return letter ? plan_printf(sim->p, "\nassign letter=%c", letter) : "";
}

static int op_create(struct sim *sim, size_t disk, uint64_t bytes, char letter, struct dyn_err *err)
{
	const struct dyn_disk *d = &sim->m->disks[disk];
	uint64_t size = bytes / SECTOR, start = 0, id;
	char text[32];
	int rc = check_member(sim, disk, err);

	if (!rc)
		rc = find_rooms(sim, 1, &disk, &size, letter, &start, err);
	if (rc)
		return rc;
	dyn_text_size(text, sizeof(text), size * SECTOR);
	return add_volume(sim, disk, start, size, letter,
			  plan_printf(sim->p, "Create a simple volume of %s%s on %s", text, letter_words(sim, letter), d->name),
			  plan_printf(sim->p, "create volume simple size=%llu disk=%u%s", (unsigned long long)(size / 2048),
				      d->number, letter_line(sim, letter)),
			  &id, err);
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

/* What model_volume_title() will call it. */
static void new_title(const struct ldm_record *v, char *dst, size_t n)
{
	struct dyn_volume shown = { .name = v->name, .label = "", .letter = v->u.volume.hint[0] };

	model_volume_title(&shown, dst, n);
}

static int check_mirror(struct sim *sim, const size_t disks[2], struct dyn_err *err)
{
	const struct dyn_disk *a = &sim->m->disks[disks[0]], *b = &sim->m->disks[disks[1]];
	int rc = check_member(sim, disks[0], err);

	if (!rc)
		rc = check_member(sim, disks[1], err);
	if (!rc && disks[0] == disks[1])
		rc = dyn_refuse(err, -EINVAL, "Name two disks.", "a mirror needs its halves on two different disks");
	if (!rc && a->group != b->group)
		rc = dyn_refuse(err, -EXDEV, "Choose two disks of one group.",
				"%s and %s belong to different disk groups", a->name, b->name);
	return rc;
}

/*
 * The rooms of the halves hold whatever lay there before: the volume is born simple, and its second half is copied,
 * verified and attached like that of any other. The rebuild's record comes first: cut off before the commit there is
 * no volume and a record that nobody heeds, after it the volume and a rebuild that can be continued.
 */
static int op_create_mirror(struct sim *sim, const size_t disks[2], uint64_t bytes, char letter, struct dyn_err *err)
{
	const struct dyn_disk *a = &sim->m->disks[disks[0]], *b = &sim->m->disks[disks[1]];
	uint64_t size = bytes / SECTOR, starts[2] = { 0 };
	struct sim_half half = { .group = a->group, .disk = disks[1], .diskpart = "" };
	char text[32], title[96];
	int rc = check_mirror(sim, disks, err);

	if (!rc)
		rc = find_rooms(sim, 2, disks, &size, letter, starts, err);
	if (rc)
		return rc;
	dyn_text_size(text, sizeof(text), size * SECTOR);
	rc = add_volume(sim, disks[0], starts[0], size, letter,
			plan_printf(sim->p, "Create a volume of %s%s on %s", text, letter_words(sim, letter), a->name),
			plan_printf(sim->p, "create volume mirror size=%llu disk=%u,%u%s",
				    (unsigned long long)(size / 2048), a->number, b->number, letter_line(sim, letter)),
			&half.volume_id, err);
	if (rc)
		return rc;
	new_title(ldm_db_find(sim->groups[a->group].db, LDM_VOLUME, half.volume_id), title, sizeof(title));
	half.title = title;
	half.start = starts[1];
	rc = op_add_half(sim, &half, err);
	if (rc)
		return rc;
	plan_swap_steps(sim->p, 0, 1);
	if (plan_note(sim->p, "The new volume is a simple one until its copy is complete and verified; it can be formatted "
			      "then.") ||
	    plan_note(sim->p, "Undo does not bring back what was in the space the copy goes to."))
		return dyn_fail_nomem(err);
	return 0;
}

int dyn_plan_create_mirror(struct dyn_session *s, struct dyn_model *m, const size_t disks[2], uint64_t size,
			   char letter, struct dyn_plan **out, struct dyn_err *err)
{
	struct sim sim;
	int rc = disks[0] < m->n_disks && disks[1] < m->n_disks ? 0 : dyn_fail(err, -EINVAL, "there is no such disk");

	if (!rc)
		rc = sim_begin(&sim, s, m, err, "Create a mirrored volume on %s and %s", m->disks[disks[0]].name,
			       m->disks[disks[1]].name);
	if (rc)
		return rc;
	return sim_finish(&sim, op_create_mirror(&sim, disks, size, letter, err), out);
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
	if ((v->layout != DYN_LAYOUT_SIMPLE && v->layout != DYN_LAYOUT_MIRROR && v->layout != DYN_LAYOUT_PARTITION) ||
	    v->status != DYN_VOLUME_HEALTHY)
		return dyn_refuse(err, -EINVAL, "Choose a healthy simple or mirrored volume, or a partition.",
				  "%s cannot take an image", title);
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
		st = rc ? NULL :
			  plan_add_step(sim->p, DYN_STEP_IMAGE, e->disk,
					plan_printf(sim->p, "Write a file system to %s", title),
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
		if (i == 0 && !plan_image_kept(st) &&
		    plan_note(sim->p, "More is overwritten than is kept for undo: this cannot be undone."))
			rc = dyn_fail_nomem(err);
		if (!rc && plan_lock_disk(sim->p, e->disk))
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
