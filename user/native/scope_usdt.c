// SPDX-License-Identifier: GPL-2.0-only
/* Arguments of static probes: [SIZE@]OPERAND, in GNU assembler's syntax. A negative size is a
 * signed one. Source: systemtap's sys/sdt.h and its wiki, "UserSpaceProbeImplementation".
 */
#include <ctype.h>
#include <string.h>

#include "native/scope_impl.h"

struct argument {
	int size; /* bytes; < 0: signed */
	bool is_float;
	const char *op;
	size_t len;
};

static bool nth(const char *args, unsigned int n, struct argument *ret)
{
	for (const char *p = args; n > 0;) {
		while (*p == ' ')
			p++;
		if (!*p)
			return false;

		size_t len = strcspn(p, " ");
		if (--n == 0) {
			char *end;
			long size = strtol(p, &end, 10);
			*ret = (struct argument){ .size = 8, .op = p, .len = len };
			ret->is_float = *end == 'f';
			end += ret->is_float;
			if (*end == '@' && size >= -8 && size <= 8) {
				ret->size = (int)size;
				ret->op = end + 1;
				ret->len = len - (size_t)(end + 1 - p);
			}
			return true;
		}
		p += len;
	}
	return false;
}

int lp_usdt_type(struct lp_native_scope *s, unsigned int n, const struct lp_type **ret)
{
	static const char *const names[2][9] = {
		{ NULL, "uint8_t", "uint16_t", NULL, "uint32_t", NULL, NULL, NULL, "uint64_t" },
		{ NULL, "int8_t", "int16_t", NULL, "int32_t", NULL, NULL, NULL, "int64_t" },
	};
	struct argument a;
	const char *name;

	if (n == 0 || !nth(s->usdt_args, n, &a))
		return -ENOENT;
	name = names[a.size < 0][a.size < 0 ? -a.size : a.size];
	if (a.is_float)
		name = a.size == 4 ? "float" : "double";
	if (!name)
		name = "uint64_t";
	*ret = lp_types_builtin(s->types, name, strlen(name));
	return *ret ? 0 : -ENOMEM;
}

struct reg_name {
	const char *name;
	uint8_t reg, shift; /* shift: bits, for %ah */
};

static bool register_named(const char *name, size_t len, struct reg_name *ret)
{
	static const struct reg_name names[] = {
		{ "rax", 0, 0 },  { "eax", 0, 0 }, { "ax", 0, 0 },  { "al", 0, 0 },
		{ "ah", 0, 8 },	  { "rdx", 1, 0 }, { "edx", 1, 0 }, { "dx", 1, 0 },
		{ "dl", 1, 0 },	  { "dh", 1, 8 },  { "rcx", 2, 0 }, { "ecx", 2, 0 },
		{ "cx", 2, 0 },	  { "cl", 2, 0 },  { "ch", 2, 8 },  { "rbx", 3, 0 },
		{ "ebx", 3, 0 },  { "bx", 3, 0 },  { "bl", 3, 0 },  { "bh", 3, 8 },
		{ "rsi", 4, 0 },  { "esi", 4, 0 }, { "si", 4, 0 },  { "sil", 4, 0 },
		{ "rdi", 5, 0 },  { "edi", 5, 0 }, { "di", 5, 0 },  { "dil", 5, 0 },
		{ "rbp", 6, 0 },  { "ebp", 6, 0 }, { "bp", 6, 0 },  { "bpl", 6, 0 },
		{ "rsp", 7, 0 },  { "esp", 7, 0 }, { "sp", 7, 0 },  { "spl", 7, 0 },
		{ "rip", 16, 0 },
	};

	for (size_t i = 0; i < LP_ARRAY_SIZE(names); i++) {
		if (strlen(names[i].name) != len || memcmp(names[i].name, name, len) != 0)
			continue;
		*ret = names[i];
		return true;
	}
	if (len < 2 || name[0] != 'r' || !isdigit((unsigned char)name[1]))
		return false;
	/* r8 to r15, also as r8d, r8w, r8b */
	char *end;
	unsigned long n = strtoul(name + 1, &end, 10);
	size_t used = (size_t)(end - name);
	if (n < 8 || n > 15 || used > len || len - used > 1 || (used < len && !strchr("dwb", *end)))
		return false;
	*ret = (struct reg_name){ .reg = (uint8_t)n };
	return true;
}

struct operand {
	int64_t disp;
	bool has_symbol;
	char symbol[128];
	bool has_base, has_index;
	struct reg_name base, index;
	uint8_t scale;
};

/* "12", "-8+sym", "sym+4": numbers and at most one symbol. */
static bool parse_disp(const char *p, size_t len, struct operand *o)
{
	const char *end = p + len;

	while (p < end) {
		bool minus = *p == '-';
		if (*p == '-' || *p == '+')
			p++;
		if (p >= end)
			return false;
		if (isdigit((unsigned char)*p)) {
			char *stop;
			uint64_t v = strtoull(p, &stop, 0);
			if (stop > end)
				return false;
			o->disp = (int64_t)((uint64_t)o->disp + (minus ? 0 - v : v));
			p = stop;
			continue;
		}
		size_t n = 0;
		while (p + n < end && p[n] != '+' && p[n] != '-')
			n++;
		if (n == 0 || minus || o->has_symbol || n >= sizeof(o->symbol))
			return false;
		memcpy(o->symbol, p, n);
		o->has_symbol = true;
		p += n;
	}
	return true;
}

