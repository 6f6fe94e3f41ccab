// SPDX-License-Identifier: GPL-2.0-only
#include "target/find.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target/procfs.h"

#define CGROUP_DEPTH_MAX 64
#define LIST_MAX	 (16u << 20) /* bytes of cgroup.procs or mountinfo */

static void closedir_if(DIR *d)
{
	if (d)
		closedir(d);
}
LP_CLEANUP(DIR *, closedir_if)

static int no_dir(const char *path, struct lp_err *err)
{
	return lp_err_set(err, errno == EACCES ? EPERM : errno, "%s: %s", path, strerror(errno));
}

int lp_find_exe(dev_t dev, ino_t ino, struct lp_pids *ret, struct lp_err *err)
{
	lp_auto(closedir_if) DIR *proc = opendir("/proc");
	struct dirent *entry;

	if (!proc)
		return no_dir("/proc", err);
	while ((entry = readdir(proc))) {
		char path[32 + sizeof(entry->d_name)];
		struct stat st;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/exe", entry->d_name);
		if (stat(path, &st) < 0 || st.st_dev != dev || st.st_ino != ino)
			continue;
		pid_t pid = (pid_t)atoi(entry->d_name);
		if (pid != getpid() && lp_vec_push(ret, pid) < 0)
			return lp_err_nomem(err);
	}
	return 0;
}

static int add_procs(const char *dir, struct lp_pids *ret, struct lp_err *err)
{
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };
	char path[PATH_MAX], *rest;

	if (snprintf(path, sizeof(path), "%s/cgroup.procs", dir) >= (int)sizeof(path))
		return lp_err_set(err, ENAMETOOLONG, "%s: path too long", dir);
	int r = lp_file_read(path, LIST_MAX, &text);
	if (r == -EOPNOTSUPP) /* a threaded cgroup: its processes are listed above it */
		return 0;
	if (r < 0)
		return lp_err_set(err, -r, "%s: %s", path, strerror(-r));

	for (char *line = strtok_r(text.data, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		pid_t pid = (pid_t)atoi(line);
		if (pid > 0 && pid != getpid() && lp_vec_push(ret, pid) < 0)
			return lp_err_nomem(err);
	}
	return 0;
}

/* Calls fn for dir and every directory below; a directory that vanishes meanwhile is no error. */
static int each_cgroup(const char *dir, int depth,
		       int (*fn)(const char *dir, void *arg, struct lp_err *err), void *arg,
		       struct lp_err *err)
{
	lp_auto(closedir_if) DIR *d = opendir(dir);
	struct dirent *entry;

	if (!d)
		return depth && errno == ENOENT ? 0 : no_dir(dir, err);
	int r = fn(dir, arg, err);
	if (r < 0)
		return depth && r == -ENOENT ? 0 : r;
	if (depth == CGROUP_DEPTH_MAX)
		return 0;

	while ((entry = readdir(d))) {
		char path[PATH_MAX];

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name) >= (int)sizeof(path))
			continue;
		r = each_cgroup(path, depth + 1, fn, arg, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int collect_procs(const char *dir, void *arg, struct lp_err *err)
{
	return add_procs(dir, arg, err);
}

int lp_find_cgroup(const char *dir, struct lp_pids *ret, struct lp_err *err)
{
	return each_cgroup(dir, 0, collect_procs, ret, err);
}

/* proc_pid_mountinfo(5): "36 35 98:0 /root /mount/point options [tags] - type source options" */
int lp_cgroup_mount(const char *mountinfo, char ret[PATH_MAX])
{
	for (const char *line = mountinfo; line && *line;) {
		const char *end = strchrnul(line, '\n');
		const char *type = memmem(line, (size_t)(end - line), " - cgroup2 ", 11);
		int at = -1, to = -1;

		if (type && sscanf(line, "%*d %*d %*s %*s %n%*s%n", &at, &to) >= 0 && at > 0 &&
		    to > at && line + to <= type && to - at < PATH_MAX) {
			memcpy(ret, line + at, (size_t)(to - at));
			ret[to - at] = '\0';
			return 0;
		}
		line = *end ? end + 1 : end;
	}
	return -ENOENT;
}

static int cgroup_mount(char ret[PATH_MAX], struct lp_err *err)
{
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };

	int r = lp_file_read("/proc/self/mountinfo", LIST_MAX, &text);
	if (r < 0)
		return lp_err_set(err, -r, "/proc/self/mountinfo: %s", strerror(-r));
	if (lp_cgroup_mount(text.data, ret) < 0)
		return lp_err_set(err, ENOENT,
				  "no cgroup2 hierarchy is mounted: units and cgroups can't be "
				  "targets here");
	return 0;
}

int lp_cgroup_open(const char *path, char ret_dir[PATH_MAX], uint64_t *ret_id, struct lp_err *err)
{
	char mount[PATH_MAX], dir[PATH_MAX], procs[PATH_MAX + 16];
	struct stat st;

	int r = cgroup_mount(mount, err);
	if (r < 0)
		return r;

	size_t len = strlen(mount);
	bool whole = !strncmp(path, mount, len) && (path[len] == '/' || !path[len]);
	int n = whole ? snprintf(dir, sizeof(dir), "%s", path)
		      : snprintf(dir, sizeof(dir), "%s/%s", mount, path + strspn(path, "/"));
	if (n >= (int)sizeof(dir))
		return lp_err_set(err, EINVAL, "cgroup '%.80s...': path too long", path);

	snprintf(procs, sizeof(procs), "%s/cgroup.procs", dir);
	if (stat(dir, &st) < 0 || access(procs, F_OK) < 0)
		return lp_err_set(err, ENOENT, "no cgroup '%s' (looked for %s)", path, dir);
	strcpy(ret_dir, dir);
	*ret_id = st.st_ino;
	return 0;
}

struct unit_search {
	char name[NAME_MAX + 16];
	char found[PATH_MAX], other[PATH_MAX];
};

static int match_unit(const char *dir, void *arg, struct lp_err *err)
{
	struct unit_search *s = arg;

	(void)err;
	if (strcmp(strrchr(dir, '/') + 1, s->name))
		return 0;
	snprintf(s->found[0] ? s->other : s->found, PATH_MAX, "%s", dir);
	return 0;
}

int lp_unit_cgroup(const char *unit, char ret_dir[PATH_MAX], struct lp_err *err)
{
	struct unit_search s = { 0 };
	char mount[PATH_MAX];

	if (!*unit || strchr(unit, '/') || strlen(unit) > NAME_MAX)
		return lp_err_set(err, EINVAL, "'%s' is not the name of a unit", unit);
	snprintf(s.name, sizeof(s.name), "%s%s", unit, strchr(unit, '.') ? "" : ".service");

	int r = cgroup_mount(mount, err);
	if (r >= 0)
		r = each_cgroup(mount, 0, match_unit, &s, err);
	if (r < 0)
		return r;
	if (!s.found[0])
		return lp_err_set(err, ENOENT,
				  "unit '%s' has no cgroup below %s: it is not running (systemctl "
				  "status %s)",
				  s.name, mount, s.name);
	if (s.other[0])
		return lp_err_set(err, EINVAL,
				  "several units are called '%s': use --cgroup %s or %s", s.name,
				  s.found, s.other);
	strcpy(ret_dir, s.found);
	return 0;
}
