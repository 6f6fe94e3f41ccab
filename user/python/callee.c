// SPDX-License-Identifier: GPL-2.0-only
#include "python/callee.h"

#include <capstone/capstone.h>
#include <errno.h>
#include <string.h>

#define THIN_MAX   192u	   /* bytes of a function that does nothing but call another */
#define CHAIN_MAX  4	   /* such functions in a row */
#define PIECES_MAX 8	   /* of a function */
#define PIECE_MAX  0x4000u /* bytes */

static int find_code(struct lp_py_text *t)
{
	size_t len = 0;

	t->code = lp_symfile_section(t->symbols, ".text", &t->from, &len);
	t->to = t->from + len;
	return t->code ? 0 : -ENOENT;
}

int lp_py_text_interpreter(struct lp_python *py, struct lp_py_text *ret)
{
	*ret = (struct lp_py_text){ .symbols = py->symbols, .bias = py->bias };
	return find_code(ret);
}

int lp_py_text_open(struct lp_python *py, const struct lp_maps *maps, uint64_t addr,
		    struct lp_py_text *ret)
{
	lp_auto(lp_py_text_done) struct lp_py_text t = { .is_own = true };
	const struct lp_map *map = NULL;

	lp_vec_each (&maps->all, m)
		if (addr >= m->start && addr < m->end && lp_map_is_code(m))
			map = m;
	if (!map)
		return -ENOENT;
	if (!strcmp(map->path, py->file))
		return lp_py_text_interpreter(py, ret);

	lp_auto(lp_close) int fd = lp_process_open_map(py->pid, map, NULL);
	char root[64];

	lp_process_root(py->pid, root);
	if (fd < 0 || lp_symfile_open(fd, map->path, root, &t.symbols, NULL) < 0)
		return -ENOENT;
	t.bias = lp_symfile_bias(t.symbols, map);
	int r = find_code(&t);
	if (r < 0)
		return r;
	*ret = t;
	t.is_own = false;
	return 0;
}

void lp_py_text_done(struct lp_py_text *t)
{
	if (t->is_own)
		lp_symfile_free(t->symbols);
	*t = (struct lp_py_text){ 0 };
}

#ifdef __x86_64__

/* fn != 0 stops and is returned. */
typedef int (*insn_fn)(const cs_insn *in, void *arg);

/* A piece of a function from its first instruction on. */
static int each_insn(const struct lp_py_text *t, uint64_t from, uint64_t to, insn_fn fn, void *arg)
{
	csh cs;
	int r = 0;

	if (from < t->from || to > t->to || from >= to || to - from > PIECE_MAX)
		return -ENOENT;
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &cs) != CS_ERR_OK)
		return -ENOMEM;
	cs_option(cs, CS_OPT_DETAIL, CS_OPT_ON);

	const uint8_t *code = t->code + (from - t->from);
	size_t left = to - from;
	cs_insn *in = cs_malloc(cs);

	while (in && r == 0 && left && cs_disasm_iter(cs, &code, &left, &from, in))
		r = fn(in, arg);
	if (in)
		cs_free(in, 1);
	cs_close(&cs);
	return in ? r : -ENOMEM;
}

/* Where a direct jump or call leads; 0: it is none. */
static uint64_t target_of(const cs_insn *in)
{
	const cs_x86 *x = &in->detail->x86;
	bool leads = false;

	for (uint8_t i = 0; i < in->detail->groups_count; i++)
		leads |= in->detail->groups[i] == CS_GRP_JUMP ||
			 in->detail->groups[i] == CS_GRP_CALL;
	if (!leads || x->op_count != 1 || x->operands[0].type != X86_OP_IMM)
		return 0;
	return (uint64_t)x->operands[0].imm;
}

struct last {
	const struct lp_py_text *t;
	uint64_t from, to;
	uint64_t target; /* within .text; 0: none */
	bool leaves;	 /* the last jump leads out of .text: through the linkage table */
};

