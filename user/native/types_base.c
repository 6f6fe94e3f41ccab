// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <string.h>

#include "native/types_impl.h"

/* char, and what C++ declares beside it, are characters; signed and unsigned char are numbers. */
static bool is_character(const char *name, unsigned int encoding)
{
	switch (encoding) {
	case DW_ATE_UTF:
	case DW_ATE_UCS:
	case DW_ATE_ASCII:
		return true;
	case DW_ATE_signed_char:
	case DW_ATE_unsigned_char:
		return !strcmp(name, "char");
	default:
		return !strcmp(name, "wchar_t");
	}
}

static const struct {
	unsigned int encoding;
	enum lp_type_kind kind;
	bool is_signed;
	uint64_t min, max; /* size */
} encodings[] = {
	{ DW_ATE_boolean, LP_TYPE_BOOL, false, 1, 8 },
	{ DW_ATE_address, LP_TYPE_INT, false, 1, 8 },
	{ DW_ATE_signed, LP_TYPE_INT, true, 1, 16 },
	{ DW_ATE_unsigned, LP_TYPE_INT, false, 1, 16 },
	{ DW_ATE_signed_char, LP_TYPE_INT, true, 1, 4 },
	{ DW_ATE_unsigned_char, LP_TYPE_INT, false, 1, 4 },
	{ DW_ATE_UTF, LP_TYPE_CHAR, false, 1, 4 },
	{ DW_ATE_UCS, LP_TYPE_CHAR, false, 1, 4 },
	{ DW_ATE_ASCII, LP_TYPE_CHAR, false, 1, 1 },
	{ DW_ATE_float, LP_TYPE_FLOAT, true, 2, 16 },
	{ DW_ATE_complex_float, LP_TYPE_COMPLEX, true, 8, 32 },
};

void lp_types_make_base(struct lp_type_node *n, const char *name, unsigned int encoding,
			uint64_t size)
{
	n->t.kind = LP_TYPE_UNKNOWN;
	n->t.name = name;
	n->t.size = size;
	for (size_t i = 0; i < LP_ARRAY_SIZE(encodings); i++) {
		if (encodings[i].encoding != encoding || size < encodings[i].min ||
		    size > encodings[i].max)
			continue;
		n->t.kind = encodings[i].kind;
		n->t.is_signed = encodings[i].is_signed;
		if (n->t.kind == LP_TYPE_INT && is_character(name, encoding))
			n->t.kind = LP_TYPE_CHAR;
	}
	/* the x87 format and IEEE binary128 have the same size; only their names differ */
	if (n->t.kind == LP_TYPE_FLOAT || n->t.kind == LP_TYPE_COMPLEX)
		n->t.is_quad = strstr(name, "128") != NULL;
	if (n->t.kind == LP_TYPE_FLOAT && (strstr(name, "bf16") || strstr(name, "bfloat16")))
		n->t.kind = LP_TYPE_UNKNOWN;
}

const char *lp_types_qualified(struct lp_type_node *n, const char *tag)
{
	struct lp_arena *a = &n->types->arena;
	const char *name = dwarf_diename(&n->die), *scope = "";
	bool is_c = lp_lang_is_c(lp_die_lang(&n->die));

	if (!name)
		return tag ? lp_arena_fmt(a, "%s {...}", tag) : "?";
	if (is_c)
		return tag ? lp_arena_fmt(a, "%s %s", tag, name) : name;
	if (n->types->names)
		scope = lp_names_scope(n->types->names, &n->die);
	return scope[0] ? lp_arena_fmt(a, "%s::%s", scope, name) : name;
}

struct spelling {
	int is_unsigned, is_signed, longs, shorts, ints, chars, doubles, others;
	const char *word; /* of others */
	size_t word_len;
};

static bool is_word(const char *s, size_t len, const char *word)
{
	return strlen(word) == len && memcmp(s, word, len) == 0;
}

static bool spell(const char *name, size_t len, struct spelling *ret)
{
	const struct {
		const char *word;
		int *count;
	} words[] = {
		{ "unsigned", &ret->is_unsigned },
		{ "signed", &ret->is_signed },
		{ "long", &ret->longs },
		{ "short", &ret->shorts },
		{ "int", &ret->ints },
		{ "char", &ret->chars },
		{ "double", &ret->doubles },
	};

	for (size_t i = 0; i < len;) {
		if (name[i] == ' ' || name[i] == '\t') {
			i++;
			continue;
		}
		size_t end = i, k;
		while (end < len && name[end] != ' ' && name[end] != '\t')
			end++;
		for (k = 0; k < LP_ARRAY_SIZE(words); k++)
			if (is_word(name + i, end - i, words[k].word))
				break;
		if (k < LP_ARRAY_SIZE(words)) {
			++*words[k].count;
		} else {
			ret->others++;
			ret->word = name + i;
			ret->word_len = end - i;
		}
		i = end;
	}
	return true;
}

