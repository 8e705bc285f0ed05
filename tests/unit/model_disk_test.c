/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which disks, what the kernel knows of them, who uses them; basic disks; file systems read through any layout. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/bytes.h"
#include "model/volio.h"
#include "tests/unit/model_support.h"

/* One block device in a made-up /sys; a partition where name has a slash. */
static void fake_block(const char *name, const char *size, const char *dev)
{
	char dir[200], file[260];

	snprintf(dir, sizeof(dir), "sys/block/%s", name);
	make_dir(dir);
	snprintf(file, sizeof(file), "%s/size", dir);
	make_text(file, size);
	snprintf(file, sizeof(file), "%s/dev", dir);
	make_text(file, dev);
}

static struct dyn_model *scan_machine(void)
{
	char root[128];
	struct model_scan_args a = { .sys_root = root };

	snprintf(root, sizeof(root), "%s", in_folder("."));
	return scan_args(&a);
}

static void machine_list(void **state)
{
	static const char *const others[] = { "loop0", "ram0", "zram0", "dm-0", "md127", "sr0", "fd0", "mmcblk0boot0" };
	static const char *const order[] = { "dynno9", "dynno10", "sdzz", "sdaaz", "sdaba" };
	struct dyn_model *m;

	(void)state;
	/* names that no machine has as a device, so that nothing real is opened */
	for (size_t i = 5; i-- > 0;)
		fake_block(order[i], "2048\n", "8:0\n");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		fake_block(others[i], "2048\n", "1:0\n");
	fake_block("nbd0", "0\n", "43:0\n");
	fake_block("nvme9c1n1", "2048\n", "259:9\n");
	make_text("sys/block/nvme9c1n1/hidden", "1\n");
	m = scan_machine();
	assert_u64(m->n_disks, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_string_equal(m->disks[i].path + 5, order[i]);
		assert_int_equal(m->disks[i].status, DYN_DISK_OFFLINE);
		assert_u64(m->disks[i].n_damage, 1);
	}
	dyn_model_unref(m);
}

static void facts(void **state)
{
	static const char page[] = "\0\x80\0\x10S4EVNF0M123456  ";
	struct dyn_model *m;

	(void)state;
	fake_block("dynno1", "2048\n", "8:0\n");
	make_dir("sys/block/dynno1/device");
	make_text("sys/block/dynno1/device/vendor", "SEAGATE \n");
	make_text("sys/block/dynno1/device/model", "ST4000NM\x1b[2J  \n");
	make_text("sys/block/dynno1/removable", "1\n");
	make_text("sys/block/dynno1/ro", "1\n");
	make_text("sys/block/dynno1/device/vpd_pg80", "");
	put_bytes("sys/block/dynno1/device/vpd_pg80", 0, page, sizeof(page) - 1);
	fake_block("dynno2", "2048\n", "8:16\n");
	make_dir("sys/block/dynno2/device");
	make_text("sys/block/dynno2/device/vendor", "ATA     \n");
	make_text("sys/block/dynno2/device/model", "SAMSUNG MZ7LH1T9\n");
	make_text("sys/block/dynno2/device/wwid", "t10.ATA     SAMSUNG MZ7LH1T9      S455NA0M611299\n");
	fake_block("dynno3", "2048\n", "8:32\n");
	m = scan_machine();
	assert_u64(m->n_disks, 3);
	assert_string_equal(m->disks[0].model, "SEAGATE ST4000NM\\x1b[2J");
	assert_string_equal(m->disks[0].serial, "S4EVNF0M123456");
	assert_string_equal(m->disks[0].confirm, "3456");
	assert_true(m->disks[0].removable);
	assert_true(m->disks[0].read_only);
	assert_string_equal(m->disks[1].model, "SAMSUNG MZ7LH1T9");
	assert_string_equal(m->disks[1].serial, "S455NA0M611299");
	assert_string_equal(m->disks[1].confirm, "1299");
	assert_string_equal(m->disks[2].serial, "");
	assert_string_equal(m->disks[2].confirm, "dynno3");
	dyn_model_unref(m);
}

