#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# copy_ways once more where namespaces have no multipath head, so that copies
# enter by the namespace's own character device.
#
# vm: --drives copy --append nvme_core.multipath=0

if [ "$(cat /sys/module/nvme_core/parameters/multipath)" != N ]; then
	echo "nvme_core.multipath=0 had no effect"
	exit 1
fi
"$NVMESTEER_BUILD/selftests/kernel/copy_ways"
