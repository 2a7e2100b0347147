#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# A policy replaces another, or itself, without the link changing; a
# replacement that fails leaves the old one as it was, pins and all.

. selftests/cli/lib/cli.sh

link() { steer nvme0 link; }

step "without a policy --replace just loads"
json '.policy == "null"' load --dev nvme0 --replace "$POLICIES/null.bpf.o"
consistent nvme0 null
id=$(link)

step "by another, by itself"
for name in rules rules spread null; do
	ok load --dev nvme0 --replace "$POLICIES/$name.bpf.o"
	consistent nvme0 "$name"
	same "$id" "$(link)" "link id"
done

step "the new one's maps are at the pinned path"
ok load --dev nvme0 --replace "$POLICIES/rules.bpf.o"
ok set nvme0 rules.0.queue=7
ok load --dev nvme0 --replace --set rules.0.queue=5 "$POLICIES/rules.bpf.o"
ok get nvme0 rules.0.queue
same "rules.0.queue = 5" "$out"
bpftool -j map lookup pinned "$pins/nvme0/rules/maps/rules" key 0 0 0 0 |
	jq -e '.formatted.value.queue == 5' >/dev/null ||
	fail "the pinned map is not the attached policy's"

step "failures keep the old"
before=$(bpftool -j map show pinned "$pins/nvme0/rules/maps/rules" | jq .id)
fails() {
	run load --dev nvme0 --replace "$@"
	[ $rc != 0 ] || fail "load --replace $* worked"
	consistent nvme0 rules
	same "$id" "$(link)" "link id"
	ok get nvme0 rules.0.queue
	same "rules.0.queue = 5" "$out"
	same "$before" "$(bpftool -j map show pinned \
		"$pins/nvme0/rules/maps/rules" | jq .id)" "id of the map"
}
# refused by the verifier, by the module, by itself, and by libbpf
for bad in endless flags by_init unknown_op; do
	fails "$BUILD/selftests/bpf/must_reject_$bad.bpf.o"
done
fails --set nr_queues=120 "$POLICIES/tenants.bpf.o"
fails --set nonsense=1 "$POLICIES/tenants.bpf.o"
fails --set tenants.1.nonsense=1 "$POLICIES/tenants.bpf.o"
fails --set nr_queues=120 "$POLICIES/rules.bpf.o"

step "the exit file tells what became of the old"
ok load --dev nvme0 --replace "$POLICIES/null.bpf.o"
status '.last_exit | .kind == "replaced" and .policy == "rules"' nvme0
ok unload nvme0
clean nvme0
status '.last_exit | .kind == "unload" and .policy == "null"' nvme0
pass
