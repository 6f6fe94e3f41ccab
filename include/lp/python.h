/* SPDX-License-Identifier: GPL-2.0-only */
/* include/lp/python.h
 *
 * python - what both sides know of a CPython interpreter: where its structures keep things (the
 * layout, one for each minor version), where its types and singletons lie in one process (the
 * runtime), and which code unit a watched byte belongs to (the Python half of a site).
 *
 * Offsets are bytes from the start of the structure named; LP_PY_NONE: this version has no such
 * member. Source: the headers and the debug information of each version (tools/pylayout).
 */
#ifndef LP_PYTHON_H
#define LP_PYTHON_H

#ifndef __bpf__
#include <linux/types.h>
#endif
#include "lp/limits.h"

#define LP_PY_NONE 0xffffu

#define LP_PY_MINOR_MIN 8
#define LP_PY_MINOR_MAX 14

/* X(member, what it is an offset of) */
#define LP_PY_OFFSETS(X)                                                                           \
	X(ob_type, "PyObject.ob_type")                                                             \
	X(ob_size, "PyVarObject.ob_size")                                                          \
	X(tp_name, "PyTypeObject.tp_name")                                                         \
	X(tp_basicsize, "PyTypeObject.tp_basicsize")                                               \
	X(tp_itemsize, "PyTypeObject.tp_itemsize")                                                 \
	X(tp_as_number, "PyTypeObject.tp_as_number")                                               \
	X(tp_as_sequence, "PyTypeObject.tp_as_sequence")                                           \
	X(tp_as_mapping, "PyTypeObject.tp_as_mapping")                                             \
	X(tp_getattro, "PyTypeObject.tp_getattro")                                                 \
	X(tp_flags, "PyTypeObject.tp_flags")                                                       \
	X(tp_richcompare, "PyTypeObject.tp_richcompare")                                           \
	X(tp_dict, "PyTypeObject.tp_dict")                                                         \
	X(tp_descr_get, "PyTypeObject.tp_descr_get")                                               \
	X(tp_descr_set, "PyTypeObject.tp_descr_set")                                               \
	X(tp_base, "PyTypeObject.tp_base")                                                         \
	X(tp_dictoffset, "PyTypeObject.tp_dictoffset")                                             \
	X(tp_mro, "PyTypeObject.tp_mro")                                                           \
	X(tp_subclasses, "PyTypeObject.tp_subclasses; 3.12 on: index of a static builtin type")    \
	X(tp_version_tag, "PyTypeObject.tp_version_tag")                                           \
	X(tp_str, "PyTypeObject.tp_str")                                                           \
	X(tp_getset, "PyTypeObject.tp_getset: PyGetSetDef each")                                   \
	X(tp_new, "PyTypeObject.tp_new")                                                           \
	X(tp_finalize, "PyTypeObject.tp_finalize")                                                 \
	X(ht_name, "PyHeapTypeObject.ht_name")                                                     \
	X(ht_qualname, "PyHeapTypeObject.ht_qualname")                                             \
	X(ht_slots, "PyHeapTypeObject.ht_slots: a tuple of names, or NULL")                        \
	X(ht_cached_keys, "PyHeapTypeObject.ht_cached_keys")                                       \
	X(nb_bool, "PyNumberMethods.nb_bool")                                                      \
	X(sq_length, "PySequenceMethods.sq_length")                                                \
	X(sq_item, "PySequenceMethods.sq_item")                                                    \
	X(sq_contains, "PySequenceMethods.sq_contains")                                            \
	X(mp_length, "PyMappingMethods.mp_length")                                                 \
	X(mp_subscript, "PyMappingMethods.mp_subscript")                                           \
	X(long_tag, "PyLongObject: ob_size up to 3.11, lv_tag from 3.12 on")                       \
	X(long_digits, "PyLongObject.ob_digit: 30 bits each")                                      \
	X(float_value, "PyFloatObject.ob_fval")                                                    \
	X(complex_value, "PyComplexObject.cval")                                                   \
	X(str_length, "PyASCIIObject.length")                                                      \
	X(str_hash, "PyASCIIObject.hash")                                                          \
	X(str_state, "PyASCIIObject.state")                                                        \
	X(str_ascii, "PyASCIIObject: the characters of a compact ASCII string")                    \
	X(str_compact, "PyCompactUnicodeObject: the characters of another compact string")         \
	X(str_data, "PyUnicodeObject.data: pointer to characters that are not compact")            \
	X(bytes_hash, "PyBytesObject.ob_shash")                                                    \
	X(bytes_data, "PyBytesObject.ob_sval")                                                     \
	X(bytearray_start, "PyByteArrayObject.ob_start")                                           \
	X(tuple_items, "PyTupleObject.ob_item")                                                    \
	X(list_items, "PyListObject.ob_item: pointer")                                             \
	X(dict_used, "PyDictObject.ma_used")                                                       \
	X(dict_keys, "PyDictObject.ma_keys")                                                       \
	X(dict_values, "PyDictObject.ma_values")                                                   \
	X(keys_size, "PyDictKeysObject.dk_size, up to 3.10")                                       \
	X(keys_log2_size, "PyDictKeysObject.dk_log2_size, from 3.11 on")                           \
	X(keys_log2_bytes, "PyDictKeysObject.dk_log2_index_bytes, from 3.11 on")                   \
	X(keys_kind, "PyDictKeysObject.dk_kind, from 3.11 on")                                     \
	X(keys_nentries, "PyDictKeysObject.dk_nentries")                                           \
	X(keys_indices, "PyDictKeysObject.dk_indices")                                             \
	X(values_array, "PyDictValues.values; 0 up to 3.10: ma_values is the array")               \
	X(values_valid, "PyDictValues.valid, from 3.13 on")                                        \
	X(set_used, "PySetObject.used")                                                            \
	X(set_mask, "PySetObject.mask")                                                            \
	X(set_table, "PySetObject.table")                                                          \
	X(cell_ref, "PyCellObject.ob_ref")                                                         \
	X(module_dict, "PyModuleObject.md_dict")                                                   \
	X(module_name, "PyModuleObject.md_name")                                                   \
	X(func_code, "PyFunctionObject.func_code")                                                 \
	X(func_qualname, "PyFunctionObject.func_qualname")                                         \
	X(member_descr, "PyMemberDescrObject.d_member: pointer to a PyMemberDef")                  \
	X(member_type, "PyMemberDef.type")                                                         \
	X(member_offset, "PyMemberDef.offset")                                                     \
	X(code_argcount, "PyCodeObject.co_argcount")                                               \
	X(code_kwonlyargcount, "PyCodeObject.co_kwonlyargcount")                                   \
	X(code_nlocals, "PyCodeObject.co_nlocals")                                                 \
	X(code_flags, "PyCodeObject.co_flags")                                                     \
	X(code_firstlineno, "PyCodeObject.co_firstlineno")                                         \
	X(code_consts, "PyCodeObject.co_consts")                                                   \
	X(code_varnames, "PyCodeObject.co_varnames, up to 3.10")                                   \
	X(code_freevars, "PyCodeObject.co_freevars, up to 3.10")                                   \
	X(code_cellvars, "PyCodeObject.co_cellvars, up to 3.10")                                   \
	X(code_localsplusnames, "PyCodeObject.co_localsplusnames, from 3.11 on")                   \
	X(code_localspluskinds, "PyCodeObject.co_localspluskinds, from 3.11 on")                   \
	X(code_nlocalsplus, "PyCodeObject.co_nlocalsplus, from 3.11 on")                           \
	X(code_filename, "PyCodeObject.co_filename")                                               \
	X(code_name, "PyCodeObject.co_name")                                                       \
	X(code_qualname, "PyCodeObject.co_qualname, from 3.11 on")                                 \
	X(code_linetable, "PyCodeObject: co_lnotab up to 3.9, co_linetable from 3.10 on")          \
	X(code_exceptiontable, "PyCodeObject.co_exceptiontable, from 3.11 on")                     \
	X(code_code, "PyCodeObject: co_code, a bytes object, up to 3.10; from 3.11 on the units")  \
	X(code_firsttraceable, "PyCodeObject._co_firsttraceable, from 3.11 on")                    \
	X(code_instrumented, "PyCodeObject._co_instrumentation_version, from 3.13 on")             \
	X(frame_back, "frame: f_back; previous from 3.11 on (_PyInterpreterFrame)")                \
	X(frame_code, "frame: f_code; f_executable from 3.13 on")                                  \
	X(frame_globals, "frame: f_globals")                                                       \
	X(frame_builtins, "frame: f_builtins")                                                     \
	X(frame_locals, "frame: f_locals")                                                         \
	X(frame_lasti, "frame: f_lasti, an int; prev_instr or instr_ptr, a pointer, from 3.11 on") \
	X(frame_stack, "PyFrameObject.f_valuestack, up to 3.10")                                   \
	X(frame_localsplus, "frame: localsplus")                                                   \
	X(frame_owner, "_PyInterpreterFrame.owner, from 3.11 on")                                  \
	X(runtime_interpreters, "_PyRuntimeState.interpreters.head")                               \
	X(runtime_tstate, "_PyRuntimeState.gilstate.tstate_current, up to 3.11")                   \
	X(runtime_depths, "_PyRuntimeState.ceval.recursion_limit, 3.8")                            \
	X(interp_depths, "PyInterpreterState.ceval.recursion_limit, 3.9 and 3.10")                 \
	X(interp_next, "PyInterpreterState.next")                                                  \
	X(interp_threads, "PyInterpreterState.tstate_head, threads.head from 3.11 on")             \
	X(interp_modules, "PyInterpreterState: modules; imports.modules from 3.12 on")             \
	X(interp_builtins, "PyInterpreterState.builtins, a dict")                                  \
	X(tstate_next, "PyThreadState.next")                                                       \
	X(tstate_frame, "PyThreadState: frame up to 3.10; cframe; current_frame from 3.13 on")     \
	X(tstate_cframe, "PyThreadState.cframe, 3.10 to 3.12")                                     \
	X(cframe_frame, "_PyCFrame.current_frame, 3.11 and 3.12")                                  \
	X(cframe_tracing, "CFrame.use_tracing, 3.10 and 3.11")                                     \
	X(tstate_tracing, "PyThreadState.tracing")                                                 \
	X(tstate_tracefunc, "PyThreadState.c_tracefunc")                                           \
	X(tstate_dict, "PyThreadState.dict")                                                       \
	X(tstate_thread_id, "PyThreadState.thread_id: pthread_self()")                             \
	X(tstate_interp, "PyThreadState.interp")                                                   \
	X(tstate_native_id, "PyThreadState.native_thread_id, from 3.11 on")                        \
	X(tstate_tasks, "PyThreadState: asyncio_tasks_head, from 3.14 on")                         \
	X(interp_id, "PyInterpreterState.id")                                                      \
	X(interp_tasks, "PyInterpreterState.asyncio_tasks_head, from 3.14 on")                     \
	X(interp_gil, "PyInterpreterState.ceval.gil: pointer, from 3.12 on")                       \
	X(runtime_gil, "_PyRuntimeState.ceval.gil, up to 3.11")                                    \
	X(gil_holder, "struct _gil_runtime_state.last_holder")                                     \
	X(gil_locked, "struct _gil_runtime_state.locked")                                          \
	X(tstate_depth, "PyThreadState.recursion_depth, up to 3.10")                               \
	X(tstate_breaker, "PyThreadState.eval_breaker, from 3.13 on")                              \
	X(tstate_status, "PyThreadState._status, from 3.12 on")                                    \
	X(tstate_loop, "PyThreadState: asyncio_running_loop, from 3.13 on")                        \
	X(tstate_task, "PyThreadState: asyncio_running_task, from 3.14 on")                        \
	X(holder_loop, "PyRunningLoopHolder.rl_loop (_asyncio), up to 3.11")                       \
	X(task_name, "TaskObj.task_name (_asyncio)")                                               \
	X(task_coro, "TaskObj.task_coro (_asyncio)")                                               \
	X(task_state, "TaskObj.task_state (_asyncio)")                                             \
	X(task_loop, "TaskObj.task_loop (_asyncio)")                                               \
	X(task_waiter, "TaskObj.task_fut_waiter (_asyncio)")                                       \
	X(task_node, "TaskObj.task_node (_asyncio), from 3.14 on")                                 \
	X(frame_stacktop, "frame: f_stacktop; 3.10 f_stackdepth; stacktop; stackpointer in 3.14")  \
	X(gen_frame,                                                                               \
	  "PyGenObject: gi_frame, a pointer; gi_iframe, the frame itself, from 3.11 on")           \
	X(gen_state, "PyGenObject.gi_frame_state, from 3.11 on")                                   \
	X(gen_running, "PyGenObject.gi_running, up to 3.9")                                        \
	X(frame_state, "PyFrameObject.f_state, 3.10")                                              \
	X(exc_traceback, "PyBaseExceptionObject.traceback")                                        \
	X(exc_context, "PyBaseExceptionObject.context")                                            \
	X(exc_cause, "PyBaseExceptionObject.cause")                                                \
	X(exc_suppress, "PyBaseExceptionObject.suppress_context, a byte")                          \
	X(tstate_exception, "PyThreadState: curexc_type; current_exception from 3.12 on")          \
	X(pyframe_frame, "PyFrameObject.f_frame, from 3.11 on")                                    \
	X(gen_qualname, "PyGenObject.gi_qualname")

