/* SPDX-License-Identifier: GPL-3.0-or-later */
/* facts.c - what the kernel knows of a disk: model, serial number, bus. From sysfs, nothing is opened. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/scan.h"

/* One attribute of /sys/block/NAME (or of a partition, in /sys/class/block). */
static void attr(struct scan *s, const char *name, const char *what, char *dst, size_t n)
{
	char path[400];

	snprintf(path, sizeof(path), "/sys/block/%.200s/%s", name, what);
	sys_read(s->args->sys_root, path, dst, n);
	if (dst[0])
		return;
	snprintf(path, sizeof(path), "/sys/class/block/%.200s/%s", name, what);
	sys_read(s->args->sys_root, path, dst, n);
}

static void trim(char *text)
{
	size_t n = strlen(text), lead = 0;

	while (n > 0 && isspace((unsigned char)text[n - 1]))
		text[--n] = '\0';
	while (isspace((unsigned char)text[lead]))
		lead++;
	memmove(text, text + lead, n - lead + 1);
}

/* SCSI's unit serial number page: 4 bytes of header, the length in the last two. */
static void vpd_serial(struct scan *s, const char *name, char *dst, size_t n)
{
	char path[PATH_MAX];
	unsigned char page[4 + 252];
	size_t got = 0, len;
	FILE *f;

	dst[0] = '\0';
	if ((size_t)snprintf(path, sizeof(path), "%s/sys/block/%s/device/vpd_pg80", s->args->sys_root, name) >= sizeof(path))
		return;
	f = fopen(path, "re");
	if (!f)
		return;
	got = fread(page, 1, sizeof(page), f);
	fclose(f);
	if (got <= 4 || page[1] != 0x80)
		return;
	len = (size_t)page[2] << 8 | page[3];
	if (len > got - 4)
		len = got - 4;
	if (len > n - 1)
		len = n - 1;
	memcpy(dst, page + 4, len);
	dst[len] = '\0';
	trim(dst);
}

/* "t10.ATA     MODEL   SERIAL", "naa.5000c500a1b2c3d4", "eui.0025..." */
static void wwid_serial(struct scan *s, const char *name, char *dst, size_t n)
{
	char wwid[256];
	const char *at;

	attr(s, name, "device/wwid", wwid, sizeof(wwid));
	if (!wwid[0])
		attr(s, name, "wwid", wwid, sizeof(wwid));
	at = strncmp(wwid, "t10.", 4) == 0 ? strrchr(wwid, ' ') : strchr(wwid, '.');
	snprintf(dst, n, "%s", at ? at + 1 : wwid);
}

static const char *find_serial(struct scan *s, const char *name)
{
	char serial[256];

	attr(s, name, "serial", serial, sizeof(serial)); /* virtio */
	if (!serial[0])
		attr(s, name, "device/serial", serial, sizeof(serial)); /* NVMe, MMC */
	if (!serial[0])
		vpd_serial(s, name, serial, sizeof(serial));
	if (!serial[0])
		wwid_serial(s, name, serial, sizeof(serial));
	return pool_clean(s->pool, serial, strlen(serial));
}

static const char *find_model(struct scan *s, const char *name)
{
	char vendor[64], model[128], both[200];

	attr(s, name, "device/model", model, sizeof(model));
	if (!model[0])
		attr(s, name, "device/name", model, sizeof(model)); /* MMC */
	attr(s, name, "device/vendor", vendor, sizeof(vendor));
	/* "ATA" is the bus, a number is a PCI id: neither helps to find the disk in its bay */
	if (!model[0] || !vendor[0] || strcmp(vendor, "ATA") == 0 || strncmp(vendor, "0x", 2) == 0 ||
	    strncasecmp(model, vendor, strlen(vendor)) == 0)
		snprintf(both, sizeof(both), "%s", model);
	else
		snprintf(both, sizeof(both), "%s %s", vendor, model);
	return pool_clean(s->pool, both, strlen(both));
}

/* The place in the device tree tells the bus; the first word that fits counts. */
static const char *find_bus(struct scan *s, const char *name)
{
	static const char *const words[][2] = {
		{ "/usb", "usb" }, { "/nvme", "nvme" }, { "/virtio", "virtio" }, { "/mmc", "mmc" }, { "/ata", "sata" },
		{ "/xen", "xen" }, { "/vmbus", "hyper-v" }, { "/nbd", "nbd" }, { "/loop", "loop" }, { "/host", "scsi" },
	};
	char path[PATH_MAX], real[PATH_MAX];

	if ((size_t)snprintf(path, sizeof(path), "%s/sys/block/%s", s->args->sys_root, name) >= sizeof(path) ||
	    !realpath(path, real))
		return "";
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(real + strlen(s->args->sys_root), words[i][0]))
			return words[i][1];
	return "";
}

static const char *tail(struct scan *s, const char *text, size_t n)
{
	size_t len = strlen(text);

	return len > n ? pool_clean(s->pool, text + len - n, n) : text;
}

void scan_facts(struct scan *s, struct scan_disk *d)
{
	char real[PATH_MAX], value[32], in_use[160];
	const char *name = realpath(d->pub.path, real) ? real : d->pub.path;
	bool image;
	struct stat st;

	image = stat(name, &st) == 0 ? !S_ISBLK(st.st_mode) : strncmp(name, "/dev/", 5) != 0;
	name = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
	d->base = pool_clean(s->pool, name, strlen(name));
	model_disk_in_use(s->args->sys_root, d->pub.path, in_use, sizeof(in_use));
	d->pub.in_use = pool_clean(s->pool, in_use, strlen(in_use));
	d->pub.denied = faccessat(AT_FDCWD, d->pub.path, W_OK, AT_EACCESS) < 0 && (errno == EACCES || errno == EPERM);
	if (image) {
		d->pub.model = "Disk image";
		d->pub.serial = "";
		d->pub.bus = "image";
		d->pub.confirm = d->base;
		d->pub.read_only = faccessat(AT_FDCWD, d->pub.path, W_OK, AT_EACCESS) != 0;
		return;
	}
	d->pub.model = find_model(s, name);
	d->pub.serial = find_serial(s, name);
	d->pub.bus = find_bus(s, name);
	d->pub.confirm = d->pub.serial[0] ? tail(s, d->pub.serial, 4) : d->base;
	attr(s, name, "removable", value, sizeof(value));
	d->pub.removable = strcmp(value, "1") == 0;
	attr(s, name, "ro", value, sizeof(value));
	d->pub.read_only = strcmp(value, "1") == 0;
}
