#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A rebuild in the console, and a terminal that takes no output for a while, or hangs up: the copy goes on at its rate, the
# terminal gets its modes back, and the next console finds the rebuild and can pause it. 60 seconds and 100 times in the
# full tier.
. "$(dirname "$0")/../tap.sh"
. "$SOURCE/tests/judge.sh"
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

# A shutdown waits for a rebuild, and for nothing else: with a stand-in for logind and its systemd-inhibit.
lines() { printf '%s\n' "$@"; }
if [ ! -x "$BUILD/tests/tui/vtrun" ] || ! unshare -m mount -t tmpfs none /run 2>/dev/null; then
	skip 'a shutdown waits for the rebuild' 'no terminal emulator, or no mounts of our own'
else
	truncate -s 64M "$T/a.img" "$T/b.img"
	mkdir "$T/bin"
	# shellcheck disable=SC2016 # for the stand-in
	lines '#!/bin/sh' 'while [ "${1#--}" != "$1" ]; do shift; done' ": >'$T/held'" '"$@"' "rm '$T/held'" >"$T/bin/systemd-inhibit"
	chmod 755 "$T/bin/systemd-inhibit"
	lines 'select disk 0' 'convert mbr' 'convert dynamic' 'create volume simple size=40 disk=0' 'select disk 1' 'convert mbr' \
		'convert dynamic' | "$DYNADISK" shell --script - "$T/a.img" "$T/b.img" >"$T/out" || sed 's/^/# /' "$T/out"
	# data, as holes are copied in no time
	dd if=/dev/urandom of="$T/a.img" bs=1M count=39 oflag=seek_bytes seek="$(ask "m['volumes'][0]['plexes'][0]['extents'][0]['offset']" \
		"$T/a.img" "$T/b.img")" conv=notrunc status=none
	lines 'size 24 80' "run $DYNADISK --limit 1 a.img b.img" 'wait All volumes are healthy' 'keys a' 'wait Choose the disk' \
		'keys <Enter>' 'wait Nothing has been written' 'keys <Enter>' \
		'wait shutdown waits' 'keys p' 'wait p continues' 'gone shutdown waits' 'keys q' 'exit 0' 'sane' >"$T/keys"
	# shellcheck disable=SC2016 # for the inner shell
	check 'a shutdown waits for the rebuild, and not for a paused one' unshare -m bash -c '
		mount -t tmpfs none /run && mkdir -p /run/systemd/inhibit && cd "$1" && export PATH="$1/bin:$PATH" TERM=xterm-256color &&
		exec "$2" "$1/keys" "$1"' - "$T" "$BUILD/tests/tui/vtrun"
	check 'it is given back' test ! -e "$T/held"
fi
tap_end