/* Facts that are not offsets. X(member, what) */
#define LP_PY_FACTS(X)                                                                             \
	X(minor, "3.minor")                                                                        \
	X(str_kind_shift, "bits of state below kind (3 bits), then compact, then ascii (1 each)")  \
	X(long_is_tagged, "lv_tag: digits << 3 | sign (0 +, 1 zero, 2 -)")                         \
	X(keys_have_kind, "dk_kind: 0 general entries (hash, key, value), else (key, value)")      \
	X(lasti_unit, "bytes that one step of f_lasti is: 1 up to 3.9, 2 in 3.10; 0: a pointer")   \
	X(lasti_is_next, "instr_ptr: the instruction that is or will be executed, from 3.13 on")   \
	X(managed_dict, "bytes before an object: its managed dict or values; 0: none")             \
	X(managed_values, "bytes before an object: its values, 3.11; 0: none")                     \
	X(managed_tagged,                                                                          \
	  "3.12: the word at managed_dict is values - 1 where its lowest bit is set")              \
	X(inline_values, "values follow an object at tp_basicsize, from 3.13 on")                  \
	X(frame_tags, "low bits of a frame's or stack's object pointer that are none of it")       \
	X(watch_byte, "of a code unit, the byte that each execution reads once")

struct lp_py_layout {
#define LP_PY_MEMBER(name, what) __u16 name;
	LP_PY_OFFSETS(LP_PY_MEMBER)
	LP_PY_FACTS(LP_PY_MEMBER)
#undef LP_PY_MEMBER
};

