// SPDX-License-Identifier: GPL-2.0-only
/* Objects of CPython in damaged memory: the kernel side's walk ends within its limits and makes a
 * record, and whatever is in a record, damaged again or not, or in the memory of the process itself
 * is decoded to a value that can be shown.
 */
#include <errno.h>
#include <stdint.h>

#include "base/show.h"
#include "collect/decode.h"
#include "sink/json_value.h"

#define BASE	   0x100000ull
#define WORDS	   8192u
#define READS_MAX  200000u
#define LIVE_MAX   (8u << 20) /* reads of the process for one value */
#define TEXT_MAX   (16u << 20)
#define N_VERSIONS 7

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint64_t memory[WORDS];
static size_t n_reads, n_live;

/* Pages end at the last one, and one in the middle is not there. */
static long lp_mem_read(void *dst, uint32_t len, uint64_t addr)
{
	uint64_t off = addr - BASE;

	n_reads++;
	memset(dst, 0, len);
	if (off > sizeof(memory) || len > sizeof(memory) - off ||
	    (off < 0x9000 && off + len > 0x8000))
		return -EFAULT;
	memcpy(dst, (uint8_t *)memory + off, len);
	return 0;
}

static long lp_mem_read_str(char *dst, uint32_t size, uint64_t addr)
{
	for (uint32_t i = 0; i < size; i++) {
		if (lp_mem_read(dst + i, 1, addr + i) < 0)
			return -EFAULT;
		if (!dst[i])
			return i + 1;
	}
	dst[size - 1] = '\0';
	return size;
}

#include "../unit/pywalk_world.h"

static const struct lp_py_layout layouts[N_VERSIONS] = {
#define LAYOUT(member, v8, v9, v10, v11, v12, v13, v14)                                            \
	[0].member = v8, [1].member = v9, [2].member = v10, [3].member = v11, [4].member = v12,    \
	[5].member = v13, [6].member = v14,
#define PUBLISHED(...)
#include "python/layouts.inc"
#undef LAYOUT
#undef PUBLISHED
};

static struct lp_py_runtime runtime;

/* A byte of the input is a word of memory: a number, a type, a pointer, flags, text, anything. */
static uint64_t word_of(uint8_t b, size_t i)
{
	static const uint64_t types[] = {
#define ADDRESS_OF(kind, member) offsetof(struct lp_py_runtime, member),
		LP_PY_KNOWN(ADDRESS_OF)
#undef ADDRESS_OF
	};
	static const char *const names[] = {
#define NAME_OF(kind, name) name,
		LP_PY_NAMED(NAME_OF)
#undef NAME_OF
	};
	uint64_t word = 0;

	if (b < 24)
		return b < 20 ? b : b == 20 ? UINT64_MAX : b == 21 ? 0x1a00000001 : 1ull << b;
	if (b < 64) {
		memcpy(&word, (char *)&runtime + types[b % LP_ARRAY_SIZE(types)], sizeof(word));
		return word;
	}
	if (b < 200)
		return BASE + (uint64_t)(b - 64) * 472;
	if (b < 216)
		return 1ull << (b - 200 + 16) | LP_PY_TP_HEAPTYPE | LP_PY_TP_MANAGED_DICT;
	if (b < 240) {
		const char *name = names[b % LP_ARRAY_SIZE(names)];

		memcpy(&word, name + (i % 2 && strlen(name) > 16 ? 8 : 0), sizeof(word));
		return word;
	}
	return (uint64_t)b * 0x9e3779b97f4a7c15ull ^ i;
}

static void set_up(const uint8_t *data, size_t len)
{
	/* types lie apart from each other, within the memory: what is there is as damaged */
	__u64 *member = &runtime.type_type;

	runtime.layout = layouts[data[0] % N_VERSIONS];
	for (size_t i = 0; member + i <= &runtime.false_; i++)
		member[i] = BASE + 0x4000 + i * 0x200;
	walk_runtime = &runtime;
	for (size_t i = 0; i < WORDS; i++)
		memory[i] = word_of(data[i * 7 % len], i);
}

static int live_read(struct lp_memory *m, uint64_t addr, void *buf, size_t len)
{
	(void)m;
	n_live++;
	return (int)lp_mem_read(buf, (uint32_t)len, addr);
}