/* Printable, well-formed, and the same when it is cleaned once more. */
static void assert_clean(const char *text)
{
	char again[2048];

	for (const char *c = text; *c; c++)
		assert_true((uint8_t)*c >= 0x20 && *c != 0x7f);
	dyn_text_clean(again, sizeof(again), text, strlen(text));
	assert_string_equal(again, text);
}

/* 200 hostile models, makers and serial numbers, from firmware that says what it likes. */
static void hostile_facts(void **state)
{
	static const char *const pieces[] = { "\x1b[2J", "\x1b]0;x\x07", "\xc2\x9b", "\xe2\x80\xae", "\xff", "\xc0\xaf", "\xed\xa0\x80",
					      "\xe6\x97\xa5", "a\xcc\x81", "\x7f", "\r", "\n", "%s%n", "\"", "\\", "\xf0\x9f\x92", "ST4000" };
	uint64_t seed = 0x123456789abcdef1ull;
	size_t escaped = 0;

	(void)state;
	fake_block("dynno1", "2048\n", "8:0\n");
	make_dir("sys/block/dynno1/device");
	for (int round = 0; round < 200; round++) {
		static const char *const files[] = { "vendor", "model", "wwid", "serial" };
		struct dyn_model *m;
		char title[192];
		for (size_t f = 0; f < 4; f++) {
			char text[300] = "", name[60];
			for (size_t k = 0, n = 1 + seed % 40; k < n && strlen(text) < 250; k++) {
				seed ^= seed << 13;
				seed ^= seed >> 7;
				seed ^= seed << 17;
				strcat(text, pieces[seed % (sizeof(pieces) / sizeof(pieces[0]))]);
			}
			snprintf(name, sizeof(name), "sys/block/dynno1/device/%s", files[f]);
			(void)unlink(in_folder(name));
			if (f != 3 || round & 1)
				make_text(name, text);
		}
		m = scan_machine();
		assert_u64(m->n_disks, 1);
		assert_clean(m->disks[0].model);
		assert_clean(m->disks[0].serial);
		assert_clean(m->disks[0].confirm);
		model_disk_title(&m->disks[0], title, sizeof(title));
		assert_clean(title);
		escaped += strstr(m->disks[0].model, "\\x") != NULL;
		dyn_model_unref(m);
	}
	assert_true(escaped > 100);
}

