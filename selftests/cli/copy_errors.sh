#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# copy: each mistake gets one sentence with cause, remedy and the errno's name,
# and nothing is written: places that are none, numbers that do not fit,
# destinations that are in use, no policy. limits: likewise.

. selftests/cli/lib/cli.sh
modprobe nvmesteer
size=$(blockdev --getsize64 /dev/nvme0n1)

copy() { # CODE PATTERN FROM TO [OPTION]...: copy must say PATTERN
	says "$1" "$2" copy --from "$3" --to "$4" "${@:5}"
}

step "usage"
says 2 "needs --from and --to" copy
says 2 "needs --from and --to" copy --from nvme0n1:0+4k
says 2 "needs --from and --to" copy --to nvme0n1:0
says 2 "nothing but options" copy --from nvme0n1:0+4k --to nvme0n2:0 surplus
copy 2 "exclude each other" nvme0n1:0+4k nvme0n2:0 --offload --emulate
copy 2 "exclude each other" nvme0n1:0+4k nvme0n2:0 --auto --offload
for n in 0 65 x -1 '' 1x; do
	copy 2 "1 to 64, not '$n'" nvme0n1:0+4k nvme0n2:0 --queue-depth "$n"
done
says 2 "'--emulate'" copy --emulaet

step "places"
copy 2 "'nvme0n1' is no place; write nvme0n1:OFFSET\+LEN" nvme0n1 nvme0n2:0
copy 2 "'nvme0n2:0\+4k' is no place; write nvme0n1:OFFSET," nvme0n1:0+4k nvme0n2:0+4k
copy 2 "'x' is no number of bytes; write" nvme0n1:0+x nvme0n2:0
copy 2 "'-4k' is no number" nvme0n1:0+-4k nvme0n2:0
copy 2 "is no place" nvme0n1:0+4kB nvme0n2:0
copy 2 "more than any device holds" nvme0n1:99999999999G+4k nvme0n2:0

step "devices"
copy 1 "no /dev/nvme77n1; .*ENOENT" nvme77n1:0+4k nvme0n2:0
copy 1 "'/dev/null' is not an NVMe namespace; .*ENODEV" /dev/null:0+4k nvme0n2:0
copy 1 "'nvme0' is not an NVMe namespace; .*ENODEV" nvme0n1:0+4k nvme0:0
copy 1 "'/etc/passwd' is not" nvme0n1:0+4k /etc/passwd:0

step "numbers that do not fit"
copy 1 "length is 0.*EINVAL" nvme0n1:0+0 nvme0n2:0
copy 1 "length is 0" "nvme0n1:$size" nvme0n2:0
copy 1 "offset 100 is not a multiple of 512, the block size of nvme0n1 \(EINVAL" nvme0n1:100+4k nvme0n2:0
copy 1 "length 100 is not a multiple of 512" nvme0n1:0+100 nvme0n2:0
copy 1 "offset 1 is not a multiple of 512, the block size of nvme0n2" nvme0n1:0+4k nvme0n2:1
copy 1 "length 512 is not a multiple of 4096, the block size of nvme3n1" nvme0n1:0+512 nvme3n1:0
copy 1 "offset 512 is not a multiple of 4096, the block size of nvme3n1" nvme3n1:512+4k nvme0n1:0
copy 1 "beyond the end of nvme0n1, which has $size bytes.*EINVAL" "nvme0n1:$((size - 512))+1k" nvme0n2:0
copy 1 "beyond the end" "nvme0n1:$((size + 512))" nvme0n2:0
copy 1 "does not fit: behind nvme0n2:$((size - 512)) there is room for 512 bytes, and it has 1024 \(EINVAL" nvme0n1:0+1k "nvme0n2:$((size - 512))"
copy 1 "room for 0 bytes" nvme0n1:0+1k nvme0n2:1T
copy 1 "overwrites some of its source.*EINVAL" nvme0n1:0+64k nvme0n1:4k --verify
copy 1 "--verify cannot read nvme2n2: it has no block device with data.*EOPNOTSUPP" \
	nvme2n2:0+64k nvme2n2:64k --verify

step "no policy"
copy 1 "no policy is attached to nvme0; .*load --dev nvme0 copyauto.*ENOTTY" nvme0n1:0+4k nvme0n2:0
run copy --from nvme0n1:0+4k --to nvme0n2:0 --json
same 1 $rc "exit code"
check_json copy '.copied == 0 and .len == 4096 and .path == null and
	.status == -25 and (.error | test("ENOTTY")) and .continue == [] and
	.ranges[0].done == 0' "without a policy"

