// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "native/result.h"
#include "native/scope_abi.h"
#include "native/scope_impl.h"

static struct lp_native_scope *native(struct lp_scope *base)
{
	return (struct lp_native_scope *)base;
}

static struct lp_loc none(enum lp_status why)
{
	return lp_location_none(why);
}

/* The value in registers of the calling convention; what is in vectors can't be read. */
static int in_registers(struct lp_native_scope *s, const struct lp_abi_value *v, uint64_t size,
			struct lp_loc *ret)
{
	if (v->n == 1) {
		*ret = v->regs[0] == LP_ABI_VECTOR ? none(LP_ST_UNAVAILABLE)
						   : lp_location_register(v->regs[0]);
		return 0;
	}

	struct lp_piece *pieces = lp_arena_array(&s->arena, struct lp_piece, v->n);
	if (!pieces)
		return -ENOMEM;
	for (unsigned int i = 0; i < v->n; i++) {
		uint64_t bytes = size - 8 * i < 8 ? size - 8 * i : 8;
		pieces[i].bit_size = (uint32_t)bytes * 8;
		pieces[i].loc = v->regs[i] == LP_ABI_VECTOR ? none(LP_ST_UNAVAILABLE)
							    : lp_location_register(v->regs[i]);
	}
	*ret = (struct lp_loc){ .kind = LP_LOC_PIECES, .pieces = pieces, .n_pieces = v->n };
	return 0;
}

static int by_convention(struct lp_native_scope *s, const struct lp_abi_value *v, uint64_t size,
			 struct lp_emit *e, struct lp_loc *ret)
{
	int r;

	switch (v->kind) {
	case LP_ABI_REGS:
		return in_registers(s, v, size, ret);
	case LP_ABI_POINTER:
		*ret = (struct lp_loc){ .kind = LP_LOC_MEM_MACH, .reg = v->regs[0] };
		return 0;
	case LP_ABI_STACK:
		return lp_location_cfa(&s->at, v->offset, e, ret);
	case LP_ABI_POINTER_ON_STACK:
		r = lp_location_cfa(&s->at, v->offset, e, ret);
		if (r < 0 || ret->kind != LP_LOC_MEM_MACH)
			return r;
		struct lp_loc at = *ret;
		*ret = (struct lp_loc){ .kind = LP_LOC_MEM, .reg = lp_emit_reg(e) };
		lp_emit(e, LOADM, .dst = ret->reg, .b = at.reg, .n = 8, .imm = (uint64_t)at.disp);
		return 0;
	case LP_ABI_NOTHING:
		*ret = none(LP_ST_OPTIMIZED_OUT);
		return 0;
	case LP_ABI_UNKNOWN:
		break;
	}
	*ret = none(LP_ST_UNAVAILABLE);
	return 0;
}

/* A copy that the compiler made for some callers, with an interface of its own. */
static bool is_clone(struct lp_native_scope *s)
{
	static const char *const marks[] = { ".isra", ".constprop", ".part", ".cold", ".llvm." };
	GElf_Sym sym;
	const char *name = lp_module_symbol_at(s->module, s->vaddr, &sym);

	for (size_t i = 0; name && i < LP_ARRAY_SIZE(marks); i++)
		if (strstr(name, marks[i]))
			return true;
	return false;
}

static bool in_list(Dwarf_Attribute *attr)
{
	switch (dwarf_whatform(attr)) {
	case DW_FORM_exprloc:
	case DW_FORM_block:
	case DW_FORM_block1:
	case DW_FORM_block2:
	case DW_FORM_block4:
		return false;
	default:
		return true;
	}
}

/* A static function is only called as the convention says where the compiler has not optimised
 * it: every parameter then lies in the frame for the whole function.
 */
static bool is_plain(struct lp_native_scope *s)
{
	Dwarf_Attribute mem;
	Dwarf_Op *ops;
	Dwarf_Die c;
	size_t n;

	for (bool ok = lp_die_first(&s->body, &c); ok; ok = lp_die_next(&c)) {
		if (dwarf_tag(&c) != DW_TAG_formal_parameter)
			continue;
		if (!lp_die_attr(&c, DW_AT_location, &mem) || in_list(&mem) ||
		    dwarf_getlocation(&mem, &ops, &n) != 0 || n == 0 || ops[0].atom != DW_OP_fbreg)
			return false;
	}
	return true;
}

