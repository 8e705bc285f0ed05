#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The Linux kernel's own LDM driver reads the MBR disks that dynadisk repaired: it names them [LDM] in its log and lists
# every extent as a partition, at the sector and with the size that `dynadisk status` gives.
# shellcheck source=tests/tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/../tap.sh"
# shellcheck source=tests/judge.sh
. "$SOURCE/tests/judge.sh"
# shellcheck source=tests/vm/vm.sh
. "$SOURCE/tests/vm/vm.sh"

# repair SCRIPT IMAGE...: the shell carries out a script; what it said is $T/said
repair() {
	local script=$1
	shift
	printf '%b\n' "$script" | "$DYNADISK" shell --script - "$@" >"$T/said" 2>&1 || { cat "$T/said"; return 1; }
}

# extents IMAGE OTHER...: "start sectors" of each extent on IMAGE, as status gives them for the whole group
extents() {
	local image=$1
	ask "'\n'.join(sorted('%d %d' % (e['offset'] // 512, e['size'] // 512) for v in m['volumes'] for p in v['plexes']
		for e in p['extents'] if path.get(e['disk']) == '$image'))" "$@"
}
seen() { grep -E "^$1[0-9]+ " "$T/seen" | cut -d' ' -f2- | sort; }

# kernel_agrees NAME DEVICE IMAGE OTHER...
kernel_agrees() {
	local name=$1 device=$2
	shift 2
	check "$name: the kernel's log says [LDM]" grep -E "^ *$device: \[LDM\]" "$T/seen"
	same "$name: the kernel's partitions are the extents" "$(extents "$@")" "$(seen "$device")"
}

check 'the system for the virtual machine is made' vm_ready
disks=()

"$DYNADISK" lab "$T/lab" --scenario mbr-failed >"$T/said" 2>&1
lab=("$T"/lab/*.img)
check 'lab: the shell repairs the mirror' repair \
	'select volume 0\nbreak disk=m0 nokeep\nselect disk m0\ndelete disk\nselect disk 1\nconvert mbr\nconvert dynamic\nselect volume 0\nadd disk=1\nwait' \
	"${lab[@]}"
judge_mirror lab "$(ask "m['volumes'][0]['name']" "${lab[@]}")" --complete "${lab[@]}"
disks+=("${lab[@]}")

# A disk the driver must not take for a dynamic one: the test can tell the difference.
truncate -s 50M "$T/plain.img"
echo '2048,20480,7' | sfdisk -q "$T/plain.img" >"$T/said" 2>&1
disks+=("$T/plain.img")

if windows_images; then
	cp "$T/win/ldm-2003r2-mirrored-1.img" "$T/w1.img"
	truncate -s 50M "$T/w2.img"
	windows=("$T/w1.img" "$T/w2.img" "$T"/win/ldm-2003r2-{simple,spanned,striped,raid5}-*.img)
	missing=$(ask "next(d['name'].split()[1].lower() for d in m['disks'] if d['status'] == 'missing')" "${windows[@]}")
	number=$(ask "next(v['number'] for v in m['volumes'] if v['name'] == 'Volume3')" "${windows[@]}")
	check 'Windows pair: the shell repairs the mirror' repair \
		"select volume $number\nbreak disk=$missing nokeep\nselect disk $missing\ndelete disk\nselect disk 1\nconvert mbr\nconvert dynamic\nselect volume $number\nadd disk=1\nwait" \
		"${windows[@]}"
	judge_mirror 'Windows pair' Volume3 --complete "${windows[@]}"
	check 'Windows pair: the good half is as it was' cmp -n $((49283072 + 63 * 512)) -i $((63 * 512)) \
		"$T/w1.img" "$T/win/ldm-2003r2-mirrored-1.img"
	disks+=("$T/w1.img" "$T/w2.img")
else
	skip 'Windows pair: repaired' 'the Windows images are not here'
fi

check 'the kernel reads the disks' vm_kernel_sees "${disks[@]}"
kernel_agrees 'lab, good half' vda "${lab[@]}"
kernel_agrees 'lab, new half' vdb "${lab[1]}" "${lab[0]}"
same 'a basic disk is not taken for a dynamic one' '' "$(grep -E '^ *vdc: \[LDM\]' "$T/seen")"
if [ "${#disks[@]}" -gt 3 ]; then
	kernel_agrees 'Windows pair, good half' vdd "${windows[@]}"
	kernel_agrees 'Windows pair, new half' vde "$T/w2.img" "$T/w1.img" "${windows[@]:2}"
fi
tap_end
