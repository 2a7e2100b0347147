#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# nvme-cli while a policy is attached that steers everything it sees: read,
# write, compare and passthrough are synchronous ioctls, which no policy sees;
# they must work as ever, and see the same data as steered commands do.

. selftests/thirdparty/lib/steered.sh

try() { # CONTROLLER'S SERIAL
	local ctrl dev ng nsid bs blocks from
	ctrl=$(ctrl_by_serial "$1") || fail "no drive $1"
	dev=/dev/${ctrl}n1 ng=/dev/ng${ctrl#nvme}n1
	nsid=$(nsid_of "$ng") bs=$(lba_bytes_of "$ng")
	blocks=$((8192 / bs))
	load "$ctrl" spread
	from=$(steered "$ctrl")

	step "$1: write, read, compare"
	head -c 8192 /dev/urandom >"$tmp/data"
	rm -f "$tmp/back"
	check nvme write "$ng" -s 8 -c $((blocks - 1)) -z 8192 -d "$tmp/data"
	check nvme read "$ng" -s 8 -c $((blocks - 1)) -z 8192 -d "$tmp/back"
	check cmp "$tmp/data" "$tmp/back"
	check nvme compare "$ng" -s 8 -c $((blocks - 1)) -z 8192 \
		-d "$tmp/data"
	head -c 8192 /dev/zero >"$tmp/other"
	refuse nvme compare "$ng" -s 8 -c $((blocks - 1)) -z 8192 \
		-d "$tmp/other"
	check cmp "$tmp/data" \
		<(dd if="$dev" bs="$bs" skip=8 count=$blocks iflag=direct \
			status=none)

	step "$1: io-passthru, admin-passthru, flush"
	check nvme io-passthru "$ng" --opcode=2 --namespace-id="$nsid" \
		--data-len=8192 --read --cdw10=8 --cdw12=$((blocks - 1)) \
		--raw-binary >"$tmp/back"
	check cmp "$tmp/data" "$tmp/back"
	check nvme flush "$ng" -n "$nsid"
	check nvme admin-passthru "/dev/$ctrl" --opcode=6 --cdw10=1 \
		--data-len=4096 --read --raw-binary >"$tmp/identify"
	[ "$(stat -c %s "$tmp/identify")" = 4096 ] || fail "no identify data"
	same 0 $(($(steered "$ctrl") - from)) "ioctls on steer queues"

	step "$1: what steered commands wrote, the ioctl reads"
	all_steered "$ctrl" "$ng" --rw=write --bs=4k --size=64k --offset=1m \
		--do_verify=0 --verify=pattern \
		--verify_pattern='"nvme"'
	rm -f "$tmp/back"
	check nvme read "$ng" -s $((1048576 / bs)) -c $((65536 / bs - 1)) \
		-z 65536 -d "$tmp/back"
	check cmp "$tmp/back" \
		<(dd if="$dev" bs=64k skip=16 count=1 iflag=direct status=none)
	perl -e 'print "nvme" x 16384' >"$tmp/pattern"
	check cmp "$tmp/pattern" "$tmp/back"
	unload "$ctrl"
}

try copylim
try blk4k
pass
