/* SPDX-License-Identifier: GPL-3.0-or-later */
/* list.c - which disks: those named, or every whole disk of the machine. */
#include "config.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/scan.h"

void sys_read(const char *sys_root, const char *path, char *dst, size_t n)
{
	char full[512];
	size_t got = 0;
	FILE *f;

	dst[0] = '\0';
	if ((size_t)snprintf(full, sizeof(full), "%s%s", sys_root, path) >= sizeof(full))
		return;
	f = fopen(full, "re");
	if (!f)
		return;
	got = fread(dst, 1, n - 1, f);
	fclose(f);
	while (got > 0 && (dst[got - 1] == '\0' || isspace((unsigned char)dst[got - 1])))
		got--;
	dst[got] = '\0';
	for (got = 0; isspace((unsigned char)dst[got]); got++)
		;
	memmove(dst, dst + got, strlen(dst + got) + 1);
}

/* The letters behind "sd", "vd", ...: sdz comes before sdaa. 0 for other names. */
static size_t letters(const char *name)
{
	size_t at = strncmp(name, "xvd", 3) == 0 ? 3 : strlen(name) > 2 && name[1] == 'd' ? 2 : 0, n = 0;

	while (at && islower((unsigned char)name[at + n]))
		n++;
	return n;
}

int natural_order(const char *a, const char *b)
{
	if (strncmp(a, b, 2) == 0 && letters(a) && letters(b) && letters(a) != letters(b))
		return letters(a) < letters(b) ? -1 : 1;
	return strverscmp(a, b);
}

static bool has_prefix(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* Devices that are made of others or hold no disk. */
static bool is_whole_disk(const char *sys_root, const char *name)
{
	static const char *const others[] = { "loop", "ram", "zram", "dm-", "md", "sr", "zd", "drbd", "bcache" };
	char path[300], value[32];

	if (name[0] == '.' || (has_prefix(name, "fd") && isdigit((unsigned char)name[2])))
		return false;
	if (has_prefix(name, "mmcblk") && (strstr(name, "boot") || strstr(name, "rpmb")))
		return false;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (has_prefix(name, others[i]))
			return false;
	snprintf(path, sizeof(path), "/sys/block/%.250s/size", name);
	sys_read(sys_root, path, value, sizeof(value));
	if (strtoull(value, NULL, 10) == 0)
		return false;
	/* one path of a multipath NVMe disk: the disk itself has its own entry */
	snprintf(path, sizeof(path), "/sys/block/%.250s/hidden", name);
	sys_read(sys_root, path, value, sizeof(value));
	return strcmp(value, "1") != 0;
}

static int by_name(const void *a, const void *b)
{
	return natural_order(*(char *const *)a, *(char *const *)b);
}

static void add_disk(struct scan *s, const char *path)
{
	unsigned number = (unsigned)s->n_disks;
	struct scan_disk *d = pool_grow(s->pool, &s->disks, &s->n_disks, sizeof(*d));

	if (!d)
		return;
	d->pub.number = number;
	snprintf(d->pub.name, sizeof(d->pub.name), "Disk %u", number);
	/* the path is opened again later: it must stay what it is, cleaned only when it is shown */
	d->pub.path = pool_copy(s->pool, path, strlen(path) + 1, 1);
	if (!d->pub.path)
		d->pub.path = "";
	d->pub.group = DYN_NONE;
	d->copy = DYN_NONE;
}

static int list_machine(struct scan *s, struct dyn_err *err)
{
	char path[512], **names = NULL;
	size_t n = 0;
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/sys/block", s->args->sys_root);
	dir = opendir(path);
	if (!dir)
		return dyn_fail(err, -errno, "cannot list the disks of this machine: %s: %s", path, strerror(errno));
	while ((e = readdir(dir))) {
		char **slot;
		if (!is_whole_disk(s->args->sys_root, e->d_name))
			continue;
		slot = pool_grow(s->pool, &names, &n, sizeof(*names));
		if (!slot)
			break;
		*slot = pool_copy(s->pool, e->d_name, strlen(e->d_name) + 1, 1);
		if (!*slot)
			n--;
	}
	closedir(dir);
	if (n)
		qsort(names, n, sizeof(*names), by_name);
	for (size_t i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "/dev/%s", names[i]);
		for (char *c = path + 5; *c; c++) /* sysfs writes cciss/c0d0 as cciss!c0d0 */
			if (*c == '!')
				*c = '/';
		add_disk(s, path);
	}
	free(names);
	return 0;
}

static int list_named(struct scan *s, struct dyn_err *err)
{
	const char *const *paths = s->args->paths;
	size_t n = s->args->n_paths, *n_ids = calloc(n, sizeof(*n_ids));
	struct model_id(*ids)[MODEL_IDS] = calloc(n, sizeof(*ids));
	int rc = ids && n_ids ? 0 : dyn_fail_nomem(err);

	for (size_t i = 0; !rc && i < n; i++) {
		n_ids[i] = model_identity(s->args->sys_root, paths[i], ids[i], MODEL_IDS); /* none: the probe will say why */
		for (size_t k = 0; !rc && k < i; k++)
			if (model_share_id(ids[i], n_ids[i], ids[k], n_ids[k]))
				rc = dyn_refuse(err, -EEXIST, "Name each disk once.", "%s and %s are the same disk", paths[k],
						paths[i]);
		if (!rc)
			add_disk(s, paths[i]);
	}
	free(n_ids);
	free(ids);
	return rc;
}

int scan_list(struct scan *s, struct dyn_err *err)
{
	return s->args->n_paths ? list_named(s, err) : list_machine(s, err);
}
