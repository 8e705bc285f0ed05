/* SPDX-License-Identifier: GPL-3.0-or-later */
/* writer.h - the only place that opens a disk or an image for writing. */
#ifndef DYN_RUN_WRITER_H
#define DYN_RUN_WRITER_H

#include <stdbool.h>

#include "base/err.h"
#include "base/io.h"

/* Opens an existing block device or regular file O_RDWR|O_CLOEXEC; `exclusive` adds O_EXCL on block devices, so that the
 * kernel refuses it (-EBUSY) while it or a partition of it is mounted or held by md, LVM or device-mapper. */
int writer_open(const char *path, bool exclusive, struct dyn_io **out, struct dyn_err *err);

/* Makes a block device's descriptor go past the page cache; nothing happens on files and where the kernel refuses.
 * Buffers must then be aligned to 512 bytes at least. */
void writer_set_direct(struct dyn_io *io);
/* true when the descriptor had O_DIRECT and now has not: a transfer that gave -EINVAL may be tried again. */
bool writer_drop_direct(struct dyn_io *io);

/* Drops what the kernel has cached of the disk, so that the next read comes from the device as far as that can be had. */
void writer_forget_cache(struct dyn_io *io);
/* Asks the kernel to read the partition table again; a refusal is not an error (a partition may be in use). */
void writer_reread_table(struct dyn_io *io);

#endif
