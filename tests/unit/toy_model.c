/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "tests/unit/toy_model.h"

#define GIB (1ull << 30)
#define MIB (1ull << 20)

static void set_disk(struct dyn_disk *d, unsigned number, const char *name, enum dyn_disk_status status, const char *path)
{
	*d = (struct dyn_disk){ .number = number, .status = status, .path = path, .model = "", .serial = "", .bus = "",
				.confirm = "", .in_use = "", .db_name = "", .group = DYN_NONE, .sector_size = 512 };
	strcpy(d->name, name);
}

void toy_failed_mirror(struct toy_model *t)
{
	memset(t, 0, sizeof(*t));
	set_disk(&t->disks[0], 0, "Disk 0", DYN_DISK_ONLINE, "/dev/sda");
	t->disks[0].dynamic = true;
	t->disks[0].table = DYN_TABLE_GPT;
	t->disks[0].size = 447 * GIB;
	t->disks[0].model = "SAMSUNG \"MZ7\\LH\"";
	t->disks[0].serial = "S455NA0M611299";
	t->disks[0].group = 0;
	strcpy(t->disks[0].guid, "11111111-2222-4333-8444-555555555555");
	set_disk(&t->disks[1], 1, "Disk 1", DYN_DISK_NOT_INITIALIZED, "/dev/sdb");
	t->disks[1].size = t->disks[1].free = 447 * GIB;
	set_disk(&t->disks[2], 0, "Disk M0", DYN_DISK_MISSING, "");
	t->disks[2].dynamic = true;
	t->disks[2].table = DYN_TABLE_GPT;
	t->disks[2].size = 2996 * MIB;
	t->disks[2].group = 0;
	strcpy(t->disks[2].guid, "66666666-2222-4333-8444-555555555555");

	t->groups[0] = (struct dyn_group){ .name = "SRV-Dg0", .transaction = 4711, .n_disks = 2, .n_missing = 1, .problem = "" };
	strcpy(t->groups[0].guid, "99999999-2222-4333-8444-555555555555");

	t->extents[0] = (struct dyn_extent){ .disk = 0, .offset = 32256, .size = 447 * GIB };
	t->extents[1] = (struct dyn_extent){ .disk = 2, .size = 447 * GIB };
	t->extents[2] = (struct dyn_extent){ .disk = 0, .offset = 512, .size = 350 * MIB };
	t->plexes[0] = (struct dyn_plex){ "Volume1-01", DYN_PLEX_OK, 1, &t->extents[0] };
	t->plexes[1] = (struct dyn_plex){ "Volume1-02", DYN_PLEX_MISSING, 1, &t->extents[1] };
	t->plexes[2] = (struct dyn_plex){ "", DYN_PLEX_OK, 1, &t->extents[2] };
	t->volumes[0] = (struct dyn_volume){ .number = 0, .name = "Volume1", .letter = 'C', .label = "Windows", .fs = "NTFS",
					     .info = "System", .layout = DYN_LAYOUT_MIRROR, .status = DYN_VOLUME_FAILED_REDUNDANCY,
					     .size = 447 * GIB, .job = DYN_NONE, .n_plexes = 2, .plexes = t->plexes };
	strcpy(t->volumes[0].guid, "aaaaaaaa-2222-4333-8444-555555555555");
	t->volumes[1] = (struct dyn_volume){ .number = 1, .name = "", .label = "Gr\303\266\303\237e mit mehr als elf", .fs = "FAT32",
					     .info = "Hidden", .layout = DYN_LAYOUT_PARTITION, .status = DYN_VOLUME_HEALTHY,
					     .size = 350 * MIB, .group = DYN_NONE, .job = DYN_NONE, .n_plexes = 1,
					     .plexes = &t->plexes[2] };
	t->m = (struct dyn_model){ .n_disks = 3, .disks = t->disks, .n_groups = 1, .groups = t->groups, .n_volumes = 2,
				   .volumes = t->volumes, .jobs = t->jobs };
}

void toy_rebuilding(struct toy_model *t)
{
	toy_failed_mirror(t);
	t->m.n_disks = 2;
	t->m.n_jobs = 1;
	t->disks[1].status = DYN_DISK_ONLINE;
	t->disks[1].dynamic = true;
	t->disks[1].table = DYN_TABLE_MBR;
	t->extents[1].disk = 1;
	t->extents[1].offset = MIB;
	t->plexes[1].status = DYN_PLEX_REBUILDING;
	t->volumes[0].status = DYN_VOLUME_REBUILDING;
	t->volumes[0].job = 0;
	t->jobs[0] = (struct dyn_job){ .state = DYN_JOB_COPYING, .volume = 0, .source = 0, .target = 1, .done = 42, .total = 100,
				       .rate = 98 * MIB, .volume_title = "C: Windows" };
}
