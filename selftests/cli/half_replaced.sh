#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# A 'load --replace' that is killed while it moves the pins: the new policy is
# attached, its link still pinned where the old one was. Every verb works then,
# list and status say what is wrong, and what changes pins mends them.
#
# timeout: 300

. selftests/cli/lib/cli.sh

command -v strace >/dev/null || skip "no strace to kill the loader with"

# half SYSCALL N: kill a replacement of null by tenants at that call. strace
# holds it there; with seccomp it stops nowhere else, which takes long.
half() {
	local pid
	[ "$(attached nvme0)" = null ] ||
		ok load --dev nvme0 --replace "$POLICIES/null.bpf.o"
	: >"$tmp/strace"
	strace -f --seccomp-bpf -qq -o "$tmp/strace" -e trace="$1" \
		-e inject="$1":delay_enter=100000000:when="$2" nvmesteer load \
		--replace --dev nvme0 "$POLICIES/tenants.bpf.o" \
		>"$tmp/out" 2>&1 &
	# shellcheck disable=SC2317 # called by wait_for
	at_call() { [ "$(grep -c "$1(" "$tmp/strace")" = "$2" ]; }
	wait_for 60 at_call "$1" "$2" || fail "no $1 number $2: $(<"$tmp/out")"
	pid=$(tail -n 1 "$tmp/strace")
	pid=${pid%% *}
	# both: strace would wait for the end of the delay
	kill -KILL "$pid" $!
	wait $! 2>/dev/null
	# shellcheck disable=SC2317 # called by wait_for
	gone() { [ ! -e "/proc/$pid" ]; }
	wait_for 10 gone || fail "not killed at $1 number $2"
	same tenants "$(attached nvme0)" "policy after the kill"
	[ "$(ls "$pins/nvme0")" != tenants ] ||
		fail "killed at $1 number $2: the pins are in order"
}

step "killed before the link is moved: each verb works"
half rename 1
json '.controllers[] | select(.controller == "nvme0")
	| .policy == "tenants" and .pins == "unfinished"' list
run status --dev nvme0 --json
same 1 $rc "exit code of status"
check_json status '.controllers[0] | .pins == "unfinished"
	and (.problems | length) == 1' status
ok set nvme0 tenants.4711.queue=2
ok get nvme0 tenants.4711.queue
same "tenants.4711.queue = 2" "$out"
ok unset nvme0 tenants.4711
says 1 "'tenants' is attached.*EBUSY" load --dev nvme0 "$POLICIES/null.bpf.o"

step "mended by unload"
ok unload nvme0
clean nvme0

step "mended by off"
half rename 1
ok off nvme0
clean nvme0

step "mended by the next replacement"
for at in "rename 1" "rename 2"; do
	# shellcheck disable=SC2086
	half $at
	ok load --dev nvme0 --replace "$POLICIES/null.bpf.o"
	consistent nvme0 null
done

step "a link that is removed by hand in that state"
half rename 1
rm -r "$pins/nvme0"/*/link
wait_for 5 is_none nvme0 || fail "still attached"
ok load --dev nvme0 "$POLICIES/null.bpf.o"
consistent nvme0 null
pass
