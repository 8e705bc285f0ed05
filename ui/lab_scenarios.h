/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lab_scenarios.h - what each set of practice disks is, and how it comes about: moves, one after the other. */
#ifndef UI_LAB_SCENARIOS_H
#define UI_LAB_SCENARIOS_H

#include <stddef.h>
#include <stdint.h>

enum { LAB_DISKS = 3, LAB_MOVES = 24 };

enum lab_verb {
	LAB_END,
	LAB_MBR,        /* disk: an empty MBR */
	LAB_GPT,        /* disk: an empty GPT, without the reserved partition that `convert gpt` makes */
	LAB_GPT_MSR,    /* disk: a GPT as `convert gpt` makes it */
	LAB_EFI,        /* disk, size, offset: an EFI system partition */
	LAB_MSR,        /* disk, size, offset: a Microsoft reserved partition */
	LAB_PRIMARY,    /* disk, size, offset: a data partition; text: its type, NULL the usual one */
	LAB_ACTIVE,     /* disk, part: the active flag */
	LAB_ATTRIBUTES, /* disk, part, size: GPT attribute bits */
	LAB_FAT,        /* disk, part: an empty FAT32 labelled text; FAT where text is NULL */
	LAB_NTFS,       /* disk, part (0: the dynamic volume): an NTFS labelled text, with files in it */
	LAB_DYNAMIC,    /* disk: convert dynamic */
	LAB_VOLUME,     /* disk, size: a simple volume; part: its letter */
	LAB_LETTER,     /* part: the letter of the dynamic volume */
	LAB_RETAIN,     /* the dynamic volume gets partition entries of its own */
	LAB_MIRROR,     /* disk: add the other half of the dynamic volume there */
	LAB_LOSE,       /* disk: it dies; a blank one of `size` bytes is put in its place */
};

struct lab_move {
	enum lab_verb verb;
	unsigned disk, part;
	uint64_t size, offset; /* bytes; 0: the rest, the first room */
	const char *text;
};

struct lab_scenario {
	const char *name, *what;
	uint64_t size[LAB_DISKS]; /* bytes; 0: no such disk */
	struct lab_move moves[LAB_MOVES];
};

extern const struct lab_scenario lab_scenarios[];
extern const size_t lab_n_scenarios;

#endif
