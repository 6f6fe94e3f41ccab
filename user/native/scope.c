// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "native/scope_impl.h"
#include "native/die.h"

#define BLOCKS_MAX 64
#define PREFIX_MAX 1024

static struct lp_native_scope *native(struct lp_scope *base)
{
	return (struct lp_native_scope *)base;
}

static bool named(Dwarf_Die *die, const char *name, size_t len)
{
	const char *n = dwarf_diename(die);

	return n && strlen(n) == len && memcmp(n, name, len) == 0;
}

static bool is_variable(Dwarf_Die *die)
{
	int tag = dwarf_tag(die);

	return tag == DW_TAG_variable || tag == DW_TAG_formal_parameter || tag == DW_TAG_constant;
}

/* Lies at one address of the program, like a static variable of a function. */
static bool is_static(Dwarf_Die *die)
{
	Dwarf_Attribute mem;
	Dwarf_Op *ops;
	size_t n;

	if (lp_die_flag(die, DW_AT_external) || lp_die_flag(die, DW_AT_declaration))
		return true;
	if (!lp_die_attr(die, DW_AT_location, &mem) || dwarf_getlocation(&mem, &ops, &n) != 0)
		return false;
	return n > 0 && (ops[0].atom == DW_OP_addr || ops[0].atom == DW_OP_addrx ||
			 ops[n - 1].atom == DW_OP_form_tls_address ||
			 ops[n - 1].atom == DW_OP_GNU_push_tls_address);
}

static enum lp_var_kind kind_of(Dwarf_Die *die)
{
	if (dwarf_tag(die) == DW_TAG_formal_parameter)
		return LP_VAR_ARGUMENT;
	return is_static(die) ? LP_VAR_GLOBAL : LP_VAR_LOCAL;
}

int lp_scope_var(struct lp_native_scope *s, Dwarf_Die *die, enum lp_var_kind kind,
		 struct lp_var *ret)
{
	struct lp_variable *v = lp_arena_new(&s->arena, struct lp_variable);
	struct lp_var var = { .kind = kind, .name = dwarf_diename(die), .impl = v };

	if (!v)
		return -ENOMEM;
	v->die = *die;
	if (dwarf_tag(die) == DW_TAG_subprogram) {
		var.type = lp_types_of(s->types, die);
	} else if (dwarf_tag(die) == DW_TAG_enumerator) {
		Dwarf_Attribute mem;
		if (lp_die_attr(die, DW_AT_const_value, &mem))
			lp_attr_number(&mem, &var.constant);
		var.type = &lp_type_long;
	} else {
		var.type = lp_types_of_var(s->types, die);
	}
	if (!var.name)
		var.name = "";
	if (!var.type)
		return -ENOMEM;
	*ret = var;
	return 0;
}

static const struct lp_var *pointee(void *arg, Dwarf_Die *die)
{
	struct lp_native_scope *s = arg;
	struct lp_var *v = lp_arena_new(&s->arena, struct lp_var);

	return v && lp_scope_var(s, die, kind_of(die), v) == 0 ? v : NULL;
}

static int enumerator_var(struct lp_native_scope *s, Dwarf_Die *die, struct lp_var *ret)
{
	Dwarf_Die parent;
	int r = lp_scope_var(s, die, LP_VAR_CONSTANT, ret);

	if (r == 0 && lp_names_enumeration(s->names, die, &parent)) {
		ret->type = lp_types_of(s->types, &parent);
		r = ret->type ? 0 : -ENOMEM;
	}
	return r;
}

static int enumerator_in(struct lp_native_scope *s, Dwarf_Die *enumeration, const char *name,
			 size_t len, struct lp_var *ret)
{
	Dwarf_Die c;

	for (bool ok = lp_die_first(enumeration, &c); ok; ok = lp_die_next(&c)) {
		if (dwarf_tag(&c) != DW_TAG_enumerator || !named(&c, name, len))
			continue;
		int r = lp_scope_var(s, &c, LP_VAR_CONSTANT, ret);
		ret->type = r == 0 ? lp_types_of(s->types, enumeration) : NULL;
		return ret->type ? 0 : -ENOMEM;
	}
	return -ENOENT;
}

static int lookup_block(struct lp_native_scope *s, Dwarf_Die *block, const char *name, size_t len,
			struct lp_var *ret)
{
	Dwarf_Die c, origin;
	int r;

	for (bool ok = lp_die_first(block, &c); ok; ok = lp_die_next(&c)) {
		if (is_variable(&c) && named(&c, name, len))
			return lp_scope_var(s, &c, kind_of(&c), ret);
		if (dwarf_tag(&c) != DW_TAG_enumeration_type || lp_die_flag(&c, DW_AT_enum_class))
			continue;
		r = enumerator_in(s, &c, name, len, ret);
		if (r != -ENOENT)
			return r;
	}
	/* what a copy of the block does not mention is in its original: static variables, and
	 * those that nothing is left of
	 */
	if (lp_die_ref(block, DW_AT_abstract_origin, &origin) && origin.addr != block->addr)
		return lookup_block(s, &origin, name, len, ret);
	return -ENOENT;
}

