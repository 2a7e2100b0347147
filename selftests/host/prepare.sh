#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# kernel-hooks/prepare refuses source of another version than the headers, an
# unknown series and a patch that does not apply, each with its own sentence;
# it writes only what changed.
. selftests/lib/host.sh

hooks=$TEST_TMP/kernel-hooks
cp -r kernel-hooks "$hooks"
kdir=$TEST_TMP/kdir
src=$TEST_TMP/src
out=$TEST_TMP/out
mkdir -p "$kdir/include/generated/uapi/linux" "$src/drivers/nvme/host" \
	"$src/io_uring"

headers() { # MAJOR MINOR SUB
	printf '#define LINUX_VERSION_MAJOR %s\n#define %s %s\n#define %s %s\n' \
		"$1" LINUX_VERSION_PATCHLEVEL "$2" LINUX_VERSION_SUBLEVEL "$3" \
		>"$kdir/include/generated/uapi/linux/version.h"
}
run() { # WANTED-STATUS
	local status=0
	"$hooks/prepare" --kdir "$kdir" --ksrc "$src" --out "$out" \
		>"$TEST_TMP/out.txt" 2>&1 || status=$?
	same "$1" $status 'status of prepare'
}

# A kernel as small as it can be, and one patch for it.
printf 'VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 7\n' >"$src/Makefile"
printf 'one\ntwo\nthree\n' >"$src/drivers/nvme/host/nvme.h"
printf 'struct other {\n};\nstruct io_mapped_ubuf {\n\tint x;\n};\n' \
	>"$src/io_uring/rsrc.h"
echo same >"$src/drivers/nvme/host/pci.c"
rm -f "$hooks"/patches/6.12/*
patch() { # FROM TO
	cat >"$hooks/patches/6.12/0001-test.patch" <<-P
	--- a/drivers/nvme/host/nvme.h
	+++ b/drivers/nvme/host/nvme.h
	@@ -1,3 +1,3 @@
	 one
	-$1
	+$2
	 three
	P
}
patch two TWO

headers 6 12 7
run 0
same 'one TWO three' "$(tr '\n' ' ' <"$out/drivers/nvme/host/nvme.h" |
	sed 's/ $//')"

same 'struct io_mapped_ubuf { int x; };' "$(tr '\n\t' ' ' \
	<"$out/drivers/nvme/host/io_mapped_ubuf.h" | sed 's/  */ /g; s/ $//')"

step 'only what changed is written again'
touch -d '2001-01-01' "$out/drivers/nvme/host/pci.c"
patch two Zwei
run 0
same 'one Zwei three' "$(tr '\n' ' ' <"$out/drivers/nvme/host/nvme.h" |
	sed 's/ $//')"
same 2001 "$(date -r "$out/drivers/nvme/host/pci.c" +%Y)"

step 'refusals'
patch drei TWO
run 1
says out.txt '0001-test.patch does not apply to Linux 6.12.7'
headers 6 12 8
run 1
says out.txt 'source is 6.12.7 but the headers are 6.12.8; install'
headers 9 9 9
run 1
says out.txt 'no hook patches for Linux 9.9 .*supported: 6.12'
src=$TEST_TMP/none
run 1
says out.txt 'there is no kernel source at'
pass
