#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# stats --json: its keys are what was promised, every command of a steered run
# is counted on the queues the policy chose, and in the driver's row otherwise.

. selftests/lib/guest.sh

trap 'nvmesteer unload nvme0 >/dev/null 2>&1' EXIT

run_fio() {
	fio --name=t --ioengine=io_uring_cmd --cmd_type=nvme \
		--filename=/dev/ng0n1 --rw=randread --bs=4k --iodepth=8 \
		--number_ios=2000 --size=64m "$@" >/dev/null
}

routed() { echo $(($(json .events.routed) - routed_before)); }
json() { nvmesteer stats --json nvme0 | jq -er "$1"; }

routed_before=$(json .events.routed)

step 'no policy: null, and the driver alone'
json . >/dev/null || fail 'stats --json is not JSON'
same nvmesteer.stats/1 "$(json .schema)" schema
same schema "$(nvmesteer stats --json nvme0 | jq -r 'keys_unsorted[0]')" 'first key'
same null "$(nvmesteer stats --json nvme0 | jq -c .policy)" policy
same nvme0 "$(json .controller)" controller
same 0:driver "$(json '.queues[]|"\(.queue):\(.mode)"')" queues

step 'with spread: every key of every queue'
check nvmesteer load --dev nvme0 "$POLICIES/spread.bpf.o" >/dev/null
same spread "$(json .policy)" policy
same true "$(json '[.queues[] | (.queue,.submitted,.completed,.failed,.cancelled,
	.inflight,.doorbells,.sq_doorbells,.cq_doorbells,.interrupts) | type == "number"] | all')" numbers
same true "$(json '[.queues[1:][] | .mode == "poll" or .mode == "irq"] | all')" modes
same true "$(json '[.events[] | type == "number"] | all')" events
same true "$(json '.queues | length > 1')" 'steer queues'

# Tests before this one may have left counts in the driver's row.
elsewhere() {
	json '[.queues[] | select(.mode != "poll") | .submitted] | add'
}

step 'a polled run is counted on the polled queues'
elsewhere_before=$(elsewhere)
check run_fio --hipri=1
sum='[.queues[] | select(.mode == "poll") | .submitted] | add'
same 2000 "$(json "$sum")" 'submitted on polled queues'
same 2000 "$(routed)" 'event routed'
same "$elsewhere_before" "$(elsewhere)" 'submitted elsewhere'

step 'an interrupt-driven run is counted on the irq queues'
check run_fio --hipri=0
same 2000 "$(json '[.queues[] | select(.mode == "irq") | .completed] | add')" \
	'completed on irq queues'
same true "$(json '[.queues[] | select(.mode == "irq") | .interrupts] | add > 0')" interrupts

step 'the sums are right'
same true "$(json '[.queues[] | .submitted == .completed + .failed + .cancelled + .inflight] | all')" sums
same true "$(json '[.queues[] | .doorbells == .sq_doorbells + .cq_doorbells] | all')" \
	doorbells
same true "$(json '[.queues[] | select(.completed > 0 and .mode != "driver") |
	.sq_doorbells > 0 and .cq_doorbells > 0] | any and all')" 'doorbells of both'

step 'the table says the same'
table=$(nvmesteer stats nvme0) || fail 'stats failed'
printf '%s\n' "$table"
rows=$(printf '%s\n' "$table" | grep -cE '^ *[0-9]+ +(driver|poll|irq) ')
same "$(json '.queues | length')" "$rows" 'rows of the table'
printf '%s\n' "$table" | grep -q ' SQ_DOORBELLS  *CQ_DOORBELLS  *INTERRUPTS$' ||
	fail 'the doorbells are not apart'
same routed "$(printf '%s\n' "$table" | awk '$1 == "routed" { print $1 }')" 'event in the table'

step 'after unload only the driver is left'
check nvmesteer unload nvme0 >/dev/null
same 0 "$(json '.queues[].queue')" queues
check run_fio --hipri=0
same 4000 "$(routed)" 'event routed after unload'
pass
