// SPDX-License-Identifier: GPL-2.0-only
/* The programs: which of them are loaded, and what they are told before. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/log.h"
#include "lp/hold.h"
#include "probe/kernel.h"

#include "lean.skel.h"
#include "logpoint.skel.h"

#define PIDNS_INITIAL	4026531836u /* kernel: PROC_PID_INIT_INO */
#define COST_CALLS	64u
#define PYTHON_FETCHES	65536u /* instructions that read code units, of all interpreters */
#define PYTHON_REDACTED 4096   /* names */
/* Their entries are made in advance, at 0.3 us each. */
#define PYTHON_THREADS	4096u  /* Python threads that have hits */
#define PYTHON_LEADS	4096u  /* frames between two starts of one line */
#define PYTHON_VERDICTS 4096u  /* classes of which it is known who wants them */
#define PYTHON_SENT	4096u  /* code objects whose lines the reader has */
#define PYTHON_WANTED	65536u /* names of classes, of all interpreters */

static int log_libbpf(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	lp_auto(lp_free) char *text = NULL;
	char *rest;

	if (lp_log_level < LP_LOG_DEBUG || level == LIBBPF_DEBUG || vasprintf(&text, fmt, ap) < 0)
		return 0;
	/* the verifier's log is one message */
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		lp_debug("%s", line);
	return 0;
}

uint32_t lp_own_pidns(void)
{
	struct stat st;

	if (stat("/proc/self/ns/pid", &st) < 0 || st.st_ino == PIDNS_INITIAL)
		return 0;
	return (uint32_t)st.st_ino;
}

/* Room for what hits in Python need. */
static void configure_python(struct logpoint_bpf *s, const struct lp_kernel_conf *c)
{
	bpf_map__set_max_entries(s->maps.py_runtimes, LP_PY_RUNTIMES_MAX);
	bpf_map__set_max_entries(s->maps.py_sites, c->max_sites);
	bpf_map__set_max_entries(s->maps.py_places, c->max_sites);
	bpf_map__set_max_entries(s->maps.py_codes, c->max_sites);
	bpf_map__set_max_entries(s->maps.py_fetches, PYTHON_FETCHES);
	bpf_map__set_max_entries(s->maps.py_redacted, PYTHON_REDACTED);
	bpf_map__set_max_entries(s->maps.py_threads, PYTHON_THREADS);
	bpf_map__set_max_entries(s->maps.py_latest, PYTHON_LEADS);
	bpf_map__set_max_entries(s->maps.py_caches, LP_PYVM_CACHES);
	bpf_map__set_max_entries(s->maps.watch_runs, c->max_sites);
	if (c->python_hooks)
		bpf_map__set_max_entries(s->maps.py_hooks, LP_PY_RUNTIMES_MAX * LP_PY_TRAP_COUNT);
	if (c->python_traps || c->python_hooks) {
		bpf_map__set_max_entries(s->maps.py_wanted, PYTHON_WANTED);
		bpf_map__set_max_entries(s->maps.py_verdicts, PYTHON_VERDICTS);
	}
	if (c->python_ops & (LP_PY_USE(CAP_PYEXC) | LP_PY_USE(CAP_PYAWAIT)))
		bpf_map__set_max_entries(s->maps.py_sent, PYTHON_SENT);
}

/* Of either skeleton. */
#define NATIVE_OF(s)                                                                               \
	((struct lp_native){                                                                       \
		.code = (s)->maps.code,                                                            \
		.sites = (s)->maps.sites,                                                          \
		.points = (s)->maps.points,                                                        \
		.counts = (s)->maps.counts,                                                        \
		.slots = (s)->maps.slots,                                                          \
		.ring = (s)->maps.ring,                                                            \
		.rings = (s)->maps.rings,                                                          \
		.targets = (s)->maps.targets,                                                      \
		.faulted = (s)->maps.faulted,                                                      \
		.probe = (s)->progs.lp_probe,                                                      \
		.fixed = &(s)->rodata->lp_fixed,                                                   \
		.live = &(s)->data_live->lp_live,                                                  \
	})

void lp_program_use(const struct lp_kernel *k, struct bpf_program *p, bool is_used, bool is_uprobe)
{
	bpf_program__set_autoload(p, is_used);
	if (k->multi && is_uprobe)
		bpf_program__set_expected_attach_type(p, LP_UPROBE_MULTI);
}

