/* SPDX-License-Identifier: GPL-2.0-only */
/* user/session/internal.h
 *
 * internal - what the files of session/ share. A *point* is one logpoint; a *spot* is one place
 * of it, with its code; a *stop* is one probed address of a spot (a return has two); a *batch* is
 * the stops that one link of the kernel holds.
 */
#ifndef LP_SESSION_INTERNAL_H
#define LP_SESSION_INTERNAL_H

#include <signal.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/time.h"
#include "collect/collect.h"
#include "native/shift.h"
#include "native/unwind.h"
#include "probe/count.h"
#include "probe/probe.h"
#include "python/fetch.h"
#include "python/hooks.h"
#include "python/python.h"
#include "python/step.h"
#include "python/value.h"
#include "session/inventory.h"
#include "session/session.h"
#include "session/summary.h"

/* Up to so many logpoints each has links of its own, so that one can be taken out alone. */
#define LP_OWN_LINKS_MAX 64

enum point_state {
	POINT_PENDING, /* no module has its location yet */
	POINT_ARMED,
	POINT_OUT, /* taken out for good: max, budget */
};

#define BUDGET_TICKS 10 /* of BUDGET_TICK: one second */
#define BUDGET_TICK  (100 * LP_NS_PER_MS)

struct point {
	struct lp_logpoint *lp;
	uint32_t id;
	bool added;	/* the kernel side knows it by id */
	bool postponed; /* libraries are to be looked at, once the executable's places are armed */
	enum point_state state;
	LP_VEC(struct spot *) spots;
	LP_VEC(struct spot *) dead; /* Python: their code is gone, records of them may still come */
	struct lp_err missing;	    /* what is said while no module has it */
	uint64_t unshown;
	bool retired;			  /* its `max` is reached: its probes are to go */
	bool writes_last;		  /* with opts->last: its hits write what is kept */
	uint64_t unseen;		  /* of spots that are gone */
	uint64_t runs;			  /* of probes in evaluation loops that are gone */
	uint64_t ticks[BUDGET_TICKS + 1]; /* hits at the last ticks, newest at `tick` */
	size_t tick, n_ticks;
	uint32_t cost_classes; /* bits of enum cost_class */
	bool has_trap_bit;
	uint32_t trap_bit; /* of a logpoint on exceptions: which it is of its sites' wishes */
	bool price_due;	   /* what its probes in the evaluation loop cost is not said yet */
};

enum cost_class { COST_EMULATED, COST_STEPPED, COST_RETURNED, COST_WATCHED };

/* The interpreter of a process. That of a forked child is its parent's, at the same addresses, until
 * code that only the child has is looked at.
 */
struct interp {
	pid_t pid;
	struct lp_python *py;  /* NULL: not opened */
	struct interp *origin; /* the one it was forked from; NULL: none */
	struct lp_err refused; /* code is 0 where it can be logged */
	bool known;	       /* the kernel side knows it by `runtime` */
	uint64_t opened_at;
	uint64_t armed_at; /* its latest places; what it forked before may lack them */
	bool gone;	   /* its process has ended, or runs another program */
	uint64_t gone_at;  /* no record of it is later */
	uint32_t runtime;
	/* which instructions of its loop read code units; code is 0 where that is known */
	struct lp_py_fetches fetches;
	struct lp_err unwatchable;
	struct lp_py_hooks hooks; /* where nobody has caught an exception: found up to now */
	struct lp_py_info info;	  /* the collector's view */
};

/* A code unit and how it is hit: by a watchpoint (struct watch), else by probes in the evaluation loop. */
struct py_half {
	struct lp_py_place place;
	bool has_site; /* the kernel side knows it */
	bool watched;
	bool by_step;		  /* it has no watchpoint */
	struct lp_err no_watch;	  /* why; code is 0 where none ever hits here */
	struct lp_py_steps steps; /* where it can be probed; none: not looked for yet */
	const struct lp_py_step *chosen;
	struct lp_link *step; /* NULL: none */
};

/* An instruction of the evaluation loop of a file that was counted. */
struct step_kind {
	const struct lp_file *file;
	uint8_t op;
	uint64_t rate; /* runs a second */
};

/* A probe at a function of an interpreter's file, for all spots that it leads to. */
struct trap_key {
	struct lp_file *file;
	uint64_t offset;
	uint32_t trap; /* enum lp_py_trap */
};

