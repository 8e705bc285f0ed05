/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dynadisk.h - the engine's public face.
 *
 * Flow (docs: README, "How it works"):  session --scan--> model --plan--> plan --apply--> disks.
 *
 * Promises that hold for every call here:
 *  - The engine never prints, prompts or exits. Functions return 0 or a negative
 *    errno value and, on failure, fill *err (never NULL-checked twice: err may be NULL).
 *  - Only dyn_apply() and a running rebuild write to disks; everything else opens
 *    disks read-only.
 *  - Sizes and offsets are bytes unless the name says sectors. All text in a model
 *    or plan is valid UTF-8 without control characters: what came from a disk has
 *    been cleaned (dyn_text_clean) before it got there. Paths alone are as they are.
 *  - One thread at a time (the owner) makes scans, plans and apply calls of a session;
 *    it may hand that over to another one. The dyn_job_* calls may be made from any thread.
 */
#ifndef DYNADISK_H
#define DYNADISK_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define DYN_NONE ((size_t)-1) /* "no such index" in size_t index fields */

/* ------------------------------------------------------------------ errors */

struct dyn_err {
	int code;          /* negative errno, 0 if unset */
	char what[384];    /* one sentence that names the thing and what is wrong with it */
	char way_out[256]; /* what the user can do about it; may be empty */
};

/* ------------------------------------------------------------------- enums */

enum dyn_table { DYN_TABLE_NONE, DYN_TABLE_MBR, DYN_TABLE_GPT };

enum dyn_disk_status {
	DYN_DISK_ONLINE,
	DYN_DISK_ERRORS, /* "Online (Errors)": readable, but a metadata copy is damaged or out of date */
	DYN_DISK_OFFLINE, /* present, cannot be opened or read */
	DYN_DISK_MISSING, /* in a group's database, no device carries it */
	DYN_DISK_FOREIGN, /* its group's database does not know it (any more) */
	DYN_DISK_UNREADABLE, /* dynamic by its table, LDM metadata unusable */
	DYN_DISK_NOT_INITIALIZED, /* no partition table */
	DYN_DISK_STATUSES
};

enum dyn_volume_status {
	DYN_VOLUME_HEALTHY,
	DYN_VOLUME_AT_RISK,
	DYN_VOLUME_FAILED_REDUNDANCY,
	DYN_VOLUME_FAILED,
	DYN_VOLUME_REBUILDING,
	DYN_VOLUME_STALE,
	DYN_VOLUME_UNKNOWN,
	DYN_VOLUME_STATUSES
};

enum dyn_plex_status { /* names after [MS-DMRP] 2.2.7 region status */
	DYN_PLEX_OK,
	DYN_PLEX_MISSING, /* at least one extent lies on a missing disk */
	DYN_PLEX_REBUILDING, /* being filled by a rebuild, not yet part of the volume on disk */
	DYN_PLEX_STALE, /* on a disk whose database is out of date, or flagged recover/iofail */
	DYN_PLEX_STATUSES
};

enum dyn_layout {
	DYN_LAYOUT_SIMPLE,
	DYN_LAYOUT_SPANNED,
	DYN_LAYOUT_STRIPED,
	DYN_LAYOUT_MIRROR,
	DYN_LAYOUT_RAID5,
	DYN_LAYOUT_PARTITION, /* a volume on a basic disk, or an ESP/OEM/recovery partition */
	DYN_LAYOUTS
};

enum dyn_region_kind {
	DYN_REGION_UNALLOCATED,
	DYN_REGION_PRIMARY,
	DYN_REGION_EXTENDED, /* the container; its logicals and free space follow as regions of their own */
	DYN_REGION_FREE, /* free space inside an extended partition */
	DYN_REGION_LOGICAL,
	DYN_REGION_SIMPLE,
	DYN_REGION_SPANNED,
	DYN_REGION_STRIPED,
	DYN_REGION_MIRROR,
	DYN_REGION_RAID5,
	DYN_REGION_RESERVED, /* MSR, LDM metadata: real, but not drawn (Windows hides them) */
	DYN_REGION_KINDS
};

/* ------------------------------------------------------------------- model */

/* A run of bytes of a disk, in disk order; together they tile the disk's usable space. */
struct dyn_region {
	enum dyn_region_kind kind;
	uint64_t offset, size; /* bytes on the disk */
	size_t volume;         /* index into volumes[], or DYN_NONE */
	size_t plex;           /* index into that volume's plexes[], or DYN_NONE */
	unsigned part_number;  /* partition number for table entries, else 0 */
	const char *type_word; /* "System", "Recovery", "OEM", ... for partitions; "" else */
};

