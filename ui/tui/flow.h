/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * flow.h - what the dialogs that lead to a plan share. Whether something is possible, and why not, is the engine's word:
 * its plan makers are asked, and their refusals are what people read.
 */
#ifndef UI_TUI_FLOW_H
#define UI_TUI_FLOW_H

#include "ui/tui/console.h"

/* Whether a maker made a plan, which is only thrown away; else its refusal as one or two sentences in reason. The plan
 * comes by its place, since the call that makes it stands among the arguments. */
bool flow_possible(int rc, struct dyn_plan **p, const struct dyn_err *err, char *reason, size_t n);
/* The target is a volume; a disk, or space on one. Else a reason that begins with `what`. */
bool flow_need_volume(struct target t, const char *what, char *reason, size_t n);
bool flow_need_disk(struct target t, const char *what, char *reason, size_t n);
bool flow_need_space(struct target t, const char *what, char *reason, size_t n);
/* A maker's result: its plan is shown, or its refusal. True when a plan is shown. */
bool flow_show(struct console *con, const char *title, int rc, struct dyn_plan *p, const struct dyn_err *err);

/* The partition style of the group's other disks: what a new one will most likely want. */
enum dyn_table flow_usual_table(const struct dyn_model *m);
/* Asks for MBR or GPT; pick gets an enum dyn_table. */
void flow_choose_table(struct console *con, size_t disk, menu_pick pick);

/* Says whether a disk can be chosen, and why not. */
typedef bool (*flow_can_disk)(struct console *con, size_t disk, char *reason, size_t n);
/* Adds every disk that is there to a chooser: those that `can` refuses are greyed and say why, the others have `hint`.
 * Returns how many can be chosen; *only: the last of them. */
size_t flow_add_disks(struct console *con, struct menu *m, flow_can_disk can, const char *hint, size_t *only);
/* Whether any disk but `but` can be chosen. */
bool flow_any_disk(struct console *con, size_t but, flow_can_disk can, char *reason, size_t n);

/* Asks for a size of at most `most` bytes, with that filled in; done gets what was typed. */
void flow_ask_size(struct console *con, const char *title, const char *text, uint64_t most, uint64_t suggested, input_done done);
/* What was typed as bytes, 0 for all that there is; false after saying what is wrong with it. */
bool flow_size(struct console *con, const char *title, const char *text, uint64_t *bytes);

/* Remembers which volumes there are, in con->flow; the volume that was not there then, or DYN_NONE. */
void flow_know_volumes(struct console *con);
size_t flow_new_volume(const struct console *con);
/* After a plan is shown: once it was carried out, offers to format the volume that came into being (flows_volume.c). */
void flow_format_after(struct console *con);

#endif
