// SPDX-License-Identifier: GPL-2.0-only
#include "session/inventory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "lp/crash.h"

static void file_free(struct lp_file *f)
{
	if (!f)
		return;
	lp_module_free(f->module);
	lp_symfile_free(f->symbols);
	if (f->fd >= 0)
		close(f->fd);
	free(f->path);
	free(f->why);
	free(f);
}
LP_CLEANUP(struct lp_file *, file_free)

static void proc_free(struct lp_proc *p)
{
	if (!p)
		return;
	if (p->pidfd >= 0)
		close(p->pidfd);
	lp_process_memory_done(&p->memory);
	lp_vec_done(&p->maps);
	free(p);
}
LP_CLEANUP(struct lp_proc *, proc_free)

static struct lp_proc *proc_new(pid_t pid)
{
	struct lp_proc *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->pidfd = -1;
	p->info.pid = pid;
	lp_process_memory_init(&p->memory, pid);
	return p;
}

void lp_inventory_done(struct lp_inventory *inv)
{
	lp_vec_each (&inv->procs, p)
		proc_free(*p);
	lp_vec_each (&inv->files, f)
		file_free(*f);
	lp_vec_done(&inv->procs);
	lp_vec_done(&inv->files);
	lp_vec_done(&inv->aliases);
}

static struct lp_file *find_alias(struct lp_inventory *inv, dev_t dev, ino_t ino)
{
	lp_vec_each (&inv->aliases, a)
		if (a->ino == ino && a->dev == dev)
			return a->file;
	return NULL;
}

static int file_new(int fd, const char *path, const struct stat *st, struct lp_file **ret,
		    struct lp_err *err)
{
	lp_auto(file_free) struct lp_file *f = calloc(1, sizeof(*f));

	if (!f)
		return lp_err_nomem(err);
	f->fd = -1;
	f->path = strdup(path);
	if (!f->path)
		return lp_err_nomem(err);
	const char *slash = strrchr(f->path, '/');
	f->name = slash ? slash + 1 : f->path;
	snprintf(f->fd_path, sizeof(f->fd_path), "/proc/self/fd/%d", fd);
	f->dev = st->st_dev;
	f->ino = st->st_ino;
	f->fd = fd;
	*ret = lp_take(f);
	return 0;
}

/* What is no ELF file of this machine is kept too, so that it is not tried again. */
static int open_module(struct lp_file *f, const char *root)
{
	struct lp_module_opts opts = { .root = *root ? root : NULL };
	struct lp_elf_info info;
	struct lp_err why = { 0 };

	int r = lp_elf_info(f->fd, &info, &why);
	if (r >= 0) {
		f->dynamic = info.interp[0];
		f->fixed = info.fixed;
		r = lp_module_open(f->fd, f->path, &opts, &f->module, &why);
	}
	if (r < 0) {
		f->why = strdup(why.msg);
		return f->why ? 0 : -ENOMEM;
	}
	return 0;
}

/* Takes the descriptor, also when it fails. */
static int add_fd(struct lp_inventory *inv, int fd_taken, const char *path, const char *root,
		  struct lp_file **ret, struct lp_err *err)
{
	lp_auto(lp_close) int fd = fd_taken;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return lp_err_set(err, errno, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return lp_err_set(err, ENOEXEC, "%s: not a regular file", path);

	lp_vec_each (&inv->files, known) {
		if ((*known)->dev == st.st_dev && (*known)->ino == st.st_ino) {
			*ret = *known;
			return 0;
		}
	}

	lp_auto(file_free) struct lp_file *f = NULL;
	int r = file_new(fd, path, &st, &f, err);
	if (r < 0)
		return r;
	fd = -1;
	if (open_module(f, root) < 0 || lp_vec_push(&inv->files, f) < 0)
		return lp_err_nomem(err);
	*ret = lp_take(f);
	return 0;
}

int lp_inventory_add_file(struct lp_inventory *inv, const char *path, struct lp_file **ret,
			  struct lp_err *err)
{
	struct lp_file *f;

	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return lp_err_set(err, errno == EPERM ? EACCES : errno, "%s: %s", path,
				  strerror(errno));
	int r = add_fd(inv, fd, path, "", &f, err);
	if (r < 0)
		return r;
	if (!f->module)
		return lp_err_set(err, ENOEXEC, "%s: %s", path, f->why);
	*ret = f;
	return 0;
}

/* One that runs but can't be read is kept, to say so. */
static int add_unreadable(struct lp_inventory *inv, const struct lp_map *m, struct lp_file **ret,
			  struct lp_err *err)
{
	const struct stat st = { .st_dev = m->dev, .st_ino = m->ino };
	lp_auto(file_free) struct lp_file *f = NULL;

