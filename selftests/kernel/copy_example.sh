#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# tools/examples/copy copies ranges of a namespace, and says in a sentence why
# it cannot.

set -eu
copy=$NVMESTEER_BUILD/tools/examples/copy
tmp=$(mktemp -d)
trap 'nvmesteer unload --all >/dev/null 2>&1 || :; rm -rf "$tmp"' EXIT
modprobe nvmesteer

fail() {
	echo "$*"
	exit 1
}

ends() { # CODE WORD ARG...: copy ARG... ends with CODE and says WORD
	local code=0 want=$1 word=$2
	shift 2
	"$copy" "$@" >"$tmp/out" 2>&1 || code=$?
	[ $code = "$want" ] || fail "'$*' ends with $code: $(cat "$tmp/out")"
	grep -q "$word" "$tmp/out" || fail "'$*' says: $(cat "$tmp/out")"
}

ends 0 '^usage: copy' --help
ends 2 'see --help' /dev/ng0n1 0
ends 2 'see --help' /dev/ng0n1 x 0+512
ends 2 'see --help' /dev/ng0n1 0 0+512x
ends 3 'no policy is attached' /dev/ng0n1 4096 0+512

data() { # OFFSET LEN: in blocks
	dd if=/dev/nvme0n1 bs=512 skip="$1" count="$2" iflag=direct status=none
}

dd if=/dev/urandom of=/dev/nvme0n1 bs=64k count=64 oflag=direct status=none
nvmesteer load --dev nvme0 null
for place in 16777216 0x2000000; do
	ends 0 '^1313280 bytes were copied by' /dev/ng0n1 $place \
		512+1024 1048576+1310720 0+1024 4096+512
	{ data 1 2; data 2048 2560; data 0 2; data 8 1; } >"$tmp/want"
	data $((place / 512)) 2565 >"$tmp/got"
	cmp "$tmp/got" "$tmp/want" || fail "something else is at $place"
done
ends 1 'Invalid argument' /dev/ng0n1 100 0+512
ends 1 'Invalid argument' /dev/ng0n1 0 0x10000000000+512
