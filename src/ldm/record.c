/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The fields of each record kind are listed once, in on-disk order; the same list decodes
 * and encodes, so the two directions cannot drift apart.
 */
#include <errno.h>

#include "base/rand.h"
#include "ldm/ondisk.h"

struct codec {
	bool encoding;
	struct cur in; /* decoding */
	uint8_t *out; /* encoding: at most cap bytes are stored, len goes on counting */
	size_t cap, len;
	const char *bad; /* first field with a value that is wrong, or that runs past the end */
};

static void spoil(struct codec *c, const char *field)
{
	if (!c->bad)
		c->bad = field;
}

static void put(struct codec *c, const void *p, size_t n)
{
	if (c->len <= c->cap && c->cap - c->len >= n)
		memcpy(c->out + c->len, p, n);
	c->len += n;
}

static void f_bytes(struct codec *c, const char *field, void *p, size_t n)
{
	if (c->encoding)
		put(c, p, n);
	else
		cur_copy(&c->in, p, n);
	if (c->in.bad)
		spoil(c, field);
}

/* fixed-size number */
static uint64_t fixed(struct codec *c, const char *field, uint64_t v, size_t n)
{
	uint8_t b[8];

	bytes_put_be(b, n, v);
	f_bytes(c, field, b, n);
	return bytes_be(b, n);
}

static void f_u8(struct codec *c, const char *field, uint8_t *v)
{
	*v = (uint8_t)fixed(c, field, *v, 1);
}
static void f_u32(struct codec *c, const char *field, uint32_t *v)
{
	*v = (uint32_t)fixed(c, field, *v, 4);
}
static void f_u64(struct codec *c, const char *field, uint64_t *v)
{
	*v = fixed(c, field, *v, 8);
}

static uint8_t bytes_needed(uint64_t v)
{
	uint8_t n = 0;

	for (; v; v >>= 8)
		n++;
	return n;
}

/* Length byte, then that many bytes, at most max of them. padded: more than 4 bytes are always written as 8. */
static uint64_t variable(struct codec *c, const char *field, uint64_t v, uint8_t max, bool padded)
{
	uint8_t n = bytes_needed(v), b[8] = { 0 };

	if (padded && n > 4)
		n = 8;
	f_u8(c, field, &n);
	if (n > max) {
		spoil(c, field);
		return 0;
	}
	bytes_put_be(b, n, v);
	f_bytes(c, field, b, n);
	return bytes_be(b, n);
}

static void f_id(struct codec *c, const char *field, uint64_t *v)
{
	*v = variable(c, field, *v, 8, false);
}
static void f_size(struct codec *c, const char *field, uint64_t *v)
{
	*v = variable(c, field, *v, 8, true);
}
static void f_count(struct codec *c, const char *field, uint32_t *v)
{
	*v = (uint32_t)variable(c, field, *v, 4, false);
}

static void f_text(struct codec *c, const char *field, char v[256])
{
	uint8_t n = c->encoding ? (uint8_t)strnlen(v, 255) : 0;

	f_u8(c, field, &n);
	f_bytes(c, field, v, n);
	v[n] = '\0';
	/* a NUL inside would cut the name short for us and for nobody else */
	if (!c->encoding && memchr(v, '\0', n))
		spoil(c, field);
}

static void f_guid_text(struct codec *c, const char *field, char v[37])
{
	char text[256];

	memset(text, 0, sizeof(text));
	if (c->encoding)
		memcpy(text, v, strnlen(v, 36));
	f_text(c, field, text);
	if (!ldm_guid_ok(text))
		spoil(c, field);
	else
		memcpy(v, text, 37);
}

static void f_guid_raw(struct codec *c, const char *field, char v[37])
{
	uint8_t raw[16] = { 0 };

	if (c->encoding && dyn_guid_parse(v, raw) != 0)
		spoil(c, field);
	f_bytes(c, field, raw, sizeof(raw));
	dyn_guid_format(raw, v);
}

