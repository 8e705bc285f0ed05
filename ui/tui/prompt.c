/* SPDX-License-Identifier: GPL-3.0-or-later */
/* prompt.c - the DiskPart prompt inside the console. */
#include "config.h"

#include "ui/tui/console.h"

void console_prompt(struct console *con)
{
	con->want_prompt = false;
	console_notice(con, "Leave with q and run: dynadisk shell");
}
