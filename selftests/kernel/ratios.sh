#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# How many times fewer instructions steered commands take than stock ones of
# the same kind in the same boot, under policy ring. The bounds are a little
# below what was measured, for what a compiler or a kernel update changes. Of lone
# commands the least round counts: in others the policy was asked, and how many
# these are depends on how long the host lets a command take.
#
# vm: --icount
# timeout: 300

# shellcheck disable=SC2016 # jq's own variables

. selftests/lib/guest.sh
. tools/bench/lib.sh

dev=$(bench_device) || fail "no drive with two paths"
check is_head "$dev"
tmp=$TEST_TMP

# RATIO ROW, and for a group the row it is compared with
bounds='
2.1  passthru,batch=1,poll,fixed
2.3  passthru,batch=2,poll,fixed
2.3  passthru,batch=8,poll,fixed
2.4  passthru,batch=32,poll,fixed
2.1  passthru,bytes=4k,batch=1,poll,fixed
2.3  passthru,bytes=4k,batch=8,poll,fixed
2.4  passthru,bytes=4k,batch=32,poll,fixed
2.4  passthru,batch=1,poll
2.8  passthru,batch=2,poll
3.0  passthru,batch=8,poll
3.3  passthru,batch=32,poll
7.5  passthru,bytes=128k,batch=1,poll,fixed
10.0 passthru,bytes=128k,batch=2,poll,fixed
13.5 passthru,bytes=128k,batch=8,poll,fixed
15.0 passthru,bytes=128k,batch=32,poll,fixed
5.1  group,batch=8,poll,fixed passthru,batch=8,poll,fixed
10.1 group,batch=32,poll,fixed passthru,batch=32,poll,fixed
'

# measure NAME ROW...: writes $tmp/NAME.json, a row a line
measure() {
	"$BENCH" --write --rounds 11 "$dev" "${@:2}" >"$tmp/$1.json" ||
		fail "cannot measure: ${*:2}"
}

trap 'nvmesteer unload --all >/dev/null 2>&1' EXIT
step 'stock'
# shellcheck disable=SC2046 # rows are words
measure stock $(awk '$2 ~ /^passthru/ { print $2 }' <<<"$bounds")
step 'policy ring'
check attach ring "$dev"
# shellcheck disable=SC2046
measure ring $(awk 'NF { print $2 }' <<<"$bounds")
check detach "$dev"

check jq -n -e --slurpfile ring "$tmp/ring.json" '[$ring[] |
	.steered_per_io == 1 and .verified_bytes == 11 * .batch * .bytes] | all'
while read -r ratio row beside; do
	[ -n "$ratio" ] || continue
	jq -n -r -e --slurpfile stock "$tmp/stock.json" \
		--slurpfile ring "$tmp/ring.json" --arg row "$row" \
		--arg beside "${beside:-$row}" --argjson ratio "$ratio" '
		def took: if .batch == 1 then .least_insn_per_io
			else .insn_per_io end;
		($stock[] | select(.row == $beside) | took) as $s |
		($ring[] | select(.row == $row) | took) as $r |
		"# \($row): \($s / $r * 100 | round / 100) times, of \($ratio)",
		$s >= $ratio * $r' >"$tmp/out" ||
		fail "$(head -1 "$tmp/out"): too slow"
	head -1 "$tmp/out"
done <<<"$bounds"
pass
