#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Policy copyauto costs no more than 5 percent more than the better of both
# ways, what it tries to find out included: the mean of many copies, after some
# that it learned from, on a drive that needs no time. What is compared is of
# many copies, too, since timers' interrupts come in some and not in others. What
# began the wrong way, because of what smaller copies were like, goes the better
# one after 24 copies.
#
# vm: --icount --drives instant
# timeout: 700

# shellcheck disable=SC2016,SC2054 # jq's own variables; rows have commas

. selftests/lib/guest.sh
. tools/bench/lib.sh

dev=$(bench_device) || fail "no drive that needs no time"
rows=(copy,bytes={4k,64k},ranges=1,poll,wait
	copy,bytes=8k,ranges={4,32},poll,wait
	copy,bytes=64k,ranges=8,poll,wait)
misled=copy,bytes=8k,ranges=32,poll,wait
large=copy,bytes=2m,ranges=1,poll,wait

# measure FILE POLICY ROUNDS ROW...: a row a line, behind what is there. What is
# for the file 'first' begins misled.
measure() {
	step "policy $2"
	check attach "$2" "$dev"
	[ "$1" != first ] || check mislead
	"$BENCH" --write --first 24 --rounds "$3" "$dev" "${@:4}" \
		>>"$TEST_TMP/$1" || fail "cannot measure: ${*:4}"
	check detach "$dev"
}

# As if half of $misled were 100 times dearer for the kernel: size class 5 is
# 128 KiB, ranges class 3 is 32 to 127.
# shellcheck disable=SC2317 # called by check
mislead() {
	local c
	for c in $(controllers_of "$dev"); do
		nvmesteer set "$c" sorts.53.offload_ns=1000 \
			sorts.53.offloads=8 sorts.53.emulate_ns=100000 \
			sorts.53.emulates=8 || return
	done
}

# is_near FILE FIGURE ROWS: of its last rows, compared with the better way's
is_near() {
	tail -n "$3" "$TEST_TMP/$1" >"$TEST_TMP/last"
	check jq -r --slurpfile ways "$TEST_TMP/ways" --arg figure "$2" '
		. as $auto | [$ways[] | select(.row == $auto.row) |
			.[$figure]] as $way |
		"\(.row): \(.[$figure] / ($way | min) * 1000 | round /
			1000) of the better of \($way | map(tostring) |
			join(" and ")), by \(.paths | tojson)\(
		if .[$figure] > 1.05 * ($way | min) then " TOO DEAR"
		else "" end)"' "$TEST_TMP/last" >"$TEST_TMP/out"
	sed 's/^/# /' "$TEST_TMP/out"
	check [ "$(wc -l <"$TEST_TMP/out")" = "$3" ]
	! grep -q 'TOO DEAR' "$TEST_TMP/out" || fail 'copyauto is too dear'
}

trap 'nvmesteer unload --all >/dev/null 2>&1' EXIT
for policy in copyoff copyemu; do
	measure ways $policy 96 "${rows[@]}"
	measure ways $policy 11 $large
done
# Once to learn. Then enough for what a try costs to be spread over.
measure many copyauto 256 "${rows[@]}" "${rows[@]}"
is_near many mean_insn_per_io ${#rows[@]}
# As many as the benchmark has.
measure first copyauto 11 $misled $large
is_near first insn_per_io 2
pass
