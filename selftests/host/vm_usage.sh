#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# What cannot work is refused at once, with a sentence.
. selftests/lib/host.sh

guest 2
says err 'no command given'
guest 2 --nonsense -- true
says err 'unknown option --nonsense'
guest 2 --cpus many -- true
says err '--cpus takes a whole number'
guest 2 --size large -- true
says err '--size takes a whole number'
guest 2 --copy nothing -- true
says err '--copy takes FROM:/TO'
guest 2 --copy /no/such/file:/x -- true
says err 'there is no /no/such/file'
guest 2 --drives many -- true
says err "--drives takes 'copy', 'faults', 'instant' or 'paths'"
guest 2 --env 1=2 -- true
says err '--env takes NAME=VALUE'
guest 255 --kernel 1.2.3 -- true
says err 'no kernel 1.2.3 in .*; there is: [0-9]'
guest 0 --help
says out '^Usage: selftests/vm/run'
pass
