// SPDX-License-Identifier: GPL-2.0-only
/* Where the kernel has mapped all of the machine's memory: bpf/resident.h reads by that. Looked for by words of our
 * own, which are random, and which nobody writes. Nothing waits for it: what is not read so the helper reads.
 */
#include <stdlib.h>
#include <sys/random.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/log.h"
#include "probe/kernel.h"

#include "mapping.skel.h"

#define ASKED_MAX 1024 /* times, each for some candidates */
#define PAGES	  4    /* that words are on, in turn */
#define PAGE	  4096

LP_CLEANUP(struct mapping_bpf *, mapping_bpf__destroy)

static uint64_t ask(int prog, const uint8_t *words)
{
	struct lp_mapping_ask said = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &said, .ctx_size_in = sizeof(said));

	for (size_t i = 0; i < ASKED_MAX && !said.in_vain && !said.mapping; i++) {
		said.addr = (uintptr_t)words + i % PAGES * PAGE;
		if (bpf_prog_test_run_opts(prog, &opts) < 0)
			return 0;
	}
	return said.mapping;
}

/* PAGES of them, of which each begins with some. */
static uint8_t *make_words(void)
{
	lp_auto(lp_free) uint8_t *words = aligned_alloc(PAGE, PAGES * PAGE);

	for (size_t i = 0; words && i < PAGES; i++)
		if (getrandom(words + i * PAGE, LP_MAPPING_WORDS * 8, 0) != LP_MAPPING_WORDS * 8)
			return NULL;
	return lp_take(words);
}

void lp_mapping_find(const struct lp_kernel *k)
{
	struct lp_open_opts o;
	uint32_t type, five_levels;

	lp_direct_tell(&type, &five_levels);
	if (!type)
		return;

	lp_auto(lp_free) uint8_t *words = make_words();
	lp_auto(mapping_bpf__destroy) struct mapping_bpf *s =
		mapping_bpf__open_opts(lp_open_opts(&o, k->beside.types));
	if (!words || !s)
		return;
	s->rodata->lp_direct_type = type;
	s->rodata->lp_five_levels = five_levels;
	if (mapping_bpf__load(s) >= 0)
		k->native.live->mapping = ask(bpf_program__fd(s->progs.lp_find_mapping), words);
	lp_debug("memory is read %s", k->native.live->mapping ? "by page tables" : "by the kernel");
}
