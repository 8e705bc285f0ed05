/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/model.h"
#include "tests/faults/ram.h"

struct ram_io {
	struct dyn_io io;
	struct ram *ram;
	size_t disk;
};

/* ------------------------------------------------------------------- pages */

static uint8_t *page_get(struct ram *r)
{
	uint8_t *p = r->n_spare ? r->spare[--r->n_spare] : malloc(RAM_PAGE);

	assert_non_null(p);
	return p;
}

static void page_put(struct ram *r, uint8_t *p)
{
	if (!p)
		return;
	if (r->n_spare == r->spare_room) {
		r->spare_room = r->spare_room ? 2 * r->spare_room : 1024;
		r->spare = realloc(r->spare, r->spare_room * sizeof(*r->spare));
		assert_non_null(r->spare);
	}
	r->spare[r->n_spare++] = p;
}

/* The page to write into: the one above, made from the one below. */
static uint8_t *page_above(struct ram *r, struct ram_disk *d, uint32_t page)
{
	if (!d->over[page]) {
		d->over[page] = page_get(r);
		if (d->base[page])
			memcpy(d->over[page], d->base[page], RAM_PAGE);
		else
			memset(d->over[page], 0, RAM_PAGE);
		d->dirty[d->n_dirty++] = page;
	}
	return d->over[page];
}

static const uint8_t *page_now(const struct ram_disk *d, uint64_t page)
{
	return d->over[page] ? d->over[page] : d->base[page];
}

static void get(const struct ram_disk *d, uint64_t off, uint8_t *buf, size_t n)
{
	while (n > 0) {
		size_t in = off % RAM_PAGE, k = RAM_PAGE - in < n ? RAM_PAGE - in : n;
		const uint8_t *p = page_now(d, off / RAM_PAGE);
		if (p)
			memcpy(buf, p + in, k);
		else
			memset(buf, 0, k);
		off += k;
		buf += k;
		n -= k;
	}
}

static void put(struct ram *r, struct ram_disk *d, uint64_t off, const uint8_t *buf, size_t n)
{
	while (n > 0) {
		size_t in = off % RAM_PAGE, k = RAM_PAGE - in < n ? RAM_PAGE - in : n;
		memcpy(page_above(r, d, (uint32_t)(off / RAM_PAGE)) + in, buf, k);
		off += k;
		buf += k;
		n -= k;
	}
}

void ram_read(struct ram *r, size_t disk, uint64_t off, void *buf, size_t n)
{
	assert_true(off + n <= r->disks[disk].size);
	get(&r->disks[disk], off, buf, n);
}

void ram_put(struct ram *r, size_t disk, uint64_t sector, uint32_t n, const void *bytes)
{
	assert_true((sector + n) * RAM_SECTOR <= r->disks[disk].size);
	put(r, &r->disks[disk], sector * RAM_SECTOR, bytes, (size_t)n * RAM_SECTOR);
}

void ram_drop(struct ram *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct ram_disk *d = &r->disks[i];
		for (size_t k = 0; k < d->n_dirty; k++) {
			page_put(r, d->over[d->dirty[k]]);
			d->over[d->dirty[k]] = NULL;
		}
		d->n_dirty = 0;
	}
}

void ram_keep(struct ram *r)
{
	assert_int_equal(r->levels, 0);
	for (size_t i = 0; i < r->n; i++) {
		struct ram_disk *d = &r->disks[i];
		for (size_t k = 0; k < d->n_dirty; k++) {
			uint32_t p = d->dirty[k];
			page_put(r, d->base[p]);
			d->base[p] = d->over[p];
			d->over[p] = NULL;
		}
		d->n_dirty = 0;
	}
}

