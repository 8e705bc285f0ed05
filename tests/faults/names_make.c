/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * names_make.c - gives the objects of a disk group names that no Windows would.
 *
 *	names_make NAMES IMAGE...
 *
 * The images are all disks of one group. NAMES has a name a line, in hexadecimal; they are given out in turn: to the group,
 * to the disks (and to as many more disks, which are missing), the volumes with their hints, halves and pieces. The database
 * is written anew, as one that holds these records from the start.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/model.h"

enum { NAMES_MAX = 256 };

static char names[NAMES_MAX][256];
static size_t n_names, turn[LDM_KINDS + 3]; /* of each kind of name; LDM_KINDS and on: what is no record's own name */
enum { HINT = LDM_KINDS, DEVICE, GROUP };

static int die(const char *what, const struct dyn_err *err)
{
	fprintf(stderr, "names_make: %s: %s\n", what, err ? err->what : strerror(errno));
	return 1;
}

static void read_names(const char *path)
{
	FILE *f = fopen(path, "re");
	char line[600];

	while (f && n_names < NAMES_MAX && fgets(line, sizeof(line), f)) {
		unsigned byte;
		size_t n = 0;
		while (n < 255 && sscanf(line + 2 * n, "%2x", &byte) == 1 && byte)
			names[n_names][n++] = (char)byte;
		n_names++;
	}
	if (f)
		fclose(f);
}

/* A database with control bytes in its names breaks a rule, which nobody makes on purpose: other bytes stand for them until
 * it is encoded. */
static char meant[4096][256];
static size_t n_meant;

static void stand_in(char *name)
{
	bool odd = false;

	if (n_meant == 4096)
		return;
	memcpy(meant[n_meant], name, strlen(name) + 1);
	for (char *c = name; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f) {
			*c = '~';
			odd = true;
		}
	n_meant += odd;
}

/* A name whose record goes on in another slot may be cut there; it stays as it is. */
static void put_what_was_meant(uint8_t *config)
{
	size_t size = (size_t)LDM_CONFIG_SECTORS * LDM_SECTOR;

	for (size_t i = 0; i < n_meant; i++) {
		size_t n = strlen(meant[i]);
		char text[257];
		uint8_t *at = config;
		text[0] = (char)n;
		memcpy(text + 1, meant[i], n + 1);
		for (char *c = text + 1; *c; c++)
			if ((unsigned char)*c < 0x20 || *c == 0x7f)
				*c = '~';
		at = memmem(config, LDM_SECTOR, text + 1, n); /* the group's, in the header */
		if (at)
			memcpy(at, meant[i], n);
		for (at = config; (at = memmem(at, size - (size_t)(at - config), text, n + 1)); at += n)
			memcpy(at + 1, meant[i], n);
	}
}

/* The next name of a kind, at most `max` bytes of it; made different from all others by a number at its end. */
static void next_name(char dst[256], size_t max, size_t kind)
{
	char number[16];
	size_t n;

	snprintf(number, sizeof(number), "%zu", turn[kind]);
	snprintf(dst, 256, "%s", names[turn[kind]++ % n_names]);
	n = strlen(dst);
	if (n > max - strlen(number))
		n = max - strlen(number);
	memcpy(dst + n, number, strlen(number) + 1);
	stand_in(dst);
}

static int add_missing(struct ldm_txn *t, const struct ldm_record *disk, struct dyn_err *err)
{
	struct ldm_record r = *disk;

	r.id = ldm_txn_new_id(t);
	next_name(r.name, 60, LDM_DISK);
	snprintf(r.u.disk.guid, sizeof(r.u.disk.guid), "dddddddd-0000-4000-8000-%012llx", (unsigned long long)r.id);
	next_name(r.u.disk.last_device, 100, DEVICE);
	return ldm_txn_add(t, &r, err);
}

static int rename_all(struct ldm_txn *t, const struct ldm_db *old, struct dyn_err *err)
{
	const struct ldm_record *disk = NULL;
	int rc = 0;

	for (size_t i = 0; !rc && i < old->n; i++) {
		struct ldm_record r = old->records[i];
		if (r.kind == LDM_GROUP)
			continue;
		if (r.kind == LDM_DISK) {
			disk = &old->records[i];
			next_name(r.u.disk.last_device, 100, DEVICE);
		}
		next_name(r.name, 60, r.kind);
		if (r.kind == LDM_VOLUME)
			next_name(r.u.volume.hint, 30, HINT);
		rc = ldm_txn_add(t, &r, err);
	}
	for (size_t i = 0; !rc && disk && i < n_names; i++)
		rc = add_missing(t, disk, err);
	return rc;
}

static int put(const struct dyn_model *m, size_t disk, const struct ldm_db *db)
{
	uint64_t at = m->priv->disks[disk].ph.private_start * LDM_SECTOR;
	int fd = open(m->disks[disk].path, O_RDWR | O_CLOEXEC);
	ssize_t config = (ssize_t)LDM_CONFIG_SECTORS * LDM_SECTOR, log = (ssize_t)LDM_LOG_SECTORS * LDM_SECTOR;
	int rc;

	if (fd < 0)
		return -1;
	rc = pwrite(fd, db->config, (size_t)config, (off_t)(at + (uint64_t)LDM_CONFIG_START * LDM_SECTOR)) == config &&
			     pwrite(fd, db->log, (size_t)log, (off_t)(at + (uint64_t)LDM_LOG_START * LDM_SECTOR)) == log ?
		     0 :
		     -1;
	return close(fd) || rc ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct model_scan_args args = { .paths = (const char *const *)argv + 2, .n_paths = (size_t)argc - 2, .sys_root = "" };
	struct ldm_commit c = { 0 };
	struct dyn_err err = { 0 };
	struct ldm_db *fresh = NULL;
	struct ldm_txn *t = NULL;
	struct dyn_model *m;
	char group[256];
	int rc;

	if (argc < 3)
		return 2;
	read_names(argv[1]);
	if (n_names == 0 || model_scan(&args, &m, &err) || m->n_groups != 1)
		return die("one group is wanted", &err);
	next_name(group, 30, GROUP);
	rc = ldm_db_new(group, m->groups[0].guid, 0, &fresh) || ldm_txn_begin(fresh, &t, &err) ||
	     rename_all(t, m->priv->groups[0].db, &err) || ldm_txn_commit(t, 0, &c, &err);
	if (!rc)
		put_what_was_meant(c.after->config);
	for (size_t i = 0; !rc && i < m->n_disks; i++)
		rc = m->disks[i].path[0] ? put(m, i, c.after) : 0;
	if (rc)
		die("the names cannot be given", err.what[0] ? &err : NULL);
	ldm_commit_free(&c);
	ldm_txn_free(t);
	ldm_db_free(fresh);
	dyn_model_unref(m);
	return rc ? 1 : 0;
}
