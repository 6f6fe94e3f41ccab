/* SPDX-License-Identifier: GPL-2.0-only */
/* user/python/inlined.h
 *
 * inlined - variables of comprehensions, which from 3.12 on are locals of the function around (PEP 709).
 */
#ifndef LP_PYTHON_INLINED_H
#define LP_PYTHON_INLINED_H

#include "python/flow.h"

/* Does the local of that number belong to comprehensions alone, of which none is at that unit? There the
 * name is a global one.
 */
bool lp_py_inlined_elsewhere(const struct lp_py_flow *f, uint32_t local, uint32_t unit);

#endif