static void who_uses_it(void **state)
{
	char use[160], root[128];

	(void)state;
	snprintf(root, sizeof(root), "%s", in_folder("."));
	for (int i = 1; i <= 6; i++) {
		char name[40], dev[16];
		snprintf(name, sizeof(name), "dynno%d", i);
		snprintf(dev, sizeof(dev), "8:%d\n", 16 * i);
		fake_block(name, "2048\n", dev);
		snprintf(name, sizeof(name), "dynno%d/dynno%d1", i, i);
		snprintf(dev, sizeof(dev), "8:%d\n", 16 * i + 1);
		fake_block(name, "1024\n", dev);
	}
	make_dir("proc/self");
	make_text("proc/self/mountinfo",
		  "22 1 0:20 / /proc rw,nosuid - proc proc rw\n"
		  "30 1 8:17 / /mnt/my\\040disk rw,relatime shared:1 - ext4 /dev/whatever rw\n"
		  "31 1 0:40 /sub /btr rw shared:2 master:1 - btrfs /dev/dynno21 rw\n"
		  "32 1 253:4 / / rw shared:3 - ext4 /dev/mapper/root rw\n");
	make_text("proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n/dev/dynno31   partition\t100\t0\t-2\n");
	make_dir("sys/block/dynno4/dynno41/holders/md127");
	/* the running system: LVM on LUKS on a partition */
	make_dir("sys/block/dynno5/dynno51/holders/dm-3");
	fake_block("dm-3", "2048\n", "253:3\n");
	make_dir("sys/block/dm-3/holders/dm-4");
	fake_block("dm-4", "2048\n", "253:4\n");
	fake_block("dynno7", "2048\n", "8:112\n");
	make_dir("sys/fs/btrfs/f5a1/devices/dynno7");
#define EXPECT(n, text)                                                           \
	do {                                                                      \
		model_disk_in_use(root, "/dev/dynno" n, use, sizeof(use));        \
		assert_string_equal(use, text);                                   \
	} while (0)
	EXPECT("1", "mounted on /mnt/my disk");
	EXPECT("2", "mounted on /btr");
	EXPECT("3", "swap");
	EXPECT("4", "md127");
	EXPECT("5", "dm-3, dm-4, mounted on /");
	EXPECT("6", "");
	EXPECT("7", "btrfs f5a1");
#undef EXPECT
	/* an image file behind a loop device */
	make_image("an.img", 1 << 20);
	make_image("other.img", 1 << 20);
	make_dir("sys/block/loop7/loop");
	make_text("sys/block/loop7/loop/backing_file", in_folder("an.img"));
	model_disk_in_use(root, in_folder("an.img"), use, sizeof(use));
	assert_string_equal(use, "loop7");
	model_disk_in_use(root, in_folder("other.img"), use, sizeof(use));
	assert_string_equal(use, "");
	/* by another link, and what is made of the loop device */
	assert_int_equal(link(in_folder("an.img"), in_folder("hard.img")), 0);
	fake_block("loop7/loop7p1", "1024\n", "7:9\n");
	make_dir("sys/block/loop7/holders/dm-4");
	model_disk_in_use(root, in_folder("hard.img"), use, sizeof(use));
	assert_string_equal(use, "loop7, dm-4, mounted on /");
}

/* What leads to the same bytes is one disk: in sysfs a loop device upon a partition, and a multipath map. */
static void one_disk_by_other_names(void **state)
{
	static const struct {
		const char *path[2];
		int rc;
	} pairs[] = {
		{ { "/dev/dynnoa", "/dev/dynnoa" }, -EEXIST },
		{ { "/dev/dynnoa", "/dev/dynnoa1" }, -EEXIST },
		{ { "/dev/dynnoa1", "/dev/dynnoa2" }, 0 },
		{ { "/dev/loop901", "/dev/dynnoa1" }, -EEXIST },
		{ { "/dev/dynnoa", "/dev/loop901" }, -EEXIST },
		{ { "/dev/loop901", "/dev/dynnob" }, 0 },
		{ { "/dev/dm-901", "/dev/dynnob" }, -EEXIST },
		{ { "/dev/dynnoc", "/dev/dm-901" }, -EEXIST },
		{ { "/dev/dm-902", "/dev/dynnob" }, 0 },
	};
	struct model_scan_args args = { .n_paths = 2 };
	struct dyn_err err;
	char root[128];

	(void)state;
	snprintf(root, sizeof(root), "%s", in_folder("."));
	args.sys_root = root;
	fake_block("dynnoa", "2048\n", "8:160\n");
	make_dir("sys/devices/pci/dynnoa/dynnoa1");
	make_dir("sys/devices/pci/dynnoa/dynnoa2");
	make_dir("sys/class/block");
	assert_int_equal(symlink("../../devices/pci/dynnoa", in_folder("sys/class/block/dynnoa")), 0);
	make_text("sys/devices/pci/dynnoa/dev", "8:160\n");
	for (int i = 1; i <= 2; i++) {
		char to[80], name[80];
		snprintf(to, sizeof(to), "../../devices/pci/dynnoa/dynnoa%d", i);
		snprintf(name, sizeof(name), "sys/class/block/dynnoa%d", i);
		assert_int_equal(symlink(to, in_folder(name)), 0);
		snprintf(name, sizeof(name), "sys/devices/pci/dynnoa/dynnoa%d/partition", i);
		make_text(name, i == 1 ? "1\n" : "2\n");
		snprintf(name, sizeof(name), "sys/devices/pci/dynnoa/dynnoa%d/dev", i);
		make_text(name, i == 1 ? "8:161\n" : "8:162\n");
	}
	fake_block("dynnob", "2048\n", "8:176\n");
	fake_block("dynnoc", "2048\n", "8:192\n");
	fake_block("loop901", "2048\n", "7:901\n");
	make_dir("sys/block/loop901/loop");
	make_text("sys/block/loop901/loop/backing_file", "/dev/dynnoa1\n");
	for (int i = 1; i <= 2; i++) { /* the second is a linear map: of pieces, not the disk itself */
		char dir[16], name[100];
		snprintf(dir, sizeof(dir), "dm-90%d", i);
		fake_block(dir, "2048\n", i == 1 ? "253:901\n" : "253:902\n");
		snprintf(name, sizeof(name), "sys/block/%s/slaves/dynnob", dir);
		make_dir(name);
		snprintf(name, sizeof(name), "sys/block/%s/slaves/dynnoc", dir);
		make_dir(name);
		snprintf(name, sizeof(name), "sys/block/%s/dm", dir);
		make_dir(name);
		snprintf(name, sizeof(name), "sys/block/%s/dm/uuid", dir);
		make_text(name, i == 1 ? "mpath-3600\n" : "LVM-abc\n");
	}
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct dyn_model *m = NULL;
		args.paths = pairs[i].path;
		if (model_scan(&args, &m, &err) != pairs[i].rc)
			fail_msg("%s and %s", pairs[i].path[0], pairs[i].path[1]);
		dyn_model_unref(m);
	}
}

