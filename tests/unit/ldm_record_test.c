/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records, headers and the rebuild record against bytes that Windows wrote or that are built by hand here. */
#include <errno.h>

#include "base/bytes.h"
#include "ldm/rebuild.h"
#include "tests/unit/ldm_support.h"

enum { ROOM = LDM_MAX_SLOTS * LDM_VBLK_PAYLOAD };

static const struct {
	const char *hex, *name;
	enum ldm_kind kind;
	uint64_t id, tid;
} vectors[] = { /* Windows Server 2008 R2, then 2003 R2 */
	{ "000000350000004701011357494e2d455252444a5342444156462d44673024"
	  "30363439356138342d666266642d313165312d386366392d353235343030363166356462"
	  "000000000000000000000000", "WIN-ERRDJSBDAVF-Dg0", LDM_GROUP, 1, 0 },
	{ "000000340000003a010f054469736b3624"
	  "30363439356161372d666266642d313165312d386366392d353235343030363166356462"
	  "00000000000000000000000014", "Disk6", LDM_DISK, 15, 20 },
	{ "0000025100000051011007566f6c756d65330367656e0041435449564500000000000000000301030000001101020000000000000018"
	  "0000000000000000028000000000000706495aabfbfd11e18cf952540061f5db02473a", "Volume3", LDM_VOLUME, 16, 24 },
	{ "000000320000002e01110a566f6c756d65332d303106414354495645020000000001010000000000000015"
	  "0000000000000000011000", "Volume3-01", LDM_COMPONENT, 17, 21 },
	{ "000040330000002f0114084469736b362d3031000000000000000000000015000000000000005e0000000000000000"
	  "0280000113010f00", "Disk6-01", LDM_EXTENT, 20, 21 },
	{ "000010320000003201190a566f6c756d65342d303106414354495645030000000001030000000000000021"
	  "0000000000000000011800018001 03", "Volume4-01", LDM_COMPONENT, 25, 33 },
	{ "0000083500000051020401125265642d6e7a763878366f62797767446730"
	  "2430336330633466632d386236662d343032622d393433312d346265326535383233623163"
	  "00000000000000000000040404ffffffff04ffffffff", "Red-nzv8x6obywgDg0", LDM_GROUP, 1025, 1028 },
	{ "0000003400000079020403054469736b312464313763326330342d366166632d343663332d383462372d63646332663339353663"
	  "35633e534353495c4449534b2656454e5f5245445f4841542650524f445f56495254494f265245565f303030315c342633353131"
	  "30333038263026303030303030000000000000000000000426", "Disk1", LDM_DISK, 1027, 0x426 },
	{ "00002251000000560204510552616964310572616964350041435449564500000000000000000401090000001301010000000000000460"
	  "000000000000045e0302f0000000000007f8528b30cbe84ce09188e60e39afcc7202045202493a", "Raid1", LDM_VOLUME,
	  0x451, 0x460 },
};
enum { N_VECTORS = sizeof(vectors) / sizeof(vectors[0]) };

static void windows_records_round_trip(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_VECTORS; i++) {
		uint8_t b[ROOM] = { 0 }, again[ROOM];
		size_t n = unhex(vectors[i].hex, b, sizeof(b));
		struct ldm_record r;
		struct dyn_err err = { 0 };

		if (ldm_record_decode(b, sizeof(b), &r, &err) < 0)
			fail_msg("%s: %s", vectors[i].name, err.what);
		assert_string_equal(r.name, vectors[i].name);
		assert_int_equal(r.kind, vectors[i].kind);
		assert_u64(r.id, vectors[i].id);
		assert_u64(r.tid, vectors[i].tid);
		assert_int_equal(ldm_record_encode(&r, again, sizeof(again)), n);
		assert_memory_equal(again, b, n);
		assert_int_equal(ldm_record_encode(&r, again, n - 1), -EMSGSIZE);
	}
}

