#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A rebuild in the console, and a terminal that takes no output for a while, or hangs up: the copy goes on at its rate, the
# terminal gets its modes back, and the next console finds the rebuild and can pause it. 60 seconds and 100 times in the
# full tier.
. "$(dirname "$0")/../tap.sh"
export DYNADISK T

lost() {
	local name=$1 out code
	shift
	out=$(python3 "$SOURCE/tests/faults/lost_terminal.py" "$@" 2>&1)
	code=$?
	if [ $code = 0 ]; then ok "$name"; else
		not_ok "$name"
		printf '%s\n' "$out" | grep -v '^figures: ' | sed 's/^/# /'
	fi
	printf '%s\n' "$out" | sed -n 's/^figures: /# figures: /p'
	rm -f "$T"/*.img
}

if [ "${DYNADISK_TIER:-fast}" = full ]; then
	lost 'a terminal that takes no output' blocked 60
	lost 'SIGHUP' hangup 100
else
	lost 'a terminal that takes no output' blocked 3
	lost 'SIGHUP' hangup 5
fi
tap_end
