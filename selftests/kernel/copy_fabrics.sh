#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Copies to, from and on a controller that is no PCI device and has neither
# Copy nor steer queues: one of the kernel's own loop target. Its data goes
# through the driver's own path, and an NVMe Copy command works there, too, of as
# many namespaces as a copy can have, and not of more; the loop goes away
# afterwards, and under copies.
#
# vm: --drives copy

. selftests/lib/guest.sh

modprobe -q nvme-loop || skip "no nvme-loop in this guest"
mountpoint -q /sys/kernel/config ||
	mount -t configfs none /sys/kernel/config || skip "no configfs"

target=/sys/kernel/config/nvmet
nqn=nvmesteer-copy loop=''
backing=$(ctrl_by_serial nocopy) || skip "no drive nocopy"
drive=$(ctrl_by_serial copies) || skip "no drive copies"

# shellcheck disable=SC2317 # called by a trap
cleanup() {
	nvmesteer unload --all >/dev/null 2>&1
	[ -z "$loop" ] || rm -rf "/sys/fs/bpf/nvmesteer/$loop"
	nvme disconnect -n $nqn >/dev/null 2>&1
	rm -f $target/ports/1/subsystems/$nqn
	rmdir $target/ports/1 $target/subsystems/$nqn/namespaces/* \
		$target/subsystems/$nqn 2>/dev/null
	modprobe -q -r nvme-loop nvmet
}
trap cleanup EXIT

step "a loop to ${backing}n1"
mkdir -p $target/subsystems/$nqn $target/ports/1
echo 1 >$target/subsystems/$nqn/attr_allow_any_host
# all are one: a copy can be of 16
for n in {1..17}; do
	mkdir $target/subsystems/$nqn/namespaces/"$n"
	echo -n "/dev/${backing}n1" >$target/subsystems/$nqn/namespaces/"$n"/device_path
	echo 1 >$target/subsystems/$nqn/namespaces/"$n"/enable
done
echo loop >$target/ports/1/addr_trtype
ln -s $target/subsystems/$nqn $target/ports/1/subsystems/$nqn
check nvme connect -t loop -n $nqn
# shellcheck disable=SC2317 # called by wait_for
find_loop() {
	local c
	for c in /sys/class/nvme/nvme*; do
		[ "$(cat "$c/transport")" = loop ] || continue
		loop=${c##*/}
		nodes=(/dev/"$loop"n*)
		[ ${#nodes[@]} = 17 ] && ctrl_is_live "$loop"
		return
	done
	return 1
}
wait_for 10 find_loop || fail "no controller of the loop"

data() { # DEVICE OFFSET LEN
	dd if="/dev/$1" bs=1M skip="$2" count="$3" status=none \
		iflag=direct,skip_bytes,count_bytes
}
copies() { # FROM OFFSET LEN TO OFFSET [OPTION]...: and it is there
	local from=$1 at=$2 len=$3 to=$4 place=$5 before after
	shift 5
	before=$(data "$to" $((place - 512)) 512 | cksum)
	after=$(data "$to" $((place + len)) 512 | cksum)
	check nvmesteer copy --from "$from:$at+$len" --to "$to:$place" "$@"
	cmp <(data "$from" "$at" "$len") <(data "$to" "$place" "$len") ||
		fail "$from:$at+$len is not at $to:$place"
	same "$before" "$(data "$to" $((place - 512)) 512 | cksum)" \
		"the block before"
	same "$after" "$(data "$to" $((place + len)) 512 | cksum)" \
		"the block after"
}

M=1048576
check nvmesteer load --dev "$drive" "$POLICIES/null.bpf.o"
check nvmesteer load --dev "$loop" "$POLICIES/null.bpf.o"
for d in "${loop}n1" "${drive}n1"; do
	check dd if=/dev/urandom of="/dev/$d" bs=1M count=8 oflag=direct \
		status=none
done

step 'from it, to it, on it'
copies "${loop}n1" 512 $((4 * M)) "${drive}n2" $((8 * M))
copies "${drive}n1" 1536 $((3 * M + 512)) "${loop}n1" $((16 * M))
copies "${loop}n1" 0 $((2 * M)) "${loop}n1" $((32 * M + 512))
copies "${loop}n1" 4096 512 "${loop}n1" $((40 * M))
steer "$loop" copy | grep -q '^1 formats=- mssrl=0 ' ||
	fail "copy says: $(steer "$loop" copy)"
count=$(steer "$loop" events | awk '$1 == "copy_no_copy" { print $2 }')
[ "$count" -ge 3 ] || fail "$count copies for want of Copy"

step 'NVMe Copy'
check nvme copy "/dev/${loop}n1" --sdlba=100000 --slbs=10,1000 \
	--blocks=7,999 >/dev/null
cmp <(data "${loop}n1" 5120 4096; data "${loop}n1" 512000 512000) \
	<(data "${loop}n1" 51200000 516096) || fail "wrong data"

# names[NSID]: the name of each, which need not have the same number
names=()
for d in /sys/block/"$loop"n*; do
	names[$(cat "$d/nsid")]=${d##*/}
done
same 17 ${#names[@]} "namespaces"

# many LAST NUMBER: that many ranges of 4 KiB, in turn of namespaces 2 to LAST
many() {
	local i nsid
	from=() slbs='' blocks='' nsids=''
	for ((i = 0; i < $2; i++)); do
		nsid=$((2 + i % ($1 - 1)))
		from+=(--from "${names[nsid]}:$((i * 4096))+4k")
		slbs+=,$((i * 8)) blocks+=,7 nsids+=,$nsid
	done
	command=("/dev/${names[1]}" "--slbs=${slbs#,}" "--blocks=${blocks#,}"
		--format=2 "--snsids=${nsids#,}")
}
there() { # NUMBER OFFSET: that many, from the beginning
	cmp <(data "${loop}n1" 0 $(($1 * 4096))) \
		<(data "${loop}n1" "$2" $(($1 * 4096))) || fail "wrong data"
}
refused() { steer "$loop" events | awk '$1 == "copy_refused" { print $2 }'; }

step 'of 16 namespaces, and of 17'
many 16 30
check nvmesteer copy "${from[@]}" --to "${names[1]}:64M"
there 30 $((64 * M))
check nvme copy "${command[@]}" --sdlba=$((65 * M / 512)) >/dev/null
there 30 $((65 * M))
before=$(data "${loop}n1" $((66 * M)) $M | cksum) count=$(refused)
many 17 16
! err=$(nvmesteer copy "${from[@]}" --to "${names[1]}:66M" 2>&1) ||
	fail "a copy of 17 namespaces: $err"
[[ $err == *"more than 16 namespaces; "*"(E2BIG)"* ]] || fail "it says: $err"
! err=$(nvme copy "${command[@]}" --sdlba=$((66 * M / 512)) 2>&1) ||
	fail "an NVMe Copy of 17 namespaces: $err"
[[ $err == *"Command Size Limit Exceeded"* ]] || fail "it says: $err"
same "$((count + 2))" "$(refused)" "copies refused"
same "$before" "$(data "${loop}n1" $((66 * M)) $M | cksum)" "the destination"

step 'gone under copies'
(
	while nvmesteer copy --from "${loop}n1:0+4M" --to "${drive}n2:8M" &&
		nvmesteer copy --from "${drive}n1:0+4M" --to "${loop}n1:64M"; do
		:
	done
) >/dev/null 2>&1 &
copier=$!
# shellcheck disable=SC2317 # called by wait_for
some() {
	[ "$(steer "$loop" events |
		awk '$1 == "copy_emulated" { print $2 }')" -gt 8 ]
}
wait_for 20 some || fail "no copies"
check nvme disconnect -n $nqn >/dev/null
wait $copier
[ ! -e "/sys/class/nvme/$loop" ] || fail "$loop is still there"
copies "${drive}n1" 0 $M "${drive}n2" $((8 * M))
check nvmesteer unload "$drive" >/dev/null
pass
