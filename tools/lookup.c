/* SPDX-License-Identifier: GPL-2.0-only */
/* tools/lookup.c
 *
 * lookup empty|look_up PID FILE OFFSET - attach that program of lookup.bpf.c to an instruction of a
 * process, say "armed", stay until SIGINT, and say how many hits were found to be the target's. What a
 * run of each takes is the kernel's to tell (bpf_stats).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lp/live.h"
#include "lookup.skel.h"
#include "probe/kernel.h"

static struct lookup_bpf *load(pid_t pid, bool multi)
{
	struct lookup_bpf *l = lookup_bpf__open();
	struct bpf_program *p;

	if (!l)
		return NULL;
	l->rodata->lp_fixed.pidns = lp_own_pidns();
	l->data_live->lp_live.only_tgid = (uint32_t)pid;
	bpf_object__for_each_program(p, l->obj)
	{
		if (multi)
			bpf_program__set_expected_attach_type(p, LP_UPROBE_MULTI);
	}
	if (lookup_bpf__load(l) == 0)
		return l;
	lookup_bpf__destroy(l);
	return NULL;
}

/* Ends with the process. */
static int attach(const struct bpf_program *p, bool multi, pid_t pid, const char *path,
		  uint64_t offset)
{
	const uint64_t cookie = 0;

	if (multi)
		return lp_multi_link(bpf_program__fd(p), path, 1, &offset, NULL, &cookie, false,
				     pid);
	return bpf_program__attach_uprobe(p, false, pid, path, offset) ? 0 : -errno;
}

static int stay(const struct lookup_bpf *l)
{
	sigset_t end;
	int signo;

	sigemptyset(&end);
	sigaddset(&end, SIGINT);
	sigprocmask(SIG_BLOCK, &end, NULL);
	printf("armed\n");
	fflush(stdout);
	sigwait(&end, &signo);
	printf("%llu found\n", (unsigned long long)l->bss->found);
	return 0;
}

int main(int argc, char **argv)
{
	const bool multi = lp_have_uprobe_multi(NULL, 0);

	if (argc != 5) {
		fprintf(stderr, "usage: lookup empty|look_up PID FILE OFFSET\n");
		return 2;
	}

	const pid_t pid = atoi(argv[2]);
	struct lookup_bpf *l = load(pid, multi);
	const struct bpf_program *p = l ? bpf_object__find_program_by_name(l->obj, argv[1]) : NULL;
	int r = p ? attach(p, multi, pid, argv[3], strtoull(argv[4], NULL, 0)) : -errno;
	if (r < 0) {
		fprintf(stderr, "lookup: %s %s: %s\n", argv[1], argv[2], strerror(-r));
		lookup_bpf__destroy(l);
		return 1;
	}
	r = stay(l);
	lookup_bpf__destroy(l);
	return r;
}
