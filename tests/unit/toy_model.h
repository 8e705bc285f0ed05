/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * toy_model.h - models made by hand from the public structs: the broken MBR mirror of the guides (Disk 0, a blank Disk 1,
 * the missing Disk M0, volume C:), an EFI partition, and texts no disk should carry.
 */
#ifndef TESTS_TOY_MODEL_H
#define TESTS_TOY_MODEL_H

#include "dynadisk.h"

struct toy_model {
	struct dyn_model m;
	struct dyn_disk disks[3];
	struct dyn_group groups[1];
	struct dyn_volume volumes[2];
	struct dyn_plex plexes[3];
	struct dyn_extent extents[3];
	struct dyn_job jobs[1];
};

/* C: is Failed Redundancy, its second half on Disk M0. */
void toy_failed_mirror(struct toy_model *t);
/* The same volume being rebuilt onto Disk 1, at 42 percent; nothing is missing. */
void toy_rebuilding(struct toy_model *t);

#endif