/* Flags of a type (tp_flags), the same in all versions but for the two of instances. */
#define LP_PY_TP_INLINE_VALUES (1ull << 2) /* 3.13 on */
#define LP_PY_TP_MANAGED_DICT  (1ull << 4) /* 3.11 on */
#define LP_PY_TP_HEAPTYPE      (1ull << 9)
#define LP_PY_TP_LONG	       (1ull << 24)
#define LP_PY_TP_LIST	       (1ull << 25)
#define LP_PY_TP_TUPLE	       (1ull << 26)
#define LP_PY_TP_BYTES	       (1ull << 27)
#define LP_PY_TP_STR	       (1ull << 28)
#define LP_PY_TP_DICT	       (1ull << 29)
#define LP_PY_TP_EXCEPTION     (1ull << 30)
#define LP_PY_TP_TYPE	       (1ull << 31)

/* Types and singletons by address. X(member, symbol, is it needed) */
#define LP_PY_SYMBOLS(X)                                                                           \
	X(type_type, "PyType_Type", 1)                                                             \
	X(type_object, "PyBaseObject_Type", 1)                                                     \
	X(type_none, "_PyNone_Type", 0)                                                            \
	X(type_bool, "PyBool_Type", 1)                                                             \
	X(type_long, "PyLong_Type", 1)                                                             \
	X(type_float, "PyFloat_Type", 1)                                                           \
	X(type_complex, "PyComplex_Type", 1)                                                       \
	X(type_str, "PyUnicode_Type", 1)                                                           \
	X(type_bytes, "PyBytes_Type", 1)                                                           \
	X(type_bytearray, "PyByteArray_Type", 1)                                                   \
	X(type_tuple, "PyTuple_Type", 1)                                                           \
	X(type_list, "PyList_Type", 1)                                                             \
	X(type_dict, "PyDict_Type", 1)                                                             \
	X(type_set, "PySet_Type", 1)                                                               \
	X(type_frozenset, "PyFrozenSet_Type", 1)                                                   \
	X(type_range, "PyRange_Type", 1)                                                           \
	X(type_slice, "PySlice_Type", 1)                                                           \
	X(type_code, "PyCode_Type", 1)                                                             \
	X(type_cell, "PyCell_Type", 1)                                                             \
	X(type_function, "PyFunction_Type", 1)                                                     \
	X(type_method, "PyMethod_Type", 1)                                                         \
	X(type_cfunction, "PyCFunction_Type", 1)                                                   \
	X(type_module, "PyModule_Type", 1)                                                         \
	X(type_generator, "PyGen_Type", 1)                                                         \
	X(type_coroutine, "PyCoro_Type", 1)                                                        \
	X(type_async_generator, "PyAsyncGen_Type", 0)                                              \
	X(type_property, "PyProperty_Type", 1)                                                     \
	X(type_classmethod, "PyClassMethod_Type", 1)                                               \
	X(type_staticmethod, "PyStaticMethod_Type", 1)                                             \
	X(type_member, "PyMemberDescr_Type", 1)                                                    \
	X(type_getset, "PyGetSetDescr_Type", 1)                                                    \
	X(generic_getattr, "PyObject_GenericGetAttr", 1)                                           \
	X(none, "_Py_NoneStruct", 1)                                                               \
	X(true_, "_Py_TrueStruct", 1)                                                              \
	X(false_, "_Py_FalseStruct", 1)

