# SPDX-License-Identifier: GPL-3.0-or-later
libui_a_SOURCES += \
	ui/tui/actions.c ui/tui/actions.h \
	ui/tui/advice.c ui/tui/advice.h \
	ui/tui/canvas.c ui/tui/canvas.h \
	ui/tui/console.c ui/tui/console.h \
	ui/tui/dialogs.c \
	ui/tui/flows.c \
	ui/tui/freespace.c \
	ui/tui/help.c \
	ui/tui/keys.c ui/tui/keys.h \
	ui/tui/layout.c ui/tui/layout.h \
	ui/tui/list.c \
	ui/tui/loop.c \
	ui/tui/paint.c ui/tui/paint.h \
	ui/tui/planview.c \
	ui/tui/properties.c \
	ui/tui/rebuilds.c \
	ui/tui/roles.h \
	ui/tui/term.c ui/tui/term.h \
	ui/tui/tui.h \
	ui/tui/util.c ui/tui/util.h \
	ui/tui/view.c ui/tui/view.h

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/tui_layout_test
tests_unit_tui_layout_test_SOURCES = tests/unit/tui_layout_test.c tests/unit/tui_models.c tests/unit/tui_models.h
tests_unit_tui_layout_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_tui_layout_test_LDADD = libui.a $(UNIT_LIBS) $(NCURSES_LIBS)
endif
