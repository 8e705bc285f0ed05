# SPDX-License-Identifier: GPL-3.0-or-later
libdynadisk_a_SOURCES += \
	src/base/bytes.h \
	src/base/err.c src/base/err.h \
	src/base/io.c src/base/io.h \
	src/base/rand.c src/base/rand.h \
	src/base/ranges.c src/base/ranges.h \
	src/base/sectmap.c src/base/sectmap.h \
	src/base/session.c src/base/session.h \
	src/base/temp.c src/base/temp.h \
	src/base/text.c \
	src/base/tool.c src/base/tool.h

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/base_test
tests_unit_base_test_SOURCES = tests/unit/base_test.c
tests_unit_base_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_base_test_LDADD = $(UNIT_LIBS)
endif
