#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# dynadisk in a virtual machine, on real block devices, used over the serial line as a person would: read what the screen
# says, press what it suggests. The disks are then judged from outside.
# shellcheck source=tests/tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/../tap.sh"
# shellcheck source=tests/judge.sh
. "$SOURCE/tests/judge.sh"
# shellcheck source=tests/vm/vm.sh
. "$SOURCE/tests/vm/vm.sh"

tmux_() { tmux -S "$T/tmux" "$@"; }
tap_at_exit() {
	tmux_ kill-server 2>/dev/null
	rm -rf "$T"
}
# serial_start IMAGE...: the machine on an 80x24 terminal; its screen can be read and typed at
serial_start() {
	vm_command console off "$@"
	echo 'set -g status off' >"$T/tmux.conf"
	tmux_ -f "$T/tmux.conf" new-session -d -x 80 -y 24 "$(printf '%q ' "${QEMU[@]}") 2>$T/qemu.err; echo the machine is off; sleep 1000"
}
screen() { tmux_ capture-pane -p; }
keys() { tmux_ send-keys "$@"; }
# shown TEXT SECONDS: waits until the screen says so
shown() {
	local deadline=$((SECONDS + $2))
	while [ $SECONDS -lt $deadline ]; do
		screen | grep -qE -- "$1" && return 0
		sleep 0.1
	done
	echo "not on the screen after $2 s: $1"
	screen
	return 1
}

check 'the system for the virtual machine is made' vm_ready
"$DYNADISK" lab "$T/lab" --scenario mbr-failed >"$T/said" 2>&1
lab=("$T"/lab/*.img)
name=$(ask "m['volumes'][0]['name']" "${lab[@]}")
contents "$name" "$T/before" "${lab[@]}"

serial_start "${lab[@]}"
check 'the console opens on the serial terminal' shown 'Failed Redundancy' 120
check 'and says what to do' shown 'r repairs it' 10
keys r
check 'r shows the plan before anything is written' shown 'Nothing has been written' 20
check 'the erased disk is named by its serial number' shown 'VIRT-4114' 5
keys Enter
check 'Enter asks for the end of its serial number' shown 'To go on, type' 10
keys -l 0000
keys Enter
check 'a wrong answer changes nothing' shown '"0000" is not it. Nothing has been written' 5
keys -l 4114
keys Enter
check 'the mirror is rebuilt and says so' shown 'Verified' 120
keys q
check 'q leaves' shown 'dynadisk ended with 0' 30
check 'the machine powers off' shown 'the machine is off' 60

judge_mirror 'repaired by keys' "$name" --complete "${lab[@]}"
contents "$name" "$T/after" "${lab[@]}"
check 'the volume holds what it held' cmp "$T/before" "$T/after"
tap_end
