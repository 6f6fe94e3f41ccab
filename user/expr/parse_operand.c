// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "base/vec.h"
#include "expr/parse_impl.h"

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

static bool is_one_of(const struct lp_token *t, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (t->len == strlen(words[i]) && memcmp(t->str, words[i], t->len) == 0)
			return true;
	return false;
}

struct lp_node *lp_parser_node(struct lp_parser *p, enum lp_node_kind kind,
			       const struct lp_token *at)
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
struct lp_node *lp_parser_finish(struct lp_parser *p, struct lp_node *n, size_t start, size_t end)
{
	const struct lp_node *kids[] = { n->a, n->b, n->c, n->d };

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

bool lp_parser_expect(struct lp_parser *p, int punct, const char *what)
{
	if (lp_lexer_eat(p->lx, punct))
		return true;
	lp_lexer_expected(p->lx, what);
	return false;
}

/* a, b, c up to `close`, which is eaten; the token before is the first item's. */
static struct lp_node *parse_items(struct lp_parser *p, const struct lp_token *open,
				   struct lp_node *first, int close,
				   struct lp_node *(*parse_item)(struct lp_parser *p))
{
	LP_VEC(struct lp_node *) items = { 0 };
	struct lp_node *n = lp_parser_node(p, LP_NODE_LIST, open);
	size_t end = open->end;

