#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A rebuild whose source has bad sectors: the good areas are copied, the very sectors are found, and people decide: again,
# with zeros and a mark, or not at all. By the shipped program; killed at many calls, it comes to the same question.
. "$(dirname "$0")/../tap.sh"
. "$SOURCE/tests/judge.sh"

# leaks are looked for by a tracer of its own, of which there can be one only; the library comes before the sanitizer's
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0:verify_asan_link_order=0
SHIM=$BUILD/tests/faults/badread.so
images=("$T/a.img" "$T/b.img")
# bad COMMAND...: with the bad sectors
bad() {
	LD_PRELOAD=$SHIM DYNADISK_NO_URING=1 BADREAD_FILE=${images[0]} \
		BADREAD=$places "$@"
}
lines() { printf '%s\n' "$@"; }
run() { "$DYNADISK" shell --script - "${images[@]}" >"$T/out" 2>&1; }
keep() { cp --sparse=always "${images[0]}" "$T/a.$1" && cp --sparse=always "${images[1]}" "$T/b.$1"; }
back() { cp --sparse=always "$T/a.$1" "${images[0]}" && cp --sparse=always "$T/b.$1" "${images[1]}"; }
# half N: the bytes of a half
half() {
	ask "halves(m['volumes'][0])" "${images[@]}" | sed -n "$1p" | {
		read -r path offset size
		dd if="$path" bs=1M iflag=skip_bytes,count_bytes skip="$offset" count="$size" status=none
	}
}
# want FILE: the volume as a half that could not be read everywhere has it
want() {
	cp "$T/data" "$1"
	printf '%s\n' "${ranges[@]}" | while read -r offset size; do
		dd if=/dev/zero of="$1" bs=512 seek=$((offset / 512)) count=$((size / 512)) conv=notrunc status=none
	done
}
unread() { ask "[[r['offset'], r['size']] for r in $1['unread']]" "${images[@]}"; }

truncate -s 64M "${images[@]}"
lines 'select disk 0' 'convert mbr' 'convert dynamic' 'create volume simple size=48 disk=0' 'select disk 1' 'convert mbr' \
	'convert dynamic' | run
offset=$(ask "m['volumes'][0]['plexes'][0]['extents'][0]['offset']" "${images[@]}")
dd if=/dev/urandom of="$T/data" bs=1M count=48 status=none
dd if="$T/data" of="${images[0]}" bs=1M oflag=seek_bytes seek="$offset" conv=notrunc status=none
# one sector, some in a row, an area, the very last sector
ranges=('3145728 512' '10487808 4096' '20971520 3145728' "$((48 * 1048576 - 512)) 512")
places=
for r in "${ranges[@]}"; do
	read -r o s <<<"$r"
	places+="$((offset + o)) $s "
done
listed="[[3145728, 512], [10487808, 4096], [20971520, 3145728], [$((48 * 1048576 - 512)), 512]]"
keep fresh

# ------------------------------------------------------------ the question
lines 'select volume 0' 'add disk=1' wait | bad run
same 'the rebuild does not end well' 4 $?
check 'it waits for a decision' grep -q 'waits for a decision: 6154 sectors of the source could not be read' "$T/out"
check 'the places are listed' grep -q 'Bytes 10487808 to 10491903 of the volume' "$T/out"
same 'status: undecided' 'rebuilding undecided 6154' \
	"$(ask "m['volumes'][0]['status'] + ' ' + m['jobs'][0]['state'] + ' ' + str(m['jobs'][0]['errors'])" "${images[@]}")"
same 'status: the very sectors' "$listed" "$(unread "m['jobs'][0]")"
"$DYNADISK" status --check "${images[@]}" >"$T/out"
same 'monitoring is told' 1 $?
check 'and why' grep -q 'sectors of the source could not be read' "$T/out"
keep asked

# ------------------------------------------------------------ killed on the way to it
if [ -x "$BUILD/tests/faults/syskill" ] && "$BUILD/tests/faults/syskill" 0 "$(type -P true)" 2>/dev/null; then
	step=1500
	[ "${DYNADISK_TIER:-fast}" = full ] && step=60
	kills=0
	wrong=
	for ((n = 1400; n < 9000; n += step)); do
		back fresh
		lines 'select volume 0' 'add disk=1' wait |
			bad "$BUILD/tests/faults/syskill" $n "$DYNADISK" shell --script - "${images[@]}" >"$T/out" 2>&1
		[ $? = 137 ] && kills=$((kills + 1))
		lines 'rebuild resume noerr' 'wait noerr' 'select volume 0' 'add disk=1 noerr' 'wait noerr' | bad run
		[ "$(unread "m['jobs'][0]" 2>&1)" = "$listed" ] || wrong+=" $n"
	done
	same 'killed: it comes to the same question' '' "$wrong"
	check 'killed: so it was' [ $kills -gt 0 ]
	echo "# figures: $kills kills"