static void one_disk_twice(void **state)
{
	char a[200], b[200];
	const char *paths[2] = { a, b };
	struct model_scan_args args = { .paths = paths, .n_paths = 2, .sys_root = "" };
	struct dyn_model *m = NULL;
	struct dyn_err err = { 0 };

	(void)state;
	make_image("a", 1 << 20);
	snprintf(a, sizeof(a), "%s", in_folder("a"));
	snprintf(b, sizeof(b), "%s", in_folder("b"));
	assert_int_equal(symlink("a", b), 0);
	assert_int_equal(model_scan(&args, &m, &err), -EEXIST);
	assert_non_null(strstr(err.what, a));
	assert_non_null(strstr(err.what, b));
	assert_null(m);
}

static void empty_absent_and_tiny(void **state)
{
	static const uint8_t dirt[] = "x";
	struct dyn_model *m;

	(void)state;
	make_image("blank", 64 << 20);
	make_image("dirty-start", 64 << 20);
	put_bytes("dirty-start", (1 << 20) - 1, dirt, 1);
	make_image("dirty-end", 64 << 20);
	put_bytes("dirty-end", 63 << 20, dirt, 1);
	make_image("tiny", 1000);
	m = scan_files("blank", "dirty-start", "dirty-end", "tiny", "absent", NULL);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(m->disks[i].status, DYN_DISK_NOT_INITIALIZED);
		assert_int_equal(m->disks[i].blank, i == 0);
		assert_u64(m->disks[i].free, 64 << 20);
		assert_u64(m->disks[i].n_regions, 1);
	}
	assert_int_equal(m->disks[3].status, DYN_DISK_OFFLINE);
	assert_true(says(&m->disks[3], "too small"));
	assert_int_equal(m->disks[4].status, DYN_DISK_OFFLINE);
	assert_true(says(&m->disks[4], "No such file"));
	assert_u64(m->n_volumes, 0);
	dyn_model_unref(m);
}