	int r = file_new(-1, m->path, &st, &f, err);
	if (r < 0)
		return r;
	f->why = strdup("replaced since it was loaded; reading the loaded one needs "
			"CAP_CHECKPOINT_RESTORE");
	if (!f->why || lp_vec_push(&inv->files, f) < 0)
		return lp_err_nomem(err);
	*ret = lp_take(f);
	return 0;
}

static int add_map(struct lp_inventory *inv, struct lp_proc *p, const struct lp_map *m,
		   const char *root, struct lp_err *err)
{
	struct lp_file *f = find_alias(inv, m->dev, m->ino);

	if (!f) {
		struct lp_err why = { 0 };
		int fd = lp_process_open_map(p->info.pid, m, &why);
		int r = fd >= 0	       ? add_fd(inv, fd, m->path, root, &f, err)
			: fd == -EPERM ? add_unreadable(inv, m, &f, err)
				       : lp_err_set(err, -fd, "%s", why.msg);
		if (r < 0)
			return r;
		struct lp_file_alias alias = { .dev = m->dev, .ino = m->ino, .file = f };
		if (lp_vec_push(&inv->aliases, alias) < 0)
			return lp_err_nomem(err);
	}
	struct lp_mapping mapping = {
		.start = m->start, .end = m->end, .offset = m->offset, .file = f
	};
	return lp_vec_push(&p->maps, mapping) < 0 ? lp_err_nomem(err) : 0;
}

static void find_exe(struct lp_inventory *inv, struct lp_proc *p)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)p->info.pid);
	if (stat(path, &st) < 0)
		return;
	lp_vec_each (&inv->files, f)
		if ((*f)->dev == st.st_dev && (*f)->ino == st.st_ino)
			p->exe = *f;
}

/* A file that can't be opened is left out: it is code that no logpoint can be put into, and the
 * others must not suffer. The executable's error is the caller's to see.
 */
static int scan(struct lp_inventory *inv, struct lp_proc *p, struct lp_err *err)
{
	lp_auto(lp_maps_done) struct lp_maps maps = { 0 };
	struct lp_err first = { 0 };
	char root[64];

	int r = lp_maps_read(p->info.pid, &maps, err);
	if (r < 0)
		return r;
	lp_process_root(p->info.pid, root);
	if (!maps.all.len) /* it ends: what it had mapped is what its last records are about */
		return 0;

	p->maps.len = 0;
	p->exe = NULL;
	lp_vec_each (&maps.all, m) {
		struct lp_err why = { 0 };

		if (!lp_map_is_code(m))
			continue;
		r = add_map(inv, p, m, root, &why);
		if (r == -ENOMEM)
			return lp_err_nomem(err);
		if (r < 0 && !first.code)
			first = why;
	}
	find_exe(inv, p);
	if (!p->maps.len && first.code) {
		if (err)
			*err = first;
		return -first.code;
	}
	return 0;
}

/* Index of the first process whose pid is not less. */
static size_t proc_index(const struct lp_inventory *inv, pid_t pid)
{
	return lp_partition_point(inv->procs.len, i, inv->procs.data[i]->info.pid < pid);
}

struct lp_proc *lp_inventory_process(struct lp_inventory *inv, pid_t pid)
{
	size_t i = proc_index(inv, pid);

	return i < inv->procs.len && inv->procs.data[i]->info.pid == pid ? inv->procs.data[i]
									 : NULL;
}

bool lp_inventory_ended(struct lp_inventory *inv, pid_t pid)
{
	const struct lp_proc *p = lp_inventory_process(inv, pid);
	struct pollfd poll_for = { .fd = p ? p->pidfd : -1, .events = POLLIN };

	return !p || p->pidfd < 0 || poll(&poll_for, 1, 0) > 0;
}

