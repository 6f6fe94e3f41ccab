/* SPDX-License-Identifier: GPL-2.0-only */
/* user/cli/options.h
 *
 * options - the command line as a struct. Looks at nothing but the arguments: no file, no process.
 * Strings are those of argv, which must outlive it. Errors are -EINVAL and name the option.
 */
#ifndef LP_CLI_OPTIONS_H
#define LP_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/vec.h"
#include "session/session.h"

/* Commands that an option belongs to. */
#define LP_CMD_TRACE  0x1u
#define LP_CMD_LIST   0x2u
#define LP_CMD_CHECK  0x4u
#define LP_CMD_STACKS 0x8u

#define LP_NO_BUDGET	     (-1.0)
#define LP_OPTION_BUDGET     5.0 /* percent of one CPU */
#define LP_OPTION_FRAMES_MAX 1024
#define LP_OPTION_LAST_MIN   4096u /* fewer bytes keep nothing worth asking for */
#define LP_OPTION_LAST_MAX   (1ull << 40)
#define LP_OPTION_ITEMS_MAX  LP_READ_MAX

/* What is not an option, in order: a logpoint, a pattern, or a file of logpoints (-f). */
struct lp_argument {
	const char *text;
	bool is_file;
};

struct lp_options {
	bool help, version;
	bool has_target;
	struct lp_target target;
	LP_VEC(pid_t) pids; /* owns target.pids */
	LP_VEC(struct lp_argument) args;
	const char *output, *format; /* NULL; "text" */
	bool json, follow, quiet;
	bool locals;
	int verbose;
	uint64_t count, duration; /* 0: no limit; duration in ns */
	uint64_t last;		  /* bytes; 0: records are written as they come */
	bool exact;		  /* --place exact */
	double max_overhead;	  /* percent; LP_NO_BUDGET */
	struct lp_limits limits;  /* redact: owned by `redacted` */
	LP_VEC(const char *) redact, no_redact;
	LP_VEC(const char *) redacted; /* the built-in list and redact, less no_redact */
};

/* argv[0] is skipped. Uses getopt_long(3), whose state is the process's. */
int lp_options_parse(int argc, char **argv, unsigned int command, struct lp_options *ret,
		     struct lp_err *err);
void lp_options_done(struct lp_options *o);
LP_CLEANUP_DONE(struct lp_options, lp_options_done)

/* "500ms", "30s", "5m", "1h", "2.5" (seconds) to ns. */
int lp_parse_duration(const char *text, uint64_t *ret, struct lp_err *err);
/* "65536", "64K", "16M", "1G" to bytes, from min to max. */
int lp_parse_size(const char *text, uint64_t min, uint64_t max, uint64_t *ret, struct lp_err *err);
/* A decimal number from min to max. */
int lp_parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret,
		    struct lp_err *err);

#endif