static void volume_fields_have_their_values(void **state)
{
	uint8_t b[ROOM] = { 0 };
	struct ldm_record r;

	(void)state;
	unhex(vectors[8].hex, b, sizeof(b));
	assert_int_equal(ldm_record_decode(b, sizeof(b), &r, NULL), 0);
	assert_string_equal(r.u.volume.type, "raid5");
	assert_memory_equal(r.u.volume.state, "ACTIVE\0\0\0\0\0\0\0", 14);
	assert_int_equal(r.u.volume.read_policy, 4);
	assert_int_equal(r.u.volume.number, 9);
	assert_int_equal(r.u.volume.vflags, 0x13);
	assert_int_equal(r.u.volume.n_components, 1);
	assert_u64(r.u.volume.second_tid, 0x45e);
	assert_u64(r.u.volume.size, 0x2f000);
	assert_int_equal(r.u.volume.part_type, 7);
	assert_u64(r.u.volume.id2, 0x452);
	assert_string_equal(r.u.volume.hint, "I:");
	unhex(vectors[5].hex, b, sizeof(b));
	assert_int_equal(ldm_record_decode(b, sizeof(b), &r, NULL), -EBADMSG); /* the longer record's tail is left */
	memset(b, 0, sizeof(b));
	unhex(vectors[5].hex, b, sizeof(b));
	assert_int_equal(ldm_record_decode(b, sizeof(b), &r, NULL), 0);
	assert_int_equal(r.u.component.layout, LDM_LAYOUT_RAID5);
	assert_u64(r.u.component.volume_id, 0x18);
	assert_u64(r.u.component.stripe_size, 128);
	assert_int_equal(r.u.component.n_columns, 3);
}

/* Every cut and every single changed byte of every vector gives a value or an error. */
static void damaged_records_are_refused_or_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_VECTORS; i++) {
		uint8_t b[ROOM], *exact;
		size_t n = unhex(vectors[i].hex, b, sizeof(b));
		struct ldm_record r;

		for (size_t cut = 0; cut < n; cut++) {
			exact = malloc(cut + 1); /* so that a sanitizer sees any read behind the end */
			memcpy(exact, b, cut);
			assert_int_equal(ldm_record_decode(exact, cut, &r, NULL), -EBADMSG);
			free(exact);
		}
		for (size_t at = 0; at < n * 255; at++) {
			uint8_t again[ROOM];
			int rc, len;

			b[at / 255] = (uint8_t)(b[at / 255] + 1);
			rc = ldm_record_decode(b, n, &r, NULL);
			assert_true(rc == 0 || rc == -EBADMSG);
			if (rc == 0) {
				len = ldm_record_encode(&r, again, sizeof(again));
				assert_true(len > 0);
				assert_int_equal(ldm_record_decode(again, (size_t)len, &r, NULL), 0);
			}
			if (at % 255 == 254)
				b[at / 255] = (uint8_t)(b[at / 255] + 1); /* all the way round */
		}
	}
}

static void refuse(const char *hex, size_t at, uint8_t value, const char *word)
{
	uint8_t b[ROOM] = { 0 };
	struct ldm_record r;
	struct dyn_err err = { 0 };

	unhex(hex, b, sizeof(b));
	b[at] = value;
	assert_int_equal(ldm_record_decode(b, sizeof(b), &r, &err), -EBADMSG);
	if (!strstr(err.what, word))
		fail_msg("'%s' does not speak of '%s'", err.what, word);
}

static void errors_name_the_field(void **state)
{
	const char *volume = vectors[2].hex, *disk = vectors[1].hex;

	(void)state;
	refuse(volume, 3, 0x60, "type");
	refuse(volume, 2, 0x06, "flags");
	refuse(volume, 1, 3, "status");
	refuse(volume, 7, 0x50, "mount hint");
	refuse(volume, 7, 0x52, "length");
	refuse(volume, 8 + 0x51, 1, "behind");
	refuse(volume, 12, 0, "name");      /* a NUL inside the name */
	refuse(volume, 8, 9, "id");         /* nine bytes of id */
	refuse(disk, 20, 'g', "GUID");
	refuse(disk, 4, 1, "fragments");
}

static void sizes_are_padded(void **state)
{
	struct ldm_record r = an_extent(1, "Disk1-01", 2, 3, 0, 0xffffffff), back;
	uint8_t b[ROOM];
	int n;

	(void)state;
	n = ldm_record_encode(&r, b, sizeof(b));
	r.u.extent.size++; /* needs a fifth byte: written as eight */
	assert_int_equal(ldm_record_encode(&r, b, sizeof(b)), n + 4);
	assert_int_equal(ldm_record_decode(b, (size_t)n + 4, &back, NULL), 0);
	assert_u64(back.u.extent.size, 1ull << 32);
	r.type = LDM_T_VOLUME;
	assert_int_equal(ldm_record_encode(&r, b, sizeof(b)), -EINVAL);
}

