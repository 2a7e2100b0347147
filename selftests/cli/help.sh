#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Help and version go to stdout with exit code 0; wrong usage gets a sentence
# and exit code 2, and the nearest word where there is one.

. selftests/cli/lib/cli.sh

step "help and version"
ok --version
[[ $out =~ ^nvmesteer\ [0-9]+\.[0-9]+ ]] || fail "version is '$out'"
for arg in --help -h help; do
	ok "$arg"
	[[ $out == Usage:* ]] || fail "$arg prints: $out"
	[ -z "$err" ] || fail "$arg writes to stderr: $err"
done
for verb in load unload off list status check get set unset queues stats copy \
	limits; do
	ok "$verb" --help
	[[ $out == *"nvmesteer $verb"* ]] || fail "$verb --help prints: $out"
	[ -z "$err" ] || fail "$verb --help writes to stderr: $err"
	grep -q "^  $verb " <<<"$(nvmesteer --help)" ||
		fail "'nvmesteer --help' does not name $verb"
done

step "wrong usage"
run
same 2 $rc "exit code without a verb"
says 2 "laod.*'load'" laod
says 2 "frobnicate" frobnicate
says 2 "'unload'" detach
says 2 "before its options" --frob
says 2 "frob" list --frob
says 2 "'--replace'" load --repalce x
says 2 "takes no value" list --json=yes
says 2 "add.*remove" queues create
says 2 "--watch=5" stats --watch 5
says 2 "dev" status --dev
says 2 "dev" load --dev
says 2 "" load
says 2 "" list surplus
says 2 "" stats --watch=soon "$ctrl"
says 2 "" status nvme0 nvme1

step "a reader that goes away is no success"
if nvmesteer list >/dev/full 2>"$tmp/err"; then
	fail "exit code 0 though the result could not be written"
fi
pass
