/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tui_models.h"

static const struct dyn_extent half_0 = { .disk = 0, .offset = 351 * MB, .size = 1862 * GB };
static const struct dyn_extent half_m0 = { .disk = 2, .offset = 0, .size = 1862 * GB };
static const struct dyn_extent efi = { .disk = 0, .offset = MB, .size = 350 * MB };
static const struct dyn_plex c_plexes[] = {
	{ "Volume1-01", DYN_PLEX_OK, 1, &half_0 },
	{ "Volume1-02", DYN_PLEX_MISSING, 1, &half_m0 },
};
static const struct dyn_plex efi_plex = { "", DYN_PLEX_OK, 1, &efi };
static const struct dyn_volume volumes[] = {
	{ .number = 0, .name = "Volume1", .guid = "11111111-0000-0000-0000-000000000001", .letter = 'C', .label = "Windows",
	  .fs = "NTFS", .info = "Boot", .layout = DYN_LAYOUT_MIRROR, .status = DYN_VOLUME_FAILED_REDUNDANCY,
	  .size = 1862 * GB, .group = 0, .job = DYN_NONE, .n_plexes = 2, .plexes = c_plexes },
	{ .number = 1, .name = "", .guid = "11111111-0000-0000-0000-000000000002", .label = "EFI", .fs = "FAT32",
	  .info = "System", .layout = DYN_LAYOUT_PARTITION, .status = DYN_VOLUME_HEALTHY, .size = 350 * MB,
	  .group = DYN_NONE, .job = DYN_NONE, .n_plexes = 1, .plexes = &efi_plex },
};
static const struct dyn_region regions_0[] = {
	{ DYN_REGION_RESERVED, 0, MB, DYN_NONE, DYN_NONE, 1, "Reserved" },
	{ DYN_REGION_PRIMARY, MB, 350 * MB, 1, 0, 2, "System" },
	{ DYN_REGION_MIRROR, 351 * MB, 1862 * GB, 0, 0, 0, "" },
};
static const struct dyn_region regions_1[] = { { DYN_REGION_UNALLOCATED, 0, 1863 * GB, DYN_NONE, DYN_NONE, 0, "" } };
static const struct dyn_region regions_m0[] = { { DYN_REGION_MIRROR, 0, 1862 * GB, 0, 1, 0, "" } };
static const struct dyn_disk disks[] = {
	{ .number = 0, .name = "Disk 0", .status = DYN_DISK_ONLINE, .dynamic = true, .table = DYN_TABLE_GPT, .path = "/dev/sda",
	  .model = "SAMSUNG MZ7LH1T9", .serial = "S455NA0M611234", .bus = "sata", .confirm = "611234", .size = 1863 * GB,
	  .sector_size = 512, .in_use = "", .db_name = "Disk1", .guid = "22222222-0000-0000-0000-000000000000", .group = 0,
	  .n_regions = 3, .regions = regions_0 },
	{ .number = 1, .name = "Disk 1", .status = DYN_DISK_NOT_INITIALIZED, .path = "/dev/sdb", .model = "SAMSUNG MZ7LH1T9",
	  .serial = "S455NA0M611299", .bus = "sata", .confirm = "611299", .size = 1863 * GB, .free = 1863 * GB,
	  .sector_size = 512, .blank = true, .in_use = "", .db_name = "", .group = DYN_NONE, .n_regions = 1,
	  .regions = regions_1 },
	{ .number = 0, .name = "Disk M0", .status = DYN_DISK_MISSING, .dynamic = true, .path = "", .model = "", .serial = "",
	  .bus = "", .confirm = "", .size = 1863 * GB, .in_use = "", .db_name = "Disk2",
	  .guid = "22222222-0000-0000-0000-000000000002", .group = 0, .n_regions = 1, .regions = regions_m0 },
};
static const struct dyn_group groups[] = {
	{ .guid = "33333333-0000-0000-0000-000000000000", .name = "Server-Dg0", .transaction = 42, .n_disks = 2, .n_missing = 1,
	  .problem = "" },
};
static const struct dyn_model broken = { .n_disks = 3, .disks = disks, .n_groups = 1, .groups = groups, .n_volumes = 2,
					 .volumes = volumes };

const struct dyn_model *model_broken_mirror(void)
{
	return &broken;
}

const struct dyn_model *model_empty(void)
{
	static const struct dyn_model none;

	return &none;
}

