/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/sectmap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum { SECTOR = 512 };

int sectmap_new(uint64_t total_sectors, uint32_t sector_size, struct sectmap **out)
{
	struct sectmap *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->total_sectors = total_sectors;
	m->sector_size = sector_size;
	*out = m;
	return 0;
}

void sectmap_free(struct sectmap *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n; i++)
		free(m->runs[i].bytes);
	free(m->runs);
	free(m);
}

int sectmap_clone(const struct sectmap *m, struct sectmap **out)
{
	struct sectmap *c = NULL;
	int rc = sectmap_new(m->total_sectors, m->sector_size, &c);

	for (size_t i = 0; !rc && i < m->n; i++)
		rc = sectmap_put(c, m->runs[i].sector, m->runs[i].n_sectors, m->runs[i].bytes);
	if (rc == 0)
		*out = c;
	else
		sectmap_free(c);
	return rc;
}

/* Index of the first run that ends after `sector`. */
static size_t first_run(const struct sectmap *m, uint64_t sector)
{
	size_t lo = 0, hi = m->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (m->runs[mid].sector + m->runs[mid].n_sectors <= sector)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int insert_run(struct sectmap *m, size_t at, uint64_t sector, uint32_t n, const uint8_t *bytes)
{
	struct sectmap_run *runs = realloc(m->runs, (m->n + 1) * sizeof(*runs));
	uint8_t *copy = malloc((size_t)n * SECTOR);

	if (runs)
		m->runs = runs;
	if (!runs || !copy) {
		free(copy);
		return -ENOMEM;
	}
	memcpy(copy, bytes, (size_t)n * SECTOR);
	memmove(runs + at + 1, runs + at, (m->n - at) * sizeof(*runs));
	runs[at] = (struct sectmap_run){ sector, n, copy };
	m->n++;
	return 0;
}

static int in_range(const struct sectmap *m, uint64_t sector, uint32_t n)
{
	uint64_t end;

	return add_overflows(sector, n, &end) || end > m->total_sectors ? -ERANGE : 0;
}

int sectmap_put(struct sectmap *m, uint64_t sector, uint32_t n, const void *bytes)
{
	const uint8_t *src = bytes;
	int rc = in_range(m, sector, n);

	/* Overwrite where runs exist, insert new runs into the gaps between them. */
	for (size_t i = first_run(m, sector); !rc && n > 0; i++) {
		struct sectmap_run *r = i < m->n ? &m->runs[i] : NULL;
		uint32_t k = n;
		if (r && r->sector <= sector) {
			uint64_t in_run = sector - r->sector;
			if (k > r->n_sectors - in_run)
				k = (uint32_t)(r->n_sectors - in_run);
			memcpy(r->bytes + in_run * SECTOR, src, (size_t)k * SECTOR);
		} else {
			if (r && k > r->sector - sector)
				k = (uint32_t)(r->sector - sector);
			rc = insert_run(m, i, sector, k, src);
		}
		sector += k;
		src += (size_t)k * SECTOR;
		n -= k;
	}
	return rc;
}

int sectmap_get(const struct sectmap *m, uint64_t sector, uint32_t n, void *bytes)
{
	int rc = in_range(m, sector, n);

	if (rc)
		return rc;
	memset(bytes, 0, (size_t)n * SECTOR);
	for (size_t i = first_run(m, sector); i < m->n && m->runs[i].sector < sector + n; i++) {
		const struct sectmap_run *r = &m->runs[i];
		uint64_t from = r->sector > sector ? r->sector : sector;
		uint64_t to = r->sector + r->n_sectors < sector + n ? r->sector + r->n_sectors : sector + n;
		memcpy((uint8_t *)bytes + (from - sector) * SECTOR, r->bytes + (from - r->sector) * SECTOR,
		       (size_t)(to - from) * SECTOR);
	}
	return 0;
}

bool sectmap_has(const struct sectmap *m, uint64_t sector, uint32_t n)
{
	uint64_t at = sector, end = sector + n;

	if (in_range(m, sector, n))
		return false;
	for (size_t i = first_run(m, at); i < m->n && at < end && m->runs[i].sector <= at; i++)
		at = m->runs[i].sector + m->runs[i].n_sectors;
	return at >= end;
}
