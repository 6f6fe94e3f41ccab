// SPDX-License-Identifier: GPL-2.0-only
/* What bpf/mapping.h calls. libbpf would read all of the kernel's types to find the function's number, and
 * keep them; so to it that is a helper, and becomes a function of the kernel's when a program is loaded.
 */
#include <bpf/bpf.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif
#include <sys/mman.h>
#include <unistd.h>

#include "lp/live.h"
#include "probe/kernel.h"

#define FUNCTION "bpf_rdonly_cast"
#define TDX_NAME 0x65746e49u /* "Inte" of "IntelTDX    " */

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
static bool have_five_levels(void)
{
	const uint64_t beyond = 1ull << 48;
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *at = mmap((void *)beyond, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return false;
	munmap(at, page);
	return (uintptr_t)at >= beyond;
}

/* Of the kernel that we run on; 0: memory is not read so. */
static struct {
	uint32_t function, type;
	bool five_levels;
} known;

void lp_direct_name(struct bpf_insn *insns, size_t n)
{
	for (size_t i = 0; i < n && known.function; i++)
		if (insns[i].code == (BPF_JMP | BPF_CALL) && !insns[i].src_reg &&
		    insns[i].imm == LP_DIRECT_CALL) {
			insns[i].src_reg = BPF_PSEUDO_KFUNC_CALL;
			insns[i].imm = (int)known.function;
		}
}

const char *lp_direct_begin(void)
{
	return may_touch_memory() ? FUNCTION : NULL;
}

void lp_direct_found(const struct lp_btf_numbers *numbers)
{
	const bool is_whole = numbers->function && numbers->registers;

	known.function = is_whole ? numbers->function : 0;
	known.type = is_whole ? numbers->registers : 0;
	known.five_levels = is_whole && have_five_levels();
}

void lp_direct_tell(uint32_t *ret_type, uint32_t *ret_five_levels)
{
	*ret_type = known.type;
	*ret_five_levels = known.five_levels;
}
