#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# queues: creating and freeing by hand, what a policy owns, and a sentence with
# a remedy for each way it can be refused.

. selftests/lib/guest.sh

err=$(mktemp)
cleanup() {
	local n
	nvmesteer unload nvme0 >/dev/null 2>&1
	for n in $(nvmesteer queues nvme0 --json |
		jq -r '.queues[] | select(.owner == "admin") | .queue'); do
		nvmesteer queues remove nvme0 "$n"
	done
	rm -f "$err"
}
trap cleanup EXIT

json() { nvmesteer queues nvme0 --json | jq -er "$1"; }

# fails CODE WORD ARG...: nvmesteer queues ARG... must say WORD
fails() {
	local code=$1 word=$2
	shift 2
	nvmesteer queues "$@" >/dev/null 2>"$err"
	same "$code" $? "exit code of 'queues $*'"
	grep -q -- "$word" "$err" || fail "'queues $*' says: $(cat "$err")"
	same 1 "$(wc -l <"$err")" "lines that 'queues $*' says"
}

granted=$(sed 's/.*granted=\([0-9]*\).*/\1/' /sys/class/nvme/nvme0/steer/reserve)

step 'at first the driver alone'
same nvmesteer.queues/1 "$(json .schema)" schema
same 0 "$(json '.queues[].queue')" queues

step 'create: the lowest number, a given one, a depth'
same 1 "$(nvmesteer queues add nvme0 --mode poll)" 'first number'
same 2 "$(nvmesteer queues add --dev nvme0 --mode irq --depth 32)" 'second number'
same 5 "$(nvmesteer queues add nvme0 --mode poll --number 5 --json |
	jq -r '.queues[].queue')" 'given number'
same '1 poll admin live,2 irq admin live,5 poll admin live' \
	"$(json '[.queues[1:][] | "\(.queue) \(.mode) \(.owner) \(.state)"] | join(",")')" queues
same 32 "$(json '.queues[] | select(.queue == 2) | .depth')" depth
same true "$(json '.queues[] | select(.queue == 2) | .irq > 0 and (.cpus | length > 0)')" irq
same null "$(nvmesteer queues nvme0 --json | jq '.queues[1].irq')" 'irq of a polled queue'
same 4 "$(nvmesteer queues nvme0 | tail -n +2 | wc -l)" rows

step 'refusals'
fails 1 EEXIST add nvme0 --mode poll --number 5
fails 1 "steer_queues.*ERANGE" add nvme0 --mode poll --number $((granted + 1))
fails 2 "out of range" add nvme0 --mode poll --depth 1
fails 2 "out of range" add nvme0 --mode poll --depth 100000
fails 2 "out of range" add nvme0 --mode poll --depth -3
fails 2 "no queue number" add nvme0 --mode poll --number 0
fails 2 "no queue number" add nvme0 --mode poll --number 5x
fails 2 "mode poll" add nvme0
fails 2 "mode poll" add nvme0 --mode quick
fails 2 "queues add" nvme0 --mode poll
fails 2 "one controller" add nvme0 nvme1 --mode poll
fails 1 "driver's own" remove nvme0 0
fails 1 ENOENT remove nvme0 7
fails 2 "number" remove nvme0
fails 1 "nvme99" nvme99

step 'none left'
while nvmesteer queues add nvme0 --mode poll >/dev/null 2>"$err"; do :; done
grep -q "all $granted reserved queues exist; .*remove.*ENOSPC" "$err" || fail "it says: $(cat "$err")"
same "$((granted + 1))" "$(json '.queues | length')" 'queues in all'

step 'remove'
for n in $(seq 1 "$granted"); do
	check nvmesteer queues remove nvme0 "$n"
done
same 0 "$(json '.queues[].queue')" queues

step "two at a time get a number each"
for n in 1 2 3 4; do nvmesteer queues add nvme0 --mode poll >"$err.$n" & done
wait
same '1 2 3 4' "$(sort "$err".[1-4] | xargs)" numbers
rm -f "$err".[1-4]
for n in 1 2 3 4; do check nvmesteer queues remove nvme0 $n; done

step "a policy's queues stay"
check nvmesteer load --dev nvme0 "$POLICIES/spread.bpf.o" >/dev/null
same policy "$(json '.queues[1].owner')" owner
fails 1 "'spread' owns it.*EPERM" remove nvme0 1
pass
