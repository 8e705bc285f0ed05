# SPDX-License-Identifier: GPL-3.0-or-later
libdynadisk_a_SOURCES += \
	src/model/facts.c \
	src/model/fsfree.c \
	src/model/fsprobe.c \
	src/model/group.c \
	src/model/headers.c \
	src/model/identity.c \
	src/model/inuse.c \
	src/model/job.c \
	src/model/join.c \
	src/model/list.c \
	src/model/model.c src/model/model.h \
	src/model/ntfs.c src/model/ntfs.h \
	src/model/partition.c \
	src/model/pool.c src/model/pool.h \
	src/model/probe.c \
	src/model/region.c \
	src/model/scan.c src/model/scan.h \
	src/model/volio.c src/model/volio.h \
	src/model/volume.c

if HAVE_CMOCKA
MODEL_SUPPORT = $(LDM_SUPPORT) tests/unit/model_support.c tests/unit/model_support.h

check_PROGRAMS += tests/unit/model_ldm_test
tests_unit_model_ldm_test_SOURCES = tests/unit/model_ldm_test.c $(MODEL_SUPPORT)
tests_unit_model_ldm_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_model_ldm_test_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/model_job_test
tests_unit_model_job_test_SOURCES = tests/unit/model_job_test.c $(MODEL_SUPPORT)
tests_unit_model_job_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_model_job_test_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/model_disk_test
tests_unit_model_disk_test_SOURCES = tests/unit/model_disk_test.c $(MODEL_SUPPORT)
tests_unit_model_disk_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_model_disk_test_LDADD = $(UNIT_LIBS)
endif
