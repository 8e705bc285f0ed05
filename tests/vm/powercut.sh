#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Power cuts of a virtual machine in the middle of a repair, unflushed writes lost, and disks that are pulled out of it
# (powercut.py): 2 of each, 50 and 20 in the full tier.
# shellcheck source=tests/tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/../tap.sh"
# shellcheck source=tests/vm/vm.sh
. "$SOURCE/tests/vm/vm.sh"

cuts=2 pulls=2
[ "${DYNADISK_TIER-fast}" != full ] || cuts=50 pulls=20
cuts=${CUTS:-$cuts} pulls=${PULLS:-$pulls}
if [ ! -e "$KERNEL/vmlinuz" ] || ! command -v qemu-system-x86_64 >/dev/null; then
	skip 'power cuts' 'there is no virtual machine; ./bootstrap check-vm makes it'
	tap_end
	exit
fi
mkdir "$T/lab"
vm_ready || { echo 'Bail out! the system for the virtual machine cannot be made'; exit 1; }
python3 "$SOURCE/tests/vm/powercut.py" "$DYNADISK" "$KERNEL/vmlinuz" "$T/initrd" "$T/lab" "$cuts" "$pulls" ${SHARED:+"$SHARED/tools/ldmcheck.py"}
