/* SPDX-License-Identifier: GPL-3.0-or-later */
/* temp.h - unnamed sparse files: what a maker fills before anything is written to a disk. */
#ifndef DYN_BASE_TEMP_H
#define DYN_BASE_TEMP_H

#include <stddef.h>
#include <stdint.h>

struct dyn_err;

/* A new file of `size` bytes, all hole, in $TMPDIR or /var/tmp. It has no name and goes away with its descriptor, *fd. */
int temp_new(uint64_t size, int *fd, struct dyn_err *err);
/* Exactly n bytes at `at`, or -errno. */
int temp_write(int fd, uint64_t at, const void *buf, size_t n);

#endif
