# SPDX-License-Identifier: GPL-3.0-or-later
libui_a_SOURCES += \
	ui/shell/change.c \
	ui/shell/commands.h \
	ui/shell/detail.c \
	ui/shell/focus.c \
	ui/shell/format.c \
	ui/shell/grammar.c ui/shell/grammar.h \
	ui/shell/help.c \
	ui/shell/input.c ui/shell/input.h \
	ui/shell/internal.h \
	ui/shell/jobs.c \
	ui/shell/letters.c \
	ui/shell/online.c \
	ui/shell/parts.c \
	ui/shell/shell.c ui/shell/shell.h \
	ui/shell/show.c \
	ui/shell/table.c \
	ui/shell/undo.c

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/shell_grammar_test tests/unit/shell_format_test
tests_unit_shell_grammar_test_SOURCES = tests/unit/shell_grammar_test.c
tests_unit_shell_grammar_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_shell_grammar_test_LDADD = $(UI_LIBS) $(CMOCKA_LIBS)
tests_unit_shell_format_test_SOURCES = tests/unit/shell_format_test.c tests/unit/toy_model.c tests/unit/toy_model.h
tests_unit_shell_format_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_shell_format_test_LDADD = $(UI_LIBS) $(CMOCKA_LIBS)
endif
