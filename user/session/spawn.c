// SPDX-License-Identifier: GPL-2.0-only
#include "session/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "target/elf.h"

/* Waits for the word to go; ends with us if we end before. Never returns. */
static void run_child(struct lp_session *s, const char *path, int go_fd)
{
	char go;

	if (s->signals_blocked)
		sigprocmask(SIG_SETMASK, &s->old_signals, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	if (s->opts->last)
		signal(SIGUSR1, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGCONT); /* should we die while it is held */
	while (read(go_fd, &go, 1) != 1)
		if (errno != EINTR)
			_exit(127);
	execv(path, s->opts->target.argv);
	dprintf(STDERR_FILENO, "logpoint: %s: %s\n", path, strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static int start_child(struct lp_session *s, const char *path, struct lp_err *err)
{
	int go[2];

	if (pipe2(go, O_CLOEXEC) < 0)
		return lp_err_set(err, errno, "pipe: %s", strerror(errno));
	pid_t pid = fork();
	if (pid == 0) {
		close(go[1]);
		run_child(s, path, go[0]);
	}
	close(go[0]);
	if (pid < 0) {
		close(go[1]);
		return lp_err_set(err, errno, "fork: %s", strerror(errno));
	}
	s->child = pid;
	s->go_fd = go[1];
	return 0;
}

/* "	libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f...)" */
static void add_listed(struct lp_session *s, char *line)
{
	struct lp_file *f;
	char *path = strchr(line, '/');
	char *end = path ? strstr(path, " (0x") : NULL;

	if (!end)
		return;
	*end = '\0';
	lp_inventory_add_file(&s->inv, path, &f, NULL);
}

/* The loader lists what it would map, in the environment that the command gets; nothing of the
 * command is executed. What it can't say (another libc's loader) is found when it is mapped.
 */
static void add_libraries(struct lp_session *s, const char *interp, const char *path)
{
	char *argv[] = { (char *)interp, "--list", (char *)path, NULL };
	char line[PATH_MAX + 256];
	int out[2];

	if (pipe2(out, O_CLOEXEC) < 0)
		return;
	pid_t pid = fork();
	if (pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (null >= 0)
			dup2(null, STDERR_FILENO);
		execv(interp, argv);
		_exit(127);
	}
	close(out[1]);
	lp_auto(lp_fclose) FILE *list = fdopen(out[0], "r");
	if (!list)
		close(out[0]);
	while (list && fgets(line, sizeof(line), list))
		add_listed(s, line);
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static int add_image(struct lp_session *s, const char *path, struct lp_file **ret,
		     struct lp_err *err)
{
	char interpreter[PATH_MAX];
	struct lp_elf_info info;
	struct lp_file *f;

	lp_auto(lp_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return lp_err_set(err, errno, "%s: %s", path, strerror(errno));
	const char *image = lp_script_interpreter(fd, interpreter) < 0 ? path : interpreter;
	int r = lp_inventory_add_file(&s->inv, image, ret, err);
	if (r < 0)
		return r;
	if (lp_elf_info((*ret)->fd, &info, NULL) >= 0 && info.interp[0]) {
		lp_inventory_add_file(&s->inv, info.interp, &f, NULL);
		add_libraries(s, info.interp, image);
	}
	return 0;
}

/* `env PROGRAM`, `timeout 5 PROGRAM`: what the command will execute in a child can't be waited for, so
 * programs among its arguments are looked at before it starts.
 */
static void add_arguments(struct lp_session *s)
{
	char *const *argv = s->opts->target.argv;
	const char *search = getenv("PATH");
	struct lp_file *f;
	char path[PATH_MAX];

	for (size_t i = 1; argv[i]; i++) {
		if (strchr(argv[i], '/') && access(argv[i], X_OK) == 0)
			add_image(s, argv[i], &f, NULL);
		else if (!strncmp(argv[i], "python", 6) &&
			 lp_find_command(argv[i], search ? search : "/bin:/usr/bin", path, NULL) ==
				 0)
			add_image(s, path, &f, NULL);
	}
}

void session_expect_image(struct lp_session *s, pid_t pid)
{
	struct lp_file *f;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	add_image(s, path, &f, NULL);
}

int session_spawn(struct lp_session *s, struct lp_err *err)
{
	const struct lp_target *t = &s->opts->target;
	const char *search = getenv("PATH");
	char path[PATH_MAX];

	int r = lp_find_command(t->argv[0], search ? search : "/bin:/usr/bin", path, err);
	if (r >= 0)
		r = add_image(s, path, &s->exe, err);
	if (r < 0)
		return r;
	s->is_script = strcmp(s->exe->path, path) != 0;
	add_arguments(s);
	return start_child(s, path, err);
}

int session_release_child(struct lp_session *s, struct lp_err *err)
{
	if (s->go_fd < 0)
		return 0;
	ssize_t n = write(s->go_fd, "", 1);
	if (n != 1)
		return lp_err_set(err, ECHILD, "%s: ended before it was started",
				  s->opts->target.argv[0]);
	close(lp_take_fd(&s->go_fd));
	return 0;
}

void session_reap_child(struct lp_session *s, bool wait)
{
	if (!s->child || s->child_done)
		return;
	if (s->go_fd >= 0) { /* it was never let go */
		close(lp_take_fd(&s->go_fd));
		wait = true;
	}
	pid_t r;
	do
		r = waitpid(s->child, &s->child_status, wait ? 0 : WNOHANG);
	while (r < 0 && errno == EINTR);
	s->child_done = r == s->child;
}

int lp_session_wait_command(struct lp_session *s)
{
	signal(SIGINT, SIG_IGN);
	session_reap_child(s, true);
	if (WIFSIGNALED(s->child_status))
		return 128 + WTERMSIG(s->child_status);
	return WEXITSTATUS(s->child_status);
}
