// SPDX-License-Identifier: GPL-2.0-only
#include "expr/parse.h"

#include <string.h>

#include "base/vec.h"

const struct lp_operator_desc lp_operators[LP_OPER_COUNT] = {
#define OPERATOR_DESC(name, text, precedence) [LP_OPER_##name] = { text, precedence },
	LP_OPERATORS(OPERATOR_DESC)
#undef OPERATOR_DESC
};

#define PRECEDENCE_NOT	   3
#define PRECEDENCE_COMPARE 4

static const struct {
	int punct;
	enum lp_operator op;
} binary_puncts[] = {
	{ LP_PUNCT2('|', '|'), LP_OPER_OR },
	{ LP_PUNCT2('&', '&'), LP_OPER_AND },
	{ LP_PUNCT2('=', '='), LP_OPER_EQ },
	{ LP_PUNCT2('!', '='), LP_OPER_NE },
	{ '<', LP_OPER_LT },
	{ LP_PUNCT2('<', '='), LP_OPER_LE },
	{ '>', LP_OPER_GT },
	{ LP_PUNCT2('>', '='), LP_OPER_GE },
	{ '|', LP_OPER_BIT_OR },
	{ '^', LP_OPER_BIT_XOR },
	{ '&', LP_OPER_BIT_AND },
	{ LP_PUNCT2('<', '<'), LP_OPER_SHL },
	{ LP_PUNCT2('>', '>'), LP_OPER_SHR },
	{ '+', LP_OPER_ADD },
	{ '-', LP_OPER_SUB },
	{ '*', LP_OPER_MUL },
	{ '/', LP_OPER_DIV },
	{ '%', LP_OPER_MOD },
};

static const struct {
	int punct;
	enum lp_operator op;
} unary_puncts[] = {
	{ '!', LP_OPER_NOT }, { '-', LP_OPER_NEG },   { '+', LP_OPER_PLUS },
	{ '~', LP_OPER_INV }, { '*', LP_OPER_DEREF }, { '&', LP_OPER_ADDRESS },
};

static const struct {
	const char *word;
	enum lp_node_kind kind;
	uint64_t value;
} constants[] = {
	{ "None", LP_NODE_NULL, 0 },  { "nullptr", LP_NODE_NULL, 0 }, { "NULL", LP_NODE_NULL, 0 },
	{ "True", LP_NODE_BOOL, 1 },  { "true", LP_NODE_BOOL, 1 },    { "False", LP_NODE_BOOL, 0 },
	{ "false", LP_NODE_BOOL, 0 },
};

/* After a `(name)`, these are no operand that a cast could have. */
static const char *const not_operands[] = { "and",  "or",    "in",    "is",   "if",  "else",
					    "not",  "hit",   "after", "as",   "max", "rate",
					    "with", "count", "sum",   "hist", "by" };

struct parser {
	struct lp_lexer *lx;
	int depth;
};

static struct lp_node *parse_any(struct parser *p);
static struct lp_node *parse_unary(struct parser *p);

static bool is_one_of(const struct lp_token *t, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (t->len == strlen(words[i]) && memcmp(t->str, words[i], t->len) == 0)
			return true;
	return false;
}

static struct lp_node *new_node(struct parser *p, enum lp_node_kind kind, const struct lp_token *at)
{
	struct lp_node *n = lp_arena_new(p->lx->arena, struct lp_node);

	if (!n) {
		p->lx->status = lp_err_nomem(p->lx->err);
		return NULL;
	}
	n->kind = kind;
	n->height = 1;
	n->col = n->at_col = (int)at->start + 1;
	n->width = n->at_width = (int)(at->end - at->start);
	return n;
}

/* The node reaches from text[start] to text[end), and its operands are its own now. */
static struct lp_node *finish(struct parser *p, struct lp_node *n, size_t start, size_t end)
{
	const struct lp_node *kids[] = { n->a, n->b, n->c };