static bool has_convention(struct lp_native_scope *s)
{
	uint64_t cc;
	int lang = lp_die_lang(&s->body);

	if (s->inlined || s->module->machine != EM_X86_64 ||
	    (!lp_lang_is_c(lang) && !lp_lang_is_cxx(lang)))
		return false;
	if (lp_die_const(&s->body, DW_AT_calling_convention, &cc) && cc != DW_CC_normal)
		return false;
	return !is_clone(s) && (lp_die_flag(&s->body, DW_AT_external) || is_plain(s));
}

/* Which parameter of the subprogram a DIE is; -1: none. */
static int parameter_index(struct lp_native_scope *s, const Dwarf_Die *die)
{
	Dwarf_Die c;
	int index = 0;

	for (bool ok = lp_die_first(&s->body, &c); ok; ok = lp_die_next(&c)) {
		if (dwarf_tag(&c) != DW_TAG_formal_parameter)
			continue;
		if (c.addr == die->addr)
			return index;
		index++;
	}
	return -1;
}

/* Above the call frame address lies what the caller has stored before the call. */
static bool is_callers(struct lp_native_scope *s, const Dwarf_Op *op)
{
	Dwarf_Op *base;
	size_t n;

	return op->atom == DW_OP_fbreg && (int64_t)op->number >= 0 && s->at.frame_base &&
	       dwarf_getlocation_addr(s->at.frame_base, s->vaddr, &base, &n, 1) == 1 && n == 1 &&
	       base[0].atom == DW_OP_call_frame_cfa;
}

/* Before the frame is complete. `single`: the one expression that holds in the whole function. */
static int in_prologue(struct lp_native_scope *s, const Dwarf_Die *die, const Dwarf_Op *single,
		       uint64_t size, struct lp_emit *e, struct lp_loc *ret, bool *ret_done)
{
	struct lp_abi_value v = { 0 }, usual = { 0 };
	int index = parameter_index(s, die);

	*ret_done = true;
	if (index >= 0)
		usual = lp_abi_parameter(s->types, &s->body, (size_t)index);
	if (has_convention(s))
		v = usual;
	/* the caller's register is the variable's own, whatever else the convention is */
	bool stays = usual.kind == LP_ABI_REGS && usual.n == 1 && single->atom >= DW_OP_reg0 &&
		     single->atom <= DW_OP_reg15 && usual.regs[0] == single->atom - DW_OP_reg0;
	if (stays || is_callers(s, single)) {
		*ret_done = false;
		return 0;
	}
	/* never stored elsewhere, so it can be read where the caller put it all the time */
	if (v.kind == LP_ABI_STACK || v.kind == LP_ABI_POINTER_ON_STACK || s->entry_state)
		if (index >= 0)
			return by_convention(s, &v, size, e, ret);
	*ret = none(LP_ST_UNAVAILABLE);
	return 0;
}

static bool needs_frame(const Dwarf_Op *ops, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned int a = ops[i].atom;
		if (a == DW_OP_fbreg || a == DW_OP_bregx || a == DW_OP_regx ||
		    a == DW_OP_call_frame_cfa || (a >= DW_OP_reg0 && a <= DW_OP_breg31))
			return true;
	}
	return false;
}

static int at_location(struct lp_native_scope *s, Dwarf_Die *die, Dwarf_Attribute *attr,
		       uint64_t size, struct lp_emit *e, struct lp_loc *ret)
{
	bool done = false;
	Dwarf_Op *ops;
	size_t n;

	if (s->in_prologue && !in_list(attr) && dwarf_getlocation(attr, &ops, &n) == 0 && n > 0 &&
	    needs_frame(ops, n)) {
		int r = in_prologue(s, die, &ops[0], size, e, ret, &done);
		if (r < 0 || done)
			return r;
	}
	return lp_location_of(&s->at, die, attr, size, e, ret);
}

/* DW_AT_const_value: a number, a block of bytes or a string. */
static int at_constant(struct lp_native_scope *s, Dwarf_Attribute *attr, uint64_t size,
		       struct lp_loc *ret)
{
	Dwarf_Block block;
	const char *text;
	int64_t v[2];

	*ret = (struct lp_loc){ .kind = LP_LOC_CONST };
	if (lp_attr_number(attr, &v[0])) {
		/* only the signed forms say what comes above 64 bits */
		v[1] = v[0] < 0 && (dwarf_whatform(attr) == DW_FORM_sdata ||
				    dwarf_whatform(attr) == DW_FORM_implicit_const)
			       ? -1
			       : 0;
		ret->bytes = lp_arena_dup(&s->arena, v, sizeof(v));
		ret->len = size && size < sizeof(v) ? size : sizeof(v);
		return ret->bytes ? 0 : -ENOMEM;
	}
	if (dwarf_formblock(attr, &block) == 0) {
		ret->bytes = block.data;
		ret->len = block.length;
	} else if ((text = dwarf_formstring(attr)) != NULL) {
		ret->bytes = text;
		ret->len = strlen(text) + 1;
	} else {
		*ret = none(LP_ST_UNAVAILABLE);
		return 0;
	}
	if (ret->len < size)
		*ret = none(LP_ST_UNAVAILABLE);
	return 0;
}

