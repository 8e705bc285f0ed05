#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The procedures of the documents, run as they are written on disks in the state they start from: what is printed, and
# what other readers say of the disks afterwards. guides/README.md says where we differ from the documents, and why.
# guides.sh --update makes the goldens anew.
. "$(dirname "$0")/../tap.sh"
. "$SOURCE/tests/judge.sh"
guides=$SOURCE/tests/shell/guides

if ! command -v mkntfs >/dev/null || ! command -v mkfs.fat >/dev/null; then
	skip 'the documented procedures' 'mkntfs or mkfs.fat is not installed'
	tap_end
	exit
fi

# judge_halves NAME VOLUME IMAGE...: two equal halves with a clean NTFS. Large and sparse: holes are skipped, not read.
judge_halves() {
	local name=$1 volume=$2 path offset size n=0
	shift 2
	same "$name: status says mirror and healthy" 'mirror healthy 2' \
		"$(ask "'%s %s %d' % ((lambda v: (v['layout'], v['status'], len(v['plexes'])))(volume('$volume')))" "$@")"
	while read -r path offset size; do
		n=$((n + 1))
		python3 "$guides/cut_out.py" "$path" "$offset" "$size" "$T/half.$n" >"$T/ranges.$n"
		check "$name: ntfsfix accepts half $n" ntfsfix -n "$T/half.$n"
	done < <(ask "halves(volume('$volume'))" "$@")
	check "$name: both halves have data" test -s "$T/ranges.1"
	check "$name: the halves are equal" cmp "$T/ranges.1" "$T/ranges.2"
	rm -f "$T"/half.* "$T"/ranges.*
}

# judge_esps NAME IMAGE...: every EFI system partition holds a FAT that fsck.fat has nothing to say about
judge_esps() {
	local name=$1 path offset size
	shift
	while read -r path offset size; do
		python3 "$guides/cut_out.py" "$path" "$offset" "$size" "$T/esp" >"$T/ranges"
		check "$name: fsck.fat accepts the EFI partition of ${path##*/}" fsck.fat -n "$T/esp"
		rm -f "$T/esp" "$T/ranges"
	done < <(ask "'\n'.join(halves(v) for v in m['volumes'] if (v['fs'] or '').startswith('FAT'))" "$@" | grep .)
}

guide() {
	local name=$1 volume=Volume1
	check "$name: the lab makes its disks" "$DYNADISK" lab "$T/$name" --scenario "$name"
	local disks=("$T/$name"/*.img)
	check "$name: the commands succeed" sh -c "python3 '$guides/transcript.py' '$DYNADISK' '$guides/$name.txt' ${disks[*]} >'$T/said'"
	[ -z "$update" ] || cp "$T/said" "$guides/$name.golden"
	check "$name: they say what they are known to say" diff -u "$guides/$name.golden" "$T/said"
	judge_group "$name" --complete "${disks[@]}"
	judge_halves "$name" "$volume" "${disks[@]}"
	judge_esps "$name" "${disks[@]}"
	if command -v ldmtool >/dev/null; then
		same "$name: ldmtool says mirrored" mirrored \
			"$(ldmtool_says type "$(ask "m['groups'][0]['guid']" "${disks[@]}")" "$volume" "${disks[@]}")"
	else
		skip "$name: ldmtool says mirrored" 'ldmtool is not installed'
	fi
	rm -rf "${T:?}/$name"
}

# document NAME FILE BOUNDS...: our golden beside the document's console text
document() {
	local name=$1 file=$SHARED/seeds/$2
	shift 2
	if [ -z "$SHARED" ] || [ ! -f "$file" ]; then
		skip "$name: as the document has it, but for what README.md lists" 'the documents are not here'
	else
		check "$name: as the document has it, but for what README.md lists" \
			python3 "$guides/compare.py" "$file" "$name" "$guides/$name.golden" "$guides/README.md" "$@"
	fi
}

update=
[ "${1-}" = --update ] && update=yes
for name in ovh-mbr ovh-gpt blog kb323432 kb814070 kb814070-failed; do guide "$name"; done
document ovh-mbr ovh-mirror-soft-raid-windows.md -to 'name="gpt"'
document ovh-gpt ovh-mirror-soft-raid-windows.md -from '(GPT partition scheme) <'
document blog mirror-boot-drive-windows-server.md
document kb814070 establish-boot-gpt-mirrors.md -to '## Re-establish'
document kb814070-failed establish-boot-gpt-mirrors.md -from '## Re-establish'
tap_end
