#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# copy: with each option, by each name of a device, within and across
# namespaces and controllers, with overlaps; what is copied is compared by the
# block device, and the result is told in text and JSON.

. selftests/cli/lib/cli.sh
modprobe nvmesteer

# shellcheck disable=SC2317 # called by a trap
cleanup() {
	nvmesteer unload --all >/dev/null 2>&1
	dd if=/dev/zero of=/dev/nvme0n2 bs=512 count=1 oflag=direct status=none
	blockdev --rereadpt /dev/nvme0n2
}

# data DEV OFFSET LEN: what the block device reads there
data() {
	dd if="/dev/$1" bs=1M skip="$2" count="$3" status=none \
		iflag=direct,skip_bytes,count_bytes
}

fill() { # DEV MIB
	dd if=/dev/urandom of="/dev/$1" bs=1M count="$2" oflag=direct status=none
}

# copied DEV OFFSET LEN TO OFFSET: it is there
copied() {
	cmp <(data "$1" "$2" "$3") <(data "$4" "$5" "$3") ||
		fail "$1:$2+$3 is not at $4:$5"
}

M=$((1 << 20))
fill nvme0n1 16
for c in nvme0 nvme1 nvme3 nvme4; do
	ok load --dev $c null
done

step "text and JSON"
ok copy --from nvme0n1:0+1M --to nvme0n1:32M
[[ $out =~ ^"copied 1.0 MiB (1048576 bytes) to nvme0n1:33554432 in "[0-9.]+" s, "[0-9.]+" "[KMG]iB/s,\ (offload|split|emulate|hybrid)$ ]] ||
	fail "it says '$out'"
[ -z "$err" ] || fail "on standard error: $err"
copied nvme0n1 0 $M nvme0n1 $((32 * M))
json '.copied == 1048576 and .len == 1048576 and .verified == null and
	.seconds > 0 and .bytes_per_second > 0 and .status == 0 and
	.error == null and .signal == null and .continue == [] and
	.to == "/dev/ng0n2" and .to_offset == 4096 and .ranges == [{"from":
	"ng0n1", "offset": 512, "len": 1048576, "done": 1048576,
	"backwards": false, "status": 0}]' \
	copy --from ng0n1:0x200+1MiB --to /dev/ng0n2:4k
copied nvme0n1 0 4096 nvme0n1 $((32 * M))

step "each option"
to=32
# option, and the path it must take
while IFS=, read -r options path; do
	to=$((to + 4))
	# shellcheck disable=SC2086 # words
	ok copy --from nvme0n1:$M+3M --to nvme0n1:${to}M $options
	[[ $out =~ ", "($path)(", verified")?$ ]] || fail "$options: $out"
	copied nvme0n1 $M $((3 * M)) nvme0n1 $((to * M))
done <<-'LIST'
	--auto,.*
	--offload,offload|split
	--emulate,emulate
	--emulate --fua,emulate
	--offload --fua --queue-depth 1,offload|split
	--queue-depth 5,.*
	--emulate --queue-depth 64,emulate
	--emulate --verify,emulate
LIST
[[ $out == *", verified" ]] || fail "it says '$out'"

step "every name of a device"
# a partition from 4 MiB on, 8 MiB long
{
	head -c 446 /dev/zero
	printf '\0\0\0\0\203\0\0\0\0\040\0\0\0\100\0\0'
	head -c 48 /dev/zero
	printf '\125\252'
} >/dev/nvme0n2
blockdev --rereadpt /dev/nvme0n2
check wait_for 5 test -b /dev/nvme0n2p1
ln -s /dev/nvme0n1 "$tmp/a:link"
from=0
for name in nvme0n1 /dev/nvme0n1 ng0n1 /dev/ng0n1 "$tmp/a:link"; do
	from=$((from + M))
	ok copy --from "$name:$from+64k" --to nvme0n2p1:1M --verify
	copied nvme0n1 $from 65536 nvme0n2 $((5 * M))
	ok copy --from nvme0n2p1:1M+64k --to "$name:100M"
	copied nvme0n1 $from 65536 nvme0n1 $((100 * M))
done
ok copy --from nvme0n2p1:7M --to nvme0n1:104M
[[ $out == "copied 1.0 MiB "* ]] || fail "to the end: $out"
copied nvme0n2 $((11 * M)) $M nvme0n1 $((104 * M))

step "several ranges, of several controllers and block sizes"
fill nvme1n1 2
fill nvme3n1 2
ok copy --from nvme0n1:4k+64k --from nvme1n1:1M+128k --from nvme3n1:64k+1M \
	--from nvme0n1:2M+512k --to nvme3n1:16M --verify
