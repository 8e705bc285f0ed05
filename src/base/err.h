/* SPDX-License-Identifier: GPL-3.0-or-later */
/* err.h - filling the message object where the facts are known. */
#ifndef DYN_BASE_ERR_H
#define DYN_BASE_ERR_H

#include "dynadisk.h"

/* Fills *err (may be NULL) and returns code, a negative errno, so that
 * `return dyn_fail(err, -EIO, "%s: ...", path)` reads as one thought. */
int dyn_fail(struct dyn_err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same with the way out, a complete sentence (no format). */
int dyn_refuse(struct dyn_err *err, int code, const char *way_out, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Sets only the way out of an error that is already filled. */
void dyn_err_way_out(struct dyn_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "out of memory", with -ENOMEM */
int dyn_fail_nomem(struct dyn_err *err);

#endif
