// SPDX-License-Identifier: GPL-2.0
/*
 * nvmesteer copy: copies ranges of namespaces to one place, the controller or
 * the kernel doing it, as the policy decides. Ended by a signal, or failed, it
 * prints the command that copies the rest.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "copy_job.h"

struct request {
	const char **from;
	unsigned int nr_from;
	const char *to;
	const char *depth;
	bool automatic;
	bool verify;
	struct copy_job job;
	struct copy_result result;
	int verified;		/* 1 it is, 0 it was not compared, -1 not */
	char options[128];	/* for the command that goes on */
	char error[COPY_WHY + 256];	/* "" for none */
};

/* ------------------------------------------------------------------ options */

static void add_from(void *ctx, const char *arg)
{
	struct request *r = ctx;

	r->from = reallocarray(r->from, r->nr_from + 1, sizeof(*r->from));
	if (!r->from)
		abort();
	r->from[r->nr_from++] = arg;
}

static void set_to(void *ctx, const char *arg)
{
	((struct request *)ctx)->to = arg;
}

static void set_depth(void *ctx, const char *arg)
{
	((struct request *)ctx)->depth = arg;
}

static void set_offload(void *ctx, const char *arg)
{
	(void)arg;
	((struct request *)ctx)->job.flags |= NVME_STEER_COPY_F_OFFLOAD;
}

static void set_emulate(void *ctx, const char *arg)
{
	(void)arg;
	((struct request *)ctx)->job.flags |= NVME_STEER_COPY_F_EMULATE;
}

static void set_auto(void *ctx, const char *arg)
{
	(void)arg;
	((struct request *)ctx)->automatic = true;
}

static void set_fua(void *ctx, const char *arg)
{
	(void)arg;
	((struct request *)ctx)->job.flags |= NVME_STEER_COPY_F_FUA;
}

static void set_verify(void *ctx, const char *arg)
{
	(void)arg;
	((struct request *)ctx)->verify = true;
}

static void set_force(void *ctx, const char *arg)
{
	(void)arg;
	((struct request *)ctx)->job.force = true;
}

static const struct opt opts[] = {
	{ .name = "from", .arg = "DEV:OFFSET+LEN", .set = add_from,
	  .help = "what to copy; repeatable (without +LEN: to the end)" },
	{ .name = "to", .arg = "DEV:OFFSET", .set = set_to,
	  .help = "where to, one range behind the other" },
	{ .name = "auto", .set = set_auto,
	  .help = "the policy decides who copies (default)" },
	{ .name = "offload", .set = set_offload,
	  .help = "the controller copies, or nobody" },
	{ .name = "emulate", .set = set_emulate,
	  .help = "the kernel reads and writes" },
	{ .name = "queue-depth", .arg = "N", .set = set_depth,
	  .help = "at most N commands at a time, 1 to 64 (default: as the policy says)" },
	{ .name = "fua", .set = set_fua,
	  .help = "Force Unit Access: it is on the medium at the end" },
	{ .name = "verify", .set = set_verify,
	  .help = "compare afterwards, by the block devices" },
	{ .name = "force", .set = set_force,
	  .help = "even where the destination is in use" },
	{ 0 },
};

/* ------------------------------------------------------------------- parsing */

static bool parse_places(struct request *r, char *why)
{
	struct copy_job *job = &r->job;
	struct copy_range *range;

	job->ranges = calloc(r->nr_from, sizeof(*job->ranges));
	if (!job->ranges)
		abort();
	for (; job->nr < r->nr_from; job->nr++) {
		range = &job->ranges[job->nr];
		if (!copy_text__place(r->from[job->nr], &range->dev_arg,
				      &range->offset, &range->len,
				      &range->to_end, why))
			return false;
	}
	return copy_text__place(r->to, &job->to_arg, &job->to_offset, NULL,
				NULL, why);
}