/* Takes the process, also when it fails. */
static int insert(struct lp_inventory *inv, struct lp_proc *taken, struct lp_err *err)
{
	lp_auto(proc_free) struct lp_proc *p = taken;

	if (lp_vec_reserve(&inv->procs, inv->procs.len + 1) < 0)
		return lp_err_nomem(err);
	size_t i = proc_index(inv, p->info.pid);
	memmove(inv->procs.data + i + 1, inv->procs.data + i,
		(inv->procs.len - i) * sizeof(*inv->procs.data));
	inv->procs.len++;
	inv->procs.data[i] = lp_take(p);
	return 0;
}

int lp_inventory_add_process(struct lp_inventory *inv, pid_t pid, struct lp_proc **ret,
			     struct lp_err *err)
{
	struct lp_proc *known = lp_inventory_process(inv, pid);

	if (known) {
		*ret = known;
		return scan(inv, known, err);
	}

	lp_auto(proc_free) struct lp_proc *p = proc_new(pid);
	if (!p)
		return lp_err_nomem(err);
	int r = lp_process_check(pid, &p->info, err);
	if (r < 0)
		return r;
	p->pidfd = r = lp_process_pidfd(pid, err);
	if (r < 0)
		return r;
	r = scan(inv, p, err);
	if (r < 0)
		return r;

	*ret = p;
	return insert(inv, lp_take(p), err);
}

int lp_inventory_add_forked(struct lp_inventory *inv, pid_t pid, pid_t parent_pid,
			    struct lp_err *err)
{
	const struct lp_proc *parent = lp_inventory_process(inv, parent_pid);
	lp_auto(proc_free) struct lp_proc *p = proc_new(pid);

	if (!p)
		return lp_err_nomem(err);
	if (!parent || lp_inventory_process(inv, pid))
		return lp_err_set(err, ESRCH, "process %d: nothing is known of it", (int)pid);
	p->info = parent->info;
	p->info.pid = pid;
	p->info.parent = parent_pid;
	p->exe = parent->exe;
	lp_vec_each (&parent->maps, m)
		if (lp_vec_push(&p->maps, *m) < 0)
			return lp_err_nomem(err);
	return insert(inv, lp_take(p), err);
}

static struct lp_file *find_file(struct lp_inventory *inv, dev_t dev, ino_t ino)
{
	lp_vec_each (&inv->files, f)
		if ((*f)->dev == dev && (*f)->ino == ino)
			return *f;
	return find_alias(inv, dev, ino);
}

void lp_inventory_note_map(struct lp_inventory *inv, pid_t pid, const struct lp_crash_map *m)
{
	const dev_t dev = makedev(m->dev >> 20, m->dev & 0xfffff);
	struct lp_mapping mapping = { .start = m->start,
				      .end = m->end,
				      .offset = m->offset,
				      .file = find_file(inv, dev, m->ino) };
	struct lp_proc *p = lp_inventory_process(inv, pid);

	if (!mapping.file || (p && lp_proc_mapping(p, m->start)))
		return;
	if (!p) {
		p = proc_new(pid);
		if (!p || insert(inv, p, NULL) < 0)
			return;
	}
	lp_vec_push(&p->maps, mapping);
}

void lp_inventory_remove_process(struct lp_inventory *inv, pid_t pid)
{
	size_t i = proc_index(inv, pid);

	if (i == inv->procs.len || inv->procs.data[i]->info.pid != pid)
		return;
	proc_free(inv->procs.data[i]);
	inv->procs.len--;
	memmove(inv->procs.data + i, inv->procs.data + i + 1,
		(inv->procs.len - i) * sizeof(*inv->procs.data));
}

const struct lp_mapping *lp_proc_mapping(const struct lp_proc *p, uint64_t addr)
{
	lp_vec_each (&p->maps, m)
		if (addr >= m->start && addr < m->end)
			return m;
	return NULL;
}

uint64_t lp_mapping_vaddr(const struct lp_mapping *m, uint64_t addr)
{
	return addr - lp_module_bias(m->file->module, m->start, m->offset);
}

bool lp_inventory_in_use(const struct lp_inventory *inv, const struct lp_file *f)
{
	lp_vec_each (&inv->procs, p)
		lp_vec_each (&(*p)->maps, m)
			if (m->file == f)
				return true;
	return false;
}
