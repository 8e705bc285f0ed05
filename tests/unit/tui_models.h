/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tui_models.h - hand-made models for the console's unit tests, and the canvas as text. */
#ifndef TESTS_TUI_MODELS_H
#define TESTS_TUI_MODELS_H

#include "ui/tui/canvas.h"
#include "ui/tui/view.h"

#define GB (1ULL << 30)
#define MB (1ULL << 20)

/* A mirror whose second half is gone, an EFI partition, and an empty disk of the right size. */
const struct dyn_model *model_broken_mirror(void);
/* n online basic disks with one partition each (a static, so only one at a time). */
const struct dyn_model *model_many_disks(size_t n);
/* One disk with n partitions, the first half of them tiny. */
const struct dyn_model *model_many_regions(size_t n);
/* Nothing at all. */
const struct dyn_model *model_empty(void);
/* A rebuild of C: at 47%, as a job of this session. */
struct dyn_job job_copying(void);

/* The canvas as text, lines trimmed at the end, frames as + - |. Freed by the caller. */
char *canvas_as_text(const struct canvas *c);
/* Row y of it. Freed by the caller. */
char *canvas_row(const struct canvas *c, int y);

#endif
