/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mkfs.c - which file systems can be made, under which rules, and by whom. */
#include "plan/format.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/io.h"
#include "base/temp.h"
#include "base/tool.h"

enum { SECTOR = 512, MIB = 1 << 20, FAT12_MAX = 4085, FAT16_MAX = 65525, FAT32_MAX = 268435445 };

static const struct kind {
	const char *name, *word, *program, *package;
	uint32_t unit_max;
	unsigned label_max; /* UTF-16 units */
} kinds[MKFS_KINDS] = {
	[MKFS_NTFS] = { "NTFS", "ntfs", "mkntfs", "ntfs-3g", 65536, 32 },
	[MKFS_FAT] = { "FAT", "fat", "mkfs.fat", "dosfstools", 65536, 11 },
	[MKFS_FAT32] = { "FAT32", "fat32", "mkfs.fat", "dosfstools", 65536, 11 },
	[MKFS_EXFAT] = { "exFAT", "exfat", "mkfs.exfat", "exfatprogs", 32 * MIB, 11 },
};

/* -------------------------------------------------------------------- rules */

static int check_kind(const char *word, struct mkfs *fs, struct dyn_err *err)
{
	for (int k = 0; k < MKFS_KINDS; k++)
		if (strcasecmp(word, kinds[k].word) == 0) {
			fs->kind = (enum mkfs_kind)k;
			fs->name = kinds[k].name;
			fs->word = kinds[k].word;
			return 0;
		}
	return dyn_refuse(err, -ENOTSUP, "Use fs=ntfs, fs=fat32, fs=fat or fs=exfat.",
			  "dynadisk cannot make a file system called \"%.40s\"", word);
}

/* How many UTF-16 units a text needs that is known to be valid UTF-8. */
static unsigned utf16_units(const char *s)
{
	unsigned n = 0;

	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		n += (c & 0xc0) == 0x80 ? 0 : c >= 0xf0 ? 2 : 1;
	}
	return n;
}

static int check_fat_label(struct mkfs *fs, struct dyn_err *err)
{
	for (char *p = fs->label; *p; p++) {
		if ((unsigned char)*p >= 0x80)
			return dyn_refuse(err, -EINVAL, "Use letters A to Z, digits and - _ only, or NTFS.",
					  "the label \"%s\" has characters that FAT cannot hold on every machine", fs->label);
		if (strchr("*?.,;:/\\|+=<>[]\"", *p))
			return dyn_refuse(err, -EINVAL, "Leave that character out.",
					  "a FAT label cannot have the character %c in it", *p);
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	}
	if (fs->label[0] == ' ')
		return dyn_refuse(err, -EINVAL, "Begin it with a letter or digit.", "a FAT label cannot begin with a blank");
	return 0;
}

static int check_label(const char *label, struct mkfs *fs, struct dyn_err *err)
{
	const struct kind *k = &kinds[fs->kind];
	char clean[4 * sizeof(fs->label)];

	if (!label || !label[0])
		return 0;
	dyn_text_clean(clean, sizeof(clean), label, strlen(label));
	if (strlen(label) >= sizeof(fs->label) || utf16_units(label) > k->label_max)
		return dyn_refuse(err, -EINVAL, "Choose a shorter label.", "the label \"%.80s\" is too long: %s allows %u characters",
				  clean, k->name, k->label_max);
	if (strcmp(clean, label) != 0)
		return dyn_refuse(err, -EINVAL, "Use characters that can be shown.", "the label \"%.80s\" has characters that cannot be shown",
				  clean);
	snprintf(fs->label, sizeof(fs->label), "%s", label);
	return fs->kind == MKFS_FAT || fs->kind == MKFS_FAT32 ? check_fat_label(fs, err) : 0;
}

static int wrong_unit(const struct mkfs *fs, const char *why, struct dyn_err *err)
{
	return dyn_refuse(err, -EINVAL, "Choose another unit, or leave it out.", "an allocation unit of %u bytes is %s", fs->unit,
			  why);
}

static int check_unit(const struct mkfs *fs, struct dyn_err *err)
{
	const struct kind *k = &kinds[fs->kind];
	char why[96];

	if (fs->unit == 0)
		return 0;
	snprintf(why, sizeof(why), "not possible on %s: a power of two from 512 to %u is", k->name, k->unit_max);
	if (fs->unit < SECTOR || fs->unit > k->unit_max || (fs->unit & (fs->unit - 1)))
		return wrong_unit(fs, why, err);
	if (fs->kind == MKFS_NTFS && fs->size / fs->unit >= UINT32_MAX)
		return wrong_unit(fs, "too small for a volume of this size", err);
	if (fs->kind == MKFS_EXFAT && fs->size / fs->unit > UINT32_MAX - 11)
		return wrong_unit(fs, "too small for a volume of this size", err);
	if (fs->size / fs->unit < 16)
		return wrong_unit(fs, "too large for a volume of this size", err);
	return 0;
}

