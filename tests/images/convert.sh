#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Disks with data become dynamic, live as such, and become basic again: the files stay, other programs agree at every
# stage, and undo brings back every byte.
. "$(dirname "$0")/../tap.sh"
. "$SOURCE/tests/judge.sh"
ENGINE=$BUILD/tests/images/engine

for tool in sgdisk sfdisk mkntfs ntfsfix; do
	command -v $tool >/dev/null && continue
	skip 'conversion' "$tool is not installed"
	tap_end
	exit
done

# Several runs make objects of one group: their GUIDs must differ.
engine() { ENGINE_SEED=0 "$ENGINE" "$@"; }

# fill IMAGE START SECTORS: an NTFS there, as mkntfs makes it
fill() {
	truncate -s $(($3 * 512)) "$T/fs"
	mkntfs -q -F -p "$2" -H 255 -S 63 -L "at $2" "$T/fs" >/dev/null 2>&1
	dd if="$T/fs" of="$1" bs=512 seek="$2" conv=notrunc,sparse status=none
	rm -f "$T/fs"
}

# sums IMAGE START SECTORS...: what lies in these ranges
sums() {
	local image=$1
	shift
	while [ $# -gt 0 ]; do
		dd if="$image" bs=512 skip="$1" count="$2" status=none | sha256sum
		shift 2
	done
}

# ntfs_ok IMAGE START SECTORS
ntfs_ok() { cut_out "$1" $(($2 * 512)) $(($3 * 512)) "$T/part" && ntfsfix -n "$T/part"; }

# halves_ok NUMBER IMAGE...: each half of the volume is a clean NTFS
halves_ok() {
	local number=$1 path offset size
	shift
	while read -r path offset size; do
		ntfs_ok "$path" $((offset / 512)) $((size / 512)) || return
	done < <(ask "halves(next(v for v in m['volumes'] if v['number'] == $number))" "$@")
}

# ldmtool_lists IMAGE...: how many volumes ldmtool finds in the group of the images
ldmtool_lists() {
	local image devices=()
	for image; do devices+=(-d "$image"); done
	ldmtool "${devices[@]}" scan 2>/dev/null | tr -d '[]", \n' |
		{ read -r guid || true; ldmtool "${devices[@]}" show diskgroup "$guid"; } 2>/dev/null |
		python3 -c 'import json, sys; print(len(json.load(sys.stdin)["volumes"]))'
}

# readers NAME VOLUMES IMAGE...: all who know LDM agree
readers() {
	local name=$1 volumes=$2
	shift 2
	judge_group "$name" --complete "$@"
	if command -v ldmtool >/dev/null; then
		same "$name: ldmtool finds the volumes" "$volumes" "$(ldmtool_lists "$@")"
	else
		skip "$name: ldmtool finds the volumes" 'ldmtool is not installed'
	fi
	same "$name: all are healthy" "['healthy']" "$(ask 'sorted(set(v["status"] for v in m["volumes"]))' "$@")"
}

# picture IMAGE...: the volumes, as far as people see them
picture() {
	ask 'sorted((v["layout"], v["size"], v["status"], v["label"], [(e["disk"], e["offset"]) for p in v["plexes"]
	for e in p["extents"]]) for v in m["volumes"])' "$@"
}

# back IMAGE PRIVATE: as it was before; a group's database keeps counting its transactions, so PRIVATE says where the
# private region with it begins (0: nothing may differ)
back() {
	python3 - "$1" "$1.before" "$2" <<-'END'
		import sys
		a, b, at = open(sys.argv[1], 'rb').read(), open(sys.argv[2], 'rb').read(), int(sys.argv[3])
		if at:
		    a, b = (x[:at + 17 * 512] + x[at + 1722 * 512:] for x in (a, b))
		sys.exit(a != b)
	END
}

# change NAME COMMAND "PRIVATE..." IMAGE...: undo restores the images; then the change is made again
change() {
	local name=$1 command=$2 private=$3 image before n=0
	shift 3
	for image; do cp --sparse=always "$image" "$image.before"; done
	before=$(picture "$@")
	check "$name" engine "$@" <<<"$command"
	check "$name: undo" engine "$@" <<<undo
	same "$name: the volumes are back" "$before" "$(picture "$@")"
	for image; do
		n=$((n + 1))
		check "$name: every byte of ${image##*/} is back" back "$image" "$(cut -d' ' -f$n <<<"$private")"
	done
	check "$name: again" engine "$@" <<<"$command"
	for image; do rm -f "$image.before"; done
}

