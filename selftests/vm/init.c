// SPDX-License-Identifier: GPL-2.0
/*
 * The first and only program of a guest until its command runs: makes the
 * root file system out of what the host shares (the Debian 13 tree, over it
 * those of its files that make-initrd put in /hot, over these the built layer
 * unless the guest is a stock one, over all a tmpfs for writing), mounts what
 * a system has, loads the NVMe modules, binds the drives in PCI order, waits
 * until they are usable, runs the command that selftests/vm/run left in
 * /run/vm, reports its exit code there and stops the machine. It knows nothing
 * of tests.
 *
 * One static program instead of scripts: under emulation each process that
 * need not be started shortens the boot.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <linux/module.h>
#include <linux/nvme_ioctl.h>
#include <linux/pci_regs.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS		20000
#define EXIT_PORT	0xf4	/* isa-debug-exit */
#define ADMIN_NS_ATTACH	0x15
#define NVME_CLASS	"0x010802"

static char cmdline[4096];

/* Ends the guest at once: the emulator stops when the port is written. */
static _Noreturn void stop(int code)
{
	FILE *f = fopen("/run/vm/exit", "w");

	if (f) {
		fprintf(f, "%d\n", code);
		fclose(f);
	}
	if (!ioperm(EXIT_PORT, 1, 1))
		outb(0, EXIT_PORT);
	f = fopen("/proc/sysrq-trigger", "w");
	if (f) {
		fputc('o', f);
		fclose(f);
	}
	for (;;)
		pause();
}

static _Noreturn __attribute__((format(printf, 1, 2)))
void give_up(const char *format, ...)
{
	static char log[16384];
	FILE *err = fopen("/dev/virtio-ports/err", "w");
	va_list args;
	int len;

	if (!err)
		err = stderr;
	fputs("vm: ", err);
	va_start(args, format);
	vfprintf(err, format, args);
	va_end(args);
	/* SYSLOG_ACTION_READ_ALL gives the newest messages that fit. */
	len = klogctl(3, log, 4096);
	fprintf(err, "\n%.*s", len > 0 ? len : 0, log);
	fclose(err);
	stop(255);
}

static bool in_cmdline(const char *word)
{
	const char *p = cmdline;
	size_t len = strlen(word);

	while ((p = strstr(p, word))) {
		if ((p == cmdline || p[-1] == ' ') &&
		    (p[len] == ' ' || !p[len]))
			return true;
		p += len;
	}
	return false;
}

/* A whole file as a string; NULL if there is none. */
static char *slurp(const char *path, size_t *size)
{
	size_t len = 0, room = 4096;
	char *text = malloc(room + 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0) {
		free(text);
		return NULL;
	}
	while ((n = read(fd, text + len, room - len)) > 0) {
		len += n;
		if (len == room) {
			room *= 4;
			text = realloc(text, room + 1);
		}
	}
	close(fd);
	text[len] = '\0';
	if (size)
		*size = len;
	return text;
}

/* The first word of a small file such as sysfs has. */
static const char *word_of(const char *path)
{
	static char word[256];
	char *text = slurp(path, NULL);

	snprintf(word, sizeof(word), "%s", text ? text : "");
	word[strcspn(word, " \n")] = '\0';
	free(text);
	return word;
}

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/* ------------------------------------------------------------ file systems */

static void mnt(const char *type, const char *source, const char *place,
		unsigned long flags, const char *options)
{
	if (mkdir(place, 0755) && errno != EEXIST)
		give_up("cannot make %s: %s", place, strerror(errno));
	if (mount(source, place, type, flags, options))
		give_up("cannot mount %s: %s", place, strerror(errno));
}

static void p9(const char *tag, const char *place, unsigned long flags,
	       const char *cache)
{
	char options[128];

	snprintf(options, sizeof(options),
		 "trans=virtio,version=9p2000.L,msize=512000,cache=%s", cache);
	mnt("9p", tag, place, flags, options);
}

