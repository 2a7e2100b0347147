#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kept, kept_plain and data_paths once more behind an IOMMU that forgets at
# once: a mapping that is not there when the controller looks is an error here,
# not luck.
#
# vm: --cpus 2 --beside --iommu --append iommu.strict=1
# timeout: 400

dir=$NVMESTEER_BUILD/selftests/kernel
read -r type </sys/class/nvme/nvme0/device/iommu_group/type
if [ "$type" != DMA ]; then
	echo "the IOMMU is not strict: $type"
	exit 1
fi
if [ -e /sys/kernel/debug/dma-api ]; then
	echo "nothing is kept behind an IOMMU by a kernel that checks the DMA" \
		"API: it says that every mapping has to be synchronised"
	exit 4
fi
export DATA_ONLY=1
"$dir/kept" && "$dir/data_paths" && "$dir/kept_plain"