# refuse NAME COMMAND WORD IMAGE...
refuse() {
	local name=$1 command=$2 word=$3 out
	shift 3
	cp --sparse=always "$1" "$T/refused"
	out=$(engine "$@" <<<"$command" 2>&1) && not_ok "$name: it is refused"
	check "$name: it says why" grep -q "$word" <<<"$out"
	check "$name: nothing is written" cmp "$1" "$T/refused"
}

# --- MBR: a small active system partition, Windows behind it, data
m=$T/mbr.img
truncate -s 256M "$m"
printf '%s\n' 'label: dos' 'label-id: 0x5f1b2c36' 'start=2048,size=40960,type=7,bootable' \
	'start=43008,size=204800,type=7' 'start=307200,size=102400,type=7' | sfdisk -q "$m" >/dev/null 2>&1
fill "$m" 2048 40960
fill "$m" 43008 204800
fill "$m" 307200 102400
ranges="2048 40960 43008 204800 307200 102400"
# shellcheck disable=SC2086 # words
before=$(sums "$m" $ranges)
sfdisk --dump "$m" >"$T/mbr.table"
change 'MBR' 'upgrade 0' 0 "$m"
# shellcheck disable=SC2086
same 'MBR: the data is untouched' "$before" "$(sums "$m" $ranges)"
readers 'MBR' 3 "$m"
same 'MBR: system and boot keep their entries, the rest is one container' '2048 40960 42 bootable
43008 204800 42
247808 274432 42' "$(sfdisk --dump "$m" | sed -n 's/.*start= *\([0-9]*\), size= *\([0-9]*\), type=\([0-9a-f]*\)/\1 \2 \3/p' | tr -d ,)"
same 'MBR: where the volumes are' '[1048576, 22020096, 157286400]' \
	"$(ask 'sorted(v["plexes"][0]["extents"][0]["offset"] for v in m["volumes"])' "$m")"

# --- GPT: ESP, MSR, Windows, data, recovery at the end
g=$T/gpt.img
truncate -s 512M "$g"
sgdisk -n 1:2048:+64M -t 1:ef00 -n 2:133120:+16M -t 2:0c01 -n 3:165888:+200M -t 3:0700 -n 4:575488:+100M -t 4:0700 \
	-n 5:780288:+32M -t 5:2700 "$g" >/dev/null
fill "$g" 165888 409600
fill "$g" 575488 204800
fill "$g" 780288 65536
ranges="2048 131072 165888 409600 575488 204800 780288 65536"
# shellcheck disable=SC2086
before_gpt=$(sums "$g" $ranges)
sfdisk --dump "$g" | grep -v '^device' >"$T/gpt.table"
# where the private regions begin: the last MiB, the start of the MSR
private="$((255 << 20)) $((133120 * 512))"
change 'GPT, joining the group' 'upgrade 1' "${private% *} 0" "$m" "$g"
# shellcheck disable=SC2086
same 'GPT: the data is untouched' "$before_gpt" "$(sums "$g" $ranges)"
readers 'both' 5 "$m" "$g"
same 'GPT: the types in order, as DiskPart lists them' 'EF00 4201 0C01 4200 4200 2700 4200' \
	"$(sgdisk -p "$g" | awk '/^ +[0-9]+ /{print $2, $6}' | sort -n | awk '{printf "%s%s", n++ ? " " : "", $2}')"
same 'GPT: Windows keeps its number and GUID' \
	"$(sed -n 's/.*start= *165888,.*uuid=\([^,]*\).*/\1/p' "$T/gpt.table")" \
	"$(sfdisk --dump "$g" | sed -n 's/^[^ ]*3 : start= *165888,.*uuid=\([^,]*\).*/\1/p')"

# --- they take part like any other
data=$(ask 'next(v["number"] for v in m["volumes"] if v["label"] == "at 575488")' "$m" "$g")
refuse 'a volume that does not fit' "add $data 0" 'not enough usable space' "$m" "$g"
small=$(ask 'next(v["number"] for v in m["volumes"] if v["label"] == "at 2048")' "$m" "$g")
check 'mirror of the system volume' engine "$m" "$g" <<<"add $small 1"
judge_group 'mirrored' '--complete --mirror-data' "$m" "$g"
half=$(ask "next(e['offset'] // 512 for v in m['volumes'] if v['number'] == $small for p in v['plexes'] for e in p['extents']
	if e['disk'] == 'Disk 1')" "$m" "$g")
