/* SPDX-License-Identifier: GPL-2.0-only */
/* user/probe/kernel.h
 *
 * kernel - the loaded kernel side, for probe/ alone.
 */
#ifndef LP_PROBE_KERNEL_H
#define LP_PROBE_KERNEL_H

#include <bpf/libbpf.h>
#include <pthread.h>

#include "base/vec.h"
#include "lp/live.h"
#include "lp/python.h"
#include "probe/probe.h"
#include "probe/ring.h"

struct bpf_link;
struct bpf_map;
struct bpf_object;
struct bpf_program;
struct fault_bpf;
struct lean_bpf;
struct life_bpf;
struct logpoint_bpf;

/* A map in our own memory. */
struct lp_shared_map {
	void *data;
	size_t size;
};

/* The inode of our PID namespace; 0: the initial one. */
uint32_t lp_own_pidns(void);

/* None yet; LP_POINT_NONE is that of records about processes. */
#define LP_NO_COST_POINT (LP_POINT_NONE - 1)

/* watch.c: one watched byte, an event of the kernel's for each thread. */
struct lp_watch;
void lp_watch_free(struct lp_watch *w);

struct lp_link {
	LP_VEC(struct bpf_link *) single;
	int multi;		/* -1: none */
	struct lp_watch *watch; /* NULL: none */
};
struct lp_link *lp_link_new(void);

/* progress.c: ns for which a thread has run; 0: not known. */
uint64_t lp_thread_ran(pid_t pid, pid_t tid);
/* Has it run for so long since, or does it sleep? Who waits for a processor is where it was. */
bool lp_thread_went_on(pid_t pid, pid_t tid, uint64_t since, uint64_t ns);

/* Makes the counter of a watched byte, or LP_STEP_RUNS of a site. */
int lp_watch_note_runs(struct lp_kernel *k, uint64_t key, struct lp_err *err);
void lp_watch_forget_runs(struct lp_kernel *k, uint64_t key);
/* Sums over all CPUs. */
void lp_watch_runs(struct lp_kernel *k, uint64_t addr, struct lp_watch_runs *ret);

/* Where a site's program lies: by number of the site. */
struct lp_room {
	uint32_t code, size; /* instructions */
	bool is_free;
};

/* A Python site in its chain. */
struct lp_py_placed {
	uint32_t number;
	uint64_t addr; /* watched */
	struct lp_py_site site;
};

/* A byte in whatever processes: how often the kernel's events have fired, of those that are gone; those of
 * processors, which serve all watches that need such.
 */
struct lp_watched {
	uint64_t addr, fired;
	LP_VEC(int) processors;
	size_t users;
};

/* What sessions have, with or without the programs that few of them need. */
struct lp_native {
	struct bpf_map *code, *sites, *points, *counts, *slots, *ring, *rings, *targets, *faulted;
	struct bpf_program *probe;
	struct lp_fixed *fixed; /* before they are loaded */
	volatile struct lp_live *live;
};

/* beside.c: what another thread does while the programs of hits are loaded. */
enum lp_stage {
	LP_STAGE_TYPES,	   /* the kernel's types are there */
	LP_STAGE_ROOM,	   /* ring, rings and code are */
	LP_STAGE_MAPS,	   /* all maps are: of lean programs before these are verified */
	LP_STAGE_FORETOLD, /* parts are */
	LP_STAGE_MAPPED,   /* what is read and written by its address is mapped */
	LP_STAGE_LOADED,   /* the programs of hits are */
	LP_STAGE_SETTLED,  /* those of processes' lives are in place */
	LP_STAGE_GIVEN_UP, /* there is nothing to wait for any more */
};
struct lp_beside {
	struct lp_kernel *kernel;
	pthread_t thread;
	bool is_started;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint32_t reached;	/* stages, as bits */
	int ring[LP_RINGS_MAX]; /* one of each group of CPUs; -1: none, as of the next ones */
	int rings, code, types; /* types: lp_btf_extract()'s, to be set before that is reached */
	uint32_t parts;		/* lp_kernel_foretell_parts()'s, to be set before that is reached */
	int r;
	struct lp_err err;
};
void lp_beside_init(struct lp_beside *b, struct lp_kernel *k);
int lp_beside_begin(struct lp_beside *b, struct lp_err *err);
void lp_beside_reach(struct lp_beside *b, enum lp_stage stage);
/* false: the other has given up. */
bool lp_beside_await(struct lp_beside *b, enum lp_stage stage);
/* Parts of the machine (enum lp_vm_part) that lean programs are to have. */
uint32_t lp_beside_foretold(struct lp_beside *b);
/* Waits until all that a session needs is done. */
int lp_beside_settle(struct lp_beside *b, struct lp_err *err);
/* Waits until all is. */
int lp_beside_end(struct lp_beside *b, struct lp_err *err);
void lp_beside_done(struct lp_beside *b);

