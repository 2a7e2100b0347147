#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# With nothing attached the driver takes as many instructions as the
# distribution's: three more a passthrough command at most, in each row's best
# round. Of block requests and of large commands, whose best rounds differ by
# tens from boot to boot with the distribution's modules alone, half a percent.
. selftests/lib/host.sh

rows=(
	passthru,batch={1,2,8,32},poll,fixed
	passthru,bytes=4k,batch={1,32},poll
	passthru,bytes=128k,poll,fixed
	block,bytes=4k,batch={1,32},poll,fixed
)

# measure NAME [GUEST-OPTION]...: writes $TEST_TMP/NAME, 'ROW INSTRUCTIONS' a line
measure() {
	# shellcheck disable=SC2016 # the guest's
	guest 0 --icount "${@:2}" -- bash -c '. tools/bench/lib.sh &&
		"$BENCH" --rounds 15 "$(bench_device)" "$@"' - "${rows[@]}"
	jq -r '"\(.row) \(.least_insn_per_io)"' "$TEST_TMP/out" \
		>"$TEST_TMP/$1" || fail 'no figures'
	same "$(wc -l <"$TEST_TMP/$1")" ${#rows[@]} 'rows measured'
}

step "the distribution's modules"
measure stock --stock
step 'ours'
measure ours
join <(sort "$TEST_TMP/stock") <(sort "$TEST_TMP/ours") >"$TEST_TMP/both"
while read -r row stock ours; do
	printf '# %s: %s and %s\n' "$row" "$stock" "$ours"
	check awk -v row="$row" -v s="$stock" -v o="$ours" 'BEGIN {
		exit !(o <= s + (row ~ /block|128k/ ? s / 200 : 3)) }'
done <"$TEST_TMP/both"
same "$(wc -l <"$TEST_TMP/both")" ${#rows[@]} 'rows compared'
pass
