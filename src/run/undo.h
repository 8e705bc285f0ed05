/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * undo.h - the undo file: what the disks held before a plan, and what the plan left there.
 *
 * Layout, big-endian: "DYNUNDO2" 8 | checksum 8 (bytes_sum of the rest of the head) | length of the head 8 |
 * time 8 | title S | reason S | copies 4 | n disks 4, each path S, GUID S, serial S, size 8 |
 * n runs 4, each disk 4, sector 8, count 4, rank 4, flags 4, before, after (count * 512 each) |
 * n images 4, each disk 4, sector 8, count 4, place in the file 8, checksum 8, count checksums 8 |
 * n between 4, each disk 4, sector 8, checksum 8 |
 * behind the head, at the places named, the old bytes of the images (count * 512 each).
 * S: length 2 and bytes. Rank: the place of the last write to the run in the plan's order.
 *
 * Metadata is kept before and after; what an image replaced is kept as it was, and of what
 * replaced it only checksums by sector: so a format of terabytes is undone from a file of some MiB.
 */
#ifndef DYN_RUN_UNDO_H
#define DYN_RUN_UNDO_H

#include <sys/stat.h>

#include "run/run.h"

enum { UNDO_KEEP = 64 };
enum { UNDO_MAX_FILE = 256 << 20, UNDO_MAX_RUNS = 1 << 20, UNDO_MAX_DISKS = 4096 };
enum {
	UNDO_RECORD = 1,  /* a rebuild record: its job moves it on, so it need not hold what the plan wrote */
	UNDO_CONTEXT = 2, /* not written by the plan: the rest of a database, to know the old one whole */
};

struct undo_disk {
	char *path, *guid, *serial;
	uint64_t size;
};

struct undo_run {
	uint32_t disk;         /* index into disks */
	uint64_t sector;
	uint32_t n_sectors, rank, flags;
	uint8_t *before, *after; /* n_sectors * 512 each */
};

/* What a range of an image replaced; it is streamed to and from the file, never held in memory. */
struct undo_image {
	uint32_t disk;
	uint64_t sector;
	uint32_t n_sectors;
	uint64_t place;          /* of the old bytes in the file */
	uint64_t before_sum;     /* bytes_sum() of them */
	uint64_t *after_sums;    /* per sector: bytes_sum() of what the plan left there */
	/* while it is being saved: where the bytes come from */
	struct dyn_io *io;
	int image_fd;
	uint64_t image;
};

/* What a sector holds for a while, when a plan writes it more than once: a plan that was cut off may have left it so. */
struct undo_between {
	uint32_t disk;
	uint64_t sector, sum;    /* bytes_sum() of the 512 bytes */
};

struct undo_file {
	int64_t when;
	char *title;
	char *reason;            /* why it cannot be undone (then there are no runs and no images), or "" */
	uint32_t copies;         /* rebuilds the plan started: what they copied stays where it is */
	size_t n_disks;
	struct undo_disk *disks;
	size_t n_runs;
	struct undo_run *runs;
	size_t n_images;
	struct undo_image *images;
	size_t n_between;
	struct undo_between *between;
	int fd;                  /* of a loaded file, -1 else */
};

/* NULL: no memory. */
struct undo_file *undo_file_new(void);

void undo_file_free(struct undo_file *f); /* NULL is fine */
/* Appends a run; bytes are copied. -ENOMEM. */
int undo_file_add(struct undo_file *f, uint32_t disk, uint64_t sector, uint32_t n, uint32_t rank, uint32_t flags,
		  const uint8_t *before, const uint8_t *after);

int undo_file_add_between(struct undo_file *f, uint32_t disk, uint64_t sector, uint64_t sum); /* -ENOMEM */
/* Appends a range of an image without its bytes; io and image_fd are read when the file is stored. -ENOMEM. */
int undo_file_add_image(struct undo_file *f, uint32_t disk, uint64_t sector, uint32_t n, struct dyn_io *io, int image_fd,
			uint64_t image);

/* Does the path of a file's disk lead to where this one does? */
bool undo_same_path(const char *saved, const char *path);

/* Writes it into the state directory under a new name, which it gets when it is whole and synced; older ones may go then
 * (undo_dir_prune). */
int undo_file_store(const struct dyn_session *s, struct undo_file *f, char id[64], struct dyn_err *err);
/* id is a file name of the state directory, nothing else. -EBADMSG when it is damaged. */
int undo_file_load(const struct dyn_session *s, const char *id, struct undo_file **out, struct dyn_err *err);
/* The disks of a file whose first n bytes these are, for counting alone: nothing is checked. -EBADMSG: not to be had. */
int undo_file_peek(const uint8_t *b, size_t n, struct undo_disk **disks, size_t *n_disks);
void undo_disks_free(struct undo_disk *disks, size_t n); /* NULL is fine */

/* -------------------------------------------------------------- undo_dir.c */

/* A name undo_file_store() could have made: no path, no dot file. */
bool undo_id_ok(const char *id);
/* state_dir/undo, open; made when `create`. A refusal when it, or state_dir, is a link or others may write to it. */
int undo_dir_open(const struct dyn_session *s, bool create, struct dyn_err *err);
/* Of a file or folder by its name for people: -EPERM unless it is ours (or root's) and nobody else may write to it. */
int undo_only_ours(const char *path, const struct stat *st, struct dyn_err *err);
/* The undo files in it, in no order; *out is freed by the caller. */
int undo_dir_list(int dir, char (**out)[64], size_t *n);
int undo_sync_dir(int fd);
/*
 * Removes old undo files, after `newest` was stored: those that are neither among the newest UNDO_KEEP of all, nor among
 * the newest UNDO_KEEP of a disk that is still here. Also what power cuts left of files that were not finished. That
 * something cannot be removed is no error.
 */
void undo_dir_prune(const struct dyn_session *s, int dir, const char *newest);

#endif
