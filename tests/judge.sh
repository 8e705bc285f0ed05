# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# judge.sh - what readers that are not ours say about the disks dynadisk wrote. Source it after tap.sh.

# ask EXPRESSION IMAGE...: a Python expression about m, what `dynadisk status --json IMAGE...` says
ask() {
	local expression=$1
	shift
	"$DYNADISK" status --json "$@" | python3 -c 'import json, sys
m = json.load(sys.stdin)
path = {d["name"]: d["path"] for d in m["disks"]}
def volume(name):
    return next(v for v in m["volumes"] if v["name"] == name)
def halves(v):
    return "\n".join("%s %d %d" % (path[p["extents"][0]["disk"]], p["extents"][0]["offset"], v["size"])
                     for p in v["plexes"] if p["extents"][0]["offset"] is not None)
print(eval(sys.argv[1]))' "$expression"
}

# cut_out IMAGE OFFSET BYTES FILE: a run of bytes of a disk as a file of its own
cut_out() { dd if="$1" of="$4" iflag=skip_bytes,count_bytes skip="$2" count="$3" bs=1M conv=sparse status=none; }

# contents VOLUME FILE IMAGE...: the bytes of a simple volume, or of a mirror's first half
contents() {
	local volume=$1 file=$2 path offset size
	shift 2
	read -r path offset size < <(ask "halves(volume('$volume')).splitlines()[0]" "$@")
	[ -n "$path" ] && cut_out "$path" "$offset" "$size" "$file"
}

# half_on IMAGE VOLUME FILE IMAGE...: the bytes of the half that lies on the first IMAGE
half_on() {
	local image=$1 volume=$2 file=$3 path offset size
	shift 3
	read -r path offset size < <(ask "next(l for l in halves(volume('$volume')).splitlines() if l.startswith('$image '))" "$@")
	[ -n "$path" ] && cut_out "$path" "$offset" "$size" "$file"
}

# ldmtool_says FIELD GROUP VOLUME IMAGE...: a field of `ldmtool show volume`
ldmtool_says() {
	local field=$1 group=$2 volume=$3 image devices=()
	shift 3
	for image; do devices+=(-d "$image"); done
	ldmtool "${devices[@]}" show volume "$group" "$volume" 2>/dev/null |
		python3 -c 'import json, sys; v = json.load(sys.stdin)[sys.argv[1]]; print(len(v) if isinstance(v, list) else v)' "$field"
}

# judge_group NAME FLAGS IMAGE...: every invariant of the group, by the format's own checker and sgdisk.
# FLAGS: --complete when all disks of the group are given, --mirror-data when halves must be equal.
judge_group() {
	local name=$1 flags=$2 image
	shift 2
	if [ -n "$SHARED" ]; then
		# shellcheck disable=SC2086 # words
		check "$name: ldmcheck finds no error" python3 "$SHARED/tools/ldmcheck.py" -q $flags "$@"
	else
		skip "$name: ldmcheck finds no error" 'the shared folder is not here'
	fi
	for image; do
		[ "$(dd if="$image" bs=1 skip=512 count=8 status=none | tr -d '\0')" = 'EFI PART' ] || continue
		check "$name: sgdisk finds nothing wrong with ${image##*/}" verified_by_sgdisk "$image"
	done
}
verified_by_sgdisk() { sgdisk -v "$1" | grep -q 'No problems found' || { sgdisk -v "$1"; return 1; }; }

# judge_mirror NAME VOLUME FLAGS IMAGE...: a healthy mirror with two equal halves, a clean NTFS on each
judge_mirror() {
	local name=$1 volume=$2 flags=$3 group path offset size n=0
	shift 3
	judge_group "$name" "$flags --mirror-data" "$@"
	same "$name: status says mirror and healthy" 'mirror healthy 2' \
		"$(ask "'%s %s %d' % ((lambda v: (v['layout'], v['status'], len(v['plexes'])))(volume('$volume')))" "$@")"
	group=$(ask "next(g['guid'] for g in m['groups'])" "$@")
	if command -v ldmtool >/dev/null; then
		same "$name: ldmtool says mirrored" mirrored "$(ldmtool_says type "$group" "$volume" "$@")"
		same "$name: ldmtool sees both partitions" 2 "$(ldmtool_says partitions "$group" "$volume" "$@")"
	else
		skip "$name: ldmtool says mirrored" 'ldmtool is not installed'
	fi
	while read -r path offset size; do
		n=$((n + 1))
		cut_out "$path" "$offset" "$size" "$T/half.$n"
		check "$name: ntfsfix accepts half $n" ntfsfix -n "$T/half.$n"
	done < <(ask "halves(volume('$volume'))" "$@")
	check "$name: the halves are equal" cmp "$T/half.1" "$T/half.2"
	rm -f "$T"/half.*
}
