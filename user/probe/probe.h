/* SPDX-License-Identifier: GPL-2.0-only */
/* user/probe/probe.h
 *
 * probe - the kernel side, loaded: maps, programs, attachments, the ring. The sole home of libbpf.
 * Everything is held by descriptors only, so the kernel removes it all when we die.
 *
 * Order of use: lp_kernel_new(); points and sites; targets; lp_kernel_attach(); then drain.
 * Points and sites can be added while others run.
 */
#ifndef LP_PROBE_H
#define LP_PROBE_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/machine.h"
#include "lp/program.h"
#include "lp/record.h"

struct lp_kernel;

enum lp_filter {
	LP_FILTER_TARGETS, /* processes in the target set */
	LP_FILTER_CGROUP,  /* processes in the cgroup or below */
};

struct lp_kernel_conf {
	enum lp_filter filter;
	uint64_t cgroup_id;	   /* inode number of its cgroup2 directory; 0: not there now */
	bool follow;		   /* children forked by targets become targets */
	uint64_t exe_dev, exe_ino; /* processes that exec this file become targets; 0: none */
	uint32_t max_points, max_sites, max_code; /* room; what is needed now plus what may come */
	uint32_t max_targets;			  /* 0: LP_TARGETS_MAX */
	uint32_t n_rings;    /* CPUs share them, number modulo this; 0: four CPUs to each */
	uint32_t ring_size;  /* bytes of all together, a power of two; 0: the default */
	uint32_t record_max; /* bytes of one record; 0: LP_RECORD_MAX */
	bool no_calls; /* there will be no LP_SITE_ENTER: no room is made for calls in progress */
	bool single_links; /* attach one by one even where the kernel can do many at once */
	bool lean; /* what most sites need is enough; others can be added, which takes longer then */
	bool foretold; /* lp_kernel_foretell_parts() will be called: it is waited for, but not long */
	bool no_native; /* there will be none but Python sites */
	/* What tells of processes' forks, execs, ends and libraries comes with lp_kernel_settle(), some ms
	 * after the rest: for processes that are known, whose ends are told elsewhere, too.
	 */
	bool lives_later;
	/* What Python sites need: watchpoints, probes in the evaluation loop, where exceptions are raised,
	 * where nobody has caught them.
	 */
	bool python_watch, python_steps, python_traps, python_hooks;
	bool python_stack;   /* hits in native code bring the Python frames of their thread */
	bool crash;	     /* lp_kernel_add_crash() will be called */
	bool covers;	     /* lp_kernel_cover() may be called */
	bool holds;	     /* lp_kernel_set_hold() may be called */
	uint64_t python_ops; /* LP_PY_USE(): those that their programs have; 0: all */
};

/* -EPERM, -EACCES: the message names the missing capability or setting. */
int lp_kernel_new(const struct lp_kernel_conf *conf, struct lp_kernel **ret, struct lp_err *err);
/* The same in two steps, of which the second takes long and can be another thread's. Meanwhile what is
 * probably needed can be foretold, else nothing.
 */
int lp_kernel_make(const struct lp_kernel_conf *conf, struct lp_kernel **ret, struct lp_err *err);
int lp_kernel_load(struct lp_kernel *k, struct lp_err *err);
/* Before anything is asked for that has to do with processes' lives. */
int lp_kernel_settle(struct lp_kernel *k, struct lp_err *err);
void lp_kernel_free(struct lp_kernel *k);
LP_CLEANUP(struct lp_kernel *, lp_kernel_free)

/* -ENOSPC when the room is used up. */
int lp_kernel_add_point(struct lp_kernel *k, const struct lp_point *p, uint32_t *ret_id,
			struct lp_err *err);
/* Writes the code, then the site. `pair`: see struct lp_site; LP_SITE_PLAIN ignores it. */
int lp_kernel_add_site(struct lp_kernel *k, uint32_t point, enum lp_site_kind kind, uint64_t vaddr,
		       uint32_t pair, const struct lp_insn *code, size_t n, uint32_t *ret_id,
		       struct lp_err *err);

/* The probe is elsewhere than at the site's vaddr: what is added to the instruction pointer and to the
 * stack pointer there makes them what they are at vaddr. Before it is attached.
 */
void lp_kernel_shift_site(struct lp_kernel *k, uint32_t site, int16_t ip, int16_t sp);

