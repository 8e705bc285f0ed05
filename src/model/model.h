/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * model.h - what the engine knows beyond the public model: the raw metadata that plans are
 * computed from. Built once by the scan, never changed afterwards; freed with the model.
 */
#ifndef DYN_MODEL_H
#define DYN_MODEL_H

#include <sys/types.h>

#include "base/io.h"
#include "base/rand.h"
#include "base/sectmap.h"
#include "ldm/ldm.h"
#include "ldm/rebuild.h"
#include "table/table.h"

/* The copies of one LDM header: which one is used, and which others must become like it. Absolute sectors. */
struct model_copies {
	uint64_t good;               /* 0: none of the copies that are in use */
	size_t n_bad;
	uint64_t bad[3];             /* readable, but not like the good one */
	bool other_group;            /* a valid header of this very disk names another group than the good one */
	bool doubtful;               /* another valid copy says something else, and nothing tells which is right */
};

/* How a disk stands to its group when its private header names another one: that group was imported into this one. */
enum model_join {
	MODEL_JOIN_NONE,         /* it does not */
	MODEL_JOIN_CUT,          /* the import was cut off before it came to this disk: what the disk holds is good */
	MODEL_JOIN_LATE,         /* it was away at the import: what it holds may be out of date */
};

struct model_disk {              /* parallel to dyn_model.disks */
	struct sectmap *map;         /* partition table areas, PRIVHEAD copies, TOC slots, rebuild record sectors; NULL when missing */
	struct table table;
	bool has_ldm;                /* ph, toc valid; it belongs to groups[disk.group] */
	struct ldm_privhead ph;
	struct ldm_toc toc;
	uint64_t record_id;          /* of its LDM disk record in the group's database, 0 if none */
	uint64_t tid;                /* committed tid of this disk's own copy of the database */
	bool current;                /* its config and log regions equal the group's */
	struct ldm_db *own_db;       /* its own copy when it is not current, else NULL */
	bool db_damaged;             /* its copy is damaged, at the group's transaction, and the group's copy is certain */
	uint8_t *raw_db;             /* config and log as found when they do not decode (then no own_db), else NULL */
	struct model_copies heads, tocs;
	enum model_join join;
	bool db_head_ok;             /* db_head is the header of its own copy, also where the rest cannot be used */
	struct ldm_vmdb db_head;
	size_t n_rebuilds;           /* records found, damaged and outlived ones not counted */
	struct model_rebuild {
		struct ldm_rebuild r;
		uint32_t slot;       /* rel sector the valid record was read from */
	} rebuilds[LDM_REBUILD_PAIRS];
	size_t n_marks;              /* records of finished copies: what that half of their volume does not hold */
	struct model_rebuild marks[LDM_REBUILD_PAIRS];
	uint32_t rebuild_pairs_used; /* bit k: pair k is not all zeros */
};

struct model_group {             /* parallel to dyn_model.groups */
	struct ldm_db *db;           /* the good copy: highest committed tid, valid */
};

struct model_volume {            /* parallel to dyn_model.volumes */
	uint64_t record_id;          /* LDM volume record, 0 for partitions */
};

struct dyn_model_priv {
	unsigned refs;               /* atomic */
	struct model_disk *disks;
	struct model_group *groups;
	struct model_volume *volumes;
	char *sys_root;
	/* allocation pool of the public strings and arrays; see model.c */
	void *pool;
};

struct model_scan_args {
	const char *const *paths;    /* NULL/0: all disks of the machine */
	size_t n_paths;
	const char *sys_root;        /* never NULL */
	/* Running jobs of this session: the scan shows them with live numbers instead of the record's. */
	const struct dyn_job *jobs;
	size_t n_jobs;
	/* Paths of disks that are there but not to be read (OFFLINE, taken_offline). */
	const char *const *offline;
	size_t n_offline;
	dyn_open_fn *open_io;        /* as in dyn_session */
	void *open_arg;
};
int model_scan(const struct model_scan_args *a, struct dyn_model **out, struct dyn_err *err);

/*
 * What a path stands for, below all its names: the thing itself first, then what it lies on (a partition's disk, the
 * image behind a loop device, the paths of a multipath map).
 */
struct model_id {
	bool block;
	bool around;   /* the disk that the partition before it is a part of */
	dev_t dev;     /* block: of the device; a file: of the file system */
	ino_t ino;     /* files */
	char name[64]; /* block: the kernel's name, "sda1", or "" */
};
enum { MODEL_IDS = 16 };
/* At most max of them; none when nothing is there. sys_root as below. */
size_t model_identity(const char *sys_root, const char *path, struct model_id *ids, size_t max);
bool model_id_equal(const struct model_id *a, const struct model_id *b);
/* Are there bytes that both lead to? */
bool model_share_id(const struct model_id *a, size_t n_a, const struct model_id *b, size_t n_b);
/* The file behind a loop device ("loop0"), as the kernel names it; false: none. */
bool model_loop_file(const char *sys_root, const char *name, char *dst, size_t n);

/* Who uses this disk, for people: "mounted on /boot", "swap", "md0", "dm-3, mounted on /", "loop2", or "" (sys_root
 * prefixes /sys, /proc). Looks at the disk, its partitions, what is made of them, and loop devices upon it, by whatever
 * name they know it. */
void model_disk_in_use(const char *sys_root, const char *path, char *dst, size_t n);

/* Index helpers; DYN_NONE when absent. */
size_t model_disk_by_guid(const struct dyn_model *m, size_t group, const char *ldm_guid);
size_t model_volume_by_guid(const struct dyn_model *m, const char *ldm_guid);
/* "C: Windows", "C:", "Windows", "Volume3": how texts name a volume. */
void model_volume_title(const struct dyn_volume *v, char *dst, size_t n);
/* "Disk 1 SAMSUNG MZ7LH1T9 S455NA0M611299 (1863 GB)" */
void model_disk_title(const struct dyn_disk *d, char *dst, size_t n);
/* A disk that is here and cannot be read may be the reason for whatever else is wrong: "Disk 1 ... cannot be read (why)", of
 * the first such disk. False: there is none. */
bool model_blame(const struct dyn_model *m, char *dst, size_t n);

#endif
