#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# The policy paths, on two paths to one namespace over NVMe/TCP on loopback:
# passthrough commands under way on a path that becomes inaccessible, or is
# reset, be it once the target has done them, are tried again where the policy
# allows that, and only there: the target is sent each command once, and once more
# for each time that one was tried again.
#
# timeout: 400

. selftests/lib/guest.sh
. selftests/lib/fabrics.sh

# Longer than it takes to have a path become inaccessible.
late_ms=$((${NVMESTEER_SLOW:-1} > 1 ? 3000 : 1500))
tracing=/sys/kernel/tracing
trace=$tracing/instances/paths

# shellcheck disable=SC2317 # called by cleanup
undo() {
	[ -d "$trace" ] || return
	echo 0 >"$trace"/events/paths/enable
	rmdir "$trace"
	echo '-:paths/sent' >>"$tracing/kprobe_events"
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
		>>"$tracing/kprobe_events" || fail "cannot probe the target"
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

two_paths tcp
be_slow
pin 2
slow 2 $late_ms
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
slow 2 $late_ms sport
told 1 randwrite 0 "done"
no_paths
pass