/* Each takes its time to be loaded: those that are used. Those of signals have an object of their own
 * (crash.c, fault.c).
 */
static void configure_programs(struct lp_kernel *k)
{
	struct logpoint_bpf *s = k->skel;
	const struct lp_kernel_conf *c = &k->conf;
	const bool python = lp_kernel_has_python(k);

	lp_program_use(k, s->progs.lp_probe, !c->no_native && !c->python_stack, true);
	lp_program_use(k, s->progs.lp_probe_mixed, !c->no_native && c->python_stack, true);
	lp_program_use(k, s->progs.lp_watch, c->python_watch, false);
	lp_program_use(k, s->progs.lp_step, c->python_steps, true);
	lp_program_use(k, s->progs.lp_trap, c->python_traps, true);
	lp_program_use(k, s->progs.lp_hook, c->python_hooks, true);
	lp_program_use(k, s->progs.lp_code_made, python, true);
	lp_program_use(k, s->progs.lp_crash, false, false);
	lp_program_use(k, s->progs.lp_fault_deliver, false, false);
	lp_program_use(k, s->progs.lp_fault_return, false, false);
	if (c->python_stack)
		k->native.probe = s->progs.lp_probe_mixed;
}

uint32_t lp_kernel_device(dev_t dev)
{
	return (uint32_t)(major(dev) << 20 | minor(dev));
}

/* What is constant for the programs. */
static void configure_constants(const struct lp_kernel *k)
{
	const struct lp_kernel_conf *c = &k->conf;

	*k->native.fixed = (struct lp_fixed){
		.exe_ino = c->exe_ino,
		.exe_dev = lp_kernel_device(c->exe_dev),
		.record_max = c->record_max,
		.max_points = c->max_points,
		.max_code = c->max_code,
		.pidns = lp_own_pidns(),
		.by_cgroup = c->filter == LP_FILTER_CGROUP,
		.follow = c->follow,
		.n_rings = c->n_rings,
	};
}

/* What native sites need, and processes. */
static void configure_native(struct lp_kernel *k)
{
	const struct lp_kernel_conf *c = &k->conf;
	const struct lp_native *n = &k->native;

	bpf_map__set_value_size(n->code, c->max_code * sizeof(struct lp_insn));
	bpf_map__set_max_entries(n->sites, c->max_sites);
	bpf_map__set_max_entries(n->points, c->max_points);
	bpf_map__set_max_entries(n->counts, c->max_points * LP_SLOTS_PER_CPU * k->cpus);
	bpf_map__set_max_entries(n->slots, LP_SLOTS_PER_CPU * k->cpus);
	bpf_map__set_max_entries(n->ring, c->ring_size);
	bpf_map__set_max_entries(n->rings, c->n_rings);
	bpf_map__set_max_entries(n->targets, c->max_targets);
	if (c->covers)
		bpf_map__set_max_entries(n->faulted, LP_FAULTED_MAX);
	configure_constants(k);
}

static void configure(struct lp_kernel *k)
{
	struct logpoint_bpf *s = k->skel;
	const struct lp_kernel_conf *c = &k->conf;

	configure_programs(k);
	configure_native(k);
	/* its entries are made in advance: 15 ms for all */
	bpf_map__set_max_entries(s->maps.stash, c->no_calls ? COST_CALLS : LP_STASH_COUNT);
	if (c->covers)
		bpf_map__set_max_entries(s->maps.windows, LP_WINDOWS_MAX);
	s->rodata->lp_py_used = c->python_ops ? c->python_ops : ~0ull;
	s->rodata->lp_mixed = c->python_stack;
	s->rodata->lp_may_hold = c->holds;
	s->rodata->lp_goes_on = lp_have_may_goto();
	lp_direct_tell(&s->rodata->lp_direct_type, &s->rodata->lp_five_levels);
	if (c->crash) {
		bpf_map__set_max_entries(s->maps.crash_seen, LP_CRASH_SEEN_MAX);
		bpf_map__set_max_entries(s->maps.crash_messages, c->max_targets);
	}
	if (lp_kernel_has_python(k))
		configure_python(s, c);
}

const struct bpf_object_open_opts *lp_open_opts(struct lp_open_opts *o, int types)
{
	snprintf(o->path, sizeof(o->path), "/proc/self/fd/%d", types);
	o->opts = (struct bpf_object_open_opts){ .sz = sizeof(o->opts),
						 .btf_custom_path = types < 0 ? NULL : o->path };
	return &o->opts;
}

