#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# With --iommu every drive is behind the IOMMU and its data arrives.
. selftests/lib/host.sh

cat >"$TEST_TMP/look" <<'C'
. selftests/lib/guest.sh
for c in /sys/class/nvme/nvme*; do
	check test -e "$c/device/iommu_group"
done
check grep -q ^DMA <<<"$(cat /sys/class/nvme/nvme0/device/iommu_group/type)"
check grep -q -E 'IR-(PCI-MSI|.*nvme0)' /proc/interrupts
dd if=/dev/urandom of=/tmp/a bs=4096 count=64 status=none
check dd if=/tmp/a of=/dev/nvme0n1 bs=4096 oflag=direct status=none
check cmp -n 262144 /tmp/a /dev/nvme0n1
pass
C
guest 0 --stock --iommu --copy "$TEST_TMP/look:/look" -- bash /look
pass
