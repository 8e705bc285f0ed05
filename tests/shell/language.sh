#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The shell around its commands: what stops a script, exit codes, file formats, focus, preview, read-only.
. "$(dirname "$0")/../tap.sh"
export DYNADISK_HOSTNAME=SRV

truncate -s 64M "$T/a.img" "$T/b.img"
cd "$T" || exit 99

# script TEXT [OPTION...]: runs it on the two blank disks; its replies in $out, its exit code in $code
script() {
	local text=$1
	shift
	out=$(printf '%b' "$text" | "$DYNADISK" shell "$@" --script - a.img b.img 2>&1) && code=0 || code=$?
}
expect() { # NAME CODE TEXT
	same "$1: exit code" "$2" "$code"
	same "$1: replies" "$3" "$out"
}
unchanged() { [ "$(cat a.img b.img | sha256sum)" = "$before" ]; }
before=$(cat a.img b.img | sha256sum)

disks='
  Disk ###  Status         Size     Free     Dyn  Gpt
  --------  -------------  -------  -------  ---  ---'

script 'list disk\nlist volume\n'
expect 'two blank disks' 0 "$disks
  Disk 0    Online           64 MB    64 MB
  Disk 1    Online           64 MB    64 MB

There are no volumes.

Leaving DiskPart..."

script 'LIS DIS\r\n\r\n  rem a remark\r\nexit\r\nlist disk\r\n'
expect 'a script with CR LF, ended by EXIT' 0 "$disks
  Disk 0    Online           64 MB    64 MB
  Disk 1    Online           64 MB    64 MB

Leaving DiskPart..."

script '\xef\xbb\xbfselect disk 1\nselect disk'
expect 'a byte order mark, no newline at the end' 0 '
Disk 1 is now the selected disk.

Disk 1 is the selected disk.

Leaving DiskPart...'

script 'select disk=1\nlist disk\nselect disk 7\nlist disk\n'
expect 'the focus mark; a wrong number drops the focus and stops the script' 5 "
Disk 1 is now the selected disk.
$disks
  Disk 0    Online           64 MB    64 MB
* Disk 1    Online           64 MB    64 MB

The disk you specified is not valid.

There is no disk selected."

script 'convert mbr\nlist disk\n'
expect 'nothing selected' 5 '
There is no disk selected.
Please select a disk and try again.'
script 'add disk=1 noerr\nlist disk\n'
expect 'nothing selected, in spite of NOERR' 5 '
There is no volume selected.
Please select a volume and try again.'
script 'select disk 0 now\nlist disk\n'
expect 'wrong arguments' 5 '
The arguments specified for this command are not valid.
For more information on the command type: HELP SELECT'
script 'lst disk\nlist disk\n'
same 'an unknown word: exit code' 5 "$code"
check 'an unknown word: the commands are listed' grep -q '^BREAK       - Split' <<<"$out"
if grep -q 'Disk 0' <<<"$out"; then not_ok 'an unknown word stops the script'; else ok 'an unknown word stops the script'; fi

script 'shrink desired=100\nselect disk 0\n'
expect 'a command that is refused' 4 '
Volumes are not shrunk here: the file system would have to move its data first.'
script 'shrink desired=100 noerr\nselect disk 0\n'
expect 'the same with NOERR' 0 '
Volumes are not shrunk here: the file system would have to move its data first.

Disk 0 is now the selected disk.

Leaving DiskPart...'
script 'automount enable\n'
expect 'a setting of Windows' 0 '
AUTOMOUNT is a setting of Windows: nothing is mounted here, so there is nothing
to set.

Leaving DiskPart...'

script 'select disk 0\ndelete disk noerr\nselect disk 1\n'
same 'a refusal with NOERR: exit code' 0 "$code"
check 'a refusal says why' grep -q 'Disk 0 is not missing' <<<"$out"
check 'a refusal with NOERR goes on' grep -q 'Disk 1 is now' <<<"$out"
script 'select disk 0\ndelete disk\nselect disk 1\n'
same 'a refusal: exit code' 4 "$code"
check 'a refusal speaks as the Virtual Disk Service' grep -q '^Virtual Disk Service error:$' <<<"$out"
if grep -q 'Disk 1 is now' <<<"$out"; then not_ok 'a refusal stops the script'; else ok 'a refusal stops the script'; fi
script 'rebuild pause\n'
expect 'nothing to pause' 4 '
There is no running rebuild.'
script 'wait timeout=1\n'
expect 'nothing to wait for' 0 '
No rebuild is running.

Leaving DiskPart...'

script 'select disk 0\npreview convert gpt\npreview\nconvert dynamic\nselect disk 1\n'
same 'preview: exit code' 0 "$code"
same 'preview: twice nothing was written' 2 "$(grep -c '^Nothing was written.$' <<<"$out")"
check 'preview: the disks are what they were' unchanged
script 'select disk 0\nconvert mbr\n' --read-only
same 'read-only: exit code' 4 "$code"
check 'read-only: the disks are what they were' unchanged

