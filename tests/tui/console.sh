#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The console on a terminal in memory: scripts of keys (*.keys), what must be on the screen after them (*.screen: text,
# *.looks: colours). GENERATE=1 writes the screens anew.
# shellcheck source=tests/tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/../tap.sh"
# shellcheck source=tests/judge.sh
. "$SOURCE/tests/judge.sh"
GOLDEN_FOLDER=$SOURCE/tests/tui
export DYNADISK DYNADISK_HOSTNAME=rescue TERM=xterm-256color
unset NO_COLOR LINES COLUMNS

if [ ! -x "$BUILD/tests/tui/vtrun" ]; then
	echo '1..0 # SKIP built without libvterm'
	exit 0
fi

# lab SCENARIO [ALWAYS]: fresh practice disks in $T/disks, in which the next play takes place. ALWAYS: the first without holes.
lab() {
	[ -d "$T/$1" ] || "$DYNADISK" lab "$T/$1" --scenario "$1" >/dev/null || return 1
	rm -rf "$T/disks" && mkdir "$T/disks" && cp --sparse=always "$T/$1"/*.img "$T/disks" || return 1
	[ -z "${2:-}" ] || { cp --sparse=never "$T/$1/disk0.img" "$T/disks/full" && mv "$T/disks/full" "$T/disks/disk0.img"; }
}
# basic_disks: a GPT disk, an MBR disk with an extended partition, and a blank one, made by programs that are not ours
basic_disks() {
	rm -rf "$T/disks" && mkdir "$T/disks" && cd "$T/disks" || return 1
	truncate -s 600M gpt.img mbr.img blank.img &&
		sgdisk -n1:2048:+100M -t1:ef00 -n2:0:+16M -t2:0c01 -n3:0:+200M -t3:0700 gpt.img >/dev/null &&
		printf 'label: dos\nlabel-id: 0x0badcafe\nstart=2048,size=204800,type=7,bootable\nsize=614400,type=f\nsize=204800,type=7\n' | sfdisk -q mbr.img
	cd "$SOURCE" || return 1
}
# stale: a healthy mirror whose second disk was away while the first one's group changed
stale() {
	lab gpt-healthy && rm -f "$T/disks/disk2.img" &&
		echo 'create volume simple size=10 disk=0' | "$DYNADISK" shell --script - "$T/disks/disk0.img" >/dev/null
}
# play NAME [SCRIPT]: one script, in the folder of the disks
play() {
	cd "$T/disks" || return 1
	check "$1" "$BUILD/tests/tui/vtrun" "$GOLDEN_FOLDER/${2:-$1}.keys" "$GOLDEN_FOLDER"
	cd "$SOURCE" || return 1
}

lab mbr-failed
play screens
play menus
TABLE=MBR OTHER=GPT play plan
play readonly
play signals
play conduct
basic_disks && play operations
basic_disks && play change
basic_disks && play partition
basic_disks && play empty
basic_disks && play clone
lab mbr-failed
play bar
play failed
lab mbr-failed
play hang
lab gpt-healthy
play halves
stale
play stale
lab gpt-healthy && cp --sparse=always "$T/disks/disk0.img" "$T/other.img"
lab mbr-failed && cp --sparse=always "$T/disks/disk0.img" "$T/foreign.img"
basic_disks && mv "$T/other.img" "$T/foreign.img" "$T/disks"
play convert
play import
lab gpt-healthy && python3 "$SOURCE/tests/cutoff.py" committed "$T/disks/disk0.img" "$T/disks/disk1.img" && cp -r --sparse=always "$T/disks" "$T/cut"
play interrupted
rm -rf "$T/disks" && mv "$T/cut" "$T/disks"
play insist
lab gpt-healthy
play dynamic
if [ -n "$SHARED" ]; then
	check 'after a new mirror, a format and an undo: ldmcheck' \
		python3 "$SHARED/tools/ldmcheck.py" -q --mirror-data "$T/disks/disk0.img" "$T/disks/disk1.img"
else
	skip 'after a new mirror, a format and an undo: ldmcheck' 'the shared folder is not here'
fi

lab gpt-healthy
dd if=/dev/zero of="$T/disks/disk1.img" bs=512 seek=1 count=33 conv=notrunc status=none
play damage
check 'the repaired copies are the ones there were' cmp "$T/disks/disk1.img" "$T/gpt-healthy/disk1.img"

# Repairs by keys, judged by readers that are not ours
for style in mbr gpt; do
	lab $style-failed
	name=$(cd "$T/disks" && ask "m['volumes'][0]['name']" disk0.img disk1.img)
	contents "$name" "$T/before" "$T"/disks/*.img
	DISKS='disk0.img disk1.img' CONFIRM=disk1.img play "repair on $style by one key" repair
	judge_mirror "repaired $style" "$name" --complete "$T"/disks/*.img
	contents "$name" "$T/after" "$T"/disks/*.img
	check "the $style volume holds what it held" cmp "$T/before" "$T/after"
	for pick in '' '<Down>'; do
		lab $style-failed
		DISKS='disk0.img disk1.img' CONFIRM=disk1.img PICK=$pick play "repair on $style step by step${pick:+, other style}" steps
		judge_mirror "step by step $style${pick:+, other style}" "$name" --complete "$T"/disks/*.img
	done
done

if windows_images; then
	for pair in 2003r2 2008r2; do
		for n in 1 2; do
			rm -rf "$T/disks" && mkdir "$T/disks" && cp "$T/win/ldm-$pair-mirrored-$n.img" "$T/disks/disk0.img"
			truncate -s 60M "$T/disks/new.img"
			chmod u+w "$T"/disks/*
			DISKS='disk0.img new.img' CONFIRM=new.img play "Windows $pair, disk $n left: repair" repair
			if [ -n "$SHARED" ]; then
				check "Windows $pair, disk $n: ldmcheck" \
					python3 "$SHARED/tools/ldmcheck.py" -q --mirror-data "$T/disks/disk0.img" "$T/disks/new.img"
			fi
		done
	done
else
	skip 'the mirrors that Windows wrote' 'the Windows images are not here'
fi

# Rebuilds that take their time
lab mbr-failed full
play rebuild
play resume
check 'after the resumed rebuild nothing is broken' "$DYNADISK" status --check "$T"/disks/*.img
lab mbr-failed full
play leave
for _ in $(seq 600); do "$DYNADISK" status --check "$T"/disks/*.img >/dev/null && break; sleep 0.1; done
check 'the rebuild that was left running came to its end' "$DYNADISK" status --check "$T"/disks/*.img
lab mbr-failed full
play hangup
check 'the rebuild outlived its terminal' "$DYNADISK" status --check "$T"/disks/*.img

# Every terminal, in both locales
lab mbr-failed
export GOLDEN FLAGS
for locale in C.UTF-8 C; do
	for term in linux vt100 vt220 xterm-256color tmux-256color screen; do
		GOLDEN=main-80x24 FLAGS=
		LC_ALL=$locale TERM=$term play "TERM=$term, LC_ALL=$locale" terminal
	done
done
GOLDEN=main-ascii FLAGS=--ascii play 'ASCII' terminal
GOLDEN=main-80x24 FLAGS=--no-color play 'no colours' terminal
dumb_terminal() { TERM=dumb script -qec "$DYNADISK $T/disks/disk0.img" /dev/null | grep -q 'dynadisk shell'; }
check 'a dumb terminal is refused with the way out' dumb_terminal
no_terminal() { "$DYNADISK" "$T/disks/disk0.img" </dev/null 2>&1 | grep -q 'dynadisk status'; }
check 'without a terminal it says what to use' no_terminal
tap_end
