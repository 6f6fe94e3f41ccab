/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/unit/fake_scope.h
 *
 * fake_scope - a scope without a program: types of real structs, and variables in every kind of
 * location. What a test reads through it lies in the test's own memory.
 */
#ifndef LP_TESTS_FAKE_SCOPE_H
#define LP_TESTS_FAKE_SCOPE_H

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "expr/compile.h"

enum state { IDLE, BUSY = 5, BROKEN = -1 };

struct peer {
	const char *name;
	unsigned short port;
};

struct base {
	int base_id;
	char tag[8];
};

struct req {
	struct base base; /* a base class */
	unsigned long id;
	const char *path;
	int status;
	enum state state;
	unsigned int retries : 3, cached : 1;
	int drift : 5;
	unsigned long wide : 40;
	struct peer *peer;
	double took;
	float load;
	unsigned char body[8];
	short grid[2][3];
	char name[16];
	struct {
		int anon;
	};
	struct peer inner;
	const char *password;
	signed char sc;
	unsigned char uc;
	short sh;
	unsigned short us;
	unsigned int u;
	long l;
	_Bool ok;
	long double ld;
	struct req *next;
};

#define FAKE_INT(bytes, sign, text)                                                                \
	{                                                                                          \
		.kind = LP_TYPE_INT, .is_signed = (sign), .complete = true, .size = (bytes),       \
		.name = (text)                                                                     \
	}
#define FAKE_POINTER(to, text)                                                                     \
	{                                                                                          \
		.kind = LP_TYPE_POINTER, .complete = true, .size = 8, .name = (text),              \
		.target = (to)                                                                     \
	}
#define FAKE_ARRAY(of, n, bytes, text)                                                             \
	{                                                                                          \
		.kind = LP_TYPE_ARRAY, .complete = true, .size = (bytes), .name = (text),          \
		.target = (of), .count = (n)                                                       \
	}
#define FAKE_STRUCT(list, bytes, text)                                                             \
	{                                                                                          \
		.kind = LP_TYPE_STRUCT, .complete = true, .size = (bytes), .name = (text),         \
		.members = (list), .n_members = LP_ARRAY_SIZE(list)                                \
	}

static struct lp_type fake_req;
static const struct lp_type fake_schar = FAKE_INT(1, true, "signed char"),
			    fake_uchar = FAKE_INT(1, false, "unsigned char"),
			    fake_short = FAKE_INT(2, true, "short"),
			    fake_ushort = FAKE_INT(2, false, "unsigned short"),
			    fake_ulong = FAKE_INT(8, false, "unsigned long"),
			    fake_char_ptr = FAKE_POINTER(&lp_type_char, "const char *"),
			    fake_req_ptr = FAKE_POINTER(&fake_req, "struct req *"),
			    fake_opaque = { .kind = LP_TYPE_UNKNOWN, .name = "struct opaque" },
			    fake_opaque_ptr = FAKE_POINTER(&fake_opaque, "struct opaque *"),
			    fake_tag = FAKE_ARRAY(&lp_type_char, 8, 8, "char [8]"),
			    fake_name = FAKE_ARRAY(&lp_type_char, 16, 16, "char [16]"),
			    fake_body = FAKE_ARRAY(&fake_uchar, 8, 8, "unsigned char [8]"),
			    fake_row = FAKE_ARRAY(&fake_short, 3, 6, "short [3]"),
			    fake_grid = FAKE_ARRAY(&fake_row, 2, 12, "short [2][3]");
static const struct lp_type fake_long_double = {
	.kind = LP_TYPE_FLOAT, .complete = true, .size = 16, .name = "long double"
};
static const struct lp_type fake_req_ref = { .kind = LP_TYPE_REFERENCE,
					     .complete = true,
					     .size = 8,
					     .name = "struct req &",
					     .target = &fake_req };
static struct lp_enumerator fake_states[] = { { "IDLE", 0 }, { "BUSY", 5 }, { "BROKEN", -1 } };
static const struct lp_type fake_state = { .kind = LP_TYPE_ENUM,
					   .is_signed = true,
					   .complete = true,
					   .size = 4,
					   .name = "enum state",
					   .enumerators = fake_states,
					   .n_enumerators = 3 };
