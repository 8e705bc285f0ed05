#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A disk in use is refused with the name of its holder, by whatever name the disk is given: another link, a loop device, a
# device node of the same number. Loop devices are made, mounted and mapped here where root may do that.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/judge.sh
. "$SOURCE/tests/judge.sh"

loops=() maps=() mounts=() holder=
tap_at_exit() {
	local x
	[ -z "$holder" ] || kill -KILL "$holder" 2>/dev/null
	for x in "${mounts[@]}"; do umount "$x" 2>/dev/null; done
	for x in "${maps[@]}"; do dmsetup remove "$x" 2>/dev/null; done
	for x in "${loops[@]}"; do losetup -d "$x" 2>/dev/null; done
	rm -rf "$T"
}

# loop_of IMAGE: sets $loop; false where loop devices cannot be made
loop_of() {
	loop=$(losetup -f --show "$1" 2>/dev/null) && [ -b "$loop" ] || return 1
	loops+=("$loop")
}
shell() { "$DYNADISK" shell --script - "$@" 2>&1; }
# refused NAME PATTERN COMMANDS DISK...: the shell ends with a failure and says why; not a byte of the first disk changes
refused() {
	local name=$1 pattern=$2 commands=$3 out before code
	shift 3
	before=$(sha256sum <"$1")
	out=$(shell "$@" <<<"$commands")
	code=$?
	if [ $code != 4 ]; then
		not_ok "$name: exit code 4, but $code"
	elif ! grep -qE "$pattern" <<<"$out"; then
		not_ok "$name: says \"$pattern\""
	elif [ "$before" != "$(sha256sum <"$1")" ]; then
		not_ok "$name: the disk is untouched"
	else
		ok "$name" && return
	fi
	printf '%s\n' "$out" | sed 's/^/# /'
}
wait_for() { # PATTERN FILE
	local i
	for ((i = 0; i < 1200; i++)); do
		grep -q "$1" "$2" 2>/dev/null && return
		sleep 0.05
	done
	return 1
}

# ------------------------------------------------------------ another dynadisk

# holds IMAGE0 IMAGE1: a dynadisk in the midst of a rebuild from one to the other, stopped there; $holder is its pid
holds() {
	local i
	printf '%s\n' 'select volume 0' 'break disk=M0 nokeep' 'select disk=M0' 'delete disk' 'select disk 1' 'convert mbr' \
		'convert dynamic' 'rebuild rate=1' 'select volume 0' 'add disk=1' wait >"$T/script"
	"$DYNADISK" shell --script "$T/script" "$1" "$2" >"$T/holder.out" 2>&1 &
	holder=$!
	for ((i = 0; i < 1200; i++)); do
		"$DYNADISK" status --json "$1" "$2" 2>/dev/null | grep -q '"state": *"copying"' && break
		sleep 0.05
	done
	kill -STOP "$holder" # now it stays there, however long the rest takes
	"$DYNADISK" status --json "$1" "$2" | grep -q '"state": *"copying"'
}
let_go() {
	kill -KILL "$holder" 2>/dev/null
	wait "$holder" 2>/dev/null
	holder=
}
change=$'select disk 0\ncreate volume simple size=8'

if ! command -v mkntfs >/dev/null; then
	skip 'another dynadisk' 'mkntfs is not installed'
