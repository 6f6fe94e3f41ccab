/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/decoder.h
 *
 * decoder - capstone's handles, for who decodes a few instructions again and again: a handle makes its
 * tables when it first decodes, which takes longer than the rest. They are kept for the process.
 */
#ifndef LP_NATIVE_DECODER_H
#define LP_NATIVE_DECODER_H

#include <capstone/capstone.h>
#include <stdbool.h>
#include <stdint.h>

/* Of a processor, EM_...; nobody else decodes by it until it is given back. detail: operands and what
 * is read and written are told, too. -ENOTSUP: another processor's; -ENOMEM.
 */
int lp_decoder_take(uint16_t machine, bool detail, csh *ret);
void lp_decoder_give(void);

#endif
