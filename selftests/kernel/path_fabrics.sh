#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# The policy paths, on two paths to one namespace over NVMe/TCP on loopback and
# then over the kernel's loop transport: pinned cgroups go where they should, by
# block I/O and by passthrough, and the data is right by the other path; a path
# that its ANA state forbids is not taken and is again afterwards; one that
# disappears under load costs no I/O, and is used when it is back. Over TCP one
# that becomes slow is left, but not for less than the margins, and returned to;
# and passthrough commands under way on a path that becomes inaccessible, or is
# reset, be it once the target has done them, are tried again where the policy
# allows that, and only there: the target is sent each command once, and once more
# for each time that one was tried again.
#
# timeout: 400

. selftests/lib/guest.sh

modprobe -q nvmet || skip "no nvmet in this guest"
mountpoint -q /sys/kernel/config ||
	mount -t configfs none /sys/kernel/config || skip "no configfs"

target=/sys/kernel/config/nvmet
nqn=nvmesteer-paths
cgroup=/sys/fs/cgroup/pinned
tracing=/sys/kernel/tracing
trace=$tracing/instances/paths
backing=$(ctrl_by_serial nocopy) || skip "no drive nocopy"
load=''

# shellcheck disable=SC2317 # called by a trap
cleanup() {
	[ -z "$load" ] || kill "$load" 2>/dev/null
	wait
	nvmesteer unload --all >/dev/null 2>&1
	rm -rf /sys/fs/bpf/nvmesteer/nvme*
	nvme disconnect -n $nqn >/dev/null 2>&1
	rm -f $target/ports/[12]/subsystems/$nqn
	rmdir $target/ports/[12] $target/subsystems/$nqn/namespaces/1 \
		$target/subsystems/$nqn $cgroup 2>/dev/null
	tc qdisc del dev lo root 2>/dev/null
	if [ -d $trace ]; then
		echo 0 >$trace/events/paths/enable
		rmdir $trace
		echo '-:paths/sent' >>$tracing/kprobe_events
	fi
	modprobe -q -r nvme-loop nvme-tcp nvmet-tcp nvmet
}
trap cleanup EXIT

