#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# 'make install' lays out everything a machine needs, in each of the ways the
# modules can be installed, and 'make uninstall' leaves no file of it.
. selftests/lib/host.sh

dest=$TEST_TMP/dest
for modules in dkms built none; do
	step "$modules"
	check make -s install HERMETIC=1 O="$BUILD" DESTDIR="$dest" \
		MODULES=$modules PREFIX=/opt/x
	check test -e "$dest/opt/x/lib/nvmesteer/policies/null.bpf.o"
	check test -e "$dest/opt/x/include/nvmesteer/abi.h"
	case $modules in
	dkms) check test -x "$dest"/usr/src/nvmesteer-*/kernel-hooks/prepare ;;
	built) check test -e "$dest"/usr/lib/modules/*/updates/nvmesteer/nvme.ko ;;
	esac
	check make -s uninstall HERMETIC=1 O="$BUILD" DESTDIR="$dest" \
		MODULES=$modules PREFIX=/opt/x
	same '' "$(find "$dest" ! -type d)" 'what is left'
	same '' "$(find "$dest" -name '*nvmesteer*')" 'what is left'
done

step 'a build for guests is not installed on another system'
. /etc/os-release
if [ "$ID$VERSION_ID" != debian13 ]; then
	refuse make -s install O="$BUILD"
fi
pass
