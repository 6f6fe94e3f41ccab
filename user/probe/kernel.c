// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "lp/hold.h"
#include "probe/kernel.h"

#define DEFAULT_RING (8u << 20)
#define RING_MIN     (1u << 20) /* each, of those */
#define RING_CPUS    4
#define COST_POINTS  1u /* room for lp_costs_measure() */
#define COST_SITES   4u
#define COST_CODE    32u

static int share(struct lp_shared_map *m, const struct bpf_map *map, struct lp_err *err)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t item = (bpf_map__value_size(map) + 7u) & ~7u;

	m->size = (item * bpf_map__max_entries(map) + page - 1) & ~(page - 1);
	m->data = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	if (m->data != MAP_FAILED)
		return 0;
	m->data = NULL;
	return lp_err_set(err, errno, "cannot map '%s': %s", bpf_map__name(map), strerror(errno));
}

static void unshare_map(struct lp_shared_map *m)
{
	if (m->data)
		munmap(m->data, m->size);
}

int lp_kernel_map(struct lp_kernel *k, struct lp_err *err)
{
	const struct lp_native *n = &k->native;
	int r;

	if ((r = share(&k->code, n->code, err)) < 0 || (r = share(&k->sites, n->sites, err)) < 0 ||
	    (r = share(&k->points, n->points, err)) < 0)
		return r;
	return share(&k->counts, n->counts, err);
}

static void choose_rings(struct lp_kernel_conf *c)
{
	const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	uint32_t all = c->ring_size ? c->ring_size : DEFAULT_RING, each = all;

	if (!c->n_rings)
		c->n_rings = cpus > RING_CPUS ? (uint32_t)(cpus + RING_CPUS - 1) / RING_CPUS : 1;
	if (c->n_rings > LP_RINGS_MAX)
		c->n_rings = LP_RINGS_MAX;
	while (each > all / c->n_rings && each > (c->ring_size ? 1u : RING_MIN))
		each /= 2;
	c->ring_size = each;
}

int lp_kernel_settle(struct lp_kernel *k, struct lp_err *err)
{
	return lp_beside_settle(&k->beside, err);
}

int lp_kernel_make(const struct lp_kernel_conf *conf, struct lp_kernel **ret, struct lp_err *err)
{
	int cpus = libbpf_num_possible_cpus();

	if (cpus < 1)
		return lp_err_set(err, -cpus, "cannot count the CPUs: %s", strerror(-cpus));
	if (conf->max_points > LP_POINTS_MAX || conf->max_sites > LP_SITES_MAX ||
	    conf->max_code > LP_CODE_MAX)
		return lp_err_set(err, E2BIG, "too many logpoints for one session");

	lp_auto(lp_kernel_free) struct lp_kernel *k = calloc(1, sizeof(*k));
	if (!k)
		return lp_err_nomem(err);
	k->conf = *conf;
	lp_beside_init(&k->beside, k);
	k->cpus = (uint32_t)cpus;
	k->cost_point = LP_NO_COST_POINT;
	k->conf.max_points += COST_POINTS;
	k->conf.max_sites += COST_SITES;
	k->conf.max_code += COST_CODE;
	if (!k->conf.max_targets || k->conf.max_targets > LP_TARGETS_MAX)
		k->conf.max_targets = LP_TARGETS_MAX;
	choose_rings(&k->conf);
	if (!k->conf.record_max || k->conf.record_max > LP_RECORD_MAX)
		k->conf.record_max = LP_RECORD_MAX;

	*ret = lp_take(k);
	return 0;
}

int lp_kernel_load(struct lp_kernel *k, struct lp_err *err)
{
	const struct lp_kernel_conf *conf = &k->conf;
	const char *function = lp_direct_begin();
	int r;

	lp_prepare_begin();
	if ((r = lp_beside_begin(&k->beside, err)) < 0)
		return r;
	k->multi = !conf->single_links && lp_have_uprobe_multi(NULL, 0);
	k->beside.types = lp_btf_extract(function, &k->numbers);
	lp_direct_found(&k->numbers);
	lp_beside_reach(&k->beside, LP_STAGE_TYPES);
	if ((r = lp_programs_load(k, err)) < 0 ||
	    (!conf->lives_later && (r = lp_kernel_settle(k, err)) < 0) ||
	    (conf->crash && (r = lp_crash_load(k, k->beside.types, err)) < 0))
		return r;
	return lp_beside_await(&k->beside, LP_STAGE_MAPPED) ? 0 : lp_beside_end(&k->beside, err);
}

int lp_kernel_new(const struct lp_kernel_conf *conf, struct lp_kernel **ret, struct lp_err *err)
{
	lp_auto(lp_kernel_free) struct lp_kernel *k = NULL;
	int r = lp_kernel_make(conf, &k, err);

	if (r >= 0)
		r = lp_kernel_load(k, err);
	if (r < 0)
		return r;
	*ret = lp_take(k);
	return 0;
}

