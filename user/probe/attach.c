// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/parallel.h"
#include "probe/kernel.h"

#include "logpoint.skel.h"

#define MAY_GOTO (BPF_JMP | 0xe0) /* BPF_JCOND, since 6.9 */

#ifndef ENOTSUPP
#define ENOTSUPP 524 /* the kernel's own, lets itself be seen by user space here */
#endif

/* The part of union bpf_attr for a uprobe_multi link, which linux/bpf.h of kernels before 6.6 does
 * not have (include/uapi/linux/bpf.h, since 6.6).
 */
struct multi_attr {
	uint32_t prog_fd, target_fd, attach_type, flags;
	uint64_t path, offsets, ref_ctr_offsets, cookies;
	uint32_t cnt, multi_flags, pid;
	uint32_t pad;
};

#define UPROBE_MULTI_RETURN 1u

/* All but a watchpoint, of which the session keeps account. */
static int detach(size_t i, void *links)
{
	struct lp_link *l = ((struct lp_link **)links)[i];

	lp_vec_each (&l->single, p)
		bpf_link__destroy(*p);
	lp_vec_done(&l->single);
	if (l->multi >= 0)
		close(l->multi);
	l->multi = -1;
	return 0;
}

void lp_link_free(struct lp_link *l)
{
	if (!l)
		return;
	detach(0, &l);
	lp_watch_free(l->watch);
	free(l);
}

void lp_links_detach(struct lp_link **links, size_t n)
{
	lp_parallel_waits(n, detach, links);
}

struct lp_link *lp_link_new(void)
{
	struct lp_link *l = calloc(1, sizeof(*l));

	if (l)
		l->multi = -1;
	return l;
}

int lp_multi_link(int prog_fd, const char *path, size_t n, const uint64_t *offsets,
		  const uint64_t *semaphores, const uint64_t *cookies, bool is_return, pid_t pid)
{
	struct multi_attr attr = {
		.prog_fd = (uint32_t)prog_fd,
		.attach_type = LP_UPROBE_MULTI,
		.path = (uintptr_t)path,
		.offsets = (uintptr_t)offsets,
		.ref_ctr_offsets = (uintptr_t)semaphores,
		.cookies = (uintptr_t)cookies,
		.cnt = (uint32_t)n,
		.multi_flags = is_return ? UPROBE_MULTI_RETURN : 0,
		.pid = (uint32_t)pid,
	};
	int fd = (int)syscall(__NR_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));

	return fd < 0 ? -errno : fd;
}

/* A descriptor, or -errno. Not by libbpf, which first loads two programs to see what the kernel knows. */
static int load_code(const struct bpf_insn *code, uint32_t n, uint32_t flags, uint32_t attach_type)
{
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_KPROBE,
		.insns = (uintptr_t)code,
		.insn_cnt = n,
		.license = (uintptr_t) "GPL",
		.prog_flags = flags,
		.expected_attach_type = attach_type,
	};
	int fd = (int)syscall(__NR_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));

	return fd < 0 ? -errno : fd;
}

int lp_load_nothing(uint32_t flags, uint32_t attach_type)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return load_code(code, LP_ARRAY_SIZE(code), flags, attach_type);
}

bool lp_have_may_goto(void)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = MAY_GOTO },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	lp_auto(lp_close) int fd = load_code(code, LP_ARRAY_SIZE(code), BPF_F_SLEEPABLE, 0);

	return fd >= 0;
}

/* Asks with a file that cannot be probed: EBADF says that all else is known. A negative pid is
 * EINVAL on kernels that filter by process; the first ones with uprobe_multi filtered by thread
 * and lost the hits of all others (fixed in 6.10).
 */
bool lp_have_uprobe_multi(char *ret_why, size_t size)
{
	lp_auto(lp_close) int prog = lp_load_nothing(0, LP_UPROBE_MULTI);
	const uint64_t offset = 0;
	const char *why = NULL;

	if (prog < 0)
		why = prog == -EPERM ? "not permitted" : "the kernel does not know it (6.6 does)";
	else if (lp_multi_link(prog, "/", 1, &offset, NULL, NULL, false, 0) != -EBADF)
		why = "the kernel does not know it (6.6 does)";
	else if (lp_multi_link(prog, "/", 1, &offset, NULL, NULL, false, -1) != -EINVAL)
		why = "the kernel's filters by thread (6.10 is right)";
	if (why && ret_why)
		snprintf(ret_why, size, "%s", why);
	return !why;
}

