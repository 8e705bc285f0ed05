/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "run/undo.h"

enum { SECTOR = 512, HEAD = 24, PIECE = 1 << 20, PAGE = 4096 };
static const uint8_t magic[8] = { 'D', 'Y', 'N', 'U', 'N', 'D', 'O', '2' };

struct undo_file *undo_file_new(void)
{
	struct undo_file *f = calloc(1, sizeof(*f));

	if (f)
		f->fd = -1;
	return f;
}

void undo_disks_free(struct undo_disk *disks, size_t n)
{
	for (size_t i = 0; disks && i < n; i++) {
		free(disks[i].path);
		free(disks[i].guid);
		free(disks[i].serial);
	}
	free(disks);
}

void undo_file_free(struct undo_file *f)
{
	if (!f)
		return;
	undo_disks_free(f->disks, f->n_disks);
	for (size_t i = 0; i < f->n_runs; i++) {
		free(f->runs[i].before);
		free(f->runs[i].after);
	}
	for (size_t i = 0; i < f->n_images; i++)
		free(f->images[i].after_sums);
	if (f->fd >= 0)
		close(f->fd);
	free(f->runs);
	free(f->images);
	free(f->between);
	free(f->title);
	free(f->reason);
	free(f);
}

int undo_file_add(struct undo_file *f, uint32_t disk, uint64_t sector, uint32_t n, uint32_t rank, uint32_t flags,
		  const uint8_t *before, const uint8_t *after)
{
	struct undo_run r = { .disk = disk, .sector = sector, .n_sectors = n, .rank = rank, .flags = flags };
	size_t bytes = (size_t)n * SECTOR;

	if (f->n_runs % 64 == 0) {
		struct undo_run *runs = realloc(f->runs, (f->n_runs + 64) * sizeof(*runs));
		if (!runs)
			return -ENOMEM;
		f->runs = runs;
	}
	r.before = malloc(bytes);
	r.after = malloc(bytes);
	if (!r.before || !r.after) {
		free(r.before);
		free(r.after);
		return -ENOMEM;
	}
	memcpy(r.before, before, bytes);
	memcpy(r.after, after, bytes);
	f->runs[f->n_runs++] = r;
	return 0;
}

int undo_file_add_between(struct undo_file *f, uint32_t disk, uint64_t sector, uint64_t sum)
{
	if (f->n_between % 64 == 0) {
		struct undo_between *b = realloc(f->between, (f->n_between + 64) * sizeof(*b));
		if (!b)
			return -ENOMEM;
		f->between = b;
	}
	f->between[f->n_between++] = (struct undo_between){ disk, sector, sum };
	return 0;
}

int undo_file_add_image(struct undo_file *f, uint32_t disk, uint64_t sector, uint32_t n, struct dyn_io *io, int image_fd,
			uint64_t image)
{
	struct undo_image *images = realloc(f->images, (f->n_images + 1) * sizeof(*images)), *m;

	if (!images)
		return -ENOMEM;
	f->images = images;
	m = &images[f->n_images];
	*m = (struct undo_image){ .disk = disk, .sector = sector, .n_sectors = n, .io = io, .image_fd = image_fd, .image = image };
	m->after_sums = calloc(n, sizeof(*m->after_sums));
	if (!m->after_sums)
		return -ENOMEM;
	f->n_images++;
	return 0;
}

bool undo_same_path(const char *saved, const char *path)
{
	char *real = realpath(path, NULL);
	bool same = strcmp(saved, real ? real : path) == 0;

	free(real);
	return same;
}

/* -------------------------------------------------------------------- bytes */

struct out {
	uint8_t *b;
	size_t n, cap;
	bool bad;
};

static void put(struct out *o, const void *p, size_t n)
{
	if (o->bad)
		return;
	if (o->cap - o->n < n) {
		size_t cap = (o->cap + n) * 2;
		uint8_t *b = realloc(o->b, cap);
		if (!b) {
			o->bad = true;
			return;
		}
		o->b = b;
		o->cap = cap;
	}
	memcpy(o->b + o->n, p, n);
	o->n += n;
}

static void put_num(struct out *o, size_t n, uint64_t v)
{
	uint8_t b[8];

	bytes_put_be(b, n, v);
	put(o, b, n);
}

static void put_text(struct out *o, const char *s)
{
	size_t n = strlen(s) > 0xffff ? 0xffff : strlen(s);

	put_num(o, 2, n);
	put(o, s, n);
}

