// SPDX-License-Identifier: GPL-2.0-only
/* What str() gives of exceptions of real interpreters, read from outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/show.h"
#include "python/impl.h"
#include "python/value.h"
#include "python_target.h"

struct world {
	struct python_target target;
	struct lp_python *py;
	struct lp_arena arena;
	struct lp_buf text;
};

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct world));
	return *state ? 0 : -1;
}

static void close_all(struct world *w)
{
	python_stop(&w->target);
	lp_python_free(lp_take(w->py));
	lp_arena_done(&w->arena);
	lp_buf_done(&w->text);
	*w = (struct world){ 0 };
}

static int teardown(void **state)
{
	close_all(*state);
	free(*state);
	return 0;
}

/* Each exception: where it lies, 1 where its message is code of its own, then how a traceback ends. */
static const char script[] =
	"import asyncio, enum, fractions, json, os, pathlib, re, socket, sys, traceback, zlib\n"
	"kept, odd = [], set()\n"
	"def keep(e, is_odd=False):\n"
	"    kept.append(e)\n"
	"    if is_odd: odd.add(id(e))\n"
	"def run(text):\n"
	"    try: exec(text, globals())\n"
	"    except BaseException as e: keep(e)\n"
	"class Plain(Exception): pass\n"
	"class Own(Plain):\n"
	"    def __str__(self): return 'own'\n"
	"class Mixed(Own, KeyError): pass\n"
	"class Key(KeyError): pass\n"
	"class File(OSError):\n"
	"    def __init__(self, x): self.x = x\n"
	"class Inner:\n"
	"    class Deep(ValueError): pass\n"
	"class Text(str):\n"
	"    def __str__(self): return 'other'\n"
	"class Color(enum.Enum): RED = 1\n"
	"for args in ((), ('x',), (1, 'a'), (None,), (1.5,), ([1, 'b'],), ({'k': (1,)},), (b'x',), "
	"('',),\n"
	"             (ValueError('in'),), (ValueError('in', 2), 3), (KeyError('k'),), "
	"(KeyError,), (len,), (True, {1})):\n"
	"    for kind in (ValueError, KeyError, Plain, Key, SystemExit, StopIteration, "
	"ImportError, AttributeError, Inner.Deep):\n"
	"        keep(kind(*args))\n"
	"for args in ((2, 'No such'), (2, 'No such', 'x'), (2, 'No', b'x', None, 'y'), (1,), (), "
	"(None, None), (17, 'E', 3), ('a', 'b', 'c', 0, 'd')):\n"
	"    keep(OSError(*args))\n"
	"    keep(ConnectionError(*args))\n"
	"keep(File(3)); keep(socket.gaierror(-2, 'Name')); keep(Own('x'), True); keep(Mixed('x'), "
	"True)\n"
	"for value in (Text('t'), Color.RED, fractions.Fraction(1, 2), pathlib.Path('/x'), "
	"Inner(), object()):\n"
	"    keep(ValueError(value), True)\n"
	"keep(ValueError(1, Inner()), True)\n"
	"for text in ('b\"\\\\xff\\\\xfe\".decode()', '\"\\\\u20ac\\\\xe9\".encode(\"ascii\")', "
	"'\"\\\\u20ac\\\\xe9\".encode(\"latin-1\")', '\"\\\\U0001f600\".encode(\"latin-1\")',\n"
	"             '\"\\\\ud800\".encode()', 'b\"\\\\x80abc\".decode(\"utf-16-le\", "
	"\"strict\")', 'import no.such', 'from os import nosuch', 'open(\"/nonexistent\")',\n"
	"             'os.rename(\"/nonexistent\", \"/y\")', '{}[1, 2]', '1/0', 'x_y', 'None.foo', "
	"'json.loads(\"{\")', 're.compile(\"(\")', 'int(\"z\")', 'zlib.decompress(b\"\")', 'raise "
	"asyncio.CancelledError'):\n"
	"    run(text)\n"
	"keep(UnicodeTranslateError('a\\u20ac', 1, 2, 'why')); keep(UnicodeTranslateError('abc', "
	"0, 2, 'why')); keep(UnicodeDecodeError('u', b'abc', 7, 8, 'r'))\n"
	"keep(SyntaxError('m')); keep(SyntaxError()); keep(SyntaxError('m', (None, 3, 1, 'x'))); "
	"keep(SyntaxError('m', ('a/b.py', 3, 1, 'x'))); keep(SyntaxError('m', ('f', None, 1, "
	"'x')))\n"
	"if sys.version_info >= (3, 11):\n"
	"    keep(ExceptionGroup('g', [ValueError(1)])); keep(BaseExceptionGroup('g h', "
	"[SystemExit(1), Plain()]))\n"
	"for e in kept:\n"
	"    module = type(e).__module__\n"
	"    name = ('' if module in ('builtins', '__main__') else module + '.') + "
	"type(e).__qualname__\n"
	"    sys.stdout.buffer.write(b'at %d\\nodd %d\\n%s\\n' % (id(e), id(e) in odd, (name + ': "
	"' + str(e)).replace('\\n', ' ').encode('utf-8', 'surrogatepass')))\n"
	"print('at 0', flush=True)\n"
	"input()\n";

