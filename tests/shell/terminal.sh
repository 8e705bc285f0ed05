#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The shell as a person meets it, on a terminal: prompt, completion, confirmation, Ctrl-C, leaving while a rebuild runs.
. "$(dirname "$0")/../tap.sh"
. "$SOURCE/tests/judge.sh"
export DYNADISK_HOSTNAME=SRV

# play IMAGE...: steps from stdin, what was shown in $out, the exit code in $code
play() {
	out=$(python3 "$SOURCE/tests/shell/terminal.py" "$DYNADISK" shell "$@") || { printf '%s\n' "$out" | sed 's/^/# /'; code=lost; return; }
	code=${out##*$'\n'}
}
saw() { grep -qF -- "$2" <<<"$out" && ok "$1" || { not_ok "$1"; printf '%s\n' "$out" | sed 's/^/# /'; }; }

truncate -s 64M "$T/a.img" "$T/b.img"
play "$T/a.img" "$T/b.img" <<'END'
see DISKPART> 
type li\td\t\r
see Disk 1    Online           64 MB
see DISKPART> 
type garbage\x03
see DISKPART> 
type sel dis 1\r
see Disk 1 is now the selected disk.
see DISKPART> 
type conv mbr x\r
see not valid
see DISKPART> 
type det\tx\x03
see DISKPART> 
type exit\r
see Leaving DiskPart...
END
same 'a first look: exit code' 0 "$code"
saw 'the banner' 'On computer: SRV'
saw 'two tabs complete the command' 'Disk 1    Online           64 MB'
play "$T/a.img" <<'END'
see DISKPART> 
type \x04
see Leaving DiskPart...
END
same 'Ctrl-D leaves' 0 "$code"
play "$T/a.img" <<'END'
see DISKPART> 
hangup
END
same 'a lost terminal ends the shell' 0 "$code"

# libedit writes outside its picture of the screen where a line is longer than that
long=$(printf 'a%.0s' {1..360})
out=$(python3 "$SOURCE/tests/shell/terminal.py" sh -c 'stty rows 22 cols 16; LC_ALL=C.UTF-8 exec "$0" shell "$1"' "$DYNADISK" "$T/a.img" <<END
see DISKPART>
type $long
type \\x01\\x05
type ${long:0:40}
type \\x15sel dis \\xc3\\xa9\\r
see \\xc3\\xa9
see not valid
type exit\\r
END
)
same 'a line longer than the screen: exit code' 0 "${out##*$'\n'}"

if ! command -v mkntfs >/dev/null; then
	skip 'the repair on a terminal' 'mkntfs is not installed'
	tap_end
	exit
fi
"$DYNADISK" lab "$T/lab" --scenario mbr-failed >/dev/null
disks=("$T/lab"/*.img)
name=$(ask "next(v['name'] for v in m['volumes'] if v['layout'] == 'mirror')" "${disks[@]}")
before=$(sha256sum <"${disks[1]}")
play "${disks[@]}" <<'END'
see DEGRADED: C: Windows is Failed Redundancy: the half on Disk M0 is missing
see DISKPART> 
type help repair\r
see BREAK DISK=<lost disk>
see DISKPART> 
type select volume c\r
see DISKPART> 
type break disk=m0 nokeep\r
see DISKPART> 
type select disk m0\r
see DISKPART> 
type delete disk\r
see DISKPART> 
type rebuild rate=8\r
see DISKPART> 
type select volume c\r
see DISKPART> 
type add disk=1\r
see to go on:
type no\r
see Nothing was written.
see DISKPART> 
type exit\r
END
same 'a wrong word: exit code' 0 "$code"
same 'a wrong word: the disk is what it was' "$before" "$(sha256sum <"${disks[1]}")"
saw 'the disk that loses its data is named' "This destroys data on: Disk 1"

word=$(basename "${disks[1]}")
play "${disks[@]}" <<END
see DISKPART> 
type select volume c\r
see DISKPART> 
type rebuild rate=8\r
see limited to 8 MB
see DISKPART> 
type add disk=1\r
see to go on:
type $word\r
see DiskPart succeeded in adding a mirror to the volume.
see DISKPART> 
type list volume\r
see Rebuild
see DISKPART> 
type wait timeout=1\r
see has not ended within 1 seconds
see DISKPART> 
type exit\r
see Leaving DiskPart...
see still running
see copying
type \x03
see is paused at
END
same 'Ctrl-C while leaving: exit code' 4 "$code"
saw 'it says how to go on' 'REBUILD RESUME'
same 'status says paused' 'paused rebuilding' \
	"$(ask "'%s %s' % (m['jobs'][0]['state'], volume('$name')['status'])" "${disks[@]}")"
judge_group 'paused' --complete "${disks[@]}"

play "${disks[@]}" <<'END'
see is paused at
see DISKPART> 
type rebuild rate=8\r
see DISKPART> 
type rebuild resume\r
see goes on
see DISKPART> 
type rebuild pause\r
see is paused at
see DISKPART> 
type rebuild resume volume=c\r
see goes on
see DISKPART> 
type rebuild rate=0\r
see without a limit
see DISKPART> 
type wait\r
see is complete and verified
see DISKPART> 
type list volume\r
see Mirror
see Healthy
see DISKPART> 
type exit\r
see Leaving DiskPart...
END
same 'resumed: exit code' 0 "$code"
judge_mirror 'resumed' "$name" --complete "${disks[@]}"

# a healthy mirror: breaking off its second half asks for that disk, and cancelling a rebuild leaves the volume simple
play "${disks[@]}" <<END
see DISKPART> 
type sel vol c\r
see DISKPART> 
type break disk=1 nokeep\r
see to go on:
type $word\r
see successfully broke
see DISKPART> 
type rebuild rate=8\r
see DISKPART> 
type select volume c\r
see DISKPART> 
type add disk=1\r
see succeeded in adding
see DISKPART> 
type rebuild cancel\r
see was cancelled
see DISKPART> 
type list volume\r
see Simple
see Healthy
see DISKPART> 
type add disk=1\r
see succeeded in adding
hangup
END
same 'a terminal lost during a rebuild: exit code' 0 "$code"
judge_mirror 'a terminal lost during a rebuild' "$name" --complete "${disks[@]}"

# One process rebuilds; others look, wait and are kept from changing the same volume
"$DYNADISK" shell "${disks[@]}" >"$T/out" 2>&1 <<<$'select volume c\nbreak disk=1 nokeep\nrebuild rate=6\nselect volume c\nadd disk=1' &
for _ in {1..300}; do
	grep -q copying "$T/out" && break
	sleep 0.1
done
line=$("$DYNADISK" status --check "${disks[@]}") && code=0 || code=$?
same 'elsewhere: --check exit code' 1 "$code"
check 'elsewhere: --check' grep -q '^DEGRADED: C: Windows is Regenerating (' <<<"$line"
out=$("$DYNADISK" shell "${disks[@]}" <<<$'select volume c\nrebuild resume noerr\nbreak disk=1 nokeep noerr\nwait') && code=0 || code=$?
same 'elsewhere: waiting for it' 0 "$code"
saw 'elsewhere: who runs it' 'The rebuild of C: Windows is running in another dynadisk.'
saw 'elsewhere: no second rebuild' 'There is no paused rebuild.'
saw 'elsewhere: no other change' 'C: Windows is being rebuilt.'
wait $! && code=0 || code=$?
same 'elsewhere: the one that runs it ends well' 0 "$code"
judge_mirror 'elsewhere' "$name" --complete "${disks[@]}"

# SIGTERM in a script that waits: paused at once, nothing after it is run; and again while it only leaves
terminated() { # NAME LAST-LINES
	printf 'select volume c\nbreak disk=1 nokeep noerr\nrebuild rate=1\nselect volume c\nadd disk=1\n%b' "$2" >"$T/script"
	: >"$T/out" # what the last one said would end the wait before this one has begun
	"$DYNADISK" shell --script "$T/script" "${disks[@]}" >"$T/out" 2>&1 &
	for _ in {1..300}; do
		grep -q copying "$T/out" && break
		sleep 0.1
	done
	kill -TERM $!
	wait $! && code=0 || code=$?
	out=$(cat "$T/out")
	saw "$1: paused" 'is paused at'
	if grep -q 'Leaving DiskPart' <<<"${out##*percent}"; then not_ok "$1: the script ended there"; else ok "$1: the script ended there"; fi
	same "$1: status says so" paused "$(ask "m['jobs'][0]['state']" "${disks[@]}")"
	same "$1: giving it up" 'Simple Healthy' "$("$DYNADISK" shell "${disks[@]}" <<<$'rebuild cancel\nlist volume' |
		awk '$1 == "Volume" && $2 == 0 { print $6, $9 }')"
	judge_group "$1" --complete "${disks[@]}"
}
terminated 'SIGTERM while it waits' 'wait\nlist disk\n'
same 'SIGTERM while it waits: exit code' 4 "$code"
terminated 'SIGTERM while it leaves' ''
same 'SIGTERM while it leaves: exit code' 4 "$code"
tap_end
