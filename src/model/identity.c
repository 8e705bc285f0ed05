/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * identity.c - what a path stands for. The same bytes have many names: hard and symbolic links, other device nodes of
 * one number, a loop device and the image behind it, a disk and its partitions, a multipath map and its paths.
 */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "model/scan.h"

struct chain {
	const char *sys_root;
	struct model_id *ids;
	size_t n, max;
};

static void follow(struct chain *c, const char *path);

/* Where the link below sys_root points to; false when it is none. */
static bool sys_link(const char *sys_root, const char *path, char *dst, size_t n)
{
	char full[PATH_MAX];
	ssize_t got;

	if ((size_t)snprintf(full, sizeof(full), "%s%s", sys_root, path) >= sizeof(full))
		return false;
	got = readlink(full, dst, n - 1);
	if (got <= 0)
		return false;
	dst[got] = '\0';
	return true;
}

/* The kernel's name of a device number, "" when sysfs does not know it. */
static void name_of(const char *sys_root, dev_t dev, char *dst, size_t n)
{
	char path[64], link[PATH_MAX];
	const char *base;

	dst[0] = '\0';
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major(dev), minor(dev));
	if (!sys_link(sys_root, path, link, sizeof(link)))
		return;
	base = strrchr(link, '/') ? strrchr(link, '/') + 1 : link;
	if (strlen(base) < n)
		memcpy(dst, base, strlen(base) + 1);
}

static dev_t number_of(const char *sys_root, const char *name)
{
	char path[128], text[32];
	unsigned maj, min;

	snprintf(path, sizeof(path), "/sys/class/block/%.64s/dev", name);
	sys_read(sys_root, path, text, sizeof(text));
	if (!text[0]) {
		snprintf(path, sizeof(path), "/sys/block/%.64s/dev", name);
		sys_read(sys_root, path, text, sizeof(text));
	}
	return sscanf(text, "%u:%u", &maj, &min) == 2 ? makedev(maj, min) : 0;
}

/* false: it is there already, or there is no more room */
static bool add(struct chain *c, const struct model_id *id)
{
	for (size_t i = 0; i < c->n; i++)
		if (model_id_equal(&c->ids[i], id))
			return false;
	if (c->n == c->max)
		return false;
	c->ids[c->n++] = *id;
	return true;
}

/* The disk a partition is on: the folder around its own in the device tree. */
static void follow_whole(struct chain *c, const char *name)
{
	struct model_id id = { .block = true, .around = true };
	char path[128], text[16], link[PATH_MAX], *end;

	snprintf(path, sizeof(path), "/sys/class/block/%.64s/partition", name);
	sys_read(c->sys_root, path, text, sizeof(text));
	snprintf(path, sizeof(path), "/sys/class/block/%.64s", name);
	if (!text[0] || !sys_link(c->sys_root, path, link, sizeof(link)) || !(end = strrchr(link, '/')))
		return;
	*end = '\0';
	end = strrchr(link, '/') ? strrchr(link, '/') + 1 : link;
	if (strlen(end) >= sizeof(id.name))
		return;
	memcpy(id.name, end, strlen(end) + 1);
	id.dev = number_of(c->sys_root, id.name);
	add(c, &id);
}

static void follow_block(struct chain *c, const char *name, dev_t dev);

