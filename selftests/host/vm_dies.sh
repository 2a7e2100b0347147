#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# A guest that panics, hangs, or is interrupted gives 255 (or the signal's
# code), says so in a sentence with its console, and leaves nothing behind.
. selftests/lib/host.sh

before=$(find "$BUILD/vm" -maxdepth 1 -name 'run.*' | sort)

step 'a panic'
guest 255 --stock -- sh -c 'echo told before; echo c >/proc/sysrq-trigger'
says out '^told before$'
says err '^vm: the guest died'
says err 'Kernel panic - not syncing'

step 'a hang'
guest 255 --stock --timeout 8 -- sleep 1000
says err '^vm: the guest did not end within 8 s'

step 'an interrupt'
selftests/vm/run --stock -- sleep 1000 &
pid=$!
started() { [ -n "$(find "$BUILD/vm" -name console.log -size +0)" ]; }
check wait_for 30 started
kill -TERM $pid
status=0
wait $pid || status=$?
same 143 $status 'exit code'

step 'what is left'
same "$before" "$(find "$BUILD/vm" -maxdepth 1 -name 'run.*' | sort)" \
	'list of run folders'
pass
