# SPDX-License-Identifier: GPL-3.0-or-later
libui_a_SOURCES += \
	ui/tui/actions.c ui/tui/actions.h \
	ui/tui/advice.c ui/tui/advice.h \
	ui/tui/canvas.c ui/tui/canvas.h \
	ui/tui/console.c ui/tui/console.h \
	ui/tui/dialogs.c \
	ui/tui/engine.c ui/tui/engine.h \
	ui/tui/flow.c ui/tui/flow.h \
	ui/tui/flows.c \
	ui/tui/flows_disk.c \
	ui/tui/flows_part.c \
	ui/tui/flows_volume.c \
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
	ui/tui/work.c \
	ui/tui/view.c ui/tui/view.h

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/tui_layout_test
tests_unit_tui_layout_test_SOURCES = tests/unit/tui_layout_test.c tests/unit/tui_models.c tests/unit/tui_models.h
tests_unit_tui_layout_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_tui_layout_test_LDADD = libui.a $(UNIT_LIBS) $(NCURSES_LIBS)

check_PROGRAMS += tests/unit/tui_engine_test
tests_unit_tui_engine_test_SOURCES = tests/unit/tui_engine_test.c
tests_unit_tui_engine_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_tui_engine_test_LDADD = $(UI_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/tui_actions_test
tests_unit_tui_actions_test_SOURCES = tests/unit/tui_actions_test.c
tests_unit_tui_actions_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_tui_actions_test_LDADD = $(UI_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/tui_dialogs_test
tests_unit_tui_dialogs_test_SOURCES = tests/unit/tui_dialogs_test.c tests/unit/unit.h
tests_unit_tui_dialogs_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_tui_dialogs_test_LDADD = $(UI_LIBS) $(CMOCKA_LIBS)
endif

# The console on a terminal in memory: scripts of keys, played by vtrun.
if HAVE_VTERM
EXTRA_PROGRAMS += tests/tui/vtrun
check_DATA += tests/tui/vtrun$(EXEEXT)
tests_tui_vtrun_SOURCES = tests/tui/vtrun.c tests/tui/vt.c tests/tui/vt.h
tests_tui_vtrun_CFLAGS = $(AM_CFLAGS) $(VTERM_CFLAGS)
tests_tui_vtrun_LDADD = $(VTERM_LIBS) -lutil
endif
dist_check_SCRIPTS += tests/tui/console.sh tests/tui/goldens.sh
EXTRA_DIST += \
	tests/tui/actions.list tests/tui/bar.keys tests/tui/change.keys tests/tui/clone.keys \
	tests/tui/conduct.keys tests/tui/convert.keys tests/tui/damage.keys tests/tui/dynamic.keys \
	tests/tui/empty.keys tests/tui/failed.keys tests/tui/halves.keys tests/tui/hang.keys \
	tests/tui/hangup.keys tests/tui/import.keys tests/tui/insist.keys tests/tui/interrupted.keys \
	tests/tui/leave.keys tests/tui/menus.keys tests/tui/operations.keys tests/tui/partition.keys \
	tests/tui/plan.keys tests/tui/readonly.keys tests/tui/rebuild.keys tests/tui/repair.keys \
	tests/tui/resume.keys tests/tui/screens.keys tests/tui/signals.keys tests/tui/stale.keys \
	tests/tui/steps.keys tests/tui/terminal.keys tests/tui/about.screen tests/tui/ask-attributes.screen \
	tests/tui/ask-find.screen tests/tui/ask-insist-typed.screen tests/tui/ask-insist.screen \
	tests/tui/ask-letter.screen tests/tui/ask-limit.screen tests/tui/ask-protected.screen \
	tests/tui/ask-size.screen tests/tui/bottom-disks.screen tests/tui/bottom-hidden.screen \
	tests/tui/bottom-volumes.screen tests/tui/broken.screen tests/tui/choose-add-mirror.screen \
	tests/tui/choose-break.screen tests/tui/choose-clean.screen tests/tui/choose-clone-from.screen \
	tests/tui/choose-clone.screen tests/tui/choose-format.screen tests/tui/choose-half.screen \
	tests/tui/choose-id.screen tests/tui/choose-import.screen tests/tui/choose-mirror.screen \
	tests/tui/choose-partition.screen tests/tui/choose-style.screen tests/tui/choose-table.screen \
	tests/tui/choose-type.screen tests/tui/choose-unit.screen tests/tui/confirm-cancel.screen \
	tests/tui/confirm-quit.screen tests/tui/confirm.screen tests/tui/help.screen \
	tests/tui/imported.screen tests/tui/interrupted.screen tests/tui/log.screen \
	tests/tui/main-132x50.screen tests/tui/main-30x8.screen tests/tui/main-60x20.screen \
	tests/tui/main-80x24.looks tests/tui/main-80x24.screen tests/tui/main-ascii.screen \
	tests/tui/menu-action.screen tests/tui/menu-blank-disk.screen tests/tui/menu-damaged-disk.screen \
	tests/tui/menu-dynamic-disk.screen tests/tui/menu-dynamic-space.screen \
	tests/tui/menu-free-used.screen tests/tui/menu-free.screen tests/tui/menu-gpt-disk.screen \
	tests/tui/menu-gpt-partition.screen tests/tui/menu-groups.screen tests/tui/menu-help.screen \
	tests/tui/menu-mbr-disk.screen tests/tui/menu-mbr-partition.screen tests/tui/menu-mirror.screen \
	tests/tui/menu-missing.screen tests/tui/menu-offline-disk.screen tests/tui/menu-reading.screen \
	tests/tui/menu-space.screen tests/tui/menu-stale-disk.screen tests/tui/menu-view-bottom.screen \
	tests/tui/menu-view-top.screen tests/tui/menu-view.screen tests/tui/menu-volume.screen \
	tests/tui/offline.screen tests/tui/online.screen tests/tui/other-pane.screen \
	tests/tui/partition-gpt.screen tests/tui/partition.screen tests/tui/partitions.screen \
	tests/tui/plan-active.screen tests/tui/plan-add-mirror.screen tests/tui/plan-attributes.screen \
	tests/tui/plan-basic.screen tests/tui/plan-break.screen tests/tui/plan-clean-foreign.screen \
	tests/tui/plan-clean.screen tests/tui/plan-clone-from.screen tests/tui/plan-clone.screen \
	tests/tui/plan-delete-extended.screen tests/tui/plan-delete-mirror.screen \
	tests/tui/plan-delete-partition.screen tests/tui/plan-delete.screen tests/tui/plan-disk-id.screen \
	tests/tui/plan-dynamic.screen tests/tui/plan-extended.screen tests/tui/plan-format.screen \
	tests/tui/plan-import.screen tests/tui/plan-initialize.screen tests/tui/plan-insist.screen \
	tests/tui/plan-letter.screen tests/tui/plan-logical.screen tests/tui/plan-mend.screen \
	tests/tui/plan-mirror.screen tests/tui/plan-partition.screen tests/tui/plan-reactivate.screen \
	tests/tui/plan-recover.screen tests/tui/plan-remove-disk.screen tests/tui/plan-remove-mirror.screen \
	tests/tui/plan-retain.screen tests/tui/plan-simple.screen tests/tui/plan-to-gpt.screen \
	tests/tui/plan-to-mbr.screen tests/tui/plan-type.screen tests/tui/plan-undo.screen \
	tests/tui/plan-upgrade.screen tests/tui/plan.screen tests/tui/prompt.screen \
	tests/tui/properties-disk.screen tests/tui/properties-volume.screen tests/tui/rebuild-paused.screen \
	tests/tui/rescanned.screen tests/tui/stale.screen tests/tui/top-disks.screen \
	tests/tui/top-graph.screen tests/tui/verified.screen
