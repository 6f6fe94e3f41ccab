// SPDX-License-Identifier: GPL-2.0-only
#include "sink/sink.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>

#include "sink/formats.h"

/* Bytes that are written at once. Who reads a pipe may be slow, and nothing is collected meanwhile; of a file the page
 * that each write ends in costs the kernel as much as some others.
 */
#define FLUSH_AT      (64u << 10)
#define FLUSH_FILE_AT (512u << 10)

static const struct lp_sink_ops *const formats[] = { &lp_sink_text, &lp_sink_json };

static const struct lp_sink_ops *find_ops(const char *name, size_t len)
{
	for (size_t i = 0; i < LP_ARRAY_SIZE(formats); i++)
		if (strlen(formats[i]->name) == len && !memcmp(formats[i]->name, name, len))
			return formats[i];
	return NULL;
}

static int unknown_format(const char *spec, struct lp_err *err)
{
	char known[200] = "";

	for (size_t i = 0; i < LP_ARRAY_SIZE(formats); i++) {
		size_t at = strlen(known);
		snprintf(known + at, sizeof(known) - at, "%s%s", i ? ", " : "", formats[i]->name);
	}
	return lp_err_set(err, EINVAL, "unknown format '%s' (there are: %s)", spec, known);
}

int lp_sink_new(const char *spec, int fd, bool color, struct lp_sink **ret, struct lp_err *err)
{
	const char *arg = strchrnul(spec, ':');
	const struct lp_sink_ops *ops = find_ops(spec, (size_t)(arg - spec));

	if (!ops)
		return unknown_format(spec, err);

	lp_auto(lp_sink_free) struct lp_sink *s = calloc(1, sizeof(*s) + ops->state_size);
	if (!s)
		return lp_err_nomem(err);
	struct stat st;

	s->ops = ops;
	s->fd = fd;
	s->flush_at = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? FLUSH_FILE_AT : FLUSH_AT;
	s->color = color;

	int r = ops->open(s, *arg ? arg + 1 : NULL, err);
	if (r < 0)
		return lp_err_wrap(err, r, "format '%s'", ops->name);
	*ret = lp_take(s);
	return 0;
}

void lp_sink_free(struct lp_sink *s)
{
	if (!s)
		return;
	s->ops->close(s);
	lp_buf_done(&s->out);
	lp_vec_done(&s->ends);
	lp_keep_done(&s->kept);
	lp_late_done(&s->late);
	free(s);
}

/* What was written goes; a record stays until its last byte is. */
static void drop(struct lp_sink *s, size_t done)
{
	size_t gone = 0;

	while (gone < s->ends.len && s->ends.data[gone].at <= done)
		gone++;
	s->ends.len -= gone;
	for (size_t i = 0; i < s->ends.len; i++) {
		s->ends.data[i] = s->ends.data[i + gone];
		s->ends.data[i].at -= done;
	}
	if (done == s->out.len) {
		lp_buf_clear(&s->out);
	} else {
		memmove(s->out.data, s->out.data + done, s->out.len - done);
		s->out.len -= done;
	}
}

/* Writes all of out; what an error leaves unwritten stays there. */
static int write_out(struct lp_sink *s, struct lp_err *err)
{
	size_t done = 0;
	int r = 0;

	while (done < s->out.len) {
		ssize_t n = write(s->fd, s->out.data + done, s->out.len - done);

		if (n >= 0) {
			done += (size_t)n;
		} else if (errno == EAGAIN) {
			struct pollfd p = { .fd = s->fd, .events = POLLOUT };
			poll(&p, 1, -1);
		} else if (errno != EINTR) {
			r = lp_err_set(err, errno, "cannot write output: %s", strerror(errno));
			s->broken = true;
			break;
		}
	}
	drop(s, done);
	return r;
}

/* No half record. */
static void take_back(struct lp_sink *s, size_t start)
{
	s->out.len = start;
	s->out.failed = false;
}

/* Appends a record to out. */
static int render(struct lp_sink *s, const struct lp_event *ev, struct lp_err *err)
{
	size_t start = s->out.len;

	if (s->broken)
		return lp_err_set(err, EIO, "output cannot be written any more");
	int r = s->ops->emit(s, ev, err);
	if (r >= 0 && s->out.failed)
		r = lp_err_nomem(err);
	if (r < 0)
		take_back(s, start);
	return r;
}

/* What was appended from start on is a record, and goes out. */
static int queue(struct lp_sink *s, size_t start, uint32_t point, struct lp_err *err)
{
	struct lp_sink_end end = { .at = s->out.len, .point = point };

	if (s->out.failed || lp_vec_push(&s->ends, end) < 0) {
		take_back(s, start);
		return lp_err_nomem(err);
	}
	int r = s->out.len >= s->flush_at ? write_out(s, err) : 0;
	if (r < 0)
		s->ends.len--; /* what could not be written is the caller's, who is told so */
	return r;
}

