#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Policy copyauto finds out which way is quicker, at little cost: with a drive
# that is slow at each command, and whose Copy reads and writes range by range,
# it is reading all ranges and writing them together; else, for one range, it
# is the drive's Copy.
#
# timeout: 300

# shellcheck disable=SC2016 # jq's own variables

. selftests/lib/guest.sh
. tools/bench/lib.sh

dev=$(bench_device) || fail "no drive with two paths"
tmp=$TEST_TMP
many=copy,bytes=8k,ranges=16
one=copy,bytes=8k,ranges=1

# measure SECONDS ROW...: writes $tmp/rows.json, a row a line
measure() {
	"$BENCH" --write --seconds "$1" "$dev" "${@:2}" >"$tmp/rows.json" ||
		fail "cannot measure: ${*:2}"
	jq -r '"# \(.row): \(.paths.offload) by the controller, \(
		.path_p50_us.offload) us, \(.paths.emulate) by the kernel, \(
		.path_p50_us.emulate) us"' "$tmp/rows.json"
}

holds() { # JQ-CONDITION WHAT
	jq -e -s "$1" "$tmp/rows.json" >/dev/null || fail "$2"
}

# Of all time, what copies that took the slower way took more, in percent; by
# the medians, since a busy host may hold up a few for long.
# shellcheck disable=SC2089 # a program
lost='def lost: .paths.offload as $n | .paths.emulate as $m |
	.path_p50_us.offload as $a | .path_p50_us.emulate as $b |
	if $n == 0 or $m == 0 then 0 else
		(($n * $a + $m * $b) / (($n + $m) * ([$a, $b] | min)) - 1) * 100
	end;'

# Size class 5 is 128 KiB, ranges class 2 is 8 to 31.
# shellcheck disable=SC2317 # called by check
map() {
	local c
	for c in $(controllers_of "$dev"); do
		nvmesteer get --json "$c" sorts.37 || return
	done >"$tmp/map"
}

trap 'throttle 0 0; nvmesteer unload --all >/dev/null 2>&1' EXIT
check attach copyauto "$dev"

step 'a drive that is slow at each command'
throttle 0 2000
# At first the emulated drive lets some pass at once: that is not to count.
measure 3 $many
measure 4 $many
holds '.[0] | .paths.emulate > 5 * .paths.offload' \
	'copies of 16 ranges are not emulated'
holds "$lost .[0] | lost <= 5" 'finding out costs more than 5 percent'

step 'all that the drive can'
throttle 0 0
measure 2 $one
# How long it takes is the host's business here, and varies.
holds '.[0] | .paths.offload > .paths.emulate' \
	'copies of one range are not offloaded'

step 'what is known is in the map'
check map
check jq -e -s '[.. | .emulates? // empty] | max > 64' "$tmp/map"

step 'not to be explored'
check detach "$dev"
check attach copyauto:explore=0 "$dev"
throttle 0 2000
measure 2 $many
check map
check jq -e -s '[.. | .tries? // empty] | max <= 1' "$tmp/map"
pass
