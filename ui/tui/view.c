/* SPDX-License-Identifier: GPL-3.0-or-later */
/* view.c - selection and movement on the main screen. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "ui/tui/view.h"
#include "ui/words.h"

bool view_region_shown(const struct dyn_region *r)
{
	return r->kind != DYN_REGION_RESERVED && r->kind != DYN_REGION_EXTENDED;
}

bool view_volume_broken(const struct dyn_volume *vol)
{
	return vol->status != DYN_VOLUME_HEALTHY && vol->status != DYN_VOLUME_REBUILDING;
}

void view_select_disk(struct view *v, size_t disk, size_t region)
{
	if (disk >= v->m->n_disks)
		return;
	if (region >= v->m->disks[disk].n_regions)
		region = DYN_NONE;
	v->disk = disk;
	v->region = region;
	v->volume = region == DYN_NONE ? DYN_NONE : v->m->disks[disk].regions[region].volume;
	if (v->volume >= v->m->n_volumes)
		v->volume = DYN_NONE;
	if (v->volume != DYN_NONE)
		v->list_volume = v->volume;
}

void view_select_volume(struct view *v, size_t volume)
{
	const struct dyn_model *m = v->m;
	size_t disk = DYN_NONE, region = DYN_NONE;

	if (volume >= m->n_volumes)
		return;
	/* its first region on a disk that is there, else on a missing one */
	for (size_t d = 0; d < m->n_disks && disk == DYN_NONE; d++) {
		for (size_t r = 0; r < m->disks[d].n_regions && disk == DYN_NONE; r++) {
			if (m->disks[d].regions[r].volume == volume) {
				disk = d;
				region = r;
			}
		}
	}
	v->volume = v->list_volume = volume;
	v->disk = disk;
	v->region = region;
}

void view_start(struct view *v, const struct dyn_model *m)
{
	v->m = m;
	v->pane[0] = PANE_VOLUMES;
	v->pane[1] = PANE_GRAPH;
	v->focus = 0;
	v->volume = v->disk = v->region = DYN_NONE;
	v->list_volume = 0;
	v->page = 4;
	if (m->n_volumes) {
		size_t first = 0;

		/* what can be repaired comes before what is lost, that before what is fine */
		while (first < m->n_volumes && m->volumes[first].status != DYN_VOLUME_FAILED_REDUNDANCY)
			first++;
		if (first == m->n_volumes) {
			first = 0;
			while (first < m->n_volumes && !view_volume_broken(&m->volumes[first]))
				first++;
		}
		view_select_volume(v, first < m->n_volumes ? first : 0);
	} else if (m->n_disks) {
		v->focus = 1;
		view_select_disk(v, 0, DYN_NONE);
	}
}

static size_t same_volume(const struct dyn_model *m, const struct dyn_volume *old)
{
	for (size_t i = 0; i < m->n_volumes; i++) {
		const struct dyn_volume *v = &m->volumes[i];

		if (*old->guid ? strcmp(v->guid, old->guid) == 0 : v->number == old->number)
			return i;
	}
	return DYN_NONE;
}

static size_t same_disk(const struct dyn_model *m, const struct dyn_disk *old)
{
	for (size_t i = 0; i < m->n_disks; i++) {
		if (*old->path ? strcmp(m->disks[i].path, old->path) == 0 : strcmp(m->disks[i].name, old->name) == 0)
			return i;
	}
	return DYN_NONE;
}

void view_set_model(struct view *v, const struct dyn_model *m)
{
	const struct dyn_model *was = v->m;
	size_t volume = DYN_NONE, disk = DYN_NONE;
	enum pane_kind top = v->pane[0], bottom = v->pane[1];
	int focus = v->focus;

	if (was && v->volume < was->n_volumes)
		volume = same_volume(m, &was->volumes[v->volume]);
	if (was && v->disk < was->n_disks)
		disk = same_disk(m, &was->disks[v->disk]);
	if (was == NULL) {
		view_start(v, m);
		return;
	}
	view_start(v, m);
	v->pane[0] = top;
	v->pane[1] = bottom;
	v->focus = m->n_volumes == 0 && v->pane[focus] == PANE_VOLUMES ? v->focus : focus;
	if (volume != DYN_NONE)
		view_select_volume(v, volume);
	else if (disk != DYN_NONE && v->pane[v->focus] != PANE_VOLUMES)
		view_select_disk(v, disk, DYN_NONE);
}

size_t view_list_volume(const struct view *v)
{
	if (v->volume < v->m->n_volumes)
		return v->volume;
	return v->list_volume < v->m->n_volumes ? v->list_volume : 0;
}

