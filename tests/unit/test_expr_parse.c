// SPDX-License-Identifier: GPL-2.0-only
/* The text of logpoints: what is read from it, and where errors point. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "expr/ast.h"
#include "expr/compile.h"
#include "expr/logpoint.h"
#include "expr/uses.h"

static void print_node(struct lp_buf *b, const struct lp_node *n);

static void print_kids(struct lp_buf *b, const struct lp_node *n)
{
	const struct lp_node *kids[] = { n->a, n->b, n->c, n->d };

	for (size_t i = 0; i < LP_ARRAY_SIZE(kids); i++)
		if (kids[i]) {
			lp_buf_char(b, ' ');
			print_node(b, kids[i]);
		}
	for (size_t i = 0; i < n->n_items; i++) {
		lp_buf_char(b, ' ');
		print_node(b, n->items[i]);
	}
}

/* (operator operand...) */
static void print_node(struct lp_buf *b, const struct lp_node *n)
{
	static const char *const heads[] = {
		[LP_NODE_LIST] = "list", [LP_NODE_COND] = "?",	  [LP_NODE_INDEX] = "[]",
		[LP_NODE_SLICE] = "[:]", [LP_NODE_CAST] = "cast", [LP_NODE_SIZEOF] = "sizeof",
		[LP_NODE_NULL] = "null", [LP_NODE_METHOD] = "",
	};

	switch (n->kind) {
	case LP_NODE_NAME:
		lp_buf_add(b, n->name, n->len);
		return;
	case LP_NODE_DOLLAR:
		lp_buf_fmt(b, "$%.*s", (int)n->len, n->name);
		return;
	case LP_NODE_INT:
	case LP_NODE_BOOL:
	case LP_NODE_CHAR:
	case LP_NODE_NUMBERED:
		lp_buf_fmt(b, "%s%lu", n->kind == LP_NODE_NUMBERED ? "$" : "",
			   (unsigned long)n->value);
		return;
	case LP_NODE_FLOAT:
		lp_buf_fmt(b, "%g", n->f);
		return;
	case LP_NODE_STRING:
		lp_buf_fmt(b, "'%.*s'", (int)n->len, n->name);
		return;
	default:
		break;
	}
	lp_buf_char(b, '(');
	if (n->kind == LP_NODE_UNARY || n->kind == LP_NODE_BINARY)
		lp_buf_str(b, lp_operators[n->op].text);
	else if (n->kind == LP_NODE_MEMBER)
		lp_buf_fmt(b, ".%.*s", (int)n->len, n->name);
	else if (n->kind < LP_ARRAY_SIZE(heads) && heads[n->kind])
		lp_buf_str(b, heads[n->kind]);
	if (n->kind >= LP_NODE_ISINSTANCE)
		lp_buf_add(b, n->name, n->len);
	if (n->type_name)
		lp_buf_fmt(b, " <%s%.*s>", n->type_name->name, n->type_name->stars, "****");
	print_kids(b, n);
	lp_buf_char(b, ')');
	if (n->slices) {
		lp_buf_str(b, " or ");
		print_node(b, n->slices);
	}
}

