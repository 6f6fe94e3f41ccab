// SPDX-License-Identifier: GPL-2.0-only
/* What can be asked of a signal that ends a process, and how. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/signals.h"
#include "expr/compile.h"
#include "expr/crash.h"

static int compile(const char *text, uint64_t *ret_signals, struct lp_compiled **ret,
		   struct lp_err *err)
{
	static const struct lp_limits limits = LP_LIMITS_DEFAULT;
	lp_auto(lp_logpoint_free) struct lp_logpoint *lp = NULL;
	lp_auto(lp_scope_free) struct lp_scope *scope = lp_crash_scope();

	assert_non_null(scope);
	int r = lp_logpoint_parse(text, &lp, err);
	if (r < 0)
		return r;
	*ret_signals = lp->location.signals;
	return lp_compile(lp, scope, NULL, &limits, ret, err);
}

#define TAIL                                                                                       \
	"CAP_PYSTACK 64\n"                                                                         \
	"CAP_STACK 32768\n"                                                                        \
	"CAP_PYLOCALS 65600 256,32,3\n"                                                            \
	"END\n"

static const struct {
	const char *text, *code;
	uint64_t signals;
} written[] = {
	{ "crash", "GATE\n" TAIL, LP_CRASH_SIGNALS },
	{ "crash SIGTERM, SIGSYS \"{$signal} {$code} {$addr} {$sender}\"", "GATE\n" TAIL,
	  LP_SIGNAL_BIT(SIGTERM) | LP_SIGNAL_BIT(SIGSYS) },
	{ "crash SIGHUP if $signal == SIGHUP", "CTX r0 8\nEQI r0 r0 1\nCHECK r0\nGATE\n" TAIL,
	  LP_SIGNAL_BIT(SIGHUP) },
	{ "crash if $addr < 16",
	  "TRY cond ->8\nCTX r0 12\nBITS r0 r0 1:1u\nJNZ r0 ->5\nFAIL 3\nCTX r0 10\n"
	  "LTUI r0 r0 16\nCHECK r0\nGATE\n" TAIL,
	  LP_CRASH_SIGNALS },
	{ "crash if $code == SEGV_MAPERR",
	  "TRY cond ->8\nCTX r0 12\nBITS r0 r0 0:1u\nJNZ r0 ->5\nFAIL 3\nCTX r0 9\n"
	  "EQI r0 r0 2817\nCHECK r0\nGATE\n" TAIL,
	  LP_CRASH_SIGNALS },
};

/* Without the numbers of the instructions. */
static void print_bare(struct lp_buf *to, const struct lp_compiled *c)
{
	lp_auto(lp_buf_done) struct lp_buf all = { 0 };
	char *rest = NULL;

	lp_program_print(&all, c->code, c->n_code);
	for (char *row = strtok_r(all.data, "\n", &rest); row; row = strtok_r(NULL, "\n", &rest)) {
		lp_buf_str(to, row + 6);
		lp_buf_char(to, '\n');
	}
	lp_buf_char(to, '\0');
}

static void programs(void **state)
{
	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(written); i++) {
		lp_auto(lp_compiled_free) struct lp_compiled *c = NULL;
		lp_auto(lp_buf_done) struct lp_buf b = { 0 };
		struct lp_err err = { 0 };
		uint64_t signals = 0;

		if (compile(written[i].text, &signals, &c, &err) < 0)
			print_error("%s: %s\n", written[i].text, err.msg);
		assert_non_null(c);
		print_bare(&b, c);
		assert_string_equal(b.data, written[i].code);
		assert_true(signals == written[i].signals);
		assert_true(c->template.with_stack && c->template.with_locals);
	}
}

static const struct {
	const char *text;
	int code;
	const char *msg;
} refused[] = {
	{ "crash if $code == 1", EINVAL, "compared with a name" },
	{ "crash if $code in [SEGV_MAPERR, 2]", EINVAL, "compared with a name" },
	{ "crash if $signal == SIGSEGF", ENOENT, "SIGSEGV" },
	{ "crash if $signal == \"SIGSEGV\"", EINVAL, "without quotes" },
	{ "crash if n > 1", ENOENT, "unknown name 'n'" },
	{ "crash \"{$return}\"", EINVAL, "$return" },
	{ "crash \"{$1}\"", ENOENT, "usdt" },
	{ "crash if (struct req *)0", ENOENT, "unknown type" },
	{ "crash SIGTERM,", EINVAL, "no signal ''" },
};

static void errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(refused); i++) {
		struct lp_compiled *c = NULL;
		struct lp_err err = { 0 };
		uint64_t signals;
		int r = compile(refused[i].text, &signals, &c, &err);

		if (r != -refused[i].code || !strstr(err.msg, refused[i].msg))
			print_error("%s: %d: %s\n", refused[i].text, r, err.msg);
		assert_int_equal(r, -refused[i].code);
		assert_non_null(strstr(err.msg, refused[i].msg));
		assert_null(c);
	}
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(lp_signal_name(SIGBUS), "SIGBUS");
	assert_null(lp_signal_name(0));
	assert_null(lp_signal_name(64));
	assert_int_equal(lp_signal_by_name("SIGSYS,", 6)->number, SIGSYS);
	assert_null(lp_signal_by_name("SIG", 3));
	/* one number, several meanings */
	assert_string_equal(lp_signal_code_name(SIGSEGV, SEGV_ACCERR), "SEGV_ACCERR");
	assert_string_equal(lp_signal_code_name(SIGFPE, FPE_INTOVF), "FPE_INTOVF");
	assert_string_equal(lp_signal_code_name(SIGFPE, SI_TKILL), "SI_TKILL");
	assert_null(lp_signal_code_name(SIGTERM, 2));
	/* the kernel's numbers are the C library's */
	assert_true(LP_SIGNAL_REASON(SIGSEGV, SEGV_MAPERR) != LP_SIGNAL_REASON(SIGFPE, FPE_INTDIV));
	assert_true(LP_SIGNAL_REASON(SIGSEGV, SI_TKILL) == LP_SIGNAL_REASON(SIGFPE, SI_TKILL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs),
		cmocka_unit_test(errors),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
