/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/faults/fields.h"

#include <stdbool.h>
#include <string.h>

/*
 * Fields of a fixed place, each from where the one before ends. A record's own fields come in these shapes: fixed (n
 * bytes), variable (a length byte, then so many), and variable only when the record's flags have a bit.
 */
struct field {
	const char *name;
	int n;        /* bytes; 0: a length byte and what it counts */
	uint8_t flag; /* 0: always there */
};

static const struct field mbr_entry[] = {
	{ "MBR entry active flag", 1, 0 }, { "MBR entry first CHS", 3, 0 }, { "MBR entry type", 1, 0 },
	{ "MBR entry last CHS", 3, 0 }, { "MBR entry start", 4, 0 }, { "MBR entry size", 4, 0 }, { NULL, 0, 0 },
};
static const struct field mbr_free[] = { { "MBR free entry", 16, 0 }, { NULL, 0, 0 } };
static const struct field mbr_protective[] = {
	{ "protective MBR flag", 1, 0 }, { "protective MBR first CHS", 3, 0 }, { "protective MBR type", 1, 0 },
	{ "protective MBR last CHS", 3, 0 }, { "protective MBR start", 4, 0 }, { "protective MBR size", 4, 0 }, { NULL, 0, 0 },
};
static const struct field mbr_head[] = {
	{ "MBR boot code", 440, 0 }, { "MBR disk signature", 4, 0 }, { "MBR reserved", 2, 0 }, { NULL, 0, 0 },
};
static const struct field vmdb[] = {
	{ "database header magic", 4, 0 }, { "database header slots", 4, 0 }, { "database header slot size", 4, 0 },
	{ "database header size", 4, 0 }, { "database header status", 2, 0 }, { "database header version", 4, 0 },
	{ "database header group name", 31, 0 }, { "database header group GUID", 64, 0 },
	{ "database header committed transaction", 8, 0 }, { "database header pending transaction", 8, 0 },
	{ "database header committed counts", 16, 0 }, { "database header unused counts", 12, 0 },
	{ "database header pending counts", 16, 0 }, { "database header unused counts", 12, 0 },
	{ "database header time", 8, 0 }, { "database header unused", 512, 0 }, { NULL, 0, 0 },
};
static const struct field klog_head[] = {
	{ "log magic", 4, 0 }, { "log page transaction", 8, 0 }, { "log page sequence", 4, 0 }, { "log pages", 4, 0 },
	{ "log page index", 4, 0 }, { NULL, 0, 0 },
};
static const struct field klog_entry[] = {
	{ "log entry status", 1, 0 }, { "log entry first", 8, 0 }, { "log entry second", 8, 0 },
	{ "log entry recover sequence", 4, 0 }, { "log entry unused", 3, 0 }, { NULL, 0, 0 },
};
static const struct field klog_free[] = { { "log free entry status", 1, 0 }, { "log free entry", 23, 0 }, { NULL, 0, 0 } };
static const struct field slot_head[] = {
	{ "slot magic", 4, 0 }, { "slot number", 4, 0 }, { "slot group", 4, 0 }, { "slot fragment index", 2, 0 },
	{ "slot fragment count", 2, 0 }, { NULL, 0, 0 },
};
static const struct field slot_free[] = {
	{ "slot magic", 4, 0 }, { "slot number", 4, 0 }, { "free slot group", 4, 0 }, { "free slot fragment index", 2, 0 },
	{ "free slot fragment count", 2, 0 }, { "free slot payload", 112, 0 }, { NULL, 0, 0 },
};
static const struct field record_head[] = {
	{ "record status", 2, 0 }, { "record flags", 1, 0 }, { "record type", 1, 0 }, { "record length", 4, 0 }, { NULL, 0, 0 },
};
static const struct field volume[] = {
	{ "volume id", 0, 0 }, { "volume name", 0, 0 }, { "volume type", 0, 0 }, { "volume no-letter", 0, 0 },
	{ "volume state", 14, 0 }, { "volume read policy", 1, 0 }, { "volume number", 0, 0 }, { "volume flags", 4, 0 },
	{ "volume plexes", 0, 0 }, { "volume transaction", 8, 0 }, { "volume second transaction", 8, 0 },
	{ "volume size", 0, 0 }, { "volume reserved", 4, 0 }, { "volume partition type", 1, 0 }, { "volume GUID", 16, 0 },
	{ "volume id1", 0, 0x08 }, { "volume id2", 0, 0x20 }, { "volume column size", 0, 0x80 }, { "volume letter", 0, 0x02 },
	{ NULL, 0, 0 },
};
static const struct field plex[] = {
	{ "plex id", 0, 0 }, { "plex name", 0, 0 }, { "plex state", 0, 0 }, { "plex layout", 1, 0 }, { "plex flags", 4, 0 },
	{ "plex extents", 0, 0 }, { "plex transaction", 8, 0 }, { "plex reserved", 8, 0 }, { "plex volume", 0, 0 },
	{ "plex log subdisk", 0, 0 }, { "plex stripe size", 0, 0x10 }, { "plex columns", 0, 0x10 }, { NULL, 0, 0 },
};
static const struct field extent[] = {
	{ "extent id", 0, 0 }, { "extent name", 0, 0 }, { "extent flags", 4, 0 }, { "extent transaction", 8, 0 },
	{ "extent start", 8, 0 }, { "extent offset", 8, 0 }, { "extent size", 0, 0 }, { "extent plex", 0, 0 },
	{ "extent disk", 0, 0 }, { "extent column", 0, 0x08 }, { "extent second transaction", 8, 0x20 },
	{ "extent field 0x40", 0, 0x40 }, { "extent hidden sectors", 0, 0x02 }, { NULL, 0, 0 },
};
static const struct field disk[] = {
	{ "disk id", 0, 0 }, { "disk name", 0, 0 }, { "disk GUID", 0, 0 }, { "disk device name", 0, 0 }, { "disk flags", 4, 0 },
	{ "disk transaction", 8, 0 }, { NULL, 0, 0 },
};
static const struct field group[] = {
	{ "group id", 0, 0 }, { "group name", 0, 0 }, { "group GUID", 0, 0 }, { "group reserved", 4, 0 },
	{ "group transaction", 8, 0 }, { "group config copies", 0, 0x08 }, { "group log copies", 0, 0x08 }, { NULL, 0, 0 },
};