	for (size_t i = 0; i < LP_ARRAY_SIZE(kids); i++)
		if (kids[i] && kids[i]->height >= n->height)
			n->height = kids[i]->height + 1;
	n->col = (int)start + 1;
	n->width = (int)(end - start);
	if (n->height > LP_NESTING_MAX) {
		lp_lexer_fail(p->lx, start, end, "nested deeper than %d", LP_NESTING_MAX);
		return NULL;
	}
	return n;
}

static size_t node_start(const struct lp_node *n)
{
	return (size_t)n->col - 1;
}

static size_t node_end(const struct lp_node *n)
{
	return node_start(n) + (size_t)n->width;
}

static struct lp_node *new_unary(struct parser *p, enum lp_operator op, const struct lp_token *at,
				 struct lp_node *a)
{
	struct lp_node *n = a ? new_node(p, LP_NODE_UNARY, at) : NULL;

	if (!n)
		return NULL;
	n->op = op;
	n->a = a;
	return finish(p, n, at->start, node_end(a));
}

static bool expect(struct parser *p, int punct, const char *what)
{
	if (lp_lexer_eat(p->lx, punct))
		return true;
	lp_lexer_expected(p->lx, what);
	return false;
}

/* a, b, c up to `close`, which is eaten; the token before is the first item's. */
static struct lp_node *parse_items(struct parser *p, const struct lp_token *open,
				   struct lp_node *first, int close)
{
	LP_VEC(struct lp_node *) items = { 0 };
	struct lp_node *n = new_node(p, LP_NODE_LIST, open);
	size_t end = open->end;

	for (struct lp_node *item = first; n;) {
		if (!item && !lp_lexer_is(p->lx, close))
			item = parse_any(p);
		if (item && lp_vec_push(&items, item) < 0)
			p->lx->status = lp_err_nomem(p->lx->err);
		if (item && item->height >= n->height)
			n->height = item->height + 1;
		if (p->lx->status)
			break;
		item = NULL;
		end = p->lx->tok.end;
		if (lp_lexer_eat(p->lx, close))
			break;
		if (!expect(p, ',', close == ')' ? "',' or ')'" : "',' or ']'"))
			break;
	}
	if (n && !p->lx->status) {
		n->items = lp_arena_dup(p->lx->arena, items.data, items.len * sizeof(*items.data));
		n->n_items = items.len;
		if (!n->items)
			p->lx->status = lp_err_nomem(p->lx->err);
		n = finish(p, n, open->start, end);
	}
	lp_vec_done(&items);
	return p->lx->status ? NULL : n;
}

static bool starts_operand(const struct lp_token *t)
{
	switch (t->kind) {
	case LP_TOK_NAME:
		return !is_one_of(t, not_operands, LP_ARRAY_SIZE(not_operands));
	case LP_TOK_INT:
	case LP_TOK_FLOAT:
	case LP_TOK_CHAR:
	case LP_TOK_DOLLAR:
		return true;
	case LP_TOK_PUNCT:
		return t->punct == '(' || t->punct == '~' || t->punct == '!';
	default:
		return false;
	}
}

/* `(T)x`, where T can only be a type: otherwise NULL, the lexer back at the parenthesis. */
static struct lp_node *try_cast(struct parser *p, const struct lp_token *open)
{
	lp_lexer_next(p->lx);

	struct lp_type_name *type = lp_parse_type_name(p->lx);
	if (type) {
		lp_lexer_next(p->lx);
		if (type->is_certain || starts_operand(&p->lx->tok)) {
			struct lp_node *a = parse_unary(p);
			struct lp_node *n = a ? new_node(p, LP_NODE_CAST, open) : NULL;

			if (!n)
				return NULL;
			n->type_name = type;
			n->a = a;
			return finish(p, n, open->start, node_end(a));
		}
	}
	if (!p->lx->status)
		lp_lexer_seek(p->lx, open->start);
	return NULL;
}

static struct lp_node *parse_parens(struct parser *p)
{
	struct lp_token open = p->lx->tok;
	struct lp_node *n = try_cast(p, &open);

