#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# tools/examples/group reads what is on the namespace, in every mode it has,
# and says in a sentence why it cannot.
#
# vm: --cpus 2

set -eu
group=$NVMESTEER_BUILD/tools/examples/group
tmp=$(mktemp -d)
trap 'nvmesteer unload --all >/dev/null 2>&1 || :; rm -rf "$tmp"' EXIT

fail() {
	echo "$*"
	exit 1
}

"$group" --help | grep -q '^usage: group' || fail "--help prints no usage"
code=0
"$group" --nr 0 /dev/ng0n1 2>/dev/null || code=$?
[ $code = 2 ] || fail "--nr 0 ends with $code"
code=0
"$group" /dev/ng0n1 >/dev/null 2>"$tmp/err" || code=$?
[ $code = 3 ] || fail "without a policy it ends with $code"
grep -q 'no policy is attached' "$tmp/err" || fail "$(cat "$tmp/err")"

dd if=/dev/urandom of=/dev/nvme0n1 bs=64k count=8 oflag=direct status=none
for ((i = 0; i < 100; i++)); do
	dd if=/dev/nvme0n1 bs=512 skip=$((5 + 7 * i)) count=1 status=none
done >"$tmp/want"
nvmesteer load --dev nvme0 ring
for options in '' --poll '--window 1' '--window 3 --poll' '--stop'; do
	# shellcheck disable=SC2086 # words
	"$group" --nr 100 --slba 5 --step 7 $options /dev/ng0n1 >"$tmp/got" ||
		fail "'$options' failed"
	cmp "$tmp/got" "$tmp/want" || fail "'$options' read something else"
done

# Rings of both kinds that come and go, often at the address of the one before.
for ((i = 0; i < 60; i++)); do
	options=
	[ $((i % 2)) = 0 ] || options=--poll
	"$group" --nr 8 $options /dev/ng0n1 >/dev/null 2>"$tmp/err" ||
		fail "ring $i ($options): $(cat "$tmp/err")"
done

code=0
"$group" --nr 4 --slba 1000000000 --window 1 --stop /dev/ng0n1 \
	>/dev/null 2>"$tmp/err" || code=$?
[ $code = 1 ] || fail "past the end it ends with $code: $(cat "$tmp/err")"
grep -q '^group: 0 of 4 commands succeeded' "$tmp/err" ||
	fail "$(cat "$tmp/err")"

# A policy that is for copies only is not asked, and has no queue for them.
nvmesteer unload nvme0
nvmesteer load --dev nvme0 copyoff
code=0
"$group" --nr 4 /dev/ng0n1 >/dev/null 2>"$tmp/err" || code=$?
[ $code = 3 ] || fail "with copyoff it ends with $code: $(cat "$tmp/err")"
grep -q 'to no one steer queue' "$tmp/err" || fail "$(cat "$tmp/err")"
