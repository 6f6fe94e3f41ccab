/* SPDX-License-Identifier: GPL-2.0-only */
/* Where debug information is found: in the file, beside it, by build-id, shared by dwz; and what
 * becomes of files that are broken.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "native/mention.h"
#include "native_program.h"

static const char shop_h[] =
	"struct item { int id; struct item *next; const char *name; };\n"
	"static inline __attribute__((always_inline)) int price(struct item *i) {\n"
	"	return i->id * 3;\n" /* 3 */
	"}\n"
	"int one(struct item *i), two(struct item *i);\n";
static const char one_c[] = "#include \"shop.h\"\n"
			    "int one(struct item *i) {\n"
			    "	return price(i) + 1;\n"
			    "}\n";
static const char two_c[] = "#include \"shop.h\"\n"
			    "int two(struct item *i) {\n"
			    "	return price(i) + 2;\n"
			    "}\n";
static const char main_c[] = "#include \"shop.h\"\n"
			     "int main(int c, char **v) {\n"
			     "	struct item i = { c, 0, v[0] };\n" /* 3 */
			     "	return one(&i) + two(&i);\n"	   /* 4 */
			     "}\n";

static int setup(void **state)
{
	native_setup(state);
	native_program_write(&program, "shop.h", shop_h);
	native_program_write(&program, "one.c", one_c);
	native_program_write(&program, "two.c", two_c);
	native_program_write(&program, "main.c", main_c);
	return 0;
}

/* What holds wherever the debug information is. */
static void assert_known(void)
{
	if (native_program_line(&program, "one.c", 3) < 0)
		fail_msg("%s", program.err.msg);
	assert_int_equal(program.places.len, 1);
	assert_string_equal(program.places.data[0].function, "one");
	if (native_program_line(&program, "shop.h", 3) < 0)
		fail_msg("%s", program.err.msg);
	assert_int_equal(program.places.len, 2);
	assert_string_equal(program.places.data[0].function, "price");
	assert_true(program.places.data[0].inlined);
	assert_int_equal(native_program_function(&program, LP_AT_ENTRY, "price"), 0);
	assert_int_equal(program.places.len, 2);
	assert_int_equal(program.places.data[0].line, 2);
	assert_non_null(strstr(program.places.data[0].file, "/shop.h"));
	assert_int_equal(native_program_function(&program, LP_AT_CALL, "main"), 0);
	assert_int_equal(program.places.data[0].line, 2);
	assert_non_null(strstr(program.places.data[0].file, "/main.c"));
}

static void assert_found(const char *debug_file)
{
	const char *path = NULL;

	assert_true(lp_module_has_dwarf(program.module, &path));
	assert_non_null(path);
	if (!strstr(path, debug_file))
		fail_msg("%s, not %s", path, debug_file);
	assert_known();
}

static void in_every_form(void **state)
{
	static const char *const builds[] = {
		"gcc -gdwarf-4",   "gcc -gdwarf-5",
		"clang -gdwarf-4", "clang -gdwarf-5",
		"gcc -g -gz=zlib", "gcc -gdwarf-4 -gz=zlib-gnu",
		"clang -g -gz",	   "gcc -g -flto",
		"gcc -g -static",  "gcc -g -ffunction-sections -Wl,--gc-sections",
	};

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(builds); i++)
		for (int o = 0; o <= 2; o += 2) {
			native_program_run(
				&program,
				"%s -O%d -fno-ipa-cp -fno-ipa-icf main.c one.c two.c -o app "
				"2>/dev/null || %s -O%d main.c one.c two.c -o app",
				builds[i], o, builds[i], o);
			native_program_open(&program, "app");
			if (strstr(builds[i], "lto") && o)
				continue; /* everything is inlined into main: nothing to compare */
			assert_found("/app");
		}
}

static void in_a_shared_library(void **state)
{
	(void)state;
	native_program_run(&program, "clang -g -O2 -fPIC -shared main.c one.c two.c -o app.so");
	native_program_open(&program, "app.so");
	assert_found("/app.so");
}

static int may_be_named(const struct lp_function_info *f, void *arg)
{
	++*(size_t *)arg;
	if (!lp_may_name_function(program.module, f->name))
		fail_msg("%s is there", f->name);
	return 0;
}

static int may_be_there(const char *path, void *arg)
{
	++*(size_t *)arg;
	if (!lp_may_have_file(program.module, path))
		fail_msg("%s is there", path);
	return 0;
}

