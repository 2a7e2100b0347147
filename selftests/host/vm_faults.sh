#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# The drive that does wrong does right as long as nothing else is asked of it,
# with the distribution's driver: identity, data, the commands it says it has,
# formats, resets, and being removed.
. selftests/lib/host.sh

[ ! -e "$BUILD/qemu-vfio-user/absent" ] ||
	skip "no QEMU with vfio-user: $(cat "$BUILD/qemu-vfio-user/absent")"

cat >"$TEST_TMP/look" <<'C'
. selftests/lib/guest.sh
same faults "$(tr -d ' ' </sys/class/nvme/nvme0/serial)" serial
check ctrl_is_live nvme0
same 32768 "$(cat /sys/block/nvme0n1/size)" size
same 512 "$(cat /sys/block/nvme0n1/queue/logical_block_size)"

step 'data, in pieces of a block to the largest'
dd if=/dev/urandom of=/tmp/a bs=1M count=16 status=none
for bs in 512k 68k 4k; do
	check dd if=/tmp/a of=/dev/nvme0n1 bs=$bs oflag=direct status=none
	check cmp /tmp/a /dev/nvme0n1
	check dd if=/dev/zero of=/dev/nvme0n1 bs=1M count=16 oflag=direct \
		status=none
done

step 'commands'
check nvme flush /dev/nvme0n1
head -c 4096 /tmp/a >/tmp/b
check nvme write /dev/nvme0n1 -s 8 -c 7 -z 4096 -d /tmp/b
check nvme compare /dev/nvme0n1 -s 8 -c 7 -z 4096 -d /tmp/b
check nvme write-zeroes /dev/nvme0n1 -s 10 -c 0
refuse nvme compare /dev/nvme0n1 -s 8 -c 7 -z 4096 -d /tmp/b
check nvme dsm /dev/nvme0n1 -d -s 8 -b 8
check nvme smart-log /dev/nvme0
refuse nvme read /dev/nvme0n1 -s 32768 -c 0 -z 512 -d /tmp/b

step 'formatted'
for format in 1 0; do
	check nvme format /dev/nvme0n1 --lbaf=$format --force
	same $((512 << 3 * format)) \
		"$(cat /sys/block/nvme0n1/queue/logical_block_size)"
	same 32768 "$(cat /sys/block/nvme0n1/size)" size
	check cmp -n 16777216 /dev/zero /dev/nvme0n1
	check dd if=/tmp/a of=/dev/nvme0n1 bs=64k oflag=direct status=none
	check cmp /tmp/a /dev/nvme0n1
done

step 'resets'
check nvme reset /dev/nvme0
check wait_for 20 ctrl_is_live nvme0
echo 1 >/sys/class/nvme/nvme0/device/reset
check wait_for 20 ctrl_is_live nvme0
check dd if=/tmp/a of=/dev/nvme0n1 bs=1M oflag=direct status=none
check cmp /tmp/a /dev/nvme0n1

step 'removed and found again'
there() { [ -e /dev/nvme0n1 ]; }
echo 1 >/sys/class/nvme/nvme0/device/remove
refuse there
echo 1 >/sys/bus/pci/rescan
check wait_for 20 there
check cmp /tmp/a /dev/nvme0n1
pass
C
guest 0 --stock --drives faults --copy "$TEST_TMP/look:/look" -- bash /look
pass
