#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A group that Windows Server 2003 made is imported into one of Windows Server 2008: every byte of its volumes stays, and
# readers that are not ours are content. The other way round, and half of a mirror after the other, is refused or told.
# shellcheck source=tests/tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/../tap.sh"
# shellcheck source=tests/judge.sh
. "$SOURCE/tests/judge.sh"
ENGINE=$BUILD/tests/images/engine
if ! windows_images; then
	echo '1..0 # SKIP the disks written by Windows are not here'
	exit 0
fi
cd "$T/win" || exit 1
old=(ldm-2003r2-*.img)
new=(ldm-2008r2-*.img)

# contents IMAGE...: each volume's GUID, status and the checksum of its pieces, a line each
contents() {
	"$DYNADISK" status --json "$@" | python3 -c '
import hashlib, json, sys
m = json.load(sys.stdin)
path = {d["name"]: d["path"] for d in m["disks"]}
for v in sorted(m["volumes"], key=lambda v: v["guid"]):
    h = hashlib.sha256()
    for p in v["plexes"]:
        for e in p["extents"]:
            if path.get(e["disk"]):
                with open(path[e["disk"]], "rb") as f:
                    f.seek(e["offset"])
                    h.update(f.read(e["size"]))
    print(v["guid"], v["layout"], v["size"], v["status"], h.hexdigest())'
}
sums() {
	sha256sum "$@" | cut -d' ' -f1
}

contents "${old[@]}" "${new[@]}" >"$T/before"
check 'there are volumes of both' test "$(wc -l <"$T/before")" -gt 5
before=$(sums ./*.img)
out=$(echo 'import 1 0' | "$ENGINE" "${old[@]}" "${new[@]}" 2>&1)
check 'disks of a newer Windows do not join an older group' grep -q 'made by a newer Windows' <<<"$out"
same 'a refusal writes nothing' "$before" "$(sums ./*.img)"

check 'the older group joins the newer one' "$ENGINE" "${old[@]}" "${new[@]}" <<<'import 0 1'
same 'one group' 1 "$(ask "len(m['groups'])" "${old[@]}" "${new[@]}")"
same 'nothing is interrupted' None "$(ask "m['groups'][0]['interrupted']" "${old[@]}" "${new[@]}")"
contents "${old[@]}" "${new[@]}" >"$T/after"
same 'every volume is there, as it was, byte for byte' "$(cat "$T/before")" "$(cat "$T/after")"
check 'ldmcheck' python3 "$SHARED/tools/ldmcheck.py" -q "${old[@]}" "${new[@]}"
if command -v ldmtool >/dev/null; then
	same 'ldmtool finds one group' 1 "$(ldmtool scan "${old[@]}" "${new[@]}" 2>/dev/null | grep -c '"')"
else
	skip 'ldmtool finds one group' 'ldmtool is not installed'
fi
check 'the change is undone' "$ENGINE" "${old[@]}" "${new[@]}" <<<'undo'
same 'the disks that had joined are what they were' "$(head -n "${#old[@]}" <<<"$before")" "$(sums "${old[@]}")"
contents "${old[@]}" "${new[@]}" >"$T/after"
same 'and so are all volumes' "$(cat "$T/before")" "$(cat "$T/after")"
tap_end