/* Two primaries, one of them active, and an extended partition with a logical: all bytes in one region each. */
static void basic_mbr(void **state)
{
	static const struct {
		uint64_t sector;
		size_t at;
		uint8_t flag, type;
		uint32_t start, size;
	} entries[] = {
		{ 0, 446, 0x80, 0x07, 2048, 20480 }, { 0, 462, 0, 0x27, 22528, 4096 }, { 0, 478, 0, 0x0f, 30720, 60000 },
		{ 30720, 446, 0, 0x07, 2048, 8192 },
	};
	static const enum dyn_region_kind kinds[] = { DYN_REGION_PRIMARY, DYN_REGION_PRIMARY, DYN_REGION_UNALLOCATED,
						      DYN_REGION_EXTENDED, DYN_REGION_FREE, DYN_REGION_LOGICAL,
						      DYN_REGION_FREE, DYN_REGION_UNALLOCATED };
	const uint8_t magic[2] = { 0x55, 0xaa };
	struct dyn_model *m;
	const struct dyn_disk *d;

	(void)state;
	make_image("d", (uint64_t)T_SECTORS * 512);
	put_bytes("d", 510, magic, 2);
	put_bytes("d", 30720 * 512 + 510, magic, 2);
	for (size_t i = 0; i < 4; i++) {
		uint8_t e[16] = { entries[i].flag, 0, 0, 0, entries[i].type };
		bytes_put_le(e + 8, 4, entries[i].start);
		bytes_put_le(e + 12, 4, entries[i].size);
		put_bytes("d", entries[i].sector * 512 + entries[i].at, e, sizeof(e));
	}
	m = scan_files("d", NULL);
	d = &m->disks[0];
	assert_int_equal(d->status, DYN_DISK_ONLINE);
	assert_false(d->dynamic);
	assert_u64(d->n_regions, 8);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(d->regions[i].kind, kinds[i]);
	assert_u64(d->regions[5].offset, (30720 + 2048) * 512);
	assert_u64(d->regions[5].part_number, 5);
	assert_u64(d->regions[5].volume, 2);
	assert_u64(m->n_volumes, 3);
	assert_string_equal(m->volumes[0].info, "System");
	assert_string_equal(m->volumes[1].info, "Hidden");
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(m->volumes[i].layout, DYN_LAYOUT_PARTITION);
		assert_int_equal(m->volumes[i].number, i);
		assert_u64(m->volumes[i].group, DYN_NONE);
	}
	dyn_model_unref(m);
}

/* ------------------------------------------------------------------ file systems */

static const char *const raid5[] = { "ldm-2003r2-raid5-1", "ldm-2003r2-raid5-2", "ldm-2003r2-raid5-3" };

static void copy_windows(const char *name)
{
	FILE *f = win_open(name);
	uint8_t *all;

	if (!f) {
		print_message("# the Windows images are not at hand\n");
		skip();
	}
	all = win_read(f, 0, T_SECTORS);
	fclose(f);
	make_image(name, (uint64_t)T_SECTORS * 512);
	put_bytes(name, 0, all, (size_t)T_SECTORS * 512);
	free(all);
}

/* The whole volume of that name, read through the mapping. */
static uint8_t *read_volume(const struct dyn_model *m, const char *name, uint64_t *size)
{
	struct dyn_io *ios[16] = { 0 };
	struct volio io;
	uint8_t *all = NULL;

	for (size_t v = 0; v < m->n_volumes; v++) {
		if (strcmp(m->volumes[v].name, name) != 0)
			continue;
		for (size_t d = 0; d < m->n_disks; d++)
			if (m->disks[d].path[0])
				assert_int_equal(dyn_io_open_ro(m->disks[d].path, &ios[d], NULL), 0);
		assert_int_equal(volio_init(&io, &m->volumes[v], ios), 0);
		*size = m->volumes[v].size;
		all = malloc(*size);
		assert_non_null(all);
		assert_int_equal(volio_read(&io, 0, all, *size), 0);
		assert_int_equal(volio_read(&io, 1, all, *size), -ERANGE);
		for (size_t d = 0; d < m->n_disks; d++)
			dyn_io_close(ios[d]);
	}
	assert_non_null(all);
	return all;
}