static void make_root(void)
{
	const char *lower = "lowerdir=/hot:/root,upperdir=/rw/upper,workdir=/rw/work";

	p9("root", "/root", MS_RDONLY, "loose");
	if (!in_cmdline("nvmesteer.stock")) {
		p9("layer", "/layer", MS_RDONLY, "loose");
		lower = "lowerdir=/layer:/hot:/root,upperdir=/rw/upper,workdir=/rw/work";
	}
	mnt("tmpfs", "rw", "/rw", 0, "mode=755");
	mkdir("/rw/upper", 0755);
	mkdir("/rw/work", 0755);
	mnt("overlay", "root", "/new", 0, lower);
	mnt("tmpfs", "run", "/new/run", 0, "mode=755");
	mnt("tmpfs", "tmp", "/new/tmp", 0, "mode=1777");
	p9("run", "/new/run/vm", 0, "none");
	if (in_cmdline("nvmesteer_vm.share"))
		p9("share", "/new/run/vm/share", 0, "none");
	p9("repo", "/new/nvmesteer", MS_RDONLY, "mmap");
	if (in_cmdline("nvmesteer.build"))
		p9("build", "/new/nvmesteer-build", MS_RDONLY, "mmap");
}

static void name_ports(void)
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *name;
	glob_t found;
	size_t i;

	mkdir("/dev/virtio-ports", 0755);
	if (glob("/sys/class/virtio-ports/*", 0, NULL, &found))
		return;
	for (i = 0; i < found.gl_pathc; i++) {
		snprintf(path, sizeof(path), "%s/name", found.gl_pathv[i]);
		snprintf(target, sizeof(target), "../%s",
			 basename(found.gl_pathv[i]));
		name = word_of(path);
		if (!*name)
			continue;
		snprintf(path, sizeof(path), "/dev/virtio-ports/%s", name);
		symlink(target, path);
	}
	globfree(&found);
}

static void mount_system(void)
{
	char *controllers, *c, word[64];
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	mnt("devpts", "devpts", "/dev/pts", 0, "gid=5,mode=620,ptmxmode=666");
	mnt("tmpfs", "shm", "/dev/shm", 0, "mode=1777");
	symlink("/proc/self/fd", "/dev/fd");
	symlink("fd/0", "/dev/stdin");
	symlink("fd/1", "/dev/stdout");
	symlink("fd/2", "/dev/stderr");
	mnt("bpf", "bpf", "/sys/fs/bpf", 0, "mode=700");
	mnt("debugfs", "debugfs", "/sys/kernel/debug", 0, NULL);
	mnt("tracefs", "tracefs", "/sys/kernel/tracing", 0, NULL);
	mnt("cgroup2", "cgroup2", "/sys/fs/cgroup", 0, "nsdelegate");
	sethostname("nvmesteer", 9);
	ioctl(s, SIOCSIFFLAGS, &lo);
	close(s);

	/* One by one: some refuse, which must not keep the others out. */
	controllers = slurp("/sys/fs/cgroup/cgroup.controllers", NULL);
	for (c = strtok(controllers ?: "", " \n"); c; c = strtok(NULL, " \n")) {
		snprintf(word, sizeof(word), "+%s", c);
		put("/sys/fs/cgroup/cgroup.subtree_control", word);
	}
	free(controllers);
}

static void enter_root(void)
{
	static const char * const moved[] = { "/dev", "/proc", "/sys" };
	char place[16];
	size_t i;

	for (i = 0; i < 3; i++) {
		snprintf(place, sizeof(place), "/new%s", moved[i]);
		if (mount(moved[i], place, NULL, MS_MOVE, NULL))
			give_up("cannot move %s", moved[i]);
	}
	if (chdir("/new") || mount(".", "/", NULL, MS_MOVE, NULL) ||
	    chroot(".") || chdir("/"))
		give_up("cannot enter the root: %s", strerror(errno));
}

/* ----------------------------------------------------------------- modules */

static void insmod(const char *path, const char *params)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = strlen(path);
	int flags = !strcmp(path + len - 3, ".ko") ? 0 :
		    MODULE_INIT_COMPRESSED_FILE;

	if (fd < 0 || (syscall(SYS_finit_module, fd, params, flags) &&
		       errno != EEXIST))
		give_up("cannot load %s: %s", path, strerror(errno));
	close(fd);
}

