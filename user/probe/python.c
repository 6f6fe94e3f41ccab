// SPDX-License-Identifier: GPL-2.0-only
/* Interpreters and Python sites. Sites at one byte are a chain, which the kernel side follows by
 * number: it is written anew, from its end, whenever a site comes or goes.
 */
#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "probe/kernel.h"

#include "logpoint.skel.h"

bool lp_kernel_has_python(const struct lp_kernel *k)
{
	return k->conf.python_watch || k->conf.python_steps || k->conf.python_traps ||
	       k->conf.python_hooks || k->conf.python_stack;
}

bool lp_kernel_has_watch(const struct lp_kernel *k)
{
	return k->conf.python_watch;
}

bool lp_kernel_has_steps(const struct lp_kernel *k)
{
	return k->conf.python_steps;
}

int lp_kernel_set_runtime(struct lp_kernel *k, uint32_t id, const struct lp_py_runtime *rt,
			  struct lp_err *err)
{
	if (bpf_map_update_elem(bpf_map__fd(k->skel->maps.py_runtimes), &id, rt, BPF_ANY) < 0)
		return lp_err_set(err, errno, "cannot tell the kernel of an interpreter: %s",
				  strerror(errno));
	k->skel->bss->lp_py_changes++;
	return 0;
}

static int take_number(struct lp_kernel *k, uint32_t *ret, struct lp_err *err)
{
	if (k->free_runtimes.len) {
		*ret = k->free_runtimes.data[--k->free_runtimes.len];
		return 0;
	}
	if (k->watch_bytes.len == LP_PY_RUNTIMES_MAX)
		return lp_err_set(err, ENOSPC, "more than %u interpreters at once",
				  LP_PY_RUNTIMES_MAX);
	if (lp_vec_reserve(&k->free_runtimes, k->watch_bytes.len + 1) < 0 ||
	    lp_vec_push(&k->watch_bytes, 0) < 0)
		return lp_err_nomem(err);
	*ret = (uint32_t)k->watch_bytes.len - 1;
	return 0;
}

int lp_kernel_add_runtime(struct lp_kernel *k, const struct lp_py_runtime *rt, uint32_t *ret_id,
			  struct lp_err *err)
{
	uint32_t id = 0;

	if (!lp_kernel_has_python(k))
		return lp_err_set(
			err, EINVAL,
			"it runs Python, which nothing did or was said to when logging "
			"began: start logpoint again, or name a line of it (FILE.py:LINE)");
	int r = take_number(k, &id, err);
	if (r < 0)
		return r;
	r = lp_kernel_set_runtime(k, id, rt, err);
	if (r < 0) {
		lp_kernel_drop_runtime(k, id);
		return r;
	}
	k->watch_bytes.data[id] = (uint8_t)rt->layout.watch_byte;
	*ret_id = id;
	return 0;
}

static void forget_wanted(struct lp_kernel *k, uint32_t runtime)
{
	size_t kept = 0;

	lp_vec_each (&k->wanted, key) {
		if (key->runtime != runtime)
			k->wanted.data[kept++] = *key;
		else
			bpf_map_delete_elem(bpf_map__fd(k->skel->maps.py_wanted), key);
	}
	k->wanted.len = kept;
}

int lp_kernel_want_class(struct lp_kernel *k, uint32_t runtime, uint64_t hash, uint64_t sites,
			 bool is_flow, struct lp_err *err)
{
	struct lp_py_wanted_key key = { .hash = hash, .runtime = runtime };
	int map = bpf_map__fd(k->skel->maps.py_wanted);
	struct lp_py_wanted now = { 0 }, set;

	bool is_new = bpf_map_lookup_elem(map, &key, &now) < 0;
	set = now;
	set.sites |= sites;
	set.is_flow |= is_flow;
	if (!is_new && !memcmp(&set, &now, sizeof(now)))
		return 0;
	if (is_new && lp_vec_push(&k->wanted, key) < 0)
		return lp_err_nomem(err);
	if (bpf_map_update_elem(map, &key, &set, BPF_ANY) < 0)
		return lp_err_set(err, errno, "no room for more names of classes: %s",
				  strerror(errno));
	k->skel->bss->lp_py_changes++; /* what was found of classes is not so any more */
	return 0;
}

