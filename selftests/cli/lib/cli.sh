# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# What the tests of the command line share: running nvmesteer, judging what it
# says, and asking the kernel what is true. Sourced first; brings guest.sh.

. selftests/lib/guest.sh

tmp=${TEST_TMP:-$(mktemp -d)}
PATH=$PATH:/usr/sbin
pins=/sys/fs/bpf/nvmesteer
command -v nvmesteer >/dev/null || skip "no nvmesteer in this guest"

ctrl=nvme0

cleanup() {
	nvmesteer unload --all >/dev/null 2>&1
	rm -rf /sys/fs/bpf/test_* 2>/dev/null
}
trap cleanup EXIT

# run ARG...: nvmesteer, its output in $out, its errors in $err, its code in $rc
run() {
	nvmesteer "$@" >"$tmp/out" 2>"$tmp/err"
	rc=$?
	out=$(<"$tmp/out")
	err=$(<"$tmp/err")
}

# ok ARG...: it must work
ok() {
	run "$@"
	[ $rc = 0 ] || fail "nvmesteer $*: exit code $rc: $err"
}

# says CODE PATTERN ARG...: it must end with CODE and one sentence that matches
# the extended regular expression; nothing may be on stdout.
says() {
	local code=$1 pattern=$2 first
	shift 2
	run "$@"
	first=${err%%$'\n'*}
	[ $rc = "$code" ] ||
		fail "nvmesteer $*: exit code $rc, should be $code: $err"
	[[ $first == "nvmesteer: "* ]] ||
		fail "nvmesteer $*: no sentence: '$err'"
	[[ $first =~ $pattern ]] ||
		fail "nvmesteer $*: '$first' does not match '$pattern'"
	[ -z "$out" ] || fail "nvmesteer $*: wrote to stdout: $out"
}

# json FILTER ARG...: with --json it must work, print one object with the
# schema of its verb as the first key, and jq's FILTER must be true of it.
json() {
	local filter=$1 verb=$2
	shift
	run "$@" --json
	[ $rc = 0 ] || fail "nvmesteer $* --json: exit code $rc: $err"
	check_json "$verb" "$filter" "$*"
}

check_json() { # VERB FILTER WHAT; of $out
	[ "$(jq -s length <<<"$out" 2>/dev/null)" = 1 ] ||
		fail "nvmesteer $3 --json: not one JSON object: $out"
	[ "$(jq -r 'keys_unsorted[0]' <<<"$out")" = schema ] ||
		fail "nvmesteer $3 --json: schema is not the first key: $out"
	same "nvmesteer.$1/1" "$(jq -r .schema <<<"$out")" schema
	jq -e "$2" <<<"$out" >/dev/null ||
		fail "nvmesteer $3 --json: not '$2': $out"
}

# status FILTER CTRL: jq's FILTER is true of the controller in its status
status() { json ".controllers | length == 1 and (.[0] | $1)" status --dev "$2"; }

# attached CTRL: name of its policy, as the kernel says it
attached() { cat "/sys/class/nvme/$1/steer/policy"; }

is_none() { [ "$(steer "$1" state)" != attached ]; }

# clean CTRL: nothing attached, nothing pinned
clean() {
	is_none "$1" || fail "'$(attached "$1")' is attached to $1"
	[ -z "$(find "$pins/$1" ! -type d 2>/dev/null)" ] ||
		fail "left: $(find "$pins/$1" ! -type d)"
}

# consistent CTRL POLICY: attached, by our pin, with its maps
consistent() {
	same "$2" "$(attached "$1")" "policy of $1"
	status '.pins == "pinned"' "$1"
	[ -e "$pins/$1/$2/link" ] || fail "no $pins/$1/$2/link"
	same "$2" "$(ls "$pins/$1")" "what is in $pins/$1"
}
