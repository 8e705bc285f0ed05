# SPDX-License-Identifier: GPL-3.0-or-later
# Any bytes in place of what a disk, a file or a terminal says. The fast tier replays the corpus; the full one fuzzes on.

# Built only when asked for: make CC=clang tests/fuzz/ldm_fuzz
EXTRA_PROGRAMS += tests/fuzz/ldm_fuzz
FUZZ_FLAGS = -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined
tests_fuzz_ldm_fuzz_SOURCES = tests/fuzz/ldm_fuzz.c $(LDM_SOURCES) src/base/err.c src/base/rand.c src/base/text.c
tests_fuzz_ldm_fuzz_CFLAGS = -std=gnu11 -g -O1 $(FUZZ_FLAGS)
tests_fuzz_ldm_fuzz_LDFLAGS = $(FUZZ_FLAGS)
