/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scan.h - the model while it is being made. Nothing outside src/model/ includes it.
 *
 * Order of work (scan.c): list the disks, probe each (table, LDM headers, a copy of the
 * database), form groups, choose each group's database, add the missing disks, build the
 * volumes, find unfinished rebuilds, look at the file systems, tile the disks with regions.
 */
#ifndef DYN_MODEL_SCAN_H
#define DYN_MODEL_SCAN_H

#include <sys/stat.h>

#include "model/model.h"
#include "model/pool.h"

enum { SCAN_UNIT = 512 };

/* The bytes of one database as some disks carry it; disks with equal bytes share one. */
struct scan_copy {
	uint8_t *config, *log;
	struct ldm_vmdb head;
	bool head_ok;
	struct ldm_db *db;       /* NULL when it does not decode */
	bool interrupted;
	uint64_t tid;            /* the transaction it is at, as far as can be known: see copy_tid() */
	size_t n_disks;          /* that carry it */
	char why[256];           /* it does not decode */
	size_t first_disk;
};

struct scan_disk {
	struct dyn_disk pub;
	struct model_disk priv;
	struct dyn_io *io;       /* NULL when missing or offline */
	const char *base;        /* "sda", or the image's file name */
	bool ldm_by_table;       /* its table says it is dynamic */
	uint64_t private_start;  /* disk sectors; where the table says the private region is */
	size_t copy;             /* index into copies, DYN_NONE */
	bool stale;              /* lower transaction than its group */
	char home[37];           /* GUID of the group it is counted to: its header's, or that of the group which imported that one */
	bool orphan;             /* LDM headers without a table that says so */
	struct ldm_rebuild records[LDM_REBUILD_PAIRS]; /* valid ones, whether they still fit or not */
	uint32_t record_slots[LDM_REBUILD_PAIRS];
	size_t n_records;
	size_t n_damage;
	const char **damage;     /* malloc'd vector of pool strings */
	size_t n_regions;
	struct dyn_region *regions; /* malloc'd vector */
};

struct scan_group {
	struct dyn_group pub;
	struct ldm_db *db;       /* handed to the model at the end */
	size_t copy;
	bool changing;           /* a transaction of its own was cut off */
	const char *problem;
};

struct scan_volume {
	struct dyn_volume pub;
	struct model_volume priv;
	struct dyn_plex *plexes; /* pub.plexes, writable; room for one more: a rebuild adds its half */
};

struct scan {
	const struct model_scan_args *args;
	struct pool *pool;
	size_t n_disks, n_copies, n_groups, n_volumes, n_jobs;
	struct scan_disk *disks;
	struct scan_copy *copies;
	struct scan_group *groups;
	struct scan_volume *volumes;
	struct dyn_job *jobs;
};

/* list.c: the entries of s->disks with path, number and name. -EEXIST when one disk is named twice. */
int scan_list(struct scan *s, struct dyn_err *err);
/* facts.c: model, serial, bus, ... of a disk, from its path and sys_root. Never fails. */
void scan_facts(struct scan *s, struct scan_disk *d);
/* probe.c: opens and reads one disk. Everything that goes wrong becomes a status and a sentence. */
void scan_probe(struct scan *s, struct scan_disk *d);
/* headers.c: PRIVHEAD copies and TOC slots into d->priv (has_ldm), or the reason why not in *why. */
bool scan_headers(struct scan *s, struct scan_disk *d, const char **why);
/* probe.c: do status and transactions of a database header go together? */
bool scan_head_sane(const struct ldm_vmdb *h);
/* group.c: groups, the database each is read from, missing disks. */
void scan_groups(struct scan *s);
/* The best readable copy of this group's database, by the disks that are counted to it; DYN_NONE: there is none. */
size_t scan_choose_copy(const struct scan *s, const char *guid);
/* The disk record with this GUID in the committed view. */
const struct ldm_record *scan_disk_record(const struct ldm_db *db, const char *guid);
/* join.c: disks whose header names a group that was imported into another one are counted to that. */
void scan_joins(struct scan *s);
/* volume.c */
void scan_ldm_volumes(struct scan *s);
void scan_partitions(struct scan *s);
/* job.c: rebuild records and live jobs. */
void scan_jobs(struct scan *s);
void scan_job_titles(struct scan *s);
/* fsprobe.c: label and file system of each volume. */
void scan_file_systems(struct scan *s);
/* partition.c: the entries of each disk's table. After the volumes. */
void scan_partition_tables(struct scan *s);
/* region.c: regions and free bytes of each disk. */
void scan_regions(struct scan *s);

/* A sentence for d->pub.damage. scan_damage also turns "Online" into "Online (Errors)". */
void scan_note(struct scan *s, struct scan_disk *d, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void scan_damage(struct scan *s, struct scan_disk *d, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The reason why a group must not be changed; the first one stays. */
void scan_problem(struct scan *s, struct scan_group *g, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* n bytes at byte `off` of the disk to dst and into its sector map. Multiples of 512. -errno. */
int scan_read_map(struct scan_disk *d, uint64_t off, uint32_t n, void *dst);

/* The next record of the committed view (status 0 and 1), of this kind, after `after` (NULL: the first). */
const struct ldm_record *view_next(const struct ldm_db *db, enum ldm_kind kind, const struct ldm_record *after);

/* Is this partition part of LDM's own space: metadata, data container? */
bool part_is_ldm_data(enum dyn_table kind, const struct table_part *p);
bool part_is_ldm_meta(enum dyn_table kind, const struct table_part *p);
bool part_is_msr(enum dyn_table kind, const struct table_part *p);

/* "Disk2" before "Disk10" */
int natural_order(const char *a, const char *b);

/* A text file of at most n - 1 bytes below sys_root, trimmed; "" when it cannot be read. */
void sys_read(const char *sys_root, const char *path, char *dst, size_t n);

#endif
