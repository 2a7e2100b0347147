#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# status: 0 and no problem while all is well; 1 and a sentence when pins hold
# nothing or a policy was ejected.

. selftests/lib/guest.sh

err=$(mktemp)
trap 'nvmesteer unload nvme0 >/dev/null 2>&1; rm -f "$err"; default_bad_answers' EXIT

json() { nvmesteer status nvme0 --json 2>/dev/null | jq -r ".controllers[0] | $1"; }

# Another test's ejection is over once a policy has ended in an orderly way.
check nvmesteer load --dev nvme0 "$POLICIES/null.bpf.o" >/dev/null
check nvmesteer unload nvme0 >/dev/null

step 'nothing loaded'
check nvmesteer status nvme0 >/dev/null
same nvmesteer.status/1 "$(nvmesteer status --json 2>/dev/null | jq -r .schema)" schema
same "$(nvmesteer list --json | jq '.controllers | length')" \
	"$(nvmesteer status --json 2>/dev/null | jq '.controllers | length')" controllers
same 'null null' "$(json '"\(.policy) \(.link_id)"')" 'policy and link'
same '[]' "$(json '.problems | tostring')" problems
same 'rr false' "$(json '.arbitration | "\(.enabled) \(.has_weighted_round_robin)"')" \
	arbitration

step 'a policy'
check nvmesteer load --dev nvme0 "$POLICIES/spread.bpf.o" >/dev/null
text=$(nvmesteer status --dev nvme0) || fail 'status failed'
grep -q "nvme0: policy 'spread' is attached" <<<"$text" || fail "it says: $text"
same true "$(json '.reserve.queues_used > 0')" reserve
same "$(steer nvme0 link)" "$(json .link_id)" link

step 'how it ended'
check nvmesteer unload nvme0 >/dev/null
check nvmesteer status nvme0 >/dev/null
same 'spread unload 64' "$(json '.last_exit | "\(.policy) \(.kind) \(.kind_code)"')" 'last exit'

step 'ejected'
ejector=$BUILD/selftests/bpf/must_eject_answer_high.bpf.o
[ -e "$ejector" ] || skip 'must_eject_answer_high.bpf.o is not built'
few_bad_answers
check nvmesteer load --dev nvme0 "$ejector" >/dev/null
fio --name=t --ioengine=io_uring_cmd --cmd_type=nvme --filename=/dev/ng0n1 \
	--rw=read --bs=4k --iodepth=8 --size=16m >/dev/null
wait_for 10 grep -q '^ended' /sys/class/nvme/nvme0/steer/state ||
	fail 'it is not ejected for unfit answers'
nvmesteer status nvme0 >/dev/null 2>"$err"
same 1 $? 'exit code after an ejection'
grep -q 'was ejected' "$err" || fail "it says: $(cat "$err")"
same true "$(json '.problems | any(test("was ejected"))')" 'problem in the JSON'

step 'a policy that follows is a remedy'
nvmesteer unload nvme0 >/dev/null 2>&1
check nvmesteer load --dev nvme0 "$POLICIES/spread.bpf.o" >/dev/null
check nvmesteer status nvme0 >/dev/null

step 'orphaned pins'
check nvmesteer off nvme0 >/dev/null
mkdir -p /sys/fs/bpf/nvmesteer/nvme0/spread/maps
nvmesteer status nvme0 >/dev/null 2>"$err"
same 1 $? 'exit code with orphaned pins'
grep -q 'unload nvme0' "$err" || fail "no remedy: $(cat "$err")"
check nvmesteer unload nvme0 >/dev/null
check nvmesteer status nvme0 >/dev/null

step 'bad arguments'
nvmesteer status nvme0 nvme1 2>/dev/null
same 2 $? 'exit code for two controllers'
nvmesteer status nvme99 2>"$err"
same 1 $? 'exit code for a controller that is not there'
pass