/* An entry of a disk's partition table, containers and reserved ones included. */
struct dyn_partition {
	unsigned number;        /* 1.., as DiskPart's "Partition N": by offset; logicals after the extended one */
	unsigned table_number;  /* the table's own number (libfdisk's, 1-based) */
	const char *type_word;  /* DiskPart's: "System", "Reserved", "Primary", "Dynamic Data", ... */
	char type_id[37];       /* GPT type GUID, or two hex digits on MBR */
	char guid[37];          /* GPT partition GUID, or "" */
	const char *name;       /* GPT name, cleaned; "" on MBR */
	uint64_t attributes;    /* GPT */
	bool active;            /* MBR */
	uint64_t offset, size;  /* bytes */
	size_t volume;          /* index into volumes[], or DYN_NONE (containers, MSR, ...) */
};

struct dyn_disk {
	unsigned number;        /* N of "Disk N" or "Disk MN" */
	char name[16];          /* "Disk 0", "Disk M0" */
	enum dyn_disk_status status;
	bool dynamic;
	enum dyn_table table;
	const char *path;       /* as given or /dev/..., for opening: any bytes, cleaned where it is shown; "" when missing */
	const char *model, *serial, *bus; /* "" when unknown; image files: bus "image" */
	const char *confirm;    /* what a user types to prove they looked: end of the serial, or the image's file name */
	uint64_t size;          /* bytes; missing: the last known end of its extents */
	uint64_t free;          /* bytes unallocated */
	uint32_t sector_size;   /* bytes, logical; 0 when missing */
	bool read_only, removable;
	bool denied;            /* this user has no right to write to it; an image is read_only then, too */
	bool taken_offline;     /* OFFLINE because of dyn_set_offline(), not for a fault */
	bool blank;             /* present, no table, and the first and last MiB read as zeros */
	const char *in_use;     /* who holds it ("mounted on /", "swap", "md0"), "" if nobody */
	const char *db_name;    /* name of its LDM disk record ("Disk6"), "" if none */
	char guid[37];          /* LDM disk GUID, or the GPT disk GUID, or "" */
	char table_id[37];      /* what the table calls the disk: GPT disk GUID, or eight hex digits (MBR signature), or "" */
	size_t group;           /* index into groups[], or DYN_NONE */
	size_t n_regions;
	const struct dyn_region *regions;
	size_t n_partitions;
	const struct dyn_partition *partitions; /* by number */
	size_t n_damage;
	const char *const *damage; /* one sentence each: which copy is bad and that the good one was used */
};

struct dyn_group {
	char guid[37];
	const char *name;
	uint64_t transaction;   /* committed transaction id */
	size_t n_disks, n_missing;
	bool interrupted;       /* a change was cut off between its first and last write (ldm-format 8) */
	bool import_cut;        /* that change is an import of other disks: it can only be finished */
	const char *problem;    /* why this group must not be changed; "" if it may */
};

struct dyn_extent {
	size_t disk;            /* index into disks[] */
	uint64_t offset;        /* bytes on the disk; 0 when the disk is missing */
	uint64_t size;          /* bytes */
	uint64_t volume_offset; /* bytes: place in its column (stripe, RAID-5) or in the plex (concat) */
	unsigned column;
};

struct dyn_plex {
	const char *name;
	enum dyn_plex_status status;
	size_t n_extents;
	const struct dyn_extent *extents; /* sorted by column, then volume_offset */
};

/* A run of bytes of a volume (from its start) that could not be read from the source of a rebuild. */
struct dyn_range {
	uint64_t offset, size;
	bool kept;              /* the copy holds what was read there earlier; otherwise zeros, or nothing yet */
};

struct dyn_volume {
	unsigned number;        /* N of DiskPart's "Volume N" */
	const char *name;       /* LDM name ("Volume3") or "" for partitions */
	char guid[37];          /* LDM volume GUID or GPT partition GUID, else "" */
	char letter;            /* 'C', or 0 */
	const char *label, *fs; /* fs in Windows' spelling: NTFS, FAT32, FAT, exFAT, ReFS; others as libblkid; "RAW" */
	const char *info;       /* "System", "Hidden", "Boot", "" */
	bool hibernated;        /* NTFS with a Windows in hibernation (hiberfil.sys says so) */
	enum dyn_layout layout;
	enum dyn_volume_status status;
	uint64_t size;          /* bytes */
	size_t group;           /* DYN_NONE for partitions */
	size_t job;             /* index into jobs[] while a rebuild of it exists, else DYN_NONE */
	uint32_t stripe_size;   /* bytes, striped and RAID-5 only */
	size_t n_plexes;        /* a partition has one plex of one extent */
	const struct dyn_plex *plexes;
	/* Where one half holds zeros, because its rebuild was finished although the source could not be read there. These
	 * ranges may cover a little more than that, never less. */
	size_t n_unread;
	const struct dyn_range *unread;
};

