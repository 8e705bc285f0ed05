#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The manual pages are well-formed and know every option, command, scenario and JSON key of the program, and no others.
# shellcheck source=tests/tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
man=$SOURCE/man/dynadisk.8 shell=$SOURCE/man/dynadisk-shell.8 completion=$SOURCE/completions/dynadisk

options() { grep -oE -- '--[a-z]+(-[a-z]+)*' | sort -u; }
lint() { mandoc -Tlint -W warning "$@"; }

if command -v mandoc >/dev/null; then
	check 'dynadisk(8) is well-formed' lint "$man"
	check 'dynadisk-shell(8) is well-formed' lint "$shell"
else
	skip 'the manual pages are well-formed' 'mandoc is not installed'
fi

in_help=$("$DYNADISK" --help | options)
same 'dynadisk(8) has the options of --help' "$in_help" "$(grep -oE '(Fl|,) -[a-z-]+' "$man" | sed 's/.* -/--/' | options)"
same 'completion has the options of --help' "$in_help" "$(grep -v '^#' "$completion" | options)"

"$DYNADISK" lab --list | cut -d' ' -f1 | while read -r name; do
	grep -qE "^[.]It Cm (.* )?$name( |\$)" "$man" || echo "$name: not in dynadisk(8)"
	grep -q -- "$name" "$completion" || echo "$name: not in the completion"
done >"$T/said"
same 'the scenarios of the lab are documented' '' "$(cat "$T/said")"

# commands: the words that begin each command, from what the shell says of itself
truncate -s 4M "$T/blank.img"
ask_shell() { "$DYNADISK" shell --script - "$T/blank.img"; }
echo help | ask_shell | sed -n 's/^\([A-Z]\+\) \+- .*/\1/p' >"$T/verbs"
# follow WORD...: the words that HELP lists after these, but for the refused ones
follow() { echo "help $*" | ask_shell | sed -n '/- Refused/d; s/^\([A-Z]\+\) \+- .*/\1/p'; }
while read -r verb; do
	echo "$verb"
	for noun in $(follow "$verb"); do
		echo "$verb $noun"
		for kind in $(follow "$verb" "$noun"); do echo "$verb $noun $kind"; done
	done
done <"$T/verbs" | tr '[:upper:]' '[:lower:]' | sort -u >"$T/commands"
check 'the shell lists its commands' grep -x 'select volume' "$T/commands"
check 'and their kinds' grep -x 'create partition efi' "$T/commands"
while read -r words; do
	grep -qE "^[.]It Ic $words( |\$)" "$shell" || echo "$words: not in dynadisk-shell(8)"
done <"$T/commands" >"$T/said"
same 'the commands of the shell are documented' '' "$(cat "$T/said")"

"$DYNADISK" lab "$T/lab" >/dev/null || not_ok 'a lab is made'
"$DYNADISK" status --json "$T"/lab/*.img | grep -oE '"[a-z_]+":' | tr -d '":' | sort -u | while read -r key; do
	grep -qE "^[.](It )?Cm ([a-z0-9_]+ , )*$key( |\$)" "$man" || echo "$key: not in dynadisk(8)"
done >"$T/said"
same 'the keys of the JSON are documented' '' "$(cat "$T/said")"
same 'and there are some' schema "$("$DYNADISK" status --json "$T"/lab/*.img | grep -o 'schema')"
tap_end
