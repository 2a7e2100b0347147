#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# A policy that another tool attached: stock bpftool crashes on struct_ops
# types of modules after it attached and pinned the policy. Status reports it
# as foreign and fails; get and set work; load says who is in the way or takes
# over; unload clears it.

. selftests/cli/lib/cli.sh
command -v bpftool >/dev/null || skip "no bpftool in this guest"

attach_by_bpftool() {
	mkdir -p /sys/fs/bpf/test_foreign
	bpftool struct_ops register "$1" /sys/fs/bpf/test_foreign \
		>"$tmp/bpftool" 2>&1
	echo "   bpftool: exit code $?"
	[ "$(steer nvme0 state)" = attached ] ||
		fail "bpftool attached nothing: $(<"$tmp/bpftool")"
}

# foreign_status POLICY
foreign_status() {
	run status --dev nvme0 --json
	same 1 $rc "exit code of status"
	check_json status ".controllers[0] | .pins == \"foreign\"
		and (.problems | length) == 1
		and .policy == \"$1\"" status
	json ".controllers[] | select(.controller == \"nvme0\")
		| .pins == \"foreign\"" list
}

step "attached by bpftool, cleared by unload"
attach_by_bpftool "$POLICIES/null.bpf.o"
foreign_status null
says 1 "'null' is attached.*--replace" load --dev nvme0 \
	"$POLICIES/tenants.bpf.o"
ok unload nvme0
clean nvme0
rm -rf /sys/fs/bpf/test_foreign
ok status --dev nvme0

step "its maps can be read and set"
attach_by_bpftool "$POLICIES/rules.bpf.o"
ok set nvme0 rules.3.queue=2 rules.3.opcode=1
ok get nvme0 rules.3.queue
same "rules.3.queue = 2" "$out"

step "taken over by load --replace"
ok load --dev nvme0 --replace "$POLICIES/tenants.bpf.o"
consistent nvme0 tenants
rm -rf /sys/fs/bpf/test_foreign
consistent nvme0 tenants
ok unload nvme0
clean nvme0

step "our pin is taken away while somebody holds the link"
ok load --dev nvme0 "$POLICIES/null.bpf.o"
check mv "$pins/nvme0/null/link" /sys/fs/bpf/test_link
foreign_status null
ok unload nvme0
rm -f /sys/fs/bpf/test_link
clean nvme0

step "the module can go"
wait_for 5 grep -qx 0 /sys/module/nvmesteer/refcnt ||
	fail "$(cat /sys/module/nvmesteer/refcnt) references are left"
check modprobe -r nvmesteer
says 1 "modprobe nvmesteer" status --dev nvme0
says 1 "modprobe nvmesteer" load --dev nvme0 "$POLICIES/null.bpf.o"
check modprobe nvmesteer
ok status --dev nvme0
pass