static int attach_error(struct lp_err *err, int r, const char *path, uint64_t offset)
{
	static const struct {
		int code;
		const char *text;
	} known[] = {
		{ ENOTSUPP, "the kernel cannot probe this instruction" },
		{ ENOEXEC, "not an instruction that the kernel can probe" },
		{ EINVAL, "not a place in the file's code that can be probed" },
		{ EIO, "the file system does not support probes" },
		{ EBADF, "not a regular file" },
		{ ENOENT, "the file is gone" },
		{ ESRCH, "the process is gone" },
		{ ENOSPC, "no room for more probes" },
	};

	if (r == -EPERM || r == -EACCES)
		return lp_err_permission(err, r, "attach a probe");
	for (size_t i = 0; i < LP_ARRAY_SIZE(known); i++)
		if (known[i].code == -r)
			return lp_err_set(err, r == -ENOTSUPP ? EOPNOTSUPP : -r,
					  "%s+0x%" PRIx64 ": cannot attach: %s", path, offset,
					  known[i].text);
	return lp_err_set(err, -r, "%s+0x%" PRIx64 ": cannot attach: %s", path, offset,
			  strerror(-r));
}

/* The kernel refuses the whole set: the place that it refuses is found by asking for each. */
static int blame(struct lp_kernel *k, int prog_fd, const struct lp_attach *a,
		 const uint64_t *cookies, int r, struct lp_err *err)
{
	(void)k;
	for (size_t i = 0; i < a->n; i++) {
		int fd = lp_multi_link(prog_fd, a->path, 1, a->offsets + i,
				       a->semaphores ? a->semaphores + i : NULL, cookies + i,
				       a->is_return, a->pid);
		if (fd < 0)
			return attach_error(err, fd, a->path, a->offsets[i]);
		close(fd);
	}
	return attach_error(err, r, a->path, a->offsets[0]);
}

static int attach_multi(struct lp_kernel *k, struct bpf_program *prog, const struct lp_attach *a,
			struct lp_link *l, struct lp_err *err)
{
	lp_auto(lp_free) uint64_t *cookies = calloc(a->n, sizeof(*cookies));

	if (!cookies)
		return lp_err_nomem(err);
	for (size_t i = 0; i < a->n; i++)
		cookies[i] = a->sites ? a->sites[i] : 0;

	int fd = lp_multi_link(bpf_program__fd(prog), a->path, a->n, a->offsets, a->semaphores,
			       cookies, a->is_return, a->pid);
	if (fd < 0)
		return blame(k, bpf_program__fd(prog), a, cookies, fd, err);
	l->multi = fd;
	return 0;
}

static int attach_single(struct bpf_program *prog, const struct lp_attach *a, struct lp_link *l,
			 struct lp_err *err)
{
	for (size_t i = 0; i < a->n; i++) {
		LIBBPF_OPTS(bpf_uprobe_opts, opts, .retprobe = a->is_return,
			    .bpf_cookie = a->sites ? a->sites[i] : 0,
			    .ref_ctr_offset = a->semaphores ? a->semaphores[i] : 0);
		struct bpf_link *link = bpf_program__attach_uprobe_opts(
			prog, a->pid ? a->pid : -1, a->path, a->offsets[i], &opts);

		if (!link)
			return attach_error(err, -errno, a->path, a->offsets[i]);
		if (lp_vec_push(&l->single, link) < 0) {
			bpf_link__destroy(link);
			return lp_err_nomem(err);
		}
	}
	return 0;
}

struct mapping {
	void *at;
	size_t size;
};

static void mapping_done(struct mapping *m)
{
	if (m->at)
		munmap(m->at, m->size);
}
LP_CLEANUP_DONE(struct mapping, mapping_done)

/* The kernel looks at an instruction only once some process maps it, and what it refuses then is
 * refused silently: the probe never hits. A mapping of our own makes it look, and say so, now.
 * Without one (no memory, a file system without execution) all is as it would have been.
 */
static void map_code(const char *path, struct mapping *ret)
{
	lp_auto(lp_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size <= 0)
		return;
	void *at = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	if (at != MAP_FAILED)
		*ret = (struct mapping){ at, (size_t)st.st_size };
}