/* The kernel knows the file behind a loop device even where its name is gone; only sysfs can be asked without rights. */
static bool follow_loop_device(struct chain *c, const char *name)
{
	struct model_id id = { .block = false };
	struct loop_info64 info;
	char path[80], inner[sizeof(id.name)];
	int fd, rc;

	if (c->sys_root[0])
		return false;
	snprintf(path, sizeof(path), "/dev/%.64s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	rc = fd < 0 ? -1 : ioctl(fd, LOOP_GET_STATUS64, &info);
	if (fd >= 0)
		close(fd);
	if (rc < 0)
		return false;
	if (info.lo_rdevice) {
		name_of(c->sys_root, (dev_t)info.lo_rdevice, inner, sizeof(inner));
		follow_block(c, inner, (dev_t)info.lo_rdevice);
		return true;
	}
	id.dev = (dev_t)info.lo_device;
	id.ino = (ino_t)info.lo_inode;
	add(c, &id);
	return true;
}

static void follow_loop(struct chain *c, const char *name)
{
	char backing[PATH_MAX];

	if (model_loop_file(c->sys_root, name, backing, sizeof(backing)) && !follow_loop_device(c, name))
		follow(c, backing);
}

/* All paths of a multipath map lead to one disk. Other maps are made of pieces: those stay what they are. */
static void follow_multipath(struct chain *c, const char *name)
{
	char path[PATH_MAX], uuid[128];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/sys/block/%.64s/dm/uuid", name);
	sys_read(c->sys_root, path, uuid, sizeof(uuid));
	if (strncmp(uuid, "mpath-", 6) != 0)
		return;
	snprintf(path, sizeof(path), "%.3000s/sys/block/%.64s/slaves", c->sys_root, name);
	d = opendir(path);
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.' && strlen(e->d_name) < sizeof(c->ids->name))
			follow_block(c, e->d_name, number_of(c->sys_root, e->d_name));
	if (d)
		closedir(d);
}

static void follow_block(struct chain *c, const char *name, dev_t dev)
{
	struct model_id id = { .block = true, .dev = dev };

	if (strlen(name) >= sizeof(id.name))
		return;
	memcpy(id.name, name, strlen(name) + 1);
	if (!add(c, &id))
		return;
	follow_whole(c, name);
	for (size_t i = 0, n = c->n; i < n; i++) { /* loop0p1 lies on loop0, and that in a file */
		char each[sizeof(id.name)];
		memcpy(each, c->ids[i].name, sizeof(each));
		if (c->ids[i].block && strncmp(each, "loop", 4) == 0)
			follow_loop(c, each);
	}
	follow_multipath(c, name);
}

static void follow(struct chain *c, const char *path)
{
	char real[PATH_MAX], name[sizeof(c->ids->name)] = "";
	const char *base;
	struct stat st;

	if (!realpath(path, real))
		snprintf(real, sizeof(real), "%s", path); /* sysfs may still know it */
	base = strrchr(real, '/') ? strrchr(real, '/') + 1 : real;
	if (stat(real, &st) == 0) {
		if (!S_ISBLK(st.st_mode)) {
			add(c, &(struct model_id){ .dev = st.st_dev, .ino = st.st_ino });
			return;
		}
		name_of(c->sys_root, st.st_rdev, name, sizeof(name));
		if (!name[0] && strlen(base) < sizeof(name))
			memcpy(name, base, strlen(base) + 1);
		follow_block(c, name, st.st_rdev);
	} else if (strncmp(real, "/dev/", 5) == 0 && strlen(base) < sizeof(name)) {
		follow_block(c, base, number_of(c->sys_root, base));
	}
}

bool model_id_equal(const struct model_id *a, const struct model_id *b)
{
	if (a->block != b->block)
		return false;
	if (a->block)
		return a->dev && b->dev ? a->dev == b->dev : a->name[0] && strcmp(a->name, b->name) == 0;
	return a->dev == b->dev && a->ino == b->ino;
}

bool model_loop_file(const char *sys_root, const char *name, char *dst, size_t n)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/block/%.64s/loop/backing_file", name);
	sys_read(sys_root, path, dst, n);
	return dst[0] != '\0';
}

size_t model_identity(const char *sys_root, const char *path, struct model_id *ids, size_t max)
{
	struct chain c = { .sys_root = sys_root, .ids = ids, .max = max };

	follow(&c, path);
	return c.n;
}

bool model_share_id(const struct model_id *a, size_t n_a, const struct model_id *b, size_t n_b)
{
	for (size_t i = 0; i < n_a; i++)
		for (size_t k = 0; k < n_b; k++)
			if (model_id_equal(&a[i], &b[k]) && !(a[i].around && b[k].around)) /* two partitions of one disk differ */
				return true;
	return false;
}