check 'the half has an entry of its own, as the other one' \
	grep -Eq "start= *$half, size= *40960, type=AF9B60A0" <(sfdisk --dump "$g")
check 'sgdisk accepts that' sgdisk -v "$g"
readers 'retained on both' 5 "$m" "$g"
check 'both halves are NTFS' halves_ok "$small" "$m" "$g"
check 'one half is dropped' engine "$m" "$g" <<<"break $small 1 nokeep"
judge_group 'broken again' --complete "$m" "$g"

# --- a disk that was away
check 'mirrored again' engine "$m" "$g" <<<"add $small 1"
check 'a change while the second disk is away' engine "$m" <<<'simple 0 size=4'
same 'the half that was away is out of date' failed_redundancy \
	"$(ask "next(v['status'] for v in m['volumes'] if v['number'] == $small)" "$m" "$g")"
check 'reactivate' engine "$m" "$g" <<<'reactivate 1'
judge_group 'reactivated' '--complete --mirror-data' "$m" "$g"
readers 'reactivated' 6 "$m" "$g"
# shellcheck disable=SC2086
same 'reactivated: the data of both disks' "$before $before_gpt" \
	"$(sums "$m" 2048 40960 43008 204800 307200 102400) $(sums "$g" $ranges)"
extra=$(ask 'next(v["number"] for v in m["volumes"] if v["size"] == 4194304)' "$m" "$g")
change 'delete a volume' "deletevolume $extra" "$private" "$m" "$g"
refuse 'a disk with a half of a mirror' 'basic 0' 'not a simple volume' "$m" "$g"
check 'one half is dropped again' engine "$m" "$g" <<<"break $small 1 nokeep"

# --- and back
change 'GPT to basic' 'basic 1' "$private" "$m" "$g"
readers 'the one that stays' 3 "$m"
check 'GPT: sgdisk is content' verified_by_sgdisk "$g"
# shellcheck disable=SC2086
same 'GPT: the data is untouched' "$before_gpt" "$(sums "$g" $ranges)"
same 'GPT: the table is what it was' "$(sed 's/.*start=/start=/; s/uuid=[^,]*//; s/, name=.*//' "$T/gpt.table")" \
	"$(sfdisk --dump "$g" | grep -v '^device' | sed 's/.*start=/start=/; s/uuid=[^,]*//; s/, name=.*//')"
check 'GPT: ldmtool finds nothing' sh -c "! ldmtool -d '$g' scan 2>/dev/null | grep -q '[0-9a-f]-'"
change 'MBR to basic' 'basic 0' 0 "$m"
# shellcheck disable=SC2086
same 'MBR: the table is what it was' "$(cat "$T/mbr.table")" "$(sfdisk --dump "$m")"
same 'MBR: the data is untouched' "$before" "$(sums "$m" 2048 40960 43008 204800 307200 102400)"
for at in '2048 40960' '43008 204800' '307200 102400'; do
	# shellcheck disable=SC2086
	check "MBR: the NTFS at $at is clean" ntfs_ok "$m" $at
done

# --- what cannot be converted
x=$T/x.img
truncate -s 64M "$x"
printf 'label: dos\nstart=2048,size=129024,type=7\n' | sfdisk -q "$x" >/dev/null 2>&1
refuse 'no room at the end' 'upgrade 0' 'no free 1 MB at its end' "$x"
rm -f "$x" && truncate -s 64M "$x"
printf 'label: dos\nstart=2048,size=20480,type=7\nstart=30720,size=40960,type=f\nstart=32768,size=20480,type=7\n' |
	sfdisk -q "$x" >/dev/null 2>&1
refuse 'logical drives' 'upgrade 0' 'extended partition' "$x"
rm -f "$x" && truncate -s 64M "$x"
sgdisk -a 1 -n 1:34:2047 -t 1:0c01 -n 2:2048:131038 -t 2:0700 "$x" >/dev/null
refuse 'a small MSR and nothing else' 'upgrade 0' 'too small to hold' "$x"
tap_end
