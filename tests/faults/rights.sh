#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Files that others could have put there are not used, a change without room for its undo is not begun, nobody runs this with
# rights that are not theirs, and who lacks a right is told which.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
mounts=()
tap_at_exit() {
	local m
	for m in "${mounts[@]}"; do umount "$m" 2>/dev/null; done
	rm -rf "$T"
}
# says NAME CODE PATTERN COMMAND...: ends with the code and says something that matches
says() {
	local name=$1 code=$2 pattern=$3 out got
	shift 3
	out=$("$@" 2>&1 </dev/null)
	got=$?
	if [ "$got" = "$code" ] && grep -qE "$pattern" <<<"$out"; then
		ok "$name"
	else
		not_ok "$name: exit code $got, expected $code and \"$pattern\""
		printf '%s\n' "$out" | sed 's/^/# /'
	fi
}
shell() { # COMMANDS OPTION-OR-DISK...
	local commands=$1
	shift
	printf '%s\n' "$commands" >"$T/script"
	"$DYNADISK" shell --script "$T/script" "$@"
}
convert=$'select disk 0\nconvert gpt'
blank() { rm -f "$T/disk.img" && truncate -s 64M "$T/disk.img"; }
untouched() { cmp -s -n 67108864 "$T/disk.img" /dev/zero; }

# --------------------------------------------------------------- undo files

blank
mkdir -p "$T/other/undo" "$T/w/undo" && chmod 777 "$T/w/undo" && ln -s other "$T/link" && mkdir "$T/inner" && ln -s ../other/undo "$T/inner/undo"
for case in 'link:is a link' 'link/:is a link' 'inner:is a link' 'w:others may write'; do
	says "a state folder that cannot be trusted: ${case%%:*}" 4 "nothing was written: .*${case#*:}" \
		env DYNADISK_STATE="$T/${case%%:*}" bash -c "$(declare -f shell); T='$T' DYNADISK='$DYNADISK'; shell \"\$1\" \"\$2\"" - "$convert" "$T/disk.img"
	check "and the disk is untouched" untouched
done
check 'nothing was put behind the links' test -z "$(ls "$T/other/undo")"
if mkdir "$T/small" && mount -t tmpfs -o size=16k,mode=700 none "$T/small" 2>/dev/null; then
	mounts+=("$T/small")
	export DYNADISK_STATE=$T/small
	head -c 1M /dev/zero >"$T/small/filler" 2>/dev/null
	says 'no room for undo: refused' 4 'nothing was written: .*No space left' shell "$convert" "$T/disk.img"
	check 'and the disk is untouched' untouched
	check 'and no half of a file is left' test "$(find "$T/small" -type f)" = "$T/small/filler"
	rm "$T/small/filler" && mount -o remount,size=8m "$T/small"
	says 'with room it is done' 0 'successfully converted' shell "$convert" "$T/disk.img"
	says 'and undone' 0 'Undone' shell undo "$T/disk.img"
	check 'and the disk is what it was' untouched
	export DYNADISK_STATE=$T/state
else
	skip 'no room for undo' 'nothing can be mounted here'
fi

# --------------------------------------------------------------- practice disks

mkdir "$T/real" "$T/open" && chmod 777 "$T/open" && ln -s real "$T/labs" && touch "$T/file"
says 'no practice disks through a link' 1 'is a link' "$DYNADISK" lab "$T/labs"
says 'nor with a slash behind it' 1 'is a link' "$DYNADISK" lab "$T/labs/"
says 'nor where everybody may write' 1 'written to by everybody' "$DYNADISK" lab "$T/open"
says 'nor in a file' 1 'is no folder' "$DYNADISK" lab "$T/file"
ln -s "$T/victim" "$T/real/disk0.img"
says 'nor through a link in the place of a disk' 1 'File exists' "$DYNADISK" lab "$T/real"
check 'what the link names was not made' test ! -e "$T/victim"
check 'the link is still there, nothing beside it' test "$(ls -A "$T/real")" = disk0.img

# --------------------------------------------------------------- rights

# not_root COMMAND...: as nobody, in a folder that nobody may look into
not_root() { setpriv --reuid=65534 --regid=65534 --clear-groups env HOME="$T/home" XDG_STATE_HOME= DYNADISK_STATE="$T/home/state" "$@"; }
if [ "$(id -u)" = 0 ] && chmod 711 "$T" && cp "$DYNADISK" "$T/program" && chmod 755 "$T/program" &&
	mkdir "$T/home" && chown 65534 "$T/home" && not_root "$T/program" --version >/dev/null 2>&1; then
	chown root "$T/program"
	chmod 4755 "$T/program"
	if [ "$(not_root "$T/program" --version 2>&1)" = "$("$DYNADISK" --version)" ]; then
		skip 'setuid root' 'such programs get no rights here (nosuid)'
	else
		says 'setuid root it refuses to run' 1 'refusing to run setuid or setgid' not_root "$T/program" --version
		says 'and to look' 1 'refusing to run setuid or setgid' not_root "$T/program" status "$T/disk.img"
	fi
	chmod 755 "$T/program"
	blank
	chmod 600 "$T/disk.img"
	says 'a disk that one may not read is shown, and what it takes' 0 'Permission denied: only root, or a member of the group' not_root "$T/program" status "$T/disk.img"
	says 'monitoring is told' 4 'Permission denied|cannot be read|Offline' not_root "$T/program" status --check "$T/disk.img"
	printf '%s\n' "$convert" >"$T/script" && chmod 644 "$T/script"
	chmod 644 "$T/disk.img"
	says 'one may look at what one may read' 0 'Not Initialized' not_root "$T/program" status "$T/disk.img"
	says 'writing is refused, with what it takes' 4 'you have no right to write to' not_root "$T/program" shell --script "$T/script" "$T/disk.img"
	check 'and the disk is untouched' untouched
	mkdir -p "$T/home/state/undo" && chown -R 1 "$T/home/state" && chmod -R 755 "$T/home/state" && chmod 666 "$T/disk.img"
	says 'the undo folder of somebody else is not used' 4 'belongs to another user' not_root "$T/program" shell --script "$T/script" "$T/disk.img"
	check 'and the disk is untouched' untouched
	rm -rf "$T/home/state"
	mkdir "$T/foreign" && chown 1 "$T/foreign" && chmod 755 "$T/foreign"
	says 'no practice disks in the folder of somebody else' 1 'belongs to another user' not_root "$T/program" lab "$T/foreign"
	says 'with all rights it works without root' 0 'successfully converted' not_root "$T/program" shell --script "$T/script" "$T/disk.img"
	same 'its undo files are its own' '700 600' "$(stat -c %a "$T/home/state/undo") $(stat -c %a "$T"/home/state/undo/*.undo)"
else
	skip 'setuid, and the rights of others' 'only root can try that'
fi
tap_end
