# SPDX-License-Identifier: GPL-3.0-or-later
LDM_SOURCES = \
	src/ldm/check.c \
	src/ldm/db.c \
	src/ldm/ldm.h \
	src/ldm/log.c \
	src/ldm/names.c \
	src/ldm/ondisk.h \
	src/ldm/privhead.c \
	src/ldm/rebuild.c src/ldm/rebuild.h \
	src/ldm/record.c \
	src/ldm/recover.c \
	src/ldm/toc.c \
	src/ldm/txn.c \
	src/ldm/vmdb.c
libdynadisk_a_SOURCES += $(LDM_SOURCES)

if HAVE_CMOCKA
LDM_SUPPORT = tests/unit/unit.h tests/unit/ldm_support.c tests/unit/ldm_support.h

check_PROGRAMS += tests/unit/ldm_record_test
tests_unit_ldm_record_test_SOURCES = tests/unit/ldm_record_test.c $(LDM_SUPPORT)
tests_unit_ldm_record_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_ldm_record_test_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/ldm_txn_test
tests_unit_ldm_txn_test_SOURCES = tests/unit/ldm_txn_test.c $(LDM_SUPPORT)
tests_unit_ldm_txn_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_ldm_txn_test_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/ldm_db_test
tests_unit_ldm_db_test_SOURCES = tests/unit/ldm_db_test.c $(LDM_SUPPORT)
tests_unit_ldm_db_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_ldm_db_test_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/ldm_win_test
tests_unit_ldm_win_test_SOURCES = tests/unit/ldm_win_test.c $(LDM_SUPPORT)
tests_unit_ldm_win_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_ldm_win_test_LDADD = $(UNIT_LIBS)
endif
