#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Every set of practice disks: it is made, what other readers say of it, and that it is what its guide starts from.
. "$(dirname "$0")/../tap.sh"
. "$SOURCE/tests/judge.sh"

if ! command -v mkntfs >/dev/null; then
	skip 'practice disks' 'mkntfs is not installed'
	tap_end
	exit
fi

# columns IMAGE...: the tables of the disks, without the lines and the spaces between
columns() {
	"$DYNADISK" shell --script - "$@" <<-END | grep -E '^[* ] (Disk|Volume|Partition) [M0-9]' | sed -E 's/^..//; s/ +/ /g; s/ $//'
		list disk
		list volume
		select disk 0
		list partition
	END
}

declare -A expected=(
	[ovh-mbr]='Disk 0 Online 447 GB 0 B *
Disk 1 Online 447 GB 447 GB
Disk M0 Missing 0 B 0 B *
Volume 0 C Windows NTFS Mirror 447 GB Failed Rd System'
	[ovh-gpt]='Disk 0 Online 1863 GB 0 B * *
Disk 1 Online 1863 GB 1863 GB
Disk M0 Missing 0 B 0 B *
Volume 0 C Windows NTFS Mirror 1862 GB Failed Rd Boot
Volume 1 EFI FAT32 Partition 350 MB Healthy System'
	[blog]='Partition 1 System 100 MB 1024 KB
Partition 2 Reserved 16 MB 101 MB
Partition 3 Primary 31 GB 117 MB
Partition 4 Recovery 524 MB 31 GB'
	[kb323432]='Disk 0 Online 9 GB 9 MB
Disk 1 Online 9 GB 9 GB
Volume 0 NTFS Partition 9 GB Healthy System
Partition 1 Primary 9 GB 32 KB'
	[kb814070]='Partition 1 System 204 MB 32 KB
Partition 2 Primary 4904 MB 204 MB
Partition 3 Reserved 32 MB 9 GB'
	[kb814070-failed]='Volume 0 C PRIMARY NTFS Mirror 2996 MB Failed Rd
Partition 1 System 102 MB 32 KB
Partition 2 Reserved 31 MB 102 MB
Partition 3 Primary 2996 MB 133 MB'
)
names=$("$DYNADISK" lab --list | cut -d' ' -f1)
for name in "${!expected[@]}"; do
	check "--list names $name" grep -qx "$name" <<<"$names"
done
for name in $names; do
	check "$name is made" "$DYNADISK" lab "$T/$name" --scenario "$name"
	disks=("$T/$name"/*.img)
	dynamic=()
	while read -r disk; do [ -z "$disk" ] || dynamic+=("$disk"); done < <(ask '"\n".join(d["path"] for d in m["disks"] if d["group"] is not None and d["path"])' "${disks[@]}")
	[ ${#dynamic[@]} = 0 ] || judge_group "$name" '' "${dynamic[@]}"
	while IFS= read -r line; do
		check "$name: $line" grep -qxF "$line" < <(columns "${disks[@]}")
	done < <([ -z "${expected[$name]-}" ] || printf '%s\n' "${expected[$name]}")
	rm -rf "${T:?}/$name"
done
same 'nothing is left of a lab that failed' '' "$("$DYNADISK" lab "$T/none" --scenario nosuch 2>/dev/null; ls "$T/none" 2>/dev/null)"
tap_end
