/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fields.h - what a byte of a disk's metadata is called: for the damage proof, whose findings are named by field. */
#ifndef TESTS_FAULTS_FIELDS_H
#define TESTS_FAULTS_FIELDS_H

#include <stddef.h>
#include <stdint.h>

/* Kinds of sectors, each with fields of its own. */
enum sector_kind { SECTOR_MBR, SECTOR_GPT, SECTOR_ARRAY, SECTOR_PRIVHEAD, SECTOR_TOC, SECTOR_VMDB, SECTOR_VBLK, SECTOR_KLOG };

/* "MBR entry size", "extent start", "database header time", ... of byte `at` of a sector (512 bytes, undamaged). The
 * text is constant. */
const char *field_name(enum sector_kind kind, const uint8_t *sector, size_t at);

#endif