static int wrong_size(const struct mkfs *fs, const char *large, const char *way_out, struct dyn_err *err)
{
	char size[32];

	dyn_text_size(size, sizeof(size), fs->size);
	return dyn_refuse(err, -EINVAL, way_out, "the volume (%s) is too %s for %s", size, large, fs->name);
}

/* Windows calls FAT what has fewer than 65525 clusters and 12-bit what has fewer than 4085, whatever else it says. */
static int check_fat(struct mkfs *fs, struct dyn_err *err)
{
	uint64_t clusters = fs->unit ? fs->size / fs->unit : fs->size < 16ull * MIB ? 0 : FAT12_MAX;

	fs->fat_bits = clusters < FAT12_MAX ? 12 : 16;
	if (fs->size > 4096ull * MIB)
		return wrong_size(fs, "large", "Use fs=fat32 or fs=ntfs.", err);
	return clusters >= FAT16_MAX ? wrong_unit(fs, "too small for FAT on a volume of this size", err) : 0;
}

static int check_fat32(struct mkfs *fs, struct dyn_err *err)
{
	uint64_t unit = fs->unit ? fs->unit : SECTOR, tables = 2ull * 4 * FAT16_MAX + 32 * SECTOR;

	fs->fat_bits = 32;
	if (fs->size < FAT16_MAX * (uint64_t)SECTOR + tables)
		return wrong_size(fs, "small", "Use fs=fat, or a volume of 34 MB at least.", err);
	if (fs->size / SECTOR > UINT32_MAX)
		return wrong_size(fs, "large", "Use fs=ntfs or fs=exfat.", err);
	if (fs->size < FAT16_MAX * unit + tables)
		return wrong_unit(fs, "too large for FAT32 on a volume of this size", err);
	if (fs->unit && fs->size / fs->unit > FAT32_MAX)
		return wrong_unit(fs, "too small for FAT32 on a volume of this size", err);
	return 0;
}

int mkfs_check(const struct dyn_format_spec *spec, const char *standard, uint64_t size, uint64_t start, struct mkfs *fs,
	       struct dyn_err *err)
{
	int rc;

	*fs = (struct mkfs){ .unit = spec->unit, .size = size, .start = start };
	rc = check_kind(spec->fs && spec->fs[0] ? spec->fs : standard, fs, err);
	if (!rc)
		rc = check_label(spec->label, fs, err);
	if (!rc)
		rc = check_unit(fs, err);
	if (!rc && size < 1 * (uint64_t)MIB)
		rc = wrong_size(fs, "small", "Use a volume of 1 MB at least.", err);
	if (!rc && fs->kind == MKFS_FAT)
		rc = check_fat(fs, err);
	if (!rc && fs->kind == MKFS_FAT32)
		rc = check_fat32(fs, err);
	return rc;
}

/* ------------------------------------------------------------------- makers */

struct args {
	const char *v[24];
	size_t n;
	char text[8][24];   /* numbers among them */
	size_t n_text;
};

static void add(struct args *a, const char *option, const char *value)
{
	a->v[a->n++] = option;
	if (value)
		a->v[a->n++] = value;
	a->v[a->n] = NULL;
}

static void add_number(struct args *a, const char *option, unsigned base, uint64_t value)
{
	char *t = a->text[a->n_text++];

	snprintf(t, sizeof(a->text[0]), base == 16 ? "%08llx" : "%llu", (unsigned long long)value);
	add(a, option, t);
}

/* Sectors in front of the volume, as boot sectors have it; they cannot say more than 32 bits. */
static uint64_t hidden(const struct mkfs *fs)
{
	return fs->start / SECTOR <= UINT32_MAX ? fs->start / SECTOR : 0;
}

static void ntfs_args(const struct mkfs *fs, struct args *a)
{
	add(a, "-F", NULL);
	add(a, "-Q", NULL);
	add(a, "-q", NULL);
	add_number(a, "-s", 10, SECTOR);
	add_number(a, "-H", 10, 255);
	add_number(a, "-S", 10, 63);
	add_number(a, "-p", 10, hidden(fs));
	if (fs->unit)
		add_number(a, "-c", 10, fs->unit);
	if (fs->label[0])
		add(a, "-L", fs->label);
}

static void fat_args(struct dyn_session *s, const struct mkfs *fs, struct args *a)
{
	add_number(a, "-F", 10, fs->fat_bits);
	add_number(a, "-S", 10, SECTOR);
	add(a, "-g", "255/63");
	add(a, "-M", "0xF8"); /* a hard disk, also where the size is a floppy's */
	add_number(a, "-h", 10, hidden(fs));
	add_number(a, "-i", 16, dyn_rand_u32(&s->rand));
	if (fs->fat_bits == 32)
		add_number(a, "-R", 10, 32);
	else
		add_number(a, "-r", 10, 512);
	if (fs->unit)
		add_number(a, "-s", 10, fs->unit / SECTOR);
	if (fs->label[0])
		add(a, "-n", fs->label);
}