/* fault.c: programs for what fails on the way to a probe. */
struct lp_faults {
	pthread_t thread; /* loads them, as was foretold */
	bool is_foretold, is_loaded, is_tried;
	struct lp_err err;	   /* why there are none; code is 0 where there are */
	struct fault_bpf *lean;	   /* beside lean programs; NULL: none */
	struct logpoint_bpf *full; /* beside others */
	struct bpf_link *deliver, *returns;
	struct lp_shared_map windows;
};

/* Numbers among all of the kernel's types; 0: there is none. */
struct lp_btf_numbers {
	uint32_t function;  /* the one that was asked for */
	uint32_t registers; /* struct pt_regs */
};

struct lp_kernel {
	struct lp_kernel_conf conf;
	struct lean_bpf *lean;	    /* NULL: all is in skel */
	struct logpoint_bpf *skel;  /* all programs; NULL: none of the others was needed */
	struct logpoint_bpf *crash; /* crash.c; NULL: none */
	struct life_bpf *life;
	struct lp_faults faults;
	struct lp_beside beside;
	struct lp_btf_numbers numbers;
	struct lp_native native;
	uint32_t parts; /* of the machine, that are loaded */
	bool multi;	/* uprobe_multi links */
	uint32_t cpus;
	uint32_t n_points, n_code;
	uint32_t n_free; /* of rooms */
	struct lp_shared_map code, sites, points, counts;
	struct lp_ring rings[LP_RINGS_MAX]; /* conf.n_rings */
	uint32_t cost_point;		    /* of lp_costs_measure() */
	LP_VEC(pid_t) targets;
	LP_VEC(struct lp_watch *) watches;  /* that are in place */
	uint64_t watch_near[LP_WATCH_NEAR]; /* whose each of them is */
	uint64_t watch_events;		    /* how many there were: the number of the last */
	LP_VEC(struct lp_watched) watched;
	LP_VEC(struct lp_room) rooms;
	LP_VEC(uint8_t) watch_bytes;	/* of runtimes, by number */
	LP_VEC(uint32_t) free_runtimes; /* numbers */
	LP_VEC(struct lp_py_wanted_key) wanted;
	LP_VEC(struct lp_py_placed) placed; /* the latest last */
};

/* runtime: its number + 1; 0: none is known here, what the kernel side knows stays. */
int lp_kernel_set_target(struct lp_kernel *k, pid_t tgid, uint32_t runtime, struct lp_err *err);

/* room.c: a number for a site, with room for n instructions. -ENOSPC. */
int lp_room_take(struct lp_kernel *k, size_t n, uint32_t *ret_site, struct lp_err *err);

/* crash.c */
int lp_crash_load(struct lp_kernel *k, int types, struct lp_err *err);

/* fault.c */
void lp_fault_free(struct lp_kernel *k);

/* The programs, those of processes' lives attached; those that few need once a site does. */
bool lp_programs_are_lean(const struct lp_kernel *k); /* as far as they are loaded at first */
int lp_programs_load(struct lp_kernel *k, struct lp_err *err);
int lp_programs_grow(struct lp_kernel *k, struct lp_err *err);
void lp_programs_free(struct lp_kernel *k);
/* Those of hits. */
struct bpf_object *lp_programs_object(const struct lp_kernel *k);
/* life.c: opened by another thread, loaded and attached once the others are, with their maps. */
int lp_life_open(struct lp_kernel *k, int types, struct lp_err *err);
int lp_life_load(struct lp_kernel *k, struct lp_err *err);
void lp_life_free(struct lp_kernel *k);
int lp_life_hold_fd(const struct lp_kernel *k);
struct bpf_program *lp_life_loader(const struct lp_kernel *k);
/* kernel.c: maps and rings that are used by their addresses. */
int lp_kernel_map(struct lp_kernel *k, struct lp_err *err);
/* What both have, but for constants, is one. */
int lp_share_maps(struct bpf_object *to, const struct bpf_object *from, struct lp_err *err);