script '\xff\xfel\0i\0s\0t\0'
same 'UTF-16: exit code' 3 "$code"
check 'UTF-16: says so' grep -q 'UTF-16' <<<"$out"
script "select disk 0$(printf '%01200d' 0)\n"
expect 'an endless line' 5 '
The line is too long.'
"$DYNADISK" shell --script nowhere.txt a.img >out 2>&1 && code=0 || code=$?
same 'a script that is not there: exit code' 3 "$code"
"$DYNADISK" shell --script . a.img >out 2>&1 && code=0 || code=$?
same 'a script that is a folder: exit code' 3 "$code"
"$DYNADISK" shell --wrong >out 2>&1 && code=0 || code=$?
same 'a wrong option: exit code' 2 "$code"
printf 'select disk 1\n' >dp.txt
same "DiskPart's own spelling of the options" $'\nDisk 1 is now the selected disk.\n\nLeaving DiskPart...' \
	"$("$DYNADISK" shell /t 0 /S dp.txt a.img b.img)"
"$DYNADISK" shell --script dp.txt a.img ./a.img >out 2>&1 && code=0 || code=$?
same 'disks that cannot be told apart: exit code' 1 "$code"
check '/? is help' grep -q Usage <<<"$("$DYNADISK" shell '/?')"
same 'outside UTF-8 no byte above 127' '' "$(LC_ALL=C "$DYNADISK" shell --script dp.txt a.img b.img | tr -d '\0-\177')"

# ---- help: every command of DiskPart's is listed, and explained or answered; a family is a list of its words
script 'help\n'
for verb in ACTIVE ADD ASSIGN ATTACH ATTRIBUTES AUTOMOUNT BREAK CLEAN COMPACT CONVERT CREATE DELETE DETACH DETAIL EXIT EXPAND EXTEND \
	FILESYSTEMS FORMAT GPT HELP IMPORT INACTIVE LIST MERGE OFFLINE ONLINE RECOVER REM REMOVE REPAIR RESCAN RETAIN SAN SELECT SET \
	SHRINK UNIQUEID; do
	check "help lists $verb" grep -qE "^$verb +- |^Refused, each with the reason:.* $verb( |\$)" <<<"$out"
done
for topic in 'list disk' 'list volume' 'list partition' 'list vdisk' 'select disk' 'select volume' 'select partition' 'detail disk' \
	'detail partition' 'detail volume' 'detail vdisk' add break 'delete disk' 'delete partition' 'delete volume' 'convert basic' \
	'convert dynamic' 'convert gpt' 'convert mbr' clean 'create partition efi' 'create partition msr' 'create partition primary' \
	'create partition extended' 'create partition logical' 'create volume simple' 'create volume mirror' 'create volume stripe' \
	'create volume raid' format assign remove set gpt active inactive retain recover import 'online disk' 'online volume' \
	'offline disk' 'offline volume' rescan repair 'uniqueid disk' 'attributes disk' 'attributes volume' filesystems extend shrink \
	automount san 'attach vdisk' 'detach vdisk' 'compact vdisk' 'expand vdisk' 'merge vdisk' help rem exit wait preview undo verify mend \
	'rebuild pause' 'rebuild resume' 'rebuild cancel' 'rebuild rate'; do
	script "help $topic\n"
	same "help $topic: exit code" 0 "$code"
	first=$(sed -n 2p <<<"$out")
	case $first in
	"${topic^^}"*) ok "help $topic shows its usage" ;;
	*'not opened here'* | *'not made'* | 'REPAIR '* | *'not extended here'* | *'not shrunk here'* | *'setting of Windows'* | *'policy of Windows'*)
		ok "help $topic says why it is refused" ;;
	*) not_ok "help $topic: $first" ;;
	esac
done
family() { # VERB WORDS: the words that HELP lists for a family
	script "help $1\n"
	same "help $1 lists its words" "$2" "$(sed -n 's/^\([A-Z]*\) *- .*/\1/p' <<<"$out" | paste -sd ' ')"
}
family create 'PARTITION VDISK VOLUME'
family 'create partition' 'EFI EXTENDED LOGICAL MSR PRIMARY'
family 'cre vol' 'MIRROR RAID SIMPLE STRIPE'
family delete 'DISK PARTITION VOLUME'
family convert 'BASIC DYNAMIC GPT MBR'
family list 'DISK PARTITION VDISK VOLUME'
family detail 'DISK PARTITION VDISK VOLUME'
family select 'DISK PARTITION VDISK VOLUME'
family online 'DISK VOLUME'
family offline 'DISK VOLUME'
family attributes 'DISK VOLUME'
family rebuild 'CANCEL FINISH FORGET PAUSE RATE RESUME'
script 'help nothing\nlist disk\n'
expect 'help on what is no command' 5 '
There is no command of that name. HELP lists them.'

script 'select disk 0\nconvert gpt\nconvert dynamic\nconvert mbr noerr\nlist disk\ndetail disk\nlist volume\n'
same 'convert: exit code' 0 "$code"
check 'convert: gpt' grep -q '^DiskPart successfully converted the selected disk to GPT format.$' <<<"$out"
check 'convert: dynamic' grep -q '^DiskPart successfully converted the selected disk to dynamic format.$' <<<"$out"
check 'convert: the focus survives, both marks are set' grep -q '^\* Disk 0    Online           64 MB .*MB   \*    \*$' <<<"$out"
check 'detail disk names the path' grep -q '^Path   : a.img$' <<<"$out"
check 'detail disk without volumes' grep -q '^There are no volumes.$' <<<"$out"
same 'only the selected disk was written' "$(head -c 64M /dev/zero | sha256sum)" "$(sha256sum <b.img)"
tap_end