static const struct lp_type fake_state_t = { .kind = LP_TYPE_TYPEDEF,
					     .complete = true,
					     .size = 4,
					     .name = "state_t",
					     .target = &fake_state };

#define FAKE_MEMBER(whole, of, member)                                                             \
	{                                                                                          \
		.name = #member, .type = (of), .bit_offset = offsetof(whole, member) * 8           \
	}
#define FAKE_BIT_FIELD(text, of, at, bits)                                                         \
	{                                                                                          \
		.name = (text), .type = (of), .bit_offset = (at), .bit_size = (bits)               \
	}

static struct lp_member fake_peer_members[] = {
	FAKE_MEMBER(struct peer, &fake_char_ptr, name),
	FAKE_MEMBER(struct peer, &fake_ushort, port),
};
static const struct lp_type fake_peer =
	FAKE_STRUCT(fake_peer_members, sizeof(struct peer), "struct peer");
static const struct lp_type fake_peer_ptr = FAKE_POINTER(&fake_peer, "struct peer *");
static struct lp_member fake_base_members[] = {
	FAKE_MEMBER(struct base, &lp_type_int, base_id),
	FAKE_MEMBER(struct base, &fake_tag, tag),
};
static const struct lp_type fake_base = FAKE_STRUCT(fake_base_members, sizeof(struct base), "base");
static struct lp_member fake_vbase_members[] = { FAKE_BIT_FIELD("virtually", &lp_type_int, 0, 0) };
static const struct lp_type fake_vbase = FAKE_STRUCT(fake_vbase_members, 4, "vbase");
static struct lp_member fake_anon_members[] = { FAKE_BIT_FIELD("anon", &lp_type_int, 0, 0) };
static const struct lp_type fake_anon = FAKE_STRUCT(fake_anon_members, 4, "struct {...}");

#define FAKE_BITS (offsetof(struct req, state) * 8 + 32)

static struct lp_member fake_req_members[] = {
	{ .name = "base", .type = &fake_base, .is_base = true },
	{ .name = "vbase", .type = &fake_vbase, .is_base = true, .is_virtual = true },
	FAKE_MEMBER(struct req, &fake_ulong, id),
	FAKE_MEMBER(struct req, &fake_char_ptr, path),
	FAKE_MEMBER(struct req, &lp_type_int, status),
	FAKE_MEMBER(struct req, &fake_state_t, state),
	FAKE_BIT_FIELD("retries", &lp_type_uint, FAKE_BITS, 3),
	FAKE_BIT_FIELD("cached", &lp_type_uint, FAKE_BITS + 3, 1),
	FAKE_BIT_FIELD("drift", &lp_type_int, FAKE_BITS + 4, 5),
	FAKE_BIT_FIELD("wide", &fake_ulong, FAKE_BITS + 9, 40),
	FAKE_MEMBER(struct req, &fake_peer_ptr, peer),
	FAKE_MEMBER(struct req, &lp_type_double, took),
	FAKE_MEMBER(struct req, &lp_type_float, load),
	FAKE_MEMBER(struct req, &fake_body, body),
	FAKE_MEMBER(struct req, &fake_grid, grid),
	FAKE_MEMBER(struct req, &fake_name, name),
	FAKE_BIT_FIELD(NULL, &fake_anon, offsetof(struct req, anon) * 8, 0),
	FAKE_MEMBER(struct req, &fake_peer, inner),
	FAKE_MEMBER(struct req, &fake_char_ptr, password),
	FAKE_MEMBER(struct req, &fake_schar, sc),
	FAKE_MEMBER(struct req, &fake_uchar, uc),
	FAKE_MEMBER(struct req, &fake_short, sh),
	FAKE_MEMBER(struct req, &fake_ushort, us),
	FAKE_MEMBER(struct req, &lp_type_uint, u),
	FAKE_MEMBER(struct req, &lp_type_long, l),
	FAKE_MEMBER(struct req, &lp_type_bool, ok),
	FAKE_MEMBER(struct req, &fake_long_double, ld),
	FAKE_MEMBER(struct req, &fake_req_ptr, next),
};
static struct lp_type fake_req = FAKE_STRUCT(fake_req_members, sizeof(struct req), "struct req");

