// SPDX-License-Identifier: GPL-2.0-only
/* Where exceptions land: once for each handler, also where the table of a function's calls is long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "native/arrive.h"
#include "native_program.h"

#define HANDLERS 40

struct seen {
	uint64_t at[4 * HANDLERS];
	size_t n;
};

static int see(uint64_t vaddr, void *arg)
{
	struct seen *s = arg;

	for (size_t i = 0; i < s->n; i++)
		if (s->at[i] == vaddr)
			return 0;
	assert_true(s->n < LP_ARRAY_SIZE(s->at));
	assert_true(lp_module_is_code(program.module, vaddr));
	s->at[s->n++] = vaddr;
	return 0;
}

static void each_handler_is_found(void **state)
{
	static const char *const builds[] = { "g++ -g -O0", "g++ -g -O2", "clang++ -g -O2" };
	char text[8192] = "void f(int);\nint sink;\nint handles(void)\n{\n";
	size_t len = strlen(text);

	(void)state;
	for (int i = 0; i < HANDLERS; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"\ttry { f(%d); } catch (int e) { sink += e * %d; }\n", i,
					i + 3);
	snprintf(text + len, sizeof(text) - len, "\treturn sink;\n}\n");
	native_program_write(&program, "handles.cc", text);
	native_program_write(&program, "main.cc",
			     "int handles(void);\nvoid f(int n) { if (n < 0) throw n; }\n"
			     "int main(void) { return handles(); }\n");
	for (size_t i = 0; i < LP_ARRAY_SIZE(builds); i++) {
		struct seen seen = { .n = 0 };
		GElf_Sym sym;

		native_program_run(&program, "%s handles.cc main.cc -o app", builds[i]);
		native_program_open(&program, "app");
		const uint64_t start = native_program_symbol(&program, "app", "_Z7handlesv");
		assert_non_null(lp_module_symbol_at(program.module, start, &sym));
		const struct lp_range part = { start, start + sym.st_size };
		assert_int_equal(lp_landings_find(program.module, &part, see, &seen), 0);
		assert_true(seen.n >= HANDLERS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_handler_is_found, native_setup,
						native_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