/* The Python half of a spot. Those of one function share the entry's site, which is the first's. */
struct py_spot {
	struct interp *in;
	struct py_half here, entry;
	bool has_entry, owns_entry;
	LP_VEC(struct trap_key) traps; /* of a logpoint on exceptions: the probes that it uses */
};

struct trap {
	struct trap_key key;
	struct lp_link *link;
	size_t users;
};

/* Where the probe of a native place is: an instruction that is equivalent, and cheaper (shift.h). */
struct probe {
	bool chosen;
	bool covered;	 /* what can fail on the way there has its hit where it does */
	bool has_window; /* the kernel side knows of it */
	bool safe;	 /* nothing that is passed can fail: that can't be covered */
	struct lp_shift at;
	uint64_t offset; /* in the file */
};

struct spot {
	struct point *point;
	struct lp_file *file;
	struct lp_place place;
	struct probe probe;
	struct py_spot *py; /* NULL: native, else file and place are not in use */
	bool is_crash;	    /* nor are they: it is where a process ends */
	struct lp_compiled *code;
	struct lp_site_info info; /* the collector's view of `site` */
	uint32_t site, enter_site;
	uint32_t pair;	/* of both halves, Python */
	uint64_t since; /* Python: what is in memory was read after that */
	uint64_t died;	/* of those in point.dead */
};

struct stop {
	struct spot *spot;
	bool is_return;
	uint32_t site;
};

struct batch {
	struct lp_link *link;
	struct lp_file *file;
	bool is_return;
	LP_VEC(struct stop) stops;
};

/* One watched byte of a process, for all spots that are there. */
struct watch {
	struct interp *in;
	uint64_t addr;
	struct lp_link *link;
	size_t users;
};

enum finish { FINISH_NOT, FINISH_LIMIT, FINISH_SIGNAL, FINISH_ENDED, FINISH_PIPE };

/* recorder.c: what is kept is being handed on. */
struct recorder {
	bool busy;		   /* then what comes stands in line */
	bool dumps;		   /* else those in line have their turn */
	const struct point *cause; /* of the dump; NULL: it was asked for, or it is the end */
	uint64_t n;		   /* of its records */
};

struct lp_session {
	const struct lp_session_opts *opts;
	const struct lp_session_ops *ops;
	void *arg;
	uint64_t began; /* CLOCK_MONOTONIC, ns */

	struct lp_inventory inv;
	struct load *load; /* load.c: under way */
	struct lp_kernel *kernel;
	struct lp_collect *collect;
	struct lp_unwinder *unwinder;
	struct lp_arena frames; /* of the latest unwinding */
	LP_VEC(struct point *) points;
	LP_VEC(struct batch *) batches;
	LP_VEC(struct lp_link *) loaders;
	LP_VEC(struct lp_file *) watched; /* of loaders */
	uint32_t pairs;			  /* given out */
	LP_VEC(struct interp *) interps;
	LP_VEC(struct watch *) watches;
	bool more_to_arm;     /* of what is postponed */
	bool any_retired;     /* of points that are not out yet */
	size_t n_unpostponed; /* points whose libraries were looked at, or need not be */
	uint64_t armed_at;    /* what was found first, and makers of code, are watched since */
	pid_t forked;	      /* by a target since then; 0: none */
	pid_t forked_by;
	uint64_t forked_at;
	bool any_dead;			 /* in points' dead */
	bool told_of_steps;		 /* that no watchpoint ever hits on this machine */
	struct step_count *counting;	 /* python_count.c: under way */
	LP_VEC(struct step_kind) kinds;	 /* that were counted */
	LP_VEC(struct lp_link *) makers; /* of code objects */
	LP_VEC(struct lp_file *) made;	 /* files that have one */
	LP_VEC(struct trap) traps;
	uint32_t n_trap_bits;  /* given out */
	uint64_t next_refresh; /* of interpreters; 0: nothing has come */
	pid_t bound_pid;       /* links are for this process alone; 0: the kernel side filters */
	bool dynamic;	       /* libraries or processes can come later */
	char cgroup[PATH_MAX]; /* its directory; "": the target is none */
	uint64_t cgroup_id;    /* 0: it is not there now */
	int cgroup_fd;	       /* inotify */
	struct lp_file *exe;   /* LP_TARGET_EXE, LP_TARGET_COMMAND */