static const struct {
	const char *text, *tree;
} parsed[] = {
	{ "a", "a" },
	{ "a + b * c", "(+ a (* b c))" },
	{ "a * b + c - d", "(- (+ (* a b) c) d)" },
	{ "a << 1 | b & 3 ^ c", "(| (<< a 1) (^ (& b 3) c))" },
	{ "not a == b", "(not (== a b))" },
	{ "!a == b", "(== (not a) b)" },
	{ "a and b or c && d || e", "(or (or (and a b) (and c d)) e)" },
	{ "not a and not b", "(and (not a) (not b))" },
	{ "a ? b : c ? d : e", "(? a b (? c d e))" },
	{ "a if b else c if d else e", "(? b a (? d c e))" },
	{ "-*p->x.y[1]", "(- (* ([] (.y (.x p)) 1)))" },
	{ "&a[b:c]", "(& ([:] a b c))" },
	{ "a[:c]", "([:] a c)" },
	{ "-a ** -b ** c", "(- (** a (- (** b c))))" },
	{ "**a * **b", "(* (* (* a)) (* (* b)))" },
	{ "a < b <= c in d", "(and (and (< a b) (<= b c)) (in c d))" },
	{ "(a < b) == c", "(== (< a b) c)" },
	{ "a[c ? 1 : 2:]", "([:] a (? c 1 2))" },
	{ "x in (1, 2) and y not in [3]", "(and (in x (list 1 2)) (not in y (list 3)))" },
	{ "p is None or p is not nullptr", "(or (is p (null)) (is not p (null)))" },
	{ "(struct req *)p", "(cast <struct req*> p)" },
	{ "(unsigned long)x + 1", "(+ (cast <unsigned long> x) 1)" },
	{ "(const ns::T<int, A<b>> *)p", "(cast <ns::T<int, A<b>>*> p)" },
	{ "(uint8_t)(x)", "(cast <uint8_t> x)" },
	{ "(T)x", "(cast <T> x)" },
	{ "(a) - b", "(- a b)" },
	{ "(a) * b", "(* a b)" },
	{ "sizeof(struct req)", "(sizeof <struct req>)" },
	{ "sizeof(x + 1)", "(sizeof (+ x 1))" },
	{ "isinstance(x, struct base)", "(isinstance x struct base)" },
	{ "isinstance(x, (int, a.b.Bad))", "(isinstance x (list int (.Bad (.b a))))" },
	{ "a // b", "(// a b)" },
	{ "len(x) > 3", "(> (len x) 3)" },
	{ "s.startswith(\"a\\n\")", "(startswith s 'a\n')" },
	{ "ns::x == ::y", "(== ns::x ::y)" },
	{ "a[b::c]", "([] a b::c) or ([:] a b c)" },
	{ "a[::c] + d::e", "(+ ([] a ::c) or ([:] a c) d::e)" },
	{ "a[b + 1::c - d]", "([:] a (+ b 1) (- c d))" },
	{ "a[b.x::c] + d::e", "(+ ([] a (.x::c b)) or ([:] a (.x b) c) d::e)" },
	{ "a[f[b::c]::d]", "([:] a ([:] f b c) d)" },
	{ "a[f[b::c] + d]", "([] a (+ ([] f b::c) or ([:] f b c) d)) or "
			    "([] a (+ ([:] f b c) d))" },
	{ "a[(b::C *)p]", "([] a (cast <b::C*> p))" },
	{ "a[b ? c::d : e]", "([] a (? b c::d e))" },
	{ "$pid == $1", "(== $pid $1)" },
	{ "x == 'a' or x == 'ab'", "(or (== x 97) (== x 'ab'))" },
	{ "0x1F + 0b11 + 0o17 + 017 + 1_000 + 7ul", "(+ (+ (+ (+ (+ 31 3) 15) 15) 1000) 7)" },
	{ "1.5 + .5 + 1e3 + 2.", "(+ (+ (+ 1.5 0.5) 1000) 2)" },
	{ "(flags & 4) == 4", "(== (& flags 4) 4)" },
};

static void conditions(void **state)
{
	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(parsed); i++) {
		lp_auto(lp_logpoint_free) struct lp_logpoint *lp = NULL;
		lp_auto(lp_buf_done) struct lp_buf text = { 0 }, tree = { 0 };
		struct lp_err err = { 0 };

		lp_buf_fmt(&text, "a.c:1 if %s hit 5", parsed[i].text);
		if (lp_logpoint_parse(text.data, &lp, &err) < 0)
			print_error("%s: %s\n", text.data, err.msg);
		assert_non_null(lp);
		print_node(&tree, lp->condition);
		assert_string_equal(tree.data, parsed[i].tree);
		assert_int_equal(lp->hit_n, 5);
	}
}

