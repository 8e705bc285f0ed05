#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The repair of a broken mirror by script, as the guides write it, on disks of the lab and on disks that Windows wrote.
. "$(dirname "$0")/../tap.sh"
. "$SOURCE/tests/judge.sh"

# lost_half VOLUME IMAGE...: "M0" for the missing disk that held its other half
lost_half() {
	local volume=$1
	shift
	ask "next(p['extents'][0]['disk'] for p in volume('$volume')['plexes'] if p['status'] == 'missing')[5:]" "$@"
}

# mirror_of IMAGE...: the name of the first mirror
mirror_of() { ask "next(v['name'] for v in m['volumes'] if v['layout'] == 'mirror')" "$@"; }

# script IMAGE...: runs commands from stdin, its exit code in $code and its replies in $out
script() { out=$("$DYNADISK" shell --script - "$@" 2>&1) && code=0 || code=$?; }

# repair NAME VOLUME CONVERT FLAGS GOOD NEW: breaks, deletes, converts, adds and waits; then judges
repair() {
	local name=$1 volume=$2 convert=$3 flags=$4 good=$5 new=$6 lost expected
	contents "$volume" "$T/before" "$good" "$new"
	lost=$(lost_half "$volume" "$good" "$new")
	number=$(ask "volume('$volume')['number']" "$good" "$new")
	script "$good" "$new" <<-END
		rem $name
		select volume $number
		break disk $lost nokeep
		select disk ${lost,,}
		delete disk
		select disk 1
		$convert
		convert dynamic
		SEL VOL=$number
		add disk=1
	END
	same "$name: the script succeeds" 0 "$code"
	expected="
Volume $number is the selected volume.

DiskPart successfully broke the mirror volume.

Disk $lost is now the selected disk.

DiskPart successfully deleted the missing disk.

Disk 1 is now the selected disk.

DiskPart successfully converted the selected disk to ${convert#* } format.

DiskPart successfully converted the selected disk to dynamic format.

Volume $number is the selected volume.

DiskPart succeeded in adding a mirror to the volume.
"
	expected=${expected//mbr format/MBR format}
	expected=${expected//gpt format/GPT format}
	same "$name: the replies are DiskPart's" "${expected%$'\n'}" \
		"$(printf '%s\n' "$out" | sed -n '/The rebuild of\|Leaving DiskPart/q; p' | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}')"
	check "$name: the shell waited for the rebuild" grep -q 'is complete and verified' <<<"$out"
	judge_mirror "$name" "$volume" "$flags" "$good" "$new"
	contents "$volume" "$T/after" "$good" "$new"
	check "$name: the volume's bytes are the original's" cmp "$T/before" "$T/after"
	same "$name: list volume says so" "Mirror Healthy" "$("$DYNADISK" shell --script - "$good" "$new" <<<'list volume' |
		awk -v n="$number" '$1 == "Volume" && $2 == n { for (i = 3; i < NF; i++) if ($i == "Mirror") print $i, $(i + 3) }')"
	rm -f "$T/before" "$T/after"
}

for scenario in mbr-failed gpt-failed mixed-failed; do
	if ! command -v mkntfs >/dev/null; then
		skip "$scenario" 'mkntfs is not installed'
		continue
	fi
	check "$scenario: the lab makes its disks" "$DYNADISK" lab "$T/$scenario" --scenario "$scenario"
	disks=("$T/$scenario"/*.img)
	convert='convert mbr'
	[ "$scenario" = mbr-failed ] || convert='convert gpt'
	repair "$scenario" "$(mirror_of "${disks[@]}")" "$convert" --complete "${disks[@]}"
	rm -rf "${T:?}/$scenario"
done

# windows NAME SET KEEP SIZE CONVERT: the pair with disk KEEP (1 or 2) left, and a blank disk of SIZE for the other
windows() {
	local name=$1 set=$2 keep=$3 size=$4 convert=$5 volume
	cp --sparse=always "$T/win/$set-$keep.img" "$T/good.img"
	chmod u+w "$T/good.img"
	truncate -s "$size" "$T/new.img"
	volume=$(mirror_of "$T/good.img")
	repair "$name" "$volume" "$convert" '' "$T/good.img" "$T/new.img"
	half_on "$T/win/$set-$((3 - keep)).img" "$volume" "$T/original" "$T/win/$set-1.img" "$T/win/$set-2.img"
	half_on "$T/new.img" "$volume" "$T/repaired" "$T/good.img" "$T/new.img"
	check "$name: the new half holds what Windows wrote on the lost one" cmp "$T/original" "$T/repaired"
	rm -f "$T/good.img" "$T/new.img" "$T/original" "$T/repaired"
}

# refused_delete: the lost disk of this pair holds a piece of another volume too; it stays, and all else works
refused_delete() {
	local name='Windows 2008, GPT to MBR' set=ldm-2008r2-mirrored volume lost
	cp --sparse=always "$T/win/$set-2.img" "$T/good.img"
	chmod u+w "$T/good.img"
	truncate -s 50M "$T/new.img"
	volume=$(mirror_of "$T/good.img")
	lost=$(lost_half "$volume" "$T/good.img" "$T/new.img")
	script "$T/good.img" "$T/new.img" <<-END
		select volume g
		break disk=$lost nokeep
		select disk=$lost
		delete disk noerr
		select disk=1
		convert mbr
		convert dynamic
		select volume g
		add disk=1
		wait
	END
	same "$name: the script succeeds" 0 "$code"
	check "$name: the volume on the missing disk is named" grep -q "^Disk $lost still holds parts of: I:" <<<"$out"
	judge_mirror "$name" "$volume" '' "$T/good.img" "$T/new.img"
	half_on "$T/win/$set-1.img" "$volume" "$T/original" "$T/win/$set-1.img" "$T/win/$set-2.img"
	half_on "$T/new.img" "$volume" "$T/repaired" "$T/good.img" "$T/new.img"
	check "$name: the new half holds what Windows wrote on the lost one" cmp "$T/original" "$T/repaired"
	rm -f "$T/good.img" "$T/new.img" "$T/original" "$T/repaired"
}
if windows_images; then
	windows 'Windows 2003, MBR to MBR' ldm-2003r2-mirrored 1 50M 'convert mbr'
	windows 'Windows 2003, the other half' ldm-2003r2-mirrored 2 50M 'convert mbr'
	windows 'Windows 2003, MBR to GPT' ldm-2003r2-mirrored 1 128M 'convert gpt'
	windows 'Windows 2008, MBR to GPT' ldm-2008r2-mirrored 1 128M 'convert gpt'
	refused_delete
else
	skip 'repair of disks that Windows wrote' 'the shared folder is not here'
fi
tap_end
