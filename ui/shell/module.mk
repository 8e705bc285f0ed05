# SPDX-License-Identifier: GPL-3.0-or-later
libui_a_SOURCES += \
	ui/shell/change.c \
	ui/shell/commands.h \
	ui/shell/focus.c \
	ui/shell/format.c \
	ui/shell/grammar.c ui/shell/grammar.h \
	ui/shell/input.c ui/shell/input.h \
	ui/shell/internal.h \
	ui/shell/jobs.c \
	ui/shell/shell.c ui/shell/shell.h \
	ui/shell/show.c
