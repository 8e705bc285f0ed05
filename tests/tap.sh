# SPDX-License-Identifier: GPL-3.0-or-later
# tap.sh - the few words a shell test needs. Source it; call tap_end last.
# $DYNADISK (the program), $SOURCE and $SHARED (the shared folder, empty where absent) are set here, $T is a fresh
# temporary folder that goes away at the end.
set -u
SOURCE=${DYNADISK_SOURCE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
BUILD=${DYNADISK_BUILD:-$SOURCE/build}
DYNADISK=$BUILD/dynadisk
SHARED=${DYNADISK_SHARED:-$SOURCE/../shared}
[ -d "$SHARED/windows-images" ] || SHARED=
T=$(mktemp -d) || exit 99
export XDG_STATE_HOME=$T/state DYNADISK_STATE=$T/state LC_ALL=C.UTF-8
tap_n=0 tap_failed=0
tap_at_exit() { rm -rf "$T"; }
trap tap_at_exit EXIT

ok() { tap_n=$((tap_n + 1)); echo "ok $tap_n - $*"; }
not_ok() { tap_n=$((tap_n + 1)); tap_failed=$((tap_failed + 1)); echo "not ok $tap_n - $*"; }
skip() { tap_n=$((tap_n + 1)); echo "ok $tap_n - $1 # SKIP $2"; }
# check NAME COMMAND...: passes when the command succeeds; its output is shown when it does not
check() {
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then ok "$name"; else
		not_ok "$name"
		printf '%s\n' "$out" | sed 's/^/# /'
	fi
}
# same NAME EXPECTED ACTUAL
same() {
	if [ "$2" = "$3" ]; then ok "$1"; else
		not_ok "$1"
		diff <(printf '%s\n' "$2") <(printf '%s\n' "$3") | sed 's/^/# /'
	fi
}
# windows_images: unpacks the Windows disks to $T/win once; false where there are none
windows_images() {
	[ -n "$SHARED" ] || return 1
	[ -d "$T/win" ] || { mkdir "$T/win" && tar xJf "$SHARED/windows-images/dev-set.tar.xz" -C "$T/win"; }
}
tap_end() { echo "1..$tap_n"; [ "$tap_failed" = 0 ]; }
