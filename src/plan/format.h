/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * format.h - the two halves of a format: an empty file system in a sparse temporary file
 * (mkfs.c), and the plan that brings it onto a volume (format.c).
 */
#ifndef DYN_PLAN_FORMAT_H
#define DYN_PLAN_FORMAT_H

#include "base/session.h"

enum mkfs_kind { MKFS_NTFS, MKFS_FAT, MKFS_FAT32, MKFS_EXFAT, MKFS_KINDS };

struct mkfs {
	enum mkfs_kind kind;
	const char *name;       /* Windows' spelling: "NTFS" */
	const char *word;       /* DiskPart's: "ntfs" */
	char label[132];        /* as it will be: FAT in upper case */
	uint32_t unit;          /* bytes, 0: the maker's choice */
	uint64_t size, start;   /* of the volume and its place on the disk, bytes */
	unsigned fat_bits;      /* 12, 16 or 32; FAT kinds */
};

/* Fills *fs from what is asked for; -EINVAL and others name the rule that is broken. Nothing is made. */
int mkfs_check(const struct dyn_format_spec *spec, const char *standard, uint64_t size, uint64_t start, struct mkfs *fs,
	       struct dyn_err *err);
/*
 * The file system in an unnamed temporary file of the volume's size in $TMPDIR or /var/tmp: data where the maker wrote,
 * and in the first and last MiB (so that no mark of an earlier file system outlives it), holes elsewhere. What the
 * maker made is checked to be what was asked for. *fd is the caller's.
 */
int mkfs_make(struct dyn_session *s, const struct mkfs *fs, int *fd, struct dyn_err *err);

#endif
