#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# scan.sh - `dynadisk status` tells the truth about every set of disks: Windows' own, complete and with each one
# left out, and basic disks made by other programs.
. "${DYNADISK_SOURCE:-.}/tests/tap.sh"

check_exit() { # check_exit NAME CODE IMAGE...
	local name=$1 want=$2 got
	shift 2
	"$DYNADISK" status --check "$@" > "$T/out" 2>&1
	got=$?
	same "$name" "$want" "$got"
}

OUT=$T/status.json
write_status() { "$DYNADISK" status --json "$@" > "$OUT"; }
windows_set() { # windows_set NAME IMAGE...
	local name=$1
	shift
	check "$name: status --json succeeds" write_status "$@"
	python3 "$SHARED/tools/ldmcheck.py" --json -q "$@" > "$T/check.json" 2> "$T/check.err"
	check "$name: as the checker finds it" python3 "$SOURCE/tests/images/compare.py" "$OUT" "$T/check.json"
}

if windows_images; then
	sums=$(cat "$T"/win/*.img | sha256sum)
	images=("$T"/win/ldm-2003r2-*.img)
	windows_set '2003, all ten disks' "${images[@]}"
	check_exit '2003, all ten disks: --check' 0 "${images[@]}"
	for ((i = 0; i < ${#images[@]}; i++)); do
		rest=("${images[@]:0:i}" "${images[@]:i+1}")
		out=${images[i]##*/}
		windows_set "2003 without $out" "${rest[@]}"
		case $out in
		*mirrored* | *raid5*) check_exit "2003 without $out: --check" 1 "${rest[@]}" ;;
		*) check_exit "2003 without $out: --check" 2 "${rest[@]}" ;;
		esac
		windows_set "2003, $out alone" "${images[i]}"
	done
	for what in mirrored raid5 spanned striped; do
		windows_set "2003, $what disks" "$T"/win/ldm-2003r2-$what-*.img
	done
	windows_set '2003 without two of RAID-5' "$T"/win/ldm-2003r2-{mirrored-1,mirrored-2,raid5-2}.img
	windows_set '2008, both disks' "$T"/win/ldm-2008r2-mirrored-{1,2}.img
	windows_set '2008, the MBR disk' "$T"/win/ldm-2008r2-mirrored-1.img
	windows_set '2008, the GPT disk' "$T"/win/ldm-2008r2-mirrored-2.img
	windows_set 'both groups at once' "$T"/win/ldm-2008r2-mirrored-{2,1}.img "${images[@]}"
	"$DYNADISK" status --json "${images[@]:1}" > "$OUT"
	python3 "$SHARED/tools/ldmcheck.py" --json -q "${images[@]}" > "$T/check.json" 2> "$T/check.err"
	python3 "$SOURCE/tests/images/compare.py" "$OUT" "$T/check.json" > "$T/out"
	same 'the comparison tells sets apart' 1 $?
	same 'not a byte of the images has changed' "$sums" "$(cat "$T"/win/*.img | sha256sum)"
else
	skip 'disks that Windows wrote' 'the shared folder is not here'
fi

# json FILTER IMAGE...: a Python expression about d (disks), v (volumes)
json() {
	local expression=$1
	shift
	"$DYNADISK" status --json "$@" | python3 -c 'import json, sys
m = json.load(sys.stdin)
d, v = m["disks"], m["volumes"]
print(eval(sys.argv[1]))' "$expression"
}

have() { command -v "$1" > /dev/null || PATH=$PATH:/usr/sbin:/sbin command -v "$1" > /dev/null; }
PATH=$PATH:/usr/sbin:/sbin

truncate -s 64M "$T/blank.img"
same 'a blank disk' "not_initialized basic none $((64 << 20))" \
	"$(json '"%s %s %s %d" % (d[0]["status"], d[0]["type"], d[0]["table"], d[0]["free"])' "$T/blank.img")"
check_exit 'a blank disk: --check' 0 "$T/blank.img"

if have sfdisk; then
	truncate -s 64M "$T/mbr.img"
	sfdisk -q "$T/mbr.img" <<- 'END'
		label: dos
		label-id: 0x12345678
		start=2048, size=16384, type=7, bootable
		start=20480, size=90000, type=f
		start=22528, size=8192, type=7
		start=40960, size=8192, type=b
	END
	same 'basic MBR with logicals: partitions' "[(0, 1048576, 8388608), (1, 11534336, 4194304), (2, 20971520, 4194304)]" \
		"$(json '[(x["number"], x["plexes"][0]["extents"][0]["offset"], x["size"]) for x in v]' "$T/mbr.img")"
	same 'basic MBR with logicals: all partitions' partition "$(json '",".join(sorted({x["layout"] for x in v}))' "$T/mbr.img")"
	same 'basic MBR with logicals: disk' 'online basic mbr' \
		"$(json '"%s %s %s" % (d[0]["status"], d[0]["type"], d[0]["table"])' "$T/mbr.img")"
else
	skip 'basic MBR with logicals' 'no sfdisk'
fi

if have sgdisk && have mkfs.fat && have mkntfs; then
	truncate -s 200M "$T/gpt.img"
	sgdisk "$T/gpt.img" -n 1:2048:+40M -t 1:ef00 -n 2:0:+16M -t 2:0c01 -n 3:0:+40M -t 3:0700 -n 4:0:+20M -t 4:2700 > /dev/null
	truncate -s 40M "$T/esp" "$T/data"
	mkfs.fat -F 32 -n EFI "$T/esp" > /dev/null
	mkntfs -q -F -L 'Dätä' "$T/data" > /dev/null 2>&1
	dd if="$T/esp" of="$T/gpt.img" bs=1M seek=1 conv=notrunc,sparse status=none
	dd if="$T/data" of="$T/gpt.img" bs=1M seek=57 conv=notrunc,sparse status=none
	same 'basic GPT: volumes' "[('EFI', 'FAT32'), ('Dätä', 'NTFS'), (None, 'RAW')]" \
		"$(json '[(x["label"], x["fs"]) for x in v]' "$T/gpt.img")"
	same 'basic GPT: free' $((82 << 20)) "$(json 'd[0]["free"] >> 20 << 20' "$T/gpt.img")"
	same 'basic GPT: the disk has its GUID' "$(sgdisk -p "$T/gpt.img" | sed -n 's/^Disk identifier (GUID): //p' | tr A-F a-f)" \
		"$(json 'd[0]["guid"]' "$T/gpt.img")"
	dd if=/dev/zero of="$T/gpt.img" bs=512 seek=1 count=1 conv=notrunc status=none
	same 'basic GPT without its primary header: volumes' 3 "$(json 'len(v)' "$T/gpt.img")"
	same 'basic GPT without its primary header: errors' errors "$(json 'd[0]["status"]' "$T/gpt.img")"
else
	skip 'basic GPT' 'no sgdisk, mkfs.fat or mkntfs'
fi

ln -s blank.img "$T/link.img"
if "$DYNADISK" status "$T/blank.img" "$T/link.img" > "$T/out" 2>&1; then
	not_ok 'one disk named twice'
else
	check 'one disk named twice' grep -q "blank.img and .*link.img are the same disk" "$T/out"
fi
same 'a path that does not exist is an offline disk' offline "$(json 'd[0]["status"]' "$T/no-such-disk")"
tap_end
