# SPDX-License-Identifier: GPL-3.0-or-later
# Any bytes in place of what a disk, a file or a terminal says. The fast tier replays the kept inputs; the full one fuzzes on.
FUZZ_FILES = tests/fuzz/fuzz.h tests/fuzz/targets.c tests/fuzz/ldm_fuzz.c tests/fuzz/database_fuzz.c tests/fuzz/disk_fuzz.c \
	tests/fuzz/undo_fuzz.c tests/fuzz/face_fuzz.c tests/fuzz/keys_fuzz.c
FUZZ_WRAP = -Wl,--wrap=fopen,--wrap=console_rescan,--wrap=engine_begin,--wrap=engine_wait

check_PROGRAMS += tests/fuzz/replay
tests_fuzz_replay_SOURCES = tests/fuzz/replay.c $(FUZZ_FILES)
tests_fuzz_replay_CPPFLAGS = $(AM_CPPFLAGS)
tests_fuzz_replay_CFLAGS = $(libui_a_CFLAGS)
tests_fuzz_replay_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_WRAP)
tests_fuzz_replay_LDADD = $(UI_LIBS)

# Everything once more, for libFuzzer: made only when asked for (fuzz.sh does): make CC=clang tests/fuzz/fuzz
# No trace of comparisons: the targets make magic and checksums true themselves, and it takes half the time.
FUZZ_DEFINES = $(AM_CPPFLAGS) -DLDM_SMALL_REGIONS
FUZZ_OPTIONS = -std=gnu11 -g -O2 -w -pthread -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined \
	-fno-sanitize-coverage=trace-cmp -fsanitize-ignorelist=$(srcdir)/tests/fuzz/ignore.list \
	-fsanitize-coverage-ignorelist=$(srcdir)/tests/fuzz/ignore.list $(NCURSES_CFLAGS) $(EDIT_CFLAGS) $(SMARTCOLS_CFLAGS)
EXTRA_LIBRARIES = tests/fuzz/libfuzzed.a
tests_fuzz_libfuzzed_a_SOURCES = $(libdynadisk_a_SOURCES) $(libui_a_SOURCES)
tests_fuzz_libfuzzed_a_CPPFLAGS = $(FUZZ_DEFINES)
tests_fuzz_libfuzzed_a_CFLAGS = $(FUZZ_OPTIONS)
EXTRA_PROGRAMS += tests/fuzz/fuzz
tests_fuzz_fuzz_SOURCES = tests/fuzz/one.c $(FUZZ_FILES)
tests_fuzz_fuzz_CPPFLAGS = $(FUZZ_DEFINES)
tests_fuzz_fuzz_CFLAGS = $(FUZZ_OPTIONS)
tests_fuzz_fuzz_LDFLAGS = -pthread -fsanitize=fuzzer,address,undefined $(FUZZ_WRAP)
tests_fuzz_fuzz_LDADD = tests/fuzz/libfuzzed.a $(FDISK_LIBS) $(BLKID_LIBS) $(URING_LIBS) $(NCURSES_LIBS) $(EDIT_LIBS) \
	$(SMARTCOLS_LIBS)
CLEANFILES += tests/fuzz/fuzz$(EXEEXT) tests/fuzz/libfuzzed.a

dist_check_SCRIPTS += tests/fuzz/fuzz.sh
FULL_TESTS += tests/fuzz/fuzz.sh
EXTRA_DIST += tests/fuzz/corpus.py tests/fuzz/seeds.py tests/fuzz/ignore.list tests/fuzz/README.md \
	tests/fuzz/corpus/headers tests/fuzz/corpus/record tests/fuzz/corpus/rebuild tests/fuzz/corpus/database \
	tests/fuzz/corpus/recover tests/fuzz/corpus/table tests/fuzz/corpus/fs tests/fuzz/corpus/probe \
	tests/fuzz/corpus/undo tests/fuzz/corpus/shell tests/fuzz/corpus/keys
