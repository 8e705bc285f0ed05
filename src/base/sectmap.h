/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sectmap.h - a sparse picture of a disk's metadata sectors.
 *
 * The scan keeps one per disk (partition table areas, EBRs); plans copy it and lay their
 * own writes over the copy, so that the second step of a plan sees what the first one
 * will have written, without any disk being read or written. Sectors are 512-byte units.
 * Sectors that were never put read as zeros; sectmap_has() tells the difference.
 */
#ifndef DYN_BASE_SECTMAP_H
#define DYN_BASE_SECTMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sectmap_run {
	uint64_t sector;
	uint32_t n_sectors;
	uint8_t *bytes;
};

struct sectmap {
	uint64_t total_sectors; /* size of the disk */
	uint32_t sector_size;   /* logical sector size of the disk in bytes (512 or 4096) */
	size_t n;
	struct sectmap_run *runs; /* sorted, never overlapping, not merged */
};

int sectmap_new(uint64_t total_sectors, uint32_t sector_size, struct sectmap **out);
int sectmap_clone(const struct sectmap *m, struct sectmap **out);
void sectmap_free(struct sectmap *m);

/* Lays n sectors over what is there. -ERANGE beyond the disk, -ENOMEM. Bytes are copied. */
int sectmap_put(struct sectmap *m, uint64_t sector, uint32_t n, const void *bytes);
/* Reads n sectors (zeros where nothing was put). -ERANGE beyond the disk. */
int sectmap_get(const struct sectmap *m, uint64_t sector, uint32_t n, void *bytes);
/* true when every one of the n sectors was put */
bool sectmap_has(const struct sectmap *m, uint64_t sector, uint32_t n);

#endif
