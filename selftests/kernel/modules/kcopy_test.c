// SPDX-License-Identifier: GPL-2.0
/*
 * A user of nvme_steer_kcopy() for selftests/kernel/copy_kernel: what other
 * kernel modules would do, told by ioctls of a file; see kcopy_test.h. It
 * checks nothing of what it is told: that is nvme_steer_kcopy()'s.
 */
#include <linux/blkdev.h>
#include <linux/completion.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <nvmesteer/kcopy.h>

#include "kcopy_test.h"

/* No copy ends so. */
#define KCOPY_TEST_UNTOUCHED	0x7ead

/**
 * struct kcopy_test - an open file
 * @lock:	of all below but what the copy writes
 * @array:	of the caller, where the report goes
 * @files:	of the devices, @nr_files of them, until the copy has ended
 * @started:	there is a copy, under way or to be waited for
 * @calls:	of kcopy_test_done() for it
 */
struct kcopy_test {
	struct mutex lock;
	struct nvme_steer_kcopy copy;
	struct nvme_steer_copy_range __user *array;
	struct file **files;
	u32 nr_files;
	bool started;
	atomic_t calls;
	bool atomic;
	struct completion ended;
};

static void kcopy_test_done(struct nvme_steer_kcopy *copy)
{
	struct kcopy_test *t = copy->private;

	t->atomic = !preemptible();
	atomic_inc(&t->calls);
	complete(&t->ended);
}

static void kcopy_test_free(struct kcopy_test *t)
{
	while (t->nr_files)
		fput(t->files[--t->nr_files]);
	kvfree(t->files);
	kvfree(t->copy.ranges);
	t->files = NULL;
	t->copy.ranges = NULL;
}

/* The block device of a file, which is held; the last one may come again. */
static struct block_device *kcopy_test_bdev(struct kcopy_test *t, int fd)
{
	struct file *file = fget(fd);

	if (!file)
		return ERR_PTR(-EBADF);
	if (!S_ISBLK(file_inode(file)->i_mode)) {
		fput(file);
		return ERR_PTR(-ENOTBLK);
	}
	if (t->nr_files && t->files[t->nr_files - 1] == file)
		fput(file);
	else
		t->files[t->nr_files++] = file;
	return I_BDEV(file->f_mapping->host);
}

static int kcopy_test_fill(struct kcopy_test *t,
			   const struct nvme_steer_copy_cmd *cmd)
{
	/* what is more is refused before it is looked at */
	u32 i, nr = min(cmd->nr, NVME_STEER_COPY_MAX_RANGES);
	struct nvme_steer_kcopy *copy = &t->copy;

	t->array = u64_to_user_ptr(cmd->ranges);
	*copy = (struct nvme_steer_kcopy) {
		.ranges = kvcalloc(nr + 1, sizeof(*copy->ranges), GFP_KERNEL),
		.nr = cmd->nr,
		.flags = cmd->flags,
		.depth = cmd->depth,
		.offset = cmd->dst,
		.done = kcopy_test_done,
		.private = t,
		.status = KCOPY_TEST_UNTOUCHED,
		.copied = KCOPY_TEST_UNTOUCHED,
		.path = KCOPY_TEST_UNTOUCHED,
	};
	t->files = kvcalloc(nr + 1, sizeof(*t->files), GFP_KERNEL);
	if (!copy->ranges || !t->files)
		return -ENOMEM;
	copy->bdev = kcopy_test_bdev(t, cmd->dst_fd);
	if (IS_ERR(copy->bdev))
		return PTR_ERR(copy->bdev);
	for (i = 0; i < nr; i++) {
		struct nvme_steer_kcopy_range *r = &copy->ranges[i];
		struct nvme_steer_copy_range from;

		if (copy_from_user(&from, &t->array[i], sizeof(from)))
			return -EFAULT;
		r->offset = from.offset;
		r->len = from.len;
		r->status = KCOPY_TEST_UNTOUCHED;
		r->done = KCOPY_TEST_UNTOUCHED;
		if (from.fd != -1)
			r->bdev = kcopy_test_bdev(t, from.fd);
		if (IS_ERR(r->bdev))
			return PTR_ERR(r->bdev);
	}
	return 0;
}