static const struct {
	const char *text;
	int col, width;
	const char *msg;
} refused[] = {
	{ "", 1, 1, "expected a location" },
	{ "app.c", 1, 5, "no location" },
	{ "app.c:", 6, 1, "number of a line" },
	{ "app.c:0", 7, 1, "no such line" },
	{ "app.c:99999999999", 7, 11, "no such line" },
	{ ":12", 1, 3, "expected a file" },
	{ "handle", 1, 6, "entry handle" },
	{ "entry ", 7, 1, "name of a function" },
	{ "usdt foo", 6, 3, "PROVIDER:NAME" },
	{ "0x", 1, 2, "no location" },
	{ "0xzz", 1, 4, "no such address" },
	{ "raise Value-Error", 7, 11, "name of an exception's class" },
	{ "raise ValueError,", 18, 1, "name of an exception's class" },
	{ "raise ValueError KeyError", 18, 8, "a clause" },
	{ "raise 3", 7, 1, "name of an exception's class" },
	{ "uncaught .x", 10, 2, "name of an exception's class" },
	{ "watch x", 1, 5, "not supported yet" },
	{ "crash SIGFOO", 7, 6, "no signal 'SIGFOO'" },
	{ "crash SIGCHLD", 7, 7, "that ends a process" },
	{ "crash SIGTERM, segv", 16, 4, "no signal 'segv'" },
	{ "crash TERM", 7, 4, "expected a clause" },
	{ "a.c:1 count", 7, 5, "'count' is not supported yet" },
	{ "a.c:1 hist x", 7, 4, "'hist' is not supported yet" },
	{ "a.c:1 sum x by y", 7, 3, "'sum' is not supported yet" },
	{ "a.c:1 if", 9, 1, "expected an expression" },
	{ "a.c:1 if x >", 13, 1, "expected an expression at the end" },
	{ "a.c:1 if x y", 12, 1, "operator or a clause, not 'y'" },
	{ "a.c:1 if (x", 12, 1, "expected ')'" },
	{ "a.c:1 if f(x)", 10, 1, "nothing of the target is ever executed" },
	{ "a.c:1 if x.f(1)", 12, 1, "nothing of the target is ever executed" },
	{ "a.c:1 if x & 4 == 4", 10, 5, "write (x & 4)" },
	{ "a.c:1 if 1x", 10, 2, "'1x' is not a number" },
	{ "a.c:1 if \"x", 10, 1, "no end" },
	{ "a.c:1 if x @ y", 12, 1, "unexpected '@'" },
	{ "a.c:1 if x if y", 16, 1, "'else'" },
	{ "a.c:1 \"x", 7, 1, "closing" },
	{ "a.c:1 \"{}\"", 9, 1, "expression" },
	{ "a.c:1 \"{x\" if y", 10, 1, "'}' is missing" },
	{ "a.c:1 \"x}\"", 9, 1, "}}" },
	{ "a.c:1 \"\\q\"", 8, 2, "escape" },
	{ "a.c:1 \"{x:q}\"", 11, 1, "unknown format" },
	{ "a.c:1 \"{x:99999}\"", 11, 5, "wide" },
	{ "a.c:1 \"{x=y}\"", 11, 1, "':' or '}'" },
	{ "a.c:1 \"x\" \"y\"", 11, 1, "second template" },
	{ "a.c:1 max 3 max 4", 13, 3, "twice" },
	{ "a.c:1 max 0", 11, 1, "at least 1" },
	{ "a.c:1 max x", 11, 1, "number of records" },
	{ "a.c:1 rate 5", 13, 1, "'/s'" },
	{ "a.c:1 rate 5/m", 14, 1, "a second" },
	{ "a.c:1 hit < 1", 13, 1, "at least 2" },
	{ "a.c:1 with x", 12, 1, "'stack' or 'locals'" },
	{ "a.c:1 after", 12, 1, "name of a logpoint" },
	{ "a.c:1 dump", 11, 1, "`dump on NAME`" },
	{ "a.c:1 dump bad", 12, 3, "`dump on NAME`" },
	{ "a.c:1 dump on", 14, 1, "name of a logpoint" },
	{ "a.c:1 dump on x dump on y", 17, 4, "twice" },
	{ "a.c:1 foo", 7, 3, "clause" },
};

static void errors_point(void **state)
{
	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(refused); i++) {
		struct lp_logpoint *lp = NULL;
		struct lp_err err = { 0 };

		assert_int_equal(lp_logpoint_parse(refused[i].text, &lp, &err), -EINVAL);
		if (err.col != refused[i].col || err.width != refused[i].width ||
		    !strstr(err.msg, refused[i].msg))
			print_error("%s: %d+%d %s\n", refused[i].text, err.col, err.width, err.msg);
		assert_int_equal(err.col, refused[i].col);
		assert_int_equal(err.width, refused[i].width);
		assert_non_null(strstr(err.msg, refused[i].msg));
		assert_null(lp);
	}
}