static uint64_t mix(uint64_t h, uint64_t w)
{
	h = (h ^ w) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

static uint64_t page_hash(size_t disk, uint32_t page, const uint8_t *b)
{
	uint64_t h = mix(0x243f6a8885a308d3u + disk, page);

	for (size_t i = 0; i < RAM_PAGE; i += 8) {
		uint64_t w;
		memcpy(&w, b + i, 8);
		h = mix(h, w);
	}
	return mix(h, 1);
}

uint64_t ram_hash(const struct ram *r)
{
	static const uint8_t zero[RAM_PAGE];
	uint64_t h = r->below;

	for (size_t i = 0; i < r->n; i++) {
		const struct ram_disk *d = &r->disks[i];
		for (size_t k = 0; k < d->n_dirty; k++) {
			uint32_t p = d->dirty[k];
			const uint8_t *base = d->base[p] ? d->base[p] : zero;
			if (memcmp(d->over[p], base, RAM_PAGE) != 0)
				h ^= page_hash(i, p, d->over[p]) ^ page_hash(i, p, base);
		}
	}
	return h;
}

void ram_push(struct ram *r)
{
	struct ram_level *l = &r->level[r->levels++];
	size_t n = 0;

	assert_true(r->levels <= RAM_LEVELS);
	l->below = r->below;
	r->below = ram_hash(r);
	for (size_t i = 0; i < r->n; i++)
		n += r->disks[i].n_dirty;
	l->saved = calloc(n + 1, sizeof(*l->saved));
	l->n = 0;
	assert_non_null(l->saved);
	for (size_t i = 0; i < r->n; i++) {
		struct ram_disk *d = &r->disks[i];
		for (size_t k = 0; k < d->n_dirty; k++) {
			uint32_t p = d->dirty[k];
			l->saved[l->n++] = (struct ram_saved){ i, p, d->base[p] };
			d->base[p] = d->over[p];
			d->over[p] = NULL;
		}
		d->n_dirty = 0;
	}
}

void ram_pop(struct ram *r)
{
	struct ram_level *l;

	assert_true(r->levels > 0);
	ram_drop(r);
	l = &r->level[--r->levels];
	r->below = l->below;
	for (size_t i = l->n; i-- > 0;) {
		struct ram_disk *d = &r->disks[l->saved[i].disk];
		uint32_t p = l->saved[i].page;
		d->over[p] = d->base[p];
		d->base[p] = l->saved[i].was;
		d->dirty[d->n_dirty++] = p;
	}
	free(l->saved);
	l->saved = NULL;
}

bool ram_equal(struct ram *r, size_t a, uint64_t a_off, size_t b, uint64_t b_off, uint64_t n)
{
	uint8_t x[RAM_PAGE], y[RAM_PAGE];

	for (uint64_t at = 0; at < n; at += RAM_PAGE) {
		size_t k = n - at < RAM_PAGE ? (size_t)(n - at) : RAM_PAGE;
		ram_read(r, a, a_off + at, x, k);
		ram_read(r, b, b_off + at, y, k);
		if (memcmp(x, y, k) != 0)
			return false;
	}
	return true;
}

void ram_dump(struct ram *r, size_t i, const char *path)
{
	const struct ram_disk *d = &r->disks[i];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)d->size), 0);
	for (size_t p = 0; p < d->n_pages; p++)
		if (page_now(d, p))
			assert_int_equal(pwrite(fd, page_now(d, p), RAM_PAGE, (off_t)(p * RAM_PAGE)), RAM_PAGE);
	close(fd);
}

/* -------------------------------------------------------------------- disks */

