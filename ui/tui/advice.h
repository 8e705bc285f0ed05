/* SPDX-License-Identifier: GPL-3.0-or-later */
/* advice.h - the one most useful sentence for the bottom line. Pure. */
#ifndef UI_TUI_ADVICE_H
#define UI_TUI_ADVICE_H

#include "ui/tui/roles.h"
#include "ui/tui/view.h"

/* What the whole machine needs most, and the key that does it. Returns how it should look. */
enum role advice(const struct view *v, char *dst, size_t n);

/* What `r` would do. */
enum repair_kind { REPAIR_NOTHING, REPAIR_RECOVER, REPAIR_MIRROR, REPAIR_RESUME };
struct repair {
	enum repair_kind kind;
	size_t index; /* group, volume or job */
};
/* Everything `r` could begin with, most urgent first; the selected volume before others. Returns how many there are. */
size_t repairs(const struct view *v, struct repair *out, size_t max);

#endif
