/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/model_support.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

int folder_new(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/dynadisk-scan-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

int folder_remove(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

const char *in_folder(const char *name)
{
	static char paths[8][512];
	static unsigned next;
	char *p = paths[next++ % 8];

	snprintf(p, sizeof(paths[0]), "%s/%s", folder, name);
	return p;
}

void make_image(const char *name, uint64_t bytes)
{
	int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	close(fd);
}

void put_bytes(const char *name, uint64_t off, const void *bytes, size_t n)
{
	int fd = open(in_folder(name), O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, n, (off_t)off), (ssize_t)n);
	close(fd);
}

void zero_sectors(const char *name, uint64_t sector, size_t n)
{
	uint8_t *zero = calloc(n, LDM_SECTOR);

	assert_non_null(zero);
	put_bytes(name, sector * LDM_SECTOR, zero, n * LDM_SECTOR);
	free(zero);
}

void copy_image(const char *from, const char *to)
{
	char command[1200];

	snprintf(command, sizeof(command), "cp --sparse=always '%s' '%s'", in_folder(from), in_folder(to));
	assert_int_equal(system(command), 0);
}

void make_dir(const char *name)
{
	char command[600];

	snprintf(command, sizeof(command), "mkdir -p '%s'", in_folder(name));
	assert_int_equal(system(command), 0);
}

void make_text(const char *name, const char *text)
{
	FILE *f = fopen(in_folder(name), "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

/* ----------------------------------------------------------------- member disks */

static uint64_t private_start(enum dyn_table table)
{
	return table == DYN_TABLE_MBR ? T_PRIV_MBR : T_PRIV_GPT;
}

static struct table_part gpt_part(uint64_t start, uint64_t size, const char *type)
{
	struct table_part p = { .start = start, .size = size };

	snprintf(p.gpt_type, sizeof(p.gpt_type), "%s", type);
	return p;
}

static void put_table(const char *name, enum dyn_table table)
{
	struct table_part parts[3] = {
		gpt_part(T_PRIV_GPT, LDM_PRIV_SECTORS, LDM_GPT_META),
		gpt_part(T_PRIV_GPT + LDM_PRIV_SECTORS, T_PUB_GPT - T_PRIV_GPT - LDM_PRIV_SECTORS, LDM_GPT_MSR),
		gpt_part(T_PUB_GPT, T_SECTORS - 33 - T_PUB_GPT, LDM_GPT_DATA),
	};
	struct table_part container = { .start = T_PUB_MBR, .size = T_PRIV_MBR - T_PUB_MBR, .mbr_type = LDM_MBR_TYPE };
	struct table want = { .kind = table, .mbr_signature = 0x12345678, .n = 3, .parts = parts };
	struct table_sectors s;
	struct sectmap *map;
	struct dyn_err err = { 0 };

	if (table == DYN_TABLE_MBR) {
		want.n = 1;
		want.parts = &container;
	}
	assert_int_equal(sectmap_new(T_SECTORS, LDM_SECTOR, &map), 0);
	if (table_build(map, &want, &s, &err))
		fail_msg("table_build: %s", err.what);
	for (size_t i = 0; i < s.n; i++)
		put_bytes(name, s.runs[i].sector * LDM_SECTOR, s.runs[i].bytes, (size_t)s.runs[i].n_sectors * LDM_SECTOR);
	table_sectors_clear(&s);
	sectmap_free(map);
}

void put_database(const char *name, enum dyn_table table, const struct ldm_db *db)
{
	put_bytes(name, (private_start(table) + LDM_CONFIG_START) * LDM_SECTOR, db->config, T_CONFIG);
	put_bytes(name, (private_start(table) + LDM_LOG_START) * LDM_SECTOR, db->log, T_LOG);
}

void make_member(const char *name, enum dyn_table table, const char *disk_guid, const struct ldm_db *db)
{
	struct ldm_privhead ph = {
		.major = 2, .minor = 12, .time = T_TIME, .sequence = 1, .primary_ph = LDM_PH_PRIMARY,
		.secondary_ph = LDM_PH_SECONDARY, .host_guid = LDM_HOST_GUID, .bytes_per_sector = LDM_SECTOR,
		.public_start = table == DYN_TABLE_MBR ? T_PUB_MBR : T_PUB_GPT, .private_start = private_start(table),
		.private_size = LDM_PRIV_SECTORS, .primary_toc = 2, .secondary_toc = 2045, .n_config = 1, .n_log = 1,
		.config_size = LDM_CONFIG_SECTORS, .log_size = LDM_LOG_SECTORS, .tag = 7,
	};
	const struct ldm_toc toc = { 1, { "config", 0, LDM_CONFIG_START, LDM_CONFIG_SECTORS },
				     { "log", 0, LDM_LOG_START, LDM_LOG_SECTORS } };
	uint8_t b[LDM_SECTOR];
	uint64_t at = private_start(table);

	make_image(name, (uint64_t)T_SECTORS * LDM_SECTOR);
	put_table(name, table);
	ph.public_size = (table == DYN_TABLE_MBR ? T_PRIV_MBR : T_SECTORS - 33) - ph.public_start;
	snprintf(ph.disk_guid, sizeof(ph.disk_guid), "%s", disk_guid);
	memcpy(ph.group_guid, db->head.group_guid, sizeof(ph.group_guid));
	memcpy(ph.group_name, db->head.group_name, sizeof(ph.group_name));
	ldm_privhead_encode(&ph, b);
	if (table == DYN_TABLE_MBR)
		put_bytes(name, LDM_PH_MBR * LDM_SECTOR, b, sizeof(b));
	put_bytes(name, (at + LDM_PH_PRIMARY) * LDM_SECTOR, b, sizeof(b));
	put_bytes(name, (at + LDM_PH_SECONDARY) * LDM_SECTOR, b, sizeof(b));
	ldm_toc_encode(&toc, b);
	put_bytes(name, (at + 2) * LDM_SECTOR, b, sizeof(b));
	put_bytes(name, (at + 2045) * LDM_SECTOR, b, sizeof(b));
	put_database(name, table, db);
}

void put_rebuild(const char *name, enum dyn_table table, uint32_t slot, const struct ldm_rebuild *r)
{
	uint8_t b[LDM_SECTOR];

	ldm_rebuild_encode(r, b);
	put_bytes(name, (private_start(table) + slot) * LDM_SECTOR, b, sizeof(b));
}

/* ------------------------------------------------------------------------- scan */

struct dyn_model *scan_args(const struct model_scan_args *a)
{
	struct dyn_model *m = NULL;
	struct dyn_err err = { 0 };

	if (model_scan(a, &m, &err))
		fail_msg("scan: %s", err.what);
	return m;
}

struct dyn_model *scan_files(const char *first, ...)
{
	char full[64][128];
	const char *paths[64];
	struct model_scan_args a = { .paths = paths, .sys_root = "" };
	va_list ap;

	va_start(ap, first);
	for (const char *name = first; name; name = va_arg(ap, const char *)) {
		assert_true(a.n_paths < 64);
		snprintf(full[a.n_paths], sizeof(full[0]), "%s", in_folder(name));
		paths[a.n_paths] = full[a.n_paths];
		a.n_paths++;
	}
	va_end(ap);
	return scan_args(&a);
}

bool says(const struct dyn_disk *d, const char *text)
{
	for (size_t i = 0; i < d->n_damage; i++)
		if (strstr(d->damage[i], text))
			return true;
	for (size_t i = 0; i < d->n_damage; i++)
		print_message("# %s: %s\n", d->name, d->damage[i]);
	return false;
}
