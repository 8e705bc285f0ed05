/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ldm_support.h - what the LDM tests share: hex vectors, a sample group, disks as arrays of bytes. */
#ifndef TESTS_LDM_SUPPORT_H
#define TESTS_LDM_SUPPORT_H

#include "ldm/ldm.h"
#include "tests/unit/unit.h"

enum {
	T_CONFIG = LDM_CONFIG_SECTORS * LDM_SECTOR,
	T_LOG = LDM_LOG_SECTORS * LDM_SECTOR,
	T_REGION = T_CONFIG + T_LOG,
	T_TIME = 1000,
};
#define T_GROUP "11111111-2222-4333-8444-555555555555"

size_t unhex(const char *hex, uint8_t *out, size_t cap);

/* Records with sensible values; ids and sizes as given. */
struct ldm_record a_disk(uint64_t id, const char *name, const char *guid, const char *device);
struct ldm_record a_volume(uint64_t id, const char *name, uint32_t number, uint32_t plexes, uint64_t size);
struct ldm_record a_plex(uint64_t id, const char *name, uint64_t volume, uint32_t extents);
struct ldm_record an_extent(uint64_t id, const char *name, uint64_t plex, uint64_t disk, uint64_t start, uint64_t size);

/* A group of two disks with a mirrored volume over both: ids 2 3 disks, 4 volume, 5 6 plexes, 7 8 extents.
 * Disk 3 carries a long device name: its record takes two slots, in two sectors. */
struct ldm_db *a_mirror(void);

/* Commits and returns the result; asserts that all goes well. */
struct ldm_db *commit(struct ldm_txn *t, uint64_t filetime);

/* A disk of the group: config and log in one piece. */
struct disk {
	uint8_t bytes[T_REGION];
};
void disk_put(struct disk *d, const struct ldm_db *db);
void disk_apply(struct disk *d, const struct ldm_change *c);
int disk_decode(const struct disk *d, struct ldm_db **out, struct dyn_err *err);

/* The Windows images, unpacked into a folder of their own on first use; NULL where they are not at hand. */
FILE *win_open(const char *name);
void win_close_all(void);
uint8_t *win_read(FILE *f, uint64_t sector, size_t n); /* n sectors, to be freed */

#endif