	if (n || p->lx->status)
		return n;
	lp_lexer_next(p->lx);
	n = parse_any(p);
	if (!n)
		return NULL;
	if (lp_lexer_is(p->lx, ','))
		return parse_items(p, &open, n, ')');

	size_t end = p->lx->tok.end;
	if (!expect(p, ')', "')'"))
		return NULL;
	n->parens = true;
	n->col = (int)open.start + 1;
	n->width = (int)(end - open.start);
	return n;
}

static bool expect_type(struct parser *p, struct lp_node *n)
{
	n->type_name = lp_parse_type_name(p->lx);
	if (!n->type_name)
		lp_lexer_expected(p->lx, "a type");
	return n->type_name != NULL;
}

static bool parse_sizeof(struct parser *p, struct lp_node *n)
{
	size_t start = p->lx->tok.start;

	n->type_name = lp_parse_type_name(p->lx);
	if (n->type_name && n->type_name->is_certain)
		return true;
	if (p->lx->status)
		return false;
	lp_lexer_seek(p->lx, start);
	n->a = parse_any(p);
	return n->a != NULL;
}

static bool parse_argument(struct parser *p, struct lp_node *n)
{
	n->a = parse_any(p);
	return n->a != NULL;
}

static bool parse_isinstance(struct parser *p, struct lp_node *n)
{
	return parse_argument(p, n) && expect(p, ',', "','") && expect_type(p, n);
}

static const struct {
	const char *name;
	enum lp_node_kind kind;
	bool (*parse)(struct parser *p, struct lp_node *n);
} builtins[] = {
	{ "len", LP_NODE_CALL, parse_argument },
	{ "type", LP_NODE_CALL, parse_argument },
	{ "sizeof", LP_NODE_SIZEOF, parse_sizeof },
	{ "isinstance", LP_NODE_ISINSTANCE, parse_isinstance },
};

static struct lp_node *no_call(struct parser *p, const struct lp_token *name)
{
	lp_lexer_fail(p->lx, name->start, name->end,
		      "'%.*s' cannot be called: nothing of the target is ever executed (there are "
		      "len, type, isinstance, sizeof, .startswith, .endswith)",
		      name->len > 100 ? 100 : (int)name->len, name->str);
	return NULL;
}

/* The name has been read, the parenthesis is next. */
static struct lp_node *parse_call(struct parser *p, const struct lp_token *name)
{
	for (size_t i = 0; i < LP_ARRAY_SIZE(builtins); i++) {
		if (!is_one_of(name, &builtins[i].name, 1))
			continue;
		struct lp_node *n = new_node(p, builtins[i].kind, name);
		if (!n)
			return NULL;
		n->name = builtins[i].name;
		n->len = name->len;
		lp_lexer_next(p->lx);
		if (!builtins[i].parse(p, n))
			return NULL;
		size_t end = p->lx->tok.end;
		return expect(p, ')', "')'") ? finish(p, n, name->start, end) : NULL;
	}
	return no_call(p, name);
}

static struct lp_node *parse_name(struct parser *p)
{
	struct lp_token t = p->lx->tok;

	lp_lexer_next(p->lx);
	if (lp_lexer_is(p->lx, '('))
		return parse_call(p, &t);

	struct lp_node *n = new_node(p, LP_NODE_NAME, &t);
	if (!n)
		return NULL;
	n->name = t.str;
	n->len = t.len;
	for (size_t i = 0; i < LP_ARRAY_SIZE(constants); i++)
		if (is_one_of(&t, &constants[i].word, 1)) {
			n->kind = constants[i].kind;
			n->value = constants[i].value;
		}
	return n;
}

static struct lp_node *parse_dollar(struct parser *p)
{
	struct lp_token t = p->lx->tok;
	struct lp_node *n = new_node(p, LP_NODE_DOLLAR, &t);

