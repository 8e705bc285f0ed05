/* SPDX-License-Identifier: GPL-3.0-or-later */
/* model_support.h - disk images for the scan's tests, made in a temporary folder of their own. */
#ifndef TESTS_MODEL_SUPPORT_H
#define TESTS_MODEL_SUPPORT_H

#include "model/model.h"
#include "tests/unit/ldm_support.h"

enum { T_SECTORS = 102400, T_PRIV_MBR = T_SECTORS - LDM_PRIV_SECTORS, T_PRIV_GPT = 34, T_PUB_MBR = 63, T_PUB_GPT = 65570 };
#define T_DISK1 "aaaaaaaa-0000-4000-8000-000000000001"
#define T_DISK2 "aaaaaaaa-0000-4000-8000-000000000002"

/* cmocka setup and teardown of a test: a fresh folder, removed with all it holds. */
int folder_new(void **state);
int folder_remove(void **state);
/* Path of a file in it; valid until eight more were asked for. */
const char *in_folder(const char *name);

void make_image(const char *name, uint64_t bytes);
void put_bytes(const char *name, uint64_t off, const void *bytes, size_t n);
void zero_sectors(const char *name, uint64_t sector, size_t n);
void copy_image(const char *from, const char *to);
void make_dir(const char *name); /* with its parents */
void make_text(const char *name, const char *text);

/* A 50 MiB member disk of the database's group, as Windows would lay it out. */
void make_member(const char *name, enum dyn_table table, const char *disk_guid, const struct ldm_db *db);
void put_database(const char *name, enum dyn_table table, const struct ldm_db *db);
void put_rebuild(const char *name, enum dyn_table table, uint32_t slot, const struct ldm_rebuild *r);

/* Scans the files named (in the folder, up to a NULL); fails the test when the scan does. */
struct dyn_model *scan_files(const char *first, ...) __attribute__((sentinel));
struct dyn_model *scan_args(const struct model_scan_args *a);

/* true when one of the disk's damage sentences contains text */
bool says(const struct dyn_disk *d, const char *text);

#endif
