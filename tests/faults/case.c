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

void case_begin_spare(struct fault_case *c, enum ops_setup setup, size_t n, enum ops_mix mix, size_t spare)
{
	ram_begin(&c->ram, n + ops_extra(setup) + spare, OPS_DISK);
	c->w = (struct world){ .arg = c, .rescan = rescan, .put = put, .use = use };
	c->sessions = 0;
	use(&c->w, n);
	ops_make(&c->w, setup, n, mix);
	if (spare)
		use(&c->w, n + spare);
	ram_keep(&c->ram);
}

void case_begin(struct fault_case *c, enum ops_setup setup, size_t n, enum ops_mix mix)
{
	case_begin_spare(c, setup, n, mix, 0);
}

void case_end(struct fault_case *c)
{
	dyn_model_unref(c->w.m);
	dyn_session_close(c->w.s);
	ram_end(&c->ram);
}

/* -------------------------------------------------------------------- pictures */

void pictures_add(struct fault_case *c, struct pictures *pics)
{
	struct dyn_model *m = ram_scan(&c->ram, c->w.n);
	char *now = ops_picture(m);

	if (pics->n && strcmp(pics->text[pics->n - 1], now) == 0) {
		free(now);
	} else {
		assert_true(pics->n < PICTURES_MAX);
		pics->text[pics->n++] = now;
	}
	dyn_model_unref(m);
}

static bool of_table(const struct dyn_write *w)
{
	return strcmp(w->what, "partition table") == 0;
}

void pictures_of_plan(struct fault_case *c, const struct dyn_plan *p, struct pictures *pics)
{
	pictures_add(c, pics);
	for (size_t i = 0; i < p->n_steps; i++) {
		const struct dyn_step *st = &p->steps[i].pub;
		for (size_t k = 0; st->kind == DYN_STEP_SECTORS && k < st->n_writes; k++) {
			const struct dyn_write *w = &st->writes[k];
			ram_put(&c->ram, w->disk, w->sector, w->n_sectors, w->after);
			if (k + 1 == st->n_writes || of_table(w) != of_table(w + 1))
				pictures_add(c, pics);
		}
		/* a copy's end may begin with a table, as its preview shows */
		for (size_t k = 0; st->kind == DYN_STEP_COPY && k < st->n_writes && of_table(&st->writes[k]); k++) {
			const struct dyn_write *w = &st->writes[k];
			ram_put(&c->ram, w->disk, w->sector, w->n_sectors, w->after);
			if (k + 1 == st->n_writes || !of_table(w + 1))
				pictures_add(c, pics);
		}
	}
	ram_drop(&c->ram);
}

size_t pictures_find(const struct pictures *pics, const char *text)
{
	for (size_t i = 0; i < pics->n; i++)
		if (strcmp(pics->text[i], text) == 0)
			return i;
	return DYN_NONE;
}

void pictures_clear(struct pictures *pics)
{
	for (size_t i = 0; i < pics->n; i++)
		free(pics->text[i]);
	pics->n = 0;
}