enum dyn_job_kind { DYN_JOB_REBUILD };

enum dyn_job_state {
	DYN_JOB_QUEUED,
	DYN_JOB_CHECKING, /* comparing what an earlier run copied */
	DYN_JOB_COPYING,
	DYN_JOB_RETRYING, /* all that reads well is copied; what did not is read again, in smaller and smaller pieces */
	DYN_JOB_VERIFYING,
	DYN_JOB_COMMITTING,
	DYN_JOB_PAUSED,
	DYN_JOB_UNDECIDED, /* parts of the source cannot be read: continue (try again), finish with zeros there, or cancel */
	DYN_JOB_DONE,
	DYN_JOB_FAILED,
	DYN_JOB_CANCELLED,
	DYN_JOB_STATES
};

enum { DYN_JOB_RANGES = 22 };

/* A snapshot of a rebuild: from a running worker, or from the record it left on the target disk. */
struct dyn_job {
	unsigned id;            /* of dyn_jobs(); 0 when no worker of this session owns it */
	enum dyn_job_kind kind;
	enum dyn_job_state state;
	bool elsewhere;         /* another process is running it */
	char volume_guid[37];
	char volume_title[64];  /* "C: Windows" */
	char source_guid[37], target_guid[37]; /* LDM disk GUIDs */
	size_t volume, source, target; /* model indexes (only in dyn_model.jobs; DYN_NONE otherwise) */
	uint64_t done, total;   /* bytes of the current phase, finished and flushed */
	uint64_t rate;          /* bytes per second, 0 unknown */
	uint64_t limit;         /* bytes per second, 0 none */
	uint64_t seconds_left;  /* of the current phase, 0 unknown */
	uint64_t errors;        /* sectors of the source that could not be read (yet) */
	size_t n_unread;        /* where they are; joined when they are more, so that good sectors may lie between */
	struct dyn_range unread[DYN_JOB_RANGES];
	bool inhibits;          /* the system's shutdown and sleep are held back while it works */
	struct dyn_err result;  /* why, when FAILED or UNDECIDED; when DONE, what the new half does not hold; else empty */
};

struct dyn_model_priv;

/* An immutable snapshot of all disks. dyn_model_unref() frees it with everything it points to. */
struct dyn_model {
	size_t n_disks;
	const struct dyn_disk *disks; /* present ones in the order given, then the missing ones M0.. */
	size_t n_groups;
	const struct dyn_group *groups;
	size_t n_volumes;
	const struct dyn_volume *volumes;
	size_t n_jobs;
	const struct dyn_job *jobs;
	struct dyn_model_priv *priv;
};

/* ----------------------------------------------------------------- session */

struct dyn_session;
struct dyn_step;

struct dyn_options {
	const char *state_dir;  /* undo files; NULL: /var/lib/dynadisk for root, else $XDG_STATE_HOME/dynadisk */
	const char *sys_root;   /* prefix for /sys and /proc look-ups, for tests; NULL: "" */
	bool read_only;         /* dyn_apply refuses */
	uint64_t limit;         /* bytes per second that each new rebuild may copy at first, 0 none; see dyn_job_limit() */
	uint64_t seed;          /* tests: nonzero makes GUIDs and signatures repeatable */
	uint64_t fixed_time;    /* tests: nonzero replaces the clock (Unix seconds) in what is written */
	void (*log)(void *arg, const char *line); /* one line per write operation; NULL: none. Any thread */
	void *log_arg;
	/* While dyn_apply() writes an image (a format), on its thread, about ten times a second and at the end:
	 * bytes written and read back, of twice the step's bytes. Nonzero stops it (-ECANCELED): what was written stays,
	 * unless undo takes it back. Also while it compares the halves of a mirror that an undo brings back, before
	 * anything is written: bytes compared, of a half's. NULL: none. */
	int (*progress)(void *arg, const struct dyn_step *step, uint64_t done, uint64_t total);
	void *progress_arg;
};

