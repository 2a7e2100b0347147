#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# fio on a namespace whose block requests are steered, bare and with a file
# system: it writes and verifies through the page cache, with O_DIRECT and
# polled for, side by side. After unmounting the file system is found in order,
# and its files are what was written when read by the driver's own path. The
# device's counters say that it was the queues that did it.
#
# vm: --cpus 4
# timeout: 400

. selftests/thirdparty/lib/steered.sh

ctrl=$(ctrl_by_serial copylim) || fail "no drive"
dev=/dev/${ctrl}n1 mnt=$TEST_TMP/mnt
mkdir -p "$mnt"

# shellcheck disable=SC2317 # called at the end
leave() {
	umount "$mnt" 2>/dev/null
	nvmesteer unload "$ctrl" >/dev/null 2>&1
	at_end
}
trap leave EXIT

block() { # what was steered
	awk '$1 == "block" { print $2 }' "/sys/class/nvme/$ctrl/steer/events"
}

attach_block() { # POLICY
	nvmesteer load --dev "$ctrl" --block "$1" >/dev/null
}

# Three jobs at once; OF is said of each, with %s for its number.
fio_verify() { # OF [OPTION]...
	local n jobs=()
	for n in 0 1 2; do
		jobs+=("--name=job$n")
		# shellcheck disable=SC2059,SC2207 # a format, words
		jobs+=($(printf -- "$1" "$n"))
		case $n in
		0) jobs+=(--direct=1 --ioengine=io_uring --iodepth=16) ;;
		1) jobs+=(--direct=1 --ioengine=io_uring --iodepth=8 --hipri=1) ;;
		2) jobs+=(--direct=0 --ioengine=psync --fsync=64) ;;
		esac
	done
	fio --size=8m --bsrange=4k-64k --rw=randwrite --verify=crc32c \
		--verify_fatal=1 --do_verify=1 --randseed=7 \
		--allrandrepeat=1 "${@:2}" "${jobs[@]}" >"$TEST_TMP/fio" 2>&1 || {
		tail -20 "$TEST_TMP/fio"
		fail "fio $*"
	}
}

step 'the bare device'
check attach_block class
was=$(block)
fio_verify "--filename=$dev --offset=%s0m"
[ "$(block)" -gt $((was + 500)) ] || fail "few requests were steered"
check nvmesteer unload "$ctrl"

for fs in ext4 xfs; do
	step "$fs"
	# smaller than what mkfs.xfs likes
	case $fs in
	ext4) make='mkfs.ext4 -F' repair='fsck.ext4 -fn' ;;
	xfs) make='mkfs.xfs -f --unsupported' repair='xfs_repair -n' ;;
	esac
	check attach_block class
	was=$(block)
	$make "$dev" >"$TEST_TMP/mkfs" 2>&1 || fail "$(cat "$TEST_TMP/mkfs")"
	check mount -t $fs "$dev" "$mnt"
	fio_verify "--filename=$mnt/job%s"
	check fstrim "$mnt"
	(cd "$mnt" && sha256sum job*) >"$TEST_TMP/sums"
	check umount "$mnt"
	[ "$(block)" -gt $((was + 500)) ] || fail "few requests were steered"
	echo "# $(($(block) - was)) requests steered"
	check nvmesteer unload "$ctrl"
	$repair "$dev" >"$TEST_TMP/fsck" 2>&1 || {
		tail -20 "$TEST_TMP/fsck"
		fail "$repair finds errors"
	}
	check mount -t $fs "$dev" "$mnt"
	same 3 "$(wc -l <"$TEST_TMP/sums")" files
	(cd "$mnt" && sha256sum -c --quiet "$TEST_TMP/sums") ||
		fail "a file is not what was written"
	check umount "$mnt"
done
pass