static bool symbol_value(Elf *elf, Elf_Scn *scn, const GElf_Shdr *shdr, const char *name,
			 uint64_t *ret)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	size_t n = data && shdr->sh_entsize ? data->d_size / shdr->sh_entsize : 0;
	GElf_Sym sym;

	for (size_t i = 0; i < n && gelf_getsym(data, (int)i, &sym); i++) {
		const char *have = elf_strptr(elf, shdr->sh_link, sym.st_name);
		if (!have || sym.st_shndx == SHN_UNDEF || strcmp(have, name) != 0 ||
		    GELF_ST_TYPE(sym.st_info) != STT_OBJECT)
			continue;
		*ret = sym.st_value;
		return true;
	}
	return false;
}

/* A variable of another module that the linker gave a place in this one (a copy relocation). */
static bool copied_here(struct lp_module *m, const char *name, uint64_t *ret)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;

	while ((scn = elf_nextscn(m->elf, scn)) != NULL)
		if (gelf_getshdr(scn, &shdr) && shdr.sh_type == SHT_DYNSYM &&
		    symbol_value(m->elf, scn, &shdr, name, ret))
			return true;
	return false;
}

/* The slot that the loader fills with the address of another module's variable. */
static bool slot_of_symbol(struct lp_module *m, const char *name, uint64_t *ret)
{
	Elf_Scn *scn = NULL, *symbols;
	GElf_Shdr shdr, sym_shdr;

	while ((scn = elf_nextscn(m->elf, scn)) != NULL) {
		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type != SHT_RELA || !shdr.sh_entsize ||
		    !(symbols = elf_getscn(m->elf, shdr.sh_link)) ||
		    !gelf_getshdr(symbols, &sym_shdr))
			continue;
		Elf_Data *data = elf_getdata(scn, NULL), *syms = elf_getdata(symbols, NULL);
		GElf_Rela rela;
		GElf_Sym sym;

		for (int i = 0; data && syms && gelf_getrela(data, i, &rela); i++) {
			if (GELF_R_TYPE(rela.r_info) != R_X86_64_GLOB_DAT ||
			    !gelf_getsym(syms, (int)GELF_R_SYM(rela.r_info), &sym))
				continue;
			const char *have = elf_strptr(m->elf, sym_shdr.sh_link, sym.st_name);
			if (!have || strcmp(have, name) != 0)
				continue;
			*ret = rela.r_offset;
			return true;
		}
	}
	return false;
}

/* This module has the definition, but nothing is left of it. */
static bool defined_here(struct lp_native_scope *s, Dwarf_Die *declared)
{
	const char *name = dwarf_diename(declared);
	Dwarf_Die found;

	return s->names && name &&
	       lp_names_anywhere(s->names, name, strlen(name), LP_NAME_VARIABLE, &found);
}

/* A variable that another module defines. */
static int elsewhere(struct lp_native_scope *s, Dwarf_Die *die, struct lp_emit *e,
		     struct lp_loc *ret)
{
	const char *linkage = dwarf_diename(die);
	Dwarf_Attribute mem;
	uint64_t vaddr;

	if (lp_die_attr(die, DW_AT_linkage_name, &mem))
		linkage = dwarf_formstring(&mem);
	if (linkage && copied_here(s->module, linkage, &vaddr)) {
		*ret = lp_location_link(e, vaddr);
	} else if (linkage && slot_of_symbol(s->module, linkage, &vaddr)) {
		*ret = lp_location_link(e, vaddr);
		lp_emit(e, LOAD, .dst = ret->reg, .a = ret->reg, .n = 8, .imm = vaddr);
		ret->disp = 0;
	} else {
		*ret = none(defined_here(s, die) ? LP_ST_OPTIMIZED_OUT : LP_ST_UNAVAILABLE);
	}
	return 0;
}

static int locate_die(struct lp_native_scope *s, Dwarf_Die *die, uint64_t size, struct lp_emit *e,
		      struct lp_loc *ret)
{
	Dwarf_Attribute mem;
	Dwarf_Addr entry;
	Dwarf_Die definition;