/* 0x44 and 0x45 are in no image at hand: bytes put together from the field list of section 5.5 and 5.6. */
static void second_revision_records(void **state)
{
	static const char disk4[] = "00000044 0000003a 0102 05 4469736b31"
				    "aabbccdd00114022803344556677889900000000000000000000000000000001"
				    "02 7878 00000004 0000000000000009";
	static const char group4[] = "00001845 0000003e 0101 05 47726f7570"
				     "aabbccdd00114022803344556677889911111111111111111111111111111111"
				     "00000000 0000000000000003 0102 0101 020100";
	uint8_t b[ROOM] = { 0 }, again[ROOM];
	struct ldm_record r;
	size_t n = unhex(disk4, b, sizeof(b));

	(void)state;
	bytes_put_be(b + 4, 4, n - 8);
	assert_int_equal(ldm_record_decode(b, sizeof(b), &r, NULL), 0);
	assert_int_equal(r.kind, LDM_DISK);
	assert_string_equal(r.u.disk.guid, "aabbccdd-0011-4022-8033-445566778899");
	assert_int_equal(r.u.disk.disk_set[15], 1);
	assert_string_equal(r.u.disk.last_device, "xx");
	assert_int_equal(r.u.disk.dflags, 4);
	assert_int_equal(ldm_record_encode(&r, again, sizeof(again)), n);
	assert_memory_equal(again, b, n);
	memset(b, 0, sizeof(b));
	n = unhex(group4, b, sizeof(b));
	bytes_put_be(b + 4, 4, n - 8);
	assert_int_equal(ldm_record_decode(b, sizeof(b), &r, NULL), 0);
	assert_int_equal(r.kind, LDM_GROUP);
	assert_int_equal(r.u.group.minors, 256);
	assert_int_equal(ldm_record_encode(&r, again, sizeof(again)), n);
	assert_memory_equal(again, b, n);
}

/* ------------------------------------------------------- headers */

static struct ldm_privhead a_privhead(void)
{
	struct ldm_privhead ph = { .major = 2, .minor = 12, .time = 0x1122334455667788, .sequence = 1,
				   .primary_ph = 2047, .secondary_ph = 1856, .bytes_per_sector = 512,
				   .public_start = 63, .public_size = 100289, .private_start = 100352,
				   .private_size = 2048, .primary_toc = 2, .secondary_toc = 2045, .n_config = 1,
				   .n_log = 1, .config_size = 1481, .log_size = 224, .tag = 0x09d96102 };

	strcpy(ph.disk_guid, "06495a84-fbfd-11e1-8cf9-52540061f5db");
	strcpy(ph.host_guid, LDM_HOST_GUID);
	strcpy(ph.group_guid, T_GROUP);
	strcpy(ph.group_name, "TESTHOST-Dg0");
	return ph;
}

static uint32_t sum(const uint8_t *b)
{
	uint32_t s = 0;

	for (int i = 0; i < 512; i++)
		s += i >= 8 && i < 12 ? 0 : b[i];
	return s;
}

static void reseal(uint8_t *b)
{
	bytes_put_be(b + 8, 4, sum(b));
}

static void privhead_lies_where_it_should(void **state)
{
	struct ldm_privhead ph = a_privhead(), back;
	uint8_t b[512];

	(void)state;
	ldm_privhead_encode(&ph, b);
	assert_memory_equal(b, "PRIVHEAD", 8);
	assert_u64(bytes_be(b + 8, 4), sum(b));
	assert_u64(bytes_be(b + 0x0c, 4), 0x0002000c);
	assert_u64(bytes_be(b + 0x18, 8), 1);
	assert_memory_equal(b + 0x30, "06495a84-fbfd-11e1-8cf9-52540061f5db\0", 37);
	assert_memory_equal(b + 0x70, LDM_HOST_GUID, 36);
	assert_memory_equal(b + 0xb0, T_GROUP, 36);
	assert_memory_equal(b + 0xf0, "TESTHOST-Dg0\0", 13);
	assert_u64(bytes_be(b + 0x10f, 4), 512);
	assert_u64(bytes_be(b + 0x11b, 8), 63);
	assert_u64(bytes_be(b + 0x12b, 8), 100352);
	assert_u64(bytes_be(b + 0x143, 8), 2045);
	assert_u64(bytes_be(b + 0x15b, 8), 224);
	assert_u64(bytes_be(b + 0x163, 4), 0x09d96102);
	assert_int_equal(ldm_privhead_decode(b, &back, NULL), 0);
	assert_memory_equal(&back, &ph, sizeof(ph));
}