const struct dyn_model *model_many_disks(size_t n)
{
	static struct dyn_disk d[64];
	static struct dyn_region r[64];
	static struct dyn_volume v[64];
	static struct dyn_plex p[64];
	static struct dyn_extent e[64];
	static struct dyn_model m;

	for (size_t i = 0; i < n && i < 64; i++) {
		e[i] = (struct dyn_extent){ .disk = i, .offset = MB, .size = 100 * GB };
		p[i] = (struct dyn_plex){ "", DYN_PLEX_OK, 1, &e[i] };
		v[i] = (struct dyn_volume){ .number = (unsigned)i, .name = "", .label = "DATA", .fs = "NTFS", .info = "",
					    .layout = DYN_LAYOUT_PARTITION, .size = 100 * GB, .group = DYN_NONE, .job = DYN_NONE,
					    .n_plexes = 1, .plexes = &p[i] };
		r[i] = (struct dyn_region){ DYN_REGION_PRIMARY, MB, 100 * GB, i, 0, 1, "Primary" };
		d[i] = (struct dyn_disk){ .number = (unsigned)i, .status = DYN_DISK_ONLINE, .table = DYN_TABLE_GPT, .path = "/dev/x",
					  .model = "", .serial = "", .bus = "", .confirm = "", .size = 101 * GB, .in_use = "",
					  .db_name = "", .group = DYN_NONE, .n_regions = 1, .regions = &r[i] };
		snprintf(d[i].name, sizeof(d[i].name), "Disk %zu", i);
		snprintf(v[i].guid, sizeof(v[i].guid), "44444444-0000-0000-0000-%012zu", i);
	}
	m = (struct dyn_model){ .n_disks = n, .disks = d, .n_volumes = n, .volumes = v };
	return &m;
}

const struct dyn_model *model_many_regions(size_t n)
{
	static struct dyn_region r[128];
	static struct dyn_disk d;
	static struct dyn_model m;
	uint64_t at = 0;

	for (size_t i = 0; i < n && i < 128; i++) {
		uint64_t size = i < n / 2 ? MB : 100 * GB;

		r[i] = (struct dyn_region){ DYN_REGION_PRIMARY, at, size, DYN_NONE, DYN_NONE, (unsigned)i + 1, "Recovery" };
		at += size;
	}
	d = (struct dyn_disk){ .name = "Disk 0", .path = "", .model = "", .serial = "", .bus = "", .confirm = "", .size = at,
			       .in_use = "", .db_name = "", .group = DYN_NONE, .n_regions = n, .regions = r };
	m = (struct dyn_model){ .n_disks = 1, .disks = &d };
	return &m;
}

struct dyn_job job_copying(void)
{
	struct dyn_job j = { .id = 1, .kind = DYN_JOB_REBUILD, .state = DYN_JOB_COPYING, .volume_title = "C: Windows",
			     .done = 875 * GB, .total = 1862 * GB, .rate = 212000000, .seconds_left = 78 * 60 };

	snprintf(j.volume_guid, sizeof(j.volume_guid), "%s", volumes[0].guid);
	snprintf(j.target_guid, sizeof(j.target_guid), "%s", disks[2].guid);
	return j;
}

char *canvas_row(const struct canvas *c, int y)
{
	static const char glyph[GLYPHS] = { 0, '-', '|', '+', '+', '+', '+', '+', '+', '+', '+', '+' };
	char *s = calloc(1, (size_t)c->cols * 4 + 1);
	size_t n = 0;

	for (int x = 0; x < c->cols; x++) {
		uint32_t ch = c->cells[y * c->cols + x].ch;

		if (ch == GLYPH_CONTINUED)
			continue;
		if (ch < GLYPHS)
			s[n++] = glyph[ch];
		else if (ch < 0x80)
			s[n++] = (char)ch;
		else
			s[n++] = '?';
	}
	while (n && s[n - 1] == ' ')
		s[--n] = '\0';
	return s;
}

char *canvas_as_text(const struct canvas *c)
{
	char *all = calloc(1, (size_t)c->rows * ((size_t)c->cols * 4 + 2) + 1);

	for (int y = 0; y < c->rows; y++) {
		char *row = canvas_row(c, y);

		strcat(all, row);
		strcat(all, "\n");
		free(row);
	}
	return all;
}