int lp_kernel_set_hook(struct lp_kernel *k, uint32_t runtime, uint32_t trap,
		       const struct lp_py_hook *hook, struct lp_err *err)
{
	struct lp_py_hook_key key = { .runtime = runtime, .trap = trap };

	if (bpf_map_update_elem(bpf_map__fd(k->skel->maps.py_hooks), &key, hook, BPF_ANY) < 0)
		return lp_err_set(err, errno, "no room for more interpreters: %s", strerror(errno));
	return 0;
}

static void forget_hooks(struct lp_kernel *k, uint32_t runtime)
{
	for (uint32_t trap = 0; k->conf.python_hooks && trap < LP_PY_TRAP_COUNT; trap++) {
		struct lp_py_hook_key key = { .runtime = runtime, .trap = trap };

		bpf_map_delete_elem(bpf_map__fd(k->skel->maps.py_hooks), &key);
	}
}

uint64_t lp_kernel_trap_runs(struct lp_kernel *k, uint32_t trap)
{
	lp_auto(lp_free) uint64_t *runs = calloc(k->cpus, sizeof(*runs));
	uint64_t sum = 0;

	if (!runs || bpf_map_lookup_elem(bpf_map__fd(k->skel->maps.py_trap_runs), &trap, runs) < 0)
		return 0;
	for (uint32_t i = 0; i < k->cpus; i++)
		sum += runs[i];
	return sum;
}

/* There is room: take_number() has made it. */
void lp_kernel_drop_runtime(struct lp_kernel *k, uint32_t id)
{
	forget_wanted(k, id);
	forget_hooks(k, id);
	k->free_runtimes.data[k->free_runtimes.len++] = id;
}

int lp_kernel_add_fetch(struct lp_kernel *k, uint32_t runtime, uint64_t ip,
			const struct lp_py_fetch *fetch, struct lp_err *err)
{
	struct lp_py_fetch_key key = { .ip = ip, .runtime = runtime };

	if (bpf_map_update_elem(bpf_map__fd(k->skel->maps.py_fetches), &key, fetch, BPF_ANY) < 0)
		return lp_err_set(err, errno, "no room for more interpreters: %s", strerror(errno));
	k->skel->bss->lp_py_changes++;
	return 0;
}

int lp_kernel_hide_name(struct lp_kernel *k, uint64_t hash, struct lp_err *err)
{
	uint8_t hidden = 1;

	if (bpf_map_update_elem(bpf_map__fd(k->skel->maps.py_redacted), &hash, &hidden, BPF_ANY) <
	    0)
		return lp_err_set(err, errno, "no room for more names to redact: %s",
				  strerror(errno));
	return 0;
}

static struct lp_py_placed *placed_by_number(struct lp_kernel *k, uint32_t site)
{
	lp_vec_each (&k->placed, p)
		if (p->number == site)
			return p;
	return NULL;
}

/* The sites at one byte, the latest first; 0 to begin with. */
static struct lp_py_placed *next_placed(struct lp_kernel *k, uint64_t addr, uint32_t runtime,
					struct lp_py_placed *after)
{
	struct lp_py_placed *end = after ? after : k->placed.data + k->placed.len;

	while (end-- > k->placed.data)
		if (end->addr == addr && end->site.runtime == runtime &&
		    !(end->site.flags & LP_PY_SITE_STEPS))
			return end;
	return NULL;
}

