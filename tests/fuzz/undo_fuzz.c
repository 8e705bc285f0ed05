/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * undo_fuzz.c - undo files. First byte: bit 0 leave magic, checksum and length as they are; bits 1-3: how many times 512
 * bytes follow behind the head. A file that is understood and describes no images is stored again, and reads the same.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "run/undo.h"
#include "tests/fuzz/fuzz.h"

enum { HEAD = 24, LARGEST = 64 * 1024 };
#define NAME "20260101-000000-0000.undo"

/* The folder with the file in it; *fd: the file. */
static const struct dyn_session *session(int *fd)
{
	static struct dyn_session s;
	static char state[128];
	static int file = -1;

	if (file < 0) {
		char path[256];

		snprintf(state, sizeof(state), "%s", fuzz_folder());
		s.state_dir = state;
		snprintf(path, sizeof(path), "%s/undo", state);
		fuzz_must(mkdir(path, 0700) == 0);
		snprintf(path, sizeof(path), "%s/undo/%s", state, NAME);
		file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		fuzz_must(file >= 0);
	}
	*fd = file;
	return &s;
}

static bool same_text(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static void compare(const struct undo_file *a, const struct undo_file *b)
{
	fuzz_must(a->when == b->when && a->copies == b->copies && same_text(a->title, b->title) &&
		  same_text(a->reason, b->reason));
	fuzz_must(a->n_disks == b->n_disks && a->n_runs == b->n_runs && a->n_between == b->n_between);
	for (size_t i = 0; i < a->n_disks; i++)
		fuzz_must(same_text(a->disks[i].path, b->disks[i].path) && same_text(a->disks[i].guid, b->disks[i].guid) &&
			  same_text(a->disks[i].serial, b->disks[i].serial) && a->disks[i].size == b->disks[i].size);
	for (size_t i = 0; i < a->n_runs; i++) {
		const struct undo_run *x = &a->runs[i], *y = &b->runs[i];

		fuzz_must(x->disk == y->disk && x->sector == y->sector && x->n_sectors == y->n_sectors && x->rank == y->rank &&
			  x->flags == y->flags);
		fuzz_must(memcmp(x->before, y->before, (size_t)x->n_sectors * 512) == 0);
		fuzz_must(memcmp(x->after, y->after, (size_t)x->n_sectors * 512) == 0);
	}
}

/* What is read is what can be done: inside of the disks; and printable, but for the paths, which are opened. */
static void look_at(const struct undo_file *f)
{
	fuzz_must_be_clean(f->title);
	fuzz_must_be_clean(f->reason);
	for (size_t i = 0; i < f->n_disks; i++) {
		fuzz_must_be_clean(f->disks[i].guid);
		fuzz_must_be_clean(f->disks[i].serial);
	}
	for (size_t i = 0; i < f->n_runs; i++)
		fuzz_must(f->runs[i].disk < f->n_disks &&
			  f->runs[i].sector + f->runs[i].n_sectors <= f->disks[f->runs[i].disk].size / 512);
	for (size_t i = 0; i < f->n_images; i++)
		fuzz_must(f->images[i].disk < f->n_disks &&
			  f->images[i].sector + f->images[i].n_sectors <= f->disks[f->images[i].disk].size / 512);
}

static void again(const struct dyn_session *s, struct undo_file *f)
{
	struct undo_file *g = NULL;
	struct dyn_err err = { 0 };
	char id[64], path[256];

	look_at(f);
	if (f->n_images || undo_file_store(s, f, id, &err) != 0)
		return;
	fuzz_must(undo_file_load(s, id, &g, &err) == 0);
	compare(f, g);
	undo_file_free(g);
	snprintf(path, sizeof(path), "%s/undo/%s", s->state_dir, id);
	fuzz_must(unlink(path) == 0);
}

int fuzz_undo(const uint8_t *data, size_t size)
{
	static uint8_t b[LARGEST];
	struct undo_file *f = NULL;
	struct dyn_err err = { 0 };
	const struct dyn_session *s;
	struct undo_disk *disks;
	size_t n, behind, n_disks;
	int fd;

	if (!size || size > LARGEST)
		return 0;
	s = session(&fd);
	n = size - 1;
	memcpy(b, data + 1, n);
	if (!(data[0] & 1) && n >= HEAD) {
		memcpy(b, "DYNUNDO2", 8);
		bytes_put_be(b + 16, 8, n);
		bytes_put_be(b + 8, 8, bytes_sum(BYTES_SUM, b + 16, n - 16));
	}
	behind = (size_t)(data[0] >> 1 & 7) * 512;
	fuzz_must(pwrite(fd, b, n, 0) == (ssize_t)n && ftruncate(fd, (off_t)(n + behind)) == 0);
	if (undo_file_peek(b, n, &disks, &n_disks) == 0)
		undo_disks_free(disks, n_disks);
	if (undo_file_load(s, NAME, &f, &err) == 0)
		again(s, f);
	undo_file_free(f);
	fuzz_must_be_clean(err.what);
	return 0;
}
