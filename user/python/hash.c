// SPDX-License-Identifier: GPL-2.0-only
/* Hashes of str and bytes as the process computes them (Python/pyhash.c). */
#include <errno.h>
#include <string.h>

#include "base/utf8.h"
#include "python/impl.h"

/* Strings, of which the hash of one has to come out right: others may have changed meanwhile. */
#define SAMPLES	   4
#define SAMPLE_MAX 64 /* bytes */
#define FNV_PRIME  1000003u

/* SipHash of Aumasson and Bernstein: 2 or 1 rounds for each word, 4 or 3 at the end. */
struct siphash {
	uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static void sip_rounds(struct siphash *s, int n)
{
	while (n-- > 0) {
		s->v0 += s->v1;
		s->v2 += s->v3;
		s->v1 = rotate(s->v1, 13) ^ s->v0;
		s->v3 = rotate(s->v3, 16) ^ s->v2;
		s->v0 = rotate(s->v0, 32);
		s->v2 += s->v1;
		s->v0 += s->v3;
		s->v1 = rotate(s->v1, 17) ^ s->v2;
		s->v3 = rotate(s->v3, 21) ^ s->v0;
		s->v2 = rotate(s->v2, 32);
	}
}

static uint64_t siphash(const uint8_t secret[16], const uint8_t *data, size_t len, int rounds,
			int final_rounds)
{
	uint64_t k0, k1, word, last = (uint64_t)len << 56;
	size_t i;

	memcpy(&k0, secret, 8);
	memcpy(&k1, secret + 8, 8);
	struct siphash s = {
		.v0 = k0 ^ 0x736f6d6570736575ull,
		.v1 = k1 ^ 0x646f72616e646f6dull,
		.v2 = k0 ^ 0x6c7967656e657261ull,
		.v3 = k1 ^ 0x7465646279746573ull,
	};
	for (i = 0; i + 8 <= len; i += 8) {
		memcpy(&word, data + i, 8);
		s.v3 ^= word;
		sip_rounds(&s, rounds);
		s.v0 ^= word;
	}
	for (size_t shift = 0; i < len; i++, shift += 8)
		last |= (uint64_t)data[i] << shift;
	s.v3 ^= last;
	sip_rounds(&s, rounds);
	s.v0 ^= last;
	s.v2 ^= 0xff;
	sip_rounds(&s, final_rounds);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

/* The words of a text are folded one by one; prefix and suffix are the secret's two words. */
static uint64_t fnv(const uint8_t secret[16], const uint8_t *data, size_t len)
{
	const size_t tail = len % 8 ? len % 8 : 8;
	uint64_t prefix, suffix, x, word;
	size_t i = 0;

	memcpy(&prefix, secret, 8);
	memcpy(&suffix, secret + 8, 8);
	x = prefix ^ (uint64_t)data[0] << 7;
	for (; i + tail < len; i += 8) {
		memcpy(&word, data + i, 8);
		x = FNV_PRIME * x ^ word;
	}
	for (; i < len; i++)
		x = FNV_PRIME * x ^ data[i];
	return x ^ len ^ suffix;
}

static uint64_t hash_bytes(enum lp_py_hash how, const uint8_t secret[16], const void *data,
			   size_t len)
{
	uint64_t hash = 0;

	if (!len)
		return 0;
	switch (how) {
	case LP_PY_SIPHASH24:
		hash = siphash(secret, data, len, 2, 4);
		break;
	case LP_PY_SIPHASH13:
		hash = siphash(secret, data, len, 1, 3);
		break;
	case LP_PY_FNV:
		hash = fnv(secret, data, len);
		break;
	case LP_PY_HASH_UNKNOWN:
		break;
	}
	return hash == UINT64_MAX ? UINT64_MAX - 1 : hash;
}

/* A str is hashed as it is stored: by the narrowest of 1, 2 or 4 bytes a character. */
static int store_text(const char *text, size_t len, struct lp_buf *ret)
{
	size_t at = 0, n;
	uint32_t widest = 0, code;

	for (; at < len && (n = lp_utf8_decode(text + at, len - at, &code)); at += n)
		widest |= code;
	if (at < len)
		return -EINVAL;
	const size_t kind = widest < 0x100 ? 1 : widest < 0x10000 ? 2 : 4;
	for (at = 0; at < len; at += n) {
		n = lp_utf8_decode(text + at, len - at, &code);
		lp_buf_add(ret, &code, kind); /* little endian */
	}
	return ret->failed ? -ENOMEM : 0;
}

static uint64_t hash_text(const struct lp_python *py, enum lp_py_hash how, const char *text,
			  size_t len)
{
	lp_auto(lp_buf_done) struct lp_buf stored = { 0 };

	if (store_text(text, len, &stored) < 0)
		return 0;
	return hash_bytes(how, py->hash_secret, stored.data, stored.len);
}

uint64_t lp_python_hash(const struct lp_python *py, const char *text, size_t len, bool is_bytes)
{
	return is_bytes ? hash_bytes(py->hash, py->hash_secret, text, len)
			: hash_text(py, py->hash, text, len);
}

struct sampling {
	struct lp_python *py;
	int tried;
	int right[LP_PY_FNV + 1];
};

/* Keys of a module have been hashed. */
static int sample(uint64_t key, uint64_t value, void *arg)
{
	struct sampling *s = arg;
	struct lp_memory *m = &s->py->memory.memory;
	const struct lp_py_layout *l = &s->py->runtime.layout;
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };
	uint64_t hash;

	(void)value;
	if (lp_py_text(m, l, key, SAMPLE_MAX, &text) < 0 || !text.len ||
	    lp_py_u64(m, key + l->str_hash, &hash) < 0 || hash == UINT64_MAX)
		return 0;
	for (enum lp_py_hash how = LP_PY_SIPHASH24; how <= LP_PY_FNV; how++)
		s->right[how] += hash_text(s->py, how, text.data, text.len) == hash;
	return ++s->tried == SAMPLES;
}

int lp_py_find_hash(struct lp_python *py, struct lp_err *err)
{
	struct lp_memory *m = &py->memory.memory;
	struct sampling s = { .py = py };
	struct lp_elf_symbol sym;

	if (lp_symfile_find(py->symbols, "_Py_HashSecret", &sym) &&
	    m->read(m, sym.addr + py->bias, py->hash_secret, sizeof(py->hash_secret)) >= 0)
		lp_py_dict_each(m, &py->runtime.layout, py->sys, sample, &s);
	for (enum lp_py_hash how = LP_PY_SIPHASH24; how <= LP_PY_FNV; how++)
		if (s.right[how])
			py->hash = how;
	if (py->hash != LP_PY_HASH_UNKNOWN)
		return 0;
	return lp_err_set(err, s.tried ? EBADMSG : EAGAIN,
			  "no name in sys has the hash that a release build of %s gives it",
			  py->file);
}
