// SPDX-License-Identifier: GPL-2.0-only
/* Sees that an interpreter is what its version says, before anything that is read counts. */
#include <errno.h>
#include <string.h>

#include "python/impl.h"

#define TRIES	    50	 /* a thread that runs changes its frame while it is read */
#define THREADS_MAX 4096 /* of one interpreter */
#define FRAMES_MAX  8	 /* that are looked at in each */
#define TEXT_MAX    (1u << 16)

static const struct {
	size_t at;
	const char *name; /* tp_name */
} types[] = {
#define NAMED(member, name)                                                                        \
	{                                                                                          \
		offsetof(struct lp_py_runtime, member), name                                       \
	}
	NAMED(type_type, "type"),
	NAMED(type_object, "object"),
	NAMED(type_none, "NoneType"),
	NAMED(type_bool, "bool"),
	NAMED(type_long, "int"),
	NAMED(type_float, "float"),
	NAMED(type_complex, "complex"),
	NAMED(type_str, "str"),
	NAMED(type_bytes, "bytes"),
	NAMED(type_bytearray, "bytearray"),
	NAMED(type_tuple, "tuple"),
	NAMED(type_list, "list"),
	NAMED(type_dict, "dict"),
	NAMED(type_set, "set"),
	NAMED(type_frozenset, "frozenset"),
	NAMED(type_range, "range"),
	NAMED(type_slice, "slice"),
	NAMED(type_code, "code"),
	NAMED(type_cell, "cell"),
	NAMED(type_function, "function"),
	NAMED(type_method, "method"),
	NAMED(type_cfunction, "builtin_function_or_method"),
	NAMED(type_module, "module"),
	NAMED(type_generator, "generator"),
	NAMED(type_coroutine, "coroutine"),
	NAMED(type_async_generator, "async_generator"),
	NAMED(type_property, "property"),
	NAMED(type_classmethod, "classmethod"),
	NAMED(type_staticmethod, "staticmethod"),
	NAMED(type_member, "member_descriptor"),
	NAMED(type_getset, "getset_descriptor"),
#undef NAMED
};

static int refuse(const struct lp_python *py, const char *what, struct lp_err *err)
{
	return lp_err_set(err, EBADMSG,
			  "CPython %s: %s is not where a release build has it; nothing of it is "
			  "trusted",
			  py->version, what);
}

static int not_yet(const struct lp_python *py, struct lp_err *err)
{
	return lp_err_set(err, EAGAIN, "CPython %s is not initialised yet", py->version);
}

static int verify_types(struct lp_python *py, struct lp_err *err)
{
	struct lp_memory *m = &py->memory.memory;
	const struct lp_py_layout *l = &py->runtime.layout;

	for (size_t i = 0; i < LP_ARRAY_SIZE(types); i++) {
		uint64_t type, at;

		memcpy(&type, (char *)&py->runtime + types[i].at, sizeof(type));
		if (!type)
			continue;
		if (!lp_py_is(m, l, type, py->runtime.type_type) ||
		    lp_py_u64(m, type + l->tp_name, &at) < 0 ||
		    !lp_py_cstring_is(m, at, types[i].name))
			return refuse(py, types[i].name, err);
	}
	return 0;
}

static int verify_singletons(struct lp_python *py, struct lp_err *err)
{
	struct lp_memory *m = &py->memory.memory;
	const struct lp_py_runtime *rt = &py->runtime;
	uint64_t type_none;
	int64_t one, zero;

	if (lp_py_type(m, &rt->layout, rt->none, &type_none) < 0 ||
	    (rt->type_none && type_none != rt->type_none))
		return refuse(py, "None", err);
	py->runtime.type_none = type_none;
	if (!lp_py_is(m, &rt->layout, rt->true_, rt->type_bool) ||
	    lp_py_int(m, &rt->layout, rt->true_, &one) < 0 || one != 1)
		return refuse(py, "True", err);
	if (!lp_py_is(m, &rt->layout, rt->false_, rt->type_bool) ||
	    lp_py_int(m, &rt->layout, rt->false_, &zero) < 0 || zero != 0)
		return refuse(py, "False", err);
	return 0;
}

/* --- threads and their frames --- */

/* pthread_self() points to the thread's control block, which begins with its own address (System V
 * ABI, thread-local storage of x86-64; glibc and musl).
 */
static bool is_thread(struct lp_memory *m, uint64_t thread_id)
{
	uint64_t self;

	if (lp_py_u64(m, thread_id, &self) < 0)
		return false;
#ifdef __x86_64__
	return self == thread_id;
#else
	return true;
#endif
}

/* 0: none. */
static int current_frame(struct lp_python *py, uint64_t tstate, uint64_t *ret)
{
	struct lp_memory *m = &py->memory.memory;
	const struct lp_py_layout *l = &py->runtime.layout;
	int r = lp_py_u64(m, tstate + l->tstate_frame, ret);

	if (r == 0 && *ret && l->cframe_frame != LP_PY_NONE)
		r = lp_py_u64(m, *ret + l->cframe_frame, ret);
	return r;
}

