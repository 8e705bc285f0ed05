/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fdisk.c - libfdisk on a sparse memfd: it believes in a disk, we keep the disk. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "table/priv.h"

static int pwrite_full(int fd, const uint8_t *p, size_t n, uint64_t off)
{
	while (n > 0) {
		ssize_t r = pwrite(fd, p, n, (off_t)off);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? -errno : -EIO;
		p += r;
		off += (uint64_t)r;
		n -= (size_t)r;
	}
	return 0;
}

/* libfdisk's one way to speak. Questions get no answer: nothing here may wait for a person. */
static int on_ask(struct fdisk_context *cxt, struct fdisk_ask *ask, void *data)
{
	struct fdisk_mem *m = data;
	const char *text;

	(void)cxt;
	switch (fdisk_ask_get_type(ask)) {
	case FDISK_ASKTYPE_WARN:
	case FDISK_ASKTYPE_WARNX:
		text = fdisk_ask_print_get_mesg(ask);
		if (!text)
			return 0;
		dyn_text_clean(m->complaint, sizeof(m->complaint), text, strlen(text));
		return m->warnings ? table_damage(m->warnings, "%s", m->complaint) : 0;
	case FDISK_ASKTYPE_INFO:
		return 0;
	default:
		return -EINVAL;
	}
}

static int fill(const struct sectmap *map, int fd)
{
	int rc = ftruncate(fd, (off_t)(map->total_sectors * TABLE_UNIT)) ? -errno : 0;

	for (size_t i = 0; !rc && i < map->n; i++)
		rc = pwrite_full(fd, map->runs[i].bytes, (size_t)map->runs[i].n_sectors * TABLE_UNIT,
				 map->runs[i].sector * TABLE_UNIT);
	return rc;
}

/*
 * libfdisk believes the numbers of a header with a true checksum: it would allocate and read gigabytes of entries. A header
 * that we do not accept is not shown to it. It looks in sector 1, at the disk's end, and where the first header says.
 */
static int hide_bad_headers(const struct sectmap *map, int fd)
{
	static const uint8_t zero[TABLE_UNIT];
	uint64_t last = table_disk_sectors(map) - 1;
	struct gpt_copy c;
	int rc = 0;

	gpt_examine(map, 1, &c);
	for (uint64_t lba = 1, n = 0, other = c.other; !rc && n < 3; lba = n == 0 ? last : other, n++) {
		gpt_examine(map, lba, &c);
		if (c.present && !c.header_ok)
			rc = pwrite_full(fd, zero, sizeof(zero), lba * map->sector_size);
	}
	return rc;
}

int fdisk_mem_open(const struct sectmap *map, struct table *warnings, struct fdisk_mem *out, struct dyn_err *err)
{
	int rc = 0;

	*out = (struct fdisk_mem){ .fd = memfd_create("dynadisk-table", MFD_CLOEXEC), .warnings = warnings };
	if (out->fd < 0)
		rc = -errno;
	if (!rc)
		rc = fill(map, out->fd);
	if (!rc)
		rc = hide_bad_headers(map, out->fd);
	if (!rc) {
		out->cxt = fdisk_new_context();
		rc = out->cxt ? 0 : -ENOMEM;
	}
	if (!rc)
		rc = fdisk_set_ask(out->cxt, on_ask, out);
	if (!rc)
		rc = fdisk_disable_dialogs(out->cxt, 1);
	if (!rc)
		rc = fdisk_enable_listonly(out->cxt, 1); /* no search for file systems that a new table would hide */
	if (!rc)
		rc = fdisk_save_user_sector_size(out->cxt, map->sector_size, map->sector_size);
	if (!rc)
		rc = fdisk_assign_device_by_fd(out->cxt, out->fd, "disk", 0);
	if (!rc)
		return 0;
	fdisk_mem_close(out);
	/* -ENOMEM, whatever it was: other codes tell callers something about the disk */
	return dyn_refuse(err, -ENOMEM, "Nothing has been written. Free some memory, and try again.",
			  "cannot work on a copy of the partition table in memory: %s", strerror(-rc));
}

void fdisk_mem_close(struct fdisk_mem *m)
{
	fdisk_unref_context(m->cxt); /* does not close a descriptor it was given */
	if (m->fd >= 0)
		close(m->fd);
	m->cxt = NULL;
	m->fd = -1;
}
