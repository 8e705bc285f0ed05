#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The repair of a mirror, killed with SIGKILL: while it copies, while it verifies, and at single metadata writes. Each
# time every reader must accept the group, the volume must be what it was, and the repair must come to its end from there.
. "$(dirname "$0")/../tap.sh"
. "$SOURCE/tests/judge.sh"

# full IMAGE COPY: without holes, so that every byte is copied and a rate limit holds
full() { cp --sparse=never "$1" "$2" && chmod u+w "$2"; }

# start GOOD NEW COMMAND...: dynadisk shell in the background, with a script of these lines; its pid in $pid
start() {
	local good=$1 new=$2
	shift 2
	printf '%s\n' "$@" >"$T/script"
	"$DYNADISK" shell --script "$T/script" "$good" "$new" >"$T/out" 2>&1 &
	pid=$!
}

# kill_when STATE DELAY GOOD NEW: SIGKILL a moment after the rebuild has been seen in that state
kill_when() {
	local state=$1 delay=$2 i
	shift 2
	for ((i = 0; i < 300; i++)); do
		[ "$(ask "m['jobs'][0]['state'] if m['jobs'] else ''" "$@" 2>/dev/null)" = "$state" ] && break
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.05
	done
	sleep "$delay"
	kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	same "$name: it was killed, it did not end" 137 $?
}

# simple NAME VOLUME GOOD NEW: the volume is whole, alone, and its old self; the rebuild waits. $flags and $monitoring
# are those of rebuild_killed.
simple() {
	local what=$1 volume=$2 good=$3 new=$4 group
	judge_group "$what" "$flags" "$good" "$new"
	group=$(ask "m['groups'][0]['guid']" "$good" "$new")
	if command -v ldmtool >/dev/null; then
		same "$what: ldmtool says simple" simple "$(ldmtool_says type "$group" "$volume" "$good" "$new")"
	else
		skip "$what: ldmtool says simple" 'ldmtool is not installed'
	fi
	same "$what: status says rebuilding, paused" 'rebuilding paused' \
		"$(ask "volume('$volume')['status'] + ' ' + m['jobs'][0]['state']" "$good" "$new")"
	"$DYNADISK" status --check "$good" "$new" >/dev/null
	same "$what: monitoring is told" "$monitoring" $?
	contents "$volume" "$T/now" "$good" "$new"
	check "$what: the volume's bytes are the original's" cmp "$T/before" "$T/now"
	rm -f "$T/now"
}

# rebuild_killed NAME VOLUME CONVERT FLAGS MONITORING GOOD NEW: the repair, killed four times, then finished.
# FLAGS: for ldmcheck, --complete when the group has no other disks; MONITORING: the exit code of status --check
rebuild_killed() {
	name=$1 flags=$4 monitoring=$5
	local volume=$2 convert=$3 good=$6 new=$7 number lost delay
	contents "$volume" "$T/before" "$good" "$new"
	number=$(ask "volume('$volume')['number']" "$good" "$new")
	lost=$(ask "next(p['extents'][0]['disk'] for p in volume('$volume')['plexes'] if p['status'] == 'missing')[5:]" "$good" "$new")
	start "$good" "$new" "select volume $number" "break disk=$lost nokeep" "select disk=$lost" 'delete disk' \
		'select disk 1' "$convert" 'convert dynamic' 'rebuild rate=4' "select volume $number" 'add disk=1' wait
	kill_when copying 0.1 "$good" "$new"
	simple "$name, killed at the start" "$volume" "$good" "$new"
	for delay in 0.7 1.9; do
		start "$good" "$new" 'rebuild rate=6' 'rebuild resume' wait
		kill_when copying $delay "$good" "$new"
		simple "$name, killed after $delay s of copying" "$volume" "$good" "$new"
	done
	# The half written so far is not trusted: what happens to it meanwhile must not get into the mirror.
	read -r offset < <(ask "volume('$volume')['plexes'][1]['extents'][0]['offset']" "$good" "$new")
	dd if=/dev/urandom of="$new" bs=512 count=9 seek=$((offset / 512 + 1000)) conv=notrunc status=none
	start "$good" "$new" 'rebuild resume' 'rebuild rate=24' wait
	kill_when verifying 0.1 "$good" "$new"
	simple "$name, killed while verifying" "$volume" "$good" "$new"
	"$DYNADISK" shell --script - "$good" "$new" >"$T/out" 2>&1 <<-END
		rebuild resume
		wait
	END
	same "$name: resumed to its end" 0 $?
	judge_mirror "$name" "$volume" "$flags" "$good" "$new"
	contents "$volume" "$T/after" "$good" "$new"
	check "$name: the volume's bytes are the original's" cmp "$T/before" "$T/after"
	same "$name: no rebuild is left" 0 "$(ask "len(m['jobs'])" "$good" "$new")"
	rm -f "$T/before" "$T/after" "$good" "$new"
}

