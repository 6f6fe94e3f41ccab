// SPDX-License-Identifier: GPL-2.0-only
/* Any program, verified or not, on any registers and memory: nothing is overrun, each hit has one
 * outcome, and what is sent is a record whose blocks lie within it.
 */
#include "base/err.h"
#include "expr/emit.h"
#include "probe/kernel.h"
#include "../unit/vm_world.h"
#include "../../bpf/quick.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct shape {
	uint8_t kind, pages, ring_full, hit_op;
	uint8_t max, rate, after, record_max;
	uint8_t registers[LP_MACH_REGS];
};

static void check_record(const uint8_t *data, uint32_t len)
{
	const struct lp_record *r = (const void *)data;
	uint32_t at = sizeof(*r);

	if (len < sizeof(*r) || r->len != len || len % 8)
		abort();
	while (at < len) {
		const struct lp_block *b = (const void *)(data + at);

		if (len - at < sizeof(*b) || b->len > len - at - sizeof(*b))
			abort();
		if (b->status >= LP_ST_COUNT && b->len)
			abort();
		at += sizeof(*b) + LP_ALIGN(b->len);
	}
	if (at != len)
		abort();
}

static uint64_t outcomes(void)
{
	const struct lp_counts *c = &world.counts[0];
	uint64_t n = c->logged + c->filtered + c->limited;

	for (int i = 0; i < LP_LOSS_COUNT; i++)
		n += c->lost[i];
	return n;
}

static void set_up(const struct shape *s)
{
	world_reset();
	for (unsigned int i = 0; i < WORLD_PAGES; i++)
		world.page[i] = (s->pages >> (i % 8) & 1) + (i > 8);
	for (unsigned int i = 0; i < LP_MACH_REGS; i++)
		vm.mach[i] = WORLD_BASE + s->registers[i] * 251ull;
	for (unsigned int i = 0; i < sizeof(world.memory); i++)
		((uint8_t *)world.memory)[i] = (uint8_t)(i % 97);
	for (unsigned int i = 0; i < sizeof(world.memory); i += 256) {
		uint64_t pointer = WORLD_BASE + i * 3 % sizeof(world.memory);

		memcpy((uint8_t *)world.memory + i, &pointer, sizeof(pointer));
	}
	world.ring_full = s->ring_full & 1;
	world.points[0].hit_op = s->hit_op & 7;
	world.points[0].hit_n = 1;
	world.points[0].max = s->max & 3;
	world.points[0].rate = s->rate & 3;
	world.points[0].after = s->after & 4 ? s->after & 3 : LP_POINT_NONE;
	if (s->record_max & 1)
		lp_record_max = 128 + s->record_max * 8u;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct shape shape;

	if (size < sizeof(shape) + sizeof(struct lp_insn))
		return 0;
	memcpy(&shape, data, sizeof(shape));
	data += sizeof(shape);
	size -= sizeof(shape);
	set_up(&shape);

	uint32_t n = size / sizeof(struct lp_insn) < LP_SITE_CODE_MAX
			     ? (uint32_t)(size / sizeof(struct lp_insn))
			     : LP_SITE_CODE_MAX;
	memcpy(world.code, data, n * sizeof(struct lp_insn));
	if (shape.kind & 4) /* more often a known instruction */
		for (uint32_t i = 0; i < n; i++)
			world.code[i].op %= LP_OP_COUNT;

	bool verified = lp_program_verify(world.code, n, NULL) == 0;
	struct lp_site site = { .ninsn = n, .kind = LP_SITE_PLAIN };
	bool surely_false = false;

	if (verified && !(shape.kind & 1)) {
		lp_quick_of(world.code, n, 0, &site.quick);
		surely_false = site.quick.test &&
			       lp_quick_false(&site.quick,
					      vm.mach[site.quick.reg & (LP_MACH_ROOM - 1)], 0);
	}

	if (shape.kind & 1) {
		site.kind = LP_SITE_ENTER;
		world_hit(&site);
		vm.mach[LP_MACH_SP] += 8;
		site.kind = LP_SITE_LEAVE;
	}
	world_hit(&site);
	if (outcomes() != 1)
		abort();
	if (surely_false && (!world.counts[0].filtered || world.counts[0].cond_errors))
		abort();
	if (verified && world.counts[0].lost[LP_LOSS_STEPS])
		abort();
	for (unsigned int i = 0; i < world.n_sent; i++)
		check_record(world.sent[i], world.sent_len[i]);
	return 0;
}
