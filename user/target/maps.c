// SPDX-License-Identifier: GPL-2.0-only
#include "target/maps.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "target/procfs.h"

static const char deleted_suffix[] = " (deleted)";

void lp_maps_done(struct lp_maps *m)
{
	lp_vec_done(&m->all);
	lp_buf_done(&m->text);
}

/* A number of the given base that ends in `end`; moves *p behind it. */
static bool take_number(char **p, int base, char end, uint64_t *ret)
{
	uint64_t v = 0;
	char *c = *p;

	for (;; c++) {
		int digit = *c >= '0' && *c <= '9'   ? *c - '0'
			    : *c >= 'a' && *c <= 'f' ? *c - 'a' + 10
						     : -1;
		if (digit < 0 || digit >= base)
			break;
		if (__builtin_mul_overflow(v, (uint64_t)base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)digit, &v))
			return false;
	}
	if (c == *p || *c != end)
		return false;
	*p = c + 1;
	*ret = v;
	return true;
}

/* The kernel writes a newline within a path as \012, and nothing else so. */
static void unescape(char *path)
{
	char *to = path;

	for (const char *from = path; *from;) {
		if (!strncmp(from, "\\012", 4)) {
			*to++ = '\n';
			from += 4;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
}

static bool parse_line(char *p, struct lp_map *ret)
{
	struct lp_map m = { 0 };
	uint64_t major, minor, ino;

	if (!take_number(&p, 16, '-', &m.start) || !take_number(&p, 16, ' ', &m.end) ||
	    m.end <= m.start || strnlen(p, 5) < 5 || p[4] != ' ')
		return false;
	m.write = p[1] == 'w';
	m.exec = p[2] == 'x';
	p += 5;

	if (!take_number(&p, 16, ' ', &m.offset) || !take_number(&p, 16, ':', &major) ||
	    !take_number(&p, 16, ' ', &minor))
		return false;
	if (!take_number(&p, 10, ' ', &ino))
		return false;
	m.dev = makedev((unsigned int)major, (unsigned int)minor);
	m.ino = (ino_t)ino;

	p += strspn(p, " ");
	size_t len = strlen(p), tail = sizeof(deleted_suffix) - 1;
	if (len >= tail && !strcmp(p + len - tail, deleted_suffix)) {
		p[len - tail] = '\0';
		m.deleted = true;
	}
	unescape(p);
	m.path = p;
	*ret = m;
	return true;
}

int lp_maps_parse(struct lp_maps *m, struct lp_err *err)
{
	char *next;

	for (char *line = m->text.data; line && *line; line = next) {
		char *end = strchrnul(line, '\n');
		struct lp_map map;

		next = *end ? end + 1 : end;
		*end = '\0';
		if (!parse_line(line, &map))
			continue;
		if (lp_vec_push(&m->all, map) < 0)
			return lp_err_nomem(err);
	}
	return 0;
}

int lp_maps_read(pid_t pid, struct lp_maps *ret, struct lp_err *err)
{
	lp_auto(lp_maps_done) struct lp_maps m = { 0 };

	int r = lp_procfs_read(pid, "maps", &m.text, err);
	if (r < 0)
		return r;
	r = lp_maps_parse(&m, err);
	if (r < 0)
		return r;

	*ret = m;
	m = (struct lp_maps){ 0 };
	return 0;
}

int lp_maps_identify(int fd, dev_t *ret_dev, ino_t *ret_ino, struct lp_err *err)
{
	lp_auto(lp_maps_done) struct lp_maps maps = { 0 };
	void *at = mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0);

	if (at == MAP_FAILED)
		return lp_err_set(err, errno, "mmap: %s", strerror(errno));
	int r = lp_maps_read(getpid(), &maps, err);
	munmap(at, 1);
	if (r < 0)
		return r;
	lp_vec_each (&maps.all, m) {
		if (m->start > (uintptr_t)at || m->end <= (uintptr_t)at)
			continue;
		*ret_dev = m->dev;
		*ret_ino = m->ino;
		return 0;
	}
	return lp_err_set(err, ENOENT, "no mapping of our own file");
}

bool lp_map_is_code(const struct lp_map *m)
{
	return m->exec && m->ino && m->path[0] == '/';
}