/*
 * paths: block devices or raw image files, numbered in this order; n 0: every whole
 * disk of the machine. Nothing is opened yet. *out is freed by dyn_session_close().
 */
int dyn_session_open(const char *const *paths, size_t n, const struct dyn_options *opt,
		     struct dyn_session **out, struct dyn_err *err);

/* Stops (pauses) running jobs, waits for their workers and frees the session. */
void dyn_session_close(struct dyn_session *s);

/*
 * DiskPart "offline disk", for this session alone: from the next scan on the disk at `path` (as the model gives it) is not
 * read, its status is OFFLINE, and it is missing from its group. Nothing is written. offline false: it is read again.
 * Doing either twice is no error. -EBUSY while a rebuild of this session runs or waits.
 */
int dyn_set_offline(struct dyn_session *s, const char *path, bool offline, struct dyn_err *err);

/* Reads all disks. A disk that cannot be read becomes an entry with a status, not an error. */
int dyn_scan(struct dyn_session *s, struct dyn_model **out, struct dyn_err *err);
struct dyn_model *dyn_model_ref(struct dyn_model *m);
void dyn_model_unref(struct dyn_model *m);

/*
 * Free bytes inside a volume's file system (NTFS, FAT), read from its own allocation map.
 * May read tens of MiB on large volumes. -ENOTSUP: not a file system we can count.
 * Any thread; the model must stay referenced.
 */
int dyn_volume_fs_free(const struct dyn_model *m, size_t volume, uint64_t *free_bytes, struct dyn_err *err);

/* ------------------------------------------------------------------- plans */

enum dyn_step_kind { DYN_STEP_SECTORS, DYN_STEP_IMAGE, DYN_STEP_COPY };

/* One run of metadata sectors to be written. Units of 512 bytes. */
struct dyn_write {
	size_t disk;            /* model disk index */
	uint64_t sector;
	uint32_t n_sectors;
	unsigned phase;         /* writes of one phase are flushed on all disks before the next begins */
	const char *what;       /* "GPT header", "database header", ... */
	/* n_sectors * 512 bytes each. before is what the plan relies on finding there (checked when it is applied);
	 * NULL: the plan does not care what is there (it is read and saved for undo all the same). */
	const uint8_t *before, *after;
};

struct dyn_step {
	enum dyn_step_kind kind;
	const char *words;      /* "Remove the half on Disk M0" */
	const char *effect;     /* "database only", "ERASES DISK 1", "copies 1862 GB" */
	const char *diskpart;   /* the DiskPart line(s) that do the same, separated by '\n'; "" if none */
	bool destroys;
	size_t disk;            /* the disk it acts on, or DYN_NONE */
	size_t n_writes;
	const struct dyn_write *writes;
	/* COPY and IMAGE: bytes on disk source (COPY) or of an image (IMAGE) go to disk `disk`. A COPY's writes
	 * are a preview of the transaction that attaches the half once the copy is verified; it is computed
	 * again from the disks' state at that moment. */
	size_t source;
	uint64_t source_offset, target_offset, size;
};

struct dyn_plan;

const char *dyn_plan_title(const struct dyn_plan *p);          /* "Repair C: Windows" */
size_t dyn_plan_n_steps(const struct dyn_plan *p);
const struct dyn_step *dyn_plan_step(const struct dyn_plan *p, size_t i);
size_t dyn_plan_n_notes(const struct dyn_plan *p);             /* facts and warnings to show above the steps */
const char *dyn_plan_note(const struct dyn_plan *p, size_t i);
/* What must be typed before it may be applied (the end of the erased disk's serial), or NULL. */
const char *dyn_plan_confirm(const struct dyn_plan *p);
size_t dyn_plan_confirm_disk(const struct dyn_plan *p);        /* the disk it identifies, or DYN_NONE */
/* false: part of what it overwrites is more than undo keeps, so that none of it can be undone (a note says so). Of a plan
 * with copies everything but what they copy over can be undone. */
bool dyn_plan_can_undo(const struct dyn_plan *p);
enum dyn_undo_kind {
	DYN_UNDO_NONE,     /* it cannot be undone */
	DYN_UNDO_BYTES,    /* every byte comes back */
	DYN_UNDO_DATABASE, /* as that, but for the database of a group: its records come back, by a new transaction */
	DYN_UNDO_COPIES,   /* as that, and what the copies go over does not come back */
};
enum dyn_undo_kind dyn_plan_undo_kind(const struct dyn_plan *p);
struct dyn_model *dyn_plan_model(const struct dyn_plan *p);    /* borrowed */
void dyn_plan_free(struct dyn_plan *p);