static int find_member(const struct lp_type *type, const char *name, size_t len, int depth,
		       struct lp_variable *ret)
{
	const struct lp_type *t = lp_type_strip(type);

	if (depth > 16 || (t->kind != LP_TYPE_STRUCT && t->kind != LP_TYPE_UNION) ||
	    lp_type_complete(t, NULL) < 0)
		return -ENOENT;
	for (size_t i = 0; i < t->n_members; i++) {
		const struct lp_member *m = &t->members[i];
		if (!m->name || strlen(m->name) != len || memcmp(m->name, name, len) != 0)
			continue;
		ret->member = m;
		ret->bit_offset += m->bit_offset;
		ret->is_virtual |= m->is_virtual;
		return 0;
	}
	for (size_t i = 0; i < t->n_members; i++) {
		struct lp_variable deeper = *ret;
		if (t->members[i].name)
			continue;
		deeper.bit_offset += t->members[i].bit_offset;
		deeper.is_virtual |= t->members[i].is_virtual;
		if (find_member(t->members[i].type, name, len, depth + 1, &deeper) == 0) {
			*ret = deeper;
			return 0;
		}
	}
	return -ENOENT;
}

static int lookup_member(struct lp_native_scope *s, const char *name, size_t len,
			 struct lp_var *ret)
{
	struct lp_var this;
	int r = lookup_block(s, &s->function, "this", 4, &this);

	if (r < 0)
		return r;
	const struct lp_type *t = lp_type_strip(this.type);
	struct lp_variable found = *(const struct lp_variable *)this.impl;
	if (this.kind != LP_VAR_ARGUMENT || t->kind != LP_TYPE_POINTER || !t->target ||
	    find_member(t->target, name, len, 0, &found) < 0)
		return -ENOENT;

	found.kind = LP_VARIABLE_MEMBER;
	struct lp_variable *v = lp_arena_dup(&s->arena, &found, sizeof(found));
	if (!v)
		return -ENOMEM;
	*ret = (struct lp_var){
		.kind = LP_VAR_MEMBER, .name = v->member->name, .type = v->member->type, .impl = v
	};
	return 0;
}

/* fn for each of "ns::Cls::name", "ns::name", "name"; until it says true. */
static bool each_prefix(struct lp_native_scope *s, const char *name, size_t len, bool in_unit,
			unsigned int kinds, Dwarf_Die *ret)
{
	char text[PREFIX_MAX];
	size_t prefix = strlen(s->prefix);
	bool global = len > 2 && name[0] == ':' && name[1] == ':';

	if (global) {
		name += 2;
		len -= 2;
		prefix = 0;
	}
	for (;;) {
		int n = snprintf(text, sizeof(text), "%.*s%s%.*s", (int)prefix, s->prefix,
				 prefix ? "::" : "", (int)len, name);
		if (n > 0 && (size_t)n < sizeof(text) &&
		    (in_unit ? lp_names_in_unit(s->names, &s->unit, text, (size_t)n, kinds, ret)
			     : lp_names_anywhere(s->names, text, (size_t)n, kinds, ret)))
			return true;
		if (prefix == 0)
			return false;
		while (prefix > 0 && s->prefix[prefix - 1] != ':')
			prefix--;
		prefix = prefix >= 2 ? prefix - 2 : 0;
	}
}

static bool find_name(struct lp_native_scope *s, const char *name, size_t len, unsigned int kinds,
		      Dwarf_Die *ret)
{
	if (!s->names || len > PREFIX_MAX / 2)
		return false;
	return (s->has_unit && each_prefix(s, name, len, true, kinds, ret)) ||
	       each_prefix(s, name, len, false, kinds, ret);
}

/* Is what the unit tells of its variables in a file of its own (.dwo, .dwp)? */
static bool is_elsewhere(struct lp_native_scope *s)
{
	Dwarf_Attribute mem;
	Dwarf_Die unit;

	return lp_module_cu_at(s->module, s->vaddr, &unit) == 0 &&
	       (dwarf_attr(&unit, DW_AT_dwo_name, &mem) ||
		dwarf_attr(&unit, DW_AT_GNU_dwo_name, &mem));
}

static int lookup(struct lp_scope *base, const char *name, size_t len, struct lp_var *ret,
		  struct lp_err *err)
{
	struct lp_native_scope *s = native(base);
	Dwarf_Die die;
	int r = -ENOENT;

