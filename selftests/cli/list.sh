#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# list: a row for each controller, policies and pins of ours and of others,
# also for a user who may only look.

. selftests/lib/guest.sh

trap 'nvmesteer unload nvme0 >/dev/null 2>&1; chmod 700 /root' EXIT

row() { nvmesteer list --json | jq -er ".controllers[] | select(.controller == \"$1\") | $2"; }
wanted=$(cd /sys/class/nvme && printf '%s\n' nvme*/steer | sed 's,/.*,,' | sort -V)

step 'all controllers, in order'
same "$wanted" "$(nvmesteer list --json | jq -r '.controllers[].controller')" controllers
same "$wanted" "$(nvmesteer list | tail -n +2 | awk '{ print $1 }')" rows
same 'CONTROLLER STATE POLICY QUEUES PINS LINK' \
	"$(nvmesteer list | head -1 | xargs)" header
same nvmesteer.list/1 "$(nvmesteer list --json | jq -r .schema)" schema

step 'no policy'
same null "$(nvmesteer list --json | jq '.controllers[0].policy')" policy
same none "$(row nvme0 .pins)" pins

step 'a policy of ours'
check nvmesteer load --dev nvme0 "$POLICIES/spread.bpf.o" >/dev/null
same spread "$(row nvme0 .policy)" policy
same attached "$(row nvme0 .state)" state
same "$(steer nvme0 link)" "$(row nvme0 .link_id)" link
same /sys/fs/bpf/nvmesteer/nvme0/spread "$(row nvme0 .pin_dir)" 'pin dir'
same true "$(row nvme0 '.queues_used > 0 and .queues_used <= .queues_granted')" queues
[ -e "$(row nvme0 .pin_dir)/link" ] || fail 'no link pin there'

step 'somebody who may only look'
list=$(setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set -all \
	"$(command -v nvmesteer)" list) || fail 'list fails without privilege'
grep -q '^nvme0 .*attached.*spread' <<<"$list" || fail "it says: $list"

step 'an argument is one too many'
nvmesteer list nvme0 2>/dev/null
same 2 $? 'exit code'
pass
