#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# /proc/diskstats and nvmesteer stats agree with what was sent, command by
# command: reads, writes, sectors, Write Zeroes, discards and flushes of a
# namespace, polled for and not, alone and in batches, by steer queues and by the
# driver's own path; of a disk, of a partition, and of a multipath head and the
# paths behind it. Nothing stays in flight.
#
# timeout: 300

# shellcheck disable=SC2016 # jq's own

. selftests/cli/lib/cli.sh

# What one round does.
reads=64 writes=32 zeroes=2 discards=4 flushes=3

# shellcheck disable=SC2317 # called by a trap
end() {
	partx -d /dev/nvme0n1 2>/dev/null
	dd if=/dev/zero of=/dev/nvme0n1 bs=4k count=1 oflag=direct status=none
	cleanup
}
trap end EXIT

# Of 32 MiB, 8 MiB into the disk: an entry of a table of the oldest kind.
make_partition() {
	{
		head -c 450 /dev/zero
		printf '\x83\0\0\0\0\x40\0\0\0\0\x01\0'
		head -c 48 /dev/zero
		printf '\x55\xaa'
	} >"$tmp/table"
	check dd if="$tmp/table" of=/dev/nvme0n1 bs=512 oflag=direct status=none
	check partx -a /dev/nvme0n1
	[ -b /dev/nvme0n1p1 ] || fail "there is no /dev/nvme0n1p1"
}

round() { # DEVICE POLLED
	local i
	check fio --name=r --ioengine=io_uring --filename="$1" --direct=1 \
		--rw=randread --bs=4k --size=4m --number_ios=$reads --iodepth=8 \
		--iodepth_batch=8 --hipri="$2" >"$tmp/fio"
	check dd if=/dev/zero of="$1" bs=8k count=$writes oflag=direct \
		status=none
	for ((i = 0; i < zeroes; i++)); do
		check blkdiscard -q -f -z -o 1M -l 64K "$1"
	done
	for ((i = 0; i < discards; i++)); do
		check blkdiscard -q -f -o $((2 + i))M -l 1M "$1"
	done
	for ((i = 0; i < flushes; i++)); do
		check sync "$1"
	done
}

# Reads, sectors, writes, sectors, what is in flight, discards, sectors, flushes:
# the sums of these files.
counts() { # FILE...
	cat "$@" | awk '{
		for (i = 1; i <= NF; i++)
			n[i] += $i
	} END { print n[1], n[3], n[5], n[7], n[9], n[12], n[14], n[16] }'
}
less() { # NUMBERS NUMBERS
	paste -d ' ' <(tr ' ' '\n' <<<"$1") <(tr ' ' '\n' <<<"$2") |
		awk '{ printf "%s%d", s, $1 - $2; s = " " }'
}
# Of ours: block requests; commands of queues; commands and bytes of shares, of
# which each queue is one; commands under way.
ours() {
	local c
	for c in "${ctrls[@]}"; do
		ok stats --json "$c"
		jq -r '"\(.events.block) \([.queues[] | select(.queue > 0) |
			.completed] | add // 0) \([.shares[] |
			select(.share > 0) | .commands] | add // 0) \([
			.shares[] | select(.share > 0) | .bytes] | add // 0) \([
			.queues[].inflight] | add)"' <<<"$out"
	done | awk '{
		for (i = 1; i <= NF; i++)
			n[i] += $i
	} END { print n[1], n[2], n[3], n[4], n[5] }'
}

# A round, and what is counted of it by us and, in these files, by the kernel.
counted() { # DEVICE POLLED OURS
	local before i was=()
	before=$(ours)
	for i in "${!files[@]}"; do
		# shellcheck disable=SC2086 # several files
		was[i]=$(counts ${files[i]})
	done
	round "$1" "$2"
	same "$3" "$(less "$(ours)" "$before")" "block requests, commands of \
queues, commands and bytes of shares, in flight"
	for i in "${!files[@]}"; do
		# shellcheck disable=SC2086 # several files
		same "${want[i]}" "$(less "$(counts ${files[i]})" "${was[i]}")" \
			"what is counted in ${files[i]}"
	done
	# the table of all has the line of each
	same "$(xargs <"/sys/class/block/${1#/dev/}/stat")" "$(awk -v d="${1#/dev/}" \
		'$3 == d { $1 = $2 = $3 = ""; print }' /proc/diskstats | xargs)" \
		'/proc/diskstats'
}

load() { # OPTION...
	local c
	for c in "${ctrls[@]}"; do
		ok load --dev "$c" "$@" "$POLICIES/spread.bpf.o"
	done
}

each_way() { # DEVICE POLLED
	step "$1, polled $2: the driver's own path"
	counted "$1" "$2" '0 0 0 0 0'
	step "$1, polled $2: steer queues that are shares"
	load --block --set timed=1
	counted "$1" "$2" "$all $all $all $bytes 0"
	ok unload --all
	step "$1, polled $2: one queue, which takes whole batches"
	load --block --set nr_queues=1
	counted "$1" "$2" "$all $all 0 0 0"
	step "$1, polled $2: a policy that is not asked"
	load --replace --set nr_queues=1
	counted "$1" "$2" '0 0 0 0 0'
	ok unload --all
}

all=$((reads + writes + zeroes + discards + flushes))
# the data of a discard is its ranges, for which there is a page
bytes=$((4096 * reads + 8192 * writes + 4096 * discards))
# a flush is a flush, and a write of nothing before that
of_disk="$reads $((8 * reads)) $((writes + zeroes + flushes)) $((16 * writes +
	128 * zeroes)) 0 $discards $((2048 * discards)) $flushes"

make_partition
ctrls=(nvme0)
files=(/sys/block/nvme0n1/stat /sys/block/nvme0n1/nvme0n1p1/stat)
want=("$of_disk" '0 0 0 0 0 0 0 0')
each_way /dev/nvme0n1 0
# flushes are the whole disk's
want=("$of_disk" "${of_disk% *} 0")
each_way /dev/nvme0n1p1 1

head=$(ctrl_by_serial mpath) || skip "no drive mpath"
paths=(/sys/class/nvme/nvme*/"$head"c*n1/stat)
[ ${#paths[@]} = 2 ] || fail "not two paths of $head: ${paths[*]}"
ctrls=()
for path in "${paths[@]}"; do
	path=${path#/sys/class/nvme/}
	ctrls+=("${path%%/*}")
done
files=("${paths[*]}" "/sys/block/${head}n1/stat")
# the head is told of a flush itself, which to it is a read of nothing
want=("$of_disk" "$((reads + flushes)) $((8 * reads)) $((writes +
	zeroes)) $((16 * writes + 128 * zeroes)) 0 $discards $((2048 * discards)) 0")
each_way "/dev/${head}n1" 1
pass
