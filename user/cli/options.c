// SPDX-License-Identifier: GPL-2.0-only
#include "cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#define DURATION_MAX 1e18 /* ns: some thirty years */

struct option_row {
	char letter; /* 0: none */
	const char *name;
	bool has_arg;
	unsigned int commands;
	int (*set)(struct lp_options *o, const char *arg, struct lp_err *err);
};

int lp_parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret, struct lp_err *err)
{
	char *end;

	errno = 0;
	unsigned long long v = isdigit((unsigned char)*text) ? strtoull(text, &end, 10) : 0;
	if (!isdigit((unsigned char)*text) || *end)
		return lp_err_set(err, EINVAL, "'%s' is not a number", text);
	if (errno || v < min || v > max)
		return lp_err_set(err, EINVAL, "%s is not between %" PRIu64 " and %" PRIu64, text,
				  min, max);
	*ret = v;
	return 0;
}

int lp_parse_duration(const char *text, uint64_t *ret, struct lp_err *err)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = { { "", 1e9 },  { "us", 1e3 }, { "ms", 1e6 },
		      { "s", 1e9 }, { "m", 6e10 }, { "h", 3.6e12 } };
	size_t digits = strspn(text, "0123456789.");
	char *end;

	for (size_t i = 0; digits && i < LP_ARRAY_SIZE(units); i++) {
		if (strcmp(text + digits, units[i].name))
			continue;
		double ns = strtod(text, &end) * units[i].ns;
		if (end != text + digits)
			break;
		if (!(ns >= 1 && ns <= DURATION_MAX))
			return lp_err_set(err, EINVAL, "%s is %s", text,
					  ns < 1 ? "no time at all" : "too long");
		*ret = (uint64_t)ns;
		return 0;
	}
	return lp_err_set(err, EINVAL, "'%s' is not a time (as 500ms, 30s, 5m, 1h)", text);
}

int lp_parse_size(const char *text, uint64_t min, uint64_t max, uint64_t *ret, struct lp_err *err)
{
	static const char units[] = "KMGT"; /* 1024 of the one before */
	char *end;

	errno = 0;
	unsigned long long v = isdigit((unsigned char)*text) ? strtoull(text, &end, 10) : 0;
	const char *unit = v && *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
	if (!isdigit((unsigned char)*text) || (*end && (!unit || end[1])))
		return lp_err_set(err, EINVAL, "'%s' is not a size in bytes (as 64K, 16M, 1G)",
				  text);
	unsigned int shift = unit ? 10 * (unsigned int)(unit - units + 1) : 0;
	if (errno || v > max >> shift || v << shift < min)
		return lp_err_set(err, EINVAL,
				  "%s is not between %" PRIu64 " and %" PRIu64
				  " bytes (as 64K, 16M, 1G)",
				  text, min, max);
	*ret = v << shift;
	return 0;
}

/* --- one function an option --- */

static int set_target(struct lp_options *o, enum lp_target_kind kind, struct lp_err *err)
{
	if (o->has_target && (o->target.kind != kind || kind != LP_TARGET_PIDS))
		return lp_err_set(err, EINVAL,
				  "there is a target already: give one of --pid, --unit, --cgroup, "
				  "--exe and -- COMMAND");
	o->has_target = true;
	o->target.kind = kind;
	return 0;
}

static int add_pid(struct lp_options *o, const char *text, struct lp_err *err)
{
	uint64_t pid;

	int r = lp_parse_number(text, 1, INT32_MAX, &pid, err);
	if (r < 0)
		return r;
	lp_vec_each (&o->pids, known)
		if (*known == (pid_t)pid)
			return 0;
	return lp_vec_push(&o->pids, (pid_t)pid) < 0 ? lp_err_nomem(err) : 0;
}

static int set_pids(struct lp_options *o, const char *arg, struct lp_err *err)
{
	char one[24];
	int r = set_target(o, LP_TARGET_PIDS, err);

	for (const char *p = arg; r >= 0;) {
		size_t n = strcspn(p, ",");

		if (n >= sizeof(one))
			return lp_err_set(err, EINVAL, "'%.*s' is not a process id", (int)n, p);
		memcpy(one, p, n);
		one[n] = '\0';
		r = add_pid(o, one, err);
		if (!p[n])
			break;
		p += n + 1;
	}
	return r;
}