/* "raise A, b.C": the classes, and what comes behind them. */
static void classes(void **state)
{
	static const struct {
		const char *text, *location;
		const char *types[3];
	} cases[] = {
		{ "raise", "raise", { NULL } },
		{ "raise  \"x\"", "raise", { NULL } },
		{ "raise if $exc is None", "raise", { NULL } },
		{ "uncaught max 3", "uncaught", { NULL } },
		{ "raise ValueError", "raise ValueError", { "ValueError" } },
		{ "raise A, b.C\"x\"", "raise A, b.C", { "A", "b.C" } },
		{ "raise A ,b.C , D_1 as x", "raise A ,b.C , D_1", { "A", "b.C", "D_1" } },
		{ "uncaught f.<locals>.E rate 5/s", "uncaught f.<locals>.E", { "f.<locals>.E" } },
		{ "raise maximal max 3", "raise maximal", { "maximal" } },
	};

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(cases); i++) {
		lp_auto(lp_logpoint_free) struct lp_logpoint *lp = NULL;
		struct lp_err err = { 0 };
		size_t n = 0;

		if (lp_logpoint_parse(cases[i].text, &lp, &err) < 0)
			print_error("%s: %s\n", cases[i].text, err.msg);
		assert_non_null(lp);
		assert_int_equal(lp->location.kind,
				 cases[i].text[0] == 'r' ? LP_AT_RAISE : LP_AT_UNCAUGHT);
		assert_string_equal(lp->location.text, cases[i].location);
		while (n < LP_ARRAY_SIZE(cases[i].types) && cases[i].types[n])
			n++;
		assert_int_equal(lp->location.n_types, n);
		for (size_t k = 0; k < n; k++)
			assert_string_equal(lp->location.types[k].text, cases[i].types[k]);
	}
}

static const struct {
	const char *text;
	struct lp_location want;
} located[] = {
	{ "src/app.c:12",
	  { .kind = LP_AT_LINE,
	    .text = "src/app.c:12",
	    .col = 1,
	    .file = "src/app.c",
	    .line = 12 } },
	{ "  c++/a.cc:7",
	  { .kind = LP_AT_LINE, .text = "c++/a.cc:7", .col = 3, .file = "c++/a.cc", .line = 7 } },
	{ "entry handle",
	  { .kind = LP_AT_ENTRY, .text = "entry handle", .col = 7, .name = "handle" } },
	{ "return ns::C::~C",
	  { .kind = LP_AT_RETURN, .text = "return ns::C::~C", .col = 8, .name = "ns::C::~C" } },
	{ "call A<int, B<c>>::f",
	  { .kind = LP_AT_CALL,
	    .text = "call A<int, B<c>>::f",
	    .col = 6,
	    .name = "A<int, B<c>>::f" } },
	{ "entry operator<<",
	  { .kind = LP_AT_ENTRY, .text = "entry operator<<", .col = 7, .name = "operator<<" } },
	{ "entry A::operator()",
	  { .kind = LP_AT_ENTRY,
	    .text = "entry A::operator()",
	    .col = 7,
	    .name = "A::operator()" } },
	{ "entry A::operator new[]",
	  { .kind = LP_AT_ENTRY,
	    .text = "entry A::operator new[]",
	    .col = 7,
	    .name = "A::operator new[]" } },
	{ "entry http_*",
	  { .kind = LP_AT_ENTRY, .text = "entry http_*", .col = 7, .name = "http_*" } },
	{ "entry my_operator",
	  { .kind = LP_AT_ENTRY, .text = "entry my_operator", .col = 7, .name = "my_operator" } },
	{ "usdt py:line",
	  { .kind = LP_AT_USDT,
	    .text = "usdt py:line",
	    .col = 6,
	    .provider = "py",
	    .name = "line" } },
	{ "crash max 3", { .kind = LP_AT_CRASH, .text = "crash", .col = 7 } },
	{ "crash  SIGBUS , SIGTERM max 3",
	  { .kind = LP_AT_CRASH, .text = "crash  SIGBUS , SIGTERM", .col = 8 } },
	{ "f+0x1f",
	  { .kind = LP_AT_OFFSET, .text = "f+0x1f", .col = 1, .name = "f", .offset = 31 } },
	{ "A::operator+ +4", { 0 } },
	{ "A::operator++12",
	  { .kind = LP_AT_OFFSET,
	    .text = "A::operator++12",
	    .col = 1,
	    .name = "A::operator+",
	    .offset = 12 } },
	{ "0x401000", { .kind = LP_AT_ADDRESS, .text = "0x401000", .col = 1, .offset = 0x401000 } },
	{ "entry.c:3",
	  { .kind = LP_AT_LINE, .text = "entry.c:3", .col = 1, .file = "entry.c", .line = 3 } },
};

