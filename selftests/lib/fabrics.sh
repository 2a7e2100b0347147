# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # what guest.sh sets
#
# What the tests of paths over NVMe over Fabrics share: a target in the guest
# with two ports, over NVMe/TCP on loopback or the kernel's loop transport, the
# policy paths on both controllers, and a load. Sourced after guest.sh; what it
# makes goes when the test ends.

modprobe -q nvmet || skip "no nvmet in this guest"
mountpoint -q /sys/kernel/config ||
	mount -t configfs none /sys/kernel/config || skip "no configfs"

target=/sys/kernel/config/nvmet
nqn=nvmesteer-paths
cgroup=/sys/fs/cgroup/pinned
backing=$(ctrl_by_serial nocopy) || skip "no drive nocopy"
load='' disk='' transport=''	# load: the process id of one, to be ended
declare -a ctrl

# What a test has done besides is to be undone by its own one.
undo() { :; }
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
	undo
	modprobe -q -r nvme-loop nvme-tcp nvmet-tcp nvmet
}
trap cleanup EXIT

connect() { # PORT
	if [ "$transport" = tcp ]; then
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
		[ "$(cat "$c/transport")" = "$transport" ] || continue
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
	for subsys in /sys/class/nvme-subsystem/*; do
		[ -e "$subsys/$1" ] || continue
		subsys=${subsys##*-subsys}
		[ -b "/dev/nvme${subsys}n1" ] && printf 'nvme%sn1\n' "$subsys"
		return
	done
}
event() { steer "$1" events | awk -v e="$2" '$1 == e { print $2 }'; }
ana() { echo "$2" >$target/ports/"$1"/ana_groups/1/ana_state; }
# What the policy has answered holds for 100 ms, and for a command that comes after
# a pause a second at most; all commands after that are asked about anew.
change() { # NAME=VALUE
	check nvmesteer set "${ctrl[1]}" "$1" >/dev/null
	sleep 1.02
}
pin() { # PORT
	change "pins.cgroup:/pinned.ctrl=${ctrl[$1]#nvme}"
}
pinned() { # COMMAND...: in the cgroup
	(echo $BASHPID >$cgroup/cgroup.procs && exec "$@")
}
# What slow() needs.
be_slow() {
	local c
	for c in sch_prio sch_netem cls_u32; do
		modprobe -q $c || skip "no $c in this guest"
	done
	check tc qdisc add dev lo root handle 1: prio bands 3 \
		priomap 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
	check tc qdisc add dev lo parent 1:3 handle 30: netem delay 1ms
}
slow() { # PORT MS [sport]: what is sent to it is late, or what it sends
	tc filter del dev lo parent 1: 2>/dev/null
	tc qdisc change dev lo parent 1:3 handle 30: netem delay "$2ms"
	check tc filter add dev lo parent 1: protocol ip u32 \
		match ip "${3-dport}" $((4419 + $1)) 0xffff flowid 1:3
}

two_paths() { # TRANSPORT
	local c port
	transport=$1
	step "$transport: two paths"
	modprobe -q "nvme-$transport" || skip "no nvme-$transport in this guest"
	[ "$transport" != tcp ] || modprobe -q nvmet-tcp || skip "no nvmet-tcp"
	mkdir $target/ports/{1,2}
	for port in 1 2; do
		echo "$transport" >$target/ports/$port/addr_trtype
		if [ "$transport" = tcp ]; then
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
}
no_paths() {
	nvmesteer unload --all >/dev/null
	nvme disconnect -n $nqn >/dev/null
	rm -f $target/ports/[12]/subsystems/$nqn
	rmdir $target/ports/[12]
}

mkdir -p $cgroup || skip "no cgroup v2"
echo +io >/sys/fs/cgroup/cgroup.subtree_control || skip "no io controller"
mkdir -p $target/subsystems/$nqn/namespaces/1
echo 1 >$target/subsystems/$nqn/attr_allow_any_host
echo -n "/dev/${backing}n1" >$target/subsystems/$nqn/namespaces/1/device_path
echo 1 >$target/subsystems/$nqn/namespaces/1/enable
