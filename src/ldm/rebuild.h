/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rebuild.h - the rebuild record: one sector in the target disk's private region that says
 * which copy is under way and how far it has come. Windows keeps these sectors zero
 * (ldm-format.md 1); every reader ignores them. design.md, section 7.
 *
 * A disk can be the target of LDM_REBUILD_PAIRS copies (one running, the others queued). Record
 * k lives in the pair of sectors rel LDM_REBUILD_FIRST + 2k and + 2k + 1, written alternately;
 * the valid one with the higher sequence counts. The other sector of a pair is slot ^ 1.
 *
 * Layout, big-endian: "DYNREBLD" 8 | version 4 (1) | checksum 4 (byte sum of the sector, this
 * field as 0) | sequence 8 | phase 4 | flags 4 | volume GUID 16 | source disk GUID 16 | target
 * disk GUID 16 | source start 8 | target start 8 | size 8 (sectors, absolute on their disks) |
 * commit tid 8 | done 8 (sectors copied and flushed) | verified 8 | started 8, updated 8
 * (FILETIME) | errors 8 | number of ranges 4 | zero 4 | LDM_REBUILD_RANGES times: first sector of
 * the volume 8, sectors 8 (highest bit: the target holds what was read earlier).
 *
 * The ranges are what of [0, done) has not been read from the source (yet); they may cover more
 * than that, never less. A record that still has ranges stays when the copy becomes a half of
 * the volume: it is the mark that this half holds zeros there.
 */
#ifndef DYN_LDM_REBUILD_H
#define DYN_LDM_REBUILD_H

#include "ldm/ldm.h"

enum ldm_rebuild_phase { LDM_REBUILD_COPY = 1, LDM_REBUILD_VERIFY = 2 };
/* flags: whoever works on it has paused it; it has become a half of its volume, and the record is the mark of that */
enum { LDM_REBUILD_PAUSED = 1, LDM_REBUILD_ENDED = 2 };
enum { LDM_REBUILD_RANGES = DYN_JOB_RANGES };

struct ldm_rebuild {
	uint64_t sequence;
	enum ldm_rebuild_phase phase;
	uint32_t flags;                     /* LDM_REBUILD_... */
	char volume_guid[37], source_guid[37], target_guid[37]; /* LDM GUIDs */
	uint64_t source_start, target_start, size; /* sectors, absolute on the disk */
	uint64_t commit_tid;                /* the group's when the record was made */
	uint64_t done, verified;            /* sectors */
	uint64_t started, updated;          /* FILETIME */
	uint64_t errors;                    /* sectors not read, exactly */
	size_t n_bad;
	struct dyn_range bad[LDM_REBUILD_RANGES]; /* bytes of the volume, sorted, apart from each other */
};
/* b: 512 bytes. -ENOENT when the sector is all zero (no record), -EBADMSG when damaged. */
int ldm_rebuild_decode(const uint8_t *b, struct ldm_rebuild *out, struct dyn_err *err);
void ldm_rebuild_encode(const struct ldm_rebuild *r, uint8_t *b);

#endif
