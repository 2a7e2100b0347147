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
copyemu copy,bytes=64k,ranges=8,poll,wait 10  4.4
copyemu copy,bytes=4k,ranges=16,poll,wait 13  8.2
'
# but for a round that is interrupted, and copies of several pieces, some of
# which begin in a worker
check jq -e -s 'all(.ranges * .bytes > 262144 or .calls_per_io < 1.5)' \
	"$TEST_TMP/copyemu.json"
check jq -e -s 'all(.calls_per_io >= 2)' "$TEST_TMP/loops.json"
pass