/* What is there is never denied; what is not there is, in the forms that are understood. */
static void names_are_denied_only_where_they_are_missing(void **state)
{
	static const struct {
		const char *build;
		bool denied;
	} cases[] = {
		{ "gcc -g -O2", true },
		{ "gcc -g -O2 -gz", true },
		{ "gcc -gdwarf-4 -O2", true },
		{ "gcc -g -gdwarf64 -O2", true },
		{ "gcc -g -O2 -fno-merge-debug-strings", false },
		{ "gcc -g -O2 -gsplit-dwarf", false },
		{ "clang -gdwarf-4 -O2", true },
		{ "clang -g -O2", false },
		{ "gcc -O2 -s", true },
		{ "gcc -x c++ -g -O2", true },
	};

	(void)state;
	native_program_write(&program, "names.c",
			     "static inline int abc(int v) { return v * 3; }\n"
			     "static inline int seven_7(int v) { return v * 7 + abc(v); }\n"
			     "static inline int only_inlined(int v) { return v ^ seven_7(v); }\n"
			     "__attribute__((visibility(\"hidden\"))) int hidden_one(int v) {\n"
			     "	return only_inlined(v) + 1;\n"
			     "}\n"
			     "int shown(int v) { return hidden_one(v) + abc(v); }\n");
	for (size_t i = 0; i < LP_ARRAY_SIZE(cases); i++) {
		const bool has_dwarf = strstr(cases[i].build, " -g") != NULL;
		size_t functions = 0, files = 0;

		native_program_run(&program, "%s -fPIC -shared names.c -o names.so",
				   cases[i].build);
		native_program_open(&program, "names.so");
		lp_module_each_function(program.module, may_be_named, &functions, NULL);
		lp_module_each_file(program.module, may_be_there, &files, NULL);
		assert_true(functions >= (has_dwarf ? 5 : 1));
		assert_int_equal(files > 0, has_dwarf);
		if (lp_may_name_function(program.module, "only_inline") == cases[i].denied)
			fail_msg("%s: only_inline", cases[i].build);
		assert_true(lp_may_name_function(program.module, "only_*"));
		if (cases[i].denied && has_dwarf)
			assert_false(lp_may_have_file(program.module, "ames.c"));
		assert_int_equal(native_program_function(&program, LP_AT_ENTRY, "only_inline"),
				 -ENOENT);
	}
}

static void beside_the_file_by_debuglink(void **state)
{
	(void)state;
	native_program_run(&program, "gcc -g -O2 -Wl,--build-id=none main.c one.c two.c -o app && "
				     "objcopy --only-keep-debug app app.debug && strip app && "
				     "objcopy --add-gnu-debuglink=app.debug app");
	native_program_open(&program, "app");
	assert_found("/app.debug");

	native_program_run(&program, "mkdir .debug && mv app.debug .debug");
	native_program_open(&program, "app");
	assert_found("/.debug/app.debug");

	/* one of another build is none */
	native_program_run(&program, "gcc -g -O1 main.c one.c two.c -o other && "
				     "objcopy --only-keep-debug other .debug/app.debug");
	native_program_open(&program, "app");
	assert_false(lp_module_has_dwarf(program.module, NULL));
	assert_int_equal(native_program_line(&program, "one.c", 3), -ENOENT);
}

static void by_build_id_below_the_root(void **state)
{
	(void)state;
	native_program_run(
		&program,
		"gcc -g -O2 -Wl,--build-id main.c one.c two.c -o whole && mkdir -p usr/bin && "
		"id=$(readelf -n whole | awk '/Build ID/ { print $3 }') && "
		"d=usr/lib/debug/.build-id/$(echo $id | cut -c1-2) && mkdir -p $d && "
		"objcopy --only-keep-debug whole $d/$(echo $id | cut -c3-).debug && "
		"strip whole -o usr/bin/app");
	native_program_open_root(&program, "usr/bin/app", program.dir);
	assert_string_equal(lp_module_path(program.module), "/usr/bin/app");
	assert_found("/usr/lib/debug/.build-id/");

	native_program_open(&program, "usr/bin/app");
	assert_false(lp_module_has_dwarf(program.module, NULL));
}

static void by_debuglink_below_the_root(void **state)
{
	(void)state;
	native_program_run(
		&program,
		"clang -g -O2 main.c one.c two.c -Wl,--build-id=none -o app.debug && "
		"mkdir -p usr/bin usr/lib/debug/usr/bin && strip app.debug -o usr/bin/app && "
		"objcopy --add-gnu-debuglink=app.debug usr/bin/app && "
		"mv app.debug usr/lib/debug/usr/bin");
	native_program_open_root(&program, "usr/bin/app", program.dir);
	assert_found("/usr/lib/debug/usr/bin/app.debug");
}

