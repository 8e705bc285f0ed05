#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The shipped program where one of its calls to the system fails, once or for good: its exit code, its message, and what the
# disks then hold (errors.py). SEED=N for other calls, ONLY=words for some of the operations.
. "$(dirname "$0")/../tap.sh"
# leaks are looked for by the runs where nothing fails; the library comes before the sanitizer's
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0:verify_asan_link_order=0
export DYNADISK T SHARED BADCALL_SO=$BUILD/tests/faults/badcall.so

some=1
[ "${DYNADISK_TIER:-fast}" = full ] && some=all
out=$(python3 "$SOURCE/tests/faults/errors.py" $some "${SEED:-1}" 2>&1)
if [ $? = 0 ]; then ok 'a call fails: the exit code, the message and the disks'; else
	not_ok 'a call fails: the exit code, the message and the disks'
	printf '%s\n' "$out" | grep -v '^figures: ' | head -60 | sed 's/^/# /'
fi
printf '%s\n' "$out" | sed -n 's/^figures: /# figures: /p'
tap_end
