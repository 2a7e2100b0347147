#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# nvmesteer get, set and unset on an array of structures, on counters and on
# variables: what is set is what the kernel has (bpftool's view: the pin), and
# every refusal leaves things as they were and says why.

. selftests/lib/guest.sh

ctrl=$(ctrl_by_serial copylim) || skip "no drive with serial copylim"
trap 'nvmesteer unload "$ctrl" >/dev/null 2>&1' EXIT

# says WORDS COMMAND...: COMMAND fails, and its message has WORDS.
says() {
	local words=$1 text
	shift
	text=$("$@" 2>&1 >/dev/null) && fail "succeeded: $*"
	case $text in
	*"$words"*) ;;
	*) fail "'$*' says '$text', which lacks '$words'" ;;
	esac
}

# code NUMBER COMMAND...
code() {
	local want=$1 got
	shift
	"$@" >/dev/null 2>&1
	got=$?
	same "$want" "$got" "exit code of '$*'"
}

step "before there is a policy"
says "no policy is attached to $ctrl" nvmesteer get "$ctrl"
code 2 nvmesteer set "$ctrl"
code 2 nvmesteer set "$ctrl" rules.1.queue
code 2 nvmesteer unset "$ctrl"
code 0 nvmesteer get --help

step "load with --set: a tunable, and a map's entry"
check nvmesteer load --dev "$ctrl" --set queue_depth=64 \
	--set rules.1.queue=1 "$POLICIES/rules.bpf.o"
same "queue_depth = 64" "$(nvmesteer get "$ctrl" queue_depth)"
same "rules.1.queue = 1" "$(nvmesteer get "$ctrl" rules.1.queue)"

step "set a field, and read it three ways"
check nvmesteer set "$ctrl" rules.3.queue=2 rules.3.max_bytes=4k
same "rules.3.queue = 2" "$(nvmesteer get "$ctrl" rules.3 | grep queue)"
same "rules.3.max_bytes = 4096" "$(nvmesteer get "$ctrl" rules.3.max_bytes)"
same 2 "$(nvmesteer get --json "$ctrl" rules.3 |
	grep -o '"queue":[0-9]*' | cut -d: -f2)" "JSON's queue"
nvmesteer get --json "$ctrl" | grep -q '^{"schema":"nvmesteer.get/1",' ||
	fail "JSON does not begin with its schema"

step "a whole element, and all of the map"
check nvmesteer set "$ctrl" 'rules.2={queue=3,cgroup=17}'
same "rules.2.cgroup = 17" "$(nvmesteer get "$ctrl" rules.2.cgroup)"
same "# rules: 61 of 64 entries are empty" \
	"$(nvmesteer get "$ctrl" rules | tail -n 1)"

step "what cannot be set says so, and is not set"
says "did you mean 'queue'?" nvmesteer set "$ctrl" rules.3.quue=4
says "did you mean 'rules'?" nvmesteer set "$ctrl" rule.3.queue=4
says "(0 to 63)" nvmesteer set "$ctrl" rules.64.queue=4
says "out of range for u32 field 'queue' (0 to 4294967295)" \
	nvmesteer set "$ctrl" rules.3.queue=4294967296
says "is not a number" nvmesteer set "$ctrl" rules.3.queue=two
says "use --set at load" nvmesteer set "$ctrl" queue_depth=32
says "read-only" nvmesteer set "$ctrl" hits.0=1
says "name one of its entries" nvmesteer set "$ctrl" rules=1
same "rules.3.queue = 2" "$(nvmesteer get "$ctrl" rules.3.queue)"
same "queue_depth = 64" "$(nvmesteer get "$ctrl" queue_depth)"

step "of several, none is set when one is wrong"
code 1 nvmesteer set "$ctrl" rules.4.queue=1 rules.4.uid=-1 rules.4.nsid=1
same "rules.4.queue = 0" "$(nvmesteer get "$ctrl" rules.4.queue)"
same "rules.4.nsid = 0" "$(nvmesteer get "$ctrl" rules.4.nsid)"

step "unset"
check nvmesteer unset "$ctrl" rules.3.max_bytes rules.2
same "rules.3.max_bytes = 0" "$(nvmesteer get "$ctrl" rules.3.max_bytes)"
same "rules.3.queue = 2" "$(nvmesteer get "$ctrl" rules.3.queue)"
same "rules.2.cgroup = 0" "$(nvmesteer get "$ctrl" rules.2.cgroup)"
says "always there" nvmesteer unset "$ctrl" queue_depth

step "a wrong key prints nothing on stdout"
same "" "$(nvmesteer get --json "$ctrl" rules.3 nothing 2>/dev/null)"

check nvmesteer unload "$ctrl"
pass
