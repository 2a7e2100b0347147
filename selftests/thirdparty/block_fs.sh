#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# File systems on a namespace whose block requests are steered: programs create,
# move, cut and delete files side by side, fio writes and verifies through the
# page cache, with O_DIRECT and polled for, while policies take turns and the
# controller is reset; after unmounting the file system is found in order, and
# all its files are as they were written when read by the driver's own path.
# fio on the bare device as well. The device's statistics say that it was the
# queues that did it.
#
# vm: --cpus 4
# timeout: 400

. selftests/thirdparty/lib/steered.sh

ctrl=$(ctrl_by_serial copylim) || fail "no drive"
dev=/dev/${ctrl}n1 mnt=$TEST_TMP/mnt
mkdir -p "$mnt"

# shellcheck disable=SC2317 # called at the end
leave() {
	touch "$TEST_TMP/stop"
	wait
	umount "$mnt" 2>/dev/null
	nvmesteer unload "$ctrl" >/dev/null 2>&1
	at_end
}
trap leave EXIT

block() { # what was steered
	awk '$1 == "block" { print $2 }' "/sys/class/nvme/$ctrl/steer/events"
}

attach_block() { # POLICY [OPTION]...
	nvmesteer load --dev "$ctrl" --block "${@:2}" "$1" >/dev/null
}

# Policies take turns and the controller is reset, until told to stop.
trouble() {
	local p
	while ! [ -e "$TEST_TMP/stop" ]; do
		for p in class spread ring; do
			attach_block $p --replace
			sleep 0.5
			[ -e "$TEST_TMP/stop" ] && return
		done
		echo 1 >"/sys/class/nvme/$ctrl/reset_controller"
		sleep 0.5
	done
}

# Files come and go in four places at once; what stays has its checksum beside.
churn() { # PLACE
	local i d=$mnt/$1
	mkdir -p "$d"
	for ((i = 0; i < 30; i++)); do
		head -c $((RANDOM * 8 + 1)) /dev/urandom >"$d/f$i" || return
		(cd "$d" && sha256sum "f$i" >"s$i") || return
		case $((i % 5)) in
		0) mv "$d/f$i" "$d/moved" && mv "$d/moved" "$d/f$i" ;;
		1) cp "$d/f$i" "$d/copy" && rm "$d/copy" ;;
		2) ln "$d/f$i" "$d/link" && rm "$d/link" ;;
		3) truncate -s 100 "$d/f$i" && rm "$d/f$i" "$d/s$i" ;;
		4) sync -f "$d/f$i" ;;
		esac || return
	done
}

check_files() {
	local s
	for s in "$mnt"/p*/; do
		(cd "$s" && cat s* | sha256sum -c --quiet) ||
			fail "a file in $s is not what was written"
	done
}

fio_verify() { # OPTION...
	fio --name=verify --size=8m --bs=4k-64k --rw=randwrite --verify=crc32c \
		--verify_fatal=1 --do_verify=1 --randseed=7 "$@" \
		>"$TEST_TMP/fio" 2>&1 || {
		tail -20 "$TEST_TMP/fio"
		fail "fio $*"
	}
}

step 'the bare device'
check attach_block class
was=$(block)
fio_verify --filename="$dev" --direct=1 --ioengine=io_uring --iodepth=16
fio_verify --filename="$dev" --direct=1 --ioengine=io_uring --iodepth=16 \
	--hipri=1
fio_verify --filename="$dev" --direct=0 --ioengine=psync --fsync=64
[ "$(block)" -gt "$was" ] || fail "nothing was steered"
check nvmesteer unload "$ctrl"

tried=''
for fs in ext4 xfs; do
	make=mkfs.$fs
	repair="fsck.$fs -fn"
	[ $fs != xfs ] || repair='xfs_repair -n'
	if ! command -v "$make" >/dev/null; then
		echo "# no $make here"
		continue
	fi
	tried=$fs
	step "$fs"
	rm -f "$TEST_TMP/stop"
	check attach_block class
	was=$(block)
	wipefs -qa "$dev" || :
	check $make "$dev" >"$TEST_TMP/mkfs" 2>&1
	check mount -t $fs "$dev" "$mnt"
	trouble &
	pids=()
	for place in p1 p2 p3 p4; do
		churn $place &
		pids+=($!)
	done
	fio_verify --directory="$mnt" --direct=1 --ioengine=io_uring --iodepth=8
	fio_verify --directory="$mnt" --direct=0 --ioengine=psync --fsync=64
	fio_verify --directory="$mnt" --direct=1 --ioengine=io_uring \
		--iodepth=8 --hipri=1
	for p in "${pids[@]}"; do
		wait "$p" || fail "files could not be written"
	done
	check_files
	if fstrim "$mnt" 2>/dev/null; then
		echo "# trimmed"
	fi
	touch "$TEST_TMP/stop"
	wait
	check umount "$mnt"
	[ "$(block)" -gt $((was + 1000)) ] ||
		fail "only $(($(block) - was)) requests were steered"
	echo "# $(($(block) - was)) requests steered"
	check nvmesteer unload "$ctrl"
	# shellcheck disable=SC2086 # words
	$repair "$dev" >"$TEST_TMP/fsck" 2>&1 || {
		tail -20 "$TEST_TMP/fsck"
		fail "$repair finds errors"
	}
	check mount -t $fs "$dev" "$mnt"
	check_files
	check umount "$mnt"
done
[ -n "$tried" ] || fail "there is no mkfs.ext4"
pass
