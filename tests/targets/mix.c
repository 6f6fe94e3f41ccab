/* SPDX-License-Identifier: GPL-2.0-only */
/* tests/targets/mix.c
 *
 * mix
 *
 * Ordinary code of many shapes (sorting, hashing, parsing, matrices, lists, callbacks), the same at
 * every run: what the optimiser makes of it is compared with a debugger, variable by variable.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "target.h"

enum lexeme_kind { T_END, T_NUMBER, T_PLUS, T_MINUS, T_TIMES, T_OPEN, T_CLOSE, T_ERROR = 100 };

struct lexeme {
	enum lexeme_kind kind;
	long value;
	const char *at;
	unsigned int length : 12;
	unsigned int line : 20;
};

struct lexer {
	const char *text, *cursor;
	struct lexeme lexeme;
	int depth;
};

struct entry {
	struct entry *next;
	uint32_t hash;
	char key[12];
	int value;
};

struct table {
	struct entry *buckets[16];
	size_t used;
};

struct matrix {
	int rows, columns;
	int cells[4][4];
};

struct stats {
	long sum, minimum, maximum;
	double mean;
	unsigned char histogram[8];
};

static int evaluations;
static struct table symbols;

static void next_lexeme(struct lexer *lexer)
{
	struct lexeme *lexeme = &lexer->lexeme;

	while (isspace((unsigned char)*lexer->cursor))
		lexer->cursor++;
	lexeme->at = lexer->cursor;
	lexeme->value = 0;
	if (isdigit((unsigned char)*lexer->cursor)) {
		char *end;

		lexeme->value = strtol(lexer->cursor, &end, 10);
		lexeme->kind = T_NUMBER;
		lexeme->length = (unsigned int)(end - lexer->cursor) & 0xfff;
		lexer->cursor = end;
		return;
	}
	char c = *lexer->cursor;
	lexeme->kind = c == '+'	   ? T_PLUS
		       : c == '-'  ? T_MINUS
		       : c == '*'  ? T_TIMES
		       : c == '('  ? T_OPEN
		       : c == ')'  ? T_CLOSE
		       : c == '\0' ? T_END
				   : T_ERROR;
	lexeme->length = 1;
	if (c)
		lexer->cursor++;
}

static long expression(struct lexer *lexer);

static long factor(struct lexer *lexer)
{
	long value;

	switch (lexer->lexeme.kind) {
	case T_NUMBER:
		value = lexer->lexeme.value;
		next_lexeme(lexer);
		break;
	case T_MINUS:
		next_lexeme(lexer);
		value = -factor(lexer);
		break;
	case T_OPEN:
		lexer->depth++;
		next_lexeme(lexer);
		value = expression(lexer);
		next_lexeme(lexer);
		lexer->depth--;
		break;
	default:
		value = 0;
	}
	evaluations++;
	return value;
}

static long expression(struct lexer *lexer)
{
	long left = factor(lexer);

	while (lexer->lexeme.kind >= T_PLUS && lexer->lexeme.kind <= T_TIMES) {
		enum lexeme_kind operation = lexer->lexeme.kind;
		long right;

		next_lexeme(lexer);
		right = factor(lexer);
		if (operation == T_PLUS)
			left += right;
		else if (operation == T_MINUS)
			left -= right;
		else
			left *= right;
	}
	return left;
}

static uint32_t hash_of(const char *key)
{
	uint32_t hash = 2166136261u;

	for (const char *p = key; *p; p++) {
		hash ^= (unsigned char)*p;
		hash *= 16777619u;
	}
	return hash;
}

static struct entry *find(struct table *table, const char *key, bool create)
{
	uint32_t hash = hash_of(key);
	struct entry **link = &table->buckets[hash % 16];

	for (; *link; link = &(*link)->next) {
		struct entry *entry = *link;

		if (entry->hash == hash && !strcmp(entry->key, key))
			return entry;
	}
	if (!create)
		return NULL;
	struct entry *made = calloc(1, sizeof(*made));

	if (!made)
		exit(3);
	made->hash = hash;
	strncpy(made->key, key, sizeof(made->key) - 1);
	*link = made;
	table->used++;
	return made;
}

static void swap(int *a, int *b)
{
	int held = *a;

	*a = *b;
	*b = held;
}

static int partition(int *values, int low, int high, int (*compare)(int, int))
{
	int pivot = values[high];
	int border = low - 1;

	for (int i = low; i < high; i++) {
		if (compare(values[i], pivot) < 0) {
			border++;
			swap(&values[border], &values[i]);
		}
	}
	swap(&values[border + 1], &values[high]);
	return border + 1;
}

static void sort(int *values, int low, int high, int (*compare)(int, int))
{
	while (low < high) {
		int middle = partition(values, low, high, compare);

		if (middle - low < high - middle) {
			sort(values, low, middle - 1, compare);
			low = middle + 1;
		} else {
			sort(values, middle + 1, high, compare);
			high = middle - 1;
		}
	}
}

static NOINLINE int ascending(int a, int b)
{
	return (a > b) - (a < b);
}

static NOINLINE int descending(int a, int b)
{
	return ascending(b, a);
}

static NOINLINE void multiply(const struct matrix *a, const struct matrix *b, struct matrix *out)
{
	out->rows = a->rows;
	out->columns = b->columns;
	for (int i = 0; i < a->rows; i++) {
		for (int j = 0; j < b->columns; j++) {
			int cell = 0;

			for (int k = 0; k < a->columns; k++)
				cell += a->cells[i][k] * b->cells[k][j];
			out->cells[i][j] = cell;
		}
	}
}

static NOINLINE struct stats gather(const int *values, size_t count)
{
	struct stats stats = { .minimum = values[0], .maximum = values[0] };
	const int *end = values + count;

	for (const int *p = values; p < end; p++) {
		unsigned int bucket = (unsigned int)*p & 7;

		stats.sum += *p;
		if (*p < stats.minimum)
			stats.minimum = *p;
		if (*p > stats.maximum)
			stats.maximum = *p;
		stats.histogram[bucket]++;
	}
	stats.mean = (double)stats.sum / (double)count;
	return stats;
}

static NOINLINE size_t reverse_words(char *text)
{
	size_t length = strlen(text), words = 0;

	for (size_t start = 0; start < length;) {
		size_t stop = start;

		while (stop < length && text[stop] != ' ')
			stop++;
		for (size_t left = start, right = stop; left + 1 < right; left++) {
			char kept = text[left];

			right--;
			text[left] = text[right];
			text[right] = kept;
		}
		words++;
		start = stop + 1;
	}
	return words;
}

static NOINLINE uint64_t power(uint64_t base, unsigned int exponent, uint64_t modulus)
{
	uint64_t result = 1;

	base %= modulus;
	while (exponent) {
		if (exponent & 1)
			result = result * base % modulus;
		base = base * base % modulus;
		exponent >>= 1;
	}
	return result;
}

static NOINLINE int many_arguments(int a, long b, char c, short d, const char *e, unsigned int f,
				   int g, long h, struct lexeme i, struct stats j)
{
	long total = a + b + c + d + f + g + h + i.value + j.sum;
	int length = (int)strlen(e);

	if (total > 100)
		total -= length;
	evaluations += (int)total;
	return (int)(total % 97);
}

int main(void)
{
	static const char *const inputs[] = { "1 + 2 * 3", "(4 - 5) * -6", "7 * (8 + (9 - 2))" };
	static const char *const keys[] = { "apple", "pear", "fig", "apple", "plum", "fig" };
	int values[24];
	uint32_t seed = 12345;
	long answers = 0;

	target_wait();
	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
		struct lexer lexer = { .text = inputs[i], .cursor = inputs[i] };

		next_lexeme(&lexer);
		answers += expression(&lexer);
	}
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct entry *entry = find(&symbols, keys[i], true);

		entry->value += (int)i;
	}
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		seed = seed * 1103515245u + 12345u;
		values[i] = (int)(seed >> 16) % 1000;
	}
	sort(values, 0, 23, ascending);
	sort(values, 0, 11, descending);

	struct matrix one = { 2, 3, { { 1, 2, 3 }, { 4, 5, 6 } } };
	struct matrix two = { 3, 2, { { 7, 8 }, { 9, 10 }, { 11, 12 } } };
	struct matrix product = { 0 };

	multiply(&one, &two, &product);
	struct stats stats = gather(values, 24);
	char text[] = "stressed was I ere I saw desserts";
	size_t words = reverse_words(text);
	uint64_t powered = power(7, 77, 1000003);
	struct lexeme lexeme = { T_NUMBER, 42, text, 2, 7 };
	int last = many_arguments(1, -2, 'c', 4, "five", 6, 7, 8, lexeme, stats);

	printf("%ld %zu %d %d %s %zu %lu %d %.3f\n", answers, symbols.used, values[0],
	       product.cells[1][1], text, words, powered, last, stats.mean);
	return 0;
}
