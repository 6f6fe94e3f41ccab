// SPDX-License-Identifier: GPL-2.0-only
/* Texts of /proc and the head of an executable: the first byte says which; what comes out of maps
 * must be in order within itself and within the text.
 */
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "target/elf.h"
#include "target/find.h"
#include "target/maps.h"
#include "target/process.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void maps(const char *text, size_t len)
{
	struct lp_maps m = { 0 };

	lp_buf_add(&m.text, text, len);
	if (m.text.failed || lp_maps_parse(&m, NULL) < 0)
		__builtin_trap();
	lp_vec_each (&m.all, map) {
		const char *end = m.text.data + m.text.len;

		if (map->start >= map->end || map->path < m.text.data || map->path > end ||
		    strlen(map->path) > (size_t)(end - map->path))
			__builtin_trap();
	}
	lp_maps_done(&m);
}

static void process(const char *text, size_t len)
{
	struct lp_process_info info = { 0 };

	(void)len;
	if (lp_process_parse_stat(text, &info) == 0 &&
	    strnlen(info.comm, sizeof(info.comm)) == sizeof(info.comm))
		__builtin_trap();
}

static void mounts(const char *text, size_t len)
{
	char dir[PATH_MAX];

	if (lp_cgroup_mount(text, dir) == 0 && strlen(dir) > len)
		__builtin_trap();
}

static void executable(const char *data, size_t len)
{
	static int fd = -1;
	struct lp_elf_info info;
	char path[PATH_MAX];

	if (fd < 0)
		fd = memfd_create("executable", MFD_CLOEXEC);
	if (ftruncate(fd, 0) < 0 || pwrite(fd, data, len, 0) != (ssize_t)len)
		return;
	lp_elf_info(fd, &info, NULL);
	lp_script_interpreter(fd, path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const what[])(const char *text, size_t len) = { maps, process, mounts,
								      executable };
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };

	if (!size)
		return 0;
	lp_buf_add(&text, data + 1, size - 1);
	if (!text.failed)
		what[data[0] % LP_ARRAY_SIZE(what)](text.data, text.len);
	return 0;
}