else
	skip 'killed: it comes to the same question' 'processes cannot be traced here'
fi

# ------------------------------------------------------------ the disk recovers
back asked
lines 'rebuild resume' wait | run
same 'again, and all can be read: done' 0 $?
same 'a healthy mirror' 'mirror healthy []' \
	"$(ask "'%(layout)s %(status)s %(unread)s' % m['volumes'][0]" "${images[@]}")"
check 'the new half is the volume' cmp <(half 2) "$T/data"

# ------------------------------------------------------------ cancelled
back asked
lines 'rebuild cancel' | bad run
same 'cancelled' 0 $?
same 'the volume is simple and healthy' 'simple healthy 0' \
	"$(ask "'%(layout)s %(status)s ' % m['volumes'][0] + str(len(m['jobs']))" "${images[@]}")"

# ------------------------------------------------------------ with zeros
back asked
lines 'preview rebuild finish' | bad run
same 'a preview of the decision' 0 $?
check 'says what it means' grep -q 'the new half gets zeros; the volume is then marked At Risk' "$T/out"
same 'and decides nothing' undecided "$(ask "m['jobs'][0]['state']" "${images[@]}")"
lines 'rebuild finish' wait | bad run
same 'finished with zeros' 0 $?
check 'it says so' grep -q 'The volume is mirrored, and At Risk' "$T/out"
same 'status: at risk, and why' "mirror at_risk $listed" \
	"$(ask "m['volumes'][0]['layout'] + ' ' + m['volumes'][0]['status']" "${images[@]}") $(unread "m['volumes'][0]")"
want "$T/zeros"
check 'the new half: data, and zeros where they must be' cmp <(half 2) "$T/zeros"
check 'the old half is as it was' cmp <(half 1) "$T/data"
[ -z "$SHARED" ] || check 'ldmcheck accepts it' python3 "$SHARED/tools/ldmcheck.py" -q "${images[@]}"
lines 'select volume 0' 'detail volume' | run
check 'detail volume lists the places' grep -q 'Bytes 20971520 to 24117247 of the volume' "$T/out"
lines 'verify volume=0' | bad run
check 'verify: what cannot be read is not compared' grep -q '3150848 bytes of the first half of Volume1 could not be read' "$T/out"
lines 'verify volume=0' | run
same 'verify: the halves differ' 4 $?
same 'verify: where' '  Bytes 3145728 to 3146239 of the volume
  Bytes 10487808 to 10491903 of the volume
  Bytes 20971520 to 24117247 of the volume
  Bytes 50331136 to 50331647 of the volume' "$(grep Bytes "$T/out")"
lines 'rebuild forget volume=0' | run
same 'the mark is taken away' 0 $?
same 'it is gone' '[]' "$(unread "m['volumes'][0]")"

# ------------------------------------------------------------ the console
if [ -x "$BUILD/tests/tui/vtrun" ]; then
	back asked
	cat >"$T/keys" <<-END
		size 24 80
		run $DYNADISK ${images[*]}
		wait Decide!
		wait p decide
		keys p
		wait The source cannot be read everywhere
		wait 6154 sectors of Volume1 could not be read
		wait Finish with zeros there
		keys <Down><Down><Enter>
		wait marked At Risk
		keys <Enter>
		wait finished as you decided
		wait zeros in 6154 of them
		keys <Esc>
		wait At Risk
		wait one half holds zeros
		keys q
		exit 0
		sane
	END
	check 'the console asks, and finishes with zeros' bad env TERM=xterm-256color "$BUILD/tests/tui/vtrun" "$T/keys" "$T"
	same 'as the shell did' "$listed" "$(unread "m['volumes'][0]")"
	back asked
	cat >"$T/keys" <<-END
		size 24 80
		run $DYNADISK ${images[*]}
		wait p decide
		keys p
		wait Try again
		keys <Down><Enter>
		wait Nothing has been written
		keys <Enter>
		wait 60000 The source cannot be read everywhere
		wait 6154 sectors of Volume1 could not be read
		keys <Enter>
		wait p decide
		keys p
		wait Cancel the rebuild
		keys <Down><Down><Down><Enter>
		wait The rebuild was cancelled
		gone Decide
		keys q
		exit 0
		sane
	END
	check 'the console tries again, asks by itself, and cancels' \
		bad env TERM=xterm-256color "$BUILD/tests/tui/vtrun" "$T/keys" "$T"
	same 'the volume is simple again' 'simple healthy' "$(ask "'%(layout)s %(status)s' % m['volumes'][0]" "${images[@]}")"
else
	skip 'the console asks, and finishes with zeros' 'built without libvterm'
fi
tap_end
