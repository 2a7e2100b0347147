#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# How many times fewer instructions a copy by nvmesteer takes than a program
# that reads and writes for itself. The bounds are below what was measured, for
# what a compiler or a kernel update changes. The program asks once the drive is
# done; a small polled copy takes a call more when the drive has not written
# before the call is over in which it was told to, which is the drive's time and
# not the copy's work; that much is left to each. kernel/copy_wait has a drive
# that needs no time. An emulated copy by interrupts has as many as it has
# commands at most: of one range that is what is measured; of eight the bounds
# leave room for more than there were.
#
# vm: --icount
# timeout: 300

. selftests/lib/guest.sh
. tools/bench/lib.sh
. selftests/lib/ratios.sh

dev=$(bench_device) || fail "no drive with two paths"
check is_head "$dev"

# POLICY ROW, times fewer than PLAIN and than BEST loop: no copy is dearer than
# either, by interrupts neither
copies_are '
copyemu copy,bytes=4k,ranges=1,poll   2.4 2.4
copyemu copy,bytes=8k,ranges=1,poll   4.9 2.4
copyemu copy,bytes=4k,ranges=8,poll   8   4.8
copyemu copy,bytes=8k,ranges=8,poll   22  4.8
copyemu copy,bytes=64k,ranges=8,poll  16  2.4
copyemu copy,bytes=8k,ranges=1        4   2
copyemu copy,bytes=8k,ranges=8        10  2
copyoff copy,bytes=8k,ranges=1,poll   5   2.4
copyoff copy,bytes=8k,ranges=8,poll   27  5.8
copyoff copy,bytes=8k,ranges=8        25  5
copyoff:split=1:chunk_kib=16 copy,bytes=8k,ranges=8,poll 12 2.5
'
pass
