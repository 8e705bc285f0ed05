/* SPDX-License-Identifier: GPL-3.0-or-later */
/* words.c - the tables of words, and the few sentences' parts that all faces share. */
#include <stdio.h>
#include <string.h>

#include "ui/words.h"

struct word {
	const char *face[WORDS_FACES]; /* TUI, shell, JSON */
};

static const struct word unknown_word = { { "Unknown", "Unknown", "unknown" } };

static const struct word volume_status[DYN_VOLUME_STATUSES] = {
	[DYN_VOLUME_HEALTHY] = { { "Healthy", "Healthy", "healthy" } },
	[DYN_VOLUME_AT_RISK] = { { "Healthy (At Risk)", "At Risk", "at_risk" } },
	[DYN_VOLUME_FAILED_REDUNDANCY] = { { "Failed Redundancy", "Failed Rd", "failed_redundancy" } },
	[DYN_VOLUME_FAILED] = { { "Failed", "Failed", "failed" } },
	[DYN_VOLUME_REBUILDING] = { { "Regenerating", "Rebuild", "rebuilding" } },
	[DYN_VOLUME_STALE] = { { "Stale Data", "Stale", "stale" } },
	[DYN_VOLUME_UNKNOWN] = { { "Unknown", "Unknown", "unknown" } },
};

/* DiskPart has no word of its own for a disk without a table: it is simply Online with nothing on it. */
static const struct word disk_status[DYN_DISK_STATUSES] = {
	[DYN_DISK_ONLINE] = { { "Online", "Online", "online" } },
	[DYN_DISK_ERRORS] = { { "Online (Errors)", "Errors", "errors" } },
	[DYN_DISK_OFFLINE] = { { "Offline", "Offline", "offline" } },
	[DYN_DISK_MISSING] = { { "Missing", "Missing", "missing" } },
	[DYN_DISK_FOREIGN] = { { "Foreign", "Foreign", "foreign" } },
	[DYN_DISK_UNREADABLE] = { { "Unreadable", "Unreadable", "unreadable" } },
	[DYN_DISK_NOT_INITIALIZED] = { { "Not Initialized", "Online", "not_initialized" } },
};

static const struct word plex_status[DYN_PLEX_STATUSES] = {
	[DYN_PLEX_OK] = { { "Healthy", "Healthy", "ok" } },
	[DYN_PLEX_MISSING] = { { "Missing", "Missing", "missing" } },
	[DYN_PLEX_REBUILDING] = { { "Regenerating", "Rebuild", "rebuilding" } },
	[DYN_PLEX_STALE] = { { "Stale Data", "Stale", "stale" } },
};

static const struct word layout[DYN_LAYOUTS] = {
	[DYN_LAYOUT_SIMPLE] = { { "Simple", "Simple", "simple" } },
	[DYN_LAYOUT_SPANNED] = { { "Spanned", "Spanned", "spanned" } },
	[DYN_LAYOUT_STRIPED] = { { "Striped", "Stripe", "striped" } },
	[DYN_LAYOUT_MIRROR] = { { "Mirror", "Mirror", "mirror" } },
	[DYN_LAYOUT_RAID5] = { { "RAID-5", "RAID-5", "raid5" } },
	[DYN_LAYOUT_PARTITION] = { { "Partition", "Partition", "partition" } },
};

static const struct word table_word[] = {
	[DYN_TABLE_NONE] = { { "none", "none", "none" } },
	[DYN_TABLE_MBR] = { { "MBR", "MBR", "mbr" } },
	[DYN_TABLE_GPT] = { { "GPT", "GPT", "gpt" } },
};

static const struct word job_kind[] = {
	[DYN_JOB_REBUILD] = { { "Regenerating", "Rebuild", "rebuild" } },
};

static const struct word job_state[DYN_JOB_STATES] = {
	[DYN_JOB_QUEUED] = { { "waiting", "waiting", "queued" } },
	[DYN_JOB_CHECKING] = { { "checking what was copied", "checking", "checking" } },
	[DYN_JOB_COPYING] = { { "copying", "copying", "copying" } },
	[DYN_JOB_RETRYING] = { { "reading bad places again", "reading bad places again", "retrying" } },
	[DYN_JOB_VERIFYING] = { { "verifying", "verifying", "verifying" } },
	[DYN_JOB_COMMITTING] = { { "finishing", "finishing", "committing" } },
	[DYN_JOB_PAUSED] = { { "paused", "paused", "paused" } },
	[DYN_JOB_UNDECIDED] = { { "waiting for your decision", "waiting for a decision", "undecided" } },
	[DYN_JOB_DONE] = { { "done", "done", "done" } },
	[DYN_JOB_FAILED] = { { "failed", "failed", "failed" } },
	[DYN_JOB_CANCELLED] = { { "cancelled", "cancelled", "cancelled" } },
};

