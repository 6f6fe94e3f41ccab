// SPDX-License-Identifier: GPL-2.0-only
/* Records, as they are or put together from blocks, for a site whose template has fields of every
 * kind; what comes out must be one line of text and one valid JSON object.
 */
#include <fcntl.h>
#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "collect/collect.h"
#include "lp/python.h"
#include "sink/sink.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct lp_type char_array = { .kind = LP_TYPE_ARRAY,
					   .size = 12,
					   .count = 12,
					   .name = "char [12]",
					   .target = &lp_type_char,
					   .complete = true };
static struct lp_enumerator flags[] = { { "A", 1 }, { "B", 2 }, { "C", 4 } };
static const struct lp_type enumeration = { .kind = LP_TYPE_ENUM,
					    .size = 4,
					    .name = "enum e",
					    .is_flags = true,
					    .enumerators = flags,
					    .n_enumerators = 3,
					    .complete = true };
static const struct lp_type reference = { .kind = LP_TYPE_REFERENCE,
					  .size = 8,
					  .name = "int &",
					  .target = &lp_type_int,
					  .complete = true };
static const struct lp_type int_array = { .kind = LP_TYPE_ARRAY,
					  .size = 400,
					  .count = 100,
					  .name = "int [100]",
					  .target = &lp_type_int,
					  .complete = true };
static struct lp_member inner_members[] = {
	{ .name = "d", .type = &lp_type_double },
	{ .name = "e", .type = &enumeration, .bit_offset = 64 },
};
static const struct lp_type inner = { .kind = LP_TYPE_UNION,
				      .size = 16,
				      .name = "union {...}",
				      .members = inner_members,
				      .n_members = 2,
				      .complete = true };
static struct lp_member members[] = {
	{ .name = "id", .type = &lp_type_int },
	{ .name = "bits", .type = &lp_type_ulong, .bit_offset = 37, .bit_size = 23 },
	{ .name = "name", .type = &lp_type_char_ptr, .bit_offset = 64 },
	{ .name = "text", .type = &char_array, .bit_offset = 128 },
	{ .type = &inner, .bit_offset = 256 },
	{ .type = &inner, .bit_offset = 384, .is_base = true },
	{ .name = "ref", .type = &reference, .bit_offset = 512 },
	{ .name = "list", .type = &int_array, .bit_offset = 576 },
};
static const struct lp_type structure = { .kind = LP_TYPE_STRUCT,
					  .size = 472,
					  .name = "struct s",
					  .members = members,
					  .n_members = LP_ARRAY_SIZE(members),
					  .complete = true };

#define VALUE(n, t, ...)                                                                           \
	{                                                                                          \
		.text = #n, .type = &(t), .slot = n, ##__VA_ARGS__                                 \
	}
#define META(n)                                                                                    \
	{                                                                                          \
		.kind = LP_FIELD_META, .meta = (n), .text = #n, .slot = 9                          \
	}

static struct lp_field fields[] = {
	VALUE(0, lp_type_int),
	VALUE(1, lp_type_char_ptr, .as_string = true),
	VALUE(2, char_array, .as_string = true),
	VALUE(3, structure),
	VALUE(4, enumeration),
	VALUE(5, lp_type_double),
	VALUE(6, reference),
	VALUE(7, int_array, .is_local = true),
	VALUE(8, lp_type_void_ptr, .is_result = true),
	META(LP_META_COMM),
	META(LP_META_TIME),
	META(LP_META_ELAPSED),
	META(LP_META_CALLER),
	META(LP_META_LINE),
	META(LP_META_SIGNAL),
	META(LP_META_CODE),
	META(LP_META_ADDR),
	META(LP_META_SENDER),
	META(LP_META_CRASH),
};
static struct lp_part parts[2 * LP_ARRAY_SIZE(fields)];
static struct lp_template template = { .parts = parts,
				       .fields = fields,
				       .with_stack = true,
				       .n_fields = LP_ARRAY_SIZE(fields),
				       .with_locals = true };