static void encode(const struct undo_file *f, struct out *o)
{
	put(o, magic, sizeof(magic));
	put_num(o, 8, 0);
	put_num(o, 8, 0);
	put_num(o, 8, (uint64_t)f->when);
	put_text(o, f->title);
	put_text(o, f->reason);
	put_num(o, 4, f->copies);
	put_num(o, 4, f->n_disks);
	for (size_t i = 0; i < f->n_disks; i++) {
		put_text(o, f->disks[i].path);
		put_text(o, f->disks[i].guid);
		put_text(o, f->disks[i].serial);
		put_num(o, 8, f->disks[i].size);
	}
	put_num(o, 4, f->n_runs);
	for (size_t i = 0; i < f->n_runs; i++) {
		const struct undo_run *r = &f->runs[i];
		put_num(o, 4, r->disk);
		put_num(o, 8, r->sector);
		put_num(o, 4, r->n_sectors);
		put_num(o, 4, r->rank);
		put_num(o, 4, r->flags);
		put(o, r->before, (size_t)r->n_sectors * SECTOR);
		put(o, r->after, (size_t)r->n_sectors * SECTOR);
	}
	put_num(o, 4, f->n_images);
	for (size_t i = 0; i < f->n_images; i++) {
		const struct undo_image *m = &f->images[i];
		put_num(o, 4, m->disk);
		put_num(o, 8, m->sector);
		put_num(o, 4, m->n_sectors);
		put_num(o, 8, m->place);
		put_num(o, 8, m->before_sum);
		for (uint32_t k = 0; k < m->n_sectors; k++)
			put_num(o, 8, m->after_sums[k]);
	}
	put_num(o, 4, f->n_between);
	for (size_t i = 0; i < f->n_between; i++) {
		put_num(o, 4, f->between[i].disk);
		put_num(o, 8, f->between[i].sector);
		put_num(o, 8, f->between[i].sum);
	}
	if (!o->bad) {
		bytes_put_be(o->b + 16, 8, o->n);
		bytes_put_be(o->b + 8, 8, bytes_sum(BYTES_SUM, o->b + 16, o->n - 16));
	}
}

static char *get_text(struct cur *c)
{
	size_t n = (size_t)cur_be(c, 2);
	const uint8_t *p = cur_take(c, n);
	char *s = p ? malloc(4 * n + 1) : NULL;

	if (s)
		dyn_text_clean(s, 4 * n + 1, p, n); /* it goes to the screen */
	else
		c->bad = true;
	return s;
}

/* A path is what it is: it is opened and compared, and cleaned where it is shown. */
static char *get_path(struct cur *c)
{
	size_t n = (size_t)cur_be(c, 2);
	const uint8_t *p = cur_take(c, n);
	char *s = p ? strndup((const char *)p, n) : NULL;

	if (!s)
		c->bad = true;
	return s;
}

static void decode_disks(struct cur *c, struct undo_file *f)
{
	size_t n = (size_t)cur_be(c, 4);

	if (n > UNDO_MAX_DISKS || !(f->disks = calloc(n + 1, sizeof(*f->disks)))) {
		c->bad = true;
		return;
	}
	for (; !c->bad && f->n_disks < n; f->n_disks++) {
		struct undo_disk *d = &f->disks[f->n_disks];
		d->path = get_path(c);
		d->guid = get_text(c);
		d->serial = get_text(c);
		d->size = cur_be(c, 8);
	}
}

int undo_file_peek(const uint8_t *b, size_t n, struct undo_disk **disks, size_t *n_disks)
{
	struct undo_file f = { 0 };
	struct cur c = cur_of(b, n);

	if (n < HEAD || memcmp(b, magic, sizeof(magic)) != 0)
		return -EBADMSG;
	cur_take(&c, HEAD + 8);
	f.title = get_text(&c);
	f.reason = get_text(&c);
	cur_take(&c, 4);
	if (!c.bad)
		decode_disks(&c, &f);
	free(f.title);
	free(f.reason);
	if (c.bad)
		undo_disks_free(f.disks, f.n_disks);
	*disks = c.bad ? NULL : f.disks;
	*n_disks = c.bad ? 0 : f.n_disks;
	return c.bad ? -EBADMSG : 0;
}