static const struct word region[DYN_REGION_KINDS] = {
	[DYN_REGION_UNALLOCATED] = { { "Unallocated", "Unallocated", "unallocated" } },
	[DYN_REGION_PRIMARY] = { { "Primary partition", "Primary partition", "primary" } },
	[DYN_REGION_EXTENDED] = { { "Extended partition", "Extended partition", "extended" } },
	[DYN_REGION_FREE] = { { "Free space", "Free space", "free" } },
	[DYN_REGION_LOGICAL] = { { "Logical drive", "Logical drive", "logical" } },
	[DYN_REGION_SIMPLE] = { { "Simple volume", "Simple volume", "simple" } },
	[DYN_REGION_SPANNED] = { { "Spanned volume", "Spanned volume", "spanned" } },
	[DYN_REGION_STRIPED] = { { "Striped volume", "Striped volume", "striped" } },
	[DYN_REGION_MIRROR] = { { "Mirrored volume", "Mirrored volume", "mirror" } },
	[DYN_REGION_RAID5] = { { "RAID-5 volume", "RAID-5 volume", "raid5" } },
	[DYN_REGION_RESERVED] = { { "Reserved", "Reserved", "reserved" } },
};

static const struct word disk_type[] = {
	[false] = { { "Basic", "Basic", "basic" } },
	[true] = { { "Dynamic", "Dynamic", "dynamic" } },
};

/* The word at i of a table of n, or the unknown word; a face outside the enum reads as JSON. */
static const char *pick(const struct word *t, size_t n, size_t i, enum words_face f)
{
	size_t face = (size_t)f < WORDS_FACES ? (size_t)f : WORDS_JSON;

	return (i < n && t[i].face[face]) ? t[i].face[face] : unknown_word.face[face];
}

#define PICK(table, i, f) pick(table, sizeof(table) / sizeof((table)[0]), (size_t)(i), f)

const char *words_volume_status(enum words_face f, enum dyn_volume_status s)
{
	return PICK(volume_status, s, f);
}

const char *words_disk_status(enum words_face f, enum dyn_disk_status s)
{
	return PICK(disk_status, s, f);
}

const char *words_plex_status(enum words_face f, enum dyn_plex_status s)
{
	return PICK(plex_status, s, f);
}

const char *words_layout(enum words_face f, enum dyn_layout l)
{
	return PICK(layout, l, f);
}

const char *words_table(enum words_face f, enum dyn_table t)
{
	return PICK(table_word, t, f);
}

const char *words_job_kind(enum words_face f, enum dyn_job_kind k)
{
	return PICK(job_kind, k, f);
}

const char *words_job_state(enum words_face f, enum dyn_job_state s)
{
	return PICK(job_state, s, f);
}

const char *words_region(enum words_face f, enum dyn_region_kind k)
{
	return PICK(region, k, f);
}

const char *words_disk_type(enum words_face f, bool dynamic)
{
	return PICK(disk_type, dynamic, f);
}

void words_volume_title(const struct dyn_volume *v, char *dst, size_t n)
{
	const char *label = v->label ? v->label : "", *name = v->name ? v->name : "";

	if (v->letter && *label)
		snprintf(dst, n, "%c: %s", v->letter, label);
	else if (v->letter)
		snprintf(dst, n, "%c:", v->letter);
	else if (*label)
		snprintf(dst, n, "%s", label);
	else if (*name)
		snprintf(dst, n, "%s", name);
	else
		snprintf(dst, n, "Volume %u", v->number);
}

void words_volume_short(const struct dyn_volume *v, char *dst, size_t n)
{
	if (v->letter)
		snprintf(dst, n, "%c:", v->letter);
	else
		words_volume_title(v, dst, n);
}

/* Appends two spaces and `part` when there is one. */
static void add_part(char *dst, size_t n, const char *part)
{
	size_t len = strlen(dst);

	if (part && *part && len < n)
		dyn_text_format(dst + len, n - len, "  %s", part);
}

void words_disk_title(const struct dyn_disk *d, char *dst, size_t n)
{
	char size[24];

	if (n == 0)
		return;
	dyn_text_size(size, sizeof(size), d->size);
	dyn_text_format(dst, n, "%s", d->name);
	if (d->bus && strcmp(d->bus, "image") == 0) {
		add_part(dst, n, d->path);
	} else {
		add_part(dst, n, d->model);
		add_part(dst, n, d->serial);
		if (!(d->model && *d->model) && !(d->serial && *d->serial))
			add_part(dst, n, d->path);
	}
	add_part(dst, n, size);
}

void words_duration(uint64_t s, char *dst, size_t n)
{
	if (n == 0)
		return;
	if (s == 0)
		dst[0] = '\0';
	else if (s < 60)
		snprintf(dst, n, "%u s", (unsigned)s);
	else if (s < 3600)
		snprintf(dst, n, "%u min", (unsigned)((s + 30) / 60));
	else if (s < 100 * 3600)
		snprintf(dst, n, "%u h %u min", (unsigned)(s / 3600), (unsigned)(s % 3600 / 60));
	else
		snprintf(dst, n, "%llu h", (unsigned long long)(s / 3600));
}