	if (dwarf_tag(die) == DW_TAG_subprogram) {
		*ret = none(LP_ST_OPTIMIZED_OUT);
		if (dwarf_entrypc(die, &entry) == 0)
			*ret = lp_location_link(e, entry);
		return 0;
	}
	if (lp_die_attr(die, DW_AT_location, &mem))
		return at_location(s, die, &mem, size, e, ret);
	if (lp_die_attr(die, DW_AT_const_value, &mem))
		return at_constant(s, &mem, size, ret);
	if ((lp_die_flag(die, DW_AT_external) || dwarf_tag(die) == DW_TAG_variable) && s->names &&
	    lp_names_definition(s->names, die, &definition)) {
		if (lp_die_attr(&definition, DW_AT_location, &mem))
			return at_location(s, &definition, &mem, size, e, ret);
		if (lp_die_attr(&definition, DW_AT_const_value, &mem))
			return at_constant(s, &mem, size, ret);
	}
	if (lp_die_flag(die, DW_AT_declaration))
		return elsewhere(s, die, e, ret);
	*ret = none(LP_ST_OPTIMIZED_OUT);
	return 0;
}

/* A member of what `this` points to. */
static int locate_member(struct lp_native_scope *s, const struct lp_variable *v, struct lp_emit *e,
			 struct lp_loc *ret)
{
	struct lp_piece *piece;
	Dwarf_Die this = v->die;
	int64_t at = (int64_t)(v->bit_offset / 8);
	int r = locate_die(s, &this, 8, e, ret);

	if (r < 0 || ret->kind == LP_LOC_NONE)
		return r;
	struct lp_loc from = *ret;
	switch (v->is_virtual ? LP_LOC_NONE : from.kind) {
	case LP_LOC_VALUE_MACH:
		*ret = (struct lp_loc){ .kind = LP_LOC_MEM_MACH, .reg = from.reg, .disp = at };
		break;
	case LP_LOC_VALUE:
		*ret = (struct lp_loc){ .kind = LP_LOC_MEM, .reg = from.reg, .disp = at };
		break;
	case LP_LOC_MEM_MACH:
		*ret = (struct lp_loc){ .kind = LP_LOC_MEM, .reg = lp_emit_reg(e), .disp = at };
		lp_emit(e, LOADM, .dst = ret->reg, .b = from.reg, .n = 8,
			.imm = (uint64_t)from.disp);
		break;
	case LP_LOC_MEM:
		*ret = (struct lp_loc){ .kind = LP_LOC_MEM, .reg = from.reg, .disp = at };
		lp_emit(e, LOAD, .dst = from.reg, .a = from.reg, .n = 8,
			.imm = (uint64_t)from.disp);
		break;
	default:
		*ret = none(LP_ST_UNAVAILABLE);
		return 0;
	}
	if (!v->member->bit_size)
		return 0;
	piece = lp_arena_new(&s->arena, struct lp_piece);
	if (!piece)
		return -ENOMEM;
	*piece = (struct lp_piece){ .bit_size = v->member->bit_size,
				    .bit_offset = (uint32_t)(v->bit_offset % 8),
				    .loc = *ret };
	*ret = (struct lp_loc){ .kind = LP_LOC_PIECES, .pieces = piece, .n_pieces = 1 };
	return 0;
}

static int locate_result(struct lp_native_scope *s, const struct lp_type *type, uint64_t size,
			 struct lp_emit *e, struct lp_loc *ret)
{
	struct lp_abi_value v = lp_abi_result(type);
	unsigned int regs = lp_result_regs(&v);

	if (regs && s->has_function && !lp_result_kept(s->module, &s->body, regs)) {
		*ret = none(LP_ST_UNAVAILABLE);
		return 0;
	}
	return by_convention(s, &v, size, e, ret);
}

int lp_scope_locate(struct lp_scope *base, const struct lp_var *var, struct lp_emit *e,
		    struct lp_loc *ret, struct lp_err *err)
{
	struct lp_native_scope *s = native(base);
	const struct lp_variable *v = var->impl;
	uint64_t size = lp_type_strip(var->type)->size;
	Dwarf_Die die;
	int r = 0;

	*ret = none(LP_ST_OPTIMIZED_OUT);
	switch (v->kind) {
	case LP_VARIABLE_DIE:
		die = v->die;
		r = locate_die(s, &die, size, e, ret);
		break;
	case LP_VARIABLE_MEMBER:
		r = locate_member(s, v, e, ret);
		break;
	case LP_VARIABLE_RESULT:
		r = locate_result(s, var->type, size, e, ret);
		break;
	case LP_VARIABLE_USDT:
		r = lp_usdt_locate(s, (unsigned int)v->aux, e, ret);
		break;
	case LP_VARIABLE_REGISTER:
		*ret = lp_location_register((unsigned int)v->aux);
		break;
	}
	return r < 0 ? lp_err_nomem(err) : 0;
}

