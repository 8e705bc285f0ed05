/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/rand.h"
#include "base/ranges.h"
#include "base/sectmap.h"
#include "dynadisk.h"

static void cursor_stops_at_its_end(void **state)
{
	const uint8_t b[] = { 1, 2, 3 };
	struct cur c = cur_of(b, sizeof(b));

	(void)state;
	assert_u64(cur_be(&c, 2), 0x0102);
	assert_u64(cur_be(&c, 2), 0);
	assert_true(c.bad);
	assert_u64(cur_be(&c, 1), 0); /* bad stays bad */
}

static void sectmap_overlays(void **state)
{
	struct sectmap *m, *c;
	uint8_t b[4 * 512], got[6 * 512];

	(void)state;
	assert_int_equal(sectmap_new(100, 512, &m), 0);
	memset(b, 1, sizeof(b));
	assert_int_equal(sectmap_put(m, 10, 2, b), 0);
	assert_int_equal(sectmap_put(m, 14, 2, b), 0);
	memset(b, 2, sizeof(b));
	assert_int_equal(sectmap_put(m, 11, 4, b), 0); /* over a run, a gap and a run */
	assert_true(sectmap_has(m, 10, 6));
	assert_false(sectmap_has(m, 9, 2));
	assert_false(sectmap_has(m, 15, 2));
	assert_int_equal(sectmap_clone(m, &c), 0);
	sectmap_free(m);
	assert_int_equal(sectmap_get(c, 10, 6, got), 0);
	for (int i = 0; i < 6; i++)
		assert_int_equal(got[i * 512], i == 0 || i == 5 ? 1 : 2);
	assert_int_equal(sectmap_put(c, 99, 2, b), -ERANGE);
	assert_int_equal(sectmap_get(c, UINT64_MAX, 2, got), -ERANGE);
	sectmap_free(c);
}

static void guids_round_trip(void **state)
{
	struct dyn_rand r = { 42 };
	char a[37], b[37];
	uint8_t raw[16];

	(void)state;
	dyn_rand_guid(&r, a);
	assert_int_equal(a[14], '4');
	assert_int_equal(dyn_guid_parse(a, raw), 0);
	dyn_guid_format(raw, b);
	assert_string_equal(a, b);
	assert_int_equal(dyn_guid_parse("not a guid", raw), -EINVAL);
	assert_int_equal(dyn_guid_parse("00000000-0000-0000-0000-00000000000g", raw), -EINVAL);
}

static void hostile_text_is_escaped(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "Windows", "Windows" },       { "Gr\xc3\xbc\xc3\x9f", "Gr\xc3\xbc\xc3\x9f" },
		{ "a\x1b[31mb", "a\\x1b[31mb" }, { "\xc3", "\\xc3" },
		{ "\xc2\x9b", "\\xc2\\x9b" },   { "\xe2\x80\xae" "x", "\\xe2\\x80\\xaex" },
		{ "\xc0\x80", "\\xc0\\x80" },   { "\xed\xa0\x80", "\\xed\\xa0\\x80" },
	};
	char dst[64], tiny[6];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		dyn_text_clean(dst, sizeof(dst), cases[i].in, strlen(cases[i].in));
		assert_string_equal(dst, cases[i].out);
	}
	assert_int_equal(dyn_text_clean(tiny, sizeof(tiny), "abc\x01", 4), 3); /* an escape is never cut */
	assert_string_equal(tiny, "abc");
}

/* What texts are put together from may be any bytes, and need not fit. */
static void messages_are_clean_and_cut_at_a_character(void **state)
{
	char dst[8];
	struct dyn_err err;

	(void)state;
	assert_int_equal(dyn_text_format(dst, sizeof(dst), "ab%s", "\xe6\x97\xa5\xe6\x9c\xac"), 5);
	assert_string_equal(dst, "ab\xe6\x97\xa5");
	dyn_refuse(&err, -EBUSY, "Rename \x07 it.", "%s: in use", "/tmp/\x1b[2J\xff.img");
	assert_string_equal(err.what, "/tmp/\\x1b[2J\\xff.img: in use");
	assert_string_equal(err.way_out, "Rename \\x07 it.");
	dyn_err_way_out(&err, "%s", "\xe2\x80\xae");
	assert_string_equal(err.way_out, "\\xe2\\x80\\xae");
}