	lp_lexer_next(p->lx);
	if (!n)
		return NULL;
	n->name = t.str;
	n->len = t.len;
	if (t.str[0] < '0' || t.str[0] > '9')
		return n;

	n->kind = LP_NODE_NUMBERED;
	for (size_t i = 0; i < t.len; i++) {
		if (t.str[i] < '0' || t.str[i] > '9' || n->value > 1000) {
			lp_lexer_fail(p->lx, t.start, t.end, "no such argument");
			return NULL;
		}
		n->value = n->value * 10 + (uint64_t)(t.str[i] - '0');
	}
	return n;
}

static struct lp_node *parse_literal(struct parser *p, enum lp_node_kind kind)
{
	struct lp_token t = p->lx->tok;
	struct lp_node *n = new_node(p, kind, &t);

	lp_lexer_next(p->lx);
	if (!n)
		return NULL;
	n->name = t.str;
	n->len = t.len;
	n->value = t.value;
	n->f = t.f;
	n->literal_type = t.type;
	return n;
}

static struct lp_node *parse_primary(struct parser *p)
{
	struct lp_token t = p->lx->tok;

	switch (t.kind) {
	case LP_TOK_NAME:
		if (!is_one_of(&t, not_operands, 6))
			return parse_name(p);
		break;
	case LP_TOK_DOLLAR:
		return parse_dollar(p);
	case LP_TOK_INT:
		return parse_literal(p, LP_NODE_INT);
	case LP_TOK_FLOAT:
		return parse_literal(p, LP_NODE_FLOAT);
	case LP_TOK_CHAR:
		return parse_literal(p, LP_NODE_CHAR);
	case LP_TOK_STRING:
		return parse_literal(p, LP_NODE_STRING);
	case LP_TOK_PUNCT:
		if (t.punct == '(')
			return parse_parens(p);
		if (t.punct == '[') {
			lp_lexer_next(p->lx);
			return parse_items(p, &t, NULL, ']');
		}
		break;
	case LP_TOK_END:
		break;
	}
	lp_lexer_expected(p->lx, "an expression");
	return NULL;
}

static struct lp_node *parse_member(struct parser *p, struct lp_node *a)
{
	static const char *const methods[] = { "startswith", "endswith" };

	lp_lexer_next(p->lx);
	struct lp_token name = p->lx->tok;
	if (name.kind != LP_TOK_NAME) {
		lp_lexer_expected(p->lx, "the name of a member");
		return NULL;
	}
	lp_lexer_next(p->lx);

	bool is_call = lp_lexer_is(p->lx, '(');
	if (is_call && !is_one_of(&name, methods, LP_ARRAY_SIZE(methods)))
		return no_call(p, &name);

	struct lp_node *n = new_node(p, is_call ? LP_NODE_METHOD : LP_NODE_MEMBER, &name);
	size_t end = name.end;
	if (!n)
		return NULL;
	n->a = a;
	n->name = name.str;
	n->len = name.len;
	if (is_call) {
		lp_lexer_next(p->lx);
		n->b = parse_any(p);
		end = p->lx->tok.end;
		if (!n->b || !expect(p, ')', "')'"))
			return NULL;
	}
	return finish(p, n, node_start(a), end);
}

static struct lp_node *parse_index(struct parser *p, struct lp_node *a)
{
	struct lp_token open = p->lx->tok;
	struct lp_node *n = new_node(p, LP_NODE_INDEX, &open), *from = NULL;

	lp_lexer_next(p->lx);
	if (!n || (!lp_lexer_is(p->lx, ':') && !(from = parse_any(p))))
		return NULL;
	n->a = a;
	n->b = from;
	if (lp_lexer_eat(p->lx, ':')) {
		n->kind = LP_NODE_SLICE;
		if (!lp_lexer_is(p->lx, ']') && !(n->c = parse_any(p)))
			return NULL;
	}

	size_t end = p->lx->tok.end;
	if (!expect(p, ']', n->kind == LP_NODE_INDEX ? "']' or ':'" : "']'"))
		return NULL;
	return finish(p, n, node_start(a), end);
}

