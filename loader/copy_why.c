// SPDX-License-Identifier: GPL-2.0
/*
 * Why a copy failed: from an errno or an NVMe status to a sentence with cause
 * and remedy.
 */
#include <errno.h>
#include <string.h>

#include "copy_job.h"

/* Status code type and code, without Do Not Retry and the like. */
#define STATUS_MASK	0x7ff

static const struct {
	int status;
	const char *text;
} statuses[] = {
	{ 0x002, "invalid field in command" },
	{ 0x004, "data transfer error" },
	{ 0x005, "aborted, power is being lost" },
	{ 0x006, "internal error" },
	{ 0x007, "aborted by request" },
	{ 0x008, "aborted, the queue was deleted" },
	{ 0x00b, "invalid namespace or format" },
	{ 0x01c, "sanitize failed" },
	{ 0x01d, "sanitize in progress" },
	{ 0x020, "the namespace is write protected" },
	{ 0x021, "the command was interrupted" },
	{ 0x022, "transient transport error" },
	{ 0x024, "prohibited by command and feature lockdown" },
	{ 0x080, "LBA out of range" },
	{ 0x081, "capacity exceeded" },
	{ 0x082, "namespace not ready" },
	{ 0x083, "reservation conflict" },
	{ 0x084, "format in progress" },
	{ 0x180, "conflicting attributes" },
	{ 0x181, "invalid protection information" },
	{ 0x182, "attempted write to read only range" },
	{ 0x183, "command size limit exceeded" },
	{ 0x185, "incompatible namespace or format" },
	{ 0x186, "fast copy not possible" },
	{ 0x187, "overlapping I/O range" },
	{ 0x188, "namespace not reachable" },
	{ 0x189, "insufficient resources" },
	{ 0x1b8, "zoned boundary error" },
	{ 0x1b9, "zone is full" },
	{ 0x1ba, "zone is read only" },
	{ 0x1bb, "zone is offline" },
	{ 0x1bc, "zone invalid write" },
	{ 0x1bd, "too many active zones" },
	{ 0x1be, "too many open zones" },
	{ 0x1bf, "invalid zone state transition" },
	{ 0x280, "write fault" },
	{ 0x281, "unrecovered read error" },
	{ 0x282, "end-to-end guard check error" },
	{ 0x283, "end-to-end application tag check error" },
	{ 0x284, "end-to-end reference tag check error" },
	{ 0x285, "compare failure" },
	{ 0x286, "access denied" },
	{ 0x287, "deallocated or unwritten logical block" },
	{ 0x301, "asymmetric access persistent loss" },
	{ 0x302, "asymmetric access inaccessible" },
	{ 0x303, "asymmetric access transition" },
	{ 0x370, "host pathing error" },
	{ 0x371, "command aborted by the host" },
};

static void explain_status(int status, char *why)
{
	const char *text = "see the NVMe specification", *remedy;
	size_t i;

	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (statuses[i].status == (status & STATUS_MASK))
			text = statuses[i].text;
	switch (status & STATUS_MASK) {
	case 0x007:
	case 0x008:
	case 0x371:
		remedy = "a reset of the controller does that";
		break;
	case 0x020:
		remedy = "'nvme get-feature -f 0x84' tells for how long";
		break;
	case 0x281:
	case 0x280:
		remedy = "'dmesg' tells which blocks";
		break;
	default:
		remedy = "'dmesg' may tell more";
	}
	snprintf(why, COPY_WHY, "NVMe status 0x%x, %s; %s",
		 status & STATUS_MASK, text, remedy);
}

/* Nobody took the SQE. */
static int explain_nobody(const struct copy_job *job, char *why)
{
	char ctrl[32], ignored[256];
	struct ctrl_state s;
	bool attached;
	int code;

	code = kstate__absent(why);
	if (code)
		return code;
	if (target__resolve(job->to->disk, ctrl, ignored)) {
		snprintf(why, COPY_WHY,
			 "no policy is attached to the controller that %s is reached through; attach one with 'nvmesteer load --dev CONTROLLER copyauto', for each that 'nvmesteer list' shows",
			 job->to->arg);
		return EXIT_FAILED;
	}
	attached = !kstate__read(ctrl, &s) && s.policy[0];
	if (!attached)
		snprintf(why, COPY_WHY,
			 "no policy is attached to %s; attach one with 'nvmesteer load --dev %s copyauto'",
			 ctrl, ctrl);
	else
		snprintf(why, COPY_WHY,
			 "the loaded nvmesteer module has no copies; install the one that this tool is from");
	kstate__free(&s);
	return attached ? EXIT_UNSUPPORTED : EXIT_FAILED;
}

static int explain_unsupported(const struct copy_job *job, char *why)
{
	if (job->flags & NVME_STEER_COPY_F_OFFLOAD)
		snprintf(why, COPY_WHY,
			 "the controller cannot copy this by itself; leave out --offload, 'nvmesteer limits' shows what it can");
	else
		snprintf(why, COPY_WHY,
			 "reading and writing would lose metadata, and the controller cannot copy this by itself; use namespaces of one format, or without metadata");
	return EXIT_UNSUPPORTED;
}

static const char *explain_errno(int err)
{
	switch (err) {
	case -EACCES:
	case -EPERM:
		return "not allowed to read or write there by passthrough commands; run it as root";
	case -E2BIG:
		return "it is of more than 16 namespaces; copy from some of them at a time";
	case -EINVAL:
		return "the kernel finds a number out of its range, or not a multiple of the block size; was the namespace formatted meanwhile?";
	case -ENODEV:
		return "the namespace is gone, or has no path that can be used; see /sys/class/nvme/*/state";
	case -EINTR:
		return "a reset of the controller ended it; copy the rest when the controller is live again";
	case -EAGAIN:
	case -EBUSY:
		return "the controller has no room for it now; try again";
	case -ENOMEM:
		return "not enough memory";
	case -EIO:
		return "the device cannot be read or written there; see 'dmesg'";
	}
	return NULL;
}

int copy_why(const struct copy_job *job, const struct copy_result *r,
	     char *why)
{
	int code = EXIT_FAILED;
	const char *text;
	size_t len;

	if (r->error > 0) {
		explain_status(r->error, why);
		return EXIT_FAILED;
	}
	text = explain_errno(r->error);
	if (r->error == -ENOTTY)
		code = explain_nobody(job, why);
	else if (r->error == -EOPNOTSUPP)
		code = explain_unsupported(job, why);
	else if (text)
		snprintf(why, COPY_WHY, "%s", text);
	else
		snprintf(why, COPY_WHY, "%s; the policy may have refused it",
			 strerror(-r->error));
	len = strlen(why);
	snprintf(why + len, COPY_WHY - len, " (%s)", errno_name(r->error));
	return code;
}
