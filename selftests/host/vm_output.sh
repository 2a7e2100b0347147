#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# A guest's command gives what it gives on any machine: its exit code, its two
# outputs apart and byte for byte, its environment, its files, no input.
. selftests/lib/host.sh

printf 'a file of the host' >"$TEST_TMP/file"
mkdir "$TEST_TMP/share"
cat >"$TEST_TMP/command" <<'C'
all_bytes() {
	for ((i = 0; i < 256; i++)); do printf "\\x$(printf %x $i)"; done
}
all_bytes
echo "env=$ONE|$TWO" >&2
echo "args=$#|$1|$2" >&2
echo "cwd=$PWD" >&2
echo "copy=$(cat /some/where/file)" >&2
echo "stdin=$(wc -c)" >&2
echo "uid=$(id -u) shell=$(tty)" >&2
echo from the guest >/run/vm/share/note
head -c 2000000 /dev/zero | tee >(md5sum >/run/vm/share/sum)
touch /nvmesteer/x 2>&- || echo "repo is read-only" >&2
exit 137
C
guest 137 --stock --env ONE=1 --env "TWO=two  words" --share "$TEST_TMP/share" \
	--copy "$TEST_TMP/file:/some/where/file" \
	--copy "$TEST_TMP/command:/command" \
	-- bash /command 'one arg' "it's"
says err '^env=1\|two  words$'
says err "^args=2\\|one arg\\|it's\$"
says err '^cwd=/nvmesteer$'
says err '^copy=a file of the host$'
says err '^stdin=0$'
says err '^uid=0 shell=not a tty$'
says err '^repo is read-only$'
same 'from the guest' "$(cat "$TEST_TMP/share/note")"
same $((256 + 2000000)) "$(stat -c %s "$TEST_TMP/out")" 'size of the output'
same "$(for ((i = 0; i < 256; i++)); do printf "%02x" $i; done)" \
	"$(head -c 256 "$TEST_TMP/out" | od -An -v -tx1 | tr -d ' \n')"
same "$(head -c 2000000 /dev/zero | md5sum)" \
	"$(cat "$TEST_TMP/share/sum")"
pass
