/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * format.c - an empty file system on a volume. The order, and what a power cut leaves:
 *
 *  1. the first sectors of every half are zeroed: the volume has no file system any more
 *  2. per half, everything the maker wrote behind them (quick), or all of the volume (full)
 *  3. the first sectors of every half: now, and not before, it is a file system
 *
 * So no half ever looks like a file system that is not complete, and the halves of a mirror
 * never look like two different ones.
 */
#include "plan/format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "plan/sim.h"

enum { SECTOR = 512, HEAD_SECTORS = 8, HEAD = HEAD_SECTORS * SECTOR, MAX_RANGES = 4096 };

/* ----------------------------------------------------------------- refusals */

static int check_state(const struct dyn_model *m, const struct dyn_volume *v, const char *title, struct dyn_err *err)
{
	static const char *const layouts[DYN_LAYOUTS] = {
		[DYN_LAYOUT_SPANNED] = "spanned", [DYN_LAYOUT_STRIPED] = "striped", [DYN_LAYOUT_RAID5] = "RAID-5",
	};

	if (layouts[v->layout])
		return dyn_refuse(err, -ENOTSUP, "Format it in Windows.",
				  "%s is %s: dynadisk formats simple and mirrored volumes and partitions", title, layouts[v->layout]);
	if (v->job != DYN_NONE)
		return dyn_refuse(err, -EBUSY, "Wait until the rebuild has ended, or cancel it.", "%s is being rebuilt", title);
	if (v->status != DYN_VOLUME_HEALTHY)
		return dyn_refuse(err, -EINVAL, "Repair the volume first, or delete it.", "%s is not healthy", title);
	if (v->group != DYN_NONE && m->groups[v->group].problem[0])
		return dyn_refuse(err, -EUCLEAN, "Put the disk group right first.", "%s: the disk group %s has a problem: %s", title,
				  m->groups[v->group].name, m->groups[v->group].problem);
	for (size_t i = 0; i < v->n_plexes; i++)
		if (v->plexes[i].n_extents != 1)
			return dyn_refuse(err, -ENOTSUP, "Format it in Windows.", "%s lies in several pieces", title);
	return v->n_plexes ? 0 : dyn_fail(err, -EINVAL, "%s lies nowhere", title);
}

/* The firmware reads an ESP, and it reads FAT. */
static bool is_esp(const struct dyn_model *m, size_t volume)
{
	const struct dyn_volume *v = &m->volumes[volume];
	const struct dyn_disk *d = &m->disks[v->plexes[0].extents[0].disk];

	for (size_t i = 0; v->layout == DYN_LAYOUT_PARTITION && i < d->n_regions; i++)
		if (d->regions[i].volume == volume && strcmp(d->regions[i].type_word, "System") == 0)
			return true;
	return false;
}

static int check_esp(const struct mkfs *fs, const char *title, struct dyn_err *err)
{
	if (fs->kind == MKFS_FAT || fs->kind == MKFS_FAT32)
		return 0;
	return dyn_refuse(err, -EINVAL, "Use fs=fat32.", "%s is an EFI system partition: firmware cannot start from %s", title,
			  fs->name);
}

/* ------------------------------------------------------------------- ranges */

/* The image's data behind the head, as ranges of a plex at `target`; all of it when it is a full format. The ranges
 * are those of the temporary file: what the maker wrote, rounded to the pages it is kept in. */
static int find_ranges(struct sim *sim, struct plan_step *st, uint64_t size, uint64_t target, bool quick)
{
	struct plan_range *r = plan_alloc(sim->p, MAX_RANGES * sizeof(*r));
	off_t at = HEAD;
	size_t n = 0;

	if (!r)
		return -ENOMEM;
	while (n < MAX_RANGES && (uint64_t)at < size) {
		off_t from = quick ? lseek(st->image_fd, at, SEEK_DATA) : at;
		off_t to = from >= 0 && quick ? lseek(st->image_fd, from, SEEK_HOLE) : (off_t)size;
		if (from < 0 && errno == ENXIO)
			break;
		if (from < 0 || to < 0 || to <= from)
			return -EIO;
		at = to;
		from = from / SECTOR * SECTOR;
		to = (to + SECTOR - 1) / SECTOR * SECTOR;
		r[n++] = (struct plan_range){ (uint64_t)from, target + (uint64_t)from, (uint64_t)(to - from), 0 };
	}
	if (n == MAX_RANGES) /* the rest in one: more is written than need be, never less */
		r[n - 1].size = size - r[n - 1].image;
	st->ranges = r;
	st->n_ranges = n;
	return n ? 0 : -EIO;
}