static void raid5_with_a_column_lost(void **state)
{
	uint64_t size, n, whole_free;
	uint8_t *whole, *part;
	struct dyn_model *m;
	size_t v;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		copy_windows(raid5[i]);
	m = scan_files(raid5[0], raid5[1], raid5[2], NULL);
	whole = read_volume(m, "Raid1", &size);
	for (v = 0; strcmp(m->volumes[v].name, "Raid1") != 0; v++)
		;
	assert_int_equal(dyn_volume_fs_free(m, v, &whole_free, NULL), 0);
	dyn_model_unref(m);
	/* NTFS keeps a copy of its first sector in the last one: the mapping reaches the right end */
	assert_memory_equal(whole + 3, "NTFS    ", 8);
	n = (bytes_le(whole + 40, 8)) * 512;
	assert_memory_equal(whole, whole + n, 512);
	for (size_t lost = 0; lost < 3; lost++) {
		m = scan_files(raid5[lost == 0], raid5[lost == 2 ? 1 : 2], NULL);
		assert_int_equal(m->volumes[v].status, DYN_VOLUME_FAILED_REDUNDANCY);
		assert_string_equal(m->volumes[v].label, "Raid5");
		part = read_volume(m, "Raid1", &n);
		assert_u64(n, size);
		assert_true(memcmp(whole, part, size) == 0);
		assert_int_equal(dyn_volume_fs_free(m, v, &n, NULL), 0);
		assert_u64(n, whole_free);
		dyn_model_unref(m);
		free(part);
	}
	free(whole);
	m = scan_files(raid5[0], NULL);
	assert_int_equal(m->volumes[v].status, DYN_VOLUME_FAILED);
	assert_string_equal(m->volumes[v].fs, "");
	assert_int_equal(dyn_volume_fs_free(m, v, &n, NULL), -ENOTSUP);
	dyn_model_unref(m);
}

/* A partition of a basic disk with a file system made by its own program. */
static void make_fs(const char *name, const char *command)
{
	char line[700];
	uint8_t mbr[512] = { 0 };

	make_image(name, 80 << 20);
	mbr[510] = 0x55;
	mbr[511] = 0xaa;
	mbr[446 + 4] = 7;
	bytes_put_le(mbr + 446 + 8, 4, 2048);
	bytes_put_le(mbr + 446 + 12, 4, (64 << 20) / 512);
	make_image("fs", 64 << 20);
	snprintf(line, sizeof(line), "PATH=$PATH:/usr/sbin:/sbin; %s '%s' >/dev/null 2>&1", command, in_folder("fs"));
	if (system(line) != 0) {
		print_message("# not here: %s\n", command);
		skip();
	}
	snprintf(line, sizeof(line), "dd if='%s' of='%s' bs=1M seek=1 conv=notrunc,sparse status=none", in_folder("fs"),
		 in_folder(name));
	assert_int_equal(system(line), 0);
	put_bytes(name, 0, mbr, sizeof(mbr));
}

/* A number that another program prints, found by a shell pipeline with the file system's path as $1. */
static uint64_t ask_other(const char *pipeline)
{
	char line[900];
	unsigned long long v = 0;
	FILE *p;

	snprintf(line, sizeof(line), "PATH=$PATH:/usr/sbin:/sbin; set -- '%s'; %s", in_folder("fs"), pipeline);
	p = popen(line, "r");
	assert_non_null(p);
	if (fscanf(p, "%llu", &v) != 1)
		v = 0;
	pclose(p);
	assert_true(v > 0);
	return v;
}

static uint64_t free_of(const char *name, const char *fs, const char *label)
{
	struct dyn_model *m = scan_files(name, NULL);
	struct dyn_err err = { 0 };
	uint64_t n = 0;

	assert_u64(m->n_volumes, 1);
	assert_string_equal(m->volumes[0].fs, fs);
	assert_string_equal(m->volumes[0].label, label);
	if (dyn_volume_fs_free(m, 0, &n, &err))
		fail_msg("%s", err.what);
	dyn_model_unref(m);
	return n;
}