static long live_read_string(struct lp_memory *m, uint64_t addr, char *buf, size_t max,
			     int *ret_cut)
{
	(void)m;
	n_live++;
	*ret_cut = 0;
	for (size_t i = 0; i < max; i++) {
		if (lp_mem_read(buf + i, 1, addr + i) < 0)
			return -EFAULT;
		if (!buf[i])
			return (long)i;
	}
	*ret_cut = 1;
	return (long)max;
}

static struct lp_memory live = { live_read, live_read_string };

static void decode(struct lp_memory *from, const struct lp_py_value *v, struct lp_py_types *types)
{
	lp_auto(lp_arena_done) struct lp_arena arena = { 0 };
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };
	struct lp_value value;
	struct lp_py_reader r = { .memory = from,
				  .live = types ? &live : NULL,
				  .arena = &arena,
				  .runtime = &runtime,
				  .types = types,
				  .max_string = 256,
				  .max_items = 32,
				  .max_depth = 3,
				  .redact = walk_redact,
				  .is_redacted = lp_redacted };

	n_live = 0;
	lp_py_read_value(&r, v, &value);
	if (n_live > LIVE_MAX)
		abort();
	lp_show(&text, &value, false);
	lp_json_value(&text, &value);
	if (text.len > TEXT_MAX)
		abort();
}

/* The same object as an exception, made or not, of whatever class. */
static void decode_exception(struct lp_memory *from, const uint8_t *data, struct lp_py_types *types)
{
	lp_auto(lp_arena_done) struct lp_arena arena = { 0 };
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };
	struct lp_py_exception e;
	struct lp_py_exc exc = { .object = BASE + (uint64_t)(data[1] % 136) * 472,
				 .type = BASE + (uint64_t)(data[3] % 136) * 472,
				 .flags = data[2],
				 .args = { .bits = BASE + (uint64_t)(data[4] % 136) * 472 },
				 .notes = { .bits = BASE + (uint64_t)(data[5] % 136) * 472 } };
	struct lp_py_reader r = { .memory = from,
				  .live = types ? &live : NULL,
				  .arena = &arena,
				  .runtime = &runtime,
				  .types = types,
				  .max_string = 256,
				  .max_items = 32,
				  .max_depth = 3 };
	__u64 *str = &runtime.str_exception;

	/* its class's str() is this one */
	for (int i = 0; i < 9; i++)
		str[i] = 0;
	if (lp_mem_read(&str[data[6] % 9], 8, exc.type + runtime.layout.tp_str) < 0)
		return;
	n_live = 0;
	lp_py_read_exception(&r, &exc, &e);
	if (n_live > LIVE_MAX)
		abort();
	lp_show(&text, &e.message, true);
	lp_show(&text, &e.args, false);
	lp_json_value(&text, &e.notes);
	lp_json_value(&text, &e.members);
	if (text.len > TEXT_MAX)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	lp_auto(lp_decoded_done) struct lp_decoded decoded = { 0 };
	lp_auto(lp_py_types_free) struct lp_py_types *types = lp_py_types_new();
	struct lp_py_value v = { LP_PY_OBJECT, BASE, 0, 0 };
	struct lp_err err = { 0 };

	if (len < 8)
		return 0;
	set_up(data, len);
	v.bits = BASE + (uint64_t)(data[1] % 136) * 472;
	if (data[2] & 1)
		v = (struct lp_py_value){ LP_PY_SLICE, v.bits, data[3], data[4] };
	n_reads = 0;
	walk_begin(data[2] & 2 ? LP_RECORD_MAX : 256 + data[5] * 16u);
	walk_add(1, &v, LP_PY_CAPTURE(256, 32, 3));
	if (n_reads > READS_MAX || vm.len > vm.room)
		abort();

	struct lp_record *rec = (struct lp_record *)walk_end();
	if (lp_record_check(rec, rec->len, &err) < 0)
		abort();
	if (lp_decode(&decoded, rec, 2) < 0)
		return 0;
	decode(&decoded.memory, &v, NULL);
	decode(&decoded.memory, &v, types);
	decode(&live, &v, types);
	decode_exception(&decoded.memory, data, types);
	decode_exception(&live, data, types);

	/* and what no walk has made */
	for (size_t i = 6; i + 2 < len && i < 64; i += 3) {
		size_t at = sizeof(*rec) +
			    (data[i] | (size_t)data[i + 1] << 8) % (rec->len - sizeof(*rec));
		((uint8_t *)rec)[at] = data[i + 2];
	}
	if (lp_record_check(rec, rec->len, &err) == 0 && lp_decode(&decoded, rec, 2) == 0)
		decode(&decoded.memory, &v, types);
	return 0;
}
