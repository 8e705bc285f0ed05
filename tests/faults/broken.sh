#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Disks that are broken in one named way each (broken.py): what is said of them, and what is repaired. Every fourth of them
# with each check; make check-full takes all.
. "$(dirname "$0")/../tap.sh"
part=0/4
[ "${DYNADISK_TIER-fast}" != full ] && [ -z "${GENERATE-}" ] || part=0/1
part=${BROKEN:-$part}
command -v python3 >/dev/null || { echo '1..0 # SKIP python3 is not installed'; exit 0; }
win=()
if windows_images; then win=("$T/win"); else skip 'the disks that Windows wrote' 'the Windows images are not here'; fi
SECONDS=0
if out=$(python3 "$SOURCE/tests/faults/broken.py" "$BUILD/tests/images/engine" "$DYNADISK" "$SOURCE/tests/faults/broken.golden" "$part" "${win[@]}" 2>&1)
then
	ok "${out##*$'\n'}"
	echo "# figures: ${out##*$'\n'}, $SECONDS s"
else
	not_ok 'broken disks'
	printf '%s\n' "$out" | sed 's/^/# /'
fi
tap_end
