#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# A policy is loaded, shown, and unloaded; what is pinned and what the kernel
# says fit at every step; unloading twice is no error.

. selftests/cli/lib/cli.sh

step "load each policy"
for object in "$POLICIES"/*.bpf.o; do
	name=$(basename "$object" .bpf.o)
	json ".controller == \"nvme0\" and .policy == \"$name\"" \
		load --dev nvme0 "$object"
	consistent nvme0 "$name"
	json ".controllers[] | select(.controller == \"nvme0\")
		| .policy == \"$name\" and .pins == \"pinned\"" list
	if [ "$name" = rules ]; then
		ok list
		grep -qE "^nvme0 +attached +rules " <<<"$out" ||
			fail "list says: $out"
		ok status --dev nvme0
		grep -q rules <<<"$out" || fail "status says: $out"
		# maps are pinned under their own names
		for map in rules hits; do
			check bpftool map show pinned \
				"$pins/nvme0/rules/maps/$map" >/dev/null
		done
	fi
	ok unload --dev nvme0
	clean nvme0
done
ok status --dev nvme0

step "unload is idempotent"
ok unload --dev nvme0
ok unload nvme0
ok unload --all
json 1 unload --all
says 1 "nvme0" unload

step "--name and --set"
ok load --dev nvme0 --name gold.1 --set ancestors=0 \
	--set nr_queues=2 --set tenants.4711.queue=2 "$POLICIES/tenants.bpf.o"
same gold.1 "$(attached nvme0)" policy
ok get nvme0 tenants.4711.queue
same "tenants.4711.queue = 2" "$out"
ok get nvme0 ancestors
grep -qw 0 <<<"$out" || fail "ancestors is '$out'"
status '.pins == "pinned"' nvme0
ok unload --dev nvme0
clean nvme0

step "several controllers at once"
for c in nvme0 nvme1 nvme3; do
	ok load --dev $c "$POLICIES/spread.bpf.o"
done
for c in nvme0 nvme1 nvme3; do
	consistent $c spread
done
ok unload nvme1
clean nvme1
consistent nvme0 spread
ok unload --all
for c in nvme0 nvme1 nvme3; do
	clean $c
done

step "no reference to the module is left"
wait_for 5 grep -qx 0 /sys/module/nvmesteer/refcnt ||
	fail "$(cat /sys/module/nvmesteer/refcnt) references"
pass