/* The machine registers that variables are in. */
enum {
	FAKE_RBX = 3,
	FAKE_RSI = 4,
	FAKE_RDI = 5,
	FAKE_FRAME = 6, /* points at struct fake_frame */
	FAKE_R12 = 12,
	FAKE_TEXT = 13, /* points at a string */
};

struct fake_frame {
	struct req *req_spilled;
	char buf[16];
	double d;
	int low;
	int *ip;
	struct req whole;
	unsigned long len;
};

static const int fake_constant = 42;
static const struct lp_var fake_whole;

static const struct lp_piece fake_halves[] = {
	{ 32, 0, { .kind = LP_LOC_VALUE_MACH, .reg = FAKE_RBX } },
	{ 32,
	  0,
	  { .kind = LP_LOC_MEM_MACH,
	    .reg = FAKE_FRAME,
	    .disp = offsetof(struct fake_frame, low) } },
};
static const struct lp_piece fake_half_gone[] = {
	{ 32, 0, { .kind = LP_LOC_VALUE_MACH, .reg = FAKE_RBX } },
	{ 32, 0, { .kind = LP_LOC_NONE, .why = LP_ST_OPTIMIZED_OUT } },
};
static const struct lp_piece fake_peer_parts[] = {
	{ 64, 0, { .kind = LP_LOC_VALUE_MACH, .reg = FAKE_TEXT } },
	{ 64, 0, { .kind = LP_LOC_VALUE_MACH, .reg = FAKE_RBX } },
};

#define FAKE_VAR(what, text, of, n)                                                                \
	{                                                                                          \
		.kind = (what), .name = (text), .type = (of), .constant = (n)                      \
	}
#define FAKE_IN(number)                                                                            \
	{                                                                                          \
		.kind = LP_LOC_VALUE_MACH, .reg = (number)                                         \
	}
#define FAKE_AT(member)                                                                            \
	{                                                                                          \
		.kind = LP_LOC_MEM_MACH, .reg = FAKE_FRAME,                                        \
		.disp = offsetof(struct fake_frame, member)                                        \
	}