static void locations(void **state)
{
	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(located); i++) {
		lp_auto(lp_logpoint_free) struct lp_logpoint *lp = NULL;
		const struct lp_location *want = &located[i].want;
		struct lp_err err = { 0 };

		if (!want->text) {
			assert_int_equal(lp_logpoint_parse(located[i].text, &lp, &err), -EINVAL);
			continue;
		}
		if (lp_logpoint_parse(located[i].text, &lp, &err) < 0)
			print_error("%s: %s\n", located[i].text, err.msg);
		assert_non_null(lp);
		assert_int_equal(lp->location.kind, want->kind);
		assert_string_equal(lp->location.text, want->text);
		assert_string_equal(lp->name, want->text);
		assert_int_equal(lp->location.col, want->col);
		assert_string_equal(lp->location.file ? lp->location.file : "",
				    want->file ? want->file : "");
		assert_string_equal(lp->location.name ? lp->location.name : "",
				    want->name ? want->name : "");
		assert_string_equal(lp->location.provider ? lp->location.provider : "",
				    want->provider ? want->provider : "");
		assert_int_equal(lp->location.line, want->line);
		assert_true(lp->location.offset == want->offset);
	}
}

static void templates(void **state)
{
	lp_auto(lp_logpoint_free) struct lp_logpoint *lp = NULL;
	static const char text[] = "a.c:1 \"{{x}} {a=}\\t{b = :#06x} {c ? d : e:>8} {ns::f:.3f} "
				   "{s == \\\"q\\\"}{p.startswith(\"}\")}\"";

	(void)state;
	assert_int_equal(lp_logpoint_parse(text, &lp, NULL), 0);
	assert_int_equal(lp->n_parts, 11);
	assert_string_equal(lp->parts[0].literal, "{x} ");
	assert_string_equal(lp->parts[1].text, "a");
	assert_true(lp->parts[1].with_text);
	assert_string_equal(lp->parts[2].literal, "\t");
	assert_string_equal(lp->parts[3].text, "b");
	assert_true(lp->parts[3].with_text && lp->parts[3].format.alternate &&
		    lp->parts[3].format.zero);
	assert_int_equal(lp->parts[3].format.width, 6);
	assert_int_equal(lp->parts[3].format.type, 'x');
	assert_string_equal(lp->parts[5].text, "c ? d : e");
	assert_int_equal(lp->parts[5].format.align, '>');
	assert_int_equal(lp->parts[5].format.width, 8);
	assert_int_equal(lp->parts[7].format.precision, 3);
	assert_string_equal(lp->parts[8].literal ? lp->parts[8].literal : "", " ");
	assert_string_equal(lp->parts[9].text, "s == \"q\"");
}

static void clauses(void **state)
{
	lp_auto(lp_logpoint_free) struct lp_logpoint *lp = NULL;

	(void)state;
	assert_int_equal(lp_logpoint_parse("a.c:1 hit %100 max 5 rate 10/s with stack locals as "
					   "slow-path after b.c:7 dump on \"entry f\" if x",
					   &lp, NULL),
			 0);
	assert_false(lp->has_template);
	assert_int_equal(lp->hit_op, LP_HIT_MOD);
	assert_int_equal(lp->hit_n, 100);
	assert_int_equal(lp->max, 5);
	assert_int_equal(lp->rate, 10);
	assert_true(lp->with_stack && lp->with_locals);
	assert_string_equal(lp->name, "slow-path");
	assert_string_equal(lp->after, "b.c:7");
	assert_int_equal(lp->after_col, 69);
	assert_string_equal(lp->dump_on, "entry f");
	assert_int_equal(lp->dump_on_col, 83);
	assert_non_null(lp->condition);
}