/* What the kernel command line says about a module, after its defaults. */
static void module_params(char *name, const char *defaults, char *params,
			  size_t size)
{
	char *copy = strdup(cmdline), *word, *c;
	size_t len = strlen(name), used;

	for (c = name; *c; c++)
		if (*c == '-')
			*c = '_';
	used = snprintf(params, size, "%s", defaults);
	for (word = strtok(copy, " \n"); word; word = strtok(NULL, " \n")) {
		for (c = word; *c && *c != '.' && *c != '='; c++)
			if (*c == '-')
				*c = '_';
		if (!strncmp(word, name, len) && word[len] == '.')
			used += snprintf(params + used, size - used, " %s",
					 word + len + 1);
	}
	free(copy);
}

static char *modules_dir, *modules_dep;

static void load_file(const char *file, const char *defaults)
{
	char path[PATH_MAX], name[64], params[1024];

	snprintf(path, sizeof(path), "%s/%s", modules_dir, file);
	snprintf(name, sizeof(name), "%s", strrchr(path, '/') + 1);
	name[strcspn(name, ".")] = '\0';
	module_params(name, defaults, params, sizeof(params));
	insmod(path, params);
}

/* As modprobe does it: what modules.dep names, the last one first. */
static void load(const char *name, const char *defaults)
{
	char wanted[64], *line, *end, *file;
	struct utsname u;

	if (!modules_dep) {
		uname(&u);
		if (asprintf(&modules_dir, "/lib/modules/%s", u.release) < 0 ||
		    asprintf(&file, "%s/modules.dep", modules_dir) < 0 ||
		    !(modules_dep = slurp(file, NULL)))
			give_up("there is no modules.dep");
	}
	snprintf(wanted, sizeof(wanted), "/%s.ko", name);
	for (line = modules_dep; (line = strstr(line, wanted)); line++) {
		end = line + strcspn(line, ": \n");
		if (*end != ':')
			continue;
		while (line > modules_dep && line[-1] != '\n')
			line--;
		line = strndup(line, strcspn(line, "\n"));
		end = strchr(line, ':');
		*end = '\0';
		while ((file = strrchr(end + 1, ' '))) {
			*file = '\0';
			load_file(file + 1, "");
		}
		load_file(line, defaults);
		free(line);
		return;
	}
	give_up("there is no module %s", name);
}

/* ------------------------------------------------------------------ drives */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char * const *)a, *(char * const *)b);
}

/*
 * The driver probes asynchronously; one bind after the other, in the order of
 * the paths through the PCI tree, gives the same numbers to the same drives in
 * every boot.
 */
static void bind_drives(void)
{
	char path[PATH_MAX];
	glob_t found;
	size_t i;
	int ret;

	put("/sys/bus/pci/drivers_autoprobe", "0");
	load("nvme", in_cmdline("nvmesteer.stock") ? "poll_queues=1" :
	     "poll_queues=1 steer_queues=8");
	if (glob("/sys/bus/pci/devices/*", 0, NULL, &found))
		give_up("there is no PCI device");
	for (i = 0; i < found.gl_pathc; i++)
		found.gl_pathv[i] = realpath(found.gl_pathv[i], NULL);
	qsort(found.gl_pathv, found.gl_pathc, sizeof(char *), by_name);
	for (i = 0; i < found.gl_pathc; i++) {
		snprintf(path, sizeof(path), "%s/class", found.gl_pathv[i]);
		if (strcmp(word_of(path), NVME_CLASS))
			continue;
		ret = put("/sys/bus/pci/drivers/nvme/bind",
			  basename(found.gl_pathv[i]));
		if (ret)
			give_up("no NVMe driver for %s: %s",
				found.gl_pathv[i], strerror(-ret));
	}
	put("/sys/bus/pci/drivers_autoprobe", "1");
}

/*
 * The firmware leaves the functions' memory disabled. Were it enabled by the
 * driver, while several processors run, the emulator could abort.
 */
static void enable_drives(void)
{
	uint16_t command;
	char path[PATH_MAX];
	glob_t found;
	size_t i;
	int fd;

	if (glob("/sys/bus/pci/devices/*", 0, NULL, &found))
		give_up("there is no PCI device");
	for (i = 0; i < found.gl_pathc; i++) {
		snprintf(path, sizeof(path), "%s/class", found.gl_pathv[i]);
		if (strcmp(word_of(path), NVME_CLASS))
			continue;
		snprintf(path, sizeof(path), "%s/config", found.gl_pathv[i]);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0 || pread(fd, &command, 2, PCI_COMMAND) != 2)
			give_up("cannot read %s", path);
		command |= PCI_COMMAND_MEMORY;
		if (pwrite(fd, &command, 2, PCI_COMMAND) != 2)
			give_up("cannot write %s", path);
		close(fd);
	}
	globfree(&found);
}

