// SPDX-License-Identifier: GPL-2.0-only
#include "cli/command.h"

#define TARGET_HELP                                                                                \
	"TARGET is one of:\n"                                                                      \
	"  -p, --pid PID[,PID...]  these processes\n"                                              \
	"  -u, --unit UNIT         every process of a systemd unit\n"                              \
	"      --cgroup PATH       every process of a cgroup\n"                                    \
	"  -x, --exe PATH          every process that runs this executable\n"

#define TRACE_HELP                                                                                 \
	TARGET_HELP                                                                                \
	"  -- COMMAND [ARG...]     start it, log from its first instruction, exit with its\n"      \
	"                          status\n"                                                       \
	"\n"                                                                                       \
	"Options of trace:\n"                                                                      \
	"  -f, --file FILE         logpoints from a file: one a line, # comments, a \\ at the\n"   \
	"                          end continues a line; - is standard input\n"                    \
	"  -o, --output FILE       records go there instead of to standard output\n"               \
	"      --format FORMAT     text (default) or json\n"                                       \
	"  -n, --count N           stop after N records\n"                                         \
	"  -d, --duration TIME     stop after TIME: 500ms, 30s, 5m, 1h; a bare number is\n"        \
	"                          seconds\n"                                                      \
	"      --last SIZE         keep the newest records, SIZE bytes (64K, 16M, 1G), and "       \
	"write\n"                                                                                  \
	"                          them only at a crash or uncaught, where another logpoint's\n"   \
	"                          `dump on` says so, on SIGUSR1, and at the end\n"                \
	"      --follow            also children that the target forks\n"                          \
	"      --max-overhead PCT  what a logpoint may cost, in percent of one CPU, before\n"      \
	"                          it is taken out (5); none: no limit\n"                          \
	"      --place cheap|exact where a probe may be: at an equivalent instruction that "       \
	"costs\n"                                                                                  \
	"                          less (cheap, the default; -v says which), or only at the\n"     \
	"                          very one that is meant\n"                                       \
	"      --max-string N      bytes of a string shown (256)\n"                                \
	"      --max-items N       items of an array shown (32)\n"                                 \
	"      --max-depth N       how deep structs are shown (3)\n"                               \
	"      --max-frames N      frames of a stack shown (64)\n"                                 \
	"      --all-frames        stacks with the frames of libraries, which are folded else\n"   \
	"      --redact NAME       never copy values of that name, beside password, token...\n"    \
	"      --no-redact NAME    do copy them\n"                                                 \
	"  -q, --quiet             only records and errors\n"                                      \
	"  -v, --verbose           say what is done; -vv: more\n"                                  \
	"\n"                                                                                       \
	"LOGPOINT is LOCATION [\"TEMPLATE\"] [CLAUSE...]:\n"                                       \
	"  app.c:42 \"n={n} {req->user.name}\" if n > 10\n"                                        \
	"  entry parse_header      call ns::Cls::method      return handle \"{$return}\"\n"        \
	"  usdt PROVIDER:NAME \"{$1}\"   FUNCTION+OFFSET   0xADDRESS\n"                            \
	"  raise ValueError, shop.OutOfStock \"{$exc} {item}\"   raise   (Python's exceptions)\n"  \
	"  uncaught                uncaught LookupError \"{$exc} {user.id}\" with stack\n"         \
	"  crash [SIGNAL, ...]     a signal that ends a process: its stack with variables\n"       \
	"Clauses: if EXPRESSION, hit N, after NAME, as NAME, max N, rate N/s, with stack,\n"       \
	"with locals, dump on NAME.\n"

#define EXIT_HELP                                                                                  \
	"\n"                                                                                       \
	"Large debug information is kept decompressed in ~/.cache/logpoint; LOGPOINT_CACHE=\n"     \
	"FOLDER: elsewhere; LOGPOINT_CACHE= : nowhere.\n"                                          \
	"\n"                                                                                       \
	"Exit status: 0 finished as asked; 1 failed while running; 2 the command line or a\n"      \
	"logpoint is wrong (nothing was attached); 3 not permitted.\n"

const char lp_help_all[] =
	"logpoint puts log lines into programs that run, without stopping or changing them.\n"
	"\n"
	"  logpoint [trace] TARGET [OPTION...] LOGPOINT...   log until interrupted, the target\n"
	"                                                    ends, or a limit\n"
	"  logpoint list TARGET [PATTERN]                    where a logpoint can go; which names\n"
	"                                                    are in scope there\n"
	"  logpoint stacks TARGET                            every thread's and asyncio task's\n"
	"                                                    stack, now\n"
	"  logpoint check [TARGET]                           what this kernel, these privileges,\n"
	"                                                    this target allow\n"
	"  logpoint --help | --version | COMMAND --help\n"
	"\n" TRACE_HELP EXIT_HELP;

const char lp_help_trace[] = "logpoint [trace] TARGET [OPTION...] LOGPOINT...\n"
			     "\n"
			     "Logs until interrupted, the target ends, or a limit.\n"
			     "\n" TRACE_HELP EXIT_HELP;

const char lp_help_list[] =
	"logpoint list TARGET [--json] [PATTERN]\n"
	"\n"
	"Where a logpoint can go, and which names are in scope there. PATTERN is one of:\n"
	"  (none)                  every file that is executed: how much is in it\n"
	"  app.c                   the lines of a source file, * where a logpoint can go\n"
	"  app.c:42, entry NAME... the places of a location, and the variables there\n"
	"  NAME, 'http_*'          functions\n"
	"\n" TARGET_HELP "      --json              one object, for programs\n" EXIT_HELP;

const char lp_help_stacks[] =
	"logpoint stacks TARGET [OPTION...]\n"
	"\n"
	"Where every thread is now, and every asyncio task, as a tree of who awaits whom.\n"
	"Nothing is paused: what changed while it was read is <changed while read>.\n"
	"\n" TARGET_HELP "      --locals            the variables of every frame\n"
	"      --all-frames        also those of libraries, of which else only the number is "
	"shown\n"
	"      --format FORMAT     text (default) or json\n"
	"      --max-string N, --max-items N, --max-depth N, --max-frames N, --redact NAME,\n"
	"      --no-redact NAME    as for trace\n" EXIT_HELP;

const char lp_help_check[] =
	"logpoint check [TARGET] [--json]\n"
	"\n"
	"What this kernel and these privileges allow; with a target, what is known of its files\n"
	"and what is missing.\n"
	"\n" TARGET_HELP "      --json              one object, for programs\n"
	"\n"
	"Exit status: 0 logging is possible; 3 privileges are missing; else 1 or 2.\n";
