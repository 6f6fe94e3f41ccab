// SPDX-License-Identifier: GPL-2.0-only
#include "python_target.h"

#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static const char *const patterns[] = {
	"~/.pyenv/versions/3.*/bin/python3.[0-9]",
	"~/.pyenv/versions/3.*/bin/python3.[0-9][0-9]",
	"/usr/bin/python3.[0-9]",
	"/usr/bin/python3.[0-9][0-9]",
};

/* Newer than 3.7: the number after the last "python3." */
static bool is_supported(const char *path)
{
	const char *last = strrchr(path, '/');

	last = last ? strstr(last, "python3.") : NULL;
	return !last || atoi(last + strlen("python3.")) >= 8;
}

static size_t add(char ret[PYTHONS_MAX][256], size_t n, const char *path)
{
	struct stat st, other;

	if (n == PYTHONS_MAX || !is_supported(path) || stat(path, &st) < 0)
		return n;
	for (size_t i = 0; i < n; i++)
		if (stat(ret[i], &other) == 0 && other.st_ino == st.st_ino &&
		    other.st_dev == st.st_dev)
			return n;
	snprintf(ret[n], sizeof(ret[n]), "%s", path);
	return n + 1;
}

size_t python_find(char ret[PYTHONS_MAX][256])
{
	const char *given = getenv("LOGPOINT_PYTHONS");
	char *copy = strdup(given ? given : ""), *rest = copy;
	size_t n = 0;

	for (char *p; (p = strsep(&rest, " "));)
		if (*p)
			n = add(ret, n, p);
	free(copy);
	for (size_t i = 0; !given && i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		glob_t found;

		if (glob(patterns[i], GLOB_TILDE, NULL, &found) == 0)
			for (size_t k = 0; k < found.gl_pathc; k++)
				n = add(ret, n, found.gl_pathv[k]);
		globfree(&found);
	}
	return n;
}

void python_start(struct python_target *t, const char *python, const char *script)
{
	int in[2], out[2];

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	*t = (struct python_target){ .pid = fork() };
	assert_true(t->pid >= 0);
	if (t->pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execl(python, python, "-c", script, NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	t->in = fdopen(in[1], "we");
	t->out = fdopen(out[0], "re");
	assert_non_null(t->in);
	assert_non_null(t->out);
}

void python_stop(struct python_target *t)
{
	if (t->pid > 0) {
		kill(t->pid, SIGKILL);
		waitpid(t->pid, NULL, 0);
	}
	if (t->in)
		fclose(t->in);
	if (t->out)
		fclose(t->out);
	*t = (struct python_target){ 0 };
}

const char *python_line(struct python_target *t)
{
	if (!fgets(t->line, sizeof(t->line), t->out))
		fail_msg("the program ended without another line");
	t->line[strcspn(t->line, "\n")] = '\0';
	return t->line;
}

int64_t python_number(struct python_target *t, const char *name)
{
	const char *line = python_line(t);
	size_t len = strlen(name);

	if (strncmp(line, name, len) || line[len] != ' ')
		fail_msg("not %s but: %s", name, line);
	return strtoll(line + len + 1, NULL, 10);
}

void python_go_on(struct python_target *t)
{
	fputc('\n', t->in);
	fflush(t->in);
}
