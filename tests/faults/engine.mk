# SPDX-License-Identifier: GPL-3.0-or-later
# Power cuts, failing calls, disks that go away: on disks in memory, at the level of the engine.
if HAVE_CMOCKA
FAULT_RIG = tests/unit/unit.h tests/faults/case.c tests/faults/case.h tests/faults/ops.c tests/faults/ops.h \
	tests/faults/ram.c tests/faults/ram.h
check_PROGRAMS += tests/faults/crash_test
tests_faults_crash_test_SOURCES = tests/faults/crash_test.c tests/faults/crash.c tests/faults/crash.h $(FAULT_RIG)
tests_faults_crash_test_CFLAGS = $(UNIT_CFLAGS)
tests_faults_crash_test_LDADD = $(UNIT_LIBS)
FULL_TESTS += tests/faults/crash_test
check_PROGRAMS += tests/faults/defects_test
tests_faults_defects_test_SOURCES = tests/faults/defects_test.c $(FAULT_RIG)
tests_faults_defects_test_CFLAGS = $(UNIT_CFLAGS)
tests_faults_defects_test_LDADD = $(UNIT_LIBS)
endif
