#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# How many instructions more a read of a block device takes on a steer queue
# than on the driver's own, in the same boot: at most 120, one at a time and 32,
# where the policy's answers hold. Of reads one at a time the least round
# counts: in others the policy was asked. Those that wait for an interrupt have
# no bound: what that costs, and whether the task sleeps, depends on when it
# comes, and a hundred instructions are lost in that.
#
# vm: --icount
# timeout: 300

# shellcheck disable=SC2016 # jq's own variables

. selftests/lib/guest.sh
. tools/bench/lib.sh

dev=$(bench_device) || fail "no drive with two paths"
check is_head "$dev"
tmp=$TEST_TMP
most=120
rounds=21
one=block,bytes=4k,batch=1,poll,fixed
rows=("$one" block,bytes=4k,batch=32,poll,fixed)

measure() { # NAME: writes $tmp/NAME.json, a row a line
	"$BENCH" --write --rounds $rounds "$dev" "${rows[@]}" \
		>"$tmp/$1.json" || fail "cannot measure under $1"
}

iostats() { # 0 or 1
	local f
	for f in /sys/block/nvme*/queue/iostats; do
		echo "$1" >"$f" || return
	done
}

trap 'merging 0; iostats 1; nvmesteer unload --all >/dev/null 2>&1' EXIT
check merging 2
# the first read after a tick of the clock would take more than the next
check iostats 0
step 'the driver'
measure none
for policy in ring class; do
	step "policy $policy"
	check attach "$policy:block" "$dev"
	measure "$policy"
	check detach "$dev"
	# only steer queues' doorbells are counted
	jq -n -e --slurpfile r "$tmp/$policy.json" --argjson n $rounds \
		'[$r[] | .doorbells_per_io > 0 and
		.verified_bytes == $n * .batch * .bytes] | all' >/dev/null ||
		fail "$policy: not all was steered, or verified"
	for row in "${rows[@]}"; do
		jq -n -r -e --slurpfile none "$tmp/none.json" \
			--slurpfile steered "$tmp/$policy.json" \
			--arg row "$row" --argjson most $most '
			def took: if .batch == 1 then .least_insn_per_io
				else .insn_per_io end;
			(($steered[] | select(.row == $row) | took) -
			 ($none[] | select(.row == $row) | took)) as $more |
			"# \($row): \($more | round) more, of \($most)",
			$more <= $most' >"$tmp/out" ||
			fail "$policy: $(head -1 "$tmp/out")"
		head -1 "$tmp/out"
	done
done
pass
