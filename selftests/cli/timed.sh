#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# The tunable timed: each queue of a policy that has no shares is one, and its
# commands, bytes and times are told; limits hold; without it there is nothing
# of that. All policies that have the tunable carry I/O with it.

# shellcheck disable=SC2016 # jq's own

. selftests/cli/lib/cli.sh

READS=64
some_reads() { # POLLED
	check fio --name=t --ioengine=io_uring_cmd --cmd_type=nvme --rw=randread \
		--filename=/dev/ng0n1 --bs=4k --iodepth=8 --size=64m \
		--number_ios=$READS --hipri="$1" >"$tmp/fio"
}

# Of all shares but share 0: they count from when there was one first.
sums() {
	jq -r '[.shares[] | select(.share > 0)] | "\([.[].commands] | add) \(
		[.[].bytes] | add) \([.[].wait_histogram[].commands] | add // 0) \(
		[.[].device_histogram[].commands] | add // 0)"' <<<"$out"
}
less() { # NUMBERS NUMBERS
	paste -d ' ' <(tr ' ' '\n' <<<"$1") <(tr ' ' '\n' <<<"$2") |
		awk '{ printf "%s%d", s, $1 - $2; s = " " }'
}

mapfile -t policies < <(grep -l queues__create bpf/*.bpf.c)
check test ${#policies[@]} -ge 7
for file in "${policies[@]}"; do
	policy=$(basename "$file" .bpf.c)
	step "$policy"
	ok load --dev nvme0 --block --set timed=1 "$POLICIES/$policy.bpf.o"
	if [ "$policy" = rules ]; then
		ok set nvme0 rules.0.opcode=2 rules.0.queue=1 rules.0.enabled=1
	elif [ "$policy" = tenants ]; then
		group=$(awk -F: '$1 == 0 { print $3 }' /proc/self/cgroup)
		ok set nvme0 "tenants.cgroup:$group.queue=1"
	fi
	ok stats --json --histogram nvme0
	before=$(sums)
	check dd if=/dev/nvme0n1 of=/dev/null bs=4k count=$READS iflag=direct \
		status=none
	ok stats --json --histogram nvme0
	same "$READS $((READS * 4096)) $READS $READS" "$(less "$(sums)" "$before")" \
		'commands, bytes, histograms of waiting and of the drive'
	same $READS "$(jq '[.queues[] | select(.share == .queue) | .submitted] |
		add' <<<"$out")" 'commands of queues that are a share'
	ok unload nvme0
done

step "a limit of a queue"
ok load --dev nvme0 --set timed=1 --set nr_queues=1 "$POLICIES/spread.bpf.o"
ok set nvme0 shares.1.depth=1
some_reads 0
json '.shares[] | select(.share == 1) | .peak == 1' stats nvme0
step "a polled queue"
some_reads 1
json '[.queues[] | select(.mode == "poll" and .submitted == 64) | .share] == [2]' \
	stats nvme0
ok unload nvme0

step "without"
ok load --dev nvme0 "$POLICIES/spread.bpf.o"
json '.shares == [] and (.queues | all(.share == null))' stats nvme0
ok unload nvme0
pass