else
	check 'the lab makes its disks' "$DYNADISK" lab "$T/lab"
	a=$T/lab/disk0.img b=$T/lab/disk1.img
	cp --sparse=always "$a" "$T/a0.img" && cp --sparse=always "$b" "$T/b0.img"
	ln "$a" "$T/hard.img" && ln -s "$a" "$T/soft.img" && ln "$b" "$T/hard-b.img"
	if holds "$a" "$b"; then ok 'a dynadisk holds two images'; else not_ok "a dynadisk holds two images: $(cat "$T/holder.out")"; fi
	other="in use: another dynadisk \(process $holder\)"
	for alias in "$a" "$T/hard.img" "$T/soft.img"; do
		refused "another dynadisk has ${alias##*/}" "$other" "$change" "$alias" "$T/hard-b.img"
	done
	if loop_of "$a"; then
		refused 'another dynadisk has the image behind a loop device' "$other" "$change" "$loop" "$b"
		second=$loop
		loop_of "$T/hard-b.img"
		out=$("$DYNADISK" status --json "$second" "$loop" | grep -c '"state": *"copying"')
		same 'its rebuild is seen through loop devices, running elsewhere' 1 "$out"
		refused 'an image behind a loop device' 'in use: loop' "$change" "$a" "$b"
	else
		skip 'another dynadisk, through a loop device' 'no loop devices here'
	fi
	let_go
	for loop in "${loops[@]}"; do losetup -d "$loop"; done
	loops=()
	cp --sparse=always "$T/a0.img" "$a" && cp --sparse=always "$T/b0.img" "$b"
	if loop_of "$a" && one=$loop && loop_of "$b"; then
		two=$loop
		if holds "$one" "$two"; then ok 'a dynadisk holds two loop devices'; else not_ok 'a dynadisk holds two loop devices'; fi
		other="in use: another dynadisk \(process $holder\)"
		refused 'the loop device that another dynadisk has' "$other" "$change" "$one" "$two"
		mkdir -p "$T/by-id" && ln -s "$one" "$T/by-id/scsi-1"
		refused 'a link to that loop device' "$other" "$change" "$T/by-id/scsi-1" "$two"
		read -r major minor < <(stat -c '%Hr %Lr' "$one")
		if mknod "$T/node" b "$major" "$minor" 2>/dev/null && [ -r "$T/node" ] && head -c 1 "$T/node" >/dev/null 2>&1; then
			refused 'another node of that loop device' "$other" "$change" "$T/node" "$two"
		else
			skip 'another node of that loop device' 'device nodes cannot be made or opened in the temporary folder'
		fi
		refused 'the image behind that loop device' 'in use: loop|another dynadisk' "$change" "$a" "$b"
		refused 'another link to that image' 'in use: loop|another dynadisk' "$change" "$T/hard.img" "$T/hard-b.img"
		loop_of "$T/hard.img"
		refused 'a second loop device of that image' "in use: (${one##*/}|another dynadisk)" "$change" "$loop" "$two"
		let_go
	else
		skip 'another dynadisk has loop devices' 'no loop devices here'
	fi
	for loop in "${loops[@]}"; do losetup -d "$loop"; done
	loops=()
	check 'free again, the first may change the group' shell "$a" "$b" <<<"$change"
fi

# -------------------------------------------- a Windows that is not to be copied

# put_into_volume FILE IMAGE: over the first half of the only volume
put_into_volume() {
	local offset
	read -r _ offset _ < <(ask 'halves(m["volumes"][0]).splitlines()[0]' "$2")
	dd if="$1" of="$2" bs=1M oflag=seek_bytes seek="$offset" conv=notrunc,sparse status=none
}
add=$'select volume 0\nadd disk=1'
if ! command -v ntfscp >/dev/null; then
	skip 'a Windows in hibernation, or behind BitLocker' 'ntfscp is not installed'
else
	cp --sparse=always "$T/a0.img" "$a"
	cp --sparse=always "$T/b0.img" "$b"
	check 'a simple volume is left of the mirror' shell "$a" "$b" <<<$'select volume 0\nbreak disk=M0 nokeep'
	contents Volume1 "$T/fs" "$a"
	{ printf hibr && head -c 8188 /dev/zero; } >"$T/hiberfil"
	check 'a hiberfil.sys is put into it' ntfscp -f -q "$T/fs" "$T/hiberfil" hiberfil.sys
	put_into_volume "$T/fs" "$a"
	refused 'a Windows in hibernation' 'in use: a Windows in hibernation \(hiberfil.sys\)' "$add" "$a" "$b"
	refused 'its preview' 'in use: a Windows in hibernation \(hiberfil.sys\)' $'select volume 0\npreview\nadd disk=1' "$a" "$b"
	printf 'wake' >"$T/wake"
	place=$(grep -obaF hibr "$T/fs" | head -n 1)
	dd if="$T/wake" of="$T/fs" bs=1 seek="${place%%:*}" conv=notrunc status=none
	put_into_volume "$T/fs" "$a"
	check 'one that has been resumed' shell "$a" "$b" <<<$'select volume 0\npreview\nadd disk=1'
	printf -- '-FVE-FS-' | dd of="$T/fs" bs=1 seek=3 conv=notrunc status=none
	put_into_volume "$T/fs" "$a"
	out=$(shell "$a" "$b" <<<$'select volume 0\npreview\nadd disk=1')
	check 'of a data volume behind BitLocker a note tells' grep -q 'encrypted by BitLocker' <<<"$out"
	rm -f "$T/fs"
fi

# ------------------------------------------------------ one disk, two names

