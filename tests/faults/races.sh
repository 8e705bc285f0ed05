#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Two instances, the same plan, the same disks: exactly one writes. Ten races; a thousand in the full tier.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
n=10
[ "${DYNADISK_TIER:-fast}" != full ] || n=1000
CHECKER=
[ -z "$SHARED" ] || CHECKER=$SHARED/tools/ldmcheck.py
export DYNADISK CHECKER TMPDIR=$T
python3 "$SOURCE/tests/faults/races.py" "${RACES:-$n}" "${SEED:-1}"
