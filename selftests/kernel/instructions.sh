#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# What commands cost, in executed instructions, and that the benchmark which
# says so can be trusted: the bounds are wide, but a path that becomes slower
# than the driver's own, or a counter that stops counting, is found here.
#
# vm: --icount
# timeout: 300

# shellcheck disable=SC2016 # jq's own variables

. selftests/lib/guest.sh
. tools/bench/lib.sh

dev=$(bench_device) || fail "no drive with two paths"
check is_head "$dev"
block=/dev/nvme${dev#/dev/ng}
tmp=$TEST_TMP

# measure NAME ROW...: writes $tmp/NAME.json, a row a line
measure() {
	"$BENCH" --write --rounds 7 "$dev" "${@:2}" >"$tmp/$1.json" ||
		fail "cannot measure: ${*:2}"
}

# of NAME ROW KEY
of() {
	jq -r --arg row "$2" --arg key "$3" \
		'select(.row == $row) | .[$key]' "$tmp/$1.json"
}

# holds JQ-CONDITION WHAT, with files' rows as $stock and $spread
holds() {
	jq -n -e --slurpfile stock "$tmp/stock.json" \
		--slurpfile spread "$tmp/spread.json" "
		def row(f; \$r): f[] | select(.row == \$r);
		$1" >/dev/null || {
		jq -c '{ row, insn_per_io, steered_per_io, doorbells_per_io,
			verified_bytes }' "$tmp/stock.json" "$tmp/spread.json"
		fail "$2"
	}
}

one=passthru,poll,fixed
many=passthru,batch=32,poll,fixed
few=passthru,batch=32,reap=2,poll,fixed
wait=passthru,batch=8,fixed
large=passthru,bytes=128k,batch=4,poll
write=passthru,batch=4,bytes=4k,write
rows=("$one" "$many" "$few" "$wait" "$large" "$write")

trap 'nvmesteer unload --all >/dev/null 2>&1' EXIT
step 'the floor'
measure floor nop,batch=32,poll
floor=$(of floor nop,batch=32,poll insn_per_io)
check test "${floor%.*}" -gt 200
check test "${floor%.*}" -lt 400

step 'with nothing attached, and under a policy'
measure stock "${rows[@]}" ioctl block,batch=8,poll,fixed
check attach spread "$dev"
measure spread "${rows[@]}"
check detach "$dev"

holds '[$stock[] | .steered_per_io] | all(. == 0)' \
	'commands were steered without a policy'
holds '[$spread[] | .steered_per_io] | all(. == 1)' \
	'commands were not steered'
holds '[$stock[], $spread[] | .verified_bytes == 7 * .batch * .bytes]
	| all' 'not every byte was compared'

# With room for what a compiler or a kernel update changes.
for r in "$one" "$many"; do
	holds "row(\$spread; \"$r\").insn_per_io <
		1.1 * row(\$stock; \"$r\").insn_per_io" \
		"$r: steered commands are slower than the driver's own path"
done
holds "row(\$spread; \"$many\").insn_per_io <=
	row(\$spread; \"$few\").insn_per_io + 1" \
	'reaping 32 at a time costs more than reaping 2'
holds "row(\$spread; \"$many\") | .insn_per_io > $floor and
	.doorbells_per_io > 0 and .doorbells_per_io <= 1.2 and
	.interrupts_per_io == 0" 'polled: implausible counters'
holds "row(\$spread; \"$one\").doorbells_per_io <= 2.2" \
	'one command takes more than two doorbell writes'
holds "row(\$spread; \"$wait\") | .interrupts_per_io > 0 and
	.interrupts_per_io <= 1" 'implausible interrupts'

step 'a difference in the data is found'
check dd if=/dev/urandom of="$block" bs=64k count=1 oflag=direct status=none
"$BENCH" --rounds 10000 "$dev" passthru,batch=8,poll >"$tmp/out" \
	2>"$tmp/err" &
bench=$!
# It has read what must be there once its ring exists.
# shellcheck disable=SC2317 # called by wait_for
has_ring() { readlink /proc/"$bench"/fd/* | grep -q io_uring; }
check wait_for 30 has_ring
check dd if=/dev/urandom of="$block" bs=64k count=1 oflag=direct status=none
wait $bench
same 1 $? "exit code with data changed"
check grep -q 'command 0, byte 0: got' "$tmp/err"

step 'what is in use is not written to'
check mkswap -q "$block"
check swapon "$block"
refuse "$BENCH" --write "$dev" passthru 2>"$tmp/err"
check grep -q EBUSY "$tmp/err"
check "$BENCH" "$dev" passthru,poll,fixed >/dev/null
check swapoff "$block"

step 'the wall clock'
check "$BENCH" --seconds 0.05 "$dev" \
	passthru,batch=4,depth=16,reap=2,poll,fixed ioctl >"$tmp/clock.json"
check jq -e 'select(.iops > 0 and .latency_p50_us > 0 and
	.latency_max_us >= .latency_p50_us and .verified_bytes > 0)' \
	"$tmp/clock.json" >/dev/null

step 'wrong use'
for r in nosuch passthru,batch=0 passthru,batch=129 passthru,bytes=100 \
	passthru,what ioctl,poll passthru,write; do
	"$BENCH" "$dev" "$r" >"$tmp/out" 2>"$tmp/err"
	same 2 $? "exit code for row '$r'"
	[ -s "$tmp/err" ] || fail "nothing is said about row '$r'"
done
"$BENCH" /dev/null nop 2>"$tmp/err"
same 2 $? "exit code for /dev/null"
pass