/*
 * The plan makers. Pure: they read only the model (and take random bytes for new GUIDs).
 * 0 and *out, or a refusal: -errno, err->what names the thing, err->way_out the remedy.
 * Indexes are into the model's arrays; an index out of range is -EINVAL.
 */

/* DiskPart "convert mbr|gpt": a new, empty table on a disk without partitions. */
int dyn_plan_initialize(struct dyn_session *s, struct dyn_model *m, size_t disk, enum dyn_table table,
			struct dyn_plan **out, struct dyn_err *err);
/* DiskPart "convert dynamic": an uninitialised disk (then `table` says which; NONE = the group's habit), an empty one,
 * or one with data partitions, which become simple volumes where they are (ldm-format 10.1).
 * group: the group to join, DYN_NONE = the only group there is, or a new one when there is none. */
int dyn_plan_upgrade(struct dyn_session *s, struct dyn_model *m, size_t disk, enum dyn_table table, size_t group,
		     struct dyn_plan **out, struct dyn_err *err);
/* A simple volume of `size` bytes (0: the largest possible) in the first room on a dynamic disk. letter 0: none. */
int dyn_plan_create_simple(struct dyn_session *s, struct dyn_model *m, size_t disk, uint64_t size, char letter,
			   struct dyn_plan **out, struct dyn_err *err);
/* Puts a prepared file system image (at most the volume's size) into every plex of a volume. image is opened and kept by the plan. */
int dyn_plan_write_image(struct dyn_session *s, struct dyn_model *m, size_t volume, const char *image_path,
			 struct dyn_plan **out, struct dyn_err *err);
/* DiskPart "add disk=N": upgrades the target first when it is empty (table as in dyn_plan_upgrade), copies, verifies,
 * commits. The new half of a retained volume gets an own table entry, too; a note says when an MBR has no slot left. */
int dyn_plan_add_mirror(struct dyn_session *s, struct dyn_model *m, size_t volume, size_t disk, enum dyn_table table,
			struct dyn_plan **out, struct dyn_err *err);
/* DiskPart "break disk=N [nokeep]": disk is the half that loses the letter (keep) or is dropped (nokeep). */
int dyn_plan_break(struct dyn_session *s, struct dyn_model *m, size_t volume, size_t disk, bool keep,
		   struct dyn_plan **out, struct dyn_err *err);
/* DiskPart "delete disk" on a missing disk. */
int dyn_plan_delete_missing(struct dyn_session *s, struct dyn_model *m, size_t disk, struct dyn_plan **out,
			    struct dyn_err *err);
/* DiskPart "delete disk override": the halves of mirrors on the missing disk are dropped and its other volumes deleted
 * first, in the same plan. Refused where a half on it is the only good one, and for RAID-5. */
int dyn_plan_forget_missing(struct dyn_session *s, struct dyn_model *m, size_t disk, struct dyn_plan **out,
			    struct dyn_err *err);
/* The whole repair of a mirror that lost a half: drop the half, delete its disk if nothing else is on it,
 * prepare `target`, add the mirror; with several broken mirrors on the same missing disk, all of them
 * when `whole_disk`. */
int dyn_plan_repair(struct dyn_session *s, struct dyn_model *m, size_t volume, size_t target, enum dyn_table table,
		    bool whole_disk, struct dyn_plan **out, struct dyn_err *err);
/* Continue, or give up, a rebuild that a record on its target disk describes and no process runs. */
int dyn_plan_resume(struct dyn_session *s, struct dyn_model *m, size_t job, struct dyn_plan **out, struct dyn_err *err);
int dyn_plan_cancel(struct dyn_session *s, struct dyn_model *m, size_t job, struct dyn_plan **out, struct dyn_err *err);
/* Continue it, and where the source still cannot be read put zeros into the new half and finish. -EINVAL: all was read. */
int dyn_plan_finish(struct dyn_session *s, struct dyn_model *m, size_t job, struct dyn_plan **out, struct dyn_err *err);
/* Take away the mark that a half of this volume holds zeros (dyn_volume.unread): its files have been seen to. */
int dyn_plan_forget_unread(struct dyn_session *s, struct dyn_model *m, size_t volume, struct dyn_plan **out,
			   struct dyn_err *err);
