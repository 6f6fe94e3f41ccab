// SPDX-License-Identifier: GPL-2.0-only
/* The few kernel types of bpf/core.h out of the running kernel's 150,000. libbpf would copy them all,
 * index the copy and search it once for each of our types: 30 ms of each start. They lie among the
 * first 2,000, those of the kernel's first source file, so the rest is not even looked at.
 *
 * Format: the kernel's Documentation/bpf/btf.rst. Modifiers are left out, pointers become `void *`,
 * members of unnamed structs become the outer one's; for CO-RE that is the same.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probe/kernel.h"

#define VMLINUX	    "/sys/kernel/btf/vmlinux"
#define REGISTERS   "pt_regs"
#define MEMBERS_MAX 16
#define DEPTH_MAX   8
#define MARK_EVERY  64 /* types: how far to walk for one by its number */

static const struct wanted {
	const char *name, *members[MEMBERS_MAX];
} wanted[] = {
	{ "thread_struct", { "fsbase" } },
	{ "uprobe_task", { "depth" } },
	{ "perf_event_attr", { "config", "bp_addr" } },
	{ "perf_event", { "event_entry", "attr", "oncpu", "ctx", "prog" } },
	{ "perf_event_context", { "event_list", "task" } },
	{ "list_head", { "next" } },
	{ "sigpending", { "list" } },
	{ "signal_struct", { "live", "shared_pending", "group_exit_code", "flags" } },
	{ "super_block", { "s_dev" } },
	{ "inode", { "i_ino", "i_sb" } },
	{ "file", { "f_inode" } },
	{ "vm_area_struct", { "vm_start", "vm_end", "vm_pgoff", "vm_flags", "vm_mm", "vm_file" } },
	{ "maple_tree", { "ma_root" } },
	{ "linux_binprm", { "file" } },
	{ "ns_common", { "inum" } },
	{ "pid_namespace", { "ns" } },
	{ "upid", { "nr", "ns" } },
	{ "pid", { "level", "numbers" } },
	{ "mm_struct", { "mm_mt", "pgd", "env_end" } },
	{ REGISTERS, { "r15" } },
	{ "task_struct",
	  { "mm", "start_time", "pid", "tgid", "group_leader", "signal", "pending", "thread_pid",
	    "utask", "comm", "thread", "nvcsw", "nivcsw", "on_cpu", "perf_event_ctxp" } },
};

/* The kernel's, as it lies there. */
struct source {
	uint8_t *data;
	size_t size;
	const char *strings;
	uint32_t strings_len;
	const uint8_t *first, *end;	       /* types */
	const uint8_t *at;		       /* from here on they were not looked at yet */
	uint32_t n_types;		       /* that were */
	LP_VEC(const struct btf_type *) marks; /* each MARK_EVERY-th of them */
	const struct btf_type *found[LP_ARRAY_SIZE(wanted)];
	size_t n_found;
	uint32_t registers_id;
};

static void source_done(struct source *s)
{
	lp_vec_done(&s->marks);
	if (s->data)
		munmap(s->data, s->size);
}
LP_CLEANUP_DONE(struct source, source_done)