static void exfat_args(const struct mkfs *fs, struct args *a)
{
	if (fs->unit)
		add_number(a, "-c", 10, fs->unit);
	if (fs->label[0])
		add(a, "-L", fs->label);
}

static int run_maker(struct dyn_session *s, const struct mkfs *fs, int fd, struct dyn_err *err)
{
	struct args a = { .n = 0 };
	int rc;

	add(&a, kinds[fs->kind].program, NULL);
	if (fs->kind == MKFS_NTFS)
		ntfs_args(fs, &a);
	else if (fs->kind == MKFS_EXFAT)
		exfat_args(fs, &a);
	else
		fat_args(s, fs, &a);
	add(&a, TOOL_FILE, NULL);
	rc = tool_run(a.v, kinds[fs->kind].package, fd, err);
	if (rc == -EIO)
		dyn_err_way_out(err, "Nothing was written to a disk. If room was short: TMPDIR names another folder for the work.");
	return rc;
}

/* ------------------------------------------------------------------- result */

static int wrong_result(const struct mkfs *fs, const char *what, struct dyn_err *err)
{
	return dyn_refuse(err, -EIO, "Nothing was written to a disk. Choose another unit or file system.",
			  "%s made something else than was asked for: %s", kinds[fs->kind].program, what);
}

/* Microsoft's own rule: the number of clusters says which FAT it is. */
static int check_made_fat(const struct mkfs *fs, const uint8_t *b, struct dyn_err *err)
{
	uint64_t small = bytes_le(b + 19, 2), total = small ? small : bytes_le(b + 32, 4), fat16 = bytes_le(b + 22, 2);
	uint64_t fat = fat16 ? fat16 : bytes_le(b + 36, 4), used, clusters;
	unsigned bits;

	if (bytes_le(b + 11, 2) != SECTOR || b[13] == 0 || total * SECTOR > fs->size)
		return wrong_result(fs, "its sizes are wrong", err);
	used = bytes_le(b + 14, 2) + b[16] * fat + bytes_le(b + 17, 2) * 32 / SECTOR;
	if (used >= total)
		return wrong_result(fs, "there is no room in it", err);
	clusters = (total - used) / b[13];
	bits = clusters < FAT12_MAX ? 12 : clusters < FAT16_MAX ? 16 : 32;
	if (bits != fs->fat_bits)
		return wrong_result(fs, "its number of clusters belongs to another kind of FAT", err);
	return fs->unit && fs->unit != b[13] * (uint32_t)SECTOR ? wrong_result(fs, "another allocation unit", err) : 0;
}

static int check_made(const struct mkfs *fs, int fd, struct dyn_err *err)
{
	uint8_t b[SECTOR];
	int rc = dyn_pread_full(fd, b, sizeof(b), 0);

	if (rc)
		return dyn_fail(err, rc, "the new file system cannot be read: %s", strerror(-rc));
	if (b[510] != 0x55 || b[511] != 0xaa)
		return wrong_result(fs, "it has no boot sector", err);
	if (fs->kind == MKFS_NTFS)
		return memcmp(b + 3, "NTFS    ", 8) == 0 ? 0 : wrong_result(fs, "it is no NTFS", err);
	if (fs->kind == MKFS_EXFAT)
		return memcmp(b + 3, "EXFAT   ", 8) == 0 ? 0 : wrong_result(fs, "it is no exFAT", err);
	return check_made_fat(fs, b, err);
}

/* A range of the image becomes data, as it is: zeros that are to be written. */
static int fill(int fd, uint64_t from, uint64_t to)
{
	uint8_t *b = malloc((size_t)(to - from));
	int rc = b ? dyn_pread_full(fd, b, (size_t)(to - from), from) : -ENOMEM;

	if (!rc)
		rc = temp_write(fd, from, b, (size_t)(to - from));
	free(b);
	return rc;
}

int mkfs_make(struct dyn_session *s, const struct mkfs *fs, int *fd, struct dyn_err *err)
{
	uint64_t size = fs->size, end = size < MIB ? size : MIB;
	int rc = temp_new(size, fd, err);

	if (!rc)
		rc = run_maker(s, fs, *fd, err);
	if (!rc)
		rc = check_made(fs, *fd, err);
	if (!rc) {
		rc = fill(*fd, 0, end);
		if (!rc)
			rc = fill(*fd, size - end, size);
		if (rc)
			dyn_refuse(err, rc, "Let TMPDIR name another folder.", "the new file system cannot be kept: %s", strerror(-rc));
	}
	if (rc && *fd >= 0) {
		close(*fd);
		*fd = -1;
	}
	return rc;
}