static bool has_code(struct lp_python *py, uint64_t frame)
{
	struct lp_memory *m = &py->memory.memory;
	const struct lp_py_layout *l = &py->runtime.layout;
	lp_auto(lp_buf_done) struct lp_buf text = { 0 };
	uint64_t code, name, file;

	if (lp_py_u64(m, frame + l->frame_code, &code) < 0)
		return false;
	code &= ~(uint64_t)l->frame_tags;
	return lp_py_is(m, l, code, py->runtime.type_code) &&
	       lp_py_u64(m, code + l->code_name, &name) == 0 &&
	       lp_py_u64(m, code + l->code_filename, &file) == 0 &&
	       lp_py_text(m, l, name, TEXT_MAX, &text) == 0 && text.len > 0 &&
	       lp_py_text(m, l, file, TEXT_MAX, &text) == 0;
}

static bool verify_frames(struct lp_python *py, uint64_t tstate)
{
	struct lp_memory *m = &py->memory.memory;
	const struct lp_py_layout *l = &py->runtime.layout;
	uint64_t frame;

	if (current_frame(py, tstate, &frame) < 0)
		return false;
	for (int i = 0; frame && i < FRAMES_MAX; i++) {
		uint8_t owner = 0;

		if (l->frame_owner != LP_PY_NONE && lp_py_u8(m, frame + l->frame_owner, &owner) < 0)
			return false;
		if (owner < LP_PY_OWNED_BY_C && !has_code(py, frame))
			return false;
		if (lp_py_u64(m, frame + l->frame_back, &frame) < 0)
			return false;
	}
	return true;
}

/* At least one thread, each of them real, one of them with frames that verify. */
static int verify_threads(struct lp_python *py, uint64_t interp, struct lp_err *err)
{
	struct lp_memory *m = &py->memory.memory;
	const struct lp_py_layout *l = &py->runtime.layout;
	uint64_t tstate, thread_id;
	int n = 0, threads = 0;
	bool frames = false;

	if (lp_py_u64(m, interp + l->interp_threads, &tstate) < 0)
		return refuse(py, "the list of threads", err);
	for (; tstate && n < THREADS_MAX; n++) {
		if (lp_py_u64(m, tstate + l->tstate_thread_id, &thread_id) == 0 &&
		    is_thread(m, thread_id)) {
			threads++;
			frames = frames || verify_frames(py, tstate);
		}
		if (lp_py_u64(m, tstate + l->tstate_next, &tstate) < 0)
			break;
	}
	if (!threads)
		return refuse(py, n ? "a thread" : "the list of threads", err);
	return frames ? 0 : refuse(py, "a frame", err);
}

static int main_interpreter(struct lp_python *py, uint64_t *ret, struct lp_err *err)
{
	struct lp_memory *m = &py->memory.memory;
	uint64_t interp, modules;
	int r = lp_py_main_interpreter(py, &interp);

	if (r == -ENOENT)
		return not_yet(py, err);
	if (r < 0)
		return refuse(py, "the list of interpreters", err);
	/* comes after the types and before everything that can be logged */
	if (lp_py_u64(m, interp + py->runtime.layout.interp_modules, &modules) == 0 && !modules)
		return not_yet(py, err);
	*ret = interp;
	return 0;
}

/* What the program itself would say of its version. */
static int verify_sys(struct lp_python *py, struct lp_err *err)
{
	struct lp_memory *m = &py->memory.memory;
	const struct lp_py_layout *l = &py->runtime.layout;
	lp_auto(lp_buf_done) struct lp_buf flags = { 0 };
	static const char *const names[] = { "hexversion", "abiflags" };
	uint64_t objects[LP_ARRAY_SIZE(names)];
	int64_t version;

	if (lp_py_module_dicts(py, (const char *const[]){ "sys" }, 1, &py->sys) < 0 || !py->sys ||
	    lp_py_dict_find_all(m, l, py->sys, names, LP_ARRAY_SIZE(names), objects) < 0 ||
	    !objects[0])
		return not_yet(py, err);
	if (lp_py_int(m, l, objects[0], &version) < 0 || version >> 16 != py->hexversion >> 16)
		return refuse(py, "sys.hexversion", err);
	py->hexversion = (uint32_t)version;
	lp_py_describe_version(py);
	if (objects[1] && lp_py_text(m, l, objects[1], 16, &flags) == 0 &&
	    strpbrk(flags.data ? flags.data : "", "dt"))
		return lp_err_set(err, ENOTSUP,
				  "CPython %s has the ABI flags '%s': a debug or free-threaded "
				  "build can't be logged",
				  py->version, flags.data);
	return 0;
}

int lp_py_verify(struct lp_python *py, struct lp_err *err)
{
	struct lp_err last = { 0 };
	uint64_t interp = 0;
	int r = 0;

	for (int i = 0; i < TRIES; i++) {
		r = main_interpreter(py, &interp, &last);
		if (r == 0)
			r = verify_types(py, &last);
		if (r == 0)
			r = verify_singletons(py, &last);
		if (r == 0)
			r = verify_threads(py, interp, &last);
		if (r == 0)
			r = verify_sys(py, &last);
		if (r != -EBADMSG)
			break;
	}
	return r < 0 ? lp_err_set(err, last.code, "%s", last.msg) : 0;
}
