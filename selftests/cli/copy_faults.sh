#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# copy from and to a drive with bad sectors: the status in words, how far each
# range got, and a command that continues, which succeeds where the fault was
# for once.
#
# vm: --drives copy

. selftests/cli/lib/cli.sh
modprobe nvmesteer
drive=$(ctrl_by_serial faulty)
bad=${drive}n1
ok load --dev "$drive" null
ok load --dev nvme0 null
dd if=/dev/urandom of=/dev/nvme0n1 bs=1M count=2 oflag=direct status=none

step "a sector that cannot be read"
for how in --offload --emulate; do
	run copy --from "$bad:$((119992 * 512))+64k" --to "$bad:0" $how
	same 1 $rc "exit code of $how"
	[[ $err =~ ^"nvmesteer: copied "[0-9.]+" "[Ki]*"B of 64.0 KiB ("([0-9]+)" bytes), then $bad:61435904+65536 failed: NVMe status 0x281, unrecovered read error; 'dmesg' tells which blocks" ]] ||
		fail "it says: $err"
	done=${BASH_REMATCH[1]}
	[ "$done" -le 4096 ] || fail "$done bytes before sector 8"
	[ "$done" = 0 ] || same \
		"nvmesteer copy --from $bad:$((61435904 + done))+$((65536 - done)) --to $bad:$done $how" \
		"$out" "continues with"
done

step "which range, in JSON and as a table"
ranges=(--from "nvme0n1:0+128k" --from "$bad:$((120000 * 512))+4k" --from "nvme0n1:1M+64k")
run copy "${ranges[@]}" --to nvme0n2:1M --json
same 1 $rc "exit code"
check_json copy '.copied >= 131072 and .copied < 135168 and .status == 641 and
	([.ranges[].status] == [0, 641, -125]) and (.continue | length == 1) and
	.ranges[0].done == 131072 and (.error | test("0x281"))' "a bad range"
run copy "${ranges[@]}" --to nvme0n2:1M
same 4 "$(grep -cE '^(FROM|nvme)[^:]* ' <<<"$err")" "lines of the table: $err"
grep -qE "^$bad +61440000 +4096 +[0-9]+  0x281$" <<<"$err" || fail "the table is $err"
grep -qE '^nvme0n1 +1048576 +65536 +0  ECANCELED$' <<<"$err" || fail "the table is $err"

step "a sector that cannot be written"
says 1 "NVMe status 0x280, write fault" copy --from nvme0n1:0+4k \
	--to "$bad:$((130000 * 512))" --emulate

step "a fault for once: continued"
for ((i = 0; i < 3; i++)); do
	to=$(((109000 + 1000 * i + 900) * 512))
	run copy --from nvme0n1:0+1M --to "$bad:$to" --emulate
	[ $rc = 0 ] || [ -z "$out" ] || { check bash -e <<<"$out" >/dev/null; }
	[ $rc = 0 ] || [ -n "$out" ] ||
		ok copy --from nvme0n1:0+1M --to "$bad:$to" --emulate
	cmp <(dd if=/dev/nvme0n1 bs=1M count=1 iflag=direct status=none) \
		<(dd if="/dev/$bad" bs=1M skip=$to count=1 iflag=direct,skip_bytes status=none) ||
		fail "something else is there"
done
pass
