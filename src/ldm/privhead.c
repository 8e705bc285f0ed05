/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>

#include "base/rand.h"
#include "ldm/ondisk.h"

uint32_t ldm_sum(const uint8_t *sector, size_t at)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < LDM_SECTOR; i++)
		if (i < at || i >= at + 4)
			sum += sector[i];
	return sum;
}

bool ldm_text_get(char *dst, const char *field, size_t n)
{
	size_t len = strnlen(field, n);

	memcpy(dst, field, len);
	dst[len] = '\0';
	return bytes_all_zero(field + len, n - len);
}

void ldm_text_put(char *field, size_t n, const char *text)
{
	size_t len = strlen(text);

	memset(field, 0, n);
	memcpy(field, text, len < n ? len : n);
}

bool ldm_guid_ok(const char *text)
{
	uint8_t raw[16];

	return dyn_guid_parse(text, raw) == 0;
}

bool ldm_guid_lower(const char *text)
{
	return ldm_guid_ok(text) && !strpbrk(text, "ABCDEF");
}

static bool guid_get(char dst[37], const char *field)
{
	char text[GUID_FIELD + 1];

	if (!ldm_text_get(text, field, GUID_FIELD) || !ldm_guid_ok(text))
		return false;
	memcpy(dst, text, 37);
	return true;
}

static bool texts_get(struct ldm_privhead *out, const struct disk_privhead *d)
{
	return guid_get(out->disk_guid, d->disk_guid) && guid_get(out->host_guid, d->host_guid) &&
	       guid_get(out->group_guid, d->group_guid) && ldm_text_get(out->group_name, d->group_name, NAME_FIELD) &&
	       out->group_name[0];
}

static void numbers_get(struct ldm_privhead *out, const struct disk_privhead *d)
{
	out->major = be16_get(d->major);
	out->minor = be16_get(d->minor);
	out->time = be64_get(d->time);
	out->sequence = be64_get(d->sequence);
	out->primary_ph = be64_get(d->primary_ph);
	out->secondary_ph = be64_get(d->secondary_ph);
	out->bytes_per_sector = be32_get(d->bytes_per_sector);
	out->flags = be32_get(d->flags);
	out->public_slice = be16_get(d->public_slice);
	out->private_slice = be16_get(d->private_slice);
	out->public_start = be64_get(d->public_start);
	out->public_size = be64_get(d->public_size);
	out->private_start = be64_get(d->private_start);
	out->private_size = be64_get(d->private_size);
	out->primary_toc = be64_get(d->primary_toc);
	out->secondary_toc = be64_get(d->secondary_toc);
	out->n_config = be32_get(d->n_config);
	out->n_log = be32_get(d->n_log);
	out->config_size = be64_get(d->config_size);
	out->log_size = be64_get(d->log_size);
	out->tag = be32_get(d->tag);
	memcpy(out->disk_set, d->disk_set, sizeof(out->disk_set));
}

static bool regions_ok(const struct ldm_privhead *p)
{
	uint64_t public_end, private_end, databases;

	if (add_overflows(p->public_start, p->public_size, &public_end) ||
	    add_overflows(p->private_start, p->private_size, &private_end) ||
	    add_overflows(p->config_size, p->log_size, &databases))
		return false;
	if (!p->public_start || !p->public_size || !p->private_start || !p->private_size)
		return false;
	if (p->public_start < private_end && p->private_start < public_end)
		return false;
	return p->primary_ph < p->private_size && p->secondary_ph < p->private_size &&
	       p->primary_toc < p->private_size && p->secondary_toc < p->private_size && databases < p->private_size;
}

static bool sector_size_ok(uint32_t n)
{
	return n >= 512 && n <= 4096 && (n & (n - 1)) == 0;
}

int ldm_privhead_decode(const uint8_t *b, struct ldm_privhead *out, struct dyn_err *err)
{
	const struct disk_privhead *d = (const struct disk_privhead *)b;

	memset(out, 0, sizeof(*out));
	if (memcmp(d->magic, "PRIVHEAD", sizeof(d->magic)) != 0)
		return dyn_fail(err, -EBADMSG, "no LDM header here (PRIVHEAD signature missing)");
	if (be32_get(d->checksum) != ldm_sum(b, offsetof(struct disk_privhead, checksum)))
		return dyn_fail(err, -EBADMSG, "LDM header (PRIVHEAD) has a wrong checksum");
	numbers_get(out, d);
	if (out->major != 2 || (out->minor != 11 && out->minor != 12))
		return dyn_fail(err, -EBADMSG, "LDM header (PRIVHEAD) has unknown version %u.%u", out->major,
				out->minor);
	if (!texts_get(out, d))
		return dyn_fail(err, -EBADMSG, "LDM header (PRIVHEAD) holds a damaged GUID or group name");
	if (!sector_size_ok(out->bytes_per_sector))
		return dyn_fail(err, -EBADMSG, "LDM header (PRIVHEAD) gives an impossible sector size, %u",
				out->bytes_per_sector);
	if (!regions_ok(out))
		return dyn_fail(err, -EBADMSG, "LDM header (PRIVHEAD) describes impossible regions");
	return 0;
}

void ldm_privhead_encode(const struct ldm_privhead *ph, uint8_t *b)
{
	struct disk_privhead d;

	memset(&d, 0, sizeof(d));
	memcpy(d.magic, "PRIVHEAD", sizeof(d.magic));
	d.major = be16_of(ph->major);
	d.minor = be16_of(ph->minor);
	d.time = be64_of(ph->time);
	d.sequence = be64_of(ph->sequence);
	d.primary_ph = be64_of(ph->primary_ph);
	d.secondary_ph = be64_of(ph->secondary_ph);
	ldm_text_put(d.disk_guid, GUID_FIELD, ph->disk_guid);
	ldm_text_put(d.host_guid, GUID_FIELD, ph->host_guid);
	ldm_text_put(d.group_guid, GUID_FIELD, ph->group_guid);
	ldm_text_put(d.group_name, NAME_FIELD, ph->group_name);
	d.bytes_per_sector = be32_of(ph->bytes_per_sector);
	d.flags = be32_of(ph->flags);
	d.public_slice = be16_of(ph->public_slice);
	d.private_slice = be16_of(ph->private_slice);
	d.public_start = be64_of(ph->public_start);
	d.public_size = be64_of(ph->public_size);
	d.private_start = be64_of(ph->private_start);
	d.private_size = be64_of(ph->private_size);
	d.primary_toc = be64_of(ph->primary_toc);
	d.secondary_toc = be64_of(ph->secondary_toc);
	d.n_config = be32_of(ph->n_config);
	d.n_log = be32_of(ph->n_log);
	d.config_size = be64_of(ph->config_size);
	d.log_size = be64_of(ph->log_size);
	d.tag = be32_of(ph->tag);
	memcpy(d.disk_set, ph->disk_set, sizeof(d.disk_set));
	memcpy(b, &d, sizeof(d));
	d.checksum = be32_of(ldm_sum(b, offsetof(struct disk_privhead, checksum)));
	memcpy(b, &d, sizeof(d));
}
