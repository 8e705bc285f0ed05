# SPDX-License-Identifier: GPL-3.0-or-later
libdynadisk_a_SOURCES += \
	src/table/build.c \
	src/table/fdisk.c \
	src/table/gpt.c \
	src/table/mbr.c \
	src/table/mend.c \
	src/table/priv.h \
	src/table/read.c \
	src/table/table.c src/table/table.h

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/table_test
tests_unit_table_test_SOURCES = tests/unit/table_test.c
tests_unit_table_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_table_test_LDADD = $(UNIT_LIBS)
endif
