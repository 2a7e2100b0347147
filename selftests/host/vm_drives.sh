#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# The emulated drives are what selftests/vm/run --help says, in a stock guest,
# the usual ones and those for copies: order, serials, copy limits, metadata,
# block sizes, paths, bad sectors. The emulator's monitor can pull and throttle
# them.
. selftests/lib/host.sh

cat >"$TEST_TMP/look" <<'C'
. selftests/lib/guest.sh
i=0
for s in copylim nocopy meta blk4k mpath mpath; do
	same "$s" "$(tr -d ' ' </sys/class/nvme/nvme$i/serial)" "serial of $i"
	check ctrl_is_live nvme$i
	i=$((i + 1))
done
same nvme3 "$(ctrl_by_serial blk4k)"

look() { # NAMESPACE LIMITS BLOCK METADATA FLBAS
	same "$2 $3 $4 $5" "$(nvme id-ns "/dev/nvme$1" -o json | jq -r '
		.lbafs[.flbas % 16] as $f |
		"\(.mssrl) \(.mcl) \(.msrc) \(pow(2; $f.ds)) \($f.ms) " +
		"\(.flbas - .flbas % 16)"')" "nvme$1"
}
look 0n1 '256 2048 127' 512 0 0
look 0n2 '256 2048 127' 512 0 0
look 1n1 '0 0 0' 512 0 0
look 2n1 '256 2048 127' 512 8 0
look 2n2 '256 2048 127' 512 8 16 # extended
look 2n3 '256 2048 127' 512 16 0
look 3n1 '256 2048 127' 4096 0 0
look 4n1 '256 2048 127' 512 0 0
same 4096 "$(cat /sys/block/nvme3n1/queue/logical_block_size)"
same 2 "$(ls -d /sys/block/nvme4n1/multipath/* /sys/class/nvme/nvme[45]/nvme4c[45]n1 2>/dev/null | wc -l)" paths

step 'data'
dd if=/dev/urandom of=/tmp/a bs=4096 count=64 status=none
for n in 0n1 0n2 1n1 3n1 4n1; do
	check dd if=/tmp/a of=/dev/nvme$n bs=4096 oflag=direct status=none
	check cmp -n 262144 /tmp/a /dev/nvme$n
done

step 'the monitor'
monitor info version | grep -q '^10\.' || fail "no answer: $(monitor info version)"
gone() { ! [ -e /sys/class/nvme/nvme3 ]; }
monitor device_del nvme3
check wait_for 20 gone
pass
C
guest 0 --stock --copy "$TEST_TMP/look:/look" -- bash /look

# The drives for copies: likewise, and their bad sectors.
cat >"$TEST_TMP/look" <<'C'
. selftests/lib/guest.sh
i=0
for s in copies nocopy faulty mpath mpath; do
	same "$s" "$(tr -d ' ' </sys/class/nvme/nvme$i/serial)" "serial of $i"
	check ctrl_is_live nvme$i
	i=$((i + 1))
done
look() { # NAMESPACE LIMITS BLOCK METADATA PI
	local id format
	id=$(nvme id-ns "/dev/nvme$1" -o json) || fail "no namespace $1"
	format=".lbafs[$(($(jq .flbas <<<"$id") & 15))]"
	same "$2 $3 $4 $5" "$(jq -r "\"\(.mssrl) \(.mcl) \(.msrc) \(pow(2
		; $format.ds)) \($format.ms) \(.dps)\"" <<<"$id")" "nvme$1"
}
for n in 0n1 0n2 2n1 0n8; do
	look $n '128 128 127' 512 0 0
done
look 0n3 '8 16 3' 512 0 0
look 0n4 '0 0 0' 512 0 0
look 0n5 '128 128 127' 4096 0 0
look 0n6 '128 128 127' 512 8 1
look 0n7 '128 128 127' 512 8 0
for n in 0n9 0n10; do
	look $n '128 128 127' 512 16 1
done
look 0n11 '128 128 127' 512 16 0
look 0n12 '128 128 127' 512 16 0
look 1n1 '0 0 0' 512 0 0
look 2n2 '0 0 0' 512 0 0
same host-managed "$(cat /sys/block/nvme0n8/queue/zoned)"

# Through the character device: the block layer tries again.
io() { # COMMAND SECTOR
	nvme "$1" "/dev/ng2n$n" -s "$2" -c 0 -z 512 -d /tmp/block 2>/dev/null
}
head -c 512 /dev/zero >/tmp/block
for n in 1 2; do
	for at in 100000 107000; do
		check io write $at
		refuse io read $at
		check io read $at
	done
	for at in 110000 117000; do
		refuse io write $at
		check io write $at
	done
	for at in 120000 123000; do
		refuse io read $at
		refuse io read $at
		check io read $((at + 1))
	done
	for at in 130000 133000; do
		refuse io write $at
		refuse io write $at
		check io write $((at + 1))
	done
done
C
guest 0 --stock --drives copy --copy "$TEST_TMP/look:/look" -- bash /look
pass