/* The field at byte `at` of b, and, in *from, what is left of `at` when the fields end before it. */
static const char *find(const struct field *f, const uint8_t *b, uint8_t flags, size_t *at)
{
	size_t from = 0;

	for (; f->name; f++) {
		size_t n = f->n ? (size_t)f->n : 1u + b[from];
		if (f->flag && !(flags & f->flag))
			continue;
		if (*at < from + n)
			return f->name;
		from += n;
	}
	*at -= from;
	return NULL;
}

static const struct field *record_fields(uint8_t type)
{
	switch (type) {
	case 0x51:
		return volume;
	case 0x32:
		return plex;
	case 0x33:
		return extent;
	case 0x34:
		return disk;
	default:
		return group;
	}
}

static const char *in_slot(const uint8_t *slot, size_t at)
{
	static const uint8_t none[2];
	const uint8_t *record = slot + 16;
	const char *name;

	if (memcmp(slot + 14, none, 2) == 0)
		return find(slot_free, slot, 0, &at);
	name = find(slot_head, slot, 0, &at);
	if (!name)
		name = find(record_head, record, 0, &at);
	if (!name)
		name = find(record_fields(record[3]), record + 8, record[2], &at);
	return name ? name : "record unused end";
}

static const char *in_mbr(const uint8_t *sector, size_t at)
{
	const char *name = find(mbr_head, sector, 0, &at);
	const uint8_t *e = sector + 446;

	for (int i = 0; !name && i < 4; i++, e += 16)
		name = find(e[4] == 0xee ? mbr_protective : e[4] ? mbr_entry : mbr_free, e, 0, &at);
	return name ? name : "MBR magic";
}

static const char *in_klog(const uint8_t *sector, size_t at)
{
	const char *name = find(klog_head, sector, 0, &at);
	const uint8_t *e = sector + 24;

	for (int i = 0; !name && i < 20; i++, e += 24)
		name = find(e[0] ? klog_entry : klog_free, e, 0, &at);
	return name ? name : "log page unused";
}

const char *field_name(enum sector_kind kind, const uint8_t *sector, size_t at)
{
	switch (kind) {
	case SECTOR_MBR:
		return in_mbr(sector, at);
	case SECTOR_GPT:
		return at < 92 ? "GPT header" : "GPT header reserved end";
	case SECTOR_ARRAY:
		return "GPT entries";
	case SECTOR_PRIVHEAD:
		return "PRIVHEAD";
	case SECTOR_TOC:
		return "TOC";
	case SECTOR_VMDB:
		return find(vmdb, sector, 0, &at);
	case SECTOR_VBLK:
		return in_slot(sector + at / 128 * 128, at % 128);
	default:
		return in_klog(sector, at);
	}
}
