#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# copy on a drive that is made slow: --queue-depth is how many commands are
# under way, a policy leaves something to others by itself, and --verify finds
# what was written over meanwhile.

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
to=$((128 * M))

# Commands under way on queue 1, where copies go.
under_way() {
	[[ $(steer nvme0 queues) =~ $'\n1 '[^$'\n']*" inflight="([0-9]+) ]] &&
		printf %s "${BASH_REMATCH[1]}"
}
# shellcheck disable=SC2317 # called by wait_for
at_least() { [ "$(under_way)" -ge "$1" ]; }

# How many bytes were copied; any since?
bytes() { awk '/^copy_.*_bytes/ { n += $2 } END { print n }' "$events"; }
# shellcheck disable=SC2317 # called by wait_for
moved() { [ "$(bytes)" -gt "$1" ]; }

# fill BYTE OFFSET LEN
fill() {
	head -c "$3" /dev/zero | tr '\0' "\\$1" |
		dd of=/dev/nvme0n1 bs=1M seek="$2" iflag=fullblock \
			oflag=direct,seek_bytes status=none
}

fill 245 "$from" $((16 * M))
ok load --dev nvme0 --set max_depth=64 copyemu

# limited DEPTH ARG...: a copy has so many commands under way, and never more
limited() {
	local depth=$1 copy n i
	shift
	slow_drive 0 3
	nvmesteer copy --to "nvme0n1:$to" "$@" >"$tmp/out" 2>"$tmp/err" &
	copy=$!
	wait_for 20 at_least "$depth" ||
		fail "$(under_way) commands under way, not $depth: $*"
	for ((i = 0; i < 5; i++)); do
		n=$(under_way)
		[ "$n" -le "$depth" ] ||
			fail "$n commands under way, not $depth: $*"
	done
	slow_drive 0 0
	wait $copy || fail "$*: $(<"$tmp/err")"
}

step "--queue-depth"
for depth in 1 6; do
	limited $depth --from "nvme0n1:$from+4M" --queue-depth $depth
done
limited 16 --from "nvme0n1:$from+4M"

step "without, by a policy as it is"
ok load --dev nvme0 --replace copyemu
limited 2 --from "nvme0n1:$from+1M"
# the first copy has two, three more one each
limited 5 --from "nvme0n1:$from+4M"

step "--verify"
fill 0 "$to" $((16 * M))
slow_drive 0 8
before=$(bytes)
# a piece at a time: the first one is done when any is
nvmesteer copy --from "nvme0n1:$from+16M" --to "nvme0n1:$to" --verify --json \
	--queue-depth 1 >"$tmp/out" 2>"$tmp/err" &
copy=$!
wait_for 20 moved "$before" || fail "nothing is copied: $(<"$tmp/err")"
fill 132 $((to + 4096)) 512
slow_drive 0 0
wait $copy
same 1 $? "exit code of a copy that differs: $(<"$tmp/err")"
same "nvmesteer: the copy differs: byte $((to + 4096)) of nvme0n1 is 0x5a, byte $((from + 4096)) of nvme0n1 is 0xa5; was either written meanwhile?" \
	"$(<"$tmp/err")" "what it says"
jq -e '.verified == false and .copied == .len and (.error | test("differs"))' \
	"$tmp/out" >/dev/null || fail "JSON: $(<"$tmp/out")"
pass
