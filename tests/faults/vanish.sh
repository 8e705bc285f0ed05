#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A disk goes away below a real block device while the shipped program adds a mirror: the new one or the source, with errors
# or altogether; and comes back (vanish.py).
. "$(dirname "$0")/../tap.sh"
export DYNADISK T SHARED

name='a disk goes away and comes back'
for needed in nbdkit nbdfuse losetup; do
	command -v $needed >/dev/null && continue
	skip "$name" "$needed is not installed"
	tap_end
	exit
done
if [ "$(id -u)" != 0 ] || ! [ -w /dev/fuse ] || ! [ -w /dev/loop-control ]; then
	skip "$name" 'only root with /dev/fuse and loop devices can make such disks'
	tap_end
	exit
fi
some=2
[ "${DYNADISK_TIER:-fast}" = full ] && some=all
out=$(python3 "$SOURCE/tests/faults/vanish.py" $some 2>&1)
case $? in
0) ok "$name" ;;
77) skip "$name" "there are no such devices here: $out" ;;
*)
	not_ok "$name"
	printf '%s\n' "$out" | grep -v '^figures: ' | head -60 | sed 's/^/# /'
	;;
esac
printf '%s\n' "$out" | sed -n 's/^figures: /# figures: /p'
tap_end
