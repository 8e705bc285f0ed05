/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ntfs.h - the little of NTFS that is read: records, run lists, a name in the root folder. Bounded; never writes. */
#ifndef DYN_MODEL_NTFS_H
#define DYN_MODEL_NTFS_H

#include "base/bytes.h"
#include "model/volio.h"

enum { NTFS_ATTRIBUTE_LIST = 0x20, NTFS_DATA = 0x80, NTFS_INDEX_ROOT = 0x90, NTFS_INDEX_ALLOCATION = 0xa0 };

struct ntfs {
	const struct volio *io;
	uint64_t sector, cluster, record; /* bytes */
	uint64_t clusters;                /* how many there are */
	uint64_t mft;                     /* cluster in which the MFT begins */
};

/* From a boot sector (512 bytes). -EBADMSG when its numbers are absurd. */
int ntfs_open(const struct volio *io, const uint8_t *boot, struct ntfs *n);
/* Undoes the update sequence of a record or index block; false: it is torn or none. */
bool ntfs_fix_up(uint8_t *rec, size_t size);
/* The first attribute of this type in a fixed-up record, *n bytes of it; of $DATA the unnamed one. NULL: none. */
const uint8_t *ntfs_attr(const uint8_t *rec, size_t size, uint32_t type, size_t *n);
/* One run of a run list; *lcn is moved on by it. false at its end, and for what is no run or a hole. */
bool ntfs_next_run(struct cur *c, uint64_t *length, uint64_t *lcn);
/* Is there a hibernated Windows: a hiberfil.sys in the root folder that says so? false where that cannot be read. */
bool ntfs_hibernated(const struct volio *io);

#endif
