#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Partition tables as other programs read them: after every change sgdisk and sfdisk find nothing wrong and list what was
# asked for, and undo brings back every byte.
. "$(dirname "$0")/../tap.sh"
ENGINE=$BUILD/tests/images/engine

for tool in sgdisk sfdisk; do
	command -v $tool >/dev/null && continue
	skip 'partition tables' "$tool is not installed"
	tap_end
	exit
done

engine() { "$ENGINE" "$@"; }
blank() { rm -f "$1" && truncate -s "$2" "$1"; }

# gpt_list IMAGE, mbr_list IMAGE: what the partition table says, one line each
gpt_list() {
	sfdisk --dump "$1" | sed -n 's/.*start= *\([0-9]*\), size= *\([0-9]*\), type=\([^,]*\), uuid=[^,]*/\1 \2 \3/p' |
		tr -d '"' | sed 's/, name=/ /; s/, attrs=/ /'
}
mbr_list() {
	sfdisk --dump "$1" | sed -n 's/.*start= *\([0-9]*\), size= *\([0-9]*\), type=\([0-9a-f]*\)/\1 \2 \3/p' | tr -d ,
}
readers() {
	sfdisk -V "$1" || return
	if sfdisk --dump "$1" | grep -q '^label: gpt'; then
		sgdisk -v "$1" | grep -q '^No problems found' || { sgdisk -v "$1"; return 1; }
	fi
}

# change NAME IMAGE COMMAND: the readers are content, undo restores the image, and the change is made again
change() {
	local name=$1 image=$2 command=$3
	cp --sparse=always "$image" "$T/before"
	check "$name" engine "$image" <<<"$command"
	if cmp -s "$image" "$T/before"; then not_ok "$name: it changed the disk"; else ok "$name: it changed the disk"; fi
	case $command in clean*) ;; *) check "$name: the readers are content" readers "$image" ;; esac
	cp --sparse=always "$image" "$T/after"
	check "$name: undo" engine "$image" <<<undo
	check "$name: every byte is back" cmp "$image" "$T/before"
	cp --sparse=always "$T/after" "$image"
}

# refuse NAME IMAGE COMMAND WORD: nothing is written
refuse() {
	local name=$1 image=$2 command=$3 word=$4 out
	cp --sparse=always "$image" "$T/before"
	out=$(engine "$image" <<<"$command" 2>&1) && not_ok "$name: it is refused"
	check "$name: it says why" grep -q "$word" <<<"$out"
	check "$name: nothing is written" cmp "$image" "$T/before"
}

ESP=C12A7328-F81F-11D2-BA4B-00A0C93EC93B MSR=E3C9E316-0B5C-4DB8-817D-F92DF00215AE
BASIC=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7 RECOVERY=DE94BBA4-06D1-4D40-A16A-BFD50179D6AC

# --- GPT, in the guides' order
g=$T/gpt.img
blank "$g" 256M
change 'convert gpt' "$g" 'init 0 gpt'
same 'convert gpt: the MSR that Windows makes' "34 65536 $MSR Microsoft reserved partition" "$(gpt_list "$g")"
change 'delete the MSR' "$g" 'delete 0 1 override'
change 'create the ESP' "$g" 'create 0 efi size=100'
change 'create the MSR' "$g" 'create 0 msr size=16'
change 'create a recovery partition' "$g" 'create 0 primary size=40'
change 'its type' "$g" "setid 0 3 $RECOVERY"
change 'its attributes' "$g" 'attributes 0 3 0x8000000000000001'
change 'the rest' "$g" 'create 0 primary'
change 'the disk id' "$g" 'uniqueid 0 baf784e7-6bbd-4cfb-aaac-e86c96e166ee'
same 'sfdisk lists what was asked for' "2048 204800 $ESP EFI system partition
206848 32768 $MSR Microsoft reserved partition
239616 81920 $RECOVERY Basic data partition RequiredPartition GUID:63
321536 200704 $BASIC Basic data partition" "$(gpt_list "$g")"
check 'sfdisk knows the disk id' grep -qi 'label-id: baf784e7-6bbd-4cfb-aaac-e86c96e166ee' <(sfdisk --dump "$g")
change 'delete out of the middle' "$g" 'delete 0 3 override'
change 'create in the hole' "$g" 'create 0 primary size=10 offset=131072'
same 'it lies where it was asked for' "262144 20480 $BASIC Basic data partition" "$(gpt_list "$g" | sed -n 3p)"
refuse 'a type of LDM' "$g" 'setid 0 3 af9b60a0-1431-4f62-bc68-3311714a69ad' 'never set by hand'
refuse 'the ESP without override' "$g" 'delete 0 1' 'protected'