truncate -s 16M "$T/one.img" && ln "$T/one.img" "$T/one-hard.img" && ln -s one.img "$T/one-soft.img"
twice() { # NAME DISK DISK
	local out
	if out=$("$DYNADISK" status "$2" "$3" 2>&1); then
		not_ok "$1"
	elif grep -q 'are the same disk' <<<"$out"; then
		ok "$1"
	else
		not_ok "$1: says so, but $out"
	fi
}
twice 'an image named twice' "$T/one.img" "$T/one.img"
twice 'an image and a hard link to it' "$T/one.img" "$T/one-hard.img"
twice 'an image and a symbolic link to it' "$T/one-soft.img" "$T/one-hard.img"
if loop_of "$T/one.img"; then
	one=$loop
	twice 'an image and its loop device' "$T/one-hard.img" "$one"
	twice 'a loop device and its image' "$one" "$T/one.img"
	loop_of "$T/one-hard.img"
	twice 'two loop devices of one image' "$one" "$loop"
	losetup -d "$loop"
	unset 'loops[-1]'
else
	skip 'an image and its loop device' 'no loop devices here'
fi

# ------------------------------------------------------------ other holders

clean=$'select disk 0\nconvert mbr'
if loop_of "$T/one.img"; then
	one=${loops[0]}
	losetup -d "$loop"
	unset 'loops[-1]'
	refused 'an image behind a loop device names it' "in use: ${one##*/}" "$clean" "$T/one-hard.img"
	if mkfs.ext2 -q "$one" >/dev/null 2>&1 && mkdir -p "$T/mnt" && mount -t ext2 "$one" "$T/mnt" 2>/dev/null; then
		mounts+=("$T/mnt")
		refused 'a mounted device' "in use: mounted on $T/mnt" "$clean" "$one"
		refused 'the image of a mounted loop device' "in use: ${one##*/}, mounted on $T/mnt" "$clean" "$T/one-soft.img"
		umount "$T/mnt"
		mounts=()
	else
		skip 'a mounted device' 'nothing can be mounted here'
	fi
	if mkswap "$one" >/dev/null 2>&1 && swapon "$one" 2>/dev/null; then
		refused 'swap' 'in use: swap' "$clean" "$one"
		refused 'the image of a loop device that is swap' "in use: ${one##*/}, swap" "$clean" "$T/one.img"
		swapoff "$one"
	else
		skip 'swap' 'nothing can be made swap here'
	fi
	map=dynadisk-test-$$
	if dmsetup create "$map" --table "0 16384 linear $one 0" 2>/dev/null; then
		maps+=("$map")
		refused 'a device that device-mapper holds' 'in use: dm-[0-9]+' "$clean" "$one"
		refused 'its image' "in use: ${one##*/}, dm-[0-9]+" "$clean" "$T/one.img"
		dmsetup remove "$map"
		maps=()
	else
		skip 'a device that device-mapper holds' 'no device-mapper here'
	fi
	rm -f "$T/holder.out"
	# a program that opened it exclusively, without a lock
	python3 -c 'import os, sys, time
fd = os.open(sys.argv[1], os.O_RDWR | os.O_EXCL)
print("has it", flush=True)
sys.stdin.read()' "$one" >"$T/holder.out" < <(sleep 600 & echo $! >"$T/sleeper"; wait) &
	holder=$!
	wait_for 'has it' "$T/holder.out"
	refused 'a device that a program opened exclusively' "in use: python3?[0-9.]* \(process $holder\)" "$clean" "$one"
	kill "$holder" "$(cat "$T/sleeper")" 2>/dev/null
	wait "$holder" 2>/dev/null
	holder=
	losetup -d "$one"
	loops=()
else
	skip 'mounted, swap, mapped devices' 'no loop devices here'
fi

rm -f "$T/holder.out"
# a virtual machine: QEMU takes open-file-description locks on some bytes of its images
python3 -c 'import fcntl, os, struct, sys, time
fd = os.open(sys.argv[1], os.O_RDWR)
fcntl.fcntl(fd, fcntl.F_OFD_SETLK, struct.pack("hhqqhhi", fcntl.F_RDLCK, 0, 100, 1, 0, 0, 0))
print("has it", flush=True)
time.sleep(600)' "$T/one.img" >"$T/holder.out" 2>&1 &
holder=$!
if wait_for 'has it' "$T/holder.out"; then
	refused 'an image that a virtual machine has locked' "in use: (python3?[0-9.]* \(process $holder\)|another program)" "$clean" "$T/one-hard.img"
else
	skip 'an image that a virtual machine has locked' 'this Python has no such locks'
fi
kill "$holder" 2>/dev/null
wait "$holder" 2>/dev/null
holder=
check 'nobody holds it any more: it can be changed' shell "$T/one.img" <<<"$clean"
tap_end
