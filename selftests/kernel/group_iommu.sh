#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# group once more behind an IOMMU that forgets at once: a mapping that is not
# there when the controller looks is an error here, not luck.
#
# vm: --cpus 2 --beside --iommu --append iommu.strict=1
# timeout: 300

set -eu
if [ -e /sys/kernel/debug/dma-api ]; then
	echo 'nothing is kept behind an IOMMU by a kernel that checks the DMA API'
	exit 4
fi
read -r type </sys/class/nvme/nvme0/device/iommu_group/type
if [ "$type" != DMA ]; then
	echo "the IOMMU is not strict: $type"
	exit 1
fi
DATA_ONLY=1 "$NVMESTEER_BUILD/selftests/kernel/group"
COUNT=300 "$NVMESTEER_BUILD/selftests/kernel/group_refused"