static bool exists(const char *format, int x, int y)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), format, x, y);
	return !access(path, F_OK);
}

/* Waits for a namespace, and looks whether it has the number it should. */
static void wait_namespace(int x, int y)
{
	char path[64];
	int ms;

	for (ms = 0; !exists("/dev/nvme%dn%d", x, y) ||
		     !exists("/dev/ng%dn%d", x, y); ms += 2) {
		if (ms >= WAIT_MS)
			give_up("namespace nvme%dn%d did not appear", x, y);
		usleep(2000);
	}
	snprintf(path, sizeof(path), "/sys/block/nvme%dn%d/nsid", x, y);
	if (atoi(word_of(path)) != y)
		give_up("nvme%dn%d is namespace %s", x, y, word_of(path));
}

static void attach_namespace(int x, int nsid)
{
	uint16_t list[2048] = { 1 };
	struct nvme_admin_cmd cmd = {
		.opcode = ADMIN_NS_ATTACH,
		.nsid = nsid,
		.addr = (uintptr_t)list,
		.data_len = sizeof(list),
	};
	char path[64];
	int fd, ret;

	snprintf(path, sizeof(path), "/sys/class/nvme/nvme%d/cntlid", x);
	list[1] = atoi(word_of(path));
	snprintf(path, sizeof(path), "/dev/nvme%d", x);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ret = fd < 0 ? -1 : ioctl(fd, NVME_IOCTL_ADMIN_CMD, &cmd);
	if (ret)
		give_up("cannot attach namespace %d of nvme%d: %d", nsid, x,
			ret);
	close(fd);
}

/* Every controller reaches a namespace: all paths are there. */
static void wait_paths(void)
{
	char pattern[64];
	glob_t found;
	int x, ms = 0;

	for (x = 0; exists("/sys/class/nvme/nvme%d", x, 0); x++) {
		snprintf(pattern, sizeof(pattern),
			 "/sys/class/nvme/nvme%d/nvme*n*", x);
		while (glob(pattern, 0, NULL, &found)) {
			if ((ms += 2) >= WAIT_MS)
				give_up("nvme%d reaches no namespace", x);
			usleep(2000);
		}
		globfree(&found);
	}
}

/*
 * The driver scans a controller's namespaces in parallel and numbers them as
 * they come. The first one of each is attached from the start; the others are
 * attached one by one, for numbers in the order of their identifiers.
 */
static void wait_namespaces(const char *names)
{
	int x, y, used, turn;
	const char *p;
	bool more = true;

	for (turn = 1; more; turn++) {
		more = false;
		if (turn > 1)
			for (p = names; sscanf(p, "%dn%d%n", &x, &y, &used) == 2;
			     p += used)
				if (y == turn)
					attach_namespace(x, y);
		for (p = names; sscanf(p, "%dn%d%n", &x, &y, &used) == 2;
		     p += used) {
			if (y == turn)
				wait_namespace(x, y);
			more |= y > turn;
		}
	}
	wait_paths();
}

/* --------------------------------------------------------------- processors */

/* In a child of its own: it takes about as long as mounting the root. */
static pid_t start_processors(void)
{
	pid_t pid = fork();
	glob_t found;
	size_t i;

	if (pid)
		return pid;
	if (!glob("/sys/devices/system/cpu/cpu[0-9]*/online", 0, NULL, &found))
		for (i = 0; i < found.gl_pathc; i++)
			if (*word_of(found.gl_pathv[i]) == '0' &&
			    put(found.gl_pathv[i], "1"))
				_exit(1);
	_exit(0);
}

static void wait_for(pid_t pid, const char *what)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		give_up("%s failed", what);
}

/* -------------------------------------------------------------- the command */

static struct {
	char *namespaces, *term, *rows, *cols;
	bool shell;
} settings;

static void read_settings(void)
{
	char *line = slurp("/run/vm/settings", NULL), *value;

	if (!line)
		give_up("there are no settings");
	for (line = strtok(line, "\n"); line; line = strtok(NULL, "\n")) {
		value = strchr(line, '=');
		if (!value)
			continue;
		*value++ = '\0';
		if (!strcmp(line, "namespaces"))
			settings.namespaces = value;
		else if (!strcmp(line, "shell"))
			settings.shell = atoi(value);
		else if (!strcmp(line, "term"))
			settings.term = value;
		else if (!strcmp(line, "rows"))
			settings.rows = value;
		else if (!strcmp(line, "cols"))
			settings.cols = value;
	}
}

