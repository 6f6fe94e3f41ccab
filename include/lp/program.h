/* SPDX-License-Identifier: GPL-2.0-only */
/* include/lp/program.h
 *
 * program - what a site runs at a hit: instructions for the virtual machine (bpf/vm.h).
 *
 * The machine has LP_VM_REGS 64-bit registers, two string buffers and the machine registers of
 * the hit in DWARF numbering (x86-64: 0 rax 1 rdx 2 rcx 3 rbx 4 rsi 5 rdi 6 rbp 7 rsp 8..15 r8..r15
 * 16 rip). A program is
 *
 *	[condition ... CHECK] GATE [captures ...] END
 *
 * Up to GATE nothing is written; GATE decides hit count, `after`, `max` and `rate` and opens the
 * record. Captures append blocks (record.h). The entry half of a `call` has no GATE: its captures
 * and r8..r15 are carried to the return half, whose program starts with both restored.
 *
 * Errors: a failed read, a division by zero or FAIL raises. TRY names the slot that the error is
 * reported in and where to go on; slot LP_SLOT_COND makes the condition false and counts it.
 * Program counters are relative to the site's first instruction. Jumps only go forward.
 */
#ifndef LP_PROGRAM_H
#define LP_PROGRAM_H

#ifndef __bpf__
#include <linux/types.h>
#endif
#include "lp/limits.h"

struct lp_insn {
	__u8 op;   /* enum lp_op */
	__u8 dst;  /* virtual register written */
	__u8 a, b; /* virtual registers read, or as the table says */
	__u32 n;
	__u64 imm; /* sign-extended where it is an offset */
};
_Static_assert(sizeof(struct lp_insn) == 16, "lp_insn is two words");

/* n of a capture: the slot and the bytes */
#define LP_CAP(slot, len) ((__u32)(slot) << 16 | (__u32)(len))
#define LP_CAP_SLOT(n)	  ((__u16)((n) >> 16))
#define LP_CAP_LEN(n)	  ((__u16)(n))

/* n of LOAD, LOADM and EXT-like operations */
#define LP_SIGNED 0x80u /* sign-extend; the low bits are the size in bytes: 1, 2, 4, 8 */

/* imm of BITS */
#define LP_BITS(off, width, sgn) ((__u64)(off) | (__u64)(width) << 8 | (__u64)(sgn) << 16)

/* X(NAME, operands in the disassembly, effect)
 * Operand letters: d dst, a/b virtual registers, m machine register in b, n number, i immediate,
 * s slot and length in n, t jump target in n, k string buffer in dst (0 or 1).
 */