static bool parse_depth(struct request *r)
{
	unsigned long n;
	char *end;

	if (!r->depth)
		return true;
	n = strtoul(r->depth, &end, 10);
	r->job.depth = n;
	return *r->depth >= '0' && *r->depth <= '9' && !*end && n &&
	       n <= NVME_STEER_COPY_MAX_DEPTH;
}

static int parse(struct request *r, int surplus)
{
	const uint32_t both = NVME_STEER_COPY_F_OFFLOAD |
			      NVME_STEER_COPY_F_EMULATE;
	uint32_t flags = r->job.flags;
	char why[COPY_WHY];

	if (surplus || !r->nr_from || !r->to)
		return fail_code(EXIT_USAGE,
			"copy needs --from and --to, and nothing but options; write 'nvmesteer copy --from nvme0n1:0+64M --to nvme0n2:0'");
	if ((flags & both) == both || (r->automatic && flags & both))
		return fail_code(EXIT_USAGE,
			"--auto, --offload and --emulate exclude each other");
	if (!parse_depth(r))
		return fail_code(EXIT_USAGE,
			"--queue-depth takes a number from 1 to %u, not '%s'",
			NVME_STEER_COPY_MAX_DEPTH, r->depth);
	if (!parse_places(r, why))
		return fail_code(EXIT_USAGE, "%s", why);
	snprintf(r->options, sizeof(r->options), "%s%s%s%s%s%s%s%s",
		 flags & NVME_STEER_COPY_F_OFFLOAD ? " --offload" : "",
		 flags & NVME_STEER_COPY_F_EMULATE ? " --emulate" : "",
		 flags & NVME_STEER_COPY_F_FUA ? " --fua" : "",
		 r->depth ? " --queue-depth " : "", r->depth ? r->depth : "",
		 r->verify ? " --verify" : "", r->job.force ? " --force" : "",
		 opt_json ? " --json" : "");
	return EXIT_OK;
}

/* ------------------------------------------------------------------- results */

static const char *const paths[] = {
	[NVME_STEER_COPY_OFFLOAD] = "offload",
	[NVME_STEER_COPY_SPLIT] = "split",
	[NVME_STEER_COPY_EMULATE] = "emulate",
	[NVME_STEER_COPY_HYBRID] = "hybrid",
};

static const char *path_name(const struct copy_result *r)
{
	return r->path < sizeof(paths) / sizeof(paths[0]) ? paths[r->path] :
							    NULL;
}

/* As in struct nvme_steer_copy_range. */
static int range_status(const struct request *r, const struct copy_range *range)
{
	if (copy_plan__done(range, r->result.copied) == range->len)
		return 0;
	if (range == r->result.failed)
		return r->result.error;
	return r->result.error ? -ECANCELED : -EINTR;
}

static bool can_continue(const struct request *r)
{
	return (r->result.copied || r->result.signal) &&
	       r->result.copied < r->job.len && !r->result.torn;
}

static void json_rest(struct json *j, const struct request *r)
{
	char *text = NULL, *line, *save = NULL;
	size_t size;
	FILE *file;

	json__array(j, "continue");
	file = can_continue(r) ? open_memstream(&text, &size) : NULL;
	if (file) {
		copy_text__rest(&r->job, r->result.copied, r->options, file);
		fclose(file);
		for (line = strtok_r(text, "\n", &save); line;
		     line = strtok_r(NULL, "\n", &save))
			json__str(j, NULL, line);
		free(text);
	}
	json__array_end(j);
}

static void json_range(struct json *j, const struct request *r,
		       const struct copy_range *range)
{
	json__object(j, NULL);
	json__str(j, "from", range->dev->arg);
	json__uint(j, "offset", range->offset);
	json__uint(j, "len", range->len);
	json__uint(j, "done", copy_plan__done(range, r->result.copied));
	json__bool(j, "backwards", range->backwards);
	json__int(j, "status", range_status(r, range));
	json__object_end(j);
}

