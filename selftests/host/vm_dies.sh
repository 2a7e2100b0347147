#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# A guest that panics, hangs, or is interrupted gives 255 (or the signal's
# code), says so in a sentence with its console, and leaves nothing behind.
. selftests/lib/host.sh

# A build folder of its own, in which no other guest comes and goes.
own=$TEST_TMP/build
mkdir -p "$own/vm"
ln -s "$BUILD/debian13" "$own"
find "$BUILD/vm" -maxdepth 1 -type f -name '*-*' -exec ln -s -t "$own/vm" {} +
export NVMESTEER_BUILD=$own

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
started() { [ -n "$(find "$own/vm" -name console.log -size +0)" ]; }
check wait_for 30 started
kill -TERM $pid
status=0
wait $pid || status=$?
same 143 $status 'exit code'

step 'what is left'
same '' "$(find "$own/vm" -maxdepth 1 -name 'run.*')" 'list of run folders'
pass