/* A list position moved; stays inside [0, n). */
static size_t moved(size_t at, size_t n, enum move how, size_t page)
{
	if (n == 0)
		return DYN_NONE;
	if (at >= n)
		at = 0;
	switch (how) {
	case MOVE_UP:
		return at ? at - 1 : 0;
	case MOVE_DOWN:
		return at + 1 < n ? at + 1 : at;
	case MOVE_PAGE_UP:
		return at > page ? at - page : 0;
	case MOVE_PAGE_DOWN:
		return at + page < n ? at + page : n - 1;
	case MOVE_FIRST:
		return 0;
	case MOVE_LAST:
		return n - 1;
	case MOVE_LEFT:
	case MOVE_RIGHT:
		break;
	}
	return at;
}

/* The shown region after (or before) region r of a disk; DYN_NONE stands for the disk's panel, left of them all. */
static size_t next_region(const struct dyn_disk *d, size_t r, bool right)
{
	size_t i;

	if (right) {
		for (i = r == DYN_NONE ? 0 : r + 1; i < d->n_regions; i++) {
			if (view_region_shown(&d->regions[i]))
				return i;
		}
		return r;
	}
	for (i = r == DYN_NONE ? 0 : r; i > 0; i--) {
		if (view_region_shown(&d->regions[i - 1]))
			return i - 1;
	}
	return DYN_NONE;
}

/* Up and down in the graphical view: the region of the other disk that lies about where this one did. */
static size_t region_across(const struct dyn_disk *from, size_t r, const struct dyn_disk *to)
{
	uint64_t middle;
	size_t best = DYN_NONE;

	if (r == DYN_NONE || r >= from->n_regions || from->size == 0)
		return DYN_NONE;
	for (size_t i = 0; i < to->n_regions; i++) { /* the same volume's other half, if it is there */
		if (from->regions[r].volume != DYN_NONE && to->regions[i].volume == from->regions[r].volume)
			return i;
	}
	middle = from->regions[r].offset + from->regions[r].size / 2;
	middle = (uint64_t)((double)middle / (double)from->size * (double)to->size);
	for (size_t i = 0; i < to->n_regions; i++) {
		if (view_region_shown(&to->regions[i]) && (best == DYN_NONE || to->regions[i].offset <= middle))
			best = i;
	}
	return best;
}

static void move_in_graph(struct view *v, enum move how)
{
	const struct dyn_model *m = v->m;
	size_t disk = v->disk < m->n_disks ? v->disk : 0, to;

	if (m->n_disks == 0)
		return;
	if (how == MOVE_LEFT || how == MOVE_RIGHT) {
		view_select_disk(v, disk, next_region(&m->disks[disk], v->region, how == MOVE_RIGHT));
		return;
	}
	to = moved(disk, m->n_disks, how, v->page);
	if (to != disk)
		view_select_disk(v, to, region_across(&m->disks[disk], v->region, &m->disks[to]));
}

void view_move(struct view *v, enum move how)
{
	const struct dyn_model *m = v->m;

	switch (v->pane[v->focus]) {
	case PANE_VOLUMES:
		if (m->n_volumes == 0)
			return;
		if (v->volume == DYN_NONE)
			view_select_volume(v, view_list_volume(v)); /* first come back to the list */
		if (how == MOVE_LEFT || how == MOVE_RIGHT)
			how = how == MOVE_LEFT ? MOVE_UP : MOVE_DOWN;
		view_select_volume(v, moved(v->volume, m->n_volumes, how, v->page));
		return;
	case PANE_DISKS:
		if (m->n_disks)
			view_select_disk(v, moved(v->disk, m->n_disks, how, v->page), DYN_NONE);
		return;
	case PANE_GRAPH:
		move_in_graph(v, how);
		return;
	case PANE_HIDDEN:
		return;
	}
}

/* The pane that got the keys acts on what it shows. */
static void adopt_selection(struct view *v)
{
	const struct dyn_model *m = v->m;

	if (v->pane[v->focus] == PANE_VOLUMES && v->volume == DYN_NONE && m->n_volumes)
		view_select_volume(v, view_list_volume(v));
	else if (v->pane[v->focus] != PANE_VOLUMES && v->disk >= m->n_disks && m->n_disks)
		view_select_disk(v, 0, DYN_NONE);
	else if (v->pane[v->focus] == PANE_DISKS && m->n_disks)
		view_select_disk(v, v->disk, DYN_NONE);
}

void view_switch_pane(struct view *v)
{
	int other = !v->focus;

	if (v->pane[other] == PANE_HIDDEN || (v->pane[other] == PANE_VOLUMES && v->m->n_volumes == 0))
		return;
	v->focus = other;
	adopt_selection(v);
}

