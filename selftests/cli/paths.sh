#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# status tells of each controller of a subsystem whose policy chooses the paths,
# and nothing of it elsewhere, nor when that policy has ended.

. selftests/cli/lib/cli.sh

paths=()
for d in /sys/class/nvme/nvme*; do
	[ "$(tr -d ' ' <"$d/serial")" != mpath ] || paths+=("${d##*/}")
done
[ ${#paths[@]} = 2 ] || skip "there are no two paths to one namespace"
one=${paths[0]} two=${paths[1]}
subsystem=$(dirname /sys/class/nvme-subsystem/*/"$one")
head=nvme${subsystem##*-subsys}n1

step "nobody chooses"
status '.path == null' "$one"
ok status "$one"
refuse grep -q '^  paths ' <<<"$out"

step "one policy for both"
ok load --dev "$one" "$POLICIES/paths.bpf.o"
check dd if="/dev/$head" of=/dev/null bs=4k count=64 iflag=direct status=none
for c in "$one" "$two"; do
	status ".path | .chosen_by == \"$one\" and .policy == \"paths\" and
		.inflight == 0" "$c"
	ok status "$c"
	check grep -qE "^  paths +chosen by policy 'paths' of $one; here 0 in" \
		<<<"$out"
done
ok status --json
check jq -e '[.controllers[].path.latency_us // 0] | max > 0' <<<"$out" \
	>/dev/null
status '.path == null' nvme0

step "and none afterwards"
ok unload "$one"
status '.path == null' "$two"
pass
