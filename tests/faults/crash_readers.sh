#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# crash_readers.sh - states that a power cut left, recovered, on image files: ldmcheck.py and ldmtool read exactly the
# layout that crash_test takes them for, the old one or the new one.
# shellcheck source=../tap.sh disable=SC1091
. "$(dirname "$0")/../tap.sh"

checker=-
[ -n "$SHARED" ] && checker=$SHARED/tools/ldmcheck.py
if [ "$checker" = - ] && ! command -v ldmtool >/dev/null; then
	skip 'recovered states are read by others' 'neither ldmcheck.py nor ldmtool is here'
elif [ ! -x "$BUILD/tests/faults/crash_test" ]; then
	skip 'recovered states are read by others' 'crash_test was not built (cmocka is missing)'
else
	start=$SECONDS
	# the states are crash_test's own fast tier; asking about one takes a hundred times as long as judging it
	every=3 least=24 part=1/2
	[ "${DYNADISK_TIER:-}" = full ] && every=1 least=300 part=1/1
	export PART=$part CRASH_READERS="python3 $SOURCE/tests/faults/crash_readers.py $checker" CRASH_IMAGES=$T/images CRASH_EVERY=$every
	export DYNADISK_TIER=fast
	mkdir "$T/images"
	check 'recovered states are read by others as old or new' "$BUILD/tests/faults/crash_test"
	n=$(wc -l <"$T/images/readers.log") ops=$(cut -d, -f2- "$T/images/readers.log" | sort -u | wc -l)
	check "at least $least of them" [ "$n" -ge $least ]
	echo "# figures: crash readers: $n states of $ops cases, by: $(sed 's/,.*//' "$T/images/readers.log" | sort | uniq -c | tr '\n' ' '); $((SECONDS - start)) s"
fi
tap_end
