// SPDX-License-Identifier: GPL-2.0-only
/* What is found in real interpreters, compared with what their programs say of themselves. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "python/object.h"
#include "python_opened.h"

static void check_address(struct world *w, const char *name, uint64_t have)
{
	int64_t want = python_number(&w->target, name);

	if (have != (uint64_t)want)
		fail_msg("%s: 0x%llx, not 0x%llx", name, (unsigned long long)want,
			 (unsigned long long)have);
}

static const char script_types[] =
	"import sys, threading, types, asyncio, _asyncio\n"
	"def say(*a): print(*a, flush=True)\n"
	"def gen(): yield\n"
	"async def coro(): pass\n"
	"async def agen(): yield\n"
	"class S: __slots__ = ('s',)\n"
	"c = coro(); c.close()\n"
	"say(sys.version.split()[0])\n"
	"for t in (type, object, type(None), bool, int, float, complex, str, bytes, bytearray,\n"
	"          tuple, list, dict, set, frozenset, range, slice, types.CodeType,\n"
	"          type((lambda x: lambda: x)(1).__closure__[0]), types.FunctionType,\n"
	"          types.MethodType, types.BuiltinFunctionType, types.ModuleType,\n"
	"          types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType, property,\n"
	"          classmethod, staticmethod, type(S.s), types.GetSetDescriptorType):\n"
	"    say(t.__name__, id(t))\n"
	"for o in (None, True, False): say(o, id(o))\n"
	"say('active', id(threading._active))\n"
	"say('Task', id(_asyncio.Task))\n"
	"say('tasks', id(getattr(asyncio.tasks, '_current_tasks', None)))\n"
	"input()\n";

static void check_types(struct world *w)
{
	char version[64];

	snprintf(version, sizeof(version), "%s", python_line(&w->target));
	const struct {
		const char *name;
		size_t member;
	} rows[] = {
#define ROW(name, member) { name, offsetof(struct lp_py_runtime, member) }
		ROW("type", type_type),
		ROW("object", type_object),
		ROW("NoneType", type_none),
		ROW("bool", type_bool),
		ROW("int", type_long),
		ROW("float", type_float),
		ROW("complex", type_complex),
		ROW("str", type_str),
		ROW("bytes", type_bytes),
		ROW("bytearray", type_bytearray),
		ROW("tuple", type_tuple),
		ROW("list", type_list),
		ROW("dict", type_dict),
		ROW("set", type_set),
		ROW("frozenset", type_frozenset),
		ROW("range", type_range),
		ROW("slice", type_slice),
		ROW("code", type_code),
		ROW("cell", type_cell),
		ROW("function", type_function),
		ROW("method", type_method),
		ROW("builtin_function_or_method", type_cfunction),
		ROW("module", type_module),
		ROW("generator", type_generator),
		ROW("coroutine", type_coroutine),
		ROW("async_generator", type_async_generator),
		ROW("property", type_property),
		ROW("classmethod", type_classmethod),
		ROW("staticmethod", type_staticmethod),
		ROW("member_descriptor", type_member),
		ROW("getset_descriptor", type_getset),
		ROW("None", none),
		ROW("True", true_),
		ROW("False", false_),
		ROW("active", thread_active),
		ROW("Task", type_task),
#undef ROW
	};
	open_it(w);
	assert_string_equal(lp_python_version(w->py), version);
	const struct lp_py_runtime *rt = lp_python_runtime(w->py);
	for (size_t i = 0; i < LP_ARRAY_SIZE(rows); i++) {
		uint64_t have;

		memcpy(&have, (const char *)rt + rows[i].member, sizeof(have));
		check_address(w, rows[i].name, have);
	}
	int64_t tasks = python_number(&w->target, "tasks");
	if (rt->layout.tstate_task == LP_PY_NONE)
		assert_int_equal(rt->current_tasks, tasks);
	assert_true(rt->loop[0][0] && rt->loop[0][1] > rt->loop[0][0]);
	assert_true(rt->slot_getattr_hook);
}

static void addresses_are_what_the_program_says(void **state)
{
	with_each(*state, script_types, check_types);
}

static const char script_objects[] =
	"class A: pass\n"
	"a = A(); a.x = 'split'; a.y = 7\n"
	"big = {'k%d' % i: i for i in range(300)}; big[3] = 'three'\n"
	"for i in range(100): del big['k%d' % i]\n"
	"odd = {1: 2, 'h\\xe9': 'latin', '\\u20ac': 'euro', '\\U0001f600': 'smile', 'e': ''}\n"
	"for o in (a.__dict__, big, odd, 'x\\udc80\\ud800y', 2**60 - 1, -5, 0, 2**60,\n"
	"          b'a\\x00b', (1, 'two')): print('at', id(o), flush=True)\n"
	"print('ready', flush=True)\n"
	"input()\n";

static void check_text(struct world *w, uint64_t str, const char *want)
{
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };
	const struct lp_py_layout *l = &lp_python_runtime(w->py)->layout;

	assert_int_equal(lp_py_text(lp_python_memory(w->py), l, str, 100, &text), 0);
	assert_string_equal(text.data ? text.data : "", want);
	assert_true(lp_py_text_is(lp_python_memory(w->py), l, str, want));
	assert_false(lp_py_text_is(lp_python_memory(w->py), l, str, "other"));
}

static void check_dicts(struct world *w, const uint64_t *at)
{
	struct lp_memory *m = lp_python_memory(w->py);
	const struct lp_py_layout *l = &lp_python_runtime(w->py)->layout;
	uint64_t object;
	int64_t n;

	assert_int_equal(lp_py_dict_find(m, l, at[0], "x", NULL, &object), 0);
	check_text(w, object, "split");
	assert_int_equal(lp_py_dict_find(m, l, at[0], "z", NULL, &object), -ENOENT);
	assert_int_equal(lp_py_dict_find(m, l, at[1], "k299", NULL, &object), 0);
	assert_int_equal(lp_py_int(m, l, object, &n), 0);
	assert_int_equal(n, 299);
	assert_int_equal(lp_py_dict_find(m, l, at[1], "k99", NULL, &object), -ENOENT);
	assert_int_equal(lp_py_dict_find(m, l, at[2], "h\xc3\xa9", NULL, &object), 0);
	check_text(w, object, "latin");
	assert_int_equal(lp_py_dict_find(m, l, at[2], "\xe2\x82\xac", NULL, &object), 0);
	check_text(w, object, "euro");
	assert_int_equal(lp_py_dict_find(m, l, at[2], "\xf0\x9f\x98\x80", NULL, &object), 0);
	check_text(w, object, "smile");
	assert_int_equal(lp_py_dict_find(m, l, at[2], "e", NULL, &object), 0);
	check_text(w, object, "");
	assert_int_equal(lp_py_dict_find(m, l, at[3], "e", NULL, &object), -EINVAL);
}

static void check_objects(struct world *w)
{
	lp_auto(lp_buf_done) struct lp_buf bytes = { 0 };
	uint64_t at[10], item;
	int64_t n;

	for (size_t i = 0; i < LP_ARRAY_SIZE(at); i++)
		at[i] = (uint64_t)python_number(&w->target, "at");
	assert_string_equal(python_line(&w->target), "ready");
	open_it(w);
	struct lp_memory *m = lp_python_memory(w->py);
	const struct lp_py_layout *l = &lp_python_runtime(w->py)->layout;

	check_dicts(w, at);
	check_text(w, at[3], "x\x80\xef\xbf\xbdy");
	assert_int_equal(lp_py_int(m, l, at[4], &n), 0);
	assert_true(n == (1ll << 60) - 1);
	assert_int_equal(lp_py_int(m, l, at[5], &n), 0);
	assert_int_equal(n, -5);
	assert_int_equal(lp_py_int(m, l, at[6], &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(lp_py_int(m, l, at[7], &n), -ERANGE);
	assert_int_equal(lp_py_bytes(m, l, at[8], 3, &bytes), 0);
	assert_int_equal(bytes.len, 3);
	assert_memory_equal(bytes.data, "a\0b", 3);
	assert_int_equal(lp_py_bytes(m, l, at[8], 2, &bytes), -E2BIG);
	assert_int_equal(lp_py_length(m, l, at[9], &item), 0);
	assert_int_equal(item, 2);
	assert_int_equal(lp_py_tuple_item(m, l, at[9], 1, &item), 0);
	check_text(w, item, "two");
	assert_int_equal(lp_py_tuple_item(m, l, at[9], 2, &item), -EINVAL);
}

static void objects_read_as_they_are(void **state)
{
	with_each(*state, script_objects, check_objects);
}

static const char script_library[] = "import os\n"
				     "print(os.path.dirname(os.__file__), flush=True)\n"
				     "input()\n";

static void check_library(struct world *w)
{
	char folder[256];

	snprintf(folder, sizeof(folder), "%s", python_line(&w->target));
	open_it(w);
	python_stop(&w->target);
	assert_non_null(lp_python_stdlib(w->py));
	assert_string_equal(lp_python_stdlib(w->py), folder);
}

static void the_library_is_known_when_the_process_has_ended(void **state)
{
	with_each(*state, script_library, check_library);
}

static const char script_late[] = "import sys\n"
				  "print('early', flush=True)\n"
				  "input()\n"
				  "import asyncio, threading\n"
				  "async def main():\n"
				  "    print('late', id(threading._active), flush=True)\n"
				  "    input()\n"
				  "asyncio.run(main())\n";

static void check_late(struct world *w)
{
	assert_string_equal(python_line(&w->target), "early");
	open_it(w);
	const struct lp_py_runtime *rt = lp_python_runtime(w->py);

	assert_int_equal(rt->type_task, 0);
	assert_int_equal(rt->current_tasks, 0);
	python_go_on(&w->target);
	int64_t active = python_number(&w->target, "late");
	assert_true(lp_python_refresh(w->py));
	assert_int_equal(rt->thread_active, active);
	assert_true(rt->type_task);
	if (rt->layout.tstate_task == LP_PY_NONE)
		assert_true(rt->current_tasks);
	assert_false(lp_python_refresh(w->py));
}

static void later_imports_are_found_by_a_refresh(void **state)
{
	with_each(*state, script_late, check_late);
}

/* The program has no symbols but the exported ones: pieces of the loop are told by their jumps. */
static void loop_without_symbols_is_the_same(void **state)
{
	struct world *w = *state;
	struct stat st;

	if (stat("/usr/bin/python3.11", &st) < 0 || !native_program_has_tool("objcopy"))
		skip();
	python_start(&w->target, "/usr/bin/python3.11", "print(1, flush=True); input()");
	python_line(&w->target);
	open_it(w);
	const struct lp_py_runtime with = *lp_python_runtime(w->py);
	close_all(w);

	native_program_init(&w->program);
	native_program_run(&w->program, "objcopy -S --remove-section=.note.gnu.build-id "
					"--remove-section=.gnu_debuglink /usr/bin/python3.11 bare");
	char path[128];
	snprintf(path, sizeof(path), "%s/bare", w->program.dir);
	python_start(&w->target, path, "print(1, flush=True); input()");
	python_line(&w->target);
	open_it(w);
	assert_memory_equal(lp_python_runtime(w->py)->loop, with.loop, sizeof(with.loop));
}

