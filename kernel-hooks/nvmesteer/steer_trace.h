/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints, system nvme_steer: what was decided for a command, how it
 * ended, and what became of queues and policies. Field names and order follow
 * the driver's own nvme_setup_cmd and nvme_complete_rq.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM nvme_steer

#if !defined(NVMESTEER_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define NVMESTEER_TRACE_H

#include <linux/tracepoint.h>

#include "nvmesteer.h"

TRACE_EVENT(nvme_steer_route,
	TP_PROTO(struct nvme_steer_ctrl *sc, const struct nvme_steer_cmd *cmd,
		 int answer),
	TP_ARGS(sc, cmd, answer),
	TP_STRUCT__entry(
		__field(int, ctrl_id)
		__field(u8, opcode)
		__field(u32, flags)
		__field(u32, nsid)
		__field(u64, slba)
		__field(u32, len)
		__field(int, answer)
	),
	TP_fast_assign(
		__entry->ctrl_id = sc->instance;
		__entry->opcode = cmd->opcode;
		__entry->flags = cmd->flags;
		__entry->nsid = cmd->nsid;
		__entry->slba = cmd->slba;
		__entry->len = cmd->len;
		__entry->answer = answer;
	),
	TP_printk("nvme%d: opcode=%#x, flags=%#x, nsid=%u, slba=%llu, len=%u, answer=%d",
		  __entry->ctrl_id, __entry->opcode, __entry->flags,
		  __entry->nsid, __entry->slba, __entry->len, __entry->answer)
);

TRACE_EVENT(nvme_steer_path,
	TP_PROTO(const struct nvme_steer_path *path, int answer, bool taken),
	TP_ARGS(path, answer, taken),
	TP_STRUCT__entry(
		__field(u32, subsys)
		__field(u32, source)
		__field(u16, opcode)
		__field(u32, flags)
		__field(u32, nsid)
		__field(u64, slba)
		__field(u32, len)
		__field(int, answer)
		__field(bool, taken)
	),
	TP_fast_assign(
		__entry->subsys = path->subsys;
		__entry->source = path->source;
		__entry->opcode = path->opcode;
		__entry->flags = path->flags;
		__entry->nsid = path->nsid;
		__entry->slba = path->slba;
		__entry->len = path->len;
		__entry->answer = answer;
		__entry->taken = taken;
	),
	TP_printk("subsys%u: source=%u, opcode=%#x, flags=%#x, nsid=%u, slba=%llu, len=%u, answer=%d, taken=%d",
		  __entry->subsys, __entry->source, __entry->opcode,
		  __entry->flags, __entry->nsid, __entry->slba, __entry->len,
		  __entry->answer, __entry->taken)
);

TRACE_EVENT(nvme_steer_complete,
	TP_PROTO(const struct nvme_steer_queue *q, u16 cid, u16 status),
	TP_ARGS(q, cid, status),
	TP_STRUCT__entry(
		__field(int, ctrl_id)
		__field(int, qid)
		__field(u32, queue)
		__field(u16, cid)
		__field(u16, status)
	),
	TP_fast_assign(
		__entry->ctrl_id = q->ctrl->instance;
		__entry->qid = q->qid;
		__entry->queue = q->number;
		__entry->cid = cid;
		__entry->status = status;
	),
	TP_printk("nvme%d: qid=%d, queue=%u, cmdid=%u, status=%#x",
		  __entry->ctrl_id, __entry->qid, __entry->queue,
		  __entry->cid, __entry->status)
);

TRACE_EVENT(nvme_steer_queue,
	TP_PROTO(const struct nvme_steer_queue *q, const char *what),
	TP_ARGS(q, what),
	TP_STRUCT__entry(
		__field(int, ctrl_id)
		__field(int, qid)
		__field(u32, queue)
		__field(u32, depth)
		__field(u32, mode)
		__string(what, what)
	),
	TP_fast_assign(
		__entry->ctrl_id = q->ctrl->instance;
		__entry->qid = q->qid;
		__entry->queue = q->number;
		__entry->depth = q->depth;
		__entry->mode = q->mode;
		__assign_str(what);
	),
	TP_printk("nvme%d: qid=%d, queue=%u, depth=%u, mode=%s: %s",
		  __entry->ctrl_id, __entry->qid, __entry->queue,
		  __entry->depth,
		  __entry->mode == NVME_STEER_POLL ? "poll" : "irq",
		  __get_str(what))
);