static const struct lp_site_info info = { .logpoint = "a.c:1",
					  .template = &template,
					  .is_return = true,
					  .max_string = 20,
					  .max_items = 5,
					  .max_depth = 3,
					  .max_frames = 5 };

/* Offsets are small, so that what the input has can be found there. */
static struct lp_py_runtime runtime = {
	.layout = { .minor = 12,
		    .ob_type = 8,
		    .ob_size = 16,
		    .tuple_items = 24,
		    .bytes_data = 32,
		    .cell_ref = 16,
		    .str_length = 16,
		    .str_state = 32,
		    .str_ascii = 40,
		    .str_compact = 56,
		    .str_data = 56 },
	.type_str = 0x10,
	.type_cell = 0x20,
	.type_long = 0x30,
};

static const struct lp_py_info python_info = { .runtime = &runtime };

/* An exception in Python, whose chain the record has; and what shows no stack. */
static struct lp_field py_fields[] = {
	VALUE(0, lp_type_int), META(LP_META_FUNC),   META(LP_META_FILE),   META(LP_META_LINE),
	META(LP_META_TASK),    META(LP_META_THREAD), META(LP_META_CALLER),
};
static struct lp_part py_parts[LP_ARRAY_SIZE(py_fields)];
static struct lp_template py_template = { .parts = py_parts,
					  .fields = py_fields,
					  .n_fields = LP_ARRAY_SIZE(py_fields),
					  .has_exception = true,
					  .shows_exception = true,
					  .with_stack = true };
static const struct lp_site_info py_info = { .logpoint = "raise",
					     .template = &py_template,
					     .python = &python_info,
					     .max_string = 20,
					     .max_items = 5,
					     .max_depth = 3,
					     .max_frames = 5 };
static const struct lp_template no_template;
static const struct lp_site_info plain_info = { .logpoint = "a.c:2", .template = &no_template };
static const struct lp_site_info *const sites[] = { &info, &py_info, &plain_info };

static struct lp_sink *sinks[2];
static struct lp_collect *collect;

static void require(bool ok)
{
	if (!ok)
		abort();
}

