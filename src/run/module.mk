# SPDX-License-Identifier: GPL-3.0-or-later
libdynadisk_a_SOURCES += \
	src/run/copy.c src/run/copy.h \
	src/run/copy_holes.c \
	src/run/copy_threads.c \
	src/run/copy_uring.c \
	src/run/writer.c src/run/writer.h

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/run_copy_test
tests_unit_run_copy_test_SOURCES = tests/unit/run_copy_test.c tests/unit/run_faulty.c tests/unit/run_faulty.h tests/unit/unit.h
tests_unit_run_copy_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_run_copy_test_LDADD = $(UNIT_LIBS)
endif
