// SPDX-License-Identifier: GPL-2.0
/*
 * From what libbpf and the kernel said to one sentence with cause and remedy.
 * libbpf tells causes apart only in its messages, so these are looked into.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nvmesteer.h"

#define WORD_LEN	96

/* What stands between @before and @after in one line of the log. */
static bool said(const struct policy *p, const char *before,
		 const char *after, char word[WORD_LEN])
{
	const char *from = p->log ? p->log : "", *to, *line;

	for (; (from = strstr(from, before)); from++) {
		line = from + strcspn(from, "\n");
		to = strstr(from + strlen(before), after);
		if (!to || to > line)
			continue;
		from += strlen(before);
		snprintf(word, WORD_LEN, "%.*s", (int)(to - from), from);
		return true;
	}
	return false;
}

static bool mentions(const struct policy *p, const char *text)
{
	return p->log && strstr(p->log, text);
}

static bool explain_member(const struct policy *p, char *why)
{
	char word[WORD_LEN];

	if (said(p, "Cannot find member ", " in kernel BTF", word))
		return snprintf(why, POLICY_WHY,
				"policy '%s' has the operation '%s', which the loaded nvmesteer module does not know; leave it out, or install the nvmesteer it was written for",
				p->name, word);
	if (said(p, "Unmatched member type ", " ", word) ||
	    said(p, "Error in size of member ", ":", word))
		return snprintf(why, POLICY_WHY,
				"policy '%s' declares the member '%s' unlike the loaded nvmesteer module; compile it with that module's headers",
				p->name, word);
	if (mentions(p, "struct bpf_struct_ops_nvme_steer_ops is not found") ||
	    mentions(p, "struct nvme_steer_ops is not found"))
		return snprintf(why, POLICY_WHY,
				"the kernel does not know struct nvme_steer_ops; load the module with 'modprobe nvmesteer'");
	return false;
}

static bool explain_kfunc(const struct policy *p, char *why)
{
	char word[WORD_LEN];

	if (said(p, "extern (func ksym) '", "': not found in kernel", word) ||
	    said(p, "kfunc '", "' is referenced but wasn't resolved", word))
		return snprintf(why, POLICY_WHY,
				"policy '%s' calls %s(), which the loaded nvmesteer module does not have; install the nvmesteer it was written for",
				p->name, word);
	if (said(p, "extern (func ksym) '", "': func_proto", word))
		return snprintf(why, POLICY_WHY,
				"policy '%s' declares %s() unlike the loaded nvmesteer module; compile it with that module's headers",
				p->name, word);
	return false;
}

static bool explain_verifier(const struct policy *p, char *why)
{
	char prog[WORD_LEN];

	/* with -vv there are logs of programs that it accepts */
	if (!mentions(p, "-- BEGIN PROG LOAD LOG --") ||
	    !said(p, "prog '", "': BPF program load failed", prog))
		return false;
	return snprintf(why, POLICY_WHY,
			"the verifier refuses '%s' of policy '%s'; mend what its last words below name, all with -vv",
			prog, p->name);
}

int explain__load(const struct policy *p, int err, char *why)
{
	char map[WORD_LEN];

	if (explain_member(p, why) || explain_kfunc(p, why))
		return -EOPNOTSUPP;
	if (explain_verifier(p, why))
		return err;
	if (said(p, "map '", "': failed to create", map))
		snprintf(why, POLICY_WHY,
			 "the kernel refuses map '%s' of policy '%s'; check its type, sizes and flags",
			 map, p->name);
	else if (err == -EPERM || err == -EACCES)
		snprintf(why, POLICY_WHY,
			 "not allowed to load BPF programs; run it as root, or with CAP_BPF and CAP_SYS_ADMIN");
	else
		snprintf(why, POLICY_WHY,
			 "cannot load '%.200s'; -v shows what libbpf says",
			 p->path);
	return err;
}

/* The driver's own I/O timeout, the most a policy may ask for. */
static unsigned long io_timeout_ms(void)
{
	unsigned long seconds = 0;
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/module/nvme_core/parameters/io_timeout",
		 kstate_sysfs);
	file = fopen(path, "r");
	if (!file)
		return 0;
	if (fscanf(file, "%lu", &seconds) != 1)
		seconds = 0;
	fclose(file);
	return seconds * 1000;
}

