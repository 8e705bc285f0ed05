/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/run_faulty.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static bool touches(uint64_t off, size_t n, uint64_t from, uint64_t to)
{
	return off < to && from < off + n;
}

/* Several threads may come here; a countdown is taken by one of them. */
static bool take(int *times)
{
	int t = __atomic_load_n(times, __ATOMIC_SEQ_CST);

	while (t > 0)
		if (__atomic_compare_exchange_n(times, &t, t - 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			return true;
	return t < 0;
}

static int f_read(struct dyn_io *io, uint64_t off, void *buf, size_t n)
{
	struct faulty *f = (struct faulty *)io;

	f->reads++;
	if (f->delay_us)
		usleep(f->delay_us);
	if (touches(off, n, f->bad_from, f->bad_to))
		return -EIO;
	return dyn_io_read(f->under, off, buf, n);
}

static int f_write(struct dyn_io *io, uint64_t off, const void *buf, size_t n)
{
	struct faulty *f = (struct faulty *)io;

	f->writes++;
	if (f->delay_us)
		usleep(f->delay_us);
	if (touches(off, n, f->wfail_from, f->wfail_to) && take(&f->wfail_times))
		return f->wfail_rc;
	f->unsynced += n;
	if (touches(off, n, f->lie_from, f->lie_to) && take(&f->lie_times))
		return 0;
	return dyn_io_write(f->under, off, buf, n);
}

static int f_sync(struct dyn_io *io)
{
	struct faulty *f = (struct faulty *)io;

	f->syncs++;
	f->unsynced = 0;
	return f->sync_rc ? f->sync_rc : dyn_io_sync(f->under);
}

static void f_close(struct dyn_io *io)
{
	struct faulty *f = (struct faulty *)io;

	if (f->owns)
		dyn_io_close(f->under);
	f->under = NULL;
}

static const struct dyn_io_ops ops = { f_read, f_write, f_sync, f_close };

void faulty_init(struct faulty *f, struct dyn_io *under)
{
	memset(f, 0, sizeof(*f));
	f->io.ops = &ops;
	f->io.fd = -1;
	f->io.size = under->size;
	f->io.sector_size = under->sector_size;
	f->io.path = under->path;
	f->under = under;
}