/* Data that a program without position independence has copied out of libpython. */
static void embedded_interpreter(void **state)
{
	static const char source[] =
		"#include <Python.h>\n"
		"#include <stdio.h>\n"
		"int main(void) { PyObject *volatile none = Py_None;\n"
		"PyTypeObject *volatile type = &PyLong_Type; Py_Initialize();\n"
		"PyRun_SimpleString(\"print('int', id(int), flush=True)\\n\"\n"
		"\"print('None', id(None), flush=True)\\ninput()\\n\");\n"
		"return !none || !type; }\n";
	struct world *w = *state;
	char pythons[PYTHONS_MAX][256];
	size_t n = python_find(pythons), built = 0;

	for (size_t i = 0; i < n; i++) {
		native_program_init(&w->program);
		native_program_write(&w->program, "a.c", source);
		lp_auto(lp_free) char *command = NULL;
		if (asprintf(&command,
			     "cd %s && gcc a.c -o a $(%s-config --cflags "
			     "--ldflags --embed) -w -no-pie -fno-pic "
			     "-Wl,-rpath,$(%s-config --prefix)/lib 2>log",
			     w->program.dir, pythons[i], pythons[i]) < 0)
			fail();
		char path[128];
		snprintf(path, sizeof(path), "%s/a", w->program.dir);
		if (system(command) == 0) {
			print_message("# embeds %s\n", pythons[i]);
			built++;
			python_start(&w->target, path, "");
			int64_t type_long = python_number(&w->target, "int");
			int64_t none = python_number(&w->target, "None");
			open_it(w);
			assert_int_equal(lp_python_runtime(w->py)->type_long, type_long);
			assert_int_equal(lp_python_runtime(w->py)->none, none);
		}
		close_all(w);
	}
	if (!built)
		skip();
}

