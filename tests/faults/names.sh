#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# 200 hostile names in every place that has one: no control byte comes out. Each once in ten sets of disks; in the full tier
# in other company thirty times over.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
n=10
[ "${DYNADISK_TIER:-fast}" != full ] || n=300
export DYNADISK TMPDIR=$T NAMES_MAKE=$BUILD/tests/faults/names_make
python3 "$SOURCE/tests/faults/names.py" "${SETS:-$n}" "${SEED:-1}"