#define LP_PY_RANGES_MAX 8

/* One interpreter as it lies in the memory of a process and of the children that it forks. */
struct lp_py_runtime {
	struct lp_py_layout layout;
	__u64 runtime; /* _PyRuntime */
#define LP_PY_ADDRESS(name, symbol, needed) __u64 name;
	LP_PY_SYMBOLS(LP_PY_ADDRESS)
#undef LP_PY_ADDRESS
	/* Slots of the builtin types, to see whether a subclass has replaced them. */
	__u64 type_getattr, module_getattr; /* tp_getattro of type and module */
	__u64 slot_getattr_hook;	    /* of classes with __getattr__ or __getattribute__; 0 */
	__u64 long_compare, float_compare, str_compare, bytes_compare, tuple_compare, list_compare,
		object_compare; /* tp_richcompare; of object */
	__u64 dict_subscript, list_subscript, tuple_subscript, str_subscript, bytes_subscript;
	__u64 dict_length, list_length, tuple_length, str_length, bytes_length, set_length;
	__u64 dict_contains, list_contains, tuple_contains, set_contains, str_contains,
		bytes_contains;
	/* From 3.12 on: states of the static builtin types, by index in tp_subclasses - 1; 0: unknown */
	__u64 static_types;
	__u32 static_type_size, static_type_dict; /* of one state; tp_dict in it */
	/* Hashes of names that change what an operation means; 0: unknown. */
	__u64 hash_class, hash_getattribute, hash_getattr, hash_missing, hash_instancecheck;
	__u64 hash_getitem, hash_contains;
	/* asyncio: 0 where it is not imported (yet) */
	__u64 current_tasks;	 /* the dict asyncio.tasks._current_tasks: loop to task */
	__u64 hash_running_loop; /* of '__asyncio_running_event_loop__', a key of tstate_dict */
	__u64 type_task;	 /* _asyncio.Task */
	__u64 type_tuplegetter;	 /* _collections._tuplegetter: fields of named tuples; 0 */
	__u64 thread_active;	 /* the dict threading._active: identifier to Thread; 0 */
	__u64 type_exception;	 /* BaseException */
	/* tp_str of builtin exceptions; 0: there is none in this version */
	__u64 str_exception, str_os_error, str_key_error, str_import_error, str_syntax_error;
	__u64 str_encode_error, str_decode_error, str_translate_error, str_group;
	__u64 owner; /* process; the children that it forks have their own memory */
	__u64 loop[LP_PY_RANGES_MAX][2]; /* code of the evaluation loop: from, to; 0: no more */
};