/* It is attached no more, and no record of it is to come: its number can be another's. */
void lp_kernel_free_site(struct lp_kernel *k, uint32_t site);

/* Python: an interpreter of a process and of the children that it forks; then sites of it. The number
 * of a runtime is what lp_py_site.runtime and lp_kernel_add_python_target() want.
 */
struct lp_py_runtime;
struct lp_py_site;
struct lp_link;
int lp_kernel_add_runtime(struct lp_kernel *k, const struct lp_py_runtime *rt, uint32_t *ret_id,
			  struct lp_err *err);
/* No target has it any more: its number can be another's. */
void lp_kernel_drop_runtime(struct lp_kernel *k, uint32_t id);
/* An instruction that reads code units to execute them, by what the instruction pointer is then: where
 * there are watchpoints, nothing else is a hit.
 */
struct lp_py_fetch;
int lp_kernel_add_fetch(struct lp_kernel *k, uint32_t runtime, uint64_t ip,
			const struct lp_py_fetch *fetch, struct lp_err *err);
/* What has changed since: asyncio was imported, say. */
int lp_kernel_set_runtime(struct lp_kernel *k, uint32_t id, const struct lp_py_runtime *rt,
			  struct lp_err *err);
int lp_kernel_add_python_site(struct lp_kernel *k, uint32_t point, enum lp_site_kind kind,
			      const struct lp_py_site *py, uint32_t pair,
			      const struct lp_insn *code, size_t n, uint32_t *ret_id,
			      struct lp_err *err);
/* No hit goes to it any more; its records may still be in the ring. */
void lp_kernel_drop_python_site(struct lp_kernel *k, uint32_t site);
/* Its number and its program's room are for others; not before its last record was read. */
void lp_kernel_free_site(struct lp_kernel *k, uint32_t site);
/* Sites of exceptions (LP_PY_SITE_TRAP) want a class whose name has that hash (0: every class), the site
 * whose bit it is; or nobody does, unless by name: is_flow.
 */
int lp_kernel_want_class(struct lp_kernel *k, uint32_t runtime, uint64_t hash, uint64_t sites,
			 bool is_flow, struct lp_err *err);
/* Loaded with one of conf.python_*; with which. */
bool lp_kernel_has_python(const struct lp_kernel *k);
bool lp_kernel_has_watch(const struct lp_kernel *k);
bool lp_kernel_has_steps(const struct lp_kernel *k);
/* A name whose value is never copied, by its hash (lp_py_name_hash()). */
int lp_kernel_hide_name(struct lp_kernel *k, uint64_t hash, struct lp_err *err);
int lp_kernel_add_python_target(struct lp_kernel *k, pid_t tgid, uint32_t runtime,
				struct lp_err *err);
/* Has the target an interpreter: that of lp_kernel_add_python_target(), or the one it was forked with? */
bool lp_kernel_knows_python(const struct lp_kernel *k, pid_t tgid);

/* A hardware watchpoint on the byte at addr, in every thread of the process, later ones and (where
 * the kernel follows) forked children included. Hits go to the Python site of that address.
 * -ENOSPC: all watchpoints of the processor are taken in a thread; the message says by whom.
 */
int lp_kernel_watch(struct lp_kernel *k, pid_t pid, uint64_t addr, struct lp_link **ret,
		    struct lp_err *err);
/* So many threads started meanwhile that some of them may not be watched. */
bool lp_link_may_miss(const struct lp_link *l);
/* Each thread gets an event of its own, whether or not it has inherited one. */
int lp_link_cover_threads(struct lp_link *l, struct lp_err *err);
/* Hits of that byte that no program saw; exact once the links of its watchpoints are gone. */
uint64_t lp_kernel_unseen(struct lp_kernel *k, uint64_t addr);
/* Nothing of it is asked any more, unless it is watched in another process. */
void lp_kernel_forget_byte(struct lp_kernel *k, uint64_t addr);
/* Virtual machines may take watchpoints and never bring a hit: tried on a byte of our own. */
bool lp_watch_fires(void);
/* How many watchpoints a thread can have here, and how many more every thread of a process can. */
uint32_t lp_watch_slots(void);
uint32_t lp_watch_free_slots(pid_t pid);
uint32_t lp_watch_free_slots_of(pid_t tid); /* 0: ours; not fewer than there are: it has ended */

