#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The fuzz targets with libFuzzer under ASan and UBSan, from the kept inputs on: $FUZZ_RUNS inputs each (10 million), two
# targets at a time, for at most $FUZZ_SECONDS each. Full tier only; `replay` runs the kept inputs with every check.
# FUZZ_TARGETS="NAME..." runs some of them, SEED=N repeats a run. What fails is kept in tests/fuzz/found/ where it was built.
# shellcheck source=tests/tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/../tap.sh"

if [ "${DYNADISK_TIER:-fast}" != full ]; then
	echo '1..0 # SKIP the full tier fuzzes; tests/fuzz/replay runs the kept inputs'
	exit 0
fi
clang=
for name in clang clang-19 clang-18 clang-17 clang-16 clang-15 clang-14; do
	[ -n "$clang" ] || clang=$(command -v $name)
done
if [ -z "$clang" ]; then
	echo '1..0 # SKIP clang, which has libFuzzer, is not installed'
	exit 0
fi
runs=${FUZZ_RUNS:-10000000} seconds=${FUZZ_SECONDS:-3300} seed=${SEED:-1}
# the slowest first, so that both processors are busy to the end
targets=${FUZZ_TARGETS:-keys recover shell database probe table undo fs headers rebuild record}
unset MAKEFLAGS MFLAGS MAKELEVEL
check 'the fuzzer is built' make -s -C "$BUILD" -j2 CC="$clang" tests/fuzz/fuzz
found=$BUILD/tests/fuzz/found
mkdir -p "$found" "$T/tmp" || exit 99

# longest NAME: bytes of an input
longest() {
	case $1 in
	record) echo 1792 ;; database) echo 900 ;; recover) echo 128 ;; headers | rebuild) echo 513 ;; table) echo 1200 ;;
	fs | probe) echo 3200 ;; undo) echo 2600 ;; shell) echo 100 ;; keys) echo 40 ;;
	esac
}
# The time of probe is libblkid's, which is not ours: a tenth.
count() { if [ "$1" = probe ]; then echo $((runs / 10)); else echo "$runs"; fi; }

# Where an allocation came from is not kept, which takes a quarter of the time: run what was found by hand, or by replay.
# fuzz NAME: what it has to say ends in $T/NAME.log, its exit code in $T/NAME.rc
fuzz() {
	python3 "$SOURCE/tests/fuzz/corpus.py" unpack "$SOURCE/tests/fuzz/corpus/$1" "$T/corpus/$1" >/dev/null || return 1
	DYNADISK_FUZZ=$1 TMPDIR=$T/tmp ASAN_OPTIONS=malloc_context_size=0:quarantine_size_mb=1:allocator_may_return_null=1 \
		"$BUILD/tests/fuzz/fuzz" -runs="$(count "$1")" -max_total_time="$seconds" -seed="$seed" -max_len="$(longest "$1")" \
		-entropic=0 -timeout=2 -malloc_limit_mb=64 -rss_limit_mb=1500 -print_final_stats=1 -artifact_prefix="$found/$1-" \
		"$T/corpus/$1" >"$T/$1.log" 2>&1 </dev/null
	echo $? >"$T/$1.rc"
}

# The inputs run, from the log
executed() { sed -n 's/^stat::number_of_executed_units: *//p' "$T/$1.log"; }

began=$SECONDS running=0
for name in $targets; do
	if [ "$running" -ge 2 ]; then
		wait -n
		running=$((running - 1))
	fi
	fuzz "$name" &
	running=$((running + 1))
done
wait

total=0 slow=0
for name in $targets; do
	n=$(executed "$name")
	worst=$(sed -n 's/^the slowest \([0-9.]*\) ms.*/\1/p' "$T/$name.log")
	words="$name: ${n:-0} inputs, ${worst:-?} ms the slowest"
	[ "${n:-0}" -ge "$(count "$name")" ] || words="$words, then the time was up"
	if [ "$(cat "$T/$name.rc" 2>/dev/null)" = 0 ] && [ "${n:-0}" -gt 0 ]; then ok "$words"; else
		not_ok "$words"
		grep -vE '^(INFO|#[0-9]|	NEW_FUNC)' "$T/$name.log" | tail -40 | sed 's/^/# /'
	fi
	total=$((total + ${n:-0}))
	slow=$(printf '%s\n' "$slow" "${worst:-0}" | sort -g | tail -1)
done
echo "# figures: $total inputs on $(wc -w <<<"$targets") targets, the slowest $slow ms; $((SECONDS - began)) s"
tap_end
