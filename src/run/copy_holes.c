/* SPDX-License-Identifier: GPL-3.0-or-later */
/* copy_holes.c - what need not be copied between sparse image files. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "run/copy.h"

enum { SECTOR = 512 };

bool copy_holes_known(const struct dyn_io *source, const struct dyn_io *target)
{
	return source->fd >= 0 && target->fd >= 0 && !source->is_block && !target->is_block;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Length of the run at off, at most size, in whole sectors; *hole says what it is. Doubt (a file system that cannot
 * tell, a hole of less than a sector) counts as data. */
static uint64_t run_at(int fd, uint64_t off, uint64_t size, bool *hole)
{
	off_t data = lseek(fd, (off_t)off, SEEK_DATA);
	off_t end;

	*hole = false;
	if (data < 0 && errno == ENXIO) {
		*hole = true;
		return size;
	}
	if (data < 0)
		return size;
	if ((uint64_t)data >= off + SECTOR) {
		*hole = true;
		return min_u64(size, ((uint64_t)data - off) & ~(uint64_t)(SECTOR - 1));
	}
	end = lseek(fd, data, SEEK_HOLE);
	if (end < 0 || (uint64_t)end <= off)
		return size;
	return min_u64(size, ((uint64_t)end - off + SECTOR - 1) & ~(uint64_t)(SECTOR - 1));
}

uint64_t copy_holes_skip(struct dyn_io *source, uint64_t source_offset, struct dyn_io *target, uint64_t target_offset,
			 uint64_t size, bool may_punch, bool *punched, uint64_t *data)
{
	bool source_hole, target_hole;
	uint64_t n = run_at(source->fd, source_offset, size, &source_hole);

	if (!source_hole) {
		*data = n;
		return 0;
	}
	n = run_at(target->fd, target_offset, n, &target_hole);
	if (target_hole)
		return n;
	if (may_punch && fallocate(target->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)target_offset,
				   (off_t)n) == 0) {
		*punched = true;
		return n;
	}
	*data = n;
	return 0;
}
