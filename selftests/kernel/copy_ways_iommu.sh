#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# copy_ways once more behind an IOMMU: first one that forgets at once, where a
# mapping that is not there when the controller looks is an error, not luck;
# then one that forgets later and gives addresses out again.
#
# vm: --drives copy --iommu --append iommu.strict=1

types() { cat /sys/class/nvme/nvme*/device/iommu_group/type | sort -u; }

for type in DMA DMA-FQ; do
	if [ "$(types)" != $type ]; then
		for group in /sys/class/nvme/nvme*/device/iommu_group; do
			echo $type >"$group/type" || exit 1
		done
	fi
	if [ "$(types)" != $type ]; then
		echo "the IOMMU is not $type: $(types)"
		exit 1
	fi
	echo "== $type"
	"$NVMESTEER_BUILD/selftests/kernel/copy_ways" || exit
done
