#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# copy ended by a signal: nothing under way is left, it says how far it got,
# and the commands it prints copy the rest, so that the result is that of one
# copy; also where it overlaps itself, and when it was ended several times.

. selftests/cli/lib/cli.sh
modprobe nvmesteer

# shellcheck disable=SC2317 # called by a trap
cleanup() {
	slow_drive 0 0
	nvmesteer unload --all >/dev/null 2>&1
}

M=$((1 << 20))
events=/sys/class/nvme/nvme0/steer/events
from=$M
len=$((24 * M))

data() { # OFFSET LEN
	dd if=/dev/nvme0n1 bs=1M skip=$(($1 / M)) count=$(($2 / M)) iflag=direct \
		status=none | md5sum
}

# How many bytes were copied; more than that?
bytes() { awk '/^copy_.*_bytes/ { n += $2 } END { print n }' "$events"; }
# shellcheck disable=SC2317 # called by wait_for
moved() { [ "$(bytes)" -gt "$1" ]; }

# cut SIGNAL CODE COMMAND...: end it when it has begun
cut() {
	local signal=$1 code=$2 before
	shift 2
	before=$(bytes)
	"$@" >"$tmp/out" 2>"$tmp/err" &
	check wait_for 20 moved "$before"
	kill "-$signal" $!
	wait $!
	same "$code" $? "exit code after SIG$signal: $(<"$tmp/err")"
	grep -q "^nvmesteer: SIG$signal ended it: copied .* of [0-9.]* MiB (" "$tmp/err" ||
		fail "it says: $(<"$tmp/err")"
}

dd if=/dev/urandom of=/dev/nvme0n1 bs=1M count=32 oflag=direct status=none
ok load --dev nvme0 null

step "ended, and continued"
want=$(data "$from" "$len")
slow_drive 20000000 0
cut INT 130 nvmesteer copy --from "nvme0n1:$from+$len" --to nvme0n1:128M --emulate
slow_drive 0 0
same 1 "$(wc -l <"$tmp/out")" "commands"
grep -q -- "--emulate$" "$tmp/out" || fail "without its options: $(<"$tmp/out")"
check bash -e "$tmp/out" >/dev/null
same "$want" "$(data $((128 * M)) "$len")" "what was copied"

step "nothing is written after it has ended"
slow_drive 20000000 0
cut TERM 143 nvmesteer copy --from "nvme0n1:$from+$len" --to nvme0n1:192M --queue-depth 1
slow_drive 0 0
before=$(data $((192 * M)) "$len")
same "$before" "$(data $((192 * M)) "$len")" "what is there"
rest=$(sed -E 's/.*--from nvme0n1:([0-9]+)\+([0-9]+) --to nvme0n1:([0-9]+) .*/\1 \2 \3/' "$tmp/out")
read -r a b c <<<"$rest"
same $((from + len)) $((a + b)) "end of what is left"
same $((192 * M - from)) $((c - a)) "distance"

step "as JSON"
slow_drive 20000000 0
cut INT 130 nvmesteer copy --from "nvme0n1:$from+12M" --from "nvme0n1:$((from + 12 * M))+12M" \
	--to nvme0n1:128M --json
slow_drive 0 0
jq -e --argjson len "$len" '.signal == "SIGINT" and .copied > 0 and
	.copied < .len and .len == $len and (.continue | length == 1) and
	([.ranges[].done] | add) == .copied and .ranges[1].status == -4' \
	"$tmp/out" >/dev/null || fail "JSON: $(<"$tmp/out")"
jq -r '.continue[]' "$tmp/out" >"$tmp/rest"
check bash -e "$tmp/rest" >/dev/null
same "$want" "$(data $((128 * M)) "$len")" "what was copied"

step "progress, on a terminal only"
slow_drive 20000000 0
script -qec "nvmesteer copy --from nvme0n1:$from+12M --to nvme0n1:128M" /dev/null \
	>"$tmp/out" </dev/null
slow_drive 0 0
grep -qE $'\r [ 0-9]{2}% \\[=*> *\\] [0-9.]+ MiB of 12.0 MiB, [0-9.]+ [KM]iB/s, 0:[0-9]{2} left' "$tmp/out" ||
	fail "no progress: $(cat -v "$tmp/out")"
grep -q "^.*copied 12.0 MiB" "$tmp/out" || fail "no end: $(cat -v "$tmp/out")"

step "moved over itself, both ways, ended twice"
for to in $((from + 4 * M)) $((from + 3 * M)); do
	slow_drive 20000000 0
	cut INT 130 nvmesteer copy --from "nvme0n1:$from+$len" --to "nvme0n1:$to"
	same 1 "$(wc -l <"$tmp/out")" "commands"
	read -ra command <"$tmp/out"
	cut INT 130 "${command[@]}"
	slow_drive 0 0
	check bash -e "$tmp/out" >/dev/null
	same "$want" "$(data "$to" "$len")" "what was moved to $to"
	from=$to
done
pass