#define LP_OPS(X)                                                                                  \
	/* control */                                                                              \
	X(END, "", "the program is done")                                                          \
	X(JMP, "t", "go to n")                                                                     \
	X(JZ, "at", "if !a go to n")                                                               \
	X(JNZ, "at", "if a go to n")                                                               \
	X(TRY, "it", "errors from here on belong to slot imm and continue at n")                   \
	X(FAIL, "i", "raise status imm")                                                           \
	X(CHECK, "a", "if !a the hit is filtered")                                                 \
	X(GATE, "", "hit count, after, max, rate; opens the record")                               \
	/* values */                                                                               \
	X(IMM, "di", "d = imm")                                                                    \
	X(MOV, "da", "d = a")                                                                      \
	X(REG, "dmi", "d = machine[b] + imm")                                                      \
	X(LOAD, "dani", "d = *(n *)(a + imm)")                                                     \
	X(LOADM, "dmni", "d = *(n *)(machine[b] + imm)")                                           \
	X(BITS, "dai", "d = bits of a: offset, width, signed")                                     \
	X(EXT, "dan", "d = a cut to n bytes, extended")                                            \
	X(CTX, "dn", "d = enum lp_ctx n")                                                          \
	/* arithmetic, 64 bits */                                                                  \
	X(ADD, "dab", "a + b")                                                                     \
	X(ADDI, "dai", "a + imm")                                                                  \
	X(SUB, "dab", "a - b")                                                                     \
	X(MUL, "dab", "a * b")                                                                     \
	X(MULI, "dai", "a * imm")                                                                  \
	X(DIVS, "dab", "signed a / b, raises on b == 0; truncates as C")                           \
	X(DIVU, "dab", "a / b, raises on b == 0")                                                  \
	X(MODS, "dab", "signed a % b, raises on b == 0")                                           \
	X(MODU, "dab", "a % b, raises on b == 0")                                                  \
	X(AND, "dab", "a & b")                                                                     \
	X(OR, "dab", "a | b")                                                                      \
	X(XOR, "dab", "a ^ b")                                                                     \
	X(SHL, "dab", "a << b, 0 where b > 63")                                                    \
	X(SHR, "dab", "a >> b, 0 where b > 63")                                                    \
	X(SAR, "dab", "signed a >> b, the sign where b > 63")                                      \
	X(NEG, "da", "-a")                                                                         \
	X(INV, "da", "~a")                                                                         \
	X(NOT, "da", "!a")                                                                         \
	/* comparisons, 0 or 1 */                                                                  \
	X(EQ, "dab", "a == b")                                                                     \
	X(NE, "dab", "a != b")                                                                     \
	X(LTS, "dab", "signed a < b")                                                              \
	X(LES, "dab", "signed a <= b")                                                             \
	X(LTU, "dab", "a < b")                                                                     \
	X(LEU, "dab", "a <= b")                                                                    \
	X(EQI, "dai", "a == imm")                                                                  \
	X(LTSI, "dai", "signed a < imm")                                                           \
	X(LTUI, "dai", "a < imm")                                                                  \
	/* floating point, as bits: double unless n says 4 */                                      \
	X(F32TOF64, "da", "float bits to double bits, exact")                                      \
	X(S64TOF64, "da", "signed integer to double bits, round to even")                          \
	X(U64TOF64, "da", "unsigned integer to double bits, round to even")                        \
	X(FEQ, "dab", "double a == b; false with NaN")                                             \
	X(FLT, "dab", "double a < b; false with NaN")                                              \
	X(FLE, "dab", "double a <= b; false with NaN")                                             \
	/* strings: k is one of two buffers of LP_STRBUF_MAX bytes with a length */                \
	X(STRLD, "kan", "k = the C string at a, at most n bytes")                                  \
	X(MEMLD, "kabn", "k = b bytes at a, at most n")                                            \
	X(COMMLD, "k", "k = the name of the current thread")                                       \
	X(STRK, "kni", "k = n bytes of constant data at instruction imm of this program")          \
	X(STRLEN, "dan", "d = length of the C string at a, looking at n bytes at most")            \
	X(STREQ, "d", "d = k0 is k1")                                                              \
	X(STRLT, "d", "d = k0 sorts before k1, bytewise")                                          \
	X(STRPRE, "d", "d = k0 starts with k1")                                                    \
	X(STRSUF, "d", "d = k0 ends with k1")                                                      \
	X(STRHAS, "d", "d = k1 occurs in k0")                                                      \
	/* captures: append a block */                                                             \
	X(CAP_MEM, "sai", "len bytes at a + imm")                                                  \
	X(CAP_MEMM, "smi", "len bytes at machine[b] + imm")                                        \
	X(CAP_MEMV, "sab", "b bytes at a, cut to len and then flagged")                            \
	X(CAP_STR, "sai", "the C string at a + imm, cut to len bytes and then flagged")            \
	X(CAP_STRM, "smi", "the C string at machine[b] + imm")                                     \
	X(CAP_STRP, "sai", "the C string that the pointer at a + imm points to")                   \
	X(CAP_STRPM, "smi", "the C string that the pointer at machine[b] + imm points to")         \
	X(CAP_REG, "sa", "the low len bytes of a, as a value")                                     \
	X(CAP_MACH, "sm", "the low len bytes of machine[b], as a value")                           \
	X(CAP_HOLE, "si", "len bytes that can't be known, status imm")                             \
	X(CAP_STACK, "n", "the machine registers, and n bytes of stack from the stack pointer on") \
	LP_PY_OPS(X)

/* Python (lp/python.h): a register has a tag, enum lp_py_tag, and a second word for slices. Only the
 * programs of Python sites may use these, and they run with a frame. `y` in imm: the instruction of
 * this program's data at which a struct lp_py_key lies. Results of comparisons are BOOL.
 * CHECK, JZ and JNZ look at the plain word, so that a truth value is made first.
 */
