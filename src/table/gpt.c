/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gpt.c - which copy of a GPT is good. libfdisk uses the good one silently or says so in
 * prose; people must be told which sector is bad. UEFI 2.10, 5.3.2 (header), 5.3.3 (entries).
 */
#include <string.h>

#include "base/bytes.h"
#include "table/priv.h"

enum { HEADER_MIN = 92, ENTRIES_MAX = 1024, ENTRY_MIN = 128, ENTRY_MAX = 4096, PIECE = 16 /* sectors */ };

/*
 * CRC-32 (IEEE 802.3, reflected), four bytes at a time: t[k][x] is what nibble x of a word becomes after k more of zeros.
 * Only t[0] is written down, the others follow from it; a scan sums two 16 KiB arrays of every disk.
 */
static uint32_t crc32_add(uint32_t crc, const uint8_t *p, size_t n)
{
	uint32_t t[8][16] = { {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	} };

	for (size_t k = 1; k < 8; k++)
		for (size_t x = 0; x < 16; x++)
			t[k][x] = t[k - 1][x] >> 4 ^ t[0][t[k - 1][x] & 15];
	for (; n >= 4; p += 4, n -= 4) {
		crc ^= (uint32_t)bytes_le(p, 4);
		crc = t[7][crc & 15] ^ t[6][crc >> 4 & 15] ^ t[5][crc >> 8 & 15] ^ t[4][crc >> 12 & 15] ^
		      t[3][crc >> 16 & 15] ^ t[2][crc >> 20 & 15] ^ t[1][crc >> 24 & 15] ^ t[0][crc >> 28];
	}
	for (; n > 0; p++, n--) {
		crc ^= *p;
		crc = crc >> 4 ^ t[0][crc & 15];
		crc = crc >> 4 ^ t[0][crc & 15];
	}
	return crc;
}

static uint32_t header_crc(const uint8_t *h, uint32_t header_size)
{
	static const uint8_t zero[4];
	uint32_t crc = crc32_add(~0u, h, 16);

	crc = crc32_add(crc, zero, 4);
	return ~crc32_add(crc, h + 20, header_size - 20);
}

void gpt_seal(uint8_t *h)
{
	bytes_put_le(h + 16, 4, header_crc(h, (uint32_t)bytes_le(h + 12, 4)));
}

/* Without memory of its own: want of it must not pass for damage. */
static bool array_crc_ok(const struct sectmap *map, const struct gpt_copy *c)
{
	uint64_t bytes = (uint64_t)c->n_entries * c->entry_size, unit = c->array * table_units(map);
	uint32_t n = (uint32_t)((bytes + TABLE_UNIT - 1) / TABLE_UNIT);
	uint8_t some[PIECE * TABLE_UNIT];
	uint32_t crc = ~0u;

	if (c->array >= table_disk_sectors(map) || n > map->total_sectors - unit)
		return false;
	for (uint32_t at = 0, k; at < n; at += k) {
		k = n - at < PIECE ? n - at : PIECE;
		if (sectmap_get(map, unit + at, k, some))
			return false;
		crc = crc32_add(crc, some, bytes < sizeof(some) ? (size_t)bytes : sizeof(some));
		bytes -= bytes < sizeof(some) ? bytes : sizeof(some);
	}
	return ~crc == c->array_crc;
}

void gpt_examine(const struct sectmap *map, uint64_t lba, struct gpt_copy *out)
{
	uint64_t disk = table_disk_sectors(map);
	uint8_t h[TABLE_UNIT];
	uint32_t size;

	*out = (struct gpt_copy){ .lba = lba };
	if (lba >= disk || sectmap_get(map, lba * table_units(map), 1, h))
		return;
	out->present = memcmp(h, "EFI PART", 8) == 0;
	size = (uint32_t)bytes_le(h + 12, 4);
	if (!out->present || size < HEADER_MIN || size > TABLE_UNIT || header_crc(h, size) != (uint32_t)bytes_le(h + 16, 4))
		return;
	out->other = bytes_le(h + 32, 8);
	out->first_usable = bytes_le(h + 40, 8);
	out->last_usable = bytes_le(h + 48, 8);
	memcpy(out->guid, h + 56, 16);
	out->array = bytes_le(h + 72, 8);
	out->n_entries = (uint32_t)bytes_le(h + 80, 4);
	out->entry_size = (uint32_t)bytes_le(h + 84, 4);
	out->array_crc = (uint32_t)bytes_le(h + 88, 4);
	out->header_ok = bytes_le(h + 24, 8) == lba && out->n_entries > 0 && out->n_entries <= ENTRIES_MAX &&
			 out->entry_size >= ENTRY_MIN && out->entry_size <= ENTRY_MAX &&
			 out->first_usable <= out->last_usable && out->last_usable < disk &&
			 (lba != 1 || out->other > out->last_usable);
	out->array_ok = out->header_ok && array_crc_ok(map, out);
}

bool gpt_same(const struct gpt_copy *a, const struct gpt_copy *b)
{
	return gpt_usable(a) && gpt_usable(b) && a->array_crc == b->array_crc && memcmp(a->guid, b->guid, 16) == 0 &&
	       a->first_usable == b->first_usable && a->last_usable == b->last_usable;
}