step "in use: swap"
dd if=/dev/zero of=/dev/nvme0n2 bs=1M count=16 oflag=direct status=none
mkswap /dev/nvme0n2 >/dev/null
check swapon /dev/nvme0n2
for to in nvme0n2 /dev/nvme0n2 ng0n2; do
	copy 1 "$to would be overwritten, but nvme0n2 is used as swap; .*--force.*EBUSY" nvme0n1:0+4k $to:0
done
copy 1 "no policy" nvme0n1:0+4k nvme0n2:0 --force
check swapoff /dev/nvme0n2

step "in use: part of another device"
check dmsetup create test_copy --table "0 2048 linear /dev/nvme0n2 0"
copy 1 "nvme0n2 is part of dm-[0-9]+.*EBUSY" nvme0n1:0+4k nvme0n2:0
check dmsetup remove --retry test_copy

step "in use: mounted, as a whole, in part, and a part of what is mounted"
# a partition table with one partition, and an empty romfs on both
python3 - <<-'PYTHON'
	import struct
	fs = b'-rom1fs-' + struct.pack('>II', 96, 0) + b'test'.ljust(16, b'\0')
	fs += struct.pack('>IIII', 0x49, 32, 0, 0) + b'.'.ljust(16, b'\0')
	fs += struct.pack('>IIII', 0x40, 32, 0, 0) + b'..'.ljust(16, b'\0')
	total = sum(struct.unpack('>%dI' % (len(fs) // 4), fs)) & 0xffffffff
	fs = fs[:12] + struct.pack('>I', -total & 0xffffffff) + fs[16:]
	entry = struct.pack('<8B2I', 0, 0, 0, 0, 0x83, 0, 0, 0, 2048, 8192)
	table = entry.ljust(64, b'\0') + b'\x55\xaa'
	with open('/dev/nvme0n2', 'r+b') as f:
	    f.write(fs.ljust(446, b'\0') + table)
	    f.seek(2048 * 512)
	    f.write(fs)
PYTHON
blockdev --rereadpt /dev/nvme0n2
mkdir -p "$tmp/mnt"
check wait_for 5 test -b /dev/nvme0n2p1
check mount -t romfs /dev/nvme0n2p1 "$tmp/mnt"
copy 1 "nvme0n2p1 is mounted on $tmp/mnt.*EBUSY" nvme0n1:0+4k nvme0n2:0
copy 1 "nvme0n2p1 is mounted on $tmp/mnt" nvme0n1:0+4k ng0n2:0
copy 1 "nvme0n2p1 is mounted on $tmp/mnt" nvme0n1:0+4k nvme0n2p1:0
copy 1 "room for 4194304 bytes" nvme0n1:0+8M nvme0n2p1:0 --force
copy 1 "no policy" nvme0n1:0+4k nvme0n2:0 --force
umount "$tmp/mnt"
check mount -t romfs /dev/nvme0n2 "$tmp/mnt"
copy 1 "nvme0n2p1 would be overwritten, but nvme0n2 is mounted on $tmp/mnt" nvme0n1:0+4k nvme0n2p1:0
umount "$tmp/mnt"

step "in use: by a program"
python3 -c 'import os, time
os.open("/dev/nvme0n2", os.O_RDONLY | os.O_EXCL)
print(flush=True)
time.sleep(60)' >"$tmp/held" &
holder=$!
check wait_for 20 test -s "$tmp/held"
copy 1 "another program has nvme0n2 for itself" nvme0n1:0+4k nvme0n2:0
kill $holder
wait $holder
dd if=/dev/zero of=/dev/nvme0n2 bs=1M count=2 oflag=direct status=none
blockdev --rereadpt /dev/nvme0n2

step "without privilege"
chmod 755 "$tmp"
setpriv --reuid=65534 --clear-groups --inh-caps=-all nvmesteer copy \
	--from nvme0n1:0+4k --to nvme0n2:0 2>"$tmp/err"
same 1 $? "exit code of an ordinary user"
grep -q "run it as root (EACCES)" "$tmp/err" || fail "it says: $(<"$tmp/err")"

step "limits"
says 2 "'1=x' is not|'x' is no number" limits nvme0 1=x
says 2 "is no number" limits nvme0 1=4kB
says 2 "not NSID=BYTES" limits nvme0 0=4k
says 2 "not NSID=BYTES" limits nvme0 nvme1
says 1 "nvme77" limits nvme77
says 1 "(it has none|no namespace).*ENOENT" limits nvme0 77=4k
pass
