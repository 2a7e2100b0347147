#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Several command lines at once: they wait for each other, one load wins and
# the others say who has, nothing is lost that two of them set.
#
# timeout: 300

. selftests/cli/lib/cli.sh

step "of several loads one wins, the others say so"
for round in 1 2 3; do
	for i in 1 2 3 4; do
		(
			nvmesteer load --dev nvme0 "$POLICIES/spread.bpf.o" \
				>"$tmp/out$i" 2>"$tmp/err$i"
			echo $? >"$tmp/rc$i"
		) &
	done
	wait
	same 1 "$(cat "$tmp"/rc? | grep -cx 0)" "loads that won in round $round"
	for i in 1 2 3 4; do
		[ "$(<"$tmp/rc$i")" = 0 ] ||
			grep -q "is attached.*EBUSY" "$tmp/err$i" ||
			fail "a loser says: $(<"$tmp/err$i")"
	done
	consistent nvme0 spread
	ok unload nvme0
	clean nvme0
done

step "replacements end with one of them, consistent"
ok load --dev nvme0 "$POLICIES/null.bpf.o"
for name in spread tenants rules class null; do
	(nvmesteer load --dev nvme0 --replace "$POLICIES/$name.bpf.o" \
		>/dev/null 2>"$tmp/err_$name" || cat "$tmp/err_$name" >>"$tmp/bad") &
done
wait
[ ! -s "$tmp/bad" ] || fail "a replacement failed: $(<"$tmp/bad")"
consistent nvme0 "$(attached nvme0)"

step "loads and unloads at once"
for i in 1 2 3; do
	(nvmesteer load --dev nvme0 --replace "$POLICIES/tenants.bpf.o" \
		>/dev/null 2>"$tmp/e1$i" || cat "$tmp/e1$i" >>"$tmp/bad") &
	(nvmesteer unload nvme0 >/dev/null 2>"$tmp/e2$i" ||
		cat "$tmp/e2$i" >>"$tmp/bad") &
done
wait
[ ! -s "$tmp/bad" ] || fail "one failed: $(<"$tmp/bad")"
is_none nvme0 || consistent nvme0 tenants
ok unload nvme0
clean nvme0

step "fields of one entry set at once"
ok load --dev nvme0 "$POLICIES/rules.bpf.o"
fields=(queue nsid opcode uid min_bytes max_bytes)
for round in 1 2 3; do
	for i in "${!fields[@]}"; do
		nvmesteer set nvme0 "rules.5.${fields[i]}=$((round * 10 + i))" &
	done
	wait
	for i in "${!fields[@]}"; do
		ok get nvme0 "rules.5.${fields[i]}"
		same "rules.5.${fields[i]} = $((round * 10 + i))" "$out"
	done
done
ok unload nvme0
pass
