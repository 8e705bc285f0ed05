/* SPDX-License-Identifier: GPL-3.0-or-later */
/* volio.h - reading a volume's bytes through its plexes, whatever its layout. Never writes. */
#ifndef DYN_MODEL_VOLIO_H
#define DYN_MODEL_VOLIO_H

#include "base/io.h"
#include "dynadisk.h"

struct volio {
	const struct dyn_volume *v;
	const struct dyn_plex *plex; /* the one that is read: the first good one */
	size_t n_columns;
	struct dyn_io *const *ios;   /* by disk index; NULL entries are missing */
};

/* -EIO when no plex can give the data (RAID-5 does with one column lost), -EBADMSG when its geometry is absurd. */
int volio_init(struct volio *io, const struct dyn_volume *v, struct dyn_io *const *ios);
/* Exactly n bytes from byte off of the volume. -ERANGE outside of it, -EIO, -EBADMSG for a hole in the mapping. */
int volio_read(const struct volio *io, uint64_t off, void *buf, size_t n);

#endif
