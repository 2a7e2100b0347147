# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the tests with programs of other people share: a policy loaded for the
# time of a test, fio on a passthrough device, and the proof of where its
# commands went: what fio counted against what the queues counted. Sourced by
# a test from the checkout's top folder.

. selftests/lib/guest.sh

# Counters of a controller, as the CLI shows them.
stats() { nvmesteer stats --json "$1" || fail "nvmesteer stats $1"; }

# submitted CTRL FROM TO: commands that queues FROM to TO got, together.
submitted() {
	stats "$1" | jq "[.queues[] | select(.queue >= $2 and .queue <= $3)
		| .submitted] | add // 0"
}
steered() { submitted "$1" 1 255; }
by_driver() { submitted "$1" 0 0; }

event() { stats "$1" | jq ".events.$2"; }

# No queue failed or lost a command, and each has ended.
clean_queues() {
	stats "$1" | jq -e '[.queues[] | .failed + .cancelled + .inflight]
		| add == 0' >/dev/null
}

# load CTRL POLICY [KEY=VALUE]...; unloaded at the end of the test.
load() {
	local ctrl=$1 policy=$2 sets=() s
	shift 2
	for s in "$@"; do sets+=(--set "$s"); done
	nvmesteer load --dev "$ctrl" "${sets[@]}" "$POLICIES/$policy.bpf.o" ||
		fail "cannot load $policy on $ctrl"
	loaded+=("$ctrl")
}

unload() {
	nvmesteer unload "$1" || fail "cannot unload the policy of $1"
	loaded=("${loaded[@]/$1/}")
}

loaded=()
tmp=$(mktemp -d)
at_end() {
	local c
	for c in "${loaded[@]}"; do
		[ -z "$c" ] || nvmesteer unload "$c"
	done
	rm -rf "$tmp"
}
trap at_end EXIT

# The namespaces of a controller: ng0n1 stands for whatever is first.
nsid_of() { # DEVICE
	local path=${1#/dev/}
	cat "/sys/block/${path/#ng/nvme}/nsid" 2>/dev/null ||
		nvme get-ns-id "$1" | awk -F: '{ print $NF + 0 }'
}
lba_bytes_of() { # DEVICE
	local path=${1#/dev/}
	cat "/sys/block/${path/#ng/nvme}/queue/logical_block_size"
}

# passthru DEVICE [FIO OPTION]...: fio writes and verifies; it must find no
# fault. Options before the first --name are for all jobs; without one there
# is one job. Where DEVICE is empty, each job names its file. Sets ios to the
# commands it counted.
passthru() {
	local dev=$1 errors
	shift
	[[ " $*" == *" --name="* ]] || set -- "$@" --name=passthru
	(
		cd "$tmp" || exit 1
		exec fio ${dev:+--filename="$dev"} --thread=0 \
			--ioengine=io_uring_cmd --cmd_type=nvme \
			--rw=randwrite --bs=4k --iodepth=16 --size=1m \
			--verify=crc32c --verify_fatal=1 --group_reporting \
			--verify_state_save=0 --output-format=json \
			--output="$tmp/fio.json" "$@"
	) >"$tmp/fio.log" 2>&1 || {
		cat "$tmp/fio.log" "$tmp/fio.json"
		fail "fio $* on $dev failed"
	}
	sed -n '/^{/,$p' "$tmp/fio.json" >"$tmp/fio.only"
	read -r errors ios < <(jq -r '"\([.jobs[].error] | add) \([.jobs[]
		| .read.total_ios + .write.total_ios] | add)"' "$tmp/fio.only")
	same 0 "$errors" "fio's error"
	[ "$ios" -gt 0 ] || fail "fio $* did nothing"
}

# all_steered CTRL DEVICE [FIO OPTION]...: every command of such a fio run
# goes to a steer queue. Sets modes to the modes of the queues that got some.
all_steered() {
	local ctrl=$1 count left
	shift
	# One look before and one after: each takes a while in a guest.
	stats "$ctrl" >"$tmp/was"
	passthru "$@"
	stats "$ctrl" >"$tmp/now"
	read -r count left modes < <(jq -r --slurpfile was "$tmp/was" '
		[.queues[] | select(.queue > 0) | . as $q
			| .new = .submitted - ([$was[0].queues[]
				| select(.queue == $q.queue)
				| .submitted][0] // 0)] as $steered
		| ([.queues[] | .failed + .cancelled + .inflight] | add) as $left
		| ([$steered[] | select(.new > 0) | .mode] | unique | join(" "))
			as $modes
		| "\([$steered[].new] | add // 0) \($left) \($modes)"' "$tmp/now")
	same "$ios" "$count" "commands on steer queues of fio ${*:2}"
	[ "$left" = 0 ] || {
		cat "$tmp/now"
		fail "a command failed or has not ended"
	}
}
