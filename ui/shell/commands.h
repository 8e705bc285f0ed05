/* SPDX-License-Identifier: GPL-3.0-or-later */
/* commands.h - the functions behind the grammar table. Each prints its reply and returns what it came to. */
#ifndef UI_SHELL_COMMANDS_H
#define UI_SHELL_COMMANDS_H

#include "ui/shell/grammar.h"

#define SHELL_COMMAND(name) enum shell_result name(struct shell *sh, const struct shell_call *call)

/* show.c */
SHELL_COMMAND(cmd_list_disk);
SHELL_COMMAND(cmd_list_volume);
SHELL_COMMAND(cmd_list_partition);
SHELL_COMMAND(cmd_select_disk);
SHELL_COMMAND(cmd_select_partition);
SHELL_COMMAND(cmd_select_volume);
SHELL_COMMAND(cmd_rescan);

/* detail.c */
SHELL_COMMAND(cmd_detail_disk);
SHELL_COMMAND(cmd_detail_partition);
SHELL_COMMAND(cmd_detail_volume);
SHELL_COMMAND(cmd_attributes_disk);
SHELL_COMMAND(cmd_attributes_volume);
SHELL_COMMAND(cmd_filesystems);

/* change.c: mirrors and whole disks */
SHELL_COMMAND(cmd_add);
SHELL_COMMAND(cmd_break);
SHELL_COMMAND(cmd_clean);
SHELL_COMMAND(cmd_convert_basic);
SHELL_COMMAND(cmd_convert_dynamic);
SHELL_COMMAND(cmd_convert_gpt);
SHELL_COMMAND(cmd_convert_mbr);
SHELL_COMMAND(cmd_delete_disk);
SHELL_COMMAND(cmd_import);
SHELL_COMMAND(cmd_mend);
SHELL_COMMAND(cmd_offline_disk);
SHELL_COMMAND(cmd_offline_volume);
SHELL_COMMAND(cmd_online_disk);
SHELL_COMMAND(cmd_online_volume);
SHELL_COMMAND(cmd_recover);
SHELL_COMMAND(cmd_uniqueid);

/* parts.c: partitions, volumes and what is on them */
SHELL_COMMAND(cmd_active);
SHELL_COMMAND(cmd_create_partition_efi);
SHELL_COMMAND(cmd_create_partition_extended);
SHELL_COMMAND(cmd_create_partition_logical);
SHELL_COMMAND(cmd_create_partition_msr);
SHELL_COMMAND(cmd_create_partition_primary);
SHELL_COMMAND(cmd_create_volume_mirror);
SHELL_COMMAND(cmd_create_volume_simple);
SHELL_COMMAND(cmd_delete_partition);
SHELL_COMMAND(cmd_delete_volume);
SHELL_COMMAND(cmd_format);
SHELL_COMMAND(cmd_gpt);
SHELL_COMMAND(cmd_inactive);
SHELL_COMMAND(cmd_retain);
SHELL_COMMAND(cmd_set);

/* letters.c */
SHELL_COMMAND(cmd_assign);
SHELL_COMMAND(cmd_remove);

/* undo.c */
SHELL_COMMAND(cmd_undo);
SHELL_COMMAND(cmd_verify);

/* jobs.c */
SHELL_COMMAND(cmd_wait);
SHELL_COMMAND(cmd_rebuild_pause);
SHELL_COMMAND(cmd_rebuild_resume);
SHELL_COMMAND(cmd_rebuild_cancel);
SHELL_COMMAND(cmd_rebuild_finish);
SHELL_COMMAND(cmd_rebuild_forget);
SHELL_COMMAND(cmd_rebuild_rate);

/* help.c */
SHELL_COMMAND(cmd_exit);
SHELL_COMMAND(cmd_help);
SHELL_COMMAND(cmd_notice);
SHELL_COMMAND(cmd_preview);
SHELL_COMMAND(cmd_refused);
SHELL_COMMAND(cmd_rem);
SHELL_COMMAND(cmd_repair);

#endif
