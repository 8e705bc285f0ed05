/* SPDX-License-Identifier: GPL-3.0-or-later */
/* work.c - what the engine's thread does for the console: begun, shown, stopped, and what comes after it. */
#include "config.h"

#include <stdio.h>
#include <sys/eventfd.h>

#include "ui/tui/actions.h"
#include "ui/tui/engine.h"

/* What is done within this time is done as if at once: no word about it, and no key is felt to wait. */
enum { AT_ONCE_MS = 80 };

void console_work(struct console *con, const struct work *w)
{
	con->work = *w;
	con->working = true;
	atomic_store(&con->percent, 0);
	atomic_store(&con->stop, false);
	engine_begin(con->engine, w->run, w->arg);
	con->dirty = true;
	if (engine_wait(con->engine, AT_ONCE_MS))
		console_work_ended(con);
}

bool console_work_ended(struct console *con)
{
	if (!con->working || !engine_wait(con->engine, 0))
		return false;
	con->working = false;
	con->dirty = true;
	con->work.done(con, con->work.arg);
	actions_follow(con);
	return true;
}

int console_busy(struct console *con, uint64_t done, uint64_t total)
{
	unsigned percent = total ? (unsigned)((double)done * 100.0 / (double)total) : 100;

	if (!con->working)
		return 0;
	percent = percent > 100 ? 100 : percent;
	if (atomic_exchange(&con->percent, percent + 1) != percent + 1)
		(void)eventfd_write(con->wake_fd, 1); /* refused when its counter is full: the console is being woken then */
	return atomic_load(&con->stop);
}

void console_work_sentence(struct console *con, char *dst, size_t n)
{
	unsigned percent = atomic_load(&con->percent);

	if (atomic_load(&con->stop))
		snprintf(dst, n, "%s: stopping ...", con->work.what);
	else if (con->work.progress && percent)
		snprintf(dst, n, "%s: %u%%. Esc stops it.", con->work.what, percent - 1);
	else
		snprintf(dst, n, "%s ...%s", con->work.what, con->work.progress ? " Esc stops it." : "");
}

int tui_progress(void *hook, const struct dyn_step *step, uint64_t done, uint64_t total)
{
	struct tui_hook *h = hook;

	(void)step;
	return h->con ? console_busy(h->con, done, total) : 0;
}

/* ---------------------------------------------------------------- scan */

static void scan_run(void *arg)
{
	struct console *con = arg;

	con->scan.rc = dyn_scan(con->s, &con->scan.m, &con->scan.err);
}

static void scan_done(struct console *con, void *arg)
{
	struct dyn_model *m = con->scan.m, *old = con->m;
	void (*then)(struct console *, void *) = con->scan.then;

	(void)arg;
	if (con->scan.rc == 0) {
		view_set_model(&con->view, m);
		con->m = m;
		con->free = freespace_start(m, con->free, con->wake_fd);
		con->view.free_bytes = freespace_bytes(con->free);
		if (old)
			dyn_model_unref(old);
		console_update_jobs(con); /* one that ended meanwhile, which the scan may have missed, asks for another */
	} else if (old) {
		error_show(con, "The disks could not be read", &con->scan.err);
	}
	if (then)
		then(con, con->scan.arg);
}

void console_rescan(struct console *con, void (*then)(struct console *con, void *arg), void *arg)
{
	con->want_rescan = false;
	con->scan = (struct scan_work){ .then = then, .arg = arg };
	console_work(con, &(struct work){ .run = scan_run, .done = scan_done, .arg = con, .what = "Reading the disks" });
}