void lp_kernel_free(struct lp_kernel *k)
{
	if (!k)
		return;
	lp_beside_reach(&k->beside, LP_STAGE_GIVEN_UP);
	lp_fault_free(k);
	lp_beside_done(&k->beside);
	for (uint32_t i = 0; i < k->conf.n_rings; i++)
		lp_ring_close(&k->rings[i]);
	unshare_map(&k->counts);
	unshare_map(&k->points);
	unshare_map(&k->sites);
	unshare_map(&k->code);
	lp_programs_free(k);
	lp_vec_done(&k->watches);
	lp_vec_done(&k->watched);
	lp_vec_done(&k->watch_bytes);
	lp_vec_done(&k->placed);
	lp_vec_done(&k->rooms);
	lp_vec_done(&k->free_runtimes);
	lp_vec_done(&k->wanted);
	lp_vec_done(&k->targets);
	free(k);
}

int lp_kernel_add_point(struct lp_kernel *k, const struct lp_point *p, uint32_t *ret_id,
			struct lp_err *err)
{
	if (k->n_points == k->conf.max_points)
		return lp_err_set(err, ENOSPC, "no room for more than %u logpoints", k->n_points);

	struct lp_point *to = (struct lp_point *)k->points.data + k->n_points;
	*to = *p;
	to->passed = to->tickets = to->window = 0;
	to->logged = to->reported = 0;
	*ret_id = k->n_points++;
	return 0;
}

int lp_kernel_add_site(struct lp_kernel *k, uint32_t point, enum lp_site_kind kind, uint64_t vaddr,
		       uint32_t pair, const struct lp_insn *code, size_t n, uint32_t *ret_id,
		       struct lp_err *err)
{
	if (point >= k->n_points || n > LP_SITE_CODE_MAX)
		return lp_err_set(err, EINVAL, "no such logpoint, or a program too long");
	uint32_t id;
	int r = lp_parts_of(kind, code, n) & ~k->parts & ~(uint32_t)LP_PART_QUICK
			? lp_programs_grow(k, err)
			: 0;
	if (r >= 0)
		r = lp_room_take(k, n, &id, err);
	if (r < 0)
		return r;

	const uint32_t at = k->rooms.data[id].code;
	struct lp_quick quick = { 0 };
	if (kind == LP_SITE_PLAIN)
		lp_quick_of(code, n, vaddr, &quick);
	memcpy((struct lp_insn *)k->code.data + at, code, n * sizeof(*code));
	((struct lp_site *)k->sites.data)[id] = (struct lp_site){
		.point = point,
		.kind = kind,
		.code = at,
		.ninsn = (uint32_t)n,
		.vaddr = vaddr,
		.pair = pair,
		.quick = quick,
	};
	*ret_id = id;
	return 0;
}

void lp_kernel_shift_site(struct lp_kernel *k, uint32_t site, int16_t ip, int16_t sp)
{
	struct lp_site *s = &((struct lp_site *)k->sites.data)[site];
	struct lp_quick quick = { 0 };

	s->ip_shift = ip;
	s->sp_shift = sp;
	if (s->kind != LP_SITE_PLAIN)
		return;
	lp_quick_of((struct lp_insn *)k->code.data + s->code, s->ninsn,
		    s->vaddr - (uint64_t)(int64_t)ip, &quick);
	if (quick.reg == LP_MACHINE_STACK && sp)
		quick = (struct lp_quick){ 0 };
	s->quick = quick;
}

/* With one target, and none to come by itself, the kernel side compares instead of looking up. */
static void note_only_target(struct lp_kernel *k)
{
	bool one = k->targets.len == 1 && !k->conf.follow && !k->conf.exe_ino &&
		   k->conf.filter == LP_FILTER_TARGETS;

	k->native.live->only_tgid = one ? (uint32_t)k->targets.data[0] : 0;
}

void lp_kernel_set_cgroup(struct lp_kernel *k, uint64_t id)
{
	k->native.live->cgroup = id;
}

static void read_hold(const struct lp_kernel *k, struct lp_hold *ret)
{
	uint32_t first = 0;

	if (bpf_map_lookup_elem(lp_life_hold_fd(k), &first, ret) < 0)
		*ret = (struct lp_hold){ 0 };
}

void lp_kernel_set_hold(struct lp_kernel *k, const struct lp_hold *hold)
{
	struct lp_hold now, set = *hold;
	uint32_t first = 0;

	read_hold(k, &now);
	set.held = now.held;
	bpf_map_update_elem(lp_life_hold_fd(k), &first, &set, BPF_ANY);
}

