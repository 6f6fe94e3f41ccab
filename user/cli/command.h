/* SPDX-License-Identifier: GPL-2.0-only */
/* user/cli/command.h
 *
 * command - what main() chooses from. A command reads its own options, reports its own errors and
 * returns the exit status.
 */
#ifndef LP_CLI_COMMAND_H
#define LP_CLI_COMMAND_H

#include "cli/options.h"

struct lp_command {
	const char *name;
	unsigned int options; /* LP_CMD_... */
	int (*run)(const struct lp_options *o);
	const char *help;
};

int lp_cmd_trace(const struct lp_options *o);
int lp_cmd_list(const struct lp_options *o);
int lp_cmd_stacks(const struct lp_options *o);
int lp_cmd_check(const struct lp_options *o);

extern const char lp_help_all[], lp_help_trace[], lp_help_list[], lp_help_check[], lp_help_stacks[];

#endif
