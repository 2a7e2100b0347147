#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# How many times fewer instructions a copy that the kernel makes takes than a
# program that reads and writes for itself, where both submit and wait in one
# system call, one a copy and two a loop: on a drive that has done what it is
# told to before the write to its doorbell returns, so that polling for it finds
# what it looks for at once, and the figures are exact. At least 3 times for one
# range and 8 for 8 and more, of what a program does without help.
#
# vm: --icount --drives instant
# timeout: 300

. selftests/lib/guest.sh
. tools/bench/lib.sh
. selftests/lib/ratios.sh

dev=$(bench_device) || fail "no drive that needs no time"

# POLICY ROW, times fewer than PLAIN and than BEST loop
copies_are '
copyemu copy,bytes=4k,ranges=1,poll,wait  3   3
copyemu copy,bytes=8k,ranges=1,poll,wait  6   3
copyemu copy,bytes=64k,ranges=1,poll,wait 9   6.4
copyemu copy,bytes=4k,ranges=8,poll,wait  9.5 6.9
copyemu copy,bytes=8k,ranges=8,poll,wait  26  6.9
copyemu copy,bytes=64k,ranges=8,poll,wait 19  8
copyemu copy,bytes=4k,ranges=16,poll,wait 13  8.2
copyoff:split=1:chunk_kib=64 copy,bytes=4k,ranges=8,poll,wait  6.8 5
copyoff:split=1:chunk_kib=64 copy,bytes=64k,ranges=8,poll,wait 12  5
'
# but for a round that is interrupted: all pieces begin at once, each with a
# buffer of its own, or some would begin in a worker
check jq -e -s 'all(.calls_per_io < 1.5)' "$TEST_TMP"/copy*.json
check jq -e -s 'all(.calls_per_io >= 2)' "$TEST_TMP/loops.json"
pass