static struct lp_node *parse_postfix(struct parser *p)
{
	struct lp_node *n = parse_primary(p);

	while (n) {
		if (lp_lexer_is(p->lx, '.') || lp_lexer_is(p->lx, LP_PUNCT2('-', '>')))
			n = parse_member(p, n);
		else if (lp_lexer_is(p->lx, '['))
			n = parse_index(p, n);
		else
			break;
	}
	return p->lx->status ? NULL : n;
}

static bool enter(struct parser *p)
{
	if (p->depth++ < 2 * LP_NESTING_MAX)
		return true;
	lp_lexer_fail(p->lx, p->lx->tok.start, p->lx->tok.end, "nested deeper than %d",
		      LP_NESTING_MAX);
	return false;
}

static struct lp_node *parse_unary(struct parser *p)
{
	struct lp_token t = p->lx->tok;
	struct lp_node *n = NULL;

	if (!enter(p))
		return NULL;

	size_t i = 0;
	while (i < LP_ARRAY_SIZE(unary_puncts) && !lp_lexer_is(p->lx, unary_puncts[i].punct))
		i++;
	if (i < LP_ARRAY_SIZE(unary_puncts)) {
		lp_lexer_next(p->lx);
		n = new_unary(p, unary_puncts[i].op, &t, parse_unary(p));
	} else if (lp_lexer_is(p->lx, LP_PUNCT2('&', '&'))) {
		lp_lexer_expected(p->lx, "an expression");
	} else {
		n = parse_postfix(p);
	}
	p->depth--;
	return n;
}

/* The binary operator at the current token, with its second word; false: there is none. */
static bool binary_operator(struct parser *p, enum lp_operator *ret, struct lp_token *ret_tok)
{
	static const struct {
		const char *word, *second;
		enum lp_operator op;
	} words[] = {
		{ "or", NULL, LP_OPER_OR },	 { "and", NULL, LP_OPER_AND },
		{ "in", NULL, LP_OPER_IN },	 { "not", "in", LP_OPER_NOT_IN },
		{ "is", "not", LP_OPER_IS_NOT }, { "is", NULL, LP_OPER_IS },
	};
	struct lp_lexer *lx = p->lx;

	*ret_tok = lx->tok;
	for (size_t i = 0; i < LP_ARRAY_SIZE(binary_puncts); i++)
		if (lp_lexer_is(lx, binary_puncts[i].punct)) {
			*ret = binary_puncts[i].op;
			return true;
		}
	for (size_t i = 0; i < LP_ARRAY_SIZE(words); i++) {
		if (!lp_lexer_is_word(lx, words[i].word))
			continue;
		if (words[i].second) {
			struct lp_token first = lx->tok;

			lp_lexer_next(lx);
			size_t end = lx->tok.end;
			bool matches = lp_lexer_is_word(lx, words[i].second);
			lp_lexer_seek(lx, first.start);
			if (!matches)
				continue;
			ret_tok->end = end;
		}
		*ret = words[i].op;
		return true;
	}
	return false;
}

static bool is_compare(const struct lp_node *n)
{
	return n->kind == LP_NODE_BINARY && !n->parens &&
	       lp_operators[n->op].precedence == PRECEDENCE_COMPARE;
}

static bool is_bitwise(const struct lp_node *n)
{
	return n->kind == LP_NODE_BINARY && !n->parens &&
	       (n->op == LP_OPER_BIT_AND || n->op == LP_OPER_BIT_OR || n->op == LP_OPER_BIT_XOR);
}

