/* SPDX-License-Identifier: GPL-3.0-or-later */
/* findings.h - everything in a model that a person or a monitor should know about, one sentence each. */
#ifndef UI_REPORT_FINDINGS_H
#define UI_REPORT_FINDINGS_H

#include "ui/report/report.h"

typedef void (*findings_fn)(void *arg, enum report_health level, const char *sentence);

/* Calls fn once per finding: volumes first, then disks and groups. Sentences start with the thing and have no final stop. */
void findings_walk(const struct dyn_model *m, findings_fn fn, void *arg);

/* "Regenerating (12%)", "Regenerating (paused at 12%)", or the plain status word. */
void findings_volume_status(const struct dyn_model *m, const struct dyn_volume *v, char *dst, size_t n);

/* 0-100, rounded down: 100 only when all of it is done. */
unsigned findings_percent(uint64_t done, uint64_t total);

#endif