/* Finish or roll back a change that was cut off, by the rule of ldm-format 8; an import that was cut off is finished.
 * -ENODEV while a disk is missing that may hold what decides. Of two groups that an import was cut off
 * between the plan is for the one that decides. */
int dyn_plan_recover(struct dyn_session *s, struct dyn_model *m, size_t group, struct dyn_plan **out, struct dyn_err *err);
/* The same when the user insists: what the disks that are here say decides. A note says what that means. */
int dyn_plan_recover_anyway(struct dyn_session *s, struct dyn_model *m, size_t group, struct dyn_plan **out,
			    struct dyn_err *err);

/* DiskPart "convert basic": an empty dynamic disk, or one with nothing but simple one-piece volumes, which become
 * partitions at their place (ldm-format 10.3). */
int dyn_plan_to_basic(struct dyn_session *s, struct dyn_model *m, size_t disk, struct dyn_plan **out, struct dyn_err *err);
/* DiskPart "clean [all]": forgets the table and everything in the first and last MiB; all: zeros the whole disk (no undo).
 * A dynamic disk must hold no volumes, unless it comes from elsewhere: the only one of its group beside another group. */
int dyn_plan_clean(struct dyn_session *s, struct dyn_model *m, size_t disk, bool all, struct dyn_plan **out,
		   struct dyn_err *err);

enum dyn_part_kind { DYN_PART_EFI, DYN_PART_MSR, DYN_PART_PRIMARY, DYN_PART_EXTENDED, DYN_PART_LOGICAL };

struct dyn_part_spec {
	enum dyn_part_kind kind;
	uint64_t size;          /* bytes; 0: the rest of the room it is put into */
	uint64_t offset;        /* bytes from the start of the disk; 0: the first room that fits */
	uint64_t align;         /* bytes; 0: 1 MiB */
	const char *id;         /* PRIMARY: GPT type GUID or MBR type as hex digits; NULL: basic data, 07 */
};
int dyn_plan_create_partition(struct dyn_session *s, struct dyn_model *m, size_t disk, const struct dyn_part_spec *spec,
			      struct dyn_plan **out, struct dyn_err *err);
/* part: index into the disk's partitions[]. LDM partitions are never deleted this way. */
int dyn_plan_delete_partition(struct dyn_session *s, struct dyn_model *m, size_t disk, size_t part, bool override,
			      struct dyn_plan **out, struct dyn_err *err);
int dyn_plan_set_id(struct dyn_session *s, struct dyn_model *m, size_t disk, size_t part, const char *id, bool override,
		    struct dyn_plan **out, struct dyn_err *err);
int dyn_plan_gpt_attributes(struct dyn_session *s, struct dyn_model *m, size_t disk, size_t part, uint64_t attributes,
			    struct dyn_plan **out, struct dyn_err *err);
int dyn_plan_set_active(struct dyn_session *s, struct dyn_model *m, size_t disk, size_t part, bool active,
			struct dyn_plan **out, struct dyn_err *err);
/* id: eight hex digits (MBR signature) or a GUID (GPT); NULL: a new random one. */
int dyn_plan_unique_id(struct dyn_session *s, struct dyn_model *m, size_t disk, const char *id, struct dyn_plan **out,
		       struct dyn_err *err);
/* Prepares disk `to`, which must be empty, like disk `from`: table kind, ESP, MSR (of Reserved and Dynamic Reserved
 * together), recovery and other non-data partitions with type, name, attributes and exact sizes. */
int dyn_plan_clone_layout(struct dyn_session *s, struct dyn_model *m, size_t from, size_t to, struct dyn_plan **out,
			  struct dyn_err *err);

/* A new mirror on two dynamic disks, size 0: the largest possible. Its room holds what lay there before: the volume is
 * born simple on the first disk, and copied, verified and attached on the second as by dyn_plan_add_mirror(). */
int dyn_plan_create_mirror(struct dyn_session *s, struct dyn_model *m, const size_t disks[2], uint64_t size, char letter,
			   struct dyn_plan **out, struct dyn_err *err);
/* A dynamic volume with all its halves, or a basic data partition. */
int dyn_plan_delete_volume(struct dyn_session *s, struct dyn_model *m, size_t volume, struct dyn_plan **out,
			   struct dyn_err *err);
/* DiskPart "retain": an own table entry for a simple volume, so that it can be booted from. */
int dyn_plan_retain(struct dyn_session *s, struct dyn_model *m, size_t volume, struct dyn_plan **out, struct dyn_err *err);

