/* SPDX-License-Identifier: GPL-2.0-only */
/* include/lp/pybody.h
 *
 * pybody - bodies of objects whose C structures are no part of the layout (lp/python.h), because
 * they are the same in CPython 3.8 to 3.14: bytes from the start of the object.
 */
#ifndef LP_PYBODY_H
#define LP_PYBODY_H

/* Include/cpython/pyerrors.h: PyException_HEAD */
#define LP_PY_EXC_ARGS 24

/* Include/cpython/cellobject.h: PyCellObject.ob_ref */
#define LP_PY_CELL_REF 16

/* Objects/rangeobject.c, Include/sliceobject.h: start, stop, step */
#define LP_PY_RANGE_START 16
#define LP_PY_SLICE_START 16

/* Include/cpython/classobject.h: PyMethodObject, im_func and im_self */
#define LP_PY_METHOD_FUNC 16
#define LP_PY_METHOD_SELF 24

/* Include/cpython/methodobject.h: PyCFunctionObject; a PyMethodDef starts with its name */
#define LP_PY_CFUNC_DEF	 16
#define LP_PY_CFUNC_SELF 24

/* Modules/_functoolsmodule.c: partialobject, fn and args */
#define LP_PY_PARTIAL_FUNC 16
#define LP_PY_PARTIAL_ARGS 24

/* Modules/_asynciomodule.c: FutureObj_HEAD, callback0 and callbacks, a list of tuples or None */
#define LP_PY_FUTURE_CALLBACK0 24
#define LP_PY_FUTURE_CALLBACKS 40

/* The same: TaskWakeupMethWrapper, ww_task */
#define LP_PY_WAKEUP_TASK 16

/* Include/cpython/funcobject.h: func_closure, from func_code on; up to 3.9 func_globals is before it */
#define LP_PY_CLOSURE_FROM_CODE(minor) ((minor) <= 9 ? 32u : 24u)

/* Modules/_collectionsmodule.c: dequeobject, and BLOCK {leftlink, data, rightlink} */
#define LP_PY_DEQUE_LEFT   24
#define LP_PY_DEQUE_INDEX  40
#define LP_PY_DEQUE_MAXLEN 64
#define LP_PY_DEQUE_SIZE   72
#define LP_PY_BLOCK_DATA   8
#define LP_PY_BLOCK_LEN	   64
#define LP_PY_BLOCK_RIGHT  (LP_PY_BLOCK_DATA + 8 * LP_PY_BLOCK_LEN)

/* Include/datetime.h: PyDateTime_Date, _Time, _DateTime, _Delta; zone is there with has_zone */
#define LP_PY_DATE_HAS_ZONE 24
#define LP_PY_DATE_DATA	    25
#define LP_PY_DATETIME_FOLD 35
#define LP_PY_DATETIME_ZONE 40
#define LP_PY_TIME_FOLD	    31
#define LP_PY_TIME_ZONE	    32
#define LP_PY_DELTA_DAYS    24 /* int days, seconds, microseconds */

/* Modules/_datetimemodule.c: PyDateTime_TimeZone, offset and name; Modules/_zoneinfo.c: key */
#define LP_PY_TIMEZONE_OFFSET 16
#define LP_PY_ZONEINFO_KEY    16

/* Modules/_decimal/_decimal.c: PyDecObject, with an mpd_t {flags, exp, digits, len, alloc, data} */
#define LP_PY_DEC_FLAGS	 24
#define LP_PY_DEC_EXP	 32
#define LP_PY_DEC_DIGITS 40
#define LP_PY_DEC_LEN	 48
#define LP_PY_DEC_DATA	 64
#define LP_PY_DEC_SIZE	 104 /* with the words of a short one */
#define LP_PY_DEC_SHORT	 72

/* Objects that are not of the interpreter's own types, by tp_name. X(KIND, name) */
#define LP_PY_NAMED(X)                                                                             \
	X(DEQUE, "collections.deque")                                                              \
	X(DATE, "datetime.date")                                                                   \
	X(TIME, "datetime.time")                                                                   \
	X(DATETIME, "datetime.datetime")                                                           \
	X(DELTA, "datetime.timedelta")                                                             \
	X(TIMEZONE, "datetime.timezone")                                                           \
	X(ZONEINFO, "zoneinfo.ZoneInfo")                                                           \
	X(DECIMAL, "decimal.Decimal")                                                              \
	X(INSTANCE, "types.SimpleNamespace")