static void decode_runs(struct cur *c, struct undo_file *f)
{
	size_t n = (size_t)cur_be(c, 4);

	if (n > UNDO_MAX_RUNS)
		c->bad = true;
	for (size_t i = 0; !c->bad && i < n; i++) {
		uint32_t disk = (uint32_t)cur_be(c, 4);
		uint64_t sector = cur_be(c, 8), end, total;
		uint32_t count = (uint32_t)cur_be(c, 4), rank = (uint32_t)cur_be(c, 4), flags = (uint32_t)cur_be(c, 4);
		const uint8_t *before, *after;
		if (disk >= f->n_disks || count == 0 || count > UNDO_MAX_FILE / SECTOR) {
			c->bad = true;
			break;
		}
		total = f->disks[disk].size / SECTOR;
		before = cur_take(c, (size_t)count * SECTOR);
		after = cur_take(c, (size_t)count * SECTOR);
		if (!before || !after || add_overflows(sector, count, &end) || end > total ||
		    undo_file_add(f, disk, sector, count, rank, flags, before, after))
			c->bad = true;
	}
}

static void decode_images(struct cur *c, struct undo_file *f, size_t head)
{
	size_t n = (size_t)cur_be(c, 4);

	if (n > UNDO_MAX_RUNS)
		c->bad = true;
	for (size_t i = 0; !c->bad && i < n; i++) {
		uint32_t disk = (uint32_t)cur_be(c, 4), count;
		uint64_t sector = cur_be(c, 8), end;
		struct undo_image *m;
		count = (uint32_t)cur_be(c, 4);
		if (disk >= f->n_disks || count == 0 || cur_left(c) / 8 < count || add_overflows(sector, count, &end) ||
		    end > f->disks[disk].size / SECTOR || undo_file_add_image(f, disk, sector, count, NULL, -1, 0)) {
			c->bad = true;
			break;
		}
		m = &f->images[i];
		m->place = cur_be(c, 8);
		m->before_sum = cur_be(c, 8);
		for (uint32_t k = 0; k < count; k++)
			m->after_sums[k] = cur_be(c, 8);
		if (m->place < head || m->place > INT64_MAX / 2)
			c->bad = true;
	}
}

static void decode_between(struct cur *c, struct undo_file *f)
{
	size_t n = (size_t)cur_be(c, 4);

	for (size_t i = 0; !c->bad && i < n; i++) {
		uint32_t disk = (uint32_t)cur_be(c, 4);
		uint64_t sector = cur_be(c, 8), sum = cur_be(c, 8);
		if (!c->bad && (disk >= f->n_disks || undo_file_add_between(f, disk, sector, sum)))
			c->bad = true;
	}
}

/* Where the file ends: behind the head, or behind the last image's bytes. */
static uint64_t file_end(const struct undo_file *f, size_t head)
{
	uint64_t end = head;

	for (size_t i = 0; i < f->n_images; i++) {
		uint64_t e = f->images[i].place + (uint64_t)f->images[i].n_sectors * SECTOR;
		if (e > end)
			end = e;
	}
	return end;
}

static int decode(const uint8_t *b, size_t n, uint64_t file_size, struct undo_file **out)
{
	struct undo_file *f;
	struct cur c;

	if (bytes_be(b + 8, 8) != bytes_sum(BYTES_SUM, b + 16, n - 16))
		return -EBADMSG;
	f = undo_file_new();
	if (!f)
		return -ENOMEM;
	c = cur_of(b + HEAD, n - HEAD);
	f->when = (int64_t)cur_be(&c, 8);
	f->title = get_text(&c);
	f->reason = get_text(&c);
	f->copies = (uint32_t)cur_be(&c, 4);
	decode_disks(&c, f);
	if (!c.bad)
		decode_runs(&c, f);
	if (!c.bad)
		decode_images(&c, f, n);
	if (!c.bad)
		decode_between(&c, f);
	if (c.bad || cur_left(&c) || file_end(f, n) != file_size) {
		undo_file_free(f);
		return -EBADMSG;
	}
	*out = f;
	return 0;
}

/* --------------------------------------------------------------------- files */

static int write_all(int fd, const uint8_t *b, size_t n, uint64_t at)
{
	while (n > 0) {
		ssize_t w = pwrite(fd, b, n, (off_t)at);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return w < 0 ? -errno : -EIO;
		b += w;
		at += (uint64_t)w;
		n -= (size_t)w;
	}
	return 0;
}

/* The number behind the highest one that a file of this second has: numbers of files that are gone are not used
 * again while later ones are there, or names would not sort by age. */
