# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# What the tests of suite host share. They run on the machine itself and try
# the build and selftests/vm/run as a person would. Sourced from the
# checkout's top folder; the words for ending a test are guest.sh's.

. selftests/lib/guest.sh

BUILD=${NVMESTEER_BUILD:-$PWD/build}

# guest WANTED-STATUS ARG...: selftests/vm/run, its output in $TEST_TMP/out
# and $TEST_TMP/err.
guest() {
	local wanted=$1 status=0
	shift
	selftests/vm/run "$@" >"$TEST_TMP/out" 2>"$TEST_TMP/err" || status=$?
	if [ $status != "$wanted" ]; then
		cat "$TEST_TMP/out" "$TEST_TMP/err"
		fail "vm/run ended with $status, should be $wanted"
	fi
}

# says FILE WORDS: WORDS (a regular expression) are in $TEST_TMP/FILE.
says() {
	grep -q -E -e "$2" "$TEST_TMP/$1" || {
		cat "$TEST_TMP/$1"
		fail "no '$2' in $1"
	}
}
