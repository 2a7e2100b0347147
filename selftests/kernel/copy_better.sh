#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Policy copyauto costs no more than 5 percent more than the better of both
# ways, what it tries to find out included: the mean of many copies, after some
# that it learned from, on a drive that needs no time. There a copy takes the
# instructions it takes, and figures are exact.
#
# vm: --icount --drives instant
# timeout: 300

# shellcheck disable=SC2016,SC2054 # jq's own variables; rows have commas

. selftests/lib/guest.sh
. tools/bench/lib.sh

dev=$(bench_device) || fail "no drive that needs no time"
rows=(copy,bytes={4k,64k},ranges=1,poll,wait
	copy,bytes=8k,ranges={4,32},poll,wait)

# measure POLICY ROUNDS ROW...: writes a row a line
measure() {
	step "policy $1"
	check attach "$1" "$dev"
	"$BENCH" --write --rounds "$2" "$dev" "${@:3}" \
		>"$TEST_TMP/$1.json" || fail "cannot measure: ${*:3}"
	check detach "$dev"
}

trap 'nvmesteer unload --all >/dev/null 2>&1' EXIT
measure copyoff 32 "${rows[@]}"
measure copyemu 32 "${rows[@]}"
# Once to learn. Then enough for what a try costs to be spread over.
measure copyauto 256 "${rows[@]}" "${rows[@]}"
check jq -n -r --slurpfile off "$TEST_TMP/copyoff.json" \
	--slurpfile emu "$TEST_TMP/copyemu.json" \
	--slurpfile auto "$TEST_TMP/copyauto.json" '
	($off | length) as $n | range($n) as $i |
	$auto[$n + $i] as $a | ([$off[$i], $emu[$i]] |
		map(.mean_insn_per_io) | min) as $best |
	"\($a.row): \($a.mean_insn_per_io / $best * 1000 | round / 1000
	) of the better of \($off[$i].mean_insn_per_io) and \(
	$emu[$i].mean_insn_per_io), by \($a.paths | tojson)\(
	if $a.mean_insn_per_io > 1.05 * $best then " TOO DEAR" else "" end)"
	' >"$TEST_TMP/out"
sed 's/^/# /' "$TEST_TMP/out"
check [ "$(wc -l <"$TEST_TMP/out")" = ${#rows[@]} ]
! grep -q 'TOO DEAR' "$TEST_TMP/out" || fail 'copyauto is too dear'
pass