/* The Python half of a site, by the site's number. */
struct lp_py_site {
	__u64 unit;	      /* address of the code unit; up to 3.10 within the bytes of co_code */
	__u64 code;	      /* PyCodeObject */
	__u64 name, filename; /* its co_name and co_filename: still the same code object */
	__u32 firstlineno;
	__u32 runtime;	  /* number of the lp_py_runtime */
	__u32 stack_base; /* words of localsplus before the value stack */
	__u32 flags;	  /* LP_PY_SITE_* */
	__u32 next;	  /* number + 1 of the next site at the same byte; 0: none */
	/* Of a site that a uprobe in the evaluation loop serves: the machine register that holds
	 * the address of the unit, less delta bytes, when the probe is hit. Of a CALLED one: that which
	 * holds the frame, and that which says whether the frame begins by an exception.
	 */
	__u16 unit_register;
	__s16 unit_delta;
};
_Static_assert(sizeof(struct lp_py_site) == 56, "lp_py_site has no padding");

struct lp_py_place_key {
	__u64 addr; /* of the watched byte */
	__u64 runtime;
};

/* A store that the machine code has yet to do: to base + (index << shift) + disp go the low `size` bytes of
 * from + add, or of the word there, with bits of `tags` set. Registers are as when the unit has been read;
 * LP_PY_NO_REGISTER is 0. What is conditional is done if `left`, or the word at left + left_disp, has the same
 * bits in `mask` as right | right_or, or if not.
 */
