/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inuse.c - who holds a disk: mounts, swap, md, LVM, device-mapper, bcache, btrfs, loop devices. */
#include "config.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "model/scan.h"

enum { DEPTH_MAX = 8 };

struct look {
	const char *sys_root;
	const char *device;      /* "sda", or "sda1" while its partition is looked at */
	dev_t number;            /* its device number, 0 unknown */
	const struct model_id *file; /* an image file instead */
	char *dst;
	size_t n;
};

static bool found(struct look *l, const char *how, const char *what)
{
	char line[300];

	snprintf(line, sizeof(line), "%s%s", how, what);
	dyn_text_clean(l->dst, l->n, line, strlen(line));
	return true;
}

/* The next field of a blank-separated line; octal escapes such as \040 are undone in place. */
static char *next_field(char **line)
{
	char *start, *in, *out;

	while (**line == ' ' || **line == '\t')
		(*line)++;
	if (!**line)
		return NULL;
	start = in = out = *line;
	while (*in && *in != ' ' && *in != '\t' && *in != '\n') {
		if (in[0] == '\\' && in[1] >= '0' && in[1] <= '3' && in[2] && in[3]) {
			*out++ = (char)((in[1] - '0') * 64 + (in[2] - '0') * 8 + (in[3] - '0'));
			in += 4;
		} else {
			*out++ = *in++;
		}
	}
	*line = *in ? in + 1 : in;
	*out = '\0';
	return start;
}

/* Same device? By name, by the device number the kernel gives ("8:1"), or by what the path leads to. */
static bool is_device(const struct look *l, const char *field)
{
	char number[32];
	struct stat st;

	snprintf(number, sizeof(number), "%u:%u", major(l->number), minor(l->number));
	if (l->number && strcmp(field, number) == 0)
		return true;
	if (l->device && strncmp(field, "/dev/", 5) == 0 && strcmp(field + 5, l->device) == 0)
		return true;
	if (l->sys_root[0] || field[0] != '/' || stat(field, &st) < 0)
		return false;
	if (l->file)
		return !S_ISBLK(st.st_mode) && st.st_dev == l->file->dev && st.st_ino == l->file->ino;
	return S_ISBLK(st.st_mode) && l->number && st.st_rdev == l->number;
}

static FILE *open_proc(const char *sys_root, const char *path)
{
	char full[PATH_MAX];

	if ((size_t)snprintf(full, sizeof(full), "%s%s", sys_root, path) >= sizeof(full))
		return NULL;
	return fopen(full, "re");
}

/* ID PARENT MAJ:MIN ROOT MOUNTPOINT OPTIONS [TAGS] - TYPE SOURCE ... */
static bool mounted(struct look *l)
{
	FILE *f = open_proc(l->sys_root, "/proc/self/mountinfo");
	char *line = NULL;
	size_t size = 0;
	bool hit = false;

	while (f && !hit && getline(&line, &size, f) > 0) {
		char *at = line, *field = NULL, *point = NULL;
		for (int i = 0; i < 5 && (field = next_field(&at)); i++) {
			if (i == 2)
				hit = is_device(l, field);
			if (i == 4)
				point = field;
		}
		while (!hit && (field = next_field(&at)) && strcmp(field, "-") != 0)
			;
		if (!hit && field && next_field(&at) && (field = next_field(&at)))
			hit = strncmp(field, "/dev/", 5) == 0 && is_device(l, field);
		if (hit && point)
			found(l, "mounted on ", point);
		hit = hit && point;
	}
	free(line);
	if (f)
		fclose(f);
	return hit;
}

static bool swapped(struct look *l)
{
	FILE *f = open_proc(l->sys_root, "/proc/swaps");
	char *line = NULL;
	size_t size = 0;
	bool hit = false;

	while (f && !hit && getline(&line, &size, f) > 0) {
		char *at = line, *field = next_field(&at);
		hit = field && is_device(l, field);
	}
	free(line);
	if (f)
		fclose(f);
	return hit && found(l, "", "swap");
}

static bool device_in_use(struct look *l, const char *device, const char *dir, int depth);

/* What was made of the device, and who uses that: "dm-0", "dm-0, mounted on /". */
static bool held_by(struct look *l, const char *holder, int depth)
{
	struct look above = { .sys_root = l->sys_root };
	char text[200], use[128], dir[300];

	above.dst = use;
	above.n = sizeof(use);
	snprintf(dir, sizeof(dir), "/sys/block/%.250s", holder);
	if (depth < DEPTH_MAX && device_in_use(&above, holder, dir, depth + 1)) {
		snprintf(text, sizeof(text), ", %s", use);
		return found(l, holder, text);
	}
	return found(l, "", holder);
}