static int set_path(struct lp_options *o, enum lp_target_kind kind, const char *arg,
		    struct lp_err *err)
{
	o->target.path = arg;
	return *arg ? set_target(o, kind, err) : lp_err_set(err, EINVAL, "no name given");
}

static int set_unit(struct lp_options *o, const char *arg, struct lp_err *err)
{
	return set_path(o, LP_TARGET_UNIT, arg, err);
}

static int set_cgroup(struct lp_options *o, const char *arg, struct lp_err *err)
{
	return set_path(o, LP_TARGET_CGROUP, arg, err);
}

static int set_exe(struct lp_options *o, const char *arg, struct lp_err *err)
{
	return set_path(o, LP_TARGET_EXE, arg, err);
}

static int add_argument(struct lp_options *o, const char *arg, bool is_file, struct lp_err *err)
{
	struct lp_argument a = { .text = arg, .is_file = is_file };

	return lp_vec_push(&o->args, a) < 0 ? lp_err_nomem(err) : 0;
}

static int set_file(struct lp_options *o, const char *arg, struct lp_err *err)
{
	return add_argument(o, arg, true, err);
}

static int set_output(struct lp_options *o, const char *arg, struct lp_err *err)
{
	(void)err;
	o->output = arg;
	return 0;
}

static int set_format(struct lp_options *o, const char *arg, struct lp_err *err)
{
	(void)err;
	o->format = arg;
	return 0;
}

static int set_count(struct lp_options *o, const char *arg, struct lp_err *err)
{
	return lp_parse_number(arg, 1, UINT64_MAX, &o->count, err);
}

static int set_duration(struct lp_options *o, const char *arg, struct lp_err *err)
{
	return lp_parse_duration(arg, &o->duration, err);
}

static int set_last(struct lp_options *o, const char *arg, struct lp_err *err)
{
	return lp_parse_size(arg, LP_OPTION_LAST_MIN, LP_OPTION_LAST_MAX, &o->last, err);
}

static int set_follow(struct lp_options *o, const char *arg, struct lp_err *err)
{
	(void)arg;
	(void)err;
	o->follow = true;
	return 0;
}

static int set_max_overhead(struct lp_options *o, const char *arg, struct lp_err *err)
{
	char *end;

	if (!strcmp(arg, "none")) {
		o->max_overhead = LP_NO_BUDGET;
		return 0;
	}
	double v = isdigit((unsigned char)*arg) || *arg == '.' ? strtod(arg, &end) : 0;
	if (!(v > 0) || !isfinite(v) || strcmp(end, *end == '%' ? "%" : ""))
		return lp_err_set(err, EINVAL, "'%s' is not a percentage of one CPU, nor `none`",
				  arg);
	o->max_overhead = v;
	return 0;
}

static int set_place(struct lp_options *o, const char *arg, struct lp_err *err)
{
	if (strcmp(arg, "cheap") && strcmp(arg, "exact"))
		return lp_err_set(err, EINVAL, "'%s' is neither `cheap` nor `exact`", arg);
	o->exact = *arg == 'e';
	return 0;
}

static int set_quiet(struct lp_options *o, const char *arg, struct lp_err *err)
{
	(void)arg;
	(void)err;
	o->quiet = true;
	return 0;
}

static int set_verbose(struct lp_options *o, const char *arg, struct lp_err *err)
{
	(void)arg;
	(void)err;
	o->verbose++;
	return 0;
}

static int set_limit(const char *arg, uint32_t max, uint32_t *ret, struct lp_err *err)
{
	uint64_t v;
	int r = lp_parse_number(arg, 1, max, &v, err);

	if (r < 0)
		return r;
	*ret = (uint32_t)v;
	return 0;
}

static int set_max_string(struct lp_options *o, const char *arg, struct lp_err *err)
{
	return set_limit(arg, LP_READ_MAX, &o->limits.string, err);
}

static int set_max_items(struct lp_options *o, const char *arg, struct lp_err *err)
{
	return set_limit(arg, LP_OPTION_ITEMS_MAX, &o->limits.items, err);
}

static int set_max_depth(struct lp_options *o, const char *arg, struct lp_err *err)
{
	return set_limit(arg, LP_NESTING_MAX, &o->limits.depth, err);
}