/* Classes of the library whose objects are shown whole below the depth limit, as enums are. X(name) */
#define LP_PY_LEAF_NAMES(X)                                                                        \
	X("UUID")                                                                                  \
	X("PosixPath")                                                                             \
	X("PurePosixPath")                                                                         \
	X("WindowsPath")                                                                           \
	X("PureWindowsPath")

#define LP_PY_NAMED_LEN 24 /* the longest of them, rounded up to words */

/* The interpreter's own, by address. X(KIND, member of lp_py_runtime) */
#define LP_PY_KNOWN(X)                                                                             \
	X(LONG, type_long)                                                                         \
	X(STR, type_str)                                                                           \
	X(FLOAT, type_float)                                                                       \
	X(LIST, type_list)                                                                         \
	X(TUPLE, type_tuple)                                                                       \
	X(DICT, type_dict)                                                                         \
	X(LONG, type_bool)                                                                         \
	X(NONE, type_none)                                                                         \
	X(BYTES, type_bytes)                                                                       \
	X(BYTEARRAY, type_bytearray)                                                               \
	X(SET, type_set)                                                                           \
	X(SET, type_frozenset)                                                                     \
	X(COMPLEX, type_complex)                                                                   \
	X(RANGE, type_range)                                                                       \
	X(SLICE, type_slice)                                                                       \
	X(FUNCTION, type_function)                                                                 \
	X(METHOD, type_method)                                                                     \
	X(CFUNCTION, type_cfunction)                                                               \
	X(MODULE, type_module)                                                                     \
	X(CLASS, type_type)                                                                        \
	X(GENERATOR, type_generator)                                                               \
	X(GENERATOR, type_coroutine)                                                               \
	X(GENERATOR, type_async_generator)                                                         \
	X(OPAQUE, type_object)                                                                     \
	X(CELL, type_cell)

/* How an object is laid out. X(KIND) */
#define LP_PY_KINDS(X)                                                                             \
	X(OPAQUE)                                                                                  \
	X(INSTANCE)                                                                                \
	X(NONE)                                                                                    \
	X(LONG)                                                                                    \
	X(FLOAT)                                                                                   \
	X(COMPLEX)                                                                                 \
	X(STR)                                                                                     \
	X(BYTES)                                                                                   \
	X(BYTEARRAY)                                                                               \
	X(LIST)                                                                                    \
	X(TUPLE)                                                                                   \
	X(DICT)                                                                                    \
	X(SET)                                                                                     \
	X(DEQUE)                                                                                   \
	X(RANGE)                                                                                   \
	X(SLICE)                                                                                   \
	X(DATE)                                                                                    \
	X(TIME)                                                                                    \
	X(DATETIME)                                                                                \
	X(DELTA)                                                                                   \
	X(TIMEZONE)                                                                                \
	X(ZONEINFO)                                                                                \
	X(DECIMAL)                                                                                 \
	X(EXCEPTION)                                                                               \
	X(FUNCTION)                                                                                \
	X(METHOD)                                                                                  \
	X(CFUNCTION)                                                                               \
	X(MODULE)                                                                                  \
	X(CLASS)                                                                                   \
	X(GENERATOR)                                                                               \
	X(CELL)

enum lp_py_kind {
	LP_PK_UNKNOWN,
#define LP_PY_KIND_ENUM(name) LP_PK_##name,
	LP_PY_KINDS(LP_PY_KIND_ENUM)
#undef LP_PY_KIND_ENUM
		LP_PK_COUNT
};

/* tp_flags to the kind: X(KIND, flag) */
#define LP_PY_FLAGGED(X)                                                                           \
	X(LONG, LP_PY_TP_LONG)                                                                     \
	X(LIST, LP_PY_TP_LIST)                                                                     \
	X(TUPLE, LP_PY_TP_TUPLE)                                                                   \
	X(BYTES, LP_PY_TP_BYTES)                                                                   \
	X(STR, LP_PY_TP_STR)                                                                       \
	X(DICT, LP_PY_TP_DICT)                                                                     \
	X(EXCEPTION, LP_PY_TP_EXCEPTION)                                                           \
	X(CLASS, LP_PY_TP_TYPE)

/* A name that may be one not to be shown, as a number: of each character but '_' and '-', 'A' to 'Z'
 * in lower case, FNV-1a over its code point.
 */
#define LP_PY_NAME_SEED	 0xcbf29ce484222325ull
#define LP_PY_NAME_PRIME 0x100000001b3ull

#endif