static bool held(struct look *l, const char *dir, int depth)
{
	char path[PATH_MAX];
	struct dirent *e;
	bool hit = false;
	DIR *d;

	if ((size_t)snprintf(path, sizeof(path), "%s%s/holders", l->sys_root, dir) >= sizeof(path))
		return false;
	d = opendir(path);
	while (d && !hit && (e = readdir(d)))
		if (e->d_name[0] != '.')
			hit = held_by(l, e->d_name, depth);
	if (d)
		closedir(d);
	return hit;
}

/* One of several devices of a mounted btrfs; mountinfo names the first alone. */
static bool in_btrfs(struct look *l, const char *device)
{
	char path[PATH_MAX];
	struct dirent *e;
	bool hit = false;
	struct stat st;
	DIR *d;

	snprintf(path, sizeof(path), "%.3000s/sys/fs/btrfs", l->sys_root);
	d = opendir(path);
	while (d && !hit && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%.3000s/sys/fs/btrfs/%s/devices/%s", l->sys_root, e->d_name, device);
		hit = lstat(path, &st) == 0 && found(l, "btrfs ", e->d_name);
	}
	if (d)
		closedir(d);
	return hit;
}

static bool device_in_use(struct look *l, const char *device, const char *dir, int depth)
{
	char path[600], text[32];
	unsigned maj, min;

	l->device = device;
	snprintf(path, sizeof(path), "%s/dev", dir);
	sys_read(l->sys_root, path, text, sizeof(text));
	l->number = sscanf(text, "%u:%u", &maj, &min) == 2 ? makedev(maj, min) : 0;
	return mounted(l) || swapped(l) || held(l, dir, depth) || in_btrfs(l, device);
}

/* The disk itself, then its partitions: the folders in its sysfs folder whose names begin with its own. */
static bool disk_in_use(struct look *l, const struct model_id *id)
{
	char dir[300], path[PATH_MAX], part[560];
	struct dirent *e;
	struct stat st;
	bool hit;
	DIR *d;

	snprintf(dir, sizeof(dir), "/sys/block/%.64s", id->name);
	snprintf(path, sizeof(path), "%.3000s%s", l->sys_root, dir);
	if (stat(path, &st) < 0) /* a partition has no folder there */
		snprintf(dir, sizeof(dir), "/sys/class/block/%.64s", id->name);
	hit = device_in_use(l, id->name, dir, 0);
	d = hit || id->around ? NULL : opendir(path);
	while (d && !hit && (e = readdir(d))) {
		if (strncmp(e->d_name, id->name, strlen(id->name)) != 0)
			continue;
		snprintf(part, sizeof(part), "%s/%s", dir, e->d_name);
		hit = device_in_use(l, e->d_name, part, 0);
	}
	if (d)
		closedir(d);
	return hit;
}

static bool names_one(const struct model_id *ids, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (ids[i].block && strcmp(ids[i].name, name) == 0)
			return true;
	return false;
}

/* Loop devices upon the disk, a partition of it or the image; not the one by which we came to it. */
static bool looped(struct look *l, const struct model_id *ids, size_t n)
{
	struct model_id theirs[MODEL_IDS];
	char path[PATH_MAX], backing[PATH_MAX];
	struct dirent *e;
	bool hit = false;
	DIR *d;

	snprintf(path, sizeof(path), "%.3000s/sys/block", l->sys_root);
	d = opendir(path);
	while (d && !hit && (e = readdir(d))) {
		if (strncmp(e->d_name, "loop", 4) != 0 || names_one(ids, n, e->d_name) ||
		    !model_loop_file(l->sys_root, e->d_name, backing, sizeof(backing)))
			continue;
		snprintf(path, sizeof(path), "/dev/%.64s", e->d_name);
		hit = model_share_id(ids, n, theirs, model_identity(l->sys_root, path, theirs, MODEL_IDS)) &&
		      held_by(l, e->d_name, 0);
	}
	if (d)
		closedir(d);
	return hit;
}

void model_disk_in_use(const char *sys_root, const char *path, char *dst, size_t n)
{
	struct look l = { .sys_root = sys_root, .dst = dst, .n = n };
	struct model_id ids[MODEL_IDS];
	size_t n_ids = model_identity(sys_root, path, ids, MODEL_IDS);
	bool hit = false;

	dst[0] = '\0';
	for (size_t i = 0; !hit && i < n_ids; i++) {
		l.file = ids[i].block ? NULL : &ids[i];
		l.device = NULL;
		l.number = 0;
		hit = ids[i].block ? disk_in_use(&l, &ids[i]) : swapped(&l);
	}
	if (!hit)
		looped(&l, ids, n_ids);
}