static int set_max_frames(struct lp_options *o, const char *arg, struct lp_err *err)
{
	return set_limit(arg, LP_OPTION_FRAMES_MAX, &o->limits.frames, err);
}

static int set_all_frames(struct lp_options *o, const char *arg, struct lp_err *err)
{
	(void)arg;
	(void)err;
	o->limits.all_frames = true;
	return 0;
}

static int add_redact(struct lp_options *o, const char *arg, struct lp_err *err)
{
	return lp_vec_push(&o->redact, arg) < 0 ? lp_err_nomem(err) : 0;
}

static int add_no_redact(struct lp_options *o, const char *arg, struct lp_err *err)
{
	return lp_vec_push(&o->no_redact, arg) < 0 ? lp_err_nomem(err) : 0;
}

static int set_json(struct lp_options *o, const char *arg, struct lp_err *err)
{
	(void)arg;
	(void)err;
	o->json = true;
	return 0;
}

static int set_locals(struct lp_options *o, const char *arg, struct lp_err *err)
{
	(void)arg;
	(void)err;
	o->locals = true;
	return 0;
}

static int set_help(struct lp_options *o, const char *arg, struct lp_err *err)
{
	(void)arg;
	(void)err;
	o->help = true;
	return 0;
}

static int set_version(struct lp_options *o, const char *arg, struct lp_err *err)
{
	(void)arg;
	(void)err;
	o->version = true;
	return 0;
}

#define TRACE  LP_CMD_TRACE
#define SHOW   (LP_CMD_LIST | LP_CMD_CHECK)
#define STACKS LP_CMD_STACKS
#define ALL    (TRACE | SHOW | STACKS)

static const struct option_row rows[] = {
	{ 'p', "pid", true, ALL, set_pids },
	{ 'u', "unit", true, ALL, set_unit },
	{ 0, "cgroup", true, ALL, set_cgroup },
	{ 'x', "exe", true, ALL, set_exe },
	{ 'f', "file", true, TRACE, set_file },
	{ 'o', "output", true, TRACE, set_output },
	{ 0, "format", true, TRACE | STACKS, set_format },
	{ 'n', "count", true, TRACE, set_count },
	{ 'd', "duration", true, TRACE, set_duration },
	{ 0, "last", true, TRACE, set_last },
	{ 0, "follow", false, TRACE, set_follow },
	{ 0, "max-overhead", true, TRACE, set_max_overhead },
	{ 0, "place", true, TRACE, set_place },
	{ 'q', "quiet", false, TRACE, set_quiet },
	{ 'v', "verbose", false, ALL, set_verbose },
	{ 0, "max-string", true, TRACE | STACKS, set_max_string },
	{ 0, "max-items", true, TRACE | STACKS, set_max_items },
	{ 0, "max-depth", true, TRACE | STACKS, set_max_depth },
	{ 0, "max-frames", true, TRACE | STACKS, set_max_frames },
	{ 0, "all-frames", false, TRACE | STACKS, set_all_frames },
	{ 0, "locals", false, STACKS, set_locals },
	{ 0, "redact", true, TRACE | STACKS, add_redact },
	{ 0, "no-redact", true, TRACE | STACKS, add_no_redact },
	{ 0, "json", false, SHOW, set_json },
	{ 'h', "help", false, ALL, set_help },
	{ 'V', "version", false, ALL, set_version },
};

#define N_ROWS	  LP_ARRAY_SIZE(rows)
#define LONG_ONLY 256 /* what getopt_long() returns for rows[i] is LONG_ONLY + i */

/* --- the whole line --- */

struct getopt_tables {
	char letters[2 + 2 * N_ROWS + 1];
	struct option names[N_ROWS + 1];
};

/* '-': arguments come in their order, as option 1; ':': getopt prints nothing. */
static void fill_tables(struct getopt_tables *t, unsigned int command)
{
	size_t n = 0;
	char *p = stpcpy(t->letters, "-:");

	for (size_t i = 0; i < N_ROWS; i++) {
		const struct option_row *row = &rows[i];

		if (!(row->commands & command))
			continue;
		if (row->letter)
			*p++ = row->letter;
		if (row->letter && row->has_arg)
			*p++ = ':';
		t->names[n++] =
			(struct option){ row->name, row->has_arg ? required_argument : no_argument,
					 NULL, LONG_ONLY + (int)i };
	}
	*p = '\0';
	t->names[n] = (struct option){ 0 };
}

