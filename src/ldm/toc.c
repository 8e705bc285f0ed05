/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>

#include "ldm/ondisk.h"

const uint32_t ldm_toc_slots[LDM_TOC_SLOTS] = { 1, 2, 2045, 2046 };

static bool region_get(struct ldm_toc_region *out, const struct disk_toc_region *d, const char *name)
{
	uint64_t end;

	if (!ldm_text_get(out->name, d->name, sizeof(d->name)) || strcmp(out->name, name) != 0)
		return false;
	out->flags = be16_get(d->flags);
	out->start = be64_get(d->start);
	out->size = be64_get(d->size);
	return out->size && !add_overflows(out->start, out->size, &end) && end <= LDM_PRIV_SECTORS;
}

static bool overlap(const struct ldm_toc_region *a, const struct ldm_toc_region *b)
{
	return a->start < b->start + b->size && b->start < a->start + a->size;
}

int ldm_toc_decode(const uint8_t *b, struct ldm_toc *out, struct dyn_err *err)
{
	const struct disk_toc *d = (const struct disk_toc *)b;

	memset(out, 0, sizeof(*out));
	if (memcmp(d->magic, "TOCBLOCK", sizeof(d->magic)) != 0)
		return dyn_fail(err, -EBADMSG, "no LDM table of contents here (TOCBLOCK signature missing)");
	if (be32_get(d->checksum) != ldm_sum(b, offsetof(struct disk_toc, checksum)))
		return dyn_fail(err, -EBADMSG, "LDM table of contents (TOCBLOCK) has a wrong checksum");
	out->sequence = be64_get(d->sequence);
	/* the kernel wants exactly these two, in this order, and so do we */
	if (!region_get(&out->config, &d->regions[0], "config") || !region_get(&out->log, &d->regions[1], "log") ||
	    d->regions[2].name[0] || overlap(&out->config, &out->log))
		return dyn_fail(err, -EBADMSG, "LDM table of contents (TOCBLOCK) describes impossible regions");
	return 0;
}

static void region_put(struct disk_toc_region *d, const struct ldm_toc_region *r)
{
	ldm_text_put(d->name, sizeof(d->name), r->name);
	d->flags = be16_of(r->flags);
	d->start = be64_of(r->start);
	d->size = be64_of(r->size);
	d->six = be16_of(6);
	d->copy = be16_of(1);
}

void ldm_toc_encode(const struct ldm_toc *toc, uint8_t *b)
{
	struct disk_toc d;

	memset(&d, 0, sizeof(d));
	memcpy(d.magic, "TOCBLOCK", sizeof(d.magic));
	d.sequence = be64_of(toc->sequence);
	region_put(&d.regions[0], &toc->config);
	region_put(&d.regions[1], &toc->log);
	memcpy(b, &d, sizeof(d));
	d.checksum = be32_of(ldm_sum(b, offsetof(struct disk_toc, checksum)));
	memcpy(b, &d, sizeof(d));
}
