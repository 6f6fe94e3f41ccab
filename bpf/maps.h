/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/maps.h
 *
 * maps - what both sides see. Rooms (max_entries) are set at load by user/probe/.
 */
#ifndef LP_BPF_MAPS_H
#define LP_BPF_MAPS_H

#include "lp/fault.h"
#include "lp/live.h"
#include "state.h"

/* In a map of its own: all programs of a session share it, wherever they were loaded from. */
volatile struct lp_live lp_live SEC(".data.live") = { 0 };

const volatile struct lp_fixed lp_fixed = {
	.record_max = LP_RECORD_MAX,
	.max_points = 1,
	.max_code = 1,
	.n_rings = 1,
};
#define lp_record_max lp_fixed.record_max
#define lp_pidns      lp_fixed.pidns

/* All instructions are one value: looked up once a hit. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct lp_insn));
} code SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lp_site);
} sites SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lp_point);
} points SEC(".maps");

/* slot * lp_max_points + point */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lp_counts);
} counts SEC(".maps");

/* cpu * LP_SLOTS_PER_CPU + n */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LP_SLOTS_PER_CPU);
	__type(key, __u32);
	__type(value, struct lp_vm);
} slots SEC(".maps");

struct lp_ring_map {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, LP_PAGE);
};

/* That of the first group, and what wakes the reader. */
struct lp_ring_map ring SEC(".maps");

/* Those of all, where there are several. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct lp_ring_map);
} rings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, __u32); /* number of its lp_py_runtime + 1; 0: no Python */
} targets SEC(".maps");

/* Executions that have had their hit before the probe. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct lp_faulted_key);
	__type(value, struct lp_faulted);
} faulted SEC(".maps");

#endif
