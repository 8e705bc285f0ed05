/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/session.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

uint64_t session_filetime(const struct dyn_session *s)
{
	struct timespec now;

	if (s->fixed_time)
		return dyn_filetime((int64_t)s->fixed_time, 0);
	clock_gettime(CLOCK_REALTIME, &now);
	return dyn_filetime(now.tv_sec, now.tv_nsec);
}

int session_open_ro(const struct dyn_session *s, const char *path, struct dyn_io **out, struct dyn_err *err)
{
	return s->open_io ? s->open_io(s->open_arg, path, false, out, err) : dyn_io_open_ro(path, out, err);
}

void session_log(const struct dyn_session *s, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	if (!s->log)
		return;
	va_start(ap, fmt);
	dyn_text_vformat(line, sizeof(line), fmt, ap);
	va_end(ap);
	s->log(s->log_arg, line);
}
