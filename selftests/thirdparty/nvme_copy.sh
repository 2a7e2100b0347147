#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# 'nvme copy' of nvme-cli, unchanged, while a policy is attached: what the drive
# can do it does; ranges longer and more than its limits, and a namespace
# without Copy, work too; namespaces in one copy do; what is wrong is refused
# with the status it has. Without a policy it is as ever.
#
# vm: --drives copy

. selftests/thirdparty/lib/steered.sh

ctrl=$(ctrl_by_serial copies) || fail "no drive"
other=$(ctrl_by_serial nocopy) || fail "no drive"

block() { # NAMESPACE FIRST BLOCKS: those blocks, through the block device
	dd if="/dev/${ctrl}n$1" bs=512 skip="$2" count="$3" iflag=direct \
		status=none
}

for n in 1 2 3 4; do
	head -c 1048576 /dev/urandom >"$tmp/n$n"
done

# The namespaces are as they were at first.
fill() {
	local n
	for n in ${1-1 2 3 4}; do
		check dd if="$tmp/n$n" of="/dev/${ctrl}n$n" bs=1M oflag=direct \
			conv=notrunc status=none
	done
}

# What the blocks of LIST, each NAMESPACE:FIRST:BLOCKS, are by the files.
blocks_of() {
	perl -e '
		my $dir = shift;
		for (@ARGV) {
			my ($ns, $first, $count) = split /:/;
			open(my $f, "<:raw", "$dir/n$ns") or die;
			seek($f, $first * 512, 0);
			read($f, my $data, $count * 512) == $count * 512 or die;
			print $data;
		}' "$tmp" "$@"
}

# copied NAMESPACE TO LIST: blocks from TO on are those of LIST, and the one
# before and after are as they were.
copied() {
	local ns=$1 to=$2 r n=2
	shift 2
	for r in "$@"; do
		n=$((n + ${r##*:}))
	done
	block "$ns" $((to - 1)) $n >"$tmp/got"
	blocks_of "$ns:$((to - 1)):1" "$@" "$ns:$((to + n - 2)):1" >"$tmp/want"
	check cmp "$tmp/want" "$tmp/got"
}

copy() { # NAMESPACE OPTION...
	local ns=$1
	shift
	nvme copy "/dev/${ctrl}n$ns" "$@" >"$tmp/out" 2>&1
}

# refused WORDS NAMESPACE OPTION...: and nothing is changed
refused() {
	local words=$1
	shift
	refuse copy "$@"
	grep -q -i -e "$words" "$tmp/out" || {
		cat "$tmp/out"
		fail "'nvme copy $*' does not say '$words'"
	}
	block "$1" 0 2048 | cmp -s - "$tmp/n$1" ||
		fail "'nvme copy $*' was refused and something has changed"
}

step 'no policy: the drive'
fill
check copy 1 --sdlba=1000 --slbs=10,100 --blocks=7,0
copied 1 1000 1:10:8 1:100:1
fill
refused 'Size Limit' 1 --sdlba=1000 --slbs=10 --blocks=200
refused 'Size Limit' 4 --sdlba=1000 --slbs=10 --blocks=0
refused 'Invalid Field' 1 --sdlba=1000 --slbs=10 --blocks=0 --format=2 \
	--snsids=2

load "$ctrl" spread
offloaded=$(event "$ctrl" copy_offloaded)
split=$(event "$ctrl" copy_split)
emulated=$(event "$ctrl" copy_emulated)
step 'a policy: within the limits'
check copy 1 --sdlba=1000 --slbs=10,100 --blocks=7,0
copied 1 1000 1:10:8 1:100:1
fill
check copy 1 --sdlba=1000 --slbs=0 --blocks=127
copied 1 1000 1:0:128
same $((offloaded + 2)) "$(event "$ctrl" copy_offloaded)" "copies offloaded"

step 'beyond them'
fill
check copy 1 --sdlba=1000 --slbs=10,400 --blocks=299,199
copied 1 1000 1:10:300 1:400:200
slbs=$(seq -s , 0 3 765) blocks=$(printf '0,%.0s' $(seq 256))
fill
check copy 1 --sdlba=1000 --slbs="$slbs" --blocks="${blocks%,}"
# shellcheck disable=SC2046 # words
copied 1 1000 $(seq -f '1:%g:1' 0 3 765)
fill
check copy 3 --sdlba=1000 --slbs=10,400,700,1,5 --blocks=29,19,0,0,99
copied 3 1000 3:10:30 3:400:20 3:700:1 3:1:1 3:5:100
same $((split + 3)) "$(event "$ctrl" copy_split)" "copies in several commands"
fill
check copy 4 --sdlba=1000 --slbs=10,400 --blocks=299,199
copied 4 1000 4:10:300 4:400:200
same $((emulated + 1)) "$(event "$ctrl" copy_emulated)" "copies emulated"

step 'of several namespaces'
fill
check copy 1 --sdlba=1000 --slbs=10,20 --blocks=9,19 --format=2 \
	--snsids=1,2
copied 1 1000 1:10:10 2:20:20
fill
check copy 4 --sdlba=1000 --slbs=10,20,30 --blocks=9,199,0 --format=2 \
	--snsids=1,2,4
copied 4 1000 1:10:10 2:20:200 4:30:1

step 'what is wrong'
fill
last=$(($(cat "/sys/block/${ctrl}n1/size") - 1))
refused 'LBA Out of Range\|exceeds the size' 1 --sdlba=1000 \
	--slbs=10,$last --blocks=0,1
refused 'LBA Out of Range\|exceeds the size' 1 --sdlba=$last --slbs=10 \
	--blocks=1
refused 'Overlap' 1 --sdlba=1000 --slbs=990 --blocks=19 --format=2 \
	--snsids=1
refused 'Invalid Format\|Invalid Field\|Incompatible' 1 --sdlba=1000 \
	--slbs=10 --blocks=0 --format=1
refused 'Invalid' 1 --sdlba=1000 --slbs=10 --blocks=0 --format=2 --snsids=77
refuse nvme copy "/dev/${other}n1" --sdlba=1000 --slbs=10 --blocks=0
unload "$ctrl"

step 'no policy any more'
refused 'Size Limit' 1 --sdlba=1000 --slbs=10 --blocks=200
refused 'Invalid Field' 1 --sdlba=1000 --slbs=10 --blocks=0 --format=2 \
	--snsids=2
pass