/* From before it is loaded until it runs, a process is not yet ready, but never one of no use. */
static void starting_process_is_never_refused(void **state)
{
	struct world *w = *state;
	char pythons[PYTHONS_MAX][256];
	size_t n = python_find(pythons);

	for (size_t i = 0; i < n; i++) {
		int r, tries = 0;

		python_start(&w->target, pythons[i], "print(1, flush=True); input()");
		while ((r = lp_python_open(w->target.pid, &w->py, &w->err)) == -EAGAIN ||
		       r == -ENOENT)
			tries++;
		if (r < 0)
			fail_msg("%s, try %d: %d: %s", pythons[i], tries, r, w->err.msg);
		close_all(w);
	}
	if (!n)
		skip();
}

/* The same at each system call of the loader: that maps a file's segments one by one, each over the first's bytes. */
static void loading_process_is_never_refused(void **state)
{
	struct world *w = *state;
	char pythons[PYTHONS_MAX][256];
	size_t n = python_find(pythons);

	for (size_t i = 0; i < n; i++) {
		int r, status, stops = 0;

		w->target.pid = fork();
		if (w->target.pid == 0) {
			ptrace(PTRACE_TRACEME, 0, NULL, NULL);
			execl(pythons[i], pythons[i], "-c", "", NULL);
			_exit(127);
		}
		assert_int_equal(waitpid(w->target.pid, &status, 0), w->target.pid);
		while ((r = lp_python_open(w->target.pid, &w->py, &w->err)) == -EAGAIN ||
		       r == -ENOENT) {
			stops++;
			assert_int_equal(ptrace(PTRACE_SYSCALL, w->target.pid, NULL, NULL), 0);
			assert_int_equal(waitpid(w->target.pid, &status, 0), w->target.pid);
			assert_true(WIFSTOPPED(status));
		}
		if (r < 0)
			fail_msg("%s, stop %d: %d: %s", pythons[i], stops, r, w->err.msg);
		close_all(w);
	}
	if (!n)
		skip();
}

