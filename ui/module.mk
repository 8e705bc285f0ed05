# SPDX-License-Identifier: GPL-3.0-or-later
libui_a_SOURCES += ui/lab.c ui/lab.h ui/lab_scenarios.c ui/lab_scenarios.h ui/words.c ui/words.h

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/words_test
tests_unit_words_test_SOURCES = tests/unit/words_test.c
tests_unit_words_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_words_test_LDADD = libui.a $(UNIT_LIBS)
endif
