#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# dbench, a file server's clients, on a file system whose block requests are
# steered, while one policy takes another's place and the controller is reset
# again and again. No operation of it fails, and after unmounting the file system
# is found in order by the driver's own path.
#
# SECONDS_EACH=   of each run (default 8)
#
# vm: --cpus 4
# timeout: 420

. selftests/thirdparty/lib/steered.sh

ctrl=$(ctrl_by_serial copylim) || fail "no drive"
dev=/dev/${ctrl}n1 mnt=$TEST_TMP/mnt
each=${SECONDS_EACH:-8}
mkdir -p "$mnt"

# shellcheck disable=SC2317 # called at the end
leave() {
	kill "$dbench" 2>/dev/null
	umount "$mnt" 2>/dev/null
	at_end
}
dbench=''
trap leave EXIT

put() { # POLICY
	nvmesteer load --dev "$ctrl" --replace --block "$1" >/dev/null ||
		fail "cannot put $1 in its place"
}

# run: dbench once; counts resets in n
run() {
	dbench -D "$mnt" -t "$each" --sync-dir 4 >"$TEST_TMP/dbench" 2>&1 &
	dbench=$!
	while kill -0 $dbench 2>/dev/null; do
		for policy in ring spread class; do
			put $policy
			sleep 0.3
		done
		echo 1 >"/sys/class/nvme/$ctrl/reset_controller" ||
			fail 'cannot reset'
		n=$((n + 1))
		sleep 0.3
	done
	wait $dbench || {
		tail -20 "$TEST_TMP/dbench"
		fail 'dbench failed'
	}
	dbench=''
	# it goes on after an operation that fails, and without its semaphore
	! grep -v 'barrier semaphore' "$TEST_TMP/dbench" | grep -i 'fail' ||
		fail 'an operation failed'
	check grep -q '^Throughput [1-9]' "$TEST_TMP/dbench"
}

for fs in ext4 xfs; do
	step "$fs"
	# smaller than what mkfs.xfs likes
	case $fs in
	ext4) make='mkfs.ext4 -F' repair='fsck.ext4 -fn' ;;
	xfs) make='mkfs.xfs -f --unsupported' repair='xfs_repair -n' ;;
	esac
	load "$ctrl" class
	put class
	was=$(event "$ctrl" block)
	$make "$dev" >"$TEST_TMP/mkfs" 2>&1 || fail "$(cat "$TEST_TMP/mkfs")"
	check mount -t $fs "$dev" "$mnt"
	# a slow machine has few resets in one
	n=0
	for ((runs = 0; runs < 6 && n < 2; runs++)); do
		run
	done
	[ $n -ge 2 ] || fail "only $n resets"
	echo "# $(($(event "$ctrl" block) - was)) requests steered, $n resets," \
		"$((3 * n)) policies"
	[ "$(event "$ctrl" block)" -gt $((was + 500)) ] ||
		fail 'few requests were steered'
	check umount "$mnt"
	unload "$ctrl"
	$repair "$dev" >"$TEST_TMP/fsck" 2>&1 || {
		tail -20 "$TEST_TMP/fsck"
		fail "$repair finds errors"
	}
done
pass
