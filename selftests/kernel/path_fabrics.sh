#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# The policy paths, on two paths to one namespace over NVMe/TCP on loopback and
# then over the kernel's loop transport: pinned cgroups go where they should, by
# block I/O and by passthrough, and the data is right by the other path; a path
# that its ANA state forbids is not taken and is again afterwards; one that
# disappears under load costs no I/O, and is used when it is back. Over TCP one
# that becomes slow is left, but not for less than the margins, and returned to.
#
# timeout: 400

. selftests/lib/guest.sh
. selftests/lib/fabrics.sh

# COMMAND... goes by this path, COUNT times at least, and nothing by the other
by() { # PORT COUNT COMMAND...
	local on=${ctrl[$1]} off=${ctrl[$((3 - $1))]} count=$2 was other
	shift 2
	was=$(event "$on" path)
	other=$(event "$off" path)
	check pinned "$@"
	[ $(($(event "$on" path) - was)) -ge "$count" ] ||
		fail "$(($(event "$on" path) - was)) of $count by $on: $*"
	same "$other" "$(event "$off" path)" "path of $off"
}

current() {
	nvmesteer get "${ctrl[1]}" state | awk '/^state.1.path/ { print "nvme" $3 - 1 }'
}
is_current() { [ "$(current)" = "$1" ]; }
busy() { # reads and writes that must not fail
	local n=0
	while dd if=/dev/"$disk" of=/dev/null bs=4k count=50 iflag=direct \
		status=none &&
		dd if=/dev/zero of=/dev/"$disk" bs=4k count=20 seek=9000 \
			oflag=direct status=none; do
		n=$((n + 1))
		echo $n >/run/busy
		sleep 0.1
	done
	echo failed >/run/busy
}
goes_on() { # ROUNDS more
	local want=$(($(cat /run/busy) + $1))
	# shellcheck disable=SC2317 # called by wait_for
	further() { [ "$(cat /run/busy)" -ge "$want" ]; } 2>/dev/null
	wait_for 60 further || fail "I/O does not go on: $(cat /run/busy)"
}
start_busy() {
	echo 0 >/run/busy
	busy 2>/run/busy.err &
	load=$!
	goes_on 2
}
stop_busy() {
	kill "$load"
	wait "$load" 2>/dev/null
	load=''
	[ "$(cat /run/busy)" != failed ] || fail "I/O failed: $(cat /run/busy.err)"
}

try() {
	local port
	two_paths "$1"

	step "$transport: a pinned cgroup"
	for port in 1 2; do
		head -c 1M /dev/urandom >/run/data
		pin $port
		by $port 256 dd if=/run/data of=/dev/"$disk" bs=4k oflag=direct \
			status=none
		pin $((3 - port))
		by $((3 - port)) 256 dd if=/dev/"$disk" of=/run/back bs=4k \
			count=256 iflag=direct status=none
		cmp /run/data /run/back || fail "wrong data"
		by $((3 - port)) 1 nvme read "/dev/$disk" -s 0 -c 7 -z 4096 \
			-d /run/back
		cmp -n 4096 /run/data /run/back || fail "wrong data by passthrough"
		by $((3 - port)) 32 fio --name=pt --filename="/dev/ng${disk#nvme}" \
			--ioengine=io_uring_cmd --cmd_type=nvme --rw=randread \
			--bs=4k --iodepth=8 --number_ios=32 --size=1M \
			--output=/run/fio
	done

	step "$transport: ANA states"
	pin 1
	start_busy
	ana 1 inaccessible
	# shellcheck disable=SC2317 # called by wait_for
	only() { # PORT: takes all that is pinned to the first
		local was
		was=$(event "${ctrl[$1]}" path)
		pinned dd if=/dev/"$disk" of=/dev/null bs=4k count=64 \
			iflag=direct status=none &&
			[ $(($(event "${ctrl[$1]}" path) - was)) -ge 64 ]
	}
	wait_for 20 only 2 || fail "an inaccessible path is taken"
	goes_on 2
	ana 1 optimized
	wait_for 20 only 1 || fail "it is not taken again"
	if [ "$transport" = tcp ]; then
		ana 2 non-optimized
		wait_for 20 is_current "${ctrl[1]}" || fail "current is $(current)"
		ana 2 optimized
	fi
	stop_busy

	step "$transport: a path that disappears and returns"
	pin 2
	start_busy
	check nvme disconnect -d "${ctrl[2]}" >/dev/null
	goes_on 2
	connect 2
	wait_for 20 both || fail "it does not return"
	pin 2
	wait_for 20 only 2 || fail "it is not used again"
	stop_busy

	[ "$transport" != tcp ] || slow_paths
	no_paths
}

slow_paths() {
	local first=1 second=2
	be_slow
	change knobs.0.dwell_ms=100
	start_busy
	is_current "${ctrl[1]}" || { first=2; second=1; }

	step 'slow by less than the margin: it stays'
	change knobs.0.margin_us=1000000
	wait_for 20 test -n "$(current)"
	is_current "${ctrl[1]}" && { first=1; second=2; }
	is_current "${ctrl[2]}" && { first=2; second=1; }
	slow $first 20
	goes_on 3
	is_current "${ctrl[$first]}" || fail "it was left"
	step 'by more: it is left'
	change knobs.0.margin_us=5000
	wait_for 60 is_current "${ctrl[$second]}" || fail "it is not left"
	step 'and returned to when the other one is'
	slow $second 20
	wait_for 60 is_current "${ctrl[$first]}" || fail "it is not returned to"
	stop_busy
	nvmesteer get "${ctrl[1]}" counts
}

try tcp
try loop
pass