static const struct option_row *find_row(int code)
{
	if (code >= LONG_ONLY && (size_t)(code - LONG_ONLY) < N_ROWS)
		return &rows[code - LONG_ONLY];
	for (size_t i = 0; i < N_ROWS; i++)
		if (rows[i].letter && rows[i].letter == code)
			return &rows[i];
	return NULL;
}

static int set_row(struct lp_options *o, const struct option_row *row, const char *arg,
		   struct lp_err *err)
{
	int r = row->set(o, arg, err);

	if (r < 0 && row->letter)
		return lp_err_wrap(err, r, "-%c, --%s", row->letter, row->name);
	return r < 0 ? lp_err_wrap(err, r, "--%s", row->name) : 0;
}

static int bad_option(int code, char **argv, struct lp_err *err)
{
	const struct option_row *row = find_row(optopt);
	const char *typed = argv[optind - 1];
	int len = (int)strcspn(typed, "=");

	if (code == ':')
		return lp_err_set(err, EINVAL, "--%s needs an argument", row ? row->name : typed);
	if (row && optopt >= LONG_ONLY)
		return lp_err_set(err, EINVAL, "--%s takes no argument", row->name);
	if (optopt)
		return lp_err_set(err, EINVAL, "unknown option '-%c'", optopt);
	return lp_err_set(err, EINVAL, "unknown option '%.*s'", len, typed);
}

static int set_command(struct lp_options *o, char **argv, struct lp_err *err)
{
	if (!*argv)
		return lp_err_set(err, EINVAL, "no command after --");
	o->target.argv = argv;
	return set_target(o, LP_TARGET_COMMAND, err);
}

static int make_redacted(struct lp_options *o, struct lp_err *err)
{
	int r = lp_vec_push(&o->no_redact, NULL);

	for (const char *const *name = lp_redact_default; *name && r >= 0; name++)
		if (!lp_redacted(o->no_redact.data, *name, strlen(*name)))
			r = lp_vec_push(&o->redacted, *name);
	lp_vec_each (&o->redact, name)
		if (r >= 0 && !lp_redacted(o->no_redact.data, *name, strlen(*name)))
			r = lp_vec_push(&o->redacted, *name);
	if (r < 0 || lp_vec_push(&o->redacted, NULL) < 0)
		return lp_err_nomem(err);
	o->limits.redact = o->redacted.data;
	return 0;
}

static int parse(int argc, char **argv, unsigned int command, struct lp_options *o,
		 struct lp_err *err)
{
	struct getopt_tables tables;
	const char *last = NULL; /* what an option took as its argument, be it "--" */
	int code, r = 0;

	fill_tables(&tables, command);
	optind = 0;
	opterr = 0;
	while ((code = getopt_long(argc, argv, tables.letters, tables.names, NULL)) != -1) {
		if (code == '?' || code == ':')
			return bad_option(code, argv, err);
		if (code == 1)
			r = add_argument(o, optarg, false, err);
		else
			r = set_row(o, find_row(code), optarg, err);
		if (r < 0 || o->help || o->version)
			return r;
		last = optarg;
	}
	if (optind > 1 && !strcmp(argv[optind - 1], "--") && argv[optind - 1] != last)
		r = set_command(o, argv + optind, err);
	if (r < 0)
		return r;
	o->target.pids = o->pids.data;
	o->target.n_pids = o->pids.len;
	return make_redacted(o, err);
}

int lp_options_parse(int argc, char **argv, unsigned int command, struct lp_options *ret,
		     struct lp_err *err)
{
	struct lp_options o = {
		.format = "text",
		.max_overhead = LP_OPTION_BUDGET,
		.limits = LP_LIMITS_DEFAULT,
	};
	int r = parse(argc, argv, command, &o, err);

	if (r < 0) {
		lp_options_done(&o);
		return r;
	}
	*ret = o;
	return 0;
}

void lp_options_done(struct lp_options *o)
{
	lp_vec_done(&o->pids);
	lp_vec_done(&o->args);
	lp_vec_done(&o->redact);
	lp_vec_done(&o->no_redact);
	lp_vec_done(&o->redacted);
}
