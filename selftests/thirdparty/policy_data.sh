#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# The data under every policy there is, found by wildcard: what is written by
# steered commands is read back through the block device and must be the same,
# its neighbours untouched; and what the block device wrote is what steered
# commands read. A policy that steers nothing unless told so is told so.
#
# timeout: 300

. selftests/thirdparty/lib/steered.sh

ctrl=$(ctrl_by_serial copylim) || fail "no drive"
ng=/dev/ng${ctrl#nvme}n1 dev=/dev/${ctrl}n1
mib=1048576

# A policy's tables, so that it steers this test's commands.
teach() {
	case $1 in
	tenants) check nvmesteer set "$ctrl" "tenants.$cgroup.queue=2" ;;
	rules)
		check nvmesteer set "$ctrl" "rules.0.opcode=1" \
			"rules.0.queue=1" "rules.0.enabled=1"
		check nvmesteer set "$ctrl" "rules.1.opcode=2" \
			"rules.1.queue=2" "rules.1.enabled=1"
		;;
	esac
}

# fio in a cgroup of its own, for policies that look at it.
mkdir -p /sys/fs/cgroup/policy_data
cgroup=$(stat -c %i /sys/fs/cgroup/policy_data)
echo $$ >/sys/fs/cgroup/policy_data/cgroup.procs
# shellcheck disable=SC2317 # called at the end
leave() {
	echo $$ >/sys/fs/cgroup/cgroup.procs
	rmdir /sys/fs/cgroup/policy_data
	at_end
}
trap leave EXIT

# Commands that all queues got, and steer queues among them.
counts() {
	stats "$ctrl" | jq -r '"\([.queues[].submitted] | add) \(
		[.queues[] | select(.queue > 0) | .submitted] | add // 0)"'
}

# A policy that has a copy() is one for copies and leaves commands alone.
steers_commands() { # POLICY
	[ "$1" != null ] && ! grep -q "struct_ops/$1_copy" "$POLICIES/$1.bpf.o"
}

head -c $((9 * mib)) /dev/urandom >"$tmp/old"

# One fio, as it takes long to start: its jobs come one after the other. Three
# steered ones write half a MiB each, and the block device finds the checksums
# there; then it writes as much, and steered commands verify that. The MiB
# before and after each stays as it was.
try() { # POLICY
	local queues was at name steered=0
	local char=(--filename="$ng" --stonewall)
	local block=(--filename="$dev" --stonewall --ioengine=psync --direct=1
		--iodepth=1)
	step "$1"
	load "$ctrl" "$1"
	teach "$1"
	check dd if="$tmp/old" of="$dev" bs=$mib oflag=direct \
		conv=notrunc status=none
	was=$(counts)
	passthru '' --size=512k --verify_interval=4k --verify_header_seed=0 \
		--name=irq "${char[@]}" --offset=1m \
		--name=polled "${char[@]}" --offset=3m --hipri=1 \
		--name=registered "${char[@]}" --offset=5m --fixedbufs=1 --bs=64k \
		--name=block_1 "${block[@]}" --offset=1m --rw=read \
		--name=block_3 "${block[@]}" --offset=3m --rw=read \
		--name=block_5 "${block[@]}" --offset=5m --rw=read \
		--name=block_7 "${block[@]}" --offset=7m --rw=write --do_verify=0 \
		--name=back "${char[@]}" --offset=7m --rw=read
	queues=$(counts)
	ios=$(jq '[.jobs[] | select(.jobname | startswith("block") | not)
		| .read.total_ios + .write.total_ios] | add' "$tmp/fio.only")
	same 656 "$ios" "fio's passthrough commands"
	same "$ios" $((${queues% *} - ${was% *})) 'commands counted'
	! steers_commands "$1" || steered=$ios
	same "$steered" $((${queues#* } - ${was#* })) 'commands steered'
	clean_queues "$ctrl" || fail "a command failed or has not ended"

	check dd if="$dev" of="$tmp/now" bs=$mib count=9 iflag=direct \
		status=none
	for at in 0 2 4 6 8; do
		check cmp -i $((at * mib)) -n $mib "$tmp/old" "$tmp/now"
	done
	for at in 1 3 5 7; do
		! cmp -s -i $((at * mib)) -n $mib "$tmp/old" "$tmp/now" ||
			fail "fio wrote nothing at $at MiB"
	done
	unload "$ctrl"
}

count=0
for p in "$POLICIES"/*.bpf.o; do
	name=${p##*/}
	try "${name%.bpf.o}"
	count=$((count + 1))
done
[ $count -gt 0 ] || fail "there is no policy in $POLICIES"
pass
