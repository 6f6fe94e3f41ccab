// SPDX-License-Identifier: GPL-2.0-only
#include "probe/registers.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "probe/kernel.h"
#include "stacks.skel.h"

#define TICK	 200000 /* ns on a CPU */
#define LOOK	 200000 /* ns between two looks whether it has ticked */
#define PATIENCE 30	/* looks */

struct lp_registers {
	struct stacks_bpf *skel;
	struct lp_stack_sample *sample;
	size_t size;
};

void lp_registers_free(struct lp_registers *r)
{
	if (!r)
		return;
	if (r->sample)
		munmap(r->sample, r->size);
	stacks_bpf__destroy(r->skel);
	free(r);
}

/* To libbpf it is a program of a type that needs no types of the kernel's until here. */
static int make_iterator(struct bpf_program *prog, struct bpf_prog_load_opts *opts, long function)
{
	opts->attach_btf_id = (__u32)function;
	return bpf_program__set_type(prog, BPF_PROG_TYPE_TRACING);
}

/* For an iterator libbpf would read all of the kernel's types, to find the number of one function. */
static int open_and_load(struct lp_registers *r)
{
	struct lp_btf_numbers numbers = { 0 };
	char path[32];
	lp_auto(lp_close) int types = lp_btf_extract("bpf_iter_task", &numbers);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", types);
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = types < 0 ? NULL : path);
	LIBBPF_OPTS(libbpf_prog_handler_opts, how, .cookie = (long)numbers.function,
		    .prog_prepare_load_fn = make_iterator);
	int handler = !numbers.function
			      ? -1
			      : libbpf_register_prog_handler("iter/task", BPF_PROG_TYPE_KPROBE,
							     BPF_TRACE_ITER, &how);
	int e = -ENOMEM;

	r->skel = stacks_bpf__open_opts(&opts);
	if (r->skel) {
		r->skel->rodata->lp_pidns = lp_own_pidns();
		e = stacks_bpf__load(r->skel);
	}
	if (handler >= 0)
		libbpf_unregister_prog_handler(handler);
	return e;
}

static int load(struct lp_registers *r)
{
	libbpf_print_fn_t before = libbpf_set_print(NULL);
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int e = open_and_load(r);

	libbpf_set_print(before);
	if (e < 0)
		return e;
	r->size = (sizeof(*r->sample) + page - 1) & ~(page - 1);
	void *at = mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_SHARED,
			bpf_map__fd(r->skel->maps.sample), 0);
	if (at == MAP_FAILED)
		return -errno;
	r->sample = at;
	return 0;
}

int lp_registers_open(struct lp_registers **ret, struct lp_err *err)
{
	lp_auto(lp_registers_free) struct lp_registers *r = calloc(1, sizeof(*r));
	int e = r ? load(r) : -ENOMEM;

	if (e == -EPERM || e == -EACCES)
		return lp_err_permission(err, e, "read the registers of threads");
	if (e < 0)
		return lp_err_set(err, ENOTSUP,
				  "this kernel can't tell the registers of threads: %s",
				  strerror(-e));
	*ret = lp_take(r);
	return 0;
}

static int read_all(int fd, struct lp_registers_list *ret)
{
	struct lp_thread_regs some[64];
	ssize_t n;

	ret->len = 0;
	while ((n = read(fd, some, sizeof(some))) > 0 || (n < 0 && errno == EINTR))
		for (size_t i = 0; n > 0 && i < (size_t)n / sizeof(*some); i++)
			if (lp_vec_push(ret, some[i]) < 0)
				return -ENOMEM;
	return n < 0 ? -errno : 0;
}

int lp_registers_read(struct lp_registers *r, pid_t pid, struct lp_registers_list *ret,
		      struct lp_err *err)
{
	union bpf_iter_link_info info = { .task = { .pid = (__u32)pid } };
	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info, .link_info_len = sizeof(info));
	struct bpf_link *link = bpf_program__attach_iter(r->skel->progs.lp_each_thread, &opts);
	int e = link ? 0 : -errno;

	if (e == 0) {
		lp_auto(lp_close) int fd = bpf_iter_create(bpf_link__fd(link));

		e = fd < 0 ? -errno : read_all(fd, ret);
	}
	bpf_link__destroy(link);
	if (e == -EPERM || e == -EACCES)
		return lp_err_permission(err, e, "read the registers of threads");
	return e < 0 ? lp_err_set(err, -e, "the registers of process %d: %s", (int)pid,
				  strerror(-e))
		     : 0;
}

int lp_registers_sample(struct lp_registers *r, pid_t tid, const struct lp_stack_sample **ret)
{
	const struct timespec look = { .tv_nsec = LOOK };
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = TICK,
		.disabled = 1,
	};
	lp_auto(lp_close) int fd =
		(int)syscall(SYS_perf_event_open, &attr, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
	volatile __u32 *state = &r->sample->state;

	if (fd < 0)
		return -errno;
	*state = LP_SAMPLE_WANTED;
	if (ioctl(fd, PERF_EVENT_IOC_SET_BPF, bpf_program__fd(r->skel->progs.lp_tick)) < 0 ||
	    ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) < 0)
		return -errno;
	for (int i = 0; i < PATIENCE && *state != LP_SAMPLE_TAKEN; i++)
		nanosleep(&look, NULL);
	ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
	*ret = r->sample;
	return *state == LP_SAMPLE_TAKEN ? 0 : -EAGAIN;
}
