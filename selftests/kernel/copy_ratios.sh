#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# How many times fewer instructions a copy by nvmesteer takes than a program
# that reads and writes for itself, in the same boot: one that has a write for
# each range and plain pages, and the best there is, which writes all ranges
# together from huge pages. The bounds are below what was measured, for what a
# compiler or a kernel update changes. The best rounds are compared: a small
# polled copy takes a call more when the drive has not written before the call
# is over in which it was told to, which is the drive's time and not the copy's
# work; that much is left to each. An emulated copy by interrupts has as many as
# it has commands at most: of one range that is what is measured; of eight the
# bounds leave room for more than there were.
#
# vm: --icount
# timeout: 300

# shellcheck disable=SC2016 # jq's own variables

. selftests/lib/guest.sh
. tools/bench/lib.sh

dev=$(bench_device) || fail "no drive with two paths"
check is_head "$dev"
tmp=$TEST_TMP

# POLICY ROW, times fewer than PLAIN and than BEST loop: no copy is dearer than
# either, by interrupts neither
bounds='
copyemu copy,bytes=4k,ranges=1,poll   2.4 2.4
copyemu copy,bytes=8k,ranges=1,poll   4.9 2.4
copyemu copy,bytes=4k,ranges=8,poll   8   4.8
copyemu copy,bytes=8k,ranges=8,poll   22  4.8
copyemu copy,bytes=64k,ranges=8,poll  16  2.4
copyemu copy,bytes=8k,ranges=1        4   2
copyemu copy,bytes=8k,ranges=8        10  2
copyoff copy,bytes=8k,ranges=1,poll   5   2.4
copyoff copy,bytes=8k,ranges=8,poll   27  5.8
copyoff copy,bytes=8k,ranges=8        25  5
copyoff:split=1:chunk_kib=16 copy,bytes=8k,ranges=8,poll 12 2.5
'
path_of() { # POLICY
	case $1 in
	copyemu) echo emulate ;;
	copyoff) echo offload ;;
	*) echo split ;;
	esac
}

# measure NAME ROW...: writes $tmp/NAME.json, a row a line
measure() {
	"$BENCH" --write --rounds 15 "$dev" "${@:2}" >"$tmp/$1.json" ||
		fail "cannot measure: ${*:2}"
}

trap 'nvmesteer unload --all >/dev/null 2>&1' EXIT
step 'loops'
mapfile -t loops < <(awk 'NF && !seen[$2]++ {
	sub(/^copy/, "loop", $2)
	print $2 ",fixed"
	print $2 ",fixed,huge,merge" }' <<<"$bounds")
measure loops "${loops[@]}"

mapfile -t policies < <(awk 'NF && !seen[$1]++ { print $1 }' <<<"$bounds")
for policy in "${policies[@]}"; do
	step "policy $policy"
	check attach "$policy" "$dev"
	mapfile -t rows < <(awk -v p="$policy" '$1 == p { print $2 }' \
		<<<"$bounds")
	measure "$policy" "${rows[@]}"
	check detach "$dev"
	check jq -e -s --arg path "$(path_of "$policy")" 'all(
		.paths[$path] == 15 and .steered_per_io >= 1 and
		.verified_bytes == 15 * .ranges * .bytes)' "$tmp/$policy.json"
done

slow=()
while read -r policy row plain best; do
	[ -n "$policy" ] || continue
	jq -n -r -e --slurpfile loops "$tmp/loops.json" \
		--slurpfile rows "$tmp/$policy.json" --arg row "$row" \
		--arg loop "${row/#copy/loop},fixed" --arg policy "$policy" \
		--argjson plain "$plain" --argjson best "$best" '
		def of(f; $r): f[] | select(.row == $r) | .least_insn_per_io;
		def times($a; $b): $a / $b * 100 | round / 100;
		of($rows; $row) as $i | of($loops; $loop) as $p |
		of($loops; $loop + ",huge,merge") as $b |
		"# \($policy), \($row): \($i), \(times($p; $i)) times of \(
		$plain), best \(times($b; $i)) of \($best)",
		($p >= $plain * $i and $b >= $best * $i)' >"$tmp/out" ||
		slow+=("$policy, $row")
	head -1 "$tmp/out"
done <<<"$bounds"
[ ${#slow[@]} = 0 ] || fail "too slow: $(printf '%s; ' "${slow[@]}")"
pass
