#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Every command of the language on real images: what it replies, what it selects, and what other programs make of it.
. "$(dirname "$0")/../tap.sh"
. "$SOURCE/tests/judge.sh"
export DYNADISK_HOSTNAME=SRV
cd "$T" || exit 99

# script TEXT [DISK...]: its replies without the empty lines in $out, its exit code in $code
script() {
	local text=$1
	shift
	[ $# -gt 0 ] || set -- a.img b.img
	out=$(printf '%b' "$text" | "$DYNADISK" shell --script - "$@" 2>&1) && code=0 || code=$?
	out=$(sed '/^$/d; /^Leaving DiskPart...$/d' <<<"$out")
}
# expect NAME CODE LINES: the last lines of the replies
expect() {
	same "$1: exit code" "$2" "$code"
	same "$1: replies" "$3" "$(tail -n "$(wc -l <<<"$3")" <<<"$out")"
}
blank() {
	rm -f a.img b.img
	truncate -s 512M a.img b.img
}
sums() { cat "$@" | cksum; } # a gigabyte of mostly holes: quick matters more than secret

# ---- GPT: the guides' way from a blank disk to a prepared one
blank
partitions='  Partition ###  Type              Size     Offset
  -------------  ----------------  -------  -------'
script 'select disk 1\nlist partition\nclean\nconvert gpt\nlist partition'
expect 'convert gpt makes the MSR' 0 "Disk 1 is now the selected disk.
There are no partitions on this disk to show.
DiskPart succeeded in cleaning the disk.
DiskPart successfully converted the selected disk to GPT format.
$partitions
  Partition 1    Reserved            32 MB    17 KB"
script 'select disk 1\nselect partition 1\ndelete partition'
same 'an MSR needs OVERRIDE' 4 "$code"
script 'sel dis 1\nsel par 1\ndel par ove\nlist part\ncreate partition efi size=100\nformat quick fs=fat32 label=EFI\nassign letter=t
create partition msr size=128\nlist partition\ndelete volume'
expect 'ESP, format, letter, MSR: the new partition is selected, its volume with it' 5 "DiskPart successfully deleted the selected partition.
There are no partitions on this disk to show.
DiskPart succeeded in creating the specified partition.
  100 percent completed
DiskPart successfully formatted the volume.
DiskPart successfully assigned the drive letter or mount point.
DiskPart succeeded in creating the specified partition.
$partitions
  Partition 1    System             100 MB  1024 KB
* Partition 2    Reserved           128 MB   101 MB
There is no volume selected.
Please select a volume and try again."
check 'sgdisk accepts the disk' verified_by_sgdisk b.img
dd if=b.img of=esp bs=1M skip=1 count=100 status=none
check 'fsck.fat accepts the ESP' fsck.fat -n esp

volumes='  Volume ###  Ltr  Label        Fs     Type        Size     Status     Info
  ----------  ---  -----------  -----  ----------  -------  ---------  --------'
script 'select disk 1\ncreate partition PRIMARY size=100\nformat fs=ntfs quick label="Two words" unit=8192\nassign\nlist volume
select volume 0\nlist partition\nselect disk 1\ndetail volume'
expect 'volumes and partitions move the focus together' 5 "  100 percent completed
DiskPart successfully formatted the volume.
DiskPart successfully assigned the drive letter or mount point.
$volumes
  Volume 0         EFI          FAT32  Partition    100 MB  Healthy    System
* Volume 1     C   Two words    NTFS   Partition    100 MB  Healthy
Volume 0 is the selected volume.
$partitions
* Partition 1    System             100 MB  1024 KB
  Partition 2    Reserved           128 MB   101 MB
  Partition 3    Primary            100 MB   229 MB
Disk 1 is now the selected disk.
There is no volume selected.
Please select a volume and try again."

script 'sel dis 1\nsel par 3\nset id=de94bba4-06d1-4d40-a16a-bfd50179d6ac\ndetail partition\ngpt attributes=0x8000000000000001\ndetail partition'
expect 'set id, gpt attributes, detail partition' 0 "DiskPart successfully set the partition ID.
Partition 3
Type    : de94bba4-06d1-4d40-a16a-bfd50179d6ac
Hidden  : Yes
Required: No
Attrib  : 0000000000000000
Offset in Bytes: 240123904
$volumes
* Volume 1         Two words    NTFS   Partition    100 MB  Healthy    Hidden
DiskPart successfully assigned the attributes to the selected GPT partition.
Partition 3
Type    : de94bba4-06d1-4d40-a16a-bfd50179d6ac
Hidden  : Yes
Required: Yes
Attrib  : 0X8000000000000001
Offset in Bytes: 240123904
$volumes
* Volume 1         Two words    NTFS   Partition    100 MB  Healthy    Hidden"
script 'sel dis 1\nsel par 2\ndetail partition'
expect 'a partition without volume' 0 'Offset in Bytes: 105906176
There is no volume associated with this partition.'
before=$(sums a.img b.img)
for id in 42 e3c9e316-0b5c-4db8-817d-f92df00215ae 5808c8aa-7e8f-42e0-85d2-e1e90434cfb3 af9b60a0-1431-4f62-bc68-3311714a69ad nonsense; do
	script "sel dis 1\nsel par 3\nset id=$id"
	same "set id=$id is refused" 4 "$code"
done
same 'and nothing is written' "$before" "$(sums a.img b.img)"

script 'select disk 1\nuniqueid disk id=12345678-1234-1234-1234-123456789ABC\nuniqueid disk'
expect 'uniqueid on GPT' 0 'Disk 1 is now the selected disk.
Disk ID: {12345678-1234-1234-1234-123456789ABC}
Disk ID: {12345678-1234-1234-1234-123456789abc}'

# ---- letters
script 'select volume 0\nassign letter=x\nselect volume x\nselect volume 1\nassign letter=X'
expect 'a letter in use' 4 'Virtual Disk Service error:
The specified drive letter is not free to be assigned.'
script 'select volume 0\nassign letter=x\nassign letter=y\nselect volume x'
expect 'a second letter replaces the first' 5 'DiskPart successfully assigned the drive letter or mount point.
The volume you selected is not valid or does not exist.
There is no volume selected.'
script 'select volume 0\nassign letter=x\nremove letter=y'
same 'remove of another letter' 4 "$code"
script 'select volume 0\nassign letter=x:\nremove letter=x\nremove'
expect 'remove, and once more' 4 'DiskPart successfully removed the drive letter or mount point.
Virtual Disk Service error:
The volume has no drive letter or mount point.'
script 'select volume 0\nremove all\nassign mount=/mnt'
same 'a mount point: exit code' 4 "$code"
same 'letters write nothing' '' "$(script 'list volume'; grep ' X ' <<<"$out")"

# ---- nothing selected
for command in active inactive 'delete partition' 'detail partition' 'set id=07' 'gpt attributes=0x1'; do
	script "select disk 1\n$command noerr\n" && :
	[ "$command" = 'detail partition' ] && script "select disk 1\n$command\n"
	expect "$command: no partition" 5 'There is no partition selected.
Please select a partition and try again.'
done
for command in assign remove retain 'delete volume' format 'add disk=1' 'break disk=1' 'online volume' 'offline volume' 'attributes volume' verify; do
	script "select disk 1\n$command noerr\n"
	expect "$command: no volume" 5 'There is no volume selected.
Please select a volume and try again.'
done
for command in clean 'convert basic' 'convert dynamic' 'convert gpt' 'convert mbr' recover import 'online disk' 'offline disk' 'uniqueid disk' mend \
	'attributes disk' 'create partition efi size=1' 'create volume simple size=1'; do
	script "$command $([ "$command" = clean ] || echo noerr)\n"
	expect "$command: no disk" 5 'There is no disk selected.
Please select a disk and try again.'
done
script 'select partition 1'
expect 'select partition: no disk' 5 'There is no disk selected.
Please select a disk and try again.'
script 'select disk 1\nselect partition 1\nselect partition 9\nselect partition'
expect 'a partition that is not there' 5 'The specified partition is not valid.
Please select a valid partition.
There is no partition selected.'
script 'select disk next'
same 'next of nothing' 5 "$code"
script 'select disk=0\nselect disk=next\nselect disk=next'
expect 'next' 5 'Disk 1 is now the selected disk.
The disk you specified is not valid.
There is no disk selected.'
script 'select disk system'
expect 'the disk that boots' 0 'Disk 1 is now the selected disk.'

# ---- attributes, what is refused, what is only answered
script 'select disk 1\nattributes disk'
expect 'attributes disk' 0 'Current Read-only State : No
Read-only  : No
Boot Disk  : No
Pagefile Disk  : No
Hibernation File Disk  : No
Crashdump Disk  : No
Clustered Disk  : No'
script 'select disk 1\nattributes disk set readonly'
same 'attributes disk set is refused' 4 "$code"
script 'select volume 1\nattributes volume'
expect 'attributes volume' 0 'Read-only              : No
Hidden                 : Yes
No Default Drive Letter: Yes
Shadow Copy            : No'
before=$(sums a.img b.img)
for command in 'repair disk=1' 'extend size=10' 'shrink desired=10' 'attach vdisk' 'compact vdisk' 'detach vdisk' 'expand vdisk maximum=9' \
	'merge vdisk depth=1' 'list vdisk' 'select vdisk file=x' 'detail vdisk' 'create vdisk file=x maximum=9' 'create volume stripe disk=0,1' \
	'create volume raid disk=0,1,2'; do
	script "$command\nlist disk"
	same "$command is refused" 4 "$code"
	script "$command noerr"
	same "$command with NOERR goes on" 0 "$code"
done
for command in 'automount enable' 'san policy=onlineall' 'help' 'help create partition efi' '? format' 'rem help'; do
	script "$command"
	same "$command is answered" 0 "$code"
done
script 'select disk 1\nonline disk'
expect 'online disk' 4 'Virtual Disk Service error:
This disk is already online.'
script 'select disk 1\nrecover'
same 'recover on a basic disk' 0 "$code"
script 'select volume 1\nformat fs=refs'
expect 'a file system that is not made' 4 'Only NTFS, FAT, FAT32 and exFAT are made here.'
for argument in compress duplicate revision=2.01; do
	script "select volume 1\nformat $argument"
	same "format $argument is refused" 4 "$code"
done
script 'select volume 1\nformat unit=12x'
same 'format unit=12x: exit code' 5 "$code"
script 'preview select disk 1\npreview clean all\nselect disk 1\npreview clean\npreview\ndelete partition'
same 'previews' 5 "$code"
same 'none of this writes anything' "$before" "$(sums a.img b.img)"

# ---- MBR
blank
script 'select disk 0\nconvert mbr\ncreate partition primary size=50\nactive\ncreate part ext\ncreate part log size=20\ncreate part log
list partition\nselect partition 1\ndetail partition'
expect 'MBR: primary, extended, logical' 0 "DiskPart successfully converted the selected disk to MBR format.
DiskPart succeeded in creating the specified partition.
DiskPart marked the current partition as active.
DiskPart succeeded in creating the specified partition.
DiskPart succeeded in creating the specified partition.
DiskPart succeeded in creating the specified partition.
$partitions
  Partition 1    Primary             50 MB  1024 KB
  Partition 2    Extended           460 MB    51 MB
  Partition 3    Logical             20 MB    52 MB
* Partition 4    Logical            438 MB    73 MB
Partition 1 is now the selected partition.
Partition 1
Type  : 07
Hidden: No
Active: Yes
Offset in Bytes: 1048576
$volumes
* Volume 0                      RAW    Partition     50 MB  Healthy    System"
check 'sfdisk accepts the disk' sfdisk -V a.img
script 'select disk 0\nselect partition 1\ninactive\nselect partition 4\ndelete partition\nlist partition\nactive'
expect 'MBR: inactive, delete; nothing is selected then' 5 "DiskPart marked the current partition as inactive.
Partition 4 is now the selected partition.
DiskPart successfully deleted the selected partition.
$partitions
  Partition 1    Primary             50 MB  1024 KB
  Partition 2    Extended           460 MB    51 MB
  Partition 3    Logical             20 MB    52 MB
There is no partition selected.
Please select a partition and try again."
script 'select disk 0\nuniqueid disk id=1a2b3c4d\nuniqueid disk'
expect 'uniqueid on MBR' 0 'Disk ID: 1A2B3C4D'
script 'select disk 0\nselect partition 1\ngpt attributes=0x1'
same 'gpt on MBR' 4 "$code"

# ---- dynamic: one after the other, each taken back again
blank
script 'select disk 0\nconvert gpt\nconvert dynamic\nselect disk 1\nconvert mbr\nconvert dynamic'
same 'two dynamic disks' 0 "$code"
# what the disks say, but for how often they were written
says() { "$DYNADISK" status --json a.img b.img | sed 's/"transaction": *[0-9]*//'; }
# undone NAME COMMANDS [bits]: undo after the last of them restores the disks (the database: its records) or every bit
undone() {
	local name=$1 bits=${3-} before after was
	before=$(sums a.img b.img)
	was=$(says)
	script "$2"
	same "$name: exit code" 0 "$code"
	after=$(sums a.img b.img)
	if [ "$before" = "$after" ]; then not_ok "$name: the disks changed"; else ok "$name: the disks changed"; fi
	script undo
	same "$name: undo" 0 "$code"
	same "$name: the disks say what they said" "$was" "$(says)"
	[ -z "$bits" ] || same "$name: the disks are what they were" "$before" "$(sums a.img b.img)"
}
undone 'create volume simple' 'create volume simple size=50 disk=0'
undone 'create volume mirror' 'create volume mirror disk=0,1 size=50'
script 'create volume simple size=50 disk=0\nformat quick label=S\ndetail volume\nlist volume'
expect 'create volume simple' 0 "$volumes
* Volume 0         S            NTFS   Simple        50 MB  Healthy"
script 'create volume mirror size=60 disk=1,0\nformat quick label=M\nassign\nlist volume\nbreak disk=1\nlist volume'
expect 'create volume mirror, break: the mirror that was is not selected' 0 "$volumes
  Volume 0         S            NTFS   Simple        50 MB  Healthy
* Volume 1     C   M            NTFS   Mirror        60 MB  Healthy
DiskPart successfully broke the mirror volume.
$volumes
  Volume 0         S            NTFS   Simple        50 MB  Healthy
  Volume 1     C   M            NTFS   Simple        60 MB  Healthy
  Volume 2         M            NTFS   Simple        60 MB  Healthy"
undone 'delete volume' 'select volume 2\ndelete volume noerr'
undone 'retain' 'select volume 0\nretain'
undone 'format' 'select volume 0\nformat quick fs=fat label=OTHER' bits
judge_group 'two disks with volumes' --complete a.img b.img
script 'create volume mirror disk=0,1,2'
same 'three disks: exit code' 4 "$code"
script 'create volume mirror disk=0,7'
same 'a disk that is not there: exit code' 5 "$code"
script 'create volume simple size=0 disk=0'
same 'no size: exit code' 5 "$code"
script 'create volume simple size=9999 disk=0'
same 'too large: exit code' 4 "$code"
check 'too large: DiskPart says so' grep -qx 'There is not enough usable space for this operation.' <<<"$out"
script 'select disk 0\nconvert basic'
check 'convert basic' grep -qx 'DiskPart successfully converted the selected disk to basic format.' <<<"$out"
script undo
same 'convert basic is taken back' 0 "$code"

# ---- verify: equal halves, and halves that are not
"$DYNADISK" lab lab --scenario mbr-failed >/dev/null
disks=(lab/*.img)
script 'select volume c\nbreak disk=m0 nokeep\nselect disk m0\ndelete disk\nselect volume c\nadd disk=1\nwait\nverify\nverify volume=c' "${disks[@]}"
same 'verify of a rebuilt mirror: exit code' 0 "$code"
same 'verify of a rebuilt mirror' 2 "$(grep -c '^The halves of C: .* are equal: ' <<<"$out")"
offset=$(ask "next(v for v in m['volumes'] if v['layout'] == 'mirror')['plexes'][0]['extents'][0]['offset']" "${disks[@]}")
printf 'other' | dd of="${disks[0]}" bs=1 seek=$((offset + 20480)) conv=notrunc status=none
before=$(sums "${disks[@]}")
script 'verify volume=c noerr\nverify volume=9' "${disks[@]}"
expect 'verify of halves that differ' 5 'Which half is right cannot be told from this. BREAK without NOKEEP keeps both as two volumes.
The volume you selected is not valid or does not exist.'
check 'verify says where' grep -q '^The halves of C: .* differ in 512 B of .*, first at byte 20480 of the volume.$' <<<"$out"
same 'verify writes nothing' "$before" "$(sums "${disks[@]}")"

# ---- a disk that comes back out of date; a group that joins another
rm -f a.img b.img
truncate -s 200M a.img b.img
script 'select disk 0\nconvert gpt\nconvert dynamic\nselect disk 1\nconvert mbr\nconvert dynamic\ncreate volume simple size=20 disk=0
format quick label=A\nadd disk=1\nwait'
same 'a mirror is made' 0 "$code"
script 'create volume simple size=10 disk=0' a.img
same 'a change while its other disk is away' 0 "$code"
script 'select disk 1\ndetail disk'
check 'a disk that came back: both transaction numbers' \
	grep -qE '^Damage +: .* is at transaction [0-9]+, the group is at [0-9]+' <<<"$out"
script 'select disk 1\nonline disk\nwait\nselect volume 0\nverify\nselect disk 1\nrecover\nonline disk'
same 'online disk, a second time: exit code' 4 "$code"
check 'online disk brings it up to date' grep -qx 'DiskPart successfully onlined the selected disk.' <<<"$out"
check 'online disk: the halves are equal' grep -q '^The halves of A are equal' <<<"$out"
check 'online disk: then there is nothing to recover' grep -q 'There is nothing to recover.$' <<<"$out"
judge_group 'a disk that came back' '--complete --mirror-data' a.img b.img
truncate -s 200M c.img
script 'select disk 0\nconvert gpt\nconvert dynamic' c.img
script 'select disk 0\nimport' a.img b.img
same 'import without another group: exit code' 4 "$code"
script 'create volume simple size=5 disk=0' c.img
before=$(sums a.img b.img c.img)
script 'select disk 2\npreview\nimport' a.img b.img c.img
check 'preview of an import: its steps' grep -q '^  2. List the disks and volumes of .* in ' <<<"$out"
same 'preview of an import writes nothing' "$before" "$(sums a.img b.img c.img)"
script 'select disk 2\nimport noerr\nlist volume' a.img b.img c.img
check 'import' grep -qx 'DiskPart successfully imported the foreign disk group.' <<<"$out"
judge_group 'import' '--complete --mirror-data' a.img b.img c.img
same 'import: one group' 1 "$(ask "len(m['groups'])" a.img b.img c.img)"
same 'import: its volumes are there' 3 "$(ask "len([v for v in m['volumes'] if v['status'] == 'healthy'])" a.img b.img c.img)"
script 'select disk 2\nimport' a.img b.img c.img
same 'import, a second time: exit code' 4 "$code"
script 'undo' a.img b.img c.img
same 'import is taken back: two groups' 2 "$(ask "len(m['groups'])" a.img b.img c.img)"
judge_group 'import taken back' '--complete --mirror-data' a.img b.img
judge_group 'import taken back, the other' --complete c.img

# ---- damaged copies are named, mended as a plan, and the damage can be had back
"$DYNADISK" lab hurt --scenario gpt-healthy >/dev/null
disks=(hurt/disk0.img hurt/disk1.img)
healthy=$(sums "${disks[@]}")
script 'select disk 1\nmend' "${disks[@]}"
expect 'mend of a healthy disk' 4 'Virtual Disk Service error:
no metadata copy on Disk 1 is damaged.
Nothing needs to be done.'
dd if=/dev/zero of=hurt/disk1.img bs=512 seek=1 count=33 conv=notrunc status=none
before=$(sums "${disks[@]}")
script 'select disk 1\ndetail disk\npreview mend' "${disks[@]}"
same 'mend: exit code of its preview' 0 "$code"
check 'mend: the damage is named' grep -q '^Damage  *: The primary GPT header in sector 1 is damaged; the backup' <<<"$out"
check 'mend: the preview has its step' grep -qE '^  1. Write the damaged copies on Disk 1 anew .* metadata copies only$' <<<"$out"
same 'mend: the preview writes nothing' "$before" "$(sums "${disks[@]}")"
script 'select disk 1\nmend' "${disks[@]}"
expect 'mend' 0 "The damaged copies of the disk's metadata were written anew."
same 'mend: every byte is back' "$healthy" "$(sums "${disks[@]}")"
script 'undo' "${disks[@]}"
same 'mend: undone' "$before" "$(sums "${disks[@]}")"
script 'select disk 1\nrecover' "${disks[@]}"
expect 'recover mends what is only damaged' 0 'The disk group is in order again.'
same 'recover: every byte is back' "$healthy" "$(sums "${disks[@]}")"

# two copies of the database that are valid and differ: nothing is guessed, people decide
python3 - hurt/disk1.img <<'EOF'
import sys
with open(sys.argv[1], 'r+b') as f:
    b = f.read(4 << 20)
    f.seek(b.index(b'Volume1', b.index(b'VMDB')))
    f.write(b'Xolume1')
EOF
before=$(sums "${disks[@]}")
script 'select disk 1\nmend' "${disks[@]}"
same 'mend of what is doubtful: exit code' 4 "$code"
check 'mend of what is doubtful is refused' grep -q '^nothing tells which copy is right: the database copies on Disk 0 and Disk 1 differ' <<<"$out"
same 'mend of what is doubtful writes nothing' "$before" "$(sums "${disks[@]}")"
script 'select disk 1\noffline disk\nselect volume c\nbreak disk=m0 nokeep\nselect disk 1\nonline disk\nselect volume c\nadd disk=1\nwait
select volume c\nverify' "${disks[@]}"
same 'a doubtful copy, decided: exit code' 0 "$code"
check 'a doubtful copy, decided: the halves are equal' grep -q '^The halves of C: .* are equal' <<<"$out"
judge_group 'a doubtful copy, decided' '--complete --mirror-data' "${disks[@]}"

# ---- offline and online: the session does without a disk, and takes it back
"$DYNADISK" lab away --scenario gpt-healthy >/dev/null
disks=(away/disk0.img away/disk1.img)
before=$(sums "${disks[@]}")
script 'select disk 1\npreview offline disk\noffline disk\nlist disk\nlist volume\nselect disk 1\nconvert mbr noerr\noffline disk noerr
rescan\nselect disk 1\nonline disk\nlist volume\nonline disk' "${disks[@]}"
same 'offline disk: exit code of the second online' 4 "$code"
check 'offline disk: it answers' grep -qx 'DiskPart successfully offlined the selected disk.' <<<"$out"
check 'offline disk: the disk is offline' grep -q '^\* Disk 1    Offline ' <<<"$out"
check 'offline disk: and missing from its group' grep -q '^  Disk M0   Missing ' <<<"$out"
check 'offline disk: the mirror has lost a half' grep -q '  Volume .* Mirror .* Failed Rd' <<<"$out"
check 'offline disk: nothing is done to it' grep -q 'was taken off line' <<<"$out"
check 'offline disk: twice' grep -qx 'This disk is already offline.' <<<"$out"
check 'online disk: the mirror is whole' grep -q '^  Volume .* Mirror .* Healthy' <<<"$out"
check 'online disk: twice' grep -qx 'This disk is already online.' <<<"$out"
same 'offline and online write nothing' "$before" "$(sums "${disks[@]}")"
script 'select disk 1\noffline disk\ncreate volume simple size=10 disk=0\nselect disk 1\nonline disk\nwait\nselect volume c\nverify' "${disks[@]}"
same 'a change meanwhile: exit code' 0 "$code"
check 'a change meanwhile: the disk is brought up to date' grep -q '^The halves of C: .* are equal' <<<"$out"
judge_group 'a disk that was off line' '--complete --mirror-data' "${disks[@]}"
before=$(sums "${disks[@]}")
script 'select volume c\npreview offline volume\noffline volume\noffline volume noerr\nlist volume\ndetail volume\nadd disk=0 noerr
break disk=1 noerr\ndelete volume noerr\nformat noerr\nretain noerr\nonline volume\nlist volume\nonline volume' "${disks[@]}"
same 'offline volume: exit code of the second online' 4 "$code"
check 'offline volume: it answers' grep -qx 'DiskPart successfully offlined the selected volume.' <<<"$out"
check 'offline volume: LIST shows it' grep -q '^\* Volume .* C .* Offline$' <<<"$out"
check 'offline volume: DETAIL shows it' grep -qx 'Offline                : Yes' <<<"$out"
same 'offline volume: every change is refused' 5 "$(grep -cx 'The volume is offline.' <<<"$out")"
same 'offline volume: nothing is written' "$before" "$(sums "${disks[@]}")"
script 'select disk m0\noffline disk' lab/disk0.img
same 'a missing disk is not taken off line' 4 "$code"

# ---- delete disk override; undo of several changes, listed
"$DYNADISK" lab lost --scenario mbr-failed >/dev/null
disks=(lost/*.img)
script 'select disk m0\ndelete disk' "${disks[@]}"
same 'a disk that is needed is not deleted' 4 "$code"
before=$(sums "${disks[@]}")
script 'select disk m0\npreview delete disk override' "${disks[@]}"
same 'preview delete disk override' 0 "$code"
same 'preview delete disk override writes nothing' "$before" "$(sums "${disks[@]}")"
script 'select disk m0\ndelete disk override\nlist disk\nundo list\nundo\nundo\nundo' "${disks[@]}"
same 'delete disk override, undone: the third undo finds nothing' 4 "$code"
check 'delete disk override' grep -qx 'DiskPart successfully deleted the missing disk.' <<<"$out"
same 'the last answer' 'There is no change that could be undone.' "$(tail -n1 <<<"$out")"

# ---- an undo is refused when the disks have moved on, or when its file is not what was saved
"$DYNADISK" lab moved --scenario gpt-healthy >/dev/null
disks=(moved/*.img)
script 'create volume simple size=20 disk=0' "${disks[@]}"
same 'a change to take back' 0 "$code"
DYNADISK_STATE=$T/elsewhere script 'create volume simple size=10 disk=1' "${disks[@]}"
same 'and one that another machine made' 0 "$code"
before=$(sums "${disks[@]}")
script 'undo' "${disks[@]}"
same 'undo, the disks moved on: exit code' 4 "$code"
check 'undo, the disks moved on: why' grep -q '^The last change (Create a simple volume on Disk 0) cannot be undone: .* changed since' <<<"$out"
same 'undo, the disks moved on: nothing is written' "$before" "$(sums "${disks[@]}")"
DYNADISK_STATE=$T/elsewhere script 'undo' "${disks[@]}"
same 'the later one first' 0 "$code"
file=$(find "$T/state/undo" -name '*.undo' -printf '%T@ %p\n' | sort -n | tail -n1 | cut -d' ' -f2-)
cp "$file" "$T/saved"
printf '\377' | dd of="$file" bs=1 seek=$(($(stat -c %s "$file") / 2)) conv=notrunc status=none
before=$(sums "${disks[@]}")
script 'undo' "${disks[@]}"
same 'a damaged undo file: exit code' 4 "$code"
check 'a damaged undo file: it says so' grep -qi 'undo.* damaged' <<<"$out"
same 'a damaged undo file: nothing is written' "$before" "$(sums "${disks[@]}")"
cp "$T/saved" "$file"
script 'undo' "${disks[@]}"
same 'with the file as it was' 0 "$code"
same 'and the change is taken back' 1 "$(ask "len(m['volumes'])" "${disks[@]}")"

# ---- the only disk with a group's current database leaves it, beside one that is out of date: undo brings all of it back
blank
truncate -s 96M a.img b.img
script 'select disk 0\nconvert gpt\nconvert dynamic\nselect disk 1\nconvert mbr\nconvert dynamic'
script 'create volume simple size=20 disk=0' a.img
before=$(sums a.img b.img)
for change in 'convert basic' clean; do
	if [ "$change" = clean ]; then
		script 'select volume 0\ndelete volume' a.img
		before=$(sums a.img b.img)
	fi
	script "select disk 0\npreview $change\n$change"
	check "$change beside a stale disk: what undo does" grep -q 'It can be undone, byte for byte.' <<<"$out"
	script undo
	same "$change beside a stale disk, undone" "$before" "$(sums a.img b.img)"
done

# ---- UNDO does not step over a change that cannot be undone, to an older one
script 'create volume simple size=8 disk=0' a.img b.img
script 'select disk 1\nrecover' a.img b.img
same 'recover' 0 "$code"
before=$(sums a.img b.img)
script undo a.img b.img
same 'undo of a recovery is refused' 4 "$code"
check 'undo of a recovery: which change is meant' grep -q '^The last change (.*Disk 1.*) cannot be undone: ' <<<"$out"
same 'undo of a recovery: an older change stays' "$before" "$(sums a.img b.img)"
tap_end