static int write_chain(struct lp_kernel *k, uint64_t addr, uint32_t runtime)
{
	int sites = bpf_map__fd(k->skel->maps.py_sites);
	int places = bpf_map__fd(k->skel->maps.py_places);
	struct lp_py_place_key key = { .addr = addr, .runtime = runtime };
	struct lp_py_placed *p = NULL, *first = NULL;

	while ((p = next_placed(k, addr, runtime, p))) {
		p->site.next = first ? first->number + 1 : 0;
		if (bpf_map_update_elem(sites, &p->number, &p->site, BPF_ANY) < 0)
			return -errno;
		first = p;
	}
	int r = first ? bpf_map_update_elem(places, &key, &first->number, BPF_ANY)
		      : bpf_map_delete_elem(places, &key);
	if (r < 0)
		return -errno;
	k->skel->bss->lp_py_changes++; /* what hits remember of places is not so any more */
	return 0;
}

static int note_code(struct lp_kernel *k, const struct lp_py_site *site)
{
	struct lp_py_place_key key = { .addr = site->code, .runtime = site->runtime };
	uint8_t has = 1;

	return bpf_map_update_elem(bpf_map__fd(k->skel->maps.py_codes), &key, &has, BPF_ANY) < 0
		       ? -errno
		       : 0;
}

static void forget_code(struct lp_kernel *k, const struct lp_py_site *site)
{
	struct lp_py_place_key key = { .addr = site->code, .runtime = site->runtime };

	lp_vec_each (&k->placed, p)
		if (p->site.code == site->code && p->site.runtime == site->runtime)
			return;
	bpf_map_delete_elem(bpf_map__fd(k->skel->maps.py_codes), &key);
}

int lp_kernel_add_python_site(struct lp_kernel *k, uint32_t point, enum lp_site_kind kind,
			      const struct lp_py_site *py, uint32_t pair,
			      const struct lp_insn *code, size_t n, uint32_t *ret_id,
			      struct lp_err *err)
{
	uint32_t id = 0;

	if (py->runtime >= k->watch_bytes.len)
		return lp_err_set(err, EINVAL, "a Python place of an unknown interpreter");
	int r = lp_kernel_add_site(k, point, kind, 0, pair, code, n, &id, err);
	if (r < 0)
		return r;
	struct lp_py_placed placed = {
		.number = id,
		.addr = py->unit,
		.site = *py,
	};
	if (!(py->flags & LP_PY_SITE_TRAP))
		placed.addr += k->watch_bytes.data[py->runtime];
	if (lp_vec_push(&k->placed, placed) < 0)
		return lp_err_nomem(err);
	r = py->code ? note_code(k, py) : 0;
	if (r < 0)
		return lp_err_set(err, -r, "no room for more Python places: %s", strerror(-r));
	if (py->flags & LP_PY_SITE_STEPS)
		r = bpf_map_update_elem(bpf_map__fd(k->skel->maps.py_sites), &id, py, BPF_ANY) < 0
			    ? -errno
			    : 0;
	else
		r = write_chain(k, placed.addr, py->runtime);
	if (r < 0)
		return lp_err_set(err, -r, "no room for more Python places: %s", strerror(-r));
	*ret_id = id;
	return 0;
}

void lp_kernel_drop_python_site(struct lp_kernel *k, uint32_t site)
{
	struct lp_py_placed *p = placed_by_number(k, site);

	if (!p)
		return;
	struct lp_py_placed gone = *p;
	size_t after = k->placed.len - (size_t)(p - k->placed.data) - 1;
	memmove(p, p + 1, after * sizeof(*p));
	k->placed.len--;
	forget_code(k, &gone.site);
	if (!(gone.site.flags & LP_PY_SITE_STEPS))
		write_chain(k, gone.addr, gone.site.runtime);
}

int lp_kernel_add_python_target(struct lp_kernel *k, pid_t tgid, uint32_t runtime,
				struct lp_err *err)
{
	return lp_kernel_set_target(k, tgid, runtime + 1, err);
}
