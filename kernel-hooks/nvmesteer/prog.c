// SPDX-License-Identifier: GPL-2.0
/*
 * The BPF programs behind a policy's route(), batch(), copy(), copied() and
 * path(), so that they can be run without the struct_ops trampoline, which
 * costs more than many a policy does. A member's program is known for one
 * moment only, when the policy's map is filled and its members are file
 * descriptors; it is noted then, and found again when the policy is attached. A
 * policy whose program was not noted, or not in time, is called through its
 * trampoline, which takes the watchdog's meter; see watch.h.
 */
#include <linux/bpf.h>
#include <linux/slab.h>

#include "nvmesteer.h"

/* How long a program is held for a policy that is never attached. */
#define NVME_STEER_NOTE_TIME	(2 * HZ)

struct nvme_steer_note {
	struct list_head entry;
	const void *kdata;
	const char *op;			/* the member's name */
	struct bpf_prog *prog;		/* a reference */
	unsigned long since;
	bool claimed;
};

static DEFINE_MUTEX(nvme_steer_notes_lock);
static LIST_HEAD(nvme_steer_notes);

static void nvme_steer_notes_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(nvme_steer_notes_timer, nvme_steer_notes_work);

static void nvme_steer_note_drop(struct nvme_steer_note *note)
{
	lockdep_assert_held(&nvme_steer_notes_lock);

	list_del(&note->entry);
	bpf_prog_put(note->prog);
	kfree(note);
}

static void nvme_steer_notes_work(struct work_struct *work)
{
	struct nvme_steer_note *note, *next;
	bool left = false;

	mutex_lock(&nvme_steer_notes_lock);
	list_for_each_entry_safe(note, next, &nvme_steer_notes, entry) {
		if (note->claimed)
			continue;
		if (time_after_eq(jiffies, note->since + NVME_STEER_NOTE_TIME))
			nvme_steer_note_drop(note);
		else
			left = true;
	}
	mutex_unlock(&nvme_steer_notes_lock);
	if (left)
		schedule_delayed_work(&nvme_steer_notes_timer,
				      NVME_STEER_NOTE_TIME);
}

/* Forget what another map has left that was there before. */
static void nvme_steer_prog_forget(const void *kdata, const char *op)
{
	struct nvme_steer_note *note, *next;

	mutex_lock(&nvme_steer_notes_lock);
	list_for_each_entry_safe(note, next, &nvme_steer_notes, entry)
		if (note->kdata == kdata && !strcmp(note->op, op))
			nvme_steer_note_drop(note);
	mutex_unlock(&nvme_steer_notes_lock);
}

/**
 * nvme_steer_prog_note - remember the program of a map's member
 * @kdata: the map's kernel value
 * @op: the member's name, a constant
 * @fd: of the program, in the current process; not checked yet, and of
 *	anything at all where the member is not set
 *
 * Context: process, while the map is being filled.
 */
void nvme_steer_prog_note(const void *kdata, const char *op, int fd)
{
	struct nvme_steer_note *note;
	struct bpf_prog *prog;

	nvme_steer_prog_forget(kdata, op);
	prog = bpf_prog_get_type_dev(fd, BPF_PROG_TYPE_STRUCT_OPS, false);
	if (IS_ERR(prog))
		return;
	note = kzalloc(sizeof(*note), GFP_KERNEL);
	if (!note || prog->sleepable || !nvme_steer_ops_is(prog, op)) {
		bpf_prog_put(prog);
		kfree(note);
		return;
	}
	note->kdata = kdata;
	note->op = op;
	note->prog = prog;
	note->since = jiffies;

	mutex_lock(&nvme_steer_notes_lock);
	list_add(&note->entry, &nvme_steer_notes);
	mutex_unlock(&nvme_steer_notes_lock);
	schedule_delayed_work(&nvme_steer_notes_timer, NVME_STEER_NOTE_TIME);
}

/* The program noted for @op of @kdata, with a reference, or NULL. */
struct bpf_prog *nvme_steer_prog_get(const void *kdata, const char *op)
{
	struct bpf_prog *prog = NULL;
	struct nvme_steer_note *note;

	mutex_lock(&nvme_steer_notes_lock);
	list_for_each_entry(note, &nvme_steer_notes, entry) {
		if (note->kdata == kdata && !strcmp(note->op, op)) {
			note->claimed = true;
			prog = note->prog;
			bpf_prog_inc(prog);
			break;
		}
	}
	mutex_unlock(&nvme_steer_notes_lock);
	return prog;
}

/* Its policy is over; commands may be running it until the end of RCU. */
void nvme_steer_prog_put(struct bpf_prog *prog)
{
	struct nvme_steer_note *note, *next;

	if (!prog)
		return;
	mutex_lock(&nvme_steer_notes_lock);
	list_for_each_entry_safe(note, next, &nvme_steer_notes, entry)
		if (note->prog == prog)
			nvme_steer_note_drop(note);
	mutex_unlock(&nvme_steer_notes_lock);
	bpf_prog_put(prog);
}

/* Nothing is attached any more. */
void nvme_steer_prog_exit(void)
{
	struct nvme_steer_note *note, *next;

	cancel_delayed_work_sync(&nvme_steer_notes_timer);
	mutex_lock(&nvme_steer_notes_lock);
	list_for_each_entry_safe(note, next, &nvme_steer_notes, entry)
		nvme_steer_note_drop(note);
	mutex_unlock(&nvme_steer_notes_lock);
}
