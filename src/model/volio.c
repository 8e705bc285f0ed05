/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * volio.c - from a byte of a volume to a byte of a disk. Concatenated plexes run through
 * their extents; stripes go round the columns; RAID-5 is left-symmetric as in Linux md: the
 * parity of row r lies in column n-1 - r mod n, the data begins in the column behind it.
 */
#include "model/volio.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum { COLUMNS_MAX = 32 };

static bool striped(const struct dyn_volume *v)
{
	return v->layout == DYN_LAYOUT_STRIPED || v->layout == DYN_LAYOUT_RAID5;
}

/* Columns 0..n-1 must all be there for the arithmetic below. Extents are sorted by column. */
static size_t count_columns(const struct dyn_plex *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_extents; i++) {
		if (p->extents[i].column == n)
			n++;
		else if (p->extents[i].column + 1 != n)
			return 0;
	}
	return n;
}

int volio_init(struct volio *io, const struct dyn_volume *v, struct dyn_io *const *ios)
{
	*io = (struct volio){ .v = v, .ios = ios };
	for (size_t i = 0; i < v->n_plexes && !io->plex; i++)
		if (v->plexes[i].status == DYN_PLEX_OK)
			io->plex = &v->plexes[i];
	for (size_t i = 0; i < v->n_plexes && !io->plex; i++)
		if (v->plexes[i].status == DYN_PLEX_STALE || (v->layout == DYN_LAYOUT_RAID5 && v->plexes[i].n_extents))
			io->plex = &v->plexes[i];
	if (!io->plex)
		return -EIO;
	if (!striped(v))
		return 0;
	io->n_columns = count_columns(io->plex);
	if (io->n_columns < 2 || io->n_columns > COLUMNS_MAX || v->stripe_size < 512 ||
	    (v->layout == DYN_LAYOUT_RAID5 && io->n_columns < 3))
		return -EBADMSG;
	return 0;
}

/* The extent that holds byte off of a column (or of a concatenated plex), and how far it goes. */
static const struct dyn_extent *find_extent(const struct volio *io, size_t column, uint64_t off, uint64_t *left)
{
	for (size_t i = 0; i < io->plex->n_extents; i++) {
		const struct dyn_extent *e = &io->plex->extents[i];
		if ((io->n_columns && e->column != column) || off < e->volume_offset || off - e->volume_offset >= e->size)
			continue;
		*left = e->size - (off - e->volume_offset);
		return e;
	}
	return NULL;
}

static int read_column(const struct volio *io, size_t column, uint64_t off, uint8_t *buf, size_t n)
{
	while (n > 0) {
		uint64_t left;
		const struct dyn_extent *e = find_extent(io, column, off, &left);
		size_t k;
		int rc;
		if (!e)
			return -EBADMSG;
		k = left < n ? (size_t)left : n;
		if (e->disk == DYN_NONE || !io->ios[e->disk] || e->offset == 0)
			return -EIO;
		rc = dyn_io_read(io->ios[e->disk], e->offset + (off - e->volume_offset), buf, k);
		if (rc)
			return rc;
		off += k;
		buf += k;
		n -= k;
	}
	return 0;
}

/* A lost column of RAID-5 is the exclusive or of the others. */
static int rebuild_column(const struct volio *io, size_t lost, uint64_t off, uint8_t *buf, size_t n)
{
	uint8_t *other = malloc(n);
	int rc = other ? 0 : -ENOMEM;

	memset(buf, 0, n);
	for (size_t c = 0; !rc && c < io->n_columns; c++) {
		if (c == lost)
			continue;
		rc = read_column(io, c, off, other, n);
		for (size_t i = 0; !rc && i < n; i++)
			buf[i] ^= other[i];
	}
	free(other);
	return rc;
}

static int read_stripe(const struct volio *io, uint64_t off, uint8_t *buf, size_t n)
{
	uint64_t stripe = off / io->v->stripe_size, in = off % io->v->stripe_size;
	bool raid5 = io->v->layout == DYN_LAYOUT_RAID5;
	uint64_t data = io->n_columns - (raid5 ? 1 : 0), row = stripe / data, column = stripe % data, at;
	int rc;

	if (raid5) {
		uint64_t parity = io->n_columns - 1 - row % io->n_columns;
		column = (parity + 1 + column) % io->n_columns;
	}
	if (mul_overflows(row, io->v->stripe_size, &at) || add_overflows(at, in, &at))
		return -ERANGE;
	rc = read_column(io, (size_t)column, at, buf, n);
	if (rc == -EIO && raid5)
		rc = rebuild_column(io, (size_t)column, at, buf, n);
	return rc;
}

int volio_read(const struct volio *io, uint64_t off, void *buf, size_t n)
{
	uint8_t *p = buf;
	uint64_t end;
	int rc = 0;

	if (add_overflows(off, n, &end) || end > io->v->size)
		return -ERANGE;
	if (!io->n_columns)
		return read_column(io, 0, off, p, n);
	while (!rc && n > 0) {
		uint64_t left = io->v->stripe_size - off % io->v->stripe_size;
		size_t k = left < n ? (size_t)left : n;
		rc = read_stripe(io, off, p, k);
		off += k;
		p += k;
		n -= k;
	}
	return rc;
}
