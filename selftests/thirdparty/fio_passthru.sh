#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# fio's io_uring_cmd engine under the policy spread: each way of submitting
# and each size of block verifies, and every command goes to a steer queue of
# the kind that fits; after unloading, fio goes on without them.
#
# vm: --cpus 4
# timeout: 300

. selftests/thirdparty/lib/steered.sh

ctrl=$(ctrl_by_serial copylim) || fail "no drive"
dev=/dev/ng${ctrl#nvme}n1
load "$ctrl" spread

# Ways of submitting, gathered for one fio, as it takes long to start: its jobs
# come one after the other.
ways=()
way() { # NAME FIO-OPTION...
	ways+=("--name=$1" --stonewall "${@:2}")
}

# try MODE: the ways gathered, all of whose queues are of that mode. What the
# queues had is in $tmp/was and $tmp/now.
try() {
	all_steered "$ctrl" "$dev" "${ways[@]}"
	same "$1" "$modes" "mode of the queues"
	jq -r '.jobs[] | "   \(.read.total_ios + .write.total_ios) \(.jobname)"' \
		"$tmp/fio.only"
	ways=()
}

many=(--numjobs=4 --size=512k --offset_increment=8m --cpus_allowed=0-3
	--cpus_allowed_policy=split)

# try_kept MODE: fio knows nothing of it, and all but a few commands use
# buffers that stay mapped.
try_kept() {
	try "$1"
	kept=$(jq -s '.[1].events.kept - .[0].events.kept' "$tmp/was" "$tmp/now")
	[ $((kept * 10)) -ge $((ios * 9)) ] ||
		fail "$kept of $ios commands used what is kept"
	printf '   %s of them used what is kept\n' "$kept"
}

step "kept buffers, by interrupt"
way plain --size=2m --iodepth=8
try_kept irq

step "kept buffers, polled"
way polled --size=2m --iodepth=8 --hipri=1
way "polled, registered buffers" --size=2m --iodepth=8 --hipri=1 --fixedbufs=1
try_kept poll
way "polled, blocks of 128k" --hipri=1 --bs=128k --size=16m --iodepth=2
try_kept poll

step "by interrupt"
way "one at a time" --iodepth=1 --size=256k
way "registered buffers" --fixedbufs=1 --registerfiles=1
way vectored --nonvectored=0
way "four jobs on four CPUs" "${many[@]}"
way "four jobs, registered buffers" "${many[@]}" --fixedbufs=1
way "SQ thread" --sqthread_poll=1 --size=256k
for bs in 512 128k 512k; do
	size=$((4 * 1024 * 1024))
	[ $bs != 512 ] || size=$((128 * 1024))
	way "blocks of $bs" --bs=$bs --size=$size
	way "blocks of $bs, registered" --bs=$bs --size=$size --fixedbufs=1
	way "blocks of $bs, vectored" --bs=$bs --size=$size --nonvectored=0
done
try irq

step "polled"
way "polled, one at a time" --hipri=1 --iodepth=1 --size=256k
way "polled, vectored" --hipri=1 --nonvectored=0
way "polled, four jobs on four CPUs" --hipri=1 "${many[@]}"
way "polled, four jobs, registered buffers" --hipri=1 --fixedbufs=1 "${many[@]}"
way "polled, blocks of 512" --hipri=1 --bs=512 --size=128k
way "polled, blocks of 512k" --hipri=1 --bs=512k --size=4m
try poll

step "mixed sizes, reads and writes"
all_steered "$ctrl" "$dev" --rw=randrw --bsrange=512-64k --bs_unaligned=0 \
	--blockalign=512 --size=4m

step "unloaded in the middle of it"
(
	cd "$tmp" && exec fio --name=on --filename="$dev" \
		--ioengine=io_uring_cmd --cmd_type=nvme --rw=randwrite --bs=4k \
		--iodepth=16 --size=4m --loops=10000 --verify=crc32c \
		--verify_fatal=1 --verify_state_save=0 --minimal
) >"$tmp/on.log" 2>&1 &
fio=$!
from=$(steered "$ctrl")
# shellcheck disable=SC2317 # called by wait_for
flows() { [ "$(steered "$ctrl")" -gt $((from + 500)) ]; }
wait_for 20 flows || fail "no commands on steer queues"
unload "$ctrl"
same 0 "$(stats "$ctrl" | jq '[.queues[] | select(.queue > 0)] | length')" \
	"number of steer queues left"

count=$(steer "$ctrl" events | awk '$1 == "routed" { print $2 }')
driver=$(steer "$ctrl" queues | awk '{ print $10; exit }')
mountpoint -q /sys/kernel/tracing || mount -t tracefs none /sys/kernel/tracing
echo 1 >/sys/kernel/tracing/events/nvme/nvme_setup_cmd/enable
echo >/sys/kernel/tracing/trace
# shellcheck disable=SC2317 # called by wait_for
goes_on() { [ "$(grep -c nvme_setup_cmd /sys/kernel/tracing/trace)" -gt 500 ]; }
wait_for 20 goes_on || fail "fio stands still after unloading"
echo 0 >/sys/kernel/tracing/events/nvme/nvme_setup_cmd/enable
same "$count" "$(steer "$ctrl" events | awk '$1 == "routed" { print $2 }')" \
	"event 'routed' after unloading"
same "$driver" "$(steer "$ctrl" queues | awk '{ print $10; exit }')" \
	"count of queue 0 after unloading"
kill -INT $fio
status=0
wait $fio || status=$?
[ $status = 0 ] || [ $status = 128 ] || {
	cat "$tmp/on.log"
	fail "fio's exit code is $status"
}
pass