void view_set_pane(struct view *v, int which, enum pane_kind kind)
{
	v->pane[which] = kind;
	if (v->pane[v->focus] == PANE_HIDDEN)
		v->focus = 0;
	adopt_selection(v);
}

/* Room that something can be made in: what a disk without a table has is only the disk itself. */
static bool is_space(const struct dyn_disk *d, size_t region)
{
	return d->table != DYN_TABLE_NONE && region < d->n_regions &&
	       (d->regions[region].kind == DYN_REGION_UNALLOCATED || d->regions[region].kind == DYN_REGION_FREE);
}

struct target view_target(const struct view *v)
{
	bool disks = v->pane[v->focus] == PANE_DISKS;

	if (v->volume < v->m->n_volumes && !disks)
		return (struct target){ TARGET_VOLUME, v->disk, v->volume, DYN_NONE };
	if (v->disk < v->m->n_disks && !disks && is_space(&v->m->disks[v->disk], v->region))
		return (struct target){ TARGET_SPACE, v->disk, DYN_NONE, v->region };
	if (v->disk < v->m->n_disks)
		return (struct target){ TARGET_DISK, v->disk, DYN_NONE, DYN_NONE };
	return (struct target){ TARGET_NOTHING, DYN_NONE, DYN_NONE, DYN_NONE };
}

bool view_find(struct view *v, const char *text)
{
	const struct dyn_model *m = v->m;
	size_t n = m->n_volumes + m->n_disks, at;
	char title[160];

	at = v->volume < m->n_volumes ? v->volume : m->n_volumes + (v->disk < m->n_disks ? v->disk : 0);
	for (size_t i = 1; i <= n; i++) {
		size_t k = (at + i) % n;

		if (k < m->n_volumes) {
			words_volume_title(&m->volumes[k], title, sizeof(title));
			if (!strcasestr(title, text))
				continue;
			view_select_volume(v, k);
		} else {
			const struct dyn_disk *d = &m->disks[k - m->n_volumes];

			words_disk_title(d, title, sizeof(title));
			if (!strcasestr(title, text) && !strcasestr(d->path, text))
				continue;
			view_select_disk(v, k - m->n_volumes, DYN_NONE);
		}
		/* the pane with the keys must be able to show it */
		if ((v->volume == DYN_NONE) == (v->pane[v->focus] == PANE_VOLUMES) && v->pane[!v->focus] != PANE_HIDDEN)
			v->focus = !v->focus;
		return true;
	}
	return false;
}

const struct view_job *view_volume_job(const struct view *v, size_t volume)
{
	if (volume >= v->m->n_volumes || v->m->volumes[volume].guid[0] == '\0')
		return NULL;
	for (size_t i = 0; i < v->n_jobs; i++) {
		if (strcmp(v->jobs[i].job.volume_guid, v->m->volumes[volume].guid) == 0)
			return &v->jobs[i];
	}
	return NULL;
}

const struct view_job *view_current_job(const struct view *v)
{
	for (size_t i = 0; i < v->n_jobs; i++) {
		if (v->jobs[i].job.state != DYN_JOB_QUEUED && v->jobs[i].job.state < DYN_JOB_PAUSED && !v->jobs[i].job.elsewhere)
			return &v->jobs[i];
	}
	return v->n_jobs ? &v->jobs[0] : NULL;
}

unsigned view_job_percent(const struct dyn_job *j)
{
	if (j->total == 0)
		return 0;
	if (j->done >= j->total)
		return 100;
	return (unsigned)((double)j->done * 100.0 / (double)j->total);
}

void view_volume_status(const struct view *v, size_t volume, char *dst, size_t n)
{
	const struct dyn_volume *vol = &v->m->volumes[volume];
	const struct view_job *j = view_volume_job(v, volume);
	const char *word = words_volume_status(WORDS_TUI, vol->status);
	const char *mark = view_volume_broken(vol) ? " !" : "";

	if (j && j->job.state == DYN_JOB_PAUSED)
		snprintf(dst, n, "Paused (%u%%)", view_job_percent(&j->job));
	else if (j && j->job.state == DYN_JOB_UNDECIDED)
		snprintf(dst, n, "Decide! (%u%%)", view_job_percent(&j->job));
	else if (j && j->job.state == DYN_JOB_VERIFYING)
		snprintf(dst, n, "Verifying (%u%%)", view_job_percent(&j->job));
	else if (j && j->job.state < DYN_JOB_PAUSED)
		snprintf(dst, n, "Regenerating (%u%%)", view_job_percent(&j->job));
	else if (*vol->info)
		snprintf(dst, n, "%s%s (%s)", word, mark, vol->info);
	else
		snprintf(dst, n, "%s%s", word, mark);
}