static void copy_files(void)
{
	char *line = slurp("/run/vm/copies", NULL), *to, from[64];
	pid_t pid;

	for (line = strtok(line ?: "", "\n"); line; line = strtok(NULL, "\n")) {
		to = strchr(line, '\t');
		*to++ = '\0';
		snprintf(from, sizeof(from), "/run/vm/copy/%s", line);
		pid = fork();
		if (!pid) {
			execl("/bin/sh", "sh", "-c",
			      "mkdir -p \"$(dirname \"$2\")\" && cp -a \"$1\" \"$2\"",
			      "sh", from, to, NULL);
			_exit(127);
		}
		wait_for(pid, "copying");
	}
}

/* Strings that end with a zero each, as an array that ends with NULL. */
static char **strings_of(const char *path)
{
	size_t size, n = 0;
	char *text = slurp(path, &size), *p, **strings;

	if (!text)
		give_up("there is no %s", path);
	strings = calloc(size + 1, sizeof(char *));
	for (p = text; p < text + size; p += strlen(p) + 1)
		strings[n++] = p;
	return strings;
}

static void use(const char *path, int flags, int fd)
{
	int opened = open(path, flags | O_NOCTTY);

	if (opened != fd) {
		dup2(opened, fd);
		close(opened);
	}
}

static _Noreturn void exec_command(void)
{
	char **argv = strings_of("/run/vm/command");
	char **env = strings_of("/run/vm/env");
	struct winsize size = { 0 };

	setenv("TERM", "dumb", 1);
	if (settings.shell) {
		/* A session of its own on the console: job control works. */
		setsid();
		use("/dev/hvc0", O_RDWR, 0);
		dup2(0, 1);
		dup2(0, 2);
		ioctl(0, TIOCSCTTY, 1);
		size.ws_row = atoi(settings.rows);
		size.ws_col = atoi(settings.cols);
		ioctl(0, TIOCSWINSZ, &size);
		setenv("TERM", settings.term, 1);
	} else {
		use("/dev/null", O_RDONLY, 0);
		use("/dev/virtio-ports/out", O_WRONLY, 1);
		use("/dev/virtio-ports/err", O_WRONLY, 2);
	}
	for (; *env; env++)
		putenv(*env);
	if (chdir("/nvmesteer"))
		_exit(255);
	execvp(argv[0], argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static int run_command(void)
{
	pid_t pid = fork(), done;
	int status;

	if (!pid)
		exec_command();
	/* As process 1 it also buries what others left. */
	while ((done = wait(&status)) != pid)
		if (done < 0)
			give_up("the command is lost");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(void)
{
	static const char * const modules[] = {
		"netfs", "9pnet", "9pnet_virtio", "9p", "overlay",
	};
	char path[64], *text;
	pid_t processors;
	size_t i;

	umask(022);
	mnt("proc", "proc", "/proc", 0, NULL);
	mnt("sysfs", "sysfs", "/sys", 0, NULL);
	mnt("devtmpfs", "dev", "/dev", 0, NULL);
	text = slurp("/proc/cmdline", NULL);
	snprintf(cmdline, sizeof(cmdline), "%s", text ?: "");
	cmdline[strcspn(cmdline, "\n")] = '\0';
	name_ports();
	enable_drives();
	processors = start_processors();
	for (i = 0; i < sizeof(modules) / sizeof(*modules); i++) {
		snprintf(path, sizeof(path), "/modules/%s.ko", modules[i]);
		/* what make-initrd left out is built in */
		if (!access(path, F_OK))
			insmod(path, "");
	}
	make_root();
	mount_system();
	enter_root();

	clearenv();
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	read_settings();
	bind_drives();
	wait_namespaces(settings.namespaces);
	wait_for(processors, "starting the processors");
	if (!in_cmdline("nvmesteer.stock"))
		load("nvmesteer", "");
	copy_files();
	close(open("/run/vm/began", O_CREAT | O_WRONLY, 0644));
	stop(run_command());
}
