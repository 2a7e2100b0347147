#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Each mistake gets one sentence with cause, remedy and the errno's name, and
# nothing is attached or pinned by it.

. selftests/cli/lib/cli.sh
null=$POLICIES/null.bpf.o
bpf=$BUILD/selftests/bpf

step "files"
says 1 "no file.*ENOENT" load --dev nvme0 "$tmp/none.bpf.o"
says 1 "EISDIR|directory" load --dev nvme0 "$tmp"
echo "not a policy" >"$tmp/text.bpf.o"
says 1 "not an object file.*ENOEXEC" load --dev nvme0 "$tmp/text.bpf.o"
says 1 "another machine than BPF.*ENOEXEC" load --dev nvme0 /bin/true
says 1 "another machine than BPF.*ENOEXEC" check /bin/true
: >"$tmp/empty.bpf.o"
says 1 "not an object file" load --dev nvme0 "$tmp/empty.bpf.o"
head -c 200 "$null" >"$tmp/half.bpf.o"
says 1 "not a BPF object" load --dev nvme0 "$tmp/half.bpf.o"

step "objects without a policy"
if command -v clang-19 >/dev/null; then
	cc() { clang-19 -O2 -g -target bpf -c -x c -o "$tmp/$1.bpf.o" -; }
	cc bare <<-'SRC'
	char _license[] __attribute__((section("license"))) = "GPL";
	int number = 7;
	SRC
	says 1 "nvme_steer_ops" load --dev nvme0 "$tmp/bare.bpf.o"
	cc tcp <<-'SRC'
	struct tcp_congestion_ops { char name[16]; };
	char _license[] __attribute__((section("license"))) = "GPL";
	__attribute__((section(".struct_ops.link")))
	struct tcp_congestion_ops other = { .name = "other" };
	SRC
	says 1 "nvme_steer_ops" load --dev nvme0 "$tmp/tcp.bpf.o"
fi

step "controllers"
says 1 "nvme77.*nvme0.*ENODEV" load --dev nvme77 "$null"
says 1 "ENODEV" status --dev nvme0n77
says 1 "ENODEV" status --dev /dev/null
says 1 "nvme0.*nvme1.*EINVAL" load "$null"
says 1 "nvme4.*nvme5.*EINVAL" load --dev /dev/nvme4n1 "$null"
for dev in nvme0 /dev/nvme0 nvme0n1 /dev/nvme0n1 ng0n1 /dev/ng0n1; do
	[[ $dev != /dev/* || -e $dev ]] || continue
	status '.controller == "nvme0"' "$dev"
done

step "the policy and the module do not fit"
try() { # CODE PATTERN OBJECT
	[ -e "$bpf/$3.bpf.o" ] || fail "no $bpf/$3.bpf.o"
	says "$1" "$2" load --dev nvme0 "$bpf/$3.bpf.o"
	clean nvme0
}
try 3 "operation|member" must_reject_unknown_op
try 3 "bpf_nvme_steer" must_reject_unknown_kfunc
try 1 "verifier refuse" must_reject_endless
try 1 "verifier refuse" must_reject_write_cmd
try 1 "verifier refuse" must_reject_sleepable_route
try 1 "flags.*EINVAL" must_reject_flags
try 1 "timeout_ms.*ERANGE" must_reject_timeout
try 1 "hold_ms is 1001.*1000; lower it.*ERANGE" must_reject_hold
try 1 "path_hold_ms is 1001.*1000; lower it.*ERANGE" must_reject_path_hold
try 1 "path_hold_more is 256.*255; lower it.*ERANGE" must_reject_path_more
try 1 "what its hold_by 0x40 names.*headers.*EINVAL" must_reject_hold_by
try 3 "contract.*EPROTO" must_reject_newer_abi
try 1 "struct_ops.link" must_reject_no_link
try 1 "name" must_reject_no_name

step "the verifier's words: the last ones, all with -vv"
lines() { # NAME OPTION...: of what a refused load says, in $tmp/NAME
	local name=$1
	shift
	nvmesteer load "$@" --dev nvme0 "$bpf/must_reject_endless.bpf.o" \
		2>"$tmp/$name" && fail "loaded"
	wc -l <"$tmp/$name"
}
nvmesteer load --dev nvme0 "$bpf/must_reject_write_cmd.bpf.o" 2>"$tmp/short"
grep -q "read-only" "$tmp/short" || fail "reason missing: $(<"$tmp/short")"
short=$(lines short) some=$(lines some -v) long=$(lines long -vv)
[ "$short" -lt 15 ] || fail "$short lines without -v"
grep -q '^libbpf: ' "$tmp/short" && fail "libbpf speaks without -v"
[ "$short" -lt "$some" ] && [ "$some" -lt 40 ] ||
	fail "$some lines with -v: $(<"$tmp/some")"
grep -q "^nvmesteer: .*is read from" "$tmp/some" || fail "-v tells no step"
grep -q '^libbpf: ' "$tmp/some" || fail "libbpf does not speak with -v"
[ "$long" -gt $((2 * some)) ] || fail "$long lines with -vv"
nvmesteer check -vv "$null" 2>&1 >/dev/null | grep -q "^processed " ||
	fail "-vv does not show the log of what is accepted"

step "names and tunables"
says 1 "name.*EINVAL" load --dev nvme0 --name "white space" "$null"
says 1 "name" load --dev nvme0 --name "sixteen_chars_xx" "$null"
says 1 "name" load --dev nvme0 --name "../../etc" "$null"
says 1 "name" load --dev nvme0 --name "" "$null"
tenants=$POLICIES/tenants.bpf.o
says 1 "ancestor.*ancestors" load --dev nvme0 --set ancestor=1 "$tenants"
says 1 "ancestors.*(ERANGE|range)" \
	load --dev nvme0 --set ancestors=4294967296 "$tenants"
says 1 "ancestors" load --dev nvme0 --set ancestors=many "$tenants"
says 2 "ancestors" load --dev nvme0 --set ancestors "$tenants"
says 2 "KEY=VALUE" load --dev nvme0 --set =1 "$tenants"
says 1 "(reserv|ERANGE)" load --dev nvme0 --set nr_queues=100 "$tenants"
clean nvme0

step "a policy is attached already"
ok load --dev nvme0 "$null"
says 1 "'null' is attached.*--replace.*EBUSY" load --dev nvme0 "$tenants"
consistent nvme0 null
ok unload --dev nvme0

step "without privilege"
asuser() { setpriv --reuid=65534 --clear-groups --inh-caps=-all nvmesteer "$@"; }
chmod 755 "$tmp" 2>/dev/null
for verb in "load --dev nvme0 $null" "unload --dev nvme0" "check $null" \
	"off nvme0" "queues add nvme0 --mode poll"; do
	# shellcheck disable=SC2086
	asuser $verb >"$tmp/out" 2>"$tmp/err"
	same 1 $? "exit code of an ordinary user's '$verb': $(<"$tmp/err")"
	grep -qE "root|CAP_" "$tmp/err" || fail "'$verb' says: $(<"$tmp/err")"
done
check asuser list >/dev/null
check asuser stats nvme0 >/dev/null
check asuser queues nvme0 >/dev/null
pass