static void nesting_is_limited(void **state)
{
	static const struct {
		const char *open, *close;
	} cases[] = { { "(", ")" },	{ "-", "" },	{ "x[", "]" },	    { "not ", "" },
		      { "x + (", ")" }, { "x + ", "" }, { "x ? x : ", "" }, { "sizeof(", ")" },
		      { "(char)", "" }, { "[", "]" },	{ "len(", ")" } };

	(void)state;
	for (size_t i = 0; i < LP_ARRAY_SIZE(cases); i++) {
		lp_auto(lp_buf_done) struct lp_buf text = { 0 };
		struct lp_logpoint *lp = NULL;
		struct lp_err err = { 0 };

		lp_buf_str(&text, "a.c:1 if ");
		for (int n = 0; n < 5000; n++)
			lp_buf_str(&text, cases[i].open);
		lp_buf_str(&text, "x");
		for (int n = 0; n < 5000; n++)
			lp_buf_str(&text, cases[i].close);
		assert_int_equal(lp_logpoint_parse(text.data, &lp, &err), -EINVAL);
		assert_non_null(strstr(err.msg, "nested deeper than"));
	}
}

/* Each of a[i::n][i::n]... is read in two ways, and all of them as one. */
static void many_slices(void **state)
{
	lp_auto(lp_buf_done) struct lp_buf one = { 0 }, many = { 0 };
	lp_auto(lp_logpoint_free) struct lp_logpoint *lp_one = NULL, *lp_many = NULL;

	(void)state;
	lp_buf_fmt(&one, "a.py:1 \"{a[i::n]}\"");
	lp_buf_fmt(&many, "a.py:1 \"{a");
	for (int i = 0; i < LP_NESTING_MAX - 2; i++)
		lp_buf_fmt(&many, "[i::n]");
	lp_buf_fmt(&many, "}\"");
	assert_int_equal(lp_logpoint_parse(one.data, &lp_one, NULL), 0);
	assert_int_equal(lp_logpoint_parse(many.data, &lp_many, NULL), 0);
	assert_true(lp_logpoint_uses(lp_many) == lp_logpoint_uses(lp_one));
}

/* Of n classes, or of one whose name has n bytes. */
static int parse_raise(bool of_names, int n, struct lp_err *err)
{
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };
	lp_auto(lp_logpoint_free) struct lp_logpoint *lp = NULL;

	lp_buf_str(&text, "raise A");
	for (int i = 1; i < n; i++)
		lp_buf_str(&text, of_names ? ",A" : "A");
	lp_buf_char(&text, '\0');
	int r = lp_logpoint_parse(text.data, &lp, err);
	if (r == 0)
		assert_int_equal(lp->location.n_types, of_names ? n : 1);
	return r;
}

static void classes_are_limited(void **state)
{
	struct lp_err err = { 0 };

	(void)state;
	assert_int_equal(parse_raise(true, LP_TYPES_MAX, &err), 0);
	assert_int_equal(parse_raise(true, LP_TYPES_MAX + 1, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "more than 64 classes"));
	assert_int_equal(parse_raise(false, LP_PY_NAME_TEXT_MAX, &err), 0);
	err = (struct lp_err){ 0 };
	assert_int_equal(parse_raise(false, LP_PY_NAME_TEXT_MAX + 1, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "more than 128 bytes"));
}

static void text_is_limited(void **state)
{
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };
	struct lp_logpoint *lp = NULL;

	(void)state;
	lp_buf_str(&text, "a.c:1 \"");
	for (int i = 0; i < LP_TEXT_MAX; i++)
		lp_buf_char(&text, 'x');
	lp_buf_char(&text, '"');
	assert_int_equal(lp_logpoint_parse(text.data, &lp, NULL), -EINVAL);
}

static void redaction_ignores_case_and_dashes(void **state)
{
	(void)state;
	assert_true(lp_redacted(lp_redact_default, "password", 8));
	assert_true(lp_redacted(lp_redact_default, "PassWord_", 9));
	assert_true(lp_redacted(lp_redact_default, "apiKey", 6));
	assert_true(lp_redacted(lp_redact_default, "Set-Cookie", 10));
	assert_false(lp_redacted(lp_redact_default, "passwords", 9));
	assert_false(lp_redacted(lp_redact_default, "pass", 4));
	assert_false(lp_redacted(lp_redact_default, "", 0));
	assert_false(lp_redacted(NULL, "password", 8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions),
		cmocka_unit_test(errors_point),
		cmocka_unit_test(classes),
		cmocka_unit_test(locations),
		cmocka_unit_test(templates),
		cmocka_unit_test(clauses),
		cmocka_unit_test(nesting_is_limited),
		cmocka_unit_test(many_slices),
		cmocka_unit_test(classes_are_limited),
		cmocka_unit_test(text_is_limited),
		cmocka_unit_test(redaction_ignores_case_and_dashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