static int next_number(int dir, const char *stamp)
{
	size_t len = strlen(stamp), n;
	char(*ids)[64];
	int next = 0;

	if (undo_dir_list(dir, &ids, &n))
		return 0;
	for (size_t i = 0; i < n; i++)
		if (strncmp(ids[i], stamp, len) == 0 && ids[i][len] == '-') {
			long k = strtol(ids[i] + len + 1, NULL, 10);
			if (k >= next && k < 10000)
				next = (int)k + 1;
		}
	free(ids);
	return next;
}

/* Opens "." + id anew, locked; -EEXIST when that file is being written, was left over, or is finished already. */
static int create_unfinished(int dir, const char *id, char hidden[66])
{
	struct stat st;
	int fd, rc = -EEXIST;

	snprintf(hidden, 66, ".%s", id);
	fd = openat(dir, hidden, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	/* Who has the hidden name may make the final one; whoever had it before has made it by now. */
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, &st) < 0) {
		if (errno != EWOULDBLOCK) { /* else it is taken for a left-over one and removed, this very moment */
			rc = -errno;
			(void)unlinkat(dir, hidden, 0);
		}
	} else if (st.st_nlink) {
		if (fstatat(dir, id, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return fd;
		(void)unlinkat(dir, hidden, 0);
	}
	close(fd);
	return rc;
}

/* A new file named after the time, so that names sort; a number tells those of one second apart. It has a hidden name
 * until all of it is on the disk. */
static int create_file(int dir, int64_t when, char id[64], char hidden[66])
{
	time_t t = (time_t)when;
	char stamp[32] = "00000000-000000";
	int fd = -EEXIST;
	struct tm tm;

	if (gmtime_r(&t, &tm))
		strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &tm);
	for (int i = next_number(dir, stamp); fd == -EEXIST && i < 10000; i++) {
		snprintf(id, 64, "%s-%04d.undo", stamp, i);
		fd = create_unfinished(dir, id, hidden);
	}
	return fd;
}

/* The old bytes of one image go into the file, piece by piece; pages of zeros stay holes. */
static int store_image(int fd, struct undo_image *m, uint8_t *b)
{
	uint64_t size = (uint64_t)m->n_sectors * SECTOR;
	int rc = 0;

	m->before_sum = BYTES_SUM;
	for (uint64_t at = 0, n; !rc && at < size; at += n) {
		n = size - at < PIECE ? size - at : PIECE;
		rc = dyn_io_read(m->io, m->sector * SECTOR + at, b, (size_t)n);
		if (rc)
			break;
		m->before_sum = bytes_sum(m->before_sum, b, (size_t)n);
		for (size_t k = 0; !rc && k < n; k += PAGE) {
			size_t page = n - k < PAGE ? (size_t)n - k : PAGE;
			if (!bytes_all_zero(b + k, page))
				rc = write_all(fd, b + k, page, m->place + at + k);
		}
		if (!rc)
			rc = dyn_pread_full(m->image_fd, b, (size_t)n, m->image + at);
		for (size_t k = 0; !rc && k < n; k += SECTOR)
			m->after_sums[(at + k) / SECTOR] = bytes_sum(BYTES_SUM, b + k, SECTOR);
	}
	return rc;
}

static int store_images(int fd, struct undo_file *f, size_t head)
{
	uint64_t at = ((uint64_t)head + PAGE - 1) / PAGE * PAGE;
	uint8_t *b = malloc(PIECE);
	int rc = b ? 0 : -ENOMEM;

	for (size_t i = 0; i < f->n_images; i++) {
		f->images[i].place = at;
		at += ((uint64_t)f->images[i].n_sectors * SECTOR + PAGE - 1) / PAGE * PAGE;
	}
	if (!rc && f->n_images && ftruncate(fd, (off_t)file_end(f, head)) < 0)
		rc = -errno;
	for (size_t i = 0; !rc && i < f->n_images; i++)
		rc = store_image(fd, &f->images[i], b);
	free(b);
	return rc;
}

/* The head is written last: it holds the checksums of what it describes, and its length is known before. */
static int fill_file(int fd, struct undo_file *f)
{
	struct out o = { 0 };
	int rc;

	encode(f, &o);
	rc = o.bad ? -ENOMEM : store_images(fd, f, o.n);
	o.n = 0;
	if (!rc) {
		encode(f, &o);
		rc = o.bad ? -ENOMEM : write_all(fd, o.b, o.n, 0);
	}
	if (!rc && fsync(fd) < 0)
		rc = -errno;
	free(o.b);
	return rc;
}

