// SPDX-License-Identifier: GPL-2.0-only
/* What bpf/mapping.h calls. libbpf would read all of the kernel's types to find the function's number, and
 * keep them; so to it that is a helper, and becomes a function of the kernel's when a program is loaded.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lp/live.h"
#include "probe/kernel.h"

#define FUNCTION "bpf_rdonly_cast"
#define TDX_NAME 0x65746e49u /* "Inte" of "IntelTDX    " */

/* The sections whose programs read so, as libbpf would take them. */
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

/* A guest whose memory is encrypted has pages that must not be touched before it accepts them, and to find the
 * mapping some are touched. Leaves: the kernel's arch/x86/include/asm/shared/tdx.h, TDX_CPUID_LEAF_ID, and
 * arch/x86/boot/compressed/sev.c.
 */
static bool may_touch_memory(void)
{
#ifdef __x86_64__
	uint32_t a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 31))
		return true; /* no guest */
	if (__get_cpuid(0x8000001f, &a, &b, &c, &d) && a >> 1 & 1)
		return false;
	return !__get_cpuid_count(0x21, 0, &a, &b, &c, &d) || b != TDX_NAME;
#else
	return false;
#endif
}

/* Then there are addresses beyond those of four, for who asks for them. */
bool lp_have_five_levels(void)
{
	const uint64_t beyond = 1ull << 48;
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *at = mmap((void *)beyond, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return false;
	munmap(at, page);
	return (uintptr_t)at >= beyond;
}

static uint32_t flags_of(const struct bpf_program *prog)
{
	for (size_t i = 0; i < LP_ARRAY_SIZE(sections); i++)
		if (!strcmp(sections[i].name, bpf_program__section_name(prog)))
			return sections[i].flags;
	return 0;
}

/* libbpf's handlers are the process's, and so is what they do. They stay: programs keep pointers to them, and
 * libbpf 1.1 frees them twice where the last one goes.
 */
static struct lp_btf_numbers known;
static pthread_once_t registered = PTHREAD_ONCE_INIT;

static int name_function(struct bpf_program *prog, struct bpf_prog_load_opts *opts, long cookie)
{
	const size_t n = bpf_program__insn_cnt(prog);
	struct bpf_insn *insns = calloc(n, sizeof(*insns));

	(void)cookie;
	if (!insns)
		return -ENOMEM;
	memcpy(insns, bpf_program__insns(prog), n * sizeof(*insns));
	for (size_t i = 0; i < n && known.function; i++)
		if (insns[i].code == (BPF_JMP | BPF_CALL) && !insns[i].src_reg &&
		    insns[i].imm == LP_DIRECT_CALL) {
			insns[i].src_reg = BPF_PSEUDO_KFUNC_CALL;
			insns[i].imm = (int)known.function;
		}
	opts->prog_flags |= flags_of(prog);

	int r = bpf_program__set_insns(prog, insns, n);
	free(insns);
	return r;
}

static void register_all(void)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, how, .prog_prepare_load_fn = name_function);

	for (size_t i = 0; i < LP_ARRAY_SIZE(sections); i++)
		libbpf_register_prog_handler(sections[i].name, sections[i].type, 0, &how);
}

const char *lp_direct_begin(const struct lp_kernel_conf *c)
{
	if ((c->no_native && !c->python_watch) || !may_touch_memory())
		return NULL;
	pthread_once(&registered, register_all);
	return FUNCTION;
}

uint32_t lp_direct_use(const struct lp_btf_numbers *numbers)
{
	if (!numbers->function || !numbers->registers)
		return 0;
	known = *numbers;
	return numbers->registers;
}
