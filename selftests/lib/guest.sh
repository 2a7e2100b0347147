# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# What the shell tests share: ending with the right exit code and a sentence,
# waiting for a condition, finding the emulated drives. Sourced by a test that
# runs in a guest, from the checkout's top folder:
#
#	. selftests/lib/guest.sh
#
# It starts nothing and changes nothing.

set -u

# Where 'make install' put the policies in a guest, and the build's output.
POLICIES=/usr/lib/nvmesteer/policies
BUILD=${NVMESTEER_BUILD:-build}

# The end of a test. A skip always says what is missing.
pass() { exit 0; }

fail() {
	printf '%s: %s\n' "${BASH_SOURCE[-1]##*/}:${BASH_LINENO[-2]}" "$*"
	exit 1
}

skip() {
	printf '%s\n' "$*"
	exit 4
}

# Names the step that begins, so that a log tells how far a test came.
step() { printf '== %s\n' "$*"; }

# check COMMAND...: the test fails unless COMMAND succeeds.
check() { "$@" || fail "failed (status $?): $*"; }

# refuse COMMAND...: the test fails if COMMAND succeeds.
refuse() { ! "$@" || fail "succeeded but should have failed: $*"; }

# same WANTED GOT [WHAT]
same() { [ "$1" = "$2" ] || fail "${3:-value} is '$2', should be '$1'"; }

# wait_for SECONDS COMMAND...: until COMMAND succeeds; its last status.
wait_for() {
	local end=$((SECONDS + $1 * ${NVMESTEER_SLOW:-1})) status
	shift
	while :; do
		"$@"
		status=$?
		if [ $status = 0 ] || [ $SECONDS -gt "$end" ]; then
			return $status
		fi
		sleep 0.05
	done
}

# The controller with this serial: copylim nocopy meta blk4k mpath (the first
# of two). See selftests/vm/run --help.
ctrl_by_serial() {
	local d serial
	for d in /sys/class/nvme/nvme*; do
		read -r serial <"$d/serial" || continue
		[ "$serial" = "$1" ] || continue
		printf '%s\n' "${d##*/}"
		return 0
	done
	return 1
}

# state CTRL: live, resetting, deleting ...
ctrl_state() { cat "/sys/class/nvme/$1/state" 2>/dev/null; }
ctrl_is_live() { [ "$(ctrl_state "$1")" = live ]; }

# steer CTRL FILE: a file of nvmesteer's sysfs folder.
steer() {
	local text=''
	IFS= read -r -d '' text <"/sys/class/nvme/$1/steer/$2"
	printf %s "$text"
	[ -n "$text" ]
}

# How many unfit answers a second end a policy; by default more than there are
# commands a second where a kernel checks all it does. Whoever sets it restores
# it in the end, in a trap.
bad_answers=/sys/module/nvmesteer/parameters/bad_answers
few_bad_answers() { check tee $bad_answers <<<20 >/dev/null; }
default_bad_answers() { tee $bad_answers <<<1000 >/dev/null; }

# The PCI address of a controller.
ctrl_pci() { basename "$(readlink -f "/sys/class/nvme/$1/device")"; }

# monitor COMMAND...: a command to the emulator's own console, for a drive
# that is pulled, throttled or dead. Prints what the emulator answers.
monitor() {
	local port=/dev/virtio-ports/monitor line
	exec 7<>"$port" || return 1
	while IFS= read -r -t 0.1 -u 7 line; do :; done
	printf '%s\n' "$*" >&7
	while IFS= read -r -t 0.5 -u 7 line; do
		line=${line//$'\r'/}
		case $line in
		*'(qemu)'*) ;;
		*) printf '%s\n' "$line" ;;
		esac
	done
	exec 7<&-
}

# slow_drive BYTES COMMANDS: as many a second may go to and come from drive nvme0,
# 0 for as many as it can. It belongs in a trap.
slow_drive() {
	monitor block_set_io_throttle nvme0n1 "$1" 0 0 "$2" 0 0 >/dev/null
}