static int attach_to(struct lp_kernel *k, struct bpf_program *prog, const struct lp_attach *a,
		     struct lp_link *l, struct lp_err *err)
{
	return k->multi ? attach_multi(k, prog, a, l, err) : attach_single(prog, a, l, err);
}

/* A probe for a process that does not map the file is not looked at before it does, and would be
 * refused in silence then.
 */
static int try_on_ourselves(struct lp_kernel *k, struct bpf_program *prog,
			    const struct lp_attach *a, struct lp_err *err)
{
	lp_auto(lp_link_free) struct lp_link *l = lp_link_new();
	struct lp_attach own = *a;

	if (!l)
		return lp_err_nomem(err);
	own.pid = getpid();
	own.semaphores = NULL;
	return attach_to(k, prog, &own, l, err);
}

static int attach(struct lp_kernel *k, struct bpf_program *prog, const struct lp_attach *a,
		  struct lp_link **ret, struct lp_err *err)
{
	lp_auto(lp_link_free) struct lp_link *l = lp_link_new();
	lp_auto(mapping_done) struct mapping code = { 0 };

	if (!l)
		return lp_err_nomem(err);
	if (a->n) {
		if (!a->pid || a->not_mapped) /* else it is the process itself that maps it */
			map_code(a->path, &code);
		int r = a->not_mapped ? try_on_ourselves(k, prog, a, err) : 0;
		if (r >= 0)
			r = attach_to(k, prog, a, l, err);
		if (r < 0)
			return r;
	}
	*ret = lp_take(l);
	return 0;
}

/* Before they can hit. A return is at any address, so that none tells anything any more. */
static void tell_sites(struct lp_kernel *k, const struct lp_attach *a)
{
	volatile uint32_t *near = k->native.live->near;

	if (a->is_return)
		for (size_t i = 0; i < LP_NEAR_SITES; i++)
			near[i] = LP_NEAR_SEVERAL;
	for (size_t i = 0; i < a->n; i++) {
		volatile uint32_t *at = &near[a->offsets[i] % LP_NEAR_SITES];
		const uint32_t site = a->sites ? a->sites[i] : 0;

		*at = !*at || *at == site + 1 ? site + 1 : LP_NEAR_SEVERAL;
	}
}

int lp_kernel_attach(struct lp_kernel *k, const struct lp_attach *a, struct lp_link **ret,
		     struct lp_err *err)
{
	if (k->conf.no_native)
		return lp_err_set(err, ENOTSUP, "a native place, but only Python was expected");
	tell_sites(k, a);
	return attach(k, k->native.probe, a, ret, err);
}

int lp_kernel_attach_steps(struct lp_kernel *k, const struct lp_attach *a, struct lp_link **ret,
			   struct lp_err *err)
{
	for (size_t i = 0; i < a->n; i++) {
		int r = lp_watch_note_runs(k, LP_STEP_RUNS | a->sites[i], err);
		if (r < 0)
			return r;
	}
	return attach(k, k->skel->progs.lp_step, a, ret, err);
}

int lp_kernel_attach_traps(struct lp_kernel *k, const struct lp_attach *a, struct lp_link **ret,
			   struct lp_err *err)
{
	return attach(k, k->skel->progs.lp_trap, a, ret, err);
}

int lp_kernel_attach_hooks(struct lp_kernel *k, const struct lp_attach *a, struct lp_link **ret,
			   struct lp_err *err)
{
	return attach(k, k->skel->progs.lp_hook, a, ret, err);
}

int lp_kernel_watch_loader(struct lp_kernel *k, const char *path, uint64_t offset, pid_t pid,
			   struct lp_link **ret, struct lp_err *err)
{
	struct lp_attach a = { .path = path, .pid = pid, .n = 1, .offsets = &offset };

	return attach(k, lp_life_loader(k), &a, ret, err);
}

int lp_kernel_watch_code(struct lp_kernel *k, const char *path, uint64_t offset, pid_t pid,
			 struct lp_link **ret, struct lp_err *err)
{
	struct lp_attach a = {
		.path = path, .is_return = true, .pid = pid, .n = 1, .offsets = &offset
	};

	return attach(k, k->skel->progs.lp_code_made, &a, ret, err);
}
