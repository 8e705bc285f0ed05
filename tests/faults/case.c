/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include "tests/faults/case.h"

static void rescan(struct world *w)
{
	struct fault_case *c = w->arg;

	dyn_model_unref(w->m);
	w->m = ram_scan(&c->ram, w->n);
}

static void put(struct world *w, size_t disk, uint64_t off, const void *bytes, size_t n)
{
	struct fault_case *c = w->arg;

	ram_put(&c->ram, disk, off / RAM_SECTOR, (uint32_t)(n / RAM_SECTOR), bytes);
}

static void use(struct world *w, size_t n)
{
	struct fault_case *c = w->arg;

	dyn_model_unref(w->m);
	w->m = NULL;
	dyn_session_close(w->s);
	w->s = ram_session(&c->ram, n, 7 + n + 1000 * c->sessions++); /* no GUID is made twice */
	w->n = n;
	rescan(w);
}

void case_begin(struct fault_case *c, enum ops_setup setup, size_t n, enum ops_mix mix)
{
	ram_begin(&c->ram, n + ops_extra(setup), OPS_DISK);
	c->w = (struct world){ .arg = c, .rescan = rescan, .put = put, .use = use };
	c->sessions = 0;
	use(&c->w, n);
	ops_make(&c->w, setup, n, mix);
	ram_keep(&c->ram);
}

void case_end(struct fault_case *c)
{
	dyn_model_unref(c->w.m);
	dyn_session_close(c->w.s);
	ram_end(&c->ram);
}