static void read_it(struct world *w, uint64_t object, struct lp_py_exception *ret)
{
	const struct lp_py_runtime *rt = lp_python_runtime(w->py);
	struct lp_memory *m = lp_python_memory(w->py);
	struct lp_py_exc exc = { .object = object, .args.tag = LP_PY_OBJECT };
	const struct lp_py_reader r = {
		.memory = m,
		.live = m,
		.arena = &w->arena,
		.runtime = rt,
		.max_string = 1000,
		.max_items = 100,
		.max_depth = 10,
	};
	uint64_t args;

	assert_int_equal(lp_py_u64(m, object + rt->layout.ob_type, (uint64_t *)&exc.type), 0);
	assert_int_equal(lp_py_u64(m, object + 24, &args), 0);
	exc.args.bits = args;
	lp_arena_reset(&w->arena);
	lp_py_read_exception(&r, &exc, ret);
}

static void check_one(struct world *w, uint64_t object)
{
	bool is_odd = python_number(&w->target, "odd");
	const char *said = python_line(&w->target);
	struct lp_py_exception e;

	read_it(w, object, &e);
	lp_buf_clear(&w->text);
	lp_buf_fmt(&w->text, "%s: ", e.type);
	if (is_odd) {
		if (e.message.kind != LP_VAL_ERROR)
			fail_msg("a message of '%s'", said);
		assert_string_equal(e.message.str, "would run code");
		if (strncmp(said, w->text.data, w->text.len) != 0)
			fail_msg("%.*s, not '%s'", (int)w->text.len, w->text.data, said);
		return;
	}
	if (e.message.kind == LP_VAL_ERROR)
		fail_msg("%s, not '%s'", e.message.str, said);
	lp_buf_add(&w->text, e.message.str, e.message.len);
	lp_buf_char(&w->text, '\0');
	for (char *p = w->text.data; *p; p++)
		if (*p == '\n')
			*p = ' ';
	assert_string_equal(w->text.data, said);
}

static void messages_are_what_str_gives(void **state)
{
	char pythons[PYTHONS_MAX][256];
	struct world *w = *state;
	size_t n = python_find(pythons);
	struct lp_err err = { 0 };

	if (!n)
		skip();
	for (size_t i = 0; i < n; i++) {
		uint64_t object;
		size_t checked = 0;

		print_message("# %s\n", pythons[i]);
		python_start(&w->target, pythons[i], script);
		object = (uint64_t)python_number(&w->target, "at");
		if (lp_python_open(w->target.pid, &w->py, &err) < 0)
			fail_msg("%s", err.msg);
		for (; object; object = (uint64_t)python_number(&w->target, "at"), checked++)
			check_one(w, object);
		assert_true(checked > 150);
		close_all(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(messages_are_what_str_gives, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
