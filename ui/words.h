/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * words.h - one enum, three tables: what each state is called on the full screen (as Disk Management says it), in the
 * shell (as DiskPart says it) and in JSON (stable identifiers). Any value outside an enum gives the "unknown" word of
 * its table; the strings are static.
 */
#ifndef UI_WORDS_H
#define UI_WORDS_H

#include "dynadisk.h"

enum words_face { WORDS_TUI, WORDS_SHELL, WORDS_JSON, WORDS_FACES };

const char *words_volume_status(enum words_face f, enum dyn_volume_status s);
const char *words_disk_status(enum words_face f, enum dyn_disk_status s);
const char *words_plex_status(enum words_face f, enum dyn_plex_status s);
const char *words_layout(enum words_face f, enum dyn_layout l);
const char *words_table(enum words_face f, enum dyn_table t);
const char *words_job_kind(enum words_face f, enum dyn_job_kind k);
const char *words_job_state(enum words_face f, enum dyn_job_state s);
/* What a region is, for legends and boxes; JSON has identifiers for them too. The shell uses the TUI's words. */
const char *words_region(enum words_face f, enum dyn_region_kind k);
/* "Dynamic" or "Basic"; JSON "dynamic" or "basic". */
const char *words_disk_type(enum words_face f, bool dynamic);

/* How every sentence names a volume: "C: Windows", "C:", "Windows", "Volume3", or "Volume 3" when it has no name at all. */
void words_volume_title(const struct dyn_volume *v, char *dst, size_t n);
/* The same, short: "C:" where there is a letter, else as words_volume_title(). */
void words_volume_short(const struct dyn_volume *v, char *dst, size_t n);
/* "Disk 1  SAMSUNG MZ7LH1T9  S455NA0M611299  1863 GB": everything a person compares before touching a disk. Parts that
 * are not known are left out; an image file is named by its path. */
void words_disk_title(const struct dyn_disk *d, char *dst, size_t n);
/* "2 h 50 min", "18 min", "40 s"; "" for 0. */
void words_duration(uint64_t seconds, char *dst, size_t n);

#endif