#define LP_PY_NO_REGISTER 31u /* of LP_MACH_ROOM: nothing is ever there */
struct lp_py_late {
	__s64 disp, add;
	__s32 base_disp; /* INDIRECT: the base is the word at the register + base_disp */
	__u8 base, index, shift, from, size;
	__u8 part;  /* of the index: enum lp_py_part */
	__u8 flags; /* LP_PY_LATE_* */
	__u8 left, right;
	__u8 tags;
	__s16 left_disp;
	__u64 mask, right_or;
};
_Static_assert(sizeof(struct lp_py_late) == 48, "lp_py_late has no padding of the compiler's");

#define LP_PY_LATE_UNKNOWN   0x01u /* the value */
#define LP_PY_LATE_INDIRECT  0x02u
#define LP_PY_LATE_WORD	     0x04u /* the value is in memory */
#define LP_PY_LATE_EQUAL     0x08u /* conditional */
#define LP_PY_LATE_UNEQUAL   0x10u
#define LP_PY_LATE_LEFT_WORD 0x20u
#define LP_PY_LATE_IF	     (LP_PY_LATE_EQUAL | LP_PY_LATE_UNEQUAL)

/* As a register: the processor's flags. */
#define LP_PY_FLAGS	17u
#define LP_PY_FLAG_ZERO 0x40u

enum lp_py_part {
	LP_PY_WHOLE,
	LP_PY_BIT,    /* the lowest */
	LP_PY_HALF,   /* 16 bits */
	LP_PY_LOW,    /* 32 bits */
	LP_PY_SIGNED, /* 32 bits with a sign */
	LP_PY_MINUS,  /* the same, negated */
};

/* Where the evaluation loop reads a unit to execute it, by the instruction pointer then. */
#define LP_PY_LATE_MAX	   4
#define LP_PY_FETCH_BLIND  0x1u /* it is not known what is yet to be stored */
#define LP_PY_FETCH_STACK  0x2u /* nor, on the value stack */
#define LP_PY_FETCH_REPEAT 0x4u /* the same unit has been read before, and was not executed */
struct lp_py_fetch {
	__u32 n, flags;
	struct lp_py_late late[LP_PY_LATE_MAX];
};

struct lp_py_fetch_key {
	__u64 ip;
	__u64 runtime;
};

/* A line that is entered at several units, of which one leads to the next: where the frame's latest hit
 * of the line, counted or not, was a LEADS of the same code object at a lower address, FOLLOWS is no
 * new start of the line.
 */
#define LP_PY_SITE_LEADS       0x1u
#define LP_PY_SITE_FOLLOWS     0x2u
#define LP_PY_SITE_CACHED      0x8u  /* of those: the word behind the unit is a counter */
#define LP_PY_SITE_STEPS       0x4u  /* probes in the evaluation loop serve it: in no chain */
#define LP_PY_SITE_CALLED      0x10u /* of those: where that loop is entered, up to 3.10 */
#define LP_PY_SITE_RESUMES     0x20u /* a RESUME, from 3.12 on */
#define LP_PY_SITE_TRAP	       0x40u /* of exceptions: `unit` is LP_PY_AT_*, stack_base its bit */
#define LP_PY_SITE_LINE(flags) ((flags) >> 8) /* the line's number, cut to 24 bits */

/* Exceptions have no code unit: their sites are a chain of an interpreter, at this address. */
#define LP_PY_AT_RAISE	  1ull
#define LP_PY_AT_UNCAUGHT 2ull

/* A function of the interpreter at which an exception is seen: the cookie of its probe. */
enum lp_py_trap {
	LP_PY_TRAP_RAISE, /* PyTraceBack_Here(frame): each frame that an exception leaves or is caught in */
	/* where nobody has caught it, by struct lp_py_hook: user/python/hooks.h */
	LP_PY_TRAP_PRINT,
	LP_PY_TRAP_UNRAISABLE,
	LP_PY_TRAP_THREAD,
	LP_PY_TRAP_FUTURE,
	LP_PY_TRAP_CALLBACK,
	LP_PY_TRAP_UVLOOP,
	LP_PY_TRAP_UVLOOP_TIMER,
	LP_PY_TRAP_COUNT
};