for scenario in mbr-failed gpt-failed; do
	if ! command -v mkntfs >/dev/null; then
		skip "$scenario" 'mkntfs is not installed'
		continue
	fi
	check "$scenario: the lab makes its disks" "$DYNADISK" lab "$T/$scenario" --scenario "$scenario"
	images=("$T/$scenario"/*.img)
	volume=$(ask "next(v['name'] for v in m['volumes'] if v['layout'] == 'mirror')" "${images[@]}")
	# 24 MiB of bytes in the volume's free space, so that there is something to copy
	read -r path offset _ < <(ask "halves(volume('$volume')).splitlines()[0]" "${images[@]}")
	dd if=/dev/urandom of="$path" bs=1M count=24 oflag=seek_bytes seek=$((offset + (200 << 20))) conv=notrunc status=none
	rebuild_killed "$scenario" "$volume" "convert ${scenario%-failed}" --complete 1 "${images[@]}"
	rm -rf "${T:?}/$scenario"
done

if windows_images; then
	full "$T/win/ldm-2003r2-mirrored-1.img" "$T/good.img"
	truncate -s 50M "$T/new.img"
	rebuild_killed 'Windows 2003' "$(ask "next(v['name'] for v in m['volumes'] if v['layout'] == 'mirror')" "$T/good.img")" \
		'convert mbr' '' 2 "$T/good.img" "$T/new.img" # 2: other volumes of that group have no disks here
else
	skip 'repair of disks that Windows wrote, killed' 'the shared folder is not here'
fi

# ------------------------------------------------------------ single writes

# whole_again NAME VOLUME GOOD NEW: after a kill in the middle of metadata; recover if the group asks for it, then repair
whole_again() {
	local what=$1 volume=$2 good=$3 new=$4 layout
	"$DYNADISK" shell --script - "$good" "$new" >"$T/out" 2>&1 <<<$'select disk 0\nrecover noerr\nrecover override' || true
	check "$what: the group is whole" judge_quietly "$good" "$new"
	layout=$(ask "volume('$volume')['layout']" "$good" "$new" 2>&1)
	case $layout in
	mirror | simple) ok "$what: the volume is there" ;;
	*) not_ok "$what: the volume is there, but \"$layout\"" ;;
	esac
	contents "$volume" "$T/now" "$good" "$new"
	check "$what: the volume's bytes are the original's" cmp "$T/before" "$T/now"
	rm -f "$T/now"
}
judge_quietly() {
	[ -z "$SHARED" ] || python3 "$SHARED/tools/ldmcheck.py" -q "$1" || return 1
	[ "$(ask "m['groups'][0]['transaction'] > 0" "$@")" = True ]
}

# every_nth CALL FROM STEP TO: the repair of a Windows pair, killed at the n-th such system call
every_nth() {
	local call=$1 n volume code
	for ((n = $2; n <= $4; n += $3)); do
		cp --sparse=always "$T/win/ldm-2003r2-mirrored-2.img" "$T/good.img"
		chmod u+w "$T/good.img"
		truncate -s 50M "$T/new.img"
		volume=$(ask "next(v['name'] for v in m['volumes'] if v['layout'] == 'mirror')" "$T/good.img")
		contents "$volume" "$T/before" "$T/good.img"
		# in a shell of its own, which may say "Killed" where nobody reads it
		code=$( (
			strace -f -qq -o /dev/null -e trace="$call" -e "inject=$call:signal=SIGKILL:when=$n" \
				"$DYNADISK" shell --script "$T/script" "$T/good.img" "$T/new.img" >"$T/out" 2>&1
			echo $?
		) 2>/dev/null)
		whole_again "killed at $call $n" "$volume" "$T/good.img" "$T/new.img"
		rm -f "$T/good.img" "$T/new.img" "$T/before"
		[ "$code" = 137 ] || break # it came through: there are no more such calls
	done
}

if [ -z "$SHARED" ]; then
	skip 'killed at single writes' 'the shared folder is not here'
elif ! strace -f -qq -o /dev/null -e trace=none true 2>/dev/null; then
	skip 'killed at single writes' 'strace does not work here'
else
	volume=$(ask "next(v['name'] for v in m['volumes'] if v['layout'] == 'mirror')" "$T/win/ldm-2003r2-mirrored-2.img")
	number=$(ask "volume('$volume')['number']" "$T/win/ldm-2003r2-mirrored-2.img")
	lost=$(ask "next(p['extents'][0]['disk'] for p in volume('$volume')['plexes'] if p['status'] == 'missing')[5:]" \
		"$T/win/ldm-2003r2-mirrored-2.img")
	printf '%s\n' "select volume $number" "break disk=$lost nokeep" 'select disk 1' 'convert mbr' 'convert dynamic' \
		"select volume $number" 'add disk=1' wait >"$T/script"
	every_nth pwrite64 1 9 200
	every_nth fsync 2 4 80
fi
tap_end
