# SPDX-License-Identifier: GPL-3.0-or-later
libdynadisk_a_SOURCES += \
	src/plan/basic.c \
	src/plan/break.c \
	src/plan/clean.c \
	src/plan/clone.c \
	src/plan/create.c \
	src/plan/delete.c \
	src/plan/entries.c src/plan/entries.h \
	src/plan/geometry.c src/plan/geometry.h \
	src/plan/import.c \
	src/plan/format.c src/plan/format.h \
	src/plan/initialize.c \
	src/plan/join.c src/plan/join.h \
	src/plan/letter.c \
	src/plan/mend.c \
	src/plan/mkfs.c \
	src/plan/mirror.c \
	src/plan/partedit.c \
	src/plan/partition.c src/plan/partition.h \
	src/plan/plan.c src/plan/plan.h \
	src/plan/reactivate.c \
	src/plan/records.c src/plan/records.h \
	src/plan/recover.c \
	src/plan/repair.c \
	src/plan/retain.c \
	src/plan/sim.c src/plan/sim.h \
	src/plan/upgrade.c

if HAVE_CMOCKA
PLAN_RIG = tests/unit/unit.h tests/unit/plan_rig.c tests/unit/plan_rig.h

check_PROGRAMS += tests/unit/plan_test
tests_unit_plan_test_SOURCES = tests/unit/plan_test.c $(PLAN_RIG)
tests_unit_plan_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_plan_test_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/mend_test
tests_unit_mend_test_SOURCES = tests/unit/mend_test.c $(PLAN_RIG)
tests_unit_mend_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_mend_test_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/partition_test
tests_unit_partition_test_SOURCES = tests/unit/partition_test.c $(PLAN_RIG)
tests_unit_partition_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_partition_test_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/geometry_test
tests_unit_geometry_test_SOURCES = tests/unit/unit.h tests/unit/geometry_test.c
tests_unit_geometry_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_geometry_test_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/dynamic_test
tests_unit_dynamic_test_SOURCES = tests/unit/dynamic_test.c $(PLAN_RIG)
tests_unit_dynamic_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_dynamic_test_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/import_test
tests_unit_import_test_SOURCES = tests/unit/import_test.c $(PLAN_RIG)
tests_unit_import_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_import_test_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/import_undo_test
tests_unit_import_undo_test_SOURCES = tests/unit/import_undo_test.c tests/unit/run_lab.c tests/unit/run_lab.h tests/unit/unit.h
tests_unit_import_undo_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_import_undo_test_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/format_test
tests_unit_format_test_SOURCES = tests/unit/format_test.c tests/unit/run_lab.c tests/unit/run_lab.h tests/unit/unit.h
tests_unit_format_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_format_test_LDADD = $(UNIT_LIBS)
endif