static void print_json(const struct request *r)
{
	const struct copy_result *result = &r->result;
	const struct copy_job *job = &r->job;
	unsigned int i;
	struct json j;

	json__begin(&j, stdout, "copy");
	json__uint(&j, "copied", result->copied);
	json__uint(&j, "len", job->len);
	json__str(&j, "path", path_name(result));
	json__double(&j, "seconds", result->seconds);
	json__double(&j, "bytes_per_second",
		     result->copied / (result->seconds + 1e-9));
	json__str(&j, "to", job->to->arg);
	json__uint(&j, "to_offset", job->to_offset);
	json__array(&j, "ranges");
	for (i = 0; i < job->nr; i++)
		json_range(&j, r, &job->ranges[i]);
	json__array_end(&j);
	if (r->verified)
		json__bool(&j, "verified", r->verified > 0);
	else
		json__null(&j, "verified");
	json__int(&j, "status", result->error);
	if (result->signal)
		json__str(&j, "signal",
			  result->signal == SIGINT ? "SIGINT" : "SIGTERM");
	else
		json__null(&j, "signal");
	json__str(&j, "error", r->error[0] ? r->error : NULL);
	json_rest(&j, r);
	json__end(&j);
}

static void print_done(const struct request *r)
{
	const struct copy_result *result = &r->result;
	char len[16], rate[16];

	out__bytes(result->copied, len, sizeof(len));
	out__bytes(result->copied / (result->seconds + 1e-9), rate,
			 sizeof(rate));
	printf("copied %s (%" PRIu64 " bytes) to %s:%" PRIu64 " in %.2f s, %s/s, %s%s\n",
	       len, result->copied, r->job.to->arg, r->job.to_offset,
	       result->seconds, rate, path_name(result) ? : "-",
	       r->verified > 0 ? ", verified" : "");
}

/* How far each range got, on standard error. */
static void print_ranges(const struct request *r)
{
	static const char *const headers[] = {
		"FROM", ">OFFSET", ">LEN", ">DONE", "STATUS",
	};
	const struct copy_job *job = &r->job;
	const struct copy_range *range;
	struct table *t;
	int status;

	t = table__new(sizeof(headers) / sizeof(headers[0]), headers);
	for (range = job->ranges; range < job->ranges + job->nr; range++) {
		status = range_status(r, range);
		table__cell(t, "%s", range->dev->arg);
		table__cell(t, "%" PRIu64, range->offset);
		table__cell(t, "%" PRIu64, range->len);
		table__cell(t, "%" PRIu64 "%s",
			    copy_plan__done(range, r->result.copied),
			    range->backwards ? " from its end" : "");
		if (status > 0)
			table__cell(t, "0x%x", status);
		else
			table__cell(t, "%s", status ? errno_name(status) : "ok");
	}
	table__print(t, stderr);
	table__free(t);
}

static void print_rest(const struct request *r)
{
	if (!can_continue(r))
		return;
	if (r->job.nr > 1)
		print_ranges(r);
	fputs("Continue with:\n", stderr);
	copy_text__rest(&r->job, r->result.copied, r->options, stdout);
}

/* --------------------------------------------------------------------- copy */

static int say_end(const struct request *r, int code)
{
	if (opt_json)
		print_json(r);
	if (r->error[0]) {
		fail("%s", r->error);
		if (!opt_json)
			print_rest(r);
	} else if (!opt_json) {
		print_done(r);
	}
	return code;
}

/* "1.0 GiB of 3.0 GiB (1073741824 bytes)" */
static void how_far(const struct request *r, char *text, size_t size)
{
	char copied[16], len[16];

	out__bytes(r->result.copied, copied, sizeof(copied));
	out__bytes(r->job.len, len, sizeof(len));
	snprintf(text, size, "%s of %s (%" PRIu64 " bytes)", copied, len,
		 r->result.copied);
}

