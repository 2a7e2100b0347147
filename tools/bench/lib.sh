# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the benchmark's scripts do inside a guest: find nvmesteer-bench, and
# attach a policy so that it steers the commands of this shell. Sourced from
# the checkout's top folder.

# shellcheck disable=SC2034 # used by those who source this
BENCH=${NVMESTEER_BUILD:-build}/tools/bench/nvmesteer-bench
POLICIES=/usr/lib/nvmesteer/policies

# Cgroup of what is measured, where it matters, and of what goes on beside it.
CGROUP=/sys/fs/cgroup/bench
BESIDE=/sys/fs/cgroup/beside

# The namespace of the guest's drive with two paths: reached through a
# multipath head unless the guest was booted without. Or of its only drive.
bench_device() {
	local d serial
	for d in /sys/class/nvme/nvme*; do
		read -r serial <"$d/serial"
		if [ "$serial" = mpath ] || [ "$serial" = faults ]; then
			echo "/dev/ng${d##*/nvme}n1"
			return
		fi
	done
	return 1
}

is_head() { # DEVICE
	[[ $(realpath "/sys/block/nvme${1#/dev/ng}") == */nvme-subsystem/* ]]
}

# The controllers behind /dev/ngXnY.
controllers_of() { # DEVICE
	local top
	top=$(realpath "/sys/block/nvme${1#/dev/ng}/..")
	case ${top##*/} in
	nvme[0-9]*) echo "${top##*/}" ;;
	*) (cd "$top" && printf '%s\n' nvme[0-9]* | grep -v 'e[0-9]*n') ;;
	esac
}

# attach POLICY[:block][:TUNABLE=VALUE][:MAP.KEY.MEMBER=VALUE]... DEVICE: a policy
# that steers nothing unless told so is told so. Those not named here do it by
# themselves.
attach() {
	local c t words name set=() maps=()
	IFS=: read -r -a words <<<"$1"
	name=${words[0]}
	for t in "${words[@]:1}"; do
		if [ "$t" = block ]; then
			set+=(--block)
		elif [[ $t == *.*=* ]]; then
			maps+=("$t")
		else
			set+=(--set "$t")
		fi
	done
	# its block requests cost more, whichever queue they are on
	[ ! -d $CGROUP ] || echo $$ >/sys/fs/cgroup/cgroup.procs || return
	for c in $(controllers_of "$2"); do
		nvmesteer load --dev "$c" "${set[@]}" \
			"$POLICIES/$name.bpf.o" >&2 || return
		case $name in
		tenants)
			mkdir -p $CGROUP
			echo $$ >$CGROUP/cgroup.procs
			nvmesteer set "$c" tenants.cgroup:/bench.queue=1
			;;
		rules)
			nvmesteer set "$c" rules.0.opcode=2 rules.0.queue=1 \
				rules.0.enabled=1
			nvmesteer set "$c" rules.1.opcode=1 rules.1.queue=1 \
				rules.1.enabled=1
			;;
		fair | latency) [ ! -d $BESIDE ] || share_groups "$name" "$c" ;;
		esac || return
		[ ${#maps[@]} = 0 ] || nvmesteer set "$c" "${maps[@]}" ||
			return
	done
}

# Who is in a cgroup of ours, and what goes on beside it: its share, of fair 3
# and 4, of latency the foreground's and none of its own.
share_groups() { # POLICY CONTROLLER
	if [ "$1" = fair ]; then
		nvmesteer set "$2" groups.cgroup:/bench.share=3 \
			groups.cgroup:/beside.share=4
	else
		nvmesteer set "$2" groups.cgroup:/bench.share=1
	fi
}

# What the guest's drive with two paths does a second; 0 0 is all it can.
throttle() { # BYTES IOS
	echo "block_set_io_throttle nvme4n1 $1 0 0 $2 0 0" \
		>/dev/virtio-ports/monitor
}

detach() { # DEVICE
	local c
	for c in $(controllers_of "$1"); do
		nvmesteer unload "$c" >&2 || return
	done
}

# Neighbours that are submitted together may become one request, or not: where
# a row's I/Os are block requests each is to be one.
merging() { # 0: as usual, 2: never
	local f
	for f in /sys/block/nvme*/queue/nomerges; do
		echo "$1" >"$f" || return
	done
}