static void sizes_as_diskpart(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = { /* product.md 1.5 */
		{ 0, "0 B" }, { 32256, "32 KB" }, { 213825024, "204 MB" }, { 3142056960, "2996 MB" },
		{ 9153031680, "9 GB" }, { 1048576, "1024 KB" }, { 5242880, "5120 KB" }, { 15ull << 20, "15 MB" },
		{ 7663ull << 20, "7663 MB" }, { 7151ull << 30, "7151 GB" }, { 447ull << 30, "447 GB" }, { UINT64_MAX, "16777216 TB" },
	};
	char text[32];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		dyn_text_size(text, sizeof(text), cases[i].bytes);
		assert_string_equal(text, cases[i].text);
	}
}

enum { UNITS = 200 };

static void assert_set(const struct ranges *x, const uint8_t *want, bool exact)
{
	uint8_t got[UNITS] = { 0 };
	uint64_t at = 0;

	for (size_t i = 0; i < x->n; i++) {
		const struct dyn_range *r = &x->r[i];
		assert_true(r->size > 0 && r->offset >= at);
		assert_false(i && r->offset == at && x->r[i - 1].kept == r->kept); /* neighbours of one kind are one */
		at = r->offset + r->size;
		memset(got + r->offset, r->kept ? 2 : 1, r->size);
	}
	for (size_t i = 0; i < UNITS; i++) {
		if (exact)
			assert_int_equal(got[i], want[i]);
		else if (want[i]) /* more may be in it, but nothing is lost, and nothing is said to be kept that is not */
			assert_true(got[i] == want[i] || (got[i] == 1 && want[i] == 2));
	}
}

static void ranges_are_a_set(void **state)
{
	struct dyn_rand rand = { .state = 7 };
	struct ranges big, small;

	(void)state;
	assert_int_equal(ranges_init(&big, UNITS), 0);
	assert_int_equal(ranges_init(&small, 5), 0);
	for (int round = 0; round < 300; round++) {
		uint8_t want[UNITS] = { 0 };
		big.n = small.n = 0;
		small.squeezed = false;
		for (int step = 0; step < 40; step++) {
			uint8_t b[4];
			bytes_put_be(b, 4, dyn_rand_u32(&rand));
			uint64_t from = b[0] % UNITS, n = 1 + b[1] % 20, i;
			n = n > UNITS - from ? UNITS - from : n;
			if (b[2] % 3 == 0) {
				ranges_remove(&big, from, n);
				memset(want + from, 0, n);
			} else if (b[2] % 3 == 1) {
				ranges_fill(&big, from, n, b[3] & 1);
				for (i = from; i < from + n; i++)
					want[i] = want[i] ? want[i] : 1 + (b[3] & 1);
			} else {
				ranges_add(&big, from, n, b[3] & 1);
				memset(want + from, 1 + (b[3] & 1), n);
			}
			assert_set(&big, want, true);
		}
		assert_false(big.squeezed);
		ranges_copy(&small, &big);
		assert_true(small.n <= 5);
		assert_set(&small, want, big.n <= 5);
		assert_true(ranges_bytes(&small) >= ranges_bytes(&big));
	}
	ranges_free(&big);
	ranges_free(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cursor_stops_at_its_end), cmocka_unit_test(sectmap_overlays),
		cmocka_unit_test(guids_round_trip),        cmocka_unit_test(hostile_text_is_escaped),
		cmocka_unit_test(messages_are_clean_and_cut_at_a_character),
		cmocka_unit_test(sizes_as_diskpart),       cmocka_unit_test(ranges_are_a_set),
	};
	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