struct logpoint_bpf *lp_skeleton_open(int types)
{
	struct lp_open_opts o;

	return logpoint_bpf__open_opts(lp_open_opts(&o, types));
}

int lp_err_load(struct lp_err *err, int r)
{
	if (r == -EPERM || (r == -EACCES && !lp_have_bpf()))
		return lp_err_permission(err, r, "load BPF programs");
	if (r == -EACCES)
		return lp_err_set(
			err, ENOTSUP,
			"this kernel's verifier refuses a BPF program of ours, which is a "
			"mistake of logpoint: please report it, with what -vv says");
	return lp_err_set(err, -r, "cannot load the BPF programs: %s (see 'logpoint check')",
			  strerror(-r));
}

int lp_opened(const void *skeleton, struct lp_err *err)
{
	return skeleton ? 0
			: lp_err_set(err, errno, "cannot open the BPF programs: %s",
				     strerror(errno));
}

static int use_room(const struct lp_beside *b, const struct lp_native *n, struct lp_err *err)
{
	int r;

	if ((r = bpf_map__reuse_fd(n->ring, b->ring[0])) < 0 ||
	    (r = bpf_map__reuse_fd(n->rings, b->rings)) < 0 ||
	    (r = bpf_map__reuse_fd(n->code, b->code)) < 0)
		return lp_err_load(err, r);
	return 0;
}

bool lp_programs_are_lean(const struct lp_kernel *k)
{
	const struct lp_kernel_conf *c = &k->conf;

	return c->lean && !c->crash && !c->no_native && !lp_kernel_has_python(k);
}

static int open_programs(struct lp_kernel *k, int types, struct lp_err *err)
{
	struct lp_open_opts o;
	int r;

	if (lp_programs_are_lean(k)) {
		k->lean = lean_bpf__open_opts(lp_open_opts(&o, types));
		if ((r = lp_opened(k->lean, err)) < 0)
			return r;
		k->native = NATIVE_OF(k->lean);
		if (lp_have_may_goto())
			k->native.probe = k->lean->progs.lp_probe_soon;
		configure_native(k);
		bpf_program__set_autoload(k->lean->progs.lp_probe, false);
		bpf_program__set_autoload(k->lean->progs.lp_probe_soon, false);
		lp_direct_tell(&k->lean->rodata->lp_direct_type, &k->lean->rodata->lp_five_levels);
		lp_program_use(k, k->native.probe, true, true);
		return 0;
	}
	k->skel = lp_skeleton_open(types);
	if ((r = lp_opened(k->skel, err)) < 0)
		return r;
	k->native = NATIVE_OF(k->skel);
	k->parts = LP_PARTS_ALL;
	configure(k);
	return 0;
}

/* Before libbpf does, so that others can be loaded with them meanwhile. */
static int make_maps(const struct lp_native *n, struct bpf_object *obj, struct lp_err *err)
{
	struct bpf_map *m;

	bpf_object__for_each_map(m, obj)
	{
		const char *name = bpf_map__name(m);
		LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = bpf_map__map_flags(m));

		if (m == n->ring || m == n->rings || m == n->code || strstr(name, ".rodata") ||
		    strstr(name, ".bss"))
			continue;
		lp_auto(lp_close) int fd =
			bpf_map_create(bpf_map__type(m), name, bpf_map__key_size(m),
				       bpf_map__value_size(m), bpf_map__max_entries(m), &opts);
		int r = fd < 0 ? fd : bpf_map__reuse_fd(m, fd);
		if (r < 0)
			return lp_err_load(err, r);
	}
	return 0;
}

int lp_programs_load(struct lp_kernel *k, struct lp_err *err)
{
	struct lp_beside *b = &k->beside;

	libbpf_set_print(log_libbpf);
	int r = open_programs(k, b->types, err);
	if (r < 0)
		return r;
	if (k->lean && (r = make_maps(&k->native, k->lean->obj, err)) < 0)
		return r;
	if (!lp_beside_await(b, LP_STAGE_ROOM))
		return lp_beside_end(b, err);
	if ((r = use_room(b, &k->native, err)) < 0)
		return r;
	if (k->lean)
		lp_beside_reach(b, LP_STAGE_MAPS);
	if (k->lean)
		k->lean->rodata->lp_parts = k->parts = lp_beside_foretold(b);
	r = k->lean ? lp_prepared_load(k->lean->obj, k->lean->skeleton)
		    : lp_prepared_load(k->skel->obj, k->skel->skeleton);
	if (r < 0)
		return lp_err_load(err, r);
	/* what it is mapped to has changed */
	k->native.live = k->lean ? &k->lean->data_live->lp_live : &k->skel->data_live->lp_live;
	k->native.live->cgroup = k->conf.cgroup_id;
	lp_beside_reach(b, LP_STAGE_MAPS);
	lp_beside_reach(b, LP_STAGE_LOADED);
	return 0;
}