static void volume_fields(struct codec *c, struct ldm_record *r)
{
	f_text(c, "type", r->u.volume.type);
	f_text(c, "drive letter", r->u.volume.no_letter);
	f_bytes(c, "state", r->u.volume.state, sizeof(r->u.volume.state));
	f_u8(c, "read policy", &r->u.volume.read_policy);
	f_count(c, "number", &r->u.volume.number);
	f_u32(c, "flags", &r->u.volume.vflags);
	f_count(c, "components", &r->u.volume.n_components);
	f_u64(c, "commit id", &r->tid);
	f_u64(c, "second id", &r->u.volume.second_tid);
	f_size(c, "size", &r->u.volume.size);
	f_u32(c, "zero", &r->u.volume.zero);
	f_u8(c, "partition type", &r->u.volume.part_type);
	f_bytes(c, "GUID", r->u.volume.guid, sizeof(r->u.volume.guid));
	if (r->flags & LDM_VF_ID1)
		f_id(c, "id1", &r->u.volume.id1);
	if (r->flags & LDM_VF_ID2)
		f_id(c, "id2", &r->u.volume.id2);
	if (r->flags & LDM_VF_COLUMN_SIZE)
		f_size(c, "column size", &r->u.volume.column_size);
	if (r->flags & LDM_VF_HINT)
		f_text(c, "mount hint", r->u.volume.hint);
}

static void component_fields(struct codec *c, struct ldm_record *r)
{
	f_text(c, "state", r->u.component.state);
	f_u8(c, "layout", &r->u.component.layout);
	f_u32(c, "flags", &r->u.component.cflags);
	f_count(c, "extents", &r->u.component.n_extents);
	f_u64(c, "commit id", &r->tid);
	f_u64(c, "zero", &r->u.component.zero);
	f_id(c, "volume id", &r->u.component.volume_id);
	f_id(c, "log subdisk", &r->u.component.log_subdisk);
	if (r->flags & LDM_CF_STRIPE) {
		f_size(c, "stripe size", &r->u.component.stripe_size);
		f_count(c, "columns", &r->u.component.n_columns);
	}
}

static void extent_fields(struct codec *c, struct ldm_record *r)
{
	f_u32(c, "flags", &r->u.extent.eflags);
	f_u64(c, "commit id", &r->tid);
	f_u64(c, "start", &r->u.extent.start);
	f_u64(c, "offset in column", &r->u.extent.column_offset);
	f_size(c, "size", &r->u.extent.size);
	f_id(c, "component id", &r->u.extent.component_id);
	f_id(c, "disk id", &r->u.extent.disk_id);
	if (r->flags & LDM_EF_COLUMN)
		f_count(c, "column", &r->u.extent.column);
	if (r->flags & LDM_EF_TID)
		f_u64(c, "second id", &r->u.extent.second_tid);
	if (r->flags & LDM_EF_UNKNOWN)
		f_count(c, "field 0x40", &r->u.extent.unknown);
	if (r->flags & LDM_EF_HIDDEN)
		f_size(c, "hidden sectors", &r->u.extent.hidden);
}

static void disk_fields(struct codec *c, struct ldm_record *r)
{
	if (r->type == LDM_T_DISK3) {
		f_guid_text(c, "GUID", r->u.disk.guid);
	} else {
		f_guid_raw(c, "GUID", r->u.disk.guid);
		f_bytes(c, "disk set GUID", r->u.disk.disk_set, sizeof(r->u.disk.disk_set));
	}
	f_text(c, "device name", r->u.disk.last_device);
	f_u32(c, "flags", &r->u.disk.dflags);
	f_u64(c, "commit id", &r->tid);
}

static void group_fields(struct codec *c, struct ldm_record *r)
{
	if (r->type == LDM_T_GROUP3) {
		f_guid_text(c, "GUID", r->u.group.guid);
	} else {
		f_guid_raw(c, "GUID", r->u.group.guid);
		f_bytes(c, "disk set GUID", r->u.group.disk_set, sizeof(r->u.group.disk_set));
	}
	f_u32(c, "zero", &r->u.group.zero);
	f_u64(c, "commit id", &r->tid);
	if (r->flags & LDM_GF_COPIES) {
		f_count(c, "config copies", &r->u.group.n_config);
		f_count(c, "log copies", &r->u.group.n_log);
	}
	if (r->flags & LDM_GF_MINORS)
		f_count(c, "minors", &r->u.group.minors);
}