	for (size_t i = 0; i < s->blocks.len && r == -ENOENT; i++)
		r = lookup_block(s, &s->blocks.data[i], name, len, ret);
	if (r == -ENOENT && s->has_function)
		r = lookup_member(s, name, len, ret);
	if (r == -ENOENT &&
	    find_name(s, name, len, LP_NAME_VARIABLE | LP_NAME_ENUMERATOR | LP_NAME_FUNCTION, &die))
		r = dwarf_tag(&die) == DW_TAG_enumerator
			    ? enumerator_var(s, &die, ret)
			    : lp_scope_var(s, &die, LP_VAR_GLOBAL, ret);
	if (r == -ENOENT && is_elsewhere(s))
		return lp_err_set(err, ENOTSUP,
				  "'%.*s' is not known: debug information in files of its own "
				  "(-gsplit-dwarf: .dwo, .dwp) is not supported",
				  (int)len, name);
	return r == -ENOMEM ? lp_err_nomem(err) : r;
}

/* "struct x": the name without its keyword. */
static const char *without_keyword(const char *name, size_t *len, bool *ret_tag)
{
	static const char *const words[] = { "struct ", "union ", "enum ", "class " };

	*ret_tag = false;
	for (size_t i = 0; i < LP_ARRAY_SIZE(words); i++) {
		size_t n = strlen(words[i]);
		if (*len <= n || memcmp(name, words[i], n) != 0)
			continue;
		*ret_tag = true;
		*len -= n;
		name += n;
	}
	while (*len && *name == ' ') {
		name++;
		--*len;
	}
	return name;
}

static bool block_type(Dwarf_Die *block, const char *name, size_t len, bool tag_only,
		       Dwarf_Die *ret)
{
	for (bool ok = lp_die_first(block, ret); ok; ok = lp_die_next(ret)) {
		switch (dwarf_tag(ret)) {
		case DW_TAG_typedef:
			if (tag_only)
				break;
			/* fallthrough */
		case DW_TAG_structure_type:
		case DW_TAG_class_type:
		case DW_TAG_union_type:
		case DW_TAG_enumeration_type:
			if (named(ret, name, len))
				return true;
		}
	}
	return false;
}

static int find_type(struct lp_scope *base, const char *name, size_t len,
		     const struct lp_type **ret, struct lp_err *err)
{
	struct lp_native_scope *s = native(base);
	const struct lp_type *t = NULL;
	Dwarf_Die die;
	bool tag;

	name = without_keyword(name, &len, &tag);

	bool found = false;
	for (size_t i = 0; i < s->blocks.len && !found; i++)
		found = block_type(&s->blocks.data[i], name, len, tag, &die);
	if (!found)
		found = find_name(s, name, len, tag ? LP_NAME_TAG : LP_NAME_TAG | LP_NAME_TYPE,
				  &die);
	if (found)
		t = lp_types_of(s->types, &die);
	else if (!tag)
		t = lp_types_builtin(s->types, name, len);
	if (!t)
		return found ? lp_err_nomem(err) : -ENOENT;
	*ret = t;
	return 0;
}

static const struct lp_type *pointer_to(struct lp_scope *base, const struct lp_type *t)
{
	return lp_types_pointer_to(native(base)->types, t);
}

struct each {
	struct lp_native_scope *scope;
	LP_VEC(const char *) seen;
	int (*fn)(const struct lp_var *v, void *arg);
	void *arg;
};

/* fn for a variable whose name no inner one has. */
static int each_one(struct each *e, Dwarf_Die *die, enum lp_var_kind kind)
{
	const char *name = dwarf_diename(die);
	struct lp_var v;

	if (!name)
		return 0;
	lp_vec_each (&e->seen, seen)
		if (!strcmp(*seen, name))
			return 0;
	if (lp_vec_push(&e->seen, name) < 0)
		return -ENOMEM;
	int r = lp_scope_var(e->scope, die, kind, &v);
	return r < 0 ? r : e->fn(&v, e->arg);
}

static int each_in_block(struct each *e, Dwarf_Die *block, unsigned int what)
{
	Dwarf_Die c, origin;
	int r = 0;

	for (bool ok = lp_die_first(block, &c); ok && r == 0; ok = lp_die_next(&c)) {
		bool argument = dwarf_tag(&c) == DW_TAG_formal_parameter;
		if (!is_variable(&c) || !(what & (argument ? LP_EACH_ARGUMENTS : LP_EACH_LOCALS)))
			continue;
		/* __func__ and the like are the compiler's */
		if (!argument && lp_die_flag(&c, DW_AT_artificial))
			continue;
		if (!argument && lp_die_flag(&c, DW_AT_declaration))
			continue;
		r = each_one(e, &c, kind_of(&c));
	}
	if (r == 0 && lp_die_ref(block, DW_AT_abstract_origin, &origin) &&
	    origin.addr != block->addr)
		r = each_in_block(e, &origin, what);
	return r;
}

