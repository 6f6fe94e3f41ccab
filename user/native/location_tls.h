/* SPDX-License-Identifier: GPL-2.0-only */
/* user/native/location_tls.h
 *
 * tls - where a module's thread-local variables are, by the x86-64 ABI (variant II) and glibc.
 */
#ifndef LP_NATIVE_LOCATION_TLS_H
#define LP_NATIVE_LOCATION_TLS_H

#include "native/module.h"

enum lp_tls_kind {
	LP_TLS_FIXED,  /* thread pointer + disp: the program itself */
	LP_TLS_OFFSET, /* thread pointer + *(slot) + disp: a library loaded at start */
	LP_TLS_MODULE, /* dtv[*(slot)] + disp: glibc's dynamic thread vector */
};

struct lp_tls {
	enum lp_tls_kind kind;
	uint64_t slot; /* link address of a slot that the loader fills */
	int64_t disp;
};

/* offset is from the start of the module's TLS block. -ENOENT: it can't be known. */
int lp_tls_find(struct lp_module *m, uint64_t offset, struct lp_tls *ret);

#endif
