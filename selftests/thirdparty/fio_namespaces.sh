#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# fio passthrough on namespaces that are not plain: 4 KiB blocks, separate
# metadata (which a steer queue does not carry), metadata that extends the
# block (which it does), and the head of a multipath subsystem.
#
# timeout: 240

. selftests/thirdparty/lib/steered.sh

step "4 KiB blocks"
ctrl=$(ctrl_by_serial blk4k) || fail "no drive blk4k"
dev=/dev/ng${ctrl#nvme}n1
load "$ctrl" spread
jobs=()
for bs in 4k 128k; do
	size=1m
	[ $bs = 4k ] || size=4m
	for how in hipri=0 hipri=1 fixedbufs=1; do
		jobs+=("--name=$bs $how" --stonewall "--bs=$bs"
			"--size=$size" "--$how")
	done
done
all_steered "$ctrl" "$dev" "${jobs[@]}"
same "irq poll" "$modes" "modes of the queues"
unload "$ctrl"

step "separate metadata: the driver's own path, and counted as such"
ctrl=$(ctrl_by_serial meta) || fail "no drive meta"
dev=/dev/ng${ctrl#nvme}n1
load "$ctrl" spread
from=$(steered "$ctrl") why=$(event "$ctrl" metadata)
passthru "$dev" --bs=4k --md_per_io_size=64 --size=512k
same 0 $(($(steered "$ctrl") - from)) "commands on steer queues"
same "$ios" $(($(event "$ctrl" metadata) - why)) "event metadata"

step "metadata that extends the block"
dev=/dev/ng${ctrl#nvme}n2
from=$(steered "$ctrl") driver=$(by_driver "$ctrl")
passthru "$dev" --bs=4160 --size=532480 --verify=crc32c
same "$ios" $(($(steered "$ctrl") + $(by_driver "$ctrl") - from - driver)) \
	"commands counted"
printf '   %s of %s steered\n' $(($(steered "$ctrl") - from)) "$ios"
unload "$ctrl"

step "multipath head"
a=$(ctrl_by_serial mpath) || fail "no drive mpath"
b=nvme$((${a#nvme} + 1))
dev=/dev/ng${a#nvme}n1
load "$a" spread
load "$b" spread
from=$(($(steered "$a") + $(steered "$b")))
passthru "$dev" --name=plain --name=polled --stonewall --hipri=1 \
	--name=registered --stonewall --fixedbufs=1
same "$ios" $(($(steered "$a") + $(steered "$b") - from)) \
	"commands on steer queues of both paths"
unload "$a"
unload "$b"
pass