static const struct fake_var {
	struct lp_var var;
	struct lp_loc loc;
	bool computed; /* its address is written as code */
} fake_vars[] = {
	{ .var = FAKE_VAR(LP_VAR_ARGUMENT, "req", &fake_req_ptr, 0), .loc = FAKE_IN(FAKE_RDI) },
	{ .var = FAKE_VAR(LP_VAR_ARGUMENT, "count", &lp_type_int, 0), .loc = FAKE_IN(FAKE_RSI) },
	{ .var = FAKE_VAR(LP_VAR_LOCAL, "buf", &fake_name, 0), .loc = FAKE_AT(buf) },
	{ .var = FAKE_VAR(LP_VAR_LOCAL, "spilled", &fake_req_ptr, 0), .loc = FAKE_AT(req_spilled) },
	{ .var = FAKE_VAR(LP_VAR_LOCAL, "computed", &fake_req, 0),
	  .loc = FAKE_AT(whole),
	  .computed = true },
	{ .var = FAKE_VAR(LP_VAR_LOCAL, "whole", &fake_req, 0), .loc = FAKE_AT(whole) },
	{ .var = FAKE_VAR(LP_VAR_LOCAL, "ref", &fake_req_ref, 0), .loc = FAKE_AT(req_spilled) },
	{ .var = FAKE_VAR(LP_VAR_LOCAL, "d", &lp_type_double, 0), .loc = FAKE_AT(d) },
	{ .var = FAKE_VAR(LP_VAR_LOCAL, "len", &fake_ulong, 0), .loc = FAKE_AT(len) },
	{ .var = FAKE_VAR(LP_VAR_LOCAL, "gone", &lp_type_int, 0),
	  .loc = { .kind = LP_LOC_NONE, .why = LP_ST_OPTIMIZED_OUT } },
	{ .var = FAKE_VAR(LP_VAR_LOCAL, "vec", &lp_type_double, 0),
	  .loc = { .kind = LP_LOC_NONE, .why = LP_ST_UNAVAILABLE } },
	{ .var = FAKE_VAR(LP_VAR_LOCAL, "split", &lp_type_long, 0),
	  .loc = { .kind = LP_LOC_PIECES, .pieces = fake_halves, .n_pieces = 2 } },
	{ .var = FAKE_VAR(LP_VAR_LOCAL, "torn", &lp_type_long, 0),
	  .loc = { .kind = LP_LOC_PIECES, .pieces = fake_half_gone, .n_pieces = 2 } },
	{ .var = FAKE_VAR(LP_VAR_LOCAL, "parts", &fake_peer, 0),
	  .loc = { .kind = LP_LOC_PIECES, .pieces = fake_peer_parts, .n_pieces = 2 } },
	{ .var = FAKE_VAR(LP_VAR_LOCAL, "konst", &lp_type_int, 0),
	  .loc = { .kind = LP_LOC_CONST, .bytes = &fake_constant, .len = sizeof(fake_constant) } },
	{ .var = FAKE_VAR(LP_VAR_LOCAL, "text", &fake_char_ptr, 0), .loc = FAKE_IN(FAKE_TEXT) },
	{ .var = FAKE_VAR(LP_VAR_LOCAL, "nowhere", &fake_req_ptr, 0),
	  .loc = { .kind = LP_LOC_POINTEE, .pointee = &fake_whole } },
	{ .var = FAKE_VAR(LP_VAR_LOCAL, "opaque", &fake_opaque_ptr, 0), .loc = FAKE_IN(FAKE_RDI) },
	{ .var = FAKE_VAR(LP_VAR_LOCAL, "token", &fake_char_ptr, 0), .loc = FAKE_IN(FAKE_R12) },
	{ .var = FAKE_VAR(LP_VAR_LOCAL, "this", &fake_req_ptr, 0), .loc = FAKE_IN(FAKE_RDI) },
	{ .var = FAKE_VAR(LP_VAR_GLOBAL, "total", &lp_type_long, 0), .loc = FAKE_IN(FAKE_R12) },
	{ .var = FAKE_VAR(LP_VAR_MEMBER, "took", &lp_type_double, 0), .computed = false },
	{ .var = FAKE_VAR(LP_VAR_CONSTANT, "IDLE", &fake_state, 0), .computed = false },
	{ .var = FAKE_VAR(LP_VAR_CONSTANT, "BUSY", &fake_state, 5), .computed = false },
};
static const struct lp_var fake_whole = FAKE_VAR(LP_VAR_LOCAL, "whole", &fake_req, 0);
static const struct lp_var fake_result = FAKE_VAR(LP_VAR_RESULT, "$return", &lp_type_int, 0);

static const struct fake_var *fake_find(const char *name, size_t len)
{
	for (size_t i = 0; i < LP_ARRAY_SIZE(fake_vars); i++)
		if (strlen(fake_vars[i].var.name) == len &&
		    memcmp(fake_vars[i].var.name, name, len) == 0)
			return &fake_vars[i];
	return NULL;
}

static int fake_lookup(struct lp_scope *s, const char *name, size_t len, struct lp_var *ret,
		       struct lp_err *err)
{
	const struct fake_var *v = fake_find(name, len);

	(void)s;
	(void)err;
	if (!v)
		return -ENOENT;
	*ret = v->var;
	return 0;
}

static int fake_locate(struct lp_scope *s, const struct lp_var *v, struct lp_emit *e,
		       struct lp_loc *ret, struct lp_err *err)
{
	const struct fake_var *f = v->impl ? v->impl : fake_find(v->name, strlen(v->name));

	(void)s;
	(void)err;
	if (v->kind == LP_VAR_RESULT) {
		*ret = (struct lp_loc){ .kind = LP_LOC_VALUE_MACH, .reg = 0 };
		return 0;
	}
	*ret = f->loc;
	if (f->computed) {
		uint8_t r = lp_emit_reg(e);

		lp_emit(e, REG, .dst = r, .b = f->loc.reg, .imm = (uint64_t)f->loc.disp);
		*ret = (struct lp_loc){ .kind = LP_LOC_MEM, .reg = r };
	}
	return 0;
}

static int fake_find_type(struct lp_scope *s, const char *name, size_t len,
			  const struct lp_type **ret, struct lp_err *err)
{
	static const struct lp_type *const types[] = { &fake_req, &fake_peer, &fake_base,
						       &fake_state };

	(void)s;
	(void)err;
	for (size_t i = 0; i < LP_ARRAY_SIZE(types); i++)
		if (strlen(types[i]->name) == len && memcmp(types[i]->name, name, len) == 0) {
			*ret = types[i];
			return 0;
		}
	return -ENOENT;
}