at=$((16 * M))
for r in "nvme0n1 4096 65536" "nvme1n1 $M 131072" "nvme3n1 65536 $M" \
	"nvme0n1 $((2 * M)) 524288"; do
	# shellcheck disable=SC2086 # words
	copied $r nvme3n1 $at
	at=$((at + ${r##* }))
done
json '.copied == 1048576 and .ranges[0].done == 1048576' \
	copy --from nvme3n1:1M+1M --to nvme4n1:3M --verify

step "overlaps: moved"
for shift in 524288 4096 $((2 * M)) -524288 -4096 -$((2 * M)); do
	to=$((8 * M + shift))
	data nvme0n1 $((8 * M)) $((5 * M)) >"$tmp/before"
	ok copy --from nvme0n1:8M+5M --to nvme0n1:$to
	data nvme0n1 $to $((5 * M)) >"$tmp/after"
	cmp "$tmp/before" "$tmp/after" || fail "moved by $shift"
done
json '.ranges[0].backwards' copy --from nvme0n1:8M+1M --to nvme0n1:$((8 * M + 512))
json '.ranges[0].backwards | not' copy --from nvme0n1:8M+1M --to nvme0n1:$((8 * M - 512))

step "many small ranges"
args=()
for i in {0..99}; do args+=(--from "nvme0n1:$((i * 8192))+4k"); done
ok copy "${args[@]}" --to nvme1n1:4M --verify

step "limits"
json '.copy | length == 2 and (.[0] | .nsid == 1 and .mssrl_blocks == 256 and
	.mcl_blocks == 2048 and .msrc == 128 and .max_hw_bytes == 1048576 and
	.max_bytes == 1048576 and (.formats | index(0) != null))' limits nvme0
json '.copy[0].formats == [] and .copy[0].max_hw_bytes == 0' limits nvme1
json '.controllers[0].copy[0].nsid == 1' status nvme0
ok limits nvme0 1=64k
[ -z "$out" ] || fail "it says: $out"
json '.copy[0].max_bytes == 65536 and .copy[1].max_bytes == 1048576' limits --dev nvme0
ok copy --from nvme0n1:0+1M --to nvme0n1:200M --offload --verify
[[ $out == *", split, verified" ]] || fail "it says: $out"
json '.copy[0].max_bytes == 0' limits nvme0 1=0
ok copy --from nvme0n1:0+1M --to nvme0n1:200M --verify
[[ $out == *", emulate, verified" ]] || fail "it says: $out"
says 3 "cannot copy this by itself; leave out --offload.*EOPNOTSUPP" \
	copy --from nvme0n1:0+1M --to nvme0n1:200M --offload
step "copy_max_bytes, as a file"
max=/sys/class/nvme/nvme0/steer/copy_max_bytes all=$(((1 << 63) - 1))
ok limits nvme0 1=64k 2=0
printf '1 65536\n2 0\n' | cmp - $max || fail "it holds: $(cat $max)"
cat $max >"$tmp/max"
printf '2 %s\n' $all >$max || fail "cannot write a line"
printf '1 65536\n2 %s\n' $all | cmp - $max || fail "it holds: $(cat $max)"
# what was read may be written
cat "$tmp/max" >$max || fail "cannot write what it held"
cmp "$tmp/max" $max || fail "it holds: $(cat $max)"
for wrong in x 1 '1 x' '1 -1' '1 512 3' '1 512x' '77 512' '1 1
x 2'; do
	! printf '%s' "$wrong" >$max 2>/dev/null || fail "it takes '$wrong'"
done
printf '1 1\n2 0\n' | cmp - $max || fail "it holds: $(cat $max)"
[ "$(stat -c %a $max)" = 644 ] || fail "its mode is $(stat -c %a $max)"
ok limits nvme0 1=max 2=max
printf '1 18446744073709551615\n2 18446744073709551615\n' | cmp - $max ||
	fail "it holds: $(cat $max)"
ok status nvme0
grep -q 'copy  *namespace 1: 1.0 MiB a command, 128 ranges of 256 blocks, 2048 in all' \
	<<<"$out" || fail "status says: $out"

step "counters"
ok stats nvme0
grep -qE '^copy_emulated_bytes  +[0-9.]+ MiB$' <<<"$out" || fail "stats says: $out"
grep -qE '^copy_emulated  +[0-9]+$' <<<"$out" || fail "stats says: $out"
grep -qE '^copy_split_bytes  +[0-9.]+ MiB$' <<<"$out" || fail "stats says: $out"
grep -qE '^copy_refused  +[1-9][0-9]*$' <<<"$out" || fail "stats says: $out"
# each counter, and its bytes wherever there is something to count
events=$(nvmesteer stats --json nvme0 | jq .events)
for path in offloaded split emulated hybrid failed; do
	jq -e --arg c copy_$path --arg b copy_${path}_bytes \
		'has($c) and has($b) and (.[$c] > 0) == (.[$b] > 0)' \
		<<<"$events" >/dev/null || fail "$path: $events"
done
# of 1 MiB by Copy commands of 64 KiB
ok limits nvme0 1=64k
ok copy --from nvme0n1:0+1M --to nvme0n1:200M --offload
more=$(nvmesteer stats --json nvme0 |
	jq -r --argjson e "$events" '.events | .copy_split_bytes - $e.copy_split_bytes')
[ "$more" = $M ] || fail "1 MiB split is $more bytes of copy_split_bytes"
ok limits nvme0 1=max
pass