	for (struct lp_node *item = first; n;) {
		if (!item && !lp_lexer_is(p->lx, close))
			item = parse_item(p);
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
		if (!lp_parser_expect(p, ',', close == ')' ? "',' or ')'" : "',' or ']'"))
			break;
	}
	if (n && !p->lx->status) {
		n->items = lp_arena_dup(p->lx->arena, items.data, items.len * sizeof(*items.data));
		n->n_items = items.len;
		if (!n->items)
			p->lx->status = lp_err_nomem(p->lx->err);
		n = lp_parser_finish(p, n, open->start, end);
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
	case LP_TOK_BIG:
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
static struct lp_node *try_cast(struct lp_parser *p, const struct lp_token *open)
{
	lp_lexer_next(p->lx);

	struct lp_type_name *type = lp_parse_type_name(p->lx, false);
	if (type) {
		lp_lexer_next(p->lx);
		if (type->is_certain || starts_operand(&p->lx->tok)) {
			struct lp_node *a = lp_parse_unary(p);
			struct lp_node *n = a ? lp_parser_node(p, LP_NODE_CAST, open) : NULL;

			if (!n)
				return NULL;
			n->type_name = type;
			n->a = a;
			return lp_parser_finish(p, n, open->start, node_end(a));
		}
	}
	if (!p->lx->status)
		lp_lexer_seek(p->lx, open->start);
	return NULL;
}

static struct lp_node *parse_parens(struct lp_parser *p)
{
	struct lp_token open = p->lx->tok;
	struct lp_node *n = try_cast(p, &open);

	if (n || p->lx->status)
		return n;
	lp_lexer_next(p->lx);
	n = lp_parse_any(p);
	if (!n)
		return NULL;
	if (lp_lexer_is(p->lx, ',')) {
		n = parse_items(p, &open, n, ')', lp_parse_any);
		if (n)
			n->is_tuple = true;
		return n;
	}

	size_t end = p->lx->tok.end;
	if (!lp_parser_expect(p, ')', "')'"))
		return NULL;
	n->parens = true;
	n->col = (int)open.start + 1;
	n->width = (int)(end - open.start);
	return n;
}

static bool parse_sizeof(struct lp_parser *p, struct lp_node *n)
{
	size_t start = p->lx->tok.start;

	n->type_name = lp_parse_type_name(p->lx, false);
	if (n->type_name && n->type_name->is_certain)
		return true;
	if (p->lx->status)
		return false;
	lp_lexer_seek(p->lx, start);
	n->a = lp_parse_any(p);
	return n->a != NULL;
}

static bool parse_argument(struct lp_parser *p, struct lp_node *n)
{
	n->a = lp_parse_any(p);
	return n->a != NULL;
}

/* a.b.c */
static bool is_path(const struct lp_node *n)
{
	while (n->kind == LP_NODE_MEMBER)
		n = n->a;
	return n->kind == LP_NODE_NAME;
}

/* A type by its words, or the path to a class. */
static struct lp_node *parse_class(struct lp_parser *p)
{
	struct lp_token first = p->lx->tok;
	struct lp_type_name *type = lp_parse_type_name(p->lx, true);
	struct lp_node *n;

	if (type) {
		n = lp_parser_node(p, LP_NODE_NAME, &first);
		if (!n)
			return NULL;
		n->type_name = type;
		n->name = type->name;
		n->len = type->len;
		n->width = n->at_width = type->width;
		return n;
	}
	n = first.kind == LP_TOK_NAME && !p->lx->status ? lp_parse_postfix(p) : NULL;
	if (n && is_path(n))
		return n;
	if (!p->lx->status) {
		lp_lexer_seek(p->lx, first.start);
		lp_lexer_expected(p->lx, "a type");
	}
	return NULL;
}

static bool parse_isinstance(struct lp_parser *p, struct lp_node *n)
{
	if (!parse_argument(p, n) || !lp_parser_expect(p, ',', "','"))
		return false;

	struct lp_token open = p->lx->tok;
	if (lp_lexer_eat(p->lx, '('))
		n->b = parse_items(p, &open, NULL, ')', parse_class);
	else
		n->b = parse_class(p);
	return n->b != NULL;
}

static const struct {
	const char *name;
	enum lp_node_kind kind;
	bool (*parse)(struct lp_parser *p, struct lp_node *n);
} builtins[] = {
	{ "len", LP_NODE_CALL, parse_argument },
	{ "type", LP_NODE_CALL, parse_argument },
	{ "sizeof", LP_NODE_SIZEOF, parse_sizeof },
	{ "isinstance", LP_NODE_ISINSTANCE, parse_isinstance },
};

static struct lp_node *no_call(struct lp_parser *p, const struct lp_token *name)
{
	lp_lexer_fail(p->lx, name->start, name->end,
		      "'%.*s' cannot be called: nothing of the target is ever executed (there are "
		      "len, type, isinstance, sizeof, .startswith, .endswith)",
		      name->len > 100 ? 100 : (int)name->len, name->str);
	return NULL;
}

/* The name has been read, the parenthesis is next. */
static struct lp_node *parse_call(struct lp_parser *p, const struct lp_token *name)
{
	for (size_t i = 0; i < LP_ARRAY_SIZE(builtins); i++) {
		if (!is_one_of(name, &builtins[i].name, 1))
			continue;
		struct lp_node *n = lp_parser_node(p, builtins[i].kind, name);
		if (!n)
			return NULL;
		n->name = builtins[i].name;
		n->len = name->len;
		lp_lexer_next(p->lx);
		if (!builtins[i].parse(p, n))
			return NULL;
		size_t end = p->lx->tok.end;
		return lp_parser_expect(p, ')', "')'") ? lp_parser_finish(p, n, name->start, end)
						       : NULL;
	}
	return no_call(p, name);
}

static struct lp_node *parse_name(struct lp_parser *p)
{
	struct lp_token t = p->lx->tok;

	lp_lexer_next(p->lx);
	if (lp_lexer_is(p->lx, '('))
		return parse_call(p, &t);

	struct lp_node *n = lp_parser_node(p, LP_NODE_NAME, &t);
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

static struct lp_node *parse_dollar(struct lp_parser *p)
{
	struct lp_token t = p->lx->tok;
	struct lp_node *n = lp_parser_node(p, LP_NODE_DOLLAR, &t);

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

static struct lp_node *parse_literal(struct lp_parser *p, enum lp_node_kind kind)
{
	struct lp_token t = p->lx->tok;
	struct lp_node *n = lp_parser_node(p, kind, &t);

	lp_lexer_next(p->lx);
	if (!n)
		return NULL;
	n->name = t.str;
	n->len = t.len;
	n->value = t.value;
	n->f = t.f;
	n->literal_type = t.type;
	n->is_bytes = t.is_bytes;
	n->c_escapes = t.c_escapes;
	return n;
}

static struct lp_node *parse_primary(struct lp_parser *p)
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
	case LP_TOK_BIG:
		return parse_literal(p, LP_NODE_BIG);
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
			return parse_items(p, &t, NULL, ']', lp_parse_any);
		}
		break;
	case LP_TOK_END:
		break;
	}
	lp_lexer_expected(p->lx, "an expression");
	return NULL;
}

static struct lp_node *parse_member(struct lp_parser *p, struct lp_node *a)
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

