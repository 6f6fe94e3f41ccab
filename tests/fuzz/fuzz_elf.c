/* SPDX-License-Identifier: GPL-2.0-only */
/* Modules of broken files: whatever is in them, opening and resolving give an answer or an error.
 *
 * The first byte chooses: a line table, a file as it stands, or a real program (compiled
 * once) with some of its bytes changed, which leads further than bytes at random.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "native/linetable.h"
#include "native/native.h"

static const char source[] =
	"namespace ns { struct C { int v; int get(int); };\n"
	"inline __attribute__((always_inline)) int in(int v) { return v * 3; }\n"
	"int C::get(int by) {\n for (int i = 0; i < by; i++) v += in(i);\n return v; }\n"
	"template <typename T> __attribute__((noinline)) T tw(T a) { return a + a; } }\n"
	"static int sw(int v) { switch (v) { case 1: return 5; case 2: return 9;\n"
	"case 3: return 2; case 4: return 8; case 5: return 12; } return 0; }\n"
	"extern \"C\" int start(int v) { ns::C c{v}; return ns::tw(c.get(v)) + sw(v); }\n";

static uint8_t *program;
static size_t program_len;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char dir[] = "/tmp/logpoint-fuzz-XXXXXX", command[512];

	(void)argc;
	(void)argv;
	if (!mkdtemp(dir))
		abort();
	snprintf(command, sizeof(command),
		 "cd %s && cat >a.cc && g++ -g -O1 -shared -nostdlib -fPIC a.cc -o a", dir);
	FILE *f = popen(command, "w");
	if (!f || fputs(source, f) < 0 || pclose(f) != 0)
		abort();
	snprintf(command, sizeof(command), "%s/a", dir);
	f = fopen(command, "re");
	program = malloc(1 << 20);
	program_len = f && program ? fread(program, 1, 1 << 20, f) : 0;
	if (program_len == 0)
		abort();
	fclose(f);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static int on_rows(const struct lp_line_row *rows, size_t n, void *arg)
{
	size_t *total = arg;

	if (n == 0 || !rows[n - 1].end)
		abort();
	*total += n;
	return 0;
}

static void try_table(const uint8_t *data, size_t len)
{
	const struct lp_span all = { data, len };
	const struct lp_line_sections sections = { all, all, all };
	struct lp_linetable t;
	size_t total = 0;

	if (lp_linetable_init(&t, &sections, 0, "/comp/dir") < 0)
		return;
	for (size_t i = 0; i < t.files.len; i++)
		free(lp_linetable_path(&t, i));
	lp_linetable_run(&t, on_rows, &total);
	lp_linetable_done(&t);
}

static int ignore_function(const struct lp_function_info *f, void *arg)
{
	(void)arg;
	return f->name ? 0 : 1;
}

static int ignore_file(const char *path, void *arg)
{
	(void)arg;
	return path ? 0 : 1;
}

static int ignore_line(int line, size_t n, void *arg)
{
	(void)arg;
	if (line <= 0 || n == 0)
		abort();
	return 0;
}

static void try_module(const uint8_t *data, size_t len)
{
	static const struct lp_location at[] = {
		{ .kind = LP_AT_LINE, .text = "", .file = "a.cc", .line = 4 },
		{ .kind = LP_AT_LINE, .text = "", .file = "a.cc", .line = 2 },
		{ .kind = LP_AT_ENTRY, .text = "", .name = "in" },
		{ .kind = LP_AT_CALL, .text = "", .name = "ns::C::get" },
		{ .kind = LP_AT_RETURN, .text = "", .name = "*" },
		{ .kind = LP_AT_OFFSET, .text = "", .name = "start", .offset = 4 },
		{ .kind = LP_AT_USDT, .text = "", .provider = "a", .name = "b" },
		{ .kind = LP_AT_ADDRESS, .text = "", .offset = 0x1010 },
	};
	struct lp_module *m = NULL;
	struct lp_err err;
	uint64_t offset;

	int fd = memfd_create("elf", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		abort();
	if (lp_module_open(fd, "/no/such/a", NULL, &m, &err) < 0) {
		close(fd);
		return;
	}
	close(fd);
	for (size_t i = 0; i < LP_ARRAY_SIZE(at); i++) {
		struct lp_places places = { 0 };
		size_t n_inlined = 0;

		if (lp_module_resolve(m, &at[i], &places, &n_inlined, &err) == 0)
			lp_vec_each (&places, p)
				lp_module_symbol(m, p->vaddr, &offset);
		lp_vec_done(&places);
	}
	lp_module_each_function(m, ignore_function, NULL, &err);
	lp_module_each_file(m, ignore_file, NULL, &err);
	lp_module_each_line(m, "a.cc", ignore_line, NULL, NULL, &err);
	lp_module_bias(m, 0x7f0000000000, 0x1000);
	lp_module_free(m);
}

/* Three bytes a change: where, in 16 bits scaled to the file, and what to. */
static void try_changed(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(program_len);

	if (!copy)
		return;
	memcpy(copy, program, program_len);
	for (size_t i = 0; i + 3 <= len; i += 3)
		copy[(size_t)(data[i] << 8 | data[i + 1]) * program_len / 65536] = data[i + 2];
	try_module(copy, program_len);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len < 1)
		return 0;
	switch (data[0] % 4) {
	case 0:
		try_table(data + 1, len - 1);
		break;
	case 1:
		try_module(data + 1, len - 1);
		break;
	default:
		try_changed(data + 1, len - 1);
	}
	return 0;
}
