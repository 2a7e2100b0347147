// SPDX-License-Identifier: GPL-2.0
/*
 * tenants - give each cgroup a queue, and if wanted a cap on its depth.
 *
 * The cgroup of the submitting task, or of a block request's data (nvmesteer
 * load --block; the io controller has to be enabled for it), is looked up in
 * the map `tenants`, then its parent, and so on up to the root: the nearest one
 * that is configured decides. A task without one keeps the driver's own path,
 * so nothing is steered until the map says so, and only for the cgroups it
 * names.
 *
 * Does well: keeping the host side of noisy neighbours apart: each tenant has
 * submission and completion queues, doorbells and interrupts of its own, and
 * a cap on what it may have in flight. Does badly: nothing here divides the
 * flash behind the queues; a device that is busy with one tenant's writes is
 * busy for all. Deeply nested cgroups without an entry cost a look-up a level.
 *
 * Tunables (nvmesteer load --set NAME=VALUE):
 *   nr_queues    queue numbers; 0 = as many as are reserved (default)
 *   queue_mode   0 = a number is an interrupt queue and a polled twin
 *                (default), 1 = polled only, 2 = interrupt only
 *   queue_depth  entries a queue; 0 = the largest possible (default)
 *   timed        1 = count bytes and times of each queue; 0 = do not (default)
 *   ancestors    1 = an entry serves the cgroups below it too (default),
 *                0 = that very cgroup only
 *
 * Maps:
 *   tenants  key: cgroup id, which is the inode number of its directory
 *            (stat -c %i /sys/fs/cgroup/NAME). Value:
 *     queue    1..number of queues; 0 or a number above: the driver's own
 *              path. A ring that polls gets the polled twin.
 *     depth    at most this many commands in flight on the queue; 0 = no cap.
 *              Counted per queue: tenants that share a queue share the count.
 *              CPUs that submit at the same instant may each add one more.
 *     over     what happens above the cap: 0 = the driver's own path takes
 *              the command, 1 = it is refused with -EBUSY
 *            A change is noticed within 50 ms.
 *
 *     nvmesteer set nvme0 tenants.4711.queue=2
 *     bpftool map update pinned \
 *       /sys/fs/bpf/nvmesteer/nvme0/tenants/maps/tenants \
 *       key 103 18 0 0 0 0 0 0  value 2 0 0 0  0 0 0 0  0 0 0 0
 *     (bytes, lowest first: 4711 = 103 + 18 * 256)
 *
 *   counts   one set a CPU: commands above the cap, and how often it was asked
 *            about one without a tenant (`default` in `nvmesteer stats` counts
 *            those), or with a queue number that does not exist
 *
 * Status: tested.
 */
#include <nvmesteer/policy.bpf.h>
#include "lib/queues.h"
#include "lib/cgroup.h"

char _license[] SEC("license") = "GPL";

const volatile __u32 ancestors = 1;

struct tenants_entry {
	__u32 queue;
	__u32 depth;
	__u32 over;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct tenants_entry);
} tenants SEC(".maps");

struct tenants_counts {
	__u64 stranger;
	__u64 over_cap;
	__u64 bad_queue;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tenants_counts);
} counts SEC(".maps");

/* A block request may be dispatched by anybody. */
static __noinline struct tenants_entry *
tenants_find_block(struct nvme_steer_cmd *cmd)
{
	struct tenants_entry *tenant = NULL;
	__u32 up, most = ancestors ? CGROUP_MAX_LEVEL : 1;
	__u64 id;

	bpf_for(up, 0, most) {
		id = bpf_nvme_steer_cgroup_id(cmd, up);
		tenant = id ? bpf_map_lookup_elem(&tenants, &id) : NULL;
		if (!id || tenant)
			break;
	}
	return tenant;
}

static __always_inline struct tenants_entry *
tenants_find(struct nvme_steer_cmd *cmd)
{
	__u64 id = bpf_get_current_cgroup_id();
	struct tenants_entry *tenant;
	int level;

	if (cmd->source == NVME_STEER_SRC_BLOCK)
		return tenants_find_block(cmd);
	tenant = bpf_map_lookup_elem(&tenants, &id);
	if (tenant || !ancestors)
		return tenant;
	for (level = cgroup__level(); level > 0; level--) {
		id = bpf_get_current_ancestor_cgroup_id(level - 1);
		tenant = bpf_map_lookup_elem(&tenants, &id);
		if (tenant)
			return tenant;
	}
	return NULL;
}

SEC("struct_ops.s/tenants_init")
int BPF_PROG(tenants_init, struct nvme_steer_dev *dev)
{
	return queues__create(dev);
}

SEC("struct_ops/tenants_route")
int BPF_PROG(tenants_route, struct nvme_steer_cmd *cmd)
{
	__u32 zero = 0, number, queue, depth;
	struct tenants_entry *tenant;
	struct tenants_counts *count;

	count = bpf_map_lookup_elem(&counts, &zero);
	if (!count)
		return NVME_STEER_DEFAULT;
	tenant = tenants_find(cmd);
	if (!tenant) {
		count->stranger++;
		return NVME_STEER_DEFAULT;
	}

	number = tenant->queue;
	if (!number)
		return NVME_STEER_DEFAULT;
	if (number > queues__count(cmd)) {
		count->bad_queue++;
		return NVME_STEER_DEFAULT;
	}

	queue = queues__pick(cmd, number);
	depth = tenant->depth;
	if (!depth)
		return queue;
	/* what is in flight is another matter for the next one */
	if (bpf_nvme_steer_queue_inflight(cmd, queue) >= depth) {
		count->over_cap++;
		return tenant->over ? -EBUSY :
				      NVME_STEER_DEFAULT | NVME_STEER_ONCE;
	}
	return queue | NVME_STEER_ONCE;
}

NVME_STEER_POLICY(tenants,
	.hold_ms = QUEUES__HOLD_MS,
	.hold_by = NVME_STEER_BY_CGROUP,
	.init	= (void *)tenants_init,
	.route	= (void *)tenants_route,
);
