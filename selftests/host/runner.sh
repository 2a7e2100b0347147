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
mkdir -p "$repo"/selftests/{planted,host} "$repo/tools" "$TEST_TMP/results"
cp -rp selftests/run selftests/lib selftests/vm "$repo/selftests"
cp tools/in-tree "$repo/tools"
plant() { # NAME, the test on stdin
	[[ $1 = */* ]] || set -- "planted/$1"
	cat >"$repo/selftests/$1.sh"
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
plant host/j_passes <<<'exit 0'
plant host/k_skips <<<'echo not here; exit 4'

status=0
NVMESTEER_BUILD=$BUILD NVMESTEER_RESULTS=$TEST_TMP/results \
	"$repo/selftests/run" planted host >"$TEST_TMP/out" 2>&1 || status=$?
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
says out '^skip  host/k_skips .*not here'
same '3 passed, 6 failed, 2 skipped' "$(tail -n 1 "$TEST_TMP/out")"
# In the order of the suites, whatever ended first.
same 'a b c d e f g h i j k' "$(sed -n -E \
	's/^(not )?ok [0-9]+ [a-z]+\/([a-z])_.*/\2/p' \
	"$TEST_TMP/results/results.ktap" | paste -s -d ' ')"
same 'KTAP version 1 1..11' \
	"$(head -n 2 "$TEST_TMP/results/results.ktap" | paste -s -d ' ')"

step 'a run in which nothing ran fails'
refuse env NVMESTEER_BUILD="$BUILD" NVMESTEER_RESULTS="$TEST_TMP/results" \
	"$repo/selftests/run" --filter matches_nothing

step 'a limit that is no number'
plant host/l_limit <<'T'
# timeout: is a word here
T
refuse env NVMESTEER_BUILD="$BUILD" NVMESTEER_RESULTS="$TEST_TMP/results" \
	"$repo/selftests/run" host 2>"$TEST_TMP/out"
says out '^selftests: host/l_limit: .*not a number of seconds: is a word here$'
rm "$repo/selftests/host/l_limit.sh"

step 'the emulator aborts: the test runs again, once'
for name in l_again m_aborts; do
	plant $name <<-T
		echo >>/run/vm/share/$name
		[ $name = m_aborts ] || [ "\$(wc -l </run/vm/share/$name)" = 1 ] || exit 0
		sleep 1000
	T
done
NVMESTEER_BUILD=$BUILD NVMESTEER_RESULTS=$TEST_TMP/results \
	"$repo/selftests/run" --filter 'l_again|m_aborts' planted \
	>"$TEST_TMP/out" 2>&1 &
pid=$!
emulator_aborts() { # where TEST has begun TIMES times
	local began=("$TEST_TMP"/results/guest.*/"$1")
	[ -e "${began[0]}" ] && [ "$(wc -l <"${began[0]}")" = "$2" ] &&
		pkill -ABRT -f "qemu-system.*path=$TEST_TMP/results/guest"
}
check wait_for 60 emulator_aborts l_again 1
check wait_for 60 emulator_aborts m_aborts 1
check wait_for 60 emulator_aborts m_aborts 2
wait $pid
says out '^ok    planted/l_again .* run again: QEMU failed$'
says out "^FAIL  planted/m_aborts .*the guest died .QEMU's status 134"
same '1 passed, 1 failed, 0 skipped' "$(tail -n 1 "$TEST_TMP/out")"
rm "$repo"/selftests/planted/{l_again,m_aborts}.sh

step 'a test that fails once has another go, if that is asked for'
plant host/n_once <<T
[ -e $TEST_TMP/second ] || { touch $TEST_TMP/second; exit 1; }
T
plant host/o_fails <<<'exit 1'
go() { # EXIT-CODE LAST-LINE FILTER OPTION...
	local status=0
	NVMESTEER_BUILD=$BUILD NVMESTEER_RESULTS=$TEST_TMP/results \
		"$repo/selftests/run" --filter "$3" "${@:4}" host \
		>"$TEST_TMP/out" 2>&1 || status=$?
	same "$1" $status 'exit code'
	same "$2" "$(tail -n 1 "$TEST_TMP/out")"
}
go 1 '0 passed, 1 failed, 0 skipped' n_once
rm "$TEST_TMP/second"
go 0 '1 passed, 0 failed, 0 skipped' n_once --again 1
says out '^FAIL  host/n_once '
says out '^again host/n_once: passed when run once more$'
go 1 '0 passed, 1 failed, 0 skipped' o_fails --again 1
rm "$TEST_TMP/second"
go 1 '0 passed, 2 failed, 0 skipped' 'n_once|o_fails' --again 1
rm "$TEST_TMP/second"
sed -i 's/; exit 1/; echo "block 7 holds nothing"; exit 1/' \
	"$repo/selftests/host/n_once.sh"
go 1 '0 passed, 1 failed, 0 skipped' n_once --again 1
rm "$repo"/selftests/host/{n_once,o_fails}.sh

step 'an interrupted run ends what it started'
plant host/l_waits <<T
echo \$\$ >$TEST_TMP/pid
exec sleep 1000
T
NVMESTEER_BUILD=$BUILD NVMESTEER_RESULTS=$TEST_TMP/results \
	"$repo/selftests/run" --jobs 2 --filter 'd_hangs|l_waits' planted host \
	>"$TEST_TMP/out" 2>&1 &
pid=$!
started() {
	[ -s "$TEST_TMP/pid" ] &&
		pgrep -f "path=$TEST_TMP/results/guest" >/dev/null
}
check wait_for 60 started
kill -TERM $pid
status=0
wait $pid || status=$?
same 130 $status 'exit code'
refuse pgrep -f "path=$TEST_TMP/results/guest"
refuse kill -0 "$(cat "$TEST_TMP/pid")" 2>/dev/null
same '' "$(find "$TEST_TMP/results" -name 'guest.*')" 'what is left'
pass