/* -------------------------------------------------------------------- steps */

static int head_step(struct sim *sim, const struct dyn_volume *v, const uint8_t *bytes, const char *words,
		     const char *effect, const char *diskpart, struct dyn_err *err)
{
	struct plan_step *st = plan_add_step(sim->p, DYN_STEP_SECTORS, v->plexes[0].extents[0].disk, words, effect, diskpart);

	if (!st)
		return dyn_fail_nomem(err);
	st->pub.destroys = true;
	for (size_t i = 0; i < v->n_plexes; i++) {
		const struct dyn_extent *e = &v->plexes[i].extents[0];
		if (plan_write(sim->p, st, 0, e->disk, e->offset / SECTOR, HEAD_SECTORS, "start of the volume", NULL, bytes))
			return dyn_fail_nomem(err);
	}
	return 0;
}

static int image_step(struct sim *sim, const struct dyn_volume *v, size_t plex, const struct mkfs *fs, int fd, bool quick,
		      struct dyn_err *err)
{
	const struct dyn_extent *e = &v->plexes[plex].extents[0];
	struct plan_step *st = plan_add_step(sim->p, DYN_STEP_IMAGE, e->disk,
					     plan_printf(sim->p, "Write an empty %s file system to %s", fs->name,
							 sim->m->disks[e->disk].name), "", "");
	char size[32];
	int rc;

	if (!st || plan_lock_disk(sim->p, e->disk))
		return dyn_fail_nomem(err);
	st->pub.destroys = true;
	st->pub.target_offset = e->offset;
	st->pub.size = v->size;
	st->no_undo = !quick;
	st->image_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	rc = st->image_fd < 0 ? -errno : find_ranges(sim, st, v->size, e->offset, quick);
	if (rc)
		return dyn_fail(err, rc, "the new file system cannot be kept: %s", strerror(-rc));
	dyn_text_size(size, sizeof(size), plan_image_bytes(st));
	st->pub.effect = quick ? plan_printf(sim->p, "writes %s", size) : plan_printf(sim->p, "ZEROES %s", size);
	if (!st->pub.effect)
		return dyn_fail_nomem(err);
	return plan_image_kept(st) ? 0 : 1;
}

static char *diskpart_line(struct dyn_plan *p, const struct dyn_volume *v, const struct mkfs *fs, bool quick)
{
	char label[160] = "", unit[32] = "";

	if (fs->label[0])
		snprintf(label, sizeof(label), " label=\"%s\"", fs->label);
	if (fs->unit)
		snprintf(unit, sizeof(unit), " unit=%u", fs->unit);
	return plan_printf(p, "select volume %u\nformat fs=%s%s%s%s", v->number, fs->word, label, unit, quick ? " quick" : "");
}

static int add_notes(struct sim *sim, const struct dyn_volume *v, const char *title, bool quick, bool kept)
{
	char size[32];
	int rc = 0;

	dyn_text_size(size, sizeof(size), v->size);
	if (strcmp(v->fs, "RAW") == 0 || !v->fs[0])
		rc = plan_note(sim->p, "No file system is recognised on %s (%s); whatever it holds is lost.", title, size);
	else if (strcasecmp(v->fs, "BitLocker") == 0)
		rc = plan_note(sim->p, "%s (%s) is encrypted with BitLocker; all its data is lost.", title, size);
	else
		rc = plan_note(sim->p, "All data on %s (%s, %s) is lost.", title, v->fs, size);
	if (!rc && v->info[0] && strcmp(v->info, "Hidden") != 0)
		rc = plan_note(sim->p, "%s is needed to start Windows.", title);
	if (!rc && !kept)
		rc = plan_note(sim->p, quick ? "More is overwritten than is kept for undo: this cannot be undone." :
					       "A full format zeroes every byte: this cannot be undone.");
	return rc;
}

