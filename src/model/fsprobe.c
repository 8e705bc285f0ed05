/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fsprobe.c - label and file system of a volume, by libblkid. It wants a device; it gets a
 * sparse memfd of the volume's size with the few pieces its probers look at, read through
 * the volume's own mapping, so that striped, spanned and degraded volumes answer as well.
 */
#include "config.h"

#include <blkid.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "model/ntfs.h"
#include "model/scan.h"
#include "model/volio.h"

enum {
	HEAD = 68 * 1024,     /* btrfs has its super block at 64 KiB */
	TAIL = 128 * 1024,    /* md 0.90: in the last 64 KiB that begin at a multiple of 64 KiB */
	PIECE_MAX = 32 * 1024,
};

struct pieces {
	const struct volio *io;
	int fd;
	uint8_t *buf;         /* HEAD or TAIL bytes, whichever is more */
};

/* Copies [off, off + n) of the volume, as far as it goes. Outside of the volume there is nothing to copy. */
static int piece(struct pieces *p, uint64_t off, uint64_t n)
{
	uint64_t size = p->io->v->size;
	int rc;

	if (off >= size)
		return 0;
	if (n > size - off)
		n = size - off;
	if (n > TAIL)
		n = TAIL;
	rc = volio_read(p->io, off, p->buf, (size_t)n);
	if (!rc && pwrite(p->fd, p->buf, (size_t)n, (off_t)off) != (ssize_t)n)
		rc = -ENOMEM;
	return rc;
}

/* The first records of the MFT: the volume's name is in record 3, $Volume. */
static void ntfs_pieces(struct pieces *p, const uint8_t *b)
{
	uint64_t cluster = bytes_le(b + 11, 2) * (b[13] <= 128 ? b[13] : 1ull << ((256 - b[13]) & 31)), at;
	int8_t code = (int8_t)b[64];
	uint64_t record = code > 0 ? (uint64_t)code * cluster : 1ull << (-code & 31);

	if (record > PIECE_MAX / 4 || mul_overflows(bytes_le(b + 48, 8), cluster, &at))
		return;
	piece(p, at, 4 * record);
}

static void fat_pieces(struct pieces *p, const uint8_t *b)
{
	uint64_t sector = bytes_le(b + 11, 2), cluster = sector * b[13], reserved = bytes_le(b + 14, 2) * sector;
	uint64_t fat16 = bytes_le(b + 22, 2), fat = (fat16 ? fat16 : bytes_le(b + 36, 4)) * sector;
	uint64_t data = reserved + b[16] * fat, root = bytes_le(b + 44, 4);

	piece(p, reserved, 4096);
	if (fat16) {
		piece(p, data, bytes_le(b + 17, 2) * 32);
	} else if (root >= 2) {
		piece(p, (reserved + root * 4) / 4096 * 4096, 4096);
		piece(p, data + (root - 2) * cluster, cluster < PIECE_MAX ? cluster : PIECE_MAX);
	}
}

static void exfat_pieces(struct pieces *p, const uint8_t *b)
{
	unsigned sector = b[108], cluster = b[109];
	uint64_t fat = bytes_le(b + 80, 4), heap = bytes_le(b + 88, 4), root = bytes_le(b + 96, 4);

	if (sector < 9 || sector > 12 || cluster > 25 - sector || root < 2)
		return;
	piece(p, ((fat << sector) + root * 4) / 4096 * 4096, 4096);
	piece(p, (heap + ((root - 2) << cluster)) << sector, PIECE_MAX);
}

/* An error of the disk when not even the start can be read. */
static int fill(struct pieces *p, bool partition)
{
	uint8_t boot[512] = { 0 };
	uint64_t size = p->io->v->size;
	int rc = size >= sizeof(boot) ? piece(p, 0, HEAD) : -ERANGE;

	if (rc)
		return rc;
	memcpy(boot, p->buf, sizeof(boot));
	/* md and others that live at the end make no sense inside LDM */
	if (partition && size > HEAD + TAIL)
		piece(p, (size - 65536) / 65536 * 65536, TAIL);
	if (memcmp(boot + 3, "NTFS    ", 8) == 0)
		ntfs_pieces(p, boot);
	else if (memcmp(boot + 3, "EXFAT   ", 8) == 0)
		exfat_pieces(p, boot);
	else if (boot[510] == 0x55 && boot[511] == 0xaa && bytes_le(boot + 14, 2) && boot[16] && boot[16] <= 4)
		fat_pieces(p, boot);
	return 0;
}

