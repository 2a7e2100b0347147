#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# No queue is reserved: policies that need none load; those that do are
# refused with the line that reserves some.
#
# vm: --append nvme.steer_queues=0

. selftests/cli/lib/cli.sh

step "a policy without queues"
ok load --dev nvme0 "$POLICIES/null.bpf.o"
status '.reserve.queues_granted == 0' nvme0
ok unload nvme0

step "a policy with queues"
says 1 "steer_queues.*ENOSPC" load --dev nvme0 "$POLICIES/tenants.bpf.o"
clean nvme0
says 1 "steer_queues" queues add nvme0 --mode poll

step "the remedy works"
echo 4 >/sys/module/nvme/parameters/steer_queues
check nvme reset /dev/nvme0
wait_for 10 ctrl_is_live nvme0 || fail "nvme0 did not come back"
ok load --dev nvme0 "$POLICIES/tenants.bpf.o"
ok unload nvme0
echo 0 >/sys/module/nvme/parameters/steer_queues
check nvme reset /dev/nvme0
wait_for 10 ctrl_is_live nvme0 || fail "nvme0 did not come back"
pass
