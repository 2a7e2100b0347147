// SPDX-License-Identifier: GPL-2.0
/*
 * The verbs, by name. Adding one is a file cmd_<verb>.c and a row here.
 */
#include <string.h>

#include "nvmesteer.h"

const struct verb verbs[] = {
	{ "load", "[OPTION]... POLICY",
	  "Load a policy and attach it to a controller", cmd_load },
	{ "unload", "[OPTION]... [CONTROLLER]",
	  "Detach the policy of a controller", cmd_unload },
	{ "list", "", "Show controllers and their policies", cmd_list },
	{ "status", "[--dump] [CONTROLLER]",
	  "Show a controller's policy, reservation and last exit", cmd_status },
	{ "check", "POLICY",
	  "Verify a policy in the kernel without attaching it", cmd_check },
	{ "get", "CONTROLLER [KEY]...",
	  "Print values of the attached policy's maps", cmd_get },
	{ "set", "CONTROLLER KEY=VALUE...",
	  "Change values of the attached policy's maps", cmd_set },
	{ "unset", "CONTROLLER KEY...",
	  "Delete entries of the attached policy's maps", cmd_unset },
	{ "queues", "[add|remove] [OPTION]... [CONTROLLER] [N]",
	  "Show, create and remove steer queues", cmd_queues },
	{ "stats", "[CONTROLLER]", "Show counters of queues and events",
	  cmd_stats },
	{ "copy", "--from DEV:OFFSET+LEN... --to DEV:OFFSET",
	  "Copy ranges of namespaces to one place", cmd_copy },
	{ "limits", "[CONTROLLER] [NSID=BYTES]...",
	  "Show and set how much one Copy command may copy", cmd_limits },
	{ "off", "[CONTROLLER]", "End the attached policy at once", cmd_off },
	{ 0 },
};

const struct verb *verb__find(const char *name)
{
	const struct verb *v;

	for (v = verbs; v->name; v++)
		if (!strcmp(v->name, name))
			return v;
	return NULL;
}
