// SPDX-License-Identifier: GPL-2.0-only
/* What is done to programs when libbpf is about to load them. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "probe/kernel.h"
#include "probe/prune.h"

/* The sections of such programs, as libbpf would take them. */
static const struct section {
	const char *name;
	enum bpf_prog_type type;
	uint32_t flags;
} sections[] = {
	{ "perf_event", BPF_PROG_TYPE_PERF_EVENT, 0 },
	{ "uprobe", BPF_PROG_TYPE_KPROBE, 0 },
	{ "uprobe.s", BPF_PROG_TYPE_KPROBE, BPF_F_SLEEPABLE },
	{ "syscall", BPF_PROG_TYPE_SYSCALL, BPF_F_SLEEPABLE },
};

/* libbpf's handlers are the process's. They stay: programs keep pointers to them, and libbpf 1.1 frees them
 * twice where the last one goes.
 */
static pthread_once_t registered = PTHREAD_ONCE_INIT;
static __thread struct bpf_object *from;

static uint32_t flags_of(const struct bpf_program *prog)
{
	for (size_t i = 0; i < LP_ARRAY_SIZE(sections); i++)
		if (!strcmp(sections[i].name, bpf_program__section_name(prog)))
			return sections[i].flags;
	return 0;
}

/* libbpf's own copies change with it. */
static int prune(struct lp_code *c, struct bpf_prog_load_opts *opts)
{
	struct bpf_map *map = bpf_object__find_map_by_name(from, ".rodata");
	struct lp_known known = { .fd = map ? bpf_map__fd(map) : -1 };

	known.data = map ? bpf_map__initial_value(map, &known.size) : NULL;
	if (!known.data || opts->func_info_rec_size != sizeof(*c->funcs) ||
	    opts->line_info_rec_size != sizeof(*c->lines))
		return 0;
	c->funcs = (struct bpf_func_info *)(uintptr_t)opts->func_info;
	c->lines = (struct bpf_line_info *)(uintptr_t)opts->line_info;
	c->n_funcs = opts->func_info_cnt;
	c->n_lines = opts->line_info_cnt;
	int r = lp_prune(c, &known);
	if (r < 0)
		return r;
	opts->func_info_cnt = (uint32_t)c->n_funcs;
	opts->line_info_cnt = (uint32_t)c->n_lines;
	return 0;
}

/* What stands for the address of the sites' programs becomes that. */
static void address_code(struct lp_code *c, int fd)
{
	for (size_t i = 0; i + 1 < c->n; i++) {
		struct bpf_insn *in = &c->insns[i];

		if (in->code != (BPF_LD | BPF_IMM | BPF_DW) || in->src_reg ||
		    (uint32_t)in->imm != (uint32_t)LP_CODE_ADDRESS ||
		    (uint32_t)in[1].imm != LP_CODE_ADDRESS >> 32)
			continue;
		in->src_reg = BPF_PSEUDO_MAP_VALUE;
		in->imm = fd;
		in[1].imm = 0;
	}
}

static int prepare(struct bpf_program *prog, struct bpf_prog_load_opts *opts, long cookie)
{
	struct lp_code c = { .n = bpf_program__insn_cnt(prog) };
	lp_auto(lp_free) struct bpf_insn *insns = calloc(c.n, sizeof(*insns));

	(void)cookie;
	if (!insns)
		return -ENOMEM;
	memcpy(insns, bpf_program__insns(prog), c.n * sizeof(*insns));
	c.insns = insns;
	lp_direct_name(insns, c.n);
	opts->prog_flags |= flags_of(prog);

	int r = 0;
	if (from) {
		address_code(&c, bpf_map__fd(bpf_object__find_map_by_name(from, "code")));
		r = prune(&c, opts);
	}
	return r < 0 ? r : bpf_program__set_insns(prog, insns, c.n);
}

static void register_all(void)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, how, .prog_prepare_load_fn = prepare);

	for (size_t i = 0; i < LP_ARRAY_SIZE(sections); i++)
		libbpf_register_prog_handler(sections[i].name, sections[i].type, 0, &how);
}

void lp_prepare_begin(void)
{
	pthread_once(&registered, register_all);
}

int lp_prepared_load(struct bpf_object *obj, struct bpf_object_skeleton *s)
{
	from = obj;
	int r = bpf_object__load_skeleton(s);
	from = NULL;
	return r;
}