/* Which sites want a class that is called so: a number of the end of its full name, back to front from
 * LP_PY_NAME_SEED on (FNV-1a over code points), or 0: those that want every class.
 */
struct lp_py_wanted_key {
	__u64 hash;
	__u32 runtime;
	__u32 pad;
};

struct lp_py_wanted {
	__u64 sites;   /* their bits */
	__u32 is_flow; /* no failure: wanted by its name, or that of a subclass, alone */
	__u32 pad;
};

/* What a virtual register of a Python program holds. */
enum lp_py_tag {
	LP_PY_OBJECT, /* address of an object */
	LP_PY_INT,    /* signed 64 bits */
	LP_PY_FLOAT,  /* bits of a double */
	LP_PY_BOOL,   /* 0 or 1 */
	LP_PY_KEY,    /* a constant str: the struct lp_py_key at instruction n of the site's data */
	LP_PY_BYTES,  /* a constant bytes, the same way */
	LP_PY_SLICE,  /* part of the object: from, to in the register's second word */
	LP_PY_BIG,    /* a constant int of more than 64 bits, the same way as KEY */
	LP_PY_TUPLE,  /* of the registers whose numbers it has, 4 bits each; `from`: how many */
	LP_PY_TEXT,   /* a str or bytes in the hit's own memory: LP_PY_TEXT_AT() */
	LP_PY_RAISED, /* an exception that is not made yet: of what (0: nothing); `from`: its type */
	LP_PY_ARGS,   /* its args: a tuple of that object alone (0: of nothing) */
	LP_PY_TAG_COUNT
};

/* A TEXT: where in the record's memory, units, bytes of a unit, is it bytes? */
#define LP_PY_TEXT_AT(at, len, width, is_bytes)                                                    \
	((__u64)(at) | (__u64)(len) << 32 | (__u64)(width) << 56 | (__u64)(is_bytes) << 60)

/* A constant str or bytes in a program's data, with what a look-up needs. The text follows: of a BIG
 * digits of 30 bits, lowest first, four bytes each.
 */
struct lp_py_key {
	__u64 hash; /* as this process hashes it; of bytes too; of a BIG 1: it is negative */
	__u32 len;  /* bytes: UTF-8 */
	__u8 is_ascii;
	__u8 pad[3];
};
_Static_assert(sizeof(struct lp_py_key) == 16, "lp_py_key is one instruction long");

/* What a value block of CAP_PY holds. The objects that it leads to are blocks of LP_SLOT_MEM. */
struct lp_py_value {
	__u64 tag; /* enum lp_py_tag: OBJECT, INT, FLOAT, BOOL, SLICE, RAISED, ARGS */
	__u64 bits;
	__u64 from, to; /* SLICE: items, within the object's length */
};
_Static_assert(sizeof(struct lp_py_value) == 32, "lp_py_value has no padding");

/* _PyInterpreterFrame.owner (Include/internal/pycore_frame.h) */
#define LP_PY_OWNED_BY_GENERATOR 1
#define LP_PY_OWNED_BY_C	 3 /* and above: no function's but a seam to C, from 3.12 on */

/* One frame of CAP_PYSTACK: innermost first, one block of LP_SLOT_PYSTACK with all. Of a traceback, too. */
struct lp_py_frame {
	__u64 code, name, filename; /* the latter two tell whether code is still the same */
	__u64 lasti;		    /* byte offset into the units of the latest instruction */
	__u32 firstlineno;
	__s32 line; /* tb_lineno of a traceback; <= 0: lasti tells */
};
_Static_assert(sizeof(struct lp_py_frame) == 40, "lp_py_frame has no padding of the compiler's");

/* Low bits of `code`: how many evaluation loops C code has called for it, and for frames outside of it that are
 * none to Python yet, which are not on record. Not of a traceback.
 */
#define LP_PY_FRAME_LOOPS 0x7u

/* Variables of a frame. n words of the frame follow: an object each, 0 where it is unbound, None in place of
 * one whose name is not to be shown. One block of LP_SLOT_PYLOCALS has those of all frames: of the
 * stack, then of tracebacks along the chain of exceptions, each from the innermost on; LP_BLKF_CUT:
 * there was no room for those that would follow. Up to 3.10 locals, cells and free variables of one
 * come after each other. Names, kinds and the objects are blocks of LP_SLOT_MEM.
 */
