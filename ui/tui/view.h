/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * view.h - what the main screen shows and what is selected in it. No curses, no engine calls: a model, the running
 * rebuilds, and where the user is.
 */
#ifndef UI_TUI_VIEW_H
#define UI_TUI_VIEW_H

#include <stdbool.h>

#include "dynadisk.h"

#define VIEW_FREE_UNKNOWN UINT64_MAX
#define VIEW_JOBS 16

enum pane_kind { PANE_VOLUMES, PANE_DISKS, PANE_GRAPH, PANE_HIDDEN };

enum move {
	MOVE_UP,
	MOVE_DOWN,
	MOVE_LEFT,
	MOVE_RIGHT,
	MOVE_PAGE_UP,
	MOVE_PAGE_DOWN,
	MOVE_FIRST,
	MOVE_LAST,
};

/* A rebuild on the screen: one that runs here, or one found on a disk. */
struct view_job {
	struct dyn_job job;
	size_t found; /* index into the model's jobs[] when no worker of ours owns it, else DYN_NONE */
};

/* What the keys act on. */
enum target_kind { TARGET_NOTHING, TARGET_DISK, TARGET_VOLUME, TARGET_SPACE };

struct target {
	enum target_kind kind;
	size_t disk;   /* TARGET_DISK, TARGET_SPACE: it; TARGET_VOLUME: the disk of the selected half, or DYN_NONE */
	size_t volume; /* TARGET_VOLUME */
	size_t region; /* TARGET_SPACE: the unallocated region of the disk */
};

struct view {
	const struct dyn_model *m;  /* borrowed */
	enum pane_kind pane[2];     /* top, bottom */
	int focus;                  /* 0 or 1 */
	size_t volume;              /* selected volume, DYN_NONE when a disk or unallocated space is selected */
	size_t disk;                /* selected disk (with a volume: the one whose region is selected) */
	size_t region;              /* selected region of that disk, DYN_NONE: the disk itself */
	size_t list_volume;         /* where the volume list's cursor was, while no volume is selected */
	size_t page;                /* rows a page key moves; the layout sets it */
	const uint64_t *free_bytes; /* per volume, VIEW_FREE_UNKNOWN where not (yet) known; NULL: none known */
	size_t n_jobs;
	struct view_job jobs[VIEW_JOBS];
	char host[64];
	bool read_only;
	char notice[512]; /* takes the place of the advice until the next key */
};

/* Selects the first broken volume, else the first volume, else the first disk. */
void view_start(struct view *v, const struct dyn_model *m);
/* Goes over to a newer model, keeping the selection by identity. */
void view_set_model(struct view *v, const struct dyn_model *m);
void view_move(struct view *v, enum move how);
/* The other pane, if it is not hidden and holds anything. */
void view_switch_pane(struct view *v);
void view_set_pane(struct view *v, int which, enum pane_kind kind);
struct target view_target(const struct view *v);
void view_select_volume(struct view *v, size_t volume);
/* region DYN_NONE: the disk itself */
void view_select_disk(struct view *v, size_t disk, size_t region);
/* The next volume or disk whose title, model, serial or path contains text (any case); false when there is none. */
bool view_find(struct view *v, const char *text);
/* Volume row in the list, also while a disk is selected. */
size_t view_list_volume(const struct view *v);
/* Whether the region is drawn (reserved areas and the extended container are not). */
bool view_region_shown(const struct dyn_region *r);
/* The job of a volume, or NULL. */
const struct view_job *view_volume_job(const struct view *v, size_t volume);
/* The job that the bar shows and its keys act on: one that moves before one that waits. NULL when there is none. */
const struct view_job *view_current_job(const struct view *v);
/* Done part in whole percent, 0..100. */
unsigned view_job_percent(const struct dyn_job *j);
/* "Failed Redundancy !", "Healthy (System)", "Regenerating (12%)" */
void view_volume_status(const struct view *v, size_t volume, char *dst, size_t n);
/* Needs a look: anything but healthy. */
bool view_volume_broken(const struct dyn_volume *vol);

#endif
