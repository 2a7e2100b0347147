#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# The off switch, by verb and by file; what stays pinned afterwards is shown
# as orphaned, and the next load or unload clears it. A policy that ejects
# itself leaves its reason behind.

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
orphaned_status tenants
ok unload nvme0
clean nvme0
ok status --dev nvme0

step "by file, then load"
ok load --dev nvme0 "$POLICIES/tenants.bpf.o"
echo 1 >/sys/class/nvme/nvme0/steer/off
orphaned_status tenants
says 1 "ENOENT" get nvme0 tenants
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
json 1 off --all
is_none nvme0 || fail "nvme0 still has a policy"
is_none nvme1 || fail "nvme1 still has a policy"
ok unload --all
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
ok unload nvme0
pass
