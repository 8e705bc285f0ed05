# SPDX-License-Identifier: GPL-3.0-or-later
libdynadisk_a_SOURCES += \
	src/run/apply.c \
	src/run/check.c \
	src/run/control.c src/run/control.h \
	src/run/copy.c src/run/copy.h \
	src/run/copy_bad.c \
	src/run/copy_holes.c \
	src/run/copy_threads.c \
	src/run/copy_uring.c \
	src/run/inhibit.c src/run/inhibit.h \
	src/run/job.c src/run/job.h \
	src/run/job_run.c \
	src/run/lock.c \
	src/run/run.h \
	src/run/session.c \
	src/run/undo.c src/run/undo_dir.c src/run/undo_file.c src/run/undo.h \
	src/run/undo_save.c \
	src/run/verify.c \
	src/run/writer.c src/run/writer.h

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/run_copy_test
tests_unit_run_copy_test_SOURCES = tests/unit/run_copy_test.c tests/unit/run_faulty.c tests/unit/run_faulty.h tests/unit/unit.h
tests_unit_run_copy_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_run_copy_test_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/run_apply_test
tests_unit_run_apply_test_SOURCES = tests/unit/run_apply_test.c tests/unit/run_lab.c tests/unit/run_lab.h tests/unit/unit.h
tests_unit_run_apply_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_run_apply_test_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/run_undo_test
tests_unit_run_undo_test_SOURCES = tests/unit/run_undo_test.c tests/unit/run_lab.c tests/unit/run_lab.h tests/unit/unit.h
tests_unit_run_undo_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_run_undo_test_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/run_undo_crash_test
tests_unit_run_undo_crash_test_SOURCES = tests/unit/run_undo_crash_test.c tests/unit/run_lab.c tests/unit/run_lab.h tests/unit/unit.h
tests_unit_run_undo_crash_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_run_undo_crash_test_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/run_image_test
tests_unit_run_image_test_SOURCES = tests/unit/run_image_test.c tests/unit/run_lab.c tests/unit/run_lab.h tests/unit/unit.h
tests_unit_run_image_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_run_image_test_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/run_job_test
tests_unit_run_job_test_SOURCES = tests/unit/run_job_test.c tests/unit/run_lab.c tests/unit/run_lab.h tests/unit/unit.h
tests_unit_run_job_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_run_job_test_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/run_bad_test
tests_unit_run_bad_test_SOURCES = tests/unit/run_bad_test.c tests/unit/run_lab.c tests/unit/run_lab.h tests/unit/run_faulty.c tests/unit/run_faulty.h tests/unit/unit.h
tests_unit_run_bad_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_run_bad_test_LDADD = $(UNIT_LIBS)
endif
