/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/python_maps.h
 *
 * python_maps - what both sides see of Python. Rooms are made where there is Python.
 */
#ifndef LP_BPF_PYTHON_MAPS_H
#define LP_BPF_PYTHON_MAPS_H

#include "lp/python.h"
#include "maps.h"

const volatile __u32 lp_mixed;	 /* hits in native code look at Python's frames */
const volatile __u32 lp_codes;	 /* and take along what names them */
const volatile __u32 lp_goes_on; /* the kernel has what lp_may_go_on() asks for */

/* Interpreters, by number; user/probe/ makes room where there is Python. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lp_py_runtime);
} py_runtimes SEC(".maps");

/* The Python halves of sites, by site. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lp_py_site);
} py_sites SEC(".maps");

/* The first site at a watched byte. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct lp_py_place_key);
	__type(value, __u32);
} py_places SEC(".maps");

/* Code objects that have sites, by address and runtime. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct lp_py_place_key);
	__type(value, __u8);
} py_codes SEC(".maps");

/* mixed.h, python_locals.h, python_codes.h: not verified where nothing asks for them */
lp_global int lp_mixed_stack(struct lp_vm *vm, __u32 max);
lp_global int lp_pyvm_cap_locals(struct lp_vm *vm, __u64 imm, __u32 first);
lp_global int lp_pyvm_cap_codes(struct lp_vm *vm, __u64 imm);
#define lp_cap_mixed(vm, in, op)                                                                   \
	do {                                                                                       \
		if (lp_mixed && (op) == LP_OP_CAP_PYSTACK) {                                       \
			lp_mixed_stack((vm), (in)->n);                                             \
		} else if (lp_mixed) {                                                             \
			if (lp_codes)                                                              \
				lp_pyvm_cap_codes((vm), (in)->imm);                                \
			lp_pyvm_cap_locals((vm), (in)->imm, (in)->n);                              \
		}                                                                                  \
	} while (0)

#endif
