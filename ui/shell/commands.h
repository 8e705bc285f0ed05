/* SPDX-License-Identifier: GPL-3.0-or-later */
/* commands.h - the functions behind the grammar table. Each prints its reply and returns what it came to. */
#ifndef UI_SHELL_COMMANDS_H
#define UI_SHELL_COMMANDS_H

#include "ui/shell/grammar.h"

#define SHELL_COMMAND(name) enum shell_result name(struct shell *sh, const struct shell_call *call)

SHELL_COMMAND(cmd_list_disk);
SHELL_COMMAND(cmd_list_volume);
SHELL_COMMAND(cmd_list_partition);
SHELL_COMMAND(cmd_select_disk);
SHELL_COMMAND(cmd_select_volume);
SHELL_COMMAND(cmd_detail_disk);
SHELL_COMMAND(cmd_detail_volume);

SHELL_COMMAND(cmd_add);
SHELL_COMMAND(cmd_break);
SHELL_COMMAND(cmd_convert_mbr);
SHELL_COMMAND(cmd_convert_gpt);
SHELL_COMMAND(cmd_convert_dynamic);
SHELL_COMMAND(cmd_delete_disk);
SHELL_COMMAND(cmd_recover);

SHELL_COMMAND(cmd_wait);
SHELL_COMMAND(cmd_rebuild_pause);
SHELL_COMMAND(cmd_rebuild_resume);
SHELL_COMMAND(cmd_rebuild_cancel);
SHELL_COMMAND(cmd_rebuild_rate);

SHELL_COMMAND(cmd_rescan);
SHELL_COMMAND(cmd_preview);
SHELL_COMMAND(cmd_help);
SHELL_COMMAND(cmd_rem);
SHELL_COMMAND(cmd_exit);
SHELL_COMMAND(cmd_repair);
SHELL_COMMAND(cmd_unavailable);

#endif
