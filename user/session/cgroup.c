// SPDX-License-Identifier: GPL-2.0-only
/* A unit's processes are those of its cgroup, which systemd removes when the unit has stopped and
 * makes anew, with another number, when it starts again. The name stays: the folder that it was in,
 * or the nearest above that is still there, is watched for it.
 */
#include "session/internal.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "target/find.h"

#define RESTART_WAIT  LP_NS_PER_S	  /* for a unit that may be just restarting */
#define RESTART_PAUSE (10 * LP_NS_PER_MS) /* between two looks */

/* Has systemd a file of the unit, or of what it is an instance of ("app@7": app@.service)? */
static bool is_known(const char *unit)
{
	static const char *const folders[] = {
		"/run/systemd/system",		 "/etc/systemd/system",
		"/usr/lib/systemd/system",	 "/lib/systemd/system",
		"/run/systemd/transient",	 "/run/systemd/generator",
		"/usr/local/lib/systemd/system",
	};
	const char *dot = strrchr(unit, '.'), *at = strchr(unit, '@');
	const char *type = dot ? dot : ".service";
	int whole = (int)(dot ? dot - unit : (ptrdiff_t)strlen(unit));
	char path[PATH_MAX];
	struct stat st;

	for (size_t i = 0; i < LP_ARRAY_SIZE(folders); i++) {
		snprintf(path, sizeof(path), "%s/%.*s%s", folders[i], whole, unit, type);
		if (lstat(path, &st) == 0)
			return true;
		if (!at || at - unit >= whole)
			continue;
		snprintf(path, sizeof(path), "%s/%.*s%s", folders[i], (int)(at - unit) + 1, unit,
			 type);
		if (lstat(path, &st) == 0)
			return true;
	}
	return false;
}

int session_find_unit(struct lp_session *s, struct lp_err *err)
{
	const struct timespec pause = { .tv_nsec = RESTART_PAUSE };
	const char *unit = s->opts->target.path;
	uint64_t until = lp_now() + RESTART_WAIT;
	int r;

	while ((r = lp_unit_cgroup(unit, s->cgroup, err)) == -ENOENT && is_known(unit) &&
	       lp_now() < until)
		nanosleep(&pause, NULL);
	return r;
}

uint64_t session_cgroup_id(const struct lp_session *s)
{
	struct stat st;

	return stat(s->cgroup, &st) == 0 ? st.st_ino : 0;
}

/* Watches the nearest folder above that exists. */
static int watch_above(struct lp_session *s)
{
	char dir[PATH_MAX];

	strcpy(dir, s->cgroup);
	for (char *slash; (slash = strrchr(dir, '/')) && slash > dir;) {
		*slash = '\0';
		if (inotify_add_watch(s->cgroup_fd, dir,
				      IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_ONLYDIR) >= 0)
			return 0;
		if (errno != ENOENT)
			return -errno;
	}
	return -ENOENT;
}

static void look(struct lp_session *s)
{
	uint64_t id = session_cgroup_id(s);

	if (id == s->cgroup_id)
		return;
	/* before anything else: the first process in it is about to start */
	lp_kernel_set_cgroup(s->kernel, id);
	session_note(s, LP_LOG_VERBOSE, "%s %s", s->cgroup,
		     id ? "is there again" : "has been removed");
	s->cgroup_id = id;
	if (id)
		session_rescan_all(s);
}

int session_watch_cgroup(struct lp_session *s, struct lp_err *err)
{
	s->cgroup_id = session_cgroup_id(s);
	lp_kernel_set_cgroup(s->kernel, s->cgroup_id);
	s->cgroup_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	int r = s->cgroup_fd < 0 ? -errno : watch_above(s);
	if (r < 0)
		return lp_err_set(err, -r, "cannot watch for %s: %s", s->cgroup, strerror(-r));
	look(s);
	return 0;
}

void session_cgroup_changed(struct lp_session *s)
{
	char events[4096];

	while (read(s->cgroup_fd, events, sizeof(events)) > 0)
		;
	look(s);
	/* a folder on the way may have come or gone; what was made meanwhile is seen after */
	watch_above(s);
	look(s);
}
