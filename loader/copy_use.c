// SPDX-License-Identifier: GPL-2.0
/*
 * What a block device that is busy is used for, so that the user knows what to
 * end: mounts, swap, and devices on top, of itself, of its partitions, or of
 * the whole that it is a part of.
 */
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "copy_job.h"

/* A block device by the kernel's name, and by number. */
struct place {
	const char *name;
	unsigned int major, minor;
};

static bool number_of(const char *name, struct place *p)
{
	char path[PATH_MAX];
	FILE *file;
	int n;

	snprintf(path, sizeof(path), "%s/class/block/%s/dev", kstate_sysfs,
		 name);
	file = fopen(path, "re");
	if (!file)
		return false;
	n = fscanf(file, "%u:%u", &p->major, &p->minor);
	fclose(file);
	p->name = name;
	return n == 2;
}

static bool is_it(const struct place *p, const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISBLK(st.st_mode) &&
	       major(st.st_rdev) == p->major && minor(st.st_rdev) == p->minor;
}

/* Some file systems have a device number of their own: look at the name too. */
static bool mounted_line(const struct place *p, const char *line, char *where)
{
	unsigned int major, minor;
	const char *dash;
	char source[256];

	if (sscanf(line, "%*u %*u %u:%u %*s %127s", &major, &minor, where) != 3)
		return false;
	if (major == p->major && minor == p->minor)
		return true;
	dash = strstr(line, " - ");
	return dash && sscanf(dash, " - %*s %255s", source) == 1 &&
	       is_it(p, source);
}

static bool mounted(const struct place *p, char *text, size_t size)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[4096], where[128];
	bool found = false;

	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = mounted_line(p, line, where);
	fclose(file);
	if (found)
		snprintf(text, size, "%s is mounted on %s", p->name, where);
	return found;
}

static bool swap(const struct place *p, char *text, size_t size)
{
	FILE *file = fopen("/proc/swaps", "re");
	char line[4096], path[256];
	bool found = false;

	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, "%255s", path) == 1 && is_it(p, path);
	fclose(file);
	if (found)
		snprintf(text, size, "%s is used as swap", p->name);
	return found;
}

static bool held(const struct place *p, char *text, size_t size)
{
	char path[PATH_MAX];
	struct dirent *d;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/class/block/%s/holders", kstate_sysfs,
		 p->name);
	dir = opendir(path);
	if (!dir)
		return false;
	do
		d = readdir(dir);
	while (d && d->d_name[0] == '.');
	if (d)
		snprintf(text, size, "%s is part of %s", p->name, d->d_name);
	closedir(dir);
	return d;
}

static bool used(const char *name, char *text, size_t size)
{
	struct place p;

	return number_of(name, &p) && (mounted(&p, text, size) ||
				       swap(&p, text, size) ||
				       held(&p, text, size));
}

/* Of its partitions, when it is a whole. */
static bool part_used(const char *name, char *text, size_t size)
{
	char path[PATH_MAX];
	struct dirent *d;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/class/block/%s", kstate_sysfs, name);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!found && (d = readdir(dir)))
		found = !strncmp(d->d_name, name, strlen(name)) &&
			used(d->d_name, text, size);
	closedir(dir);
	return found;
}

static bool whole_used(const char *name, char *text, size_t size)
{
	char path[PATH_MAX], real[PATH_MAX], *slash;

	snprintf(path, sizeof(path), "%s/class/block/%s/..", kstate_sysfs,
		 name);
	if (!realpath(path, real))
		return false;
	slash = strrchr(real, '/');
	return slash && used(slash + 1, text, size);
}

void copy_use__who(const char *name, char *text, size_t size)
{
	if (!used(name, text, size) && !part_used(name, text, size) &&
	    !whole_used(name, text, size))
		snprintf(text, size, "another program has %s for itself", name);
}