static const char script_busy[] =
	"import threading, sys\n"
	"sys.setswitchinterval(1e-5)\n"
	"def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)\n"
	"def work():\n"
	"    while True: fib(12); [str(i) for i in range(9)]; sum(i for i in range(9))\n"
	"for _ in range(4): threading.Thread(target=work, daemon=True).start()\n"
	"print('busy', flush=True)\n"
	"input()\n";

static void check_busy(struct world *w)
{
	python_line(&w->target);
	for (int i = 0; i < 20; i++) {
		open_it(w);
		lp_python_free(lp_take(w->py));
	}
}

static void busy_process_is_never_refused(void **state)
{
	with_each(*state, script_busy, check_busy);
}

static void refused(struct world *w, const char *path, const char *script, int want,
		    const char *message)
{
	struct stat st;

	if (stat(path, &st) < 0)
		skip();
	python_start(&w->target, path, script);
	python_line(&w->target);
	assert_int_equal(lp_python_open(w->target.pid, &w->py, &w->err), want);
	assert_non_null(strstr(w->err.msg, message));
	assert_null(w->py);
}

/* What lies further out than the copy of an object that is made is not looked for there. */
static void check_far(struct world *w)
{
	static const struct {
		const char *member;
		uint64_t at[2]; /* in _PyRuntime.debug_offsets, of 3.13 and 3.14 */
	} members[] = {
		{ "ob_type", { 360, 408 } },
		{ "str_length", { 552, 632 } },
		{ "code_name", { 288, 328 } },
		{ "tuple_items", { 408, 456 } },
	};
	const uint64_t far = 4096;
	uint64_t near;
	char path[64];

	python_line(&w->target);
	open_it(w);
	const int minor = lp_python_runtime(w->py)->layout.minor;
	const uint64_t runtime = lp_python_runtime(w->py)->runtime;
	if (minor < 13)
		return;
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)w->target.pid);
	lp_auto(lp_close) int fd = open(path, O_RDWR | O_CLOEXEC);
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		const off_t at = (off_t)(runtime + members[i].at[minor - 13]);

		lp_python_free(lp_take(w->py));
		assert_int_equal(pread(fd, &near, sizeof(near), at), sizeof(near));
		assert_int_equal(pwrite(fd, &far, sizeof(far), at), sizeof(far));
		assert_int_equal(lp_python_open(w->target.pid, &w->py, &w->err), -ENOTSUP);
		assert_non_null(strstr(w->err.msg, members[i].member));
		assert_int_equal(pwrite(fd, &near, sizeof(near), at), sizeof(near));
		open_it(w);
	}
}

static void far_offsets_are_refused(void **state)
{
	with_each(*state, "print(1, flush=True); input()", check_far);
}

static void debug_build_is_refused(void **state)
{
	refused(*state, "/usr/bin/python3.11-dbg", "print(1, flush=True); input()", -ENOTSUP,
		"debug build");
}

static void other_program_is_none(void **state)
{
	refused(*state, "/bin/sh", "echo 1; read x", -ENOENT, "runs no CPython");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(addresses_are_what_the_program_says),
		CASE(objects_read_as_they_are),
		CASE(the_library_is_known_when_the_process_has_ended),
		CASE(later_imports_are_found_by_a_refresh),
		CASE(loop_without_symbols_is_the_same),
		CASE(embedded_interpreter),
		CASE(starting_process_is_never_refused),
		CASE(loading_process_is_never_refused),
		CASE(busy_process_is_never_refused),
		CASE(far_offsets_are_refused),
		CASE(debug_build_is_refused),
		CASE(other_program_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
