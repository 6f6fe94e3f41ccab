// SPDX-License-Identifier: GPL-2.0-only
/* The folder, and which copies are in it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

#include "base/log.h"
#include "native/digest.h"
#include "native/unpacked_impl.h"

#define DIGEST_MIN 4096
#define SETTLED	   60 /* seconds after which the kernel has written a copy's data, or nearly */

static void closedir_cleanup(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static bool is_mine(const struct stat *st)
{
	return st->st_uid == geteuid() && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

/* A folder of the user's in another one. -errno. */
static int open_folder(int at, const char *path, int flags)
{
	struct stat st;

	lp_auto(lp_close) int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	return st.st_uid == geteuid() ? lp_take_fd(&fd) : -EPERM;
}

/* The same, made if it is not there. */
static int make_folder(int at, const char *path, int flags, bool make)
{
	if (make && mkdirat(at, path, 0700) < 0 && errno != EEXIST && errno != EROFS)
		return -errno;
	return open_folder(at, path, flags);
}

/* The one of the copies: nobody else can write there. */
static int open_cache(int at, const char *path, bool make)
{
	lp_auto(lp_close) int fd = make_folder(at, path, O_NOFOLLOW, make);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fd < 0 ? fd : -errno;
	return is_mine(&st) ? lp_take_fd(&fd) : -EPERM;
}

static void current_boot(char *buf, size_t size)
{
	lp_auto(lp_close) int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	const ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

	buf[n > 0 ? n : 0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
}

/* That of the original stays with a copy that nobody writes to; when it was read last is ours to say. */
static int stamp(int copy, const struct lp_unpacked_plan *p)
{
	struct timespec times[] = { { 0 }, p->st.st_ctim };

	clock_gettime(CLOCK_REALTIME, &times[0]); /* UTIME_NOW is as coarse as the kernel's ticks */
	return futimens(copy, times) < 0 ? -errno : 0;
}

static int put_mark(int copy, const struct lp_unpacked_plan *p, uint64_t digest, const char *boot)
{
	struct lp_unpacked_mark mark;

	lp_unpacked_mark_init(&mark, p, digest, boot);
	int r = lp_unpacked_pwrite(copy, &mark, sizeof(mark), p->mark_at);
	return r < 0 ? r : stamp(copy, p);
}

static bool has_same(int copy, const void *wanted, size_t len, uint64_t at)
{
	lp_auto(lp_free) void *have = malloc(len);

	return have && lp_unpacked_pread(copy, have, len, at) == 0 && !memcmp(have, wanted, len);
}

/* Whole, not written to since, and not from before a crash. */
static bool is_good(int copy, const struct stat *st, const struct lp_unpacked_plan *p)
{
	struct lp_unpacked_mark have, wanted;
	char boot[sizeof(have.boot)];

	if (!S_ISREG(st->st_mode) || !is_mine(st) ||
	    memcmp(&st->st_mtim, &p->st.st_ctim, sizeof(st->st_mtim)) != 0 ||
	    lp_unpacked_pread(copy, &have, sizeof(have), p->mark_at) < 0)
		return false;
	if ((uint64_t)st->st_size - p->size != have.digest)
		return false;
	have.boot[sizeof(have.boot) - 1] = '\0';
	current_boot(boot, sizeof(boot));
	if (have.boot[0] && strcmp(have.boot, boot) != 0)
		return false;
	lp_unpacked_mark_init(&wanted, p, have.digest, have.boot);
	return !memcmp(&have, &wanted, sizeof(have)) &&
	       has_same(copy, &p->header, sizeof(p->header), 0) &&
	       has_same(copy, p->sections.data, p->sections.len * sizeof(*p->sections.data),
			p->sections_at);
}

/* Once its data is on the disk a copy is good for ever. What fails here leaves it as it was, or bad; one who looks between the
 * two steps takes it for bad, and makes another.
 */
static void settle(int copy, const struct stat *st, const struct lp_unpacked_plan *p)
{
	struct lp_unpacked_mark have;

	if (lp_unpacked_pread(copy, &have, sizeof(have), p->mark_at) == 0 && have.boot[0] &&
	    time(NULL) - st->st_ctim.tv_sec > SETTLED && fdatasync(copy) == 0)
		put_mark(copy, p, have.digest, "");
	else
		stamp(copy, p);
}

/* -ENOENT: there is none, or no longer, as it was damaged. */
static int find_copy(int folder, const struct lp_unpacked_plan *p)
{
	const int flags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	lp_auto(lp_close) int copy = openat(folder, p->name, O_RDWR | flags);
	struct stat st;

	if (copy < 0 && errno == EROFS)
		copy = openat(folder, p->name, O_RDONLY | flags);
	if (copy < 0)
		return -errno;
	if (fstat(copy, &st) < 0 || !is_good(copy, &st, p)) {
		lp_info("%s: the copy in the cache is damaged", p->name);
		return unlinkat(folder, p->name, 0) < 0 ? -errno : -ENOENT;
	}
	settle(copy, &st, p);
	return lp_take_fd(&copy);
}

struct kept {
	char *name;
	struct timespec used;
	uint64_t size;
};

struct kept_list {
	LP_VEC(struct kept);
	uint64_t total;
};

static void kept_done(struct kept_list *l)
{
	lp_vec_each (l, k)
		free(k->name);
	lp_vec_done(l);
}
LP_CLEANUP_DONE(struct kept_list, kept_done)

static int read_folder(int folder, struct kept_list *ret)
{
	lp_auto(lp_close) int fd = openat(folder, ".", O_RDONLY | O_CLOEXEC);
	lp_auto(closedir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (!dir)
		return -errno;
	lp_take_fd(&fd);
	while ((e = readdir(dir))) {
		const char *end = strrchr(e->d_name, '.');
		struct stat st;

		if (!end || strcmp(end, LP_UNPACKED_SUFFIX) != 0 ||
		    fstatat(folder, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		/* what it takes on the disk: there are holes in it */
		const struct kept k = { strdup(e->d_name), st.st_atim,
					(uint64_t)st.st_blocks * 512 };
		if (!k.name || lp_vec_push(ret, k) < 0) {
			free(k.name);
			return -ENOMEM;
		}
		ret->total += k.size;
	}
	return 0;
}

static int by_use(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;

	if (x->used.tv_sec != y->used.tv_sec)
		return x->used.tv_sec < y->used.tv_sec ? -1 : 1;
	return x->used.tv_nsec < y->used.tv_nsec ? -1 : x->used.tv_nsec > y->used.tv_nsec;
}

/* Removes copies until there is room for one of that size. */
static int make_room(int folder, uint64_t size, uint64_t total)
{
	lp_auto(kept_done) struct kept_list all = { 0 };
	struct statvfs fs;

	if (size > total)
		return -EFBIG;
	/* never more than half of what is free */
	if (fstatvfs(folder, &fs) < 0)
		return -errno;
	if (size / fs.f_frsize > fs.f_bavail / 2)
		return -ENOSPC;
	int r = read_folder(folder, &all);
	if (r < 0)
		return r;
	if (all.len > 0)
		qsort(all.data, all.len, sizeof(*all.data), by_use);
	for (size_t i = 0; i < all.len && all.total > total - size; i++) {
		if (unlinkat(folder, all.data[i].name, 0) < 0)
			return -errno;
		all.total -= all.data[i].size;
	}
	return 0;
}

/* A digest takes a few hundredths of what is decompressed, of a small file rather more. */
static uint64_t longest_digest(const struct lp_unpacked_plan *p)
{
	return p->size / 8 + DIGEST_MIN;
}

/* At most. */
static uint64_t size_on_disk(const struct lp_unpacked_plan *p)
{
	uint64_t size = sizeof(struct lp_unpacked_mark) + longest_digest(p);

	lp_vec_each (&p->parts, part)
		size += part->size;
	return size;
}

/* A copy is as good without one. */
static int add_digest(int copy, const struct lp_unpacked_plan *p, uint64_t *ret_len)
{
	const int r = lp_digest_write(copy, p->size, longest_digest(p), ret_len);

	if (r == 0)
		return 0;
	lp_info("%s: no digest of the copy: %s", p->name, strerror(-r));
	*ret_len = 0;
	return ftruncate(copy, (off_t)p->size) < 0 ? -errno : 0;
}

static int make_copy(int folder, const struct lp_unpacked_plan *p, uint64_t total)
{
	char boot[sizeof(((struct lp_unpacked_mark *)0)->boot)], path[64];
	uint64_t digest = 0;

	int r = make_room(folder, size_on_disk(p), total);
	if (r < 0)
		return r;
	lp_auto(lp_close) int copy = openat(folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (copy < 0)
		return -errno;
	r = lp_unpacked_write(p, copy);
	current_boot(boot, sizeof(boot));
	if (r == 0)
		r = add_digest(copy, p, &digest);
	if (r == 0)
		r = put_mark(copy, p, digest, boot);
	if (r < 0)
		return r;
	/* without a name it serves this process alone; so it does where another was quicker */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", copy);
	if (boot[0])
		linkat(AT_FDCWD, path, folder, p->name, AT_SYMLINK_FOLLOW);
	return lp_take_fd(&copy);
}

static int find_or_make(int folder, const struct lp_unpacked_plan *p, const char *path,
			const struct lp_unpacked_opts *opts)
{
	if (folder < 0)
		return folder;

	int copy = find_copy(folder, p);
	if (copy >= 0 && opts->make) {
		lp_info("%s: debug information without compression from the cache", path);
	} else if (copy == -ENOENT && opts->make) {
		copy = make_copy(folder, p, opts->total);
		if (copy >= 0)
			lp_info("%s: debug information decompressed into the cache (%llu MiB)",
				path, (unsigned long long)(size_on_disk(p) >> 20));
	}
	return copy;
}

static int serve(int folder, const struct lp_unpacked_plan *p, const char *path,
		 const struct lp_unpacked_opts *opts)
{
	const int copy = find_or_make(folder, p, path, opts);

	if (copy < 0 && opts->make)
		lp_info("%s: no copy without compression in the cache: %s", path, strerror(-copy));
	return copy < 0 ? -1 : copy;
}

int lp_unpacked_open(int fd, const char *path, const struct lp_unpacked_opts *opts)
{
	lp_auto(lp_unpacked_plan_done) struct lp_unpacked_plan plan = { 0 };

	if (lp_unpacked_plan_init(&plan, fd, opts->min) < 0)
		return -1;
	lp_auto(lp_close) int folder = open_cache(AT_FDCWD, opts->folder, opts->make);
	return serve(folder, &plan, path, opts);
}

/* -errno */
static int default_folder(bool make)
{
	const char *named = getenv("LOGPOINT_CACHE"), *base = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	lp_auto(lp_close) int in = -1;

	if (named)
		return *named ? open_cache(AT_FDCWD, named, make) : -ENOENT;
	if (base && base[0] == '/') {
		in = make_folder(AT_FDCWD, base, 0, make);
	} else {
		lp_auto(lp_close) int at =
			home && home[0] == '/' ? open_folder(AT_FDCWD, home, 0) : -ENOENT;

		in = at < 0 ? at : make_folder(at, ".cache", 0, make);
	}
	return in < 0 ? in : open_cache(in, "logpoint", make);
}

int lp_unpacked_open_default(int fd, const char *path, bool make)
{
	const struct lp_unpacked_opts opts = { NULL, LP_UNPACKED_MIN, LP_UNPACKED_TOTAL, make };
	const char *named = getenv("LOGPOINT_CACHE");
	lp_auto(lp_unpacked_plan_done) struct lp_unpacked_plan plan = { 0 };

	if ((named && !*named) || lp_unpacked_plan_init(&plan, fd, opts.min) < 0)
		return -1;
	lp_auto(lp_close) int folder = default_folder(make);
	return serve(folder, &plan, path, &opts);
}

void lp_unpacked_state(struct lp_unpacked_state *ret)
{
	const char *named = getenv("LOGPOINT_CACHE");
	lp_auto(kept_done) struct kept_list all = { 0 };
	char link[64], path[PATH_MAX];

	*ret = (struct lp_unpacked_state){ 0 };
	lp_auto(lp_close) int folder = default_folder(false);
	int r = folder < 0 ? folder : read_folder(folder, &all);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", folder);
	const ssize_t n = r < 0 ? -1 : readlink(link, path, sizeof(path) - 1);
	if (n > 0)
		ret->folder = strndup(path, (size_t)n);
	if (!ret->folder)
		snprintf(ret->why, sizeof(ret->why), "%s",
			 named && !*named ? "LOGPOINT_CACHE is empty"
			 : r == -ENOENT	  ? "not made yet"
			 : r < 0	  ? strerror(-r)
					  : "has no name");
	ret->copies = all.len;
	ret->size = all.total;
}
