#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Every shape of key, value and variable (typed.bpf.c), in the kernel.

. selftests/lib/guest.sh

ctrl=$(ctrl_by_serial copylim) || skip "no drive with serial copylim"
trap 'nvmesteer unload "$ctrl" >/dev/null 2>&1' EXIT

get() { nvmesteer get "$ctrl" "$@"; }

step "variables at load: elements of arrays in structures"
check nvmesteer load --dev "$ctrl" --set wish.mode.2=5 --set wish.limit=1m \
	--set ticks=0x10 --set 'table.{ns=9,op=9}.weight=-7' \
	"$BUILD/selftests/cli/typed.bpf.o"
same "wish.mode.0 = 0
wish.mode.1 = 0
wish.mode.2 = 5
wish.mode.3 = 0
wish.limit = 1048576" "$(get wish)"
same "ticks = 16" "$(get ticks)"
same "fixed = 3" "$(get fixed)"
same "table.{ns=9,op=9}.weight = -7" "$(get 'table.{ns=9,op=9}.weight')"

step "variables while running; neighbours stay"
check nvmesteer set "$ctrl" offset=-2
same "offset = -2 ticks = 16 fixed = 3" "$(echo $(get offset ticks fixed))"
refuse nvmesteer set "$ctrl" wish.limit=1 2>/dev/null
refuse nvmesteer set "$ctrl" offset=2g 2>/dev/null

step "a key that is a structure"
check nvmesteer set "$ctrl" 'table.{ns=1,op=2}.name=fast one' \
	'table.{ns=1,op=2}.color=GREEN' 'table.{ns=1,op=2}.on=true' \
	'table.{ns=1,op=2}.low=5' 'table.{op=2,ns=1}.high=8191' \
	'table.{1,2}.steps.2=65535' 'table.{1,2}.weight=-128'
same 'table.{ns=1,op=2}.weight = -128
table.{ns=1,op=2}.on = true
table.{ns=1,op=2}.low = 5
table.{ns=1,op=2}.high = 8191
table.{ns=1,op=2}.name = "fast one"
table.{ns=1,op=2}.color = GREEN
table.{ns=1,op=2}.steps.0 = 0
table.{ns=1,op=2}.steps.1 = 0
table.{ns=1,op=2}.steps.2 = 65535' "$(get 'table.{ns=1,op=2}')"

step "a value with a lock, a key below zero"
check nvmesteer set "$ctrl" guarded.-1.seen=8 guarded.-1.turn=2
check nvmesteer set "$ctrl" 'guarded.0={turn=1}'
same "guarded.-1.turn = 2 guarded.-1.seen = 8" "$(echo $(get guarded.-1))"
same "guarded.0.turn = 1 guarded.0.seen = 0" "$(echo $(get guarded.0))"
refuse nvmesteer set "$ctrl" guarded.0.lock=1 2>/dev/null

step "what is printed can be set again"
get 'table.{ns=1,op=2}' | sed 's/ = /=/' >/tmp/lines
check nvmesteer unset "$ctrl" 'table.{ns=1,op=2}'
while IFS= read -r line; do
	check nvmesteer set "$ctrl" "$line"
done </tmp/lines
same "$(cat /tmp/lines)" "$(get 'table.{ns=1,op=2}' | sed 's/ = /=/')"

step "a full map"
nvmesteer set "$ctrl" 'table.{ns=3,op=3}.on=1' 2>/tmp/said &&
	fail "a third entry in a map of two"
grep -q "is full (2 entries)" /tmp/said || fail "it says $(cat /tmp/said)"

step "a value of each CPU"
same "# notes: 2 of 2 entries are empty" "$(get notes)"
refuse nvmesteer set "$ctrl" notes.0.what=1 2>/dev/null
nvmesteer get --json "$ctrl" notes.1 |
	grep -q '"value":\[{"what":0,"when":0}' || fail "JSON lacks the CPUs"

step "the list of all"
for name in table guarded notes wish ticks offset fixed; do
	get | grep -q "^$name " || fail "'$name' is not in the list"
done

check nvmesteer unload "$ctrl"
pass