/* Tells by LP_REC_CODE that the interpreter has made a code object. offset: file offset of the
 * constructor.
 */
int lp_kernel_watch_code(struct lp_kernel *k, const char *path, uint64_t offset, pid_t pid,
			 struct lp_link **ret, struct lp_err *err);

int lp_kernel_add_target(struct lp_kernel *k, pid_t tgid, struct lp_err *err);
int lp_kernel_remove_target(struct lp_kernel *k, pid_t tgid);

/* Where our own command is to stop (lp/hold.h; tgid 0: nowhere any more), and how often it has. */
struct lp_hold;
void lp_kernel_set_hold(struct lp_kernel *k, const struct lp_hold *hold);
uint32_t lp_kernel_held(const struct lp_kernel *k);

/* The cgroup was made again, under the same name; 0: it is gone. LP_FILTER_CGROUP only. */
void lp_kernel_set_cgroup(struct lp_kernel *k, uint64_t id);

/* Many sites of one file with one call where the kernel can (uprobe_multi), else one by one.
 * All of them or none. path must lead to the very file now ("/proc/PID/map_files/...",
 * "/proc/self/fd/N").
 */
struct lp_attach {
	const char *path;
	bool is_return;	 /* return probes */
	pid_t pid;	 /* only this process; 0: every process that maps the file */
	bool not_mapped; /* by pid, yet: what the kernel refuses is found out on ourselves */
	size_t n;
	const uint64_t *offsets;    /* file offsets */
	const uint64_t *semaphores; /* file offsets or 0 each; NULL: none */
	const uint32_t *sites;
};

/* Of a `call` or `return` attach the ENTER half first and free it last: a return whose entry was
 * not seen is a lost hit, an entry whose return is not seen is none.
 */
int lp_kernel_attach(struct lp_kernel *k, const struct lp_attach *a, struct lp_link **ret,
		     struct lp_err *err);
/* Of Python sites, where no watchpoint is to be had: at machine code of the evaluation loop, which
 * every instruction of a kind runs into (python/step.h). `sites` as above, and how often it did.
 */
int lp_kernel_attach_steps(struct lp_kernel *k, const struct lp_attach *a, struct lp_link **ret,
			   struct lp_err *err);
uint64_t lp_kernel_step_runs(struct lp_kernel *k, uint32_t site);
/* At functions of an interpreter through which exceptions go: `sites` are enum lp_py_trap. */
int lp_kernel_attach_traps(struct lp_kernel *k, const struct lp_attach *a, struct lp_link **ret,
			   struct lp_err *err);
/* Where nobody has caught them; each needs its hook, of every runtime, to be known before. */
int lp_kernel_attach_hooks(struct lp_kernel *k, const struct lp_attach *a, struct lp_link **ret,
			   struct lp_err *err);
int lp_kernel_set_hook(struct lp_kernel *k, uint32_t runtime, uint32_t trap,
		       const struct lp_py_hook *hook, struct lp_err *err);
/* How often one was run into. */
uint64_t lp_kernel_trap_runs(struct lp_kernel *k, uint32_t trap);
void lp_link_free(struct lp_link *l); /* detaches */
LP_CLEANUP(struct lp_link *, lp_link_free)
/* Before they are freed, all probes of all of them: for each the kernel waits until no hit is under way, some 40 ms.
 * Watchpoints stay.
 */
void lp_links_detach(struct lp_link **links, size_t n);

/* Hits of a site (LP_SITE_PLAIN) when one of the signals (LP_SIGNAL_BIT()) ends a target. Loaded with
 * conf.crash. -ENOSPC: there are LP_CRASHES_MAX.
 */
int lp_kernel_add_crash(struct lp_kernel *k, uint32_t site, uint64_t signals, struct lp_err *err);
void lp_kernel_drop_crash(struct lp_kernel *k, uint32_t site);
/* All of them; exact counts then. */
void lp_kernel_detach_crashes(struct lp_kernel *k);
/* Where the C library of the process keeps what abort() has to say: a pointer to it; addr 0: nowhere. */
void lp_kernel_set_crash_message(struct lp_kernel *k, pid_t tgid, uint64_t addr);

