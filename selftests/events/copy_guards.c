// SPDX-License-Identifier: GPL-2.0
/*
 * A namespace with 64-bit guards is formatted to one without metadata, and the
 * controller is not reset. From then on its copies are in the formats of Copy
 * for 16-bit guards, as the specification has it, though the driver goes on
 * with what it knew of the guards: NVMe Copy commands in format 0h are done,
 * those in format 1h refused, and copies are offloaded.
 *
 * vm: --drives faults --cpus 4
 */
#include "copy.h"
#include "fault.h"
#include "steer.h"
#include "test.h"

#define AREA	(64UL << 10)

static struct pt_ns ns;
static struct image src, dst;
static struct pt_ring ring;
static struct copy copy;

static bool has_metadata(unsigned int bytes)
{
	char path[64], text[16];

	snprintf(path, sizeof(path), "/sys/block/nvme%s/metadata_bytes",
		 ns.name);
	return test_read(path, text, sizeof(text)) > 0 &&
	       strtoul(text, NULL, 10) == bytes;
}

static void formatted(unsigned int format, unsigned int metadata)
{
	test_step("formatted to %u bytes of metadata", metadata);
	fault_change(FAULT_CHANGE_FORMAT, format);
	test_check(test_wait(has_metadata(metadata), 20000),
		   "the driver does not know");
}

/* An NVMe Copy of one range of 8 blocks. */
static int command(unsigned int format)
{
	uint64_t from = src.from >> 9, result;
	struct nvme_uring_cmd cmd;
	uint8_t list[40] = { };

	memcpy(list + 8, &from, 8);
	list[16] = 7;
	pt_rw(&cmd, &ns, PT_COPY, dst.from >> 9, 1, list,
	      format & 1 ? 40 : 32);
	cmd.cdw12 = format << 8;
	return pt_do(&ring, ns.fd, &cmd, 0, &result);
}

/* Copies of each kind, where there is no metadata. */
static void copies(const char *when)
{
	struct copy_events e;
	int ret;

	test_step("copies, %s", when);
	image_refill(&src, 0, AREA);
	image_refill(&dst, 0, AREA);
	copy_events(ns.ctrl, &e);
	ret = command(0);
	test_check(!ret, "%s: format 0h: %#x", when, ret);
	memcpy(dst.want, src.want, 8 * 512);
	image_check(&dst, when);
	ret = command(1);
	test_check((ret & 0x7ff) == COPY_SC_INVALID_FORMAT,
		   "%s: format 1h: %#x", when, ret);
	copy_begin(&copy, &dst, 8192, NVME_STEER_COPY_F_OFFLOAD);
	copy_add(&copy, &src, 8192, 8192);
	copy_good(&ring, &copy, NVME_STEER_COPY_OFFLOAD, when);
	copy_events_since(ns.ctrl, &e);
	test_check(e.offloaded == 2 && !e.emulated, "%s: %ju offloaded", when,
		   e.offloaded);
}

int main(void)
{
	static const struct puppet_config config = {
		.mode = { [1] = NVME_STEER_IRQ },
	};
	struct steer_policy policy;
	int ret;

	test_begin(60);
	fault_open(&ns);
	fault_change(FAULT_CHANGE_COPY, 128);
	steer_puppet_copy(&policy, ns.ctrl, &config);
	policy.state->copy_route = 1;
	copy_init(&copy, 1);
	image_init(&src, &ns, 1 << 20, AREA);
	image_init(&dst, &ns, 2 << 20, AREA);
	pt_ring_init(&ring, 8, 0);

	copies("as it was");
	formatted(FAULT_FORMAT_GUARD64, 16);
	ret = command(0);
	test_check((ret & 0x7ff) == COPY_SC_INVALID_FORMAT,
		   "64-bit guards: format 0h: %#x", ret);
	formatted(FAULT_FORMAT_512, 0);
	copies("formatted again");

	fault_host_is_good("copies");
	pt_ring_exit(&ring);
	image_free(&src);
	image_free(&dst);
	copy_free(&copy);
	steer_detach(&policy);
	test_pass();
}
