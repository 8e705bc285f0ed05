#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Changes that were cut off, disks of other groups, missing disks: what the shell and the status say, what RECOVER,
# IMPORT, CLEAN and DELETE DISK OVERRIDE do about them.
# shellcheck source=tests/tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/../tap.sh"
# shellcheck source=tests/judge.sh
. "$SOURCE/tests/judge.sh"
export DYNADISK_HOSTNAME=rescue DYNADISK_STATE=$T/state
cd "$T" || exit 1

# script LINES IMAGE...: output in $out, exit code in $code
script() {
	local lines=$1
	shift
	out=$(printf '%b\n' "$lines" | "$DYNADISK" shell --script - "$@" 2>&1)
	code=$?
}
sums() {
	sha256sum "$@" | cut -d' ' -f1
}
says() {
	check "$1" grep -qF -- "$2" <<<"$out"
}
says_not() {
	check "$1" test -z "$(grep -F -- "$2" <<<"$out")"
}
# judged NAME OPTIONS IMAGE...
judged() {
	if [ -n "$SHARED" ]; then
		# shellcheck disable=SC2086
		check "$1: ldmcheck" python3 "$SHARED/tools/ldmcheck.py" -q $2 "${@:3}"
	else
		skip "$1: ldmcheck" 'the shared folder is not here'
	fi
}
fresh() {
	rm -rf lab && cp -r --sparse=always kept lab
}

"$DYNADISK" lab kept --scenario mbr-healthy >/dev/null
fresh
both=(lab/disk0.img lab/disk1.img)

# ---- a change that was cut off
python3 "$SOURCE/tests/cutoff.py" announced "${both[@]}"
before=$(sums "${both[@]}")
out=$("$DYNADISK" status --check "${both[@]}" 2>&1)
code=$?
same 'status of a change that was cut off: exit code' 1 "$code"
says 'status says so' 'a change to it was cut off half-way'
same 'JSON says so' change "$(ask "m['groups'][0]['interrupted']" "${both[@]}")"
script 'select disk 0\nselect volume 0\nbreak disk=1 noerr\npreview recover' "${both[@]}"
says 'the shell says so when it starts' 'was cut off half-way.'
says 'it offers what the rule decides' 'RECOVER, with one of its disks selected, does this: Roll back the change that was cut off.'
says 'other changes are refused meanwhile' 'must not be changed'
same 'looking writes nothing' "$before" "$(sums "${both[@]}")"
script 'select disk 1\nrecover' "${both[@]}"
same 'recover: exit code' 0 "$code"
says 'recover' 'The disk group is in order again.'
same 'nothing is interrupted any more' None "$(ask "m['groups'][0]['interrupted']" "${both[@]}")"
judged 'rolled back' '--complete --mirror-data' "${both[@]}"
before=$(sums "${both[@]}")
script 'select disk 1\nrecover' "${both[@]}"
same 'a second recover changes nothing' "$before" "$(sums "${both[@]}")"
says_not 'and nothing is said' 'was cut off half-way'

fresh
python3 "$SOURCE/tests/cutoff.py" committed "${both[@]}"
script 'select disk 1\nrecover' "${both[@]}"
says 'a commit on one disk decides' 'does this: Finish the change that was cut off.'
same 'finished' 0 "$code"
judged 'finished' '--complete --mirror-data' "${both[@]}"

# ---- while the disk that may have the commit is away
fresh
python3 "$SOURCE/tests/cutoff.py" committed "${both[@]}"
before=$(sums lab/disk1.img)
script 'select disk 1\nrecover' lab/disk1.img
same 'an undecided change is refused: exit code' 5 "$code"
script 'select disk 0\nrecover' lab/disk1.img
same 'an undecided change is refused: the selected disk' 4 "$code"
says 'the refusal says why' 'is missing and may hold the answer'
says 'and names the way out' 'RECOVER OVERRIDE insists.'
same 'nothing is written' "$before" "$(sums lab/disk1.img)"
script 'select disk 0\npreview recover override' lab/disk1.img
says 'preview of insisting: the note' 'will be out of date when it returns'
script 'select disk 0\nrecover override' lab/disk1.img
same 'insisting: exit code' 0 "$code"
judged 'insisted' '' lab/disk1.img
script 'list disk' "${both[@]}"
says_not 'the disk that returns does not decide' 'was cut off half-way'
script 'select disk 0\nrecover\nwait' "${both[@]}"
same 'the disk that returns is brought up to date' 0 "$code"
judged 'brought up to date' '--complete --mirror-data' "${both[@]}"

# ---- where no disk can have it, its absence does not matter
fresh
python3 "$SOURCE/tests/cutoff.py" announced "${both[@]}"
script 'select disk 0\nrecover' lab/disk1.img
same 'a change nobody committed is rolled back without the missing disk' 0 "$code"

# ---- a disk of a foreign group: cleaned, once it is named
fresh
"$DYNADISK" lab other --scenario gpt-healthy >/dev/null
cp --sparse=always other/disk0.img lab/foreign.img
three=("${both[@]}" lab/foreign.img)
script 'select volume 0\nbreak disk=1 nokeep\nselect volume 0\nadd disk=2' "${three[@]}"
same 'a foreign disk is no target: exit code' 4 "$code"
says 'the refusal offers to clean it' 'Clean it first if nothing on it is needed (DiskPart: clean)'
before=$(sums "${both[@]}")
script 'select disk 2\npreview clean' "${three[@]}"
says 'preview of clean names what is lost' 'What Disk 2 holds of these volumes of the group'
says 'and that it is the only half here' 'It holds the only half of'
script 'select disk 0\nclean' "${three[@]}"
same 'a disk whose group is here is not cleaned' 4 "$code"
script 'select disk 2\nclean\nlist disk' "${three[@]}"
same 'clean of a foreign disk' 0 "$code"
same 'the other disks are as they were' "$before" "$(sums "${both[@]}")"
script 'undo\nselect disk 2\ndetail disk' "${three[@]}"
same 'and it is undone' 0 "$code"
same 'its group is back' 2 "$(ask "len(m['groups'])" "${three[@]}")"
script 'select disk 0\nclean' other/disk0.img
same 'the only disk of the only group that is here is not cleaned' 4 "$code"

# ---- delete disk override: one plan
fresh
one=(lab/disk0.img)
script 'select disk m0\npreview delete disk override' "${one[@]}"
says 'preview: the half' 'loses its half on Disk M0'
same 'preview: one plan' 1 "$(grep -c 'Nothing was written.' <<<"$out")"
script 'select disk m0\ndelete disk override' "${one[@]}"
same 'delete disk override' 0 "$code"
judged 'after it' --complete "${one[@]}"
same 'one undo takes it back' 1 "$("$DYNADISK" shell --script - "${one[@]}" <<<'undo list' | grep -c 'Delete missing disk')"
script 'undo' "${one[@]}"
same 'undone' 0 "$code"
same 'the disk is missing again' 1 "$(ask "len([d for d in m['disks'] if d['status'] == 'missing'])" "${one[@]}")"
tap_end
