// SPDX-License-Identifier: GPL-2.0
/*
 * Our part of the BPF file system: PIN_ROOT/<controller>/<policy>/{link,maps/}.
 * A pinned link keeps a policy attached; a directory whose link is not the
 * attached one is left over from a load that was killed or from a policy that
 * ended, means nothing, and is removed by the next load or unload.
 *
 * bpffs takes no '.' in names, so a policy's directory has '-' in its place
 * (no policy's name has one). A directory being prepared ends in PIN_NEW.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "nvmesteer.h"

#define BPFFS		"/sys/fs/bpf"
#define DIR_LEN		256

const char *pin_state__name(enum pin_state state)
{
	switch (state) {
	case PIN_NONE:
		return "none";
	case PIN_OURS:
		return "pinned";
	case PIN_FOREIGN:
		return "foreign";
	case PIN_ORPHAN:
		return "orphan";
	case PIN_UNFINISHED:
		return "unfinished";
	}
	return "unknown";
}

void pin__dir(const char *ctrl, const char *policy, char *dir)
{
	char *p;

	snprintf(dir, DIR_LEN, PIN_ROOT "/%s/%s", ctrl, policy);
	for (p = dir + strlen(BPFFS); *p; p++)
		if (*p == '.')
			*p = '-';
}

#define MAX_DIRS	32

/* A directory of pins, and how it fits what is attached. */
struct pins {
	char path[DIR_LEN];
	uint32_t link_id;	/* of the link pinned in it, 0: none */
	bool named;		/* called like the attached policy */
	bool has_maps;
	bool has_current;	/* one of the attached policy's maps */
};

struct scan {
	struct pins dir[MAX_DIRS];
	int nr;
	int link;		/* has the attached link, or -1 */
	int current;		/* has the attached policy's maps, or -1 */
};

static uint32_t link_id(const char *dir)
{
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);
	char path[DIR_LEN + 8];
	int fd, ret;

	snprintf(path, sizeof(path), "%s/link", dir);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return 0;
	ret = bpf_link_get_info_by_fd(fd, &info, &len);
	close(fd);
	return ret ? 0 : info.id;
}

static uint32_t map_id(const char *dir, const char *name)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	char path[2 * DIR_LEN];
	int fd, ret;

	snprintf(path, sizeof(path), "%.250s/maps/%.200s", dir, name);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return 0;
	ret = bpf_map_get_info_by_fd(fd, &info, &len);
	close(fd);
	return ret ? 0 : info.id;
}

static bool is_one_of(uint32_t id, const uint32_t *ids, int nr)
{
	while (nr-- > 0)
		if (ids[nr] == id)
			return true;
	return false;
}

static void scan_maps(struct pins *p, const uint32_t *ids, int nr)
{
	char path[DIR_LEN + 8];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/maps", p->path);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		p->has_maps = true;
		if (is_one_of(map_id(p->path, e->d_name), ids, nr))
			p->has_current = true;
	}
	if (dir)
		closedir(dir);
}

/* "tenants" or "tenants+new" for the policy "tenants". */
static bool is_named(const char *path, const char *final)
{
	size_t len = strlen(final);

	return !strncmp(path, final, len) &&
	       (!path[len] || !strcmp(path + len, PIN_NEW));
}

static bool is_marked(const char *path)
{
	size_t len = strlen(path), mark = strlen(PIN_NEW);

	return len > mark && !strcmp(path + len - mark, PIN_NEW);
}

/*
 * Which directory belongs to what is attached: by its maps, or, where no
 * program uses a map that is pinned, by name, a prepared one first.
 */
static void judge(struct scan *scan, const struct ctrl_state *s)
{
	const struct pins *p;
	int i, named = -1;

	scan->link = scan->current = -1;
	for (i = 0; s->link_id && i < scan->nr; i++) {
		p = &scan->dir[i];
		if (p->link_id == s->link_id)
			scan->link = i;
		if (p->has_current)
			scan->current = i;
		if (p->named && (named < 0 || is_marked(p->path)))
			named = i;
	}
	if (scan->current < 0)
		scan->current = named;
	if (scan->current < 0)
		scan->current = scan->link;
}

/* Nothing but one directory, with link and maps, under its final name. */
static bool is_settled(const struct scan *scan)
{
	return scan->nr == 1 && scan->link == scan->current &&
	       !is_marked(scan->dir[scan->current].path);
}

static int scan_pins(const struct ctrl_state *s, struct scan *scan)
{
	uint32_t ids[ATTACHED_MAPS];
	char top[64], final[DIR_LEN];
	struct dirent *e;
	struct pins *p;
	int nr = 0;
	DIR *dir;

	memset(scan, 0, sizeof(*scan));
	scan->link = scan->current = -1;
	snprintf(top, sizeof(top), PIN_ROOT "/%.31s", s->ctrl);
	dir = opendir(top);
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	if (s->link_id)
		nr = attached__maps(s->link_id, ids);
	pin__dir(s->ctrl, s->policy, final);
	while ((e = readdir(dir)) && scan->nr < MAX_DIRS) {
		if (e->d_name[0] == '.')
			continue;
		p = &scan->dir[scan->nr++];
		snprintf(p->path, sizeof(p->path), "%.60s/%.180s", top,
			 e->d_name);
		p->link_id = link_id(p->path);
		p->named = is_named(p->path, final);
		scan_maps(p, ids, nr);
	}
	closedir(dir);
	judge(scan, s);
	return 0;
}