static int store(int dir, struct undo_file *f, char id[64])
{
	char hidden[66];
	int fd = create_file(dir, f->when, id, hidden);
	int rc = fd < 0 ? fd : fill_file(fd, f);
	bool named = false;

	if (!rc && renameat(dir, hidden, dir, id) < 0)
		rc = -errno;
	else if (!rc)
		named = true;
	if (!rc)
		rc = undo_sync_dir(dir);
	if (rc && fd >= 0)
		(void)unlinkat(dir, named ? id : hidden, 0);
	if (fd >= 0)
		close(fd);
	return rc;
}

int undo_file_store(const struct dyn_session *s, struct undo_file *f, char id[64], struct dyn_err *err)
{
	struct dyn_err why = { 0 };
	int dir = undo_dir_open(s, true, &why);
	int rc = dir < 0 ? dir : store(dir, f, id);

	if (rc) {
		dyn_fail(err, rc, "nothing was written: the undo file cannot be saved: %.280s",
			 dir < 0 ? why.what : strerror(-rc));
		if (why.way_out[0])
			dyn_err_way_out(err, "%s", why.way_out);
		else
			dyn_err_way_out(err, "Make room or writable space for undo files in %.180s.", s->state_dir);
	} else {
		undo_dir_prune(s, dir, id);
	}
	if (dir >= 0)
		close(dir);
	return rc;
}

static int read_head(int fd, struct undo_file **out)
{
	uint8_t start[HEAD], *b = NULL;
	struct stat st;
	uint64_t n;
	int rc = fstat(fd, &st) < 0 ? -errno : 0;

	if (!rc && (!S_ISREG(st.st_mode) || st.st_size < HEAD))
		rc = -EBADMSG;
	if (!rc)
		rc = dyn_pread_full(fd, start, HEAD, 0);
	if (rc)
		return rc;
	n = bytes_be(start + 16, 8);
	if (memcmp(start, magic, sizeof(magic)) != 0 || n < HEAD || n > (uint64_t)st.st_size || n > UNDO_MAX_FILE)
		return -EBADMSG;
	b = malloc((size_t)n);
	rc = b ? dyn_pread_full(fd, b, (size_t)n, 0) : -ENOMEM;
	if (!rc)
		rc = decode(b, (size_t)n, (uint64_t)st.st_size, out);
	free(b);
	return rc;
}

static int load(int dir, const char *id, struct undo_file **out, struct dyn_err *err)
{
	int fd = openat(dir, id, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK), rc;
	char name[96];
	struct stat st;

	snprintf(name, sizeof(name), "the undo file %.64s", id);
	if (fd < 0)
		return errno == ELOOP ? dyn_fail(err, -ELOOP, "%s is a link", name) :
					dyn_refuse(err, -errno, "Check the file system it is on, and try again.",
						   "%s cannot be read: %s", name, strerror(errno));
	rc = fstat(fd, &st) < 0 ? dyn_fail(err, -errno, "%s: %s", name, strerror(errno)) : undo_only_ours(name, &st, err);
	if (!rc) {
		rc = read_head(fd, out);
		if (rc == -EBADMSG)
			dyn_refuse(err, rc, "It cannot be used; the disks are untouched.", "%s is damaged", name);
		else if (rc)
			dyn_refuse(err, rc, "Check the file system it is on, and try again.",
				   "%s cannot be read: %s", name, strerror(-rc));
	}
	if (!rc)
		(*out)->fd = fd;
	else
		close(fd);
	return rc;
}

int undo_file_load(const struct dyn_session *s, const char *id, struct undo_file **out, struct dyn_err *err)
{
	int dir = undo_id_ok(id) ? undo_dir_open(s, false, err) :
				   dyn_fail(err, -ENOENT, "the undo file %.64s cannot be read: %s", id, strerror(ENOENT));
	int rc = dir < 0 ? dir : load(dir, id, out, err);

	if (dir >= 0)
		close(dir);
	return rc;
}

void run_undo_drop(const struct dyn_session *s, const char *id)
{
	int dir = undo_id_ok(id) ? undo_dir_open(s, false, NULL) : -ENOENT;

	if (dir < 0)
		return;
	(void)unlinkat(dir, id, 0);
	(void)undo_sync_dir(dir);
	close(dir);
}