struct lp_py_locals {
	__u64 names; /* a tuple */
	__u64 kinds; /* bytes, one each: LP_PY_KIND_*; 0: `cells` says it */
	__u32 frame; /* its number in CAP_PYSTACK, or in the traceback, where 0 is the outermost */
	__u32 n;
	__u16 exception; /* number in the chain + 1, whose traceback it is in; 0: in none */
	__u8 cells;	 /* all are in cells */
	__u8 cut;	 /* it has more than these */
	__u32 pad;
};
_Static_assert(sizeof(struct lp_py_locals) == 32, "lp_py_locals has no padding of the compiler's");

/* Include/internal/pycore_code.h: CO_FAST_*, the same from 3.11 on */
#define LP_PY_KIND_CELL 0x40u
#define LP_PY_KIND_FREE 0x80u

/* One exception of CAP_PYEXC: a block of LP_SLOT_PYEXC for each of the chain, in the order they are found;
 * the first is the exception itself. n_frames struct lp_py_frame follow: its __traceback__, outermost
 * first. Blocks of LP_SLOT_MEM have what args and notes lead to, and the object with its class.
 */
struct lp_py_exc {
	__u64 object, type;   /* object: 0 where it is UNNORMALISED */
	__u32 cause, context; /* number in the chain + 1; 0: none */
	__u32 flags;	      /* LP_PY_EXC_* */
	__u32 n_frames;
	struct lp_py_value args;  /* a tuple; UNNORMALISED: what it is to be made of, a RAISED */
	struct lp_py_value notes; /* __notes__, most often a list; bits 0: none */
};
_Static_assert(sizeof(struct lp_py_exc) == 96, "lp_py_exc has no padding");

#define LP_PY_EXC_SUPPRESS     0x1u /* __suppress_context__ */
#define LP_PY_EXC_CHAIN_CUT    0x2u /* it has a cause or context for which there was no room */
#define LP_PY_EXC_FRAMES_CUT   0x4u /* outermost frames are missing */
#define LP_PY_EXC_UNNORMALISED 0x8u /* up to 3.11: not made yet */

/* A task that awaits the one before it: a block of LP_SLOT_PYAWAIT for each, the one that awaits the running
 * task first. n_frames struct lp_py_frame follow: its coroutines, outermost first. Blocks of
 * LP_SLOT_MEM have its name.
 */
struct lp_py_await {
	__u64 task; /* 0: the chain goes on, but could not be followed from here */
	__u32 n_frames;
	__u32 flags;  /* LP_PY_AWAIT_* */
	__u32 others; /* tasks that await the same one, too */
	__u32 pad;
	struct lp_py_value name; /* a str, or the number n of "Task-n" */
};
_Static_assert(sizeof(struct lp_py_await) == 56, "lp_py_await has no padding of the compiler's");

#define LP_PY_AWAIT_FRAMES_CUT 0x1u /* innermost frames are missing */
#define LP_PY_AWAIT_MANY       0x2u /* there may be more others */

/* A function of the interpreter that is about an exception, and where it has it as it begins. Registers are
 * numbered as DWARF does.
 */
#define LP_PY_HOOK_STEPS 3
#define LP_PY_HOOK_NAME	 32

struct lp_py_hook {
	__u64 only; /* what register `about` holds (FRAME: the code object of the frame in it); 0: anything */
	__u64 except[2];	    /* classes of which it is none; 0 */
	char name[LP_PY_HOOK_NAME]; /* FRAME, without `only`: co_name */
	__u32 flags;		    /* LP_PY_HOOK_* */
	__s32 flag_at;	/* the byte at register `about` + flag_at has one of these bits */
	__u8 flag_mask; /* 0: not asked */
	__u8 about;
	__u8 from;    /* register that the steps begin at */
	__u8 n_steps; /* p = *(p + step): the last is the exception */
	__s32 step[LP_PY_HOOK_STEPS];
	__u32 name_len, pad;
};
_Static_assert(sizeof(struct lp_py_hook) == 88, "lp_py_hook has no padding");

struct lp_py_hook_key {
	__u32 runtime, trap; /* enum lp_py_trap */
};

#define LP_PY_HOOK_CURRENT 0x1u /* the exception is the thread's current error: no steps */
#define LP_PY_HOOK_FRAME   0x2u /* `about` is a PyFrameObject */

#endif