	pid_t child;	/* LP_TARGET_COMMAND */
	bool is_script; /* it has a line that names its interpreter */
	int go_fd;	/* a byte lets the child run; closing it ends the child */
	int child_status;
	bool child_done;
	uint32_t released; /* of the times that it was held */

	int epoll_fd, signal_fd;
	sigset_t old_signals;
	bool signals_blocked;
	bool interrupted;  /* once already */
	uint64_t deadline; /* of --duration; 0: none */
	uint64_t next_scan, next_tick, last_record;
	uint64_t flushed; /* records up to then are handed on */
	struct lp_emulated emulated;
	uint32_t forms; /* that the kernel emulates: LP_FORM_BIT() */
	size_t n_covered;
	bool have_forms;
	struct lp_costs costs;
	bool have_costs;
	uint64_t shown;
	enum finish finish;
	bool finished;	       /* everything is detached and handed on */
	struct lp_err failure; /* the first of ops->event and ops->flush */
	bool failure_told;     /* to the caller */
	bool dump_due;	       /* all that is kept is asked for */
	struct recorder recorder;
};

uint64_t lp_now(void); /* CLOCK_MONOTONIC, ns */

void session_note(struct lp_session *s, enum lp_log_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* load.c: the kernel side is loaded beside the search for places. */
int session_load_begin(struct lp_session *s, struct lp_err *err);
int session_load_end(struct lp_session *s, struct lp_err *err);
void session_load_stop(struct lp_session *s);
/* Places are known, and not yet what the kernel emulates: what will probably be needed is loaded, too. */
void session_load_foretell(struct lp_session *s);

/* resolve.c: places of a point in all files (at the start) or in one that came later. */
int session_resolve(struct lp_session *s, struct point *p, struct lp_err *err);
int session_resolve_in(struct lp_session *s, struct point *p, struct lp_file *f,
		       struct lp_err *err);

/* arm.c: `return` and `call` probe the entry, too. */
bool session_has_two_halves(const struct point *p);
/* Code for spots [from, end) of a point; then sites and probes. */
int session_compile(struct lp_session *s, struct point *p, size_t from, struct lp_err *err);
int session_add_sites(struct lp_session *s, struct point *p, size_t from, struct lp_err *err);
void session_print_spot(struct lp_session *s, const struct spot *spot);
void session_free_spot(struct spot *spot);
void session_drop_spots(struct point *p, size_t from);
/* A file that has just come: arms every point that has a place in it. */
void session_arm_file(struct lp_session *s, struct lp_file *f);
/* What session_resolve() has left for later. */
/* Some of them, until that time at the most, but one at least; is there more to do? */
bool session_arm_postponed(struct lp_session *s, uint64_t until);
bool session_is_executable(const struct lp_session *s, const struct lp_file *f);

/* python.c: interpreters. Is Python looked at for this logpoint at all? */
bool session_may_be_python(const struct point *p);
/* Is there a logpoint that shows the stack? */
bool session_wants_stacks(const struct lp_session *s);
bool session_has_interpreter(const struct lp_session *s, struct lp_file *f);
/* Is its location a line of a *.py file? */
bool session_names_python_file(const struct point *p);
/* Could a target be, or become, a Python process? */
bool session_python_expected(const struct lp_session *s);
/* Code units that are to be watched at once; a guess as long as no places are known. */
size_t session_python_halves(const struct lp_session *s);
/* Opens what is new; one that can't be logged is kept with its reason. */
int session_python_open(struct lp_session *s, pid_t pid, struct lp_err *err);
struct interp *session_interp(const struct lp_session *s, pid_t pid);
/* Whose memory tells of its objects. */
struct interp *session_interp_root(struct interp *in);
/* Names that are redacted, told to the kernel side; -EINVAL: one that it can't compare. */
int session_python_hide_names(struct lp_session *s, struct lp_err *err);
/* What a watchpoint's hits have to be told by: found, then told to the kernel side. */
int session_python_find_fetches(struct interp *in, struct lp_err *err);
int session_python_add_fetches(struct lp_session *s, struct interp *in, struct lp_err *err);
/* Tells the kernel side of what was opened before it was there. */
int session_python_add_runtimes(struct lp_session *s, struct lp_err *err);
int session_python_add_target(struct lp_session *s, pid_t pid, struct lp_err *err);
int session_python_fill_info(struct lp_session *s, struct interp *in, struct lp_err *err);
void session_python_refresh(struct lp_session *s);
void session_python_watch_makers(struct lp_session *s);

/* python_life.c: interpreters end. Its process has, or runs another program. */
void session_python_gone(struct lp_session *s, pid_t pid);
/* What is gone and has no record left leaves no trace. */
void session_python_forget(struct lp_session *s);
/* One that is attached no more, and its sites. */
void session_python_free_spot(struct lp_session *s, struct spot *spot);
void session_python_done(struct lp_session *s);
/* One that runs and uses what this one has found; NULL: none does. */
struct interp *session_interp_user(const struct lp_session *s, struct interp *in);
void session_interp_free(struct interp *in);
LP_CLEANUP(struct interp *, session_interp_free)

/* python_spots.c: places of a point in all interpreters; -ENOENT: in none; *ret_pending: it can come
 * later.
 */
int session_python_resolve(struct lp_session *s, struct point *p, bool *ret_pending,
			   struct lp_err *err);
int session_python_compile(struct lp_session *s, struct spot *spot, struct lp_err *err);
int session_python_add_site(struct lp_session *s, struct spot *spot, struct lp_err *err);
/* The site of one half, with *site in place of the place's; the one before is dropped. */
int session_python_move_site(struct lp_session *s, struct spot *spot, struct py_half *half,
			     const struct lp_py_site *site, struct lp_err *err);
struct lp_file *session_python_file(const struct lp_session *s, const struct interp *in);
/* A code object that has just been made (0: all that there are): arms every point that is there. */
void session_python_arm(struct lp_session *s, struct interp *in, uint64_t code, uint64_t made);
void session_python_code(struct lp_session *s, pid_t pid, uint64_t code, uint64_t made);

/* python_watch.c: watchpoints of spots [from, end) of a point, else probes; all or none. -EDQUOT:
 * these would cost more than the budget.
 */
int session_python_attach(struct lp_session *s, struct point *p, size_t from, struct lp_err *err);
/* Of all points; those that would cost too much are refused. -EDQUOT: all. */
int session_python_attach_all(struct lp_session *s, struct lp_err *err);
void session_python_detach(struct lp_session *s, struct point *p);
void session_python_detach_process(struct lp_session *s, struct interp *in);
void session_python_detach_all(struct lp_session *s);
/* For good: what is asked for at the end is taken down. */
void session_python_detach_spot(struct lp_session *s, struct spot *spot);
/* How often probes in the evaluation loop were run into, the point's own hits included. */
uint64_t session_python_runs(struct lp_session *s, const struct point *p);
/* Hits of the point that no program saw. */
uint64_t session_python_unseen(struct lp_session *s, struct point *p);

/* python_raise.c: logpoints on exceptions, which have one spot in each interpreter. */
bool session_is_trap(const struct point *p);
bool session_spot_is_trap(const struct spot *spot);
int session_trap_resolve_in(struct lp_session *s, struct point *p, struct interp *in,
			    struct lp_err *err);
int session_trap_compile(struct lp_session *s, struct spot *spot, struct lp_err *err);
/* Tells the kernel side which classes it is about; again for all, as names may now mean others. */
int session_trap_want(struct lp_session *s, struct spot *spot, struct lp_err *err);
void session_traps_refresh(struct lp_session *s, const struct interp *in);
int session_trap_attach(struct lp_session *s, struct spot *spot, struct lp_err *err);
void session_trap_detach(struct lp_session *s, struct spot *spot);
/* One more probe for the spot. */
int session_trap_use(struct lp_session *s, struct spot *spot, const struct trap_key *key,
		     struct lp_err *err);
void session_traps_done(struct lp_session *s);
/* How often the point's probes were run into, as far as it has to answer for that. */
uint64_t session_trap_runs(struct lp_session *s, const struct point *p);

/* python_uncaught.c: probes for what is there by now; again, where more may have come. */
int session_hooks_attach(struct lp_session *s, struct spot *spot, struct lp_err *err);
/* Libraries that these are in and that are not known yet. */
void session_hooks_rescan(struct lp_session *s);

/* python_gone.c: takes out those of a point's spots, before *from, that were in what lay at `code` before
 * (0: all whose code is gone), for good. made: when another was, which later spots are in.
 */
void session_python_bury(struct lp_session *s, struct point *p, struct interp *in, uint64_t code,
			 uint64_t made, size_t *from);
/* Frees those of which no record can come any more. */
void session_python_sweep(struct lp_session *s);

/* python_steps.c: probes in the evaluation loop, for spots [from, end). */
int session_steps_attach(struct lp_session *s, struct point *p, size_t from, struct lp_err *err);
/* Where a half can be probed, looked for once. */
int session_steps_find(struct spot *spot, struct py_half *half, struct lp_err *err);
/* The halves of Python spots from `from` on, entries first. fn < 0 stops and is returned. */
int session_each_py_half(struct point *p, size_t from,
			 int (*fn)(struct spot *spot, struct py_half *half, void *arg), void *arg);
/* What they cost, once they were there for a second. */
void session_steps_say_price(struct lp_session *s, struct point *p, uint64_t runs, uint64_t cost);

/* python_count.c: how often the instructions are executed at which places without a watchpoint can be
 * probed is counted for a moment, beside other things. Where it can't be, it is not.
 */
void session_count_begin(struct lp_session *s);
void session_count_end(struct lp_session *s);
/* -ENOENT: it was not counted. */
int session_count_rate(const struct lp_session *s, const struct lp_file *file, uint8_t op,
		       uint64_t *ret);
void session_count_done(struct lp_session *s);

/* crash.c: `crash` has one spot, which is no place of any file. */
bool session_is_crash(const struct point *p);
bool session_has_crash(const struct lp_session *s);
int session_crash_resolve(struct point *p, struct lp_err *err);
int session_crash_compile(struct lp_session *s, struct spot *spot, struct lp_err *err);
int session_crash_attach(struct lp_session *s, struct lp_err *err);
void session_crash_detach(struct lp_session *s, struct point *p);
/* What the process has mapped is known: its C library, where it has one that keeps messages. */
void session_crash_note(struct lp_session *s, struct lp_proc *p);
/* A record of a crash has come: what is left of the process is looked at before it is gone. */
void session_crash_arrived(struct lp_session *s, const struct lp_record *rec, size_t len);

/* placement.c: which instructions the kernel emulates is found out beside other things. */
void session_placement_begin(struct lp_session *s);
/* Of all spots that are compiled: where their probes go. */
int session_place(struct lp_session *s, struct lp_err *err);
/* " at 0x1139 (push, emulated), 4 bytes on" */
const char *session_probe_text(const struct lp_session *s, const struct spot *spot, char *buf,
			       size_t size);

bool session_may_move(const struct lp_session *s);

/* The same as far as it can be told before that is found out. Nothing where that would take long. */
void session_place_roughly(struct lp_session *s);

/* cover.c: hits of probes that are placed behind what can fail. Prepares for those that are new; where it
 * can't, or not for them, they are placed anew.
 */
int session_cover(struct lp_session *s, struct lp_err *err);
/* Will it probably? lean: with what most sites need. */
bool session_will_cover(struct lp_session *s, bool *ret_lean);
int session_cover_site(struct lp_session *s, struct spot *spot, uint32_t site, struct lp_err *err);
/* Of spots [from, end) of a point; their probes are gone. */
void session_uncover(struct lp_session *s, const struct point *p, size_t from);

/* attach.c */
int session_attach(struct lp_session *s, struct stop *stops, size_t n, struct lp_err *err);
int session_collect_stops(struct point *p, size_t from, void *stops_vec);
void session_detach_point(struct lp_session *s, struct point *p);
/* All that are retired, at once. */
void session_detach_retired(struct lp_session *s);
void session_detach_all(struct lp_session *s);
void session_watch_loaders(struct lp_session *s);

/* cgroup.c: a cgroup that is removed and made again, as a service's is when it restarts. */
int session_find_unit(struct lp_session *s, struct lp_err *err);
uint64_t session_cgroup_id(const struct lp_session *s);
int session_watch_cgroup(struct lp_session *s, struct lp_err *err);
/* Something has happened where the cgroup is or was. */
void session_cgroup_changed(struct lp_session *s);

/* run.c */
int session_poll(struct lp_session *s, int fd, pid_t pid, struct lp_err *err);

/* Before anything is said to be armed: from then on a signal is an answer. */
int session_catch_signals(struct lp_session *s, struct lp_err *err);

/* session.c */
struct point *session_point(const struct lp_session *s, uint32_t id);
/* The one that a clause at that column names. */
int session_named(const struct lp_session *s, const char *name, int col, struct point **ret,
		  struct lp_err *err);
/* Nothing more is to be shown. */
bool session_is_full(const struct lp_session *s);
/* So many events were handed on, with the result r, which is returned; an error's is in s->failure. */
int session_handed_on(struct lp_session *s, uint64_t n, int r);

/* recorder.c: with opts->last. Who `dump on` names. */
int session_check_dump(struct lp_session *s, struct point *p, struct lp_err *err);
/* An event in its turn: kept, or a reason to write what is; which may stand in line. */
int session_record(struct lp_session *s, const struct point *p, const struct lp_event *ev);
/* What is being written goes on for a moment, at the end to its end. all: the ring was read to its
 * end, so that a dump that is due can begin.
 */
void session_recorder_go(struct lp_session *s, bool all);

/* targets.c */
int session_find_targets(struct lp_session *s, struct lp_err *err);
int session_add_target(struct lp_session *s, pid_t pid, struct lp_err *err);
void session_target_gone(struct lp_session *s, pid_t pid);
void session_rescan(struct lp_session *s, pid_t pid); /* its mappings have changed */
void session_rescan_all(struct lp_session *s);
int session_notice(struct lp_session *s, const struct lp_record *rec, const char *text);

/* spawn.c */
int session_spawn(struct lp_session *s, struct lp_err *err);
int session_release_child(struct lp_session *s, struct lp_err *err);
void session_reap_child(struct lp_session *s, bool wait);

/* Files that the process maps later, now that it has become another program. */
void session_expect_image(struct lp_session *s, pid_t pid);

/* hold.c: the command stops where it could run past what is not armed yet. */
void session_hold_begin(struct lp_session *s);
void session_hold_exec(struct lp_session *s); /* it is another program now */
void session_hold_release(struct lp_session *s);
void session_hold_end(struct lp_session *s);

/* symbols.c */
int session_symbolizer(struct lp_session *s, struct lp_symbolizer *ret, struct lp_err *err);

/* frames.c: whose frames are to be shown, and how. */
struct framing {
	const struct lp_proc *proc; /* NULL: nothing is known of it */
	struct lp_python *py;	    /* NULL */
	struct lp_unwinder *unwinder;
	const struct lp_limits *limits;
	struct lp_arena *arena;
	bool locals;	  /* of frames that are shown */
	bool shows_first; /* whosever it is: a logpoint is there */
	uint64_t within;  /* lp_unwind_space */
};
/* At most max native ones, from registers and a copy of the stack; *ret_cut as lp_unwind(). -ENOMEM. */
int session_unwind(const struct framing *f, const uint64_t *regs, uint64_t sp, const void *stack,
		   size_t len, struct lp_frame *ret, size_t max, size_t *ret_n, bool *ret_cut);
/* Function, file, line and whose it is; false: its code is gone. */
bool session_name_python(struct lp_python *py, const struct lp_py_frame *frame,
			 struct lp_frame *ret);
/* One of a stack that was read; a gap, and false, where its code is gone. */
struct lp_py_stack_frame;
bool session_put_python(struct lp_python *py, const struct lp_py_stack_frame *from,
			struct lp_frame *ret);

/* library.c: what is the program's own, and what is a library's: f->is_library, is_glue, is_loop. */
void session_classify(const struct lp_proc *p, struct lp_python *py, const struct lp_mapping *m,
		      uint64_t addr, struct lp_frame *f);
void session_classify_python(struct lp_python *py, struct lp_frame *f);

/* budget.c. Hits a second that cost less than any budget worth setting, even where a probe is at its
 * dearest: below it the costs of this machine need not be known.
 */
#define CHEAP_HITS 500
void session_budget_tick(struct lp_session *s);
/* Of a probe where an instruction of the interpreter's loop begins, ns. */
uint64_t session_step_cost(struct lp_session *s);

#endif
