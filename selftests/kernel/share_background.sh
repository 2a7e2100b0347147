#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# What nobody waits for has a share of its own under fair and latency, and no
# more of the drive at a time than that may have: copies (by the example, and as
# NVMe Copy commands of a program), discards, and data that the kernel writes back
# in the background. What somebody waits for is not in it. All data is as it was
# written.
#
# vm: --cpus 2
# timeout: 200

. selftests/lib/guest.sh

dev=nvme0
steer=/sys/class/nvme/$dev/steer
tmp=$TEST_TMP
copy=$NVMESTEER_BUILD/tools/examples/copy
mib=1048576

# word SHARE NAME
word() {
	sed -n "s/^$1 .* $2=\([0-9]*\).*/\1/p" "$steer/shares"
}

data() { # MIB COUNT
	dd if=/dev/${dev}n1 bs=1M skip="$1" count="$2" iflag=direct status=none |
		sha256sum
}

# in_share WHAT SHARE COMMAND...: it is, and in that share
in_share() {
	local what=$1 share=$2 before
	before=$(word "$share" commands)
	shift 2
	step "$policy: $what"
	check "$@"
	wait_for 20 eval "[ \$(word $share commands) -gt $before ]" ||
		fail "$policy: $what: not in share $share: $(cat $steer/shares)"
	[ "$(word "$share" peak)" -le 2 ] ||
		fail "$policy: $what: $(word "$share" peak) at a time"
}

# shellcheck disable=SC2317 # called by in_share
write_back() { # on a drive so slow that there is something to wait for
	slow_drive 0 2000
	dd if="$tmp/new" of=/dev/${dev}n1 bs=1M seek=40 conv=notrunc status=none
}

nvme_copy() {
	nvme copy /dev/ng0n1 --sdlba=$((48 * mib / 512)) --slbs=0 --blocks=63 \
		>/dev/null
}

# dirty_background_bytes is 0 while this rules, and takes no 0.
dirty=$(cat /proc/sys/vm/dirty_background_ratio)
trap 'slow_drive 0 0; nvmesteer unload --all >/dev/null 2>&1
	echo "$dirty" >/proc/sys/vm/dirty_background_ratio' EXIT
check dd if=/dev/urandom of="$tmp/new" bs=1M count=8 status=none
check dd if=/dev/urandom of=/dev/${dev}n1 bs=1M count=8 oflag=direct status=none

for policy in fair latency; do
	back=1
	[ $policy = fair ] || back=3
	check nvmesteer load --dev $dev --block --set back_depth=2 $policy

	in_share 'a copy' $back "$copy" /dev/ng0n1 $((16 * mib)) 0+$((8 * mib)) \
		>/dev/null
	same "$(data 0 8)" "$(data 16 8)" 'what was copied'

	in_share 'an NVMe Copy command' $back nvme_copy
	same "$(head -c 32768 /dev/${dev}n1 | sha256sum)" \
		"$(dd if=/dev/${dev}n1 bs=32768 skip=$((48 * mib / 32768)) \
		count=1 iflag=direct status=none | sha256sum)" 'what was copied'

	in_share 'a discard' $back blkdiscard -o $((32 * mib)) -l $mib \
		/dev/${dev}n1

	# all of it, and at once, without anybody who waits
	echo 4096 >/proc/sys/vm/dirty_background_bytes
	in_share 'writing back' $back write_back
	echo "$dirty" >/proc/sys/vm/dirty_background_ratio
	sync /dev/${dev}n1
	slow_drive 0 0
	same "$(sha256sum <"$tmp/new")" "$(data 40 8)" 'what was written back'

	step "$policy: what somebody waits for"
	before=$(word $back commands)
	check dd if=/dev/${dev}n1 of=/dev/null bs=4k count=64 iflag=direct \
		status=none
	same "$before" "$(word $back commands)" 'commands of the background'
	[ "$(word $back waits)" -gt 0 ] || fail "$policy: nothing has waited"
	check nvmesteer unload $dev
done
pass
