/* SPDX-License-Identifier: GPL-2.0-only */
#include "native_program.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

void native_program_init(struct native_program *p)
{
	*p = (struct native_program){ .dir = "/tmp/logpoint-test-XXXXXX" };
	assert_non_null(mkdtemp(p->dir));
}

void native_program_done(struct native_program *p)
{
	lp_auto(lp_free) char *command = NULL;

	lp_vec_done(&p->places);
	lp_module_free(lp_take(p->module));
	if (p->dir[0] && asprintf(&command, "rm -rf '%s'", p->dir) >= 0)
		if (system(command) != 0)
			fprintf(stderr, "left behind: %s\n", p->dir);
}

struct native_program program;

int native_setup(void **state)
{
	(void)state;
	native_program_init(&program);
	return 0;
}

int native_teardown(void **state)
{
	(void)state;
	native_program_done(&program);
	return 0;
}

void native_program_write(struct native_program *p, const char *name, const char *text)
{
	lp_auto(lp_free) char *path = NULL;
	const char *slash = strrchr(name, '/');

	if (slash)
		native_program_run(p, "mkdir -p '%.*s'", (int)(slash - name), name);
	assert_true(asprintf(&path, "%s/%s", p->dir, name) >= 0);

	FILE *f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static char *in_folder(struct native_program *p, const char *fmt, va_list ap)
{
	lp_auto(lp_free) char *command = NULL;
	char *whole = NULL;

	assert_true(vasprintf(&command, fmt, ap) >= 0);
	assert_true(asprintf(&whole, "cd '%s' && { %s; }", p->dir, command) >= 0);
	return whole;
}

void native_program_run(struct native_program *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	lp_auto(lp_free) char *command = in_folder(p, fmt, ap);
	va_end(ap);
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

uint64_t native_program_hex(struct native_program *p, const char *fmt, ...)
{
	char line[256] = "";
	va_list ap;

	va_start(ap, fmt);
	lp_auto(lp_free) char *command = in_folder(p, fmt, ap);
	va_end(ap);
	FILE *f = popen(command, "re");
	assert_non_null(f);
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	pclose(f);
	if (!line[0])
		fail_msg("nothing from: %s", command);
	return strtoull(line, NULL, 16);
}

uint64_t native_program_symbol(struct native_program *p, const char *file, const char *name)
{
	return native_program_hex(p, "nm %s | awk '$3 == \"%s\" { print $1 }'", file, name);
}

bool native_program_has_tool(const char *tool)
{
	lp_auto(lp_free) char *command = NULL;

	return asprintf(&command, "command -v %s >/dev/null", tool) >= 0 && system(command) == 0;
}

void native_program_open_root(struct native_program *p, const char *name, const char *root)
{
	const struct lp_module_opts opts = { .root = root };
	lp_auto(lp_free) char *path = NULL;

	lp_module_free(lp_take(p->module));
	assert_true(asprintf(&path, "%s/%s", p->dir, name) >= 0);
	lp_auto(lp_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	if (lp_module_open(fd, root ? path + strlen(root) : path, &opts, &p->module, &p->err) < 0)
		fail_msg("%s", p->err.msg);
}

void native_program_open(struct native_program *p, const char *name)
{
	native_program_open_root(p, name, NULL);
}

int native_program_location(struct native_program *p, const struct lp_location *at)
{
	lp_vec_done(&p->places);
	p->err = (struct lp_err){ 0 };
	return lp_module_resolve(p->module, at, &p->places, &p->n_inlined, &p->err);
}

int native_program_line(struct native_program *p, const char *file, int line)
{
	const struct lp_location at = {
		.kind = LP_AT_LINE, .text = file, .file = file, .line = line
	};

	return native_program_location(p, &at);
}

int native_program_function(struct native_program *p, enum lp_location_kind kind, const char *name)
{
	const struct lp_location at = { .kind = kind, .text = name, .name = name };

	return native_program_location(p, &at);
}
