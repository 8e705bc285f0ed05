/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "ldm/ldm.h"
#include "ldm/ondisk.h"

uint32_t ldm_db_free_volume_number(const struct ldm_db *db)
{
	const struct ldm_record *r = NULL;
	bool used[256] = { false };

	while ((r = ldm_db_next(db, LDM_VOLUME, r)))
		if (r->u.volume.number < 256)
			used[r->u.volume.number] = true;
	for (uint32_t n = 1; n < 256; n++)
		if (!used[n])
			return n;
	return 0;
}

static void compose(enum ldm_kind kind, const char *parent, unsigned n, char dst[64])
{
	if (kind == LDM_VOLUME)
		snprintf(dst, 64, "Volume%u", n);
	else if (kind == LDM_DISK)
		snprintf(dst, 64, "Disk%u", n);
	else
		snprintf(dst, 64, "%.50s-%02u", parent ? parent : "", n);
}

/* The number at the end of name, 0 when there is none worth looking at. */
static unsigned number_of(const char *name)
{
	size_t end = strlen(name), at = end;
	unsigned n = 0;

	while (at > 0 && name[at - 1] >= '0' && name[at - 1] <= '9')
		at--;
	if (end - at > 5)
		at = end - 5; /* no more than 5920 records exist, so larger numbers are never the lowest free one */
	for (; at < end; at++)
		n = n * 10 + (unsigned)(name[at] - '0');
	return n;
}

void ldm_db_new_name(const struct ldm_db *db, enum ldm_kind kind, const char *parent, char dst[64])
{
	const struct ldm_record *r = NULL;
	bool used[ALL_SLOTS + 2] = { false };
	unsigned n = 1;

	/* n records can take at most the first n names, so the lowest free one is among the first n + 1 */
	while ((r = ldm_db_next(db, kind, r))) {
		unsigned k = number_of(r->name);
		if (k > ALL_SLOTS)
			continue;
		compose(kind, parent, k, dst);
		if (strcasecmp(dst, r->name) == 0)
			used[k] = true;
	}
	while (used[n])
		n++;
	compose(kind, parent, n, dst);
}
