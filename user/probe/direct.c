// SPDX-License-Identifier: GPL-2.0-only
/* What bpf/direct.h calls. libbpf would read all of the kernel's types to find the function's number, and
 * keep them; so to it that is a helper, and becomes a function of the kernel's when a program is loaded.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lp/live.h"
#include "probe/kernel.h"

#define FUNCTION "bpf_rdonly_cast"

/* The sections whose programs read Python's memory, as libbpf would take them. */
static const struct section {
	const char *name;
	enum bpf_prog_type type;
	uint32_t flags;
} sections[LP_DIRECT_SECTIONS] = {
	{ "perf_event", BPF_PROG_TYPE_PERF_EVENT, 0 },
	{ "uprobe", BPF_PROG_TYPE_KPROBE, 0 },
	{ "uprobe.s", BPF_PROG_TYPE_KPROBE, BPF_F_SLEEPABLE },
};

static uint32_t flags_of(const struct bpf_program *prog)
{
	for (size_t i = 0; i < LP_ARRAY_SIZE(sections); i++)
		if (!strcmp(sections[i].name, bpf_program__section_name(prog)))
			return sections[i].flags;
	return 0;
}

static int name_function(struct bpf_program *prog, struct bpf_prog_load_opts *opts, long numbers)
{
	const struct lp_btf_numbers *known = (const void *)numbers;
	const size_t n = bpf_program__insn_cnt(prog);
	struct bpf_insn *insns = calloc(n, sizeof(*insns));

	if (!insns)
		return -ENOMEM;
	memcpy(insns, bpf_program__insns(prog), n * sizeof(*insns));
	for (size_t i = 0; i < n && known->function; i++)
		if (insns[i].code == (BPF_JMP | BPF_CALL) && !insns[i].src_reg &&
		    insns[i].imm == LP_DIRECT_CALL) {
			insns[i].src_reg = BPF_PSEUDO_KFUNC_CALL;
			insns[i].imm = (int)known->function;
		}
	opts->prog_flags |= flags_of(prog);

	int r = bpf_program__set_insns(prog, insns, n);
	free(insns);
	return r;
}

/* libbpf keeps pointers to what is registered, in the programs that are opened meanwhile. */
void lp_direct_begin(struct lp_kernel *k)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, how, .cookie = (long)&k->numbers,
		    .prog_prepare_load_fn = name_function);

	for (size_t i = 0; i < LP_ARRAY_SIZE(sections); i++)
		k->direct[i] = k->conf.python_watch
				       ? libbpf_register_prog_handler(sections[i].name,
								      sections[i].type, 0, &how)
				       : -1;
}

void lp_direct_end(struct lp_kernel *k)
{
	for (size_t i = 0; i < LP_ARRAY_SIZE(sections); i++)
		if (k->direct[i] >= 0)
			libbpf_unregister_prog_handler(k->direct[i]);
}

const char *lp_direct_function(const struct lp_kernel *k)
{
	return k->conf.python_watch ? FUNCTION : NULL;
}