connect() { # PORT
	if [ $transport = tcp ]; then
		check nvme connect -t tcp -a 127.0.0.1 -s $((4419 + $1)) \
			-n $nqn >/dev/null
	else
		check nvme connect -t loop -a "$1" -n $nqn >/dev/null
	fi
}
# The controller that is connected to a port.
ctrl_of_port() { # PORT
	local c address
	for c in /sys/class/nvme/nvme*; do
		[ "$(cat "$c/transport")" = $transport ] || continue
		address=$(cat "$c/address")
		case $transport,$address in
		tcp,*trsvcid=$((4419 + $1))* | loop,traddr="$1"*) ;;
		*) continue ;;
		esac
		ctrl_is_live "${c##*/}" && printf '%s\n' "${c##*/}"
		return
	done
	return 1
}
both() {
	ctrl[1]=$(ctrl_of_port 1) && ctrl[2]=$(ctrl_of_port 2) &&
		[ -n "${ctrl[1]}" ] && [ -n "${ctrl[2]}" ]
}
head_of() { # CTRL
	local subsys
	subsys=$(basename /sys/class/nvme-subsystem/*/"$1"/..)
	for subsys in /sys/class/nvme-subsystem/*; do
		[ -e "$subsys/$1" ] || continue
		subsys=${subsys##*-subsys}
		[ -b "/dev/nvme${subsys}n1" ] && printf 'nvme%sn1\n' "$subsys"
		return
	done
}
event() { steer "$1" events | awk -v e="$2" '$1 == e { print $2 }'; }
ana() { echo "$2" >$target/ports/"$1"/ana_groups/1/ana_state; }
# What the policy has answered holds for 100 ms; all commands after that are
# asked about anew.
change() { # NAME=VALUE
	check nvmesteer set "${ctrl[1]}" "$1" >/dev/null
	sleep 0.12
}
pin() { # PORT
	change "pins.cgroup:/pinned.ctrl=${ctrl[$1]#nvme}"
}
pinned() { # COMMAND...: in the cgroup
	(echo $BASHPID >$cgroup/cgroup.procs && exec "$@")
}
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
	further() { [ "$(cat /run/busy)" -ge $want ]; } 2>/dev/null
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
slow() { # PORT MS [sport]: what is sent to it is late, or what it sends
	tc filter del dev lo parent 1: 2>/dev/null
	tc qdisc change dev lo parent 1:3 handle 30: netem delay "$2ms"
	check tc filter add dev lo parent 1: protocol ip u32 \
		match ip "${3-dport}" $((4419 + $1)) 0xffff flowid 1:3
}

try() {
	local c port
	transport=$1
	step "$transport: two paths"
	modprobe -q nvme-$transport || skip "no nvme-$transport in this guest"
	[ $transport != tcp ] || modprobe -q nvmet-tcp || skip "no nvmet-tcp"
	mkdir $target/ports/{1,2}
	for port in 1 2; do
		echo $transport >$target/ports/$port/addr_trtype
		if [ $transport = tcp ]; then
			echo ipv4 >$target/ports/$port/addr_adrfam
			echo 127.0.0.1 >$target/ports/$port/addr_traddr
			echo $((4419 + port)) >$target/ports/$port/addr_trsvcid
		else
			echo $port >$target/ports/$port/addr_traddr
		fi
		ln -s $target/subsystems/$nqn $target/ports/$port/subsystems/$nqn
		connect $port
	done
	wait_for 10 both || fail "no two controllers"
	disk=''
	# shellcheck disable=SC2317 # called by wait_for
	has_disk() { disk=$(head_of "${ctrl[1]}") && [ -n "$disk" ]; }
	wait_for 10 has_disk || fail "no namespace"
	for c in 1 2; do
		check nvmesteer load --dev "${ctrl[$c]}" "$POLICIES/paths.bpf.o" \
			>/dev/null
	done
	change knobs.0.probe_ms=20

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
	if [ $transport = tcp ]; then
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

	[ $transport != tcp ] || slow_paths
	nvmesteer unload --all >/dev/null
	nvme disconnect -n $nqn >/dev/null
	rm -f $target/ports/[12]/subsystems/$nqn
	rmdir $target/ports/[12]
}

# Reads and writes that the target was sent, however often, and how many these are
# apart.
received() {
	awk '/ opcode=[12] nsid=1 / {
		n++
		apart += !seen[$(NF - 2), $NF]++
	} END { print n + 0, apart + 0 }' $trace/trace
}
# shellcheck disable=SC2317 # called by wait_for
arrived() {
	local n
	read -r n _ < <(received)
	[ "$n" -ge 8 ]
}
# All that the target is sent, whether or not it refuses it, which only its own
# tracepoints would not tell.
trace_target() {
	# shellcheck disable=SC2016 # the kernel's own
	local cmd='+0($arg1)'
	check mkdir $trace
	echo "p:paths/sent nvmet_req_init opcode=+0($cmd):u8 nsid=+4($cmd):u32 slba=+40($cmd):u64" \
		>>$tracing/kprobe_events || fail "cannot probe the target"
	echo 1 >$trace/events/paths/sent/enable || fail "cannot trace it"
}
# Reads or writes by passthrough, under way on the second path when it becomes
# inaccessible, or is reset: at any time, or once the target has done them all.
# Succeeds if they all do.
under_way() { # RETRY RW FIXEDBUFS [reset|done]
	local was pid status on=${ctrl[2]} verify=()
	[ "$2" = randread ] || verify=(--verify=crc32c --do_verify=1)
	change "knobs.0.retry=$1"
	was=$(event "$on" path)
	echo >$trace/trace
	pinned fio --name=pt --filename="/dev/ng${disk#nvme}" \
		--ioengine=io_uring_cmd --cmd_type=nvme --rw="$2" --bs=4k \
		--iodepth=8 --number_ios=8 --size=1M --fixedbufs="$3" \
		"${verify[@]}" --output=/run/fio 2>/run/fio.err &
	pid=$!
	# shellcheck disable=SC2317 # called by wait_for
	sent() { [ $(($(event "$on" path) - was)) -ge 8 ]; }
	wait_for 30 sent || fail "fio sends nothing: $(cat /run/fio.err)"
	case ${4-} in
	reset) check nvme reset "/dev/$on" ;;
	done)
		wait_for 10 arrived || fail "the target has $(received)"
		check nvme reset "/dev/$on"
		;;
	*) ana 2 inaccessible ;;
	esac
	wait $pid
	status=$?
	ana 2 optimized
	# shellcheck disable=SC2317 # called by wait_for
	accessible() {
		[ "$(cat /sys/class/nvme/"$on"/nvme*c*n1/ana_state)" = optimized ]
	}
	wait_for 30 accessible || fail "it does not become optimized"
	return $status
}
# They may have ended before: so often that they have not.
told() { # as under_way: some fail, and none was tried again
	local before i n apart
	for i in 1 2 3 4 5 6; do
		before=$(event "${ctrl[2]}" path_retry)
		under_way "$@" || break
	done
	[ $i -lt 6 ] || fail "none failed: $*"
	same "$before" "$(event "${ctrl[2]}" path_retry)" path_retry
	read -r n apart < <(received)
	echo "$*: the target was sent $n, $apart of them apart"
	same "$apart" "$n" "commands that the target was sent, $*"
	# of those that a reset cancels some may not have got there
	[ "${4-}" = reset ] || same 8 "$n" "commands that it was sent, $*"
}
again() { # as under_way: some are tried again, and all succeed
	local before retries i n apart
	before=$(event "${ctrl[2]}" path_retry)
	for i in 1 2 3 4 5 6; do
		under_way "$@" || fail "$*: $(cat /run/fio /run/fio.err)"
		retries=$(($(event "${ctrl[2]}" path_retry) - before))
		[ $retries -le 0 ] || break
	done
	[ $retries -gt 0 ] || fail "none was tried again: $*"
	read -r n apart < <(received)
	echo "$*: the target was sent $n, $apart of them apart; $retries again"
	if [ "${4-}" = reset ]; then
		[ "$n" -le $((apart + retries)) ] || fail "it was sent $n: $*"
	else
		same $((apart + retries)) "$n" "commands that the target was sent, $*"
	fi
}
retried() {
	pin 2
	slow 2 1500
	trace_target
	step 'commands that fail because of their path: told'
	told 0 randread 0
	told 1 randwrite 0
	step 'tried again'
	again 1 randread 0
	again 1 randread 1
	again 2 randwrite 1
	step 'likewise, cancelled by a reset'
	again 1 randread 0 reset
	told 1 randwrite 0 reset
	step 'likewise, when the target has done them all'
	slow 2 1500 sport
	told 1 randwrite 0 done
}

slow_paths() {
	local first=1 second=2 c
	for c in sch_prio sch_netem cls_u32; do
		modprobe -q $c || skip "no $c in this guest"
	done
	check tc qdisc add dev lo root handle 1: prio bands 3 \
		priomap 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
	check tc qdisc add dev lo parent 1:3 handle 30: netem delay 1ms
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
	retried
}

mkdir -p $cgroup || skip "no cgroup v2"
echo +io >/sys/fs/cgroup/cgroup.subtree_control || skip "no io controller"
mkdir -p $target/subsystems/$nqn/namespaces/1
echo 1 >$target/subsystems/$nqn/attr_allow_any_host
echo -n "/dev/${backing}n1" >$target/subsystems/$nqn/namespaces/1/device_path
echo 1 >$target/subsystems/$nqn/namespaces/1/enable
declare -a ctrl
try tcp
try loop
pass
