#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Every action of the console has a screen that the scripts here compare (actions.list), and no screen lies about unused.
. "$(dirname "${BASH_SOURCE[0]}")/../tap.sh"
cd "$SOURCE/tests/tui" || exit 99

# missing FOLDER: what is wrong with the list and the screens there, a line each
missing() {
	local id screen
	sed -n '/^enum action_id {/,/^}/s/^\t\(ACT_[A-Z_]*\),$/\1/p' "$SOURCE/ui/tui/actions.h" | while read -r id; do
		screen=$(sed -n "s/^$id //p" "$1/actions.list")
		if [ -z "$screen" ]; then
			echo "$id: no screen"
		elif [ ! -f "$1/$screen.screen" ]; then
			echo "$id: there is no $screen.screen"
		elif ! grep -qx "screen $screen" "$1"/*.keys; then
			echo "$id: no script compares $screen"
		fi
	done
	sed -n 's/^\(ACT_[A-Z_]*\) .*/\1/p' "$1/actions.list" | while read -r id; do
		grep -qx "	$id," "$SOURCE/ui/tui/actions.h" || echo "$id: no such action"
	done
	for screen in "$1"/*.screen; do
		screen=$(basename "$screen" .screen)
		grep -qx "screen $screen" "$1"/*.keys || grep -q "GOLDEN=$screen " "$1/console.sh" || echo "$screen: nothing compares it"
	done
}
same 'every action has its screen' '' "$(missing .)"
# each complaint is shown to come
mkdir "$T/broken" && cp ./*.list ./*.keys ./*.screen console.sh "$T/broken"
sed -i '/^ACT_REPAIR /d' "$T/broken/actions.list"
echo 'ACT_NONE plan' >>"$T/broken/actions.list"
rm "$T/broken/plan-break.screen"
sed -i '/^screen plan-letter$/d' "$T/broken/halves.keys"
touch "$T/broken/unused.screen"
same 'what is missing is seen' 'ACT_REPAIR: no screen
ACT_BREAK_MIRROR: there is no plan-break.screen
ACT_LETTER: no script compares plan-letter
ACT_NONE: no such action
plan-letter: nothing compares it
unused: nothing compares it' "$(missing "$T/broken")"
tap_end
