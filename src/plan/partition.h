/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * partition.h - what the operations on partition tables share. Sectors of 512 bytes. A `part` is an index into
 * the sim's table of the disk, which at first is the model's partitions[] in the same order.
 */
#ifndef DYN_PLAN_PARTITION_H
#define DYN_PLAN_PARTITION_H

#include "plan/sim.h"

enum { PART_SECTOR = 512, PART_MIB = 2048 /* sectors */ };

#define PART_GPT_CLUSTER "db97dba9-0840-4bae-97f0-ffb9a327c7e1"

/* A table that will replace a disk's: a copy of what is there, with room for one entry more. */
struct part_edit {
	struct table want;
};
int part_edit_begin(const struct sim *sim, size_t disk, struct part_edit *e, struct dyn_err *err);
/* Ends the edit: one step whose writes make the table that one. words, effect and diskpart as for plan_add_step(). */
int part_edit_step(struct sim *sim, size_t disk, struct part_edit *e, const char *words, const char *effect,
		   const char *diskpart, bool destroys, struct dyn_err *err);
void part_edit_end(struct part_edit *e);

/* The disk may be written and has a table; for _basic: and is not dynamic. doing: "create a partition on" */
int part_need_table(const struct sim *sim, size_t disk, struct dyn_err *err);
int part_need_basic(const struct sim *sim, size_t disk, struct dyn_err *err);
/* The same, and there is such a partition. */
int part_need(const struct sim *sim, size_t disk, size_t part, struct dyn_err *err);

bool part_is_ldm(enum dyn_table kind, const struct table_part *p);
bool part_is(const struct table_part *p, const char *gpt_type);
/* "partition 2 (Recovery, 450 MB)" */
void part_title(const struct sim *sim, size_t disk, size_t part, char *dst, size_t n);
/* true when no primary, extended or GPT partition touches [start, start + size) and the table may describe it */
bool part_room_at(const struct sim *sim, size_t disk, uint64_t start, uint64_t size);
/* A partition type from DiskPart's text into p->mbr_type or p->gpt_type; refuses those that only LDM, clusters, or a
 * command of their own may give. */
int part_type_parse(enum dyn_table kind, const char *id, struct table_part *p, struct dyn_err *err);

/* A new entry at exactly this place, which is free. */
int part_put(struct sim *sim, size_t disk, const struct table_part *p, const char *words, const char *diskpart,
	     struct dyn_err *err);
int part_create(struct sim *sim, size_t disk, const struct dyn_part_spec *spec, struct dyn_err *err);
int part_delete(struct sim *sim, size_t disk, size_t part, bool override, struct dyn_err *err);

#endif
