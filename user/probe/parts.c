// SPDX-License-Identifier: GPL-2.0-only
/* Which parts of the machine a site's program asks for: those that none of a session's asks for are not loaded. */
#include "probe/kernel.h"

/* Each from behind the one before; of further ones the rest. CAP_MEM and CAP_MEMM: as long as they are. */
static const struct {
	enum lp_op last;
	uint32_t parts;
} ranges[] = {
	{ LP_OP_GATE, 0 },
	{ LP_OP_REG, LP_PART_VALUES },
	{ LP_OP_LOADM, LP_PART_WORDS },
	{ LP_OP_MULI, LP_PART_VALUES },
	{ LP_OP_MODU, LP_PART_REST },
	{ LP_OP_LTUI, LP_PART_VALUES },
	{ LP_OP_STRHAS, LP_PART_REST },
	{ LP_OP_CAP_MEMV, LP_PART_WORDS | LP_PART_COPY },
	{ LP_OP_CAP_STRM, LP_PART_TEXT },
	{ LP_OP_CAP_STRPM, LP_PART_WORDS | LP_PART_TEXT },
	{ LP_OP_CAP_HOLE, 0 },
};

static uint32_t parts_of_one(const struct lp_insn *in)
{
	if (in->op == LP_OP_CAP_MEM || in->op == LP_OP_CAP_MEMM)
		return LP_CAP_LEN(in->n) > 8 ? LP_PART_COPY : LP_PART_WORDS;
	for (size_t i = 0; i < LP_ARRAY_SIZE(ranges); i++)
		if (in->op <= ranges[i].last)
			return ranges[i].parts;
	return LP_PART_REST;
}

uint32_t lp_parts_of(enum lp_site_kind kind, const struct lp_insn *code, size_t n)
{
	struct lp_quick quick = { 0 };
	uint32_t parts = kind == LP_SITE_PLAIN ? 0 : LP_PART_REST;

	for (size_t i = 0; i < n; i++)
		parts |= parts_of_one(&code[i]);
	lp_quick_of(code, n, 0, &quick);
	return quick.test ? parts | LP_PART_QUICK : parts;
}

void lp_kernel_foretell_parts(struct lp_kernel *k, uint32_t parts)
{
	k->beside.parts = parts;
	lp_beside_reach(&k->beside, LP_STAGE_FORETOLD);
}
