#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# What names somebody's commands is root's alone: a user without capabilities
# reads in no file of ours, in sysfs, debugfs, tracefs or among the pins, which
# blocks another's commands went to, nor who sent them, and finds nothing to write
# to. Root does read it there, so that it is known that it was there to be read;
# and the kernel's log, which anybody may be allowed to read, has none of it.

. selftests/lib/guest.sh

steer=/sys/class/nvme/nvme0/steer
tracing=/sys/kernel/tracing
block=123456			# where the commands go, and what is looked for
sender=fio
cleanup() {
	echo 0 >$tracing/events/nvme_steer/enable
	echo >$tracing/trace
	nvmesteer unload nvme0 >/dev/null 2>&1
	default_bad_answers
}
trap cleanup EXIT
command -v setpriv >/dev/null || skip 'no setpriv to become somebody else'
[ -d $tracing/events/nvme_steer ] || skip 'this kernel has no tracepoints'

as_nobody() {
	setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all \
		--bounding-set=-all --no-new-privs "$@"
}

send() {
	check fio --name=t --ioengine=io_uring_cmd --cmd_type=nvme \
		--filename=/dev/ng0n1 --rw=read --bs=4k --iodepth=8 \
		--offset=$((block * 512)) --size=1m >/dev/null
}

# told TEXT: does it name a block of the commands, or the sender?
told() { [[ $1 =~ (^|[^0-9])$block([^0-9]|$) || $1 == *$sender* ]]; }

step 'root is told'
echo 1 >$tracing/events/nvme_steer/enable
few_bad_answers
check nvmesteer load --dev nvme0 \
	"$BUILD/selftests/bpf/must_eject_answer_high.bpf.o" >/dev/null
# while it is attached: some are timed, and kept for the record of its end
for _ in {1..20}; do
	send
	[[ $(steer nvme0 state) = attached ]] || break
done
wait_for 10 grep -q '^ended' $steer/state || fail 'the policy is not ejected'
nvmesteer unload nvme0 >/dev/null 2>&1
text=$(<$tracing/trace)
told "$text" || fail 'the trace does not tell root of the commands'
text=$(tr -d '\0' <$steer/dump)
told "$text" || fail "the record of the end does not tell root: $text"
# of a policy that is attached the pins of its maps are there, too
check nvmesteer load --dev nvme0 tenants >/dev/null
send

step 'nobody is not'
{
	find /sys/class/nvme/nvme*/steer/ /sys/module/nvmesteer/ \
		-type f 2>/dev/null
	find $tracing /sys/kernel/debug/ /sys/fs/bpf/ ! -type d \
		'(' -path '*steer*' -o -name 'trace*' ')' 2>/dev/null
} >"${tmp:=$(mktemp)}"
chmod 644 "$tmp"
grep -q /trace_pipe "$tmp" || fail 'the trace is not among the files'
grep -q /sys/fs/bpf/ "$tmp" || fail 'the pins are not among the files'
# shellcheck disable=SC2016 # it is for the other shell
as_nobody bash -c '
	while IFS= read -r f; do
		[ ! -w "$f" ] || echo "written $f"
		if { IFS= read -r -d "" -t 5 text || [ -n "$text" ]; } \
			2>/dev/null <"$f"; then
			echo "read $f"
			echo "$text"
		fi
	done' <"$tmp" >"$tmp.got" 2>"$tmp.errors"
grep -q "^read $steer/events" "$tmp.got" ||
	fail "nobody reads nothing at all: $(head -n 5 "$tmp.errors")"
grep '^written ' "$tmp.got" && fail 'nobody may write to these'
grep "^read \($tracing\|/sys/kernel/debug\|/sys/fs/bpf\)" "$tmp.got" &&
	fail 'nobody may read these'
text=$(<"$tmp.got")
! told "$text" || fail "nobody is told of the commands: $(grep -e "^read" \
	-e $block -e $sender "$tmp.got" | grep -B 1 -v ^read)"
rm -f "$tmp" "$tmp.got" "$tmp.errors"

step 'nor does the tool tell'
for verb in status stats queues list; do
	text=$(as_nobody nvmesteer $verb 2>&1)
	! told "$text" || fail "'nvmesteer $verb' tells nobody of it: $text"
done
for verb in 'get nvme0 tenants' 'unload nvme0' 'off nvme0'; do
	# shellcheck disable=SC2086 # words
	refuse as_nobody nvmesteer $verb >/dev/null 2>&1
done
same tenants "$(steer nvme0 policy)" policy

# A kernel that checks itself names tasks in its reports; these are not ours.
step 'nor the log'
text=$(dmesg | sed -n '/nvmesteer-test: kernel\/secrecy/,$p' | grep nvme)
! told "$text" || fail 'the log names the commands'
pass