static void free_space_ntfs(void **state)
{
	(void)state;
	make_fs("d", "mkntfs -q -F -L Tausend");
	assert_u64(free_of("d", "NTFS", "Tausend"),
		   ask_other("ntfsinfo -m \"$1\" 2>/dev/null | sed -n 's/.*Free Clusters: \\([0-9]*\\).*/\\1/p'") * 4096);
}

static void free_space_fat(void **state)
{
	static const struct {
		const char *make, *fs;
	} kinds[] = { { "mkfs.fat -F 32 -s 1 -n FREE", "FAT32" }, { "mkfs.fat -F 16 -n FREE", "FAT" },
		      { "mkfs.fat -F 12 -s 64 -n FREE", "FAT" } };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		uint64_t got, cluster, total, used;
		make_fs("d", kinds[i].make);
		got = free_of("d", kinds[i].fs, "FREE");
		cluster = ask_other("fsck.fat -nv \"$1\" | sed -n 's/ *\\([0-9]*\\) bytes per cluster.*/\\1/p'");
		total = ask_other("fsck.fat -nv \"$1\" | sed -n 's,.* [0-9]*/\\([0-9]*\\) clusters.*,\\1,p'");
		used = ask_other("fsck.fat -nv \"$1\" | sed -n 's,.* \\([0-9]*\\)/[0-9]* clusters.*,1\\1,p'");
		/* "1" before the number: 0 used clusters are an answer as well */
		for (uint64_t p = 10;; p *= 10) {
			if (used < 2 * p) {
				used -= p;
				break;
			}
		}
		assert_u64(got, (total - used) * cluster);
	}
}

/* Changes the file system of make_fs() by a shell script with its path as $1, and a folder to work in as $2; then scans. */
static struct dyn_model *changed_fs(const char *name, const char *script)
{
	char line[1500];

	snprintf(line, sizeof(line),
		 "PATH=$PATH:/usr/sbin:/sbin; set -- '%s' '%s'; { %s; } >/dev/null 2>&1 && "
		 "dd if=\"$1\" of=\"$2/%s\" bs=1M seek=1 conv=notrunc status=none",
		 in_folder("fs"), in_folder("."), script, name);
	if (system(line) != 0)
		fail_msg("%s", line);
	return scan_files(name, NULL);
}

static bool hibernated_after(const char *script)
{
	struct dyn_model *m = changed_fs("d", script);
	bool asleep;

	assert_u64(m->n_volumes, 1);
	assert_string_equal(m->volumes[0].fs, "NTFS");
	asleep = m->volumes[0].hibernated;
	dyn_model_unref(m);
	return asleep;
}

#define HIBERFIL(start, name) "{ printf " start "; head -c 100000 /dev/zero; } >$2/h && ntfscp -f $1 $2/h " name

/* Places of file records and index blocks in an image; returns how many. */
static size_t find_blocks(const char *name, off_t *at, size_t max)
{
	int fd = open(in_folder(name), O_RDONLY);
	size_t n = 0;
	char magic[4];

	for (off_t off = 1 << 20; n < max && pread(fd, magic, 4, off) == 4; off += 1024)
		if (memcmp(magic, "FILE", 4) == 0 || memcmp(magic, "INDX", 4) == 0)
			at[n++] = off;
	close(fd);
	return n;
}

