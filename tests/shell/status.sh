#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The command line, and `dynadisk status`: always valid JSON, exit codes for monitoring, write errors noticed.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit 99
truncate -s 64M a.img status
ln -s a.img link.img

# code COMMAND...: its exit code
code() { "$@" >out 2>err && echo 0 || echo $?; }

same '--version' "dynadisk 0." "$("$DYNADISK" --version | cut -c1-11)"
same '--help goes to stdout: exit code' 0 "$(code "$DYNADISK" --help)"
check '--help goes to stdout' grep -q '^Usage:' out
same 'an unknown option: exit code' 2 "$(code "$DYNADISK" --wrong)"
same 'an unknown option: stderr' "dynadisk: unknown option '--wrong'
Try 'dynadisk --help' for more information." "$(cat err)"
same 'an option of another face' 2 "$(code "$DYNADISK" --json a.img)"
same 'an option without its value' 2 "$(code "$DYNADISK" status --state-dir)"
same 'a log that cannot be opened' 1 "$(code "$DYNADISK" status --log . a.img)"

same 'a log that is one of the disks: exit code' 1 "$(code "$DYNADISK" status --log link.img a.img)"
same 'a log that is one of the disks: said' 'dynadisk: cannot write the log link.img: it is one of the disks' "$(cat err)"

same 'healthy: exit code' 0 "$(code "$DYNADISK" status --check a.img)"
same 'healthy: one line' 'OK: 1 disk, 0 volumes, all healthy' "$(cat out)"
same 'a disk that is not there: exit code' 4 "$(code "$DYNADISK" status --check a.img nowhere.img)"
check 'a disk that is not there: named' grep -q '^ERROR: .*nowhere.img' out
same 'one disk twice: exit code' 4 "$(code "$DYNADISK" status --check a.img link.img)"
same 'a disk called like a verb' 0 "$(code "$DYNADISK" status --json -- status)"
check 'a disk called like a verb: is a disk' grep -q '"path": "status"' out
same 'with its folder' 0 "$(code "$DYNADISK" status --json ./status)"
if [ -e /dev/full ]; then
	same 'a full disk under stdout: exit code' 1 "$("$DYNADISK" status --json a.img >/dev/full 2>&1 && echo 0 || echo $?)"
	same 'a full disk under stdout: text too' 1 "$("$DYNADISK" status a.img >/dev/full 2>&1 && echo 0 || echo $?)"
fi

schema() { # IMAGE...: valid JSON with every key of schema 1
	"$DYNADISK" status --json "$@" | python3 -c '
import json, sys
want = {"": "schema disks groups volumes jobs",
        "disks": "number name path guid model serial size free status type table group",
        "groups": "guid name transaction interrupted",
        "volumes": "number name guid letter label fs layout size status plexes unread",
        "plexes": "name status extents", "extents": "disk offset size volume_offset",
        "jobs": "kind volume done total rate state errors inhibits unread", "unread": "offset size"}
def walk(name, o):
    assert list(o) == want[name].split(), (name, list(o))
    for k, v in o.items():
        for e in v if isinstance(v, list) else []:
            walk(k, e)
m = json.load(sys.stdin)
walk("", m)
assert m["schema"] == 1
names = {d["name"] for d in m["disks"]}
for v in m["volumes"]:
    assert v["status"] in "healthy at_risk failed_redundancy failed rebuilding stale unknown".split(), v
    assert v["layout"] in "simple spanned striped mirror raid5 partition".split(), v
    for p in v["plexes"]:
        for e in p["extents"]:
            assert e["disk"] in names, e'
}
check 'JSON of a blank disk' schema a.img
if windows_images; then
	w=$T/win/ldm
	check 'JSON of ten Windows disks' schema "$w"-2003r2-*.img
	same 'a complete group is healthy' 0 "$(code "$DYNADISK" status --check "$w"-2003r2-*.img)"
	same 'a mirror without its second half is degraded' 2 "$(code "$DYNADISK" status --check "$w"-2008r2-mirrored-1.img)"
	check 'what is worse comes first' grep -q '^FAILED: ' out
	check 'JSON with missing disks' schema "$w"-2008r2-mirrored-2.img
	check 'the table for people names the lost half' grep -q 'G: .* is Failed Redundancy: the half on Disk M[0-9] is missing' \
		<<<"$("$DYNADISK" status "$w"-2008r2-mirrored-1.img)"
	all=("$w"-2003r2-*.img)
	same 'a mirror short of one disk' 1 "$(code "$DYNADISK" status --check "${all[@]/*mirrored-2.img/a.img}")"
	check 'its line' grep -q '^DEGRADED: H: .*Failed Redundancy: the half on Disk M0 is missing' out
else
	skip 'status of disks that Windows wrote' 'the shared folder is not here'
fi
tap_end
