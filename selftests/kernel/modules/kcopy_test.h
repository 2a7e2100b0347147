/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /dev/kcopy_test: copies by nvme_steer_kcopy(), one at a time for each file
 * that is open; as many as are wanted by several.
 */
#ifndef KCOPY_TEST_H
#define KCOPY_TEST_H

#include <nvmesteer/copy.h>

/*
 * Begin a copy, as told by the struct of applications, but that all devices are
 * block devices, and -1 in a range is for no device, which is the destination.
 * What is given goes to nvme_steer_kcopy() unchanged, and its answer comes
 * back. -EUCLEAN: it refused, and wrote to the copy or called back.
 */
#define KCOPY_TEST_START	_IOW('K', 1, struct nvme_steer_copy_cmd)

/* Wait for its end; the report goes into the array given at the start. */
#define KCOPY_TEST_WAIT		_IOR('K', 2, struct kcopy_test_result)

/* Has it ended? 0 or 1. */
#define KCOPY_TEST_ENDED	_IO('K', 3)

/**
 * struct kcopy_test_result - how a copy ended
 * @status:	of struct nvme_steer_kcopy; @path and @copied likewise
 * @calls:	of its done()
 * @atomic:	it could not have slept there
 */
struct kcopy_test_result {
	__s32 status;
	__u32 path;
	__u64 copied;
	__u32 calls;
	__u32 atomic;
};

#endif /* KCOPY_TEST_H */
