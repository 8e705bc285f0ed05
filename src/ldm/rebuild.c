/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ldm/rebuild.h"

#include <errno.h>

#include "base/rand.h"
#include "ldm/ondisk.h"

struct disk_rebuild {
	char magic[8];
	be32 version, checksum;
	be64 sequence;
	be32 phase, flags;
	uint8_t volume_guid[16], source_guid[16], target_guid[16];
	be64 source_start, target_start, size, commit_tid, done, verified, started, updated, errors;
	be32 n_bad, zero;
	struct { be64 start, size; } bad[LDM_REBUILD_RANGES];
};
static_assert(sizeof(struct disk_rebuild) == LDM_SECTOR, "the rebuild record fills a sector");

#define KEPT_BIT (1ull << 63)

/* Sorted, apart from each other, inside the volume; what is not used is zero. */
static bool get_ranges(const struct disk_rebuild *d, struct ldm_rebuild *r)
{
	uint32_t n = be32_get(d->n_bad);
	uint64_t at = 0;

	if (n > LDM_REBUILD_RANGES || be32_get(d->zero) || r->size > UINT64_MAX / LDM_SECTOR ||
	    !bytes_all_zero(d->bad + n, (LDM_REBUILD_RANGES - n) * sizeof(d->bad[0])))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t start = be64_get(d->bad[i].start), size = be64_get(d->bad[i].size);
		bool kept = size & KEPT_BIT;

		size &= ~KEPT_BIT;
		if (start < at || !size || start > r->size || size > r->size - start)
			return false;
		at = start + size;
		r->bad[i] = (struct dyn_range){ start * LDM_SECTOR, size * LDM_SECTOR, kept };
	}
	r->n_bad = n;
	return true;
}

static bool positions_ok(const struct ldm_rebuild *r)
{
	uint64_t end;

	return r->size && r->done <= r->size && r->verified <= r->size &&
	       !add_overflows(r->source_start, r->size, &end) && !add_overflows(r->target_start, r->size, &end);
}

int ldm_rebuild_decode(const uint8_t *b, struct ldm_rebuild *out, struct dyn_err *err)
{
	const struct disk_rebuild *d = (const struct disk_rebuild *)b;
	uint32_t phase = be32_get(d->phase);

	memset(out, 0, sizeof(*out));
	if (bytes_all_zero(b, LDM_SECTOR))
		return -ENOENT;
	if (memcmp(d->magic, "DYNREBLD", sizeof(d->magic)) != 0)
		return dyn_fail(err, -EBADMSG, "a rebuild record was expected, something else is there");
	if (be32_get(d->checksum) != ldm_sum(b, offsetof(struct disk_rebuild, checksum)))
		return dyn_fail(err, -EBADMSG, "the rebuild record has a wrong checksum");
	out->sequence = be64_get(d->sequence);
	out->flags = be32_get(d->flags);
	dyn_guid_format(d->volume_guid, out->volume_guid);
	dyn_guid_format(d->source_guid, out->source_guid);
	dyn_guid_format(d->target_guid, out->target_guid);
	out->source_start = be64_get(d->source_start);
	out->target_start = be64_get(d->target_start);
	out->size = be64_get(d->size);
	out->commit_tid = be64_get(d->commit_tid);
	out->done = be64_get(d->done);
	out->verified = be64_get(d->verified);
	out->started = be64_get(d->started);
	out->updated = be64_get(d->updated);
	out->errors = be64_get(d->errors);
	if (be32_get(d->version) != 1 || out->flags & ~(uint32_t)(LDM_REBUILD_PAUSED | LDM_REBUILD_ENDED))
		return dyn_refuse(err, -EBADMSG, "Use the version of dynadisk that wrote it.",
				  "the rebuild record is of a kind this version does not know");
	if ((phase != LDM_REBUILD_COPY && phase != LDM_REBUILD_VERIFY) || !positions_ok(out) ||
	    !get_ranges(d, out))
		return dyn_fail(err, -EBADMSG, "the rebuild record holds impossible positions");
	out->phase = (enum ldm_rebuild_phase)phase;
	return 0;
}

void ldm_rebuild_encode(const struct ldm_rebuild *r, uint8_t *b)
{
	struct disk_rebuild d;

	memset(&d, 0, sizeof(d));
	memcpy(d.magic, "DYNREBLD", sizeof(d.magic));
	d.version = be32_of(1);
	d.sequence = be64_of(r->sequence);
	d.phase = be32_of((uint32_t)r->phase);
	d.flags = be32_of(r->flags);
	/* the texts come from decoded headers and records, which hold valid GUIDs only */
	(void)dyn_guid_parse(r->volume_guid, d.volume_guid);
	(void)dyn_guid_parse(r->source_guid, d.source_guid);
	(void)dyn_guid_parse(r->target_guid, d.target_guid);
	d.source_start = be64_of(r->source_start);
	d.target_start = be64_of(r->target_start);
	d.size = be64_of(r->size);
	d.commit_tid = be64_of(r->commit_tid);
	d.done = be64_of(r->done);
	d.verified = be64_of(r->verified);
	d.started = be64_of(r->started);
	d.updated = be64_of(r->updated);
	d.errors = be64_of(r->errors);
	d.n_bad = be32_of((uint32_t)r->n_bad);
	for (size_t i = 0; i < r->n_bad; i++) {
		d.bad[i].start = be64_of(r->bad[i].offset / LDM_SECTOR);
		d.bad[i].size = be64_of(r->bad[i].size / LDM_SECTOR | (r->bad[i].kept ? KEPT_BIT : 0));
	}
	memcpy(b, &d, sizeof(d));
	d.checksum = be32_of(ldm_sum(b, offsetof(struct disk_rebuild, checksum)));
	memcpy(b, &d, sizeof(d));
}
