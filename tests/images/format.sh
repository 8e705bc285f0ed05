#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Formats by script, judged by the checkers of each file system on the volume's own bytes, by what status shows, and by
# undo, which brings every byte of the disks back.
# shellcheck source=tests/tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/../tap.sh"
# shellcheck source=tests/judge.sh
. "$SOURCE/tests/judge.sh"
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export TMPDIR=$T

for tool in mkntfs ntfsinfo ntfsfix mkfs.fat fsck.fat python3; do
	command -v $tool >/dev/null && continue
	skip 'formats' "$tool is not installed"
	tap_end
	exit
done

blank() { rm -f "$1" && truncate -s "$2" "$1"; }
# script IMAGE...: commands from stdin, its exit code in $code, what it said in $out
script() {
	out=$("$DYNADISK" shell --script - "$@" 2>&1)
	code=$?
}
sums() { sha256sum "$@"; }
# shown IMAGE...: file system and label of the only volume
shown() { ask '" ".join((v["fs"] + " " + v["label"] + " " + v["status"]) for v in m["volumes"])' "$@"; }

# checked FS FILE LABEL: the file system's own programs are content and read the label
checked() {
	case $1 in
	NTFS)
		ntfsfix -n "$2" || return
		ntfsinfo -m "$2" | grep -qF "Volume Name: $3" || { ntfsinfo -m "$2"; return 1; }
		;;
	FAT | FAT32) fsck.fat -n "$2" || return ;;
	exFAT) fsck.exfat -n "$2" || return ;;
	esac
	[ "$(blkid -p -o value -s LABEL "$2")" = "$3" ] || { blkid -p "$2"; return 1; }
}

# format NAME FS LABEL COMMAND IMAGE...: the command on volume 0; every half is judged; undone; done again
format() {
	local name=$1 fs=$2 label=$3 command=$4 before path offset size n=0
	shift 4
	before=$(sums "$@")
	script "$@" <<<"select volume 0
$command"
	same "$name: exit code" 0 "$code"
	case $out in
	*'100 percent completed'*'DiskPart successfully formatted the volume.'*) ok "$name: the shell says so" ;;
	*)
		not_ok "$name: the shell says so"
		printf '%s\n' "$out" | sed 's/^/# /'
		;;
	esac
	same "$name: what status shows" "$fs $label healthy" "$(shown "$@")"
	while read -r path offset size; do
		n=$((n + 1))
		cut_out "$path" "$offset" "$size" "$T/half.$n"
		check "$name: its checker is content with half $n" checked "$fs" "$T/half.$n" "$label"
		same "$name: half $n knows where it is" "$FIRST" "$(od -An -tu4 -j28 -N4 "$T/half.$n" | tr -d ' ')"
	done < <(ask "'\n'.join(halves(v) for v in m['volumes'])" "$@")
	[ $n = 1 ] || check "$name: the halves are equal" cmp "$T/half.1" "$T/half.2"
	rm -f "$T"/half.*
	script "$@" <<<undo
	same "$name: undo" 0 "$code"
	same "$name: every byte is back" "$before" "$(sums "$@")"
	script "$@" <<<"select volume 0
$command"
	same "$name: again" 0 "$code"
}
# first IMAGE...: the sector the only volume starts at, on its first disk
first() { ask "m['volumes'][0]['plexes'][0]['extents'][0]['offset'] // 512" "$@"; }

# Dynamic disks, MBR and GPT; a volume full of old bytes
for table in mbr gpt; do
	d=$T/$table.img
	blank "$d" 200M
	script "$d" <<<"select disk 0
