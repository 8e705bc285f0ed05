#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Two dynadisks on the same disks: the second sees the rebuild that the first runs, and can limit, pause, continue and
# cancel it; by the shell's commands and by the console's keys.
. "$(dirname "$0")/../tap.sh"
. "$SOURCE/tests/judge.sh"

images=("$T/a.img" "$T/b.img")
fresh() {
	rm -f "${images[@]}"
	truncate -s 96M "${images[@]}"
	printf '%s\n' 'select disk 0' 'convert mbr' 'convert dynamic' 'create volume simple size=64 disk=0' 'select disk 1' \
		'convert mbr' 'convert dynamic' | "$DYNADISK" shell --script - "${images[@]}" >/dev/null
	dd if=/dev/urandom of="${images[0]}" bs=1M seek=1 count=60 conv=notrunc status=none
}
job() { ask "m['jobs'][0]['$1'] if m['jobs'] else 'none'" "${images[@]}" 2>/dev/null; }
# until_job WHAT VALUE: as long as it takes, within a minute
until_job() {
	local i
	for ((i = 0; i < 600; i++)); do
		[ "$(job "$1")" = "$2" ] && return
		sleep 0.1
	done
	return 1
}
# first COMMAND...: a rebuild in the background; its pid in $pid
first() {
	printf '%s\n' 'rebuild rate=1' 'select volume 0' 'add disk=1' "$@" |
		"$DYNADISK" shell --script - "${images[@]}" >"$T/first" 2>&1 &
	pid=$!
}
second() { printf '%s\n' "$@" | "$DYNADISK" shell --script - "${images[@]}" >"$T/out" 2>&1; }

fresh
first wait
check 'the first one copies' until_job state copying
second 'rebuild rate=2'
same 'the second one limits it' 0 $?
second 'rebuild pause'
same 'the second one pauses it' 0 $?
check 'and says so' grep -q 'is paused at' "$T/out"
wait "$pid"
same 'the first one leaves with the failure of a wait' 4 $?
check 'having said why' grep -q 'A rebuild is paused' "$T/first"
same 'the rebuild is found paused' paused "$(job state)"
second 'rebuild pause'
same 'there is nothing to pause any more' 4 $?

printf '%s\n' 'rebuild rate=1' 'rebuild resume' wait | "$DYNADISK" shell --script - "${images[@]}" >"$T/first" 2>&1 &
pid=$!
check 'it is continued' until_job state copying
second 'rebuild cancel'
same 'the second one cancels it' 0 $?
wait "$pid"
same 'the first one says that it has none' 4 $?
check 'and what became of it' grep -q 'was cancelled. The volume stays simple' "$T/first"
same 'no rebuild is left' none "$(job state)"
same 'the volume is simple' simple "$(ask "m['volumes'][0]['layout']" "${images[@]}")"

if [ -x "$BUILD/tests/tui/vtrun" ]; then
	fresh
	first wait
	check 'a rebuild for the console to find' until_job state copying
	cat >"$T/keys" <<-END
		size 24 80
		run $DYNADISK ${images[*]}
		wait in another dynadisk
		keys l
		wait At most how many
		keys <BS><BS><BS>3<Enter>
		wait is limited now
		wait limit 3 MB/s
		keys c
		wait What was copied so far is given up
		keys <Down><Enter>
		gone in another dynadisk
		keys q
		exit 0
		sane
	END
	check 'the console limits and cancels it' env TERM=xterm-256color "$BUILD/tests/tui/vtrun" "$T/keys" "$T"
	wait "$pid"
	same 'no rebuild is left after the console' none "$(job state)"
else
	skip 'the console limits and cancels it' 'built without libvterm'
fi
tap_end
