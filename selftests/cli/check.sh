#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Verifying without attaching: what is in a policy, whether the kernel takes
# it, and that nothing is left behind by asking.

. selftests/cli/lib/cli.sh

step "every policy"
for object in "$POLICIES"/*.bpf.o; do
	name=$(basename "$object" .bpf.o)
	ok check "$object"
	grep -q "$name" <<<"$out" || fail "check says: $out"
	json ".policy == \"$name\"" check "$object"
	clean nvme0
done
ok check "$POLICIES/tenants.bpf.o"
for word in init route tenants ancestors; do
	grep -q "$word" <<<"$out" || fail "check does not name $word: $out"
done
json '.ops | sort == ["batch", "copied", "copy", "exit", "init", "path", "route"]' \
	check "$BUILD/selftests/bpf/must_load_all_ops.bpf.o"

step "one the kernel refuses"
run check "$BUILD/selftests/bpf/must_reject_write_cmd.bpf.o"
same 1 $rc "exit code: $out $err"
grep -q "read-only" <<<"$err" || fail "no reason: $err"
run check "$BUILD/selftests/bpf/must_reject_unknown_kfunc.bpf.o"
same 3 $rc "exit code: $out $err"

step "while a policy is attached"
ok load --dev nvme0 "$POLICIES/null.bpf.o"
ok check "$POLICIES/tenants.bpf.o"
consistent nvme0 null
ok unload nvme0

step "nothing is left"
clean nvme0
wait_for 5 grep -qx 0 /sys/module/nvmesteer/refcnt ||
	fail "$(cat /sys/module/nvmesteer/refcnt) references to the module"
pass