static int note_last(const cs_insn *in, void *arg)
{
	struct last *l = arg;
	uint64_t target = target_of(in);

	if (!target || (target >= l->from && target < l->to))
		return 0;
	if (target >= l->t->from && target < l->t->to) {
		l->target = target;
		l->leaves = false;
	} else if (in->id == X86_INS_JMP) {
		l->leaves = true;
	}
	return 0;
}

int lp_py_callee_last(const struct lp_py_text *t, uint64_t function, uint64_t *ret)
{
	for (int i = 0; i < CHAIN_MAX; i++) {
		struct last l = { .t = t };

		if (lp_symfile_frame(t->symbols, function, &l.from, &l.to) < 0)
			break;
		l.from = function;
		if (l.to - l.from > THIN_MAX)
			break;
		int r = each_insn(t, l.from, l.to, note_last, &l);
		if (r < 0)
			return r;
		if (l.leaves)
			return -ENOENT;
		if (!l.target)
			break;
		function = l.target;
	}
	*ret = function;
	return 0;
}

struct reach {
	uint64_t other;
	uint64_t from, to;
	uint64_t pieces[PIECES_MAX]; /* where conditional jumps lead out of the function */
	size_t n;
};

static int note_reach(const cs_insn *in, void *arg)
{
	struct reach *s = arg;
	uint64_t target = target_of(in);

	if (!target || (target >= s->from && target < s->to))
		return 0;
	if (target == s->other)
		return 1;
	for (size_t i = 0; i < s->n; i++)
		if (s->pieces[i] == target)
			return 0;
	if (in->id != X86_INS_CALL && in->id != X86_INS_JMP && s->n < PIECES_MAX)
		s->pieces[s->n++] = target;
	return 0;
}

bool lp_py_callee_reaches(const struct lp_py_text *t, uint64_t function, uint64_t other)
{
	struct reach s = { .other = other, .pieces = { function }, .n = 1 };

	for (size_t i = 0; i < s.n; i++) {
		if (lp_symfile_frame(t->symbols, s.pieces[i], &s.from, &s.to) < 0)
			continue;
		s.from = s.pieces[i];
		if (each_insn(t, s.from, s.to, note_reach, &s) == 1)
			return true;
	}
	return false;
}

struct member {
	int64_t min, max, found;
	bool is_ambiguous;
};

static int note_member(const cs_insn *in, void *arg)
{
	struct member *m = arg;
	const cs_x86 *x = &in->detail->x86;

	for (uint8_t i = 0; i < x->op_count; i++) {
		const x86_op_mem *mem = &x->operands[i].mem;

		if (x->operands[i].type != X86_OP_MEM || mem->base == X86_REG_RIP ||
		    mem->base == X86_REG_RSP || mem->segment != X86_REG_INVALID ||
		    mem->disp < m->min || mem->disp > m->max)
			continue;
		m->is_ambiguous |= m->found && m->found != mem->disp;
		m->found = mem->disp;
	}
	return 0;
}

int lp_py_callee_member(const struct lp_py_text *t, uint64_t function, int64_t min, int64_t max,
			int64_t *ret)
{
	struct member m = { .min = min, .max = max };
	uint64_t from, to;

	if (lp_symfile_frame(t->symbols, function, &from, &to) < 0)
		return -ENOENT;
	int r = each_insn(t, function, to, note_member, &m);
	if (r < 0 || !m.found || m.is_ambiguous)
		return r < 0 ? r : -ENOENT;
	*ret = m.found;
	return 0;
}

#else
int lp_py_callee_last(const struct lp_py_text *t, uint64_t function, uint64_t *ret)
{
	(void)t;
	*ret = function;
	return 0;
}

bool lp_py_callee_reaches(const struct lp_py_text *t, uint64_t function, uint64_t other)
{
	(void)t, (void)function, (void)other;
	return false;
}

int lp_py_callee_member(const struct lp_py_text *t, uint64_t function, int64_t min, int64_t max,
			int64_t *ret)
{
	(void)t, (void)function, (void)min, (void)max, (void)ret;
	return -ENOENT;
}
#endif
