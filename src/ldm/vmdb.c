/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>

#include "ldm/ondisk.h"

int ldm_vmdb_decode(const uint8_t *b, struct ldm_vmdb *out, struct dyn_err *err)
{
	const struct disk_vmdb *d = (const struct disk_vmdb *)b;
	char guid[GUID_FIELD + 1];

	memset(out, 0, sizeof(*out));
	if (memcmp(d->magic, "VMDB", sizeof(d->magic)) != 0)
		return dyn_fail(err, -EBADMSG, "no LDM database here (VMDB signature missing)");
	out->n_slots = be32_get(d->n_slots);
	out->vblk_size = be32_get(d->vblk_size);
	out->header_size = be32_get(d->header_size);
	if (out->vblk_size != LDM_VBLK_SIZE || out->header_size != LDM_SECTOR || out->n_slots <= LDM_FIRST_SLOT ||
	    out->n_slots > ALL_SLOTS)
		return dyn_fail(err, -EBADMSG, "LDM database header has impossible sizes");
	out->status = be16_get(d->status);
	out->major = be16_get(d->major);
	out->minor = be16_get(d->minor);
	if (out->major != 4)
		return dyn_fail(err, -EBADMSG, "LDM database has unknown version %u.%u", out->major, out->minor);
	if (!ldm_text_get(out->group_name, d->group_name, NAME_FIELD) || !out->group_name[0] ||
	    !ldm_text_get(guid, d->group_guid, GUID_FIELD) || !ldm_guid_ok(guid))
		return dyn_fail(err, -EBADMSG, "LDM database header holds a damaged GUID or group name");
	memcpy(out->group_guid, guid, sizeof(out->group_guid));
	out->committed_tid = be64_get(d->committed_tid);
	out->pending_tid = be64_get(d->pending_tid);
	for (int i = 0; i < 4; i++) {
		out->committed[i] = be32_get(d->committed[i]);
		out->pending[i] = be32_get(d->pending[i]);
	}
	out->time = be64_get(d->time);
	return 0;
}

void ldm_vmdb_encode(const struct ldm_vmdb *v, uint8_t *b)
{
	struct disk_vmdb d;

	memset(&d, 0, sizeof(d));
	memcpy(d.magic, "VMDB", sizeof(d.magic));
	d.n_slots = be32_of(v->n_slots);
	d.vblk_size = be32_of(v->vblk_size);
	d.header_size = be32_of(v->header_size);
	d.status = be16_of(v->status);
	d.major = be16_of(v->major);
	d.minor = be16_of(v->minor);
	ldm_text_put(d.group_name, NAME_FIELD, v->group_name);
	ldm_text_put(d.group_guid, GUID_FIELD, v->group_guid);
	d.committed_tid = be64_of(v->committed_tid);
	d.pending_tid = be64_of(v->pending_tid);
	for (int i = 0; i < 4; i++) {
		d.committed[i] = be32_of(v->committed[i]);
		d.pending[i] = be32_of(v->pending[i]);
	}
	d.time = be64_of(v->time);
	memcpy(b, &d, sizeof(d));
}

void ldm_vmdb_mark_leaving(struct ldm_vmdb *v, uint64_t tid)
{
	v->status = LDM_VMDB_CHANGE;
	v->pending_tid = tid;
	memset(v->pending, 0, sizeof(v->pending));
}

bool ldm_vmdb_is_leaving(const struct ldm_vmdb *v, uint64_t tid)
{
	static const uint32_t nothing[4];

	return v->status == LDM_VMDB_CHANGE && v->pending_tid == tid && tid > v->committed_tid &&
	       memcmp(v->pending, nothing, sizeof(nothing)) == 0;
}