static void damaged_privheads_are_refused(void **state)
{
	static const struct {
		size_t at, n;
		uint64_t value;
	} cases[] = {
		{ 0, 1, 'Q' }, { 0x0c, 2, 3 }, { 0x0e, 2, 13 }, { 0x30, 1, 'x' }, { 0x54, 1, 'a' }, { 0xb0, 1, 0 },
		{ 0xf0, 1, 0 }, { 0x10f, 4, 500 }, { 0x10f, 4, 0 }, { 0x10f, 4, 8192 }, { 0x11b, 8, 0 },
		{ 0x123, 8, 0 }, { 0x123, 8, UINT64_MAX }, { 0x123, 8, 100290 }, { 0x12b, 8, UINT64_MAX },
		{ 0x12b, 8, 70 }, { 0x133, 8, 0 }, { 0x20, 8, 2048 }, { 0x28, 8, 2048 }, { 0x13b, 8, 2048 },
		{ 0x143, 8, UINT64_MAX }, { 0x153, 8, 2048 }, { 0x153, 8, UINT64_MAX },
	};
	struct ldm_privhead ph = a_privhead(), back;
	uint8_t b[512];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ldm_privhead_encode(&ph, b);
		bytes_put_be(b + cases[i].at, cases[i].n, cases[i].value);
		assert_int_equal(ldm_privhead_decode(b, &back, NULL), -EBADMSG); /* checksum */
		reseal(b);
		assert_int_equal(ldm_privhead_decode(b, &back, NULL), -EBADMSG);
	}
}

static void toc_as_windows_wrote_it(void **state)
{
	/* 2003 R2, private sector 2: an older copy whose log region was still disabled */
	static const char hex[] = "544f43424c4f434b000008c10000000000000004 00000000000000000000000000000000"
				  "636f6e6669670000 0000 0000000000000011 00000000000005c9 0006000100000000"
				  "6c6f670000000000 0008 00000000000005da 00000000000000e0 0006000100000000";
	uint8_t b[512] = { 0 }, again[512];
	struct ldm_toc toc;

	(void)state;
	unhex(hex, b, sizeof(b));
	assert_int_equal(ldm_toc_decode(b, &toc, NULL), 0);
	assert_u64(toc.sequence, 4);
	assert_string_equal(toc.config.name, "config");
	assert_u64(toc.config.start, LDM_CONFIG_START);
	assert_u64(toc.config.size, LDM_CONFIG_SECTORS);
	assert_int_equal(toc.log.flags, 8);
	assert_u64(toc.log.start, LDM_LOG_START);
	ldm_toc_encode(&toc, again);
	assert_memory_equal(again, b, 512);
	for (size_t at = 0x24; at < 0x60; at += 4) { /* names, places, sizes */
		memcpy(again, b, 512);
		again[at] ^= 0x80;
		assert_int_equal(ldm_toc_decode(again, &toc, NULL), -EBADMSG);
	}
	memcpy(again, b, 512);
	bytes_put_be(again + 0x24 + 10, 8, 1400); /* config over log */
	reseal(again);
	assert_int_equal(ldm_toc_decode(again, &toc, NULL), -EBADMSG);
}