#define LP_PY_OPS(X)                                                                               \
	/* values */                                                                               \
	X(PY_INT, "di", "d = the int imm")                                                         \
	X(PY_FLOAT, "di", "d = the float with the bits imm")                                       \
	X(PY_BOOL, "da", "d = the bool of the plain word a")                                       \
	X(PY_NONE, "d", "d = None")                                                                \
	X(PY_STR, "dy", "d = the constant str")                                                    \
	X(PY_BYTES, "dy", "d = the constant bytes")                                                \
	X(PY_BIG, "dy", "d = the constant int of more than 64 bits: its digits")                   \
	X(PY_TUPLE, "din", "d = (n registers,): imm has their numbers, 4 bits each")               \
	X(PY_WHO, "dn", "d = enum lp_py_who n")                                                    \
	X(PY_KEEP, "da", "d = a as it will be when the object is gone: a number, None, a text")    \
	X(PY_FAST, "dn", "d = the local n; raises UNBOUND")                                        \
	X(PY_CELL, "dn", "d = what the cell in local n holds; raises UNBOUND")                     \
	/* LP_PY_HIDDEN() in n: the variable of a comprehension, where it is bound */              \
	X(PY_NAME, "dny", "d = by name: local n, the frame's f_locals, globals, builtins")         \
	X(PY_GLOBAL, "dy", "d = by name: globals, builtins")                                       \
	X(PY_VAR, "dy",                                                                            \
	  "d = by name: a local or cell of whatever code the frame runs, or PY_NAME")              \
	X(PY_RETURN, "d", "d = the value on the frame's stack that is about to be returned")       \
	X(PY_CONST, "dn", "d = the code object's constant n")                                      \
	X(PY_OBJECT, "di", "d = the object at imm")                                                \
	X(PY_ATTR, "day", "d = a.name")                                                            \
	X(PY_ITEM, "dab", "d = a[b]")                                                              \
	X(PY_SLICE, "dabn", "d = a[b:n], registers; LP_PY_OPEN in b or n: that end is open")       \
	X(PY_LEN, "da", "d = len(a)")                                                              \
	X(PY_TYPE, "da", "d = type(a)")                                                            \
	X(PY_EXC, "d", "d = the exception of the hit")                                             \
	/* operators: n is enum lp_py_operator */                                                  \
	X(PY_TRUTH, "da", "plain d = bool(a)")                                                     \
	X(PY_COMPARE, "dabn", "d = a n b")                                                         \
	X(PY_IS, "dab", "d = a is b")                                                              \
	X(PY_IN, "dab", "d = a in b")                                                              \
	X(PY_ISINSTANCE, "dab", "d = isinstance(a, b); b may be a tuple of types")                 \
	X(PY_STARTS, "dab", "d = a.startswith(b)")                                                 \
	X(PY_ENDS, "dab", "d = a.endswith(b)")                                                     \
	X(PY_ARITH, "dabn", "d = a n b, of ints and bools within 64 bits")                         \
	X(PY_NEG, "da", "d = -a")                                                                  \
	X(PY_INV, "da", "d = ~a")                                                                  \
	/* captures */                                                                             \
	X(CAP_PY, "sai", "the value a, and what it leads to: imm is LP_PY_CAPTURE()")              \
	X(CAP_PYSTACK, "n", "the frames of the thread's Python stack, n at most")                  \
	X(CAP_PYTASK, "s", "the running asyncio task's name, where there is one")                  \
	X(CAP_PYAWAIT, "", "who awaits the task of CAP_PYTASK, and who awaits that one")           \
	/* n: LP_PY_LOCALS_* of the lists of frames, and how many of each at most */               \
	X(CAP_PYLOCALS, "ni", "variables of frames: imm is LP_PY_CAPTURE()")                       \
	X(CAP_PYEXC, "sai", "the exception a and its chain: imm is LP_PY_CAPTURE()")

/* n of CAP_PYLOCALS */
#define LP_PY_LOCALS_COUNT(n) ((n)&0xffffu)
#define LP_PY_LOCALS_STACK    0x10000u /* what CAP_PYSTACK has found */
#define LP_PY_LOCALS_CALLERS  0x20000u /* the same, but for the hit's own frame */
#define LP_PY_LOCALS_RAISED   0x40000u /* the traceback of the exception of CAP_PYEXC */
#define LP_PY_LOCALS_CHAIN    0x80000u /* those of its causes and contexts */

/* n of PY_NAME; 0: no local has that name */
#define LP_PY_HIDDEN(index, is_cell) ((index) + 1u + ((is_cell) ? LP_PY_HIDDEN_CELL : 0u))
#define LP_PY_HIDDEN_CELL	     0x1000000u

#define LP_PY_OPEN 0xffu /* in place of a register */

/* imm of CAP_PY: bytes of a string, items of a collection, depth */
#define LP_PY_CAPTURE(string, items, depth)                                                        \
	((__u64)(string) | (__u64)(items) << 20 | (__u64)(depth) << 40)
#define LP_PY_CAPTURE_STRING(imm) ((__u32)(imm)&0xfffff)
#define LP_PY_CAPTURE_ITEMS(imm)  ((__u32)((imm) >> 20) & 0xfffff)
#define LP_PY_CAPTURE_DEPTH(imm)  ((__u32)((imm) >> 40) & 0xff)

enum lp_py_operator {
	LP_PY_EQ,
	LP_PY_NE,
	LP_PY_LT,
	LP_PY_LE,
	LP_PY_GT,
	LP_PY_GE,
	LP_PY_ADD,
	LP_PY_SUB,
	LP_PY_MUL,
	LP_PY_FLOORDIV,
	LP_PY_MOD, /* the sign of the divisor, as Python has it */
	LP_PY_AND,
	LP_PY_OR,
	LP_PY_XOR,
	LP_PY_SHL,
	LP_PY_SHR,
	LP_PY_POW,
	LP_PY_OPERATOR_COUNT
};

