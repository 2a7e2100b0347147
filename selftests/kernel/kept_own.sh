#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kept, kept_plain and kept_plain_life once more by the driver's own path, to
# which the policy leaves every command.
#
# vm: --cpus 4
# timeout: 500

dir=$NVMESTEER_BUILD/selftests/kernel
export OWN=1
"$dir/kept" && "$dir/kept_plain" && "$dir/kept_plain_life"
