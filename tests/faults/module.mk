# SPDX-License-Identifier: GPL-3.0-or-later
# The proofs that nothing is lost. Each has a fast tier, which runs with every check, and a full one: a test looks at
# DYNADISK_TIER ("fast" or unset; "full") for how much of it to run, and says its figures in a "# figures: " line.
FULL_TESTS = tests/property/sequences.sh
FULL_TESTS += tests/vm/powercut.sh
FULL_TESTS += tests/faults/races.sh

dist_check_SCRIPTS += \
	tests/faults/inuse.sh \
	tests/faults/races.sh
EXTRA_DIST += tests/faults/races.py
