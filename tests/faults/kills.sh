#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The shipped program, killed with SIGKILL at its system calls while it adds a mirror, at random ones of rebuilds, and
# between two checkpoints. After each kill the volume is its old self; from there it comes to a mirror, judged by its bytes.
# The full tier kills at each of the first 2,000 calls and every third behind them, and 1,000 times at random. SEED=N.
. "$(dirname "$0")/../tap.sh"
# leaks are looked for by a tracer of its own, of which there can be one only
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
export DYNADISK T SHARED SYSKILL=$BUILD/tests/faults/syskill

kills() {
	local name=$1 out code
	shift
	out=$(python3 "$SOURCE/tests/faults/kills.py" "$@" 2>&1)
	code=$?
	if [ $code = 0 ]; then ok "$name"; else
		not_ok "$name"
		printf '%s\n' "$out" | grep -v '^figures: ' | head -40 | sed 's/^/# /'
	fi
	printf '%s\n' "$out" | sed -n 's/^figures: /# figures: /p'
}

if ! [ -x "$SYSKILL" ]; then
	not_ok "$SYSKILL is built"
elif "$SYSKILL" 0 "$(type -P true)" 2>/dev/null; then
	if [ "${DYNADISK_TIER:-fast}" = full ]; then
		kills 'killed at each of its first 2,000 system calls' calls 1 1 2000
		kills 'killed at every third call behind them' calls 2001 3 1000000
		kills 'killed at random, again and again' random 1000 "${SEED:-1}"
		kills 'at most one checkpoint is copied again' checkpoint 20 "${SEED:-1}"
	else
		kills 'killed at system calls all over the run' calls 300 249 1000000
		kills 'killed at random, again and again' random 12 "${SEED:-1}"
		kills 'at most one checkpoint is copied again' checkpoint 1 "${SEED:-1}"
	fi
else
	skip 'killed at system calls' 'processes cannot be traced here'
fi
tap_end