static void new_disk(struct ram *r, size_t i, uint64_t size)
{
	struct ram_disk *d = &r->disks[i];
	int fd;

	assert_int_equal(size % RAM_PAGE, 0);
	d->size = size;
	d->n_pages = (size_t)(size / RAM_PAGE);
	d->base = calloc(d->n_pages, sizeof(*d->base));
	d->over = calloc(d->n_pages, sizeof(*d->over));
	d->dirty = calloc(d->n_pages, sizeof(*d->dirty));
	assert_true(d->base && d->over && d->dirty);
	snprintf(d->path, sizeof(d->path), "%s/disk%zu.img", r->dir, i);
	/* an empty file: the engine asks whether it may be written, and takes it for an image */
	fd = open(d->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
}

void ram_begin(struct ram *r, size_t n, uint64_t size)
{
	const char *tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"; /* undo files are flushed: on a disk that takes long */

	assert_true(n <= RAM_MAX);
	memset(r, 0, sizeof(*r));
	pthread_mutex_init(&r->lock, NULL);
	snprintf(r->dir, sizeof(r->dir), "%s/dynadisk-ram-XXXXXX", tmp);
	assert_non_null(mkdtemp(r->dir));
	snprintf(r->state, sizeof(r->state), "%s/state", r->dir);
	r->n = n;
	for (size_t i = 0; i < n; i++)
		new_disk(r, i, size);
}

void ram_remove(const char *dir)
{
	char path[512];
	struct dirent *e;
	DIR *d = opendir(dir);

	while (d && (e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (unlink(path) < 0)
			ram_remove(path);
	}
	if (d)
		closedir(d);
	rmdir(dir);
}

void ram_end(struct ram *r)
{
	while (r->levels)
		ram_pop(r);
	ram_drop(r);
	for (size_t i = 0; i < r->n; i++) {
		struct ram_disk *d = &r->disks[i];
		for (size_t p = 0; p < d->n_pages; p++)
			free(d->base[p]);
		free(d->base);
		free(d->over);
		free(d->dirty);
	}
	for (size_t i = 0; i < r->n_spare; i++)
		free(r->spare[i]);
	free(r->spare);
	pthread_mutex_destroy(&r->lock);
	ram_remove(r->dir);
	memset(r, 0, sizeof(*r));
}

void ram_blank(struct ram *r, size_t i)
{
	struct ram_disk *d = &r->disks[i];

	assert_int_equal(r->levels, 0);
	ram_drop(r);
	for (size_t p = 0; p < d->n_pages; p++) {
		page_put(r, d->base[p]);
		d->base[p] = NULL;
	}
}

void ram_copy(struct ram *to, const struct ram *from)
{
	ram_drop(to);
	for (size_t i = 0; i < to->n; i++) {
		struct ram_disk *t = &to->disks[i];
		const struct ram_disk *f = &from->disks[i];
		assert_true(i < from->n && t->size == f->size);
		for (size_t p = 0; p < t->n_pages; p++)
			if (page_now(f, p))
				put(to, t, p * RAM_PAGE, page_now(f, p), RAM_PAGE);
	}
	ram_keep(to);
}

/* --------------------------------------------------------------- the engine's */

static void note(struct ram *r, enum ram_kind kind, size_t disk, uint64_t off, const void *buf, size_t n)
{
	struct ram_log *l = r->log;
	struct ram_event *e;

	if (!l)
		return;
	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 256;
		l->events = realloc(l->events, l->room * sizeof(*l->events));
		assert_non_null(l->events);
	}
	e = &l->events[l->n++];
	*e = (struct ram_event){ .kind = kind, .disk = disk, .sector = off / RAM_SECTOR, .n = (uint32_t)(n / RAM_SECTOR) };
	assert_true(off % RAM_SECTOR == 0 && n % RAM_SECTOR == 0);
	if (kind == RAM_WRITE) {
		e->bytes = malloc(n);
		assert_non_null(e->bytes);
		memcpy(e->bytes, buf, n);
	}
}

static int fault(struct ram_io *x, char kind, uint64_t off)
{
	struct ram *r = x->ram;

	if (r->disks[x->disk].gone)
		return -ENXIO;
	return r->fault ? r->fault(r->fault_arg, x->disk, kind, off / RAM_SECTOR) : 0;
}

static int op_read(struct dyn_io *io, uint64_t off, void *buf, size_t n)
{
	struct ram_io *x = (struct ram_io *)io;
	int rc;

	pthread_mutex_lock(&x->ram->lock);
	rc = fault(x, 'r', off);
	if (!rc)
		get(&x->ram->disks[x->disk], off, buf, n);
	pthread_mutex_unlock(&x->ram->lock);
	return rc;
}

static int op_write(struct dyn_io *io, uint64_t off, const void *buf, size_t n)
{
	struct ram_io *x = (struct ram_io *)io;
	int rc;

	pthread_mutex_lock(&x->ram->lock);
	rc = fault(x, 'w', off);
	if (!rc) {
		put(x->ram, &x->ram->disks[x->disk], off, buf, n);
		note(x->ram, RAM_WRITE, x->disk, off, buf, n);
	}
	pthread_mutex_unlock(&x->ram->lock);
	return rc;
}

static int op_sync(struct dyn_io *io)
{
	struct ram_io *x = (struct ram_io *)io;
	int rc;

	pthread_mutex_lock(&x->ram->lock);
	rc = fault(x, 's', 0);
	if (!rc)
		note(x->ram, RAM_SYNC, x->disk, 0, NULL, 0);
	pthread_mutex_unlock(&x->ram->lock);
	return rc;
}

static int no_write(struct dyn_io *io, uint64_t off, const void *buf, size_t n)
{
	(void)io, (void)off, (void)buf, (void)n;
	return -EBADF;
}

static int no_sync(struct dyn_io *io)
{
	(void)io;
	return -EBADF;
}

static void op_close(struct dyn_io *io)
{
	free(io->path);
	free(io);
}

static const struct dyn_io_ops rw_ops = { op_read, op_write, op_sync, op_close };
static const struct dyn_io_ops ro_ops = { op_read, no_write, no_sync, op_close };

int ram_open(void *arg, const char *path, bool write, struct dyn_io **out, struct dyn_err *err)
{
	struct ram *r = arg;
	struct ram_io *x;
	size_t i = 0;

	while (i < r->n && strcmp(r->disks[i].path, path) != 0)
		i++;
	assert_true(i < r->n);
	if (r->disks[i].gone)
		return dyn_fail(err, -ENXIO, "%s: %s", path, strerror(ENXIO));
	x = calloc(1, sizeof(*x));
	assert_non_null(x);
	x->ram = r;
	x->disk = i;
	x->io = (struct dyn_io){ .ops = write ? &rw_ops : &ro_ops, .path = strdup(path), .size = r->disks[i].size,
				 .sector_size = RAM_SECTOR, .fd = -1 };
	assert_non_null(x->io.path);
	*out = &x->io;
	return 0;
}

void ram_log_clear(struct ram_log *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->events[i].bytes);
	free(l->events);
	memset(l, 0, sizeof(*l));
}

struct dyn_model *ram_scan(struct ram *r, size_t n)
{
	const char *paths[RAM_MAX];
	struct model_scan_args a = { .paths = paths, .n_paths = n, .sys_root = r->dir, .open_io = ram_open, .open_arg = r };
	struct dyn_model *m = NULL;
	struct dyn_err err = { 0 };

	for (size_t i = 0; i < n; i++)
		paths[i] = r->disks[i].path;
	if (model_scan(&a, &m, &err))
		fail_msg("scan: %s", err.what);
	return m;
}

struct dyn_session *ram_session(struct ram *r, size_t n, uint64_t seed)
{
	struct dyn_options opt = { .state_dir = r->state, .sys_root = r->dir, .seed = seed, .fixed_time = 1700000000 };
	const char *paths[RAM_MAX];
	struct dyn_session *s = NULL;
	struct dyn_err err = { 0 };

	for (size_t i = 0; i < n; i++)
		paths[i] = r->disks[i].path;
	if (dyn_session_open(paths, n, &opt, &s, &err))
		fail_msg("session: %s", err.what);
	s->open_io = ram_open;
	s->open_arg = r;
	return s;
}
