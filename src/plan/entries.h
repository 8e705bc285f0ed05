/* SPDX-License-Identifier: GPL-3.0-or-later */
/* entries.h - a disk's partition table as a list that plans edit: which entries hold volumes, which stay beside them. */
#ifndef DYN_PLAN_ENTRIES_H
#define DYN_PLAN_ENTRIES_H

#include "plan/sim.h"

/* A table that may be changed, with room for `more` entries. entries_free() frees what it holds. */
int entries_copy(const struct table *from, size_t more, struct table *out);
void entries_free(struct table *t);
void entries_remove(struct table *t, size_t i);

bool entry_is_container(const struct table *t, const struct table_part *p); /* LDM data: 0x42, or its GPT type */
bool entry_is_meta(const struct table *t, const struct table_part *p);
bool entry_is_msr(const struct table *t, const struct table_part *p);
/* Entries an MBR has no more than four of. */
size_t entries_primaries(const struct table *t);

/* The LDM extent of a retained volume that this container holds and nothing else; NULL when it is a common one. */
const struct ldm_record *entry_retained_extent(const struct sim *sim, size_t disk, const struct table_part *p);

/* Makes [start, start + size) of a dynamic disk a container of its own; what its old one was called goes to the first
 * piece. Nothing is written where it is one already. -EBADMSG: not within one container; -ENOSPC: an MBR has no more
 * than four entries. After either nothing has changed. */
int entry_of_its_own(struct sim *sim, struct plan_step *st, unsigned *phase, size_t disk, uint64_t start, uint64_t size,
		     struct dyn_err *err);

#endif