static int add_steps(struct sim *sim, const struct dyn_volume *v, const char *title, const struct mkfs *fs, int fd,
		     bool quick, struct dyn_err *err)
{
	uint8_t none[HEAD] = { 0 }, head[HEAD];
	bool kept = true;
	int rc = dyn_pread_full(fd, head, sizeof(head), 0);

	if (rc)
		return dyn_fail(err, rc, "the new file system cannot be read: %s", strerror(-rc));
	rc = head_step(sim, v, none, plan_printf(sim->p, "Take the old file system off %s", title),
		       plan_printf(sim->p, "ERASES %s", title), diskpart_line(sim->p, v, fs, quick), err);
	for (size_t i = 0; rc >= 0 && i < v->n_plexes; i++) {
		rc = image_step(sim, v, i, fs, fd, quick, err);
		kept &= rc == 0;
	}
	if (rc >= 0)
		rc = head_step(sim, v, head, plan_printf(sim->p, "Write its boot sector%s", v->n_plexes > 1 ? "s" : ""),
			       plan_printf(sim->p, "makes %s %s", title, fs->name), "", err);
	if (!rc && add_notes(sim, v, title, quick, kept))
		rc = dyn_fail_nomem(err);
	return rc;
}

static int check_volume(const struct sim *sim, size_t volume, struct dyn_err *err)
{
	const struct dyn_volume *v = &sim->m->volumes[volume];
	char title[96];
	int rc;

	model_volume_title(v, title, sizeof(title));
	rc = check_state(sim->m, v, title, err);
	for (size_t i = 0; !rc && i < v->n_plexes; i++)
		rc = sim_need_disk(sim, v->plexes[i].extents[0].disk, err);
	return rc;
}

static int op_format(struct sim *sim, size_t volume, const struct dyn_format_spec *spec, struct dyn_err *err)
{
	const struct dyn_volume *v = &sim->m->volumes[volume];
	struct mkfs fs;
	char title[96];
	bool esp;
	int fd = -1, rc;

	model_volume_title(v, title, sizeof(title));
	rc = check_volume(sim, volume, err);
	if (rc)
		return rc;
	esp = is_esp(sim->m, volume);
	rc = mkfs_check(spec, esp ? "fat32" : "ntfs", v->size, v->plexes[0].extents[0].offset, &fs, err);
	if (!rc && esp)
		rc = check_esp(&fs, title, err);
	if (!rc)
		rc = mkfs_make(sim->s, &fs, &fd, err);
	if (rc)
		return rc;
	rc = add_steps(sim, v, title, &fs, fd, spec->quick, err);
	close(fd);
	sim->p->confirm_disk = v->plexes[0].extents[0].disk;
	return rc;
}

int dyn_plan_format(struct dyn_session *s, struct dyn_model *m, size_t volume, const struct dyn_format_spec *spec,
		    struct dyn_plan **out, struct dyn_err *err)
{
	struct sim sim;
	char title[96] = "";
	int rc;

	if (volume < m->n_volumes)
		model_volume_title(&m->volumes[volume], title, sizeof(title));
	rc = sim_begin(&sim, s, m, err, "Format %s", title);
	if (rc)
		return rc;
	rc = sim_need_volume(&sim, volume, err);
	return sim_finish(&sim, rc ? rc : op_format(&sim, volume, spec, err), out);
}

int dyn_can_format(struct dyn_session *s, struct dyn_model *m, size_t volume, struct dyn_err *err)
{
	struct dyn_plan *none = NULL;
	struct sim sim;
	int rc = sim_begin(&sim, s, m, err, "Format");

	if (rc)
		return rc;
	rc = sim_need_volume(&sim, volume, err);
	if (!rc)
		rc = check_volume(&sim, volume, err);
	if (sim_finish(&sim, rc, &none) == 0)
		dyn_plan_free(none);
	return rc;
}
