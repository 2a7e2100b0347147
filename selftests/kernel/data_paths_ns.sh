#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# data_paths and opcodes once more where namespaces have no multipath head, so
# that commands enter by the namespace's own character device.
#
# vm: --cpus 2 --append nvme_core.multipath=0

dir=$NVMESTEER_BUILD/selftests/kernel
if [ "$(cat /sys/module/nvme_core/parameters/multipath)" != N ]; then
	echo "nvme_core.multipath=0 had no effect"
	exit 1
fi
"$dir/data_paths" && "$dir/opcodes"
