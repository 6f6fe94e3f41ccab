/* SPDX-License-Identifier: GPL-2.0-only */
/* bpf/core.h
 *
 * core - what is used of the kernel's own types. Offsets come from the running kernel's BTF at load
 * time (CO-RE); a member that a kernel lacks is asked for with bpf_core_field_exists().
 */
#ifndef LP_BPF_CORE_H
#define LP_BPF_CORE_H

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct thread_struct {
	unsigned long fsbase;
};

struct uprobe_task {
	unsigned int depth; /* return probes of this thread that wait for their return */
};

struct atomic_t_counter {
	int counter;
};

struct list_head {
	struct list_head *next;
};

struct perf_event_attr {
	__u64 config;
	__u64 bp_addr;
};

struct perf_event {
	struct list_head event_entry; /* of its context's events */
	struct perf_event_attr attr;
	int oncpu; /* where it is switched on; -1: it is not */
	struct perf_event_context *ctx;
	struct bpf_prog *prog;
};

/* The events of a thread, or of a processor. */
struct perf_event_context {
	struct list_head event_list;
	struct task_struct *task; /* NULL: of a processor */
};

struct sigpending {
	struct list_head list;
};

struct signal_struct {
	struct atomic_t_counter live; /* threads that have not exited */
	struct sigpending shared_pending;
	int group_exit_code;
	unsigned int flags;
};

struct super_block {
	unsigned int s_dev;
};

struct inode {
	unsigned long i_ino;
	struct super_block *i_sb;
};

struct file {
	struct inode *f_inode;
};

struct vm_area_struct {
	unsigned long vm_start, vm_end, vm_pgoff, vm_flags;
	struct mm_struct *vm_mm;
	struct file *vm_file;
};

struct maple_tree {
	void *ma_root;
};

struct linux_binprm {
	struct file *file;
};

struct ns_common {
	unsigned int inum;
};

struct pid_namespace {
	struct ns_common ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct mm_struct {
	struct maple_tree mm_mt; /* of the mappings */
	void *pgd;		 /* where its page tables begin */
	unsigned long env_end;
};

struct task_struct {
	struct mm_struct *mm;
	unsigned long long start_time;
	int on_cpu;
	unsigned long nvcsw, nivcsw; /* how often it has left a CPU, by itself or not */
	int pid;
	int tgid;
	struct task_struct *group_leader;
	struct signal_struct *signal;
	struct sigpending pending;
	struct pid *thread_pid;
	struct uprobe_task *utask;
	char comm[16];
	struct thread_struct thread;
	struct perf_event_context *perf_event_ctxp;
};

/* Before 6.2 */
struct task_struct___before_6_2 {
	struct perf_event_context *perf_event_ctxp[2]; /* by enum perf_event_task_context */
};

#pragma clang attribute pop

#endif
