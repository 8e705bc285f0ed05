/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/ldm_support.h"

#include <unistd.h>

size_t unhex(const char *hex, uint8_t *out, size_t cap)
{
	size_t n = 0;

	for (; hex[0]; hex += 2) {
		unsigned v;
		if (hex[0] == ' ') {
			hex--;
			continue;
		}
		assert_int_equal(sscanf(hex, "%2x", &v), 1);
		assert_true(n < cap);
		out[n++] = (uint8_t)v;
	}
	return n;
}

static struct ldm_record a_record(enum ldm_kind kind, uint8_t type, uint64_t id, const char *name)
{
	struct ldm_record r;

	memset(&r, 0, sizeof(r));
	r.kind = kind;
	r.type = type;
	r.id = id;
	snprintf(r.name, sizeof(r.name), "%s", name);
	return r;
}

struct ldm_record a_disk(uint64_t id, const char *name, const char *guid, const char *device)
{
	struct ldm_record r = a_record(LDM_DISK, LDM_T_DISK3, id, name);

	snprintf(r.u.disk.guid, sizeof(r.u.disk.guid), "%s", guid);
	snprintf(r.u.disk.last_device, sizeof(r.u.disk.last_device), "%s", device);
	return r;
}

struct ldm_record a_volume(uint64_t id, const char *name, uint32_t number, uint32_t plexes, uint64_t size)
{
	struct ldm_record r = a_record(LDM_VOLUME, LDM_T_VOLUME, id, name);

	strcpy(r.u.volume.type, "gen");
	memcpy(r.u.volume.state, "ACTIVE", 6);
	r.u.volume.read_policy = 3;
	r.u.volume.number = number;
	r.u.volume.vflags = LDM_VOL_DEFAULT;
	r.u.volume.n_components = plexes;
	r.u.volume.size = size;
	r.u.volume.part_type = 7;
	for (size_t i = 0; i < 16; i++)
		r.u.volume.guid[i] = (uint8_t)(id * 16 + i);
	return r;
}

struct ldm_record a_plex(uint64_t id, const char *name, uint64_t volume, uint32_t extents)
{
	struct ldm_record r = a_record(LDM_COMPONENT, LDM_T_COMPONENT, id, name);

	strcpy(r.u.component.state, "ACTIVE");
	r.u.component.layout = LDM_LAYOUT_CONCAT;
	r.u.component.n_extents = extents;
	r.u.component.volume_id = volume;
	return r;
}

struct ldm_record an_extent(uint64_t id, const char *name, uint64_t plex, uint64_t disk, uint64_t start, uint64_t size)
{
	struct ldm_record r = a_record(LDM_EXTENT, LDM_T_EXTENT, id, name);

	r.flags = LDM_EF_UNKNOWN;
	r.u.extent.start = start;
	r.u.extent.size = size;
	r.u.extent.component_id = plex;
	r.u.extent.disk_id = disk;
	return r;
}

struct ldm_db *commit(struct ldm_txn *t, uint64_t filetime)
{
	struct ldm_commit c;
	struct ldm_db *after;
	struct dyn_err err = { 0 };

	if (ldm_txn_commit(t, filetime, &c, &err) < 0)
		fail_msg("commit: %s", err.what);
	assert_int_equal(ldm_db_clone(c.after, &after), 0);
	ldm_commit_free(&c);
	ldm_txn_free(t);
	return after;
}

struct ldm_db *a_mirror(void)
{
	struct ldm_record records[] = {
		a_disk(2, "Disk1", "aaaaaaaa-0000-4000-8000-000000000001", ""),
		a_volume(4, "Volume1", 1, 2, 2048),
		a_disk(3, "Disk2", "aaaaaaaa-0000-4000-8000-000000000002",
		       "SCSI\\DISK&VEN_RED_HAT&PROD_VIRTIO&REV_0001\\4&35113038&0&000000"),
		a_plex(5, "Volume1-01", 4, 1),
		a_plex(6, "Volume1-02", 4, 1),
		an_extent(7, "Disk1-01", 5, 2, 65, 2048),
		an_extent(8, "Disk2-01", 6, 3, 94, 2048),
	};
	struct ldm_db *db, *after;
	struct ldm_txn *t;

	assert_int_equal(ldm_db_new("TESTHOST-Dg0", T_GROUP, T_TIME, &db), 0);
	assert_int_equal(ldm_txn_begin(db, &t, NULL), 0);
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++)
		assert_int_equal(ldm_txn_add(t, &records[i], NULL), 0);
	after = commit(t, T_TIME + 1);
	ldm_db_free(db);
	return after;
}

void disk_put(struct disk *d, const struct ldm_db *db)
{
	memcpy(d->bytes, db->config, T_CONFIG);
	memcpy(d->bytes + T_CONFIG, db->log, T_LOG);
}

void disk_apply(struct disk *d, const struct ldm_change *c)
{
	assert_in_range(c->rel, LDM_CONFIG_START, LDM_LOG_START + LDM_LOG_SECTORS - 1);
	memcpy(d->bytes + (size_t)(c->rel - LDM_CONFIG_START) * LDM_SECTOR, c->bytes, LDM_SECTOR);
}

int disk_decode(const struct disk *d, struct ldm_db **out, struct dyn_err *err)
{
	return ldm_db_decode(d->bytes, d->bytes + T_CONFIG, out, err);
}

/* ------------------------------------------------------- Windows images */

static char win_folder[64];

static bool win_unpack(void)
{
	const char *shared = getenv("DYNADISK_SHARED"), *source = getenv("DYNADISK_SOURCE");
	char path[512], command[1200];

	if (shared)
		snprintf(path, sizeof(path), "%s/windows-images/dev-set.tar.xz", shared);
	else
		snprintf(path, sizeof(path), "%s/../shared/windows-images/dev-set.tar.xz", source ? source : ".");
	if (access(path, R_OK) != 0)
		return false;
	strcpy(win_folder, "/tmp/dynadisk-unit-XXXXXX");
	if (!mkdtemp(win_folder)) {
		win_folder[0] = '\0';
		return false;
	}
	snprintf(command, sizeof(command), "tar xJf '%s' -C '%s'", path, win_folder);
	return system(command) == 0;
}

FILE *win_open(const char *name)
{
	char path[256];

	if (!win_folder[0] && !win_unpack())
		return NULL;
	snprintf(path, sizeof(path), "%s/%s.img", win_folder, name);
	return fopen(path, "rb");
}

void win_close_all(void)
{
	char command[128];

	if (!win_folder[0])
		return;
	snprintf(command, sizeof(command), "rm -rf '%s'", win_folder);
	if (system(command) != 0)
		print_message("# %s stays behind\n", win_folder);
	win_folder[0] = '\0';
}

uint8_t *win_read(FILE *f, uint64_t sector, size_t n)
{
	uint8_t *b = malloc(n * LDM_SECTOR);

	assert_non_null(b);
	assert_int_equal(fseek(f, (long)(sector * LDM_SECTOR), SEEK_SET), 0);
	assert_u64(fread(b, LDM_SECTOR, n, f), n);
	return b;
}
