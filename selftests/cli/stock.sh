#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# The distribution's own nvme modules: every verb says so, with exit code 3.
#
# vm: --stock

PATH=$PATH:$PWD/build/loader:${NVMESTEER_BUILD:-build}/loader
command -v nvmesteer >/dev/null ||
	PATH=$PATH:$(dirname "$(find "${NVMESTEER_BUILD:-build}" -maxdepth 2 \
		-name nvmesteer -type f -perm /1 | head -n 1)")
. selftests/cli/lib/cli.sh
null=${NVMESTEER_BUILD:-build}/bpf/null.bpf.o

ok --version
ok load --help
for verb in "list" "status --dev nvme0" "stats nvme0" "queues nvme0" \
	"off nvme0" "get nvme0" "set nvme0 a=1" "unload --all" \
	"load --dev nvme0 $null" "check $null"; do
	# shellcheck disable=SC2086
	says 3 "stock|distribution" $verb
done
pass
