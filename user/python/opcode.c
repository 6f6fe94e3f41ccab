// SPDX-License-Identifier: GPL-2.0-only
#include "python/opcode.h"

const struct lp_py_opcode lp_py_opcodes[LP_PY_MINOR_MAX - LP_PY_MINOR_MIN + 1][256] = {
#include "python/opcodes.inc"
};