	struct lp_node *n = lp_parser_node(p, is_call ? LP_NODE_METHOD : LP_NODE_MEMBER, &name);
	size_t end = name.end;
	if (!n)
		return NULL;
	n->a = a;
	n->name = name.str;
	n->len = name.len;
	if (is_call) {
		lp_lexer_next(p->lx);
		n->b = lp_parse_any(p);
		end = p->lx->tok.end;
		if (!n->b || !lp_parser_expect(p, ')', "')'"))
			return NULL;
	}
	return lp_parser_finish(p, n, node_start(a), end);
}

/* from:to:step, or an index alone. */
static bool parse_ends(struct lp_parser *p, struct lp_node *n)
{
	static const int twice = LP_PUNCT2(':', ':');
	struct lp_lexer *lx = p->lx;

	if (!lp_lexer_is(lx, ':') && !lp_lexer_is(lx, twice) && !(n->b = lp_parse_any(p)))
		return false;

	bool has_step = lp_lexer_eat(lx, twice);
	if (!has_step && !lp_lexer_eat(lx, ':'))
		return true;
	n->kind = LP_NODE_SLICE;
	if (!has_step && !lp_lexer_is(lx, ':') && !lp_lexer_is(lx, ']') &&
	    !(n->c = lp_parse_any(p)))
		return false;
	has_step = has_step || lp_lexer_eat(lx, ':');
	if (has_step && !lp_lexer_is(lx, ']'))
		n->d = lp_parse_any(p);
	return !lx->status;
}

static struct lp_node *parse_brackets(struct lp_parser *p, struct lp_node *a)
{
	struct lp_token open = p->lx->tok;
	struct lp_node *n = lp_parser_node(p, LP_NODE_INDEX, &open);

	lp_lexer_next(p->lx);
	if (!n || !parse_ends(p, n))
		return NULL;
	n->a = a;

	size_t end = p->lx->tok.end;
	if (n->kind == LP_NODE_INDEX && lp_lexer_is(p->lx, ',')) {
		struct lp_token first = { .start = node_start(n->b), .end = node_start(n->b) };

		n->b = parse_items(p, &first, n->b, ']', lp_parse_any);
		if (!n->b)
			return NULL;
		end = node_end(n->b);
		n->b->width--;
		n->b->is_tuple = true;
	} else if (!lp_parser_expect(p, ']', n->kind == LP_NODE_INDEX ? "']' or ':'" : "']'")) {
		return NULL;
	}
	return lp_parser_finish(p, n, node_start(a), end);
}

/* The same from where `begin` and `open` are, with "::" as a slice's. NULL: it is none. */
static struct lp_node *parse_slices(struct lp_parser *p, const struct lp_parser *begin,
				    const struct lp_lexer *open, struct lp_node *a,
				    size_t *ret_next)
{
	const struct lp_parser end = *p;
	const struct lp_lexer behind = *p->lx;
	struct lp_err err = { 0 };

	*p = *begin;
	*p->lx = *open;
	p->lx->err = &err;
	p->lx->slices = true;
	struct lp_node *n = parse_brackets(p, a);
	*ret_next = p->lx->tok.start;
	*p->lx = behind;
	*p = end;
	return n;
}

/* Of a[i::n] it is not known yet whether i::n is a name, as in C++, or a slice: it is read as both, where
 * it can be. What went wrong is what went wrong with the name.
 */
static struct lp_node *parse_index(struct lp_parser *p, struct lp_node *a)
{
	struct lp_lexer *lx = p->lx;
	const struct lp_parser begin = *p;
	const struct lp_lexer open = *lx;
	struct lp_err err = { 0 };
	size_t next;

	lx->scoped = false;
	lx->err = &err;
	struct lp_node *n = parse_brackets(p, a);
	struct lp_node *slices = lx->scoped ? parse_slices(p, &begin, &open, a, &next) : NULL;
	lx->scoped = lx->scoped || open.scoped;
	lx->err = open.err;
	if (n && slices) {
		n->slices = slices;
		n->height = n->height > slices->height ? n->height : slices->height;
	} else if (slices) {
		*p = begin;
		*lx = open;
		lx->scoped = true;
		lp_lexer_seek(lx, next);
		n = slices;
	} else if (lx->status && lx->err) {
		*lx->err = err;
	}
	return n;
}

struct lp_node *lp_parse_postfix(struct lp_parser *p)
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