static void shared_by_dwz(void **state)
{
	static const char *const builds[] = { "gcc -gdwarf-4", "gcc -gdwarf-5" };

	(void)state;
	if (!native_program_has_tool("dwz"))
		skip();
	for (size_t i = 0; i < LP_ARRAY_SIZE(builds); i++) {
		native_program_run(&program, "%s -O2 main.c one.c two.c -o app && dwz app",
				   builds[i]);
		native_program_open(&program, "app");
		assert_found("/app");

		/* types and abstract functions in a file that several programs share */
		native_program_run(
			&program,
			"%1$s -O2 main.c one.c two.c -o app && %1$s -O2 main.c two.c one.c -o "
			"app2 && dwz -m common.debug app app2 && test -s common.debug",
			builds[i]);
		native_program_open(&program, "app");
		assert_found("/app");
		native_program_open(&program, "app2");
		assert_found("/app2");
	}
}

static void without_sections(void **state)
{
	(void)state;
	native_program_run(&program,
			   "gcc -O2 -no-pie main.c one.c two.c -o whole && cp whole app && "
			   "strip app && printf '%s' | dd of=app bs=1 seek=40 conv=notrunc "
			   "2>/dev/null && printf '%s' | dd of=app bs=1 seek=58 conv=notrunc "
			   "2>/dev/null",
			   "\\0\\0\\0\\0\\0\\0\\0\\0", "\\0\\0\\0\\0\\0\\0");
	native_program_open(&program, "app");
	assert_false(lp_module_has_dwarf(program.module, NULL));
	assert_int_equal(native_program_line(&program, "one.c", 3), -ENOENT);
	assert_int_equal(native_program_function(&program, LP_AT_ENTRY, "one"), -ENOENT);
}

/* Every cut of a program, and bytes changed here and there: an error or an answer, no crash. */
static void broken_files(void **state)
{
	(void)state;
	native_program_run(&program, "gcc -g -O2 main.c one.c two.c -o app");
	char path[128];
	snprintf(path, sizeof(path), "%s/app", program.dir);
	lp_auto(lp_close) int whole = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	assert_int_equal(fstat(whole, &st), 0);
	lp_auto(lp_free) char *bytes = malloc((size_t)st.st_size);
	assert_int_equal(read(whole, bytes, (size_t)st.st_size), st.st_size);

	snprintf(path, sizeof(path), "%s/broken", program.dir);
	for (off_t len = 0; len < st.st_size; len += st.st_size / 50) {
		lp_auto(lp_close) int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
		lp_auto(lp_module_free) struct lp_module *m = NULL;

		assert_int_equal(write(fd, bytes, (size_t)len), len);
		if (lp_module_open(fd, path, NULL, &m, &program.err) < 0) {
			assert_non_null(strstr(program.err.msg, path));
			continue;
		}
		lp_module_free(program.module);
		program.module = lp_take(m);
		native_program_line(&program, "one.c", 3);
		native_program_function(&program, LP_AT_ENTRY, "price");
	}
}

static void not_a_program(void **state)
{
	struct lp_module *m = NULL;

	(void)state;
	native_program_run(&program, "gcc -g -c one.c");
	for (int i = 0; i < 2; i++) {
		char path[128];
		snprintf(path, sizeof(path), "%s/%s", program.dir, i ? "one.o" : "one.c");
		lp_auto(lp_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
		assert_int_equal(lp_module_open(fd, path, NULL, &m, &program.err), -ENOEXEC);
		assert_null(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(in_every_form, setup, native_teardown),
		cmocka_unit_test_setup_teardown(in_a_shared_library, setup, native_teardown),
		cmocka_unit_test_setup_teardown(names_are_denied_only_where_they_are_missing, setup,
						native_teardown),
		cmocka_unit_test_setup_teardown(beside_the_file_by_debuglink, setup,
						native_teardown),
		cmocka_unit_test_setup_teardown(by_build_id_below_the_root, setup, native_teardown),
		cmocka_unit_test_setup_teardown(by_debuglink_below_the_root, setup,
						native_teardown),
		cmocka_unit_test_setup_teardown(shared_by_dwz, setup, native_teardown),
		cmocka_unit_test_setup_teardown(without_sections, setup, native_teardown),
		cmocka_unit_test_setup_teardown(broken_files, setup, native_teardown),
		cmocka_unit_test_setup_teardown(not_a_program, setup, native_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