static const struct {
	uint8_t type;
	enum ldm_kind kind;
	uint8_t flags; /* those we know; others announce fields we could not carry over */
	void (*fields)(struct codec *c, struct ldm_record *r);
} kinds[] = {
	{ LDM_T_VOLUME, LDM_VOLUME, LDM_VF_HINT | LDM_VF_ID1 | LDM_VF_ID2 | LDM_VF_COLUMN_SIZE, volume_fields },
	{ LDM_T_COMPONENT, LDM_COMPONENT, LDM_CF_STRIPE, component_fields },
	{ LDM_T_EXTENT, LDM_EXTENT, LDM_EF_HIDDEN | LDM_EF_COLUMN | LDM_EF_TID | LDM_EF_UNKNOWN, extent_fields },
	{ LDM_T_DISK3, LDM_DISK, 0, disk_fields },
	{ LDM_T_DISK4, LDM_DISK, 0, disk_fields },
	{ LDM_T_GROUP3, LDM_GROUP, LDM_GF_COPIES | LDM_GF_MINORS, group_fields },
	{ LDM_T_GROUP4, LDM_GROUP, LDM_GF_COPIES | LDM_GF_MINORS, group_fields },
};

static int kind_of_type(uint8_t type)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].type == type)
			return (int)i;
	return -1;
}

static void body(struct codec *c, struct ldm_record *r, int k)
{
	f_id(c, "id", &r->id);
	f_text(c, "name", r->name);
	kinds[k].fields(c, r);
}

int ldm_record_decode(const uint8_t *b, size_t n, struct ldm_record *out, struct dyn_err *err)
{
	struct cur head = cur_of(b, n);
	struct codec c = { .encoding = false };
	size_t length;
	int k;

	memset(out, 0, sizeof(*out));
	out->status = (uint16_t)cur_be(&head, 2);
	out->flags = (uint8_t)cur_be(&head, 1);
	out->type = (uint8_t)cur_be(&head, 1);
	length = cur_be(&head, 4);
	if (head.bad || length > cur_left(&head))
		return dyn_fail(err, -EBADMSG, "record length %zu does not fit its fragments", length);
	k = kind_of_type(out->type);
	if (k < 0)
		return dyn_fail(err, -EBADMSG, "unknown record type 0x%02x", out->type);
	out->kind = kinds[k].kind;
	if (out->status > LDM_STATUS_PENDING)
		return dyn_fail(err, -EBADMSG, "unknown record status %u", out->status);
	if (out->flags & ~kinds[k].flags)
		return dyn_fail(err, -EBADMSG, "unknown record flags 0x%02x", out->flags);
	c.in = cur_of(head.p, length);
	body(&c, out, k);
	if (c.bad)
		return dyn_fail(err, -EBADMSG, "record field '%s' is damaged", c.bad);
	if (cur_left(&c.in))
		return dyn_fail(err, -EBADMSG, "record length %zu, but its fields take %zu", length,
				length - cur_left(&c.in));
	if (!bytes_all_zero(head.p + length, cur_left(&head) - length))
		return dyn_fail(err, -EBADMSG, "bytes behind the record are not zero");
	return 0;
}

int ldm_record_encode(const struct ldm_record *r, uint8_t *b, size_t cap)
{
	struct ldm_record copy = *r; /* the field list takes what it could also fill */
	struct codec c = { .encoding = true, .out = b, .cap = cap };
	int k = kind_of_type(r->type);
	size_t length;

	if (k < 0 || kinds[k].kind != r->kind || (r->flags & ~kinds[k].flags) || r->status > LDM_STATUS_PENDING)
		return -EINVAL;
	fixed(&c, "status", r->status, 2);
	fixed(&c, "flags", r->flags, 1);
	fixed(&c, "type", r->type, 1);
	fixed(&c, "length", 0, 4);
	body(&c, &copy, k);
	if (c.bad)
		return -EINVAL;
	if (c.len > cap)
		return -EMSGSIZE;
	length = c.len - RECORD_HEAD;
	bytes_put_be(b + 4, 4, length);
	return (int)c.len;
}
