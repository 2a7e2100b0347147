#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# copy_ways once more where namespaces have a multipath head, so that copies enter
# by that one's character device.
#
# vm: --drives copy --heads

if [ -e /sys/block/nvme0n1/device/transport ]; then
	echo "nvme0n1 is no multipath head"
	exit 1
fi
"$NVMESTEER_BUILD/selftests/kernel/copy_ways"