/* The programs before they are loaded. types: the kernel's (lp_btf_extract()), open until they are, or -1. */
struct logpoint_bpf *lp_skeleton_open(int types);
struct lp_open_opts {
	char path[32];
	struct bpf_object_open_opts opts;
};
const struct bpf_object_open_opts *lp_open_opts(struct lp_open_opts *o, int types);
/* Only those that are used: each takes its time to be loaded. */
void lp_program_use(const struct lp_kernel *k, struct bpf_program *p, bool is_used, bool is_uprobe);
int lp_err_load(struct lp_err *err, int r);
int lp_opened(const void *skeleton, struct lp_err *err); /* NULL: errno says why */
/* A second copy of the programs in which nothing sleeps, with the maps of the first: those whose names begin so.
 * *ret is to be destroyed also where it fails.
 */
int lp_awake_load(struct lp_kernel *k, const char *prefix, int types, struct logpoint_bpf **ret,
		  struct lp_err *err);
/* what: that is not permitted, in words. */
int lp_attach_tracepoint(struct bpf_program *prog, const char *what, struct bpf_link **ret,
			 struct lp_err *err);

/* The condition that a program begins with, where it has the usual form; else untouched. */
void lp_quick_of(const struct lp_insn *code, size_t n, uint64_t vaddr, struct lp_quick *ret);

/* A descriptor of the running kernel's types, those of bpf/core.h alone, as BTF. < 0: not to be had
 * this way; libbpf can find them, too. function: of the kernel's, whose number is wanted; NULL: none is.
 */
int lp_btf_extract(const char *function, struct lp_btf_numbers *ret);

/* direct.c: the function of the kernel's that bpf/mapping.h calls; NULL: it won't. */
const char *lp_direct_begin(void);
/* Its number, before programs are opened. */
void lp_direct_found(const struct lp_btf_numbers *numbers);
/* What bpf/mapping.h wants to be told; a type of 0: there is no such function. */
void lp_direct_tell(uint32_t *ret_type, uint32_t *ret_five_levels);
/* Names it where it is called. */
struct bpf_insn;
void lp_direct_name(struct bpf_insn *insns, size_t n);

/* prepare.c: what is done to programs at their load. Before they are opened, by whatever thread. */
void lp_prepare_begin(void);
/* Loads it: its constants are so from here on. */
struct bpf_object_skeleton;
int lp_prepared_load(struct bpf_object *obj, struct bpf_object_skeleton *s);

/* mapping.c: tells the programs where the kernel has mapped all memory, if that can be found. */
void lp_mapping_find(const struct lp_kernel *k);

/* BPF_TRACE_UPROBE_MULTI; libbpf 1.1 does not know it. */
#define LP_UPROBE_MULTI 48

/* Probes of one file by one link: its descriptor, or -errno. semaphores may be NULL. */
int lp_multi_link(int prog_fd, const char *path, size_t n, const uint64_t *offsets,
		  const uint64_t *semaphores, const uint64_t *cookies, bool is_return, pid_t pid);

/* A program that does nothing, to see what the kernel allows: its descriptor, or -errno. */
int lp_load_nothing(uint32_t flags, uint32_t attach_type);

/* Nothing that the running kernel lacks is guessed: each asks it. */
bool lp_have_bpf(void);
bool lp_have_uprobe_multi(char *ret_why, size_t size);
bool lp_have_may_goto(void);
bool lp_have_capability(int number);

/* holders.c: in words, who has watchpoints of that process, but for `own` of ours; "" where nobody is
 * found.
 */
void lp_watch_holders(pid_t pid, char *ret, size_t size);

/* Where code of our own executable lies in LP_OWN_EXE. */
#define LP_OWN_EXE "/proc/self/exe"
int lp_own_offset(const void *code, uint64_t *ret);

/* What is not permitted, and what would help: for -EPERM and -EACCES of a BPF or perf call. */
int lp_err_permission(struct lp_err *err, int r, const char *what);

#endif
