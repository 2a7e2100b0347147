#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# How a controller chooses among submission queues, as the command line tells of
# it: that of selftests/device has weighted round robin, which nvme.steer_wrr
# enables, and the policies class and latency give their queues priorities then.
# QEMU's has round robin alone (cli/status); what the controller does is wrr.c's.
#
# vm: --drives faults

. selftests/lib/guest.sh

file=/sys/class/nvme/nvme0/steer/arbitration
parameter=/sys/module/nvme/parameters/steer_wrr
as_it_was() {
	echo 0 >$parameter
	nvme reset /dev/nvme0
}
status() { nvmesteer status nvme0 --json | jq -c '.controllers[0].arbitration'; }
arbiter() { nvmesteer status nvme0 | sed -n 's/^  arbiter *//p'; }
priorities() {
	nvmesteer queues nvme0 --json |
		jq -c '.queues | map(select(.queue > 0) | .priority)'
}
reset() {
	check nvme reset /dev/nvme0
	check wait_for 10 ctrl_is_live nvme0
}

same '[rr] wrr' "$(<$file)" "$file"
same '{"enabled":"rr","has_weighted_round_robin":true,"weights":null}' \
	"$(status)" status
same 'round robin; the controller has weighted round robin, which nvme.steer_wrr=1 enables at its next reset' \
	"$(arbiter)" 'status of one that is not enabled'

step 'with a policy, but not enabled'
check nvmesteer load --dev nvme0 class
same '[rr] wrr' "$(<$file)" "$file"
same '[null,null,null,null,null,null,null,null]' "$(priorities)" priorities
check sh -c '! nvmesteer queues nvme0 | grep -q PRIORITY'

step 'enabled'
trap as_it_was EXIT
echo 1 >$parameter
reset
same 'rr [wrr] high=16 medium=8 low=1' "$(<$file)" "$file"
same '{"enabled":"wrr","has_weighted_round_robin":true,"weights":{"high":16,"medium":8,"low":1}}' \
	"$(status)" status
same 'weighted round robin, high 16, medium 8, low 1' "$(arbiter)" status
classes='"high","medium","medium","low"'
same "[$classes,$classes]" "$(priorities)" priorities
check grep -q 'OWNER  *PRIORITY' <<<"$(nvmesteer queues nvme0)"
check grep -q 'policy  *high' <<<"$(nvmesteer queues nvme0)"
check grep -q 'value:0x0f070000' <<<"$(nvme get-feature /dev/nvme0 -f 1)"

step 'without a policy'
check nvmesteer unload nvme0
same 'rr [wrr]' "$(<$file)" "$file"
same 'weighted round robin' "$(arbiter)" status
check grep -q 'value:\(0x\)\?0*$' \
	<<<"$(nvme get-feature /dev/nvme0 -f 1)"

step 'other weights, other numbers'
check nvmesteer load --dev nvme0 latency --set wrr_high=100 \
	--set nr_queues=3
same 'rr [wrr] high=100 medium=8 low=1' "$(<$file)" "$file"
same '["high","medium","low","high","medium","low"]' "$(priorities)" latency
refuse nvmesteer load --dev nvme0 --replace spread --set nr_queues=3 \
	2>"$TEST_TMP/why"
check grep -q 'exists with another mode, depth or priority' "$TEST_TMP/why"
check nvmesteer unload nvme0
check nvmesteer load --dev nvme0 class --set nr_queues=2 --set wrr_high=0
same 'rr [wrr]' "$(<$file)" "$file"
same '["medium","medium","medium","medium"]' "$(priorities)" 'two numbers'
check nvmesteer unload nvme0
pass
