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
# What the engine calls itself goes through wrap.c; the system's own libraries are left alone.
WRAP_FLAGS = -Wl,--wrap=open -Wl,--wrap=__open_2 -Wl,--wrap=openat -Wl,--wrap=pread -Wl,--wrap=pwrite \
	-Wl,--wrap=fsync -Wl,--wrap=ioctl -Wl,--wrap=flock -Wl,--wrap=ftruncate -Wl,--wrap=memfd_create \
	-Wl,--wrap=renameat -Wl,--wrap=nanosleep -Wl,--wrap=io_uring_queue_init -Wl,--wrap=malloc -Wl,--wrap=calloc \
	-Wl,--wrap=realloc -Wl,--wrap=strdup
check_PROGRAMS += tests/faults/errors_test
tests_faults_errors_test_SOURCES = tests/faults/errors_test.c tests/faults/wrap.c tests/faults/wrap.h $(FAULT_RIG)
tests_faults_errors_test_CFLAGS = $(UNIT_CFLAGS)
tests_faults_errors_test_LDFLAGS = $(AM_LDFLAGS) $(WRAP_FLAGS)
tests_faults_errors_test_LDADD = $(UNIT_LIBS)
FULL_TESTS += tests/faults/errors_test
check_PROGRAMS += tests/faults/commit_test
tests_faults_commit_test_SOURCES = tests/faults/commit_test.c tests/faults/wrap.c tests/faults/wrap.h \
	tests/unit/ldm_support.c tests/unit/ldm_support.h tests/unit/unit.h
tests_faults_commit_test_CFLAGS = $(UNIT_CFLAGS)
tests_faults_commit_test_LDFLAGS = $(AM_LDFLAGS) $(WRAP_FLAGS)
tests_faults_commit_test_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/faults/recover_test
tests_faults_recover_test_SOURCES = tests/faults/recover_test.c tests/faults/wrap.c tests/faults/wrap.h $(FAULT_RIG)
tests_faults_recover_test_CFLAGS = $(UNIT_CFLAGS)
tests_faults_recover_test_LDFLAGS = $(AM_LDFLAGS) $(WRAP_FLAGS)
tests_faults_recover_test_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/faults/record_test
tests_faults_record_test_SOURCES = tests/faults/record_test.c tests/faults/wrap.c tests/faults/wrap.h tests/unit/run_lab.c \
	tests/unit/run_lab.h tests/unit/unit.h
tests_faults_record_test_CFLAGS = $(UNIT_CFLAGS)
tests_faults_record_test_LDFLAGS = $(AM_LDFLAGS) $(WRAP_FLAGS) -Wl,--wrap=clock_gettime -Wl,--wrap=fcntl \
	-Wl,--wrap=posix_memalign
tests_faults_record_test_LDADD = $(UNIT_LIBS)
FULL_TESTS += tests/faults/record_test
endif
