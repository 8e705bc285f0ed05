/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static void fill(struct dyn_err *err, int code, const char *fmt, va_list ap)
{
	err->code = code;
	err->way_out[0] = '\0';
	dyn_text_vformat(err->what, sizeof(err->what), fmt, ap);
}

int dyn_fail(struct dyn_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return code;
	va_start(ap, fmt);
	fill(err, code, fmt, ap);
	va_end(ap);
	return code;
}

int dyn_refuse(struct dyn_err *err, int code, const char *way_out, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return code;
	va_start(ap, fmt);
	fill(err, code, fmt, ap);
	va_end(ap);
	dyn_text_format(err->way_out, sizeof(err->way_out), "%s", way_out);
	return code;
}

void dyn_err_way_out(struct dyn_err *err, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return;
	va_start(ap, fmt);
	dyn_text_vformat(err->way_out, sizeof(err->way_out), fmt, ap);
	va_end(ap);
}

int dyn_fail_nomem(struct dyn_err *err)
{
	return dyn_fail(err, -ENOMEM, "out of memory");
}
