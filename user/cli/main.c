// SPDX-License-Identifier: GPL-2.0-only
#include <malloc.h>
#include <string.h>

#include "base/log.h"
#include "cli/command.h"
#include "cli/report.h"

#define VERSION "0.1.0"

static const struct lp_command commands[] = {
	{ "trace", LP_CMD_TRACE, lp_cmd_trace, lp_help_trace },
	{ "list", LP_CMD_LIST, lp_cmd_list, lp_help_list },
	{ "check", LP_CMD_CHECK, lp_cmd_check, lp_help_check },
	{ "stacks", LP_CMD_STACKS, lp_cmd_stacks, lp_help_stacks },
	{ "dap", 0, NULL, NULL },
	{ "report", 0, NULL, NULL },
};

static const struct lp_command *find_command(const char *name)
{
	for (size_t i = 0; name && i < LP_ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static int print(const char *text)
{
	return fputs(text, stdout) < 0 || fflush(stdout) ? LP_EXIT_FAILED : LP_EXIT_DONE;
}

static int run(const struct lp_command *c, bool named, int argc, char **argv)
{
	lp_auto(lp_options_done) struct lp_options o = { 0 };
	struct lp_err err = { 0 };

	if (lp_options_parse(argc, argv, c->options, &o, &err) < 0) {
		lp_error("%s (see logpoint %s%s--help)", err.msg, named ? c->name : "",
			 named ? " " : "");
		return LP_EXIT_WRONG;
	}
	if (o.help)
		return print(named ? c->help : lp_help_all);
	if (o.version)
		return print("logpoint " VERSION "\n");

	lp_log_level = o.quiet		? LP_LOG_QUIET
		       : o.verbose > 1	? LP_LOG_DEBUG
		       : o.verbose == 1 ? LP_LOG_VERBOSE
					: LP_LOG_NORMAL;
	return c->run(&o);
}

int main(int argc, char **argv)
{
	const struct lp_command *c = find_command(argc > 1 ? argv[1] : NULL);

	/* the thread that loads has its own for some ms only, but it would stay: 1.5 MiB */
	mallopt(M_ARENA_MAX, 1);
	if (c && !c->run) {
		lp_error("'%s' is not supported yet", c->name);
		return LP_EXIT_WRONG;
	}
	return c ? run(c, true, argc - 1, argv + 1) : run(&commands[0], false, argc, argv);
}