int lp_scope_caller(struct lp_scope *base, struct lp_emit *e, struct lp_loc *ret,
		    struct lp_err *err)
{
	struct lp_native_scope *s = native(base);

	/* right after the return, the program is where it was called from */
	if (s->half == LP_SCOPE_LEAVE) {
		*ret = (struct lp_loc){ .kind = LP_LOC_VALUE_MACH, .reg = 16 };
		return 0;
	}
	return lp_location_cfa(&s->at, -8, e, ret) < 0 ? lp_err_nomem(err) : 0;
}

static int plain_var(struct lp_native_scope *s, enum lp_variable_kind kind, uint64_t aux,
		     enum lp_var_kind var_kind, const char *name, const struct lp_type *type,
		     struct lp_var *ret)
{
	struct lp_variable *v = lp_arena_new(&s->arena, struct lp_variable);

	name = lp_arena_strdup(&s->arena, name);
	if (!v || !name)
		return -ENOMEM;
	v->kind = kind;
	v->aux = aux;
	*ret = (struct lp_var){ .kind = var_kind, .name = name, .type = type, .impl = v };
	return 0;
}

int lp_scope_result(struct lp_scope *base, struct lp_var *ret, struct lp_err *err)
{
	struct lp_native_scope *s = native(base);
	const struct lp_type *t = &lp_type_long;

	if (s->half != LP_SCOPE_LEAVE)
		return lp_err_set(err, ENOENT, "$return is known at `return` and `call` only");
	if (s->has_function) {
		t = lp_types_of_var(s->types, &s->function);
		if (!t)
			return lp_err_nomem(err);
		if (lp_type_strip(t)->kind == LP_TYPE_VOID)
			return lp_err_set(err, ENOENT, "'%s' returns nothing",
					  base->function ? base->function : "the function");
	}
	return plain_var(s, LP_VARIABLE_RESULT, 0, LP_VAR_RESULT, "$return", t, ret) < 0
		       ? lp_err_nomem(err)
		       : 0;
}

/* $n of a function with DWARF: its n-th parameter. */
static int nth_parameter(struct lp_native_scope *s, unsigned int n, struct lp_var *ret,
			 struct lp_err *err)
{
	unsigned int at = 0;
	Dwarf_Die c;

	for (bool ok = lp_die_first(&s->function, &c); ok; ok = lp_die_next(&c))
		if (dwarf_tag(&c) == DW_TAG_formal_parameter && ++at == n)
			return lp_scope_var(s, &c, LP_VAR_NUMBERED, ret) < 0 ? lp_err_nomem(err)
									     : 0;
	return lp_err_set(err, ENOENT, "there is no $%u: '%s' has %u parameter%s", n,
			  s->base.function ? s->base.function : "the function", at,
			  at == 1 ? "" : "s");
}

int lp_scope_numbered(struct lp_scope *base, unsigned int n, struct lp_var *ret, struct lp_err *err)
{
	static const uint8_t regs[] = { 5, 4, 1, 2, 8, 9 };
	struct lp_native_scope *s = native(base);
	const struct lp_type *t;
	char name[16];
	int r;

	snprintf(name, sizeof(name), "$%u", n);
	if (s->usdt_args) {
		r = lp_usdt_type(s, n, &t);
		if (r == -ENOENT)
			return lp_err_set(err, ENOENT, "the probe has no argument $%u (%s)", n,
					  *s->usdt_args ? s->usdt_args : "it has none");
		if (r == 0)
			r = plain_var(s, LP_VARIABLE_USDT, n, LP_VAR_NUMBERED, name, t, ret);
		return r < 0 ? lp_err_nomem(err) : 0;
	}
	if (s->has_function)
		return n ? nth_parameter(s, n, ret, err)
			 : lp_err_set(err, ENOENT, "there is no $0: arguments count from $1");
	if (n < 1 || n > LP_ARRAY_SIZE(regs))
		return lp_err_set(
			err, ENOENT,
			"there is no $%u: without debug information only $1 to $6 are known", n);
	if (s->half == LP_SCOPE_LEAVE || !s->entry_state)
		return lp_err_set(err, ENOENT,
				  "$%u is known at the function's entry only: no debug information",
				  n);
	r = plain_var(s, LP_VARIABLE_REGISTER, regs[n - 1], LP_VAR_NUMBERED, name, &lp_type_long,
		      ret);
	return r < 0 ? lp_err_nomem(err) : 0;
}