/* The letter that a dynamic volume's record suggests, 'A' to 'Z'; 0: none. Windows takes it up where it is free. */
int dyn_plan_set_letter(struct dyn_session *s, struct dyn_model *m, size_t volume, char letter, struct dyn_plan **out,
			struct dyn_err *err);

struct dyn_format_spec {
	const char *fs;         /* "ntfs", "fat", "fat32", "exfat", any case; NULL: NTFS, on an ESP FAT32 */
	const char *label;      /* NULL: none */
	uint32_t unit;          /* cluster size in bytes; 0: the maker's choice */
	bool quick;             /* otherwise every byte of the volume is zeroed first (no undo) */
};
/* Makes the file system in a sparse temporary image with mkntfs, mkfs.fat or mkfs.exfat; the plan writes it. */
int dyn_plan_format(struct dyn_session *s, struct dyn_model *m, size_t volume, const struct dyn_format_spec *spec,
		    struct dyn_plan **out, struct dyn_err *err);

/* Whether dyn_plan_format() could format this volume, without making a file system: 0, or its refusal. Cheap. */
int dyn_can_format(struct dyn_session *s, struct dyn_model *m, size_t volume, struct dyn_err *err);

/* Damaged copies of the disk's metadata (GPT, LDM headers, its copy of the group's database) are written anew from the good
 * ones, which stay untouched. -EALREADY: nothing is damaged; -EBADMSG: no good copy is left; -ENOTUNIQ: two copies are
 * valid and differ; -ESTALE: it is out of date, not damaged (reactivate it); -ENOTSUP: there is no other copy. */
int dyn_plan_mend(struct dyn_session *s, struct dyn_model *m, size_t disk, struct dyn_plan **out, struct dyn_err *err);

/* DiskPart "recover", Reactivate Disk: a disk that came back with an older database gets the group's, and its halves of
 * mirrors are dropped and rebuilt from the good ones. */
int dyn_plan_reactivate(struct dyn_session *s, struct dyn_model *m, size_t disk, struct dyn_plan **out,
			struct dyn_err *err);
/* DiskPart "import": the disks of `foreign` join the group `into` with their volumes, whose data is not touched. Cut off
 * at any write it ends as if it had not begun, or is finished by dyn_plan_recover(). Refused where that would need a
 * guess: disks or volumes that both groups list, copies that are out of date or may differ, rebuilds under way. */
int dyn_plan_import(struct dyn_session *s, struct dyn_model *m, size_t foreign, size_t into, struct dyn_plan **out,
		    struct dyn_err *err);

/* ------------------------------------------------------------------- apply */

/*
 * Carries the plan out: locks every disk concerned, re-reads, refuses (-ESTALE) if anything
 * the plan relies on changed, saves undo, writes phase by phase, reads back. `confirm` must
 * equal dyn_plan_confirm() where that is not NULL (-EPERM). Returns when all steps up to the
 * first copy are on disk; copies go on as jobs, whose ids dyn_jobs() lists. Blocks for
 * metadata writes and images only.
 * After an error the model is out of date: rescan before anything else.
 */
int dyn_apply(struct dyn_session *s, const struct dyn_plan *p, const char *confirm, struct dyn_err *err);

struct dyn_undo {
	char id[64];            /* file name in the state directory */
	time_t when;
	char title[128];        /* the plan's title */
	bool possible;          /* the disks still hold what that plan wrote */
	int code;               /* otherwise: -errno; -ENODEV: a disk of it is not here */
	char reason[160];       /* why not, otherwise */
};
/* *out: malloc'd array, newest first, freed by the caller. */
int dyn_undo_list(struct dyn_session *s, struct dyn_model *m, struct dyn_undo **out, size_t *n, struct dyn_err *err);
/*
 * Which change a plain "undo" means: the newest that is no undo itself, was not taken back, and is about disks that are
 * here. n: there is none. Where it is not possible an older one must not be taken for it.
 */
size_t dyn_undo_newest(const struct dyn_undo *list, size_t n);
int dyn_plan_undo(struct dyn_session *s, struct dyn_model *m, const char *id, struct dyn_plan **out, struct dyn_err *err);

/* ------------------------------------------------------------------ verify */

enum { DYN_VERIFY_RANGES = 64 };