static void hibernated_windows(void **state)
{
	static off_t at[512];
	uint64_t seed = 0x9e3779b97f4a7c15ull;
	size_t n, asleep = 0;

	(void)state;
	make_fs("d", "command -v ntfscp && mkntfs -q -F");
	assert_false(hibernated_after("true"));
	assert_false(hibernated_after(HIBERFIL("hibr", "other.sys")));
	assert_false(hibernated_after(HIBERFIL("wake", "hiberfil.sys")));
	assert_false(hibernated_after(HIBERFIL("'\\000\\000\\000\\000'", "hiberfil.sys")));
	assert_true(hibernated_after(HIBERFIL("hibr", "hiberfil.sys"))); /* from here on ntfscp refuses, too */
	make_fs("d", "mkntfs -q -F");
	assert_true(hibernated_after(HIBERFIL("HIBR", "HiberFil.SYS")));
	make_fs("d", "mkntfs -q -F -c 512");
	assert_true(hibernated_after(HIBERFIL("HIBR", "hiberfil.sys")));
	/* a root folder whose index has a tree */
	make_fs("d", "mkntfs -q -F");
	assert_true(hibernated_after("i=100; while [ $i -lt 220 ]; do echo $i >$2/h; ntfscp -f $1 $2/h f-$i-windows.txt && "
				     "ntfscp -f $1 $2/h k-$i-windows.txt || exit 1; i=$((i + 2)); done; " HIBERFIL("hibr", "hiberfil.sys")));
	/* what is damaged is no evidence, and no crash */
	n = find_blocks("d", at, 512);
	assert_true(n > 100);
	copy_image("d", "clean");
	for (int round = 0; round < 200; round++) {
		struct dyn_model *m;
		copy_image("clean", "d");
		for (int k = 0; k < 200; k++) {
			uint8_t b;
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			b = (uint8_t)(seed >> 40);
			put_bytes("d", (uint64_t)at[seed % n] + 4 + (seed >> 20) % (round & 1 ? 60 : 1000), &b, 1);
		}
		m = scan_files("d", NULL);
		asleep += m->n_volumes && m->volumes[0].hibernated;
		dyn_model_unref(m);
	}
	assert_true(asleep < 200);
}

/* Its metadata is far inside; the boot sector is what tells. */
static void bitlocker(void **state)
{
	struct dyn_model *m;

	(void)state;
	make_fs("d", "mkntfs -q -F");
	put_bytes("d", (1 << 20) + 3, (const uint8_t *)"-FVE-FS-", 8);
	m = scan_files("d", NULL);
	assert_u64(m->n_volumes, 1);
	assert_string_equal(m->volumes[0].fs, "BitLocker");
	assert_false(m->volumes[0].hibernated);
	dyn_model_unref(m);
}

/* Bytes of a file system changed at random: an answer or an error, no crash, nothing read for ever. */
static void hostile_file_systems(void **state)
{
	static const char *const commands[] = { "mkntfs -q -F", "mkfs.fat -F 32", "mkfs.fat -F 16", "mkfs.exfat" };
	uint64_t seed = 0x2545f4914f6cdd1dull;

	(void)state;
	for (size_t c = 0; c < 4; c++) {
		make_fs("clean", commands[c]);
		for (int round = 0; round < 40; round++) {
			struct dyn_model *m;
			uint64_t n;
			copy_image("clean", "d");
			for (int k = 0; k < 4; k++) {
				uint8_t b;
				seed ^= seed << 13;
				seed ^= seed >> 7;
				seed ^= seed << 17;
				b = (uint8_t)(seed >> 40);
				/* the boot sector, or (NTFS) the file record of $Bitmap, cluster 4 */
				put_bytes("d", (1 << 20) + (k & 1 ? 4 * 4096 + 6 * 1024 + (seed & 511) : 11 + seed % 90), &b, 1);
			}
			m = scan_files("d", NULL);
			for (size_t v = 0; v < m->n_volumes; v++)
				dyn_volume_fs_free(m, v, &n, NULL);
			dyn_model_unref(m);
		}
	}
}

static int leave(void **state)
{
	(void)state;
	win_close_all();
	return 0;
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, folder_new, folder_remove)
	const struct CMUnitTest tests[] = {
		T(machine_list), T(facts), T(hostile_facts), T(who_uses_it), T(one_disk_twice), T(one_disk_by_other_names),
		T(empty_absent_and_tiny), T(basic_mbr),
		T(hibernated_windows), T(bitlocker),
		T(raid5_with_a_column_lost), T(free_space_ntfs), T(free_space_fat), T(hostile_file_systems),
	};
	return cmocka_run_group_tests(tests, NULL, leave);
}