/* Kernels before 6.16 let it be read only. */
static int source_read(struct source *s)
{
	lp_auto(lp_close) int fd = open(VMLINUX, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size <= 0)
		return -1;
	s->size = (size_t)st.st_size;
	s->data = mmap(NULL, s->size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (s->data != MAP_FAILED)
		return 0;
	s->data = mmap(NULL, s->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->data == MAP_FAILED) {
		s->data = NULL;
		return -1;
	}
	for (size_t at = 0; at < s->size;) {
		ssize_t n = read(fd, s->data + at, s->size - at);

		if (n <= 0)
			return -1;
		at += (size_t)n;
	}
	return 0;
}

/* Bytes of a type's description. */
static size_t length_of(const struct btf_type *t)
{
	static const uint8_t fixed[] = {
		[BTF_KIND_INT] = 4,	 [BTF_KIND_ARRAY] = 12, [BTF_KIND_VAR] = 4,
		[17 /* DECL_TAG */] = 4, [19 /* ENUM64 */] = 0,
	};
	static const uint8_t each[] = {
		[BTF_KIND_STRUCT] = 12,	   [BTF_KIND_UNION] = 12,   [BTF_KIND_ENUM] = 8,
		[BTF_KIND_FUNC_PROTO] = 8, [BTF_KIND_DATASEC] = 12, [19 /* ENUM64 */] = 12,
	};
	uint32_t kind = btf_kind(t);

	if (kind == BTF_KIND_UNKN || kind >= LP_ARRAY_SIZE(each))
		return 0;
	return sizeof(*t) + fixed[kind] + (size_t)each[kind] * btf_vlen(t);
}

static const char *name_at(const struct source *s, uint32_t off)
{
	return off < s->strings_len ? s->strings + off : "";
}

static const struct wanted *wanted_by_name(const char *name)
{
	for (size_t i = 0; i < LP_ARRAY_SIZE(wanted); i++)
		if (*wanted[i].name == *name && !strcmp(wanted[i].name, name))
			return &wanted[i];
	return NULL;
}

/* Of several with one name the first is the core kernel's. */
static void note_wanted(struct source *s, const struct btf_type *t)
{
	const struct wanted *w = btf_is_struct(t) ? wanted_by_name(name_at(s, t->name_off)) : NULL;

	if (!w || s->found[w - wanted])
		return;
	s->found[w - wanted] = t;
	s->n_found++;
	if (!strcmp(w->name, REGISTERS))
		s->registers_id = s->n_types;
}

/* < 0: there is no further type, or none that can be understood. */
static int next_type(struct source *s)
{
	const struct btf_type *t = (const void *)s->at;
	size_t left = (size_t)(s->end - s->at);
	size_t len = left < sizeof(*t) ? 0 : length_of(t);

	if (!len || len > left || (s->n_types % MARK_EVERY == 0 && lp_vec_push(&s->marks, t) < 0))
		return -1;
	s->n_types++;
	s->at += len;
	note_wanted(s, t);
	return 0;
}

/* A whole one; NULL: there is none such. */
static const char *find_name(const struct source *s, const char *name)
{
	const char *at = s->strings, *end = at + s->strings_len;

	do
		at = memmem(at + 1, (size_t)(end - at - 1), name, strlen(name) + 1);
	while (at && at[-1]);
	return at;
}

/* 0: there is none. By where its name is, so that no other name is read: four times as quick. */
static uint32_t find_function(const struct source *s, const char *name)
{
	const char *called = find_name(s, name);
	uint32_t id = 0;

	if (!called)
		return 0;
	for (const uint8_t *at = s->first; s->end - at >= (ptrdiff_t)sizeof(struct btf_type);) {
		const struct btf_type *t = (const void *)at;
		const size_t size = length_of(t);

		if (!size || size > (size_t)(s->end - at))
			return 0;
		id++;
		if (t->name_off == (uint32_t)(called - s->strings) && btf_is_func(t))
			return id;
		at += size;
	}
	return 0;
}

static int source_open(struct source *s)
{
	const struct btf_header *h = (const void *)s->data;

	if (s->size < sizeof(*h) || h->magic != BTF_MAGIC || h->hdr_len > s->size ||
	    h->str_off > s->size - h->hdr_len || h->str_len > s->size - h->hdr_len - h->str_off ||
	    h->type_off > s->size - h->hdr_len || h->type_len > s->size - h->hdr_len - h->type_off)
		return -1;
	s->strings = (const char *)s->data + h->hdr_len + h->str_off;
	s->strings_len = h->str_len;
	if (!s->strings_len || s->strings[s->strings_len - 1])
		return -1;
	s->at = s->first = s->data + h->hdr_len + h->type_off;
	s->end = s->at + h->type_len;
	return 0;
}

/* Numbers begin at 1; 0 is void. */
static const struct btf_type *type_by_number(struct source *s, uint32_t id)
{
	while (s->n_types < id)
		if (next_type(s) < 0)
			return NULL;
	if (!id)
		return NULL;

	const uint8_t *at = (const uint8_t *)s->marks.data[(id - 1) / MARK_EVERY];
	for (uint32_t i = 0; i < (id - 1) % MARK_EVERY; i++)
		at += length_of((const void *)at);
	return (const void *)at;
}

static const struct btf_type *type_at(struct source *s, uint32_t id)
{
	for (int i = 0; i < 16; i++) {
		const struct btf_type *t = type_by_number(s, id);

		if (!t || !(btf_is_typedef(t) || btf_is_mod(t) || btf_is_type_tag(t)))
			return t;
		id = t->type;
	}
	return NULL;
}

static bool is_wanted(const struct wanted *w, const char *member)
{
	if (!w)
		return true;
	for (size_t i = 0; i < MEMBERS_MAX && w->members[i]; i++)
		if (!strcmp(w->members[i], member))
			return true;
	return false;
}

struct members {
	struct {
		const char *name;
		int type;
		uint32_t bit;
	} all[MEMBERS_MAX];
	size_t n;
};

static int copy_type(struct btf *to, struct source *s, const struct btf_type *t, int depth);

static int gather(struct btf *to, struct source *s, const struct wanted *w,
		  const struct btf_type *t, uint32_t base, struct members *ret, int depth)
{
	if (depth > DEPTH_MAX)
		return -1;
	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];
		const struct btf_type *type = type_at(s, m->type);
		uint32_t bit = base + btf_member_bit_offset(t, i);
		const char *name = name_at(s, m->name_off);

		if (!*name && type && btf_is_composite(type)) {
			if (gather(to, s, w, type, bit, ret, depth + 1) < 0)
				return -1;
		} else if (is_wanted(w, name)) {
			int id = copy_type(to, s, type, depth + 1);

			if (id < 0 || ret->n == MEMBERS_MAX || btf_member_bitfield_size(t, i))
				return -1;
			ret->all[ret->n].name = name;
			ret->all[ret->n].type = id;
			ret->all[ret->n++].bit = bit;
		}
	}
	return 0;
}

