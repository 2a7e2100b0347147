#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# How a controller chooses among submission queues: that of selftests/device has
# weighted round robin, which the driver does not enable, and QEMU's has round
# robin alone (cli/status).
#
# vm: --drives faults

. selftests/lib/guest.sh

file=/sys/class/nvme/nvme0/steer/arbitration
status() { nvmesteer status nvme0 --json | jq -c '.controllers[0].arbitration'; }

same '[rr] wrr' "$(<$file)" "$file"
same '{"enabled":"rr","has_weighted_round_robin":true}' "$(status)" status
check grep -q '^  arbiter .*weighted round robin, which the driver does not' \
	<<<"$(nvmesteer status nvme0)"
step 'after a reset'
check sh -c 'echo 1 >/sys/class/nvme/nvme0/reset_controller'
same '[rr] wrr' "$(<$file)" "$file"
pass
