// SPDX-License-Identifier: GPL-2.0
/*
 * Cgroups by id and by directory: the id of a cgroup is the inode number of
 * its directory, and a handle that cgroup2 takes.
 */
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "value_place.h"

/* Handle type of kernfs, to which cgroup2 belongs: the 64-bit id. */
#define FILEID_KERNFS_ID	0xfe

bool cgroup__is_path(const char *text)
{
	return text[0] == '/' || !strncmp(text, "cgroup:", 7);
}

/* Where cgroup2 is mounted; "/sys/fs/cgroup" where that cannot be told. */
static void cgroup_root(char *path, size_t size)
{
	FILE *mounts = setmntent("/proc/self/mounts", "r");
	struct mntent *m;

	snprintf(path, size, "/sys/fs/cgroup");
	if (!mounts)
		return;
	while ((m = getmntent(mounts))) {
		if (!strcmp(m->mnt_type, "cgroup2")) {
			snprintf(path, size, "%s", m->mnt_dir);
			break;
		}
	}
	endmntent(mounts);
}

int cgroup__id(const char *text, uint64_t *id, char *why)
{
	char path[2 * VALUE_PATH], root[VALUE_PATH];
	struct statfs fs;
	struct stat st;

	if (text[0] == '/') {
		snprintf(path, sizeof(path), "%s", text);
	} else {
		text += strlen("cgroup:");
		cgroup_root(root, sizeof(root));
		snprintf(path, sizeof(path), "%s%s%s", root,
			 text[0] == '/' ? "" : "/", text);
	}
	if (stat(path, &st) || statfs(path, &fs))
		return value_error(why, -errno, "there is no cgroup '%.300s'",
				   path);
	if (fs.f_type != CGROUP2_SUPER_MAGIC || !S_ISDIR(st.st_mode))
		return value_error(why, -EINVAL, "'%.300s' is not a directory "
				   "of cgroup2", path);
	*id = st.st_ino;
	return 0;
}

int cgroup__path(uint64_t id, char *path, size_t size)
{
	struct {
		struct file_handle head;
		uint64_t id;
	} __attribute__((packed, aligned(8))) h = { 0 };
	char root[VALUE_PATH], link[64];
	int root_fd, fd, err = 0;
	ssize_t len;

	cgroup_root(root, sizeof(root));
	root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return -errno;
	h.head.handle_bytes = sizeof(id);
	h.head.handle_type = FILEID_KERNFS_ID;
	memcpy(h.head.f_handle, &id, sizeof(id));
	fd = open_by_handle_at(root_fd, &h.head, O_PATH | O_CLOEXEC);
	if (fd < 0)
		err = -errno;
	close(root_fd);
	if (err)
		return err;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, size - 1);
	if (len < 0)
		err = -errno;
	else
		path[len] = '\0';
	close(fd);
	return err;
}