static int each_global(Dwarf_Die *die, const char *scope, void *arg)
{
	(void)scope;
	if (lp_die_flag(die, DW_AT_artificial))
		return 0;
	return each_one(arg, die, LP_VAR_GLOBAL);
}

static int each(struct lp_scope *base, unsigned int what,
		int (*fn)(const struct lp_var *v, void *arg), void *arg)
{
	struct lp_native_scope *s = native(base);
	struct each e = { .scope = s, .fn = fn, .arg = arg };
	int r = 0;

	for (size_t i = 0; i < s->blocks.len && r == 0; i++)
		r = each_in_block(&e, &s->blocks.data[i], what);
	if (r == 0 && (what & LP_EACH_GLOBALS) && s->has_unit)
		r = lp_names_each_variable(s->names, &s->unit, each_global, &e);
	lp_vec_done(&e.seen);
	return r;
}

static void scope_free(struct lp_scope *base)
{
	struct lp_native_scope *s = native(base);

	lp_vec_done(&s->blocks);
	lp_arena_done(&s->arena);
	free(s);
}

static const struct lp_scope_ops native_ops = {
	.lookup = lookup,
	.locate = lp_scope_locate,
	.find_type = find_type,
	.pointer_to = pointer_to,
	.each = each,
	.result = lp_scope_result,
	.numbered = lp_scope_numbered,
	.caller = lp_scope_caller,
	.free = scope_free,
};

/* The blocks that contain the address, from the function's own inwards; not into other functions
 * that are inlined there.
 */
static int find_blocks(struct lp_native_scope *s)
{
	Dwarf_Die path[BLOCKS_MAX], c;
	size_t n = 0;

	path[n++] = s->function;
	for (bool deeper = true; deeper && n < BLOCKS_MAX && s->half != LP_SCOPE_LEAVE;) {
		deeper = false;
		for (bool ok = lp_die_first(&path[n - 1], &c); ok; ok = lp_die_next(&c)) {
			int tag = dwarf_tag(&c);
			if ((tag != DW_TAG_lexical_block && tag != DW_TAG_try_block &&
			     tag != DW_TAG_catch_block) ||
			    dwarf_haspc(&c, s->vaddr) != 1)
				continue;
			path[n++] = c;
			deeper = true;
			break;
		}
	}
	while (n > 0)
		if (lp_vec_push(&s->blocks, path[--n]) < 0)
			return -ENOMEM;
	return 0;
}

static int find_function(struct lp_native_scope *s, uint64_t offset)
{
	Dwarf_Die scopes[LP_DIE_DEPTH], origin;

	if (!offset || !dwarf_offdie(lp_module_dwarf(s->module), offset, &s->function))
		return 0;
	s->inlined = dwarf_tag(&s->function) == DW_TAG_inlined_subroutine;
	s->body = s->function;

	int n = s->inlined ? lp_die_path(&s->function, scopes) : 0;
	while (n > 0 && dwarf_tag(&scopes[n]) != DW_TAG_subprogram)
		n--;
	if (n > 0)
		s->body = scopes[n];
	if (dwarf_tag(&s->body) != DW_TAG_subprogram)
		return 0;
	s->has_function = true;
	lp_die_origin(&s->function, &origin);
	s->unit = origin;
	s->has_unit = true;
	s->prefix = lp_names_scope(s->names, &origin);
	return find_blocks(s);
}

int lp_scope_open(struct lp_module *m, const struct lp_place *place, enum lp_scope_half half,
		  struct lp_scope **ret, struct lp_err *err)
{
	struct lp_native_scope *s = calloc(1, sizeof(*s));

	if (!s)
		return lp_err_nomem(err);
	lp_auto(lp_scope_free) struct lp_scope *base = &s->base;
	s->base = (struct lp_scope){ .ops = &native_ops,
				     .function = place->function,
				     .file = place->file,
				     .line = place->line };
	s->module = m;
	s->vaddr = place->vaddr;
	s->half = half;
	s->usdt_args = place->usdt_args;
	s->prefix = "";
	s->types = lp_types_get(m);
	if (!s->types)
		return lp_err_nomem(err);
	s->names = lp_types_names(s->types);
	s->at = (struct lp_loc_at){ .module = m,
				    .vaddr = place->vaddr,
				    .arena = &s->arena,
				    .pointee = pointee,
				    .pointee_arg = s };
	if (s->names && find_function(s, place->function_die) < 0)
		return lp_err_nomem(err);
	if (s->names && !s->has_unit && lp_module_cu_at(m, place->vaddr, &s->unit) == 0)
		s->has_unit = true;
	lp_scope_frame(s);
	*ret = lp_take(base);
	return 0;
}
