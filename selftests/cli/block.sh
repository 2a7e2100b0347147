#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# load --block: a policy is asked about block requests if it is told to be, and
# only then; a replacement says so for itself; what cannot be has a reason.

. selftests/cli/lib/cli.sh

dev=/dev/nvme0n1

# 16 reads of 4 KiB; in $block what of that queues carried.
read_some() {
	ok stats --json nvme0
	block=$(jq .events.block <<<"$out")
	check dd if=$dev of=/dev/null bs=4k count=16 iflag=direct status=none
	ok stats --json nvme0
	block=$(($(jq .events.block <<<"$out") - block))
}

step "only where told"
ok load --dev nvme0 "$POLICIES/class.bpf.o"
read_some
same 0 $block 'block requests steered without --block'
ok load --dev nvme0 --replace --block "$POLICIES/class.bpf.o"
read_some
same 16 $block 'block requests steered with --block'
json '[.queues[] | select(.queue > 0) | .submitted] | add >= 16' stats nvme0
ok load --dev nvme0 --replace "$POLICIES/class.bpf.o"
read_some
same 0 $block 'block requests steered by a replacement without --block'
ok unload --dev nvme0
read_some
same 0 $block 'block requests steered without a policy'

step "a policy for copies"
says 1 "copyoff.*copies only.*without --block" \
	load --dev nvme0 --block "$POLICIES/copyoff.bpf.o"
same '' "$(attached nvme0)" policy
clean nvme0
pass
