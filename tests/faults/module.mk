# SPDX-License-Identifier: GPL-3.0-or-later
# The proofs that nothing is lost. Each has a fast tier, which runs with every check, and a full one: a test looks at
# DYNADISK_TIER ("fast" or unset; "full") for how much of it to run, and says its figures in a "# figures: " line.
FULL_TESTS = tests/vm/powercut.sh
FULL_TESTS += tests/faults/races.sh
FULL_TESTS += tests/faults/names.sh

dist_check_SCRIPTS += \
	tests/faults/inuse.sh \
	tests/faults/names.sh \
	tests/faults/races.sh \
	tests/faults/rights.sh
EXTRA_DIST += tests/faults/names.py tests/faults/races.py

# Hostile names for the objects of a group.
EXTRA_PROGRAMS += tests/faults/names_make
check_DATA += tests/faults/names_make$(EXEEXT)
tests_faults_names_make_SOURCES = tests/faults/names_make.c
tests_faults_names_make_LDADD = $(ENGINE_LIBS)
CLEANFILES += tests/faults/names_make$(EXEEXT)

# Kills: the program ends at any system call, and goes on from there.
EXTRA_PROGRAMS += tests/faults/syskill
check_DATA += tests/faults/syskill$(EXEEXT)
tests_faults_syskill_SOURCES = tests/faults/syskill.c
tests_faults_syskill_LDADD =
CLEANFILES += tests/faults/syskill$(EXEEXT)
dist_check_SCRIPTS += tests/faults/kills.sh
EXTRA_DIST += tests/faults/kills.py
FULL_TESTS += tests/faults/kills.sh

if HAVE_CMOCKA
check_PROGRAMS += tests/faults/damage_test
tests_faults_damage_test_SOURCES = tests/faults/damage_test.c tests/faults/fields.c tests/faults/fields.h \
	tests/faults/unprotected.h $(PLAN_RIG)
tests_faults_damage_test_CFLAGS = $(UNIT_CFLAGS)
tests_faults_damage_test_LDADD = $(UNIT_LIBS)
endif
FULL_TESTS += tests/faults/damage_test
EXTRA_DIST += tests/faults/README.md

# Disks broken in one named way each.
dist_check_SCRIPTS += tests/faults/broken.sh
EXTRA_DIST += tests/faults/broken.py tests/faults/broken.golden
FULL_TESTS += tests/faults/broken.sh

# The console at random keys and sizes.
if HAVE_VTERM
check_PROGRAMS += tests/faults/keys
tests_faults_keys_SOURCES = tests/faults/keys.c tests/tui/vt.c tests/tui/vt.h
tests_faults_keys_CFLAGS = $(AM_CFLAGS) $(VTERM_CFLAGS)
tests_faults_keys_LDADD = $(VTERM_LIBS) -lutil
FULL_TESTS += tests/faults/keys
endif
dist_check_SCRIPTS += tests/faults/lost_terminal.sh
EXTRA_DIST += tests/faults/lost_terminal.py
FULL_TESTS += tests/faults/lost_terminal.sh

# Bad sectors, by a library put before the C library's read.
check_DATA += tests/faults/badread.so
tests/faults/badread.so: tests/faults/badread.c
	@$(MKDIR_P) tests/faults
	$(AM_V_CC)$(CC) $(AM_CPPFLAGS) -std=gnu11 -O1 -U_FORTIFY_SOURCE $(WARN_CFLAGS) -shared -fPIC -o $@ $(srcdir)/tests/faults/badread.c -ldl
CLEANFILES += tests/faults/badread.so
dist_check_SCRIPTS += tests/faults/bad_sectors.sh
EXTRA_DIST += tests/faults/badread.c
FULL_TESTS += tests/faults/bad_sectors.sh

# Failing calls of the shipped program, by a library before the C library.
check_DATA += tests/faults/badcall.so
tests/faults/badcall.so: tests/faults/badcall.c
	@$(MKDIR_P) tests/faults
	$(AM_V_CC)$(CC) $(AM_CPPFLAGS) -std=gnu11 -O1 -U_FORTIFY_SOURCE $(WARN_CFLAGS) -shared -fPIC -o $@ $(srcdir)/tests/faults/badcall.c -ldl
CLEANFILES += tests/faults/badcall.so
dist_check_SCRIPTS += tests/faults/errors.sh
EXTRA_DIST += tests/faults/badcall.c tests/faults/errors.py
FULL_TESTS += tests/faults/errors.sh

# Disks that go away below a real block device.
dist_check_SCRIPTS += tests/faults/vanish.sh
EXTRA_DIST += tests/faults/vanish.py
FULL_TESTS += tests/faults/vanish.sh

# States after a power cut and its recovery, read by others.
dist_check_SCRIPTS += tests/faults/crash_readers.sh
EXTRA_DIST += tests/faults/crash_readers.py
FULL_TESTS += tests/faults/crash_readers.sh
