# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# How many times fewer instructions a copy by nvmesteer takes than a program
# that reads and writes for itself, in the same boot: one that has a write for
# each range and plain pages, and the best there is, which writes all ranges
# together from huge pages. The best rounds are compared. For tests with
# --icount; sourced after selftests/lib/guest.sh and tools/bench/lib.sh.

# shellcheck disable=SC2016,SC2154 # jq's own variables; dev, the caller's

path_of() { # POLICY
	case $1 in
	copyemu) echo emulate ;;
	copyoff) echo offload ;;
	*) echo split ;;
	esac
}

# measure NAME ROW...: writes $TEST_TMP/NAME.json, a row a line
measure() {
	"$BENCH" --write --rounds 15 "$dev" "${@:2}" >"$TEST_TMP/$1.json" ||
		fail "cannot measure: ${*:2}"
}

# copies_are BOUNDS: a line each, POLICY ROW, and times fewer than the PLAIN and
# than the BEST loop. A row that has 'wait' is compared with loops that have it.
copies_are() {
	local bounds=$1 loops policies policy rows row plain best slow=()

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
			.verified_bytes == 15 * .ranges * .bytes)' \
			"$TEST_TMP/$policy.json"
	done

	while read -r policy row plain best; do
		[ -n "$policy" ] || continue
		jq -n -r -e --slurpfile loops "$TEST_TMP/loops.json" \
			--slurpfile rows "$TEST_TMP/$policy.json" \
			--arg row "$row" --arg loop "${row/#copy/loop},fixed" \
			--arg policy "$policy" --argjson plain "$plain" --argjson best "$best" '
			def of(f; $r): f[] | select(.row == $r) |
				.least_insn_per_io;
			def times($a; $b): $a / $b * 100 | round / 100;
			of($rows; $row) as $i | of($loops; $loop) as $p |
			of($loops; $loop + ",huge,merge") as $b |
			"# \($policy), \($row): \($i), \(times($p; $i)) times of \(
			$plain), best \(times($b; $i)) of \($best)",
			($p >= $plain * $i and $b >= $best * $i)' >"$TEST_TMP/out" ||
			slow+=("$policy, $row")
		head -1 "$TEST_TMP/out"
	done <<<"$bounds"
	[ ${#slow[@]} = 0 ] || fail "too slow: $(printf '%s; ' "${slow[@]}")"
}
