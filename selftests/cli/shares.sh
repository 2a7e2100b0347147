#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# stats tells of shares: their limits as they are set, what each had, how long
# it took; and nothing where there are none.

# shellcheck disable=SC2016 # jq's variables

. selftests/cli/lib/cli.sh

dev=/dev/nvme0n1
read_some() { # COUNT
	check dd if=$dev of=/dev/null bs=4k count="$1" iflag=direct status=none
}
share() { jq -e ".shares[] | select(.share == $1) | $2" <<<"$out"; }
is() { share "$@" >/dev/null; }
stats_say() {
	out=$(nvmesteer stats --json nvme0) && jq -e "$1" <<<"$out" >/dev/null
}

step "without shares"
ok load --dev nvme0 "$POLICIES/spread.bpf.o"
json '.shares == []' stats nvme0
ok stats --histogram nvme0
refuse grep -qE "^ *SHARE |^Share " <<<"$out"
ok unload nvme0

step "one queue: what nobody waits for is not alone there"
ok load --dev nvme0 --set nr_queues=1 "$POLICIES/fair.bpf.o"
ok stats --json nvme0
check is 0 '.depth == 32'
check is 1 '.depth == 0'
ok unload nvme0

step "limits and counters"
cgroup=$(awk -F: '$1 == 0 { print $3 }' /proc/self/cgroup)
ok load --dev nvme0 --block "$POLICIES/fair.bpf.o"
ok set nvme0 "groups.cgroup:$cgroup.share=3" shares.3.weight=300 \
	shares.3.iops=2000 shares.3.bps=1000000000
ok stats --json --histogram nvme0
check is 1 '.depth == 4'
had=$(share 3 .commands)
timed=$(share 3 '[.device_histogram[].commands] | add // 0')
read_some 64
json '.queues | length > 1' stats nvme0
same $((had + 64)) "$(share 3 .commands)" 'commands'
same '300 2000 1000000000 0' "$(share 3 \
	'"\(.weight) \(.iops) \(.bps) \(.inflight + .waiting)"' | tr -d '"')"
check is 3 '.device_p50_below_us <= .device_p99_below_us and
	.device_p99_below_us <= .device_p99_9_below_us and
	.device_p50_below_us >= 1'
refuse is 3 'has("device_histogram")'

step "cgroups by name, one that is gone by number"
cgroups=$(findmnt -n -o TARGET -t cgroup2 | head -n 1)
mkdir "$cgroups/orders" "$cgroups/gone"
ok set nvme0 groups.cgroup:/orders.share=3 groups.cgroup:/gone.share=2
gone=$(stat -c %i "$cgroups/gone")
rmdir "$cgroups/gone"
ok stats --json nvme0
check is 3 ".cgroups | index(\"$cgroups/orders\") and length == 2"
check is 2 ".cgroups == [\"$gone\"]"
check is 1 '.cgroups == []'
ok stats nvme0
check grep -qE "^ +3 +300 .* $cgroups/orders( |\$)" <<<"$out"
check grep -qE "^ +2 .* $gone\$" <<<"$out"
rmdir "$cgroups/orders"

step "histograms"
ok stats --json --histogram nvme0
same $((timed + 64)) "$(share 3 '[.device_histogram[].commands] | add')" \
	'commands timed'
same $((timed + 64)) "$(share 3 '[.wait_histogram[].commands] | add')" \
	'commands whose waiting was timed'
# the percentile is the first bucket that has so many with those before it
check is 3 '. as $s | ([.device_histogram[].commands] | add) as $all |
	[.device_histogram[] | select(.below_us != null and
		.below_us <= $s.device_p50_below_us) | .commands] |
	add * 2 >= $all and (add - .[-1]) * 2 < $all'
ok stats --histogram nvme0
check grep -qE '^ *SHARE +WEIGHT ' <<<"$out"
check grep -qE '^ +3 +300 ' <<<"$out"
check grep -q '^Share 3, at the drive, commands' <<<"$out"
check grep -qE '^ +<[0-9]+ us +[0-9]+ #' <<<"$out"
echo "$out"

step "what waits, by queue"
ok set nvme0 shares.3.iops=1
dd if=$dev of=/dev/null bs=4k count=3 iflag=direct status=none &
wait_for 10 stats_say '.queues[] | select(.share == 3 and .waiting > 0 and
	.waiting <= .inflight)' ||
	fail "nothing waits: $(jq -c .queues <<<"$out")"
check jq -e '.queues[] | select(.queue == 0) | .share == null and .waiting == 0' \
	<<<"$out" >/dev/null
ok set nvme0 shares.3.iops=2000
check wait $!
refuse stats_say '.queues[] | select(.waiting > 0)'

ok unload nvme0

step "after shares"
ok load --dev nvme0 "$POLICIES/spread.bpf.o"
json '.shares == []' stats nvme0
ok unload nvme0
pass
