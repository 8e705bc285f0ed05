/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inuse.c - who holds a disk: mounts, swap, md, device-mapper, loop devices. */
#include "config.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "model/scan.h"

struct look {
	const char *sys_root;
	const char *device;      /* "sda", or "sda1" while its partition is looked at */
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

/* Same device? By name, or by the device number the kernel gives ("8:1"). */
static bool is_device(const char *field, const char *device, const char *number)
{
	if (number[0] && strcmp(field, number) == 0)
		return true;
	return strncmp(field, "/dev/", 5) == 0 && strcmp(field + 5, device) == 0;
}

static FILE *open_proc(const char *sys_root, const char *path)
{
	char full[PATH_MAX];

	if ((size_t)snprintf(full, sizeof(full), "%s%s", sys_root, path) >= sizeof(full))
		return NULL;
	return fopen(full, "re");
}

/* ID PARENT MAJ:MIN ROOT MOUNTPOINT OPTIONS [TAGS] - TYPE SOURCE ... */
static bool mounted(struct look *l, const char *number)
{
	FILE *f = open_proc(l->sys_root, "/proc/self/mountinfo");
	char *line = NULL;
	size_t size = 0;
	bool hit = false;

	while (f && !hit && getline(&line, &size, f) > 0) {
		char *at = line, *field = NULL, *point = NULL;
		for (int i = 0; i < 5 && (field = next_field(&at)); i++) {
			if (i == 2)
				hit = is_device(field, l->device, number);
			if (i == 4)
				point = field;
		}
		while (!hit && (field = next_field(&at)) && strcmp(field, "-") != 0)
			;
		if (!hit && field && next_field(&at) && (field = next_field(&at)))
			hit = is_device(field, l->device, "");
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
		hit = field && is_device(field, l->device, "");
	}
	free(line);
	if (f)
		fclose(f);
	return hit && found(l, "", "swap");
}

static bool held(struct look *l, const char *dir)
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
			hit = found(l, "", e->d_name);
	if (d)
		closedir(d);
	return hit;
}

static bool device_in_use(struct look *l, const char *device, const char *dir)
{
	char path[600], number[32];

	l->device = device;
	snprintf(path, sizeof(path), "%s/dev", dir);
	sys_read(l->sys_root, path, number, sizeof(number));
	return mounted(l, number) || swapped(l) || held(l, dir);
}

/* The disk itself, then its partitions: the folders in its sysfs folder whose names begin with its own. */
static bool disk_in_use(struct look *l, const char *name)
{
	char dir[300], path[PATH_MAX], part[560];
	struct dirent *e;
	bool hit;
	DIR *d;

	snprintf(dir, sizeof(dir), "/sys/block/%.250s", name);
	hit = device_in_use(l, name, dir);
	snprintf(path, sizeof(path), "%s%s", l->sys_root, dir);
	d = hit ? NULL : opendir(path);
	while (d && !hit && (e = readdir(d))) {
		if (strncmp(e->d_name, name, strlen(name)) != 0)
			continue;
		snprintf(part, sizeof(part), "%s/%s", dir, e->d_name);
		hit = device_in_use(l, e->d_name, part);
	}
	if (d)
		closedir(d);
	return hit;
}

/* An image file behind a loop device. */
static bool image_in_use(struct look *l, const char *real)
{
	char path[PATH_MAX], backing[PATH_MAX];
	struct dirent *e;
	bool hit = false;
	DIR *d;

	snprintf(path, sizeof(path), "%s/sys/block", l->sys_root);
	d = opendir(path);
	while (d && !hit && (e = readdir(d))) {
		if (strncmp(e->d_name, "loop", 4) != 0)
			continue;
		snprintf(path, sizeof(path), "/sys/block/%.200s/loop/backing_file", e->d_name);
		sys_read(l->sys_root, path, backing, sizeof(backing));
		if (strcmp(backing, real) == 0)
			hit = found(l, "", e->d_name);
	}
	if (d)
		closedir(d);
	return hit;
}

void model_disk_in_use(const char *sys_root, const char *path, char *dst, size_t n)
{
	struct look l = { .sys_root = sys_root, .dst = dst, .n = n };
	char real[PATH_MAX];
	const char *name;
	struct stat st;

	dst[0] = '\0';
	if (!realpath(path, real))
		snprintf(real, sizeof(real), "%s", path); /* sysfs may still know it */
	name = strrchr(real, '/') ? strrchr(real, '/') + 1 : real;
	if (stat(real, &st) == 0 ? S_ISBLK(st.st_mode) : strncmp(real, "/dev/", 5) == 0)
		disk_in_use(&l, name);
	else
		image_in_use(&l, real);
}
