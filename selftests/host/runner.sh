#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# The runner sees what goes wrong: planted tests that pass, fail, skip, hang,
# make the kernel complain, leave a pin behind, take the guest down. Each gets
# its result and the tests after it still run.
#
# timeout: 400
. selftests/lib/host.sh

# A checkout that holds only the runner and the planted tests.
repo=$TEST_TMP/repo
mkdir -p "$repo/selftests/planted" "$repo/tools" "$TEST_TMP/results"
cp -r selftests/run selftests/lib selftests/vm "$repo/selftests"
cp tools/in-tree "$repo/tools"
plant() { # NAME, the test on stdin
	cat >"$repo/selftests/planted/$1.sh"
}
plant a_passes <<<'echo fine; exit 0'
plant b_fails <<<'echo the reason; exit 1'
plant c_skips <<<'echo no such drive; exit 4'
plant d_hangs <<'T'
# timeout: 3
sleep 1000 & sleep 1000
T
plant e_splat <<<'echo "BUG: planted" >/dev/kmsg'
plant f_pins <<'T'
bpftool map create /sys/fs/bpf/left type array key 4 value 4 entries 1 name x
T
plant g_gone <<<'echo 1 >/sys/class/nvme/nvme3/device/remove'
plant h_panics <<<'echo c >/proc/sysrq-trigger'
plant i_passes <<'T'
[ ! -e /sys/fs/bpf/left ] && [ -e /sys/class/nvme/nvme3 ] &&
	! pgrep -x sleep
T

status=0
NVMESTEER_BUILD=$BUILD NVMESTEER_RESULTS=$TEST_TMP/results \
	"$repo/selftests/run" >"$TEST_TMP/out" 2>&1 || status=$?
cat "$TEST_TMP/out"
same 1 $status 'exit code'
says out '^ok    planted/a_passes '
says out '^FAIL  planted/b_fails .*exit code 1'
says out '\| the reason'
says out '^skip  planted/c_skips .*no such drive'
says out '^FAIL  planted/d_hangs .*did not end within 3 s'
says out '^FAIL  planted/e_splat .*kernel: .*BUG: planted'
says out '^FAIL  planted/f_pins .*left pinned: /sys/fs/bpf/left'
says out '^FAIL  planted/g_gone .*left the controllers nvme0'
says out '^FAIL  planted/h_panics .*the guest died'
says out '^ok    planted/i_passes '
same '2 passed, 6 failed, 1 skipped' "$(tail -n 1 "$TEST_TMP/out")"
same 9 "$(grep -c -E '^(not )?ok ' "$TEST_TMP/results/results.ktap")"

step 'a run in which nothing ran fails'
refuse env NVMESTEER_BUILD="$BUILD" NVMESTEER_RESULTS="$TEST_TMP/results" \
	"$repo/selftests/run" --filter matches_nothing
pass
