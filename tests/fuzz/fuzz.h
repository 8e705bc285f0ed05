/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz.h - what takes bytes from outside, each as one function of any bytes. libFuzzer feeds them (one.c), and so does
 * the replay of the kept inputs (replay.c). Each is deterministic: what it needs besides its input is made once.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

struct fuzz_target {
	const char *name;
	int (*run)(const uint8_t *data, size_t size);
};

/* Ends with name NULL. */
extern const struct fuzz_target fuzz_targets[];

/* PRIVHEAD and TOC sectors; a database record's bytes; our rebuild record (ldm_fuzz.c) */
int fuzz_headers(const uint8_t *data, size_t size);
int fuzz_record(const uint8_t *data, size_t size);
int fuzz_rebuild(const uint8_t *data, size_t size);
/* VMDB, VBLKs and the kernel log as one database; the copies of one after a cut-off change (database_fuzz.c) */
int fuzz_database(const uint8_t *data, size_t size);
int fuzz_recover(const uint8_t *data, size_t size);
/* MBR and GPT; boot sectors and allocation maps; what libblkid is shown of a volume (disk_fuzz.c) */
int fuzz_table(const uint8_t *data, size_t size);
int fuzz_fs(const uint8_t *data, size_t size);
int fuzz_probe(const uint8_t *data, size_t size);
/* undo files (undo_fuzz.c) */
int fuzz_undo(const uint8_t *data, size_t size);
/* the shell's scripts; what is typed on the console's terminal (face_fuzz.c, keys_fuzz.c) */
int fuzz_shell(const uint8_t *data, size_t size);
int fuzz_keys(const uint8_t *data, size_t size);

/* Stops the program where a promise does not hold. */
static inline void fuzz_must(bool truth)
{
	if (!truth)
		abort();
}

/* What reaches a screen: valid UTF-8 without control characters (words of the engine included). */
void fuzz_must_be_clean(const char *text);
/* A folder in $TMPDIR that goes away with the program. */
const char *fuzz_folder(void);

#endif
