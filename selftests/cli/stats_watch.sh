#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# stats --watch: one JSON object a line with the rates of what happened in
# between, plain tables where there is no terminal, a sentence for a bad
# period, and an end when its reader goes away.

. selftests/lib/guest.sh

tmp=$(mktemp -d)
trap 'nvmesteer unload nvme0 >/dev/null 2>&1; rm -rf "$tmp"' EXIT

check nvmesteer load --dev nvme0 "$POLICIES/spread.bpf.o" >/dev/null
fio --name=t --ioengine=io_uring_cmd --cmd_type=nvme --filename=/dev/ng0n1 \
	--rw=randread --bs=4k --iodepth=8 --time_based --runtime=60 --hipri=1 \
	>/dev/null &
fio=$!
# shellcheck disable=SC2317 # called by wait_for
flows() {
	nvmesteer stats nvme0 --json | jq -e '[.queues[] |
		select(.mode == "poll") | .submitted] | add > 100' >/dev/null
}
check wait_for 30 flows

step 'one object a line'
timeout 2.5 nvmesteer stats nvme0 --json --watch=0.3 >"$tmp/lines"
same 124 $? 'exit code of timeout'
lines=$(wc -l <"$tmp/lines")
[ "$lines" -ge 4 ] || fail "only $lines lines"
while read -r line; do
	same nvmesteer.stats/1 "$(jq -er .schema <<<"$line")" schema
done <"$tmp/lines"

step 'rates: none at first, then what the counters say'
same null "$(head -1 "$tmp/lines" | jq -c .interval_s)" 'first interval'
same true "$(sed -n 3p "$tmp/lines" | jq '.interval_s >= 0.29')" interval
same true "$(sed -n 3p "$tmp/lines" |
	jq '[.queues[] | select(.mode == "poll") | .submitted_per_s] | add > 0')" rate
same true "$(sed -n 2,3p "$tmp/lines" | jq -s '
	((.[1].events.routed - .[0].events.routed) / .[1].interval_s
	 - .[1].events_per_s.routed) | fabs < 0.01')" 'rate of routed'

step 'tables, without moving a cursor that is not there'
timeout 1.5 nvmesteer stats nvme0 --watch=0.5 >"$tmp/tables"
grep -q 'SUBMITTED/S.*SQ_DOORBELLS/S  *CQ_DOORBELLS/S' "$tmp/tables" || fail 'no rates in the header'
refuse grep -q $'\033' "$tmp/tables"

step 'a reader that goes away ends it'
timeout 3 nvmesteer stats nvme0 --json --watch=0.1 | head -2 >/dev/null
[ "${PIPESTATUS[0]}" != 124 ] || fail 'it went on without a reader'

step 'bad periods'
for period in x 0 -1 1e9 nan 2s; do
	nvmesteer stats nvme0 --watch=$period 2>"$tmp/err"
	same 2 $? "exit code for period '$period'"
	grep -q -- '--watch=2' "$tmp/err" || fail "no remedy: $(cat "$tmp/err")"
done
kill -INT $fio
wait $fio || :
pass