static int on_event(void *arg, const struct lp_event *ev, struct lp_err *err)
{
	(void)arg;
	for (size_t i = 0; i < LP_ARRAY_SIZE(sinks); i++) {
		struct lp_buf *out = &sinks[i]->out;

		require(lp_sink_emit(sinks[i], ev, err) == 0);
		if (!out->len) /* large enough to have been written */
			continue;
		require(memchr(out->data, '\n', out->len) == out->data + out->len - 1);
		if (i == 1) {
			json_t *json = json_loadb(out->data, out->len,
						  JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
			require(json != NULL);
			json_decref(json);
		}
		require(lp_sink_flush(sinks[i], err) == 0);
	}
	return 0;
}

static int on_notice(void *arg, const struct lp_record *rec, const char *text, struct lp_err *err)
{
	(void)arg, (void)err;
	require(rec->kind != LP_REC_HIT && (!text || strlen(text) > 0));
	return 0;
}

static const char *symbol(void *arg, pid_t pid, uint64_t addr)
{
	(void)arg, (void)pid;
	return addr & 1 ? "symbol" : NULL;
}

static const struct lp_py_info *python(void *arg, pid_t pid)
{
	(void)arg, (void)pid;
	return &python_info;
}

static bool python_frame(void *arg, pid_t pid, const struct lp_py_frame *frame,
			 struct lp_frame *ret)
{
	(void)arg, (void)pid;
	ret->function = "function";
	ret->file = frame->code & 2 ? "/app.py" : NULL;
	return frame->code & 4;
}

static size_t awaiters(void *arg, pid_t pid, uint64_t task, const char *name, size_t max,
		       struct lp_arena *a, struct lp_frame *ret)
{
	(void)arg, (void)pid, (void)name, (void)a;
	if (!max)
		return 0;
	*ret = (struct lp_frame){ .kind = LP_FRAME_TASK,
				  .function = task & 1 ? "task 1 awaited by 2" : "task" };
	return 1;
}

static void start(void)
{
	static const struct lp_format formats[] = {
		{ .precision = -1 },
		{ .precision = -1, .type = 'x', .alternate = true, .zero = true, .width = 20 },
		{ .precision = 3, .type = 'f', .comma = true, .align = '^', .width = 40 },
		{ .precision = 2, .type = 's', .fill = '*', .align = '=', .width = 9 },
		{ .precision = -1, .type = 'c' },
		{ .precision = 5 },
	};
	static const struct lp_collect_ops ops = { on_event, on_notice };
	static const struct lp_symbolizer sym = { .symbol = symbol,
						  .python = python,
						  .python_frame = python_frame,
						  .awaiters = awaiters };
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	for (size_t i = 0; i < LP_ARRAY_SIZE(parts); i++)
		parts[template.n_parts++] =
			(struct lp_part){ .field = (uint32_t)(i % LP_ARRAY_SIZE(fields)),
					  .quoted = i & 1,
					  .format = formats[i % LP_ARRAY_SIZE(formats)] };
	for (size_t i = 0; i < LP_ARRAY_SIZE(py_parts); i++)
		py_parts[py_template.n_parts++] =
			(struct lp_part){ .field = (uint32_t)i,
					  .format = formats[i % LP_ARRAY_SIZE(formats)] };
	require(lp_sink_new("text", fd, false, &sinks[0], NULL) == 0);
	require(lp_sink_new("json", fd, false, &sinks[1], NULL) == 0);
	require(lp_collect_new(&ops, NULL, &sym, &collect, NULL) == 0);
	for (uint32_t i = 0; i < LP_ARRAY_SIZE(sites); i++)
		require(lp_collect_set_site(collect, i, sites[i]) == 0);
}

/* Blocks from the input, each well formed: 4 bytes say which and how long, then its bytes. */
static size_t build(char *buf, size_t room, const uint8_t *data, size_t size)
{
	static const uint16_t slots[] = { LP_SLOT_MEM,	  LP_SLOT_REGS,	   LP_SLOT_STACK,
					  LP_SLOT_COND,	  LP_SLOT_PYSTACK, LP_SLOT_PYLOCALS,
					  LP_SLOT_PYTASK, LP_SLOT_SIGNAL,  LP_SLOT_ABORT,
					  LP_SLOT_PYEXC,  LP_SLOT_PYTHREAD };
	struct lp_record rec = { .kind = size % 8 ? LP_REC_HIT : LP_REC_COND_ERROR,
				 .flags = size % 4,
				 .site = size % LP_ARRAY_SIZE(sites),
				 .time = size,
				 .comm = "fuzz" };
	size_t at = sizeof(rec);

	while (size >= 4) {
		struct lp_block b = {
			.slot = data[0] < 240 ? data[0] % 12
					      : slots[data[0] % LP_ARRAY_SIZE(slots)],
			.status = data[1] < 200 ? 0 : data[1] % LP_ST_COUNT,
			.flags = data[1] & 1,
			.len = (data[2] | data[3] << 8) % 600,
			.addr = data[1] & 2 ? data[3] * 16u : 0,
		};

		data += 4, size -= 4;
		if (b.len > size)
			b.len = (uint32_t)size;
		if (at + sizeof(b) + LP_ALIGN(b.len) > room)
			break;
		memcpy(buf + at, &b, sizeof(b));
		memcpy(buf + at + sizeof(b), data, b.len);
		at += sizeof(b) + LP_ALIGN(b.len);
		data += b.len, size -= b.len;
	}
	rec.len = (uint32_t)at;
	memcpy(buf, &rec, sizeof(rec));
	return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static _Alignas(8) char buf[LP_RECORD_MAX + 4096];
	struct lp_err err;

	if (!collect)
		start();
	if (size < 1 || size > LP_RECORD_MAX / 4)
		return 0;

	memset(buf, 0, sizeof(buf));
	size_t len = size - 1;
	if (data[0] & 1)
		len = build(buf, LP_RECORD_MAX, data + 1, size - 1);
	else
		memcpy(buf, data + 1, len);
	if (lp_collect_feed(collect, buf, len, &err) == 0)
		require(lp_collect_flush(collect, UINT64_MAX, &err) == 0);
	return 0;
}