static void rebuild_record_round_trip(void **state)
{
	struct ldm_rebuild r = { .sequence = 7, .phase = LDM_REBUILD_VERIFY, .source_start = 128,
				 .target_start = 65664, .size = 2048, .commit_tid = 39, .done = 2048,
				 .verified = 100, .started = 1, .updated = 2, .errors = 3 },
			   back;
	static const struct { size_t at; uint8_t value; int rc; } odd[] = {
		{ 152 + 3, 0, 0 },               /* nothing odd */
		{ 152 + 3, LDM_REBUILD_RANGES + 1, -EBADMSG },
		{ 152 + 7, 1, -EBADMSG },        /* beside their number */
		{ 160 + 7, 1, -EBADMSG },        /* behind the last of them */
		{ 511, 1, -EBADMSG },
	};
	uint8_t b[512] = { 0 };

	(void)state;
	assert_int_equal(ldm_rebuild_decode(b, &back, NULL), -ENOENT);
	strcpy(r.volume_guid, T_GROUP);
	strcpy(r.source_guid, LDM_HOST_GUID);
	strcpy(r.target_guid, "06495a84-fbfd-11e1-8cf9-52540061f5db");
	ldm_rebuild_encode(&r, b);
	assert_memory_equal(b, "DYNREBLD\0\0\0\1", 12);
	assert_int_equal(ldm_rebuild_decode(b, &back, NULL), 0);
	assert_memory_equal(&back, &r, sizeof(r));
	for (size_t at = 0; at < 512; at++) {
		b[at] ^= 0x10;
		assert_int_equal(ldm_rebuild_decode(b, &back, NULL), -EBADMSG);
		b[at] ^= 0x10;
	}
	r.flags = LDM_REBUILD_PAUSED;
	r.n_bad = LDM_REBUILD_RANGES;
	for (uint64_t i = 0; i < LDM_REBUILD_RANGES; i++)
		r.bad[i] = (struct dyn_range){ i * 4096, 512 + i % 3 * 512, i % 2 };
	ldm_rebuild_encode(&r, b);
	assert_int_equal(ldm_rebuild_decode(b, &back, NULL), 0);
	assert_memory_equal(&back, &r, sizeof(r));
	r.bad[3].offset = r.bad[2].offset; /* out of order */
	ldm_rebuild_encode(&r, b);
	assert_int_equal(ldm_rebuild_decode(b, &back, NULL), -EBADMSG);
	r.n_bad = 1;
	r.bad[0] = (struct dyn_range){ r.size * 512, 512, false }; /* outside */
	ldm_rebuild_encode(&r, b);
	assert_int_equal(ldm_rebuild_decode(b, &back, NULL), -EBADMSG);
	r.bad[0] = (struct dyn_range){ (r.size + 1) * 512, 512, false }; /* far outside */
	ldm_rebuild_encode(&r, b);
	assert_int_equal(ldm_rebuild_decode(b, &back, NULL), -EBADMSG);
	r.bad[0] = (struct dyn_range){ 512, 0, false }; /* empty */
	ldm_rebuild_encode(&r, b);
	assert_int_equal(ldm_rebuild_decode(b, &back, NULL), -EBADMSG);
	r.bad[0] = (struct dyn_range){ 512, r.size * 512, false }; /* too long */
	ldm_rebuild_encode(&r, b);
	assert_int_equal(ldm_rebuild_decode(b, &back, NULL), -EBADMSG);
	r.n_bad = 0;
	r.size = UINT64_MAX / 512 + 1; /* its bytes cannot be counted */
	r.source_start = r.target_start = 0;
	ldm_rebuild_encode(&r, b);
	assert_int_equal(ldm_rebuild_decode(b, &back, NULL), -EBADMSG);
	r.size = 2048;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		uint32_t sum = 0;
		ldm_rebuild_encode(&r, b);
		b[odd[i].at] = odd[i].value;
		memset(b + 12, 0, 4);
		for (size_t k = 0; k < sizeof(b); k++)
			sum += b[k];
		bytes_put_be(b + 12, 4, sum);
		assert_int_equal(ldm_rebuild_decode(b, &back, NULL), odd[i].rc);
	}
	r.source_start = 128;
	r.target_start = 65664;
	r.flags = 4; /* of a later version */
	ldm_rebuild_encode(&r, b);
	assert_int_equal(ldm_rebuild_decode(b, &back, NULL), -EBADMSG);
	r.flags = 0;
	r.done = r.size + 1; /* well-formed, but impossible */
	ldm_rebuild_encode(&r, b);
	assert_int_equal(ldm_rebuild_decode(b, &back, NULL), -EBADMSG);
	r.done = 0;
	r.target_start = UINT64_MAX - 1;
	ldm_rebuild_encode(&r, b);
	assert_int_equal(ldm_rebuild_decode(b, &back, NULL), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows_records_round_trip),
		cmocka_unit_test(volume_fields_have_their_values),
		cmocka_unit_test(damaged_records_are_refused_or_read),
		cmocka_unit_test(errors_name_the_field),
		cmocka_unit_test(sizes_are_padded),
		cmocka_unit_test(second_revision_records),
		cmocka_unit_test(privhead_lies_where_it_should),
		cmocka_unit_test(damaged_privheads_are_refused),
		cmocka_unit_test(toc_as_windows_wrote_it),
		cmocka_unit_test(rebuild_record_round_trip),
	};
	return cmocka_run_group_tests_name("ldm_record", tests, NULL, NULL);
}