struct dyn_verify {
	uint64_t size;          /* bytes that were compared, of each half */
	uint64_t different;     /* bytes of them in sectors that are not equal */
	uint64_t first;         /* where in the volume the first such sector is, bytes */
	uint64_t unreadable;    /* bytes of the first half that could not be read; they are not compared */
	/* Where: whole sectors, in order. When there are more, those that lie close together are given as one. */
	size_t n_differ, n_unread;
	struct dyn_range differ[DYN_VERIFY_RANGES], unread[DYN_VERIFY_RANGES];
	bool joined;            /* that has happened: equal sectors may lie inside the ranges */
};

/*
 * Compares the halves of a mirror, byte by byte, writing nothing; blocks for as long as that takes. progress (may be
 * NULL) is called with bytes done; nonzero stops the run (-ECANCELED). 0: all was compared, *out says how it went.
 * -EINVAL: no mirror, or a half is missing or being rebuilt; -EIO: the other half could not be read.
 */
int dyn_verify(struct dyn_session *s, struct dyn_model *m, size_t volume,
	       int (*progress)(void *arg, uint64_t done, uint64_t total), void *arg, struct dyn_verify *out,
	       struct dyn_err *err);

/* -------------------------------------------------------------------- jobs */

/* Snapshots of this session's jobs, finished ones too, oldest first; returns how many there are (may exceed max). */
size_t dyn_jobs(struct dyn_session *s, struct dyn_job *out, size_t max);
/* An eventfd, readable when a job changed state or advanced by a percent or a second; read 8 bytes to clear. */
int dyn_jobs_fd(struct dyn_session *s);
int dyn_job_pause(struct dyn_session *s, unsigned id);
int dyn_job_continue(struct dyn_session *s, unsigned id);
/* Of an UNDECIDED one: tries once more, puts zeros where the source still cannot be read, and makes the mirror, marked so. */
int dyn_job_finish(struct dyn_session *s, unsigned id);
/* Stops the copy and removes its record; the volume stays what it was. */
int dyn_job_cancel(struct dyn_session *s, unsigned id);
int dyn_job_limit(struct dyn_session *s, unsigned id, uint64_t bytes_per_second);
/* What dyn_options.limit was: of rebuilds yet to begin, from their first byte on; 0 none. Not while dyn_apply() runs. */
void dyn_jobs_limit_new(struct dyn_session *s, uint64_t bytes_per_second);
/*
 * The same for a rebuild that another process runs (dyn_model.jobs[job] with `elsewhere`): asks that process, which answers
 * root and its own user. limit: for LIMIT, bytes per second. *out (may be NULL): the job as that process has it, when the
 * request was taken; what it asked for may take some more time. Waits a second at most. -ECONNREFUSED: nobody answers.
 */
enum dyn_control {
	DYN_CONTROL_ASK,
	DYN_CONTROL_PAUSE,
	DYN_CONTROL_CONTINUE,
	DYN_CONTROL_CANCEL,
	DYN_CONTROL_FINISH,
	DYN_CONTROL_LIMIT,
};

int dyn_job_control(struct dyn_session *s, const struct dyn_model *m, size_t job, enum dyn_control what, uint64_t limit,
		    struct dyn_job *out, struct dyn_err *err);
/* Waits until no job of this session is queued or running (paused ones do not count). 0, or -ETIMEDOUT after ms >= 0. */
int dyn_jobs_wait(struct dyn_session *s, int timeout_ms);
/* Ends all worker threads at a safe point keeping their locks and places, so that the process may fork();
 * dyn_jobs_unpark() in the one process that goes on starts them again. The other must leave with _exit(). */
int dyn_jobs_park(struct dyn_session *s);
int dyn_jobs_unpark(struct dyn_session *s);

/* -------------------------------------------------------------------- text */

/* Copies src (n bytes, any content) to dst as printable UTF-8: control, invalid and bidi-override
 * bytes become \xNN. Always terminated; cut at a character boundary. Returns strlen(dst). */
size_t dyn_text_clean(char *dst, size_t dst_size, const void *src, size_t n);

/* printf, and the result cleaned and cut likewise: what is made of texts that fit need not fit, and paths are any bytes. */
size_t dyn_text_format(char *dst, size_t dst_size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
size_t dyn_text_vformat(char *dst, size_t dst_size, const char *fmt, va_list ap) __attribute__((format(printf, 3, 0)));

/* DiskPart's sizes: "447 GB", "1024 KB", "0 B" (product.md 1.5): binary units, integer, rounded half up,
 * the larger unit from 8192 of the smaller on. */
void dyn_text_size(char *dst, size_t dst_size, uint64_t bytes);

const char *dyn_version(void);

#endif
