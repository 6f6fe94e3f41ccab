// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "logpoint.skel.h"
#include "lp/python.h"
#include "probe/kernel.h"

int lp_kernel_set_runtime(struct lp_kernel *k, uint32_t id, const struct lp_py_runtime *rt,
			  struct lp_err *err)
{
	if (bpf_map_update_elem(bpf_map__fd(k->skel->maps.py_runtimes), &id, rt, BPF_ANY) < 0)
		return lp_err_set(err, errno, "cannot tell the kernel of an interpreter: %s",
				  strerror(errno));
	return 0;
}

int lp_kernel_add_runtime(struct lp_kernel *k, const struct lp_py_runtime *rt, uint32_t *ret_id,
			  struct lp_err *err)
{
	if (!k->conf.python)
		return lp_err_set(err, EINVAL, "loaded without Python");
	if (k->n_runtimes == LP_PY_RUNTIMES_MAX)
		return lp_err_set(err, ENOSPC, "more than %u interpreters at once",
				  LP_PY_RUNTIMES_MAX);
	int r = lp_kernel_set_runtime(k, k->n_runtimes, rt, err);
	if (r >= 0)
		*ret_id = k->n_runtimes++;
	return r;
}
