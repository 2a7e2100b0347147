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
unit=524288 # of the areas on the drive

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

has_op() { grep -q "struct_ops/$1_$2" "$POLICIES/$1.bpf.o"; } # POLICY OP

# A policy that has a copy() is one for copies and leaves commands alone; one
# without a route() leaves them all to the driver.
steers_commands() { # POLICY
	[ "$1" != null ] && has_op "$1" route && ! has_op "$1" copy
}

head -c $((9 * unit)) /dev/urandom >"$tmp/old"

# One fio, as it takes long to start: three jobs write an area each by
# steered commands; then the block device finds the checksums there and writes
# another, which in the end steered commands verify. What is before and after
# each stays as it was.
try() { # POLICY
	local counted steered left at wanted=0
	local char=(--filename="$ng")
	local block=(--filename="$dev" --ioengine=psync --direct=1 --iodepth=1)
	step "$1"
	load "$ctrl" "$1"
	teach "$1"
	check dd if="$tmp/old" of="$dev" bs=$unit oflag=direct \
		conv=notrunc status=none
	stats "$ctrl" >"$tmp/was"
	passthru '' --size=$unit --verify_interval=4k --verify_header_seed=0 \
		--name=irq "${char[@]}" --offset=$unit \
		--name=polled "${char[@]}" --offset=$((3 * unit)) --hipri=1 \
		--name=registered "${char[@]}" --offset=$((5 * unit)) \
		--fixedbufs=1 --bs=64k \
		--name=block_1 --stonewall "${block[@]}" --offset=$unit --rw=read \
		--name=block_3 "${block[@]}" --offset=$((3 * unit)) --rw=read \
		--name=block_5 "${block[@]}" --offset=$((5 * unit)) --rw=read \
		--name=block_7 "${block[@]}" --offset=$((7 * unit)) --rw=write \
		--do_verify=0 \
		--name=back --stonewall "${char[@]}" --offset=$((7 * unit)) \
		--rw=read
	stats "$ctrl" >"$tmp/now"
	read -r ios counted steered left < <(jq -r --slurpfile was "$tmp/was" \
		--slurpfile fio "$tmp/fio.only" '
		def got(least): [.queues[] | select(.queue >= least)
			| .submitted] | add // 0;
		([$fio[0].jobs[] | select(.jobname | startswith("block") | not)
			| .read.total_ios + .write.total_ios] | add) as $ios
		| ([.queues[] | .failed + .cancelled + .inflight] | add) as $left
		| "\($ios) \(got(0) - ($was[0] | got(0))) \(
			got(1) - ($was[0] | got(1))) \($left)"' "$tmp/now")
	same 656 "$ios" "fio's passthrough commands"
	same "$ios" "$counted" 'commands counted'
	if steers_commands "$1"; then
		wanted=$ios
	elif has_op "$1" copy; then
		same "$(jq .events.default "$tmp/was")" \
			"$(jq .events.default "$tmp/now")" \
			'commands left to the driver after asking'
	fi
	same "$wanted" "$steered" 'commands steered'
	same 0 "$left" 'commands that failed or have not ended'

	check dd if="$dev" of="$tmp/now" bs=$unit count=9 iflag=direct \
		status=none
	for at in 0 2 4 6 8; do
		check cmp -i $((at * unit)) -n $unit "$tmp/old" "$tmp/now"
	done
	for at in 1 3 5 7; do
		! cmp -s -i $((at * unit)) -n $unit "$tmp/old" "$tmp/now" ||
			fail "fio wrote nothing to area $at"
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