static struct lp_arena fake_arena;

static const struct lp_type *fake_pointer_to(struct lp_scope *s, const struct lp_type *t)
{
	struct lp_type *p = lp_arena_new(&fake_arena, struct lp_type);

	(void)s;
	if (!p)
		return NULL;
	*p = (struct lp_type)FAKE_POINTER(t, lp_arena_fmt(&fake_arena, "%.100s *", t->name));
	return p;
}

static int fake_each(struct lp_scope *s, unsigned int what,
		     int (*fn)(const struct lp_var *v, void *arg), void *arg)
{
	static const unsigned int of_kind[] = { [LP_VAR_ARGUMENT] = LP_EACH_ARGUMENTS,
						[LP_VAR_LOCAL] = LP_EACH_LOCALS,
						[LP_VAR_GLOBAL] = LP_EACH_GLOBALS,
						[LP_VAR_MEMBER] = 0,
						[LP_VAR_CONSTANT] = 0 };

	(void)s;
	for (size_t i = 0; i < LP_ARRAY_SIZE(fake_vars); i++)
		if (of_kind[fake_vars[i].var.kind] & what && fn(&fake_vars[i].var, arg))
			return 1;
	return 0;
}

static int fake_no_result(struct lp_scope *s, struct lp_var *ret, struct lp_err *err)
{
	(void)s;
	(void)ret;
	return lp_err_set(err, ENOENT, "nothing is returned here");
}

static int fake_get_result(struct lp_scope *s, struct lp_var *ret, struct lp_err *err)
{
	(void)s;
	(void)err;
	*ret = fake_result;
	return 0;
}

static int fake_numbered(struct lp_scope *s, unsigned int n, struct lp_var *ret, struct lp_err *err)
{
	(void)s;
	if (n == 0 || n > 2)
		return lp_err_set(err, ENOENT, "there are $1 and $2");
	*ret = fake_vars[n - 1].var;
	ret->impl = &fake_vars[n - 1];
	return 0;
}

static int fake_caller(struct lp_scope *s, struct lp_emit *e, struct lp_loc *ret,
		       struct lp_err *err)
{
	(void)s;
	(void)e;
	(void)err;
	*ret = (struct lp_loc){ .kind = LP_LOC_MEM_MACH, .reg = 7 };
	return 0;
}

static void fake_free(struct lp_scope *s)
{
	(void)s;
}

static const struct lp_scope_ops fake_ops = {
	.lookup = fake_lookup,
	.locate = fake_locate,
	.find_type = fake_find_type,
	.pointer_to = fake_pointer_to,
	.each = fake_each,
	.result = fake_no_result,
	.numbered = fake_numbered,
	.caller = fake_caller,
	.free = fake_free,
};

static const struct lp_scope_ops fake_leave_ops = {
	.lookup = fake_lookup,
	.locate = fake_locate,
	.find_type = fake_find_type,
	.pointer_to = fake_pointer_to,
	.each = fake_each,
	.result = fake_get_result,
	.numbered = fake_numbered,
	.caller = fake_caller,
	.free = fake_free,
};

static struct lp_scope fake_entry = {
	.ops = &fake_ops, .function = "handle", .file = "app.c", .line = 42
};
static struct lp_scope fake_leave = {
	.ops = &fake_leave_ops, .function = "handle", .file = "app.c", .line = 42
};

static inline int fake_compile(const char *text, struct lp_compiled **ret, struct lp_err *err)
{
	struct lp_limits limits = LP_LIMITS_DEFAULT;
	lp_auto(lp_logpoint_free) struct lp_logpoint *lp = NULL;
	int r = lp_logpoint_parse(text, &lp, err);

	if (r < 0)
		return r;
	limits.redact = lp_redact_default;
	bool is_function = lp->location.kind == LP_AT_RETURN || lp->location.kind == LP_AT_CALL;
	return lp_compile(lp, &fake_entry, is_function ? &fake_leave : NULL, &limits, ret, err);
}

#endif
