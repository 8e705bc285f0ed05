/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rand.h - GUIDs and tags for new objects; repeatable when a test gives a seed. */
#ifndef DYN_BASE_RAND_H
#define DYN_BASE_RAND_H

#include <stdatomic.h>
#include <stdint.h>

/* May be used by several threads at once: the end of a rebuild makes GUIDs, too. */
struct dyn_rand {
	_Atomic uint64_t state; /* 0: use the system's randomness */
};

uint32_t dyn_rand_u32(struct dyn_rand *r); /* never 0 */
void dyn_rand_guid(struct dyn_rand *r, char text[37]); /* version 4, lower case */

/* Text GUID <-> 16 bytes in text (big-endian) order, as LDM volume records hold it. -EINVAL on bad text. */
int dyn_guid_parse(const char *text, uint8_t out[16]);
void dyn_guid_format(const uint8_t in[16], char text[37]);

/* Unix time (seconds, nanoseconds) as Windows FILETIME: 100 ns units since 1601. */
uint64_t dyn_filetime(int64_t seconds, long nanoseconds);

#endif
