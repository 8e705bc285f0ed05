# SPDX-License-Identifier: GPL-3.0-or-later
libui_a_SOURCES += \
	ui/report/findings.c ui/report/findings.h \
	ui/report/json.c ui/report/json.h \
	ui/report/report.h \
	ui/report/status.c \
	ui/report/status_json.c

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/report_test
tests_unit_report_test_SOURCES = tests/unit/report_test.c tests/unit/toy_model.c tests/unit/toy_model.h
tests_unit_report_test_CFLAGS = $(UNIT_CFLAGS)
tests_unit_report_test_LDADD = libui.a $(UNIT_LIBS) $(SMARTCOLS_LIBS)
endif