/* What is between the parentheses: "%base", "%base,%index,scale", ",%index,8". */
static bool parse_inside(const char *p, size_t len, struct operand *o)
{
	size_t n = 0;

	while (n < len && p[n] != ',')
		n++;
	if (n > 0) {
		o->has_base = true;
		if (p[0] != '%' || !register_named(p + 1, n - 1, &o->base))
			return false;
	}
	if (n == len)
		return o->has_base;
	p += n + 1;
	len -= n + 1;
	for (n = 0; n < len && p[n] != ',';)
		n++;
	if (n < 2 || p[0] != '%' || !register_named(p + 1, n - 1, &o->index) || o->index.reg > 15)
		return false;
	o->has_index = true;
	o->scale = 1;
	if (n == len)
		return true;
	if (len - n != 2 || !strchr("1248", p[n + 1]))
		return false;
	o->scale = (uint8_t)(p[n + 1] - '0');
	return true;
}

static bool parse_memory(const char *p, size_t len, struct operand *o)
{
	const char *open = memchr(p, '(', len);
	size_t n = open ? (size_t)(open - p) : len;

	if (memchr(p, ':', len) || memchr(p, '*', n) || !parse_disp(p, n, o))
		return false;
	if (!open)
		return true;
	return p[len - 1] == ')' && parse_inside(open + 1, len - n - 2, o);
}

static bool find_symbol(struct lp_module *m, const char *name, uint64_t *ret)
{
	int n = dwfl_module_getsymtab(m->dwfl_module);
	GElf_Sym sym;

	for (int i = 1; i < n; i++) {
		const char *have = dwfl_module_getsym(m->dwfl_module, i, &sym, NULL);
		if (!have || sym.st_shndx == SHN_UNDEF || strcmp(have, name) != 0)
			continue;
		*ret = sym.st_value;
		return true;
	}
	return false;
}

static bool locate_memory(struct lp_native_scope *s, struct operand *o, struct lp_emit *e,
			  struct lp_loc *ret)
{
	uint64_t symbol = 0;

	if (o->has_symbol && !find_symbol(s->module, o->symbol, &symbol))
		return false;
	o->disp = (int64_t)((uint64_t)o->disp + symbol);
	if (o->has_symbol || (o->has_base && o->base.reg == 16)) {
		/* with a symbol, %rip only says that it is relative */
		if (!o->has_symbol || o->has_index || (o->has_base && o->base.reg != 16))
			return false;
		*ret = lp_location_link(e, (uint64_t)o->disp);
		return true;
	}
	if (o->has_base && !o->has_index) {
		*ret = (struct lp_loc){ .kind = LP_LOC_MEM_MACH,
					.reg = o->base.reg,
					.disp = o->disp };
		return true;
	}

	uint8_t r = lp_emit_reg(e);
	*ret = (struct lp_loc){ .kind = LP_LOC_MEM, .reg = r, .disp = o->disp };
	if (!o->has_index) {
		lp_emit(e, IMM, .dst = r, .imm = 0);
		return true;
	}
	lp_emit(e, REG, .dst = r, .b = o->index.reg);
	lp_emit(e, MULI, .dst = r, .a = r, .imm = o->scale);
	if (o->has_base) {
		uint8_t b = lp_emit_reg(e);
		lp_emit(e, REG, .dst = b, .b = o->base.reg);
		lp_emit(e, ADD, .dst = r, .a = r, .b = b);
		lp_emit_release(e, b);
	}
	return true;
}

static bool locate_register(const char *p, size_t len, struct lp_emit *e, struct lp_loc *ret)
{
	struct reg_name reg;

	if (!register_named(p, len, &reg))
		return false;
	*ret = lp_location_register(reg.reg);
	if (reg.shift == 0)
		return true;
	*ret = (struct lp_loc){ .kind = LP_LOC_VALUE, .reg = lp_emit_reg(e) };
	lp_emit(e, REG, .dst = ret->reg, .b = reg.reg);
	lp_emit(e, BITS, .dst = ret->reg, .a = ret->reg, .imm = LP_BITS(reg.shift, 8, 0));
	return true;
}

int lp_usdt_locate(struct lp_native_scope *s, unsigned int n, struct lp_emit *e, struct lp_loc *ret)
{
	struct argument a;
	struct operand o = { 0 };
	bool ok = false;

	*ret = lp_location_none(LP_ST_UNAVAILABLE);
	if (!nth(s->usdt_args, n, &a) || a.len == 0)
		return 0;
	if (a.op[0] == '%' && !memchr(a.op, ':', a.len)) {
		ok = locate_register(a.op + 1, a.len - 1, e, ret);
	} else if (a.op[0] == '$') {
		ok = parse_disp(a.op + 1, a.len - 1, &o) && !o.has_symbol;
		if (ok) {
			*ret = (struct lp_loc){ .kind = LP_LOC_CONST };
			ret->bytes = lp_arena_dup(&s->arena, &o.disp, sizeof(o.disp));
			ret->len = (size_t)(a.size < 0 ? -a.size : a.size);
			return ret->bytes ? 0 : -ENOMEM;
		}
	} else {
		ok = parse_memory(a.op, a.len, &o) && locate_memory(s, &o, e, ret);
	}
	if (!ok)
		*ret = lp_location_none(LP_ST_UNAVAILABLE);
	return 0;
}
