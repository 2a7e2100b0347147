#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# tools/bench/profile accounts for every instruction: the functions' sum is
# what the time stamp counter says, in submitting and in reaping, and the
# driver's, io_uring's and the policy's functions have their names.
. selftests/lib/host.sh

out=$TEST_TMP/profile
check tools/bench/profile --policy spread --least 0 \
	passthru,batch=8,poll,fixed >"$out"
cat "$out"
for f in io_submit_sqes nvme_steer_uring_cmd_hook bpf:spread_route user; do
	check grep -q "^$f  *[1-9]" "$out"
done
# shellcheck disable=SC2016 # awk's own
check awk '
	function near(a, b) { return a > 0 && a - b < 20 && b - a < 20 }
	/^sum / { s = $(NF - 3); r = $(NF - 1) }
	/^by the time stamp counter / { found = near(s, $(NF - 2)) &&
		near(r, $NF) }
	END { exit !found }' "$out"
refuse tools/bench/profile 2>/dev/null
refuse tools/bench/profile --no-such-option x 2>/dev/null
step 'rows of the benchmark'
check tools/bench/run --list --rows '^depth .* ring ' >"$TEST_TMP/list"
# Each is compared with the driver's own path.
same "$(grep -c ' ring ' "$TEST_TMP/list")" \
	"$(grep -c ' none passthru' "$TEST_TMP/list")" 'rows to compare with'
check tools/bench/run --list --file tools/bench/rows-large >"$TEST_TMP/list"
same 2 "$(grep -c ' none loop' "$TEST_TMP/list")" 'loops to compare with'
refuse tools/bench/run --rows no-such-row 2>/dev/null
refuse tools/bench/run --rounds many 2>/dev/null
pass
