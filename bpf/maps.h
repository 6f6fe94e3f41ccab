/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/maps.h
 *
 * maps - what both sides see. Rooms (max_entries) are set at load by user/probe/.
 */
#ifndef LP_BPF_MAPS_H
#define LP_BPF_MAPS_H

#include "lp/python.h"
#include "state.h"

/* Set before load, constant for the verifier. */
const volatile __u32 lp_record_max = LP_RECORD_MAX;
const volatile __u32 lp_max_points = 1;
const volatile __u32 lp_max_code = 1;
const volatile __u32 lp_pidns;	     /* inode of our PID namespace; 0: the initial one */
const volatile __u32 lp_by_cgroup;   /* LP_FILTER_CGROUP; 0: by target */
const volatile __u64 lp_exe_ino;     /* processes that exec this file become targets; 0: none */
const volatile __u32 lp_exe_dev;     /* as the kernel has it: major << 20 | minor */
const volatile __u32 lp_follow;	     /* children become targets */
const volatile __u32 lp_mixed;	     /* hits in native code look at Python's frames */
const volatile __u32 lp_codes;	     /* and take along what names them */
const volatile __u32 lp_n_rings = 1; /* groups of CPUs that have one each */

/* Changed while running. */
volatile __u32 lp_sleeping;    /* the reader waits for a wake-up */
volatile __u32 lp_cost_tgid;   /* our own child, on which costs are measured; 0: none */
volatile __u32 lp_only_tgid;   /* the only target there is; 0: look into `targets` */
volatile __u32 lp_watch_twice; /* threads may have two events for one watched byte */
volatile __u32 lp_n_sites;     /* numbers given out */
volatile __u64 lp_cgroup;      /* LP_FILTER_CGROUP; 0: it does not exist now */

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

/* By process: where its C library keeps the message of abort() (__abort_msg). */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, __u64);
} crash_messages SEC(".maps");

struct lp_call {
	__u64 tid; /* both halves of it */
	__u64 sp;  /* at entry */
	__u64 pair;
};

struct lp_stashed {
	struct lp_carry carry;
	__u8 body[LP_STASH_MAX];
};
_Static_assert(__builtin_offsetof(struct lp_vm, rec) - __builtin_offsetof(struct lp_vm, carry) ==
		       __builtin_offsetof(struct lp_stashed, body),
	       "carry and the record's first bytes are stored as one");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, LP_STASH_COUNT);
	__type(key, struct lp_call);
	__type(value, struct lp_stashed);
} stash SEC(".maps");

#endif
