/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/result.h
 *
 * result - does a function hand its result over at all? Where a compiler knows all callers of a
 * function, it drops a result, or half of one, that none of them needs (LLVM's dead argument
 * elimination and constant propagation, GCC's IPA-SRA and function splitting), and says nothing of
 * it in DWARF. What is then in the registers is left over from something else.
 */
#ifndef LP_NATIVE_RESULT_H
#define LP_NATIVE_RESULT_H

#include "native/module.h"

#define LP_RESULT_RAX 0x1u
#define LP_RESULT_RDX 0x2u

struct lp_abi_value; /* native/scope_abi.h */
struct lp_calls;     /* the module's calls by unit, a cache */

void lp_calls_free(struct lp_calls *calls);

/* LP_RESULT_* of a result by convention: those that can be read. */
unsigned int lp_result_regs(const struct lp_abi_value *v);

/* True where the registers hold the result of the subprogram `body`: the compiler could not know
 * all callers or has not optimised, or else a caller reads each of `regs` (LP_RESULT_*) after its
 * call. Callers are found by their DW_TAG_call_site, so a function that is called in ways that
 * none of them tells of is said not to hand its result over.
 */
bool lp_result_kept(struct lp_module *m, Dwarf_Die *body, unsigned int regs);

#endif