struct builtin {
	const char *name;
	unsigned int encoding;
	uint64_t size;
};

static const struct builtin *by_words(const struct spelling *s)
{
	static const struct builtin ints[][2] = {
		{ { "int", DW_ATE_signed, 4 }, { "unsigned int", DW_ATE_unsigned, 4 } },
		{ { "long", DW_ATE_signed, 8 }, { "unsigned long", DW_ATE_unsigned, 8 } },
		{ { "long long", DW_ATE_signed, 8 }, { "unsigned long long", DW_ATE_unsigned, 8 } },
		{ { "short", DW_ATE_signed, 2 }, { "unsigned short", DW_ATE_unsigned, 2 } },
		{ { "signed char", DW_ATE_signed_char, 1 },
		  { "unsigned char", DW_ATE_unsigned_char, 1 } },
	};
	static const struct builtin plain_char = { "char", DW_ATE_signed_char, 1 };
	static const struct builtin doubles[] = { { "double", DW_ATE_float, 8 },
						  { "long double", DW_ATE_float, 16 } };

	if (s->others || s->is_unsigned + s->is_signed > 1 || s->ints > 1 || s->longs > 2 ||
	    s->shorts > 1 || s->chars > 1)
		return NULL;
	if (s->doubles)
		return s->doubles == 1 && s->longs <= 1 &&
				       !(s->is_unsigned | s->is_signed | s->ints | s->shorts |
					 s->chars)
			       ? &doubles[s->longs]
			       : NULL;
	if (s->chars)
		return s->ints | s->longs | s->shorts  ? NULL
		       : s->is_unsigned | s->is_signed ? &ints[4][s->is_unsigned]
						       : &plain_char;
	if (s->shorts)
		return s->longs ? NULL : &ints[3][s->is_unsigned];
	if (s->longs | s->ints | s->is_unsigned | s->is_signed)
		return &ints[s->longs][s->is_unsigned];
	return NULL;
}

static const struct builtin *by_name(const char *name, size_t len)
{
	static const struct builtin names[] = {
		{ "bool", DW_ATE_boolean, 1 },	     { "_Bool", DW_ATE_boolean, 1 },
		{ "float", DW_ATE_float, 4 },	     { "__int128", DW_ATE_signed, 16 },
		{ "int8_t", DW_ATE_signed, 1 },	     { "uint8_t", DW_ATE_unsigned, 1 },
		{ "int16_t", DW_ATE_signed, 2 },     { "uint16_t", DW_ATE_unsigned, 2 },
		{ "int32_t", DW_ATE_signed, 4 },     { "uint32_t", DW_ATE_unsigned, 4 },
		{ "int64_t", DW_ATE_signed, 8 },     { "uint64_t", DW_ATE_unsigned, 8 },
		{ "size_t", DW_ATE_unsigned, 8 },    { "ssize_t", DW_ATE_signed, 8 },
		{ "uintptr_t", DW_ATE_unsigned, 8 }, { "intptr_t", DW_ATE_signed, 8 },
		{ "_Float128", DW_ATE_float, 16 },   { "__float128", DW_ATE_float, 16 },
		{ "char8_t", DW_ATE_UTF, 1 },	     { "char16_t", DW_ATE_UTF, 2 },
		{ "char32_t", DW_ATE_UTF, 4 },
	};

	for (size_t i = 0; i < LP_ARRAY_SIZE(names); i++)
		if (is_word(name, len, names[i].name))
			return &names[i];
	return NULL;
}

const struct lp_type *lp_types_builtin(struct lp_types *ts, const char *name, size_t len)
{
	static const struct builtin big = { "unsigned __int128", DW_ATE_unsigned, 16 };
	struct spelling s = { 0 };
	const struct builtin *b;

	while (len && isspace((unsigned char)*name)) {
		name++;
		len--;
	}
	while (len && isspace((unsigned char)name[len - 1]))
		len--;
	if (is_word(name, len, "void"))
		return &lp_type_void;
	b = by_name(name, len);
	if (!b) {
		spell(name, len, &s);
		b = s.others == 1 && s.is_unsigned == 1 && is_word(s.word, s.word_len, "__int128")
			    ? &big
			    : by_words(&s);
	}
	if (!b)
		return NULL;

	struct lp_type_node *n = lp_ptrmap_get(&ts->pointers, b);
	if (n)
		return &n->t;
	n = lp_types_node(ts);
	if (!n || lp_ptrmap_put(&ts->pointers, b, n) < 0)
		return NULL;
	lp_types_make_base(n, b->name, b->encoding, b->size);
	return &n->t;
}