/* Windows' spelling where Windows has one. */
static const char *spelling(struct pool *pool, blkid_probe pr, const char *type)
{
	const char *version = "";

	if (strcmp(type, "ntfs") == 0)
		return "NTFS";
	if (strcmp(type, "exfat") == 0)
		return "exFAT";
	if (strcmp(type, "vfat") == 0)
		return blkid_probe_lookup_value(pr, "VERSION", &version, NULL) == 0 && strcmp(version, "FAT32") == 0 ? "FAT32" :
														       "FAT";
	return pool_clean(pool, type, strlen(type));
}

static void ask_blkid(struct pool *pool, int fd, struct dyn_volume *v)
{
	static const char *const wanted[] = { "ntfs", "vfat", "exfat", "ReFS", "BitLocker", "ext2", "ext3", "ext4", "xfs", "btrfs",
					      "swap", "udf", "iso9660", "crypto_LUKS", "LVM2_member", "linux_raid_member", NULL };
	blkid_probe pr = blkid_new_probe();
	const char *type = NULL, *label = NULL;
	char *names[sizeof(wanted) / sizeof(wanted[0])];
	int rc;

	memcpy(names, wanted, sizeof(names)); /* libblkid takes them without const and only reads them */
	if (!pr || blkid_probe_set_device(pr, fd, 0, 0))
		goto out;
	blkid_probe_enable_superblocks(pr, 1);
	blkid_probe_set_superblocks_flags(pr, BLKID_SUBLKS_LABEL | BLKID_SUBLKS_TYPE | BLKID_SUBLKS_VERSION);
	blkid_probe_filter_superblocks_type(pr, BLKID_FLTR_ONLYIN, names);
	rc = blkid_do_safeprobe(pr);
	if (rc == -2) { /* two answers: the first is better than none */
		blkid_reset_probe(pr);
		rc = blkid_do_probe(pr);
	}
	if (rc || blkid_probe_lookup_value(pr, "TYPE", &type, NULL))
		goto out;
	v->fs = spelling(pool, pr, type);
	if (blkid_probe_lookup_value(pr, "LABEL", &label, NULL) == 0)
		v->label = pool_clean(pool, label, strlen(label));
out:
	blkid_free_probe(pr);
}

/* libblkid wants to see the metadata far inside, too; the boot sector is enough to know whose volume it is. */
static bool is_bitlocker(const struct volio *io)
{
	uint8_t boot[512];

	return volio_read(io, 0, boot, sizeof(boot)) == 0 && memcmp(boot + 3, "-FVE-FS-", 8) == 0;
}

/* That its file system is not known is no reason to call a volume sound. Where a disk is missing that has been said, and
 * so has what is wrong with a partition over its own table (which is not read as a volume). */
static void say_unread(struct scan *s, const struct volio *io, int rc)
{
	const struct dyn_extent *e = io->plex->n_extents ? &io->plex->extents[0] : NULL;

	if (rc == -ENOMEM || rc == -ERANGE || rc == -EBADMSG || !e || e->disk == DYN_NONE || !io->ios[e->disk] || e->offset == 0)
		return;
	scan_note(s, &s->disks[e->disk], "The first sectors of a volume on it cannot be read (from byte %llu): %s",
		  (unsigned long long)e->offset, strerror(-rc));
}

static void probe_volume(struct scan *s, struct dyn_volume *v, struct dyn_io *const *ios)
{
	struct volio io;
	struct pieces p = { .io = &io, .fd = -1 };
	int rc;

	if (volio_init(&io, v, ios))
		return;
	p.buf = malloc(TAIL);
	p.fd = memfd_create("dynadisk-volume", MFD_CLOEXEC);
	rc = p.buf && p.fd >= 0 && ftruncate(p.fd, (off_t)v->size) == 0 ? fill(&p, v->layout == DYN_LAYOUT_PARTITION) : -ENOMEM;
	if (!p.buf)
		s->pool->failed = true;
	if (rc) {
		say_unread(s, &io, rc);
	} else {
		v->fs = "RAW";
		ask_blkid(s->pool, p.fd, v);
		if (strcmp(v->fs, "RAW") == 0 && is_bitlocker(&io))
			v->fs = "BitLocker";
		v->hibernated = strcmp(v->fs, "NTFS") == 0 && ntfs_hibernated(&io);
	}
	if (p.fd >= 0)
		close(p.fd);
	free(p.buf);
}

void scan_file_systems(struct scan *s)
{
	struct dyn_io **ios = calloc(s->n_disks + 1, sizeof(*ios));

	if (!ios) {
		s->pool->failed = true;
		return;
	}
	for (size_t i = 0; i < s->n_disks; i++)
		ios[i] = s->disks[i].io;
	for (size_t i = 0; i < s->n_volumes; i++)
		if (s->volumes[i].pub.size <= INT64_MAX)
			probe_volume(s, &s->volumes[i].pub, ios);
	free(ios);
}
