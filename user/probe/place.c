// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <link.h>

#include "probe/kernel.h"

struct search {
	uintptr_t at;
	uint64_t offset;
	bool is_found;
};

/* The first object is the executable: nothing else is looked at. */
static int search_segments(struct dl_phdr_info *exe, size_t size, void *arg)
{
	struct search *s = arg;

	(void)size;
	for (size_t i = 0; i < exe->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &exe->dlpi_phdr[i];
		const uintptr_t in = s->at - exe->dlpi_addr - p->p_vaddr;

		if (p->p_type != PT_LOAD || in >= p->p_filesz)
			continue;
		s->offset = p->p_offset + in;
		s->is_found = true;
	}
	return 1;
}

int lp_own_offset(const void *code, uint64_t *ret)
{
	struct search s = { .at = (uintptr_t)code };

	dl_iterate_phdr(search_segments, &s);
	if (!s.is_found)
		return -ENOENT;
	*ret = s.offset;
	return 0;
}
