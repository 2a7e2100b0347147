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

from_block_device() { # FROM_MIB MIB
	dd if="$dev" bs=$mib skip="$1" count="$2" iflag=direct status=none
}

head -c $((7 * mib)) /dev/urandom >"$tmp/old"

# fio gets three areas of 1 MiB; the MiB around each stays as it was.
try() { # POLICY
	local queues was at
	step "$1"
	load "$ctrl" "$1"
	teach "$1"
	check dd if="$tmp/old" of="$dev" bs=$mib oflag=direct \
		conv=notrunc status=none
	was=$(counts)
	passthru "$ng" --size=1m --verify_interval=4k \
		--name=irq --offset=1m \
		--name=polled --stonewall --offset=3m --hipri=1 \
		--name=registered --stonewall --offset=5m --fixedbufs=1 --bs=64k
	queues=$(counts)
	same "$ios" $((${queues% *} - ${was% *})) 'commands counted'
	[ "$1" = null ] || same "$ios" $((${queues#* } - ${was#* })) \
		'commands steered'
	from_block_device 0 7 >"$tmp/now"
	for at in 0 2 4 6; do
		check cmp -i $((at * mib)) -n $mib "$tmp/old" "$tmp/now"
	done
	for at in 1 3 5; do
		! cmp -s -i $((at * mib)) -n $mib "$tmp/old" "$tmp/now" ||
			fail "fio wrote nothing at $at MiB"
	done

	# The same checksums, read through the block device; then the other
	# way: it writes, and steered commands verify.
	check fio --filename="$dev" --ioengine=psync --direct=1 --bs=4k \
		--size=1m --verify=crc32c --verify_fatal=1 \
		--verify_header_seed=0 --verify_state_save=0 \
		--output="$tmp/back" --rw=read --name=1 --offset=1m \
		--name=3 --offset=3m --name=5 --offset=5m \
		--name=there --stonewall --rw=write --do_verify=0 --offset=1m
	clean_queues "$ctrl" || fail "a command failed or has not ended"
	passthru "$ng" --rw=read --bs=4k --offset=1m --size=1m \
		--verify_header_seed=0
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
