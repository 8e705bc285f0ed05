/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plan.h - a plan as data: what run/ carries out and what tests compare.
 *
 * A plan is built on a simulation: each disk's metadata sectors (sectmap) and each group's
 * database are copied from the model, every step lays its writes over the copy, and the
 * next step starts from there. Only the owner thread builds plans; a finished plan is
 * immutable and may be read by a worker.
 */
#ifndef DYN_PLAN_H
#define DYN_PLAN_H

#include "dynadisk.h"
#include "model/model.h"

/* What a rebuild needs to know, kept with the COPY step that starts it. */
struct plan_copy {
	struct ldm_rebuild record;     /* as first written; record.done > 0 when resuming */
	uint32_t record_slot;          /* rel sector of the next record write; the other of the pair is record_slot ^ 1 */
	uint64_t target_private_start; /* absolute sector of the target's private region */
	char volume_title[64];
	bool resume;
	bool accept;                   /* zeros where the source cannot be read */
};

/* A piece of an image: `size` bytes at `image` of its descriptor go to byte `target` of the disk. Multiples of 512. */
struct plan_range {
	uint64_t image, target, size;
	uint64_t expect;               /* bytes_sum() of what the target holds now, checked before anything is written;
					* 0: the plan does not care */
};

/* What an IMAGE step may overwrite and still be kept for undo: bytes. */
enum { PLAN_UNDO_MAX = 256 << 20 };

/* Halves that a step makes a mirror again without copying: nothing is written unless they are equal. Bytes. */
struct plan_compare {
	const char *title;             /* of the volume; in the plan's pool */
	size_t disk[2];
	uint64_t offset[2], size;
};

struct plan_step {
	struct dyn_step pub;           /* strings and arrays owned by the plan */
	struct plan_copy copy;         /* COPY steps */
	int image_fd;                  /* IMAGE steps, -1 otherwise; owned by the plan */
	/* IMAGE: what of it is written, in this order; none: all of it (pub.size), its holes as zeros. A range's holes are
	 * zeros, too; what lies between ranges stays as it is on the disk. In the plan's pool. */
	size_t n_ranges;
	const struct plan_range *ranges;
	size_t n_compares;             /* SECTORS */
	const struct plan_compare *compares; /* in the plan's pool */
	bool no_undo;                  /* IMAGE: what it overwrites is not kept, however little; the plan has a note saying so */
};

struct dyn_plan {
	char title[128];
	struct dyn_model *model;       /* referenced */
	size_t n_steps, n_notes;
	struct plan_step *steps;
	char **notes;
	size_t confirm_disk;           /* its `confirm` text must be typed; DYN_NONE: nothing is destroyed */
	/* The disks whose locks are needed: those written, and every disk of a group whose database changes. */
	size_t n_locks;
	size_t *locks;
	void *pool;
	const char *no_undo;           /* why it must not be undone, or NULL; nothing of it is kept then */
	const char *undo_of;           /* id of the undo file this plan carries out, or NULL */
	const struct ldm_rebuild *finishes; /* the record of the rebuild that this plan ends by attaching its half, or NULL */
	bool commits;                  /* it changes the database of a group that was there before */
};

/*
 * The commit at the end of a rebuild, computed when the copy is done, from the database as it
 * then is (other changes to the group may have happened meanwhile; if they touched this volume
 * or the target's room it is -ESTALE and nothing may be written). One SECTORS step: the
 * transaction, then the record cleared.
 */
int plan_attach(struct dyn_session *s, struct dyn_model *m, const struct plan_copy *copy, struct dyn_plan **out,
		struct dyn_err *err);
/* One SECTORS step that clears a rebuild record: both sectors of the pair that `slot` (rel) belongs to. */
int plan_clear_record(struct dyn_session *s, struct dyn_model *m, size_t target_disk, uint32_t slot,
		      struct dyn_plan **out, struct dyn_err *err);

/* ------------------------------------------------- building (plan/ and run/undo.c) */

/* An empty plan. */
int plan_new(struct dyn_model *m, struct dyn_plan **out, struct dyn_err *err, const char *title_fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* One SECTORS step with ready-made writes, which are copied. */
int plan_add_sectors(struct dyn_plan *p, const struct dyn_write *writes, size_t n, size_t disk, const char *words,
		     const char *effect, const char *diskpart, bool destroys, struct dyn_err *err);
/* Adds a disk to the locks, once. */
int plan_lock_disk(struct dyn_plan *p, size_t disk);

/* Memory that lives as long as the plan; NULL when there is none. */
void *plan_alloc(struct dyn_plan *p, size_t n);
char *plan_printf(struct dyn_plan *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Bytes an IMAGE step writes, and whether undo keeps what was there. */
uint64_t plan_image_bytes(const struct plan_step *st);
bool plan_image_kept(const struct plan_step *st);
int plan_note(struct dyn_plan *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Appends a step; words, effect and diskpart must live as long as the plan. NULL: no memory. The
 * pointer is good until the next step is added. */
struct plan_step *plan_add_step(struct dyn_plan *p, enum dyn_step_kind kind, size_t disk, const char *words,
				const char *effect, const char *diskpart);
/* Moves the last step before the first COPY: whatever a plan writes, it writes before its copies begin. */
void plan_move_before_copies(struct dyn_plan *p);
/* Two SECTORS steps that do not write to the same sectors change places. */
void plan_swap_steps(struct dyn_plan *p, size_t a, size_t b);
/* Appends a write to a step in the given phase. Bytes are copied; before may be NULL. Locks the disk. */
int plan_write(struct dyn_plan *p, struct plan_step *st, unsigned phase, size_t disk, uint64_t sector, uint32_t n,
	       const char *what, const void *before, const void *after);

#endif