# --- the same layout on another disk
blank "$T/clone.img" 320M
check 'clone layout' engine "$g" "$T/clone.img" <<<'clone 0 1'
check 'clone layout: the readers are content' readers "$T/clone.img"
same 'clone layout: what does not hold data, at the same place' "$(gpt_list "$g" | head -2)" "$(gpt_list "$T/clone.img")"
check 'clone layout: undo' engine "$g" "$T/clone.img" <<<undo
check 'clone layout: the disk is blank again' cmp -n 335544320 "$T/clone.img" /dev/zero

# --- MBR with an extended partition
m=$T/mbr.img
blank "$m" 256M
change 'convert mbr' "$m" 'init 0 mbr'
change 'a primary partition' "$m" 'create 0 primary size=50'
change 'it becomes active' "$m" 'active 0 1'
change 'an extended partition' "$m" 'create 0 extended size=150'
for n in 1 2 3; do change "logical drive $n" "$m" 'create 0 logical size=30'; done
same 'sfdisk lists them' '2048 102400 7 bootable
104448 307200 f
106496 61440 7
169984 61440 7
233472 61440 7' "$(mbr_list "$m" | sed 's/ 5$/ f/')"
change 'the middle one goes' "$m" 'delete 0 4'
change 'the first one goes' "$m" 'delete 0 3'
same 'the last one stays' '233472 61440 7' "$(mbr_list "$m" | tail -1)"
change 'a new first one' "$m" 'create 0 logical size=20'
change 'one in the hole' "$m" 'create 0 logical'
change 'a hidden one' "$m" 'create 0 primary size=20 id=27'
change 'the signature' "$m" 'uniqueid 0 5f1b2c36'
change 'not active any more' "$m" 'inactive 0 1'
check 'sfdisk knows the signature' grep -q 'label-id: 0x5f1b2c36' <(sfdisk --dump "$m")
# tables that others made are changed as well
blank "$T/other.img" 256M
printf 'label: dos\nstart=2048,size=20480,type=7\nstart=63488,size=400000,type=f\nstart=65536,size=20480,type=7\nstart=100000,size=8192,type=83\n' |
	sfdisk -q "$T/other.img" >/dev/null 2>&1
change "a logical drive beside sfdisk's" "$T/other.img" 'create 0 logical size=20'
change "one of sfdisk's goes" "$T/other.img" 'delete 0 3'
same 'the others stay' '100000 8192 83' "$(mbr_list "$T/other.img" | grep '^100000')"

# --- clean
change 'clean, GPT' "$g" 'clean 0'
check 'clean, GPT: no table is left' sh -c "! sfdisk --dump '$g' 2>/dev/null | grep -q ."
change 'clean, MBR' "$m" 'clean 0'
check 'clean, MBR: no table is left' sh -c "! sfdisk --dump '$m' 2>/dev/null | grep -q ."
blank "$m" 64M
check 'clean all: a disk with something on it' engine "$m" <<<'init 0 mbr'
printf 'data' | dd of="$m" bs=1M seek=32 conv=notrunc status=none
check 'clean all' engine "$m" <<<'clean 0 all'
check 'clean all: every byte is zero' cmp -n 67108864 "$m" /dev/zero
out=$(engine "$m" <<<undo 2>&1) && not_ok 'clean all: undo does not pretend'
check 'clean all: undo says why it cannot' grep -q 'kept\|cannot' <<<"$out"

# --- disks that Windows wrote
if windows_images; then
	for name in ldm-2003r2-mirrored ldm-2008r2-mirrored; do
		for n in 1 2; do
			cp --sparse=always "$T/win/$name-$n.img" "$T/w$n.img"
			chmod u+w "$T/w$n.img"
		done
		cp --sparse=always "$T/w1.img" "$T/before"
		check "$name: a new disk id" engine "$T/w1.img" "$T/w2.img" <<<'uniqueid 0'
		check "$name: ldmcheck is content" python3 "$SHARED/tools/ldmcheck.py" "$T/w1.img" "$T/w2.img"
		check "$name: undo" engine "$T/w1.img" "$T/w2.img" <<<undo
		check "$name: every byte is back" cmp "$T/w1.img" "$T/before"
		out=$(engine "$T/w1.img" "$T/w2.img" <<<'clean 0' 2>&1) && not_ok "$name: clean is refused"
		check "$name: clean names the volumes" grep -q 'still holds parts of' <<<"$out"
		out=$(engine "$T/w1.img" "$T/w2.img" <<<'delete 0 1 override' 2>&1) && not_ok "$name: delete is refused"
		check "$name: LDM's partitions stay" grep -q 'belongs to LDM\|protected' <<<"$out"
	done
else
	skip 'disks that Windows wrote' 'the shared folder is not here'
fi
tap_end