/* Was a copy that was refused left alone? */
static bool kcopy_test_untouched(const struct kcopy_test *t)
{
	u32 i, nr = min(t->copy.nr, NVME_STEER_COPY_MAX_RANGES);

	for (i = 0; i < nr; i++)
		if (t->copy.ranges[i].status != KCOPY_TEST_UNTOUCHED ||
		    t->copy.ranges[i].done != KCOPY_TEST_UNTOUCHED)
			return false;
	return !atomic_read(&t->calls) &&
	       t->copy.status == KCOPY_TEST_UNTOUCHED &&
	       t->copy.copied == KCOPY_TEST_UNTOUCHED &&
	       t->copy.path == KCOPY_TEST_UNTOUCHED;
}

static long kcopy_test_start(struct kcopy_test *t, void __user *arg)
{
	struct nvme_steer_copy_cmd cmd;
	int ret;

	if (t->started)
		return -EBUSY;
	if (copy_from_user(&cmd, arg, sizeof(cmd)))
		return -EFAULT;
	reinit_completion(&t->ended);
	atomic_set(&t->calls, 0);
	ret = kcopy_test_fill(t, &cmd);
	if (!ret) {
		ret = nvme_steer_kcopy(&t->copy);
		t->started = !ret;
		if (ret && !kcopy_test_untouched(t))
			ret = -EUCLEAN;
	}
	if (ret)
		kcopy_test_free(t);
	return ret;
}

static long kcopy_test_wait(struct kcopy_test *t, void __user *arg)
{
	struct kcopy_test_result result = { };
	u32 i;
	int ret = 0;

	if (!t->started)
		return -EINVAL;
	if (wait_for_completion_killable(&t->ended))
		return -EINTR;
	t->started = false;
	result.status = t->copy.status;
	result.path = t->copy.path;
	result.copied = t->copy.copied;
	result.calls = atomic_read(&t->calls);
	result.atomic = t->atomic;
	for (i = 0; i < t->copy.nr && !ret; i++)
		if (put_user(t->copy.ranges[i].status, &t->array[i].status) ||
		    put_user(t->copy.ranges[i].done, &t->array[i].done))
			ret = -EFAULT;
	kcopy_test_free(t);
	if (copy_to_user(arg, &result, sizeof(result)))
		ret = -EFAULT;
	return ret;
}

static long kcopy_test_ioctl(struct file *file, unsigned int cmd,
			     unsigned long arg)
{
	struct kcopy_test *t = file->private_data;
	long ret = -ENOTTY;

	mutex_lock(&t->lock);
	if (cmd == KCOPY_TEST_START)
		ret = kcopy_test_start(t, (void __user *)arg);
	else if (cmd == KCOPY_TEST_WAIT)
		ret = kcopy_test_wait(t, (void __user *)arg);
	else if (cmd == KCOPY_TEST_ENDED)
		ret = completion_done(&t->ended);
	mutex_unlock(&t->lock);
	return ret;
}

static int kcopy_test_open(struct inode *inode, struct file *file)
{
	struct kcopy_test *t = kzalloc(sizeof(*t), GFP_KERNEL);

	if (!t)
		return -ENOMEM;
	mutex_init(&t->lock);
	init_completion(&t->ended);
	file->private_data = t;
	return 0;
}

/* A copy cannot be taken back: it is waited for. */
static int kcopy_test_release(struct inode *inode, struct file *file)
{
	struct kcopy_test *t = file->private_data;

	if (t->started) {
		wait_for_completion(&t->ended);
		kcopy_test_free(t);
	}
	kfree(t);
	return 0;
}

static const struct file_operations kcopy_test_fops = {
	.owner		= THIS_MODULE,
	.open		= kcopy_test_open,
	.release	= kcopy_test_release,
	.unlocked_ioctl	= kcopy_test_ioctl,
};

static struct miscdevice kcopy_test_dev = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "kcopy_test",
	.fops	= &kcopy_test_fops,
};
module_misc_device(kcopy_test_dev);

MODULE_DESCRIPTION("a user of nvme_steer_kcopy(), for tests");
MODULE_LICENSE("GPL");