int pin__state(const struct ctrl_state *s, enum pin_state *state, char *dir)
{
	struct scan scan;
	int ret;

	*state = s->link_id ? PIN_FOREIGN : PIN_NONE;
	*dir = '\0';
	ret = scan_pins(s, &scan);
	if (ret || !scan.nr)
		return ret;
	if (scan.link >= 0) {
		*state = is_settled(&scan) ? PIN_OURS : PIN_UNFINISHED;
		snprintf(dir, DIR_LEN, "%s", scan.dir[scan.current].path);
	} else if (!s->link_id) {
		*state = PIN_ORPHAN;
		snprintf(dir, DIR_LEN, "%s", scan.dir[0].path);
	}
	return 0;
}

/* Removes a directory of pins with all below it; bpffs nests two deep. */
int pin__remove_dir(const char *dir)
{
	char path[2 * DIR_LEN];
	struct dirent *e;
	int ret = 0;
	DIR *d;

	d = opendir(dir);
	if (!d)
		return errno == ENOENT ? 0 : -errno;
	while (!ret && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%.250s/%.250s", dir, e->d_name);
		if (!unlink(path))
			continue;
		ret = errno == EISDIR || errno == EPERM ?
			      pin__remove_dir(path) : -errno;
	}
	closedir(d);
	if (!ret && rmdir(dir) && errno != ENOENT)
		ret = -errno;
	return ret;
}

int pin__remove(const char *ctrl, const char *policy)
{
	char dir[DIR_LEN];
	int ret;

	pin__dir(ctrl, policy, dir);
	ret = pin__remove_dir(dir);
	*strrchr(dir, '/') = '\0';
	rmdir(dir);
	return ret;
}

/* Finish what a replacement began: the link goes where the maps are. */
static int settle(const struct scan *scan)
{
	const char *to = scan->dir[scan->current].path;
	char from_link[DIR_LEN + 8], to_link[DIR_LEN + 8];

	if (scan->link == scan->current)
		return 0;
	snprintf(from_link, sizeof(from_link), "%s/link",
		 scan->dir[scan->link].path);
	snprintf(to_link, sizeof(to_link), "%s/link", to);
	return rename(from_link, to_link) ? -errno : 0;
}

/* A prepared directory that is in use loses the mark. */
static int unmark(const char *path)
{
	int len = strlen(path) - strlen(PIN_NEW);
	char final[DIR_LEN];

	if (!is_marked(path))
		return 0;
	snprintf(final, sizeof(final), "%.*s", len, path);
	return rename(path, final) ? -errno : 0;
}

int pin__clean(const char *ctrl, const struct ctrl_state *s)
{
	struct scan scan;
	char top[64];
	int i, ret;

	ret = scan_pins(s, &scan);
	if (!ret && scan.link >= 0)
		ret = settle(&scan);
	for (i = 0; !ret && i < scan.nr; i++)
		if (scan.link < 0 || i != scan.current)
			ret = pin__remove_dir(scan.dir[i].path);
	if (!ret && scan.link >= 0)
		ret = unmark(scan.dir[scan.current].path);
	snprintf(top, sizeof(top), PIN_ROOT "/%.31s", ctrl);
	rmdir(top);
	return ret;
}

static int mount_bpffs(void)
{
	struct statfs fs;

	if (!statfs(BPFFS, &fs) && (unsigned long)fs.f_type == BPF_FS_MAGIC)
		return 0;
	return mount("bpf", BPFFS, "bpf", 0, "mode=0700") ? -errno : 0;
}

static int make_dir(const char *dir)
{
	return mkdir(dir, 0700) && errno != EEXIST ? -errno : 0;
}

bool pin__in_use(void)
{
	int fd = open(PIN_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool in_use;

	if (fd < 0)
		return false;
	in_use = flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
	close(fd);
	return in_use;
}

int pin__lock(void)
{
	int fd, ret;

	ret = mount_bpffs();
	if (!ret)
		ret = make_dir(PIN_ROOT);
	if (ret)
		return ret;
	fd = open(PIN_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (flock(fd, LOCK_EX)) {
		if (errno == EINTR)
			continue;
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

int pin__make(const char *dir)
{
	char path[DIR_LEN + 8], *slash;
	int ret;

	snprintf(path, sizeof(path), "%s", dir);
	slash = strrchr(path, '/');
	*slash = '\0';
	ret = make_dir(path);
	*slash = '/';
	if (!ret)
		ret = make_dir(path);
	strcat(path, "/maps");
	return ret ? ret : make_dir(path);
}

/* What a person calls a map: "tenants.bss" is "bss", ".data.x" is "data-x". */
void pin__map_name(const char *map, char *name, size_t size)
{
	const char *dot = strchr(map, '.');
	char *p;

	snprintf(name, size, "%s", dot ? dot + 1 : map);
	for (p = name; *p; p++)
		if (*p == '.')
			*p = '-';
}

int pin__open_map(const struct ctrl_state *s, const char *name)
{
	char dir[DIR_LEN], path[2 * DIR_LEN];
	enum pin_state state;
	int fd;

	if (!s->link_id)
		return -ENOENT;
	if (!pin__state(s, &state, dir) && *dir) {
		snprintf(path, sizeof(path), "%.250s/maps/%.200s", dir, name);
		fd = bpf_obj_get(path);
		if (fd >= 0)
			return fd;
	}
	return attached__open_map(s->link_id, name);
}