/* Who runs, as a str. */
enum lp_py_who {
	LP_PY_COMM,
	LP_PY_THREAD, /* Python's own name of the thread */
	LP_PY_TASK,   /* None where no task runs */
	LP_PY_CALLER, /* the name of the function that called this one */
	LP_PY_FUNC,   /* of this one */
	LP_PY_FILE,   /* that it is in */
	LP_PY_WHO_COUNT
};

/* Parts of the machine that sites may do without. */
enum lp_vm_part {
	LP_PART_VALUES = 1, /* computing */
	LP_PART_WORDS = 2,  /* eight bytes of memory, or less */
	LP_PART_COPY = 4,   /* more */
	LP_PART_TEXT = 8,   /* C strings, captured */
	LP_PART_QUICK = 16, /* conditions decided without a slot (lp_quick) */
	LP_PART_REST = 32,  /* what bpf/lean.bpf.c has not */
	LP_PARTS_LEAN = LP_PART_REST - 1,
	LP_PARTS_ALL = LP_PARTS_LEAN | LP_PART_REST,
};

enum lp_op {
#define LP_OP_ENUM(name, operands, effect) LP_OP_##name,
	LP_OPS(LP_OP_ENUM)
#undef LP_OP_ENUM
		LP_OP_COUNT
};

/* A set of LP_PY_OPS. */
#define LP_PY_USE(name) (1ull << (LP_OP_##name - LP_OP_PY_INT))

enum lp_ctx {
	LP_CTX_PID,
	LP_CTX_TID,
	LP_CTX_CPU,
	LP_CTX_TIME,	/* CLOCK_MONOTONIC, ns */
	LP_CTX_BIAS,	/* load bias of the site's module: run-time address minus link address */
	LP_CTX_TLS,	/* thread pointer: fs base on x86-64 */
	LP_CTX_ELAPSED, /* ns since entry; only in a return half */
	LP_CTX_HIT,	/* number of this hit; only after GATE */
	/* struct lp_signal of `crash` */
	LP_CTX_SIGNAL,
	LP_CTX_CODE,
	LP_CTX_ADDR,
	LP_CTX_SENDER,
	LP_CTX_SIGNAL_HAS, /* its flags */
	LP_CTX_COUNT
};

enum lp_slot_id {
	LP_SLOT_MAX = 0xff00,	   /* values are numbered below */
	LP_SLOT_COND = 0xff00,	   /* the condition */
	LP_SLOT_REGS = 0xff01,	   /* LP_MACH_REGS words */
	LP_SLOT_STACK = 0xff02,	   /* stack memory, addr is the stack pointer */
	LP_SLOT_PYSTACK = 0xff03,  /* struct lp_py_frame each */
	LP_SLOT_PYTHREAD = 0xff04, /* struct lp_py_value: the str that names the Python thread */
	LP_SLOT_PYTASK = 0xff05,   /* struct lp_py_value: name of the running task */
	LP_SLOT_PYEXC = 0xff06,	   /* struct lp_py_exc with its frames, of each of the chain */
	LP_SLOT_PYLOCALS = 0xff07, /* struct lp_py_locals each, and what it tells of */
	LP_SLOT_PYAWAIT = 0xff08,  /* struct lp_py_await with its frames, of each that awaits */
	LP_SLOT_SIGNAL = 0xff10,   /* struct lp_signal */
	LP_SLOT_ABORT = 0xff11,	   /* what the C library says of its own abort(): a string */
	LP_SLOT_MEM = 0xffff,	   /* memory that a value points to, found by address */
};

enum lp_status {
	LP_ST_OK,
	LP_ST_UNREADABLE,    /* the block's addr could not be read */
	LP_ST_OPTIMIZED_OUT, /* the compiler kept it nowhere */
	LP_ST_UNAVAILABLE,   /* kept where it can't be read from outside (a vector register) */
	LP_ST_DIV_ZERO,
	LP_ST_NO_ROOM,	    /* the record is full */
	LP_ST_TOO_LONG,	    /* LP_VM_STEPS_MAX reached */
	LP_ST_NOT_IN_SCOPE, /* this copy of the line does not have the name */
	LP_ST_REDACTED,	    /* its name is in the redaction list: never copied */
	/* of Python programs: the block's addr is the number of the instruction in the site's program */
	LP_ST_UNBOUND,	  /* a name without a value (yet) */
	LP_ST_NO_ATTR,	  /* no such attribute */
	LP_ST_NO_ITEM,	  /* no such key, or index out of range */
	LP_ST_WRONG_TYPE, /* the operation is not for these types: Python raises TypeError */
	LP_ST_RUNS_CODE,  /* Python would run code here: a property, __getattr__, __eq__ ... */
	LP_ST_TOO_BIG,	  /* an int beyond 64 bits, or more items than a hit looks at */
	LP_ST_COUNT
};

#endif
