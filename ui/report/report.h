/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report.h - the state of all disks on paper: for people, for programs, and as an exit code for monitoring. */
#ifndef UI_REPORT_REPORT_H
#define UI_REPORT_REPORT_H

#include <stdio.h>

#include "dynadisk.h"

/* The exit codes of `status --check`; the numbers are an interface (those of mdadm --detail --test). */
enum report_health { REPORT_HEALTHY = 0, REPORT_DEGRADED = 1, REPORT_FAILED = 2, REPORT_ERROR = 4 };

/*
 * The worst that is true of the model, and one line about it without its newline ("DEGRADED: C: Windows is Failed
 * Redundancy"). Failed outranks degraded, degraded outranks error (a disk that could not be read).
 */
enum report_health report_health(const struct dyn_model *m, char *line, size_t n);

/* One JSON object, schema 1 (dynadisk(8), "JSON"). 0, or -EIO when writing fails. */
int report_json(const struct dyn_model *m, FILE *out);

/* Tables of disks and volumes, then what needs attention. 0, or a negative errno value. */
int report_text(const struct dyn_model *m, FILE *out);

#endif