int lp_attach_tracepoint(struct bpf_program *prog, const char *what, struct bpf_link **ret,
			 struct lp_err *err)
{
	*ret = bpf_program__attach(prog);
	if (*ret)
		return 0;
	if (errno == EPERM || errno == EACCES)
		return lp_err_permission(err, -errno, what);
	return lp_err_set(err, errno, "cannot attach to a tracepoint: %s", strerror(errno));
}

int lp_share_maps(struct bpf_object *to, const struct bpf_object *from, struct lp_err *err)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, to)
	{
		const char *name = bpf_map__name(map);
		struct bpf_map *first = bpf_object__find_map_by_name(from, name);

		if (!first || strstr(name, ".rodata"))
			continue;
		int r = bpf_map__reuse_fd(map, bpf_map__fd(first));
		if (r < 0)
			return lp_err_set(err, -r, "cannot share '%s': %s", name, strerror(-r));
	}
	return 0;
}

/* The kernel finds out whether a program may sleep by following all that it calls: so those that must not are of
 * another copy.
 */
int lp_awake_load(struct lp_kernel *k, const char *prefix, int types, struct logpoint_bpf **ret,
		  struct lp_err *err)
{
	struct logpoint_bpf *s = lp_skeleton_open(types);
	struct bpf_program *prog;
	int r = lp_opened(s, err);

	*ret = s;
	if (r < 0)
		return r;
	memcpy(s->rodata, k->skel->rodata, sizeof(*s->rodata));
	s->rodata->lp_can_sleep = 0;
	s->rodata->lp_direct_type = 0; /* prepare.c has no hand in these */
	s->rodata->lp_codes = 1;
	bpf_object__for_each_program(prog, s->obj) bpf_program__set_autoload(
		prog, !strncmp(bpf_program__name(prog), prefix, strlen(prefix)));
	r = lp_share_maps(s->obj, k->skel->obj, err);
	if (r >= 0 && (r = logpoint_bpf__load(s)) < 0)
		lp_err_load(err, r);
	return r;
}

/* The maps stay; what is attached stays, too. */
int lp_programs_grow(struct lp_kernel *k, struct lp_err *err)
{
	struct bpf_program *prog;

	if (k->skel)
		return 0;

	lp_auto(lp_close) int types = lp_btf_extract(NULL, NULL);
	struct logpoint_bpf *s = lp_skeleton_open(types);
	int r = lp_opened(s, err);
	if (r < 0)
		return r;
	bpf_object__for_each_program(prog, s->obj)
		lp_program_use(k, prog, prog == s->progs.lp_probe, prog == s->progs.lp_probe);
	s->rodata->lp_fixed = *k->native.fixed;
	lp_direct_tell(&s->rodata->lp_direct_type, &s->rodata->lp_five_levels);
	bpf_map__set_max_entries(s->maps.stash, k->conf.no_calls ? COST_CALLS : LP_STASH_COUNT);
	if (k->conf.covers)
		bpf_map__set_max_entries(s->maps.windows, LP_WINDOWS_MAX);
	r = lp_share_maps(s->obj, k->lean->obj, err);
	if (r >= 0 && (r = lp_prepared_load(s->obj, s->skeleton)) < 0)
		lp_err_load(err, r);
	if (r < 0) {
		logpoint_bpf__destroy(s);
		return r;
	}
	k->skel = s;
	k->parts = LP_PARTS_ALL;
	k->native.probe = s->progs.lp_probe;
	return 0;
}

struct bpf_object *lp_programs_object(const struct lp_kernel *k)
{
	return k->lean ? k->lean->obj : k->skel->obj;
}

void lp_programs_free(struct lp_kernel *k)
{
	logpoint_bpf__destroy(k->crash);
	logpoint_bpf__destroy(k->skel);
	lean_bpf__destroy(k->lean);
	lp_life_free(k);
}
