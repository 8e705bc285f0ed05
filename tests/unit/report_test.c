/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include "tests/unit/toy_model.h"
#include "ui/report/findings.h"
#include "ui/report/json.h"
#include "ui/report/report.h"

static void json_escapes_everything(void **state)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);
	struct json j;

	(void)state;
	json_begin(&j, f);
	json_open(&j, NULL, '{');
	json_text(&j, "quo\"te", "a\\b\"c\n\t\x1b\x7f");
	json_text(&j, "utf8", "Gr\303\266\303\237e \360\237\222\276");
	json_text(&j, "bad", "x\xff\xc0\x80\xed\xa0\x80\xc3");
	json_text_or_null(&j, "none", "");
	json_open(&j, "list", '[');
	json_number(&j, NULL, 0);
	json_number(&j, NULL, UINT64_MAX);
	json_close(&j, ']');
	json_open(&j, "empty", '[');
	json_close(&j, ']');
	json_close(&j, '}');
	assert_int_equal(json_end(&j), 0);
	fclose(f);
	assert_string_equal(text, "{\n  \"quo\\\"te\": \"a\\\\b\\\"c\\u000a\\u0009\\u001b\\u007f\",\n"
				  "  \"utf8\": \"Gr\303\266\303\237e \360\237\222\276\",\n"
				  "  \"bad\": \"x\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\",\n"
				  "  \"none\": null,\n  \"list\": [\n    0,\n    18446744073709551615\n  ],\n  \"empty\": []\n}\n");
	free(text);
}

static void json_write_errors_are_seen(void **state)
{
	FILE *f = fopen("/dev/full", "w");
	struct toy_model t;

	(void)state;
	if (!f)
		skip();
	toy_failed_mirror(&t);
	assert_true(report_json(&t.m, f) < 0);
	fclose(f);
}

static char *json_of(const struct dyn_model *m)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	assert_int_equal(report_json(m, f), 0);
	fclose(f);
	return text;
}

static void json_has_the_schema(void **state)
{
	struct toy_model t;
	char *text;

	(void)state;
	toy_failed_mirror(&t);
	text = json_of(&t.m);
	assert_non_null(strstr(text, "{\n  \"schema\": 1,\n  \"disks\": [\n    {\n      \"number\": 0,\n      \"name\": \"Disk 0\",\n"
				     "      \"path\": \"/dev/sda\",\n      \"guid\": \"11111111-2222-4333-8444-555555555555\",\n"
				     "      \"model\": \"SAMSUNG \\\"MZ7\\\\LH\\\"\",\n      \"serial\": \"S455NA0M611299\",\n"
				     "      \"size\": 479962595328,\n      \"free\": 0,\n      \"status\": \"online\",\n"
				     "      \"type\": \"dynamic\",\n      \"table\": \"gpt\",\n"
				     "      \"group\": \"99999999-2222-4333-8444-555555555555\"\n    },"));
	assert_non_null(strstr(text, "\"name\": \"Disk M0\",\n      \"path\": null,"));
	assert_non_null(strstr(text, "\"status\": \"missing\",\n      \"type\": \"dynamic\",\n      \"table\": null,"));
	assert_non_null(strstr(text, "\"status\": \"not_initialized\",\n      \"type\": \"basic\",\n      \"table\": \"none\",\n"
				     "      \"group\": null"));
	assert_non_null(strstr(text, "\"letter\": \"C\",\n      \"label\": \"Windows\",\n      \"fs\": \"NTFS\",\n"
				     "      \"layout\": \"mirror\",\n      \"size\": 479962595328,\n"
				     "      \"status\": \"failed_redundancy\",\n      \"plexes\": ["));
	assert_non_null(strstr(text, "\"disk\": \"Disk 0\",\n              \"offset\": 32256,"));
	assert_non_null(strstr(text, "\"disk\": \"Disk M0\",\n              \"offset\": null,"));
	assert_non_null(strstr(text, "\"jobs\": []\n}\n"));
	free(text);

	toy_rebuilding(&t);
	text = json_of(&t.m);
	assert_non_null(strstr(text, "\"kind\": \"rebuild\",\n      \"volume\": \"Volume1\",\n      \"done\": 42,\n"
				     "      \"total\": 100,\n      \"rate\": 102760448,\n      \"state\": \"copying\""));
	free(text);
}

static void check_judges(void **state)
{
	struct toy_model t;
	char line[512];

	(void)state;
	toy_failed_mirror(&t);
	assert_int_equal(report_health(&t.m, line, sizeof(line)), REPORT_DEGRADED);
	assert_string_equal(line, "DEGRADED: C: Windows is Failed Redundancy: the half on Disk M0 is missing (and 1 more)");

	t.volumes[1].status = DYN_VOLUME_FAILED;
	t.volumes[1].label = "";
	assert_int_equal(report_health(&t.m, line, sizeof(line)), REPORT_FAILED);
	assert_string_equal(line, "FAILED: Volume 1 is Failed");

	toy_rebuilding(&t);
	assert_int_equal(report_health(&t.m, line, sizeof(line)), REPORT_DEGRADED);
	assert_string_equal(line, "DEGRADED: C: Windows is Regenerating (42%)");

	t.volumes[0].status = DYN_VOLUME_HEALTHY;
	assert_int_equal(report_health(&t.m, line, sizeof(line)), REPORT_HEALTHY);
	assert_string_equal(line, "OK: 2 disks, 2 volumes, all healthy");

	t.groups[0].problem = "two disks claim to be Disk1";
	assert_int_equal(report_health(&t.m, line, sizeof(line)), REPORT_DEGRADED);
	t.groups[0].problem = "";
	t.disks[1].status = DYN_DISK_ERRORS; /* an out of date copy of the database */
	assert_int_equal(report_health(&t.m, line, sizeof(line)), REPORT_DEGRADED);
	t.disks[1].status = DYN_DISK_OFFLINE; /* nothing known to be wrong, but not everything was seen */
	assert_int_equal(report_health(&t.m, line, sizeof(line)), REPORT_ERROR);
	t.volumes[0].status = DYN_VOLUME_FAILED_REDUNDANCY;
	assert_int_equal(report_health(&t.m, line, sizeof(line)), REPORT_DEGRADED);
	t.m.n_disks = t.m.n_volumes = t.m.n_groups = 0;
	assert_int_equal(report_health(&t.m, line, sizeof(line)), REPORT_ERROR);
}

static void percents_are_never_too_early(void **state)
{
	(void)state;
	assert_int_equal(findings_percent(0, 0), 0);
	assert_int_equal(findings_percent(999999, 1000000), 99);
	assert_int_equal(findings_percent(UINT64_MAX - 1, UINT64_MAX), 99);
	assert_int_equal(findings_percent(5, 5), 100);
}

static void text_tells_the_same(void **state)
{
	struct toy_model t;
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	(void)state;
	toy_failed_mirror(&t);
	assert_int_equal(report_text(&t.m, f), 0);
	fclose(f);
	assert_non_null(strstr(text, "Disk M0  Missing"));
	assert_non_null(strstr(text, "\nC: Windows"));
	assert_non_null(strstr(text, "Failed Redundancy  Disk 0, Disk M0\n"));
	assert_non_null(strstr(text, "\nC: Windows is Failed Redundancy: the half on Disk M0 is missing.\n"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_escapes_everything), cmocka_unit_test(json_write_errors_are_seen),
		cmocka_unit_test(json_has_the_schema),     cmocka_unit_test(check_judges),
		cmocka_unit_test(percents_are_never_too_early), cmocka_unit_test(text_tells_the_same),
	};
	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