static int say_signal(struct request *r)
{
	char far[64];

	how_far(r, far, sizeof(far));
	snprintf(r->error, sizeof(r->error), "%s ended it: copied %s%s",
		 r->result.signal == SIGINT ? "SIGINT" : "SIGTERM", far,
		 r->verify ? ", not compared" : "");
	return say_end(r, 128 + r->result.signal);
}

static int say_failed(struct request *r)
{
	const struct copy_range *range = r->result.failed;
	char why[COPY_WHY], far[64];
	int code;

	code = copy_why(&r->job, &r->result, why);
	how_far(r, far, sizeof(far));
	if (!range && !r->result.copied)
		snprintf(r->error, sizeof(r->error), "cannot copy to %s: %s",
			 r->job.to->arg, why);
	else if (!range)
		snprintf(r->error, sizeof(r->error),
			 "copied %s, then the kernel refused to go on: %s",
			 far, why);
	else
		snprintf(r->error, sizeof(r->error),
			 "copied %s, then %s:%" PRIu64 "+%" PRIu64 " failed: %s%s",
			 far, range->dev->arg, range->offset, range->len, why,
			 r->result.torn ? "; the range overlaps its destination and is broken off in the middle: what follows is partly old, partly new" : "");
	return say_end(r, code);
}

static int verify(struct request *r)
{
	struct copy_difference d;
	char why[COPY_WHY];
	int ret;

	ret = copy_verify(&r->job, &d, why);
	if (!ret) {
		r->verified = 1;
		return say_end(r, EXIT_OK);
	}
	if (ret == -EINTR) {
		r->result.signal = copy_signal();
		return say_signal(r);
	}
	r->verified = ret > 0 ? -1 : 0;
	if (ret > 0)
		snprintf(r->error, sizeof(r->error),
			 "the copy differs: byte %" PRIu64 " of %s is 0x%02x, byte %" PRIu64 " of %s is 0x%02x; was either written meanwhile?",
			 d.to, r->job.to->arg, d.has, d.from,
			 d.range->dev->arg, d.should);
	else
		snprintf(r->error, sizeof(r->error),
			 "copied, but it cannot be compared: %s (%s)", why,
			 errno_name(ret));
	return say_end(r, EXIT_FAILED);
}

static int start(struct request *r)
{
	struct copy_job *job = &r->job;
	char why[COPY_WHY] = "not enough memory";
	unsigned int i;
	int ret;

	for (i = 0; i < job->nr_devs; i++)
		copy_dev__flush(job->devs[i]);
	copy_catch_signals();
	ret = copy_run(job, &r->result, why);
	if (ret)
		return fail("cannot copy to %s: %s (%s)", job->to->arg, why,
			    errno_name(ret));
	copy_dev__flush(job->to);
	if (r->result.error)
		return say_failed(r);
	if (r->result.copied < job->len)
		return say_signal(r);
	return r->verify ? verify(r) : say_end(r, EXIT_OK);
}

static int run(struct request *r)
{
	struct copy_job *job = &r->job;
	char why[COPY_WHY];
	int ret;

	ret = kstate__absent(why);
	if (ret)
		return fail_code(ret, "%s", why);
	ret = copy_dev__open_all(job, why);
	if (!ret) {
		copy_plan__prepare(job);
		ret = r->verify ? copy_verify__possible(job, why) : 0;
	}
	if (ret)
		return fail("%s (%s)", why, errno_name(ret));
	return start(r);
}

int cmd_copy(int argc, char **argv)
{
	struct request r = { 0 };
	unsigned int i;
	int first, code;

	first = opts__parse(verb__find("copy"), opts, &r, argc, argv, &code);
	if (first < 0)
		return code;
	code = parse(&r, argc - first);
	if (!code)
		code = run(&r);
	copy_dev__close_all(&r.job);
	for (i = 0; i < r.job.nr; i++)
		free(r.job.ranges[i].dev_arg);
	free(r.job.ranges);
	free(r.job.to_arg);
	free(r.from);
	return code;
}