/* A copy has ended, or was refused: then @path is none and @ns is 0. */
TRACE_EVENT(nvme_steer_copy,
	TP_PROTO(struct nvme_steer_ctrl *sc, u64 slba,
		 const struct nvme_steer_copied *ev),
	TP_ARGS(sc, slba, ev),
	TP_STRUCT__entry(
		__field(int, ctrl_id)
		__field(u32, nsid)
		__field(u64, slba)
		__field(u64, len)
		__field(u32, ranges)
		__field(int, answer)
		__field(u32, path)
		__field(u32, why)
		__field(int, status)
		__field(u64, done)
		__field(u64, ns)
	),
	TP_fast_assign(
		__entry->ctrl_id = sc->instance;
		__entry->nsid = ev->nsid;
		__entry->slba = slba;
		__entry->len = ev->len;
		__entry->ranges = ev->ranges;
		__entry->answer = ev->answer;
		__entry->path = ev->path;
		__entry->why = ev->why;
		__entry->status = ev->status;
		__entry->done = ev->done;
		__entry->ns = ev->ns;
	),
	TP_printk("nvme%d: nsid=%u, slba=%llu, len=%llu, ranges=%u, answer=%#x, path=%s, why=%s, status=%#x, done=%llu, ns=%llu",
		  __entry->ctrl_id, __entry->nsid, __entry->slba, __entry->len,
		  __entry->ranges, __entry->answer,
		  __print_symbolic(__entry->path,
				   { NVME_STEER_COPY_DEFAULT, "none" },
				   { NVME_STEER_COPY_OFFLOAD, "offload" },
				   { NVME_STEER_COPY_SPLIT, "split" },
				   { NVME_STEER_COPY_EMULATE, "emulate" },
				   { NVME_STEER_COPY_HYBRID, "hybrid" }),
		  __print_symbolic(__entry->why,
				   { NVME_STEER_COPY_WHY_NONE, "none" },
				   { NVME_STEER_COPY_WHY_NO_COPY, "no_copy" },
				   { NVME_STEER_COPY_WHY_LIMITS, "limits" },
				   { NVME_STEER_COPY_WHY_CAP, "cap" },
				   { NVME_STEER_COPY_WHY_FORMAT, "format" },
				   { NVME_STEER_COPY_WHY_CTRL, "ctrl" },
				   { NVME_STEER_COPY_WHY_DEVICE, "device" },
				   { NVME_STEER_COPY_WHY_METADATA, "metadata" },
				   { NVME_STEER_COPY_WHY_CALLER, "caller" }),
		  __entry->status, __entry->done, __entry->ns)
);

TRACE_EVENT(nvme_steer_exit,
	TP_PROTO(struct nvme_steer_ctrl *sc, const char *policy,
		 const struct nvme_steer_exit *info),
	TP_ARGS(sc, policy, info),
	TP_STRUCT__entry(
		__field(int, ctrl_id)
		__field(u32, kind)
		__field(int, code)
		__string(policy, policy)
		__string(reason, info->reason)
	),
	TP_fast_assign(
		__entry->ctrl_id = sc->instance;
		__entry->kind = info->kind;
		__entry->code = info->code;
		__assign_str(policy);
		__assign_str(reason);
	),
	TP_printk("nvme%d: policy=%s, kind=%u, code=%d, reason=%s",
		  __entry->ctrl_id, __get_str(policy), __entry->kind,
		  __entry->code, __get_str(reason))
);

#endif /* NVMESTEER_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE steer_trace

#include <trace/define_trace.h>
