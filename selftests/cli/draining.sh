#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# A queue that is removed while a slow drive works on its commands: whoever
# looks meanwhile is not made to wait, and is told which queue it is.

. selftests/cli/lib/cli.sh

[ -e /dev/virtio-ports/monitor ] || skip "no monitor to make a drive slow"

trap 'slow_drive 0 0; wait; cleanup; nvmesteer queues remove nvme0 1 2>/dev/null' EXIT

queue1() { # FILTER: jq's FILTER is true of queue 1; the file is read in time
	timeout 3 nvmesteer queues nvme0 --json >"$tmp/queues" ||
		fail "'nvmesteer queues' takes longer than 3 s"
	jq -e ".queues[] | select(.queue == 1) | $1" "$tmp/queues" >/dev/null
}

step "commands that take long on queue 1"
ok queues add nvme0 --mode irq --number 1
ok load --dev nvme0 --set nr_queues=1 --set queue_mode=2 \
	"$POLICIES/spread.bpf.o"
slow_drive 0 2
fio --name=slow --filename=/dev/ng0n1 --ioengine=io_uring_cmd \
	--cmd_type=nvme --rw=read --bs=4k --iodepth=16 --number_ios=16 \
	>"$tmp/fio" 2>&1 &
fio=$!
wait_for 10 queue1 '.inflight >= 4' || fail "queue 1: $(<"$tmp/queues")"

step "removed meanwhile"
nvmesteer queues remove nvme0 1 &
remove=$!
wait_for 2 queue1 '.state == "draining" and .inflight > 0' ||
	fail "queue 1: $(<"$tmp/queues")"
timeout 3 nvmesteer list >/dev/null || fail "'nvmesteer list' has to wait"
slow_drive 0 0
wait $remove || fail "the queue cannot be removed"
! queue1 true || fail "queue 1 is still there: $(<"$tmp/queues")"
wait $fio || fail "commands failed: $(<"$tmp/fio")"
pass
