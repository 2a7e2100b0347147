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

# slurp VARIABLE FILE: as $(<FILE), which takes a process.
slurp() {
	IFS= read -r -d '' "$1" <"$2"
	while [[ ${!1} == *$'\n' ]]; do
		printf -v "$1" %s "${!1%$'\n'}"
	done
}

# run ARG...: nvmesteer, its output in $out, its errors in $err, its code in $rc
run() {
	nvmesteer "$@" >"$tmp/out" 2>"$tmp/err"
	rc=$?
	slurp out "$tmp/out"
	slurp err "$tmp/err"
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
	local why
	why=$(jq -rs --arg schema "nvmesteer.$1/1" "
		def wrong: if length != 1 then \"not one JSON object\"
			else .[0] | if keys_unsorted[0] != \"schema\"
			then \"schema is not the first key\"
			elif .schema != \$schema
			then \"schema is not \(\$schema)\"
			else empty end end;
		def right: [.[0] | ($2)] | last;
		first(wrong, if right then \"right\" else \"not\" end)" \
		<<<"$out" 2>&1)
	[ "$why" = right ] ||
		fail "nvmesteer $3 --json: '$2' is: $why: $out"
}

# status FILTER CTRL: jq's FILTER is true of the controller in its status
status() { json ".controllers | length == 1 and (.[0] | $1)" status --dev "$2"; }

# attached CTRL: name of its policy, as the kernel says it
attached() { steer "$1" policy; }

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
