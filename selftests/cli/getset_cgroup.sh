#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A map whose key is a cgroup's id takes the cgroup's directory for it, with
# dots in its name too, and shows it.

. selftests/lib/guest.sh

ctrl=$(ctrl_by_serial copylim) || skip "no drive with serial copylim"
root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
[ -n "$root" ] || skip "cgroup2 is not mounted"
a=$root/getset.slice b=$root/getset.slice/b.queue
mkdir -p "$b" || fail "cannot make a cgroup"
trap 'nvmesteer unload "$ctrl" >/dev/null 2>&1; rmdir "$b" "$a"' EXIT

check nvmesteer load --dev "$ctrl" "$POLICIES/tenants.bpf.o"

step "by directory"
check nvmesteer set "$ctrl" "tenants.$a.queue=1" \
	'tenants.cgroup:/getset.slice.depth=16'
same "tenants.$a.queue = 1
tenants.$a.depth = 16
tenants.$a.over = 0" "$(nvmesteer get "$ctrl" tenants)"

step "by id: the inode number of the directory"
id=$(stat -c %i "$a")
same "tenants.$a.depth = 16" "$(nvmesteer get "$ctrl" "tenants.$id.depth")"
nvmesteer get --json "$ctrl" tenants |
	grep -q "\"$id\":{\"queue\":1,\"depth\":16,\"over\":0}" ||
	fail "JSON lacks the entry of $id"
nvmesteer get --json "$ctrl" tenants | grep -q "\"$id\":\"$a\"" ||
	fail "JSON lacks the directory of $id"

step "a directory whose name ends like a field, in quotes"
check nvmesteer set "$ctrl" "tenants.\"$b\".queue=2"
same "tenants.$(stat -c %i "$b")" "$(nvmesteer get --json "$ctrl" tenants |
	grep -o "\"[0-9]*\":{\"queue\":2" | sed 's/"\([0-9]*\)".*/tenants.\1/')"

step "an id that is no cgroup stays a number"
check nvmesteer set "$ctrl" 'tenants.999999999={queue=1,depth=4}'
same "tenants.999999999.depth = 4" \
	"$(nvmesteer get "$ctrl" tenants.999999999.depth)"

step "refusals"
refuse nvmesteer set "$ctrl" "tenants.$root/getset.none.queue=1" 2>/dev/null
refuse nvmesteer set "$ctrl" "tenants./tmp.queue=1" 2>/dev/null
refuse nvmesteer get "$ctrl" tenants.1234567 2>/dev/null

step "unset removes"
check nvmesteer unset "$ctrl" tenants.999999999 "tenants.$a" "tenants.\"$b\""
same "# tenants: no entries" "$(nvmesteer get "$ctrl" tenants)"
refuse nvmesteer unset "$ctrl" "tenants.$a" 2>/dev/null

check nvmesteer unload "$ctrl"

step "as a value: a rule's cgroup"
check nvmesteer load --dev "$ctrl" "$POLICIES/rules.bpf.o"
check nvmesteer set "$ctrl" "rules.0.cgroup=$a" \
	'rules.1={cgroup=cgroup:/getset.slice,queue=1}'
same "rules.0.cgroup = $id" "$(nvmesteer get "$ctrl" rules.0.cgroup)"
same "rules.1.cgroup = $id" "$(nvmesteer get "$ctrl" rules.1.cgroup)"
refuse nvmesteer set "$ctrl" "rules.0.queue=$a" 2>/dev/null

check nvmesteer unload "$ctrl"
pass
