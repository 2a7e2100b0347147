#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# With nothing attached the driver takes as many instructions as the
# distribution's: three more a passthrough command at most. Of block requests
# and of large commands, whose figures differ by tens from boot to boot with the
# distribution's modules alone, half a percent. Where caches and buffers lie
# differs by boot, and now and then that is five instructions a command: what
# counts is each row's best round, of all boots so far when one pair does not do.
#
# timeout: 400
. selftests/lib/host.sh

rows=(
	passthru,batch={1,2,8,32},poll,fixed
	passthru,bytes=4k,batch={1,32},poll
	passthru,bytes=128k,poll,fixed
	block,bytes=4k,batch={1,32},poll,fixed
)

boots=3

# measure NAME [GUEST-OPTION]...: adds to $TEST_TMP/NAME, 'ROW INSTRUCTIONS' a line
measure() {
	# shellcheck disable=SC2016 # the guest's
	guest 0 --icount "${@:2}" -- bash -c '. tools/bench/lib.sh &&
		"$BENCH" --rounds 15 "$(bench_device)" "$@"' - "${rows[@]}"
	jq -r '"\(.row) \(.least_insn_per_io)"' "$TEST_TMP/out" \
		>"$TEST_TMP/boot" || fail 'no figures'
	same "$(wc -l <"$TEST_TMP/boot")" ${#rows[@]} 'rows measured'
	cat "$TEST_TMP/boot" >>"$TEST_TMP/$1"
}

# best NAME: each row's least
best() {
	sort -k 1,1 -k 2,2g "$TEST_TMP/$1" | awk '!seen[$1]++'
}

# compare: writes to $TEST_TMP/over which rows take more than they may
compare() {
	join <(best stock) <(best ours) |
		awk -v over="$TEST_TMP/over" -v rows=${#rows[@]} '
		{
			printf "# %s: %s and %s\n", $1, $2, $3
			if ($3 > $2 + ($1 ~ /block|128k/ ? $2 / 200 : 3))
				print $1 >over
		}
		END { exit NR != rows }' || fail 'rows are missing'
}

for ((boot = 1; boot <= boots; boot++)); do
	step "boot $boot of each"
	measure stock --stock
	measure ours
	: >"$TEST_TMP/over"
	compare
	[ -s "$TEST_TMP/over" ] || pass
done
fail "with nothing attached these cost more than with the distribution's modules: $(
	tr '\n' ' ' <"$TEST_TMP/over")"
