# SPDX-License-Identifier: GPL-3.0-or-later
# The shell tests; the C ones are listed beside what they test. tests/README.md says what each of them proves.
dist_check_SCRIPTS += \
	tests/check-layers.sh \
	tests/docs.sh \
	tests/images/convert.sh \
	tests/images/format.sh \
	tests/images/partitions.sh \
	tests/e2e/kill.sh \
	tests/property/sequences.sh \
	tests/images/scan.sh \
	tests/images/import.sh \
	tests/shell/guides.sh \
	tests/shell/lab.sh \
	tests/shell/commands.sh \
	tests/shell/control.sh \
	tests/shell/interrupted.sh \
	tests/shell/language.sh \
	tests/shell/repair.sh \
	tests/shell/status.sh \
	tests/shell/terminal.sh

GUIDES = tests/shell/guides/ovh-mbr tests/shell/guides/ovh-gpt tests/shell/guides/blog tests/shell/guides/kb323432 \
	tests/shell/guides/kb814070 tests/shell/guides/kb814070-failed
EXTRA_DIST += tests/tap.sh tests/judge.sh tests/cutoff.py tests/unit/run.sh tests/images/compare.py tests/shell/terminal.py \
	tests/shell/guides/README.md tests/shell/guides/transcript.py tests/shell/guides/compare.py \
	tests/property/sequences.py tests/shell/guides/cut_out.py $(GUIDES:=.txt) $(GUIDES:=.golden) \
	tests/vm/kernel.sh tests/vm/vm.sh tests/vm/init tests/vm/ldm.sh tests/vm/console.sh tests/vm/powercut.sh tests/vm/powercut.py tests/README.md

# The engine's operations by script, for tests/images/.
EXTRA_PROGRAMS += tests/images/engine
check_DATA += tests/images/engine$(EXEEXT)
tests_images_engine_SOURCES = tests/images/engine.c
tests_images_engine_LDADD = $(ENGINE_LIBS)
CLEANFILES += tests/images/engine$(EXEEXT)

# For ./bootstrap check: which tests a run has to have results of.
.PHONY: list-tests
list-tests:
	@echo $(TEST_LOGS:.log=)

# The full tier of every proof that nothing is lost, in less than two hours on two cores: the fuzzer first, which takes half
# of that, beside it one of the others after the other. SEED=N repeats the random ones.
.PHONY: check-full
check-full:
	DYNADISK_TIER=full $(MAKE) -j2 check TESTS='tests/fuzz/fuzz.sh $(filter-out tests/fuzz/fuzz.sh,$(FULL_TESTS))'

# All programs and test programs, without running a test.
.PHONY: check_programs
check_programs:
	$(MAKE) all
	$(MAKE) $(check_LIBRARIES) $(check_PROGRAMS) $(check_DATA)

# What the tests have run so far, of a build with --enable-coverage: lines of src/, and branches where it matters most.
.PHONY: coverage
coverage:
	python3 $(top_srcdir)/tests/coverage.py $(abs_builddir)
EXTRA_DIST += tests/coverage.py