/* What C and Python read differently is asked back, not guessed. */
static bool is_ambiguous(struct parser *p, const struct lp_token *at, const struct lp_node *a,
			 const struct lp_node *b)
{
	const char *text = p->lx->text;

	if (is_compare(a)) {
		lp_lexer_fail(p->lx, at->start, at->end,
			      "comparisons in a chain mean one thing in C and another in Python: "
			      "join two of them with 'and'");
		return true;
	}

	const struct lp_node *bits = is_bitwise(a) ? a : is_bitwise(b) ? b : NULL;
	if (!bits)
		return false;
	lp_lexer_fail(p->lx, node_start(bits), node_end(bits),
		      "C and Python bind '%s' and '%.*s' differently here: write (%.*s)",
		      lp_operators[bits->op].text, (int)(at->end - at->start), text + at->start,
		      bits->width > 100 ? 100 : bits->width, text + node_start(bits));
	return true;
}

static struct lp_node *new_binary(struct parser *p, enum lp_operator op, const struct lp_token *at,
				  struct lp_node *a, struct lp_node *b)
{
	if (lp_operators[op].precedence == PRECEDENCE_COMPARE && is_ambiguous(p, at, a, b))
		return NULL;

	struct lp_node *n = new_node(p, LP_NODE_BINARY, at);
	if (!n)
		return NULL;
	n->op = op;
	n->a = a;
	n->b = b;
	return finish(p, n, node_start(a), node_end(b));
}

static struct lp_node *parse_binary(struct parser *p, int min)
{
	struct lp_token t = p->lx->tok;
	struct lp_node *a;
	enum lp_operator op;

	if (min <= PRECEDENCE_NOT && lp_lexer_is_word(p->lx, "not")) {
		if (!enter(p))
			return NULL;
		lp_lexer_next(p->lx);
		a = new_unary(p, LP_OPER_NOT, &t, parse_binary(p, PRECEDENCE_NOT));
		p->depth--;
	} else {
		a = parse_unary(p);
	}

	while (a && binary_operator(p, &op, &t) && lp_operators[op].precedence >= min) {
		lp_lexer_seek(p->lx, t.end);
		struct lp_node *b = parse_binary(p, lp_operators[op].precedence + 1);
		a = b ? new_binary(p, op, &t, a, b) : NULL;
	}
	return a;
}

static struct lp_node *new_cond(struct parser *p, const struct lp_token *at, struct lp_node *a,
				struct lp_node *b, struct lp_node *c, struct lp_node *first,
				struct lp_node *last)
{
	struct lp_node *n = new_node(p, LP_NODE_COND, at);

	if (!n)
		return NULL;
	n->a = a;
	n->b = b;
	n->c = c;
	return finish(p, n, node_start(first), node_end(last));
}

/* c ? a : b */
static struct lp_node *parse_c_cond(struct parser *p, struct lp_node *cond)
{
	struct lp_token at = p->lx->tok;

	lp_lexer_next(p->lx);
	struct lp_node *yes = parse_any(p);
	if (!yes || !expect(p, ':', "':'"))
		return NULL;
	struct lp_node *no = parse_any(p);
	return no ? new_cond(p, &at, cond, yes, no, cond, no) : NULL;
}

/* a if c else b */
static struct lp_node *parse_python_cond(struct parser *p, struct lp_node *yes)
{
	struct lp_token at = p->lx->tok;

	lp_lexer_next(p->lx);
	struct lp_node *cond = parse_binary(p, 1);
	if (!cond)
		return NULL;
	if (!lp_lexer_eat_word(p->lx, "else")) {
		lp_lexer_expected(p->lx, "'else'");
		return NULL;
	}
	struct lp_node *no = parse_any(p);
	return no ? new_cond(p, &at, cond, yes, no, yes, no) : NULL;
}

static struct lp_node *parse_any(struct parser *p)
{
	if (!enter(p))
		return NULL;

	struct lp_node *n = parse_binary(p, 1);
	if (n && lp_lexer_is(p->lx, '?'))
		n = parse_c_cond(p, n);
	else if (n && lp_lexer_is_word(p->lx, "if"))
		n = parse_python_cond(p, n);
	p->depth--;
	return p->lx->status ? NULL : n;
}

struct lp_node *lp_parse_expr(struct lp_lexer *lx)
{
	struct parser p = { .lx = lx };

	return parse_any(&p);
}