convert $table
convert dynamic
create volume simple size=120"
	same "a simple volume on $table" 0 "$code"
	FIRST=$(first "$d")
	yes 'old bytes' | head -c 120M | dd of="$d" bs=1M oflag=seek_bytes seek=$((FIRST * 512)) conv=notrunc status=none
	format "$table: NTFS" NTFS 'Größe' 'format fs=ntfs label=Größe quick' "$d"
	format "$table: FAT32 over it" FAT32 EFI 'format quick fs=fat32 label=efi' "$d"
	format "$table: FAT over it" FAT OLD-1 'format fs=fat label=old-1 unit=4096 quick' "$d"
	if command -v mkfs.exfat >/dev/null && command -v fsck.exfat >/dev/null; then
		FIRST=0 format "$table: exFAT over it" exFAT 'Big one' 'format fs=exfat label="Big one" quick' "$d"
	else
		skip "$table: exFAT" 'mkfs.exfat or fsck.exfat is not installed'
	fi
	judge_group "$table: the group" --complete "$d"
done

# A mirror: both halves
a=$T/a.img b=$T/b.img
blank "$a" 160M
blank "$b" 160M
script "$a" "$b" <<<'select disk 0
convert mbr
convert dynamic
create volume simple size=80
add disk=1
wait'
same 'a mirror' 0 "$code"
FIRST=$(first "$a" "$b")
yes 'old bytes' | head -c 80M | tee >(dd of="$a" bs=1M iflag=fullblock oflag=seek_bytes seek=$((FIRST * 512)) conv=notrunc status=none) |
	dd of="$b" bs=1M iflag=fullblock oflag=seek_bytes conv=notrunc status=none \
		seek="$(ask "m['volumes'][0]['plexes'][1]['extents'][0]['offset']" "$a" "$b")"
format 'mirror: NTFS' NTFS Data 'format fs=ntfs label=Data quick' "$a" "$b"
judge_mirror 'mirror formatted' "$(ask "m['volumes'][0]['name']" "$a" "$b")" --complete "$a" "$b"

# Partitions of basic disks: their table stays as it is
p=$T/part.img
blank "$p" 200M
script "$p" <<<'select disk 0
convert gpt
create partition efi size=100'
same 'an EFI system partition' 0 "$code"
FIRST=$(first "$p")
head=$(dd if="$p" bs=512 count=34 status=none | sha256sum)
format 'ESP: FAT32 by itself' FAT32 SYSTEM 'format label=system quick' "$p"
same 'ESP: the table is untouched' "$head" "$(dd if="$p" bs=512 count=34 status=none | sha256sum)"
check 'ESP: sgdisk is content' verified_by_sgdisk "$p"
before=$(sums "$p")
script "$p" <<<'select volume 0
format fs=ntfs quick'
same 'ESP: NTFS is refused' 4 "$code"
same 'ESP: nothing was written' "$before" "$(sums "$p")"

# A full format zeroes, says beforehand that it cannot be undone, and cannot
f=$T/full.img
blank "$f" 100M
script "$f" <<<'select disk 0
convert mbr
create partition primary size=64'
yes 'old bytes' | head -c 64M | dd of="$f" bs=1M oflag=seek_bytes seek=$(($(first "$f") * 512)) conv=notrunc status=none
script "$f" <<<'select volume 0
preview
format fs=ntfs label=Full'
same 'full: the preview' 0 "$code"
case $out in *'cannot be undone'*) ok 'full: said beforehand' ;; *) not_ok "full: said beforehand: $out" ;; esac
script "$f" <<<'select volume 0
format fs=ntfs label=Full'
same 'full: done' 0 "$code"
same 'full: what status shows' 'NTFS Full healthy' "$(shown "$f")"
same 'full: no old byte is left' 0 "$(grep -c 'old bytes' "$f")"
before=$(sums "$f")
script "$f" <<<undo
[ "$code" != 0 ] && ok 'full: undo is refused' || not_ok "full: undo is refused: $out"
same 'full: nothing was written' "$before" "$(sums "$f")"

# No maker, no room: said, and nothing written
before=$(sums "$f")
out=$(printf 'select volume 0\nformat fs=ntfs quick\n' | TMPDIR=/nonexistent "$DYNADISK" shell --script - "$f" 2>&1)
case $out in *TMPDIR*) ok 'no folder for the image: said' ;; *) not_ok "no folder for the image: said: $out" ;; esac
same 'no folder for the image: nothing was written' "$before" "$(sums "$f")"

tap_end