static int copy_struct(struct btf *to, struct source *s, const struct btf_type *t, int depth)
{
	const char *name = name_at(s, t->name_off);
	struct members m = { 0 };

	if (gather(to, s, wanted_by_name(name), t, 0, &m, depth) < 0)
		return -1;

	int id = btf__add_struct(to, name, t->size);
	for (size_t i = 0; id >= 0 && i < m.n; i++)
		if (btf__add_field(to, m.all[i].name, m.all[i].type, m.all[i].bit, 0) < 0)
			return -1;
	return id;
}

static int copy_type(struct btf *to, struct source *s, const struct btf_type *t, int depth)
{
	if (!t || depth > DEPTH_MAX)
		return -1;
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		return btf__add_int(to, name_at(s, t->name_off), t->size, btf_int_encoding(t));
	case BTF_KIND_PTR:
		return btf__add_ptr(to, 0);
	case BTF_KIND_ARRAY: {
		int index = btf__add_int(to, "int", 4, 0);
		int item = copy_type(to, s, type_at(s, btf_array(t)->type), depth + 1);

		return item < 0 ? -1 : btf__add_array(to, index, item, btf_array(t)->nelems);
	}
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return copy_struct(to, s, t, depth);
	default:
		return -1;
	}
}

static int extract(struct btf *to, struct source *s)
{
	while (s->n_found < LP_ARRAY_SIZE(wanted) && s->at < s->end)
		if (next_type(s) < 0)
			return -1;
	for (size_t i = 0; i < LP_ARRAY_SIZE(wanted); i++)
		if (s->found[i] && copy_struct(to, s, s->found[i], 0) < 0)
			return -1;
	return 0;
}

int lp_btf_extract(const char *function, struct lp_btf_numbers *ret)
{
	lp_auto(source_done) struct source s = { 0 };

	if (source_read(&s) < 0 || source_open(&s) < 0)
		return -1;

	struct btf *to = btf__new_empty();
	if (!to)
		return -1;

	uint32_t size = 0;
	const void *raw = extract(to, &s) < 0 ? NULL : btf__raw_data(to, &size);
	lp_auto(lp_close) int fd = raw ? memfd_create("logpoint-btf", MFD_CLOEXEC) : -1;
	bool written = fd >= 0 && write(fd, raw, size) == (ssize_t)size;

	btf__free(to);
	if (written && ret)
		*ret = (struct lp_btf_numbers){ .function =
							function ? find_function(&s, function) : 0,
						.registers = s.registers_id };
	return written ? lp_take_fd(&fd) : -1;
}
