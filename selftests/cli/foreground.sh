#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# load --foreground stays until the policy ends: by a signal, which ends it and
# removes its pins, by somebody else, or because it was ejected, which it tells
# with all that was recorded; not by a signal once another policy has its place.
# It learns of an end from its link, at once: not when it looks, once a second,
# whether another policy has got that. status --dump tells the same afterwards,
# to root.

. selftests/cli/lib/cli.sh
trap 'cleanup; default_bad_answers' EXIT

# Load $1 and stay; wait until it is attached.
foreground() {
	nvmesteer load -v --dev nvme0 --foreground "$@" \
		>"$tmp/stay.out" 2>"$tmp/stay.err" &
	job=$!
	wait_for 10 grep -q "attached policy" "$tmp/stay.out" ||
		fail "it is not attached: $(cat "$tmp/stay.err")"
}

gone() { ! kill -0 "$job" 2>/dev/null; }

# It has ended with code $1 and said $2.
ended() {
	if ! wait_for 60 gone; then
		kill -KILL $job
		fail "load --foreground is still there after the policy's end"
	fi
	wait $job
	same "$1" $? "exit code of load --foreground"
	grep -qE "$2" "$tmp/stay.out" "$tmp/stay.err" ||
		fail "it says: $(cat "$tmp/stay.out" "$tmp/stay.err")"
}

# Likewise, and its link has told it.
ended_by_link() {
	ended "$@"
	grep -q "the link hung up" "$tmp/stay.err" ||
		fail "its link did not wake it: $(cat "$tmp/stay.err")"
}

for signal in INT TERM; do
	step "SIG$signal"
	# as Ctrl-C does: a shell's background jobs ignore SIGINT until then
	foreground "$POLICIES/tenants.bpf.o"
	consistent nvme0 tenants
	kill -$signal $job
	ended 0 "policy 'tenants' ended \(unload\)"
	clean nvme0
done

step "ended by another"
foreground "$POLICIES/tenants.bpf.o"
ok unload nvme0
ended_by_link 0 "policy 'tenants' ended \(unload\)"
clean nvme0

step "switched off"
foreground "$POLICIES/tenants.bpf.o"
ok off nvme0
ended_by_link 0 "policy 'tenants' ended \(off\)"
clean nvme0

step "replaced"
foreground "$POLICIES/tenants.bpf.o"
ok load --dev nvme0 --replace "$POLICIES/spread.bpf.o"
kill -TERM $job
ended 0 "policy 'tenants' ended \(replaced\)"
consistent nvme0 spread
ok unload nvme0

step "status --dump after an orderly end"
ok status --dump nvme0
grep -q "policy spread ended: unload: unloaded" <<<"$out" ||
	fail "it says: $out"
for section in queues rings refused watchdog events; do
	grep -qx "$section:" <<<"$out" || fail "no $section in it: $out"
done
run status --dump nvme0 --json
same 0 $rc 'exit code'
check_json status '.controller == "nvme0" and .last_exit.kind == "unload" and
	(.dump | test("policy spread ended"))' 'status --dump'

step "ejected"
ejector=$BUILD/selftests/bpf/must_eject_answer_high.bpf.o
[ -e "$ejector" ] || skip 'must_eject_answer_high.bpf.o is not built'
few_bad_answers
foreground "$ejector"
fio --name=t --ioengine=io_uring_cmd --cmd_type=nvme --filename=/dev/ng0n1 \
	--rw=read --bs=4k --iodepth=8 --size=16m >/dev/null
ended_by_link 1 "was ejected from nvme0"
grep -qE "^policy bad ended: answers: " "$tmp/stay.out" ||
	fail "no dump: $(cat "$tmp/stay.out")"
grep -qE "op=route answer=[0-9]+ why=bad_" "$tmp/stay.out" ||
	fail "no refused answers: $(cat "$tmp/stay.out")"
run status --dump nvme0
same 1 $rc 'exit code of status --dump'
grep -q "^policy bad ended: answers" <<<"$out" || fail "it says: $out"
run status nvme0
grep -q "status --dump nvme0" <<<"$err" || fail "it says: $err"
nvmesteer unload nvme0 >/dev/null 2>&1

step "others may not read it"
same 400 "$(stat -c %a /sys/class/nvme/nvme0/steer/dump)" 'mode of dump'
pass
