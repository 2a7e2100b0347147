#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# The off switch: the verb removes the pins as well; the file leaves them, and
# so does a policy that ejects itself, for a look at its maps. They are shown
# as orphaned, with the reason of the end, until the next load, unload or off.

. selftests/cli/lib/cli.sh

orphaned_status() {
	run status --dev nvme0 --json
	same 1 $rc "exit code of status"
	check_json status ".controllers[0] | .pins == \"orphan\"
		and .state == \"ended\" and (.problems | length) == 1
		and .last_exit.kind == \"off\"
		and .last_exit.policy == \"$1\"" status
}

step "by verb"
ok load --dev nvme0 "$POLICIES/tenants.bpf.o"
ok off nvme0
is_none nvme0 || fail "still attached"
clean nvme0
ok status --dev nvme0
status '.pins == "none" and .last_exit.kind == "off"' nvme0

step "by file, then off"
ok load --dev nvme0 "$POLICIES/tenants.bpf.o"
ok set nvme0 tenants.4711.queue=2
echo 1 >/sys/class/nvme/nvme0/steer/off
orphaned_status tenants
bpftool -j map lookup pinned "$pins/nvme0/tenants/maps/tenants" \
	key hex 67 12 0 0 0 0 0 0 | jq -e '.formatted.value.queue == 2' >/dev/null ||
	fail "the map cannot be read after the end"
json '.controllers[0] | .ended == false and .pins_removed' off nvme0
clean nvme0
ok status --dev nvme0

step "by file, then load"
ok load --dev nvme0 "$POLICIES/tenants.bpf.o"
echo 1 >/sys/class/nvme/nvme0/steer/off
orphaned_status tenants
says 1 "$pins/nvme0/tenants/maps.*ENOENT" get nvme0 tenants
ok load --dev nvme0 "$POLICIES/null.bpf.o"
consistent nvme0 null
echo 1 >/sys/class/nvme/nvme0/steer/off
ok load --dev nvme0 --replace "$POLICIES/null.bpf.o"
consistent nvme0 null

step "nothing attached is no error; all at once"
ok off nvme0
ok off nvme0
ok off --dev nvme1
ok load --dev nvme0 "$POLICIES/null.bpf.o"
ok load --dev nvme1 "$POLICIES/null.bpf.o"
json '[.controllers[] | select(.ended and .pins_removed)] | length == 2' off --all
is_none nvme0 || fail "nvme0 still has a policy"
is_none nvme1 || fail "nvme1 still has a policy"
clean nvme0
clean nvme1

step "a policy that gives up"
ok load --dev nvme0 "$BUILD/selftests/bpf/must_eject_error.bpf.o"
fio --name=eject --filename=/dev/ng0n1 --ioengine=io_uring_cmd --cmd_type=nvme \
	--rw=read --bs=4k --size=64k >"$tmp/fio" 2>&1 || fail "$(<"$tmp/fio")"
wait_for 5 is_none nvme0 || fail "not ejected"
run status --dev nvme0 --json
same 1 $rc "exit code of status"
check_json status '.controllers[0] | .last_exit.kind == "error"
	and (.last_exit.reason | length) > 0 and .events.ejected >= 1' status
[ -d "$pins/nvme0/must_eject_error/maps" ] || [ -n "$(ls "$pins/nvme0")" ] ||
	fail "its pins are gone"
ok unload nvme0
clean nvme0

step "pins that cannot be removed do not keep it from working"
ok load --dev nvme0 "$POLICIES/null.bpf.o"
unshare --mount sh -c "mount --bind /sys/fs/bpf /sys/fs/bpf &&
	mount -o remount,bind,ro /sys/fs/bpf && nvmesteer off nvme0" >"$tmp/out" 2>"$tmp/err" ||
	fail "exit code $?: $(<"$tmp/err")"
is_none nvme0 || fail "still attached"
grep -q "note: cannot remove pins" "$tmp/err" || fail "says: $(<"$tmp/err")"
ok off nvme0
clean nvme0
pass
