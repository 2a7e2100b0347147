#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# block_data once more, and resets and kills under block I/O, behind an IOMMU
# that forgets at once: a mapping that is not there when the controller looks is
# an error here, not luck.
#
# vm: --cpus 2 --beside --iommu --append iommu.strict=1
# timeout: 400

dir=$NVMESTEER_BUILD/selftests
read -r type </sys/class/nvme/nvme0/device/iommu_group/type
if [ "$type" != DMA ]; then
	echo "the IOMMU is not strict: $type"
	exit 1
fi
"$dir/kernel/block_data" && COUNT=2 "$dir/stress/block_reset" &&
	COUNT=4 "$dir/stress/block_kill"
