#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# data_paths and opcodes once more where namespaces have a multipath head, so that
# commands enter by that one's character device.
#
# vm: --cpus 2 --heads

dir=$NVMESTEER_BUILD/selftests/kernel
if [ -e /sys/block/nvme0n1/device/transport ]; then
	echo "nvme0n1 is no multipath head"
	exit 1
fi
"$dir/data_paths" && "$dir/opcodes"