uint32_t lp_kernel_held(const struct lp_kernel *k)
{
	struct lp_hold now;

	read_hold(k, &now);
	return now.held;
}

static bool is_target(const struct lp_kernel *k, pid_t tgid)
{
	lp_vec_each (&k->targets, t)
		if (*t == tgid)
			return true;
	return false;
}

/* What hits remember of a target is not so any more. */
static void note_change(struct lp_kernel *k)
{
	__atomic_fetch_add(&k->native.live->lives, 1, __ATOMIC_SEQ_CST);
}

int lp_kernel_set_target(struct lp_kernel *k, pid_t tgid, uint32_t runtime, struct lp_err *err)
{
	int map = bpf_map__fd(k->native.targets);
	uint32_t key = (uint32_t)tgid;
	bool is_new = !is_target(k, tgid);

	if (is_new && lp_vec_push(&k->targets, tgid) < 0)
		return lp_err_nomem(err);
	/* a child that the kernel side has added is known to have its parent's interpreter */
	int r = bpf_map_update_elem(map, &key, &runtime, runtime ? BPF_ANY : BPF_NOEXIST);
	if (r < 0 && errno != EEXIST) {
		k->targets.len -= is_new;
		return lp_err_set(err, errno, "process %d: cannot be added to the targets: %s",
				  (int)tgid, strerror(errno));
	}
	note_only_target(k);
	note_change(k);
	return 0;
}

bool lp_kernel_knows_python(const struct lp_kernel *k, pid_t tgid)
{
	uint32_t key = (uint32_t)tgid, runtime = 0;

	return bpf_map_lookup_elem(bpf_map__fd(k->native.targets), &key, &runtime) == 0 && runtime;
}

int lp_kernel_add_target(struct lp_kernel *k, pid_t tgid, struct lp_err *err)
{
	return lp_kernel_set_target(k, tgid, 0, err);
}

int lp_kernel_remove_target(struct lp_kernel *k, pid_t tgid)
{
	uint32_t key = (uint32_t)tgid;

	for (size_t i = 0; i < k->targets.len; i++)
		if (k->targets.data[i] == tgid) {
			k->targets.data[i] = k->targets.data[--k->targets.len];
			break;
		}
	note_only_target(k);
	int r = bpf_map_delete_elem(bpf_map__fd(k->native.targets), &key) < 0 ? -errno : 0;
	note_change(k);
	return r;
}

int lp_kernel_counts(struct lp_kernel *k, uint32_t point, struct lp_counts *ret, struct lp_err *err)
{
	if (point >= k->n_points)
		return lp_err_set(err, EINVAL, "no such logpoint");

	struct lp_counts sum = { 0 };
	for (uint32_t slot = 0; slot < k->cpus * LP_SLOTS_PER_CPU; slot++) {
		const struct lp_counts *c = (struct lp_counts *)k->counts.data +
					    (size_t)slot * k->conf.max_points + point;

		sum.logged += c->logged;
		sum.filtered += c->filtered + c->quick;
		sum.quick += c->quick;
		sum.limited += c->limited;
		sum.cond_errors += c->cond_errors;
		for (int i = 0; i < LP_LOSS_COUNT; i++)
			sum.lost[i] += c->lost[i];
	}
	sum.hits = sum.logged + sum.filtered + sum.limited;
	for (int i = 0; i < LP_LOSS_COUNT; i++)
		sum.hits += sum.lost[i];
	*ret = sum;
	return 0;
}

struct drain {
	uint32_t cost_point;
	int (*fn)(const void *record, size_t len, void *arg);
	void *arg;
};

static int on_record(const void *record, size_t len, void *arg)
{
	const struct drain *d = arg;
	const struct lp_record *rec = record;

	return rec->point == d->cost_point ? 0 : d->fn(record, len, d->arg);
}

int lp_kernel_drain(struct lp_kernel *k, uint64_t now,
		    int (*fn)(const void *record, size_t len, void *arg), void *arg,
		    uint64_t *ret_until)
{
	struct drain d = { k->cost_point, fn, arg };

	return lp_rings_drain(k->rings, k->conf.n_rings, now, on_record, &d, ret_until);
}

int lp_kernel_fd(struct lp_kernel *k)
{
	return bpf_map__fd(k->native.ring);
}

bool lp_kernel_sleep(struct lp_kernel *k)
{
	volatile uint32_t *sleeping = &k->native.live->sleeping;

	*sleeping = 1;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (uint32_t i = 0; i < k->conf.n_rings; i++) {
		if (lp_ring_is_empty(&k->rings[i]))
			continue;
		*sleeping = 0;
		return false;
	}
	return true;
}

void lp_kernel_awake(struct lp_kernel *k)
{
	k->native.live->sleeping = 0;
}