/* What a site asks for (enum lp_vm_part). */
uint32_t lp_parts_of(enum lp_site_kind kind, const struct lp_insn *code, size_t n);
/* What the sites that will be added ask for, as far as they are known: while that is loaded, by another thread.
 * Others take a load of their own.
 */
void lp_kernel_foretell_parts(struct lp_kernel *k, uint32_t parts);

/* Hits of sites whose probes are behind instructions that can fail (native/shift.h), at those that do.
 * Loads what that takes once, before the first such site: a few ms. lean: all of them are so. Where it
 * returns an error, there can be no such site. -ENOTSUP: only lean ones.
 */
int lp_kernel_cover(struct lp_kernel *k, bool lean, struct lp_err *err);
/* That will probably be called, once what is being loaded is. */
void lp_kernel_foretell_cover(struct lp_kernel *k, bool lean);
/* window: all but the site. Before the site is attached. -ENOSPC: there are LP_WINDOWS_MAX. */
uint32_t lp_kernel_device(dev_t dev); /* as the kernel has it */
struct lp_fault_window;
int lp_kernel_cover_site(struct lp_kernel *k, uint32_t site, const struct lp_fault_window *window,
			 struct lp_err *err);
void lp_kernel_uncover_site(struct lp_kernel *k, uint32_t site);
/* All of them, once their probes are gone: exact counts then. */
void lp_kernel_detach_covers(struct lp_kernel *k);

/* Tells by LP_REC_MAPS when a target loads a library: an (unlogged) probe at the dynamic linker's
 * notification. offset: file offset of _dl_debug_state in that file.
 */
int lp_kernel_watch_loader(struct lp_kernel *k, const char *path, uint64_t offset, pid_t pid,
			   struct lp_link **ret, struct lp_err *err);

/* Sums over all CPUs; exact once the logpoint's links are gone. */
int lp_kernel_counts(struct lp_kernel *k, uint32_t point, struct lp_counts *ret,
		     struct lp_err *err);

/* The rings, read in place: fn gets each record as it lies there, nearly in the order of time. fn < 0 stops
 * and is returned. Returns how many records were read. now: CLOCK_MONOTONIC, before the call. *ret_until:
 * all that was written before has been read; it is earlier than now while a writer waits in the middle of
 * a record.
 */
int lp_kernel_drain(struct lp_kernel *k, uint64_t now,
		    int (*fn)(const void *record, size_t len, void *arg), void *arg,
		    uint64_t *ret_until);

/* The descriptor becomes readable when a record comes after lp_kernel_sleep() returned true;
 * false: there are records already. While awake, the reader drains by a timer of its own and the
 * target pays no wake-up.
 */
int lp_kernel_fd(struct lp_kernel *k);
bool lp_kernel_sleep(struct lp_kernel *k);
void lp_kernel_awake(struct lp_kernel *k);

/* What this kernel and these privileges allow; each probed, never guessed from a version. */
struct lp_feature {
	const char *name;  /* "uprobe_multi" */
	const char *what;  /* "attach many places with one call" */
	bool have, needed; /* needed: nothing works without it */
	char detail[160];  /* why not, and what to do about it */
};
size_t lp_features(struct lp_feature *ret, size_t max);

/* Nanoseconds a hit with three values costs the target on this machine, measured on a child process
 * of our own: some ms, and what the kernel takes to attach and detach (tens of ms). Once a session.
 */
struct lp_costs {
	uint64_t emulated; /* nop, push, jmp, call: handled by the kernel without a second trap */
	uint64_t stepped;  /* everything else */
	uint64_t returned; /* a return probe, its entry included */
	uint64_t watched; /* a hardware watchpoint, without what is done with it; 0: not measured */
};
int lp_costs_measure(struct lp_kernel *k, struct lp_costs *ret, struct lp_err *err);

/* Which forms of instructions the kernel emulates at a probe: LP_FORM_BIT(). A thread finds out, which
 * takes some ms, meanwhile other things can be done. -EIO: it could not; -ETIMEDOUT.
 */
struct lp_emulated {
	pthread_t thread;
	bool is_asked;
	sem_t answered;
	uint32_t found; /* 0: it could not be told */
};
int lp_emulated_begin(struct lp_emulated *e, struct lp_err *err);
int lp_emulated_end(struct lp_emulated *e, uint32_t *ret, struct lp_err *err);
void lp_emulated_done(struct lp_emulated *e);

#endif
