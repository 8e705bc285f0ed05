#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A few random command sequences (sequences.py); the full tier runs 2,000. SEED=N repeats a run.
. "$(dirname "$0")/../tap.sh"
count=6
[ "${DYNADISK_TIER-fast}" != full ] || count=2000
count=${SEQUENCES:-$count}
options=()
[ "$count" -gt 100 ] || SEED=${SEED:-1} # the same few every time; many at random
[ -z "$SHARED" ] || options+=(--ldmcheck "$SHARED/tools/ldmcheck.py")
[ -z "${SEED-}" ] || options+=(--seed "$SEED")
[ "$count" -le 100 ] || options+=(--jobs 2)
for tool in python3 mkntfs mkfs.fat sgdisk; do
	command -v "$tool" >/dev/null && continue
	skip 'random sequences' "$tool is not installed"
	tap_end
	exit
done
if out=$(python3 "$SOURCE/tests/property/sequences.py" "$DYNADISK" "$count" "${options[@]}" 2>&1); then
	ok "$count random sequences of commands"
	printf '%s\n' "${out##*$'\n'}"
else
	not_ok "$count random sequences of commands"
	printf '%s\n' "$out" | sed 's/^/# /'
fi
tap_end