int lp_sink_emit(struct lp_sink *s, const struct lp_event *ev, struct lp_err *err)
{
	size_t start = s->out.len;
	int r = render(s, ev, err);

	return r < 0 ? r : queue(s, start, ev->point, err);
}

int lp_sink_flush(struct lp_sink *s, struct lp_err *err)
{
	if (s->broken)
		return 0;
	int r = s->ops->flush(s, err);
	return r < 0 ? r : write_out(s, err);
}

int lp_sink_keep_last(struct lp_sink *s, size_t size, struct lp_err *err)
{
	lp_keep_done(&s->kept);
	return lp_keep_init(&s->kept, size, err);
}

static bool has_room(const struct lp_sink *s, size_t len)
{
	const size_t used = lp_late_used(&s->late);

	return !used || (used <= s->kept.size && s->kept.used <= s->kept.size - used &&
			 len <= s->kept.size - used - s->kept.used);
}

int lp_sink_keep(struct lp_sink *s, const struct lp_event *ev, bool waits, struct lp_err *err)
{
	size_t start = s->out.len;
	int r = render(s, ev, err);

	if (r < 0)
		return r;

	const char *bytes = s->out.data + start;
	const size_t len = s->out.len - start;
	if (!waits)
		r = lp_keep_add(&s->kept, ev->point, bytes, len);
	else
		r = has_room(s, len) ? lp_late_add(&s->late, ev->point, bytes, len) : -EAGAIN;
	take_back(s, start);
	return r == -ENOMEM ? lp_err_nomem(err) : r;
}

struct dump {
	struct lp_sink *s;
	uint64_t n;
	int failed; /* the first error; what comes after it stays kept */
	struct lp_err *err;
};

static bool dump_one(void *arg, uint32_t point, const struct iovec bytes[2])
{
	struct dump *d = arg;
	size_t start = d->s->out.len;

	if (d->failed)
		return false;
	for (int i = 0; i < 2; i++)
		lp_buf_add(&d->s->out, bytes[i].iov_base, bytes[i].iov_len);
	d->failed = queue(d->s, start, point, d->err);
	d->n += !d->failed;
	return !d->failed;
}

void lp_sink_dump_begin(struct lp_sink *s, const struct lp_keep_choice *choice)
{
	lp_keep_take_begin(&s->kept, choice);
}

int lp_sink_dump(struct lp_sink *s, size_t bytes, uint64_t *ret_n, bool *ret_more,
		 struct lp_err *err)
{
	struct dump d = { .s = s, .err = err };

	*ret_n = 0;
	*ret_more = false;
	if (s->broken)
		d.failed = lp_err_set(err, EIO, "output cannot be written any more");
	*ret_more = lp_keep_take(&s->kept, bytes, dump_one, &d);
	if (d.failed && *ret_more) /* the others stay, too */
		*ret_more = lp_keep_take(&s->kept, SIZE_MAX, dump_one, &d);
	*ret_n = d.n;
	return d.failed;
}

bool lp_sink_waiting(const struct lp_sink *s, uint32_t *ret_point)
{
	struct lp_late_record first;

	if (!lp_late_at(&s->late, 0, &first))
		return false;
	*ret_point = first.point;
	return true;
}

int lp_sink_next(struct lp_sink *s, bool emitted, struct lp_err *err)
{
	struct lp_late_record first;
	size_t start = s->out.len;
	int r = 0;

	if (!lp_late_at(&s->late, 0, &first))
		return 0;
	if (!emitted) {
		if (lp_keep_add(&s->kept, first.point, first.data, first.len) < 0)
			return lp_err_nomem(err);
	} else if (s->broken) {
		r = lp_err_set(err, EIO, "output cannot be written any more");
	} else {
		lp_buf_add(&s->out, first.data, first.len);
		r = queue(s, start, first.point, err);
	}
	if (r >= 0)
		lp_late_drop(&s->late);
	return r;
}

uint64_t lp_sink_overwritten(const struct lp_sink *s, uint32_t point)
{
	return lp_keep_records(&s->kept, point).overwritten;
}

uint64_t lp_sink_unwritten(const struct lp_sink *s, uint32_t point)
{
	uint64_t n = lp_keep_records(&s->kept, point).kept;
	struct lp_late_record r;

	lp_vec_each (&s->ends, end)
		n += end->point == point;
	for (size_t at = 0; lp_late_at(&s->late, at, &r); at = lp_late_next(at, &r))
		n += r.point == point;
	return n;
}

int lp_sink_open_plain(struct lp_sink *s, const char *arg, struct lp_err *err)
{
	(void)s;
	if (arg)
		return lp_err_set(err, EINVAL, "takes no argument '%s'", arg);
	return 0;
}

int lp_sink_flush_plain(struct lp_sink *s, struct lp_err *err)
{
	(void)s, (void)err;
	return 0;
}