static int explain_reserve(const struct ctrl_state *s, char *buf, size_t size)
{
	return snprintf(buf, size,
			"the reservation is too small: %u queues asked for, %u granted, %u in use, %u of %u vectors in use; tune the policy to fewer queues, or enlarge it with 'echo %u > /sys/module/nvme/parameters/steer_queues', then 'nvme reset /dev/%s'",
			s->asked, s->granted, s->used, s->vectors_used,
			s->vectors, s->asked ? 2 * s->asked : 8, s->ctrl);
}

/* What a member of a policy's ops may be at most, whatever the controller. */
struct limit {
	const char *member;
	unsigned int most;
};

/* The first one that is exceeded, or NULL. */
static const struct limit *exceeded(const struct policy *p)
{
	static const struct limit limits[] = {
		{ "hold_ms", NVME_STEER_HOLD_MAX_MS },
		{ "path_hold_ms", NVME_STEER_HOLD_MAX_MS },
		{ "path_hold_more", NVME_STEER_HOLD_MAX_MORE },
	};
	const struct limit *l;

	for (l = limits; l < limits + sizeof(limits) / sizeof(limits[0]); l++)
		if (policy__number(p, l->member) > l->most)
			return l;
	return NULL;
}

static void refusal(const struct policy *p, const struct ctrl_state *s,
		    int err, char *buf, size_t size)
{
	unsigned long max = io_timeout_ms();
	const struct limit *l;

	if (err == -ERANGE && max && policy__number(p, "timeout_ms") > max)
		snprintf(buf, size,
			 "its timeout_ms is %u, above the driver's own %lu; lower it, or raise nvme_core.io_timeout",
			 policy__number(p, "timeout_ms"), max);
	else if (err == -ERANGE && (l = exceeded(p)))
		snprintf(buf, size,
			 "its %s is %u, above the module's limit of %u; lower it",
			 l->member, policy__number(p, l->member), l->most);
	else if (err == -ERANGE || err == -ENOSPC)
		explain_reserve(s, buf, size);
	else if (err == -EINVAL &&
		 (policy__number(p, "hold_by") & ~NVME_STEER_BY_ALL))
		snprintf(buf, size, "the module does not know what its hold_by 0x%x names; compile it with that module's headers",
			 policy__number(p, "hold_by"));
	else if (err == -EINVAL && policy__number(p, "flags"))
		snprintf(buf, size, "the module does not know its flags 0x%x; compile it with that module's headers",
			 policy__number(p, "flags"));
	else if (err == -EINVAL)
		snprintf(buf, size, "what its init() asks for is refused, such as a queue's mode or depth; check --set");
	else if (err == -EEXIST)
		snprintf(buf, size, "a queue it wants exists with another mode, depth or priority; give it the same queues with --set, or unload first; see 'nvmesteer queues %s'",
			 s->ctrl);
	else if (err == -EPROTO)
		snprintf(buf, size, "it is written for contract %u, newer than the loaded nvmesteer module; install a newer nvmesteer",
			 policy__number(p, "abi"));
	else if (err == -ENODEV)
		snprintf(buf, size, "the controller went away or is being reset; see /sys/class/nvme/%s/state",
			 s->ctrl);
	else if (err == -ENOLINK)
		snprintf(buf, size, "the attached policy ended just now; try again");
	else if (err == -EPERM || err == -EACCES)
		snprintf(buf, size, "not allowed; run it as root, or with CAP_BPF and CAP_SYS_ADMIN");
	else
		snprintf(buf, size, "its init() refuses; see the head of its source, and 'dmesg'");
}

int explain__attach(const struct policy *p, const struct ctrl_state *s,
		    int err, char *why)
{
	int len;

	len = snprintf(why, POLICY_WHY, "cannot attach '%s' to %s: ", p->name,
		       s->ctrl);
	if (err == -EBUSY && *s->policy)
		snprintf(why + len, POLICY_WHY - len,
			 "policy '%s' is attached; use 'nvmesteer load --replace'",
			 s->policy);
	else
		refusal(p, s, err, why + len, POLICY_WHY - len);
	return err;
}

int explain__exit_code(int err)
{
	switch (err) {
	case -EOPNOTSUPP:
	case -EPROTO:
		return EXIT_UNSUPPORTED;
	}
	return EXIT_FAILED;
}
